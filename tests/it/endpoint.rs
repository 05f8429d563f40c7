//! `voicesim endpoint` from the outside, and what the classifier does in conversations and simulations.

use crate::support::understands::{held, judged, understood};
use crate::support::{stderr, stdout, voicesim};
use std::path::{Path, PathBuf};
use voicesim::event::{Event, Mark, Metric};
use voicesim::record::store::KeepAudio;
use voicesim::run::Run;
use voicesim::scenario::{self, Scenario};

const CONTEXT: &str = r#"{"turn_s":2.4,"turn_w":6,"stretch_s":2.4,"tp_n":0,"tp_last":0,"sp_n":12,"sp_mean":0.5,"sp_max":1.4,"rate":4.0,"rate_spk":4.0,"last_d":0.3,"last5_d":0.2,"prev_q":1,"prev_gap":0.4,"prev_tail":"how can i help you"}"#;

/// A line of pauses: what was said last, and more before its end.
fn line(id: &str, said: &str, more: &str) -> String {
    let words: Vec<&str> = said.split(' ').collect();
    let token = |(index, word): (usize, &&str)| {
        let end = -20 * (words.len() - 1 - index) as i64;
        format!("[{},{end},\"{word}\"]", end - 20)
    };
    let tokens: Vec<String> = words.iter().enumerate().map(token).collect();
    let tokens = tokens.join(",");
    format!(r#"{{"id":"{id}","toks":[{tokens}],"ctx":{CONTEXT}{more}}}"#)
}

fn labelled(id: &str, said: &str, label: &str, pause_s: f64) -> String {
    let more = format!(
        r#","corpus":"made","conv":"c{}","spk":"s","turn":"t{id}","split":"dev","y":{{"label":"{label}","pause":{pause_s}}},"info":{{"act_done":1,"two_party":1}}"#,
        id.len()
    );
    line(id, said, &more)
}

fn file(folder: &Path, lines: &[String]) -> String {
    let path: PathBuf = folder.join("pauses.jsonl");
    std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    path.display().to_string()
}

fn commits(data: &str, more: &[&str]) -> Vec<f64> {
    let all = [&["endpoint", "predict", "--data", data], more].concat();
    let predicted = voicesim(&all);
    assert_eq!(predicted.status.code(), Some(0), "{}", stderr(&predicted));
    let commit = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["commit_ms"].as_f64().expect("a silence")
    };
    stdout(&predicted).lines().map(commit).collect()
}

#[test]
fn words_that_go_on_are_waited_for_longer_than_a_finished_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = [
        line("goes-on", "i would like to book a table for the", ""),
        line("hesitates", "i would like to book um", ""),
        line("over", "yeah that would be great thanks", ""),
    ];
    let data = file(folder.path(), &lines);
    let after = commits(&data, &[]);
    let [goes_on, hesitates, over] = after[..] else {
        panic!("{after:?}");
    };
    assert!(over + 100.0 <= goes_on, "{after:?}");
    assert!(over + 100.0 <= hesitates, "{after:?}");
    // More cut-offs, shorter waits; a fixed silence is the same for all.
    let sooner = commits(&data, &["--cut-offs", "0.3"]);
    assert!(sooner.iter().zip(&after).all(|(a, b)| a < b), "{sooner:?}");
    let fixed = commits(&data, &["--policy", "silence", "--cut-offs", "0.3"]);
    assert!(
        fixed.iter().all(|silence| *silence == fixed[0]),
        "{fixed:?}"
    );
}

#[test]
fn words_that_come_late_are_not_waited_for_without_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = file(
        folder.path(),
        &[line("over", "that would be great thanks", "")],
    );
    let prompt = commits(&data, &["--cut-offs", "0.3"])[0];
    let late = commits(&data, &["--cut-offs", "0.3", "--word-delay-ms", "5000"])[0];
    assert!(prompt < late && late < 2_500.0, "{prompt} {late}");
    let data = file(folder.path(), &[line("laughs", "<laugh>", "")]);
    let wordless = commits(&data, &["--cut-offs", "0.3", "--word-delay-ms", "5000"])[0];
    assert!(wordless < 2_500.0, "{wordless}");
}

