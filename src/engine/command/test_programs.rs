//! Programs that do their work, and some that do not.

use super::line::Line;
use super::program::{Program, Then};
use super::{BASE64, SAMPLE_RATE, from_16_bit, to_16_bit};
use crate::event::{Remark, Remarks};
use crate::scenario::engine::Program as Asked;
use base64::Engine;
use serde_json::json;
use std::time::Duration;

fn program(script: &str, timeout_ms: u64) -> Program {
    Program::of(&Asked {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        first_timeout: Duration::from_millis(timeout_ms),
        next_timeout: Duration::from_millis(timeout_ms),
        timeout: Duration::from_millis(2 * timeout_ms),
    })
}

/// What a program answers to the next request: texts, then the error if there was one.
fn ask(program: &mut Program) -> (Vec<String>, Remarks) {
    let mut texts = Vec::new();
    let result = program.exchange(json!({"type": "answer"}), |line: Line| {
        texts.extend(line.text);
        Ok(Then::GoOn)
    });
    let remarks = result.as_ref().copied().unwrap_or_default();
    texts.extend(result.err().map(|error| error.to_string()));
    (texts, remarks)
}

fn texts(script: &str) -> Vec<String> {
    ask(&mut program(script, 10_000)).0
}

fn error(script: &str) -> String {
    texts(script).pop().unwrap_or_default()
}

#[test]
fn pieces_come_until_done_which_may_be_in_the_last_of_them() {
    let script = r#"read -r line; echo '{"text":"a "}'; echo '{"text":"b"}'; echo '{"done":true}'"#;
    assert_eq!(texts(script), ["a ", "b"]);
    let script = r#"read -r line; echo '{"text":"a "}'; echo '{"text":"b","done":true}'"#;
    assert_eq!(texts(script), ["a ", "b"]);
}

#[test]
fn what_comes_when_nothing_is_asked_begins_no_other_answer() {
    let script = r#"while read -r line; do echo '{"text":"a","done":true}'; echo '{"text":"late"}'; echo 'log'; done"#;
    let mut program = program(script, 10_000);
    assert_eq!(
        ask(&mut program),
        (vec!["a".to_owned()], Remarks::default())
    );
    // A moment is what a program takes to write a line.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(
        ask(&mut program),
        (vec!["a".to_owned()], Remark::Late.into())
    );
}

#[test]
fn a_line_that_names_another_request_is_left_out_however_late_it_comes() {
    let script = r#"read -r line; echo '{"id":1,"text":"a","done":true}'; read -r line; echo '{"id":1,"text":"late","done":true}'; echo '{"id":2,"text":"b","done":true}'"#;
    let mut program = program(script, 10_000);
    assert_eq!(ask(&mut program).0, ["a"]);
    assert_eq!(ask(&mut program).0, ["b"]);
}

