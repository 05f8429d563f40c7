//! From a scenario as it is written to what it means: each table by itself, and what tables ask of each other.

use super::budget::Budgets;
use super::caller::Caller;
use super::endpointing::EndpointPolicy;
use super::engine::{Answerer, Engine, Recogniser, TurnDetection, Voice};
use super::injected_fault::{Fault, FaultTable, FaultyStage};
use super::latency::Latency;
use super::problem::{Problem, Table};
use super::resilience::{Service, service, without_apology};
use super::{
    Disturbance, Scenario, ScenarioFile, SimulatedModel, SpeechToSpeech, Topology, TopologyName,
    table_of, turn,
};
use crate::event::StageName;
use crate::rng::Sampling;

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
        let speculation = self
            .speculation
            .parse(Table::at(&["speculation"]), &endpointing.policy)?;
        without_apology("stt", self.cure.stt.as_ref())?;
        without_apology("tts", self.cure.tts.as_ref())?;
        let stt = service("stt", &self.stt, self.cure.stt.as_ref())?;
        let answer = service("answer", &self.answer, self.cure.answer.as_ref())?;
        let tts = service("tts", &self.tts, self.cure.tts.as_ref())?;
        let interruption = self.interruption.parse(Table::at(&["interruption"]))?;
        let topology = self.topology((&stt, &answer, &tts), &endpointing.policy)?;
        let caller = self.caller()?;
        self.agent.check(Table::at(&["agent"]))?;
        let load = match &self.load {
            Some(load) => Some(load.parse(Table::at(&["load"]))?),
            None => None,
        };
        if load.is_some() && self.sampling == Sampling::Stratified {
            let fix = "the calls of a load meet each other, so that their numbers cannot be spread over conversations; leave it out";
            return Err(root.problem("sampling", fix));
        }
        let disturbance = self.disturbance(topology == Topology::Cascade)?;
        self.check_pools(&stt, &answer, &tts)?;
        let network = self.network.parse(Table::at(&["network"]))?;
        self.speak.check(Table::at(&["speak"]))?;
        self.clauses.check(Table::at(&["clauses"]))?;
        if let Some(filler) = &self.filler {
            filler.check(Table::at(&["filler"]))?;
        }
        if let Some(disclosure) = &self.disclosure {
            disclosure.check(Table::at(&["disclosure"]))?;
        }
        let turns = turn::turns(&self.turn, (&stt.engine, &tts.engine), self.agent)?;
        let fault =
            |(index, fault): (usize, &FaultTable)| fault.parse(Table::nth(&["fault"], index));
        let faults = self.fault.iter().enumerate().map(fault);
        let faults = faults.collect::<Result<Vec<Fault>, Problem>>()?;
        if let Some(prices) = &self.cost {
            prices.check(Table::at(&["cost"]))?;
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
            disturbance,
            faults,
            budgets,
        })
    }

    /// What disturbs engines: those of a cascade, in the one conversation that a machine holds.
    fn disturbance(&self, is_cascade: bool) -> Result<Option<Disturbance>, Problem> {
        let Some(table) = &self.disturbance else {
            return Ok(None);
        };
        let at = Table::at(&["disturbance"]);
        if self.load.is_some() || !is_cascade {
            let fix = "other programs disturb the stages of a cascade on a machine that holds one conversation; take [disturbance] away";
            return Err(at.problem("begins", fix));
        }
        table.parse(at).map(Some)
    }

    fn caller(&self) -> Result<Option<Caller<Latency>>, Problem> {
        let Some(caller) = &self.caller else {
            return Ok(None);
        };
        let at = Table::at(&["caller"]);
        if !self.turn.is_empty() {
            let fix =
                "a caller makes up what to say, and turns say it; take [caller] or the turns away";
            return Err(at.problem("questions", fix));
        }
        caller.parse(at).map(Some)
    }

    fn topology(
        &self,
        (stt, answer, tts): (&Service<Recogniser>, &Service<Answerer>, &Service<Voice>),
        endpoint: &EndpointPolicy,
    ) -> Result<Topology, Problem> {
        if self.topology == TopologyName::Cascade {
            return Ok(Topology::Cascade);
        }
        let at = Table::at(&["speech_to_speech"]);
        let realtime = self.speech_to_speech.realtime(at)?;
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
        // Beside a model on a server they are not asked: the scenario may hold a cascade too.
        for (table, engine) in engines {
            if realtime.is_none() && !engine.is_simulated() {
                let fix = format!(
                    "a simulated speech-to-speech model stands beside simulated engines, this stage has {:?}; set engine = \"simulated\", or speech_to_speech.engine = \"realtime\"",
                    engine.name()
                );
                return Err(Table::at(&[table]).problem("engine", fix));
            }
        }
        let strikes_stage = |fault: &FaultTable| fault.stage != FaultyStage::Network;
        if let Some(index) = self.fault.iter().position(strikes_stage) {
            let fix = "a speech-to-speech model has none of the stages that faults strike; take the faults away";
            return Err(Table::nth(&["fault"], index).problem("stage", fix));
        }
        Table::at(&["answer"]).refuse_long("text", &self.answer.text)?;
        if let Some(model) = realtime {
            refuse_endpointing(endpoint, model.turn_detection)?;
            let model = SpeechToSpeech::Realtime(Box::new(model));
            return Ok(Topology::SpeechToSpeech(model));
        }
        let latency = self.speech_to_speech.latency.parse();
        Ok(Topology::SpeechToSpeech(SpeechToSpeech::Simulated(
            SimulatedModel {
                latency: latency.map_err(|fix| at.problem("latency", fix))?,
                text: self.answer.text.clone(),
            },
        )))
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

    /// Looks for the files and folders that the scenario names.
    pub(super) fn find_files(&self) -> Result<(), Problem> {
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

/// Refuses a policy that a model on a server gives nothing to go by.
fn refuse_endpointing(policy: &EndpointPolicy, by: TurnDetection) -> Result<(), Problem> {
    let fix = match (policy, by) {
        (EndpointPolicy::Silence(_), _)
        | (EndpointPolicy::SmartTurn { .. }, TurnDetection::Ours) => {
            return Ok(());
        }
        (_, TurnDetection::Server) => {
            "the server finds the ends of turns; take the policy away, or set speech_to_speech.turn_detection = \"ours\""
        }
        (_, TurnDetection::Ours) => {
            "it reads words, and a speech-to-speech model tells none while the caller speaks; take \"silence\" or \"smart_turn\""
        }
    };
    Err(Table::at(&["endpointing"]).problem("policy", fix))
}
