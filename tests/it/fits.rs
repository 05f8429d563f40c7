//! Fitting: a simulation whose latencies are known is fitted to, and what comes out says the same.

use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

fn said(arguments: &[&str], code: i32) -> String {
    let output = voicesim(arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}",
        stderr(&output)
    );
    stdout(&output)
}

fn json(arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json", "-q"]].concat();
    serde_json::from_str(&said(&arguments, 0)).expect("one JSON document")
}

fn refused(arguments: &[&str]) -> String {
    let output = voicesim(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    stderr(&output)
}

/// An agent whose every latency is known.
const AGENT: &str = "cores = 2
[caller]
questions = 8
speech = { lognormal = { median_ms = 2000, p95_ms = 4000 } }
pause_every_s = 0.0
pause = { lognormal = { median_ms = 250, p95_ms = 600 } }
patience = { fixed_ms = 0 }
backchannels_per_minute = 0.0
interruptions_per_minute = 0.0
noises_per_minute = 0.0
[ear]
lag = { uniform = { min_ms = 50, max_ms = 100 } }
[endpointing]
silence_ms = 500
[speculation]
enabled = false
[stt]
engine = \"simulated\"
latency = { lognormal = { median_ms = 200, p95_ms = 300 } }
[answer]
engine = \"simulated\"
texts = [\"Yes.\", \"We open at nine in the morning, and we close at six in the evening.\"]
latency = { turns = [ { lognormal = { median_ms = 900, p95_ms = 1300 } }, { lognormal = { median_ms = 400, p95_ms = 600 } } ] }
[tts]
engine = \"simulated\"
latency = { linear = { base_ms = 20, per_character_ms = 3, residual = { uniform = { min_ms = 0, max_ms = 30 } } } }
";

/// Simulates the agent and fits to what it did; the folder that both are in.
fn fitted() -> tempfile::TempDir {
    let folder = folder();
    let (agent, kept) = (
        path(folder.path(), "agent.toml"),
        path(folder.path(), "kept"),
    );
    fs::write(&agent, AGENT).expect("written");
    said(
        &[
            "simulate",
            &agent,
            "--conversations",
            "100",
            "--out",
            &kept,
            "-q",
        ],
        0,
    );
    folder
}

#[test]
fn a_simulation_of_a_fit_is_like_what_was_fitted_to_also_with_other_settings() {
    let folder = fitted();
    let (agent, kept) = (
        path(folder.path(), "agent.toml"),
        path(folder.path(), "kept"),
    );
    let profile = path(folder.path(), "profile.toml");
    let fit = json(&["fit", &kept, "--out", &profile]);
    assert_eq!(
        fit["stages"]["answer"]["kinds_of_turn"], 2,
        "the first answer is slow"
    );
    assert_eq!(fit["stages"]["tts"]["family"], "linear");
    let slope = fit["stages"]["tts"]["slope_ms"].as_f64().expect("a slope");
    assert!((slope / 3.0 - 1.0).abs() < 0.1, "{slope} ms a character");
    for setting in [
        "endpointing.silence_ms=500",
        "endpointing.silence_ms=304",
        "speculation.enabled=true",
    ] {
        let both = [
            vec!["simulate", agent.as_str()],
            vec!["simulate", "--profile", profile.as_str()],
        ];
        let [truth, fitted] = both.map(|asked| {
            let more = ["--conversations", "2000", "--set", setting];
            json(&[asked.as_slice(), more.as_slice()].concat())["metrics"]["e2e_latency"].clone()
        });
        for figure in ["mean_ms", "p50_ms", "p95_ms"] {
            let error = fitted[figure].as_f64().expect("a figure")
                / truth[figure].as_f64().expect("a figure")
                - 1.0;
            assert!(error.abs() < 0.05, "{setting}: {figure} off by {error}");
        }
    }
}

#[test]
fn a_fit_reads_like_this() {
    let folder = folder();
    let profile = path(folder.path(), "profile.toml");
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data/recorded");
    let text = said(&["fit", recorded, "--out", &profile], 0);
    let text = text.replace(&folder.path().to_string_lossy().into_owned(), "");
    insta::assert_snapshot!("fit", text);
    let written = fs::read_to_string(&profile).expect("a profile");
    let day = regex::Regex::new(r"\d{4}-\d\d-\d\d").expect("a pattern");
    insta::assert_snapshot!("profile", day.replace_all(&written, "DAY"));
}

#[test]
fn a_profile_goes_over_a_scenario_and_says_where_that_leaves_it() {
    let folder = folder();
    let profile = path(folder.path(), "profile.toml");
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data/recorded");
    said(&["fit", recorded, "--out", &profile, "-q"], 0);
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/audio/demo.toml");
    let few = ["--conversations", "50", "-q"];
    let simulate = |more: &[&str]| {
        said(
            &[
                &["simulate", demo, "--profile", &profile],
                few.as_slice(),
                more,
            ]
            .concat(),
            0,
        )
    };
    assert!(simulate(&[]).contains("its figures rest on a profile"));
    let changed = simulate(&["--set", "stt.latency.preset=deepgram-nova-3"]);
    assert!(changed.contains("but stt was set otherwise"), "{changed}");
    let more = simulate(&["--set", "cores=4"]);
    assert!(
        more.contains("outside of what the profile has seen: cores = 4"),
        "{more}"
    );
    // Other commands take it too.
    let swept = said(
        &[
            "sweep",
            "--profile",
            &profile,
            "--vary",
            "endpointing.silence_ms=304,704",
            "--conversations",
            "50",
            "-q",
        ],
        0,
    );
    assert!(swept.contains("rest on a profile"), "{swept}");
}

#[test]
fn an_engine_that_computes_is_slower_on_fewer_cores_and_one_elsewhere_is_not() {
    let folder = folder();
    let agent = path(folder.path(), "agent.toml");
    let text = AGENT.replace(
        "[tts]\nengine = \"simulated\"\n",
        "[tts]\nengine = \"simulated\"\ncompute = { threads = 2, serial = 0.4 }\n",
    );
    fs::write(&agent, text).expect("written");
    let hop = |cores: &str, name: &str| {
        let cores = format!("cores={cores}");
        let document = json(&[
            "simulate",
            &agent,
            "--conversations",
            "200",
            "--set",
            &cores,
        ]);
        document["hops"][name]["p50_ms"].as_f64().expect("a hop")
    };
    let ratio = hop("1", "speech_synthesis") / hop("2", "speech_synthesis");
    assert!((ratio - 1.6).abs() < 0.02, "{ratio}");
    assert_eq!(hop("1", "transcription"), hop("2", "transcription"));
}

#[test]
fn a_voice_that_begins_inaudibly_is_heard_so_much_later_also_by_a_profile_of_it() {
    let folder = folder();
    let [agent, kept, profile] =
        ["agent.toml", "kept", "profile.toml"].map(|name| path(folder.path(), name));
    let text = AGENT.replace("[tts]\n", "[tts]\nleading_silence_ms = 30\n");
    fs::write(&agent, text).expect("written");
    let plain = path(folder.path(), "plain.toml");
    fs::write(&plain, AGENT).expect("written");
    let e2e_ms = |scenario: &str, more: &[&str]| {
        let asked = [&["simulate", scenario, "--conversations", "100"], more].concat();
        let document = json(&asked);
        let head = document["hops"]["leading_silence"]["mean_ms"].as_f64();
        let e2e = document["metrics"]["e2e_latency"]["mean_ms"].as_f64();
        (head, e2e.expect("answered"))
    };
    let (head, e2e) = e2e_ms(&agent, &["--out", &kept]);
    let (_, without) = e2e_ms(&plain, &[]);
    assert_eq!(head, Some(30.0));
    assert!((e2e - without - 30.0).abs() < 1e-6, "{e2e} and {without}");
    said(&["fit", &kept, "--out", &profile, "-q"], 0);
    let text = fs::read_to_string(&profile).expect("a profile");
    assert!(
        text.contains("leading_silence_ms = 30.0    # of 800 answers"),
        "{text}"
    );
    assert_eq!(e2e_ms(&profile, &[]).0, Some(30.0));
    let set = ["--set", "tts.leading_silence_ms=1001"];
    let told = refused(&[&["simulate", agent.as_str()], &set[..]].concat());
    assert!(
        told.contains("tts.leading_silence_ms: 1001; give 0 to 1000"),
        "{told}"
    );
}

#[test]
fn the_same_results_give_the_same_profile() {
    let folder = fitted();
    let kept = path(folder.path(), "kept");
    let [first, second] = ["a", "b"].map(|name| {
        let profile = path(folder.path(), &format!("{name}/profile.toml"));
        fs::create_dir(folder.path().join(name)).expect("made");
        said(&["fit", &kept, "--out", &profile, "-q"], 0);
        fs::read_to_string(profile).expect("a profile")
    });
    assert_eq!(first, second);
}

#[test]
fn calls_of_which_only_the_whole_is_known_are_drawn_as_a_whole() {
    let folder = folder();
    let table = path(folder.path(), "calls.csv");
    let mut rows = String::from("call,e2e_ms\n");
    for call in 0..60 {
        for turn in 0..4 {
            let slow = if turn == 3 { 900 } else { 0 };
            rows += &format!(
                "call-{call},{}\n",
                900 + (call * 37 + turn * 101) % 400 + slow
            );
        }
    }
    fs::write(&table, rows).expect("written");
    let (imported, profile) = (
        path(folder.path(), "imported"),
        path(folder.path(), "profile.toml"),
    );
    said(&["import", &table, "--out", &imported, "-q"], 0);
    let fit = json(&["fit", &imported, "--out", &profile]);
    assert_eq!(fit["stages"]["whole"]["kinds_of_turn"], 4);
    let document = json(&["simulate", "--profile", &profile, "--conversations", "500"]);
    for (figure, measured) in [("p50_ms", "p50_ms"), ("p95_ms", "p95_ms")] {
        let drawn = document["metrics"]["e2e_latency"][figure]
            .as_f64()
            .expect("a figure");
        let measured = fit["e2e_latency"][measured].as_f64().expect("a figure");
        assert!(
            (drawn / measured - 1.0).abs() < 0.03,
            "{figure}: {drawn}, {measured}"
        );
    }
}

#[test]
fn what_cannot_be_fitted_is_refused_with_what_is_missing_and_nothing_is_written() {
    let folder = folder();
    let profile = path(folder.path(), "profile.toml");
    let one = path(folder.path(), "one.csv");
    fs::write(&one, "call,e2e_ms\na,900\n").expect("written");
    let imported = path(folder.path(), "imported");
    said(&["import", &one, "--out", &imported, "-q"], 0);
    let empty = path(folder.path(), "empty");
    fs::create_dir(&empty).expect("made");
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/audio/demo.toml");
    for (given, cure) in [
        (imported.as_str(), "two at least"),
        (empty.as_str(), "empty folder"),
        (demo, "is a scenario, not a folder of results"),
        ("/nonexistent", "no such run folder"),
        (one.as_str(), "voicesim import"),
    ] {
        let error = refused(&["fit", given, "--out", &profile]);
        assert!(error.contains(cure), "{given}: {error}");
        assert!(!Path::new(&profile).exists(), "{given}");
    }
    let error = refused(&["fit", &imported, "--out", "/nonexistent/profile.toml"]);
    assert!(error.contains("--out"), "{error}");
    let error = refused(&["simulate", "--profile", demo]);
    assert!(error.contains("it has no [profile]"), "{error}");
    let error = refused(&["simulate"]);
    assert!(error.contains("SCENARIO"), "{error}");
}

#[test]
fn a_record_that_is_cut_short_is_fitted_as_far_as_it_goes() {
    let folder = folder();
    let cut = folder.path().join("cut");
    fs::create_dir(&cut).expect("made");
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
    fs::copy(recorded.join("header.json"), cut.join("header.json")).expect("copied");
    let events = fs::read_to_string(recorded.join("events.jsonl")).expect("events");
    let half: Vec<&str> = events.lines().take(events.lines().count() / 2).collect();
    // As a killed run leaves it: the last line is not whole.
    fs::write(cut.join("events.jsonl"), half.join("\n") + "\n{\"tick\":99").expect("written");
    let profile = path(folder.path(), "profile.toml");
    let text = said(&["fit", &cut.to_string_lossy(), "--out", &profile], 0);
    assert!(text.contains("careful: only"), "{text}");
}

#[test]
fn turns_that_were_not_answered_or_are_predicted_not_to_be_do_not_hold() {
    let (folder, base, profile) = profiled();
    // An engine that fails now and then, and a prediction of one.
    let fault = "\n[[fault]]\nstage = \"answer\"\nerror = \"503 overloaded\"\nprobability = 0.2\n";
    let faulty = runs(
        folder.path(),
        "faulty",
        20..28,
        ("[tts]", &format!("{fault}[tts]")),
    );
    let error = refused(&["validate", &faulty, "--profile", &profile]);
    assert!(error.contains("were not answered"), "{error}");
    let written = fs::read_to_string(&profile).expect("a profile");
    let failing = path(folder.path(), "failing.toml");
    fs::write(&failing, format!("{written}{fault}")).expect("written");
    let text = said(&["validate", &base, "--profile", &failing], 1);
    assert!(text.contains("are predicted not to be answered"), "{text}");
}

#[test]
fn runs_with_longer_answers_than_the_profile_has_seen_get_no_verdict() {
    let (folder, _, profile) = profiled();
    let longer = (
        "Yes.",
        "Yes, we do. We are a small shop by the old harbour with four rooms above it.",
    );
    let longer = runs(folder.path(), "longer", 20..28, longer);
    let error = refused(&["validate", &longer, "--profile", &profile]);
    assert!(error.contains("characters that were measured"), "{error}");
}

/// A folder with runs in it and a profile that was fitted to them, and where both are.
fn profiled() -> (tempfile::TempDir, String, String) {
    let folder = folder();
    let profile = path(folder.path(), "profile.toml");
    let base = runs(folder.path(), "base", 1..9, ("", ""));
    said(&["fit", &base, "--out", &profile, "-q"], 0);
    (folder, base, profile)
}

/// A shorter wait for the caller to go on.
const SHORTER: (&str, &str) = ("silence_ms = 500", "silence_ms = 304");

/// Runs of a script by simulated engines, which are runs like any other: a folder for each seed.
fn runs(folder: &Path, name: &str, seeds: std::ops::Range<u32>, change: (&str, &str)) -> String {
    script_runs(folder, name, seeds, (30, &[change]))
}

/// Runs of a script of so many turns.
fn script_runs(
    folder: &Path,
    name: &str,
    seeds: std::ops::Range<u32>,
    (turns, changes): (u32, &[(&str, &str)]),
) -> String {
    let engines = AGENT.split_once("[ear]").map_or("", |(_, rest)| rest);
    let scenario = format!("cores = 2\n[ear]{engines}");
    let mut scenario = changes
        .iter()
        .fold(scenario, |text, (from, to)| text.replace(from, to));
    for turn in 0..turns {
        let ms = 900 + 173 * turn % 1_900;
        scenario += &format!("\n[[turn]]\nspeech = {{ length = {{ fixed_ms = {ms} }} }}\n");
    }
    let all = folder.join(name);
    fs::create_dir(&all).expect("made");
    for seed in seeds {
        let script = path(folder, &format!("{name}-{seed}.toml"));
        fs::write(&script, format!("seed = {seed}\n{scenario}")).expect("written");
        let out = path(&all, &seed.to_string());
        // A run in which an answer fails ends with exit code 1.
        let code = i32::from(scenario.contains("[[fault]]"));
        said(
            &["run", &script, "--clock", "virtual", "--out", &out, "-q"],
            code,
        );
    }
    all.to_string_lossy().into_owned()
}

#[test]
fn a_profile_of_some_runs_holds_for_others_also_with_other_settings() {
    let (folder, base, profile) = profiled();
    for (name, change) in [
        ("same", ("", "")),
        ("shorter", SHORTER),
        ("ahead", ("enabled = false", "enabled = true")),
    ] {
        let target = runs(folder.path(), name, 20..28, change);
        let found = json(&["validate", &target, "--profile", &profile]);
        assert_eq!(found["verdict"], "holds", "{name}: {found}");
        assert_eq!(found["turns"], 240);
        assert_eq!(
            (&found["unanswered"], &found["doubtful"]),
            (&0.into(), &0.into())
        );
        // Turn by turn with its own job times the simulator is right.
        let structure = &found["structure"];
        assert_eq!(structure["near"], structure["turns"], "{name}: {structure}");
        assert!(
            structure["turns"].as_u64() > Some(200),
            "{name}: {structure}"
        );
        // What its own job times give is what the simulator itself is off by.
        let figures = found["figures"].as_array().expect("figures");
        let mean = figures
            .iter()
            .find(|one| one["name"] == "e2e_latency" && one["statistic"] == "mean")
            .expect("a mean");
        let ms = |key: &str| mean[key].as_f64().expect("ms");
        let off = ms("structure_ms") - ms("measured_ms");
        assert!(off.abs() < 10.0, "{name}: the simulator is off by {off} ms");
    }
    let text = said(&["validate", &base, "--profile", &profile, "--save"], 0);
    assert!(text.contains("wrote it into"), "{text}");
    let again = said(
        &[
            "simulate",
            "--profile",
            &profile,
            "--conversations",
            "50",
            "-q",
        ],
        0,
    );
    assert!(
        again.contains("its p95 by") && !again.contains("no run has checked"),
        "{again}"
    );
}

#[test]
fn a_profile_that_predicts_wrongly_is_told_with_exit_code_1() {
    let (folder, _, profile) = profiled();
    let slower = runs(
        folder.path(),
        "slower",
        20..28,
        (
            "median_ms = 400, p95_ms = 600",
            "median_ms = 700, p95_ms = 900",
        ),
    );
    let text = said(&["validate", &slower, "--profile", &profile, "--save"], 1);
    assert!(text.contains("It does not hold: e2e_latency p50"), "{text}");
    // The answer is what is wrong, and it says so; the wait for the endpoint is right.
    let wrong = text
        .lines()
        .filter(|line| line.contains("more than chance") && line.contains(" mean "))
        .collect::<Vec<_>>()
        .join("\n");
    let is_wrong = |name: &str| {
        wrong
            .lines()
            .any(|line| line.trim_start().starts_with(name))
    };
    assert!(
        is_wrong("answer") && !is_wrong("endpointing_wait"),
        "{text}"
    );
}

#[test]
fn what_decides_nothing_is_refused_with_the_cure() {
    let folder = folder();
    let profile = path(folder.path(), "profile.toml");
    let base = runs(folder.path(), "base", 1..3, ("", ""));
    let other = runs(folder.path(), "other", 1..3, SHORTER);
    said(&["fit", &base, "--out", &profile, "-q"], 0);
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data/recorded");
    let kept = path(folder.path(), "kept");
    said(
        &[
            "simulate",
            "--profile",
            &profile,
            "--conversations",
            "20",
            "--out",
            &kept,
            "-q",
        ],
        0,
    );
    for (given, cure) in [
        (vec![recorded], "fewer than 20 decide nothing"),
        (vec![base.as_str(), other.as_str()], "different settings"),
        (vec![kept.as_str()], "is a simulation"),
    ] {
        let error = refused(&[&["validate", "--profile", &profile], given.as_slice()].concat());
        assert!(error.contains(cure), "{given:?}: {error}");
    }
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/audio/demo.toml");
    let error = refused(&["validate", &base, "--profile", demo]);
    assert!(error.contains("it has no [profile]"), "{error}");
}

/// The agent of [`AGENT`] on a machine that takes 1.2 times as long.
const SLOWER: [(&str, &str); 5] = [
    (
        "median_ms = 200, p95_ms = 300",
        "median_ms = 240, p95_ms = 360",
    ),
    (
        "median_ms = 900, p95_ms = 1300",
        "median_ms = 1080, p95_ms = 1560",
    ),
    (
        "median_ms = 400, p95_ms = 600",
        "median_ms = 480, p95_ms = 720",
    ),
    (
        "base_ms = 20, per_character_ms = 3,",
        "base_ms = 24, per_character_ms = 3.6,",
    ),
    ("max_ms = 30 }", "max_ms = 36 }"),
];

/// Writes another time into the header of each run of a folder, and what it was asked for.
fn began(all: &str, at: &str, like: Option<&Value>) -> Value {
    let mut first = None;
    for (nth, entry) in fs::read_dir(all).expect("a folder").enumerate() {
        let header = entry.expect("an entry").path().join("header.json");
        let text = fs::read_to_string(&header).expect("a header");
        let mut read: Value = serde_json::from_str(&text).expect("JSON");
        read["started"] = format!("2026-11-29T{at}:{nth:02}Z").into();
        if let Some(like) = like {
            read["scenario"] = like["scenario"].clone();
            read["engines"] = like["engines"].clone();
        }
        fs::write(&header, read.to_string()).expect("written");
        // What was written another time has none any more.
        let _ = fs::remove_file(header.with_file_name("checksums.json"));
        first.get_or_insert(read);
    }
    first.expect("a run")
}

#[test]
fn a_calibrator_takes_the_drift_of_the_machine_out_of_a_prediction() {
    let folder = folder();
    let profile = path(folder.path(), "profile.toml");
    let calibrator = folder.path().join("calibrator");
    fs::create_dir(&calibrator).expect("made");
    // The calibrator around the fit, then slower with the machine.
    let base = runs(folder.path(), "base", 1..9, ("", ""));
    let target = script_runs(folder.path(), "target", 20..28, (30, &SLOWER));
    let asked = began(&base, "10:10", None);
    began(&target, "11:10", Some(&asked));
    let mut like = None;
    for (name, at, changes) in [
        ("a", "10:00", &[][..]),
        ("b", "10:20", &[][..]),
        ("c", "11:00", &SLOWER[..]),
        ("d", "11:20", &SLOWER[..]),
        ("e", "12:20", &[][..]),
    ] {
        let all = script_runs(folder.path(), name, 7..8, (6, changes));
        like = Some(began(&all, at, like.as_ref()));
        fs::rename(Path::new(&all).join("7"), calibrator.join(name)).expect("moved");
    }
    let calibrator = calibrator.to_string_lossy().into_owned();
    let beside = ["--calibrator", calibrator.as_str()];
    said(&["fit", &base, "--out", &profile, "-q"], 0);
    let error = refused(&[&["validate", &target, "--profile", &profile], &beside[..]].concat());
    assert!(error.contains("was fitted without one"), "{error}");
    said(
        &[&["fit", &base, "--out", &profile, "-q"], &beside[..]].concat(),
        0,
    );
    let text = said(&["validate", &target, "--profile", &profile], 1);
    assert!(text.contains("hold no calibrator"), "{text}");
    let page = path(folder.path(), "page.html");
    let more = [&beside[..], &["--html", &page]].concat();
    let text = said(
        &[
            &["validate", &target, "--profile", &profile],
            more.as_slice(),
        ]
        .concat(),
        0,
    );
    assert!(
        text.contains("stt ×1.20") && text.contains("tts ×1.20"),
        "{text}"
    );
    let page = fs::read_to_string(&page).expect("a page");
    for told in [
        "How far off",
        "Measured and predicted",
        "stt ×1.20",
        "endpointing_wait",
    ] {
        assert!(page.contains(told), "{told}");
    }
    // Between the slow one and the next one that is not, nobody knows how fast the machine was.
    began(&target, "12:10", Some(&asked));
    let error = refused(&[&["validate", &target, "--profile", &profile], &beside[..]].concat());
    assert!(error.contains("moved by -17 %"), "{error}");
    // And behind the last one it is not known either.
    began(&target, "13:10", Some(&asked));
    let error = refused(&[&["validate", &target, "--profile", &profile], &beside[..]].concat());
    assert!(
        error.contains("no calibrator before and after it"),
        "{error}"
    );
}

#[test]
fn what_is_no_calibrator_is_refused_and_nothing_is_written() {
    let folder = folder();
    let profile = path(folder.path(), "profile.toml");
    let base = runs(folder.path(), "base", 1..3, ("", ""));
    let others = runs(folder.path(), "others", 1..3, SHORTER);
    fs::rename(Path::new(&others).join("2"), Path::new(&base).join("9")).expect("moved");
    for (calibrator, cure) in [
        (base.as_str(), "always the same"),
        (others.as_str(), "one before and one after"),
    ] {
        let error = refused(&[
            "fit",
            &others,
            "--out",
            &profile,
            "--calibrator",
            calibrator,
        ]);
        assert!(
            error.contains(cure) && error.contains("--calibrator"),
            "{error}"
        );
    }
    assert!(!Path::new(&profile).exists());
}

/// What other programs do to the agent of [`AGENT`] in bursts.
const DISTURBANCE: &str = "
[disturbance]
begins = 0.1
stays = 0.8
stt = { lognormal = { median_ms = 900, p95_ms = 1400 } }
tts = { fixed_ms = 500 }
";

#[test]
fn disturbed_jobs_come_in_bursts_and_a_fit_finds_them_again() {
    let folder = folder();
    let (agent, kept) = (
        path(folder.path(), "agent.toml"),
        path(folder.path(), "kept"),
    );
    let computes = AGENT
        .replace("[stt]", "[stt]\ncompute = { threads = 1 }")
        .replace("[tts]", "[tts]\ncompute = { threads = 1 }");
    fs::write(&agent, format!("{computes}{DISTURBANCE}")).expect("written");
    let asked = [
        "simulate",
        &agent,
        "--conversations",
        "100",
        "--out",
        &kept,
        "-q",
    ];
    let text = said(&asked, 0);
    assert!(text.contains("disturb 33 % of the engines' jobs"), "{text}");
    let profile = path(folder.path(), "profile.toml");
    let text = said(&["fit", &kept, "--disturbed", "--out", &profile], 0);
    assert!(text.contains("a state of the machine"), "{text}");
    let written = fs::read_to_string(&profile).expect("a profile");
    let read: toml::Table = toml::from_str(&written).expect("TOML");
    let share = |key: &str| read["disturbance"][key].as_float().expect("a share");
    assert!((share("begins") - 0.1).abs() < 0.03, "{written}");
    assert!((share("stays") - 0.8).abs() < 0.05, "{written}");
    assert!(
        read["disturbance"].get("stt").is_some() && read["disturbance"].get("answer").is_none()
    );
    // What is drawn of the profile is as slow as what it was fitted to, in all.
    let p95 = |asked: &[&str]| {
        let more = [asked, &["--conversations", "2000"]].concat();
        let found = json(&more)["metrics"]["e2e_latency"]["p95_ms"].as_f64();
        found.expect("a p95")
    };
    let (truth, fitted) = (
        p95(&["simulate", &agent]),
        p95(&["simulate", "--profile", &profile]),
    );
    assert!(
        (fitted / truth - 1.0).abs() < 0.05,
        "{fitted}, truth {truth}"
    );
    let quiet = p95(&[
        "simulate",
        "--profile",
        &profile,
        "--set",
        "disturbance.begins=0.0",
    ]);
    assert!(quiet < 0.9 * truth, "{quiet}, truth {truth}");
}

#[test]
fn a_disturbance_is_of_a_simulation_of_one_conversation() {
    let folder = folder();
    let agent = path(folder.path(), "agent.toml");
    let load = "[load]\ncalls = 2\nduration_s = 100.0\n";
    fs::write(&agent, format!("{AGENT}{DISTURBANCE}{load}")).expect("written");
    let error = refused(&["simulate", &agent]);
    assert!(
        error.contains("disturbance.begins") && error.contains("holds one conversation"),
        "{error}"
    );
    let scripted = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/audio/simulations/scripted.toml"
    );
    let set = [
        "--set",
        "disturbance.begins=0.1",
        "--set",
        "disturbance.stt={fixed_ms=900}",
    ];
    let error = refused(
        &[
            &["simulate", scripted],
            &set[..],
            &["--set", "disturbance.stays=2.0"],
        ]
        .concat(),
    );
    assert!(error.contains("disturbance.stays"), "{error}");
    let alone = "[disturbance]\nbegins = 0.1\n";
    fs::write(&agent, format!("{AGENT}{alone}")).expect("written");
    let error = refused(&["simulate", &agent]);
    assert!(error.contains("no engine takes longer"), "{error}");
}
