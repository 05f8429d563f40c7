//! Voice activity of a whole recording, by Silero's network: a second opinion on earshot's.
//!
//! Silero VAD (MIT) is a small network over 32 ms of sound. Its "sequence" form takes many steps in one go and hands on
//! the state between them, which suits a recording. It does not tell when a voice begins or ends better than energy
//! does; it tells voices from music, typing, coughs and noise.

use crate::audio::SAMPLE_RATE;
use crate::files;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples of a step: 32 ms.
pub const STEP_SAMPLES: usize = 512;
/// Milliseconds of a step.
pub const STEP_MS: usize = STEP_SAMPLES * 1_000 / SAMPLE_RATE as usize;
/// Samples of the step before that the network hears again.
const CONTEXT: usize = 64;
/// Numbers in each of the two halves of the state.
const STATE: usize = 128;
/// Steps in one go: 8 s. More need more memory and are no faster.
const STEPS_MAX: usize = 256;
/// The largest model file read, in bytes; the published one has 1.2 MB.
const MODEL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why Silero cannot be used. The text names the file.
#[derive(Debug, thiserror::Error)]
pub enum SileroError {
    /// The file cannot be read, or is no such model.
    #[error("{path}: is no Silero VAD model: {reason}; voicesim models install silero-vad", path = path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A loaded model, which any number of channels share.
pub struct SileroModel {
    model: Model,
    nodes: Nodes,
    pool: Arc<ThreadPool>,
}

struct Nodes {
    input: NodeId,
    state: [NodeId; 2],
    outputs: [NodeId; 3],
}

impl SileroModel {
    /// Loads `silero_vad_16k_sequence.onnx`.
    ///
    /// # Errors
    /// A file that is missing, too large, or another model.
    pub fn load(path: &Path) -> Result<SileroModel, SileroError> {
        let invalid = |reason: String| SileroError::Model {
            path: path.to_owned(),
            reason,
        };
        let bytes =
            files::read(path, MODEL_BYTES_MAX).map_err(|error| invalid(error.to_string()))?;
        let model = ModelOptions::with_all_ops()
            .load(bytes)
            .map_err(|error| invalid(error.to_string()))?;
        let node = |name: &str| {
            model
                .find_node(name)
                .ok_or_else(|| invalid(format!("it has no {name:?}")))
        };
        let nodes = Nodes {
            input: node("input")?,
            state: [node("h")?, node("c")?],
            outputs: [node("speech_probs")?, node("hn")?, node("cn")?],
        };
        let loaded = SileroModel {
            model,
            nodes,
            pool: Arc::new(ThreadPool::with_num_threads(1)),
        };
        // A model that takes other shapes shows it here, not in the middle of a call.
        let mut trial = Silero::new(Arc::new(loaded));
        let mut steps = 0;
        trial.hear(&[0.0; STEP_SAMPLES], &mut |_| steps += 1);
        trial.flush(&mut |_| steps += 1).map_err(invalid)?;
        let Silero { model, .. } = trial;
        Arc::into_inner(model)
            .filter(|_| steps == 1)
            .ok_or_else(|| invalid("it gives no probability for each step".to_owned()))
    }
}

/// Listens to one channel at 16 kHz.
pub struct Silero {
    model: Arc<SileroModel>,
    /// The end of the step before, then what was not looked at yet.
    waiting: Vec<f32>,
    state: [Vec<f32>; 2],
    failure: Option<String>,
}

impl Silero {
    /// A listener at the beginning of a channel.
    pub fn new(model: Arc<SileroModel>) -> Silero {
        Silero {
            model,
            waiting: vec![0.0; CONTEXT],
            state: [vec![0.0; STATE], vec![0.0; STATE]],
            failure: None,
        }
    }

    /// Hears more of the channel; `take` is handed the probability of a voice of each step, in 0..=1, in order, some
    /// of them later.
    pub fn hear(&mut self, mut samples: &[f32], take: &mut dyn FnMut(f32)) {
        const BLOCK: usize = CONTEXT + STEPS_MAX * STEP_SAMPLES;
        while !samples.is_empty() {
            let room = BLOCK - self.waiting.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.waiting.extend_from_slice(now);
            samples = later;
            if self.waiting.len() == BLOCK {
                self.block(take);
            }
        }
    }

    /// The steps that were heard and not handed on yet, the last one filled up with silence.
    ///
    /// # Errors
    /// What went wrong with the model at any time.
    pub fn flush(&mut self, take: &mut dyn FnMut(f32)) -> Result<(), String> {
        let rest = (self.waiting.len() - CONTEXT).div_ceil(STEP_SAMPLES) * STEP_SAMPLES;
        if rest > 0 {
            self.waiting.resize(CONTEXT + rest, 0.0);
            self.block(take);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn block(&mut self, take: &mut dyn FnMut(f32)) {
        if self.failure.is_none() {
            match self.run() {
                Ok(probabilities) => probabilities.into_iter().for_each(take),
                Err(reason) => self.failure = Some(reason),
            }
        }
        self.waiting.drain(..self.waiting.len() - CONTEXT);
    }

    fn run(&mut self) -> Result<Vec<f32>, String> {
        let steps = (self.waiting.len() - CONTEXT) / STEP_SAMPLES;
        let input: Vec<f32> = (0..steps)
            .flat_map(|step| &self.waiting[step * STEP_SAMPLES..][..CONTEXT + STEP_SAMPLES])
            .copied()
            .collect();
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let value = |shape: &[usize], data: Vec<f32>| {
            Value::from_shape(shape, data).map_err(|error| failed(&error))
        };
        let [h, c] = self.state.each_mut().map(std::mem::take);
        let nodes = &self.model.nodes;
        let inputs = vec![
            (
                nodes.input,
                value(&[steps, CONTEXT + STEP_SAMPLES], input)?.into(),
            ),
            (nodes.state[0], value(&[1, 1, STATE], h)?.into()),
            (nodes.state[1], value(&[1, 1, STATE], c)?.into()),
        ];
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.model.pool)));
        let outputs = self
            .model
            .model
            .run(inputs, &nodes.outputs, Some(options))
            .map_err(|error| failed(&error))?;
        let mut outputs = outputs.into_iter().map(|output| {
            let tensor = output.into_tensor::<f32>();
            tensor.map(|tensor| tensor.into_data()).unwrap_or_default()
        });
        let mut next = || outputs.next().unwrap_or_default();
        let probabilities = next();
        self.state = [next(), next()];
        match probabilities.len() == steps && self.state.iter().all(|half| half.len() == STATE) {
            true => Ok(probabilities),
            false => Err("it gives other numbers than it should".to_owned()),
        }
    }
}
