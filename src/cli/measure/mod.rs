//! `voicesim measure`: the report of any assistant, from recordings of its calls.

mod work;

pub(super) use work::{Work, settings};

use super::file::{refuse_unwritable, unwritable};
use super::page::Kept;
use super::recordings::recordings;
use super::{
    Failure, Verdict, claimed, clocks, given, number, print_answer, print_json, print_plain,
    rederive,
};
use crate::call::spoken::Spoken;
use crate::call::{CallSource, VAD_THRESHOLD};
use crate::compare::claims::{Calls, Claims};
use crate::event::DisclosureOn;
use crate::files::release;
use crate::measure::Measurement;
use crate::record::store::{self, FileClocks, KeepAudio, RowsPer};
use crate::report::calls;
use crate::report::document::Skipped;
use crate::report::text;
use crate::run;
use crate::scenario::{self, Disclosure, Scenario};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct Measure {
    /// A recording of a call, the caller left and the agent right (WAV, FLAC, MP3, OGG); or a folder of them
    #[arg(required_unless_present = "caller", conflicts_with = "caller")]
    call: Option<PathBuf>,
    /// Recording of the caller's side, if each side has a file of its own
    #[arg(
        long,
        help_heading = "Who speaks when",
        value_name = "FILE",
        requires = "agent"
    )]
    caller: Option<PathBuf>,
    /// Recording of the agent's side
    #[arg(
        long,
        help_heading = "Who speaks when",
        value_name = "FILE",
        requires = "caller"
    )]
    agent: Option<PathBuf>,
    /// What it means if these two files differ in length: that the shorter one was stopped earlier, or that both hold
    /// the whole call, so that one clock is slow and its file is to be stretched. Without it, what may be off is doubtful
    #[arg(long, help_heading = "Who speaks when", value_name = "agree|drift", requires = "caller", value_parser = clocks::parse)]
    clocks: Option<FileClocks>,
    /// Who speaks when on a recording of one channel: RTTM, or a transcript as CSV or JSON with speaker, start and end
    /// in seconds; what both say at once is doubtful
    #[arg(long, help_heading = "Who speaks when", value_name = "FILE", requires = "call", conflicts_with_all = ["swap", "rederive"])]
    spoken: Option<PathBuf>,
    /// The speaker in --spoken who is the agent, where the name does not say so
    #[arg(
        long,
        help_heading = "Who speaks when",
        value_name = "NAME",
        requires = "spoken"
    )]
    agent_name: Option<String>,
    /// Take the right channel for the caller and the left one for the agent
    #[arg(long, help_heading = "Who speaks when")]
    swap: bool,
    /// Measure without transcribing what was said: faster, and no model is needed
    #[arg(long)]
    no_transcribe: bool,
    /// Threshold of the voice detector: the least probability of a voice, between 0 and 1
    #[arg(long, value_name = "P", default_value_t = VAD_THRESHOLD)]
    vad_threshold: f32,
    /// A TOML file with a [budget] to keep, as in a scenario
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// What the agent has to say of being a machine, in its own words: whether it did is judged by a transcript of its
    /// sound
    #[arg(
        long,
        value_name = "TEXT",
        help_heading = "Disclosure",
        conflicts_with_all = ["no_transcribe", "rederive"]
    )]
    disclosure: Option<String>,
    /// When the agent has to say it, besides when a caller asks whether they talk to a person
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        help_heading = "Disclosure",
        requires = "disclosure"
    )]
    disclosed_on: DisclosedOn,
    /// Milliseconds within which it has to be said to its end
    #[arg(long, value_name = "MS", help_heading = "Disclosure", requires = "disclosure", value_parser = number::milliseconds)]
    disclosed_within: Option<u32>,
    /// Keep the measurement as a run folder, with the sound of its worst moments; for a folder of calls, one for each
    /// call
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Do not keep the sound of the worst moments, which holds people's voices
    #[arg(long, help_heading = "Results")]
    no_audio: bool,
    /// Write the report as an HTML page: one file that loads nothing from elsewhere
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    html: Option<PathBuf>,
    /// Take turns into the figures whose latencies are doubtful
    #[arg(long)]
    with_doubtful: bool,
    /// What a platform claims of its latency, to be held against what is heard: a CSV with a line for each turn
    /// (columns call, turn or time_s, platform if there are several, and latencies such as e2e_ms or ttfb_s), or a
    /// folder of runs, such as `import` writes from a platform's traces
    #[arg(
        long,
        value_name = "CSV|DIR",
        help_heading = "Hold against other figures"
    )]
    claimed: Option<PathBuf>,
    /// Measure again what `measure --out` wrote into this folder, from the same audio with the same settings, and
    /// compare every figure: exit 1 if one differs
    #[arg(long, help_heading = "Hold against other figures", requires = "call", conflicts_with_all = ["caller", "agent", "swap", "no_transcribe", "vad_threshold", "budget", "out", "no_audio", "html", "claimed"])]
    rederive: bool,
    /// Folder in which --rederive looks for the recordings by their sha256, in place of where they were
    #[arg(
        long,
        value_name = "DIR",
        requires = "rederive",
        help_heading = "Hold against other figures"
    )]
    audio: Option<PathBuf>,
    /// Print the report as one JSON document
    #[arg(long, help_heading = "Results")]
    json: bool,
}

