//! A sweep: a scenario in every combination of some settings, each simulated with the same luck, so that
//! settings differ by what is set alone.

use super::front::front;
use super::simulation::{Progress, Simulated, Simulation};
use crate::event::Metric;
use crate::measure::{Measurement, Plan};
use crate::record::store::RowsPer;
use crate::report::sweep::{self, Axes, Other, Setting};
use crate::run::RunError;
use crate::scenario::{Scenario, Template, Variation, shown};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use toml::Value;

/// The most settings that a sweep compares.
pub const SETTINGS_MAX: usize = 1_000;

/// A sweep that is to be simulated: at least one setting.
/// # Example
/// ```
/// use std::path::Path;
/// use std::sync::atomic::AtomicBool;
/// use voicesim::experiment::Sweep;
/// use voicesim::scenario::Template;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let template = Template::read(Path::new("audio/simulations/endpointing.toml"), &[])?;
/// let sweep = Sweep::of(&template, &["endpointing.silence_ms=300,700".parse()?], None)?
///     .worlds(Some(100))
///     .run(&AtomicBool::new(false), &|_, _| {})?;
/// let [hasty, patient] = sweep.settings.as_slice() else { panic!("two settings") };
/// assert!(hasty.cut_off_share > patient.cut_off_share);
/// # Ok(())
/// # }
/// ```
pub struct Sweep {
    keys: Vec<String>,
    /// The settings in the order of their values, the last key changing first.
    settings: Vec<(Vec<Value>, Scenario)>,
    worlds: Option<u32>,
    threads: usize,
    against: Option<Other>,
}

impl Sweep {
    /// Every combination of the values, on one thread.
    ///
    /// # Errors
    /// Too many combinations, or the first setting that is wrong, and the fix.
    pub fn of(
        template: &Template,
        variations: &[Variation],
        seed: Option<u64>,
    ) -> Result<Sweep, RunError> {
        let keys: Vec<String> = variations.iter().map(|vary| vary.key.clone()).collect();
        refuse_twice(&keys, seed)?;
        let settings = grid(variations)?
            .into_iter()
            .map(|values| {
                let changes: Vec<(&str, &Value)> =
                    keys.iter().map(String::as_str).zip(&values).collect();
                let mut scenario = template
                    .with(&changes)
                    .map_err(|error| wrong(&keys, &values, error))?;
                if let Some(seed) = seed {
                    scenario.set_seed(seed);
                }
                Ok((values, scenario))
            })
            .collect::<Result<_, RunError>>()?;
        Ok(Sweep {
            keys,
            settings,
            worlds: None,
            threads: 1,
            against: None,
        })
    }

    /// Simulates this many worlds of each setting; as many as a [`Simulation`] has if `None`.
    pub fn worlds(mut self, worlds: Option<u32>) -> Sweep {
        self.worlds = worlds;
        self
    }

    /// Holds the worlds on this many threads, which makes no difference to the figures.
    pub fn threads(mut self, threads: usize) -> Sweep {
        self.threads = threads;
        self
    }

    /// Compares latency with this figure; if `None`, with the cost, or with cut-offs where nothing is paid for.
    pub fn against(mut self, other: Option<Other>) -> Sweep {
        self.against = other;
        self
    }

    /// How many worlds all settings have together.
    pub fn worlds_in_all(&self) -> u64 {
        let simulations = self.scenarios().map(|scenario| self.simulation(scenario));
        simulations.map(|s| u64::from(s.how_many())).sum()
    }

    /// The scenario of each setting, in order.
    pub fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        self.settings.iter().map(|(_, scenario)| scenario)
    }

    fn simulation(&self, scenario: &Scenario) -> Simulation {
        Simulation::of(scenario.clone())
            .worlds(self.worlds)
            .threads(self.threads)
    }

    /// Checks the input of every setting.
    ///
    /// # Errors
    /// The first setting that is wrong, and the fix.
    pub fn check(&self) -> Result<(), RunError> {
        for (values, scenario) in &self.settings {
            let checked = self.simulation(scenario).check();
            checked.map_err(|error| wrong(&self.keys, values, error))?;
        }
        Ok(())
    }

    /// Simulates one setting after the other. Once `stop` is set, the figures are those of the settings
    /// that are done.
    ///
    /// # Errors
    /// The first setting that is wrong, or a simulation that fails.
    pub fn run(self, stop: &AtomicBool, progress: Progress<'_>) -> Result<sweep::Sweep, RunError> {
        self.check()?;
        let mut settings = Vec::new();
        for (values, scenario) in &self.settings {
            let setting = match self.simulation(scenario).run(stop, progress) {
                Ok(simulated) => self.setting(values, &simulated),
                Err(RunError::Saturated(_)) => self.saturated(values, scenario),
                Err(error) => return Err(error),
            };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            settings.push(setting);
        }
        let is_priced = self.scenarios().all(|scenario| scenario.prices().is_some());
        let axes = Axes {
            x: sweep::P95,
            y: self.against.unwrap_or(match is_priced {
                true => Other::CostPerMinute,
                false => Other::CutOffShare,
            }),
        };
        let points: Vec<_> = settings.iter().map(|s: &Setting| s.point(axes)).collect();
        for (setting, is_on_front) in settings.iter_mut().zip(front(&points)) {
            setting.is_on_front = is_on_front;
        }
        let first = self.scenarios().next();
        let prices = first.and_then(Scenario::prices);
        Ok(sweep::Sweep {
            schema: sweep::SCHEMA,
            name: first
                .map(|scenario| scenario.name().to_owned())
                .unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION"),
            seed: first.map_or(0, |scenario| scenario.seed().0),
            worlds: first.map_or(0, |scenario| self.simulation(scenario).how_many()),
            kind: first.map_or("", |scenario| scenario.kind_of_world()),
            vary: self.keys.clone(),
            axes,
            currency: prices.map(|prices| prices.currency).unwrap_or_default(),
            is_cut_short: settings.len() < self.settings.len(),
            settings,
        })
    }

    fn setting(&self, values: &[Value], simulated: &Simulated) -> Setting {
        let totals = &simulated.totals;
        let measured = &totals.measured;
        let e2e = measured.metrics.get(&Metric::E2eLatency);
        Setting {
            set: self.set(values),
            values: values.iter().map(shown).collect(),
            is_saturated: false,
            e2e_latency: e2e.and_then(|histogram| histogram.summary()),
            intervals: totals.intervals(),
            cut_off_share: totals.batches.cut_off_share(),
            failed_share: measured.interruptions.failed_share(),
            cost_per_minute: measured.cost.as_ref().map(|cost| cost.per_minute),
            budgets: measured.budgets.clone(),
            is_on_front: false,
        }
    }
}

