//! Shards of a simulation, joined: the folder that the whole would have given, to the byte.

use super::saturation;
use super::{REPORT_JSON, Simulated, figures};
use crate::files;
use crate::measure::turns::{self, TurnsError};
use crate::measure::{Plan, TOTALS, Totals};
use crate::record::store::{self, EVENTS, Header, Shard, SimulationFolder, Sizes, TURNS};
use crate::run::{RunError, input, not_kept, refuse_used, unavailable};
use crate::scenario::{KeyDifference, ScenarioFile, differences};
use crate::sim::Simulable;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How many missing shards an error names; how many more there are is only counted.
const NAMED_MAX: usize = 5;

/// A folder with one shard.
struct Part<'a> {
    folder: &'a Path,
    header: Header,
    shard: Shard,
    /// The worlds of all shards together.
    worlds: u32,
}

/// Joins the shards in `folders`, given in any order, into `out`, which must be new or empty. The machine
/// and the time in its header are those of the first shard.
///
/// # Errors
/// Folders that are not all shards of one simulation, each of them once and whole. Nothing is written then.
/// # Example
/// ```no_run
/// use std::path::Path;
/// use voicesim::experiment::merge;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shards = ["shard-1".into(), "shard-2".into()];
/// let whole = merge(&shards, Path::new("whole"))?;
/// println!("{} conversations", whole.totals.worlds());
/// # Ok(())
/// # }
/// ```
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<Simulated, RunError> {
    refuse_used(out)?;
    let parts = in_order(folders)?;
    let Some(first) = parts.first() else {
        return Err(RunError::Input(
            "there is nothing to merge; give the folders of all shards".into(),
        ));
    };
    let (mut totals, bytes) = add_up(&parts)?;
    let simulable = first.simulable()?;
    saturation::refuse(&simulable, &totals)?;
    totals.judge(&Plan::of(simulable.scenario(), first.header.rows_per));
    let header = Header {
        shard: None,
        ..first.header.clone()
    };
    let bytes = copy(&parts, &bytes, &header, out)?;
    let turns = &simulable.scenario().file().turn;
    figures::write(out, &header, &totals, bytes, turns)?;
    Ok(Simulated { header, totals })
}

/// The shards from the first to the last.
fn in_order(folders: &[PathBuf]) -> Result<Vec<Part<'_>>, RunError> {
    let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
    for folder in folders {
        let part = Part::open(folder)?;
        if let Some(other) = parts.values().next() {
            part.check_beside(other)?;
        }
        if let Some(other) = parts.get(&part.shard.index()) {
            return Err(RunError::Input(format!(
                "shard {} is given twice: {} and {}; leave one of them out",
                part.shard,
                other.folder.display(),
                folder.display()
            )));
        }
        parts.insert(part.shard.index(), part);
    }
    if let Some(part) = parts.values().next() {
        let count = part.shard.count();
        let missing = (1..=count).filter(|index| !parts.contains_key(index));
        let named: Vec<String> = missing
            .take(NAMED_MAX)
            .map(|index| format!("{index}/{count}"))
            .collect();
        // There are at most as many parts as shards, each of another one.
        let missing = count as usize - parts.len();
        if missing > 0 {
            let more = match missing - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            return Err(RunError::Input(format!(
                "missing: {}{more}; give the folders of all {count} shards, or simulate what is missing (voicesim simulate … --shard {})",
                named.join(", "),
                named.first().map_or("I/N", String::as_str)
            )));
        }
    }
    Ok(parts.into_values().collect())
}

/// The figures of all shards, and how large the files of each shard are, which are as large as they should be.
fn add_up(parts: &[Part]) -> Result<(Totals, Vec<Sizes>), RunError> {
    let mut all = Totals::default();
    let mut sizes = Vec::with_capacity(parts.len());
    for part in parts {
        let (totals, bytes) = Totals::read(part.folder).map_err(input)?;
        let worlds = part.own_worlds().len() as u64;
        if totals.worlds() != worlds {
            return Err(part.wrong(&format!(
                "holds {} of the {worlds} worlds of its shard: it was stopped before its end",
                totals.worlds()
            )));
        }
        part.check_size(TURNS, bytes.turns)?;
        part.check_size(EVENTS, bytes.events)?;
        part.turns()?;
        if !all.has_room_for(&totals) {
            return Err(RunError::Input(format!(
                "{}: all shards together hold too much to count; simulate fewer worlds",
                part.folder.display()
            )));
        }
        all.merge(&totals);
        sizes.push(bytes);
    }
    Ok((all, sizes))
}

