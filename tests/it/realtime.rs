//! A model that hears and speaks, on a server: our own pipeline in another process, and scripted ones that do what servers
//! should not.

use crate::support::agents::{
    DOUBLE, Served, document as json, outcomes, pcm, scripted, voice, written,
};
use crate::support::{fixture, stderr, stdout, voicesim};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json as message};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept, connect};

type Server = WebSocket<TcpStream>;

/// A server that does as it is told with its first client.
fn server_that(does: impl FnOnce(Server) + Send + 'static) -> String {
    scripted(move |called| does(called.socket))
}

/// Reads until the client is gone.
fn hear_out(server: &mut Server) {
    while server.read().is_ok() {}
}

/// The turns of a caller, and a model at this address.
fn model(address: &str, more: &str, turns: &str) -> String {
    format!(
        "topology = \"speech_to_speech\"\n[speech_to_speech]\nengine = \"realtime\"\nmodel = \"m\"\nurl = {address:?}\n{more}\n{turns}"
    )
}

fn turn(wav: &str, more: &str) -> String {
    format!("[[turn]]\nwav = {:?}\n{more}\n", fixture(wav))
}

fn questions() -> String {
    turn("piper-reply.wav", "") + &turn("piper-graphics.wav", "")
}

fn run(scenario: &str, more: &[&str]) -> Output {
    let mut arguments = vec!["run", scenario, "--json"];
    arguments.extend(more);
    voicesim(&arguments)
}

fn rows(report: &Value) -> &Vec<Value> {
    report["detail"].as_array().expect("turns")
}

