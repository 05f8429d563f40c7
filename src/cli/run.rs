//! `voicesim run`: hold a conversation from recordings.

use super::{Failure, Verdict, prepare, print, print_json};
use crate::clock::Clock;
use crate::ear::{Ear, UtteranceOver};
use crate::engine::{self, Engines};
use crate::event::{Event, Mark, SessionEnd, SessionId, TurnId};
use crate::interrupt::policy;
use crate::measure::{self, Plan};
use crate::pipeline::endpoint::Endpointing;
use crate::pipeline::script::{Line, Script};
use crate::pipeline::{AgentState, Session, Settings, Stages};
use crate::record::store::{Header, KeepAudio, RowsPer, RunFolder};
use crate::record::tap::Tap;
use crate::report;
use crate::scenario::{self, After, Scenario};
use clap::{Args, ValueEnum};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Reports of the ear that may wait for the session: a second of frames.
const ACTIVITY_WAITING_MAX: usize = 64;

#[derive(Debug, Args)]
pub(super) struct Run {
    /// What to run; see `voicesim init`
    scenario: Option<PathBuf>,
    /// Recordings to speak one after the other, in place of the scenario's turns (repeatable)
    #[arg(long, value_name = "FILE")]
    wav: Vec<PathBuf>,
    /// What time to run in
    #[arg(long, value_enum, default_value_t = ClockKind::Real)]
    clock: ClockKind,
    /// Of everything random
    #[arg(long)]
    seed: Option<u64>,
    /// Speech to text: whisper, simulated, or "command:PROGRAM ARGUMENT…"
    #[arg(long, value_name = "ENGINE")]
    stt: Option<String>,
    /// Answers: retrieval, simulated, or "command:PROGRAM ARGUMENT…"
    #[arg(long, value_name = "ENGINE")]
    answer: Option<String>,
    /// Text to speech: piper, espeak, simulated, or "command:PROGRAM ARGUMENT…"
    #[arg(long, value_name = "ENGINE")]
    tts: Option<String>,
    /// Documents to answer from, a folder of Markdown or text
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
    /// Keep no sound: it holds voices
    #[arg(long)]
    no_audio: bool,
    /// Where to keep the run; a new folder under runs/ unless given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the report as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockKind {
    /// As long as it takes
    Real,
    /// Not in this version
    Virtual,
}

impl Run {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        if self.clock == ClockKind::Virtual {
            return Err(Failure::Input(
                "--clock virtual: this version has the real clock only; use --clock real".into(),
            ));
        }
        let (scenario, rows_per) = self.scenario()?;
        let mut sounds = prepare::recordings(&scenario)?;
        engine::check(&scenario).map_err(engine_failure)?;
        let folder = self
            .out
            .clone()
            .unwrap_or_else(|| default_folder(&scenario));
        refuse_used_folder(&folder)?;

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::unavailable)?;
        runtime.block_on(async {
            let clock = Clock::real(scenario.cores);
            let mut engines = engine::build(&scenario, &clock).map_err(engine_failure)?;
            prepare::speak(&scenario, &mut engines, &mut sounds, &clock).await?;
            let header = header(&scenario, &engines, rows_per)?;
            let keep = if self.no_audio { KeepAudio::No } else { KeepAudio::Yes };
            let store = RunFolder::create(&folder, &header, keep).map_err(Failure::unavailable)?;
            tracing::info!("recording into {}", folder.display());
            let tap = Tap::new(clock.clone(), SessionId(0), Some(store));
            let lines = prepare::lines(&scenario, sounds);
            converse(&scenario, engines, lines, &clock, &tap).await?;
            tap.finish().map_err(|error| {
                Failure::Unavailable(format!(
                    "the run folder {} could not be written to its end: {error}; make room or choose another folder with --out",
                    folder.display()
                ))
            })?;
            self.report(&folder, &header, &tap.events(), &Plan::of(&scenario, rows_per))
        })
    }

    /// What to run, checked.
    fn scenario(&self) -> Result<(Scenario, RowsPer), Failure> {
        let mut scenario = match &self.scenario {
            Some(path) => scenario::load(path).map_err(Failure::input)?,
            None if self.wav.is_empty() => {
                return Err(Failure::Input(
                    "nothing to run: name a scenario (voicesim run SCENARIO.toml), or recordings (--wav FILE); `voicesim init` writes a scenario to start from".into(),
                ));
            }
            None => Scenario::default(),
        };
        let rows_per = if self.wav.is_empty() {
            RowsPer::Turn
        } else {
            scenario.turn = self.wav.iter().map(|path| recording(path)).collect();
            if scenario.name.is_empty() {
                let stem = self.wav[0].file_stem().unwrap_or_default();
                scenario.name = stem.to_string_lossy().into_owned();
            }
            if let Some(first) = scenario.turn.first_mut() {
                first.after = Some(After::SessionStart);
            }
            RowsPer::Utterance
        };
        self.overrule(&mut scenario);
        scenario.check().map_err(Failure::Input)?;
        Ok((scenario, rows_per))
    }

    /// Flags stand above the scenario.
    fn overrule(&self, scenario: &mut Scenario) {
        if let Some(seed) = self.seed {
            scenario.seed = seed;
        }
        let set =
            |name: &Option<String>, engine: &mut String, command: &mut Option<Vec<String>>| {
                let Some(name) = name else {
                    return false;
                };
                *command = None;
                match name.split_once(':') {
                    Some(("command", line)) => {
                        *engine = "command".into();
                        *command = Some(line.split_whitespace().map(str::to_owned).collect());
                    }
                    _ => engine.clone_from(name),
                }
                true
            };
        let (stt, answer, tts) = (&mut scenario.stt, &mut scenario.answer, &mut scenario.tts);
        if set(&self.stt, &mut stt.engine, &mut stt.command) {
            (stt.model, stt.latency) = (None, None);
        }
        if set(&self.answer, &mut answer.engine, &mut answer.command) {
            answer.latency = None;
        }
        if set(&self.tts, &mut tts.engine, &mut tts.command) {
            (tts.voice, tts.latency) = (None, None);
        }
        if let Some(docs) = &self.docs {
            answer.docs = Some(docs.clone());
        }
    }

    fn report(
        &self,
        folder: &Path,
        header: &Header,
        events: &[Event],
        plan: &Plan,
    ) -> Result<Verdict, Failure> {
        let measured = measure::measure(events, plan);
        let length = events
            .last()
            .map_or(Duration::ZERO, |e| Duration::from_nanos(e.tick.0));
        let path = folder.join("latency.hlog");
        File::create(&path)
            .and_then(|file| report::hlog::write(&measured, length, BufWriter::new(file)))
            .map_err(|error| {
                Failure::Unavailable(format!(
                    "cannot write {}: {error}; make room or choose another folder with --out",
                    path.display()
                ))
            })?;
        if self.json {
            print_json(&report::document::document(header, &measured))?;
        } else {
            print(&report::text::report(header, &measured, plan.rows_per));
        }
        Ok(if measured.has_passed() {
            Verdict::Fine
        } else {
            Verdict::NotAsAsked
        })
    }
}

