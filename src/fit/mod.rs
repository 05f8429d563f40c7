//! Fits a simulation to what was measured: latencies by stage with what they grow with, callers, and how well all that
//! fits. From run folders, imported traces and measured calls to a profile that `voicesim simulate` takes.
//!
//! ```text
//! results -> gathered (samples) -> choice (a model a stage) -> profile (a scenario with its provenance)
//! ```
//!
//! It draws nothing and runs nothing: the same results give the same profile.

mod answers;
mod calibrator;
mod choice;
mod cores;
mod empirical;
mod family;
mod gathered;
mod habits;
mod line;
mod maximum;
mod model;
mod profile;
mod replica;
mod sample;
mod spread;
mod together;
mod visits;

pub use calibrator::{Beside, Calibrator, CalibratorError, Reference, reference};
pub use choice::{Candidate, FEW, TELLING_MIN};
pub use cores::Cores;
pub use empirical::Empirical;
pub use gathered::Gathered;
pub use model::{Kinds, Model};
pub use profile::{Made, profile};
pub use replica::{Replica, replicas};
use sample::GOLDEN;
pub use sample::Sample;

use crate::event::StageName;
use choice::{Choice, choose};
use maximum::Time;
use model::{Covariate, score};
use std::collections::BTreeMap;

/// Shares at which fit and measurement are compared.
pub const SHARES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// What a stage of a cascade is called in a scenario, and what its time grows with.
const STAGES: [(StageName, &str, Option<Covariate>); 4] = [
    (
        StageName::SpeechToText,
        "stt",
        Some(Covariate::AudioSeconds),
    ),
    (StageName::Answer, "answer", None),
    (StageName::TextToSpeech, "tts", Some(Covariate::Characters)),
    (StageName::SpeechToSpeech, "speech_to_speech", None),
];

/// What becomes of jobs that other programs disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisturbedJobs {
    /// They are in the fit like others.
    Mixed,
    LeftOut,
    /// They are a state that lasts, with latencies of its own, where an engine has enough of them.
    Apart,
}

/// A fit to results.
#[derive(Debug)]
pub struct Fit {
    pub gathered: Gathered,
    /// The stages that were measured, in path order; a whole turn stands for one where its parts are not known.
    pub stages: Vec<FittedStage>,
    /// The correlation of the stages of a turn; 0 if there is none, or too little to tell.
    pub turn_correlation: f64,
    /// How long callers wait for an answer before asking again; `None` if too few did.
    pub(crate) patience: Option<Model>,
    /// Samples that were left out because other programs disturbed them.
    pub left_out: usize,
    /// Stages of whose work none came to its end, or none that was not left out: a profile cannot have them.
    pub unknown: Vec<StageName>,
}

/// A stage, and what was fitted to it.
#[derive(Debug)]
pub struct FittedStage {
    /// The stage's table in a scenario.
    pub table: &'static str,
    pub stage: StageName,
    /// Whether the latency is that of a whole turn.
    pub is_whole: bool,
    pub samples: Vec<Sample>,
    pub measured: Empirical,
    pub chosen: Candidate,
    /// What else was tried.
    pub others: Vec<Candidate>,
    /// Whether whole conversations were held out; else turns of one conversation were.
    pub by_conversation: bool,
    /// The greatest distance between the shares below a time, fitted and measured, in 0..=1.
    pub ks: f64,
    /// The correlation of its draws within a conversation; 0 if there is none, or too little to tell.
    pub session_correlation: f64,
    /// Measured and fitted milliseconds at each of [`SHARES`]; what was measured is not known where the slowest were
    /// given up.
    pub quantiles: [(Option<f64>, f64); 4],
    /// How its time goes with the cores that it gets; `None` if it computes elsewhere. All times are as on all of its
    /// threads.
    pub cores: Option<Cores>,
    /// How long its disturbed jobs take, and of how many that is known; `None` unless they stand apart.
    pub disturbed: Option<(Model, usize)>,
}

/// Why nothing can be fitted. The text says what is missing.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// Nothing in the results is a latency.
    #[error(
        "no turn in it tells how long anything took: neither engines at work nor an answer that was timed"
    )]
    Nothing,
    /// There are too few turns to tell a distribution from a number.
    #[error("{turns}, and a distribution needs two at least; give folders with more")]
    TooFew {
        /// The turns, in words.
        turns: String,
    },
}

