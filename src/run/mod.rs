//! A run: one conversation, from the scenario to the figures. Engines are built, a session is held, the
//! record is measured. `voicesim run` and a `#[test]` of yours do the same through here.

pub mod aloud;
#[cfg(feature = "probe")]
pub(crate) mod called;
mod check;
mod folder;
mod held;
#[cfg(feature = "probe")]
mod made_up;
mod prepare;
#[cfg(feature = "probe")]
pub(crate) mod probed;
pub mod saying;
#[cfg(feature = "probe")]
pub(crate) mod served;
pub(crate) mod signals;
mod talk;
mod watched;
pub mod writing;

pub(crate) use folder::{header_of, refuse_used, write_hlog};
pub use talk::Talk;

use crate::clock::Clock;
use crate::conversation;
use crate::ear;
use crate::endpoint::Endpointing;
use crate::engine::recorded::MissingInput;
use crate::engine::{self, EngineError, Given, Maker};
use crate::event::{Event, Hears, SessionId};
use crate::measure::{self, Measurement, Plan, Question};
use crate::record::store::{self, Header, KeepAudio, RowsPer, RunFolder, StoreError};
use crate::record::tap::Tap;
use crate::scenario::Scenario;
use crate::stage::{Answer, EndOfTurn, SpeechToText, TextToSpeech};
use folder::header;
use held::{Agent, Call};
use prepare::Sounds;
use std::path::PathBuf;
use std::time::Duration;
use watched::{Watching, watch_by};

/// A conversation that is to be held, and where its record is kept.
/// # Example
/// ```
/// use std::path::Path;
/// use voicesim::run::{Run, Time};
/// use voicesim::scenario;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scenario = scenario::parse(
///     Path::new("question.toml"),
///     r#"
///     stt = { engine = "simulated", latency = { fixed_ms = 150 } }
///     answer = { engine = "simulated", latency = { fixed_ms = 300 } }
///     tts = { engine = "simulated", latency = { fixed_ms = 100 } }
///     [[turn]]
///     speech = { length = { fixed_ms = 1500 } }
///     "#,
/// )?;
/// let run = Run::of(scenario).in_time(Time::Virtual).run()?;
/// assert_eq!(run.measured.rows.len(), 1);
/// assert!(run.measured.has_passed());
/// # Ok(())
/// # }
/// ```
pub struct Run {
    scenario: Scenario,
    /// Somebody talks into a microphone; else the scenario's turns are spoken.
    talk: Option<Talk>,
    watching: Watching,
    rows_per: RowsPer,
    time: Time,
    recorded: Option<PathBuf>,
    keep: Option<(PathBuf, KeepAudio)>,
    hang_up: Option<Duration>,
    engines: Given,
    endpointing: Option<Maker<Endpointing>>,
}

/// What kind of time a conversation is held in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// Real time: the conversation lasts as long as it takes.
    #[default]
    Real,
    /// Virtual time: the conversation lasts as long as its engines compute. Waiting takes no time, and work
    /// of engines counts for as long as it was measured to take.
    Virtual,
}

/// A run that is over.
pub struct Finished {
    /// What is written at the head of the run.
    pub header: Header,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// The figures of the run.
    pub measured: Measurement,
}

/// Why there is nothing to report. The text names what is wrong, and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario, a recording or a folder is wrong.
    #[error("{0}")]
    Input(String),
    /// A simulated load brings more than its pools can ever do.
    #[error("{0}")]
    Saturated(String),
    /// An engine, a model or the disk is not available.
    #[error("{0}")]
    Unavailable(String),
}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> RunError {
        match error {
            EngineError::Input(text) => RunError::Input(text),
            EngineError::Unavailable(text) => RunError::Unavailable(text),
        }
    }
}

pub(crate) fn input(error: impl ToString) -> RunError {
    RunError::Input(error.to_string())
}

/// Why results cannot be kept: a folder that is taken is the user's to change, a disk is not.
pub(crate) fn not_kept(error: StoreError) -> RunError {
    match error.is_wrong_input() {
        true => input(error),
        false => unavailable(error),
    }
}

pub(crate) fn unavailable(error: impl ToString) -> RunError {
    RunError::Unavailable(error.to_string())
}

impl Run {
    /// Replays the turns of a scenario; the report has a row for each.
    pub fn of(scenario: Scenario) -> Run {
        Run {
            scenario,
            talk: None,
            watching: Watching::default(),
            rows_per: RowsPer::Turn,
            time: Time::Real,
            recorded: None,
            keep: None,
            hang_up: None,
            engines: Given::default(),
            endpointing: None,
        }
    }

