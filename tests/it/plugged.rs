//! Engines and endpointing policies that the user of the crate brings along.

use crate::support::fixture;
use crate::support::understands::{held, understood};
use std::path::Path;
use std::time::Duration;
use voicesim::clock::Clock;
use voicesim::endpoint::{Action, Decision, EndpointPolicy, Endpointing, Judge, Observation};
use voicesim::event::{Event, Mark, Metric, StageName, Tick, VisitEnd};
use voicesim::measure::Outcome;
use voicesim::record::store::KeepAudio;
use voicesim::run::Run;
use voicesim::scenario::{self, Scenario};
use voicesim::stage::{Finished as HasFinished, LatestSound, Outlet, Stage, StageError, Work};

const ENGINES: &str = "[stt]\nengine = \"simulated\"\nlatency = { fixed_ms = 50 }\n[answer]\nengine = \"simulated\"\nlatency = { fixed_ms = 100 }\n[tts]\nengine = \"simulated\"\nlatency = { fixed_ms = 100 }\n[ear.lag]\nfixed_ms = 80\n[speculation]\nenabled = false\n";

fn scenario(turns: &str) -> Scenario {
    let text = format!("{ENGINES}{turns}");
    scenario::parse(Path::new("plugged.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

const QUESTION: &str = "[[turn]]\nspeech = { length = { fixed_ms = 1200 } }\n";

#[test]
fn a_recogniser_of_ones_own_stands_in_the_scenarios_place() {
    let run = held(understood(
        Run::of(scenario(QUESTION)),
        "Where is the station?",
    ));
    assert_eq!(&*run.measured.rows[0].heard, "Where is the station?");
    let said = run.header.engines["speech_to_text"].as_str();
    assert!(said.contains("of the program that runs"), "{said}");
    let delay = run.measured.metrics[&Metric::TranscriptionDelay]
        .answered()
        .summary();
    // The detector's lag, the silence, and what it takes.
    assert_eq!(delay.expect("answered").max_ms, 80.0 + 304.0 + 70.0);
}

#[test]
fn an_engine_of_ones_own_is_no_part_of_a_repetition() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = Run::of(scenario(QUESTION)).keep_in(folder.path().to_owned(), KeepAudio::Yes);
    held(kept);
    let again = understood(Run::of(scenario(QUESTION)), "No.").repeating(folder.path().to_owned());
    let error = again.check().expect_err("nobody would ask it").to_string();
    assert!(error.contains("asks no engine"), "{error}");
}

/// Waits 300 ms, and 900 behind words that ask for patience.
#[derive(Default)]
struct Patient {
    last_voiced: Option<Tick>,
    hesitates: bool,
}

impl EndpointPolicy for Patient {
    fn name(&self) -> &'static str {
        "patient"
    }

    fn observe(&mut self, what: Observation<'_>) {
        match what {
            Observation::Started { .. } => *self = Patient::default(),
            Observation::Paused { last_voiced } => self.last_voiced = Some(last_voiced),
            Observation::Resumed { .. } => self.last_voiced = None,
            Observation::Words { text, .. } => self.hesitates = text.ends_with("well"),
            Observation::Judged { .. } => {}
        }
    }

    fn decide(&mut self, _: Tick) -> Decision {
        let silence = Duration::from_millis(if self.hesitates { 900 } else { 300 });
        match self.last_voiced {
            Some(at) => Decision {
                probability: Some(if self.hesitates { 0.2 } else { 0.9 }),
                reasons: vec!["the last word".to_owned()],
                ..Decision::commit(at + silence)
            },
            None => Decision::wait(),
        }
    }

    fn reads_words(&self) -> bool {
        true
    }
}

const HESITATES: &str = "[[turn]]\ntext = \"well what is a percentile\"\nspeech = { length = { fixed_ms = 1500 }, pauses = [{ after_ms = 400, length = { fixed_ms = 500 } }] }\n";

#[test]
fn a_policy_that_reads_words_waits_for_who_hesitates() {
    let hasty = held(Run::of(scenario(HESITATES)));
    // Nothing of the reply to the first half was heard, so it was taken back.
    assert_eq!(hasty.measured.rows[0].outcome, Outcome::Answered);
    assert_eq!(hasty.measured.interruptions.voided_commits, 1);
    let patient = Run::of(scenario(HESITATES)).with_endpointing(|_| Endpointing {
        policy: Box::new(Patient::default()),
        judge: None,
    });
    let patient = held(patient);
    assert_eq!(patient.measured.rows[0].outcome, Outcome::Answered);
    let decisions = patient.events.iter().filter_map(|event| match &event.mark {
        Mark::EndpointCommitted { decision, .. } => decision.as_deref(),
        _ => None,
    });
    let decisions: Vec<_> = decisions.collect();
    let [decision] = decisions.as_slice() else {
        panic!("committed {} times", decisions.len());
    };
    assert_eq!(decision.policy, "patient");
    assert_eq!(decision.probability, Some(0.9));
    assert_eq!(decision.reasons, ["the last word"]);
}

/// Asks its judge in every pause, and commits at once if the caller has finished; else after a second.
#[derive(Default)]
struct Asks {
    last_voiced: Option<Tick>,
    judged: Option<f64>,
}

impl EndpointPolicy for Asks {
    fn name(&self) -> &'static str {
        "asks"
    }

    fn observe(&mut self, what: Observation<'_>) {
        match what {
            Observation::Started { .. } => *self = Asks::default(),
            Observation::Paused { last_voiced } => {
                (self.last_voiced, self.judged) = (Some(last_voiced), None);
            }
            Observation::Resumed { .. } => (self.last_voiced, self.judged) = (None, None),
            Observation::Judged { probability, .. } => self.judged = Some(probability),
            Observation::Words { .. } => {}
        }
    }

    fn decide(&mut self, now: Tick) -> Decision {
        match (self.last_voiced, self.judged) {
            (None, _) => Decision::wait(),
            (Some(at), None) => Decision::of(Action::Listen {
                at: at + Duration::from_secs(1),
            }),
            (Some(_), Some(finished)) if finished >= 0.5 => Decision::commit(now),
            (Some(at), Some(_)) => Decision::commit(at + Duration::from_secs(1)),
        }
    }
}

