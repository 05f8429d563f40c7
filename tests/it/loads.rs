//! Many calls at once, on engines that they share.

use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use voicesim::event::{Hop, StageName};
use voicesim::experiment::Simulation;
use voicesim::measure::Totals;
use voicesim::scenario::{self, Scenario};

/// Callers who ask, wait and make no other sound.
fn text(settings: &str) -> String {
    format!(
        "cores = 2\n[caller]\nquestions = 1\nspeech = {{ fixed_ms = 500 }}\npause_every_s = 0.0\npatience = {{ fixed_ms = 0.0 }}\nbackchannels_per_minute = 0.0\ninterruptions_per_minute = 0.0\nnoises_per_minute = 0.0\n[speculation]\nenabled = false\n[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n[tts]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n{settings}"
    )
}

fn scenario(settings: &str) -> Scenario {
    scenario::parse(Path::new("made-up.toml"), &text(settings)).expect("a scenario")
}

fn simulate(scenario: Scenario, worlds: u32) -> Totals {
    let simulation = Simulation::of(scenario).worlds(worlds).threads(2);
    let stop = AtomicBool::new(false);
    simulation
        .run(&stop, &|_, _| {})
        .expect("a simulation")
        .totals
}

fn pool(totals: &Totals) -> voicesim::measure::PoolFigures {
    totals.load.as_ref().expect("a load").pools[&StageName::Answer]
}

const ONE_SLOT: &str = "[pool.answer]\nslots = 1\n";
const SIMULATED: &str = "[answer]\nengine = \"simulated\"\ntext = \"Yes.\"\n";

/// Of an exponential distribution the 95th percentile is ln 20 / ln 2 times the median, ln 2 times the mean.
fn exponential(mean_ms: f64) -> String {
    let median_ms = mean_ms * 2.0_f64.ln();
    let p95_ms = mean_ms * 20.0_f64.ln();
    format!("latency = {{ weibull = {{ median_ms = {median_ms}, p95_ms = {p95_ms} }} }}\n")
}

#[test]
fn questions_wait_for_one_slot_as_in_an_m_m_1_queue() {
    let settings = format!(
        "{SIMULATED}{}{ONE_SLOT}[load]\narrivals = {{ per_minute = 48 }}\nwarm_up_s = 300\nduration_s = 4300\n",
        exponential(1_000.0)
    );
    let totals = simulate(scenario(&settings), 64);
    let waits = totals.measured.hops[&Hop::QueueWait].answered().summary();
    let mean_ms = waits.expect("waits").mean_ms;
    // 0.8 / (1 - 0.8) of a second; the theory of pools is held more closely where they are made.
    assert!((mean_ms - 4_000.0).abs() < 200.0, "{mean_ms} ms");
    assert!((pool(&totals).busy_share() - 0.8).abs() < 0.01);
    assert_eq!(totals.measured.exact, totals.measured.turns);
}

#[test]
fn so_many_calls_are_open_all_the_time() {
    let settings = format!(
        "{SIMULATED}latency = {{ fixed_ms = 200 }}\n{ONE_SLOT}[load]\ncalls = 5\nwarm_up_s = 10\nduration_s = 100\n"
    );
    let totals = simulate(scenario(&settings), 4);
    let load = totals.load.expect("a load");
    assert_eq!((load.calls_mean(), load.calls_max), (5.0, 5));
    assert_eq!(load.calls, totals.conversations);
}

