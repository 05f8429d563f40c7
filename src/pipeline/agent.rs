//! The agent's side of a session: the reply that is on its way, one that is held, and what was said.

use super::at_work::{AtWork, ReplyWork};
use super::laid::{Sounded, Spoken};
use super::playback::{Playback, Sounds};
use super::reply::Reply;
use super::telling::{Telling, TellingPlace};
use super::{Replying, Stages};
use crate::audio::Speaker;
use crate::clock::Clock;
use crate::disclosure::{Asked, asked};
use crate::event::{DisclosureEvidence, DisclosureOn, Mark, ReplyEnd, Tick, TurnId, nanos};
use crate::record::tap::Tap;
use crate::stage::{Exchange, Question};
use std::future::{Future, pending};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// Exchanges that an answer gets to see.
const HISTORY_MAX: usize = 16;

pub(super) struct Agent {
    clock: Clock,
    tap: Tap,
    stages: Rc<Stages>,
    speaker: Rc<dyn Speaker>,
    reply: Option<Reply>,
    /// Where the reply is worked on.
    at_work: Rc<AtWork>,
    held: Option<Held>,
    history: Rc<Vec<Exchange>>,
    /// Whether it is still to be said that the agent is a machine.
    is_disclosure_due: bool,
}

/// A reply that was stopped in mid-speech, perhaps for nothing: it does no work, and may go on.
struct Held {
    reply: Reply,
    /// What was still to be done; `None` if all was.
    work: Option<ReplyWork>,
    /// What was heard of it.
    heard: Arc<str>,
}

impl Agent {
    /// `at_work` is where replies are worked on, by whoever polls it.
    pub(super) fn new(
        clock: Clock,
        tap: Tap,
        stages: Rc<Stages>,
        speaker: Rc<dyn Speaker>,
        at_work: Rc<AtWork>,
    ) -> Agent {
        let disclosure = stages.disclosure.as_ref();
        let is_disclosure_due =
            disclosure.is_some_and(|disclosure| disclosure.on != DisclosureOn::WhenAsked);
        Agent {
            clock,
            tap,
            stages,
            speaker,
            reply: None,
            at_work,
            held: None,
            history: Rc::default(),
            is_disclosure_due,
        }
    }

    /// Two futures: one waits for the reply to end, the other for what sounds of it first.
    pub(super) fn news(
        &mut self,
    ) -> (
        impl Future<Output = ReplyEnd> + '_,
        impl Future<Output = Sounds> + '_,
    ) {
        let Agent { at_work, reply, .. } = self;
        let sounds = async {
            match reply {
                Some(reply) => reply.sounds().await,
                None => pending().await,
            }
        };
        (at_work.over(), sounds)
    }

    pub(super) fn is_speaking(&self) -> bool {
        self.reply.as_ref().is_some_and(|r| r.playback.is_audible())
    }

    /// Whether a reply is on its way, or held.
    pub(super) fn has_reply(&self) -> bool {
        self.reply.is_some() || self.held.is_some()
    }

    /// When the filler that is said in place of an answer is over; `None` without one.
    pub(super) fn filler_ends(&self) -> Option<Tick> {
        self.reply.as_ref().and_then(|r| r.playback.filler_ends())
    }

    /// What was said of the reply by `now`.
    pub(super) fn spoken(&self, now: Tick) -> Spoken {
        let reply = self.reply.as_ref();
        reply.map(|r| r.playback.spoken(now)).unwrap_or_default()
    }

    /// Whether the last that was heard of the agent by `now` is a question, or the beginning of one.
    pub(super) fn asked(&self, now: Tick) -> bool {
        if self.is_speaking() {
            return self.spoken(now).sentence_is_question;
        }
        let held = self.held.as_ref().map(|held| &held.heard);
        let last = held.or(self.history.last().map(|exchange| &exchange.heard));
        last.is_some_and(|heard| heard.trim_end().ends_with('?'))
    }

    /// Prepares a reply in case it is wanted.
    pub(super) fn speculate(&mut self, turn: TurnId, question: Arc<str>, interrupts: bool) {
        let text = question.clone();
        self.tap.mark(turn, Mark::Speculated { question: text });
        self.prepare(turn, question, interrupts);
    }

    pub(super) fn reply(&mut self, turn: TurnId, question: Arc<str>, interrupts: bool) {
        self.prepare(turn, question, interrupts);
        self.release();
    }

    fn prepare(&mut self, turn: TurnId, question: Arc<str>, interrupts: bool) {
        let (telling, text) = self.telling(&question);
        let input = Question {
            text,
            history: self.history.clone(),
            interrupts,
        };
        self.prepare_with(turn, question, (input, telling));
    }

    fn prepare_with(
        &mut self,
        turn: TurnId,
        question: Arc<str>,
        input: (Question, Option<Telling>),
    ) {
        let (stages, speaker) = (self.stages.clone(), self.speaker.clone());
        let (reply, work) = Reply::prepare(
            stages,
            speaker,
            &self.clock,
            &self.tap,
            (turn, question),
            input,
        );
        self.reply = Some(reply);
        self.at_work.go_on(work);
    }

    /// That the agent has to say that it is a machine, for the record; `None` if it does not have to.
    pub(super) fn disclosure_due(&self) -> Option<Mark> {
        let disclosure = self.stages.disclosure.as_ref()?;
        Some(Mark::DisclosureDue {
            text: disclosure.sound.text.clone(),
            on: disclosure.on,
            within_ns: disclosure.within.map(nanos),
            by: DisclosureEvidence::Played,
        })
    }

