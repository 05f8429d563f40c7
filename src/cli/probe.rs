//! `voicesim probe`: call somebody else's agent, and report what a caller of it hears.

use super::file::{refuse_unwritable, unwritable};
use super::measure::Work;
use super::number;
use super::page::Kept;
use super::signals::stop_at_signals;
use super::{Failure, Verdict, given, print_answer, print_json, print_plain};
use crate::credentials::{Credentials, Key};
use crate::files::release;
use crate::measure::{Measurement, Plan};
use crate::probe::{CallEnd, Held, Progress};
use crate::protocol::Protocol;
use crate::protocol::address::Address;
use crate::protocol::socket::Access;
use crate::record::store::{self, Header, KeepAudio, Probe as Facts, RowsPer};
use crate::report::calls::{self, MeasuredCall};
use crate::report::document::Skipped;
use crate::report::text;
use crate::run;
use crate::run::called::Caller;
use crate::run::probed::{self, Calling, NotHeld};
use crate::scenario::{self, Scenario};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The most calls that are held at a time.
const CALLS_MAX: u32 = 500;
/// The longest jitter buffer: a second.
const JITTER_MS_MAX: u32 = 1_000;

/// OpenAI's server, and where its key is.
const OPENAI: &str = "api.openai.com";
const OPENAI_KEY: &str = "OPENAI_API_KEY";

#[derive(Debug, Args)]
pub(super) struct Probe {
    /// Scenario whose turns the caller says
    scenario: PathBuf,
    /// Where the agent takes calls: ws:// or wss://
    #[arg(long, value_name = "URL")]
    agent: String,
    /// How the agent is spoken to; see `voicesim guide probe`
    #[arg(long, value_enum, value_name = "PROTOCOL", default_value_t)]
    protocol: ProtocolName,
    /// Environment variable that holds a key to send along (Authorization: Bearer); OPENAI_API_KEY for OpenAI's server
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// Milliseconds of the agent's sound that are held back before they are heard, as a telephone does against jitter
    #[arg(long, value_name = "MS", default_value = "0", value_parser = number::milliseconds)]
    jitter_buffer: u32,
    /// Hang up after this many seconds, whatever is still to be said
    #[arg(long = "for", value_name = "SECONDS", default_value = "600", value_parser = number::seconds)]
    seconds: u64,
    /// Calls at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_MAX)), help_heading = "Many calls")]
    calls: u32,
    /// Seconds over which the calls begin, evenly; all at once unless given
    #[arg(long, value_name = "SECONDS", value_parser = number::seconds, help_heading = "Many calls")]
    ramp: Option<u64>,
    /// Do not transcribe what the agent says: no model is needed
    #[arg(long)]
    no_transcribe: bool,
    /// A TOML file with a [budget] to keep, in place of the scenario's
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// Take turns into the figures whose latencies are doubtful
    #[arg(long)]
    with_doubtful: bool,
    /// Folder to keep the call in, with both sides of it; of several calls, one folder for each
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Do not keep the sound, which holds people's voices
    #[arg(long, help_heading = "Results")]
    no_audio: bool,
    /// Write the report as an HTML page: one file that loads nothing from elsewhere
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    html: Option<PathBuf>,
    /// Print the report as one JSON document
    #[arg(long, help_heading = "Results")]
    json: bool,
}

/// A protocol, as it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ProtocolName {
    /// 16-bit PCM and small JSON messages: for an agent of your own
    #[default]
    Pcm,
    /// Twilio Media Streams, as Twilio streams a call to an agent
    Twilio,
    /// OpenAI's Realtime API
    Realtime,
    /// A pipecat bot's WebSocket, with its ProtobufFrameSerializer
    Pipecat,
}