#[test]
fn a_load_is_the_same_at_any_number_of_threads_and_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("load.toml");
    let settings = format!(
        "{SIMULATED}{}{ONE_SLOT}[load]\narrivals = {{ per_minute = 30 }}\nwarm_up_s = 10\nduration_s = 60\n",
        exponential(700.0)
    );
    fs::write(&path, text(&settings)).expect("a file");
    let path = path.to_str().expect("a path");
    let mut reports = Vec::new();
    for threads in ["1", "2"] {
        let out = folder.path().join(threads);
        let out = out.to_str().expect("a path");
        let done = voicesim(&[
            "simulate",
            path,
            "--worlds",
            "7",
            "--threads",
            threads,
            "--events",
            "all",
            "--out",
            out,
        ]);
        assert!(done.status.success(), "{}", stderr(&done));
        reports.push(stdout(&done));
    }
    assert_eq!(reports[0], reports[1]);
    for file in ["turns.bin", "events.jsonl", "report.json", "latency.hlog"] {
        let of = |threads: &str| fs::read(folder.path().join(threads).join(file)).expect(file);
        assert!(!of("1").is_empty());
        assert_eq!(of("1"), of("2"), "{file}");
    }
    let report = fs::read(folder.path().join("1/report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["load"]["worlds"], 7);
    assert_eq!(report["load"]["pools"]["answer"]["slots_max"], 1);
}

#[test]
fn a_load_that_never_drains_is_refused_with_the_saturation_point() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("load.toml");
    let settings = format!(
        "{SIMULATED}latency = {{ fixed_ms = 2000 }}\n{ONE_SLOT}[load]\narrivals = {{ per_minute = 60 }}\n"
    );
    fs::write(&path, text(&settings)).expect("a file");
    let done = voicesim(&["simulate", path.to_str().expect("a path")]);
    let said = stderr(&done);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(
        said.contains("pool.answer: this load never drains"),
        "{said}"
    );
    // A question takes two seconds of the slot.
    let point = said.split("saturates at about ").nth(1).and_then(|rest| {
        let number = rest.split(' ').next()?;
        number.parse::<f64>().ok()
    });
    assert!(point.is_some_and(|at| (at - 30.0).abs() < 0.5), "{said}");
}

/// Callers who wait ask less, so what is asked for does not show how far it is too much.
#[test]
fn callers_who_hang_up_do_not_hide_that_a_load_is_too_much() {
    let settings = format!(
        "{SIMULATED}latency = {{ fixed_ms = 2000 }}\n{ONE_SLOT}[load]\narrivals = {{ per_minute = 9 }}\n"
    );
    let scenario = scenario(&settings).changed(|file| {
        file.caller.as_mut().expect("a caller").questions = 4;
    });
    let scenario = scenario.expect("a scenario");
    let stop = AtomicBool::new(false);
    let refused = Simulation::of(scenario).worlds(2).run(&stop, &|_, _| {});
    let error = refused
        .err()
        .expect("four questions of two seconds, nine times a minute");
    assert!(
        error.to_string().contains("saturates at about 7."),
        "{error}"
    );
}

#[test]
fn a_full_queue_and_a_rate_limit_refuse_and_the_question_fails() {
    let load = "[load]\narrivals = { per_minute = 60 }\nwarm_up_s = 0\nduration_s = 300\n";
    let slow = format!("{SIMULATED}latency = {{ fixed_ms = 2000 }}\n");
    let full = simulate(scenario(&format!("{slow}{ONE_SLOT}queue = 1\n{load}")), 8);
    let limited = simulate(
        scenario(&format!(
            "{slow}[pool.answer]\nslots = 100\nrequests_per_minute = 30\nburst = 1\n{load}"
        )),
        8,
    );
    assert!(pool(&full).refused_full > 1_000);
    assert_eq!(pool(&full).waiting_max, 1);
    assert!(pool(&limited).refused_rate > 500);
    for totals in [full, limited] {
        let pool = pool(&totals);
        let (failed, refused) = (
            u64::from(totals.measured.interruptions.failed_turns),
            pool.refused_full + pool.refused_rate,
        );
        // A call that began in time may ask when nothing is counted any more.
        assert!(
            (refused..refused + 10).contains(&failed),
            "{failed} of {refused}"
        );
    }
}

