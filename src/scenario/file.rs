//! A scenario as its file has it.

use super::agent::AgentTable;
use super::budget::BudgetTable;
use super::caller::Caller;
use super::cost::Prices;
use super::disclosure::Disclosure;
use super::disturbance::DisturbanceTable;
use super::ear::EarTable;
use super::endpointing::{EndpointingTable, SpeculationTable};
use super::engine::{AnswerTable, Compute, SpeechToTextTable, TextToSpeechTable};
use super::injected_fault::FaultTable;
use super::interruption::InterruptionTable;
use super::load::LoadTable;
use super::network::NetworkTable;
use super::pool::Pools;
use super::profile::Profile;
use super::resilience::CureTables;
use super::speak::Speak;
use super::topology::{SpeechToSpeechTable, TopologyName};
use super::turn::TurnTable;
use super::wording::{Clauses, Filler};
use crate::rng::Sampling;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A conversation to replay or simulate, as it is written. [`ScenarioFile::parse`] makes of it the
/// [`Scenario`](super::Scenario) that it means. Defaults are those of [`ScenarioFile::default`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScenarioFile {
    /// The name that reports show; the file's name unless given.
    pub name: String,
    /// What the conversation can be told apart by in reports, as in `platform = "a"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The seed of everything random.
    pub seed: u64,
    /// How simulated conversations come to their random numbers: `independent`, or `stratified`, spread evenly over
    /// conversations, which needs half as many of them for the same certainty; not for a load.
    #[serde(skip_serializing_if = "is_default")]
    pub sampling: Sampling,
    /// Processor cores that the engines compute on, 1 to 256. Never the machine's count, so that a
    /// scenario means the same everywhere.
    pub cores: u32,
    /// What the caller says, up to 10,000 turns.
    pub turn: Vec<TurnTable>,
    /// A caller who makes up what to say, in place of turns: in simulations, and in calls to agents elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// An agent elsewhere, which `voicesim probe` calls.
    #[serde(skip_serializing_if = "is_default")]
    pub agent: AgentTable,
    /// What lies between a simulated caller and the assistant.
    #[serde(skip_serializing_if = "NetworkTable::is_none")]
    pub network: NetworkTable,
    /// What makes a reply of what was heard.
    pub topology: TopologyName,
    /// How voice is detected.
    pub ear: EarTable,
    /// When the caller is taken to have finished.
    pub endpointing: EndpointingTable,
    /// Preparing the reply while the caller pauses.
    pub speculation: SpeculationTable,
    /// What recognises speech.
    pub stt: SpeechToTextTable,
    /// What answers.
    pub answer: AnswerTable,
    /// What is done to an answer's text before it is spoken.
    #[serde(skip_serializing_if = "is_default")]
    pub speak: Speak,
    /// How an answer is cut into what is spoken in one go.
    pub clauses: Clauses,
    /// What speaks.
    pub tts: TextToSpeechTable,
    /// What hears and speaks, in place of `answer`, `clauses` and `tts`.
    pub speech_to_speech: SpeechToSpeechTable,
    /// What is said when an answer takes long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filler: Option<Filler>,
    /// What the agent says of itself: that it is a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disclosure: Option<Disclosure>,
    /// What is done about a sound over the agent.
    pub interruption: InterruptionTable,
    /// Many calls at once: only in simulations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadTable>,
    /// Simulated engines that calls share.
    #[serde(skip_serializing_if = "Pools::is_empty")]
    pub pool: Pools,
    /// Other programs that disturb engines: only in simulations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disturbance: Option<DisturbanceTable>,
    /// Injected faults: what goes wrong on purpose.
    pub fault: Vec<FaultTable>,
    /// Resilience policies: what is done about stages that fail or take too long.
    #[serde(skip_serializing_if = "CureTables::is_none")]
    pub cure: CureTables,
    /// What the work of a conversation is paid for; nobody asks unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Prices>,
    /// What the latencies were fitted to: `voicesim fit` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// What the figures must keep to.
    #[schemars(schema_with = "super::budget::schema::table")]
    pub budget: BudgetTable,
}

impl ScenarioFile {
    /// Whether the simulated engine of each table computes on the scenario's cores.
    pub(super) fn compute(&self) -> [(&'static str, Option<Compute>); 3] {
        [
            ("stt", self.stt.compute),
            ("answer", self.answer.compute),
            ("tts", self.tts.compute),
        ]
    }
}

/// A table that says nothing is not written, so that scenarios of older folders are read back as they were.
fn is_default<T: Default + PartialEq>(table: &T) -> bool {
    *table == T::default()
}

impl Default for ScenarioFile {
    fn default() -> ScenarioFile {
        ScenarioFile {
            name: String::new(),
            labels: BTreeMap::new(),
            seed: 1,
            sampling: Sampling::default(),
            cores: 2,
            turn: Vec::new(),
            caller: None,
            agent: AgentTable::default(),
            network: NetworkTable::default(),
            topology: TopologyName::default(),
            ear: EarTable::default(),
            endpointing: EndpointingTable::default(),
            speculation: SpeculationTable::default(),
            stt: SpeechToTextTable::default(),
            answer: AnswerTable::default(),
            speak: Speak::default(),
            clauses: Clauses::default(),
            tts: TextToSpeechTable::default(),
            speech_to_speech: SpeechToSpeechTable::default(),
            filler: None,
            disclosure: None,
            interruption: InterruptionTable::default(),
            load: None,
            pool: Pools::default(),
            disturbance: None,
            fault: Vec::new(),
            cure: CureTables::default(),
            cost: None,
            profile: None,
            budget: BudgetTable::default(),
        }
    }
}
