//! Something that the caller says, as it is recorded and as it is sent.

use super::{FRAME_SAMPLES, FRAMES_PER_S};
use crate::audio::resample::resample;
use crate::audio::{AudioError, SAMPLE_RATE, Samples, length_of};
use crate::ear::truth::Speech;
use crate::event::{Doubt, Expect, Tick};
use std::ops::Range;

/// Something to say.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// At 16 kHz, in whole frames.
    samples: Samples,
    /// `samples` at the rate of the protocol, as they are sent; silence if keys are pressed.
    sent: Samples,
    /// Where speech truly is, as positions in `samples`.
    speech: Vec<Speech>,
    /// Keys that are told of with a frame, in order.
    keys: Vec<(usize, char)>,
    /// What the line asks of the agent.
    pub expect: Expect,
}

/// A frame of the caller's sound, as it is recorded and as it is sent, and the key that was pressed with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineFrame<'a> {
    pub samples: &'a [f32],
    pub sent: &'a [f32],
    pub key: Option<char>,
}

impl Line {
    /// A line whose sound at 16 kHz is sent at `rate`, which is one of the rates of protocols.
    ///
    /// # Errors
    /// If the sound cannot be brought to that rate.
    pub(crate) fn new(
        samples: &[f32],
        rate: u32,
        speech: Vec<Speech>,
        expect: Expect,
    ) -> Result<Line, AudioError> {
        let whole = whole_frames(samples);
        let frames = whole.len() / FRAME_SAMPLES;
        let mut sent = resample(&whole, SAMPLE_RATE, rate)?.into_owned();
        sent.resize(frames * (rate / FRAMES_PER_S) as usize, 0.0);
        Ok(Line {
            samples: whole.into(),
            sent: sent.into(),
            speech,
            keys: Vec::new(),
            expect,
        })
    }

    /// Keys that are pressed one behind the other. Their tones are recorded; the agent is told of each as it ends, and
    /// hears silence, as behind telephone companies that take tones out.
    pub(crate) fn of_keys(keys: &str, rate: u32, expect: Expect) -> Line {
        let pressed = super::keys::pressed(keys);
        let whole = whole_frames(&pressed.samples);
        let frames = whole.len() / FRAME_SAMPLES;
        let key = |(end, key): (usize, char)| (end.div_ceil(FRAME_SAMPLES) - 1, key);
        let ends = pressed.ends.last().map_or(0, |(end, _)| *end);
        Line {
            samples: whole.into(),
            sent: vec![0.0; frames * (rate / FRAMES_PER_S) as usize].into(),
            speech: vec![Speech {
                at: 0..ends,
                doubt: None,
            }],
            keys: pressed.ends.into_iter().map(key).collect(),
            expect,
        }
    }

    /// When somebody speaks in the line, if its sound begins at `at` and breaks off at `end`.
    pub(crate) fn spoken_at(&self, at: Tick, end: Tick) -> Vec<(Range<Tick>, Option<Doubt>)> {
        let speech = self.speech.iter().map(|speech| {
            let range = at + length_of(speech.at.start)..at + length_of(speech.at.end);
            (range.start..range.end.min(end), speech.doubt)
        });
        speech
            .filter(|(range, _)| range.start < range.end)
            .collect()
    }

    /// When what is asked has been asked, as a position in the sound.
    pub(super) fn asked(&self) -> usize {
        let last = self.speech.last();
        last.map_or(self.samples.len(), |speech| speech.at.end)
    }

    pub(super) fn frames(&self) -> usize {
        self.samples.len() / FRAME_SAMPLES
    }

    /// A frame, of those that there are.
    pub(super) fn frame(&self, number: usize) -> LineFrame<'_> {
        let of_frame = |sound: &Samples| {
            let length = sound.len() / self.frames();
            number * length..(number + 1) * length
        };
        let told = self.keys.iter().find(|(frame, _)| *frame == number);
        LineFrame {
            samples: &self.samples[of_frame(&self.samples)],
            sent: &self.sent[of_frame(&self.sent)],
            key: told.map(|(_, key)| *key),
        }
    }
}

fn whole_frames(samples: &[f32]) -> Vec<f32> {
    let mut whole = samples.to_vec();
    whole.resize(samples.len().div_ceil(FRAME_SAMPLES) * FRAME_SAMPLES, 0.0);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_of_one_after_the_other_in_silence() {
        let line = Line::of_keys("42#", 8_000, Expect::Respond);
        let frames = (0..line.frames()).map(|frame| line.frame(frame));
        let told: Vec<(usize, char)> = frames
            .clone()
            .enumerate()
            .filter_map(|(at, frame)| Some((at, frame.key?)))
            .collect();
        assert_eq!(told, [(4, '4'), (14, '2'), (24, '#')]);
        for frame in frames {
            assert_eq!(frame.sent, [0.0; 160]);
            assert_eq!(frame.samples.len(), FRAME_SAMPLES);
        }
        let spoken = line.spoken_at(Tick::ZERO, Tick::from_ms(10_000));
        assert_eq!(spoken, [(Tick::ZERO..Tick::from_ms(500), None)]);
    }

    #[test]
    fn a_line_that_breaks_off_was_spoken_up_to_there() {
        let speech = [(0, 1_600), (3_200, 16_000)];
        let speech = speech.map(|(start, end)| Speech {
            at: start..end,
            doubt: None,
        });
        let line = Line::new(&[0.1; 16_000], 16_000, speech.into(), Expect::Respond);
        let line = line.expect("a line");
        let ms = Tick::from_ms;
        let spoken = line.spoken_at(ms(1_000), ms(1_300));
        assert_eq!(
            spoken,
            [(ms(1_000)..ms(1_100), None), (ms(1_200)..ms(1_300), None)]
        );
        assert_eq!(line.spoken_at(ms(1_000), ms(1_150)).len(), 1);
    }
}
