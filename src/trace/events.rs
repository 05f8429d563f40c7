//! From a conversation as a trace tells it to what happened, as a run has it.

use super::conversation::{Call, CallTurn};
use crate::event::{
    Doubt, EndpointCause, Expect, Mark, OutputNote, ReplyEnd, SessionEnd, StageName, Tick, Traced,
    TracedSpan, TurnId, VisitId,
};
use crate::record::store::RunFolder;
use crate::record::tap;
use std::io;

/// Where turns without times lie, one after the other, so far apart: 1 s.
const APART_NS: u64 = 1_000_000_000;

/// Writes a conversation as the events of a run folder.
///
/// # Errors
/// Fails if they cannot be written.
pub(super) fn write(call: &Call, folder: RunFolder) -> io::Result<()> {
    tap::happened(marks(call), Some(folder))?;
    Ok(())
}

/// Whether the times of the turns are made up: the trace has lengths alone.
pub(super) fn has_no_times(call: &Call) -> bool {
    let is_placed = |turn: &CallTurn| turn.agent_start.or(turn.caller_end).is_some();
    !call.turns.iter().any(is_placed)
}

pub(super) fn marks(call: &Call) -> Vec<(Tick, TurnId, Mark)> {
    let origin = origin(call);
    let mut marks = Marks {
        all: Vec::new(),
        origin,
        cursor: origin,
    };
    for (index, turn) in call.turns.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let next = call.turns.get(index + 1).and_then(|next| next.caller_start);
        marks.turn(TurnId(number), turn, next);
    }
    for speech in &call.unasked {
        let nobody = TurnId(0);
        marks.add(speech.start, nobody, |at| Mark::Audible { at });
        marks.add(speech.end.max(speech.start), nobody, |at| {
            Mark::ReplyEnded {
                end: ReplyEnd::Completed,
                at,
                heard: "".into(),
                heard_ns: speech.end.saturating_sub(speech.start),
            }
        });
    }
    let last = marks.all.iter().map(|(tick, ..)| tick.0).max();
    let end = call.end_ns.unwrap_or(0).saturating_sub(origin);
    let cause = SessionEnd::Finished;
    let end = Tick(end.min(DAYS_NS).max(last.unwrap_or(0)));
    marks
        .all
        .push((end, TurnId(0), Mark::SessionEnded { cause }));
    // Stable: what happens at once stays in the order of causes.
    marks.all.sort_by_key(|(tick, ..)| *tick);
    marks.all
}

/// No conversation lasts longer: seven days. What lies further apart has another clock.
const DAYS_NS: u64 = 7 * 86_400 * 1_000_000_000;

/// When the conversation begins: as the trace says, or with what comes first in it.
fn origin(call: &Call) -> u64 {
    let turns = call.turns.iter();
    let of_turn = |turn: &CallTurn| {
        let times = [turn.caller_start, turn.caller_end, turn.agent_start];
        times.into_iter().flatten().min()
    };
    let unasked = call.unasked.iter().map(|speech| speech.start);
    let first = turns.filter_map(of_turn).chain(unasked).min();
    match (call.start_ns, first) {
        (Some(start), Some(first)) => start.min(first),
        (start, first) => start.or(first).unwrap_or(0),
    }
}

struct Marks {
    all: Vec<(Tick, TurnId, Mark)>,
    origin: u64,
    /// Where the next turn without times lies.
    cursor: u64,
}

impl Marks {
    fn tick(&self, time_ns: u64) -> Tick {
        Tick(time_ns.saturating_sub(self.origin).min(DAYS_NS))
    }

    fn add(&mut self, time_ns: u64, turn: TurnId, mark: impl FnOnce(Tick) -> Mark) {
        let tick = self.tick(time_ns);
        self.all.push((tick, turn, mark(tick)));
    }

    /// When the caller ended and the agent began; made up where the trace has lengths alone.
    fn ends(&mut self, turn: &CallTurn) -> (Option<u64>, Option<u64>) {
        let (end, start) = match (turn.caller_end, turn.agent_start, turn.total_ns) {
            (Some(end), None, Some(total)) => (Some(end), Some(end.saturating_add(total))),
            (None, Some(start), Some(total)) => (start.checked_sub(total), Some(start)),
            (None, None, Some(total)) => {
                let end = turn
                    .caller_start
                    .unwrap_or(self.cursor.saturating_add(APART_NS));
                (Some(end), Some(end.saturating_add(total)))
            }
            (None, None, None) if turn.is_answered => {
                (None, Some(self.cursor.saturating_add(APART_NS)))
            }
            (end, start, _) => (end, start),
        };
        let last = [end, start, turn.agent_end].into_iter().flatten().max();
        self.cursor = self
            .cursor
            .max(last.unwrap_or(self.cursor.saturating_add(APART_NS)));
        (end, start)
    }

