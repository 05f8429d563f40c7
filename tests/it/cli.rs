//! What the command line says to bad input, and with which exit code.

use crate::support::{SIMULATED, command, fixture, stderr, stdout, voicesim};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Runs on `input`, a file of this name and content; it has to fail with 2 and name the cure.
fn refuses_recording(name: &str, content: &[u8], expected: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, content).expect("written");
    refuses(
        &["run", "--wav", &path.to_string_lossy()],
        &[name, expected],
    );
}

fn refuses(arguments: &[&str], expected: &[&str]) {
    let output = voicesim(arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    for expected in expected {
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

/// A WAV header for 16-bit audio that declares `bytes` of data.
fn wav_header(channels: u16, bytes: u32) -> Vec<u8> {
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend([1u16, channels].map(u16::to_le_bytes).concat());
    wav.extend(
        [16_000u32, 32_000 * u32::from(channels)]
            .map(u32::to_le_bytes)
            .concat(),
    );
    wav.extend([2 * channels, 16].map(u16::to_le_bytes).concat());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    wav
}

#[test]
fn recordings_that_are_none_are_refused_before_models_are_looked_for() {
    refuses_recording("empty.wav", b"", "empty");
    refuses_recording(
        "text.wav",
        b"These are only words, and not a recording.",
        "not audio",
    );
    refuses_recording("zero-samples.wav", &wav_header(1, 0), "no samples");
    refuses_recording("zero-channels.wav", &wav_header(0, 64), "channel");
    refuses_recording("call.ulaw", &[0x7F; 64], "ffmpeg -f mulaw -ar 8000 -i");
    refuses(
        &["run", "--wav", "/nonexistent.wav"],
        &["/nonexistent.wav", "no such file"],
    );
}

fn refuses_scenario(toml: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.toml");
    fs::write(&path, toml).expect("written");
    let mut expected = expected.to_vec();
    expected.push("wrong.toml");
    for command in ["run", "check"] {
        refuses(&[command, &path.to_string_lossy()], &expected);
    }
}

#[test]
fn scenarios_that_cannot_be_run_are_refused_with_their_line() {
    refuses_scenario(
        "[[turn]]\nsya = \"Why?\"\n",
        &["line 2", "unknown field `sya`"],
    );
    refuses_scenario(
        "[endpointing]\nsilence_s = 0.3\n[[turn]]\nsay = \"Why?\"\n",
        &["line 2", "silence_ms"],
    );
    refuses_scenario(
        "[[turn]]\nwav = \"gone.wav\"\n",
        &["line 2", "gone.wav does not exist"],
    );
    refuses_scenario(
        "[[turn]]\nsay = \"Why?\"\nafter = \"agent_speech_start\"\n",
        &["line 3", "cannot come"],
    );
    refuses_scenario("this is no TOML", &["line 1"]);
}

#[test]
fn documents_without_text_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let docs = folder.path().to_string_lossy().into_owned();
    let question = fixture("piper-reply.wav").to_string_lossy().into_owned();
    refuses(&["run", "--wav", &question, "--docs", &docs], &[&docs]);
}

#[test]
fn commands_that_make_no_sense_are_refused() {
    refuses(&["run"], &["--wav", "voicesim init"]);
    refuses(
        &["run", "x.toml", "--clock", "imaginary"],
        &["imaginary", "virtual"],
    );
    refuses(
        &["run", "/nonexistent.toml"],
        &["/nonexistent.toml", "voicesim init"],
    );
    refuses(&["report", "/nonexistent"], &["/nonexistent", "run folder"]);
    refuses(&["fly"], &["fly"]);
    let question = fixture("piper-reply.wav").to_string_lossy().into_owned();
    refuses(
        &["run", "--wav", &question, "--stt", "wisper"],
        &["wisper", "whisper"],
    );
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine"), "precious").expect("written");
    let out = folder.path().to_string_lossy().into_owned();
    refuses(
        &["run", "--wav", &question, "--out", &out],
        &["--out", &out],
    );
}

#[test]
fn recordings_stand_together_behind_the_scenario() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let question = fixture("piper-reply.wav").to_string_lossy().into_owned();
    let scenario = at("simulated.toml");
    fs::write(&scenario, SIMULATED).expect("written");
    let out = at("run");
    let arguments = [
        "run", &scenario, "--wav", &question, &question, "--clock", "virtual", "--json", "--out",
        &out,
    ];
    let report: serde_json::Value =
        serde_json::from_str(&stdout(&voicesim(&arguments))).expect("one JSON document");
    assert_eq!(report["turns"], 2);
    refuses(
        &["run", "--wav", &question, &scenario],
        &[&scenario, "is a scenario, not a recording", "before them"],
    );
}

#[test]
fn a_server_that_is_named_without_its_engine_is_told_which_one_asks() {
    let question = fixture("piper-reply.wav").to_string_lossy().into_owned();
    refuses(
        &[
            "run",
            "--wav",
            &question,
            "--answer-url",
            "http://localhost:1/v1",
        ],
        &["answer.url", "openai"],
    );
}

#[test]
fn schemas_and_presets_are_printed_as_json() {
    let of = |arguments: &[&str]| -> serde_json::Value {
        let output = voicesim(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).expect("one JSON document")
    };
    assert_eq!(of(&["schema"])["title"], "voicesim scenario");
    assert_eq!(of(&["schema", "budget"])["required"][0], "budget");
    let presets = of(&["presets", "--json"]);
    assert_eq!(presets["schema"], "voicesim.presets/1");
    assert_eq!(of(&["presets", "moshi", "--json"])["name"], "moshi");
    refuses(&["presets", "lunch"], &["lunch", "voicesim presets"]);
}

#[test]
fn shells_complete_commands_and_each_command_has_a_manual_page() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&voicesim(&["completions", shell]));
        assert!(script.contains("until-decided"), "{shell}");
    }
    assert!(stdout(&voicesim(&["man"])).contains(".TH voicesim"));
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man1");
    let written = voicesim(&["man", &pages.to_string_lossy()]);
    assert!(written.status.success(), "{}", stderr(&written));
    let page = fs::read_to_string(pages.join("voicesim-run.1")).expect("a page");
    assert!(page.contains("answer\\-url"), "{page}");
}

