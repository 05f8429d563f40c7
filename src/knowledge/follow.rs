//! A question that goes on from the one before it, with its subject: "And on Sundays?" after "When do you open on
//! Saturday?" is about opening.
//!
//! Pure: the earlier questions are data, and nothing is kept between two calls.

use std::collections::BTreeSet;

use super::asks::spaced;
use super::query::Slot;

/// Words with which somebody goes on.
const OPENERS: [&str; 14] = [
    " and ",
    " what about ",
    " how about ",
    " or ",
    " but ",
    " also ",
    " what if ",
    " same for ",
    " then ",
    " so what ",
    " ok and ",
    " okay and ",
    " is that ",
    " and what ",
];
/// Words that stand for something said before.
const REFERENCES: [&str; 14] = [
    " it ", " that ", " they ", " them ", " he ", " she ", " those ", " ones ", " one ", " its ",
    " this ", " then ", " it's ", " him ",
];
/// Words that after "that" begin a clause ("that I have finished"): "that" stands for nothing said before then.
const CLAUSE_STARTERS: [&str; 14] = [
    "i", "you", "we", "they", "he", "she", "it", "there", "the", "a", "an", "my", "your", "our",
];
/// The most content words of a question that goes on because it refers to something.
const REFERRING_WORDS_MAX: usize = 3;
/// The most content words of a question that has no subject of its own.
const BARE_WORDS_MAX: usize = 1;
/// How much a word counts that is carried over.
const CARRIED: f32 = 0.7;
/// How many earlier questions to go back to at most, each of which goes on itself.
pub(super) const STEPS_BACK_MAX: usize = 3;

/// Sets of words in which one takes the place of another.
const RIVALS: [&[&str]; 6] = [
    &[
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "weekday",
        "weekend",
        "weekends",
        "weekdays",
    ],
    &["today", "tomorrow", "tonight"],
    &["breakfast", "lunch", "dinner", "supper", "tea"],
    &["small", "large", "medium", "big", "little"],
    &[
        "delivery",
        "deliver",
        "collect",
        "collection",
        "fetch",
        "bring",
    ],
    &["morning", "afternoon", "evening", "night"],
];

/// Whether a question goes on to something that the one before it was not about: "And at the other shop?"
pub(super) fn wants_another(question: &str) -> bool {
    let words = spaced(question);
    [" other ", " another ", " else "]
        .iter()
        .any(|word| words.contains(word))
}

/// Whether a question goes on from the one before it. `content_words` of it are neither stop words nor kinds of answer.
pub(super) fn goes_on(question: &str, content_words: usize) -> bool {
    let words = spaced(question);
    let opens = OPENERS.iter().any(|opener| words.starts_with(opener));
    opens
        || content_words <= BARE_WORDS_MAX
        || content_words <= REFERRING_WORDS_MAX && refers(&words)
}

/// Whether words with a space around each stand for something said before.
fn refers(words: &str) -> bool {
    let without_clauses = CLAUSE_STARTERS
        .iter()
        .fold(words.to_owned(), |words, starter| {
            words.replace(&format!(" that {starter} "), &format!(" {starter} "))
        });
    // What such a clause is about is said in it.
    let is_clause = without_clauses != words;
    !is_clause && REFERENCES.iter().any(|reference| words.contains(reference))
}

/// The slots of a question with those of the question before it, as far as nothing has taken their place.
pub(super) fn with_subject(
    own: Vec<Slot>,
    own_text: &str,
    before: &[Slot],
    stem: impl Fn(&str) -> String,
) -> Vec<Slot> {
    let words = spaced(own_text);
    let said: BTreeSet<&str> = words.split_whitespace().collect();
    let mut replaced: BTreeSet<String> = BTreeSet::new();
    for rivals in RIVALS {
        if rivals.iter().any(|rival| said.contains(rival)) {
            replaced.extend(rivals.iter().map(|rival| stem(rival)));
        }
    }
    let mut all = own;
    for slot in before {
        let is_said = all.iter().any(|own| own.heard == slot.heard);
        if !is_said && !replaced.contains(&slot.heard) {
            let carried = slot.carried * CARRIED;
            all.push(Slot {
                carried,
                ..slot.clone()
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(words: &[&str]) -> Vec<Slot> {
        let slot = |word: &&str| Slot {
            heard: (*word).to_owned(),
            variants: Vec::new(),
            weight: 1.0,
            carried: 1.0,
        };
        words.iter().map(slot).collect()
    }

    #[test]
    fn a_question_without_a_subject_goes_on() {
        for (question, words, expected) in [
            ("And on Sundays?", 1, true),
            ("What about the other shop, with all that?", 4, true),
            ("How much is it?", 0, true),
            ("Does he come at weekends?", 2, true),
            ("When do you open on Saturday?", 2, false),
            ("Is there a lift to the function room?", 3, false),
            ("How do you know that I have finished?", 2, false),
            ("Can I have that tomorrow?", 1, true),
            ("Is that gluten free?", 2, true),
        ] {
            assert_eq!(goes_on(question, words), expected, "{question}");
        }
    }

    #[test]
    fn a_new_day_takes_the_place_of_the_old_one() {
        let before = slots(&["open", "saturday"]);
        let all = with_subject(slots(&["sunday"]), "And on Sunday?", &before, str::to_owned);
        let heard: Vec<&str> = all.iter().map(|slot| slot.heard.as_str()).collect();
        assert_eq!(heard, ["sunday", "open"]);
        assert!(all[1].carried < 1.0);
    }
}
