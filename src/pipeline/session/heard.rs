//! What becomes of what the ear hears: an utterance that is open, pauses in it, and its end.

use super::Conversation;
use crate::endpoint::{Before, Observation};
use crate::event::{EndpointCause, Mark, Tick};
use crate::pipeline::open_utterance::OpenUtterance;
use crate::pipeline::turn::{Do, Happened};
use crate::stage::queue;
use crate::stage::{AudioFeed, Heard, SpeechActivity, SureVoice};
use std::sync::Arc;
use std::time::Duration;

impl Conversation<'_> {
    pub(super) fn heard(&mut self, activity: SpeechActivity) {
        match activity {
            SpeechActivity::Started { onset, audio, sure } => {
                let (feed, utterance_feed) = AudioFeed::new(self.tap.input_hash());
                self.endpoint.begins(&audio);
                feed_one(&feed, Heard::Audio(audio.clone()));
                let todo = self.floor.happened(Happened::VoiceStarted);
                for step in &todo {
                    if let Do::Listen(turn) = *step {
                        self.tap.mark(turn, Mark::VoiceStarted { onset });
                        let mut utterance = OpenUtterance::new(turn, onset, feed.clone());
                        utterance.hears(&audio);
                        self.utterance = Some(utterance);
                        let (before, now) = (self.before(onset), self.clock.now());
                        let at = (&self.tap, now);
                        self.endpoint.started(turn, (onset, before), at);
                        // An utterance that finds no room is never transcribed; `commit` sees that.
                        if self.utterances.try_send((turn, utterance_feed)).is_err() {
                            tracing::error!("turn {}: the recogniser is hopelessly behind", turn.0);
                        }
                        break;
                    }
                }
                self.carry_out(todo);
                self.heard_voice(sure);
            }
            SpeechActivity::Going { audio, sure } => {
                self.endpoint.sound(&audio);
                if let Some(utterance) = &mut self.utterance {
                    utterance.hears(&audio);
                    feed_one(&utterance.feed, Heard::Audio(audio));
                }
                self.heard_voice(sure);
            }
            SpeechActivity::Paused { last_voiced } => self.paused(last_voiced),
            SpeechActivity::Resumed { at } => self.resumed(at),
        }
    }

    fn heard_voice(&mut self, sure: Option<SureVoice>) {
        if let (Some(utterance), Some(_)) = (&mut self.utterance, sure) {
            utterance.has_voice = true;
        }
        if let (Some(watch), Some(sure)) = (&mut self.over_agent.latest, sure) {
            watch.heard(sure, self.policy);
        }
    }

    /// What the agent did before the caller began at `onset`.
    fn before(&self, onset: Tick) -> Before {
        Before {
            agent_asked: self.agent.asked(onset),
            gap: match self.agent.is_speaking() {
                true => Some(Duration::ZERO),
                false => self.lately.since_agent(onset),
            },
        }
    }

    fn paused(&mut self, last_voiced: Tick) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        utterance.last_voiced = Some(last_voiced);
        // What was understood in mid-sentence, and not probably all, lacks what was said since.
        self.guess = None;
        self.tap
            .mark(utterance.turn, Mark::VoicePaused { last_voiced });
        self.endpoint_heard(Observation::Paused { last_voiced });
    }

    pub(super) fn endpoint_heard(&mut self, what: Observation<'_>) {
        self.endpoint.observed(what, (&self.tap, self.clock.now()));
    }

    /// When the recogniser is asked what was said so far: in a pause, in case that was all, and
    /// while the caller talks over the agent.
    pub(super) fn ask_at(&self) -> Option<Tick> {
        if let Some(watch) = &self.over_agent.latest {
            return watch.next_question();
        }
        let utterance = self.utterance.as_ref()?;
        utterance
            .ask_at(&self.settings, self.endpoint.reads_words())
            .filter(|_| self.floor.may_guess())
    }

    pub(super) fn ask(&mut self) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        let now = self.clock.now();
        self.tap.mark(utterance.turn, Mark::AskedSoFar);
        match &mut self.over_agent.latest {
            Some(watch) => {
                watch.asked(now);
                let mark = utterance.ask_so_far(now);
                feed_one(&utterance.feed, mark);
            }
            None => {
                let mark = utterance.ask(now);
                feed_one(&utterance.feed, mark);
            }
        }
    }

    fn resumed(&mut self, at: Tick) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        self.guess = None;
        self.tap.mark(utterance.turn, Mark::VoiceResumed { at });
        if utterance.resumed(at) {
            feed_one(&utterance.feed, Heard::Resumed);
        }
        self.endpoint_heard(Observation::Resumed { at });
        let todo = self.floor.happened(Happened::VoiceResumed);
        self.carry_out(todo);
    }

    pub(super) fn commit(&mut self, cause: EndpointCause) {
        let Some(mut utterance) = self.utterance.take() else {
            return;
        };
        self.guess = None;
        // A client that sends sound faster than it is spoken is ahead of the time.
        let now = self.clock.now();
        let last_voiced = utterance.last_voiced.unwrap_or(now).min(now);
        self.quiet_since = last_voiced;
        if utterance.has_voice {
            self.lately.caller_spoke(utterance.onset..last_voiced);
        }
        if utterance.said_more(last_voiced) {
            self.tap.mark(utterance.turn, Mark::AskedSoFar);
            feed_one(&utterance.feed, Heard::Resumed);
        }
        self.tap.mark(
            utterance.turn,
            Mark::EndpointCommitted {
                last_voiced,
                cause,
                decision: self.endpoint.over(),
            },
        );
        feed_one(&utterance.feed, Heard::Committed);
        self.over.set();
        if let Some(watch) = &mut self.over_agent.latest {
            watch.is_over(last_voiced);
        }
        let todo = self.floor.happened(Happened::Committed);
        self.carry_out(todo);
        if utterance.feed.is_closed() {
            // The recogniser gave up on it before its end, and has nothing more to say.
            let (turn, text) = (utterance.turn, Arc::from(""));
            let todo = self.floor.happened(Happened::Transcribed { turn, text });
            self.carry_out(todo);
        }
    }
}

/// A feed holds the longest utterance, so it is full only if a recogniser died over it; then the
/// frame is of no use to anybody.
fn feed_one(feed: &queue::Sender<Heard>, heard: Heard) {
    let _ = feed.try_send(heard);
}
