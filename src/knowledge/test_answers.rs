//! Whole answers, from the built-in knowledge and from folders.

use super::reply::{ANSWER_WORDS_MAX, ANSWER_WORDS_MIN};
use super::*;
use std::fs;
use std::sync::LazyLock;

/// The questions that the fixtures ask aloud, and the passages that answer them.
const QUESTIONS: [(&str, &str, &str); 7] = [
    (
        "How long is the natural pause between two speakers?",
        "Turn taking",
        "How long the natural pause between two speakers is",
    ),
    (
        "How fast should a voice assistant reply?",
        "Turn taking",
        "How fast a voice assistant should reply",
    ),
    (
        "Why does the average hide the slow replies?",
        "Percentiles",
        "Why the average hides the slow replies",
    ),
    (
        "How does the assistant know that I have finished speaking?",
        "Endpointing",
        "How the assistant knows that you have finished speaking",
    ),
    (
        "Do I need a graphics card?",
        "voicesim",
        "Whether you need a graphics card",
    ),
    (
        "Where is the recording of the conversation kept?",
        "Running voicesim",
        "Where the recording of the conversation is kept",
    ),
    (
        "When someone interrupts the assistant, should it stop talking?",
        "Interruptions",
        "Should the assistant stop talking when someone interrupts",
    ),
];

static BUILT_IN: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::embedded().unwrap());

#[track_caller]
fn check_answer(question: &str, document: &str, heading: &str) {
    let answer = BUILT_IN.answer(question, &[]);
    let expected = Source {
        document: document.to_owned(),
        heading: heading.to_owned(),
    };
    assert_eq!(answer.source, Some(expected), "{question}: {}", answer.text);
    let words = answer.text.split_whitespace().count();
    assert!((ANSWER_WORDS_MIN..=ANSWER_WORDS_MAX).contains(&words));
    assert!(answer.text.ends_with('.'), "{}", answer.text);
}

#[track_caller]
fn check_refused(knowledge: &Knowledge, question: &str) {
    let answer = knowledge.answer(question, &[]);
    assert_eq!(answer.source, None, "{question}: {}", answer.text);
    assert!(
        answer.text.starts_with("I'm sorry, I don't know that."),
        "{}",
        answer.text
    );
    assert_eq!(answer.confidence, 0.0);
}

fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

#[track_caller]
fn check_rejected(folder: &Path, named: &str, cure: &str) {
    let error = super::check(folder).unwrap_err().to_string();
    assert!(error.contains(named) && error.contains(cure), "{error}");
    assert_eq!(Knowledge::open(folder).err().unwrap().to_string(), error);
}

#[test]
fn each_question_of_the_fixtures_finds_its_passage_first() {
    for (question, document, heading) in QUESTIONS {
        check_answer(question, document, heading);
    }
}

#[test]
fn the_question_with_a_pause_is_answered_from_its_first_half_too() {
    let (_, document, heading) = QUESTIONS[6];
    check_answer("When someone interrupts the assistant.", document, heading);
}

#[test]
fn a_question_survives_any_one_of_its_words_misheard() {
    for (question, document, heading) in QUESTIONS {
        let words: Vec<&str> = question.split(' ').collect();
        for misheard in 0..words.len() {
            let mut heard = words.clone();
            heard[misheard] = "zebra";
            check_answer(&heard.join(" "), document, heading);
        }
    }
}

#[test]
fn spellings_of_the_recogniser_do_not_matter() {
    let (_, document, heading) = QUESTIONS[0];
    check_answer(
        "how long is a natural paws between speakers",
        document,
        heading,
    );
    check_answer(
        "HOW LONG'S THE NATURAL PAUSE BETWEEN 2 SPEAKERS",
        document,
        heading,
    );
    check_answer(
        "What's P95?",
        "Percentiles",
        "What the ninety-fifth percentile is",
    );
    check_answer(
        "What is VAD?",
        "Voice activity detection",
        "What voice activity detection does",
    );
}

