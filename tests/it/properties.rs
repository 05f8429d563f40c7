//! What holds of every conversation, whatever happens in it: random callers, latencies, faults,
//! interruptions and hang-ups, in virtual time.
//!
//! A conversation that breaks a rule is cut down to a small one, and printed with the command that
//! repeats it. `VOICESIM_SEED=N` tries that one seed, `VOICESIM_SEEDS=N` so many of them.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use voicesim::event::{Event, Expect, Mark, OutputNote, ReplyEnd, StageName, VisitEnd, VisitId};
use voicesim::measure::{Outcome, Row};
use voicesim::run::{Finished, Run, Time};
use voicesim::scenario::injected_fault::{FaultTable, FaultyStage};
use voicesim::scenario::latency::LatencyModel;
use voicesim::scenario::speech::{Pause, Speech};
use voicesim::scenario::{After, ScenarioFile, TurnTable};
use voicesim::stage::OUTPUTS_WAITING_MAX;

/// So many conversations are tried, unless told otherwise.
const SEEDS: u64 = 2_000;

fn latency(ms: Range<f64>) -> impl Strategy<Value = LatencyModel> {
    (ms, 1.0..4.0f64, any::<bool>()).prop_map(|(ms, tail, is_fixed)| match is_fixed {
        true => LatencyModel::FixedMs(ms),
        false => LatencyModel::Lognormal {
            median_ms: ms + 0.1,
            p95_ms: (ms + 0.1) * tail,
        },
    })
}

fn speech() -> impl Strategy<Value = Speech> {
    let pause = (50u64..2_500, latency(10.0..2_000.0));
    let pauses = prop::collection::btree_map(pause.0, pause.1, 0..3);
    (latency(20.0..4_000.0), pauses).prop_map(|(length, pauses)| Speech {
        length,
        pauses: pauses
            .into_iter()
            .map(|(after_ms, length)| Pause { after_ms, length })
            .collect(),
    })
}

fn turn() -> impl Strategy<Value = TurnTable> {
    let expect = prop_oneof![
        3 => Just(Expect::Respond),
        1 => Just(Expect::Stop),
        1 => Just(Expect::Ignore)
    ];
    let after = prop_oneof![
        Just(After::AgentSpeechStart),
        Just(After::AgentSpeechEnd),
        Just(After::PreviousTurnEnd)
    ];
    (
        speech(),
        expect,
        after,
        0u64..3_000,
        100u64..5_000,
        any::<bool>(),
    )
        .prop_map(
            |(speech, expect, after, delay_ms, give_up_ms, has_words)| TurnTable {
                speech: Some(speech),
                text: has_words.then(|| "what is it that you want to know of me today".to_owned()),
                expect,
                after: Some(after),
                delay_ms,
                give_up_ms,
                ..TurnTable::default()
            },
        )
}

fn fault() -> impl Strategy<Value = FaultTable> {
    let stage = prop_oneof![
        Just(FaultyStage::Stt),
        Just(FaultyStage::Answer),
        Just(FaultyStage::Tts)
    ];
    (stage, 0..3, 0u64..3_000, 0u32..3, 0.0..=1.0f64).prop_map(
        |(stage, kind, ms, after_outputs, probability)| FaultTable {
            stage,
            delay_ms: (kind == 0).then_some(ms),
            stall_ms: (kind == 1).then_some(ms),
            error: (kind == 2).then(|| "out of order".to_owned()),
            after_outputs: (kind != 0).then_some(after_outputs),
            inputs: None,
            loss: None,
            from_s: None,
            for_s: None,
            probability,
        },
    )
}

