//! Answers as servers really send them: every form and oddity that is known of.

use super::test_answers::{Answered, asked, asked_on, streamed};
use crate::clock::Clock;
use crate::event::{Mark, Remark};
use crate::test_server::{
    DONE, Does, STOP, TestServer, chunk, end, json, piece, response, streaming,
};
use serde_json::json as value;

pub(super) const OPEN: &str = "We are open from nine until four.";

fn remarks(answered: &Answered) -> Vec<Remark> {
    let found = answered.events.iter().find_map(|event| match &event.mark {
        Mark::Exit { cost, .. } => cost.as_ref().map(|cost| cost.remarks),
        _ => None,
    });
    found.unwrap_or_default().iter().collect()
}

/// When the first mark of a kind was made, in milliseconds.
fn tick(answered: &Answered, is_meant: fn(&Mark) -> bool) -> f64 {
    let found = answered.events.iter().find(|event| is_meant(&event.mark));
    found.map(|event| event.tick.as_ms()).expect("a mark")
}

/// An event of this JSON.
pub(super) fn event(value: &serde_json::Value) -> String {
    format!("data: {value}\n\n")
}

pub(super) fn delta(delta: &serde_json::Value) -> String {
    event(&value!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
}

pub(super) fn finish(reason: &str) -> String {
    event(&value!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}

fn pieces() -> [String; 4] {
    ["We ", "are open ", "from nine ", "until four."].map(|text| delta(&value!({"content": text})))
}

pub(super) const END: &str = "data: [DONE]\n\n";

/// A stream of the usual pieces with these events among them: before all, in the middle, and at the end.
pub(super) fn around(before: &str, middle: &str, last: &str) -> String {
    let [a, b, c, d] = pieces();
    format!("{before}{a}{b}{middle}{c}{d}{last}")
}

fn sent(stream: &str) -> Answered {
    asked(streamed(&[stream.as_bytes()], end()))
}

#[test]
fn what_servers_send_around_an_answer_changes_nothing_of_it() {
    let usual = format!("{}{END}", finish("stop"));
    let role = delta(&value!({"role": "assistant", "content": ""}));
    let oddities = [
        "data:\n\n".to_owned(),
        "data: \n\n".to_owned(),
        ": keep-alive\n\n".to_owned(),
        "event: ping\ndata: {\"type\": \"ping\"}\n\n".to_owned(),
        "event: ping\ndata: now\n\n".to_owned(),
        "event: message\nid: 7\nretry: 3000\n".to_owned(),
        "event: metrics\ndata: {\"queue\": 3}\n\n".to_owned(),
        delta(&value!({"role": "assistant", "content": null})),
        event(&value!({"choices": [{"index": 0, "delta": null}]})),
        event(&value!({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]})),
        event(&value!({"choices": [], "usage": {"prompt_tokens": 5.0, "completion_tokens": 7.0}})),
        event(&value!({"choices": [{"index": 1, "delta": {"content": "WRONG"}}]})),
        "\u{feff}".to_owned(),
        role,
    ];
    for odd in &oddities {
        for stream in [
            around(odd, "", &usual),
            around("", odd, &usual),
            around("", "", &format!("{odd}{usual}")),
            around("", "", &format!("{}{odd}{END}", finish("stop"))),
        ] {
            let answered = sent(&stream);
            assert_eq!(answered.text(), OPEN, "{odd:?}");
            assert!(answered.result.is_ok(), "{odd:?}: {:?}", answered.result);
            assert!(remarks(&answered).is_empty(), "{odd:?}");
        }
    }
}

#[test]
fn an_answer_ends_in_any_of_the_ways_in_which_that_is_told() {
    let stop = finish("stop");
    for last in [
        stop.clone(),
        format!("{stop}data: [done]\n\n"),
        format!("{stop}data: \"[DONE]\"\n\n"),
        format!("{stop}data: [DONE]"),
        "data: [DONE]\n\n".to_owned(),
        event(&value!({"done": true, "response": ""})),
        event(&value!({"done": "True", "response": ""})),
        "event: done\ndata: {}\n\n".to_owned(),
    ] {
        let answered = sent(&around("", "", &last));
        assert_eq!(
            (answered.text().as_str(), answered.result.is_ok()),
            (OPEN, true),
            "{last:?}"
        );
        assert!(remarks(&answered).is_empty(), "{last:?}");
    }
    let untold = sent(&around("", "", ""));
    assert_eq!(
        (untold.text().as_str(), untold.result.is_ok()),
        (OPEN, true)
    );
    assert_eq!(remarks(&untold), [Remark::EndNotTold]);
}

#[test]
fn a_server_that_says_that_it_sends_something_else_is_read_all_the_same() {
    let stream = around("", "", &format!("{}{END}", finish("stop")));
    let single = stream.replace("\n\n", "\n");
    let lines = stream.replace("data: ", "").replace("\n\n", "\n");
    for kind in [
        "application/json",
        "text/plain; charset=utf-8",
        "application/octet-stream",
        "application/x-ndjson",
        "text/html",
    ] {
        for stream in [
            &stream,
            &single,
            &lines,
            &stream.replace('\n', "\r\n"),
            &stream.replace('\n', "\r"),
        ] {
            let does = vec![Does::Send(response("200 OK", kind, "", stream.as_bytes()))];
            let answered = asked(does);
            assert_eq!(answered.text(), OPEN, "{kind}");
            assert!(
                answered.result.is_ok() && remarks(&answered).is_empty(),
                "{kind}"
            );
        }
    }
}

#[test]
fn a_server_that_does_not_stream_is_spoken_and_told_of() {
    let message = value!({"role": "assistant", "content": OPEN});
    let whole = value!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    let ollama = value!({"message": message, "done": true, "done_reason": "stop"});
    let pretty = serde_json::to_string_pretty(&whole).expect("JSON");
    for body in [whole.to_string(), ollama.to_string(), pretty, event(&whole)] {
        let answered = asked(vec![Does::Send(json("200 OK", &body))]);
        assert_eq!(
            (answered.text().as_str(), answered.result.is_ok()),
            (OPEN, true),
            "{body}"
        );
        assert_eq!(remarks(&answered), [Remark::NotStreamed], "{body}");
    }
    // All of it again behind the pieces is no second answer.
    let answered = sent(&around("", "", &format!("{}{END}", event(&whole))));
    assert_eq!(
        (answered.text().as_str(), remarks(&answered)),
        (OPEN, vec![])
    );
}

#[test]
fn compressed_answers_are_read_and_not_asked_for() {
    use std::io::Write;
    let stream = around("", "", &format!("{}{END}", finish("stop")));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(stream.as_bytes()).expect("memory");
    let body = gzip.finish().expect("memory");
    let headers = "content-encoding: gzip\r\n";
    let does = vec![Does::Send(response(
        "200 OK",
        "text/event-stream",
        headers,
        &body,
    ))];
    let (answered, server) = asked_on(&Clock::virtual_time(1), does, "");
    assert_eq!(answered.text(), OPEN);
    assert_eq!(server.came().header("accept-encoding"), Some("identity"));
}

#[test]
fn what_cannot_be_understood_is_left_out_once_and_told_of() {
    let usual = format!("{}{END}", finish("stop"));
    for odd in [
        "data: : keepalive\n\n",
        "data: {broken\n\n",
        "nonsense\n\n",
        "data: \u{fffd}\n\n",
    ] {
        let answered = sent(&around("", odd, &usual));
        assert_eq!(
            (answered.text().as_str(), answered.result.is_ok()),
            (OPEN, true),
            "{odd:?}"
        );
        assert_eq!(remarks(&answered), [Remark::Skipped], "{odd:?}");
    }
}

#[test]
fn what_is_odd_about_an_answer_is_named() {
    for (stream, text, remark) in [
        (
            around("", "", &format!("{}{END}", finish("length"))),
            OPEN,
            Remark::CutAtLimit,
        ),
        (
            around("", "", &format!("{}{END}", finish("content_filter"))),
            OPEN,
            Remark::Filtered,
        ),
        (
            format!(
                "{}{}{END}",
                delta(&value!({"refusal": "I cannot."})),
                finish("stop")
            ),
            "I cannot.",
            Remark::Refused,
        ),
        (
            around(
                "",
                &delta(&value!({"tool_calls": [{"function": {"name": "hours"}}]})),
                &finish("tool_calls"),
            ),
            OPEN,
            Remark::CalledTool,
        ),
    ] {
        let answered = sent(&stream);
        assert_eq!(
            (answered.text().as_str(), remarks(&answered)),
            (text, vec![remark])
        );
    }
}

#[test]
fn an_answer_without_a_word_fails_and_says_what_came_instead() {
    let reasons = delta(&value!({"content": null, "reasoning_content": "Hm."}));
    let calls = delta(
        &value!({"tool_calls": [{"index": 0, "function": {"name": "hours", "arguments": ""}}]}),
    );
    for (stream, says) in [
        (
            format!("{reasons}{}{END}", finish("length")),
            "spent all of its tokens on reasoning and wrote no answer (finish_reason length); raise answer.max_tokens",
        ),
        (
            format!("{reasons}{}{END}", finish("stop")),
            "reasoned and wrote no answer",
        ),
        (
            format!("{calls}{}{END}", finish("tool_calls")),
            "called the tool \"hours\" in place of an answer",
        ),
        (
            format!("{}{END}", finish("content_filter")),
            "its content filter stopped it",
        ),
        (
            format!("{}{END}", finish("stop")),
            "ended its answer without a word (finish_reason stop)",
        ),
        (
            format!(
                "{}{}{END}",
                delta(&value!({"content": " \n"})),
                finish("stop")
            ),
            "without a word",
        ),
        (
            format!("{}{END}", finish("a \u{1b}[2Jwhim")),
            "ended its answer without a word (finish_reason a [2jwhim)",
        ),
        (END.to_owned(), "without a word"),
        (
            "<html>\n<head><title>nginx</title>\n".to_owned(),
            "sent a web page, “nginx”, in place of an answer; is that the address of an API? (answer.url)",
        ),
        (
            "Service ready".to_owned(),
            "sent no part of an answer: Service ready",
        ),
        (
            "data: {not json}\n\n".to_owned(),
            "sent no part of an answer: {not json}",
        ),
        ("{}".to_owned(), "sent no part of an answer: {}"),
        (
            String::new(),
            "closed the connection without an answer; is that the address",
        ),
    ] {
        let answered = sent(&stream);
        assert_eq!(answered.text(), "");
        let error = answered.error();
        assert!(error.contains(says), "{says}\nsaid: {error}");
    }
}

#[test]
fn an_error_in_any_form_is_the_reason_in_the_servers_words_behind_what_came() {
    for (error, says) in [
        (
            event(&value!({"error": {"message": "Rate limit reached", "code": 429}})),
            "Rate limit reached",
        ),
        (
            event(&value!({"error": "model not found"})),
            "model not found",
        ),
        (
            "event: error\ndata: {\"message\": \"upstream died\", \"code\": 502}\n\n".to_owned(),
            "upstream died",
        ),
        (
            "event: error\ndata: upstream died\n\n".to_owned(),
            "upstream died",
        ),
        (
            event(&value!({"object": "error", "message": "context length exceeded", "code": 400})),
            "context length exceeded",
        ),
        (
            event(&value!({"type": "error", "code": "400", "message": "not found"})),
            "not found",
        ),
        (
            event(&value!({"choices": [{"delta": {}, "finish_reason": "error"}]})),
            "finish_reason error",
        ),
    ] {
        for before in ["", &pieces()[0]] {
            let answered = sent(&format!("{before}{error}{END}"));
            assert_eq!(answered.text(), if before.is_empty() { "" } else { "We " });
            let said = answered.error();
            assert!(said.contains(&format!("reports: {says}")), "{said}");
        }
    }
    let body = "{\"error\":{\"message\":\"no \\u001b[2Jroom\u{202e}\"}}";
    let answered = asked(vec![Does::Send(json("200 OK", body))]);
    assert!(
        answered.error().ends_with("reports: no [2Jroom"),
        "{:?}",
        answered.error()
    );
    // Behind the model's last word nothing is lost by it.
    let late = event(&value!({"error": {"message": "usage cannot be counted"}}));
    let answered = sent(&around("", "", &format!("{}{late}{END}", finish("stop"))));
    assert_eq!(answered.text(), OPEN);
    assert!(answered.result.is_ok(), "{:?}", answered.result);
    assert_eq!(remarks(&answered), [Remark::Skipped]);
    // A proxy that gives up in words and not in JSON.
    let cut = sent(&format!("{}data: upstream connect error\n\n", pieces()[0]));
    assert_eq!(cut.text(), "We ");
    assert!(
        cut.error()
            .contains("in mid-answer, behind: upstream connect error"),
        "{}",
        cut.error()
    );
}

#[test]
fn a_server_that_refuses_a_key_is_asked_without_it_and_remembers_it() {
    let server = TestServer::by(|came| {
        let body = String::from_utf8_lossy(&came.body);
        if came.head.starts_with("GET") {
            return vec![Does::Send(json("200 OK", "{}"))];
        }
        if body.contains("\"max_tokens\"") {
            return vec![Does::Send(json(
                "400 Bad Request",
                "{\"error\":{\"message\":\"'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.\"}}",
            ))];
        }
        if body.contains("stream_options") {
            return vec![Does::Send(json(
                "422 Unprocessable",
                "{\"object\":\"error\",\"message\":{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs are not permitted\"}]}}",
            ))];
        }
        crate::test_server::answer(&["Yes."])
    });
    let clock = Clock::virtual_time(1);
    let mut stage = super::test_answers::engine(&server.url, "", &clock);
    clock.start();
    let mut ask = || {
        let question = super::test_answers::question("Why?");
        let answered = clock.block_on(super::test_answers::ask(&mut stage, question, &clock));
        answered.expect("it ends")
    };
    let first = ask();
    assert_eq!(
        (first.text().as_str(), remarks(&first)),
        ("Yes.", vec![Remark::AskedAgain])
    );
    let second = ask();
    assert_eq!((second.text().as_str(), remarks(&second)), ("Yes.", vec![]));
    for _ in 0..2 {
        assert!(String::from_utf8_lossy(&server.came().body).contains("stream_options"));
    }
    for _ in 0..2 {
        let body = server.came().body;
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("\"max_completion_tokens\":150") && !body.contains("stream_options"));
    }
}

