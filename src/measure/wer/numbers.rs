//! Number words -> digits, as in "two thousand and twenty", "five five five oh one double oh", "three point one four".

use crate::speak::number_words::{
    HUNDRED, SCALES, read_below_twenty, read_rank_below_twenty, read_rank_of_tens, read_tens,
};

/// What a word is in a number.
enum Part {
    Ones(u64),
    Tens(u64),
    Hundred,
    Scale(u64),
    /// "fifth", "fiftieth": it ends the number.
    Rank(u64),
}

fn part(word: &str) -> Option<Part> {
    let scale = SCALES
        .iter()
        .find(|(_, name)| *name == word)
        .map(|(value, _)| *value);
    match word {
        "oh" | "nought" => return Some(Part::Ones(0)),
        _ if word == HUNDRED => return Some(Part::Hundred),
        _ => {}
    }
    (scale.map(Part::Scale))
        .or_else(|| read_below_twenty(word).map(Part::Ones))
        .or_else(|| read_tens(word).map(Part::Tens))
        .or_else(|| read_rank_below_twenty(word).map(Part::Rank))
        .or_else(|| read_rank_of_tens(word).map(Part::Rank))
}

/// A number that is being read.
#[derive(Default)]
struct Reading {
    /// Whole scales so far, and what stands before the next.
    above: u64,
    below: u64,
    /// The value of the last part: a smaller one may follow.
    room: u64,
    is_begun: bool,
}

impl Reading {
    fn value(&self) -> u64 {
        self.above.saturating_add(self.below)
    }

    /// Adds a part, if the number can go on with it.
    fn takes(&mut self, part: &Part) -> bool {
        let fits = match part {
            Part::Ones(0) => !self.is_begun,
            Part::Ones(value) | Part::Rank(value) => !self.is_begun || *value < self.room,
            Part::Tens(value) => !self.is_begun || *value < self.room && self.room > 10,
            Part::Hundred => self.is_begun && (1..100).contains(&self.below),
            Part::Scale(scale) => {
                self.is_begun
                    && self.below > 0
                    && (self.above == 0 || self.above.is_multiple_of(*scale) && self.above > *scale)
            }
        };
        if !fits {
            return false;
        }
        match part {
            Part::Ones(value) | Part::Rank(value) => {
                self.below += value;
                self.room = 0;
            }
            Part::Tens(value) => {
                self.below += value;
                self.room = 10;
            }
            Part::Hundred => {
                self.below *= 100;
                self.room = 100;
            }
            Part::Scale(scale) => {
                self.above = self.above.saturating_add(self.below.saturating_mul(*scale));
                self.below = 0;
                self.room = *scale;
            }
        }
        self.is_begun = true;
        true
    }
}

/// Words with their number words in digits. Numbers that follow each other stay apart.
pub(super) fn in_digits(words: &[String]) -> Vec<String> {
    let mut read: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let repeated = match word.as_str() {
            "double" => 2,
            "triple" => 3,
            _ => 0,
        };
        if repeated > 0
            && let Some(Part::Ones(digit @ 0..10)) = words.get(at + 1).and_then(|next| part(next))
        {
            read.push(digit.to_string().repeat(repeated));
            at += 2;
            continue;
        }
        match number(&words[at..]) {
            Some((digits, taken)) => {
                read.push(digits);
                at += taken;
            }
            None => {
                read.push(word.clone());
                at += 1;
            }
        }
    }
    read
}

/// The number that words begin with, and how many of them it takes.
fn number(words: &[String]) -> Option<(String, usize)> {
    let mut reading = Reading::default();
    let mut taken = 0;
    while let Some(word) = words.get(taken) {
        // "Two hundred and five", but "five and six".
        let is_and = word == "and" && reading.room >= 100;
        let ahead = taken + usize::from(is_and);
        let Some(part) = words.get(ahead).and_then(|word| part(word)) else {
            break;
        };
        // "The second" is a rank, a second is none; alone it stays as everybody writes it.
        if !reading.takes(&part) {
            break;
        }
        taken = ahead + 1;
        if let Part::Rank(_) = part {
            return Some((ranked(reading.value()), taken));
        }
    }
    if taken == 0 {
        return None;
    }
    let mut digits = reading.value().to_string();
    if words.get(taken).is_some_and(|word| word == "point") {
        let decimals: Vec<String> = words[taken + 1..]
            .iter()
            .map_while(|word| match part(word) {
                Some(Part::Ones(digit @ 0..10)) => Some(digit.to_string()),
                _ => None,
            })
            .collect();
        if !decimals.is_empty() {
            digits = format!("{digits}.{}", decimals.concat());
            taken += 1 + decimals.len();
        }
    }
    Some((digits, taken))
}

/// "1st", "12th", "23rd".
pub(super) fn ranked(value: u64) -> String {
    let end = match (value % 100, value % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{value}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_words_become_digits() {
        for (said, digits) in [
            ("two thousand and twenty", "2020"),
            ("five five five", "5 5 5"),
            ("double oh seven", "00 7"),
            ("nineteen eighty four", "19 84"),
            ("one hundred and five", "105"),
            ("twenty first", "21st"),
            ("three point one four", "3.14"),
            ("five and six", "5 and 6"),
            ("one million two hundred thousand three", "1200003"),
            ("twenty five people", "25 people"),
            ("ten thirty", "10 30"),
            ("hundred people", "hundred people"),
        ] {
            let words: Vec<String> = said.split(' ').map(str::to_owned).collect();
            assert_eq!(in_digits(&words).join(" "), digits, "{said}");
        }
    }
}