/// A scenario, and when the caller hangs up if they do so early.
fn conversation() -> impl Strategy<Value = (ScenarioFile, Option<u64>)> {
    let engines = (
        latency(0.0..1_500.0),
        latency(0.0..1_500.0),
        latency(0.0..1_500.0),
    );
    let policy = prop_oneof![Just("vad_500ms"), Just("never"), Just("always")];
    let endpointing = (32u64..1_000, 1_000u64..6_000);
    let speculation = prop::option::weighted(0.7, 0u64..400);
    (
        any::<u64>(),
        prop::collection::vec(turn(), 1..6),
        engines,
        prop::collection::vec(fault(), 0..3),
        policy,
        (endpointing, speculation),
        latency(0.0..200.0),
        prop::option::weighted(0.2, 0u64..20_000),
    )
        .prop_map(
            |(seed, mut turns, engines, faults, policy, waits, lag, hang_up)| {
                let (endpointing, speculation) = waits;
                turns[0].after = Some(After::SessionStart);
                // Interruptions need somebody to interrupt.
                turns[0].expect = Expect::Respond;
                let mut scenario = ScenarioFile {
                    seed,
                    turn: turns,
                    fault: faults,
                    ..ScenarioFile::default()
                };
                for engine in [
                    &mut scenario.stt.engine,
                    &mut scenario.answer.engine,
                    &mut scenario.tts.engine,
                ] {
                    *engine = "simulated".into();
                }
                scenario.stt.latency = Some(engines.0);
                scenario.answer.latency = Some(engines.1);
                scenario.answer.text = Some(
                    "It is so. There is more to say about it, and then some. One. Two. Three. Four. Five. Six. Seven. That is all.".into(),
                );
                scenario.tts.latency = Some(engines.2);
                scenario.interruption.policy = policy.into();
                scenario.ear.lag = lag;
                scenario.speculation.enabled = speculation.is_some();
                scenario.speculation.after_ms = speculation.unwrap_or_default();
                scenario.speculation.while_speaking_ms = speculation.filter(|ms| ms % 2 == 0).map(|ms| 200 + ms);
                scenario.endpointing.silence_ms = endpointing.0;
                scenario.endpointing.longest_utterance_ms = endpointing.1;
                (scenario, hang_up)
            },
        )
}

#[test]
fn any_conversation_keeps_the_invariants() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seeds = match number("VOICESIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("VOICESIM_SEEDS").unwrap_or(SEEDS),
    };
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in seeds.clone() {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config {
            cases: 1,
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let outcomes = std::cell::RefCell::new(&mut outcomes);
        let result =
            TestRunner::new_with_rng(config, rng).run(&conversation(), |(scenario, hang_up)| {
                let run = hold(scenario, hang_up)?;
                check(&run)?;
                for row in &run.measured.rows {
                    *outcomes.borrow_mut().entry(row.outcome.name()).or_default() += 1;
                }
                let goes_on = |event: &&Event| matches!(event.mark, Mark::ReplyResumed { .. });
                let resumed = run.events.iter().filter(goes_on).count();
                *outcomes.borrow_mut().entry("resumed").or_default() += resumed;
                Ok(())
            });
        if let Err(TestError::Fail(reason, (scenario, hang_up))) = result {
            let toml = toml::to_string(&scenario).expect("a scenario is TOML");
            panic!(
                "{reason}\n\n{toml}\nhanging up after {hang_up:?} ms\n\nrepeat it: VOICESIM_SEED={seed} cargo test --test it any_conversation"
            );
        }
    }
    // All of it happens: a rule about what never comes up would hold of anything. (A reply to a
    // scenario turn that the caller supersedes is a cut-off: `interrupted` is for calls without one.)
    if seeds.end - seeds.start >= SEEDS {
        for outcome in [
            "answered",
            "cut_off",
            "stopped",
            "ignored",
            "missed",
            "spurious",
            "failed",
            "abandoned",
            "resumed",
        ] {
            assert!(outcomes.get(outcome) >= Some(&5), "{outcome}: {outcomes:?}");
        }
    }
}

