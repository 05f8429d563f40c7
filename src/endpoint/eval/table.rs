//! The table that policies are compared in: the mean wait at shares of pauses cut, and the other way round.

use super::{Decided, Score, Scored, scored};
use crate::endpoint::classifier::Classifier;
use crate::endpoint::clues::Clues;
use crate::endpoint::pause::Pause;
use crate::endpoint::pauses::{Labelled, Truth};
use crate::endpoint::weights::Weights;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// Shares of pauses cut at which waits are compared.
const SHARES: [f64; 3] = [0.05, 0.1, 0.2];
/// Fixed silences whose cut-offs are compared at, in milliseconds.
const SILENCES_MS: [u64; 2] = [500, 700];
/// The mean wait at which shares of pauses cut are compared, in milliseconds.
const WAIT_MS: f64 = 300.0;
/// Resamples of fewer conversations say too little of others.
const CONVERSATIONS_MIN: usize = 5;
/// Halvings in the search for a price or a silence.
const HALVINGS: usize = 24;

/// What decides in an evaluation, by one number: a fixed silence, or the price of a cut-off. More of it cuts less.
pub struct Policy<'a> {
    /// The name of the policy.
    pub name: &'static str,
    /// Numbers that bound the search, by their logarithms.
    pub log_bounds: (f64, f64),
    /// What is decided at a number.
    pub decide: Box<dyn Fn(f64) -> Vec<Decided<'a>> + 'a>,
}

impl<'a> Policy<'a> {
    /// Logarithms of prices between which every share of cut-offs is found.
    pub const PRICES: (f64, f64) = (-6.0, 18.0);

    /// A fixed silence.
    pub fn silence(data: &'a [Labelled]) -> Policy<'a> {
        let decide = move |ms: f64| {
            let silence = Duration::from_secs_f64(ms / 1e3);
            let decided = data
                .iter()
                .filter_map(move |one| Decided::of(one, Some(silence)));
            decided.collect()
        };
        Policy {
            name: "silence",
            log_bounds: (libm::log(100.0), libm::log(2_500.0)),
            decide: Box::new(decide),
        }
    }

    /// The classifier by these weights.
    pub fn classifier(data: &'a [Labelled], weights: &'a Weights) -> Policy<'a> {
        let clues: Vec<Clues> = data.iter().map(|one| Clues::of(&one.pause)).collect();
        let decide = move |price_ms: f64| {
            let policy = Classifier::at_price(weights, price_ms);
            let one = |(one, clues): (&'a Labelled, &Clues)| {
                let planned = policy.planned(clues, Duration::ZERO);
                Decided::of(one, Some(planned.silence))
            };
            data.iter().zip(&clues).filter_map(one).collect()
        };
        Policy {
            name: "classifier",
            log_bounds: Policy::PRICES,
            decide: Box::new(decide),
        }
    }

