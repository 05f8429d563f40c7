//! Comparing settings: sweeps, plans, and the greatest value of a key that keeps a limit.

use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::path::Path;

/// Callers who hesitate, engines whose latencies are fixed: the end-to-end latency is the silence that is
/// waited for, and 730 ms.
fn fixed(folder: &Path) -> String {
    write(
        folder,
        "cores = 2\n[caller]\nquestions = 4\npause_every_s = 2.0\npause = { lognormal = { median_ms = 500, p95_ms = 1400 } }\npatience = { fixed_ms = 0 }\nbackchannels_per_minute = 0.0\ninterruptions_per_minute = 0.0\nnoises_per_minute = 0.0\n[ear]\nlag = { fixed_ms = 80 }\n[speculation]\nenabled = false\n[stt]\nengine = \"simulated\"\nlatency = { fixed_ms = 200 }\n[answer]\nengine = \"simulated\"\nlatency = { fixed_ms = 300 }\n[tts]\nengine = \"simulated\"\nlatency = { fixed_ms = 150 }\n",
    )
}

fn write(folder: &Path, text: &str) -> String {
    let path = folder.join("fixed.toml");
    std::fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn said(arguments: &[&str], code: i32) -> String {
    let output = voicesim(arguments);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stdout(&output)
}

fn json(arguments: &[&str], code: i32) -> Value {
    let arguments = [arguments, &["--json", "-q"]].concat();
    serde_json::from_str(&said(&arguments, code)).expect("one JSON document")
}

/// Of some settings by the value of a key.
fn values(settings: &Value, key: &str) -> Vec<Value> {
    let settings = settings.as_array().expect("settings");
    settings.iter().map(|s| s["set"][key].clone()).collect()
}

const SILENCES: &str = "endpointing.silence_ms=304,704,1504";
const FEW: [&str; 2] = ["--conversations", "200"];

#[test]
fn every_combination_is_simulated_the_last_key_changing_first() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let swept = json(
        &[
            "sweep",
            &scenario,
            "--vary",
            "endpointing.silence_ms=304,704",
            "--vary",
            "tts.latency={ fixed_ms = 150 },{ fixed_ms = 50 }",
            "--conversations",
            "20",
            "--seed",
            "7",
        ],
        0,
    );
    assert_eq!(
        (&swept["schema"], &swept["seed"], &swept["worlds"]),
        (&"voicesim.sweep/2".into(), &7.into(), &20.into())
    );
    let settings = &swept["settings"];
    assert_eq!(
        values(settings, "endpointing.silence_ms"),
        [304, 304, 704, 704]
    );
    let p95: Vec<f64> = (0..4)
        .map(|n| settings[n]["e2e_latency"]["p95_ms"].as_f64().expect("ms"))
        .map(f64::round)
        .collect();
    assert_eq!(p95, [1_034.0, 934.0, 1_434.0, 1_334.0]);
    assert_eq!(settings[3]["set"]["tts.latency"]["fixed_ms"], 50);
}

#[test]
fn what_is_slower_and_cuts_off_as_many_is_not_on_the_front() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let swept = json(
        &[
            "sweep",
            &scenario,
            "--vary",
            SILENCES,
            "--vary",
            "tts.latency.fixed_ms=150,50",
            "--conversations",
            "200",
        ],
        0,
    );
    let front: Vec<bool> = swept["settings"]
        .as_array()
        .expect("settings")
        .iter()
        .map(|setting| setting["is_on_front"].as_bool().expect("a bool"))
        .collect();
    // Each longer silence cuts fewer callers off; a slower voice is slower, and that is all.
    assert_eq!(front, [false, true, false, true, false, true]);
    assert_eq!(
        (&swept["axes"]["x"], &swept["axes"]["y"]),
        (&"e2e_latency_p95_ms".into(), &"cut_off_share".into())
    );
}

