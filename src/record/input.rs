//! Telling inputs of a stage apart, so that a recorded output can be found again.

use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

/// The identity of an input to a stage: SHA-256 over its parts, each behind its length. A clone is
/// a handle on the same hash, because an input that streams is known only bit by bit.
#[derive(Clone)]
pub struct InputHash(Option<Rc<RefCell<Sha256>>>);

impl Default for InputHash {
    fn default() -> InputHash {
        InputHash(Some(Rc::default()))
    }
}

/// A value that can be told from every other one by its hash.
/// # Example
/// ```
/// use std::rc::Rc;
/// use voicesim::stage::{Identified, Question};
///
/// let question = |text: &str| {
///     let (text, history) = (text.into(), Rc::default());
///     Question { text, history, interrupts: false, }.identity().hex()
/// };
/// assert_eq!(question("Where?"), question("Where?"));
/// assert_ne!(question("Where?"), question("When?"));
/// ```
pub trait Identified {
    /// The hash of the value; of an input that streams, a handle on the hash so far.
    fn identity(&self) -> InputHash;
}

impl InputHash {
    /// The hash of an input that nobody will look for: adding to it takes no work, and it stays empty.
    pub fn unknown() -> InputHash {
        InputHash(None)
    }

    /// Adds a part, behind its length.
    pub fn add(&self, part: &[u8]) {
        if let Some(hash) = &self.0 {
            let mut hash = hash.borrow_mut();
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }

    /// Adds sound. How it is cut into frames makes no difference.
    pub fn add_samples(&self, samples: &[f32]) {
        if let Some(hash) = &self.0 {
            let mut hash = hash.borrow_mut();
            for sample in samples {
                hash.update(sample.to_le_bytes());
            }
        }
    }

    /// The first 16 bytes of the hash so far, in hexadecimal: 32 characters, or none if it is unknown.
    pub fn hex(&self) -> String {
        let Some(hash) = &self.0 else {
            return String::new();
        };
        let hash = hash.borrow().clone().finalize();
        hash.iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
