use super::*;

fn read(client: &mut RealtimeClient, value: &Value) -> Vec<FromAgent> {
    client.read(text(value)).expect("understood")
}

fn value(message: &Message) -> Value {
    let Message::Text(text) = message else {
        panic!("text");
    };
    serde_json::from_str(text).expect("JSON")
}

fn delta(item: &str, samples: usize) -> Value {
    let delta = sound(&vec![0.5; samples]);
    json!({ "type": "response.output_audio.delta", "response_id": "r", "item_id": item, "output_index": 0, "content_index": 0, "delta": delta })
}

#[test]
fn an_answer_is_cut_off_at_what_was_heard() {
    let mut client = RealtimeClient::default();
    for _ in 0..10 {
        let heard = read(&mut client, &delta("item_1", 24_000));
        assert_eq!(heard, [FromAgent::Sound(vec![0.5; 24_000])]);
    }
    let started =
        json!({ "type": "input_audio_buffer.speech_started", "audio_start_ms": 9, "item_id": "u" });
    assert_eq!(read(&mut client, &started), [FromAgent::Clear]);
    let told = client.cleared(Duration::from_millis(7_750));
    let truncate = value(&told[0]);
    assert_eq!(truncate["type"], "conversation.item.truncate");
    assert_eq!(
        (&truncate["item_id"], &truncate["audio_end_ms"]),
        (&json!("item_1"), &json!(2_250))
    );
    assert_eq!(
        read(&mut client, &delta("item_1", 240)),
        [],
        "what was cut off stays so"
    );
    assert_eq!(read(&mut client, &delta("item_2", 2)).len(), 1);
}

#[test]
fn what_was_heard_to_its_end_is_not_cut_off() {
    let mut client = RealtimeClient::default();
    read(&mut client, &delta("item_1", 240));
    assert_eq!(client.cleared(Duration::ZERO), []);
    assert_eq!(client.cleared(Duration::from_secs(1)), []);
}

#[test]
fn items_that_wait_behind_one_another_are_each_cut_off_at_what_was_heard() {
    let mut client = RealtimeClient::default();
    for (item, samples) in [("item_1", 24_000), ("item_2", 48_000), ("item_3", 12_000)] {
        read(&mut client, &delta(item, samples));
    }
    let told = client.cleared(Duration::from_millis(2_750));
    let cut: Vec<(Value, Value)> = told
        .iter()
        .map(|message| {
            let message = value(message);
            (message["item_id"].clone(), message["audio_end_ms"].clone())
        })
        .collect();
    assert_eq!(
        cut,
        [
            (json!("item_1"), json!(750)),
            (json!("item_2"), json!(0)),
            (json!("item_3"), json!(0))
        ]
    );
    for item in ["item_1", "item_2", "item_3"] {
        assert_eq!(read(&mut client, &delta(item, 240)), [], "{item}");
    }
}

#[test]
fn what_still_comes_of_an_answer_that_ran_dry_is_not_heard_once_it_is_cut_off() {
    let mut client = RealtimeClient::default();
    read(&mut client, &delta("item_1", 240));
    assert_eq!(client.cleared(Duration::ZERO), []);
    assert_eq!(read(&mut client, &delta("item_1", 240)), []);
}

#[test]
fn words_and_errors_are_understood() {
    let mut client = RealtimeClient::default();
    let said = json!({ "type": "response.output_audio_transcript.done", "item_id": "i", "transcript": "Yes." });
    assert_eq!(read(&mut client, &said), [FromAgent::Said("Yes.".into())]);
    let heard = json!({ "type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "transcript": "Hi." });
    assert_eq!(read(&mut client, &heard), [FromAgent::Heard("Hi.".into())]);
    let error = json!({ "type": "error", "error": { "type": "x", "message": "No such model." } });
    assert_eq!(
        read(&mut client, &error),
        [FromAgent::Failed("No such model.".into())]
    );
    let failed = json!({ "type": "response.done", "response": { "status": "failed", "status_details": { "error": { "code": "rate_limit" } } } });
    assert_eq!(
        read(&mut client, &failed),
        [FromAgent::Failed("rate_limit".into())]
    );
    let other = json!({ "type": "rate_limits.updated" });
    assert_eq!(read(&mut client, &other), []);
}

#[test]
fn a_response_of_several_items_is_cut_off_in_the_one_that_sounded() {
    let mut client = RealtimeClient::default();
    let created = json!({ "type": "response.created", "response": { "id": "r" } });
    assert_eq!(read(&mut client, &created), []);
    read(&mut client, &delta("item_1", 24_000));
    read(&mut client, &delta("item_2", 48_000));
    let told = client.heard_no_more_than(Duration::from_millis(1_500));
    let truncate = value(&told[0]);
    assert_eq!(
        (&truncate["item_id"], &truncate["audio_end_ms"]),
        (&json!("item_2"), &json!(500))
    );
    assert_eq!(client.heard_no_more_than(Duration::ZERO), []);
}

#[test]
fn a_session_is_what_the_client_asks_for() {
    let more = json!({ "audio": { "output": { "speed": 1.2 } }, "tools": [] });
    let mut client = RealtimeClient::of(Session {
        server_ends_turns: false,
        voice: Some("marin".into()),
        instructions: Some("Be brief.".into()),
        transcription: Some("whisper-1".into()),
        more: more.as_object().expect("an object").clone(),
    });
    let session = &value(&client.hello()[0])["session"];
    assert_eq!(session["audio"]["input"]["turn_detection"], Value::Null);
    assert_eq!(
        session["audio"]["input"]["transcription"]["model"],
        "whisper-1"
    );
    let output = &session["audio"]["output"];
    assert_eq!(
        (&output["voice"], &output["speed"]),
        (&json!("marin"), &json!(1.2))
    );
    assert_eq!(
        (&session["instructions"], &session["tools"]),
        (&json!("Be brief."), &json!([]))
    );
}

#[test]
fn an_error_that_a_response_was_over_already_is_none() {
    let mut client = RealtimeClient::default();
    let cancel = value(&client.cancel("r"));
    assert_eq!(cancel["response_id"], "r");
    let error = json!({ "type": "error", "error": { "code": "response_cancel_not_active", "event_id": cancel["event_id"] } });
    assert_eq!(read(&mut client, &error), []);
}

#[test]
fn junk_is_refused() {
    let mut client = RealtimeClient::default();
    for junk in [
        "",
        "[]",
        "{\"type\":7}",
        "{\"type\":\"response.output_audio.delta\",\"item_id\":\"i\",\"delta\":\"?\"}",
    ] {
        assert!(client.read(Message::Text(junk.into())).is_err(), "{junk}");
    }
}
