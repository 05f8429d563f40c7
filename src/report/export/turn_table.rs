//! Turns as a table: one row a turn, with equal columns in every file format.

use crate::event::{Doubt, Expect, Hop, Metric, Verdict};
use crate::measure::folder::{Folder, MeasuredSimulation, Results};
use crate::measure::turns::{SimulatedTurn, TurnsError};
use crate::measure::{Outcome, Reason, Row};
use crate::report::calls::folder_name;
use std::sync::Arc;

/// One turn. What is not known of it is `None`: in a simulation nobody says anything.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRow {
    /// The name of the run's folder, if there are several.
    pub call: Option<Arc<str>>,
    /// The number of the conversation, counted from zero.
    pub conversation: u32,
    /// The number of the turn, counted from one.
    pub number: u32,
    pub expect: Option<Expect>,
    pub outcome: Outcome,
    pub has_voided_commit: bool,
    pub caller_end_ns: Option<u64>,
    pub agent_start_ns: Option<u64>,
    pub e2e_ns: Option<u64>,
    pub waited_ns: Option<u64>,
    pub reason: Option<Reason>,
    pub doubtful: Option<Doubt>,
    /// Metrics of the turn, in the order of [`Metric::ALL`].
    pub metrics_ns: [Option<u64>; Metric::ALL.len()],
    /// Hops of the turn, in the order of [`Hop::ALL`].
    pub hops_ns: [Option<u64>; Hop::ALL.len()],
    pub heard: Option<Arc<str>>,
    pub said: Option<Arc<str>>,
    /// What was decided about a sound over the agent, and the probability of an interruption.
    pub decided: Option<(Verdict, Option<f64>)>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers that are always there.
    Count,
    /// Whole nanoseconds, if there are any.
    Nanoseconds,
    /// One of a few words, or of a few names.
    Word,
    /// Text of others.
    Text,
    /// A number in 0..=1.
    Probability,
}

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Number(Option<u64>),
    Text(Option<&'a str>),
    Probability(Option<f64>),
}

/// The columns in their order, by name.
pub fn columns() -> Vec<(String, ColumnKind)> {
    let mut columns = Vec::from(
        [
            ("call", ColumnKind::Word),
            ("conversation", ColumnKind::Count),
            ("turn", ColumnKind::Count),
            ("expect", ColumnKind::Word),
            ("outcome", ColumnKind::Word),
            ("caller_end_ns", ColumnKind::Nanoseconds),
            ("agent_start_ns", ColumnKind::Nanoseconds),
            ("e2e_ns", ColumnKind::Nanoseconds),
            ("waited_ns", ColumnKind::Nanoseconds),
        ]
        .map(|(name, kind)| (name.to_owned(), kind)),
    );
    columns.extend(Metric::ALL.map(|metric| (format!("{metric}_ns"), ColumnKind::Nanoseconds)));
    columns.extend(Hop::ALL.map(|hop| (format!("hop_{hop}_ns"), ColumnKind::Nanoseconds)));
    columns.extend(
        [
            ("heard", ColumnKind::Text),
            ("said", ColumnKind::Text),
            ("decided", ColumnKind::Word),
            ("probability", ColumnKind::Probability),
            ("reason", ColumnKind::Word),
            ("doubtful", ColumnKind::Word),
            ("voided_commits", ColumnKind::Count),
        ]
        .map(|(name, kind)| (name.to_owned(), kind)),
    );
    columns
}

impl TurnRow {
    /// The cells of the row, in the order of [`columns`].
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let first = [
            Cell::Text(self.call.as_deref()),
            Cell::Number(Some(self.conversation.into())),
            Cell::Number(Some(self.number.into())),
            Cell::Text(self.expect.map(expectation)),
            Cell::Text(Some(self.outcome.name())),
        ];
        let marks = [
            self.caller_end_ns,
            self.agent_start_ns,
            self.e2e_ns,
            self.waited_ns,
        ];
        let spans = marks.into_iter().chain(self.metrics_ns).chain(self.hops_ns);
        let last = [
            Cell::Text(self.heard.as_deref()),
            Cell::Text(self.said.as_deref()),
            Cell::Text(self.decided.map(|(verdict, _)| verdict_name(verdict))),
            Cell::Probability(self.decided.and_then(|(_, probability)| probability)),
            Cell::Text(self.reason.map(Reason::name)),
            Cell::Text(self.doubtful.map(Doubt::name)),
            Cell::Number(Some(self.has_voided_commit.into())),
        ];
        first.into_iter().chain(spans.map(Cell::Number)).chain(last)
    }

    fn of_row(call: Option<&Arc<str>>, row: &Row) -> TurnRow {
        TurnRow {
            call: call.cloned(),
            conversation: 0,
            number: row.number,
            expect: row.expect,
            outcome: row.outcome,
            has_voided_commit: row.has_voided_commit,
            caller_end_ns: row.caller_end.map(|at| at.0),
            agent_start_ns: row.agent_start.map(|at| at.0),
            e2e_ns: row.e2e_ns,
            waited_ns: row.waited_ns(),
            reason: row.unanswered,
            doubtful: row.doubtful,
            metrics_ns: Metric::ALL.map(|metric| row.metric(metric)),
            hops_ns: Hop::ALL.map(|hop| row.hops.get(hop)),
            heard: Some(row.heard.clone()),
            said: Some(row.said.clone()),
            decided: row.decided.as_ref().map(|it| (it.verdict, it.probability)),
        }
    }

    /// `on_path` are the hops that answered turns have: the file leaves out those of no length.
    fn of_simulated(call: Option<&Arc<str>>, turn: &SimulatedTurn, on_path: &[Hop]) -> TurnRow {
        let mut metrics_ns = [None; Metric::ALL.len()];
        let mut hops_ns = [None; Hop::ALL.len()];
        for (index, metric) in Metric::ALL.iter().enumerate() {
            let found = turn.metrics.iter().find(|(name, _)| name == metric);
            metrics_ns[index] = found.map(|(_, span_ns)| *span_ns);
        }
        let e2e_ns = turn.e2e_ns();
        if e2e_ns.is_some() {
            on_path
                .iter()
                .for_each(|hop| hops_ns[*hop as usize] = Some(0));
        }
        for (hop, span_ns) in &turn.hops {
            hops_ns[*hop as usize] = Some(*span_ns);
        }
        TurnRow {
            call: call.cloned(),
            conversation: turn.conversation,
            number: turn.number,
            expect: turn.expect,
            outcome: turn.outcome,
            has_voided_commit: turn.has_voided_commit,
            caller_end_ns: turn.caller_end.map(|at| at.0),
            agent_start_ns: turn.agent_start.map(|at| at.0),
            e2e_ns,
            waited_ns: turn.waited_ns(),
            reason: turn.unanswered,
            doubtful: None,
            metrics_ns,
            hops_ns,
            heard: None,
            said: None,
            decided: None,
        }
    }
}

