//! `voicesim index ask`: has a language model make up what callers may ask of each section of a folder of documents.

use crate::cli::{Failure, Verdict, print_plain};
use crate::knowledge::{self, ASKED_FILE, AskedQuestion, made_up};
use crate::run::writing::Writer;
use crate::scenario::{Scenario, ScenarioFile};
use clap::Args;
use indicatif::ProgressBar;
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The most tokens of a question, as a model counts them.
const TOKENS_A_QUESTION: u32 = 40;
/// How long to wait for a reply: minutes, since no caller is on the line.
const PATIENCE_MS: u64 = 300_000;

#[derive(Debug, Args)]
pub(super) struct Ask {
    /// Documents: a folder of .md and .txt files, subfolders included
    documents: PathBuf,
    /// Address of a server with OpenAI's API, up to but without /chat/completions
    #[arg(long)]
    url: String,
    /// The model's name on that server; one that follows instructions well
    #[arg(long, value_name = "NAME")]
    model: String,
    /// The environment variable that holds the key
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
    /// How many questions to make up for a section; sections that have some are left alone
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u8).range(1..=48))]
    questions: u8,
}

impl Ask {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        let documents = knowledge::read_checked(&self.documents).map_err(Failure::input)?;
        let all = made_up::sections(&documents);
        let sections = all.len();
        let mut wanted = all;
        wanted.retain(|section| documents.asked.count(&section.place) == 0);
        let path = self.documents.join(ASKED_FILE);
        if wanted.is_empty() {
            print_plain(&format!(
                "each of the {sections} sections has questions in {}\n",
                path.display()
            ));
            return Ok(Verdict::Fine);
        }
        let mut writer = Writer::of(&self.scenario()?).map_err(|error| self.failure(error))?;
        let mut file = self.file(&path)?;
        let bar = match std::io::stderr().is_terminal() && !is_quiet {
            true => ProgressBar::new(wanted.len() as u64),
            false => ProgressBar::hidden(),
        };
        let (mut written, mut without) = (0, 0);
        for section in &wanted {
            let reply = writer.write(&section.prompt(self.questions.into()));
            let reply = reply.map_err(|error| {
                Failure::Unavailable(format!(
                    "{}; {written} questions are in {}: run the same command again, and it goes on from there",
                    self.named(&error.to_string()),
                    path.display()
                ))
            })?;
            let questions = made_up::questions_in(&reply, self.questions.into());
            without += usize::from(questions.is_empty());
            written += questions.len();
            // Each section is written as soon as it is there, so that nothing is lost that was paid for.
            file.write_all(&lines(questions, &section.place)?)
                .map_err(|error| unwritable(&path, &error))?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        print_plain(&format!(
            "{written} questions on {} sections in {}{}\nRead them, then see what they are worth: voicesim index eval {} --questions FILE.jsonl\n",
            wanted.len() - without,
            path.display(),
            match without {
                0 => String::new(),
                none => format!("; the model asked nothing on {none}"),
            },
            crate::files::quoted(&self.documents)
        ));
        Ok(Verdict::Fine)
    }

    /// Opens the file to append to, on a new line even if its last line has no end.
    fn file(&self, path: &Path) -> Result<File, Failure> {
        let before = crate::files::read(path, 64 << 20).unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(path);
        let mut file = file.map_err(|error| unwritable(path, &error))?;
        if before.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n")
                .map_err(|error| unwritable(path, &error))?;
        }
        Ok(file)
    }

    fn scenario(&self) -> Result<Scenario, Failure> {
        let mut file = ScenarioFile::default();
        let answer = &mut file.answer;
        answer.swap("openai");
        answer.url = Some(self.url.clone());
        answer.model = Some(self.model.clone());
        answer.key_env.clone_from(&self.key_env);
        answer.system = Some(made_up::SYSTEM.into());
        answer.max_tokens = Some(u32::from(self.questions) * TOKENS_A_QUESTION);
        answer.first_token_timeout_ms = Some(PATIENCE_MS);
        answer.between_tokens_timeout_ms = Some(PATIENCE_MS);
        answer.timeout_ms = Some(PATIENCE_MS);
        file.parse()
            .map_err(|problem| Failure::Input(self.named(&problem.to_string())))
    }

    fn failure(&self, error: crate::run::RunError) -> Failure {
        match error {
            crate::run::RunError::Input(text) => Failure::Input(self.named(&text)),
            other => Failure::Unavailable(self.named(&other.to_string())),
        }
    }

    /// The error with flags in place of the scenario's keys that it names.
    fn named(&self, error: &str) -> String {
        error
            .replace("answer.url", "--url")
            .replace("answer.model", "--model")
            .replace("answer.key_env", "--key-env")
    }
}

fn lines(questions: Vec<String>, place: &str) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for question in questions {
        let line = AskedQuestion {
            question,
            answer_in: place.to_owned(),
        };
        serde_json::to_writer(&mut lines, &line).map_err(Failure::unavailable)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Input(format!(
        "{}: {error}; name a folder that can be written",
        path.display()
    ))
}
