//! What was asked for, as data: the turns of a conversation, its engines, and the limits it must
//! keep. A scenario is a TOML file; every key is known, or reading it is an error.

pub mod budget;
pub mod caller;
mod check;
pub mod cost;
pub mod cure;
mod difference;
mod engines;
pub mod fault;
pub mod latency;
mod load;
pub mod network;
mod set;
pub mod speech;
pub mod traffic;
mod variation;

pub use difference::{KeyDifference, differences};
pub use engines::{Answer, Api, SpeechToText, TextToSpeech};
pub use load::{ScenarioError, Template, load, load_budget, load_with, parse};
pub use variation::{Variation, shown};

use crate::event::Expect;
use budget::BudgetTable;
use caller::Caller;
use cost::Prices;
use cure::Cures;
use fault::Fault;
use latency::LatencyModel;
use network::Network;
use serde::{Deserialize, Serialize};
use speech::Speech;
use std::path::PathBuf;
use traffic::{Load, Pools};

/// A conversation to replay or simulate. Defaults are those of [`Scenario::default`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Shown in reports; the file's name unless given.
    pub name: String,
    /// Of everything random.
    pub seed: u64,
    /// Processor cores that the engines compute on. Never the machine's count, so that a scenario
    /// means the same everywhere.
    pub cores: u32,
    pub turn: Vec<Turn>,
    /// A caller who makes up what to say, in place of turns: only in simulations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// What lies between a simulated caller and the assistant.
    #[serde(skip_serializing_if = "Network::is_none")]
    pub network: Network,
    pub topology: Topology,
    pub ear: Ear,
    pub endpointing: Endpointing,
    pub speculation: Speculation,
    pub stt: SpeechToText,
    pub answer: Answer,
    pub clauses: Clauses,
    pub tts: TextToSpeech,
    pub speech_to_speech: SpeechToSpeech,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filler: Option<Filler>,
    pub interruption: Interruption,
    /// Many calls at once: only in simulations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Simulated engines that calls share.
    #[serde(skip_serializing_if = "Pools::is_empty")]
    pub pool: Pools,
    pub fault: Vec<Fault>,
    /// What is done about stages that fail or take too long.
    #[serde(skip_serializing_if = "Cures::is_none")]
    pub cure: Cures,
    /// What the work of a conversation is paid for; nobody asks unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Prices>,
    pub budget: BudgetTable,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            name: String::new(),
            seed: 1,
            cores: 2,
            turn: Vec::new(),
            caller: None,
            network: Network::default(),
            topology: Topology::default(),
            ear: Ear::default(),
            endpointing: Endpointing::default(),
            speculation: Speculation::default(),
            stt: SpeechToText::default(),
            answer: Answer::default(),
            clauses: Clauses::default(),
            tts: TextToSpeech::default(),
            speech_to_speech: SpeechToSpeech::default(),
            filler: None,
            interruption: Interruption::default(),
            load: None,
            pool: Pools::default(),
            fault: Vec::new(),
            cure: Cures::default(),
            cost: None,
            budget: BudgetTable::default(),
        }
    }
}

impl Scenario {
    /// What a world of its simulation is, in the plural.
    pub fn kind_of_world(&self) -> &'static str {
        match self.load {
            None => "conversations",
            Some(_) => "loads",
        }
    }

    /// Whether this can be run; else which key is at fault, and the cure. Reading a file checks
    /// this too, and names the line.
    pub fn check(&self) -> Result<(), String> {
        check::check(self).map_err(|fault| format!("{}: {}", fault.place, fault.cure))
    }

    /// The key of a server's table (`answer.model`) that asks for something else than it does in `then`, if
    /// one does: what was answered then is no answer to this.
    pub fn asks_otherwise(&self, then: &Scenario) -> Option<String> {
        let tables = |scenario: &Scenario| -> [Option<serde_json::Value>; 3] {
            [
                serde_json::to_value(&scenario.stt).ok(),
                serde_json::to_value(&scenario.answer).ok(),
                serde_json::to_value(&scenario.tts).ok(),
            ]
        };
        let mut pairs = ["stt", "answer", "tts"]
            .into_iter()
            .zip(tables(self).into_iter().zip(tables(then)));
        pairs.find_map(|(table, (now, then))| {
            let key = engines::asked_otherwise(&now?, &then?)?;
            Some(format!("{table}.{key}"))
        })
    }

    /// What is paid for. A model that hears the utterance itself needs no transcript of it.
    pub fn prices(&self) -> Option<Prices> {
        let mut prices = self.cost.clone()?;
        if self.topology == Topology::SpeechToSpeech {
            prices.stt_per_minute = 0.0;
        }
        Some(prices)
    }
}

