//! What the events say about each utterance and the reply to it.

use super::reasoning_time::ReasoningTime;
use crate::event::{
    Doubt, EndpointDecision, Event, Expect, Mark, OutputNote, Remarks, ReplyEnd, SUSTAINED,
    StageName, Tick, Traced, TurnId, Verdict, VisitEnd,
};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// The marks of one turn, by what they mark. Each is the first of its kind.
#[derive(Debug, Clone, Default)]
pub(super) struct TurnMarks {
    pub onset: Option<Tick>,
    pub last_voiced: Option<Tick>,
    /// What the turn asks for, if it was heard on a finished recording, where nothing else is known of the
    /// agent.
    pub asks: Option<Expect>,
    /// Why the turn's latency may be another one, on a finished recording.
    pub doubtful: Option<Doubt>,
    /// What a trace tells of the turn, if it was imported.
    pub traced: Option<Box<Traced>>,
    /// The agent's first sound on a recording, where it is not the answer's.
    pub agent_sound: Option<Tick>,
    /// The true end of the turn's speech, where a recording says whose it is.
    pub speech_ended: Option<Tick>,
    pub committed: Option<Tick>,
    /// What the endpointing policy based the end of the turn on, if it has told.
    pub endpoint: Option<Box<EndpointDecision>>,
    pub stt: Work,
    pub heard: Arc<str>,
    pub answer: Work,
    /// How long the answer was only reasoned about.
    pub reasoning: ReasoningTime,
    pub clauses: Work,
    /// The synthesis of the first clause.
    pub tts: Work,
    /// One model in place of the three before.
    pub model: Work,
    /// When something was said in place of an answer.
    pub filler: Option<Tick>,
    pub queued: Option<Queued>,
    /// The first audible sample of the reply.
    pub audible: Option<Tick>,
    /// The clause that is being made, and the last one of which sound came.
    pub making: Made,
    pub made: Made,
    /// Whether the reply fell silent after a short sound.
    pub fell_silent: bool,
    /// Where the reply begins to be speech, if what sounds before is a short sound that silence follows.
    pub again: Option<Again>,
    pub ended: Option<Ended>,
    /// When the turn began, if the agent was speaking then.
    pub over_agent: Option<Tick>,
    /// When the interruption policy said stop.
    pub must_stop: Option<Tick>,
    pub decided: Option<Decided>,
    pub has_transcription_failed: bool,
    pub has_reply_failed: bool,
    /// When an engine failed.
    pub failed: Option<Tick>,
    /// Why the first of them failed.
    pub failure: Option<Arc<str>>,
    /// What was odd about work that was done.
    pub remarks: Remarks,
    /// Whether an engine that failed had too much to do.
    pub was_refused: bool,
}

/// The milestones of a stage.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    pub entered: Option<Tick>,
    pub begun: Option<Tick>,
    pub first_output: Option<Tick>,
    /// When a visit ended before its first output: it was given up, or failed.
    pub left: Option<Tick>,
}

/// How one clause of the answer came about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Made {
    /// When the text that completed the clause was written.
    pub written: Option<Tick>,
    /// When the clause was complete.
    pub clause: Option<Tick>,
    pub tts: Work,
}

/// A clause that the reply begins anew with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    pub queued: Queued,
    pub made: Made,
}

impl Again {
    /// The first audible sample of the clause.
    pub(super) fn at(&self) -> Tick {
        self.queued.start + Duration::from_nanos(self.queued.silence_ns)
    }
}

/// What the interruption policy made of a sound over the agent: that the agent must stop, or what the
/// policy decided last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    /// Whether the agent was to stop or to go on.
    pub verdict: Verdict,
    /// Nanoseconds from the beginning of the sound to the decision.
    pub after_ns: u64,
    /// The probability that the sound is an interruption, in 0..=1; `None` if the policy computes none.
    pub probability: Option<f64>,
    /// What spoke for the decision, the strongest reason first.
    pub reasons: Vec<String>,
}

/// The first sound of a reply at the speaker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queued {
    pub start: Tick,
    pub silence_ns: u64,
    pub network_ns: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub end: ReplyEnd,
    pub heard: Arc<str>,
}

/// The marks of a conversation, by its turns.
pub(super) struct MarksByTurn(Vec<(TurnId, TurnMarks)>);

