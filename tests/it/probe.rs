//! Calls to agents: our own, served by another process, and scripted ones that do what agents should not.

use crate::support::{command, fixture, stderr, stdout, voicesim};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept, client};

/// Two questions, the second one when the first was answered.
fn scenario(folder: &Path, more: &str) -> String {
    let text = format!(
        "name = \"questions\"\n{more}\n[[turn]]\nwav = {:?}\ntext = \"How fast should a voice assistant reply?\"\n[[turn]]\nwav = {:?}\n",
        fixture("piper-reply.wav"),
        fixture("piper-graphics.wav"),
    );
    written(folder, "questions.toml", &text)
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output))
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", stdout(output), stderr(output)))
}

/// What came of each turn.
fn outcomes(report: &Value) -> Vec<&str> {
    let detail = report["detail"].as_array().expect("turns");
    detail
        .iter()
        .map(|row| row["outcome"].as_str().expect("an outcome"))
        .collect()
}

fn e2e_ms(row: &Value) -> f64 {
    row["e2e_ns"].as_f64().expect("an answer") / 1e6
}

/// A served pipeline, in a process of its own.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    fn start(arguments: &[&str]) -> Served {
        let mut process = command(&["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("VOICESIM_MODELS", "/nonexistent/models")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("voicesim runs");
        let mut address = String::new();
        let out = process.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut address).expect("a line");
        let address = address.trim().to_owned();
        assert!(address.starts_with("ws://127.0.0.1:"), "{address:?}");
        Served { process, address }
    }

    /// Waits until it ends by itself.
    fn ends(mut self) {
        for _ in 0..200 {
            if let Some(status) = self.process.try_wait().expect("a process") {
                assert!(status.success(), "{status}");
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("it goes on");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const DOUBLE: &str = "
[endpointing]
silence_ms = 300
[stt]
engine = \"simulated\"
latency = { fixed_ms = 100 }
[answer]
engine = \"simulated\"
latency = { fixed_ms = 300 }
text = \"We are open until eight.\"
[tts]
engine = \"simulated\"
latency = { fixed_ms = 100 }
[[turn]]
speech = { length = { fixed_ms = 1000 } }
";

fn probe(scenario: &str, address: &str, more: &[&str]) -> Output {
    let mut arguments = vec![
        "probe",
        scenario,
        "--agent",
        address,
        "--no-transcribe",
        "--json",
    ];
    arguments.extend(more);
    voicesim(&arguments)
}

#[test]
fn what_an_agent_tells_of_itself_is_what_its_caller_hears() {
    for protocol in ["pcm", "twilio", "realtime", "pipecat"] {
        let folder = TempDir::new().expect("a folder");
        let double = written(folder.path(), "double.toml", DOUBLE);
        let out = folder.path().join("served");
        let out = out.to_str().expect("a path");
        let served = Served::start(&[
            &double,
            "--calls",
            "1",
            "--out",
            out,
            "--protocol",
            protocol,
        ]);
        let called = scenario(folder.path(), "");
        let probed = probe(&called, &served.address, &["--protocol", protocol]);
        served.ends();
        let probed = json(&probed);
        assert_eq!(outcomes(&probed), ["answered"; 2], "{protocol}");
        let told = voicesim(&["report", &format!("{out}/call-001"), "--json"]);
        let told = json(&told);
        let own = told["detail"].as_array().expect("turns");
        let heard = probed["detail"].as_array().expect("turns");
        assert_eq!(own.len(), 2, "{protocol}");
        for (own, heard) in own.iter().zip(heard) {
            let (own, heard) = (e2e_ms(own), e2e_ms(heard));
            // 300 ms of silence and 500 ms of engines, some of it ahead of the end. A busy machine adds to both.
            assert!((450.0..1_400.0).contains(&heard), "{protocol}: {heard}");
            assert!((own - heard).abs() < 60.0, "{protocol}: {own} and {heard}");
        }
        assert_eq!(probed["clock"], "probe");
        assert_eq!(probed["probe"]["protocol"], protocol);
    }
}

#[test]
fn an_agent_that_is_talked_over_stops_and_how_fast_is_measured() {
    let folder = TempDir::new().expect("a folder");
    let long =
        "This is what the agent answers, and it goes on for a while, so that one can talk over it.";
    let double = DOUBLE.replace("We are open until eight.", long);
    let double = double + "[interruption]\npolicy = \"always\"\n";
    let double = written(folder.path(), "double.toml", &double);
    let served = Served::start(&[&double]);
    let text = format!(
        "[[turn]]\nwav = {:?}\n[[turn]]\nwav = {:?}\nexpect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 1000\n",
        fixture("piper-reply.wav"),
        fixture("piper-wait-stop.wav"),
    );
    let called = written(folder.path(), "barge-in.toml", &text);
    let out = folder.path().join("probed");
    let out = out.to_str().expect("a path");
    let probed = probe(&called, &served.address, &["--out", out]);
    let probed = json(&probed);
    assert_eq!(outcomes(&probed), ["answered", "stopped"]);
    let stop = &probed["metrics"]["barge_in_stop"];
    assert!(
        stop["p50_ms"].as_f64().expect("it stopped") < 1_000.0,
        "{stop}"
    );
    assert!(probed["probe"]["cleared_ms"].as_f64().expect("cleared") > 0.0);
    let again = json(&voicesim(&["report", out, "--json"]));
    assert_eq!(again["metrics"], probed["metrics"]);
    assert!(Path::new(out).join("conversation.wav").is_file());
}

#[test]
fn several_calls_are_one_report_with_a_line_for_each() {
    let folder = TempDir::new().expect("a folder");
    let double = written(folder.path(), "double.toml", DOUBLE);
    let served = Served::start(&[&double, "--at-once", "3"]);
    let called = scenario(folder.path(), "[budget]\ne2e_latency_p95_ms = 5000\n");
    let out = folder.path().join("load");
    let more = [
        "--calls",
        "3",
        "--ramp",
        "1",
        "--out",
        out.to_str().expect("a path"),
    ];
    let probed = probe(&called, &served.address, &more);
    assert_eq!(probed.status.code(), Some(0), "{}", stderr(&probed));
    let probed = json(&probed);
    assert_eq!(probed["calls"].as_array().map(Vec::len), Some(3));
    assert_eq!(outcomes(&probed), ["answered"; 6]);
    assert!(out.join("call-003/events.jsonl").is_file());
    assert!(!out.join("unfinished").exists());
}

#[test]
fn of_two_probes_with_one_folder_one_has_it_before_anybody_is_called() {
    for calls in ["1", "3"] {
        let folder = TempDir::new().expect("a folder");
        let double = written(folder.path(), "double.toml", DOUBLE);
        let served = Served::start(&[&double, "--at-once", "6"]);
        let called = scenario(folder.path(), "");
        let out = folder.path().join("load").display().to_string();
        let arguments = [
            "probe",
            &called,
            "--agent",
            &served.address,
            "--no-transcribe",
            "--calls",
            calls,
            "--out",
            &out,
            "-q",
        ];
        let both = [0, 1].map(|_| {
            let mut probe = command(&arguments);
            let probe = probe.stdout(Stdio::null()).stderr(Stdio::piped());
            probe
                .env("VOICESIM_MODELS", "/nonexistent/models")
                .spawn()
                .expect("voicesim runs")
        });
        let both = both.map(|probe| probe.wait_with_output().expect("it ends"));
        let mut codes = both.each_ref().map(|probe| probe.status.code());
        codes.sort_unstable();
        assert_eq!(
            codes,
            [Some(0), Some(2)],
            "{}",
            both.each_ref().map(stderr).concat()
        );
        assert!(voicesim(&["report", &out]).status.success());
    }
}

#[test]
fn a_probe_that_nobody_answers_leaves_a_folder_that_another_one_can_have() {
    let folder = TempDir::new().expect("a folder");
    let called = scenario(folder.path(), "");
    let out = folder.path().join("out");
    let nobody = "ws://127.0.0.1:1";
    for calls in ["2", "1"] {
        let probed = probe(
            &called,
            nobody,
            &["--calls", calls, "--out", &out.display().to_string()],
        );
        assert_eq!(probed.status.code(), Some(3), "{}", stderr(&probed));
        let left = out.read_dir().map_or(0, Iterator::count);
        assert_eq!(left, 0, "{calls} calls");
    }
}

/// An agent that does as it is told with its first caller.
fn scripted(does: impl FnOnce(WebSocket<TcpStream>) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a caller");
        does(accept(stream).expect("a WebSocket"));
    });
    address
}

/// Reads the caller's sound until the caller has been silent for so many frames, after having spoken.
fn hear_a_question(agent: &mut WebSocket<TcpStream>, silent_frames: u32) {
    let (mut has_spoken, mut silent) = (false, 0);
    while silent < silent_frames {
        let Ok(message) = agent.read() else {
            return;
        };
        let Message::Binary(bytes) = message else {
            continue;
        };
        let loud = bytes
            .chunks_exact(2)
            .any(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 300);
        has_spoken |= loud;
        silent = match loud || !has_spoken {
            true => 0,
            false => silent + 1,
        };
    }
}

/// A voice of this many milliseconds, as 16-bit PCM at 16 kHz.
fn voice(ms: usize) -> Vec<u8> {
    let path = fixture("piper-average.wav");
    let sound = voicesim::audio::decode::read(&path).expect("a fixture");
    let peak = voicesim::audio::peak(&sound);
    let first = voicesim::audio::first_audible(&sound, 0.01 * peak).expect("sound");
    let sound = sound[first..].iter().cycle().take(16 * ms);
    let bytes = sound.flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes());
    bytes.collect()
}

