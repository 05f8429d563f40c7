//! What a simulation's figures hang on. The document is `voicesim.sensitivity/2`:
//!
//! ```json
//! {
//!   "schema": "voicesim.sensitivity/2", "name": "…", "version": "…", "seed": 1, "worlds": 4000,
//!   "rests_on": ["…"], "step_percent": 10, "headline": "e2e_latency_p95_ms",
//!   "figures": { "e2e_latency_p50_ms": 684.0, "e2e_latency_p95_ms": 912.0, "cut_off_share": 0.1, … },
//!   "inputs": [{
//!     "key": "answer.latency", "now": "lognormal with median …", "is_by_one": false, "headline_moves_by": 41.0,
//!     "more": { "e2e_latency_p95_ms": { "by": 41.0, "interval": { "low": 38.0, "high": 44.0 }, "is_told": true, "over": null }, … },
//!     "less": { … }, "more_refused": null, "less_refused": null
//!   }]
//! }
//! ```
//!
//! `by` is how much greater a figure is than without the step; null where it is not known, `over` then is what the figure
//! lies over among turns that were not answered. `is_told` tells it from chance. `more_refused` says why an input could
//! not be moved that way. Inputs are sorted by how much they move the headline; those that chance hides come last.

use super::subject::Subject;
use super::table::{plain, trimmed};
use crate::measure::{Interval, Known};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

pub const SCHEMA: &str = "voicesim.sensitivity/2";

/// The figures that are looked at, as budgets name them, and as tables do.
pub const FIGURES: [(&str, &str); 4] = [
    ("e2e_latency_p50_ms", "p50"),
    ("e2e_latency_p95_ms", "p95"),
    ("cut_off_share", "cut off"),
    ("unanswered_share", "not answered"),
];

/// The 95th percentile of what callers wait; where it falls among turns that were not answered, how many those are.
pub const HEADLINES: [&str; 2] = ["e2e_latency_p95_ms", "unanswered_share"];

/// How far inputs are moved, in percent.
pub const STEP_PERCENT: u32 = 10;

/// Longer descriptions are cut in a table.
const NOW_CHARACTERS_MAX: usize = 44;

/// Inputs that the last sentence names.
const NAMED_MAX: usize = 3;

/// What the figures of a scenario hang on.
#[derive(Debug, Clone, Serialize)]
pub struct Sensitivity {
    pub schema: &'static str,
    #[serde(flatten)]
    pub subject: Subject,
    pub rests_on: Vec<String>,
    pub step_percent: u32,
    /// The figure that inputs are sorted by.
    pub headline: &'static str,
    /// The figures without any step; null where one falls among turns that were not answered.
    pub figures: BTreeMap<&'static str, Option<f64>>,
    pub inputs: Vec<Effect>,
    /// Whether somebody stopped it: inputs that it did not come to are left out.
    pub is_cut_short: bool,
}

/// What an input does to the figures.
#[derive(Debug, Clone, Serialize)]
pub struct Effect {
    pub key: String,
    pub now: String,
    /// Whether a step is one, as of few cores; else it is a tenth.
    pub is_by_one: bool,
    /// How far the headline is moved, the farther of both ways; null where it falls among turns that were not answered,
    /// or nothing could be measured.
    pub headline_moves_by: Option<f64>,
    pub more: BTreeMap<&'static str, Change>,
    pub less: BTreeMap<&'static str, Change>,
    pub more_refused: Option<String>,
    pub less_refused: Option<String>,
}

/// How a figure changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// In milliseconds, or as a share.
    pub by: Option<f64>,
    /// Its 95 % interval; null of too few worlds.
    pub interval: Option<Interval>,
    /// Whether it is more than chance.
    pub is_told: bool,
    /// What the figure lies over now, where it falls among turns that were not answered.
    pub over: Option<f64>,
}

impl Change {
    /// The change from one figure to another, of which chance makes up to `half`; the figures themselves are known to
    /// within a thousandth.
    pub fn of(before: Known, after: Known, half: Option<f64>) -> Change {
        let (Known::Is(before), Known::Is(now)) = (before, after) else {
            return Change {
                by: None,
                interval: None,
                is_told: before.exact().is_some() != after.exact().is_some(),
                over: after.over(),
            };
        };
        let by = now - before;
        Change {
            by: Some(by),
            interval: half.map(|half| Interval {
                low: by - half,
                high: by + half,
            }),
            is_told: half.is_some_and(|half| by.abs() > half),
            over: None,
        }
    }
}

impl Effect {
    /// How far the headline is moved by what is more than chance; infinitely far where it falls among turns that were not
    /// answered, or a load no longer drains.
    pub fn strength(&self, headline: &str) -> f64 {
        let changes = [self.more.get(headline), self.less.get(headline)];
        let told = changes
            .into_iter()
            .flatten()
            .filter(|change| change.is_told);
        told.map(|change| change.by.map_or(f64::INFINITY, f64::abs))
            .fold(0.0, f64::max)
    }

