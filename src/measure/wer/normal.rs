//! A text -> its words, written as every other text of the same words is: the rules of the English normaliser that
//! Whisper's word error rates are counted by, in code of our own, and some more for addresses, times and dates.
//!
//! What is in brackets is no speech; fillers go; contractions, titles, spellings, numbers and prices have one form. Texts
//! in other languages keep their words, without case and punctuation.

use super::numbers::{in_digits, ranked};
use super::spelling::american;
use crate::speak::number_words::is_digits;
use crate::speak::sentences::sentences;
use crate::speak::{MONTHS, is_wide};
use std::collections::BTreeSet;

const FILLERS: [&str; 10] = [
    "hmm", "hm", "mm", "mhm", "mmm", "uh", "um", "uhm", "erm", "uhh",
];
/// Short forms, and their full ones.
const SHORT: [(&str, &str); 41] = [
    ("won't", "will not"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("shan't", "shall not"),
    ("ain't", "is not"),
    ("let's", "let us"),
    ("y'all", "you all"),
    ("ma'am", "madam"),
    ("wanna", "want to"),
    ("gonna", "going to"),
    ("gotta", "got to"),
    ("gimme", "give me"),
    ("lemme", "let me"),
    ("dunno", "do not know"),
    ("i'ma", "i am going to"),
    ("imma", "i am going to"),
    ("woulda", "would have"),
    ("coulda", "could have"),
    ("shoulda", "should have"),
    ("mr", "mister"),
    ("mrs", "missus"),
    ("ms", "miss"),
    ("dr", "doctor"),
    ("prof", "professor"),
    ("capt", "captain"),
    ("gov", "governor"),
    ("gen", "general"),
    ("sen", "senator"),
    ("rev", "reverend"),
    ("lt", "lieutenant"),
    ("sgt", "sergeant"),
    ("jr", "junior"),
    ("sr", "senior"),
    ("okay", "ok"),
    ("&", "and"),
    ("etc", "and so on"),
    ("vs", "versus"),
    ("ave", "avenue"),
    ("rd", "road"),
    ("alright", "all right"),
    ("goodbye", "bye"),
];
/// Endings that stand for a word.
const ENDINGS: [(&str, &str); 7] = [
    ("n't", "not"),
    ("'re", "are"),
    ("'s", "is"),
    ("'d", "would"),
    ("'ll", "will"),
    ("'ve", "have"),
    ("'m", "am"),
];
/// A sign and a word for its coin.
const COINS: [(char, &str); 4] = [('$', "dollar"), ('£', "pound"), ('€', "euro"), ('¥', "yen")];
const COIN_WORDS: [&str; 9] = [
    "dollar", "dollars", "pound", "pounds", "euro", "euros", "yen", "buck", "bucks",
];
const HUNDREDTHS: [&str; 4] = ["cent", "cents", "pence", "penny"];

/// The words of a text, written alike.
pub(super) fn words(text: &str) -> Vec<String> {
    let text = without_brackets(&text.replace(['’', '‘'], "'").to_lowercase());
    let mut words = Vec::new();
    for written in text.split_whitespace() {
        spread(written, &mut words);
    }
    words.retain(|word| !FILLERS.contains(&word.as_str()));
    let words = in_digits(&halves_of_the_day(words));
    let words = joined_digits(dates(prices(words)));
    words.iter().map(|word| american(word)).collect()
}

/// Words with a capital that begin no sentence, in small letters: names, as far as spelling tells.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    let text = text.replace(['’', '‘'], "'");
    let mut names = BTreeSet::new();
    for sentence in sentences(&text) {
        let words: Vec<&str> = sentence.split_whitespace().collect();
        let inner = words.windows(2).filter(|pair| !pair[0].ends_with(':'));
        for part in inner.flat_map(|pair| pair[1].split('-')) {
            let word = part.trim_matches(|c: char| !c.is_alphanumeric());
            let is_name =
                word.starts_with(char::is_uppercase) && word != "I" && !word.starts_with("I'");
            if is_name {
                let bare = word.trim_end_matches("'s").replace('\'', "");
                names.insert(american(&bare.to_lowercase()));
            }
        }
    }
    names
}

/// Adds a word, or the characters of one in a script without blanks.
pub(super) fn push_word(word: &str, words: &mut Vec<String>) {
    let mut latin = String::new();
    for c in word.chars() {
        if is_wide(c) {
            if !latin.is_empty() {
                words.push(std::mem::take(&mut latin));
            }
            words.push(c.to_string());
        } else {
            latin.push(c);
        }
    }
    if !latin.is_empty() {
        words.push(latin);
    }
}

