//! One turn in a page: what was said, how it came out, and where its time went.

use super::course::Moments;
use super::page::{Part, Svg};
use super::words::{self, Said};
use crate::event::{Doubt, Metric, Remark, Tick};
use crate::files::plain;
use crate::measure::{Row, ms};
use crate::report::chart::{Lane, Loudness, Panel, ms_in_words};
use crate::report::clock_time;
use askama::Template;
use askama::filters::Safe;
use std::ops::Range;

/// Hops shorter than this are not drawn, as in the report for the terminal: half a millisecond.
const WORTH_A_LANE_NS: u64 = 500_000;

/// How much a panel shows beyond the longest wait: a quarter of a second.
const BEYOND_NS: u64 = 250_000_000;

#[derive(Template)]
#[template(path = "turn.html", config = "src/report/html/askama.toml")]
pub(super) struct Turn {
    anchor: String,
    number: u32,
    /// When the caller began to speak.
    at: Option<String>,
    outcome: &'static str,
    /// Why its latency may be another one.
    doubtful: Option<&'static str>,
    /// Whether the outcome is the expected one: `kept`, `missed`, or nothing if none was expected.
    class: &'static str,
    asked: Option<&'static str>,
    is_again: bool,
    latency: Option<String>,
    heard: Said,
    said: Option<Said>,
    ended: Option<String>,
    decided: Option<String>,
    /// Why an engine failed.
    failure: Option<String>,
    /// What was odd about the answer.
    remarks: Vec<&'static str>,
    panel: Option<Svg>,
    /// What a reader should know of the picture's scale, if it is not that of the others.
    scale: Option<String>,
    times: Option<Times>,
}

/// The spans of a turn and of its panel, in seconds of the conversation, as text.
struct Times {
    start_s: String,
    end_s: String,
    from_s: String,
    to_s: String,
}

/// What turns of one page have in common.
pub(super) struct Around<'a> {
    /// What stands before the numbers of turns in anchors.
    pub anchor: &'a str,
    pub loudness: Option<&'a Loudness>,
    /// How much of the time after the caller's end is shown.
    pub after_ns: u64,
    /// Answers that took longer are not shown as good ones.
    pub good_until_ns: u64,
    /// The stretches of the conversation that can be played.
    pub played: &'a [Range<Tick>],
}

/// How much of the time after the caller's end is shown: all of the longest wait, unless it is much longer than the
/// others. Those that are longer than what is shown have a scale of their own.
pub(super) fn after_ns(rows: &[Row]) -> u64 {
    let mut waits: Vec<u64> = rows.iter().filter_map(wait_ns).collect();
    waits.sort_unstable();
    let longest = waits.last().copied().unwrap_or(1_000_000_000);
    let middle = waits.get(waits.len() / 2).copied().unwrap_or(longest);
    let shown = longest.min(middle.saturating_mul(4)).max(300_000_000);
    with_room(shown)
}

/// A wait, and some room behind it for its length.
fn with_room(wait_ns: u64) -> u64 {
    wait_ns
        .saturating_add(wait_ns / 4)
        .saturating_add(BEYOND_NS)
}

/// How long the caller waited: for the answer, for the agent to fall silent, or for what was decided.
pub(super) fn wait_ns(row: &Row) -> Option<u64> {
    row.e2e_ns
        .or_else(|| row.metric(Metric::BargeInStop))
        .or_else(|| Some(row.decided.as_ref()?.after_ns))
}