#[test]
fn a_key_that_the_server_could_not_do_without_is_a_refusal() {
    let refusal = json(
        "400 Bad Request",
        "{\"error\":{\"message\":\"max_tokens is too large\"}}",
    );
    let answered = asked(vec![Does::Send(refusal)]);
    assert!(answered.error().contains("(400): max_tokens is too large"));
}

#[test]
fn a_connection_that_is_held_open_holds_no_answer() {
    let clock = Clock::real(1);
    for (last, ms) in [
        (Does::Hang, 30_000),
        (Does::Wait(20_000), 30_000),
        (Does::Hang, 50),
    ] {
        let settings = format!("between_tokens_timeout_ms = {ms}\n");
        let mut does = vec![streaming("text/event-stream")];
        does.push(Does::Send(chunk(
            around("", "", &finish("stop")).as_bytes(),
        )));
        does.push(last);
        let (answered, _) = asked_on(&clock, does, &settings);
        assert_eq!(
            (answered.text().as_str(), answered.result.is_ok()),
            (OPEN, true)
        );
        let over = tick(&answered, |mark| matches!(mark, Mark::Exit { .. }));
        assert!(over < 10_000.0, "over at {over} ms");
    }
}

#[test]
fn an_answer_that_comes_at_once_does_not_wait_for_the_end_of_its_connection() {
    let all = around("", "", &format!("{}{END}", finish("stop")));
    let answered = asked(streamed(&[all.as_bytes()], Does::Wait(90)));
    let spoken = tick(&answered, |mark| matches!(mark, Mark::Output { .. }));
    let over = tick(&answered, |mark| matches!(mark, Mark::Exit { .. }));
    assert!(
        over - spoken > 50.0,
        "spoken at {spoken} ms, over at {over} ms"
    );
}