impl From<ProtocolName> for Protocol {
    fn from(name: ProtocolName) -> Protocol {
        match name {
            ProtocolName::Pcm => Protocol::Pcm,
            ProtocolName::Twilio => Protocol::Twilio,
            ProtocolName::Realtime => Protocol::Realtime,
            ProtocolName::Pipecat => Protocol::Pipecat,
        }
    }
}

/// What came of the calls.
struct Outcome {
    done: Vec<MeasuredCall>,
    skipped: Vec<Skipped>,
    /// Whether a call ended that had not come to its end.
    is_cut_short: bool,
}

impl Probe {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        given::as_scenario(&self.scenario)?;
        let scenario = self.scenario()?;
        let address = Address::parse(&self.agent)
            .map_err(|what| Failure::Input(format!("--agent: {what}")))?;
        if self.jitter_buffer > JITTER_MS_MAX {
            return Err(Failure::Input(format!(
                "--jitter-buffer {}: give up to {JITTER_MS_MAX} ms",
                self.jitter_buffer
            )));
        }
        // Where everybody's key has the same name, it need not be said.
        let usual = address.is_safely_at(OPENAI).then_some(OPENAI_KEY);
        let key = self.key_env.as_deref().or(usual).map(|variable| {
            Key::of(variable).ok_or_else(|| {
                Failure::Input(format!(
                    "--key-env: the environment variable {variable} holds no key; set it, or name another one"
                ))
            })
        });
        let access = Access {
            credentials: Arc::new(Credentials {
                key: key.transpose()?,
                headers: Vec::new(),
            }),
            key_goes: "--key-env NAME",
        };
        if let Some(path) = &self.html {
            refuse_unwritable("--html", path)?;
        }
        if let Some(out) = &self.out {
            run::refuse_used(out)?;
        }
        let protocol = Protocol::from(self.protocol);
        let caller = Caller::of(&scenario, protocol, self.calls)?;
        let mut work = self.work(&scenario, is_quiet)?;
        // Nobody calls for minutes to hear then that a model is missing.
        work.prepare()?;
        let kept = Kept::of(self.out.as_deref(), Some(Path::new("kept meanwhile")))?;
        let Some(kept) = kept else {
            return Err(Failure::Unavailable(
                "there is no folder for the calls".into(),
            ));
        };
        let folders = self.folders(kept.path());
        // Before anybody is called: of two probes with one folder, one has it.
        for folder in self
            .around()
            .into_iter()
            .chain(folders.iter().map(PathBuf::as_path))
        {
            // The file that marks it stays. Hundreds of them are not kept open.
            drop(store::claim(folder)?);
        }
        let stop = stop_at_signals();
        let shown = Shown::new(folders.len(), caller.lines(), is_quiet);
        let calling = Calling {
            address: &address,
            access: &access,
            protocol,
            caller: &caller,
            agent: scenario.agent(),
            jitter: Duration::from_millis(u64::from(self.jitter_buffer)),
            longest: Duration::from_secs(self.seconds),
            ramp: Duration::from_secs(self.ramp.unwrap_or(0)),
            wavs: folders
                .iter()
                .map(|folder| folder.join("conversation.wav"))
                .collect(),
            stop: &stop,
            told: &|call, progress| shown.show(call, progress),
        };
        let held = calling.hold();
        shown.end();
        let outcome = self.judge(&mut work, &scenario, (&calling, &folders), held)?;
        self.report(&scenario, &work, &kept, outcome)
    }

    fn scenario(&self) -> Result<Scenario, Failure> {
        let mut scenario = scenario::load(&self.scenario).map_err(Failure::input)?;
        if let Some(path) = &self.budget {
            scenario.set_budgets(scenario::load_budget(path).map_err(Failure::input)?);
        }
        if scenario.name().is_empty() {
            let stem = self.scenario.file_stem().unwrap_or_default();
            scenario.set_name(&stem.to_string_lossy());
        }
        Ok(scenario)
    }

    /// Whoever judges the recordings; what the agent says is written down by the usual recogniser, not by the one that the
    /// scenario gives an agent of its own.
    fn work(&self, scenario: &Scenario, is_quiet: bool) -> Result<Work, Failure> {
        let heard = scenario.changed(|file| file.stt = Default::default());
        let mut work = Work::new(heard.map_err(Failure::input)?, is_quiet);
        work.transcribes = !self.no_transcribe;
        work.takes_doubtful = self.with_doubtful;
        work.audio = match self.no_audio || self.out.is_none() {
            true => KeepAudio::No,
            false => KeepAudio::Yes,
        };
        Ok(work)
    }

    fn folders(&self, out: &Path) -> Vec<PathBuf> {
        match self.calls {
            1 => vec![out.to_owned()],
            calls => (1..=calls)
                .map(|call| out.join(format!("call-{call:03}")))
                .collect(),
        }
    }

    /// The folder around those of several calls, if they are kept.
    fn around(&self) -> Option<&Path> {
        self.out.as_deref().filter(|_| self.calls > 1)
    }

    fn judge(
        &self,
        work: &mut Work,
        scenario: &Scenario,
        (calling, folders): (&Calling<'_>, &[PathBuf]),
        held: Vec<Result<Held, NotHeld>>,
    ) -> Result<Outcome, Failure> {
        let mut outcome = Outcome {
            done: Vec::new(),
            skipped: Vec::new(),
            is_cut_short: false,
        };
        let mut unavailable = None;
        for (held, folder) in held.into_iter().zip(folders) {
            let name = match self.calls {
                1 => scenario.name().to_owned(),
                _ => calls::folder_name(folder),
            };
            let held = match held {
                Ok(held) => held,
                Err(NotHeld::Unavailable(reason)) => {
                    // What failed here is said of this call; the others were held all the same.
                    leave(folder);
                    unavailable.get_or_insert_with(|| reason.clone());
                    outcome.skipped.push(Skipped { call: name, reason });
                    continue;
                }
                Err(NotHeld::NotConnected(reason)) => {
                    leave(folder);
                    outcome.skipped.push(Skipped { call: name, reason });
                    continue;
                }
                Err(NotHeld::Stopped) => {
                    leave(folder);
                    outcome.is_cut_short = true;
                    continue;
                }
            };
            outcome.is_cut_short |= match held.end {
                CallEnd::Stopped | CallEnd::Overlong | CallEnd::Failed(_) => true,
                CallEnd::Finished | CallEnd::GaveUp | CallEnd::AgentHungUp => false,
            };
            let known = probed::known(calling.caller, &held);
            let facts = probed::facts(calling, &held);
            let call = work.probed(&known, facts, name, folder)?;
            if self.no_audio {
                let wav = folder.join("conversation.wav");
                std::fs::remove_file(&wav).map_err(|error| {
                    Failure::Unavailable(format!("cannot delete {}: {error}", wav.display()))
                })?;
            }
            store::seal(folder)?;
            outcome.done.push(call);
        }
        if let Some(around) = self.around() {
            release(around).map_err(|error| unwritable(&around.display().to_string(), &error))?;
        }
        if let (true, Some(error)) = (outcome.done.is_empty(), unavailable) {
            return Err(Failure::Unavailable(error));
        }
        if let (true, Some(first)) = (outcome.done.is_empty(), outcome.skipped.first()) {
            return Err(Failure::Unavailable(format!(
                "the agent took no call: {}",
                first.reason
            )));
        }
        Ok(outcome)
    }

    fn report(
        &self,
        scenario: &Scenario,
        work: &Work,
        kept: &Kept,
        outcome: Outcome,
    ) -> Result<Verdict, Failure> {
        let Outcome {
            mut done,
            skipped,
            is_cut_short,
        } = outcome;
        if done.is_empty() {
            return Err(Failure::Unavailable(
                "the calls were stopped before they began".into(),
            ));
        }
        let silent = done.iter().any(|call| call.is_one_sided);
        let passed = done.iter().all(|call| call.measured.has_passed());
        let budgets = match self.calls {
            1 => {
                let call = &done[0];
                if self.json {
                    print_json(&calls::of_one(call))?;
                } else {
                    print_plain(&text::report(&call.header, &call.measured, RowsPer::Turn));
                    print_answer(&call.measured, call.measured.cut_off_share());
                }
                call.measured.keeps_budgets()
            }
            _ => {
                calls::worst_first(&mut done);
                let plan = Plan::of(scenario, RowsPer::Turn);
                let all =
                    Measurement::of_many(done.iter().map(|call| &call.measured), &plan.budgets);
                let facts = done.iter().filter_map(|call| call.header.probe.as_ref());
                let header = Header {
                    clock: Header::PROBE.into(),
                    rows_per: RowsPer::Turn,
                    probe: Facts::together(facts),
                    ..work.header(scenario.name().to_owned(), Vec::new())?
                };
                if self.json {
                    print_json(&calls::of_many(&header, &all, &done, &skipped))?;
                } else {
                    print_plain(&text::summary_report(&header, &all));
                    print_plain(&calls::calls(&done, &skipped));
                    print_answer(&all, all.cut_off_share());
                }
                all.keeps_budgets()
            }
        };
        if let Some(path) = &self.html {
            kept.write_page(path, scenario.name(), |_| {})?;
        }
        let is_whole = skipped.is_empty() && !is_cut_short;
        // Each call must come out as expected; budgets hold for all of them together.
        let as_expected = match self.calls {
            1 => passed,
            _ => done.iter().all(|call| {
                let mut rows = call.measured.rows.iter();
                rows.all(|row| row.outcome.is_as_expected(row.expect))
            }),
        };
        Ok(match budgets && as_expected && !silent && is_whole {
            true => Verdict::Fine,
            false => Verdict::NotAsAsked,
        })
    }
}

