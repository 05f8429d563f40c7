//! The samples that a voice on a server sends: plain ones as they come, and what else there is decoded if a decoder
//! knows it. What is no sound is never played; it is told what it is.

use super::server::{Place, body_of};
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
/// As many bytes tell what they are.
const HEAD_BYTES: usize = 16;
/// As many tell where sound is coded in frames without a name, or which byte of a sample comes first: more than two
/// frames of AAC.
const FRAMES_BYTES: usize = 17 << 10;

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

/// What a server says that it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    /// `audio/pcm`, in lower case and without parameters.
    kind: String,
    rate: Option<u32>,
}

impl Label {
    fn of(label: &str) -> Label {
        let label = label.to_ascii_lowercase();
        let mut parts = label.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_owned();
        let rate = parts
            .filter_map(|part| part.strip_prefix("rate="))
            .find_map(|rate| rate.trim_matches('"').parse().ok())
            .filter(|rate| (8_000..=48_000).contains(rate));
        Label { kind, rate }
    }

    fn is_text(&self) -> bool {
        let words = ["json", "html", "xml"];
        self.kind.starts_with("text/") || words.iter().any(|word| self.kind.contains(word))
    }

    /// How sound of this kind is coded, if it is not plain samples.
    fn coding(&self) -> Option<&'static str> {
        let codings = [
            ("mpeg", "MP3"),
            ("mp3", "MP3"),
            ("aac", "AAC"),
            ("opus", "Opus"),
            ("ogg", "Ogg"),
            ("webm", "WebM"),
            ("mp4", "MP4"),
            ("m4a", "MP4"),
            ("flac", "FLAC"),
        ];
        let found = codings.iter().find(|(word, _)| self.kind.contains(word));
        found
            .filter(|_| self.kind.starts_with("audio/"))
            .map(|(_, name)| *name)
    }

    /// Whether the first byte of a sample is said to be the greater one.
    fn is_big_endian(&self) -> bool {
        self.kind == "audio/l16"
    }
}

/// What bytes are, as far as they tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Samples,
    /// A file of this kind.
    File(&'static str),
    Text,
    /// More bytes are needed to tell.
    Unclear,
}

impl Kind {
    fn of(label: &Label, head: &[u8], is_all: bool) -> Kind {
        let has = |magic: &[u8], at: usize| head.get(at..).is_some_and(|it| it.starts_with(magic));
        let files: [(&[u8], usize, &str); 12] = [
            (b"RIFF", 0, "WAV"),
            (b"RIFX", 0, "WAV"),
            (b"RF64", 0, "WAV"),
            (b"ID3", 0, "MP3"),
            (b"OggS", 0, "Ogg"),
            (b"fLaC", 0, "FLAC"),
            (b"ftyp", 4, "MP4"),
            (b"\x1a\x45\xdf\xa3", 0, "WebM"),
            (b"FORM", 0, "AIFF"),
            (b"caff", 0, "CAF"),
            (b".snd", 0, "AU"),
            (b"#!AMR", 0, "AMR"),
        ];
        let is_enough = |bytes| is_all || head.len() >= bytes;
        if !is_enough(HEAD_BYTES) {
            return Kind::Unclear;
        }
        if let Some((.., name)) = files.iter().find(|(magic, at, _)| has(magic, *at)) {
            return Kind::File(name);
        }
        if label.is_text() || looks_like_text(head) {
            return Kind::Text;
        }
        let has_frames = matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0);
        let needs_more = has_frames || label.coding().is_some() || label.is_big_endian();
        if needs_more && !is_enough(FRAMES_BYTES) {
            return Kind::Unclear;
        }
        match (has_frames.then(|| framed(head)).flatten(), label.coding()) {
            (Some(name), _) => Kind::File(name),
            // Many say that they send MP3, and send the plain samples that they were asked for.
            (None, Some(name)) if !is_smooth(head, i16::from_le_bytes) => Kind::File(name),
            _ => Kind::Samples,
        }
    }
}

/// Whether bytes begin like JSON or a page.
fn looks_like_text(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let begins = head.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let head = &head[..head.len().min(HEAD_BYTES)];
    matches!(begins, Some(b'{' | b'[' | b'<')) && head.iter().all(is_printable)
}

/// What frames without a container are, if there are two of them behind each other.
fn framed(head: &[u8]) -> Option<&'static str> {
    let (length, name) = match head {
        // ADTS: 13 bits of length in the fourth to the sixth byte.
        [0xff, second, _, a, b, c, ..] if second & 0xf6 == 0xf0 => {
            let bits = [*a & 3, *b, *c].map(usize::from);
            (bits[0] << 11 | bits[1] << 3 | bits[2] >> 5, "AAC")
        }
        [0xff, second, third, ..] => (mp3_frame_bytes(*second, *third)?, "MP3"),
        _ => return None,
    };
    let next = head.get(length.max(4)..)?;
    matches!(next, [0xff, second, ..] if second & 0xe0 == 0xe0).then_some(name)
}

