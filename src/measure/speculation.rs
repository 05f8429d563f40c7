//! What preparing replies ahead of time cost: engine work that was used, and work that was thrown away.
//!
//! Work lasts from its beginning to its output, or to the moment when it became void; a job that was given
//! up while it ran may compute for some time after that, which is not in these figures. Its CPU
//! time is its length times the CPU time per second that its stage took wherever that is known.

use crate::event::{Event, Mark, OutputNote, StageName, Tick, TurnId, VisitEnd, VisitId, nanos};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Work that was done before anybody knew whether it was wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Speculation {
    /// Replies prepared while the caller paused.
    pub prepared: u32,
    /// Prepared replies that became the reply.
    pub kept: u32,
    /// Prepared replies that were dropped because the caller went on.
    #[serde(default)]
    pub dropped: u32,
    /// Those of the dropped ones for which the answerer had been asked, which costs a request where answers are paid.
    /// Simulations do not count it.
    #[serde(skip_serializing_if = "is_none")]
    pub dropped_requests: u32,
    /// CPU seconds of all engine work.
    pub cpu_s: f64,
    /// CPU seconds of work that was void because the caller went on.
    pub thrown_away_cpu_s: f64,
}

impl Speculation {
    /// The part of all engine work that was thrown away, in 0..=1.
    pub fn thrown_away_share(&self) -> f64 {
        match self.cpu_s {
            0.0 => 0.0,
            all => self.thrown_away_cpu_s / all,
        }
    }
}

fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Nanoseconds of work of one stage.
#[derive(Default)]
struct Work {
    all: u64,
    thrown_away: u64,
    /// Wall and CPU time of visits that say how long they took.
    wall: u64,
    cpu: u64,
}

#[derive(Default)]
struct Fold {
    stages: BTreeMap<StageName, Work>,
    /// Visits under way: when their work began, the stage and the turn.
    under_way: BTreeMap<VisitId, (Tick, StageName, TurnId)>,
    /// Turns that are spoken over the agent: what is asked of them is for the policy.
    over_agent: BTreeSet<TurnId>,
    /// What a turn's recogniser made in the latest pause: void if the caller goes on.
    guessed: BTreeMap<TurnId, u64>,
    /// What was prepared for a turn, by stage: void if the speculation is dropped.
    prepared: BTreeMap<TurnId, Vec<(StageName, u64)>>,
    /// Turns for which a reply is prepared that the answerer was asked for.
    asked: BTreeSet<TurnId>,
}

pub(super) fn speculation(events: &[Event]) -> Speculation {
    let (mut all, mut fold) = (Speculation::default(), Fold::default());
    for event in events {
        match &event.mark {
            Mark::Speculated { .. } => {
                all.prepared += 1;
                fold.prepared.insert(event.turn, Vec::new());
            }
            Mark::SpeculationDropped => {
                all.dropped += 1;
                all.dropped_requests += u32::from(fold.asked.remove(&event.turn));
                fold.add(event);
            }
            // What was prepared is still there when the reply starts: it was not dropped.
            Mark::ReplyStarted { .. } => {
                all.kept += u32::from(fold.prepared.remove(&event.turn).is_some());
                fold.asked.remove(&event.turn);
            }
            _ => fold.add(event),
        }
    }
    for work in fold.stages.values() {
        let per_second = match work.wall {
            0 => 1.0,
            wall => work.cpu as f64 / wall as f64,
        };
        all.cpu_s += work.all as f64 / 1e9 * per_second;
        all.thrown_away_cpu_s += work.thrown_away as f64 / 1e9 * per_second;
    }
    all
}

impl Fold {
    fn add(&mut self, event: &Event) {
        match &event.mark {
            Mark::Begun { stage, visit } => {
                self.stop(event, *stage, *visit);
                if *stage == StageName::SpeechToText {
                    // The recogniser begins anew, on more speech than before.
                    self.throw_away_guess(event.turn);
                }
                if *stage == StageName::Answer && self.prepared.contains_key(&event.turn) {
                    self.asked.insert(event.turn);
                }
                self.under_way
                    .insert(*visit, (event.tick, *stage, event.turn));
            }
            Mark::Output {
                stage: stage @ StageName::SpeechToText,
                visit,
                note,
            } => {
                self.stop(event, *stage, *visit);
                if matches!(note, OutputNote::Final { .. }) {
                    self.guessed.remove(&event.turn);
                }
            }
            Mark::Exit {
                stage,
                visit,
                end,
                cost,
                ..
            } => {
                self.stop(event, *stage, *visit);
                let work = self.stages.entry(*stage).or_default();
                if let (VisitEnd::Done, Some(cost)) = (end, cost) {
                    work.wall += cost.wall_ns;
                    work.cpu += cost.cpu_ns;
                }
            }
            Mark::VoiceResumed { .. } => {
                // The recogniser's visit goes on; only its work on the pause is void.
                let work = (StageName::SpeechToText, event.turn);
                let mut under_way = self.under_way.iter();
                let void = under_way.find(|(_, (_, stage, turn))| (*stage, *turn) == work);
                if let Some(visit) = void.map(|(visit, _)| *visit) {
                    self.stop(event, StageName::SpeechToText, visit);
                }
                self.throw_away_guess(event.turn);
            }
            Mark::OverlapStarted { .. } => _ = self.over_agent.insert(event.turn),
            Mark::OverlapEnded { .. } => _ = self.over_agent.remove(&event.turn),
            Mark::SpeculationDropped => {
                for (stage, span) in self.prepared.remove(&event.turn).unwrap_or_default() {
                    self.stages.entry(stage).or_default().thrown_away += span;
                }
            }
            _ => {}
        }
    }

    fn throw_away_guess(&mut self, turn: TurnId) {
        let void = self.guessed.remove(&turn).unwrap_or_default();
        let work = self.stages.entry(StageName::SpeechToText).or_default();
        work.thrown_away += void;
    }

    /// Work of a visit ends here.
    fn stop(&mut self, event: &Event, stage: StageName, visit: VisitId) {
        let Some((begun, ..)) = self.under_way.remove(&visit) else {
            return;
        };
        let span = nanos(event.tick.since(begun));
        self.stages.entry(stage).or_default().all += span;
        if stage == StageName::SpeechToText {
            if self.over_agent.contains(&event.turn) {
                return;
            }
            *self.guessed.entry(event.turn).or_default() += span;
        } else if let Some(prepared) = self.prepared.get_mut(&event.turn) {
            prepared.push((stage, span));
        }
    }
}
