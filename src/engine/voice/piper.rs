//! A Piper voice (VITS in an ONNX file) run in this process on rten, its phonemes from espeak-ng.
//!
//! A voice is two files: `NAME.onnx`, and beside it `NAME.onnx.json` with the sample rate, the espeak-ng voice, the
//! three scales and the number of each phoneme. The model takes `input` (1 × n phoneme numbers), `input_lengths` (n)
//! and `scales` (noise, length, noise of the durations), and gives n-dependent samples in -1..=1.
//!
//! **Repeatable speech.** VITS draws noise, and the files set no seed for it. rten draws it from fastrand's generator of
//! the thread that runs the model, and only the arithmetic inside of an operator is shared among threads; so that
//! thread is seeded before each clause, and the same clause gives the same samples, whatever was spoken before, on
//! one thread or two. That holds on one kind of processor; another set of vector instructions rounds differently.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};

use super::phonemes::Phonemizer;
use super::piper_config::{Config, Scales, read_bounded};
use super::trim::trim_silence;
use super::{Voice, VoiceError};
use crate::audio::SAMPLE_RATE;
use crate::audio::resample::Resampler;

/// The largest model file read, in bytes; the largest published voices have 120 MB.
const MODEL_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The most phonemes the model gets at once. Its memory grows with them, to 0.5 GB for these; a sentence has about 60.
const PHONEMES_MAX: usize = 250;
/// The fields of ONNX's `ModelProto` and `GraphProto` that a model must have.
const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
/// The most threads that are worth it for a clause.
pub const THREADS_MAX: u32 = 2;
/// What every clause's noise starts from.
const NOISE_SEED: u64 = 0;
/// Spoken to nobody by [`PiperVoice::warm_up`]: "hello".
const WARM_UP_PHONEMES: &str = "həlˈoʊ.";

/// A loaded Piper voice.
pub struct PiperVoice {
    model: Model,
    nodes: Nodes,
    config: Config,
    phonemizer: Phonemizer,
    resampler: Resampler,
    one_thread: Arc<ThreadPool>,
    two_threads: Arc<ThreadPool>,
    threads: u32,
}

/// The inputs and the output of the model.
struct Nodes {
    input: NodeId,
    input_lengths: NodeId,
    scales: NodeId,
    output: NodeId,
}

impl PiperVoice {
    /// Loads `NAME.onnx` and the `NAME.onnx.json` beside it. espeak-ng is started with the first text, or by
    /// [`PiperVoice::warm_up`].
    ///
    /// # Errors
    /// [`VoiceError::ModelUnreadable`] for a file that is missing, [`VoiceError::ModelInvalid`] for one that is not a
    /// Piper voice with one speaker.
    pub fn load(onnx: &Path) -> Result<Self, VoiceError> {
        let config = Config::read(&config_path(onnx))?;
        let bytes = read_bounded(onnx, MODEL_BYTES_MAX)?;
        let invalid = |reason: String| VoiceError::ModelInvalid {
            path: onnx.to_owned(),
            reason,
        };
        if field_of(&bytes, MODEL_GRAPH)
            .and_then(|graph| field_of(graph, GRAPH_NODE))
            .is_none()
        {
            return Err(invalid(
                "it is not an ONNX model, or only a part of one".to_owned(),
            ));
        }
        let model = ModelOptions::with_all_ops()
            .load(bytes)
            .map_err(|error| invalid(error.to_string()))?;
        let nodes = Nodes::of(&model).map_err(invalid)?;
        let resampler = Resampler::new(config.audio.sample_rate, SAMPLE_RATE)
            .map_err(|error| invalid(error.to_string()))?;
        let phonemizer = Phonemizer::new(&config.espeak.voice);
        let pool = |threads| Arc::new(ThreadPool::with_num_threads(threads));
        Ok(Self {
            model,
            nodes,
            config,
            phonemizer,
            resampler,
            one_thread: pool(1),
            two_threads: pool(THREADS_MAX as usize),
            threads: 1,
        })
    }

    /// Starts espeak-ng and runs the model once, so that the first clause is as fast as the next ones.
    ///
    /// # Errors
    /// As [`Voice::speak`].
    pub fn warm_up(&mut self) -> Result<(), VoiceError> {
        self.phonemizer.start()?;
        self.speak_phonemes(WARM_UP_PHONEMES).map(|_| ())
    }

