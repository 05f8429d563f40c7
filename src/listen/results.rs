//! What the choices come to: which system people prefer, by how much, how sure that is, and how many choices are still
//! needed.

use super::attention::{Judge, judges};
use super::kept::{Choice, Head, KeptError, read};
use super::strengths::{Comparison, Estimate, Strengths, Z};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The quantile of the normal distribution for a power of 80 %.
const POWER: f64 = 0.841_621;

/// How choices are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The least preference that matters, above one half and up to one: 0.6 is three of five.
    pub least: f64,
    /// Whether judges are left out who are not told from ones who guess.
    pub are_guessers_left_out: bool,
}

/// What all choices of a file come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    /// [`Results::SCHEMA`].
    pub schema: &'static str,
    /// The systems.
    pub systems: Vec<String>,
    /// What was judged: `sound` or `text`.
    pub judged: &'static str,
    /// The judges.
    pub judges: Vec<Judge>,
    /// The judges who were left out.
    pub left_out: Vec<String>,
    /// The least preference that matters.
    pub least: f64,
    /// All choices.
    pub all: Standing,
    /// Choices by the labels of their turns.
    pub segments: Vec<Segment>,
}

/// A file of choices, read, and what it comes to.
#[derive(Debug)]
pub struct ReadResults {
    /// What the choices come to.
    pub results: Results,
    /// What was compared.
    pub head: Head,
    /// The choices, in the order in which they were made.
    pub choices: Vec<Choice>,
}

/// Choices of turns with one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// The label.
    pub by: String,
    /// Its value.
    pub name: String,
    /// What these choices come to.
    #[serde(flatten)]
    pub standing: Standing,
}

/// How systems stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Choices, repeats not counted.
    pub choices: u64,
    /// Turns that they are about.
    pub turns: u64,
    /// The strength of each system above the mean of all, in the logarithm of odds, the strongest first; empty if
    /// some were never compared with the others.
    pub strengths: Vec<Strength>,
    /// Each two systems that were compared.
    pub preferences: Vec<Preference>,
}

/// How strong one system is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Strength {
    /// The system.
    pub system: String,
    /// The strength and its interval.
    #[serde(flatten)]
    pub strength: Estimate,
}

/// How often one system is preferred to another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preference {
    /// The system that is preferred more often.
    pub system: String,
    /// The other one.
    pub to: String,
    /// Choices between the two.
    pub choices: u64,
    /// How many of them were of neither.
    pub neither: u64,
    /// The probability of a preference, by the strengths; a choice of neither counts half.
    #[serde(flatten)]
    pub share: Estimate,
    /// Whether that is more than chance.
    pub is_told: bool,
    /// How many more choices between the two would tell so large a preference, or the least that matters, from chance
    /// in four of five experiments; 0 if it is told.
    pub needed: u64,
}

impl Results {
    /// The schema of the document.
    pub const SCHEMA: &'static str = "voicesim.listening/1";

    /// What a file of choices comes to.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of choices.
    pub fn read(path: &Path, settings: &Settings) -> Result<ReadResults, KeptError> {
        let (head, choices) = read(path)?;
        Ok(ReadResults {
            results: Results::of(&head, &choices, settings),
            head,
            choices,
        })
    }

    /// What choices come to.
    pub fn of(head: &Head, choices: &[Choice], settings: &Settings) -> Results {
        let judges = judges(choices);
        let guess =
            |judge: &&Judge| settings.are_guessers_left_out && judge.is_attentive == Some(false);
        let left_out: Vec<String> = judges
            .iter()
            .filter(guess)
            .map(|judge| judge.name.clone())
            .collect();
        let counted: Vec<&Choice> = choices
            .iter()
            .filter(|choice| choice.repeats.is_none() && !left_out.contains(&choice.judge))
            .collect();
        let mut labelled: BTreeMap<(&str, &str), Vec<&Choice>> = BTreeMap::new();
        for choice in &counted {
            for (by, name) in &choice.labels {
                labelled
                    .entry((by.as_str(), name.as_str()))
                    .or_default()
                    .push(choice);
            }
        }
        let segments = labelled.into_iter().map(|((by, name), own)| Segment {
            by: by.to_owned(),
            name: name.to_owned(),
            standing: standing(head, &own, settings.least),
        });
        Results {
            schema: Results::SCHEMA,
            systems: head.systems.clone(),
            judged: head.judged.name(),
            judges,
            left_out,
            least: settings.least,
            all: standing(head, &counted, settings.least),
            segments: segments.collect(),
        }
    }
}

