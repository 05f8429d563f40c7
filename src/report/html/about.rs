//! Where figures come from: scenario, seed, versions, engines, machine.

use super::page::Part;
use crate::record::store::Header;
use askama::Template;
use askama::filters::Safe;
use serde_json::Value;
use std::path::Path;

#[derive(Template)]
#[template(path = "about.html", config = "src/report/html/askama.toml")]
pub(super) struct About {
    facts: Vec<(String, String)>,
    scenario: String,
}

impl About {
    /// The facts about a run or a simulation, which is kept in the folder `folder`, if it is.
    pub(super) fn of(header: &Header, folder: Option<&Path>) -> Part<About> {
        let mut facts: Vec<(String, String)> = Vec::new();
        let mut add = |what: &str, fact: String| facts.push((what.to_owned(), fact));
        add("voicesim", header.version.clone());
        add("started", header.started.clone());
        if !header.machine.is_empty() {
            add("machine", header.machine.clone());
        }
        add("clock", header.clock.clone());
        if !header.is_of_others() {
            add("cores", header.cores.to_string());
            add("seed", header.seed.to_string());
        }
        for (stage, engine) in &header.engines {
            add(stage, engine.clone());
        }
        if !header.policy.is_empty() {
            add("interruptions", format!("policy {}", header.policy));
        }
        if let Some(worlds) = header.worlds {
            add("worlds", worlds.to_string());
        }
        if let Some(shard) = header.shard {
            add("shard", shard.to_string());
        }
        if let Some(folder) = folder {
            add("folder", folder.display().to_string());
        }
        Safe(About {
            facts,
            scenario: scenario(&header.scenario),
        })
    }
}

/// A scenario as people write it; as JSON if TOML cannot express it.
fn scenario(value: &Value) -> String {
    let json = || serde_json::to_string_pretty(value).unwrap_or_default();
    toml::to_string_pretty(&without_nothing(value)).unwrap_or_else(|_| json())
}

/// TOML has no null, and a key that has it may be left out. So may a table without keys.
fn without_nothing(value: &Value) -> Value {
    match value {
        Value::Object(keys) => {
            let is_something = |value: &Value| {
                !value.is_null()
                    && *value != Value::Array(Vec::new())
                    && !value.as_object().is_some_and(serde_json::Map::is_empty)
            };
            let kept = keys.iter().filter(|(_, value)| is_something(value));
            kept.map(|(key, value)| (key.clone(), without_nothing(value)))
                .collect()
        }
        Value::Array(values) => values
            .iter()
            .filter(|value| !value.is_null())
            .map(without_nothing)
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_scenario_is_shown_as_it_is_written() {
        let text = scenario(
            &json!({"name": "demo", "cores": 2, "stt": {"engine": "whisper", "delay": null}, "budget": {}, "turn": [{"wav": "a.wav"}]}),
        );
        assert_eq!(
            text,
            "cores = 2\nname = \"demo\"\n\n[stt]\nengine = \"whisper\"\n\n[[turn]]\nwav = \"a.wav\"\n"
        );
    }
}
