//! What was asked for: the turns of a conversation, its engines, and the limits it must keep.
//!
//! A scenario is written as a TOML file. [`ScenarioFile`] has its tables as they are written, flat and with
//! every key known; [`ScenarioFile::parse`] makes of them a [`Scenario`], which holds only what can be
//! meant, or a [`Problem`] that names the key and the fix. Whoever has a `Scenario` need not look again.
//!
//! A table and what it means stand in one file, with the parsing between them: `FooTable` is written, `Foo`
//! is meant. Where every value of a table can be meant, as of `[clauses]`, both are one type.

pub mod budget;
pub mod caller;
pub mod cost;
mod difference;
mod ear;
mod endpointing;
pub mod engine;
mod file;
pub mod injected_fault;
mod interruption;
pub mod latency;
pub mod load;
pub mod network;
pub mod pool;
mod problem;
mod read;
pub mod resilience;
mod set;
pub mod speech;
#[cfg(test)]
mod test_problems;
mod topology;
mod turn;
mod variation;
mod wording;

pub use difference::{KeyDifference, differences};
pub use ear::{Ear, EarTable};
pub use endpointing::{
    EndpointPolicy, Endpointing, EndpointingTable, Speculation, SpeculationTable,
};
pub use file::ScenarioFile;
pub use interruption::{Interruption, InterruptionTable};
pub use problem::{Place, Problem};
pub use read::{ScenarioError, Template, load, load_budget, load_with, parse};
pub use topology::{SpeechToSpeech, SpeechToSpeechTable, Topology, TopologyName};
pub use turn::{After, Says, Turn, TurnTable};
pub use variation::{Variation, shown};
pub use wording::{Clauses, Filler};

use crate::event::StageName;
use crate::rng::Seed;
use budget::Budgets;
use caller::Caller;
use cost::Prices;
use engine::{Answerer, Engine, Recogniser, Voice};
use injected_fault::Fault;
use latency::Latency;
use load::Load;
use network::Network;
use pool::Pools;
use problem::Table;
use resilience::{Service, service, without_apology};
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
    pub(crate) faults: Vec<Fault>,
    pub(crate) budgets: Budgets,
}

/// More turns than this make no conversation.
const TURNS_MAX: usize = 10_000;

impl ScenarioFile {
    /// The scenario that is meant. Paths are taken as they are, and nothing is read.
    ///
    /// # Errors
    /// The first key whose value cannot be meant, and the fix.
    pub fn parse(self) -> Result<Scenario, Problem> {
        let root = Table::ROOT;
        if self.turn.len() > TURNS_MAX {
            let fix = format!("{} turns; give up to {TURNS_MAX}", self.turn.len());
            return Err(root.problem("turn", fix));
        }
        if !(1..=256).contains(&self.cores) {
            let fix = format!("{} cores; give between 1 and 256", self.cores);
            return Err(root.problem("cores", fix));
        }
        let ear = self.ear.parse(Table::at(&["ear"]))?;
        let endpointing = self.endpointing.parse(Table::at(&["endpointing"]))?;
        let speculation = self.speculation.parse(Table::at(&["speculation"]))?;
        without_apology("stt", self.cure.stt.as_ref())?;
        without_apology("tts", self.cure.tts.as_ref())?;
        let stt = service("stt", &self.stt, self.cure.stt.as_ref())?;
        let answer = service("answer", &self.answer, self.cure.answer.as_ref())?;
        let tts = service("tts", &self.tts, self.cure.tts.as_ref())?;
        let interruption = self.interruption.parse(Table::at(&["interruption"]))?;
        let topology = self.topology(&stt, &answer, &tts)?;
        let caller = self.caller(&stt)?;
        let load = match &self.load {
            Some(load) => Some(load.parse(Table::at(&["load"]))?),
            None => None,
        };
        self.check_pools(&stt, &answer, &tts)?;
        let network = self.network.parse(Table::at(&["network"]))?;
        self.clauses.check(Table::at(&["clauses"]))?;
        if let Some(filler) = &self.filler {
            filler.check(Table::at(&["filler"]))?;
        }
        let turns = turn::turns(&self.turn, &stt.engine, &tts.engine)?;
        let fault = |(index, fault): (usize, &injected_fault::FaultTable)| {
            fault.parse(Table::nth(&["fault"], index))
        };
        let faults = self.fault.iter().enumerate().map(fault);
        let faults = faults.collect::<Result<Vec<Fault>, Problem>>()?;
        if let Some(prices) = &self.cost {
            prices.parse(Table::at(&["cost"]))?;
        }
        let budgets = Budgets::parse(self.budget.clone())?;
        Ok(Scenario {
            file: self,
            turns,
            caller,
            network,
            topology,
            ear,
            endpointing,
            speculation,
            stt,
            answer,
            tts,
            interruption,
            load,
            faults,
            budgets,
        })
    }

