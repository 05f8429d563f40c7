//! `--html`: pages that people read, and what is refused.

use crate::support::{SIMULATED, command, stderr, voicesim};
use std::fs;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/data")
        .join(name)
}

/// The page that a command writes.
fn page(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page.html");
    let path_text = path.to_string_lossy().into_owned();
    let arguments: Vec<&str> = arguments
        .iter()
        .copied()
        .chain(["--html", &path_text])
        .collect();
    let output = voicesim(&arguments);
    assert!(output.status.code() < Some(2), "{}", stderr(&output));
    assert!(
        !output.stdout.is_empty(),
        "the report for the terminal is printed, too"
    );
    fs::read_to_string(path).expect("a page")
}

/// A page is one file: whatever it refers to is in it.
fn loads_nothing(page: &str) {
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("default-src &#39;none&#39;"));
    for attribute in ["src=\"", "href=\"", "url("] {
        for rest in page.split(attribute).skip(1) {
            let is_inside = rest.starts_with('#') || rest.starts_with("data:");
            assert!(is_inside, "{attribute}{}", &rest[..rest.len().min(60)]);
        }
    }
}

#[test]
fn a_run_a_folder_of_runs_and_a_simulation_have_pages() {
    let run = page(&["report", &data("recorded").to_string_lossy()]);
    loads_nothing(&run);
    assert_eq!(run.matches("<article").count(), 8);
    let calls = page(&["report", &data("interruptions").to_string_lossy()]);
    loads_nothing(&calls);
    assert!(calls.contains("8 calls") && calls.contains("href=\"#call-8\""));
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, format!("{SIMULATED}\n[caller]\nquestions = 3\n")).expect("written");
    let out = folder.path().join("out");
    let arguments = [
        "simulate",
        &scenario.to_string_lossy(),
        "--conversations",
        "100",
        "--out",
        &out.to_string_lossy(),
    ];
    let output = voicesim(&arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let simulation = page(&["report", &out.to_string_lossy()]);
    loads_nothing(&simulation);
    assert!(simulation.contains("100 conversations") && simulation.contains("95 % interval"));
}

#[test]
fn the_sound_of_a_run_is_in_its_page_and_plays_from_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let recorded = data("recorded");
    let output = voicesim(&[
        "run",
        "--recorded",
        &recorded.to_string_lossy(),
        "--out",
        &run.to_string_lossy(),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = page(&["report", &run.to_string_lossy()]);
    loads_nothing(&page);
    let sound = match cfg!(feature = "opus") {
        true => "data:audio/ogg;codecs=opus;base64,",
        false => "data:audio/wav;base64,",
    };
    assert!(page.contains("<audio controls") && page.contains(sound));
    if cfg!(feature = "opus") {
        assert!(page.len() < 600_000, "{} bytes for a minute", page.len());
    }
    let script = page.split("<script>").nth(1).expect("a script");
    assert!(script.contains("data-start") || script.contains("dataset.start"));
}

/// A page without what differs between two that were made of the same.
fn same(page: &str) -> String {
    let differs =
        |line: &&str| !line.contains("<dt>folder</dt>") && !line.contains("<dt>started</dt>");
    let lines = page.lines().filter(differs);
    // The date also stands below the title.
    lines
        .filter(|line| !line.contains("Z</bdi></li>"))
        .collect()
}

#[test]
fn run_and_simulate_write_the_page_that_report_writes_and_leave_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (scenario, run) = (
        folder.path().join("scenario.toml"),
        folder.path().join("run"),
    );
    fs::write(&scenario, format!("{SIMULATED}\n[caller]\nquestions = 3\n")).expect("written");
    let (scenario, run) = (scenario.to_string_lossy(), run.to_string_lossy());
    let recorded = data("recorded");
    let of_run = page(&[
        "run",
        "--recorded",
        &recorded.to_string_lossy(),
        "--out",
        &run,
    ]);
    assert_eq!(of_run, page(&["report", &run]), "a run that is kept");
    let simulate = ["simulate", &scenario, "--conversations", "100"];
    let of_simulation = page(&simulate);
    let out = folder.path().join("out");
    let out = out.to_string_lossy();
    let kept: Vec<&str> = simulate.into_iter().chain(["--out", &out]).collect();
    assert!(voicesim(&kept).status.success());
    assert_eq!(same(&of_simulation), same(&page(&["report", &out])));
    assert!(
        !of_simulation.contains("<dt>folder</dt>"),
        "there is none to name"
    );
}

