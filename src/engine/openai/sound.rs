//! The samples that a voice on a server sends: plain ones as they come, and what else there is decoded if a decoder
//! knows it. What is no sound is never played; it is told what it is.

use super::server::{Place, body_of};
use super::sound_kind::{Kind, Label, is_smooth};
use crate::audio::resample::StreamResampler;
use crate::audio::{SAMPLE_RATE, decode};
use crate::engine::words::{page_title, words_of};
use crate::event::Remark;
use crate::stage::StageError;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use std::io::Write;
use std::sync::Arc;

/// The longest speech that is taken for a clause: 4 MiB, 87 s at the usual rate.
const SPEECH_BYTES_MAX: usize = 4 << 20;

/// What comes of a voice.
#[derive(Debug, PartialEq)]
pub(super) enum Sound {
    /// Samples at the pipeline's rate; at least one.
    Samples(Vec<f32>),
    Remark(Remark),
}

/// The sound in `response`, whose plain samples come at `rate`. If `must_sound`, none is an error.
pub(super) fn sound(
    response: Response,
    place: Arc<Place>,
    rate: u32,
    must_sound: bool,
) -> impl Stream<Item = Result<Sound, StageError>> + Send {
    let label = response.headers().get(CONTENT_TYPE);
    let label = label
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let speech = Speech {
        label: Label::of(label),
        chunks: body_of(response, &place),
        place,
        rate,
        must_sound,
        head: Vec::new(),
        step: Step::Head,
        bytes: 0,
        has_sounded: false,
    };
    let items = stream::unfold(speech, async |mut speech| {
        let items = speech.next().await?;
        Some((stream::iter(items), speech))
    });
    items.flatten()
}

/// Sound that comes piece by piece.
struct Speech {
    label: Label,
    chunks: BoxStream<'static, Result<Vec<u8>, StageError>>,
    place: Arc<Place>,
    rate: u32,
    must_sound: bool,
    /// What came before it was clear what it is; all of a file.
    head: Vec<u8>,
    step: Step,
    bytes: usize,
    has_sounded: bool,
}

enum Step {
    /// It is not known yet what comes.
    Head,
    Samples(Box<Samples>),
    /// Something that is gathered to its end.
    Whole(Kind),
    Over,
}

/// 16-bit samples, cut anywhere.
struct Samples {
    resampler: StreamResampler,
    sample: fn([u8; 2]) -> i16,
    /// Half a sample.
    half: Option<u8>,
    /// How many bytes of samples are still to come, where that is known: what follows is no sound.
    left: Option<usize>,
}

type Items = Vec<Result<Sound, StageError>>;

impl Speech {
    /// What comes of the next piece; `None` at the end.
    async fn next(&mut self) -> Option<Items> {
        if matches!(self.step, Step::Over) {
            return None;
        }
        let chunk = self.chunks.next().await.transpose();
        let items = chunk.and_then(|chunk| match chunk {
            Some(chunk) => self.take(chunk),
            None => self.end(),
        });
        Some(match items {
            Ok(items) => {
                let is_sound = |sound: &Sound| matches!(sound, Sound::Samples(_));
                self.has_sounded |= items.iter().any(is_sound);
                items.into_iter().map(Ok).collect()
            }
            Err(error) => {
                self.step = Step::Over;
                vec![Err(error)]
            }
        })
    }

    fn take(&mut self, chunk: Vec<u8>) -> Result<Vec<Sound>, StageError> {
        self.bytes += chunk.len();
        if self.bytes > SPEECH_BYTES_MAX {
            let why = "sent more than 4 MiB of sound for a clause";
            return Err(self.place.garbled(why));
        }
        match &mut self.step {
            Step::Samples(samples) => Ok(sounds(samples.take(&chunk)?)),
            Step::Whole(_) | Step::Over => {
                self.head.extend(chunk);
                Ok(Vec::new())
            }
            Step::Head => {
                self.head.extend(chunk);
                let kind = Kind::of(&self.label, &self.head, false);
                self.go_on_as(kind)
            }
        }
    }

