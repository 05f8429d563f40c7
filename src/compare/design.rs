//! What is taken for independent, and into which columns it goes.

use super::conversation::{Conversation, Conversations, Figures, conversations as read};
use super::pairs::Matched;
use super::tally::{Filling, Tally};
use super::{Independent, Pairing};
use crate::measure::folder::{Folder, Kept};
use crate::measure::turns::TurnsError;

/// Columns of the smaller side: groups of conversations tell as much as the conversations, and fit.
const COLUMNS: u64 = 250;

/// Columns of the larger side; what is beyond them is in the figures, and in no test.
const COLUMNS_MAX: usize = 500;

/// Fewer pairs of conversations than this can never differ by the odds of their swaps: of seven there are 128
/// swaps, and the two that are all alike have a probability of 0.016, which is small enough for three figures.
const PAIRS_MIN: u64 = 7;

/// Fewer ways to deal conversations to the sides than this are too few as well.
const DEALS_MIN: u64 = 200;

/// What takes part of one side; of two that are paired, in the order of their pairs.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    pub all: Vec<&'a Kept>,
}

impl<'a> Source<'a> {
    pub(super) fn both(folders: [&'a Folder; 2], matched: &Matched) -> [Source<'a>; 2] {
        [0, 1].map(|side| {
            let all = folders[side].all();
            let all = match matched {
                Matched::By { pairs, .. } => pairs.iter().map(|pair| &all[pair[side]]).collect(),
                Matched::Not { .. } => all.iter().collect(),
            };
            Source { all }
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

/// Conversations, or worlds of a load: what chance decides on one by one.
pub(super) fn conversations(kept: &Kept) -> u64 {
    match kept {
        Kept::Run(_) => 1,
        Kept::Simulation(simulation) => simulation.totals.worlds(),
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
    /// What goes into a column: so many conversations, or so many turns.
    per_column: u64,
}

impl Design {
    pub(super) fn of(sources: &[Source; 2], matched: &Matched) -> Design {
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

    /// Reads both sides.
    pub(super) fn tally(&self, [base, new]: &[Source; 2]) -> Result<Tally, TurnsError> {
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
            (_, true) => pairing.turns < PAIRS_MIN,
            (_, false) => ways_to_deal(answered[0], answered[1]) < DEALS_MIN,
        }
    }

    /// What is to be known of the tests.
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

/// Both sides of a conversation, in the order of their numbers; one is missing where only the other has it.
fn join(
    base: Conversations,
    new: Conversations,
    mut take: impl FnMut([Option<&Conversation>; 2]),
) -> Result<(), TurnsError> {
    let (mut base, mut new) = (base.peekable(), new.peekable());
    let number = |next: Option<&Result<Conversation, TurnsError>>| match next {
        Some(Ok(conversation)) => Some(conversation.number),
        // It is taken at once.
        Some(Err(_)) => Some(0),
        None => None,
    };
    loop {
        let numbers = (number(base.peek()), number(new.peek()));
        let takes = match numbers {
            (Some(own), Some(other)) => [own <= other, other <= own],
            (own, other) => [own.is_some(), other.is_some()],
        };
        let own = if takes[0] {
            base.next().transpose()?
        } else {
            None
        };
        let other = if takes[1] {
            new.next().transpose()?
        } else {
            None
        };
        if own.is_none() && other.is_none() {
            return Ok(());
        }
        take([own.as_ref(), other.as_ref()]);
    }
}

/// Puts conversations into columns.
pub(super) struct Desk<'a> {
    design: &'a Design,
    pub filling: Filling,
    /// Conversations that came.
    came: [u64; 2],
    /// Columns of turns that are taken.
    taken: [usize; 2],
}

impl Desk<'_> {
    pub(super) fn new(design: &Design) -> Desk<'_> {
        Desk {
            design,
            filling: Filling::new(),
            came: [0; 2],
            taken: [0; 2],
        }
    }

    /// A conversation of one side.
    pub(super) fn alone(&mut self, side: usize, conversation: &Conversation) {
        match self.design.independent {
            Independent::Conversations => {
                let column = self.column(side);
                self.filling.see(side, column);
                for turn in &conversation.turns {
                    self.filling.turn(side, column, turn);
                }
                self.filling.occasions(side, column, conversation);
            }
            _ => {
                let columns = self.columns_of_turns(conversation.turns.len(), &[side]);
                for (nth, turn) in conversation.turns.iter().enumerate() {
                    self.filling.turn(side, columns.at(nth), turn);
                }
            }
        }
        self.came[side] += 1;
    }

    /// A conversation of both.
    pub(super) fn pair(&mut self, pair: [Option<&Conversation>; 2]) {
        let turns = |side: usize| pair[side].map_or(&[][..], |own: &Conversation| &own.turns);
        let both = by_key(turns(0), turns(1));
        match self.design.independent {
            Independent::Conversations => {
                let column = self.column(0);
                for turn in both {
                    self.filling.pair(column, turn);
                }
                for (side, own) in pair.into_iter().enumerate() {
                    self.filling.see(side, column);
                    if let Some(own) = own {
                        self.filling.occasions(side, column, own);
                    }
                }
            }
            _ => {
                let columns = self.columns_of_turns(both.len(), &[0, 1]);
                for (nth, turn) in both.into_iter().enumerate() {
                    self.filling.pair(columns.at(nth), turn);
                }
            }
        }
        self.came.iter_mut().for_each(|came| *came += 1);
    }

    /// The column of the next conversation; `None` if the tests do without it.
    fn column(&self, side: usize) -> Option<usize> {
        let groups = self.design.sizes[side]
            .conversations
            .div_ceil(self.design.per_column);
        let column = usize::try_from(self.came[side] % groups.max(1)).ok()?;
        (column < COLUMNS_MAX).then_some(column)
    }

    /// The columns of a conversation's turns.
    fn columns_of_turns(&mut self, turns: usize, sides: &[usize]) -> ColumnsOfTurns {
        let per_column = usize::try_from(self.design.per_column).unwrap_or(usize::MAX);
        let first = sides.first().map_or(0, |side| self.taken[*side]);
        let count = turns
            .div_ceil(per_column)
            .min(COLUMNS_MAX.saturating_sub(first));
        for side in sides {
            let owner = usize::try_from(self.came[*side]).unwrap_or(usize::MAX);
            self.taken[*side] = first + count;
            self.filling.owners[*side].resize(first + count, owner);
        }
        ColumnsOfTurns {
            first,
            count,
            wanted: turns.div_ceil(per_column).max(1),
        }
    }
}

struct ColumnsOfTurns {
    first: usize,
    count: usize,
    wanted: usize,
}

impl ColumnsOfTurns {
    fn at(&self, nth: usize) -> Option<usize> {
        let column = nth % self.wanted;
        (column < self.count).then_some(self.first + column)
    }
}

/// Turns of two sides with the same key, and those that only one has.
fn by_key<'a>(base: &'a [Figures], new: &'a [Figures]) -> Vec<[Option<&'a Figures>; 2]> {
    let (mut base, mut new) = (base.iter().peekable(), new.iter().peekable());
    let mut both = Vec::with_capacity(base.len().max(new.len()));
    loop {
        let pair = match (base.peek(), new.peek()) {
            (Some(own), Some(other)) if own.key == other.key => [base.next(), new.next()],
            (Some(own), Some(other)) if own.key < other.key => [base.next(), None],
            (_, Some(_)) => [None, new.next()],
            (Some(_), None) => [base.next(), None],
            (None, None) => return both,
        };
        both.push(pair);
    }
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

    #[test]
    fn turns_without_a_partner_stand_alone() {
        let turns = |keys: &[u64]| -> Vec<Figures> {
            keys.iter().map(|key| Figures::of_nothing(*key)).collect()
        };
        let (base, new) = (turns(&[1, 2, 4]), turns(&[2, 3, 4, 5]));
        let both: Vec<_> = by_key(&base, &new)
            .into_iter()
            .map(|pair| pair.map(|turn| turn.map_or(0, |turn| turn.key)))
            .collect();
        assert_eq!(both, [[1, 0], [2, 2], [0, 3], [4, 4], [0, 5]]);
    }
}
