//! A fitted latency: what of the work explains it, which kinds of turn it tells apart, and what is left to chance.

use super::empirical::{table_density, table_share_under};
use super::family::{Distribution, IMPOSSIBLE, short};
use super::line::Line;
use super::maximum::Time;
use super::sample::Sample;
use crate::scenario::latency::{LatencyModel, Linear, quantile_ms, quantile_share};

/// What is left to chance.
#[derive(Debug, Clone, PartialEq)]
pub enum Chance {
    Family(Distribution),
    /// Shares and times, as they were measured. Outside of it lies one time in as many as were measured and one.
    Table {
        points: Vec<(f64, f64)>,
        finished: usize,
    },
}

impl Chance {
    pub fn name(&self) -> &'static str {
        match self {
            Chance::Family(distribution) => distribution.family.name(),
            Chance::Table { .. } => "quantiles",
        }
    }

    pub fn share_below(&self, ms: f64) -> f64 {
        match self {
            Chance::Family(distribution) => distribution.share_below(ms),
            Chance::Table { points, .. } => quantile_share(points, ms),
        }
    }

    /// The share below `ms`, without that of just so long: a table may hold many equal times.
    fn share_under(&self, ms: f64) -> f64 {
        match self {
            Chance::Family(distribution) => distribution.share_below(ms),
            Chance::Table { points, .. } => table_share_under(points, ms),
        }
    }

    pub fn quantile(&self, below: f64) -> f64 {
        match self {
            Chance::Family(distribution) => distribution.quantile(below),
            Chance::Table { points, .. } => quantile_ms(points, below),
        }
    }

    /// The logarithm of the likelihood of a time that was not fitted to.
    pub(super) fn ln_held_out(&self, time: Time) -> f64 {
        match self {
            Chance::Family(distribution) => match time.is_given_up {
                true => distribution.ln_above(time.ms),
                false => distribution.ln_density(time.ms),
            },
            Chance::Table { points, finished } => table_held_out(points, *finished, time),
        }
    }

    fn model(&self) -> Option<LatencyModel> {
        match self {
            Chance::Family(distribution) => distribution.model(),
            Chance::Table { points, .. } => Some(table_model(points, 0.0)),
        }
    }
}

/// A table as a scenario has it, its times less `base_ms`.
fn table_model(points: &[(f64, f64)], base_ms: f64) -> LatencyModel {
    let (least, greatest) = (points.first(), points.last());
    let is_one = least.zip(greatest).is_none_or(|(a, b)| b.1 - a.1 < 1e-3);
    if is_one {
        let ms = least.map_or(0.0, |(_, ms)| ms - base_ms);
        return LatencyModel::FixedMs(short(ms.max(0.0)));
    }
    let mut before = 0.0_f64;
    let point = |(share, ms): &(f64, f64)| {
        before = before.max(short((ms - base_ms).max(0.0)));
        (*share, before)
    };
    LatencyModel::Quantiles(points.iter().map(point).collect())
}

/// The logarithm of the likelihood of a time under a table that was made of others. One time in as many as were measured
/// and one lies outside of it, the less likely the farther.
fn table_held_out(points: &[(f64, f64)], finished: usize, time: Time) -> f64 {
    let (Some((_, least)), Some((_, greatest))) = (points.first(), points.last()) else {
        return IMPOSSIBLE;
    };
    let outside = 1.0 / (finished as f64 + 1.0);
    let reach = (0.5 * (greatest - least))
        .max(0.01 * greatest.abs())
        .max(1e-3);
    let beyond = (least - time.ms).max(time.ms - greatest).max(0.0);
    let ln = match (time.is_given_up, beyond > 0.0) {
        (false, false) => libm::log((1.0 - outside) * table_density(points, time.ms)),
        (false, true) => libm::log(0.5 * outside / reach) - beyond / reach,
        (true, true) if time.ms > *greatest => libm::log(0.5 * outside) - beyond / reach,
        (true, _) => {
            let above = 1.0 - quantile_share(points, time.ms);
            libm::log((1.0 - outside) * above + 0.5 * outside)
        }
    };
    if ln.is_finite() {
        ln.max(IMPOSSIBLE)
    } else {
        IMPOSSIBLE
    }
}

/// Which turns are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinds {
    /// None: all turns are alike.
    Alike,
    /// The first question of a conversation, and all later ones.
    First,
    /// Each question up to the last of so many, which all later ones are like.
    Each(u32),
}

impl Kinds {
    /// How many kinds there are.
    pub fn count(self) -> usize {
        match self {
            Kinds::Alike => 1,
            Kinds::First => 2,
            Kinds::Each(count) => count as usize,
        }
    }

    /// The kind of a question, from zero.
    pub fn of(self, question: u32) -> usize {
        (question.saturating_sub(1) as usize).min(self.count() - 1)
    }

