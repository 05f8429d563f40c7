//! Whole conversions of a small made-up model, and of what is left of it when it is damaged.

use super::convert::convert;
use super::error::ConvertError;
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
        Err(ConvertError::Damaged(what)) if what.contains("no array encoder/conv2/bias")
    ));
    narrow.array("encoder/conv2/bias", &[STATE - 1]);
    assert!(matches!(
        converted(&narrow.bytes()),
        Err(ConvertError::Damaged(what)) if what.contains("shape [3]")
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