/// "[inaudible]" and "(music)" are no words. A bracket that never closes drops nothing.
fn without_brackets(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['[', '(', '<']) {
        let close = match rest.as_bytes().get(start) {
            Some(b'[') => ']',
            Some(b'(') => ')',
            _ => '>',
        };
        let Some(end) = rest[start..].find(close) else {
            break;
        };
        kept.push_str(&rest[..start]);
        kept.push(' ');
        rest = &rest[start + end + 1..];
    }
    kept.push_str(rest);
    kept
}

/// One written word in the words that it stands for.
fn spread(written: &str, words: &mut Vec<String>) {
    let is_edge = |c: char| !(c.is_alphanumeric() || "$£€¥%&@+".contains(c));
    let bare = written.trim_matches(is_edge);
    if let Some((_, full)) = SHORT.iter().find(|(short, _)| *short == bare) {
        return words.extend(full.split(' ').map(str::to_owned));
    }
    // "St." is a saint or a street; both are one here.
    if matches!(bare, "st" | "street" | "saint") {
        return words.push("st".to_owned());
    }
    let is_address = bare.contains('@') && bare.contains('.')
        || bare.contains("://")
        || bare.starts_with("www.");
    if is_address {
        return address(bare, words);
    }
    if let Some((hour, minute)) = clock(bare) {
        words.push(hour);
        words.extend(minute);
        return words.extend(
            bare.ends_with("pm")
                .then(|| "pm".to_owned())
                .or(bare.ends_with("am").then(|| "am".to_owned())),
        );
    }
    // "a.m.", "u.s."
    let dotless = bare.replace('.', "");
    let is_initials =
        bare.contains('.') && bare.split('.').all(|letter| letter.chars().count() <= 1);
    if is_initials && dotless.chars().all(char::is_alphabetic) {
        return words.push(dotless);
    }
    for part in telephone(bare).split(['-', '–', '—', '/', '_']) {
        figure(part, words);
    }
}

fn address(bare: &str, words: &mut Vec<String>) {
    let shown = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let mut word = String::new();
    for c in shown.chars() {
        let sign = match c {
            '@' => "at",
            '.' => "dot",
            '-' => "dash",
            '_' => "underscore",
            '/' => "slash",
            _ => {
                word.push(c);
                continue;
            }
        };
        figure(&std::mem::take(&mut word), words);
        words.push(sign.to_owned());
    }
    figure(&word, words);
}

/// "10:30" and "10:30am" are their figures; a full hour is the hour.
fn clock(bare: &str) -> Option<(String, Option<String>)> {
    let time = bare
        .strip_suffix("am")
        .or(bare.strip_suffix("pm"))
        .unwrap_or(bare);
    let (hour, minute) = time.split_once(':')?;
    let is_figure = |text: &str| text.len() <= 2 && is_digits(text);
    let is_time = is_figure(hour) && is_figure(minute) && minute.len() == 2;
    is_time.then(|| (hour.to_owned(), (minute != "00").then(|| minute.to_owned())))
}

/// The hyphens of a telephone number join it.
fn telephone(bare: &str) -> String {
    let groups: Vec<&str> = bare.split('-').collect();
    let are_digits = groups.iter().all(|group| is_digits(group));
    let digits: usize = groups.iter().map(|group| group.len()).sum();
    match groups.len() > 1 && are_digits && digits >= 7 {
        true => groups.concat(),
        false => bare.to_owned(),
    }
}

/// Letters and figures of a word apart: "3b", "$24.50", "20%", "10am"; "1st" stays.
fn figure(part: &str, words: &mut Vec<String>) {
    let coin = COINS
        .iter()
        .find(|(sign, _)| part.contains(*sign))
        .map(|(_, word)| *word);
    let mut run = String::new();
    let mut is_number = false;
    let mut found = Vec::new();
    for c in part.chars().chain(['\0']) {
        let is_digit = c.is_ascii_digit();
        let joins = is_number && matches!(c, '.' | ',');
        if !run.is_empty()
            && !joins
            && (is_digit != is_number || !(c.is_alphanumeric() || c == '\''))
        {
            found.push(std::mem::take(&mut run));
        }
        if is_digit || joins {
            is_number = true;
            run.push(c);
        } else if c.is_alphanumeric() || c == '\'' {
            is_number = false;
            run.push(c);
        } else if c == '%' {
            found.push("percent".to_owned());
        }
    }
    let ends = ["st", "nd", "rd", "th"];
    let mut parts = found.into_iter().peekable();
    while let Some(one) = parts.next() {
        if !one.starts_with(|c: char| c.is_ascii_digit()) {
            contraction(&one, words);
            continue;
        }
        let mut number = one.trim_end_matches(['.', ',']).replace(',', "");
        if let Some(end) = parts.next_if(|next| ends.contains(&next.as_str())) {
            number += &end;
        }
        words.push(number);
    }
    words.extend(coin.map(str::to_owned));
}

