//! What the latencies of a scenario were fitted to, and how a profile goes over another scenario.
//!
//! A profile is a scenario with a table `[profile]`: `voicesim fit` writes it, and it can be simulated as it is. Put
//! over another scenario it gives that one its engines and its caller, and leaves the settings alone.

use super::Scenario;
use super::latency::LatencyModel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// `[profile]` as it is written: what the latencies of a scenario were fitted to. `voicesim fit` writes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// The day of the fit, as in 2026-11-29.
    pub fitted: String,
    /// The version of voicesim that fitted.
    pub version: String,
    /// Folders that were fitted to, the first of them.
    pub sources: Vec<String>,
    /// Conversations in all of them.
    pub conversations: u64,
    /// Turns in all of them.
    pub turns: u64,
    /// The engines that were measured, by stage.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub engines: BTreeMap<String, String>,
    /// The machine that was measured on, as far as it is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// Processor cores that the engines computed on; 0 if that is not known.
    pub cores: u32,
    /// The share of the engines' jobs that other programs disturbed, 0 to 1.
    pub disturbed_share: f64,
    /// Whether disturbed jobs were left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub undisturbed: bool,
    /// The correlation of the stages of a turn, after what the work explains; 0 if there was too little to tell.
    pub turn_correlation: f64,
    /// The least and the greatest of what was seen, by name: `stt.audio_s`, `tts.characters`.
    pub seen: BTreeMap<String, [f64; 2]>,
    /// How well each stage was fitted.
    pub stage: BTreeMap<String, StageFit>,
    /// How long the jobs of a calibrator took around the runs that were fitted to, in milliseconds, by engine and in
    /// order: the same questions again later tell how much the machine has drifted. Nothing unless it was held.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub calibrator: BTreeMap<String, Vec<f64>>,
    /// What `voicesim validate` found; nothing if nobody has asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validated: Option<Validated>,
}

/// How well a stage was fitted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StageFit {
    /// What was chosen: `lognormal`, `gamma`, `weibull`, `mixture`, `quantiles` or `linear`.
    pub family: String,
    /// The latency in words, as the profile has it.
    pub latency: String,
    /// Latencies that were measured to their end.
    pub samples: u64,
    /// Latencies of work that was given up, which took at least so long.
    pub given_up: u64,
    /// The greatest distance between the shares below a time, fitted and measured, 0 to 1.
    pub ks: f64,
    /// The error of the fitted median, in percent of the measured one.
    pub p50_error_percent: f64,
    /// The error of the fitted 95th percentile, in percent of the measured one.
    pub p95_error_percent: f64,
    /// The share of the variance that the work explains, 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub explained: f64,
    /// What to know before relying on it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub warning: String,
}

/// What `voicesim validate` found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Validated {
    /// The day.
    pub on: String,
    /// Turns that were predicted.
    pub turns: u64,
    /// The error of the predicted median of e2e_latency, in percent.
    pub p50_error_percent: f64,
    /// The error of the predicted 95th percentile, in percent.
    pub p95_error_percent: f64,
}

