//! A reply as the session holds it: prepared, perhaps held back for a while, heard, ended.

use super::Stages;
use super::chain::answer_aloud;
use super::playback::{Playback, Sounds};
use super::telling::Telling;
use crate::audio::Speaker;
use crate::clock::{Branch, Clock};
use crate::event::{ReplyEnd, TurnId};
use crate::record::tap::Tap;
use crate::stage::{Question, Watched};
use std::future::{Future, pending};
use std::rc::Rc;
use std::sync::Arc;

/// A reply on its way. It works only while [`Reply::news`] is waited for.
pub(super) struct Reply {
    pub(super) turn: TurnId,
    pub(super) question: Arc<str>,
    pub(super) playback: Rc<Playback>,
    /// Whether the reply may be heard. Nothing of a speculation is heard until then.
    released: Rc<Watched<bool>>,
    /// What the session was last told has sounded of the reply.
    told: Sounds,
    work: Branch<'static, ReplyEnd>,
}

impl Reply {
    /// A reply of which nothing is heard yet.
    pub(super) fn prepare(
        stages: Rc<Stages>,
        speaker: Rc<dyn Speaker>,
        clock: &Clock,
        tap: &Tap,
        (turn, question): (TurnId, Arc<str>),
        (input, telling): (Question, Option<Telling>),
    ) -> Reply {
        let playback = Playback::new(clock.clone(), tap.clone(), speaker, turn);
        let playback = Rc::new(playback.telling(telling));
        let released = Rc::new(Watched::default());
        let (tap, player, may_sound) = (tap.clone(), playback.clone(), released.clone());
        let work = Branch::new(async move {
            answer_aloud(&stages, input, (&tap, turn), &player, &may_sound).await
        });
        Reply {
            turn,
            question,
            playback,
            released,
            told: Sounds::default(),
            work,
        }
    }

    /// Lets the reply be heard from now on.
    pub(super) fn release(&self) {
        self.released.set(true);
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.get()
    }

    /// Gives up the work that is not done; sound that was queued for the speaker is left there.
    pub(super) fn give_up(self) -> Rc<Playback> {
        drop(self.work);
        self.playback
    }

    /// Two futures that wait for the reply to end and for what sounds of it first; they wait for ever
    /// if there is no reply.
    pub(super) fn news(
        reply: Option<&mut Reply>,
    ) -> (
        impl Future<Output = ReplyEnd> + '_,
        impl Future<Output = Sounds> + '_,
    ) {
        let (work, sound) = match reply {
            Some(reply) => (
                Some(&mut reply.work),
                Some((&mut reply.told, &reply.playback)),
            ),
            None => (None, None),
        };
        let over = async move {
            match work {
                Some(work) => work.await,
                None => pending().await,
            }
        };
        let heard = async move {
            match sound {
                Some((told, playback)) => {
                    *told = playback.sounds(*told).await;
                    *told
                }
                None => pending().await,
            }
        };
        (over, heard)
    }
}