/// Takes 60 ms, and believes whoever has spoken for a second.
struct ByLength(Clock);

impl Stage for ByLength {
    type In = LatestSound;
    type Out = HasFinished;

    fn handle<'a>(
        &'a mut self,
        LatestSound(sound): LatestSound,
        out: &'a mut Outlet<HasFinished>,
    ) -> Work<'a> {
        Box::pin(async move {
            out.begun();
            let done = self.0.now() + Duration::from_millis(60);
            self.0.sleep_until(done).await;
            let probability = if sound.length >= Duration::from_secs(1) {
                0.9
            } else {
                0.1
            };
            out.send(HasFinished { probability }).await
        })
    }
}

fn asking(clock: &Clock) -> Endpointing {
    Endpointing {
        policy: Box::<Asks>::default(),
        judge: Some(Judge {
            stage: Box::new(ByLength(clock.clone())),
            hears: Duration::from_secs(8),
        }),
    }
}

/// How each visit to the judge ended.
fn judgements(events: &[Event]) -> Vec<VisitEnd> {
    let ends = events.iter().filter_map(|event| match &event.mark {
        Mark::Exit {
            stage: StageName::EndOfTurn,
            end,
            ..
        } => Some(end.clone()),
        _ => None,
    });
    ends.collect()
}

#[test]
fn a_policy_can_have_the_latest_sound_judged_and_the_judge_takes_its_time() {
    let run = held(Run::of(scenario(QUESTION)).with_endpointing(asking));
    assert_eq!(judgements(&run.events), [VisitEnd::Done]);
    let delay = run.measured.metrics[&Metric::EndOfTurnDelay]
        .answered()
        .summary();
    // The detector's lag, four frames until a pause is noticed, and the judge, who is asked 1 ms behind the recogniser.
    assert_eq!(delay.expect("answered").max_ms, 80.0 + 64.0 + 1.0 + 60.0);
    let row = &run.measured.rows[0];
    assert_eq!(Some(row.hops.sum()), row.e2e_ns, "waiting for it is a hop");
}