    fn turn(&mut self, id: TurnId, turn: &CallTurn, next: Option<u64>) {
        let before = self.cursor;
        let (end, start) = self.ends(turn);
        let Some(known) = end.or(start) else {
            // It was opened, and nothing of it is known but that.
            let onset = turn.caller_start.unwrap_or(before);
            self.opened(id, onset, turn);
            return;
        };
        let onset = turn.caller_start.unwrap_or(known).min(known);
        self.opened(id, onset, turn);
        if let Some(end) = end {
            self.add(end, id, |at| Mark::CallerSpeechEnded { at, doubt: None });
        }
        if !turn.heard.is_empty() {
            let note = OutputNote::Final {
                sureness: None,
                text: turn.heard.as_str().into(),
                audio_ns: end.map_or(0, |end| end.saturating_sub(onset)),
            };
            let (stage, visit) = (StageName::SpeechToText, VisitId(id.0));
            self.add(end.unwrap_or(known), id, |_| Mark::Output {
                stage,
                visit,
                note,
            });
        }
        if let Some(end) = end {
            self.committed(id, turn, (end, start, next));
        }
        if let Some(start) = start {
            self.answer(id, turn, start, next);
        }
    }

    fn opened(&mut self, id: TurnId, onset: u64, turn: &CallTurn) {
        let asks = turn.asks.unwrap_or(Expect::Respond);
        let told = Box::new(self.told(turn));
        self.add(onset, id, |at| Mark::CallerSpeechStarted { at });
        self.add(onset, id, |onset| Mark::VoiceStarted { onset });
        self.add(onset, id, |_| Mark::Judged { asks });
        self.add(onset, id, |_| Mark::Traced { told });
    }

    /// Where nobody says when the platform took the caller to have finished, it had when the answer sounded or the
    /// caller went on.
    fn committed(&mut self, id: TurnId, turn: &CallTurn, times: (u64, Option<u64>, Option<u64>)) {
        let (end, start, next) = times;
        let told = turn.committed.or(start).or(next);
        let last_voiced = self.tick(end);
        self.add(told.unwrap_or(end).max(end), id, |_| {
            Mark::EndpointCommitted {
                last_voiced,
                cause: EndpointCause::Silence,
                decision: None,
            }
        });
    }

    fn answer(&mut self, id: TurnId, turn: &CallTurn, start: u64, next: Option<u64>) {
        if turn.is_doubtful {
            let doubt = Doubt::Trace;
            self.add(start, id, |_| Mark::Doubtful { doubt });
        }
        let question = turn.heard.as_str().into();
        self.add(start, id, |_| Mark::ReplyStarted { question });
        self.add(start, id, |at| Mark::Audible { at });
        // An answer of which nobody knows the end is no longer than until the caller's next words.
        let end = turn.agent_end.unwrap_or(start).max(start);
        let end = match turn.agent_end {
            Some(_) => end,
            None => end.min(next.unwrap_or(end).max(start)),
        };
        let ended = match turn.is_interrupted {
            true => ReplyEnd::Stopped,
            false => ReplyEnd::Completed,
        };
        let heard = turn.said.as_str().into();
        self.add(end, id, |at| Mark::ReplyEnded {
            end: ended,
            at,
            heard,
            heard_ns: end.saturating_sub(start),
        });
    }

    fn told(&self, turn: &CallTurn) -> Traced {
        let spans = turn.parts.iter().map(|part| TracedSpan {
            hop: part.hop,
            start: part.start_ns.map(|start| self.tick(start)),
            // A part that begins before the conversation does loses what lies before.
            span_ns: match part.start_ns {
                Some(start) => part
                    .span_ns
                    .saturating_sub(self.origin.saturating_sub(start)),
                None => part.span_ns,
            },
        });
        Traced {
            spans: spans.collect(),
            metrics: turn.metrics.clone(),
            outcome: turn.outcome.clone(),
            reason: turn.reason.clone(),
        }
    }
}
