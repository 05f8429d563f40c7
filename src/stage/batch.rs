//! How an engine that transcribes whole utterances takes a feed: it works ahead while the caller
//! pauses, in case that was all, and when it is asked what was said so far.

use super::{AudioChunk, AudioFeed, Heard, Outlet, StageError, Transcript, Understood, Utterance};
use std::pin::{Pin, pin};
use std::sync::Arc;

/// Has `transcribe` work on all that was heard: whenever somebody asks what was said so far, whenever
/// the caller pauses, and when the utterance is over unless nothing was said since it last worked on it. Until then
/// the text is sent as one that may change. Work ahead is given up for newer work; work on a pause that nobody
/// asked for also when the caller goes on. If work ahead fails, the whole utterance is transcribed all the same.
pub async fn transcribe_in_batches<T: Into<Understood>>(
    mut feed: AudioFeed,
    out: &mut Outlet<Transcript>,
    mut transcribe: impl AsyncFnMut(Arc<Utterance>, &mut Outlet<Transcript>) -> Result<T, StageError>,
) -> Result<(), StageError> {
    let mut heard = Arc::new(Utterance::default());
    let mut next = feed.next().await;
    let text = loop {
        let mark = match next {
            Some(Heard::Audio(chunk)) => {
                Arc::make_mut(&mut heard).add(&chunk);
                next = feed.next().await;
                continue;
            }
            Some(Heard::Resumed) => {
                next = feed.next().await;
                continue;
            }
            Some(mark @ (Heard::SoFar | Heard::Paused)) => mark,
            Some(Heard::Committed) | None => {
                break transcribe(heard.clone(), out).await?.into();
            }
        };
        let mut since = Vec::new();
        let ahead = {
            let work = pin!(work_ahead(&heard, out, &mut transcribe));
            go_on(&mut feed, &mark, &mut since, work).await?
        };
        match ahead {
            Ahead::Over(text) => break text,
            Ahead::Next(following) => next = following,
        }
        let utterance = Arc::make_mut(&mut heard);
        since.iter().for_each(|chunk| utterance.add(chunk));
    };
    out.send(heard.transcript(text, true)).await
}

/// What became of work ahead.
enum Ahead {
    /// The work was on the whole utterance, as it turned out, and this is the text.
    Over(Understood),
    /// The work does not count, and the feed goes on with this; `None` when the utterance is over.
    Next(Option<Heard>),
}

async fn work_ahead<T: Into<Understood>>(
    heard: &Arc<Utterance>,
    out: &mut Outlet<Transcript>,
    transcribe: &mut impl AsyncFnMut(Arc<Utterance>, &mut Outlet<Transcript>) -> Result<T, StageError>,
) -> Result<Understood, StageError> {
    let text: Understood = transcribe(heard.clone(), out).await?.into();
    out.send(heard.transcript(text.clone(), false)).await?;
    Ok(text)
}

/// Goes on listening while there is work ahead on what was heard before `mark`, until a mark makes
/// it void. If the utterance is over with the pause that is worked on, waits for the work. What is heard `since` belongs
/// to the utterance.
async fn go_on(
    feed: &mut AudioFeed,
    mark: &Heard,
    since: &mut Vec<AudioChunk>,
    mut work: Pin<&mut impl Future<Output = Result<Understood, StageError>>>,
) -> Result<Ahead, StageError> {
    let mut made: Option<Result<Understood, StageError>> = None;
    let is_awaited = matches!(mark, Heard::SoFar);
    let (mut goes_on, mut is_over) = (false, false);
    loop {
        if is_over && let Some(made) = made.take() {
            // The silence after the last word.
            since.clear();
            return match made {
                Ok(text) => Ok(Ahead::Over(text)),
                Err(error) if error.is_failure() => Ok(Ahead::Next(None)),
                Err(unwanted) => Err(unwanted),
            };
        }
        tokio::select! {
            biased;
            // First what the caller does: it may void the work.
            next = feed.next(), if !is_over => match next {
                Some(Heard::Audio(chunk)) => since.push(chunk),
                Some(Heard::Resumed) if is_awaited => goes_on = true,
                Some(Heard::Committed) | None if !goes_on => is_over = true,
                next => return Ok(Ahead::Next(next)),
            },
            result = &mut work, if made.is_none() => made = Some(result),
        }
    }
}
