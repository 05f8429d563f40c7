//! Engines that compete for cores: a recording of them repeats to the byte, on however few.

use crate::support::fixture;
use crate::support::understands::held;
use std::path::Path;
use std::time::{Duration, Instant};
use voicesim::clock::{Clock, Worker};
use voicesim::event::{Event, Mark, StageName};
use voicesim::record::store::KeepAudio;
use voicesim::run::Run;
use voicesim::scenario::{self, Scenario};
use voicesim::stage::{
    AudioFeed, Finished, LatestSound, Outlet, Stage, StageError, Transcript, Work,
    transcribe_in_batches,
};

/// Keeps a core busy for as long as that.
fn computes(span: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < span {
        std::hint::spin_loop();
    }
}

fn worker(clock: &Clock, name: &str) -> Worker<()> {
    clock.worker(name, ()).expect("a worker")
}

/// Understands everything as the same words, after 30 ms on two threads.
struct Recogniser(Worker<()>);

impl Stage for Recogniser {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        Box::pin(transcribe_in_batches(feed, out, async |_, out| {
            let job = |(): &mut (), _| computes(Duration::from_millis(30));
            out.compute(&self.0, 2, job).await?;
            Ok::<_, StageError>("I'd like to book it".to_owned())
        }))
    }
}

/// Finds no sound finished, after 20 ms on two threads.
struct Unsure(Worker<()>);

impl Stage for Unsure {
    type In = LatestSound;
    type Out = Finished;

    fn handle<'a>(&'a mut self, _: LatestSound, out: &'a mut Outlet<Finished>) -> Work<'a> {
        Box::pin(async move {
            let job = |(): &mut (), _| computes(Duration::from_millis(20));
            out.compute(&self.0, 2, job).await?;
            out.send(Finished { probability: 0.2 }).await
        })
    }
}

fn parsed(text: &str) -> Scenario {
    let parsed = scenario::parse(Path::new("contended.toml"), text);
    parsed.unwrap_or_else(|error| panic!("{error}"))
}

/// The events of a run and of its repetition, which are the same to the byte.
fn repeated(run: Run, scenario: Scenario) -> Vec<Event> {
    let [first, second] = [(), ()].map(|()| tempfile::tempdir().expect("a folder"));
    let once = held(run.keep_in(first.path().to_owned(), KeepAudio::Yes));
    let again = Run::of(scenario).repeating(first.path().to_owned());
    let again = held(again.keep_in(second.path().to_owned(), KeepAudio::Yes));
    assert_eq!(again.events, once.events);
    let [one, other] = [first, second]
        .map(|folder| std::fs::read(folder.path().join("events.jsonl")).expect("events"));
    assert!(one == other);
    once.events
}

fn turns() -> String {
    let turn = |wav: &str| {
        let wav = fixture(wav).display().to_string();
        format!("[[turn]]\nwav = '{wav}'\ntext = \"\"\n")
    };
    [
        "piper-with-pause.wav",
        "en-gb-pause.wav",
        "en-us-average.wav",
    ]
    .map(turn)
    .concat()
}

#[test]
fn engines_that_compute_repeat_though_they_waited_for_each_other() {
    for cores in [1, 2] {
        let scenario = || {
            parsed(&format!(
                "cores = {cores}\n[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 50 }}\n[answer]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n[tts]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n[endpointing]\npolicy = \"eot\"\ncut_offs = 0.2\n[speculation]\nprobability = 0.05\n{}",
                turns()
            ))
        };
        let run = Run::of(scenario())
            .with_speech_to_text(|clock| Box::new(Recogniser(worker(clock, "words"))))
            .with_end_of_turn(|clock| Box::new(Unsure(worker(clock, "sound").brief())));
        let events = repeated(run, scenario());
        let judged = |event: &&Event| {
            matches!(
                event.mark,
                Mark::Exit {
                    stage: StageName::EndOfTurn,
                    ..
                }
            )
        };
        assert!(events.iter().filter(judged).count() > 3, "{cores} cores");
    }
}

#[test]
fn simulated_engines_repeat_though_one_was_given_up_before_it_had_a_core() {
    for cores in [1, 2] {
        let scenario = || {
            parsed(&format!(
                "cores = {cores}\n[stt]\nengine = \"simulated\"\nlatency = {{ lognormal = {{ median_ms = 200, p95_ms = 300 }} }}\ncompute = {{ threads = 2, serial = 0.3 }}\n[answer]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\ncompute = {{ threads = 1 }}\ntext = \"We open at nine. And we close at ten, but not on Sundays.\"\n[tts]\nengine = \"simulated\"\nlatency = {{ lognormal = {{ median_ms = 300, p95_ms = 500 }} }}\ncompute = {{ threads = 2, serial = 0.4 }}\n[speculation]\nwhile_speaking_ms = 300\n[endpointing]\nsilence_ms = 300\n{}",
                turns()
            ))
        };
        let events = repeated(Run::of(scenario()), scenario());
        let asked = |event: &&Event| event.mark == Mark::AskedSoFar;
        assert!(events.iter().filter(asked).count() > 3, "{cores} cores");
    }
}

/// "Wait", a caller says, and "stop" before the recogniser has understood the first word.
#[test]
fn a_recogniser_that_falls_behind_repeats() {
    let [question, wait_stop] =
        ["en-gb-pause.wav", "piper-wait-stop.wav"].map(|name| fixture(name).display().to_string());
    let scenario = || {
        parsed(&format!(
            "cores = 2\n[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 800 }}\ncompute = {{ threads = 2, serial = 0.3 }}\n[answer]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\ntext = \"We open at nine. And we close at ten, but not on Sundays.\"\n[tts]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 80 }}\n[endpointing]\nsilence_ms = 300\n[[turn]]\nwav = '{question}'\ntext = \"\"\n[[turn]]\nwav = '{wait_stop}'\ntext = \"wait, stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 0\n"
        ))
    };
    let events = repeated(Run::of(scenario()), scenario());
    let asked_first = events.iter().filter(|event| {
        let of_turn = |mark: fn(&Mark) -> bool| {
            let of_turn = |other: &&Event| other.turn == event.turn && mark(&other.mark);
            events.iter().find(of_turn).map(|found| found.tick)
        };
        let is_enter = |mark: &Mark| {
            matches!(
                mark,
                Mark::Enter {
                    stage: StageName::SpeechToText,
                    ..
                }
            )
        };
        event.mark == Mark::AskedSoFar && of_turn(is_enter) > Some(event.tick)
    });
    assert!(asked_first.count() > 0, "it never fell behind");
}
