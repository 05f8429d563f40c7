//! Who did not wait counts: in figures, budgets and exit codes, and what would be if everybody had waited.

use crate::support::{stderr, stdout, voicesim};
use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use voicesim::event::Metric;
use voicesim::experiment::Simulation;
use voicesim::measure::{Interval, Known, Totals};
use voicesim::scenario::budget::Percentile;
use voicesim::scenario::{self, Scenario};

/// A stack that is slow by any measure, with callers of the usual patience.
const SLOW: &str = "name = \"slow\"
[caller]
[stt]
engine = \"simulated\"
latency = { preset = \"google-stt\" }
[answer]
engine = \"simulated\"
latency = { lognormal = { median_ms = 620, p95_ms = 1100 } }
text = \"We open at ten.\"
[tts]
engine = \"simulated\"
latency = { preset = \"gradium-tts\" }
";

fn parsed(text: &str) -> Scenario {
    scenario::parse(Path::new("made-up.toml"), text).expect("a scenario")
}

fn simulated(scenario: Scenario, worlds: u32, has_shadows: bool) -> Totals {
    let simulation = Simulation::of(scenario)
        .worlds(worlds)
        .threads(2)
        .shadows(has_shadows);
    let stop = AtomicBool::new(false);
    simulation
        .run(&stop, &|_, _| {})
        .expect("a simulation")
        .totals
}

fn p(percent: u32) -> Percentile {
    Percentile::whole(percent)
}

#[test]
fn a_stack_that_every_caller_hangs_up_on_keeps_no_budget() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slow.toml");
    fs::write(
        &path,
        format!("{SLOW}[budget]\ne2e_latency_p95_ms = 1300\n"),
    )
    .expect("written");
    let path = path.to_string_lossy();
    let output = voicesim(&["simulate", &path, "--conversations", "500", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["schema"], "voicesim.report/2");
    let e2e = &document["metrics"]["e2e_latency"];
    assert!(e2e["p95_ms"].is_null());
    assert!(e2e["p95_over_ms"].as_f64().expect("a bound") > 1_200.0);
    let unanswered = &e2e["unanswered"];
    assert!(unanswered["share"].as_f64().expect("a share") > 0.9);
    let reasons = unanswered["reasons"].as_object().expect("reasons");
    let sum: u64 = reasons.values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(sum), unanswered["count"].as_u64());
    let budget = &document["budgets"][0];
    assert!(budget["actual"].is_null() && budget["pass"] == false);
    assert!(budget["over"].as_f64().is_some());
    let text = stdout(&voicesim(&["simulate", &path, "--conversations", "500"]));
    assert!(
        text.contains("were not answered: the caller hung up"),
        "{text}"
    );
    assert!(text.contains("budget MISSED"), "{text}");
}

#[test]
fn a_question_that_is_asked_again_waits_since_it_was_first_asked() {
    let again = SLOW.replace("[caller]", "[caller]\nquestions = 1\npause_every_s = 0\nspeech = { fixed_ms = 1000 }\nrestart = { fixed_ms = 500 }");
    let totals = simulated(parsed(&again), 400, false);
    let e2e = &totals.measured.metrics[&Metric::E2eLatency];
    let own = totals.measured.answered.summary().expect("some answers");
    let since_first = e2e.answered().summary().expect("some answers");
    // Some answers came to a question that was asked for the second time, 1,700 ms after the first.
    assert!(own.max_ms < 1_300.0 && since_first.max_ms > 2_000.0);
}

/// Whether no percentile of the latency is lower on the second side.
fn is_no_lower(fast: &Totals, slow: &Totals) -> Result<(), TestCaseError> {
    let rank = |totals: &Totals, percent: u32| {
        let waits = totals.measured.metrics.get(&Metric::E2eLatency);
        waits
            .and_then(|waits| waits.percentile(p(percent)))
            .map_or(0.0, Known::rank)
    };
    for percent in [10, 50, 75, 90, 95, 99] {
        let (before, after) = (rank(fast, percent), rank(slow, percent));
        prop_assert!(
            after >= before,
            "p{}: {} and then {}",
            percent,
            before,
            after
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn neither_delay_nor_failure_makes_a_percentile_better(
        seed in any::<u32>(),
        median_ms in 100u32..1_500,
        delay_ms in 1u32..2_000,
        patience_ms in 300u32..4_000,
        restarts_max in 0u32..4,
        failing in 0.01f64..0.9,
    ) {
        let with = |answer: String, faults: &str| {
            let text = format!(
                "seed = {seed}\n[caller]\nquestions = 4\nrestarts_max = {restarts_max}\npatience = {{ fixed_ms = {patience_ms} }}\nbackchannels_per_minute = 0\ninterruptions_per_minute = 0\nnoises_per_minute = 0\npause_every_s = 0\n[speculation]\nenabled = false\n[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n[answer]\nengine = \"simulated\"\ntext = \"Yes, we are open.\"\nlatency = {answer}\n[tts]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n{faults}"
            );
            simulated(parsed(&text), 60, false)
        };
        let lognormal = format!("{{ lognormal = {{ median_ms = {median_ms}, p95_ms = {} }} }}", 2 * median_ms);
        let later = format!("{{ linear = {{ base_ms = {delay_ms}, residual = {lognormal} }} }}");
        let fast = with(lognormal.clone(), "");
        is_no_lower(&fast, &with(later, ""))?;
        let faults = format!("[[fault]]\nstage = \"answer\"\nerror = \"503\"\nprobability = {failing}\n");
        is_no_lower(&fast, &with(lognormal, &faults))?;
    }
}

/// Whether the truth lies in an interval twice as wide: one in twenty misses it by less.
fn holds(interval: Option<Interval>, truth: f64) -> Option<bool> {
    interval.map(|Interval { low, high }| {
        let half = (high - low) / 2.0;
        (low - half..=high + half).contains(&truth)
    })
}

#[test]
fn shadow_answers_and_the_estimate_are_the_truth_without_patience() {
    for (patience, p95_is_known) in [
        ("{ lognormal = { median_ms = 2500, p95_ms = 9000 } }", true),
        ("{ fixed_ms = 2100 }", false),
    ] {
        let with = |patience: &str| {
            let text = SLOW.replace("[caller]", &format!("[caller]\npatience = {patience}"));
            parsed(&text)
        };
        let totals = simulated(with(patience), 4_000, true);
        let truth = simulated(with("{ fixed_ms = 0 }"), 4_000, false);
        let truth = &truth.measured.metrics[&Metric::E2eLatency];
        let asks = &totals.measured.first_asks;
        assert!(asks.has_left() && asks.shadow_answers() > 1_000);
        for percent in [50, 95] {
            let truly = truth
                .percentile(p(percent))
                .and_then(Known::exact)
                .expect("known");
            let shadow = asks
                .by_shadows(p(percent))
                .and_then(Known::exact)
                .expect("known");
            assert!((shadow / truly - 1.0).abs() < 0.01, "{shadow} and {truly}");
            assert_eq!(
                holds(totals.shadows_interval(p(percent)), truly),
                Some(true)
            );
            match (asks.estimate(p(percent)).expect("somebody left"), percent) {
                (Known::Is(estimate), _) => {
                    assert!(
                        (estimate / truly - 1.0).abs() < 0.03,
                        "{estimate} and {truly}"
                    );
                    assert_eq!(
                        holds(totals.estimate_interval(p(percent)), truly),
                        Some(true)
                    );
                }
                (Known::Over(bound), 95) => assert!(!p95_is_known && bound <= truly),
                (known, _) => panic!("p{percent} {known}"),
            }
        }
    }
}

#[test]
fn shadows_change_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slow.toml");
    fs::write(&path, SLOW).expect("written");
    let path = path.to_string_lossy();
    let kept = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let shown = out.to_string_lossy();
        let command = ["simulate", &path, "--conversations", "200", "--out", &shown];
        let output = voicesim(&[&command, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        fs::read(out.join("events.jsonl")).expect("events")
    };
    assert_eq!(kept("without", &[]), kept("with", &["--shadows"]));
    let report = voicesim(&["report", &folder.path().join("with").to_string_lossy()]);
    let text = stdout(&report);
    assert!(text.contains("shadow answers"), "{text}");
    let loaded = ["simulate", &path, "--shadows", "--set", "load.calls=3"];
    let output = voicesim(&loaded);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--shadows"), "{}", stderr(&output));
}

#[test]
fn one_failed_answer_is_one_question_and_the_next_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.toml");
    let turns = "[[turn]]\nspeech = { length = { fixed_ms = 900 } }\n".repeat(4);
    fs::write(
        &path,
        format!("[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 50 }}\n[answer]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 50 }}\ntext = \"We are open.\"\n[tts]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 50 }}\n[[fault]]\nstage = \"answer\"\nerror = \"503\"\ninputs = [1]\n{turns}"),
    )
    .expect("written");
    let (path, out) = (path.to_string_lossy(), folder.path().join("out"));
    let out = out.to_string_lossy();
    let command = [
        "run",
        &path,
        "--clock",
        "virtual",
        "--no-audio",
        "--json",
        "--out",
        &out,
    ];
    let document: Value = serde_json::from_slice(&voicesim(&command).stdout).expect("JSON");
    let rows = document["detail"].as_array().expect("rows");
    let outcomes: Vec<&Value> = rows.iter().map(|row| &row["outcome"]).collect();
    assert_eq!(outcomes, ["failed", "answered", "answered", "answered"]);
    assert_eq!(rows[0]["reason"], "failed");
    assert!(rows[0]["waited_ns"].as_u64().expect("a wait") > 1_000_000_000);
    assert_eq!(document["metrics"]["e2e_latency"]["unanswered"]["count"], 1);
    assert_eq!(document["interruptions"]["missed_responses"], 0);
}
