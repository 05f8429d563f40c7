//! What is simulated: a profile with the settings of the runs, and a profile of the runs themselves.

use super::Times;
use super::target::add;
use crate::experiment::Simulation;
use crate::fit::{Fit, FittedStage, Made, Reference, profile};
use crate::measure::folder::Results;
use crate::record::store::KeepEvents;
use crate::run::{RunError, unavailable};
use crate::scenario::{Profile, Scenario, ScenarioFile, TopologyName};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Conversations that are simulated: chance in them is little beside that in a run.
const CONVERSATIONS: u32 = 4_000;

/// Where a greater share of an engine's work lies outside of what a profile has seen, it predicts what nobody measured.
const WORK_OUTSIDE_MAX: f64 = 0.05;

/// A profile with the settings of something else.
pub(super) fn with_settings_of(
    profile: &Scenario,
    settings: &ScenarioFile,
) -> Result<Scenario, RunError> {
    let is_whole = profile.file().topology == TopologyName::SpeechToSpeech;
    let changed = profile.changed(|file| {
        // A whole latency has its wait for the endpoint in it.
        if !is_whole {
            file.endpointing.clone_from(&settings.endpointing);
            file.speculation.clone_from(&settings.speculation);
            file.clauses.clone_from(&settings.clauses);
            file.cores = settings.cores;
        }
    });
    changed.map_err(|problem| RunError::Input(problem.to_string()))
}

/// A prediction with each engine so many times as slow as the profile has it.
pub(super) fn slowed(
    asked: &Scenario,
    ratios: &BTreeMap<String, f64>,
) -> Result<Scenario, RunError> {
    let changed = asked.changed(|file| {
        for (table, latency) in [
            ("stt", &mut file.stt.latency),
            ("answer", &mut file.answer.latency),
            ("tts", &mut file.tts.latency),
        ] {
            if let (Some(model), Some(ratio)) = (latency, ratios.get(table)) {
                *model = model.times(*ratio);
            }
        }
    });
    changed.map_err(|problem| RunError::Input(problem.to_string()))
}

/// Stages of runs whose work lies outside of what a profile has seen, a sentence each.
pub(super) fn work_outside(profile: &Profile, fit: &Fit) -> Vec<String> {
    let of_stage = |stage: &FittedStage| {
        let (name, _) = stage.work_seen()?;
        let [low, high] = *profile.seen.get(&format!("{}.{name}", stage.table))?;
        let works: Vec<f64> = stage
            .samples
            .iter()
            .filter_map(|sample| sample.work)
            .collect();
        // What was seen is written in four digits.
        let seen = 0.999 * low..=1.001 * high;
        let outside = works.iter().filter(|work| !seen.contains(work)).count();
        let share = outside as f64 / works.len().max(1) as f64;
        (share > WORK_OUTSIDE_MAX).then(|| {
            format!(
                "{:.0} % of the work of {} is shorter or longer than the {low} to {high} {name} that were measured",
                100.0 * share,
                stage.table
            )
        })
    };
    fit.stages.iter().filter_map(of_stage).collect()
}

/// A profile of the runs themselves, with their settings.
pub(super) fn own_profile(fit: &Fit, asked: &Scenario) -> Result<Scenario, RunError> {
    let made = Made {
        on: "",
        name: "own",
        keeps_words: false,
        undisturbed: false,
        calibrator: &Reference::default(),
    };
    let text = profile(fit, made).map_err(unavailable)?;
    let own = crate::scenario::parse(Path::new("own"), &text).map_err(unavailable)?;
    with_settings_of(&own, asked.file())
}

/// The latencies of a simulation, and the share of its turns that should have been answered and were not.
pub(super) fn simulated(scenario: &Scenario, threads: usize) -> Result<(Times, f64), RunError> {
    let folder = tempfile::tempdir().map_err(unavailable)?;
    let path = folder.path().join("simulated");
    Simulation::of(scenario.clone())
        .worlds(CONVERSATIONS)
        .threads(threads)
        .keep_in(path.clone(), KeepEvents::None)
        .run(&AtomicBool::new(false), &|_, _| {})?;
    let Results::Simulation(kept) = Results::open(&path).map_err(unavailable)? else {
        return Ok((Times::new(), 0.0));
    };
    let mut own: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let (mut answered, mut unanswered) = (0_u32, 0_u32);
    for turn in kept.turns().map_err(unavailable)? {
        let turn = turn.map_err(unavailable)?;
        unanswered += u32::from(turn.unanswered.is_some());
        if let Some(e2e) = turn.e2e_ns() {
            answered += 1;
            add(&mut own, e2e, &turn.hops);
        }
    }
    let times = own.into_iter().map(|(name, values)| (name, vec![values]));
    let all = f64::from(answered + unanswered).max(1.0);
    Ok((times.collect(), f64::from(unanswered) / all))
}
