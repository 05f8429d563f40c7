//! Conversations of both sides into columns.

use super::Independent;
use super::conversation::{Conversation, Conversations, Figures};
use super::design::{COLUMNS_MAX, Design};
use super::tally::Filling;
use crate::measure::turns::TurnsError;

/// Takes both sides of each conversation, in the order of their numbers; a side that does not have it is `None`.
pub(super) fn join(
    base: Conversations,
    new: Conversations,
    mut take: impl FnMut([Option<&Conversation>; 2]),
) -> Result<(), TurnsError> {
    let (mut base, mut new) = (base.peekable(), new.peekable());
    let number = |next: Option<&Result<Conversation, TurnsError>>| match next {
        Some(Ok(conversation)) => Some(conversation.number),
        // An error is taken at once.
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
    /// How many conversations came, by side.
    came: [u64; 2],
    /// How many columns of turns are taken, by side.
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

    /// Takes in a conversation of one side.
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

    /// Takes in a conversation of both sides.
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

    /// The column of the next conversation; `None` if it is in no test.
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

#[cfg(test)]
mod tests {
    use super::*;

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
