//! What a scenario may say of what only a simulation has.

use super::{Fault, at, at_inside, at_nth};
use crate::scenario::{Answer, Scenario, Topology};

/// Nobody waits longer before saying something.
const FILLER_AFTER_MS_MAX: u64 = 10_000;
const FILLER_CHARACTERS_MAX: usize = 200;
/// More samples make no vote better.
const BEST_OF_MAX: u32 = 99;
const TOKEN_MS_MAX: f64 = 10_000.0;

pub(super) fn check_simulated(scenario: &Scenario) -> Result<(), Fault> {
    if let Some(caller) = &scenario.caller {
        if !scenario.turn.is_empty() {
            let cure =
                "a caller makes up what to say, and turns say it; take [caller] or the turns away";
            return Err(at("caller", "questions", cure));
        }
        if scenario.stt.engine != "simulated" {
            let cure = format!(
                "a made-up caller makes no sound that the engine {:?} could hear; set engine = \"simulated\"",
                scenario.stt.engine
            );
            return Err(at("stt", "engine", cure));
        }
        if let Some((key, cure)) = caller.wrong() {
            return Err(at("caller", key, cure));
        }
    }
    if let Some(load) = &scenario.load
        && let Some((key, cure)) = load.wrong()
    {
        return Err(at("load", key, cure));
    }
    check_pools(scenario)?;
    if let Some((key, cure)) = scenario.network.fault() {
        return Err(at("network", &key, cure));
    }
    check_topology(scenario)?;
    check_answer(&["answer"], &scenario.answer)?;
    check_clauses(scenario)
}

fn check_pools(scenario: &Scenario) -> Result<(), Fault> {
    let engines = [
        ("stt", &scenario.stt.engine),
        ("answer", &scenario.answer.engine),
        ("tts", &scenario.tts.engine),
    ];
    if scenario.pool.answer.is_some() && scenario.answer.best_of > 1 {
        let cure = "each sample would need a slot of its own, which pools do not simulate; take best_of or [pool.answer] away";
        return Err(at("answer", "best_of", cure));
    }
    for (stage, pool) in scenario.pool.named() {
        let of_pool = |key: &str, cure: String| {
            let mut fault = at("pool", key, cure);
            fault.place.tables.push(stage.to_owned());
            Err(fault)
        };
        let engine = engines.iter().find(|(table, _)| *table == stage);
        if let Some((_, engine)) = engine
            && *engine != "simulated"
        {
            return of_pool(
                "slots",
                format!(
                    "only the engine \"simulated\" stands in a pool, {stage} has {engine:?}; set {stage}.engine = \"simulated\" or take the pool away"
                ),
            );
        }
        let is_used = match (stage, scenario.topology) {
            ("speech_to_speech", topology) => topology == Topology::SpeechToSpeech,
            ("answer" | "tts", topology) => topology == Topology::Cascade,
            _ => true,
        };
        if !is_used {
            let cure = "the scenario's topology has no such stage; take the pool away";
            return of_pool("slots", cure.into());
        }
        if let Some((key, cure)) = pool.wrong() {
            return of_pool(key, cure);
        }
    }
    Ok(())
}

fn check_topology(scenario: &Scenario) -> Result<(), Fault> {
    if scenario.topology == Topology::Cascade {
        return Ok(());
    }
    let engines = [
        ("stt", &scenario.stt.engine),
        ("answer", &scenario.answer.engine),
        ("tts", &scenario.tts.engine),
    ];
    for (table, engine) in engines {
        if engine != "simulated" {
            let cure = format!(
                "topology = \"speech_to_speech\" is only simulated, this stage has {engine:?}; set engine = \"simulated\""
            );
            return Err(at(table, "engine", cure));
        }
    }
    let strikes_stage = |fault: &crate::scenario::fault::Fault| fault.stage.name().is_some();
    if let Some(index) = scenario.fault.iter().position(strikes_stage) {
        let cure = "a speech-to-speech model has none of the stages that faults strike; take the faults away";
        return Err(at_nth("fault", index, "stage", cure));
    }
    match scenario.speech_to_speech.latency.fault() {
        Some(cure) => Err(at("speech_to_speech", "latency", cure)),
        None => Ok(()),
    }
}

pub(super) fn check_answer(tables: &[&str], answer: &Answer) -> Result<(), Fault> {
    let at = |key: &str, cure: String| at_inside(tables, key, cure);
    let is_fake = answer.engine == "simulated";
    let (best_of, accuracy, token_ms) = (answer.best_of, answer.accuracy, answer.token_ms);
    // Retrieval gives the same answer every time.
    let has_samples = is_fake || ["command", "openai"].contains(&answer.engine.as_str());
    if best_of != 1 && !has_samples {
        let cure = format!(
            "the engine {:?} answers the same every time, so there is nothing to vote on; take the key away",
            answer.engine
        );
        return Err(at("best_of", cure));
    }
    let fakes_only = [("accuracy", accuracy != 1.0), ("token_ms", token_ms != 0.0)];
    if let Some((key, _)) = fakes_only.iter().find(|(_, given)| *given && !is_fake) {
        let cure = format!(
            "only the engine \"simulated\" has this, this stage has {:?}; take the key away",
            answer.engine
        );
        return Err(at(key, cure));
    }
    if !(1..=BEST_OF_MAX).contains(&best_of) || best_of % 2 == 0 {
        let cure = format!(
            "{best_of}; give an odd number up to {BEST_OF_MAX}, so that every vote has a majority"
        );
        return Err(at("best_of", cure));
    }
    if !(0.0..=1.0).contains(&accuracy) {
        return Err(at(
            "accuracy",
            format!("{accuracy} is no share; give 0 to 1"),
        ));
    }
    if !(0.0..=TOKEN_MS_MAX).contains(&token_ms) {
        let cure = format!("{token_ms}; give between 0 and {TOKEN_MS_MAX} milliseconds");
        return Err(at("token_ms", cure));
    }
    Ok(())
}

fn check_clauses(scenario: &Scenario) -> Result<(), Fault> {
    let clauses = &scenario.clauses;
    if !(1..=100).contains(&clauses.first_words) {
        let cure = format!("{}; give between 1 and 100", clauses.first_words);
        return Err(at("clauses", "first_words", cure));
    }
    if !(1..=240).contains(&clauses.long_characters) {
        let cure = format!("{}; give between 1 and 240", clauses.long_characters);
        return Err(at("clauses", "long_characters", cure));
    }
    let Some(filler) = &scenario.filler else {
        return Ok(());
    };
    if filler.after_ms > FILLER_AFTER_MS_MAX {
        let cure = format!("{}; up to {FILLER_AFTER_MS_MAX}", filler.after_ms);
        return Err(at("filler", "after_ms", cure));
    }
    if filler.text.trim().is_empty() || filler.text.chars().count() > FILLER_CHARACTERS_MAX {
        let cure = format!("give between 1 and {FILLER_CHARACTERS_MAX} characters to speak");
        return Err(at("filler", "text", cure));
    }
    Ok(())
}
