//! `voicesim eval`: every step of an agent judged by itself and by segment, over a suite of turns.

use super::bar::Bar;
use super::file::{refuse_unwritable, write};
use super::page::Kept;
use super::{Failure, Verdict, examples, print, print_json, print_plain};
use crate::eval::{Evaluated, Judges, Limit, Paired, Suite};
use crate::experiment::suite::{self, Addition, Evaluation};
use crate::report::eval::{Report, compared, junit, markdown, text};
use crate::report::html;
use crate::scenario::TurnTable;
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Eval {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Speak every turn of a suite to its agent, and report each step by segment
    #[command(after_help = examples::EVAL_RUN)]
    Run(EvalRun),
    /// Compare two versions of an agent on the same suite, turn by turn
    #[command(after_help = examples::EVAL_COMPARE)]
    Compare(EvalCompare),
    /// Add a turn of a run to a suite, with its sound
    #[command(after_help = examples::EVAL_ADD)]
    Add(EvalAdd),
}

impl Eval {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        match self.command {
            Command::Run(command) => command.run(is_quiet),
            Command::Compare(command) => command.run(),
            Command::Add(command) => command.run(),
        }
    }
}

#[derive(Debug, Args)]
struct EvalRun {
    /// The suite: a TOML file with an agent and turns whose right outcome is known
    suite: PathBuf,
    /// Conditions to speak in, in place of the suite's, as in "noise=10 mu-law"
    #[arg(long, value_name = "CONDITION", num_args = 1..)]
    augment: Vec<String>,
    /// What people judged: a CSV with the columns case, judge, and sound, transcript or right
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Do not look at the agent's own sound again: whether it is understood, and whether it is whole
    #[arg(long)]
    no_round_trip: bool,
    /// Folder to keep the evaluation in, with every sound; a folder of that name that is one is reported again
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Write the report as an HTML page: one file that loads nothing from elsewhere
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    html: Option<PathBuf>,
    /// Write the report as Markdown, for a review comment
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    markdown: Option<PathBuf>,
    /// Write the budgets as a JUnit test report
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    junit: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long, help_heading = "Results")]
    json: bool,
}

impl EvalRun {
    fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        let files = [
            ("--html", &self.html),
            ("--markdown", &self.markdown),
            ("--junit", &self.junit),
        ];
        for (flag, path) in files {
            if let Some(path) = path {
                refuse_unwritable(flag, path)?;
            }
        }
        let of = Suite::read(&self.suite, &self.augment).map_err(Failure::input)?;
        let judges = self
            .labels
            .as_deref()
            .map(Judges::read)
            .transpose()
            .map_err(Failure::input)?;
        let kept = Kept::of_or_fresh(self.out.as_deref())?;
        kept.delete_at_the_end();
        let mut evaluated = self.evaluated(&of, kept.path(), is_quiet)?;
        if let (Some(judges), Some(path)) = (judges, &self.labels) {
            judges.judge(path, &mut evaluated).map_err(Failure::input)?;
        }
        let limits = Limit::hold(&evaluated, &of.limits).map_err(Failure::input)?;
        let report = Report::of(&evaluated, kept.staying(), limits);
        if let Some(path) = &self.html {
            let page = html::of_eval(&report).map_err(Failure::unavailable)?;
            write("--html", path, &page)?;
        }
        if let Some(path) = &self.markdown {
            write("--markdown", path, &markdown(&report))?;
        }
        if let Some(path) = &self.junit {
            write(
                "--junit",
                path,
                &junit(&report).map_err(Failure::unavailable)?,
            )?;
        }
        if self.json {
            print_json(&report)?;
        } else {
            print_plain(&text(&report));
        }
        Ok(match report.has_passed() {
            true => Verdict::Fine,
            false => Verdict::NotAsAsked,
        })
    }

    /// What came of every turn: now, or when the folder was made.
    fn evaluated(&self, of: &Suite, folder: &Path, is_quiet: bool) -> Result<Evaluated, Failure> {
        if folder.join(suite::EVAL_JSON).is_file() {
            let before = suite::read(folder)?;
            return match before.is_of(of) {
                true => Ok(before),
                false => Err(Failure::Input(format!(
                    "--out {} holds an evaluation of another agent, other turns or other conditions than {}; choose another folder",
                    folder.display(),
                    self.suite.display()
                ))),
            };
        }
        let evaluation = Evaluation {
            suite: of,
            out: folder,
            is_heard_again: !self.no_round_trip,
        };
        let mut bar = Bar::of_conversations(&of.name, is_quiet);
        Ok(evaluation.make(&mut |held, all| bar.show_count(held, all))?)
    }
}

#[derive(Debug, Args)]
struct EvalCompare {
    /// Folder of the version before, as `voicesim eval run --out` wrote it
    base: PathBuf,
    /// Folder of the new version
    new: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl EvalCompare {
    fn run(self) -> Result<Verdict, Failure> {
        let [base, new] = [suite::read(&self.base)?, suite::read(&self.new)?];
        let paired = Paired::of(&base, &new);
        if paired.turns == 0 {
            return Err(Failure::Input(format!(
                "{} and {} have no turn in common; compare two evaluations of one suite",
                self.base.display(),
                self.new.display()
            )));
        }
        if self.json {
            print_json(&paired)?;
        } else {
            print_plain(&compared(&paired));
        }
        Ok(match paired.is_worse() {
            false => Verdict::Fine,
            true => Verdict::NotAsAsked,
        })
    }
}

#[derive(Debug, Args)]
struct EvalAdd {
    /// The suite, which is made if it is not there
    suite: PathBuf,
    /// Folder of the run
    run: PathBuf,
    /// Number of the turn in its report
    turn: u32,
    /// What was truly said
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// A text that a right answer has
    #[arg(long, value_name = "WORDS")]
    answer_has: Vec<String>,
    /// A text that a right answer has not
    #[arg(long, value_name = "WORDS")]
    answer_has_not: Vec<String>,
    /// A right answer says that the agent does not know
    #[arg(long)]
    answer_refuses: bool,
    /// A place in the agent's documents where the answer stands, as in hours.md#Easter
    #[arg(long, value_name = "FILE#HEADING")]
    answer_in: Vec<String>,
    /// What the turn can be told apart by, as in topic=hours
    #[arg(long, value_name = "LABEL=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
}

/// A label and its value.
fn label(written: &str) -> Result<(String, String), String> {
    match written.split_once('=') {
        Some((label, value)) if !label.is_empty() && !value.is_empty() => {
            Ok((label.to_owned(), value.to_owned()))
        }
        _ => Err("write a label as topic=hours".into()),
    }
}

impl EvalAdd {
    fn run(self) -> Result<Verdict, Failure> {
        let turn = TurnTable {
            text: self.text,
            answer_has: self.answer_has,
            answer_has_not: self.answer_has_not,
            answer_refuses: self.answer_refuses,
            answer_in: self.answer_in,
            labels: BTreeMap::from_iter(self.label),
            ..TurnTable::default()
        };
        let addition = Addition {
            run: self.run,
            number: self.turn,
            turn,
        };
        let wav = suite::add(&self.suite, addition)?;
        print(&format!(
            "added {} to {}\n",
            wav.display(),
            self.suite.display()
        ));
        Ok(Verdict::Fine)
    }
}
