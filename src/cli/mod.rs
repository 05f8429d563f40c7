//! The command line: one file a subcommand.

mod asked;
mod bar;
mod calibrate;
mod call_folder;
mod check;
mod claimed;
mod classifier;
mod clocks;
mod colour;
mod compare;
mod completions;
mod devices;
mod endpoint;
mod engines;
mod eval;
mod examples;
mod exports;
mod file;
mod find;
mod fit;
mod follow;
mod given;
mod guide;
mod import;
#[cfg(feature = "retrieval")]
mod index;
mod init;
#[cfg(feature = "listen")]
mod listen;
mod live;
mod measure;
mod merge;
mod models;
mod number;
mod otlp;
mod output;
mod page;
mod plan;
mod presets;
#[cfg(feature = "probe")]
mod probe;
mod recordings;
mod redact;
mod rederive;
mod report;
mod run;
mod say;
mod schema;
mod scrape;
mod sensitivity;
#[cfg(feature = "probe")]
mod serve;
mod signals;
mod simulate;
mod sweep;
mod validate;

use crate::call::CallError;
use crate::engine::EngineError;
use crate::measure::Measurement;
use crate::record::store::StoreError;
use crate::run::RunError;
use crate::run::signals::cut_short;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};
use colour::Color;
pub use output::tell;
use output::{print, print_drawn};
use std::process::ExitCode;

/// Latency pipeline simulator for voice assistants: every hop timed, adding up to what the caller
/// hears.
#[derive(Debug, Parser)]
#[command(name = "voicesim", version, max_term_width = 100, after_help = examples::VOICESIM)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Log more: -v shows every event of the conversation, -vv what libraries log too
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Logging")]
    verbose: u8,
    /// Print nothing but errors and the result
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Logging"
    )]
    quiet: bool,
    /// When to use colours: auto (in a terminal, unless NO_COLOR is set), always or never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Logging"
    )]
    color: Color,
}

