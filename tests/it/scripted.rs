//! Agents that do what agents should not, or seldom do, in the protocols of others: nothing hangs, and what fails is named.

use crate::support::agents::{
    Called, Speaks, document, e2e_ms, outcomes, pipecat_audio, pipecat_message, probe, questions,
    scripted, voice, written,
};
use crate::support::{fixture, stderr};
use serde_json::{Value, json};
use std::process::Output;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

/// A question.
const ONE: &str = "piper-graphics.wav";

/// What comes of a call of one question to an agent that answers by doing this.
fn called(speaks: Speaks, does: impl FnOnce(Called) + Send + 'static) -> (Output, Value) {
    let folder = TempDir::new().expect("a folder");
    let address = scripted(move |agent| does(agent.in_words_of(speaks)));
    let text = format!("[[turn]]\nwav = {:?}\ngive_up_ms = 3000\n", fixture(ONE));
    let scenario = written(folder.path(), "one.toml", &text);
    let began = Instant::now();
    let more = ["--protocol", speaks.name(), "--for", "60"];
    let output = probe(&scenario, &address, &more);
    assert!(began.elapsed() < Duration::from_secs(50), "it hangs");
    let report = document(&output);
    (output, report)
}

/// Does something for each protocol of others, at once.
fn for_each(does: impl Fn(Speaks) + Sync) {
    thread::scope(|scope| {
        for speaks in Speaks::OF_OTHERS {
            let does = &does;
            scope.spawn(move || does(speaks));
        }
    });
}

fn ended(report: &Value) -> &str {
    report["probe"]["ended"].as_str().expect("an end")
}

#[test]
fn a_burst_is_heard_in_time_in_every_protocol() {
    for_each(|speaks| {
        let folder = TempDir::new().expect("a folder");
        let address = scripted(move |agent| {
            let mut agent = agent.in_words_of(speaks);
            let pieces = voice(9_500);
            let pieces = pieces.chunks(16_000).map(|piece| speaks.sound(piece));
            let pieces: Vec<Message> = pieces.collect();
            let last = speaks.sound_of("item_2", &voice(800));
            agent.hear_a_question(25);
            for piece in pieces {
                agent.send(piece);
                thread::sleep(Duration::from_millis(90));
            }
            agent.hear_a_question(25);
            agent.send(last);
            agent.hear_out();
        });
        let scenario = questions(folder.path(), "");
        let report = document(&probe(&scenario, &address, &["--protocol", speaks.name()]));
        assert_eq!(outcomes(&report), ["answered"; 2], "{speaks:?}");
        let rows = report["detail"].as_array().expect("turns");
        let first_answer = rows[0]["agent_start_ns"].as_u64().expect("a time");
        let second_end = rows[1]["caller_end_ns"].as_u64().expect("a time");
        let apart = second_end - first_answer;
        assert!(apart > 9_500_000_000, "{speaks:?}: {apart}");
        for row in rows {
            let e2e = e2e_ms(row);
            assert!((450.0..1_100.0).contains(&e2e), "{speaks:?}: {e2e}");
        }
        let facts = &report["probe"];
        assert!(facts["ahead_max_ms"].as_f64().expect("a burst") > 8_000.0);
        assert_eq!(facts["underruns"], 0, "{speaks:?}");
    });
}

#[test]
fn an_answer_that_stalls_runs_dry_and_is_an_answer() {
    for_each(|speaks| {
        let (_, report) = called(speaks, move |mut agent| {
            let [first, rest] = [voice(1_000), voice(1_000)].map(|sound| speaks.sound(&sound));
            agent.hear_a_question(15);
            agent.send(first);
            thread::sleep(Duration::from_millis(1_500));
            agent.send(rest);
            agent.hear_out();
        });
        assert_eq!(outcomes(&report), ["answered"], "{speaks:?}");
        let facts = &report["probe"];
        assert_eq!(facts["underruns"], 1, "{speaks:?}: {facts}");
        let dry = facts["underrun_ms"].as_f64().expect("a length");
        assert!((350.0..950.0).contains(&dry), "{speaks:?}: {dry}");
    });
}

