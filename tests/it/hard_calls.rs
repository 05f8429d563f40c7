//! Calls as telephones and rooms make them, of which everything is known: each is measured right, or said to be
//! doubtful, or refused in words. Silero's voice detector listens, as `make setup` installs it.

use crate::support::synthetic::{Call, MS, lay, spoken};
use crate::support::{command, stderr, stdout};
use serde_json::Value;
use std::f32::consts::TAU;
use std::path::PathBuf;
use std::process::Output;
use voicesim::audio::wav;
use voicesim::rng::Seed;

/// Both sides of a call.
#[derive(Clone)]
struct Sides {
    caller: Vec<f32>,
    agent: Vec<f32>,
    /// End of each question and beginning of its answer, in milliseconds.
    turns: Vec<[usize; 2]>,
}

/// The answers to the four questions of [`ordinary`] come after so many milliseconds.
const GAPS: [usize; 4] = [600, 850, 1_200, 400];

/// The agent greets, and answers four questions.
fn ordinary() -> Sides {
    of_voices("piper", "en-gb", 1.0, 1.0)
}

fn of_voices(asks: &str, answers: &str, loud: f32, agent_loud: f32) -> Sides {
    let (mut caller, mut agent, mut turns) = (Vec::new(), Vec::new(), Vec::new());
    let say = |voice: &str, sentence: &str, gain: f32| -> Vec<f32> {
        let sound = spoken(&format!("{voice}-{sentence}.wav"));
        sound.iter().map(|sample| gain * sample).collect()
    };
    let greeting = say(answers, "recording", agent_loud);
    lay(&mut agent, 400 * MS, &greeting);
    let mut at = 400 * MS + greeting.len() + 900 * MS;
    for ((question, answer), gap) in [
        ("reply", "finished"),
        ("average", "pause"),
        ("graphics", "reply"),
        ("finished", "average"),
    ]
    .into_iter()
    .zip(GAPS)
    {
        let question = say(asks, question, loud);
        let answer = say(answers, answer, agent_loud);
        lay(&mut caller, at, &question);
        let end = at + question.len();
        lay(&mut agent, end + gap * MS, &answer);
        turns.push([end / MS, end / MS + gap]);
        at = end + gap * MS + answer.len() + 1_300 * MS;
    }
    caller.resize(at, 0.0);
    agent.resize(at, 0.0);
    Sides {
        caller,
        agent,
        turns,
    }
}