impl Arguments {
    /// The arguments of this process. Help and errors, which end it here, have the colours that they ask for.
    pub fn of_process() -> Arguments {
        let lossy = |argument: std::ffi::OsString| argument.to_string_lossy().into_owned();
        let asked = Color::asked(std::env::args_os().skip(1).map(lossy));
        let command = Arguments::command().color(asked.for_help());
        let parsed = command.try_get_matches();
        match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
            Ok(arguments) => arguments,
            Err(error) => output::end_with(&error),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure any assistant from the recording of a call
    #[command(after_help = examples::MEASURE)]
    Measure(measure::Measure),
    /// Call somebody else's agent, and report what its callers hear
    #[cfg(feature = "probe")]
    #[command(after_help = examples::PROBE)]
    Probe(Box<probe::Probe>),
    /// Take calls as an agent whose latency and faults a scenario sets: a test double for clients
    #[cfg(feature = "probe")]
    #[command(after_help = examples::SERVE)]
    Serve(Box<serve::Serve>),
    /// Import traces and call logs of an agent on LiveKit, pipecat, Vapi, Retell or elsewhere
    #[command(after_help = examples::IMPORT)]
    Import(import::Import),
    /// Hold a conversation, from recordings or at a microphone, and report its latency
    #[command(after_help = examples::RUN)]
    Run(Box<run::Run>),
    /// Hold a conversation thousands of times without sound, and report what callers would feel
    #[command(after_help = examples::SIMULATE)]
    Simulate(simulate::Simulate),
    /// Fit a profile for simulations to runs, traces or measured calls
    #[command(after_help = examples::FIT)]
    Fit(fit::FitTo),
    /// Hold what a profile predicts against runs that it was not fitted to
    #[command(after_help = examples::VALIDATE)]
    Validate(validate::Validate),
    /// Write a scenario to start from
    #[command(after_help = examples::INIT)]
    Init(init::Init),
    /// Read the guide: every topic, without a network
    #[command(after_help = examples::GUIDE)]
    Guide(guide::Guide),
    /// Show what an answer's text becomes before a voice speaks it, and speak it to a file
    #[command(after_help = examples::SAY)]
    Say(say::Say),
    /// Check whether a scenario can be run, without running it
    #[command(after_help = examples::CHECK)]
    Check(check::Check),
    /// Print the report of a run folder again
    #[command(after_help = examples::REPORT)]
    Report(report::Report),
    /// Take sound, words or both out of results, while their figures stay
    #[command(after_help = examples::REDACT)]
    Redact(redact::Redact),
    /// Compare two runs, calls or simulations, and tell differences from chance
    #[command(after_help = examples::COMPARE)]
    Compare(compare::Compare),
    /// Have people compare two or more systems by ear, without knowing which is which
    #[cfg(feature = "listen")]
    #[command(after_help = examples::LISTEN)]
    Listen(listen::Listen),
    /// Simulate a scenario in every combination of some settings, and show the best trade-offs
    #[command(after_help = examples::SWEEP)]
    Sweep(sweep::Sweep),
    /// Choose the cheapest, or fastest, combination of settings that keeps the scenario's budgets
    #[command(after_help = examples::PLAN)]
    Plan(plan::Plan),
    /// Join the shards of a simulation
    #[command(after_help = examples::MERGE)]
    Merge(merge::Merge),
    /// List published latencies and networks that a scenario can name, with their sources
    #[command(after_help = examples::PRESETS)]
    Presets(presets::Presets),
    /// Print the JSON Schema of scenarios or budget files, by which editors complete keys
    #[command(after_help = examples::SCHEMA)]
    Schema(schema::Schema),
    /// Judge every step of an agent by itself, and by segment, over a suite of turns
    #[command(after_help = examples::EVAL)]
    Eval(eval::Eval),
    /// Train, evaluate and explain how the end of a caller's turn is found
    #[command(after_help = examples::ENDPOINT)]
    Endpoint(endpoint::Endpoint),
    /// Train, evaluate and explain the interruption classifier
    #[command(after_help = examples::CLASSIFIER)]
    Classifier(classifier::Classifier),
    /// Prepare, search and evaluate the documents that questions are answered from
    #[cfg(feature = "retrieval")]
    #[command(after_help = examples::INDEX)]
    Index(index::Index),
    /// List, install or verify the model files of the engines
    #[command(after_help = examples::MODELS)]
    Models(models::Models),
    /// List microphones and speakers, and whether they open
    #[command(after_help = examples::DEVICES)]
    Devices(devices::Devices),
    /// Print a script that completes commands and flags in a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Completions),
    /// Print the manual page, or write the pages of all commands
    #[command(name = "man", after_help = examples::MANUAL)]
    Manual(completions::Manual),
}

/// How a command that was carried out ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// A budget was missed, a turn did not come out as expected, or what is compared became worse.
    NotAsAsked,
    /// A signal ended it before its end, with this exit code; what there was is kept.
    CutShort(u8),
}

impl Verdict {
    pub fn exit_code(self) -> ExitCode {
        match self {
            Verdict::Fine => ExitCode::SUCCESS,
            Verdict::NotAsAsked => ExitCode::from(1),
            Verdict::CutShort(code) => ExitCode::from(code),
        }
    }
}

/// Why a command was not carried out. The text names the file, line or flag, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The user's input is wrong: exit code 2.
    #[error("{0}")]
    Input(String),
    /// An engine, model, device or the disk is not available: exit code 3.
    #[error("{0}")]
    Unavailable(String),
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        match error {
            RunError::Input(text) | RunError::Saturated(text) => Failure::Input(text),
            RunError::Unavailable(text) => Failure::Unavailable(text),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        match error {
            CallError::Words(_)
            | CallError::Record(_)
            | CallError::Thread(_)
            | CallError::Policy(_)
            | CallError::Silero(_) => Failure::unavailable(error),
            _ => Failure::input(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error.is_wrong_input() {
            true => Failure::input(error),
            false => Failure::unavailable(error),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        RunError::from(error).into()
    }
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Input(_) => ExitCode::from(2),
            Failure::Unavailable(_) => ExitCode::from(3),
        }
    }

    /// What the system has run out of, threads, memory, file handles or room, is no wrong input, wherever it was met.
    fn by_cause(self) -> Failure {
        const LACKS: [&str; 6] = [
            "(os error 11)",
            "(os error 12)",
            "(os error 23)",
            "(os error 24)",
            "(os error 28)",
            "(os error 122)",
        ];
        match self {
            Failure::Input(text) if LACKS.iter().any(|lack| text.contains(lack)) => {
                Failure::Unavailable(text)
            }
            failure => failure,
        }
    }

    fn input(error: impl ToString) -> Failure {
        Failure::Input(error.to_string())
    }

    fn unavailable(error: impl ToString) -> Failure {
        Failure::Unavailable(error.to_string())
    }
}