/// Sorts events by turn.
pub(super) fn marks_by_turn(events: &[Event]) -> MarksByTurn {
    let mut all = MarksByTurn(Vec::with_capacity(events.len() / EVENTS_PER_TURN + 1));
    for event in events.iter().filter(|event| event.turn != TurnId(0)) {
        all.of(event.turn).add(event);
    }
    all
}

/// About how many events belong to a turn.
const EVENTS_PER_TURN: usize = 24;

impl MarksByTurn {
    pub(super) fn get(&self, turn: TurnId) -> Option<&TurnMarks> {
        let index = self.0.binary_search_by_key(&turn, |(turn, _)| *turn).ok()?;
        Some(&self.0[index].1)
    }

    /// The marks of a turn. Most events belong to the latest one, so the search begins there.
    fn of(&mut self, turn: TurnId) -> &mut TurnMarks {
        let behind = self.0.iter().rposition(|(other, _)| *other <= turn);
        let index = match behind {
            Some(index) if self.0[index].0 == turn => index,
            behind => {
                let index = behind.map_or(0, |index| index + 1);
                self.0.insert(index, (turn, TurnMarks::default()));
                index
            }
        };
        &mut self.0[index].1
    }
}

impl TurnMarks {
    /// Whether the turn was not spoken over an agent who went on.
    pub(super) fn had_the_floor(&self) -> bool {
        self.over_agent.is_none()
            || self.must_stop.is_some()
            || (self.answer.entered.is_some() || self.model.entered.is_some())
    }

    /// The first audible sample of the answer's speech: of what lasts [`SUSTAINED`], short silences included, or is
    /// shorter and followed by nothing.
    pub(super) fn speech(&self) -> Option<Tick> {
        self.again.as_ref().map(Again::at).or(self.audible)
    }

    /// How the first clause came about.
    pub(super) fn first_made(&self) -> Made {
        Made {
            written: self.answer.first_output,
            clause: self.clauses.first_output,
            tts: self.tts,
        }
    }

    /// A short sound ("Hm.") and then silence: the speech has yet to come.
    fn falls_silent(&self, at: Tick, gap_ns: u64) -> bool {
        let gap = Duration::from_nanos(gap_ns);
        gap >= SUSTAINED
            && self
                .speech()
                .is_some_and(|since| at.since(since) < SUSTAINED)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_transcription_failed || self.has_reply_failed
    }