#[test]
fn a_sweep_reads_like_this_and_is_the_same_at_two_threads() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let sweep = |threads: &str| {
        let command = [
            "sweep",
            &scenario,
            "--vary",
            SILENCES,
            "--set",
            "cost.call_per_minute=0.05",
            "--set",
            "cost.tts_per_1k_characters=0.1",
            "--set",
            "cost.currency=USD",
            "--set",
            "budget.e2e_latency_p95_ms=1500",
            "--threads",
            threads,
            "-q",
        ];
        said(&[&command[..], &FEW].concat(), 0)
    };
    let text = sweep("1");
    assert_eq!(text, sweep("2"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_sweep_draws_its_trade_off() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let picture = folder.path().join("trade-off.svg");
    let path = picture.to_string_lossy().into_owned();
    let command = [
        "sweep",
        &scenario,
        "--vary",
        SILENCES,
        "--svg",
        &path,
        "-q",
        "--set",
        "name=a<b&c",
    ];
    said(&[&command[..], &FEW].concat(), 0);
    let svg = std::fs::read_to_string(picture).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert!(
        svg.contains("a&lt;b&amp;c, by endpointing.silence_ms"),
        "{svg}"
    );
    assert_eq!(svg.matches(" r=\"4.5\"").count(), 3);
    for value in ["304", "704", "1504"] {
        assert!(svg.contains(&format!(">{value}</text>")), "{value}: {svg}");
    }
}

#[test]
fn what_cannot_be_compared_is_exit_2_before_anything_is_simulated() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let nowhere = folder
        .path()
        .join("nowhere/a.svg")
        .to_string_lossy()
        .into_owned();
    let here = folder.path().to_string_lossy().into_owned();
    let many = format!("seed={}", vec!["1"; 1_001].join(","));
    let cases: [(&[&str], &str); 10] = [
        (&["--vary", "endpointing.nonsense=1,2"], "nonsense"),
        (
            &["--vary", "endpointing.silence_ms=300,5"],
            "endpointing.silence_ms=5",
        ),
        (
            &["--vary", "endpointing.silence_ms=300,soon"],
            "endpointing.silence_ms=soon",
        ),
        (&["--vary", "endpointing.silence_ms="], "no value"),
        (&["--vary", "endpointing.silence_ms"], "KEY=VALUE"),
        (&[], "--vary"),
        (&["--vary", &many], "1001 combinations"),
        (
            &["--vary", "seed=1,2", "--vary", "seed=3"],
            "varies already",
        ),
        (&["--vary", SILENCES, "--svg", &nowhere], "no folder"),
        (&["--vary", SILENCES, "--svg", &here], "name another file"),
    ];
    for command in ["sweep", "plan"] {
        for (arguments, says) in &cases {
            // So many would take minutes.
            let all = [
                &[command, &scenario, "--conversations", "1000000"],
                *arguments,
            ]
            .concat();
            let output = voicesim(&all);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(
                stderr(&output).contains(says),
                "{arguments:?}: {}",
                stderr(&output)
            );
        }
    }
    let no_budget = voicesim(&["plan", &scenario, "--vary", SILENCES]);
    assert_eq!(no_budget.status.code(), Some(2));
    assert!(stderr(&no_budget).contains("[budget]"));
}