#[test]
fn an_agent_that_says_nothing_in_any_protocol_is_missed() {
    for_each(|speaks| {
        let (output, report) = called(speaks, |mut agent| drop(agent.hear_out()));
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_eq!(outcomes(&report), ["missed"], "{speaks:?}");
        assert_eq!(ended(&report), "the caller hung up", "{speaks:?}");
    });
}

#[test]
fn an_answer_that_breaks_off_is_a_failed_turn_in_every_protocol() {
    for_each(|speaks| {
        let (output, report) = called(speaks, move |mut agent| {
            let answer = speaks.sound(&voice(3_000));
            agent.hear_a_question(15);
            agent.send(answer);
            thread::sleep(Duration::from_millis(500));
            agent.break_off();
        });
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(outcomes(&report), ["failed"], "{speaks:?}");
        let reason = report["detail"][0]["error"].as_str().unwrap_or_default();
        assert!(
            reason.contains("broke off") || reason.contains("closed"),
            "{speaks:?}: {reason}"
        );
    });
}

#[test]
fn what_no_agent_may_say_is_named_and_ends_the_call() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_type = format!("{{\"of\":{deep},\"type\":\"error\",\"event\":\"mark\"}}");
    let mut hostile: Vec<(Speaks, Message, &str)> = Vec::new();
    for speaks in Speaks::OF_OTHERS {
        hostile.push((
            speaks,
            Message::binary(vec![7; 9 << 20]),
            "longer than 8 MiB",
        ));
    }
    for (speaks, api) in [
        (Speaks::Twilio, "no message of Twilio Media Streams"),
        (Speaks::Realtime, "no message of the Realtime API"),
    ] {
        hostile.push((speaks, Message::binary(vec![0xFF; 64]), "a binary message"));
        hostile.push((speaks, Message::text("\u{1b}[2J"), api));
        hostile.push((speaks, Message::text(deep.clone()), api));
        hostile.push((speaks, Message::text(deep_type.clone()), "recursion limit"));
    }
    for (payload, says) in [
        ("\"*not base64*\"", "a media payload is no base64"),
        ("NaN", "no message of Twilio Media Streams"),
        ("[1,2]", "no message of Twilio Media Streams"),
    ] {
        let media = format!("{{\"event\":\"media\",\"media\":{{\"payload\":{payload}}}}}");
        hostile.push((Speaks::Twilio, Message::text(media), says));
    }
    for (delta, says) in [
        ("\"*not base64*\"", "a sound is no base64"),
        ("\"AAAA\"", "half a sample is left over"),
        ("-1e999", "no message of the Realtime API"),
    ] {
        let delta = format!(
            "{{\"type\":\"response.output_audio.delta\",\"item_id\":\"i\",\"delta\":{delta}}}"
        );
        hostile.push((Speaks::Realtime, Message::text(delta), says));
    }
    for (frame, says) in [
        (vec![0xFF; 64], "no frame of pipecat"),
        (pipecat_audio(&[0; 4], 0), "0 is none of the rates"),
        (pipecat_audio(&[0; 4], 0xFFFF_FFFF), "is none of the rates"),
        (pipecat_audio(&[0; 3], 16_000), "half a sample is left over"),
        // A length that reaches beyond the end.
        (
            vec![0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            "no frame of pipecat",
        ),
    ] {
        hostile.push((Speaks::Pipecat, Message::binary(frame), says));
    }
    hostile.push((Speaks::Pipecat, Message::text("{}"), "frames are binary"));
    thread::scope(|scope| {
        for (speaks, message, says) in hostile {
            scope.spawn(move || {
                let (output, report) = called(speaks, move |mut agent| {
                    agent.hear_a_question(10);
                    // The caller may hang up in the midst of it.
                    let _ = agent.socket.send(message);
                    agent.hear_out();
                });
                assert_eq!(output.status.code(), Some(1), "{speaks:?}: {says}");
                assert_eq!(outcomes(&report), ["failed"], "{speaks:?}: {says}");
                let ended = ended(&report);
                assert!(ended.contains(says), "{speaks:?}: {ended}, not {says}");
                assert!(ended.len() < 500 && !ended.contains('\u{1b}'), "{ended}");
            });
        }
    });
}

