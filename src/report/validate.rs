//! How well a profile predicted a run: as data, as text and as JSON.

use super::several;
use super::table::{plain, trimmed};
use crate::measure::Interval;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a profile predicted of runs, beside what was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Validation {
    pub schema: &'static str,
    pub profile: String,
    /// Runs that were predicted.
    pub runs: Vec<String>,
    /// Answered turns of the runs, in so many conversations.
    pub turns: usize,
    pub conversations: usize,
    /// Turns that should have been answered and were not: they are in no figure here.
    pub unanswered: u64,
    /// The share of the simulated turns that should have been answered and were not, 0 to 1: they are in no figure here.
    pub predicted_unanswered_share: f64,
    /// Turns whose latency may be another one: they are in no figure here.
    pub doubtful: u64,
    /// Whether whole conversations were drawn for the intervals; else turns were, as there are too few of them.
    pub by_conversation: bool,
    /// Settings of the runs that the simulation took over, in words.
    pub settings: String,
    /// How far the machine has moved since the fit; null without a calibrator around the runs.
    pub drift: Option<Drift>,
    /// How far off the simulator itself is, turn by turn; null where it has not what the runs had.
    pub structure: Option<Structure>,
    /// The share of the engines' jobs that other programs disturbed, 0 to 1.
    pub disturbed_share: f64,
    pub figures: Vec<Predicted>,
    /// Every distribution, for pictures.
    #[serde(skip)]
    pub drawn: Vec<Drawn>,
    /// In what the runs lie outside of what the profile has seen.
    pub outside: Vec<String>,
    /// Why there is no verdict, where there is none.
    pub undecided: Option<String>,
    pub verdict: Verdict,
}

/// How far the machine has moved since the fit.
#[derive(Debug, Clone, Serialize)]
pub struct Drift {
    /// How many times as long each engine took as around the runs of the fit, by its table.
    pub ratios: BTreeMap<String, f64>,
    /// Runs that are in no figure here.
    pub left_out: Vec<LeftOut>,
}

/// A run that tells nothing of a profile.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    pub run: String,
    pub why: String,
}

/// Where a calibrator moved further from before a run to after it, that run is in no figure: its engines were now faster,
/// now slower.
pub const MOVED_MAX_PERCENT: f64 = 5.0;

/// How far off the simulator itself is: the runs' own speech and job times put through it, against the same turns.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Structure {
    pub turns: usize,
    /// Turns that are off by [`NEAR_MS`] at most.
    pub near: usize,
    /// The mean distance, in milliseconds.
    pub mean_ms: f64,
    pub worst_ms: f64,
}

/// A turn that is simulated so well is simulated right.
pub const NEAR_MS: f64 = 1.0;

/// A distribution: the times that even steps of shares lie below, from the least to the greatest.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub name: String,
    pub measured: Vec<f64>,
    /// Without the machine's drift where that is known.
    pub predicted: Vec<f64>,
}

/// A figure that was measured, and what was predicted of it, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Predicted {
    pub name: String,
    /// `mean`, `p50`, `p90`, `p95` or `p99`.
    pub statistic: &'static str,
    pub measured_ms: f64,
    /// Where the measured figure would lie in 95 of 100 runs like these.
    pub interval: Interval,
    pub predicted_ms: f64,
    /// `None` where less than a millisecond was measured: of nothing everything is many times as much.
    pub error_percent: Option<f64>,
    /// The prediction with each engine as much slower or faster as the calibrator was; null without one. It is what is
    /// judged where it is there.
    pub without_drift_ms: Option<f64>,
    pub without_drift_error_percent: Option<f64>,
    /// Where the error of what is judged lies in 95 of 100 runs like these, in percent of what they measure.
    pub error_interval_percent: Option<Interval>,
    /// What a profile of these very runs predicts, in milliseconds: what is wrong in it is the fit's. `None` without one.
    pub structure_ms: Option<f64>,
    /// The sum of medians, spreads added as squares; for latencies as a whole alone.
    pub naive_ms: Option<f64>,
    /// The error that is allowed, in milliseconds; `None` where none is.
    pub bound_ms: Option<f64>,
    pub is_within_bound: Option<bool>,
    /// Whether a perfect prediction could have been as far off, with so few turns.
    pub is_within_chance: bool,
    /// Turns that would tell an error of the bound from chance.
    pub turns_to_decide: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every bound is kept, or missed by no more than chance.
    Holds,
    /// A bound is missed by more than chance.
    Missed,
    /// The runs decide nothing.
    Undecided,
}