#[test]
fn servers_are_added_after_their_delay_and_start_cold() {
    let load = "[load]\ncalls = 8\nwarm_up_s = 0\nduration_s = 300\n";
    let slow = format!("{SIMULATED}latency = {{ fixed_ms = 2000 }}\n");
    let mean_wait = |settings: &str| {
        let totals = simulate(
            scenario(&format!("{slow}[pool.answer]\n{settings}\n{load}")),
            4,
        );
        let waits = totals.measured.hops[&Hop::QueueWait].answered().summary();
        (waits.expect("waits").mean_ms, pool(&totals))
    };
    // A queue that never fills: what waits in it is all that is asked for.
    let (alone, _) = mean_wait("slots = 1\nqueue = 100");
    let (helped, pool) =
        mean_wait("slots = 1\nscale = { servers_max = 4, delay_s = 20, when_waiting = 1 }");
    let (cold, _) = mean_wait("slots = 8\ncold_start_ms = 5000\nidle_s = 1000");
    assert!(helped < 0.6 * alone, "{helped} against {alone} ms");
    let slots = pool.slots_us as f64 / 4.0 / 300e6;
    assert!(slots > 2.0 && slots < 4.0, "{slots} slots on average");
    // Only the first question of each of eight calls waits for the start.
    assert!(cold > 0.0 && cold < 500.0, "{cold} ms");
}

#[test]
fn a_batch_is_served_together() {
    let load = "[load]\ncalls = 8\nwarm_up_s = 0\nduration_s = 120\n";
    let slow = format!("{SIMULATED}latency = {{ fixed_ms = 1000 }}\n");
    let answered = |pool: &str| {
        let totals = simulate(scenario(&format!("{slow}[pool.answer]\n{pool}\n{load}")), 2);
        totals.measured.turns
    };
    let (one_by_one, together) = (
        answered("slots = 1\nqueue = 100"),
        answered("slots = 1\nbatch = 4\nbatch_wait_ms = 50"),
    );
    // With so much room the callers are the limit.
    assert!(
        2 * together > 3 * one_by_one,
        "{together} against {one_by_one}"
    );
}

#[test]
fn batches_that_keep_up_are_not_saturated() {
    let settings = format!(
        "{SIMULATED}latency = {{ fixed_ms = 1000 }}\n[pool.answer]\nslots = 1\nbatch = 8\n[load]\narrivals = {{ per_minute = 150 }}\nwarm_up_s = 10\nduration_s = 100\n"
    );
    let totals = simulate(scenario(&settings), 8);
    let load = totals.load.as_ref().expect("a load");
    let share = load.asked_share(&pool(&totals));
    assert!((0.25..0.4).contains(&share), "{share}");
}

#[test]
fn shards_of_a_load_are_merged_to_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("load.toml");
    let settings = format!(
        "{SIMULATED}{}{ONE_SLOT}[load]\narrivals = {{ per_minute = 30 }}\nwarm_up_s = 10\nduration_s = 60\n",
        exponential(700.0)
    );
    fs::write(&path, text(&settings)).expect("a file");
    let path = path.to_str().expect("a path");
    let out = |name: &str| {
        folder
            .path()
            .join(name)
            .to_str()
            .expect("a path")
            .to_owned()
    };
    let run = |arguments: &[&str]| {
        let done = voicesim(arguments);
        assert!(done.status.success(), "{}", stderr(&done));
    };
    let (whole, merged) = (out("whole"), out("merged"));
    run(&["simulate", path, "--worlds", "7", "--out", &whole]);
    let shards: Vec<String> = ["1/3", "2/3", "3/3"]
        .iter()
        .map(|shard| {
            let out = out(&shard.replace('/', "-"));
            run(&[
                "simulate", path, "--worlds", "7", "--shard", shard, "--out", &out,
            ]);
            out
        })
        .collect();
    run(&[
        "merge", &shards[2], &shards[0], &shards[1], "--out", &merged,
    ]);
    for file in [
        "turns.bin",
        "events.jsonl",
        "totals.json",
        "report.json",
        "report.txt",
    ] {
        let of = |folder: &str| fs::read(Path::new(folder).join(file)).expect(file);
        assert_eq!(of(&whole), of(&merged), "{file}");
    }
}