#[test]
fn what_comes_in_an_odd_order_is_understood() {
    for_each(|speaks| {
        let (_, report) = called(speaks, move |mut agent| {
            let answer = speaks.sound(&voice(800));
            let odd = match speaks {
                Speaks::Twilio | Speaks::Pcm => vec![
                    json!({ "event": "mark", "streamSid": "MZ1", "mark": { "name": "before any sound" } }),
                    json!({ "event": "of a later version", "media": 7 }),
                ],
                // Ends come before beginnings, and some things twice.
                Speaks::Realtime => vec![
                    json!({ "type": "response.done", "response": { "id": "r", "status": "completed" } }),
                    json!({ "type": "response.output_audio_transcript.done", "item_id": "item_1", "transcript": "It depends." }),
                    json!({ "type": "input_audio_buffer.speech_stopped", "audio_end_ms": 1 }),
                    json!({ "type": "input_audio_buffer.committed" }),
                    json!({ "type": "of a later version", "delta": 7 }),
                    json!({ "type": "session.created", "session": {} }),
                    json!({ "type": "session.created", "session": {} }),
                ],
                Speaks::Pipecat => Vec::new(),
            };
            agent.hear_a_question(15);
            agent.send(speaks.clear());
            agent.send(speaks.clear());
            for value in odd {
                agent.send(Message::text(value.to_string()));
            }
            if speaks == Speaks::Pipecat {
                agent.send(Message::binary(Vec::new()));
                agent.send(Message::binary(pipecat_message("no JSON")));
                // A frame of a later version.
                agent.send(Message::binary(vec![0x7A, 0]));
            }
            agent.send(answer);
            agent.hear_out();
        });
        assert_eq!(outcomes(&report), ["answered"], "{speaks:?}: {report}");
    });
}

#[test]
fn errors_that_an_agent_tells_of_stand_in_the_report_and_the_call_goes_on() {
    let error = json!({ "type": "error", "error": { "type": "server_error", "message": "Out of\u{7} tune." } });
    let error = Message::text(error.to_string());
    let rtvi =
        json!({ "label": "rtvi-ai", "type": "error", "data": { "error": "Out of\u{7} tune." } });
    let rtvi = Message::binary(pipecat_message(&rtvi.to_string()));
    for (speaks, error) in [(Speaks::Realtime, error), (Speaks::Pipecat, rtvi)] {
        let (_, report) = called(speaks, move |mut agent| {
            let answer = speaks.sound(&voice(800));
            agent.hear_a_question(15);
            agent.send(error);
            agent.send(answer);
            agent.hear_out();
        });
        assert_eq!(outcomes(&report), ["answered"], "{speaks:?}");
        let said = "the caller hung up; the agent told of an error: Out of tune.";
        assert_eq!(ended(&report), said, "{speaks:?}");
    }
}

/// A question, and an interruption a second into its answer.
fn barge_in() -> String {
    format!(
        "[[turn]]\nwav = {:?}\n[[turn]]\nwav = {:?}\nexpect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 1000\n",
        fixture("piper-reply.wav"),
        fixture("piper-wait-stop.wav"),
    )
}

