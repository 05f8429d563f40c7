//! What is wrong with a scenario, where, and how to mend it.

use std::fmt;

/// Something in a scenario that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key that is wrong.
    pub place: Place,
    /// What is wrong with its value, and what to write instead.
    pub fix: String,
}

/// A key inside tables, such as `cure.answer.retries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) tables: Vec<String>,
    /// The place among several tables of one name (`[[turn]]`), counted from zero.
    pub(super) index: Option<usize>,
    pub(super) key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            match self.index {
                Some(index) => write!(f, "{table} {} ", index + 1)?,
                None => write!(f, "{table}.")?,
            }
        }
        f.write_str(&self.key)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fix)
    }
}

impl std::error::Error for Problem {}

/// The table that is being parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    names: &'a [&'a str],
    index: Option<usize>,
}

impl<'a> Table<'a> {
    /// The keys outside of every table.
    pub(super) const ROOT: Table<'static> = Table::at(&[]);

    /// A table inside the ones named before it, such as `["cure", "answer"]`.
    pub(super) const fn at(names: &'a [&'a str]) -> Table<'a> {
        Table { names, index: None }
    }

    /// One of several tables of a name, counted from zero.
    pub(super) const fn nth(names: &'a [&'a str], index: usize) -> Table<'a> {
        Table {
            names,
            index: Some(index),
        }
    }

    /// What is wrong with a key of this table. Dots in the key part tables inside of it.
    pub(super) fn problem(self, key: &str, fix: impl Into<String>) -> Problem {
        let mut inside: Vec<&str> = key.split('.').collect();
        let key = inside.pop().unwrap_or_default();
        let tables = self.names.iter().chain(&inside);
        Problem {
            place: Place {
                tables: tables.map(|name| (*name).to_owned()).collect(),
                index: self.index,
                key: key.to_owned(),
            },
            fix: fix.into(),
        }
    }
}
