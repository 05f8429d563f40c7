//! Measured calls that were measured again: which figures differ. As JSON, `voicesim.rederive/1`:
//!
//! ```json
//! {
//!   "schema": "voicesim.rederive/1", "version": "…", "same": 11, "differ": 1, "not_done": 0,
//!   "calls": [{
//!     "call": "b.wav", "verdict": "differs", "figures": 143, "reason": null, "notes": [],
//!     "changes": { "count": 3, "shown": [{ "turn": 2, "figure": "e2e_ns", "before": 1, "after": 2 }] }
//!   }]
//! }
//! ```
//!
//! `verdict` is `same`, `differs`, `other_audio` or `not_done`; `reason` says why for the last two. Figures have the
//! names and units of the report's document, those of a turn without its number. Words are no figures.

use super::document::document;
use crate::measure::Measurement;
use crate::record::store::Header;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

pub const SCHEMA: &str = "voicesim.rederive/1";

/// How many changes of a call are kept; all are counted.
const CHANGES_MAX: usize = 100;
/// How many of them are shown to people.
const LINES_MAX: usize = 10;

/// Keys of the report's document that are no figures.
const NO_FIGURES: [&str; 9] = [
    "schema",
    "name",
    "version",
    "clock",
    "seed",
    "engines",
    "policy",
    "notes",
    "vad_thresholds",
];
/// Keys of a turn that are its number, or words.
const NO_FIGURES_OF_TURNS: [&str; 3] = ["turn", "heard", "said"];

#[derive(Debug, Serialize)]
pub struct Document<'a> {
    pub schema: &'static str,
    pub version: &'static str,
    pub same: usize,
    pub differ: usize,
    pub not_done: usize,
    pub calls: &'a [Rederived],
}

/// A call that was to be measured again.
#[derive(Debug, Serialize)]
pub struct Rederived {
    pub call: String,
    pub verdict: Verdict,
    /// How many figures were compared.
    pub figures: usize,
    /// Why it was not measured again.
    pub reason: Option<String>,
    pub notes: Vec<String>,
    pub changes: Changes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every figure is the same.
    Same,
    Differs,
    /// The audio is not that on record.
    OtherAudio,
    NotDone,
}

/// Figures that differ, in the order of the document.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    pub count: usize,
    /// The first of them.
    pub shown: Vec<Change>,
}

/// A figure that differs.
#[derive(Debug, Serialize)]
pub struct Change {
    /// The number of the turn; `None` for a figure of the whole call.
    pub turn: Option<u64>,
    pub figure: String,
    /// What is on record; null if there is nothing.
    pub before: Value,
    /// What was measured now; null if there is nothing.
    pub after: Value,
}

/// A figure's place: turns first, in order, then the whole call's.
type Place = (u64, String);

impl Rederived {
    /// Compares what is on record with what was measured now.
    ///
    /// # Errors
    /// Fails if a figure cannot be written as JSON.
    pub fn of(
        call: String,
        before: (&Header, &Measurement),
        after: (&Header, &Measurement),
    ) -> Result<Rederived, serde_json::Error> {
        let (own, other) = (figures(before)?, figures(after)?);
        let mut places: Vec<&Place> = own.keys().chain(other.keys()).collect();
        places.sort_unstable();
        places.dedup();
        let mut changes = Changes::default();
        for place in &places {
            let (before, after) = (own.get(*place), other.get(*place));
            if before == after {
                continue;
            }
            changes.count += 1;
            if changes.shown.len() < CHANGES_MAX {
                changes.shown.push(Change {
                    turn: (place.0 < WHOLE_CALL).then_some(place.0),
                    figure: place.1.clone(),
                    before: before.cloned().unwrap_or_default(),
                    after: after.cloned().unwrap_or_default(),
                });
            }
        }
        Ok(Rederived {
            call,
            verdict: match changes.count {
                0 => Verdict::Same,
                _ => Verdict::Differs,
            },
            figures: places.len(),
            reason: None,
            notes: notes(before, after),
            changes,
        })
    }

    /// A call that was not measured again, and why.
    pub fn without(call: String, verdict: Verdict, reason: String) -> Rederived {
        Rederived {
            call,
            verdict,
            figures: 0,
            reason: Some(reason),
            notes: Vec::new(),
            changes: Changes::default(),
        }
    }
}

/// What may be why, and what is no figure.
fn notes(before: (&Header, &Measurement), after: (&Header, &Measurement)) -> Vec<String> {
    let mut notes = Vec::new();
    let (header, now) = (before.0, after.0);
    if header.version != now.version {
        notes.push(format!(
            "measured by voicesim {} before, by {} now",
            header.version, now.version
        ));
    }
    for (stage, engine) in &header.engines {
        let other = now.engines.get(stage).map_or("none", String::as_str);
        if engine != other {
            notes.push(format!("{stage} was {engine} before, and is {other} now"));
        }
    }
    let rows = before.1.rows.iter().zip(&after.1.rows);
    let words = rows
        .filter(|(own, other)| own.heard != other.heard || own.said != other.said)
        .count();
    if words > 0 {
        notes.push(format!(
            "other words were written down in {words} turns; words are no figures"
        ));
    }
    notes
}

