//! Whole conversations: what comes out, and whether the recording agrees.

use crate::support::{SIMULATED, conversation, end_ms, fixture, onset_ms, stderr, voicesim};
use std::path::Path;
use std::time::Duration;
use voicesim::event::{Event, Expect, Mark, Metric, ReplyEnd, VisitEnd};
use voicesim::measure::{Outcome, Row};
use voicesim::record::store::{KeepAudio, read_events};
use voicesim::run::{Finished, Run, RunError, Time};
use voicesim::scenario::latency::LatencyModel;
use voicesim::scenario::{self, Scenario};

/// What a simulated answer says, so that one can talk over it.
const LONG: &str =
    "This is what the agent answers. It goes on for a while, so that one can talk over it.";

/// A turn of a scenario: a recording, and more keys.
fn turn(recording: &str, keys: &str) -> String {
    format!(
        "[[turn]]\nwav = \"{}\"\n{keys}\n",
        fixture(recording).display()
    )
}

fn scenario(turns: &[String], settings: &str) -> Scenario {
    let toml = turns.concat() + settings;
    scenario::parse(Path::new("test.toml"), &toml).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs in virtual time.
fn run(scenario: Scenario) -> (Finished, tempfile::TempDir) {
    run_in(Time::Virtual, scenario)
}

/// Runs in a folder of its own, and checks what holds of every run.
fn run_in(time: Time, scenario: Scenario) -> (Finished, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let replay = Run::of(scenario)
        .in_time(time)
        .keep_in(folder.path().to_owned(), KeepAudio::Yes);
    let run = replay.run().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read_events(folder.path()).expect("readable"), run.events);
    for row in &run.measured.rows {
        adds_up(row);
    }
    every_visit_ends_once(&run.events);
    (run, folder)
}

fn adds_up(row: &Row) {
    if let Some(e2e) = row.e2e_ns {
        assert_eq!(row.outcome, Outcome::Answered);
        assert_eq!(row.hops.sum(), e2e);
        let (start, end) = (
            row.agent_start.expect("audible"),
            row.caller_end.expect("ended"),
        );
        assert_eq!(start.0 - end.0, e2e);
    }
}

fn every_visit_ends_once(events: &[Event]) {
    let of = |wanted: fn(&Mark) -> Option<u32>| {
        let mut visits: Vec<u32> = events.iter().filter_map(|e| wanted(&e.mark)).collect();
        visits.sort_unstable();
        visits
    };
    let entered = of(|mark| match mark {
        Mark::Enter { visit, .. } => Some(visit.0),
        _ => None,
    });
    let left = of(|mark| match mark {
        Mark::Exit { visit, .. } => Some(visit.0),
        _ => None,
    });
    assert_eq!(entered, left);
    assert!(entered.windows(2).all(|pair| pair[0] < pair[1]));
}

fn outcomes(run: &Finished) -> Vec<Outcome> {
    run.measured.rows.iter().map(|row| row.outcome).collect()
}

/// What the events say must be what the recording holds, within 20 ms.
fn agrees_with_the_recording(run: &Finished, folder: &Path) {
    let (caller, agent) = conversation(folder);
    for row in run.measured.rows.iter().filter(|row| row.e2e_ns.is_some()) {
        let (end, start) = (
            row.caller_end.expect("ended"),
            row.agent_start.expect("audible"),
        );
        let samples = |ms: f64| (ms * 16.0).max(0.0) as usize;
        // The last second of the caller's speech, and the first one of the reply.
        let said = samples(end.as_ms() - 1_000.0)..samples(end.as_ms() + 250.0);
        let replied =
            samples(end.as_ms() + 20.0)..samples(start.as_ms() + 1_000.0).min(agent.len());
        let heard_end = end_ms(&caller[said.clone()]) + said.start as f64 / 16.0;
        let heard_start = onset_ms(&agent[replied.clone()]) + replied.start as f64 / 16.0;
        let measured = heard_start - heard_end;
        let claimed = start.as_ms() - end.as_ms();
        assert!(
            (measured - claimed).abs() <= 20.0,
            "turn {}: {measured:.1} ms on the recording, {claimed:.1} ms in the report",
            row.number
        );
    }
}

