//! What is claimed beside what was heard, for people; in JSON it is the key `claimed` of the report:
//!
//! ```json
//! "claimed": {
//!   "source": "claims.csv", "join_within_ms": 2000.0, "of_other_calls": 0,
//!   "platforms": [{
//!     "platform": "a", "calls": 30, "claims": 118, "is_by_order": false,
//!     "columns": [{
//!       "column": "e2e_ms", "joined": 116, "calls": 30, "claimed_p50_ms": 640.0, "heard_p50_ms": 1130.0,
//!       "claimed_p95_ms": 1020.0, "heard_p95_ms": 1540.0, "bias_ms": 488.0,
//!       "bias_interval": { "low": 471.0, "high": 503.0 }, "independent": "calls",
//!       "difference_p5_ms": 402.0, "difference_p95_ms": 573.0
//!     }],
//!     "turns_unclaimed": { "count": 4, "shown": [{ "call", "turn", "agent_start_s", "heard_ms" }] },
//!     "claims_unheard": { "count": 1, "shown": [{ "line", "call", "turn", "at_s", "claimed_ms", "why" }] },
//!     "doubtful": { "count": 0, "shown": [{ the same }] },
//!     "unanswered": { "count": 1, "shown": [{ the same }] }
//!   }],
//!   "calls_unclaimed": { "count": 0, "shown": [{ "call", "answered" }] }
//! }
//! ```
//!
//! `bias_ms` is the median of what was heard less what is claimed. Figures of a column that was joined with nothing are
//! null.

use super::several;
use super::table::{plain, trimmed};
use crate::compare::claims::{Claimed, ClaimedColumn, ClaimedPlatform, Independent, UnheardClaim};
use std::fmt::Write;

/// Beginnings and ends are known this well from a recording in quiet: a smaller bias says nothing of a claim.
const KNOWN_MS: f64 = 10.0;
/// How many of each list are shown here; JSON has more of them.
const LINES_MAX: usize = 10;

/// A sentence for each latency that is claimed, a table, and what could not be joined.
pub fn text(of: &Claimed) -> String {
    let mut text = format!("\nClaimed in {}, and heard\n", one_line(&of.source));
    for platform in &of.platforms {
        for column in &platform.columns {
            let _ = writeln!(text, "  {}", sentence(platform, column));
        }
    }
    let _ = writeln!(text, "\n{}\n", table(of));
    text += "Bias is the median of what is heard less what is claimed; the spread runs from the 5th to the 95th percentile of these differences.\n";
    let is_of_turns = of.platforms.iter().flat_map(|of| &of.columns);
    if is_of_turns
        .clone()
        .any(|column| column.bias_interval.is_some() && column.independent == Independent::Turns)
    {
        text +=
            "With fewer than six calls the interval takes turns for independent of each other.\n";
    }
    for platform in &of.platforms {
        lists(&mut text, platform);
    }
    let unclaimed = &of.calls_unclaimed;
    if unclaimed.count > 0 {
        let shown = unclaimed.shown.iter().take(LINES_MAX);
        let shown: Vec<String> = shown
            .map(|call| {
                format!(
                    "{} ({} answered turns)",
                    one_line(&call.call),
                    call.answered
                )
            })
            .collect();
        let more = more(unclaimed.more(LINES_MAX));
        let _ = writeln!(
            text,
            "Calls that no claim is of: {}: {}{more}",
            unclaimed.count,
            shown.join(", ")
        );
    }
    if of.of_other_calls > 0 {
        let _ = writeln!(
            text,
            "{} claims are of other calls than this one.",
            of.of_other_calls
        );
    }
    text
}

/// What a column comes to, in a sentence.
fn sentence(platform: &ClaimedPlatform, column: &ClaimedColumn) -> String {
    let name = match &platform.platform {
        Some(platform) => format!("{}: {}", one_line(platform), column.column),
        None => column.column.to_string(),
    };
    let Some(bias_ms) = column.bias_ms else {
        return format!("{name} belongs to no answered turn.");
    };
    let of = format!(
        "{} in {}",
        several(column.joined, "turn"),
        several(column.calls, "call")
    );
    let Some(interval) = column.bias_interval else {
        return format!(
            "{name} is {} (of {of}: too few to say how sure that is).",
            off(bias_ms)
        );
    };
    let ends = format!("95 %: {} to {}", whole(interval.low), whole(interval.high));
    if bias_ms.abs() < KNOWN_MS {
        return format!(
            "{name} agrees with what is heard (bias {} ms, {ends}; {of}).",
            whole(bias_ms)
        );
    }
    match interval.low <= 0.0 && 0.0 <= interval.high {
        true => format!(
            "{name} is {}, which may be chance ({ends}; {of}).",
            off(bias_ms)
        ),
        false => format!("{name} is {} ({ends}; {of}).", off(bias_ms)),
    }
}

