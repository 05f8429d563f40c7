//! What happens to the devices, in words.

use super::plain::plain;
use crate::event::{Direction, Mark};
use crate::measure::ms;

/// An echo that is louder than this, relative to what was played, is past cancelling in most rooms.
const LOUD_ECHO_DB: f64 = -10.0;

/// What a mark says of the devices, if anything worth telling.
pub(super) fn told(mark: &Mark) -> Option<String> {
    Some(match mark {
        Mark::DeviceOpened {
            direction,
            name,
            rate,
        } => format!("the {direction} is {} at {rate} Hz", plain(name)),
        Mark::DeviceLost { direction, reason } => format!(
            "the {direction} is gone ({}); it is used again when it comes back",
            plain(reason)
        ),
        Mark::SoundLost {
            direction: Direction::Input,
            lost_ns,
        } => format!("{:.0} ms of what you said got lost", ms(*lost_ns)),
        Mark::SoundLost {
            direction: Direction::Output,
            lost_ns,
        } => format!(
            "the agent was {:.0} ms too late for its speaker",
            ms(*lost_ns)
        ),
        Mark::Xruns { direction, count } => {
            format!("the {direction} reports {count} over- or underruns")
        }
        Mark::Echo { level_db, delay_ns } => {
            let cure = match *level_db > LOUD_ECHO_DB {
                true => "; if it interrupts itself: headphones, less volume, or --half-duplex",
                false => "",
            };
            format!(
                "the agent comes back through the microphone at {level_db:.0} dB after {:.0} ms{cure}",
                ms(*delay_ns)
            )
        }
        _ => return None,
    })
}