    fn caller(&self, stt: &Service<Recogniser>) -> Result<Option<Caller<Latency>>, Problem> {
        let Some(caller) = &self.caller else {
            return Ok(None);
        };
        let at = Table::at(&["caller"]);
        if !self.turn.is_empty() {
            let fix =
                "a caller makes up what to say, and turns say it; take [caller] or the turns away";
            return Err(at.problem("questions", fix));
        }
        if !stt.engine.is_simulated() {
            let fix = format!(
                "a made-up caller makes no sound that the engine {:?} could hear; set engine = \"simulated\"",
                stt.engine.name()
            );
            return Err(Table::at(&["stt"]).problem("engine", fix));
        }
        caller.parse(at).map(Some)
    }

    fn topology(
        &self,
        stt: &Service<Recogniser>,
        answer: &Service<Answerer>,
        tts: &Service<Voice>,
    ) -> Result<Topology, Problem> {
        if self.topology == TopologyName::Cascade {
            return Ok(Topology::Cascade);
        }
        let cures = [
            ("stt", self.cure.stt.is_some()),
            ("answer", self.cure.answer.is_some()),
            ("tts", self.cure.tts.is_some()),
        ];
        if let Some((stage, _)) = cures.into_iter().find(|(_, is_given)| *is_given) {
            let fix = "a speech-to-speech model has none of the stages that cures are for; take [cure] away";
            return Err(Table::at(&["cure"]).problem(stage, fix));
        }
        let engines: [(&str, &dyn Engine); 3] = [
            ("stt", &stt.engine),
            ("answer", &answer.engine),
            ("tts", &tts.engine),
        ];
        for (table, engine) in engines {
            if !engine.is_simulated() {
                let fix = format!(
                    "topology = \"speech_to_speech\" is only simulated, this stage has {:?}; set engine = \"simulated\"",
                    engine.name()
                );
                return Err(Table::at(&[table]).problem("engine", fix));
            }
        }
        let strikes_stage = |fault: &injected_fault::FaultTable| {
            fault.stage != injected_fault::FaultyStage::Network
        };
        if let Some(index) = self.fault.iter().position(strikes_stage) {
            let fix = "a speech-to-speech model has none of the stages that faults strike; take the faults away";
            return Err(Table::nth(&["fault"], index).problem("stage", fix));
        }
        let at = Table::at(&["speech_to_speech"]);
        let latency = self.speech_to_speech.latency.parse();
        Ok(Topology::SpeechToSpeech(SpeechToSpeech {
            latency: latency.map_err(|fix| at.problem("latency", fix))?,
            text: self.answer.text.clone(),
        }))
    }

    fn check_pools(
        &self,
        stt: &Service<Recogniser>,
        answer: &Service<Answerer>,
        tts: &Service<Voice>,
    ) -> Result<(), Problem> {
        if self.pool.answer.is_some() && self.answer.best_of > 1 {
            let fix = "each sample would need a slot of its own, which pools do not simulate; take best_of or [pool.answer] away";
            return Err(Table::at(&["answer"]).problem("best_of", fix));
        }
        for (stage, pool) in self.pool.by_stage() {
            let table = table_of(stage);
            let names = ["pool", table];
            let at = Table::at(&names);
            let engine: Option<&dyn Engine> = match stage {
                StageName::SpeechToText => Some(&stt.engine),
                StageName::Answer => Some(&answer.engine),
                StageName::TextToSpeech => Some(&tts.engine),
                StageName::Clauses | StageName::SpeechToSpeech | StageName::EndOfTurn => None,
            };
            if let Some(engine) = engine.filter(|engine| !engine.is_simulated()) {
                let fix = format!(
                    "only the engine \"simulated\" stands in a pool, {table} has {:?}; set {table}.engine = \"simulated\" or take the pool away",
                    engine.name()
                );
                return Err(at.problem("slots", fix));
            }
            let is_used = match stage {
                StageName::SpeechToSpeech => self.topology == TopologyName::SpeechToSpeech,
                StageName::Answer | StageName::TextToSpeech => {
                    self.topology == TopologyName::Cascade
                }
                StageName::SpeechToText | StageName::Clauses | StageName::EndOfTurn => true,
            };
            if !is_used {
                let fix = "the scenario's topology has no such stage; take the pool away";
                return Err(at.problem("slots", fix));
            }
            pool.check(at)?;
        }
        Ok(())
    }

    /// The first file or folder that is named and is not there.
    fn find_files(&self) -> Result<(), Problem> {
        let fallback = self.cure.answer.as_ref();
        let fallback = fallback.and_then(|cure| cure.fallback.as_ref());
        let missing = self.answer.missing_folder(Table::at(&["answer"]));
        let missing = missing
            .or_else(|| fallback?.missing_folder(Table::at(&["cure", "answer", "fallback"])))
            .or_else(|| {
                let mut turns = self.turn.iter().enumerate();
                turns.find_map(|(index, turn)| turn.missing_file(Table::nth(&["turn"], index)))
            });
        missing.map_or(Ok(()), Err)
    }
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

    /// The name that reports show.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The seed of everything random.
    pub fn seed(&self) -> Seed {
        Seed(self.file.seed)
    }

    /// Processor cores that the engines compute on.
    pub fn cores(&self) -> u32 {
        self.file.cores
    }

    /// How an answer is cut into what is spoken in one go.
    pub fn clauses(&self) -> &Clauses {
        &self.file.clauses
    }

    /// What is said when an answer takes long.
    pub fn filler(&self) -> Option<&Filler> {
        self.file.filler.as_ref()
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
