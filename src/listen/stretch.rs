//! The sound of one turn, out of a folder of results.

use super::loudness::softened;
use crate::audio::{AudioError, SAMPLE_RATE, decode, wav};
use crate::event::Tick;
use crate::record::store::Moments;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A turn is played for so long at most: a minute.
const TURN_MAX: Duration = Duration::from_secs(60);
/// What is heard before the caller begins, and after the agent's last sound.
const AROUND: Duration = Duration::from_millis(400);
/// Bytes of a pair of samples, one of each speaker.
const PAIR_BYTES: usize = 4;
/// A sample above this is heard: 42 dB below the loudest that there can be.
const HEARD: u16 = 256;

/// Where the sound of turns lies.
#[derive(Debug, Clone)]
pub(super) struct Sound {
    wav: PathBuf,
    /// Which stretches of the conversation lie in it end to end; `None` if all of it does.
    spans: Option<Vec<Range<Tick>>>,
}

impl Sound {
    /// The sound that a folder keeps; `None` if it keeps none.
    pub(super) fn of(folder: &Path) -> Option<Sound> {
        let wav = folder.join("conversation.wav");
        if wav.is_file() {
            return Some(Sound { wav, spans: None });
        }
        let moments = Moments::read(folder).ok()??;
        let span = |span: &crate::record::store::Span| Tick(span.from_ns)..Tick(span.to_ns);
        let spans: Vec<_> = moments.spans.iter().map(span).collect();
        let wav = Moments::wav(folder);
        (wav.is_file() && !spans.is_empty()).then_some(Sound {
            wav,
            spans: Some(spans),
        })
    }

    /// Where a turn lies in the file, which is to be heard from when the caller began until the next one, or the next
    /// minute; `None` if it is not kept.
    pub(super) fn place(&self, began: Tick, next: Option<Tick>) -> Option<Range<Tick>> {
        let from = began.before(AROUND);
        let longest = from + TURN_MAX;
        let to = next.map_or(longest, |next| next.min(longest));
        let Some(spans) = &self.spans else {
            return (from < to).then_some(from..to);
        };
        let mut before = 0;
        for span in spans {
            let length = span.end.0 - span.start.0;
            if span.start <= began && began < span.end {
                let shift =
                    |at: Tick| Tick(before + at.0.clamp(span.start.0, span.end.0) - span.start.0);
                return Some(shift(from)..shift(to));
            }
            before += length;
        }
        None
    }

    /// The sound at a place, up to the agent's last sound; `None` if the agent is silent in it.
    ///
    /// # Errors
    /// A file that cannot be read, or is not the sound of a run.
    pub(super) fn read(&self, place: &Range<Tick>) -> Result<Option<Stretch>, AudioError> {
        let (mut file, bytes) = decode::open_conversation(&self.wav)?;
        let unreadable = |source: io::Error| AudioError::Unreadable {
            path: self.wav.clone(),
            source,
        };
        let step_ns = 1_000_000_000 / u64::from(SAMPLE_RATE);
        let at = |tick: Tick| (tick.0 / step_ns).saturating_mul(PAIR_BYTES as u64);
        let from = at(place.start).min(bytes);
        let length = at(place.end).min(bytes) - from;
        // It is at its first sample.
        let start = i64::try_from(from).unwrap_or(i64::MAX);
        file.seek(SeekFrom::Current(start)).map_err(unreadable)?;
        let mut pairs = Vec::new();
        file.take(length)
            .read_to_end(&mut pairs)
            .map_err(unreadable)?;
        Ok(Stretch::of(&pairs))
    }
}

/// The sound of a turn, each speaker by themselves.
#[derive(Debug, PartialEq)]
pub(super) struct Stretch {
    caller: Vec<i16>,
    agent: Vec<i16>,
}

