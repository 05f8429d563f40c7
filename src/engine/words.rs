//! The words of an error, wherever a server puts them.

use serde_json::Value;

/// How deep an error is looked into.
const DEPTH_MAX: usize = 8;
/// How many of several errors are told.
const ERRORS_MAX: usize = 4;

/// The message in an error; `None` if there is none.
pub(super) fn words_of(value: &Value) -> Option<String> {
    words_within(value, DEPTH_MAX)
}

fn words_within(value: &Value, depth: usize) -> Option<String> {
    let deeper = depth.checked_sub(1)?;
    match value {
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        Value::Array(several) => {
            let words = several.iter().filter_map(|it| words_within(it, deeper));
            let words: Vec<String> = words.take(ERRORS_MAX).collect();
            (!words.is_empty()).then(|| words.join("; "))
        }
        Value::Object(error) => {
            let places = [
                "error",
                "message",
                "msg",
                "error_message",
                "detail",
                "details",
                "errors",
                "description",
                "reason",
                "title",
            ];
            let words = places
                .iter()
                .find_map(|place| words_within(error.get(*place)?, deeper))?;
            // Which key of the request is meant.
            Some(match error.get("loc").and_then(Value::as_array) {
                Some(place) => {
                    let place: Vec<String> = place
                        .iter()
                        .map(|step| step.as_str().map_or(step.to_string(), str::to_owned))
                        .collect();
                    format!("{}: {words}", place.join("."))
                }
                None => words,
            })
        }
        _ => None,
    }
}

/// As much of what others say is shown.
const LINE_CHARACTERS_MAX: usize = 300;

/// The beginning of a text as one line that can be printed.
pub(super) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LINE_CHARACTERS_MAX).collect()
}

/// Characters that show nothing, and hide or turn what follows.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a value says yes, in any of the ways in which that is written.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(is_true) => *is_true,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        Value::Number(number) => number.as_f64() == Some(1.0),
        _ => false,
    }
}

/// The message in a body, or the body if none can be told.
#[cfg(feature = "openai")]
pub(super) fn words_in(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(title) = page_title(text) {
        return title;
    }
    let value = serde_json::from_str::<Value>(text).ok();
    value
        .and_then(|value| words_of(&value))
        .unwrap_or_else(|| text.to_owned())
}

/// How a page is told of: by its title, if it has one. `None` for a text that is no page.
#[cfg(feature = "openai")]
pub(super) fn page_title(text: &str) -> Option<String> {
    let begins: String = text.trim_start().chars().take(PAGE_CHARACTERS).collect();
    let begins = begins.to_ascii_lowercase();
    let is_page = begins.starts_with("<!doctype") || begins.starts_with("<html");
    if !is_page {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let between = |open: &str, close: &str| {
        let from = lower.find(open)? + open.len();
        let from = from + lower.get(from..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find(close)?;
        text.get(from..to)
    };
    let words = between("<title", "</title").or_else(|| between("<body", "</body"));
    let mut is_tag = false;
    let plain = words.unwrap_or_default().chars().filter(|c| {
        let was_tag = is_tag;
        is_tag = match c {
            '<' => true,
            '>' => false,
            _ => is_tag,
        };
        !(was_tag || is_tag)
    });
    let words: String = plain.take(PAGE_WORDS_MAX).collect();
    Some(match words.trim() {
        "" => "a web page".to_owned(),
        words => format!("a web page, “{words}”"),
    })
}

#[cfg(feature = "openai")]
const PAGE_CHARACTERS: usize = 20;
#[cfg(feature = "openai")]
const PAGE_WORDS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "openai")]
    #[test]
    fn the_message_of_a_refusal_is_found() {
        for (body, message) in [
            (r#"{"error":{"message":"no","type":"x"}}"#, "no"),
            (r#"{"error":"no"}"#, "no"),
            (r#"{"message":"no"}"#, "no"),
            (r#"{"detail":"no"}"#, "no"),
            (
                r#"{"errors":[{"message":"no"},{"message":"never"}]}"#,
                "no; never",
            ),
            (
                r#"{"object":"error","message":{"detail":[{"type":"x","loc":["body","top_k"],"msg":"not permitted"}]}}"#,
                "body.top_k: not permitted",
            ),
            ("plain", "plain"),
            (r#"{"other":1}"#, r#"{"other":1}"#),
            (
                "<html><head><title>502 Bad Gateway</title></head></html>",
                "a web page, “502 Bad Gateway”",
            ),
            (
                "<!DOCTYPE html><body class=x><h1>Welcome</h1></body>",
                "a web page, “Welcome”",
            ),
            ("<html>", "a web page"),
        ] {
            assert_eq!(words_in(body.as_bytes()), message);
        }
    }

    #[test]
    fn an_error_that_has_no_end_is_looked_into_only_so_far() {
        let deep = format!("{}\"no\"{}", "{\"error\":".repeat(50), "}".repeat(50));
        let value = serde_json::from_str(&deep).expect("JSON");
        assert_eq!(words_of(&value), None);
    }
}
