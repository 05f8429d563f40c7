//! The chunks of a RIFF, AIFF, CAF or Wave64 file, one after the other.

use super::layout::Order;
use super::source::Source;
use crate::audio::AudioError;

/// Chunks looked at. Real files have fewer than twenty.
const CHUNKS_MAX: usize = 1_000;

/// How chunks are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A name of 4 bytes and a size of 4; the next chunk begins at an even position.
    Padded(Order),
    /// A name of 16 bytes, of which the first 4 tell enough, and a size of 8 that counts those 24 bytes; the next
    /// chunk begins at a multiple of 8.
    Wave64,
    /// A name of 4 bytes and a size of 8, of the high byte first; the next chunk follows.
    Caf,
}

/// A chunk: where its contents begin, and how many bytes it says it has.
pub(super) struct Chunk {
    pub(super) name: [u8; 4],
    pub(super) start: u64,
    pub(super) bytes: u64,
}

/// Goes from chunk to chunk.
pub(super) struct Chunks {
    style: Style,
    position: u64,
    left: usize,
}

impl Chunks {
    /// From a position on, in bytes from the start of the file.
    pub(super) fn from(style: Style, position: u64) -> Self {
        Self {
            style,
            position,
            left: CHUNKS_MAX,
        }
    }

    /// The next chunk; `None` at the end of the file, or where sizes lead beyond it.
    pub(super) fn next(&mut self, source: &mut Source) -> Result<Option<Chunk>, AudioError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let at = self.position;
        let chunk = match self.style {
            Style::Padded(order) => source.at::<8>(at)?.map(|[a, b, c, d, size @ ..]| Chunk {
                name: [a, b, c, d],
                start: at + 8,
                bytes: u64::from(order.u32(size)),
            }),
            Style::Wave64 => {
                let sizes: Option<[u8; 8]> = source.at(at.saturating_add(16))?;
                let name = source.at(at)?;
                name.zip(sizes).map(|(name, size)| Chunk {
                    name,
                    start: at + 24,
                    bytes: u64::from_le_bytes(size).saturating_sub(24),
                })
            }
            Style::Caf => {
                let sizes: Option<[u8; 8]> = source.at(at.saturating_add(4))?;
                let name = source.at(at)?;
                name.zip(sizes).map(|(name, size)| Chunk {
                    name,
                    start: at + 12,
                    bytes: u64::from_be_bytes(size),
                })
            }
        };
        if let Some(chunk) = &chunk {
            self.position = self.end(chunk, source)?;
        }
        Ok(chunk)
    }

    /// Where the chunk behind `chunk` begins.
    fn end(&self, chunk: &Chunk, source: &mut Source) -> Result<u64, AudioError> {
        let end = chunk.start.saturating_add(chunk.bytes);
        Ok(match self.style {
            Style::Caf => end,
            Style::Wave64 => end.checked_next_multiple_of(8).unwrap_or(u64::MAX),
            Style::Padded(_) if end.is_multiple_of(2) => end,
            // Some writers forget the byte.
            Style::Padded(_) => {
                let is_known = |name: Option<[u8; 4]>| name.is_some_and(|name| is_known(&name));
                let is_padded = is_known(source.at(end + 1)?) || !is_known(source.at(end)?);
                end + u64::from(is_padded)
            }
        })
    }
}

/// Whether a chunk of this name is common in files of sound.
pub(super) fn is_known(name: &[u8; 4]) -> bool {
    matches!(
        name,
        b"fmt "
            | b"data"
            | b"fact"
            | b"LIST"
            | b"bext"
            | b"cue "
            | b"smpl"
            | b"inst"
            | b"PEAK"
            | b"JUNK"
            | b"junk"
            | b"PAD "
            | b"FLLR"
            | b"iXML"
            | b"id3 "
            | b"ID3 "
            | b"COMM"
            | b"SSND"
            | b"FVER"
            | b"NAME"
            | b"AUTH"
            | b"ANNO"
            | b"(c) "
            | b"MARK"
            | b"COMT"
            | b"CHAN"
            | b"APPL"
    )
}