/// Callers who pause for less than the endpoint takes, and go on in the middle of whatever is being
/// prepared for them.
fn hesitating() -> impl Strategy<Value = ScenarioFile> {
    let pause = (200u64..2_000, latency(100.0..280.0));
    let pauses = prop::collection::btree_map(pause.0, pause.1, 1..4);
    let engines = (
        latency(0.0..250.0),
        latency(0.0..100.0),
        latency(0.0..250.0),
    );
    let turns = prop::collection::vec((pauses, latency(1_500.0..3_000.0)), 1..4);
    (any::<u64>(), turns, engines, 32u64..200).prop_map(|(seed, turns, engines, after_ms)| {
        let mut scenario = ScenarioFile {
            seed,
            ..ScenarioFile::default()
        };
        scenario.stt.engine = "simulated".into();
        scenario.answer.engine = "simulated".into();
        scenario.tts.engine = "simulated".into();
        scenario.stt.latency = Some(engines.0);
        scenario.answer.latency = Some(engines.1);
        scenario.tts.latency = Some(engines.2);
        scenario.speculation.after_ms = after_ms;
        let turn =
            |(number, (pauses, length)): (usize, (BTreeMap<u64, LatencyModel>, _))| TurnTable {
                text: Some(format!(
                    "turn {number} has one two three four five six seven words"
                )),
                speech: Some(Speech {
                    length,
                    pauses: pauses
                        .into_iter()
                        .map(|(after_ms, length)| Pause { after_ms, length })
                        .collect(),
                }),
                ..TurnTable::default()
            };
        scenario.turn = turns.into_iter().enumerate().map(turn).collect();
        scenario
    })
}

#[test]
fn nobody_hears_a_reply_to_half_a_sentence() {
    let config = Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let voided = std::cell::Cell::new(0);
    let taken_back = std::cell::Cell::new(0);
    let whole = |scenario: ScenarioFile| {
        // Pauses that are long by chance do end the utterance: not what is asked here.
        for turn in &mut scenario.turn.iter().filter_map(|turn| turn.speech.as_ref()) {
            for pause in &turn.pauses {
                if let LatencyModel::Lognormal { p95_ms, .. } = pause.length {
                    prop_assume!(p95_ms < 290.0);
                }
            }
        }
        let run = hold(scenario.clone(), None)?;
        check(&run)?;
        let cut_offs = run.measured.interruptions.cut_offs;
        prop_assume!(cut_offs == 0);
        let heard = run.measured.rows.iter().map(|row| Some(&*row.heard));
        let mut texts = scenario.turn.iter().map(|turn| turn.text.as_deref());
        // A last word that is as short as a click is not heard.
        prop_assume!(heard.eq(&mut texts));
        let is_heard = |turn| {
            let audible = |mark: &Mark| matches!(mark, Mark::Audible { .. });
            let mut all = run.events.iter();
            all.any(|event| event.turn == turn && audible(&event.mark))
        };
        // What is taken back unheard may begin with half a sentence.
        let asked = run.events.iter().filter_map(|event| match &event.mark {
            Mark::ReplyStarted { question } if is_heard(event.turn) => Some(&**question),
            _ => None,
        });
        let said: Vec<&str> = scenario
            .turn
            .iter()
            .filter_map(|turn| turn.text.as_deref())
            .collect();
        prop_assert_eq!(
            asked.collect::<Vec<_>>(),
            said,
            "each turn is one whole question"
        );
        let dropped = |event: &&Event| event.mark == Mark::SpeculationDropped;
        voided.set(voided.get() + run.events.iter().filter(dropped).count());
        taken_back.set(taken_back.get() + run.measured.interruptions.voided_commits);
        Ok(())
    };
    let result = TestRunner::new_with_rng(config, rng).run(&hesitating(), whole);
    if let Err(TestError::Fail(reason, scenario)) = result {
        let toml = toml::to_string(&scenario).expect("a scenario is TOML");
        panic!("{reason}\n\n{toml}\nrepeat it: save this, and voicesim run FILE --clock virtual");
    }
    assert!(voided.get() > 50, "the callers did not go on: {voided:?}");
    assert!(taken_back.get() > 0, "no endpoint was taken back");
}

fn hold(file: ScenarioFile, hang_up: Option<u64>) -> Result<Finished, TestCaseError> {
    let scenario = file.parse();
    let scenario = scenario.map_err(|problem| TestCaseError::fail(problem.to_string()))?;
    let mut replay = Run::of(scenario).in_time(Time::Virtual);
    if let Some(ms) = hang_up {
        replay = replay.hanging_up_after(Duration::from_millis(ms));
    }
    replay
        .run()
        .map_err(|error| TestCaseError::fail(error.to_string()))
}

