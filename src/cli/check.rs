//! `voicesim check`: everything about a scenario that can be wrong, without running it.

use super::{Failure, Verdict, given, print};
use crate::engine::needs;
use crate::experiment::Simulation;
use crate::run::Run;
use crate::scenario::engine::Engine;
use crate::scenario::{self, Scenario, Topology};
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
            let what_for = match calls_agents(&scenario) {
                true => {
                    "for calls to agents (`voicesim probe`); to simulate it, set engine = \"simulated\" for each stage"
                }
                false => {
                    Simulation::of(scenario).check()?;
                    "to be simulated"
                }
            };
            print(&format!(
                "{} is fine, {what_for}\n",
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
        let engines = match &scenario.topology {
            Topology::Cascade => format!(
                "{} → {} → {}",
                scenario.stt.engine.name(),
                scenario.answer.engine.name(),
                scenario.tts.engine.name()
            ),
            Topology::SpeechToSpeech(_) => "one speech-to-speech model".to_owned(),
        };
        print(&format!(
            "{} is fine: {} turns, {engines}, policy {}\n",
            self.scenario.display(),
            scenario.turns().len(),
            scenario.interruption.policy
        ));
        Ok(Verdict::Fine)
    }
}

/// Whether a caller who makes up what to say is meant for somebody else's agent: nothing of one is simulated here, and
/// there is a voice to speak with.
fn calls_agents(scenario: &Scenario) -> bool {
    let is_simulated =
        scenario.load.is_some() || scenario.disturbance.is_some() || scenario.network.is_there;
    !is_simulated
        && matches!(scenario.topology, Topology::Cascade)
        && !scenario.stt.engine.is_simulated()
        && !scenario.answer.engine.is_simulated()
        && !scenario.tts.engine.is_simulated()
}
