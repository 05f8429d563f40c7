//! What costs the most callers: the hop in which most questions wait in vain, the setting by which most turns come out
//! wrong, or the segment in which most of the questions without an answer lie.

use super::segments::at_least;
use super::{Measurement, Row, Waits};
use crate::event::{Expect, Hop, Metric};
use crate::record::store::{Costliest, CostlyPart};
use crate::scenario::TurnTable;
use std::collections::BTreeMap;

/// A segment costs the most if so large a share of all questions without an answer lie in it, …
const MOST: f64 = 2.0 / 3.0;
/// … and chance would put so many there in less than one of twenty reports.
const SIGNIFICANCE: f64 = 0.05;

/// What is lost where, and of how many.
type Lost = (CostlyPart, u64, u64);

/// What costs the most callers; `None` if no turn came out wrong. Segments are those of `turns`, which the rows are of if
/// there are any.
pub fn costliest(measured: &Measurement, turns: &[TurnTable]) -> Option<Costliest> {
    let asked = measured.metrics.get(&Metric::E2eLatency);
    let asked = asked.map_or(0, Waits::count);
    let wrong = &measured.interruptions;
    let cut_offs = u64::from(wrong.cut_offs);
    let misjudged = u64::from(wrong.false_barge_ins) + u64::from(wrong.missed_barge_ins);
    let over_agent = wrong.asked(Expect::Stop) + wrong.asked(Expect::Ignore);
    let in_vain = |hop: Hop| {
        let unanswered = measured.hops.get(&hop)?.unanswered()?;
        let hop = hop.name().to_owned();
        Some((CostlyPart::Hop { hop }, unanswered.count, asked))
    };
    let mut all: Vec<Lost> = Hop::ALL.into_iter().filter_map(in_vain).collect();
    all.push((CostlyPart::Endpointing, cut_offs, asked + cut_offs));
    all.push((CostlyPart::Interruption, misjudged, over_agent));
    // The first one is told if two cost as many: the order is stable.
    all.sort_by_key(|(_, lost, _)| std::cmp::Reverse(*lost));
    let most = all.into_iter().find(|(_, lost, _)| *lost > 0)?;
    let (what, lost, of) = match (&most.0, segment(&measured.rows, turns)) {
        (CostlyPart::Hop { .. }, Some(segment)) => segment,
        _ => most,
    };
    Some(Costliest {
        schema: Costliest::SCHEMA.into(),
        what,
        lost,
        of,
    })
}

/// The segment in which most of the questions without an answer lie, if one has them beyond chance.
fn segment(rows: &[Row], turns: &[TurnTable]) -> Option<Lost> {
    let mut segments: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    let (mut all, mut all_lost) = (0, 0);
    for row in rows {
        let lost = u64::from(row.unanswered.is_some());
        if lost == 0 && row.e2e_ns.is_none() {
            continue;
        }
        all += 1;
        all_lost += lost;
        let turn = turns.get((row.number as usize).wrapping_sub(1));
        for (by, name) in turn.iter().flat_map(|turn| &turn.labels) {
            let (of, in_it) = segments.entry((by.as_str(), name.as_str())).or_default();
            *of += 1;
            *in_it += lost;
        }
    }
    let count = segments.len() as f64;
    let chance = |lost: u64, of: u64| at_least(lost as f64, of as f64, all_lost as f64, all as f64);
    let mut standing_out: Vec<_> = segments
        .into_iter()
        .filter(|(_, (of, lost))| {
            let is_most = *lost as f64 >= MOST * all_lost as f64;
            is_most && *of < all && count * chance(*lost, *of) < SIGNIFICANCE
        })
        .collect();
    standing_out.sort_by_key(|(_, (of, lost))| (std::cmp::Reverse(*lost), *of));
    let ((by, name), (of, lost)) = standing_out.into_iter().next()?;
    let (by, name) = (by.to_owned(), name.to_owned());
    Some((CostlyPart::Segment { by, name }, lost, of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::test_rows::row;
    use crate::measure::{Outcome, Reason};

    /// Questions of two topics, of which so many of each are not answered.
    fn asked(hours: (u32, u32), prices: (u32, u32)) -> (Vec<Row>, Vec<TurnTable>) {
        let (mut rows, mut turns) = (Vec::new(), Vec::new());
        for (topic, (lost, of)) in [("hours", hours), ("prices", prices)] {
            for index in 0..of {
                let number = rows.len() as u32 + 1;
                let mut one = row(number, Outcome::Answered);
                one.e2e_ns = Some(1);
                if index < lost {
                    one.e2e_ns = None;
                    one.unanswered = Some(Reason::HungUp);
                }
                rows.push(one);
                turns.push(TurnTable {
                    labels: BTreeMap::from([("topic".to_owned(), topic.to_owned())]),
                    ..TurnTable::default()
                });
            }
        }
        (rows, turns)
    }

    #[test]
    fn a_segment_that_has_most_of_the_lost_questions_is_named() {
        let (rows, turns) = asked((1, 20), (9, 20));
        let (what, lost, of) = segment(&rows, &turns).expect("prices");
        let (by, name) = ("topic".to_owned(), "prices".to_owned());
        assert_eq!(what, CostlyPart::Segment { by, name });
        assert_eq!((lost, of), (9, 20));
        let (rows, turns) = asked((5, 20), (6, 20));
        assert_eq!(segment(&rows, &turns), None);
        let (rows, turns) = asked((0, 20), (0, 20));
        assert_eq!(segment(&rows, &turns), None);
    }

    #[test]
    fn where_nothing_is_lost_nothing_is_named() {
        assert_eq!(costliest(&Measurement::of_nothing(), &[]), None);
    }
}
