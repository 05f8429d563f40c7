//! Bytes and numbers of a file of turns, and errors that say where they are wrong.

use super::{HEADER, HEADER_1};
use std::io::{self, BufRead};
use std::path::PathBuf;

/// Why turns cannot be read. Turns that were read before the error are fine.
#[derive(Debug, thiserror::Error)]
pub enum TurnsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; is this the turns.bin of a run folder of `voicesim simulate`?", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file does not begin with [`HEADER`].
    #[error("{path} does not begin with \"{header}\", so it is empty, of another version or no file of turns; simulate again", path = path.display(), header = HEADER.trim_ascii_end().escape_ascii())]
    Header {
        /// The file.
        path: PathBuf,
    },
    /// The end of the file is missing.
    #[error("{path} ends in the middle of a conversation: the run was killed, or the disk full. Conversations before it: {conversations}, all fine; cut the file to {bytes} bytes to read only those, or simulate again", path = path.display())]
    CutShort {
        /// The file.
        path: PathBuf,
        /// How many whole conversations lie before the error.
        conversations: u64,
        /// Where the last whole conversation ends, in bytes.
        bytes: u64,
    },
    /// The file has bytes that no turns have.
    #[error("{path} is damaged at byte {byte}: {reason}. Conversations before it: {conversations}, all fine; simulate again, or cut the file to {bytes} bytes to read only those", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The place of the wrong byte, counted from zero.
        byte: u64,
        /// What is wrong with it.
        reason: &'static str,
        /// How many whole conversations lie before the error.
        conversations: u64,
        /// Where the last whole conversation ends, in bytes.
        bytes: u64,
    },
}

/// Where turns are read from.
#[derive(Debug)]
pub(super) struct TurnSource<R> {
    bytes: R,
    path: PathBuf,
    /// How many bytes were taken.
    position: u64,
    /// How many whole conversations were taken, and below it where the last one ends.
    conversations: u64,
    whole_bytes: u64,
    is_version_1: bool,
}

impl<R: BufRead> TurnSource<R> {
    /// Takes the header.
    pub(super) fn new(bytes: R, path: PathBuf) -> Result<TurnSource<R>, TurnsError> {
        let mut source = TurnSource {
            bytes,
            path,
            position: 0,
            conversations: 0,
            whole_bytes: 0,
            is_version_1: false,
        };
        let mut head = [0; HEADER.len()];
        for byte in &mut head {
            match source.byte_or_end()? {
                Some(next) => *byte = next,
                None => return Err(TurnsError::Header { path: source.path }),
            }
        }
        if !source.begins(&head) {
            return Err(TurnsError::Header { path: source.path });
        }
        Ok(source)
    }

    /// Takes the rest of a header that stands between conversations, of which the first byte was taken.
    pub(super) fn header_again(&mut self) -> Result<(), TurnsError> {
        let mut head = [HEADER[0]; HEADER.len()];
        for place in 1..HEADER.len() {
            let byte = self.byte()?;
            if byte != HEADER[place] && byte != HEADER_1[place] {
                return Err(self.damaged("neither a conversation nor a header"));
            }
            head[place] = byte;
        }
        self.begins(&head);
        Ok(())
    }

    /// Whether this is a header; what follows is of its version.
    fn begins(&mut self, head: &[u8]) -> bool {
        self.is_version_1 = head == HEADER_1;
        let is_header = self.is_version_1 || head == HEADER;
        if is_header {
            self.whole_bytes = self.position;
        }
        is_header
    }

    /// Whether what comes next was written by a version that knew nothing of turns without an answer.
    pub(super) fn is_version_1(&self) -> bool {
        self.is_version_1
    }

    /// Notes that everything up to here is whole, with `conversations` more than before.
    pub(super) fn add_whole(&mut self, conversations: u64) {
        self.conversations += conversations;
        self.whole_bytes = self.position;
    }

    pub(super) fn varint_u32(&mut self) -> Result<u32, TurnsError> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| self.damaged("the number is too large"))
    }

    pub(super) fn varint(&mut self) -> Result<u64, TurnsError> {
        // Mostly it lies whole in the buffer; where it does not, it is taken byte by byte, which also
        // finds what is wrong.
        if let Some((value, length)) = self.bytes.fill_buf().ok().and_then(short_varint) {
            self.bytes.consume(length);
            self.position += length as u64;
            return Ok(value);
        }
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if bits << shift >> shift != bits {
                break;
            }
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number has more than 64 bits"))
    }

    /// A byte that has to be there.
    pub(super) fn byte(&mut self) -> Result<u8, TurnsError> {
        self.byte_or_end()?.ok_or_else(|| TurnsError::CutShort {
            path: self.path.clone(),
            conversations: self.conversations,
            bytes: self.whole_bytes,
        })
    }

    pub(super) fn byte_or_end(&mut self) -> Result<Option<u8>, TurnsError> {
        loop {
            match self.bytes.fill_buf() {
                Ok([]) => return Ok(None),
                Ok([byte, ..]) => {
                    let byte = *byte;
                    self.bytes.consume(1);
                    self.position += 1;
                    return Ok(Some(byte));
                }
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(TurnsError::Read {
                        path: self.path.clone(),
                        source,
                    });
                }
            }
        }
    }

    /// The error that the byte taken last is wrong.
    #[cold]
    pub(super) fn damaged(&self, reason: &'static str) -> TurnsError {
        TurnsError::Damaged {
            path: self.path.clone(),
            byte: self.position.saturating_sub(1),
            reason,
            conversations: self.conversations,
            bytes: self.whole_bytes,
        }
    }
}

/// A varint of at most eight bytes that lies whole in `bytes`, and how many bytes it takes.
fn short_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}
