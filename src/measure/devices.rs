//! What became of a microphone and a speaker.

use crate::event::{Direction, Event, Mark};
use serde::Serialize;
use std::collections::BTreeMap;

/// The devices of a live session; nothing in a replay.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Devices {
    /// The figures of each device, microphone and speaker.
    #[serde(flatten)]
    pub used: BTreeMap<Direction, Device>,
    /// The agent's voice in the microphone, as it was measured last; `None` if it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<Echo>,
}

/// What became of one device.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Device {
    /// The name by which the system knows the device.
    pub name: String,
    /// Samples a second (Hz).
    pub rate: u32,
    /// How often the device disappeared.
    pub times_lost: u32,
    /// Nanoseconds of sound that got lost on the way: the caller's before it was heard, the agent's because
    /// it came too late.
    pub lost_ns: u64,
    /// Over- or underruns that the device reported; some devices never do.
    pub xruns: u64,
    /// How much faster the device's crystal is than the session's clock, in parts per million; `None` in
    /// the first minute.
    pub drift_ppm: Option<f64>,
}

/// The agent's voice in the microphone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Echo {
    /// How loud the echo is, relative to what was played, in dB.
    pub level_db: f64,
    /// Nanoseconds from the speaker to the microphone.
    pub delay_ns: u64,
}

impl Devices {
    pub(super) fn add(&mut self, event: &Event) {
        match &event.mark {
            Mark::DeviceOpened {
                direction,
                name,
                rate,
            } => {
                let device = self.device(*direction);
                (device.name, device.rate) = (name.clone(), *rate);
            }
            Mark::DeviceLost { direction, .. } => self.device(*direction).times_lost += 1,
            Mark::SoundLost { direction, lost_ns } => {
                let device = self.device(*direction);
                device.lost_ns = device.lost_ns.saturating_add(*lost_ns);
            }
            Mark::Xruns { direction, count } => {
                let device = self.device(*direction);
                device.xruns = device.xruns.saturating_add(*count);
            }
            Mark::DeviceDrift { direction, ppm } => {
                self.device(*direction).drift_ppm = Some(*ppm);
            }
            Mark::Echo { level_db, delay_ns } => {
                self.echo = Some(Echo {
                    level_db: *level_db,
                    delay_ns: *delay_ns,
                });
            }
            _ => {}
        }
    }

    /// Whether no device was used.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }

    fn device(&mut self, direction: Direction) -> &mut Device {
        self.used.entry(direction).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{SessionId, Tick, TurnId};

    #[test]
    fn what_got_lost_is_added_up_by_device() {
        let direction = Direction::Output;
        let marks = [
            Mark::DeviceOpened {
                direction,
                name: "card".into(),
                rate: 48_000,
            },
            Mark::SoundLost {
                direction,
                lost_ns: 20,
            },
            Mark::DeviceLost {
                direction,
                reason: "unplugged".into(),
            },
            Mark::SoundLost {
                direction,
                lost_ns: 3,
            },
            Mark::DeviceDrift {
                direction,
                ppm: 12.5,
            },
        ];
        let mut devices = Devices::default();
        for mark in marks {
            devices.add(&Event {
                tick: Tick::ZERO,
                session: SessionId(0),
                turn: TurnId(0),
                mark,
            });
        }
        let speaker = &devices.used[&direction];
        assert_eq!((speaker.lost_ns, speaker.times_lost), (23, 1));
        assert_eq!(
            (speaker.name.as_str(), speaker.drift_ppm),
            ("card", Some(12.5))
        );
    }
}
