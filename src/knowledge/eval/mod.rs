//! What a preparation is worth: the same questions asked after each step is added, and after each is left out.

mod figures;
mod questions;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Documents, Hit, Knowledge, KnowledgeError, Preparation, Step};

pub use figures::{Figure, Figures, Outcome, RANKS_MAX};
pub use questions::{Question, QuestionsError, of_split, read};

/// A preparation by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub name: String,
    pub preparation: Preparation,
}

/// What came of the questions with one preparation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalRow {
    pub name: String,
    pub preparation: Preparation,
    pub figures: Figures,
    /// The questions that were not answered rightly.
    pub missed: Vec<Missed>,
}

/// A question that was not answered rightly.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missed {
    pub id: String,
    /// The question as it was heard.
    pub question: String,
    /// Where the question's answer stands; empty if it has none.
    pub answer_in: Vec<String>,
    /// The place that came first; `None` if the question was refused.
    pub found: Option<String>,
    /// The rank of the answer, from 1; `None` if it was not found.
    pub rank: Option<usize>,
}

/// The preparations to compare, made of one: chunks alone, then one step more each time, then all steps but one.
pub fn variants(preparation: &Preparation) -> Vec<Variant> {
    let row = |name: &str, preparation: Preparation| Variant {
        name: name.to_owned(),
        preparation,
    };
    let whole = preparation.clone().with(&Step::ALL);
    let steps = [
        ("+ title and context", vec![Step::Context]),
        ("+ hypothetical questions", vec![Step::Questions]),
        (
            "+ synonyms and spoken forms",
            vec![Step::Synonyms, Step::SpokenForms],
        ),
        ("+ asked questions", vec![Step::Asked]),
        ("+ threshold", vec![Step::Threshold]),
    ];
    let added: Vec<Step> = steps.iter().flat_map(|(_, steps)| steps.clone()).collect();
    let mut so_far = whole.clone().without(&added);
    let mut rows = vec![row("plain chunks", so_far.clone())];
    for (name, steps) in steps {
        so_far = so_far.with(&steps);
        rows.push(row(name, so_far.clone()));
    }
    for step in Step::ALL {
        let name = format!("all but {}", step.name());
        rows.push(row(&name, whole.clone().without(&[step])));
    }
    rows
}

/// Asks the questions of documents that are prepared in each of these ways. `all` holds what the questions follow.
pub fn evaluate(
    documents: &Documents,
    questions: &[Question],
    all: &[Question],
    variants: Vec<Variant>,
) -> Result<Vec<EvalRow>, KnowledgeError> {
    let rows = variants.into_iter().map(|variant| {
        let knowledge = Knowledge::prepared(documents, variant.preparation)?;
        ask(&knowledge, variant.name, questions, all)
    });
    rows.collect()
}

/// Asks the questions of one knowledge.
pub fn ask(
    knowledge: &Knowledge,
    name: String,
    questions: &[Question],
    all: &[Question],
) -> Result<EvalRow, KnowledgeError> {
    let earlier: BTreeMap<&str, Vec<&str>> = questions::earlier(all);
    let (mut outcomes, mut missed) = (Vec::new(), Vec::new());
    for question in questions {
        let before = earlier
            .get(question.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        let found = places(knowledge, &question.text, before)?;
        let rank = rank(&found, &question.answer_in);
        let outcome = match (question.answer_in.is_empty(), found.is_empty()) {
            (false, _) => Outcome::Ranked(rank),
            (true, true) => Outcome::Refused,
            (true, false) => Outcome::MadeUp,
        };
        if !matches!(outcome, Outcome::Ranked(Some(0)) | Outcome::Refused) {
            missed.push(Missed {
                id: question.id.clone(),
                question: question.text.clone(),
                answer_in: question.answer_in.clone(),
                found: found.first().cloned(),
                rank: rank.map(|rank| rank + 1),
            });
        }
        outcomes.push(outcome);
    }
    Ok(EvalRow {
        name,
        preparation: knowledge.preparation().clone(),
        figures: Figures::of(&outcomes),
        missed,
    })
}

/// Where the first of the right places stands among those that were found, from 0; `None` if it was not found.
pub fn rank(found: &[String], right: &[String]) -> Option<usize> {
    found.iter().position(|place| right.contains(place))
}

/// The places that answer a question, best first, each once; none if it would be refused.
pub fn places(
    knowledge: &Knowledge,
    question: &str,
    earlier: &[&str],
) -> Result<Vec<String>, KnowledgeError> {
    let hits = knowledge.search(question, earlier)?;
    match hits.first().is_some_and(|hit| knowledge.is_answer(hit)) {
        true => Ok(places_of(knowledge, &hits)),
        false => Ok(Vec::new()),
    }
}

/// The places of the passages that have most to do with a question, at most `most` passages, good enough or not: what
/// somebody else answers from.
pub fn nearest(
    knowledge: &Knowledge,
    question: &str,
    earlier: &[&str],
    most: usize,
) -> Result<Vec<String>, KnowledgeError> {
    let hits = knowledge.search(question, earlier)?;
    Ok(places_of(knowledge, hits.get(..most).unwrap_or(&hits)))
}

/// The places of hits, in their order, each once.
fn places_of(knowledge: &Knowledge, hits: &[Hit]) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for passage in hits.iter().filter_map(|hit| knowledge.passage(hit)) {
        let place = passage.place();
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Format};
    use super::*;

    fn documents() -> Documents {
        let text = "# Shop\n\n## Opening hours\n\nWe open at 9:00.\n\n## Dogs\n\nDogs may come in.\n\n## Returns\n\nYou get your money back.\n";
        Documents::from(vec![Document {
            file: "shop.md".into(),
            format: Format::Markdown,
            text: text.into(),
        }])
    }

    fn question(id: &str, text: &str, place: Option<&str>) -> Question {
        Question {
            id: id.into(),
            text: text.into(),
            answer_in: place
                .map(|place| format!("shop.md#{place}"))
                .into_iter()
                .collect(),
            split: None,
            is_spoken: false,
            follows: None,
        }
    }

    #[test]
    fn each_way_to_prepare_is_a_row_and_says_what_it_missed() {
        let questions = [
            question("a", "When do you open?", Some("Opening hours")),
            question("b", "May I get a refund?", Some("Returns")),
            question("c", "Who painted the ceiling?", None),
        ];
        let all = variants(&Preparation::default());
        let rows = evaluate(&documents(), &questions, &questions, all).unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), 14);
        assert_eq!((names[0], names[5]), ("plain chunks", "+ threshold"));
        let plain = &rows[0];
        assert!(plain.missed.iter().any(|missed| missed.id == "b"));
        let whole = &rows[5];
        assert_eq!(
            whole.figures.hit_at_1.unwrap().value,
            1.0,
            "{:?}",
            whole.missed
        );
        assert_eq!(whole.figures.right_refusals.unwrap().value, 1.0);
    }
}
