//! What goes wrong with an engine, as data.

use crate::event::{StageName, Tick};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A fault of one stage: exactly one of `delay_ms`, `stall_ms` and `error`. Of the network: `loss`,
/// for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub stage: FaultyStage,
    /// The first output comes this much later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Nothing comes for this long in the middle of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<u64>,
    /// The stage fails with this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `network`: this share of the packets is lost on top of what is lost anyway, both ways: above 0,
    /// up to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Only from then on: seconds since the conversation began, or the load that it is part of, 0 to
    /// 86,400. What a stage puts out before is not struck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_s: Option<f64>,
    /// Only for so long: seconds, above 0, up to 86,400; from the beginning unless `from_s` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
    /// `stall_ms` and `error`: after so many outputs; 1 and 0 unless given. The end of a stream
    /// counts as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_outputs: Option<u32>,
    /// Which inputs of the stage it strikes, counted from one; all of them unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<u64>>,
    /// With which probability it strikes one of them, in 0..=1.
    #[serde(default = "always")]
    pub probability: f64,
}

fn always() -> f64 {
    1.0
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: Tick,
    /// From then on no more.
    pub until: Tick,
}

impl Window {
    pub fn contains(&self, at: Tick) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// What can have faults, by its name in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultyStage {
    Stt,
    Answer,
    Tts,
    /// The way of sound between caller and assistant: no stage, and only simulated.
    Network,
}

impl FaultyStage {
    /// The stage; `None` for the network.
    pub fn name(self) -> Option<StageName> {
        match self {
            FaultyStage::Stt => Some(StageName::SpeechToText),
            FaultyStage::Answer => Some(StageName::Answer),
            FaultyStage::Tts => Some(StageName::TextToSpeech),
            FaultyStage::Network => None,
        }
    }
}

/// No stall is longer than an hour.
const LONGEST_MS: u64 = 3_600_000;

/// A day: no conversation is longer.
const LONGEST_S: f64 = 86_400.0;

impl Fault {
    /// When it strikes; always unless it says.
    pub fn window(&self) -> Window {
        let from = tick(self.from_s.unwrap_or(0.0));
        Window {
            from,
            until: match self.for_s {
                Some(for_s) => from + Duration::from_nanos(tick(for_s).0),
                None => Tick(u64::MAX),
            },
        }
    }

    /// The key that is wrong, and the cure, if one is.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        self.wrong_window().or_else(|| match self.stage {
            FaultyStage::Network => self.wrong_burst(),
            _ => self.wrong_strike(),
        })
    }

    fn wrong_window(&self) -> Option<(&'static str, String)> {
        if let Some(from) = self.from_s.filter(|s| !(0.0..=LONGEST_S).contains(s)) {
            let cure = format!("{from} s; give between 0 and {LONGEST_S} seconds");
            return Some(("from_s", cure));
        }
        let is_wrong = |s: &f64| !(*s > 0.0 && *s <= LONGEST_S);
        let span = self.for_s.filter(is_wrong)?;
        let cure = format!("{span} s; give more than 0 and up to {LONGEST_S} seconds");
        Some(("for_s", cure))
    }

    /// What is wrong with a burst of lost packets.
    fn wrong_burst(&self) -> Option<(&'static str, String)> {
        let stages_only = [
            ("delay_ms", self.delay_ms.is_some()),
            ("stall_ms", self.stall_ms.is_some()),
            ("error", self.error.is_some()),
            ("after_outputs", self.after_outputs.is_some()),
            ("inputs", self.inputs.is_some()),
            ("probability", self.probability != 1.0),
        ];
        if let Some((key, _)) = stages_only.into_iter().find(|(_, given)| *given) {
            let cure = "the network is no stage: it has loss, from_s and for_s; take the key away";
            return Some((key, cure.into()));
        }
        let Some(loss) = self.loss else {
            let cure = "a burst of lost packets needs the share that is lost, as in loss = 0.5";
            return Some(("loss", cure.into()));
        };
        if !(loss > 0.0 && loss <= 1.0) {
            let cure = format!("{loss} is no share of packets; give more than 0 and up to 1");
            return Some(("loss", cure));
        }
        for (key, given) in [("from_s", self.from_s), ("for_s", self.for_s)] {
            if given.is_none() {
                let cure = "a burst has a beginning and a length: give from_s and for_s in seconds, or [network] a loss that lasts";
                return Some((key, cure.into()));
            }
        }
        None
    }

    fn wrong_strike(&self) -> Option<(&'static str, String)> {
        if self.loss.is_some() {
            let cure =
                "only the network loses packets; set stage = \"network\", or take the key away";
            return Some(("loss", cure.into()));
        }
        let kinds = [
            self.delay_ms.is_some(),
            self.stall_ms.is_some(),
            self.error.is_some(),
        ];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            return Some((
                "stage",
                "a fault is one of delay_ms, stall_ms and error: give exactly one of them".into(),
            ));
        }
        for (key, ms) in [("delay_ms", self.delay_ms), ("stall_ms", self.stall_ms)] {
            if let Some(ms) = ms.filter(|ms| *ms > LONGEST_MS) {
                return Some((key, format!("{ms} ms is more than an hour")));
            }
        }
        if self.delay_ms.is_some() && self.after_outputs.is_some() {
            let cure = "a delay comes before the first output; use stall_ms for later ones";
            return Some(("after_outputs", cure.into()));
        }
        if self
            .inputs
            .as_ref()
            .is_some_and(|inputs| inputs.contains(&0))
        {
            return Some(("inputs", "inputs are counted from 1".into()));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            let cure = format!("{} is no probability; give 0 to 1", self.probability);
            return Some(("probability", cure));
        }
        None
    }
}