impl Turn {
    /// The part for a row, with its moments and their end if the run came to it.
    pub(super) fn of(row: &Row, moments: Option<(&Moments, Tick)>, around: &Around) -> Part<Turn> {
        let onset = moments.and_then(|(moments, _)| moments.onset);
        let panel = panel(
            row,
            onset,
            moments.map(|(moments, _)| moments.start),
            around,
        );
        let window = panel.as_ref().map(Panel::window);
        let scale = panel
            .as_ref()
            .filter(|panel| panel.after_ns > around.after_ns)
            .map(|_| "A slow turn, on a scale of its own.".to_owned());
        let times = match (moments, window) {
            (Some((moments, end)), Some((from, to))) => {
                let heard = heard(around.played, moments.start..end, row);
                heard.map(|heard| Times {
                    start_s: seconds(heard.start.0 as f64),
                    end_s: seconds(heard.end.0 as f64),
                    from_s: seconds(from as f64),
                    to_s: seconds(to as f64),
                })
            }
            _ => None,
        };
        let stopped = row
            .metric(Metric::BargeInStop)
            .map(|stop| format!("silent after {}", ms_in_words(ms(stop))));
        Safe(Turn {
            anchor: format!("{}turn-{}", around.anchor, row.number),
            number: row.number,
            at: row.began.or(row.caller_end).map(clock_time),
            outcome: words::outcome(row.outcome),
            doubtful: row.doubtful.map(Doubt::told),
            class: match (
                row.is_judged || row.expect.is_none(),
                row.outcome.is_as_expected(row.expect),
            ) {
                (true, true) => "",
                (false, true) if wait_ns(row).is_some_and(|wait| wait > around.good_until_ns) => "",
                (false, true) => "kept",
                (true, false) if row.is_judged => "",
                (_, false) => "missed",
            },
            asked: words::asked(row),
            is_again: row.is_again,
            latency: row.e2e_ns.map(|e2e| ms_in_words(ms(e2e))).or(stopped),
            heard: Said::of(&row.heard),
            said: (!row.said.is_empty()).then(|| Said::of(&row.said)),
            ended: row.endpoint.as_deref().map(|endpoint| {
                format!(
                    "The turn was taken to have ended by {}.",
                    words::ended(endpoint)
                )
            }),
            decided: row.decided.as_ref().map(|decided| {
                let who = if row.is_judged {
                    "The classifier would say"
                } else {
                    "Decided:"
                };
                format!("{who} {}", words::decided(decided))
            }),
            failure: row.failure.as_deref().map(plain),
            remarks: row.remarks.iter().map(Remark::told).collect(),
            panel: panel.map(|panel| panel.svg(&format!("Turn {}", row.number))),
            scale,
            times,
        })
    }
}

/// What can be heard of a turn: of the stretch in which the caller ends, as much as lies in the turn.
fn heard(played: &[Range<Tick>], turn: Range<Tick>, row: &Row) -> Option<Range<Tick>> {
    let asked = row.caller_end.unwrap_or(turn.start);
    let span = played.iter().find(|span| span.contains(&asked))?;
    let heard = span.start.max(turn.start)..span.end.min(turn.end);
    (heard.start < heard.end).then_some(heard)
}

/// The picture of where the turn's time went; `None` if nothing of it is known.
pub(super) fn panel<'a>(
    row: &Row,
    onset: Option<Tick>,
    start: Option<Tick>,
    around: &Around<'a>,
) -> Option<Panel<'a>> {
    let (zero, lanes) = match (row.e2e_ns, row.caller_end, onset) {
        (Some(e2e), Some(end), _) => (end, lanes(row, end, e2e)),
        (None, _, Some(onset)) => (onset, overlap(row, onset)),
        (_, Some(end), _) => (end, Vec::new()),
        (_, None, _) => (start?, Vec::new()),
    };
    if lanes.is_empty() && around.loudness.is_none() {
        return None;
    }
    let last = lanes.iter().map(|lane| lane.to_ns).max();
    let wait = last.map_or(0, |last| last.saturating_sub(zero.0));
    Some(Panel {
        loudness: around.loudness,
        zero_ns: zero.0,
        after_ns: match wait > around.after_ns {
            true => with_room(wait),
            false => around.after_ns,
        },
        lanes,
    })
}

/// The hops of an answered turn, or its wait as a whole where they are not known.
fn lanes(row: &Row, end: Tick, e2e_ns: u64) -> Vec<Lane> {
    if row.slices.is_empty() {
        let from_end = |name: String, class, span_ns: u64| Lane {
            name,
            class,
            from_ns: end.0,
            to_ns: end.0.saturating_add(span_ns),
        };
        let whole = from_end("e2e_latency".to_owned(), "wait", e2e_ns);
        // Where a log has parts that overlap, nobody knows where they lie.
        let parts = row
            .hops
            .iter()
            .map(|(hop, span)| from_end(format!("{hop}, its length"), hop.name(), span));
        return std::iter::once(whole).chain(parts).collect();
    }
    let drawn = row
        .slices
        .iter()
        .filter(|slice| slice.end.0 - slice.start.0 >= WORTH_A_LANE_NS);
    drawn
        .map(|slice| Lane {
            name: slice.hop.name().to_owned(),
            class: slice.hop.name(),
            from_ns: slice.start.0,
            to_ns: slice.end.0,
        })
        .collect()
}

/// What became of a sound over the agent.
fn overlap(row: &Row, onset: Tick) -> Vec<Lane> {
    let lane = |name: &str, class, span_ns: u64| Lane {
        name: name.to_owned(),
        class,
        from_ns: onset.0,
        to_ns: onset.0.saturating_add(span_ns),
    };
    let decided = row
        .decided
        .as_ref()
        .map(|decided| lane("decided", "decides", decided.after_ns));
    let stopped = row
        .metric(Metric::BargeInStop)
        .map(|stop| lane("agent silent", "wait", stop));
    decided.into_iter().chain(stopped).collect()
}

fn seconds(ns: f64) -> String {
    format!("{:.3}", ns / 1e9)
}
