//! What results come to, in one sentence: the last line of a report.

use super::chart::ms_in_words;
use crate::event::{Hop, Metric};
use crate::files::quoted;
use crate::measure::{Histogram, Known, Measurement, Waits};
use crate::record::store::{Costliest, CostlyPart};
use std::path::Path;

/// Below so many turns the slowest is told, in place of the 95th percentile.
const FEW: u64 = 20;

/// What costs the most callers, and the command that shows it, as the end of a sentence; `folder` is how a command line
/// names the folder of results.
pub fn costliest(of: &Costliest, folder: &str) -> String {
    let Costliest { what, lost, of, .. } = of;
    let (said, shown) = match what {
        CostlyPart::Hop { hop } => (
            format!("most callers are lost waiting for {hop}, in {lost} of {of} questions"),
            format!("voicesim report {folder} --html page.html"),
        ),
        CostlyPart::Endpointing => (
            format!("endpointing costs the most callers, {lost} of {of} questions are cut off"),
            format!("voicesim report {folder} --html page.html"),
        ),
        CostlyPart::Interruption => (
            format!(
                "the interruption policy costs the most callers, it misjudges {lost} of {of} sounds"
            ),
            format!("voicesim report {folder} --html page.html"),
        ),
        CostlyPart::Segment { by, name } => (
            format!("most callers are lost where {by} is {name}, in {lost} of {of} questions"),
            format!("voicesim report {folder} --by {}", quoted(Path::new(by))),
        ),
    };
    format!("{said} ({shown})")
}

/// How long callers wait, what takes most of it, which turns these figures leave out, and which budgets are missed.
/// `cut_off_share` is the share of the questions that were taken for finished before the caller had, 0 to 1; `None` if
/// none was asked.
pub fn sentence(measured: &Measurement, cut_off_share: Option<f64>) -> String {
    let mut sentence = waits(measured);
    if let Some(most) = most(measured) {
        sentence += &most;
    }
    for more in [
        cut_offs(cut_off_share),
        doubtful(measured),
        budgets(measured),
        unexpected(measured),
    ]
    .into_iter()
    .flatten()
    {
        sentence += "; ";
        sentence += &more;
    }
    sentence + "."
}

fn waits(measured: &Measurement) -> String {
    let waits = measured.metrics.get(&Metric::E2eLatency);
    let Some(e2e) = waits.and_then(Waits::summary) else {
        return "No question was answered, so no latency is known".to_owned();
    };
    let all = e2e.count + e2e.unanswered.as_ref().map_or(0, |it| it.count);
    let (slow, told) = match all {
        ..FEW => (e2e.max, "the slowest"),
        _ => (e2e.p95, "19 of 20"),
    };
    let unanswered = e2e.unanswered.as_ref().map_or(0, |it| it.count);
    match (e2e.p50, slow) {
        (Known::Is(only), Known::Is(_)) if all == 1 => {
            format!("The question is answered within {}", ms_in_words(only))
        }
        (Known::Is(half), Known::Is(slow)) => {
            let lost = match unanswered {
                0 => String::new(),
                _ => format!(", and {unanswered} of {all} are not answered"),
            };
            format!(
                "Half of the questions are answered within {}, {told} within {}{lost}",
                ms_in_words(half),
                ms_in_words(slow)
            )
        }
        (Known::Is(half), Known::Over(_)) => format!(
            "Half of the questions are answered within {}, and {unanswered} of {all} are not answered",
            ms_in_words(half)
        ),
        (Known::Over(_), _) => format!("{unanswered} of {all} questions are not answered"),
    }
}

