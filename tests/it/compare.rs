//! Two sets of results compared: what is found, what is not, and how it reads.

use crate::support::made_up_calls::{
    CALLS, Shape, answered, both, compared, row, run, unanswered, verdicts,
};
use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use voicesim::compare::{CompareError, Comparison, Independent, Mark, Settings, Verdict, compare};
use voicesim::measure::folder::{Folder, Results};
use voicesim::measure::{Outcome, Reason, Row};
use voicesim::report::compare::{json::document, markdown, text};

/// Verdicts that 1,000 pairs without a difference may have: 5 %, and what chance adds to that.
const FALSE_ALARMS_MAX: u64 = 65;

fn false_alarms(shape: &Shape) -> u64 {
    verdicts(shape, 1_000, 1.0, 0.0)
}

#[test]
fn calls_that_resemble_themselves_raise_no_false_alarm() {
    let shape = Shape {
        effect: 0.4,
        is_paired: false,
        is_same_luck: false,
        ..CALLS
    };
    let found = false_alarms(&shape);
    assert!(found <= FALSE_ALARMS_MAX, "{found} of 1000");
}

#[test]
fn three_short_calls_raise_no_false_alarm() {
    let shape = Shape {
        conversations: 3,
        is_same_luck: false,
        effect: 0.2,
        ..CALLS
    };
    let found = false_alarms(&shape);
    assert!(found <= FALSE_ALARMS_MAX, "{found} of 1000");
}

#[test]
fn heavy_tails_and_rare_false_stops_raise_no_false_alarm() {
    let shape = Shape {
        answer_sigma: 1.2,
        sounds: 4,
        stops: 0.02,
        ..CALLS
    };
    let found = false_alarms(&shape);
    assert!(found <= FALSE_ALARMS_MAX, "{found} of 1000");
}

#[test]
fn five_percent_are_found_in_200_turns_that_belong_together() {
    let found = verdicts(&CALLS, 100, 1.05, 0.02);
    assert!(found >= 90, "{found} of 100");
}

#[test]
fn five_percent_are_found_in_1200_turns_that_do_not() {
    let shape = Shape {
        conversations: 150,
        is_paired: false,
        is_same_luck: false,
        ..CALLS
    };
    let found = verdicts(&shape, 40, 1.05, 0.02);
    assert!(found >= 36, "{found} of 40");
}

fn of(base: Folder, new: Folder) -> Result<Comparison, CompareError> {
    let (base, new) = ((Path::new("base"), &base), (Path::new("new"), &new));
    compare(base, new, &Settings::default())
}

fn one(rows: Vec<Row>) -> Folder {
    Folder::One(Box::new(run("call".into(), rows)))
}

#[test]
fn the_interval_holds_the_difference_and_stands_beside_the_verdict() {
    let comparison = compared(&CALLS, 1, 1.05, &Settings::default());
    assert_eq!(comparison.verdict, Verdict::Worse);
    assert_eq!(comparison.independent, Independent::Conversations);
    let line = comparison.line("e2e_latency_p50_ms").expect("a line");
    let (base, difference) = (line.base.expect("base"), line.difference.expect("both"));
    let interval = line.interval.expect("many conversations");
    assert!((interval.low..=interval.high).contains(&difference));
    assert!(
        (interval.low..=interval.high).contains(&(0.05 * base)),
        "{interval:?}"
    );
    assert!(line.p_holm.is_some_and(|p| p < 0.01));
}

#[test]
fn what_is_faster_is_better_and_what_hardly_differs_is_neither() {
    let settings = Settings::default();
    assert_eq!(compared(&CALLS, 1, 0.9, &settings).verdict, Verdict::Better);
    let little = compared(
        &CALLS,
        1,
        1.05,
        &Settings {
            min_effect: 0.2,
            ..settings
        },
    );
    assert_eq!(little.verdict, Verdict::NoDifferenceFound);
    let headline = voicesim::report::compare::headline(&little);
    assert!(
        headline.contains("less than 20 % of the base"),
        "{headline}"
    );
}

#[test]
fn a_few_calls_find_a_large_difference() {
    let shape = Shape {
        conversations: 4,
        ..CALLS
    };
    let comparison = compared(&shape, 1, 1.3, &Settings::default());
    assert_eq!(comparison.independent, Independent::FewConversations);
    assert_eq!(comparison.verdict, Verdict::Worse);
}

