//! What comes of joining claims with what was heard.

use super::bias::{self, Independent};
use super::join::{HeardCall, Turn};
use super::{Claim, Claims};
use crate::event::Doubt;
use crate::measure::{Interval, ms};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many turns, claims or calls a list names; all are counted.
pub const SHOWN_MAX: usize = 100;

/// Claims beside what was heard. Latencies are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claimed {
    /// Where the claims were read from.
    pub source: String,
    /// How far the time of a claim may lie from its turn.
    pub join_within_ms: f64,
    /// By platform; one without a name if none is named.
    pub platforms: Vec<ClaimedPlatform>,
    /// Calls that were measured and that no claim is of, each with how many of its turns were answered.
    pub calls_unclaimed: Listed<UnclaimedCall>,
    /// Claims of calls other than the one that was measured.
    pub of_other_calls: u64,
}

/// What one platform claims.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimedPlatform {
    /// Its name; `None` if the claims name none.
    pub platform: Option<Arc<str>>,
    /// How many measured calls it claims something of.
    pub calls: u64,
    /// How many turns it claims something of.
    pub claims: u64,
    /// Whether a call was joined by the order of its answers, since the times of its record were of another clock.
    pub is_by_order: bool,
    /// Each latency that it claims.
    pub columns: Vec<ClaimedColumn>,
    /// Answered turns of these calls that no claim is of.
    pub turns_unclaimed: Listed<UnclaimedTurn>,
    /// Claims that belong to no turn.
    pub claims_unheard: Listed<UnheardClaim>,
    /// Claims of turns that are doubtful, which the figures leave out.
    pub doubtful: Listed<UnheardClaim>,
    /// Claims of a latency of turns that were never answered.
    pub unanswered: Listed<UnheardClaim>,
}

/// One latency that is claimed, beside what was heard of the same turns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimedColumn {
    /// The name of the column, in milliseconds.
    pub column: Arc<str>,
    /// Answered turns of which it is claimed.
    pub joined: u64,
    /// The calls that they are of.
    pub calls: u64,
    /// The median of what is claimed of them; `None`, as all that follows, if there are none.
    pub claimed_p50_ms: Option<f64>,
    /// The median of what was heard of them.
    pub heard_p50_ms: Option<f64>,
    /// The 95th percentile of what is claimed of them.
    pub claimed_p95_ms: Option<f64>,
    /// The 95th percentile of what was heard of them.
    pub heard_p95_ms: Option<f64>,
    /// The median of what was heard less what is claimed: positive where the claim is too fast.
    pub bias_ms: Option<f64>,
    /// The 95 % interval of `bias_ms`; `None` with fewer than six calls and turns, or if one call has most turns.
    pub bias_interval: Option<Interval>,
    /// What the interval takes for independent.
    pub independent: Independent,
    /// The 5th percentile of the differences.
    pub difference_p5_ms: Option<f64>,
    /// The 95th percentile of the differences.
    pub difference_p95_ms: Option<f64>,
}

/// A list of which the beginning is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed<T> {
    /// How many there are.
    pub count: u64,
    /// The first of them, up to [`SHOWN_MAX`].
    pub shown: Vec<T>,
}

/// An answered turn that no claim is of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnclaimedTurn {
    pub call: String,
    pub turn: u32,
    /// When the answer began, in seconds since the call began.
    pub agent_start_s: Option<f64>,
    pub heard_ms: f64,
}

/// A measured call that no claim is of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnclaimedCall {
    pub call: String,
    /// How many of its turns were answered.
    pub answered: u64,
}

/// A claim that belongs to no answered turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnheardClaim {
    /// The line of the CSV, or the turn of the run.
    pub line: u64,
    pub call: Option<Arc<str>>,
    /// The number of the turn that was claimed; of an unanswered turn, the turn's own.
    pub turn: Option<u32>,
    /// The time that was claimed, in seconds since the call began.
    pub at_s: Option<f64>,
    /// The first latency that is claimed.
    pub claimed_ms: Option<f64>,
    /// Why it belongs to no answered turn.
    pub why: String,
}

/// A claim and the answered turn that it is of, by the places of call and turn.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) claim: &'a Claim,
    pub(super) call: usize,
    pub(super) turn: usize,
    pub(super) heard_ms: f64,
}

