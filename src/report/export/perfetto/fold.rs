//! Folds events into what a trace shows of a conversation.

use super::super::turn_table::{expectation, verdict_name};
use super::spans::{Instant, Span, Track};
use super::visits::Visits;
use crate::event::{Event, Mark, ReplyEnd, Tick, TurnId};
use crate::measure::Row;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The spans and instants of a conversation. `turns` are the utterances of each row.
pub(super) fn conversation(
    events: &[Event],
    rows: &[Row],
    turns: &[Vec<TurnId>],
) -> (Vec<Span>, Vec<Instant>) {
    let ticks = events.iter().map(|event| event.tick);
    let end = ticks.max().unwrap_or_default();
    let mut fold = Fold {
        end,
        visits: Visits::until(end),
        ..Fold::default()
    };
    for (number, turns) in (1..).zip(turns) {
        fold.row_of.extend(turns.iter().map(|turn| (*turn, number)));
    }
    events.iter().for_each(|event| fold.add(event));
    fold.close();
    for row in rows {
        fold.turn(row);
    }
    (fold.spans, fold.instants)
}

#[derive(Default)]
struct Fold {
    spans: Vec<Span>,
    instants: Vec<Instant>,
    /// The number of the row that an utterance belongs to.
    row_of: BTreeMap<TurnId, u32>,
    /// The row that the caller is at, if there are scenario turns.
    row: Option<u32>,
    end: Tick,
    caller: Option<Span>,
    agent: Option<Span>,
    overlap: Option<Span>,
    visits: Visits,
}

impl Fold {
    fn add(&mut self, event: &Event) {
        let now = event.tick;
        let turn = match event.turn {
            TurnId(0) => self.row,
            turn => self.row_of.get(&turn).copied(),
        };
        match &event.mark {
            Mark::RowStarted { .. } | Mark::RowMissed { .. } => {
                self.row = Some(self.row.unwrap_or(0) + 1);
            }
            Mark::CallerSpeechStarted { at } => {
                self.caller_until(*at);
                self.caller = Some(Span::new(Track::Caller, "speaks", turn).lasting(*at, *at));
            }
            Mark::CallerSpeechEnded { at, .. } => self.caller_until(*at),
            Mark::Audible { at } | Mark::ReplyResumed { at } => {
                self.agent_until(*at, None);
                self.agent = Some(Span::new(Track::Agent, "reply", turn).lasting(*at, *at));
            }
            Mark::PlaybackGap { at, gap_ns } => self.gap(*at, *gap_ns),
            Mark::ReplyEnded { at, end, heard, .. } => {
                self.agent_until(*at, Some((*end, heard.to_string())));
            }
            Mark::Filler { at, audio_ns } => {
                let end = *at + Duration::from_nanos(*audio_ns);
                let filler = Span::new(Track::Agent, "filler", turn).lasting(*at, end);
                self.spans.push(filler);
            }
            Mark::OverlapStarted { onset } => {
                self.overlap_until(*onset);
                let overlap = Span::new(Track::Interruptions, "sound over the agent", turn);
                self.overlap = Some(overlap.lasting(*onset, *onset));
            }
            Mark::OverlapEnded { at } => self.overlap_until(*at),
            mark => {
                let left = self.visits.add(event, turn);
                self.spans.extend(left);
                self.happening(now, turn, mark);
            }
        }
    }

    /// Adds an instant, for a mark that takes no time.
    fn happening(&mut self, at: Tick, turn: Option<u32>, mark: &Mark) {
        let (track, name, about) = match mark {
            Mark::EndpointCommitted { cause, .. } => (
                Track::Turns,
                "endpoint committed".to_owned(),
                json!({ "cause": cause }),
            ),
            Mark::Cured { stage, by } => (
                Track::Turns,
                format!("cure of {}", stage.name()),
                json!({ "by": by }),
            ),
            Mark::CallerStartedAgain => (Track::Caller, "starts again".to_owned(), json!({})),
            Mark::CallerGaveUp => (Track::Caller, "hangs up".to_owned(), json!({})),
            Mark::Decision(decision) => (
                Track::Interruptions,
                verdict_name(decision.verdict).to_owned(),
                json!({
                    "policy": decision.policy,
                    "since_onset_ns": decision.since_onset_ns,
                    "probability": decision.probability,
                    "reasons": decision.reasons,
                }),
            ),
            _ => return,
        };
        let about = match about {
            Value::Object(about) => about,
            _ => Map::new(),
        };
        self.instants.push(Instant {
            track,
            name,
            at,
            turn,
            about,
        });
    }

