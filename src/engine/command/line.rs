//! One line of a program's answer.

use crate::engine::words::{is_true, words_of};
use serde_json::Value;

/// What a program says in a line. All of it may be empty.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Line {
    /// Which request the line answers, if the program says so.
    pub(super) id: Option<Value>,
    pub(super) text: Option<String>,
    /// Whether the text may still change.
    pub(super) is_partial: bool,
    /// Samples, in base64.
    pub(super) pcm_s16le: Option<String>,
    pub(super) sample_rate: Option<u32>,
    /// Whether nothing follows.
    pub(super) is_done: bool,
    pub(super) error: Option<String>,
}

impl Line {
    /// What is in a line; `None` for one that is no JSON object.
    pub(super) fn parse(text: &str) -> Option<Line> {
        let Value::Object(line) = serde_json::from_str(text).ok()? else {
            return None;
        };
        let get = |key: &str| line.get(key).filter(|value| !value.is_null());
        let says = |key: &str| get(key).is_some_and(is_true);
        let text = |key: &str| match get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let rate = get("sample_rate").and_then(Value::as_f64);
        Some(Line {
            id: get("id").cloned(),
            text: text("text"),
            is_partial: says("partial"),
            pcm_s16le: text("pcm_s16le"),
            sample_rate: rate.map(|rate| rate as u32),
            is_done: says("done"),
            error: match get("error") {
                None | Some(Value::Bool(false)) => None,
                Some(error) => Some(words_of(error).unwrap_or_else(|| error.to_string())),
            },
        })
    }

    /// Whether the line belongs to the request of this number, as far as it says.
    pub(super) fn answers(&self, number: u64) -> bool {
        match &self.id {
            None => true,
            Some(Value::String(id)) => id.trim().parse() == Ok(number),
            Some(id) => id.as_f64() == Some(number as f64),
        }
    }

    /// Whether the answer is over with this line.
    pub(super) fn is_last(&self) -> bool {
        self.is_done || self.error.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_understood_as_far_as_it_can_be() {
        let line = |text: &str| Line::parse(text).expect("an object");
        assert_eq!(line("{}"), Line::default());
        let all = line(r#"{"text":"Yes.","done":true,"tokens":3}"#);
        assert_eq!((all.text.as_deref(), all.is_done), (Some("Yes."), true));
        assert_eq!(
            line(r#"{"text":null,"done":null,"error":null}"#),
            Line::default()
        );
        assert_eq!(line(r#"{"text":42}"#).text.as_deref(), Some("42"));
        assert!(line(r#"{"done":"True"}"#).is_done && line(r#"{"done":1}"#).is_done);
        assert_eq!(line(r#"{"sample_rate":22050.0}"#).sample_rate, Some(22_050));
        for error in [r#"{"error":"quota"}"#, r#"{"error":{"message":"quota"}}"#] {
            assert_eq!(line(error).error.as_deref(), Some("quota"));
        }
        for no_answer in ["", "hello", "[1]", "\"text\"", "{'text': 'Yes'}"] {
            assert_eq!(Line::parse(no_answer), None);
        }
    }

    #[test]
    fn a_line_answers_the_request_that_it_names_or_any() {
        let answers = |id: &str| Line::parse(id).expect("an object").answers(7);
        assert!(answers("{}") && answers(r#"{"id":7}"#) && answers(r#"{"id":"7"}"#));
        assert!(!answers(r#"{"id":6}"#) && !answers(r#"{"id":"a"}"#));
    }
}
