//! `voicesim run`: hold a conversation, from recordings or at a microphone.

use super::engines::Engines;
use super::file::refuse_unwritable;
use super::follow::{Follow, To};
use super::live::{About, Controls, Show};
use super::page::Kept;
use super::scrape::Scrape;
use super::signals::stop_at_signals;
use super::{Failure, Verdict, given, number, otlp, print_answer, print_json, print_plain, scrape};
use crate::audio::device::Choice;
use crate::clock::Clock;
use crate::measure::folder::{Folder, header_and_scenario};
use crate::record::store::{KeepAudio, RowsPer};
use crate::report;
use crate::run::{self, Talk, Time};
use crate::scenario::{self, Says, Scenario, ScenarioFile};
use clap::{Args, ValueEnum};
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Scenario to run; `voicesim init` writes one to start from
    scenario: Option<PathBuf>,
    /// Recordings to speak one after the other, in place of the scenario's turns; a scenario stands before them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    wav: Vec<PathBuf>,
    /// Talk to the assistant: listen to a microphone, answer through a speaker
    #[arg(long, conflicts_with_all = ["wav", "clock", "recorded"], help_heading = "Microphone and speaker")]
    mic: bool,
    /// Hang up after this many seconds
    #[arg(long = "for", value_name = "SECONDS", requires = "mic", value_parser = number::seconds, help_heading = "Microphone and speaker")]
    seconds: Option<u64>,
    /// Hear nothing while the agent speaks, for rooms that echo
    #[arg(long, requires = "mic", help_heading = "Microphone and speaker")]
    half_duplex: bool,
    /// Microphone to listen to; see `voicesim devices`
    #[arg(
        long,
        value_name = "DEVICE",
        requires = "mic",
        help_heading = "Microphone and speaker"
    )]
    input: Option<String>,
    /// Speaker to answer through; see `voicesim devices`
    #[arg(
        long,
        value_name = "DEVICE",
        requires = "mic",
        help_heading = "Microphone and speaker"
    )]
    output: Option<String>,
    /// Clock to run by; real unless given
    #[arg(long, value_enum)]
    clock: Option<ClockKind>,
    /// Repeat what an earlier run recorded in this folder, without engines and in virtual time; by
    /// that run's scenario, unless one is named
    #[arg(long, value_name = "DIR")]
    recorded: Option<PathBuf>,
    /// Seed of everything random, for a repeatable run
    #[arg(long)]
    seed: Option<u64>,
    /// Whether to prepare the reply while the caller pauses, in case they have finished
    #[arg(long, value_enum)]
    speculation: Option<Switch>,
    #[command(flatten)]
    engines: Engines,
    /// A TOML file with a [budget] to keep, in place of the scenario's
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// Do not keep the sound, which holds people's voices
    #[arg(long, help_heading = "Results")]
    no_audio: bool,
    /// Folder to keep the run in; a new one under runs/ unless given
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Write the report as an HTML page: one file that loads nothing from elsewhere
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    html: Option<PathBuf>,
    /// Send spans of OpenTelemetry to a collector while the run goes on (http://localhost:4318), or write them into a file
    #[arg(long, value_name = "URL|FILE", value_parser = otlp::parse, help_heading = "Results")]
    otlp: Option<otlp::Target>,
    /// Serve the figures for Prometheus while the run goes on, at /metrics of this port or address
    #[arg(long, value_name = "ADDRESS", value_parser = scrape::parse, help_heading = "Results")]
    metrics: Option<SocketAddr>,
    /// Print the report as one JSON document
    #[arg(long, help_heading = "Results")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockKind {
    /// Takes as long as the conversation does
    Real,
    /// Takes only as long as the engines compute, with the latencies of real time
    Virtual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl From<ClockKind> for Time {
    fn from(kind: ClockKind) -> Time {
        match kind {
            ClockKind::Real => Time::Real,
            ClockKind::Virtual => Time::Virtual,
        }
    }
}