fn contraction(word: &str, words: &mut Vec<String>) {
    if word == "o'clock" {
        return;
    }
    let short = SHORT.iter().find(|(short, _)| *short == word);
    let ending = ENDINGS
        .iter()
        .find_map(|(end, full)| Some((word.strip_suffix(end)?, full)));
    match (short, ending) {
        (Some((_, full)), _) => words.extend(full.split(' ').map(str::to_owned)),
        (None, Some((stem, full))) if !stem.is_empty() => {
            push_word(&stem.replace('\'', ""), words);
            words.push((*full).to_owned());
        }
        _ => push_word(&word.replace('\'', ""), words),
    }
}

/// "a m" behind something is "am".
fn halves_of_the_day(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        match joined.last_mut() {
            Some(last) if word == "m" && (last == "a" || last == "p") => last.push('m'),
            // "per cent" is one word everywhere.
            Some(last) if word == "cent" && last == "per" => "percent".clone_into(last),
            _ => joined.push(word),
        }
    }
    joined
}

/// "24 dollars and 50 cents" and "24 dollars 50" are "24.50 dollar", "50 cents" are "0.50 dollar".
fn prices(words: Vec<String>) -> Vec<String> {
    let mut priced = Vec::with_capacity(words.len());
    let mut at = 0;
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    while at < words.len() {
        let is_price = is_digits(word(at)) && COIN_WORDS.contains(&word(at + 1));
        if !is_price {
            let is_coin = COIN_WORDS.contains(&word(at));
            priced.push(if is_coin {
                word(at).trim_end_matches('s').to_owned()
            } else {
                words[at].clone()
            });
            at += 1;
            continue;
        }
        let part_at = at + 2 + usize::from(word(at + 2) == "and");
        let is_part = is_digits(word(part_at)) && word(part_at).len() <= 2;
        let is_named = HUNDREDTHS.contains(&word(part_at + 1));
        if is_part && (is_named || part_at == at + 2) {
            priced.push(format!("{}.{:0>2}", word(at), word(part_at)));
        } else {
            priced.push(words[at].clone());
        }
        priced.push(word(at + 1).trim_end_matches('s').to_owned());
        at = match is_part {
            true if is_named => part_at + 2,
            true if part_at == at + 2 => part_at + 1,
            _ => at + 2,
        };
    }
    priced
}

fn is_month(word: &str) -> bool {
    MONTHS.iter().any(|month| month.eq_ignore_ascii_case(word))
}

/// "1" is "1st"; "1st" stays.
fn ranked_day(day: String) -> String {
    day.parse().map(ranked).unwrap_or(day)
}

/// "the 1st of may" and "may 1" are "may 1st".
fn dates(words: Vec<String>) -> Vec<String> {
    let mut dated: Vec<String> = Vec::with_capacity(words.len());
    let is_day = |word: &str| {
        let digits = word.trim_end_matches(char::is_alphabetic);
        digits.parse().is_ok_and(|day: u32| (1..=31).contains(&day)) && digits.len() <= 2
    };
    for word in words {
        let last = dated.last().map_or("", String::as_str);
        if is_month(&word) {
            let before = dated
                .len()
                .checked_sub(2)
                .and_then(|at| dated.get(at))
                .map_or("", String::as_str);
            let day = match last {
                "of" if is_day(before) => dated.pop().and_then(|_| dated.pop()),
                _ if is_day(last) => dated.pop(),
                _ => None,
            };
            if day.is_some() && dated.last().is_some_and(|article| article == "the") {
                dated.pop();
            }
            dated.push(word);
            dated.extend(day.map(ranked_day));
        } else if is_month(last) && is_day(&word) {
            dated.push(ranked_day(word));
        } else {
            dated.push(word);
        }
    }
    dated
}

/// Figures side by side are one: "555 0100", "10 30".
fn joined_digits(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        match joined.last_mut() {
            Some(last) if is_digits(last) && is_digits(&word) => last.push_str(&word),
            _ => joined.push(word),
        }
    }
    joined
}
