//! `voicesim classifier`: train, evaluate and explain the interruption classifier.

use super::calibrate::Calibrate;
use super::file::write;
use super::{Failure, Verdict, examples, number, print, print_json, print_plain};
use crate::audio::{decode, length_of};
use crate::ear::truth::speech_in;
use crate::event::Hears;
use crate::interrupt::eval::track::stops_after;
use crate::interrupt::eval::{CORPUS, as_text, curves, curves_as_text, evaluate, trade_off_svg};
use crate::interrupt::explain::{Step, explain};
use crate::interrupt::heard::{Context, Listening};
use crate::interrupt::model::{Weights, shipped, sigmoid};
use crate::interrupt::overlaps::{self, Overlap};
use crate::interrupt::policy::ClassifierRule;
use crate::interrupt::rows::{Hearing, Replay};
use crate::labelled::Needs;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct Classifier {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit the weights to labelled sounds
    #[command(after_help = examples::CLASSIFIER_TRAIN)]
    Train(Train),
    /// Evaluate the classifier on labelled sounds
    #[command(after_help = examples::CLASSIFIER_EVAL)]
    Eval(Eval),
    /// Print what the classifier makes of each sound, a JSON line each
    #[command(after_help = examples::CLASSIFIER_PREDICT)]
    Predict(Predict),
    /// Explain which features pushed the classifier which way, decision by decision
    #[command(after_help = examples::CLASSIFIER_EXPLAIN)]
    Explain(Explain),
    /// Choose thresholds for your own callers, by your own calls
    #[command(after_help = examples::CLASSIFIER_CALIBRATE)]
    Calibrate(Calibrate),
}

impl Classifier {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        match self.command {
            Command::Train(command) => command.run(),
            Command::Eval(command) => command.run(),
            Command::Predict(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Calibrate(command) => command.run(is_quiet),
        }
    }
}

#[derive(Debug, Args)]
struct Data {
    /// Labelled overlaps, .jsonl or .jsonl.gz
    #[arg(long = "data", num_args = 1.., required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Data {
    fn read(&self, needs: Needs) -> Result<Vec<Overlap>, Failure> {
        let mut all = Vec::new();
        for file in &self.files {
            all.extend(overlaps::read(file, needs).map_err(Failure::input)?);
        }
        Ok(all)
    }
}

fn weights() -> Result<&'static Weights, Failure> {
    shipped().map_err(Failure::unavailable)
}

/// Fits to the sounds of split "train"; chooses the kind of model, calibrates it and sets its
/// thresholds by those of other splits.
#[derive(Debug, Args)]
struct Train {
    #[command(flatten)]
    data: Data,
    /// The share of back-channels and noises that may stop the agent, when words are known; twice
    /// as many when they are not
    #[arg(long, default_value_t = 0.1, value_name = "P")]
    false_stops: f64,
    /// File to write the weights to
    #[arg(
        long,
        default_value = "src/interrupt/weights.json",
        value_name = "FILE"
    )]
    out: PathBuf,
    /// Print the figures that the model was chosen by as JSON
    #[arg(long)]
    json: bool,
}

impl Train {
    #[cfg(not(feature = "train"))]
    fn run(self) -> Result<Verdict, Failure> {
        let _ = (self.data, self.false_stops, self.out, self.json);
        Err(Failure::unavailable(
            "this voicesim cannot train: build it with `cargo build --release --features train`",
        ))
    }

    #[cfg(feature = "train")]
    fn run(self) -> Result<Verdict, Failure> {
        use crate::interrupt::train::{Target, train};
        if !(self.false_stops > 0.0 && self.false_stops < 1.0) {
            let given = self.false_stops;
            return Err(Failure::Input(format!(
                "--false-stops {given}: give a share between 0 and 1"
            )));
        }
        let overlaps = self.data.read(Needs::Truth)?;
        let target = Target {
            false_stops: self.false_stops,
        };
        let trained = train(&overlaps, target).map_err(Failure::input)?;
        let text = trained.weights.as_text().map_err(Failure::unavailable)?;
        write("--out", &self.out, &text)?;
        if self.json {
            print_json(&trained.selection)?;
        } else {
            print(&trained.selection.as_text());
        }
        Ok(Verdict::Fine)
    }
}

