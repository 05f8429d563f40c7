//! `voicesim index eval`: questions with known answers, asked after each step of the preparation.

use super::{Preparing, SCHEMA, open};
use crate::cli::{Failure, Verdict, print_json, print_plain};
use crate::knowledge;
use crate::knowledge::eval::{self, EvalRow, Figure, Question};
use crate::report::table;
use crate::run::aloud;
use crate::scenario::ScenarioFile;
use crate::scenario::engine::Engine;
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Eval {
    /// An index, or a folder of documents to try each step of the preparation on
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
    /// Voice that speaks the questions: piper or espeak
    #[arg(
        long,
        default_value = "piper",
        value_name = "ENGINE",
        requires = "spoken"
    )]
    tts: String,
    /// New folder to keep what was heard in, a line for each question
    #[arg(long, value_name = "DIR", requires = "spoken")]
    out: Option<PathBuf>,
    #[command(flatten)]
    preparing: Preparing,
    /// Print the figures as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct EvalDocument<'a> {
    schema: &'static str,
    split: Option<&'a str>,
    spoken: bool,
    questions: usize,
    rows: &'a [EvalRow],
}

impl Eval {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        let mut all = eval::read(&self.questions).map_err(Failure::input)?;
        let split = self.split.as_deref();
        // The documents are looked at first, so that mistakes in them show before anything is spoken.
        let documents = match knowledge::is_index(&self.source) {
            true => None,
            false => Some(knowledge::read_checked(&self.source).map_err(Failure::input)?),
        };
        let preparation = self.preparing.preparation()?;
        let mut chosen =
            eval::of_split(&self.questions, all.clone(), split).map_err(Failure::input)?;
        if self.spoken {
            chosen.retain(|question| question.is_spoken);
        }
        if chosen.is_empty() {
            return Err(Failure::Input(format!(
                "{}: no question is asked; mark some with \"spoken\": true, or take --spoken away",
                self.questions.display()
            )));
        }
        if self.spoken {
            let heard = self.hear(&chosen, is_quiet)?;
            for question in all.iter_mut().chain(&mut chosen) {
                if let Some(text) = heard.get(&question.id) {
                    question.text.clone_from(text);
                }
            }
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
        let mut file = ScenarioFile::default();
        file.tts.swap(&self.tts);
        let scenario = file.parse();
        let scenario = scenario.ok().filter(|of| of.tts.engine.computes_here());
        let Some(scenario) = scenario else {
            return Err(Failure::Input(format!(
                "--tts {}: no voice here is called that; give piper or espeak",
                self.tts
            )));
        };
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
