//! The figures of a simulation in a file, `totals.json`: all that is needed to add them to others, as
//! whole numbers, so that the sum is exact.
//!
//! Left out is what a simulation has none of (rows, devices, the CPU time of engines) and what follows
//! from the rest (rates, budgets, intervals).

use super::batches::{Batches, KeptBatch};
use super::callers::Callers;
use super::disclosures::Disclosures;
use super::histogram::{Histogram, Sparse};
use super::interruptions::{Counts, Interruptions};
use super::patience::{FirstAsks, KeptFirstAsks};
use super::waits::{KeptInVain, Waits};
use super::{
    Consumption, LoadFigures, Measurement, ResilienceCounts, RightAnswers, Speculation, Totals,
    WordErrors,
};
use crate::event::{Hop, Metric};
use crate::files;
use crate::record::store::Sizes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the file with the figures of a simulation.
pub const TOTALS: &str = "totals.json";

const SCHEMA: &str = "voicesim.totals/2";

/// The schema of files that know nothing of questions without an answer.
const SCHEMA_1: &str = "voicesim.totals/1";

/// A longer file is refused: 128 MiB. With every bucket of every histogram in use it is about half.
const BYTES_MAX: u64 = 128 << 20;

/// Larger counts are refused: 2^40. The counts of millions of files add up without overflowing.
const COUNT_MAX: u64 = 1 << 40;

/// Why the figures of a simulation cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TotalsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; is this a folder of `voicesim simulate --out`? One that was killed has none: simulate again", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is too long to be one of figures.
    #[error("{path} is longer than {BYTES_MAX} bytes, which no simulation's figures are; simulate again", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else, or was written by another version.
    #[error("{path} does not hold the figures of a simulation: {reason}. It was written by voicesim {writer}, this is {own}; use the version that wrote it, or simulate again", path = path.display(), own = env!("CARGO_PKG_VERSION"))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The version that wrote the file, as far as the file tells.
        writer: String,
    },
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TotalsFile {
    schema: String,
    version: String,
    /// The sizes of the other files in the folder.
    bytes: Sizes,
    conversations: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    load: Option<LoadFigures>,
    turns: u64,
    exact: u64,
    interruptions: Counts,
    callers: Callers,
    #[serde(skip_serializing_if = "Disclosures::is_empty", default)]
    disclosures: Disclosures,
    consumption: Consumption,
    #[serde(skip_serializing_if = "ResilienceCounts::is_empty", default)]
    cures: ResilienceCounts,
    speculation: KeptSpeculation,
    wer: Option<WordErrors>,
    #[serde(skip_serializing_if = "RightAnswers::is_empty", default)]
    right_answers: RightAnswers,
    clock_lag_max_ns: u64,
    is_cut_short: bool,
    metrics: BTreeMap<String, Sparse>,
    hops: BTreeMap<String, Sparse>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    metrics_in_vain: BTreeMap<String, KeptInVain>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    hops_in_vain: BTreeMap<String, KeptInVain>,
    /// The latencies of answered turns alone; in files of version 1 they are those of `e2e_latency`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    answered: Option<Sparse>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    first_asks: Option<KeptFirstAsks>,
    /// [`BATCHES`](super::BATCHES) of them.
    batches: Vec<KeptBatch>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptSpeculation {
    prepared: u32,
    kept: u32,
    dropped: u32,
}

impl Totals {
    /// The contents of [`TOTALS`], beside files of these sizes.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self, bytes: Sizes) -> serde_json::Result<Vec<u8>> {
        let measured = &self.measured;
        let (metrics, metrics_in_vain) = kept_waits(&measured.metrics, Metric::name);
        let (hops, hops_in_vain) = kept_waits(&measured.hops, Hop::name);
        let kept = TotalsFile {
            schema: SCHEMA.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            bytes,
            conversations: self.conversations,
            load: self.load.clone(),
            turns: measured.turns,
            exact: measured.exact,
            interruptions: measured.interruptions.counts(),
            callers: measured.callers,
            disclosures: measured.disclosures,
            consumption: measured.consumption,
            cures: measured.resilience.clone(),
            speculation: KeptSpeculation {
                prepared: measured.speculation.prepared,
                kept: measured.speculation.kept,
                dropped: measured.speculation.dropped,
            },
            wer: measured.wer,
            right_answers: measured.right_answers,
            clock_lag_max_ns: measured.clock_lag_ns(),
            is_cut_short: measured.is_cut_short,
            metrics,
            hops,
            metrics_in_vain,
            hops_in_vain,
            answered: Some(measured.answered.sparse()),
            first_asks: Some(measured.first_asks.kept()),
            batches: self.batches.kept(),
        };
        let mut json = serde_json::to_vec(&kept)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Reads the figures of a simulation in a folder, and how large the other files there have to be.
    /// The figures have not been held to any budget yet.
    pub fn read(folder: &Path) -> Result<(Totals, Sizes), TotalsError> {
        let path = folder.join(TOTALS);
        let wrong = |reason: String| TotalsError::Wrong {
            writer: writer(&path).unwrap_or_else(|| "of an unknown version".into()),
            path: path.clone(),
            reason,
        };
        let kept: TotalsFile =
            serde_json::from_reader(open(&path)?).map_err(|e| wrong(e.to_string()))?;
        let bytes = kept.bytes;
        let totals = kept.totals().map_err(wrong)?;
        Ok((totals, bytes))
    }
}

fn open(path: &Path) -> Result<impl Read, TotalsError> {
    let read = |source| TotalsError::Read {
        path: path.to_owned(),
        source,
    };
    let file = files::open(path, BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => TotalsError::TooLong {
            path: path.to_owned(),
        },
        _ => read(error),
    })?;
    // The file may have grown since its length was looked at.
    Ok(BufReader::new(file.take(BYTES_MAX)))
}

