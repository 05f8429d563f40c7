//! What a scenario may say. Syntax and unknown keys are refused before this.

mod cures;
mod engines;
mod openai;
mod simulation;
mod turns;

use super::cost::Prices;
use super::{Scenario, budget};
use std::fmt;

/// More turns than this make no conversation.
const TURNS_MAX: usize = 10_000;
/// A caller who waits longer for the agent to go on has left.
const RESUME_AFTER_MS_MAX: u64 = 60_000;

/// Something that is wrong, where, and what to do about it.
pub(in crate::scenario) struct Fault {
    pub place: Place,
    pub cure: String,
}

/// A key inside tables; `index` counts from zero if the table is one of several (`[[turn]]`).
pub(in crate::scenario) struct Place {
    pub tables: Vec<String>,
    pub index: Option<usize>,
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            match self.index {
                Some(index) => write!(f, "{table} {} ", index + 1)?,
                None => write!(f, "{table}.")?,
            }
        }
        f.write_str(&self.key)
    }
}

fn at(table: &str, key: &str, cure: impl Into<String>) -> Fault {
    Fault {
        place: Place {
            tables: if table.is_empty() {
                Vec::new()
            } else {
                vec![table.to_owned()]
            },
            index: None,
            key: key.to_owned(),
        },
        cure: cure.into(),
    }
}

/// A key in a table inside of others, as in `cure.answer`.
fn at_inside(tables: &[&str], key: &str, cure: impl Into<String>) -> Fault {
    let mut fault = at("", key, cure);
    fault.place.tables = tables.iter().map(|table| (*table).to_owned()).collect();
    fault
}

fn at_turn(index: usize, key: &str, cure: impl Into<String>) -> Fault {
    at_nth("turn", index, key, cure)
}

fn at_nth(table: &str, index: usize, key: &str, cure: impl Into<String>) -> Fault {
    let mut fault = at(table, key, cure);
    fault.place.index = Some(index);
    fault
}

pub(in crate::scenario) fn check(scenario: &Scenario) -> Result<(), Fault> {
    let turns = scenario.turn.len();
    if turns > TURNS_MAX {
        return Err(at(
            "",
            "turn",
            format!("{turns} turns; give up to {TURNS_MAX}"),
        ));
    }
    if !(1..=256).contains(&scenario.cores) {
        return Err(at(
            "",
            "cores",
            format!("{} cores; give between 1 and 256", scenario.cores),
        ));
    }
    let threshold = scenario.ear.vad_threshold;
    if !(threshold > 0.0 && threshold < 1.0) {
        return Err(at(
            "ear",
            "vad_threshold",
            format!("{threshold} is no probability between 0 and 1; 0.5 is a good one"),
        ));
    }
    if let Some(cure) = scenario.ear.lag.fault() {
        return Err(at("ear", "lag", cure));
    }
    for (key, ms, least) in [
        ("silence_ms", scenario.endpointing.silence_ms, 32),
        (
            "longest_utterance_ms",
            scenario.endpointing.longest_utterance_ms,
            1_000,
        ),
    ] {
        let most = if key == "silence_ms" { 10_000 } else { 60_000 };
        if !(least..=most).contains(&ms) {
            return Err(at(
                "endpointing",
                key,
                format!("{ms} ms; give between {least} and {most} milliseconds"),
            ));
        }
    }
    let after = scenario.speculation.after_ms;
    if after > 10_000 {
        let cure = format!(
            "{after} ms; give at most 10000, and less than endpointing.silence_ms to have any effect"
        );
        return Err(at("speculation", "after_ms", cure));
    }
    if let Some(every) = scenario.speculation.while_speaking_ms
        && !(200..=10_000).contains(&every)
    {
        let cure = format!("{every} ms; give between 200 and 10000 milliseconds");
        return Err(at("speculation", "while_speaking_ms", cure));
    }
    engines::check_engines(scenario)?;
    check_interruption(scenario)?;
    cures::check_cures(scenario)?;
    simulation::check_simulated(scenario)?;
    for (index, turn) in scenario.turn.iter().enumerate() {
        turns::check_turn(scenario, index, turn)?;
    }
    for (index, fault) in scenario.fault.iter().enumerate() {
        if let Some((key, cure)) = fault.wrong() {
            return Err(at_nth("fault", index, key, cure));
        }
    }
    if let Some((key, cure)) = scenario.cost.as_ref().and_then(Prices::fault) {
        return Err(at("cost", key, cure));
    }
    check_budget(scenario)
}

pub(in crate::scenario) fn check_budget(scenario: &Scenario) -> Result<(), Fault> {
    let budgets = budget::budgets(&scenario.budget);
    budgets.map_err(|(key, cure)| {
        let mut tables: Vec<&str> = vec!["budget"];
        tables.extend(key.split('.'));
        let key = tables.pop().unwrap_or_default();
        at_inside(&tables, key, cure)
    })?;
    Ok(())
}