    fn caller_until(&mut self, at: Tick) {
        self.spans
            .extend(self.caller.take().map(|span| until(span, at)));
    }

    fn overlap_until(&mut self, at: Tick) {
        self.spans
            .extend(self.overlap.take().map(|span| until(span, at)));
    }

    fn agent_until(&mut self, at: Tick, ended: Option<(ReplyEnd, String)>) {
        let Some(span) = self.agent.take() else {
            return;
        };
        let mut span = until(span, at);
        // The gaps of a reply were put aside until its end was known.
        for gap in std::mem::take(&mut span.inside) {
            span.hold(gap);
        }
        if let Some((end, heard)) = ended {
            span = span.about("end", json!(end)).about("heard", heard);
        }
        self.spans.push(span);
    }

    fn gap(&mut self, at: Tick, gap_ns: u64) {
        if let Some(reply) = &mut self.agent {
            let gap = Span::new(Track::Agent, "gap", reply.turn);
            reply
                .inside
                .push(gap.lasting(at, at + Duration::from_nanos(gap_ns)));
        }
    }

    /// Ends whatever is open where the record ends.
    fn close(&mut self) {
        let end = self.end;
        self.caller_until(end);
        self.overlap_until(end);
        self.agent_until(end, None);
        let visits = std::mem::take(&mut self.visits);
        self.spans.extend(visits.close());
    }

    /// Adds the span of a turn: from the first thing that belongs to it to the last.
    fn turn(&mut self, row: &Row) {
        let number = Some(row.number);
        let hops = row.slices.iter().map(|slice| {
            let span = Span::new(Track::Turns, slice.hop.name(), number);
            span.lasting(slice.start, slice.end)
        });
        let hops: Vec<Span> = hops.collect();
        let of_turn = self.spans.iter().filter(|span| span.turn == number);
        let spans = of_turn.chain(&hops).map(|span| (span.start, span.end));
        let instants = self.instants.iter().filter(|it| it.turn == number);
        let times = spans.chain(instants.map(|it| (it.at, it.at)));
        let whole = times.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        // Nothing ever happened in a turn that the run did not come to.
        let Some((start, end)) = whole else {
            return;
        };
        let name = format!("turn {}: {}", row.number, row.outcome.name());
        let mut span = Span::new(Track::Turns, &name, number)
            .lasting(start, end)
            .about("expect", row.expect.map(expectation))
            .about("outcome", row.outcome.name())
            .about("e2e_ns", row.e2e_ns)
            .about("heard", &*row.heard)
            .about("said", &*row.said);
        hops.into_iter().for_each(|hop| span.hold(hop));
        self.spans.push(span);
    }
}

fn until(span: Span, at: Tick) -> Span {
    let start = span.start;
    span.lasting(start, at)
}

#[cfg(test)]
mod tests {
    use super::super::super::test_recorded::recorded;
    use super::*;
    use crate::event::{InterruptionDecision, SessionId, StageName, Verdict, VisitEnd, VisitId};
    use crate::measure::folder::Results;
    use crate::measure::{Plan, measure, turns_by_row};

