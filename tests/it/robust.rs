//! What an attack found, a test each: files and outputs that are not what they seem.
//! Folders that are cut short or redacted are in `kept.rs`.

use crate::support::{command, fixture, stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SCRIPTED: &str = "audio/simulations/scripted.toml";
const ASSISTANT: &str = "audio/simulations/assistant.toml";

pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A run folder, made anew.
pub(crate) fn run_into(out: &Path, more: &[&str]) -> Output {
    let out = text(out);
    let mut arguments = vec!["run", SCRIPTED, "--clock", "virtual", "--out", &out, "-q"];
    arguments.extend(more);
    voicesim(&arguments)
}

pub(crate) fn simulate_into(out: &Path, more: &[&str]) -> Output {
    let out = text(out);
    let mut arguments = vec![
        "simulate",
        ASSISTANT,
        "--conversations",
        "60",
        "--out",
        &out,
        "-q",
    ];
    arguments.extend(more);
    voicesim(&arguments)
}

/// Exit code 2, with these words on stderr.
pub(crate) fn refused(output: &Output, says: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for words in says {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// A program whose standard output or standard error is another file.
fn with_outputs(arguments: &[&str], stdout: &str, stderr: &str) -> Option<i32> {
    let open = |path: &str| fs::File::options().write(true).open(path).expect("there");
    let status = command(arguments)
        .stdout(open(stdout))
        .stderr(open(stderr))
        .status();
    status.expect("voicesim runs").code()
}

#[test]
fn a_header_that_claims_512_channels_takes_no_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c512.wav");
    let channels = 512u16;
    let mut wav = b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00".to_vec();
    wav.extend(channels.to_le_bytes());
    wav.extend(8_000u32.to_le_bytes());
    wav.extend((8_000 * u32::from(channels)).to_le_bytes());
    wav.extend(channels.to_le_bytes());
    wav.extend([8, 0]);
    wav.extend(b"data\x00\x02\x00\x00");
    wav.extend(vec![128; 512]);
    fs::write(&path, wav).expect("written");
    for command in ["measure", "run"] {
        let output = match command {
            "measure" => voicesim(&["measure", &text(&path), "--no-transcribe"]),
            _ => voicesim(&["run", "--wav", &text(&path)]),
        };
        refused(&output, &["512 channels, and up to 32 are read"]);
    }
}

#[test]
fn an_answer_of_megabytes_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.toml");
    let scenario = fs::read_to_string(SCRIPTED).expect("a scenario");
    let long = "word ".repeat(20_000);
    let scenario = scenario.replacen(
        "[answer]\n",
        &format!("[answer]\ntexts = [\"{long}\"]\n"),
        1,
    );
    fs::write(&path, scenario).expect("written");
    refused(
        &voicesim(&["check", &text(&path)]),
        &["answer.texts", "100000 bytes of text"],
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe.toml");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let pipe = text(&pipe);
    for arguments in [
        vec!["run", &pipe],
        vec!["check", &pipe],
        vec!["simulate", &pipe],
        vec!["simulate", SCRIPTED, "--budget", &pipe],
        vec!["measure", &pipe],
        vec!["import", &pipe, "--out", "/nonexistent/out"],
        vec!["classifier", "eval", "--data", &pipe],
        vec![
            "report",
            "tests/it/data/recorded",
            "--labels",
            &pipe,
            "--by",
            "x",
        ],
    ] {
        let output = command(&arguments).output().expect("voicesim runs");
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_gzip_that_unpacks_without_end_is_given_up() {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bomb.jsonl.gz");
    let file = fs::File::create(&path).expect("made");
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    let lines = vec![b'\n'; 1 << 20];
    for _ in 0..64 {
        packed.write_all(&lines).expect("packed");
    }
    packed.finish().expect("packed");
    let output = voicesim(&["classifier", "eval", "--data", &text(&path)]);
    refused(&output, &["unpacks to more than 100 times its size"]);
}

#[test]
fn events_of_gigabytes_that_take_no_disk_take_no_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    assert!(run_into(&out, &[]).status.success());
    fs::remove_file(out.join("checksums.json")).expect("an old folder");
    let events = fs::File::options()
        .write(true)
        .open(out.join("events.jsonl"));
    events.expect("there").set_len(6 << 30).expect("sparse");
    refused(
        &voicesim(&["report", &text(&out)]),
        &["longer than 1073741824 bytes"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_ends_no_run_and_a_full_standard_output_is_no_success() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    assert_eq!(
        with_outputs(&["report", "/nonexistent"], "/dev/null", "/dev/full"),
        Some(2)
    );
    let arguments = [
        "run",
        SCRIPTED,
        "--clock",
        "virtual",
        "-v",
        "--out",
        &text(&out),
    ];
    assert_eq!(with_outputs(&arguments, "/dev/null", "/dev/full"), Some(0));
    assert!(voicesim(&["report", &text(&out)]).status.success());
    for arguments in [
        vec!["report", "tests/it/data/recorded", "--json"],
        vec!["report", "tests/it/data/recorded"],
        vec!["report", "tests/it/data/recorded", "--csv", "-"],
        vec!["--help"],
        vec!["guide"],
        vec!["presets"],
        vec!["schema", "scenario"],
    ] {
        let code = with_outputs(&arguments, "/dev/full", "/dev/null");
        assert_eq!(code, Some(3), "{arguments:?}");
    }
    let code = with_outputs(
        &["report", "tests/it/data/recorded", "--csv", "/dev/full"],
        "/dev/null",
        "/dev/null",
    );
    assert_eq!(code, Some(3), "--csv /dev/full");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let mut child = command(&["guide", "columns"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("voicesim runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn of_several_runs_with_one_folder_one_has_it() {
    for round in 0..4 {
        let folder = tempfile::tempdir().expect("a folder");
        let out = text(&folder.path().join("out"));
        let children: Vec<_> = (1..=4)
            .map(|seed| {
                let seed = seed.to_string();
                let arguments = [
                    "run", SCRIPTED, "--clock", "virtual", "--seed", &seed, "--out", &out, "-q",
                ];
                let child = command(&arguments)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn();
                child.expect("voicesim runs")
            })
            .collect();
        let codes: Vec<_> = children
            .into_iter()
            .map(|mut child| child.wait().expect("it ends").code())
            .collect();
        let won = codes.iter().filter(|code| **code == Some(0)).count();
        let lost = codes.iter().filter(|code| **code == Some(2)).count();
        assert_eq!((won, lost), (1, 3), "round {round}: {codes:?}");
        assert!(voicesim(&["report", &out]).status.success());
        let again = text(&folder.path().join("again"));
        let repeated = voicesim(&["run", "--recorded", &out, "--out", &again, "-q"]);
        assert!(repeated.status.success(), "{}", stderr(&repeated));
    }
}

#[test]
fn a_flipped_bit_is_found_by_every_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let shards: Vec<PathBuf> = (1..=2)
        .map(|n| folder.path().join(format!("{n}")))
        .collect();
    for (index, out) in shards.iter().enumerate() {
        let shard = format!("{}/2", index + 1);
        assert!(simulate_into(out, &["--shard", &shard]).status.success());
    }
    let run = folder.path().join("run");
    assert!(run_into(&run, &[]).status.success());
    let all = text(&folder.path().join("all"));
    let flip = |path: &Path| {
        let before = fs::read(path).expect("there");
        let mut flipped = before.clone();
        let at = flipped.len() / 2;
        flipped[at] ^= 1;
        fs::write(path, flipped).expect("written");
        before
    };
    for name in ["turns.bin", "events.jsonl", "totals.json", "header.json"] {
        let path = shards[0].join(name);
        let before = flip(&path);
        let (one, two) = (text(&shards[0]), text(&shards[1]));
        refused(&voicesim(&["merge", &one, &two, "--out", &all]), &[name]);
        refused(&voicesim(&["report", &one, "--csv", "-"]), &[name]);
        refused(&voicesim(&["compare", &two, &one]), &[name]);
        fs::write(&path, before).expect("written");
    }
    for name in ["events.jsonl", "header.json"] {
        let path = run.join(name);
        let before = flip(&path);
        refused(&voicesim(&["report", &text(&run)]), &[name]);
        fs::write(&path, before).expect("written");
    }
    let output = fs::read_dir(run.join("outputs"))
        .expect("there")
        .flatten()
        .next();
    let output = output.expect("an output").path();
    if output.is_file() {
        flip(&output);
        let name = output
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        refused(&voicesim(&["run", "--recorded", &text(&run)]), &[&name]);
    }
}

#[test]
fn a_killed_run_is_reported_as_half_and_not_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    assert!(run_into(&out, &[]).status.success());
    // As a kill leaves it, in this version and in earlier ones.
    for has_mark in [true, false] {
        let half = folder.path().join(format!("half-{has_mark}"));
        fs::create_dir(&half).expect("made");
        let events = fs::read_to_string(out.join("events.jsonl")).expect("events");
        let kept: String = events
            .lines()
            .take(20)
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(half.join("events.jsonl"), kept).expect("written");
        fs::copy(out.join("header.json"), half.join("header.json")).expect("copied");
        if has_mark {
            fs::write(half.join("unfinished"), "").expect("written");
        }
        let output = voicesim(&["report", &text(&half)]);
        let said = stdout(&output);
        assert!(
            output.status.success() && said.contains("stopped or killed"),
            "{said}"
        );
        assert_eq!(said.contains("not whole"), has_mark, "{said}");
        refused(
            &voicesim(&["run", "--recorded", &text(&half)]),
            &["is not whole"],
        );
    }
}

#[test]
fn nothing_that_a_terminal_acts_on_comes_from_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{202e}a.wav";
    let calls = folder.path().join("calls");
    fs::create_dir(&calls).expect("made");
    fs::write(calls.join(name), "x").expect("written");
    let scenario = folder.path().join("s.toml");
    fs::write(
        &scenario,
        "[[turn]]\nwav = \"\\u001b[2Jx.wav\"\n\"\\u001b[31mkey\" = 1\n",
    )
    .expect("written");
    let esc = folder.path().join("esc");
    fs::create_dir(&esc).expect("made");
    let recorded = Path::new("tests/it/data/recorded");
    let header = fs::read_to_string(recorded.join("header.json")).expect("a header");
    let mut header: Value = serde_json::from_str(&header).expect("JSON");
    header["scenario"][name] = 1.into();
    fs::write(esc.join("header.json"), header.to_string()).expect("written");
    fs::copy(recorded.join("events.jsonl"), esc.join("events.jsonl")).expect("copied");
    let missing = text(&folder.path().join(name));
    for arguments in [
        vec!["measure", &text(&calls), "--no-transcribe"],
        vec!["check", &text(&scenario)],
        vec!["report", &text(&esc)],
        vec!["report", &missing],
        vec!["run", &missing],
        vec!["guide", name],
        vec!["simulate", SCRIPTED, "--set", name],
        vec![name],
        vec!["report", "--\u{1b}[2J"],
    ] {
        let output = command(&arguments).output().expect("voicesim runs");
        assert!(!output.status.success(), "{arguments:?}");
        let said = stderr(&output) + &stdout(&output);
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.contains(acts), "{arguments:?}: {said:?}");
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_links_or_over_results() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    assert!(run_into(&run, &[]).status.success());
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").expect("written");
    let (page, link) = (
        folder.path().join("p.html"),
        folder.path().join("link.html"),
    );
    std::os::unix::fs::symlink(&victim, folder.path().join("p.html.part")).expect("a link");
    std::os::unix::fs::symlink(&victim, &link).expect("a link");
    let run = text(&run);
    assert!(
        voicesim(&["report", &run, "--html", &text(&page)])
            .status
            .success()
    );
    refused(
        &voicesim(&["report", &run, "--html", &text(&link)]),
        &["it is a link"],
    );
    assert_eq!(fs::read(&victim).expect("there"), b"precious");
    let events = format!("{run}/events.jsonl");
    refused(
        &voicesim(&["report", &run, "--csv", &events]),
        &["belongs to a folder of results"],
    );
    let call = folder.path().join("call.wav");
    fs::copy(fixture("stereo-44100.wav"), &call).expect("copied");
    let before = fs::read(&call).expect("there");
    let call = text(&call);
    let output = voicesim(&["measure", &call, "--no-transcribe", "--html", &call]);
    refused(&output, &["named for something else"]);
    assert_eq!(fs::read(&call).expect("there"), before);
}

#[cfg(unix)]
#[test]
fn run_folders_are_their_owners_alone_and_hold_no_sound_unasked() {
    use std::os::unix::fs::PermissionsExt;
    fn all(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            into.push(entry.path());
            if entry.path().is_dir() {
                all(&entry.path(), into);
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, more) in [("loud", &[][..]), ("silent", &["--no-audio"])] {
        let out = folder.path().join(name);
        assert!(run_into(&out, more).status.success());
        let mut paths = vec![out.clone()];
        all(&out, &mut paths);
        assert!(paths.len() > 4);
        for path in &paths {
            let mode = path.metadata().expect("there").permissions().mode() & 0o777;
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{}", path.display());
        }
        let is_sound = |path: &&PathBuf| path.extension().is_some_and(|end| end == "wav");
        assert_eq!(paths.iter().any(|path| is_sound(&path)), name == "loud");
    }
}
