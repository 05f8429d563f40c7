//! Prices, as they are said: "£4.99" is "four pounds ninety-nine".

use super::numbers::{cardinal, number};

/// A sign, one and many of its coin, and of its hundredth.
const CURRENCIES: [(char, &str, &str, &str); 3] = [
    ('£', "pound", "pounds", "pence"),
    ('€', "euro", "euros", "cents"),
    ('$', "dollar", "dollars", "cents"),
];

/// "£4.99", "4.99€", "€1,000", "60p", "£10-20".
pub(super) fn price(word: &str) -> Option<String> {
    if let Some((from, to)) = word.split_once(['-', '–']) {
        let sign = CURRENCIES
            .iter()
            .map(|(sign, ..)| *sign)
            .find(|sign| word.contains(*sign))?;
        let with_sign = |amount: &str| match amount.contains(sign) {
            true => price(amount),
            false => price(&format!("{sign}{amount}")),
        };
        return Some(format!("{} to {}", with_sign(from)?, with_sign(to)?));
    }
    if let Some(pence) = word.strip_suffix('p') {
        let is_pence = !pence.is_empty() && pence.bytes().all(|b| b.is_ascii_digit());
        return is_pence.then(|| {
            Some(format!(
                "{} {}",
                number(pence)?,
                if pence == "1" { "penny" } else { "pence" }
            ))
        })?;
    }
    let (sign, one, many, hundredth) = CURRENCIES.iter().find(|(sign, ..)| word.contains(*sign))?;
    let amount = word
        .strip_prefix(*sign)
        .or_else(|| word.strip_suffix(*sign))?;
    let (whole, part) = match amount.split_once('.') {
        Some((whole, part)) if part.len() == 2 => (whole, part.parse::<u64>().ok()?),
        Some(_) => return Some(format!("{} {many}", number(amount)?)),
        None => (amount, 0),
    };
    let coin = if whole == "1" { one } else { many };
    Some(match (whole, part) {
        (_, 0) => format!("{} {coin}", number(whole)?),
        ("0", _) => format!("{} {hundredth}", cardinal(part)),
        (_, 1..10) => format!(
            "{} {coin} and {} {hundredth}",
            number(whole)?,
            cardinal(part)
        ),
        _ => format!("{} {coin} {}", number(whole)?, cardinal(part)),
    })
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
            ("£10-20", "ten pounds to twenty pounds"),
            ("£1.5", "one point five pounds"),
        ] {
            assert_eq!(price(written).as_deref(), Some(said), "{written}");
        }
        for written in ["£", "p", "4.99", "£a", "up", "£-", "-£"] {
            assert_eq!(price(written), None, "{written}");
        }
    }
}
