//! The ear of a simulation: speech activity from what is truly said, without sound.
//!
//! The simulated ear notices what the real one does, as late as the real one: a voice after 48 ms, a pause
//! after the ear's lag and the time that it is given (64 ms, if nothing else is known), a voice that comes back
//! after 32 ms. A pause that is over before it would be noticed is none.

use super::{RESUME_FRAMES, START_FRAMES};
use crate::audio::FRAME;
use crate::event::Tick;
use std::ops::Range;
use std::time::Duration;

/// What the ear notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noticed {
    /// Somebody has been speaking since `onset`.
    Voice { onset: Tick },
    /// Nobody has been speaking since `last_voiced`.
    Pause { last_voiced: Tick },
}

/// What is noticed of `speech` (in order), and when, if a voice ends for the ear `lag` after it has
/// truly ended, and a pause is noticed `notice` after that.
pub fn noticed(
    speech: &[Range<Tick>],
    (lag, notice): (Duration, Duration),
) -> Vec<(Tick, Noticed)> {
    let mut all = Vec::new();
    let mut rest = speech.iter().peekable();
    while let Some(first) = rest.next() {
        let mut last_voiced = first.end + lag;
        while let Some(next) = rest.next_if(|next| next.start < last_voiced + notice) {
            last_voiced = next.end + lag;
        }
        let frames = if all.is_empty() {
            START_FRAMES
        } else {
            RESUME_FRAMES
        };
        let heard = first.start + FRAME * frames;
        // A sound shorter than that is a click.
        if heard > last_voiced {
            continue;
        }
        let onset = first.start;
        all.push((heard, Noticed::Voice { onset }));
        let paused = last_voiced + notice;
        all.push((paused, Noticed::Pause { last_voiced }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(speech: &[(u64, u64)], expected: &[(u64, &str, u64)]) {
        let ticks: Vec<Range<Tick>> = speech
            .iter()
            .map(|(start, end)| Tick::from_ms(*start)..Tick::from_ms(*end))
            .collect();
        let said: Vec<(u64, &str, u64)> = noticed(
            &ticks,
            (Duration::from_millis(80), Duration::from_millis(64)),
        )
        .into_iter()
        .map(|(at, what)| match what {
            Noticed::Voice { onset } => (at.0, "voice", onset.0),
            Noticed::Pause { last_voiced } => (at.0, "pause", last_voiced.0),
        })
        .map(|(at, what, of)| (at / 1_000_000, what, of / 1_000_000))
        .collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn a_voice_is_noticed_late_and_so_is_its_end() {
        check(
            &[(1_000, 2_000)],
            &[(1_048, "voice", 1_000), (2_144, "pause", 2_080)],
        );
    }

    #[test]
    fn a_pause_shorter_than_the_lag_is_not_noticed() {
        check(
            &[(0, 1_000), (1_100, 2_000)],
            &[(48, "voice", 0), (2_144, "pause", 2_080)],
        );
        check(
            &[(0, 1_000), (1_144, 2_000)],
            &[
                (48, "voice", 0),
                (1_144, "pause", 1_080),
                (1_176, "voice", 1_144),
                (2_144, "pause", 2_080),
            ],
        );
    }
}
