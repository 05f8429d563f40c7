//! The rows of a report: scenario turns, or utterances where there is no scenario.

mod gathered;
mod outcome;
mod plan;

pub use outcome::Outcome;
pub use plan::{Plan, RowPlan};

use super::hops::{self, HopSpans, Slice};
use super::reason::Reason;
use super::right::{is_right, is_right_so_far};
use super::traced;
use super::turn_marks::{Decided, TurnMarks, marks_by_turn};
use super::wer::WordErrors;
use crate::event::{
    Doubt, EndpointDecision, Event, Expect, Hop, Metric, Remarks, ReplyEnd, Tick, Traced, TurnId,
    Verdict, nanos,
};
use gathered::{Gathered, gathered};
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

/// What an ear that waits for nothing may lose of the soft end of a word: four of its frames.
const SOFT_END: Duration = Duration::from_millis(64);

/// One row of a report.
#[derive(Debug, Clone)]
pub struct Row {
    /// The number of the row, counted from one.
    pub number: u32,
    /// What the turn asked of the agent; `None` if nobody knows.
    pub expect: Option<Expect>,
    /// Whether `expect` is only what a sound on a recording was taken for, and nobody asked for it.
    pub is_judged: bool,
    /// How the turn came out.
    pub outcome: Outcome,
    /// All transcripts of the row, joined.
    pub heard: Arc<str>,
    /// What the caller heard of the reply.
    pub said: Arc<str>,
    /// When the caller began to speak; `None` if the turn was never spoken.
    pub began: Option<Tick>,
    /// The true end of the caller's speech; `None` if the record does not tell.
    pub caller_end: Option<Tick>,
    /// The first audible sample of the answer's speech; `None` if none was heard.
    pub agent_start: Option<Tick>,
    /// Nanoseconds from `caller_end` to `agent_start`; `None` unless the turn was answered.
    pub e2e_ns: Option<u64>,
    /// The parts of the latency, in path order; empty unless answered.
    pub slices: Vec<Slice>,
    /// Nanoseconds by hop; they add up to `e2e_ns`.
    pub hops: HopSpans,
    /// Nanoseconds by metric, as far as they are known, each metric once. The end-to-end latency of a question that
    /// was asked again counts from when it was first asked.
    pub metrics: Vec<(Metric, u64)>,
    /// Why the latencies of an answered turn on a recording may be others, or one that was cut off may not have been;
    /// `None` if that is sure.
    pub doubtful: Option<Doubt>,
    /// Why the turn should have been answered and was not; `None` if it was answered, or asked for no answer.
    pub unanswered: Option<Reason>,
    /// Nanoseconds by metric that a turn without an answer waited at least, for what did not come.
    pub in_vain: Vec<(Metric, u64)>,
    /// The hop in which a turn without an answer stood when it was given up, and nanoseconds since the hop began.
    pub stood_in: Option<(Hop, u64)>,
    /// When the question was first asked, if the caller asks it again: the end of speech then.
    pub first_asked: Option<Tick>,
    /// Nanoseconds that the caller waited before beginning again or hanging up, if the answer came all the same.
    pub left_ns: Option<u64>,
    /// Nanoseconds after which an engine failed, if one did.
    pub failed_ns: Option<u64>,
    /// Why an engine failed, in its own words.
    pub failure: Option<Arc<str>>,
    /// What was odd about an answer that came all the same.
    pub remarks: Remarks,
    /// Whether the caller left, and a simulation found that no answer would ever have come.
    pub has_no_shadow: bool,
    /// Nanoseconds that the answer would have taken for which nobody waited, if a simulation followed it to its end.
    pub shadow_ns: Option<u64>,
    /// Word errors of `heard`; `None` without a reference, or if the turn was not spoken.
    pub wer: Option<WordErrors>,
    /// Whether it is known what a right answer has, and the turn was spoken.
    pub is_right_known: bool,
    /// Whether the turn got a right answer; `None` if nobody knows a right one, or the caller stopped the answer before it
    /// was right or wrong.
    pub is_right: Option<bool>,
    /// What the endpointing policy based the end of the caller's turn on; `None` if it goes by a fixed silence.
    pub endpoint: Option<Box<EndpointDecision>>,
    /// What the interruption policy decided; `None` if the turn was not spoken over the agent.
    pub decided: Option<Decided>,
    /// Whether the agent fell silent because of the turn.
    pub stopped_agent: bool,
    /// Whether a reply to the turn became audible.
    pub was_answered: bool,
    /// Whether an endpoint was committed before the end of the question, and taken back before anything of the reply was
    /// heard.
    pub has_voided_commit: bool,
    /// Whether the caller asks again because the answer to the row before took too long.
    pub is_again: bool,
}

