//! Takes the agent's own voice out of what the microphone heard.
//!
//! WebRTC's third echo canceller, as ported by sonora: it finds the delay of the echo, learns the path from speaker
//! to microphone, subtracts what would arrive by it, and mutes what is left of it. Until it has learnt the path it
//! takes everything for echo that could be one, so that the agent is not heard in its first words either; somebody
//! who talks over the agent is louder than what it expects and comes through.

use crate::audio::SAMPLE_RATE;
use sonora_aec3::block::Block;
use sonora_aec3::block_processor::BlockProcessor;
use sonora_aec3::config::{EchoCanceller3Config, TransparentModeType};
use std::time::Duration;

/// The canceller's step: 4 ms. A frame is four of them, so that nothing waits for a step to fill.
const BLOCK_SAMPLES: usize = 64;

/// How much later than the microphone's frame its samples come out: 4 ms. What was heard in sample `n` is in sample
/// `n + DELAY_SAMPLES` of the output.
pub(super) const DELAY_SAMPLES: usize = 64;

/// How much earlier the played frame should be than the heard one that it is handed in with: 48 ms, three frames.
///
/// An echo that seems to come before its sound cannot be cancelled: this exceeds the error of device time stamps. The
/// echo may be 44 ms early, by the stamps, to 300 ms late.
pub(super) const LEAD_SAMPLES: usize = 768;

/// The canceller counts in the range of 16 bit samples.
const FULL_SCALE: f32 = 32_768.0;

/// The canceller aligns the two this much too early, to be safe.
const HEADROOM: Duration = Duration::from_millis(2);

/// Magnitude from which on the microphone counts as overdriven: an echo is not linear then.
const OVERDRIVEN: f32 = 0.999;

/// The echo of the speaker in the microphone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Echo {
    /// The echo's level relative to what was played, in dB: -20 is a tenth of the amplitude.
    pub level_db: f32,
    /// How much later than the sound the echo was heard, within 4 ms and the error of the time stamps; 0 if it
    /// seemed to come before.
    pub delay: Duration,
}

/// What the microphone heard without the agent, both [`DELAY_SAMPLES`] later.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Clean {
    /// Nothing of the agent is left in it, but somebody who talks over the agent comes through with holes: to
    /// tell whether there is somebody.
    pub muted: Vec<f32>,
    /// Somebody who talks over the agent comes through whole, and a little of the agent with them: to tell what they
    /// say. Unchanged as long as no echo was found, since a subtraction that has nothing to learn from learns the caller.
    pub whole: Vec<f32>,
}

/// Takes the agent's own voice out of what the microphone heard.
///
/// While nothing is played the microphone passes unchanged (within 1e-6), [`DELAY_SAMPLES`] later.
pub(super) struct EchoCanceller {
    canceller: BlockProcessor,
    played: Block,
    heard: Block,
    /// What is left of the heard block after the subtraction, before the muting. It is not delayed.
    rest: Block,
    /// What was heard, before anything was taken away.
    raw: Block,
    /// What the whole sound was in the block before, in step with what is muted.
    whole_before: [f32; BLOCK_SAMPLES],
    power: Power,
    echo: Option<Echo>,
}

impl EchoCanceller {
    pub(super) fn new() -> EchoCanceller {
        EchoCanceller {
            canceller: BlockProcessor::new(&config(), SAMPLE_RATE as usize, 1, 1),
            played: Block::new(1, 1),
            heard: Block::new(1, 1),
            rest: Block::new(1, 1),
            raw: Block::new(1, 1),
            whole_before: [0.0; BLOCK_SAMPLES],
            power: Power::default(),
            echo: None,
        }
    }

