//! Sounds over the agent that are understood late: nothing is known of their words while they last.

use crate::support::understands::{held, understood_after};
use crate::support::{SIMULATED, fixture};
use std::path::Path;
use std::time::Duration;
use voicesim::clock::Clock;
use voicesim::event::{Event, Mark, ReplyEnd, StageName, TurnId, Verdict};
use voicesim::measure::Outcome;
use voicesim::run::{Finished, Run};
use voicesim::scenario::{self, Scenario};
use voicesim::stage::{AudioFeed, Heard, Outlet, Stage, Transcript, Work};

/// Prints nothing but empty transcripts until an utterance is over, and is late then: first it understands a question,
/// then always the same.
struct Late {
    clock: Clock,
    after: Duration,
    said: &'static str,
    sureness: Option<f32>,
    utterances: usize,
}

impl Stage for Late {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, mut feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        Box::pin(async move {
            let mut audio = Duration::ZERO;
            loop {
                match feed.next().await {
                    Some(Heard::Audio(chunk)) => audio += chunk.length,
                    Some(Heard::SoFar | Heard::Paused) => {
                        out.send(Transcript {
                            text: "".into(),
                            sureness: None,
                            is_final: false,
                            audio,
                        })
                        .await?;
                    }
                    Some(Heard::Resumed) => {}
                    Some(Heard::Committed) | None => break,
                }
            }
            self.utterances += 1;
            let is_first = self.utterances == 1;
            let done = self.clock.now() + if is_first { Duration::ZERO } else { self.after };
            self.clock.sleep_until(done).await;
            out.send(Transcript {
                text: if is_first {
                    "Where are you?"
                } else {
                    self.said
                }
                .into(),
                sureness: if is_first { None } else { self.sureness },
                is_final: true,
                audio,
            })
            .await
        })
    }
}

/// A question, and `sound` over its answer, which is understood as `said` so long after its end.
fn over_the_answer(
    sound: &str,
    said: &'static str,
    sureness: Option<f32>,
    after_ms: u64,
) -> Finished {
    let run = Run::of(talked_over(sound)).with_speech_to_text(move |clock| {
        Box::new(Late {
            clock: clock.clone(),
            after: Duration::from_millis(after_ms),
            said,
            sureness,
            utterances: 0,
        })
    });
    held(run)
}

/// A question, and `sound` over its answer.
fn talked_over(sound: &str) -> Scenario {
    let toml = format!(
        "[speculation]\nenabled = false\n[[turn]]\nwav = \"{}\"\n[[turn]]\nwav = \"{}\"\nexpect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 500\n{SIMULATED}",
        fixture("piper-graphics.wav").display(),
        fixture(sound).display(),
    );
    let scenario = scenario::parse(Path::new("late.toml"), &toml);
    scenario.unwrap_or_else(|error| panic!("{error}"))
}

/// What `said` does, 200 to 1,500 ms after a sound of a quarter of a second is over, which by itself stops nobody.
fn stops_for(said: &'static str, sureness: Option<f32>) -> Vec<bool> {
    let after = [200, 700, 1_500];
    let stops = after.map(|after_ms| {
        let run = over_the_answer("piper-mm-hmm.wav", said, sureness, after_ms);
        run.measured.rows[1].outcome == Outcome::Stopped
    });
    stops.to_vec()
}

#[test]
fn a_request_that_only_the_final_transcript_understands_still_stops_the_agent() {
    for said in ["Stop.", "Wait.", "Hold on.", "Excuse me?"] {
        assert_eq!(stops_for(said, None), [true; 3], "{said}");
    }
}

#[test]
fn who_shows_late_that_they_listen_stops_nobody() {
    for said in ["Mm-hmm.", "Yeah.", "Okay, right.", "Oh.", "I'm..."] {
        assert_eq!(stops_for(said, None), [false; 3], "{said}");
    }
}

#[test]
fn gibberish_stops_nobody() {
    for (said, sureness) in [
        ("", None),
        ("Stop.", Some(0.2)),
        ("(dog barking)", Some(0.9)),
        ("woof woof woof woof woof", Some(0.9)),
        ("Подождите", Some(0.9)),
    ] {
        assert_eq!(stops_for(said, sureness), [false; 3], "{said}");
    }
}

#[test]
fn a_voice_that_goes_on_stops_the_agent_though_nothing_is_printed() {
    let run = over_the_answer("piper-average.wav", "What is the average?", Some(0.9), 300);
    assert_eq!(run.measured.rows[1].outcome, Outcome::Stopped);
}

#[test]
fn a_reply_that_was_held_for_gibberish_goes_on() {
    let resumed = |sureness| {
        let run = over_the_answer("piper-average.wav", "What is the average?", sureness, 300);
        let ended = |mark: &Mark| {
            matches!(
                mark,
                Mark::ReplyEnded {
                    end: ReplyEnd::Stopped,
                    ..
                }
            )
        };
        assert!(
            run.events.iter().any(|event| ended(&event.mark)),
            "it stopped"
        );
        let resumed = |mark: &Mark| matches!(mark, Mark::ReplyResumed { .. });
        run.events.iter().any(|event| resumed(&event.mark))
    };
    assert!(resumed(Some(0.2)), "nobody said anything");
    assert!(!resumed(Some(0.9)), "somebody asked something");
}

/// How often "Wait, stop." is transcribed, and how long after the first question what was said stops the agent: the pause
/// behind "wait" lasts some 270 ms, a transcription 400.
fn transcribed(silence_ms: u64) -> (usize, Duration) {
    let scenario = talked_over("piper-wait-stop.wav");
    let scenario = scenario.changed(|file| file.endpointing.silence_ms = silence_ms);
    let run = Run::of(scenario.expect("a scenario"));
    let run = held(understood_after(run, SLOW, "Wait."));
    let of_it = || run.events.iter().filter(|event| event.turn == TurnId(2));
    let has_begun = |event: &&Event| {
        let recogniser = StageName::SpeechToText;
        matches!(event.mark, Mark::Begun { stage, .. } if stage == recogniser)
    };
    let has_stopped = |event: &&Event| matches!(&event.mark, Mark::Decision(decision) if decision.verdict == Verdict::Stop);
    let asked = of_it().find(|event| event.mark == Mark::AskedSoFar);
    let stopped = of_it().find(has_stopped);
    let (asked, stopped) = (asked.expect("asked"), stopped.expect("stopped"));
    let times = of_it().filter(has_begun).count();
    (times, stopped.tick.since(asked.tick))
}

const SLOW: Duration = Duration::from_millis(400);

/// It was once transcribed again when it was over, after the answer to what was asked in the pause had been given up.
#[test]
fn a_word_that_ends_in_a_pause_is_transcribed_once_however_slow_the_recogniser() {
    assert_eq!(transcribed(200), (1, SLOW));
}

#[test]
fn a_word_before_a_pause_is_known_though_the_caller_goes_on() {
    assert_eq!(transcribed(700), (2, SLOW));
}