/// The utterances that each row is made of, in the order of the rows.
pub fn turns_by_row(events: &[Event], plan: &Plan) -> Vec<Vec<TurnId>> {
    let all = marks_by_turn(events);
    let turns = |row: &Gathered| row.utterances.iter().map(|(turn, _)| *turn).collect();
    gathered(events, plan, &all).iter().map(turns).collect()
}

/// The rows of a conversation, in order.
pub fn rows(events: &[Event], plan: &Plan) -> Vec<Row> {
    let all = marks_by_turn(events);
    let gathered = gathered(events, plan, &all);
    let mut first_asked = None;
    let rows = gathered.iter().enumerate();
    rows.map(|(index, gathered)| {
        if !gathered.is_again {
            first_asked = gathered.speech_ended;
        }
        let first_asked = first_asked.filter(|_| gathered.is_again);
        row(index, gathered, first_asked)
    })
    .collect()
}

/// The rows of a simulated conversation, in which it is known when somebody speaks: none is doubtful.
pub fn rows_of_simulated(events: &[Event], plan: &Plan) -> Vec<Row> {
    let mut rows = rows(events, plan);
    rows.iter_mut().for_each(|row| row.doubtful = None);
    rows
}

fn row(index: usize, gathered: &Gathered, first_asked: Option<Tick>) -> Row {
    let expect = gathered.asked_for();
    // A trace that tells how a turn came out knows more than its times show.
    let told = gathered.utterances.iter();
    let told = told.filter_map(|(_, u)| u.traced.as_deref()).next_back();
    let told = told.and_then(|told| Some((told, Outcome::named(told.outcome.as_deref()?)?)));
    let outcome = told.map_or_else(|| gathered.outcome(expect), |(_, outcome)| outcome);
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
        began: gathered.began(),
        caller_end: gathered.speech_ended,
        agent_start: answered.and_then(TurnMarks::speech),
        e2e_ns: None,
        slices: Vec::new(),
        hops: HopSpans::default(),
        metrics: Vec::new(),
        doubtful: None,
        unanswered: None,
        in_vain: Vec::new(),
        stood_in: None,
        first_asked,
        left_ns: None,
        failed_ns: None,
        failure: gathered.failure(),
        remarks: gathered.remarks(),
        has_no_shadow: false,
        shadow_ns: None,
        wer: gathered
            .plan
            .and_then(|plan| plan.reference.as_deref())
            .filter(|_| !gathered.was_never_spoken && gathered.speech_ended.is_some())
            .filter(|_| gathered.was_transcribed())
            .map(|reference| WordErrors::between(reference, &heard)),
        is_right_known: false,
        is_right: None,
        heard,
        endpoint: {
            let mut latest = gathered.utterances.iter().rev();
            latest.find_map(|(_, utterance)| utterance.endpoint.clone())
        },
        decided: gathered
            .utterances
            .iter()
            .filter_map(|(_, utterance)| utterance.decided.as_ref())
            .max_by_key(|decided| decided.verdict == Verdict::Stop)
            .cloned(),
        stopped_agent: gathered.stopped_at.is_some(),
        was_answered: answered.is_some(),
        has_voided_commit: gathered.has_voided_commit(expect),
        is_again: gathered.is_again,
    };
    let known = gathered.plan.map(|plan| &plan.right);
    if let Some(right) = known.filter(|it| !it.is_unknown() && !gathered.was_never_spoken) {
        row.is_right_known = true;
        let end = answered.and_then(|utterance| utterance.ended.as_ref());
        let is_stopped = end.is_some_and(|ended| ended.end == ReplyEnd::Stopped);
        row.is_right = match (outcome == Outcome::Answered, is_stopped) {
            (false, _) => Some(false),
            (true, false) => Some(is_right(&row.said, right)),
            (true, true) => is_right_so_far(&row.said, right),
        };
    }
    if let (Outcome::Answered, Some(end), Some(utterance)) =
        (outcome, gathered.speech_ended, answered)
    {
        row.add_latency(end, gathered.speech_arrived, utterance);
    }
    // A trace may have parts of a latency and not the whole.
    if let (Outcome::Answered, None, Some(utterance)) = (outcome, row.e2e_ns, answered)
        && let Some(told) = &utterance.traced
        && utterance.doubtful.is_none()
    {
        row.hops = traced::alone(told);
        row.add_told(told);
    }
    let came_late = row.agent_start.is_some_and(|at| at > gathered.left);
    if let (true, true, Some(end)) = (gathered.was_given_up, came_late, gathered.speech_ended) {
        row.left_ns = Some(gathered.left.0.saturating_sub(end.0));
    }
    let asked = gathered.speech_ended.unwrap_or(gathered.left);
    row.unanswered = match told {
        Some((told, _)) => told.reason.as_deref().and_then(Reason::named),
        None => gathered.unanswered(expect, outcome, gathered.left.since(asked)),
    };
    if row.unanswered.is_some() {
        row.add_wait_in_vain(gathered);
    }
    row.add_interruption(gathered);
    if let (Some((told, _)), true) = (told, outcome != Outcome::Answered) {
        row.add_told(told);
    }
    // An answer that came before the end of the question has no latency, and may be doubtful all the same.
    let is_told = matches!(outcome, Outcome::CutOff | Outcome::Answered);
    if row.unanswered.is_none() && (is_told || !row.metrics.is_empty()) {
        let marked = gathered.utterances.iter().find_map(|(_, u)| u.doubtful);
        let is_too_fast = answered.is_some_and(|turn| row.is_too_fast(turn));
        row.doubtful = marked
            .or(gathered.end_doubt)
            .or(is_too_fast.then_some(Doubt::Detectors));
    }
    row
}