/// The hop that takes most of the time, on average over answered turns.
fn most(measured: &Measurement) -> Option<String> {
    let all = measured.answered.summary()?;
    let mean = |hop: Hop| -> Option<f64> {
        let answered: &Histogram = measured.hops.get(&hop)?.answered();
        let summary = answered.summary()?;
        Some(summary.mean_ms * summary.count as f64 / all.count as f64)
    };
    let hops = Hop::ALL
        .into_iter()
        .filter_map(|hop| Some((hop, mean(hop)?)));
    let (hop, mean_ms) = hops.max_by(|one, other| one.1.total_cmp(&other.1))?;
    (mean_ms > 0.0).then(|| {
        format!(
            "; the largest part is {} ({} of {} on average)",
            hop.name(),
            ms_in_words(mean_ms),
            ms_in_words(all.mean_ms)
        )
    })
}

/// How many questions were taken for finished too early. Those of whose answer something was heard have no latency.
fn cut_offs(share: Option<f64>) -> Option<String> {
    let share = share.filter(|share| *share > 0.0)?;
    Some(format!(
        "{:.1} % of the questions are cut off, taken for finished before the caller had finished",
        100.0 * share
    ))
}

/// Latencies leave out what may be another one, unless they were asked to take it in.
fn doubtful(measured: &Measurement) -> Option<String> {
    let doubtful = &measured.doubtful;
    match (doubtful.are_in, doubtful.count()) {
        (true, _) | (_, 0) => None,
        (false, 1) => Some("1 doubtful turn is left out".to_owned()),
        (false, count) => Some(format!("{count} doubtful turns are left out")),
    }
}

fn budgets(measured: &Measurement) -> Option<String> {
    let missed: Vec<&str> = measured
        .budgets
        .iter()
        .filter(|budget| !budget.pass)
        .map(|budget| budget.name.as_str())
        .collect();
    match (measured.budgets.len(), missed.len()) {
        (0, _) => None,
        (1, 0) => Some("the budget is kept".to_owned()),
        (all, 0) => Some(format!("all {all} budgets are kept")),
        (1, _) => Some(format!("the budget is MISSED: {}", missed.join(", "))),
        (all, some) => Some(format!(
            "{some} of {all} budgets are MISSED: {}",
            missed.join(", ")
        )),
    }
}

fn unexpected(measured: &Measurement) -> Option<String> {
    let rows = measured.rows.iter();
    let other = rows.filter(|row| !row.is_judged && !row.outcome.is_as_expected(row.expect));
    match other.count() {
        0 => None,
        1 => Some("1 turn came out otherwise than expected".to_owned()),
        some => Some(format!("{some} turns came out otherwise than expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::folder::Results;
    use crate::measure::{BudgetResult, Plan, measure};
    use crate::record::store::RowsPer;
    use std::path::Path;

    fn demo() -> Measurement {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        let Results::Run(run) = Results::open(&folder).expect("a run") else {
            panic!("a run");
        };
        run.measured
    }

    #[test]
    fn a_run_comes_to_one_sentence() {
        insta::assert_snapshot!(sentence(&demo(), None));
    }

    #[test]
    fn a_budget_that_is_missed_is_named() {
        let mut measured = demo();
        let budget = |name: &str, pass| BudgetResult {
            name: name.to_owned(),
            limit: 1.0,
            actual: Some(2.0),
            over: None,
            interval: None,
            worlds_to_decide: None,
            with_doubtful: None,
            is_open: false,
            is_estimated: false,
            is_surely_over: false,
            pass,
        };
        measured.budgets = vec![
            budget("e2e_latency_p95_ms", false),
            budget("cut_offs_max", true),
        ];
        let said = sentence(&measured, None);
        assert!(
            said.ends_with("; 1 of 2 budgets are MISSED: e2e_latency_p95_ms."),
            "{said}"
        );
    }

    #[test]
    fn where_nobody_was_answered_it_says_so() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        let Results::Run(run) = Results::open(&folder).expect("a run") else {
            panic!("a run");
        };
        let nothing = measure(&[], &Plan::of(&run.scenario, RowsPer::Utterance));
        assert!(sentence(&nothing, None).starts_with("No question was answered"));
    }
}
