//! `voicesim plan`: the best of many settings that keeps the scenario's budgets.

use super::sweep::Settings;
use super::{Failure, Verdict, print_json, print_plain};
use crate::experiment;
use crate::report::html;
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    settings: Settings,
}

impl Plan {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        let sweep = self.settings.read()?;
        if sweep
            .scenarios()
            .any(|scenario| scenario.budgets.limits().is_empty())
        {
            return Err(Failure::Input(
                "budget: the scenario has no limits to plan for; add [budget], or --set budget.e2e_latency_p95_ms=1200".into(),
            ));
        }
        let swept = self.settings.simulate(sweep, is_quiet)?;
        let plan = experiment::plan(swept);
        if self.settings.json {
            print_json(&plan.document())?;
        } else {
            print_plain(&plan.text());
        }
        self.settings.write(&plan.sweep, || html::of_plan(&plan))?;
        Ok(match plan.chosen {
            Some(_) => Verdict::Fine,
            None => Verdict::NotAsAsked,
        })
    }
}