    /// Goes on as is right for what comes.
    fn go_on_as(&mut self, kind: Kind) -> Result<Vec<Sound>, StageError> {
        match kind {
            Kind::Unclear => Ok(Vec::new()),
            Kind::Samples | Kind::Wav(_) => {
                let wav = match kind {
                    Kind::Wav(wav) => Some(wav),
                    _ => None,
                };
                let is_turned = wav.is_none()
                    && self.label.is_big_endian()
                    && is_smooth(&self.head, i16::from_be_bytes)
                    && !is_smooth(&self.head, i16::from_le_bytes);
                let rate = wav.map(|wav| wav.rate).or(self.label.rate);
                let rate = rate.unwrap_or(self.rate);
                let resampler = StreamResampler::new(rate, SAMPLE_RATE)
                    .map_err(|error| StageError::Failed(error.to_string()))?;
                let mut samples = Box::new(Samples {
                    resampler,
                    sample: match is_turned {
                        true => i16::from_be_bytes,
                        false => i16::from_le_bytes,
                    },
                    half: None,
                    left: wav.and_then(|wav| wav.bytes),
                });
                let head = std::mem::take(&mut self.head);
                let start = wav.map_or(0, |wav| wav.start);
                let made = samples.take(head.get(start..).unwrap_or_default())?;
                self.step = Step::Samples(samples);
                Ok(sounds(made))
            }
            kind => {
                self.step = Step::Whole(kind);
                Ok(Vec::new())
            }
        }
    }

    fn end(&mut self) -> Result<Vec<Sound>, StageError> {
        let mut made = Vec::new();
        if matches!(self.step, Step::Head) {
            let kind = Kind::of(&self.label, &self.head, true);
            made = self.go_on_as(kind)?;
        }
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Samples(samples) => made.extend(sounds(samples.finish()?)),
            Step::Whole(Kind::File(name)) => {
                made.push(Sound::Remark(Remark::OtherSound));
                made.extend(sounds(self.decoded(name)?));
            }
            Step::Whole(_) => return Err(self.no_sound()),
            Step::Head | Step::Over => {}
        }
        let sounds = made.iter().any(|it| matches!(it, Sound::Samples(_)));
        if self.must_sound && !self.has_sounded && !sounds {
            return Err(self.place.garbled("sent no sound"));
        }
        Ok(made)
    }

    fn decoded(&self, name: &str) -> Result<Vec<f32>, StageError> {
        let unreadable = |why: &dyn std::fmt::Display| {
            self.place.garbled(&format!(
                "sent {name} in place of plain samples (response_format pcm), which cannot be decoded: {why}"
            ))
        };
        let file = || -> std::io::Result<tempfile::NamedTempFile> {
            let suffix = format!(".{}", name.to_ascii_lowercase());
            let mut file = tempfile::Builder::new().suffix(&suffix).tempfile()?;
            file.write_all(&self.head)?;
            file.flush()?;
            Ok(file)
        };
        let file = file().map_err(|error| unreadable(&error))?;
        decode::read(file.path()).map_err(|error| {
            let path = file.path().display().to_string();
            unreadable(&error.to_string().replace(&path, "it"))
        })
    }

    /// What came in place of sound.
    fn no_sound(&self) -> StageError {
        let text = String::from_utf8_lossy(&self.head);
        let text = text.trim_start_matches('\u{feff}').trim();
        let value = serde_json::from_str::<Value>(text).ok();
        let why = match (page_title(text), value) {
            (Some(page), _) => format!("sent {page}, in place of sound"),
            (None, Some(value)) => match words_of(&value) {
                Some(words) => format!("reports in place of sound: {words}"),
                None => format!("sent JSON in place of sound: {text}"),
            },
            (None, None) if text.is_empty() => "sent no sound".to_owned(),
            (None, None) => format!("sent {} in place of sound: {text}", self.label.kind),
        };
        self.place.garbled(&self.place.plain(&why))
    }
}

impl Samples {
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<f32>, StageError> {
        let bytes = match &mut self.left {
            Some(left) => {
                let own = &bytes[..bytes.len().min(*left)];
                *left -= own.len();
                own
            }
            None => bytes,
        };
        let mut all = Vec::with_capacity(bytes.len() + 1);
        all.extend(self.half.take());
        all.extend_from_slice(bytes);
        if all.len() % 2 == 1 {
            self.half = all.pop();
        }
        let pcm: Vec<f32> = all
            .chunks_exact(2)
            .map(|pair| f32::from((self.sample)([pair[0], pair[1]])) / 32_768.0)
            .collect();
        let mut samples = Vec::new();
        self.resampler
            .push(&pcm, &mut samples)
            .map_err(|error| StageError::Failed(error.to_string()))?;
        Ok(samples)
    }

    fn finish(self) -> Result<Vec<f32>, StageError> {
        let mut samples = Vec::new();
        self.resampler
            .finish(&mut samples)
            .map_err(|error| StageError::Failed(error.to_string()))?;
        Ok(samples)
    }
}

fn sounds(samples: Vec<f32>) -> Vec<Sound> {
    match samples.is_empty() {
        true => Vec::new(),
        false => vec![Sound::Samples(samples)],
    }
}
