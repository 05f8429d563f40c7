//! The words that a recogniser on a server sends, in any of the forms that there are: JSON with few or many details,
//! events of a stream, plain text, and subtitles (SRT, WebVTT).

use super::events::{Event, Events};
use super::said::Said;
use crate::engine::words::page_title;
use serde_json::Value;

/// How deep a transcript is looked for.
const DEPTH_MAX: usize = 8;

/// The transcript in a body; empty if nothing was said. Else why there is none.
pub(super) fn text_in(body: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(page) = page_title(text) {
        return Err(format!("sent {page}, in place of a transcript"));
    }
    let (mut events, mut all) = (Events::default(), Vec::new());
    if events.push(text.as_bytes(), &mut all).is_err() {
        return Err("sent a transcript of more than 256 KiB".into());
    }
    events.finish(&mut all);
    let is_structured = all.iter().any(|event| match event {
        Event::Json { value, .. } => value.is_object(),
        Event::Other { .. } | Event::Torn(_) | Event::Done => false,
    });
    match is_structured {
        true => in_events(&all),
        false if text.starts_with(['{', '[']) && text.contains('"') => {
            Err(format!("sent no transcript: {text}"))
        }
        false => Ok(in_text(text)),
    }
}

fn in_events(events: &[Event]) -> Result<String, String> {
    let mut pieces = String::new();
    let mut is_known = false;
    for event in events {
        let (name, value) = match event {
            Event::Json { name, value, .. } => (name, value),
            Event::Other { name, text } if name == "error" => {
                return Err(format!("reports: {text}"));
            }
            Event::Torn(text) => {
                return Err(format!("broke off in the middle of a transcript: {text}"));
            }
            Event::Other { .. } | Event::Done => continue,
        };
        let Some(words) = words(value, DEPTH_MAX) else {
            if let Some(error) = Said::of(name, value).error {
                return Err(format!("reports: {error}"));
            }
            continue;
        };
        is_known = true;
        let kind = value
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if kind.ends_with(".done") {
            // All of it again, behind its pieces.
            return Ok(words.trim().to_owned());
        }
        if !kind.ends_with(".delta") && !pieces.is_empty() {
            pieces.push(' ');
        }
        pieces += &words;
    }
    match (is_known, events.first()) {
        (false, Some(Event::Json { value, .. })) => Err(format!("sent no transcript: {value}")),
        _ => Ok(pieces.trim().to_owned()),
    }
}

/// The words in a value; `None` if it holds no transcript.
fn words(value: &Value, depth: usize) -> Option<String> {
    let deeper = depth.checked_sub(1)?;
    let object = match value {
        Value::Object(object) => object,
        Value::Array(several) => {
            let words: Vec<String> = several.iter().filter_map(|it| words(it, deeper)).collect();
            let words: Vec<&str> = words.iter().map(|it| it.trim()).collect();
            // A list without anything in it is a transcript without anything in it.
            return (!words.is_empty() || several.is_empty()).then(|| words.join(" "));
        }
        _ => return None,
    };
    for key in [
        "text",
        "delta",
        "transcript",
        "transcription",
        "DisplayText",
        "sentence",
    ] {
        match object.get(key) {
            Some(Value::String(text)) => return Some(text.clone()),
            Some(Value::Null) => return Some(String::new()),
            Some(deep @ (Value::Object(_) | Value::Array(_))) => return words(deep, deeper),
            _ => {}
        }
    }
    // A recogniser that lists several readings of one sound puts the best first.
    for key in ["alternatives", "NBest", "nbest"] {
        if let Some(best) = object.get(key).and_then(Value::as_array) {
            return best
                .first()
                .map_or(Some(String::new()), |best| words(best, deeper));
        }
    }
    let inside = [
        "segments",
        "results",
        "result",
        "channels",
        "channel",
        "utterances",
        "chunks",
        "data",
        "output",
    ];
    inside
        .iter()
        .find_map(|key| words(object.get(*key)?, deeper))
}

/// The words of a plain text or of subtitles.
fn in_text(text: &str) -> String {
    if !text.contains("-->") {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_spoken = |index: usize| {
        let line = lines[index];
        let is_number = line.chars().all(|c| c.is_ascii_digit());
        let is_before_time = lines
            .get(index + 1)
            .is_some_and(|next| next.contains("-->"));
        let is_time = line.contains("-->");
        let is_head = line.starts_with("WEBVTT") || line.starts_with("NOTE");
        !(line.is_empty() || is_time || is_head || is_number && is_before_time)
    };
    let spoken = (0..lines.len()).filter(|index| is_spoken(*index));
    let spoken: Vec<&str> = spoken.map(|index| lines[index]).collect();
    spoken.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_every_form() {
        for body in [
            r#"{"text":" Are you open? "}"#,
            "\u{feff}{\"text\":\"Are you open?\"}",
            r#"{"task":"transcribe","duration":2.1,"text":"Are you open?","segments":[{"text":"no"}]}"#,
            r#"{"segments":[{"text":" Are you"},{"text":" open?"}]}"#,
            r#"{"results":[{"text":"Are you open?"}]}"#,
            r#"{"results":{"channels":[{"alternatives":[{"transcript":"Are you open?"},{"transcript":"no"}]}]}}"#,
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Are you\"}\n\ndata: {\"type\":\"transcript.text.done\",\"text\":\"Are you open?\"}\n\n",
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Are you\"}\n\ndata: {\"type\":\"transcript.text.delta\",\"delta\":\" open?\"}\n\ndata: [DONE]\n\n",
            "data: {\"text\":\"Are you\"}\n\ndata: {\"text\":\"open?\"}\n\n",
            "{\"text\":\"Are you\"}\n{\"text\":\"open?\"}\n",
            "Are you open?\n",
            "1\n00:00:00,000 --> 00:00:01,200\nAre you\n\n2\n00:00:01,200 --> 00:00:02,000\nopen?\n",
            "WEBVTT\n\n00:00.000 --> 00:02.000\nAre you open?\n",
        ] {
            assert_eq!(
                text_in(body.as_bytes()).as_deref(),
                Ok("Are you open?"),
                "{body}"
            );
        }
        assert_eq!(text_in(b"42").as_deref(), Ok("42"));
        assert_eq!(text_in(b"[Music] Done.").as_deref(), Ok("[Music] Done."));
    }

    #[test]
    fn where_nothing_was_said_there_are_no_words_and_no_error() {
        for body in [
            "",
            "\n",
            r#"{"text":""}"#,
            r#"{"text":null}"#,
            r#"{"segments":[]}"#,
        ] {
            assert_eq!(text_in(body.as_bytes()).as_deref(), Ok(""), "{body}");
        }
    }

    #[test]
    fn what_is_no_transcript_is_told_in_the_servers_words() {
        for (body, says) in [
            (
                r#"{"error":{"message":"audio too short"}}"#,
                "reports: audio too short",
            ),
            ("event: error\ndata: busy\n\n{}", "reports: busy"),
            (r#"{"words":1}"#, "sent no transcript: {\"words\":1}"),
            (
                "<html><title>Login</title></html>",
                "sent a web page, “Login”, in place",
            ),
            (r#"{"text":"Are"#, "sent no transcript"),
        ] {
            let said = text_in(body.as_bytes()).expect_err(body);
            assert!(said.contains(says), "{said}");
        }
    }
}
