//! Calls to agents: our own, served by another process, and scripted ones that do what agents should not.

use crate::support::agents::{
    Called, DOUBLE, Served, document, e2e_ms, outcomes, probe, questions, scripted, voice, written,
};
use crate::support::{command, conversation, fixture, onset_ms, stderr, stdout, voicesim};
use serde_json::Value;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, client};

#[test]
fn what_an_agent_tells_of_itself_is_what_its_caller_hears() {
    for protocol in ["pcm", "twilio", "realtime", "pipecat"] {
        let folder = TempDir::new().expect("a folder");
        let double = written(folder.path(), "double.toml", DOUBLE);
        let out = folder.path().join("served");
        let out = out.to_str().expect("a path");
        let served = Served::for_one_call(&double, out, protocol);
        let called = questions(folder.path(), "");
        let probed = probe(&called, &served.address, &["--protocol", protocol]);
        served.ends();
        let probed = document(&probed);
        assert_eq!(outcomes(&probed), ["answered"; 2], "{protocol}");
        let told = voicesim(&["report", &format!("{out}/call-001"), "--json"]);
        let told = document(&told);
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

/// A served agent with a voice once hummed its filler, as simulated voices do.
#[test]
fn a_served_agent_says_its_filler_with_its_own_voice() {
    let folder = TempDir::new().expect("a folder");
    let filler = "One moment, let me look that up.";
    let espeak = "[tts]\nengine = \"espeak\"\n";
    let slow = DOUBLE.replace("fixed_ms = 300", "fixed_ms = 2500").replace(
        "[tts]\nengine = \"simulated\"\nlatency = { fixed_ms = 100 }\n",
        espeak,
    );
    let slow = format!("[filler]\nafter_ms = 300\ntext = \"{filler}\"\n{slow}");
    let double = written(folder.path(), "double.toml", &slow);
    let out = folder.path().join("served");
    let served = Served::for_one_call(&double, out.to_str().expect("a path"), "pcm");
    let question = format!("[[turn]]\nwav = {:?}\n", fixture("piper-reply.wav"));
    let called = written(folder.path(), "called.toml", &question);
    document(&probe(&called, &served.address, &[]));
    served.ends();

    let wav = folder.path().join("filler.wav");
    let wav = wav.to_str().expect("a path");
    let spoken = voicesim(&["say", &double, "--text", filler, "--out", wav]);
    assert!(spoken.status.success(), "{}", stderr(&spoken));
    let mut spoken = hound::WavReader::open(wav).expect("a recording");
    let spoken = spoken.samples::<i16>();
    let spoken: Vec<f32> = spoken.map(|it| f32::from(it.expect("a sample"))).collect();
    let (_, heard) = conversation(&out.join("call-001"));
    let from_onset = |sound: &[f32]| -> Vec<f32> {
        let onset = (onset_ms(sound) * 16.0) as usize;
        sound.iter().skip(onset).take(8_000).copied().collect()
    };
    let (spoken, heard) = (from_onset(&spoken), from_onset(&heard));
    let power =
        |one: &[f32], other: &[f32]| -> f32 { one.iter().zip(other).map(|(a, b)| a * b).sum() };
    let alike = power(&spoken, &heard) / (power(&spoken, &spoken) * power(&heard, &heard)).sqrt();
    assert!(alike > 0.9, "{alike}");
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
    let probed = document(&probed);
    assert_eq!(outcomes(&probed), ["answered", "stopped"]);
    let stop = &probed["metrics"]["barge_in_stop"];
    assert!(
        stop["p50_ms"].as_f64().expect("it stopped") < 1_000.0,
        "{stop}"
    );
    assert!(probed["probe"]["cleared_ms"].as_f64().expect("cleared") > 0.0);
    let again = document(&voicesim(&["report", out, "--json"]));
    assert_eq!(again["metrics"], probed["metrics"]);
    assert!(Path::new(out).join("conversation.wav").is_file());
}

#[test]
fn several_calls_are_one_report_with_a_line_for_each() {
    let folder = TempDir::new().expect("a folder");
    let double = written(folder.path(), "double.toml", DOUBLE);
    let served = Served::start(&[&double, "--at-once", "3"]);
    let called = questions(folder.path(), "[budget]\ne2e_latency_p95_ms = 5000\n");
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
    let probed = document(&probed);
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
        let called = questions(folder.path(), "");
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
    let called = questions(folder.path(), "");
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

#[test]
fn nine_seconds_of_speech_in_one_are_heard_in_nine() {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(|mut agent| {
        agent.hear_a_question(25);
        for piece in voice(9_500).chunks(16_000) {
            agent.say(piece);
            thread::sleep(Duration::from_millis(90));
        }
        agent.hear_a_question(25);
        agent.say(&voice(800));
        agent.hear_out();
    });
    let called = questions(folder.path(), "");
    let report = document(&probe(&called, &address, &[]));
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
    let address = scripted(|mut agent| drop(agent.hear_out()));
    let text = format!(
        "[[turn]]\nwav = {:?}\ngive_up_ms = 1500\n",
        fixture("piper-graphics.wav")
    );
    let called = written(folder.path(), "one.toml", &text);
    let began = Instant::now();
    let output = probe(&called, &address, &[]);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report = document(&output);
    assert_eq!(outcomes(&report), ["missed"]);
    assert!(report["detail"][0]["waited_ns"].as_u64().expect("waited") > 1_500_000_000);
}

#[test]
fn an_agent_that_reads_nothing_ends_in_a_failed_turn() {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(|_agent| thread::sleep(Duration::from_secs(20)));
    let called = questions(folder.path(), "");
    let began = Instant::now();
    let output = probe(&called, &address, &["--for", "8"]);
    assert!(began.elapsed() < Duration::from_secs(40));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_ne!(outcomes(&document(&output))[0], "answered");
}

/// What comes of a call to an agent that answers the first question by doing this.
fn fails_by(does: impl FnOnce(Called) + Send + 'static) -> (Output, Value) {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(move |mut agent| {
        agent.hear_a_question(15);
        does(agent);
    });
    let called = questions(folder.path(), "");
    let output = probe(&called, &address, &["--for", "30"]);
    let report = document(&output);
    (output, report)
}

#[test]
fn a_call_that_breaks_is_a_failed_turn_with_its_reason() {
    let (output, report) = fails_by(|mut agent| {
        agent.say(&voice(3_000));
        thread::sleep(Duration::from_millis(500));
        agent.break_off();
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
    let (_, report) = fails_by(|mut agent| {
        agent.send(Message::text("\u{7}good evening"));
        agent.hear_out();
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
    let (_, report) = fails_by(|mut agent| {
        // The caller hangs up in the middle of it.
        let _ = agent.socket.send(Message::binary(vec![0; 9 << 20]));
        agent.hear_out();
    });
    let ended = report["probe"]["ended"].as_str().expect("an end");
    assert!(ended.contains("longer than 8 MiB"), "{ended}");
}

#[test]
fn an_agent_that_hangs_up_has_not_answered() {
    let (output, report) = fails_by(|mut agent| {
        agent.send(Message::text("{\"type\":\"stop\"}"));
        agent.hear_out();
    });
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(outcomes(&report), ["failed", "not_asked"]);
}

#[test]
fn marks_come_back_when_they_were_played_and_at_once_when_cleared() {
    let folder = TempDir::new().expect("a folder");
    let (tell, told) = std::sync::mpsc::channel();
    let address = scripted(move |mut agent| {
        agent.hear_a_question(15);
        let began = Instant::now();
        let mark = |name: &str| Message::text(format!("{{\"type\":\"mark\",\"name\":\"{name}\"}}"));
        agent.say(&voice(1_000));
        agent.send(mark("first"));
        agent.say(&voice(5_000));
        agent.send(mark("second"));
        while let Ok(message) = agent.socket.read() {
            let Message::Text(text) = message else {
                continue;
            };
            let value: Value = serde_json::from_str(&text).expect("JSON");
            let name = value["name"].as_str().unwrap_or_default().to_owned();
            if name == "first" {
                agent.send(agent.speaks.clear());
            }
            tell.send((name, began.elapsed())).expect("heard");
        }
    });
    let text = format!("[[turn]]\nwav = {:?}\n", fixture("piper-graphics.wav"));
    let called = written(folder.path(), "one.toml", &text);
    let report = document(&probe(&called, &address, &[]));
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
    let called = questions(folder.path(), "");
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
        while caller.read().is_ok() {}
    }
    let mut gone = dial();
    let start = "{\"type\":\"start\",\"protocol\":\"voicesim.pcm/1\",\"rate\":16000,\"call\":1}";
    gone.send(Message::text(start)).expect("sent");
    gone.send(Message::binary(vec![1; 22_400])).expect("sent");
    drop(gone);
    thread::sleep(Duration::from_millis(700));
    let called = questions(folder.path(), "");
    let report = document(&probe(&called, &served.address, &[]));
    assert_eq!(outcomes(&report), ["answered"; 2]);
}

#[test]
fn a_cascade_and_one_model_are_called_alike_and_compared() {
    let folder = TempDir::new().expect("a folder");
    let model = "stt = { engine = \"simulated\" }\nanswer = { engine = \"simulated\" }\ntts = { engine = \"simulated\" }\ntopology = \"speech_to_speech\"\n[endpointing]\nsilence_ms = 300\n[speech_to_speech]\nlatency = { fixed_ms = 1200 }\n";
    let called = questions(folder.path(), "");
    let probed = [("cascade", DOUBLE), ("model", model)].map(|(name, text)| {
        let served = written(folder.path(), &format!("{name}.toml"), text);
        let served = Served::start(&[&served, "--protocol", "realtime"]);
        let out = folder.path().join(name).display().to_string();
        let report = probe(
            &called,
            &served.address,
            &["--protocol", "realtime", "--out", &out],
        );
        assert_eq!(outcomes(&document(&report)), ["answered"; 2], "{name}");
        out
    });
    let compared = document(&voicesim(&["compare", &probed[0], &probed[1], "--json"]));
    assert_eq!(compared["schema"], "voicesim.compare/2", "{compared}");
    let text = stdout(&voicesim(&["compare", &probed[0], &probed[1]]));
    assert!(text.contains("Paired (the same 2 turns)"), "{text}");
}