#[derive(Debug, Args)]
struct Eval {
    #[command(flatten)]
    data: Data,
    /// How long after its end a word is known to the classifier, in the clean figures
    #[arg(long, default_value_t = 300, value_name = "MS", value_parser = number::milliseconds)]
    word_delay_ms: u32,
    /// Draw recall against false stops, as an SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// File for the curves that simulations draw from: how often and how soon each policy stops for
    /// an interruption, a back-channel and a noise, on the AMI sounds of the data
    #[arg(long, value_name = "FILE")]
    curves: Option<PathBuf>,
    /// File to write the figures to as well, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Eval {
    fn run(self) -> Result<Verdict, Failure> {
        let overlaps = self.data.read(Needs::Truth)?;
        let word_delay = Duration::from_millis(self.word_delay_ms.into());
        if let Some(path) = &self.curves {
            let curves = curves(&overlaps, CORPUS, weights()?, word_delay);
            let curves = curves.map_err(|error| Failure::Input(format!("--curves: {error}")))?;
            let text = curves_as_text(&curves).map_err(Failure::unavailable)?;
            write("--curves", path, &text)?;
        }
        let evaluation = evaluate(&overlaps, weights()?, word_delay);
        if let Some(path) = &self.svg {
            write("--svg", path, &trade_off_svg(&evaluation))?;
        }
        if let Some(path) = &self.out {
            let text = serde_json::to_string_pretty(&evaluation).map_err(Failure::unavailable)?;
            write("--out", path, &(text + "\n"))?;
        }
        if self.json {
            print_json(&evaluation)?;
        } else {
            print(&as_text(&evaluation));
        }
        Ok(Verdict::Fine)
    }
}

#[derive(Debug, Args)]
struct Predict {
    #[command(flatten)]
    data: Data,
    /// File to write the lines to instead of printing them
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print lines of JSON, as without this flag
    #[arg(long)]
    json: bool,
}

/// What is predicted for one sound: probabilities of an interruption by milliseconds since the onset, and
/// when the policy stops within 1.5 s.
#[derive(Debug, Serialize)]
struct Prediction<'a> {
    id: &'a str,
    p_text: BTreeMap<u64, f64>,
    p_activity: BTreeMap<u64, f64>,
    stop_ms_text: Option<u64>,
    stop_ms_activity: Option<u64>,
}

/// Times since the onset at which probabilities are given.
const TIMES_MS: [u64; 5] = [200, 400, 600, 800, 1000];

impl Predict {
    fn run(self) -> Result<Verdict, Failure> {
        let overlaps = self.data.read(Needs::Prediction)?;
        let weights = weights()?;
        let mut text = String::new();
        for overlap in &overlaps {
            // Heard as annotated, every sound is noticed.
            let Some(replay) = Replay::of(overlap, Hearing::CLEAN) else {
                continue;
            };
            let prediction = Prediction {
                id: &overlap.id,
                p_text: probabilities(&replay, Listening::WithWords, weights),
                p_activity: probabilities(&replay, Listening::ActivityOnly, weights),
                stop_ms_text: stop_ms(&replay, Listening::WithWords, weights),
                stop_ms_activity: stop_ms(&replay, Listening::ActivityOnly, weights),
            };
            text += &serde_json::to_string(&prediction).map_err(Failure::unavailable)?;
            text.push('\n');
        }
        match &self.out {
            Some(path) => write("--out", path, &text)?,
            None => print(&text),
        }
        Ok(Verdict::Fine)
    }
}

fn probabilities(
    replay: &Replay<'_>,
    listening: Listening,
    weights: &Weights,
) -> BTreeMap<u64, f64> {
    let mut activity = Vec::new();
    let probability = |ms: u64| {
        let heard = replay.heard(Duration::from_millis(ms), listening, &mut activity);
        (ms, sigmoid(weights.log_odds(&heard)))
    };
    TIMES_MS.into_iter().map(probability).collect()
}

fn stop_ms(replay: &Replay<'_>, listening: Listening, weights: &Weights) -> Option<u64> {
    let after = stops_after(&mut ClassifierRule::new(weights), replay, listening)?;
    Some(after.as_millis() as u64)
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("sound").required(true).args(["files", "wav"]))]
struct Explain {
    /// Labelled overlaps, .jsonl or .jsonl.gz
    #[arg(long = "data", num_args = 1.., value_name = "FILE", requires = "id")]
    files: Vec<PathBuf>,
    /// The sound in the data to explain
    #[arg(long, value_name = "ID", conflicts_with = "wav")]
    id: Option<String>,
    /// Explain the first sound of the caller over the agent in two recordings that began together
    #[arg(long, value_name = "CALLER,AGENT", value_delimiter = ',')]
    wav: Vec<PathBuf>,
    /// Print the decisions as JSON
    #[arg(long)]
    json: bool,
}

/// The decisions about one sound, with and without its words.
#[derive(Debug, Serialize)]
struct Explanation {
    schema: &'static str,
    id: String,
    /// Empty where no words are known.
    with_words: Vec<Step>,
    activity_only: Vec<Step>,
}

impl Explain {
    fn run(self) -> Result<Verdict, Failure> {
        let explanation = match &self.wav[..] {
            [] => self.of_data(self.id.as_deref().unwrap_or(""))?,
            [caller, agent] => {
                let (runs, context) = overlap_of_recordings(caller, agent)?;
                let replay = Replay::of_activity(runs, &context);
                let name = caller.display().to_string();
                explanation(&name, &replay, &[Listening::ActivityOnly])?
            }
            _ => {
                return Err(Failure::input(
                    "--wav: name two files with a comma between them",
                ));
            }
        };
        if self.json {
            print_json(&explanation)?;
        } else {
            print_plain(&explanation.as_text());
        }
        Ok(Verdict::Fine)
    }

