//! Lines into events: server-sent events, lines of JSON, or one JSON document, whatever the server says that it is.
//!
//! An event counts as soon as its data is whole: servers that forget the empty line behind it are understood, and
//! nobody waits for the line. What is no event is handed on as it is, for whoever wants to tell of it.

use super::lines::Lines;
use serde_json::Value;

/// The longest event: 256 KiB, a thousand times what a token takes.
pub(super) const EVENT_BYTES_MAX: usize = 256 << 10;

const PIECE_BYTES: usize = 4 << 10;

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A JSON value.
    Json {
        /// The type that the server gives the event; empty if it gives none.
        name: String,
        value: Value,
        /// Whether it came by itself, and not as the data of a server-sent event.
        is_bare: bool,
    },
    /// The server says that it is done.
    Done,
    /// Something that is neither.
    Other {
        /// As for JSON.
        name: String,
        text: String,
    },
    /// The stream ended in the middle of this.
    Torn(String),
}

/// An event is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Reads a stream.
#[derive(Default)]
pub(super) struct Events {
    lines: Lines,
    name: String,
    data: Data,
}

impl Events {
    /// Takes bytes; what they complete is added to `all`.
    pub(super) fn push(&mut self, bytes: &[u8], all: &mut Vec<Event>) -> Result<(), TooLong> {
        // In little pieces, so that the bound is the same however the bytes come.
        for piece in bytes.chunks(PIECE_BYTES) {
            let mut came = Vec::new();
            self.lines.push(piece, |line| came.push(line));
            for line in came {
                self.line(&line, all);
            }
            if self.data.text.len() + self.lines.held_bytes() > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    /// Takes the end of the stream.
    pub(super) fn finish(&mut self, all: &mut Vec<Event>) {
        let last = all.len();
        let torn = self.lines.finish();
        if let Some(line) = &torn {
            self.line(line, all);
        }
        let is_open = self.data.is_open();
        self.dispatch(all);
        // What is half there is no event that was not understood.
        for event in &mut all[last..] {
            if let Event::Other { text, .. } = event
                && (torn.is_some() || is_open)
            {
                *event = Event::Torn(std::mem::take(text));
            }
        }
    }

    fn line(&mut self, line: &str, all: &mut Vec<Event>) {
        // At the beginning of a stream, or of every event of it.
        let line = line.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            // A document goes on behind an empty line.
            if !(self.data.is_bare && self.data.is_open()) {
                self.dispatch(all);
                self.name.clear();
            }
            return;
        }
        match Field::of(line) {
            Field::Data(data) => {
                if self.data.is_bare {
                    self.dispatch(all);
                }
                self.take(data, false, all);
            }
            Field::Name(name) => {
                self.dispatch(all);
                self.name = name.trim().chars().take(NAME_CHARACTERS_MAX).collect();
            }
            Field::Ignored => {}
            // Data of several lines of which only the first says so.
            Field::None if self.data.is_open() => {
                let is_bare = self.data.is_bare;
                self.take(line, is_bare, all);
            }
            Field::None => {
                self.dispatch(all);
                self.take(line, true, all);
                if self.data.is_bare && !self.data.is_open() {
                    self.dispatch(all);
                }
            }
        }
    }

    fn take(&mut self, line: &str, is_bare: bool, all: &mut Vec<Event>) {
        if !self.data.text.is_empty() && stands_alone(line) {
            self.dispatch(all);
        }
        self.data.add(line, is_bare);
        if is_done(&self.data.text) || self.data.is_closed() {
            self.dispatch(all);
        }
    }

    /// Hands on what was gathered, whatever it is.
    fn dispatch(&mut self, all: &mut Vec<Event>) {
        let data = std::mem::take(&mut self.data);
        let text = data.text.trim();
        if text.is_empty() {
            return;
        }
        if is_done(text) {
            all.push(Event::Done);
            return;
        }
        let name = &self.name;
        let mut rest = text;
        loop {
            // Several values without anything between them are several events.
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            let mut end = 0;
            while let Some(Ok(value)) = values.next() {
                end = values.byte_offset();
                let value = match value {
                    Value::Array(several) => several,
                    // JSON that was written as a text.
                    Value::String(text) => match serde_json::from_str(&text) {
                        Ok(object @ Value::Object(_)) => vec![object],
                        _ => vec![Value::String(text)],
                    },
                    one => vec![one],
                };
                all.extend(value.into_iter().map(|value| Event::Json {
                    name: name.clone(),
                    value,
                    is_bare: data.is_bare,
                }));
            }
            rest = rest.get(end..).unwrap_or_default().trim();
            // A list that comes element by element.
            match rest.strip_prefix(['[', ',', ']']) {
                Some(element) if data.is_bare => rest = element.trim(),
                _ => break,
            }
        }
        if !rest.is_empty() {
            all.push(Event::Other {
                name: name.clone(),
                text: rest.to_owned(),
            });
        }
    }
}

/// A longer name of an event tells nothing.
const NAME_CHARACTERS_MAX: usize = 100;

/// The field of a server-sent event that a line holds.
enum Field<'a> {
    Data(&'a str),
    Name(&'a str),
    /// A comment, or a field that matters to nobody here.
    Ignored,
    /// The line is none.
    None,
}

impl Field<'_> {
    fn of(line: &str) -> Field<'_> {
        let Some((name, value)) = line.split_once(':') else {
            return match line.trim() {
                "data" | "event" | "id" | "retry" => Field::Ignored,
                _ => Field::None,
            };
        };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name.trim().to_ascii_lowercase().as_str() {
            "data" => Field::Data(value),
            "event" => Field::Name(value),
            "" | "id" | "retry" => Field::Ignored,
            _ => Field::None,
        }
    }
}

