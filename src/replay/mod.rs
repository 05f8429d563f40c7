//! A conversation from recordings, from the scenario to the figures: engines built, a session held,
//! the record measured. `voicesim run` and a `#[test]` of yours do the same through here.

mod call;
mod prepare;

use crate::clock::Clock;
use crate::engine::recorded::MissingInput;
use crate::engine::{self, EngineError, Engines};
use crate::event::{Event, SessionId};
use crate::measure::{self, Measurement, Plan};
use crate::record::store::{self, Header, KeepAudio, RowsPer, RunFolder};
use crate::record::tap::Tap;
use crate::report::hlog;
use crate::scenario::{After, Scenario, Turn};
use call::Call;
use prepare::Sounds;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is to be replayed, and where it is kept.
pub struct Replay {
    scenario: Scenario,
    rows_per: RowsPer,
    time: Time,
    recorded: Option<PathBuf>,
    keep: Option<(PathBuf, KeepAudio)>,
    hang_up: Option<Duration>,
}

/// What kind of time a conversation is held in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// As long as it takes.
    #[default]
    Real,
    /// As long as its engines compute: waiting takes no time, and what engines compute counts as
    /// long as it was measured to take.
    Virtual,
}

/// A replay that is over.
pub struct Replayed {
    pub header: Header,
    pub events: Vec<Event>,
    pub measured: Measurement,
}

/// Why there is nothing to report. The text names what is wrong, and the cure.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The scenario, a recording or a folder is wrong.
    #[error("{0}")]
    Input(String),
    /// An engine, a model or the disk is not available.
    #[error("{0}")]
    Unavailable(String),
}

impl From<EngineError> for ReplayError {
    fn from(error: EngineError) -> ReplayError {
        match error {
            EngineError::Input(text) => ReplayError::Input(text),
            EngineError::Unavailable(text) => ReplayError::Unavailable(text),
        }
    }
}

fn input(error: impl ToString) -> ReplayError {
    ReplayError::Input(error.to_string())
}

fn unavailable(error: impl ToString) -> ReplayError {
    ReplayError::Unavailable(error.to_string())
}

impl Replay {
    /// Replays the turns of a scenario; the report has a row for each.
    pub fn of(scenario: Scenario) -> Replay {
        Replay {
            scenario,
            rows_per: RowsPer::Turn,
            time: Time::Real,
            recorded: None,
            keep: None,
            hang_up: None,
        }
    }

    /// Replays recordings of which nothing else is known, one after the other, in place of the
    /// scenario's turns; the report has a row for each utterance in them.
    pub fn of_recordings(recordings: &[PathBuf], mut scenario: Scenario) -> Replay {
        let turns = recordings.iter().enumerate().map(|(index, path)| Turn {
            wav: Some(path.clone()),
            after: Some(match index {
                0 => After::SessionStart,
                _ => After::PreviousTurnEnd,
            }),
            ..Turn::default()
        });
        scenario.turn = turns.collect();
        if let (true, Some(first)) = (scenario.name.is_empty(), recordings.first()) {
            let stem = first.file_stem().unwrap_or_default();
            scenario.name = stem.to_string_lossy().into_owned();
        }
        Replay {
            scenario,
            rows_per: RowsPer::Utterance,
            time: Time::Real,
            recorded: None,
            keep: None,
            hang_up: None,
        }
    }

    /// Keeps the run in a folder, which must be new or empty.
    pub fn keep_in(mut self, folder: PathBuf, audio: KeepAudio) -> Replay {
        self.keep = Some((folder, audio));
        self
    }

    /// Holds it in this kind of time; in real time unless told.
    pub fn in_time(mut self, time: Time) -> Replay {
        self.time = time;
        self
    }

    /// Repeats the outputs and durations of an earlier run folder in place of running engines, in
    /// virtual time, on the cores of that run. An input that is not in it is an error that names it.
    pub fn repeating(mut self, folder: PathBuf) -> Replay {
        self.time = Time::Virtual;
        self.recorded = Some(folder);
        self
    }

