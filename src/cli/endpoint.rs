//! `voicesim endpoint`: what finds the end of a caller's turn: fitted, evaluated, asked and explained.

use super::file::{refuse_unwritable, write};
use super::fit::folders;
use super::{Failure, Verdict, examples, number, print, print_json, print_plain};
use crate::endpoint::calls;
use crate::endpoint::classifier::Classifier;
use crate::endpoint::eval::curves::curves;
use crate::endpoint::eval::trade_off::{self, Place};
use crate::endpoint::eval::{Policy, Setting, as_text, evaluate};
use crate::endpoint::explain::{Step, explain};
use crate::endpoint::pauses::{self, Labelled};
use crate::endpoint::weights::{Weights, shipped};
use crate::labelled::Needs;
use crate::record::store;
use crate::scenario::{self, CutOffs, EndpointPolicy};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct Endpoint {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit the weights of the classifier to labelled pauses
    #[command(after_help = examples::ENDPOINT_TRAIN)]
    Train(Train),
    /// Compare the policies on labelled pauses: how long callers wait, and how many pauses are cut
    #[command(after_help = examples::ENDPOINT_EVAL)]
    Eval(Eval),
    /// Print after which silence a policy commits in each pause, a JSON line each
    #[command(after_help = examples::ENDPOINT_PREDICT)]
    Predict(Predict),
    /// Explain what pulled the classifier which way in one pause
    #[command(after_help = examples::ENDPOINT_EXPLAIN)]
    Explain(Explain),
}

impl Endpoint {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        match self.command {
            Command::Train(command) => command.run(),
            Command::Eval(command) => command.run(),
            Command::Predict(command) => command.run(),
            Command::Explain(command) => command.run(),
        }
    }
}

#[derive(Debug, Args)]
struct Data {
    /// Pauses, .jsonl or .jsonl.gz
    #[arg(long = "data", num_args = 1.., required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Data {
    fn read(&self, needs: Needs) -> Result<Vec<Labelled>, Failure> {
        let mut all = Vec::new();
        for file in &self.files {
            all.extend(pauses::read(file, needs).map_err(Failure::input)?);
        }
        Ok(all)
    }

    /// The pauses between two people.
    fn two_party(&self) -> Result<Vec<Labelled>, Failure> {
        let mut all = self.read(Needs::Truth)?;
        let given = all.len();
        all.retain(|one| one.truth.as_ref().is_some_and(|truth| truth.is_two_party));
        match given - all.len() {
            0 => {}
            others => {
                tracing::warn!("warning: left out: {others} pauses among more than two people");
            }
        }
        match ends_and_pauses(&all) {
            (1.., 1..) => Ok(all),
            (ends, pauses) => Err(Failure::Input(format!(
                "--data: {ends} ends and {pauses} pauses between two people; give files with both"
            ))),
        }
    }
}

/// How many ends of turns there are, and pauses inside of turns.
fn ends_and_pauses(all: &[Labelled]) -> (usize, usize) {
    let of = |is_end| {
        let is_so = |one: &&Labelled| one.truth.as_ref().and_then(|it| it.is_end) == Some(is_end);
        all.iter().filter(is_so).count()
    };
    (of(true), of(false))
}

fn weights() -> Result<&'static Weights, Failure> {
    shipped().map_err(Failure::unavailable)
}

/// A share of pauses that may be cut.
fn cut_offs(given: &str) -> Result<f64, String> {
    let share = given.parse::<f64>().ok().and_then(CutOffs::new);
    let share = share.ok_or("give a share of pauses between 0.01 and 0.5");
    Ok(share?.share())
}

/// Fits to the two-party pauses of split "train", and tries the same kind of weights on all that is given, each
/// conversation by weights that were fitted without it.
#[derive(Debug, Args)]
struct Train {
    #[command(flatten)]
    data: Data,
    /// File to write the weights to
    #[arg(long, default_value = "src/endpoint/weights.json", value_name = "FILE")]
    out: PathBuf,
    /// Print the figures of the trial as JSON
    #[arg(long)]
    json: bool,
}

impl Train {
    #[cfg(not(feature = "train"))]
    fn run(self) -> Result<Verdict, Failure> {
        let _ = (self.data, self.out, self.json);
        Err(Failure::unavailable(
            "this voicesim cannot train: build it with `cargo build --release --features train`",
        ))
    }

