//! The network, on rten.

use super::super::needs::SMART_TURN_MODEL;
use super::log_mel::{BANDS, LogMel, STEPS};
use crate::files;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest model file read, in bytes; the published one has 8.7 MB.
const MODEL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why Smart Turn cannot be used. The text names the file.
#[derive(Debug, thiserror::Error)]
#[error("{path}: is no Smart Turn model: {reason}; voicesim models install {name}", path = path.display(), name = SMART_TURN_MODEL)]
pub(super) struct SmartTurnError {
    path: PathBuf,
    reason: String,
}

/// A loaded network with its front end.
pub(super) struct SmartTurnModel {
    model: Model,
    input: NodeId,
    output: NodeId,
    one_thread: Arc<ThreadPool>,
    two_threads: Arc<ThreadPool>,
    spectrum: LogMel,
}

impl SmartTurnModel {
    /// Loads `smart-turn-v3.2-cpu.onnx`.
    ///
    /// # Errors
    /// A file that is missing, too large, or another model.
    pub(super) fn load(path: &Path) -> Result<SmartTurnModel, SmartTurnError> {
        let invalid = |reason: String| SmartTurnError {
            path: path.to_owned(),
            reason,
        };
        let bytes =
            files::read(path, MODEL_BYTES_MAX).map_err(|error| invalid(error.to_string()))?;
        let model = ModelOptions::with_all_ops()
            .load(bytes)
            .map_err(|error| invalid(error.to_string()))?;
        let one = |nodes: &[NodeId], what| match nodes {
            [node] => Ok(*node),
            all => Err(invalid(format!("it has {} {what}, not one", all.len()))),
        };
        let pool = |threads| Arc::new(ThreadPool::with_num_threads(threads));
        Ok(SmartTurnModel {
            input: one(model.input_ids(), "inputs")?,
            output: one(model.output_ids(), "outputs")?,
            model,
            one_thread: pool(1),
            two_threads: pool(2),
            spectrum: LogMel::new(),
        })
    }

    /// The probability, in 0..=1, that whoever spoke this 16 kHz sound has finished, computed on one or two threads.
    ///
    /// # Errors
    /// A model of other shapes than the published one's.
    pub(super) fn finished(&mut self, sound: &[f32], threads: u32) -> Result<f64, String> {
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let spectrum = self.spectrum.of(sound);
        let input = Value::from_shape(&[1, BANDS, STEPS], spectrum).map_err(|e| failed(&e))?;
        let pool = match threads {
            0 | 1 => &self.one_thread,
            _ => &self.two_threads,
        };
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let (model, from, to) = (&self.model, self.input, self.output);
        let outputs = pool.run(|| model.run(vec![(from, input.into())], &[to], Some(options)));
        let output = outputs.map_err(|error| failed(&error))?.pop();
        let numbers = output
            .and_then(Value::into_tensor::<f32>)
            .map(|tensor| tensor.into_data());
        match numbers.as_deref() {
            Some([probability]) if (0.0..=1.0).contains(probability) => Ok((*probability).into()),
            _ => Err("its output is no probability".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The network is quantised: where it is in doubt, ONNX Runtime differs from itself by half, with and without its
    /// optimisations. These are recordings on which it agrees with itself.
    const ONNX_RUNTIME: [(&str, f64); 2] = [("piper-average", 0.988), ("piper-pause", 0.98)];

    #[test]
    fn where_the_model_is_installed_it_says_what_it_says_elsewhere() {
        let Ok(path) = crate::models::locate(SMART_TURN_MODEL) else {
            return;
        };
        let mut model = SmartTurnModel::load(&path).expect("the model");
        for (name, expected) in ONNX_RUNTIME {
            let wav = Path::new("audio/fixtures").join(format!("{name}.wav"));
            let sound = crate::audio::decode::read(&wav).expect("a recording");
            for threads in [1, 2] {
                let found = model.finished(&sound, threads).expect("a probability");
                assert!((found - expected).abs() < 0.02, "{name}: {found}");
            }
        }
    }

    #[test]
    fn files_that_are_no_model_are_errors_that_name_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("turn.onnx");
        let told = || match SmartTurnModel::load(&path) {
            Ok(_) => panic!("it is no model"),
            Err(error) => error.to_string(),
        };
        assert!(told().contains("turn.onnx: is no Smart Turn model"));
        std::fs::write(&path, b"not a model at all").expect("a file");
        assert!(told().contains("voicesim models install smart-turn-v3.2"));
    }
}