/// Carries out the command that was given. What it prints has to arrive.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let verdict = carry_out(arguments).map_err(Failure::by_cause)?;
    output::arrived()?;
    // What was cut short is not judged.
    Ok(cut_short().map_or(verdict, Verdict::CutShort))
}

fn carry_out(arguments: Arguments) -> Result<Verdict, Failure> {
    let is_quiet = arguments.quiet;
    // Whoever asks for every event wants lines, and no screen over them.
    let is_plain = is_quiet || arguments.verbose > 0;
    match arguments.command {
        Command::Run(command) => command.run(is_plain),
        Command::Simulate(command) => command.run(is_quiet),
        Command::Fit(command) => command.run(),
        Command::Eval(command) => command.run(is_quiet),
        Command::Validate(command) => command.run(),
        Command::Merge(command) => command.run(),
        Command::Sweep(command) => command.run(is_quiet),
        Command::Plan(command) => command.run(is_quiet),
        Command::Measure(command) => command.run(is_quiet),
        #[cfg(feature = "probe")]
        Command::Probe(command) => command.run(is_quiet),
        #[cfg(feature = "probe")]
        Command::Serve(command) => command.run(),
        Command::Import(command) => command.run(is_quiet),
        Command::Report(command) => command.run(),
        Command::Redact(command) => command.run(),
        Command::Compare(command) => command.run(),
        #[cfg(feature = "listen")]
        Command::Listen(command) => command.run(),
        Command::Say(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Guide(command) => command.run(),
        Command::Endpoint(command) => command.run(),
        Command::Classifier(command) => command.run(is_quiet),
        #[cfg(feature = "retrieval")]
        Command::Index(command) => command.run(is_quiet),
        Command::Models(command) => command.run(is_quiet),
        Command::Devices(command) => command.run(),
        Command::Presets(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Manual(command) => command.run(),
    }
}

/// Decides on colours, and sends logs to stderr, as much as -v and -q ask for; RUST_LOG overrides them.
pub fn log_to_stderr(arguments: &Arguments) {
    arguments.color.decide();
    use tracing_subscriber::EnvFilter;
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => "error",
        (false, 0) => "voicesim=info,error",
        (false, 1) => "voicesim=debug,warn",
        (false, _) => "trace",
    };
    // A simulation counts its failures; a line for each of them would be thousands.
    let level = match (&arguments.command, arguments.verbose) {
        (Command::Simulate(_) | Command::Sweep(_) | Command::Plan(_), 0) => {
            format!("{level},voicesim::pipeline=off")
        }
        _ => level.to_owned(),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let format = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| live::ScreenLog)
        // Colours are escape sequences, and so is what a name may hold: neither is shown.
        .with_ansi(false)
        // Where stderr is full or closed, there is nobody to tell.
        .log_internal_errors(false)
        .with_target(arguments.verbose > 1)
        .with_level(arguments.verbose > 0);
    // A second call, as in a test of the library, keeps the first subscriber.
    let _ = format.without_time().try_init();
}

/// Prints text for people, with nothing in it that a terminal would act on, since names in it may come from others.
fn print_plain(text: &str) {
    print_drawn(&colour::painted(crate::files::plain(text)));
}

/// Prints what results come to, below them.
fn print_answer(measured: &Measurement, cut_off_share: Option<f64>) {
    print_sentence(&crate::report::answer::sentence(measured, cut_off_share));
}

/// Prints a sentence below results.
fn print_sentence(answer: &str) {
    let answer = crate::files::plain(answer);
    print_drawn(&format!("\n{}", colour::bold(answer + "\n")));
}

fn print_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(Failure::unavailable)?;
    print_drawn(&(output::plain_json(&text) + "\n"));
    Ok(())
}