fn gain(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// Noise with so many dB below full scale, the same each time.
fn noise(length: usize, db: f32, name: &str) -> Vec<f32> {
    let mut random = Seed(3).stream("hard", 0, 0, name);
    (0..length)
        .map(|_| gain(db) * random.normal() as f32)
        .collect()
}

fn tone(length: usize, hertz: &[f32], db: f32) -> Vec<f32> {
    let at = |n: usize| -> f32 {
        let waves = hertz
            .iter()
            .map(|hz| (TAU * hz * n as f32 / 16_000.0).sin());
        gain(db) * waves.sum::<f32>()
    };
    (0..length).map(at).collect()
}

impl Sides {
    fn with(mut self, change: impl Fn(&mut Vec<f32>, &mut Vec<f32>)) -> Sides {
        change(&mut self.caller, &mut self.agent);
        let length = self.caller.len().max(self.agent.len());
        self.caller.resize(length, 0.0);
        self.agent.resize(length, 0.0);
        self
    }

    fn write(self) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("call.wav");
        let call = Call {
            name: "call".into(),
            caller: self.caller,
            agent: self.agent,
            gaps: Vec::new(),
        };
        call.write(&path);
        (folder, path)
    }

    fn output(self, flags: &[&str]) -> Output {
        let (_folder, path) = self.write();
        let path = path.to_string_lossy();
        let mut arguments = vec!["measure", path.as_ref(), "--no-transcribe", "-q"];
        arguments.extend(flags);
        command(&arguments).output().expect("voicesim runs")
    }

    fn report(self) -> Value {
        let output = self.output(&["--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
    }

    /// What is said of each turn.
    fn heard(self) -> Vec<Heard> {
        rows(&self.report())
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Heard {
    Answered(f64),
    Doubtful,
    Other(String),
}

fn rows(report: &Value) -> Vec<Heard> {
    let row = |row: &Value| match (
        row["doubtful"].as_str(),
        row["e2e_ns"].as_f64().map(|ns| ns / 1e6),
    ) {
        (Some(_), _) => Heard::Doubtful,
        (None, Some(ms)) => Heard::Answered(ms),
        (None, None) => Heard::Other(row["outcome"].as_str().unwrap_or("?").into()),
    };
    let rows = report["detail"].as_array().expect("rows").iter();
    rows.map(row).collect()
}

/// Every gap is told within `off` ms, or doubtful, at most `doubtful` of them.
#[track_caller]
fn is_told(heard: &[Heard], gaps: &[usize], off: f64, doubtful: usize) {
    assert_eq!(heard.len(), gaps.len(), "{heard:?}");
    let doubts = heard.iter().filter(|it| **it == Heard::Doubtful).count();
    assert!(doubts <= doubtful, "{heard:?}");
    for (heard, gap) in heard.iter().zip(gaps) {
        match heard {
            Heard::Doubtful => {}
            Heard::Answered(ms) => {
                assert!((ms - *gap as f64).abs() <= off, "{ms} in place of {gap}");
            }
            Heard::Other(what) => panic!("{what} in place of {gap}"),
        }
    }
}

fn count(report: &Value, what: &str) -> u64 {
    report["interruptions"][what].as_u64().expect("a count")
}

#[test]
fn an_ordinary_call_is_measured_to_some_milliseconds() {
    is_told(&ordinary().heard(), &GAPS, 15.0, 0);
}

#[test]
fn a_monotone_voice_is_no_music() {
    is_told(
        &of_voices("en-us", "en-us", 1.0, 1.0).heard(),
        &GAPS,
        30.0,
        0,
    );
}

#[test]
fn an_agent_that_is_silent_in_noise_never_answered() {
    let report = ordinary()
        .with(|caller, agent| {
            *agent = noise(agent.len(), -60.0, "agent");
            lay(caller, 0, &noise(agent.len(), -60.0, "caller"));
        })
        .report();
    let missed = rows(&report);
    assert!(missed.len() >= 3, "{missed:?}");
    assert!(
        missed.iter().all(|it| *it == Heard::Other("missed".into())),
        "{missed:?}"
    );
}

#[test]
fn a_caller_who_is_silent_in_noise_asked_nothing() {
    let report = ordinary()
        .with(|caller, _| *caller = noise(caller.len(), -60.0, "caller"))
        .report();
    assert_eq!(rows(&report), []);
    assert!(
        report["notes"]
            .to_string()
            .contains("THE CALLER NEVER SPEAKS")
    );
}

#[test]
fn an_echo_of_the_agent_is_nobody() {
    for (delay, db) in [(60, -30.0), (180, -18.0), (240, -12.0)] {
        let sides = ordinary().with(|caller, agent| {
            let leak: Vec<f32> = agent.iter().map(|sample| gain(db) * sample).collect();
            lay(caller, delay * MS, &leak);
        });
        let report = sides.report();
        is_told(&rows(&report), &GAPS, 30.0, 1);
        assert_eq!(count(&report, "barge_ins"), 0, "{db} dB");
    }
}

#[test]
fn sidetone_and_crosstalk_are_nobody() {
    for db in [-20.0, -12.0] {
        let sides = ordinary().with(|caller, agent| {
            let (one, other) = (caller.clone(), agent.clone());
            let leak = |sound: &[f32]| -> Vec<f32> { sound.iter().map(|s| gain(db) * s).collect() };
            lay(agent, 0, &leak(&one));
            lay(caller, 0, &leak(&other));
        });
        is_told(&sides.heard(), &GAPS, 30.0, 1);
    }
}

#[test]
fn one_mix_in_both_channels_is_refused() {
    for (delay, sign) in [(0, 1.0), (5, 1.0), (80, -1.0)] {
        let sides = ordinary().with(|caller, agent| {
            let mut mix = caller.clone();
            lay(&mut mix, 0, agent);
            let other: Vec<f32> = mix.iter().map(|sample| sign * sample).collect();
            *agent = [vec![0.0; delay * MS], other].concat();
            *caller = mix;
        });
        let output = sides.output(&[]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{delay} ms: {}",
            stdout(&output)
        );
        assert!(
            stderr(&output).contains("separately"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn key_presses_are_no_speech() {
    let sides = ordinary().with(|caller, agent| {
        // Seven seconds of keys before the call goes on.
        let shift = vec![0.0; 7_000 * MS];
        let mut keys = shift.clone();
        for (n, pair) in [[697.0, 1_209.0], [770.0, 1_336.0], [852.0, 1_477.0]]
            .iter()
            .enumerate()
        {
            lay(
                &mut keys,
                (1_000 + 700 * n) * MS,
                &tone(150 * MS, pair, -14.0),
            );
        }
        *caller = [keys, caller.clone()].concat();
        *agent = [shift, agent.clone()].concat();
    });
    is_told(&sides.heard(), &GAPS, 30.0, 0);
}

#[test]
fn a_beep_and_a_ringing_tone_are_no_speech() {
    let sides = ordinary().with(|caller, agent| {
        let shift = vec![0.0; 9_000 * MS];
        let mut ringing = shift.clone();
        for at in [500, 4_500] {
            lay(
                &mut ringing,
                at * MS,
                &tone(1_500 * MS, &[440.0, 480.0], -16.0),
            );
        }
        let mut beep = shift.clone();
        lay(&mut beep, 8_000 * MS, &tone(500 * MS, &[1_000.0], -12.0));
        *agent = [ringing, agent.clone()].concat();
        *caller = [beep, caller.clone()].concat();
    });
    is_told(&sides.heard(), &GAPS, 30.0, 0);
}

#[test]
fn a_call_waiting_beep_interrupts_nobody() {
    let sides = ordinary();
    let answers: Vec<usize> = sides.turns.iter().map(|turn| turn[1]).collect();
    let sides = sides.with(|caller, _| {
        for at in &answers {
            lay(caller, (at + 700) * MS, &tone(300 * MS, &[440.0], -20.0));
        }
    });
    let report = sides.report();
    is_told(&rows(&report), &GAPS, 30.0, 0);
    assert_eq!(count(&report, "barge_ins"), 0);
}

#[test]
fn typing_before_an_answer_is_no_answer() {
    let sides = ordinary();
    let turns = sides.turns.clone();
    let sides = sides.with(|_, agent| {
        for [end, start] in &turns {
            for at in (end + 60..start.saturating_sub(200)).step_by(110) {
                let mut key = noise(12 * MS, -22.0, "key");
                let length = key.len() as f32;
                for (n, sample) in key.iter_mut().enumerate() {
                    *sample *= 1.0 - n as f32 / length;
                }
                lay(agent, at * MS, &key);
            }
        }
    });
    let report = sides.report();
    is_told(&rows(&report), &GAPS, 30.0, 2);
    let first = report["metrics"]["first_sound"]["p50_ms"].as_f64();
    assert!(
        first.is_some_and(|ms| ms < 200.0),
        "the first sound is a key: {first:?}"
    );
}

#[test]
fn a_click_before_an_answer_or_after_a_question_moves_nothing() {
    for before in [150, 250] {
        let sides = ordinary();
        let turns = sides.turns.clone();
        let sides = sides.with(|caller, agent| {
            for [end, start] in &turns {
                lay(agent, (start - before) * MS, &[0.4, -0.4, 0.2, -0.1]);
                lay(caller, (end + 180) * MS, &[0.4, -0.4, 0.2, -0.1]);
            }
        });
        is_told(&sides.heard(), &GAPS, 30.0, 1);
    }
}

#[test]
fn a_breath_after_a_question_is_no_part_of_it() {
    let sides = ordinary();
    let turns = sides.turns.clone();
    let sides = sides.with(|caller, _| {
        for [end, _] in &turns {
            let breath: Vec<f32> = noise(250 * MS, -50.0, "breath");
            lay(caller, (end + 250) * MS, &breath);
        }
    });
    is_told(&sides.heard(), &GAPS, 30.0, 4);
}

#[test]
fn comfort_noise_that_comes_and_goes_is_no_speech() {
    for db in [-50.0, -60.0] {
        let sides = ordinary();
        let sides = sides.with(|_, agent| {
            let comfort = noise(agent.len(), db, "comfort");
            // As a codec has it: only where nobody speaks.
            for (n, sample) in agent.iter_mut().enumerate() {
                if *sample == 0.0 {
                    *sample = comfort[n];
                }
            }
        });
        is_told(&sides.heard(), &GAPS, 40.0, 2);
    }
}

#[test]
fn an_offset_and_a_hum_move_nothing() {
    let offset = ordinary().with(|caller, agent| {
        caller
            .iter_mut()
            .for_each(|sample| *sample = *sample * 0.5 + 0.1);
        agent
            .iter_mut()
            .for_each(|sample| *sample = *sample * 0.5 - 0.08);
    });
    is_told(&offset.heard(), &GAPS, 30.0, 0);
    let hum = ordinary().with(|caller, agent| {
        let length = caller.len();
        lay(caller, 0, &tone(length, &[50.0, 150.0], -44.0));
        lay(agent, 0, &tone(length, &[50.0, 150.0], -44.0));
    });
    is_told(&hum.heard(), &GAPS, 30.0, 1);
}

#[test]
fn sides_that_differ_by_thirty_decibels_are_heard_alike() {
    is_told(
        &of_voices("piper", "en-gb", 1.0, gain(-30.0)).heard(),
        &GAPS,
        30.0,
        0,
    );
    is_told(
        &of_voices("piper", "en-gb", gain(-30.0), 1.0).heard(),
        &GAPS,
        30.0,
        0,
    );
}

#[test]
fn an_upside_down_channel_is_the_same_call() {
    let sides = ordinary().with(|_, agent| agent.iter_mut().for_each(|sample| *sample = -*sample));
    is_told(&sides.heard(), &GAPS, 15.0, 0);
}

#[test]
fn a_file_that_starts_in_mid_speech_is_measured_from_there() {
    let sides = ordinary();
    let start = (sides.turns[0][0] - 900) * MS;
    let sides = sides.with(|caller, agent| {
        caller.drain(..start);
        agent.drain(..start);
    });
    is_told(&sides.heard(), &GAPS, 30.0, 1);
}

#[test]
fn packets_that_are_lost_cut_no_turn() {
    let sides = ordinary().with(|_, agent| {
        let mut random = Seed(3).stream("hard", 0, 0, "lost");
        for packet in agent.chunks_mut(20 * MS) {
            if random.uniform() < 0.05 {
                packet.fill(0.0);
            }
        }
    });
    let report = sides.report();
    is_told(&rows(&report), &GAPS, 60.0, 1);
    assert_eq!(count(&report, "cut_offs"), 0);
}

#[test]
fn a_television_in_the_background_of_the_caller_is_told_and_asks_nothing() {
    let sides = ordinary().with(|caller, _| {
        let mut programme = Vec::new();
        while programme.len() < caller.len() {
            for sentence in ["en-gb-scotland-average.wav", "en-us-graphics.wav"] {
                programme.extend(spoken(sentence));
            }
        }
        let soft: Vec<f32> = programme.iter().map(|s| gain(-30.0) * s).collect();
        for (sample, tv) in caller.iter_mut().zip(soft) {
            *sample += tv;
        }
    });
    let report = sides.report();
    is_told(&rows(&report), &GAPS, 50.0, 4);
    assert!(
        report["notes"]
            .to_string()
            .contains("in the background of the caller")
    );
}

#[test]
fn a_filler_is_the_first_sound_and_a_short_answer_is_an_answer() {
    let yes = spoken("en-gb-yeah.wav");
    let hm = &spoken("en-us-mm-hmm.wav");
    let sides = ordinary();
    let [end, start] = sides.turns[2];
    let filled = sides
        .clone()
        .with(|_, agent| lay(agent, (end + 300) * MS, hm));
    let report = filled.report();
    is_told(&rows(&report), &GAPS, 30.0, 0);
    let first = report["metrics"]["first_sound"]["max_ms"].as_f64();
    assert!(first.is_some_and(|ms| ms < 870.0), "{first:?}");
    // The third answer becomes one word, and nothing follows it.
    let answer = spoken("en-gb-reply.wav").len();
    let short = sides.with(|_, agent| {
        agent[start * MS..start * MS + answer].fill(0.0);
        lay(agent, start * MS, &yes);
    });
    let heard = short.heard();
    assert!(
        matches!(heard[2], Heard::Answered(ms) if (ms - 1_200.0).abs() <= 30.0),
        "{heard:?}"
    );
}

#[test]
fn what_the_agent_adds_is_no_second_answer() {
    let mut sides = ordinary();
    let length = sides.agent.len();
    let more = spoken("en-gb-pause.wav");
    lay(&mut sides.agent, length + 900 * MS, &more);
    let added = sides.with(|_, _| {});
    is_told(&added.heard(), &GAPS, 15.0, 0);
}

#[test]
fn an_answer_that_begins_over_the_question_is_no_record_latency() {
    let sides = ordinary();
    let [end, start] = sides.turns[1];
    let sides = sides.with(|_, agent| {
        let answer: Vec<f32> = agent[start * MS..(start + 2_500) * MS].to_vec();
        agent[start * MS..(start + 2_500) * MS].fill(0.0);
        lay(agent, (end - 400) * MS, &answer);
    });
    let report = sides.report();
    let best = report["metrics"]["e2e_latency"]["p50_ms"].as_f64();
    assert!(best.is_some_and(|ms| ms >= 590.0), "{best:?}");
    let talk_over = report["metrics"]["talk_over"]["max_ms"].as_f64();
    assert!(
        talk_over.is_some_and(|ms| (ms - 400.0).abs() <= 60.0),
        "{talk_over:?}"
    );
}

#[test]
fn both_who_speak_from_the_start_answer_nobody_in_no_time() {
    let sides = ordinary();
    let begins = 400 * MS;
    let sides = sides.with(|caller, _| lay(caller, begins, &spoken("piper-graphics.wav")));
    let heard = sides.heard();
    let records = heard
        .iter()
        .filter(|it| matches!(it, Heard::Answered(ms) if *ms < 350.0));
    assert_eq!(records.count(), 0, "{heard:?}");
}

#[test]
fn a_pause_in_a_question_ends_it_only_if_it_is_long() {
    let sides = ordinary();
    let [end, start] = sides.turns[3];
    let paused = sides.with(|caller, agent| {
        let answer: Vec<f32> = agent.drain(start * MS..).collect();
        let rest = spoken("piper-reply.wav");
        lay(caller, (end + 2_300) * MS, &rest);
        lay(agent, (end + 2_300 + 400) * MS + rest.len(), &answer);
    });
    is_told(&paused.heard(), &GAPS, 30.0, 0);
}

#[test]
fn an_agent_that_stops_for_a_cough_stopped_falsely() {
    let sides = ordinary();
    let [_, start] = sides.turns[1];
    let cough = spoken("cough.wav");
    let length = cough.len();
    let stopped = sides.with(|caller, agent| {
        let from = (start + 1_200) * MS;
        lay(caller, from - 350 * MS, &cough);
        let rest: Vec<f32> = agent.drain(from..).collect();
        agent.resize(from + 1_500 * MS, 0.0);
        agent.extend(rest);
        let later: Vec<f32> = caller.drain(from + length..).collect();
        caller.resize(from + length + 1_500 * MS, 0.0);
        caller.extend(later);
    });
    let report = stopped.report();
    assert_eq!(count(&report, "false_barge_ins"), 1, "{:?}", rows(&report));
}

#[test]
fn files_of_other_clocks_are_doubtful_until_somebody_says_what_they_hold() {
    let sides = ordinary();
    let folder = tempfile::tempdir().expect("a folder");
    let [caller, agent] = ["caller.wav", "agent.wav"].map(|name| folder.path().join(name));
    wav::write_mono(&caller, &sides.caller, 16_000).expect("written");
    // The agent's clock ran slow: what it took for 16,000 samples were 1.015 s.
    wav::write_mono(&agent, &sides.agent, 16_240).expect("written");
    let measured = |flags: &[&str]| {
        let [caller, agent] = [&caller, &agent].map(|path| path.to_string_lossy().into_owned());
        let files = ["measure", "--caller", &caller, "--agent", &agent];
        let rest = ["--no-transcribe", "--json", "-q"];
        let arguments = [&files[..], &rest, flags].concat();
        let output = command(&arguments).output().expect("voicesim runs");
        let report: Result<Value, _> = serde_json::from_slice(&output.stdout);
        report.unwrap_or_else(|_| panic!("{}", stderr(&output)))
    };
    let unsaid = measured(&[]);
    assert!(
        rows(&unsaid)
            .iter()
            .skip(1)
            .all(|it| *it == Heard::Doubtful),
        "{:?}",
        rows(&unsaid)
    );
    assert!(unsaid["notes"].to_string().contains("--clocks drift"));
    is_told(&rows(&measured(&["--clocks", "drift"])), &GAPS, 15.0, 0);
    let agree = rows(&measured(&["--clocks", "agree"]));
    assert!(!agree.contains(&Heard::Doubtful), "{agree:?}");
}
