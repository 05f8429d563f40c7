//! What somebody with a calculator would predict.

use super::statistics::{figure, sorted};
use super::{NET, WHOLE};
use crate::fit::Fit;
use crate::rng::Seed;
use crate::scenario::latency::{LatencyModel, Work};
use crate::scenario::{Scenario, TopologyName};
use std::collections::BTreeMap;

/// What somebody with a calculator would say: medians added up, spreads as squares.
pub(super) fn naive(asked: &Scenario, fit: &Fit) -> BTreeMap<(&'static str, &'static str), f64> {
    let file = asked.file();
    let stages: [(&str, Option<&LatencyModel>); 3] = [
        ("stt", file.stt.latency.as_ref()),
        ("answer", file.answer.latency.as_ref()),
        ("tts", file.tts.latency.as_ref()),
    ];
    let mut all = BTreeMap::new();
    if file.topology == TopologyName::SpeechToSpeech {
        return all;
    }
    let draws = |model: &LatencyModel, work: Work| -> Option<[f64; 2]> {
        let latency = model.parse().ok()?;
        let source = Seed(1).source("validate", "naive");
        let drawn = (0..2_000).map(|n| {
            let (mut draw, mut mood) = (source.draw(n, 1), source.mood(n));
            1e3 * latency.sample(&mut draw, &mut mood, work).as_secs_f64()
        });
        let drawn = sorted(drawn);
        Some([figure(&drawn, Some(0.5)), figure(&drawn, Some(0.95))])
    };
    let (mut median, mut squares) = (0.0, 0.0);
    for (table, model) in stages {
        let stage = fit.stages.iter().find(|stage| stage.table == table);
        let work = stage.map_or(0.0, |stage| {
            let works = sorted(stage.samples.iter().filter_map(|sample| sample.work));
            works.get(works.len() / 2).copied().unwrap_or(0.0)
        });
        let work = Work {
            audio_s: work,
            characters: work,
            tokens: work / 4.0,
            question: 2,
        };
        if let Some([p50, p95]) = model.and_then(|model| draws(model, work)) {
            median += p50;
            squares += (p95 - p50).powi(2);
        }
    }
    let silence = file.endpointing.silence_ms as f64;
    let ahead = match file.speculation.enabled {
        true => (silence - file.speculation.after_ms as f64).max(0.0),
        false => 0.0,
    };
    let lag = draws(&file.ear.lag, Work::default()).map_or(0.0, |[p50, _]| p50);
    for (statistic, spread) in [("p50", 0.0), ("p95", squares.sqrt())] {
        let net = (median + spread - ahead).max(0.0);
        all.insert((NET, statistic), net);
        all.insert((WHOLE, statistic), lag + silence + net);
    }
    all
}
