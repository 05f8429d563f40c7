//! The caller of a live session: whoever speaks into the microphone.

mod echo;
mod health;

use crate::audio::device::{DeviceNews, Devices};
use crate::audio::{FRAME, Samples, db_from_amplitude, length_of, peak};
use crate::clock::Clock;
use crate::ear::{Ear, SpeechEdges};
use crate::event::{Mark, Tick, TurnId, nanos};
use crate::pipeline::AgentState;
use crate::record::tap::Tap;
use crate::stage::SpeechActivity;
use crate::stage::Watched;
use crate::stage::queue;
use echo::{DELAY_SAMPLES, EchoCanceller, LEAD_SAMPLES};
use health::Health;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// How often the microphone is asked for what it heard. A frame comes every 16 ms.
const LISTEN_EVERY: Duration = Duration::from_millis(4);
/// A frame that has not come after this long is taken for silence: the device is gone, or the
/// machine is far behind.
const MISSED_AFTER: Duration = Duration::from_millis(300);
/// A half-duplex session hears nothing for this long after the agent's last sound: rooms ring on.
const RING: Duration = Duration::from_millis(250);

/// Follows the level of a microphone.
pub(crate) type Level = Box<dyn Fn(Tick, f32)>;

/// Hears the microphone.
pub(crate) struct Listener {
    pub clock: Clock,
    pub tap: Tap,
    pub ear: Ear,
    pub devices: Devices,
    /// Hears nothing while the agent speaks.
    pub is_half_duplex: bool,
    pub is_muted: Rc<Cell<bool>>,
    pub agent: Rc<Watched<AgentState>>,
    /// Where the ear reports to.
    pub activity: queue::Sender<SpeechActivity>,
    /// Is told of each frame when it began, and its peak in dB of full scale.
    pub level: Option<Level>,
}

impl Listener {
    /// Listens until nobody wants to know any more.
    pub(crate) async fn listen(mut self) {
        let mut echo = EchoCanceller::new();
        let mut edges = SpeechEdges::default();
        let mut health = Health::new(self.tap.clone());
        loop {
            if self.tell_news(&mut health) {
                // A new device has another path from speaker to microphone.
                echo = EchoCanceller::new();
            }
            while let Some((start, frame)) = self.next_frame() {
                if let Some(tell) = &self.level {
                    tell(start, db_from_amplitude(peak(&frame)));
                }
                let at = start.before(length_of(DELAY_SAMPLES));
                let (voice, frame) = self.clean(&mut echo, start, &frame);
                self.record(start, at, &frame);
                let said = self.ear.hear_beside(at, frame.clone(), &voice);
                if let Some(background) = self.ear.background() {
                    self.tap.mark(TurnId(0), background.mark());
                }
                if let Some(edge) = edges.hear(at, &voice, self.ear.is_voiced(), &said) {
                    self.tap.mark(TurnId(0), edge.mark());
                }
                for activity in said {
                    if self.activity.send(activity).await.is_err() {
                        return;
                    }
                }
                health.look(start, &self.devices, echo.echo());
            }
            self.clock
                .sleep_until(self.clock.now() + LISTEN_EVERY)
                .await;
        }
    }

    /// Puts on record what happened to the devices; returns whether anything did.
    fn tell_news(&mut self, health: &mut Health) -> bool {
        let all = self.devices.news();
        let is_news = !all.is_empty();
        for news in all {
            let mark = match news {
                DeviceNews::Opened {
                    direction,
                    name,
                    rate,
                } => {
                    health.opened(direction);
                    Mark::DeviceOpened {
                        direction,
                        name,
                        rate,
                    }
                }
                DeviceNews::Lost { direction, reason } => Mark::DeviceLost { direction, reason },
            };
            self.tap.mark(TurnId(0), mark);
        }
        is_news
    }

    fn next_frame(&mut self) -> Option<(Tick, Samples)> {
        let microphone = &mut self.devices.microphone;
        if let Some(frame) = microphone.hear() {
            return Some(frame);
        }
        let due = microphone.next_start() + FRAME + MISSED_AFTER;
        (due < self.clock.now()).then(|| microphone.miss())
    }

    /// What was heard in the frame that began at `start`, without the agent: to find a voice in, and to
    /// understand what it says.
    fn clean(&self, echo: &mut EchoCanceller, start: Tick, heard: &[f32]) -> (Vec<f32>, Samples) {
        let ahead = start + length_of(LEAD_SAMPLES);
        let clean = echo.cancel(heard, &self.devices.speaker.played(ahead));
        let is_deaf = self.is_muted.get() || (self.is_half_duplex && self.agent_sounds(start));
        match is_deaf {
            true => (vec![0.0; heard.len()], vec![0.0; heard.len()].into()),
            false => (clean.muted, clean.whole.into()),
        }
    }

    fn agent_sounds(&self, at: Tick) -> bool {
        let agent = self.agent.get();
        let rings = agent.speech_ended.is_some_and(|ended| at < ended + RING);
        agent.is_speaking || rings
    }

    fn record(&self, start: Tick, at: Tick, frame: &[f32]) {
        // The first frame begins before there is a time axis.
        let before = match start {
            Tick::ZERO => DELAY_SAMPLES.min(frame.len()),
            _ => 0,
        };
        self.tap.caller_audio(at, &frame[before..]);
    }
}

/// Whole nanoseconds of `samples` at `rate` Hz.
fn span_ns(samples: u64, rate: u32) -> u64 {
    nanos(Duration::from_secs(1)).saturating_mul(samples) / u64::from(rate.max(1))
}
