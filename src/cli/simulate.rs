//! `voicesim simulate`: one conversation again and again, with new random draws each time, in virtual time.

use super::asked::Asked;
use super::file::refuse_unwritable;
use super::page::Kept;
use super::signals::stop_at_signals;
use super::{Failure, Verdict, find, number, print_answer, print_json, print_plain, sensitivity};
use crate::clock::Clock;
use crate::experiment::{
    CONVERSATIONS_MAX, Find, KeepEvents, Progress, Shard, Simulated, Simulation,
};
use crate::report;
use crate::report::document::Took;
use crate::run::RunError;
use crate::scenario::{self, Scenario};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How often the progress bar is drawn.
const PER_SECOND: u8 = 5;

#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    asked: Asked,
    /// How many conversations to hold, or loads if the scenario has a [load]; 10,000 and 64 unless given,
    /// with --until-ci at most 1,000,000 and 32,768
    #[arg(long, help_heading = "How many", value_name = "N", visible_alias = "worlds", value_parser = clap::value_parser!(u32).range(1..=i64::from(CONVERSATIONS_MAX)))]
    conversations: Option<u32>,
    /// Stop once p50 and p95 of the latency are known to within P of their values, as in 1%
    #[arg(long, help_heading = "How many", value_name = "P", value_parser = share)]
    until_ci: Option<f64>,
    /// Go on until chance cannot change whether each budget, or --until, is kept; up to 1,000,000 conversations
    /// or 32,768 loads unless --worlds says less
    #[arg(long, help_heading = "How many", conflicts_with_all = ["until_ci", "shard"])]
    until_decided: bool,
    /// Tell what the figures hang on: every input (latencies, caller, silence, network, cores) a tenth more and a tenth
    /// less, with the same luck; 4,000 conversations each unless given
    #[arg(long, conflicts_with_all = ["find", "until_ci", "until_decided", "shadows", "shard", "budget", "events", "out", "html"])]
    sensitivity: bool,
    /// Follow answers to their end that callers did not wait for, to tell how long they would have taken
    #[arg(long, conflicts_with = "find")]
    shadows: bool,
    /// Seed of everything random, for a repeatable simulation
    #[arg(long)]
    seed: Option<u64>,
    /// Threads to use; as many as there are processors unless given. Any number gives the same figures
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Simulate only the I-th of N equal parts, kept with --out; `voicesim merge` joins the parts
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// A TOML file with a [budget] to keep, in place of the scenario's
    #[arg(long, value_name = "FILE", conflicts_with = "find")]
    budget: Option<PathBuf>,
    #[command(flatten)]
    search: find::Search,
    /// Conversations to keep all events of; sample keeps the first 100
    #[arg(long, help_heading = "Results", value_enum, default_value = "sample")]
    events: Events,
    /// Folder to keep the simulation in; nothing is kept unless given
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Go on with the simulation in --out where it was cut short, to the same results; begins it if there is none
    #[arg(
        long,
        requires = "out",
        conflicts_with = "find",
        help_heading = "Results"
    )]
    resume: bool,
    /// Write the report as an HTML page: one file that loads nothing from elsewhere
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "find",
        help_heading = "Results"
    )]
    html: Option<PathBuf>,
    /// Print the report as one JSON document
    #[arg(long, help_heading = "Results")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Events {
    None,
    Sample,
    All,
}

impl From<Events> for KeepEvents {
    fn from(events: Events) -> KeepEvents {
        match events {
            Events::None => KeepEvents::None,
            Events::Sample => KeepEvents::Sample,
            Events::All => KeepEvents::All,
        }
    }
}

/// A share, as `0.01` or `1%`, above 0 and up to 1.
fn share(text: &str) -> Result<f64, String> {
    number::share(text)
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "give a share above 0, as in 1% or 0.01".into())
}

