//! A microphone on the session's time axis: frames of 16 ms, whatever the device's rate and blocks.

use super::callbacks::{Stamp, Taken};
use super::rate::resampler;
use super::timing::DeviceTime;
use crate::audio::{AudioError, FRAME, FRAME_SAMPLES, SAMPLE_RATE, Samples};
use crate::event::{Tick, nanos};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable, Async, FixedAsync, Resampler};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The largest misalignment that is stretched away. A larger one is skipped over, or filled with silence.
const JUMP: Duration = Duration::from_millis(30);
/// The largest misalignment that is stretched away while a device settles: the first stamps of some
/// devices are tens of milliseconds off.
const JUMP_AT_FIRST: Duration = Duration::from_millis(1);
/// How long a device takes to settle, in seconds of its samples.
const SETTLED_AFTER_S: u32 = 2;
/// The share of a misalignment that is stretched away in a second.
const PULL_PER_S: f64 = 0.5;
/// The most by which pitch is bent: 0.2 %, which nobody hears.
const STRETCH_MAX: f64 = 2e-3;
/// The most silence that fills a hole in the stream, in seconds.
const HOLE_S_MAX: u32 = 1;

/// The microphone of a session. Without a device it hears silence.
#[derive(Default)]
pub struct Microphone {
    line: Option<MicrophoneStream>,
    /// Index of the next frame, from zero.
    next: u64,
}

/// The stream of one opened device.
struct MicrophoneStream {
    taken: Taken,
    time: DeviceTime,
    rate: u32,
    resampler: Async<f32>,
    pending: Vec<f32>,
    /// The position of the first pending sample in the device's stream.
    position: i64,
}

impl Microphone {
    /// Hears the device behind `taken`, which runs at `rate` Hz, from now on.
    pub(super) fn open(&mut self, taken: Taken, rate: u32) -> Result<(), AudioError> {
        let steps = (FixedAsync::Output, FRAME_SAMPLES);
        let resampler = resampler((rate, SAMPLE_RATE), 2.0 * STRETCH_MAX, steps)?;
        self.line = Some(MicrophoneStream {
            taken,
            time: DeviceTime::new(rate),
            rate,
            resampler,
            pending: Vec::new(),
            position: 0,
        });
        Ok(())
    }

    /// Hears no device any more.
    pub(super) fn close(&mut self) {
        self.line = None;
    }

    /// When the next frame begins.
    pub fn next_start(&self) -> Tick {
        Tick(self.next.saturating_mul(nanos(FRAME)))
    }

    /// The next frame and when it begins; `None` if not all of it was heard yet.
    pub fn hear(&mut self) -> Option<(Tick, Samples)> {
        let start = self.next_start();
        let frame = self.line.as_mut()?.frame(start)?;
        self.next += 1;
        Some((start, frame))
    }

    /// Passes the next frame over: silence, and when it begins.
    pub fn miss(&mut self) -> (Tick, Samples) {
        let start = self.next_start();
        self.next += 1;
        (start, Samples::from([0.0; FRAME_SAMPLES]))
    }

    /// Samples that were lost because nobody took them in time, since the device was opened.
    pub fn lost(&self) -> u64 {
        let line = self.line.as_ref();
        line.map_or(0, |line| line.taken.counts.lost.load(Ordering::Relaxed))
    }

    /// The device's rate in Hz; the pipeline's without a device.
    pub fn rate(&self) -> u32 {
        self.line.as_ref().map_or(SAMPLE_RATE, |line| line.rate)
    }

    /// Overruns that the device itself reported since it was opened.
    pub fn xruns(&self) -> u64 {
        let line = self.line.as_ref();
        line.map_or(0, |line| line.taken.counts.xruns.load(Ordering::Relaxed))
    }

    /// How much faster the device's crystal is than the session's clock, in parts per million; 0 without
    /// a device.
    pub fn drift_ppm(&self) -> f64 {
        self.line.as_ref().map_or(0.0, |line| line.time.drift_ppm())
    }
}

