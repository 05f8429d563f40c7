//! Converts a Whisper model from CTranslate2 (float16) to whisper.cpp's ggml file. No weight
//! changes its value.
//!
//! Every dimension follows from the shapes of the arrays. CTranslate2's `config.json` lists
//! suppressed tokens and alignment heads, for which a ggml file has no place, so it is not read.

use std::collections::BTreeSet;
use std::io::{BufRead, BufWriter, Read, Seek, Write};

use super::ctranslate2::{self, Archive};
use super::error::ConvertError;
use super::ggml::{self, Dimensions};
use super::tensor_plan::{Move, plan};
use super::{mel, vocabulary};

const SPECIFICATION: &str = "WhisperSpec";
const REVISION: u32 = 3;

/// Converts `weights` (CTranslate2's `model.bin`, Whisper, float16) and `vocabulary`
/// (`vocabulary.txt`) to a ggml file. The same input gives the same bytes on every machine.
///
/// Reads array by array, so memory does not grow with the model. After an error `out` holds a
/// part of a file, of no use to anyone.
///
/// # Errors
/// [`ConvertError`]; no input makes it panic.
pub(in crate::models) fn convert(
    weights: impl Read + Seek,
    vocabulary: impl BufRead,
    out: impl Write,
) -> Result<(), ConvertError> {
    let mut archive = Archive::open(weights, SPECIFICATION, REVISION)?;
    let dimensions = dimensions(&mut archive)?;
    let words = vocabulary::read(vocabulary, dimensions.tokens)?;
    let plan = plan(&dimensions);
    check_complete(&archive, &plan)?;

    let filters = mel::slaney_filter_bank(dimensions.mel_bands as usize);
    let mut writer = ggml::Writer::begin(BufWriter::new(out), &dimensions, &filters, &words)
        .map_err(ConvertError::Write)?;
    for tensor in &plan {
        check_shape(&archive, tensor)?;
        let row_elements = tensor.row_elements();
        let mut halves = archive.elements(
            &tensor.source,
            u64::from(tensor.first_row) * row_elements,
            u64::from(tensor.rows) * row_elements,
        )?;
        match &tensor.target {
            Some(target) => writer
                .tensor(&target.name, &target.shape, target.element, &mut halves)
                .map_err(ConvertError::Write)?,
            None => check_zero(&tensor.source, halves)?,
        }
    }
    writer.finish().map_err(ConvertError::Write)
}

// The rest of a shape is bounded by the file's size; these stand in products before any check.
const STATE_MAX: u32 = 1 << 14;
const LAYERS_MAX: u32 = 256;
const MEL_BANDS_MAX: u32 = 1_024;

fn dimensions<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Dimensions, ConvertError> {
    let [tokens, state] = shape_of(archive, "decoder/embeddings/weight")?;
    let [audio_positions, _] = shape_of(archive, "encoder/position_encodings/encodings")?;
    let [text_positions, _] = shape_of(archive, "decoder/position_encodings/encodings")?;
    let [_, mel_bands, _] = shape_of(archive, "encoder/conv1/weight")?;
    let dimensions = Dimensions {
        tokens,
        audio_positions,
        state,
        audio_heads: heads(archive, "encoder/num_heads")?,
        audio_layers: layers(archive, "encoder"),
        text_positions,
        text_heads: heads(archive, "decoder/num_heads")?,
        text_layers: layers(archive, "decoder"),
        mel_bands,
    };
    let in_range = (1..=STATE_MAX).contains(&state)
        && (1..=MEL_BANDS_MAX).contains(&mel_bands)
        && (1..=LAYERS_MAX).contains(&dimensions.audio_layers)
        && (1..=LAYERS_MAX).contains(&dimensions.text_layers);
    if !in_range {
        return Err(ConvertError::NotSupported(format!(
            "a Whisper of these dimensions: {dimensions:?}"
        )));
    }
    Ok(dimensions)
}

fn shape_of<R: Read + Seek, const RANK: usize>(
    archive: &Archive<R>,
    name: &str,
) -> Result<[u32; RANK], ConvertError> {
    let found = &archive.variable(name)?.shape;
    found.as_slice().try_into().map_err(|_| {
        ConvertError::NotSupported(format!(
            "{name} with {} dimensions in place of {RANK}",
            found.len()
        ))
    })
}

fn heads<R: Read + Seek>(archive: &mut Archive<R>, name: &str) -> Result<u32, ConvertError> {
    let found = archive.integer(name)?;
    u32::try_from(found)
        .ok()
        .filter(|heads| *heads > 0)
        .ok_or_else(|| ConvertError::NotSupported(format!("{name} of {found}")))
}

fn layers<R: Read + Seek>(archive: &Archive<R>, half: &str) -> u32 {
    (0..=LAYERS_MAX)
        .take_while(|layer| {
            archive
                .variables
                .contains_key(&format!("{half}/layer_{layer}/ffn/linear_0/weight"))
        })
        .count() as u32
}

/// Refuses a model with weights that the plan would leave behind: it is not the model it seems.
fn check_complete<R: Read + Seek>(archive: &Archive<R>, plan: &[Move]) -> Result<(), ConvertError> {
    let used: BTreeSet<&str> = plan.iter().map(|tensor| tensor.source.as_str()).collect();
    let left_behind = archive.variables.iter().find(|(name, variable)| {
        variable.element == ctranslate2::Element::Float16 && !used.contains(name.as_str())
    });
    match left_behind {
        Some((name, _)) => Err(ConvertError::NotSupported(format!(
            "ggml has no place for its array {name}"
        ))),
        None => Ok(()),
    }
}

fn check_shape<R: Read + Seek>(archive: &Archive<R>, tensor: &Move) -> Result<(), ConvertError> {
    let variable = archive.variable(&tensor.source)?;
    if variable.element != ctranslate2::Element::Float16 {
        return Err(ConvertError::NotSupported(format!(
            "{} is not float16",
            tensor.source
        )));
    }
    if variable.shape != tensor.source_shape {
        return Err(ConvertError::Damaged(format!(
            "its array {} has shape {:?}, but the rest of it needs {:?}",
            tensor.source, variable.shape, tensor.source_shape
        )));
    }
    Ok(())
}

/// Refuses an array that holds anything but zeros; both halves that are zero, 0x0000 and 0x8000, count.
fn check_zero(name: &str, mut halves: impl Read) -> Result<(), ConvertError> {
    let mut bytes = Vec::new();
    halves.read_to_end(&mut bytes)?;
    if bytes
        .chunks(2)
        .any(|half| half[0] != 0 || half.get(1).is_some_and(|high| high & 0x7f != 0))
    {
        return Err(ConvertError::NotSupported(format!(
            "{name} has a bias for the keys, which Whisper has not"
        )));
    }
    Ok(())
}
