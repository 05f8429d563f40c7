//! Simulations: the figures are those of the models, and the same at any number of threads.

use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use voicesim::event::{Hop, Metric};
use voicesim::experiment::{KeepEvents, Simulation};
use voicesim::measure::Totals;
use voicesim::scenario::latency::LatencyModel;
use voicesim::scenario::{self, Scenario, TopologyName};

/// A caller who asks, waits and makes no other sound; engines as they are given.
fn scenario(settings: &str) -> Scenario {
    let text = format!(
        "cores = 2\n[caller]\nquestions = 4\npause_every_s = 0.0\npatience = {{ fixed_ms = 0.0 }}\nbackchannels_per_minute = 0.0\ninterruptions_per_minute = 0.0\nnoises_per_minute = 0.0\n[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n{settings}"
    );
    scenario::parse(Path::new("made-up.toml"), &text).expect("a scenario")
}

fn simulate(scenario: Scenario, conversations: u32, threads: usize) -> Totals {
    let simulation = Simulation::of(scenario)
        .worlds(conversations)
        .threads(threads);
    let stop = AtomicBool::new(false);
    simulation
        .run(&stop, &|_, _| {})
        .expect("a simulation")
        .totals
}

fn hop_mean_ms(totals: &Totals, hop: Hop) -> f64 {
    let summary = totals.measured.hops[&hop].answered().summary();
    summary.expect("recorded").mean_ms
}

fn e2e(totals: &Totals) -> voicesim::measure::Summary {
    let summary = totals.measured.metrics[&Metric::E2eLatency]
        .answered()
        .summary();
    summary.expect("answered")
}

#[test]
fn fixed_latencies_add_up_to_the_millisecond() {
    let totals = simulate(
        scenario(
            "[stt.latency]\nfixed_ms = 200.0\n[answer.latency]\nfixed_ms = 300.0\n[tts.latency]\nfixed_ms = 150.0\n[speculation]\nenabled = false\n",
        ),
        16,
        1,
    );
    // A voice ends for the ear 5 ms late, and 304 ms are nineteen of its steps.
    let e2e = e2e(&totals);
    assert_eq!(
        (e2e.count, e2e.max_ms),
        (64, 5.0 + 304.0 + 200.0 + 300.0 + 150.0)
    );
    assert_eq!((e2e.mean_ms, totals.measured.exact), (e2e.max_ms, 64));
    assert_eq!(hop_mean_ms(&totals, Hop::Answer), 300.0);
}

#[test]
fn a_speculation_hides_what_is_shorter_than_the_wait() {
    let settings = "[stt.latency]\nfixed_ms = 100.0\n[answer.latency]\nfixed_ms = 100.0\n[tts.latency]\nfixed_ms = 30.0\n";
    let totals = simulate(scenario(settings), 16, 1);
    assert_eq!(e2e(&totals).max_ms, 5.0 + 304.0);
    let speculation = totals.measured.speculation;
    assert_eq!((speculation.prepared, speculation.kept), (64, 64));
}

/// The mean of a sum is the sum of the means, and that of a lognormal is known.
#[test]
fn the_mean_of_lognormal_stages_lies_in_its_interval() {
    let (median_ms, p95_ms) = (300.0_f64, 600.0);
    let model = LatencyModel::Lognormal { median_ms, p95_ms };
    let scenario = scenario("[speculation]\nenabled = false\n[ear.lag]\nfixed_ms = 0.0\n");
    let scenario = scenario.changed(|file| {
        file.stt.latency = Some(model.clone());
        file.answer.latency = Some(model.clone());
        file.tts.latency = Some(model);
    });
    let totals = simulate(scenario.expect("a scenario"), 4_000, 2);
    let sigma = (p95_ms / median_ms).ln() / 1.644_853_626_951_472_7;
    let mean = median_ms * (sigma * sigma / 2.0).exp();
    let expected = 304.0 + 3.0 * mean;
    let interval = totals.intervals()["e2e_latency_mean_ms"];
    // Twice its width: one test of a hundred like it would fail by chance alone otherwise.
    let half = interval.high - interval.low;
    let found = e2e(&totals).mean_ms;
    assert!(
        (found - expected).abs() < half,
        "{found} against {expected}"
    );
    assert!(half < 0.02 * expected, "{half} ms wide");
}

#[test]
fn a_mixture_has_both_its_heaps() {
    let latency = "[answer.latency]\nmixture = [{ weight = 3, model = { fixed_ms = 100.0 } }, { weight = 1, model = { fixed_ms = 900.0 } }]\n";
    let totals = simulate(
        scenario(&format!("{latency}[speculation]\nenabled = false\n")),
        2_000,
        1,
    );
    let answers = totals.measured.hops[&Hop::Answer]
        .answered()
        .summary()
        .expect("recorded");
    let share = (answers.mean_ms - 100.0) / 800.0;
    assert!((share - 0.25).abs() < 0.02, "{share}");
    assert_eq!((answers.p50_ms.round(), answers.max_ms), (100.0, 900.0));
}

