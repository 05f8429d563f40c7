//! `voicesim index`: prepare documents to answer from, search them, and judge how well questions are answered.

use super::{Failure, Verdict, print_json, print_plain};
use crate::engine::knowledge::eval::{self, Figure, Question, Row};
use crate::engine::knowledge::{
    self, Built, Hit, Knowledge, Match, Preparation, QUESTION_CHARS_MAX, Step,
};
use crate::report::table;
use crate::run::aloud;
use crate::scenario::Scenario;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "voicesim.index/1";

#[derive(Debug, Args)]
pub(super) struct Index {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prepare a folder of documents once, to be opened in a moment: --docs INDEX, or [answer] index = "INDEX"
    Build(Build),
    /// Say what would be answered to a question, from which passages, and why these
    Search(Search),
    /// Ask questions whose answers are known, and say what each step of the preparation is worth
    Eval(Eval),
}

impl Index {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        match self.command {
            Command::Build(command) => command.run(),
            Command::Search(command) => command.run(),
            Command::Eval(command) => command.run(is_quiet),
        }
    }
}

/// How documents are prepared.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preparation")]
struct Preparing {
    /// The most characters of a passage; it never crosses a heading
    #[arg(long, value_name = "N")]
    chunk_chars: Option<usize>,
    /// How many characters of the passage before it a passage may repeat
    #[arg(long, value_name = "N")]
    overlap_chars: Option<usize>,
    /// Steps to leave out
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEP")]
    without: Vec<Step>,
    /// The confidence below which it says that it does not know, 0 to 1
    #[arg(long, value_name = "P")]
    threshold: Option<f64>,
}

impl Preparing {
    fn preparation(&self) -> Result<Preparation, Failure> {
        let usual = Preparation::default();
        let preparation = Preparation {
            chunk_chars_max: self.chunk_chars.unwrap_or(usual.chunk_chars_max),
            overlap_chars: self.overlap_chars.unwrap_or(usual.overlap_chars),
            threshold: self.threshold.unwrap_or(usual.threshold),
            ..usual
        }
        .without(&self.without);
        match preparation.fault() {
            None => Ok(preparation),
            Some(fault) => Err(Failure::Input(format!(
                "{fault}: --chunk-chars, --overlap-chars or --threshold"
            ))),
        }
    }

    /// An index was prepared when it was built.
    fn check_unused(&self, index: &Path) -> Result<(), Failure> {
        let is_unused = self.chunk_chars.is_none()
            && self.overlap_chars.is_none()
            && self.threshold.is_none()
            && self.without.is_empty();
        match is_unused {
            true => Ok(()),
            false => Err(Failure::Input(format!(
                "{} was prepared when it was built; name the folder of documents to prepare them otherwise, or take --chunk-chars, --overlap-chars, --threshold and --without away",
                index.display()
            ))),
        }
    }
}

#[derive(Debug, Args)]
struct Build {
    /// Documents: a folder of .md and .txt files, subfolders included
    documents: PathBuf,
    /// The index, a new folder
    #[arg(long, value_name = "INDEX")]
    out: PathBuf,
    #[command(flatten)]
    preparing: Preparing,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct BuiltDocument<'a> {
    schema: &'static str,
    out: &'a Path,
    #[serde(flatten)]
    built: Built,
    preparation: &'a Preparation,
}

impl Build {
    fn run(self) -> Result<Verdict, Failure> {
        let preparation = self.preparing.preparation()?;
        let built = knowledge::build(&self.documents, preparation.clone(), &self.out);
        let built = built.map_err(Failure::input)?;
        if self.json {
            print_json(&BuiltDocument {
                schema: SCHEMA,
                out: &self.out,
                built,
                preparation: &preparation,
            })?;
        } else {
            print_plain(&format!(
                "{} passages of {} documents in {}: {}\nSearch it: voicesim index search {} \"…\"; answer from it: --docs {}\n",
                built.passages,
                built.documents,
                self.out.display(),
                preparation.described(),
                self.out.display(),
                self.out.display(),
            ));
        }
        Ok(Verdict::Fine)
    }
}

#[derive(Debug, Args)]
struct Search {
    /// An index, or a folder of documents
    #[arg(value_name = "INDEX|DIR")]
    source: PathBuf,
    question: String,
    /// What was asked before, oldest first: a question may go on from it
    #[arg(long, value_name = "QUESTION")]
    after: Vec<String>,
    /// How many passages to show
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=24))]
    top: u8,
    #[command(flatten)]
    preparing: Preparing,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct SearchDocument<'a> {
    schema: &'static str,
    question: &'a str,
    after: &'a [String],
    /// What would be said.
    answer: String,
    /// Whether it comes from a passage.
    is_answered: bool,
    passages: Vec<FoundPassage<'a>>,
}

#[derive(Serialize)]
struct FoundPassage<'a> {
    place: String,
    document: &'a str,
    score: f32,
    coverage: f32,
    confidence: f64,
    text: &'a str,
    /// Why: the words of the question that it holds.
    matched: &'a [Match],
}

