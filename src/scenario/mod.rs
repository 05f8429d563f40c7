//! What was asked for: the turns of a conversation, its engines, and the limits it must keep.
//!
//! A scenario is written as a TOML file. [`ScenarioFile`] has its tables as they are written, flat and with
//! every key known; [`ScenarioFile::parse`] makes of them a [`Scenario`], which holds only what can be
//! meant, or a [`Problem`] that names the key and the fix. Whoever has a `Scenario` need not look again.
//!
//! A table and what it means stand in one file, with the parsing between them: `FooTable` is written, `Foo`
//! is meant. Where every value of a table can be meant, as of `[clauses]`, both are one type.

mod agent;
pub mod budget;
pub mod caller;
pub mod cost;
mod difference;
mod disclosure;
mod disturbance;
mod ear;
mod endpointing;
pub mod engine;
mod file;
pub mod injected_fault;
mod inputs;
mod interruption;
pub mod latency;
pub mod load;
pub mod network;
mod parse;
pub mod pool;
mod problem;
mod profile;
mod read;
pub mod resilience;
mod schema;
mod set;
mod speak;
pub mod speech;
mod syntax;
#[cfg(test)]
mod test_problems;
#[cfg(test)]
mod test_schema;
mod thresholds;
mod topology;
mod turn;
pub(crate) mod unit;
mod variation;
mod wording;

pub use agent::AgentTable;
pub use difference::{KeyDifference, differences};
pub use disclosure::Disclosure;
pub use disturbance::{Disturbance, DisturbanceTable};
pub use ear::{Ear, EarTable};
pub use endpointing::{
    CutOffs, EndpointPolicy, Endpointing, EndpointingTable, Speculation, SpeculationTable,
};
pub use file::ScenarioFile;
pub use inputs::{Input, Step};
pub use interruption::{Interruption, InterruptionTable};
pub use problem::{Place, Problem};
pub use profile::{Profile, StageFit, Validated};
pub(crate) use read::FILE_BYTES_MAX;
pub use read::{ScenarioError, Template, load, load_budget, load_over, load_with, parse};
pub use schema::{budget_schema, scenario_schema};
pub use speak::Speak;
pub use thresholds::{OwnThresholds, StopAt, Stops, ThresholdsTable};
pub use topology::{SimulatedModel, SpeechToSpeech, SpeechToSpeechTable, Topology, TopologyName};
pub use turn::{After, RightAnswer, Says, Turn, TurnTable};
pub use variation::{Variation, shown};
pub use wording::{Clauses, Filler};

use crate::event::StageName;
use crate::rng::{Randomness, Seed};
use budget::Budgets;
use caller::Caller;
use cost::Prices;
use engine::{Answerer, Recogniser, Voice};
use injected_fault::Fault;
use latency::Latency;
use load::Load;
use network::Network;
use pool::Pools;
use resilience::Service;
use std::path::PathBuf;

/// A conversation to replay or simulate, as it is meant: what [`ScenarioFile::parse`] makes of what was
/// written. The files that it names have not been looked for; [`Scenario::find_files`] does that.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    file: ScenarioFile,
    /// What the caller says.
    pub(crate) turns: Vec<Turn>,
    /// A caller who makes up what to say; there are no turns then.
    pub(crate) caller: Option<Caller<Latency>>,
    pub(crate) network: Network,
    pub(crate) topology: Topology,
    pub(crate) ear: Ear,
    pub(crate) endpointing: Endpointing,
    /// Preparing the reply before the caller is known to have finished.
    pub(crate) speculation: Option<Speculation>,
    pub(crate) stt: Service<Recogniser>,
    pub(crate) answer: Service<Answerer>,
    pub(crate) tts: Service<Voice>,
    pub(crate) interruption: Interruption,
    pub(crate) load: Option<Load>,
    pub(crate) disturbance: Option<Disturbance>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) budgets: Budgets,
}

impl Scenario {
    /// What was written, with everything that was set since.
    pub fn file(&self) -> &ScenarioFile {
        &self.file
    }

