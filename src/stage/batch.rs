//! How an engine that transcribes whole utterances takes a feed: it works while the caller pauses,
//! in case that was all, so that the text is there when the endpoint is.

use super::{AudioChunk, AudioFeed, Heard, Outlet, StageError, Transcript, Utterance};
use std::pin::{Pin, pin};
use std::sync::Arc;

/// How a pause ended.
enum Pause {
    /// The caller went on: what was made of the pause is void.
    Resumed,
    /// The utterance is over, and this is its text.
    Over(String),
    /// The utterance is over, but its text could not be had.
    Failed,
}

/// Has `transcribe` work on all that was heard: whenever the caller pauses, and when the utterance
/// is over unless it was over with the last pause. Sends the text of a pause as one that may
/// change. Work that the caller goes on over is given up; work that failed is tried once more at the
/// end.
pub async fn transcribe_in_batches(
    mut feed: AudioFeed,
    out: &mut Outlet<Transcript>,
    mut transcribe: impl AsyncFnMut(
        Arc<Utterance>,
        &mut Outlet<Transcript>,
    ) -> Result<String, StageError>,
) -> Result<(), StageError> {
    let mut heard = Arc::new(Utterance::default());
    let text = loop {
        match feed.next().await {
            Some(Heard::Audio(chunk)) => Arc::make_mut(&mut heard).add(&chunk),
            Some(Heard::Resumed) => {}
            Some(Heard::Committed) | None => break transcribe(heard.clone(), out).await?,
            Some(Heard::Paused) => {
                let mut while_paused = Vec::new();
                let pause = {
                    let work = pin!(in_case(&heard, out, &mut transcribe));
                    through_pause(&mut feed, &mut while_paused, work).await?
                };
                match pause {
                    Pause::Over(text) => break text,
                    Pause::Failed => break transcribe(heard.clone(), out).await?,
                    Pause::Resumed => {}
                }
                let utterance = Arc::make_mut(&mut heard);
                while_paused.iter().for_each(|chunk| utterance.add(chunk));
            }
        }
    };
    out.send(heard.transcript(text, true)).await
}

/// Transcribes what may be all.
async fn in_case(
    heard: &Arc<Utterance>,
    out: &mut Outlet<Transcript>,
    transcribe: &mut impl AsyncFnMut(
        Arc<Utterance>,
        &mut Outlet<Transcript>,
    ) -> Result<String, StageError>,
) -> Result<String, StageError> {
    let text = transcribe(heard.clone(), out).await?;
    out.send(heard.transcript(text.clone(), false)).await?;
    Ok(text)
}

/// Waits for the pause to end while the work on it goes on; for the work too if it was the end.
async fn through_pause(
    feed: &mut AudioFeed,
    while_paused: &mut Vec<AudioChunk>,
    mut work: Pin<&mut impl Future<Output = Result<String, StageError>>>,
) -> Result<Pause, StageError> {
    let (mut made, mut is_over) = (None, false);
    loop {
        if is_over && let Some(made) = made.take() {
            return match made {
                Ok(text) => Ok(Pause::Over(text)),
                Err(StageError::Failed(_)) => Ok(Pause::Failed),
                Err(unwanted) => Err(unwanted),
            };
        }
        tokio::select! {
            biased;
            // First what the caller does: it may void the work.
            next = feed.next(), if !is_over => match next {
                Some(Heard::Audio(chunk)) => while_paused.push(chunk),
                Some(Heard::Resumed) => return Ok(Pause::Resumed),
                Some(Heard::Paused) => {}
                Some(Heard::Committed) | None => is_over = true,
            },
            result = &mut work, if made.is_none() => made = Some(result),
        }
    }
}
