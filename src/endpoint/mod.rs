//! Policies that decide when the caller has finished, behind one small trait: pure arithmetic on what was heard.
//!
//! A policy knows of an utterance what the ear reports of it (a voice began, paused, went on), the words that
//! the recogniser has so far, and, if it asks, what a [`Judge`] makes of the latest sound. Weights are handed
//! to whoever makes a policy: nothing here names a model, reads time, or hears sound itself. A policy is asked
//! alike live, in replay and in simulation.
//!
//! `pause` is what is known of a pause, `clues` turns it into numbers and names of words, `weights` into log-odds,
//! and `classifier` into a decision. `pauses` reads labelled data, `train` (cargo feature `train`) fits the
//! committed weights to it, `eval` says how good they are, `explain` what they make of one pause. `sound` says what a
//! judgement of the sound is worth beside them, and `eot` goes by both. `trade_off` draws the policies,
//! `server` leaves the decision to somebody else's server. `calls` finds the pauses of one's own calls, `curve` says what the classifier does where there is nothing to go by,
//! and `by_share` looks up what is known for some shares of cut-offs. MODEL_CARD.md beside this file says what the
//! weights were fitted to, and where they may not hold.

mod by_share;
#[doc(hidden)]
pub mod calls;
#[doc(hidden)]
pub mod classifier;
mod clues;
#[doc(hidden)]
pub mod curve;
mod eot;
#[doc(hidden)]
pub mod eval;
#[doc(hidden)]
pub mod explain;
mod pause;
#[doc(hidden)]
pub mod pauses;
mod server;
mod silence;
mod smart_turn;
mod sound;
#[cfg(feature = "train")]
#[doc(hidden)]
pub mod train;
#[doc(hidden)]
pub mod weights;

pub use classifier::Classifier;
pub use eot::Eot;
pub use pause::{Habit, Pause, Turn};
pub use server::ServerTurns;
pub use silence::Silence;
pub use smart_turn::SmartTurn;

use crate::event::Tick;
use crate::stage::EndOfTurn;
use std::time::Duration;

/// Decides when an utterance is over.
///
/// # When it is called
/// [`observe`](EndpointPolicy::observe) is called for everything that is heard of an utterance, in order, the
/// first time with [`Observation::Started`], which forgets the one before. Behind each call
/// [`decide`](EndpointPolicy::decide) is called once, and again at the tick that [`Action::Wait`] named. The
/// latest decision holds until then.
///
/// # What becomes of a decision
/// An utterance that [`Action::Commit`] ends goes to the recogniser as it is, and is answered. Whatever the
/// policy says, an utterance ends at the longest that the scenario allows.
///
/// # Example
/// Twice as much silence behind a first word that asks for patience:
///
/// ```
/// use std::time::Duration;
/// use voicesim::endpoint::{Action, Before, Decision, EndpointPolicy, Observation};
/// use voicesim::event::Tick;
///
/// #[derive(Default)]
/// struct Patient {
///     last_voiced: Option<Tick>,
///     hesitates: bool,
/// }
///
/// impl EndpointPolicy for Patient {
///     fn name(&self) -> &'static str {
///         "patient"
///     }
///
///     fn observe(&mut self, what: Observation<'_>) {
///         match what {
///             Observation::Started { .. } => *self = Patient::default(),
///             Observation::Paused { last_voiced } => self.last_voiced = Some(last_voiced),
///             Observation::Resumed { .. } => self.last_voiced = None,
///             Observation::Words { text, .. } => self.hesitates = text.starts_with("Well"),
///             Observation::Judged { .. } => {}
///         }
///     }
///
///     fn decide(&mut self, _: Tick) -> Decision {
///         let silence = Duration::from_millis(if self.hesitates { 600 } else { 300 });
///         match self.last_voiced {
///             Some(at) => Decision::commit(at + silence),
///             None => Decision::wait(),
///         }
///     }
///
///     fn reads_words(&self) -> bool {
///         true
///     }
/// }
///
/// let mut patient = Patient::default();
/// patient.observe(Observation::Started { onset: Tick::ZERO, before: Before::default() });
/// patient.observe(Observation::Paused { last_voiced: Tick::from_ms(900) });
/// let commits = |decision: Decision| match decision.action {
///     Action::Commit { at } => Some(at),
///     _ => None,
/// };
/// assert_eq!(commits(patient.decide(Tick::from_ms(932))), Some(Tick::from_ms(1_200)));
/// patient.observe(Observation::Words { text: "Well,", at: Tick::from_ms(1_100) });
/// assert_eq!(commits(patient.decide(Tick::from_ms(1_100))), Some(Tick::from_ms(1_500)));
/// ```
pub trait EndpointPolicy {
    /// The name of the policy in scenarios and records.
    fn name(&self) -> &'static str;