fn standing(head: &Head, choices: &[&Choice], least: f64) -> Standing {
    let turns: BTreeSet<&str> = choices.iter().map(|choice| choice.turn.as_str()).collect();
    let places: BTreeMap<&str, usize> = turns
        .iter()
        .enumerate()
        .map(|(n, turn)| (*turn, n))
        .collect();
    let comparison = |choice: &&Choice| Comparison {
        turn: places
            .get(choice.turn.as_str())
            .copied()
            .unwrap_or_default(),
        systems: [choice.first, choice.second],
        share: match choice.preferred() {
            Some(system) => f64::from(u8::from(system == choice.first)),
            None => 0.5,
        },
    };
    let comparisons: Vec<Comparison> = choices.iter().map(comparison).collect();
    let systems = head.systems.len();
    let name = |place: usize| head.systems.get(place).cloned().unwrap_or_default();
    let fitted = Strengths::of(&comparisons, systems);
    let mut strengths: Vec<Strength> = fitted
        .iter()
        .flat_map(|fitted| {
            (0..systems).map(move |system| Strength {
                system: name(system),
                strength: fitted.strength(system),
            })
        })
        .collect();
    strengths.sort_by(|a, b| b.strength.value.total_cmp(&a.strength.value));
    let mut preferences = Vec::new();
    for first in 0..systems {
        for other in first + 1..systems {
            let is_theirs = |choice: &&&Choice| {
                [[first, other], [other, first]].contains(&[choice.first, choice.second])
            };
            let own: Vec<&&Choice> = choices.iter().filter(is_theirs).collect();
            let of = own.len() as u64;
            let neither = own
                .iter()
                .filter(|choice| choice.preferred().is_none())
                .count() as u64;
            let Some(fitted) = fitted.as_ref().filter(|_| of > 0) else {
                continue;
            };
            let share = fitted.preference([first, other]);
            let (places, share) = match share.value < 0.5 {
                true => ([other, first], fitted.preference([other, first])),
                false => ([first, other], share),
            };
            let [system, to] = places.map(name);
            let is_told = share.low > 0.5;
            preferences.push(Preference {
                system,
                to,
                choices: of,
                neither,
                share,
                is_told,
                needed: match is_told {
                    true => 0,
                    false => choices_that_tell(share.value.max(least))
                        .saturating_sub(of)
                        .max(1),
                },
            });
        }
    }
    Standing {
        choices: choices.len() as u64,
        turns: turns.len() as u64,
        strengths,
        preferences,
    }
}

/// How many choices tell a preference from a coin's toss, at 5 % and with a power of 80 %.
fn choices_that_tell(share: f64) -> u64 {
    let spread = Z * 0.5 + POWER * libm::sqrt(share * (1.0 - share));
    let count = (spread / (share - 0.5)).powi(2);
    // At least as many as could tell anything at all: five of five are one of 32, six of six one of 64.
    (count.ceil() as u64).max(6)
}

#[cfg(test)]
mod tests {
    use super::super::Judged;
    use super::super::kept::Chosen;
    use super::*;
    use crate::rng::Seed;

    fn head(systems: &[&str]) -> Head {
        Head {
            schema: Head::SCHEMA.into(),
            systems: systems.iter().map(|name| (*name).to_owned()).collect(),
            judged: Judged::Sound,
            seed: 1,
            repeats: 0.1,
            pairs: 100,
            fingerprint: String::new(),
        }
    }

    const SETTINGS: Settings = Settings {
        least: 0.6,
        are_guessers_left_out: false,
    };