#[test]
fn reasoning_is_no_part_of_the_answer_and_its_time_is_told() {
    for key in ["reasoning_content", "reasoning", "thinking"] {
        let thinks = delta(&value!({"content": null, key: "The caller asks about hours."}));
        let does = vec![
            streaming("text/event-stream"),
            Does::Send(chunk(thinks.as_bytes())),
            Does::Wait(400),
            Does::Send(chunk(around("", "", &finish("stop")).as_bytes())),
            end(),
        ];
        let answered = asked(does);
        assert_eq!(answered.text(), OPEN);
        let thought = answered.tokens().and_then(|tokens| tokens.reasoning_ns);
        assert!(thought.is_some_and(|ns| ns >= 40_000_000), "{thought:?}");
    }
    // An answer that comes whole does not tell how long it was reasoned about.
    let message = value!({"content": OPEN, "reasoning_content": "Hm."});
    let whole = value!({"choices": [{"message": message, "finish_reason": "stop"}]});
    let whole = asked(vec![Does::Send(json("200 OK", &whole.to_string()))]);
    assert_eq!(whole.text(), OPEN);
    assert_eq!(whole.tokens().and_then(|tokens| tokens.reasoning_ns), None);
    let plain = asked(streamed(&[&piece("Yes."), STOP, DONE], end()));
    assert_eq!(plain.tokens().and_then(|tokens| tokens.reasoning_ns), None);
}
