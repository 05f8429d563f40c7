//! JSON Schemas of scenario and budget files, made from the types that read them: editors complete keys by
//! them, and mark those that are unknown.
//!
//! A schema tells keys, kinds of values and names. Ranges, and what goes together with what, stand in the
//! descriptions; `voicesim check` holds a scenario to those.

use super::ScenarioFile;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

/// The schema of a scenario file, by draft 7 of JSON Schema, which the editors of TOML know.
/// # Example
/// ```
/// let schema = voicesim::scenario::scenario_schema();
/// assert_eq!(schema["properties"]["cores"]["default"], 2);
/// ```
pub fn scenario_schema() -> Value {
    named(
        "voicesim scenario",
        "What a caller says and when, with which engines the agent answers, and what should come of it.",
    )
}

/// The schema of a budget file: a scenario file of which only `[budget]` is read, and has to be there.
pub fn budget_schema() -> Value {
    let mut schema = named(
        "voicesim budget",
        "Limits that figures must keep. Other tables of a scenario may stand there too, and are not read.",
    );
    schema["required"] = json!(["budget"]);
    schema
}

fn named(title: &str, description: &str) -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        // Before those of the draft, which see to references with other keys beside them.
        let plain = RecursiveTransform(as_written_in_toml);
        settings.transforms.insert(0, Box::new(plain));
    });
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<ScenarioFile>();
    let mut schema = schema.to_value();
    schema["title"] = json!(title);
    schema["description"] = json!(description);
    // For editors that would take the key for an unknown one.
    schema["properties"]["$schema"] = json!({ "type": "string" });
    schema
}

/// Leaves out what TOML does not have, or no reader of a scenario needs: nulls, widths of numbers, links in
/// descriptions.
fn as_written_in_toml(schema: &mut Schema) {
    let Some(keys) = schema.as_object_mut() else {
        return;
    };
    keys.remove("format");
    if keys.get("default").is_some_and(Value::is_null) {
        keys.remove("default");
    }
    if let Some(Value::Array(kinds)) = keys.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            keys.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(mut any)) = keys.remove("anyOf") {
        any.retain(|one| one.get("type").is_none_or(|kind| kind != "null"));
        match any.as_slice() {
            [Value::Object(only)] => {
                for (key, value) in only {
                    keys.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            _ => {
                keys.insert("anyOf".into(), Value::Array(any));
            }
        }
    }
    if let Some(Value::String(text)) = keys.get_mut("description") {
        *text = without_links(text);
    }
}

/// A documentation comment as text: without its links, and with one line for each paragraph.
fn without_links(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|text| text.replace('\n', " "));
    let text = paragraphs.collect::<Vec<_>>().join("\n");
    let (mut plain, mut rest) = (String::new(), text.as_str());
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else {
            break;
        };
        plain += &format!("{before}`{name}`");
        let target = after
            .strip_prefix('(')
            .and_then(|link| link.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::test_schema::Validator;
    use std::fs;
    use std::path::Path;

    fn validator() -> Validator {
        Validator::of(scenario_schema())
    }

    fn read(text: &str) -> Value {
        let table: toml::Table = toml::from_str(text).expect("TOML");
        serde_json::to_value(table).expect("JSON")
    }

    /// The scenarios that come with voicesim, by their paths.
    fn scenarios() -> Vec<(String, Value)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        for folder in ["audio", "audio/simulations"] {
            for entry in fs::read_dir(root.join(folder)).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == "toml")
                {
                    let text = fs::read_to_string(&path).expect("readable");
                    all.push((path.display().to_string(), read(&text)));
                }
            }
        }
        all
    }

    #[test]
    fn every_scenario_that_comes_with_voicesim_is_as_the_schema_says() {
        let (validator, all) = (validator(), scenarios());
        assert!(all.len() > 15, "only {} scenarios", all.len());
        for (path, scenario) in all {
            assert_eq!(validator.faults(&scenario), [""; 0], "{path}");
        }
    }

    #[test]
    fn a_scenario_without_any_key_is_as_the_schema_says() {
        let default = toml::to_string(&ScenarioFile::default()).expect("TOML");
        assert_eq!(validator().faults(&read(&default)), [""; 0]);
    }

    /// Every copy of a scenario in which one table has a key that is none; labels may have any.
    fn misspelt(value: &Value) -> Vec<Value> {
        let mut all = Vec::new();
        match value {
            Value::Object(table) => {
                let mut wrong = table.clone();
                wrong.insert("silence_mss".into(), json!(1));
                all.push(Value::Object(wrong));
                for (key, inner) in table.iter().filter(|(key, _)| *key != "labels") {
                    all.extend(misspelt(inner).into_iter().map(|inner| {
                        let mut wrong = table.clone();
                        wrong.insert(key.clone(), inner);
                        Value::Object(wrong)
                    }));
                }
            }
            Value::Array(several) => {
                for (index, inner) in several.iter().enumerate() {
                    all.extend(misspelt(inner).into_iter().map(|inner| {
                        let mut wrong = several.clone();
                        wrong[index] = inner;
                        Value::Array(wrong)
                    }));
                }
            }
            _ => {}
        }
        all
    }

    #[test]
    fn a_misspelt_key_is_a_fault_in_whatever_table_it_stands() {
        let (validator, mut tried) = (validator(), 0);
        for (path, scenario) in scenarios()
            .into_iter()
            .filter(|(path, _)| path.contains("simulations"))
        {
            for wrong in misspelt(&scenario) {
                assert!(!validator.is_valid(&wrong), "{path}: {wrong}");
                tried += 1;
            }
        }
        assert!(tried > 100, "only {tried} tables");
    }

    #[test]
    fn what_no_scenario_can_hold_is_a_fault() {
        let validator = validator();
        for wrong in [
            "[stt]\nengine = \"wisper\"",
            "[stt]\nlatency = { preset = \"deepgram\" }",
            "[interruption]\npolicy = \"sometimes\"",
            "[budget]\ne2e_latency_p95 = 900",
            "[budget]\nhop.anser_p95_ms = 900",
            "[network]\npreset = \"tin-can\"",
            "[[turn]]\nwav = 3",
            "cores = \"two\"",
        ] {
            assert!(!validator.is_valid(&read(wrong)), "{wrong}");
        }
        for right in [
            "[budget]\ne2e_latency_p99_9_ms = 900\nhop.answer_p75_ms = 1\ncure.timed_out_max = 3\nwer_max = 0.1",
            "[budget]\n\"hop.answer_p75_ms\" = 1\n\"pool.refused_max\" = 0",
            "[cure.answer]\nretries = 1\nfallback = { engine = \"retrieval\" }",
            "[load]\narrivals = { ramp = { from_per_minute = 1, to_per_minute = 9 } }",
        ] {
            assert_eq!(validator.faults(&read(right)), [""; 0], "{right}");
        }
    }

    #[test]
    fn a_budget_file_has_a_budget() {
        let validator = Validator::of(budget_schema());
        assert!(validator.is_valid(&read("[budget]\ne2e_latency_p95_ms = 900")));
        assert!(!validator.is_valid(&read("name = \"x\"")));
    }

    #[test]
    fn descriptions_are_plain_text() {
        let schema = scenario_schema().to_string();
        for markup in ["[`", "`]", "super::", "\"null\"", "\"format\""] {
            assert!(!schema.contains(markup), "{markup}");
        }
    }

    #[test]
    fn links_become_their_text() {
        assert_eq!(
            without_links("See [`a`] and\n[`b`](super::b), not [c].\n\nMore."),
            "See `a` and `b`, not [c].\nMore."
        );
    }
}