    /// Choices between two systems; the second is preferred with this probability, by topic.
    fn chosen(count: u32, by_topic: &[(&str, f64)]) -> Vec<Choice> {
        let mut luck = Seed(3).stream("listen", 0, 0, "results");
        let mut all = Vec::new();
        for (topic, probability) in by_topic {
            for _ in 0..count {
                let is_second = luck.uniform() < *probability;
                let first = usize::from(luck.uniform() < 0.5);
                let is_first_chosen = (first == 1) == is_second;
                let number = all.len() as u32 + 1;
                all.push(Choice {
                    number,
                    judge: "anna".into(),
                    turn: number.to_string(),
                    first,
                    second: 1 - first,
                    chosen: match is_first_chosen {
                        true => Chosen::First,
                        false => Chosen::Second,
                    },
                    repeats: None,
                    labels: BTreeMap::from([("topic".into(), (*topic).into())]),
                });
            }
        }
        all
    }

    #[test]
    fn what_is_preferred_in_one_topic_and_not_in_another_shows() {
        let choices = chosen(80, &[("hours", 0.9), ("prices", 0.3)]);
        let results = Results::of(&head(&["before", "after"]), &choices, &SETTINGS);
        assert_eq!(results.all.choices, 160);
        let of = |name: &str| {
            let segment = results.segments.iter().find(|one| one.name == name);
            segment.expect("a segment").standing.preferences[0].clone()
        };
        let (hours, prices) = (of("hours"), of("prices"));
        assert_eq!(
            (hours.system.as_str(), hours.to.as_str()),
            ("after", "before")
        );
        assert!(hours.is_told && hours.share.low > 0.75, "{hours:?}");
        assert_eq!(prices.system, "before");
        assert_eq!(results.all.strengths[0].system, "after");
    }

    #[test]
    fn a_preference_that_is_not_told_says_how_many_choices_it_needs() {
        // Three of five is told from a coin by 194 choices in four of five experiments (by the normal distribution).
        assert_eq!(choices_that_tell(0.6), 194);
        assert_eq!(choices_that_tell(1.0), 6);
        let choices = chosen(20, &[("hours", 0.5)]);
        let results = Results::of(&head(&["before", "after"]), &choices, &SETTINGS);
        let only = &results.all.preferences[0];
        assert!(!only.is_told);
        assert!(only.needed > 0 && only.needed <= 174, "{only:?}");
    }

    #[test]
    fn so_many_choices_tell_it_in_about_four_of_five_experiments() {
        let mut told = 0;
        let mut luck = Seed(1).stream("listen", 0, 0, "power");
        for _ in 0..200 {
            let comparisons: Vec<Comparison> = (0..194)
                .map(|turn| Comparison {
                    turn,
                    systems: [0, 1],
                    share: f64::from(u8::from(luck.uniform() < 0.6)),
                })
                .collect();
            let fitted = Strengths::of(&comparisons, 2).expect("compared");
            told += u32::from(fitted.preference([0, 1]).low > 0.5);
        }
        assert!((145..=180).contains(&told), "{told} of 200");
    }

    #[test]
    fn a_judge_who_guesses_is_left_out_if_that_is_asked_for() {
        let mut choices = chosen(30, &[("hours", 0.9)]);
        for number in 31..=40 {
            let before = choices[number - 31].clone();
            choices.push(Choice {
                number: number as u32,
                repeats: Some(before.number),
                first: before.second,
                second: before.first,
                ..before
            });
        }
        let of = |are_guessers_left_out| {
            let settings = Settings {
                are_guessers_left_out,
                ..SETTINGS
            };
            Results::of(&head(&["before", "after"]), &choices, &settings)
        };
        assert_eq!(of(false).judges[0].is_attentive, Some(false));
        assert_eq!((of(false).all.choices, of(true).all.choices), (30, 0));
        assert_eq!(of(true).left_out, ["anna"]);
        assert!(of(true).all.preferences.is_empty());
    }
}
