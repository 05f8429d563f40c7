//! `voicesim check`: everything about a scenario that can be wrong, without running it.

use super::{Failure, Verdict, given, print};
use crate::engine::needs;
use crate::experiment::Simulation;
use crate::run::Run;
use crate::scenario;
use crate::scenario::engine::Engine;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// How long the servers of a scenario have to answer.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Check {
    scenario: PathBuf,
    /// Do not ask the servers that the scenario names whether they are there; they get the key that it names
    #[arg(long)]
    offline: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        given::as_scenario(&self.scenario)?;
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
        let mut absent = needs::look_for(scenario)?;
        if !self.offline {
            absent.extend(needs::ask_servers(scenario, LONGEST));
        }
        for what in absent {
            tracing::warn!("warning: {what}");
        }
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
