//! `voicesim classifier calibrate`: thresholds from one's own calls, and what a scenario does with them.

use crate::support::{fixture, stderr, stdout, voicesim};
use std::path::{Path, PathBuf};
use voicesim::audio::{decode, wav::StereoWriter};

/// Samples of a second.
const S: usize = 16_000;

fn lay(channel: &mut Vec<f32>, at: usize, sound: &[f32]) {
    channel.resize(channel.len().max(at + sound.len()), 0.0);
    for (sample, own) in channel[at..].iter_mut().zip(sound) {
        *sample += own;
    }
}

/// A call of six questions. Over every answer the caller says something: "yeah" to the first three, and a sentence of
/// over two seconds to the others. Returns where that begins, in seconds.
fn call(path: &Path, voice: &str) -> Vec<f64> {
    let read = |name: &str| decode::read(&fixture(name)).expect("a fixture");
    let question = read(&format!("{voice}-graphics.wav"));
    let agrees = read(&format!("{voice}-yeah.wav"));
    let mut says = read(&format!("{voice}-average.wav"));
    says.extend(&question);
    let answer = read("piper-recording.wav");
    let (mut caller, mut agent) = (Vec::new(), Vec::new());
    let mut begins = Vec::new();
    for number in 0..6 {
        let at = number * 16 * S + S;
        lay(&mut caller, at, &question);
        let spoken = at + question.len() + S / 2;
        let mut end = spoken;
        while end < spoken + 9 * S {
            lay(&mut agent, end, &answer);
            end += answer.len();
        }
        let over = spoken + 3 * S;
        lay(&mut caller, over, if number < 3 { &agrees } else { &says });
        begins.push(over as f64 / S as f64);
    }
    let length = 98 * S;
    caller.resize(length, 0.0);
    agent.resize(length, 0.0);
    let mut writer = StereoWriter::create(path).expect("a file");
    writer.push(&caller, &agent).expect("written");
    writer.finish().expect("written");
    begins
}

/// Four calls, in a folder of their own.
fn calls(folder: &Path) -> PathBuf {
    let calls = folder.join("calls");
    std::fs::create_dir(&calls).expect("a folder");
    for voice in ["piper", "en-us", "en-gb", "en-gb-scotland"] {
        call(&calls.join(format!("{voice}.wav")), voice);
    }
    calls
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Runs the command, and returns its exit code and what it said.
fn calibrate(arguments: &[&str]) -> (Option<i32>, String) {
    let all = [&["classifier", "calibrate", "--no-transcribe"], arguments].concat();
    let output = voicesim(&all);
    (output.status.code(), stdout(&output) + &stderr(&output))
}

#[test]
fn calls_give_thresholds_that_runs_and_simulations_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = calls(folder.path());
    let (out, svg) = (
        folder.path().join("own.toml"),
        folder.path().join("own.svg"),
    );
    let labels = folder.path().join("labels.csv");
    let (code, said) = calibrate(&[
        &text(&calls),
        "--out",
        &text(&out),
        "--svg",
        &text(&svg),
        "--write-labels",
        &text(&labels),
    ]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(
            "12 interruptions and 12 other sounds over the agent in 4 calls, activity only"
        ),
        "{said}"
    );
    assert!(said.contains("taken from what happened next"), "{said}");
    let drawn = std::fs::read_to_string(&svg).expect("a picture");
    assert!(drawn.starts_with("<svg") && drawn.contains("yours"));
    // The labels that were written say the same when they are read.
    let again = folder.path().join("again.toml");
    let (code, said) = calibrate(&[
        &text(&calls),
        "--labels",
        &text(&labels),
        "--out",
        &text(&again),
    ]);
    assert_eq!(code, Some(0), "{said}");
    let read = |path: &Path| std::fs::read_to_string(path).expect("thresholds");
    assert_eq!(read(&out), read(&again));

    let scenario = folder.path().join("own-run.toml");
    let write = |thresholds: &str| {
        let simulated = "[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n";
        let turn = "[[turn]]\nspeech = { length = { fixed_ms = 1200 } }\n";
        let table = format!("[interruption]\nthresholds = \"{thresholds}\"\n");
        std::fs::write(&scenario, format!("{table}{simulated}{turn}")).expect("written");
    };
    write("own.toml");
    for command in [
        &["check"][..],
        &["simulate", "--conversations", "3"],
        &["run", "--clock", "virtual", "--no-audio"],
    ] {
        let path = text(&scenario);
        let command = [command, &[path.as_str()]].concat();
        let output = voicesim(&command);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{command:?}: {}",
            stderr(&output)
        );
    }
    write("none.toml");
    let output = voicesim(&["check", &text(&scenario)]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains("interruption.thresholds") && said.contains("classifier calibrate"),
        "{said}"
    );
    std::fs::write(
        folder.path().join("bad.toml"),
        read(&out).replacen("stop = 0.", "stop = 7.", 1),
    )
    .expect("written");
    write("bad.toml");
    let said = stderr(&voicesim(&["check", &text(&scenario)]));
    assert!(
        said.contains("bad.toml") && said.contains("give a probability between 0 and 1"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_calibrated_by_is_refused_with_the_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = folder.path().join("one.wav");
    let begins = call(&one, "piper");
    let check = |arguments: &[&str], expected: &str| {
        let (code, said) = calibrate(arguments);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected), "{expected:?} in {said}");
    };
    check(
        &[&text(&one)],
        "3 interruptions and 3 other sounds over the agent are too few",
    );
    check(
        &[&text(&one), "--false-stops", "1.5"],
        "give a share between 0 and 1",
    );
    check(&["nowhere.wav"], "nowhere.wav");
    let labels = folder.path().join("labels.csv");
    let with = |lines: &str, expected: &str| {
        std::fs::write(&labels, lines).expect("written");
        check(&[&text(&one), "--labels", &text(&labels)], expected);
    };
    with("file,label\none.wav,other\n", "no column at_s");
    with(
        "file,at_s,label\none.wav,soon,other\n",
        "line 2: at_s is no number",
    );
    with(
        "file,at_s,label\none.wav,3,nod\n",
        "line 2: there is no label \"nod\"",
    );
    with(
        "file,at_s,label\none.wav,0.1,other\n",
        "no sound over the agent at 0.1 s",
    );
    with(
        "file,at_s,label\ntwo.wav,3,other\n",
        "none of the calls has that name",
    );
    with("file,at_s,label\n", "no labels in it");
    let good = format!("file,at_s,label\none.wav,{:.1},interruption\n", begins[0]);
    with(&good, "1 interruptions and 0 other sounds");
}