/// The place of figures of the whole call.
const WHOLE_CALL: u64 = u64::MAX;

fn figures(of: (&Header, &Measurement)) -> Result<BTreeMap<Place, Value>, serde_json::Error> {
    let mut all = BTreeMap::new();
    let Value::Object(document) = serde_json::to_value(document(of.0, of.1))? else {
        return Ok(all);
    };
    for (key, value) in document {
        match (key.as_str(), value) {
            ("detail", Value::Array(rows)) => {
                for row in rows {
                    turn(row, &mut all);
                }
            }
            (key, _) if NO_FIGURES.contains(&key) => {}
            (_, value) => leaves(WHOLE_CALL, key, value, &mut all),
        }
    }
    Ok(all)
}

fn turn(row: Value, all: &mut BTreeMap<Place, Value>) {
    let Value::Object(row) = row else { return };
    let number = row.get("turn").and_then(Value::as_u64).unwrap_or_default();
    for (key, value) in row {
        if !NO_FIGURES_OF_TURNS.contains(&key.as_str()) {
            leaves(number, key, value, all);
        }
    }
}

/// Every value in a value, each with the keys that lead to it. What is null is not there.
fn leaves(of: u64, name: String, value: Value, all: &mut BTreeMap<Place, Value>) {
    match value {
        Value::Object(own) => {
            for (key, value) in own {
                leaves(of, format!("{name}.{key}"), value, all);
            }
        }
        Value::Array(own) => {
            for (place, value) in own.into_iter().enumerate() {
                leaves(of, format!("{name}.{place}"), value, all);
            }
        }
        Value::Null => {}
        value => {
            all.insert((of, name), value);
        }
    }
}

fn count(calls: &[Rederived], is_counted: impl Fn(Verdict) -> bool) -> usize {
    calls.iter().filter(|call| is_counted(call.verdict)).count()
}

/// How many calls came out the same, otherwise, and not at all.
pub fn counts(calls: &[Rederived]) -> (usize, usize, usize) {
    (
        count(calls, |verdict| verdict == Verdict::Same),
        count(calls, |verdict| {
            matches!(verdict, Verdict::Differs | Verdict::OtherAudio)
        }),
        count(calls, |verdict| verdict == Verdict::NotDone),
    )
}

pub fn rederived(calls: &[Rederived]) -> Document<'_> {
    let (same, differ, not_done) = counts(calls);
    Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        same,
        differ,
        not_done,
        calls,
    }
}

/// The calls for people, those that differ first.
pub fn text(calls: &[Rederived]) -> String {
    let (same, differ, not_done) = counts(calls);
    let mut text = format!(
        "{} measured calls against their audio: {same} the same, {differ} otherwise, {not_done} not measured again\n\n",
        calls.len()
    );
    let mut order: Vec<&Rederived> = calls.iter().collect();
    order.sort_by_key(|call| match call.verdict {
        Verdict::Differs | Verdict::OtherAudio => 0,
        Verdict::NotDone => 1,
        Verdict::Same => 2,
    });
    for call in order {
        one(&mut text, call);
    }
    text
}

fn one(text: &mut String, call: &Rederived) {
    let (name, figures) = (one_line(&call.call), call.figures);
    let reason = one_line(call.reason.as_deref().unwrap_or_default());
    let _ = match call.verdict {
        Verdict::Same => writeln!(text, "same         {name}  {figures} figures"),
        Verdict::Differs => writeln!(
            text,
            "DIFFERS      {name}  {} of {figures} figures",
            call.changes.count
        ),
        Verdict::OtherAudio => writeln!(text, "OTHER AUDIO  {name}  {reason}"),
        Verdict::NotDone => writeln!(text, "not done     {name}  {reason}"),
    };
    for change in call.changes.shown.iter().take(LINES_MAX) {
        let turn = match change.turn {
            Some(turn) => format!("turn {turn} "),
            None => String::new(),
        };
        let (figure, unit) = match change.figure.strip_suffix("_ns") {
            Some(figure) => (figure, Unit::Nanoseconds),
            None => (change.figure.as_str(), Unit::None),
        };
        let _ = writeln!(
            text,
            "             {turn}{figure}: {} before, {} now",
            shown(&change.before, unit),
            shown(&change.after, unit)
        );
    }
    let more = call.changes.count.saturating_sub(LINES_MAX);
    if more > 0 {
        let _ = writeln!(
            text,
            "             and {more} more (--json has more of them)"
        );
    }
    for note in &call.notes {
        let _ = writeln!(text, "             note: {}", one_line(note));
    }
}

#[derive(Clone, Copy)]
enum Unit {
    None,
    Nanoseconds,
}

fn shown(value: &Value, unit: Unit) -> String {
    match (value, value.as_f64(), unit) {
        (Value::Null, ..) => "nothing".to_owned(),
        (_, Some(ns), Unit::Nanoseconds) => format!("{:.3} ms", ns / 1e6),
        (Value::String(text), ..) => one_line(text),
        (value, ..) => value.to_string(),
    }
}

/// Names of others keep to their line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
