//! What is done about a stage that fails or takes too long, as data. What is left out is not done.

use super::{Answer, Scenario, SpeechToText, TextToSpeech};
use serde::{Deserialize, Serialize};

/// The cures of each stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cures {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stt: Option<Cure<SpeechToText>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Cure<Answer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts: Option<Cure<TextToSpeech>>,
}

/// The cures of one stage, whose own table is an `S`. They lie around the engine in this order:
/// time-outs, the second request, further tries, the breaker, the other engine. Of speech-to-text a
/// request is one transcription of what was heard so far; of text-to-speech it is a clause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    bound(deserialize = "S: Deserialize<'de>")
)]
pub struct Cure<S> {
    /// A try without an output so long after it was made is given up, which is an error: 1 to 600,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_output_timeout_ms: Option<u64>,
    /// So is one that puts nothing out for so long in mid-stream: 1 to 600,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_timeout_ms: Option<u64>,
    /// Further tries after an error before the first output, up to 10. A server that says when to ask again
    /// is not asked before, and not at all if `back_off_max_ms` is less, or if it says that it is of no use.
    pub retries: u32,
    /// The longest wait before the first of them, doubled before each other one, up to 600,000. How
    /// long it is, is drawn between nothing and that ("full jitter"). 100 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_off_ms: Option<u64>,
    /// It is doubled up to this, at most 600,000; 5,000 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_off_max_ms: Option<u64>,
    /// If there is no output after so long, a second request is made beside the first, and whichever
    /// puts out first is kept: up to 600,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge_after_ms: Option<u64>,
    /// What is asked when all tries failed before the first output, in the words of the stage's own
    /// table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<S>,
    /// `answer`: said before what is fallen back on answers, 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apology: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
}

/// After so many failures in a row, a stage is not asked for a while: it fails at once. Then one
/// request is let through to see.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// 1 to 1,000.
    pub failures: u32,
    /// Seconds, above 0, up to 3,600.
    pub open_s: f64,
}

impl<S> Default for Cure<S> {
    fn default() -> Cure<S> {
        Cure {
            first_output_timeout_ms: None,
            output_timeout_ms: None,
            retries: 0,
            back_off_ms: None,
            back_off_max_ms: None,
            hedge_after_ms: None,
            fallback: None,
            apology: None,
            breaker: None,
        }
    }
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            failures: 5,
            open_s: 10.0,
        }
    }
}

impl Cures {
    pub fn is_none(&self) -> bool {
        *self == Cures::default()
    }
}

/// A time-out, a wait or a delay of more than ten minutes is no cure.
const LONGEST_MS: u64 = 600_000;
const RETRIES_MAX: u32 = 10;
const APOLOGY_CHARACTERS_MAX: usize = 200;
const FAILURES_MAX: u32 = 1_000;
const OPEN_S_MAX: f64 = 3_600.0;

impl<S> Cure<S> {
    /// The longest wait before the first further try, and before any.
    pub fn back_off_ms(&self) -> (u64, u64) {
        let first = self.back_off_ms.unwrap_or(100);
        (first, self.back_off_max_ms.unwrap_or(first.max(5_000)))
    }

    /// The key that is wrong, and the cure, if one is.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        for (key, ms, least) in [
            ("first_output_timeout_ms", self.first_output_timeout_ms, 1),
            ("output_timeout_ms", self.output_timeout_ms, 1),
            ("back_off_ms", self.back_off_ms, 0),
            ("back_off_max_ms", self.back_off_max_ms, 0),
            ("hedge_after_ms", self.hedge_after_ms, 0),
        ] {
            if let Some(ms) = ms.filter(|ms| !(least..=LONGEST_MS).contains(ms)) {
                let cure = format!("{ms} ms; give between {least} and {LONGEST_MS} milliseconds");
                return Some((key, cure));
            }
        }
        if let (Some(hedge), Some(timeout)) = (self.hedge_after_ms, self.first_output_timeout_ms)
            && hedge >= timeout
        {
            let cure = format!(
                "{hedge} ms lies behind first_output_timeout_ms = {timeout}, when the first request is given up; give less"
            );
            return Some(("hedge_after_ms", cure));
        }
        self.wrong_tries()
            .or_else(|| self.wrong_apology())
            .or_else(|| self.breaker?.wrong())
    }

    fn wrong_apology(&self) -> Option<(&'static str, String)> {
        let apology = self.apology.as_ref()?;
        let cure = match apology.trim().chars().count() {
            _ if self.fallback.is_none() => {
                "there is nothing to fall back on that it could be said for; give a fallback, or take the key away".into()
            }
            1..=APOLOGY_CHARACTERS_MAX => return None,
            length => format!("{length} characters; give between 1 and {APOLOGY_CHARACTERS_MAX}"),
        };
        Some(("apology", cure))
    }

    fn wrong_tries(&self) -> Option<(&'static str, String)> {
        if self.retries > RETRIES_MAX {
            let cure = format!("{} further tries; give up to {RETRIES_MAX}", self.retries);
            return Some(("retries", cure));
        }
        for (key, ms) in [
            ("back_off_ms", self.back_off_ms),
            ("back_off_max_ms", self.back_off_max_ms),
        ] {
            if ms.is_some() && self.retries == 0 {
                let cure =
                    "there is no further try to wait for; give retries, or take the key away";
                return Some((key, cure.into()));
            }
        }
        let (first, most) = self.back_off_ms();
        (most < first).then(|| {
            let cure = format!("{most} ms lies under back_off_ms = {first}; give at least that");
            ("back_off_max_ms", cure)
        })
    }
}

impl Breaker {
    fn wrong(&self) -> Option<(&'static str, String)> {
        if !(1..=FAILURES_MAX).contains(&self.failures) {
            let cure = format!(
                "failures = {}; give between 1 and {FAILURES_MAX}",
                self.failures
            );
            return Some(("breaker", cure));
        }
        let is_wrong = !(self.open_s > 0.0 && self.open_s <= OPEN_S_MAX);
        is_wrong.then(|| {
            let cure = format!(
                "open_s = {}; give more than 0 and up to {OPEN_S_MAX} seconds",
                self.open_s
            );
            ("breaker", cure)
        })
    }
}

impl Scenario {
    /// The same with the engines that are fallen back on, where there are such, in place of those that
    /// are asked first.
    pub fn in_reserve(&self) -> Scenario {
        let Cures { stt, answer, tts } = &self.cure;
        Scenario {
            stt: fallback(stt).unwrap_or(&self.stt).clone(),
            answer: fallback(answer).unwrap_or(&self.answer).clone(),
            tts: fallback(tts).unwrap_or(&self.tts).clone(),
            ..self.clone()
        }
    }
}

/// What is asked when all else failed.
pub fn fallback<S>(cure: &Option<Cure<S>>) -> Option<&S> {
    cure.as_ref()?.fallback.as_ref()
}
