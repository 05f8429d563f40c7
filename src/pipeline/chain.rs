//! The stages of a reply: answer, clauses, speech and playback, chained so that each works on what
//! is there.

use super::drive::{Pace, drive};
use super::playback::Playback;
use super::ready::Ready;
use super::{Replying, Stages};
use crate::event::{ReplyEnd, StageName, TurnId};
use crate::record::tap::Tap;
use crate::stage::queue;
use crate::stage::{
    AudioChunk, Clause, Identified, OUTPUTS_WAITING_MAX, Question, Recorded, Stage, StageError,
    TextFeed, TextToSpeech, Watched,
};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How much synthesised speech may wait to be played. More would be thrown away by an interruption, and
/// take the processor from whoever has to notice one.
const AHEAD: Duration = Duration::from_secs(2);

/// Answers `question` aloud, once it is released: until then it prepares the first sound and holds
/// it. Dropping the future gives the whole reply up. An error of any stage ends the reply; what was
/// queued before it is still played.
pub(super) async fn answer_aloud(
    stages: &Stages,
    question: Question,
    at: (&Tap, TurnId),
    playback: &Playback,
    released: &Watched<bool>,
) -> ReplyEnd {
    let (audio, chunks) = queue::channel(OUTPUTS_WAITING_MAX);
    let playing = async {
        released.until(|is| is).await;
        playback.play(stages.filler.as_ref(), chunks).await;
    };
    if playback.tells_alone() {
        // No engine has a say in it.
        drop(audio);
        playing.await;
        return ReplyEnd::Completed;
    }
    let failed = match &stages.reply {
        Replying::Cascade {
            answer,
            clauses,
            tts,
            openings,
        } => {
            let (pieces, text) = queue::channel(OUTPUTS_WAITING_MAX);
            let (cut, spoken) = queue::channel(OUTPUTS_WAITING_MAX);
            let answering = visit(answer, question, at, StageName::Answer, pieces);
            let text = TextFeed::new(text, at.0.input_hash());
            let cutting = visit(clauses, text, at, StageName::Clauses, cut);
            let speaking = speak((tts, openings), spoken, at, audio, playback, released);
            let (answered, cut, spoke, ()) =
                tokio::join!(biased; answering, cutting, speaking, playing);
            [answered, cut, spoke].into_iter().find_map(failure)
        }
        Replying::Direct(model) => {
            // Who heard the conversation remembers it: the same words are the same input, however much of the answers
            // before them was heard.
            let question = Question {
                history: Rc::default(),
                ..question
            };
            let responding = visit(model, question, at, StageName::SpeechToSpeech, audio);
            let (responded, ()) = tokio::join!(biased; responding, playing);
            failure(responded)
        }
    };
    match failed {
        Some(error) => {
            tracing::error!("turn {}: {error}", at.1.0);
            ReplyEnd::Failed
        }
        None if playback.is_audible() => ReplyEnd::Completed,
        None => ReplyEnd::Silent,
    }
}

/// Has a stage handle one input, as soon as it is free.
async fn visit<In: Identified, Out: Recorded>(
    stage: &Mutex<Box<dyn Stage<In = In, Out = Out>>>,
    input: In,
    (tap, turn): (&Tap, TurnId),
    name: StageName,
    next: queue::Sender<Out>,
) -> Result<(), StageError> {
    let mut stage = stage.lock().await;
    drive(&mut **stage, input, (tap, turn, name), Pace::Urgent, next)
        .await
        .map(|_| ())
}

/// Speaks clauses as they come, as far ahead as is wanted.
async fn speak(
    (tts, openings): (&Mutex<TextToSpeech>, &[AudioChunk]),
    mut clauses: queue::Receiver<Clause>,
    (tap, turn): (&Tap, TurnId),
    audio: queue::Sender<AudioChunk>,
    playback: &Playback,
    released: &Watched<bool>,
) -> Result<(), StageError> {
    // Both queues end with this function: the one to the speaker after the last clause, the one from the
    // clauses also with an error, so that nobody waits to put a clause into it.
    let mut stage = tts.lock().await;
    let mut spoken_so_far = Duration::ZERO;
    // How much of that had to be made.
    let mut made = Duration::ZERO;
    while let Some(clause) = clauses.recv().await {
        let is_wanted = |taken: Duration| spoken_so_far <= taken + AHEAD;
        playback.taken.until(is_wanted).await;
        let at = (tap, turn, StageName::TextToSpeech);
        if let Some(sound) = openings.iter().find(|sound| sound.text == clause.0) {
            let mut ready = Ready(sound.clone());
            spoken_so_far += drive(&mut ready, clause, at, Pace::Urgent, audio.clone()).await?;
            continue;
        }
        // The first clause is waited for, the others are spoken while the one before sounds.
        let pace = match made.is_zero() {
            true => Pace::Urgent,
            false => Pace::Leisurely,
        };
        let sound = drive(&mut **stage, clause, at, pace, audio.clone()).await?;
        spoken_so_far += sound;
        made += sound;
        released.until(|is| is).await;
    }
    Ok(())
}

/// The error of a stage, if any. An output that nobody wants any more is none.
fn failure(result: Result<(), StageError>) -> Option<StageError> {
    result.err().filter(|e| !matches!(e, StageError::Unwanted))
}
