//! An agent that says of itself that it is a machine: that it does, however it is interrupted, and that nobody waits for it.

use crate::support::{SIMULATED, stderr, stdout, voicesim};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const DISCLOSURE: &str =
    "[disclosure]\ntext = \"You are talking to an automated assistant, not to a person.\"\n";

/// A caller who interrupts often and early.
const CALLER: &str = "
[caller]
questions = 4
patience = { fixed_ms = 0.0 }
interruptions_per_minute = 8
backchannels_per_minute = 6
";

fn json(arguments: &[&str]) -> Value {
    let output = voicesim(arguments);
    assert!(output.status.code() != Some(2), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)))
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn simulated(folder: &Path, name: &str, disclosure: &str) -> (Value, String) {
    let scenario = format!("name = \"disclosure\"\n{disclosure}{SIMULATED}{CALLER}");
    let path = written(folder, &format!("{name}.toml"), &scenario);
    let out = folder.join(name).display().to_string();
    let document = json(&[
        "simulate",
        &path,
        "--conversations",
        "1000",
        "--out",
        &out,
        "--json",
    ]);
    (document, out)
}

/// How long each caller waited for what this column has of the first answer, in milliseconds, by conversation.
fn first_waits_ms(folder: &str, column: &str) -> BTreeMap<u64, f64> {
    let output = voicesim(&["report", folder, "--csv", "-"]);
    let mut table = csv::Reader::from_reader(output.stdout.as_slice());
    let names = table.headers().expect("names").clone();
    let place = |name: &str| names.iter().position(|own| own == name).expect("a column");
    let [conversation, turn, wait] = ["conversation", "turn", column].map(place);
    let rows = table.records().map(|row| row.expect("a row"));
    rows.filter(|row| &row[turn] == "1" && !row[wait].is_empty())
        .map(|row| {
            let number = row[conversation].parse().expect("a number");
            (number, row[wait].parse::<f64>().expect("nanoseconds") / 1e6)
        })
        .collect()
}

/// The value below which this share of all lies.
fn percentile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[(share * (values.len() - 1) as f64).round() as usize]
}

#[test]
fn of_a_thousand_interrupted_conversations_none_that_goes_on_ends_without_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plain, without) = simulated(folder.path(), "without", "");
    assert!(plain.get("disclosures").is_none());
    for on in ["first_turn", "greeting"] {
        let table = format!("{DISCLOSURE}on = \"{on}\"\n");
        let (document, with) = simulated(folder.path(), on, &table);
        let of = |key: &str| document["disclosures"][key].as_u64().expect("a count");
        assert_eq!((of("checked"), of("due")), (1_000, 1_000), "{on}");
        assert_eq!(of("missing"), 0, "{on}: {}", document["disclosures"]);
        assert!(of("said") >= 900, "{on}: {}", document["disclosures"]);
        assert_eq!(of("said") + of("too_short"), 1_000, "{on}");
        let barge_ins = document["interruptions"]["barge_ins"]
            .as_u64()
            .expect("a count");
        assert!(barge_ins > 500, "{on}: interrupted {barge_ins} times");
        for column in ["e2e_latency_ns", "first_sound_ns"] {
            let waits = [&with, &without].map(|folder| first_waits_ms(folder, column));
            for share in [0.5, 0.95] {
                let [with, without] =
                    [0, 1].map(|at| percentile(waits[at].values().copied(), share));
                let later = with - without;
                assert!(
                    later <= 20.0,
                    "{on}: {column} is {later} ms later at {share}"
                );
            }
        }
    }
}

#[test]
fn no_caller_waits_longer_for_the_first_answer_because_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, without) = simulated(folder.path(), "without", "");
    let table = format!("{DISCLOSURE}on = \"first_turn\"\n");
    let (document, with) = simulated(folder.path(), "with", &table);
    assert!(document["disclosures"]["said"].as_u64() >= Some(900));
    for column in ["e2e_latency_ns", "first_sound_ns"] {
        // Both have the same seed: each caller says the same, and each engine takes as long.
        let (with, without) = (
            first_waits_ms(&with, column),
            first_waits_ms(&without, column),
        );
        let later: Vec<f64> = without
            .iter()
            .filter_map(|(conversation, wait)| Some(with.get(conversation)? - wait))
            .collect();
        // The others were cut off in their question, so nobody knows what they waited.
        assert!(
            later.len() >= 700,
            "{column}: {} callers were answered",
            later.len()
        );
        let [middle, most] = [0.5, 1.0].map(|share| percentile(later.iter().copied(), share));
        assert!(
            middle <= 20.0 && most <= 20.0,
            "{column}: {middle} ms later, {most} at most"
        );
        assert!(percentile(without.values().copied(), 0.05) > 0.0);
    }
}