#[test]
fn a_network_takes_its_time_both_ways() {
    let network =
        "[network.in]\ndelay = { fixed_ms = 70.0 }\n[network.out]\ndelay = { fixed_ms = 50.0 }\n";
    let totals = simulate(scenario(network), 16, 1);
    assert_eq!(hop_mean_ms(&totals, Hop::NetworkIn), 70.0);
    assert_eq!(hop_mean_ms(&totals, Hop::NetworkOut), 50.0);
    assert_eq!(totals.measured.exact, e2e(&totals).count);
}

#[test]
fn one_model_in_place_of_the_cascade_is_one_hop() {
    let totals = simulate(
        scenario(
            "[speech_to_speech]\nlatency = { fixed_ms = 600.0 }\n[speculation]\nenabled = false\n",
        )
        .into_speech_to_speech(),
        16,
        1,
    );
    assert_eq!(hop_mean_ms(&totals, Hop::ModelResponse), 600.0);
    assert_eq!(e2e(&totals).max_ms, 5.0 + 304.0 + 600.0);
    assert!(!totals.measured.hops.contains_key(&Hop::Answer));
}

trait IntoSpeechToSpeech {
    fn into_speech_to_speech(self) -> Self;
}

impl IntoSpeechToSpeech for Scenario {
    fn into_speech_to_speech(self) -> Scenario {
        let direct = self.changed(|file| file.topology = TopologyName::SpeechToSpeech);
        direct.expect("a scenario")
    }
}

#[test]
fn a_filler_is_heard_before_a_late_answer_and_is_none() {
    let late = "[answer.latency]\nfixed_ms = 2000.0\n[tts.latency]\nfixed_ms = 100.0\n[speculation]\nenabled = false\n";
    let without = simulate(scenario(late), 16, 1);
    let with = simulate(
        scenario(&format!("{late}[filler]\nafter_ms = 400\n")),
        16,
        1,
    );
    assert_eq!(
        e2e(&with).p50_ms,
        e2e(&without).p50_ms,
        "the answer is no sooner"
    );
    let first = with.measured.metrics[&Metric::FirstSound]
        .answered()
        .summary()
        .expect("recorded");
    assert_eq!(first.max_ms, 5.0 + 304.0 + 250.0 + 400.0);
    assert_eq!(with.measured.callers.fillers, 64);
}

#[test]
fn a_caller_without_patience_starts_again_and_hangs_up() {
    let late = scenario("[answer.latency]\nfixed_ms = 5000.0\n").changed(|file| {
        let caller = file.caller.as_mut().expect("a caller");
        caller.patience = LatencyModel::FixedMs(1_200.0);
    });
    let totals = simulate(late.expect("a scenario"), 10, 1);
    let callers = totals.measured.callers;
    assert_eq!((callers.restarts, callers.hang_ups), (30, 10));
    // Of four questions three were never asked.
    assert_eq!((totals.questions(), totals.measured.turns), (10, 70));
    let waits = &totals.measured.metrics[&Metric::E2eLatency];
    let unanswered = waits.unanswered().expect("nobody was answered");
    assert_eq!((waits.answered().count(), unanswered.count), (0, 70));
    use voicesim::measure::Reason;
    let reasons = [(Reason::BeganAgain, 30), (Reason::HungUp, 40)];
    assert_eq!(unanswered.reasons, reasons.into());
}

#[test]
fn a_vote_buys_accuracy_for_latency() {
    let slow = "[answer]\nengine = \"simulated\"\naccuracy = 0.7\nlatency = { lognormal = { median_ms = 300.0, p95_ms = 600.0 } }\n";
    let with = |samples: u32| {
        let text = slow.to_owned() + &format!("best_of = {samples}\n");
        let answer: Scenario = scenario::parse(Path::new("a.toml"), &text).expect("a scenario");
        let scenario = scenario("").changed(|file| {
            file.answer = answer.file().answer.clone();
            file.speculation.enabled = false;
        });
        simulate(scenario.expect("a scenario"), 1_000, 2)
    };
    let (one, three) = (with(1), with(3));
    let callers = three.measured.callers;
    let right = callers.right_votes as f64 / callers.votes as f64;
    // .7^3 + 3 * .7^2 * .3
    assert!((right - 0.784).abs() < 0.02, "{right}");
    assert!(e2e(&three).mean_ms > e2e(&one).mean_ms);
}

