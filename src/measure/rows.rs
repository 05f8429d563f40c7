//! The rows of a report: scenario turns, or utterances where there is no scenario.

use super::hops::{self, HopSpans, Slice};
use super::right::has_any;
use super::utterance::{Decided, Utterance, Utterances, utterances};
use super::wer::WordErrors;
use crate::event::{Event, Expect, Hop, Mark, ReplyEnd, SessionEnd, Tick, TurnId, Verdict};
use crate::record::store::RowsPer;
use crate::scenario::Scenario;
use crate::scenario::budget::{Budget, METRICS, budgets};
use crate::scenario::cost::Prices;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub rows_per: RowsPer,
    pub rows: Vec<RowPlan>,
    pub budgets: Vec<Budget>,
    /// What the work is paid for.
    pub prices: Option<Prices>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RowPlan {
    pub expect: Expect,
    /// What is truly said.
    pub reference: Option<String>,
    /// What a right answer has one of.
    pub answer_has: Vec<String>,
}

impl Plan {
    /// The plan of a scenario. A budget that cannot be read is left out: it was refused when the
    /// scenario was read.
    pub fn of(scenario: &Scenario, rows_per: RowsPer) -> Plan {
        let rows = scenario.turn.iter().map(|turn| RowPlan {
            expect: turn.expect,
            reference: turn.text.clone().or_else(|| turn.say.clone()),
            answer_has: turn.answer_has.clone(),
        });
        Plan {
            rows_per,
            rows: rows.collect(),
            budgets: budgets(&scenario.budget).unwrap_or_default(),
            prices: scenario.prices(),
        }
    }
}

/// How a turn came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The reply to the whole utterance became audible.
    Answered,
    /// The reply was dropped before it was audible.
    Interrupted,
    /// The endpoint was committed before the last speech of the turn.
    CutOff,
    /// The agent stopped, as asked.
    Stopped,
    /// The agent went on, as asked.
    Ignored,
    /// The reply or the stop that was asked for did not come.
    Missed,
    /// A reply or a stop that nobody asked for.
    Spurious,
    /// An engine failed.
    Failed,
    /// The call ended first.
    Abandoned,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Interrupted => "interrupted",
            Outcome::CutOff => "cut_off",
            Outcome::Stopped => "stopped",
            Outcome::Ignored => "ignored",
            Outcome::Missed => "missed",
            Outcome::Spurious => "spurious",
            Outcome::Failed => "failed",
            Outcome::Abandoned => "abandoned",
        }
    }

    /// Without an expectation only a failure is wrong.
    pub fn is_as_expected(self, expect: Option<Expect>) -> bool {
        match expect {
            Some(Expect::Respond) => self == Outcome::Answered,
            Some(Expect::Stop) => self == Outcome::Stopped,
            Some(Expect::Ignore) => self == Outcome::Ignored,
            None => self != Outcome::Failed,
        }
    }
}

