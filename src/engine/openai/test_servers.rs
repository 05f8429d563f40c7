//! Servers that refuse, want keys, speak no TLS or do not answer, on either clock.

use super::test_answers::{
    ask, asked, asked_on, built, clocks, engine, question, refused, scenario, streamed,
};
use crate::clock::Clock;
use crate::event::{Mark, SessionId, StageName, TurnId};
use crate::record::tap::Tap;
use crate::stage::{Again, Identified, OUTPUTS_WAITING_MAX, Outlet, Piece, StageError, queue};
use crate::test_server::{Came, DONE, Does, TestServer, answer, end, json, piece, response};
use std::time::Duration;

#[test]
fn slow_headers_only_take_their_time() {
    let mut does = vec![Does::Wait(50)];
    does.extend(answer(&["Yes."]));
    for clock in clocks() {
        let (answered, _) = asked_on(&clock, does.clone(), "");
        assert_eq!(answered.text(), "Yes.");
        let first = answered.events.iter().find_map(|event| match event.mark {
            Mark::Output { .. } => Some(event.tick),
            _ => None,
        });
        assert!(first.is_some_and(|at| at.as_ms() >= 50.0));
    }
}

#[test]
fn refusals_say_what_to_do_and_when_to_ask_again() {
    let refuse = |status: &str, headers: &str, body: &str| {
        asked(vec![Does::Send(response(
            status,
            "application/json",
            headers,
            body.as_bytes(),
        ))])
    };
    let message = "{\"error\":{\"message\":\"no\"}}";
    let later = |ms| Again::NotBefore(Duration::from_millis(ms));
    for (status, headers, says, expected) in [
        (
            "429 Too Many Requests",
            "retry-after: 2\r\n",
            "refuses the request (429): no",
            later(2_000),
        ),
        (
            "429 Too Many Requests",
            "retry-after-ms: 70\r\n",
            "(429)",
            later(70),
        ),
        ("503 Service Unavailable", "", "(503)", later(0)),
        ("500 Internal Server Error", "", "(500)", later(0)),
        ("400 Bad Request", "", "(400): no", Again::Never),
        (
            "401 Unauthorized",
            "",
            "wants a key (401): no; put it into an environment variable, and name that: answer.key_env",
            Again::Never,
        ),
        (
            "404 Not Found",
            "",
            "nothing at /chat/completions, or no model \"m\" (404): no; correct answer.url or answer.model",
            Again::Never,
        ),
        (
            "302 Found",
            "location: http://example.com/v1\r\n",
            "points to http://example.com/v1 (302), which is not followed",
            Again::Never,
        ),
    ] {
        let answered = refuse(status, headers, message);
        let Err(StageError::Refused { error, again }) = &answered.result else {
            panic!("refused, not {:?}", answered.result);
        };
        assert!(error.contains(says), "{says}\nsaid: {error}");
        assert_eq!(*again, expected, "{status}");
    }
    let endless = refuse("500 Internal Server Error", "", &"x".repeat(1 << 20));
    assert!(endless.error().chars().count() < 450, "{}", endless.error());
}

#[test]
fn where_nobody_listens_the_error_names_the_address_and_the_cure() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    drop(listener);
    let error = refused(&url, "");
    assert!(
        error.contains(&format!("no server answers at {url}")),
        "{error}"
    );
    assert!(
        error.contains("ollama serve") && error.contains("answer.url"),
        "{error}"
    );
    // Somebody else answers then, so it is only a note.
    let clock = Clock::virtual_time(1);
    let with_fallback = scenario(
        &url,
        "[cure.answer]\nfallback = { engine = \"simulated\" }\n",
    );
    let built = built(&with_fallback, &clock).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        built
            .note
            .is_some_and(|note| note.contains("no server answers"))
    );
}