/// When an agent has to say that it is a machine, as a flag has it.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum DisclosedOn {
    /// After the first answer has begun
    #[default]
    FirstTurn,
    /// From the beginning
    Greeting,
    /// At no other time
    WhenAsked,
}

impl From<DisclosedOn> for DisclosureOn {
    fn from(on: DisclosedOn) -> DisclosureOn {
        match on {
            DisclosedOn::FirstTurn => DisclosureOn::FirstTurn,
            DisclosedOn::Greeting => DisclosureOn::Greeting,
            DisclosedOn::WhenAsked => DisclosureOn::WhenAsked,
        }
    }
}

impl Measure {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        if let (true, Some(folder)) = (self.rederive, &self.call) {
            return rederive::rederive(&rederive::Asked {
                folder,
                audio: self.audio.as_deref(),
                is_json: self.json,
                is_quiet,
            });
        }
        for path in [&self.call, &self.caller, &self.agent]
            .into_iter()
            .flatten()
        {
            given::as_call(path)?;
        }
        let scenario = self.scenario()?;
        if let Some(path) = &self.html {
            refuse_unwritable("--html", path)?;
        }
        if let Some(out) = &self.out {
            run::refuse_used(out)?;
        }
        let is_folder = self.call.as_ref().is_some_and(|call| call.is_dir());
        let calls = if is_folder { Calls::Many } else { Calls::One };
        let claims = self.claimed.as_deref();
        let claims = claims.map(|path| claimed::read(path, calls)).transpose()?;
        let mut work = Work::new(scenario, is_quiet);
        work.transcribes = !self.no_transcribe;
        work.takes_doubtful = self.with_doubtful;
        work.audio = match self.no_audio {
            true => KeepAudio::No,
            false => KeepAudio::Yes,
        };
        match &self.call {
            Some(folder) if folder.is_dir() && self.spoken.is_some() => {
                Err(Failure::Input(format!(
                    "--spoken says who speaks in one recording, and {} is a folder; name a recording",
                    folder.display()
                )))
            }
            Some(folder) if folder.is_dir() => self.folder(folder, &mut work, claims.as_ref()),
            _ => self.one(&mut work, claims.as_ref()),
        }
    }

    /// Writes the page of what was measured, if one was asked for.
    fn page(&self, kept: Option<&Kept>, name: &str) -> Result<(), Failure> {
        let (Some(kept), Some(path)) = (kept, &self.html) else {
            return Ok(());
        };
        let takes_doubtful = self.with_doubtful;
        kept.write_page(path, name, |folder| {
            if takes_doubtful {
                folder.take_in_doubtful();
            }
        })
    }

    /// The settings of the measurement, as a scenario for the header of the run.
    fn scenario(&self) -> Result<Scenario, Failure> {
        let mut scenario = settings(self.vad_threshold)?;
        if let Some(path) = &self.budget {
            scenario.set_budgets(scenario::load_budget(path).map_err(Failure::input)?);
        }
        let Some(text) = &self.disclosure else {
            return Ok(scenario);
        };
        let disclosure = Disclosure {
            text: text.clone(),
            on: self.disclosed_on.into(),
            within_ms: self.disclosed_within.map(u64::from),
        };
        let changed = scenario.changed(|file| file.disclosure = Some(disclosure));
        changed.map_err(|problem| Failure::Input(format!("--disclosure: {problem}")))
    }

    fn source(&self, path: &Path) -> CallSource {
        CallSource::Stereo {
            path: path.to_owned(),
            is_swapped: self.swap,
        }
    }

    fn two(&self, caller: &Path, agent: &Path) -> Result<CallSource, Failure> {
        clocks::source(caller.to_owned(), agent.to_owned(), self.clocks).map_err(Failure::input)
    }

    fn spoken(&self, path: &Path) -> Result<Spoken, Failure> {
        Spoken::read(path, self.agent_name.as_deref()).map_err(Failure::input)
    }

    fn one(&self, work: &mut Work, claims: Option<&Claims>) -> Result<Verdict, Failure> {
        let source = match (&self.call, &self.caller, &self.agent) {
            (Some(path), ..) => match &self.spoken {
                None => self.source(path),
                Some(spoken) => CallSource::Mixed {
                    path: path.clone(),
                    spoken: Arc::new(self.spoken(spoken)?),
                },
            },
            (None, Some(caller), Some(agent)) if self.swap => self.two(agent, caller)?,
            (None, Some(caller), Some(agent)) => self.two(caller, agent)?,
            _ => return Err(Failure::Input("name a recording of a call".into())),
        };
        let kept = Kept::of(self.out.as_deref(), self.html.as_deref())?;
        kept.iter().for_each(Kept::delete_at_the_end);
        let folder = kept.as_ref().map(Kept::path);
        let (mut call, tracks) = work.measure(&source, stem(&source), folder)?;
        call.at_thresholds = work.at_thresholds(&tracks)?;
        let claimed = claimed::join(claims, std::slice::from_ref(&call), &[]);
        if self.json {
            let mut document = calls::of_one(&call);
            document.claimed = claimed.document();
            print_json(&document)?;
        } else {
            print_plain(&text::report(
                &call.header,
                &call.measured,
                RowsPer::Utterance,
            ));
            print_plain(&calls::thresholds(&call.at_thresholds));
            claimed.print();
            print_answer(&call.measured, call.measured.cut_off_share());
        }
        self.page(kept.as_ref(), &call.name)?;
        claimed.finish()?;
        Ok(verdict(&call.measured, &[call.is_one_sided]))
    }

    fn folder(
        &self,
        folder: &Path,
        work: &mut Work,
        claims: Option<&Claims>,
    ) -> Result<Verdict, Failure> {
        let kept = Kept::of(self.out.as_deref(), self.html.as_deref())?;
        kept.iter().for_each(Kept::delete_at_the_end);
        if kept.as_ref().is_some_and(|kept| kept.staying().is_none()) {
            // A page of several calls plays none of them.
            work.audio = KeepAudio::No;
        }
        let (mut done, mut skipped) = (Vec::new(), Vec::new());
        let files = recordings(folder)?;
        let staying = kept.as_ref().and_then(Kept::staying);
        let _mark = staying.map(store::claim).transpose()?;
        for path in &files {
            let source = self.source(path);
            let name = path
                .strip_prefix(folder)
                .unwrap_or(path)
                .to_string_lossy()
                .into_owned();
            // A report reads folders that lie side by side.
            let inside = name.replace(['/', '\\'], "__");
            let out = kept.as_ref().map(|kept| kept.path().join(inside));
            match work.measure(&source, name.clone(), out.as_deref()) {
                Ok((call, _)) => done.push(call),
                Err(Failure::Input(reason)) => skipped.push(Skipped { call: name, reason }),
                Err(unavailable) => return Err(unavailable),
            }
        }
        if let Some(out) = staying {
            release(out).map_err(|error| unwritable(&out.display().to_string(), &error))?;
        }
        if done.is_empty() {
            let reasons: Vec<&str> = skipped.iter().map(|file| file.reason.as_str()).collect();
            return Err(Failure::Input(match reasons.is_empty() {
                true => format!(
                    "{} holds no recordings (WAV, FLAC, MP3, Ogg and the like); name a folder that does, or a recording",
                    folder.display()
                ),
                false => format!(
                    "none of the calls in {} can be measured:\n{}",
                    folder.display(),
                    reasons.join("\n")
                ),
            }));
        }
        calls::worst_first(&mut done);
        let plan = work.plan();
        let all = Measurement::of_many(done.iter().map(|call| &call.measured), &plan.budgets);
        let header = work.header(calls::folder_name(folder), Vec::new())?;
        let claimed = claimed::join(claims, &done, &skipped);
        if self.json {
            let mut document = calls::of_many(&header, &all, &done, &skipped);
            document.claimed = claimed.document();
            print_json(&document)?;
        } else {
            print_plain(&text::summary_report(&header, &all));
            print_plain(&calls::calls(&done, &skipped));
            claimed.print();
            print_answer(&all, all.cut_off_share());
        }
        self.page(kept.as_ref(), &header.name)?;
        claimed.finish()?;
        let one_sided: Vec<bool> = done.iter().map(|call| call.is_one_sided).collect();
        // A gate that some calls never came to is not passed.
        Ok(match plan.budgets.is_empty() || skipped.is_empty() {
            true => verdict(&all, &one_sided),
            false => Verdict::NotAsAsked,
        })
    }
}

/// Whether all is as it should be: every budget is kept, and nobody is silent throughout.
fn verdict(measured: &Measurement, one_sided: &[bool]) -> Verdict {
    match measured.has_passed() && !one_sided.contains(&true) {
        true => Verdict::Fine,
        false => Verdict::NotAsAsked,
    }
}

fn stem(source: &CallSource) -> String {
    let path = match source {
        CallSource::Stereo { path, .. } | CallSource::Mixed { path, .. } => path,
        CallSource::Two { caller, .. } => caller,
    };
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