impl Sweep {
    /// A setting whose load never drains: nothing is measured, and no budget is kept.
    fn saturated(&self, values: &[Value], scenario: &Scenario) -> Setting {
        let plan = Plan::of(scenario, RowsPer::Turn);
        let mut nothing = Measurement::of_nothing();
        nothing.judge(&plan.budgets);
        Setting {
            set: self.set(values),
            values: values.iter().map(shown).collect(),
            is_saturated: true,
            e2e_latency: None,
            intervals: BTreeMap::new(),
            cut_off_share: None,
            failed_share: None,
            cost_per_minute: None,
            budgets: nothing.budgets,
            is_on_front: false,
        }
    }

    fn set(&self, values: &[Value]) -> BTreeMap<String, serde_json::Value> {
        let set = self.keys.iter().zip(values).map(|(key, value)| {
            // Whatever a scenario takes is JSON too.
            let value = serde_json::to_value(value).unwrap_or_default();
            (key.clone(), value)
        });
        set.collect()
    }
}

/// Refuses keys that would be set twice.
fn refuse_twice(keys: &[String], seed: Option<u64>) -> Result<(), RunError> {
    let is_twice = |(index, key): &(usize, &String)| keys[..*index].contains(key);
    if let Some((_, key)) = keys.iter().enumerate().find(is_twice) {
        return Err(RunError::Input(format!(
            "--vary {key}: this key varies already; give all of its values at once, {key}=V1,V2"
        )));
    }
    if seed.is_some() && keys.iter().any(|key| key == "seed") {
        return Err(RunError::Input(
            "--seed: the seed varies already (--vary seed); take one of them away".into(),
        ));
    }
    Ok(())
}

fn wrong(keys: &[String], values: &[Value], error: impl ToString) -> RunError {
    let pairs = keys.iter().zip(values);
    let told: Vec<String> = pairs.map(|(k, v)| format!("{k}={}", shown(v))).collect();
    RunError::Input(format!(
        "the setting {}: {}",
        told.join(" "),
        error.to_string()
    ))
}

/// All combinations of values.
fn grid(variations: &[Variation]) -> Result<Vec<Vec<Value>>, RunError> {
    let counts = variations.iter().map(|vary| vary.values.len());
    let count = counts.fold(1_usize, usize::saturating_mul);
    if count > SETTINGS_MAX {
        return Err(RunError::Input(format!(
            "--vary: {count} combinations; give up to {SETTINGS_MAX}"
        )));
    }
    Ok(variations.iter().fold(vec![Vec::new()], |settings, vary| {
        let longer = |setting: Vec<Value>| {
            let with = move |value: &Value| {
                let mut setting = setting.clone();
                setting.push(value.clone());
                setting
            };
            vary.values.iter().map(with).collect::<Vec<_>>()
        };
        settings.into_iter().flat_map(longer).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vary(texts: &[&str]) -> Vec<Variation> {
        texts
            .iter()
            .map(|text| text.parse().expect("values"))
            .collect()
    }

    #[test]
    fn the_last_key_changes_first() {
        let grid = grid(&vary(&["a=1,2", "b=x,y"])).expect("a grid");
        let shown: Vec<String> = grid
            .iter()
            .map(|setting| setting.iter().map(shown).collect())
            .collect();
        assert_eq!(shown, ["1x", "1y", "2x", "2y"]);
    }

    #[test]
    fn more_than_a_thousand_settings_are_refused() {
        let values = |count: usize| vec!["1"; count].join(",");
        let ten = format!("b={}", values(10));
        assert!(grid(&vary(&[&format!("a={}", values(100)), &ten])).is_ok());
        let error = grid(&vary(&[&format!("a={}", values(101)), &ten])).expect_err("too many");
        assert!(error.to_string().contains("1010 combinations"), "{error}");
    }
}
