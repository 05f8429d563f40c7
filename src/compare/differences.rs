//! What was asked for, or done, differently on the two sides, and which differences make a comparison unfair.

use super::Kind;
use crate::measure::folder::Results;
use crate::record::store::Header;
use crate::scenario::differences;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Something that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// A key of the header (`version`, `seed`, `clock`, `cores`, `machine`, `engines.STAGE`, `worlds`), or
    /// `scenario.` and a key of the scenario.
    pub key: String,
    /// The base's value; null if the key is not there.
    pub base: Value,
    /// The new side's value; null if the key is not there.
    pub new: Value,
}

/// Keys of a scenario that the header has besides, or that say nothing of how a call went.
const SAID_ELSEWHERE: [&str; 3] = ["name", "seed", "cores"];

/// What differs, and sentences about what is unfair. The first folder of a side speaks for all of them, except
/// for what they differ in among themselves.
pub(super) fn between([base, new]: [&[Results]; 2]) -> (Vec<Difference>, Vec<String>) {
    let (Some(own), Some(other)) = (base.first(), new.first()) else {
        return Default::default();
    };
    let (headers, others) = (own.header(), other.header());
    let mut all = of_headers(headers, others);
    let mut warnings = unfair(Kind::of(own), Kind::of(other), &all);
    for one in differences(&headers.scenario, &others.scenario) {
        if !SAID_ELSEWHERE.contains(&one.key.as_str()) {
            all.push(Difference {
                key: format!("scenario.{}", one.key),
                base: one.base.unwrap_or_default(),
                new: one.new.unwrap_or_default(),
            });
        }
    }
    for (side, kept) in [("the base", base), ("the new side", new)] {
        let cut_short = kept
            .iter()
            .filter(|one| one.measured().is_cut_short)
            .count();
        // Simulated callers who hang up end their conversations themselves.
        if cut_short > 0 && matches!(kept[0], Results::Run(_)) {
            warnings.push(match kept {
                [_] => format!("{side} was stopped or killed in the middle"),
                all => format!(
                    "of {side} {cut_short} of {} runs were stopped or killed in the middle",
                    all.len()
                ),
            });
        }
        let doubtful: u64 = kept.iter().map(|one| one.measured().doubtful.count()).sum();
        if doubtful > 0 {
            warnings.push(format!(
                "{doubtful} turns of {side} are doubtful, and their latencies are left out"
            ));
        }
        let is_varied = |one: &Results| differing(kept[0].header(), one.header());
        if let Some(what) = kept.iter().find_map(is_varied) {
            warnings.push(format!(
                "the folders of {side} are not all alike: they differ in {what}"
            ));
        }
    }
    (all, warnings)
}

/// What two folders of one side should have in common and do not.
fn differing(first: &Header, other: &Header) -> Option<&'static str> {
    [
        ("clock", first.clock != other.clock),
        ("cores", first.cores != other.cores),
        ("version", first.version != other.version),
        ("machine", first.machine != other.machine),
        (
            "engines",
            !first.is_of_others() && first.engines != other.engines,
        ),
    ]
    .into_iter()
    .find_map(|(what, differs)| differs.then_some(what))
}

fn of_headers(base: &Header, new: &Header) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut see = |key: String, base: Value, new: Value| {
        if base != new {
            all.push(Difference { key, base, new });
        }
    };
    let fields = |header: &Header| -> [(&'static str, Value); 6] {
        [
            ("version", header.version.clone().into()),
            ("seed", header.seed.into()),
            ("clock", header.clock.clone().into()),
            ("cores", header.cores.into()),
            ("machine", header.machine.clone().into()),
            ("worlds", header.worlds.into()),
        ]
    };
    for ((key, own), (_, other)) in fields(base).into_iter().zip(fields(new)) {
        see(key.into(), own, other);
    }
    let mut stages: BTreeMap<&String, [Value; 2]> = BTreeMap::new();
    for (side, header) in [base, new].into_iter().enumerate() {
        for (stage, engine) in &header.engines {
            stages.entry(stage).or_default()[side] = engine.clone().into();
        }
    }
    for (stage, [own, other]) in stages {
        see(format!("engines.{stage}"), own, other);
    }
    all
}

fn unfair(base: Kind, new: Kind, differences: &[Difference]) -> Vec<String> {
    let mut warnings = Vec::new();
    if base != new {
        let what = |kind| match kind {
            Kind::Run => "a run",
            Kind::Recording => "a recording",
            Kind::Simulation => "a simulation",
            Kind::Load => "a load",
        };
        warnings.push(format!(
            "{} is compared with {}: a prediction with what it is to predict, or two different things",
            what(base),
            what(new)
        ));
    }
    // Simulated engines take as long on every machine, and recordings are only listened to.
    let computes = base == Kind::Run && new == Kind::Run;
    for (key, says) in [
        (
            "clock",
            "virtual time counts what engines compute and nothing else, which is a little less than real time",
        ),
        (
            "cores",
            "engines had not the same number of cores to compute on",
        ),
        (
            "machine",
            "the machines differ, and engines compute as fast as theirs",
        ),
    ] {
        let differs = differences.iter().any(|one| one.key == key);
        if differs && computes {
            warnings.push(says.to_owned());
        }
    }
    warnings
}