impl MicrophoneStream {
    fn collect(&mut self) {
        while let Ok(Stamp {
            position,
            frames,
            at,
        }) = self.taken.stamps.pop()
        {
            self.time.observe(position, at);
            let expected = self.position + self.pending.len() as i64;
            let hole = position as i64 - expected;
            let hole = hole.clamp(0, i64::from(self.rate * HOLE_S_MAX));
            let missing = self.pending.len() + hole as usize;
            self.pending.resize(missing, 0.0);
            if hole > 0 {
                self.position = position as i64 - self.pending.len() as i64;
            }
            if let Ok(chunk) = self.taken.samples.read_chunk(frames as usize) {
                let (first, second) = chunk.as_slices();
                self.pending.extend_from_slice(first);
                self.pending.extend_from_slice(second);
                chunk.commit_all();
            }
        }
    }

    /// The 256 samples from `start` on.
    fn frame(&mut self, start: Tick) -> Option<Samples> {
        self.collect();
        let first = self.aligned(start)?;
        let needed = self.resampler.input_frames_next();
        let input = self.pending.get(first..first + needed)?;
        let input = InterleavedSlice::new(input, 1, needed).ok()?;
        let mut frame = vec![0.0; FRAME_SAMPLES];
        let mut output = InterleavedSlice::new_mut(&mut frame, 1, FRAME_SAMPLES).ok()?;
        let done = self
            .resampler
            .process_into_buffer(&input, &mut output, None);
        let (used, _) = done.ok()?;
        self.pending.drain(..first + used);
        self.position += (first + used) as i64;
        Some(frame.into())
    }

