//! The design of the tests: what is taken for independent, and into which columns it goes.

use super::columns::{Desk, join};
use super::conversation::conversations as read;
use super::pairs::Matched;
use super::quantity::E2E;
use super::tally::Tally;
use super::{Independent, Pairing, WouldTell};
use crate::measure::folder::{Folder, Results};
use crate::measure::turns::TurnsError;

/// Columns of the smaller side: groups of conversations tell as much as the conversations, and fit.
const COLUMNS: u64 = 250;

/// The most columns of the larger side; what is beyond them is in the figures, and in no test.
pub(super) const COLUMNS_MAX: usize = 500;

/// Fewer pairs of conversations than this can never differ by the odds of their swaps: of seven there are 128
/// swaps, and the two that are all alike have a probability of 0.016, which is small enough for three figures.
const PAIRS_MIN: u64 = 7;

/// Fewer pairs than this can never differ by the odds of their swaps, not even in one figure: of six there are 64,
/// and the two that are all alike have a probability of 0.031.
const PAIRS_OF_ONE_FIGURE_MIN: u64 = 6;

/// The number of turns from which on a difference as large as their spread is told from chance.
const TURNS_THAT_TELL: u64 = 12;

/// Fewer ways than this to deal conversations to the sides are too few for a verdict.
const DEALS_MIN: u64 = 200;

/// The results of one side that take part; if sides are paired, in the order of the pairs.
#[derive(Debug, Clone)]
pub(super) struct SideResults<'a> {
    pub all: Vec<&'a Results>,
}

impl<'a> SideResults<'a> {
    pub(super) fn both(folders: [&'a Folder; 2], matched: &Matched) -> [SideResults<'a>; 2] {
        [0, 1].map(|side| {
            let all = folders[side].all();
            let all = match matched {
                Matched::By { pairs, .. } => pairs.iter().map(|pair| &all[pair[side]]).collect(),
                Matched::Not { .. } => all.iter().collect(),
            };
            SideResults { all }
        })
    }

    fn size(&self) -> Size {
        let measured = self.all.iter().map(|kept| kept.measured());
        Size {
            conversations: self.all.iter().map(|kept| conversations(kept)).sum(),
            turns: measured.map(|measured| measured.turns).sum(),
        }
    }
}

/// How many conversations, or worlds of a load, there are: what chance decides on one by one.
pub(super) fn conversations(kept: &Results) -> u64 {
    match kept {
        Results::Run(_) => 1,
        Results::Simulation(simulation) => simulation.totals.worlds(),
    }
}

/// How much a side holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub conversations: u64,
    pub turns: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Design {
    pub independent: Independent,
    pub is_paired: bool,
    pub sizes: [Size; 2],
    /// How many conversations, or turns, go into a column.
    pub per_column: u64,
}

impl Design {
    pub(super) fn of(sources: &[SideResults; 2], matched: &Matched) -> Design {
        let is_paired = matches!(matched, Matched::By { .. });
        let [base, new] = sources;
        Design::new([base.size(), new.size()], is_paired)
    }

    pub(super) fn new(sizes: [Size; 2], is_paired: bool) -> Design {
        let [base, new] = sizes;
        let fewest = base.conversations.min(new.conversations);
        let is_enough = match is_paired {
            true => fewest >= PAIRS_MIN,
            false => ways_to_deal(base.conversations, new.conversations) >= DEALS_MIN,
        };
        let independent = match (fewest, is_enough) {
            (0 | 1, _) => Independent::Turns,
            (_, true) => Independent::Conversations,
            (_, false) => Independent::FewConversations,
        };
        let smaller = match independent {
            Independent::Conversations => fewest,
            _ => base.turns.min(new.turns),
        };
        Design {
            independent,
            is_paired,
            sizes,
            per_column: smaller.div_ceil(COLUMNS).max(1),
        }
    }

    /// Reads both sides into columns.
    pub(super) fn tally(&self, [base, new]: &[SideResults; 2]) -> Result<Tally, TurnsError> {
        let mut desk = Desk::new(self);
        if self.is_paired {
            for (base, new) in base.all.iter().zip(&new.all) {
                join(read(base)?, read(new)?, |pair| desk.pair(pair))?;
            }
        } else {
            for (side, source) in [base, new].into_iter().enumerate() {
                for kept in &source.all {
                    for conversation in read(kept)? {
                        desk.alone(side, &conversation?);
                    }
                }
            }
        }
        Ok(desk.filling.finish())
    }

    /// Whether the odds of any difference, however large, are too good for a verdict.
    pub(super) fn is_too_little(&self, pairing: &Pairing, answered: [u64; 2]) -> bool {
        match (self.independent, self.is_paired) {
            (Independent::Conversations, _) => false,
            (_, true) => pairing.turns < PAIRS_OF_ONE_FIGURE_MIN,
            (_, false) => ways_to_deal(answered[0], answered[1]) < DEALS_MIN,
        }
    }

