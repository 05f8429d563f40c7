//! What cannot be run, and why: told before any model is looked for.

use super::prepare::{self, Sounds};
use super::{Run, RunError, Time, input, refuse_used};
use crate::engine;
use crate::scenario::injected_fault::Fault;
use crate::scenario::{Says, SpeechToSpeech, Topology, Turn};

impl Run {
    /// Checks the input, without looking for a model.
    ///
    /// # Errors
    /// What is wrong with the scenario, a recording or a folder.
    pub fn check(&self) -> Result<(), RunError> {
        self.sounds().map(|_| ())
    }

    /// What each turn sounds like, if nothing is wrong with the input.
    pub(super) fn sounds(&self) -> Result<Sounds, RunError> {
        if self.talk.is_some() && self.time == Time::Virtual {
            return Err(RunError::Input(
                "whoever talks takes real time; hold it in real time".into(),
            ));
        }
        if self.talk.is_none() && self.scenario.turns().is_empty() {
            return Err(RunError::Input(
                match self.scenario.caller {
                    Some(_) => "a [caller] makes up what to say in simulations (`voicesim simulate`), and in calls to agents (`voicesim probe`); give the scenario turns to run it once",
                    None => "nobody says anything: give the scenario at least one [[turn]] with wav, say or speech, or talk to it (--mic)",
                }
                .into(),
            ));
        }
        let is_pressed = |turn: &Turn| matches!(turn.says, Says::Keys(_));
        if let Some(index) = self.scenario.turns().iter().position(is_pressed) {
            return Err(RunError::Input(format!(
                "turn {} digits: keys are pressed only in calls to agents behind Twilio (`voicesim probe`); give the turn a wav, or words to say",
                index + 1
            )));
        }
        if self.scenario.network.is_there {
            return Err(RunError::Input(
                "network: only simulated; hold the conversation with `voicesim simulate`, or take [network] away".into(),
            ));
        }
        if self.scenario.disturbance.is_some() {
            return Err(RunError::Input(
                "disturbance: only simulated, a run has what is truly going on; hold the conversation with `voicesim simulate`, or take [disturbance] away".into(),
            ));
        }
        let is_burst = |fault: &Fault| matches!(fault, Fault::Network(_));
        if let Some(index) = self.scenario.faults.iter().position(is_burst) {
            return Err(RunError::Input(format!(
                "fault {} stage: lost packets are only simulated; hold the conversation with `voicesim simulate`, or take the fault away",
                index + 1
            )));
        }
        let is_simulated = matches!(
            self.scenario.topology,
            Topology::SpeechToSpeech(SpeechToSpeech::Simulated(_))
        );
        if self.recorded.is_some() && is_simulated {
            return Err(RunError::Input(
                "topology: a speech-to-speech model is not repeated from a recording; take --recorded away, its fake gives the same again".into(),
            ));
        }
        if self.scenario.topology.realtime().is_some() {
            self.check_realtime()?;
        }
        self.check_engines()?;
        let sounds = prepare::recordings(&self.scenario)?;
        self.scenario.find_files().map_err(input)?;
        engine::check(&self.scenario)?;
        if let Some((folder, _)) = &self.keep {
            refuse_used(folder)?;
        }
        Ok(sounds)
    }

    /// Refuses what a model on a server cannot be part of.
    fn check_realtime(&self) -> Result<(), RunError> {
        if self.time == Time::Virtual && self.recorded.is_none() {
            return Err(RunError::Input(
                "speech_to_speech.engine: a server that listens while the caller speaks needs real time; take --clock real".into(),
            ));
        }
        let is_silent = |turn: &Turn| matches!(turn.says, Says::Speech(_));
        match self.scenario.turns().iter().position(is_silent) {
            Some(index) => Err(RunError::Input(format!(
                "turn {} speech: simulated speech makes no sound that a server could hear; give a wav, or say",
                index + 1
            ))),
            None => Ok(()),
        }
    }

    /// Refuses engines of the user's that nobody would ask.
    fn check_engines(&self) -> Result<(), RunError> {
        let is_direct = matches!(self.scenario.topology, Topology::SpeechToSpeech(_));
        if self.engines.is_empty() || !(is_direct || self.recorded.is_some()) {
            return Ok(());
        }
        Err(RunError::Input(
            match is_direct {
                true => "topology: one model hears and speaks, so no other engine is asked; take with_speech_to_text and the like away",
                false => "a run that is repeated asks no engine; take with_speech_to_text and the like away",
            }
            .into(),
        ))
    }
}
