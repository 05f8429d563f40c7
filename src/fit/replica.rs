//! A run as a simulation of itself: the same speech, and every job of the engines as long as it was. What comes out
//! otherwise is the simulator's own error, and none of the engines, of the callers or of chance.

use super::cores::Cores;
use super::maximum::Time;
use super::sample::Sample;
use crate::event::{Event, Mark, StageName, Tick, TurnId, VisitId};
use crate::measure::ms;
use crate::scenario::engine::Compute;
use crate::scenario::latency::LatencyModel;
use crate::scenario::speech::{Pause, Speech};
use crate::scenario::{
    EndpointPolicy, EndpointingTable, Scenario, ScenarioFile, SpeculationTable, TopologyName,
    TurnTable,
};
use std::collections::BTreeMap;

/// Questions of one simulation: a latency has room for so many.
const QUESTIONS_MAX: usize = 16;

/// The frame in which speech is heard.
const FRAME_MS: f64 = 16.0;

/// Some questions of a run, to be simulated as they were.
#[derive(Debug)]
pub struct Replica {
    pub scenario: Scenario,
    /// Milliseconds from the last voice of each question to the first sound of its answer, without the inaudible head of
    /// that sound, which simulated voices do not have.
    pub measured_ms: Vec<f64>,
}

/// A job of an engine.
#[derive(Debug, Default, Clone, Copy)]
struct Job {
    visit: Option<VisitId>,
    begun: Option<Tick>,
    took_ms: Option<f64>,
    threads: u32,
    /// Whether no other job computed when it began.
    is_alone: bool,
}

/// A question, as far as it was followed.
#[derive(Debug, Default)]
struct Asked {
    stretches: Vec<(Tick, Tick)>,
    /// Milliseconds from the last voice to when that was noticed.
    notice_ms: f64,
    since: Option<Tick>,
    committed: Option<Tick>,
    jobs: BTreeMap<StageName, Job>,
    head_ns: Option<u64>,
    audible: Option<Tick>,
    /// When the recogniser was asked for the last stretch.
    asked: Option<Tick>,
    /// Whether it had not come to the end of a job that was given up: how long that took is not on record.
    waited_for_given_up: bool,
    /// Whether the agent spoke when it began.
    is_over_agent: bool,
}

/// The questions of a run that were answered in one go, as simulations; but for those whose transcription waited for one
/// that was given up, since how long that took is not on record. Nothing where the simulator does not have what
/// the run had: another endpointing policy than a silence, a model that hears and speaks, a network.
pub fn replicas(events: &[Event], scenario: &Scenario) -> Vec<Replica> {
    let is_direct = scenario.file().topology == TopologyName::SpeechToSpeech;
    if is_direct || !matches!(scenario.endpointing.policy, EndpointPolicy::Silence(_)) {
        return Vec::new();
    }
    let asked: Vec<Question> = asked(events)
        .into_values()
        .filter_map(Question::of)
        .collect();
    asked
        .chunks(QUESTIONS_MAX)
        .filter_map(|some| replica(some, scenario))
        .collect()
}

fn asked(events: &[Event]) -> BTreeMap<TurnId, Asked> {
    let mut all: BTreeMap<TurnId, Asked> = BTreeMap::new();
    let mut is_agent_speaking = false;
    for event in events {
        let own = all.entry(event.turn).or_default();
        match &event.mark {
            Mark::VoiceStarted { onset } => {
                (own.since, own.is_over_agent) = (Some(*onset), is_agent_speaking);
            }
            Mark::VoiceResumed { at } => own.since = Some(*at),
            Mark::VoicePaused { last_voiced } => {
                if let Some(since) = own.since.take() {
                    own.stretches.push((since, *last_voiced));
                    own.notice_ms = ms(event.tick.0.saturating_sub(last_voiced.0));
                    own.asked = None;
                }
            }
            Mark::AskedSoFar => {
                own.asked.get_or_insert(event.tick);
            }
            Mark::EndpointCommitted { last_voiced, .. } => own.committed = Some(*last_voiced),
            // A reply is prepared anew: what was spoken of an earlier one is not heard.
            Mark::Enter {
                stage: StageName::Answer,
                ..
            } => {
                own.jobs.remove(&StageName::Answer);
                own.jobs.remove(&StageName::TextToSpeech);
            }
            Mark::Begun { stage, visit } => {
                let is_first = !own.jobs.contains_key(stage);
                if *stage == StageName::SpeechToText && !is_first {
                    own.waited_for_given_up = own.asked.is_some_and(|asked| event.tick > asked);
                }
                let job = own.jobs.entry(*stage).or_default();
                let is_anew = *stage == StageName::SpeechToText;
                if job.visit.is_none() || (is_anew && job.visit == Some(*visit)) {
                    *job = Job {
                        visit: Some(*visit),
                        begun: Some(event.tick),
                        ..Job::default()
                    };
                }
            }
            Mark::Output { stage, visit, .. } => {
                if let Some(job) = own.jobs.get_mut(stage)
                    && job.visit == Some(*visit)
                    && let Some(begun) = job.begun.take()
                {
                    job.took_ms = Some(ms(event.tick.0.saturating_sub(begun.0)));
                }
            }
            Mark::Exit {
                stage,
                visit,
                cost: Some(cost),
                ..
            } => {
                if let Some(job) = own.jobs.get_mut(stage)
                    && job.visit == Some(*visit)
                {
                    (job.threads, job.is_alone) = (cost.threads, cost.concurrent == 0);
                }
            }
            Mark::Queued { silence_ns, .. } => {
                own.head_ns.get_or_insert(*silence_ns);
            }
            Mark::Audible { at } => {
                own.audible.get_or_insert(*at);
                is_agent_speaking = true;
            }
            Mark::ReplyEnded { .. } => is_agent_speaking = false,
            _ => {}
        }
    }
    all
}

