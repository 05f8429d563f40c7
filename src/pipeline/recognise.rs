//! The recogniser's side of a session: one utterance after the other.

use super::Stages;
use super::drive::{Pace, drive};
use crate::event::{StageName, TurnId};
use crate::record::tap::Tap;
use crate::stage::queue;
use crate::stage::{AudioFeed, OUTPUTS_WAITING_MAX, Transcript};
use std::rc::Rc;

/// What the recogniser says of an utterance.
pub(super) enum Recognised {
    Text(TurnId, Transcript),
    /// The recogniser is through with the utterance.
    Over(TurnId),
}

/// Has the recogniser hear one utterance after the other.
pub(super) async fn recognise(
    stages: Rc<Stages>,
    tap: Tap,
    mut utterances: queue::Receiver<(TurnId, AudioFeed)>,
    recognised: queue::Sender<Recognised>,
) {
    while let Some((turn, feed)) = utterances.recv().await {
        let (sender, mut transcripts) = queue::channel(OUTPUTS_WAITING_MAX);
        let work = async {
            let mut stage = stages.stt.lock().await;
            drive(
                &mut **stage,
                feed,
                (&tap, turn, StageName::SpeechToText),
                Pace::Urgent,
                sender,
            )
            .await
        };
        let forward = async {
            while let Some(transcript) = transcripts.recv().await {
                // The conversation is over when nobody listens; then this is dropped too.
                let _ = recognised.send(Recognised::Text(turn, transcript)).await;
            }
        };
        let (result, ()) = tokio::join!(biased; work, forward);
        if let Err(error) = result {
            tracing::error!("turn {}: {error}", turn.0);
        }
        let _ = recognised.send(Recognised::Over(turn)).await;
    }
}