#[test]
fn what_goes_wrong_is_said_with_the_line_or_the_end() {
    let reports = error(r#"read -r line; echo '{"error":{"message":"no key"}}'"#);
    assert!(reports.contains("it reports: no key"), "{reports}");
    let log = error("echo 'Loading weights... done'; read -r line; echo '{\"done\":true}'");
    let says = "line 1 of its output is no answer, which is a JSON object: Loading weights... done; only answers belong on standard output, and logs on standard error";
    assert!(log.contains(says), "{log}");
    let third = error("read -r line; echo; echo '{\"text\":\"a\"}'; printf \"{'text': 'b'}\\n\"");
    assert!(
        third.contains("line 3 of its output is no answer"),
        "{third}"
    );
    assert!(third.contains("{'text': 'b'}"), "{third}");
    let ended = error("read -r line; echo 'Traceback: boom' >&2; exit 3");
    let says = "it ended (exit status: 3), its last words on standard error: Traceback: boom";
    assert!(ended.contains(says), "{ended}");
    let closed = error("read -r line; exec >&-; sleep 9");
    assert!(
        closed.contains("closed its standard output and goes on"),
        "{closed}"
    );
}

#[test]
fn a_program_that_ends_at_once_or_is_not_there_cannot_be_had() {
    let ended = program("exit 3", 10_000)
        .start_and_look(Duration::from_secs(10))
        .expect_err("it ended");
    assert!(
        ended.contains("it ended (exit status: 3) before anything was asked"),
        "{ended}"
    );
    let mut missing = Program::of(&Asked {
        program: "/nonexistent".into(),
        arguments: Vec::new(),
        first_timeout: Duration::ZERO,
        next_timeout: Duration::ZERO,
        timeout: Duration::ZERO,
    });
    let error = missing
        .start_and_look(Duration::ZERO)
        .expect_err("no such program");
    assert!(error.contains("/nonexistent cannot be started"), "{error}");
}

#[test]
fn a_program_that_reports_an_error_goes_on_and_one_that_never_says_done_is_told_how() {
    let script = r#"n=0; while read -r line; do n=$((n+1)); case $n in 1) echo '{"error":"quota"}';; 2) echo "{\"text\":\"$n\",\"done\":true}";; *) echo '{"text":"a"}';; esac; done"#;
    let mut program = program(script, 100);
    assert_eq!(ask(&mut program).0, ["the command sh: it reports: quota"]);
    assert_eq!(ask(&mut program).0, ["2"]);
    let open = ask(&mut program).0;
    assert!(
        open[1].contains("no line came for 100 ms in mid-answer (between_tokens_timeout_ms); the last line has \"done\""),
        "{open:?}"
    );
}

#[test]
fn a_program_that_serves_one_request_is_started_for_each() {
    let mut once = program(r#"read -r line; echo '{"text":"a","done":true}'"#, 10_000);
    for _ in 0..3 {
        assert_eq!(ask(&mut once).0, ["a"]);
    }
}

#[test]
fn a_program_that_does_not_end_its_answer_is_given_up() {
    let silent = ask(&mut program("read -r line; sleep 9", 60)).0;
    assert!(
        silent[0].contains("no line came within 60 ms (first_token_timeout_ms)"),
        "{silent:?}"
    );
    let endless = r#"read -r line; while :; do echo '{}'; sleep 0.02; done"#;
    let endless = ask(&mut program(endless, 100)).0;
    assert!(
        endless[0].contains("not done within 200 ms (timeout_ms)"),
        "{endless:?}"
    );
    let long = r#"read -r line; head -c 17000000 /dev/zero | tr '\0' x; echo"#;
    assert!(error(long).contains("a line is longer than 16 MiB"));
}

#[test]
fn a_program_that_reads_slowly_and_logs_much_is_still_read() {
    // More than a pipe holds goes to each of its three ends before it reads what it is asked.
    let script = r#"head -c 300000 /dev/zero | tr '\0' x >&2; i=0; while [ $i -lt 3000 ]; do echo '{"text":"0123456789012345678901234567890123456789"}'; i=$((i+1)); done; read -r line; echo '{"done":true}'"#;
    let mut program = program(script, 20_000);
    let mut pieces = 0;
    let request = json!({"type": "answer", "question": "x".repeat(1 << 20)});
    let done = program.exchange(request, |line| {
        pieces += usize::from(line.text.is_some());
        Ok(Then::GoOn)
    });
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(pieces, 3_000);
}

#[test]
fn all_that_a_program_started_ends_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    let script = format!(
        "sleep 60 & echo $! >{}; read -r line; echo '{{\"done\":true}}'; read -r line",
        file.display()
    );
    let mut program = program(&script, 10_000);
    assert!(ask(&mut program).0.is_empty());
    let pid = std::fs::read_to_string(&file).expect("a number");
    let runs = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // A process that nobody waits for stays as a zombie.
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    if !std::path::Path::new("/proc/self").exists() {
        return;
    }
    assert!(runs());
    drop(program);
    for _ in 0..100 {
        if !runs() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the sleeper goes on");
}

#[test]
fn audio_comes_back_as_it_went() {
    let bytes: Vec<u8> = [0.5f32, -0.25, 1.0]
        .iter()
        .flat_map(|s| to_16_bit(*s).to_le_bytes())
        .collect();
    let samples = from_16_bit(&BASE64.encode(bytes), SAMPLE_RATE).expect("samples");
    for (sample, expected) in samples.iter().zip([0.5, -0.25, 1.0]) {
        assert!((sample - expected).abs() < 1e-3);
    }
    assert!(from_16_bit("no base64!", SAMPLE_RATE).is_err());
    assert!(from_16_bit("AAAA", 3).is_err());
}
