//! A speaker on the session's time axis.

use super::callbacks::{Chunk, FADE, Played, Stamp};
use super::rate::resampler;
use super::timing::DeviceTime;
use crate::audio::{AudioError, FRAME_SAMPLES, SAMPLE_RATE, Samples, length_of, position_of};
use crate::clock::Clock;
use crate::event::{Tick, nanos};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Chunks that follow one another are joined without a gap unless they are this far from their time.
const JOIN: Duration = Duration::from_millis(2);
/// A chunk that is handed over this long before a block is asked for is still in it.
const MARGIN: Duration = Duration::from_millis(3);
/// The most blocks by which a device gets its sound earlier, because it was kept waiting or asks less regularly than it
/// seems.
const BLOCKS_AHEAD_MAX: u64 = 3;
/// The latency that a speaker without an open device is said to have.
const LATENCY_UNKNOWN: Duration = Duration::from_millis(40);
/// How long played sound is remembered, to be told from what the microphone hears.
const REMEMBERED: Duration = Duration::from_secs(1);
/// Samples that are resampled at once.
const STEP: usize = 32;
/// Samples that are handed over first: 40 ms.
const FIRST_PART: usize = 20 * STEP;

/// The agent's speaker. Without a device sound is laid out as if there were one, and nobody hears it.
pub struct DeviceSpeaker {
    clock: Clock,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    line: Option<SpeakerStream>,
    laid: VecDeque<Laid>,
}

/// Sound on the time axis.
struct Laid {
    start: Tick,
    samples: Samples,
    /// How many of the samples sound.
    length: usize,
}

struct SpeakerStream {
    played: Played,
    time: DeviceTime,
    rate: u32,
    /// `None` if the device runs at the pipeline's rate.
    resampler: Option<Async<f32>>,
    /// Samples that did not fill a step.
    rest: Vec<f32>,
    /// Output of the resampler that comes before the first sample of a run.
    to_skip: usize,
    /// Where the latest chunk ends, on both axes.
    end: Option<(Tick, u64)>,
    /// How many blocks earlier than needed sound is handed over.
    blocks_ahead: u64,
    /// Late samples when their count was last looked at.
    late: u64,
}

impl DeviceSpeaker {
    /// A speaker without a device, on the time axis of `clock`.
    pub fn new(clock: Clock) -> DeviceSpeaker {
        DeviceSpeaker {
            clock,
            state: RefCell::default(),
        }
    }

    pub(super) fn open(&self, played: Played, rate: u32) -> Result<(), AudioError> {
        let resampler = match rate {
            SAMPLE_RATE => None,
            rate => Some(resampler(
                (SAMPLE_RATE, rate),
                0.0,
                (FixedAsync::Input, STEP),
            )?),
        };
        self.state.borrow_mut().line = Some(SpeakerStream {
            played,
            time: DeviceTime::new(rate),
            rate,
            resampler,
            rest: Vec::new(),
            to_skip: 0,
            end: None,
            blocks_ahead: 0,
            late: 0,
        });
        Ok(())
    }

    pub(super) fn close(&self) {
        self.state.borrow_mut().line = None;
    }

    /// The sound that is played in the frame that begins at `start`.
    pub fn played(&self, start: Tick) -> [f32; FRAME_SAMPLES] {
        let mut frame = [0.0; FRAME_SAMPLES];
        let mut state = self.state.borrow_mut();
        let first = position_of(start);
        for laid in &state.laid {
            let offset = position_of(laid.start) as i64 - first as i64;
            let from = usize::try_from(-offset).unwrap_or(0);
            let to = usize::try_from(offset).unwrap_or(0);
            let source = laid.samples[..laid.length].iter().skip(from);
            for (sum, sample) in frame.iter_mut().skip(to).zip(source) {
                *sum += sample;
            }
        }
        let stale = start.before(REMEMBERED);
        state
            .laid
            .retain(|laid| laid.start + length_of(laid.length) > stale);
        if let Some(line) = &mut state.line {
            line.update();
        }
        frame
    }

    /// Samples that came too late for their time since the device was opened: the device had run out
    /// of sound, or the session was held up.
    pub fn late(&self) -> u64 {
        let state = self.state.borrow();
        let line = state.line.as_ref();
        line.map_or(0, |line| line.played.counts.late.load(Ordering::Relaxed))
    }

