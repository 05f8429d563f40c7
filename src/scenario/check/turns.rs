//! What a turn of a scenario may say.

use super::{Fault, at_turn};
use crate::event::Expect;
use crate::scenario::{After, Scenario, Turn};

/// The longest time a turn may state: one hour.
const MAXIMUM_MS: u64 = 3_600_000;

pub(super) fn check_turn(scenario: &Scenario, index: usize, turn: &Turn) -> Result<(), Fault> {
    check_voice(scenario, index, turn)?;
    for (key, ms) in [("delay_ms", turn.delay_ms), ("give_up_ms", turn.give_up_ms)] {
        if ms > MAXIMUM_MS {
            return Err(at_turn(index, key, format!("{ms} ms is more than an hour")));
        }
    }
    let is_wordless = |words: &String| !words.contains(char::is_alphanumeric);
    if turn.answer_has.iter().any(is_wordless) {
        let cure = "a right answer has words; take the empty ones away";
        return Err(at_turn(index, "answer_has", cure));
    }
    if turn.expect != Expect::Respond && !turn.answer_has.is_empty() {
        let cure = "there is no answer unless expect = \"respond\"; take the key away";
        return Err(at_turn(index, "answer_has", cure));
    }
    check_anchor(scenario, index, turn)
}

/// Refuses an anchor that cannot come, because nothing before it makes the agent speak.
fn check_anchor(scenario: &Scenario, index: usize, turn: &Turn) -> Result<(), Fault> {
    let answered_before = scenario.turn[..index]
        .iter()
        .any(|earlier| earlier.expect == Expect::Respond);
    let fault = |cure: &str| Err(at_turn(index, "after", cure));
    match turn.after.unwrap_or(default_anchor(index)) {
        After::SessionStart if index > 0 => fault(
            "only the first turn can come at the session's start; use previous_turn_end, agent_speech_start or agent_speech_end",
        ),
        After::AgentSpeechStart | After::AgentSpeechEnd if !answered_before => fault(
            "this anchor cannot come: the agent speaks only in reply, and no turn before this one has expect = \"respond\"; use session_start or previous_turn_end, or put a question before it",
        ),
        After::PreviousTurnEnd if index == 0 => {
            fault("there is no turn before the first one; use session_start")
        }
        _ => Ok(()),
    }
}

/// What a turn waits for if it does not say.
fn default_anchor(index: usize) -> After {
    if index == 0 {
        After::SessionStart
    } else {
        After::AgentSpeechEnd
    }
}

impl Scenario {
    /// What turn `index` waits for.
    pub fn anchor(&self, index: usize) -> After {
        let given = self.turn.get(index).and_then(|turn| turn.after);
        given.unwrap_or(default_anchor(index))
    }
}

/// A turn is spoken from exactly one of a recording, words, and simulated speech.
fn check_voice(scenario: &Scenario, index: usize, turn: &Turn) -> Result<(), Fault> {
    let fault = |key: &str, cure: String| Err(at_turn(index, key, cure));
    match (&turn.wav, &turn.say, &turn.speech) {
        (Some(wav), None, None) if !wav.is_file() => fault(
            "wav",
            format!(
                "{} does not exist; paths are looked up from the scenario's folder",
                wav.display()
            ),
        ),
        (None, Some(words), None) if words.trim().is_empty() || words.chars().count() > 2_000 => {
            fault("say", "give between 1 and 2,000 characters to speak".into())
        }
        (None, Some(_), None) if scenario.tts.engine == "simulated" => fault(
            "say",
            "a simulated voice speaks no words; give a wav, or a real engine under [tts]".into(),
        ),
        (None, None, Some(_)) if scenario.stt.engine != "simulated" => fault(
            "speech",
            format!(
                "simulated speech makes no sound that the engine {:?} could hear; set engine = \"simulated\" under [stt], or give a wav",
                scenario.stt.engine
            ),
        ),
        (None, None, Some(_)) if scenario.turn.iter().any(|other| other.speech.is_none()) => fault(
            "speech",
            "a caller is simulated in all turns or in none; give every turn a speech, or every turn a wav".into(),
        ),
        (None, None, Some(speech)) => match speech.fault() {
            Some(cure) => fault("speech", cure),
            None => sound_end(index, turn),
        },
        (Some(_), None, None) | (None, Some(_), None) => sound_end(index, turn),
        (None, None, None) => fault(
            "wav",
            "a turn needs something to say: wav = \"FILE\", say = \"…\" or speech = { … }".into(),
        ),
        _ => fault(
            if turn.say.is_some() { "say" } else { "speech" },
            "a turn is spoken from one of wav, say and speech; take the others away".into(),
        ),
    }
}

/// Only of a recording can be said where its speech ends.
fn sound_end(index: usize, turn: &Turn) -> Result<(), Fault> {
    match turn.speech_end_ms {
        Some(_) if turn.wav.is_none() => Err(at_turn(
            index,
            "speech_end_ms",
            "this states where speech ends in a recording; take it away, or give a wav",
        )),
        _ => Ok(()),
    }
}
