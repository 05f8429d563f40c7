//! What the figures of a simulation hang on: every input a tenth more and a tenth less, each with the same luck.

use super::simulation::{Progress, Simulation};
use super::subject::subject;
use crate::measure::Totals;
use crate::report::sensitivity::{self, Change, Effect, FIGURES, HEADLINES, SCHEMA, STEP_PERCENT};
use crate::run::RunError;
use crate::scenario::{Input, Scenario, Step};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Conversations of each simulation unless it is given: shared luck tells much in few.
const CONVERSATIONS: u32 = 4_000;

/// A scenario whose inputs are to be moved.
pub struct Sensitivity {
    scenario: Scenario,
    inputs: Vec<Input>,
    worlds: Option<u32>,
    threads: usize,
}

/// The figures after a step, or why there are none.
enum Stepped {
    Totals(Box<Totals>),
    Refused(String),
}

impl Sensitivity {
    /// Every input of the scenario, on one thread.
    pub fn of(scenario: Scenario) -> Sensitivity {
        Sensitivity {
            inputs: scenario.file().inputs(),
            scenario,
            worlds: None,
            threads: 1,
        }
    }

    /// Simulates this many worlds for each step: 4,000 conversations, or 64 loads, if `None`.
    pub fn worlds(mut self, worlds: Option<u32>) -> Sensitivity {
        self.worlds = worlds;
        self
    }

    /// Holds the worlds on this many threads, which makes no difference to the figures.
    pub fn threads(mut self, threads: usize) -> Sensitivity {
        self.threads = threads;
        self
    }

    /// How many worlds all simulations have together.
    pub fn worlds_in_all(&self) -> u64 {
        let simulations = 1 + 2 * self.inputs.len() as u64;
        simulations * u64::from(self.simulation(self.scenario.clone()).how_many())
    }

    fn simulation(&self, scenario: Scenario) -> Simulation {
        let worlds = self.worlds.or(match scenario.load {
            None => Some(CONVERSATIONS),
            Some(_) => None,
        });
        Simulation::of(scenario)
            .worlds(worlds)
            .threads(self.threads)
    }

    /// Checks the input.
    ///
    /// # Errors
    /// What is wrong with the scenario, and the fix.
    pub fn check(&self) -> Result<(), RunError> {
        self.simulation(self.scenario.clone()).check()
    }

    /// Simulates the scenario, and then every step. Once `stop` is set, inputs that were not come to are left out.
    ///
    /// # Errors
    /// Wrong input, or a simulation that fails.
    pub fn run(
        self,
        stop: &AtomicBool,
        progress: Progress<'_>,
    ) -> Result<sensitivity::Sensitivity, RunError> {
        let base = self.simulation(self.scenario.clone()).run(stop, progress)?;
        let base = base.totals;
        let is_known = |name: &&&str| {
            base.known(name)
                .is_some_and(|known| known.exact().is_some())
        };
        let headline = HEADLINES.iter().find(is_known).unwrap_or(&HEADLINES[0]);
        let mut effects = Vec::new();
        for input in &self.inputs {
            let more = self.stepped(input, Step::More, (stop, progress))?;
            let less = self.stepped(input, Step::Less, (stop, progress))?;
            if stop.load(Ordering::Relaxed) {
                break;
            }
            effects.push(effect(input, &base, (more, less), headline));
        }
        let strengths = |effect: &Effect| {
            let others = FIGURES.iter().map(|(name, _)| effect.strength(name));
            std::iter::once(effect.strength(headline))
                .chain(others)
                .collect::<Vec<f64>>()
        };
        // A stable sort: what is as strong stays in the order of the tables.
        effects.sort_by(|one, other| {
            let pairs = strengths(other).into_iter().zip(strengths(one));
            pairs
                .map(|(other, one)| other.total_cmp(&one))
                .fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let figures = FIGURES.iter().filter_map(|(name, _)| {
            let known = base.known(name)?;
            Some((*name, known.exact()))
        });
        Ok(sensitivity::Sensitivity {
            schema: SCHEMA,
            subject: subject(
                &self.scenario,
                self.simulation(self.scenario.clone()).how_many(),
            ),
            rests_on: self.scenario.rests_on(),
            step_percent: STEP_PERCENT,
            headline,
            figures: figures.collect(),
            is_cut_short: effects.len() < self.inputs.len(),
            inputs: effects,
        })
    }

    fn stepped(
        &self,
        input: &Input,
        step: Step,
        (stop, progress): (&AtomicBool, Progress<'_>),
    ) -> Result<Stepped, RunError> {
        let mut is_moved = false;
        let changed = self.scenario.changed(|file| {
            is_moved = file.step(&input.key, step);
        });
        let changed = match changed {
            Ok(changed) if is_moved => changed,
            Ok(_) => return Ok(Stepped::Refused("it is as low as it can be".to_owned())),
            Err(problem) => return Ok(Stepped::Refused(problem.to_string())),
        };
        match self.simulation(changed).run(stop, progress) {
            Ok(simulated) => Ok(Stepped::Totals(Box::new(simulated.totals))),
            Err(RunError::Saturated(why) | RunError::Input(why)) => Ok(Stepped::Refused(why)),
            Err(error) => Err(error),
        }
    }
}

fn effect(
    input: &Input,
    base: &Totals,
    (more, less): (Stepped, Stepped),
    headline: &str,
) -> Effect {
    let changes = |stepped: &Stepped| -> BTreeMap<&'static str, Change> {
        let Stepped::Totals(totals) = stepped else {
            return BTreeMap::new();
        };
        let changes = FIGURES.iter().filter_map(|(name, _)| {
            let (before, after) = (base.known(name)?, totals.known(name)?);
            let half = totals.certainty_beside(base, name).map(|told| told.half);
            Some((*name, Change::of(before, after, half)))
        });
        changes.collect()
    };
    let refused = |stepped: Stepped| match stepped {
        Stepped::Totals(_) => None,
        Stepped::Refused(why) => Some(why),
    };
    let mut effect = Effect {
        key: input.key.clone(),
        now: input.now.clone(),
        is_by_one: input.is_by_one,
        headline_moves_by: None,
        more: changes(&more),
        less: changes(&less),
        more_refused: refused(more),
        less_refused: refused(less),
    };
    let strength = effect.strength(headline);
    effect.headline_moves_by = strength.is_finite().then_some(strength);
    effect
}
