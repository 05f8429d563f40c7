//! Why weights could not be converted.

use std::io;

/// Why weights could not be converted. [`ConvertError::Write`] alone blames this machine; for all others, another
/// source may do better.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    /// The source cannot be read.
    #[error("cannot read the CTranslate2 model: {0}")]
    Read(#[source] io::Error),
    /// The result cannot be written.
    #[error("cannot write the converted model: {0}")]
    Write(#[source] io::Error),
    /// A model of another kind than a float16 Whisper.
    #[error("this CTranslate2 model is not supported: {0}")]
    NotSupported(String),
    /// The source contradicts itself, lacks something or ends too early.
    #[error("the CTranslate2 model is damaged: {0}")]
    Damaged(String),
}

impl From<io::Error> for ConvertError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => ConvertError::Damaged("it ends too early".to_owned()),
            _ => ConvertError::Read(error),
        }
    }
}
