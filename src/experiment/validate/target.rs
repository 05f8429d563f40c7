//! The runs that are to be predicted: how long their turns took, hop by hop.

use super::predict::with_settings_of;
use super::{NET, TURNS_MIN, Times, WHOLE};
use crate::event::Hop;
use crate::fit::Gathered;
use crate::measure::folder::{MeasuredRun, Results};
use crate::measure::ms;
use crate::run::{RunError, input};
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use std::path::Path;

/// With fewer conversations turns are drawn.
const CONVERSATIONS_MIN: usize = 5;

/// What is to be predicted.
pub(super) struct Target {
    pub(super) times: Times,
    pub(super) gathered: Gathered,
    pub(super) names: Vec<String>,
    pub(super) turns: usize,
    pub(super) doubtful: u64,
    pub(super) conversations: usize,
    pub(super) by_conversation: bool,
    pub(super) settings: String,
    /// The scenario of the first run.
    scenario: Scenario,
}

impl Target {
    pub(super) fn of(runs: &[&Results]) -> Result<Target, RunError> {
        let mut all: Vec<&MeasuredRun> = Vec::new();
        for results in runs {
            match results {
                Results::Run(run) => all.push(run),
                Results::Simulation(simulation) => {
                    return Err(RunError::Input(format!(
                        "{} is a simulation, and predictions are held against runs; name folders that `voicesim run`, `import` or `measure` wrote",
                        simulation.path.display()
                    )));
                }
            }
        }
        let Some(first) = all.first() else {
            return Err(RunError::Input("no run to hold the profile against".into()));
        };
        let settings = |run: &MeasuredRun| {
            let file = run.scenario.file();
            (
                file.endpointing.clone(),
                file.speculation.clone(),
                file.clauses.clone(),
                file.cores,
            )
        };
        if let Some(other) = all.iter().find(|run| settings(run) != settings(first)) {
            return Err(RunError::Input(format!(
                "{} and {} were run with different settings (endpointing, speculation, clauses or cores); validate each setting by itself",
                first.path.display(),
                other.path.display()
            )));
        }
        let (mut gathered, mut times, mut turns) = (Gathered::default(), Times::new(), 0);
        let mut doubtful = 0;
        for (results, run) in runs.iter().zip(&all) {
            gathered.add(results).map_err(input)?;
            let mut own: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for row in &run.measured.rows {
                if row.doubtful.is_some() {
                    doubtful += 1;
                    continue;
                }
                let Some(e2e) = row.e2e_ns else { continue };
                turns += 1;
                let hops: Vec<(Hop, u64)> = row.hops.iter().collect();
                add(&mut own, e2e, &hops);
            }
            for (name, values) in own {
                times.entry(name).or_default().push(values);
            }
        }
        if turns < TURNS_MIN {
            return Err(RunError::Input(format!(
                "{turns} answered turns in these runs that are not doubtful, and fewer than {TURNS_MIN} decide nothing; give more runs of the same settings"
            )));
        }
        let by_conversation = all.len() >= CONVERSATIONS_MIN;
        if !by_conversation {
            for values in times.values_mut() {
                *values = values.iter().flatten().map(|ms| vec![*ms]).collect();
            }
        }
        let file = first.scenario.file();
        Ok(Target {
            times,
            gathered,
            names: all.iter().take(4).map(|run| name_of(&run.path)).collect(),
            turns,
            doubtful,
            conversations: all.len(),
            by_conversation,
            settings: format!(
                "silence_ms {}, speculation {}, {} cores",
                file.endpointing.silence_ms,
                if file.speculation.enabled {
                    "on"
                } else {
                    "off"
                },
                file.cores
            ),
            scenario: first.scenario.clone(),
        })
    }

    /// The prediction that is asked for: the profile, with the settings of the runs.
    pub(super) fn asked_of(&self, predicted: &Scenario) -> Result<Scenario, RunError> {
        with_settings_of(predicted, self.scenario.file())
    }
}

pub(super) fn name_of(path: &Path) -> String {
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    name.chars().filter(|c| !c.is_control()).collect()
}

pub(super) fn add(own: &mut BTreeMap<String, Vec<f64>>, e2e_ns: u64, hops: &[(Hop, u64)]) {
    let mut put =
        |name: &str, span_ns: u64| own.entry(name.to_owned()).or_default().push(ms(span_ns));
    put(WHOLE, e2e_ns);
    if hops.is_empty() {
        return;
    }
    let wait = hops.iter().find(|(hop, _)| *hop == Hop::EndpointingWait);
    put(
        NET,
        e2e_ns.saturating_sub(wait.map_or(0, |(_, span)| *span)),
    );
    // A hop that is not on a turn's path took no time in it.
    for hop in Hop::ALL {
        let span = hops.iter().find(|(own, _)| *own == hop);
        put(hop.name(), span.map_or(0, |(_, span)| *span));
    }
}