#[test]
fn a_question_is_answered_and_its_hops_add_up() {
    for time in [Time::Real, Time::Virtual] {
        let question = scenario(&[turn("piper-graphics.wav", "")], SIMULATED);
        let question = question.changed(|file| file.speculation.enabled = false);
        let (run, folder) = run_in(time, question.expect("a scenario"));
        assert_eq!(outcomes(&run), [Outcome::Answered]);
        agrees_with_the_recording(&run, folder.path());
        let hops = &run.measured.rows[0].hops;
        let ms = |hop| hops.get(hop).unwrap_or_default() / 1_000_000;
        use voicesim::event::Hop::{Answer, EndpointingWait, SpeechSynthesis, Transcription};
        // The fakes take at least what they were told to.
        let taken = [Transcription, Answer, SpeechSynthesis].map(ms);
        assert!(
            taken[0] >= 120 && taken[1] >= 80 && taken[2] >= 60,
            "{hops:?}"
        );
        assert!(ms(EndpointingWait) >= 200, "{hops:?}");
        if time == Time::Virtual {
            assert_eq!(taken, [120, 80, 60], "and in virtual time exactly that");
        }
    }
}

#[test]
fn a_simulated_conversation_repeats_to_the_byte_in_virtual_time() {
    let conversation = |seed: u64| {
        let settings = format!(
            "{}\n[interruption]\npolicy = \"vad_500ms\"\n",
            SIMULATED.replace(
                "fixed_ms = 120",
                "lognormal = { median_ms = 247, p95_ms = 298 }"
            )
        );
        let turns = [
            turn("piper-graphics.wav", ""),
            turn(
                "piper-average.wav",
                "expect = \"stop\"\nafter = \"agent_speech_start\"",
            ),
            turn("piper-reply.wav", ""),
        ];
        let mut scenario = scenario(&turns, &settings);
        scenario.set_seed(seed);
        let (_, folder) = run(scenario);
        std::fs::read(folder.path().join("events.jsonl")).expect("events")
    };
    let first = conversation(7);
    for _ in 0..20 {
        assert_eq!(conversation(7), first);
    }
    assert_ne!(
        conversation(8),
        first,
        "another seed is another conversation"
    );
}

#[test]
fn a_simulated_caller_is_the_same_a_hundred_times_on_two_threads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/scripted.toml");
    let scenario = scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
    let (first, folder) = run(scenario.clone());
    use Outcome::{Answered, Ignored, Stopped};
    assert_eq!(outcomes(&first), [Answered, Ignored, Answered, Stopped]);
    let events = std::fs::read(folder.path().join("events.jsonl")).expect("events");
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..50 {
                    let (_, folder) = run(scenario.clone());
                    let again = std::fs::read(folder.path().join("events.jsonl"));
                    assert!(again.expect("events") == events, "another conversation");
                }
            });
        }
    });
    let mut other = scenario;
    other.set_seed(other.seed().0 + 1);
    assert_ne!(run(other).0.events, first.events);
}

#[test]
fn faults_strike_what_they_are_meant_for_on_both_clocks() {
    let faults = "
[[fault]]
stage = \"stt\"
delay_ms = 200
inputs = [1]
[[fault]]
stage = \"tts\"
stall_ms = 3_000
inputs = [2]
after_outputs = 0
[[fault]]
stage = \"answer\"
error = \"out of answers\"
inputs = [2]
";
    let turns = [
        turn("piper-graphics.wav", ""),
        turn("piper-reply.wav", "after = \"previous_turn_end\""),
    ];
    for time in [Time::Real, Time::Virtual] {
        let scenario = scenario(&turns, &(SIMULATED.to_owned() + faults));
        let scenario = scenario.changed(|file| file.speculation.enabled = false);
        let (run, _folder) = run_in(time, scenario.expect("a scenario"));
        assert_eq!(outcomes(&run), [Outcome::Answered, Outcome::Failed]);
        let first = &run.measured.rows[0];
        let transcription = first
            .hops
            .get(voicesim::event::Hop::Transcription)
            .expect("answered");
        assert!(
            transcription >= 320_000_000,
            "late by the delay: {transcription}"
        );
        let gaps = &run.measured.metrics[&Metric::PlaybackGap];
        let longest = gaps.answered().summary().expect("a gap").max_ms;
        assert!(longest > 500.0, "the second clause stalled: {longest} ms");
    }
}

