//! The labels that turns are told apart by: those of a scenario, columns of a table beside the calls, and what every
//! folder has: the time, the place of a turn, and the call.

use super::folder::{MeasuredRun, MeasuredSimulation, Results};
use super::segments::{Placed, Wait, window};
use super::turns::{SimulatedTurn, TurnsError};
use super::{Reason, Row};
use crate::event::Tick;
use crate::files;
use crate::record::store::RowsPer;
use crate::scenario::{Scenario, TurnTable};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The labels that need nobody to write them.
const TIME: &str = "time";
const TURN: &str = "turn";
const CALL: &str = "call";

/// A longer table of labels is refused: 64 MiB.
const TABLE_BYTES_MAX: u64 = 64 << 20;

/// The name of a segment of turns without that label.
const WITHOUT: &str = "(none)";

/// A label that turns can be told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Label {
    /// When the question ended: in a run or a load, or the day or hour of a call in a folder.
    Time,
    /// Whether the turn is the first question of its conversation, or a later one.
    Turn,
    /// The folder of the call.
    Call,
    /// A label that somebody wrote.
    Written(String),
}

/// A table of labels by call: a line for each, its name in the column `call`.
#[derive(Debug, Default)]
pub struct LabelTable {
    columns: BTreeSet<String>,
    by_call: BTreeMap<String, BTreeMap<String, Arc<str>>>,
}

/// Why turns cannot be told apart by a label. The text names the label or the file, and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// Nothing has that label.
    #[error(
        "--by {label}: no turn has this label; there are {known}. A scenario gives others with labels = {{ topic = \"hours\" }} at its top or in a [[turn]], a CSV with --labels"
    )]
    Unknown {
        /// What was asked for.
        label: String,
        /// The labels that there are.
        known: String,
    },
    /// The table cannot be read.
    #[error("--labels {path}: {reason}; give a CSV whose first line names its columns, one of them \"call\"", path = path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The table is of other calls.
    #[error(
        "--labels: none of its calls ({calls}, …) is a folder here ({folders}, …); write the names of the folders, or of the recordings, in its column \"call\""
    )]
    NoCall {
        /// Some calls of the table.
        calls: String,
        /// Some folders.
        folders: String,
    },
    /// The turns of a simulation cannot be read.
    #[error(transparent)]
    Turns(#[from] TurnsError),
}

impl LabelTable {
    /// Reads a table: CSV whose first line names the columns, one of which is `call`: the name of a call's folder,
    /// or of its file.
    ///
    /// # Errors
    /// A file that cannot be read, is too long, or has no such column, and what to do.
    pub fn read(path: &Path) -> Result<LabelTable, LabelError> {
        let wrong = |reason: String| LabelError::Table {
            path: path.to_owned(),
            reason,
        };
        let file = files::open(path, TABLE_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(file.take(TABLE_BYTES_MAX));
        let names = reader
            .headers()
            .map_err(|error| wrong(error.to_string()))?
            .clone();
        let calls = names.iter().position(|name| name == CALL);
        let calls = calls.ok_or_else(|| wrong("it has no column \"call\"".to_owned()))?;
        let mut table = LabelTable::default();
        for record in reader.records() {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            let labels = names.iter().zip(&record).enumerate();
            let labels: BTreeMap<String, Arc<str>> = labels
                .filter(|(place, (_, value))| *place != calls && !value.is_empty())
                .map(|(_, (name, value))| (name.to_owned(), value.into()))
                .collect();
            table.columns.extend(labels.keys().cloned());
            let call = stem(record.get(calls).unwrap_or_default());
            if table.by_call.insert(call.to_owned(), labels).is_some() {
                return Err(wrong(format!("it names the call {call:?} twice")));
            }
        }
        Ok(table)
    }

    /// All labels of a call.
    #[cfg_attr(
        not(feature = "listen"),
        allow(dead_code, reason = "only who listens pairs turns")
    )]
    fn of(&self, call: &str) -> impl Iterator<Item = (&String, &Arc<str>)> {
        self.by_call.get(stem(call)).into_iter().flatten()
    }

    fn get(&self, call: &str, label: &str) -> Option<Arc<str>> {
        self.by_call.get(stem(call))?.get(label).cloned()
    }
}

/// The name of a call without the ending of a recording.
pub(crate) fn stem(call: &str) -> &str {
    const ENDINGS: [&str; 9] = [
        "wav", "mp3", "flac", "ogg", "opus", "m4a", "aac", "webm", "aiff",
    ];
    match call.rsplit_once('.') {
        Some((stem, ending)) if ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) => stem,
        _ => call,
    }
}

