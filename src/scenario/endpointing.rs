//! When the caller is taken to have finished, and what is prepared until then.

use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Every policy, by its name in scenarios.
const POLICIES: [&str; 4] = ["silence", "classifier", "smart_turn", "eot"];

/// The shares of pauses that may be cut: less than one in a hundred was not seen often enough to be promised.
const CUT_OFFS: std::ops::RangeInclusive<f64> = 0.01..=0.5;

/// `[endpointing]` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointingTable {
    /// What decides that the caller has finished: `silence`, which is the default; `classifier`, which also goes by the
    /// words so far, the timing, and the caller's own pauses; `smart_turn`, a network that hears how the last words
    /// were said; or `eot`, which goes by all of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = POLICIES))]
    pub policy: Option<String>,
    /// `silence`: milliseconds of silence after which the caller has finished, 32 to 10,000.
    pub silence_ms: u64,
    /// `smart_turn`: the probability, above 0 and below 1, from which on the caller is taken to have finished, 200 ms
    /// behind the end of the voice; 0.8 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// `smart_turn`: milliseconds of silence after which the caller has finished though it does not sound so, 200 to
    /// 10,000; 1,200 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience_ms: Option<u64>,
    /// `classifier` and `eot`: the share of the pauses inside of sentences that may be taken for the end, 0.01 to 0.5;
    /// 0.05 unless given. Fewer cut-offs need longer waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_offs: Option<f64>,
    /// Milliseconds after which an utterance is cut, 1,000 to 60,000.
    pub longest_utterance_ms: u64,
}

/// When the caller is taken to have finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpointing {
    /// What decides that the caller has finished.
    pub policy: EndpointPolicy,
    /// The length at which an utterance is cut.
    pub longest: Duration,
}

/// What decides that the caller has finished.
#[derive(Debug, Clone, PartialEq)]
pub enum EndpointPolicy {
    /// A fixed length of silence.
    Silence(Duration),
    /// A classifier on the words so far and the timing, which may take this share of pauses for the end.
    Classifier(CutOffs),
    /// Smart Turn, which hears the last seconds of sound.
    SmartTurn {
        /// The probability from which on the caller has finished, above 0 and below 1.
        threshold: f64,
        /// The silence after which the caller has finished whatever it sounds like.
        patience: Duration,
    },
    /// The classifier and Smart Turn together, which may take this share of pauses for the end.
    Eot(CutOffs),
}

/// A share of pauses that may be taken for the end, 0.01 to 0.5.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct CutOffs(f64);

impl CutOffs {
    /// The share, if it is one that can be asked for: 0.01 to 0.5.
    pub fn new(share: f64) -> Option<CutOffs> {
        CUT_OFFS.contains(&share).then_some(CutOffs(share))
    }

    /// The share, 0.01 to 0.5.
    pub fn share(self) -> f64 {
        self.0
    }
}

impl Default for CutOffs {
    /// One pause in twenty.
    fn default() -> CutOffs {
        CutOffs(0.05)
    }
}

impl EndpointPolicy {
    /// The name in scenarios.
    pub fn name(&self) -> &'static str {
        match self {
            EndpointPolicy::Silence(_) => "silence",
            EndpointPolicy::SmartTurn { .. } => "smart_turn",
            EndpointPolicy::Classifier(_) => "classifier",
            EndpointPolicy::Eot(_) => "eot",
        }
    }

    /// Whether the policy has the sound of an utterance judged.
    pub fn hears_sound(&self) -> bool {
        match self {
            EndpointPolicy::SmartTurn { .. } | EndpointPolicy::Eot(_) => true,
            EndpointPolicy::Silence(_) | EndpointPolicy::Classifier(_) => false,
        }
    }

    /// Whether the policy goes by words.
    fn reads_words(&self) -> bool {
        matches!(self, EndpointPolicy::Classifier(_) | EndpointPolicy::Eot(_))
    }

    /// Whether the policy says how probable it is that the caller has finished.
    pub fn tells_probability(&self) -> bool {
        !matches!(self, EndpointPolicy::Silence(_))
    }
}

impl Default for EndpointingTable {
    fn default() -> EndpointingTable {
        EndpointingTable {
            policy: None,
            silence_ms: 300,
            threshold: None,
            patience_ms: None,
            cut_offs: None,
            longest_utterance_ms: 28_000,
        }
    }
}