impl Search {
    fn run(self) -> Result<Verdict, Failure> {
        if self.question.chars().count() > QUESTION_CHARS_MAX {
            return Err(Failure::Input(format!(
                "the question is longer than {QUESTION_CHARS_MAX} characters, which is more than a minute of speech; shorten it"
            )));
        }
        let knowledge = open(&self.source, &self.preparing)?;
        let earlier: Vec<&str> = self.after.iter().map(String::as_str).collect();
        let hits = knowledge
            .search(&self.question, &earlier)
            .map_err(Failure::unavailable)?;
        let answer = knowledge.answer(&self.question, &earlier);
        let found: Vec<FoundPassage<'_>> = hits
            .iter()
            .take(self.top.into())
            .filter_map(|hit| found_passage(&knowledge, hit))
            .collect();
        let document = SearchDocument {
            schema: SCHEMA,
            question: &self.question,
            after: &self.after,
            is_answered: answer.source.is_some(),
            answer: answer.text,
            passages: found,
        };
        if self.json {
            print_json(&document)?;
        } else {
            print_plain(&document.as_text());
        }
        Ok(Verdict::Fine)
    }
}

fn open(source: &Path, preparing: &Preparing) -> Result<Knowledge, Failure> {
    let knowledge = match knowledge::is_index(source) {
        true => {
            preparing.check_unused(source)?;
            Knowledge::open(source)
        }
        false => Knowledge::of_folder(source, preparing.preparation()?),
    };
    knowledge.map_err(Failure::input)
}

fn found_passage<'a>(knowledge: &'a Knowledge, hit: &'a Hit) -> Option<FoundPassage<'a>> {
    let passage = knowledge.passage(hit)?;
    Some(FoundPassage {
        place: format!("{}#{}", passage.file, passage.heading()),
        document: &passage.document,
        score: hit.score,
        coverage: hit.coverage,
        confidence: hit.confidence,
        text: &passage.body,
        matched: &hit.matched,
    })
}

impl SearchDocument<'_> {
    fn as_text(&self) -> String {
        let mut text = format!("“{}”\n", self.answer);
        for (index, passage) in self.passages.iter().enumerate() {
            let FoundPassage {
                place,
                score,
                coverage,
                confidence,
                ..
            } = passage;
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "\n{:>2}  {place}\n    score {score:.2}, covers {coverage:.2} of the question, confidence {confidence:.2}",
                index + 1
            );
            let why: Vec<String> = passage.matched.iter().map(why).collect();
            let _ = writeln!(text, "    {}", why.join(" · "));
            let shown: String = passage
                .text
                .replace('\n', " ")
                .chars()
                .take(SHOWN_CHARS)
                .collect();
            let cut = if shown.chars().count() == SHOWN_CHARS {
                "…"
            } else {
                ""
            };
            let _ = writeln!(text, "    {shown}{cut}");
        }
        text
    }
}

/// How much of a passage is shown.
const SHOWN_CHARS: usize = 160;

/// A match for people: the stem that was heard, what it met, where, and what it counts.
fn why(one: &Match) -> String {
    let Match {
        heard,
        term,
        place,
        score,
    } = one;
    let met = match term.strip_prefix('=') {
        Some(meaning) => format!("{} means {meaning}", heard.trim_start_matches('=')),
        None => term.replace('?', "asks for a "),
    };
    format!("{met} ({place}, {score:.1})")
}

#[derive(Debug, Args)]
struct Eval {
    /// An index, or a folder of documents: of these each step of the preparation is tried
    #[arg(value_name = "INDEX|DIR")]
    source: PathBuf,
    /// Questions with the places of their answers, a JSON object a line:
    /// {"id":"q1","question":"…","answer_in":"FILE.md#Heading"}
    #[arg(long, value_name = "FILE.jsonl")]
    questions: PathBuf,
    /// Only the questions of this split
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Only the questions that are marked as spoken, as the recogniser hears them when the voice speaks them
    #[arg(long)]
    spoken: bool,
    /// The voice that speaks them: piper or espeak
    #[arg(
        long,
        default_value = "piper",
        value_name = "ENGINE",
        requires = "spoken"
    )]
    tts: String,
    /// Keep what was heard in this new folder, a line each
    #[arg(long, value_name = "DIR", requires = "spoken")]
    out: Option<PathBuf>,
    #[command(flatten)]
    preparing: Preparing,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct EvalDocument<'a> {
    schema: &'static str,
    split: Option<&'a str>,
    spoken: bool,
    questions: usize,
    rows: &'a [Row],
}

