//! A caller who makes up what to say: says what `manner` decides, and marks it in the record.

use super::between::Between;
use super::manner::{Habits, Line, Manner, Next, Says};
use super::speaking::Todo;
use super::voice::Saying;
use crate::event::{Expect, Mark, Tick, TurnId};
use crate::interrupt::curve::Sound;
use crate::pipeline::AgentState;
use crate::record::tap::Tap;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

pub(crate) struct Improvised {
    manner: Manner,
    between: Arc<Between>,
    conversation: u64,
    /// Tells which question the caller is at, and how often that was begun again.
    said: Rc<Cell<(u32, u32)>>,
    texts: Texts,
    /// Rows of the report so far.
    rows: u32,
}

/// What the recogniser makes of what is said.
#[derive(Clone)]
pub(crate) struct Texts {
    /// Words of which only the number is known: the recogniser counts them.
    unknown: Arc<str>,
    backchannel: Arc<str>,
    noise: Arc<str>,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts {
            unknown: Arc::from("…"),
            backchannel: Arc::from("Mm-hmm."),
            noise: Arc::from(" "),
        }
    }
}

impl Improvised {
    pub(crate) fn new(
        habits: Arc<Habits>,
        between: Arc<Between>,
        texts: Texts,
        conversation: u64,
        said: Rc<Cell<(u32, u32)>>,
    ) -> Improvised {
        Improvised {
            manner: Manner::new(habits, conversation),
            between,
            conversation,
            said,
            texts,
            rows: 0,
        }
    }

    pub(super) fn look(&mut self, agent: &AgentState, now: Tick, tap: &Tap) -> Todo {
        match self.manner.look(agent, now) {
            Next::Speak(line) => Todo::Say(self.saying(line, now, tap)),
            Next::Wait(until) => Todo::Wait(until),
            Next::HangUp => Todo::HangUp,
            Next::GiveUp => {
                tap.mark(TurnId(0), Mark::CallerGaveUp);
                Todo::HangUp
            }
        }
    }

    pub(super) fn spoken(&mut self, at: Tick) {
        self.manner.spoken(at);
    }

    fn saying(&mut self, line: Line, now: Tick, tap: &Tap) -> Saying {
        if line.says == Says::Restart {
            tap.mark(TurnId(0), Mark::CallerStartedAgain);
        }
        let expect = Some(match line.says {
            Says::Question | Says::Restart => Expect::Respond,
            Says::Over(Sound::Interruption) => Expect::Stop,
            Says::Over(Sound::Backchannel | Sound::Noise) => Expect::Ignore,
        });
        let (row, at) = (self.rows, now);
        tap.mark(TurnId(0), Mark::RowStarted { row, at, expect });
        self.rows += 1;
        let sound = match line.says {
            Says::Over(sound) => sound,
            // A caller who goes on with a question over the agent interrupts it.
            Says::Question | Says::Restart => Sound::Interruption,
        };
        let words = match sound {
            Sound::Interruption => self.texts.unknown.clone(),
            Sound::Backchannel => self.texts.backchannel.clone(),
            Sound::Noise => self.texts.noise.clone(),
        };
        let (question, occasion) = self.manner.at();
        self.said.set((question, self.manner.begun_again()));
        let at = (self.conversation, question, occasion);
        self.between.say(line.stretches, words, sound, at, question)
    }
}
