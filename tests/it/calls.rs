//! Calls that were recorded elsewhere: what `voicesim measure` makes of them.

use crate::support::synthetic::{self, Call, MS, Surroundings, lay, spoken};
use crate::support::{SIMULATED, fixture, stderr, stdout, voicesim};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use voicesim::audio::wav;
use voicesim::event::Metric;
use voicesim::measure::{Plan, measure as measured};
use voicesim::record::store::{KeepAudio, RowsPer};
use voicesim::run::{Run, Time};
use voicesim::scenario;

fn measure(path: &Path, flags: &[&str]) -> Output {
    let path = path.to_string_lossy();
    let mut arguments = vec!["measure", path.as_ref(), "--no-transcribe", "-q"];
    arguments.extend(flags);
    voicesim(&arguments)
}

fn report(path: &Path, flags: &[&str]) -> Value {
    let flags = [&["--json"], flags].concat();
    let output = measure(path, &flags);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

/// A call with these sounds, each at its millisecond, in a folder of its own.
fn recorded(caller: &[(usize, &[f32])], agent: &[(usize, &[f32])]) -> (tempfile::TempDir, PathBuf) {
    let channel = |sounds: &[(usize, &[f32])]| {
        let mut channel = Vec::new();
        for (ms, sound) in sounds {
            lay(&mut channel, ms * MS, sound);
        }
        channel
    };
    let (mut caller, mut agent) = (channel(caller), channel(agent));
    let length = caller.len().max(agent.len()) + 4_000 * MS;
    caller.resize(length, 0.0);
    agent.resize(length, 0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.wav");
    let call = Call {
        name: "call".into(),
        caller,
        agent,
        gaps: Vec::new(),
    };
    call.write(&path);
    (folder, path)
}

fn outcomes(report: &Value) -> Vec<String> {
    let rows = report["detail"].as_array().expect("rows");
    let outcome = |row: &Value| row["outcome"].as_str().expect("an outcome").to_owned();
    rows.iter().map(outcome).collect()
}

fn count(report: &Value, what: &str) -> u64 {
    report["interruptions"][what].as_u64().expect("a count")
}

fn ms(report: &Value, metric: &str, statistic: &str) -> f64 {
    let value = &report["metrics"][metric][statistic];
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no {metric} in {report:#}"))
}

#[test]
fn gaps_are_measured_to_the_millisecond_in_quiet_and_found_in_noise() {
    for surroundings in Surroundings::ALL {
        let call = synthetic::call(surroundings, 1);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(format!("{}.wav", call.name));
        call.write(&path);
        let report = report(&path, &[]);
        let rows = report["detail"].as_array().expect("rows");
        assert_eq!(rows.len(), call.gaps.len(), "{}", surroundings.name());
        // Music may hide an edge, and without Silero's detector a voice may be taken for it: doubtful, and right.
        if !matches!(surroundings, Surroundings::MusicOnHold) {
            assert!(rows.iter().all(|row| row["doubtful"].is_null()), "{rows:?}");
        }
        let mut off: Vec<f64> = rows
            .iter()
            .zip(&call.gaps)
            .map(|(row, (end, start))| {
                let e2e = row["e2e_ns"].as_f64().unwrap_or_else(|| panic!("{row}"));
                assert!(
                    row["hops_ns"]
                        .as_object()
                        .is_some_and(serde_json::Map::is_empty)
                );
                (e2e / 1e6 - (start - end)).abs()
            })
            .collect();
        off.sort_by(f64::total_cmp);
        let (median, worst) = (off[off.len() / 2], off[off.len() - 1]);
        // Noise hides the last consonant of many a question.
        let limits = match surroundings {
            Surroundings::FaintNoise => (40.0, 200.0),
            Surroundings::Noise => (100.0, 300.0),
            _ => (10.0, 40.0),
        };
        let name = surroundings.name();
        assert!(
            median <= limits.0 && worst <= limits.1,
            "{name}: {median} ms, {worst} ms"
        );
    }
}

#[test]
fn a_recording_of_our_own_agrees_with_what_happened() {
    let turn = |recording: &str, keys: &str| {
        format!(
            "[[turn]]\nwav = \"{}\"\n{keys}\n",
            fixture(recording).display()
        )
    };
    let over = |recording: &str, expect: &str, delay_ms: u32| {
        let keys =
            format!("expect = \"{expect}\"\nafter = \"agent_speech_start\"\ndelay_ms = {delay_ms}");
        turn(recording, &keys)
    };
    let turns = [
        turn("piper-graphics.wav", ""),
        over("piper-mm-hmm.wav", "ignore", 700),
        turn("piper-reply.wav", ""),
        over("piper-average.wav", "stop", 900),
        turn("en-gb-finished.wav", ""),
        over("en-us-yeah.wav", "ignore", 1_200),
    ];
    let engines = SIMULATED.replace(
        "[tts]\nengine = \"simulated\"\nlatency = { fixed_ms = 60 }",
        "[tts]\nengine = \"espeak\"",
    );
    let scenario = scenario::parse(Path::new("test.toml"), &(turns.concat() + &engines));
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().expect("a folder");
    let replay = Run::of(scenario).in_time(Time::Virtual);
    let run = replay
        .keep_in(folder.path().to_owned(), KeepAudio::Yes)
        .run();
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    let heard = report(&folder.path().join("conversation.wav"), &[]);

    // A recording knows no scenario: it has a row for each utterance.
    let plan = Plan {
        rows_per: RowsPer::Utterance,
        questions: None,
        rows: Vec::new(),
        budgets: Vec::new(),
        prices: None,
    };
    let happened = measured(&run.events, &plan);
    let outcomes_of_run: Vec<&str> = happened.rows.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes(&heard), outcomes_of_run);
    for (row, heard) in happened
        .rows
        .iter()
        .zip(heard["detail"].as_array().expect("rows"))
    {
        let near = |happened: Option<u64>, heard: &Value| match (happened, heard.as_f64()) {
            (Some(happened), Some(heard)) => (happened as f64 - heard).abs() <= 20e6,
            (happened, heard) => happened.is_none() && heard.is_none(),
        };
        assert!(
            near(row.e2e_ns, &heard["e2e_ns"]),
            "{:?} and {heard}",
            row.e2e_ns
        );
        assert!(
            near(row.caller_end.map(|at| at.0), &heard["caller_end_ns"]),
            "{heard}"
        );
    }
    let counts = &run.measured.interruptions;
    for (name, happened) in [
        ("barge_ins", counts.barge_ins),
        ("false_barge_ins", counts.false_barge_ins),
        ("missed_barge_ins", counts.missed_barge_ins),
        ("spurious_responses", counts.spurious_responses),
        ("missed_responses", counts.missed_responses),
        ("cut_offs", counts.cut_offs),
    ] {
        assert_eq!(count(&heard, name), u64::from(happened), "{name}");
    }
    // Not that from the detector's end: it holds on after a voice, and the ear of a run does not wait for it.
    for metric in [Metric::E2eLatency, Metric::BargeInStop, Metric::Overlap] {
        let happened = happened.metrics[&metric]
            .answered()
            .summary()
            .expect("recorded");
        let (max, mean) = (
            ms(&heard, metric.name(), "max_ms"),
            ms(&heard, metric.name(), "mean_ms"),
        );
        assert!(
            (happened.max_ms - max).abs() <= 20.0,
            "{metric}: {} and {max}",
            happened.max_ms
        );
        assert!(
            (happened.mean_ms - mean).abs() <= 20.0,
            "{metric}: {} and {mean}",
            happened.mean_ms
        );
    }
}

/// A question, and an answer of some seconds that begins 700 ms after it; where each begins and ends, in ms.
struct Exchange {
    question: Vec<f32>,
    answer: Vec<f32>,
    answered_at: usize,
}

fn exchange() -> Exchange {
    let question = spoken("en-us-reply.wav");
    let answer = [
        spoken("piper-finished.wav"),
        vec![0.0; 250 * MS],
        spoken("piper-pause.wav"),
    ]
    .concat();
    let answered_at = 1_000 + question.len() / MS + 700;
    Exchange {
        question,
        answer,
        answered_at,
    }
}

#[test]
fn an_interruption_the_agent_stops_for_is_told_from_a_back_channel_it_ignores() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let (mm_hmm, wait) = (spoken("en-us-mm-hmm.wav"), spoken("en-us-average.wav"));
    let cut = &answer[..4_000 * MS];
    let began = answered_at + 3_200;
    let (_folder, path) = recorded(
        &[
            (1_000, &question),
            (answered_at + 1_000, &mm_hmm),
            (began, &wait),
        ],
        &[(answered_at, cut), (began + wait.len() / MS + 900, &answer)],
    );
    let report = report(&path, &[]);
    assert_eq!(outcomes(&report), ["answered", "ignored", "answered"]);
    assert_eq!(count(&report, "barge_ins"), 1);
    assert_eq!(count(&report, "missed_barge_ins"), 0);
    assert_eq!(count(&report, "false_barge_ins"), 0);
    assert!((ms(&report, "e2e_latency", "max_ms") - 900.0).abs() <= 5.0);
    let stop = ms(&report, "barge_in_stop", "max_ms");
    assert!((stop - 800.0).abs() <= 20.0, "{stop}");
    assert!((ms(&report, "overlap", "max_ms") - 800.0).abs() <= 20.0);
}

#[test]
fn an_agent_that_stops_for_a_back_channel_or_for_nobody_is_caught() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let mm_hmm = spoken("en-us-mm-hmm.wav");
    let began = answered_at + 1_000;
    let (_folder, path) = recorded(
        &[(1_000, &question), (began, &mm_hmm)],
        &[(answered_at, &answer[..1_430 * MS])],
    );
    let stopped = report(&path, &[]);
    assert_eq!(outcomes(&stopped), ["answered", "spurious"]);
    assert_eq!(count(&stopped, "false_barge_ins"), 1);

    let (_folder, path) = recorded(
        &[(1_000, &question), (began, &spoken("en-us-average.wav"))],
        &[(
            answered_at,
            &[answer.clone(), vec![0.0; 200 * MS], answer.clone()].concat(),
        )],
    );
    let talked_on = report(&path, &[]);
    assert_eq!(outcomes(&talked_on), ["answered", "missed"]);
    assert_eq!(count(&talked_on, "missed_barge_ins"), 1);
}

