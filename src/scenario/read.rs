//! Reading a scenario file. Everything wrong with it is told with its line and the fix.

use super::budget::Budgets;
use super::interruption::InterruptionTable;
use super::load::{ArrivalsTable, CALLS_MAX, LoadTable, TraceTable};
use super::problem::{Place, Problem, Table};
use super::thresholds::{OwnThresholds, ThresholdsTable};
use super::{Scenario, ScenarioFile, profile, set, syntax};
use crate::files;
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};

/// A scenario file longer than this is refused: 4 MiB.
pub(crate) const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why a scenario cannot be read. The text names the file, the key and the fix.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{}", unreadable(.path, .source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is longer than 4 MiB.
    #[error("the scenario {path} is longer than 4 MiB; is it a scenario?", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The text is no TOML, a key is unknown or has the wrong kind of value, or a setting leads nowhere.
    #[error("{path}: {reason}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A value cannot be meant.
    #[error("{path}{at}: {key}: {fix}", path = path.display(), at = line.map(|l| format!(" line {l}")).unwrap_or_default())]
    Value {
        /// The file.
        path: PathBuf,
        /// The line of the key, counted from one; `None` if the key is not written in the file.
        line: Option<usize>,
        /// The key, with its tables: `cure.answer.retries`.
        key: String,
        /// What is wrong with the value, and what to write instead.
        fix: String,
    },
}

/// Reads and checks the scenario in `path` with some of its keys set to other values, each as `KEY=VALUE`.
///
/// # Errors
/// What [`load`] refuses, and a setting that is no `KEY=VALUE` or leads through something that is no table.
pub fn load_with(path: &Path, settings: &[String]) -> Result<Scenario, ScenarioError> {
    if settings.is_empty() {
        return load(path);
    }
    let changed = |settings| {
        let template = Template::read(path, settings)?;
        template.scenario("as changed by --set: ", |_| Ok(()))
    };
    changed(settings).map_err(|error| {
        // The setting without which all is well, or something else is wrong, is the one to mend.
        let is_wrong = |count: &usize| {
            let read = changed(&settings[..*count]);
            read.is_err_and(|other| other.to_string() == error.to_string())
        };
        match (&error, (1..=settings.len()).find(is_wrong)) {
            (ScenarioError::Syntax { reason, .. }, Some(count)) => {
                let told = reason.strip_prefix("as changed by --set: ");
                let Some(told) = told else {
                    return error;
                };
                let fix = syntax::of_wrong_type(told).unwrap_or_else(|| told.to_owned());
                ScenarioError::Syntax {
                    path: path.to_owned(),
                    reason: format!("--set {}: {fix}", settings[count - 1]),
                }
            }
            _ => error,
        }
    })
}

/// Reads and checks a scenario whose engines and callers are those of a profile, as [`Template::read_over`] does.
///
/// # Errors
/// What [`Template::read_over`] refuses, and a value that may not be so.
pub fn load_over(
    scenario: Option<&Path>,
    profile: &Path,
    settings: &[String],
) -> Result<Scenario, ScenarioError> {
    Template::read_over(scenario, profile, settings)?.with(&[])
}

/// A scenario file, to be read with one change or another.
pub struct Template {
    path: PathBuf,
    text: String,
    table: toml::Table,
}

impl Template {
    /// Reads the file in `path`, and sets some of its keys to other values.
    ///
    /// # Errors
    /// A file that cannot be read, or a setting that leads nowhere. Values are checked by [`with`](Self::with).
    pub fn read(path: &Path, settings: &[String]) -> Result<Template, ScenarioError> {
        let text = text_of(path)?;
        let misread = |error| syntax::error(path, &text, &error);
        let table: toml::Table = toml::from_str(&text).map_err(misread)?;
        let mut template = Template {
            path: path.to_owned(),
            text: String::new(),
            table,
        };
        template.set(settings)?;
        // A mistake in the file itself is told with its line.
        let _: ScenarioFile = toml::from_str(&text).map_err(misread)?;
        template.text = text;
        Ok(template)
    }

    /// Reads a profile that `voicesim fit` wrote, and puts it over a scenario: engines, callers and the ear's lag
    /// are those of the profile, all else is the scenario's. Without a scenario all is the profile's.
    ///
    /// # Errors
    /// A file that cannot be read or is no profile, or a setting that leads nowhere.
    pub fn read_over(
        scenario: Option<&Path>,
        profile: &Path,
        settings: &[String],
    ) -> Result<Template, ScenarioError> {
        let over = Template::read(profile, &[])?;
        if !over.table.contains_key("profile") {
            return Err(ScenarioError::Syntax {
                path: profile.to_owned(),
                reason: "it has no [profile], so it is a scenario; `voicesim fit DIR --out PROFILE.toml` makes a profile of results".into(),
            });
        }
        over.with(&[])?;
        let Some(scenario) = scenario else {
            return Template::read(profile, settings);
        };
        let mut template = Template::read(scenario, &[])?;
        profile::put_over(&mut template.table, &over.table);
        template.set(settings)?;
        Ok(template)
    }