/// The version that wrote the file, if it says so, whatever else is in it.
fn writer(path: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        version: String,
    }
    let head: Head = serde_json::from_reader(open(path).ok()?).ok()?;
    Some(head.version)
}

impl TotalsFile {
    /// The figures that the file holds.
    ///
    /// # Errors
    /// What in the file cannot be.
    fn totals(self) -> Result<Totals, String> {
        if self.schema != SCHEMA && self.schema != SCHEMA_1 {
            return Err(format!("its schema is {:?}, not {SCHEMA:?}", self.schema));
        }
        self.check_counts()?;
        let mut measured = Measurement::of_nothing();
        for (name, sparse) in &self.metrics {
            let metric =
                Metric::named(name).ok_or_else(|| format!("there is no metric {name:?}"))?;
            let in_vain = self.metrics_in_vain.get(name);
            measured
                .metrics
                .insert(metric, waits(name, sparse, in_vain)?);
        }
        for (name, sparse) in &self.hops {
            let hop = Hop::named(name).ok_or_else(|| format!("there is no hop {name:?}"))?;
            let in_vain = self.hops_in_vain.get(name);
            measured.hops.insert(hop, waits(name, sparse, in_vain)?);
        }
        let batches = Batches::of_kept(self.batches, COUNT_MAX)?;
        let e2e = measured.metrics.get(&Metric::E2eLatency);
        measured.answered = match &self.answered {
            Some(answered) => histogram("answered", answered)?,
            None => e2e
                .map(|waits| waits.answered().clone())
                .unwrap_or_default(),
        };
        if let Some(kept) = &self.first_asks {
            let asks = FirstAsks::of_kept(kept, COUNT_MAX);
            measured.first_asks = asks.map_err(|reason| format!("first_asks {reason}"))?;
        }
        let has_partner = self
            .metrics_in_vain
            .keys()
            .all(|name| self.metrics.contains_key(name))
            && self
                .hops_in_vain
                .keys()
                .all(|name| self.hops.contains_key(name));
        if !has_partner {
            return Err("it has waits in vain of what it does not measure".into());
        }
        let in_vain = e2e.map_or(0, |waits| waits.count() - waits.answered().count());
        if self.schema != SCHEMA_1 && batches.in_vain() != in_vain {
            return Err(
                "the turns without an answer of its batches are not those of e2e_latency".into(),
            );
        }
        if batches.latencies() != e2e.map_or(0, |waits| waits.answered().count()) {
            return Err("the latencies of its batches are not those of e2e_latency".into());
        }
        measured.interruptions = Interruptions::of_counts(self.interruptions, self.turns)
            .ok_or("its interruptions do not add up")?;
        measured.turns = self.turns;
        measured.exact = self.exact;
        measured.callers = self.callers;
        measured.disclosures = self.disclosures;
        measured.consumption = self.consumption;
        measured.resilience = self.cures;
        measured.speculation = Speculation {
            prepared: self.speculation.prepared,
            kept: self.speculation.kept,
            dropped: self.speculation.dropped,
            ..Speculation::default()
        };
        measured.wer = self.wer;
        measured.right_answers = self.right_answers;
        measured.clock_lag = Duration::from_nanos(self.clock_lag_max_ns);
        measured.is_cut_short = self.is_cut_short;
        Ok(Totals {
            measured,
            batches,
            conversations: self.conversations,
            load: self.load,
            is_of_answered_turns: self.schema == SCHEMA_1,
        })
    }

