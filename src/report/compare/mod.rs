//! Two sets of results side by side. The document is `voicesim.compare/2`, see [`json`].

pub mod json;
mod markdown;
mod text;

pub use markdown::markdown;
pub use text::text;

use crate::compare::{
    ComparedFigure, Comparison, Independent, Kind, Mark, Quantity, Side, Statistic, Verdict,
};

/// Marked figures outside the verdict that the headline names.
const OTHERS_MAX: usize = 5;

/// The outcome of a comparison, in a few sentences.
pub fn headline(of: &Comparison) -> String {
    let sentences = std::iter::once(verdict(of)).chain(asides(of));
    sentences.collect::<Vec<_>>().join(" ")
}

/// What the verdict is, and why.
pub(super) fn verdict(of: &Comparison) -> String {
    let told = |mark| -> Vec<String> {
        let lines = of.lines.iter().filter(|line| line.is_headline);
        lines
            .filter(|line| line.mark == Some(mark))
            .map(clause)
            .collect()
    };
    let (worse, better) = (told(Mark::Worse), told(Mark::Better));
    match of.verdict {
        Verdict::Worse if better.is_empty() => format!("Worse: {}.", worse.join(", ")),
        Verdict::Worse => format!("Worse: {}; but {}.", worse.join(", "), better.join(", ")),
        Verdict::Better => format!("Better: {}.", better.join(", ")),
        Verdict::NoDifferenceFound => none(of),
    }
}

/// Other figures that are marked, the worse ones first.
pub(super) fn asides(of: &Comparison) -> Vec<String> {
    let mut asides = Vec::new();
    for (mark, says) in [(Mark::Worse, "worse"), (Mark::Better, "better")] {
        let mut others = others(of, mark);
        // What went wrong before what took long.
        others.sort_by_key(|told| told.contains('('));
        let more = match others.len().saturating_sub(OTHERS_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        others.truncate(OTHERS_MAX);
        if !others.is_empty() {
            let named = others.join(", ");
            asides.push(format!(
                "Not part of the verdict, and {says}: {named}{more}."
            ));
        }
    }
    asides
}

/// A sentence on what was compared without finding a difference.
fn none(of: &Comparison) -> String {
    let lines: Vec<&ComparedFigure> = of.lines.iter().filter(|line| line.is_headline).collect();
    let is_same =
        |line: &&ComparedFigure| line.difference.is_none_or(|difference| difference == 0.0);
    if lines.iter().all(is_same) {
        return "No difference found: the figures are the same.".into();
    }
    let is_significant = |line: &ComparedFigure| {
        line.p_holm
            .is_some_and(|p| p < crate::compare::SIGNIFICANCE)
    };
    let told: Vec<String> = lines
        .iter()
        .filter(|line| line.difference.is_some_and(|difference| difference != 0.0))
        .map(|line| clause(line))
        .collect();
    if of.is_too_little {
        let more = match of.would_tell {
            Some(more) => format!(
                "{} more turns would show a difference of {:.0} ms",
                more.more_turns, more.difference_ms
            ),
            None => "a dozen would do".to_owned(),
        };
        return format!(
            "Too few to tell: {}; of so few turns nothing can be told from chance, however large; {more}.",
            told.join(", ")
        );
    }
    let why = match lines.iter().any(|line| is_significant(line)) {
        true => format!(
            "what is more than chance is less than {} % of the base",
            percent(of.min_effect)
        ),
        false => "chance alone makes such differences".to_owned(),
    };
    format!("No difference found: {}; {why}.", told.join(", "))
}

fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 100.0
}

