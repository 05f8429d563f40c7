//! The configuration beside a Piper voice, `NAME.onnx.json`: sample rate, espeak-ng voice, scales, and the number of
//! each phoneme. Keys that do not matter here are passed over.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::VoiceError;
use crate::files;

/// The largest configuration read, in bytes; usual is 5 kB.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// How a voice's phonemes are written, if it is one that espeak-ng's phonemes fit.
const PHONEME_TYPE: &str = "espeak";

/// The parts of the `.onnx.json` file that matter here.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) audio: AudioConfig,
    pub(super) espeak: EspeakConfig,
    #[serde(default)]
    pub(super) inference: Scales,
    #[serde(default = "one_speaker")]
    num_speakers: u32,
    #[serde(default = "phonemes_of_espeak")]
    phoneme_type: String,
    num_symbols: i32,
    phoneme_id_map: BTreeMap<char, Vec<i32>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AudioConfig {
    pub(super) sample_rate: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct EspeakConfig {
    pub(super) voice: String,
}

/// How much the voice varies, and how long its phonemes are. The defaults are those VITS was published with.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Scales {
    pub(super) noise_scale: f32,
    pub(super) length_scale: f32,
    pub(super) noise_w: f32,
}

impl Default for Scales {
    fn default() -> Self {
        Self {
            noise_scale: 0.667,
            length_scale: 1.0,
            noise_w: 0.8,
        }
    }
}

fn one_speaker() -> u32 {
    1
}

fn phonemes_of_espeak() -> String {
    PHONEME_TYPE.to_owned()
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`VoiceError::ModelUnreadable`] and [`VoiceError::ModelInvalid`], naming the file and the key.
    pub(super) fn read(path: &Path) -> Result<Self, VoiceError> {
        let bytes = read_bounded(path, CONFIG_BYTES_MAX)?;
        Self::parse(&bytes).map_err(|reason| VoiceError::ModelInvalid {
            path: path.to_owned(),
            reason,
        })
    }

    fn parse(json: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let scales = &config.inference;
        let is_scale = |scale: f32| (0.0..=10.0).contains(&scale);
        let id_range = 0..config.num_symbols;
        if config.phoneme_type != PHONEME_TYPE {
            return Err(format!(
                "its phoneme_type is `{}`, and only `{PHONEME_TYPE}` is supported",
                config.phoneme_type
            ));
        }
        if config.num_speakers != 1 {
            return Err(format!(
                "it has {} speakers, and only voices with 1 are supported",
                config.num_speakers
            ));
        }
        if !(8_000..=48_000).contains(&config.audio.sample_rate) {
            return Err(format!(
                "its sample_rate is {}, not 8000 to 48000",
                config.audio.sample_rate
            ));
        }
        if !is_scale(scales.noise_scale)
            || !is_scale(scales.noise_w)
            || !(0.1..=10.0).contains(&scales.length_scale)
        {
            return Err(format!("its inference scales are out of range: {scales:?}"));
        }
        if !config
            .phoneme_id_map
            .values()
            .flatten()
            .all(|id| id_range.contains(id))
        {
            return Err(format!(
                "its phoneme_id_map has numbers outside {id_range:?}"
            ));
        }
        if let Some(sign) = ['^', '_', '$']
            .iter()
            .find(|sign| !config.phoneme_id_map.contains_key(sign))
        {
            return Err(format!("its phoneme_id_map has no `{sign}`"));
        }
        Ok(config)
    }

    /// The model's input for some phonemes: start, then each known phoneme, a pad after each of these, and the end.
    /// None if no phoneme is known.
    pub(super) fn phoneme_ids(&self, phonemes: &str) -> Option<Vec<i32>> {
        let ids_of = |sign: char| {
            self.phoneme_id_map
                .get(&sign)
                .into_iter()
                .flatten()
                .copied()
        };
        let mut ids: Vec<i32> = ids_of('^').chain(ids_of('_')).collect();
        let head = ids.len();
        for sign in phonemes
            .chars()
            .filter(|sign| self.phoneme_id_map.contains_key(sign))
        {
            ids.extend(ids_of(sign).chain(ids_of('_')));
        }
        let is_silent = ids.len() == head;
        ids.extend(ids_of('$'));
        (!is_silent).then_some(ids)
    }
}

/// A whole file of at most `bytes_max` bytes.
pub(super) fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, VoiceError> {
    files::read(path, bytes_max).map_err(|source| VoiceError::ModelUnreadable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A configuration with a handful of phonemes.
    pub(in super::super) const CONFIG: &str = r#"{"audio": {"sample_rate": 22050}, "espeak": {"voice": "en-us"}, "num_symbols": 256,
        "inference": {"noise_scale": 0.5, "length_scale": 1, "noise_w": 0.8}, "num_speakers": 1, "dataset": "x",
        "phoneme_id_map": {"_": [0], "^": [1], "$": [2], " ": [3], ".": [10], "m": [25], "h": [20], "ˈ": [120]}}"#;

    #[test]
    fn phonemes_become_ids_with_pads_between() {
        let config = Config::parse(CONFIG.as_bytes()).unwrap();
        let ids = |phonemes| config.phoneme_ids(phonemes);
        assert_eq!(
            ids("mˈhm."),
            Some(vec![1, 0, 25, 0, 120, 0, 20, 0, 25, 0, 10, 0, 2])
        );
        assert_eq!(ids("m漢\u{0}m"), ids("mm"), "unknown signs are left out");
        assert_eq!(ids("漢"), None);
        assert_eq!(ids(""), None);
    }

    #[test]
    fn scales_come_from_the_configuration_and_have_defaults() {
        let config = Config::parse(CONFIG.as_bytes()).unwrap();
        assert_eq!(config.inference.noise_scale, 0.5);
        let without = CONFIG.replace("inference", "other");
        assert_eq!(
            Config::parse(without.as_bytes())
                .unwrap()
                .inference
                .noise_scale,
            0.667
        );
    }

    #[test]
    fn a_wrong_configuration_is_refused_with_its_key() {
        let check = |from: &str, to: &str, named: &str| {
            let json = CONFIG.replace(from, to);
            assert_ne!(json, CONFIG);
            let reason = Config::parse(json.as_bytes()).unwrap_err();
            assert!(reason.contains(named), "{reason:?} does not name {named}");
        };
        check("22050", "0", "sample_rate");
        check("22050", "-1", "u32");
        check("\"noise_scale\": 0.5", "\"noise_scale\": -0.5", "scales");
        check("\"length_scale\": 1", "\"length_scale\": 0", "scales");
        check("\"num_speakers\": 1", "\"num_speakers\": 9", "speakers");
        check(
            "\"dataset\": \"x\"",
            "\"phoneme_type\": \"text\"",
            "phoneme_type",
        );
        check("[120]", "[256]", "phoneme_id_map");
        check("[120]", "[-1]", "phoneme_id_map");
        check("\"^\"", "\"&\"", "`^`");
        check("phoneme_id_map", "phonemes", "phoneme_id_map");
        check("}}", "", "EOF");
    }
}
