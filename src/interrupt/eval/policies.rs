//! How policies fare: what they stop for, and how soon.

use super::ranking::{Interval, bootstrap};
use super::track::{AtSteps, STEPS, Track, stops_after, time_of};
use super::{Cell, SEED, Sounds};
use crate::event::InterruptionPolicy;
use crate::interrupt::model::Weights;
use crate::interrupt::model::WeightsError;
use crate::interrupt::overlaps::Task;
use crate::interrupt::policy::{self, ClassifierRule, Policy};
use crate::interrupt::rows::Replay;
use serde::Serialize;
use std::time::Duration;

/// What a policy stops for within 1.5 s. Delays count from the true onset and are of the
/// interruptions that it stops for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyFigures {
    #[serde(flatten)]
    pub cell: Cell,
    pub policy: String,
    /// The share of the interruptions that stop the agent, in 0..1.
    pub recall: f64,
    /// The share of the other sounds that stop the agent, in 0..1.
    pub false_stops: f64,
    pub delay_p50_ms: f64,
    pub delay_p90_ms: f64,
    /// Intervals of the four figures, in their order.
    pub intervals: [Interval; 4],
}

/// What a policy did about a sound.
struct Stop<'a> {
    meeting: &'a str,
    is_interruption: bool,
    after: Option<Duration>,
}

fn figures(stops: &[&Stop<'_>]) -> Option<[f64; 4]> {
    let (mut positive, mut negative, mut false_stops) = (0.0, 0.0, 0.0);
    let mut delays_ms = Vec::new();
    for stop in stops {
        match (stop.is_interruption, stop.after) {
            (true, after) => {
                positive += 1.0;
                delays_ms.extend(after.map(|after| after.as_secs_f64() * 1e3));
            }
            (false, after) => {
                negative += 1.0;
                false_stops += f64::from(u8::from(after.is_some()));
            }
        }
    }
    if positive == 0.0 || negative == 0.0 {
        return None;
    }
    delays_ms.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (share * delays_ms.len() as f64) as usize;
        delays_ms.get(index).copied().unwrap_or(0.0)
    };
    let recall = delays_ms.len() as f64 / positive;
    Some([recall, false_stops / negative, at(0.5), at(0.9)])
}

/// How a threshold that was chosen on one corpus does on another, and what 100 labelled sounds of
/// that other one repair: all thresholds are moved by one number, so that a tenth of the other
/// sounds among the hundred stop the agent. Means over 100 draws, each judged on the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CarriedOver {
    pub corpus: String,
    pub listening: &'static str,
    pub recall: f64,
    pub false_stops: f64,
    pub recall_repaired: f64,
    pub false_stops_repaired: f64,
    /// The interval of `false_stops_repaired`, over the draws.
    pub false_stops_interval: Interval,
}

/// False stops and recall of the classifier as its thresholds are moved together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TradeOff {
    pub corpus: String,
    pub listening: &'static str,
    /// `[false stops, recall]`, each in 0..1, from cautious to eager.
    pub points: Vec<[f64; 2]>,
}