#[test]
fn a_judge_that_is_overtaken_by_the_caller_is_given_up() {
    // The pause is over 50 ms after the judge was asked.
    let pauses = "[[turn]]\nspeech = { length = { fixed_ms = 1500 }, pauses = [{ after_ms = 400, length = { fixed_ms = 162 } }] }\n";
    let run = held(Run::of(scenario(pauses)).with_endpointing(asking));
    assert_eq!(
        judgements(&run.events),
        [VisitEnd::Cancelled, VisitEnd::Done]
    );
    assert_eq!(run.measured.rows[0].outcome, Outcome::Answered);
}

#[test]
fn a_judge_hears_the_samples_of_a_recording() {
    struct Samples(f64);
    impl Stage for Samples {
        type In = LatestSound;
        type Out = HasFinished;
        fn handle<'a>(
            &'a mut self,
            LatestSound(sound): LatestSound,
            out: &'a mut Outlet<HasFinished>,
        ) -> Work<'a> {
            Box::pin(async move {
                out.begun();
                let heard = sound.samples.is_some_and(|samples| samples.len() > 8_000);
                let probability = if heard { self.0 } else { 0.0 };
                out.send(HasFinished { probability }).await
            })
        }
    }
    let wav = fixture("piper-graphics.wav");
    let turn = format!("[[turn]]\nwav = \"{}\"\n", wav.display());
    let run = Run::of(scenario(&turn)).with_endpointing(|_| Endpointing {
        policy: Box::<Asks>::default(),
        judge: Some(Judge {
            stage: Box::new(Samples(1.0)),
            hears: Duration::from_secs(8),
        }),
    });
    let run = held(run);
    assert_eq!(run.measured.rows[0].outcome, Outcome::Answered);
    let wait = run.measured.metrics[&Metric::EndOfTurnDelay]
        .answered()
        .summary();
    assert!(
        wait.expect("answered").max_ms < 200.0,
        "no silence is waited for"
    );
}

#[test]
fn a_judge_that_fails_is_waited_for_no_longer_than_the_policy_says() {
    struct Fails;
    impl Stage for Fails {
        type In = LatestSound;
        type Out = HasFinished;
        fn handle<'a>(&'a mut self, _: LatestSound, _: &'a mut Outlet<HasFinished>) -> Work<'a> {
            Box::pin(async { Err(StageError::Failed("it broke".to_owned())) })
        }
    }
    let smart = "[endpointing]\npolicy = \"smart_turn\"\npatience_ms = 700\n";
    let run =
        Run::of(scenario(&format!("{smart}{QUESTION}"))).with_end_of_turn(|_| Box::new(Fails));
    let run = held(run);
    assert_eq!(run.measured.rows[0].outcome, Outcome::Answered);
    let delay = run.measured.metrics[&Metric::EndOfTurnDelay]
        .answered()
        .summary();
    assert_eq!(delay.expect("answered").max_ms, 80.0 + 700.0);
}

#[test]
fn what_was_made_of_the_sound_is_recorded_and_repeated_without_the_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let wav = fixture("piper-with-pause.wav");
    let turns = format!(
        "[endpointing]\npolicy = \"smart_turn\"\n[[turn]]\nwav = \"{}\"\ntext = \"\"\n",
        wav.display()
    );
    let recorded = held(
        Run::of(scenario(&turns))
            .with_end_of_turn(|clock| Box::new(ByLength(clock.clone())))
            .keep_in(folder.path().to_owned(), KeepAudio::Yes),
    );
    assert!(!judgements(&recorded.events).is_empty());
    let other = tempfile::tempdir().expect("a folder");
    let again = Run::of(scenario(&turns))
        .repeating(folder.path().to_owned())
        .keep_in(other.path().to_owned(), KeepAudio::Yes);
    let again = held(again);
    assert_eq!(again.events, recorded.events);
    let engine = again.header.engines["end_of_turn"].as_str();
    assert!(engine.starts_with("recorded: "), "{engine}");
}
