//! The caller's sound on the time line of a call: frames for the ear, each with the moment at which it was spoken.
//!
//! Sound that comes is laid end to end. Where none comes in time there is silence; whoever speaks again after a pause in
//! which nothing was sent is heard when that was. Sound that was held up comes all at once, and later than the silence in
//! its place: then silences are left out until time and sound agree again, and no word is lost.

use crate::audio::resample::StreamResampler;
use crate::audio::{AudioError, FRAME, FRAME_SAMPLES, Samples, length_of, peak};
use crate::event::Tick;
use std::time::Duration;

/// Sound that has not come after so long is taken for silence: the caller sends none, or the network holds it.
const MISSED_AFTER: Duration = Duration::from_millis(300);
/// Sound may be so far ahead of time, as the network has it come early and late.
const JITTER: Duration = Duration::from_millis(60);
/// Sound that was held up has come all at once so long after it began to come again.
const CAUGHT_UP_AFTER: Duration = Duration::from_millis(500);
/// A frame that is softer than this, a hundredth of full scale, can be left out.
const SOFT: f32 = 0.01;
/// The most sound that is taken ahead of time: ten minutes.
const AHEAD_MAX: Duration = Duration::from_secs(600);

/// Sound that comes from a caller.
pub(super) struct Heard {
    resampler: StreamResampler,
    rate: u32,
    /// Sound at the ear's rate that no frame was made of yet.
    waiting: Vec<f32>,
    /// When the next frame begins; `None` before the first sound.
    next: Option<Tick>,
    /// When sound came last, or was missed.
    now: Tick,
    /// Silence that stands in the place of sound, and since when sound comes again; `None` while none does.
    silence: Duration,
    again: Option<Tick>,
}

/// Why sound is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("the caller sends more than ten minutes of sound ahead")]
    TooMuch,
    #[error(transparent)]
    Rate(#[from] AudioError),
}

impl Heard {
    pub(super) fn at_rate(rate: u32) -> Result<Heard, AudioError> {
        Ok(Heard {
            resampler: StreamResampler::prompt(rate, crate::audio::SAMPLE_RATE)?,
            rate,
            waiting: Vec::new(),
            next: None,
            now: Tick::ZERO,
            silence: Duration::ZERO,
            again: Some(Tick::ZERO),
        })
    }

    pub(super) fn change_rate(&mut self, rate: u32) -> Result<(), NotTaken> {
        if rate != self.rate {
            self.resampler = StreamResampler::prompt(rate, crate::audio::SAMPLE_RATE)?;
            self.rate = rate;
        }
        Ok(())
    }

    /// Takes sound that came at `at`, when its last sample was spoken.
    pub(super) fn sound(&mut self, at: Tick, samples: &[f32]) -> Result<(), NotTaken> {
        let length = Duration::from_secs_f64(samples.len() as f64 / f64::from(self.rate));
        let began = at.before(length);
        let next = *self.next.get_or_insert(began);
        if self.again.is_none() {
            // Nothing was said meanwhile, as far as anybody can know by now.
            let end = next + length_of(self.waiting.len());
            self.put_silence(began.since(end));
            self.again = Some(at);
        }
        self.resampler.push(samples, &mut self.waiting)?;
        self.now = at;
        let ahead = self.ahead();
        if ahead > AHEAD_MAX {
            return Err(NotTaken::TooMuch);
        }
        let is_settled = self
            .again
            .is_some_and(|again| at.since(again) > CAUGHT_UP_AFTER);
        if is_settled && ahead <= JITTER {
            self.silence = Duration::ZERO;
        }
        Ok(())
    }

    /// From when on sound is missing, unless some comes before; `None` before the first sound.
    pub(super) fn missed_at(&self) -> Option<Tick> {
        self.next.map(|next| next + FRAME + MISSED_AFTER)
    }

    /// Puts silence in the place of sound, if some is missing at `now`.
    pub(super) fn miss(&mut self, now: Tick) {
        if self.missed_at().is_some_and(|at| at <= now) {
            self.now = now;
            let missing = FRAME_SAMPLES.saturating_sub(self.waiting.len());
            self.put_silence(length_of(missing));
            self.waiting
                .resize(self.waiting.len().max(FRAME_SAMPLES), 0.0);
            self.again = None;
        }
    }

    /// A turn is over at `now`. Sound that came faster than it is spoken was dated ahead; what comes next is dated anew.
    pub(super) fn ends(&mut self, now: Tick) {
        if self.next.is_some_and(|next| next > now) {
            self.next = None;
            self.waiting.clear();
            self.silence = Duration::ZERO;
            self.again = Some(now);
        }
    }

    /// The next whole frame, and when it began.
    pub(super) fn frame(&mut self) -> Option<(Tick, Samples)> {
        let start = self.next?;
        while self.waiting.len() >= FRAME_SAMPLES {
            let is_ahead = self.ahead() > JITTER;
            let frame: Vec<f32> = self.waiting.drain(..FRAME_SAMPLES).collect();
            if is_ahead && self.silence >= FRAME && peak(&frame) < SOFT {
                self.silence -= FRAME;
                continue;
            }
            self.next = Some(start + FRAME);
            return Some((start, frame.into()));
        }
        None
    }

