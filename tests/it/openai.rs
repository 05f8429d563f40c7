//! Conversations with a language model on a server that does as it is told: what comes of it, what the server
//! sees, and that a key is nowhere.

use crate::support::server::{
    DONE, Does, TestServer, answer, chunk, json, piece, response, streaming,
};
use crate::support::{command, fixture, stderr, stdout};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use voicesim::event::{Mark, Metric, ReplyEnd, ResilienceStep, StageName};
use voicesim::measure::Outcome;
use voicesim::record::store::KeepAudio;
use voicesim::run::{Finished, Run, Time};
use voicesim::scenario::{self, Scenario};

/// A recogniser that always hears the same, and a voice that only takes its time.
const ENDS: &str = "[stt]\nengine = \"command\"\ncommand = [\"sh\", \"-c\", '''while read -r line; do echo '{\"text\":\"How fast should it reply?\"}'; echo '{\"done\":true}'; done''']\n[tts]\nengine = \"simulated\"\n[speculation]\nenabled = false\n";

fn turn(recording: &str, keys: &str) -> String {
    let recording = fixture(recording);
    format!("[[turn]]\nwav = \"{}\"\n{keys}\n", recording.display())
}

fn asks(server: &TestServer, settings: &str) -> String {
    format!(
        "[answer]\nengine = \"openai\"\nurl = \"{}\"\nmodel = \"m\"\n{settings}",
        server.url
    )
}

fn scenario(turns: &[String], settings: &str) -> Scenario {
    let toml = turns.concat() + ENDS + settings;
    scenario::parse(Path::new("test.toml"), &toml).unwrap_or_else(|error| panic!("{error}"))
}

fn run(time: Time, scenario: Scenario) -> (Finished, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run::of(scenario)
        .in_time(time)
        .keep_in(folder.path().to_owned(), KeepAudio::Yes)
        .run();
    (run.unwrap_or_else(|error| panic!("{error}")), folder)
}

fn cures(run: &Finished) -> Vec<ResilienceStep> {
    let cured = |mark: &Mark| match mark {
        Mark::Cured { by, .. } => Some(*by),
        _ => None,
    };
    run.events
        .iter()
        .filter_map(|event| cured(&event.mark))
        .collect()
}

fn one_question() -> Vec<String> {
    vec![turn("piper-graphics.wav", "")]
}

/// A refusal of this kind.
fn refusal(status: &str, headers: &str) -> Vec<Does> {
    vec![Does::Send(response(
        status,
        "application/json",
        headers,
        b"{\"error\":\"no\"}",
    ))]
}

#[test]
fn a_language_model_answers_on_both_clocks_and_its_hops_add_up() {
    for time in [Time::Real, Time::Virtual] {
        let server = TestServer::start(vec![answer(&["It should ", "reply ", "within a second."])]);
        let (run, _folder) = run(time, scenario(&one_question(), &asks(&server, "")));
        let row = &run.measured.rows[0];
        assert_eq!(
            (row.outcome, &*row.said),
            (Outcome::Answered, "It should reply within a second.")
        );
        assert_eq!(Some(row.hops.sum()), row.e2e_ns);
        let pace = run.measured.writing.pace().expect("a model wrote");
        assert_eq!((pace.answers, pace.tokens_written), (1, 3));
        let notes = run.header.notes.join("\n");
        assert_eq!(
            notes.contains("in virtual time a server's answer"),
            time == Time::Virtual
        );
        assert!(run.header.engines["answer"].starts_with("language model m at http://127.0.0.1"));
    }
}

#[test]
fn the_server_sees_at_once_that_a_caller_who_interrupts_wants_no_more() {
    let one = streaming("text/event-stream");
    let begins = vec![
        one,
        Does::Send(chunk(&piece(
            "This goes on and on, and on, and on, and on, and on, and on. And it never ",
        ))),
        Does::Hang,
    ];
    let server = TestServer::start(vec![begins, answer(&["Alright."])]);
    let keys = "expect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 500";
    let turns = [
        turn("piper-graphics.wav", ""),
        turn("piper-average.wav", keys),
    ];
    let (run, _folder) = run(Time::Real, scenario(&turns, &asks(&server, "")));
    let stopped = |mark: &Mark| {
        matches!(
            mark,
            Mark::ReplyEnded {
                end: ReplyEnd::Stopped,
                ..
            }
        )
    };
    assert!(run.events.iter().any(|event| stopped(&event.mark)));
    server.saw_close();
    // What was heard of it goes along with what is asked next.
    server.came();
    let body: serde_json::Value = serde_json::from_slice(&server.came().body).expect("JSON");
    let heard = body["messages"][2]["content"].as_str().expect("a text");
    assert!(
        heard.starts_with("This goes on") && !heard.contains("never"),
        "{heard}"
    );
}