#[test]
fn bad_input_is_named_with_a_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = line("a", "yes", "");
    let data = file(
        folder.path(),
        &[good.clone(), good.replace("\"sp_n\":12", "\"sp_n\":-1")],
    );
    for (arguments, expected) in [
        (&["predict", "--data", data.as_str()][..], "line 2"),
        (
            &["predict", "--data", "/nonexistent.jsonl"],
            "name a .jsonl",
        ),
        (
            &["predict", "--data", data.as_str(), "--cut-offs", "0.9"],
            "between 0.01 and 0.5",
        ),
        (
            &["predict", "--data", data.as_str(), "--policy", "guess"],
            "classifier",
        ),
        (
            &["predict", "--data", data.as_str(), "--policy", "eot"],
            "these files have none; take classifier or silence",
        ),
        (
            &["predict", "--data", data.as_str(), "--policy", "smart_turn"],
            "go by the sound",
        ),
        (
            &[
                "eval",
                "--data",
                data.as_str(),
                "--svg",
                "/nonexistent/a.svg",
            ],
            "--svg /nonexistent/a.svg",
        ),
        (
            &["eval", "--data", data.as_str(), "--scenario", "none.toml"],
            "none.toml",
        ),
    ] {
        let refused = voicesim(&[&["endpoint"], arguments].concat());
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}\n{said}");
        assert!(said.contains(expected), "{said}");
    }
    let data = file(folder.path(), &[good]);
    let refused = voicesim(&["endpoint", "eval", "--data", &data]);
    assert_eq!(refused.status.code(), Some(2), "no labels");
    let data = file(folder.path(), &[labelled("a", "yes", "end", 2.5)]);
    let refused = voicesim(&["endpoint", "eval", "--data", &data]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("1 ends and 0 pauses"), "{said}");
    let unknown = voicesim(&["endpoint", "explain", "--data", &data, "--id", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
}

#[test]
fn an_evaluation_holds_the_policies_against_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lines = Vec::new();
    for index in 0..60 {
        let id = "i".repeat(1 + index % 9) + &index.to_string();
        let length = 0.2 + 0.03 * index as f64;
        lines.push(labelled(&id, "so i would like to", "pause", length));
        lines.push(labelled(
            &format!("{id}e"),
            "yeah that would be great",
            "end",
            2.5,
        ));
    }
    let data = file(folder.path(), &lines);
    let evaluated = voicesim(&["endpoint", "eval", "--data", &data, "--json"]);
    assert_eq!(evaluated.status.code(), Some(0), "{}", stderr(&evaluated));
    let document: serde_json::Value = serde_json::from_str(&stdout(&evaluated)).expect("JSON");
    assert_eq!(document["schema"], "voicesim.endpoint_eval/1");
    assert_eq!(
        (&document["pauses"], &document["ends"]),
        (&60.into(), &60.into())
    );
    assert_eq!(document["with_words"], 120);
    let rows = document["rows"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["saves_ms_95"].is_array()));
    let saves = |policy: &str| -> Vec<f64> {
        let own = rows.iter().filter(|row| row["policy"] == policy);
        own.filter_map(|row| row["saves_ms"].as_f64()).collect()
    };
    assert!(
        saves("silence").iter().all(|saves| saves.abs() < 40.0),
        "{rows:?}"
    );
    assert!(
        saves("classifier").iter().all(|saves| *saves > 20.0),
        "{rows:?}"
    );
}

#[test]
fn the_pauses_of_a_run_are_found_and_one_run_promises_nothing_about_others() {
    let evaluated = voicesim(&["endpoint", "eval", "tests/it/data/recorded"]);
    let said = stdout(&evaluated);
    assert_eq!(evaluated.status.code(), Some(0), "{}", stderr(&evaluated));
    assert!(said.starts_with("your calls: 3 pauses and 5 ends in 5 turns of 1 conversations"));
    assert!(said.contains("Conversations are too few"), "{said}");
    assert!(!said.contains('('), "an interval of one run: {said}");
}

#[test]
fn simulated_callers_are_nobodys_callers() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("simulated").display().to_string();
    simulated(&["--out", &out]);
    let runs = folder.path().display().to_string();
    let refused = voicesim(&["endpoint", "eval", &runs]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("is of a simulation"), "{said}");
}

