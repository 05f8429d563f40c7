//! Calls whose distribution is known, to see what a comparison makes of them.
//!
//! A question is answered after 700 ms of endpointing and three lognormal stages with p50 and p95 of 247 and 298,
//! 400 and 600, 190 and 260 ms, as a voice pipeline has them. All three are longer or shorter by what the turns of
//! a conversation have in common.

use std::path::Path;
use voicesim::compare::{Comparison, Effort, Settings, Verdict, compare};
use voicesim::event::{Expect, Metric};
use voicesim::measure::folder::{Folder, MeasuredRun, Results};
use voicesim::measure::{HopSpans, Measurement, Outcome, Reason, Row};
use voicesim::record::store::Header;
use voicesim::rng::{Seed, Stream};
use voicesim::scenario::ScenarioFile;

#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub conversations: u64,
    /// Of each conversation.
    pub questions: u32,
    /// Sigma of the logarithm of what its turns have in common.
    pub effect: f64,
    /// Whether both sides have it in common too: the same callers called.
    pub is_same_luck: bool,
    /// Whether folders have the same names on both sides.
    pub is_paired: bool,
    /// Sigma of the answer's logarithm; that of 400 and 600 ms is 0.25.
    pub answer_sigma: f64,
    /// Sounds to be ignored, of each conversation, and the share that stops the agent.
    pub sounds: u32,
    pub stops: f64,
    /// The share of questions whose caller does not wait, and hangs up after 1.2 s.
    pub unanswered: f64,
    /// The share of the new side's calls in which the agent falls silent after the first answer.
    pub falls_silent: f64,
    /// The share of the new side's questions that fail at once.
    pub fails: f64,
}

pub(crate) const CALLS: Shape = Shape {
    conversations: 25,
    questions: 8,
    effect: 0.05,
    is_same_luck: true,
    is_paired: true,
    answer_sigma: 0.246,
    sounds: 0,
    stops: 0.0,
    unanswered: 0.0,
    falls_silent: 0.0,
    fails: 0.0,
};

/// The sides of pair `number`; the new side's latencies are so many times as long.
pub(crate) fn both(shape: &Shape, number: u64, slower: f64) -> [Folder; 2] {
    [("base", 1.0), ("new", slower)].map(|(side, factor)| {
        let conversations = 0..shape.conversations;
        let kept = conversations.map(|call| {
            let name = match shape.is_paired {
                true => format!("call-{call:04}"),
                false => format!("{side}-{call:04}"),
            };
            conversation(shape, (number, call), (side, factor), name)
        });
        let mut kept: Vec<Results> = kept.collect();
        match kept.len() {
            1 => Folder::One(Box::new(kept.remove(0))),
            _ => Folder::Several(kept),
        }
    })
}

pub(crate) fn compared(shape: &Shape, number: u64, slower: f64, settings: &Settings) -> Comparison {
    let [base, new] = both(shape, number, slower);
    let (base, new) = ((Path::new("base"), &base), (Path::new("new"), &new));
    compare(base, new, settings).expect("it was answered")
}

