//! The voice of a simulated caller: speaks and pauses for given lengths, and tells the pipeline what an ear
//! would have noticed of that. No sound is made or heard, so time passes from one event to the next.

use super::fated::Fate;
use super::words::Words;
use crate::audio;
use crate::clock::Clock;
use crate::ear::UtteranceOver;
use crate::ear::simulated::{Noticed, noticed};
use crate::event::{Mark, Tick, TurnId};
use crate::record::tap::Tap;
use crate::scenario::network::{Bursts, Crossing};
use crate::stage::queue;
use crate::stage::{SpeechActivity, SureVoice};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The pitch of a simulated caller in a recording, in Hz.
const PITCH_HZ: f64 = 150.0;

/// Something the caller says.
#[derive(Debug, Clone)]
pub(crate) struct Saying {
    /// When the caller speaks, counted from the beginning, in order; there are pauses in between.
    pub stretches: Vec<Range<Duration>>,
    /// The words. "…" or an empty text stands for words that nobody knows; white space for a noise without words.
    pub words: Arc<str>,
    /// How late the voice detector lets go after each stretch.
    pub ear_lag: Duration,
    /// After how long without a voice it notices a pause.
    pub ear_notice: Duration,
    /// How the words reach the ear over the network.
    pub network: Crossing,
    /// When the interruption policy stops an agent over whom it is said, counted from the onset; `None`
    /// if it does not. Only a simulated policy goes by this.
    pub stops_after: Option<Duration>,
    /// After which silence the endpointing policy takes each stretch for the last. Empty unless a simulated
    /// policy goes by this.
    pub commits_after: Vec<Duration>,
}

/// Speaks for a caller.
pub(crate) struct Voice {
    clock: Clock,
    tap: Tap,
    /// Tells that an utterance was committed, as the ear is told.
    over: UtteranceOver,
    /// Where the ear reports to. Dropping it ends the call.
    activity: queue::Sender<SpeechActivity>,
    fate: Fate,
    /// Losses of the network, which strike what is said.
    bursts: Bursts,
    /// Whether an utterance has begun.
    is_going: bool,
    no_words: Arc<str>,
}

/// The session is over: nobody listens any more.
pub(super) struct Ended;

/// Something that happens while a line is spoken.
enum Moment {
    Truth(Mark),
    Noticed(Noticed),
}

impl Voice {
    pub(crate) fn new(
        clock: Clock,
        tap: Tap,
        over: UtteranceOver,
        activity: queue::Sender<SpeechActivity>,
        fate: Fate,
        bursts: Bursts,
    ) -> Voice {
        Voice {
            clock,
            tap,
            over,
            activity,
            fate,
            bursts,
            is_going: false,
            no_words: Arc::from(""),
        }
    }

