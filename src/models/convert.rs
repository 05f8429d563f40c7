//! Converts a Whisper model from CTranslate2 (float16) to whisper.cpp's ggml file. No weight
//! changes its value.
//!
//! Every dimension follows from the shapes of the arrays. CTranslate2's `config.json` lists
//! suppressed tokens and alignment heads, for which a ggml file has no place, so it is not read.

use std::collections::BTreeSet;
use std::io::{BufRead, BufWriter, Read, Seek, Write};

use super::ct2::{self, Archive};
use super::error::ConvertError;
use super::ggml::{self, Dimensions};
use super::tensor_plan::{Move, Target, plan};
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
pub fn convert(
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
            Target::Tensor {
                name,
                shape,
                element,
            } => writer
                .tensor(name, shape, *element, &mut halves)
                .map_err(ConvertError::Write)?,
            Target::Zero => check_zero(&tensor.source, halves)?,
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
        variable.element == ct2::Element::Float16 && !used.contains(name.as_str())
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
    if variable.element != ct2::Element::Float16 {
        return Err(ConvertError::NotSupported(format!(
            "{} is not float16",
            tensor.source
        )));
    }
    if variable.shape != tensor.source_shape {
        return Err(ConvertError::Shape {
            name: tensor.source.clone(),
            found: variable.shape.clone(),
            expected: tensor.source_shape.clone(),
        });
    }
    Ok(())
}