#[test]
fn who_is_told_when_to_ask_again_asks_then_and_not_at_all_if_it_is_of_no_use() {
    let cure = "[cure.answer]\nretries = 2\nback_off_ms = 0\nback_off_max_ms = 5000\n";
    let server = TestServer::start(vec![
        refusal("429 Too Many Requests", "retry-after-ms: 700\r\n"),
        refusal("500 Internal Server Error", ""),
        answer(&["Here you are."]),
    ]);
    let (patient, _folder) = run(
        Time::Virtual,
        scenario(&one_question(), &asks(&server, cure)),
    );
    assert_eq!(
        cures(&patient),
        [ResilienceStep::Retried, ResilienceStep::Retried]
    );
    assert_eq!(&*patient.measured.rows[0].said, "Here you are.");
    let ttft = patient.measured.metrics[&Metric::LlmTtft]
        .answered()
        .summary()
        .expect("answered");
    assert!(ttft.mean_ms >= 700.0, "{}", ttft.mean_ms);
    let server = TestServer::start(vec![refusal("404 Not Found", ""), answer(&["Never."])]);
    let (hopeless, _folder) = run(
        Time::Virtual,
        scenario(&one_question(), &asks(&server, cure)),
    );
    assert_eq!(
        (cures(&hopeless), hopeless.measured.rows[0].outcome),
        (vec![], Outcome::Failed)
    );
}

#[test]
fn a_model_that_fails_is_apologised_for_and_the_documents_answer() {
    let server = TestServer::start(vec![refusal("500 Internal Server Error", "")]);
    let cure = "[cure.answer]\napology = \"Sorry, I have to look that up.\"\nfallback = { engine = \"retrieval\" }\n";
    let (run, _folder) = run(
        Time::Virtual,
        scenario(&one_question(), &asks(&server, cure)),
    );
    let row = &run.measured.rows[0];
    assert_eq!(
        (cures(&run), row.outcome),
        (vec![ResilienceStep::FellBack], Outcome::Answered)
    );
    assert!(
        row.said.starts_with("Sorry, I have to look that up. "),
        "{}",
        row.said
    );
    assert!(row.said.len() > 60, "{}", row.said);
}

#[test]
fn a_second_request_is_made_beside_one_that_takes_long() {
    let server = TestServer::start(vec![vec![Does::Hang], answer(&["The second."])]);
    let settings = "first_token_timeout_ms = 3000\n[cure.answer]\nhedge_after_ms = 50\n";
    for time in [Time::Real, Time::Virtual] {
        let (run, _folder) = run(time, scenario(&one_question(), &asks(&server, settings)));
        assert_eq!(&*run.measured.rows[0].said, "The second.");
        if time == Time::Real {
            assert_eq!(
                cures(&run),
                [ResilienceStep::Hedged, ResilienceStep::HedgeWon]
            );
            server.saw_close();
        }
    }
}

#[test]
fn faults_strike_a_language_model_as_any_other_engine() {
    let server = TestServer::start(vec![answer(&["Here ", "you ", "are."])]);
    let fault = "[[fault]]\nstage = \"answer\"\ndelay_ms = 800\n";
    let (run, _folder) = run(
        Time::Virtual,
        scenario(&one_question(), &asks(&server, fault)),
    );
    let ttft = run.measured.metrics[&Metric::LlmTtft]
        .answered()
        .summary()
        .expect("answered");
    assert!(ttft.mean_ms >= 800.0, "{}", ttft.mean_ms);
}