#[test]
fn a_plan_is_the_fastest_or_the_cheapest_that_keeps_the_budgets() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let plan = |settings: &[&str], code| {
        let mut command = vec![
            "plan",
            &scenario,
            "--vary",
            "endpointing.silence_ms=304,504,704,1504",
        ];
        settings
            .iter()
            .for_each(|set| command.extend(["--set", set]));
        json(&[&command[..], &FEW].concat(), code)
    };
    let key = "endpointing.silence_ms";
    let fastest = plan(&["budget.e2e_latency_p95_ms=1500"], 0);
    assert_eq!(
        (&fastest["schema"], &fastest["by"]),
        (&"voicesim.plan/2".into(), &"e2e_latency_p95_ms".into())
    );
    assert_eq!(fastest["chosen"]["set"][key], 304);
    assert_eq!(values(&fastest["alternatives"], key), [504, 704]);
    // A budget below what the shortest of the waits gives, and none comes within a tenth of it.
    let none = plan(&["budget.e2e_latency_p95_ms=500"], 1);
    assert_eq!(
        (&none["chosen"], &none["nearly"][0]["setting"]["set"][key]),
        (&Value::Null, &304.into())
    );
    assert_eq!(none["nearly"].as_array().map(Vec::len), Some(1));
    let nearly = plan(&["budget.e2e_latency_p95_ms=1400"], 0);
    assert_eq!(nearly["nearly"][0]["setting"]["set"][key], 704);
    // Callers who are cut off are answered more often.
    let cheapest = plan(
        &[
            "budget.e2e_latency_p95_ms=1500",
            "cost.answer_per_request=0.01",
        ],
        0,
    );
    assert_eq!(cheapest["by"], "cost_per_minute");
    assert_eq!(cheapest["chosen"]["set"][key], 704);
}

#[test]
fn a_plan_without_intervals_is_not_certain() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let command = [
        "plan",
        &scenario,
        "--vary",
        SILENCES,
        "--set",
        "budget.e2e_latency_p95_ms=2000",
        "--conversations",
        "8",
        "-q",
    ];
    let text = said(&command, 1);
    assert!(text.contains("give more --worlds"), "{text}");
}

#[test]
fn the_longest_silence_that_keeps_the_latency_is_found() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let find = |until: &str, code| {
        json(
            &[
                "simulate",
                &scenario,
                "--find",
                "endpointing.silence_ms",
                "--until",
                until,
                "--conversations",
                "70",
            ],
            code,
        )
    };
    // Silence is heard in steps of 16 ms, and 730 ms come on top of it: 944 ms are 59 steps.
    let found = find("e2e_latency_max_ms=1674", 0);
    assert_eq!(
        (&found["schema"], &found["ended"]),
        (&"voicesim.find/2".into(), &"at_limit".into())
    );
    assert_eq!(
        (&found["found"], &found["limit"]),
        (&944.into(), &1674.0.into())
    );
    let steps = found["steps"].as_array().expect("steps");
    assert!(steps.len() <= 40);
    assert_eq!(
        (&steps[0]["value"], &steps[0]["kept"]),
        (&300.into(), &true.into())
    );
    let (bound, missed) = (
        find("hop.transcription_p50_ms=300", 0),
        find("e2e_latency_p95_ms=100", 1),
    );
    assert_eq!(
        (&bound["found"], &bound["neighbour"]["value"]),
        (&32.into(), &10_000.into())
    );
    assert_eq!(bound["ended"], "everywhere");
    assert_eq!(
        (&missed["found"], &missed["ended"]),
        (&Value::Null, &"missed".into())
    );
    let steps = missed["steps"].as_array().expect("steps");
    for bound in [32, 10_000] {
        let step = steps.iter().find(|step| step["value"] == bound);
        assert_eq!(step.expect("it was tried")["kept"], false);
    }
}

#[test]
fn a_real_number_is_found_to_a_hundredth() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let command = [
        "simulate",
        &scenario,
        "--find",
        "answer.latency.fixed_ms",
        "--until",
        "e2e_latency_p95_ms=1500",
        "--conversations",
        "70",
        "--set",
        "endpointing.silence_ms=304",
    ];
    let found = json(&command, 0)["found"].as_f64().expect("a number");
    // 1500 - 304 - 80 - 200 - 150
    assert!((754.0..=767.0).contains(&found), "{found}");
    let text = said(&[&command[..], &["-q"]].concat(), 0);
    assert!(text.contains("is the greatest that keeps it"), "{text}");
}

