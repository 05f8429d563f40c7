//! The events that belong to each row.

use super::plan::{Plan, RowPlan};
use crate::event::{Doubt, Event, Expect, Mark, Remarks, ReplyEnd, SessionEnd, Tick, TurnId};
use crate::measure::turn_marks::{MarksByTurn, TurnMarks};
use crate::record::store::RowsPer;
use std::sync::Arc;
use std::time::Duration;

/// The events of one row.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    pub(super) plan: Option<&'a RowPlan>,
    /// What the turn asks for, if a caller made it up.
    pub(super) made_up: Option<Expect>,
    pub(super) utterances: Vec<(TurnId, &'a TurnMarks)>,
    pub(super) speech_starts: Vec<Tick>,
    pub(super) speech_ended: Option<Tick>,
    /// Why the speech may have ended at another time.
    pub(super) end_doubt: Option<Doubt>,
    /// When the end of speech reached the ear, if it had to cross a network.
    pub(super) speech_arrived: Option<Tick>,
    /// When the agent was stopped during the row.
    pub(super) stopped_at: Option<Tick>,
    pub(super) was_never_spoken: bool,
    /// The caller did not wait for the reply any longer.
    pub(super) was_given_up: bool,
    /// The caller did not wait, and hung up, now or before the turn could be asked.
    pub(super) has_hung_up: bool,
    /// When the caller spoke again or hung up, or the record ended: nobody waited longer than that.
    pub(super) left: Tick,
    pub(super) is_again: bool,
    /// The record ends before the row, or within it.
    pub(super) is_open: bool,
}

/// True speech begins at most this long before the detector hears it: 200 ms.
const ONSET_WINDOW: Duration = Duration::from_millis(200);

/// The rows of a conversation, in order.
pub(super) fn gathered<'a>(
    events: &[Event],
    plan: &'a Plan,
    all: &'a MarksByTurn,
) -> Vec<Gathered<'a>> {
    let mut gathered = match plan.rows_per {
        RowsPer::Turn => {
            let mut rows = by_turn(events, plan, all);
            never_asked(&mut rows, events, plan);
            rows
        }
        RowsPer::Utterance => by_utterance(events, all),
    };
    let is_end = |event: &Event| {
        let cause = SessionEnd::Finished;
        matches!(event.mark, Mark::SessionEnded { cause: how } if how == cause)
    };
    let is_over = events.iter().any(is_end);
    let mut next = events.last().map_or(Tick::ZERO, |event| event.tick);
    for row in gathered.iter_mut().rev() {
        // Whoever began again or hung up said so at once.
        row.left = match row.has_hung_up {
            true if row.left > Tick::ZERO => row.left,
            _ => next,
        };
        next = row.speech_starts.first().copied().unwrap_or(next);
    }
    if !is_over {
        if let Some(last) = gathered.last_mut() {
            last.is_open = true;
        }
        // Turns that the run did not come to.
        if plan.rows_per == RowsPer::Turn {
            let rest = plan.rows.iter().skip(gathered.len());
            gathered.extend(rest.map(|plan| Gathered {
                plan: Some(plan),
                is_open: true,
                was_never_spoken: true,
                ..Gathered::default()
            }));
        }
    }
    gathered
}

/// Adds the questions that a caller who makes them up had planned, and hung up before.
fn never_asked(rows: &mut Vec<Gathered>, events: &[Event], plan: &Plan) {
    let has_hung_up = |event: &Event| matches!(event.mark, Mark::CallerGaveUp);
    let (Some(planned), true) = (plan.questions, events.iter().any(has_hung_up)) else {
        return;
    };
    let is_question = |row: &&Gathered| row.made_up == Some(Expect::Respond) && !row.is_again;
    let asked = rows.iter().filter(is_question).count();
    let missing = (planned as usize).saturating_sub(asked);
    rows.extend((0..missing).map(|_| Gathered {
        made_up: Some(Expect::Respond),
        was_never_spoken: true,
        has_hung_up: true,
        ..Gathered::default()
    }));
}

/// The rows by scenario turns: whatever happened between the beginnings of two turns belongs to the first.
fn by_turn<'a>(events: &[Event], plan: &'a Plan, all: &'a MarksByTurn) -> Vec<Gathered<'a>> {
    let mut rows: Vec<Gathered> = Vec::new();
    for event in events {
        match &event.mark {
            Mark::RowStarted { row, expect, .. } => rows.push(Gathered {
                plan: plan.rows.get(*row as usize),
                made_up: *expect,
                is_again: rows.last().is_some_and(|row| row.was_given_up),
                ..Gathered::default()
            }),
            Mark::RowMissed { row, .. } => rows.push(Gathered {
                plan: plan.rows.get(*row as usize),
                was_never_spoken: true,
                ..Gathered::default()
            }),
            Mark::VoiceResumed { .. } => hand_over(&mut rows, event.turn),
            mark => {
                if let Some(row) = rows.last_mut() {
                    row.add(event.turn, mark, all);
                    if matches!(mark, Mark::CallerGaveUp) {
                        row.left = event.tick;
                    }
                }
            }
        }
    }
    rows
}

/// What is said so soon behind the turn before that the ear takes it for the same utterance belongs to the
/// later one, unless that has one of its own.
fn hand_over(rows: &mut [Gathered], turn: TurnId) {
    let [before @ .., last] = rows else {
        return;
    };
    if !last.utterances.is_empty() {
        return;
    }
    for row in before.iter_mut().rev() {
        let owned = row.utterances.iter().position(|(other, _)| *other == turn);
        if let Some(index) = owned {
            last.utterances.push(row.utterances.remove(index));
            return;
        }
    }
}

