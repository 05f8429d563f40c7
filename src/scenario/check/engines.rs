//! Which engine a stage may have, and which of its keys.

use super::{Fault, at_inside, openai};
use crate::scenario::latency::LatencyModel;
use crate::scenario::{Answer, Scenario, SpeechToText, TextToSpeech};

/// What the tables of all stages have.
struct Spec<'a> {
    engine: &'a str,
    command: &'a Option<Vec<String>>,
    latency: &'a Option<LatencyModel>,
    known: &'static [&'static str],
}

pub(super) fn check_engines(scenario: &Scenario) -> Result<(), Fault> {
    check_stt(&["stt"], &scenario.stt)?;
    check_answer(&["answer"], &scenario.answer)?;
    check_tts(&["tts"], &scenario.tts)
}

pub(super) fn check_stt(tables: &[&str], stt: &SpeechToText) -> Result<(), Fault> {
    let spec = Spec {
        engine: &stt.engine,
        command: &stt.command,
        latency: &stt.latency,
        known: &["whisper", "openai", "command", "simulated"],
    };
    spec.check(tables)?;
    openai::check_stt(tables, stt)
}

pub(super) fn check_answer(tables: &[&str], answer: &Answer) -> Result<(), Fault> {
    let spec = Spec {
        engine: &answer.engine,
        command: &answer.command,
        latency: &answer.latency,
        known: &["retrieval", "openai", "command", "simulated"],
    };
    spec.check(tables)?;
    openai::check_answer(tables, answer)?;
    if answer.docs.is_some() && answer.index.is_some() {
        let cure =
            "answers come from documents or from an index of them; take `docs` or `index` away";
        return Err(at_inside(tables, "index", cure.to_owned()));
    }
    if let Some(index) = answer.index.as_ref().filter(|index| !index.is_dir()) {
        return Err(at_inside(
            tables,
            "index",
            format!(
                "{} is no folder; build the index with: voicesim index build DIR --out {}",
                index.display(),
                index.display()
            ),
        ));
    }
    match &answer.docs {
        Some(docs) if !docs.is_dir() => Err(at_inside(
            tables,
            "docs",
            format!(
                "{} is no folder; name one with Markdown or text files in it, or take the key away to use the built-in knowledge",
                docs.display()
            ),
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_tts(tables: &[&str], tts: &TextToSpeech) -> Result<(), Fault> {
    let spec = Spec {
        engine: &tts.engine,
        command: &tts.command,
        latency: &tts.latency,
        known: &["piper", "espeak", "openai", "command", "simulated"],
    };
    spec.check(tables)?;
    openai::check_tts(tables, tts)
}

impl Spec<'_> {
    fn check(&self, tables: &[&str]) -> Result<(), Fault> {
        let Spec {
            engine,
            command,
            latency,
            known,
        } = self;
        let fault = |key, cure: String| Err(at_inside(tables, key, cure));
        if !known.contains(engine) {
            return fault(
                "engine",
                format!(
                    "there is no engine {engine:?} for this stage; choose one of {}",
                    known.join(", ")
                ),
            );
        }
        if *engine == "command" && command.as_ref().is_none_or(Vec::is_empty) {
            return fault(
                "command",
                "the engine \"command\" needs a program: command = [\"program\", \"argument\"]"
                    .into(),
            );
        }
        if *engine != "command" && command.is_some() {
            return fault(
                "command",
                format!(
                    "only the engine \"command\" runs a program, this stage has {engine:?}; set engine = \"command\" or take the key away"
                ),
            );
        }
        let Some(latency) = latency else {
            return Ok(());
        };
        if *engine != "simulated" {
            return fault(
                "latency",
                format!(
                    "only the engine \"simulated\" has a latency model, this stage has {engine:?}; set engine = \"simulated\" or take the key away"
                ),
            );
        }
        latency
            .fault()
            .map_or(Ok(()), |cure| fault("latency", cure))
    }
}