/// One row of a report.
#[derive(Debug, Clone)]
pub struct Row {
    /// From one.
    pub number: u32,
    pub expect: Option<Expect>,
    /// Nobody asked for `expect`: it is what the sound on a recording was taken for.
    pub is_judged: bool,
    pub outcome: Outcome,
    /// All transcripts of the row, joined.
    pub heard: Arc<str>,
    /// What the caller heard of the reply.
    pub said: Arc<str>,
    /// The true end of the caller's speech.
    pub caller_end: Option<Tick>,
    /// The first audible sample of the reply.
    pub agent_start: Option<Tick>,
    /// Only of an answered turn.
    pub e2e_ns: Option<u64>,
    /// Where the latency lies, in path order; empty unless answered.
    pub slices: Vec<Slice>,
    /// Nanoseconds by hop; they add up to `e2e_ns`.
    pub hops: HopSpans,
    /// Nanoseconds of what is known of it, each name once.
    pub metrics: Vec<(&'static str, u64)>,
    pub wer: Option<WordErrors>,
    /// Whether it got an answer that has what a right one has; `None` if that is not known.
    pub is_right: Option<bool>,
    /// What was decided about it, if it was spoken over the agent.
    pub decided: Option<Decided>,
    /// The agent fell silent because of it.
    pub stopped_agent: bool,
    /// A reply to it became audible.
    pub was_answered: bool,
    /// The caller asked the same before, and did not wait for the answer any longer.
    pub is_again: bool,
}

/// The events of one row.
#[derive(Default)]
struct Gathered<'a> {
    plan: Option<&'a RowPlan>,
    /// What a caller who made it up asks for.
    made_up: Option<Expect>,
    utterances: Vec<(TurnId, &'a Utterance)>,
    speech_starts: Vec<Tick>,
    speech_ended: Option<Tick>,
    /// When the end of speech reached the ear, if it had to cross a network.
    speech_arrived: Option<Tick>,
    /// When the agent was stopped during it.
    stopped_at: Option<Tick>,
    was_never_spoken: bool,
    /// The caller did not wait for the reply any longer.
    was_given_up: bool,
    is_again: bool,
    /// The record ends before it, or in it.
    is_open: bool,
}

/// True speech begins at most this long before the detector hears it: 200 ms.
const ONSET_WINDOW: Duration = Duration::from_millis(200);

pub(super) fn rows(events: &[Event], plan: &Plan) -> Vec<Row> {
    let all = utterances(events);
    let mut gathered = match plan.rows_per {
        RowsPer::Turn => by_turn(events, plan, &all),
        RowsPer::Utterance => by_utterance(events, &all),
    };
    let is_end = |event: &Event| {
        let cause = SessionEnd::Finished;
        matches!(event.mark, Mark::SessionEnded { cause: how } if how == cause)
    };
    let is_over = events.iter().any(is_end);
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
                ..Gathered::default()
            }));
        }
    }
    gathered
        .iter()
        .enumerate()
        .map(|(index, gathered)| row(index, gathered))
        .collect()
}