    fn check(events: &[Event], plan: &Plan) -> Vec<Span> {
        let rows = measure(events, plan).rows;
        let (spans, instants) = conversation(events, &rows, &turns_by_row(events, plan));
        let is_turn = |span: &Span| span.track == Track::Turns;
        for span in &spans {
            assert!(span.start <= span.end);
            let mut before = span.start;
            for inner in &span.inside {
                assert!(
                    before <= inner.start && inner.end <= span.end,
                    "{inner:?} in {span:?}"
                );
                before = inner.end;
            }
        }
        let around = |turn: u32| {
            let mut found = spans
                .iter()
                .filter(|span| is_turn(span) && span.turn == Some(turn));
            let span = found.next().expect("a span of the turn");
            assert!(found.next().is_none(), "turn {turn} has one span");
            span.start..=span.end
        };
        for span in spans.iter().filter(|span| span.turn.is_some()) {
            let turn = around(span.turn.expect("one"));
            assert!(
                turn.contains(&span.start) && turn.contains(&span.end),
                "{span:?}"
            );
        }
        for instant in instants.iter().filter(|instant| instant.turn.is_some()) {
            assert!(
                around(instant.turn.expect("one")).contains(&instant.at),
                "{instant:?}"
            );
        }
        for row in &rows {
            let hops: u64 = spans
                .iter()
                .filter(|span| is_turn(span) && span.turn == Some(row.number))
                .flat_map(|span| &span.inside)
                .map(|hop| hop.end.0 - hop.start.0)
                .sum();
            assert_eq!(hops, row.e2e_ns.unwrap_or(0), "turn {}", row.number);
        }
        spans
    }

    #[test]
    fn every_span_of_a_turn_lies_inside_its_turn() {
        for name in ["recorded", "demo", "interruptions"] {
            for kept in recorded(name).all() {
                let Results::Run(run) = kept else {
                    panic!("{name} is a run");
                };
                let spans = check(&run.events().expect("events"), &run.plan());
                assert!(spans.iter().any(|span| span.track == Track::Agent));
                assert!(
                    spans
                        .iter()
                        .any(|span| span.track == Track::Caller && span.turn.is_some())
                );
            }
        }
    }

    #[test]
    fn a_record_that_ends_anywhere_is_shown_as_far_as_it_goes() {
        let folder = recorded("recorded");
        let Results::Run(run) = &folder.all()[0] else {
            panic!("a run");
        };
        let events = run.events().expect("events");
        for end in (0..events.len()).step_by(7) {
            check(&events[..end], &run.plan());
        }
    }

    #[test]
    fn every_utterance_can_be_a_row() {
        let folder = recorded("recorded");
        let Results::Run(run) = &folder.all()[0] else {
            panic!("a run");
        };
        let plan = Plan {
            rows_per: crate::record::store::RowsPer::Utterance,
            ..run.plan()
        };
        check(&run.events().expect("events"), &plan);
    }

    #[test]
    fn a_record_in_which_nothing_fits_is_shown() {
        let mark = |tick, turn, mark| Event {
            tick: Tick(tick),
            session: SessionId(0),
            turn: TurnId(turn),
            mark,
        };
        let (stage, visit) = (StageName::Answer, VisitId(1));
        let events = [
            mark(9, 1, Mark::OverlapStarted { onset: Tick(99) }),
            mark(
                3,
                0,
                Mark::RowStarted {
                    row: 7,
                    at: Tick(0),
                    expect: None,
                },
            ),
            mark(5, 1, Mark::Begun { stage, visit }),
            mark(5, 1, Mark::Enter { stage, visit }),
            mark(
                4,
                1,
                Mark::Exit {
                    stage,
                    visit,
                    end: VisitEnd::Cancelled,
                    cost: None,
                    input: None,
                },
            ),
            mark(
                2,
                3,
                Mark::PlaybackGap {
                    at: Tick(1),
                    gap_ns: u64::MAX,
                },
            ),
            mark(7, 1, Mark::Audible { at: Tick(50) }),
            mark(
                8,
                1,
                Mark::PlaybackGap {
                    at: Tick(10),
                    gap_ns: u64::MAX,
                },
            ),
            mark(
                8,
                1,
                Mark::CallerSpeechEnded {
                    at: Tick(u64::MAX),
                    doubt: None,
                },
            ),
            mark(
                1,
                1,
                Mark::Decision(Box::new(InterruptionDecision {
                    policy: "always".into(),
                    verdict: Verdict::Stop,
                    since_onset_ns: 4,
                    probability: None,
                    reasons: Vec::new(),
                })),
            ),
        ];
        let folder = recorded("recorded");
        let Results::Run(run) = &folder.all()[0] else {
            panic!("a run");
        };
        check(&events, &run.plan());
    }
}
