use super::*;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

const MS: Duration = Duration::from_millis(1);

fn exchange(turns: Turns) -> Exchange {
    let mut exchange = Exchange::new(RealtimeClient::default(), turns, Arc::default());
    exchange.connected();
    exchange
}

fn comes(exchange: &mut Exchange, message: Value) -> Vec<Message> {
    let came = exchange.came(Message::Text(message.to_string()));
    came.expect("understood").0
}

fn kinds(messages: &[Message]) -> Vec<String> {
    let kind = |message: &Message| match message {
        Message::Text(text) => {
            let value: Value = serde_json::from_str(text).expect("JSON");
            value["type"].as_str().expect("a type").to_owned()
        }
        Message::Binary(_) => panic!("text"),
    };
    messages.iter().map(kind).collect()
}

fn began(exchange: &mut Exchange, id: &str) -> Vec<Message> {
    comes(
        exchange,
        json!({ "type": "response.created", "response": { "id": id } }),
    )
}

/// A tenth of a second of a response.
fn sounds(exchange: &mut Exchange, id: &str) {
    let delta = BASE64_STANDARD.encode(vec![1u8; 4_800]);
    let item = format!("item_{id}");
    comes(
        exchange,
        json!({ "type": "response.output_audio.delta", "response_id": id, "item_id": item, "delta": delta }),
    );
}

fn over(exchange: &mut Exchange, id: &str, status: &str) {
    comes(
        exchange,
        json!({ "type": "response.done", "response": { "id": id, "status": status, "status_details": { "reason": "turn_detected" } } }),
    );
}

fn question(exchange: &mut Exchange) -> Vec<String> {
    exchange.begin();
    exchange.hear(&[0.1; 4_800]);
    let mut said = exchange.commit();
    said.extend(exchange.ask());
    kinds(&said)
}

/// A question, and a tenth of a second of an answer, which is complete.
fn answered(exchange: &mut Exchange) {
    question(exchange);
    began(exchange, "r");
    sounds(exchange, "r");
    exchange.next();
    over(exchange, "r", "completed");
    exchange.next();
}

#[test]
fn a_turn_is_committed_and_a_response_asked_for() {
    let mut exchange = exchange(Turns::Ours);
    let asked = ["input_audio_buffer.commit", "response.create"];
    assert_eq!(question(&mut exchange), asked);
    assert_eq!(exchange.next(), None);
    began(&mut exchange, "r");
    comes(
        &mut exchange,
        json!({ "type": "response.output_audio_transcript.delta", "response_id": "r", "delta": "Yes." }),
    );
    sounds(&mut exchange, "r");
    let Some(Next::Sound { samples, words }) = exchange.next() else {
        panic!("sound");
    };
    assert_eq!((samples.len(), words.as_str()), (2_400, "Yes."));
    over(&mut exchange, "r", "completed");
    assert_eq!(exchange.next(), Some(Next::Over));
}

#[test]
fn a_sound_too_short_for_a_turn_is_forgotten() {
    let mut exchange = exchange(Turns::Ours);
    exchange.begin();
    exchange.hear(&[0.1; 1_000]);
    assert_eq!(kinds(&exchange.commit()), ["input_audio_buffer.clear"]);
}

#[test]
fn a_response_that_is_given_up_is_cancelled_and_cut_off_at_what_was_heard() {
    let mut exchange = exchange(Turns::Ours);
    question(&mut exchange);
    began(&mut exchange, "r");
    sounds(&mut exchange, "r");
    exchange.next();
    assert_eq!(kinds(&exchange.give_up()), ["response.cancel"]);
    let said = exchange.reply_ended(ReplyEnd::Stopped, 40 * MS);
    assert_eq!(kinds(&said), ["conversation.item.truncate"]);
    let Message::Text(text) = &said[0] else {
        panic!("text");
    };
    assert!(text.contains("\"audio_end_ms\":40"), "{text}");
    // What still comes of it is nothing of the next one.
    question(&mut exchange);
    sounds(&mut exchange, "r");
    assert_eq!(exchange.next(), None);
    began(&mut exchange, "s");
    sounds(&mut exchange, "r");
    assert_eq!(exchange.next(), None);
}

#[test]
fn a_reply_that_is_held_is_cut_off_only_when_the_caller_has_said_something() {
    let mut exchange = exchange(Turns::Ours);
    answered(&mut exchange);
    assert_eq!(exchange.reply_ended(ReplyEnd::Stopped, 40 * MS), []);
    exchange.reply_resumed();
    assert_eq!(exchange.reply_ended(ReplyEnd::Stopped, 60 * MS), []);
    let asked = question(&mut exchange);
    assert_eq!(asked[0], "conversation.item.truncate");
    assert_eq!(asked.len(), 3);
}

#[test]
fn a_response_that_was_given_up_before_it_had_a_name_is_cancelled_when_it_has() {
    let mut exchange = exchange(Turns::Ours);
    question(&mut exchange);
    assert_eq!(exchange.give_up(), []);
    question(&mut exchange);
    assert_eq!(kinds(&began(&mut exchange, "r")), ["response.cancel"]);
    sounds(&mut exchange, "r");
    assert_eq!(exchange.next(), None);
    assert_eq!(began(&mut exchange, "s"), []);
    sounds(&mut exchange, "s");
    assert!(matches!(exchange.next(), Some(Next::Sound { .. })));
}

