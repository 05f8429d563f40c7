//! A table of one's own, by the names of its columns.

use super::path::Path;
use super::{Field, Fields, Mapping, MetricName, Unit};
use crate::event::{Hop, Metric};
use std::collections::BTreeMap;

/// Endings of columns, and their units.
const ENDINGS: &[(&str, Unit)] = &[
    ("_ns", Unit::Nanoseconds),
    ("_us", Unit::Microseconds),
    ("_ms", Unit::Milliseconds),
    ("_seconds", Unit::Seconds),
    ("_secs", Unit::Seconds),
    ("_s", Unit::Seconds),
];
const TOTALS: &[&str] = &["e2e", "e2e_latency", "total", "total_latency"];
const CALLS: &[&str] = &["call", "call_id", "conversation", "session"];

/// `None` if no column is a latency with a unit.
pub(super) fn mapping<'a>(names: impl Iterator<Item = &'a str>) -> Option<Mapping> {
    let mut mapping = Mapping {
        platform: "table".into(),
        made: String::new(),
        recognised_by: Vec::new(),
        unit: Unit::Milliseconds,
        call: Vec::new(),
        turns: None,
        only: BTreeMap::new(),
        speaker: None,
        total: None,
        caller_start: None,
        caller_end: None,
        agent_start: None,
        agent_end: None,
        heard: None,
        said: None,
        interrupted: None,
        hops: BTreeMap::new(),
        parts: None,
        metrics: BTreeMap::new(),
        series: None,
        tables: BTreeMap::new(),
    };
    let mut tells = false;
    for name in names {
        let path = Path::key(name);
        let lower = name.trim().to_lowercase();
        match lower.as_str() {
            "heard" | "transcript" => mapping.heard = Some(path.clone()),
            "said" | "answer" => mapping.said = Some(path.clone()),
            "interrupted" | "was_interrupted" => mapping.interrupted = Some(path.clone()),
            name if CALLS.contains(&name) => mapping.call.push(path.clone()),
            _ => {}
        }
        let ending = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending));
        let Some((ending, unit)) = ending else {
            continue;
        };
        let own = lower.strip_suffix(ending).unwrap_or(&lower);
        let field = Field::WithUnit { path, unit: *unit };
        let hop = own.strip_prefix("hop_").or(own.strip_prefix("hop."));
        if let Some(hop) = Hop::named(hop.unwrap_or(own)) {
            // What is left over is found again.
            if hop != Hop::Unattributed {
                mapping.hops.insert(hop, Fields::One(field));
                tells = true;
            }
            continue;
        }
        match own {
            "caller_end" => mapping.caller_end = Some(field),
            "caller_start" => mapping.caller_start = Some(field),
            "agent_start" => mapping.agent_start = Some(field),
            "agent_end" => mapping.agent_end = Some(field),
            // Our own tables have both: the one without the latency of a question that was asked before.
            own if TOTALS.contains(&own) => {
                if mapping.total.is_none() {
                    mapping.total = Some(field);
                }
            }
            own => {
                let Some(metric) = Metric::named(own) else {
                    continue;
                };
                mapping.metrics.insert(MetricName(metric), field);
            }
        }
        tells = true;
    }
    tells.then_some(mapping)
}
