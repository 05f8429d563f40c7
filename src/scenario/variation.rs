//! `--vary KEY=V1,V2`: the values that a key of a scenario is to have, one after the other.

use super::set;
use toml::Value;

/// A key, named as in `--set`, and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Variation {
    /// The key, named as in `--set`.
    pub key: String,
    /// The values, in order; at least one.
    pub values: Vec<Value>,
}

impl std::str::FromStr for Variation {
    type Err = String;

    /// Values are TOML with commas between them; what is no TOML is text.
    fn from_str(text: &str) -> Result<Variation, String> {
        let (key, values) = text.split_once('=').ok_or(
            "write KEY=VALUE,VALUE and so on, for example endpointing.silence_ms=300,500,700",
        )?;
        let key = key.trim();
        if key.is_empty() {
            return Err("there is no key; write KEY=VALUE,VALUE and so on".into());
        }
        let values = values_of(values)
            .ok_or_else(|| format!("{key} has no value there; write {key}=VALUE,VALUE"))?;
        Ok(Variation {
            key: key.to_owned(),
            values,
        })
    }
}

/// The values in a list with commas; `None` if there are none, or one is empty.
fn values_of(text: &str) -> Option<Vec<Value>> {
    if let Value::Array(values) = set::read(&format!("[{text}]")) {
        return Some(values).filter(|values| !values.is_empty());
    }
    let parts = split(text);
    let is_empty = |part: &str| part.trim().is_empty();
    if parts.iter().any(|part| is_empty(part)) {
        return None;
    }
    Some(parts.iter().map(|part| set::read(part.trim())).collect())
}

/// Splits at the commas that lie in no brackets and no quotes. A quote opens only where a value may begin:
/// text may hold an apostrophe.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut quote, mut is_escaped, mut may_open) = (None, false, true);
    for (at, c) in text.char_indices() {
        match quote {
            Some('"') if is_escaped => is_escaped = false,
            Some('"') if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' if may_open => quote = Some(c),
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    parts.push(&text[start..at]);
                    start = at + 1;
                }
                _ => {}
            },
        }
        may_open = matches!(c, ',' | '[' | '{' | '=') || (may_open && c.is_whitespace());
    }
    parts.push(&text[start..]);
    parts
}

/// A value as people write it: text without quotes.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let variation: Variation = text.parse().expect(text);
        variation.values.iter().map(Value::to_string).collect()
    }

    #[test]
    fn values_are_split_at_the_commas_between_them() {
        for (text, expected) in [
            ("a.b=300,500, 700", vec!["300", "500", "700"]),
            ("a=1.5,2", vec!["1.5", "2"]),
            ("a=true", vec!["true"]),
            ("a=never,always", vec!["\"never\"", "\"always\""]),
            ("a=\"x,y\",'z'", vec!["\"x,y\"", "\"z\""]),
            (
                "a={ x = 1, y = 2 },{ p = [3, 4] }",
                vec!["{ x = 1, y = 2 }", "{ p = [3, 4] }"],
            ),
            (
                "a=plain,{ x = \"}, {\", y = 2 },3",
                vec!["\"plain\"", "{ x = \"}, {\", y = 2 }", "3"],
            ),
            ("a=it's,\"a \\\", b\"", vec!["\"it's\"", "'a \", b'"]),
            ("a=[1,2],[3]", vec!["[1, 2]", "[3]"]),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_key_or_no_values_is_refused() {
        for text in ["a", "=1,2", "a=", "a=  ", "a=x,,y", "a=x,"] {
            assert!(text.parse::<Variation>().is_err(), "{text}");
        }
    }
}