/// What became of a run whose caller asks these questions, of an agent that says what it is told to say.
fn run(folder: &Path, disclosure: &str, questions: &[&str]) -> Value {
    let turns: String = questions
        .iter()
        .map(|question| {
            format!(
                "[[turn]]\nspeech = {{ length = {{ fixed_ms = 1200 }} }}\ntext = \"{question}\"\n"
            )
        })
        .collect();
    let engines = SIMULATED.replace(
        "This is what",
        "I am Anna, and I am a real person. This is what",
    );
    let budget = "[budget]\ndisclosure_missing_max = 0\ndisclosure_late_max = 0\n";
    let scenario = format!("name = \"asked\"\n{disclosure}{engines}{turns}{budget}");
    let path = written(folder, "asked.toml", &scenario);
    json(&["run", &path, "--clock", "virtual", "--json"])
}

#[test]
fn who_asks_is_told_whatever_the_answer_would_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let questions = [
        "When do you open?",
        "Am I talking to a person?",
        "And on Sunday?",
    ];
    let document = run(
        folder.path(),
        &format!("{DISCLOSURE}on = \"when_asked\"\n"),
        &questions,
    );
    let said = |turn: usize| {
        document["detail"][turn]["said"]
            .as_str()
            .expect("said")
            .to_owned()
    };
    assert_eq!(
        said(1),
        "You are talking to an automated assistant, not to a person."
    );
    assert!(said(0).starts_with("I am Anna") && !said(0).contains("automated"));
    assert!(said(2).starts_with("I am Anna"));
    assert_eq!(
        (
            &document["disclosures"]["asked"],
            &document["disclosures"]["said"]
        ),
        (&1.into(), &1.into())
    );
    for budget in document["budgets"].as_array().expect("budgets") {
        assert_eq!(budget["pass"], true, "{budget}");
    }
}

#[test]
fn what_is_asked_besides_is_answered_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let questions = ["Are you a robot? When do you open?"];
    let document = run(
        folder.path(),
        &format!("{DISCLOSURE}on = \"when_asked\"\n"),
        &questions,
    );
    let said = document["detail"][0]["said"].as_str().expect("said");
    assert!(
        said.starts_with("You are talking to an automated assistant"),
        "{said}"
    );
    assert!(said.contains("This is what"), "{said}");
}

#[test]
fn it_comes_behind_the_first_clause_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = run(
        folder.path(),
        DISCLOSURE,
        &["When do you open?", "And on Sunday?"],
    );
    let said = document["detail"][0]["said"].as_str().expect("said");
    let at = said
        .find("You are talking to an automated")
        .expect("said in the first answer");
    assert!(at > 0 && said.len() > at + 70, "in the middle: {said}");
    let later = document["detail"][1]["said"].as_str().expect("said");
    assert!(!later.contains("automated"), "{later}");
}

#[test]
fn what_was_not_looked_for_misses_its_budget() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = run(folder.path(), "", &["When do you open?"]);
    let budgets = document["budgets"].as_array().expect("budgets");
    assert!(
        budgets.iter().all(|budget| budget["pass"] == false),
        "{budgets:?}"
    );
}

#[test]
fn what_cannot_be_said_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (table, says) in [
        ("[disclosure]\ntext = \"...\"\n", "give words to speak"),
        ("[disclosure]\nwithin_ms = 0\n", "between 1 and"),
        ("[disclosure]\non = \"never\"\n", "first_turn"),
    ] {
        let scenario =
            format!("{table}{SIMULATED}[[turn]]\nspeech = {{ length = {{ fixed_ms = 900 }} }}\n");
        let path = written(folder.path(), "wrong.toml", &scenario);
        let output = voicesim(&["check", &path]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains(says) && said.contains("line"), "{said}");
    }
}