/// One thing the caller says, and what should come of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// A recording, looked up from the scenario's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wav: Option<PathBuf>,
    /// Words for the scenario's voice to speak, in place of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// A simulated caller's speech, in place of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<Speech>,
    /// What is truly said: gives the word error rate. `say` is its own reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An answer that has any of these words in it, in a row, is right. Gives the share of right answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_has: Vec<String>,
    #[serde(default = "respond")]
    pub expect: Expect,
    /// The first turn's default is the start of the session, the others' the end of the agent's
    /// answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// After the anchor.
    #[serde(default = "default_delay_ms")]
    pub delay_ms: u64,
    /// The true end of speech, counted from the start of the recording, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_end_ms: Option<u64>,
    /// An anchor that has not come after this long without anything happening is given up.
    #[serde(default = "default_give_up_ms")]
    pub give_up_ms: u64,
}

impl Default for Turn {
    fn default() -> Turn {
        Turn {
            wav: None,
            say: None,
            speech: None,
            text: None,
            answer_has: Vec::new(),
            expect: respond(),
            after: None,
            delay_ms: default_delay_ms(),
            speech_end_ms: None,
            give_up_ms: default_give_up_ms(),
        }
    }
}

fn respond() -> Expect {
    Expect::Respond
}

fn default_delay_ms() -> u64 {
    400
}

fn default_give_up_ms() -> u64 {
    10_000
}

/// What a turn waits for before its delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    SessionStart,
    AgentSpeechStart,
    AgentSpeechEnd,
    PreviousTurnEnd,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ear {
    /// Probability of voice above which 16 ms count as voiced, in 0..1.
    pub vad_threshold: f32,
    /// `speech`: how late the voice detector lets go after a simulated voice has ended. The default
    /// is what the real one takes on the recordings that come with voicesim.
    pub lag: LatencyModel,
}

impl Default for Ear {
    fn default() -> Ear {
        Ear {
            vad_threshold: 0.5,
            lag: LatencyModel::FixedMs(80.0),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpointing {
    /// Silence after which the caller is taken to have finished.
    pub silence_ms: u64,
    /// An utterance is cut at this length.
    pub longest_utterance_ms: u64,
}

impl Default for Endpointing {
    fn default() -> Endpointing {
        Endpointing {
            silence_ms: 300,
            longest_utterance_ms: 28_000,
        }
    }
}

/// Preparing the reply while the caller pauses, in case they have finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Speculation {
    pub enabled: bool,
    /// It begins after so much silence as the voice detector hears it, which lets go some 80 ms after
    /// the voice has ended. 32 is as soon as a pause is noticed.
    pub after_ms: u64,
    /// What was said so far is transcribed this often while the caller still speaks, and a reply
    /// prepared to it; only in pauses unless given. It pays where processor cores are idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub while_speaking_ms: Option<u64>,
}

impl Default for Speculation {
    fn default() -> Speculation {
        Speculation {
            enabled: true,
            after_ms: 32,
            while_speaking_ms: None,
        }
    }
}

/// What makes a reply of what was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// A text, which is then spoken: `[answer]`, `[clauses]`, `[tts]`.
    #[default]
    Cascade,
    /// One model that hears and speaks, of which only a fake is known: `[speech_to_speech]`.
    SpeechToSpeech,
}

/// A model in place of answer, clauses and voice. It hears the utterance itself, so there is no waiting
/// for a transcript either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpeechToSpeech {
    /// From the end of the utterance, as the endpointing has it, to the first sound.
    pub latency: LatencyModel,
}

impl Default for SpeechToSpeech {
    fn default() -> SpeechToSpeech {
        SpeechToSpeech {
            latency: LatencyModel::FixedMs(800.0),
        }
    }
}

/// How an answer's text is cut into what is spoken in one go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clauses {
    /// The first clause may end at a comma, or the like, behind so many words, and before a joining word
    /// behind two more: 1 to 100. The fewer, the sooner there is something to speak.
    pub first_words: u32,
    /// Later ones end at a comma only when they are this long: 1 to 240.
    pub long_characters: u32,
}

impl Default for Clauses {
    fn default() -> Clauses {
        Clauses {
            first_words: 2,
            long_characters: 70,
        }
    }
}

/// What is said when an answer takes long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filler {
    /// After the reply was wanted, up to 10,000.
    pub after_ms: u64,
    /// 1 to 200 characters.
    pub text: String,
}

impl Default for Filler {
    fn default() -> Filler {
        Filler {
            after_ms: 400,
            text: "Let me check.".into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Interruption {
    /// What decides whether to stop for a sound over the agent: `classifier`, `vad_500ms`,
    /// `min_words`, `never` or `always`.
    pub policy: String,
    /// A reply that was stopped goes on after this much silence, unless somebody said something that
    /// is for the agent; at most 60,000, 0 for never.
    pub resume_after_ms: u64,
}

impl Default for Interruption {
    fn default() -> Interruption {
        Interruption {
            policy: "classifier".into(),
            resume_after_ms: 2_000,
        }
    }
}