    /// Speaks phonemes of the International Phonetic Alphabet as espeak-ng writes them, `mˈhmm` for a hummed
    /// "mm-hmm"; 16 kHz mono, trimmed as [`Voice::speak`] does. Signs the voice does not know are left out.
    ///
    /// # Errors
    /// [`VoiceError::SynthesisFailed`].
    pub fn speak_phonemes(&mut self, ipa: &str) -> Result<Vec<f32>, VoiceError> {
        let mut samples = Vec::new();
        for piece in pieces_of(ipa.trim()) {
            if let Some(ids) = self.config.phoneme_ids(piece) {
                samples.extend(self.synthesize(ids)?);
            }
        }
        let resampled = self
            .resampler
            .resample(&samples)
            .map_err(|error| failed(&error))?;
        Ok(trim_silence(&resampled, ipa))
    }

    /// One run of the model: phoneme numbers to samples at the model's own rate.
    fn synthesize(&self, ids: Vec<i32>) -> Result<Vec<f32>, VoiceError> {
        let Scales {
            noise_scale,
            length_scale,
            noise_w,
        } = self.config.inference;
        let count = ids.len();
        let length = vec![i32::try_from(count).map_err(|error| failed(&error))?];
        let ids = Value::from_shape([1, count], ids).map_err(|error| failed(&error))?;
        let length = Value::from_shape([1], length).map_err(|error| failed(&error))?;
        let scales = Value::from_shape([3], vec![noise_scale, length_scale, noise_w])
            .map_err(|error| failed(&error))?;
        let nodes = &self.nodes;
        let inputs = vec![
            (nodes.input, ids.into()),
            (nodes.input_lengths, length.into()),
            (nodes.scales, scales.into()),
        ];
        let pool = match self.threads {
            0 | 1 => &self.one_thread,
            _ => &self.two_threads,
        };
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let (model, output) = (&self.model, nodes.output);
        let outputs = pool.run(|| {
            fastrand::seed(NOISE_SEED);
            model.run(inputs, &[output], Some(options))
        });
        let output = outputs.map_err(|error| failed(&error))?.pop();
        let samples = output
            .and_then(Value::into_tensor::<f32>)
            .map(|tensor| tensor.into_data());
        samples.ok_or_else(|| failed(&"the model's output is not sound"))
    }
}

impl Voice for PiperVoice {
    fn speak(&mut self, text: &str) -> Result<Vec<f32>, VoiceError> {
        let phonemes = self.phonemizer.phonemes(text)?;
        self.speak_phonemes(&phonemes)
    }

    fn use_threads(&mut self, threads: u32) {
        self.threads = threads;
    }
}

impl Nodes {
    fn of(model: &Model) -> Result<Self, String> {
        let node = |name| {
            model
                .find_node(name)
                .ok_or_else(|| format!("its model has no input `{name}`"))
        };
        if model.input_ids().len() != 3 {
            return Err(format!(
                "its model has {} inputs, not 3",
                model.input_ids().len()
            ));
        }
        let &[output] = model.output_ids() else {
            return Err(format!(
                "its model has {} outputs, not 1",
                model.output_ids().len()
            ));
        };
        Ok(Self {
            input: node("input")?,
            input_lengths: node("input_lengths")?,
            scales: node("scales")?,
            output,
        })
    }
}

fn failed(reason: &dyn std::fmt::Display) -> VoiceError {
    VoiceError::SynthesisFailed {
        reason: reason.to_string(),
    }
}

fn config_path(onnx: &Path) -> PathBuf {
    let mut path = onnx.as_os_str().to_owned();
    path.push(".json");
    path.into()
}

/// The last field of this number in a message of the protocol-buffers wire format; none if there is none, or if the
/// message is malformed anywhere on its own level.
///
/// Files are looked over so because rten-onnx 0.27 never returns from a number of more than ten bytes, and thus hangs
/// on many a file that is not ONNX.
fn field_of(message: &[u8], number: u64) -> Option<&[u8]> {
    let mut found = None;
    let mut rest = message;
    while !rest.is_empty() {
        let (key, behind) = varint_of(rest)?;
        let (length, behind) = match key & 7 {
            0 => (0, varint_of(behind)?.1),
            1 => (8, behind),
            2 => varint_of(behind)?,
            5 => (4, behind),
            _ => return None,
        };
        let (payload, behind) = behind.split_at_checked(usize::try_from(length).ok()?)?;
        if key >> 3 == number {
            found = Some(payload);
        }
        rest = behind;
    }
    found
}

/// A number of at most ten bytes, seven bits in each, the lowest first; and what lies behind it.
fn varint_of(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let last = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)?;
    let (number, behind) = bytes.split_at(last + 1);
    Some((
        number
            .iter()
            .rev()
            .fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)),
        behind,
    ))
}

