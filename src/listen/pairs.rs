//! Which turns of two systems are heard against each other: those that were asked alike, and answered by both.

use super::stretch::Sound;
use crate::compare;
use crate::event::{Expect, Tick};
use crate::measure::Row;
use crate::measure::folder::{Folder, MeasuredRun, Results};
use crate::measure::labels::{self, LabelTable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More pairs than this are refused: nobody listens to so many.
const PAIRS_MAX: usize = 100_000;

/// What judges are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// The sound of a turn: the caller, the wait, the answer.
    Sound,
    /// The words of question and answer.
    Text,
}

impl Judged {
    pub(super) fn name(self) -> &'static str {
        match self {
            Judged::Sound => "sound",
            Judged::Text => "text",
        }
    }
}

/// One turn as one system held it.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub asked: Arc<str>,
    pub said: Arc<str>,
    /// Where its sound lies; `None` if words are judged.
    pub sound: Option<Place>,
}

/// A file of sound, and where a turn lies in it.
pub(super) type Place = (Arc<Sound>, Range<Tick>);

/// One turn of two systems.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// The name of the turn.
    pub turn: Arc<str>,
    /// The two systems, by their places, the lower one first.
    pub systems: [usize; 2],
    pub sides: [Side; 2],
    pub labels: Arc<BTreeMap<String, String>>,
}

/// All pairs, and what is not among them.
#[derive(Debug)]
pub struct Pairs {
    /// The names of the systems.
    pub systems: Vec<String>,
    /// What judges are given.
    pub judged: Judged,
    /// Pairs of turns that cannot be judged, by the reason.
    pub left_out: BTreeMap<&'static str, u64>,
    pub(super) all: Vec<Pair>,
}

/// Why there are no pairs. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PairsError {
    /// Nothing says that the callers of two folders asked the same.
    #[error("{one} and {other} cannot be heard against each other: {why}; give runs of one scenario, or folders of calls with the same names", one = one.display(), other = other.display())]
    NotAlike {
        /// One folder.
        one: PathBuf,
        /// The other one.
        other: PathBuf,
        /// What they differ in.
        why: String,
    },
    /// A simulation has neither sound nor words.
    #[error("{path} is a simulation, which has neither sound nor words; give a folder that `voicesim run`, `measure` or `probe` wrote", path = path.display())]
    Simulation {
        /// The folder.
        path: PathBuf,
    },
    /// No turn can be judged.
    #[error("no turn of these folders can be judged by its {judged}: {why}{cure}")]
    None {
        /// What was to be judged.
        judged: &'static str,
        /// Why the turns that there are cannot be.
        why: String,
        /// What may help.
        cure: &'static str,
    },
    /// There are too many.
    #[error("there are more than {PAIRS_MAX} pairs of turns; name folders in parts")]
    TooMany,
}

/// Why a pair is left out, in the words of a report.
const UNANSWERED: &str = "not answered by both";
const ALONE: &str = "calls without a partner of the same name";
const WITHOUT_SOUND: &str = "without sound on both sides";
const SAME_WORDS: &str = "answered in the same words";

impl Pairs {
    /// The pairs of these folders, each two of them; `table` has labels of calls.
    ///
    /// # Errors
    /// Folders whose turns do not belong together, or in which no turn can be judged.
    pub fn of(
        folders: &[(PathBuf, Folder)],
        judged: Judged,
        table: Option<&LabelTable>,
    ) -> Result<Pairs, PairsError> {
        let paths: Vec<&Path> = folders.iter().map(|(path, _)| path.as_path()).collect();
        let mut pairs = Pairs {
            systems: names(&paths),
            judged,
            left_out: BTreeMap::new(),
            all: Vec::new(),
        };
        for (second, (other_path, other)) in folders.iter().enumerate() {
            for (first, (path, own)) in folders.iter().enumerate().take(second) {
                let matched = compare::matched(own, other);
                let matched = matched.map_err(|why| PairsError::NotAlike {
                    one: path.clone(),
                    other: other_path.clone(),
                    why,
                })?;
                let (matched, alone) = matched;
                if alone > 0 {
                    *pairs.left_out.entry(ALONE).or_default() += alone;
                }
                let are_single = matches!(own, Folder::One(_));
                for [one, another] in matched {
                    let (one, another) = (run(own, one)?, run(other, another)?);
                    // Single runs may be called anything: a turn of theirs is the same in each two of them.
                    let call = match are_single {
                        true => "turn".into(),
                        false => one.path.file_name().unwrap_or_default().to_string_lossy(),
                    };
                    pairs.add((one, another), &call, [first, second], table);
                    if pairs.all.len() > PAIRS_MAX {
                        return Err(PairsError::TooMany);
                    }
                }
            }
        }
        if pairs.all.is_empty() {
            return Err(PairsError::None {
                judged: judged.name(),
                why: pairs
                    .why_left_out()
                    .unwrap_or_else(|| "there is none".into()),
                cure: match judged {
                    Judged::Sound => "; judge the words with --text, or keep the sound",
                    Judged::Text => "",
                },
            });
        }
        Ok(pairs)
    }

