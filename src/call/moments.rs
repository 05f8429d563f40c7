//! What a page shows and plays of a call: how loud both sides are, and the sound of some stretches.

use super::CallError;
use super::source::{CallSource, Progress};
use crate::audio::SAMPLE_RATE;
use crate::audio::wav::StereoWriter;
use crate::event::Tick;
use crate::record::store::{KeepAudio, Moments, Span};
use std::io;
use std::ops::Range;
use std::path::Path;

/// Samples of a step of loudness: 10 ms, about as fine as a page draws it.
const STEP_SAMPLES: usize = SAMPLE_RATE as usize / 100;
const STEP_NS: u64 = 10_000_000;

/// What is kept of one side while its sound goes by.
struct Kept {
    /// The samples that went by.
    samples: usize,
    /// The loudest sample of the step that is not whole yet.
    peak: f32,
    loudness: Vec<u8>,
    /// The sound of each stretch.
    sound: Vec<Vec<f32>>,
}

/// Goes through the recording once more, and keeps in `folder` how loud both sides are and, if sound may be kept, that
/// of `spans`, which are in order and apart from each other. What is held meanwhile is the sound of `spans`.
pub fn keep(
    source: &CallSource,
    spans: &[Range<Tick>],
    audio: KeepAudio,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<(), CallError> {
    let spans: &[Range<Tick>] = match audio {
        KeepAudio::Yes => spans,
        KeepAudio::No => &[],
    };
    let ranges: Vec<Range<usize>> = spans
        .iter()
        .map(|span| sample(span.start)..sample(span.end))
        .collect();
    let mut sides = [(); 2].map(|()| Kept {
        samples: 0,
        peak: 0.0,
        loudness: Vec::new(),
        sound: vec![Vec::new(); ranges.len()],
    });
    source.each_side(
        |side, samples| sides[side as usize].hear(samples, &ranges),
        progress,
    )?;
    let [mut caller, mut agent] = sides.map(Kept::finished);
    let steps = caller.loudness.len().max(agent.loudness.len());
    caller.loudness.resize(steps, 0);
    agent.loudness.resize(steps, 0);
    if !ranges.is_empty() {
        let mut writer = StereoWriter::create(&Moments::wav(folder))?;
        for (range, (caller, agent)) in ranges
            .iter()
            .zip(caller.sound.iter_mut().zip(&mut agent.sound))
        {
            // A side that ends before the other one is silent from there on.
            caller.resize(range.len(), 0.0);
            agent.resize(range.len(), 0.0);
            writer.push(caller, agent)?;
        }
        writer.finish()?;
    }
    let moments = Moments {
        schema: Moments::SCHEMA.into(),
        step_ns: STEP_NS,
        caller: caller.loudness,
        agent: agent.loudness,
        spans: spans.iter().map(Span::from).collect(),
    };
    moments.write(folder).map_err(io::Error::other)?;
    Ok(())
}

/// The sample that is heard at a time.
fn sample(at: Tick) -> usize {
    let samples = u128::from(at.0) * u128::from(SAMPLE_RATE) / 1_000_000_000;
    usize::try_from(samples).unwrap_or(usize::MAX)
}

impl Kept {
    fn hear(&mut self, samples: &[f32], ranges: &[Range<usize>]) {
        let (from, to) = (self.samples, self.samples + samples.len());
        for (range, sound) in ranges.iter().zip(&mut self.sound) {
            let (start, end) = (range.start.max(from), range.end.min(to));
            if start < end {
                sound.extend_from_slice(&samples[start - from..end - from]);
            }
        }
        for sample in samples {
            self.peak = self.peak.max(sample.abs());
            self.samples += 1;
            if self.samples.is_multiple_of(STEP_SAMPLES) {
                self.step();
            }
        }
    }

    fn step(&mut self) {
        self.loudness.push((self.peak.min(1.0) * 255.0) as u8);
        self.peak = 0.0;
    }

    fn finished(mut self) -> Kept {
        if !self.samples.is_multiple_of(STEP_SAMPLES) {
            self.step();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::decode;

    /// A second of the caller, then one of the agent, then half a second of nobody.
    fn call(folder: &Path) -> CallSource {
        let path = folder.join("call.wav");
        let mut writer = StereoWriter::create(&path).expect("a file");
        let (loud, none) = (vec![0.5; 16_000], vec![0.0; 16_000]);
        writer.push(&loud, &none).expect("written");
        writer.push(&none, &loud).expect("written");
        writer
            .push(&none[..8_000], &none[..8_000])
            .expect("written");
        writer.finish().expect("finished");
        CallSource::Stereo {
            path,
            is_swapped: false,
        }
    }

    #[test]
    fn loudness_is_of_the_whole_call_and_sound_of_the_moments_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let ms = Tick::from_ms;
        let spans = [ms(900)..ms(1_100), ms(2_000)..ms(2_500)];
        let source = call(folder.path());
        keep(
            &source,
            &spans,
            KeepAudio::Yes,
            folder.path(),
            &mut |_, _| {},
        )
        .expect("kept");
        let moments = Moments::read(folder.path()).expect("read").expect("there");
        assert_eq!((moments.caller.len(), moments.agent.len()), (250, 250));
        assert_eq!([moments.caller[50], moments.agent[50]], [127, 0]);
        assert_eq!([moments.caller[150], moments.agent[150]], [0, 127]);
        let (rate, sides) = decode::read_channels(&Moments::wav(folder.path())).expect("a sound");
        assert_eq!((rate, sides[0].len()), (16_000, 3_200 + 8_000));
        assert_eq!((sides[0][1_599], sides[0][1_600]), (0.5, 0.0));
        assert_eq!((sides[1][1_599], sides[1][1_600]), (0.0, 0.5));
    }

    #[test]
    fn no_voice_is_kept_where_none_may_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = call(folder.path());
        let span = Tick::ZERO..Tick::from_ms(2_500);
        keep(
            &source,
            &[span],
            KeepAudio::No,
            folder.path(),
            &mut |_, _| {},
        )
        .expect("kept");
        let moments = Moments::read(folder.path()).expect("read").expect("there");
        assert!(moments.spans.is_empty() && moments.caller.len() == 250);
        assert!(!Moments::wav(folder.path()).exists());
    }
}
