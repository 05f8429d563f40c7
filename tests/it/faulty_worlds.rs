//! Conversations in which anything may fail or hang at any time, with any cures for it: what holds of
//! every conversation holds of these.

use crate::properties::{check_events, hops_add_up};
use std::fmt::Write;
use std::path::Path;
use voicesim::event::{Event, Mark, Metric, SessionEnd, StageName, Tick, VisitId};
use voicesim::measure::{self, Measurement, Plan};
use voicesim::record::store::RowsPer;
use voicesim::rng::{Seed, Stream};
use voicesim::scenario::{self, Scenario};
use voicesim::sim::{Setting, Simulable};

/// Of everything that is made up here.
const MASTER: Seed = Seed(20_240_607);
const SCENARIOS: u64 = 100;
const CONVERSATIONS: u32 = 100;

/// Makes up a scenario, key by key.
pub(crate) struct Made {
    stream: Stream,
    pub(crate) text: String,
}

impl Made {
    /// A scenario of which nothing is made yet; each number gives another one.
    pub(crate) fn begun(of: &str, number: u64) -> Made {
        Made {
            stream: MASTER.stream(of, number, 0, "scenario"),
            text: format!("seed = {}\n", number + 1),
        }
    }

    pub(crate) fn between(&mut self, least: f64, most: f64) -> f64 {
        let number = least + (most - least) * self.stream.uniform();
        (number * 100.0).round() / 100.0
    }

    pub(crate) fn ms(&mut self, least: u64, most: u64) -> u64 {
        self.between(least as f64, most as f64) as u64
    }

    pub(crate) fn one_in(&mut self, n: f64) -> bool {
        self.stream.uniform() * n < 1.0
    }

    pub(crate) fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[(self.stream.uniform() * all.len() as f64) as usize]
    }

    pub(crate) fn add(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    pub(crate) fn latency(&mut self) -> String {
        let median = self.between(20.0, 900.0);
        match self.one_in(3.0) {
            true => format!("{{ fixed_ms = {median} }}"),
            false => {
                let p95 = median * self.between(1.1, 5.0);
                format!("{{ lognormal = {{ median_ms = {median}, p95_ms = {p95:.2} }} }}")
            }
        }
    }

    fn caller(&mut self) {
        let (patience, restarts) = (self.ms(0, 4_000), self.ms(0, 3));
        let rates = [8.0, 5.0, 5.0].map(|most| self.between(0.0, most));
        let policy = self.of(&["classifier", "vad_500ms", "min_words", "never", "always"]);
        let speculates = self.of(&["true", "true", "false"]);
        let silence = self.ms(150, 900);
        self.add(&format!(
            "[caller]\nquestions = 3\npause_every_s = 3.0\npatience = {{ fixed_ms = {patience} }}\nrestarts_max = {restarts}"
        ));
        for (key, rate) in ["backchannels", "interruptions", "noises"]
            .iter()
            .zip(rates)
        {
            self.add(&format!("{key}_per_minute = {rate}"));
        }
        self.add(&format!("[interruption]\npolicy = \"{policy}\""));
        self.add(&format!("[endpointing]\nsilence_ms = {silence}"));
        self.add(&format!("[speculation]\nenabled = {speculates}"));
        if self.one_in(4.0) {
            self.add("while_speaking_ms = 500");
        }
        if self.one_in(3.0) {
            let after = self.ms(100, 1_500);
            self.add(&format!("[filler]\nafter_ms = {after}"));
        }
        if self.one_in(2.0) {
            let preset = self.of(&["webrtc", "telephone", "lan"]);
            self.add(&format!("[network]\npreset = \"{preset}\""));
        }
    }

    fn engines(&mut self) {
        for stage in ["stt", "answer", "tts"] {
            let latency = self.latency();
            self.add(&format!(
                "[{stage}]\nengine = \"simulated\"\nlatency = {latency}"
            ));
        }
    }

    pub(crate) fn fault(&mut self) {
        let stage = self.of(&["stt", "answer", "tts", "network"]);
        self.add(&format!("[[fault]]\nstage = \"{stage}\""));
        let (from, span) = (self.between(0.0, 30.0), self.between(0.5, 30.0));
        let window = format!("from_s = {from}\nfor_s = {span}");
        if stage == "network" {
            let loss = self.between(0.05, 1.0);
            return self.add(&format!("loss = {loss}\n{window}"));
        }
        let ms = self.ms(0, 8_000);
        match self.of(&["delay", "stall", "error"]) {
            "delay" => self.add(&format!("delay_ms = {ms}")),
            "stall" => self.add(&format!("stall_ms = {ms}\nafter_outputs = {}", ms % 3)),
            _ => self.add(&format!(
                "error = \"out of order\"\nafter_outputs = {}",
                ms % 3
            )),
        }
        let probability = self.between(0.1, 1.0);
        self.add(&format!("probability = {probability}"));
        if self.one_in(2.0) {
            self.add(&window);
        }
    }

    pub(crate) fn cure(&mut self, stage: &str) {
        self.add(&format!("[cure.{stage}]"));
        let first = self.ms(200, 2_000);
        for (key, most) in [("output_timeout_ms", 2_000), ("retries", 4)] {
            if self.one_in(2.0) {
                let value = self.ms(1, most);
                self.add(&format!("{key} = {value}"));
            }
        }
        if self.one_in(1.5) {
            self.add(&format!("first_output_timeout_ms = {first}"));
        }
        if self.one_in(2.0) {
            let after = self.ms(0, first - 1);
            self.add(&format!("hedge_after_ms = {after}"));
        }
        if self.one_in(2.0) {
            let (failures, open) = (self.ms(1, 5), self.between(0.5, 20.0));
            self.add(&format!(
                "breaker = {{ failures = {failures}, open_s = {open} }}"
            ));
        }
        if self.one_in(2.0) {
            let latency = self.latency();
            self.add(&format!(
                "fallback = {{ engine = \"simulated\", latency = {latency} }}"
            ));
        }
    }
}