#[test]
fn an_answer_that_does_not_come_or_comes_too_early_is_counted() {
    let Exchange {
        question, answer, ..
    } = exchange();
    let again = 1_000 + question.len() / MS + 3_500;
    let answered = again + question.len() / MS + 500;
    let (_folder, path) = recorded(
        &[(1_000, &question), (again, &question)],
        &[(answered, &answer)],
    );
    let missed = report(&path, &[]);
    assert_eq!(outcomes(&missed), ["missed", "answered"]);
    assert_eq!(count(&missed, "missed_responses"), 1);
    let e2e = &missed["metrics"]["e2e_latency"];
    let answered = e2e["answered"]["max_ms"].as_f64().expect("an answer");
    assert!((answered - 500.0).abs() <= 5.0);
    // Who was not answered counts, with the time until the caller spoke again.
    assert_eq!(e2e["unanswered"]["reasons"]["nothing_came"], 1);
    assert!(e2e["max_ms"].is_null());
    assert!((ms(&missed, "e2e_latency", "max_over_ms") - 3_500.0).abs() <= 5.0);
    assert!((ms(&missed, "dead_air", "max_ms") - 3_500.0).abs() <= 5.0);

    let early = 1_000 + question.len() / MS / 2;
    let (_folder, path) = recorded(&[(1_000, &question)], &[(early, &answer)]);
    let cut_off = report(&path, &[]);
    assert_eq!(outcomes(&cut_off), ["cut_off"]);
    let over = (question.len() / MS - question.len() / MS / 2) as f64;
    assert!((ms(&cut_off, "talk_over", "max_ms") - over).abs() <= 20.0);
}