impl Row {
    /// Whether a question was asked, and not for a second time.
    pub fn is_first_question(&self) -> bool {
        let is_question = self.expect == Some(Expect::Respond);
        is_question && !self.is_again && self.outcome != Outcome::NotAsked
    }

    /// Whether an endpoint was committed before the end of the question, whatever came of it.
    pub fn was_committed_early(&self) -> bool {
        self.has_voided_commit || self.outcome == Outcome::CutOff
    }

    /// Whether nothing went wrong: what was asked for came, or, on a recording, an interruption was answered too.
    pub fn is_fine(&self) -> bool {
        let is_answered_too = self.is_judged && self.outcome == Outcome::Answered;
        is_answered_too || self.outcome.is_as_expected(self.expect)
    }

    /// A key that is the smaller the worse the turn was: what went wrong comes before what was slow, and of both the
    /// slowest first. A question without an answer is slower than every answer.
    pub fn worst_first(&self) -> (bool, Reverse<u64>, u32) {
        let is_fine = self.is_fine();
        let waited = self.e2e_ns.unwrap_or(if is_fine { 0 } else { u64::MAX });
        (is_fine, Reverse(waited), self.number)
    }

    /// Nanoseconds of a metric, if the row has it.
    pub fn metric(&self, metric: Metric) -> Option<u64> {
        let found = self.metrics.iter().find(|(own, _)| *own == metric);
        found.map(|(_, span)| *span)
    }

    /// Whether the answer came sooner after the end of speech than the silence took that was waited for, by more than
    /// what the ear loses of soft ends: the end cannot be where it was found.
    fn is_too_fast(&self, turn: &TurnMarks) -> bool {
        let waited = || Some(turn.committed?.since(turn.last_voiced?));
        match (self.e2e_ns, turn.asks) {
            (Some(e2e), None) => {
                waited().is_some_and(|waited| e2e + nanos(SOFT_END) < nanos(waited))
            }
            _ => false,
        }
    }

    fn add_latency(&mut self, caller_end: Tick, arrived: Option<Tick>, turn: &TurnMarks) {
        // A reply that sounds before the caller's true end answered something else.
        let Some(speech) = turn.speech().filter(|at| *at >= caller_end) else {
            return;
        };
        self.e2e_ns = Some(speech.0 - caller_end.0);
        self.metrics.reserve(Metric::ALL.len());
        let mut span = |metric, from: Option<Tick>, to: Option<Tick>| {
            if let (Some(from), Some(to)) = (from, to) {
                self.metrics.push((metric, to.0.saturating_sub(from.0)));
            }
        };
        let truly = Some(caller_end);
        let asked = self.first_asked.or(truly);
        span(Metric::E2eLatency, asked, Some(speech));
        if let Some(told) = &turn.traced {
            (self.slices, self.hops) = traced::between(told, caller_end, speech);
            self.add_told(told);
            return;
        }
        span(Metric::E2eLatencyVad, turn.last_voiced, Some(speech));
        span(
            Metric::FirstSound,
            truly,
            turn.filler.or(turn.agent_sound).or(turn.audible),
        );
        if turn.asks.is_some() {
            // On a recording nothing is known of what lies between.
            return;
        }
        span(Metric::EndOfTurnDelay, truly, turn.committed);
        span(Metric::TranscriptionDelay, truly, turn.stt.first_output);
        span(
            Metric::LlmTtft,
            turn.answer.entered,
            turn.answer.first_output,
        );
        span(
            Metric::LlmTtfs,
            turn.answer.entered,
            turn.clauses.first_output,
        );
        span(Metric::TtsTtfb, turn.tts.entered, turn.tts.first_output);
        span(
            Metric::Ttfa,
            turn.committed,
            turn.queued.map(|queued| queued.start),
        );
        let reasoning = turn.reasoning.span_ns();
        self.metrics
            .extend(reasoning.map(|span_ns| (Metric::Reasoning, span_ns)));
        let Some(slices) = hops::slices(caller_end, arrived, turn) else {
            return;
        };
        self.hops = HopSpans::of(&slices);
        // Orchestration is what lies neither in waiting for the endpoint nor in any engine.
        let elsewhere = [Hop::SentenceAggregation, Hop::OutputTransport];
        let orchestration = elsewhere.map(|hop| self.hops.get(hop).unwrap_or_default());
        self.metrics
            .push((Metric::Orchestration, orchestration.iter().sum()));
        self.slices = slices;
    }

