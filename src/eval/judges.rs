//! What people judged: right transcripts, and whether answers are right.

use super::{Evaluated, Figure, Part, SOUND};
use crate::files;
use crate::measure::WordErrors;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A longer file of judgements is refused: 64 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Judgements, a line each.
#[derive(Debug, Clone, Default)]
pub struct Judges(Vec<Judgement>);

/// What one person says of one turn.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judgement {
    case: String,
    /// The condition; all of them unless given.
    #[serde(default)]
    sound: Option<String>,
    judge: String,
    /// What was said, in words.
    #[serde(default)]
    transcript: Option<String>,
    /// Whether the answer is right: yes or no.
    #[serde(default)]
    right: Option<Right>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Right {
    Yes,
    No,
}

/// How far two people agree on which answers are right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    pub judges: [String; 2],
    /// Answers that both judged.
    pub turns: usize,
    /// The share on which they agree, 0 to 1.
    pub agreed: f64,
    /// Cohen's kappa: how far they agree beyond chance, 1 for always; null if both only ever say the same word (Cohen 1960,
    /// "A coefficient of agreement for nominal scales").
    pub kappa: Option<f64>,
}

/// Judgements that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("--labels {}: {reason}; give a CSV with the columns case, judge, and sound, transcript or right (yes or no)", path.display())]
pub struct JudgesError {
    path: PathBuf,
    reason: String,
}