fn check_interruption(scenario: &Scenario) -> Result<(), Fault> {
    let policy = &scenario.interruption.policy;
    if !POLICIES.contains(&policy.as_str()) {
        return Err(at(
            "interruption",
            "policy",
            format!(
                "there is no policy {policy:?}; choose one of {}",
                POLICIES.join(", ")
            ),
        ));
    }
    if scenario.interruption.resume_after_ms > RESUME_AFTER_MS_MAX {
        return Err(at(
            "interruption",
            "resume_after_ms",
            format!("up to {RESUME_AFTER_MS_MAX}; 0 for never"),
        ));
    }
    Ok(())
}

/// The names of `interrupt::policy`, which a scenario may not import; a test holds them equal.
pub(super) const POLICIES: [&str; 5] = ["classifier", "vad_500ms", "min_words", "never", "always"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::parse;
    use std::path::Path;

    /// What is said about a scenario with these lines, without the file's name.
    fn complaint(toml: &str) -> String {
        match parse(Path::new("test.toml"), toml) {
            Ok(_) => String::new(),
            Err(error) => error.to_string().replacen("test.toml", "", 1),
        }
    }

    fn check(toml: &str, expected: &str) {
        let said = complaint(toml);
        assert!(said.contains(expected), "{toml}\nsaid: {said}");
    }

    const QUESTION: &str = "[[turn]]\nsay = \"Why?\"\n";

    #[test]
    fn a_question_is_a_scenario() {
        assert_eq!(complaint(QUESTION), "");
    }

    #[test]
    fn unknown_keys_and_wrong_units_are_named_with_their_line() {
        check("nmae = \"x\"\n", "line 1");
        check("nmae = \"x\"\n", "unknown field `nmae`");
        let seconds = format!("[endpointing]\nsilence_s = 0.3\n{QUESTION}");
        check(&seconds, "unknown field `silence_s`");
        check(&seconds, "silence_ms");
        check(&seconds, "line 2");
    }

    #[test]
    fn wrong_values_are_named_with_their_line() {
        let cases = [
            (
                "[endpointing]\nsilence_ms = 5\n",
                " line 2: endpointing.silence_ms: 5 ms",
            ),
            ("cores = 0\n", " line 1: cores: 0 cores"),
            (
                "[stt]\nengine = \"wisper\"\n",
                " line 2: stt.engine: there is no engine \"wisper\"",
            ),
            (
                "[tts]\nengine = \"command\"\n",
                " line 1: tts.command: the engine",
            ),
            (
                "[interruption]\npolicy = \"luck\"\n",
                " line 2: interruption.policy",
            ),
            (
                "[interruption]\nresume_after_ms = 70000\n",
                " line 2: interruption.resume_after_ms: up to 60000",
            ),
            (
                "[budget]\ne2e_p95 = 3\n",
                " line 2: budget.e2e_p95: no such budget",
            ),
            (
                "[answer]\nindex = \"nowhere\"\n",
                " line 2: answer.index: nowhere is no folder; build the index",
            ),
            (
                "[answer]\ndocs = \".\"\nindex = \".\"\n",
                " line 3: answer.index: answers come from documents or from an index",
            ),
            (
                "[answer]\ndocs = \"nowhere\"\n",
                " line 2: answer.docs: nowhere is no folder",
            ),
            ("[ear]\nvad_threshold = 2.0\n", " line 2: ear.vad_threshold"),
            (
                "[cost]\ncurrency = \"USD\"\ncall_per_minute = -0.1\n",
                " line 3: cost.call_per_minute: -0.1 is no price; give between 0 and 1000000",
            ),
            (
                "[cost]\nanswer_per_request = nan\n",
                " line 2: cost.answer_per_request: NaN is no price",
            ),
            (
                "[stt]\nengine = \"simulated\"\nlatency = { lognormal = { median_ms = 9, p95_ms = 1 } }\n",
                " line 3: stt.latency: p95_ms = 1 lies under",
            ),
        ];
        for (toml, expected) in cases {
            check(&format!("{toml}{QUESTION}"), expected);
        }
    }

    #[test]
    fn a_missing_file_is_named_with_its_turn_and_line() {
        check(
            &format!("{QUESTION}[[turn]]\nwav = \"nowhere.wav\"\n"),
            " line 4: turn 2 wav: nowhere.wav does not exist",
        );
    }

    #[test]
    fn an_anchor_that_cannot_come_is_refused() {
        check(
            "[[turn]]\nsay = \"mm\"\nexpect = \"ignore\"\n[[turn]]\nsay = \"Why?\"\nafter = \"agent_speech_start\"\n",
            " line 6: turn 2 after: this anchor cannot come",
        );
        check(
            "[[turn]]\nsay = \"Why?\"\nafter = \"agent_speech_end\"\n",
            " line 3: turn 1 after: this anchor cannot come",
        );
        check(
            &format!("{QUESTION}[[turn]]\nsay = \"And?\"\nafter = \"session_start\"\n"),
            "only the first turn",
        );
    }

    #[test]
    fn a_turn_says_one_thing() {
        check("[[turn]]\nexpect = \"respond\"\n", "needs something to say");
        check("[[turn]]\nsay = \" \"\n", "between 1 and 2,000");
        check(
            &format!("[tts]\nengine = \"simulated\"\n{QUESTION}"),
            "a simulated voice speaks no words",
        );
    }

    #[test]
    fn the_policies_are_those_that_exist() {
        assert_eq!(POLICIES, crate::interrupt::policy::NAMES);
    }
}
