//! Which CTranslate2 array becomes which ggml tensor of a Whisper model.
//!
//! The two formats hold the same arrays under other names. CTranslate2 stacks the query, key and
//! value matrices of an attention into one (and key and value alone where the decoder looks at
//! the encoder); Whisper's keys have no bias, so the stacked bias holds zeros there.

use super::ggml::{Dimensions, Element};

/// Where one tensor comes from and what becomes of it.
pub(super) struct Move {
    pub(super) source: String,
    /// Shape of the whole source array.
    pub(super) source_shape: Vec<u32>,
    /// The rows (first dimension) that make this tensor.
    pub(super) first_row: u32,
    pub(super) rows: u32,
    /// The tensor of the ggml file; `None` where ggml has no such tensor, because it is always zero.
    pub(super) target: Option<Target>,
}

/// A tensor of the ggml file.
pub(super) struct Target {
    pub(super) name: String,
    /// The shape, slowest dimension first.
    pub(super) shape: Vec<u32>,
    pub(super) element: Element,
}

impl Move {
    pub(super) fn row_elements(&self) -> u64 {
        let row = self.source_shape.iter().skip(1);
        row.map(|size| u64::from(*size)).product()
    }
}

/// Every tensor of the ggml file, encoder first. whisper.cpp finds tensors by name: the order is free,
/// but it is part of the file's sha256.
pub(super) fn plan(dimensions: &Dimensions) -> Vec<Move> {
    let mut plan = Plan {
        state: dimensions.state,
        moves: Vec::new(),
    };
    plan.encoder(dimensions);
    plan.decoder(dimensions);
    plan.moves
}

struct Plan {
    state: u32,
    moves: Vec<Move>,
}

impl Plan {
    fn encoder(&mut self, dimensions: &Dimensions) {
        self.positions("encoder", dimensions.audio_positions);
        for (name, inputs) in [("conv1", dimensions.mel_bands), ("conv2", self.state)] {
            let (from, to) = (format!("encoder/{name}"), format!("encoder.{name}"));
            let weight = [self.state, inputs, 3];
            self.matrix(&format!("{from}/weight"), &format!("{to}.weight"), &weight);
            // whisper.cpp wants a column here, to add it to every position at once.
            let target = single(format!("{to}.bias"), &[self.state, 1]);
            self.whole(format!("{from}/bias"), vec![self.state], target);
        }
        for layer in 0..dimensions.audio_layers {
            let from = format!("encoder/layer_{layer}");
            let to = format!("encoder.blocks.{layer}");
            self.self_attention(&from, &to);
            self.feed_forward(&from, &to);
        }
        self.norm("encoder", "encoder.ln_post");
    }

    fn decoder(&mut self, dimensions: &Dimensions) {
        self.positions("decoder", dimensions.text_positions);
        let (from, to) = (
            "decoder/embeddings/weight",
            "decoder.token_embedding.weight",
        );
        self.matrix(from, to, &[dimensions.tokens, self.state]);
        for layer in 0..dimensions.text_layers {
            let from = format!("decoder/layer_{layer}");
            let to = format!("decoder.blocks.{layer}");
            self.self_attention(&from, &to);
            self.cross_attention(&from, &to);
            self.feed_forward(&from, &to);
        }
        self.norm("decoder", "decoder.ln");
    }

    fn positions(&mut self, half: &str, positions: u32) {
        let shape = [positions, self.state];
        let target = single(format!("{half}.positional_embedding"), &shape);
        let from = format!("{half}/position_encodings/encodings");
        self.whole(from, shape.to_vec(), target);
    }

    fn self_attention(&mut self, from: &str, to: &str) {
        let from = format!("{from}/self_attention");
        self.norm(&from, &format!("{to}.attn_ln"));
        let to = format!("{to}.attn");
        self.stacked(&format!("{from}/linear_0"), &to, &["query", "key", "value"]);
        self.stacked(&format!("{from}/linear_1"), &to, &["out"]);
    }

    fn cross_attention(&mut self, from: &str, to: &str) {
        let from = format!("{from}/attention");
        self.norm(&from, &format!("{to}.cross_attn_ln"));
        let to = format!("{to}.cross_attn");
        self.stacked(&format!("{from}/linear_0"), &to, &["query"]);
        self.stacked(&format!("{from}/linear_1"), &to, &["key", "value"]);
        self.stacked(&format!("{from}/linear_2"), &to, &["out"]);
    }

    fn feed_forward(&mut self, from: &str, to: &str) {
        let (narrow, wide) = (self.state, 4 * self.state);
        self.norm(&format!("{from}/ffn"), &format!("{to}.mlp_ln"));
        for (from_layer, to_layer, outputs, inputs) in [
            ("linear_0", "mlp.0", wide, narrow),
            ("linear_1", "mlp.2", narrow, wide),
        ] {
            let from = format!("{from}/ffn/{from_layer}");
            let to = format!("{to}.{to_layer}");
            let weight = [outputs, inputs];
            self.matrix(&format!("{from}/weight"), &format!("{to}.weight"), &weight);
            self.vector(&format!("{from}/bias"), &format!("{to}.bias"), outputs);
        }
    }

    fn norm(&mut self, from: &str, to: &str) {
        let from = format!("{from}/layer_norm");
        let size = self.state;
        self.vector(&format!("{from}/gamma"), &format!("{to}.weight"), size);
        self.vector(&format!("{from}/beta"), &format!("{to}.bias"), size);
    }

    /// Square matrices, and their biases, that CTranslate2 holds one below the other in one array.
    fn stacked(&mut self, from: &str, to: &str, names: &[&str]) {
        let size = self.state;
        let all_rows = size * names.len() as u32;
        for (place, name) in (0..).zip(names) {
            let first_row = size * place;
            let mut part = |kind: &str, source_shape, target| {
                self.moves.push(Move {
                    source: format!("{from}/{kind}"),
                    source_shape,
                    first_row,
                    rows: size,
                    target,
                });
            };
            let weight = half(format!("{to}.{name}.weight"), &[size, size]);
            part("weight", vec![all_rows, size], Some(weight));
            let bias = single(format!("{to}.{name}.bias"), &[size]);
            part(
                "bias",
                vec![all_rows],
                Some(bias).filter(|_| *name != "key"),
            );
        }
    }

    /// A matrix keeps its shape and its half precision.
    fn matrix(&mut self, from: &str, to: &str, shape: &[u32]) {
        let target = half(to.to_owned(), shape);
        self.whole(from.to_owned(), shape.to_vec(), target);
    }

    /// A vector is widened to single precision.
    fn vector(&mut self, from: &str, to: &str, size: u32) {
        let target = single(to.to_owned(), &[size]);
        self.whole(from.to_owned(), vec![size], target);
    }

    fn whole(&mut self, source: String, source_shape: Vec<u32>, target: Target) {
        self.moves.push(Move {
            source,
            rows: source_shape.first().copied().unwrap_or(0),
            source_shape,
            first_row: 0,
            target: Some(target),
        });
    }
}

fn half(name: String, shape: &[u32]) -> Target {
    Target {
        name,
        shape: shape.to_vec(),
        element: Element::Float16,
    }
}

fn single(name: String, shape: &[u32]) -> Target {
    Target {
        element: Element::Float32,
        ..half(name, shape)
    }
}
