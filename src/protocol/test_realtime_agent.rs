use super::*;
use crate::event::Tick;

fn kinds(messages: &[Message]) -> Vec<String> {
    let kind = |message: &Message| {
        let Message::Text(text) = message else {
            panic!("text");
        };
        let value: Value = serde_json::from_str(text).expect("JSON");
        value["type"].as_str().expect("a type").to_owned()
    };
    messages.iter().map(kind).collect()
}

fn began(turn: u32) -> Event {
    Event::of_turn(turn, Mark::VoiceStarted { onset: Tick::ZERO })
}

#[test]
fn speech_over_an_answer_is_told_of_when_the_answer_stops() {
    let mut server = RealtimeServer::default();
    let started = "input_audio_buffer.speech_started";
    assert_eq!(kinds(&server.event(&began(1))), [started]);
    let question = "".into();
    let reply = server.event(&Event::of_turn(1, Mark::ReplyStarted { question }));
    assert_eq!(kinds(&reply)[0], "response.created");
    server.sound(&[0.0; 240]);
    assert!(server.event(&began(2)).is_empty());
    let stopped = kinds(&server.clear());
    assert_eq!(
        (stopped[0].as_str(), stopped.last().map(String::as_str)),
        (started, Some("response.done"))
    );
}

#[test]
fn a_turn_of_the_conversation_has_its_events_in_order() {
    let mut server = RealtimeServer::default();
    let said = Mark::Output {
        stage: StageName::Clauses,
        visit: crate::event::VisitId(1),
        note: OutputNote::Clause {
            text: "Yes.".into(),
        },
    };
    let ended = Mark::ReplyEnded {
        end: ReplyEnd::Completed,
        at: Tick::ZERO,
        heard: "".into(),
        heard_ns: 0,
    };
    let mut all = server.hello();
    for mark in [
        Mark::ReplyStarted {
            question: "".into(),
        },
        said,
        ended,
    ] {
        all.extend(server.event(&Event::of_turn(1, mark)));
    }
    assert_eq!(
        kinds(&all),
        [
            "session.created",
            "response.created",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.done"
        ]
    );
}

#[test]
fn a_client_is_understood_and_told_what_is_not_done_here() {
    let mut server = RealtimeServer::default();
    let mut read = |value: Value| server.read(text(&value)).expect("understood");
    let (events, _) = read(json!({ "type": "input_audio_buffer.append", "audio": sound(&[0.5]) }));
    assert_eq!(events, [FromCaller::Sound(vec![0.5])]);
    let (_, told) =
        read(json!({ "type": "session.update", "session": { "instructions": "Be brief." } }));
    assert_eq!(kinds(&told), ["session.updated"]);
    for request in [
        "response.create",
        "input_audio_buffer.commit",
        "response.cancel",
    ] {
        let (events, told) = read(json!({ "type": request, "event_id": "mine" }));
        assert_eq!(
            (events, kinds(&told)),
            (Vec::new(), vec!["error".to_owned()])
        );
    }
    assert!(server.read(Message::Text("{}".into())).is_err());
}
#[test]
fn a_client_that_ends_turns_commits_them_and_asks_for_responses() {
    let mut server = RealtimeServer::default();
    let read =
        |server: &mut RealtimeServer, value: Value| server.read(text(&value)).expect("understood");
    let (events, _) = read(
        &mut server,
        json!({ "type": "session.update", "session": { "audio": { "input": { "turn_detection": null } } } }),
    );
    assert_eq!(events, [FromCaller::EndsTurns(true)]);
    assert!(server.event(&began(1)).is_empty(), "nobody asked");
    let (events, told) = read(&mut server, json!({ "type": "input_audio_buffer.commit" }));
    assert_eq!((events, told), (vec![FromCaller::Commit], Vec::new()));
    let committed = Mark::EndpointCommitted {
        last_voiced: Tick::ZERO,
        cause: crate::event::EndpointCause::Told,
        decision: None,
    };
    let told = kinds(&server.event(&Event::of_turn(1, committed)));
    assert_eq!(told, ["input_audio_buffer.committed"]);
    let (events, _) = read(&mut server, json!({ "type": "response.create" }));
    assert_eq!(events, [FromCaller::Respond]);
    assert_eq!(kinds(&server.refuse(Refused::Respond)), ["error"]);
}

#[test]
fn a_response_is_cancelled_and_its_sound_cut_off_where_there_is_any() {
    let mut server = RealtimeServer::default();
    let question = "".into();
    server.event(&Event::of_turn(1, Mark::ReplyStarted { question }));
    server.sound(&[0.1; 24_000]);
    let mut read = |value: Value| server.read(text(&value)).expect("understood");
    let (events, _) = read(json!({ "type": "response.cancel", "response_id": "resp_7" }));
    assert_eq!(events, [], "another one");
    let (events, _) = read(json!({ "type": "response.cancel", "response_id": "resp_1" }));
    assert_eq!(events, [FromCaller::Stop]);
    let mut cut = |item: &str, end_ms: u64| {
        let (_, told) = read(
            json!({ "type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": end_ms }),
        );
        kinds(&told).remove(0)
    };
    assert_eq!(cut("item_said_1", 900), "conversation.item.truncated");
    assert_eq!(cut("item_said_1", 1_001), "error");
    assert_eq!(cut("item_said_9", 1), "error");
}
