//! The target of documents, which are searched by their own words.

use super::file;
use voicesim::knowledge::Knowledge;

/// Any text is a document, and is searched by its own words.
pub(crate) fn documents(bytes: &[u8]) {
    let (folder, _) = file("shop.md", bytes);
    let Ok(knowledge) = Knowledge::open(folder.path()) else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    asked(
        &knowledge,
        text.lines()
            .map(|line| line.get(..200).unwrap_or(line))
            .take(3),
    );
}

fn asked<'a>(knowledge: &Knowledge, questions: impl Iterator<Item = &'a str>) {
    for question in questions {
        let answer = knowledge.answer(question, &["And the other shop?"]);
        assert!(
            !answer.text.trim().is_empty(),
            "{question:?} is not answered"
        );
        assert!((0.0..=1.0).contains(&answer.confidence), "{answer:?}");
        for hit in knowledge.search(question, &[]).unwrap_or_default() {
            assert!(
                knowledge.passage(&hit).is_some(),
                "{question:?} finds what is not there"
            );
        }
        let passages = knowledge.best_passages(question, &[], 3);
        assert!(passages.len() <= 3);
    }
}
