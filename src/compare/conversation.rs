//! What was measured, turn by turn, one conversation at a time: a million of them need not fit into memory.

use super::quantity::{E2E, OCCASIONS, RATES, SPANS, UNANSWERED, WER, place};
use crate::event::{Expect, Hop, Metric};
use crate::measure::folder::{MeasuredRun, MeasuredSimulation, Results};
use crate::measure::turns::{FileReader, SimulatedTurn, TurnsError};
use crate::measure::{Outcome, Row};
use crate::scenario::load::CALLS_MAX;

/// A conversation, or a world of a load with all the calls in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Conversation {
    /// The number of the conversation in its folder.
    pub number: u32,
    /// The turns, ordered by their keys.
    pub turns: Vec<Figures>,
    pub occasions: Vec<Occasions>,
}

/// What was measured of a turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    /// The call in the conversation's upper half, the number of the turn in the lower: turns of two sides with
    /// the same key are of the same question.
    pub key: u64,
    spans_ns: [u64; SPANS],
    /// A bit for each span that is there.
    known: u64,
    /// A bit for each span that was waited for in vain, at least so long.
    in_vain: u64,
    /// How often each rate's event happened, and how often it could have.
    pub rates: [(u32, u32); RATES.len()],
}

/// Spans of a conversation that belong to no turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Occasions {
    pub span: usize,
    pub sum_ns: u64,
    /// Nanoseconds, and how many spans there are of that length.
    pub buckets: Vec<(u64, u32)>,
}

impl Figures {
    pub(super) fn of_nothing(key: u64) -> Figures {
        Figures {
            key,
            spans_ns: [0; SPANS],
            known: 0,
            in_vain: 0,
            rates: [(0, 0); RATES.len()],
        }
    }

    pub(super) fn span_ns(&self, span: usize) -> Option<u64> {
        (self.known >> span & 1 == 1).then(|| self.spans_ns[span])
    }

    pub(super) fn set(&mut self, span: usize, span_ns: u64) {
        self.known |= 1 << span;
        self.spans_ns[span] = span_ns;
    }

    /// Nanoseconds that were waited in vain, at least.
    pub(super) fn in_vain_ns(&self, span: usize) -> Option<u64> {
        (self.in_vain >> span & 1 == 1).then(|| self.spans_ns[span])
    }

    pub(super) fn set_in_vain(&mut self, span: usize, at_least_ns: u64) {
        self.in_vain |= 1 << span;
        self.spans_ns[span] = at_least_ns;
    }

    fn is_answered(&self) -> bool {
        self.known >> E2E & 1 == 1
    }

    /// Whether the turn was answered, or should have been.
    pub(super) fn wants_answer(&self) -> bool {
        self.waits() >> E2E & 1 == 1
    }

    /// Bits of the spans that are there, or were waited for in vain.
    pub(super) fn waits(&self) -> u64 {
        self.known | self.in_vain
    }

    /// The waits in vain of a turn that should have been answered, and whether it was.
    fn set_unanswered(&mut self, is_unanswered: bool, in_vain: &[(Metric, u64)]) {
        for (metric, at_least_ns) in in_vain {
            self.set_in_vain(place(*metric), *at_least_ns);
        }
        // A question that was never asked waited no time that is known.
        if is_unanswered && !self.wants_answer() {
            self.set_in_vain(E2E, 0);
        }
        let should = is_unanswered || self.is_answered();
        self.rates[UNANSWERED] = (u32::from(is_unanswered), u32::from(should));
    }

    fn of_row(row: &Row) -> Figures {
        let mut own = Figures::of_nothing(u64::from(row.number));
        for (hop, span_ns) in row.hops.iter() {
            own.set(hop as usize, span_ns);
        }
        // A latency that may be another one is no ground for a verdict.
        let sure = row.metrics.iter().filter(|_| row.doubtful.is_none());
        for (metric, span_ns) in sure {
            own.set_metric(*metric, *span_ns);
        }
        own.count(row.expect, row.outcome, row.has_voided_commit);
        if row.expect == Some(Expect::Ignore) {
            own.rates[0].0 = u32::from(row.stopped_agent);
            own.rates[2].0 = u32::from(row.was_answered);
        }
        own.set_unanswered(row.unanswered.is_some(), &row.in_vain);
        if let Some(wer) = row.wer {
            own.rates[WER] = (wer.errors, wer.words);
        }
        own
    }

