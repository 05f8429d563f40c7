//! A real microphone and speaker, on the session's time axis.
//!
//! `open` finds and opens devices, `keeper` keeps them open. `callbacks` is what runs on a sound card's
//! own thread; it only touches lock-free rings. `timing` follows each device's crystal, so that
//! [`Microphone`] can hand out frames, and [`DeviceSpeaker`] lay out replies, on the session's clock:
//! drift between the two is compensated on both sides.

mod cadence;
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

/// Why a device cannot be used. The text names the device and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// There is no device of this kind.
    #[error(
        "there is no {0}: plug one in, or start a sound server (PulseAudio, PipeWire); `voicesim devices` shows what is there"
    )]
    None(Direction),
    /// There is no device with the name that was asked for.
    #[error(
        "there is no {direction} named {name:?}{}; `voicesim devices` lists them", and_there_is(.known)
    )]
    Unknown {
        /// Whether a microphone or a speaker was asked for.
        direction: Direction,
        /// The name that was asked for.
        name: String,
        /// The names of the devices that there are.
        known: Vec<String>,
    },
    /// The device is there and cannot be opened.
    #[error("the {direction} {name} cannot be opened: {reason}; {cure}")]
    Refused {
        /// Whether it is a microphone or a speaker.
        direction: Direction,
        /// The device's name.
        name: String,
        /// What the sound library said.
        reason: String,
        /// What to do.
        cure: &'static str,
    },
    /// This build of voicesim has no support for sound devices.
    #[error(
        "this build of voicesim has no sound devices: build it with the feature \"mic\", which is on by default"
    )]
    NotBuilt,
    /// The device was neither opened nor refused in time.
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
    /// Whether it is a microphone or a speaker.
    pub direction: Direction,
    /// The name that `--input` and `--output` take.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// Whether it is used if no device is asked for.
    pub is_default: bool,
    /// The device's own rate in Hz; `None` if it does not say.
    pub rate: Option<u32>,
    /// The device's own number of channels; `None` if it does not say.
    pub channels: Option<u16>,
    /// Why it could not be opened when that was tried; `None` if it could.
    pub fault: Option<String>,
}

/// An opened stream, with the session's end of it.
struct Opened<End> {
    name: String,
    rate: u32,
    end: End,
    line: OpenStream,
}

/// The handle that keeps a stream open, and tells when the stream is gone.
struct OpenStream {
    /// The stream, which is closed by dropping it; some hosts hang in that.
    stream: Box<dyn Send>,
    counts: Arc<Counts>,
    faults: Receiver<String>,
}

/// Which devices to open, by the names that [`list`] gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The microphone; the default one if `None`.
    pub input: Option<String>,
    /// The speaker; the default one if `None`.
    pub output: Option<String>,
}

/// Something that happened to a device in the middle of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceNews {
    /// The device is open: for the first time, or again.
    Opened {
        /// Whether it is a microphone or a speaker.
        direction: Direction,
        /// The device's name.
        name: String,
        /// The device's rate in Hz.
        rate: u32,
    },
    /// The device is gone; it is opened again when it comes back.
    Lost {
        /// Whether it is a microphone or a speaker.
        direction: Direction,
        /// Why the device is taken to be gone.
        reason: String,
    },
}

/// An opened microphone and speaker.
pub struct Devices {
    /// The caller's side.
    pub microphone: Microphone,
    /// The agent's side.
    pub speaker: Rc<DeviceSpeaker>,
    keepers: [(Direction, Keeper); 2],
    first: Vec<DeviceNews>,
}

impl Devices {
    /// Opens both devices, which blocks for up to some seconds. `clock` must be a real one that was
    /// started. Fails if a device is missing, refuses or does not answer.
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
        let mut failed = None;
        // All are waited for, also if one fails: what a library still says of another one comes before the error.
        for index in 0..devices.keepers.len() {
            let (direction, keeper) = &devices.keepers[index];
            let direction = *direction;
            match keeper.news.recv_timeout(STUCK_AFTER) {
                Err(_) => {
                    failed.get_or_insert(DeviceError::Stuck(direction));
                }
                Ok(KeeperNews::Failed(error)) => {
                    failed.get_or_insert(error);
                }
                Ok(news) => {
                    let news = devices.take(direction, news);
                    devices.first.push(news);
                }
            }
        }
        failed.map_or(Ok(devices), Err)
    }

    /// Everything that has happened to the devices since the last call, in order.
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
/// where there is no sound card. This blocks for up to some seconds for each device.
pub fn list() -> Vec<Listed> {
    let _hush = Hush::new();
    let clock = Clock::real(1);
    clock.start();
    clock.stopwatch().map(open::devices).unwrap_or_default()
}
