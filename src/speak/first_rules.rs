//! The first rules of where text is cut into clauses, which were spoken as they were written. Folders that were recorded
//! by them are repeated by them; nothing else uses them, and nobody changes them.
//!
//! What they share with the rules of today is in [`super::clauses`].

use super::sentences::Verdict;

/// Words that end in a full stop which ends nothing.
const ABBREVIATIONS: [&str; 9] = [
    "mr.", "mrs.", "ms.", "dr.", "st.", "vs.", "e.g.", "i.e.", "approx.",
];

/// Whether a sentence ends with a word.
pub(super) fn verdict(word: &str) -> Verdict {
    let bare = word.trim_end_matches(['"', '\'', ')', '”', '’']);
    let ends = bare.ends_with(['.', '!', '?', '…']);
    match ends && !ABBREVIATIONS.contains(&bare.to_lowercase().as_str()) {
        true => Verdict::Ends,
        false => Verdict::GoesOn,
    }
}

pub(super) fn ends_phrase(word: &str) -> bool {
    word.ends_with([',', ';', ':', '–', '—'])
}

#[cfg(test)]
mod tests {
    use crate::speak::clauses::ClauseCutter;

    #[test]
    fn they_cut_as_they_did() {
        let mut cutter = ClauseCutter::by_first_rules(2, 70);
        let mut clauses = cutter.push(
            "Well, that is easy. It takes 3.5 s, as Dr. Smith of the U.S. says.\nTo be sure.Then on [[x\ny]] it",
        );
        clauses.extend(cutter.finish());
        let texts: Vec<String> = clauses.into_iter().map(|clause| clause.text).collect();
        assert_eq!(
            texts,
            [
                "Well, that is easy.",
                "It takes 3.5 s, as Dr. Smith of the U.S.",
                "says.",
                "To be sure.Then on it"
            ]
        );
    }
}