impl Fit {
    /// Fits to what was gathered.
    ///
    /// # Errors
    /// Too little to fit to.
    pub fn of(mut gathered: Gathered, disturbed: DisturbedJobs) -> Result<Fit, FitError> {
        let left_out = match disturbed {
            DisturbedJobs::LeftOut => gathered.leave_out_disturbed(),
            DisturbedJobs::Mixed | DisturbedJobs::Apart => 0,
        };
        let mut stages: Vec<FittedStage> = STAGES
            .into_iter()
            .filter_map(|(stage, table, covariate)| {
                let beside = gathered.calibrated.get(table);
                let of = (stage, table, beside.map_or(&[][..], Vec::as_slice));
                let samples = gathered.stages.get(&stage)?.clone();
                match disturbed {
                    DisturbedJobs::Apart => FittedStage::apart(of, samples, covariate),
                    _ => FittedStage::of(of, samples, covariate),
                }
            })
            .collect();
        if stages.is_empty() {
            let whole = (StageName::SpeechToSpeech, "speech_to_speech", &[][..]);
            stages.extend(FittedStage::of(whole, gathered.wholes.clone(), None));
            stages.iter_mut().for_each(|stage| stage.is_whole = true);
        }
        let finished = stages.iter().map(|stage| stage.measured.finished).max();
        match finished {
            None | Some(0) => return Err(FitError::Nothing),
            Some(1) => {
                let turns = "one latency was measured to its end".to_owned();
                return Err(FitError::TooFew { turns });
            }
            Some(_) => {}
        }
        let is_fitted = |stage: &StageName| stages.iter().any(|own| own.stage == *stage);
        let unknown = STAGES.into_iter().map(|(stage, ..)| stage);
        let unknown =
            unknown.filter(|stage| gathered.stages.contains_key(stage) && !is_fitted(stage));
        let unknown: Vec<StageName> = unknown.collect();
        let scores: Vec<_> = stages.iter().map(FittedStage::scores).collect();
        let turn_correlation = together::within_turns(&scores);
        for (stage, scores) in stages.iter_mut().zip(&scores) {
            let by_conversation: Vec<(u32, f64)> = scores
                .iter()
                .map(|((conversation, _), score)| (*conversation, *score))
                .collect();
            let session = together::within_conversations(&by_conversation);
            // What the stages of a turn share is drawn apart.
            stage.session_correlation = session.min(1.0 - turn_correlation);
        }
        let patience = patience(&gathered.habits.patience);
        Ok(Fit {
            gathered,
            stages,
            turn_correlation,
            patience,
            left_out,
            unknown,
        })
    }

    /// The share of the engines' jobs that other programs disturbed.
    pub fn disturbed_share(&self) -> f64 {
        self.gathered.disturbed as f64 / self.gathered.jobs.max(1) as f64
    }

    /// The probabilities that a job is disturbed after one that was not, and after one that was; `None` unless disturbed
    /// jobs stand apart.
    pub fn disturbance(&self) -> Option<[f64; 2]> {
        let is_apart = self.stages.iter().any(|stage| stage.disturbed.is_some());
        let share = |[all, disturbed]: [u64; 2]| disturbed as f64 / all.max(1) as f64;
        is_apart.then(|| self.gathered.behind.map(share))
    }

    /// The p50 and the p95 of the turns that were fitted to, in milliseconds; `None` if none was answered.
    pub fn measured_e2e(&self) -> Option<[f64; 2]> {
        let times = self.gathered.e2e_ms.iter().copied().map(Time::ended);
        let measured = Empirical::of(&times.collect::<Vec<_>>());
        Some([measured.quantile(0.5)?, measured.quantile(0.95)?])
    }

    pub fn answered(&self) -> usize {
        self.gathered.e2e_ms.len()
    }

    pub fn unanswered(&self) -> u64 {
        self.gathered.unanswered
    }

    /// How often callers asked again before there was an answer, and how often they did not.
    pub fn asked_again(&self) -> (usize, usize) {
        let patience = &self.gathered.habits.patience;
        let did_not = patience.iter().filter(|time| time.is_given_up).count();
        (patience.len() - did_not, did_not)
    }
}

/// How long callers wait: few ask again, most are answered before.
fn patience(times: &[Time]) -> Option<Model> {
    let asked_again = times.iter().filter(|time| !time.is_given_up).count();
    if asked_again < TELLING_MIN {
        return None;
    }
    model_of(times.iter().copied())
}

/// Times of callers as a model: nothing goes together in them.
fn model_of(times: impl Iterator<Item = Time>) -> Option<Model> {
    let sample = |(index, time)| Sample::of(time, index, 1);
    let samples: Vec<Sample> = (0..).zip(times).map(sample).collect();
    Some(choose(&samples, None)?.chosen.model)
}

