//! Writes a Whisper model in whisper.cpp's ggml file format.
//!
//! Layout (little endian): magic, eleven `i32` dimensions, the mel filter bank, the token texts,
//! then tensors until the end of the file; each is `i32` rank, name length and element type, its
//! dimensions (fastest first), its name, its elements.

use half::f16;
use std::io::{self, Read, Write};

/// First bytes of every such file.
pub(super) const MAGIC: u32 = 0x6767_6d6c;

/// The type of a tensor's elements: matrices are of half precision, what is added to a signal is of single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Float32 = 0,
    Float16 = 1,
}

/// The dimensions of a Whisper model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dimensions {
    pub(super) tokens: u32,
    pub(super) audio_positions: u32,
    pub(super) state: u32,
    pub(super) audio_heads: u32,
    pub(super) audio_layers: u32,
    pub(super) text_positions: u32,
    pub(super) text_heads: u32,
    pub(super) text_layers: u32,
    pub(super) mel_bands: u32,
}

/// A ggml file being written.
pub(super) struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes all that stands before the tensors. `filters` has `mel_bands` rows.
    pub(super) fn begin(
        mut out: W,
        dimensions: &Dimensions,
        filters: &[f32],
        words: &[Vec<u8>],
    ) -> io::Result<Self> {
        out.write_all(&MAGIC.to_le_bytes())?;
        let d = dimensions;
        for value in [
            d.tokens,
            d.audio_positions,
            d.state,
            d.audio_heads,
            d.audio_layers,
            d.text_positions,
            d.state,
            d.text_heads,
            d.text_layers,
            d.mel_bands,
            Element::Float16 as u32,
        ] {
            out.write_all(&value.to_le_bytes())?;
        }
        let bins = filters.len() as u32 / d.mel_bands.max(1);
        out.write_all(&d.mel_bands.to_le_bytes())?;
        out.write_all(&bins.to_le_bytes())?;
        for weight in filters {
            out.write_all(&weight.to_le_bytes())?;
        }
        out.write_all(&(words.len() as u32).to_le_bytes())?;
        for word in words {
            out.write_all(&(word.len() as u32).to_le_bytes())?;
            out.write_all(word)?;
        }
        Ok(Writer { out })
    }

    /// Writes one tensor from its half-precision elements, widened if `element` is single.
    /// `shape` is slowest dimension first; `halves` must hold exactly the elements of the shape,
    /// else `UnexpectedEof`.
    pub(super) fn tensor(
        &mut self,
        name: &str,
        shape: &[u32],
        element: Element,
        halves: &mut dyn Read,
    ) -> io::Result<()> {
        for value in [shape.len() as u32, name.len() as u32, element as u32] {
            self.out.write_all(&value.to_le_bytes())?;
        }
        for size in shape.iter().rev() {
            self.out.write_all(&size.to_le_bytes())?;
        }
        self.out.write_all(name.as_bytes())?;

        let elements: u64 = shape.iter().map(|size| u64::from(*size)).product();
        match element {
            Element::Float16 => {
                let copied = io::copy(&mut halves.take(elements * 2), &mut self.out)?;
                if copied != elements * 2 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Element::Float32 => {
                for _ in 0..elements {
                    let mut half = [0; 2];
                    halves.read_exact(&mut half)?;
                    // Every half is a single exactly.
                    let wide = f16::from_le_bytes(half).to_f32();
                    self.out.write_all(&wide.to_le_bytes())?;
                }
            }
        }
        Ok(())
    }

    /// Writes out what is buffered.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_with_too_few_elements_is_refused() {
        for element in [Element::Float16, Element::Float32] {
            let mut writer = Writer { out: Vec::new() };
            let error = writer
                .tensor("x", &[2, 2], element, &mut &[0u8; 6][..])
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