    /// A copy of the scenario, with other values in its tables.
    ///
    /// # Errors
    /// The first key whose value cannot be meant, and the fix.
    pub fn changed(&self, change: impl FnOnce(&mut ScenarioFile)) -> Result<Scenario, Problem> {
        let mut file = self.file.clone();
        change(&mut file);
        file.parse()
    }

    /// Looks for the files and folders that the scenario names.
    ///
    /// # Errors
    /// The key of the first one that is not there, and the fix.
    pub fn find_files(&self) -> Result<(), Problem> {
        self.file.find_files()
    }

    /// How an agent elsewhere is called.
    pub fn agent(&self) -> AgentTable {
        self.file.agent
    }

    /// The name that reports show.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The seed of everything random.
    pub fn seed(&self) -> Seed {
        Seed(self.file.seed)
    }

    /// What everything random in simulated conversations comes from.
    pub fn randomness(&self) -> Randomness {
        Randomness {
            seed: self.seed(),
            sampling: self.file.sampling,
        }
    }

    /// Processor cores that the engines compute on.
    pub fn cores(&self) -> u32 {
        self.file.cores
    }

    /// What is done to an answer's text before it is spoken.
    pub fn speak(&self) -> &Speak {
        &self.file.speak
    }

    /// How an answer is cut into what is spoken in one go.
    pub fn clauses(&self) -> &Clauses {
        &self.file.clauses
    }

    /// What is said when an answer takes long.
    pub fn filler(&self) -> Option<&Filler> {
        self.file.filler.as_ref()
    }

    /// What the agent says of itself: that it is a machine.
    pub fn disclosure(&self) -> Option<&Disclosure> {
        self.file.disclosure.as_ref()
    }

    /// Simulated engines that calls share.
    pub fn pools(&self) -> &Pools {
        &self.file.pool
    }

    /// What the caller says.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// What a world of a simulation of this scenario is called, in the plural.
    pub fn kind_of_world(&self) -> &'static str {
        match self.load {
            None => "conversations",
            Some(_) => "loads",
        }
    }

    /// The prices of the work; `None` if nobody asks. A model that hears the utterance itself needs no
    /// transcript of it.
    pub fn prices(&self) -> Option<Prices> {
        let mut prices = self.file.cost.clone()?;
        if self.file.topology == TopologyName::SpeechToSpeech {
            prices.stt_per_minute = 0.0;
        }
        Some(prices)
    }

    /// Gives the scenario another name.
    pub fn set_name(&mut self, name: &str) {
        self.file.name = name.to_owned();
    }

    /// Has everything random drawn from another seed.
    pub fn set_seed(&mut self, seed: u64) {
        self.file.seed = seed;
    }

    /// Has the engines compute on `cores` processor cores, at least one.
    pub fn set_cores(&mut self, cores: u32) {
        self.file.cores = cores.max(1);
    }

    /// Holds the scenario to other limits.
    pub fn set_budgets(&mut self, budgets: Budgets) {
        self.file.budget.clone_from(budgets.table());
        self.budgets = budgets;
    }

    /// Has the caller speak these recordings, one after the other, in place of the turns.
    pub fn set_recordings(&mut self, recordings: &[PathBuf]) {
        self.file.turn.clear();
        self.turns.clear();
        for (index, wav) in recordings.iter().enumerate() {
            let after = match index {
                0 => After::SessionStart,
                _ => After::PreviousTurnEnd,
            };
            let table = TurnTable {
                wav: Some(wav.clone()),
                after: Some(after),
                ..TurnTable::default()
            };
            self.turns.push(Turn::of_recording(&table, wav, after));
            self.file.turn.push(table);
        }
    }
}

/// The name of a stage's table in a scenario.
pub fn table_of(stage: StageName) -> &'static str {
    match stage {
        StageName::SpeechToText => "stt",
        StageName::Answer => "answer",
        StageName::Clauses => "clauses",
        StageName::TextToSpeech => "tts",
        StageName::SpeechToSpeech => "speech_to_speech",
        StageName::EndOfTurn => "endpointing",
    }
}
