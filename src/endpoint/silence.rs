//! A policy that takes the caller to have finished after a fixed silence.

use super::{Decision, EndpointPolicy, Observation};
use crate::audio::FRAME;
use crate::event::{Tick, nanos};
use std::time::Duration;

/// Commits after a fixed silence, which is heard in frames of 16 ms: 300 ms become 304.
#[derive(Debug)]
pub struct Silence {
    silence: Duration,
    last_voiced: Option<Tick>,
}

impl Silence {
    /// A policy that commits after this much silence, rounded up to whole frames.
    pub fn new(silence: Duration) -> Silence {
        let frames = nanos(silence).div_ceil(nanos(FRAME));
        Silence {
            silence: Duration::from_nanos(frames * nanos(FRAME)),
            last_voiced: None,
        }
    }
}

impl EndpointPolicy for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    fn observe(&mut self, what: Observation<'_>) {
        match what {
            Observation::Paused { last_voiced } => self.last_voiced = Some(last_voiced),
            Observation::Started { .. } | Observation::Resumed { .. } => self.last_voiced = None,
            Observation::Words { .. } | Observation::Judged { .. } => {}
        }
    }

    fn decide(&mut self, _: Tick) -> Decision {
        match self.last_voiced {
            Some(at) => Decision::commit(at + self.silence),
            None => Decision::wait(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Before;

    #[test]
    fn silence_is_counted_from_the_last_voice_in_whole_frames() {
        let mut silence = Silence::new(Duration::from_millis(300));
        let ms = Tick::from_ms;
        silence.observe(Observation::Started {
            onset: ms(0),
            before: Before::default(),
        });
        assert_eq!(silence.decide(ms(100)), Decision::wait());
        let last_voiced = ms(1_600);
        silence.observe(Observation::Paused { last_voiced });
        assert_eq!(silence.decide(ms(1_632)), Decision::commit(ms(1_904)));
        silence.observe(Observation::Resumed { at: ms(1_700) });
        assert_eq!(silence.decide(ms(1_732)), Decision::wait());
    }
}
