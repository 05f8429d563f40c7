//! A reply as the session holds it: prepared, perhaps held back for a while, heard, ended.

use super::Stages;
use super::chain::answer_aloud;
use super::playback::Playback;
use crate::audio::Speaker;
use crate::clock::Clock;
use crate::event::{ReplyEnd, TurnId};
use crate::record::tap::Tap;
use crate::stage::Question;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use tokio::sync::watch;

/// A reply on its way. It works only while [`Reply::news`] is waited for.
pub(super) struct Reply {
    pub(super) turn: TurnId,
    pub(super) question: String,
    pub(super) playback: Rc<Playback>,
    audible: watch::Receiver<bool>,
    /// Lets it be heard. Nothing of a speculation is until then.
    release: watch::Sender<bool>,
    work: Pin<Box<dyn Future<Output = ReplyEnd>>>,
}

impl Reply {
    /// A reply of which nothing is heard yet.
    pub(super) fn prepare(
        stages: Rc<Stages>,
        speaker: Rc<dyn Speaker>,
        clock: &Clock,
        tap: &Tap,
        turn: TurnId,
        question: Question,
    ) -> Reply {
        let playback = Rc::new(Playback::new(clock.clone(), tap.clone(), speaker, turn));
        let (news, audible) = watch::channel(false);
        let (release, released) = watch::channel(false);
        let text = question.text.clone();
        let (tap, player) = (tap.clone(), playback.clone());
        let work = Box::pin(async move {
            let on_audible = || {
                news.send_replace(true);
            };
            answer_aloud(
                &stages,
                question,
                (&tap, turn),
                &player,
                released,
                on_audible,
            )
            .await
        });
        Reply {
            turn,
            question: text,
            playback,
            audible,
            release,
            work,
        }
    }

    /// From now on it may be heard.
    pub(super) fn release(&self) {
        self.release.send_replace(true);
    }

    pub(super) fn is_released(&self) -> bool {
        *self.release.borrow()
    }

    /// Gives up what is not done of it; what was queued for the speaker is left.
    pub(super) fn give_up(self) -> Rc<Playback> {
        drop(self.work);
        self.playback
    }

    /// Two futures that wait for the reply to end and for its first sound; they wait for ever if
    /// there is no reply.
    pub(super) fn news(
        reply: Option<&mut Reply>,
    ) -> (
        impl Future<Output = ReplyEnd> + '_,
        impl Future<Output = ()> + '_,
    ) {
        let (work, audible) = match reply {
            Some(reply) => (Some(&mut reply.work), Some(&mut reply.audible)),
            None => (None, None),
        };
        let over = async move {
            match work {
                Some(work) => work.await,
                None => pending().await,
            }
        };
        let heard = async move {
            // The sender goes when the reply does, and then there is no more news.
            let is_heard = match audible {
                Some(audible) => audible.changed().await.is_ok(),
                None => false,
            };
            if !is_heard {
                pending::<()>().await;
            }
        };
        (over, heard)
    }
}