#[test]
fn faults_strike_in_simulations_too() {
    let fault = "[[fault]]\nstage = \"answer\"\nerror = \"no tokens left\"\nprobability = 0.25\n";
    let totals = simulate(scenario(fault), 500, 1);
    let failed = f64::from(totals.measured.interruptions.failed_turns);
    let share = failed / totals.questions() as f64;
    assert!((share - 0.25).abs() < 0.04, "{share}");
}

/// Callers who do everything that callers do.
fn assistant() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/assistant.toml")
}

fn folder_of(scenario: Scenario, threads: usize, folder: &Path) -> Vec<u8> {
    let simulation = Simulation::of(scenario)
        .worlds(300)
        .threads(threads)
        .keep_in(folder.to_owned(), KeepEvents::All);
    let stop = AtomicBool::new(false);
    simulation.run(&stop, &|_, _| {}).expect("a simulation");
    let read = |name: &str| std::fs::read(folder.join(name)).expect(name);
    [
        read("turns.bin"),
        read("events.jsonl"),
        read("report.json"),
        read("latency.hlog"),
    ]
    .concat()
}

#[test]
fn one_thread_and_two_give_the_same_bytes_and_another_seed_gives_others() {
    let temporary = tempfile::tempdir().expect("a folder");
    let scenario = scenario::load(&assistant()).expect("a scenario");
    let one = folder_of(scenario.clone(), 1, &temporary.path().join("one"));
    let two = folder_of(scenario.clone(), 2, &temporary.path().join("two"));
    assert!(one == two, "different at two threads");
    let mut other = scenario;
    other.set_seed(2);
    assert!(one != folder_of(other, 2, &temporary.path().join("other")));
}

#[test]
fn every_answered_turn_adds_up_whatever_callers_do() {
    let totals = simulate(scenario::load(&assistant()).expect("a scenario"), 500, 2);
    assert_eq!(totals.measured.exact, e2e(&totals).count);
    let counts = &totals.measured.interruptions;
    assert!(counts.barge_ins > 50 && counts.false_barge_ins > 0 && counts.cut_offs > 50);
    let stopped = f64::from(counts.missed_barge_ins) / f64::from(counts.barge_ins);
    assert!(stopped < 0.2, "{stopped} of the interruptions missed");
}

/// Impatient endpointing cuts people off; patient endpointing makes them wait.
#[test]
fn more_silence_costs_latency_and_saves_cut_offs() {
    let with = |silence_ms| {
        let scenario = scenario::load(&assistant()).expect("a scenario");
        let scenario = scenario.changed(|file| {
            file.endpointing.silence_ms = silence_ms;
            file.speculation.enabled = false;
            // Nobody starts again, so nothing but the silence differs.
            let caller = file.caller.as_mut().expect("a caller");
            caller.patience = LatencyModel::FixedMs(0.0);
        });
        simulate(scenario.expect("a scenario"), 500, 2)
    };
    let (hasty, patient) = (with(300), with(700));
    let cut_off = |totals: &Totals| totals.cut_off_share().expect("questions");
    assert!(cut_off(&hasty) > 1.5 * cut_off(&patient));
    let wait = |totals: &Totals| hop_mean_ms(totals, Hop::EndpointingWait);
    assert!(wait(&patient) - wait(&hasty) > 380.0);
}

#[test]
fn a_simulation_reports_itself_again_from_its_folder() {
    let temporary = tempfile::tempdir().expect("a folder");
    let out = temporary.path().join("out");
    let (scenario, folder) = (assistant(), out.to_string_lossy().into_owned());
    let command = [
        "simulate",
        &scenario.to_string_lossy(),
        "--conversations",
        "70",
        "--out",
        &folder,
        "-q",
        "--json",
    ];
    let first: Value = serde_json::from_slice(&voicesim(&command).stdout).expect("JSON");
    assert_eq!(
        (&first["conversations"], &first["seed"]),
        (&70.into(), &1.into())
    );
    assert!(first["turns_per_second"].is_number() && first["wall_s"].is_number());
    let mut again: Value =
        serde_json::from_slice(&voicesim(&["report", &folder, "--json"]).stdout).expect("JSON");
    for key in ["wall_s", "turns_per_second", "threads", "out"] {
        again[key] = first[key].clone();
    }
    assert_eq!(first, again);
    assert!(stdout(&voicesim(&["report", &folder])).contains("e2e_latency"));
}

