//! One call after the other, from its recording to its figures.

use super::super::bar::Bar;
use super::super::{Failure, call_folder};
use crate::call::floor::FloorHistory;
#[cfg(feature = "probe")]
use crate::call::known::Known;
#[cfg(feature = "probe")]
use crate::call::probed::Probed;
use crate::call::{self, CallError, CallSource, Silence, Tracks, VAD_THRESHOLD, Words};
use crate::clock::Clock;
use crate::ear::silero::SileroModel;
use crate::engine;
use crate::event::{DisclosureEvidence, Event, Mark};
use crate::measure::{self, Measurement, Plan};
#[cfg(feature = "silero")]
use crate::models;
#[cfg(feature = "probe")]
use crate::record::store::Probe;
use crate::record::store::{self, Header, KeepAudio, RowsPer, RunFolder};
use crate::report::calls::{self, MeasuredCall};
use crate::report::document::AtThreshold;
use crate::report::text;
use crate::run;
use crate::scenario::{Scenario, ScenarioFile};
use crate::stage::SpeechToText;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tracing::subscriber::{NoSubscriber, with_default};

/// Thresholds of the voice detector that are always shown besides the one that is used.
const THRESHOLDS: [f32; 3] = [0.3, 0.5, 0.7];
/// Cores for the recogniser.
const CORES: u32 = 2;

/// The settings of a measurement without budgets.
pub(in crate::cli) fn settings(vad_threshold: f32) -> Result<Scenario, Failure> {
    if !(vad_threshold > 0.0 && vad_threshold < 1.0) {
        return Err(Failure::Input(format!(
            "--vad-threshold {vad_threshold} is no probability between 0 and 1; {VAD_THRESHOLD} is a good one"
        )));
    }
    let mut file = ScenarioFile::default();
    file.ear.vad_threshold = vad_threshold;
    file.parse().map_err(Failure::input)
}

/// Measures one call after the other.
pub(in crate::cli) struct Work {
    scenario: Scenario,
    pub(in crate::cli) transcribes: bool,
    /// Loaded when the first call needs it.
    recogniser: Option<Recogniser>,
    /// Loaded with the first call, if it is installed.
    silero: Option<Arc<SileroModel>>,
    pub(in crate::cli) takes_doubtful: bool,
    /// Whether folders keep the sound of the worst moments, or of a probe's whole call.
    pub(in crate::cli) audio: KeepAudio,
    /// Whether Silero's detector is left out, though it may be installed.
    leaves_out_silero: bool,
    is_quiet: bool,
}

/// What was heard of a call.
pub(in crate::cli) struct Heard {
    pub(in crate::cli) tracks: Tracks,
    pub(in crate::cli) floor: FloorHistory,
    /// What was said; `None` if nobody wrote it down.
    pub(in crate::cli) words: Option<Words>,
}

struct Recogniser {
    clock: Clock,
    stage: SpeechToText,
    described: String,
}

impl Work {
    pub(in crate::cli) fn new(scenario: Scenario, is_quiet: bool) -> Work {
        Work {
            scenario,
            transcribes: true,
            recogniser: None,
            silero: None,
            takes_doubtful: false,
            audio: KeepAudio::No,
            leaves_out_silero: false,
            is_quiet,
        }
    }

    /// Measures from now on as an earlier measurement did: with or without words, and with or without Silero.
    pub(in crate::cli) fn go_by(
        &mut self,
        settings: Scenario,
        transcribes: bool,
        has_silero: bool,
    ) -> Result<(), Failure> {
        self.scenario = settings;
        self.transcribes = transcribes;
        self.leaves_out_silero = !has_silero;
        match has_silero && self.silero()?.is_none() {
            true => Err(Failure::Unavailable(
                "it was measured with Silero's voice detector, which is not installed here: voicesim models install silero-vad".into(),
            )),
            false => Ok(()),
        }
    }