/// Where a greater share of the turns was not answered, the 95th percentile of all of them lies among those.
pub const UNANSWERED_MAX: f64 = 0.05;

/// The kind of the JSON document.
pub const SCHEMA: &str = "voicesim.validation/2";

impl Validation {
    /// The prediction of a figure.
    pub fn figure(&self, name: &str, statistic: &str) -> Option<&Predicted> {
        let mut figures = self.figures.iter();
        figures.find(|one| one.name == name && one.statistic == statistic)
    }
}

/// The validation, for people.
pub fn text(of: &Validation) -> String {
    let mut text = format!(
        "{} against {} answered turns in {} of {}\n  settings  {}\n",
        of.profile,
        of.turns,
        several(of.conversations as u64, "conversation"),
        of.runs.join(", "),
        of.settings,
    );
    for outside in &of.outside {
        let _ = writeln!(text, "  outside   {outside}");
    }
    if of.unanswered > 0 || of.predicted_unanswered_share >= 0.001 {
        let all = of.turns as f64 + of.unanswered as f64;
        let _ = writeln!(
            text,
            "  note      {} more ({:.1} %) were not answered, and {:.1} % are predicted not to be: they are in no figure here",
            of.unanswered,
            100.0 * of.unanswered as f64 / all,
            100.0 * of.predicted_unanswered_share
        );
    }
    if of.doubtful > 0 {
        let _ = writeln!(
            text,
            "  note      {} in no figure here, as their latencies may be others",
            several(of.doubtful, "doubtful turn")
        );
    }
    if let Some(note) = structure(of) {
        let _ = writeln!(text, "  structure {note}");
    }
    for note in drift(of) {
        let _ = writeln!(text, "  drift     {note}");
    }
    if !of.by_conversation {
        text.push_str("  note      intervals are by turns, as there are fewer than 5 conversations: they are too narrow if turns go together\n");
    }
    let has_drift = of.drift.is_some();
    let mut header = vec![
        "figure, ms",
        "",
        "measured",
        "95 % interval",
        "predicted",
        "error",
    ];
    if has_drift {
        header.extend(["drift removed", "error"]);
    }
    header.extend(["own times", "naive", ""]);
    let mut table = plain(&header);
    for one in &of.figures {
        let ms = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
        let mut cells = vec![
            one.name.clone(),
            one.statistic.to_owned(),
            format!("{:.0}", one.measured_ms),
            format!("{:.0} to {:.0}", one.interval.low, one.interval.high),
            format!("{:.0}", one.predicted_ms),
            off(one.error_percent, one.predicted_ms - one.measured_ms),
        ];
        if has_drift {
            cells.extend([ms(one.without_drift_ms), error(one)]);
        }
        cells.extend([ms(one.structure_ms), ms(one.naive_ms), mark(one).to_owned()]);
        table.add_row(cells);
    }
    let _ = writeln!(text, "\n{}", trimmed(&table));
    if has_drift {
        text.push_str("\nDrift removed: each engine as much slower or faster as the calibrator was since the fit; this is what is judged.");
    }
    let _ = writeln!(
        text,
        "\nOwn times: predicted by a profile of these runs themselves, so that what is wrong there is the fit's. Naive: medians added up, spreads as squares."
    );
    let _ = writeln!(text, "\n{}", sentence(of));
    text
}

