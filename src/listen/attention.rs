//! Whether a judge listens: what they say of a pair that they are given again, with its sides exchanged.

use super::kept::{Choice, Chosen};
use serde::Serialize;
use std::collections::BTreeMap;

/// With fewer repeats than this nobody can be told from somebody who guesses.
const REPEATS_MIN: u64 = 5;

/// A judge is told from one who guesses if guessing would agree so often in less than one of twenty.
const SIGNIFICANCE: f64 = 0.05;

/// How one judge chose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judge {
    /// The name that the judge gave.
    pub name: String,
    /// Choices, repeats not counted.
    pub choices: u64,
    /// How often what was heard first was chosen, of the choices that were not of neither, repeats included.
    pub chose_first: u64,
    /// How often neither was chosen, repeats included.
    pub chose_neither: u64,
    /// Pairs that were given again.
    pub repeats: u64,
    /// How many of them were judged as before.
    pub agreed: u64,
    /// Whether those of them in which either was chosen agree more often than guessing; `None` of too few.
    pub is_attentive: Option<bool>,
}

/// Every judge, in the order of their names.
pub(super) fn judges(choices: &[Choice]) -> Vec<Judge> {
    let mut by_name: BTreeMap<&str, Vec<&Choice>> = BTreeMap::new();
    for choice in choices {
        by_name.entry(&choice.judge).or_default().push(choice);
    }
    by_name
        .into_iter()
        .map(|(name, own)| judge(name, &own))
        .collect()
}

fn judge(name: &str, own: &[&Choice]) -> Judge {
    let before: BTreeMap<u32, &Choice> =
        own.iter().map(|choice| (choice.number, *choice)).collect();
    let count = |is: &dyn Fn(&Choice) -> bool| own.iter().filter(|one| is(one)).count() as u64;
    let (mut repeats, mut agreed, mut telling, mut right) = (0, 0, 0, 0);
    for choice in own {
        let first = choice.repeats.and_then(|number| before.get(&number));
        if let Some(first) = first {
            repeats += 1;
            let agrees = first.preferred() == choice.preferred();
            let is_either = choice.preferred().is_some();
            agreed += u64::from(agrees);
            // Neither, twice, tells nobody from one who always presses that key.
            telling += u64::from(is_either || first.preferred().is_some());
            right += u64::from(agrees && is_either);
        }
    }
    Judge {
        name: name.to_owned(),
        choices: count(&|one| one.repeats.is_none()),
        chose_first: count(&|one| one.chosen == Chosen::First),
        chose_neither: count(&|one| one.chosen == Chosen::Neither),
        repeats,
        agreed,
        is_attentive: (telling >= REPEATS_MIN)
            .then(|| at_least_by_guessing(right, telling) < SIGNIFICANCE),
    }
}

/// How probable it is to be right so often, or more often, by guessing between two.
fn at_least_by_guessing(right: u64, of: u64) -> f64 {
    // Ways to be right k times of n, each half to the power of n; in logarithms, since n may be large.
    let n = of as f64;
    let log_choose =
        |k: f64| libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    (right..=of)
        .map(|k| libm::exp(log_choose(k as f64) - n * std::f64::consts::LN_2))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A judge who is given ten pairs, and these again; `chooses` says what of the how-manieth presentation.
    fn judged(chooses: impl Fn(u32) -> Chosen) -> Judge {
        let one = |number: u32| Choice {
            number,
            judge: "a".into(),
            turn: number.to_string(),
            first: usize::from(number > 10),
            second: usize::from(number <= 10),
            chosen: chooses(number),
            repeats: number.checked_sub(10).filter(|before| *before > 0),
            labels: Default::default(),
        };
        let all: Vec<Choice> = (1..=20).map(one).collect();
        let judges = judges(&all);
        assert_eq!(judges.len(), 1);
        judges.into_iter().next().expect("a judge")
    }

    #[test]
    fn who_hears_the_same_again_is_told_from_who_presses_one_key() {
        let careful = judged(|number| match number <= 10 {
            true => Chosen::First,
            false => Chosen::Second,
        });
        assert_eq!(
            (careful.choices, careful.repeats, careful.agreed),
            (10, 10, 10)
        );
        assert_eq!(careful.is_attentive, Some(true));
        let idle = judged(|_| Chosen::First);
        assert_eq!((idle.agreed, idle.chose_first), (0, 20));
        assert_eq!(idle.is_attentive, Some(false));
        let undecided = judged(|_| Chosen::Neither);
        assert_eq!((undecided.agreed, undecided.is_attentive), (10, None));
    }

    #[test]
    fn guessing_is_a_coin() {
        assert!((at_least_by_guessing(5, 5) - 1.0 / 32.0).abs() < 1e-12);
        assert!((at_least_by_guessing(0, 9) - 1.0).abs() < 1e-12);
        assert!((at_least_by_guessing(9, 10) - 11.0 / 1_024.0).abs() < 1e-12);
    }
}
