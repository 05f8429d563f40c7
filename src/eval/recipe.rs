//! Conditions that a suite is spoken in: what a recording is made of another by.

use std::fmt;
use std::str::FromStr;

/// A condition, as it is written: steps with blanks between them, in the order in which they are done: `babble=15 mu-law`.
/// `quiet` has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    pub steps: Vec<Step>,
    name: String,
}

/// A step of a recipe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Pink noise goes on behind the voice, so many decibels under it.
    Noise(f32),
    /// Other turns of the suite are spoken behind the voice, all at once, so many decibels under it.
    Babble(f32),
    /// The voice is heard in a room in which sound dies away by 60 dB within so many seconds.
    Room(f32),
    /// The recording is played so many times as fast, and sounds so many times as high (Ko et al. 2015, "Audio augmentation for speech recognition").
    Speed(f64),
    /// The recording is so many decibels louder, or softer below zero.
    Level(f32),
    /// The voice comes over a telephone: 8 kHz, in the 8 bits of µ-law.
    MuLaw,
}

/// Why a recipe cannot be meant. The text says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecipeProblem(String);

/// Steps of a recipe, as they are written.
const STEPS: &str = "quiet, noise=DB, babble=DB, room=SECONDS, speed=TIMES, level=DB or mu-law";

impl Recipe {
    /// The name of the condition: the recipe as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether other turns are spoken behind this one.
    pub fn has_babble(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Babble(_)))
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Recipe {
    type Err = RecipeProblem;

    fn from_str(written: &str) -> Result<Recipe, RecipeProblem> {
        let mut steps = Vec::new();
        for word in written.split_whitespace() {
            match word {
                "quiet" => {}
                "mu-law" => steps.push(Step::MuLaw),
                _ => steps.push(step(word)?),
            }
        }
        let name = written.split_whitespace().collect::<Vec<_>>().join(" ");
        match name.is_empty() {
            true => Err(RecipeProblem(format!(
                "a condition says what is done to the sound: {STEPS}"
            ))),
            false => Ok(Recipe { steps, name }),
        }
    }
}

/// A step with a number.
fn step(word: &str) -> Result<Step, RecipeProblem> {
    let unknown = || RecipeProblem(format!("{word:?} is no condition; write {STEPS}"));
    let (name, value) = word.split_once('=').ok_or_else(unknown)?;
    let value: f64 = value
        .parse()
        .map_err(|_| RecipeProblem(format!("{word:?}: {value:?} is no number; write {STEPS}")))?;
    let within = |low: f64, high: f64, unit: &str| match (low..=high).contains(&value) {
        true => Ok(value),
        false => Err(RecipeProblem(format!(
            "{word:?}: give {low} to {high}{unit}"
        ))),
    };
    let db = |low| within(low, 60.0, " dB").map(|it| it as f32);
    match name {
        "noise" => db(-20.0).map(Step::Noise),
        "babble" => db(-20.0).map(Step::Babble),
        "level" => db(-60.0).map(Step::Level),
        "room" => within(0.05, 3.0, " s").map(|it| Step::Room(it as f32)),
        "speed" => within(0.5, 2.0, " times").map(Step::Speed),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_steps_in_their_order() {
        let recipe: Recipe = " babble=15   mu-law ".parse().expect("a recipe");
        assert_eq!(recipe.steps, [Step::Babble(15.0), Step::MuLaw]);
        assert_eq!(recipe.name(), "babble=15 mu-law");
        assert!(recipe.has_babble());
        let quiet: Recipe = "quiet".parse().expect("a recipe");
        assert_eq!((quiet.steps.len(), quiet.name()), (0, "quiet"));
    }

    #[test]
    fn what_is_no_recipe_says_what_to_write() {
        for (written, told) in [
            ("", "what is done"),
            ("hiss=3", "no condition"),
            ("noise", "no condition"),
            ("noise=loud", "no number"),
            ("noise=NaN", "give -20 to 60 dB"),
            ("speed=9", "give 0.5 to 2 times"),
        ] {
            let problem = written.parse::<Recipe>().expect_err("no recipe");
            assert!(problem.to_string().contains(told), "{problem}");
        }
    }
}