    /// A hash of what is judged, in its order.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for pair in &self.all {
            hash.update(format!("{:?} {:?}\n", pair.turn, pair.systems));
            for side in &pair.sides {
                let place = side.sound.as_ref().map(|(_, place)| place);
                hash.update(format!("{:?} {place:?}\n", side.said));
            }
        }
        let digest = hash.finalize();
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// How many pairs are left out and why, in words; `None` if none is.
    pub fn why_left_out(&self) -> Option<String> {
        let parts: Vec<String> = self
            .left_out
            .iter()
            .map(|(why, count)| format!("{count} {why}"))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Adds the turns of two runs that belong together.
    fn add(
        &mut self,
        (one, other): (&MeasuredRun, &MeasuredRun),
        call: &str,
        systems: [usize; 2],
        table: Option<&LabelTable>,
    ) {
        let sounds = [one, other].map(|run| match self.judged {
            Judged::Sound => Sound::of(&run.path).map(Arc::new),
            Judged::Text => None,
        });
        for row in &one.measured.rows {
            let is_question = !matches!(row.expect, Some(Expect::Ignore | Expect::Stop));
            let theirs = other
                .measured
                .rows
                .iter()
                .find(|their| their.number == row.number);
            let Some(theirs) = theirs.filter(|_| is_question) else {
                continue;
            };
            let answered = [row, theirs].iter().all(|row| row.agent_start.is_some());
            if !answered {
                self.leave_out(UNANSWERED);
                continue;
            }
            let mut sides = [side(one, row), side(other, theirs)];
            match self.judged {
                Judged::Text if sides.iter().any(|side| side.said.trim().is_empty()) => {
                    self.leave_out(UNANSWERED);
                    continue;
                }
                Judged::Text if sides[0].said == sides[1].said => {
                    self.leave_out(SAME_WORDS);
                    continue;
                }
                Judged::Text => {}
                Judged::Sound => {
                    let runs = [(one, row), (other, theirs)];
                    for ((side, (run, row)), sound) in sides.iter_mut().zip(runs).zip(&sounds) {
                        side.sound = heard(sound.as_ref(), run, row);
                    }
                    if sides.iter().any(|side| side.sound.is_none()) {
                        self.leave_out(WITHOUT_SOUND);
                        continue;
                    }
                }
            }
            self.all.push(Pair {
                turn: format!("{call} {}", row.number).into(),
                systems,
                sides,
                labels: Arc::new(labels::of_turn(one, row, table)),
            });
        }
    }

    fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }
}

/// The names of folders: what tells them apart.
fn names(paths: &[&Path]) -> Vec<String> {
    let last = |path: &&Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let short: Vec<String> = paths.iter().map(last).collect();
    let are_told = short
        .iter()
        .all(|name| short.iter().filter(|one| *one == name).count() == 1);
    match are_told {
        true => short,
        false => paths
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
    }
}

fn run(folder: &Folder, place: usize) -> Result<&MeasuredRun, PairsError> {
    match folder.all().get(place) {
        Some(Results::Run(run)) => Ok(run),
        Some(Results::Simulation(simulation)) => Err(PairsError::Simulation {
            path: simulation.path.clone(),
        }),
        // Pairs have the places of what there is.
        None => Err(PairsError::TooMany),
    }
}

fn side(run: &MeasuredRun, row: &Row) -> Side {
    let turn = run.scenario.file().turn.get(row.number as usize - 1);
    let written = turn.and_then(|turn| turn.text.as_ref().or(turn.say.as_ref()));
    Side {
        asked: written.map_or_else(|| Arc::clone(&row.heard), |text| text.as_str().into()),
        said: Arc::clone(&row.said),
        sound: None,
    }
}

/// Where the sound of a turn lies; `None` if it is not kept, or the agent is silent in what is.
fn heard(sound: Option<&Arc<Sound>>, run: &MeasuredRun, row: &Row) -> Option<Place> {
    let sound = sound?;
    let began = row.began.or(row.caller_end)?;
    let later = run.measured.rows.iter().filter_map(|row| row.began);
    let next = later
        .filter(|at| *at > row.agent_start.unwrap_or(began))
        .min();
    let place = sound.place(began, next)?;
    let is_heard = sound.read(&place).ok().flatten().is_some();
    is_heard.then(|| (Arc::clone(sound), place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> (PathBuf, Folder) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/data")
            .join(name);
        let folder = Folder::open(&path).expect("results");
        (path, folder)
    }

    #[test]
    fn turns_of_a_run_are_heard_against_those_of_another_one() {
        let both = [folder("recorded"), folder("recorded")];
        let error = Pairs::of(&both, Judged::Sound, None).expect_err("no sound is kept");
        assert!(error.to_string().contains("--text"), "{error}");
        let error = Pairs::of(&both, Judged::Text, None).expect_err("the same words");
        assert!(error.to_string().contains("in the same words"), "{error}");
    }

    #[test]
    fn folders_that_were_asked_otherwise_are_refused() {
        let both = [folder("recorded"), folder("interruptions")];
        let error = Pairs::of(&both, Judged::Text, None).expect_err("not alike");
        assert!(
            error
                .to_string()
                .contains("cannot be heard against each other"),
            "{error}"
        );
    }

    #[test]
    fn systems_are_told_apart_by_their_names() {
        let paths = |all: &[&'static str]| names(&all.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(paths(&["runs/a", "runs/b"]), ["a", "b"]);
        assert_eq!(paths(&["a/run", "b/run"]), ["a/run", "b/run"]);
    }
}
