//! A suite, as its file has it: an agent, turns of which the right outcome is known, and the conditions they are spoken in.

use super::{Limit, Recipe, SOUND};
use crate::files;
use crate::rng::Seed;
use crate::scenario::{self, ScenarioFile, TurnTable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A longer suite is refused: 16 MiB.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// More conditions than this are refused.
const RECIPES_MAX: usize = 64;

/// The label that tells callers apart, unless the suite names another.
const CALLER: &str = "voice";

/// What is evaluated.
#[derive(Debug, Clone)]
pub struct Suite {
    pub name: String,
    /// The agent: engines and settings, without turns.
    pub agent: ScenarioFile,
    pub seed: Seed,
    /// Labels that turns are told apart by.
    pub by: Vec<String>,
    /// Conditions that each turn is spoken in.
    pub recipes: Vec<Recipe>,
    /// The turns of each conversation: those of one caller, in the order of the file.
    pub conversations: Vec<Vec<Case>>,
    pub limits: BTreeMap<String, f64>,
}

/// A turn of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The recording as the file names it, or the words that are said; the second of a name has its number behind it.
    pub name: Arc<str>,
    /// The turn, whose recording is looked up from here.
    pub turn: TurnTable,
}

/// A suite as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteFile {
    #[serde(default)]
    name: String,
    /// The scenario of the agent, looked up from the suite's folder.
    scenario: Option<PathBuf>,
    #[serde(default = "first_seed")]
    seed: u64,
    /// The label that tells callers apart: the turns of one are one conversation.
    #[serde(default = "caller")]
    caller: String,
    /// Labels to tell turns apart by; all that turns have unless given.
    by: Option<Vec<String>>,
    #[serde(default = "quiet")]
    augment: Vec<String>,
    #[serde(default)]
    turn: Vec<TurnTable>,
    #[serde(default)]
    budget: BTreeMap<String, f64>,
}

fn first_seed() -> u64 {
    1
}

fn caller() -> String {
    CALLER.into()
}

fn quiet() -> Vec<String> {
    vec!["quiet".into()]
}

/// A suite that cannot be used. The text names the file, and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A file of it cannot be read or written.
    #[error("{}: {source}; name a suite, a TOML file with [[turn]]s whose right outcome is known (voicesim guide eval)", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Something in it cannot be meant.
    #[error("{}: {reason}", path.display())]
    Wrong { path: PathBuf, reason: String },
}

impl Suite {
    /// Reads a suite and the scenario that it names. `augment` stands in place of its conditions, if there is any.
    ///
    /// # Errors
    /// A file that cannot be read, and the first thing in it that cannot be meant.
    pub fn read(path: &Path, augment: &[String]) -> Result<Suite, SuiteError> {
        let unreadable = |source| SuiteError::File {
            path: path.to_owned(),
            source,
        };
        let wrong = |reason: String| SuiteError::Wrong {
            path: path.to_owned(),
            reason,
        };
        let text = files::read_text(path, FILE_BYTES_MAX).map_err(unreadable)?;
        let file: SuiteFile = toml::from_str(&text)
            .map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut agent = match &file.scenario {
            None => ScenarioFile::default(),
            Some(of) => {
                let scenario = scenario::load(&folder.join(of));
                scenario
                    .map_err(|error| wrong(format!("scenario: {error}")))?
                    .file()
                    .clone()
            }
        };
        agent.turn.clear();
        agent.caller = None;
        agent.budget = Default::default();
        Limit::check(&file.budget).map_err(|problem| wrong(problem.to_string()))?;
        let written = if augment.is_empty() {
            &file.augment
        } else {
            augment
        };
        let recipes: Result<Vec<Recipe>, _> =
            written.iter().map(|one| one.parse::<Recipe>()).collect();
        let recipes = recipes.map_err(|problem| wrong(format!("augment: {problem}")))?;
        let names: BTreeSet<&str> = recipes.iter().map(Recipe::name).collect();
        if names.len() < recipes.len() || recipes.is_empty() || recipes.len() > RECIPES_MAX {
            let fix = format!("augment: give 1 to {RECIPES_MAX} conditions, each once");
            return Err(wrong(fix));
        }
        if file.turn.is_empty() {
            let fix = "it has no [[turn]]: write turns as in a scenario, or add some of a run (voicesim eval add)";
            return Err(wrong(fix.into()));
        }
        if file.turn.len() < 2 && recipes.iter().any(Recipe::has_babble) {
            let fix =
                "augment: a babble is made of other turns; add a second [[turn]], or take noise=DB";
            return Err(wrong(fix.into()));
        }
        let labels: BTreeSet<String> = file
            .turn
            .iter()
            .flat_map(|turn| turn.labels.keys().cloned())
            .collect();
        if labels.contains(SOUND) {
            return Err(wrong(format!(
                "labels: {SOUND:?} is the condition (augment); take another name"
            )));
        }
        let by = match file.by {
            None => labels.into_iter().chain([SOUND.to_owned()]).collect(),
            Some(by) => {
                let unknown = by
                    .iter()
                    .find(|label| *label != SOUND && !labels.contains(*label));
                if let Some(label) = unknown {
                    return Err(wrong(format!("by: no turn has the label {label:?}")));
                }
                by
            }
        };
        let conversations = conversations(file.turn, &file.caller, folder).map_err(wrong)?;
        for turns in &conversations {
            let turn = turns.iter().map(|case| case.turn.clone()).collect();
            let whole = ScenarioFile {
                turn,
                ..agent.clone()
            };
            whole
                .parse()
                .map_err(|problem| wrong(of_caller(turns, &problem.to_string())))?;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Suite {
            name: if file.name.is_empty() {
                stem.into_owned()
            } else {
                file.name
            },
            agent,
            seed: Seed(file.seed),
            by,
            recipes,
            conversations,
            limits: file.budget,
        })
    }