    /// Says before anybody asks that the agent is a machine, if that is how it is to be; whether it is.
    pub(super) fn greet(&mut self) -> bool {
        let disclosure = self.stages.disclosure.as_ref();
        let sound = disclosure
            .filter(|disclosure| disclosure.on == DisclosureOn::Greeting)
            .map(|disclosure| disclosure.sound.clone());
        let Some(sound) = sound else {
            return false;
        };
        let place = TellingPlace::Alone;
        let nothing = Question {
            text: Arc::from(""),
            history: self.history.clone(),
            interrupts: false,
        };
        let input = (nothing, Some(Telling { sound, place }));
        self.prepare_with(TurnId(0), Arc::from(""), input);
        self.release();
        true
    }

    /// How the reply to a question says that the agent is a machine, if it does; and what is left of the question for an
    /// engine to answer. Whoever asks is told, whatever an engine would say.
    fn telling(&self, question: &Arc<str>) -> (Option<Telling>, Arc<str>) {
        let Some(disclosure) = &self.stages.disclosure else {
            return (None, question.clone());
        };
        let telling = |place| {
            let sound = disclosure.sound.clone();
            Some(Telling { sound, place })
        };
        match asked(question) {
            Asked::WhoAnswers { besides } if besides.is_empty() => {
                (telling(TellingPlace::Alone), question.clone())
            }
            Asked::WhoAnswers { besides } => (telling(TellingPlace::First), besides.into()),
            Asked::Otherwise if self.is_disclosure_due => {
                let place = match &self.stages.reply {
                    Replying::Cascade { .. } => TellingPlace::AfterFirstClause,
                    // Nobody knows where a clause of it ends.
                    Replying::Direct(_) => TellingPlace::Last,
                };
                (telling(place), question.clone())
            }
            Asked::Otherwise => (None, question.clone()),
        }
    }

    /// Remembers whether it is still to be said that the agent is a machine, as far as a reply that sounded until then
    /// tells: what was cut off is said again.
    fn was_told(&mut self, playback: &Playback, until: Tick) {
        if let Some(is_told) = playback.was_told(until) {
            self.is_disclosure_due = !is_told;
        }
    }

    /// Lets what was prepared be heard: from now on it is the reply.
    pub(super) fn release(&self) {
        if let Some(reply) = &self.reply {
            let question = reply.question.clone();
            self.tap.mark(reply.turn, Mark::ReplyStarted { question });
            reply.release();
        }
    }

    /// Gives up what was prepared; nobody ever heard of it.
    pub(super) fn drop_speculation(&mut self) {
        if let Some(reply) = self.reply.take() {
            drop(self.at_work.take());
            self.tap.mark(reply.turn, Mark::SpeculationDropped);
        }
    }

    /// Ends the reply: gives its work up, silences the speaker, remembers what was heard. Returns when
    /// that sounded.
    pub(super) fn end(&mut self, end: ReplyEnd) -> Option<Range<Tick>> {
        if self.reply.as_ref().is_some_and(|r| !r.is_released()) {
            self.drop_speculation();
            return None;
        }
        let reply = self.reply.take()?;
        // Sound that was queued for the speaker is left there.
        drop(self.at_work.take());
        let Reply {
            turn,
            question,
            playback,
            ..
        } = reply;
        let sounded = match end {
            ReplyEnd::Completed => playback.heard(self.clock.now()),
            _ => playback.stop(),
        };
        self.was_told(&playback, sounded.at);
        if playback.is_audible() {
            self.remember(question, sounded.words.clone());
        }
        Some(self.mark_end(turn, end, sounded))
    }

    /// Falls silent, and keeps the rest of the reply in case this was for nothing. Returns when what
    /// was heard of it sounded.
    pub(super) fn hold(&mut self) -> Option<Range<Tick>> {
        let reply = self.reply.take()?;
        let work = self.at_work.take();
        let sounded = reply.playback.stop();
        self.was_told(&reply.playback, sounded.at);
        let heard = sounded.words.clone();
        let speech = self.mark_end(reply.turn, ReplyEnd::Stopped, sounded);
        self.held = Some(Held { reply, work, heard });
        Some(speech)
    }

    /// Goes on with the reply where it was held.
    pub(super) fn resume(&mut self) {
        if let Some(Held { reply, work, .. }) = self.held.take() {
            let at = self.clock.now();
            self.tap.mark(reply.turn, Mark::ReplyResumed { at });
            reply.playback.resume();
            self.reply = Some(reply);
            if let Some(work) = work {
                self.at_work.go_on(work);
            }
        }
    }

    /// Gives the held reply up: it was stopped for good.
    pub(super) fn let_go(&mut self) {
        if let Some(Held { reply, heard, .. }) = self.held.take() {
            self.remember(reply.question.clone(), heard);
        }
    }

    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    fn remember(&mut self, question: Arc<str>, heard: Arc<str>) {
        if question.is_empty() {
            // Nobody asked for a greeting.
            return;
        }
        let stale = (self.history.len() + 1).saturating_sub(HISTORY_MAX);
        let history = Rc::make_mut(&mut self.history);
        history.drain(..stale);
        history.push(Exchange { question, heard });
    }

    fn mark_end(&self, turn: TurnId, end: ReplyEnd, sounded: Sounded) -> Range<Tick> {
        let speech = sounded.at.before(sounded.length)..sounded.at;
        self.tap.mark(
            turn,
            Mark::ReplyEnded {
                end,
                at: sounded.at,
                heard: sounded.words,
                heard_ns: nanos(sounded.length),
            },
        );
        speech
    }
}
