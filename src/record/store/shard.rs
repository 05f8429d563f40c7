//! A part of a simulation, for one of several machines.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// One of several parts of a simulation, written `2/3` for the second of three. Each part holds
/// consecutive worlds; parts differ in size by at most one world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// Which part it is, from one to `count`.
    index: u32,
    count: u32,
}

impl Shard {
    /// Which part it is, from one.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many parts there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// The worlds of this part, where the simulation has `all`, counted from zero. The range is empty only
    /// if there are more shards than worlds.
    pub fn worlds(self, all: u32) -> Range<u32> {
        let cut = |parts: u32| {
            let worlds = u64::from(parts) * u64::from(all) / u64::from(self.count);
            // `parts` is at most `count`, so the quotient is at most `all`.
            u32::try_from(worlds).unwrap_or(all)
        };
        cut(self.index - 1)..cut(self.index)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match numbers {
            None => Err(format!(
                "{text:?} is no shard; write I/N, as in 1/3 for the first of three"
            )),
            Some((_, 0)) => Err("a simulation has at least one shard; write I/N, as in 1/3".into()),
            Some((0, count)) => Err(format!(
                "shards are counted from one; the first one is 1/{count}"
            )),
            Some((index, count)) if index > count => Err(format!(
                "there is no shard {index} of {count}; the last one is {count}/{count}"
            )),
            Some((index, count)) => Ok(Shard { index, count }),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Shard, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> String {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worlds(text: &str, all: u32) -> Range<u32> {
        text.parse::<Shard>().expect("a shard").worlds(all)
    }

    #[test]
    fn shards_lie_end_to_end_and_hold_every_world_once() {
        for (count, all) in [(1, 1), (3, 10), (4, 200), (7, 7), (64, 1000), (3, u32::MAX)] {
            let mut next = 0;
            for index in 1..=count {
                let own = worlds(&format!("{index}/{count}"), all);
                assert_eq!(own.start, next);
                assert!((all / count..=all / count + 1).contains(&(own.end - own.start)));
                next = own.end;
            }
            assert_eq!(next, all);
        }
        assert_eq!(worlds("2/3", 10), 3..6);
    }

    #[test]
    fn more_shards_than_worlds_leave_some_empty() {
        assert!(worlds("1/3", 2).is_empty());
    }

    #[test]
    fn what_is_no_shard_is_told_with_the_cure() {
        for (text, says) in [
            ("0/3", "the first one is 1/3"),
            ("4/3", "the last one is 3/3"),
            ("1/0", "at least one shard"),
            ("3", "write I/N"),
            ("1/3/5", "write I/N"),
            ("-1/3", "write I/N"),
            ("", "write I/N"),
        ] {
            let error = text.parse::<Shard>().expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_shard_is_written_as_it_is_read() {
        let shard: Shard = serde_json::from_str("\"2/3\"").expect("a shard");
        assert_eq!(serde_json::to_string(&shard).expect("written"), "\"2/3\"");
        assert!(serde_json::from_str::<Shard>("\"4/3\"").is_err());
    }
}