    #[cfg(feature = "train")]
    fn run(self) -> Result<Verdict, Failure> {
        use crate::endpoint::train::{decided_at, train};
        refuse_unwritable("--out", &self.out)?;
        let data = self.data.two_party()?;
        let trained = train(&data).map_err(Failure::input)?;
        let text = trained.weights.as_text().map_err(Failure::unavailable)?;
        write("--out", &self.out, &text)?;
        let of = |name, has_words| Policy {
            name,
            log_bounds: Policy::PRICES,
            decide: Box::new({
                let (data, tried) = (&data, &trained.tried);
                move |price| decided_at(data, tried.iter(), price, has_words)
            }),
        };
        let policies = [
            Policy::silence(&data),
            of("classifier", true),
            of("no words", false),
        ];
        let evaluation = evaluate(&data, &policies, None);
        match self.json {
            true => print_json(&evaluation)?,
            false => print(&as_text(&evaluation)),
        }
        Ok(Verdict::Fine)
    }
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("pauses").required(true).args(["runs", "files"]))]
struct Eval {
    /// Run folders, or folders of them: the policies on the pauses of your own callers
    #[arg(value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Labelled pauses, .jsonl or .jsonl.gz
    #[arg(long = "data", num_args = 1.., value_name = "FILE", conflicts_with = "runs")]
    files: Vec<PathBuf>,
    /// File for the curves that simulations draw from: how long the classifier waits at ends and at pauses
    #[arg(long, value_name = "FILE")]
    curves: Option<PathBuf>,
    /// Scenario whose [endpointing] stands in the table and in the picture too
    #[arg(long, value_name = "SCENARIO")]
    scenario: Option<PathBuf>,
    /// File for a picture: the mean wait over the share of pauses cut, a line each policy
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// File to write the figures to as well, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Eval {
    fn run(self) -> Result<Verdict, Failure> {
        let outs = [
            ("--svg", &self.svg),
            ("--out", &self.out),
            ("--curves", &self.curves),
        ];
        for (flag, path) in outs {
            if let Some(path) = path {
                refuse_unwritable(flag, path)?;
            }
        }
        let asked = match &self.scenario {
            Some(path) => Some(asked(path)?),
            None => None,
        };
        let data = match self.runs.is_empty() {
            true => Data { files: self.files }.two_party()?,
            false => of_runs(&self.runs)?,
        };
        let weights = weights()?;
        if let Some(path) = &self.curves {
            let curves = curves(&data, weights);
            let curves = curves.map_err(|error| Failure::Input(format!("--curves: {error}")))?;
            write(
                "--curves",
                path,
                &curves.as_text().map_err(Failure::unavailable)?,
            )?;
        }
        let mut policies = vec![Policy::silence(&data), Policy::classifier(&data, weights)];
        let is_heard = data.iter().any(|one| one.sound.is_some());
        if let Some((name, Setting::SmartTurn(..) | Setting::Eot(_))) = asked
            && !is_heard
        {
            return Err(Failure::Input(format!(
                "--scenario: {name} goes by sound, and none of these pauses was heard by Smart Turn; give runs that were recorded with policy = \"smart_turn\" or \"eot\""
            )));
        }
        if is_heard {
            policies.push(Policy::smart_turn(&data));
            policies.push(Policy::eot(&data, weights));
        }
        let decided = asked.map(|(name, setting)| (name, setting.decides(&data, weights)));
        let marked = decided
            .as_ref()
            .map(|(name, decided)| (*name, &decided[..]));
        if let Some(path) = &self.svg {
            let place = marked.map(|(name, decided)| (name, Place::of(decided)));
            write("--svg", path, &trade_off::svg(&policies, place))?;
        }
        let evaluation = evaluate(&data, &policies, marked);
        if let Some(path) = &self.out {
            let text = serde_json::to_string_pretty(&evaluation).map_err(Failure::unavailable)?;
            write("--out", path, &(text + "\n"))?;
        }
        match self.json {
            true => print_json(&evaluation)?,
            false => print(&as_text(&evaluation)),
        }
        Ok(Verdict::Fine)
    }
}

/// The endpointing policy of a scenario, and its setting.
fn asked(path: &Path) -> Result<(&'static str, Setting), Failure> {
    let scenario = scenario::load(path).map_err(Failure::input)?;
    let policy = &scenario.endpointing.policy;
    let setting = match *policy {
        EndpointPolicy::Silence(silence) => Setting::Silence(silence),
        EndpointPolicy::Classifier(cut_offs) => Setting::Classifier(cut_offs.share()),
        EndpointPolicy::SmartTurn {
            threshold,
            patience,
        } => Setting::SmartTurn(threshold, patience),
        EndpointPolicy::Eot(cut_offs) => Setting::Eot(cut_offs.share()),
    };
    Ok((policy.name(), setting))
}

