//! How loud a measured call is, and the sound of its worst moments: `moments.json` and `moments.wav` in the folder that
//! `measure --out` writes.
//!
//! Loudness says who is heard when, and nothing of what is said; the sound holds voices, and is kept only where it may
//! be. Both are there for pages: no figure is made from them.

use super::StoreError;
use super::document::{self, Document};
use crate::event::Tick;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The name of the document in its folder.
const NAME: &str = "moments.json";
/// A longer document is refused: a day takes 23 MB.
const BYTES_MAX: u64 = 1 << 25;
/// More moments than this are refused.
const SPANS_MAX: usize = 1_000;

/// The loudness of both sides of a call, and which stretches of its sound are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    /// [`Moments::SCHEMA`].
    pub schema: String,
    /// The length of a step of loudness, in nanoseconds; above zero.
    pub step_ns: u64,
    /// The loudest sample of the caller in every step, as a share of 255.
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    pub caller: Vec<u8>,
    /// The loudest sample of the agent in every step, as a share of 255; as many as of the caller.
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    pub agent: Vec<u8>,
    /// The stretches of the call that lie end to end in `moments.wav`, in order; empty if no sound is kept.
    pub spans: Vec<Span>,
}

/// A stretch of a call, in nanoseconds from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where the stretch begins.
    pub from_ns: u64,
    /// Where the stretch ends, behind its beginning.
    pub to_ns: u64,
}

impl From<&Range<Tick>> for Span {
    fn from(range: &Range<Tick>) -> Span {
        Span {
            from_ns: range.start.0,
            to_ns: range.end.0,
        }
    }
}

impl Document for Moments {
    const NAME: &str = NAME;
    const BYTES_MAX: u64 = BYTES_MAX;
    const KNOWN: &str = Moments::SCHEMA;

    fn schema(&self) -> &str {
        &self.schema
    }
}

impl Moments {
    /// The schema that this version writes and reads.
    pub const SCHEMA: &'static str = "voicesim.moments/1";

    /// Where the document is kept.
    pub fn document(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Where the sound of the moments is kept: 16 kHz, 16 bits, the caller left and the agent right.
    pub fn wav(folder: &Path) -> PathBuf {
        folder.join("moments.wav")
    }

    /// Writes the document into the folder of a measured call.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        document::write(folder, self)
    }

    /// Reads the document of a folder; `None` if the folder has none.
    ///
    /// # Errors
    /// Fails if it cannot be read, or is none that this version knows.
    pub fn read(folder: &Path) -> Result<Option<Moments>, StoreError> {
        let Some(own) = document::read::<Moments>(folder)? else {
            return Ok(None);
        };
        let ends = own.spans.iter().flat_map(|span| [span.from_ns, span.to_ns]);
        let ends: Vec<u64> = ends.collect();
        let is_well = own.step_ns > 0
            && own.caller.len() == own.agent.len()
            && own.spans.len() <= SPANS_MAX
            && own.spans.iter().all(|span| span.from_ns < span.to_ns)
            && ends.is_sorted();
        match is_well {
            true => Ok(Some(own)),
            false => Err(document::wrong::<Moments>(
                folder,
                "its sides differ in length, or its spans are not in order".into(),
            )),
        }
    }
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

fn from_base64<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD
        .decode(text)
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(spans: &[(u64, u64)]) -> Moments {
        let span = |(from_ns, to_ns): &(u64, u64)| Span {
            from_ns: *from_ns,
            to_ns: *to_ns,
        };
        Moments {
            schema: Moments::SCHEMA.into(),
            step_ns: 10_000_000,
            caller: vec![0, 9, 255],
            agent: vec![7, 0, 0],
            spans: spans.iter().map(span).collect(),
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Moments::read(folder.path()).expect("none"), None);
        let own = moments(&[(0, 10), (20, 25)]);
        own.write(folder.path()).expect("written");
        assert_eq!(Moments::read(folder.path()).expect("read"), Some(own));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = Moments {
            schema: "voicesim.moments/9".into(),
            ..moments(&[])
        };
        let uneven = Moments {
            agent: vec![1],
            ..moments(&[])
        };
        let still = Moments {
            step_ns: 0,
            ..moments(&[])
        };
        for wrong in [
            other,
            uneven,
            still,
            moments(&[(10, 10)]),
            moments(&[(10, 30), (20, 40)]),
        ] {
            wrong.write(folder.path()).expect("written");
            let error = Moments::read(folder.path()).expect_err("refused");
            assert!(error.to_string().contains("moments.json"), "{error}");
        }
        std::fs::write(folder.path().join(NAME), "{\"caller\": \"%\"").expect("written");
        assert!(Moments::read(folder.path()).is_err());
    }
}