    /// Whether nothing moves at all.
    fn moves_nothing(&self) -> bool {
        let all = self.more.values().chain(self.less.values());
        let mut all = all.peekable();
        all.peek().is_some() && all.all(|change| change.by == Some(0.0))
    }
}

/// What an effect is told by in a cell.
fn cell(change: Option<&Change>, figure: &str) -> String {
    let Some(change) = change else {
        return "-".to_owned();
    };
    match (change.by, change.over) {
        (Some(0.0), _) => "0".to_owned(),
        (Some(by), _) => match (change.is_told, change.interval) {
            (true, Some(interval)) => {
                let half = 0.5 * (interval.high - interval.low);
                format!("{} ±{}", signed(by, figure), size(half, figure))
            }
            _ => "chance".to_owned(),
        },
        (None, Some(over)) => format!(">{over:.0} ms"),
        (None, None) => "-".to_owned(),
    }
}

/// Milliseconds, or points of a hundred.
fn size(of: f64, figure: &str) -> String {
    match figure.ends_with("_ms") {
        true => format!("{of:.0}"),
        false => format!("{:.1}", 100.0 * of),
    }
}

fn signed(by: f64, figure: &str) -> String {
    match figure.ends_with("_ms") {
        true => format!("{by:+.0}"),
        false => format!("{:+.1}", 100.0 * by),
    }
}

fn unit(figure: &str) -> &'static str {
    match figure.ends_with("_ms") {
        true => "ms",
        false => "points",
    }
}

/// The sensitivity, for people.
pub fn text(of: &Sensitivity) -> String {
    let mut text = of.subject.line(&format!(
        "{} inputs, each {STEP_PERCENT} % more and {STEP_PERCENT} % less, with the same luck · ",
        of.inputs.len()
    ));
    for sentence in &of.rests_on {
        let _ = writeln!(text, "note: {sentence}");
    }
    if of.is_cut_short {
        text.push_str("note: it was stopped; the inputs that it did not come to are left out\n");
    }
    let figures = FIGURES.iter().filter_map(|(name, short)| {
        let known = of.figures.get(name)?;
        Some(match known {
            Some(value) if name.ends_with("_ms") => format!("{short} {value:.0} ms"),
            Some(share) => format!("{short} {:.1} %", 100.0 * share),
            None => format!("{short} among turns that were not answered"),
        })
    });
    let _ = writeln!(text, "now: {}", figures.collect::<Vec<_>>().join(", "));
    let _ = writeln!(text, "\n{}", table(of));
    let _ = writeln!(
        text,
        "\n±: half a 95 % interval, from pairs of {} with the same luck. Counts move by one at least. Latencies in ms, shares in points of a hundred.",
        of.subject.kind
    );
    for effect in &of.inputs {
        for (which, refused) in [
            ("more", &effect.more_refused),
            ("less", &effect.less_refused),
        ] {
            if let Some(why) = refused {
                let _ = writeln!(text, "note: {} cannot be {which}: {why}", effect.key);
            }
        }
    }
    let _ = writeln!(text, "\n{}", sentence(of));
    text
}

