//! Web addresses and e-mail addresses, as they are said.

use super::numbers::digits;

/// What a host ends in that is known without "www." or a scheme; a file's name ends in something else.
const HOST_ENDS: [&str; 20] = [
    "com", "org", "net", "edu", "gov", "uk", "io", "ai", "app", "dev", "info", "example", "eu",
    "de", "fr", "co", "us", "ca", "au", "ie",
];

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

/// "example.com", "voicesim.example/help": a host that is written without its scheme.
pub(super) fn host(word: &str) -> Option<String> {
    let (host, _) = word.split_once('/').unwrap_or((word, ""));
    let (name, end) = host.rsplit_once('.')?;
    let is_name = name.contains(char::is_alphabetic)
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || ".-".contains(c));
    let shown = word.split(['?', '#']).next().unwrap_or_default();
    (is_name && HOST_ENDS.contains(&end)).then(|| signs(shown.trim_end_matches('/')))
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
        assert_eq!(
            host("shop.example.com/help").as_deref(),
            Some("shop dot example dot com slash help")
        );
        assert_eq!(host("main.py"), None);
        assert_eq!(host("3.co"), None);
    }
}
