//! `voicesim sweep`: a scenario in every combination of some settings.

use super::asked::Asked;
use super::file::{refuse_unwritable, write};
use super::simulate::{threads, watched};
use super::{Failure, Verdict, print_json, print_plain};
use crate::experiment::{self, Against, CONVERSATIONS_MAX};
use crate::report::html;
use crate::report::sweep::{Axis, Sweep as Swept, svg, text};
use crate::scenario::{Scenario, Variation};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The settings to compare, also for `voicesim plan`.
#[derive(Debug, Args)]
pub(super) struct Settings {
    #[command(flatten)]
    asked: Asked,
    /// Values of a key, as in endpointing.silence_ms=300,500,700; several keys give every combination,
    /// at most 1,000
    #[arg(long, value_name = "KEY=V1,V2", required = true)]
    vary: Vec<Variation>,
    /// How many conversations to hold in each setting, or loads if the scenario has a [load]; 10,000 and 64
    /// unless given
    #[arg(long, help_heading = "How many", value_name = "N", visible_alias = "worlds", value_parser = clap::value_parser!(u32).range(1..=i64::from(CONVERSATIONS_MAX)))]
    conversations: Option<u32>,
    /// Go on with each setting until chance cannot change whether each budget is kept; up to 1,000,000
    /// conversations or 32,768 loads unless --worlds says less
    #[arg(long, help_heading = "How many")]
    until_decided: bool,
    /// Seed of everything random, the same for every setting
    #[arg(long)]
    seed: Option<u64>,
    /// Threads to use; as many as there are processors unless given. Any number gives the same figures
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Draw the settings as an SVG, and mark those that no other one beats
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    svg: Option<PathBuf>,
    /// Write an HTML page with the table and the picture
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    html: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long, help_heading = "Results")]
    pub(super) json: bool,
}

impl Settings {
    /// The settings, before they are simulated.
    pub(super) fn read(&self) -> Result<experiment::Sweep, Failure> {
        for (flag, path) in [("--svg", &self.svg), ("--html", &self.html)] {
            if let Some(path) = path {
                refuse_unwritable(flag, path)?;
            }
        }
        self.asked.check()?;
        let template = self.asked.template()?;
        let sweep = experiment::Sweep::of(&template, &self.vary, self.seed)?
            .worlds(self.conversations)
            .threads(threads(self.threads))
            .until_decided(self.until_decided);
        let has_limits = |scenario: &Scenario| !scenario.budgets.limits().is_empty();
        if self.until_decided && !sweep.scenarios().all(has_limits) {
            return Err(Failure::Input(
                "--until-decided: the scenario has no limits to decide on; add a [budget], as in --set budget.e2e_latency_p95_ms=1200".into(),
            ));
        }
        sweep.check()?;
        Ok(sweep)
    }

    pub(super) fn simulate(
        &self,
        sweep: experiment::Sweep,
        is_quiet: bool,
    ) -> Result<Swept, Failure> {
        let kind = sweep.scenarios().next().map(Scenario::kind_of_world);
        let all = (sweep.worlds_in_all(), kind.unwrap_or_default());
        watched(all, is_quiet, |stop, progress| sweep.run(stop, progress))
    }

    /// Writes the picture and the page if they were asked for.
    pub(super) fn write(
        &self,
        swept: &Swept,
        page: impl FnOnce() -> askama::Result<String>,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.svg {
            write("--svg", path, &svg(swept))?;
        }
        match &self.html {
            Some(path) => write("--html", path, &page().map_err(Failure::unavailable)?),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Sweep {
    #[command(flatten)]
    settings: Settings,
    /// What to weigh the latency against, or two figures to weigh against each other, as in
    /// false-stops,missed-stops; the cost unless given, or cut-offs where there are no prices
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        num_args = 1,
        value_name = "FIGURE[,FIGURE]"
    )]
    against: Vec<Figure>,
}

/// A figure to weigh settings by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    Latency,
    Unanswered,
    CutOffs,
    Failures,
    FalseStops,
    MissedStops,
    DetectionDelay,
    TalkOver,
    Cost,
}

impl From<Figure> for Axis {
    fn from(figure: Figure) -> Axis {
        match figure {
            Figure::Latency => Axis::P95,
            Figure::Unanswered => Axis::UnansweredShare,
            Figure::CutOffs => Axis::CutOffShare,
            Figure::Failures => Axis::FailedShare,
            Figure::FalseStops => Axis::FalseStops,
            Figure::MissedStops => Axis::MissedStops,
            Figure::DetectionDelay => Axis::DetectionDelay,
            Figure::TalkOver => Axis::TalkOver,
            Figure::Cost => Axis::CostPerMinute,
        }
    }
}

impl Sweep {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        let sweep = self.settings.read()?;
        let is_priced = sweep
            .scenarios()
            .all(|scenario| scenario.prices().is_some());
        if self.against.contains(&Figure::Cost) && !is_priced {
            return Err(Failure::Input(
                "--against cost: nothing has a price; add a [cost], as in --set cost.call_per_minute=0.01".into(),
            ));
        }
        let against = match *self.against.as_slice() {
            [] => None,
            [y] => Some(Against::Latency(y.into())),
            [x, y] if x != y => Some(Against::Pair(x.into(), y.into())),
            _ => {
                return Err(Failure::Input(
                    "--against: give one figure, which is weighed against the latency, or two different ones, as in false-stops,missed-stops".into(),
                ));
            }
        };
        let sweep = sweep.against(against);
        let swept = self.settings.simulate(sweep, is_quiet)?;
        if self.settings.json {
            print_json(&swept)?;
        } else {
            print_plain(&text(&swept));
        }
        self.settings.write(&swept, || html::of_sweep(&swept))?;
        Ok(Verdict::Fine)
    }
}