fn table(of: &Sensitivity) -> String {
    let is_shown = |figure: &&(&'static str, &'static str)| {
        let is_told = |effect: &Effect| {
            let changes = [effect.more.get(figure.0), effect.less.get(figure.0)];
            changes.into_iter().flatten().any(|change| change.is_told)
        };
        figure.0.ends_with("_ms") || of.inputs.iter().any(is_told)
    };
    let shown: Vec<&(&str, &str)> = FIGURES.iter().filter(is_shown).collect();
    let mut header = vec!["input".to_owned(), "now".to_owned()];
    for (_, short) in &shown {
        header.push(format!("{short}: more"));
        header.push("less".to_owned());
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = plain(&header);
    if let Some(now) = table.column_mut(1) {
        now.set_cell_alignment(comfy_table::CellAlignment::Left);
    }
    for effect in &of.inputs {
        let mut now: String = effect.now.chars().take(NOW_CHARACTERS_MAX).collect();
        if now.len() < effect.now.len() {
            now.push('…');
        }
        let mut cells = vec![effect.key.clone(), now];
        for (figure, _) in &shown {
            cells.push(cell(effect.more.get(figure), figure));
            cells.push(cell(effect.less.get(figure), figure));
        }
        table.add_row(cells);
    }
    trimmed(&table)
}

/// What it comes to.
pub fn sentence(of: &Sensitivity) -> String {
    let short = FIGURES
        .iter()
        .find(|(name, _)| *name == of.headline)
        .map_or(of.headline, |(_, short)| short);
    let short = match of.headline.ends_with("_ms") {
        true => short.to_owned(),
        false => format!("the share that is {short}"),
    };
    let told: Vec<&Effect> = of
        .inputs
        .iter()
        .filter(|effect| effect.strength(of.headline) > 0.0)
        .collect();
    let step = |effect: &Effect| match effect.is_by_one {
        true => format!("one more or less of {}", effect.key),
        false => format!("{STEP_PERCENT} % of {}", effect.key),
    };
    let far = |by: f64| format!("{} {}", size(by, of.headline), unit(of.headline));
    let mut text = match told.as_slice() {
        [] => format!(
            "No input moves {short} by more than chance; hold more {} to tell.",
            of.subject.kind
        ),
        [first, rest @ ..] => {
            let rest = rest.iter().take(NAMED_MAX - 1).map(|effect| {
                let far = effect
                    .headline_moves_by
                    .map_or_else(|| "far".to_owned(), far);
                format!("{far} per {}", step(effect))
            });
            let rest: Vec<String> = rest.collect();
            let then = match rest.is_empty() {
                true => String::new(),
                false => format!("; then {}", rest.join(", ")),
            };
            match first.headline_moves_by {
                Some(by) => format!(
                    "{} moves {} per {}{then}.",
                    capital(&short),
                    far(by),
                    step(first)
                ),
                None => format!(
                    "With {} {short} falls among turns that are not answered{then}.",
                    step(first)
                ),
            }
        }
    };
    let named = |effects: Vec<&Effect>| -> String {
        let keys: Vec<&str> = effects.iter().map(|effect| effect.key.as_str()).collect();
        keys.join(", ")
    };
    let is_hidden = |effect: &&Effect| {
        effect.strength(of.headline) == 0.0 && !effect.moves_nothing() && !effect.more.is_empty()
    };
    let hidden: Vec<&Effect> = of.inputs.iter().filter(is_hidden).collect();
    if !hidden.is_empty() && !told.is_empty() {
        let _ = write!(text, " Not told from chance: {}.", named(hidden));
    }
    let nothing: Vec<&Effect> = of.inputs.iter().filter(|e| e.moves_nothing()).collect();
    if !nothing.is_empty() {
        let _ = write!(text, " They move nothing: {}.", named(nothing));
    }
    text
}

fn capital(text: &str) -> String {
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(by: f64, half: f64) -> Change {
        Change::of(Known::Is(900.0), Known::Is(900.0 + by), Some(half))
    }

    fn effect(key: &str, more: Change, less: Change) -> Effect {
        let of = |change| BTreeMap::from([("e2e_latency_p95_ms", change)]);
        Effect {
            key: key.into(),
            now: "80 ms".into(),
            is_by_one: key == "cores",
            headline_moves_by: more.by.map(f64::abs),
            more: of(more),
            less: of(less),
            more_refused: None,
            less_refused: None,
        }
    }

    fn sensitivity(inputs: Vec<Effect>) -> Sensitivity {
        Sensitivity {
            schema: SCHEMA,
            subject: Subject {
                name: "agent".into(),
                version: "0",
                seed: 1,
                worlds: 4_000,
                kind: "conversations",
            },
            rests_on: vec!["its figures rest on assumptions alone".into()],
            step_percent: STEP_PERCENT,
            headline: "e2e_latency_p95_ms",
            figures: BTreeMap::from([("e2e_latency_p95_ms", Some(900.0))]),
            inputs,
            is_cut_short: false,
        }
    }

    #[test]
    fn what_a_figure_hangs_on_is_told_in_a_sentence() {
        let of = sensitivity(vec![
            effect("answer.latency", change(41.0, 3.0), change(-38.0, 3.0)),
            effect("cores", change(-12.0, 2.0), change(30.0, 4.0)),
            effect("caller.speech", change(0.4, 1.0), change(0.1, 1.0)),
            effect("caller.reaction", change(0.0, 0.0), change(0.0, 0.0)),
        ]);
        assert_eq!(
            sentence(&of),
            "p95 moves 41 ms per 10 % of answer.latency; then 12 ms per one more or less of cores. Not told from chance: caller.speech. They move nothing: caller.reaction."
        );
        let text = text(&of);
        for told in ["+41 ±3", "-38 ±3", "chance", "now: p95 900 ms"] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }

    #[test]
    fn a_figure_that_falls_among_turns_without_an_answer_is_moved_most() {
        let lost = Change::of(Known::Is(900.0), Known::Over(1_200.0), Some(1.0));
        assert!(lost.is_told && lost.by.is_none() && lost.over == Some(1_200.0));
        let effect = effect("caller.patience", lost, change(0.0, 0.0));
        assert_eq!(effect.strength("e2e_latency_p95_ms"), f64::INFINITY);
        assert!(sentence(&sensitivity(vec![effect])).contains("among turns"));
    }

    #[test]
    fn nothing_that_chance_could_do_is_told() {
        assert!(!change(2.0, 2.5).is_told && !change(-2.0, 2.5).is_told);
        assert!(change(-3.0, 2.5).is_told);
        let unknown = Change::of(Known::Is(1.0), Known::Is(2.0), None);
        assert!(!unknown.is_told, "too few worlds");
    }
}
