//! Visits to stages: what was asked of them, how long it waited, and how it ended.

use super::spans::{Span, Track};
use crate::event::{Event, Mark, StageName, Tick, TurnId, VisitEnd, VisitId};
use std::collections::BTreeMap;

/// Visits that go on.
#[derive(Default)]
pub(super) struct Visits {
    open: BTreeMap<VisitId, Visit>,
    /// When the endpoint of an utterance was committed.
    committed: BTreeMap<TurnId, Tick>,
    /// Where the record ends.
    end: Tick,
}

struct Visit {
    stage: StageName,
    entered: Tick,
    begun: Option<Tick>,
    utterance: TurnId,
    /// The number of the row that the visit belongs to.
    turn: Option<u32>,
}

impl Visits {
    pub(super) fn until(end: Tick) -> Visits {
        Visits {
            end,
            ..Visits::default()
        }
    }

    /// Takes an event of row `turn`; returns the visit that ended with it.
    pub(super) fn add(&mut self, event: &Event, turn: Option<u32>) -> Option<Span> {
        let now = event.tick;
        match &event.mark {
            Mark::EndpointCommitted { .. } => {
                self.committed.entry(event.turn).or_insert(now);
            }
            Mark::Enter { stage, visit } => {
                self.open.entry(*visit).or_insert(Visit {
                    stage: *stage,
                    entered: now,
                    begun: None,
                    utterance: event.turn,
                    turn,
                });
            }
            Mark::Begun { visit, .. } => {
                if let Some(visit) = self.open.get_mut(visit) {
                    visit.begun.get_or_insert(now);
                }
            }
            Mark::Exit { visit, end, .. } => {
                let left = self.open.remove(visit)?;
                return Some(self.span(*visit, &left, now, Some(end)));
            }
            _ => {}
        }
        None
    }

    /// The visits that go on at the end of the record.
    pub(super) fn close(mut self) -> Vec<Span> {
        let open = std::mem::take(&mut self.open);
        let span = |(id, visit): (VisitId, Visit)| self.span(id, &visit, self.end, None);
        open.into_iter().map(span).collect()
    }

    fn span(&self, id: VisitId, visit: &Visit, now: Tick, end: Option<&VisitEnd>) -> Span {
        let how = match end {
            Some(VisitEnd::Done) => "done",
            Some(VisitEnd::Cancelled) => "cancelled",
            Some(VisitEnd::Failed(_)) => "failed",
            None => "open",
        };
        let track = Track::Stage(visit.stage);
        let mut span = Span::new(track, visit.stage.name(), visit.turn)
            .lasting(visit.entered, now)
            .about("visit", id.0)
            .about("end", how);
        if let Some(VisitEnd::Failed(why)) = end {
            span = span.about("error", why.error.as_str());
        }
        let worked_from = visit.begun.unwrap_or(now).max(visit.entered);
        let asked_at = self.asked_at(visit).min(worked_from);
        let inner = |name| Span::new(track, name, visit.turn);
        span = span.about("waited_ns", worked_from.0 - asked_at.0);
        span.hold(inner("listening").lasting(visit.entered, asked_at));
        span.hold(inner("waiting").lasting(asked_at, worked_from));
        span
    }

    /// When there was work for a visit. A recogniser is there from the beginning of an utterance; what is
    /// said is whole when its endpoint is committed.
    fn asked_at(&self, visit: &Visit) -> Tick {
        match visit.stage {
            StageName::SpeechToText => {
                let committed = self.committed.get(&visit.utterance);
                committed.copied().unwrap_or(self.end).max(visit.entered)
            }
            _ => visit.entered,
        }
    }
}
