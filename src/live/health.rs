//! Keeps count of what goes wrong between the devices and the session, and puts it on record.

use super::echo::Echo;
use super::span_ns;
use crate::audio::device::Devices;
use crate::event::{Direction, Mark, Tick, TurnId, nanos};
use crate::record::tap::Tap;
use std::time::Duration;

/// Losses are put together over this long, so that a device in trouble does not fill the record.
const EVERY: Duration = Duration::from_secs(1);
/// How often the drift of the devices is put on record.
const DRIFT_EVERY: Duration = Duration::from_secs(60);
/// An echo is put on record again when its level changed by this much, in dB.
const ECHO_CHANGE_DB: f32 = 6.0;

pub(super) struct Health {
    tap: Tap,
    next: Tick,
    next_drift: Tick,
    /// Samples of the microphone that were lost when that was last recorded; `late` counts those of replies.
    lost: u64,
    late: u64,
    /// Overruns of the microphone and underruns of the speaker that devices had reported then.
    xruns: [u64; 2],
    echo_db: Option<f32>,
}

impl Health {
    pub(super) fn new(tap: Tap) -> Health {
        Health {
            tap,
            next: Tick::ZERO + EVERY,
            next_drift: Tick::ZERO + DRIFT_EVERY,
            lost: 0,
            late: 0,
            xruns: [0; 2],
            echo_db: None,
        }
    }

    /// A device was opened, whose counts begin at zero.
    pub(super) fn opened(&mut self, direction: Direction) {
        match direction {
            Direction::Input => (self.lost, self.xruns[0]) = (0, 0),
            Direction::Output => (self.late, self.xruns[1]) = (0, 0),
        }
    }

    pub(super) fn look(&mut self, now: Tick, devices: &Devices, echo: Option<Echo>) {
        if now < self.next {
            return;
        }
        self.next = now + EVERY;
        let (lost, late) = (devices.microphone.lost(), devices.speaker.late());
        self.lost_since(Direction::Input, lost, self.lost, devices.microphone.rate());
        self.lost_since(Direction::Output, late, self.late, devices.speaker.rate());
        (self.lost, self.late) = (lost, late);
        let xruns = [devices.microphone.xruns(), devices.speaker.xruns()];
        for (at, direction) in [Direction::Input, Direction::Output]
            .into_iter()
            .enumerate()
        {
            let count = xruns[at].saturating_sub(self.xruns[at]);
            if count > 0 {
                self.mark(Mark::Xruns { direction, count });
            }
        }
        self.xruns = xruns;
        if now >= self.next_drift {
            self.next_drift = now + DRIFT_EVERY;
            self.drift(Direction::Input, devices.microphone.drift_ppm());
            self.drift(Direction::Output, devices.speaker.drift_ppm());
        }
        if let Some(echo) = echo
            && self
                .echo_db
                .is_none_or(|before| (before - echo.level_db).abs() >= ECHO_CHANGE_DB)
        {
            self.echo_db = Some(echo.level_db);
            self.mark(Mark::Echo {
                level_db: f64::from(echo.level_db),
                delay_ns: nanos(echo.delay),
            });
        }
    }

    fn lost_since(&self, direction: Direction, now: u64, before: u64, rate: u32) {
        let lost_ns = span_ns(now.saturating_sub(before), rate);
        if lost_ns > 0 {
            self.mark(Mark::SoundLost { direction, lost_ns });
        }
    }

    fn drift(&self, direction: Direction, ppm: f64) {
        self.mark(Mark::DeviceDrift { direction, ppm });
    }

    fn mark(&self, mark: Mark) {
        self.tap.mark(TurnId(0), mark);
    }
}
