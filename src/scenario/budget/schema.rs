//! The JSON Schema of a `[budget]`, whose keys are made of names and statistics.
//!
//! The statistics that people limit most are listed, so that editors offer them; any other percentile is
//! taken by its pattern.

use super::Count;
use crate::event::{Hop, Metric};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// Statistics that are offered.
const OFFERED: [&str; 5] = ["p50", "p95", "p99", "mean", "max"];
/// Statistics that are taken.
const TAKEN: &str = r"(mean|max|p[0-9]{1,3}(_[0-9]{1,3})?)";

/// The schema of the table as a file has it, where a dot in a key begins a table.
pub(in crate::scenario) fn table(_: &mut SchemaGenerator) -> Schema {
    let metrics = Metric::ALL.map(Metric::name);
    let hops = Hop::ALL.map(Hop::name);
    let (dotted, plain): (Vec<&str>, Vec<&str>) = Count::ALL
        .into_iter()
        .map(|(name, _)| name)
        .partition(|name| name.contains('.'));
    let mut keys = times(&metrics);
    keys.extend(plain.iter().map(|name| count(name)));
    keys.insert(
        "hop".into(),
        json!({
            "type": "object",
            "description": "Limits of hops in milliseconds: hop.NAME_STAT_ms.",
            "properties": times(&hops),
            "patternProperties": { pattern("", &hops): limit("Milliseconds.") },
            "additionalProperties": false,
        }),
    );
    for (outer, inner) in [
        ("cure", "Times that a resilience policy took effect."),
        ("pool", "What pools refused, and how many waited."),
    ] {
        let of_it = dotted
            .iter()
            .filter_map(|name| name.strip_prefix(outer)?.strip_prefix('.'));
        let counts: Map<String, Value> = of_it.map(count).collect();
        keys.insert(
            outer.into(),
            json!({
                "type": "object",
                "description": inner,
                "properties": counts,
                "additionalProperties": false,
            }),
        );
    }
    // Whoever puts a key into quotes may write its dots.
    let quoted = format!("^({})_max$", dotted.join("|").replace('.', r"\."));
    json_schema!({
        "type": "object",
        "description": "What the figures must keep to: METRIC_STAT_ms, hop.NAME_STAT_ms or COUNT_max. STAT is mean, max or a percentile (p95, p99_9 for 99.9).",
        "properties": keys,
        "patternProperties": {
            pattern("", &metrics): limit("Milliseconds."),
            pattern(r"hop\.", &hops): limit("Milliseconds."),
            quoted: limit("The greatest count."),
        },
        "additionalProperties": false,
    })
}

fn limit(description: &str) -> Value {
    json!({ "type": "number", "minimum": 0, "description": description })
}

fn times(names: &[&str]) -> Map<String, Value> {
    let keys = names.iter().flat_map(|name| {
        OFFERED.map(|statistic| (format!("{name}_{statistic}_ms"), limit("Milliseconds.")))
    });
    keys.collect()
}

fn count(name: &str) -> (String, Value) {
    (format!("{name}_max"), limit("The greatest count or share."))
}

fn pattern(before: &str, names: &[&str]) -> String {
    format!("^{before}({})_{TAKEN}_ms$", names.join("|"))
}