fn engine_failure(error: engine::EngineError) -> Failure {
    match error {
        engine::EngineError::Input(text) => Failure::Input(text),
        engine::EngineError::Unavailable(text) => Failure::Unavailable(text),
    }
}

/// A turn for a recording of which nothing is known.
fn recording(path: &Path) -> scenario::Turn {
    scenario::Turn {
        wav: Some(path.to_owned()),
        after: Some(After::PreviousTurnEnd),
        ..scenario::Turn::default()
    }
}

fn default_folder(scenario: &Scenario) -> PathBuf {
    let name: String = scenario
        .name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(40)
        .collect();
    let started = Clock::date_and_time().replace(':', "-");
    let first = PathBuf::from("runs").join(format!("{started}-{name}"));
    // Two runs of one second get folders of their own.
    (2..1_000)
        .map(|number| PathBuf::from(format!("{}-{number}", first.display())))
        .fold(
            first.clone(),
            |folder, next| {
                if folder.exists() { next } else { folder }
            },
        )
}

/// Refused before models are loaded; [`RunFolder::create`] checks again.
fn refuse_used_folder(folder: &Path) -> Result<(), Failure> {
    let is_used = match folder.read_dir() {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.exists(),
    };
    if is_used {
        return Err(Failure::Input(format!(
            "--out {} exists already and is not an empty folder; choose another one",
            folder.display()
        )));
    }
    Ok(())
}

fn header(scenario: &Scenario, engines: &Engines, rows_per: RowsPer) -> Result<Header, Failure> {
    Ok(Header {
        schema: Header::SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        name: scenario.name.clone(),
        seed: scenario.seed,
        clock: "real".into(),
        cores: scenario.cores,
        engines: engines.described.clone(),
        policy: scenario.interruption.policy.clone(),
        notes: engines.notes.clone(),
        rows_per,
        scenario: serde_json::to_value(scenario).map_err(Failure::unavailable)?,
        machine: format!(
            "{} {}, {} processors",
            std::env::consts::OS,
            std::env::consts::ARCH,
            std::thread::available_parallelism().map_or(1, |n| n.get())
        ),
        started: Clock::date_and_time(),
    })
}

/// Holds the conversation to its end, or to Ctrl-C.
async fn converse(
    scenario: &Scenario,
    engines: Engines,
    lines: Vec<Line>,
    clock: &Clock,
    tap: &Tap,
) -> Result<(), Failure> {
    let policy = policy::by_name(&scenario.interruption.policy).ok_or_else(|| {
        Failure::Input(format!(
            "there is no interruption policy {:?}",
            scenario.interruption.policy
        ))
    })?;
    let over = UtteranceOver::default();
    let (activity, heard) = mpsc::channel(ACTIVITY_WAITING_MAX);
    let (shown, agent) = watch::channel(AgentState::default());
    let session = Session {
        clock: clock.clone(),
        tap: tap.clone(),
        stages: Stages {
            stt: engines.stt.into(),
            answer: engines.answer.into(),
            clauses: engines.clauses.into(),
            tts: engines.tts.into(),
        },
        policy,
        settings: Settings {
            endpointing: Endpointing {
                silence: Duration::from_millis(scenario.endpointing.silence_ms),
                longest: Duration::from_millis(scenario.endpointing.longest_utterance_ms),
            },
        },
        over: over.clone(),
        agent: shown,
    };
    let script = Script {
        clock: clock.clone(),
        tap: tap.clone(),
        ear: Ear::new(scenario.ear.vad_threshold, over),
        lines,
        agent,
        activity,
    };
    clock.start();
    let conversation = async {
        tokio::join!(biased; script.speak(), session.run(heard));
    };
    tokio::select! {
        biased;
        () = conversation => {}
        stopped = tokio::signal::ctrl_c() => {
            stopped.map_err(Failure::unavailable)?;
            let cause = SessionEnd::Aborted;
            tap.mark(TurnId(0), Mark::SessionEnded { cause });
        }
    }
    Ok(())
}