/// What happened from the beginning of a scenario turn to that of the next belongs to it.
fn by_turn<'a>(events: &[Event], plan: &'a Plan, all: &'a Utterances) -> Vec<Gathered<'a>> {
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

fn by_utterance<'a>(events: &[Event], all: &'a Utterances) -> Vec<Gathered<'a>> {
    let mut ends: Vec<Tick> = Vec::new();
    let mut starts: Vec<Tick> = Vec::new();
    let mut rows: Vec<Gathered> = Vec::new();
    for event in events {
        match &event.mark {
            Mark::CallerSpeechStarted { at } => starts.push(*at),
            Mark::CallerSpeechEnded { at } => ends.push(*at),
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
        let within = |at: &&Tick| {
            onset.is_none_or(|onset| **at > onset) && committed.is_none_or(|end| **at <= end)
        };
        row.speech_ended = utterance
            .speech_ended
            .or_else(|| ends.iter().rev().find(within).copied())
            .or(utterance.last_voiced);
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
    fn add(&mut self, turn: TurnId, mark: &Mark, all: &'a Utterances) {
        match mark {
            Mark::CallerSpeechStarted { at } => self.speech_starts.push(*at),
            Mark::CallerSpeechEnded { at } => self.speech_ended = Some(*at),
            Mark::CallerStartedAgain | Mark::CallerGaveUp => self.was_given_up = true,
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
    fn answered(&self) -> Option<&'a Utterance> {
        let heard = self
            .utterances
            .iter()
            .rev()
            .find(|(_, u)| u.audible.is_some());
        heard.map(|(_, utterance)| *utterance)
    }

    /// The utterance that was to be answered: the last one that had the floor.
    fn question(&self) -> Option<&'a Utterance> {
        let mut asked = self
            .utterances
            .iter()
            .rev()
            .map(|(_, utterance)| *utterance);
        asked.find(|utterance| utterance.had_the_floor())
    }

    /// What is asked for: by the scenario, or by an utterance on a recording.
    fn asked_for(&self) -> Option<Expect> {
        let judged = self.utterances.iter().find_map(|(_, u)| u.asks);
        let planned = self.made_up.or(self.plan.map(|plan| plan.expect));
        planned.or(judged)
    }

    /// When the caller truly began to say what the agent stopped for.
    fn interruption_began(&self) -> Option<Tick> {
        let must_stop = |u: &Utterance| u.must_stop.is_some() || u.asks == Some(Expect::Stop);
        let stopping = self.utterances.iter().find(|(_, u)| must_stop(u));
        let onset = stopping.and_then(|(_, utterance)| utterance.onset)?;
        let window = onset.before(ONSET_WINDOW)..=onset + ONSET_WINDOW;
        let truly = self.speech_starts.iter().find(|at| window.contains(at));
        Some(truly.copied().unwrap_or(onset))
    }

    fn outcome(&self, expect: Option<Expect>) -> Outcome {
        match expect {
            _ if self.was_never_spoken => Outcome::Missed,
            Some(Expect::Stop) if self.stopped_at.is_some() => match self.answered() {
                // As of an utterance of which nothing was expected.
                Some(utterance) if utterance.asks.is_some() => Outcome::Answered,
                _ => Outcome::Stopped,
            },
            Some(Expect::Stop | Expect::Ignore) if self.is_open => Outcome::Abandoned,
            // It fell silent before it was stopped.
            Some(Expect::Stop) if self.answered().is_some() => Outcome::Answered,
            Some(Expect::Stop) => Outcome::Missed,
            Some(Expect::Ignore) if self.stopped_at.is_some() || self.answered().is_some() => {
                Outcome::Spurious
            }
            Some(Expect::Ignore) => Outcome::Ignored,
            Some(Expect::Respond) => self.outcome_of_question(),
            None => {
                let last = self.utterances.last().map(|(_, utterance)| *utterance);
                last.and_then(outcome_of_sound)
                    .unwrap_or_else(|| self.outcome_of_question())
            }
        }
    }

    fn outcome_of_question(&self) -> Outcome {
        let was_cut_off = self.utterances.iter().any(|(_, utterance)| {
            let committed = utterance.committed.filter(|_| utterance.had_the_floor());
            committed
                .zip(self.speech_ended)
                .is_some_and(|(committed, end)| committed < end)
        });
        let question = self.question();
        if self.utterances.iter().any(|(_, u)| u.has_failed()) {
            Outcome::Failed
        } else if was_cut_off {
            Outcome::CutOff
        } else if question.is_some_and(|utterance| utterance.audible.is_some()) {
            Outcome::Answered
        } else if self.was_given_up {
            Outcome::Interrupted
        } else {
            let ended = question.and_then(|utterance| utterance.ended.as_ref());
            match ended.map(|ended| ended.end) {
                Some(ReplyEnd::Superseded) => Outcome::Interrupted,
                Some(ReplyEnd::Abandoned) => Outcome::Abandoned,
                None if self.is_open || question.is_some_and(|u| u.committed.is_none()) => {
                    Outcome::Abandoned
                }
                _ => Outcome::Missed,
            }
        }
    }
}

/// How an utterance came out of which nothing was expected, if it was no question with an answer.
fn outcome_of_sound(utterance: &Utterance) -> Option<Outcome> {
    let end = utterance.ended.as_ref().map(|ended| ended.end);
    if utterance.audible.is_some() || utterance.has_failed() {
        None
    } else if utterance.over_agent.is_some() {
        Some(match utterance.must_stop {
            Some(_) => Outcome::Stopped,
            None => Outcome::Ignored,
        })
    } else if end == Some(ReplyEnd::Silent) {
        Some(Outcome::Ignored)
    } else if end.is_none() && utterance.stt.first_output.is_some() {
        Some(match utterance.heard.is_empty() {
            true => Outcome::Ignored,
            // The caller went on before there was a reply to this part.
            false => Outcome::Interrupted,
        })
    } else {
        None
    }
}

fn row(index: usize, gathered: &Gathered) -> Row {
    let expect = gathered.asked_for();
    let outcome = gathered.outcome(expect);
    let heard: Vec<&Arc<str>> = gathered
        .utterances
        .iter()
        .map(|(_, utterance)| &utterance.heard)
        .filter(|heard| !heard.is_empty())
        .collect();
    let heard = match heard.as_slice() {
        [heard] => Arc::clone(heard),
        all => all
            .iter()
            .map(|heard| &***heard)
            .collect::<Vec<&str>>()
            .join(" ")
            .into(),
    };
    let answered = gathered.answered();
    let mut row = Row {
        number: index as u32 + 1,
        expect,
        is_judged: gathered.plan.is_none() && gathered.made_up.is_none() && expect.is_some(),
        outcome,
        said: answered
            .and_then(|utterance| utterance.ended.as_ref())
            .map_or_else(Arc::default, |ended| ended.heard.clone()),
        caller_end: gathered.speech_ended,
        agent_start: answered.and_then(|utterance| utterance.audible),
        e2e_ns: None,
        slices: Vec::new(),
        hops: HopSpans::default(),
        metrics: Vec::new(),
        wer: gathered
            .plan
            .and_then(|plan| plan.reference.as_deref())
            .filter(|_| !gathered.was_never_spoken && gathered.speech_ended.is_some())
            .map(|reference| WordErrors::between(reference, &heard)),
        is_right: None,
        heard,
        decided: gathered
            .utterances
            .iter()
            .filter_map(|(_, utterance)| utterance.decided.as_ref())
            .max_by_key(|decided| decided.verdict == Verdict::Stop)
            .cloned(),
        stopped_agent: gathered.stopped_at.is_some(),
        was_answered: answered.is_some(),
        is_again: gathered.is_again,
    };
    let answer_has = gathered.plan.map_or(&[][..], |plan| &plan.answer_has);
    if !answer_has.is_empty() && !gathered.was_never_spoken {
        row.is_right = Some(outcome == Outcome::Answered && has_any(&row.said, answer_has));
    }
    if let (Outcome::Answered, Some(end), Some(utterance)) =
        (outcome, gathered.speech_ended, answered)
    {
        row.add_latency(end, gathered.speech_arrived, utterance);
    }
    row.add_interruption(gathered);
    row
}

impl Row {
    /// Nanoseconds of a metric, if the row has it.
    pub fn metric(&self, name: &str) -> Option<u64> {
        let found = self.metrics.iter().find(|(metric, _)| *metric == name);
        found.map(|(_, span)| *span)
    }

    fn add_latency(&mut self, caller_end: Tick, arrived: Option<Tick>, turn: &Utterance) {
        // A reply that sounds before the caller's true end answered something else.
        let Some(audible) = turn.audible.filter(|at| *at >= caller_end) else {
            return;
        };
        self.e2e_ns = Some(audible.0 - caller_end.0);
        self.metrics.reserve(METRICS.len());
        let mut span = |metric, from: Option<Tick>, to: Option<Tick>| {
            if let (Some(from), Some(to)) = (from, to) {
                self.metrics.push((metric, to.0.saturating_sub(from.0)));
            }
        };
        let truly = Some(caller_end);
        span("e2e_latency", truly, turn.audible);
        span("e2e_latency_vad", turn.last_voiced, turn.audible);
        if turn.asks.is_some() {
            // On a recording nothing is known of what lies between.
            return;
        }
        span("first_sound", truly, turn.filler.or(turn.audible));
        span("end_of_turn_delay", truly, turn.committed);
        span("transcription_delay", truly, turn.stt.first_output);
        span("llm_ttft", turn.answer.entered, turn.answer.first_output);
        span("llm_ttfs", turn.answer.entered, turn.clauses.first_output);
        span("tts_ttfb", turn.tts.entered, turn.tts.first_output);
        span(
            "ttfa",
            turn.committed,
            turn.queued.map(|queued| queued.start),
        );
        let Some(slices) = hops::slices(caller_end, arrived, turn) else {
            return;
        };
        self.hops = HopSpans::of(&slices);
        // What lies neither in waiting for the endpoint nor in any engine.
        let elsewhere = [Hop::SentenceAggregation, Hop::OutputTransport];
        let orchestration = elsewhere.map(|hop| self.hops.get(hop).unwrap_or_default());
        self.metrics
            .push(("orchestration", orchestration.iter().sum()));
        self.slices = slices;
    }

    /// How long it took to stop for a sound that had to be stopped for.
    fn add_interruption(&mut self, gathered: &Gathered) {
        let is_asked_for = matches!(self.outcome, Outcome::Stopped | Outcome::Answered);
        let began = gathered.interruption_began().filter(|_| is_asked_for);
        let Some((stopped, onset)) = gathered.stopped_at.zip(began) else {
            return;
        };
        let stop = stopped.0.saturating_sub(onset.0);
        self.metrics.push(("barge_in_stop", stop));
        let decides = |u: &Utterance| u.must_stop.filter(|_| u.asks.is_none());
        let verdict = gathered.utterances.iter().find_map(|(_, u)| decides(u));
        if let Some(verdict) = verdict {
            let delay = verdict.0.saturating_sub(onset.0);
            self.metrics.push(("detection_delay", delay));
        }
    }
}