/// What was joined of one platform.
#[derive(Debug, Default)]
pub(super) struct PlatformJoin<'a> {
    pub(super) calls: BTreeSet<usize>,
    pub(super) pairs: Vec<Pair<'a>>,
    /// Claims of turns that are doubtful: the places of call and turn.
    pub(super) doubtful: Vec<(&'a Claim, usize, usize)>,
    /// Claims of turns that were not answered, likewise.
    pub(super) unanswered: Vec<(&'a Claim, usize, usize)>,
    /// Claims that belong to nothing, and why.
    pub(super) unheard: Vec<(&'a Claim, String)>,
    pub(super) is_by_order: bool,
}

impl PlatformJoin<'_> {
    /// Whether the platform claims anything in the column at this place.
    fn has(&self, place: usize) -> bool {
        let is_claimed = |claim: &Claim| claim.claimed_ms.get(place).is_some_and(Option::is_some);
        self.pairs.iter().any(|pair| is_claimed(pair.claim))
            || self.doubtful.iter().any(|(claim, ..)| is_claimed(claim))
            || self.unanswered.iter().any(|(claim, ..)| is_claimed(claim))
            || self.unheard.iter().any(|(claim, _)| is_claimed(claim))
    }
}

impl<T> Listed<T> {
    fn of(all: impl Iterator<Item = T>) -> Listed<T> {
        let mut listed = Listed {
            count: 0,
            shown: Vec::new(),
        };
        for one in all {
            listed.count += 1;
            if listed.shown.len() < SHOWN_MAX {
                listed.shown.push(one);
            }
        }
        listed
    }

    /// How many of the list are not shown, if `shown` are.
    pub fn more(&self, shown: usize) -> u64 {
        self.count
            .saturating_sub(self.shown.len().min(shown) as u64)
    }
}

impl Claimed {
    pub(super) fn of(
        claims: &Claims,
        calls: &[HeardCall<'_>],
        platforms: BTreeMap<Option<Arc<str>>, PlatformJoin<'_>>,
        of_other_calls: u64,
    ) -> Claimed {
        let claimed: BTreeSet<usize> = platforms
            .values()
            .flat_map(|platform| platform.calls.iter().copied())
            .collect();
        let unclaimed = calls.iter().enumerate();
        let unclaimed = unclaimed.filter(|(place, _)| !claimed.contains(place));
        let platforms = platforms.into_iter();
        Claimed {
            source: claims.path.display().to_string(),
            join_within_ms: super::JOIN_WITHIN_MS,
            calls_unclaimed: Listed::of(unclaimed.map(|(_, call)| UnclaimedCall {
                call: call.name.to_owned(),
                answered: answered(call).count() as u64,
            })),
            platforms: platforms
                .map(|(name, join)| platform(claims, calls, name, join))
                .collect(),
            of_other_calls,
        }
    }

    /// How many claims belong to an answered turn, of all platforms.
    pub fn joined(&self) -> u64 {
        let columns = self.platforms.iter().flat_map(|of| &of.columns);
        columns.map(|column| column.joined).sum()
    }
}

/// The answered turns of a call: places, and what was heard.
fn answered<'a>(call: &'a HeardCall<'_>) -> impl Iterator<Item = (usize, f64)> + 'a {
    let rows = call.rows.iter().enumerate();
    rows.filter_map(|(turn, row)| match Turn::of(row) {
        Turn::Answered(e2e_ns) | Turn::Doubtful(e2e_ns) => Some((turn, ms(e2e_ns))),
        Turn::Unanswered | Turn::Neither => None,
    })
}

fn platform(
    claims: &Claims,
    calls: &[HeardCall<'_>],
    name: Option<Arc<str>>,
    mut join: PlatformJoin<'_>,
) -> ClaimedPlatform {
    join.unheard.sort_by_key(|(claim, _)| claim.line);
    join.doubtful.sort_by_key(|(claim, ..)| claim.line);
    join.unanswered.sort_by_key(|(claim, ..)| claim.line);
    let joined: BTreeSet<(usize, usize)> = join
        .pairs
        .iter()
        .map(|pair| (pair.call, pair.turn))
        .chain(join.doubtful.iter().map(|(_, call, turn)| (*call, *turn)))
        .collect();
    let turns = join.calls.iter().flat_map(|place| {
        let call = &calls[*place];
        answered(call).map(move |(turn, heard_ms)| (*place, turn, heard_ms))
    });
    let unclaimed = turns.filter(|(call, turn, _)| !joined.contains(&(*call, *turn)));
    let unanswered = |(claim, call, turn): &(&Claim, usize, usize)| {
        let row = &calls[*call].rows[*turn];
        let waited = row.waited_ns().map_or(String::new(), |span| {
            format!(", and {:.1} s passed", ms(span) / 1e3)
        });
        let reason = row
            .unanswered
            .map_or("it has no latency", |reason| reason.told());
        let mut of = unheard(claim, format!("no answer is heard: {reason}{waited}"));
        of.turn = Some(row.number);
        of.call = Some(calls[*call].name.into());
        of
    };
    let doubtful = |(claim, call, turn): &(&Claim, usize, usize)| {
        let row = &calls[*call].rows[*turn];
        let why = row.doubtful.map_or("doubtful", Doubt::told);
        let mut of = unheard(claim, format!("doubtful: {why}"));
        of.turn = Some(row.number);
        of.call = Some(calls[*call].name.into());
        of
    };
    ClaimedPlatform {
        platform: name,
        calls: join.calls.len() as u64,
        claims: (join.pairs.len()
            + join.doubtful.len()
            + join.unanswered.len()
            + join.unheard.len()) as u64,
        is_by_order: join.is_by_order,
        columns: claims
            .columns
            .iter()
            .enumerate()
            .filter(|(place, _)| join.has(*place))
            .map(|(place, column)| one_column(place, column, &join.pairs))
            .collect(),
        turns_unclaimed: Listed::of(unclaimed.map(|(call, turn, heard_ms)| {
            let row = &calls[call].rows[turn];
            UnclaimedTurn {
                call: calls[call].name.to_owned(),
                turn: row.number,
                agent_start_s: row.agent_start.map(|at| ms(at.0) / 1e3),
                heard_ms,
            }
        })),
        claims_unheard: Listed::of(
            join.unheard
                .iter()
                .map(|(claim, why)| unheard(claim, why.clone())),
        ),
        doubtful: Listed::of(join.doubtful.iter().map(doubtful)),
        unanswered: Listed::of(join.unanswered.iter().map(unanswered)),
    }
}

fn unheard(claim: &Claim, why: String) -> UnheardClaim {
    UnheardClaim {
        line: claim.line,
        call: claim.call.clone(),
        turn: claim.turn,
        at_s: claim.at.map(|at| at.ms / 1e3),
        claimed_ms: claim.claimed_ms.iter().flatten().next().copied(),
        why,
    }
}

fn one_column(place: usize, column: &str, pairs: &[Pair<'_>]) -> ClaimedColumn {
    let (mut claimed, mut heard, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    let mut by_call: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for pair in pairs {
        let Some(claimed_ms) = pair.claim.claimed_ms.get(place).copied().flatten() else {
            continue;
        };
        claimed.push(claimed_ms);
        heard.push(pair.heard_ms);
        differences.push(pair.heard_ms - claimed_ms);
        let own = by_call.entry(pair.call).or_default();
        own.push(pair.heard_ms - claimed_ms);
    }
    for values in [&mut claimed, &mut heard, &mut differences] {
        values.sort_by(f64::total_cmp);
    }
    let by_call: Vec<Vec<f64>> = by_call.into_values().collect();
    let (bias_interval, independent) = bias::interval(&by_call);
    ClaimedColumn {
        column: column.into(),
        joined: differences.len() as u64,
        calls: by_call.len() as u64,
        claimed_p50_ms: bias::median(&claimed),
        heard_p50_ms: bias::median(&heard),
        claimed_p95_ms: bias::percentile(&claimed, 95),
        heard_p95_ms: bias::percentile(&heard, 95),
        bias_ms: bias::median(&differences),
        bias_interval,
        independent,
        difference_p5_ms: bias::percentile(&differences, 5),
        difference_p95_ms: bias::percentile(&differences, 95),
    }
}