/// Every turn of a folder, one after the other; after an error there is nothing more.
pub fn turns(folder: &Folder) -> impl Iterator<Item = Result<TurnRow, TurnsError>> {
    let is_one = matches!(folder, Folder::One(_));
    folder.all().iter().flat_map(move |kept| {
        let call = (!is_one).then(|| Arc::from(folder_name(kept.path())));
        of_one(call, kept)
    })
}

type Turns<'a> = Box<dyn Iterator<Item = Result<TurnRow, TurnsError>> + 'a>;

fn of_one(call: Option<Arc<str>>, kept: &Results) -> Turns<'_> {
    match kept {
        Results::Run(run) => {
            let rows = run.measured.rows.iter();
            Box::new(rows.map(move |row| Ok(TurnRow::of_row(call.as_ref(), row))))
        }
        Results::Simulation(simulation) => of_simulation(call, simulation),
    }
}

fn of_simulation(call: Option<Arc<str>>, simulation: &MeasuredSimulation) -> Turns<'_> {
    let on_path = simulation.hops_of_answers();
    match simulation.turns() {
        Err(error) => Box::new(std::iter::once(Err(error))),
        Ok(turns) => Box::new(turns.map(move |turn| {
            turn.map(|turn| TurnRow::of_simulated(call.as_ref(), &turn, &on_path))
        })),
    }
}

/// The name of an expectation in reports.
pub(super) fn expectation(expect: Expect) -> &'static str {
    match expect {
        Expect::Respond => "respond",
        Expect::Stop => "stop",
        Expect::Ignore => "ignore",
    }
}

/// The name of a verdict in reports.
pub(super) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::KeepTalking => "keep_talking",
        Verdict::Unsure => "unsure",
        Verdict::Stop => "stop",
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_recorded::recorded;
    use super::*;
    use crate::event::Tick;

    #[test]
    fn every_turn_has_a_cell_in_every_column() {
        for name in ["recorded", "interruptions"] {
            let folder = recorded(name);
            for turn in turns(&folder) {
                let turn = turn.expect("a turn");
                assert_eq!(turn.cells().count(), columns().len());
                for (cell, (name, kind)) in turn.cells().zip(columns()) {
                    let fits = match kind {
                        ColumnKind::Count => matches!(cell, Cell::Number(Some(_))),
                        ColumnKind::Nanoseconds => matches!(cell, Cell::Number(_)),
                        ColumnKind::Word | ColumnKind::Text => matches!(cell, Cell::Text(_)),
                        ColumnKind::Probability => matches!(cell, Cell::Probability(_)),
                    };
                    assert!(fits, "{name}: {cell:?}");
                }
                let hops: u64 = turn.hops_ns.iter().flatten().sum();
                assert!(turn.e2e_ns.is_none_or(|e2e_ns| e2e_ns == hops));
            }
        }
    }

    #[test]
    fn several_folders_are_told_apart_by_name() {
        let folder = recorded("interruptions");
        let calls: Vec<_> = turns(&folder)
            .map(|turn| turn.expect("a turn").call)
            .collect();
        assert!(calls.iter().all(Option::is_some) && calls.is_sorted());
    }

    #[test]
    fn a_hop_of_no_length_is_there_in_an_answered_turn_only() {
        let turn = |outcome| SimulatedTurn {
            conversation: 3,
            began: Tick(0),
            number: 1,
            expect: None,
            outcome,
            has_voided_commit: false,
            caller_end: Some(Tick(5)),
            agent_start: Some(Tick(9)),
            hops: vec![(Hop::Answer, 4)],
            metrics: vec![(Metric::E2eLatency, 4)],
            unanswered: None,
            in_vain: Vec::new(),
            stood_in: None,
            first_asked: None,
            shadow_ns: None,
        };
        let path = [Hop::QueueWait, Hop::Answer];
        let of = |outcome| TurnRow::of_simulated(None, &turn(outcome), &path).hops_ns;
        let answered = of(Outcome::Answered);
        assert_eq!(answered[Hop::QueueWait as usize], Some(0));
        assert_eq!(answered[Hop::Answer as usize], Some(4));
        assert_eq!(answered[Hop::ModelResponse as usize], None);
        assert_eq!(of(Outcome::Missed)[Hop::QueueWait as usize], None);
    }
}
