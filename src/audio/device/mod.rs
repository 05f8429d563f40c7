//! A real microphone and speaker, on the session's time axis.
//!
//! `open` finds and opens devices, `keeper` keeps them open. `callbacks` is what runs on a sound card's
//! own thread; it only touches lock-free rings. `timing` follows each device's crystal, so that
//! [`Microphone`] can hand out frames, and [`DeviceSpeaker`] lay out replies, on the session's clock:
//! drift between the two is compensated on both sides.

mod callbacks;
mod hush;
mod keeper;
mod microphone;
#[cfg(not(feature = "mic"))]
#[path = "not_built.rs"]
mod open;
#[cfg(feature = "mic")]
mod open;
mod rate;
mod speaker;
mod timing;

pub use hush::Hush;
pub use microphone::Microphone;
pub use speaker::DeviceSpeaker;

use super::AudioError;
use crate::clock::Clock;
use crate::event::Direction;
use callbacks::Counts;
use keeper::{End, Keeper, KeeperNews};
use serde::Serialize;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// A device that is not open after this long is not there.
const OPEN_WITHIN: Duration = Duration::from_secs(2);
/// A device that has not been opened, nor refused, after this long is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(6);

/// Why a device cannot be used. The text names the device and the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error(
        "there is no {0}: plug one in, or start a sound server (PulseAudio, PipeWire); `voicesim devices` shows what is there"
    )]
    None(Direction),
    #[error(
        "there is no {direction} named {name:?}{}; `voicesim devices` lists them", and_there_is(.known)
    )]
    Unknown {
        direction: Direction,
        name: String,
        known: Vec<String>,
    },
    #[error("the {direction} {name} cannot be opened: {reason}; {cure}")]
    Refused {
        direction: Direction,
        name: String,
        reason: String,
        cure: &'static str,
    },
    #[error(
        "this build of voicesim has no sound devices: build it with the feature \"mic\", which is on by default"
    )]
    NotBuilt,
    #[error(
        "the {0} does not answer; is the sound server stuck? Restart it, or name another device"
    )]
    Stuck(Direction),
}

fn and_there_is(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; there is {}", names.join(", ")),
    }
}

/// A device as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub direction: Direction,
    /// What `--input` and `--output` take.
    pub id: String,
    pub name: String,
    pub is_default: bool,
    /// Its own rate in Hz, and channels; `None` if it does not say.
    pub rate: Option<u32>,
    pub channels: Option<u16>,
    /// Why it could not be opened when it was tried.
    pub fault: Option<String>,
}

/// An opened stream, with the session's end of it.
struct Opened<End> {
    name: String,
    rate: u32,
    end: End,
    line: OpenStream,
}

/// What keeps a stream open, and tells when it is gone.
struct OpenStream {
    /// Dropping it closes the stream; some hosts hang in that.
    stream: Box<dyn Send>,
    counts: Arc<Counts>,
    faults: Receiver<String>,
}

/// Which devices to open, by name; the default ones if `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub input: Option<String>,
    pub output: Option<String>,
}

/// What becomes of a device in the middle of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceNews {
    Opened {
        direction: Direction,
        name: String,
        rate: u32,
    },
    /// It is gone; it is opened again when it comes back.
    Lost {
        direction: Direction,
        reason: String,
    },
}

/// An opened microphone and speaker.
pub struct Devices {
    pub microphone: Microphone,
    pub speaker: Rc<DeviceSpeaker>,
    keepers: [(Direction, Keeper); 2],
    first: Vec<DeviceNews>,
}

impl Devices {
    /// Opens both, which blocks for up to some seconds. The clock must be a real one, and run.
    pub fn open(choice: &Choice, clock: &Clock) -> Result<Devices, DeviceError> {
        let stopwatch = clock
            .stopwatch()
            .ok_or(DeviceError::Stuck(Direction::Input))?;
        let start = |direction, name: &Option<String>| {
            let keeper = Keeper::start(direction, name.clone(), stopwatch);
            let keeper = keeper.map_err(|_| DeviceError::Stuck(direction))?;
            Ok((direction, keeper))
        };
        let keepers = [
            start(Direction::Input, &choice.input)?,
            start(Direction::Output, &choice.output)?,
        ];
        let mut devices = Devices {
            microphone: Microphone::default(),
            speaker: Rc::new(DeviceSpeaker::new(clock.clone())),
            keepers,
            first: Vec::new(),
        };
        for index in 0..devices.keepers.len() {
            let (direction, keeper) = &devices.keepers[index];
            let direction = *direction;
            let news = keeper.news.recv_timeout(STUCK_AFTER);
            let news = news.map_err(|_| DeviceError::Stuck(direction))?;
            if let KeeperNews::Failed(error) = news {
                return Err(error);
            }
            let news = devices.take(direction, news);
            devices.first.push(news);
        }
        Ok(devices)
    }

    /// What has happened to the devices since the last call.
    pub fn news(&mut self) -> Vec<DeviceNews> {
        let mut all = std::mem::take(&mut self.first);
        for index in 0..self.keepers.len() {
            let direction = self.keepers[index].0;
            while let Ok(news) = self.keepers[index].1.news.try_recv() {
                all.push(self.take(direction, news));
            }
        }
        all
    }

    fn take(&mut self, direction: Direction, news: KeeperNews) -> DeviceNews {
        let reason = match news {
            KeeperNews::Opened(opened) => match self.connect(opened.rate, opened.end) {
                Ok(()) => {
                    return DeviceNews::Opened {
                        direction,
                        name: opened.name,
                        rate: opened.rate,
                    };
                }
                Err(error) => error.to_string(),
            },
            KeeperNews::Failed(error) => error.to_string(),
            KeeperNews::Lost(reason) => {
                match direction {
                    Direction::Input => self.microphone.close(),
                    Direction::Output => self.speaker.close(),
                }
                reason
            }
        };
        DeviceNews::Lost { direction, reason }
    }

    fn connect(&mut self, rate: u32, end: End) -> Result<(), AudioError> {
        match end {
            End::Input(taken) => self.microphone.open(taken, rate),
            End::Output(played) => self.speaker.open(played, rate),
        }
    }
}

/// Every device there is, and whether it could be opened just now: a default device is named even
/// where there is no sound card. It blocks for up to some seconds for each.
pub fn list() -> Vec<Listed> {
    let _hush = Hush::new();
    let clock = Clock::real(1);
    clock.start();
    clock.stopwatch().map(open::devices).unwrap_or_default()
}