/// Reads until the caller is gone.
fn hear_out(agent: &mut WebSocket<TcpStream>) {
    while agent.read().is_ok() {}
}

#[test]
fn nine_seconds_of_speech_in_one_are_heard_in_nine() {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(|mut agent| {
        hear_a_question(&mut agent, 25);
        for piece in voice(9_500).chunks(32_000) {
            agent.send(Message::binary(piece.to_vec())).expect("sent");
            thread::sleep(Duration::from_millis(90));
        }
        hear_a_question(&mut agent, 25);
        agent.send(Message::binary(voice(800))).expect("sent");
        hear_out(&mut agent);
    });
    let called = scenario(folder.path(), "");
    let report = json(&probe(&called, &address, &[]));
    assert_eq!(outcomes(&report), ["answered"; 2]);
    let rows = report["detail"].as_array().expect("turns");
    for row in rows {
        assert!((450.0..900.0).contains(&e2e_ms(row)), "{row}");
    }
    let first_answer = rows[0]["agent_start_ns"].as_u64().expect("a time");
    let second_end = rows[1]["caller_end_ns"].as_u64().expect("a time");
    assert!(
        second_end > first_answer + 9_500_000_000,
        "the caller waited for the end"
    );
    assert!(report["probe"]["ahead_max_ms"].as_f64().expect("a burst") > 8_000.0);
    assert_eq!(report["probe"]["underruns"], 0);
}