    /// How far the sound reaches beyond the present.
    fn ahead(&self) -> Duration {
        let end = self.next.map(|next| next + length_of(self.waiting.len()));
        end.map_or(Duration::ZERO, |end| end.since(self.now))
    }

    fn put_silence(&mut self, length: Duration) {
        let samples = crate::audio::position_of(Tick::ZERO + length) as usize;
        self.waiting.resize(self.waiting.len() + samples, 0.0);
        self.silence += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;
    const MS: u64 = 16;

    fn heard() -> Heard {
        Heard::at_rate(RATE).expect("a rate")
    }

    /// Whatever is heard: when each frame began, and how loud it is.
    fn frames(heard: &mut Heard) -> Vec<(Tick, f32)> {
        let mut all = Vec::new();
        while let Some((start, frame)) = heard.frame() {
            all.push((start, peak(&frame)));
        }
        all
    }

    /// Sends packets of 20 ms in time, from one moment to another, each as loud as `loudness` has it.
    fn sends(
        heard: &mut Heard,
        (from_ms, until_ms): (u64, u64),
        loudness: impl Fn(u64) -> f32,
    ) -> Vec<(Tick, f32)> {
        let mut all = Vec::new();
        for at in (from_ms..until_ms).step_by(20) {
            let samples = vec![loudness(at); 20 * MS as usize];
            let sent = heard.sound(Tick::from_ms(at + 20), &samples);
            sent.expect("taken");
            all.extend(frames(heard));
        }
        all
    }

    /// Nothing comes between these moments.
    fn nothing_comes(heard: &mut Heard, until_ms: u64) -> Vec<(Tick, f32)> {
        let mut all = Vec::new();
        while let Some(at) = heard.missed_at().filter(|at| *at < Tick::from_ms(until_ms)) {
            heard.miss(at);
            all.extend(frames(heard));
        }
        all
    }

    #[test]
    fn sound_in_time_is_dated_when_it_was_spoken() {
        let mut heard = heard();
        let all = sends(&mut heard, (1_000, 2_000), |_| 0.5);
        assert_eq!(all[0], (Tick::from_ms(1_000), 0.5));
        assert_eq!(all[50].0, Tick::from_ms(1_800));
    }

    #[test]
    fn who_sends_nothing_while_silent_is_heard_when_they_speak_again() {
        let mut heard = heard();
        sends(&mut heard, (0, 1_000), |_| 0.5);
        nothing_comes(&mut heard, 3_000);
        let again = sends(&mut heard, (3_000, 3_500), |_| 0.25);
        let spoke = again.iter().find(|(_, loud)| *loud == 0.25);
        let (at, _) = *spoke.expect("heard");
        let apart = at.as_ms() - 3_000.0;
        assert!(apart.abs() <= 16.0, "{apart}");
    }

    #[test]
    fn sound_that_was_held_up_is_heard_whole_and_time_is_caught_up_with() {
        let mut heard = heard();
        sends(&mut heard, (0, 1_000), |_| 0.5);
        nothing_comes(&mut heard, 2_000);
        let mut late = Vec::new();
        for at in (1_000..2_000).step_by(20) {
            // A word, and silence behind it.
            let loudness = if at < 1_400 { 0.25 } else { 0.0 };
            let sent = heard.sound(Tick::from_ms(2_000), &vec![loudness; 20 * MS as usize]);
            sent.expect("taken");
            late.extend(frames(&mut heard));
        }
        let whole = late.iter().filter(|(_, loud)| *loud == 0.25).count();
        assert!((25..=26).contains(&whole), "400 ms of it: {whole}");
        late.extend(sends(&mut heard, (2_000, 4_000), |at| match at {
            ..3_000 => 0.0,
            _ => 0.75,
        }));
        let next = late.iter().find(|(_, loud)| *loud == 0.75).expect("heard");
        let apart = next.0.as_ms() - 3_000.0;
        assert!(apart.abs() < 80.0, "{apart}");
    }

    #[test]
    fn sound_that_is_sent_ahead_is_heard_in_time_with_its_pauses() {
        let mut heard = heard();
        let mut sound = vec![0.5; 1_000 * MS as usize];
        sound.extend(vec![0.0; 1_000 * MS as usize]);
        sound.extend(vec![0.5; 1_000 * MS as usize]);
        heard.sound(Tick::from_ms(3_000), &sound).expect("taken");
        heard.sound(Tick::from_ms(3_000), &sound).expect("taken");
        let all = frames(&mut heard);
        assert_eq!(all.len(), 6_000 / 16);
        assert_eq!(all[0].0, Tick::ZERO);
    }

    #[test]
    fn nobody_sends_hours_ahead() {
        let mut heard = heard();
        let minute = vec![0.5; 60_000 * MS as usize];
        let sent = (0..20).map(|_| heard.sound(Tick::from_ms(1_000), &minute));
        let refused = sent.filter(Result::is_err).count();
        assert!(refused > 5, "{refused}");
    }
}