    /// Has the caller hang up after so long, whatever is still to be said.
    pub fn hanging_up_after(mut self, length: Duration) -> Replay {
        self.hang_up = Some(length);
        self
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Everything that can be wrong with the input, without looking for a model.
    pub fn check(&self) -> Result<(), ReplayError> {
        self.sounds().map(|_| ())
    }

    fn sounds(&self) -> Result<Sounds, ReplayError> {
        let sounds = prepare::recordings(&self.scenario)?;
        self.scenario.check().map_err(ReplayError::Input)?;
        engine::check(&self.scenario)?;
        if let Some((folder, _)) = &self.keep {
            refuse_used(folder)?;
        }
        Ok(sounds)
    }

    /// Holds the conversation to its end, or, in real time, to Ctrl-C. It blocks the thread, and
    /// cannot be called inside of an async runtime.
    pub fn run(mut self) -> Result<Replayed, ReplayError> {
        let mut sounds = self.sounds()?;
        if let Some(folder) = &self.recorded {
            self.scenario.cores = store::read_header(folder).map_err(input)?.cores;
            prepare::read_spoken(&self.scenario, &mut sounds, folder)?;
        }
        let cores = self.scenario.cores;
        let clock = match self.time {
            Time::Real => Clock::real(cores),
            Time::Virtual => Clock::virtual_time(cores),
        };
        let conversation = self.hold(sounds, clock.clone());
        clock.block_on(conversation).map_err(unavailable)?
    }

    async fn hold(self, mut sounds: Sounds, clock: Clock) -> Result<Replayed, ReplayError> {
        let scenario = &self.scenario;
        let (mut engines, missing) = match &self.recorded {
            Some(folder) => {
                let header = store::read_header(folder).map_err(input)?;
                engine::recorded::build(folder, &header, &clock)?
            }
            None => (engine::build(scenario, &clock)?, MissingInput::default()),
        };
        prepare::speak(scenario, &mut engines, &mut sounds, &clock).await?;
        if self.recorded.is_none() {
            // What was recorded has them already; the caller's own voice never has.
            engines = engines.with_faults(scenario, &clock);
        }
        let keeps_audio = self
            .keep
            .as_ref()
            .is_some_and(|(_, audio)| *audio == KeepAudio::Yes);
        let header = Header {
            keeps_audio,
            ..header(scenario, &engines, self.rows_per, &clock)?
        };
        let folder = match &self.keep {
            Some((path, audio)) => {
                tracing::info!("recording into {}", path.display());
                let folder = RunFolder::create(path, &header, *audio).map_err(unavailable)?;
                prepare::keep_spoken(scenario, &mut sounds, &folder)?;
                Some(folder)
            }
            None => None,
        };
        let tap = Tap::new(clock.clone(), SessionId(0), folder);
        let call = Call {
            scenario,
            time: self.time,
            clock: &clock,
            tap: &tap,
            missing: &missing,
            length_max: self.hang_up,
        };
        call.hold(engines, sounds).await?;
        tap.finish().map_err(|error| {
            unavailable(format!(
                "the run folder could not be written to its end: {error}; make room or choose another folder"
            ))
        })?;
        if let Some(missing) = missing.take() {
            return Err(ReplayError::Input(missing));
        }
        let events = tap.events();
        let measured = measure::measure(&events, &Plan::of(scenario, self.rows_per));
        if let Some((path, _)) = &self.keep {
            write_hlog(&path.join("latency.hlog"), &measured, &events)?;
        }
        Ok(Replayed {
            header,
            events,
            measured,
        })
    }
}

/// Refused before models are loaded; [`RunFolder::create`] checks again.
pub fn refuse_used(folder: &Path) -> Result<(), ReplayError> {
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    if let Some(file) = existing.filter(|ancestor| !ancestor.is_dir()) {
        return Err(ReplayError::Input(format!(
            "{} cannot be made: {} is a file; choose another folder (--out)",
            folder.display(),
            file.display()
        )));
    }
    let is_used = match folder.read_dir() {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.exists(),
    };
    if is_used {
        return Err(ReplayError::Input(format!(
            "{} exists already and is not an empty folder; choose another one (--out)",
            folder.display()
        )));
    }
    Ok(())
}

fn header(
    scenario: &Scenario,
    engines: &Engines,
    rows_per: RowsPer,
    clock: &Clock,
) -> Result<Header, ReplayError> {
    Ok(Header {
        schema: Header::SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        name: scenario.name.clone(),
        seed: scenario.seed,
        clock: clock.name().into(),
        cores: scenario.cores,
        engines: engines.described.clone(),
        policy: scenario.interruption.policy.clone(),
        keeps_audio: false,
        rows_per,
        notes: engines.notes.clone(),
        scenario: serde_json::to_value(scenario).map_err(unavailable)?,
        machine: format!(
            "{} {}, {} processors",
            std::env::consts::OS,
            std::env::consts::ARCH,
            std::thread::available_parallelism().map_or(1, |n| n.get())
        ),
        started: Clock::date_and_time(),
    })
}

/// Writes the histograms of what was measured from `events`.
pub fn write_hlog(
    path: &Path,
    measured: &Measurement,
    events: &[Event],
) -> Result<(), ReplayError> {
    let length = events
        .last()
        .map_or(Duration::ZERO, |event| Duration::from_nanos(event.tick.0));
    File::create(path)
        .and_then(|file| hlog::write(measured, length, BufWriter::new(file)))
        .map_err(|error| {
            unavailable(format!(
                "cannot write {}: {error}; make room or choose another folder",
                path.display()
            ))
        })
}