#[test]
fn what_cannot_be_found_is_exit_2() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/assistant.toml");
    let scenario = scenario.to_string_lossy().into_owned();
    let key = "endpointing.silence_ms";
    let cases: [(&[&str], &str); 8] = [
        (&["--find", key], "--until"),
        (&["--until", "e2e_latency_p95_ms=900"], "--find"),
        (&["--find", key, "--until", "e2e_p95=900"], "e2e_latency"),
        (
            &["--find", key, "--until", "e2e_latency_p95_ms"],
            "METRIC=VALUE",
        ),
        (
            &["--find", key, "--until", "e2e_latency_p95_ms=soon"],
            "no number",
        ),
        (
            &["--find", "endpointing.nonsense", "--until", "wer=1"],
            "nonsense",
        ),
        (
            &["--find", "interruption.policy", "--until", "cut_offs=1"],
            "interruption.policy",
        ),
        (
            &["--find", key, "--until", "cut_offs=1", "--out", "x"],
            "--out",
        ),
    ];
    for (arguments, says) in cases {
        let output = voicesim(&[&["simulate", &scenario], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains(says),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_report_says_what_a_call_costs() {
    let folder = folder();
    let scenario = fixed(folder.path());
    let command = [
        "simulate",
        &scenario,
        "--set",
        "cost.call_per_minute=0.5",
        "--set",
        "cost.currency=EUR",
        "--conversations",
        "20",
    ];
    let document = json(&command, 0);
    assert_eq!(
        (
            &document["cost"]["currency"],
            &document["cost"]["per_minute"]
        ),
        (&"EUR".into(), &0.5.into())
    );
    assert!(said(&[&command[..], &["-q"]].concat(), 0).contains("0.500 EUR a minute"));
    let free = json(&["simulate", &scenario, "--conversations", "2"], 0);
    assert!(free.get("cost").is_none());
    let wrong = voicesim(&["simulate", &scenario, "--set", "cost.call_per_minute=-1.0"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("cost.call_per_minute: -1 is no price"));
}

#[test]
fn a_difference_from_the_first_setting_is_surer_than_both_figures_since_they_share_their_luck() {
    let scenario = "audio/simulations/assistant.toml";
    let tokens = [
        "--vary",
        "answer.token_ms=10,12,10",
        "--conversations",
        "640",
    ];
    let sweep = |more: &[&str]| said(&[&["sweep", scenario, "-q"], &tokens[..], more].concat(), 0);
    let document: serde_json::Value = serde_json::from_str(&sweep(&["--json"])).expect("JSON");
    let [first, slower, same] = document["settings"]
        .as_array()
        .expect("settings")
        .as_slice()
    else {
        panic!("three settings: {document}")
    };
    assert!(first.get("from_first").is_none());
    let name = "e2e_latency_p95_ms";
    let half = |setting: &serde_json::Value| {
        let interval = &setting["intervals"][name];
        let end = |end: &str| interval[end].as_f64().expect("an interval");
        (end("high") - end("low")) / 2.0
    };
    let told = &slower["from_first"];
    let told_half = told["half_ms"].as_f64().expect("a half");
    assert!(told[name].as_f64() > Some(told_half), "{told}");
    assert!(3.0 * told_half < half(first).hypot(half(slower)), "{told}");
    assert!(told["as_of_times"].as_f64() > Some(9.0), "{told}");
    assert_eq!(same["from_first"][name], 0.0);
    let text = sweep(&[]);
    assert!(
        text.contains("p95 from first") && text.contains("the same luck"),
        "{text}"
    );
    assert!(!text.contains("moves no figure"), "{text}");
}

#[test]
fn settings_with_other_luck_are_not_told_from_the_first_as_if_they_shared_it() {
    let scenario = "audio/simulations/assistant.toml";
    let sweep = [
        "sweep",
        scenario,
        "--vary",
        "seed=1,2",
        "-q",
        "--conversations",
        "640",
    ];
    let text = said(&sweep, 0);
    assert!(
        !text.contains("p95 from first") && !text.contains("the same luck"),
        "{text}"
    );
}
