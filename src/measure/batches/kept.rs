//! Batches as a file of totals keeps them.

use super::{BATCHES, Batch, Batches, CoarseAsks, place};
use crate::event::{Hop, Metric};
use crate::measure::coarse::{Coarse, KeptCoarse};
use crate::measure::counted::{Counted, KeptCounted};
use crate::measure::histogram::{Histogram, Sparse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A batch, to be kept in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::measure) struct KeptBatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    counted: Option<KeptCounted>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    metrics: BTreeMap<String, KeptCoarse>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    hops: BTreeMap<String, KeptCoarse>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    first_asks: Option<[KeptCoarse; 3]>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    followed: Option<KeptCoarse>,
    // What version 1 keeps.
    #[serde(skip_serializing, default)]
    questions: u64,
    #[serde(skip_serializing, default)]
    cut_offs: u64,
    #[serde(skip_serializing, default)]
    e2e_latency: Option<Sparse>,
}

impl Batches {
    pub(in crate::measure) fn kept(&self) -> Vec<KeptBatch> {
        let kept = |batch: &Batch| {
            let of = |name: &str, place: usize| {
                let span = &batch.spans[place];
                (span.count() > 0).then(|| (name.to_owned(), span.kept()))
            };
            KeptBatch {
                counted: Some(batch.counted.kept()),
                metrics: Metric::ALL
                    .into_iter()
                    .filter_map(|metric| of(metric.name(), place(metric)))
                    .collect(),
                hops: Hop::ALL
                    .into_iter()
                    .filter_map(|hop| of(hop.name(), hop as usize))
                    .collect(),
                first_asks: {
                    let CoarseAsks { came, never, left } = &batch.first_asks;
                    let is_something = batch.first_asks.count() > 0;
                    is_something.then(|| [came, never, left].map(Coarse::kept))
                },
                followed: (batch.followed.count() > 0).then(|| batch.followed.kept()),
                questions: 0,
                cut_offs: 0,
                e2e_latency: None,
            }
        };
        self.0.iter().map(kept).collect()
    }

    /// The batches that were kept.
    ///
    /// # Errors
    /// What in them cannot be.
    pub(in crate::measure) fn of_kept(
        kept: Vec<KeptBatch>,
        count_max: u64,
    ) -> Result<Batches, String> {
        if kept.len() != BATCHES {
            return Err(format!("there are {} batches, not {BATCHES}", kept.len()));
        }
        let batches: Result<_, String> = kept
            .into_iter()
            .enumerate()
            .map(|(number, kept)| {
                let batch = Batch::of_kept(kept, count_max);
                batch.map_err(|reason| format!("batch {number} {reason}"))
            })
            .collect();
        Ok(Batches(batches?))
    }
}

impl Batch {
    fn of_kept(kept: KeptBatch, count_max: u64) -> Result<Batch, String> {
        let counted = match kept.counted {
            Some(counted) => Counted::of_kept(counted, count_max)?,
            None if kept.cut_offs <= kept.questions && kept.questions <= count_max => {
                Counted::of_questions(kept.questions, kept.cut_offs)
            }
            None => {
                return Err(format!(
                    "counts {} questions and {} of them cut off",
                    kept.questions, kept.cut_offs
                ));
            }
        };
        let mut own = Batch {
            counted,
            ..Batch::default()
        };
        if let Some(e2e) = kept.e2e_latency {
            let e2e = Histogram::of_sparse(&e2e, count_max)?;
            own.spans[place(Metric::E2eLatency)] = Coarse::of_histogram(&e2e);
        }
        if let Some([came, never, left]) = &kept.first_asks {
            own.first_asks = CoarseAsks {
                came: kept_coarse("first_asks", came, count_max)?,
                never: kept_coarse("first_asks", never, count_max)?,
                left: kept_coarse("first_asks", left, count_max)?,
            };
        }
        if let Some(followed) = &kept.followed {
            own.followed = kept_coarse("followed", followed, count_max)?;
        }
        for (name, waits) in &kept.metrics {
            let metric = Metric::named(name).ok_or_else(|| format!("has no metric {name:?}"))?;
            own.spans[place(metric)] = kept_coarse(name, waits, count_max)?;
        }
        for (name, waits) in &kept.hops {
            let hop = Hop::named(name).ok_or_else(|| format!("has no hop {name:?}"))?;
            own.spans[hop as usize] = kept_coarse(name, waits, count_max)?;
        }
        Ok(own)
    }
}

fn kept_coarse(name: &str, kept: &KeptCoarse, count_max: u64) -> Result<Coarse, String> {
    Coarse::of_kept(kept, count_max).map_err(|reason| format!("{name} {reason}"))
}