#[test]
fn a_server_that_finds_the_ends_of_turns_says_whose_it_found_and_responds_unasked() {
    let mut exchange = exchange(Turns::Servers);
    assert_eq!(exchange.going(), 1);
    exchange.begin();
    exchange.hear(&[0.1; 4_800]);
    comes(
        &mut exchange,
        json!({ "type": "input_audio_buffer.speech_stopped" }),
    );
    assert!(exchange.has_ended(exchange.going()));
    began(&mut exchange, "r");
    sounds(&mut exchange, "r");
    assert_eq!(exchange.commit(), []);
    assert_eq!(exchange.ask(), []);
    assert!(matches!(exchange.next(), Some(Next::Sound { .. })));
    // The next one is another one, and a response to the one before is not to it.
    exchange.begin();
    assert!(!exchange.has_ended(exchange.going()));
    exchange.commit();
    assert_eq!(kinds(&exchange.ask()), ["response.cancel"]);
}

#[test]
fn a_response_that_a_server_takes_back_unheard_is_waited_for_anew() {
    let mut exchange = exchange(Turns::Servers);
    question(&mut exchange);
    began(&mut exchange, "r");
    over(&mut exchange, "r", "cancelled");
    assert_eq!(exchange.next(), None);
    began(&mut exchange, "s");
    sounds(&mut exchange, "s");
    assert!(matches!(exchange.next(), Some(Next::Sound { .. })));
}

#[test]
fn what_goes_wrong_is_named() {
    let mut exchange = exchange(Turns::Ours);
    question(&mut exchange);
    comes(
        &mut exchange,
        json!({ "type": "error", "error": { "message": "No." } }),
    );
    assert_eq!(exchange.next(), Some(Next::Failed("No.".into())));
    for (status, says) in [
        ("cancelled", "turn_detected"),
        ("completed", "holds no sound"),
    ] {
        question(&mut exchange);
        began(&mut exchange, "r");
        over(&mut exchange, "r", status);
        let Some(Next::Failed(what)) = exchange.next() else {
            panic!("it failed");
        };
        assert!(what.contains(says), "{what}");
    }
}

#[test]
fn an_utterance_is_said_again_over_another_connection() {
    let mut exchange = exchange(Turns::Ours);
    exchange.begin();
    assert!(exchange.hear(&[0.1; 24_000]).is_some());
    exchange.connected();
    assert!(
        exchange.hear(&[0.1; 24_000]).is_none(),
        "all of it or nothing"
    );
    assert_eq!(exchange.commit(), []);
    let said = kinds(&exchange.ask());
    let append = "input_audio_buffer.append";
    let commit = "input_audio_buffer.commit";
    assert_eq!(said, [append, append, commit, "response.create"]);
}

#[test]
fn a_key_that_the_server_speaks_back_is_masked_however_it_is_cut() {
    let credentials = Credentials::of_texts("sk-SECRET", ("x", "header-KEY"));
    let client = RealtimeClient::default();
    let mut exchange = Exchange::new(client, Turns::Ours, Arc::new(credentials));
    exchange.connected();
    question(&mut exchange);
    began(&mut exchange, "r");
    for piece in ["It is sk-", "SECRET and heade", "r-KEY, sk-"] {
        let delta = json!({ "type": "response.output_audio_transcript.delta", "response_id": "r", "delta": piece });
        comes(&mut exchange, delta);
    }
    over(&mut exchange, "r", "completed");
    let words = exchange
        .response
        .as_ref()
        .map(|response| response.words.as_str());
    assert_eq!(words, Some("It is [key] and [key], sk-"));
}

#[test]
fn an_answer_that_was_heard_is_not_cut_off_by_what_becomes_of_the_next() {
    let mut exchange = exchange(Turns::Ours);
    answered(&mut exchange);
    exchange.reply_ended(ReplyEnd::Completed, 100 * MS);
    question(&mut exchange);
    assert_eq!(exchange.give_up(), []);
    let told = exchange.reply_ended(ReplyEnd::Superseded, Duration::ZERO);
    assert_eq!(told, []);
}

#[test]
fn a_server_that_finds_the_ends_of_turns_is_asked_once_more_for_a_response_that_failed() {
    let mut exchange = exchange(Turns::Servers);
    exchange.begin();
    exchange.hear(&[0.1; 4_800]);
    assert_eq!(kinds(&exchange.ask()), [""; 0], "it responds by itself");
    assert_eq!(kinds(&exchange.ask()), ["response.create"]);
}

#[test]
fn a_transcript_that_comes_late_is_of_the_turn_that_it_names() {
    let mut exchange = exchange(Turns::Ours);
    let committed = |item: &str| json!({ "type": "input_audio_buffer.committed", "item_id": item });
    let heard = |item: &str, words: &str| json!({ "type": "conversation.item.input_audio_transcription.completed", "item_id": item, "transcript": words });
    question(&mut exchange);
    comes(&mut exchange, committed("one"));
    question(&mut exchange);
    comes(&mut exchange, heard("one", "What was said before."));
    assert_eq!(exchange.understood(), None);
    comes(&mut exchange, committed("two"));
    comes(&mut exchange, heard("two", "What is said now."));
    assert_eq!(exchange.understood().as_deref(), Some("What is said now."));
}
