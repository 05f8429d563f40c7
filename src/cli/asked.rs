//! The scenario that a simulation is asked for: a file, a profile over it or by itself, and keys at other values.

use super::{Failure, given};
use crate::scenario::{self, Scenario, Template};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Scenario to simulate; see audio/simulations for examples
    #[arg(required_unless_present = "profile")]
    scenario: Option<PathBuf>,
    /// A profile that `voicesim fit` wrote: its engines and callers take the place of the scenario's; without a
    /// scenario all is the profile's
    #[arg(long, value_name = "PROFILE.toml")]
    profile: Option<PathBuf>,
    /// Change a key of the scenario, as in endpointing.silence_ms=700 (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

const NO_SCENARIO: &str = "name a scenario, or a profile with --profile";

impl Asked {
    /// Refuses what is no scenario, and no profile.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let both = [&self.scenario, &self.profile];
        let mut files = both.into_iter().flatten();
        files.try_for_each(|file| given::as_scenario(file))
    }

    /// The scenario, to be read with one change or another.
    pub(super) fn template(&self) -> Result<Template, Failure> {
        match (self.scenario.as_deref(), self.profile.as_deref()) {
            (scenario, Some(profile)) => Template::read_over(scenario, profile, &self.set),
            (Some(scenario), None) => Template::read(scenario, &self.set),
            (None, None) => return Err(Failure::Input(NO_SCENARIO.into())),
        }
        .map_err(Failure::input)
    }

    /// The scenario.
    pub(super) fn scenario(&self) -> Result<Scenario, Failure> {
        match (self.scenario.as_deref(), self.profile.as_deref()) {
            (scenario, Some(profile)) => scenario::load_over(scenario, profile, &self.set),
            (Some(scenario), None) => scenario::load_with(scenario, &self.set),
            (None, None) => return Err(Failure::Input(NO_SCENARIO.into())),
        }
        .map_err(Failure::input)
    }
}