#[test]
fn silence_in_mid_answer_is_a_gap() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let (_folder, path) = recorded(
        &[(1_000, &question)],
        &[
            (answered_at, &answer),
            (answered_at + answer.len() / MS + 1_000, &answer),
        ],
    );
    let report = report(&path, &[]);
    assert_eq!(outcomes(&report), ["answered"]);
    assert!((ms(&report, "playback_gap", "max_ms") - 1_000.0).abs() <= 5.0);
}

fn refuses(path: &Path, flags: &[&str], expected: &[&str]) {
    let output = measure(path, flags);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for expected in expected {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn what_is_no_call_is_refused_with_the_cure() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    wav::write_mono(&at("mono.wav"), &question, 16_000).expect("written");
    refuses(
        &at("mono.wav"),
        &[],
        &["mono.wav", "one channel", "--caller FILE"],
    );
    std::fs::write(at("text.wav"), "no sound").expect("written");
    refuses(&at("text.wav"), &[], &["text.wav", "not audio"]);
    std::fs::write(at("empty.wav"), "").expect("written");
    refuses(&at("empty.wav"), &[], &["empty.wav", "empty"]);
    refuses(&at("gone.wav"), &[], &["gone.wav", "no such file"]);

    let (_kept, silent) = recorded(&[], &[]);
    refuses(&silent, &[], &["nobody speaks on either channel"]);
    let (_kept, same) = recorded(&[(0, &question)], &[(0, &question)]);
    refuses(&same, &[], &["the same sound", "separately"]);
    let (_kept, call) = recorded(&[(1_000, &question)], &[(answered_at, &answer)]);
    refuses(
        &call,
        &["--vad-threshold", "1.5"],
        &["--vad-threshold 1.5", "between 0 and 1"],
    );
    std::fs::write(at("wrong.toml"), "[budget]\ne2e_p95 = 900\n").expect("written");
    let wrong = at("wrong.toml").display().to_string();
    refuses(
        &call,
        &["--budget", &wrong],
        &["wrong.toml", "line 2", "METRIC_STAT_ms"],
    );
}

#[test]
fn a_side_that_never_speaks_is_as_loud_as_any_other_failure() {
    let Exchange { question, .. } = exchange();
    let (folder, dead) = recorded(&[(1_000, &question)], &[]);
    let output = measure(&dead, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("THE AGENT NEVER SPEAKS"), "{text}");
    let report = report(&dead, &[]);
    assert_eq!(outcomes(&report), ["missed"]);
    assert_eq!(report["metrics"]["e2e_latency"]["unanswered"]["count"], 1);
    let swapped = measure(&dead, &["--swap"]);
    assert_eq!(swapped.status.code(), Some(1));
    assert!(stdout(&swapped).contains("THE CALLER NEVER SPEAKS"));
    let whole = measure(folder.path(), &[]);
    assert_eq!(whole.status.code(), Some(1), "in a folder, too");
}

#[test]
fn one_channel_is_measured_if_somebody_says_who_spoke() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let folder = tempfile::tempdir().expect("a folder");
    let (path, who) = (folder.path().join("mix.wav"), folder.path().join("who.csv"));
    let mut mix = vec![0.0; MS * (answered_at + 500) + answer.len()];
    lay(&mut mix, 1_000 * MS, &question);
    lay(&mut mix, answered_at * MS, &answer);
    wav::write_mono(&path, &mix, 16_000).expect("written");
    let asked_until = 1_000 + question.len() / MS;
    let ends = answered_at + answer.len() / MS;
    let spoken = who.display().to_string();
    let say = |caller_end: usize, agent_start: usize| {
        let [caller, agent, end] = [caller_end, agent_start, ends].map(|ms| ms as f64 / 1e3);
        let text = format!("speaker,start,end\ncaller,0.9,{caller}\nagent,{agent},{end}\n");
        std::fs::write(&who, text).expect("written");
        report(&path, &["--spoken", &spoken])
    };
    let stereo = recorded(&[(1_000, &question)], &[(answered_at, &answer)]);
    let true_ms = ms(&report(&stereo.1, &[]), "e2e_latency", "max_ms");
    let roughly = say(asked_until + 80, answered_at - 120);
    assert_eq!(outcomes(&roughly), ["answered"]);
    let off = ms(&roughly, "e2e_latency", "max_ms") - true_ms;
    assert!(off.abs() <= 5.0, "{off} ms");
    let at_once = say(answered_at + 200, answered_at - 120);
    assert_eq!(at_once["detail"][0]["doubtful"], "one_channel");
    let named = measure(&path, &["--spoken", &spoken, "--agent-name", "nobody"]);
    assert_eq!(named.status.code(), Some(2));
    assert!(stderr(&named).contains("--agent-name"));
}