    /// What is decided where a figure, which falls as the number rises, has come down to `target`.
    fn where_falls(&self, target: f64, figure: impl Fn(&[Decided<'a>]) -> f64) -> Vec<Decided<'a>> {
        let decide = |log| (self.decide)(libm::exp(log));
        decide(where_falls(self.log_bounds, target, |log| {
            figure(&decide(log))
        }))
    }
}

/// The number between two bounds at which a figure, which falls as the number rises, has come down to `target`; the
/// upper bound if it has not come down by then.
pub(in crate::endpoint) fn where_falls(
    (mut low, mut high): (f64, f64),
    target: f64,
    figure: impl Fn(f64) -> f64,
) -> f64 {
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        match figure(middle) > target {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// The share of pauses that was taken for the end.
pub(in crate::endpoint) fn share_cut(decided: &[Decided<'_>]) -> f64 {
    let pauses = decided.iter().filter(|one| !one.is_end()).count();
    let cut = decided.iter().filter(|one| one.is_cut()).count();
    cut as f64 / pauses.max(1) as f64
}

fn mean_wait(decided: &[Decided<'_>]) -> f64 {
    let ends: Vec<f64> = decided
        .iter()
        .filter(|one| one.is_end())
        .map(|one| one.commit_ms.min(super::NEVER_MS))
        .collect();
    ends.iter().sum::<f64>() / ends.len().max(1) as f64
}

/// Policies compared on the same pauses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The kind of document.
    pub schema: &'static str,
    /// The corpora.
    pub corpora: Vec<String>,
    /// Conversations.
    pub conversations: usize,
    /// Turns.
    pub turns: usize,
    /// Pauses inside of turns.
    pub pauses: usize,
    /// Ends of turns.
    pub ends: usize,
    /// How many of the pauses and ends have words that are known; in the others policies go by the timing alone.
    pub with_words: usize,
    /// How many more silences are left out, since nobody can say what they were.
    pub unclear: usize,
    /// The rows of the table.
    pub rows: Vec<Row>,
}

/// A policy at one place of its trade-off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The policy.
    pub policy: &'static str,
    /// What the place was chosen by.
    pub at: String,
    /// The share of pauses that is cut.
    pub cut: f64,
    /// The mean wait at the ends, in milliseconds.
    pub wait_ms: f64,
    /// The 95 % interval of `wait_ms`; `None` of too few conversations.
    pub wait_ms_95: Option<[f64; 2]>,
    /// How much less `wait_ms` is than that of a fixed silence with the same cut-offs, in milliseconds.
    pub saves_ms: f64,
    /// The 95 % interval of `saves_ms`; `None` of too few conversations.
    pub saves_ms_95: Option<[f64; 2]>,
    /// The share of turns in which a pause is cut.
    pub turns_cut: f64,
    /// The mean wait at the ends of turns in which none is, in milliseconds.
    pub turn_wait_ms: f64,
    /// How much less `turn_wait_ms` is than that of a fixed silence that cuts as many turns, in milliseconds.
    pub turn_saves_ms: f64,
    /// The 95 % interval of `turn_saves_ms`; `None` of too few conversations.
    pub turn_saves_ms_95: Option<[f64; 2]>,
}

impl Row {
    fn of(policy: &'static str, at: String, scored: Scored, has_intervals: bool) -> Row {
        let Scored { score, low, high } = scored;
        let interval = |of: fn(&Score) -> f64| has_intervals.then(|| [of(&low), of(&high)]);
        Row {
            policy,
            at,
            cut: score.cut,
            wait_ms: score.wait_ms,
            wait_ms_95: interval(|it| it.wait_ms),
            saves_ms: score.saves_ms,
            saves_ms_95: interval(|it| it.saves_ms),
            turns_cut: score.turns_cut,
            turn_wait_ms: score.turn_wait_ms,
            turn_saves_ms: score.turn_saves_ms,
            turn_saves_ms_95: interval(|it| it.turn_saves_ms),
        }
    }
}

/// Compares policies on the pauses of `data` whose outcome is known.
pub fn evaluate(data: &[Labelled], policies: &[Policy<'_>]) -> Evaluation {
    let known: Vec<(&Pause, &Truth)> = data
        .iter()
        .filter_map(|one| Some((&one.pause, one.truth.as_ref()?)))
        .filter(|(_, truth)| truth.is_end.is_some())
        .collect();
    let names = |of: fn(&Truth) -> &String| -> BTreeSet<&String> {
        known.iter().map(|(_, truth)| of(truth)).collect()
    };
    let conversations = names(|it| &it.conversation).len();
    let is_end = |(_, truth): &&(&Pause, &Truth)| truth.is_end == Some(true);
    let ends = known.iter().filter(is_end).count();
    let has_words = |(pause, _): &&(&Pause, &Truth)| pause.words.is_some();
    let fixed = Policy::silence(data);
    let mut rows = Vec::new();
    for policy in policies {
        let mut row = |at: String, decided: Vec<Decided<'_>>| {
            let has_intervals = conversations >= CONVERSATIONS_MIN;
            rows.push(Row::of(policy.name, at, scored(&decided), has_intervals));
        };
        for share in SHARES {
            let decided = policy.where_falls(share, share_cut);
            row(format!("{:.0} % of pauses cut", share * 100.0), decided);
        }
        for silence_ms in SILENCES_MS {
            let share = share_cut(&(fixed.decide)(silence_ms as f64));
            let decided = policy.where_falls(share, share_cut);
            row(format!("as many cut as by {silence_ms} ms"), decided);
        }
        // Waits rise with the number; what falls is their opposite.
        let decided = policy.where_falls(-WAIT_MS, |decided| -mean_wait(decided));
        row(format!("a mean wait of {WAIT_MS:.0} ms"), decided);
    }
    Evaluation {
        schema: "voicesim.endpoint_eval/1",
        corpora: names(|it| &it.corpus).into_iter().cloned().collect(),
        conversations,
        turns: names(|it| &it.turn).len(),
        pauses: known.len() - ends,
        ends,
        with_words: known.iter().filter(has_words).count(),
        unclear: data.len() - known.len(),
        rows,
    }
}

/// The comparison as people read it.
pub fn as_text(evaluation: &Evaluation) -> String {
    let Evaluation {
        pauses,
        ends,
        turns,
        conversations,
        with_words,
        unclear,
        ..
    } = evaluation;
    let corpora = evaluation.corpora.join(", ");
    let mut text = format!(
        "{corpora}: {pauses} pauses and {ends} ends in {turns} turns of {conversations} conversations\nthe words of {with_words} are known; {unclear} more silences are left out, since nobody can say what they were\n\n"
    );
    let _ = writeln!(
        text,
        "{:<11} {:<25} {:>6} {:>17} {:>18}   {:>6} {:>7} {:>18}",
        "policy", "at", "cut", "mean wait ms", "saves ms", "turns", "wait ms", "saves ms"
    );
    for row in &evaluation.rows {
        // Plus zero, so that nothing is shown as -0.
        let whole = |value: f64| value.round() + 0.0;
        let interval = |value: f64, of: Option<[f64; 2]>| match of {
            Some([low, high]) => format!("{} ({} to {})", whole(value), whole(low), whole(high)),
            None => whole(value).to_string(),
        };
        let _ = writeln!(
            text,
            "{:<11} {:<25} {:>4.1} % {:>17} {:>18}   {:>4.1} % {:>7.0} {:>18}",
            row.policy,
            row.at,
            row.cut * 100.0,
            interval(row.wait_ms, row.wait_ms_95),
            interval(row.saves_ms, row.saves_ms_95),
            row.turns_cut * 100.0,
            row.turn_wait_ms,
            interval(row.turn_saves_ms, row.turn_saves_ms_95),
        );
    }
    text.push_str(
        "\ncut: pauses that are taken for the end. saves: less mean wait than a fixed silence that cuts as many. turns: turns\nin which a pause is cut, and the wait at the ends of the others. ",
    );
    text += match *conversations < CONVERSATIONS_MIN {
        true => "Conversations are too few to say how much chance is in it.\n",
        false => "In brackets: 95 % of resamples of conversations.\n",
    };
    text
}