impl EndpointingTable {
    /// What the table means; `at` is `[endpointing]`.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Endpointing, Problem> {
        let span = |key, ms, least, most| match (least..=most).contains(&ms) {
            true => Ok(Duration::from_millis(ms)),
            false => {
                let fix = format!("{ms} ms; give between {least} and {most} milliseconds");
                Err(at.problem(key, fix))
            }
        };
        let silence = span("silence_ms", self.silence_ms, 32, 10_000)?;
        let patience = span(
            "patience_ms",
            self.patience_ms.unwrap_or(1_200),
            200,
            10_000,
        )?;
        let threshold = self.threshold.unwrap_or(0.8);
        if !(threshold > 0.0 && threshold < 1.0) {
            let fix = format!("{threshold} is no probability between 0 and 1; 0.8 is a good one");
            return Err(at.problem("threshold", fix));
        }
        let of_smart_turn = [
            ("threshold", self.threshold.is_some()),
            ("patience_ms", self.patience_ms.is_some()),
        ];
        if let Some((key, _)) = of_smart_turn.into_iter().find(|(_, is_given)| *is_given)
            && self.policy.as_deref() != Some("smart_turn")
        {
            let fix = "only smart_turn goes by it; add policy = \"smart_turn\", or leave it out";
            return Err(at.problem(key, fix.to_owned()));
        }
        let cut_offs = self.cut_offs.map(|share| {
            CutOffs::new(share).ok_or_else(|| {
                let (least, most) = (CUT_OFFS.start(), CUT_OFFS.end());
                let fix = format!("{share}; give a share of pauses between {least} and {most}");
                at.problem("cut_offs", fix)
            })
        });
        let cut_offs = cut_offs.transpose()?;
        let policy = match self.policy.as_deref() {
            None | Some("silence" | "smart_turn") if cut_offs.is_some() => {
                let fix = "only classifier and eot go by it; add policy = \"classifier\", or leave cut_offs out and set silence_ms";
                return Err(at.problem("cut_offs", fix.to_owned()));
            }
            None | Some("silence") => EndpointPolicy::Silence(silence),
            Some("smart_turn") => EndpointPolicy::SmartTurn {
                threshold,
                patience,
            },
            Some("classifier") => EndpointPolicy::Classifier(cut_offs.unwrap_or_default()),
            Some("eot") => EndpointPolicy::Eot(cut_offs.unwrap_or_default()),
            Some(other) => {
                let fix = format!(
                    "there is no policy {other:?}; choose one of {}",
                    POLICIES.join(", ")
                );
                return Err(at.problem("policy", fix));
            }
        };
        Ok(Endpointing {
            policy,
            longest: span(
                "longest_utterance_ms",
                self.longest_utterance_ms,
                1_000,
                60_000,
            )?,
        })
    }
}

/// `[speculation]` as it is written: preparing the reply while the caller pauses, in case they have
/// finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpeculationTable {
    /// Whether a reply is prepared.
    pub enabled: bool,
    /// Milliseconds of silence after which a reply is prepared, up to 10,000. A pause is noticed 48 to 80 ms after the
    /// voice has ended, so 32 is as soon as that.
    pub after_ms: u64,
    /// Milliseconds between two transcriptions of what was said so far while the caller still speaks, to
    /// each of which a reply is prepared, if it is probable enough that it was all: 200 to 10,000; only in pauses unless
    /// given. This pays where processor cores are idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub while_speaking_ms: Option<u64>,
    /// The least probability that the caller has finished at which a reply is prepared, above 0 and below 1, as the
    /// endpointing policy has it; in every pause, and at every transcription while the caller speaks, unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// Preparing the reply before the caller is known to have finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Speculation {
    /// How much silence there must be before a reply is prepared.
    pub after: Duration,
    /// How often a reply is prepared while the caller still speaks; only in pauses if `None`.
    pub while_speaking: Option<Duration>,
    /// How probable it must be that the caller has finished, above 0 and below 1; in every pause if `None`.
    pub probability: Option<f64>,
}

impl Default for SpeculationTable {
    fn default() -> SpeculationTable {
        SpeculationTable {
            enabled: true,
            after_ms: 32,
            while_speaking_ms: None,
            probability: None,
        }
    }
}

impl SpeculationTable {
    /// What the table means beside an endpointing policy, `None` if nothing is prepared; `at` is `[speculation]`.
    pub(super) fn parse(
        &self,
        at: Table<'_>,
        policy: &EndpointPolicy,
    ) -> Result<Option<Speculation>, Problem> {
        let after = self.after_ms;
        if after > 10_000 {
            let fix = format!(
                "{after} ms; give at most 10000, and less than endpointing.silence_ms to have any effect"
            );
            return Err(at.problem("after_ms", fix));
        }
        let is_wrong = |ms: &u64| !(200..=10_000).contains(ms);
        if let Some(every) = self.while_speaking_ms.filter(is_wrong) {
            let fix = format!("{every} ms; give between 200 and 10000 milliseconds");
            return Err(at.problem("while_speaking_ms", fix));
        }
        if let Some(least) = self.probability {
            let fix = match (policy.tells_probability(), self.while_speaking_ms) {
                _ if !(least > 0.0 && least < 1.0) => {
                    format!("{least} is no probability between 0 and 1; 0.2 is a good one")
                }
                (false, _) => format!(
                    "the endpointing policy {} tells none; add policy = \"classifier\" to [endpointing], or leave it out",
                    policy.name()
                ),
                (true, Some(_)) if !policy.reads_words() => format!(
                    "the endpointing policy {} tells it in pauses alone; leave while_speaking_ms out, or take policy = \"eot\", which goes by words, too",
                    policy.name()
                ),
                (true, _) => String::new(),
            };
            if !fix.is_empty() {
                return Err(at.problem("probability", fix));
            }
        }
        Ok(self.enabled.then(|| Speculation {
            after: Duration::from_millis(after),
            while_speaking: self.while_speaking_ms.map(Duration::from_millis),
            probability: self.probability,
        }))
    }
}
