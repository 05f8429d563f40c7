//! How far a simulated figure can be trusted: intervals from 64 batches of worlds.
//!
//! A world, which is one conversation or one whole load run, belongs to the batch of its number, so batches
//! are the same at any number of threads. Turns of one world resemble each other; worlds do not, so batches
//! are independent.
//! The interval is that of the batches' own figures: mean difference t(63) * s / sqrt(64) (method of batch
//! means, Law 2015, "Simulation Modeling and Analysis", 9.5).

use super::histogram::{Histogram, Sparse};
use super::rows::{Outcome, Row};
use crate::event::Expect;
use serde::{Deserialize, Serialize};

/// Batches that worlds are dealt into.
pub const BATCHES: usize = 64;

/// The 97.5 % quantile of Student's t with 63 degrees of freedom.
const T_975: f64 = 1.998_340_5;

/// End-to-end latencies by batch, with the counts that shares are made of.
#[derive(Debug, Clone)]
pub struct Batches(Vec<Batch>);

#[derive(Debug, Clone, Default)]
struct Batch {
    e2e: Histogram,
    questions: u64,
    cut_offs: u64,
}

/// A batch, to be kept in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptBatch {
    questions: u64,
    cut_offs: u64,
    e2e_latency: Sparse,
}

/// A 95 % confidence interval, in the unit of its figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Default for Batches {
    fn default() -> Batches {
        Batches(vec![Batch::default(); BATCHES])
    }
}

impl Batches {
    pub(crate) fn add(&mut self, world: u32, rows: &[Row]) {
        let batch = &mut self.0[world as usize % BATCHES];
        for row in rows {
            if let Some(span) = row.e2e_ns {
                batch.e2e.record(span);
            }
            if row.expect == Some(Expect::Respond) && !row.is_again {
                batch.questions += 1;
                batch.cut_offs += u64::from(row.outcome == Outcome::CutOff);
            }
        }
    }

    /// Adds the figures of other worlds, batch by batch.
    pub fn merge(&mut self, other: &Batches) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            own.e2e.add(&other.e2e);
            own.questions += other.questions;
            own.cut_offs += other.cut_offs;
        }
    }

    /// The interval of a percentile of the end-to-end latency, in milliseconds, around `value`; `quantile`
    /// in 0..=1. `None` with too few conversations: every batch must hold an answered turn.
    pub fn percentile(&self, quantile: f64, value: f64) -> Option<Interval> {
        self.around(value, |batch| batch.e2e.percentile_ms(quantile))
    }

    /// The interval of the mean end-to-end latency, in milliseconds, around `value`; `None` as for a
    /// percentile.
    pub fn mean(&self, value: f64) -> Option<Interval> {
        self.around(value, |batch| batch.e2e.summary().map(|s| s.mean_ms))
    }

    /// The share of questions that were cut off, 0 to 1; `None` if none was asked.
    pub fn cut_off_share(&self) -> Option<f64> {
        let count = |of: fn(&Batch) -> u64| self.0.iter().map(of).sum::<u64>() as f64;
        let questions = count(|b| b.questions);
        (questions > 0.0).then(|| count(|b| b.cut_offs) / questions)
    }

    /// The interval of [`cut_off_share`](Batches::cut_off_share), within 0..=1; `None` if a batch has no
    /// question.
    pub fn cut_offs(&self) -> Option<Interval> {
        let share = self.cut_off_share()?;
        let own = |b: &Batch| (b.questions > 0).then(|| b.cut_offs as f64 / b.questions as f64);
        let Interval { low, high } = self.around(share, own)?;
        let (low, high) = (low.max(0.0), high.min(1.0));
        Some(Interval { low, high })
    }

    pub(super) fn kept(&self) -> Vec<KeptBatch> {
        let kept = |batch: &Batch| KeptBatch {
            questions: batch.questions,
            cut_offs: batch.cut_offs,
            e2e_latency: batch.e2e.sparse(),
        };
        self.0.iter().map(kept).collect()
    }

    /// The batches that were kept.
    ///
    /// # Errors
    /// What in them cannot be.
    pub(super) fn of_kept(kept: &[KeptBatch], count_max: u64) -> Result<Batches, String> {
        if kept.len() != BATCHES {
            return Err(format!("there are {} batches, not {BATCHES}", kept.len()));
        }
        let batch = |(number, kept): (usize, &KeptBatch)| {
            if kept.cut_offs > kept.questions || kept.questions > count_max {
                return Err(format!(
                    "batch {number} counts {} questions and {} of them cut off",
                    kept.questions, kept.cut_offs
                ));
            }
            let e2e = Histogram::of_sparse(&kept.e2e_latency, count_max);
            Ok(Batch {
                e2e: e2e.map_err(|reason| format!("batch {number} {reason}"))?,
                questions: kept.questions,
                cut_offs: kept.cut_offs,
            })
        };
        let batches: Result<_, String> = kept.iter().enumerate().map(batch).collect();
        Ok(Batches(batches?))
    }

    /// All latencies of the batches, as one.
    pub(super) fn latencies(&self) -> Histogram {
        let mut all = Histogram::default();
        self.0.iter().for_each(|batch| all.add(&batch.e2e));
        all
    }

    fn around(&self, value: f64, figure: impl Fn(&Batch) -> Option<f64>) -> Option<Interval> {
        let figures: Vec<f64> = self.0.iter().map(figure).collect::<Option<_>>()?;
        let count = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / count;
        let variance = figures.iter().map(|f| (f - mean) * (f - mean)).sum::<f64>() / (count - 1.0);
        let half = T_975 * (variance / count).sqrt();
        Some(Interval {
            low: value - half,
            high: value + half,
        })
    }
}

impl Interval {
    /// Half the width of the interval, as a share of its middle.
    pub fn relative(&self) -> f64 {
        (self.high - self.low) / (self.high + self.low)
    }
}
