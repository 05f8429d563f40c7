//! Measured calls that are measured again from the same audio.

use crate::support::{exchanges, stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

fn rederive(kept: &Path, flags: &[&str]) -> Output {
    let kept = kept.display().to_string();
    voicesim(&[&["measure", &kept, "--rederive", "-q"], flags].concat())
}

/// Expects an exit code and words on both outputs.
fn comes_to(output: &Output, code: i32, expected: &[&str]) {
    let said = stdout(output) + &stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for expected in expected {
        assert!(said.contains(expected), "{expected:?} in {said}");
    }
}

/// A folder `calls` with two recordings, and a folder `kept` that was measured from them with settings of its own.
fn measured() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (calls, kept) = (folder.path().join("calls"), folder.path().join("kept"));
    fs::create_dir(&calls).expect("made");
    exchanges::write(&calls.join("a.wav"), &[Some(600), Some(800)]);
    exchanges::write(&calls.join("b.wav"), &[Some(700), None, Some(900)]);
    let output = voicesim(&[
        "measure",
        &calls.display().to_string(),
        "--no-transcribe",
        "-q",
        "--vad-threshold",
        "0.4",
        "--swap",
        "--out",
        &kept.display().to_string(),
    ]);
    assert!(output.status.code() < Some(2), "{}", stderr(&output));
    (folder, calls, kept)
}

#[test]
fn the_same_audio_gives_the_same_figures_also_where_both_were_moved() {
    let (folder, _, kept) = measured();
    comes_to(
        &rederive(&kept, &[]),
        0,
        &["2 the same, 0 otherwise", "same         a.wav"],
    );
    let moved = tempfile::tempdir().expect("a folder");
    fs::rename(folder.path(), moved.path().join("all")).expect("moved");
    let kept = moved.path().join("all/kept");
    comes_to(&rederive(&kept, &[]), 0, &["2 the same"]);
    // One call alone, and as a document.
    let document = stdout(&rederive(&kept.join("b.wav"), &["--json"]));
    let document: Value = serde_json::from_str(&document).expect("a document");
    assert_eq!(document["schema"], "voicesim.rederive/1");
    assert_eq!(
        (&document["same"], &document["differ"]),
        (&1.into(), &0.into())
    );
    assert_eq!(document["calls"][0]["verdict"], "same");
    assert!(
        document["calls"][0]["figures"].as_u64() > Some(20),
        "{document}"
    );
}

#[test]
fn a_record_that_was_changed_is_found_out_figure_by_figure() {
    let (_folder, _, kept) = measured();
    let events = kept.join("a.wav/events.jsonl");
    let text = fs::read_to_string(&events).expect("events");
    // An answer 30 ms sooner than it is heard; the first sound is a greeting, as the channels are swapped.
    let line = text
        .lines()
        .rfind(|line| line.contains("\"audible\""))
        .expect("an answer");
    let event: Value = serde_json::from_str(line).expect("an event");
    let at = event["at"].as_u64().unwrap_or_else(|| panic!("{line}"));
    let sooner = line.replace(&at.to_string(), &(at - 30_000_000).to_string());
    fs::write(&events, text.replace(line, &sooner)).expect("written");
    // Whoever changes a record on purpose leaves no checksum that tells.
    fs::remove_file(kept.join("a.wav/checksums.json")).expect("removed");
    let output = rederive(&kept, &[]);
    comes_to(
        &output,
        1,
        &[
            "1 the same, 1 otherwise",
            "DIFFERS      a.wav",
            "agent_start",
        ],
    );
    let document = stdout(&rederive(&kept, &["--json"]));
    let document: Value = serde_json::from_str(&document).expect("a document");
    let changes = document["calls"][0]["changes"]["shown"]
        .as_array()
        .expect("changes");
    let start = changes
        .iter()
        .find(|change| change["figure"] == "agent_start_ns");
    let start = start.unwrap_or_else(|| panic!("{changes:?}"));
    let ns = |when: &str| start[when].as_u64().expect("nanoseconds");
    assert_eq!(ns("after") - ns("before"), 30_000_000);
}

#[test]
fn audio_that_is_gone_or_another_is_told_apart() {
    let (folder, calls, kept) = measured();
    fs::write(calls.join("b.wav"), "another").expect("written");
    comes_to(
        &rederive(&kept, &[]),
        1,
        &[
            "1 the same, 1 otherwise",
            "OTHER AUDIO  b.wav",
            "has the sha256",
        ],
    );
    exchanges::write(&calls.join("b.wav"), &[Some(700), None, Some(900)]);
    let elsewhere = folder.path().join("elsewhere/deep");
    fs::create_dir_all(&elsewhere).expect("made");
    fs::rename(calls.join("a.wav"), elsewhere.join("renamed.wav")).expect("moved");
    comes_to(
        &rederive(&kept, &[]),
        2,
        &[
            "1 the same, 0 otherwise, 1 not measured",
            "is not there any more",
            "--audio DIR",
        ],
    );
    let everywhere = folder.path().display().to_string();
    comes_to(
        &rederive(&kept, &["--audio", &everywhere]),
        0,
        &["2 the same"],
    );
    let here = calls.display().to_string();
    comes_to(
        &rederive(&kept, &["--audio", &here]),
        2,
        &["no file in", "has the sha256", "of a.wav"],
    );
}

#[test]
fn what_cannot_be_measured_again_is_refused_with_the_cure() {
    let (folder, calls, kept) = measured();
    comes_to(
        &rederive(&calls, &[]),
        2,
        &["neither a header.json", "measure --out DIR"],
    );
    comes_to(&rederive(&kept, &["--swap"]), 2, &["cannot be used with"]);
    fs::remove_file(kept.join("a.wav/recording.json")).expect("removed");
    fs::write(kept.join("b.wav/recording.json"), "{").expect("written");
    comes_to(
        &rederive(&kept, &[]),
        2,
        &[
            "does not say what it was measured from",
            "recording.json",
            "2 of 2 calls",
        ],
    );
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
    comes_to(
        &rederive(&run, &[]),
        2,
        &["holds a run, not a measured call"],
    );
    drop(folder);
}