    /// Replays recordings of which nothing else is known, one after the other, in place of the
    /// scenario's turns; the report has a row for each utterance in them.
    pub fn of_recordings(recordings: &[PathBuf], mut scenario: Scenario) -> Run {
        scenario.set_recordings(recordings);
        if let (true, Some(first)) = (scenario.name().is_empty(), recordings.first()) {
            let stem = first.file_stem().unwrap_or_default();
            scenario.set_name(&stem.to_string_lossy());
        }
        Run {
            rows_per: RowsPer::Utterance,
            ..Run::of(scenario)
        }
    }

    /// Talks with whoever speaks into the microphone, in place of the scenario's turns; the report has a
    /// row for each utterance.
    pub fn of_talk(talk: Talk, mut scenario: Scenario) -> Run {
        scenario.set_recordings(&[]);
        Run {
            talk: Some(talk),
            rows_per: RowsPer::Utterance,
            ..Run::of(scenario)
        }
    }

    /// Keeps the run in a folder, which must be new or empty.
    pub fn keep_in(mut self, folder: PathBuf, audio: KeepAudio) -> Run {
        self.keep = Some((folder, audio));
        self
    }

    /// Holds the conversation in this kind of time; in real time unless told.
    pub fn in_time(mut self, time: Time) -> Run {
        self.time = time;
        self
    }

    /// Repeats the outputs and durations of an earlier run folder in place of running engines, in
    /// virtual time, on the cores of that run. An input that was not recorded is an
    /// error that names it.
    pub fn repeating(mut self, folder: PathBuf) -> Run {
        self.time = Time::Virtual;
        self.recorded = Some(folder);
        self
    }

    /// Recognises speech by an engine of yours, in place of the scenario's. `make` is called when the clock
    /// is there, and again if the scenario wants a second request beside the first (`hedge_after_ms`).
    ///
    /// See [`Stage`](crate::stage::Stage) for how to write one.
    pub fn with_speech_to_text(mut self, make: impl Fn(&Clock) -> SpeechToText + 'static) -> Run {
        self.engines.stt = Some(Box::new(make));
        self
    }

    /// Answers by an engine of yours, in place of the scenario's, made as by [`Run::with_speech_to_text`].
    pub fn with_answer(mut self, make: impl Fn(&Clock) -> Answer + 'static) -> Run {
        self.engines.answer = Some(Box::new(make));
        self
    }

    /// Speaks by an engine of yours, in place of the scenario's, made as by [`Run::with_speech_to_text`].
    pub fn with_text_to_speech(mut self, make: impl Fn(&Clock) -> TextToSpeech + 'static) -> Run {
        self.engines.tts = Some(Box::new(make));
        self
    }

    /// Judges by an engine of yours whether the caller has finished, in place of the scenario's, if its endpointing
    /// policy asks; made as by [`Run::with_speech_to_text`].
    pub fn with_end_of_turn(mut self, make: impl Fn(&Clock) -> EndOfTurn + 'static) -> Run {
        self.engines.end_of_turn = Some(Box::new(make));
        self
    }