/// Whether a server says that it is done, in any of the ways in which that is written.
fn is_done(text: &str) -> bool {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let text = text.strip_prefix('[').unwrap_or(text);
    let text = text.strip_suffix(']').unwrap_or(text);
    text.eq_ignore_ascii_case("done")
}

/// Whether a line is an event of an answer by itself, so that what came before it and is no event goes on no longer.
fn stands_alone(line: &str) -> bool {
    let line = line.trim();
    if is_done(line) {
        return true;
    }
    if !(line.starts_with('{') && line.ends_with('}')) {
        return false;
    }
    // Keys that no object inside of a document has: those lie in lines of their own too.
    let keys = ["choices", "error", "response", "done", "stop"];
    serde_json::from_str::<Value>(line)
        .is_ok_and(|value| keys.iter().any(|key| value.get(key).is_some()))
}

/// The data of an event so far, and how far its brackets are open.
#[derive(Default)]
struct Data {
    text: String,
    is_bare: bool,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Data {
    fn add(&mut self, line: &str, is_bare: bool) {
        if self.text.is_empty() {
            self.is_bare = is_bare;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(line);
        for byte in line.bytes() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.is_in_string => self.is_escaped = true,
                b'"' => self.is_in_string = !self.is_in_string,
                b'{' | b'[' if !self.is_in_string => self.depth += 1,
                b'}' | b']' if !self.is_in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn is_json(&self) -> bool {
        self.text.trim_start().starts_with(['{', '['])
    }

    /// Whether the data is JSON that goes on.
    fn is_open(&self) -> bool {
        self.is_json() && self.depth > 0
    }

    /// Whether the data is JSON as far as its brackets tell, and whole.
    fn is_closed(&self) -> bool {
        self.is_json() && self.depth == 0 && !self.is_in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn events(bytes: &[u8], size: usize) -> Vec<Event> {
        let (mut events, mut all) = (Events::default(), Vec::new());
        for piece in bytes.chunks(size) {
            events.push(piece, &mut all).expect("short");
        }
        events.finish(&mut all);
        all
    }

    /// What comes of a stream, however it is cut: values, "DONE", and text in angle brackets.
    fn read(stream: &str) -> Vec<String> {
        let told = |event: &Event| match event {
            Event::Json { name, value, .. } => format!("{name}{value}"),
            Event::Done => "DONE".to_owned(),
            Event::Other { name, text } => format!("{name}<{text}>"),
            Event::Torn(text) => format!("torn <{text}>"),
        };
        let whole: Vec<String> = events(stream.as_bytes(), 1 << 20)
            .iter()
            .map(told)
            .collect();
        for size in [1, 2, 3, 7] {
            let cut: Vec<String> = events(stream.as_bytes(), size).iter().map(told).collect();
            assert_eq!(cut, whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn events_come_in_every_form_that_servers_give_them() {
        let a = r#"{"choices":1}"#;
        for (stream, expected) in [
            (format!("data: {a}\n\ndata: [DONE]\n\n"), vec![a, "DONE"]),
            (
                format!("data:{a}\r\n\r\ndata:[done]\r\n\r\n"),
                vec![a, "DONE"],
            ),
            (format!("data: {a}\r\rdata: \"[DONE]\""), vec![a, "DONE"]),
            // Without the empty lines.
            (
                format!("data: {a}\ndata: {a}\ndata: [DONE]\n"),
                vec![a, a, "DONE"],
            ),
            // A byte order mark, once or before each event.
            (
                format!("\u{feff}data: {a}\n\n\u{feff}data: {a}\n\n"),
                vec![a, a],
            ),
            (
                format!(": hello\n\nid: 1\nretry: 3\ndata\ndata:\ndata: \n\ndata: {a}\n\n"),
                vec![a],
            ),
            // One value over several lines, which say so or not.
            (
                "data: {\"a\":\ndata: [1,\ndata: 2]}\n\n".to_owned(),
                vec![r#"{"a":[1,2]}"#],
            ),
            (
                "data: {\n  \"a\": \"}\"\n}\n\n".to_owned(),
                vec![r#"{"a":"}"}"#],
            ),
            // Lines of JSON, and a document.
            (format!("{a}\n{a}\n"), vec![a, a]),
            (format!("{a}{a}"), vec![a, a]),
            (
                "{\n \"a\": 1,\n\n \"b\": [\n 2 ]\n}".to_owned(),
                vec![r#"{"a":1,"b":[2]}"#],
            ),
            (format!("[{a},\n{a}]\n"), vec![a, a]),
            (
                "{\"choices\": [\n{\"message\": {}}\n],\n\"usage\":\n{\"usage\": 1}\n}".to_owned(),
                vec![r#"{"choices":[{"message":{}}],"usage":{"usage":1}}"#],
            ),
            ("data: \"{\\\"choices\\\":1}\"\n\n".to_owned(), vec![a]),
        ] {
            assert_eq!(read(&stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn what_is_no_event_is_told_and_costs_no_other() {
        let a = r#"{"choices":1}"#;
        for (stream, expected) in [
            (
                format!("data: : keepalive\n\ndata: {a}\n\n"),
                vec!["<: keepalive>", a],
            ),
            (format!("data: x\ndata: {a}\n"), vec!["<x>", a]),
            (
                format!("data: {{\"open\ndata: {a}\n\n"),
                vec!["<{\"open>", a],
            ),
            (format!("{{\"open\n{a}\n"), vec!["<{\"open>", a]),
            (
                "<html>\n</html>\n".to_owned(),
                vec!["<<html>>", "<</html>>"],
            ),
            ("data: {not json}\n\n".to_owned(), vec!["<{not json}>"]),
            (
                format!("event: error\ndata: died\n\ndata: {a}\n\n"),
                vec!["error<died>", a],
            ),
            (
                format!("event: x\ndata: {a}\n\n"),
                vec![r#"x{"choices":1}"#],
            ),
        ] {
            assert_eq!(read(&stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn an_end_in_the_middle_of_an_event_is_told_as_that() {
        let a = r#"{"choices":1}"#;
        assert_eq!(
            read(&format!("data: {a}\n\ndata: {{\"cho")),
            [a, "torn <{\"cho>"]
        );
        assert_eq!(read("data: [DO"), ["torn <[DO>"]);
        assert_eq!(read("{\"a\":\n"), ["torn <{\"a\":>"]);
    }

    #[test]
    fn an_event_is_there_as_soon_as_it_is_whole() {
        let (mut events, mut all) = (Events::default(), Vec::new());
        events.push(b"data: {\"a\":1}\n", &mut all).expect("short");
        let value = json!({"a": 1});
        assert!(
            matches!(&all[..], [Event::Json { value: it, is_bare: false, .. }] if *it == value)
        );
    }

    #[test]
    fn an_endless_event_is_refused() {
        let long = "x".repeat(EVENT_BYTES_MAX);
        for stream in [format!("{long}x"), format!("data: {{\ndata: {long}\n")] {
            let mut events = Events::default();
            assert_eq!(
                events.push(stream.as_bytes(), &mut Vec::new()),
                Err(TooLong)
            );
        }
    }
}