fn hop_ms(row: &Value, hop: &str) -> f64 {
    row["hops_ns"][hop]
        .as_f64()
        .unwrap_or_else(|| panic!("{hop}: {row}"))
        / 1e6
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

#[test]
fn a_served_pipeline_is_talked_with_whoever_finds_the_ends_of_turns() {
    let mut calls = Vec::new();
    for (detection, hop_ms_max) in [("ours", 1_300.0), ("server", 1_300.0)] {
        calls.push(thread::spawn(move || {
            let folder = TempDir::new().expect("a folder");
            let double = written(folder.path(), "double.toml", DOUBLE);
            let served = Served::start(&[&double, "--protocol", "realtime"]);
            let more = format!("turn_detection = {detection:?}");
            let scenario = model(&served.address, &more, &questions());
            let scenario = written(folder.path(), "talk.toml", &scenario);
            let out = path(&folder, "run");
            let output = run(&scenario, &["--out", &out]);
            let report = json(&output);
            assert_eq!(
                outcomes(&report),
                ["answered"; 2],
                "{detection}: {}",
                stderr(&output)
            );
            for row in rows(&report) {
                assert_eq!(row["said"], "We are open until eight.", "{detection}");
                let responded = hop_ms(row, "model_response");
                assert!(
                    (150.0..hop_ms_max).contains(&responded),
                    "{detection}: {responded}"
                );
                assert!(
                    hop_ms(row, "endpointing_wait") > 200.0,
                    "{detection}: {row}"
                );
            }
            let again = json(&voicesim(&["report", &out, "--json"]));
            assert_eq!(again["metrics"], report["metrics"]);
            let repeated = run(&scenario, &["--recorded", &out]);
            let repeated = json(&repeated);
            for (was, is) in rows(&report).iter().zip(rows(&repeated)) {
                assert_eq!(
                    (&was["said"], &was["outcome"]),
                    (&is["said"], &is["outcome"])
                );
                let [was, is] =
                    [was, is].map(|row| row["e2e_ns"].as_f64().expect("answered") / 1e6);
                assert!((was - is).abs() < 40.0, "{detection}: {was} and {is}");
            }
        }));
    }
    for call in calls {
        call.join().expect("it holds");
    }
}

#[test]
fn a_cascade_and_a_model_on_a_server_are_compared_hop_by_hop() {
    let folder = TempDir::new().expect("a folder");
    let double = written(folder.path(), "double.toml", DOUBLE);
    let served = Served::start(&[&double, "--protocol", "realtime"]);
    // One scenario with both, told apart by its topology.
    let both = model(&served.address, "", &questions())
        + "[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n";
    let cascade = both.replace("topology = \"speech_to_speech\"", "topology = \"cascade\"");
    let out = [("cascade", cascade), ("model", both)].map(|(name, text)| {
        let scenario = written(folder.path(), &format!("{name}.toml"), &text);
        let out = path(&folder, name);
        let report = json(&run(&scenario, &["--out", &out]));
        assert_eq!(outcomes(&report), ["answered"; 2], "{name}");
        out
    });
    let compared = json(&voicesim(&["compare", &out[0], &out[1], "--json"])).to_string();
    for hop in ["model_response", "transcription", "speech_synthesis"] {
        assert!(compared.contains(hop), "{hop}: {compared}");
    }
}

#[test]
fn what_needs_real_time_is_refused_in_virtual_time_with_the_cure() {
    let folder = TempDir::new().expect("a folder");
    let scenario = model("ws://localhost:1", "", &questions());
    let scenario = written(folder.path(), "talk.toml", &scenario);
    let output = run(&scenario, &["--clock", "virtual"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--clock real"),
        "{}",
        stderr(&output)
    );
    let output = run(&scenario, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("is the agent up"),
        "{}",
        stderr(&output)
    );
    let output = voicesim(&["simulate", &scenario]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("speech_to_speech.engine"),
        "{}",
        stderr(&output)
    );
}

fn say<S: Read + Write>(peer: &mut WebSocket<S>, value: &Value) {
    // A peer that is gone already is seen where it is read from.
    let _ = peer.send(Message::text(value.to_string()));
}

/// What a peer says next, and `None` when it is gone.
fn heard<S: Read + Write>(peer: &mut WebSocket<S>) -> Option<Value> {
    loop {
        match peer.read().ok()? {
            Message::Text(text) => return serde_json::from_str(&text).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// Reads until the peer says this.
fn until<S: Read + Write>(peer: &mut WebSocket<S>, kind: &str) -> Option<Value> {
    loop {
        let value = heard(peer)?;
        if value["type"] == kind {
            return Some(value);
        }
    }
}

/// Takes the session that the client asks for.
fn greeted(server: &mut Server) -> Option<Value> {
    let asked = until(server, "session.update")?;
    say(
        server,
        &message!({ "type": "session.updated", "session": asked["session"] }),
    );
    Some(asked)
}

/// Says what becomes of a response.
fn becomes(server: &mut Server, response: &str, (kind, status): (&str, &str)) {
    let response = message!({ "id": response, "status": status });
    say(server, &message!({ "type": kind, "response": response }));
}

fn created(server: &mut Server, response: &str) {
    becomes(server, response, ("response.created", "in_progress"));
}

/// A voice for so long, as sound of a response.
fn sounds(server: &mut Server, response: &str, ms: usize) {
    // As the fixture's voice at the API's rate is one and a half times as fast.
    let delta = BASE64_STANDARD.encode(pcm(&voice(ms * 3 / 2)));
    let item = format!("item_{response}");
    say(
        server,
        &message!({ "type": "response.output_audio.delta", "response_id": response, "item_id": item, "output_index": 0, "content_index": 0, "delta": delta }),
    );
}

fn done(server: &mut Server, response: &str) {
    becomes(server, response, ("response.done", "completed"));
}

/// Answers in order, with words on both sides.
fn answers(server: &mut Server, response: &str, ms: usize) {
    created(server, response);
    say(
        server,
        &message!({ "type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": "How fast?" }),
    );
    say(
        server,
        &message!({ "type": "response.output_audio_transcript.delta", "response_id": response, "delta": "Very fast indeed." }),
    );
    sounds(server, response, ms);
    done(server, response);
}

#[test]
fn an_interruption_cuts_the_answer_off_at_what_was_heard_and_words_of_both_are_kept() {
    let folder = TempDir::new().expect("a folder");
    let (tell, told): (Sender<Value>, Receiver<Value>) = channel();
    let address = server_that(move |mut server| {
        let session = greeted(&mut server).expect("a session");
        tell.send(session).expect("heard");
        until(&mut server, "response.create");
        // Eight seconds of speech at once.
        answers(&mut server, "r", 8_000);
        while let Some(value) = heard(&mut server) {
            if value["type"] == "response.create" {
                answers(&mut server, "s", 500);
            }
            if value["type"] != "input_audio_buffer.append" {
                tell.send(value).expect("heard");
            }
        }
    });
    let turns = turn("piper-reply.wav", "text = \"How fast?\"")
        + &turn(
            "piper-wait-stop.wav",
            "expect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 1000",
        );
    let more = "transcription = \"whisper-1\"\nvoice = \"marin\"";
    let scenario = model(&address, more, &turns) + "[interruption]\npolicy = \"always\"\n";
    let scenario = written(folder.path(), "talk.toml", &scenario);
    let out = path(&folder, "run");
    let output = run(&scenario, &["--out", &out]);
    let report = json(&output);
    assert_eq!(
        outcomes(&report),
        ["answered", "stopped"],
        "{}",
        stderr(&output)
    );
    assert_eq!(rows(&report)[0]["heard"], "How fast?");
    assert!(
        report["metrics"]["barge_in_stop"]["count"].as_u64() == Some(1),
        "{report}"
    );
    let told: Vec<Value> = told.into_iter().collect();
    let session = &told[0]["session"]["audio"];
    assert_eq!(session["input"]["turn_detection"], Value::Null);
    assert_eq!(session["input"]["transcription"]["model"], "whisper-1");
    assert_eq!(session["output"]["voice"], "marin");
    let kinds: Vec<&str> = told.iter().filter_map(|it| it["type"].as_str()).collect();
    let truncate = "conversation.item.truncate";
    let at = kinds
        .iter()
        .position(|kind| *kind == truncate)
        .expect("it was cut off");
    let next = kinds.iter().rposition(|kind| *kind == "response.create");
    assert!(next.is_none_or(|next| at < next), "{kinds:?}");
    // What the server is told is what the record has.
    let events = std::fs::read_to_string(Path::new(&out).join("events.jsonl")).expect("events");
    let heard_ms = events.lines().find_map(|line| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let ns = find(&event, "heard_ns")?.as_u64()?;
        Some(ns / 1_000_000)
    });
    let heard_ms = heard_ms.expect("a reply that ended");
    assert!((1_000..4_000).contains(&heard_ms), "{heard_ms}");
    let cut_ms = told[at]["audio_end_ms"].as_u64().expect("a time");
    assert!(cut_ms.abs_diff(heard_ms) <= 1, "{cut_ms} and {heard_ms}");
}

/// A value by its key, however deep it lies.
fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object
            .get(key)
            .or_else(|| object.values().find_map(|inner| find(inner, key))),
        _ => None,
    }
}

/// What comes of a run with a server that answers the first question by doing this.
fn fails_by(does: impl FnOnce(&mut Server) + Send + 'static) -> (Output, Value) {
    let folder = TempDir::new().expect("a folder");
    let address = server_that(move |mut server| {
        if greeted(&mut server).is_some() && until(&mut server, "response.create").is_some() {
            does(&mut server);
        }
    });
    let more = "first_sound_timeout_ms = 1500\nbetween_sounds_timeout_ms = 1200";
    let turns = turn("piper-graphics.wav", "give_up_ms = 4000");
    let scenario = written(folder.path(), "talk.toml", &model(&address, more, &turns));
    let output = run(&scenario, &["--out", &path(&folder, "run")]);
    let report = json(&output);
    (output, report)
}

type Does = Box<dyn FnOnce(&mut Server) + Send>;

#[test]
fn what_a_server_does_wrong_is_a_failed_turn_with_its_reason() {
    let cases: Vec<(&str, Does)> = vec![
        (
            "No such \u{7}voice",
            Box::new(|server| {
                let error = message!({ "message": "No such \u{7}voice" });
                say(server, &message!({ "type": "error", "error": error }));
                hear_out(server);
            }),
        ),
        (
            "\"good evening\" is no message of the Realtime API",
            Box::new(|server| {
                let _ = server.send(Message::text("good evening"));
                hear_out(server);
            }),
        ),
        (
            "those of the Realtime API are all text",
            Box::new(|server| {
                let _ = server.send(Message::binary(vec![0; 640]));
                hear_out(server);
            }),
        ),
        (
            "longer than 8 MiB",
            Box::new(|server| {
                let _ = server.send(Message::text("x".repeat(9 << 20)));
                hear_out(server);
            }),
        ),
        (
            "speech_to_speech.first_sound_timeout_ms",
            Box::new(hear_out),
        ),
        (
            // Nobody takes sound for an answer that was not begun.
            "speech_to_speech.first_sound_timeout_ms",
            Box::new(|server| {
                done(server, "r");
                sounds(server, "r", 300);
                hear_out(server);
            }),
        ),
        (
            "holds no sound",
            Box::new(|server| {
                created(server, "r");
                done(server, "r");
                hear_out(server);
            }),
        ),
        (
            "half a sample is left over",
            Box::new(|server| {
                created(server, "r");
                say(
                    server,
                    &message!({ "type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": "AAAA" }),
                );
                hear_out(server);
            }),
        ),
        (
            "rate_limit_exceeded",
            Box::new(|server| {
                created(server, "r");
                let details = message!({ "error": { "code": "rate_limit_exceeded" } });
                let response =
                    message!({ "id": "r", "status": "failed", "status_details": details });
                say(
                    server,
                    &message!({ "type": "response.done", "response": response }),
                );
                hear_out(server);
            }),
        ),
        (
            "the server hung up",
            Box::new(|server| {
                let _ = server.close(None);
                hear_out(server);
            }),
        ),
        (
            "broke off",
            Box::new(|server| {
                created(server, "r");
                let _ = server.get_ref().shutdown(std::net::Shutdown::Both);
            }),
        ),
    ];
    let runs: Vec<_> = cases
        .into_iter()
        .map(|(says, does)| (says, thread::spawn(move || fails_by(does))))
        .collect();
    for (says, run) in runs {
        let (output, report) = run.join().expect("it ends");
        assert_eq!(output.status.code(), Some(1), "{says}: {}", stderr(&output));
        assert_eq!(outcomes(&report), ["failed"], "{says}: {report}");
        let why = rows(&report)[0]["error"].as_str().unwrap_or_default();
        let says = says.replace('\u{7}', "");
        assert!(why.contains(&says), "{says}: {why}");
    }
}

#[test]
fn a_connection_that_breaks_in_mid_answer_is_named() {
    for (does, says) in [
        (
            Box::new(|server: &mut Server| {
                created(server, "r");
                sounds(server, "r", 600);
                thread::sleep(Duration::from_millis(300));
                let _ = server.get_ref().shutdown(std::net::Shutdown::Both);
            }) as Does,
            "broke off",
        ),
        (
            Box::new(|server: &mut Server| {
                created(server, "r");
                sounds(server, "r", 600);
                hear_out(server);
            }) as Does,
            "between_sounds_timeout_ms",
        ),
    ] {
        let (_, report) = fails_by(does);
        let row = &rows(&report)[0];
        let why = row["error"].as_str().unwrap_or_default();
        assert!(why.contains(says), "{says}: {row}");
    }
}

#[test]
fn a_server_that_refuses_the_session_is_not_available() {
    let folder = TempDir::new().expect("a folder");
    let address = server_that(|mut server| {
        until(&mut server, "session.update");
        let error = message!({ "message": "no voice called marin" });
        say(&mut server, &message!({ "type": "error", "error": error }));
        hear_out(&mut server);
    });
    let scenario = written(
        folder.path(),
        "talk.toml",
        &model(&address, "", &questions()),
    );
    let output = run(&scenario, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("no voice called marin"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_connection_that_is_gone_is_made_again_and_the_caller_is_heard_over_it() {
    let folder = TempDir::new().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let (tell, told) = channel();
    thread::spawn(move || {
        let call = || accept(listener.accept().expect("a caller").0).expect("a WebSocket");
        let mut first = call();
        greeted(&mut first);
        until(&mut first, "response.create");
        drop(first);
        let mut second = call();
        greeted(&mut second);
        let mut samples = 0;
        while let Some(value) = heard(&mut second) {
            match value["type"].as_str().expect("a type") {
                "input_audio_buffer.append" => {
                    let audio = value["audio"].as_str().expect("sound");
                    samples += BASE64_STANDARD.decode(audio).expect("base64").len() / 2;
                }
                "response.create" => {
                    tell.send(samples).expect("heard");
                    answers(&mut second, "r", 500);
                }
                _ => {}
            }
        }
    });
    let turns = turn("piper-graphics.wav", "");
    let scenario = model(&address, "retries = 1", &turns);
    let scenario = written(folder.path(), "talk.toml", &scenario);
    let output = run(&scenario, &[]);
    let report = json(&output);
    assert_eq!(outcomes(&report), ["answered"], "{}", stderr(&output));
    let samples = told.recv().expect("it was asked");
    assert!(
        samples > 24_000,
        "more than a second of the question: {samples}"
    );
}

#[test]
fn a_key_is_sent_and_never_shown() {
    let folder = TempDir::new().expect("a folder");
    let address = server_that(|mut server| {
        greeted(&mut server);
        until(&mut server, "response.create");
        let error = message!({ "message": "the key sk-SECRET-OF-MINE is not for this" });
        say(&mut server, &message!({ "type": "error", "error": error }));
        hear_out(&mut server);
    });
    let turns = turn("piper-graphics.wav", "give_up_ms = 3000");
    let text = model(&address, "key_env = \"VOICESIM_TEST_KEY\"", &turns);
    let scenario = written(folder.path(), "talk.toml", &text);
    let without = run(&scenario, &[]);
    assert_eq!(without.status.code(), Some(3));
    assert!(
        stderr(&without).contains(
            "speech_to_speech.key_env: the environment variable VOICESIM_TEST_KEY is not set"
        ),
        "{}",
        stderr(&without)
    );
    let out = path(&folder, "run");
    let output = crate::support::command(&["run", &scenario, "--json", "--out", &out])
        .env("VOICESIM_TEST_KEY", "sk-SECRET-OF-MINE")
        .output()
        .expect("voicesim runs");
    let said = stdout(&output) + &stderr(&output);
    assert!(said.contains("the key [key] is not for this"), "{said}");
    let events = std::fs::read_to_string(Path::new(&out).join("events.jsonl")).expect("events");
    let header = std::fs::read_to_string(Path::new(&out).join("header.json")).expect("a header");
    assert!(!(said + &events + &header).contains("SECRET"));
}

#[test]
fn a_client_that_ends_turns_itself_is_answered_when_it_asks() {
    let folder = TempDir::new().expect("a folder");
    let long =
        "This is what the agent answers, and it goes on for a while, so that one can talk over it.";
    let double = DOUBLE.replace("We are open until eight.", long);
    let double = written(folder.path(), "double.toml", &double);
    let served = Served::start(&[&double, "--protocol", "realtime"]);
    let (mut client, _) = connect(served.address.as_str()).expect("a WebSocket");
    let client = &mut client;
    let session = message!({ "audio": { "input": { "turn_detection": null } } });
    say(
        client,
        &message!({ "type": "session.update", "session": session }),
    );
    let commit = message!({ "type": "input_audio_buffer.commit" });
    let respond = message!({ "type": "response.create" });
    // Nothing was said yet.
    say(client, &commit);
    let error = until(client, "error").expect("an error");
    assert_eq!(error["error"]["code"], "input_audio_buffer_commit_empty");
    say(client, &respond);
    let error = until(client, "error").expect("an error");
    assert_eq!(error["error"]["code"], "response_create_refused");
    // A question at once, faster than it is spoken, as the API has it.
    for piece in pcm(&voice(3_000)).chunks(16_000) {
        let audio = BASE64_STANDARD.encode(piece);
        say(
            client,
            &message!({ "type": "input_audio_buffer.append", "audio": audio }),
        );
    }
    say(client, &commit);
    let next = heard(client).expect("it goes on");
    assert_eq!(
        next["type"], "input_audio_buffer.committed",
        "and nothing unasked"
    );
    say(client, &respond);
    until(client, "response.created").expect("a response");
    until(client, "response.output_audio.delta").expect("sound");
    let cancel = message!({ "type": "response.cancel" });
    say(client, &cancel);
    let done = until(client, "response.done").expect("its end");
    assert_eq!(done["response"]["status"], "cancelled");
    say(client, &cancel);
    let error = until(client, "error").expect("an error");
    assert_eq!(error["error"]["code"], "response_cancel_not_active");
}
