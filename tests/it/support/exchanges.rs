//! Calls of a few questions in quiet, each answered after a chosen time or never.

use super::synthetic::{Call, MS, lay, spoken};
use std::path::Path;

/// Writes a call as a stereo file with an answer after each of these milliseconds, or none. Where each question ends,
/// in milliseconds.
pub(crate) fn write(path: &Path, gaps: &[Option<usize>]) -> Vec<usize> {
    let (question, answer) = (spoken("en-us-reply.wav"), spoken("piper-finished.wav"));
    let (mut caller, mut agent, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 1_000 * MS;
    for gap in gaps {
        lay(&mut caller, at, &question);
        let end = at + question.len();
        ends.push(end / MS);
        at = match gap {
            Some(gap) => {
                lay(&mut agent, end + gap * MS, &answer);
                end + gap * MS + answer.len() + 1_500 * MS
            }
            None => end + 3_500 * MS,
        };
    }
    let length = at + 2_000 * MS;
    caller.resize(length, 0.0);
    agent.resize(length, 0.0);
    let call = Call {
        name: "call".into(),
        caller,
        agent,
        gaps: Vec::new(),
    };
    call.write(path);
    ends
}
