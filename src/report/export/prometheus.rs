//! The figures as Prometheus scrapes them (its text format, which OpenMetrics' readers take too).
//!
//! Every latency is a histogram in seconds under the field's name, and every turn that should have been answered and was not
//! lies in its last bucket, `+Inf`: no quantile is flattered by turns that nobody answered.

use crate::event::{Hop, Metric};
use crate::measure::{Measurement, Waits};
use std::fmt::Write;

/// Upper bounds of the buckets in milliseconds: closer where callers feel the difference.
const BOUNDS_MS: &[u64] = &[
    5, 10, 25, 50, 75, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700, 750, 800,
    850, 900, 950, 1_000, 1_100, 1_200, 1_300, 1_400, 1_500, 1_750, 2_000, 2_500, 3_000, 4_000,
    5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 60_000,
];

/// The figures of the run `name` as text. Every sample has the name.
pub fn text(name: &str, measured: &Measurement) -> String {
    let run = format!("run=\"{}\"", escaped(name));
    let mut text = String::new();
    for (metric, waits) in &measured.metrics {
        let family = format!("voicesim_{metric}_seconds");
        head(&mut text, &family, "histogram", help(*metric));
        histogram(&mut text, &family, &run, waits);
    }
    if !measured.hops.is_empty() {
        let help = "Parts of the end-to-end latency, by hop; they add up to it.";
        head(&mut text, "voicesim_hop_seconds", "histogram", help);
        for hop in Hop::ALL {
            if let Some(waits) = measured.hops.get(&hop) {
                let labels = format!("{run},hop=\"{hop}\"");
                histogram(&mut text, "voicesim_hop_seconds", &labels, waits);
            }
        }
    }
    turns(&mut text, &run, measured);
    counts(&mut text, &run, measured);
    text
}

fn head(text: &mut String, family: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {family} {help}");
    let _ = writeln!(text, "# TYPE {family} {kind}");
}

fn help(metric: Metric) -> &'static str {
    match metric {
        Metric::E2eLatency => {
            "From the caller's end of speech to the first speech of the answer; unanswered turns in the last bucket."
        }
        _ => {
            "A latency as voicesim's guide defines it (voicesim guide columns); unanswered turns in the last bucket."
        }
    }
}

fn histogram(text: &mut String, family: &str, labels: &str, waits: &Waits) {
    let answered = waits.answered();
    // The histogram knows a value to three digits: what may lie in a bucket is counted there by its middle.
    let mut buckets = answered.buckets().peekable();
    let mut below = 0;
    for bound_ms in BOUNDS_MS {
        let is_below = |(span_ns, _): &(u64, u64)| *span_ns <= bound_ms * 1_000_000;
        while let Some((_, count)) = buckets.next_if(is_below) {
            below += count;
        }
        let bound = *bound_ms as f64 / 1e3;
        let _ = writeln!(text, "{family}_bucket{{{labels},le=\"{bound}\"}} {below}");
    }
    let count = waits.count();
    let _ = writeln!(text, "{family}_bucket{{{labels},le=\"+Inf\"}} {count}");
    let sum = answered.sum_ns() as f64 / 1e9;
    let _ = writeln!(text, "{family}_sum{{{labels}}} {sum}");
    let _ = writeln!(text, "{family}_count{{{labels}}} {count}");
}

fn turns(text: &mut String, run: &str, measured: &Measurement) {
    head(
        text,
        "voicesim_turns_total",
        "counter",
        "Turns by what was asked for and how they came out.",
    );
    for (expect, outcomes) in &measured.interruptions.outcomes {
        let expect = expect.name();
        for (outcome, count) in outcomes {
            let outcome = outcome.name();
            let _ = writeln!(
                text,
                "voicesim_turns_total{{{run},expect=\"{expect}\",outcome=\"{outcome}\"}} {count}"
            );
        }
    }
    let unanswered = measured.metrics.get(&Metric::E2eLatency);
    if let Some(unanswered) = unanswered.and_then(Waits::unanswered) {
        head(
            text,
            "voicesim_unanswered_total",
            "counter",
            "Turns that should have been answered and were not, by reason.",
        );
        for (reason, count) in &unanswered.reasons {
            let reason = reason.name();
            let _ = writeln!(
                text,
                "voicesim_unanswered_total{{{run},reason=\"{reason}\"}} {count}"
            );
        }
    }
}

fn counts(text: &mut String, run: &str, measured: &Measurement) {
    let of = &measured.interruptions;
    for (family, help, count) in [
        (
            "voicesim_barge_ins_total",
            "Turns that asked the agent to stop.",
            of.barge_ins,
        ),
        (
            "voicesim_false_barge_ins_total",
            "Sounds to be ignored that the agent stopped for.",
            of.false_barge_ins,
        ),
        (
            "voicesim_missed_barge_ins_total",
            "Turns that asked to stop and were not stopped for.",
            of.missed_barge_ins,
        ),
        (
            "voicesim_cut_offs_total",
            "Questions that were cut off in the middle.",
            of.cut_offs,
        ),
        (
            "voicesim_voided_commits_total",
            "Questions in the middle of which an endpoint was committed, and taken back unheard.",
            of.voided_commits,
        ),
        (
            "voicesim_failed_turns_total",
            "Turns that failed because an engine did.",
            of.failed_turns,
        ),
    ] {
        head(text, family, "counter", help);
        let _ = writeln!(text, "{family}{{{run}}} {count}");
    }
    if measured.doubtful.count() > 0 {
        let family = "voicesim_doubtful_turns";
        head(
            text,
            family,
            "gauge",
            "Answered turns whose latency may be another one; in no histogram here.",
        );
        for (doubt, count) in &measured.doubtful.reasons {
            let _ = writeln!(text, "{family}{{{run},doubt=\"{}\"}} {count}", doubt.name());
        }
    }
    if !measured.budgets.is_empty() {
        head(
            text,
            "voicesim_budget_pass",
            "gauge",
            "Whether a budget is kept.",
        );
        for budget in &measured.budgets {
            let name = escaped(&budget.name);
            let _ = writeln!(
                text,
                "voicesim_budget_pass{{{run},budget=\"{name}\"}} {}",
                u8::from(budget.pass)
            );
        }
    }
}

/// A value of a label.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Reason;

    #[test]
    fn buckets_add_up_and_what_was_not_answered_lies_in_the_last() {
        let mut measured = Measurement::of_nothing();
        let waits = measured.metrics.entry(Metric::E2eLatency).or_default();
        for ms in [90, 110, 480, 990, 2_400] {
            waits.came(ms * 1_000_000);
        }
        waits.in_vain(Some(4_000_000_000), Reason::NothingCame);
        let text = text("a \"run\"", &measured);
        let bucket = |le: &str| {
            let line = format!(
                "voicesim_e2e_latency_seconds_bucket{{run=\"a \\\"run\\\"\",le=\"{le}\"}} "
            );
            let found = text.lines().find_map(|own| own.strip_prefix(&line));
            found
                .unwrap_or_else(|| panic!("no {line} in {text}"))
                .to_owned()
        };
        assert_eq!(bucket("0.1"), "1");
        assert_eq!(bucket("0.5"), "3");
        assert_eq!(bucket("1"), "4");
        assert_eq!(bucket("60"), "5");
        assert_eq!(
            bucket("+Inf"),
            "6",
            "the turn without an answer is slower than all"
        );
        assert!(text.contains(
            "voicesim_unanswered_total{run=\"a \\\"run\\\"\",reason=\"nothing_came\"} 1"
        ));
    }
}