#[test]
fn every_heading_of_the_built_in_knowledge_finds_a_passage_of_its_own() {
    for entry in &BUILT_IN.entries {
        let passage = &entry.passage;
        check_answer(passage.heading(), &passage.document, passage.heading());
    }
    assert!((50..=80).contains(&BUILT_IN.passages()));
}

#[test]
fn what_the_knowledge_does_not_hold_is_not_answered() {
    for question in [
        "What is the capital of France?",
        "How tall is the Eiffel tower?",
        "Who wrote Romeo and Juliet?",
        "How do I cook an egg?",
        "What time is it?",
        "What will the weather be tomorrow?",
        "How many people live in London?",
        "How fast is a train?",
        "Can you book me a table for two?",
    ] {
        check_refused(&BUILT_IN, question);
    }
}

#[test]
fn any_text_is_a_question() {
    for question in ["", "  \n", "...!?", "😀😀", "the of and", "\0\u{202e}"] {
        check_refused(&BUILT_IN, question);
    }
    check_refused(&BUILT_IN, &"quagga ".repeat(1_500));
    check_refused(&BUILT_IN, &"x".repeat(10_000));
    for syntax in [
        "body:[a TO b]",
        "\"unclosed",
        "((+-!",
        "a AND OR NOT ~9 ^2",
        "*",
    ] {
        check_refused(&BUILT_IN, syntax);
    }
}

#[test]
fn a_users_folder_is_answered_from_markdown_and_text() {
    let folder = folder_of(&[
        ("b/shop.md", b"# The shop\n\n## Opening hours\n\nWe open at **9**, see https://shop.example .\n\n```\nopen = 9\n```\n"),
        ("parking-lot.txt", b"Cars are parked behind the house. It costs 2 euros."),
        ("ignored.csv", b"\xff\xfe"),
        (".hidden.md", b"\xff"),
    ]);
    super::check(folder.path()).unwrap();
    let knowledge = Knowledge::open(folder.path()).unwrap();
    let hours = knowledge.answer("What are your opening hours?", &[]);
    assert_eq!(hours.text, "We open at nine, see shop dot example.");
    assert_eq!(hours.source.unwrap().heading, "Opening hours");
    let parking = knowledge.answer("Where can I park my car?", &[]);
    assert_eq!(parking.source.unwrap().document, "parking lot");
    check_refused(&knowledge, "What is the capital of France?");
    assert!(
        knowledge
            .answer("?", &[])
            .text
            .ends_with("about The shop or parking lot.")
    );
}