fn check(run: &Finished) -> Result<(), TestCaseError> {
    check_events(&run.events)?;
    every_turn_has_an_outcome_and_its_hops_add_up(run)
}

/// What holds of the events of every conversation.
pub(crate) fn check_events(events: &[Event]) -> Result<(), TestCaseError> {
    ticks_rise(events)?;
    every_visit_has_one_end(events)?;
    every_reply_has_one_end_and_is_silent_after_it(events)?;
    nothing_is_heard_of_what_was_prepared_in_vain(events)?;
    no_queue_exceeds_its_bound(events)
}

fn ticks_rise(events: &[Event]) -> Result<(), TestCaseError> {
    prop_assert!(events.is_sorted_by_key(|event| event.tick));
    let last = events.last().map(|event| &event.mark);
    let is_over = matches!(last, Some(Mark::SessionEnded { .. }));
    prop_assert!(is_over, "the last event is {last:?}");
    Ok(())
}

fn every_visit_has_one_end(events: &[Event]) -> Result<(), TestCaseError> {
    let mut open: BTreeMap<VisitId, bool> = BTreeMap::new();
    for event in events {
        match &event.mark {
            Mark::Enter { visit, .. } => {
                prop_assert!(
                    open.insert(*visit, true).is_none(),
                    "{visit:?} entered twice"
                );
            }
            Mark::Begun { visit, .. } | Mark::Output { visit, .. } => {
                prop_assert_eq!(open.get(visit), Some(&true), "{:?} is not open", visit);
            }
            Mark::Exit { visit, .. } => {
                prop_assert_eq!(open.insert(*visit, false), Some(true), "{:?}", visit);
            }
            _ => {}
        }
    }
    prop_assert!(open.values().all(|is_open| !is_open), "{open:?}");
    Ok(())
}

/// A reply that is prepared in case is heard only if it becomes the reply; a caller who goes on
/// voids it at once, with all the work on it.
fn nothing_is_heard_of_what_was_prepared_in_vain(events: &[Event]) -> Result<(), TestCaseError> {
    let mut prepared = None;
    for (index, event) in events.iter().enumerate() {
        match &event.mark {
            Mark::Speculated { question } => {
                prop_assert_eq!(&prepared, &None, "two speculations at once");
                prepared = Some((event.turn, question.clone()));
            }
            Mark::SpeculationDropped => {
                let turn = prepared.take().map(|(turn, _)| turn);
                prop_assert_eq!(turn, Some(event.turn), "dropped what was not prepared");
            }
            Mark::ReplyStarted { question } => {
                if let Some((turn, guessed)) = prepared.take() {
                    prop_assert_eq!(turn, event.turn, "a reply to another turn");
                    prop_assert_eq!(&guessed, question, "a reply to another question");
                }
            }
            Mark::VoiceStarted { .. } | Mark::VoiceResumed { .. } => {
                // It is given up within the same tick.
                let mut now = events[index..].iter().take_while(|e| e.tick == event.tick);
                let is_dropped = now.any(|e| e.mark == Mark::SpeculationDropped);
                prop_assert!(
                    prepared.is_none() || is_dropped,
                    "the caller goes on unheard"
                );
            }
            Mark::Queued { .. } | Mark::Audible { .. } => {
                prop_assert_eq!(&prepared, &None, "heard before its time");
            }
            _ => {}
        }
    }
    prop_assert_eq!(prepared, None);
    Ok(())
}