/// The pauses of recorded conversations.
fn of_runs(given: &[PathBuf]) -> Result<Vec<Labelled>, Failure> {
    let (mut all, mut conversations) = (Vec::new(), 0);
    for path in given {
        for folder in folders(path)? {
            let name = folder.display().to_string();
            if folder.join(store::TURNS).is_file() {
                tracing::warn!(
                    "warning: left out: {name} is of a simulation, whose callers pause as they were told to"
                );
                continue;
            }
            store::verify(&folder)?;
            let events = store::read_events(&folder)?;
            all.extend(calls::pauses(&events, &name));
            conversations += 1;
        }
    }
    match ends_and_pauses(&all) {
        (1.., 1..) => Ok(all),
        (ends, pauses) => Err(Failure::Input(format!(
            "{ends} ends of turns and {pauses} pauses inside of them in {conversations} conversations: policies differ by what they do in pauses; give runs in which callers pause"
        ))),
    }
}

/// Policies, of which those that need no sound can be asked about pauses in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Named {
    /// The fixed silence that cut this share of pauses in the training data
    Silence,
    /// The classifier on words and timing
    Classifier,
    /// Smart Turn, which needs sound: refused
    SmartTurn,
    /// Both, which needs sound: refused
    Eot,
}

#[derive(Debug, Args)]
struct Predict {
    #[command(flatten)]
    data: Data,
    /// What decides
    #[arg(long, default_value = "classifier", value_name = "NAME")]
    policy: Named,
    /// The share of pauses that may be taken for the end, 0.01 to 0.5
    #[arg(long, default_value_t = 0.05, value_name = "P", value_parser = cut_offs)]
    cut_offs: f64,
    /// How long after a pause began its words are known
    #[arg(long, default_value_t = 200, value_name = "MS", value_parser = number::milliseconds)]
    word_delay_ms: u32,
    /// File to write the lines to instead of printing them
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print lines of JSON, as without this flag
    #[arg(long)]
    json: bool,
}

/// What is predicted for one pause.
#[derive(Debug, Serialize)]
struct Prediction<'a> {
    id: &'a str,
    /// The silence after which the policy commits.
    commit_ms: f64,
}

impl Predict {
    fn run(self) -> Result<Verdict, Failure> {
        if let Named::SmartTurn | Named::Eot = self.policy {
            return Err(Failure::Input(
                "--policy: smart_turn and eot go by the sound of the last words, and these files have none; take classifier or silence, or record runs with the policy and look at them with `voicesim endpoint eval RUN`".into(),
            ));
        }
        let data = self.data.read(Needs::Prediction)?;
        let weights = weights()?;
        let classifier = Classifier::new(weights, self.cut_offs);
        let fixed = weights.silence(self.cut_offs);
        let word_delay = Duration::from_millis(self.word_delay_ms.into());
        let mut text = String::new();
        for one in &data {
            let silence = match self.policy {
                Named::Silence => fixed,
                _ => classifier.commits_after(&one.pause, word_delay),
            };
            let prediction = Prediction {
                id: &one.id,
                commit_ms: silence.as_secs_f64() * 1e3,
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

#[derive(Debug, Args)]
struct Explain {
    #[command(flatten)]
    data: Data,
    /// The pause in the data to explain
    #[arg(long, value_name = "ID")]
    id: String,
    /// The share of pauses that may be taken for the end, 0.01 to 0.5
    #[arg(long, default_value_t = 0.05, value_name = "P", value_parser = cut_offs)]
    cut_offs: f64,
    /// Print the decisions as JSON
    #[arg(long)]
    json: bool,
}

/// The decisions in one pause: before words are known, and with them.
#[derive(Debug, Serialize)]
struct Explanation {
    schema: &'static str,
    id: String,
    decisions: Vec<Step>,
}

impl Explain {
    fn run(self) -> Result<Verdict, Failure> {
        let data = self.data.read(Needs::Prediction)?;
        let Some(found) = data.iter().find(|one| one.id == self.id) else {
            return Err(Failure::Input(format!(
                "--id {}: no such pause in the data; ids are the \"id\" of its lines",
                self.id
            )));
        };
        let explanation = Explanation {
            schema: "voicesim.endpoint_explanation/1",
            decisions: explain(&found.pause, weights()?, self.cut_offs),
            id: self.id,
        };
        match self.json {
            true => print_json(&explanation)?,
            false => print_plain(&explanation.as_text()),
        }
        Ok(Verdict::Fine)
    }
}

impl Explanation {
    fn as_text(&self) -> String {
        let mut text = format!("{}\n", self.id);
        for step in &self.decisions {
            let known = match step.words.is_empty() {
                true => "before words are known".to_owned(),
                false => format!("“… {}”", step.words),
            };
            text += &format!(
                "{known}\n  commits after {} ms of silence, p {:.2}\n      for: {}\n  against: {}\n",
                step.commit_ms,
                step.probability,
                listed(&step.speaks_for),
                listed(&step.speaks_against),
            );
        }
        text
    }
}

fn listed(reasons: &[String]) -> String {
    match reasons.is_empty() {
        true => "(nothing)".to_owned(),
        false => reasons.join(" · "),
    }
}