    /// Has the resampler's next sample be the one at `start`: by bending the pitch a little, or over a
    /// jump by leaving samples out or putting silence in. Returns how many pending samples to leave out;
    /// `None` if they have not come yet.
    fn aligned(&mut self, start: Tick) -> Option<usize> {
        // The filter's output lags behind its input by this many samples of the device.
        let ratio = self.resampler.resample_ratio();
        let behind = self.resampler.output_delay() as f64 / ratio;
        let origin_ns = self.time.tick_of(0)?.0 as f64;
        let period_ns = 1e9 / f64::from(self.rate);
        let at_ns = match u64::try_from(self.position) {
            Ok(position) => self.time.tick_of(position)?.0 as f64,
            Err(_) => origin_ns + self.position as f64 * period_ns,
        } - behind * period_ns;
        let ahead_ns = at_ns - start.0 as f64;
        let is_settled = self.position > i64::from(self.rate * SETTLED_AFTER_S);
        let jump = if is_settled { JUMP } else { JUMP_AT_FIRST };
        if ahead_ns.abs() <= nanos(jump) as f64 {
            let stretch = (ahead_ns * 1e-9 * PULL_PER_S).clamp(-STRETCH_MAX, STRETCH_MAX);
            // The stretch is within the bounds that the resampler was made with.
            let _ = self
                .resampler
                .set_resample_ratio_relative(1.0 + stretch, true);
            return Some(0);
        }
        let samples = (ahead_ns.abs() / period_ns) as usize;
        if ahead_ns < 0.0 {
            return (samples <= self.pending.len()).then_some(samples);
        }
        let silence = samples.min((self.rate * HOLE_S_MAX) as usize);
        self.pending.splice(0..0, std::iter::repeat_n(0.0, silence));
        self.position -= silence as i64;
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::callbacks::microphone;
    use super::*;
    use crate::clock::Clock;
    use std::f64::consts::TAU;

    /// Hears `seconds` of a click every 100 ms from a device at `rate` that is `ppm` too fast; where
    /// clicks are in the frames, in milliseconds after the first.
    fn clicks(rate: u32, ppm: f64, seconds: u32) -> (Vec<f64>, f64) {
        let clock = Clock::real(1);
        clock.start();
        let (mut taking, taken) = microphone(1, rate, clock.stopwatch().expect("it runs"));
        let mut microphone = Microphone::default();
        microphone.open(taken, rate).expect("a usual rate");
        // Blocks come when the test says so: stamps are rewritten to the device's true time.
        let true_rate = f64::from(rate) * (1.0 + ppm * 1e-6);
        let block = rate as usize / 50;
        let mut heard: Vec<f32> = Vec::new();
        for index in 0..seconds as usize * 50 {
            let samples: Vec<f32> = (0..block)
                .map(|i| {
                    let at_s = (index * block + i) as f64 / true_rate;
                    // A short tone burst in the middle of every 100 ms.
                    let phase = at_s.rem_euclid(0.1) - 0.05;
                    (-(phase / 0.001).powi(2)).exp() as f32 * (TAU * 1_000.0 * phase).cos() as f32
                })
                .collect();
            taking.take(&samples, |sample| sample);
            let line = microphone.line.as_mut().expect("open");
            let stamp = line.taken.stamps.pop().expect("stamped");
            let at = Tick((stamp.position as f64 / true_rate * 1e9) as u64);
            line.time.observe(stamp.position, at);
            let (first, second) = {
                let chunk = line.taken.samples.read_chunk(block).expect("there");
                let (a, b) = chunk.as_slices();
                let both = (a.to_vec(), b.to_vec());
                chunk.commit_all();
                both
            };
            line.pending.extend(first);
            line.pending.extend(second);
            while let Some((_, frame)) = microphone.hear() {
                heard.extend(frame.iter());
            }
        }
        let peaks = heard.chunks(1_600).map(|piece| {
            let largest = (0..piece.len()).max_by(|a, b| piece[*a].total_cmp(&piece[*b]));
            largest.unwrap_or(0) as f64 / 16.0
        });
        (peaks.collect(), microphone.drift_ppm())
    }

    #[test]
    fn a_device_of_any_rate_and_crystal_is_heard_on_the_sessions_time_axis() {
        for (rate, ppm) in [(16_000, 0.0), (48_000, 60.0), (44_100, -60.0), (8_000, 0.0)] {
            let (clicks, drift) = clicks(rate, ppm, 20);
            assert!(clicks.len() > 190);
            for (index, at) in clicks.iter().enumerate().skip(30).take(155) {
                assert!((at - 50.0).abs() < 0.6, "{rate} Hz, click {index}: {at} ms");
            }
            assert!((drift - ppm).abs() < 10.0, "{drift} ppm");
        }
    }

    #[test]
    fn sound_that_was_lost_leaves_a_hole_and_moves_nothing() {
        let clock = Clock::real(1);
        clock.start();
        let (mut taking, taken) = microphone(2, 16_000, clock.stopwatch().expect("it runs"));
        let counts = taken.counts.clone();
        for _ in 0..200 {
            taking.take(&[0.5_f32; 640], |sample| sample);
        }
        assert_eq!(counts.lost.load(Ordering::Relaxed), 200 * 320 - 2 * 16_000);
        let mut microphone = Microphone::default();
        microphone.open(taken, 16_000).expect("a usual rate");
        let line = microphone.line.as_mut().expect("open");
        line.collect();
        assert_eq!(line.pending.len(), 32_000);
        taking.take(&[0.5_f32; 640], |sample| sample);
        line.collect();
        // A second of what was lost is silence; the last block is where it belongs.
        assert_eq!(line.position + line.pending.len() as i64, 201 * 320);
        assert_eq!(line.pending.len(), 32_000 + 16_000 + 320);
    }

    #[test]
    fn without_a_device_there_is_silence() {
        let mut microphone = Microphone::default();
        assert!(microphone.hear().is_none());
        assert_eq!(microphone.miss().0, Tick::ZERO);
        assert_eq!(microphone.miss().0, Tick::from_ms(16));
    }
}
