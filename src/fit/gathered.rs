//! What several folders of results tell, taken together.

use super::calibrator::{Beside, Calibrator, Jobs};
use super::habits::Habits;
use super::maximum::Time;
use super::sample::Sample;
use super::visits::visits;
use crate::event::{Event, Hop, Mark, StageName, Traced};
use crate::measure::folder::Results;
use crate::measure::{Row, ms};
use crate::record::store::{Header, StoreError};
use crate::scenario::{Scenario, ScenarioFile};
use std::collections::BTreeMap;

/// Conversations of a simulation that are read; it keeps the events of so many.
const SIMULATED_MAX: usize = 100;

/// Folders that a profile names.
const NAMED_MAX: usize = 8;

/// What folders of results tell of engines and callers.
#[derive(Debug, Default)]
pub struct Gathered {
    pub(super) stages: BTreeMap<StageName, Vec<Sample>>,
    /// Work of a calibrator around all that was read, which tells how an engine's time goes with its threads, and nothing
    /// else.
    pub(super) calibrated: Jobs,
    /// Latencies of turns as a whole, where nothing is known of their parts.
    pub(super) wholes: Vec<Sample>,
    pub(super) habits: Habits,
    pub(super) answers: Vec<String>,
    pub(super) token_ms: Vec<f64>,
    /// For how many milliseconds the sound of each answer began inaudibly.
    pub(super) heads_ms: Vec<f64>,
    /// Milliseconds by hop, of traces: what they tell of the wait for the endpoint, and of what no engine does.
    pub(super) traced: BTreeMap<Hop, Vec<f64>>,
    pub(super) jobs: u64,
    pub(super) disturbed: u64,
    /// Jobs behind an undisturbed and behind a disturbed one: how many of each, and how many of these were disturbed.
    pub(super) behind: [[u64; 2]; 2],
    /// Turns whose latency may be another one: they are not among those that callers waited for.
    pub doubtful: u64,
    pub conversations: u32,
    pub turns: u64,
    /// e2e_latency of the answered turns, in milliseconds.
    pub(super) e2e_ms: Vec<f64>,
    /// Turns that should have been answered and were not.
    pub(super) unanswered: u64,
    pub(super) sources: Vec<String>,
    pub(super) engines: BTreeMap<String, String>,
    pub(super) machine: String,
    /// What was asked for in the first run; `None` if nothing was run.
    pub(super) settings: Option<ScenarioFile>,
    /// Whether runs were held with different settings of those that a profile keeps.
    pub(super) settings_differ: bool,
}

impl Gathered {
    /// Adds a folder of results.
    ///
    /// # Errors
    /// Events that cannot be read.
    pub fn add(&mut self, results: &Results) -> Result<(), StoreError> {
        let header = results.header();
        if self.sources.len() < NAMED_MAX {
            let name = results
                .path()
                .file_name()
                .unwrap_or(results.path().as_os_str());
            let name = name.to_string_lossy();
            self.sources
                .push(name.chars().filter(|c| !c.is_control()).collect());
        }
        match results {
            Results::Run(run) => {
                let events = run.events()?;
                self.note(header, &run.scenario);
                self.conversation(&events, &run.measured.rows, (header, &run.scenario));
            }
            Results::Simulation(simulation) => {
                self.note(header, &simulation.scenario);
                let plan = simulation.plan();
                for events in simulation.conversations(SIMULATED_MAX)? {
                    let rows = crate::measure::rows(&events, &plan);
                    self.conversation(&events, &rows, (header, &simulation.scenario));
                }
            }
        }
        Ok(())
    }

    /// Has a calibrator, whose runs lay around all that was added, tell how engines go with threads.
    pub fn calibrate(&mut self, by: &Calibrator, beside: &[Beside]) {
        self.calibrated = by.jobs(beside, &self.engines);
    }

    fn note(&mut self, header: &Header, scenario: &Scenario) {
        for (stage, engine) in &header.engines {
            self.engines
                .entry(stage.clone())
                .or_insert_with(|| engine.clone());
        }
        if self.machine.is_empty() {
            self.machine.clone_from(&header.machine);
        }
        if header.is_of_others() {
            return;
        }
        let kept = |file: &ScenarioFile| {
            (
                file.cores,
                file.endpointing.clone(),
                file.speculation.clone(),
                file.clauses.clone(),
            )
        };
        match &self.settings {
            None => self.settings = Some(scenario.file().clone()),
            Some(first) => self.settings_differ |= kept(first) != kept(scenario.file()),
        }
    }

