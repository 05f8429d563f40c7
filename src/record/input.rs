//! Telling inputs of a stage apart, so that a recorded output can be found again.

use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

/// The identity of an input to a stage: SHA-256 over its parts, each behind its length. A clone is
/// a handle on the same hash, because an input that streams is known only bit by bit.
#[derive(Clone, Default)]
pub struct InputHash(Rc<RefCell<Sha256>>);

impl InputHash {
    pub fn add(&self, part: &[u8]) {
        let mut hash = self.0.borrow_mut();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }

    /// Adds sound. How it is cut into frames makes no difference.
    pub fn add_samples(&self, samples: &[f32]) {
        let mut hash = self.0.borrow_mut();
        for sample in samples {
            hash.update(sample.to_le_bytes());
        }
    }

    /// The first 16 bytes of the hash so far, in hexadecimal: 32 characters.
    pub fn hex(&self) -> String {
        let hash = self.0.borrow().clone().finalize();
        hash.iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