    /// What was heard, without what was played: as many samples as `heard`.
    ///
    /// Both are mono at 16,000 Hz and a whole number of 64 samples long, `played` being [`LEAD_SAMPLES`] ahead of
    /// `heard`; samples that are missing in `played` count as silence. Samples that are no numbers do as well.
    pub(super) fn cancel(&mut self, heard: &[f32], played: &[f32]) -> Clean {
        let mut clean = Clean::default();
        let silence: &[f32] = &[];
        let played = played.chunks(BLOCK_SAMPLES);
        let played = played.chain(std::iter::repeat(silence));
        for (heard, played) in heard.chunks(BLOCK_SAMPLES).zip(played) {
            self.cancel_block(heard, played);
            let muted = &self.heard.view(0, 0)[..heard.len()];
            clean
                .muted
                .extend(muted.iter().map(|sample| sample / FULL_SCALE));
            let whole = &self.whole_before[..heard.len()];
            clean
                .whole
                .extend(whole.iter().map(|sample| sample / FULL_SCALE));
            let now = match self.echo {
                Some(_) => self.rest.view(0, 0),
                None => self.raw.view(0, 0),
            };
            self.whole_before.copy_from_slice(now);
        }
        clean
    }

    /// The echo as it was measured last; `None` until one was found.
    pub(super) fn echo(&self) -> Option<Echo> {
        self.echo
    }

    fn cancel_block(&mut self, heard: &[f32], played: &[f32]) {
        fill(&mut self.heard, heard);
        fill(&mut self.raw, heard);
        fill(&mut self.played, played);
        let heard_power = power(&self.heard);
        let is_overdriven = heard.iter().any(|sample| sample.abs() >= OVERDRIVEN);
        self.canceller.buffer_render(&self.played);
        self.canceller
            .process_capture(false, is_overdriven, Some(&mut self.rest), &mut self.heard);
        self.power
            .add(heard_power, power(&self.rest), power(&self.played));
        if let Some(level_db) = self.power.echo_db() {
            self.echo = Some(Echo {
                level_db,
                delay: self.delay(),
            });
        }
    }

    fn delay(&self) -> Duration {
        let lead = Duration::from_secs(1) * LEAD_SAMPLES as u32 / SAMPLE_RATE;
        let aligned_ms = self.canceller.get_metrics().delay_ms.max(0);
        let delay = Duration::from_millis(aligned_ms.unsigned_abs().into()) + HEADROOM;
        delay.saturating_sub(lead)
    }
}

impl Default for EchoCanceller {
    fn default() -> EchoCanceller {
        EchoCanceller::new()
    }
}

/// WebRTC's own settings, but more careful of the echo: speaker and microphone are not one device here, and a false
/// utterance costs more than a first syllable.
fn config() -> EchoCanceller3Config {
    let mut config = EchoCanceller3Config::default();
    // The power that the subtraction is trusted to take away, by frequency: none, for the path wanders with the clocks
    // of the two devices. What is muted goes by the echo before the subtraction, then.
    config.erle.max_l = 1.0;
    config.erle.max_h = 1.0;
    // From which share of echo on low bands are muted while somebody talks over the agent: usually 1.1.
    config.suppressor.nearend_tuning.mask_lf.enr_transparent = 0.6;
    config.suppressor.nearend_tuning.mask_lf.enr_suppress = 0.7;
    // Notices sooner that there is no echo at all: headphones.
    config.echo_removal_control.transparent_mode = TransparentModeType::Hmm;
    config
}

fn fill(block: &mut Block, samples: &[f32]) {
    let block = block.view_mut(0, 0);
    block.fill(0.0);
    for (to, sample) in block.iter_mut().zip(samples) {
        if sample.is_finite() {
            *to = sample.clamp(-1.0, 1.0) * FULL_SCALE;
        }
    }
}

/// Mean power of a block, relative to the power of full scale.
fn power(block: &Block) -> f32 {
    let sum: f32 = block.view(0, 0).iter().map(|sample| sample * sample).sum();
    sum / (BLOCK_SAMPLES as f32 * FULL_SCALE * FULL_SCALE)
}

/// Mean powers over about the last second.
#[derive(Default)]
struct Power {
    heard: f32,
    rest: f32,
    played: f32,
}

impl Power {
    /// Weight of a new block: one by the blocks of a second.
    const WEIGHT: f32 = 1.0 / 250.0;
    /// Less than this was not played but left over from before: -50 dB.
    const PLAYED_MIN: f32 = 1e-5;
    /// The least share of what was heard that the subtraction must have taken away for it to be an echo. Noise and
    /// voices give shares near 0.
    const SHARE_MIN: f32 = 0.3;