impl Judges {
    /// Reads a CSV whose first line names its columns.
    ///
    /// # Errors
    /// A file that cannot be read or is too long, and the line that is wrong.
    pub fn read(path: &Path) -> Result<Judges, JudgesError> {
        let wrong = |reason: String| JudgesError {
            path: path.to_owned(),
            reason,
        };
        let file = files::open(path, FILE_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(file.take(FILE_BYTES_MAX));
        let lines: Result<Vec<Judgement>, csv::Error> = reader.deserialize().collect();
        let lines = lines.map_err(|error| wrong(error.to_string()))?;
        match lines.is_empty() {
            true => Err(wrong("nobody judged anything in it".into())),
            false => Ok(Judges(lines)),
        }
    }

    /// Puts what people say in place of what was told by rules, and tells how far they agree. Of several who judged an answer
    /// each counts alike; of several transcripts the first in the file does.
    ///
    /// # Errors
    /// The first turn that somebody judged and the suite has not.
    pub fn judge(&self, path: &Path, evaluated: &mut Evaluated) -> Result<(), JudgesError> {
        let known: BTreeSet<&str> = evaluated.turns.iter().map(|turn| &*turn.case).collect();
        if let Some(other) = self.0.iter().find(|it| !known.contains(&*it.case)) {
            return Err(JudgesError {
                path: path.to_owned(),
                reason: format!("the suite has no turn {:?}", other.case),
            });
        }
        let sounds: BTreeSet<&str> = evaluated
            .turns
            .iter()
            .filter_map(|turn| turn.labels.get(SOUND).map(|sound| &**sound))
            .collect();
        let mut asked = self.0.iter().filter_map(|it| it.sound.as_deref());
        if let Some(other) = asked.find(|sound| !sounds.contains(sound)) {
            return Err(JudgesError {
                path: path.to_owned(),
                reason: format!("the suite was not spoken in the condition {other:?}"),
            });
        }
        // A turn that was never spoken has nothing to be judged.
        let spoken = evaluated.turns.iter_mut();
        for turn in spoken.filter(|turn| !turn.parts.is_empty()) {
            let sound = turn.labels.get(SOUND).map(|sound| &**sound);
            let is_of = |it: &&Judgement| {
                *it.case == *turn.case && it.sound.as_deref().is_none_or(|own| Some(own) == sound)
            };
            let own: Vec<&Judgement> = self.0.iter().filter(is_of).collect();
            if let Some(said) = own
                .iter()
                .find_map(|it| it.transcript.as_deref().filter(|it| !it.is_empty()))
            {
                for figure in Figure::OF_WORDS {
                    turn.parts.remove(&figure);
                }
                turn.parts
                    .extend(of_words(WordErrors::between(said, &turn.heard)));
            }
            let judged: Vec<Right> = own.iter().filter_map(|it| it.right).collect();
            if !judged.is_empty() {
                let wrong = judged.iter().filter(|it| **it == Right::No).count();
                let part = Part {
                    above: wrong as f64 / judged.len() as f64,
                    below: 1.0,
                };
                turn.parts.insert(Figure::WrongShare, part);
            }
        }
        evaluated.agreements = self.agreements();
        Ok(())
    }

    /// How far each two people agree who judged the same answers.
    fn agreements(&self) -> Vec<Agreement> {
        let mut by_judge: BTreeMap<&str, BTreeMap<(&str, Option<&str>), Right>> = BTreeMap::new();
        for it in &self.0 {
            if let Some(right) = it.right {
                let own = by_judge.entry(&it.judge).or_default();
                own.insert((&it.case, it.sound.as_deref()), right);
            }
        }
        let judges: Vec<_> = by_judge.iter().collect();
        let mut agreements = Vec::new();
        for (nth, (one, own)) in judges.iter().enumerate() {
            for (other, others) in &judges[nth + 1..] {
                let both: Vec<(Right, Right)> = own
                    .iter()
                    .filter_map(|(turn, right)| Some((*right, *others.get(turn)?)))
                    .collect();
                if !both.is_empty() {
                    agreements.push(Agreement::of([one, other], &both));
                }
            }
        }
        agreements
    }
}

/// What word errors add to the figures of words.
pub(super) fn of_words(errors: WordErrors) -> impl Iterator<Item = (Figure, Part)> {
    let rates = [
        (Figure::WordErrorRate, errors.errors, errors.words),
        (
            Figure::RawWordErrorRate,
            errors.raw_errors,
            errors.raw_words,
        ),
        (
            Figure::NameErrorRate,
            errors.name_and_number_errors,
            errors.names_and_numbers,
        ),
    ];
    let has_words = |(.., words): &(Figure, u32, u32)| *words > 0;
    rates
        .into_iter()
        .filter(has_words)
        .map(|(figure, errors, words)| {
            let part = Part {
                above: f64::from(errors),
                below: f64::from(words),
            };
            (figure, part)
        })
}

impl Agreement {
    fn of(judges: [&str; 2], both: &[(Right, Right)]) -> Agreement {
        let share = |is: &dyn Fn(&(Right, Right)) -> bool| {
            both.iter().filter(|pair| is(pair)).count() as f64 / both.len() as f64
        };
        let agreed = share(&|(one, other)| one == other);
        let yes = [
            share(&|(one, _)| *one == Right::Yes),
            share(&|(_, other)| *other == Right::Yes),
        ];
        let by_chance = yes[0] * yes[1] + (1.0 - yes[0]) * (1.0 - yes[1]);
        Agreement {
            judges: judges.map(str::to_owned),
            turns: both.len(),
            agreed,
            kappa: (by_chance < 1.0).then(|| (agreed - by_chance) / (1.0 - by_chance)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::weak::tests::planted;
    use super::*;

    fn read(text: &str) -> Result<(Judges, PathBuf), JudgesError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, text).expect("written");
        Judges::read(&path).map(|judges| (judges, path))
    }

    #[test]
    fn what_people_say_counts_in_place_of_rules_and_their_agreement_is_told() {
        let mut evaluated = planted(1, 4, 0.1, ("ann", 1.0));
        let (judges, path) = read(
            "case,sound,judge,transcript,right\n\
             ann-0,,eve,hello there,yes\nann-0,,max,,no\nann-1,,eve,,yes\nann-1,,max,,yes\nann-2,,eve,,no\nann-2,,max,,no\n\
             bob-0,noise,eve,,no\n",
        )
        .expect("judgements");
        judges.judge(&path, &mut evaluated).expect("judged");
        let of = |case: &str, sound: &str, figure| {
            let turn = evaluated
                .turns
                .iter()
                .find(|turn| &*turn.case == case && &*turn.labels[SOUND] == sound);
            turn.and_then(|turn| turn.parts.get(&figure).map(|part| (part.above, part.below)))
        };
        assert_eq!(of("ann-0", "quiet", Figure::WrongShare), Some((0.5, 1.0)));
        assert_eq!(
            of("ann-0", "noise", Figure::WordErrorRate),
            Some((2.0, 2.0))
        );
        assert_eq!(of("bob-0", "noise", Figure::WrongShare), Some((1.0, 1.0)));
        assert_eq!(of("bob-0", "quiet", Figure::WrongShare), None);
        let [both] = evaluated.agreements.as_slice() else {
            panic!("{:?}", evaluated.agreements);
        };
        assert_eq!(
            (both.turns, &both.judges),
            (3, &["eve".to_owned(), "max".to_owned()])
        );
        // Agreed 2/3; by chance 2/3 x 1/3 + 1/3 x 2/3 = 4/9.
        assert!(
            both.kappa.is_some_and(|kappa| (kappa - 0.4).abs() < 1e-9),
            "{both:?}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_named_with_its_line() {
        for (text, told) in [
            ("case,judge,right\na,b,perhaps\n", "line: 2"),
            ("case,right\na,yes\n", "judge"),
            ("case,judge,right\n", "nobody judged"),
            ("case,judge,rihgt\na,b,yes\n", "unknown field"),
        ] {
            let error = read(text).expect_err("refused").to_string();
            assert!(error.contains(told), "{error}");
        }
        let (judges, path) = read("case,judge,right\nzoe-1,b,yes\n").expect("judgements");
        let mut evaluated = planted(1, 1, 0.1, ("ann", 1.0));
        let error = judges
            .judge(&path, &mut evaluated)
            .expect_err("another suite");
        assert!(error.to_string().contains("no turn \"zoe-1\""), "{error}");
        let (judges, path) =
            read("case,sound,judge,right\nann-0,nosie,b,yes\n").expect("judgements");
        let error = judges
            .judge(&path, &mut evaluated)
            .expect_err("another condition");
        assert!(error.to_string().contains("condition \"nosie\""), "{error}");
    }
}