#[test]
fn the_recogniser_and_the_voice_may_be_on_a_server_too() {
    let text = vec![Does::Send(json(
        "200 OK",
        "{\"text\":\"How fast should it reply?\"}",
    ))];
    let stt = TestServer::start(vec![text]);
    let second = response("200 OK", "audio/pcm", "", &[10; 48_000]);
    let tts = TestServer::start(vec![vec![Does::Send(second)]]);
    let table = |table, server: &TestServer| {
        format!(
            "[{table}]\nengine = \"openai\"\nurl = \"{}\"\nmodel = \"m\"\n",
            server.url
        )
    };
    let toml = one_question().concat() + &table("stt", &stt) + &table("tts", &tts);
    let asks = scenario::parse(Path::new("test.toml"), &toml).expect("a scenario");
    let (run, _folder) = run(Time::Virtual, asks);
    let row = &run.measured.rows[0];
    assert_eq!(
        (row.outcome, &*row.heard),
        (Outcome::Answered, "How fast should it reply?")
    );
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(toml: &str) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.toml"), toml).expect("written");
        Place { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

const KEY: &str = "sk-this-is-the-secret-0123456789";

fn with_key(arguments: &[&str]) -> Output {
    command(arguments)
        .env("VOICESIM_MODELS", "/nonexistent/models")
        .env("VOICESIM_TEST_KEY", KEY)
        .output()
        .expect("voicesim runs")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn a_key_goes_into_the_header_of_a_request_and_nowhere_else() {
    let echo = serde_json::json!({"error": {"message": format!("Incorrect API key: {KEY}")}});
    for script in [
        answer(&["Here you are."]),
        vec![Does::Send(json("401 Unauthorized", &echo.to_string()))],
        vec![
            streaming("text/event-stream"),
            Does::Send(chunk(format!("data: {echo}\n\n").as_bytes())),
        ],
        vec![
            streaming("text/event-stream"),
            Does::Send(chunk(format!("data: {KEY}\n\n").as_bytes())),
        ],
    ] {
        let server = TestServer::start(vec![script]);
        let toml =
            one_question().concat() + ENDS + &asks(&server, "key_env = \"VOICESIM_TEST_KEY\"\n");
        let place = Place::new(&toml);
        let (toml, out) = (place.path("a.toml"), place.path("run"));
        let output = with_key(&["run", &toml, "--clock", "virtual", "--out", &out, "-vv"]);
        assert!(server.came().head.contains(&format!("Bearer {KEY}")));
        assert!(
            !(stdout(&output) + &stderr(&output)).contains(KEY),
            "{}",
            stderr(&output)
        );
        let kept = files(Path::new(&out));
        assert!(kept.len() > 3, "{}", stderr(&output));
        for file in kept {
            let bytes = fs::read(&file).expect("readable");
            let holds = bytes
                .windows(KEY.len())
                .any(|bytes| bytes == KEY.as_bytes());
            assert!(!holds, "{} holds the key", file.display());
        }
    }
}

#[test]
fn a_wrong_key_is_told_at_the_start_with_the_variable_that_holds_it() {
    let place = Place::new(
        &(one_question().concat()
            + ENDS
            + "[answer]\nengine = \"openai\"\nurl = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\nkey_env = \"VOICESIM_NO_KEY\"\n"),
    );
    let toml = place.path("a.toml");
    let out = place.path("run");
    let commands: [&[&str]; 3] = [
        &["check", &toml],
        &["check", "--offline", &toml],
        &["run", &toml, "--out", &out],
    ];
    for command in commands {
        let output = with_key(command);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("VOICESIM_NO_KEY is not set"), "{said}");
    }
}

#[test]
fn a_run_is_repeated_without_the_server_unless_something_else_is_asked() {
    let server = TestServer::start(vec![answer(&["It should ", "reply soon."])]);
    let toml =
        one_question().concat() + ENDS + &asks(&server, "max_tokens = 50\ntimeout_ms = 9000\n");
    let place = Place::new(&toml);
    let (first, again) = (place.path("first"), place.path("again"));
    let output = with_key(&[
        "run",
        &place.path("a.toml"),
        "--clock",
        "virtual",
        "--out",
        &first,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains(" tokens in 1 answers"),
        "{}",
        stdout(&output)
    );
    drop(server);
    let output = with_key(&["run", "--recorded", &first, "--out", &again]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for file in ["events.jsonl", "conversation.wav"] {
        let read = |run: &str| fs::read(Path::new(run).join(file)).expect("a file");
        assert!(read(&first) == read(&again), "{file} differs");
    }
    for (from, to, code) in [
        ("max_tokens = 50", "max_tokens = 51", 2),
        ("timeout_ms = 9000", "timeout_ms = 8000", 0),
    ] {
        let other = place.path("other.toml");
        fs::write(&other, toml.replace(from, to)).expect("written");
        let output = with_key(&[
            "run",
            &other,
            "--recorded",
            &first,
            "--out",
            &place.path(to),
        ]);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert_eq!(
            stderr(&output).contains("answer.max_tokens is not what it was"),
            code == 2
        );
    }
}

#[test]
fn a_cancelled_answer_costs_what_came_of_it_and_no_more() {
    // On a virtual clock it was read to its end; the record shows a cancelled visit all the same.
    let long = "This goes on and on, and on, and on, and on, and on, and on, and on, and on. ";
    let server = TestServer::start(vec![answer(&[long; 20])]);
    let keys = "expect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 500";
    let turns = [
        turn("piper-graphics.wav", ""),
        turn("piper-wait-stop.wav", keys),
    ];
    let (run, _folder) = run(Time::Virtual, scenario(&turns, &asks(&server, "")));
    let ends = run.events.iter().filter_map(|event| match &event.mark {
        Mark::Exit {
            stage: StageName::Answer,
            end,
            ..
        } => Some(end.clone()),
        _ => None,
    });
    assert!(ends.count() >= 1);
    assert!(run.measured.rows[0].said.starts_with("This goes on"));
}

#[test]
fn what_a_server_says_went_wrong_and_what_was_odd_stand_in_the_turn_and_the_report() {
    let event = |value: serde_json::Value| format!("data: {value}\n\n").into_bytes();
    let streamed = |events: &[Vec<u8>]| {
        let mut does = vec![streaming("text/event-stream")];
        does.push(Does::Send(chunk(&events.concat())));
        does.push(Does::Send(b"0\r\n\r\n".to_vec()));
        does
    };
    let error = serde_json::json!({"object": "error", "message": "no \u{1b}[2Jmemory left"});
    let cut = serde_json::json!({"choices": [{"delta": {}, "finish_reason": "length"}]});
    let server = TestServer::start(vec![
        streamed(&[event(error.clone())]),
        streamed(&[piece("It should reply within"), event(cut.clone())]),
        streamed(&[event(error)]),
        streamed(&[piece("It should reply within"), event(cut)]),
    ]);
    let turns = [
        turn("piper-graphics.wav", ""),
        turn(
            "piper-graphics.wav",
            "after = \"previous_turn_end\"\ndelay_ms = 3000",
        ),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scenario.toml");
    fs::write(&file, turns.concat() + ENDS + &asks(&server, "")).expect("written");
    let file = file.display().to_string();
    let run = |more: &[&str]| {
        let mut arguments = vec!["run", &file, "--clock", "virtual", "--no-audio"];
        arguments.extend(more);
        let out = folder.path().join(format!("out{}", more.len()));
        let output = command(&arguments).arg("--out").arg(out).output();
        stdout(&output.expect("voicesim runs"))
    };
    let text = run(&[]);
    assert!(
        text.contains("failed the server at http://127.0.0.1"),
        "{text}"
    );
    assert!(text.contains("reports: no [2Jmemory left"), "{text}");
    assert!(text.contains("note   the answer is cut"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&run(&["--json"])).expect("JSON");
    let error = json["detail"][0]["error"].as_str().expect("an error");
    assert!(error.ends_with("reports: no [2Jmemory left"), "{error}");
    assert_eq!(
        json["detail"][1]["remarks"],
        serde_json::json!(["cut_at_limit"])
    );
    assert_eq!(json["remarks"]["cut_at_limit"], 1);
}

#[test]
fn reasoning_in_a_field_of_its_own_is_in_the_metric_reasoning() {
    let thinks = serde_json::json!({"choices": [{"delta": {"reasoning_content": "Hm."}}]});
    let server = TestServer::start(vec![vec![
        streaming("text/event-stream"),
        Does::Send(chunk(format!("data: {thinks}\n\n").as_bytes())),
        Does::Wait(400),
        Does::Send(chunk(&piece("It should reply within a second."))),
        Does::Send(chunk(DONE)),
        Does::Send(b"0\r\n\r\n".to_vec()),
    ]]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scenario.toml");
    let scenario = turn("piper-graphics.wav", "") + ENDS + &asks(&server, "");
    fs::write(&file, scenario).expect("written");
    let file = file.display().to_string();
    let output = command(&["run", &file, "--clock", "virtual", "--no-audio", "--json"])
        .arg("--out")
        .arg(folder.path().join("out"))
        .output();
    let output = stdout(&output.expect("voicesim runs"));
    let json: serde_json::Value = serde_json::from_str(&output).expect("JSON");
    let reasoning = &json["metrics"]["reasoning"];
    assert_eq!(reasoning["count"], 1, "{reasoning}");
    let [took, answer] = [&reasoning["max_ms"], &json["hops"]["answer"]["max_ms"]]
        .map(|ms| ms.as_f64().expect("milliseconds"));
    // The connection may pass the thought on late, but never the answer early.
    assert!((300.0..=answer).contains(&took), "{took} ms of {answer} ms");
}