fn by_utterance<'a>(events: &[Event], all: &'a MarksByTurn) -> Vec<Gathered<'a>> {
    let mut ends: Vec<(Tick, Option<Doubt>)> = Vec::new();
    let mut starts: Vec<Tick> = Vec::new();
    let mut rows: Vec<Gathered> = Vec::new();
    for event in events {
        match &event.mark {
            Mark::CallerSpeechStarted { at } => starts.push(*at),
            Mark::CallerSpeechEnded { at, doubt } => ends.push((*at, *doubt)),
            Mark::VoiceStarted { .. } => {
                let mut row = Gathered::default();
                row.add(event.turn, &event.mark, all);
                rows.push(row);
            }
            Mark::ReplyEnded { .. } => {
                if let Some(row) = rows.last_mut() {
                    row.add(event.turn, &event.mark, all);
                }
            }
            _ => {}
        }
    }
    for row in &mut rows {
        let Some((_, utterance)) = row.utterances.last() else {
            continue;
        };
        let (onset, committed) = (utterance.onset, utterance.committed);
        let within = |(at, _): &&(Tick, Option<Doubt>)| {
            onset.is_none_or(|onset| *at > onset) && committed.is_none_or(|end| *at <= end)
        };
        let marked = utterance.speech_ended.map(|at| (at, None));
        let ended = marked.or_else(|| ends.iter().rev().find(within).copied());
        row.speech_ended = ended.map(|(at, _)| at).or(utterance.last_voiced);
        row.end_doubt = ended.and_then(|(_, doubt)| doubt);
        let near = |at: &&Tick| {
            onset.is_some_and(|onset| {
                (onset.before(ONSET_WINDOW)..=onset + ONSET_WINDOW).contains(at)
            })
        };
        row.speech_starts = starts.iter().filter(near).copied().collect();
    }
    rows
}

impl<'a> Gathered<'a> {
    /// Why the first engine failed that did.
    pub(super) fn failure(&self) -> Option<Arc<str>> {
        let mut all = self.utterances.iter();
        all.find_map(|(_, utterance)| utterance.failure.clone())
    }

    /// Whether the record tells what was understood of the row. Somebody else's agent may keep that to itself.
    pub(super) fn was_transcribed(&self) -> bool {
        let tells = |u: &TurnMarks| u.stt.entered.is_some() || u.stt.first_output.is_some();
        self.utterances.is_empty() || self.utterances.iter().any(|(_, u)| tells(u))
    }

    /// What was odd about the answers.
    pub(super) fn remarks(&self) -> Remarks {
        let all = self.utterances.iter();
        all.fold(Remarks::default(), |remarks, (_, utterance)| {
            remarks.plus(utterance.remarks)
        })
    }

    /// When the caller began to speak: as the record says, or else as the ear heard it.
    pub(super) fn began(&self) -> Option<Tick> {
        let said = self.speech_starts.first().copied();
        let heard = || {
            self.utterances
                .iter()
                .find_map(|(_, utterance)| utterance.onset)
        };
        said.or_else(heard)
    }

    fn add(&mut self, turn: TurnId, mark: &Mark, all: &'a MarksByTurn) {
        match mark {
            Mark::CallerSpeechStarted { at } => self.speech_starts.push(*at),
            Mark::CallerSpeechEnded { at, doubt } => {
                (self.speech_ended, self.end_doubt) = (Some(*at), *doubt);
            }
            Mark::CallerStartedAgain => self.was_given_up = true,
            Mark::CallerGaveUp => (self.was_given_up, self.has_hung_up) = (true, true),
            Mark::CallerSpeechArrived { at } => self.speech_arrived = Some(*at),
            Mark::VoiceStarted { .. } => {
                self.utterances.extend(all.get(turn).map(|u| (turn, u)));
            }
            Mark::ReplyEnded {
                end: ReplyEnd::Stopped,
                at,
                ..
            } => {
                self.stopped_at.get_or_insert(*at);
            }
            _ => {}
        }
    }

    /// The utterance whose reply was heard, the last one if several were.
    pub(super) fn answered(&self) -> Option<&'a TurnMarks> {
        let heard = self
            .utterances
            .iter()
            .rev()
            .find(|(_, u)| u.audible.is_some());
        heard.map(|(_, utterance)| *utterance)
    }

    /// The utterance that was to be answered: the last one that had the floor.
    pub(super) fn question(&self) -> Option<&'a TurnMarks> {
        let mut asked = self
            .utterances
            .iter()
            .rev()
            .map(|(_, utterance)| *utterance);
        asked.find(|utterance| utterance.had_the_floor())
    }

    /// What is asked for: by the scenario, or by an utterance on a recording.
    pub(super) fn asked_for(&self) -> Option<Expect> {
        let judged = self.utterances.iter().find_map(|(_, u)| u.asks);
        let planned = self.made_up.or(self.plan.map(|plan| plan.expect));
        planned.or(judged)
    }

    /// When the caller truly began to say what the agent stopped for.
    pub(super) fn interruption_began(&self) -> Option<Tick> {
        let must_stop = |u: &TurnMarks| u.must_stop.is_some() || u.asks == Some(Expect::Stop);
        let stopping = self.utterances.iter().find(|(_, u)| must_stop(u));
        let onset = stopping.and_then(|(_, utterance)| utterance.onset)?;
        let window = onset.before(ONSET_WINDOW)..=onset + ONSET_WINDOW;
        let truly = self.speech_starts.iter().find(|at| window.contains(at));
        Some(truly.copied().unwrap_or(onset))
    }
}
