//! Folders that were written earlier: runs, measured calls, simulations, or several of them.

use super::turns::{FileReader, Reader, TurnsError};
use super::{Measurement, Plan, Totals, TotalsError, measure};
use crate::event::{Event, Hop};
use crate::files;
use crate::record::store::{self, Header, StoreError, TURNS, is_run_folder};
use crate::scenario::budget::Budgets;
use crate::scenario::{Scenario, ScenarioFile};
use std::io;
use std::path::{Path, PathBuf};

/// More folders than this in one are refused.
const FOLDERS_MAX: usize = 100_000;

/// What a report says of a simulation that was kept by a version before this.
const OF_ANSWERED_TURNS: &str = "an older version wrote this folder, which did not count turns without an answer: its figures are of answered turns alone, and flatter where callers left or answers failed; simulate again to have all of them";

/// What a report says of a folder whose writer was killed.
const UNFINISHED: &str = "this folder is not whole: what wrote it was killed before its end, or goes on; what follows is of what is there";

/// What a report says of a folder whose words were taken out.
const WITHOUT_WORDS: &str =
    "its words were taken out (voicesim redact): what was made of them is as it was before";

/// A folder of results.
#[derive(Debug)]
pub enum Folder {
    /// The folder of one run or one simulation.
    One(Box<Results>),
    /// A folder of such folders, sorted by name, with at least one.
    Several(Vec<Results>),
}

/// What one run or one simulation left.
#[derive(Debug)]
pub enum Results {
    /// A run, or a recorded call that was measured.
    Run(Box<MeasuredRun>),
    /// A simulation.
    Simulation(Box<MeasuredSimulation>),
}

/// A run, folded again from its events.
#[derive(Debug)]
pub struct MeasuredRun {
    /// The run folder.
    pub path: PathBuf,
    /// What was written at the head of the run.
    pub header: Header,
    /// The scenario that was run.
    pub scenario: Scenario,
    /// The figures, made from the events when the folder was opened.
    pub measured: Measurement,
}

/// The figures of a simulation. Its turns stay on disk.
#[derive(Debug)]
pub struct MeasuredSimulation {
    /// The folder of the simulation.
    pub path: PathBuf,
    /// What was written at the head of the simulation.
    pub header: Header,
    /// The scenario that was simulated.
    pub scenario: Scenario,
    /// The figures of all conversations, as the folder keeps them.
    pub totals: Totals,
    /// How many bytes of the file of turns the figures are of.
    pub(crate) turns_bytes: u64,
}

