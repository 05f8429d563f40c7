//! Latencies that somebody has measured and published, by name. Each says who measured what, and
//! what its numbers cannot tell.

use super::LatencyModel;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// A published latency, as `presets.toml` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The name, in lower case with hyphens: `deepgram-nova-3`.
    pub name: String,
    /// What has this latency.
    pub stage: PresetStage,
    /// What was measured: from what to what.
    pub measured: String,
    /// Who measured.
    pub by: String,
    /// Where it is published.
    pub source: String,
    /// When it was measured, as year and month, as far as that is known.
    pub date: String,
    /// How the model was made of the figures, and what limits them.
    pub note: String,
    /// The distribution: neither a preset again nor linear or correlated.
    pub model: LatencyModel,
}

/// What a preset is the latency of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresetStage {
    /// Speech-to-text: from the end of speech to its transcript.
    Stt,
    /// An answering engine: from the question to the first piece of the answer.
    Answer,
    /// Text-to-speech: from text to the first sound.
    Tts,
    /// Endpointing: from the end of speech to the decision that it has ended.
    Endpointing,
    /// A speech-to-speech model: from the end of the caller's speech to the first sound of the answer.
    SpeechToSpeech,
    /// A network: from one end of the line to the other.
    Network,
}

impl PresetStage {
    /// Every stage, in the order of a turn.
    pub const ALL: [PresetStage; 6] = [
        PresetStage::Stt,
        PresetStage::Answer,
        PresetStage::Tts,
        PresetStage::Endpointing,
        PresetStage::SpeechToSpeech,
        PresetStage::Network,
    ];
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    preset: Vec<Preset>,
}

/// All presets, by stage.
pub fn presets() -> &'static [Preset] {
    static PRESETS: OnceLock<Vec<Preset>> = OnceLock::new();
    PRESETS.get_or_init(|| {
        // Part of the program: a test reads it.
        let catalogue = toml::from_str(include_str!("presets.toml"));
        catalogue.map_or_else(|_| Vec::new(), |catalogue: Catalogue| catalogue.preset)
    })
}

/// The name of every preset, by stage.
pub(super) fn names() -> Vec<&'static str> {
    presets()
        .iter()
        .map(|preset| preset.name.as_str())
        .collect()
}

/// The preset with this name; `None` if there is none.
pub fn preset(name: &str) -> Option<&'static Preset> {
    presets().iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::super::Work;
    use super::*;
    use crate::rng::Seed;
    use std::collections::BTreeSet;

    #[test]
    fn every_preset_is_read() {
        let catalogue = toml::from_str::<Catalogue>(include_str!("presets.toml"));
        let count = catalogue.expect("presets.toml is valid").preset.len();
        assert_eq!(presets().len(), count);
        let names: BTreeSet<&str> = presets().iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names.len(), count, "a name is given twice");
    }

    #[test]
    fn every_preset_is_valid_and_says_where_it_is_from() {
        let of_its_own = |model: &LatencyModel| {
            !matches!(
                model,
                LatencyModel::Preset(_) | LatencyModel::Linear(_) | LatencyModel::Correlated { .. }
            )
        };
        for preset in presets() {
            let name = &preset.name;
            assert!(preset.model.parse().is_ok(), "{name}");
            for text in [
                &preset.measured,
                &preset.by,
                &preset.source,
                &preset.date,
                &preset.note,
            ] {
                assert!(!text.trim().is_empty(), "{name} leaves something unsaid");
            }
            let plain = match &preset.model {
                LatencyModel::Mixture(parts) => parts.iter().all(|part| of_its_own(&part.model)),
                model => of_its_own(model),
            };
            assert!(plain, "{name} is made of other models than distributions");
        }
    }

    /// Latencies that 0.5, 0.95 and 0.99 of the draws lie under, in milliseconds.
    fn sampled_quantiles(preset: &Preset) -> [f64; 3] {
        let source = Seed(1).source("test", &preset.name);
        let latency = preset.model.parse().expect("a latency");
        let mut ms: Vec<f64> = (0..100_000)
            .map(|n| {
                let (mut draw, mut mood) = (source.draw(n, 0), source.mood(n));
                let drawn = latency.sample(&mut draw, &mut mood, Work::default());
                drawn.as_secs_f64() * 1e3
            })
            .collect();
        ms.sort_by(f64::total_cmp);
        [50_000, 95_000, 99_000].map(|rank| ms[rank])
    }

    #[test]
    fn draws_of_a_preset_have_the_published_figures() {
        // Lognormals through two figures are allowed a tenth at the third; the mixtures have all.
        for (name, figures, tolerance) in [
            ("deepgram-nova-3", [247.0, 298.0, 326.0], 0.02),
            ("soniox-v5", [260.0, 305.0, 313.0], 0.05),
            ("assemblyai-u3-rt-pro", [335.0, 534.0, 613.0], 0.07),
            ("elevenlabs-realtime", [281.0, 348.0, 407.0], 0.08),
            ("openai-gpt-4o-transcribe", [637.0, 965.0, 1_655.0], 0.03),
            ("google-stt", [878.0, 1_155.0, 1_570.0], 0.03),
            ("azure-stt", [1_016.0, 1_345.0, 1_791.0], 0.03),
            ("cartesia-ink-2", [299.0, 328.0, 1_584.0], 0.03),
            ("production-e2e", [1_550.0, 4_850.0, 11_850.0], 0.06),
        ] {
            let drawn = sampled_quantiles(preset(name).expect(name));
            for (drawn, figure) in drawn.into_iter().zip(figures) {
                let error = drawn / figure - 1.0;
                assert!(error.abs() < tolerance, "{name}: {drawn}, not {figure}");
            }
        }
    }

    #[test]
    fn every_preset_is_sampled_within_the_minute() {
        for preset in presets() {
            let [median, p95, p99] = sampled_quantiles(preset);
            assert!(
                median > 50.0 && median < p95 && p95 < p99 && p99 < 60_000.0,
                "{}",
                preset.name
            );
        }
    }
}
