//! The least or the greatest value of a key with which a simulation keeps a limit.

mod search;

use super::simulation::{Progress, Simulated, Simulation};
use super::subject::subject;
use crate::report::find::{self, Ended, SCHEMA, Step, Wanted};
use crate::run::{RunError, input};
use crate::scenario::budget::{Budget, budget};
use crate::scenario::{Scenario, ScenarioError, Template, unit};
use search::{Found, Numbers, Search};
use std::sync::atomic::{AtomicBool, Ordering};
use toml::Value;

/// The most simulations of one search: enough for whole numbers up to a million, one by one.
const STEPS_MAX: usize = 60;

/// The greatest number that is tried when a first value is looked for.
const FIRST_MAX: f64 = 1_048_576.0;

/// A limit that is to be kept, as in `e2e_latency_p95_ms=900`.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The name of the figure, as it was given.
    metric: String,
    budget: Budget,
}

impl std::str::FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Goal, String> {
        let (metric, limit) = text
            .split_once('=')
            .ok_or("write METRIC=VALUE, for example e2e_latency_p95_ms=900")?;
        let (metric, limit) = (metric.trim().to_owned(), limit.trim());
        let number = limit.parse().map_err(|_| {
            unit::fix(&metric, limit)
                .unwrap_or_else(|| format!("{limit:?} is no number; write {metric}=VALUE"))
        })?;
        Ok(Goal {
            budget: budget(&metric, number)?,
            metric,
        })
    }
}

/// A search for the least or the greatest value of a key.
/// # Example
/// ```
/// use std::path::Path;
/// use std::sync::atomic::AtomicBool;
/// use voicesim::experiment::Find;
/// use voicesim::scenario::Template;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let template = Template::read(Path::new("audio/simulations/assistant.toml"), &[])?;
/// let found = Find::of(template, "endpointing.silence_ms", "e2e_latency_p95_ms=2500".parse()?)?
///     .worlds(Some(20))
///     .run(&AtomicBool::new(false), &|_, _| {}, |_| {})?;
/// assert!(!found.steps.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Find {
    template: Template,
    key: String,
    goal: Goal,
    seed: Option<u64>,
    worlds: Option<u32>,
    threads: usize,
    until_decided: bool,
    wanted: Option<Wanted>,
    numbers: Numbers,
    /// The value that is tried first.
    first: f64,
}

/// Why a search ends before it has found anything out.
enum Halt {
    Stopped,
    Failed(RunError),
}

impl Find {
    /// A search for the least or the greatest value of `key`, named as in `--set`, that keeps `goal`, by
    /// simulations on one thread. Which of them follows from the values around the first one.
    ///
    /// # Errors
    /// A key that the scenario does not have, or that takes no numbers.
    pub fn of(template: Template, key: &str, goal: Goal) -> Result<Find, RunError> {
        let (numbers, first) = numbers(&template, key)?;
        Ok(Find {
            template,
            key: key.to_owned(),
            goal,
            seed: None,
            worlds: None,
            threads: 1,
            until_decided: false,
            wanted: None,
            numbers,
            first,
        })
    }

    /// Draws everything random from this seed; from the scenario's if `None`.
    pub fn seed(mut self, seed: Option<u64>) -> Find {
        self.seed = seed;
        self
    }

    /// Simulates this many worlds with each value; as many as a [`Simulation`] has if `None`.
    pub fn worlds(mut self, worlds: Option<u32>) -> Find {
        self.worlds = worlds;
        self
    }

    /// Holds the worlds on this many threads, which makes no difference to the figures.
    pub fn threads(mut self, threads: usize) -> Find {
        self.threads = threads;
        self
    }

    /// Looks for the least value, or for the greatest; for what follows from the first values if `None`.
    pub fn wanted(mut self, wanted: Option<Wanted>) -> Find {
        self.wanted = wanted;
        self
    }

    /// Goes on with each value until chance cannot change whether it keeps the goal.
    pub fn until_decided(mut self, until_decided: bool) -> Find {
        self.until_decided = until_decided;
        self
    }

    fn simulation(&self, mut scenario: Scenario) -> Simulation {
        if self.until_decided {
            scenario.set_budgets(self.goal.budget.clone().into());
        }
        Simulation::of(scenario)
            .worlds(self.worlds)
            .threads(self.threads)
            .until_decided(self.until_decided)
    }

