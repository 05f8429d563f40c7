//! Which CTranslate2 array becomes which ggml tensor of a Whisper model.
//!
//! The two formats hold the same arrays under other names. CTranslate2 stacks the query, key and
//! value matrices of an attention into one (and key and value alone where the decoder looks at
//! the encoder); Whisper's keys have no bias, so the stacked bias holds zeros there.

use super::ggml::{self, Dimensions};

/// Where one tensor comes from and what becomes of it.
pub(super) struct Move {
    pub(super) source: String,
    /// Shape of the whole source array.
    pub(super) source_shape: Vec<u32>,
    /// The rows (first dimension) that make this tensor.
    pub(super) first_row: u32,
    pub(super) rows: u32,
    pub(super) target: Target,
}

pub(super) enum Target {
    Tensor {
        name: String,
        shape: Vec<u32>,
        element: ggml::Element,
    },
    /// ggml has no such tensor, because it is always zero.
    Zero,
}

impl Move {
    pub(super) fn row_elements(&self) -> u64 {
        self.source_shape[1..]
            .iter()
            .map(|size| u64::from(*size))
            .product()
    }
}

/// Every tensor of the ggml file, encoder first. whisper.cpp finds tensors by name: the order is free,
/// but it is part of the file's sha256.
pub(super) fn plan(dimensions: &Dimensions) -> Vec<Move> {
    let state = dimensions.state;
    let mut plan = Vec::new();

    positions(&mut plan, "encoder", dimensions.audio_positions, state);
    for (convolution, inputs) in [("conv1", dimensions.mel_bands), ("conv2", state)] {
        let from = format!("encoder/{convolution}");
        let to = format!("encoder.{convolution}");
        whole(
            &mut plan,
            format!("{from}/weight"),
            format!("{to}.weight"),
            vec![state, inputs, 3],
        );
        // whisper.cpp wants a column here, to add it to every position at once.
        plan.push(Move {
            source: format!("{from}/bias"),
            source_shape: vec![state],
            first_row: 0,
            rows: state,
            target: Target::Tensor {
                name: format!("{to}.bias"),
                shape: vec![state, 1],
                element: ggml::Element::Float32,
            },
        });
    }
    for layer in 0..dimensions.audio_layers {
        let from = format!("encoder/layer_{layer}");
        let to = format!("encoder.blocks.{layer}");
        self_attention(&mut plan, &from, &to, state);
        feed_forward(&mut plan, &from, &to, state);
    }
    norm(&mut plan, "encoder/layer_norm", "encoder.ln_post", state);

    positions(&mut plan, "decoder", dimensions.text_positions, state);
    whole(
        &mut plan,
        "decoder/embeddings/weight".to_owned(),
        "decoder.token_embedding.weight".to_owned(),
        vec![dimensions.tokens, state],
    );
    for layer in 0..dimensions.text_layers {
        let from = format!("decoder/layer_{layer}");
        let to = format!("decoder.blocks.{layer}");
        self_attention(&mut plan, &from, &to, state);
        cross_attention(&mut plan, &from, &to, state);
        feed_forward(&mut plan, &from, &to, state);
    }
    norm(&mut plan, "decoder/layer_norm", "decoder.ln", state);
    plan
}

fn positions(plan: &mut Vec<Move>, half: &str, positions: u32, state: u32) {
    plan.push(Move {
        source: format!("{half}/position_encodings/encodings"),
        source_shape: vec![positions, state],
        first_row: 0,
        rows: positions,
        target: Target::Tensor {
            name: format!("{half}.positional_embedding"),
            shape: vec![positions, state],
            element: ggml::Element::Float32,
        },
    });
}

fn self_attention(plan: &mut Vec<Move>, from: &str, to: &str, state: u32) {
    let (from, to_attention) = (format!("{from}/self_attention"), format!("{to}.attn"));
    norm(
        plan,
        &format!("{from}/layer_norm"),
        &format!("{to}.attn_ln"),
        state,
    );
    let names = ["query", "key", "value"];
    stacked(
        plan,
        &format!("{from}/linear_0"),
        &to_attention,
        &names,
        state,
    );
    stacked(
        plan,
        &format!("{from}/linear_1"),
        &to_attention,
        &["out"],
        state,
    );
}

fn cross_attention(plan: &mut Vec<Move>, from: &str, to: &str, state: u32) {
    let (from, to_attention) = (format!("{from}/attention"), format!("{to}.cross_attn"));
    norm(
        plan,
        &format!("{from}/layer_norm"),
        &format!("{to}.cross_attn_ln"),
        state,
    );
    stacked(
        plan,
        &format!("{from}/linear_0"),
        &to_attention,
        &["query"],
        state,
    );
    stacked(
        plan,
        &format!("{from}/linear_1"),
        &to_attention,
        &["key", "value"],
        state,
    );
    stacked(
        plan,
        &format!("{from}/linear_2"),
        &to_attention,
        &["out"],
        state,
    );
}

fn feed_forward(plan: &mut Vec<Move>, from: &str, to: &str, state: u32) {
    norm(
        plan,
        &format!("{from}/ffn/layer_norm"),
        &format!("{to}.mlp_ln"),
        state,
    );
    for (from_layer, to_layer, outputs, inputs) in [
        ("linear_0", "mlp.0", 4 * state, state),
        ("linear_1", "mlp.2", state, 4 * state),
    ] {
        let (from, to) = (
            format!("{from}/ffn/{from_layer}"),
            format!("{to}.{to_layer}"),
        );
        whole(
            plan,
            format!("{from}/weight"),
            format!("{to}.weight"),
            vec![outputs, inputs],
        );
        whole(
            plan,
            format!("{from}/bias"),
            format!("{to}.bias"),
            vec![outputs],
        );
    }
}

fn norm(plan: &mut Vec<Move>, from: &str, to: &str, state: u32) {
    whole(
        plan,
        format!("{from}/gamma"),
        format!("{to}.weight"),
        vec![state],
    );
    whole(
        plan,
        format!("{from}/beta"),
        format!("{to}.bias"),
        vec![state],
    );
}

/// Square matrices, and their biases, that CTranslate2 holds one below the other in one array.
fn stacked(plan: &mut Vec<Move>, from: &str, to: &str, names: &[&str], state: u32) {
    let all_rows = state * names.len() as u32;
    for (place, name) in names.iter().enumerate() {
        let first_row = state * place as u32;
        let part = |kind: &str, source_shape: Vec<u32>, target| Move {
            source: format!("{from}/{kind}"),
            source_shape,
            first_row,
            rows: state,
            target,
        };
        plan.push(part(
            "weight",
            vec![all_rows, state],
            Target::Tensor {
                name: format!("{to}.{name}.weight"),
                shape: vec![state, state],
                element: ggml::Element::Float16,
            },
        ));
        plan.push(part(
            "bias",
            vec![all_rows],
            match *name {
                "key" => Target::Zero,
                _ => Target::Tensor {
                    name: format!("{to}.{name}.bias"),
                    shape: vec![state],
                    element: ggml::Element::Float32,
                },
            },
        ));
    }
}

/// An array that keeps its shape: matrices stay half-precision, vectors widen.
fn whole(plan: &mut Vec<Move>, source: String, name: String, shape: Vec<u32>) {
    let element = if shape.len() == 1 {
        ggml::Element::Float32
    } else {
        ggml::Element::Float16
    };
    plan.push(Move {
        source,
        source_shape: shape.clone(),
        first_row: 0,
        rows: shape[0],
        target: Target::Tensor {
            name,
            shape,
            element,
        },
    });
}