/// A figure of the headline, for people.
fn clause(line: &ComparedFigure) -> String {
    if let (Quantity::Metric(_), Some(over), None) = (line.quantity, line.new_over, line.base_over)
    {
        let base = line
            .base
            .map_or_else(|| "-".to_owned(), |base| number(line, base));
        return format!(
            "{} falls among turns that were not answered, over {} ms, and was {base} ms",
            at(line),
            number(line, over)
        );
    }
    if let (Quantity::Metric(_), Some(over), Some(new)) = (line.quantity, line.base_over, line.new)
    {
        return format!(
            "{} is {} ms, and fell among turns that were not answered, over {} ms",
            at(line),
            number(line, new),
            number(line, over)
        );
    }
    let difference = line.difference.unwrap_or_default();
    let unit = unit(line);
    let interval = line.interval.map_or_else(String::new, |interval| {
        // The sentence says how much longer or shorter, so both bounds change sign with the difference.
        let (low, high) = match difference < 0.0 {
            true => (-interval.high, -interval.low),
            false => (interval.low, interval.high),
        };
        let (low, high) = (number(line, low), number(line, high));
        format!(
            " (95 %: {low} to {high}{})",
            if unit.is_ms { " ms" } else { "" }
        )
    });
    let size = number(line, difference.abs());
    match (line.quantity, difference < 0.0) {
        (Quantity::Metric(_), is_less) => {
            let how = if is_less { "shorter" } else { "longer" };
            format!("callers wait {size} ms {how} at {}{interval}", at(line))
        }
        (Quantity::Rate("unanswered"), is_less) => {
            let how = if is_less { "fewer" } else { "more" };
            format!("{size} {how} of 100 turns get no answer{interval}")
        }
        (Quantity::Rate("cut_offs"), is_less) => {
            let how = if is_less { "fewer" } else { "more" };
            format!("{size} {how} of 100 turns are cut off{interval}")
        }
        (_, is_less) => {
            let how = if is_less { "less" } else { "more" };
            format!(
                "the agent stops for nothing {size} times {how} in 100 sounds to ignore{interval}"
            )
        }
    }
}

/// The percentile of a line, for people.
fn at(line: &ComparedFigure) -> &'static str {
    match line.statistic {
        Statistic::P95 => "the 95th percentile",
        _ => "the median",
    }
}

/// Marked figures outside the headline, with their statistics behind them.
fn others(of: &Comparison, mark: Mark) -> Vec<String> {
    let mut all: Vec<(Quantity, String)> = Vec::new();
    let marked = of.lines.iter().filter(|line| line.mark == Some(mark));
    let is_told = |line: &ComparedFigure| {
        let mut headline = of.lines.iter().filter(|other| other.is_headline);
        headline.any(|other| other.quantity == line.quantity && other.mark == line.mark)
    };
    for line in marked.filter(|line| !is_told(line)) {
        match all.last_mut() {
            Some((quantity, told)) if *quantity == line.quantity => {
                *told += &format!(", {}", line.statistic.name());
            }
            _ if line.statistic == Statistic::Share => {
                all.push((line.quantity, name(line.quantity).to_owned()));
            }
            _ => {
                let told = format!("{} ({}", name(line.quantity), line.statistic.name());
                all.push((line.quantity, told));
            }
        }
    }
    let close = |(_, told): (Quantity, String)| match told.contains('(') {
        true => told + ")",
        false => told,
    };
    all.into_iter().map(close).collect()
}

fn name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Hop(hop) => hop.name(),
        Quantity::Metric(metric) => metric.name(),
        Quantity::Rate(rate) => rate,
    }
}

/// The unit in which a figure is shown.
struct Unit {
    is_ms: bool,
    /// What a rate is counted for.
    per: &'static str,
}

fn unit(line: &ComparedFigure) -> Unit {
    let per = match line.quantity {
        Quantity::Hop(_) | Quantity::Metric(_) => "",
        Quantity::Rate("false_barge_ins" | "spurious_responses") => "sounds to ignore",
        Quantity::Rate("missed_barge_ins") => "interruptions",
        Quantity::Rate("missed_responses") => "questions",
        Quantity::Rate("unanswered") => "turns to answer",
        Quantity::Rate("wer") => "words",
        Quantity::Rate(_) => "turns",
    };
    Unit {
        is_ms: per.is_empty(),
        per,
    }
}

/// A figure as text: milliseconds with one digit, above a hundred with none; rates per hundred.
fn number(line: &ComparedFigure, value: f64) -> String {
    let is_ms = unit(line).is_ms;
    let value = if is_ms { value } else { 100.0 * value };
    let text = match (is_ms, value.abs() >= 99.95) {
        (true, true) => format!("{value:.0}"),
        (true, false) => format!("{value:.1}"),
        (false, _) => format!("{value:.2}"),
    };
    // No minus before a zero.
    match text.trim_start_matches(['-', '0', '.']).is_empty() {
        true => text.trim_start_matches('-').to_owned(),
        false => text,
    }
}

