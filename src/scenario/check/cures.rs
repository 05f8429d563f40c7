//! What may be done about stages that fail or take too long.

use super::{Fault, at_inside, engines, simulation};
use crate::scenario::cure::{Cure, Cures, fallback};
use crate::scenario::{Scenario, Topology};

/// Engines of which a second request can run beside the first: those that wait for somebody else. The
/// others compute on this machine's cores.
const HEDGED: [&str; 3] = ["simulated", "command", "openai"];

pub(super) fn check_cures(scenario: &Scenario) -> Result<(), Fault> {
    let Cures { stt, answer, tts } = &scenario.cure;
    check("stt", stt, &scenario.stt.engine)?;
    check("answer", answer, &scenario.answer.engine)?;
    check("tts", tts, &scenario.tts.engine)?;
    let given = [
        ("stt", stt.is_some()),
        ("answer", answer.is_some()),
        ("tts", tts.is_some()),
    ];
    if scenario.topology == Topology::SpeechToSpeech
        && let Some((stage, _)) = given.into_iter().find(|(_, is_given)| *is_given)
    {
        let cure =
            "a speech-to-speech model has none of the stages that cures are for; take [cure] away";
        return Err(at_inside(&["cure"], stage, cure));
    }
    let tables = |stage| ["cure", stage, "fallback"];
    if let Some(stt) = fallback(stt) {
        engines::check_stt(&tables("stt"), stt)?;
    }
    if let Some(answer) = fallback(answer) {
        engines::check_answer(&tables("answer"), answer)?;
        simulation::check_answer(&tables("answer"), answer)?;
    }
    if let Some(tts) = fallback(tts) {
        engines::check_tts(&tables("tts"), tts)?;
    }
    Ok(())
}

fn check<S>(stage: &str, cure: &Option<Cure<S>>, engine: &str) -> Result<(), Fault> {
    let Some(cure) = cure else {
        return Ok(());
    };
    let fault = |key, cure| Err(at_inside(&["cure", stage], key, cure));
    if let Some((key, cure)) = cure.wrong() {
        return fault(key, cure);
    }
    if cure.apology.is_some() && stage != "answer" {
        let cure = "only an answer can be apologised for in words; put it into [cure.answer], or take the key away";
        return fault("apology", cure.into());
    }
    if cure.hedge_after_ms.is_some() && !HEDGED.contains(&engine) {
        let cure = format!(
            "{engine} computes on this machine's cores, where a second request would only slow the first one down; take the key away, or ask an engine that waits for somebody else ({})",
            HEDGED.join(", ")
        );
        return fault("hedge_after_ms", cure);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::scenario::parse;
    use std::path::Path;

    #[test]
    fn cures_that_make_no_sense_are_refused_by_their_key() {
        let simulated = "[[turn]]\nspeech = { length = { fixed_ms = 500 } }\n[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n";
        for (keys, says) in [
            ("[cure.answer]\nretry = 1", "unknown field `retry`"),
            ("[cure.voice]\nretries = 1", "unknown field `voice`"),
            (
                "[cure.answer]\nretries = 11",
                "line 10: cure.answer.retries: 11 further tries; give up to 10",
            ),
            (
                "[cure.answer]\nfirst_output_timeout_ms = 0",
                "cure.answer.first_output_timeout_ms: 0 ms; give between 1",
            ),
            (
                "[cure.tts]\noutput_timeout_ms = 700000",
                "cure.tts.output_timeout_ms: 700000 ms; give",
            ),
            (
                "[cure.tts]\nback_off_ms = 10",
                "cure.tts.back_off_ms: there is no further try",
            ),
            (
                "[cure.tts]\nretries = 1\nback_off_ms = 100\nback_off_max_ms = 10",
                "line 12: cure.tts.back_off_max_ms: 10 ms lies under",
            ),
            (
                "[cure.stt]\nhedge_after_ms = 900\nfirst_output_timeout_ms = 800",
                "cure.stt.hedge_after_ms: 900 ms lies behind",
            ),
            (
                "[cure.stt]\nbreaker = { failures = 0 }",
                "cure.stt.breaker: failures = 0; give",
            ),
            (
                "[cure.stt.breaker]\nopen_s = -1.0",
                "cure.stt.breaker: open_s = -1; give",
            ),
            (
                "[cure.answer]\nfallback = { engine = \"oracle\" }",
                "cure.answer.fallback.engine: there is no engine",
            ),
            (
                "[cure.answer.fallback]\nengine = \"simulated\"\nbest_of = 2",
                "line 11: cure.answer.fallback.best_of: 2; give an odd",
            ),
            (
                "[cure.answer]\nfallback = { docs = \"nowhere\" }",
                "cure.answer.fallback.docs: nowhere is no folder",
            ),
            (
                "[cure.answer]\napology = \"Sorry.\"",
                "cure.answer.apology: there is nothing to fall back on",
            ),
            (
                "[cure.answer]\napology = \" \"\nfallback = {}",
                "cure.answer.apology: 0 characters; give between 1 and 200",
            ),
            (
                "[cure.tts]\napology = \"Sorry.\"\nfallback = {}",
                "cure.tts.apology: only an answer",
            ),
            (
                "[cure.tts]\nfallback = { latency = { fixed_ms = 1 } }",
                "cure.tts.fallback.latency: only the engine",
            ),
        ] {
            let text = format!("{simulated}{keys}\n");
            let error = parse(Path::new("a.toml"), &text)
                .expect_err(keys)
                .to_string();
            assert!(error.contains(says), "{keys}\nsaid: {error}");
        }
    }

    #[test]
    fn an_engine_that_computes_here_is_not_asked_twice_at_once() {
        let text = "[[turn]]\nsay = \"Why?\"\n[cure.answer]\nhedge_after_ms = 500\n";
        let error = parse(Path::new("a.toml"), text)
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("cure.answer.hedge_after_ms: retrieval computes on"),
            "{error}"
        );
    }

    #[test]
    fn a_model_in_place_of_the_stages_has_no_cures() {
        let text = "topology = \"speech_to_speech\"\n[[turn]]\nspeech = { length = { fixed_ms = 500 } }\n[stt]\nengine = \"simulated\"\n[cure.answer]\nretries = 1\n";
        let error = parse(Path::new("a.toml"), text)
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("cure.answer: a speech-to-speech model has none"),
            "{error}"
        );
    }
}