    fn conversation(
        &mut self,
        events: &[Event],
        rows: &[Row],
        (header, scenario): (&Header, &Scenario),
    ) {
        let conversation = self.conversations;
        self.conversations += 1;
        self.turns += rows.iter().filter(|row| row.is_first_question()).count() as u64;
        let (certain, doubtful): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| row.doubtful.is_none());
        self.doubtful += doubtful.len() as u64;
        for row in certain {
            self.e2e_ms.extend(row.e2e_ns.map(ms));
            if row.e2e_ns.is_some() && !header.is_of_others() {
                let head = row.hops.get(Hop::LeadingSilence).unwrap_or(0);
                self.heads_ms.push(ms(head));
            }
            self.unanswered += u64::from(row.unanswered.is_some());
        }
        let mut knows_parts = false;
        if !header.is_of_others() {
            let visits = visits(events, conversation, &scenario.clauses().openings);
            knows_parts = !visits.samples.is_empty();
            for (stage, samples) in visits.samples {
                self.stages.entry(stage).or_default().extend(samples);
            }
            self.answers.extend(visits.answers);
            self.token_ms.extend(visits.token_ms);
            self.jobs += visits.jobs;
            self.disturbed += visits.disturbed;
            for (own, more) in self
                .behind
                .iter_mut()
                .flatten()
                .zip(visits.behind.iter().flatten())
            {
                *own += more;
            }
        }
        let mut question = 0;
        for event in events {
            if let Mark::Traced { told } = &event.mark {
                question += 1;
                knows_parts |= self.told(told, (conversation, question));
            }
        }
        if !knows_parts {
            self.whole(rows, conversation);
        }
        // Where a log has lengths alone, turns lie where nobody measured them.
        if header
            .engines
            .get("times")
            .is_none_or(|times| times != Header::LENGTHS_ALONE)
        {
            self.habits.add(Habits::of(events, scenario));
        }
    }

    /// The parts of a turn as a trace tells them; whether there are any of an engine.
    fn told(&mut self, told: &Traced, (conversation, question): (u32, u32)) -> bool {
        let mut knows_parts = false;
        for span in &told.spans {
            let stage = match span.hop {
                Hop::Transcription => Some(StageName::SpeechToText),
                Hop::Answer => Some(StageName::Answer),
                Hop::SpeechSynthesis => Some(StageName::TextToSpeech),
                Hop::ModelResponse => Some(StageName::SpeechToSpeech),
                _ => None,
            };
            let Some(stage) = stage else {
                self.traced
                    .entry(span.hop)
                    .or_default()
                    .push(ms(span.span_ns));
                continue;
            };
            knows_parts = true;
            let time = Time::ended(ms(span.span_ns));
            let sample = Sample::of(time, conversation, question);
            self.stages.entry(stage).or_default().push(sample);
        }
        knows_parts
    }

    /// The latencies of turns of which only the whole is known.
    fn whole(&mut self, rows: &[Row], conversation: u32) {
        let asked = rows.iter().filter(|row| row.is_first_question());
        for (question, row) in (1..).zip(asked) {
            if row.doubtful.is_some() {
                continue;
            }
            let (span_ns, is_given_up) = match (row.e2e_ns, row.waited_ns()) {
                (Some(e2e), _) => (e2e, false),
                (None, Some(waited)) => (waited, true),
                (None, None) => continue,
            };
            let time = Time {
                ms: ms(span_ns),
                is_given_up,
            };
            self.wholes.push(Sample::of(time, conversation, question));
        }
    }

    /// Whether runs were held with different settings of those that a profile keeps.
    pub fn settings_differ(&self) -> bool {
        self.settings_differ
    }

    /// Hops of a trace that a profile has no place for, with their medians in milliseconds.
    pub fn left_over(&self) -> Vec<(Hop, f64)> {
        let hops = self
            .traced
            .iter()
            .filter(|(hop, _)| **hop != Hop::EndpointingWait);
        hops.filter_map(|(hop, values)| Some((*hop, super::median(values)?)))
            .filter(|(_, median_ms)| *median_ms >= 0.5)
            .collect()
    }

    /// Leaves out what other programs disturbed; how many samples those are.
    pub fn leave_out_disturbed(&mut self) -> usize {
        let mut left_out = 0;
        for samples in self.stages.values_mut() {
            let before = samples.len();
            samples.retain(|sample| !sample.is_disturbed);
            left_out += before - samples.len();
        }
        left_out
    }
}