impl Sounds<'_> {
    /// Every policy, and the classifier moved to the recall of the half-second rule.
    pub(super) fn policies(&self) -> Vec<PolicyFigures> {
        let mut rows = Vec::new();
        for policy in InterruptionPolicy::ALL {
            let stops = self.stops_of(policy);
            rows.extend(self.policy_figures(policy.name(), &stops));
        }
        let vad_recall = rows
            .iter()
            .find(|row| row.policy == InterruptionPolicy::Vad500Ms.name())
            .map(|row| row.recall);
        if let Some(recall) = vad_recall {
            let stops = self.stops_at_recall(recall);
            rows.extend(self.policy_figures("classifier at the recall of vad_500ms", &stops));
        }
        rows
    }

    fn policy_figures(&self, policy: &str, stops: &[Stop<'_>]) -> Option<PolicyFigures> {
        let [recall, false_stops, delay_p50_ms, delay_p90_ms] =
            figures(&stops.iter().collect::<Vec<_>>())?;
        Some(PolicyFigures {
            cell: self.cell(Task::Strict, &self.of_task(Task::Strict)),
            policy: policy.to_owned(),
            recall,
            false_stops,
            delay_p50_ms,
            delay_p90_ms,
            intervals: bootstrap(stops, |stop| stop.meeting, figures, SEED),
        })
    }

    fn stops_of(&self, name: InterruptionPolicy) -> Vec<Stop<'_>> {
        self.stops(|track| {
            let replay = Replay::of(track.overlap, self.hearing)?;
            let mut policy = policy(name, self.weights).ok()?;
            let after = stops_after(policy.as_mut(), &replay, self.listening)?;
            Some(after + replay.noticed_after)
        })
    }

    fn stops(&self, after: impl Fn(&Track<'_>) -> Option<Duration>) -> Vec<Stop<'_>> {
        let sounds = self.of_task(Task::Strict).into_iter();
        let stop =
            |(track, is_interruption): (&'_ Track<'_>, bool)| (is_interruption, after(track));
        let stops = sounds.map(|(track, is)| (&track.truth.meeting, stop((track, is))));
        let stops = stops.map(|(meeting, (is_interruption, after))| Stop {
            meeting,
            is_interruption,
            after,
        });
        stops.collect()
    }

    /// How far above the threshold of its moment the log-odds of a sound come at most; infinite for
    /// a sound that a rule stops for, `None` for one that was not noticed.
    fn greatest_margin(&self, track: &Track<'_>) -> Option<f64> {
        let seen = track.seen.as_ref()?;
        if seen.at_once.is_some() {
            return Some(f64::INFINITY);
        }
        let thresholds = self.thresholds();
        let margin = |step: usize| seen.margin(step, &thresholds);
        (0..STEPS).map(margin).max_by(f64::total_cmp)
    }

    fn thresholds(&self) -> AtSteps {
        AtSteps::new(&self.weights.thresholds)
    }

    /// The least margin that this share of the sounds reach.
    fn margin_reached_by(&self, share: f64, tracks: &[&Track<'_>]) -> f64 {
        let margins = tracks.iter().map(|track| self.greatest_margin(track));
        let mut margins: Vec<f64> = margins.map(|m| m.unwrap_or(f64::NEG_INFINITY)).collect();
        margins.sort_by(|a, b| b.total_cmp(a));
        let count = (share * margins.len() as f64).round() as usize;
        let index = count.clamp(1, margins.len().max(1)) - 1;
        margins.get(index).copied().unwrap_or(0.0)
    }

    /// What the classifier stops for with its thresholds moved so that it has this recall.
    fn stops_at_recall(&self, recall: f64) -> Vec<Stop<'_>> {
        let sounds = self.of_task(Task::Strict);
        let interruptions: Vec<&Track<'_>> = sounds
            .iter()
            .filter(|(_, is)| *is)
            .map(|(track, _)| *track)
            .collect();
        let moved = self.margin_reached_by(recall, &interruptions);
        let thresholds = self.thresholds();
        self.stops(|track| {
            let seen = track.seen.as_ref()?;
            let step = seen.stop(&thresholds, moved)?;
            Some(time_of(step) + seen.noticed_after)
        })
    }

    /// Shares of interruptions and of other sounds that stop the agent, with moved thresholds.
    fn shares(&self, sounds: &[(&Track<'_>, bool)], moved: f64) -> [f64; 2] {
        let stops = |track: &Track<'_>| self.greatest_margin(track).is_some_and(|m| m >= moved);
        let share = |of: bool| {
            let of_kind = || sounds.iter().filter(|(_, is)| *is == of);
            let stopped = of_kind().filter(|(track, _)| stops(track)).count();
            stopped as f64 / of_kind().count().max(1) as f64
        };
        [share(false), share(true)]
    }

    pub(super) fn trade_off(&self) -> TradeOff {
        let sounds = self.of_task(Task::Strict);
        let point = |fifths: i32| self.shares(&sounds, f64::from(fifths) / 5.0);
        TradeOff {
            corpus: self.corpus.to_owned(),
            listening: self.listening.name(),
            points: (-20..=20).rev().map(point).collect(),
        }
    }

    pub(super) fn carried_over(&self) -> Option<CarriedOver> {
        const LABELLED: usize = 100;
        const DRAWS: u64 = 100;
        const ALLOWED: f64 = 0.1;
        let sounds = self.of_task(Task::Strict);
        if sounds.len() <= LABELLED {
            return None;
        }
        let draw = |number| {
            let mut stream = SEED.stream("labelled", number, 0, self.corpus);
            let mut keyed: Vec<(f64, (&Track<'_>, bool))> = sounds
                .iter()
                .map(|sound| (stream.uniform(), *sound))
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            let shuffled: Vec<(&Track<'_>, bool)> =
                keyed.into_iter().map(|(_, sound)| sound).collect();
            let (labelled, rest) = shuffled.split_at(LABELLED);
            let others: Vec<&Track<'_>> = labelled
                .iter()
                .filter(|(_, is)| !is)
                .map(|(track, _)| *track)
                .collect();
            self.shares(rest, self.margin_reached_by(ALLOWED, &others))
        };
        let draws: Vec<[f64; 2]> = (0..DRAWS).map(draw).collect();
        let mean = |index: usize| draws.iter().map(|d| d[index]).sum::<f64>() / draws.len() as f64;
        let mut sorted: Vec<f64> = draws.iter().map(|draw| draw[0]).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[(share * sorted.len() as f64) as usize];
        let [false_stops, recall] = self.shares(&sounds, 0.0);
        Some(CarriedOver {
            corpus: self.corpus.to_owned(),
            listening: self.listening.name(),
            recall,
            false_stops,
            recall_repaired: mean(1),
            false_stops_repaired: mean(0),
            false_stops_interval: Interval {
                low: at(0.025),
                high: at(0.975),
            },
        })
    }
}

/// Makes a policy, the classifier with these weights.
pub(super) fn policy<'a>(
    name: InterruptionPolicy,
    weights: &'a Weights,
) -> Result<Box<dyn Policy + 'a>, WeightsError> {
    match name {
        InterruptionPolicy::Classifier => Ok(Box::new(ClassifierRule::new(weights))),
        other => policy::policy(other).map(|policy| policy as Box<dyn Policy + 'a>),
    }
}