/// Copies turns and events, one shard behind the other, and returns how many bytes they are.
fn copy(parts: &[Part], sizes: &[Sizes], header: &Header, out: &Path) -> Result<Sizes, RunError> {
    let full = |error| figures::full(out, error);
    let mut folder = SimulationFolder::create(out, header, turns::HEADER).map_err(not_kept)?;
    for (part, bytes) in parts.iter().zip(sizes) {
        let expected = Sizes {
            // The head of the file stands there already.
            turns: bytes.turns.saturating_sub(turns::HEADER.len() as u64),
            events: bytes.events,
        };
        let mut turns = part.turns()?.take(expected.turns);
        let mut events = part.file(EVENTS)?.take(expected.events);
        if folder.append(&mut turns, &mut events).map_err(full)? != expected {
            return Err(unavailable(format!(
                "{} became shorter while it was copied; merge again, into another folder",
                part.folder.display()
            )));
        }
    }
    folder.finish().map_err(full)
}

impl Part<'_> {
    fn open(folder: &Path) -> Result<Part<'_>, RunError> {
        let refuse =
            |reason: String| Err(RunError::Input(format!("{} {reason}", folder.display())));
        if !folder.join(TURNS).is_file() {
            return refuse(format!(
                "is no folder of a simulation: there is no {TURNS} in it; give folders of `voicesim simulate --shard I/N --out DIR`"
            ));
        }
        let header = store::read_header(folder).map_err(input)?;
        let own = env!("CARGO_PKG_VERSION");
        if header.version != own {
            return refuse(format!(
                "was simulated by voicesim {:?}, this is {own:?}; merge with the version that simulated all shards, or simulate them again",
                header.version
            ));
        }
        let Some(shard) = header.shard else {
            return refuse(
                "is no shard: it was simulated without --shard, or is merged already; it needs no merging".into(),
            );
        };
        let Some(worlds) = header.worlds.filter(|worlds| *worlds >= shard.count()) else {
            return refuse(format!(
                "has a header.json that does not say of how many worlds it is shard {shard}; simulate it again"
            ));
        };
        let part = Part {
            folder,
            header,
            shard,
            worlds,
        };
        let is_there = |name: &str| folder.join(name).is_file();
        if !(is_there(TOTALS) && is_there(REPORT_JSON)) {
            return Err(part.wrong("has no report: it was killed, or goes on"));
        }
        store::verify_whole(folder).map_err(input)?;
        Ok(part)
    }

    /// An error that says to simulate the shard again.
    fn wrong(&self, reason: &str) -> RunError {
        RunError::Input(format!(
            "{} {reason}; simulate this shard again, to its end and into another folder (voicesim simulate … --shard {})",
            self.folder.display(),
            self.shard
        ))
    }

    fn own_worlds(&self) -> Range<u32> {
        self.shard.worlds(self.worlds)
    }

    /// Compares the headers of two shards.
    ///
    /// # Errors
    /// Shards that are not of one simulation.
    fn check_beside(&self, other: &Part) -> Result<(), RunError> {
        let Some(difference) = self.difference(other) else {
            return Ok(());
        };
        Err(RunError::Input(format!(
            "{} and {} are not shards of one simulation: {difference}; simulate one of them again like the other, or leave out what does not belong",
            self.folder.display(),
            other.folder.display()
        )))
    }

    fn difference(&self, other: &Part) -> Option<String> {
        let against = |what: &str, own: &str, others: &str| {
            (own != others).then(|| format!("{what} {own} against {others}"))
        };
        let number = |what: &str, own: u64, others: u64| {
            against(what, &own.to_string(), &others.to_string())
        };
        let events = |part: &Part| part.header.events.map_or("unknown", |events| events.name());
        let (own, others) = (&self.header, &other.header);
        number(
            "number of shards",
            self.shard.count().into(),
            other.shard.count().into(),
        )
        .or_else(|| number("seed", own.seed, others.seed))
        .or_else(|| number("worlds", self.worlds.into(), other.worlds.into()))
        .or_else(|| against("--events", events(self), events(other)))
        .or_else(|| difference("scenario", &own.scenario, &others.scenario))
        .or_else(|| (comparable(own) != comparable(others)).then(|| "header.json".into()))
    }

    /// Compares the size of a file with what the figures say.
    ///
    /// # Errors
    /// A file that has not this size.
    fn check_size(&self, name: &str, expected: u64) -> Result<(), RunError> {
        let path = self.folder.join(name);
        match path.metadata() {
            Ok(found) if found.is_file() && found.len() == expected => Ok(()),
            Ok(found) => Err(RunError::Input(format!(
                "{} has {} bytes, and was simulated with {expected}; copy it again from where it was simulated, or simulate shard {} again",
                path.display(),
                found.len(),
                self.shard
            ))),
            Err(error) => Err(RunError::Input(format!(
                "cannot read {}: {error}; copy it again from where it was simulated",
                path.display()
            ))),
        }
    }

    /// The file of turns behind its head.
    fn turns(&self) -> Result<File, RunError> {
        let mut file = self.file(TURNS)?;
        let mut head = [0; turns::HEADER.len()];
        match file.read_exact(&mut head) {
            Ok(()) if head == turns::HEADER => Ok(file),
            _ => Err(input(TurnsError::Header {
                path: self.folder.join(TURNS),
            })),
        }
    }

    fn file(&self, name: &str) -> Result<File, RunError> {
        let path = self.folder.join(name);
        let cannot = |error| {
            input(format!(
                "cannot read {}: {error}; give folders that can be read",
                path.display()
            ))
        };
        files::open(&path, u64::MAX).map_err(cannot)
    }

    /// The scenario of the shard, ready to simulate.
    fn simulable(&self) -> Result<Simulable, RunError> {
        let wrong = |reason: String| {
            input(format!(
                "{}: the scenario in header.json cannot be read: {reason}; simulate it again",
                self.folder.display()
            ))
        };
        let file: ScenarioFile = serde_json::from_value(self.header.scenario.clone())
            .map_err(|error| wrong(error.to_string()))?;
        let scenario = file.parse().map_err(|problem| wrong(problem.to_string()))?;
        Simulable::of(scenario).map_err(wrong)
    }
}