#[test]
fn a_key_is_only_in_the_header_and_never_in_what_is_said() {
    // Set by the test's own process, under a name that nothing else reads.
    let Some((name, key)) = std::env::vars().find(|(name, value)| {
        value.len() > 8 && value.chars().all(|c| c.is_ascii_graphic()) && !name.contains('-')
    }) else {
        return;
    };
    let server = TestServer::start(vec![vec![Does::Send(json(
        "401 Unauthorized",
        &serde_json::json!({"error": format!("bad key {key}, {key}")}).to_string(),
    ))]]);
    let clock = Clock::virtual_time(1);
    let mut stage = engine(&server.url, &format!("key_env = \"{name}\"\n"), &clock);
    let answered = clock
        .block_on(ask(&mut stage, question("Why is that?"), &clock))
        .expect("it ends");
    let error = answered.error();
    assert!(
        !error.contains(&key) && error.contains("bad key [key], [key]"),
        "{error}"
    );
    assert!(error.contains(&name), "{error}");
    let head = server.came().head;
    assert!(head.contains(&format!("Bearer {key}")));
}

#[test]
fn a_server_that_wants_a_key_says_so_at_the_start_and_one_that_only_lists_no_models_does_not() {
    let greeted = |status| {
        TestServer::greeting(
            json(status, "{\"error\":\"who are you?\"}"),
            vec![answer(&["Yes."])],
        )
    };
    let server = greeted("401 Unauthorized");
    let error = refused(&server.url, "");
    assert!(
        error.contains("wants a key (401): who are you?") && error.contains("answer.key_env"),
        "{error}"
    );
    for status in [
        "403 Forbidden",
        "404 Not Found",
        "500 Internal Server Error",
    ] {
        let server = greeted(status);
        let clock = Clock::virtual_time(1);
        let mut stage = engine(&server.url, "", &clock);
        let answered = clock
            .block_on(ask(&mut stage, question("Why is that?"), &clock))
            .expect("it ends");
        assert_eq!(answered.text(), "Yes.");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_server_that_speaks_no_tls_is_told_apart_from_one_that_does() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    // Hangs up on whoever calls.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let error = refused(&format!("https://{address}/v1"), "");
    assert!(
        error.contains("no server answers at https://127.0.0.1"),
        "{error}"
    );
}

#[test]
fn a_key_that_is_not_there_is_named() {
    let server = TestServer::start(vec![]);
    let error = refused(&server.url, "key_env = \"VOICESIM_NO_SUCH_KEY\"\n");
    assert!(
        error.contains("answer.key_env: the environment variable VOICESIM_NO_SUCH_KEY is not set"),
        "{error}"
    );
}

#[test]
fn a_base_model_continues_a_text() {
    let server = TestServer::start(vec![streamed(
        &[
            b"data: {\"choices\":[{\"text\":\" Because\"}]}\n\n",
            b"data: {\"choices\":[{\"text\":\".\",\"finish_reason\":\"stop\"}]}\n\n",
            DONE,
        ],
        end(),
    )]);
    let clock = Clock::virtual_time(1);
    let mut stage = engine(&server.url, "api = \"completions\"\n", &clock);
    let answered = clock
        .block_on(ask(&mut stage, question("Why is that?"), &clock))
        .expect("it ends");
    assert_eq!(answered.text(), "Because.");
    let Came { head, body, .. } = server.came();
    assert!(head.starts_with("POST /v1/completions "));
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert!(
        body["prompt"]
            .as_str()
            .is_some_and(|prompt| prompt.ends_with("Question: Why is that?\nAnswer:"))
    );
}

#[test]
fn in_real_time_whoever_drops_the_work_closes_the_connection() {
    let clock = Clock::real(1);
    let server = TestServer::start(vec![streamed(&[&piece("One ")], Does::Hang)]);
    let mut stage = engine(&server.url, "", &clock);
    clock.start();
    clock
        .block_on(async {
            let tap = Tap::new(clock.clone(), SessionId(0), None);
            let (sender, mut received) = queue::channel(OUTPUTS_WAITING_MAX);
            let asked = question("Why is that?");
            let mut out = Outlet::new(
                tap.visit(TurnId(1), StageName::Answer, asked.identity()),
                sender,
            );
            tokio::select! {
                biased;
                _ = stage.handle(asked, &mut out) => panic!("it never ends"),
                piece = received.recv() => assert_eq!(piece, Some(Piece("One ".into()))),
            }
        })
        .expect("it ends");
    server.saw_close();
}
