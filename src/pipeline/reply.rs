//! A reply as the session holds it: prepared, perhaps held back for a while, heard, ended.

use super::Stages;
use super::at_work::ReplyWork;
use super::chain::answer_aloud;
use super::playback::{Playback, Sounds};
use super::telling::Telling;
use crate::audio::Speaker;
use crate::clock::{Branch, Clock};
use crate::event::TurnId;
use crate::record::tap::Tap;
use crate::stage::{Question, Watched};
use std::rc::Rc;
use std::sync::Arc;

/// A reply on its way.
pub(super) struct Reply {
    pub(super) turn: TurnId,
    pub(super) question: Arc<str>,
    pub(super) playback: Rc<Playback>,
    /// Whether the reply may be heard. Nothing of a speculation is heard until then.
    released: Rc<Watched<bool>>,
    /// What the session was last told has sounded of the reply.
    told: Sounds,
}

impl Reply {
    /// A reply of which nothing is heard yet, and the work on it.
    pub(super) fn prepare(
        stages: Rc<Stages>,
        speaker: Rc<dyn Speaker>,
        clock: &Clock,
        tap: &Tap,
        (turn, question): (TurnId, Arc<str>),
        (input, telling): (Question, Option<Telling>),
    ) -> (Reply, ReplyWork) {
        let playback = Playback::new(clock.clone(), tap.clone(), speaker, turn);
        let playback = Rc::new(playback.telling(telling));
        let released = Rc::new(Watched::default());
        let (tap, player, may_sound) = (tap.clone(), playback.clone(), released.clone());
        let work = Branch::new(async move {
            answer_aloud(&stages, input, (&tap, turn), &player, &may_sound).await
        });
        let reply = Reply {
            turn,
            question,
            playback,
            released,
            told: Sounds::default(),
        };
        (reply, work)
    }

    /// Lets the reply be heard from now on.
    pub(super) fn release(&self) {
        self.released.set(true);
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.get()
    }

    /// Waits for what sounds of the reply first.
    pub(super) async fn sounds(&mut self) -> Sounds {
        self.told = self.playback.sounds(self.told).await;
        self.told
    }
}