#[test]
fn latencies_are_of_turns_that_were_answered_on_both_sides() {
    // The slow ones fail: what is left looks fast, and is not.
    let latency = |number: u32| 800.0 + 10.0 * f64::from(number);
    let base = (1..=40).map(|n| answered(n, latency(n))).collect();
    let new = (1..=40)
        .map(|n| match n > 20 {
            true => row(n, Outcome::Failed),
            false => answered(n, latency(n) + 1.0),
        })
        .collect();
    let comparison = of(one(base), one(new)).expect("answered");
    assert_eq!(comparison.pairing.only_base, 20);
    assert_eq!(comparison.verdict, Verdict::NoDifferenceFound);
    let failed = comparison.line("failed_turns_share").expect("a line");
    assert_eq!((failed.base, failed.new), (Some(0.0), Some(0.5)));
    let headline = voicesim::report::compare::headline(&comparison);
    assert!(headline.contains("worse: failed_turns"), "{headline}");
}

#[test]
fn a_turn_alone_tells_nothing() {
    let comparison = of(
        one(vec![answered(1, 900.0)]),
        one(vec![answered(1, 1_900.0)]),
    );
    let comparison = comparison.expect("answered");
    assert_eq!(comparison.verdict, Verdict::NoDifferenceFound);
    assert_eq!(comparison.independent, Independent::Turns);
}

#[test]
fn nothing_asked_is_nothing_to_compare() {
    let silent = one(vec![row(1, Outcome::Ignored)]);
    let error = of(one(vec![answered(1, 900.0)]), silent).expect_err("no latency");
    let says = "new: none of its 1 turns should have been answered";
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn an_agent_that_falls_silent_in_a_third_of_the_calls_is_worse() {
    let silent = Shape {
        falls_silent: 1.0 / 3.0,
        ..CALLS
    };
    let unpaired = Shape {
        is_paired: false,
        is_same_luck: false,
        ..silent
    };
    for shape in [silent, unpaired] {
        let comparison = compared(&shape, 1, 1.0, &Settings::default());
        assert_eq!(comparison.verdict, Verdict::Worse);
        let share = comparison.line("unanswered_share").expect("a line");
        assert_eq!(share.mark, Some(Mark::Worse), "{share:?}");
        let p95 = comparison.line("e2e_latency_p95_ms").expect("a line");
        assert!(p95.new.is_none() && p95.new_over.is_some(), "{p95:?}");
    }
}

#[test]
fn an_agent_that_fails_fast_is_worse_however_fast_the_rest_is() {
    let shape = Shape {
        fails: 0.3,
        ..CALLS
    };
    let comparison = compared(&shape, 1, 0.9, &Settings::default());
    assert_eq!(comparison.verdict, Verdict::Worse);
    let silent = one((1..=8)
        .map(|n| unanswered(n, Reason::Failed, 50.0))
        .collect());
    let answers = one((1..=8).map(|n| answered(n, 900.0)).collect());
    assert_eq!(of(answers, silent).expect("asked").verdict, Verdict::Worse);
}

#[test]
fn callers_who_do_not_wait_on_either_side_raise_no_false_alarm() {
    for unanswered in [0.03, 0.2, 0.6] {
        for is_paired in [true, false] {
            let shape = Shape {
                unanswered,
                is_paired,
                is_same_luck: is_paired,
                ..CALLS
            };
            let alarms = verdicts(&shape, 100, 1.0, 0.0);
            // Of 100 comparisons at 5 % more than ten alarms come once in a hundred times.
            assert!(alarms <= 10, "{alarms} of 100 at {unanswered}");
        }
    }
}

#[test]
fn where_nothing_is_answered_on_both_sides_they_are_not_paired() {
    let base = one(vec![answered(1, 900.0), row(2, Outcome::Ignored)]);
    let new = one(vec![row(1, Outcome::Ignored), answered(2, 950.0)]);
    let comparison = of(base, new).expect("answered");
    assert!(!comparison.pairing.is_paired);
    assert!(comparison.pairing.why.contains("on both sides"));
}

#[test]
fn calls_without_a_partner_are_named() {
    let [base, new] = both(&CALLS, 1, 1.0);
    let Folder::Several(mut fewer) = new else {
        panic!("several");
    };
    fewer.pop();
    let comparison = of(base, Folder::Several(fewer)).expect("answered");
    assert_eq!(comparison.pairing.left_out, ["call-0024"]);
    assert!(comparison.pairing.is_paired);
}

/// Small and the same everywhere: what people read.
fn sample() -> Comparison {
    let shape = Shape {
        conversations: 12,
        sounds: 2,
        stops: 0.1,
        ..CALLS
    };
    let [base, new] = both(&shape, 3, 1.06);
    let named = |folder: Folder, silence_ms: u64| -> Folder {
        let Folder::Several(mut all) = folder else {
            panic!("several");
        };
        for kept in &mut all {
            let Results::Run(run) = kept else {
                panic!("a run");
            };
            run.header.scenario["endpointing"]["silence_ms"] = silence_ms.into();
            let stt = format!("a|b <i>`{silence_ms}`</i>\n@c \u{202e}");
            run.header.engines.insert("speech_to_text".into(), stt);
        }
        Folder::Several(all)
    };
    of(named(base, 300), named(new, 380)).expect("answered")
}

#[test]
fn the_comparison_reads_like_this() {
    insta::assert_snapshot!(text(&sample()));
}

#[test]
fn as_markdown_it_is_this() {
    insta::assert_snapshot!(markdown(&sample()));
}

#[test]
fn as_a_page_the_verdict_comes_first_and_names_of_others_are_text() {
    let mut sample = sample();
    sample.new.name = "<script>alert(1)</script>".into();
    let page = voicesim::report::html::of_comparison(&sample).expect("a page");
    assert!(!page.contains("<script"));
    assert!(page.contains("script&"), "it is there as text");
    let verdict = page.find("class=\"verdict").expect("a verdict");
    assert!(verdict < page.find("<table").expect("figures"));
    let pictures = page.matches("<svg class=\"chart\"").count();
    let told = sample.lines.iter().filter(|line| line.interval.is_some());
    let told = told.filter(|line| line.base > Some(0.0)).count();
    // And a scale above those of latencies, and of rates.
    let scales = page.matches("<title>From -").count();
    assert_eq!((pictures - scales, scales), (told, 2));
}

#[test]
fn as_json_it_is_this() {
    insta::assert_json_snapshot!(document(&sample()));
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/data")
        .join(name)
}

fn compared_folders(base: &Path, new: &Path, options: &[&str]) -> Output {
    let (base, new) = (base.to_string_lossy(), new.to_string_lossy());
    voicesim(&[&["compare", &base, &new], options].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

/// A run with every reply so much later.
fn slower(run: &Path, folder: &Path, by_ns: u64) {
    fs::create_dir_all(folder).expect("a folder");
    fs::copy(run.join("header.json"), folder.join("header.json")).expect("copied");
    let events = fs::read_to_string(run.join("events.jsonl")).expect("events");
    let later = events.lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).expect("an event");
        if event["mark"] == "audible" {
            let at = event["at"].as_u64().expect("a tick");
            event["at"] = (at + by_ns).into();
        }
        event.to_string() + "\n"
    });
    fs::write(folder.join("events.jsonl"), later.collect::<String>()).expect("written");
}