#[test]
fn a_decision_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = file(
        folder.path(),
        &[line("a", "i would like to book a table for the", "")],
    );
    let explained = voicesim(&["endpoint", "explain", "--data", &data, "--id", "a"]);
    insta::assert_snapshot!(stdout(&explained));
}

const ENGINES: &str = "[stt]\nengine = \"simulated\"\nlatency = { fixed_ms = 50 }\n[answer]\nengine = \"simulated\"\nlatency = { fixed_ms = 100 }\n[tts]\nengine = \"simulated\"\nlatency = { fixed_ms = 100 }\n[ear.lag]\nfixed_ms = 0\n[endpointing]\npolicy = \"classifier\"\ncut_offs = 0.2\n[[turn]]\nspeech = { length = { fixed_ms = 1200 } }\n";

fn asked() -> Scenario {
    let parsed = scenario::parse(Path::new("endpoint.toml"), ENGINES);
    parsed.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_conversation_waits_by_its_words_and_says_why() {
    let waited = |words| {
        let run = held(understood(Run::of(asked()), words));
        let delay = run.measured.metrics[&Metric::EndOfTurnDelay]
            .answered()
            .summary();
        let endpoint = run.measured.rows[0].endpoint.clone().expect("a decision");
        assert_eq!(endpoint.policy, "classifier");
        assert!(endpoint.probability.is_some(), "{endpoint:?}");
        assert!(
            endpoint.reasons[0].starts_with("silence of "),
            "{endpoint:?}"
        );
        assert!(endpoint.reasons.len() > 1, "{endpoint:?}");
        delay.expect("answered").max_ms
    };
    let (goes_on, over) = (
        waited("I'd like to book a table for the"),
        waited("Yeah, that's great."),
    );
    assert!(over + 100.0 <= goes_on, "{over} {goes_on}");
}

/// Somebody who pauses once, for as long as that.
fn pausing(policy: &str, pause_ms: u32) -> Scenario {
    let engines = ENGINES.split("[endpointing]").next().expect("engines");
    let speech = format!(
        "{{ length = {{ fixed_ms = 2000 }}, pauses = [{{ after_ms = 900, length = {{ fixed_ms = {pause_ms} }} }}] }}"
    );
    let text = format!("{engines}{policy}[[turn]]\nspeech = {speech}\n");
    let parsed = scenario::parse(Path::new("pausing.toml"), &text);
    parsed.unwrap_or_else(|error| panic!("{error}"))
}

const EOT: &str = "[endpointing]\npolicy = \"eot\"\ncut_offs = 0.2\n";

#[test]
fn by_words_and_sound_a_conversation_waits_for_who_sounds_unfinished() {
    let waited = |probability| {
        let run = understood(Run::of(pausing(EOT, 150)), "I'd like to book it");
        let run = held(judged(run, probability));
        let endpoint = run.measured.rows[0].endpoint.clone().expect("a decision");
        assert_eq!(endpoint.policy, "eot");
        assert!(
            endpoint.reasons[1].starts_with("it sounds "),
            "{endpoint:?}"
        );
        let delay = run.measured.metrics[&Metric::EndOfTurnDelay]
            .answered()
            .summary();
        delay.expect("answered").max_ms
    };
    let (finished, unfinished) = (waited(0.97), waited(0.04));
    assert!(finished + 100.0 <= unfinished, "{finished} {unfinished}");
}

/// How many replies were prepared for somebody who pauses, whose words are `words` and who sounds as finished as that.
fn prepared(speculation: &str, words: &'static str, probability: f64) -> usize {
    let scenario = pausing(&format!("{EOT}{speculation}"), 190);
    let run = held(judged(understood(Run::of(scenario), words), probability));
    let is_prepared = |event: &&Event| matches!(event.mark, Mark::Speculated { .. });
    run.events.iter().filter(is_prepared).count()
}

#[test]
fn replies_are_prepared_only_where_the_caller_has_probably_finished() {
    let goes_on = "I'd like to book a table for the";
    let over = "Yeah, that's great, thanks.";
    let probable = "[speculation]\nprobability = 0.4\n";
    assert_eq!(
        prepared("", goes_on, 0.2),
        2,
        "in the pause, and at the end"
    );
    // Not in the pause; at the end after a long silence, if at all.
    assert!(prepared(probable, goes_on, 0.2) <= 1);
    let certain = "[speculation]\nprobability = 0.95\n";
    assert_eq!(prepared(certain, goes_on, 0.2), 0);
    assert!(prepared(probable, over, 0.95) >= 1);
    let anything = "[speculation]\nprobability = 0.001\n";
    assert_eq!(prepared(anything, goes_on, 0.2), 2);
}

/// How many replies were prepared before somebody had paused whose words are `words` all the time.
fn anticipated(probability: &str, words: &'static str) -> usize {
    let speculation = format!("[speculation]\nwhile_speaking_ms = 300\n{probability}[[turn]]");
    let text = ENGINES.replace("[[turn]]", &speculation);
    let scenario = scenario::parse(Path::new("anticipated.toml"), &text);
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    let run = held(understood(Run::of(scenario), words));
    let has_paused = |event: &&Event| matches!(event.mark, Mark::VoicePaused { .. });
    let paused = run.events.iter().find(has_paused).expect("a pause").tick;
    let is_prepared = |event: &&Event| matches!(event.mark, Mark::Speculated { .. });
    let prepared = run.events.iter().filter(is_prepared);
    prepared.filter(|event| event.tick < paused).count()
}

#[test]
fn an_answer_is_anticipated_only_to_words_that_are_probably_all() {
    let (goes_on, over) = (
        "I'd like to book a table for the",
        "Yeah, that's great, thanks.",
    );
    assert!(anticipated("", goes_on) >= 1, "whatever was said");
    assert_eq!(anticipated("probability = 0.2\n", goes_on), 0);
    assert!(anticipated("probability = 0.2\n", over) >= 1);
}

#[test]
fn a_probability_that_nobody_tells_is_refused_with_a_cure() {
    let refused = |text: &str| {
        let all = format!(
            "{}{text}",
            ENGINES.replace("policy = \"classifier\"\ncut_offs = 0.2\n", "")
        );
        scenario::parse(Path::new("a.toml"), &all)
            .expect_err("a problem")
            .to_string()
    };
    let of_silence = refused("[speculation]\nprobability = 0.3\n");
    assert!(of_silence.contains("silence tells none"), "{of_silence}");
    let beyond = refused("[speculation]\nprobability = 1.5\n");
    assert!(
        beyond.contains("no probability between 0 and 1"),
        "{beyond}"
    );
    let smart_turn = ENGINES.replace(
        "policy = \"classifier\"\ncut_offs = 0.2\n",
        "policy = \"smart_turn\"\n",
    );
    let text = smart_turn + "[speculation]\nprobability = 0.3\nwhile_speaking_ms = 500\n";
    let in_speech = scenario::parse(Path::new("a.toml"), &text);
    let in_speech = in_speech.expect_err("a problem").to_string();
    assert!(in_speech.contains("in pauses alone"), "{in_speech}");
    let simulated = voicesim(&[
        "simulate",
        HESITANT,
        "--set",
        "endpointing.policy=classifier",
        "--set",
        "speculation.probability=0.3",
    ]);
    let said = stderr(&simulated);
    assert_eq!(simulated.status.code(), Some(2), "{said}");
    assert!(said.contains("speculation.probability"), "{said}");
}

#[test]
fn runs_whose_sound_was_judged_compare_all_policies_and_are_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    for (index, pause_ms) in [700, 1_500].into_iter().enumerate() {
        let patient =
            "[endpointing]\npolicy = \"smart_turn\"\nthreshold = 0.9\npatience_ms = 2400\n";
        let run = understood(Run::of(pausing(patient, pause_ms)), "I'd like to book it");
        let out = folder.path().join(index.to_string());
        held(judged(run, 0.5).keep_in(out, KeepAudio::Yes));
    }
    let runs = folder.path().display().to_string();
    let scenario = folder.path().join("agent.toml");
    std::fs::write(&scenario, EOT).expect("written");
    let scenario = scenario.display().to_string();
    let svg = folder.path().join("trade-off.svg");
    let picture = svg.display().to_string();
    let all = [
        "endpoint",
        "eval",
        &runs,
        "--scenario",
        &scenario,
        "--svg",
        &picture,
    ];
    let evaluated = voicesim(&all);
    let said = stdout(&evaluated);
    assert_eq!(evaluated.status.code(), Some(0), "{}", stderr(&evaluated));
    assert!(said.contains("the sound of 4 was judged"), "{said}");
    for policy in ["silence", "classifier", "smart_turn", "eot"] {
        assert!(said.contains(&format!("\n{policy} ")), "{said}");
    }
    assert!(said.contains("the scenario"), "{said}");
    let drawn = std::fs::read_to_string(svg).expect("a picture");
    assert_eq!(drawn.matches("<polyline").count(), 4);
    assert!(drawn.contains("class=\"chosen\""), "{drawn}");

    let unheard = "tests/it/data/recorded";
    let refused = voicesim(&["endpoint", "eval", unheard, "--scenario", &scenario]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("none of these pauses was heard"), "{said}");
}