    fn add(&mut self, heard: f32, rest: f32, played: f32) {
        self.heard += Power::WEIGHT * (heard - self.heard);
        self.rest += Power::WEIGHT * (rest - self.rest);
        self.played += Power::WEIGHT * (played - self.played);
    }

    /// The level of the echo relative to what was played, in dB.
    fn echo_db(&self) -> Option<f32> {
        let echo = self.heard - self.rest;
        let is_echo = self.played >= Power::PLAYED_MIN && echo > self.heard * Power::SHARE_MIN;
        is_echo.then(|| 10.0 * libm::log10f(echo / self.played))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::FRAME_SAMPLES;

    fn speech(name: &str) -> Vec<f32> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/audio/fixtures");
        let mut reader = hound::WavReader::open(format!("{folder}/{name}.wav")).unwrap();
        let samples = reader.samples::<i16>();
        samples
            .map(|sample| f32::from(sample.unwrap()) / FULL_SCALE)
            .collect()
    }

    /// About ten seconds of the agent, half a second of silence before it.
    fn agent() -> Vec<f32> {
        let mut played = vec![0.0; 8_000];
        for name in ["average", "finished", "pause", "recording"] {
            played.extend(speech(&format!("piper-{name}")));
        }
        played
    }

    /// What the microphone hears of `played`, and of the room.
    fn echo_of(played: &[f32], delay_ms: usize, gain: f32) -> Vec<f32> {
        let late = std::iter::repeat_n(0.0, delay_ms * 16);
        let late = late.chain(played.iter().copied()).take(played.len());
        let room = noise(played.len());
        late.zip(room)
            .map(|(sample, noise)| gain * sample + noise)
            .collect()
    }