#[test]
fn an_agent_that_says_nothing_is_waited_for_and_not_for_ever() {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(|mut agent| hear_out(&mut agent));
    let text = format!(
        "[[turn]]\nwav = {:?}\ngive_up_ms = 1500\n",
        fixture("piper-graphics.wav")
    );
    let called = written(folder.path(), "one.toml", &text);
    let began = Instant::now();
    let output = probe(&called, &address, &[]);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report = json(&output);
    assert_eq!(outcomes(&report), ["missed"]);
    assert!(report["detail"][0]["waited_ns"].as_u64().expect("waited") > 1_500_000_000);
}

#[test]
fn an_agent_that_reads_nothing_ends_in_a_failed_turn() {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(|_agent| thread::sleep(Duration::from_secs(20)));
    let called = scenario(folder.path(), "");
    let began = Instant::now();
    let output = probe(&called, &address, &["--for", "8"]);
    assert!(began.elapsed() < Duration::from_secs(40));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_ne!(outcomes(&json(&output))[0], "answered");
}

/// What comes of a call to an agent that answers the first question by doing this.
fn fails_by(does: impl FnOnce(&mut WebSocket<TcpStream>) + Send + 'static) -> (Output, Value) {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(move |mut agent| {
        hear_a_question(&mut agent, 15);
        does(&mut agent);
    });
    let called = scenario(folder.path(), "");
    let output = probe(&called, &address, &["--for", "30"]);
    let report = json(&output);
    (output, report)
}