#[test]
fn a_conversation_by_words_and_sound_repeats_to_the_byte_without_the_judge() {
    let [first, second] = [(), ()].map(|()| tempfile::tempdir().expect("a folder"));
    let scenario = || pausing(&format!("{EOT}[speculation]\nprobability = 0.05\n"), 400);
    let events = |folder: &tempfile::TempDir| {
        std::fs::read(folder.path().join("events.jsonl")).expect("events")
    };
    let kept = |folder: &tempfile::TempDir| folder.path().to_owned();
    let once = judged(understood(Run::of(scenario()), "I'd like to book it"), 0.8);
    held(once.keep_in(kept(&first), KeepAudio::Yes));
    let again = Run::of(scenario()).repeating(kept(&first));
    held(again.keep_in(kept(&second), KeepAudio::Yes));
    assert!(events(&first) == events(&second));
    assert!(String::from_utf8_lossy(&events(&first)).contains("it sounds finished"));
    let told = stdout(&voicesim(&["report", &first.path().display().to_string()]));
    assert!(told.contains("with a probability of 0.05"), "{told}");
    assert!(told.contains("by eot, p "), "{told}");
}

#[test]
fn a_recorded_conversation_repeats_to_the_byte() {
    let [first, second] = [(), ()].map(|()| tempfile::tempdir().expect("a folder"));
    let kept = |run: Run, folder: &tempfile::TempDir| {
        held(run.keep_in(folder.path().to_owned(), KeepAudio::Yes));
        std::fs::read(folder.path().join("events.jsonl")).expect("events")
    };
    let once = kept(Run::of(asked()), &first);
    let again = kept(Run::of(asked()).repeating(first.path().to_owned()), &second);
    assert!(once == again);
    assert!(String::from_utf8_lossy(&once).contains("\"classifier\""));
}

