//! Which turn a claim is of: the one that is nearest in time, or the one with its number.

use super::claimed::{Claimed, Pair, PlatformJoin};
use super::names::{Meant, Names};
use super::{Claim, ClaimError, Claims, Moment};
use crate::measure::{Row, ms};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far the time of a claim may lie from its turn, in milliseconds. Platforms stamp what they do some half a
/// second before it is heard; turns of a call lie further apart.
pub const JOIN_WITHIN_MS: f64 = 2_000.0;

/// A call that was measured, and its rows.
#[derive(Debug, Clone, Copy)]
pub struct HeardCall<'a> {
    /// The name of the recording, as the report has it.
    pub name: &'a str,
    /// What was heard, in order.
    pub rows: &'a [Row],
    /// Whether turns whose latencies are doubtful are taken into the figures.
    pub takes_doubtful: bool,
}

/// What became of a turn, for those who claim a latency of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Turn {
    /// It was answered after so many nanoseconds.
    Answered(u64),
    /// It was answered after so many nanoseconds, or may have been.
    Doubtful(u64),
    /// It should have been answered, and was not.
    Unanswered,
    /// It asked for no answer, or was cut off: there is no latency.
    Neither,
}

impl Turn {
    pub(super) fn of(row: &Row) -> Turn {
        match (row.e2e_ns, row.unanswered) {
            (Some(e2e_ns), _) if row.doubtful.is_some() => Turn::Doubtful(e2e_ns),
            (Some(e2e_ns), _) => Turn::Answered(e2e_ns),
            (None, Some(_)) => Turn::Unanswered,
            (None, None) => Turn::Neither,
        }
    }
}