/// A voice that failed in the middle once left the clauses waiting for it for ever.
#[test]
fn a_voice_that_fails_in_a_long_answer_ends_the_reply_and_not_the_run() {
    let long = "answer.text = \"One. Two. Three. Four. Five. Six. Seven. Eight. Nine. Ten.\"\n";
    let fault = "[[fault]]\nstage = \"tts\"\nerror = \"hoarse\"\ninputs = [2]\n";
    let engines = "[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n";
    let engines = engines.replace(
        "[answer]\n",
        &format!("[answer]\n{}", &long["answer.".len()..]),
    );
    let turns = [turn("piper-graphics.wav", "")];
    let (run, _folder) = run(scenario(&turns, &(engines + fault)));
    assert_eq!(outcomes(&run), [Outcome::Failed]);
}

#[test]
fn mm_hmm_does_not_stop_the_agent_and_an_interruption_does() {
    let over = |recording: &str, expect: &str| {
        let keys = format!("expect = \"{expect}\"\nafter = \"agent_speech_start\"\ndelay_ms = 500");
        turn(recording, &keys)
    };
    let turns = [
        turn("piper-graphics.wav", ""),
        over("piper-mm-hmm.wav", "ignore"),
        turn("piper-reply.wav", ""),
        over("piper-average.wav", "stop"),
    ];
    let (run, folder) = run(scenario(&turns, SIMULATED));
    use Outcome::{Answered, Ignored, Stopped};
    assert_eq!(outcomes(&run), [Answered, Ignored, Answered, Stopped]);
    let counts = &run.measured.interruptions;
    assert_eq!((counts.false_barge_ins, counts.missed_barge_ins), (0, 0));
    let stopped = &run.measured.rows[3];
    assert!(
        stopped.metric(Metric::BargeInStop) >= Some(500_000_000),
        "the rule waits for 500 ms of voice"
    );
    // What was not heard of the answer is not remembered as said.
    let interrupted = &run.measured.rows[2].said;
    assert!(
        interrupted.len() < run.measured.rows[0].said.len(),
        "{interrupted}"
    );
    agrees_with_the_recording(&run, folder.path());
}

/// "mm-hmm" stops an agent that stops for everything; when nothing more comes it says the rest.
#[test]
fn an_agent_that_stopped_for_nothing_says_the_rest() {
    let hears = |words: &str| {
        let script = format!(
            "while read -r line; do echo '{{\\\"text\\\":\\\"{words}\\\"}}'; echo '{{\\\"done\\\":true}}'; done"
        );
        let settings = format!(
            "[stt]\nengine = \"command\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\n[answer]\nengine = \"simulated\"\ntext = \"{LONG}\"\n[tts]\nengine = \"simulated\"\n[interruption]\npolicy = \"always\"\nresume_after_ms = 1500\n"
        );
        let turns = [
            turn("piper-graphics.wav", ""),
            turn(
                "piper-mm-hmm.wav",
                "expect = \"ignore\"\nafter = \"agent_speech_start\"\ndelay_ms = 2500",
            ),
        ];
        run(scenario(&turns, &settings))
    };
    let (resumed, folder) = hears("Mm-hmm.");
    assert_eq!(outcomes(&resumed)[1], Outcome::Spurious, "it did stop");
    assert_eq!(resumed.measured.interruptions.false_barge_ins, 1);
    assert_eq!(&*resumed.measured.rows[0].said, LONG);
    let at = |is: &dyn Fn(&Mark) -> bool| {
        let found = resumed.events.iter().find(|event| is(&event.mark));
        found.expect("it happened").tick
    };
    let stopped = at(&|mark| {
        let end = ReplyEnd::Stopped;
        matches!(mark, Mark::ReplyEnded { end: e, .. } if *e == end)
    });
    let went_on = at(&|mark| matches!(mark, Mark::ReplyResumed { .. }));
    assert!(went_on.since(stopped) >= Duration::from_millis(1_500));
    agrees_with_the_recording(&resumed, folder.path());
    let (stopped, _folder) = hears("Wait, stop.");
    assert!(stopped.measured.rows[0].said.len() < LONG.len());
}