impl Eval {
    fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        let mut all = eval::read(&self.questions).map_err(Failure::input)?;
        let split = self.split.as_deref();
        // What comes first depends on the documents alone; they are looked at before anything is spoken.
        let documents = match knowledge::is_index(&self.source) {
            true => None,
            false => Some(knowledge::read_checked(&self.source).map_err(Failure::input)?),
        };
        let preparation = self.preparing.preparation()?;
        let mut chosen =
            eval::of_split(&self.questions, all.clone(), split).map_err(Failure::input)?;
        if self.spoken {
            chosen.retain(|question| question.is_spoken);
            let heard = self.hear(&chosen, is_quiet)?;
            for question in all.iter_mut().chain(&mut chosen) {
                if let Some(text) = heard.get(&question.id) {
                    question.text.clone_from(text);
                }
            }
        }
        if chosen.is_empty() {
            return Err(Failure::Input(format!(
                "{}: no question is asked; mark some with \"spoken\": true, or take --spoken away",
                self.questions.display()
            )));
        }
        let rows = match documents {
            Some(documents) => {
                let variants = eval::variants(&preparation);
                eval::evaluate(&documents, &chosen, &all, variants).map_err(Failure::input)?
            }
            None => {
                let knowledge = open(&self.source, &self.preparing)?;
                let row = eval::ask(&knowledge, "as it was built".into(), &chosen, &all);
                vec![row.map_err(Failure::input)?]
            }
        };
        let document = EvalDocument {
            schema: SCHEMA,
            split,
            spoken: self.spoken,
            questions: chosen.len(),
            rows: &rows,
        };
        if self.json {
            print_json(&document)?;
        } else {
            print_plain(&document.as_text());
        }
        Ok(Verdict::Fine)
    }

    /// The questions as they are heard, by id.
    fn hear(
        &self,
        questions: &[Question],
        is_quiet: bool,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let out = self.out.as_deref().map(new_folder).transpose()?;
        let mut scenario = Scenario::default();
        scenario.tts.engine.clone_from(&self.tts);
        scenario.turn.clear();
        if !["piper", "espeak"].contains(&self.tts.as_str()) {
            return Err(Failure::Input(format!(
                "--tts {}: no voice here is called that; give piper or espeak",
                self.tts
            )));
        }
        let texts: Vec<&str> = questions
            .iter()
            .map(|question| question.text.as_str())
            .collect();
        let bar = match std::io::stderr().is_terminal() && !is_quiet {
            true => ProgressBar::new(texts.len() as u64),
            false => ProgressBar::hidden(),
        };
        let heard = aloud::hear(&texts, &scenario, |done| bar.set_position(done as u64))?;
        bar.finish_and_clear();
        let heard: Vec<Heard<'_>> = questions
            .iter()
            .zip(heard)
            .map(|(question, heard)| Heard {
                id: &question.id,
                said: &question.text,
                heard,
            })
            .collect();
        if let Some(folder) = out {
            let mut lines = String::new();
            for line in &heard {
                lines += &serde_json::to_string(line).map_err(Failure::unavailable)?;
                lines.push('\n');
            }
            let path = folder.join("heard.jsonl");
            std::fs::write(&path, lines).map_err(|error| {
                Failure::Input(format!(
                    "{}: {error}; name a folder that can be written",
                    path.display()
                ))
            })?;
        }
        Ok(heard
            .into_iter()
            .map(|line| (line.id.to_owned(), line.heard))
            .collect())
    }
}

/// A question as it was said and heard.
#[derive(Serialize)]
struct Heard<'a> {
    id: &'a str,
    said: &'a str,
    heard: String,
}

fn new_folder(folder: &Path) -> Result<&Path, Failure> {
    let is_taken = std::fs::read_dir(folder).is_ok_and(|mut inside| inside.next().is_some());
    if is_taken {
        return Err(Failure::Input(format!(
            "{}: stands there already; name a new folder with --out",
            folder.display()
        )));
    }
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::Input(format!(
            "{}: {error}; name a folder that can be written",
            folder.display()
        ))
    })?;
    Ok(folder)
}

impl EvalDocument<'_> {
    fn as_text(&self) -> String {
        let figures = self.rows.first().map(|row| row.figures);
        let (with, without) = figures.map_or((0, 0), |f| (f.with_answer, f.without_answer));
        let spoken = if self.spoken {
            ", spoken and heard"
        } else {
            ""
        };
        let mut text = format!(
            "{} questions{spoken}: {with} with an answer, {without} without. In brackets: 95 % of what chance might make of it.\n\n",
            self.questions
        );
        let mut table = table::plain(&["preparation", "hit@1", "hit@5", "MRR", "right refusals"]);
        for row in self.rows {
            let f = &row.figures;
            table.add_row([
                row.name.clone(),
                shown(f.hit_at_1),
                shown(f.hit_at_5),
                shown(f.mrr),
                shown(f.right_refusals),
            ]);
        }
        text += &table::trimmed(&table);
        text += "\n\nA refusal is no hit. Each \"+\" adds to the row above it; \"all but\" leaves one step out of all.\n";
        text
    }
}

fn shown(figure: Option<Figure>) -> String {
    let short = |share: f64| match share >= 0.9995 {
        true => "1.00".to_owned(),
        false => format!("{share:.3}").trim_start_matches('0').to_owned(),
    };
    figure.map_or_else(
        || "-".to_owned(),
        |Figure { value, low, high }| format!("{} ({}-{})", short(value), short(low), short(high)),
    )
}