    /// Decides by a policy of yours when the caller has finished, in place of the scenario's.
    /// # Example
    /// ```
    /// use std::path::Path;
    /// use std::time::Duration;
    /// use voicesim::endpoint::{Endpointing, Silence};
    /// use voicesim::event::Metric;
    /// use voicesim::run::{Run, Time};
    /// use voicesim::scenario;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scenario = scenario::load(Path::new("audio/simulations/scripted.toml"))?;
    /// let run = Run::of(scenario)
    ///     .with_endpointing(|_| Endpointing {
    ///         policy: Box::new(Silence::new(Duration::from_millis(800))),
    ///         judge: None,
    ///     })
    ///     .in_time(Time::Virtual)
    ///     .run()?;
    /// let delay = run.measured.metrics[&Metric::EndOfTurnDelay].summary().ok_or("no answer")?;
    /// assert!(delay.p50.rank() >= 800.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_endpointing(mut self, make: impl Fn(&Clock) -> Endpointing + 'static) -> Run {
        self.endpointing = Some(Box::new(make));
        self
    }

    /// The scenario that is to be run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Holds the conversation to its end, or, in real time, to Ctrl-C. The call blocks the thread, and cannot
    /// be made inside of an async runtime.
    ///
    /// # Errors
    /// Wrong input, or an engine, a model or a disk that is not available.
    pub fn run(mut self) -> Result<Finished, RunError> {
        let mut sounds = self.sounds()?;
        if let Some(folder) = &self.recorded {
            store::verify_whole(folder).map_err(input)?;
            let header = store::read_header(folder).map_err(input)?;
            self.scenario.set_cores(header.cores);
            match header.rules_of("ear") {
                // The first ear heard everybody.
                1 => self.scenario.ear.hears = Hears::Anybody,
                2..=ear::RULES => {}
                later => {
                    return Err(RunError::Input(format!(
                        "{} was recorded by an ear that this voicesim does not know (version {later}); repeat it with the voicesim that recorded it",
                        folder.display()
                    )));
                }
            }
            prepare::read_spoken(&self.scenario, &mut sounds, folder)?;
        }
        let cores = self.scenario.cores();
        let clock = match self.time {
            Time::Real => Clock::real(cores),
            Time::Virtual => Clock::virtual_time(cores),
        };
        let conversation = self.hold(sounds, clock.clone());
        clock.block_on(conversation).map_err(unavailable)?
    }

    async fn hold(mut self, mut sounds: Sounds, clock: Clock) -> Result<Finished, RunError> {
        let talk = self.talk.take();
        let watching = std::mem::take(&mut self.watching);
        let scenario = &self.scenario;
        let given = &self.engines;
        let (mut loaded, missing, ear_rules) = match &self.recorded {
            Some(folder) => {
                let header = store::read_header(folder).map_err(input)?;
                let (loaded, missing) = engine::recorded::build(folder, &header, scenario, &clock)?;
                (loaded, missing, header.rules_of("ear"))
            }
            None => {
                let loaded = engine::load(scenario, given, &clock)?;
                (loaded, MissingInput::default(), ear::RULES)
            }
        };
        prepare::speak(scenario, &mut loaded.engines, &mut sounds, &clock).await?;
        if self.recorded.is_none() {
            // What was recorded has the policies already; the caller's own voice never has them.
            loaded = loaded.with_policies(scenario, given, &clock)?;
        }
        let keeps_audio = self
            .keep
            .as_ref()
            .is_some_and(|(_, audio)| *audio == KeepAudio::Yes);
        let header = Header {
            keeps_audio,
            ..header(scenario, (&loaded, ear_rules), self.rows_per, &clock)?
        };
        // Where there is no microphone, nothing is left behind.
        let talk = match talk {
            Some(talk) => {
                let devices = held::open(&talk, &clock)?;
                Some((talk, devices))
            }
            None => None,
        };
        let folder = match &self.keep {
            Some((path, audio)) => {
                let path_shown = path.display();
                match (&talk, audio) {
                    (Some(_), KeepAudio::Yes) => tracing::info!(
                        "voices are recorded into {path_shown}; --no-audio keeps none"
                    ),
                    _ => tracing::info!("recording into {path_shown}"),
                }
                let folder = RunFolder::create(path, &header, *audio).map_err(not_kept)?;
                prepare::keep_spoken(scenario, &mut sounds, &folder)?;
                Some(folder)
            }
            None => None,
        };
        let filler = prepare::filler(scenario, &sounds);
        let disclosure = prepare::disclosure(scenario, &sounds);
        let openings = prepare::openings(scenario, &sounds, loaded.has_given_voice());
        let tap = Tap::new(clock.clone(), SessionId(0), folder);
        watch_by(&tap, [watching.events, loaded.listener]);
        let endpointing = match &self.endpointing {
            Some(make) => make(&clock),
            None => conversation::endpointing(scenario, loaded.end_of_turn).map_err(unavailable)?,
        };
        let call = Call {
            scenario,
            time: self.time,
            clock: &clock,
            tap: &tap,
            missing: &missing,
            length_max: self.hang_up,
            shown_time: watching.time,
            stop: watching.stop,
            flag: watching.flag,
            ear_rules,
        };
        let agent = Agent {
            engines: loaded.engines,
            filler,
            disclosure,
            openings,
            endpointing,
        };
        call.hold(agent, sounds, talk).await?;
        tap.finish().map_err(|error| {
            unavailable(format!(
                "the run folder could not be written to its end: {error}; make room or choose another folder (--out)"
            ))
        })?;
        if let Some(missing) = missing.take() {
            return Err(RunError::Input(missing));
        }
        let events = tap.events();
        let measured = measure::measure(&events, &Plan::of(scenario, self.rows_per));
        if let Some((path, _)) = &self.keep {
            write_hlog(&path.join("latency.hlog"), &measured, &events)?;
            let questions = measured.rows.iter().filter_map(Question::of_row);
            let turns = &scenario.file().turn;
            if let Some(costliest) = measure::costliest(&measured, turns, questions) {
                costliest.write(path).map_err(not_kept)?;
            }
            store::seal(path).map_err(not_kept)?;
        }
        Ok(Finished {
            header,
            events,
            measured,
        })
    }
}