#[test]
fn an_answer_that_is_cut_off_is_heard_up_to_there_and_the_agent_is_told_how_far() {
    for_each(|speaks| {
        let folder = TempDir::new().expect("a folder");
        let (tell, told) = channel();
        let address = scripted(move |agent| {
            let mut agent = agent.in_words_of(speaks);
            let answer = speaks.sound(&voice(10_000));
            let mark = json!({ "event": "mark", "streamSid": "MZ1", "mark": { "name": "end" } });
            agent.hear_a_question(15);
            agent.send(answer);
            let sent = Instant::now();
            if speaks == Speaks::Twilio {
                agent.send(Message::text(mark.to_string()));
            }
            agent.hear_a_word();
            let heard = sent.elapsed();
            agent.send(speaks.clear());
            tell.send((heard, agent.hear_out())).expect("listened to");
        });
        let scenario = written(folder.path(), "barge-in.toml", &barge_in());
        let report = document(&probe(&scenario, &address, &["--protocol", speaks.name()]));
        assert_eq!(outcomes(&report), ["answered", "stopped"], "{speaks:?}");
        let (heard, others) = told.recv().expect("told");
        let heard_ms = heard.as_secs_f64() * 1e3;
        let facts = &report["probe"];
        let cleared_ms = facts["cleared_ms"].as_f64().expect("a length");
        assert!(
            (cleared_ms + heard_ms - 10_000.0).abs() < 150.0,
            "{speaks:?}: {cleared_ms} ms cleared after {heard_ms}"
        );
        assert_eq!(facts["underruns"], 0, "{speaks:?}");
        let others = others.iter().filter_map(|(at, message)| {
            let value: Value = serde_json::from_str(message.to_text().ok()?).ok()?;
            Some((at, value))
        });
        let others: Vec<_> = others.collect();
        if speaks == Speaks::Realtime {
            let truncated = &others[0].1;
            assert_eq!(truncated["type"], "conversation.item.truncate");
            assert_eq!(truncated["item_id"], "item_1");
            let end_ms = truncated["audio_end_ms"].as_f64().expect("a time");
            assert!((end_ms - (10_000.0 - cleared_ms)).abs() < 2.0, "{end_ms}");
        }
        if speaks == Speaks::Twilio {
            let (at, mark) = &others[0];
            assert_eq!(
                (&mark["event"], &mark["mark"]["name"]),
                (&json!("mark"), &json!("end"))
            );
            assert!(**at < Duration::from_millis(300), "{at:?}");
        }
    });
}

#[test]
fn a_mark_of_twilio_comes_back_when_it_is_played() {
    let (tell, told) = channel();
    let (_, report) = called(Speaks::Twilio, move |mut agent| {
        let answer = Speaks::Twilio.sound(&voice(1_500));
        let mark = json!({ "event": "mark", "streamSid": "MZ1", "mark": { "name": "end" } });
        agent.hear_a_question(15);
        agent.send(answer);
        agent.send(Message::text(mark.to_string()));
        tell.send(agent.hear_out()).expect("listened to");
    });
    assert_eq!(outcomes(&report), ["answered"]);
    let others = told.recv().expect("told");
    let (at, mark) = &others[0];
    assert!(mark.to_text().expect("text").contains("\"end\""), "{mark}");
    assert!((1_400..2_200).contains(&at.as_millis()), "{at:?}");
}

#[test]
fn keys_are_pressed_and_what_comes_of_them_is_measured() {
    let folder = TempDir::new().expect("a folder");
    let (tell, told) = channel();
    let address = scripted(move |agent| {
        let mut agent = agent.in_words_of(Speaks::Twilio);
        let answer = Speaks::Twilio.sound(&voice(800));
        let mut keys = String::new();
        while !keys.ends_with('#') {
            let message = agent.socket.read().expect("a message");
            let value: Value =
                serde_json::from_str(message.to_text().expect("text")).expect("JSON");
            if value["event"] == "dtmf" {
                keys += value["dtmf"]["digit"].as_str().expect("a key");
            }
        }
        tell.send(keys).expect("listened to");
        thread::sleep(Duration::from_millis(500));
        agent.send(answer);
        agent.hear_out();
    });
    let scenario = written(folder.path(), "keys.toml", "[[turn]]\ndigits = \"42#\"\n");
    let report = document(&probe(&scenario, &address, &["--protocol", "twilio"]));
    assert_eq!(told.recv().expect("told"), "42#");
    assert_eq!(outcomes(&report), ["answered"]);
    let e2e = e2e_ms(&report["detail"][0]);
    assert!((480.0..800.0).contains(&e2e), "{e2e}");
    let output = probe(&scenario, "ws://127.0.0.1:9", &["--protocol", "realtime"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains("turn 1 digits: the protocol realtime has no words for keys"),
        "{said}"
    );
}