#[test]
fn until_ci_stops_when_the_latency_is_known() {
    let scenario = assistant().to_string_lossy().into_owned();
    // Callers who wait for ever: a wait since the question was first asked varies more.
    let waits = "caller.patience.fixed_ms=0";
    let command = [
        "simulate",
        &scenario,
        "--until-ci",
        "1%",
        "--set",
        waits,
        "-q",
        "--json",
    ];
    let document: Value = serde_json::from_slice(&voicesim(&command).stdout).expect("JSON");
    let conversations = document["conversations"].as_u64().expect("a number");
    assert!(
        (1_000..1_000_000).contains(&conversations),
        "{conversations}"
    );
    let of = |name: &str| {
        let interval = &document["intervals"][name];
        let (low, high) = (interval["low"].as_f64(), interval["high"].as_f64());
        let (low, high) = (low.expect("low"), high.expect("high"));
        (high - low) / (high + low)
    };
    assert!(of("e2e_latency_p50_ms") <= 0.01 && of("e2e_latency_p95_ms") <= 0.01);
}

/// The end-to-end p50 and p95 of 2,048 conversations, and how wide the intervals are that it tells.
fn known(sampling: &str, seed: &str) -> [(f64, f64); 2] {
    let scenario = assistant().with_file_name("telephone.toml");
    let scenario = scenario.to_string_lossy().into_owned();
    let document = voicesim(&[
        "simulate",
        &scenario,
        "--conversations",
        "2048",
        "--seed",
        seed,
        "--set",
        &format!("sampling={sampling}"),
        "--json",
        "-q",
    ]);
    let document: Value = serde_json::from_slice(&document.stdout).expect("JSON");
    ["p50_ms", "p95_ms"].map(|name| {
        let interval = &document["intervals"][format!("e2e_latency_{name}")];
        let end = |of: &str| interval[of].as_f64().expect("an end");
        let figure = &document["metrics"]["e2e_latency"][name];
        (figure.as_f64().expect("a figure"), end("high") - end("low"))
    })
}

#[test]
fn stratified_sampling_says_the_same_and_knows_it_better() {
    let seeds = ["1", "2", "3", "4", "5", "6", "7", "8"];
    let [independent, stratified] =
        ["independent", "stratified"].map(|sampling| seeds.map(|seed| known(sampling, seed)));
    for (of, least) in [(0, 1.5), (1, 1.2)] {
        let means = |all: [[(f64, f64); 2]; 8]| {
            let mean = |part: fn((f64, f64)) -> f64| {
                all.iter().map(|one| part(one[of])).sum::<f64>() / all.len() as f64
            };
            (mean(|known| known.0), mean(|known| known.1))
        };
        let (figure, width) = means(independent);
        let (same, narrower) = means(stratified);
        assert!((same / figure - 1.0).abs() < 0.01, "{same} and {figure}");
        assert!(width > least * narrower, "{width} and {narrower}");
    }
}

#[test]
fn the_calls_of_a_load_are_not_stratified() {
    let scenario = assistant().with_file_name("load.toml");
    let scenario = scenario.to_string_lossy().into_owned();
    let refused = voicesim(&["simulate", &scenario, "--set", "sampling=stratified"]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("sampling") && said.contains("leave it out"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_simulated_is_exit_2_with_key_and_cure() {
    let scenario = assistant().to_string_lossy().into_owned();
    for (setting, says) in [
        (
            "tts.latency={ lognormal = { median_ms = 300.0, p95_ms = 200.0 } }",
            "p95",
        ),
        ("tts.latency={ fixed_ms = -1.0 }", "tts"),
        ("tts.latency={ preset = \"no-such\" }", "no-such"),
        ("caller.noises_per_minute=61.0", "noises_per_minute"),
        ("sampling=\"often\"", "stratified"),
        ("caller.restarts_max=1000", "restarts_max"),
        ("caller.nonsense=1", "nonsense"),
        ("network.in={ loss = 0.9 }", "loss"),
        ("answer.best_of=2", "odd"),
        ("answer.accuracy=1.5", "accuracy"),
        ("stt.engine=whisper", "simulated"),
        ("endpointing", "KEY=VALUE"),
    ] {
        let output = voicesim(&["simulate", &scenario, "--set", setting]);
        assert_eq!(output.status.code(), Some(2), "{setting}");
        assert!(
            stderr(&output).contains(says),
            "{setting}: {}",
            stderr(&output)
        );
    }
    let nobody = voicesim(&[
        "simulate",
        &scenario.replace("simulations/assistant", "demo"),
    ]);
    assert_eq!(nobody.status.code(), Some(2));
}

#[test]
fn every_simulation_that_comes_with_it_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations");
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<PathBuf> = files.map(|file| file.expect("an entry").path()).collect();
    names.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    names.sort();
    assert!(names.len() >= 6);
    assert!(
        names[0].ends_with("assistant.toml"),
        "scripts take the first one for the full pipeline"
    );
    for path in names {
        let totals = simulate(scenario::load(&path).expect("a scenario"), 100, 1);
        assert!(totals.measured.turns > 100, "{}", path.display());
        assert_eq!(
            totals.measured.exact,
            e2e(&totals).count,
            "{}",
            path.display()
        );
    }
}