    /// The latencies that a trace gives by name, besides what follows from its ends.
    fn add_told(&mut self, told: &Traced) {
        for told in &told.metrics {
            if self.metric(told.metric).is_none() {
                self.metrics.push((told.metric, told.span_ns));
            }
        }
    }

    /// What a turn waited for until its caller left: what came, and at least how long what did not come took.
    fn add_wait_in_vain(&mut self, gathered: &Gathered) {
        let Some(caller_end) = gathered.speech_ended else {
            return;
        };
        let utterances = gathered.utterances.iter();
        let failed = utterances
            .filter_map(|(_, utterance)| utterance.failed)
            .min();
        self.failed_ns = failed.map(|at| at.0.saturating_sub(caller_end.0));
        let nothing = TurnMarks::default();
        let turn = gathered.question().unwrap_or(&nothing);
        let left = gathered.left;
        let mut span = |metric, from: Option<Tick>, to: Option<Tick>, gave_up: Option<Tick>| {
            let Some(from) = from.filter(|from| *from <= left) else {
                return;
            };
            match to.filter(|to| *to <= left) {
                Some(to) => self.metrics.push((metric, to.0.saturating_sub(from.0))),
                None => {
                    let until = gave_up.unwrap_or(left).min(left);
                    self.in_vain.push((metric, until.0.saturating_sub(from.0)));
                }
            }
        };
        let truly = Some(caller_end);
        span(Metric::E2eLatency, self.first_asked.or(truly), None, None);
        if turn.traced.is_some() {
            // A platform's end of speech is its own voice detector's.
            return;
        }
        span(Metric::E2eLatencyVad, turn.last_voiced, None, None);
        if turn.asks.is_some() {
            return;
        }
        span(Metric::FirstSound, truly, turn.filler, None);
        span(Metric::EndOfTurnDelay, truly, turn.committed, None);
        span(
            Metric::TranscriptionDelay,
            truly,
            turn.stt.first_output,
            turn.stt.left,
        );
        let (answer, clauses) = (turn.answer, turn.clauses);
        span(
            Metric::LlmTtft,
            answer.entered,
            answer.first_output,
            answer.left,
        );
        let written = clauses.left.or(answer.left);
        span(
            Metric::LlmTtfs,
            answer.entered,
            clauses.first_output,
            written,
        );
        let tts = turn.tts;
        span(Metric::TtsTtfb, tts.entered, tts.first_output, tts.left);
        span(Metric::Ttfa, turn.committed, None, None);
        let (hop, since) = hops::standing(caller_end, gathered.speech_arrived, turn, left);
        self.stood_in = Some((hop, left.0.saturating_sub(since.0)));
    }

    /// Nanoseconds that the turn waited in vain, at least, since it was first asked; `None` if it was answered, or
    /// never asked.
    pub fn waited_ns(&self) -> Option<u64> {
        let mut waits = self.in_vain.iter();
        waits.find_map(|(metric, span)| (*metric == Metric::E2eLatency).then_some(*span))
    }

    /// How long it took to stop for a sound that had to be stopped for.
    fn add_interruption(&mut self, gathered: &Gathered) {
        let is_asked_for = matches!(self.outcome, Outcome::Stopped | Outcome::Answered);
        let began = gathered.interruption_began().filter(|_| is_asked_for);
        let Some((stopped, onset)) = gathered.stopped_at.zip(began) else {
            return;
        };
        let stop = stopped.0.saturating_sub(onset.0);
        self.metrics.push((Metric::BargeInStop, stop));
        let decides = |u: &TurnMarks| u.must_stop.filter(|_| u.asks.is_none());
        let verdict = gathered.utterances.iter().find_map(|(_, u)| decides(u));
        if let Some(verdict) = verdict {
            let delay = verdict.0.saturating_sub(onset.0);
            self.metrics.push((Metric::DetectionDelay, delay));
        }
    }
}