impl Run {
    /// Holds the conversation. One that somebody can watch is shown on the screen, unless `is_plain`.
    pub(super) fn run(self, is_plain: bool) -> Result<Verdict, Failure> {
        if let Some(path) = &self.html {
            refuse_unwritable("--html", path)?;
        }
        for path in &self.wav {
            given::as_wav(path)?;
        }
        if let Some(folder) = &self.recorded {
            given::as_results(folder)?;
        }
        let (run, folder, show) = match self.mic {
            true => self.talk()?,
            false => {
                let run = self.replay()?;
                let folder = self.folder(run.scenario());
                self.shown(run, folder, is_plain || self.json)
            }
        };
        let keep = match self.no_audio {
            true => KeepAudio::No,
            false => KeepAudio::Yes,
        };
        let follow = self.follow(&folder)?;
        let watcher = match &follow {
            Some(follow) => follow.watcher(show.watcher()),
            None => show.watcher(),
        };
        let watched = run.watched_by(watcher);
        let finished = watched.keep_in(folder.clone(), keep).run();
        show.end();
        let run = finished?;
        // What was not sent is said last: the conversation was held all the same.
        let followed = follow.map_or(Ok(()), Follow::finish);
        if let Some(target @ otlp::Target::File(_)) = &self.otlp {
            target.export(&Folder::open(&folder).map_err(Failure::unavailable)?)?;
        }
        if let Some(path) = &self.html {
            Kept::In(folder).write_page(path, &run.header.name, |_| {})?;
        }
        if self.json {
            print_json(&report::document::document(&run.header, &run.measured))?;
        } else {
            let rows_per = run.header.rows_per;
            print_plain(&report::text::report(&run.header, &run.measured, rows_per));
            print_answer(&run.measured, run.measured.cut_off_share());
        }
        followed?;
        Ok(match run.measured.has_passed() {
            true => Verdict::Fine,
            false => Verdict::NotAsAsked,
        })
    }

    /// Whoever follows the run while it goes on; `None` if nobody does.
    fn follow(&self, folder: &Path) -> Result<Option<Follow>, Failure> {
        let collector = match &self.otlp {
            Some(otlp::Target::Collector(url)) => Some(url.clone()),
            Some(file) => {
                file.check()?;
                None
            }
            None => None,
        };
        let scrape = self.metrics.map(Scrape::at).transpose()?;
        if collector.is_none() && scrape.is_none() {
            return Ok(None);
        }
        let to = To { collector, scrape };
        Follow::start(to, folder.to_owned()).map(Some)
    }

    fn folder(&self, scenario: &Scenario) -> PathBuf {
        match &self.out {
            Some(folder) => folder.clone(),
            None => default_folder(scenario),
        }
    }

    /// A conversation at the microphone. The scenario gives it its settings; the scenario's turns are not spoken.
    fn talk(&self) -> Result<(run::Run, PathBuf, Show), Failure> {
        let asked = match &self.scenario {
            Some(path) => loaded(path)?.file().clone(),
            None => ScenarioFile::default(),
        };
        let mut scenario = self.overruled(asked)?;
        if scenario.name().is_empty() {
            scenario.set_name("talk");
        }
        let folder = self.folder(&scenario);
        let (hang_up, hung_up) = oneshot::channel();
        let mut talk = Talk {
            devices: Choice {
                input: self.input.clone(),
                output: self.output.clone(),
            },
            is_half_duplex: self.half_duplex,
            hang_up: Some(hung_up),
            ..Talk::default()
        };
        let keeps_voices_in = (!self.no_audio).then(|| folder.display().to_string());
        let show = Show::on_screen(About {
            name: scenario.name().to_owned(),
            keeps_voices_in,
            is_replay: false,
        });
        talk.level = Some(show.level(Controls {
            is_muted: talk.is_muted.clone(),
            hang_up: Cell::new(Some(hang_up)),
        }));
        let run = run::Run::of_talk(talk, scenario);
        let run = match self.seconds {
            Some(seconds) => run.hanging_up_after(Duration::from_secs(seconds)),
            None => run,
        };
        Ok((run, folder, show))
    }