#[test]
fn a_missing_model_is_exit_3_with_the_command_that_gets_it() {
    let question = fixture("piper-reply.wav").to_string_lossy().into_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run").to_string_lossy().into_owned();
    let output = voicesim(&["run", "--wav", &question, "--out", &out]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("voicesim models install whisper-tiny.en"));
    assert!(
        !Path::new(&out).exists(),
        "a run that cannot begin leaves no folder"
    );
}

#[test]
fn a_missing_microphone_is_one_line_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("talk.toml");
    fs::write(&scenario, SIMULATED).expect("written");
    let output = command(&["run", "talk.toml", "--mic", "--input", "no such microphone"])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no microphone named"), "{said}");
    assert!(said.contains("voicesim devices"), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(!folder.path().join("runs").exists(), "a folder was made");
}

#[test]
fn a_server_that_is_not_there_is_a_warning_of_check_unless_it_is_offline() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("asks.toml");
    let server = "[answer]\nengine = \"openai\"\nurl = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n";
    fs::write(&scenario, format!("{server}[[turn]]\nsay = \"Hi\"\n")).expect("written");
    let scenario = scenario.to_string_lossy().into_owned();
    for (arguments, is_warned) in [
        (vec!["check", &scenario], true),
        (vec!["check", "--offline", &scenario], false),
    ] {
        let output = voicesim(&arguments);
        let said = stderr(&output);
        assert!(output.status.success(), "{said}");
        assert!(stdout(&output).contains("is fine"), "{}", stdout(&output));
        let warned = said.contains("warning: no server answers at http://127.0.0.1:1/v1");
        assert_eq!(warned, is_warned, "{said}");
    }
}

#[test]
fn a_setting_with_a_unit_names_itself_and_the_number_to_write() {
    let example = "audio/simulations/assistant.toml";
    let cure = "write 300 without a unit (milliseconds)";
    for setting in [
        "endpointing.silence_ms=300ms",
        "endpointing.silence_ms=0.3 s",
    ] {
        refuses(&["simulate", example, "--set", setting], &[setting, cure]);
    }
    let varied = "endpointing.silence_ms=200,300ms";
    refuses(
        &["sweep", example, "--vary", varied],
        &["endpointing.silence_ms", cure],
    );
    let until = ["--until", "e2e_latency_p95_ms=300ms"];
    let find = ["simulate", example, "--find", "endpointing.silence_ms"];
    refuses(&[&find[..], &until].concat(), &["--until", cure]);
    refuses(
        &["run", "--mic", "--for", "60s"],
        &["--for", "write 60 without a unit (seconds)"],
    );
    let wrong = "endpointing.silence_ms=short";
    refuses(
        &["simulate", example, "--set", "seed=1", "--set", wrong],
        &["--set endpointing.silence_ms=short: \"short\": write a whole number"],
    );
}

#[test]
fn a_scenario_from_init_is_fine_and_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_string_lossy().into_owned();
    assert!(voicesim(&["init", &place]).status.success());
    let scenario = folder
        .path()
        .join("scenario.toml")
        .to_string_lossy()
        .into_owned();
    let output = voicesim(&["check", &scenario]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("3 turns"), "{}", stdout(&output));
    refuses(&["init", &place], &["scenario.toml"]);
}