#[test]
fn clipped_sound_is_measured_with_a_warning() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let loud: Vec<f32> = answer.iter().map(|s| (8.0 * s).clamp(-1.0, 1.0)).collect();
    let (_kept, clipped) = recorded(&[(1_000, &question)], &[(answered_at, &loud)]);
    let output = measure(&clipped, &[]);
    let text = stdout(&output);
    assert!(
        text.contains("the channel of the agent is clipped") && text.contains("lower level"),
        "{text}"
    );
    assert_eq!(outcomes(&report(&clipped, &[])), ["answered"]);
}

#[test]
fn a_call_of_a_second_is_one_turn_and_swapped_channels_are_another_call() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let (_kept, short) = recorded(&[(0, &question[..600 * MS])], &[(0, &answer[..300 * MS])]);
    assert_eq!(report(&short, &[])["turns"], 1, "a word, and what followed");
    let (_kept, call) = recorded(&[(1_000, &question)], &[(answered_at, &answer)]);
    assert_eq!(outcomes(&report(&call, &[])), ["answered"]);
    // The agent speaks first, then, and is not answered.
    assert_eq!(outcomes(&report(&call, &["--swap"])), ["missed"]);
}

#[test]
fn two_files_are_a_call_and_one_may_be_shorter() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let folder = tempfile::tempdir().expect("a folder");
    let (caller, agent) = (
        folder.path().join("caller.wav"),
        folder.path().join("agent.wav"),
    );
    let side = |path: &Path, ms: usize, sound: &[f32]| {
        let sound = [vec![0.0; ms * MS], sound.to_vec()].concat();
        wav::write_mono(path, &sound, 16_000).expect("written");
        path.to_string_lossy().into_owned()
    };
    let caller = side(&caller, 1_000, &question);
    let agent = side(&agent, answered_at, &answer);
    let output = voicesim(&[
        "measure",
        "--caller",
        &caller,
        "--agent",
        &agent,
        "--no-transcribe",
        "--json",
        "-q",
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert!((ms(&report, "e2e_latency", "max_ms") - 700.0).abs() <= 5.0);
    assert!(
        report["notes"]
            .to_string()
            .contains("the file of the caller is")
    );
}

#[test]
fn a_budget_gates_a_recorded_call_and_its_folder_reports_the_same() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let (folder, call) = recorded(&[(1_000, &question)], &[(answered_at, &answer)]);
    for (limit, code) in [(800, 0), (600, 1)] {
        let budget = folder.path().join("budget.toml");
        let text = format!("[budget]\ne2e_latency_p95_ms = {limit}\n");
        std::fs::write(&budget, text).expect("written");
        let out = folder
            .path()
            .join(format!("out-{limit}"))
            .display()
            .to_string();
        let flags = ["--budget", &budget.display().to_string(), "--out", &out];
        let output = measure(&call, &flags);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(
            stdout(&output).contains("--vad-threshold"),
            "{}",
            stdout(&output)
        );
        let again = voicesim(&["report", &out, "--json"]);
        let again: Value = serde_json::from_slice(&again.stdout).expect("a report");
        assert_eq!(again["budgets"][0]["pass"], code == 0);
        assert_eq!(again["detail"], report(&call, &[])["detail"]);
    }
}

