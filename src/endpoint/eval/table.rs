//! The table that policies are compared in: the mean wait at shares of pauses cut, and the other way round.

use super::policy::{mean_wait, share_cut};
use super::{Decided, Policy, Score, Scored, scored};
use crate::endpoint::pauses::{Labelled, Truth};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Shares of pauses cut at which waits are compared.
const SHARES: [f64; 3] = [0.05, 0.1, 0.2];
/// Fixed silences whose cut-offs are compared at, in milliseconds.
const SILENCES_MS: [u64; 2] = [500, 700];
/// The mean wait at which shares of pauses cut are compared, in milliseconds.
const WAIT_MS: f64 = 300.0;
/// Resamples of fewer conversations say too little of others.
const CONVERSATIONS_MIN: usize = 5;

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
    /// How many of the pauses and ends a judge of the sound has heard.
    pub with_sound: usize,
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

/// Compares policies on the pauses of `data` whose outcome is known, and what one setting decided with them: the name of
/// its policy, and its decisions.
pub fn evaluate(
    data: &[Labelled],
    policies: &[Policy<'_>],
    setting: Option<(&'static str, &[Decided<'_>])>,
) -> Evaluation {
    let known: Vec<(&Labelled, &Truth)> = data
        .iter()
        .filter_map(|one| Some((one, one.truth.as_ref()?)))
        .filter(|(_, truth)| truth.is_end.is_some())
        .collect();
    let names = |of: fn(&Truth) -> &String| -> BTreeSet<&String> {
        known.iter().map(|(_, truth)| of(truth)).collect()
    };
    let conversations = names(|it| &it.conversation).len();
    let is_end = |(_, truth): &&(&Labelled, &Truth)| truth.is_end == Some(true);
    let ends = known.iter().filter(is_end).count();
    let has_words = |(one, _): &&(&Labelled, &Truth)| one.pause.words.is_some();
    let has_sound = |(one, _): &&(&Labelled, &Truth)| one.sound.is_some();
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
    if let Some((policy, decided)) = setting {
        let has_intervals = conversations >= CONVERSATIONS_MIN;
        let at = "the scenario".to_owned();
        rows.push(Row::of(policy, at, scored(decided), has_intervals));
    }
    Evaluation {
        schema: "voicesim.endpoint_eval/1",
        corpora: names(|it| &it.corpus).into_iter().cloned().collect(),
        conversations,
        turns: names(|it| &it.turn).len(),
        pauses: known.len() - ends,
        ends,
        with_words: known.iter().filter(has_words).count(),
        with_sound: known.iter().filter(has_sound).count(),
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
        with_sound,
        unclear,
        ..
    } = evaluation;
    let corpora = evaluation.corpora.join(", ");
    let heard = match with_sound {
        0 => String::new(),
        heard => format!(", the sound of {heard} was judged"),
    };
    let mut text = format!(
        "{corpora}: {pauses} pauses and {ends} ends in {turns} turns of {conversations} conversations\nthe words of {with_words} are known{heard}; {unclear} more silences are left out, since nobody can say what they were\n\n"
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
