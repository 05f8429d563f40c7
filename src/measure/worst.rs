//! The worst moments of a conversation: what somebody would want to hear of it.

use super::Row;
use crate::event::Tick;
use std::ops::Range;
use std::time::Duration;

/// How many turns are heard at most.
const TURNS_MAX: usize = 10;

/// A conversation up to this long is heard whole; of a longer one no more than this is.
const WHOLE: Duration = Duration::from_secs(180);

/// How much is heard of the caller before the wait, and of the agent behind it.
const BEFORE: Duration = Duration::from_secs(5);
const BEHIND: Duration = Duration::from_secs(3);

/// How much is heard of one turn at most.
const TURN_MAX: Duration = Duration::from_secs(30);

/// The stretches of a conversation of this length that hold its worst turns, in order and apart from each other: turns
/// that came out otherwise than expected first, and of these the slowest. They are three minutes at most; a shorter
/// conversation is one stretch.
pub fn worst(rows: &[Row], length: Tick) -> Vec<Range<Tick>> {
    if length == Tick::ZERO {
        return Vec::new();
    }
    if length.since(Tick::ZERO) <= WHOLE {
        return vec![Tick::ZERO..length];
    }
    let mut turns: Vec<&Row> = rows.iter().collect();
    turns.sort_by_key(|row| row.worst_first());
    let mut left = WHOLE;
    let mut spans: Vec<Range<Tick>> = Vec::new();
    for row in turns.into_iter().take(TURNS_MAX) {
        let Some(span) = around(row, length) else {
            continue;
        };
        let span_length = span.end.since(span.start);
        if span_length > left {
            break;
        }
        left -= span_length;
        spans.push(span);
    }
    joined(spans)
}

/// What is to be heard of a turn; `None` if the record does not tell when it was.
fn around(row: &Row, length: Tick) -> Option<Range<Tick>> {
    let asked = row.caller_end.or(row.began)?;
    let start = asked.before(BEFORE);
    let end = row.agent_start.unwrap_or(asked) + BEHIND;
    let end = end.min(start + TURN_MAX).min(length);
    (start < end).then_some(start..end)
}

/// Stretches in order, those that meet joined.
fn joined(mut spans: Vec<Range<Tick>>) -> Vec<Range<Tick>> {
    spans.sort_by_key(|span| span.start);
    let mut joined: Vec<Range<Tick>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::folder::Results;
    use std::path::Path;

    /// Turns of ten seconds each, of these latencies.
    fn rows(e2e_ms: &[u64]) -> Vec<Row> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        let Results::Run(run) = Results::open(&folder).expect("a run") else {
            panic!("a run");
        };
        let first = run.measured.rows[0].clone();
        let row = |(number, ms): (u32, &u64)| {
            let end = Tick::from_ms(10_000 * u64::from(number));
            Row {
                number,
                caller_end: Some(end),
                agent_start: Some(end + Duration::from_millis(*ms)),
                e2e_ns: Some(ms * 1_000_000),
                ..first.clone()
            }
        };
        (1..).zip(e2e_ms).map(row).collect()
    }

    fn seconds(spans: &[Range<Tick>]) -> Vec<(f64, f64)> {
        let of = |span: &Range<Tick>| (span.start.as_ms() / 1e3, span.end.as_ms() / 1e3);
        spans.iter().map(of).collect()
    }

    #[test]
    fn a_short_conversation_is_heard_whole() {
        let end = Tick::from_ms(179_000);
        assert_eq!(worst(&rows(&[500, 900]), end), [Tick::ZERO..end]);
        assert!(worst(&rows(&[500]), Tick::ZERO).is_empty());
    }

    #[test]
    fn of_a_long_one_the_slowest_turns_are_heard_in_order() {
        let mut latencies = vec![500; 60];
        (latencies[3], latencies[40], latencies[41]) = (4_000, 3_000, 6_000);
        let spans = worst(&rows(&latencies), Tick::from_ms(610_000));
        let heard = seconds(&spans);
        let is_heard = |from: f64, to: f64| heard.iter().any(|span| span.0 <= from && to <= span.1);
        assert!(is_heard(35.0, 47.0), "{heard:?}");
        // The one reaches into the other.
        assert!(heard.contains(&(405.0, 429.0)), "{heard:?}");
        let total: f64 = heard.iter().map(|(from, to)| to - from).sum();
        assert!(total <= 180.0 && spans.is_sorted_by_key(|span| span.start));
    }

    #[test]
    fn what_went_wrong_comes_before_what_was_slow() {
        let mut rows = rows(&[5_000; 60]);
        rows[50].outcome = crate::measure::Outcome::Missed;
        rows[50].expect = Some(crate::event::Expect::Respond);
        (rows[50].e2e_ns, rows[50].agent_start) = (None, None);
        let heard = seconds(&worst(&rows, Tick::from_ms(610_000)));
        assert!(heard.contains(&(505.0, 513.0)), "{heard:?}");
    }
}