/// How often of so many pairs there is a verdict, other than that no difference was found. Each pair is shuffled in
/// its own way.
pub(crate) fn verdicts(shape: &Shape, pairs: u64, slower: f64, min_effect: f64) -> u64 {
    let threads = 2;
    std::thread::scope(|scope| {
        let part = |thread: u64| {
            move || {
                let numbers = (0..pairs).filter(|number| number % threads == thread);
                let has_verdict = |number: &u64| {
                    let effort = Effort {
                        shuffles: 199,
                        has_intervals: false,
                        seed: *number,
                    };
                    let settings = Settings { min_effect, effort };
                    let verdict = compared(shape, *number, slower, &settings).verdict;
                    verdict != Verdict::NoDifferenceFound
                };
                numbers.filter(has_verdict).count() as u64
            }
        };
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(part(thread)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a thread"))
            .sum()
    })
}

fn conversation(
    shape: &Shape,
    (number, call): (u64, u64),
    (side, factor): (&str, f64),
    name: String,
) -> Results {
    let whose = if shape.is_same_luck { "both" } else { side };
    let mut mood = Seed(number).stream("made up", call, 0, whose);
    let common = (shape.effect * mood.normal()).exp();
    let mut luck = Seed(number).stream("made up", call, 1, side);
    let mut rows = Vec::new();
    let is_new = side == "new";
    let goes_silent = luck.uniform() < shape.falls_silent && is_new;
    for question in 0..shape.questions {
        let number = rows.len() as u32 + 1;
        let e2e_ms = factor * (700.0 + common * stages(shape, &mut luck));
        let (waits, works) = (luck.uniform(), luck.uniform());
        rows.push(match () {
            () if goes_silent && question > 0 => unanswered(number, Reason::NothingCame, 5_000.0),
            () if is_new && works < shape.fails => unanswered(number, Reason::Failed, 400.0),
            () if waits < shape.unanswered => unanswered(number, Reason::HungUp, 1_200.0),
            () => answered(number, e2e_ms),
        });
    }
    for _ in 0..shape.sounds {
        let stopped_agent = luck.uniform() < shape.stops;
        let outcome = match stopped_agent {
            true => Outcome::Spurious,
            false => Outcome::Ignored,
        };
        rows.push(Row {
            expect: Some(Expect::Ignore),
            stopped_agent,
            ..row(rows.len() as u32 + 1, outcome)
        });
    }
    run(name, rows)
}

fn stages(shape: &Shape, luck: &mut Stream) -> f64 {
    let mut lognormal = |p50_ms: f64, sigma: f64| p50_ms * (sigma * luck.normal()).exp();
    lognormal(247.0, 0.114) + lognormal(400.0, shape.answer_sigma) + lognormal(190.0, 0.191)
}

pub(crate) fn answered(number: u32, e2e_ms: f64) -> Row {
    let e2e_ns = (e2e_ms * 1e6) as u64;
    Row {
        expect: Some(Expect::Respond),
        e2e_ns: Some(e2e_ns),
        metrics: vec![(Metric::E2eLatency, e2e_ns)],
        ..row(number, Outcome::Answered)
    }
}

pub(crate) fn unanswered(number: u32, reason: Reason, waited_ms: f64) -> Row {
    let outcome = match reason {
        Reason::Failed => Outcome::Failed,
        Reason::HungUp => Outcome::Interrupted,
        _ => Outcome::Missed,
    };
    Row {
        expect: Some(Expect::Respond),
        unanswered: Some(reason),
        in_vain: vec![(Metric::E2eLatency, (waited_ms * 1e6) as u64)],
        ..row(number, outcome)
    }
}

pub(crate) fn row(number: u32, outcome: Outcome) -> Row {
    Row {
        number,
        expect: None,
        is_judged: false,
        outcome,
        heard: "".into(),
        said: "".into(),
        began: None,
        caller_end: None,
        agent_start: None,
        e2e_ns: None,
        slices: Vec::new(),
        hops: HopSpans::default(),
        metrics: Vec::new(),
        doubtful: None,
        unanswered: None,
        in_vain: Vec::new(),
        stood_in: None,
        first_asked: None,
        left_ns: None,
        failed_ns: None,
        failure: None,
        remarks: Default::default(),
        has_no_shadow: false,
        shadow_ns: None,
        wer: None,
        is_right_known: false,
        is_right: None,
        endpoint: None,
        decided: None,
        stopped_agent: false,
        was_answered: false,
        has_voided_commit: false,
        is_again: false,
    }
}

/// A recording of that name, with these rows.
pub(crate) fn run(name: String, rows: Vec<Row>) -> Results {
    let measured = Measurement {
        turns: rows.len() as u64,
        rows,
        ..Measurement::of_nothing()
    };
    let header = Header {
        schema: Header::SCHEMA.into(),
        version: "0.1.0".into(),
        name: name.clone(),
        seed: 1,
        clock: Header::RECORDING.into(),
        cores: 2,
        engines: Default::default(),
        policy: "classifier".into(),
        keeps_audio: false,
        rows_per: voicesim::record::store::RowsPer::Utterance,
        notes: Vec::new(),
        worlds: None,
        events: None,
        shard: None,
        probe: None,
        without_words: None,
        rules: Default::default(),
        scenario: serde_json::json!({ "endpointing": { "silence_ms": 300 } }),
        machine: "a machine".into(),
        started: "2026-01-01T00:00:00Z".into(),
    };
    Results::Run(Box::new(MeasuredRun {
        path: name.into(),
        header,
        scenario: ScenarioFile::default().parse().expect("a scenario"),
        measured,
    }))
}
