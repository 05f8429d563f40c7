//! Call logs of platforms, by a file for each platform that says which field is what.
//!
//! A mapping names fields and their units; nothing is guessed. Those that ship with the program are read like anybody's
//! own (`--map FILE`).

mod apply;
mod columns;
mod path;

pub(super) use apply::Log;
pub use apply::Table;

use crate::event::{Hop, Metric};
use crate::files;
use path::Path;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A longer file is no mapping.
const BYTES_MAX: u64 = 1 << 20;

/// The mappings that ship with the program.
const SHIPPED: &[(&str, &str)] = &[
    ("retell", include_str!("vendors/retell.toml")),
    ("vapi", include_str!("vendors/vapi.toml")),
    ("deepgram", include_str!("vendors/deepgram.toml")),
    ("elevenlabs", include_str!("vendors/elevenlabs.toml")),
    (
        "livekit-history",
        include_str!("vendors/livekit-history.toml"),
    ),
    (
        "pipecat-breakdown",
        include_str!("vendors/pipecat-breakdown.toml"),
    ),
];

/// Which field of a log is what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    /// Whose logs these are.
    pub platform: String,
    /// What is known of the files: "from published field names", or on which files it was tried.
    #[serde(default)]
    pub made: String,
    /// Paths that a record of these logs has.
    #[serde(default)]
    pub recognised_by: Vec<Path>,
    /// The unit of every time and latency that has none of its own.
    unit: Unit,
    /// Paths of the call's name, the first that is there.
    #[serde(default)]
    call: Vec<Path>,
    /// Where the turns are in a record; without it a record is a turn.
    turns: Option<Path>,
    /// Only those of the turns that have these values.
    #[serde(default, rename = "where")]
    only: BTreeMap<Path, String>,
    /// Who speaks, where a turn stands in two records: what the caller said, and the answer.
    speaker: Option<Speaker>,
    /// The latency of a turn.
    total: Option<Field>,
    caller_start: Option<Field>,
    caller_end: Option<Field>,
    agent_start: Option<Field>,
    agent_end: Option<Field>,
    /// What was understood, and what was answered.
    heard: Option<Path>,
    said: Option<Path>,
    interrupted: Option<Path>,
    /// Parts of a turn's latency.
    #[serde(default)]
    hops: BTreeMap<Hop, Fields>,
    /// Parts in a list, each with a name and a length.
    parts: Option<Parts>,
    /// Other latencies of a turn.
    #[serde(default)]
    metrics: BTreeMap<MetricName, Field>,
    /// Latencies of a call, a list with one for each turn: without a place or a turn's number.
    series: Option<Path>,
    /// Percentiles of a call, by what they are of.
    #[serde(default)]
    tables: BTreeMap<String, Field>,
}

/// Messages of one speaker after the other, in place of turns.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Speaker {
    role: Path,
    caller: String,
    agent: String,
}

/// Parts of a turn's latency in a list, as lengths.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    list: Path,
    name: Path,
    length: Field,
    /// Names of parts, and the hops that they are. A part that is not named here is not attributed.
    hops: BTreeMap<String, Hop>,
}

/// A metric as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct MetricName(Metric);

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<MetricName, D::Error> {
        Metric::deserialize(deserializer).map(MetricName)
    }
}

/// A path, with a unit of its own or without.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Field {
    Path(Path),
    WithUnit { path: Path, unit: Unit },
}

impl Field {
    fn path(&self) -> &Path {
        match self {
            Field::Path(path) | Field::WithUnit { path, .. } => path,
        }
    }

    fn unit(&self, otherwise: Unit) -> Unit {
        match self {
            Field::Path(_) => otherwise,
            Field::WithUnit { unit, .. } => *unit,
        }
    }
}

/// One field, or several that add up.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Fields {
    One(Field),
    Sum(Vec<Field>),
}

impl Fields {
    fn iter(&self) -> std::slice::Iter<'_, Field> {
        match self {
            Fields::One(one) => std::slice::from_ref(one).iter(),
            Fields::Sum(several) => several.iter(),
        }
    }
}

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Unit {
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "us")]
    Microseconds,
    #[serde(rename = "ns")]
    Nanoseconds,
}

impl Unit {
    /// Seconds that one of it is.
    fn seconds(self) -> f64 {
        self.nanos() as f64 / 1e9
    }

    fn nanos(self) -> u64 {
        match self {
            Unit::Seconds => 1_000_000_000,
            Unit::Milliseconds => 1_000_000,
            Unit::Microseconds => 1_000,
            Unit::Nanoseconds => 1,
        }
    }
}

impl Mapping {
    /// Reads somebody's own mapping.
    ///
    /// # Errors
    /// The text says what is wrong with it, and where.
    pub(super) fn read(path: &std::path::Path) -> Result<Mapping, String> {
        let text = files::read_text(path, BYTES_MAX).map_err(|error| error.to_string())?;
        let mapping: Mapping = toml::from_str(&text).map_err(|error| error.to_string())?;
        let tells = mapping.total.is_some()
            || mapping.series.is_some()
            || mapping.parts.is_some()
            || mapping.agent_start.is_some()
            || !mapping.hops.is_empty()
            || !mapping.metrics.is_empty()
            || !mapping.tables.is_empty();
        match tells {
            true => Ok(mapping),
            false => Err("it maps no latency; name one at least: total = \"PATH\", or a table [hops] with a hop in it".into()),
        }
    }

    /// Every mapping that ships with the program, by its name.
    pub(super) fn shipped() -> impl Iterator<Item = (&'static str, Mapping)> {
        // A test sees that each can be read.
        let read = |(name, text): &(&'static str, &str)| Some((*name, toml::from_str(text).ok()?));
        SHIPPED.iter().filter_map(read)
    }

    /// The names of those that ship.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The mapping of a table by the names of its columns: `e2e_ms`, `answer_ms`, `llm_ttft_s`, as we write them too.
    pub(super) fn of_columns<'a>(names: impl Iterator<Item = &'a str>) -> Option<Mapping> {
        columns::mapping(names)
    }

    /// Whether a record is one of these logs.
    pub(super) fn knows(&self, record: &serde_json::Value) -> bool {
        let mut paths = self.recognised_by.iter();
        !self.recognised_by.is_empty() && paths.all(|path| path.first(record).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mapping_that_ships_can_be_read() {
        for (name, text) in SHIPPED {
            if let Err(error) = toml::from_str::<Mapping>(text) {
                panic!("{name}: {error}");
            }
        }
        assert_eq!(Mapping::shipped().count(), SHIPPED.len());
    }

    #[test]
    fn a_mapping_without_a_unit_or_a_latency_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("own.toml");
        let of = |text: &str| {
            std::fs::write(&path, text).expect("written");
            Mapping::read(&path).expect_err("wrong")
        };
        assert!(of("platform = \"own\"\ntotal = \"wait\"\n").contains("unit"));
        assert!(of("platform = \"own\"\nunit = \"ms\"\n").contains("maps no latency"));
        assert!(
            of("platform = \"own\"\nunit = \"ms\"\n[hops]\nthinking = \"x\"\n")
                .contains("thinking")
        );
    }
}