    /// The device's rate in Hz; the pipeline's without a device.
    pub fn rate(&self) -> u32 {
        let state = self.state.borrow();
        state.line.as_ref().map_or(SAMPLE_RATE, |line| line.rate)
    }

    /// Underruns that the device itself reported since it was opened.
    pub fn xruns(&self) -> u64 {
        let state = self.state.borrow();
        let line = state.line.as_ref();
        line.map_or(0, |line| line.played.counts.xruns.load(Ordering::Relaxed))
    }

    /// How much faster the device's crystal is than the session's clock, in parts per million; 0 without
    /// a device.
    pub fn drift_ppm(&self) -> f64 {
        let state = self.state.borrow();
        state
            .line
            .as_ref()
            .map_or(0.0, |line| line.time.drift_ppm())
    }
}

impl crate::audio::Speaker for DeviceSpeaker {
    fn latency(&self) -> Duration {
        let now = self.clock.now();
        let mut state = self.state.borrow_mut();
        let earliest = state.line.as_mut().and_then(|line| line.earliest(now));
        earliest.map_or(LATENCY_UNKNOWN, |at| at.since(now))
    }

    fn play(&self, start: Tick, samples: &Samples) {
        let mut state = self.state.borrow_mut();
        state.laid.push_back(Laid {
            start,
            samples: samples.clone(),
            length: samples.len(),
        });
        if let Some(line) = &mut state.line {
            line.play(start, samples);
        }
    }

    fn silence(&self) -> Duration {
        let now = self.clock.now();
        let mut state = self.state.borrow_mut();
        let silent = state.line.as_mut().and_then(|line| line.silence());
        let silent = silent.unwrap_or(now).max(now);
        for laid in &mut state.laid {
            let sounded = position_of(silent).saturating_sub(position_of(laid.start));
            let sounded = usize::try_from(sounded).unwrap_or(usize::MAX);
            laid.length = laid.length.min(sounded);
        }
        silent.since(now)
    }
}

impl SpeakerStream {
    fn update(&mut self) {
        while let Ok(Stamp { position, at, .. }) = self.played.stamps.pop() {
            self.time.observe(position, at);
        }
        // Chunks are freed here, not on the device's thread.
        while self.played.done.pop().is_ok() {}
    }

    /// When what is handed over now can sound at the earliest.
    fn earliest(&mut self, now: Tick) -> Option<Tick> {
        self.update();
        let shared = &self.played.shared;
        let next = shared.position.load(Ordering::Acquire);
        let frames = u64::from(shared.frames.load(Ordering::Relaxed));
        let block_ns = (frames * 1_000_000_000 / u64::from(self.rate)).max(1);
        let next_asked = Tick(shared.next_asked.load(Ordering::Relaxed));
        let late = self.played.counts.late.load(Ordering::Relaxed);
        if late > self.late {
            self.late = late;
            self.blocks_ahead = (self.blocks_ahead + 1).min(BLOCKS_AHEAD_MAX);
        }
        let missed = match now + MARGIN {
            ready if ready < next_asked => 0,
            ready => 1 + nanos(ready.since(next_asked)) / block_ns,
        };
        let missed = missed.min(BLOCKS_AHEAD_MAX);
        self.time
            .tick_of(next + frames * (missed + self.blocks_ahead))
    }

    fn play(&mut self, start: Tick, samples: &Samples) {
        self.update();
        let Some(position) = self.time.position_of(start) else {
            return;
        };
        let join = u64::from(self.rate) * JOIN.as_millis() as u64 / 1_000;
        // The end of a run is still in the filter, and comes out before what follows.
        let held = self.resampler.as_ref().map_or(0, Resampler::output_delay) as u64;
        let position = match self.end {
            Some((tick, end)) if tick == start && (end + held).abs_diff(position) <= join => end,
            latest => {
                self.begin_run();
                latest.map_or(position, |(_, end)| position.max(end))
            }
        };
        let epoch = self.played.shared.epoch.load(Ordering::Relaxed);
        let mut position = position;
        for part in parts(samples) {
            let samples = self.converted(part);
            let chunk = Chunk {
                start: position,
                samples,
                epoch,
            };
            position += chunk.samples.len() as u64;
            if self.played.chunks.push(chunk).is_err() {
                tracing::error!("too much waits for the speaker; some of the reply is not heard");
            }
        }
        self.end = Some((start + length_of(samples.len()), position));
    }

