//! What is written and what is said: tables by hand, held exactly, and where sentences end, however the text comes.

use crate::support::{stderr, stdout, voicesim};
use proptest::prelude::*;
use std::collections::BTreeSet;
use voicesim::speak::{ClauseCutter, Cut, Parts, Speaking, spoken_clauses};

const SPOKEN: &str = include_str!("data/spoken.txt");
const SENTENCES: &str = include_str!("data/sentences.txt");

/// The pairs of the table: what is written, and the clauses that are spoken.
fn pairs() -> Vec<(String, Vec<&'static str>)> {
    let blocks = SPOKEN
        .split("\n\n")
        .map(|block| block.lines().filter(|line| !line.starts_with("# ")));
    let pair = |mut lines: Box<dyn Iterator<Item = &'static str>>| {
        let written = lines.next()?.strip_prefix("> ")?;
        let written = written.replace("\\n", "\n").replace("\\t", "\t");
        Some((written, lines.map(str::trim_end).collect()))
    };
    blocks.filter_map(|lines| pair(Box::new(lines))).collect()
}

fn in_pieces(text: &str, cuts: &[usize]) -> Vec<String> {
    let mut speaking = Speaking::new(Parts::all());
    let mut clauses = Vec::new();
    for piece in pieces(text, cuts) {
        clauses.extend(speaking.push(piece));
    }
    clauses.extend(speaking.finish());
    clauses
}

/// A text in pieces, cut at characters.
fn pieces<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a str> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut at: BTreeSet<usize> = cuts
        .iter()
        .map(|cut| places.get(cut % places.len().max(1)).copied().unwrap_or(0))
        .collect();
    at.extend([0, text.len()]);
    let at: Vec<usize> = at.into_iter().collect();
    at.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

