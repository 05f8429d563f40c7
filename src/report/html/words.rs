//! Figures and outcomes in words, as pages put them.

use crate::event::{EndpointDecision, Expect, Metric, Verdict};
use crate::measure::{BudgetResult, Decided, Interruptions, Known, Measurement, Outcome, Row, ms};
use crate::record::store::Header;
use crate::report::SLOW_MS;
use crate::report::chart::known_in_words;

/// Longer texts are cut, and the rest is shown when it is asked for.
const CHARACTERS_SHOWN: usize = 600;

/// What somebody said: its beginning, and the rest if it is long.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub beginning: String,
    pub rest: Option<String>,
}

impl Said {
    pub(super) fn of(text: &str) -> Said {
        let text = text.trim();
        let (beginning, rest) = match text.char_indices().nth(CHARACTERS_SHOWN) {
            None => (text, None),
            Some((end, _)) => (&text[..end], Some(text[end..].to_owned())),
        };
        Said {
            beginning: beginning.to_owned(),
            rest,
        }
    }
}

/// A figure in the largest letters.
pub(super) struct Stat {
    pub label: String,
    pub value: String,
    pub unit: &'static str,
    /// Class of the figure: `kept`, `missed` or nothing, and `words` if it is no number.
    pub class: &'static str,
    /// What the figure is of, and how sure it is.
    pub note: String,
}

/// A latency in three digits.
pub(super) fn latency(label: &str, of_ms: f64, note: String) -> Stat {
    Stat {
        label: label.to_owned(),
        value: format!("{of_ms:.0}"),
        unit: "ms",
        class: "",
        note,
    }
}

/// The longest wait that is shown as a good one, in nanoseconds: the largest limit of the end-to-end latency, or
/// 800 ms without one.
pub(super) fn good_until_ns(measured: &Measurement) -> u64 {
    let limits = measured.budgets.iter();
    let limits = limits.filter(|budget| budget.name.starts_with("e2e_latency_"));
    let most = limits.map(|budget| budget.limit).reduce(f64::max);
    (most.unwrap_or(SLOW_MS) * 1e6) as u64
}

/// How long 19 of 20 callers wait at most, if that is slow and no budget allows it.
pub(super) fn slow_without_budget(measured: &Measurement) -> Option<Known> {
    let e2e = measured.metrics.get(&Metric::E2eLatency)?.summary()?;
    let is_slow = measured.budgets.is_empty() && e2e.p95.rank() > SLOW_MS;
    is_slow.then_some(e2e.p95)
}

/// Whether budgets and expectations are met; `None` if there are none.
pub(super) fn verdict(measured: &Measurement) -> Option<Stat> {
    let missed = measured
        .budgets
        .iter()
        .filter(|budget| !budget.pass)
        .count();
    let asked = |row: &&Row| row.expect.is_some() && !row.is_judged;
    let of = measured.rows.iter().filter(asked).count();
    let other = measured
        .rows
        .iter()
        .filter(|row| !row.is_judged && !row.outcome.is_as_expected(row.expect))
        .count();
    let budgets = match (measured.budgets.len(), missed) {
        (0, _) => None,
        (1, 0) => Some("The budget is kept".to_owned()),
        (all, 0) => Some(format!("All {all} budgets kept")),
        (all, missed) => Some(format!("{missed} of {all} budgets missed")),
    };
    let turns = match (of, other) {
        (0, 0) => None,
        (_, 0) => Some("every turn came out as expected".to_owned()),
        (_, 1) => Some("1 turn came out otherwise than expected".to_owned()),
        (_, other) => Some(format!("{other} turns came out otherwise than expected")),
    };
    let (value, note) = match (budgets, turns) {
        (None, None) => return None,
        (Some(budgets), turns) => (budgets, turns.unwrap_or_default()),
        (None, Some(_)) if other == 0 => (
            "As expected".to_owned(),
            match slow_without_budget(measured) {
                None => format!("all {of} turns; no budget was set"),
                Some(p95) => format!(
                    "all {of} turns, however slow: p95 is {}, and no budget was set",
                    known_in_words(p95)
                ),
            },
        ),
        (None, Some(turns)) => ("Not as expected".to_owned(), turns),
    };
    Some(Stat {
        label: "Verdict".to_owned(),
        value,
        unit: "",
        class: match (missed + other, slow_without_budget(measured)) {
            (0, None) => "kept words",
            (0, Some(_)) => "words",
            _ => "missed words",
        },
        note,
    })
}