#[test]
fn a_pause_inside_a_question_is_cut_off_by_impatient_endpointing_only() {
    let pause = || [turn("piper-with-pause.wav", "")];
    let patient = "[endpointing]\nsilence_ms = 900\n";
    let (answered, _folder) = run(scenario(&pause(), &(patient.to_owned() + SIMULATED)));
    assert_eq!(outcomes(&answered), [Outcome::Answered]);
    let (cut_off, _folder) = run(scenario(&pause(), SIMULATED));
    assert_eq!(outcomes(&cut_off), [Outcome::CutOff]);
    assert_eq!(cut_off.measured.interruptions.cut_offs, 1);
    assert!(
        !cut_off.measured.metrics.contains_key(&Metric::E2eLatency),
        "no fast answer"
    );
}

#[test]
fn an_engine_that_fails_fails_the_turn_and_not_the_run() {
    let place = tempfile::tempdir().expect("a folder");
    let marker = place.path().join("failed-once").display().to_string();
    // Fails on the first request, answers the next one.
    let script = r#"while read -r line; do
        if [ -e MARKER ]; then echo '{"text":"Here you are."}'; echo '{"done":true}'
        else touch MARKER; echo '{"error":"out of answers"}'; fi
    done"#
        .replace("MARKER", &marker);
    let settings = format!(
        "[answer]\nengine = \"command\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n[stt]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n"
    );
    let turns = [
        turn("piper-graphics.wav", ""),
        turn("piper-reply.wav", "after = \"previous_turn_end\""),
    ];
    let (run, _folder) = run(scenario(&turns, &settings));
    assert_eq!(outcomes(&run), [Outcome::Failed, Outcome::Answered]);
    let error = run.events.iter().find_map(|event| match &event.mark {
        Mark::Exit {
            end: VisitEnd::Failed(why),
            ..
        } => Some(why.error.clone()),
        _ => None,
    });
    assert!(error.expect("a failure").contains("out of answers"));
}

#[test]
fn any_program_can_answer() {
    let script = "while read -r line; do echo '{\\\"text\\\":\\\"I am a script.\\\"}'; echo '{\\\"done\\\":true}'; done";
    let settings = format!(
        "[answer]\nengine = \"command\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\n[stt]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n"
    );
    let (run, _folder) = run(scenario(&[turn("piper-graphics.wav", "")], &settings));
    assert_eq!(&*run.measured.rows[0].said, "I am a script.");
}

#[test]
fn the_next_answer_knows_what_was_heard_of_the_one_before() {
    // Answers with what the caller heard of the past answer, if there was one.
    let script = r#"while read -r line; do
        heard=$(echo "$line" | sed -n 's/.*"heard":"\([^"]*\)".*/\1/p')
        echo "{\"text\":\"${heard:-One two three four five six seven eight nine ten eleven twelve.}\"}"
        echo '{"done":true}'
    done"#;
    let settings = format!(
        "[answer]\nengine = \"command\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n[stt]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n"
    );
    let turns = [
        turn("piper-graphics.wav", ""),
        turn(
            "piper-average.wav",
            "expect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 600",
        ),
    ];
    let (run, _folder) = run(scenario(&turns, &settings));
    assert_eq!(outcomes(&run)[1], Outcome::Stopped);
    let heard = &run.measured.rows[0].said;
    assert!(heard.starts_with("One two"), "{heard}");
    assert!(!heard.contains("twelve"), "it was stopped: {heard}");
    assert_eq!(&run.measured.rows[1].said, heard);
}