#[test]
fn a_measured_call_can_be_seen_and_heard_unless_no_sound_may_be_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let recorded = data("recorded").to_string_lossy().into_owned();
    let run = voicesim(&["run", "--recorded", &recorded, "--out", &at("run")]);
    assert!(run.status.success(), "{}", stderr(&run));
    let call = at("run/conversation.wav");
    let measure = ["measure", "--no-transcribe", &call];
    let with = |more: &[&str]| page(&[&measure[..], more].concat());
    let heard = with(&["--out", &at("kept")]);
    loads_nothing(&heard);
    assert!(heard.contains("<audio controls") && heard.contains("class=\"play\""));
    assert!(Path::new(&at("kept/moments.wav")).is_file());
    assert_eq!(heard, page(&["report", &at("kept")]));
    let seen = with(&["--no-audio", "--out", &at("silent")]);
    assert!(!seen.contains("<audio") && seen.contains("only how loud it was"));
    assert!(!Path::new(&at("silent/moments.wav")).exists());
    assert!(Path::new(&at("silent/moments.json")).is_file());
    // What is measured does not depend on it.
    let events = |name: &str| fs::read(Path::new(&at(name)).join("events.jsonl")).expect("events");
    assert_eq!(events("kept"), events("silent"));
    let nothing = with(&[]);
    assert!(nothing.contains("<audio controls") && !nothing.contains("<dt>folder</dt>"));
}

#[test]
fn a_folder_of_calls_has_its_page_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = folder.path().join("calls");
    fs::create_dir(&calls).expect("a folder");
    let recorded = data("recorded").to_string_lossy().into_owned();
    let run = folder.path().join("run");
    let run = run.to_string_lossy();
    assert!(
        voicesim(&["run", "--recorded", &recorded, "--out", &run])
            .status
            .success()
    );
    for name in ["one.wav", "two.wav"] {
        fs::copy(format!("{run}/conversation.wav"), calls.join(name)).expect("copied");
    }
    let page = page(&["measure", "--no-transcribe", &calls.to_string_lossy()]);
    loads_nothing(&page);
    assert!(page.contains("<h1><bdi>calls</bdi></h1>") && page.contains("2 calls"));
    assert!(page.contains("one.wav") && page.contains("two.wav"));
}

#[test]
fn the_settings_of_a_sweep_and_of_a_plan_have_pages() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/endpointing.toml");
    let scenario = scenario.to_string_lossy();
    let some = [
        "--vary",
        "endpointing.silence_ms=200,400",
        "--conversations",
        "70",
    ];
    let sweep: Vec<&str> = ["sweep", &scenario].into_iter().chain(some).collect();
    let page_of_sweep = page(&sweep);
    loads_nothing(&page_of_sweep);
    assert!(page_of_sweep.contains("<bdi>400</bdi>") && page_of_sweep.contains("beaten by none"));
    let budget = ["--set", "budget.e2e_latency_p95_ms=1"];
    let plan: Vec<&str> = ["plan", &scenario]
        .into_iter()
        .chain(some)
        .chain(budget)
        .collect();
    let page_of_plan = page(&plan);
    loads_nothing(&page_of_plan);
    assert!(page_of_plan.contains("No setting keeps every budget for certain"));
    assert!(page_of_plan.contains("What the nearest settings miss"));
}

#[test]
fn a_page_that_cannot_be_written_is_refused_before_any_work() {
    let recorded = data("recorded").to_string_lossy().into_owned();
    for arguments in [
        vec!["report", &recorded, "--html", "/nonexistent/page.html"],
        vec!["run", "none.toml", "--html", "/nonexistent/page.html"],
        vec!["simulate", "none.toml", "--html", "/nonexistent/page.html"],
        vec!["measure", "none.wav", "--html", "/nonexistent/page.html"],
        vec![
            "sweep",
            "none.toml",
            "--vary",
            "cores=1",
            "--html",
            "/nonexistent/page.html",
        ],
    ] {
        let output = command(&arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        let says = stderr(&output);
        assert!(
            says.contains("--html /nonexistent/page.html: there is no folder"),
            "{says}"
        );
    }
}
