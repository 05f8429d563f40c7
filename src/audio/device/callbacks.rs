//! The code that runs on a sound card's own thread. It must never block, lock, log or allocate: it copies
//! between the device's buffer and lock-free rings, and counts what went wrong.

use super::cadence::Cadence;
use crate::audio::Samples;
use crate::clock::Stopwatch;
use crate::event::Tick;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Blocks whose time stamps may wait: two seconds of the shortest ones in use.
const STAMPS_WAITING_MAX: usize = 1_024;
/// Chunks of a reply that may wait for the speaker.
const CHUNKS_WAITING_MAX: usize = 256;

/// Where a block of a stream stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    /// Position of the block's first sample, counted since the stream was opened; lost samples count.
    pub(super) position: u64,
    pub(super) frames: u32,
    /// When the block's first sample was heard, or will be.
    pub(super) at: Tick,
}

/// The counters of a callback.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) blocks: AtomicU64,
    /// Samples of the microphone for which there was no room.
    pub(super) lost: AtomicU64,
    /// Samples of a reply that came too late for their time.
    pub(super) late: AtomicU64,
    /// Over- and underruns that the device itself reported.
    pub(super) xruns: AtomicU64,
}

/// The microphone's end on its own thread.
pub(super) struct Taking {
    channels: usize,
    position: u64,
    samples: Producer<f32>,
    stamps: Producer<Stamp>,
    counts: Arc<Counts>,
    stopwatch: Stopwatch,
    rate: u32,
}

/// What the microphone heard, for the session to take.
pub(super) struct Taken {
    pub(super) samples: Consumer<f32>,
    pub(super) stamps: Consumer<Stamp>,
    pub(super) counts: Arc<Counts>,
}

/// Rings for a microphone of `channels` at `rate` Hz, with room for two seconds.
pub(super) fn microphone(channels: u16, rate: u32, stopwatch: Stopwatch) -> (Taking, Taken) {
    let (samples, samples_out) = RingBuffer::new(2 * rate as usize);
    let (stamps, stamps_out) = RingBuffer::new(STAMPS_WAITING_MAX);
    let counts = Arc::new(Counts::default());
    let taking = Taking {
        channels: usize::from(channels.max(1)),
        position: 0,
        samples,
        stamps,
        counts: counts.clone(),
        stopwatch,
        rate: rate.max(1),
    };
    let taken = Taken {
        samples: samples_out,
        stamps: stamps_out,
        counts,
    };
    (taking, taken)
}

impl Taking {
    /// Takes a block of interleaved samples, as one channel: their mean.
    pub(super) fn take<T: Copy>(&mut self, block: &[T], to_f32: impl Fn(T) -> f32) {
        let frames = block.len() / self.channels;
        // What the device says of the time of capture cannot be relied on; a block is over when it comes.
        let length = Duration::from_nanos(frames as u64 * 1_000_000_000 / u64::from(self.rate));
        let stamp = Stamp {
            position: self.position,
            frames: u32::try_from(frames).unwrap_or(u32::MAX),
            at: self.stopwatch.now().before(length),
        };
        self.position += frames as u64;
        self.counts.blocks.fetch_add(1, Ordering::Relaxed);
        let room = self.samples.slots() >= frames && !self.stamps.is_full();
        let chunk = match room {
            true => self.samples.write_chunk_uninit(frames).ok(),
            false => None,
        };
        let Some(chunk) = chunk else {
            self.counts.lost.fetch_add(frames as u64, Ordering::Relaxed);
            return;
        };
        let share = 1.0 / self.channels as f32;
        let mono = block
            .chunks_exact(self.channels)
            .map(|frame| frame.iter().map(|sample| to_f32(*sample)).sum::<f32>() * share);
        chunk.fill_from_iter(mono);
        // The stamp has room: that was checked above.
        let _ = self.stamps.push(stamp);
    }
}

/// A chunk of a reply on its way to the speaker, at the device's rate.
pub(super) struct Chunk {
    /// The position of its first sample in the stream.
    pub(super) start: u64,
    pub(super) samples: Samples,
    /// The epoch of the reply; every stop begins a new one.
    pub(super) epoch: u32,
}

impl Chunk {
    /// Whether the chunk is not to be heard any more. A chunk that is newer than `epoch` came while a block
    /// was being filled.
    fn is_stale(&self, epoch: u32) -> bool {
        self.epoch < epoch
    }
}

/// The speaker's end on its own thread.
pub(super) struct Playing {
    channels: usize,
    position: u64,
    chunks: Consumer<Chunk>,
    /// Chunks that are over, to be freed on another thread.
    done: Producer<Chunk>,
    stamps: Producer<Stamp>,
    current: Option<(Chunk, usize)>,
    shared: Arc<Shared>,
    counts: Arc<Counts>,
    stopwatch: Stopwatch,
    /// How late the latest chunk was, in samples.
    lateness: u64,
    /// A lateness of fewer samples than this is jitter.
    late_min: u64,
    /// Length of a fade in samples.
    fade: usize,
    /// Samples left of the fade that goes on.
    fading: Option<usize>,
    /// The position behind the chunk that ended last, unless it had faded out.
    ended: Option<u64>,
    cadence: Cadence,
}

/// The state that both ends of the speaker see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Chunks of earlier epochs are not to be heard any more.
    pub(super) epoch: AtomicU32,
    /// The position of the next block.
    pub(super) position: AtomicU64,
    /// When the next block is asked for at the earliest, as a tick.
    pub(super) next_asked: AtomicU64,
    /// Samples in the latest block.
    pub(super) frames: AtomicU32,
}

