//! Recording what the microphone hears and what the speaker plays, on one time axis.
//!
//! A null sink makes sound by the clock of the machine: it wakes at the time of its next sample, makes a block, and
//! hands it to its recorders. The samples of one sink stay in step with the clock, and the first sample of a block
//! arrives when it is due, or late if the machine is busy. So nearly all blocks agree, to a fraction of a
//! millisecond, on when sample 0 was due; two recordings are put on one time axis by what most of their blocks say.
//! (The latest say would not do because of late blocks, and the earliest would not because the rest of a block that
//! arrives in parts seems early.)

use std::io::Read;
use std::process::{ChildStdout, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::daemon::{AIR_RATE, Air, Daemon};
use super::process::{Guard, wait_until};

/// Samples per second of recordings, in Hz.
pub const RATE: u32 = 16_000;

/// Samples of the air in two samples of a recording.
const AIR_SAMPLES: usize = 5;
const _: () = assert!(AIR_RATE * 2 == RATE * AIR_SAMPLES as u32);

/// The longest block of sound, in milliseconds. While something is recorded, programs get what the microphone hears in
/// blocks of at most this length, each at its beginning: up to so much earlier than from a sound card.
const BLOCK_MS: u32 = 10;
/// How long a recorder may take until sound arrives.
const READY: Duration = Duration::from_secs(5);
/// How long sound is on its way to the recorder at most, on a busy machine.
const ON_ITS_WAY: Duration = Duration::from_millis(150);
/// Blocks whose say on when sample 0 was due differs by no more than this agree, in seconds.
const AGREEMENT_S: f64 = 0.000_5;

/// Both recordings, mono at [`RATE`], of the same length. The same index is the same moment in both.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// What the microphone heard: the caller, and echoes if there are any.
    pub mic: Vec<f32>,
    /// What the speaker played.
    pub speaker: Vec<f32>,
    /// When index 0 was.
    started: Option<Instant>,
}

impl Recording {
    /// The index of an instant; 0 for instants before the recording.
    pub fn index_of(&self, instant: Instant) -> usize {
        self.started.map_or(0, |started| {
            samples_in(instant.saturating_duration_since(started))
        })
    }
}

/// Records the microphone and the speaker until it is finished or let go.
pub struct Recorder {
    mic: Track,
    speaker: Track,
}

impl Recorder {
    /// Starts recording and waits until sound of both arrives (silence is sound here).
    ///
    /// # Panics
    ///
    /// When none arrives within five seconds.
    pub fn start(daemon: &Daemon) -> Self {
        Self::of(daemon, Air::Mouth, Air::Room)
    }

    /// Starts recording any two sources: `mic` and `speaker` of the recording are these.
    pub fn of(daemon: &Daemon, mic: Air, speaker: Air) -> Self {
        let recorder = Self {
            mic: Track::start(daemon, mic),
            speaker: Track::start(daemon, speaker),
        };
        let ready = wait_until(READY, || {
            let tracks = [&recorder.mic, &recorder.speaker];
            tracks.iter().all(|track| track.heard().began.is_some())
        });
        assert!(
            ready,
            "nothing to record; log of the sound server:\n{}",
            daemon.log()
        );
        recorder
    }

    /// What has been recorded so far, less what is still on its way (some 50 ms). The time axis of a later call can
    /// be shifted against this one's by a sample or two.
    pub fn so_far(&self) -> Recording {
        let mic = self.mic.heard().clone();
        let speaker = self.speaker.heard().clone();
        aligned(mic, speaker)
    }

    /// Ends the recording; what was heard up to the call is in it.
    ///
    /// # Panics
    ///
    /// When the recording has holes: when it is shorter than the time it took.
    pub fn finish(self) -> Recording {
        let ended = Instant::now();
        thread::sleep(ON_ITS_WAY);
        let recording = aligned(self.mic.finish(), self.speaker.finish());
        let (length, needed) = (recording.mic.len(), recording.index_of(ended));
        assert!(
            length >= needed,
            "the recording has {length} samples where {needed} are due: it was cut off or the machine is overloaded"
        );
        recording
    }
}