const HESITANT: &str = "audio/simulations/endpointing.toml";

fn simulated(more: &[&str]) -> serde_json::Value {
    let fixed = ["simulate", HESITANT, "--conversations", "300", "--json"];
    let all = [&fixed, more].concat();
    let simulated = voicesim(&all);
    assert_eq!(simulated.status.code(), Some(0), "{}", stderr(&simulated));
    serde_json::from_str(&stdout(&simulated)).expect("JSON")
}

#[test]
fn the_more_cut_offs_are_allowed_the_sooner_simulated_callers_are_answered() {
    let of = |cut_offs: &str, policy: &str| {
        let set = format!("endpointing.cut_offs={cut_offs}");
        let policy = format!("endpointing.policy={policy}");
        let document = simulated(&["--set", &policy, "--set", &set]);
        let wait = document["hops"]["endpointing_wait"]["p50_ms"].as_f64();
        let cut = document["interruptions"]["cut_offs"].as_u64();
        (wait.expect("a wait"), cut.expect("a count"))
    };
    let (strict, lax) = (of("0.03", "classifier"), of("0.3", "classifier"));
    assert!(lax.0 + 200.0 < strict.0, "{strict:?} {lax:?}");
    assert!(strict.1 * 2 < lax.1, "{strict:?} {lax:?}");
    let heard = of("0.1", "eot");
    let unheard = of("0.1", "classifier");
    assert!(heard.0 + 20.0 < unheard.0, "{heard:?} {unheard:?}");
}
