//! `voicesim check`: everything about a scenario that can be wrong, without running it.

use super::{Failure, Verdict, print};
use crate::experiment::Simulation;
use crate::run::Run;
use crate::scenario;
use crate::scenario::engine::Engine;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Check {
    scenario: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let scenario = scenario::load(&self.scenario).map_err(Failure::input)?;
        if scenario.file().caller.is_some() {
            let simulation = Simulation::of(scenario);
            simulation.check()?;
            print(&format!(
                "{} is fine, to be simulated\n",
                self.scenario.display()
            ));
            return Ok(Verdict::Fine);
        }
        let run = Run::of(scenario);
        run.check()?;
        let scenario = run.scenario();
        print(&format!(
            "{} is fine: {} turns, {} → {} → {}, policy {}\n",
            self.scenario.display(),
            scenario.turns().len(),
            scenario.stt.engine.name(),
            scenario.answer.engine.name(),
            scenario.tts.engine.name(),
            scenario.interruption.policy
        ));
        Ok(Verdict::Fine)
    }
}