/// What one source gave.
#[derive(Clone, Default)]
struct Heard {
    /// At [`AIR_RATE`].
    samples: Vec<f32>,
    /// When the first block arrived; other instants are counted from here.
    began: Option<Instant>,
    /// What each block says on when sample 0 was due: its arrival less the length of what was heard before it, in
    /// seconds since `began`.
    says: Vec<f64>,
    /// The arrival of the last block, in seconds since `began`, and its length in samples.
    last: Option<(f64, usize)>,
}

impl Heard {
    /// Takes a block that arrived at `arrival`.
    fn take(&mut self, block: &[u8], arrival: Instant) {
        let began = *self.began.get_or_insert(arrival);
        let arrival = arrival.saturating_duration_since(began).as_secs_f64();
        // What comes long before the block before it is over is the rest of that block.
        let is_rest = self
            .last
            .is_some_and(|(before, length)| arrival - before < seconds_of(length) / 2.0);
        if !is_rest {
            self.says.push(arrival - seconds_of(self.samples.len()));
        }
        self.last = Some((arrival, block.len() / 2));
        let samples = block
            .chunks_exact(2)
            .map(|bytes| f32::from(i16::from_le_bytes([bytes[0], bytes[1]])) / 32_768.0);
        self.samples.extend(samples);
    }

    /// When sample 0 was due, by what most blocks say; none before the first block.
    fn due(&self) -> Option<Instant> {
        let mut says = self.says.clone();
        says.sort_by(f64::total_cmp);
        let agreeing =
            |from: usize| says[from..].partition_point(|say| say - says[from] <= AGREEMENT_S);
        let most = (0..says.len()).map(agreeing).max()?;
        // On a busy machine many blocks can be equally late, but few are early, and those differ.
        let from = (0..says.len()).find(|&from| agreeing(from) * 2 >= most)?;
        let middle = says[from + agreeing(from) / 2];
        let shift = Duration::from_secs_f64(middle.abs());
        let began = self.began?;
        if middle < 0.0 {
            began.checked_sub(shift)
        } else {
            began.checked_add(shift)
        }
    }
}

/// One source that is being recorded.
struct Track {
    recorder: Guard,
    reader: Option<JoinHandle<()>>,
    heard: Arc<Mutex<Heard>>,
}