    /// Forgets what was played before: the sound from now on does not continue it.
    fn begin_run(&mut self) {
        self.rest.clear();
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
            self.to_skip = resampler.output_delay();
        }
    }

    /// `samples` at the device's rate. Those that do not fill a step come out with the next ones.
    fn converted(&mut self, samples: &[f32]) -> Samples {
        let Some(resampler) = &mut self.resampler else {
            return samples.into();
        };
        self.rest.extend_from_slice(samples);
        let mut converted = Vec::new();
        let mut step_out = vec![0.0; resampler.output_frames_max()];
        let whole = self.rest.len() - self.rest.len() % STEP;
        for step in self.rest[..whole].chunks_exact(STEP) {
            let room = step_out.len();
            let (Ok(input), Ok(mut output)) = (
                InterleavedSlice::new(step, 1, STEP),
                InterleavedSlice::new_mut(&mut step_out, 1, room),
            ) else {
                break;
            };
            if let Ok((_, made)) = resampler.process_into_buffer(&input, &mut output, None) {
                let skipped = made.min(self.to_skip);
                self.to_skip -= skipped;
                converted.extend_from_slice(&step_out[skipped..made]);
            }
        }
        self.rest.drain(..whole);
        converted.into()
    }

    /// Has the device fall silent. Returns when it does; `None` if that is not known yet.
    fn silence(&mut self) -> Option<Tick> {
        self.update();
        self.end = None;
        let shared = &self.played.shared;
        shared.epoch.fetch_add(1, Ordering::Release);
        let next = shared.position.load(Ordering::Acquire);
        let fade = u64::from(self.rate) * FADE.as_millis() as u64 / 1_000;
        self.time.tick_of(next + fade)
    }
}