fn several(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// Tables that a profile gives to the scenario that it goes over, in place of that one's.
const ENGINES: [&str; 3] = ["stt", "answer", "tts"];

/// How a scenario's callers behave, which a profile gives key by key.
const CALLER: &str = "caller";

/// Puts a profile over a scenario: engines, caller and the ear's lag become the profile's, settings stay.
pub(super) fn put_over(scenario: &mut Table, profile: &Table) {
    for key in ENGINES.into_iter().chain(["profile", "disturbance"]) {
        if let Some(table) = profile.get(key) {
            scenario.insert(key.to_owned(), table.clone());
        }
    }
    // A profile of nothing but whole latencies is one of a model that hears and speaks.
    let is_direct = |table: &Table| {
        table
            .get("topology")
            .is_some_and(|it| it.as_str() == Some("speech_to_speech"))
    };
    if is_direct(profile) || is_direct(scenario) {
        for key in ["topology", "speech_to_speech"] {
            match profile.get(key) {
                Some(value) => scenario.insert(key.to_owned(), value.clone()),
                None => scenario.remove(key),
            };
        }
    }
    for key in ["lag", "notice"] {
        let Some(model) = profile.get("ear").and_then(|ear| ear.get(key)) else {
            continue;
        };
        let ear = scenario
            .entry("ear")
            .or_insert_with(|| Value::Table(Table::new()));
        if let Some(ear) = ear.as_table_mut() {
            ear.insert(key.into(), model.clone());
        }
    }
    let Some(Value::Table(caller)) = profile.get(CALLER) else {
        return;
    };
    // Recordings and sentences cannot be heard by engines that only take their time.
    let is_sound = |turn: &Value| turn.get("wav").is_some() || turn.get("say").is_some();
    let turns = scenario.get("turn").and_then(Value::as_array);
    let turns = turns.map(Vec::as_slice).unwrap_or_default();
    let has_own = !turns.is_empty() && !turns.iter().any(is_sound);
    if has_own {
        return;
    }
    scenario.remove("turn");
    let own = scenario
        .entry(CALLER)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Some(own) = own.as_table_mut() {
        for (key, value) in caller {
            own.insert(key.clone(), value.clone());
        }
    }
}

impl Scenario {
    /// What the latencies were fitted to; `None` if they are assumptions or published figures.
    pub fn profile(&self) -> Option<&Profile> {
        self.file.profile.as_ref()
    }

    /// What the figures of a simulation rest on, a sentence each: a profile and in what the scenario lies outside of it,
    /// published latencies, assumptions.
    pub fn rests_on(&self) -> Vec<String> {
        let Some(profile) = self.profile() else {
            let all = [self.rests_on_no_profile()].into_iter();
            return all.chain(self.rests_on_disturbance()).collect();
        };
        let mut text = format!(
            "its figures rest on a profile, fitted on {} to {} in {} ({})",
            profile.fitted,
            several(profile.turns, "turn"),
            several(profile.conversations, "conversation"),
            profile.sources.join(", ")
        );
        let changed: Vec<&str> = self
            .latencies()
            .into_iter()
            .filter(|(table, model)| {
                let fitted = profile.stage.get(*table);
                fitted.is_some_and(|fitted| fitted.latency != model.describe())
            })
            .map(|(table, _)| table)
            .collect();
        if !changed.is_empty() {
            text += &format!("; but {} was set otherwise", changed.join(", "));
        }
        text += &match &profile.validated {
            Some(validated) => format!(
                "; on {} its p50 was off by {:+.1} % and its p95 by {:+.1} % over {} turns",
                validated.on,
                validated.p50_error_percent,
                validated.p95_error_percent,
                validated.turns
            ),
            None => "; no run has checked its predictions yet".to_owned(),
        };
        let outside = self.outside_of_profile();
        let outside = outside
            .into_iter()
            .map(|what| format!("outside of what the profile has seen: {what}"));
        let disturbed = self.rests_on_disturbance();
        [text].into_iter().chain(disturbed).chain(outside).collect()
    }

    fn rests_on_disturbance(&self) -> Option<String> {
        let disturbance = self.disturbance.as_ref()?;
        Some(format!(
            "other programs disturb {:.0} % of the engines' jobs in it, {:.0} % of those behind a disturbed one ([disturbance])",
            100.0 * disturbance.share(),
            100.0 * disturbance.stays
        ))
    }

    fn rests_on_no_profile(&self) -> String {
        let mut published = Vec::new();
        let mut assumed = Vec::new();
        for (table, model) in self.latencies() {
            match model {
                LatencyModel::Preset(name) => published.push(format!("{table} {name}")),
                _ => assumed.push(table),
            }
        }
        if self.caller.is_some() {
            assumed.push("caller");
        }
        let assumed = assumed.join(", ");
        match published.as_slice() {
            [] => format!(
                "its figures rest on assumptions alone ({assumed}); `voicesim fit` makes a profile of what was measured"
            ),
            published => format!(
                "its figures rest on published latencies, never checked here ({}), and on assumptions ({assumed})",
                published.join(", ")
            ),
        }
    }

    /// The latencies of the stages that the scenario has, as they are written.
    fn latencies(&self) -> Vec<(&'static str, &LatencyModel)> {
        let file = &self.file;
        if file.topology == super::TopologyName::SpeechToSpeech {
            return vec![("speech_to_speech", &file.speech_to_speech.latency)];
        }
        let all = [
            ("stt", &file.stt.latency),
            ("answer", &file.answer.latency),
            ("tts", &file.tts.latency),
        ];
        all.into_iter()
            .filter_map(|(table, model)| Some((table, model.as_ref()?)))
            .collect()
    }

    /// In what the scenario lies outside of what its profile has seen, a sentence each; nothing without a profile.
    pub fn outside_of_profile(&self) -> Vec<String> {
        let Some(profile) = self.profile() else {
            return Vec::new();
        };
        let mut outside = Vec::new();
        let cores = f64::from(self.cores());
        for (table, compute) in self.file.compute() {
            let (Some(_), Some([fewest, most])) =
                (compute, profile.seen.get(&format!("{table}.threads")))
            else {
                continue;
            };
            if cores < *fewest {
                outside.push(format!(
                    "cores = {cores}, and {table} was measured on {fewest} threads at least: how much slower it is on fewer is assumed ({table}.compute.serial)"
                ));
            }
            if cores > *most && *most > 1.0 {
                outside.push(format!(
                    "cores = {cores}, and {table} was measured on {most} threads at most: more make it no faster here"
                ));
            }
        }
        if let Some([_, most]) = profile.seen.get("calls_at_once")
            && self.load.is_some()
        {
            outside.push(format!(
                "[load] has many calls at once, and {most} at once was measured: what engines do under load is in [pool], not in the profile"
            ));
        }
        if let Some([_, most]) = profile.seen.get("silence_ms")
            && let super::EndpointPolicy::Silence(silence) = self.endpointing.policy
            && silence.as_secs_f64() * 1e3 > *most
            && profile.seen.contains_key("pause_ms")
        {
            outside.push(format!(
                "endpointing.silence_ms = {}, and the silence that was measured is {most} ms: longer pauses inside of a turn were not seen",
                silence.as_millis()
            ));
        }
        outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(scenario: &str, profile: &str) -> String {
        let mut scenario: Table = toml::from_str(scenario).expect("TOML");
        put_over(&mut scenario, &toml::from_str(profile).expect("TOML"));
        toml::to_string(&scenario).expect("TOML")
    }

    const PROFILE: &str = "[profile]\nturns = 9\n[caller]\nquestions = 3\n[ear]\nlag = { fixed_ms = 70 }\n[endpointing]\nsilence_ms = 700\n[stt]\nengine = \"simulated\"\nlatency = { fixed_ms = 90 }\n";

    #[test]
    fn engines_and_callers_become_those_of_the_profile_and_settings_stay() {
        let text = put(
            "[endpointing]\nsilence_ms = 300\n[stt]\nengine = \"whisper\"\nmodel = \"m\"\n[[turn]]\nwav = \"a.wav\"\n",
            PROFILE,
        );
        for kept in [
            "silence_ms = 300",
            "questions = 3",
            "fixed_ms = 90",
            "fixed_ms = 70",
            "turns = 9",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        for gone in ["a.wav", "whisper", "model"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
    }

    #[test]
    fn turns_without_sound_are_the_scenarios_own() {
        let text = put(
            "[[turn]]\nspeech = { length = { fixed_ms = 900 } }\n",
            PROFILE,
        );
        assert!(
            text.contains("fixed_ms = 900") && !text.contains("questions"),
            "{text}"
        );
    }

    #[test]
    fn a_cascade_goes_in_place_of_a_model_that_hears_and_speaks() {
        let text = put("topology = \"speech_to_speech\"\n", PROFILE);
        assert!(!text.contains("speech_to_speech"), "{text}");
    }
}
