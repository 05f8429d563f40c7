//! What becomes of what the recogniser understood: a question, a guess at one, or a reason for the agent to stop.

use super::{Conversation, Recognised};
use crate::endpoint::Observation;
use crate::event::{InterruptionDecision, Mark, Tick, TurnId, Verdict, nanos};
use crate::interrupt::lexicon::{asks_for_silence, have_content, says_something};
use crate::interrupt::transcript;
use crate::pipeline::turn::Happened;
use crate::stage::Transcript;
use std::sync::Arc;

impl Conversation<'_> {
    pub(super) fn recognised(&mut self, said: Recognised) {
        let (turn, text) = match said {
            Recognised::Text(turn, transcript) if !transcript.is_final => {
                return self.guessed(turn, transcript);
            }
            Recognised::Text(turn, transcript) => {
                self.explained(turn, &transcript);
                (turn, self.meant(transcript))
            }
            // Ignored if there was a final transcript before.
            Recognised::Over(turn) => (turn, Arc::from("")),
        };
        self.over_agent.explained(turn);
        let todo = self.floor.happened(Happened::Transcribed { turn, text });
        self.carry_out(todo);
    }

    /// All was understood of a sound, which may be over for long. Until then its decision is open: words that ask for it
    /// stop the agent late, which is better than not at all.
    fn explained(&mut self, turn: TurnId, said: &Transcript) {
        let now = self.clock.now();
        let is_request = asks_for_silence(said.text.split_whitespace());
        let may_ask = self.policy.reads_words() || is_request;
        let watch = self.over_agent.of(turn);
        let is_worth = watch
            .is_some_and(|watch| watch.words_known(now, said) && watch.is_worth_a_late_decision());
        if is_worth && may_ask {
            self.decide(turn);
        }
    }

    /// What was said, as far as it is for the agent: "mm-hmm" to a reply that was stopped for it is not, unless that had
    /// come to a question, nor what a recogniser makes of a noise.
    fn meant(&self, said: Transcript) -> Arc<str> {
        let is_meant = || match says_something(&said.text) || self.agent.asked(self.clock.now()) {
            true if said.text.starts_with('…') => true,
            says => says && !transcript::words(&said.text, said.sureness).is_empty(),
        };
        match self.agent.is_holding() && !is_meant() {
            true => Arc::from(""),
            false => said.text,
        }
    }

    /// What the recogniser makes of what was said so far.
    fn guessed(&mut self, turn: TurnId, said: Transcript) {
        let now = self.clock.now();
        let watch = self.over_agent.of(turn);
        if let Some(watch) = watch {
            watch.words_known(now, &said);
            return self.decide(turn);
        }
        let Some(utterance) = self.utterance.as_mut().filter(|u| u.turn == turn) else {
            return;
        };
        if utterance.answered() {
            let at = self.clock.now();
            let text = &said.text;
            self.endpoint_heard(Observation::Words { text, at });
            if self.settings.speculate_after.is_none() || self.on_request.is_on {
                // The recogniser was asked for the interruption policy alone.
                return;
            }
            self.guess = Some((turn, self.meant(said)));
            self.prepare_if_probable();
        }
    }

    /// Prepares a reply to what was understood so far, unless it is too improbable that it was all.
    pub(super) fn prepare_if_probable(&mut self) {
        let now = self.clock.now();
        let is_probable = self.settings.speculate_from.is_none()
            || self.probable_at().is_some_and(|at| at <= now);
        let happened = match self.guess.take_if(|_| is_probable) {
            Some((turn, text)) => Happened::Guessed { turn, text },
            None => match &self.guess {
                Some((_, text)) => Happened::GoesOn { text: text.clone() },
                None => return,
            },
        };
        let todo = self.floor.happened(happened);
        self.carry_out(todo);
    }

    /// When it is probable enough that what was understood so far was all, if nothing else is heard.
    pub(super) fn probable_at(&self) -> Option<Tick> {
        self.guess.as_ref()?;
        let least = self.settings.speculate_from?;
        self.endpoint.likely_by(least, self.clock.now())
    }

    /// Asks the policy about the sound over the agent of this turn, if the agent speaks, or has stopped for a later one.
    pub(super) fn decide(&mut self, turn: TurnId) {
        let now = self.clock.now();
        if self.on_request.is_on {
            // The client decides, and says so.
            return;
        }
        let is_open = self.agent.is_speaking() || self.agent.is_holding();
        let watch = self.over_agent.of(turn);
        let Some(watch) = watch.filter(|_| is_open) else {
            return;
        };
        let Some(heard) = watch.look(now, self.policy) else {
            return;
        };
        let decision = self.policy.decide(&heard);
        self.tap.mark(
            turn,
            Mark::Decision(Box::new(InterruptionDecision {
                policy: self.policy.name().into(),
                verdict: decision.verdict,
                since_onset_ns: nanos(heard.since_onset),
                probability: decision.probability,
                reasons: decision.reasons,
            })),
        );
        if decision.verdict == Verdict::Stop {
            let words = heard.words.unwrap_or_default();
            let is_meant = have_content(words.iter().map(|word| word.text.as_str()));
            let may_resume = self.settings.resume_after.is_some() && !is_meant;
            let todo = self.floor.happened(Happened::MustStop { turn, may_resume });
            self.carry_out(todo);
        }
    }
}