    /// White noise at -60 dB.
    fn noise(samples: usize) -> Vec<f32> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..samples).map(|_| 0.001_73 * next()).collect()
    }

    fn add(to: &mut [f32], at: usize, samples: &[f32]) {
        for (to, sample) in to[at..].iter_mut().zip(samples) {
            *to += sample;
        }
    }

    /// Hands in whole frames, what was played ahead by the lead.
    fn cancel(canceller: &mut EchoCanceller, heard: &[f32], played: &[f32]) -> Vec<f32> {
        let mut ahead = played[LEAD_SAMPLES..].to_vec();
        ahead.resize(played.len(), 0.0);
        let frames = heard.chunks_exact(FRAME_SAMPLES);
        frames
            .zip(ahead.chunks_exact(FRAME_SAMPLES))
            .flat_map(|(heard, played)| canceller.cancel(heard, played).muted)
            .collect()
    }

    /// The first frames of three voiced ones in a row: what begins an utterance.
    fn utterances(samples: &[f32]) -> Vec<usize> {
        let mut detector = earshot::Detector::default_boxed();
        let mut voiced = 0;
        let mut begun = Vec::new();
        for (index, frame) in samples.chunks_exact(FRAME_SAMPLES).enumerate() {
            let is_voiced = detector.predict_f32(frame) > 0.5;
            voiced = if is_voiced { voiced + 1 } else { 0 };
            if voiced == 3 {
                begun.push(index - 2);
            }
        }
        begun
    }

    #[test]
    fn what_is_heard_while_nothing_is_played_passes_unchanged() {
        let heard = speech("en-us-average");
        let mut canceller = EchoCanceller::new();
        let passed = cancel(&mut canceller, &heard, &vec![0.0; heard.len()]);
        for (passed, heard) in passed[DELAY_SAMPLES..].iter().zip(&heard) {
            assert!((passed - heard).abs() < 1e-6);
        }
        assert_eq!(canceller.echo(), None);
    }

    #[test]
    fn the_agent_is_no_caller_from_its_first_word_on() {
        let played = agent();
        let heard = echo_of(&played, 90, 0.3);
        assert!(!utterances(&heard).is_empty());
        let clean = cancel(&mut EchoCanceller::new(), &heard, &played);
        assert_eq!(utterances(&clean), [0usize; 0]);
    }

    #[test]
    fn an_echo_that_seems_to_come_before_its_sound_is_cancelled() {
        let played = agent();
        let early: Vec<f32> = played[480..].to_vec();
        let heard = echo_of(&early, 0, 0.3);
        let clean = cancel(&mut EchoCanceller::new(), &heard, &played);
        assert_eq!(utterances(&clean), [0usize; 0]);
    }

    #[test]
    fn without_an_echo_a_caller_comes_through_unchanged() {
        let played = agent();
        let mut heard = vec![0.0; played.len()];
        add(&mut heard, 100 * FRAME_SAMPLES, &speech("en-gb-wait-stop"));
        let mut canceller = EchoCanceller::new();
        let mut whole = Vec::new();
        for (heard, played) in heard.chunks_exact(256).zip(played.chunks_exact(256)) {
            whole.extend(canceller.cancel(heard, played).whole);
        }
        for (whole, heard) in whole[DELAY_SAMPLES..].iter().zip(&heard) {
            assert!((whole - heard).abs() < 1e-6);
        }
    }

    #[test]
    fn a_caller_is_heard_over_the_agent() {
        let played = agent();
        let at = 100 * FRAME_SAMPLES;
        let mut alone = noise(played.len());
        add(&mut alone, at, &speech("en-gb-wait-stop"));
        let mut heard = echo_of(&played, 90, 0.3);
        add(&mut heard, at, &speech("en-gb-wait-stop"));
        let clean = cancel(&mut EchoCanceller::new(), &heard, &played);
        let (truly, begun) = (utterances(&alone)[0], utterances(&clean)[0]);
        assert!((truly..truly + 6).contains(&begun), "{begun}, not {truly}");
    }

    #[test]
    fn the_echo_is_measured() {
        let played = agent();
        for (delay_ms, gain, level_db) in [(0, 0.5, -6.0), (90, 0.1, -20.0)] {
            let mut canceller = EchoCanceller::new();
            cancel(&mut canceller, &echo_of(&played, delay_ms, gain), &played);
            let echo = canceller.echo().unwrap();
            assert!((echo.level_db - level_db).abs() < 1.5, "{echo:?}");
            let delay = Duration::from_millis(delay_ms as u64);
            assert!(echo.delay.abs_diff(delay) <= Duration::from_millis(4));
        }
    }

    #[test]
    fn a_caller_is_no_echo() {
        let played = agent();
        let mut heard = noise(played.len());
        for at in [16_000, 60_000, 100_000] {
            add(&mut heard, at, &speech("en-us-average"));
        }
        let mut canceller = EchoCanceller::new();
        cancel(&mut canceller, &heard, &played);
        assert_eq!(canceller.echo(), None);
    }

    #[test]
    fn a_broken_frame_does_not_spoil_the_next() {
        let heard = speech("en-us-average");
        let silence = vec![0.0; heard.len()];
        let mut canceller = EchoCanceller::new();
        let broken = [f32::NAN, f32::INFINITY, f32::MAX, -f32::MAX].repeat(64);
        canceller.cancel(&broken, &broken);
        canceller.cancel(&heard, &silence);
        let passed = canceller.cancel(&heard, &silence).muted;
        for (passed, heard) in passed[DELAY_SAMPLES..].iter().zip(&heard) {
            assert!((passed - heard).abs() < 1e-3);
        }
    }

    #[test]
    fn as_much_comes_out_as_was_heard() {
        let mut canceller = EchoCanceller::new();
        let mut lengths = |heard: &[f32], played: &[f32]| {
            let clean = canceller.cancel(heard, played);
            (clean.muted.len(), clean.whole.len())
        };
        assert_eq!(lengths(&[0.1; 256], &[]), (256, 256));
        assert_eq!(lengths(&[0.1; 100], &[0.1; 256]), (100, 100));
        assert_eq!(lengths(&[], &[0.1; 256]), (0, 0));
    }
}