    /// A hash of what is asked of whom: the agent's settings, the turns and the conditions. Where recordings lie makes no
    /// difference.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let turns = self.cases().map(|case| {
            let turn = TurnTable {
                wav: None,
                ..case.turn.clone()
            };
            (case.name.to_string(), turn)
        });
        let turns: Vec<(String, TurnTable)> = turns.collect();
        let recipes: Vec<&str> = self.recipes.iter().map(Recipe::name).collect();
        let all = (&self.agent, turns, recipes, self.seed);
        // Tables that were read can be written.
        hash.update(serde_json::to_vec(&all).unwrap_or_default());
        let digest = hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Every turn.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.conversations.iter().flatten()
    }
}

/// A problem of a conversation, with who speaks in it: turns are counted by caller.
fn of_caller(turns: &[Case], problem: &str) -> String {
    match turns.first() {
        Some(first) => format!("the conversation of {:?}: {problem}", first.name),
        None => problem.to_owned(),
    }
}

/// The turns of each caller.
fn conversations(
    turns: Vec<TurnTable>,
    caller: &str,
    folder: &Path,
) -> Result<Vec<Vec<Case>>, String> {
    let mut by_caller: BTreeMap<Option<String>, Vec<Case>> = BTreeMap::new();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for (index, mut turn) in turns.into_iter().enumerate() {
        let name = match (&turn.wav, &turn.say) {
            (Some(wav), _) => wav.display().to_string(),
            (None, Some(words)) => words.clone(),
            (None, None) => {
                return Err(format!(
                    "turn {}: a suite is heard; give a wav or words to say",
                    index + 1
                ));
            }
        };
        if let Some(wav) = &mut turn.wav {
            *wav = folder.join(&*wav);
            if !wav.is_file() {
                return Err(format!(
                    "turn {} wav: {} does not exist",
                    index + 1,
                    wav.display()
                ));
            }
        }
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        let name = match *count {
            1 => name.into(),
            count => format!("{name} ({count})").into(),
        };
        let own = by_caller
            .entry(turn.labels.get(caller).cloned())
            .or_default();
        own.push(Case { name, turn });
    }
    Ok(by_caller.into_values().collect())
}

/// A turn to be added to a suite.
#[derive(Serialize)]
struct Added {
    turn: [TurnTable; 1],
}

