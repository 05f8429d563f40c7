//! Prices, as they are said: "£4.99" is "four pounds ninety-nine".

use super::Said;
use super::numbers::{cardinal, number};
use super::units;
use super::words::{Line, Word, with_punctuation};
use crate::speak::number_words::is_digits;

/// A currency: how it is written, one of its coins, several, and several of its hundredths.
struct Currency(&'static str, &'static str, &'static str, &'static str);

/// The longer signs first, since "US$" holds "$".
const CURRENCIES: [Currency; 20] = [
    Currency("US$", "US dollar", "US dollars", "cents"),
    Currency("C$", "Canadian dollar", "Canadian dollars", "cents"),
    Currency("CA$", "Canadian dollar", "Canadian dollars", "cents"),
    Currency("A$", "Australian dollar", "Australian dollars", "cents"),
    Currency("AU$", "Australian dollar", "Australian dollars", "cents"),
    Currency("NZ$", "New Zealand dollar", "New Zealand dollars", "cents"),
    Currency("£", "pound", "pounds", "pence"),
    Currency("€", "euro", "euros", "cents"),
    Currency("$", "dollar", "dollars", "cents"),
    Currency("¥", "yen", "yen", "sen"),
    Currency("₹", "rupee", "rupees", "paise"),
    Currency("₩", "won", "won", "jeon"),
    Currency("USD", "US dollar", "US dollars", "cents"),
    Currency("EUR", "euro", "euros", "cents"),
    Currency("GBP", "pound", "pounds", "pence"),
    Currency("CHF", "Swiss franc", "Swiss francs", "centimes"),
    Currency("CAD", "Canadian dollar", "Canadian dollars", "cents"),
    Currency("AUD", "Australian dollar", "Australian dollars", "cents"),
    Currency("JPY", "yen", "yen", "sen"),
    Currency("INR", "rupee", "rupees", "paise"),
];

/// What multiplies an amount, joined to it or a word of its own.
const MAGNITUDES: [(&str, &str); 14] = [
    ("k", "thousand"),
    ("K", "thousand"),
    ("m", "million"),
    ("M", "million"),
    ("mn", "million"),
    ("bn", "billion"),
    ("b", "billion"),
    ("B", "billion"),
    ("tn", "trillion"),
    ("T", "trillion"),
    ("thousand", "thousand"),
    ("million", "million"),
    ("billion", "billion"),
    ("trillion", "trillion"),
];

/// "£4.99", "4.99€", "€1,000", "1.200,50€", "60p", "50¢", "£10-20", "$5/mo", "£18.5k", "-$5".
pub(super) fn price(word: &str) -> Option<String> {
    if let Some(positive) = word.strip_prefix(['-', '−']) {
        return has_currency(positive)
            .then(|| price(positive).map(|said| format!("minus {said}")))?;
    }
    for (sign, said) in units::SIGNS {
        if let Some(rest) = word.strip_prefix(sign) {
            return has_currency(rest)
                .then(|| price(rest).map(|words| format!("{said} {words}")))?;
        }
    }
    if let Some(rest) = word.strip_suffix('+') {
        return has_currency(rest).then(|| price(rest).map(|words| format!("{words} plus")))?;
    }
    if let Some((amount, by)) = word.split_once('/') {
        return has_currency(amount).then(|| {
            let by = units::span(by)?;
            Some(format!("{} {} {by}", price(amount)?, units::article(by)))
        })?;
    }
    if let Some((from, to)) = word.split_once(['-', '–']) {
        return range(from, to);
    }
    if let Some(pence) = word.strip_suffix(['p', '¢']) {
        let (one, many) = if word.ends_with('p') {
            ("penny", "pence")
        } else {
            ("cent", "cents")
        };
        return is_digits(pence).then(|| {
            Some(format!(
                "{} {}",
                number(pence)?,
                if pence == "1" { one } else { many }
            ))
        })?;
    }
    let (currency, amount) = parted(word)?;
    said(currency, amount, None)
}

/// "$3 million", "50 EUR", "USD 50", "1.200,50 €".
pub(super) fn with_words(line: &Line<'_>, at: usize) -> Option<Said> {
    let (word, next) = (line.word(at)?, line.word(at + 1)?);
    if !word.tail.is_empty() || !next.head.is_empty() {
        return None;
    }
    let ending = |last: Word<'_>, said: String, taken| {
        Said::new(
            with_punctuation(
                Word {
                    head: word.head,
                    ..last
                },
                &said,
            ),
            taken,
        )
    };
    if let Some((currency, amount)) = parted(word.core) {
        let magnitude = MAGNITUDES.iter().find(|(end, _)| *end == next.core)?;
        return ending(next, said(currency, amount, Some(magnitude.1))?, 2);
    }
    let is_amount = |word: Word<'_>| word.core.starts_with(|c: char| c.is_ascii_digit());
    let sign_of = |word: Word<'_>| CURRENCIES.iter().find(|currency| currency.0 == word.core);
    if let Some(currency) = sign_of(word).filter(|_| is_amount(next)) {
        return ending(next, said(currency, next.core, None)?, 2);
    }
    if !is_amount(word) {
        return None;
    }
    if let Some(currency) = sign_of(next) {
        let said = match word.core.split_once(['-', '–']) {
            Some((low, high)) => format!("{} to {}", number(low)?, said(currency, high, None)?),
            None => said(currency, word.core, None)?,
        };
        return ending(next, said, 2);
    }
    // "3 million EUR".
    let last = line.word(at + 2)?;
    let currency = sign_of(last).filter(|_| next.tail.is_empty())?;
    let magnitude = MAGNITUDES.iter().find(|(end, _)| *end == next.core)?;
    ending(last, said(currency, word.core, Some(magnitude.1))?, 3)
}

