//! Two rows of words -> which of the first were heard as another or not at all, and what was heard besides.

/// More cells than this are not kept; the texts of one turn have a few thousand.
const CELLS_MAX: usize = 25_000_000;

/// How one row of words becomes the other with the fewest changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Alignment {
    pub(super) substitutions: u32,
    pub(super) deletions: u32,
    pub(super) insertions: u32,
    /// Which words of the reference are wrong; empty of texts that are too long to tell.
    pub(super) wrong: Vec<bool>,
}

impl Alignment {
    pub(super) fn errors(&self) -> u32 {
        self.substitutions + self.deletions + self.insertions
    }
}

/// Aligns what was heard with what was said; of equal alignments the one with most substitutions.
pub(super) fn align(said: &[String], heard: &[String]) -> Alignment {
    let (rows, columns) = (said.len() + 1, heard.len() + 1);
    if rows.saturating_mul(columns) > CELLS_MAX {
        return without_table(said, heard);
    }
    let mut cost = vec![0_u32; rows * columns];
    let at = |row: usize, column: usize| row * columns + column;
    for row in 0..rows {
        for column in 0..columns {
            cost[at(row, column)] = match (row, column) {
                (0, _) => column as u32,
                (_, 0) => row as u32,
                _ => {
                    let change = u32::from(said[row - 1] != heard[column - 1]);
                    let both = cost[at(row - 1, column - 1)] + change;
                    let less = cost[at(row - 1, column)].min(cost[at(row, column - 1)]) + 1;
                    both.min(less)
                }
            };
        }
    }
    let mut found = Alignment {
        wrong: vec![false; said.len()],
        ..Alignment::default()
    };
    let (mut row, mut column) = (said.len(), heard.len());
    while row > 0 || column > 0 {
        let here = cost[at(row, column)];
        let change = row > 0 && column > 0 && said[row - 1] != heard[column - 1];
        if row > 0 && column > 0 && here == cost[at(row - 1, column - 1)] + u32::from(change) {
            (row, column) = (row - 1, column - 1);
            found.substitutions += u32::from(change);
            found.wrong[row] = change;
        } else if row > 0 && here == cost[at(row - 1, column)] + 1 {
            row -= 1;
            found.deletions += 1;
            found.wrong[row] = true;
        } else {
            column = column.saturating_sub(1);
            found.insertions += 1;
        }
    }
    found
}

/// Aligns texts that are too long for a table: only the number of errors is known, and all stand as substitutions.
fn without_table(said: &[String], heard: &[String]) -> Alignment {
    // The types are written out: on macOS, one of the libraries has a type that the compiler would try without end.
    let errors = strsim::generic_levenshtein::<Vec<String>, Vec<String>, _, _>(
        &said.to_vec(),
        &heard.to_vec(),
    );
    Alignment {
        substitutions: errors as u32,
        ..Alignment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn changes_are_told_apart() {
        let found = align(&words("a b c d"), &words("a x d e"));
        assert_eq!(
            (found.substitutions, found.deletions, found.insertions),
            (3, 0, 0)
        );
        let found = align(&words("a b"), &words("b"));
        assert_eq!(
            (found.substitutions, found.deletions, found.insertions),
            (0, 1, 0)
        );
        assert_eq!(found.wrong, [true, false]);
        assert_eq!(align(&[], &words("a")).insertions, 1);
    }

    proptest! {
        #[test]
        fn the_errors_are_the_edit_distance(said in prop::collection::vec("[ab]", 0..12), heard in prop::collection::vec("[ab]", 0..12)) {
            let found = align(&said, &heard);
            prop_assert_eq!(found.errors(), without_table(&said, &heard).substitutions);
            let wrong = found.wrong.iter().filter(|wrong| **wrong).count() as u32;
            prop_assert_eq!(wrong, found.substitutions + found.deletions);
        }
    }
}