    fn add(&mut self, event: &Event) {
        let now = event.tick;
        match &event.mark {
            Mark::VoiceStarted { onset } => self.onset = Some(*onset),
            Mark::Judged { asks } => self.asks = Some(*asks),
            Mark::Doubtful { doubt } => self.doubtful = Some(*doubt),
            Mark::Traced { told } => self.traced = Some(told.clone()),
            Mark::AgentSound { at } => self.agent_sound = Some(*at),
            Mark::CallerSpeechEnded { at, .. } => self.speech_ended = Some(*at),
            Mark::EndpointCommitted {
                last_voiced,
                decision,
                ..
            } => {
                self.last_voiced = Some(*last_voiced);
                self.endpoint = decision.clone();
                self.committed = Some(now);
            }
            // A judge of the end of a turn decides nothing by itself: its time is part of waiting for the
            // endpoint.
            Mark::Enter {
                stage: StageName::EndOfTurn,
                ..
            }
            | Mark::Begun {
                stage: StageName::EndOfTurn,
                ..
            }
            | Mark::Output {
                stage: StageName::EndOfTurn,
                ..
            }
            | Mark::Exit {
                stage: StageName::EndOfTurn,
                ..
            } => {}
            Mark::Enter { stage, .. } => first(&mut self.work(*stage).entered, now),
            // If there were several transcriptions, the one that the text came from counts.
            Mark::Begun {
                stage: StageName::SpeechToText,
                ..
            } if self.stt.first_output.is_none() => self.stt.begun = Some(now),
            Mark::Begun { stage, .. } => {
                first(&mut self.work(*stage).begun, now);
                if *stage == StageName::TextToSpeech {
                    self.making.tts.begun = Some(now);
                }
            }
            Mark::Output { stage, note, .. } => match note {
                OutputNote::Partial { .. } => {}
                OutputNote::Final { text, .. } => {
                    first(&mut self.stt.first_output, now);
                    self.heard = text.clone();
                }
                _ => {
                    first(&mut self.work(*stage).first_output, now);
                    if let (StageName::Answer, OutputNote::Piece { text }) = (stage, note)
                        && self.clauses.first_output.is_none()
                    {
                        self.reasoning.piece(text, now);
                        // What is reasoned is no output yet.
                        if let Some(answered) = self.reasoning.answered {
                            self.answer.first_output = Some(answered);
                        }
                    }
                    self.makes(*stage, now);
                }
            },
            Mark::Exit {
                stage, end, cost, ..
            } => {
                if let Some(cost) = cost {
                    self.remarks = self.remarks.plus(cost.remarks);
                    let is_answer = matches!((stage, end), (StageName::Answer, VisitEnd::Done));
                    let tokens = cost.tokens.filter(|_| is_answer);
                    if let Some(span_ns) = tokens.and_then(|tokens| tokens.reasoning_ns) {
                        self.reasoning.apart(span_ns);
                    }
                }
                self.left(*stage, end, now);
            }
            Mark::Speculated { .. } | Mark::SpeculationDropped => self.forget_reply(),
            Mark::Queued {
                start,
                silence_ns,
                network_ns,
                ..
            } => {
                let queued = Queued {
                    start: *start,
                    silence_ns: *silence_ns,
                    network_ns: *network_ns,
                };
                first(&mut self.queued, queued);
                if std::mem::take(&mut self.fell_silent) {
                    let made = self.made;
                    self.again = Some(Again { queued, made });
                }
            }
            Mark::PlaybackGap { at, gap_ns } => self.fell_silent = self.falls_silent(*at, *gap_ns),
            Mark::Filler { at, .. } => first(&mut self.filler, *at),
            Mark::Audible { at } => first(&mut self.audible, *at),
            Mark::ReplyEnded { end, heard, .. } => {
                // What was silenced before it sounded is nothing that followed.
                self.again = self.again.filter(|again| again.at() <= now);
                self.ended = Some(Ended {
                    end: *end,
                    heard: heard.clone(),
                });
            }
            Mark::OverlapStarted { onset } => self.over_agent = Some(*onset),
            Mark::Decision(decision) if self.must_stop.is_none() => {
                self.must_stop = (decision.verdict == Verdict::Stop).then_some(now);
                self.decided = Some(Decided {
                    verdict: decision.verdict,
                    after_ns: decision.since_onset_ns,
                    probability: decision.probability,
                    reasons: decision.reasons.clone(),
                });
            }
            _ => {}
        }
    }

    fn makes(&mut self, stage: StageName, now: Tick) {
        match stage {
            StageName::Answer => self.making.written = Some(now),
            StageName::Clauses => self.making.clause = Some(now),
            StageName::TextToSpeech => {
                self.making.tts.first_output = Some(now);
                self.made = self.making;
            }
            _ => {}
        }
    }

    fn left(&mut self, stage: StageName, end: &VisitEnd, now: Tick) {
        let work = self.work(stage);
        if work.first_output.is_none() && *end != VisitEnd::Done {
            work.left = Some(now);
        }
        if let VisitEnd::Failed(why) = end {
            self.was_refused |= why.refused;
            if self.failure.is_none() {
                self.failure = Some(why.error.as_str().into());
            }
            first(&mut self.failed, now);
            match stage {
                StageName::SpeechToText => self.has_transcription_failed = true,
                _ => self.has_reply_failed = true,
            }
        }
    }

    /// What was prepared in vain never happened, as far as the turn is concerned.
    fn forget_reply(&mut self) {
        (self.answer, self.clauses, self.tts, self.model) = Default::default();
        self.reasoning = ReasoningTime::default();
        (self.making, self.made) = Default::default();
        self.has_reply_failed = false;
        self.was_refused = false;
        self.failed = None;
        self.failure = None;
    }

    fn work(&mut self, stage: StageName) -> &mut Work {
        match stage {
            StageName::SpeechToText => &mut self.stt,
            StageName::Answer => &mut self.answer,
            StageName::Clauses => &mut self.clauses,
            StageName::TextToSpeech => &mut self.tts,
            StageName::SpeechToSpeech | StageName::EndOfTurn => &mut self.model,
        }
    }
}

fn first<T>(slot: &mut Option<T>, value: T) {
    if slot.is_none() {
        *slot = Some(value);
    }
}
