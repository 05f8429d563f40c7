//! An answer that is a JSON document: the text in it is spoken, its keys and brackets are not.

use serde_json::Value;

/// Keys under which an answer's text stands, the likeliest first.
const KEYS: [&str; 15] = [
    "answer",
    "response",
    "reply",
    "speech",
    "spoken",
    "say",
    "utterance",
    "text",
    "message",
    "content",
    "final_answer",
    "output",
    "result",
    "summary",
    "description",
];
/// A longer document is spoken as it is written.
const BYTES_MAX: usize = 1 << 14;
/// What may be missing at the end of a document that was cut off.
const ENDS: [&str; 8] = ["}", "\"}", "\"]}", "]}", "}}", "\"}}", "}]", "\"}]"];

/// Holds back what may be a JSON document, and hands on its text.
#[derive(Debug, Default)]
pub(super) struct Document {
    place: Place,
    held: String,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Beginning,
    Inside,
    /// Behind a document that stood in a code block.
    Behind,
    Text,
}

impl Document {
    /// Adds what is text to `text`.
    pub(super) fn push(&mut self, piece: &str, text: &mut String) {
        for c in piece.chars() {
            match self.place {
                Place::Text => text.push(c),
                Place::Behind if c == '`' => {}
                Place::Behind => text.push(c),
                Place::Beginning => {
                    self.held.push(c);
                    self.begin(text);
                }
                Place::Inside => {
                    self.held.push(c);
                    self.inside(c, text);
                }
            }
        }
    }

    /// What is left when the text is over.
    pub(super) fn finish(&mut self, text: &mut String) {
        if self.place == Place::Inside {
            let cut = self.held[self.start()..].to_owned();
            let mended = ENDS.iter().find_map(|end| text_of(&format!("{cut}{end}")));
            if let Some(found) = mended {
                self.held.clear();
                text.push_str(&found);
            }
        }
        self.release(text);
    }

    fn release(&mut self, text: &mut String) {
        text.push_str(&std::mem::take(&mut self.held));
        self.place = Place::Text;
    }

    /// Decides whether the answer begins with a document, alone or in a code block.
    fn begin(&mut self, text: &mut String) {
        let begun = self.held.trim_start();
        let body = match begun.strip_prefix("```") {
            Some(fenced) => match fenced.split_once('\n') {
                Some((_, body)) => body.trim_start(),
                None if fenced.len() < 12 => return,
                None => return self.release(text),
            },
            None if "```".starts_with(begun) => return,
            None => begun,
        };
        match body.chars().next() {
            None => {}
            Some('{') => self.enter(1),
            // A row of documents, but not "[laughs]".
            Some('[') => match body[1..].trim_start().chars().next() {
                None => {}
                Some('{') => self.enter(2),
                Some(_) => self.release(text),
            },
            Some(_) => self.release(text),
        }
    }

    fn enter(&mut self, depth: usize) {
        self.place = Place::Inside;
        self.depth = depth;
    }

    /// Where the document begins in what is held.
    fn start(&self) -> usize {
        self.held.find(['{', '[']).unwrap_or(0)
    }

    fn inside(&mut self, c: char, text: &mut String) {
        if self.in_string {
            self.in_string = self.is_escaped || c != '"';
            self.is_escaped = c == '\\' && !self.is_escaped;
            return;
        }
        match c {
            '"' => self.in_string = true,
            '{' | '[' => self.depth += 1,
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth == 0 {
            match text_of(&self.held[self.start()..]) {
                Some(found) => {
                    self.held.clear();
                    text.push_str(&found);
                    self.place = Place::Behind;
                }
                None => self.release(text),
            }
        } else if self.held.len() > BYTES_MAX {
            self.release(text);
        }
    }
}

/// The text of a document, if it is one with a text.
fn text_of(json: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    let text = named(&value).unwrap_or_else(|| {
        let mut all = Vec::new();
        strings(&value, &mut all);
        all.join("\n")
    });
    (!text.trim().is_empty()).then_some(text)
}

fn named(value: &Value) -> Option<String> {
    if let Value::Array(all) = value {
        let texts: Option<Vec<String>> = all.iter().map(named).collect();
        return texts.map(|texts| texts.join("\n"));
    }
    let object = value.as_object()?;
    KEYS.iter().find_map(|key| match object.get(*key)? {
        Value::String(text) => Some(text.clone()),
        inner @ Value::Object(_) => named(inner),
        _ => None,
    })
}

/// All strings of a value that are more than a name.
fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(' ') => all.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, all)),
        Value::Object(values) => values.values().for_each(|value| strings(value, all)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        let mut document = Document::default();
        let mut text = String::new();
        for c in written.chars() {
            document.push(&c.to_string(), &mut text);
        }
        document.finish(&mut text);
        assert_eq!(text.trim(), expected, "{written}");
    }

    #[test]
    fn the_text_of_a_document_is_spoken() {
        check(
            r#"{"answer": "We open at nine.", "confidence": 0.9}"#,
            "We open at nine.",
        );
        check(
            "```json\n{\"reply\": {\"text\": \"Yes {really}.\"}}\n```",
            "Yes {really}.",
        );
        check(
            r#"{"a": "Two words.", "b": ["And more."]}"#,
            "Two words.\nAnd more.",
        );
        check(r#"{"answer": "We open at"#, "We open at");
        check(
            r#"[{"text": "We open at nine."}, {"text": "Come by."}]"#,
            "We open at nine.\nCome by.",
        );
        check(r#"[ {"text": "We open at"#, "We open at");
    }

    #[test]
    fn what_is_no_document_is_kept() {
        check("{see below} Yes.", "{see below} Yes.");
        check("```\nplain\n```", "```\nplain\n```");
        check("Yes.", "Yes.");
        check("[laughs] Yes.", "[laughs] Yes.");
        check("[", "[");
        check(r#"{"n": 3}"#, r#"{"n": 3}"#);
    }
}
