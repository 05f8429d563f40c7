//! Pairs of results: those of both sides that belong together, because they were asked alike.

use crate::measure::folder::{Folder, MeasuredRun, MeasuredSimulation, Results};
use crate::record::store::RowsPer;
use crate::scenario::TurnTable;
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// Whether results of both sides belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matched {
    By {
        /// The places of each pair in the two folders.
        pairs: Vec<[usize; 2]>,
        /// What the pairs have in common.
        why: String,
        /// The names of results without a partner.
        left_out: Vec<String>,
    },
    Not {
        /// Why nothing belongs together.
        why: String,
    },
}

pub(super) fn matched(base: &Folder, new: &Folder) -> Matched {
    let found = match (base, new) {
        (Folder::One(base), Folder::One(new)) => one(base, new),
        (Folder::Several(base), Folder::Several(new)) => several(base, new),
        _ => Err("one is a folder of several, the other is not".into()),
    };
    found.unwrap_or_else(|why| Matched::Not { why })
}

fn one(base: &Results, new: &Results) -> Result<Matched, String> {
    Ok(Matched::By {
        pairs: vec![[0, 0]],
        why: same(base, new)?,
        left_out: Vec::new(),
    })
}

/// Folders of the same name belong together, if that is true of most of them.
fn several(base: &[Results], new: &[Results]) -> Result<Matched, String> {
    let names = |all: &[Results]| -> BTreeMap<String, usize> {
        let name = |(place, kept): (usize, &Results)| {
            let name = kept.path().file_name().unwrap_or_default();
            (name.to_string_lossy().into_owned(), place)
        };
        all.iter().enumerate().map(name).collect()
    };
    let (base_names, new_names) = (names(base), names(new));
    let mut pairs = Vec::new();
    for (name, place) in &base_names {
        if let Some(other) = new_names.get(name) {
            same(&base[*place], &new[*other]).map_err(|why| format!("{name}: {why}"))?;
            pairs.push([*place, *other]);
        }
    }
    if 2 * pairs.len() < base.len().max(new.len()) {
        return Err(format!(
            "{} of {} and {} folders have the same name on both sides",
            pairs.len(),
            base.len(),
            new.len()
        ));
    }
    let without = base_names
        .keys()
        .filter(|name| !new_names.contains_key(*name));
    let without = without.chain(
        new_names
            .keys()
            .filter(|name| !base_names.contains_key(*name)),
    );
    Ok(Matched::By {
        why: format!("{} folders of the same names", pairs.len()),
        left_out: without.cloned().collect(),
        pairs,
    })
}

/// What two results have in common, so that their turns are pairs.
///
/// # Errors
/// Why their turns are no pairs.
fn same(base: &Results, new: &Results) -> Result<String, String> {
    match (base, new) {
        (Results::Simulation(base), Results::Simulation(new)) => same_luck(base, new),
        (Results::Run(base), Results::Run(new)) => same_turns(base, new),
        _ => Err("one was run, the other simulated".into()),
    }
}

/// Two simulations with the same seed have pairs: all that is drawn is keyed by seed, conversation and question.
fn same_luck(base: &MeasuredSimulation, new: &MeasuredSimulation) -> Result<String, String> {
    let (own, other) = (&base.header, &new.header);
    if own.seed != other.seed {
        return Err(format!("their seeds are {} and {}", own.seed, other.seed));
    }
    if own.shard != other.shard {
        return Err("they are not the same shard of a simulation".into());
    }
    if base.scenario.load.is_some() != new.scenario.load.is_some() {
        return Err("one is a load of many calls at once, the other is not".into());
    }
    let (worlds, others) = (base.totals.worlds(), new.totals.worlds());
    if worlds != others {
        return Err(format!("they have {worlds} and {others} worlds"));
    }
    Ok(match base.scenario.load {
        Some(_) => format!("the same seed, and {worlds} worlds"),
        None => format!("the same seed, and {worlds} conversations"),
    })
}

fn same_turns(base: &MeasuredRun, new: &MeasuredRun) -> Result<String, String> {
    let (own, other) = (&base.header, &new.header);
    if own.rows_per != other.rows_per {
        return Err(
            "one has a row for each turn of a scenario, the other for each utterance".into(),
        );
    }
    let (rows, others) = (base.measured.rows.len(), new.measured.rows.len());
    if own.rows_per == RowsPer::Utterance && rows != others {
        return Err(format!("they have {rows} and {others} utterances"));
    }
    let are_of_others = own.is_of_others() && other.is_of_others();
    if are_of_others && own.rows_per == RowsPer::Utterance {
        return match own.name == other.name {
            true => Ok(format!(
                "a recording of the same name, with {rows} utterances"
            )),
            false => Err("they are recordings of different names".into()),
        };
    }
    let (turns, asked) = (&base.scenario.file().turn, &new.scenario.file().turn);
    if turns.is_empty() {
        return Err("nothing says that the caller said the same".into());
    }
    let differs = |(own, other): (&TurnTable, &TurnTable)| said(own) != said(other);
    if turns.len() != asked.len() {
        return Err(format!(
            "{} turns were asked for, and {}",
            turns.len(),
            asked.len()
        ));
    }
    match turns.iter().zip(asked).position(differs) {
        Some(index) => Err(format!("turn {} is not the same", index + 1)),
        None => Ok(format!("the same {} turns", turns.len())),
    }
}

/// What a caller says. Recordings lie elsewhere on another machine.
fn said(turn: &TurnTable) -> impl PartialEq + '_ {
    let wav = turn.wav.as_deref().and_then(|path| path.file_name());
    let wav: Option<&OsStr> = wav;
    (wav, &turn.say, &turn.text, &turn.speech, turn.expect)
}