    fn set(&mut self, settings: &[String]) -> Result<(), ScenarioError> {
        for setting in settings {
            set::set(&mut self.table, setting).map_err(|reason| ScenarioError::Syntax {
                path: self.path.clone(),
                reason: format!("--set {setting}: {reason}"),
            })?;
        }
        Ok(())
    }

    /// The value of a key, named as in `--set`: what was written, or the default; `None` for an unknown key.
    pub fn value(&self, key: &str) -> Option<toml::Value> {
        let written = set::get(&self.table, key).cloned();
        written.or_else(|| {
            let whole = toml::Table::try_from(self.with(&[]).ok()?.file()).ok()?;
            set::get(&whole, key).cloned()
        })
    }

    /// Reads and checks the scenario with some keys at other values.
    ///
    /// # Errors
    /// [`ScenarioError::Value`] for a value that may not be so, [`ScenarioError::Syntax`] for a key that
    /// is none or takes no such kind of value.
    pub fn with(&self, changes: &[(&str, &toml::Value)]) -> Result<Scenario, ScenarioError> {
        self.scenario("", |table| {
            changes
                .iter()
                .try_for_each(|(key, value)| match set::mistaken_unit(key, value) {
                    Some(fix) => Err(format!("{key}: {fix}")),
                    None => set::insert(table, key, (*value).clone()),
                })
        })
    }

    fn scenario(
        &self,
        told_first: &str,
        change: impl FnOnce(&mut toml::Table) -> Result<(), String>,
    ) -> Result<Scenario, ScenarioError> {
        let syntax = |reason: &str| ScenarioError::Syntax {
            path: self.path.clone(),
            reason: format!("{told_first}{reason}"),
        };
        let mut table = self.table.clone();
        change(&mut table).map_err(|reason| syntax(&reason))?;
        let file = ScenarioFile::deserialize(table).map_err(|e| syntax(e.message()))?;
        complete(&self.path, file, &self.text)
    }
}

/// Reads and checks the scenario in `path`. Paths in the scenario are looked up from its folder, and must
/// exist.
///
/// # Errors
/// A file that cannot be read, or the first key that is wrong, and the fix.
/// # Example
/// ```
/// use std::path::Path;
/// use voicesim::scenario;
///
/// # fn main() -> Result<(), scenario::ScenarioError> {
/// let scenario = scenario::load(Path::new("audio/simulations/assistant.toml"))?;
/// assert_eq!(scenario.name(), "assistant");
/// # Ok(())
/// # }
/// ```
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    parse(path, &text_of(path)?)
}

/// Reads and checks the `[budget]` of a file, in which any other table of a scenario may stand too.
///
/// # Errors
/// A file that cannot be read, or a budget that limits nothing, and the fix.
pub fn load_budget(path: &Path) -> Result<Budgets, ScenarioError> {
    let text = text_of(path)?;
    let file: ScenarioFile =
        toml::from_str(&text).map_err(|error| syntax::error(path, &text, &error))?;
    Budgets::parse(file.budget).map_err(|problem| wrong(path, &text, problem))
}

/// Why a file cannot be read, and what to do.
fn unreadable(path: &Path, source: &io::Error) -> String {
    let path = path.display();
    match source.kind() {
        io::ErrorKind::NotFound => format!(
            "{path}: no such file; check the path (it is looked up from the current folder), or make a scenario with `voicesim init`"
        ),
        io::ErrorKind::IsADirectory => {
            format!("{path} is a folder; name a TOML file, or make a scenario with `voicesim init`")
        }
        io::ErrorKind::InvalidData => {
            format!("{path} is no text; name a TOML file, or make a scenario with `voicesim init`")
        }
        _ => format!(
            "cannot read the scenario {path}: {source}; check the path, or make one with `voicesim init`"
        ),
    }
}

fn text_of(path: &Path) -> Result<String, ScenarioError> {
    let unreadable = |source| ScenarioError::Unreadable {
        path: path.to_owned(),
        source,
    };
    files::read_text(path, FILE_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => ScenarioError::TooLong {
            path: path.to_owned(),
        },
        _ => unreadable(error),
    })
}

fn wrong(path: &Path, text: &str, problem: Problem) -> ScenarioError {
    ScenarioError::Value {
        path: path.to_owned(),
        line: line_of(text, &problem.place),
        key: problem.place.to_string(),
        fix: problem.fix,
    }
}