    fn check_counts(&self) -> Result<(), String> {
        let callers = &self.callers;
        if !self.consumption.is_possible(COUNT_MAX) {
            return Err("what it used is more than there can be".into());
        }
        if !self.disclosures.is_possible(COUNT_MAX) {
            return Err("its disclosures do not add up".into());
        }
        for (name, count) in [
            ("conversations", self.conversations),
            ("turns", self.turns),
            ("restarts", callers.restarts),
            ("hang_ups", callers.hang_ups),
            ("fillers", callers.fillers),
            ("votes", callers.votes),
        ] {
            if count > COUNT_MAX {
                return Err(format!("{name} = {count} is more than there can be"));
            }
        }
        let cures = self.cures.iter().flat_map(|(_, counts)| counts.values());
        if cures.into_iter().any(|count| *count > COUNT_MAX) {
            return Err("its cures are more than there can be".into());
        }
        if self
            .load
            .as_ref()
            .is_some_and(|load| !load.is_possible(COUNT_MAX))
        {
            return Err("its load is more than there can be".into());
        }
        for (part, count, whole, all) in [
            ("exact", self.exact, "turns", self.turns),
            ("right_votes", callers.right_votes, "votes", callers.votes),
        ] {
            if count > all {
                return Err(format!("{part} = {count} is more than {whole} = {all}"));
            }
        }
        Ok(())
    }
}

/// Waits by name: those that ended, and those in vain.
fn kept_waits<T: Copy + Ord>(
    all: &BTreeMap<T, Waits>,
    name: fn(T) -> &'static str,
) -> (BTreeMap<String, Sparse>, BTreeMap<String, KeptInVain>) {
    let (mut came, mut in_vain) = (BTreeMap::new(), BTreeMap::new());
    for (of, waits) in all {
        let (kept, kept_in_vain) = waits.kept();
        came.insert(name(*of).to_owned(), kept);
        in_vain.extend(kept_in_vain.map(|kept| (name(*of).to_owned(), kept)));
    }
    (came, in_vain)
}

fn waits(name: &str, came: &Sparse, in_vain: Option<&KeptInVain>) -> Result<Waits, String> {
    let waits = Waits::of_kept(came, in_vain, COUNT_MAX);
    waits.map_err(|reason| format!("{name} {reason}"))
}

fn histogram(name: &str, sparse: &Sparse) -> Result<Histogram, String> {
    Histogram::of_sparse(sparse, COUNT_MAX).map_err(|reason| format!("{name} {reason}"))
}

#[cfg(test)]
#[path = "test_totals_file.rs"]
mod tests;
