//! Gzipped files, which may unpack to more than any disk holds.

use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// How many bytes may come of each packed byte, beyond what any file may unpack to. Lines of JSON unpack to some twenty.
pub(crate) const EXPANSION_MAX: u64 = 100;

/// What any file may unpack to, however small it is: 16 MiB.
const UNPACKED_ANYHOW: u64 = 16 << 20;

/// The contents of a gzipped source, of one part or several. Reading fails once they are more than
/// [`EXPANSION_MAX`] times the packed bytes, and 16 MiB.
pub(crate) struct Unpacked<R> {
    decoder: MultiGzDecoder<Counted<R>>,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
}

/// Counts what is read of a source.
struct Counted<R> {
    source: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Unpacked<R> {
    /// Unpacks `source`.
    pub(crate) fn new(source: R) -> Unpacked<R> {
        let packed = Rc::new(Cell::new(0));
        let counted = Counted {
            source,
            bytes: packed.clone(),
        };
        Unpacked {
            decoder: MultiGzDecoder::new(counted),
            packed,
            unpacked: 0,
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(into)?;
        self.unpacked += read as u64;
        let allowed = UNPACKED_ANYHOW + EXPANSION_MAX.saturating_mul(self.packed.get());
        match self.unpacked > allowed {
            true => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "it unpacks to more than {EXPANSION_MAX} times its size, as no file of results does; unpack it with gzip and look at it"
                ),
            )),
            false => Ok(read),
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("packed");
        encoder.finish().expect("packed")
    }

    #[test]
    fn a_file_comes_out_as_it_was_packed() {
        let text = b"one\ntwo\n".repeat(1_000);
        let mut twice = packed(&text);
        twice.extend(packed(&text));
        let mut out = Vec::new();
        let read = Unpacked::new(twice.as_slice()).read_to_end(&mut out);
        assert_eq!(read.expect("unpacked"), 2 * text.len());
    }

    #[test]
    fn a_file_that_unpacks_to_a_thousand_times_its_size_is_given_up() {
        let bomb = packed(&vec![b'\n'; 64 << 20]);
        let mut out = io::sink();
        let error = io::copy(&mut Unpacked::new(bomb.as_slice()), &mut out).expect_err("a bomb");
        assert!(error.to_string().contains("more than 100 times"), "{error}");
    }
}