#[test]
fn a_call_that_breaks_is_a_failed_turn_with_its_reason() {
    let (output, report) = fails_by(|agent| {
        agent.send(Message::binary(voice(3_000))).expect("sent");
        thread::sleep(Duration::from_millis(500));
        let stream = agent.get_ref();
        stream.shutdown(std::net::Shutdown::Both).expect("shut");
    });
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(outcomes(&report), ["failed", "not_asked"]);
    let reason = report["detail"][0]["error"].as_str().unwrap_or_default();
    assert!(
        reason.contains("broke off") || reason.contains("closed"),
        "{reason}"
    );
}

#[test]
fn what_is_none_of_the_protocol_is_named() {
    let (_, report) = fails_by(|agent| {
        agent
            .send(Message::text("\u{7}good evening"))
            .expect("sent");
        hear_out(agent);
    });
    assert_eq!(outcomes(&report)[0], "failed");
    let ended = report["probe"]["ended"].as_str().expect("an end");
    assert!(
        ended.contains("\"good evening\" is no message of the protocol pcm"),
        "{ended}"
    );
}

#[test]
fn a_giant_message_is_not_read() {
    let (_, report) = fails_by(|agent| {
        // The caller hangs up in the middle of it.
        let _ = agent.send(Message::binary(vec![0; 9 << 20]));
        hear_out(agent);
    });
    let ended = report["probe"]["ended"].as_str().expect("an end");
    assert!(ended.contains("longer than 8 MiB"), "{ended}");
}

#[test]
fn an_agent_that_hangs_up_has_not_answered() {
    let (output, report) = fails_by(|agent| {
        agent
            .send(Message::text("{\"type\":\"stop\"}"))
            .expect("sent");
        hear_out(agent);
    });
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(outcomes(&report), ["failed", "not_asked"]);
}

#[test]
fn marks_come_back_when_they_were_played_and_at_once_when_cleared() {
    let folder = TempDir::new().expect("a folder");
    let (tell, told) = std::sync::mpsc::channel();
    let address = scripted(move |mut agent| {
        hear_a_question(&mut agent, 15);
        let began = Instant::now();
        let mark = |name: &str| Message::text(format!("{{\"type\":\"mark\",\"name\":\"{name}\"}}"));
        agent.send(Message::binary(voice(1_000))).expect("sent");
        agent.send(mark("first")).expect("sent");
        agent.send(Message::binary(voice(5_000))).expect("sent");
        agent.send(mark("second")).expect("sent");
        while let Ok(message) = agent.read() {
            let Message::Text(text) = message else {
                continue;
            };
            let value: Value = serde_json::from_str(&text).expect("JSON");
            let name = value["name"].as_str().unwrap_or_default().to_owned();
            if name == "first" {
                agent
                    .send(Message::text("{\"type\":\"clear\"}"))
                    .expect("sent");
            }
            tell.send((name, began.elapsed())).expect("heard");
        }
    });
    let text = format!("[[turn]]\nwav = {:?}\n", fixture("piper-graphics.wav"));
    let called = written(folder.path(), "one.toml", &text);
    let report = json(&probe(&called, &address, &[]));
    assert_eq!(outcomes(&report), ["answered"]);
    let (name, first) = told.recv().expect("a mark");
    assert_eq!(name, "first");
    assert!((900..1_600).contains(&first.as_millis()), "{first:?}");
    let (name, second) = told.recv().expect("a mark");
    assert_eq!(name, "second");
    assert!(second - first < Duration::from_millis(500), "{second:?}");
    assert!(report["probe"]["cleared_ms"].as_f64().expect("cleared") > 4_000.0);
}