/// The labels that the turns of a folder have, in the order in which a page shows them.
pub fn labels(all: &[Results], table: Option<&LabelTable>) -> Vec<String> {
    let mut labels = vec![TIME.to_owned(), TURN.to_owned()];
    let mut written: BTreeSet<String> = BTreeSet::new();
    for kept in all {
        let scenario = scenario(kept);
        written.extend(scenario.file().labels.keys().cloned());
        let turns = scenario.file().turn.iter();
        written.extend(turns.flat_map(|turn| turn.labels.keys().cloned()));
    }
    written.extend(
        table
            .into_iter()
            .flat_map(|table| table.columns.iter().cloned()),
    );
    labels.extend(written);
    if all.len() > 1 {
        labels.push(CALL.to_owned());
    }
    labels
}

/// The labels that somebody wrote for one turn of a run or call; those of the turn itself come before those of its
/// call, and these before those of the scenario.
#[cfg_attr(
    not(feature = "listen"),
    allow(dead_code, reason = "only who listens pairs turns")
)]
pub(crate) fn of_turn(
    run: &MeasuredRun,
    row: &Row,
    table: Option<&LabelTable>,
) -> BTreeMap<String, String> {
    let mut labels = run.scenario.file().labels.clone();
    let call = run.path.file_name().unwrap_or_default().to_string_lossy();
    let of_call = table.into_iter().flat_map(|table| table.of(&call));
    labels.extend(of_call.map(|(label, value)| (label.clone(), value.to_string())));
    labels.extend(
        asked(run, row)
            .into_iter()
            .flat_map(|turn| turn.labels.clone()),
    );
    labels
}

/// The turn of the scenario that a row is of; `None` if rows are of utterances.
fn asked<'a>(run: &'a MeasuredRun, row: &Row) -> Option<&'a TurnTable> {
    match run.header.rows_per {
        RowsPer::Turn => run.scenario.file().turn.get(row.number as usize - 1),
        RowsPer::Utterance => None,
    }
}

/// The turns of a folder that should have been answered, each in its segment.
///
/// # Errors
/// A label that no turn has, or turns of a simulation that cannot be read.
pub fn placed(
    all: &[Results],
    by: &str,
    table: Option<&LabelTable>,
) -> Result<Vec<Placed>, LabelError> {
    let known = labels(all, table);
    let label = match by {
        TIME => Label::Time,
        TURN => Label::Turn,
        CALL => Label::Call,
        written if known.iter().any(|own| own == written) => Label::Written(written.to_owned()),
        _ => {
            return Err(LabelError::Unknown {
                label: by.to_owned(),
                known: known.join(", "),
            });
        }
    };
    if let (Label::Written(written), Some(table)) = (&label, table) {
        let names = all.iter().filter_map(|kept| kept.path().file_name());
        let is_known =
            |name: &std::ffi::OsStr| table.by_call.contains_key(stem(&name.to_string_lossy()));
        if table.columns.contains(written) && !names.into_iter().any(is_known) {
            return Err(LabelError::NoCall {
                calls: table
                    .by_call
                    .keys()
                    .take(3)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", "),
                folders: folder_names(all),
            });
        }
    }
    let days = Days::of(all);
    let mut turns = Vec::new();
    for (index, kept) in all.iter().enumerate() {
        let call = kept
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let of = Calls {
            label: &label,
            call: &call,
            day: (all.len() > 1).then(|| days.name(&kept.header().started)),
            index: index as u64,
            table,
        };
        match kept {
            Results::Run(run) => of.run(run, &mut turns),
            Results::Simulation(simulation) => of.simulation(simulation, &mut turns)?,
        }
    }
    Ok(turns)
}

/// The first names of the folders, for people.
fn folder_names(all: &[Results]) -> String {
    let names = all
        .iter()
        .take(3)
        .filter_map(|kept| kept.path().file_name());
    let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
    names.join(", ")
}

fn scenario(kept: &Results) -> &Scenario {
    match kept {
        Results::Run(run) => &run.scenario,
        Results::Simulation(simulation) => &simulation.scenario,
    }
}

/// How finely calls of a folder are told apart by when they began: by day, or by hour if all are of one day.
struct Days {
    characters: usize,
}

impl Days {
    /// Characters of a date in RFC 3339, and of a date with its hour.
    const DAY: usize = 10;
    const HOUR: usize = 13;

    fn of(all: &[Results]) -> Days {
        let day = |kept: &Results| kept.header().started.get(..Self::DAY).map(str::to_owned);
        let days: BTreeSet<Option<String>> = all.iter().map(day).collect();
        Days {
            characters: if days.len() > 1 {
                Self::DAY
            } else {
                Self::HOUR
            },
        }
    }

    fn name(&self, started: &str) -> Arc<str> {
        let begin = started.get(..self.characters).unwrap_or(WITHOUT);
        match self.characters {
            Self::HOUR => format!("{}:00", begin.replace('T', " ")).into(),
            _ => begin.into(),
        }
    }
}