fn signed(line: &ComparedFigure, value: f64) -> String {
    let text = number(line, value);
    let is_zero = text.trim_start_matches(['0', '.']).is_empty();
    match value > 0.0 && !is_zero {
        true => format!("+{text}"),
        false => text,
    }
}

/// Base, new, difference, interval, p and mark.
pub(super) fn cells(line: &ComparedFigure) -> [String; 6] {
    let shown = |value: Option<f64>, show: fn(&ComparedFigure, f64) -> String| {
        value.map_or_else(|| "-".to_owned(), |value| show(line, value))
    };
    let side = |known: Option<f64>, over: Option<f64>| match over {
        Some(over) => format!(">{}", number(line, over)),
        None => shown(known, number),
    };
    [
        side(line.base, line.base_over),
        side(line.new, line.new_over),
        shown(line.difference, signed),
        line.interval.map_or_else(
            || "-".to_owned(),
            |i| format!("{} to {}", signed(line, i.low), signed(line, i.high)),
        ),
        match line.p {
            Some(p) if p < 0.001 => "<0.001".to_owned(),
            Some(p) => format!("{p:.3}"),
            None => "-".to_owned(),
        },
        match line.mark {
            Some(Mark::Worse) => "worse",
            Some(Mark::Better) => "better",
            None => "",
        }
        .to_owned(),
    ]
}

/// The name of a line's figure, with its statistic, or with what a rate is counted for.
pub(super) fn label(line: &ComparedFigure) -> String {
    let name = name(line.quantity);
    match line.statistic {
        Statistic::Share => format!("{name}, per 100 {}", unit(line).per),
        statistic => format!("{name} {}", statistic.name()),
    }
}

/// One side of the comparison, in a line.
pub(super) fn side(of: &Side) -> String {
    let kind = match (of.kind, of.conversations) {
        (Kind::Run, 1) => "run".to_owned(),
        (Kind::Run, count) => format!("{count} runs"),
        (Kind::Recording, 1) => "recording".to_owned(),
        (Kind::Recording, count) => format!("{count} recordings"),
        (Kind::Simulation, count) => format!("simulation of {count} conversations"),
        (Kind::Load, count) => format!("simulation of {count} loads"),
    };
    format!(
        "{} · {kind} · {} turns, {} answered{} · {}",
        of.name,
        of.turns,
        of.answered,
        match of.unanswered {
            0 => String::new(),
            count => format!(", {count} not answered"),
        },
        of.folder
    )
}

/// Sentences on whether turns were paired, and on what was resampled.
pub(super) fn how(of: &Comparison) -> Vec<String> {
    let pairing = &of.pairing;
    let mut all = vec![match pairing.is_paired {
        true => format!(
            "Paired ({}): latencies are of the {} turns that should have been answered on both sides; {} should have been in the base only, {} in the new one only.",
            pairing.why, pairing.turns, pairing.only_base, pairing.only_new
        ),
        false => format!("Not paired: {}.", pairing.why),
    }];
    if !pairing.left_out.is_empty() {
        all.push(format!(
            "Left out, for they have no partner: {}.",
            pairing.left_out.join(", ")
        ));
    }
    all.push(
        match of.independent {
            Independent::Conversations => "Conversations were shuffled.",
            Independent::FewConversations => "Conversations are few: Student's t of their own figures has to find a difference, and the shuffled turns too.",
            Independent::Turns => "Turns were shuffled, as if they were independent of each other.",
        }
        .to_owned(),
    );
    all
}

/// What tables need to be understood.
pub(super) fn legend(of: &Comparison) -> String {
    format!(
        "p says how often chance alone would make such a difference; the interval excludes zero where p is below 0.05. A figure is marked if p, corrected for the number of lines, is below 0.05, and the difference at least {} % of the base. The verdict is on e2e_latency p50 and p95, on turns that were not answered, on cut_offs and on false_barge_ins. A turn without an answer counts as slower than every answer; a percentile that falls among them is over (>) what is known of it.",
        percent(of.min_effect)
    )
}

/// A value of a key, as it is shown.
pub(super) fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "(none)".into(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
