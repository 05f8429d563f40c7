//! Stages that fail or take too long, and what is done about it: simulated, and in runs.

use crate::support::{SIMULATED, fixture, stderr, stdout, voicesim};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use voicesim::event::{Event, Hop, Mark, Metric, ResilienceStep, StageName, VisitEnd};
use voicesim::experiment::{KeepEvents, Simulated, Simulation};
use voicesim::measure::{Outcome, Summary, Totals};
use voicesim::record::store::KeepAudio;
use voicesim::run::{Run, RunError, Time};
use voicesim::scenario::{self, Scenario};
use voicesim::sim::{Setting, Simulable};

/// A caller who asks, asks again if there is no answer for long, and makes no other sound; engines as
/// they are given.
fn simulated(settings: &str) -> Scenario {
    let text = format!(
        "cores = 2\n[caller]\nquestions = 8\npause_every_s = 0.0\npatience = {{ fixed_ms = 6000.0 }}\nrestarts_max = 100\nbackchannels_per_minute = 0.0\ninterruptions_per_minute = 0.0\nnoises_per_minute = 0.0\n[speculation]\nenabled = false\n[stt]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\n{settings}"
    );
    scenario::parse(Path::new("made-up.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

fn hold(simulation: Simulation) -> Simulated {
    let stop = AtomicBool::new(false);
    simulation.run(&stop, &|_, _| {}).expect("a simulation")
}

fn simulate(settings: &str, conversations: u32) -> Totals {
    let simulation = Simulation::of(simulated(settings)).worlds(conversations);
    hold(simulation.threads(2)).totals
}

fn failed_share(totals: &Totals) -> f64 {
    f64::from(totals.measured.interruptions.failed_turns) / asked_times(totals)
}

/// How often a question was asked, again or not.
fn asked_times(totals: &Totals) -> f64 {
    (totals.questions() + totals.measured.callers.restarts) as f64
}

fn cures(totals: &Totals, by: ResilienceStep) -> u64 {
    totals.measured.resilience.count(StageName::Answer, by)
}

fn p95_ms(totals: &Totals, metric: Metric) -> f64 {
    let summary = totals.measured.metrics[&metric].answered().summary();
    summary.expect("recorded").p95_ms
}

fn hop(totals: &Totals, hop: Hop) -> Summary {
    totals.measured.hops[&hop]
        .answered()
        .summary()
        .expect("recorded")
}

const OUTAGE: &str =
    "[[fault]]\nstage = \"answer\"\nerror = \"down\"\nfrom_s = 10.0\nfor_s = 30.0\n";

fn failed_at_s(events: &[Event]) -> Vec<f64> {
    let failed = |event: &&Event| {
        let Mark::Exit { end, .. } = &event.mark else {
            return false;
        };
        matches!(end, VisitEnd::Failed(_))
    };
    let failures = events.iter().filter(failed);
    failures.map(|event| event.tick.as_ms() / 1e3).collect()
}

fn setting(settings: &str) -> Setting {
    Setting::new(&Simulable::of(simulated(settings)).expect("simulated engines"))
}

#[test]
fn an_outage_of_30_s_fails_what_is_asked_in_it_and_nothing_else() {
    let setting = setting(OUTAGE);
    let mut failures = 0;
    for conversation in 0..100 {
        let events = setting.hold(conversation, Vec::new()).expect("held");
        let failed = failed_at_s(&events);
        let window = 10.0..40.0;
        assert!(failed.iter().all(|at| window.contains(at)), "{failed:?}");
        failures += failed.len();
        let asked_in_it = events.iter().filter(|event| {
            let stage = StageName::Answer;
            // The first output is due 300 ms later.
            let is_in_it = (9.7..39.7).contains(&(event.tick.as_ms() / 1e3));
            is_in_it && matches!(&event.mark, Mark::Enter { stage: of, .. } if *of == stage)
        });
        assert_eq!(asked_in_it.count(), failed.len());
    }
    assert!(failures > 200, "{failures}");
}

#[test]
fn a_fallback_answers_through_an_outage_and_a_breaker_saves_the_wait_for_it() {
    let fallback = "[cure.answer]\nfallback = { engine = \"simulated\", latency = { fixed_ms = 100.0 }, text = \"Let me call you back.\" }\n";
    let breaker = "breaker = { failures = 2, open_s = 8 }\n";
    let without = simulate(OUTAGE, 200);
    let with = simulate(&format!("{OUTAGE}{fallback}"), 200);
    let broken = simulate(&format!("{OUTAGE}{fallback}{breaker}"), 200);
    assert!(failed_share(&without) > 0.2, "{}", failed_share(&without));
    assert_eq!((failed_share(&with), failed_share(&broken)), (0.0, 0.0));
    assert!(cures(&with, ResilienceStep::FellBack) > 200);
    assert!(cures(&broken, ResilienceStep::Refused) > 100);
    let mean = |totals| hop(totals, Hop::Answer).mean_ms;
    assert!(mean(&broken) < mean(&with) - 20.0);
    for totals in [&with, &broken] {
        let answered = totals.measured.metrics[&Metric::E2eLatency].summary();
        assert_eq!(totals.measured.exact, answered.expect("answered").count);
    }
}

#[test]
fn hedging_cuts_the_tail_of_a_heavy_tailed_answer() {
    let heavy = "latency = { mixture = [{ weight = 9, model = { lognormal = { median_ms = 300.0, p95_ms = 600.0 } } }, { weight = 1, model = { fixed_ms = 3000.0 } }] }\n";
    let without = simulate(heavy, 1_000);
    let hedge = "[cure.answer]\nhedge_after_ms = 600\n";
    let with = simulate(&format!("{heavy}{hedge}"), 1_000);
    let (before, after) = (
        p95_ms(&without, Metric::LlmTtft),
        p95_ms(&with, Metric::LlmTtft),
    );
    assert!(before > 2_900.0 && after < 1_400.0, "{before} to {after}");
    let e2e = Metric::E2eLatency;
    assert!(p95_ms(&with, e2e) < p95_ms(&without, e2e) - 1_000.0);
    let (hedged, won) = (
        cures(&with, ResilienceStep::Hedged),
        cures(&with, ResilienceStep::HedgeWon),
    );
    // A tenth of the answers hang, and a twentieth of the others are slow.
    let share = hedged as f64 / asked_times(&with);
    assert!((share - 0.145).abs() < 0.02, "{share}");
    assert!(won * 10 > hedged * 6 && won < hedged, "{won} of {hedged}");
    let heard = Metric::TranscriptionDelay;
    assert_eq!(p95_ms(&with, heard), p95_ms(&without, heard));
}

#[test]
fn two_retries_of_errors_with_probability_p_leave_p_cubed() {
    for (p, conversations) in [(0.1, 2_000), (0.3, 500)] {
        let settings = format!(
            "[[fault]]\nstage = \"answer\"\nerror = \"busy\"\nprobability = {p}\n[cure.answer]\nretries = 2\n"
        );
        let totals = simulate(&settings, conversations);
        let (share, expected) = (failed_share(&totals), f64::powi(p, 3));
        // Four standard deviations of a count.
        let spread = 4.0 * (expected / asked_times(&totals)).sqrt();
        assert!((share - expected).abs() < spread, "{share} for {p}");
        let retried = cures(&totals, ResilienceStep::Retried) as f64 / asked_times(&totals);
        assert!((retried - p * (1.0 + p)).abs() < 0.03, "{retried} for {p}");
    }
}

#[test]
fn what_is_too_slow_is_asked_again_and_the_hop_has_it_all() {
    let slow = "latency = { mixture = [{ weight = 1, model = { fixed_ms = 200.0 } }, { weight = 1, model = { fixed_ms = 2000.0 } }] }\n[cure.answer]\nfirst_output_timeout_ms = 500\nretries = 10\nback_off_ms = 0\n";
    let totals = simulate(slow, 100);
    let answer = hop(&totals, Hop::Answer);
    // Every second try takes too long: half a second each, and one on average.
    assert!((answer.mean_ms - 700.0).abs() < 80.0, "{}", answer.mean_ms);
    assert_eq!(answer.max_ms.round() % 500.0, 200.0, "{}", answer.max_ms);
    let timed_out = cures(&totals, ResilienceStep::TimedOut);
    assert_eq!(timed_out, cures(&totals, ResilienceStep::Retried));
    assert_eq!(totals.measured.exact, answer.count);
}

#[test]
fn a_recogniser_is_cured_from_the_moment_it_is_asked() {
    let settings = "[[fault]]\nstage = \"stt\"\nerror = \"deaf\"\nprobability = 0.3\n[[fault]]\nstage = \"stt\"\ndelay_ms = 60000\nprobability = 0.3\n[cure.stt]\nfirst_output_timeout_ms = 400\nhedge_after_ms = 100\nretries = 1\nback_off_ms = 50\nbreaker = { failures = 50, open_s = 1 }\nfallback = { engine = \"simulated\", latency = { fixed_ms = 500 } }\n";
    let totals = simulate(settings, 200);
    assert_eq!(failed_share(&totals), 0.0);
    for by in [
        ResilienceStep::TimedOut,
        ResilienceStep::Retried,
        ResilienceStep::Hedged,
        ResilienceStep::HedgeWon,
        ResilienceStep::FellBack,
    ] {
        let count = totals
            .measured
            .resilience
            .count(StageName::SpeechToText, by);
        assert!(count > 20, "{by:?} {count}");
    }
    let transcription = hop(&totals, Hop::Transcription);
    // However long the utterance: two tries, each with one beside it, and the fallback.
    let longest = 2.0 * (100.0 + 400.0) + 50.0 + 500.0;
    assert!(
        transcription.max_ms > 1_300.0 && transcription.max_ms <= longest,
        "{}",
        transcription.max_ms
    );
    assert_eq!(totals.measured.exact, transcription.count);
    assert_eq!(hop(&totals, Hop::QueueWait).max_ms, 0.0);
}

#[test]
fn a_burst_of_lost_packets_slows_both_ways_while_it_lasts() {
    let burst = "[[fault]]\nstage = \"network\"\nloss = 0.8\nfrom_s = 20.0\nfor_s = 20.0\n";
    let setting = setting(burst);
    let (mut within, mut outside) = (Vec::new(), Vec::new());
    for conversation in 0..100 {
        let events = setting.hold(conversation, Vec::new()).expect("held");
        for event in &events {
            let Mark::Queued { network_ns, .. } = event.mark else {
                continue;
            };
            match event.tick.as_ms() / 1e3 {
                at if at < 20.0 => outside.push(network_ns),
                at if at < 40.0 => within.push(network_ns),
                // The way stays as it was to the end of a reply.
                _ => {}
            }
        }
    }
    assert!(outside.iter().all(|way| *way == 0));
    // Four packets of 20 ms are lost before one that gets through.
    let mean = within.iter().sum::<u64>() as f64 / within.len() as f64 / 1e6;
    assert!((mean - 80.0).abs() < 20.0, "{mean} ms of {}", within.len());
    let totals = simulate(burst, 100);
    let inbound = hop(&totals, Hop::NetworkIn);
    assert!(inbound.max_ms > 100.0 && inbound.p50_ms < 1.0);
    assert_eq!(totals.measured.exact, inbound.count);
}

#[test]
fn calls_of_a_load_share_outages_and_breakers_and_who_is_fallen_back_on_stands_in_no_pool() {
    let loaded = |settings: &str| {
        let load = "[load]\ncalls = 5\nwarm_up_s = 20\nduration_s = 100\n";
        let simulation = Simulation::of(simulated(&format!("{settings}{load}"))).worlds(2);
        hold(simulation.threads(2)).totals
    };
    let outage = |from_s: u32| {
        let window = format!("from_s = {from_s}\nfor_s = 20\n");
        format!("[[fault]]\nstage = \"answer\"\nerror = \"down\"\n{window}")
    };
    // Only what begins after the warm-up is measured.
    assert_eq!(failed_share(&loaded(&outage(0))), 0.0);
    assert!(failed_share(&loaded(&outage(90))) > 0.05);
    let fallback = "fallback = { engine = \"simulated\", latency = { fixed_ms = 50 } }\n";
    let breaker = "breaker = { failures = 2, open_s = 3600 }\n";
    let broken = loaded(&format!("{}[cure.answer]\n{fallback}{breaker}", outage(0)));
    // It opened in the warm-up, for all of them.
    let refused = cures(&broken, ResilienceStep::Refused);
    assert_eq!(refused, cures(&broken, ResilienceStep::FellBack));
    assert_eq!(
        (failed_share(&broken), hop(&broken, Hop::Answer).max_ms),
        (0.0, 50.0)
    );
    let pool = "[pool.answer]\nslots = 1\nqueue = 0\n";
    let full = loaded(&format!("{pool}[cure.answer]\n{fallback}"));
    let fell_back = cures(&full, ResilienceStep::FellBack);
    assert!(fell_back > 3, "{fell_back}");
    assert_eq!(
        (failed_share(&full), hop(&full, Hop::Answer).max_ms),
        (0.0, 300.0)
    );
    assert_eq!(full.measured.exact, hop(&full, Hop::Answer).count);
}

const EVERYTHING: &str = r#"
latency = { lognormal = { median_ms = 300.0, p95_ms = 1500.0 } }
[[fault]]
stage = "answer"
error = "down"
from_s = 10.0
for_s = 15.0
[[fault]]
stage = "tts"
error = "hoarse"
probability = 0.3
[[fault]]
stage = "stt"
stall_ms = 3000
after_outputs = 0
probability = 0.2
[[fault]]
stage = "network"
loss = 0.6
from_s = 5.0
for_s = 10.0
[cure.stt]
first_output_timeout_ms = 700
retries = 2
[cure.answer]
first_output_timeout_ms = 900
output_timeout_ms = 900
retries = 2
back_off_ms = 100
hedge_after_ms = 500
breaker = { failures = 1, open_s = 12 }
fallback = { engine = "simulated", latency = { fixed_ms = 120 } }
[cure.tts]
retries = 1
hedge_after_ms = 100
fallback = { engine = "simulated", latency = { fixed_ms = 300 } }
"#;

fn bytes(threads: usize, folder: &Path) -> Vec<u8> {
    let scenario = simulated(EVERYTHING).changed(|file| file.speculation.enabled = true);
    let simulation = Simulation::of(scenario.expect("a scenario"))
        .worlds(200)
        .threads(threads)
        .keep_in(folder.to_owned(), KeepEvents::All);
    let measured = hold(simulation).totals.measured;
    let answered = measured.metrics[&Metric::E2eLatency]
        .summary()
        .expect("answered");
    assert_eq!(measured.exact, answered.count, "hops add up");
    let read = |name: &str| std::fs::read(folder.join(name)).expect(name);
    let text = String::from_utf8(read("report.txt")).expect("text");
    for words in [
        "answer         given up as too slow ",
        " · tried again ",
        " · left to the fallback ",
        "text_to_speech ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let report: serde_json::Value = serde_json::from_slice(&read("report.json")).expect("JSON");
    for by in [
        "timed_out",
        "retried",
        "hedged",
        "hedge_won",
        "refused",
        "fell_back",
    ] {
        let count = report["cures"]["answer"][by].as_u64();
        assert!(count > Some(0), "{by}");
    }
    [
        read("turns.bin"),
        read("events.jsonl"),
        read("report.json"),
        read("report.txt"),
    ]
    .concat()
}

#[test]
fn with_every_cure_at_once_one_thread_and_two_give_the_same_bytes() {
    let temporary = tempfile::tempdir().expect("a folder");
    let one = bytes(1, &temporary.path().join("one"));
    let two = bytes(2, &temporary.path().join("two"));
    assert!(one == two, "different at two threads");
}

#[test]
fn a_simulation_says_how_many_questions_failed() {
    let simulated = hold(Simulation::of(simulated(OUTAGE)).worlds(20));
    let failed = simulated.totals.measured.interruptions.failed_turns;
    let asked = asked_times(&simulated.totals);
    let percent = 100.0 * f64::from(failed) / asked;
    let text = voicesim::report::simulation::text(&simulated.header, &simulated.totals);
    let line =
        format!("failed         {percent:.2} % of the {asked} times that a question was asked");
    assert!(failed > 0 && text.contains(&line), "{text}");
}

#[test]
fn failures_of_a_simulation_are_counted_and_not_told_one_by_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/outage.toml");
    let scenario = path.to_string_lossy();
    let uncured = ["--conversations", "20", "--set", "cure={}", "-q"];
    let output = voicesim(&[["simulate", &scenario].as_slice(), &uncured].concat());
    assert!(
        stdout(&output).contains("\nfailed  "),
        "{}",
        stdout(&output)
    );
    assert_eq!(stderr(&output), "");
}

#[test]
fn what_is_no_fault_and_no_cure_is_exit_2_with_key_and_cure() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/assistant.toml");
    let scenario = path.to_string_lossy();
    for (setting, says) in [
        (
            "cure.answer.retries=11",
            "cure.answer.retries: 11 further tries; give up to 10",
        ),
        ("cure.answer.hegde_after_ms=1", "hegde_after_ms"),
        (
            "cure.answer={ first_output_timeout_ms = 500, hedge_after_ms = 600 }",
            "give less",
        ),
        (
            "cure.tts.breaker={ failures = 0 }",
            "give between 1 and 1000",
        ),
        (
            "cure.stt.fallback={ engine = \"whisper\" }",
            "cure.stt.fallback.engine: a simulation runs no engines",
        ),
        (
            "fault=[{ stage = \"network\", loss = 0.5 }]",
            "fault 1 from_s: a burst has a beginning",
        ),
        (
            "fault=[{ stage = \"network\", error = \"down\" }]",
            "fault 1 error: the network is no stage",
        ),
        (
            "fault=[{ stage = \"tts\", error = \"x\", for_s = -1.0 }]",
            "fault 1 for_s: -1 s; give more than 0",
        ),
        (
            "fault=[{ stage = \"tts\", loss = 0.5, error = \"x\" }]",
            "fault 1 loss: only the network",
        ),
    ] {
        let output = voicesim(&["simulate", &scenario, "--set", setting]);
        assert_eq!(output.status.code(), Some(2), "{setting}");
        let said = stderr(&output);
        assert!(said.contains(says), "{setting}: {said}");
    }
}

/// Questions on a recording, with settings.
fn asked(questions: usize, settings: &str) -> Scenario {
    let question = format!(
        "[[turn]]\nwav = \"{}\"\n",
        fixture("piper-graphics.wav").display()
    );
    let text = question.repeat(questions)
        + SIMULATED
        + "[speculation]\nenabled = false\n[clauses]\nfirst_words = 2\n"
        + settings;
    scenario::parse(Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

const BUSY: &str = r#"
[[fault]]
stage = "answer"
error = "busy"
inputs = [1]
[[fault]]
stage = "stt"
delay_ms = 5000
inputs = [2]
[[fault]]
stage = "tts"
error = "hoarse"
from_s = 0
for_s = 60
[cure.answer]
retries = 1
back_off_ms = 0
[cure.stt]
first_output_timeout_ms = 600
retries = 1
back_off_ms = 0
[cure.tts]
fallback = { engine = "simulated", latency = { fixed_ms = 70 } }
"#;

#[test]
fn a_run_is_cured_like_a_simulation_and_its_recording_has_been_already() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run::of(asked(2, BUSY))
        .in_time(Time::Virtual)
        .keep_in(folder.path().to_owned(), KeepAudio::Yes)
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    let rows = &run.measured.rows;
    let ms = |hop| -> Vec<u64> {
        let spans = rows.iter().map(|row| row.hops.get(hop));
        spans
            .map(|span| span.unwrap_or_default() / 1_000_000)
            .collect()
    };
    assert!(rows.iter().all(|row| row.outcome == Outcome::Answered));
    assert_eq!(ms(Hop::Answer), [80 + 80, 80]);
    assert_eq!(ms(Hop::Transcription), [120, 600 + 120]);
    assert_eq!(ms(Hop::SpeechSynthesis), [60 + 70; 2]);
    assert_eq!(ms(Hop::QueueWait), [0, 0]);
    let count = |stage, by| run.measured.resilience.count(stage, by);
    assert_eq!(count(StageName::Answer, ResilienceStep::Retried), 1);
    assert_eq!(count(StageName::SpeechToText, ResilienceStep::TimedOut), 1);
    assert!(count(StageName::TextToSpeech, ResilienceStep::FellBack) >= 2);
    assert!(run.header.engines["text_to_speech"].contains("; if that fails, simulated"));
    let again = Run::of(asked(2, BUSY))
        .repeating(folder.path().to_owned())
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(again.measured.resilience.is_empty());
    let hops = |rows: &[voicesim::measure::Row]| -> Vec<_> {
        rows.iter().map(|row| (row.e2e_ns, row.hops)).collect()
    };
    assert_eq!(hops(&again.measured.rows), hops(rows));
}

#[test]
fn a_real_program_that_fails_is_asked_again_and_then_another_is() {
    let program = |lines: &str| format!("[\"sh\", \"-c\", '''{lines}''']");
    let busy = program("while read l; do echo '{\"error\":\"busy\"}'; done");
    let works =
        program("while read l; do echo '{\"text\":\"At ten.\"}'; echo '{\"done\":true}'; done");
    let other = format!(
        "[answer]\nengine = \"command\"\ncommand = {busy}\n[cure.answer]\nretries = 2\nback_off_ms = 0\nhedge_after_ms = 5000\nfallback = {{ engine = \"command\", command = {works} }}\n"
    );
    let other = scenario::parse(Path::new("a.toml"), &other).expect("a scenario");
    let scenario = asked(1, "").changed(|file| {
        file.answer = other.file().answer.clone();
        file.cure = other.file().cure.clone();
    });
    let run = Run::of(scenario.expect("a scenario"))
        .in_time(Time::Virtual)
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    let row = &run.measured.rows[0];
    assert_eq!((row.outcome, &*row.said), (Outcome::Answered, "At ten."));
    let cures = &run.measured.resilience;
    assert_eq!(cures.count(StageName::Answer, ResilienceStep::Retried), 2);
    assert_eq!(cures.count(StageName::Answer, ResilienceStep::FellBack), 1);
    assert_eq!(Some(row.hops.sum()), row.e2e_ns);
}

#[test]
fn lost_packets_are_not_run() {
    let burst = "[[fault]]\nstage = \"network\"\nloss = 0.5\nfrom_s = 1.0\nfor_s = 2.0\n";
    match Run::of(asked(1, burst)).in_time(Time::Virtual).run() {
        Err(RunError::Input(text)) => {
            assert!(text.contains("fault 1 stage") && text.contains("voicesim simulate"));
        }
        _ => panic!("it was run"),
    }
}
