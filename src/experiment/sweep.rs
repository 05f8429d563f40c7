//! A sweep: a scenario in every combination of some settings, each simulated with the same luck, so that
//! settings differ by what is set alone.

use super::front::front;
use super::simulation::{Progress, Simulated, Simulation};
use super::subject::subject;
use crate::event::Metric;
use crate::measure::{Interval, Known, Measurement, Plan, Totals, Waits};
use crate::record::store::RowsPer;
use crate::report::sweep::{self, Axes, Axis, FromFirst, Setting};
use crate::rng::Randomness;
use crate::run::RunError;
use crate::scenario::budget::Count;
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
    until_decided: bool,
    against: Option<Against>,
}

/// Settings may rest on many different things; a reader takes in so many sentences.
const RESTS_ON_MAX: usize = 4;

/// The figures that settings are weighed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The latency against another figure.
    Latency(Axis),
    /// One figure against another.
    Pair(Axis, Axis),
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
            until_decided: false,
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

    /// Goes on with each setting until chance cannot change whether each of its budgets is kept.
    pub fn until_decided(mut self, until_decided: bool) -> Sweep {
        self.until_decided = until_decided;
        self
    }

    /// Weighs settings by these figures; if `None`, latency against the cost, or against cut-offs where nothing is
    /// paid for, or false stops against missed stops where settings move only those.
    pub fn against(mut self, against: Option<Against>) -> Sweep {
        self.against = against;
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
            .until_decided(self.until_decided)
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
        let (mut settings, mut figures) = (Vec::new(), Vec::new());
        let mut first: Option<(Randomness, Totals)> = None;
        for (values, scenario) in &self.settings {
            let setting = match self.simulation(scenario).run(stop, progress) {
                Ok(simulated) => {
                    figures.push(simulated.totals.figures());
                    let mut setting = self.setting(values, &simulated);
                    let luck = scenario.randomness();
                    match &first {
                        Some((same, first)) if *same == luck => {
                            setting.from_first = from_first(first, &simulated.totals);
                        }
                        None if settings.is_empty() => first = Some((luck, simulated.totals)),
                        _ => {}
                    }
                    setting
                }
                Err(RunError::Saturated(why)) => self.saturated(values, scenario, why),
                Err(error) => return Err(error),
            };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            settings.push(setting);
        }
        let (unmoved, moved) = (self.unmoved(&settings), moved(&figures));
        let axes = self.axes(&unmoved);
        // What the table shows is not named again.
        let moved = if [axes.x, axes.y].iter().all(|axis| unmoved.contains(axis)) {
            moved
        } else {
            Vec::new()
        };
        let points: Vec<_> = settings.iter().map(|s: &Setting| s.point(axes)).collect();
        for (setting, is_on_front) in settings.iter_mut().zip(front(&points)) {
            setting.is_on_front = is_on_front;
        }
        let scenario = self.scenarios().next();
        let prices = scenario.and_then(Scenario::prices);
        let subject = |scenario: &Scenario| subject(scenario, self.simulation(scenario).how_many());
        Ok(sweep::Sweep {
            schema: sweep::SCHEMA,
            subject: scenario.map(subject).unwrap_or_default(),
            vary: self.keys.clone(),
            axes,
            unmoved,
            moved,
            currency: prices.map(|prices| prices.currency).unwrap_or_default(),
            rests_on: self.rests_on(),
            is_cut_short: settings.len() < self.settings.len(),
            settings,
        })
    }

    /// What the figures rest on, each sentence once.
    fn rests_on(&self) -> Vec<String> {
        let mut sentences: Vec<String> = Vec::new();
        for sentence in self.scenarios().flat_map(Scenario::rests_on) {
            if !sentences.contains(&sentence) && sentences.len() < RESTS_ON_MAX {
                sentences.push(sentence);
            }
        }
        sentences
    }

    /// The axes that were asked for, or that say most.
    fn axes(&self, unmoved: &[Axis]) -> Axes {
        let is_priced = self.scenarios().all(|scenario| scenario.prices().is_some());
        let usual = Axes {
            x: Axis::P95,
            y: match is_priced {
                true => Axis::CostPerMinute,
                false => Axis::CutOffShare,
            },
        };
        let stops = Axes {
            x: Axis::FalseStops,
            y: Axis::MissedStops,
        };
        let moves = |axes: Axes| !unmoved.contains(&axes.x) || !unmoved.contains(&axes.y);
        match self.against {
            Some(Against::Latency(y)) => Axes { x: Axis::P95, y },
            Some(Against::Pair(x, y)) => Axes { x, y },
            // What a policy of interruptions trades is stops for nothing against missed ones.
            None if self.keys.iter().all(|key| key.starts_with("interruption")) => stops,
            None if moves(usual) || !moves(stops) => usual,
            None => stops,
        }
    }

    /// The figures that are the same in all settings, as far as can be told from chance.
    fn unmoved(&self, settings: &[Setting]) -> Vec<Axis> {
        let is_unmoved = |axis: &Axis| {
            let known = settings.iter().map(|setting| {
                let interval = setting.intervals.get(axis.name()).copied();
                setting.known(*axis).map(|known| (known, interval))
            });
            let from_first = settings.iter().filter_map(|setting| setting.from_first);
            let differs = *axis == Axis::P95 && from_first.into_iter().any(FromFirst::is_told);
            !differs && are_alike(&known.collect::<Vec<_>>())
        };
        Axis::ALL.into_iter().filter(is_unmoved).collect()
    }

    fn setting(&self, values: &[Value], simulated: &Simulated) -> Setting {
        let totals = &simulated.totals;
        let measured = &totals.measured;
        let waits = |metric| measured.metrics.get(&metric).and_then(Waits::summary);
        let mut intervals = totals.intervals();
        let others = Axis::ALL.map(Axis::name);
        intervals.extend(others.into_iter().filter_map(|name| totals.interval(name)));
        Setting {
            set: self.set(values),
            values: values.iter().map(shown).collect(),
            is_saturated: false,
            saturation: None,
            worlds: totals.worlds(),
            e2e_latency: waits(Metric::E2eLatency),
            detection_delay: waits(Metric::DetectionDelay),
            talk_over: waits(Metric::TalkOver),
            intervals,
            from_first: None,
            unanswered_share: totals.count(Count::UnansweredShare),
            cut_off_share: totals.cut_off_share(),
            failed_share: measured.interruptions.failed_share(),
            false_barge_ins_per_question: totals.count(Count::FalseBargeInsPerQuestion),
            missed_barge_ins_per_question: totals.count(Count::MissedBargeInsPerQuestion),
            cost_per_minute: measured.cost.as_ref().map(|cost| cost.per_minute),
            budgets: measured.budgets.clone(),
            is_on_front: false,
        }
    }
}