/// The length of a frame of MP3, by ISO 11172-3 and 13818-3.
fn mp3_frame_bytes(second: u8, third: u8) -> Option<usize> {
    const FIRST: [usize; 14] = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ];
    const SECOND: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    const RATES: [usize; 3] = [44_100, 48_000, 32_000];
    let is_third_layer = second & 6 == 2;
    let version = second >> 3 & 3;
    let index = usize::from(third >> 4).checked_sub(1)?;
    let rate = RATES.get(usize::from(third >> 2 & 3))?;
    let (kbits, rate, samples) = match version {
        3 => (FIRST.get(index)?, *rate, 144),
        2 => (SECOND.get(index)?, rate / 2, 72),
        0 => (SECOND.get(index)?, rate / 4, 72),
        _ => return None,
    };
    let padding = usize::from(third >> 1 & 1);
    is_third_layer.then_some(samples * kbits * 1_000 / rate + padding)
}

/// Whether bytes are samples in this order, as speech is: each near the one before, where those of a coded or a turned
/// sound are not.
fn is_smooth(bytes: &[u8], sample: fn([u8; 2]) -> i16) -> bool {
    let samples: Vec<f64> = bytes
        .chunks_exact(2)
        .map(|pair| f64::from(sample([pair[0], pair[1]])))
        .collect();
    let product = |lag: usize| -> f64 {
        let pairs = samples.iter().zip(samples.iter().skip(lag));
        pairs.map(|(one, other)| one * other).sum()
    };
    product(1) >= SMOOTH * product(0)
}

/// The least correlation of a sample of speech with the next one, over a third of a second.
const SMOOTH: f64 = 0.5;

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
                self.is(kind)
            }
        }
    }

    /// Goes on as is right for what comes.
    fn is(&mut self, kind: Kind) -> Result<Vec<Sound>, StageError> {
        match kind {
            Kind::Unclear => Ok(Vec::new()),
            Kind::Samples => {
                let is_turned = self.label.is_big_endian()
                    && is_smooth(&self.head, i16::from_be_bytes)
                    && !is_smooth(&self.head, i16::from_le_bytes);
                let rate = self.label.rate.unwrap_or(self.rate);
                let resampler = StreamResampler::new(rate, SAMPLE_RATE)
                    .map_err(|error| StageError::Failed(error.to_string()))?;
                let mut samples = Box::new(Samples {
                    resampler,
                    sample: match is_turned {
                        true => i16::from_be_bytes,
                        false => i16::from_le_bytes,
                    },
                    half: None,
                });
                let made = samples.take(&std::mem::take(&mut self.head))?;
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
            made = self.is(kind)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn speech() -> Vec<i16> {
        (0..20_000)
            .map(|at| (8_000.0 * (f64::from(at) * 0.06).sin()) as i16)
            .collect()
    }

    fn noise() -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..20_000).map(|_| next()).collect()
    }

    fn kind(label: &str, bytes: &[u8]) -> Kind {
        Kind::of(&Label::of(label), bytes, true)
    }

    #[test]
    fn what_bytes_are_is_told_by_the_bytes_first() {
        let samples: Vec<u8> = speech().iter().flat_map(|it| it.to_le_bytes()).collect();
        for label in [
            "audio/pcm",
            "application/octet-stream",
            "",
            "audio/mpeg",
            "audio/L16;rate=24000",
        ] {
            assert_eq!(kind(label, &samples), Kind::Samples, "{label}");
        }
        assert_eq!(
            kind("audio/pcm", b"ID3\x03 and so on, for a while"),
            Kind::File("MP3")
        );
        assert_eq!(kind("audio/pcm", b"RIFF0000WAVEfmt "), Kind::File("WAV"));
        assert_eq!(kind("audio/opus", &noise()), Kind::File("Opus"));
        assert_eq!(
            kind("application/octet-stream", b"{\"error\":\"no such voice\"}"),
            Kind::Text
        );
        assert_eq!(
            kind("text/html; charset=utf-8", b"Log in, please, to go on."),
            Kind::Text
        );
        assert_eq!(kind("audio/pcm", b""), Kind::Samples);
        assert_eq!(
            Kind::of(&Label::of("audio/pcm"), b"RI", false),
            Kind::Unclear
        );
    }

    #[test]
    fn frames_without_a_container_are_known_by_two_of_them() {
        // Layer III of MPEG 1 at 128 kbit/s and 44,100 Hz: frames of 417 bytes.
        let mut mp3 = vec![0; 417 + 4];
        mp3[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        assert_eq!(framed(&mp3), None);
        mp3[417..].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        assert_eq!(framed(&mp3), Some("MP3"));
        let mut aac = vec![0; 40];
        aac[..7].copy_from_slice(&[0xff, 0xf1, 0x4c, 0x80, 0x02, 0x9f, 0xfc]);
        aac[20..22].copy_from_slice(&[0xff, 0xf1]);
        assert_eq!(framed(&aac), Some("AAC"));
    }

    #[test]
    fn which_byte_of_a_sample_comes_first_can_be_heard() {
        let turned: Vec<u8> = speech().iter().flat_map(|it| it.to_be_bytes()).collect();
        assert!(is_smooth(&turned, i16::from_be_bytes));
        assert!(!is_smooth(&turned, i16::from_le_bytes));
        assert!(!is_smooth(&noise(), i16::from_le_bytes));
        // Silence is as it is.
        assert!(is_smooth(&[0; 100], i16::from_le_bytes));
    }

    #[test]
    fn a_label_may_tell_the_rate() {
        assert_eq!(
            Label::of("audio/L16; Rate=8000;channels=1").rate,
            Some(8_000)
        );
        assert_eq!(Label::of("audio/pcm;rate=1").rate, None);
    }
}
