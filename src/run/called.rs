//! What the caller of a scenario says to somebody else's agent, ready to be sent.

use super::made_up::Phrases;
use super::prepare::{self, SpokenBy};
use super::{RunError, input, unavailable};
use crate::caller::cue;
use crate::clock::Clock;
use crate::probe::{Cued, Line, Mind, Script};
use crate::protocol::Protocol;
use crate::scenario::engine::Engine;
use crate::scenario::{Says, Scenario};
use std::sync::Arc;

/// The caller of a scenario, for any number of calls.
pub(crate) enum Caller {
    /// Says the scenario's turns.
    Scripted(Vec<Cued>),
    /// Makes up what to say.
    MadeUp(Box<Phrases>),
}

impl Caller {
    /// The caller of a scenario in so many calls, at the rate of a protocol: recordings, and words as the scenario's voice speaks them.
    ///
    /// # Errors
    /// A scenario whose caller cannot be heard over the protocol, a recording that cannot be read, or a voice that is
    /// not available.
    pub(crate) fn of(
        scenario: &Scenario,
        protocol: Protocol,
        calls: u32,
    ) -> Result<Caller, RunError> {
        refuse_simulated(scenario)?;
        let rate = protocol.to_agent(1).rate();
        if let Some(caller) = &scenario.caller {
            if scenario.tts.engine.is_simulated() {
                return Err(RunError::Input(
                    "tts engine: a simulated voice makes no sound, and the [caller] speaks with it; set engine = \"piper\" or \"espeak\" under [tts]".into(),
                ));
            }
            let phrases = Phrases::of(scenario, caller, (rate, calls))?;
            return Ok(Caller::MadeUp(Box::new(phrases)));
        }
        refuse_keys(scenario, protocol)?;
        lines(scenario, rate).map(Caller::Scripted)
    }

    /// How many lines a call has, if nothing is said twice.
    pub(crate) fn lines(&self) -> usize {
        match self {
            Caller::Scripted(lines) => lines.len(),
            Caller::MadeUp(phrases) => phrases.questions(),
        }
    }

    /// Whether it is known beforehand what is said, line by line.
    pub(crate) fn is_scripted(&self) -> bool {
        matches!(self, Caller::Scripted(_))
    }

    /// Who speaks in a call, counted from zero.
    pub(super) fn mind(&self, call: u32, clock: &Clock) -> Box<dyn Mind + '_> {
        match self {
            Caller::Scripted(lines) => Box::new(Script::new(lines, clock)),
            Caller::MadeUp(phrases) => Box::new(phrases.caller(call)),
        }
    }
}

fn lines(scenario: &Scenario, rate: u32) -> Result<Vec<Cued>, RunError> {
    let mut sounds = prepare::recordings(scenario)?;
    scenario.find_files().map_err(input)?;
    let words = scenario.turns().iter().enumerate();
    let words = words.filter_map(|(row, turn)| match &turn.says {
        Says::Words(words) => Some((row, words)),
        Says::Recording { .. } | Says::Speech(_) | Says::Keys(_) => None,
    });
    let mut voice = None;
    for (row, words) in words {
        let clock = Clock::virtual_time(scenario.cores());
        let voice = match &mut voice {
            Some(voice) => voice,
            none => none.insert(SpokenBy::voice_of(scenario, &clock)?),
        };
        sounds[row] = Some(voice.speak(words)?);
    }
    let lines = prepare::lines(scenario, sounds).into_iter();
    let turns = lines.zip(scenario.turns());
    turns
        .map(|(line, turn)| {
            let expect = turn.expect;
            let line = match &turn.says {
                Says::Keys(keys) => Line::of_keys(keys, rate, expect),
                _ => Line::new(&line.samples, rate, line.speech, expect).map_err(unavailable)?,
            };
            Ok((Arc::new(line), cue(scenario, turn)))
        })
        .collect()
}

fn refuse_keys(scenario: &Scenario, protocol: Protocol) -> Result<(), RunError> {
    let mut turns = scenario.turns().iter();
    let pressed = turns.position(|turn| matches!(turn.says, Says::Keys(_)));
    match pressed.filter(|_| protocol.to_agent(1).key('1').is_none()) {
        None => Ok(()),
        Some(row) => Err(RunError::Input(format!(
            "turn {} digits: the protocol {} has no words for keys; give the turn a wav, or words to say, or call the agent by --protocol twilio",
            row + 1,
            protocol.name()
        ))),
    }
}

fn refuse_simulated(scenario: &Scenario) -> Result<(), RunError> {
    let wrong = |what: &str| Err(RunError::Input(what.to_owned()));
    let mut turns = scenario.turns().iter();
    if let Some(row) = turns.position(|turn| matches!(turn.says, Says::Speech(_))) {
        return Err(RunError::Input(format!(
            "turn {} speech: simulated speech makes no sound; give the turn a wav, or words to say, to call an agent",
            row + 1
        )));
    }
    if scenario.turns().is_empty() && scenario.caller.is_none() {
        return wrong(
            "nobody says anything: give the scenario at least one [[turn]] with wav or say, or a [caller]; `voicesim init` writes a scenario to start from",
        );
    }
    if scenario.load.is_some() {
        return wrong("load: only simulated; take [load] away, and say --calls and --ramp");
    }
    if scenario.disturbance.is_some() {
        return wrong(
            "disturbance: only simulated; take [disturbance] away, and mix what is going on into the recordings",
        );
    }
    if scenario.network.is_there {
        return wrong(
            "network: only simulated; take [network] away, the way to the agent is the real one",
        );
    }
    Ok(())
}