#[test]
fn the_same_question_always_gets_the_same_answer_and_ties_go_to_the_first() {
    let text = "# Twins\n## One\nThe gate is green.\n## Two\nThe gate is green.\n";
    let folder = folder_of(&[("b.md", text.as_bytes()), ("a.md", text.as_bytes())]);
    let answers: Vec<Answer> = (0..5)
        .map(|_| {
            Knowledge::open(folder.path())
                .unwrap()
                .answer("Is the gate green?", &[])
        })
        .collect();
    assert_eq!(answers[0].source.as_ref().unwrap().heading, "One");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn a_long_sentence_is_cut_at_forty_words() {
    let body = format!(
        "The tariff is this: {}and more.",
        "every word counts, ".repeat(30)
    );
    let folder = folder_of(&[("tariff.md", body.as_bytes())]);
    let answer = Knowledge::open(folder.path())
        .unwrap()
        .answer("What is the tariff?", &[]);
    let words = answer.text.split_whitespace().count();
    assert!((30..=ANSWER_WORDS_MAX).contains(&words) && answer.text.ends_with("counts."));
}

#[test]
fn a_folder_that_cannot_be_answered_from_is_named_with_the_cure() {
    let empty = folder_of(&[("notes.csv", b"a,b"), ("blank.md", b"\n\n---\n")]);
    check_rejected(
        empty.path(),
        &empty.path().display().to_string(),
        "at least one .md or .txt",
    );
    check_rejected(
        &empty.path().join("gone"),
        "gone",
        "give an existing folder",
    );
    check_rejected(
        &empty.path().join("notes.csv"),
        "notes.csv",
        "give an existing folder",
    );
    let latin = folder_of(&[("sub/latin.txt", b"fine\ncaf\xe9")]);
    check_rejected(latin.path(), "latin.txt, line 2", "save the file as UTF-8");
    let large = folder_of(&[("large.txt", &vec![b'a'; FILE_BYTES_MAX as usize + 1])]);
    check_rejected(
        large.path(),
        "large.txt: larger than 4 MiB",
        "split the file",
    );
    let many = folder_of(&[("many.md", "# a\nb\n".repeat(PASSAGES_MAX + 1).as_bytes())]);
    check_rejected(
        many.path(),
        "more than 20,000 passages",
        "give a smaller folder",
    );
}

#[test]
fn questions_in_documents_are_answered_with_the_answer_alone() {
    let faq = "# FAQ\n\n**Q: What are your opening hours?**\n\nA: From 9 until 4, Mon-Fri.\n\n**Q: Can I bring my dog?**\n\nA: Yes, on a lead, in the front room.\n\n## Is there parking?\n\nYes, behind the house, for £2 an hour.\n";
    let folder = folder_of(&[
        ("faq.md", faq.as_bytes()),
        ("more.txt", b"Q: Do you sell gluten free bread?\nA: On Tuesdays and Fridays, if you order it.\n"),
        ("note.md", b"# Terrace\n\n<div><p>The terrace is open until <b>nine</b> &amp; later.</p></div>\n\n<!-- 4711 -->\n"),
    ]);
    let knowledge = Knowledge::open(folder.path()).unwrap();
    for (question, expected) in [
        (
            "What are your opening hours?",
            "From nine until four, Monday to Friday.",
        ),
        ("Can I bring my dog?", "Yes, on a lead, in the front room."),
        (
            "Is there parking?",
            "Yes, behind the house, for two pounds an hour.",
        ),
        (
            "Do you sell gluten free bread?",
            "On Tuesdays and Fridays, if you order it.",
        ),
        (
            "Until when is the terrace open?",
            "The terrace is open until nine and later.",
        ),
    ] {
        assert_eq!(knowledge.answer(question, &[]).text, expected, "{question}");
    }
}

#[test]
fn a_list_beside_the_documents_says_what_means_the_same_in_them() {
    let documents: [(&str, &[u8]); 2] = [
        ("lab.md", b"# Lab\n\n## Centrifuge\n\nThe centrifuge stands on the third floor.\n\n## Freezer\n\nThe freezer stands in the cellar of the house.\n"),
        ("synonyms.list", b"centrifuge: centrifuge, spinner, whirly thing\n"),
    ];
    let folder = folder_of(&documents);
    let (with, index) = (
        Knowledge::open(folder.path()).unwrap(),
        folder.path().join("index"),
    );
    build(folder.path(), Preparation::default(), &index).unwrap();
    let first = |knowledge: &Knowledge| {
        let hits = knowledge.search("the whirly thing", &[]).unwrap();
        hits.first()
            .and_then(|hit| knowledge.passage(hit))
            .map(|passage| passage.heading().to_owned())
    };
    for knowledge in [with, Knowledge::open(&index).unwrap()] {
        assert_eq!(first(&knowledge).as_deref(), Some("Centrifuge"));
    }
    let without = Knowledge::open(folder_of(&documents[..1]).path()).unwrap();
    assert_eq!(first(&without), None);
    let list: (&str, &[u8]) = ("synonyms.list", b"# ours\n\nspinner, whirly thing\n");
    let refused = Knowledge::open(folder_of(&[documents[0], list]).path()).map(|_| ());
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("synonyms.list, line 3: no group"), "{said}");
}