/// Both halves that are zero, 0x0000 and 0x8000, count.
fn check_zero(name: &str, mut halves: impl Read) -> Result<(), ConvertError> {
    let mut bytes = Vec::new();
    halves.read_to_end(&mut bytes).map_err(ConvertError::Read)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::io::Cursor;

    const STATE: u32 = 4;
    const VOCABULARY: &str = "a\nĠb\n<|endoftext|>\n<|startoftranscript|>\n<|0.00|>\n";

    /// A CTranslate2 file under construction. Elements are numbered through the file, so that each
    /// can be recognised in the result.
    #[derive(Default)]
    struct Source {
        variables: Vec<(String, Vec<u32>, Vec<u16>)>,
        next: u16,
    }

    impl Source {
        fn array(&mut self, name: &str, shape: &[u32]) {
            let count = shape.iter().product::<u32>() as u16;
            let halves = (self.next..self.next + count).collect();
            self.next += count;
            self.variables
                .push((name.to_owned(), shape.to_vec(), halves));
        }

        fn pair(&mut self, name: &str, kinds: [&str; 2], shapes: [&[u32]; 2]) {
            self.array(&format!("{name}/{}", kinds[0]), shapes[0]);
            self.array(&format!("{name}/{}", kinds[1]), shapes[1]);
        }

        fn linear(&mut self, name: &str, outputs: u32, inputs: u32) {
            self.pair(name, ["weight", "bias"], [&[outputs, inputs], &[outputs]]);
        }

        fn norm(&mut self, name: &str) {
            self.pair(
                &format!("{name}/layer_norm"),
                ["gamma", "beta"],
                [&[STATE], &[STATE]],
            );
        }

        fn zero(&mut self, name: &str, elements: std::ops::Range<usize>) {
            let found = self
                .variables
                .iter_mut()
                .find(|variable| variable.0 == name);
            found.unwrap().2[elements].fill(0);
        }

        fn layer(&mut self, name: &str) {
            let attention = format!("{name}/self_attention");
            self.norm(&attention);
            self.linear(&format!("{attention}/linear_0"), 3 * STATE, STATE);
            self.zero(&format!("{attention}/linear_0/bias"), 4..8);
            self.linear(&format!("{attention}/linear_1"), STATE, STATE);
            self.norm(&format!("{name}/ffn"));
            self.linear(&format!("{name}/ffn/linear_0"), 4 * STATE, STATE);
            self.linear(&format!("{name}/ffn/linear_1"), STATE, 4 * STATE);
        }

        /// A whole model: one layer a side, five tokens, two mel bands.
        fn whisper() -> Self {
            let mut source = Source::default();
            source.array("decoder/embeddings/weight", &[5, STATE]);
            source.layer("decoder/layer_0");
            let cross = "decoder/layer_0/attention";
            source.norm(cross);
            source.linear(&format!("{cross}/linear_0"), STATE, STATE);
            source.linear(&format!("{cross}/linear_1"), 2 * STATE, STATE);
            source.zero(&format!("{cross}/linear_1/bias"), 0..4);
            source.linear(&format!("{cross}/linear_2"), STATE, STATE);
            source.norm("decoder");
            source.array("decoder/position_encodings/encodings", &[3, STATE]);
            source.pair(
                "encoder/conv1",
                ["weight", "bias"],
                [&[STATE, 2, 3], &[STATE]],
            );
            source.pair(
                "encoder/conv2",
                ["weight", "bias"],
                [&[STATE, STATE, 3], &[STATE]],
            );
            source.layer("encoder/layer_0");
            source.norm("encoder");
            source.array("encoder/position_encodings/encodings", &[6, STATE]);
            source
        }

        fn halves(&self, name: &str) -> &[u16] {
            &self
                .variables
                .iter()
                .find(|variable| variable.0 == name)
                .unwrap()
                .2
        }

        fn bytes(&self) -> Vec<u8> {
            let mut out = 6u32.to_le_bytes().to_vec();
            string(&mut out, "WhisperSpec");
            out.extend(3u32.to_le_bytes());
            out.extend((self.variables.len() as u32 + 2).to_le_bytes());
            for name in ["decoder/num_heads", "encoder/num_heads"] {
                string(&mut out, name);
                out.extend([0, 2, 2, 0, 0, 0, 2, 0]);
            }
            for (name, shape, halves) in &self.variables {
                string(&mut out, name);
                out.push(shape.len() as u8);
                out.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
                out.push(4);
                out.extend((halves.len() as u32 * 2).to_le_bytes());
                out.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
            }
            out
        }
    }

    fn string(out: &mut Vec<u8>, text: &str) {
        out.extend((text.len() as u16 + 1).to_le_bytes());
        out.extend(text.as_bytes());
        out.push(0);
    }

    fn converted(model: &[u8]) -> Result<Vec<u8>, ConvertError> {
        let mut out = Vec::new();
        convert(Cursor::new(model), VOCABULARY.as_bytes(), &mut out)?;
        Ok(out)
    }

    /// Shape (fastest dimension first), element type and bytes of each tensor, and the eleven
    /// dimensions, read by the letter of the format.
    type Tensors = BTreeMap<String, (Vec<u32>, u32, Vec<u8>)>;

    fn parsed(file: &[u8]) -> (Vec<u32>, Tensors) {
        let mut at = 4;
        let u32_at = |at: &mut usize| {
            *at += 4;
            u32::from_le_bytes(file[*at - 4..*at].try_into().unwrap())
        };
        let dimensions = (0..11).map(|_| u32_at(&mut at)).collect();
        let filters = u32_at(&mut at) * u32_at(&mut at);
        at += 4 * filters as usize;
        for _ in 0..u32_at(&mut at) {
            at += u32_at(&mut at) as usize;
        }
        let mut tensors = Tensors::new();
        while at < file.len() {
            let [rank, length, element] = [(); 3].map(|()| u32_at(&mut at));
            let shape: Vec<u32> = (0..rank).map(|_| u32_at(&mut at)).collect();
            let name = String::from_utf8(file[at..][..length as usize].to_vec()).unwrap();
            at += length as usize;
            let width = if element == 1 { 2 } else { 4 };
            let bytes = shape.iter().product::<u32>() as usize * width;
            tensors.insert(name, (shape, element, file[at..][..bytes].to_vec()));
            at += bytes;
        }
        (dimensions, tensors)
    }

    fn le_bytes(halves: &[u16]) -> Vec<u8> {
        halves.iter().flat_map(|half| half.to_le_bytes()).collect()
    }

    #[test]
    fn dimensions_come_from_the_shapes_and_every_tensor_of_one_layer_a_side_is_there() {
        let file = converted(&Source::whisper().bytes()).unwrap();
        let (dimensions, tensors) = parsed(&file);
        assert_eq!(dimensions, [5, 6, STATE, 2, 1, 3, STATE, 2, 1, 2, 1]);
        assert_eq!(tensors.len(), 7 + 4 + 15 + 24);
        assert!(!tensors.contains_key("encoder.blocks.0.attn.key.bias"));
    }

    #[test]
    fn stacked_matrices_are_cut_apart_and_keep_every_bit() {
        let source = Source::whisper();
        let (_, tensors) = parsed(&converted(&source.bytes()).unwrap());
        let fused = source.halves("encoder/layer_0/self_attention/linear_0/weight");
        for (name, rows) in [("query", 0..16), ("key", 16..32), ("value", 32..48)] {
            let tensor = &tensors[&format!("encoder.blocks.0.attn.{name}.weight")];
            assert_eq!(
                *tensor,
                (vec![STATE, STATE], 1, le_bytes(&fused[rows])),
                "{name}"
            );
        }
        let cross = source.halves("decoder/layer_0/attention/linear_1/weight");
        let tensor = &tensors["decoder.blocks.0.cross_attn.value.weight"];
        assert_eq!(tensor.2, le_bytes(&cross[16..]));
    }

    #[test]
    fn biases_of_convolutions_are_columns_of_single_precision() {
        let source = Source::whisper();
        let (_, tensors) = parsed(&converted(&source.bytes()).unwrap());
        let (shape, element, bytes) = &tensors["encoder.conv1.bias"];
        assert_eq!((shape.as_slice(), *element), (&[1, STATE][..], 0));
        // The numbers are small, hence subnormal: n stands for n / 2^24.
        let first = f32::from(source.halves("encoder/conv1/bias")[0]) / 16_777_216.0;
        assert_eq!(bytes[..4], first.to_le_bytes());
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        let model = Source::whisper().bytes();
        for length in 0..model.len() {
            assert!(
                converted(&model[..length]).is_err(),
                "cut to {length} bytes"
            );
        }
    }

    #[test]
    fn a_model_that_is_not_what_it_seems_is_refused() {
        let mut biased_keys = Source::whisper();
        biased_keys.zero("encoder/layer_0/self_attention/linear_0/bias", 0..12);
        let place = biased_keys
            .variables
            .iter_mut()
            .find(|variable| variable.0 == "encoder/layer_0/self_attention/linear_0/bias");
        place.unwrap().2[5] = 1;
        assert!(matches!(
            converted(&biased_keys.bytes()),
            Err(ConvertError::NotSupported(_))
        ));

        let mut extra = Source::whisper();
        extra.array("decoder/something_new", &[2]);
        assert!(matches!(
            converted(&extra.bytes()),
            Err(ConvertError::NotSupported(_))
        ));

        let mut narrow = Source::whisper();
        narrow
            .variables
            .retain(|variable| variable.0 != "encoder/conv2/bias");
        assert!(matches!(
            converted(&narrow.bytes()),
            Err(ConvertError::MissingVariable(name)) if name == "encoder/conv2/bias"
        ));
        narrow.array("encoder/conv2/bias", &[STATE - 1]);
        assert!(matches!(
            converted(&narrow.bytes()),
            Err(ConvertError::Shape { .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn damaged_bytes_never_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut model = Source::whisper().bytes();
            for (place, value) in changes {
                let place = place.index(model.len());
                model[place] = value;
            }
            if let Ok(file) = converted(&model) {
                prop_assert!(file.len() < 16 * model.len());
            }
        }
    }
}