impl FittedStage {
    /// Fits to the work of a stage, which is called so in a scenario, and beside which a calibrator did such work.
    fn of(
        (stage, table, beside): (StageName, &'static str, &[Sample]),
        samples: Vec<Sample>,
        covariate: Option<Covariate>,
    ) -> Option<FittedStage> {
        let mut cores = cores::cores(&samples, beside);
        let mut samples: Vec<Sample> = match &cores {
            Some(cores) => samples
                .into_iter()
                .map(|sample| cores.on_all(sample))
                .collect(),
            None => samples,
        };
        let mut choice = choose(&samples, covariate)?;
        if let Some(Cores { compute, .. }) = &mut cores
            && let model = &choice.chosen.model
            && let Some(spread) = spread::spread(&samples, beside, model, compute.threads)
        {
            compute.spread = spread;
            let is_on_fewer = |sample: &Sample| (1..compute.threads).contains(&sample.threads);
            for sample in samples.iter_mut().filter(|sample| is_on_fewer(sample)) {
                *sample = spread::on_all(*sample, model, spread);
            }
            if samples.iter().any(is_on_fewer) {
                choice = choose(&samples, covariate)?;
            }
        }
        let Choice {
            chosen,
            others,
            by_conversation,
        } = choice;
        let times: Vec<Time> = samples.iter().map(|sample| sample.time).collect();
        let measured = Empirical::of(&times);
        let model = &chosen.model;
        // The share below each sample, among those like it, is even between 0 and 1 if the model is right. Equal times
        // are spread over theirs.
        let shares: Vec<Time> = samples
            .iter()
            .enumerate()
            .map(|(index, sample)| {
                let (under, below) = model.shares_about(sample);
                let place = (index as f64 * GOLDEN).fract();
                Time {
                    ms: under + place * (below - under),
                    is_given_up: sample.time.is_given_up,
                }
            })
            .collect();
        let quantiles = SHARES.map(|share| {
            (
                measured.quantile(share),
                model.quantile_over(&samples, share),
            )
        });
        Some(FittedStage {
            table,
            stage,
            is_whole: false,
            ks: Empirical::of(&shares).distance(|share| share),
            quantiles,
            session_correlation: 0.0,
            measured,
            chosen,
            others,
            by_conversation,
            samples,
            cores,
            disturbed: None,
        })
    }

    /// The stage with its disturbed jobs apart, if there are enough of both kinds.
    fn apart(
        of: (StageName, &'static str, &[Sample]),
        samples: Vec<Sample>,
        covariate: Option<Covariate>,
    ) -> Option<FittedStage> {
        let finished = |samples: &[Sample]| {
            let finished = samples.iter().filter(|sample| !sample.time.is_given_up);
            finished.count()
        };
        let (disturbed, quiet): (Vec<Sample>, Vec<Sample>) =
            samples.iter().partition(|sample| sample.is_disturbed);
        let count = finished(&disturbed);
        if count < TELLING_MIN || finished(&quiet) < TELLING_MIN {
            return FittedStage::of(of, samples, covariate);
        }
        let mut fitted = FittedStage::of(of, quiet, covariate)?;
        let on_all = |sample: Sample| match &fitted.cores {
            Some(cores) => cores.on_all(sample),
            None => sample,
        };
        let disturbed: Vec<Sample> = disturbed.into_iter().map(on_all).collect();
        fitted.disturbed = Some((choose(&disturbed, covariate)?.chosen.model, count));
        Some(fitted)
    }

    fn scores(&self) -> Vec<((u32, u32), f64)> {
        let samples = self.samples.iter();
        samples
            .map(|sample| {
                (
                    (sample.conversation, sample.question),
                    score(&self.chosen.model, sample),
                )
            })
            .collect()
    }

    /// The error of the fit at a share of [`SHARES`], in percent.
    pub fn error_percent(&self, share: f64) -> Option<f64> {
        let index = SHARES.iter().position(|own| *own == share)?;
        let (measured, fitted) = self.quantiles[index];
        let measured = measured.filter(|ms| *ms > 0.0)?;
        Some(100.0 * (fitted / measured - 1.0))
    }

    /// What to know before relying on it.
    pub fn warning(&self) -> Option<String> {
        let finished = self.measured.finished;
        if finished < TELLING_MIN {
            return Some(format!(
                "only {finished} were measured to their end: what is drawn is those, and a percentile above {:.0} % is not known",
                100.0 * (1.0 - 1.0 / (finished as f64 + 1.0))
            ));
        }
        let known = self.measured.known();
        if known < 0.95 {
            return Some(format!(
                "the slowest were given up, so that a percentile above {:.0} % was not measured",
                100.0 * known
            ));
        }
        if finished < FEW {
            return Some(format!(
                "{finished} were measured to their end: p95 rests on the slowest {}",
                (finished as f64 * 0.05).ceil()
            ));
        }
        let off = self.error_percent(0.95).filter(|off| off.abs() > 10.0)?;
        Some(format!("its p95 is off by {off:+.0} %"))
    }

    /// The least and the greatest work that was seen; `None` if it is not known.
    pub fn work_seen(&self) -> Option<(&'static str, [f64; 2])> {
        let (_, _, covariate) = STAGES
            .into_iter()
            .find(|(stage, ..)| *stage == self.stage)?;
        let works = || self.samples.iter().filter_map(|sample| sample.work);
        let (least, most) = (works().reduce(f64::min)?, works().reduce(f64::max)?);
        Some((covariate?.name(), [least, most]))
    }
}

/// Times of habits, as a model of their own: a table, or one time.
fn table_of(values: &[f64]) -> Option<Model> {
    model_of(values.iter().copied().map(Time::ended))
}

/// The median of values; `None` if there are none.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Stages by their names in a scenario.
type ByTable<'a> = BTreeMap<&'static str, &'a FittedStage>;