    fn of_data(&self, id: &str) -> Result<Explanation, Failure> {
        let data = Data {
            files: self.files.clone(),
        };
        let overlaps = data.read(Needs::Prediction)?;
        let found = overlaps.iter().find(|overlap| overlap.id == id);
        let replay = found.and_then(|overlap| Replay::of(overlap, Hearing::CLEAN));
        match replay {
            Some(replay) => explanation(id, &replay, &Listening::BOTH),
            None => Err(Failure::Input(format!(
                "--id {id}: no such sound in the data; ids are the \"id\" of its lines"
            ))),
        }
    }
}

/// The stretches of voice of the caller's first sound over the agent, from its onset on, and what
/// the agent knew then.
fn overlap_of_recordings(
    caller: &Path,
    agent: &Path,
) -> Result<(Vec<(Duration, Duration)>, Context), Failure> {
    let read = |path| decode::read(path).map_err(Failure::input);
    let voices = |samples: &[f32]| -> Vec<(Duration, Duration)> {
        let speech = speech_in(samples, VAD_THRESHOLD, Hears::Anybody);
        let ticks = speech
            .into_iter()
            .map(|s| (length_of(s.at.start), length_of(s.at.end)));
        ticks.collect()
    };
    let (caller_voice, agent_voice) = (voices(&read(caller)?), voices(&read(agent)?));
    let overlap = caller_voice.iter().find_map(|(onset, _)| {
        let over = |(start, end): &&(Duration, Duration)| start < onset && onset < end;
        Some((*onset, *agent_voice.iter().find(over)?))
    });
    let Some((onset, (agent_start, _))) = overlap else {
        return Err(Failure::Input(format!(
            "--wav: {} holds no voice that begins while one in {} speaks; name the caller first, and recordings that began together",
            caller.display(),
            agent.display()
        )));
    };
    let before = |all: &[(Duration, Duration)]| -> f64 {
        let spoken = all
            .iter()
            .map(|(start, end)| (*end).min(onset).saturating_sub(*start));
        spoken.sum::<Duration>().as_secs_f64()
    };
    let earlier = caller_voice.iter().rev().find(|(_, end)| *end <= onset);
    let gap = earlier.map(|(_, end)| (onset - *end).as_secs_f64());
    let elapsed = (onset - agent_start).as_secs_f64();
    let context = Context {
        agent_elapsed_s: elapsed,
        agent_words: (elapsed * WORDS_PER_SECOND) as u32,
        sentence_elapsed_s: elapsed,
        caller_gap_s: gap.unwrap_or(120.0).min(120.0),
        caller_talk60_s: before(&caller_voice).min(60.0),
        agent_talk60_s: before(&agent_voice).min(60.0),
        caller_had_floor: gap.is_some(),
        ..Context::default()
    };
    let since = caller_voice.iter().filter(|(start, _)| *start >= onset);
    let runs = since
        .map(|(start, end)| (*start - onset, *end - onset))
        .collect();
    Ok((runs, context))
}

/// The voice detector's threshold: the default of scenarios.
const VAD_THRESHOLD: f32 = 0.5;

/// Words a second that an agent is taken to say if only its sound is known.
const WORDS_PER_SECOND: f64 = 2.7;

fn explanation(
    id: &str,
    replay: &Replay<'_>,
    listening: &[Listening],
) -> Result<Explanation, Failure> {
    let weights = weights()?;
    let steps = |wanted| {
        let is_wanted = listening.contains(&wanted);
        if is_wanted {
            explain(replay, wanted, weights)
        } else {
            Vec::new()
        }
    };
    Ok(Explanation {
        schema: "voicesim.classifier_explanation/1",
        id: id.to_owned(),
        with_words: steps(Listening::WithWords),
        activity_only: steps(Listening::ActivityOnly),
    })
}

impl Explanation {
    fn as_text(&self) -> String {
        let mut text = String::new();
        for (listening, steps) in [
            (Listening::WithWords, &self.with_words),
            (Listening::ActivityOnly, &self.activity_only),
        ] {
            if !steps.is_empty() {
                text += &format!("{}, {}\n", self.id, listening.name());
            }
            for step in steps {
                text += &format!(
                    "{:>5} ms  p {:.2}  {:<11}  \"{}\"\n           for: {}\n       against: {}\n",
                    step.at_ms,
                    step.probability,
                    verdict_name(step),
                    step.words,
                    step.speaks_for.join(" · "),
                    step.speaks_against.join(" · "),
                );
            }
            if let Some(last) = steps.last() {
                text += &format!("       decided: {}\n", last.decided_by.join(" · "));
            }
        }
        text
    }
}

fn verdict_name(step: &Step) -> &'static str {
    match step.verdict {
        crate::event::Verdict::KeepTalking => "keep on",
        crate::event::Verdict::Unsure => "unsure",
        crate::event::Verdict::Stop => "stop",
    }
}