#[test]
fn a_recording_of_silence_is_a_report_of_zero_turns() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run").to_string_lossy().into_owned();
    let silence = fixture("silence.wav").to_string_lossy().into_owned();
    let fakes = [
        "--stt",
        "simulated",
        "--answer",
        "simulated",
        "--tts",
        "simulated",
    ];
    let mut arguments = vec!["run", "--wav", &silence, "--out", &out];
    arguments.extend(fakes);
    let output = voicesim(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("No turns"), "{}", stdout(&output));
    let json = voicesim(&["report", &out, "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(document["turns"], 0);
}

#[test]
fn a_caller_who_makes_up_what_to_say_is_checked_for_whom_they_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let checked = |engines: &str| {
        let path = folder.path().join("caller.toml");
        fs::write(&path, format!("{engines}[caller]\nquestions = 2\n")).expect("written");
        voicesim(&["check", &path.display().to_string()])
    };
    let simulated = |stage: &str| format!("[{stage}]\nengine = \"simulated\"\n");
    let agents = checked("[agent]\ngreets = true\n[tts]\nengine = \"espeak\"\n");
    assert!(agents.status.success(), "{}", stderr(&agents));
    assert!(stdout(&agents).contains("for calls to agents"));
    let all = ["stt", "answer", "tts"].map(simulated).concat();
    let ours = checked(&all);
    assert!(
        stdout(&ours).contains("to be simulated"),
        "{}",
        stderr(&ours)
    );
    let half = checked(&simulated("stt"));
    assert_eq!(half.status.code(), Some(2));
    assert!(stderr(&half).contains("set engine = \"simulated\""));
}

#[test]
fn without_pipers_voice_espeak_ng_speaks_and_the_header_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run").to_string_lossy().into_owned();
    let silence = fixture("silence.wav").to_string_lossy().into_owned();
    let output = voicesim(&[
        "run",
        "--wav",
        &silence,
        "--out",
        &out,
        "--stt",
        "simulated",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(
        said.contains("espeak-ng speaks in place of Piper"),
        "{said}"
    );
    assert!(said.contains("voicesim models install"), "{said}");
}

/// A long conversation under way: its first answer is heard. The program and its run folder.
fn conversation_under_way(folder: &Path) -> (Child, PathBuf) {
    let out = folder.join("run");
    let scenario = folder.join("long.toml");
    let question = fixture("piper-reply.wav");
    let turn = format!("[[turn]]\nwav = \"{}\"\n", question.display());
    fs::write(&scenario, turn.repeat(5) + SIMULATED).expect("written");
    let arguments = [
        "--quiet",
        "run",
        &scenario.to_string_lossy(),
        "--out",
        &out.to_string_lossy(),
    ];
    let child = command(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("voicesim runs");
    let events = out.join("events.jsonl");
    for _ in 0..600 {
        if fs::read_to_string(&events).is_ok_and(|text| text.contains("\"audible\"")) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    (child, out)
}

#[test]
fn a_killed_run_can_be_reported_to_its_last_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut child, out) = conversation_under_way(folder.path());
    child.kill().expect("killed");
    child.wait().expect("gone");
    let output = voicesim(&["report", &out.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.contains("stopped or killed"), "{said}");
    assert!(
        said.contains("answered") && said.contains("not_asked"),
        "{said}"
    );
    hound::WavReader::open(out.join("conversation.wav")).expect("the sound up to the last second");
}

#[test]
fn a_run_can_be_repeated_from_its_folder_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let question = fixture("piper-graphics.wav").to_string_lossy().into_owned();
    let fakes = [
        "--stt",
        "simulated",
        "--answer",
        "simulated",
        "--tts",
        "simulated",
    ];
    let mut arguments = vec!["run", "--wav", &question, "--clock", "virtual"];
    let (first, again) = (place("first"), place("again"));
    arguments.extend(["--out", &first]);
    arguments.extend(fakes);
    assert!(voicesim(&arguments).status.success());
    let output = voicesim(&["run", "--recorded", &first, "--out", &again, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for file in ["events.jsonl", "conversation.wav", "latency.hlog"] {
        let read = |run: &str| fs::read(Path::new(run).join(file)).expect("a file");
        assert!(read(&first) == read(&again), "{file} differs");
    }
    refuses(
        &["run", "--recorded", &first, "--clock", "real"],
        &["--clock real"],
    );
    refuses(
        &["run", "--recorded", "/nonexistent"],
        &["/nonexistent", "run folder"],
    );
    let other = fixture("piper-reply.wav").to_string_lossy().into_owned();
    let out = place("other");
    let arguments = ["run", "--wav", &other, "--recorded", &first, "--out", &out];
    refuses(
        &arguments,
        &[&first, "no output of speech_to_text for the input"],
    );
    let silent = place("silent");
    let mut arguments = vec![
        "run",
        "--wav",
        &question,
        "--clock",
        "virtual",
        "--no-audio",
    ];
    arguments.extend(["--out", &silent]);
    arguments.extend(fakes);
    assert!(voicesim(&arguments).status.success());
    refuses(&["run", "--recorded", &silent], &["--no-audio"]);
}

#[test]
fn signals_hang_up_and_the_report_is_printed() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let folder = tempfile::tempdir().expect("a folder");
        let (child, out) = conversation_under_way(folder.path());
        let interrupt = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {}", child.id())])
            .status();
        assert!(interrupt.expect("kill runs").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{signal}");
        let said = stdout(&output);
        assert!(
            said.contains("answered") && said.contains("not_asked"),
            "{said}"
        );
        let events = fs::read_to_string(out.join("events.jsonl")).expect("events");
        assert!(
            events.contains("\"aborted\"") && events.contains("reply_ended"),
            "{events}"
        );
        assert!(out.join("checksums.json").exists() && !out.join("unfinished").exists());
    }
}
