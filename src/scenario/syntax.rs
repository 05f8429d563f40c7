//! What the parser of TOML says, in the words of somebody who writes a scenario.

use super::read::ScenarioError;
use super::unit;
use std::path::Path;

/// The error for a text that could not be read: with its line, its key and the cure where these are known, else as the
/// parser has it.
pub(super) fn error(path: &Path, text: &str, error: &toml::de::Error) -> ScenarioError {
    let at = error.span().map_or(0, |span| span.start);
    match mistaken_unit(text, at).or_else(|| mistaken_type(text, at, error.message())) {
        Some(Mistake { line, key, fix }) => ScenarioError::Value {
            path: path.to_owned(),
            line: Some(line + 1),
            key: key_in_table(text, line, &key),
            fix,
        },
        None => ScenarioError::Syntax {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        },
    }
}

struct Mistake {
    /// Counted from zero.
    line: usize,
    key: String,
    fix: String,
}

/// A number with a unit, in the line where the parser stopped; or in its table, if the parser names only that.
fn mistaken_unit(text: &str, at: usize) -> Option<Mistake> {
    let first = line_at(text, at);
    let mut lines = text.lines().enumerate().skip(first);
    let (line, start) = lines.next()?;
    let of = |(line, text): (usize, &str)| {
        let (key, fix) = unit::in_line(text)?;
        Some(Mistake { line, key, fix })
    };
    if header(start).is_none() {
        return of((line, start));
    }
    let inside = lines.take_while(|(_, text)| header(text).is_none());
    inside.into_iter().find_map(of)
}

/// A value of the wrong kind.
fn mistaken_type(text: &str, at: usize, message: &str) -> Option<Mistake> {
    let fix = of_wrong_type(message)?;
    let line = line_at(text, at);
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let before = text.get(start..at)?.trim_end().strip_suffix('=')?;
    let key = before.rsplit(['{', ',']).next()?.trim();
    Some(Mistake {
        line,
        key: key.to_owned(),
        fix,
    })
}

/// What to write in place of a value of the wrong kind; `message` is serde's.
pub(super) fn of_wrong_type(message: &str) -> Option<String> {
    let message = message.lines().next()?;
    let told = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = told.rsplit_once(", expected ")?;
    // The parser says what it found as: string "x", integer `-3`, floating point `1.5`, boolean `true`, map, sequence.
    let value = found.split_once(' ').map(|(_, rest)| rest);
    let value = value.map_or(found, |value| value.trim_start_matches("point "));
    let value = value.trim_matches('`');
    let cure = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => match value.bytes().all(|b| b.is_ascii_digit()) {
            true => "write a smaller whole number",
            false => "write a whole number, 0 or more",
        },
        "f32" | "f64" | "floating point" => "write a number",
        "a boolean" => "write true or false, without quotes",
        "a string" | "path string" => "write it in quotes",
        _ => return None,
    };
    Some(format!("{value}: {cure}"))
}

fn line_at(text: &str, at: usize) -> usize {
    text.get(..at)
        .map_or(0, |before| before.matches('\n').count())
}

/// The name in a table's header, such as `turn` in `[[turn]]`; `None` for another line.
fn header(line: &str) -> Option<&str> {
    let line = line.split(" #").next()?.trim();
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let name = name.trim_start_matches('[').trim_end_matches(']').trim();
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_inside))
        .then_some(name)
}

/// The key of a line with the table that the line stands in, as other errors name it.
fn key_in_table(text: &str, line: usize, key: &str) -> String {
    let before: Vec<&str> = text.lines().take(line + 1).collect();
    let Some((at, name)) = before
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, line)| Some((at, header(line)?)))
    else {
        return key.to_owned();
    };
    if !before[at].trim_start().starts_with("[[") {
        return format!("{name}.{key}");
    }
    let several = before.iter().filter(|line| header(line) == Some(name));
    format!("{name} {} {key}", several.count())
}

#[cfg(test)]
mod tests {
    use crate::scenario::parse;
    use std::path::Path;

    /// What is said about each of these texts.
    fn said(texts: &[&str]) -> String {
        let one = |text: &&str| match parse(Path::new("a.toml"), text) {
            Ok(_) => format!("{text}\nis fine"),
            Err(error) => format!("{text}\n=> {error}"),
        };
        texts.iter().map(one).collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn a_time_with_a_unit_names_the_number_to_write() {
        insta::assert_snapshot!(said(&[
            "[endpointing]\nsilence_ms = \"300ms\"",
            "[endpointing]\nsilence_ms = 300ms",
            "[endpointing]\nsilence_ms = 300 ms # the pause",
            "[endpointing]\nsilence_ms = 0.3s",
            "[endpointing]\nsilence_ms = \"300\"",
            "[[turn]]\nsay = \"Hi\"\n[[turn]]\nsay = \"Bye\"\ndelay_ms = \"1.5 s\"",
            "[budget]\nfailed_turns_max = 0\ne2e_latency_p95_ms = \"1200ms\"",
            "[budget]\ne2e_latency.p95_ms = 1.2s",
            "[stt]\nengine = \"simulated\"\nlatency = { uniform = { min_ms = 80, max_ms = \"120ms\" } }",
            "[load]\nduration_s = \"10 min\"",
        ]));
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_what_to_write() {
        insta::assert_snapshot!(said(&[
            "[endpointing]\nsilence_ms = -3",
            "[endpointing]\nsilence_ms = 300.5",
            "[endpointing]\nsilence_ms = \"short\"",
            "[speculation]\nenabled = \"yes\"",
            "name = 7",
            "[clauses]\nfirst_words = true",
        ]));
    }

    #[test]
    fn what_nobody_can_guess_is_told_as_the_parser_has_it() {
        insta::assert_snapshot!(said(&[
            "[endpointing\nsilence_ms = 3",
            "silence_ms 300",
            "\u{e4} = 300ms"
        ]));
    }
}