/// A point in time, to the nearest nanosecond; what is no number becomes 0.
fn tick(seconds: f64) -> Tick {
    Tick((seconds.clamp(0.0, LONGEST_S) * 1e9 + 0.5) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(keys: &str) -> Fault {
        toml::from_str(keys).expect(keys)
    }

    #[test]
    fn a_window_begins_on_time_and_ends_on_time() {
        let outage = fault("stage = \"answer\"\nerror = \"down\"\nfrom_s = 1.5\nfor_s = 30");
        let window = outage.window();
        assert_eq!(outage.wrong(), None);
        assert!(!window.contains(Tick::from_ms(1_499)) && window.contains(Tick::from_ms(1_500)));
        assert!(window.contains(Tick::from_ms(31_499)) && !window.contains(Tick::from_ms(31_500)));
        let always = fault("stage = \"answer\"\nerror = \"down\"").window();
        assert!(always.contains(Tick::ZERO) && always.contains(Tick(u64::MAX - 1)));
    }

    #[test]
    fn what_makes_no_fault_is_refused_by_its_key() {
        for (keys, key) in [
            ("stage = \"tts\"\nerror = \"x\"\nfrom_s = -1.0", "from_s"),
            ("stage = \"tts\"\nerror = \"x\"\nfor_s = 0.0", "for_s"),
            ("stage = \"tts\"\nerror = \"x\"\nfor_s = nan", "for_s"),
            ("stage = \"tts\"\nerror = \"x\"\nloss = 0.5", "loss"),
            ("stage = \"network\"", "loss"),
            (
                "stage = \"network\"\nloss = 1.5\nfrom_s = 0\nfor_s = 1",
                "loss",
            ),
            ("stage = \"network\"\nloss = 0.5\nfrom_s = 0", "for_s"),
            ("stage = \"network\"\nloss = 0.5\nfor_s = 1", "from_s"),
            (
                "stage = \"network\"\nloss = 0.5\nfrom_s = 0\nfor_s = 1\nerror = \"x\"",
                "error",
            ),
            (
                "stage = \"network\"\nloss = 0.5\nfrom_s = 0\nfor_s = 1\nprobability = 0.5",
                "probability",
            ),
        ] {
            let (named, cure) = fault(keys).wrong().expect(keys);
            assert_eq!(named, key, "{keys}: {cure}");
        }
    }
}
