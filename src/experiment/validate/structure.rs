//! What is wrong with the simulator itself: runs are simulated with the same speech and with every job of the engines as
//! long as it was, and held turn by turn against what was measured.

use crate::experiment::Simulation;
use crate::fit::replicas;
use crate::measure::folder::Results;
use crate::measure::ms;
use crate::record::store::KeepEvents;
use crate::report::validate::{NEAR_MS, Structure};
use crate::run::{RunError, input, unavailable};
use std::sync::atomic::AtomicBool;

/// How far off the simulator is in these runs; `None` where it could tell of no turn.
///
/// # Errors
/// Events that cannot be read, or a simulation that fails.
pub(super) fn structure(runs: &[&Results]) -> Result<Option<Structure>, RunError> {
    let mut off = Vec::new();
    for run in runs {
        off.extend(errors_ms(run)?);
    }
    let turns = off.len();
    if turns == 0 {
        return Ok(None);
    }
    let near = off.iter().filter(|ms| ms.abs() <= NEAR_MS).count();
    Ok(Some(Structure {
        turns,
        near,
        mean_ms: off.iter().map(|ms| ms.abs()).sum::<f64>() / turns as f64,
        worst_ms: off.iter().fold(0.0, |worst: f64, ms| worst.max(ms.abs())),
    }))
}

/// What the simulator says of each question that was answered in one go, less what was measured, in milliseconds.
fn errors_ms(run: &Results) -> Result<Vec<f64>, RunError> {
    let Results::Run(run) = run else {
        return Ok(Vec::new());
    };
    let events = run.events().map_err(input)?;
    let mut off = Vec::new();
    for replica in replicas(&events, &run.scenario) {
        let folder = tempfile::tempdir().map_err(unavailable)?;
        let path = folder.path().join("simulated");
        Simulation::of(replica.scenario)
            .worlds(1)
            .keep_in(path.clone(), KeepEvents::None)
            .run(&AtomicBool::new(false), &|_, _| {})?;
        let Results::Simulation(kept) = Results::open(&path).map_err(unavailable)? else {
            continue;
        };
        for turn in kept.turns().map_err(unavailable)? {
            let turn = turn.map_err(unavailable)?;
            let place = turn.number.saturating_sub(1) as usize;
            // A turn that the simulator does not answer is as wrong as can be.
            let simulated_ms = turn.e2e_ns().map_or(f64::INFINITY, ms);
            if let Some(measured_ms) = replica.measured_ms.get(place) {
                off.push(simulated_ms - measured_ms);
            }
        }
    }
    Ok(off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Runs of Whisper and Piper on the virtual clock, without their sound: speculation off and on, 300 to 700 ms of
    /// silence, two cores and one.
    const RUNS: [&str; 6] = [
        "base",
        "ahead-300",
        "ahead-700",
        "silence-500",
        "one-core",
        "one-core-ahead",
    ];

    #[test]
    fn a_run_with_its_own_job_times_is_simulated_to_the_millisecond() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/structure");
        for name in RUNS {
            let run = Results::open(&folder.join(name)).expect(name);
            let off = errors_ms(&run).expect(name);
            assert!(off.len() >= 10, "{name}: {} turns can be told", off.len());
            let worst = off.iter().fold(0.0, |worst: f64, ms| worst.max(ms.abs()));
            println!("{name}: {} turns, {worst:.3} ms off at most", off.len());
            let told: Vec<String> = off.iter().map(|ms| format!("{ms:+.2}")).collect();
            let far = off.iter().filter(|ms| ms.abs() > NEAR_MS).count();
            assert_eq!(far, 0, "{name}: {}", told.join(" "));
        }
    }
}