/// The session's end of a speaker.
pub(super) struct Played {
    pub(super) chunks: Producer<Chunk>,
    pub(super) done: Consumer<Chunk>,
    pub(super) stamps: Consumer<Stamp>,
    pub(super) shared: Arc<Shared>,
    pub(super) counts: Arc<Counts>,
}

/// A fade to silence: 8 ms. Cut off at once, a voice clicks.
pub(super) const FADE: Duration = Duration::from_millis(8);

/// Sound that comes less than this too late for its time is not late.
const LATE_MIN: Duration = Duration::from_millis(5);

/// Rings for a speaker of `channels` at `rate` Hz.
pub(super) fn speaker(channels: u16, rate: u32, stopwatch: Stopwatch) -> (Playing, Played) {
    let (chunks, chunks_out) = RingBuffer::new(CHUNKS_WAITING_MAX);
    // Every chunk that waits, the one that sounds, and one more.
    let (done, done_out) = RingBuffer::new(CHUNKS_WAITING_MAX + 2);
    let (stamps, stamps_out) = RingBuffer::new(STAMPS_WAITING_MAX);
    let counts = Arc::new(Counts::default());
    let shared = Arc::new(Shared::default());
    let playing = Playing {
        channels: usize::from(channels.max(1)),
        position: 0,
        chunks: chunks_out,
        done,
        stamps,
        current: None,
        shared: shared.clone(),
        counts: counts.clone(),
        stopwatch,
        lateness: 0,
        late_min: u64::from(rate) * LATE_MIN.as_millis() as u64 / 1_000,
        fade: (rate as usize * FADE.as_millis() as usize / 1_000).max(1),
        fading: None,
        ended: None,
        cadence: Cadence::new(rate),
    };
    let played = Played {
        chunks,
        done: done_out,
        stamps: stamps_out,
        shared,
        counts,
    };
    (playing, played)
}

impl Playing {
    /// Fills a block of interleaved samples, of which the first sounds after `delay`.
    pub(super) fn fill<T: Copy>(
        &mut self,
        block: &mut [T],
        delay: Duration,
        from_f32: impl Fn(f32) -> T,
    ) {
        let now = self.stopwatch.now();
        let frames = block.len() / self.channels;
        let stamp = Stamp {
            position: self.position,
            frames: u32::try_from(frames).unwrap_or(u32::MAX),
            at: now + delay,
        };
        // A stamp that finds no room is of no use: nobody listens.
        let _ = self.stamps.push(stamp);
        self.counts.blocks.fetch_add(1, Ordering::Relaxed);
        self.cadence.asked(self.position, now);
        let epoch = self.shared.epoch.load(Ordering::Acquire);
        for frame in block.chunks_exact_mut(self.channels) {
            frame.fill(from_f32(self.sample(epoch)));
        }
        let shared = &self.shared;
        shared.frames.store(stamp.frames, Ordering::Relaxed);
        let next_asked = self.cadence.expected(self.position);
        shared.next_asked.store(next_asked.0, Ordering::Relaxed);
        shared.position.store(self.position, Ordering::Release);
    }

    /// The next sample, without chunks of epochs before `epoch`.
    pub(super) fn sample(&mut self, epoch: u32) -> f32 {
        let sample = self.sounding(epoch);
        self.position += 1;
        sample
    }

    fn sounding(&mut self, epoch: u32) -> f32 {
        if self.current.is_none() && !self.begin(epoch) {
            return 0.0;
        }
        let Some((chunk, at)) = &mut self.current else {
            return 0.0;
        };
        let mut sample = chunk.samples.get(*at).copied().unwrap_or_default();
        *at += 1;
        let is_over = *at >= chunk.samples.len();
        let mut has_faded = false;
        if chunk.is_stale(epoch) {
            let left = self.fading.unwrap_or(self.fade).saturating_sub(1);
            sample *= left as f32 / self.fade as f32;
            self.fading = Some(left);
            has_faded = left == 0;
        }
        if (is_over || has_faded)
            && let Some((chunk, _)) = self.current.take()
        {
            self.ended = (!has_faded).then_some(self.position + 1);
            self.free(chunk);
        }
        sample
    }

    /// Takes the chunk whose time has come, if there is one.
    fn begin(&mut self, epoch: u32) -> bool {
        while let Ok(chunk) = self.chunks.peek() {
            let is_stale = chunk.is_stale(epoch);
            let is_due = chunk.start <= self.position;
            if !is_stale && !is_due {
                return false;
            }
            // A stop between two chunks of one sound fades out in the second.
            let fades = is_stale && is_due && self.ended == Some(self.position);
            let Ok(chunk) = self.chunks.pop() else {
                return false;
            };
            if is_stale && !fades || chunk.samples.is_empty() {
                self.free(chunk);
                continue;
            }
            if !is_stale {
                self.fading = None;
            }
            // What follows a late chunk without a gap is as late, and not a second loss.
            let late = self.position - chunk.start;
            if late > self.lateness + self.late_min {
                self.counts
                    .late
                    .fetch_add(late - self.lateness, Ordering::Relaxed);
            }
            self.lateness = late;
            self.current = Some((chunk, 0));
            return true;
        }
        false
    }

    fn free(&mut self, chunk: Chunk) {
        // The ring has room for every chunk there can be. Were it full, forgetting the chunk would be
        // better than freeing it here.
        if let Err(rtrb::PushError::Full(chunk)) = self.done.push(chunk) {
            std::mem::forget(chunk);
        }
    }
}
