//! A run that others follow while it goes on: spans to a collector, and figures that Prometheus scrapes.
//!
//! The run hands each event on and goes on; folding and sending happen in a thread of their own, so that a slow collector
//! delays no turn. What the thread cannot take in time is left out and counted, never waited for.

use super::Failure;
use super::otlp::Sender;
use super::scrape::Scrape;
use crate::event::{Event, Mark, Tick};
use crate::measure::folder::header_and_scenario;
use crate::measure::{Measurement, Plan, rows};
use crate::record::store::Header;
use crate::record::tap::Watcher;
use crate::report::export::{otlp, prometheus};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Events that may wait for the thread: those of some minutes.
const WAITING_MAX: usize = 65_536;

/// Whoever follows a run.
pub(super) struct Follow {
    sender: SyncSender<Event>,
    lost: Arc<AtomicU64>,
    thread: JoinHandle<Option<Failure>>,
}

/// Where to send what happened.
pub(super) struct To {
    /// The collector of spans.
    pub(super) collector: Option<String>,
    /// Who serves the figures.
    pub(super) scrape: Option<Scrape>,
}

impl Follow {
    /// Follows the run that is kept in `folder`.
    ///
    /// # Errors
    /// Fails if there is no collector.
    pub(super) fn start(to: To, folder: PathBuf) -> Result<Follow, Failure> {
        let collector = match &to.collector {
            Some(url) => {
                let mut sender = Sender::new(url)?;
                // Whether anybody is there is known before the conversation begins.
                sender.greet()?;
                Some(sender)
            }
            None => None,
        };
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("follow".into())
            .spawn(move || {
                Thread {
                    folder,
                    collector,
                    scrape: to.scrape,
                    events: Vec::new(),
                    plan: None,
                    sent: 0,
                    failure: None,
                }
                .run(&receiver)
            });
        Ok(Follow {
            sender,
            lost: Arc::default(),
            thread: thread.map_err(Failure::unavailable)?,
        })
    }

    /// A watcher that hands events on, and shows them to another one.
    pub(super) fn watcher(&self, other: Watcher) -> Watcher {
        let (sender, lost) = (self.sender.clone(), self.lost.clone());
        Box::new(move |event| {
            if sender.try_send(event.clone()).is_err() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
            other(event);
        })
    }

    /// Waits until everything is sent. Fails with the first thing that went wrong.
    ///
    /// # Errors
    /// The text names the collector.
    pub(super) fn finish(self) -> Result<(), Failure> {
        drop(self.sender);
        let failure = self.thread.join().unwrap_or_default();
        let lost = self.lost.load(Ordering::Relaxed);
        match (failure, lost) {
            (Some(failure), _) => Err(failure),
            (None, 0) => Ok(()),
            (None, lost) => Err(Failure::Unavailable(format!(
                "{lost} events came faster than they could be sent and are missing among the spans; the run folder has all: voicesim report DIR --otlp"
            ))),
        }
    }
}

struct Thread {
    folder: PathBuf,
    collector: Option<Sender>,
    scrape: Option<Scrape>,
    events: Vec<Event>,
    plan: Option<(Plan, Header)>,
    /// Turns whose spans are sent.
    sent: usize,
    failure: Option<Failure>,
}

impl Thread {
    fn run(mut self, receiver: &Receiver<Event>) -> Option<Failure> {
        while let Ok(event) = receiver.recv() {
            let is_over = matches!(event.mark, Mark::SessionEnded { .. });
            let is_step = is_over || matches!(event.mark, Mark::ReplyEnded { .. } | Mark::NoReply);
            self.events.push(event);
            if is_step {
                self.step(is_over);
            }
            if is_over {
                break;
            }
        }
        let has_ended = |event: &Event| matches!(event.mark, Mark::SessionEnded { .. });
        // A run that failed or was stopped ends without a word.
        if !self.events.is_empty() && !self.events.iter().any(has_ended) {
            self.step(true);
        }
        self.failure
    }

    fn step(&mut self, is_over: bool) {
        if self.plan.is_none() {
            self.plan = plan(&self.folder);
        }
        let Some((plan, header)) = &self.plan else {
            return;
        };
        let rows = rows(&self.events, plan);
        // Rows that are planned and not begun are no turns yet, and the last one that has begun may still go on.
        let begun = rows.iter().rposition(|row| row.began.is_some());
        let complete = match is_over {
            true => rows.len(),
            false => begun.unwrap_or_default(),
        };
        if let Some(scrape) = &self.scrape {
            let last_is_answered = rows.get(complete).is_some_and(|row| row.e2e_ns.is_some());
            let shown = complete + usize::from(last_is_answered);
            let mut measured = Measurement::of_nothing();
            measured.add(&self.events, &rows[..shown.min(rows.len())]);
            measured.judge(&plan.budgets);
            scrape.show(prometheus::text(&header.name, &measured));
        }
        if let Some(collector) = &mut self.collector {
            let of = otlp::SpansOf::new(header, header.name.clone());
            let mut spans = of.turns(&rows, self.sent..complete, &self.events, plan);
            self.sent = self.sent.max(complete);
            if is_over {
                let end = self.events.last().map_or(Tick::ZERO, |last| last.tick);
                spans.push(of.whole(end));
            }
            if let Err(failure) = collector.send_all(&spans) {
                self.failure.get_or_insert(failure);
            }
        }
    }
}

fn plan(folder: &Path) -> Option<(Plan, Header)> {
    let (header, scenario) = header_and_scenario(folder).ok()?;
    Some((Plan::of(&scenario, header.rows_per), header))
}