fn made(number: u64) -> String {
    let mut made = Made::begun("faulty worlds", number);
    made.caller();
    made.engines();
    for _ in 0..made.ms(1, 4) {
        made.fault();
    }
    for stage in ["stt", "answer", "tts"] {
        if made.one_in(1.4) {
            made.cure(stage);
        }
    }
    made.text
}

#[test]
fn ten_thousand_seeded_faulty_conversations_hold_every_invariant() {
    let mut all = Measurement::of_nothing();
    for number in 0..SCENARIOS {
        let text = made(number);
        let scenario = scenario::parse(Path::new("made-up.toml"), &text)
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        let simulable = Simulable::of(scenario).unwrap_or_else(|error| panic!("{error}"));
        let scenario = simulable.scenario();
        let setting = Setting::new(&simulable);
        let mut events = Vec::new();
        for conversation in 0..CONVERSATIONS {
            let held = setting.hold(conversation, events);
            let checked = held.map_err(|error| error.to_string()).and_then(|events| {
                let measured = check(scenario, &events)?;
                Ok((events, measured))
            });
            match checked {
                Ok((of_this, measured)) => {
                    events = of_this;
                    all.merge(&measured);
                    all.rows.clear();
                }
                Err(reason) => panic!("{reason}\n\n{text}\n{}", repeat(&text, conversation)),
            }
        }
    }
    all_of_it_happens(&all);
}

/// Writes the scenario down; how to have the conversation again.
fn repeat(text: &str, conversation: u32) -> String {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let file = folder.join("faulty.toml");
    std::fs::write(&file, text).expect("written");
    let seed = text.lines().next().and_then(|line| line.split("= ").nth(1));
    format!(
        "It is conversation {conversation} of:\nvoicesim simulate {} --seed {} --conversations {} --events all --out {}",
        file.display(),
        seed.unwrap_or("1"),
        conversation + 1,
        folder.join("out").display()
    )
}