    pub(in crate::cli) fn measure(
        &mut self,
        source: &CallSource,
        name: String,
        out: Option<&Path>,
    ) -> Result<(MeasuredCall, Tracks), Failure> {
        let Heard {
            tracks,
            floor,
            words,
        } = self.hear(source, &name)?;
        let has_silero = self.silero()?.is_some();
        let header = self.header(
            name.clone(),
            call::check::notes(&tracks, &floor, words.as_ref()),
        )?;
        let folder = match out {
            Some(path) => {
                let folder = RunFolder::create(path, &header, KeepAudio::No);
                let folder = folder?;
                call_folder::keep_recording(source, path, self.transcribes, has_silero)?;
                Some(folder)
            }
            None => None,
        };
        let events = call::events(&floor, words.as_ref(), self.due(words.as_ref()), folder)?;
        let measured = self.measured(&events);
        if let Some(path) = out {
            run::write_hlog(&path.join("latency.hlog"), &measured, &events)?;
            call_folder::keep_moments(source, path, (&measured, &tracks), self.audio)?;
            store::seal(path)?;
        }
        let call = MeasuredCall {
            name,
            header,
            measured,
            at_thresholds: Vec::new(),
            is_one_sided: Silence::of(&floor).is_some(),
        };
        Ok((call, tracks))
    }

    /// Measures the call that a probe held, and recorded into `conversation.wav` of a folder; the folder becomes that of
    /// a run.
    #[cfg(feature = "probe")]
    pub(in crate::cli) fn probed(
        &mut self,
        known: &Known,
        probe: Probe,
        name: String,
        folder: &Path,
    ) -> Result<MeasuredCall, Failure> {
        let source = CallSource::Stereo {
            path: folder.join("conversation.wav"),
            is_swapped: false,
        };
        let mut bar = Bar::new(&format!("listening to {name}"), self.is_quiet);
        let silero = self.silero()?;
        let listened =
            source.listen_apart(silero.as_ref(), &mut |done, whole| bar.show(done, whole));
        drop(bar);
        let tracks = listened?;
        let probed = Probed::of(known, &tracks, self.scenario.ear.vad_threshold);
        let words = match self.transcribes {
            true => Some(self.words(&source, probed.floor(), &name)?),
            false => None,
        };
        let header = Header {
            clock: Header::PROBE.into(),
            keeps_audio: self.audio == KeepAudio::Yes,
            rows_per: RowsPer::Turn,
            probe: Some(probe),
            ..self.header(name.clone(), Vec::new())?
        };
        let made = RunFolder::around_conversation(folder, &header);
        let events = probed.events(known, words.as_ref(), self.due(words.as_ref()), Some(made?))?;
        let plan = Plan::of(&self.scenario, RowsPer::Turn);
        let mut measured = measure::measure(&events, &plan);
        if self.takes_doubtful {
            measured.take_in_doubtful();
            measured.judge(&plan.budgets);
        }
        run::write_hlog(&folder.join("latency.hlog"), &measured, &events)?;
        Ok(MeasuredCall {
            name,
            header,
            measured,
            at_thresholds: Vec::new(),
            is_one_sided: Silence::of(probed.floor()).is_some(),
        })
    }

    /// That the agent has to say that it is a machine, where its words can be understood.
    fn due(&self, words: Option<&Words>) -> Option<Mark> {
        words.filter(|words| words.are_understood())?;
        let disclosure = self.scenario.disclosure()?;
        Some(Mark::DisclosureDue {
            text: disclosure.text.as_str().into(),
            on: disclosure.on,
            within_ns: disclosure.within_ms.map(|within| within * 1_000_000),
            by: DisclosureEvidence::Transcript,
        })
    }

    /// Listens to a call, and has it written down if that is wanted.
    pub(in crate::cli) fn hear(
        &mut self,
        source: &CallSource,
        name: &str,
    ) -> Result<Heard, Failure> {
        let threshold = self.scenario.ear.vad_threshold;
        let mut bar = Bar::new(&format!("listening to {name}"), self.is_quiet);
        let silero = self.silero()?;
        let tracks = source.listen(silero.as_ref(), &mut |done, whole| bar.show(done, whole));
        drop(bar);
        let tracks = tracks?;
        call::check::check(source, &tracks)?;
        let floor = call::floor(&tracks, threshold);
        let words = match self.transcribes {
            true => Some(self.words(source, &floor, name)?),
            false => None,
        };
        Ok(Heard {
            tracks,
            floor,
            words,
        })
    }

