//! One turn: what was said, what was decided, and where its time went.

use super::waterfall::waterfall;
use crate::event::{EndpointDecision, Expect, Metric, Verdict};
use crate::files::plain;
use crate::measure::{Decided, Row, ms};
use crate::report::clock_time;
use std::fmt::Write;

/// Adds a turn; the longest one fills the axis of time.
pub(super) fn turn(text: &mut String, row: &Row, longest_ns: u64) {
    let asked = match row.expect {
        Some(Expect::Respond) | None => "",
        Some(Expect::Stop) if row.is_judged => " (an interruption)",
        Some(Expect::Ignore) if row.is_judged => " (nothing to stop for or to answer)",
        Some(Expect::Stop) => " (asked to stop)",
        Some(Expect::Ignore) => " (asked to go on)",
    };
    let outcome = row.outcome.name();
    let _ = write!(text, "\n{:>3}  ", row.number);
    if let Some(at) = row.began.or(row.caller_end) {
        let _ = write!(text, "{}  ", clock_time(at));
    }
    let _ = write!(text, "{outcome}{asked}");
    if let Some(e2e) = row.e2e_ns {
        let _ = write!(text, ", {:.1} ms", ms(e2e));
    }
    if let Some(stop) = row.metric(Metric::BargeInStop) {
        let _ = write!(text, ", silent after {:.1} ms", ms(stop));
    }
    text.push('\n');
    if let Some(doubt) = row.doubtful {
        let _ = writeln!(text, "     DOUBTFUL: {}", doubt.told());
    }
    let _ = writeln!(text, "     heard  {}", quoted(&row.heard));
    if !row.said.is_empty() {
        let _ = writeln!(text, "     said   {}", quoted(&row.said));
    }
    if let Some(failure) = &row.failure {
        let _ = writeln!(text, "     failed {}", plain(failure));
    }
    for remark in row.remarks.iter() {
        let _ = writeln!(text, "     note   {}", remark.told());
    }
    if let Some(endpoint) = &row.endpoint {
        let _ = writeln!(text, "     ended  by {}", ended(endpoint));
    }
    if let Some(decided) = &row.decided {
        let who = if row.is_judged {
            "the classifier would say"
        } else {
            "decided"
        };
        let _ = writeln!(text, "     {who} {}", decision(decided));
    }
    waterfall(text, row, longest_ns);
    if row.slices.is_empty() {
        lengths(text, row);
    }
}

/// The parts of a turn where nobody knows how they lie: a log of lengths, or parts that overlap.
fn lengths(text: &mut String, row: &Row) {
    for (hop, span_ns) in row.hops.iter() {
        let _ = writeln!(text, "     {:<20} {:.1} ms", hop.name(), ms(span_ns));
    }
    let sum = row.hops.sum();
    match row.e2e_ns {
        Some(e2e) if sum > e2e => {
            let over = ms(sum - e2e);
            let _ = writeln!(
                text,
                "     These are {over:.1} ms longer than the whole: some of them overlap."
            );
        }
        None if sum > 0 => text.push_str("     No latency of the whole is known.\n"),
        _ => {}
    }
}

/// What the endpointing policy took for the end of the turn, and why.
fn ended(endpoint: &EndpointDecision) -> String {
    let mut text = endpoint.policy.clone();
    if let Some(probability) = endpoint.probability {
        let _ = write!(text, ", p {probability:.2}");
    }
    if !endpoint.reasons.is_empty() {
        let _ = write!(text, ": {}", plain(&endpoint.reasons.join(" · ")));
    }
    text
}

/// What the policy made of a sound over the agent, and why.
fn decision(decided: &Decided) -> String {
    let verdict = match decided.verdict {
        Verdict::Stop => "stop",
        Verdict::Unsure => "unsure to the end",
        Verdict::KeepTalking => "go on",
    };
    let after = ms(decided.after_ns);
    let mut text = format!("{verdict}, after {after:.0} ms");
    if let Some(probability) = decided.probability {
        let _ = write!(text, ", p {probability:.2}");
    }
    if !decided.reasons.is_empty() {
        let _ = write!(text, ": {}", decided.reasons.join(" · "));
    }
    text
}

/// Text of others, as one line without control characters.
fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "(nothing)".to_owned();
    }
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("“{}”", plain.trim())
}