/// Sound in parts, each twice as long as the one before, so that the first is handed over in time for its block: to
/// convert a whole sentence to the device's rate may take longer than is left until then.
fn parts(samples: &[f32]) -> impl Iterator<Item = &[f32]> {
    let mut rest = samples;
    let mut length = FIRST_PART;
    std::iter::from_fn(move || {
        let (part, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        (rest, length) = (behind, 2 * length);
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::super::callbacks::{Playing, speaker};
    use super::*;
    use crate::audio::Speaker;

    /// A speaker whose device is driven by the test: blocks of 20 ms, 20 ms ahead.
    fn opened(rate: u32) -> (DeviceSpeaker, Playing, Clock) {
        let clock = Clock::real(1);
        clock.start();
        let (playing, played) = speaker(1, rate, clock.stopwatch().expect("it runs"));
        let speaker = DeviceSpeaker::new(clock.clone());
        speaker.open(played, rate).expect("a usual rate");
        (speaker, playing, clock)
    }

    fn sound(level: f32, samples: usize) -> Samples {
        vec![level; samples].into()
    }

    fn block(playing: &mut Playing, frames: usize) -> Vec<f32> {
        let mut block = vec![9.0; frames];
        playing.fill(&mut block, Duration::from_millis(20), |sample| sample);
        block
    }

    #[test]
    fn sound_is_heard_where_it_was_laid_and_chunks_join() {
        for rate in [16_000, 48_000] {
            let (speaker, mut playing, clock) = opened(rate);
            let frames = rate as usize / 50;
            assert!(block(&mut playing, frames).iter().all(|s| *s == 0.0));
            let start = clock.now() + speaker.latency();
            speaker.play(start, &sound(0.5, 640));
            speaker.play(start + Duration::from_millis(40), &sound(0.5, 640));
            let mut heard = Vec::new();
            for _ in 0..8 {
                heard.extend(block(&mut playing, frames));
            }
            let loud: Vec<usize> = (0..heard.len()).filter(|at| heard[*at] > 0.4).collect();
            let (first, last) = (loud[0], loud[loud.len() - 1]);
            // What the filter still holds at the end is not heard: two milliseconds.
            let length_ms = (last - first) as f64 * 1e3 / f64::from(rate);
            assert!(
                (76.0..=80.5).contains(&length_ms),
                "{length_ms} ms at {rate} Hz"
            );
            assert!(
                heard[first + 100..last - 100]
                    .iter()
                    .all(|s| (s - 0.5).abs() < 0.02)
            );
            assert_eq!(speaker.late(), 0);
        }
    }

    #[test]
    fn a_sentence_is_handed_over_in_parts_that_are_all_of_it() {
        let sentence: Vec<f32> = (0..64_000).map(|at| at as f32).collect();
        let lengths: Vec<usize> = parts(&sentence).map(<[f32]>::len).collect();
        assert_eq!(lengths, [640, 1_280, 2_560, 5_120, 10_240, 20_480, 23_680]);
        assert_eq!(parts(&sentence).collect::<Vec<_>>().concat(), sentence);
        assert_eq!(parts(&[]).count(), 0);
    }

    #[test]
    fn a_stop_fades_out_within_the_next_block_and_what_was_to_come_is_forgotten() {
        let (speaker, mut playing, clock) = opened(16_000);
        block(&mut playing, 320);
        speaker.play(clock.now() + speaker.latency(), &sound(0.5, 16_000));
        block(&mut playing, 320);
        block(&mut playing, 320);
        let rest = speaker.silence();
        // The test asks for blocks faster than they sound: three of them wait.
        assert!(rest <= Duration::from_millis(90), "{rest:?}");
        let fading = block(&mut playing, 320);
        assert!(fading[0] > 0.49 && fading[64] < 0.3);
        assert!(fading.windows(2).all(|pair| pair[1] <= pair[0]));
        assert!(fading[128..].iter().all(|sample| *sample == 0.0), "8 ms");
        assert!(block(&mut playing, 320).iter().all(|sample| *sample == 0.0));
        // The next reply is heard from its first sample on.
        speaker.play(clock.now() + speaker.latency(), &sound(0.25, 1_600));
        let mut heard: Vec<f32> = Vec::new();
        for _ in 0..8 {
            heard.extend(block(&mut playing, 320));
        }
        assert_eq!(
            heard.iter().filter(|sample| **sample == 0.25).count(),
            1_600
        );
    }

    #[test]
    fn a_reply_that_follows_a_stop_within_one_block_is_not_taken_for_the_one_that_was_stopped() {
        let (speaker, mut playing, clock) = opened(16_000);
        block(&mut playing, 320);
        let start = clock.now() + speaker.latency();
        speaker.silence();
        speaker.play(start, &sound(0.5, 1_600));
        // The callback has looked at the epoch before the stop.
        let mut heard = 0;
        for _ in 0..3_200 {
            heard += usize::from(playing.sample(0) == 0.5);
        }
        assert_eq!(heard, 1_600);
    }

    #[test]
    fn what_was_played_is_known_as_far_as_it_was_heard() {
        let (speaker, mut playing, _clock) = opened(16_000);
        block(&mut playing, 320);
        let start = Tick::from_ms(100);
        speaker.play(start, &sound(0.5, 16_000));
        let frame = speaker.played(Tick::from_ms(96));
        assert!(frame[..64].iter().all(|s| *s == 0.0) && frame[64..].iter().all(|s| *s == 0.5));
        assert!(speaker.played(Tick::from_ms(192)).iter().all(|s| *s == 0.5));
        speaker.silence();
        assert!(speaker.played(Tick::from_ms(800)).iter().all(|s| *s == 0.0));
    }

    #[test]
    fn the_callbacks_never_allocate() {
        let (speaker, mut playing, clock) = opened(16_000);
        let (mut taking, taken) =
            super::super::callbacks::microphone(2, 16_000, clock.stopwatch().expect("it runs"));
        let (mut out, input) = (vec![0.0_f32; 320], vec![0.1_f32; 640]);
        let mut run = || {
            assert_no_alloc::assert_no_alloc(|| {
                playing.fill(&mut out, Duration::ZERO, |sample| sample);
                taking.take(&input, |sample| sample);
            });
        };
        run();
        for _ in 0..3 {
            speaker.play(clock.now(), &sound(0.5, 100));
        }
        run();
        speaker.play(clock.now(), &sound(0.5, 16_000));
        run();
        speaker.silence();
        run();
        // Neither do they when nobody takes what they bring.
        for _ in 0..3_000 {
            run();
        }
        drop(taken);
    }
}
