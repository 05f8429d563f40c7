//! Walks a Whisper ggml file without loading it. whisper.cpp believes the lengths it reads and
//! takes a file that ends early for a whole one, so a file of unknown origin is walked first.

use std::io::{self, Read, Seek};

use super::ggml::MAGIC;
use super::walk::Walk;

// Room for the largest Whisper (state 1,280, 51,866 tokens, 128 mel bands, 32 layers) and more.
const DIMENSION_MAX: u32 = 1 << 20;
const LAYERS_MAX: u32 = 256;
const MEL_BANDS_MAX: u32 = 1_024;
const SPECTRUM_BINS_MAX: u32 = 4_096;
const WORD_BYTES_MAX: u32 = 4_096;
const NAME_BYTES_MAX: u32 = 256;
const RANK_MAX: u32 = 4;

/// What is wrong with the file, for people; `None` if its structure is sound or it is no ggml file
/// at all. The weights themselves are not looked at.
pub(in crate::models) fn fault(file: impl Read + Seek) -> io::Result<Option<String>> {
    match Check(Walk::new(file)?).whole_file() {
        Ok(()) => Ok(None),
        Err(Stop::Fault(what)) => Ok(Some(what)),
        Err(Stop::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Ok(Some("it ends too early".to_owned()))
        }
        Err(Stop::Io(error)) => Err(error),
    }
}

enum Stop {
    Fault(String),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

struct Check<R>(Walk<R>);

impl<R: Read + Seek> Check<R> {
    fn whole_file(&mut self) -> Result<(), Stop> {
        if self.0.file_bytes() < 4 || self.0.u32()? != MAGIC {
            return Ok(());
        }
        let tensors_expected = self.dimensions()?;
        let bands = self.bounded("mel bands", MEL_BANDS_MAX)?;
        let bins = self.bounded("spectrum bins", SPECTRUM_BINS_MAX)?;
        self.0.skip(4 * u64::from(bands) * u64::from(bins))?;
        let words = self.bounded("words", DIMENSION_MAX)?;
        for _ in 0..words {
            let bytes = self.bounded("bytes in a word", WORD_BYTES_MAX)?;
            self.0.skip(u64::from(bytes))?;
        }
        let mut tensors = 0;
        while self.0.offset() < self.0.file_bytes() {
            self.tensor()?;
            tensors += 1;
        }
        if tensors != tensors_expected {
            return Err(Stop::Fault(format!(
                "it has {tensors} tensors, not {tensors_expected}"
            )));
        }
        Ok(())
    }

    /// Reads the eleven dimensions. Returns how many tensors a model of these dimensions has.
    fn dimensions(&mut self) -> Result<u32, Stop> {
        self.positive("tokens", DIMENSION_MAX)?;
        let audio_layers = self.half_of_model("audio")?;
        let text_layers = self.half_of_model("text")?;
        self.positive("mel bands", MEL_BANDS_MAX)?;
        self.0.u32()?; // The weights' type, also in each tensor.
        Ok(11 + 15 * audio_layers + 24 * text_layers)
    }

    /// Positions, channels, heads and layers of the encoder or the decoder. Returns the layers.
    fn half_of_model(&mut self, half: &str) -> Result<u32, Stop> {
        self.positive(&format!("{half} positions"), DIMENSION_MAX)?;
        let channels = self.positive(&format!("{half} channels"), DIMENSION_MAX)?;
        let heads = self.positive(&format!("{half} heads"), DIMENSION_MAX)?;
        if channels % heads != 0 {
            return Err(Stop::Fault(format!(
                "its {heads} {half} heads do not share {channels} channels evenly"
            )));
        }
        self.positive(&format!("{half} layers"), LAYERS_MAX)
    }

    fn tensor(&mut self) -> Result<(), Stop> {
        let rank = self.bounded("dimensions of a tensor", RANK_MAX)?;
        let name_bytes = self.bounded("bytes in a tensor's name", NAME_BYTES_MAX)?;
        let element = self.0.u32()?;
        let mut elements = 1u64;
        for _ in 0..rank {
            elements *= u64::from(self.bounded("elements in a row", DIMENSION_MAX)?);
            if elements > self.0.file_bytes().saturating_mul(8) {
                return Err(Stop::Fault("it has a tensor larger than itself".to_owned()));
            }
        }
        self.0.skip(u64::from(name_bytes))?;
        let (block_elements, block_bytes) = block(element)
            .ok_or_else(|| Stop::Fault(format!("it has weights of unknown type {element}")))?;
        Ok(self.0.skip(elements / block_elements * block_bytes)?)
    }

    fn positive(&mut self, what: &str, max: u32) -> Result<u32, Stop> {
        match self.bounded(what, max)? {
            0 => Err(Stop::Fault(format!("it claims no {what}"))),
            found => Ok(found),
        }
    }

    fn bounded(&mut self, what: &str, max: u32) -> Result<u32, Stop> {
        let found = self.0.u32()?;
        if found > max {
            return Err(Stop::Fault(format!("it claims {found} {what}")));
        }
        Ok(found)
    }
}

/// Elements and bytes of a block of weights, by ggml's number for the type: f32, f16, q4_0, q4_1,
/// q5_0, q5_1, q8_0, then q2_K to q6_K.
fn block(element: u32) -> Option<(u64, u64)> {
    Some(match element {
        0 => (1, 4),
        1 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::whisper_weights::ggml::{Dimensions, Element, Writer};
    use std::io::Cursor;

    /// One layer a side, with tensors of two elements under made-up names.
    fn file(tensors: usize) -> Vec<u8> {
        let dimensions = Dimensions {
            tokens: 3,
            audio_positions: 2,
            state: 2,
            audio_heads: 1,
            audio_layers: 1,
            text_positions: 2,
            text_heads: 1,
            text_layers: 1,
            mel_bands: 2,
        };
        let mut out = Vec::new();
        let mut writer = Writer::begin(&mut out, &dimensions, &[0.5; 6], &[b"a".to_vec()]).unwrap();
        for number in 0..tensors {
            let element = [Element::Float32, Element::Float16][number % 2];
            writer
                .tensor("t", &[2], element, &mut &[0u8; 4][..])
                .unwrap();
        }
        writer.finish().unwrap();
        out
    }

    fn fault_of(bytes: &[u8]) -> Option<String> {
        fault(Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn a_sound_file_and_a_file_of_another_format_have_no_fault() {
        assert_eq!(fault_of(&file(50)), None);
        assert_eq!(fault_of(b"RIFF and so on"), None);
        assert_eq!(fault_of(b"gg"), None);
    }

    #[test]
    fn a_file_cut_anywhere_behind_its_magic_has_one() {
        let whole = file(50);
        for length in 4..whole.len() {
            assert!(
                fault_of(&whole[..length]).is_some(),
                "cut to {length} bytes"
            );
        }
    }

    #[test]
    fn a_tensor_too_many_and_an_absurd_length_are_named() {
        assert_eq!(fault_of(&file(51)).unwrap(), "it has 51 tensors, not 50");
        for place in (4..48).step_by(4).chain([48, 52, 80, 84]) {
            let mut bytes = file(50);
            bytes[place..place + 4].fill(0xff);
            let is_length = place != 44; // The type of the weights is none.
            assert_eq!(fault_of(&bytes).is_some(), is_length, "at byte {place}");
        }
    }
}