/// What is said of a figure's error.
pub(super) fn mark(one: &Predicted) -> &'static str {
    match (one.is_within_bound, one.is_within_chance) {
        (Some(true), _) => "within the bound",
        (Some(false), true) => "chance",
        (Some(false), false) => "MISSED",
        (None, true) => "",
        (None, false) => "more than chance",
    }
}

/// What is known of the simulator's own error.
pub(super) fn structure(of: &Validation) -> Option<String> {
    let Structure {
        turns,
        near,
        mean_ms,
        worst_ms,
    } = of.structure?;
    Some(format!(
        "with the runs' own speech and job times the simulator is within {NEAR_MS:.0} ms in {near} of {}; {mean_ms:.1} ms off on average, {worst_ms:.0} at most",
        several(turns as u64, "turn")
    ))
}

/// What is known of the machine's drift, a sentence each.
pub(super) fn drift(of: &Validation) -> Vec<String> {
    let Some(drift) = &of.drift else {
        return vec!["these runs hold no calibrator (--calibrator): what the machine has moved since the fit is in the engines' error".to_owned()];
    };
    let ratios = drift
        .ratios
        .iter()
        .map(|(table, ratio)| format!("{table} ×{ratio:.2}"));
    let ratios: Vec<String> = ratios.collect();
    let mut notes = vec![match ratios.is_empty() {
        true => {
            "the calibrator tells of no engine: its jobs were disturbed, or too short".to_owned()
        }
        false => format!(
            "since the fit, by the calibrator around {}: {}",
            several(of.conversations as u64, "run"),
            ratios.join(", ")
        ),
    }];
    if let Some(first) = drift.left_out.first() {
        notes.push(format!(
            "{} in no figure here, as {}: {}",
            match drift.left_out.len() {
                1 => "1 run is".to_owned(),
                count => format!("{count} runs are"),
            },
            first.run,
            first.why
        ));
    }
    notes
}

/// How far off what is judged is, in percent, or in milliseconds where next to nothing was measured.
pub(super) fn error(one: &Predicted) -> String {
    let percent = one.without_drift_error_percent.or(one.error_percent);
    off(percent, one.judged_ms() - one.measured_ms)
}

fn off(percent: Option<f64>, ms: f64) -> String {
    match percent {
        Some(percent) => format!("{percent:+.1} %"),
        None => format!("{ms:+.0} ms"),
    }
}

impl Predicted {
    /// The prediction that is judged: without the machine's drift where that is known.
    pub fn judged_ms(&self) -> f64 {
        self.without_drift_ms.unwrap_or(self.predicted_ms)
    }
}

/// What it comes to.
pub fn sentence(of: &Validation) -> String {
    let mut missed: Vec<String> = of
        .figures
        .iter()
        .filter(|one| one.is_within_bound == Some(false) && !one.is_within_chance)
        .map(|one| format!("{} {} by {}", one.name, one.statistic, error(one)))
        .collect();
    if of.predicted_unanswered_share > UNANSWERED_MAX {
        missed.push(format!(
            "{:.0} % of the turns are predicted not to be answered",
            100.0 * of.predicted_unanswered_share
        ));
    }
    match of.verdict {
        Verdict::Undecided => format!(
            "No verdict: {}.",
            of.undecided
                .as_deref()
                .unwrap_or("these runs decide nothing")
        ),
        Verdict::Missed => format!("It does not hold: {}.", missed.join(", ")),
        Verdict::Holds => {
            let chance: Vec<&Predicted> = of
                .figures
                .iter()
                .filter(|one| one.is_within_bound == Some(false))
                .collect();
            match chance.iter().filter_map(|one| one.turns_to_decide).max() {
                None => "It holds: every bound is kept (p50 within 3 %, p95 within 5 %; behind the wait for the endpoint at least within 10 and 20 ms).".to_owned(),
                Some(turns) => format!(
                    "Not refuted: {} beyond its bound, by no more than chance with so few turns; about {turns} would decide.",
                    match chance.len() {
                        1 => "1 figure lies".to_owned(),
                        count => format!("{count} figures lie"),
                    }
                ),
            }
        }
    }
}