/// Splits phonemes into pieces of at most [`PHONEMES_MAX`], after a sentence or else a word.
fn pieces_of(phonemes: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = phonemes;
    while let Some((limit, _)) = rest.char_indices().nth(PHONEMES_MAX) {
        let head = &rest[..limit];
        let end = head
            .rfind(". ")
            .or_else(|| head.rfind(", "))
            .map(|at| at + 1);
        let (piece, behind) = rest.split_at(
            end.or_else(|| head.rfind(' '))
                .filter(|at| *at > 0)
                .unwrap_or(limit),
        );
        pieces.push(piece);
        rest = behind.trim_start();
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::super::piper_config::tests::CONFIG;
    use super::*;

    /// A message of the protocol-buffers wire format (ONNX is one): fields of a number and bytes, lengths in two bytes.
    fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let key = |number: u8, length: usize| {
            [
                number << 3 | 2,
                (length & 0x7f) as u8 | 0x80,
                (length >> 7) as u8,
            ]
        };
        fields
            .iter()
            .flat_map(|(number, bytes)| [&key(*number, bytes.len()), *bytes].concat())
            .collect()
    }

    /// A model with a Piper voice's ends that gives one random sample for each phoneme number.
    fn noise_model() -> Vec<u8> {
        let tensor = |name: &[u8], element_type| {
            message(&[(1, name), (2, &message(&[(1, &[1 << 3, element_type])]))])
        };
        let (float, int64) = (1, 7);
        let graph = message(&[
            (
                1,
                &message(&[(1, b"input"), (2, b"output"), (4, b"RandomNormalLike")]),
            ),
            (11, &tensor(b"input", int64)),
            (11, &tensor(b"input_lengths", int64)),
            (11, &tensor(b"scales", float)),
            (12, &tensor(b"output", float)),
        ]);
        let (ir_version, opset) = ([1 << 3, 8], [2 << 3, 17]);
        [ir_version.as_slice(), &message(&[(8, &opset), (7, &graph)])].concat()
    }

    fn noise_voice() -> PiperVoice {
        let folder = tempfile::tempdir().unwrap();
        let onnx = folder.path().join("noise.onnx");
        std::fs::write(config_path(&onnx), CONFIG).unwrap();
        std::fs::write(&onnx, noise_model()).unwrap();
        PiperVoice::load(&onnx).unwrap()
    }

    #[test]
    fn the_same_phonemes_draw_the_same_noise_whatever_came_before() {
        let mut voice = noise_voice();
        let first = voice.speak_phonemes("mˈhm").unwrap();
        let other = voice.speak_phonemes("hhhmm").unwrap();
        assert!(first.iter().any(|sample| *sample != 0.0));
        assert_ne!(first, other);
        assert_eq!(voice.speak_phonemes("mˈhm").unwrap(), first);
        assert_eq!(
            noise_voice().speak_phonemes("mˈhm").unwrap(),
            first,
            "another voice on another thread"
        );
        voice.use_threads(THREADS_MAX);
        assert_eq!(
            voice.speak_phonemes("mˈhm").unwrap(),
            first,
            "on more threads"
        );
    }

    #[test]
    fn files_that_are_no_voice_are_errors_that_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let onnx = folder.path().join("voice.onnx");
        let load = |error: &str| {
            let found = PiperVoice::load(&onnx)
                .err()
                .map(|error| (error.is_unavailable(), error.to_string()));
            assert!(
                found
                    .as_ref()
                    .is_some_and(|(unavailable, text)| *unavailable && text.contains(error)),
                "{found:?}"
            );
        };
        load("voice.onnx.json");
        std::fs::write(config_path(&onnx), CONFIG).unwrap();
        load("voice.onnx:");
        for bytes in [
            b"".as_slice(),
            b"not a model at all",
            &[0xff; 4_096],
            &[0x3a, 0x00],
            &noise_model()[..90],
        ] {
            std::fs::write(&onnx, bytes).unwrap();
            load("voice.onnx is not a usable Piper voice");
        }
        std::fs::write(config_path(&onnx), "{}").unwrap();
        load("voice.onnx.json is not a usable Piper voice");
    }

    #[test]
    fn long_phonemes_are_split_after_a_sentence_or_a_word() {
        assert_eq!(pieces_of("mˈhm. m"), ["mˈhm. m"]);
        let sentence = format!("{}. ", "mhm ".repeat(50).trim());
        let pieces: Vec<String> = pieces_of(&sentence.repeat(3))
            .iter()
            .map(|piece| piece.trim().to_owned())
            .collect();
        assert_eq!(pieces, vec![sentence.trim(); 3]);
        let unbroken = "m".repeat(2 * PHONEMES_MAX + 1);
        assert_eq!(
            pieces_of(&unbroken)
                .iter()
                .map(|piece| piece.len())
                .collect::<Vec<_>>(),
            [250, 250, 1]
        );
    }
}