#[test]
fn slower_runs_are_worse_and_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    for run in fs::read_dir(data("interruptions")).expect("runs") {
        let run = run.expect("a run").path();
        let name = run.file_name().expect("a name");
        slower(&run, &folder.path().join(name), 100_000_000);
    }
    let markdown = folder.path().join("comment.md");
    let options = ["--json", "--markdown", &markdown.to_string_lossy()];
    let output = compared_folders(&data("interruptions"), folder.path(), &options);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let document = json(&output);
    assert_eq!(document["headline"]["verdict"], "worse");
    assert_eq!(document["independent"], "conversations");
    let lines = document["lines"].as_array().expect("lines");
    let p50 = lines
        .iter()
        .find(|line| line["name"] == "e2e_latency_p50_ms");
    let difference = p50.expect("a line")["difference"].as_f64().expect("both");
    assert!((difference - 100.0).abs() < 2.0, "{difference}");
    let comment = fs::read_to_string(markdown).expect("written");
    assert!(
        comment.starts_with("**❌ Worse: callers wait "),
        "{comment}"
    );

    let back = compared_folders(folder.path(), &data("interruptions"), &[]);
    assert_eq!(back.status.code(), Some(0));
    assert!(stdout(&back).starts_with("Better: callers wait "));
}

#[test]
fn of_six_turns_the_median_can_be_told() {
    let folder = tempfile::tempdir().expect("a folder");
    slower(&data("recorded"), folder.path(), 500_000_000);
    let output = compared_folders(&data("recorded"), folder.path(), &[]);
    let text = stdout(&output);
    assert!(
        text.starts_with("Worse: callers wait 500 ms longer at the median"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn of_five_turns_nothing_can_be_told_and_it_says_what_would_tell() {
    let turns = |ms: [f64; 5]| one((1..).zip(ms).map(|(n, ms)| answered(n, ms)).collect());
    let base = turns([800.0, 900.0, 850.0, 950.0, 820.0]);
    let new = turns([1_300.0, 1_420.0, 1_330.0, 1_480.0, 1_320.0]);
    let comparison = of(base, new).expect("answered");
    assert_eq!(comparison.verdict, Verdict::NoDifferenceFound);
    let text = voicesim::report::compare::headline(&comparison);
    assert!(
        text.starts_with("Too few to tell: callers wait 480 ms longer at the median"),
        "{text}"
    );
    assert!(
        text.contains("7 more turns would show a difference of 16 ms"),
        "{text}"
    );
}

#[test]
fn an_interval_never_contradicts_its_p_value() {
    for (number, slower) in [(1, 1.0), (2, 1.01), (3, 1.02), (4, 1.03), (5, 1.06)] {
        for is_paired in [true, false] {
            let shape = Shape {
                is_paired,
                unanswered: 0.04,
                sounds: 2,
                stops: 0.1,
                conversations: 12,
                ..CALLS
            };
            let comparison = compared(&shape, number, slower, &Settings::default());
            for line in &comparison.lines {
                let (Some(interval), Some(p)) = (line.interval, line.p) else {
                    continue;
                };
                let excludes_zero = interval.low > 0.0 || interval.high < 0.0;
                assert_eq!(excludes_zero, p < 0.05, "{line:?}");
            }
        }
    }
}

const CALLER: &str = "cores = 2
[caller]
questions = 4
[stt]
engine = \"simulated\"
latency = { lognormal = { median_ms = 247, p95_ms = 298 } }
[answer]
engine = \"simulated\"
latency = { lognormal = { median_ms = 400, p95_ms = 600 } }
[tts]
engine = \"simulated\"
latency = { lognormal = { median_ms = 190, p95_ms = 260 } }
";

/// Simulates 300 conversations into a folder of that name.
fn simulated(inside: &Path, name: &str, options: &[&str]) -> PathBuf {
    let (scenario, out) = (inside.join("caller.toml"), inside.join(name));
    fs::write(&scenario, CALLER).expect("written");
    let (scenario, folder) = (scenario.to_string_lossy(), out.to_string_lossy());
    let all = [
        &[
            "simulate",
            &scenario,
            "--conversations",
            "300",
            "--out",
            &folder,
            "-q",
        ],
        options,
    ]
    .concat();
    let output = voicesim(&all);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    out
}

#[test]
fn simulations_with_the_same_luck_differ_by_what_was_set() {
    let inside = tempfile::tempdir().expect("a folder");
    let base = simulated(inside.path(), "base", &[]);
    let settings = [
        "--set",
        "answer.latency={ lognormal = { median_ms = 440, p95_ms = 660 } }",
    ];
    let new = simulated(inside.path(), "new", &settings);
    let output = compared_folders(&base, &new, &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let document = json(&output);
    assert_eq!(document["paired"]["is_paired"], true);
    let keys: Vec<&Value> = document["differences"]
        .as_array()
        .expect("differences")
        .iter()
        .map(|one| &one["key"])
        .collect();
    let expected = [
        "engines.answer",
        "scenario.answer.latency.lognormal.median_ms",
        "scenario.answer.latency.lognormal.p95_ms",
    ];
    assert_eq!(keys, expected);
    for line in document["lines"].as_array().expect("lines") {
        if line["name"] == "hop.answer_p50_ms" {
            assert_eq!(line["mark"], "worse");
        }
        if line["name"] == "hop.transcription_p50_ms" {
            // Slower answers void other commits, so the turns that were answered are not quite the same.
            let difference = line["difference"].as_f64().expect("a number");
            assert!(line["mark"].is_null() && difference.abs() < 1.0, "{line}");
        }
    }
}

#[test]
fn other_luck_is_not_paired_and_the_figures_are_those_of_the_reports() {
    let inside = tempfile::tempdir().expect("a folder");
    let base = simulated(inside.path(), "base", &[]);
    let new = simulated(inside.path(), "new", &["--seed", "2"]);
    let document = json(&compared_folders(&base, &new, &["--json"]));
    assert_eq!(document["headline"]["verdict"], "no_difference_found");
    assert_eq!(document["paired"]["why"], "their seeds are 1 and 2");
    let lines = document["lines"].as_array().expect("lines");
    for (side, folder) in [("base", &base), ("new", &new)] {
        let report = fs::read(folder.join("report.json")).expect("a report");
        let report: Value = serde_json::from_slice(&report).expect("a document");
        for line in lines {
            let Some(name) = line["name"]
                .as_str()
                .and_then(|name| name.strip_suffix("_ms"))
            else {
                continue;
            };
            let (what, statistic) = name.rsplit_once('_').expect("a statistic");
            let summary = match what.strip_prefix("hop.") {
                // Hops are compared over answered turns.
                Some(hop) if report["hops"][hop]["answered"].is_object() => {
                    &report["hops"][hop]["answered"]
                }
                Some(hop) => &report["hops"][hop],
                None => &report["metrics"][what],
            };
            let (told, own) = match summary[format!("{statistic}_ms")].as_f64() {
                Some(told) => (told, line[side].as_f64().expect("a figure")),
                None => (
                    summary[format!("{statistic}_over_ms")]
                        .as_f64()
                        .expect("a bound"),
                    line[format!("{side}_over")].as_f64().expect("a bound"),
                ),
            };
            assert!(
                (own - told).abs() <= 1e-9 * told,
                "{name}: {own} against {told}"
            );
        }
        let asked = &report["interruptions"]["outcomes"]["ignore"];
        let asked: u64 = asked
            .as_object()
            .expect("counts")
            .values()
            .filter_map(Value::as_u64)
            .sum();
        let stops = report["interruptions"]["false_barge_ins"]
            .as_f64()
            .expect("a count");
        let share = lines
            .iter()
            .find(|line| line["name"] == "false_barge_ins_share");
        assert_eq!(share.expect("a line")[side], stops / asked as f64);
    }
}

#[test]
fn a_prediction_is_compared_with_a_run() {
    let inside = tempfile::tempdir().expect("a folder");
    let simulation = simulated(inside.path(), "base", &[]);
    let output = compared_folders(&simulation, &data("recorded"), &["--json"]);
    let document = json(&output);
    assert_eq!(document["paired"]["is_paired"], false);
    let warnings = document["warnings"].to_string();
    assert!(
        warnings.contains("a simulation is compared with a run"),
        "{warnings}"
    );
}

#[test]
fn what_cannot_be_compared_is_named() {
    let inside = tempfile::tempdir().expect("a folder");
    let missing = inside.path().join("missing");
    let refused = |base: &Path, options: &[&str], says: &str| {
        let output = compared_folders(base, &data("recorded"), options);
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(says), "{error}");
    };
    refused(&missing, &[], "missing");
    refused(inside.path(), &[], "is an empty folder");
    for effect in ["-1", "nan", "much", "101%"] {
        let option = format!("--min-effect={effect}");
        refused(&data("recorded"), &[&option], "from 0 to 100 %");
    }
    refused(
        &data("recorded"),
        &["--markdown", "-", "--json"],
        "both print to stdout",
    );
    refused(
        &data("recorded"),
        &["--markdown", "/nonexistent/a.md"],
        "--markdown",
    );
    let damaged = simulated(inside.path(), "damaged", &[]);
    let turns = damaged.join("turns.bin");
    let mut bytes = fs::read(&turns).expect("turns");
    bytes.truncate(bytes.len() - 7);
    fs::write(&turns, bytes).expect("written");
    refused(&damaged, &[], "turns.bin");
}

#[test]
fn a_run_against_itself_is_the_same() {
    let output = compared_folders(&data("recorded"), &data("recorded"), &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let document = json(&output);
    assert_eq!(document["headline"]["verdict"], "no_difference_found");
    assert_eq!(document["paired"]["is_paired"], true);
    for line in document["lines"].as_array().expect("lines") {
        assert!(line["difference"] == 0.0, "{line}");
        assert!(line["p"].is_null() || line["p"] == 1.0, "{line}");
    }
    assert_eq!(document["differences"], Value::Array(Vec::new()));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let one = compared_folders(&data("recorded"), &data("demo"), &[]);
    let other = compared_folders(&data("recorded"), &data("demo"), &[]);
    assert_eq!(one.stdout, other.stdout);
    assert!(!one.stdout.is_empty(), "{}", stderr(&one));
}
