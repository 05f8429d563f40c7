//! The questions that a chunk answers, made up by rules from its headings and from how its sentences are built:
//! "Opening hours" above "We open at ten" gives "When do you open?". They are indexed with the chunk, never spoken.
//!
//! The rules know English only, and nothing of the world; what people ask in words of their own is in `asked`.

use super::asks::{self, Ask};
use super::passages::Passage;
use crate::speak::sentences::sentences;

/// The most questions that are made up for one chunk.
const QUESTIONS_MAX: usize = 24;
/// The most words of a subject that a question is made up about.
const SUBJECT_WORDS_MAX: usize = 8;

/// Questions to which the passage holds the answer, by the rules of this file.
pub(super) fn questions(passage: &Passage) -> Vec<String> {
    let heading = passage.heading();
    let mut questions = of_heading(heading, &passage.body);
    for sentence in sentences(&passage.body) {
        if questions.len() >= QUESTIONS_MAX {
            break;
        }
        questions.extend(of_sentence(sentence));
    }
    questions.dedup();
    questions.truncate(QUESTIONS_MAX);
    questions
}

/// What may be asked about a whole section, by what its text can tell.
fn of_heading(heading: &str, body: &str) -> Vec<String> {
    let kinds: [(Ask, &str); 5] = [
        (Ask::Price, "How much is"),
        (Ask::ClockTime, "When is"),
        (Ask::Duration, "How long is"),
        (Ask::Contact, "Who do I ask about"),
        (Ask::Place, "Where is"),
    ];
    let told = kinds.into_iter().filter(|(ask, _)| asks::tells(*ask, body));
    let mut questions: Vec<String> = told
        .map(|(_, asking)| format!("{asking} {}?", heading.to_lowercase()))
        .collect();
    questions.insert(0, format!("What about {}?", heading.to_lowercase()));
    questions
}

/// What a sentence answers, by its verb.
fn of_sentence(sentence: &str) -> Vec<String> {
    let row = of_row(sentence);
    let words: Vec<&str> = sentence
        .trim_end_matches(['.', '!', '?', ';'])
        .split(' ')
        .collect();
    let Some(at) = words.iter().position(|word| verb(word).is_some()) else {
        return row;
    };
    let subject = words.get(..at).unwrap_or(&[]).join(" ");
    let rest = words.get(at + 1..).unwrap_or(&[]);
    if subject.is_empty() || at > SUBJECT_WORDS_MAX {
        return row;
    }
    let object: Vec<&str> = rest.iter().copied().take(SUBJECT_WORDS_MAX).collect();
    let made = words.get(at).and_then(|word| verb(word));
    let questions = made.map(|kind| kind.questions(&you(&subject), words[at], &object.join(" ")));
    row.into_iter()
        .chain(questions.unwrap_or_default())
        .collect()
}

/// A table row or list item: "Large loaf: price £4.60".
fn of_row(line: &str) -> Vec<String> {
    let Some((subject, told)) = line.split_once(": ") else {
        return Vec::new();
    };
    if subject.split(' ').count() > SUBJECT_WORDS_MAX {
        return Vec::new();
    }
    let mut questions = Vec::new();
    if asks::tells(Ask::Price, told) {
        questions.push(format!("How much is {subject}?"));
    }
    if asks::tells(Ask::ClockTime, told) {
        questions.push(format!("What time is {subject}?"));
    }
    questions
}

/// What a verb says of its subject.
#[derive(Clone, Copy)]
enum Verb {
    /// "A starter is …": a definition, or a state.
    Is,
    /// "You can …"
    May,
    /// "Hire costs …"
    Costs,
    /// "We open at …"
    Opens,
    /// "We sell …"
    Does,
}

fn verb(word: &str) -> Option<Verb> {
    Some(match word {
        "is" | "are" | "means" => Verb::Is,
        "can" | "may" | "must" => Verb::May,
        "cost" | "costs" => Verb::Costs,
        "open" | "opens" | "close" | "closes" | "starts" | "begins" | "ends" => Verb::Opens,
        "sell" | "serve" | "take" | "keep" | "make" | "offer" | "accept" | "deliver" | "give"
        | "lend" | "stock" | "have" | "has" | "needs" | "holds" => Verb::Does,
        _ => return None,
    })
}

impl Verb {
    fn questions(self, subject: &str, verb: &str, object: &str) -> Vec<String> {
        match self {
            Verb::Is if asks::tells(Ask::Price, object) => vec![format!("How much is {subject}?")],
            Verb::Is => vec![
                format!("What is {subject}?"),
                format!("Is {subject} {object}?"),
            ],
            Verb::May => vec![format!("Can {} {object}?", me(subject))],
            Verb::Costs => vec![format!("How much does {subject} cost?")],
            Verb::Opens => vec![format!("When do {subject} {verb}?")],
            Verb::Does => vec![format!("Do {subject} {verb} {object}?")],
        }
    }
}

/// The subject as a question has it: documents that write "we" are asked as "you".
fn you(subject: &str) -> String {
    match subject.to_lowercase().as_str() {
        "we" | "our" | "us" => "you".into(),
        other => other.to_owned(),
    }
}

/// The subject as a question has it: a reader written to as "you" asks as "I".
fn me(subject: &str) -> &str {
    if subject == "you" { "I" } else { subject }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up(heading: &str, body: &str) -> Vec<String> {
        questions(&Passage {
            file: String::new(),
            document: "Shop".into(),
            trail: vec![heading.into()],
            body: body.into(),
        })
    }

    #[track_caller]
    fn check(heading: &str, body: &str, question: &str) {
        let made = made_up(heading, body);
        assert!(made.iter().any(|made| made == question), "{made:?}");
    }

    #[test]
    fn statements_become_the_questions_that_they_answer() {
        check("Opening hours", "We open at ten.", "When do you open?");
        check(
            "Opening hours",
            "We open at 10:00.",
            "When is opening hours?",
        );
        check(
            "Hire",
            "Hire costs £22 an hour.",
            "How much does hire cost?",
        );
        check(
            "Cups",
            "You may bring your own cup.",
            "Can I bring your own cup?",
        );
        check(
            "Flour",
            "We sell flour by the sack.",
            "Do you sell flour by the sack?",
        );
        check("Jitter", "Jitter is unevenness.", "What is jitter?");
        check(
            "Prices",
            "Large loaf: price £4.60",
            "How much is Large loaf?",
        );
        check(
            "Help",
            "Write to help@shop.example.",
            "Who do I ask about help?",
        );
    }

    proptest::proptest! {
        #[test]
        fn any_chunk_has_few_questions(heading in "\\PC{0,40}", body in "(\\PC|we sell |: £1|\n){0,200}") {
            let made = made_up(&heading, &body);
            assert!((1..=QUESTIONS_MAX).contains(&made.len()));
        }
    }
}