    /// Says it now; returns when it ended, as the caller knows.
    pub(super) async fn say(&mut self, saying: &Saying) -> Result<Tick, Ended> {
        let start = self.clock.now();
        self.fate.stops.set(saying.stops_after);
        let shifted = |by: Duration| -> Vec<Range<Tick>> {
            let shift = |stretch: &Range<Duration>| {
                start + (stretch.start + by)..start + (stretch.end + by)
            };
            saying.stretches.iter().map(shift).collect()
        };
        let speech = shifted(Duration::ZERO);
        self.record(&speech);
        let arriving = shifted(saying.network.takes(self.bursts.at(start)));
        let mut words = Words::new(&saying.words, &arriving, &self.no_words.clone());
        let is_voice = saying.words.is_empty() || !saying.words.trim().is_empty();
        let sure = |since, until| is_voice.then_some(SureVoice { since, until });
        // What the ear has taken in of the stretch it hears, if it hears one.
        let mut heard_until: Option<Tick> = None;
        // The beginning of that stretch.
        let mut since = start;
        for (at, moment) in moments(&speech, &arriving, (saying.ear_lag, saying.ear_notice)) {
            if let Some(before) = heard_until {
                let from = self.listen(before, at, &mut words).await?;
                since = if from == before { since } else { from };
                heard_until = Some(from);
            } else {
                self.clock.sleep_until(at).await;
            }
            match moment {
                Moment::Truth(mark) => self.tap.mark(TurnId(0), mark),
                Moment::Noticed(Noticed::Voice { onset }) => {
                    let is_new = self.over.take() || !self.is_going;
                    if is_new {
                        words.anew();
                    }
                    let audio = words.until(at, onset);
                    since = onset;
                    let sure = sure(onset, None);
                    if is_new {
                        self.report(SpeechActivity::Started { onset, audio, sure })
                            .await?;
                    } else {
                        self.report(SpeechActivity::Resumed { at: onset }).await?;
                        self.report(SpeechActivity::Going { audio, sure }).await?;
                    }
                    (self.is_going, heard_until) = (true, Some(at));
                }
                Moment::Noticed(Noticed::Pause { last_voiced }) => {
                    if let Some(from) = heard_until.take() {
                        let before = arriving.iter().filter(|it| it.start <= last_voiced);
                        let commits = saying.commits_after.get(before.count().saturating_sub(1));
                        self.fate.commits.set(commits.copied().unwrap_or_default());
                        let audio = words.until(last_voiced, from.min(last_voiced));
                        let sure = sure(since, Some(last_voiced));
                        self.report(SpeechActivity::Going { audio, sure }).await?;
                        self.report(SpeechActivity::Paused { last_voiced }).await?;
                    }
                }
            }
        }
        Ok(speech.last().map_or(start, |last| last.end))
    }

    /// Lets time pass to `until` while the ear hears a voice, since `from`. A voice that goes on
    /// over an endpoint (the utterance was too long) begins anew there. Returns when the voice began.
    async fn listen(
        &mut self,
        mut from: Tick,
        until: Tick,
        words: &mut Words<'_>,
    ) -> Result<Tick, Ended> {
        loop {
            tokio::select! {
                biased;
                () = self.clock.sleep_until(until) => return Ok(from),
                () = self.over.told() => {
                    self.over.take();
                    from = self.clock.now();
                    let audio = words.until(from, from);
                    let sure = Some(SureVoice { since: from, until: None });
                    self.report(SpeechActivity::Started { onset: from, audio, sure }).await?;
                }
            }
        }
    }

    async fn report(&self, activity: SpeechActivity) -> Result<(), Ended> {
        self.activity.send(activity).await.map_err(|_| Ended)
    }

    /// What simulated speech sounds like in a recording of the conversation.
    fn record(&self, speech: &[Range<Tick>]) {
        if self.tap.keeps_audio() {
            for Range { start, end } in speech {
                let hum = audio::hum(end.since(*start), PITCH_HZ);
                self.tap.caller_audio(*start, &hum);
            }
        }
    }
}

/// What happens while `speech` is spoken, which the ear hears as `arriving`, in order, with its lag and the time after which
/// it notices a pause.
fn moments(
    speech: &[Range<Tick>],
    arriving: &[Range<Tick>],
    ear: (Duration, Duration),
) -> Vec<(Tick, Moment)> {
    let mut moments: Vec<(Tick, Moment)> = Vec::with_capacity(6 * speech.len());
    for Range { start, end } in speech {
        let (started, ended) = (
            Mark::CallerSpeechStarted { at: *start },
            Mark::CallerSpeechEnded {
                at: *end,
                doubt: None,
            },
        );
        moments.push((*start, Moment::Truth(started)));
        moments.push((*end, Moment::Truth(ended)));
    }
    let (truly, heard) = (speech.last(), arriving.last());
    if let (Some(truly), Some(heard)) = (truly, heard)
        && heard.end != truly.end
    {
        let arrived = Mark::CallerSpeechArrived { at: heard.end };
        moments.push((heard.end, Moment::Truth(arrived)));
    }
    let noticed = noticed(arriving, ear).into_iter();
    moments.extend(noticed.map(|(at, what)| (at, Moment::Noticed(what))));
    moments.sort_by_key(|(at, _)| *at);
    moments
}