/// How far the p95 of a setting lies from that of the first one; `None` unless they have the same worlds.
fn from_first(first: &Totals, totals: &Totals) -> Option<FromFirst> {
    const NAME: &str = "e2e_latency_p95_ms";
    let is_same = totals.worlds() == first.worlds();
    let told = totals.certainty_beside(first, NAME).filter(|_| is_same)?;
    Some(FromFirst {
        e2e_latency_p95_ms: totals.known(NAME)?.exact()? - first.known(NAME)?.exact()?,
        half_ms: told.half,
        as_of_times: told.times,
    })
}

/// The names of figures that differ between settings by more than chance.
fn moved(settings: &[BTreeMap<String, (Known, Option<Interval>)>]) -> Vec<String> {
    let names = settings.iter().flat_map(BTreeMap::keys);
    let names: std::collections::BTreeSet<&String> = names.collect();
    let is_moved = |name: &&&String| {
        let known: Vec<_> = settings.iter().map(|of| of.get(**name).copied()).collect();
        !are_alike(&known)
    };
    names
        .iter()
        .filter(is_moved)
        .map(|name| (*name).clone())
        .collect()
}

/// Whether figures differ by no more than the widest of their intervals reaches to a side. Settings share their
/// luck, so what does not depend on a setting does not differ at all.
fn are_alike(figures: &[Option<(Known, Option<Interval>)>]) -> bool {
    let known: Vec<(Known, Option<Interval>)> = figures.iter().flatten().copied().collect();
    if known.len() < figures.len() {
        return known.is_empty();
    }
    let ranks = known.iter().map(|(known, _)| known.rank());
    let (least, most) = ranks.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), rank| {
        (least.min(rank), most.max(rank))
    });
    let halves = known.iter().filter_map(|(_, interval)| *interval);
    let widest = halves
        .map(|i| (i.high - i.low) / 2.0)
        .filter(|half| half.is_finite());
    known.is_empty() || least == most || most - least <= widest.fold(0.0, f64::max)
}

impl Sweep {
    /// A setting whose load never drains: nothing is measured, and no budget is kept.
    fn saturated(&self, values: &[Value], scenario: &Scenario, why: String) -> Setting {
        let plan = Plan::of(scenario, RowsPer::Turn);
        let mut nothing = Measurement::of_nothing();
        nothing.judge(&plan.budgets);
        Setting {
            set: self.set(values),
            values: values.iter().map(shown).collect(),
            is_saturated: true,
            saturation: Some(why),
            worlds: 0,
            e2e_latency: None,
            detection_delay: None,
            talk_over: None,
            intervals: BTreeMap::new(),
            from_first: None,
            unanswered_share: None,
            cut_off_share: None,
            failed_share: None,
            false_barge_ins_per_question: None,
            missed_barge_ins_per_question: None,
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