/// A question that was answered.
#[derive(Debug)]
struct Question {
    speech: Speech,
    notice_ms: f64,
    /// Speech-to-text, answer, text-to-speech.
    jobs: [Job; 3],
    measured_ms: f64,
}

const STAGES: [StageName; 3] = [
    StageName::SpeechToText,
    StageName::Answer,
    StageName::TextToSpeech,
];

impl Question {
    fn of(asked: Asked) -> Option<Question> {
        if asked.is_over_agent || asked.waited_for_given_up || asked.since.is_some() {
            return None;
        }
        let (_, last) = asked.stretches.last().copied()?;
        let (audible, committed) = (asked.audible?, asked.committed?);
        // A voice that was taken back, or a cut-off.
        if committed != last {
            return None;
        }
        let jobs = STAGES.map(|stage| {
            asked
                .jobs
                .get(&stage)
                .copied()
                .filter(|job| job.took_ms.is_some())
        });
        let [Some(stt), Some(answer), Some(tts)] = jobs else {
            return None;
        };
        let waited_ns = audible.0.checked_sub(last.0 + asked.head_ns.unwrap_or(0))?;
        Some(Question {
            speech: speech(&asked.stretches),
            notice_ms: asked.notice_ms,
            jobs: [stt, answer, tts],
            measured_ms: ms(waited_ns),
        })
    }
}

/// What the voice detector heard, as what somebody says.
fn speech(stretches: &[(Tick, Tick)]) -> Speech {
    let mut pauses = Vec::new();
    let mut spoken_ms = 0.0;
    for pair in stretches.windows(2) {
        let [(since, until), (next, _)] = pair else {
            continue;
        };
        spoken_ms += ms(until.0.saturating_sub(since.0));
        pauses.push(Pause {
            after_ms: libm::round(spoken_ms).max(1.0) as u64,
            length: LatencyModel::FixedMs(ms(next.0.saturating_sub(until.0))),
        });
    }
    let last = stretches
        .last()
        .map_or(0.0, |(since, until)| ms(until.0.saturating_sub(since.0)));
    Speech {
        length: LatencyModel::FixedMs((spoken_ms + last).max(FRAME_MS)),
        pauses,
    }
}

fn replica(questions: &[Question], scenario: &Scenario) -> Option<Replica> {
    let turn = |question: &Question| TurnTable {
        speech: Some(question.speech.clone()),
        ..TurnTable::default()
    };
    let own = scenario.file();
    let mut file = ScenarioFile {
        name: own.name.clone(),
        cores: own.cores,
        turn: questions.iter().map(turn).collect(),
        endpointing: EndpointingTable {
            ..own.endpointing.clone()
        },
        speculation: SpeculationTable {
            ..own.speculation.clone()
        },
        ..ScenarioFile::default()
    };
    file.ear.lag = LatencyModel::FixedMs(0.0);
    let notice = questions
        .iter()
        .map(|question| LatencyModel::FixedMs(question.notice_ms));
    file.ear.notice = LatencyModel::Turns(notice.collect());
    let engines = [0, 1, 2].map(|place| engine(questions, place));
    let [stt, answer, tts] = engines;
    let simulated = || "simulated".to_owned();
    (file.stt.engine, file.answer.engine, file.tts.engine) =
        (simulated(), simulated(), simulated());
    (file.stt.latency, file.stt.compute) = (Some(stt.0), stt.1);
    (file.answer.latency, file.answer.compute) = (Some(answer.0), answer.1);
    (file.tts.latency, file.tts.compute) = (Some(tts.0), tts.1);
    file.tts.leading_silence_ms = None;
    Some(Replica {
        scenario: file.parse().ok()?,
        measured_ms: questions
            .iter()
            .map(|question| question.measured_ms)
            .collect(),
    })
}

/// An engine whose job for each question takes as long as it did, with the threads that its jobs leave each other.
fn engine(questions: &[Question], place: usize) -> (LatencyModel, Option<Compute>) {
    let jobs = || {
        questions
            .iter()
            .filter_map(|question| question.jobs.get(place))
    };
    let threads = jobs().map(|job| job.threads).max().unwrap_or(0);
    let compute = (threads > 0).then(|| Compute {
        threads,
        ..Compute::default()
    });
    let cores = compute.map(|compute| Cores {
        compute,
        is_measured: false,
        fewest: 1,
        on_fewer: 0,
    });
    let took = jobs().map(|job| {
        // These jobs are waited for, and get all cores that are free. Those that one lacked though no other job had them
        // were other programs', of which a simulation has none.
        let sample = Sample {
            threads: if job.is_alone { threads } else { job.threads },
            ..Sample::of(Time::ended(job.took_ms.unwrap_or(0.0)), 0, 1)
        };
        let on_all = cores.map_or(sample, |cores| cores.on_all(sample));
        LatencyModel::FixedMs(on_all.time.ms)
    });
    (LatencyModel::Turns(took.collect()), compute)
}
