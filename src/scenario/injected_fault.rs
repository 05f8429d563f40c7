//! What goes wrong on purpose: faults that a scenario injects into its stages, and bursts of lost packets.

use super::problem::{Problem, Table};
use crate::event::{StageName, Tick};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[[fault]]` as it is written: an injected fault. That of a stage is exactly one of `delay_ms`, `stall_ms`
/// and `error`; that of the network is `loss`, for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultTable {
    /// What has the fault.
    pub stage: FaultyStage,
    /// Milliseconds by which the first output comes later, up to an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Milliseconds without output in the middle of the stream, up to an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<u64>,
    /// The stage fails with this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `network`: the share of packets that is lost on top of what is lost anyway, both ways: above 0, up
    /// to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// When the fault begins: seconds since the beginning of the conversation, or of the load that it is
    /// part of, 0 to 86,400; from the beginning unless given. Earlier outputs are not struck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_s: Option<f64>,
    /// How long the fault lasts: seconds, above 0, up to 86,400; to the end unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
    /// `stall_ms` and `error`: how many outputs come before; 1 for a stall and 0 for an error unless given.
    /// The end of a stream counts as an output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_outputs: Option<u32>,
    /// The inputs of the stage that the fault strikes, counted from one; all of them unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<u64>>,
    /// The probability that the fault strikes an input, in 0..=1.
    #[serde(default = "always")]
    pub probability: f64,
}

fn always() -> f64 {
    1.0
}

/// What can have injected faults, by its name in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultyStage {
    /// Speech-to-text.
    Stt,
    /// What answers.
    Answer,
    /// Text-to-speech.
    Tts,
    /// The way of sound between caller and assistant: no stage, and only simulated.
    Network,
}

/// Something that goes wrong on purpose.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// An engine fails, or is late.
    Stage(InjectedFault),
    /// The network loses more packets than usual.
    Network(LossBurst),
}

/// An injected fault of an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct InjectedFault {
    /// The stage that has the fault.
    pub stage: StageName,
    /// How many outputs come before the one that is struck. The end of a stream counts as an output.
    pub after_outputs: u32,
    /// What happens to the output that is struck.
    pub effect: Effect,
    /// When the fault strikes.
    pub window: Window,
    /// The inputs of the stage that the fault strikes, counted from one; all of them if `None`.
    pub inputs: Option<Vec<u64>>,
    /// The probability that the fault strikes an input, in 0..=1.
    pub probability: f64,
}

/// What an injected fault does to an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The output comes later by this much.
    Wait(Duration),
    /// The stage fails with this text in its place.
    Fail(String),
}

/// More lost packets for a while, both ways.
#[derive(Debug, Clone, PartialEq)]
pub struct LossBurst {
    /// When more packets are lost.
    pub window: Window,
    /// The share of packets that is lost on top of what is lost anyway, above 0, up to 1.
    pub loss: f64,
}

/// When an injected fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first tick at which the fault strikes.
    pub from: Tick,
    /// The tick from which on the fault strikes no more.
    pub until: Tick,
}

impl Window {
    /// Whether the fault strikes at this tick.
    pub fn contains(&self, at: Tick) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// No stall is longer than an hour.
const LONGEST_MS: u64 = 3_600_000;

/// A day: no conversation is longer.
const LONGEST_S: f64 = 86_400.0;

impl FaultTable {
    /// What the table means; `at` is its place among the injected faults.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Fault, Problem> {
        let stage = match self.stage {
            FaultyStage::Stt => StageName::SpeechToText,
            FaultyStage::Answer => StageName::Answer,
            FaultyStage::Tts => StageName::TextToSpeech,
            FaultyStage::Network => return self.burst(at).map(Fault::Network),
        };
        self.injected(stage, at).map(Fault::Stage)
    }

    /// When the fault strikes: always unless the table says otherwise.
    fn window(&self, at: Table<'_>) -> Result<Window, Problem> {
        let from_s = self.from_s.unwrap_or(0.0);
        if !(0.0..=LONGEST_S).contains(&from_s) {
            let fix = format!("{from_s} s; give between 0 and {LONGEST_S} seconds");
            return Err(at.problem("from_s", fix));
        }
        let from = tick(from_s);
        let until = match self.for_s {
            None => Tick(u64::MAX),
            Some(for_s) if for_s > 0.0 && for_s <= LONGEST_S => {
                from + Duration::from_nanos(tick(for_s).0)
            }
            Some(for_s) => {
                let fix = format!("{for_s} s; give more than 0 and up to {LONGEST_S} seconds");
                return Err(at.problem("for_s", fix));
            }
        };
        Ok(Window { from, until })
    }

    fn burst(&self, at: Table<'_>) -> Result<LossBurst, Problem> {
        let window = self.window(at)?;
        let stages_only = [
            ("delay_ms", self.delay_ms.is_some()),
            ("stall_ms", self.stall_ms.is_some()),
            ("error", self.error.is_some()),
            ("after_outputs", self.after_outputs.is_some()),
            ("inputs", self.inputs.is_some()),
            ("probability", self.probability != 1.0),
        ];
        if let Some((key, _)) = stages_only.into_iter().find(|(_, given)| *given) {
            let fix = "the network is no stage: it has loss, from_s and for_s; take the key away";
            return Err(at.problem(key, fix));
        }
        let Some(loss) = self.loss else {
            let fix = "a burst of lost packets needs the share that is lost, as in loss = 0.5";
            return Err(at.problem("loss", fix));
        };
        if !(loss > 0.0 && loss <= 1.0) {
            let fix = format!("{loss} is no share of packets; give more than 0 and up to 1");
            return Err(at.problem("loss", fix));
        }
        for (key, given) in [("from_s", self.from_s), ("for_s", self.for_s)] {
            if given.is_none() {
                let fix = "a burst has a beginning and a length: give from_s and for_s in seconds, or [network] a loss that lasts";
                return Err(at.problem(key, fix));
            }
        }
        Ok(LossBurst { window, loss })
    }

    fn injected(&self, stage: StageName, at: Table<'_>) -> Result<InjectedFault, Problem> {
        let window = self.window(at)?;
        if self.loss.is_some() {
            let fix =
                "only the network loses packets; set stage = \"network\", or take the key away";
            return Err(at.problem("loss", fix));
        }
        let wait = |key, ms| match ms {
            ..=LONGEST_MS => Ok(Effect::Wait(Duration::from_millis(ms))),
            _ => Err(at.problem(key, format!("{ms} ms is more than an hour"))),
        };
        let (usually_after, effect) = match (self.delay_ms, self.stall_ms, &self.error) {
            (Some(ms), None, None) => (0, wait("delay_ms", ms)?),
            (None, Some(ms), None) => (1, wait("stall_ms", ms)?),
            (None, None, Some(error)) => (0, Effect::Fail(error.clone())),
            _ => {
                let fix =
                    "a fault is one of delay_ms, stall_ms and error: give exactly one of them";
                return Err(at.problem("stage", fix));
            }
        };
        if self.delay_ms.is_some() && self.after_outputs.is_some() {
            let fix = "a delay comes before the first output; use stall_ms for later ones";
            return Err(at.problem("after_outputs", fix));
        }
        if self.inputs.as_ref().is_some_and(|of| of.contains(&0)) {
            return Err(at.problem("inputs", "inputs are counted from 1"));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            let fix = format!("{} is no probability; give 0 to 1", self.probability);
            return Err(at.problem("probability", fix));
        }
        Ok(InjectedFault {
            stage,
            after_outputs: self.after_outputs.unwrap_or(usually_after),
            effect,
            window,
            inputs: self.inputs.clone(),
            probability: self.probability,
        })
    }
}

/// A point in time, to the nearest nanosecond.
fn tick(seconds: f64) -> Tick {
    Tick((seconds * 1e9 + 0.5) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(keys: &str) -> Result<Fault, Problem> {
        let table: FaultTable = toml::from_str(keys).expect(keys);
        table.parse(Table::nth(&["fault"], 0))
    }

    fn window(keys: &str) -> Window {
        match fault(keys) {
            Ok(Fault::Stage(fault)) => fault.window,
            other => panic!("{keys}: {other:?}"),
        }
    }

    #[test]
    fn a_window_begins_on_time_and_ends_on_time() {
        let outage = window("stage = \"answer\"\nerror = \"down\"\nfrom_s = 1.5\nfor_s = 30");
        assert!(!outage.contains(Tick::from_ms(1_499)) && outage.contains(Tick::from_ms(1_500)));
        assert!(outage.contains(Tick::from_ms(31_499)) && !outage.contains(Tick::from_ms(31_500)));
        let always = window("stage = \"answer\"\nerror = \"down\"");
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
            let problem = fault(keys).expect_err(keys);
            assert_eq!(
                problem.place.to_string(),
                format!("fault 1 {key}"),
                "{problem}"
            );
        }
    }
}