#[test]
fn three_hundred_texts_are_said_as_written_down_by_hand() {
    let pairs = pairs();
    assert!(pairs.len() >= 300, "{} texts", pairs.len());
    let wrong: Vec<String> = pairs
        .iter()
        .filter_map(|(written, expected)| {
            let said = spoken_clauses(written, &Parts::all());
            (said != *expected)
                .then(|| format!("{written:?}\n  expected {expected:?}\n  but said {said:?}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} texts are said otherwise:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_is_spoken_is_spoken_again_as_it_is() {
    for (_, expected) in pairs() {
        for clause in expected {
            let is_said = !clause.contains(|c: char| c.is_ascii_digit());
            assert!(
                !is_said || voicesim::speak::aloud(clause) == clause,
                "{clause}"
            );
        }
    }
}

/// Sentences of a text by the rules of clauses: a cutter that ends clauses nowhere else.
fn sentence_ends(text: &str, cuts: &[usize]) -> BTreeSet<usize> {
    let mut cutter = ClauseCutter::new(100, 240);
    let mut clauses = Vec::new();
    for piece in pieces(text, cuts) {
        clauses.extend(cutter.push(piece));
    }
    clauses.extend(cutter.finish());
    let mut length = 0;
    let letters = |clause: &Cut| clause.text.chars().filter(|c| !c.is_whitespace()).count();
    let ends = clauses.iter().map(|clause| {
        length += letters(clause);
        length
    });
    ends.collect()
}

#[test]
fn sentences_end_where_a_reader_ends_them() {
    let (mut right, mut found, mut wanted) = (0, 0, 0);
    let mut wrong = Vec::new();
    for line in SENTENCES.lines().filter(|line| !line.starts_with('#')) {
        let mut length = 0;
        let gold: BTreeSet<usize> = line
            .split(" | ")
            .map(|sentence| {
                length += sentence.chars().filter(|c| !c.is_whitespace()).count();
                length
            })
            .collect();
        // Scripts without blanks have none between sentences either.
        let is_wide = line.chars().any(|c| ('\u{3000}'..='\u{9fff}').contains(&c));
        let text = line.replace(" | ", if is_wide { "" } else { " " });
        let ends = sentence_ends(&text, &[]);
        right += ends.intersection(&gold).count();
        found += ends.len();
        wanted += gold.len();
        if ends != gold {
            wrong.push(line);
        }
    }
    let (precision, recall) = (right as f64 / found as f64, right as f64 / wanted as f64);
    println!("{wanted} sentences: precision {precision:.4}, recall {recall:.4}");
    assert!(wanted >= 500, "{wanted} sentences");
    assert!(
        precision >= 0.985 && recall >= 0.985,
        "precision {precision:.4}, recall {recall:.4}:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_first_clause_does_not_wait_for_the_end() {
    let first = |text: &str| {
        let mut speaking = Speaking::new(Parts::all());
        text.char_indices()
            .find(|(at, c)| !speaking.push(&text[*at..*at + c.len_utf8()]).is_empty())
            .map(|(at, _)| text[..at].to_owned())
    };
    assert_eq!(
        first("**We are open.** Come by. And so on.").as_deref(),
        Some("**We are open.**")
    );
    assert_eq!(
        first("We are open\nfrom nine. And so on.").as_deref(),
        Some("We are open")
    );
    assert_eq!(
        first("- Rolls are two pounds.\n- Buns are one.").as_deref(),
        Some("- Rolls are two pounds.")
    );
    assert_eq!(
        first("<think>x</think>We are open. And").as_deref(),
        Some("<think>x</think>We are open.")
    );
}

proptest! {
    #[test]
    fn clauses_are_the_same_whatever_pieces_a_text_comes_in(
        at in 0_usize..10_000,
        cuts in prop::collection::vec(0_usize..400, 0..12),
    ) {
        let pairs = pairs();
        let (written, expected) = &pairs[at % pairs.len()];
        prop_assert_eq!(&in_pieces(written, &cuts), expected);
        let lines: Vec<&str> = SENTENCES.lines().collect();
        let text = lines[at % lines.len()].replace(" | ", " ");
        prop_assert_eq!(sentence_ends(&text, &cuts), sentence_ends(&text, &[]));
        prop_assert_eq!(in_pieces(&text, &cuts), spoken_clauses(&text, &Parts::all()));
    }

    #[test]
    fn no_text_makes_it_fail_or_hang(
        text in "(\\PC|[*_`\\[\\]()<>#|!&~$0-9]{1,4}|```|<think>|</think>|\\{\"a|1\\. |\n| |- |https://a\\.b|\\$5|[a-z]{1,6}[.,]? ){0,80}",
        cuts in prop::collection::vec(0_usize..400, 0..6),
    ) {
        let whole = spoken_clauses(&text, &Parts::all());
        prop_assert_eq!(in_pieces(&text, &cuts), whole.clone());
        prop_assert!(whole.iter().all(|clause| clause.chars().any(char::is_alphanumeric)));
    }
}

#[test]
fn say_prints_the_clauses_and_speaks_them_to_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("scenario.toml");
    std::fs::write(
        &scenario,
        "[speak]\nnumbers = false\n[tts]\nengine = \"espeak\"\n",
    )
    .expect("written");
    let (scenario, sound) = (
        scenario.display().to_string(),
        folder.path().join("a.wav").display().to_string(),
    );
    let said = voicesim(&["say", "--text", "**Open** 9-5."]);
    assert_eq!(
        (stdout(&said).as_str(), said.status.code()),
        ("Open nine to five.\n", Some(0))
    );
    let said = voicesim(&["say", &scenario, "--text", "**Open** 9-5.", "--out", &sound]);
    assert_eq!(
        (stdout(&said).as_str(), said.status.code()),
        ("Open 9-5.\n", Some(0)),
        "{}",
        stderr(&said)
    );
    assert!(std::fs::metadata(&sound).expect("a file").len() > 10_000);
}

#[test]
fn say_refuses_what_it_cannot_do_and_names_the_cure() {
    let gone = voicesim(&["say", "--text", "Hello.", "--out", "/nonexistent/a.wav"]);
    assert_eq!(gone.status.code(), Some(2));
    assert!(
        stderr(&gone).contains("--out /nonexistent/a.wav"),
        "{}",
        stderr(&gone)
    );
    let long = voicesim(&["say", "--text", &"a ".repeat(40_000)]);
    assert_eq!(long.status.code(), Some(2));
    assert!(stderr(&long).contains("64 KiB"), "{}", stderr(&long));
    let silent = voicesim(&["say", "--text", "<think>hm</think> 😀"]);
    assert_eq!(
        (stdout(&silent).as_str(), silent.status.code()),
        ("", Some(0))
    );
    assert!(stderr(&silent).contains("nothing of the text is spoken"));
}

#[test]
fn a_language_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("scenario.toml");
    std::fs::write(&scenario, "[speak]\nlanguage = \"?\"\n").expect("written");
    let refused = voicesim(&["say", &scenario.display().to_string(), "--text", "Hello."]);
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(
        said.contains("language") && said.contains("\"en\""),
        "{said}"
    );
}

/// Pieces as models send them, a word with the blank before it, until the first clause is there.
fn pieces_until_first_clause(text: &str, rules: u32) -> usize {
    let mut speaking = Speaking::by_rules(rules, Parts::all()).expect("rules");
    let blanks = text.char_indices().filter(|(_, c)| c.is_whitespace());
    let mut cuts: Vec<usize> = blanks.map(|(at, _)| at).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = cuts.windows(2).map(|ends| &text[ends[0]..ends[1]]);
    let all = cuts.len() - 1;
    let first = pieces.position(|piece| !speaking.push(piece).is_empty());
    first.unwrap_or(all) + 1
}

#[test]
fn the_first_clause_comes_as_early_as_by_the_first_rules() {
    let texts = SENTENCES.lines().map(|line| line.replace(" | ", " "));
    let documents = ["02-latency.md", "06-answers.md", "11-voicesim.md"].map(|name| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/audio/knowledge/");
        std::fs::read_to_string(format!("{path}{name}")).expect("a document")
    });
    let lines = documents.iter().flat_map(|text| text.lines());
    let lines = lines.filter(|line| line.len() > 80 && line.starts_with(char::is_alphabetic));
    let paragraphs: Vec<String> = lines.map(str::to_owned).collect();
    assert!(paragraphs.len() >= 15, "{} paragraphs", paragraphs.len());
    let ratio = |texts: &[String]| {
        let ratios = texts.iter().map(|text| {
            let (before, after) = (
                pieces_until_first_clause(text, 1),
                pieces_until_first_clause(text, 2),
            );
            (after as f64 / before as f64).ln()
        });
        (ratios.sum::<f64>() / texts.len() as f64).exp()
    };
    let hard: Vec<String> = texts.filter(|line| !line.starts_with('#')).collect();
    let (hard, plain) = (ratio(&hard), ratio(&paragraphs));
    println!(
        "pieces until the first clause, paired ratio: {plain:.3} of paragraphs, {hard:.3} of hard endings"
    );
    assert!(plain <= 1.0, "{plain}");
    // Where only the next word tells, it is waited for; the first rules cut "Dr." from "Smith".
    assert!(hard <= 1.15, "{hard}");
}
