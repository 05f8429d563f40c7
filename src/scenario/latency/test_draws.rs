//! Draws and models for the tests of this module.

use super::{Latency, LatencyModel, Linear, Part, Work};
use crate::rng::{Seed, Source};
use proptest::prelude::*;
use std::time::Duration;

pub(super) fn source() -> Source {
    Seed(1).source("test", "latency")
}

pub(super) fn sampled(latency: &Latency, (conversation, turn): (u64, u32), work: Work) -> Duration {
    let mut draw = source().draw(conversation, turn);
    latency.sample(&mut draw, &mut source().mood(conversation), work)
}

/// Latencies of the first turns of as many conversations, in milliseconds.
pub(super) fn draws(model: &LatencyModel, turn: u32, count: usize) -> Vec<f64> {
    let latency = model.parse().expect("a latency");
    let ms = |n| sampled(&latency, (n, turn), Work::default()).as_secs_f64() * 1e3;
    (0..count as u64).map(ms).collect()
}

pub(super) fn part(weight: f64, model: LatencyModel) -> Part {
    Part { weight, model }
}

pub(super) fn lognormal(median_ms: f64, p95_ms: f64) -> LatencyModel {
    LatencyModel::Lognormal { median_ms, p95_ms }
}

pub(super) fn correlated(correlation: f64, model: LatencyModel) -> LatencyModel {
    let model = Box::new(model);
    LatencyModel::Correlated {
        correlation,
        turn: 0.0,
        model,
    }
}

/// Quantiles that are in order.
fn rising_quantiles(mut ms: Vec<f64>) -> LatencyModel {
    ms.sort_by(f64::total_cmp);
    let last = (ms.len() - 1) as f64;
    let point = |(index, ms)| (index as f64 / last, ms);
    LatencyModel::Quantiles(ms.into_iter().enumerate().map(point).collect())
}

/// Settings with which every run tries the same cases.
pub(super) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

/// Times that may be wrong in every way.
fn time() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 0.0..4e3,
        1 => 0.0..4e6,
        1 => proptest::num::f64::ANY,
    ]
}

pub(super) fn any_model() -> impl Strategy<Value = LatencyModel> {
    let leaf = prop_oneof![
        time().prop_map(LatencyModel::FixedMs),
        (time(), time()).prop_map(|(min_ms, max_ms)| LatencyModel::Uniform { min_ms, max_ms }),
        (time(), time()).prop_map(|(median, p95)| lognormal(median, p95)),
        (time(), time()).prop_map(|(mean_ms, p95_ms)| LatencyModel::Gamma { mean_ms, p95_ms }),
        (time(), time())
            .prop_map(|(median_ms, p95_ms)| LatencyModel::Weibull { median_ms, p95_ms }),
        proptest::collection::vec((-0.1..1.1_f64, time()), 0..5).prop_map(LatencyModel::Quantiles),
        proptest::collection::vec(0.0..4e3, 2..9).prop_map(rising_quantiles),
        Just(LatencyModel::Preset("cartesia-ink-2".into())),
        Just(LatencyModel::Preset("nobody".into())),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec((-0.1..10.0, inner.clone()), 0..4).prop_map(|parts| {
                let parts = parts.into_iter().map(|(weight, model)| part(weight, model));
                LatencyModel::Mixture(parts.collect())
            }),
            (-0.1..1.1, inner.clone()).prop_map(|(rho, model)| correlated(rho, model)),
            (time(), inner).prop_map(|(base_ms, model)| {
                LatencyModel::Linear(Linear {
                    base_ms,
                    per_token_ms: base_ms,
                    residual: Some(Box::new(model)),
                    ..Linear::default()
                })
            }),
        ]
    })
}