/// Writes a turn at the end of a suite, which is made if it is not there.
///
/// # Errors
/// A file that is no suite, or cannot be read or written.
pub fn append(path: &Path, turn: &TurnTable) -> Result<(), SuiteError> {
    let failed = |source| SuiteError::File {
        path: path.to_owned(),
        source,
    };
    let wrong = |reason: String| SuiteError::Wrong {
        path: path.to_owned(),
        reason,
    };
    let mut text = match files::read_text(path, FILE_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(failed)?,
    };
    let parsed: Result<SuiteFile, _> = toml::from_str(&text);
    parsed.map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
    let added = toml::to_string(&Added {
        turn: [turn.clone()],
    });
    let added = added.map_err(|error| wrong(error.to_string()))?;
    if !text.is_empty() {
        text.truncate(text.trim_end().len());
        text.push_str("\n\n");
    }
    // Writing to a string does not fail.
    let _ = write!(text, "{added}");
    files::write_whole(path, text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a recording and a suite.
    fn written(suite: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.wav"), b"").expect("written");
        let path = folder.path().join("suite.toml");
        std::fs::write(&path, suite).expect("written");
        (folder, path)
    }

    const TWO: &str = "augment = [\"quiet\", \"noise=10\"]\n\
        [[turn]]\nwav = \"a.wav\"\ntext = \"Hello?\"\nlabels = { voice = \"ann\", topic = \"hours\" }\n\
        [[turn]]\nwav = \"a.wav\"\nlabels = { voice = \"bob\" }\n\
        [[turn]]\nsay = \"Wait\"\nlabels = { voice = \"ann\" }\n\
        [budget]\n\"word_error_rate voice=ann\" = 0.1\n";

    #[test]
    fn turns_of_one_caller_are_one_conversation_and_have_names_of_their_own() {
        let (_folder, path) = written(TWO);
        let suite = Suite::read(&path, &[]).expect("a suite");
        let names: Vec<Vec<&str>> = suite
            .conversations
            .iter()
            .map(|turns| turns.iter().map(|case| &*case.name).collect())
            .collect();
        assert_eq!(names, [vec!["a.wav", "Wait"], vec!["a.wav (2)"]]);
        assert_eq!(suite.by, ["topic", "voice", "sound"]);
        assert_eq!((suite.name.as_str(), suite.recipes.len()), ("suite", 2));
        let augmented = Suite::read(&path, &["speed=0.9".into()]).expect("a suite");
        assert_eq!(augmented.recipes[0].name(), "speed=0.9");
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_the_cure() {
        for (suite, told) in [
            ("", "no [[turn]]"),
            ("[[turn]]\nwav = \"b.wav\"\n", "b.wav does not exist"),
            (
                "[[turn]]\nspeech = { length = { fixed_ms = 9 } }\n",
                "a suite is heard",
            ),
            (
                "augment = [\"loud\"]\n[[turn]]\nwav = \"a.wav\"\n",
                "augment: \"loud\"",
            ),
            (
                "augment = [\"quiet\", \"quiet\"]\n[[turn]]\nwav = \"a.wav\"\n",
                "each once",
            ),
            (
                "by = [\"mood\"]\n[[turn]]\nwav = \"a.wav\"\n",
                "no turn has the label",
            ),
            (
                "[[turn]]\nwav = \"a.wav\"\nlabels = { sound = \"x\" }\n",
                "is the condition",
            ),
            (
                "[budget]\nwer = 1\n[[turn]]\nwav = \"a.wav\"\n",
                "there is no figure",
            ),
            (
                "scenario = \"none.toml\"\n[[turn]]\nwav = \"a.wav\"\n",
                "scenario: ",
            ),
            (
                "[[turn]]\nwav = \"a.wav\"\nexpect = \"stop\"\nafter = \"agent_speech_start\"\n",
                "cannot come",
            ),
            ("turns = 3\n", "unknown field"),
        ] {
            let (_folder, path) = written(suite);
            let error = Suite::read(&path, &[]).expect_err("refused").to_string();
            assert!(
                error.contains(told) && error.contains("suite.toml"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_turn_is_added_behind_all_others_and_nothing_else_changes() {
        let (_folder, path) = written(TWO);
        let turn = TurnTable {
            wav: Some("a.wav".into()),
            text: Some("Again?".into()),
            ..TurnTable::default()
        };
        append(&path, &turn).expect("added");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.starts_with(TWO.trim_end()), "{text}");
        let suite = Suite::read(&path, &[]).expect("a suite");
        assert_eq!(suite.cases().count(), 4);
        let fresh = path.with_file_name("fresh.toml");
        append(&fresh, &turn).expect("made");
        assert_eq!(
            Suite::read(&fresh, &[]).expect("a suite").cases().count(),
            1
        );
    }
}
