//! Puts one conversation together: its stages and its session do not depend on who the caller is, what kind of
//! time passes, and whether engines are real, simulated or recorded.

use crate::audio::Speaker;
use crate::clock::Clock;
use crate::ear::UtteranceOver;
use crate::endpoint::weights::{self, WeightsError as EndpointWeightsError};
use crate::endpoint::{self, Classifier, Endpointing, Eot, Judge, ServerTurns, Silence, SmartTurn};
use crate::engine::{Engines, Reply, simulated};
use crate::interrupt::model::{Threshold, Thresholds, WeightsError, shipped};
use crate::interrupt::policy::{self, ClassifierRule, Policy, WithoutWords};
use crate::pipeline::control::Control;
use crate::pipeline::{AgentState, Disclosure, Filler, Replying, Session, Settings, Stages};
use crate::record::tap::Tap;
use crate::scenario::{EndpointPolicy, OwnThresholds, Scenario, StopAt};
use crate::stage::{AudioChunk, EndOfTurn, Watched, queue};
use std::rc::Rc;
use std::time::Duration;

/// What a conversation is made of, besides its scenario.
pub(crate) struct Parts {
    /// The clock of the conversation.
    pub clock: Clock,
    /// Where the conversation is recorded.
    pub tap: Tap,
    /// The engines that recognise, answer and speak.
    pub engines: Engines,
    /// What is said when an answer takes long; `None` for nothing.
    pub filler: Option<Filler>,
    /// That the agent is a machine, as it says so; `None` if it does not have to.
    pub disclosure: Option<Disclosure>,
    /// How answers like to begin, with its sound, so that nobody waits for it.
    pub openings: Vec<AudioChunk>,
    /// Decides when the caller has finished.
    pub endpointing: Endpointing,
    /// Decides about sounds over the agent.
    pub interruption: Box<dyn Policy>,
    /// Tells the ear that an utterance was committed.
    pub over: UtteranceOver,
    /// Where the agent's voice goes.
    pub speaker: Rc<dyn Speaker>,
    /// Shows the caller what the agent does.
    pub agent: Rc<Watched<AgentState>>,
    /// What the caller's client decides; `None` if it decides nothing.
    pub control: Option<queue::Receiver<Control>>,
}

/// The session of a conversation.
pub(crate) fn session(scenario: &Scenario, parts: Parts) -> Session {
    Session {
        clock: parts.clock,
        tap: parts.tap,
        stages: Stages {
            stt: parts.engines.stt.into(),
            reply: match parts.engines.reply {
                Reply::Direct(model) => Replying::Direct(model.into()),
                Reply::Cascade {
                    answer,
                    clauses,
                    tts,
                } => Replying::Cascade {
                    answer: answer.into(),
                    clauses: clauses.into(),
                    tts: tts.into(),
                    openings: parts.openings,
                },
            },
            filler: parts.filler,
            disclosure: parts.disclosure,
        },
        endpointing: parts.endpointing,
        policy: parts.interruption,
        settings: settings(scenario),
        over: parts.over,
        speaker: parts.speaker,
        agent: parts.agent,
        control: parts.control,
    }
}

fn settings(scenario: &Scenario) -> Settings {
    // A model on a server tells no words while the caller speaks, so there is nothing to prepare a reply to.
    let tells_words = scenario.topology.realtime().is_none();
    let speculation = scenario.speculation.as_ref().filter(|_| tells_words);
    Settings {
        longest_utterance: scenario.endpointing.longest,
        speculate_after: speculation.map(|speculation| speculation.after),
        speculate_from: speculation.and_then(|speculation| speculation.probability),
        ask_every: speculation.and_then(|speculation| speculation.while_speaking),
        resume_after: scenario.interruption.resume_after,
    }
}

/// What decides about sounds over the agent.
///
/// # Errors
/// If the weights in this program cannot be read.
pub(crate) fn interruption(scenario: &Scenario) -> Result<Box<dyn Policy>, WeightsError> {
    let interruption = &scenario.interruption;
    let policy: Box<dyn Policy> = match &interruption.thresholds {
        None => policy::policy(interruption.policy)?,
        Some(own) => Box::new(ClassifierRule::with(shipped()?, thresholds(own))),
    };
    Ok(match scenario.topology.realtime() {
        Some(_) => Box::new(WithoutWords(policy)),
        None => policy,
    })
}

fn thresholds(own: &OwnThresholds) -> Thresholds {
    let all = |given: &[StopAt]| {
        let one = |it: &StopAt| Threshold {
            at_s: it.at_s,
            stop: it.stop,
        };
        given.iter().map(one).collect()
    };
    Thresholds {
        with_words: all(&own.with_words),
        before_words: all(&own.before_words),
        activity_only: all(&own.activity_only),
    }
}

/// How much of the latest sound a judge of endpoints hears.
const JUDGE_HEARS: Duration = Duration::from_secs(8);

/// The endpointing policy of a scenario, and whom it may ask.
///
/// # Errors
/// If the weights in this program cannot be read.
pub(crate) fn endpointing(
    scenario: &Scenario,
    end_of_turn: Option<EndOfTurn>,
) -> Result<Endpointing, EndpointWeightsError> {
    let policy: Box<dyn endpoint::EndpointPolicy> = match scenario.endpointing.policy {
        _ if scenario.topology.server_ends_turns() => Box::<ServerTurns>::default(),
        EndpointPolicy::Silence(silence) => Box::new(Silence::new(silence)),
        EndpointPolicy::Classifier(cut_offs) => {
            Box::new(Classifier::new(weights::shipped()?, cut_offs.share()))
        }
        EndpointPolicy::SmartTurn {
            threshold,
            patience,
        } => Box::new(SmartTurn::new(threshold, patience)),
        EndpointPolicy::Eot(cut_offs) => Box::new(Eot::new(weights::shipped()?, cut_offs.share())),
    };
    let judge = end_of_turn.map(|stage| Judge {
        stage,
        hears: JUDGE_HEARS,
    });
    Ok(Endpointing { policy, judge })
}

/// What a simulated voice says when an answer takes long; `None` without `[filler]`.
pub(crate) fn simulated_filler(scenario: &Scenario) -> Option<Filler> {
    let filler = scenario.filler()?;
    Some(Filler {
        after: Duration::from_millis(filler.after_ms),
        sound: simulated::sound(filler.text.as_str().into()),
    })
}

/// How answers like to begin, spoken by a simulated voice.
pub(crate) fn simulated_openings(scenario: &Scenario) -> Vec<AudioChunk> {
    let head = scenario.tts.engine.leading_silence();
    let sound = |text: &String| simulated::sound(text.as_str().into()).beginning_after(head);
    scenario.clauses().openings.iter().map(sound).collect()
}

/// What a simulated voice says of being a machine; `None` without `[disclosure]`.
pub(crate) fn simulated_disclosure(scenario: &Scenario) -> Option<Disclosure> {
    let text = scenario.disclosure()?.text.as_str();
    disclosure(scenario, simulated::sound(text.into()))
}

/// What a voice says of being a machine, with its sound; `None` without `[disclosure]`.
pub(crate) fn disclosure(scenario: &Scenario, sound: AudioChunk) -> Option<Disclosure> {
    let disclosure = scenario.disclosure()?;
    Some(Disclosure {
        on: disclosure.on,
        within: disclosure.within_ms.map(Duration::from_millis),
        sound,
    })
}
