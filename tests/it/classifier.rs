//! `voicesim classifier` from the outside: what it answers, and what it refuses.

use crate::support::{fixture, stderr, stdout, voicesim};
use std::path::{Path, PathBuf};
use voicesim::audio::{SAMPLE_RATE, decode, wav};

const CONTEXT: &str = r#"{"a_elapsed":4.2,"a_words":11,"a_sil":0.0,"a_act_elapsed":2.0,"a_act_done":0,"a_act_q":0,"a_prev_q":0,"b_gap":6.0,"b_talk60":3.0,"a_talk60":12.0,"b_n30":1,"prev_floor_b":1,"a_tail":"so that is about as much as"}"#;

/// A line of overlaps; `more` goes in before its end.
fn line(id: &str, tokens: &str, more: &str) -> String {
    format!(r#"{{"id":"{id}","onset":54.2,"toks":{tokens},"ctx":{CONTEXT}{more}}}"#)
}

fn file(folder: &Path, lines: &[String]) -> PathBuf {
    let path = folder.join("overlaps.jsonl");
    std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    path
}

#[test]
fn every_sound_gets_its_probabilities_and_the_moment_of_the_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = [
        line("yeah", r#"[[0.0,0.31,"yeah"]]"#, ""),
        line(
            "wait",
            r#"[[0.0,0.3,"wait"],[0.3,0.7,"that's"],[0.7,1.2,"wrong"],[1.2,1.5,"you"]]"#,
            "",
        ),
        line("laugh", r#"[[0.0,0.4,"<laugh>"]]"#, ""),
    ];
    let data = file(folder.path(), &lines).display().to_string();
    let predicted = voicesim(&["classifier", "predict", "--data", &data]);
    assert_eq!(predicted.status.code(), Some(0), "{}", stderr(&predicted));
    let answers: Vec<serde_json::Value> = stdout(&predicted)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let ids: Vec<&str> = answers.iter().filter_map(|a| a["id"].as_str()).collect();
    assert_eq!(ids, ["yeah", "wait", "laugh"]);
    for answer in &answers {
        for probabilities in ["p_text", "p_activity"] {
            for at in ["200", "400", "600", "800", "1000"] {
                let p = answer[probabilities][at].as_f64().expect("a probability");
                assert!((0.0..=1.0).contains(&p), "{answer}");
            }
        }
    }
    assert!(answers[0]["stop_ms_text"].is_null(), "{}", answers[0]);
    // "wait" is known 300 ms after its end.
    assert_eq!(answers[1]["stop_ms_text"], 600, "{}", answers[1]);
    assert!(answers[2]["stop_ms_text"].is_null(), "{}", answers[2]);
}

#[test]
fn data_that_cannot_be_right_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = line("good", r#"[[0.0,0.31,"yeah"]]"#, "");
    let labelled = |label: &str| {
        let more = format!(
            r#","label":"{label}","corpus":"ami","meeting":"m","split":"dev","a":"x","b":"y","dur":0.3,"n_words":1,"post":{{"n_other":0}}"#
        );
        line("labelled", r#"[[0.0,0.31,"yeah"]]"#, &more)
    };
    let cases = [
        ("predict", good.replace("\"toks\"", "\"tokens\""), "toks"),
        (
            "predict",
            line("x", r#"[[0.5,0.31,"yeah"]]"#, ""),
            "ends before",
        ),
        (
            "predict",
            line("x", r#"[[0.9,1.2,"yeah"],[0.1,0.3,"so"]]"#, ""),
            "line 2",
        ),
        ("predict", line("x", r#"[[0.0,NaN,"yeah"]]"#, ""), "line 2"),
        ("predict", "not json".to_owned(), "line 2"),
        ("eval", labelled("applause"), "applause"),
        ("eval", good.clone(), "line 1"),
    ];
    for (command, bad, expected) in cases {
        let first = if command == "eval" {
            labelled("bc")
        } else {
            good.clone()
        };
        let lines = if bad == good {
            vec![bad]
        } else {
            vec![first, bad]
        };
        let data = file(folder.path(), &lines).display().to_string();
        let refused = voicesim(&["classifier", command, "--data", &data]);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{lines:?}\n{said}");
        assert!(said.contains(expected) && said.contains("line"), "{said}");
    }
    std::fs::write(folder.path().join("empty.jsonl"), "").expect("written");
    let empty = folder.path().join("empty.jsonl").display().to_string();
    for data in [empty.as_str(), "/nonexistent.jsonl"] {
        let refused = voicesim(&["classifier", "predict", "--data", data]);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    }
}

#[test]
fn curves_for_simulations_are_written_or_what_lacks_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let labelled = |id: &str, label: &str, tokens: &str| {
        let more = format!(
            r#","label":"{label}","corpus":"ami","meeting":"m","split":"dev","post":{{"n_other":0}}"#
        );
        line(id, tokens, &more)
    };
    let yeah = labelled("yeah", "bc", r#"[[0.0,0.31,"yeah"]]"#);
    let wait = labelled(
        "wait",
        "floor",
        r#"[[0.0,0.3,"wait"],[0.3,0.7,"that's"],[0.7,1.2,"wrong"]]"#,
    );
    let out = folder.path().join("curves.json").display().to_string();
    let eval = |lines: &[String]| {
        let data = file(folder.path(), lines).display().to_string();
        voicesim(&["classifier", "eval", "--data", &data, "--curves", &out])
    };
    let refused = eval(std::slice::from_ref(&yeah));
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("--curves"),
        "{}",
        stderr(&refused)
    );
    assert!(!Path::new(&out).exists());

    let written = eval(&[yeah, wait]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let text = std::fs::read_to_string(&out).expect("curves");
    let curves: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let first = &curves["curves"][0];
    assert_eq!(first["policy"], "classifier");
    assert_eq!(first["sound"], "interruption");
    assert_eq!(first["stops"], 1.0);
    // "wait" is known 300 ms after its end.
    assert_eq!(first["after_ms"][10], 600);
}

#[test]
fn an_explanation_says_what_pushed_which_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = file(folder.path(), &[line("yeah", r#"[[0.0,0.31,"yeah"]]"#, "")]);
    let data = data.display().to_string();
    let explained = voicesim(&["classifier", "explain", "--data", &data, "--id", "yeah"]);
    assert_eq!(explained.status.code(), Some(0), "{}", stderr(&explained));
    let text = stdout(&explained);
    assert!(
        text.contains("for: ") && text.contains("against: "),
        "{text}"
    );
    let unknown = voicesim(&["classifier", "explain", "--data", &data, "--id", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2));

    // Two recordings that began together: somebody talks over an answer.
    let caller = folder.path().join("caller.wav");
    let mut samples = vec![0.0; 2 * SAMPLE_RATE as usize];
    samples.extend(decode::read(&fixture("piper-wait-stop.wav")).expect("a fixture"));
    wav::write_mono(&caller, &samples, SAMPLE_RATE).expect("written");
    let pair = |agent: &str| format!("{},{agent}", caller.display());
    let over = pair(&fixture("piper-pause.wav").display().to_string());
    let explained = voicesim(&["classifier", "explain", "--wav", &over]);
    assert_eq!(explained.status.code(), Some(0), "{}", stderr(&explained));
    assert!(stdout(&explained).contains("activity only"));
    let silent = pair(&fixture("silence.wav").display().to_string());
    let refused = voicesim(&["classifier", "explain", "--wav", &silent]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
}

#[cfg(not(feature = "train"))]
#[test]
fn training_names_the_feature_that_it_needs() {
    let refused = voicesim(&["classifier", "train", "--data", "/nonexistent.jsonl"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        stderr(&refused).contains("--features train"),
        "{}",
        stderr(&refused)
    );
}
