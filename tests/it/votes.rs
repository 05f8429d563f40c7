//! Answers that are chosen by a vote, and whether answers are right.

use crate::support::{stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Two questions of which a right answer is known.
fn scenario(folder: &Path, answer: &str) -> String {
    let text = format!(
        r#"
[[turn]]
text = "When do you open?"
speech = {{ length = {{ fixed_ms = 1200 }} }}
answer_has = ["at ten", "10:00"]

[[turn]]
text = "And when do you close?"
speech = {{ length = {{ fixed_ms = 1200 }} }}
answer_has = ["at four"]

[stt]
engine = "simulated"
[tts]
engine = "simulated"
[speculation]
enabled = false
{answer}
"#
    );
    let path = folder.join("votes.toml");
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

fn report(scenario: &str) -> Value {
    let out = format!("{scenario}.run");
    let run = [
        "run", scenario, "--clock", "virtual", "--json", "--out", &out,
    ];
    let output = voicesim(&run);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[test]
fn an_answer_is_right_or_wrong_where_the_scenario_says_what_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let fake = "[answer]\nengine = \"simulated\"\ntext = \"We open at ten.\"\n";
    let scenario = scenario(folder.path(), fake);
    let report = report(&scenario);
    assert_eq!(report["right_answers"]["right"], 1);
    assert_eq!(report["right_answers"]["of"], 2);
    assert_eq!(report["detail"][0]["is_right"], true);
    assert_eq!(report["detail"][1]["is_right"], false);
    let text = stdout(&voicesim(&["report", &format!("{scenario}.run")]));
    assert!(text.contains("right answers  1 of 2 (50.0 %)"), "{text}");
}

#[test]
fn three_programs_vote_and_what_two_of_them_say_is_spoken() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = r#"
import json, os, sys
# Of the programs that are started, the first to take a number has it.
for number in range(3):
    try:
        os.close(os.open(f"{sys.argv[1]}/{number}", os.O_CREAT | os.O_EXCL))
        break
    except FileExistsError:
        pass
says = "We open at nine." if number == 1 else "We open at ten."
for line in sys.stdin:
    if json.loads(line)["type"] == "answer":
        print(json.dumps({"text": says}), flush=True)
        print(json.dumps({"done": True}), flush=True)
"#;
    let path = folder.path().join("answer.py");
    fs::write(&path, program).expect("written");
    let answer = format!(
        "[answer]\nengine = \"command\"\nbest_of = 3\ncommand = [\"python3\", {:?}, {:?}]\n",
        path,
        folder.path()
    );
    let scenario = scenario(folder.path(), &answer);
    let report = report(&scenario);
    assert_eq!(report["detail"][0]["said"], "We open at ten.");
    assert_eq!(report["right_answers"]["right"], 1);
    let engine = report["engines"]["answer"].as_str().expect("a line");
    assert!(
        engine.starts_with("the majority of 3 answers of"),
        "{engine}"
    );
}

#[test]
fn what_cannot_be_voted_on_or_be_right_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |answer: &str| {
        let output = voicesim(&["check", &scenario(folder.path(), answer)]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let same = refused("[answer]\nengine = \"retrieval\"\nbest_of = 3\n");
    assert!(same.contains("answers the same every time"), "{same}");
    let even = refused("[answer]\nengine = \"command\"\ncommand = [\"cat\"]\nbest_of = 2\n");
    assert!(even.contains("an odd number"), "{even}");
    let wordless = refused(
        "[[turn]]\ntext = \"Why?\"\nspeech = { length = { fixed_ms = 900 } }\nanswer_has = [\" … \"]\n",
    );
    assert!(wordless.contains("a right answer has words"), "{wordless}");
}