#[test]
fn what_cannot_be_called_is_refused_with_the_cure() {
    let folder = TempDir::new().expect("a folder");
    let called = scenario(folder.path(), "");
    let refused = |more: &[&str], code: i32, says: &str| {
        let mut arguments = vec!["probe", called.as_str(), "--no-transcribe"];
        arguments.extend(more);
        let output = voicesim(&arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(says) && !said.contains("SECRET"), "{said}");
    };
    refused(
        &["--agent", "http://localhost/SECRET"],
        2,
        "ws:// in place of http://",
    );
    refused(&["--agent", "ws://me:SECRET@localhost"], 2, "--key-env");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!(
        "ws://{}/?key=SECRET",
        nobody.local_addr().expect("an address")
    );
    drop(nobody);
    refused(&["--agent", &address], 3, "is the agent up");
    refused(
        &[
            "--agent",
            "ws://localhost",
            "--key-env",
            "VOICESIM_NO_SUCH_KEY",
        ],
        2,
        "VOICESIM_NO_SUCH_KEY holds no key",
    );
    refused(
        &["--agent", "ws://localhost", "--jitter-buffer", "5000"],
        2,
        "up to 1000 ms",
    );
    let simulated = written(folder.path(), "simulated.toml", DOUBLE);
    let output = voicesim(&[
        "probe",
        &simulated,
        "--agent",
        "ws://localhost",
        "--no-transcribe",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("simulated speech makes no sound"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn callers_who_make_no_sense_hurt_nobody() {
    let folder = TempDir::new().expect("a folder");
    let double = written(folder.path(), "double.toml", DOUBLE);
    let served = Served::start(&[&double, "--at-once", "1"]);
    let place = served.address.trim_start_matches("ws://").to_owned();
    let call = || {
        // The one before is seen off first.
        thread::sleep(Duration::from_millis(700));
        TcpStream::connect(&place).expect("it listens")
    };
    let dial = || {
        let (caller, _) = client(served.address.as_str(), call()).expect("a WebSocket");
        caller
    };
    let mut no_websocket = call();
    no_websocket
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .expect("sent");
    drop(no_websocket);
    for junk in [
        Message::text("good evening"),
        Message::binary(vec![0; 640]),
        Message::text("{\"type\":\"start\",\"protocol\":\"voicesim.pcm/1\",\"rate\":7}"),
        Message::text("{\"type\":\"start\",\"protocol\":\"of another\",\"rate\":16000}"),
    ] {
        let mut caller = dial();
        caller.send(junk).expect("sent");
        // It is hung up on.
        hear_out(&mut caller);
    }
    let mut gone = dial();
    let start = "{\"type\":\"start\",\"protocol\":\"voicesim.pcm/1\",\"rate\":16000,\"call\":1}";
    gone.send(Message::text(start)).expect("sent");
    gone.send(Message::binary(voice(700))).expect("sent");
    drop(gone);
    thread::sleep(Duration::from_millis(700));
    let called = scenario(folder.path(), "");
    let report = json(&probe(&called, &served.address, &[]));
    assert_eq!(outcomes(&report), ["answered"; 2]);
}

#[test]
fn a_cascade_and_one_model_are_called_alike_and_compared() {
    let folder = TempDir::new().expect("a folder");
    let model = "stt = { engine = \"simulated\" }\nanswer = { engine = \"simulated\" }\ntts = { engine = \"simulated\" }\ntopology = \"speech_to_speech\"\n[endpointing]\nsilence_ms = 300\n[speech_to_speech]\nlatency = { fixed_ms = 1200 }\n";
    let called = scenario(folder.path(), "");
    let probed = [("cascade", DOUBLE), ("model", model)].map(|(name, text)| {
        let served = written(folder.path(), &format!("{name}.toml"), text);
        let served = Served::start(&[&served, "--protocol", "realtime"]);
        let out = folder.path().join(name).display().to_string();
        let report = probe(
            &called,
            &served.address,
            &["--protocol", "realtime", "--out", &out],
        );
        assert_eq!(outcomes(&json(&report)), ["answered"; 2], "{name}");
        out
    });
    let compared = json(&voicesim(&["compare", &probed[0], &probed[1], "--json"]));
    assert_eq!(compared["schema"], "voicesim.compare/2", "{compared}");
    let text = stdout(&voicesim(&["compare", &probed[0], &probed[1]]));
    assert!(text.contains("Paired (the same 2 turns)"), "{text}");
}