impl Stretch {
    /// Both speakers up to a little after the agent's last sound; `None` if the agent makes none.
    fn of(pairs: &[u8]) -> Option<Stretch> {
        let pair = |bytes: &[u8]| match *bytes {
            [a, b, c, d] => (i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])),
            _ => (0, 0),
        };
        let pairs = pairs.chunks_exact(PAIR_BYTES).map(pair);
        let (mut caller, mut agent): (Vec<i16>, Vec<i16>) = pairs.unzip();
        let last = agent
            .iter()
            .rposition(|sample| sample.unsigned_abs() > HEARD)?;
        let end = last + SAMPLE_RATE as usize * AROUND.as_millis() as usize / 1_000;
        caller.truncate(end);
        agent.truncate(end);
        Some(Stretch { caller, agent })
    }

    /// A WAV file of one channel, both speakers together, neither of them louder than in the `other` stretch that this one is
    /// compared to.
    pub(super) fn wav(&self, other: &Stretch) -> Vec<u8> {
        let caller = softened(&self.caller, &other.caller);
        let agent = softened(&self.agent, &other.agent);
        let scaled = |sample: &i16, by: f64| (f64::from(*sample) * by).round() as i16;
        let both = self.caller.iter().zip(&self.agent);
        let samples = both.flat_map(|(said, answered)| {
            let sum = scaled(said, caller).saturating_add(scaled(answered, agent));
            sum.to_le_bytes()
        });
        wav::in_memory(&samples.collect::<Vec<u8>>(), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wav::StereoWriter;
    use crate::record::store::Span;

    /// A conversation: the caller is loud in its second second, the agent in its fourth.
    fn conversation(path: &Path) {
        conversation_with(path, 0.5);
    }

    fn conversation_with(path: &Path, agent: f32) {
        let mut writer = StereoWriter::create(path).expect("a file");
        for second in 0..10 {
            let loud = |at, level| [if second == at { level } else { 0.0 }; 16_000];
            writer
                .push(&loud(1, 0.5), &loud(3, agent))
                .expect("written");
        }
        writer.finish().expect("finished");
    }

    #[test]
    fn a_turn_is_both_voices_up_to_the_agents_last_sound() {
        let folder = tempfile::tempdir().expect("a folder");
        conversation(&folder.path().join("conversation.wav"));
        let sound = Sound::of(folder.path()).expect("kept");
        let place = sound.place(Tick::from_ms(1_000), None).expect("a place");
        let stretch = sound.read(&place).expect("read").expect("heard");
        let wav = stretch.wav(&stretch);
        // From 600 ms to 4,400 ms, 32 bytes a millisecond behind a header.
        assert_eq!(wav.len(), 44 + 3_800 * 32 - 2);
        let at = |ms: usize| i16::from_le_bytes([wav[44 + ms * 32], wav[45 + ms * 32]]);
        assert_eq!(
            (at(200), at(900), at(2_000), at(2_900)),
            (0, 16_384, 0, 16_384)
        );
        let silent = sound.place(Tick::from_ms(5_000), None).expect("a place");
        assert_eq!(sound.read(&silent).expect("read"), None);
        let behind = sound.place(Tick::from_ms(50_000), None).expect("a place");
        assert_eq!(sound.read(&behind).expect("read"), None);
    }

    #[test]
    fn the_agents_of_a_pair_are_equally_loud_and_so_are_the_callers() {
        let folder = tempfile::tempdir().expect("a folder");
        let stretch = |name: &str, agent: f32| {
            let folder = folder.path().join(name);
            std::fs::create_dir(&folder).expect("a folder");
            conversation_with(&folder.join("conversation.wav"), agent);
            let sound = Sound::of(&folder).expect("kept");
            let place = sound.place(Tick::from_ms(1_000), None).expect("a place");
            sound.read(&place).expect("read").expect("heard")
        };
        let (loud, soft) = (stretch("loud", 0.75), stretch("soft", 0.25));
        for wav in [loud.wav(&soft), soft.wav(&loud)] {
            let at = |ms: usize| i16::from_le_bytes([wav[44 + ms * 32], wav[45 + ms * 32]]);
            assert_eq!((at(900), at(2_900)), (16_384, 8_192));
        }
    }

    #[test]
    fn of_a_measured_call_what_was_kept_is_played() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Sound::of(folder.path()).is_none());
        conversation(&Moments::wav(folder.path()));
        let second = 1_000_000_000;
        let spans = [(0, 1), (100, 104), (200, 205)].map(|(from, to)| Span {
            from_ns: from * second,
            to_ns: to * second,
        });
        let moments = Moments {
            schema: Moments::SCHEMA.into(),
            step_ns: 10_000_000,
            caller: Vec::new(),
            agent: Vec::new(),
            spans: spans.to_vec(),
        };
        moments.write(folder.path()).expect("written");
        let sound = Sound::of(folder.path()).expect("kept");
        let ms = Tick::from_ms;
        assert_eq!(sound.place(ms(100_500), None), Some(ms(1_100)..ms(5_000)));
        assert_eq!(
            sound.place(ms(100_000), Some(ms(103_000))),
            Some(ms(1_000)..ms(4_000))
        );
        assert_eq!(sound.place(ms(50_000), None), None);
    }
}
