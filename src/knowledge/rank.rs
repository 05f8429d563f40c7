//! Candidates -> hits, best first, each with its confidence and the terms that matched.
//!
//! The score is BM25's shape over weighted fields (Robertson, Zaragoza and Taylor 2004), the best variant of each word
//! of the question counting, and more for words that stand side by side in both. How a score becomes a confidence is
//! told at `CALIBRATION`.

use rustc_hash::FxHashMap;

use super::entry::{Entry, NEXT};
use super::query::Slot;
use super::tally::Tally;

/// BM25's length normalisation.
const B: f32 = 0.5;
/// What a word of the title counts, against one in the text.
const TITLE_WEIGHT: f32 = 0.5;
const HEADING_WEIGHT: f32 = 2.5;
const QUESTION_WEIGHT: f32 = 0.6;
/// How much more two words of the question count that stand within three words of each other in the passage.
const NEAR_SHARE: f32 = 0.25;
const NEAR_WORDS: usize = 3;
/// How much more a passage counts whose heading has all words of the question, and no other: a share of the question's
/// weight.
const HEADING_ALONE_SHARE: f32 = 1.0;
/// What a word counts in all questions that are asked of the section, against one in the text: their words are those of
/// callers.
const ASKED_WEIGHT: f32 = 1.5;
/// What the asked question counts that is most like the one to be answered, which is scored like a passage of its own, and
/// the length normalisation of such a question: most have six words with a topic.
const ALIKE_WEIGHT: f32 = 1.0;
const ALIKE_B: f32 = 0.75;
const ASKED_WORDS_USUAL: f32 = 6.0;

/// A passage found for a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Index into the entries.
    pub entry: usize,
    /// The score, comparable within one question only.
    pub score: f32,
    /// The share of the question's weight that the passage covers, 0 to 1.
    pub coverage: f32,
    /// The weight that the passage covers, against that of a word that stands in one passage alone.
    pub evidence: f32,
    /// How sure it is that the passage holds the answer, 0 to 1.
    pub confidence: f64,
    pub matched: Vec<Match>,
}

/// A word of the question that the passage holds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Match {
    /// The word's stem in the question.
    pub heard: String,
    /// The term in the passage: the stem, or ("=…") a meaning both share, or ("?…") a kind of answer.
    pub term: String,
    /// Where the term stands: "heading", "text", "title", "questions" or "asked", the first of them in this order.
    pub place: &'static str,
    /// The match's part of the score.
    pub score: f32,
}

/// The terms of a question, each with the slots and the variants that it stands for.
type Wanted<'a> = FxHashMap<&'a str, Vec<(usize, usize)>>;

/// Ranks candidates. `length_mean` is the mean number of terms of a passage's text, `rarest` the weight of a word that
/// stands in one passage alone.
pub(super) fn rank(
    question: &[Slot],
    candidates: &[usize],
    entries: &[Entry],
    length_mean: f32,
    rarest: f32,
) -> Vec<Hit> {
    let mut wanted = Wanted::default();
    for (s, slot) in question.iter().enumerate() {
        for (v, variant) in slot.variants.iter().enumerate() {
            wanted.entry(&variant.term).or_default().push((s, v));
        }
    }
    let mut hits: Vec<Hit> = candidates
        .iter()
        .filter_map(|&at| {
            let entry = entries.get(at)?;
            Some(hit(question, &wanted, at, entry, (length_mean, rarest)))
        })
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.entry.cmp(&b.entry)));
    let scores: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
    for (index, hit) in hits.iter_mut().enumerate() {
        let best_other = scores.get(usize::from(index == 0)).copied().unwrap_or(0.0);
        hit.confidence = confidence(hit, best_other);
    }
    hits
}