    /// How many turns would show which difference: a dozen, or twice as many as there are. Of the mean, with the
    /// spread that these turns have and a power of four in five (Chow and others 2008, "Sample Size Calculations in
    /// Clinical Research", 3.1 and 3.2). `None` if there are too few turns for a spread.
    pub(super) fn would_tell(&self, tally: &Tally) -> Option<WouldTell> {
        /// The sum of the quantiles 0.975 and 0.8 of a normal distribution.
        const QUANTILES: f64 = 1.96 + 0.842;
        let spans = tally.spans[E2E].as_ref()?;
        let [base, new] = [0, 1].map(|side| spans.column_means(side));
        let (values, sides) = match self.is_paired {
            true => {
                let pairs = base.iter().zip(&new);
                let differences = pairs.filter_map(|(base, new)| Some((*new)? - (*base)?));
                (differences.collect::<Vec<f64>>(), 1.0)
            }
            false => (base.iter().flatten().copied().collect(), 2.0),
        };
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let spread = libm::sqrt(squares / (count.checked_sub(1).filter(|rest| *rest > 0)? as f64));
        let wanted = (2 * count as u64).max(TURNS_THAT_TELL);
        Some(WouldTell {
            more_turns: wanted - count as u64,
            difference_ms: QUANTILES * spread * libm::sqrt(sides / wanted as f64),
        })
    }

    /// Whether so few pairs of turns are compared that a correction for all figures would hide any difference: the
    /// headline's are looked at one after the other instead.
    pub(super) fn is_by_sequence(&self, pairs: u64) -> bool {
        let is_few = (PAIRS_OF_ONE_FIGURE_MIN..PAIRS_MIN).contains(&pairs);
        self.is_paired && self.independent != Independent::Conversations && is_few
    }

    /// Sentences about what limits the tests.
    pub(super) fn warnings(&self) -> Vec<String> {
        let [base, new] = self.sizes.map(|size| size.conversations);
        let mut warnings = Vec::new();
        match (self.independent, self.is_paired) {
            (Independent::Turns, _) => warnings.push(
                "one side is a single conversation, so turns are taken for independent of each other; several conversations on each side would tell more".into(),
            ),
            (Independent::FewConversations, true) => warnings.push(format!(
                "{base} pairs of conversations are few: only large differences can be told from chance; {PAIRS_MIN} or more would tell more"
            )),
            (Independent::FewConversations, false) => warnings.push(format!(
                "{base} against {new} conversations are few: only large differences can be told from chance; 5 or more on each side would tell more"
            )),
            (Independent::Conversations, _) => {}
        }
        if self.is_paired && base != new {
            warnings.push(format!(
                "{base} conversations against {new}: some have no partner"
            ));
        }
        let smaller = base.min(new);
        let seen = self.per_column.saturating_mul(COLUMNS_MAX as u64);
        if self.independent == Independent::Conversations && base.max(new) > seen {
            warnings.push(format!(
                "tests and intervals look at {seen} conversations of the larger side: with {smaller} on the other one more would tell little"
            ));
        }
        warnings
    }
}

/// The ways to deal `base` and `new` conversations to two sides: a binomial coefficient, up to some thousands.
fn ways_to_deal(base: u64, new: u64) -> u64 {
    let mut ways = 1;
    for drawn in 1..=base.min(new) {
        ways = ways * (base.max(new) + drawn) / drawn;
        if ways > 1_000_000 {
            break;
        }
    }
    ways
}

impl Pairing {
    pub(super) fn of(matched: &Matched) -> Pairing {
        let (is_paired, why, left_out) = match matched {
            Matched::By { why, left_out, .. } => (true, why.clone(), left_out.clone()),
            Matched::Not { why } => (false, why.clone(), Vec::new()),
        };
        Pairing {
            is_paired,
            why,
            turns: 0,
            only_base: 0,
            only_new: 0,
            left_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(base: u64, new: u64, is_paired: bool) -> Design {
        let size = |conversations| Size {
            conversations,
            turns: conversations * 8,
        };
        Design::new([size(base), size(new)], is_paired)
    }

    #[test]
    fn conversations_are_shuffled_where_there_are_enough() {
        for (base, new, is_paired, independent) in [
            (1, 1, true, Independent::Turns),
            (1, 40, false, Independent::Turns),
            (6, 6, true, Independent::FewConversations),
            (7, 7, true, Independent::Conversations),
            (3, 3, false, Independent::FewConversations),
            (4, 5, false, Independent::FewConversations),
            (5, 5, false, Independent::Conversations),
            (2, 30, false, Independent::Conversations),
        ] {
            let own = design(base, new, is_paired).independent;
            assert_eq!(own, independent, "{base} against {new}");
        }
    }

    #[test]
    fn a_large_side_is_grouped_like_the_small_one() {
        assert_eq!(design(1_000_000, 1_000_000, true).per_column, 4_000);
        assert_eq!(design(1_000_000, 100, false).per_column, 1);
        let warnings = design(1_000_000, 100, false).warnings();
        assert!(warnings[0].contains("500 conversations"), "{warnings:?}");
    }
}