    /// Has a call written down.
    fn words(
        &mut self,
        source: &CallSource,
        floor: &FloorHistory,
        name: &str,
    ) -> Result<Words, Failure> {
        let is_quiet = self.is_quiet;
        let recogniser = self.recogniser()?;
        let mut bar = Bar::new(&format!("writing down {name}"), is_quiet);
        let Recogniser { clock, stage, .. } = recogniser;
        let mut progress = |done, whole| bar.show(done, whole);
        let words = call::words::transcribe(source, floor, stage, clock, &mut progress);
        Ok(words?)
    }

    /// Loads the recogniser, if there is to be one.
    #[cfg(feature = "probe")]
    pub(in crate::cli) fn prepare(&mut self) -> Result<(), Failure> {
        match self.transcribes {
            true => self.recogniser().map(|_| ()),
            false => Ok(()),
        }
    }

    fn measured(&self, events: &[Event]) -> Measurement {
        let plan = self.plan();
        let mut measured = measure::measure(events, &plan);
        if self.takes_doubtful {
            measured.take_in_doubtful();
            measured.judge(&plan.budgets);
        }
        measured
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::of(&self.scenario, RowsPer::Utterance)
    }

    /// The latency by other settings of the voice detector; by voice alone, so that nothing but it differs.
    pub(super) fn at_thresholds(&self, tracks: &Tracks) -> Result<Vec<AtThreshold>, CallError> {
        let mut thresholds = THRESHOLDS.to_vec();
        thresholds.push(self.scenario.ear.vad_threshold);
        thresholds.sort_by(f32::total_cmp);
        thresholds.dedup();
        let at = |vad_threshold| {
            let floor = call::floor(tracks, vad_threshold);
            let events = with_default(NoSubscriber::default(), || {
                call::events(&floor, None, None, None)
            })?;
            let measured = self.measured(&events);
            Ok(AtThreshold {
                vad_threshold,
                turns: measured.rows.len(),
                e2e_latency: calls::e2e(&measured),
            })
        };
        thresholds.into_iter().map(at).collect()
    }

    /// Silero's detector, if its model is installed.
    fn silero(&mut self) -> Result<Option<Arc<SileroModel>>, Failure> {
        if self.leaves_out_silero {
            return Ok(None);
        }
        #[cfg(feature = "silero")]
        if self.silero.is_none()
            && let Ok(path) = models::locate("silero-vad")
        {
            let loaded = SileroModel::load(&path).map_err(Failure::unavailable)?;
            self.silero = Some(Arc::new(loaded));
        }
        Ok(self.silero.clone())
    }

    fn recogniser(&mut self) -> Result<&mut Recogniser, Failure> {
        let recogniser = match self.recogniser.take() {
            Some(recogniser) => recogniser,
            None => {
                let clock = Clock::virtual_time(CORES);
                let loaded = engine::speech_to_text(&self.scenario, &clock);
                let (stage, described) = loaded.map_err(|error| {
                    Failure::Unavailable(format!(
                        "{error}; or measure without words: --no-transcribe"
                    ))
                })?;
                Recogniser {
                    clock,
                    stage,
                    described,
                }
            }
        };
        Ok(self.recogniser.insert(recogniser))
    }

    pub(in crate::cli) fn header(
        &self,
        name: String,
        notes: Vec<String>,
    ) -> Result<Header, Failure> {
        let recogniser = self.recogniser.as_ref().filter(|_| self.transcribes);
        let words = recogniser.map_or("none (--no-transcribe)", |words| &words.described);
        let detectors = match self.silero.as_ref().filter(|_| !self.leaves_out_silero) {
            Some(_) => "earshot, silero-vad",
            None => text::EARSHOT,
        };
        let mut scenario = self.scenario.clone();
        scenario.set_name(&name);
        Ok(Header {
            clock: Header::RECORDING.into(),
            engines: BTreeMap::from([
                ("speech_to_text".into(), words.into()),
                ("voice_activity".into(), detectors.into()),
            ]),
            notes,
            machine: String::new(),
            ..run::header_of(&scenario, RowsPer::Utterance)?
        })
    }
}