/// The call, or calls, whose turns are placed.
struct Calls<'a> {
    label: &'a Label,
    call: &'a str,
    /// When the call was, if there are several.
    day: Option<Arc<str>>,
    index: u64,
    table: Option<&'a LabelTable>,
}

impl Calls<'_> {
    fn run(&self, run: &MeasuredRun, turns: &mut Vec<Placed>) {
        let rows = &run.measured.rows;
        let ends = rows.iter().filter_map(|row| row.caller_end);
        let whole_s = ends.max().unwrap_or_default().0 as f64 / 1e9;
        let mut is_first = true;
        let mut last = Tick::ZERO;
        for row in rows {
            // A question that was never asked stands where the conversation ended.
            last = row.caller_end.unwrap_or(last);
            let Some(wait) = wait_of(row) else { continue };
            let asked = asked(run, row);
            let own = |label: &str| asked?.labels.get(label).map(|value| value.as_str().into());
            let at = At {
                seconds: last.0 as f64 / 1e9,
                whole_s,
                is_first,
            };
            let segment = self.segment(&at, own, &run.scenario);
            is_first = false;
            turns.push(Placed {
                segment,
                conversation: self.index,
                wait,
            });
        }
    }

    fn simulation(
        &self,
        of: &MeasuredSimulation,
        turns: &mut Vec<Placed>,
    ) -> Result<(), TurnsError> {
        let when = |turn: &SimulatedTurn| -> Option<u64> {
            Some(turn.began.0.saturating_add(turn.caller_end?.0))
        };
        let mut last_ns = 0;
        if *self.label == Label::Time {
            for turn in of.turns()? {
                last_ns = last_ns.max(when(&turn?).unwrap_or(0));
            }
        }
        let mut conversation = None;
        let mut at_ns = 0;
        for turn in of.turns()? {
            let turn = turn?;
            let Some(wait) = wait_of_simulated(&turn) else {
                continue;
            };
            let is_first = conversation.replace(turn.conversation) != Some(turn.conversation);
            if is_first {
                at_ns = turn.began.0;
            }
            // A question that was never asked stands where the conversation ended.
            at_ns = when(&turn).unwrap_or(at_ns);
            let asked = of.scenario.file().turn.get(turn.number as usize - 1);
            let own = |label: &str| asked?.labels.get(label).map(|value| value.as_str().into());
            let at = At {
                seconds: at_ns as f64 / 1e9,
                whole_s: last_ns as f64 / 1e9,
                is_first,
            };
            turns.push(Placed {
                segment: self.segment(&at, own, &of.scenario),
                conversation: u64::from(turn.conversation),
                wait,
            });
        }
        Ok(())
    }

    fn segment(
        &self,
        at: &At,
        own: impl Fn(&str) -> Option<Arc<str>>,
        scenario: &Scenario,
    ) -> Arc<str> {
        match self.label {
            Label::Time => match &self.day {
                Some(day) => day.clone(),
                None => window(at.seconds, at.whole_s),
            },
            Label::Turn if at.is_first => "first".into(),
            Label::Turn => "later".into(),
            Label::Call => self.call.into(),
            Label::Written(label) => own(label)
                .or_else(|| self.table?.get(self.call, label))
                .or_else(|| Some(scenario.file().labels.get(label)?.as_str().into()))
                .unwrap_or_else(|| WITHOUT.into()),
        }
    }
}

/// Where a turn stands.
struct At {
    /// When the question ended, and when the last one did.
    seconds: f64,
    whole_s: f64,
    is_first: bool,
}

/// What a turn waited; `None` of one that asked for no answer, or whose latency may be another one.
fn wait_of(row: &Row) -> Option<Wait> {
    if row.doubtful.is_some() {
        return None;
    }
    let since_asked = row.metric(crate::event::Metric::E2eLatency);
    wait(since_asked, row.unanswered, row.waited_ns())
}

fn wait_of_simulated(turn: &SimulatedTurn) -> Option<Wait> {
    let mut metrics = turn.metrics.iter();
    let e2e = metrics.find(|(metric, _)| *metric == crate::event::Metric::E2eLatency);
    wait(
        e2e.map(|(_, span_ns)| *span_ns),
        turn.unanswered,
        turn.waited_ns(),
    )
}

fn wait(came: Option<u64>, reason: Option<Reason>, at_least_ns: Option<u64>) -> Option<Wait> {
    match (came, reason) {
        (Some(span_ns), _) => Some(Wait::Came(span_ns)),
        (None, Some(reason)) => Some(Wait::InVain(at_least_ns, reason)),
        (None, None) => None,
    }
}