    fn scenario(&self, value: f64) -> Result<Scenario, RunError> {
        let mut scenario = with(&self.template, &self.key, self.numbers, value).map_err(input)?;
        if let Some(seed) = self.seed {
            scenario.set_seed(seed);
        }
        Ok(scenario)
    }

    fn may(&self, value: f64) -> bool {
        let scenario = self.scenario(value);
        scenario.is_ok_and(|scenario| self.simulation(scenario).check().is_ok())
    }

    /// Checks the input.
    ///
    /// # Errors
    /// What is wrong with the scenario at the first value.
    pub fn check(&self) -> Result<(), RunError> {
        self.simulation(self.scenario(self.first)?).check()
    }

    /// Simulates until the value is found, and tells each step when it is done. Once `stop` is set, the value
    /// is the best that kept the goal so far.
    ///
    /// # Errors
    /// Wrong input, or a simulation that fails.
    pub fn run(
        self,
        stop: &AtomicBool,
        progress: Progress<'_>,
        mut told: impl FnMut(&Step),
    ) -> Result<find::Find, RunError> {
        self.check()?;
        let mut steps: Vec<(f64, Step)> = Vec::new();
        let keeps = |value: f64| {
            if steps.len() == STEPS_MAX {
                return Err(Halt::Stopped);
            }
            let scenario = self.scenario(value).map_err(Halt::Failed)?;
            let simulated = match self.simulation(scenario).run(stop, progress) {
                // A load that never drains keeps no goal.
                Err(RunError::Saturated(_)) => None,
                simulated => Some(simulated.map_err(Halt::Failed)?),
            };
            if stop.load(Ordering::Relaxed) {
                return Err(Halt::Stopped);
            }
            let step = self.step(value, simulated.as_ref());
            let is_kept = step.kept;
            told(&step);
            steps.push((value, step));
            Ok(is_kept)
        };
        let found = Search {
            numbers: self.numbers,
            wanted: self.wanted,
            may: |value| self.may(value),
            keeps,
        }
        .from(self.first);
        let (ended, wanted, found, neighbour) = match found {
            Ok(Found::AtLimit {
                wanted,
                kept,
                missed,
            }) => (Ended::AtLimit, Some(wanted), Some(kept), Some(missed)),
            Ok(Found::AtBound { wanted, kept }) => (Ended::AtBound, Some(wanted), Some(kept), None),
            Ok(Found::Everywhere { least, greatest }) => {
                (Ended::Everywhere, None, Some(least), Some(greatest))
            }
            Ok(Found::Nothing) => (Ended::Missed, self.wanted, None, None),
            Ok(Found::NotMonotonic) => (Ended::NotMonotonic, None, None, None),
            Err(Halt::Stopped) => (Ended::Stopped, self.wanted, best(&steps, self.wanted), None),
            Err(Halt::Failed(error)) => return Err(error),
        };
        let step = |value: Option<f64>| {
            let (_, step) = steps.iter().rfind(|(at, _)| Some(*at) == value)?;
            Some(step.clone())
        };
        let (at_found, neighbour) = (step(found), step(neighbour));
        let is_monotonic = is_monotonic(&steps);
        let scenario = self.scenario(self.first)?;
        Ok(find::Find {
            schema: SCHEMA,
            subject: subject(&scenario, self.simulation(scenario.clone()).how_many()),
            found: found.map(|value| json(self.numbers, value)),
            interval: at_found.as_ref().and_then(|step| step.interval),
            is_decided: at_found.as_ref().is_some_and(|step| step.decided),
            neighbour,
            wanted,
            is_monotonic,
            ended,
            key: self.key,
            metric: self.goal.metric,
            limit: self.goal.budget.limit,
            steps: steps.into_iter().map(|(_, step)| step).collect(),
        })
    }

    fn step(&self, value: f64, simulated: Option<&Simulated>) -> Step {
        let value = json(self.numbers, value);
        let Some(Simulated { totals, .. }) = simulated else {
            return Step {
                value,
                actual: None,
                over: None,
                interval: None,
                kept: false,
                // A load that never drains is none by chance.
                decided: true,
                saturated: true,
            };
        };
        let result = totals.held_to(&self.goal.budget);
        Step {
            value,
            actual: result.actual,
            over: result.over,
            interval: result.interval,
            kept: result.pass,
            decided: result.is_decided(),
            saturated: false,
        }
    }
}

