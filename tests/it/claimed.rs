//! What a platform claims of its latency, held against what is heard.

use crate::support::{exchanges, stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

fn measure(call: &Path, claims: &Path, flags: &[&str]) -> Output {
    let (call, claims) = (call.display().to_string(), claims.display().to_string());
    let own = [
        "measure",
        &call,
        "--claimed",
        &claims,
        "--no-transcribe",
        "-q",
    ];
    voicesim(&[&own, flags].concat())
}

/// The key `claimed` of the report.
fn claimed(call: &Path, claims: &Path) -> Value {
    let output = measure(call, claims, &["--json"]);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    report["claimed"].clone()
}

fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value}"));
    assert!((value - expected).abs() <= 5.0, "{value}, not {expected}");
}

/// Seven calls of two answers each, and a table in which platform "fast" claims 490 ms less and "fair" the truth.
fn seven_calls(folder: &Path) -> PathBuf {
    fs::create_dir(folder.join("calls")).expect("made");
    let mut table = String::from("call,time_s,platform,e2e_ms,ttfb_s\n");
    for number in 0..7 {
        let gaps = [700 + 20 * number, 1_000 - 15 * number];
        let call = folder.join(format!("calls/{number}.wav"));
        let ends = exchanges::write(&call, &gaps.map(Some));
        for (end, gap) in ends.iter().zip(gaps) {
            // It stamps its answers before they are heard, by what it does not count.
            let at = (end + gap - 490) as f64 / 1e3;
            let (fast, ttfb) = (gap - 490, (gap - 600) as f64 / 1e3);
            table += &format!("{number},{at},fast,{fast},{ttfb}\n{number}.wav,{at},fair,{gap},\n");
        }
    }
    let claims = folder.join("claims.csv");
    fs::write(&claims, table).expect("written");
    claims
}

#[test]
fn each_platform_and_column_has_its_bias_with_an_interval() {
    let folder = tempfile::tempdir().expect("a folder");
    let claims = seven_calls(folder.path());
    let of = claimed(&folder.path().join("calls"), &claims);
    let [fair, fast] = &of["platforms"].as_array().expect("platforms")[..] else {
        panic!("{of:#}");
    };
    assert_eq!(
        (&fair["platform"], &fast["platform"]),
        (&"fair".into(), &"fast".into())
    );
    for (column, bias) in [
        (&fair["columns"][0], 0.0),
        (&fast["columns"][0], 490.0),
        (&fast["columns"][1], 600.0),
    ] {
        assert_eq!(
            (&column["joined"], &column["calls"]),
            (&14.into(), &7.into())
        );
        assert_eq!(column["independent"], "calls");
        near(&column["bias_ms"], bias);
        near(&column["bias_interval"]["low"], bias);
        near(&column["bias_interval"]["high"], bias);
    }
    // A column that one platform leaves empty is none of its claims.
    assert_eq!(fair["columns"].as_array().map(Vec::len), Some(1));
    assert_eq!(fast["claims_unheard"]["count"], 0);
    let text = stdout(&measure(&folder.path().join("calls"), &claims, &[]));
    for expected in [
        "fair: e2e_ms agrees with what is heard (bias",
        "fast: e2e_ms is 4",
        "ms less than is heard (95 %",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
}

#[test]
fn claims_without_a_turn_and_turns_without_a_claim_are_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = folder.path().join("call.wav");
    let ends = exchanges::write(&call, &[Some(600), None, Some(800)]);
    let missed_s = (ends[1] + 700) as f64 / 1e3;
    let claims = folder.path().join("claims.csv");
    let table = format!("at_s,turn,latency_ms\n,1,500\n{missed_s},,700\n99.5,,300\n,7,300\n");
    fs::write(&claims, table).expect("written");
    let of = claimed(&call, &claims);
    let platform = &of["platforms"][0];
    assert!(platform["platform"].is_null());
    near(&platform["columns"][0]["bias_ms"], 100.0);
    assert!(platform["columns"][0]["bias_interval"].is_null());
    assert_eq!(platform["turns_unclaimed"]["count"], 1);
    assert_eq!(platform["turns_unclaimed"]["shown"][0]["turn"], 3);
    assert_eq!(platform["unanswered"]["count"], 1);
    assert_eq!(platform["unanswered"]["shown"][0]["line"], 3);
    assert_eq!(platform["unanswered"]["shown"][0]["turn"], 2);
    let lines: Vec<&Value> = (0..2)
        .map(|place| &platform["claims_unheard"]["shown"][place]["line"])
        .collect();
    assert_eq!(lines, [4, 5]);
    let text = stdout(&measure(&call, &claims, &[]));
    for expected in [
        "Answered turns that no claim is of: 1\n  call turn 3: answered at",
        "Claims that belong to no turn: 2\n  line 4 at 99.5 s, 300 ms: the nearest turn, 3, lies",
        "line 5 turn 7, 300 ms: the call has 3 turns",
        "Claims of turns that were never answered: 1\n  line 3, call turn 2",
        "too few to say how sure that is",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
}

#[test]
fn runs_of_our_own_are_claims_by_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let (calls, earlier) = (folder.path().join("calls"), folder.path().join("earlier"));
    fs::create_dir(&calls).expect("made");
    fs::create_dir(&earlier).expect("made");
    for name in ["a.wav", "b.wav"] {
        exchanges::write(&calls.join(name), &[Some(700), Some(900)]);
        // The same call, as another recording has it: each answer 200 ms sooner.
        exchanges::write(&earlier.join(name), &[Some(500), Some(700)]);
    }
    let out = folder.path().join("out").display().to_string();
    let output = voicesim(&[
        "measure",
        &earlier.display().to_string(),
        "--no-transcribe",
        "-q",
        "--out",
        &out,
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let of = claimed(&calls, Path::new(&out));
    let column = &of["platforms"][0]["columns"][0];
    assert_eq!(
        (&column["column"], &column["joined"]),
        (&"e2e_latency_ms".into(), &4.into())
    );
    near(&column["bias_ms"], 200.0);
}

#[test]
fn wrong_claims_are_refused_with_the_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = folder.path().join("call.wav");
    exchanges::write(&call, &[Some(600)]);
    let claims = folder.path().join("claims.csv");
    let refuses = |at: &Path, table: &str, expected: &str| {
        fs::write(&claims, table).expect("written");
        let output = measure(at, &claims, &[]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("claims.csv") && said.contains(expected),
            "{said}"
        );
        stdout(&output)
    };
    // Decided before anything is measured.
    let early = refuses(
        &call,
        "turn,latency_ms\n1,soon\n2,3\n",
        "line 2, column latency_ms",
    );
    assert!(early.is_empty());
    refuses(
        folder.path(),
        "turn,latency_ms\n1,5\n",
        "no column \"call\"",
    );
    // The report comes all the same.
    let report = refuses(
        &call,
        "time_s,latency_ms\n500,5\n",
        "no claim belongs to an answered turn",
    );
    assert!(report.contains("e2e_latency"), "{report}");
    let report = refuses(
        folder.path(),
        "call,turn,latency_ms\nother,1,5\n",
        "none of its calls (other, …) was measured here (call.wav, …)",
    );
    assert!(report.contains("e2e_latency"), "{report}");
    let gone = folder.path().join("gone.csv");
    let output = measure(&call, &gone, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("name a CSV, or a folder of runs"),
        "{}",
        stderr(&output)
    );
}