    /// Takes in something that was heard of the utterance.
    fn observe(&mut self, what: Observation<'_>);

    /// What is to be done if nothing else is heard.
    fn decide(&mut self, now: Tick) -> Decision;

    /// Whether the policy makes use of words. If so, the recogniser is asked in every pause what was said so
    /// far.
    fn reads_words(&self) -> bool {
        false
    }

    /// When the caller has finished with at least this probability, above 0 and below 1, if nothing else is heard:
    /// `now` or later, by what is known now; while the caller speaks, by the words so far, as if they paused behind them.
    /// `None` for never, and from a policy that computes no probability. A reply is prepared from then on if
    /// `[speculation] probability` asks for so much.
    fn likely_by(&self, probability: f64, now: Tick) -> Option<Tick> {
        let _ = (probability, now);
        None
    }
}

/// Something that was heard of an utterance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation<'a> {
    /// A new utterance began.
    Started {
        /// When the voice began.
        onset: Tick,
        /// What the agent did before.
        before: Before,
    },
    /// The caller pauses.
    Paused {
        /// The end of the voice, as the detector has it.
        last_voiced: Tick,
    },
    /// The caller goes on.
    Resumed {
        /// When the voice came back.
        at: Tick,
    },
    /// The recogniser knows what was said so far.
    Words {
        /// All words of the utterance so far.
        text: &'a str,
        /// When the words were known.
        at: Tick,
    },
    /// The judge has answered to [`Action::Listen`].
    Judged {
        /// When the sound ended that the judge was asked about.
        until: Tick,
        /// The probability that the caller has finished, in 0..=1.
        probability: f64,
    },
}

/// What the agent did before an utterance of the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// Whether the last that the caller heard of the agent was a question.
    pub agent_asked: bool,
    /// The silence between the agent's voice and the caller's: zero if they talked at once, `None` if the agent
    /// has not spoken in the last minute.
    pub gap: Option<Duration>,
}

/// What a policy makes of what it has heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// The probability that the caller has finished, in 0..=1; `None` if the policy computes none.
    pub probability: Option<f64>,
    /// What spoke for the decision, the strongest reason first: at most three.
    pub reasons: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The utterance is over at a tick, or at once if that has passed, unless something is heard before.
    Commit {
        /// When the utterance is over.
        at: Tick,
    },
    /// The utterance goes on, until something is heard.
    Wait {
        /// When the policy wants to decide again, even if nothing is heard; `None` for never.
        until: Option<Tick>,
    },
    /// The utterance goes on, and the judge is asked about the latest sound.
    Listen {
        /// When the policy decides again if the judge has not answered and nothing was heard; without a judge, too.
        at: Tick,
    },
}

impl Decision {
    /// Decides that the utterance is over at a tick.
    pub fn commit(at: Tick) -> Decision {
        Decision::of(Action::Commit { at })
    }

    /// Decides that the utterance goes on, until something is heard.
    pub fn wait() -> Decision {
        Decision::of(Action::Wait { until: None })
    }

    /// A decision without a probability or reasons.
    pub fn of(action: Action) -> Decision {
        Decision {
            action,
            probability: None,
            reasons: Vec::new(),
        }
    }
}

/// Judges from sound whether the caller has finished. What it computes is charged to the clock like any
/// stage's, and recorded.
pub struct Judge {
    /// The stage that computes the judgement.
    pub stage: EndOfTurn,
    /// How much of the latest sound the judge hears.
    pub hears: Duration,
}

/// A policy that decides that the caller has finished, and the judge that it may ask.
pub struct Endpointing {
    /// The policy.
    pub policy: Box<dyn EndpointPolicy>,
    /// The judge that the policy may ask; `None` for none.
    pub judge: Option<Judge>,
}