fn hit(
    question: &[Slot],
    wanted: &Wanted<'_>,
    at: usize,
    entry: &Entry,
    (length_mean, rarest): (f32, f32),
) -> Hit {
    let length = 1.0 - B + B * entry.text.split(' ').count() as f32 / length_mean.max(1.0);
    let fields = [
        (&entry.headings, HEADING_WEIGHT, "heading"),
        (&entry.text, 1.0 / length, "text"),
        (&entry.title, TITLE_WEIGHT, "title"),
        (&entry.questions, QUESTION_WEIGHT, "questions"),
    ];
    let mut own = Tally::of(question);
    let mut near = 0.0;
    for (terms, weight, place) in fields {
        let mut last: Vec<Option<usize>> = vec![None; question.len()];
        for (position, term) in terms.split(' ').enumerate() {
            for &(s, v) in wanted.get(term).into_iter().flatten() {
                own.count(s, v, weight, place);
                last[s] = Some(position);
                if place == "questions" {
                    continue;
                }
                let before = s.checked_sub(1).and_then(|before| last[before]);
                if before.is_some_and(|before| (1..=NEAR_WORDS).contains(&(position - before))) {
                    let pair = question[s].weight.min(question[s - 1].weight);
                    near += pair * question[s].carried / (1.0 + near);
                }
            }
        }
    }
    let mut asked = Tally::of(question);
    let mut one = Tally::of(question);
    let mut most_alike: f32 = 0.0;
    for terms in entry.asked.split(NEXT) {
        one.clear();
        let mut length = 0.0;
        for term in terms.split(' ') {
            length += 1.0;
            for &(s, v) in wanted.get(term).into_iter().flatten() {
                one.count(s, v, 1.0, "asked");
                asked.count(s, v, 1.0, "asked");
            }
        }
        let alike: f32 = one.best(question).flatten().map(|(score, ..)| score).sum();
        let longer = 1.0 - ALIKE_B + ALIKE_B * length / ASKED_WORDS_USUAL;
        most_alike = most_alike.max(alike / longer);
    }
    let mut matched = Vec::new();
    let (mut covered, mut whole) = (0.0, 0.0);
    for ((slot, own), asked) in question
        .iter()
        .zip(own.best(question))
        .zip(asked.best(question))
    {
        whole += slot.weight * slot.carried;
        let both = [
            own.map(|best| (1.0, best)),
            asked.map(|best| (ASKED_WEIGHT, best)),
        ];
        let both: Vec<_> = both.into_iter().flatten().collect();
        if let Some(&(_, (_, variant, place))) = both.first() {
            let credit = both.iter().map(|(_, (_, v, _))| slot.variants[*v].credit);
            covered += slot.weight * slot.carried * credit.fold(0.0, f32::max);
            matched.push(Match {
                heard: slot.heard.clone(),
                term: slot.variants[variant].term.clone(),
                place,
                score: both
                    .iter()
                    .map(|(weight, (score, ..))| weight * score)
                    .sum(),
            });
        }
    }
    let words: f32 = matched.iter().map(|one| one.score).sum();
    let alone = match is_heading(question, wanted, &entry.headings) {
        true => HEADING_ALONE_SHARE * whole,
        false => 0.0,
    };
    Hit {
        entry: at,
        score: words + alone + NEAR_SHARE * near + ALIKE_WEIGHT * most_alike,
        coverage: if whole > 0.0 { covered / whole } else { 0.0 },
        evidence: covered / rarest,
        confidence: 0.0,
        matched,
    }
}

/// Whether a heading has all words of the question, and no other.
fn is_heading(question: &[Slot], wanted: &Wanted<'_>, heading: &str) -> bool {
    let terms: Vec<&str> = heading.split(' ').filter(|term| !term.is_empty()).collect();
    let mut held = vec![false; question.len()];
    for term in &terms {
        let Some(places) = wanted.get(*term) else {
            return false;
        };
        for (slot, _) in places {
            held[*slot] = true;
        }
    }
    let mut words = question
        .iter()
        .zip(&held)
        .filter(|(slot, _)| slot.is_content());
    !terms.is_empty() && words.all(|(_, held)| *held)
}

/// Weights of a logistic regression: a constant, the coverage, how far the hit is ahead of the next (a share of its
/// score), and the evidence up to [`EVIDENCE_MAX`].
///
/// Fitted to whether the best hit held the answer, for the shop's questions of split "tune" (127 of `questions.jsonl` and
/// 109 of `callers.jsonl`, typed); those without an answer counted thrice, since few are.
const CALIBRATION: [f64; 4] = [-5.2, 4.2, 1.25, 1.86];
/// The most evidence that counts.
const EVIDENCE_MAX: f32 = 3.0;
/// The least coverage at which a single word is trusted like several.
const ALONE_COVERAGE_MIN: f32 = 0.5;