impl Track {
    fn start(daemon: &Daemon, air: Air) -> Self {
        let mut recorder = Guard::spawn(
            daemon
                .command("parec")
                .args(["--raw", "--format=s16le", "--channels=1"])
                .arg(format!("--rate={AIR_RATE}"))
                .arg(format!("--latency-msec={BLOCK_MS}"))
                .arg(format!("--device={}", air.source()))
                .stdout(Stdio::piped()),
        );
        let pipe = recorder.child().stdout.take().expect("a piped output");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let reader = thread::spawn({
            let heard = Arc::clone(&heard);
            move || read(pipe, &heard)
        });
        Self {
            recorder,
            reader: Some(reader),
            heard,
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(mut self) -> Heard {
        self.stop();
        std::mem::take(&mut *self.heard())
    }

    fn stop(&mut self) {
        // Its end closes the pipe, and that ends the reader.
        let _ = self.recorder.child().kill();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read(mut pipe: ChildStdout, heard: &Mutex<Heard>) {
    let mut buffer = [0; 65_536];
    let mut held = 0;
    while let Ok(count @ 1..) = pipe.read(&mut buffer[held..]) {
        let arrival = Instant::now();
        held += count;
        // A read can end in the middle of a sample.
        let whole = held & !1;
        heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(&buffer[..whole], arrival);
        buffer.copy_within(whole..held, 0);
        held -= whole;
    }
}

/// Cuts what one of them has more at either end, and brings both to [`RATE`].
fn aligned(mic: Heard, speaker: Heard) -> Recording {
    let (Some(mic_due), Some(speaker_due)) = (mic.due(), speaker.due()) else {
        return Recording::default();
    };
    let started = mic_due.max(speaker_due);
    let since = |due: Instant| {
        let early = started.saturating_duration_since(due).as_secs_f64();
        (early * f64::from(AIR_RATE)).round() as usize
    };
    let mut mic = at_rate(mic.samples.get(since(mic_due)..).unwrap_or_default());
    let mut speaker = at_rate(
        speaker
            .samples
            .get(since(speaker_due)..)
            .unwrap_or_default(),
    );
    let length = mic.len().min(speaker.len());
    mic.truncate(length);
    speaker.truncate(length);
    Recording {
        mic,
        speaker,
        started: Some(started),
    }
}

/// Brings sound from [`AIR_RATE`] to [`RATE`]: each sample is the mean of the air in its time. That is no filter for
/// music, but it does not ring, so sound neither begins earlier nor ends later.
fn at_rate(air: &[f32]) -> Vec<f32> {
    air.chunks_exact(AIR_SAMPLES)
        .flat_map(|air| {
            let half = air[2] / 2.0;
            [
                (air[0] + air[1] + half) / 2.5,
                (half + air[3] + air[4]) / 2.5,
            ]
        })
        .collect()
}

fn seconds_of(air_samples: usize) -> f64 {
    air_samples as f64 / f64::from(AIR_RATE)
}

fn samples_in(duration: Duration) -> usize {
    (duration.as_secs_f64() * f64::from(RATE)).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 ms of silence at [`AIR_RATE`].
    const BLOCK: [u8; 800] = [0; 800];

    fn heard(blocks: impl IntoIterator<Item = (f64, usize)>) -> (Heard, Instant) {
        let began = Instant::now();
        let mut heard = Heard::default();
        for (arrival_ms, samples) in blocks {
            let arrival = began + Duration::from_secs_f64(arrival_ms / 1_000.0);
            heard.take(&BLOCK[..samples * 2], arrival);
        }
        (heard, began)
    }

    fn due_ms(blocks: impl IntoIterator<Item = (f64, usize)>) -> f64 {
        let (heard, began) = heard(blocks);
        let due = heard.due().expect("something was heard");
        let early = began.saturating_duration_since(due).as_secs_f64();
        (due.saturating_duration_since(began).as_secs_f64() - early) * 1_000.0
    }

    #[test]
    fn late_blocks_do_not_shift_a_recording() {
        let blocks = (0..50).map(|n| {
            let late = if n % 5 < 2 { 4.0 } else { 0.0 };
            (f64::from(n) * 10.0 + late, 400)
        });
        // The first block is late too.
        assert!((due_ms(blocks) - 0.0).abs() < 0.01);
    }

    #[test]
    fn blocks_in_parts_do_not_shift_a_recording() {
        let blocks = (0..50).flat_map(|n| {
            let arrival = f64::from(n) * 10.0;
            [(arrival, 100), (arrival + 0.1, 300)]
        });
        assert!(due_ms(blocks).abs() < 0.01);
    }

    #[test]
    fn two_recordings_begin_together() {
        let (mic, began) = heard((0..50).map(|n| (f64::from(n) * 10.0, 400)));
        let mut speaker = Heard::default();
        for n in 0..50 {
            speaker.take(&BLOCK, began + Duration::from_millis(30 + n * 10));
        }
        let recording = aligned(mic, speaker);
        assert_eq!(recording.index_of(began + Duration::from_millis(30)), 0);
        assert_eq!(
            recording.index_of(began + Duration::from_millis(130)),
            1_600
        );
        assert_eq!(recording.mic.len(), 470 * 16);
        assert_eq!(recording.speaker.len(), 470 * 16);
    }
}
