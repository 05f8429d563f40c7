//! What is wrong with a scenario, where, and how to mend it.

use std::fmt;

/// The longest text that is said or answered: an hour of talk.
const TEXT_BYTES_MAX: usize = 64 << 10;

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

    /// Refuses a text that nobody would say: it would be kept with every turn.
    pub(super) fn refuse_long<'t>(
        self,
        key: &str,
        texts: impl IntoIterator<Item = &'t String>,
    ) -> Result<(), Problem> {
        let longest = texts.into_iter().map(String::len).max().unwrap_or(0);
        match longest > TEXT_BYTES_MAX {
            true => Err(self.problem(
                key,
                format!("{longest} bytes of text; give up to {TEXT_BYTES_MAX}"),
            )),
            false => Ok(()),
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