fn confidence(hit: &Hit, best_other: f32) -> f64 {
    let ahead = f64::from((hit.score - best_other) / hit.score.max(1e-3));
    let evidence = f64::from(hit.evidence.min(EVIDENCE_MAX));
    let [constant, by_coverage, by_lead, by_evidence] = CALIBRATION;
    let sum =
        constant + by_coverage * f64::from(hit.coverage) + by_lead * ahead + by_evidence * evidence;
    let sure = 1.0 / (1.0 + libm::exp(-sum));
    // A passage that matches one word, less than half of the question, is most often about something else.
    let words = hit.matched.iter().filter(|one| !one.heard.starts_with('?'));
    let is_alone = words.count() < 2 && hit.coverage < ALONE_COVERAGE_MIN;
    if is_alone { sure * 0.5 } else { sure }
}

#[cfg(test)]
mod tests {
    use super::super::passages::Passage;
    use super::super::query::Variant;
    use super::*;

    fn entry(headings: &str, text: &str) -> Entry {
        Entry {
            passage: Passage {
                file: String::new(),
                document: String::new(),
                trail: Vec::new(),
                body: String::new(),
            },
            title: String::new(),
            headings: headings.into(),
            text: text.into(),
            questions: String::new(),
            asked: String::new(),
        }
    }

    fn slot(heard: &str, terms: &[(&str, f32)]) -> Slot {
        let variant = |&(term, share): &(&str, f32)| Variant {
            term: term.into(),
            share,
            credit: share,
            idf: 2.0,
        };
        Slot {
            heard: heard.into(),
            variants: terms.iter().map(variant).collect(),
            weight: 2.0,
            carried: 1.0,
        }
    }

    fn order(question: &[Slot], entries: &[Entry]) -> Vec<usize> {
        let all: Vec<usize> = (0..entries.len()).collect();
        let hits = rank(question, &all, entries, 4.0, 3.0);
        hits.iter().map(|hit| hit.entry).collect()
    }

    #[test]
    fn a_word_in_the_heading_counts_more_than_one_in_the_text() {
        let entries = [
            entry("", "dog cat owl elk"),
            entry("dog", "cat owl elk ape"),
        ];
        assert_eq!(order(&[slot("dog", &[("dog", 1.0)])], &entries), [1, 0]);
    }

    #[test]
    fn the_word_itself_counts_more_than_what_means_the_same() {
        let question = [slot("loo", &[("loo", 1.0), ("=toilet", 0.75)])];
        let entries = [entry("", "=toilet a b c"), entry("", "loo a b c")];
        assert_eq!(order(&question, &entries), [1, 0]);
    }

    #[test]
    fn what_is_asked_of_a_section_counts_more_than_its_text_and_a_like_question_most() {
        let question = [slot("loo", &[("loo", 1.0)]), slot("free", &[("free", 1.0)])];
        let asked = |asked: &str| Entry {
            asked: asked.into(),
            ..entry("", "a b c d")
        };
        let entries = [
            entry("", "loo c d e f free"),
            asked("loo x y | free z w"),
            asked("loo free | x y z w"),
        ];
        assert_eq!(order(&question, &entries), [2, 1, 0]);
        let hits = rank(&question, &[2], &entries, 4.0, 3.0);
        assert_eq!(hits[0].matched[0].place, "asked");
        assert_eq!(hits[0].coverage, 1.0);
    }

    #[test]
    fn words_side_by_side_count_more_than_words_apart() {
        let question = [
            slot("high", &[("high", 1.0)]),
            slot("chair", &[("chair", 1.0)]),
        ];
        let entries = [
            entry("", "high a b c d e f chair"),
            entry("", "a b c d e f high chair"),
        ];
        assert_eq!(order(&question, &entries), [1, 0]);
    }

    #[test]
    fn of_equals_the_first_wins() {
        let entries = [entry("", "dog"), entry("", "dog")];
        assert_eq!(order(&[slot("dog", &[("dog", 1.0)])], &entries), [0, 1]);
    }

    #[test]
    fn a_hit_says_what_matched_where_and_how_sure_it_is() {
        let question = [slot("dog", &[("dog", 1.0)]), slot("xyz", &[])];
        let hits = rank(&question, &[0], &[entry("dog", "cat")], 4.0, 4.0);
        assert_eq!((hits[0].coverage, hits[0].evidence), (0.5, 0.5));
        let matched = &hits[0].matched[0];
        assert_eq!((matched.heard.as_str(), matched.place), ("dog", "heading"));
        assert!((0.0..1.0).contains(&hits[0].confidence));
    }
}
