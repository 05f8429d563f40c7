//! Documents of questions and answers: a question heads its answer, as a heading does, so that the answer is read alone.
//!
//! What counts as a question: a line "Q: …", and a paragraph in bold that asks. This file must not know about Markdown's
//! syntax; marks in the text say what it has to know.

use super::markdown::Section;

/// Stands before a paragraph that is a question by its looks.
pub(super) const QUESTION: char = '\u{1e}';
/// Stands where a line ends inside of a paragraph.
pub(super) const SOFT_BREAK: char = '\u{1f}';
/// The level of a question as a heading: below all others.
const LEVEL: u8 = 7;

const ASKS: [&str; 5] = ["q", "question", "frage", "pregunta", "f"];
const ANSWERS: [&str; 5] = ["a", "answer", "antwort", "respuesta", "r"];

/// A section in the sections of its questions; one without questions stays whole.
pub(super) fn answered(section: Section) -> Vec<Section> {
    let body = with_lines(&section.body);
    if !body.lines().any(|line| asked(line).is_some()) {
        return vec![Section { body, ..section }];
    }
    let mut all = Vec::new();
    let mut current = Section {
        trail: section.trail.clone(),
        body: String::new(),
    };
    for line in body.lines() {
        match asked(line) {
            Some(question) => {
                let next = section.below(LEVEL, question);
                all.push(std::mem::replace(&mut current, next));
            }
            None => {
                current
                    .body
                    .push_str(behind(line, &ANSWERS).unwrap_or(line));
                current.body.push('\n');
            }
        }
    }
    all.push(current);
    all
}

/// Lines of a paragraph are joined, but for those that ask or answer.
fn with_lines(body: &str) -> String {
    let mut joined = String::with_capacity(body.len());
    for (at, line) in body.split(SOFT_BREAK).enumerate() {
        if at > 0 {
            let is_marked = behind(line, &ASKS).is_some() || behind(line, &ANSWERS).is_some();
            joined.push(if is_marked { '\n' } else { ' ' });
        }
        joined.push_str(line);
    }
    joined
}

/// The question of a line that asks.
fn asked(line: &str) -> Option<&str> {
    let line = line.trim();
    let bold = line.strip_prefix(QUESTION);
    let question = bold.unwrap_or(line);
    behind(question, &ASKS)
        .or(bold.map(|_| question))
        .map(str::trim)
}

/// What stands behind "Q:", "Q1.", "Question 2:" and the like at the beginning of a line.
fn behind<'a>(line: &'a str, names: &[&str]) -> Option<&'a str> {
    let line = line.trim_start();
    let end = line.find([':', '.', ')'])?;
    let (name, rest) = (line.get(..end)?, line.get(end + 1..)?);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    // "A." and "F." may begin a list or a name; with a colon they do not.
    let is_certain =
        line[end..].starts_with(':') || bare.len() != name.len() || bare.eq_ignore_ascii_case("q");
    let is_name = names.iter().any(|known| known.eq_ignore_ascii_case(bare));
    (is_certain && is_name && rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[(&str, &str)]) {
        let section = Section {
            trail: vec![(1, "FAQ".to_owned())],
            body: body.to_owned(),
        };
        let all = answered(section);
        let read: Vec<(&str, &str)> = all
            .iter()
            .map(|section| {
                (
                    section
                        .trail
                        .last()
                        .map_or("", |(_, heading)| heading.as_str()),
                    section.body.trim(),
                )
            })
            .filter(|(_, body)| !body.is_empty())
            .collect();
        assert_eq!(read, expected, "{body}");
    }

    #[test]
    fn an_answer_stands_under_its_question_alone() {
        check(
            "Q: Open?\nA: Yes.\nQ2. Dogs?\nA2. On a lead.\nAlways.",
            &[("Open?", "Yes."), ("Dogs?", "On a lead.\nAlways.")],
        );
        check(
            "Hello.\nQuestion 1: Open?\nAnswer: Yes.",
            &[("FAQ", "Hello."), ("Open?", "Yes.")],
        );
    }

    #[test]
    fn what_asks_nothing_stays_whole() {
        check(
            "A plan. Q stands for queue.\nA: yes",
            &[("FAQ", "A plan. Q stands for queue.\nA: yes")],
        );
        check("one\u{1f}two", &[("FAQ", "one two")]);
    }
}