#[test]
fn a_turn_whose_anchor_does_not_come_is_not_asked() {
    let turns = [
        turn("silence.wav", ""),
        turn("piper-graphics.wav", "give_up_ms = 700"),
        turn("piper-graphics.wav", ""),
    ];
    let (run, _folder) = run(scenario(&turns, SIMULATED));
    use Outcome::{Answered, Missed, NotAsked};
    assert_eq!(outcomes(&run), [Missed, NotAsked, Answered]);
    assert_eq!(run.measured.interruptions.missed_responses, 1);
    assert_eq!(run.measured.rows[0].expect, Some(Expect::Respond));
}

#[test]
fn real_engines_hear_and_answer_and_the_recording_agrees_on_both_clocks() {
    for time in [Time::Real, Time::Virtual] {
        let keys = "text = \"Why does the average hide the slow replies?\"";
        let question = scenario(&[turn("piper-average.wav", keys)], "");
        let (run, folder) = run_in(time, question);
        assert_eq!(outcomes(&run), [Outcome::Answered]);
        let row = &run.measured.rows[0];
        let errors = run.measured.wer.map(|wer| wer.errors);
        assert_eq!(errors, Some(0), "{}", row.heard);
        assert!(row.said.contains("percentiles"), "{}", row.said);
        agrees_with_the_recording(&run, folder.path());
    }
}

/// The events that a run folder repeats to, without engines.
fn repeated(scenario: &Scenario, recorded: &Path) -> Result<Vec<Event>, RunError> {
    let replay = Run::of(scenario.clone()).repeating(recorded.to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_owned();
    Ok(replay.keep_in(place, KeepAudio::Yes).run()?.events)
}

#[test]
fn a_filler_is_said_before_a_late_answer_and_repeats_from_its_recording() {
    let settings = "[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\nlatency = { fixed_ms = 1500.0 }\n[tts]\nengine = \"espeak\"\n[filler]\nafter_ms = 300\n";
    let scenario = scenario(&[turn("en-us-graphics.wav", "")], settings);
    let (said, folder) = run(scenario.clone());
    let filler = said.events.iter().find_map(|event| match event.mark {
        Mark::Filler { at, audio_ns } => Some((at, at + Duration::from_nanos(audio_ns))),
        _ => None,
    });
    let (begun, over) = filler.expect("a filler");
    let row = &said.measured.rows[0];
    let answered = row.agent_start.expect("an answer");
    assert!(answered >= over, "the answer waits until it is said");
    assert!(
        row.metric(Metric::FirstSound) < row.e2e_ns,
        "it is heard before"
    );
    // It is heard on the recording, where the answer is not yet.
    let (_, agent) = conversation(folder.path());
    let first_ms = onset_ms(&agent);
    assert!((first_ms - begun.as_ms()).abs() < 100.0, "{first_ms}");
    assert_eq!(
        repeated(&scenario, folder.path()).expect("a run"),
        said.events
    );
}

#[test]
fn a_recorded_run_repeats_to_the_byte_without_its_engines() {
    let turns = [
        turn("en-us-graphics.wav", ""),
        turn(
            "en-us-yeah.wav",
            "expect = \"ignore\"\nafter = \"agent_speech_start\"",
        ),
        "[[turn]]\nsay = \"Why does the average hide the slow replies?\"\n".to_owned(),
    ];
    let scenario = scenario(&turns, "[tts]\nengine = \"espeak\"\n");
    let (recorded, folder) = run(scenario.clone());
    // A hundred times, two conversations at a time.
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..50 {
                    let again = repeated(&scenario, folder.path());
                    let again = again.unwrap_or_else(|error| panic!("{error}"));
                    assert_eq!(again, recorded.events);
                }
            });
        }
    });
    // Another question was never recorded.
    let other = scenario.changed(|file| file.turn[0].wav = Some(fixture("en-gb-graphics.wav")));
    let other = other.expect("a scenario");
    let error = repeated(&other, folder.path())
        .expect_err("not recorded")
        .to_string();
    assert!(
        error.contains("no output of speech_to_text for the input"),
        "{error}"
    );
}

