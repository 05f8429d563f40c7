//! The stages of a reply: answer, clauses, speech and playback, chained so that each works on what
//! is there.

use super::Stages;
use super::drive::{Pace, drive};
use super::playback::Playback;
use crate::event::{ReplyEnd, StageName, TurnId};
use crate::record::tap::Tap;
use crate::stage::{Clause, OUTPUTS_WAITING_MAX, Question, StageError, TextFeed};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Speech is synthesised until so much of it waits to be played. More would be thrown away by an
/// interruption, and take the processor from whoever has to notice one.
const AHEAD: Duration = Duration::from_secs(2);

/// Answers `question` aloud, once it is released: until then it prepares the first clause and holds
/// it. Dropping the future gives the whole reply up. An error of any stage ends the reply; what was
/// queued before it is still played.
pub(super) async fn answer_aloud(
    stages: &Stages,
    question: Question,
    (tap, turn): (&Tap, TurnId),
    playback: &Playback,
    released: watch::Receiver<bool>,
    on_audible: impl Fn(),
) -> ReplyEnd {
    let (pieces, text) = mpsc::channel(OUTPUTS_WAITING_MAX);
    let (clauses, spoken) = mpsc::channel::<Clause>(OUTPUTS_WAITING_MAX);
    let (audio, chunks) = mpsc::channel(OUTPUTS_WAITING_MAX);
    let is_released = || {
        let mut released = released.clone();
        // The sender goes only together with this future.
        async move { released.wait_for(|is| *is).await.map(|_| ()).unwrap_or(()) }
    };

    let answering = async {
        let mut stage = stages.answer.lock().await;
        let at = (tap, turn, StageName::Answer);
        drive(&mut **stage, question, at, Pace::Urgent, pieces).await
    };
    let cutting = async {
        let mut stage = stages.clauses.lock().await;
        let at = (tap, turn, StageName::Clauses);
        drive(&mut **stage, TextFeed::new(text), at, Pace::Urgent, clauses).await
    };
    let speaking = async {
        // Both queues end with this: the one to the speaker after the last clause, the one from the
        // clauses also with an error, so that nobody waits to put a clause into it.
        let (audio, mut spoken) = (audio, spoken);
        let mut stage = stages.tts.lock().await;
        let (mut spoken_so_far, mut taken) = (Duration::ZERO, playback.taken());
        while let Some(clause) = spoken.recv().await {
            let is_wanted = |taken: &Duration| spoken_so_far <= *taken + AHEAD;
            // The sender goes only together with the speaker.
            let _ = taken.wait_for(is_wanted).await;
            let at = (tap, turn, StageName::TextToSpeech);
            // The first clause is waited for, the others are spoken while the one before sounds.
            let pace = match spoken_so_far.is_zero() {
                true => Pace::Urgent,
                false => Pace::Leisurely,
            };
            spoken_so_far += drive(&mut **stage, clause, at, pace, audio.clone()).await?;
            is_released().await;
        }
        Ok(Duration::ZERO)
    };
    let playing = async {
        is_released().await;
        playback.play(chunks, on_audible).await;
    };

    let (answered, cut, spoke, ()) = tokio::join!(biased; answering, cutting, speaking, playing);
    let failed = [answered, cut, spoke]
        .into_iter()
        .find_map(|result| result.err().filter(|e| !matches!(e, StageError::Unwanted)));
    match failed {
        Some(error) => {
            tracing::error!("turn {}: {error}", turn.0);
            ReplyEnd::Failed
        }
        None if playback.is_audible() => ReplyEnd::Completed,
        None => ReplyEnd::Silent,
    }
}