fn has_currency(word: &str) -> bool {
    word.contains(['$', '£', '€', '¥', '₹', '₩', '¢'])
}

/// "£10-20", "$10–$20".
fn range(from: &str, to: &str) -> Option<String> {
    let sign = CURRENCIES.iter().map(|currency| currency.0).find(|sign| {
        !sign.is_empty()
            && !sign.ends_with(char::is_alphabetic)
            && (from.contains(sign) || to.contains(sign))
    })?;
    let bare = |amount: &str| amount.replace(sign, "");
    let with_sign = |amount: &str| price(&format!("{sign}{}", bare(amount)));
    // The coin of whole amounts is said once.
    let first = number(&bare(from)).filter(|_| !from.contains('.') || !to.contains('.'));
    let first = match first {
        Some(first) if !from.contains('.') => first,
        _ => with_sign(from)?,
    };
    Some(format!("{first} to {}", with_sign(to)?))
}

/// A currency and the amount beside it.
fn parted(word: &str) -> Option<(&'static Currency, &str)> {
    CURRENCIES.iter().find_map(|currency| {
        let amount = word
            .strip_prefix(currency.0)
            .or_else(|| word.strip_suffix(currency.0))?;
        let is_amount = amount.starts_with(|c: char| c.is_ascii_digit());
        is_amount.then_some((currency, amount))
    })
}

fn said(currency: &Currency, amount: &str, magnitude: Option<&str>) -> Option<String> {
    let Currency(_, one, many, hundredths) = currency;
    let amount = as_english(amount);
    let end = amount
        .find(|c: char| !(c.is_ascii_digit() || ".,".contains(c)))
        .unwrap_or(amount.len());
    let (figures, joined) = amount.split_at(end);
    let magnitude = match (magnitude, joined) {
        (magnitude, "") => magnitude,
        (None, joined) => Some(MAGNITUDES.iter().find(|(end, _)| *end == joined)?.1),
        (Some(_), _) => return None,
    };
    if let Some(magnitude) = magnitude {
        return Some(format!("{} {magnitude} {many}", number(figures)?));
    }
    let (whole, part) = match figures.split_once('.') {
        Some((whole, part)) if part.len() == 2 => (whole, part.parse::<u64>().ok()?),
        Some(_) => return Some(format!("{} {many}", number(figures)?)),
        None => (figures, 0),
    };
    let coin = if whole == "1" { one } else { many };
    Some(match (whole, part) {
        (_, 0) => format!("{} {coin}", number(whole)?),
        ("0", _) => format!("{} {hundredths}", cardinal(part)),
        (_, 1..10) => format!(
            "{} {coin} and {} {hundredths}",
            number(whole)?,
            cardinal(part)
        ),
        _ => format!("{} {coin} {}", number(whole)?, cardinal(part)),
    })
}

/// "1.200,50" -> "1,200.50": on the Continent point and comma change places.
fn as_english(amount: &str) -> String {
    let is_continental = match (amount.rfind(','), amount.rfind('.')) {
        (Some(comma), Some(point)) => comma > point,
        (Some(comma), None) => amount.len() - comma == 3,
        (None, Some(point)) => {
            amount.len() - point == 4 && amount.bytes().skip(point + 1).all(|b| b.is_ascii_digit())
        }
        (None, None) => false,
    };
    if !is_continental {
        return amount.to_owned();
    }
    let swapped = |c| match c {
        '.' => ',',
        ',' => '.',
        other => other,
    };
    amount.chars().map(swapped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_said_in_coins() {
        for (written, said) in [
            ("£4.99", "four pounds ninety-nine"),
            ("€4.99", "four euros ninety-nine"),
            ("£1", "one pound"),
            ("£60.00", "sixty pounds"),
            ("£0.50", "fifty pence"),
            ("£2.05", "two pounds and five pence"),
            ("20€", "twenty euros"),
            ("$1,000", "one thousand dollars"),
            ("60p", "sixty pence"),
            ("1p", "one penny"),
            ("50¢", "fifty cents"),
            ("£10-20", "ten to twenty pounds"),
            ("$10–$20", "ten to twenty dollars"),
            ("£1.50-£2.50", "one pound fifty to two pounds fifty"),
            ("£1.5", "one point five pounds"),
            ("£18.5k", "eighteen point five thousand pounds"),
            ("$2bn", "two billion dollars"),
            ("$5/mo", "five dollars a month"),
            ("£12.50/hr", "twelve pounds fifty an hour"),
            ("1.200,50€", "one thousand two hundred euros fifty"),
            ("-$5", "minus five dollars"),
            ("US$5", "five US dollars"),
            ("¥500", "five hundred yen"),
            ("~$30", "about thirty dollars"),
            ("+$2", "plus two dollars"),
            ("≤€5", "at most five euros"),
        ] {
            assert_eq!(price(written).as_deref(), Some(said), "{written}");
        }
        for written in ["£", "p", "4.99", "£a", "up", "£-", "-£", "$5/xyz"] {
            assert_eq!(price(written), None, "{written}");
        }
    }
}