/// Leaves nothing behind of a call in which nothing was heard.
fn leave(folder: &Path) {
    // What cannot be taken away says that it is unfinished.
    let _ = release(folder);
    let _ = std::fs::remove_dir(folder);
}

/// What is seen of the calls while they are held.
struct Shown {
    bar: ProgressBar,
    /// The lines of each call that were begun, and whether its agent speaks.
    calls: Mutex<Vec<Option<Progress>>>,
    lines: usize,
}

impl Shown {
    fn new(calls: usize, lines: usize, is_quiet: bool) -> Shown {
        let bar = match std::io::stderr().is_terminal() && !is_quiet {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        // A template that does not parse would cost the looks of the bar, not the report.
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise}  {msg}") {
            bar.set_style(style);
        }
        Shown {
            bar,
            calls: Mutex::new(vec![None; calls]),
            lines,
        }
    }

    fn show(&self, call: usize, progress: Progress) {
        // Ten times a second is as often as anybody looks.
        let is_seen = !self.bar.is_hidden() && progress.now.0.is_multiple_of(100_000_000);
        // A thread that panicked left nothing half-done here.
        let calls = self.calls.lock();
        let (true, Ok(mut calls)) = (is_seen, calls) else {
            return;
        };
        calls[call] = Some(progress);
        let begun: Vec<&Progress> = calls.iter().flatten().collect();
        let speak = begun.iter().filter(|call| call.agent_speaks).count();
        let message = match begun.as_slice() {
            [one] if calls.len() == 1 => {
                let who = match one.agent_speaks {
                    true => "the agent speaks",
                    false => "the agent is silent",
                };
                format!("turn {} of {} · {who}", one.lines_said, self.lines)
            }
            all => {
                let said: usize = all.iter().map(|call| call.lines_said).sum();
                let of = calls.len() * self.lines;
                format!(
                    "{} calls · turn {said} of {of} · {speak} agents speak",
                    all.len()
                )
            }
        };
        self.bar.set_message(message);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
