//! What is said about scenarios that cannot be meant.

use super::{After, parse};
use std::path::Path;

/// What is said about a scenario with these lines, without the file's name.
fn complaint(toml: &str) -> String {
    match parse(Path::new("test.toml"), toml) {
        Ok(_) => String::new(),
        Err(error) => error.to_string().replacen("test.toml", "", 1),
    }
}

fn check(toml: &str, expected: &str) {
    let said = complaint(toml);
    assert!(said.contains(expected), "{toml}\nsaid: {said}");
}

const QUESTION: &str = "[[turn]]\nsay = \"Why?\"\n";

#[test]
fn a_question_is_a_scenario() {
    assert_eq!(complaint(QUESTION), "");
}

#[test]
fn unknown_keys_and_wrong_units_are_named_with_their_line() {
    check("nmae = \"x\"\n", "line 1");
    check("nmae = \"x\"\n", "unknown field `nmae`");
    let seconds = format!("[endpointing]\nsilence_s = 0.3\n{QUESTION}");
    check(&seconds, "unknown field `silence_s`");
    check(&seconds, "silence_ms");
    check(&seconds, "line 2");
}

#[test]
fn wrong_values_are_named_with_their_line() {
    let cases = [
        (
            "[endpointing]\ncut_offs = 0.1\n",
            " line 2: endpointing.cut_offs: only classifier and eot go by it; add policy = \"classifier\"",
        ),
        (
            "[endpointing]\npolicy = \"classifier\"\ncut_offs = 0.9\n",
            " line 3: endpointing.cut_offs: 0.9; give a share of pauses between 0.01 and 0.5",
        ),
        (
            "[endpointing]\npolicy = \"guess\"\n",
            " line 2: endpointing.policy: there is no policy \"guess\"; choose one of silence, classifier",
        ),
        (
            "[endpointing]\nsilence_ms = 5\n",
            " line 2: endpointing.silence_ms: 5 ms",
        ),
        ("cores = 0\n", " line 1: cores: 0 cores"),
        (
            "[stt]\nengine = \"wisper\"\n",
            " line 2: stt.engine: there is no engine \"wisper\"",
        ),
        (
            "[tts]\nengine = \"command\"\n",
            " line 1: tts.command: the engine",
        ),
        (
            "[interruption]\npolicy = \"luck\"\n",
            " line 2: interruption.policy",
        ),
        (
            "[interruption]\nresume_after_ms = 70000\n",
            " line 2: interruption.resume_after_ms: up to 60000",
        ),
        (
            "[budget]\ne2e_p95 = 3\n",
            " line 2: budget.e2e_p95: no such budget",
        ),
        (
            "[answer]\nindex = \"nowhere\"\n",
            " line 2: answer.index: nowhere is no folder; build the index",
        ),
        (
            "[answer]\ndocs = \".\"\nindex = \".\"\n",
            " line 3: answer.index: answers come from documents or from an index",
        ),
        (
            "[answer]\ndocs = \"nowhere\"\n",
            " line 2: answer.docs: nowhere is no folder",
        ),
        ("[ear]\nvad_threshold = 2.0\n", " line 2: ear.vad_threshold"),
        (
            "[cost]\ncurrency = \"USD\"\ncall_per_minute = -0.1\n",
            " line 3: cost.call_per_minute: -0.1 is no price; give between 0 and 1000000",
        ),
        (
            "[cost]\nanswer_per_request = nan\n",
            " line 2: cost.answer_per_request: NaN is no price",
        ),
        (
            "[stt]\nengine = \"simulated\"\nlatency = { lognormal = { median_ms = 9, p95_ms = 1 } }\n",
            " line 3: stt.latency: p95_ms = 1 lies under",
        ),
    ];
    for (toml, expected) in cases {
        check(&format!("{toml}{QUESTION}"), expected);
    }
}

#[test]
fn a_missing_file_is_named_with_its_turn_and_line() {
    check(
        &format!("{QUESTION}[[turn]]\nwav = \"nowhere.wav\"\n"),
        " line 4: turn 2 wav: nowhere.wav does not exist",
    );
}

#[test]
fn an_anchor_that_cannot_come_is_refused() {
    check(
        "[[turn]]\nsay = \"mm\"\nexpect = \"ignore\"\n[[turn]]\nsay = \"Why?\"\nafter = \"agent_speech_start\"\n",
        " line 6: turn 2 after: this anchor cannot come",
    );
    check(
        "[[turn]]\nsay = \"Why?\"\nafter = \"agent_speech_end\"\n",
        " line 3: turn 1 after: this anchor cannot come",
    );
    check(
        &format!("{QUESTION}[[turn]]\nsay = \"And?\"\nafter = \"session_start\"\n"),
        "only the first turn",
    );
}

#[test]
fn an_agent_that_speaks_first_is_waited_for() {
    let greets = |greets: bool| {
        let text = format!("[agent]\ngreets = {greets}\n{QUESTION}");
        let scenario = parse(Path::new("greeted.toml"), &text);
        scenario.expect("a scenario").turns()[0].after
    };
    assert_eq!(greets(false), After::SessionStart);
    assert_eq!(greets(true), After::AgentSpeechEnd);
}

#[test]
fn a_turn_says_one_thing() {
    check("[[turn]]\nexpect = \"respond\"\n", "needs something to say");
    check("[[turn]]\nsay = \" \"\n", "between 1 and 2,000");
    check(
        "[[turn]]\nsay = \"One.\"\ndigits = \"1\"\n",
        " line 2: turn 1 say: a turn is made of one of wav, say, speech and digits",
    );
    for keys in ["", "12a", "1 2", &"1".repeat(65)] {
        check(
            &format!("[[turn]]\ndigits = \"{keys}\"\n"),
            " line 2: turn 1 digits: give 1 to 64 keys of a telephone",
        );
    }
    check(
        &format!("[tts]\nengine = \"simulated\"\n{QUESTION}"),
        "a simulated voice speaks no words",
    );
}