    /// A replay, and what shows it: the screen while it goes on in real time, else lines.
    fn shown(&self, run: run::Run, folder: PathBuf, is_plain: bool) -> (run::Run, PathBuf, Show) {
        let is_real = self.recorded.is_none() && self.clock != Some(ClockKind::Virtual);
        if !is_real {
            return (run.ended_by(stop_at_signals()), folder, Show::in_lines());
        }
        if is_plain {
            return (run, folder, Show::in_lines());
        }
        let show = Show::on_screen(About {
            name: run.scenario().name().to_owned(),
            keeps_voices_in: (!self.no_audio).then(|| folder.display().to_string()),
            is_replay: true,
        });
        let (hang_up, hung_up) = oneshot::channel();
        let time = show.time(Controls {
            is_muted: Rc::default(),
            hang_up: Cell::new(Some(hang_up)),
        });
        (run.telling_the_time(time).stopped_by(hung_up), folder, show)
    }

    fn replay(&self) -> Result<run::Run, Failure> {
        let (asked, recordings) = self.what()?;
        let scenario = self.overruled(asked)?;
        let run = match recordings.as_slice() {
            [] => run::Run::of(scenario),
            recordings => run::Run::of_recordings(recordings, scenario),
        };
        match (&self.recorded, self.clock) {
            (Some(_), Some(ClockKind::Real)) => Err(Failure::Input(
                "--recorded repeats in virtual time; take --clock real away".into(),
            )),
            (Some(folder), _) => Ok(run.repeating(folder.clone())),
            (None, clock) => Ok(run.in_time(clock.unwrap_or(ClockKind::Real).into())),
        }
    }

    /// The scenario, and the recordings to speak in place of its turns, if there are any.
    fn what(&self) -> Result<(ScenarioFile, Vec<PathBuf>), Failure> {
        let wavs = self.wav.clone();
        match (&self.scenario, &self.recorded) {
            (Some(path), _) => {
                Ok((loaded(path)?.file().clone(), wavs))
            }
            (None, _) if !wavs.is_empty() => Ok((ScenarioFile::default(), wavs)),
            (None, Some(folder)) => {
                let (header, scenario) =
                    header_and_scenario(folder).map_err(Failure::input)?;
                if scenario.turns().is_empty() {
                    return Err(Failure::Input(format!(
                        "{} was spoken into a microphone, and has no turns to repeat; name a scenario with recordings of it",
                        folder.display()
                    )));
                }
                let spoken = scenario.turns().iter().filter_map(|turn| match &turn.says {
                    Says::Recording { wav, .. } => Some(wav.clone()),
                    Says::Words(_) | Says::Speech(_) | Says::Keys(_) => None,
                });
                let wavs = match header.rows_per {
                    RowsPer::Turn => Vec::new(),
                    RowsPer::Utterance => spoken.collect(),
                };
                Ok((scenario.file().clone(), wavs))
            }
            (None, None) => Err(Failure::Input(
                "nothing to run: name a scenario (voicesim run SCENARIO.toml), recordings (--wav FILE), or a microphone (--mic); `voicesim init` writes a scenario to start from".into(),
            )),
        }
    }

    /// The scenario with the flags' values in place of its own.
    fn overruled(&self, mut file: ScenarioFile) -> Result<Scenario, Failure> {
        if let Some(seed) = self.seed {
            file.seed = seed;
        }
        if let Some(switch) = self.speculation {
            file.speculation.enabled = switch == Switch::On;
        }
        self.engines.overrule(&mut file);
        let mut scenario = file.parse().map_err(Failure::input)?;
        if let Some(path) = &self.budget {
            scenario.set_budgets(scenario::load_budget(path).map_err(Failure::input)?);
        }
        Ok(scenario)
    }
}

fn loaded(path: &Path) -> Result<Scenario, Failure> {
    given::as_scenario(path)?;
    scenario::load(path).map_err(Failure::input)
}

fn default_folder(scenario: &Scenario) -> PathBuf {
    let name: String = scenario
        .name()
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