    /// The figures of a turn. `path` are the hops that answered turns have, also those of no length, which a file
    /// of turns leaves out.
    fn of_turn(turn: &SimulatedTurn, path: &[Hop]) -> Figures {
        let key = u64::from(turn.conversation) << 32 | u64::from(turn.number);
        let mut own = Figures::of_nothing(key);
        for (metric, span_ns) in &turn.metrics {
            own.set_metric(*metric, *span_ns);
        }
        if own.is_answered() {
            path.iter().for_each(|hop| own.set(*hop as usize, 0));
        }
        for (hop, span_ns) in &turn.hops {
            own.set(*hop as usize, *span_ns);
        }
        own.count(turn.expect, turn.outcome, turn.has_voided_commit);
        own.set_unanswered(turn.unanswered.is_some(), &turn.in_vain);
        if turn.outcome == Outcome::Spurious {
            // A sound that both stopped the agent and was answered cannot be told from one that was answered.
            let was_answered = turn.agent_start.is_some();
            own.rates[0].0 = u32::from(!was_answered);
            own.rates[2].0 = u32::from(was_answered);
        }
        own
    }

    fn set_metric(&mut self, metric: Metric, span_ns: u64) {
        self.set(place(metric), span_ns);
    }

    /// Counts what expectation and outcome tell, in the order of [`RATES`].
    fn count(&mut self, expect: Option<Expect>, outcome: Outcome, has_voided_commit: bool) {
        let was_asked = outcome != Outcome::NotAsked;
        let asked = |what| u32::from(expect == Some(what) && was_asked);
        let (ignore, stop, respond) = (
            asked(Expect::Ignore),
            asked(Expect::Stop),
            asked(Expect::Respond),
        );
        let came = |what| u32::from(outcome == what);
        let has_stopped = came(Outcome::Stopped) + came(Outcome::Answered);
        self.rates = [
            (0, ignore),
            (stop * (1 - has_stopped), stop),
            (0, ignore),
            (respond * came(Outcome::Missed), respond),
            (came(Outcome::CutOff), u32::from(was_asked)),
            (came(Outcome::Failed), u32::from(was_asked)),
            (0, 0),
            (0, 0),
            (u32::from(has_voided_commit), u32::from(was_asked)),
        ];
    }
}

/// The conversations of one run or one simulation, in order.
pub(super) fn conversations(kept: &Results) -> Result<Conversations, TurnsError> {
    Ok(match kept {
        Results::Run(run) => Conversations::One(Some(of_run(run))),
        Results::Simulation(simulation) => Conversations::Many(Box::new(Many::of(simulation)?)),
    })
}

pub(super) enum Conversations {
    One(Option<Conversation>),
    Many(Box<Many>),
}

pub(super) struct Many {
    reader: FileReader,
    path: Vec<Hop>,
    /// How many calls a conversation may have.
    calls: u32,
    /// The first turn of the next conversation.
    ahead: Option<SimulatedTurn>,
    is_over: bool,
}

impl Iterator for Conversations {
    type Item = Result<Conversation, TurnsError>;

    fn next(&mut self) -> Option<Result<Conversation, TurnsError>> {
        match self {
            Conversations::One(one) => one.take().map(Ok),
            Conversations::Many(many) => many.next().transpose(),
        }
    }
}

impl Many {
    fn of(simulation: &MeasuredSimulation) -> Result<Many, TurnsError> {
        Ok(Many {
            reader: simulation.turns()?,
            path: simulation.hops_of_answers(),
            calls: match simulation.scenario.load {
                Some(_) => CALLS_MAX,
                None => 1,
            },
            ahead: None,
            is_over: false,
        })
    }

    fn next(&mut self) -> Result<Option<Conversation>, TurnsError> {
        let mut own: Option<Conversation> = None;
        while !self.is_over {
            let turn = match self.ahead.take() {
                Some(turn) => turn,
                None => match self.reader.next().transpose()? {
                    Some(turn) => turn,
                    None => {
                        self.is_over = true;
                        break;
                    }
                },
            };
            let number = turn.conversation / self.calls;
            let open = own.get_or_insert_with(|| Conversation {
                number,
                ..Conversation::default()
            });
            if open.number != number {
                self.ahead = Some(turn);
                break;
            }
            open.turns.push(Figures::of_turn(&turn, &self.path));
        }
        if let Some(own) = &mut own {
            // The calls of a load are written as they end.
            own.turns.sort_by_key(|turn| turn.key);
        }
        Ok(own)
    }
}

fn of_run(run: &MeasuredRun) -> Conversation {
    Conversation {
        number: 0,
        turns: run.measured.rows.iter().map(Figures::of_row).collect(),
        occasions: OCCASIONS
            .iter()
            .filter_map(|metric| occasions(run, *metric))
            .collect(),
    }
}

fn occasions(run: &MeasuredRun, metric: Metric) -> Option<Occasions> {
    let histogram = run.measured.metrics.get(&metric)?.answered();
    Some(Occasions {
        span: place(metric),
        sum_ns: u64::try_from(histogram.sum_ns()).unwrap_or(u64::MAX),
        buckets: histogram
            .buckets()
            .map(|(span_ns, count)| (span_ns, u32::try_from(count).unwrap_or(u32::MAX)))
            .collect(),
    })
}