/// Reads and checks a scenario's text; `path` is where it came from.
///
/// # Errors
/// The first key that is wrong, and the fix.
///
/// # Example
/// ```
/// use std::path::Path;
/// use voicesim::scenario;
///
/// let text = "[endpointing]\nsilence_ms = 0\n";
/// let error = scenario::parse(Path::new("quick.toml"), text).expect_err("no time to pause");
/// assert!(error.to_string().starts_with("quick.toml line 2: endpointing.silence_ms: 0 ms"), "{error}");
/// ```
pub fn parse(path: &Path, text: &str) -> Result<Scenario, ScenarioError> {
    let file = toml::from_str(text).map_err(|error| syntax::error(path, text, &error))?;
    complete(path, file, text)
}

/// Finds what a scenario's file names, and parses it. Lines are told as they are in `written`.
fn complete(path: &Path, mut file: ScenarioFile, written: &str) -> Result<Scenario, ScenarioError> {
    if file.name.is_empty() {
        let stem = path.file_stem().unwrap_or_default();
        file.name = stem.to_string_lossy().into_owned();
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    for wav in file.turn.iter_mut().filter_map(|t| t.wav.as_mut()) {
        *wav = folder.join(&*wav);
    }
    let fallback = file.cure.answer.as_mut();
    let fallback = fallback.and_then(|cure| cure.fallback.as_mut());
    for answer in std::iter::once(&mut file.answer).chain(fallback) {
        for knowledge in [&mut answer.docs, &mut answer.index].into_iter().flatten() {
            *knowledge = folder.join(&*knowledge);
        }
    }
    let wrong = |problem| wrong(path, written, problem);
    if let Some(load) = &mut file.load {
        let at = Table::at(&["load"]);
        read_trace(folder, load).map_err(|fix| wrong(at.problem("arrivals", fix)))?;
    }
    let at = Table::at(&["interruption"]);
    read_thresholds(folder, &mut file.interruption)
        .map_err(|fix| wrong(at.problem("thresholds", fix)))?;
    let scenario = file.parse().map_err(wrong)?;
    scenario.find_files().map_err(wrong)?;
    Ok(scenario)
}

/// Puts what a file of thresholds holds in place of its name.
fn read_thresholds(folder: &Path, interruption: &mut InterruptionTable) -> Result<(), String> {
    let Some(ThresholdsTable::File(file)) = &interruption.thresholds else {
        return Ok(());
    };
    let file = folder.join(file);
    let how = "write one with `voicesim classifier calibrate`";
    let text = text_of(&file).map_err(|error| match error {
        ScenarioError::Unreadable { source, .. } => {
            format!(
                "cannot read the thresholds {}: {source}; {how}",
                file.display()
            )
        }
        _ => format!("{} is longer than 4 MiB; {how}", file.display()),
    })?;
    let own: OwnThresholds = toml::from_str(&text)
        .map_err(|error| format!("{}; {how}", syntax::error(&file, &text, &error)))?;
    let problem = |fix| format!("{}: {fix}", file.display());
    own.check().map_err(problem)?;
    interruption.thresholds = Some(ThresholdsTable::Given(Box::new(own)));
    Ok(())
}

/// Puts the times that a trace's file holds in place of its name.
fn read_trace(folder: &Path, load: &mut LoadTable) -> Result<(), String> {
    let Some(ArrivalsTable::Trace(trace)) = &mut load.arrivals else {
        return Ok(());
    };
    let TraceTable::File(file) = trace else {
        return Ok(());
    };
    let file = folder.join(file);
    let text = text_of(&file).map_err(|error| match error {
        ScenarioError::Unreadable { source, .. } => {
            format!("cannot read the arrivals {}: {source}", file.display())
        }
        _ => format!(
            "{} is longer than 4 MiB; is it a list of arrivals?",
            file.display()
        ),
    })?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let mut times = Vec::new();
    for (index, line) in lines.take(CALLS_MAX as usize + 1) {
        let time: f64 = line.trim().parse().map_err(|_| {
            format!(
                "{} line {}: {:?} is no time; write one arrival on each line, in seconds",
                file.display(),
                index + 1,
                line.chars().take(40).collect::<String>()
            )
        })?;
        times.push(time);
    }
    *trace = TraceTable::Seconds(times);
    Ok(())
}

/// The line of a key, counted from one, or the line of its table if the key itself was left out.
fn line_of(text: &str, place: &Place) -> Option<usize> {
    let root = toml::de::DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut at = None;
    for name in &place.tables {
        let value = table.get(name.as_str())?;
        let value = match (value.get_ref(), place.index) {
            (toml::de::DeValue::Array(items), Some(index)) => items.get(index)?,
            _ => value,
        };
        at = Some(value.span().start);
        table = value.get_ref().as_table()?;
    }
    if let Some(value) = table.get(place.key.as_str()) {
        at = Some(value.span().start);
    }
    let before = text.get(..at?)?;
    Some(before.matches('\n').count() + 1)
}
