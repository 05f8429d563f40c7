//! Chaos in virtual time: scenarios are drawn, and in them anything may fail or hang at any time, with any cures for it,
//! under any policy, alone or in a load of calls that share engines. What holds of every conversation holds of these.
//!
//! A conversation that breaks a rule is printed with the command that repeats it. `VOICESIM_CHAOS=N` holds so many
//! conversations, `VOICESIM_CHAOS_SEED=N` draws other scenarios: `make chaos` does both.

mod made_up;
mod rules;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use voicesim::event::{Event, Metric, StageName};
use voicesim::experiment::Simulation;
use voicesim::measure::Measurement;
use voicesim::record::store::KeepEvents;
use voicesim::scenario::{self, Scenario};
use voicesim::sim::{Setting, Simulable};

/// What scenarios are drawn from, unless told otherwise.
const SEED: u64 = 20_240_607;
/// So many conversations are held, unless told otherwise.
const CONVERSATIONS: u64 = 10_000;
/// Conversations of a scenario, and worlds of one with a load.
const EACH: u32 = 60;
const WORLDS: u32 = 6;
/// Each twelfth scenario is simulated on one thread and on two, and kept.
const KEPT: u64 = 12;
/// What a kept simulation is compared by.
const FILES: [&str; 4] = ["turns.bin", "events.jsonl", "report.json", "latency.hlog"];

fn told(variable: &str) -> Option<u64> {
    let told = std::env::var(variable).ok()?;
    let number = told.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}={told}: give a number")))
}

/// A scenario that was drawn.
struct Drawn {
    text: String,
    scenario: Scenario,
}

impl Drawn {
    /// The scenario of this number; `None` if what was drawn does not go together, and is refused.
    fn new(number: u64) -> Option<Drawn> {
        let text = made_up::scenario(told("VOICESIM_CHAOS_SEED").unwrap_or(SEED), number);
        match scenario::parse(Path::new("drawn.toml"), &text) {
            Ok(scenario) => Some(Drawn { text, scenario }),
            Err(error) => {
                println!("{number}: {error}");
                None
            }
        }
    }

    /// Writes the scenario down; how to have its world `number` again.
    fn repeat(&self, number: u32) -> String {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let file = folder.join("drawn.toml");
        fs::write(&file, &self.text).expect("written");
        format!(
            "It is in world {number} of:\nvoicesim simulate {} --worlds {} --events all --out {}\n\n{}",
            file.display(),
            number + 1,
            folder.join("out").display(),
            self.text
        )
    }

    /// Holds the worlds of the scenario; gives the figures of all of its conversations, and how many these are.
    fn hold(&self) -> (Measurement, u64) {
        let simulable = match Simulable::of(self.scenario.clone()) {
            Ok(simulable) => simulable,
            Err(error) => panic!("{error}\n{}", self.text),
        };
        let setting = Setting::new(&simulable);
        let (mut all, mut conversations) = (Measurement::of_nothing(), 0);
        let mut add = |number: u32, events: &[Event]| {
            let measured = rules::check(&self.scenario, events)
                .unwrap_or_else(|reason| panic!("{reason}\n\n{}", self.repeat(number)));
            all.merge(&measured);
            all.rows.clear();
            conversations += 1;
        };
        let failed = |number: u32, error: std::io::Error| -> ! {
            panic!("{error}\n\n{}", self.repeat(number))
        };
        if self.scenario.file().load.is_none() {
            let mut events = Vec::new();
            for number in 0..EACH {
                events = match setting.hold(number, events) {
                    Ok(events) => events,
                    Err(error) => failed(number, error),
                };
                add(number, &events);
            }
        } else {
            for number in 0..WORLDS {
                let held = setting.hold_load(number, &mut |_, events| {
                    add(number, &events);
                    events
                });
                if let Err(error) = held {
                    failed(number, error);
                }
            }
        }
        (all, conversations)
    }

    /// Simulates the scenario on so many threads; what it keeps, file by file.
    ///
    /// # Errors
    /// A load that never drains has figures too, and is refused with them.
    fn kept(&self, threads: usize, folder: &Path) -> Result<Vec<Vec<u8>>, String> {
        let simulated = Simulation::of(self.scenario.clone())
            .worlds(match self.scenario.file().load {
                None => 130,
                Some(_) => 3,
            })
            .threads(threads)
            .keep_in(folder.to_owned(), KeepEvents::All)
            .run(&AtomicBool::new(false), &|_, _| {});
        simulated.map_err(|error| error.to_string())?;
        let files = FILES.map(|name| {
            fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        Ok(files.into())
    }
}

#[test]
fn ten_thousand_conversations_in_which_anything_goes_wrong_hold_every_rule() {
    let mut all = Measurement::of_nothing();
    let (mut held, mut in_loads, mut refused) = (0, 0, 0);
    let asked = told("VOICESIM_CHAOS").unwrap_or(CONVERSATIONS);
    for number in 0.. {
        if held >= asked {
            break;
        }
        let Some(drawn) = Drawn::new(number) else {
            refused += 1;
            continue;
        };
        let (measured, conversations) = drawn.hold();
        all.merge(&measured);
        held += conversations;
        if drawn.scenario.file().load.is_some() {
            in_loads += conversations;
        }
    }
    println!(
        "{held} conversations, {in_loads} of them in loads, {} turns; {refused} scenarios were refused",
        all.turns
    );
    if asked >= CONVERSATIONS {
        all_of_it_happens(&all);
        assert!(in_loads > 1_000, "{in_loads} conversations in loads");
        assert!(refused < held / 1_000, "{refused} scenarios were refused");
    }
}

#[test]
fn what_goes_wrong_is_the_same_to_the_byte_at_any_number_of_threads() {
    let (mut compared, mut bytes) = (0, 0);
    for number in (0..120).step_by(KEPT as usize) {
        let Some(drawn) = Drawn::new(number) else {
            continue;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let [one, two] =
            [1, 2].map(|threads| drawn.kept(threads, &folder.path().join(threads.to_string())));
        assert_eq!(one.as_ref().err(), two.as_ref().err());
        let (Ok(one), Ok(two)) = (one, two) else {
            continue;
        };
        for (name, (one, two)) in FILES.iter().zip(one.iter().zip(&two)) {
            assert!(one == two, "{name} differs in:\n{}", drawn.text);
            compared += 1;
            bytes += one.len();
        }
    }
    assert!(
        compared > 30 && bytes > 1_000_000,
        "{compared} files, {bytes} bytes"
    );
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
    assert!(
        counts.voided_commits > 100 && counts.cut_offs > 100,
        "{counts:?}"
    );
    assert!(all.callers.hang_ups > 100, "{:?}", all.callers);
    let disclosed = &all.disclosures;
    assert!(
        disclosed.said > 1_000 && disclosed.missing == 0,
        "{disclosed:?}"
    );
    let answered = all.metrics[&Metric::E2eLatency]
        .summary()
        .expect("answered");
    assert!(all.exact == answered.count && answered.count > 5_000);
}