#[test]
fn the_demo_repeats_to_the_byte_from_its_recording_without_any_model() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/demo.toml");
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("run").display().to_string();
    let repeat = voicesim(&[
        "run",
        &demo.display().to_string(),
        "--recorded",
        &recorded.display().to_string(),
        "--out",
        &place,
        "--json",
    ]);
    assert_eq!(repeat.status.code(), Some(0), "{}", stderr(&repeat));
    let events = |folder: &Path| std::fs::read_to_string(folder.join("events.jsonl"));
    let (again, first) = (events(Path::new(&place)), events(&recorded));
    let (again, first) = (again.expect("events"), first.expect("events"));
    for (line, (again, first)) in again.lines().zip(first.lines()).enumerate() {
        assert_eq!(
            again,
            first,
            "line {}: if this is meant to be so, `make recordings`",
            line + 1
        );
    }
    assert_eq!(again.len(), first.len());
}

#[test]
fn speculation_on_the_real_clock_does_not_repeat_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let question = scenario(&[turn("piper-graphics.wav", "")], SIMULATED);
    let replay = Run::of(question.clone());
    let kept = replay.keep_in(folder.path().to_owned(), KeepAudio::Yes);
    kept.run().unwrap_or_else(|error| panic!("{error}"));
    let error = repeated(&question, folder.path()).expect_err("refused");
    assert!(error.to_string().contains("--speculation off"), "{error}");
}

/// What a recogniser was asked over the agent once led to a reply in mid-sentence, when its answer
/// came after the agent had stopped.
#[test]
fn with_speculation_off_nothing_is_prepared_also_after_an_interruption() {
    let turns = [
        turn("piper-graphics.wav", ""),
        turn(
            "piper-average.wav",
            "expect = \"stop\"\nafter = \"agent_speech_start\"",
        ),
    ];
    let scenario = scenario(&turns, SIMULATED).changed(|file| {
        file.stt.latency = Some(LatencyModel::FixedMs(700.0));
        file.speculation.enabled = false;
    });
    let (run, _folder) = run(scenario.expect("a scenario"));
    assert_eq!(outcomes(&run), [Outcome::Answered, Outcome::Stopped]);
    let asked = |event: &Event| event.mark == Mark::AskedSoFar;
    assert!(run.events.iter().any(asked), "the policy wants words");
    assert_eq!(run.measured.speculation.prepared, 0);
}

#[test]
fn what_speculation_gains_and_throws_away_is_shown() {
    let hesitates = "[[turn]]\nspeech = { length = { fixed_ms = 2_000 }, pauses = [{ after_ms = 900, length = { fixed_ms = 250 } }] }\n";
    let run_with = |speculation: &str| {
        let toml = format!("{hesitates}[speculation]\n{speculation}\n{SIMULATED}");
        let scenario = scenario::parse(Path::new("test.toml"), &toml);
        run(scenario.unwrap_or_else(|error| panic!("{error}"))).0
    };
    let (on, off) = (run_with("enabled = true"), run_with("enabled = false"));
    let e2e = |run: &Finished| run.measured.rows[0].e2e_ns.expect("answered") / 1_000_000;
    // 5 ms of lag and 304 of silence, or the 69 after which a pause is noticed; then 120, 80 and 60 ms of engines.
    assert_eq!((e2e(&off), e2e(&on)), (309 + 260, 69 + 260));
    assert_eq!(off.measured.speculation.prepared, 0);
    let cost = &on.measured.speculation;
    assert_eq!((cost.prepared, cost.kept), (2, 1));
    assert_eq!(cost.dropped_requests, 1, "{cost:?}");
    // The pause is noticed after 69 ms and its end after 282: 120 of transcription, 80 of an answer to it, and 13 of
    // its sound.
    let thrown_away_ms = 1e3 * cost.thrown_away_cpu_s;
    assert!((thrown_away_ms - 213.0).abs() < 0.1, "{cost:?}");
}
