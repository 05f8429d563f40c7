//! `voicesim init`: a scenario to start from, by what one has.

mod from;

use super::{Failure, Verdict, print};
use crate::files::quoted;
use crate::scenario::{budget_schema, scenario_schema};
use clap::{Args, ValueEnum};
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Folder to write the file into
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// What you have; asked for at a terminal, and `talk` elsewhere
    #[arg(long = "for", value_name = "WHAT")]
    start: Option<Start>,
    /// Make a simulation like the conversations in this folder, which `import` or `run` wrote
    #[arg(long, value_name = "DIR", conflicts_with = "start")]
    from: Option<PathBuf>,
}

/// What somebody has who starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Start {
    /// Recordings of calls with any agent: limits to hold them to
    Calls,
    /// An agent on LiveKit, pipecat, Vapi or the like: a simulation of it
    Agent,
    /// Ollama, llama.cpp or vLLM on this machine: a conversation with its model
    Ollama,
    /// Many calls at once: a simulation that sizes them
    Load,
    /// Nothing yet: a conversation with the engines that are built in
    Talk,
}

/// How often a question is put at a terminal before it is given up.
const ASKED_MAX: usize = 3;
/// The longest line that is taken for an answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 200;

impl Start {
    fn file(self) -> &'static str {
        match self {
            Start::Calls => "limits.toml",
            Start::Agent | Start::Ollama | Start::Load | Start::Talk => "scenario.toml",
        }
    }

    /// What editors complete its keys by: the name that its first line gives, and the schema.
    fn schema(self) -> (&'static str, serde_json::Value) {
        match self {
            Start::Calls => ("limits.schema.json", budget_schema()),
            Start::Agent | Start::Ollama | Start::Load | Start::Talk => {
                ("scenario.schema.json", scenario_schema())
            }
        }
    }

    fn text(self) -> &'static str {
        match self {
            Start::Calls => include_str!("calls.toml"),
            Start::Agent => include_str!("agent.toml"),
            Start::Ollama => include_str!("ollama.toml"),
            Start::Load => include_str!("load.toml"),
            Start::Talk => include_str!("talk.toml"),
        }
    }

    /// What to do with the file.
    fn next(self, path: &Path) -> String {
        let path = quoted(path);
        match self {
            Start::Calls => {
                format!("hold your calls to it with: voicesim measure CALLS/ --budget {path}")
            }
            Start::Agent | Start::Load => format!("run it with: voicesim simulate {path}"),
            Start::Ollama => format!(
                "see whether the server answers with: voicesim check {path}; then talk with it: voicesim run --mic {path}"
            ),
            Start::Talk => format!("run it with: voicesim run {path}"),
        }
    }

    /// The answer to the question: a number of the list, or a name in it; an empty line is [`Start::Talk`].
    fn parse(answer: &str) -> Option<Start> {
        let answer = answer.trim();
        if answer.is_empty() {
            return Some(Start::Talk);
        }
        let number = answer.parse::<usize>().ok();
        let by_number = number.and_then(|number| number.checked_sub(1));
        let found = by_number.and_then(|index| Start::value_variants().get(index));
        found
            .copied()
            .or_else(|| Start::from_str(answer, true).ok())
    }

    /// Asks at a terminal.
    fn ask(input: &mut impl BufRead, out: &mut impl Write) -> io::Result<Option<Start>> {
        writeln!(out, "What do you have?")?;
        for (number, start) in (1..).zip(Start::value_variants()) {
            let value = start.to_possible_value();
            let help = value.as_ref().and_then(|value| value.get_help());
            let help = help.map(ToString::to_string).unwrap_or_default();
            writeln!(out, "  {number}  {help}")?;
        }
        for _ in 0..ASKED_MAX {
            write!(out, "1 to {} (Enter: {0}): ", Start::value_variants().len())?;
            out.flush()?;
            let mut answer = String::new();
            if io::Read::take(&mut *input, ANSWER_BYTES_MAX).read_line(&mut answer)? == 0 {
                return Ok(None);
            }
            if let Some(start) = Start::parse(&answer) {
                return Ok(Some(start));
            }
        }
        Ok(None)
    }
}

impl Init {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let made = self.from.as_deref().map(from::scenario).transpose()?;
        let start = match self.start {
            Some(start) => start,
            None if made.is_some() => Start::Agent,
            None if is_terminal => Start::ask(&mut io::stdin().lock(), &mut io::stderr().lock())
                .map_err(Failure::unavailable)?
                .ok_or_else(|| {
                    Failure::Input("nothing was chosen; name what you have with --for".into())
                })?,
            None => Start::Talk,
        };
        let path = self.folder.join(start.file());
        let fault = |error: io::Error| {
            Failure::Input(format!(
                "cannot write {}: {error}; move it away, or name another folder: voicesim init FOLDER",
                path.display()
            ))
        };
        fs::create_dir_all(&self.folder).map_err(fault)?;
        fs::File::create_new(&path)
            .and_then(|mut file| file.write_all(made.as_deref().unwrap_or(start.text()).as_bytes()))
            .map_err(fault)?;
        let (name, schema) = start.schema();
        let beside = self.folder.join(name);
        let schema = serde_json::to_string_pretty(&schema).map_err(Failure::unavailable)?;
        let written = fs::File::create_new(&beside)
            .and_then(|mut file| file.write_all((schema + "\n").as_bytes()));
        match written {
            // What is there already stays: it may be somebody's own.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                let text = format!("cannot write {}: {error}", beside.display());
                return Err(Failure::Input(text));
            }
            _ => {}
        }
        print(&format!(
            "wrote {}; {}\n",
            path.display(),
            start.next(&path)
        ));
        Ok(Verdict::Fine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_to_start_from_is_what_the_next_command_takes() {
        for start in Start::value_variants() {
            let path = Path::new(start.file());
            match start {
                Start::Calls => {
                    let folder = tempfile::tempdir().expect("a folder");
                    let path = folder.path().join(path);
                    fs::write(&path, start.text()).expect("written");
                    crate::scenario::load_budget(&path).expect("a budget");
                }
                _ => {
                    crate::scenario::parse(path, start.text()).expect("a scenario");
                }
            }
        }
    }

    #[test]
    fn the_first_line_names_the_schema_that_lies_beside() {
        for start in Start::value_variants() {
            let first = start.text().lines().next();
            assert_eq!(first, Some(&*format!("#:schema {}", start.schema().0)));
        }
    }

    #[test]
    fn who_is_asked_answers_with_a_number_a_name_or_nothing() {
        let chosen = |answers: &str| {
            let mut out = Vec::new();
            let start = Start::ask(&mut answers.as_bytes(), &mut out).expect("readable");
            assert!(String::from_utf8_lossy(&out).contains("  3  Ollama"));
            start
        };
        assert_eq!(chosen("2\n"), Some(Start::Agent));
        assert_eq!(chosen("ollama\n"), Some(Start::Ollama));
        assert_eq!(chosen("\n"), Some(Start::Talk));
        assert_eq!(chosen("9\nfoo\n4\n"), Some(Start::Load));
        assert_eq!(chosen("0\n0\n0\n1\n"), None, "asked three times");
        assert_eq!(chosen(""), None);
    }
}