/// How many came out how, as one sentence.
pub(super) fn outcomes(measured: &Measurement) -> String {
    let counts = &measured.interruptions;
    let all = |expect| -> u32 {
        counts
            .outcomes
            .get(&expect)
            .into_iter()
            .flat_map(|outcomes| outcomes.values())
            .sum()
    };
    let came = |expect, outcome| counts.count(expect, outcome);
    let mut parts = Vec::new();
    let (questions, barge_ins, sounds) =
        (all(Expect::Respond), all(Expect::Stop), all(Expect::Ignore));
    if questions > 0 {
        let answered = came(Expect::Respond, Outcome::Answered);
        parts.push(format!(
            "{} of {} answered",
            grouped(answered.into()),
            several(questions.into(), "question")
        ));
    }
    if barge_ins > 0 {
        let stopped = barge_ins.saturating_sub(counts.missed_barge_ins);
        parts.push(format!(
            "{} of {} stopped for",
            grouped(stopped.into()),
            several(barge_ins.into(), "interruption")
        ));
    }
    if sounds > 0 {
        let ignored = came(Expect::Ignore, Outcome::Ignored);
        parts.push(format!(
            "{} of {} to be ignored let pass",
            grouped(ignored.into()),
            several(sounds.into(), "sound")
        ));
    }
    if parts.is_empty() && !measured.rows.is_empty() {
        let answered = measured
            .rows
            .iter()
            .filter(|row| row.outcome == Outcome::Answered)
            .count();
        parts.push(format!(
            "{answered} of {} answered",
            several(measured.rows.len() as u64, "utterance")
        ));
    }
    parts.extend(wrong(counts));
    match parts.split_first() {
        None => "No turns.".to_owned(),
        Some(_) => format!("{}.", parts.join(" · ")),
    }
}

fn wrong(counts: &Interruptions) -> Vec<String> {
    let wrong = [
        (counts.cut_offs, "cut off in mid-sentence"),
        (
            counts.voided_commits,
            "taken for finished too early, and unheard",
        ),
        (counts.false_barge_ins, "stopped for nothing"),
        (counts.spurious_responses, "answered for nothing"),
        (counts.missed_responses, "left without a reply"),
        (counts.failed_turns, "failed"),
    ];
    let some = wrong.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, what)| format!("{} {what}", grouped(count.into())))
        .collect()
}

/// A count of something, in the plural where it is several.
pub(super) fn several(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{} {what}s", grouped(count)),
    }
}

/// A count with its thousands apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a turn was asked for.
pub(super) fn asked(row: &Row) -> Option<&'static str> {
    match (row.expect?, row.is_judged) {
        // What is asked for most needs no words.
        (Expect::Respond, _) => None,
        (Expect::Stop, true) => Some("an interruption"),
        (Expect::Ignore, true) => Some("nothing to stop for or to answer"),
        (Expect::Stop, false) => Some("the agent is to stop"),
        (Expect::Ignore, false) => Some("the agent is to go on"),
    }
}

pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "Answered",
        Outcome::Interrupted => "Interrupted",
        Outcome::CutOff => "Cut off",
        Outcome::Stopped => "Stopped",
        Outcome::Ignored => "Ignored",
        Outcome::Missed => "Missed",
        Outcome::Spurious => "Spurious",
        Outcome::Failed => "Failed",
        Outcome::Abandoned => "Abandoned",
        Outcome::NotAsked => "Not asked",
    }
}

/// What took the caller's turn to be over, and why.
pub(super) fn ended(endpoint: &EndpointDecision) -> String {
    let policy = &endpoint.policy;
    let probability = endpoint.probability.map(|p| format!(", p {p:.2}"));
    let probability = probability.unwrap_or_default();
    match endpoint.reasons.is_empty() {
        true => format!("{policy}{probability}"),
        false => format!("{policy}{probability}: {}", endpoint.reasons.join(" · ")),
    }
}

/// What the policy made of a sound over the agent.
pub(super) fn decided(decided: &Decided) -> String {
    let verdict = match decided.verdict {
        Verdict::Stop => "stop",
        Verdict::Unsure => "unsure to the end",
        Verdict::KeepTalking => "go on",
    };
    let after = ms(decided.after_ns);
    match decided.probability {
        Some(probability) => format!("{verdict}, after {after:.0} ms, p {probability:.2}"),
        None => format!("{verdict}, after {after:.0} ms"),
    }
}

/// A figure that is held to a limit.
pub(super) fn actual(budget: &BudgetResult) -> String {
    match budget.actual {
        None => budget.told(),
        Some(value) if budget.name.ends_with("_ms") => format!("{value:.1}"),
        Some(value) => format!("{value:.3}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
    }
}

/// The facts in a header that are shown at a glance.
pub(super) fn facts(header: &Header) -> Vec<String> {
    match header.is_of_others() {
        true if header.clock == Header::TRACE => {
            vec![
                "an imported conversation".to_owned(),
                header.started.clone(),
            ]
        }
        true => vec![
            match &header.probe {
                Some(probe) => format!("a call to {}", probe.agent),
                None => "a recorded call".to_owned(),
            },
            header.started.clone(),
        ],
        false => vec![
            format!("{} clock", header.clock),
            several(header.cores.into(), "core"),
            format!("seed {}", header.seed),
            header.started.clone(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_between_characters() {
        let long = "é".repeat(700);
        let said = Said::of(&long);
        assert_eq!(said.beginning.chars().count(), 600);
        assert_eq!(said.rest.map(|rest| rest.chars().count()), Some(100));
        assert_eq!(Said::of(" short\n").rest, None);
    }

    #[test]
    fn thousands_stand_apart() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(count), text);
        }
        assert_eq!(
            (several(1, "core"), several(2, "core")),
            ("1 core".into(), "2 cores".into())
        );
    }

    #[test]
    fn nothing_asked_for_has_no_verdict() {
        assert!(verdict(&Measurement::of_nothing()).is_none());
        assert_eq!(outcomes(&Measurement::of_nothing()), "No turns.");
    }
}