#[test]
fn a_load_that_is_stopped_says_so() {
    let settings = format!(
        "{SIMULATED}latency = {{ fixed_ms = 200 }}\n[load]\ncalls = 2\nwarm_up_s = 1\nduration_s = 20\n"
    );
    let stop = AtomicBool::new(false);
    let simulated = Simulation::of(scenario(&settings))
        .worlds(64)
        .run(&stop, &|_, _| {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        })
        .expect("a simulation");
    assert_eq!(simulated.totals.worlds(), 1);
    assert!(simulated.totals.measured.is_cut_short);
}

#[test]
fn arrivals_come_from_a_file_or_from_a_rising_rate() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("arrivals.txt"), "0.5\n1\n\n20.25\n").expect("a file");
    let settings = |arrivals: &str| {
        text(&format!(
            "{SIMULATED}[load]\narrivals = {{ {arrivals} }}\nwarm_up_s = 0\nduration_s = 60\n"
        ))
    };
    let path = folder.path().join("made-up.toml");
    let parse = |text: &str| scenario::parse(&path, text);
    let traced = parse(&settings("trace = \"arrivals.txt\"")).expect("a scenario");
    assert_eq!(simulate(traced, 2).conversations, 6);
    let ramp = "ramp = { from_per_minute = 0, to_per_minute = 600 }";
    let held = simulate(parse(&settings(ramp)).expect("a scenario"), 16).conversations;
    // 300 on average in each of 16 worlds, with a standard deviation of 69 in all.
    assert!((4_600..5_000).contains(&held), "{held}");
    fs::write(folder.path().join("arrivals.txt"), "0.5\nnoon\n").expect("a file");
    let error = parse(&settings("trace = \"arrivals.txt\"")).expect_err("no time");
    assert!(
        error
            .to_string()
            .contains("arrivals.txt line 2: \"noon\" is no time"),
        "{error}"
    );
    let error = parse(&settings("trace = \"nowhere.txt\"")).expect_err("no file");
    assert!(
        error.to_string().contains("cannot read the arrivals"),
        "{error}"
    );
}

#[test]
fn what_is_no_load_is_refused_with_its_key() {
    for (settings, said) in [
        (
            "[load]\ncalls = 0\n",
            "load.calls: 0; give between 1 and 5000",
        ),
        ("[load]\n", "load.calls: give either calls = N"),
        ("[load]\ncalls = 5\nwarm_up_s = 900\n", "load.warm_up_s"),
        (
            "[load]\narrivals = { per_minute = 0 }\n",
            "load.arrivals: nobody ever comes",
        ),
        (
            "[load]\narrivals = { per_hour = 5 }\n",
            "unknown variant `per_hour`",
        ),
        (
            "[pool.answer]\nslots = 0\n",
            "pool.answer.slots: 0; give between 1",
        ),
        ("[pool.answr]\nslots = 1\n", "unknown field `answr`"),
        ("[pool.speech_to_speech]\nslots = 1\n", "no such stage"),
        (
            "[pool.tts]\nslots = 1\nbatch_wait_ms = -1\n",
            "pool.tts.batch_wait_ms: -1",
        ),
    ] {
        let text = text(&format!("{SIMULATED}{settings}"));
        let error = scenario::parse(Path::new("made-up.toml"), &text).expect_err(settings);
        assert!(error.to_string().contains(said), "{settings}: {error}");
    }
    let real = text("[answer]\nengine = \"retrieval\"\n[pool.answer]\nslots = 1\n");
    let error = scenario::parse(Path::new("made-up.toml"), &real).expect_err("a real engine");
    assert!(
        error
            .to_string()
            .contains("only the engine \"simulated\" stands in a pool")
    );
}