/// Why a folder cannot be read. The text names the file, and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file of the folder cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The figures of a simulation cannot be read.
    #[error(transparent)]
    Totals(#[from] TotalsError),
    /// The scenario in the header is none that this version knows.
    #[error("{path}: the scenario in header.json cannot be read: {reason}; it was written by voicesim {writer}, this is {own}", path = path.display(), own = env!("CARGO_PKG_VERSION"))]
    Scenario {
        /// The folder.
        path: PathBuf,
        /// What is wrong with the scenario.
        reason: String,
        /// The version that wrote the folder.
        writer: String,
    },
    /// The turns of a simulation are not all there.
    #[error("{path} has {found} bytes, and was written with {written}: the folder is not whole; copy it again from where it was simulated, or simulate again", path = path.display())]
    NotWhole {
        /// The file of turns.
        path: PathBuf,
        /// How many bytes it has.
        found: u64,
        /// How many it was written with.
        written: u64,
    },
    /// The folder cannot be listed.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder holds no results.
    #[error("{path} holds neither a header.json nor folders that do; name a folder that `voicesim run`, `measure` or `simulate` wrote with --out", path = path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds more than 100,000 folders.
    #[error("{path} holds more than {FOLDERS_MAX} folders; name them in parts", path = path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

impl Folder {
    /// Reads the folder of a run or a simulation, or a folder of such folders, in which everything else is
    /// passed over.
    pub fn open(path: &Path) -> Result<Folder, FolderError> {
        if is_run_folder(path) || !path.is_dir() {
            return Ok(Folder::One(Box::new(Results::open(path)?)));
        }
        let unreadable = |source| FolderError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut paths = Vec::new();
        for entry in path.read_dir().map_err(unreadable)? {
            let inside = entry.map_err(unreadable)?.path();
            if is_run_folder(&inside) {
                paths.push(inside);
            }
            if paths.len() > FOLDERS_MAX {
                return Err(FolderError::TooMany {
                    path: path.to_owned(),
                });
            }
        }
        if paths.is_empty() {
            return Err(FolderError::Nothing {
                path: path.to_owned(),
            });
        }
        paths.sort();
        let kept: Result<_, FolderError> = paths.iter().map(|path| Results::open(path)).collect();
        Ok(Folder::Several(kept?))
    }

    /// Holds all results to these limits, in place of those of their scenarios.
    pub fn hold_to(&mut self, budgets: &Budgets) {
        match self {
            Folder::One(one) => one.hold_to(budgets),
            Folder::Several(several) => several.iter_mut().for_each(|one| one.hold_to(budgets)),
        }
    }

    /// Takes doubtful turns of recordings into the figures, and judges the budgets anew.
    pub fn take_in_doubtful(&mut self) {
        let all = match self {
            Folder::One(one) => std::slice::from_mut(one.as_mut()),
            Folder::Several(several) => several,
        };
        for one in all {
            if let Results::Run(run) = one {
                let budgets = run.plan().budgets;
                run.measured.take_in_doubtful();
                run.measured.judge(&budgets);
            }
        }
    }

    /// The results in the folder, in one list.
    pub fn all(&self) -> &[Results] {
        match self {
            Folder::One(one) => std::slice::from_ref(one),
            Folder::Several(several) => several,
        }
    }
}

/// Refuses a simulation whose file of turns is not as long as it was written.
fn check_turns(folder: &Path, written: u64) -> Result<(), FolderError> {
    let path = folder.join(TURNS);
    let found = path.metadata().map_or(0, |file| file.len());
    // Behind what the figures of a killed simulation are of, more may have been written.
    let is_enough = files::is_unfinished(folder) && found > written;
    match found == written || is_enough {
        true => Ok(()),
        false => Err(FolderError::NotWhole {
            path,
            found,
            written,
        }),
    }
}

/// The header of a run folder, and the scenario in it; the folder is as it was written.
pub fn header_and_scenario(folder: &Path) -> Result<(Header, Scenario), FolderError> {
    store::verify(folder)?;
    let header = store::read_header(folder)?;
    let wrong = |reason: String| FolderError::Scenario {
        path: folder.to_owned(),
        reason,
        writer: header.version.clone(),
    };
    let file: ScenarioFile = serde_json::from_value(header.scenario.clone())
        .map_err(|error| wrong(error.to_string()))?;
    let scenario = file.parse().map_err(|problem| wrong(problem.to_string()))?;
    Ok((header, scenario))
}

impl Results {
    /// Reads the folder of a run or of a simulation.
    pub fn open(path: &Path) -> Result<Results, FolderError> {
        let (mut header, scenario) = header_and_scenario(path)?;
        if files::is_unfinished(path) {
            header.notes.push(UNFINISHED.to_owned());
        }
        let plan = Plan::of(&scenario, header.rows_per);
        let path = path.to_owned();
        if header.worlds.is_some() || path.join(TURNS).is_file() {
            let (mut totals, bytes) = Totals::read(&path)?;
            check_turns(&path, bytes.turns)?;
            let turns_bytes = bytes.turns;
            totals.judge(&plan);
            if totals.is_of_answered_turns {
                header.notes.push(OF_ANSWERED_TURNS.to_owned());
            }
            return Ok(Results::Simulation(Box::new(MeasuredSimulation {
                path,
                header,
                scenario,
                totals,
                turns_bytes,
            })));
        }
        let mut measured = measure(&store::read_events(&path)?, &plan);
        if let Some(kept) = &header.without_words {
            measured.put_back(kept, &plan.budgets);
            header.notes.push(WITHOUT_WORDS.to_owned());
        }
        Ok(Results::Run(Box::new(MeasuredRun {
            path,
            header,
            scenario,
            measured,
        })))
    }

    fn hold_to(&mut self, budgets: &Budgets) {
        match self {
            Results::Run(run) => {
                run.scenario.set_budgets(budgets.clone());
                run.measured.judge(&run.plan().budgets);
            }
            Results::Simulation(of) => {
                of.scenario.set_budgets(budgets.clone());
                of.totals.judge(&of.plan());
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Results::Run(run) => &run.path,
            Results::Simulation(simulation) => &simulation.path,
        }
    }

    /// What was written at the head of the run or the simulation.
    pub fn header(&self) -> &Header {
        match self {
            Results::Run(run) => &run.header,
            Results::Simulation(simulation) => &simulation.header,
        }
    }

    /// What was asked for.
    pub fn plan(&self) -> Plan {
        match self {
            Results::Run(run) => run.plan(),
            Results::Simulation(simulation) => simulation.plan(),
        }
    }

    /// The figures; those of a simulation have no rows.
    pub fn measured(&self) -> &Measurement {
        match self {
            Results::Run(run) => &run.measured,
            Results::Simulation(simulation) => &simulation.totals.measured,
        }
    }
}

impl MeasuredRun {
    /// What was asked for.
    pub fn plan(&self) -> Plan {
        Plan::of(&self.scenario, self.header.rows_per)
    }

    /// The events of the run, read anew: those of many runs would take too much memory.
    pub fn events(&self) -> Result<Vec<Event>, StoreError> {
        store::read_events(&self.path)
    }
}

impl MeasuredSimulation {
    /// What was asked for.
    pub fn plan(&self) -> Plan {
        Plan::of(&self.scenario, self.header.rows_per)
    }

    /// The events of the first `count` conversations, one list each, as far as they were kept.
    pub fn conversations(&self, count: usize) -> Result<Vec<Vec<Event>>, StoreError> {
        store::read_sessions(&self.path, count)
    }

    /// The hops that answered turns have. A file of turns leaves out those of no length.
    pub fn hops_of_answers(&self) -> Vec<Hop> {
        let hops = self.totals.measured.hops.iter();
        let answered = hops.filter(|(_, waits)| waits.answered().count() > 0);
        answered.map(|(hop, _)| *hop).collect()
    }

    /// A reader of all turns, one after the other.
    pub fn turns(&self) -> Result<FileReader, TurnsError> {
        Reader::open(&self.path.join(TURNS), self.turns_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/data")
            .join(name)
    }

    #[test]
    fn a_run_is_folded_again() {
        let Ok(Folder::One(kept)) = Folder::open(&data("recorded")) else {
            panic!("one run");
        };
        assert!(matches!(*kept, Results::Run(_)));
        assert_eq!(kept.measured().rows.len(), 8);
    }

    #[test]
    fn a_folder_of_runs_is_several() {
        let Ok(Folder::Several(runs)) = Folder::open(&data("interruptions")) else {
            panic!("several runs");
        };
        let names: Vec<_> = runs.iter().map(|run| run.path().file_name()).collect();
        assert!(names.is_sorted() && names.len() > 4);
    }

    #[test]
    fn a_folder_without_results_says_what_to_name() {
        let error = Folder::open(&data("..")).expect_err("sources");
        // Folders of data, each without a header of its own.
        assert!(
            error
                .to_string()
                .contains("neither a header.json nor folders that do")
        );
    }
}