/// A header without what shards of one simulation may differ in.
fn comparable(header: &Header) -> Header {
    Header {
        machine: String::new(),
        started: String::new(),
        shard: None,
        ..header.clone()
    }
}

/// The first place where two values differ, and how.
pub(super) fn difference(at: &str, own: &Value, others: &Value) -> Option<String> {
    let KeyDifference { key, base, new } = differences(own, others).into_iter().next()?;
    let at = match key.is_empty() {
        true => at.to_owned(),
        false => format!("{at}.{key}"),
    };
    let (own, other) = (base.unwrap_or_default(), new.unwrap_or_default());
    let is_plain = |value: &Value| !(value.is_object() || value.is_array());
    Some(match is_plain(&own) && is_plain(&other) {
        true => format!("{at} {own} against {other}"),
        false => format!("{at} is not the same"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_found_wherever_it_lies() {
        let own = json!({ "a": { "b": 1, "c": [1] }, "d": 2 });
        for (other, says) in [
            (
                json!({ "a": { "b": 2, "c": [1] }, "d": 2 }),
                "s.a.b 1 against 2",
            ),
            (
                json!({ "a": { "b": 1, "c": [] }, "d": 2 }),
                "s.a.c is not the same",
            ),
            (json!({ "a": { "b": 1, "c": [1] } }), "s.d 2 against null"),
            (
                json!({ "a": { "b": 1, "c": [1] }, "d": 2, "e": 1 }),
                "s.e null against 1",
            ),
            (json!(1), "s is not the same"),
        ] {
            assert_eq!(difference("s", &own, &other).as_deref(), Some(says));
        }
        assert_eq!(difference("s", &own, &own), None);
    }
}