pub(crate) fn check(scenario: &Scenario, events: &[Event]) -> Result<Measurement, String> {
    check_events(events).map_err(|error| error.to_string())?;
    it_ends_finished(events)?;
    nothing_is_put_out_before_it_is_asked_for(events)?;
    two_replies_are_never_audible_at_once(events)?;
    let measured = measure::measure(events, &Plan::of(scenario, RowsPer::Turn));
    hops_add_up(&measured.rows).map_err(|error| error.to_string())?;
    what_was_given_up_has_no_latency(events, &measured)?;
    Ok(measured)
}

fn it_ends_finished(events: &[Event]) -> Result<(), String> {
    let cause = SessionEnd::Finished;
    match events.last().map(|event| &event.mark) {
        Some(Mark::SessionEnded { cause: how }) if *how == cause => Ok(()),
        last => Err(format!("it ends with {last:?}")),
    }
}

fn nothing_is_put_out_before_it_is_asked_for(events: &[Event]) -> Result<(), String> {
    let mut entered: Vec<(VisitId, Tick)> = Vec::new();
    for event in events {
        match &event.mark {
            Mark::Enter { visit, .. } => entered.push((*visit, event.tick)),
            Mark::Output { visit, .. } | Mark::Exit { visit, .. } => {
                let of = entered.iter().find(|(other, _)| other == visit);
                if of.is_none_or(|(_, at)| *at > event.tick) {
                    return Err(format!("{visit:?} is answered before it is asked"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn two_replies_are_never_audible_at_once(events: &[Event]) -> Result<(), String> {
    let mut audible = None;
    for event in events {
        match &event.mark {
            Mark::Audible { .. } | Mark::ReplyResumed { .. } => {
                if let Some(other) = audible.filter(|turn| *turn != event.turn) {
                    return Err(format!("{:?} sounds over {other:?}", event.turn));
                }
                audible = Some(event.turn);
            }
            Mark::ReplyEnded { .. } if audible == Some(event.turn) => audible = None,
            _ => {}
        }
    }
    Ok(())
}

/// A stage has as many latencies at most as visits that put something out.
fn what_was_given_up_has_no_latency(
    events: &[Event],
    measured: &Measurement,
) -> Result<(), String> {
    for (stage, metric) in [
        (StageName::Answer, Metric::LlmTtft),
        (StageName::TextToSpeech, Metric::TtsTtfb),
        (StageName::SpeechToText, Metric::TranscriptionDelay),
    ] {
        let mut put_out: Vec<VisitId> = Vec::new();
        for event in events {
            match &event.mark {
                Mark::Output {
                    stage: of, visit, ..
                } if *of == stage => put_out.push(*visit),
                _ => {}
            }
        }
        put_out.sort_unstable();
        put_out.dedup();
        let summary = measured
            .metrics
            .get(&metric)
            .and_then(|waits| waits.answered().summary());
        let latencies = summary.map_or(0, |summary| summary.count);
        if latencies > put_out.len() as u64 {
            return Err(format!("{metric} of work that was given up"));
        }
    }
    Ok(())
}

/// A rule about what never comes up would hold of anything.
fn all_of_it_happens(all: &Measurement) {
    use voicesim::event::ResilienceStep::{FellBack, HedgeWon, Hedged, Refused, Retried, TimedOut};
    for stage in [
        StageName::SpeechToText,
        StageName::Answer,
        StageName::TextToSpeech,
    ] {
        for by in [TimedOut, Retried, Hedged, HedgeWon, Refused, FellBack] {
            let count = all.resilience.count(stage, by);
            assert!(count > 100, "{stage:?} was {by:?} {count} times");
        }
    }
    let counts = &all.interruptions;
    assert!(
        counts.failed_turns > 500 && counts.barge_ins > 100,
        "{counts:?}"
    );
    let answered = all.metrics[&Metric::E2eLatency]
        .summary()
        .expect("answered");
    assert!(all.exact == answered.count && answered.count > 5_000);
}