fn every_reply_has_one_end_and_is_silent_after_it(events: &[Event]) -> Result<(), TestCaseError> {
    let (mut speaking, mut stopped) = (None, None);
    let mut has_sounded = false;
    // What has left for a caller at the far end of a network is heard, also of a reply that is dropped.
    let mut is_on_its_way = false;
    for event in events {
        match &event.mark {
            Mark::ReplyStarted { .. } => {
                prop_assert_eq!(speaking, None, "two replies at once");
                (speaking, has_sounded) = (Some(event.turn), false);
                is_on_its_way = false;
                stopped = None;
            }
            Mark::ReplyResumed { .. } => {
                prop_assert_eq!(speaking, None, "two replies at once");
                prop_assert_eq!(stopped, Some(event.turn), "resumed without a stop");
                (speaking, has_sounded) = (Some(event.turn), true);
            }
            Mark::Queued { network_ns, .. } => {
                prop_assert_eq!(speaking, Some(event.turn), "sound of a reply that is over");
                is_on_its_way |= *network_ns > 0;
            }
            Mark::PlaybackGap { .. } => {
                prop_assert_eq!(speaking, Some(event.turn), "sound of a reply that is over");
            }
            Mark::Audible { .. } => {
                prop_assert_eq!(speaking, Some(event.turn));
                has_sounded = true;
            }
            Mark::ReplyEnded { end, heard, .. } => {
                prop_assert_eq!(speaking.take(), Some(event.turn));
                stopped = (*end == ReplyEnd::Stopped).then_some(event.turn);
                let was_heard = matches!(end, ReplyEnd::Completed | ReplyEnd::Stopped);
                prop_assert!(!was_heard || has_sounded);
                prop_assert!(
                    has_sounded || is_on_its_way || heard.is_empty(),
                    "heard before it sounded: {heard}"
                );
            }
            _ => {}
        }
    }
    prop_assert_eq!(speaking, None);
    Ok(())
}

/// Between two stages wait as many outputs as the queue holds, the one that is being put there,
/// and the one that was just taken.
fn no_queue_exceeds_its_bound(events: &[Event]) -> Result<(), TestCaseError> {
    let mut waiting: BTreeMap<_, usize> = BTreeMap::new();
    for event in events {
        match &event.mark {
            Mark::Output {
                note: OutputNote::Clause { .. },
                ..
            } => {
                let waiting = waiting.entry(event.turn).or_default();
                *waiting += 1;
                prop_assert!(
                    *waiting <= OUTPUTS_WAITING_MAX + 2,
                    "{waiting} clauses wait"
                );
            }
            // The queue goes with the reply, unless that may go on.
            Mark::ReplyEnded {
                end: ReplyEnd::Stopped,
                ..
            } => {}
            Mark::SpeculationDropped | Mark::ReplyEnded { .. } => _ = waiting.remove(&event.turn),
            Mark::Enter {
                stage: StageName::TextToSpeech,
                ..
            } => {
                let waiting = waiting.entry(event.turn).or_default();
                prop_assert!(*waiting > 0, "a clause was spoken that nobody wrote");
                *waiting -= 1;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Only answered turns have a latency, and their hops lie end to end in it.
pub(crate) fn hops_add_up(rows: &[Row]) -> Result<(), TestCaseError> {
    for row in rows {
        if let Some(e2e) = row.e2e_ns {
            prop_assert_eq!(row.outcome, Outcome::Answered);
            prop_assert_eq!(row.hops.sum(), e2e);
            let mut at = row.caller_end.expect("a turn with a latency has an end");
            for slice in &row.slices {
                prop_assert_eq!(slice.start, at, "hops lie end to end");
                at = slice.end;
            }
            prop_assert_eq!(Some(at), row.agent_start);
        } else {
            prop_assert!(row.hops.iter().next().is_none(), "hops without a latency");
        }
    }
    Ok(())
}

fn every_turn_has_an_outcome_and_its_hops_add_up(run: &Finished) -> Result<(), TestCaseError> {
    let asked = run.header.scenario["turn"].as_array().map_or(0, Vec::len);
    prop_assert_eq!(run.measured.rows.len(), asked);
    hops_add_up(&run.measured.rows)?;
    let failures = run.events.iter().filter(|event| {
        let failed = |end: &VisitEnd| matches!(end, VisitEnd::Failed(_));
        matches!(&event.mark, Mark::Exit { end, .. } if failed(end))
    });
    let has_failed = run.measured.interruptions.failed_turns > 0;
    prop_assert!(
        !has_failed || failures.count() > 0,
        "a failed turn without a failure"
    );
    Ok(())
}