/// The best value that kept the goal before a search was stopped.
fn best(steps: &[(f64, Step)], wanted: Option<Wanted>) -> Option<f64> {
    let kept = steps.iter().filter(|(_, step)| step.kept);
    let values = kept.map(|(value, _)| *value);
    match wanted {
        Some(Wanted::Least) => values.min_by(f64::total_cmp),
        Some(Wanted::Greatest) => values.max_by(f64::total_cmp),
        // Nobody knows yet which of them is wanted.
        None => None,
    }
}

/// Whether the figure only grows, or only falls, with the key, as far as intervals tell.
fn is_monotonic(steps: &[(f64, Step)]) -> bool {
    let mut steps: Vec<&(f64, Step)> = steps.iter().collect();
    steps.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = |step: &Step| {
        let interval = step.interval.filter(|interval| interval.high.is_finite());
        interval.map_or(0.0, |interval| (interval.high - interval.low) / 2.0)
    };
    let (mut grows, mut falls) = (false, false);
    for (index, (_, before)) in steps.iter().enumerate() {
        for (_, after) in &steps[index + 1..] {
            let rank = |step: &Step| step.actual.unwrap_or(f64::INFINITY);
            let (from, to) = (rank(before), rank(after));
            let noise = half(before) + half(after);
            grows |= to > from + noise;
            falls |= to < from - noise;
        }
    }
    !(grows && falls)
}

fn json(numbers: Numbers, value: f64) -> serde_json::Value {
    // Whatever a scenario takes is JSON too.
    serde_json::to_value(toml_of(numbers, value)).unwrap_or_default()
}

fn toml_of(numbers: Numbers, value: f64) -> Value {
    match numbers {
        // The number is whole, and far below where the conversion would lose anything.
        Numbers::Whole => Value::Integer(value as i64),
        Numbers::Real => Value::Float(value),
    }
}

fn with(
    template: &Template,
    key: &str,
    numbers: Numbers,
    value: f64,
) -> Result<Scenario, ScenarioError> {
    template.with(&[(key, &toml_of(numbers, value))])
}

/// The kind of numbers that a key takes, and the first to be tried: the scenario's own, or the first of 1, 2, 4
/// and so on, or of 1/2, 1/4 and so on, that the key may have.
fn numbers(template: &Template, key: &str) -> Result<(Numbers, f64), RunError> {
    let refused = |error: ScenarioError| RunError::Input(format!("--find {key}: {error}"));
    let has_no_such = |numbers, value| {
        let read = with(template, key, numbers, value);
        read.err()
            .filter(|e| matches!(e, ScenarioError::Syntax { .. }))
    };
    if let Some(error) = has_no_such(Numbers::Whole, 1.0) {
        return Err(refused(error));
    }
    // A key for whole numbers refuses this one as no such value; another key may only find it too great or
    // too small.
    let numbers = match has_no_such(Numbers::Real, 1.5) {
        Some(_) => Numbers::Whole,
        None => Numbers::Real,
    };
    let own = match template.value(key) {
        // What lies past the greatest number that is tried is refused by the search.
        Some(Value::Integer(own)) => Some(own as f64),
        Some(Value::Float(own)) => Some(own),
        _ => None,
    };
    let may = |value: &f64| with(template, key, numbers, *value).is_ok();
    let doubled = |value: &f64| Some(2.0 * value).filter(|value| *value <= FIRST_MAX);
    let halved = |value: &f64| Some(value / 2.0).filter(|value| 1.0 / FIRST_MAX <= *value);
    let halves = (numbers == Numbers::Real)
        .then(|| std::iter::successors(Some(0.5), halved))
        .into_iter()
        .flatten();
    let mut candidates = own
        .into_iter()
        .filter(|own| *own >= 0.0)
        .chain(std::iter::successors(Some(1.0), doubled))
        .chain(halves);
    match candidates.find(may) {
        Some(first) => Ok((numbers, first)),
        None => match with(template, key, numbers, 1.0) {
            Err(error) => Err(refused(error)),
            Ok(_) => Ok((numbers, 1.0)),
        },
    }
}
