//! Web addresses, e-mail addresses and telephone numbers, as they are said.

use super::numbers::digits;

/// "a@b.example" -> "a at b dot example". `None` if it is none.
pub(super) fn mail(word: &str) -> Option<String> {
    let (name, host) = word.split_once('@')?;
    let is_host = host.contains('.') && !host.contains('@');
    (is_host && !name.is_empty()).then(|| format!("{} at {}", signs(name), signs(host)))
}

/// `https://www.shop.example/order?x=1` -> "shop dot example slash order".
pub(super) fn web(word: &str) -> Option<String> {
    let after_scheme = word.split_once("://").map(|(_, rest)| rest);
    let rest = after_scheme.or_else(|| word.starts_with("www.").then_some(word))?;
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    // Behind a question mark stands what only machines read.
    let shown = rest.split(['?', '#']).next().unwrap_or_default();
    Some(signs(shown.trim_end_matches('/')))
}

/// Whether a word is the beginning of a telephone number: "01632", "+44".
pub(super) fn begins_telephone(word: &str) -> bool {
    let (plus, rest) = match word.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let is_digits = rest.len() >= 2 && rest.chars().all(|c| c.is_ascii_digit() || c == '-');
    is_digits && (plus || rest.starts_with('0') && rest.len() >= 3)
}

/// A group of a telephone number, digit by digit.
pub(super) fn telephone(group: &str) -> String {
    let said = digits(group);
    if group.starts_with('+') {
        return format!("plus {said}");
    }
    said
}

/// The signs of an address in words.
fn signs(text: &str) -> String {
    let mut said = String::new();
    for c in text.chars() {
        match c {
            '.' => said += " dot ",
            '-' => said += " dash ",
            '_' => said += " underscore ",
            '/' => said += " slash ",
            '+' => said += " plus ",
            '0'..='9' => {
                said.push(' ');
                said += &digits(&c.to_string());
                said.push(' ');
            }
            _ if c.is_alphabetic() => said.push(c),
            _ => said.push(' '),
        }
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_said_with_their_signs() {
        assert_eq!(
            mail("help@shop.example.com").as_deref(),
            Some("help at shop dot example dot com")
        );
        assert_eq!(
            mail("a_b-1@c.example").as_deref(),
            Some("a underscore b dash one at c dot example")
        );
        assert_eq!(mail("@shop"), None);
        assert_eq!(
            web("https://www.shop.example/order?x=1").as_deref(),
            Some("shop dot example slash order")
        );
        assert_eq!(
            web("www.shop.example/").as_deref(),
            Some("shop dot example")
        );
        assert_eq!(web("shop"), None);
    }

    #[test]
    fn telephone_numbers_are_said_digit_by_digit() {
        assert!(
            begins_telephone("01632") && begins_telephone("+44") && begins_telephone("030-12-34")
        );
        assert!(!begins_telephone("10") && !begins_telephone("0") && !begins_telephone("07"));
        assert_eq!(telephone("960230"), "nine six oh two three oh");
        assert_eq!(telephone("+44"), "plus four four");
    }
}