/// Joins claims with what was heard. `not_measured` are the names of calls that could not be measured.
///
/// # Errors
/// Claims none of which is of a call that was measured.
pub fn join(
    claims: &Claims,
    calls: &[HeardCall<'_>],
    not_measured: &[String],
) -> Result<Claimed, ClaimError> {
    let names = Names::of(calls.iter().map(|call| call.name));
    let others = Names::of(not_measured.iter().map(String::as_str));
    let is_one = calls.len() == 1 && not_measured.is_empty();
    let mut platforms: BTreeMap<Option<Arc<str>>, PlatformJoin<'_>> = BTreeMap::new();
    let mut of_other_calls = 0;
    let mut placed: BTreeMap<(Option<Arc<str>>, usize), Vec<&Claim>> = BTreeMap::new();
    for claim in &claims.rows {
        let meant = match &claim.call {
            None if calls.is_empty() => Meant::Nothing,
            None => Meant::Call(0),
            Some(name) => names.meant(name),
        };
        let why = match meant {
            Meant::Call(call) => {
                let of = (claim.platform.clone(), call);
                placed.entry(of).or_default().push(claim);
                continue;
            }
            Meant::Nothing if is_one => {
                of_other_calls += 1;
                continue;
            }
            Meant::Several => {
                "several calls have this name; write it with its folder and ending".to_owned()
            }
            Meant::Nothing => match others.meant(claim.call.as_deref().unwrap_or_default()) {
                Meant::Nothing => "no recording has this name".to_owned(),
                _ => "the call could not be measured".to_owned(),
            },
        };
        let platform = platforms.entry(claim.platform.clone()).or_default();
        platform.unheard.push((claim, why));
    }
    if placed.is_empty() {
        return Err(no_call(claims, calls));
    }
    for ((platform, call), own) in placed {
        let platform = platforms.entry(platform).or_default();
        platform.calls.insert(call);
        one_call(&own, call, &calls[call], platform);
    }
    Ok(Claimed::of(claims, calls, platforms, of_other_calls))
}

fn no_call(claims: &Claims, calls: &[HeardCall<'_>]) -> ClaimError {
    let claimed: BTreeSet<&str> = claims
        .rows
        .iter()
        .filter_map(|claim| claim.call.as_deref())
        .collect();
    let some = |names: &mut dyn Iterator<Item = &str>| names.take(3).collect::<Vec<_>>().join(", ");
    ClaimError::NoCall {
        path: claims.path.clone(),
        claimed: some(&mut claimed.into_iter()),
        measured: some(&mut calls.iter().map(|call| call.name)),
    }
}

/// Joins the claims that one platform makes of one call.
fn one_call<'a>(
    claims: &[&'a Claim],
    call: usize,
    heard: &HeardCall<'_>,
    into: &mut PlatformJoin<'a>,
) {
    let mut taken: BTreeMap<usize, u64> = BTreeMap::new();
    let mut left: Vec<(&Claim, String)> = Vec::new();
    let (timed, numbered): (Vec<&Claim>, Vec<&Claim>) =
        claims.iter().partition(|claim| claim.at.is_some());
    for (claim, near) in nearest(&timed, heard.rows) {
        match near {
            Near::Turn(turn) => {
                taken.insert(turn, claim.line);
                into.add(claim, (call, turn), heard);
            }
            Near::Taken(turn) => left.push((claim, is_taken(turn, &taken))),
            Near::Nothing(why) => left.push((claim, why)),
        }
    }
    // The record of a run has a clock of its own, which need not begin with the recording.
    let places = answered(heard.rows);
    let is_of_run = |claim: &&Claim| claim.place.is_some();
    if 2 * left.len() > timed.len() && timed.iter().all(is_of_run) && places.len() == timed.len() {
        into.take_back(call);
        for claim in timed {
            let turn = places[claim.place.unwrap_or_default().min(places.len() - 1)];
            into.add(claim, (call, turn), heard);
        }
        into.is_by_order = true;
        return;
    }
    into.unheard.extend(left);
    for claim in numbered {
        let number = claim.turn.unwrap_or_default();
        let turn = number as usize - 1;
        let why = match heard.rows.get(turn) {
            None => format!("the call has {} turns", heard.rows.len()),
            Some(_) if taken.contains_key(&turn) => is_taken(turn, &taken),
            Some(row) => match Turn::of(row) {
                Turn::Neither => format!("turn {number} has no latency: {}", row.outcome.name()),
                _ => {
                    taken.insert(turn, claim.line);
                    into.add(claim, (call, turn), heard);
                    continue;
                }
            },
        };
        into.unheard.push((claim, why));
    }
}

fn is_taken(turn: usize, taken: &BTreeMap<usize, u64>) -> String {
    let number = turn + 1;
    match taken.get(&turn) {
        Some(line) => format!("turn {number} has the claim of line {line} already"),
        None => format!("turn {number} has another claim already"),
    }
}

/// The turn that is nearest to a claim.
enum Near {
    Turn(usize),
    /// A turn to which another claim is nearer.
    Taken(usize),
    Nothing(String),
}

/// The turns that are nearest to claims with times, which each takes the nearest of. A claim that is not the nearest
/// one goes to no other turn.
fn nearest<'a>(claims: &[&'a Claim], rows: &[Row]) -> Vec<(&'a Claim, Near)> {
    let turns = spans(rows);
    let mut found: Vec<(f64, usize, usize)> = Vec::new();
    let mut near: Vec<(&Claim, Near)> = Vec::with_capacity(claims.len());
    for (place, claim) in claims.iter().enumerate() {
        let best = claim.at.and_then(|at| closest(&turns, at));
        near.push((
            claim,
            match best {
                Some((distance, turn)) if distance <= JOIN_WITHIN_MS => {
                    found.push((distance, place, turn));
                    Near::Taken(turn)
                }
                Some((distance, turn)) => Near::Nothing(format!(
                    "the nearest turn, {}, lies {:.1} s away",
                    turn + 1,
                    distance / 1e3
                )),
                None => Near::Nothing("no turn of the call has a latency".into()),
            },
        ));
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut is_taken = BTreeSet::new();
    for (_, place, turn) in found {
        if is_taken.insert(turn) {
            near[place].1 = Near::Turn(turn);
        }
    }
    near.sort_by_key(|(_, near)| matches!(near, Near::Taken(_) | Near::Nothing(_)));
    near
}

/// A turn that was or should have been answered.
struct Span {
    turn: usize,
    caller_end_ms: f64,
    /// When the answer began, or until when it was waited for at least.
    until_ms: f64,
    is_answered: bool,
}

fn spans(rows: &[Row]) -> Vec<Span> {
    let span = |(turn, row): (usize, &Row)| {
        let caller_end_ms = ms(row.caller_end?.0);
        let (is_answered, wait_ns) = match Turn::of(row) {
            Turn::Answered(e2e_ns) | Turn::Doubtful(e2e_ns) => (true, e2e_ns),
            Turn::Unanswered => (false, row.waited_ns().unwrap_or(0)),
            Turn::Neither => return None,
        };
        Some(Span {
            turn,
            caller_end_ms,
            until_ms: caller_end_ms + ms(wait_ns),
            is_answered,
        })
    };
    rows.iter().enumerate().filter_map(span).collect()
}

impl Span {
    /// Milliseconds between a moment and the turn.
    fn distance(&self, at: super::At) -> f64 {
        let between = |low: f64, high: f64| (low - at.ms).max(at.ms - high).max(0.0);
        match (at.of, self.is_answered) {
            (Moment::CallerEnd, _) => between(self.caller_end_ms, self.caller_end_ms),
            (Moment::AgentStart, true) => between(self.until_ms, self.until_ms),
            (Moment::Either, _) | (Moment::AgentStart, false) => {
                between(self.caller_end_ms, self.until_ms)
            }
        }
    }
}

/// The turn that is nearest to a moment, and how far it is; of two, one that was answered.
fn closest(turns: &[Span], at: super::At) -> Option<(f64, usize)> {
    // Turns come in the order of their ends: what ended long before, or will long after, is not the nearest.
    let next = turns.partition_point(|span| span.caller_end_ms <= at.ms);
    let window = next.saturating_sub(NEIGHBOURS)..turns.len().min(next + NEIGHBOURS);
    let near = turns[window]
        .iter()
        .map(|span| (span.distance(at), !span.is_answered, span.turn));
    let best = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    best.map(|(distance, _, turn)| (distance, turn))
}

/// How many turns before and after a moment are looked at.
const NEIGHBOURS: usize = 4;

/// The places of the answered turns.
fn answered(rows: &[Row]) -> Vec<usize> {
    let rows = rows.iter().enumerate();
    rows.filter(|(_, row)| matches!(Turn::of(row), Turn::Answered(_) | Turn::Doubtful(_)))
        .map(|(place, _)| place)
        .collect()
}

impl<'a> PlatformJoin<'a> {
    fn add(&mut self, claim: &'a Claim, (call, turn): (usize, usize), heard: &HeardCall<'_>) {
        match Turn::of(&heard.rows[turn]) {
            Turn::Doubtful(_) if !heard.takes_doubtful => self.doubtful.push((claim, call, turn)),
            Turn::Answered(e2e_ns) | Turn::Doubtful(e2e_ns) => self.pairs.push(Pair {
                claim,
                call,
                turn,
                heard_ms: ms(e2e_ns),
            }),
            Turn::Unanswered | Turn::Neither => self.unanswered.push((claim, call, turn)),
        }
    }

    fn take_back(&mut self, call: usize) {
        self.pairs.retain(|pair| pair.call != call);
        self.doubtful.retain(|(_, own, _)| *own != call);
        self.unanswered.retain(|(_, own, _)| *own != call);
    }
}

#[cfg(test)]
#[path = "test_join.rs"]
mod tests;