#[test]
fn a_folder_of_calls_is_one_report_with_the_worst_call_first() {
    let Exchange {
        question,
        answer,
        answered_at,
    } = exchange();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, late) in [("a.wav", 0), ("b.wav", 900), ("c.wav", 300)] {
        let (_kept, call) = recorded(&[(1_000, &question)], &[(answered_at + late, &answer)]);
        std::fs::copy(call, folder.path().join(name)).expect("copied");
    }
    std::fs::write(folder.path().join("broken.wav"), "no sound").expect("written");
    std::fs::write(folder.path().join("notes.txt"), "of no interest").expect("written");
    let report = report(folder.path(), &[]);
    assert_eq!(report["turns"], 3);
    let calls = report["calls"].as_array().expect("calls");
    let names: Vec<&str> = calls
        .iter()
        .filter_map(|call| call["call"].as_str())
        .collect();
    assert_eq!(names, ["b.wav", "c.wav", "a.wav"]);
    assert_eq!(report["detail"][0]["call"], "b.wav");
    assert_eq!(report["skipped"][0]["call"], "broken.wav");
    assert_eq!(report["metrics"]["e2e_latency"]["count"], 3);
    let text = stdout(&measure(folder.path(), &[]));
    assert!(
        text.contains("skipped  broken.wav") && text.contains("worst first"),
        "{text}"
    );
    let (_, moments) = text.split_once("Moments to listen to").expect("moments");
    let named: Vec<&str> = moments.lines().skip(1).take(2).collect();
    assert!(named[0].starts_with("  b.wav 0:0"), "{text}");
    assert!(named[1].starts_with("  c.wav 0:0"), "{text}");
    assert!(!moments.contains("a.wav"), "700 ms is not slow: {text}");

    let kept = folder.path().join("measured");
    let out = kept.to_string_lossy().into_owned();
    measure(folder.path(), &["--out", &out]);
    let again = self::report(folder.path(), &[]);
    assert_eq!(again["turns"], 3, "what is kept of a call is no call");

    let broken = tempfile::tempdir().expect("a folder");
    refuses(broken.path(), &[], &["holds no recordings"]);
    std::fs::write(broken.path().join("broken.wav"), "no sound").expect("written");
    refuses(broken.path(), &[], &["none of the calls", "broken.wav"]);
}