impl Simulate {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        if let Some(path) = &self.html {
            refuse_unwritable("--html", path)?;
        }
        let asked = &self.asked;
        asked.check()?;
        if let (Some(key), Some(goal)) = (&self.search.find, &self.search.until) {
            let template = asked.template()?;
            let find = Find::of(template, key, goal.clone())?
                .seed(self.seed)
                .worlds(self.conversations)
                .threads(threads(self.threads))
                .wanted(self.search.wanted())
                .until_decided(self.until_decided);
            return find::run(find, self.json);
        }
        let mut scenario = asked.scenario()?;
        if let Some(seed) = self.seed {
            scenario.set_seed(seed);
        }
        if self.sensitivity {
            let how = (self.conversations, threads(self.threads));
            return sensitivity::run(scenario, how, (self.json, is_quiet));
        }
        if let Some(path) = &self.budget {
            scenario.set_budgets(scenario::load_budget(path).map_err(Failure::input)?);
        }
        let threads = threads(self.threads);
        let clock = Clock::real(1);
        clock.start();
        let kept = Kept::of(self.out.as_deref(), self.html.as_deref())?;
        let folder = kept.as_ref().map(Kept::path);
        let simulated = self.hold(scenario, (folder, threads), is_quiet)?;
        let wall_s = clock.now().as_ms() / 1e3;
        let Simulated { header, totals } = &simulated;
        if let (Some(kept), Some(path)) = (&kept, &self.html) {
            kept.write_page(path, &header.name, |_| {})?;
        }
        let took = Took {
            wall_s,
            turns_per_second: totals.measured.turns as f64 / wall_s.max(1e-9),
            threads,
            out: self.out.map(|out| out.display().to_string()),
        };
        if self.json {
            print_json(&report::document::simulation(header, totals, Some(took)))?;
        } else {
            print_plain(&report::simulation::text(header, totals));
            tracing::info!(
                "{} conversations, {} turns in {wall_s:.1} s: {:.0} turns/s on {threads} threads",
                totals.conversations,
                totals.measured.turns,
                took.turns_per_second
            );
            print_answer(&totals.measured, totals.cut_off_share());
        }
        Ok(match totals.measured.keeps_budgets() {
            true => Verdict::Fine,
            false => Verdict::NotAsAsked,
        })
    }

    fn hold(
        &self,
        scenario: Scenario,
        (folder, threads): (Option<&Path>, usize),
        is_quiet: bool,
    ) -> Result<Simulated, Failure> {
        let mut simulation = Simulation::of(scenario)
            .worlds(self.conversations)
            .threads(threads)
            .shadows(self.shadows);
        if self.until_decided && simulation.scenario().budgets.limits().is_empty() {
            return Err(Failure::Input(
                "--until-decided: the scenario has no limits to decide on; add a [budget], or --budget FILE".into(),
            ));
        }
        simulation = simulation.until_decided(self.until_decided);
        if let Some(share) = self.until_ci {
            simulation = simulation.until(share);
        }
        if let Some(shard) = self.shard {
            simulation = simulation.shard(shard);
        }
        if let Some(folder) = folder {
            simulation = simulation
                .keep_in(folder.to_owned(), self.events.into())
                .resuming(self.resume);
        }
        simulation.check()?;
        let worlds = simulation.numbers().len() as u64;
        let kind = simulation.scenario().kind_of_world();
        watched((worlds, kind), is_quiet, |stop, progress| {
            simulation.run(stop, progress)
        })
    }
}

/// How many threads to use: as many as there are processors unless given.
pub(super) fn threads(given: Option<u16>) -> usize {
    given.map_or_else(
        || std::thread::available_parallelism().map_or(1, |n| n.get()),
        usize::from,
    )
}

/// Shows how far simulations of `worlds` conversations or loads are, and stops them at signals.
pub(super) fn watched<T>(
    (worlds, kind): (u64, &str),
    is_quiet: bool,
    simulate: impl FnOnce(&AtomicBool, Progress<'_>) -> Result<T, RunError>,
) -> Result<T, Failure> {
    let stop = stop_at_signals();
    let bar = bar((worlds, kind), is_quiet);
    let (turns, since) = (AtomicU64::new(0), Clock::real(1));
    since.start();
    let stopwatch = since.stopwatch();
    let simulated = simulate(&stop, &|worlds, more| {
        let turns = turns.fetch_add(more, Ordering::Relaxed) + more;
        let elapsed_s = stopwatch.map_or(0.0, |s| s.now().as_ms() / 1e3);
        bar.set_message(format!("{:.0} turns/s", turns as f64 / elapsed_s.max(1e-9)));
        bar.inc(worlds);
    });
    bar.finish_and_clear();
    Ok(simulated?)
}

fn bar((worlds, kind): (u64, &str), is_quiet: bool) -> ProgressBar {
    if is_quiet {
        return ProgressBar::hidden();
    }
    let target = indicatif::ProgressDrawTarget::stderr_with_hz(PER_SECOND);
    let bar = ProgressBar::with_draw_target(Some(worlds), target);
    // A template that cannot be read leaves the usual one.
    if let Ok(style) = ProgressStyle::with_template(&format!(
        "{{bar:30}} {{human_pos}}/{{human_len}} {kind}, {{msg}}, {{eta}} left"
    )) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_or_percent() {
        assert_eq!(share("1%"), Ok(0.01));
        assert_eq!(share("0.05"), Ok(0.05));
        for wrong in ["0", "-1%", "101%", "x", "nan", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