    pub fn name(self) -> &'static str {
        match self {
            Kinds::Alike => "all turns alike",
            Kinds::First => "the first question apart",
            Kinds::Each(_) => "each question apart",
        }
    }
}

/// What a stage's latency grows with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covariate {
    AudioSeconds,
    Characters,
}

impl Covariate {
    pub fn name(self) -> &'static str {
        match self {
            Covariate::AudioSeconds => "audio_s",
            Covariate::Characters => "characters",
        }
    }

    /// A line in words, such as "2.4 ms a character".
    pub fn described(self, slope: f64) -> String {
        let slope = short(slope);
        match self {
            Covariate::AudioSeconds => format!("{slope} ms a second of audio"),
            Covariate::Characters => format!("{slope} ms a character"),
        }
    }
}

/// A fitted latency.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub kinds: Kinds,
    /// What the work explains; `None` if it explains nothing, or is not known.
    pub line: Option<(Covariate, Line)>,
    /// What is left, by kind of turn.
    pub chances: Vec<Chance>,
}

impl Model {
    /// The part of a latency that the work explains.
    fn explained_ms(&self, work: Option<f64>) -> f64 {
        let (_, line) = self.line.unzip();
        line.zip(work).map_or(0.0, |(line, work)| line.slope * work)
    }

    pub(super) fn chance(&self, question: u32) -> Option<&Chance> {
        self.chances.get(self.kinds.of(question))
    }

    /// A sample's time less what its work explains.
    pub(super) fn left(&self, sample: &Sample) -> Time {
        Time {
            ms: sample.time.ms - self.explained_ms(sample.work),
            ..sample.time
        }
    }

    /// The share of times like this sample's that lie under `ms`.
    pub fn share_below(&self, sample: &Sample, ms: f64) -> f64 {
        let left = ms - self.explained_ms(sample.work);
        self.chance(sample.question)
            .map_or(0.0, |chance| chance.share_below(left))
    }

    /// The shares of times like this sample's that are shorter than it, and that are no longer.
    pub(super) fn shares_about(&self, sample: &Sample) -> (f64, f64) {
        let left = self.left(sample).ms;
        self.chance(sample.question).map_or((0.0, 0.0), |chance| {
            (chance.share_under(left), chance.share_below(left))
        })
    }

    /// A quantile over samples, each with its own work and kind.
    pub fn quantile_over(&self, samples: &[Sample], below: f64) -> f64 {
        let greatest = samples.iter().map(|s| s.time.ms).fold(1.0, f64::max);
        let (mut low, mut high) = (0.0, 20.0 * greatest);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            let share: f64 = samples.iter().map(|s| self.share_below(s, middle)).sum();
            match share < below * samples.len() as f64 {
                true => low = middle,
                false => high = middle,
            }
        }
        0.5 * (low + high)
    }

    /// As a scenario has it, with these correlations; `None` if a scenario cannot have it.
    pub fn latency(&self, session: f64, turn: f64) -> Option<LatencyModel> {
        let one = |chance: &Chance| match (self.line, chance) {
            (Some((covariate, line)), Chance::Table { points, .. }) => {
                let base_ms = points.first().map_or(0.0, |(_, ms)| *ms);
                let slope = short(line.slope);
                let mut linear = Linear {
                    base_ms: short(base_ms),
                    residual: Some(Box::new(table_model(points, base_ms))),
                    ..Linear::default()
                };
                match covariate {
                    Covariate::AudioSeconds => linear.per_audio_s_ms = slope,
                    Covariate::Characters => linear.per_character_ms = slope,
                }
                Some(LatencyModel::Linear(linear))
            }
            _ => chance.model(),
        };
        let mut kinds: Vec<LatencyModel> = self.chances.iter().map(one).collect::<Option<_>>()?;
        let model = match kinds.len() {
            1 => kinds.pop()?,
            _ => LatencyModel::Turns(kinds),
        };
        if session == 0.0 && turn == 0.0 {
            return Some(model);
        }
        let model = LatencyModel::Correlated {
            correlation: session,
            turn,
            model: Box::new(model),
        };
        model.parse().is_ok().then_some(model)
    }

    /// The family, with what it is told apart by.
    pub fn name(&self) -> String {
        let mut names: Vec<&str> = self.chances.iter().map(Chance::name).collect();
        names.dedup();
        let family = match self.line {
            Some(_) => "linear",
            None => match names.as_slice() {
                [one] => one,
                _ => "families by turn",
            },
        };
        family.to_owned()
    }
}

/// The normal number of a sample under a model, about 0 and 1 wide if the model is right. What was given up stands at
/// the middle of what lies above it.
pub(super) fn score(model: &Model, sample: &Sample) -> f64 {
    let below = model.share_below(sample, sample.time.ms);
    let below = match sample.time.is_given_up {
        true => 0.5 * (1.0 + below),
        false => below,
    };
    super::family::normal_quantile(below.clamp(1e-3, 1.0 - 1e-3))
}
