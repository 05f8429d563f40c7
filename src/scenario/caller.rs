//! A simulated caller who makes up what to say: how much and how often.

use super::latency::{Latency, LatencyModel};
use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[caller]`: how callers behave, with latencies as they are written or, once parsed, to draw from. Times
/// are drawn anew for everything that a caller does; rates are means of Poisson processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    bound(deserialize = "L: Deserialize<'de>, Caller<L>: Default")
)]
#[schemars(
    bound = "L: JsonSchema + Serialize, Caller<L>: Default",
    rename = "Caller"
)]
pub struct Caller<L = LatencyModel> {
    /// Questions in a conversation, 1 to 10,000.
    pub questions: u32,
    /// What is asked aloud, one text for each question and then from the first one again, up to 1,000 of up to 2,000
    /// characters; plain questions unless given. A simulation has no words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<String>,
    /// How long a question is, without its pauses.
    pub speech: L,
    /// Seconds of speech between two pauses inside a question, on average, 0.5 to 3,600; 0 for no pauses.
    pub pause_every_s: f64,
    /// How long such a pause is.
    pub pause: L,
    /// The time from the end of the agent's answer to the next question.
    pub reaction: L,
    /// How long a caller waits for a sound after a question before asking again; 0 for ever.
    pub patience: L,
    /// How long the caller speaks to ask again.
    pub restart: L,
    /// Restarts in a row without an answer after which the caller hangs up, up to 100.
    pub restarts_max: u32,
    /// Backchannels ("mm-hmm" and the like) in a minute of the agent's speech, up to 60.
    pub backchannels_per_minute: f64,
    /// How long a backchannel is.
    pub backchannel: L,
    /// Times in a minute of the agent's speech that the caller wants it to stop, and says why; up to 60.
    pub interruptions_per_minute: f64,
    /// How long the caller speaks to interrupt the agent.
    pub interruption: L,
    /// Coughs, doors and the like in a minute of the agent's speech, up to 60.
    pub noises_per_minute: f64,
    /// How long a noise is.
    pub noise: L,
}

impl Default for Caller {
    fn default() -> Caller {
        let lognormal = |median_ms, p95_ms| LatencyModel::Lognormal { median_ms, p95_ms };
        Caller {
            questions: 8,
            says: Vec::new(),
            speech: lognormal(2_400.0, 5_200.0),
            pause_every_s: 6.0,
            // 95 % of the pauses inside a turn of a dialogue last less than 1.4 s (livekit/agents#3640).
            pause: lognormal(400.0, 1_400.0),
            reaction: lognormal(300.0, 900.0),
            // Past some 1.2 s people begin again: a convention.
            patience: LatencyModel::FixedMs(1_200.0),
            restart: lognormal(900.0, 1_800.0),
            restarts_max: 3,
            backchannels_per_minute: 4.0,
            backchannel: lognormal(350.0, 600.0),
            interruptions_per_minute: 1.0,
            interruption: lognormal(1_500.0, 3_000.0),
            noises_per_minute: 1.0,
            noise: lognormal(250.0, 500.0),
        }
    }
}

/// More than this is no question, but a monologue.
const QUESTIONS_MAX: u32 = 10_000;
const RESTARTS_MAX: u32 = 100;
const TEXTS_MAX: usize = 1_000;
const TEXT_CHARACTERS_MAX: usize = 2_000;
/// A sound a second is as often as anybody makes one.
const PER_MINUTE_MAX: f64 = 60.0;
const PAUSE_EVERY_S: std::ops::RangeInclusive<f64> = 0.5..=3_600.0;

impl Caller {
    /// What the table means; `at` is `[caller]`.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Caller<Latency>, Problem> {
        if self.restarts_max > RESTARTS_MAX {
            let fix = format!(
                "{}; nobody starts again more than {RESTARTS_MAX} times",
                self.restarts_max
            );
            return Err(at.problem("restarts_max", fix));
        }
        if !(1..=QUESTIONS_MAX).contains(&self.questions) {
            let fix = format!("{}; give between 1 and {QUESTIONS_MAX}", self.questions);
            return Err(at.problem("questions", fix));
        }
        let is_text = |text: &String| {
            let has_words = text.contains(char::is_alphanumeric);
            has_words && text.chars().count() <= TEXT_CHARACTERS_MAX
        };
        if self.says.len() > TEXTS_MAX || !self.says.iter().all(is_text) {
            let fix = format!(
                "give up to {TEXTS_MAX} texts with words in them, of up to {TEXT_CHARACTERS_MAX} characters"
            );
            return Err(at.problem("says", fix));
        }
        let every = self.pause_every_s;
        if every != 0.0 && !PAUSE_EVERY_S.contains(&every) {
            let fix = format!("{every}; give 0.5 to 3600 seconds of speech, or 0 for no pauses");
            return Err(at.problem("pause_every_s", fix));
        }
        let drawn = |key, model: &LatencyModel| model.parse().map_err(|fix| at.problem(key, fix));
        let rate = |key, rate| match (0.0..=PER_MINUTE_MAX).contains(&rate) {
            true => Ok(rate),
            false => {
                let fix = format!("{rate}; give between 0 and {PER_MINUTE_MAX} a minute");
                Err(at.problem(key, fix))
            }
        };
        Ok(Caller {
            questions: self.questions,
            says: self.says.clone(),
            speech: drawn("speech", &self.speech)?,
            pause_every_s: every,
            pause: drawn("pause", &self.pause)?,
            reaction: drawn("reaction", &self.reaction)?,
            patience: drawn("patience", &self.patience)?,
            restart: drawn("restart", &self.restart)?,
            restarts_max: self.restarts_max,
            backchannels_per_minute: rate("backchannels_per_minute", self.backchannels_per_minute)?,
            backchannel: drawn("backchannel", &self.backchannel)?,
            interruptions_per_minute: rate(
                "interruptions_per_minute",
                self.interruptions_per_minute,
            )?,
            interruption: drawn("interruption", &self.interruption)?,
            noises_per_minute: rate("noises_per_minute", self.noises_per_minute)?,
            noise: drawn("noise", &self.noise)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_as_they_come_is_fine() {
        assert!(Caller::default().parse(Table::at(&["caller"])).is_ok());
    }

    #[test]
    fn what_nobody_does_is_refused_with_its_key() {
        let wrong = |caller: Caller| {
            let parsed = caller.parse(Table::at(&["caller"]));
            parsed.map_err(|problem| problem.place.to_string()).err()
        };
        let default = Caller::default;
        for (key, caller) in [
            (
                "questions",
                Caller {
                    questions: 0,
                    ..default()
                },
            ),
            (
                "says",
                Caller {
                    says: vec!["…".into()],
                    ..default()
                },
            ),
            (
                "pause_every_s",
                Caller {
                    pause_every_s: 0.1,
                    ..default()
                },
            ),
            (
                "pause_every_s",
                Caller {
                    pause_every_s: f64::NAN,
                    ..default()
                },
            ),
            (
                "noises_per_minute",
                Caller {
                    noises_per_minute: 61.0,
                    ..default()
                },
            ),
            (
                "speech",
                Caller {
                    speech: LatencyModel::FixedMs(-1.0),
                    ..default()
                },
            ),
        ] {
            assert_eq!(wrong(caller), Some(format!("caller.{key}")));
        }
    }
}
