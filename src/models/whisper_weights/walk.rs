//! A file read from front to back by lengths that stand in it, none of which is believed beyond the file's end.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

/// A file and the place in it that has been reached. What would go past its end is `UnexpectedEof`.
pub(super) struct Walk<R> {
    reader: BufReader<R>,
    offset: u64,
    file_bytes: u64,
}

impl<R: Read + Seek> Walk<R> {
    /// A walk that begins at the file's first byte.
    pub(super) fn new(mut file: R) -> io::Result<Self> {
        let file_bytes = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        Ok(Walk {
            reader: BufReader::new(file),
            offset: 0,
            file_bytes,
        })
    }

    /// Bytes from the file's beginning.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The next number, little endian.
    pub(super) fn u32(&mut self) -> io::Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn skip(&mut self, bytes: u64) -> io::Result<()> {
        if bytes > self.file_bytes.saturating_sub(self.offset) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.offset += bytes;
        // No more than the file's size, which the system counts in 63 bits.
        self.reader.seek_relative(bytes as i64)
    }

    /// The file, to be read at any place from here on.
    pub(super) fn into_reader(self) -> BufReader<R> {
        self.reader
    }
}
