//! What an answer from documents costs: 10,000 passages, made of the words of the shop's documents shuffled by a seed, by
//! themselves and with 24 questions that are asked of each.
//!
//! Printed as percentiles, since the worst case counts: opening the index, and each question of the shop's callers.

use hdrhistogram::Histogram;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;
use voicesim::knowledge::eval::{self, Question};
use voicesim::knowledge::{ASKED_FILE, AskedQuestion, Knowledge, Preparation, build};
use voicesim::rng::Seed;

const PASSAGES: usize = 10_000;
const WORDS_A_PASSAGE: usize = 60;
const QUESTIONS_A_PASSAGE: usize = 24;
const WORDS_A_QUESTION: usize = 11;
const ROUNDS: usize = 10;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (passages, rounds) = if is_test { (50, 1) } else { (PASSAGES, ROUNDS) };
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/shop");
    for asked in [0, QUESTIONS_A_PASSAGE] {
        measure(&shop, passages, asked, rounds);
    }
}

fn measure(shop: &Path, passages: usize, asked: usize, rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (documents, index) = (folder.path().join("docs"), folder.path().join("index"));
    std::fs::create_dir(&documents).expect("made");
    write(&documents, &words(shop), passages, asked);

    let before = Instant::now();
    let built = build(&documents, Preparation::default(), &index).expect("built");
    let built_s = before.elapsed().as_secs_f64();
    let mut openings = Vec::new();
    for _ in 0..rounds {
        let before = Instant::now();
        Knowledge::open(&index).expect("an index");
        openings.push(before.elapsed().as_secs_f64() * 1e3);
    }
    openings.sort_by(f64::total_cmp);
    println!(
        "{} passages with {asked} questions each, {:.1} MB: built in {built_s:.1} s, opened in ms: p50 {:.0}, max {:.0}",
        built.passages,
        built.bytes as f64 / 1e6,
        openings[openings.len() / 2],
        openings[openings.len() - 1]
    );
    let knowledge = Knowledge::open(&index).expect("an index");
    let questions = eval::read(&shop.join("questions.jsonl")).expect("questions");
    let answers = ask(&knowledge, &questions, rounds);
    let ms = |quantile| answers.value_at_quantile(quantile) as f64 / 1e6;
    println!(
        "answer, ms: p50 {:.2}, p99 {:.2}, max {:.2} ({} answers)",
        ms(0.5),
        ms(0.99),
        answers.max() as f64 / 1e6,
        answers.len()
    );
}

/// Every word of the documents, as often as it stands there.
fn words(shop: &Path) -> Vec<String> {
    let mut words = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(shop)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(path).expect("text");
        let is_word = |word: &&str| word.chars().any(char::is_alphanumeric);
        words.extend(text.split_whitespace().filter(is_word).map(str::to_owned));
    }
    words
}

/// Writes documents of ten sections each.
fn write(folder: &Path, words: &[String], passages: usize, asked: usize) {
    let mut questions = String::new();
    for document in 0..passages / 10 {
        let mut luck = Seed(1).stream("bench", document as u64, 0, "words");
        let mut some = |count: usize| -> String {
            let word = |_| words[(luck.uniform() * words.len() as f64) as usize].as_str();
            (0..count).map(word).collect::<Vec<_>>().join(" ")
        };
        let mut text = format!("# {}\n\n", some(3));
        for _ in 0..10 {
            let heading = some(4);
            let _ = write!(text, "## {heading}\n\n");
            for _ in 0..asked {
                let question = AskedQuestion {
                    question: some(WORDS_A_QUESTION),
                    answer_in: format!("{document:04}.md#{heading}"),
                };
                questions += &serde_json::to_string(&question).expect("JSON");
                questions.push('\n');
            }
            // A passage of the longest words still fits a chunk.
            let body: String = some(WORDS_A_PASSAGE).chars().take(550).collect();
            let _ = write!(text, "{body}.\n\n");
        }
        std::fs::write(folder.join(format!("{document:04}.md")), text).expect("written");
    }
    std::fs::write(folder.join(ASKED_FILE), questions).expect("written");
}

/// The time of every answer, in nanoseconds.
fn ask(knowledge: &Knowledge, questions: &[Question], rounds: usize) -> Histogram<u64> {
    let mut times = Histogram::new(3).expect("a histogram");
    for _ in 0..rounds {
        for question in questions {
            let before = Instant::now();
            std::hint::black_box(knowledge.answer(&question.text, &[]));
            let time = before.elapsed().as_nanos() as u64;
            times.record(time).expect("in range");
        }
    }
    times
}
