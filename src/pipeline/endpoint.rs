//! When an utterance is over: pure arithmetic on pauses and time.

use crate::audio::FRAME;
use crate::event::{EndpointCause, Tick, nanos};
use std::time::Duration;

/// When to take an utterance as finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpointing {
    /// Silence after which the caller is taken to have finished. It is heard in frames of 16 ms, so
    /// 300 ms are 304.
    pub silence: Duration,
    /// An utterance is cut at this length, so that a recogniser's work stays bounded.
    pub longest: Duration,
}

impl Endpointing {
    /// When the utterance that began at `onset` is to be committed if nothing else is heard, and
    /// why then. `last_voiced` is the end of speech, if the caller pauses.
    pub fn deadline(&self, onset: Tick, last_voiced: Option<Tick>) -> (Tick, EndpointCause) {
        let longest = (onset + self.longest, EndpointCause::MaximumLength);
        match last_voiced {
            None => longest,
            Some(at) => {
                let frames = nanos(self.silence).div_ceil(nanos(FRAME));
                let silence = Duration::from_nanos(frames * nanos(FRAME));
                let silent = (at + silence, EndpointCause::Silence);
                if silent.0 <= longest.0 {
                    silent
                } else {
                    longest
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(onset_ms: u64, last_voiced_ms: Option<u64>, expected: (u64, EndpointCause)) {
        let endpointing = Endpointing {
            silence: Duration::from_millis(300),
            longest: Duration::from_secs(10),
        };
        let deadline =
            endpointing.deadline(Tick::from_ms(onset_ms), last_voiced_ms.map(Tick::from_ms));
        assert_eq!(deadline, (Tick::from_ms(expected.0), expected.1));
    }

    #[test]
    fn silence_is_counted_in_whole_frames() {
        check(0, Some(1_600), (1_904, EndpointCause::Silence));
    }

    #[test]
    fn a_caller_who_never_pauses_is_cut_at_the_maximum_length() {
        check(500, None, (10_500, EndpointCause::MaximumLength));
        check(500, Some(10_400), (10_500, EndpointCause::MaximumLength));
    }
}