/// A whole number, without a sign in front of nothing.
fn whole(value: f64) -> String {
    let text = format!("{value:.0}");
    match text.as_str() {
        "-0" => "0".to_owned(),
        _ => text,
    }
}

fn off(bias_ms: f64) -> String {
    match bias_ms >= 0.0 {
        true => format!("{bias_ms:.0} ms less than is heard"),
        false => format!("{:.0} ms more than is heard", -bias_ms),
    }
}

fn table(of: &Claimed) -> String {
    let has_names = of.platforms.iter().any(|of| of.platform.is_some());
    let mut header = vec![
        "claimed",
        "turns",
        "calls",
        "claimed p50, ms",
        "heard p50",
        "claimed p95",
        "heard p95",
        "bias",
        "95 % interval",
        "spread",
    ];
    if has_names {
        header.insert(0, "platform");
    }
    let mut table = plain(&header);
    for platform in &of.platforms {
        for column in &platform.columns {
            let mut row = cells(column);
            if has_names {
                let name = platform.platform.as_deref().unwrap_or("-");
                row.insert(0, one_line(name));
            }
            table.add_row(row);
        }
    }
    trimmed(&table)
}

fn cells(column: &ClaimedColumn) -> Vec<String> {
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), whole);
    let between = |ends: Option<(f64, f64)>| {
        ends.map_or_else(
            || "-".to_owned(),
            |(low, high)| format!("{} to {}", whole(low), whole(high)),
        )
    };
    vec![
        one_line(&column.column),
        column.joined.to_string(),
        column.calls.to_string(),
        ms(column.claimed_p50_ms),
        ms(column.heard_p50_ms),
        ms(column.claimed_p95_ms),
        ms(column.heard_p95_ms),
        ms(column.bias_ms),
        between(column.bias_interval.map(|ends| (ends.low, ends.high))),
        between(column.difference_p5_ms.zip(column.difference_p95_ms)),
    ]
}

/// What could not be joined, the first of each kind.
fn lists(text: &mut String, of: &ClaimedPlatform) {
    let whose = match &of.platform {
        Some(name) => format!(" ({})", one_line(name)),
        None => String::new(),
    };
    if of.is_by_order {
        let _ = writeln!(
            text,
            "Joined by the order of answers where times do not fit: the record's clock is not the recording's{whose}."
        );
    }
    let turns = &of.turns_unclaimed;
    if turns.count > 0 {
        let _ = writeln!(
            text,
            "Answered turns that no claim is of{whose}: {}",
            turns.count
        );
        for turn in turns.shown.iter().take(LINES_MAX) {
            let at = turn.agent_start_s.unwrap_or_default();
            let _ = writeln!(
                text,
                "  {} turn {}: answered at {at:.1} s, after {:.0} ms",
                one_line(&turn.call),
                turn.turn,
                turn.heard_ms
            );
        }
        rest(text, turns.more(LINES_MAX));
    }
    for (what, claims) in [
        ("Claims that belong to no turn", &of.claims_unheard),
        ("Claims of doubtful turns, left out", &of.doubtful),
        ("Claims of turns that were never answered", &of.unanswered),
    ] {
        if claims.count > 0 {
            let _ = writeln!(text, "{what}{whose}: {}", claims.count);
            for claim in claims.shown.iter().take(LINES_MAX) {
                let _ = writeln!(text, "  {}", claim_line(claim));
            }
            rest(text, claims.more(LINES_MAX));
        }
    }
}

fn claim_line(claim: &UnheardClaim) -> String {
    let mut line = format!("line {}", claim.line);
    if let Some(call) = &claim.call {
        let _ = write!(line, ", {}", one_line(call));
    }
    if let Some(turn) = claim.turn {
        let _ = write!(line, " turn {turn}");
    }
    if let Some(at_s) = claim.at_s {
        let _ = write!(line, " at {at_s:.1} s");
    }
    if let Some(claimed_ms) = claim.claimed_ms {
        let _ = write!(line, ", {claimed_ms:.0} ms");
    }
    format!("{line}: {}", one_line(&claim.why))
}

fn rest(text: &mut String, more: u64) {
    if more > 0 {
        let _ = writeln!(text, "  and {more} more (--json has more of them)");
    }
}

fn more(more: u64) -> String {
    match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    }
}

/// Names of others keep to their line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
