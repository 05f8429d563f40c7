//! Budgets and expectations as a JUnit test report, which CI servers show: a suite for each conversation, in
//! it a case for each turn of which something was expected, and for each budget. The turns of a simulation
//! are too many, and are drawn from chance: its suite has the budgets.

use super::turn_table::expectation;
use crate::event::Expect;
use crate::files::is_invisible;
use crate::measure::folder::{Folder, MeasuredRun, Results};
use crate::measure::{BudgetResult, Measurement, Row};
use crate::record::store::RowsPer;
use crate::report::calls::folder_name;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};
use std::time::Duration;

/// How many characters of what is said in a turn are in the name of its test case.
const NAME_CHARACTERS_MAX: usize = 60;
/// How many characters of what was heard and said are in a message; the whole is in the description.
const MESSAGE_CHARACTERS_MAX: usize = 200;

/// Writes the report of a folder; `whole` holds the figures of everything in it. Returns the number of test cases.
pub fn write(folder: &Folder, whole: &Measurement, name: &str, out: impl Write) -> io::Result<u64> {
    let mut report = Report::new(clean(name));
    for kept in folder.all() {
        let own = match folder {
            // The name that the scenario was run under.
            Folder::One(kept) => kept.header().name.clone(),
            Folder::Several(_) => folder_name(kept.path()),
        };
        let mut suite = TestSuite::new(clean(&own));
        if let Results::Run(run) = kept {
            suite.add_test_cases(turns(run, &own));
        }
        if matches!(folder, Folder::One(_)) {
            suite.add_test_cases(budgets(whole, &own));
        }
        report.add_test_suite(timed(suite));
    }
    if let (Folder::Several(_), false) = (folder, whole.budgets.is_empty()) {
        // Budgets are kept, or not, by the whole folder together.
        let mut suite = TestSuite::new(clean(&format!("{name}: budgets")));
        suite.add_test_cases(budgets(whole, name));
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(io::Error::other)?;
    // A usize fits.
    Ok(report.tests as u64)
}

/// A suite takes as long as its cases.
fn timed(mut suite: TestSuite) -> TestSuite {
    let times = suite.test_cases.iter().filter_map(|case| case.time);
    let time = times.fold(Duration::ZERO, Duration::saturating_add);
    suite.set_time(time);
    suite
}

/// The turns that can pass or fail. What somebody said on a recording was not asked for by anybody.
fn turns(run: &MeasuredRun, class: &str) -> Vec<TestCase> {
    let is_as_expected = |row: &Row| row.outcome.is_as_expected(row.expect);
    let rows = run.measured.rows.iter();
    rows.filter(|row| !row.is_judged && (row.expect.is_some() || !is_as_expected(row)))
        .map(|row| {
            let status = match is_as_expected(row) {
                true => TestCaseStatus::success(),
                false => failed(row),
            };
            let mut case = TestCase::new(case_name(run, row), status);
            case.set_classname(clean(class));
            if let Some(e2e_ns) = row.e2e_ns {
                case.set_time(Duration::from_nanos(e2e_ns));
            }
            case
        })
        .collect()
}

fn case_name(run: &MeasuredRun, row: &Row) -> String {
    let asked = row.expect.map_or("no expectation", expectation);
    let name = format!("turn {}: {asked}", row.number);
    match beginning(&asked_text(run, row), NAME_CHARACTERS_MAX) {
        text if text.is_empty() => name,
        text => format!("{name}: {text}"),
    }
}

/// What is said in a turn of the scenario.
fn asked_text(run: &MeasuredRun, row: &Row) -> String {
    let index = row.number.saturating_sub(1) as usize;
    let turn = match run.header.rows_per {
        RowsPer::Turn => run.scenario.turns().get(index),
        RowsPer::Utterance => None,
    };
    let Some(turn) = turn else {
        return row.heard.to_string();
    };
    turn.label()
}

fn failed(row: &Row) -> TestCaseStatus {
    let asked = match row.expect {
        Some(Expect::Respond) => "an answer",
        Some(Expect::Stop) => "the agent to stop",
        Some(Expect::Ignore) => "the agent to go on",
        None => "no failure",
    };
    let outcome = row.outcome.name();
    let told = |heard: &str, said: &str| {
        format!("{outcome}, expected {asked}; heard \"{heard}\", said \"{said}\"")
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_type(outcome)
        .set_message(told(
            &beginning(&row.heard, MESSAGE_CHARACTERS_MAX),
            &beginning(&row.said, MESSAGE_CHARACTERS_MAX),
        ))
        .set_description(clean(&told(&row.heard, &row.said)));
    status
}

fn budgets(measured: &Measurement, class: &str) -> Vec<TestCase> {
    let case = |budget: &BudgetResult| {
        let mut case = TestCase::new(format!("budget {}", clean(&budget.name)), verdict(budget));
        case.set_classname(clean(class));
        case
    };
    measured.budgets.iter().map(case).collect()
}

fn verdict(budget: &BudgetResult) -> TestCaseStatus {
    if budget.pass {
        return TestCaseStatus::success();
    }
    let message = match (budget.actual, budget.over) {
        (Some(actual), _) => format!("{actual} is over the limit of {}", budget.limit),
        (None, Some(over)) => format!(
            "it falls among turns that were not answered, and is over {over}; the limit is {}",
            budget.limit
        ),
        (None, None) => format!("nothing was measured; the limit is {}", budget.limit),
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("budget").set_message(message);
    status
}

/// The first `characters_max` characters of a text, on one line.
fn beginning(text: &str, characters_max: usize) -> String {
    let line = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Text of others without what XML does not allow, or what turns or hides what follows.
pub(in crate::report) fn clean(text: &str) -> String {
    let is_allowed = |c: &char| match *c {
        '\n' | '\t' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control() && !is_invisible(c),
    };
    text.chars().filter(is_allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_recorded::recorded;
    use super::*;
    use crate::scenario::budget::{BudgetEntry, Budgets};

    fn xml(folder: &Folder) -> String {
        let mut bytes = Vec::new();
        let whole = Measurement::of_many(folder.all().iter().map(Results::measured), &[]);
        let whole = match folder {
            Folder::One(kept) => kept.measured(),
            Folder::Several(_) => &whole,
        };
        write(folder, whole, "demo", &mut bytes).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn held_to(limits: &[(&str, f64)]) -> Folder {
        let mut folder = recorded("recorded");
        let limits = limits.iter();
        let limit = |(name, limit): &(&str, f64)| ((*name).to_owned(), BudgetEntry::Limit(*limit));
        let budgets = Budgets::parse(limits.map(limit).collect());
        folder.hold_to(&budgets.expect("budgets"));
        folder
    }

    #[test]
    fn a_run_and_its_budgets_are_this_report() {
        let budgets = [
            ("e2e_latency_p99_9_ms", 5_000.0),
            ("hop.answer_p75_ms", 0.001),
            ("hop.model_response_p50_ms", 100.0),
            ("false_barge_ins_max", 0.0),
        ];
        insta::assert_snapshot!(xml(&held_to(&budgets)));
    }

    #[test]
    fn each_run_of_several_is_a_suite() {
        let folder = recorded("interruptions");
        let xml = xml(&folder);
        assert_eq!(xml.matches("<testsuite ").count(), folder.all().len());
    }

    #[test]
    fn a_turn_that_came_out_otherwise_says_what_was_heard() {
        let mut folder = recorded("recorded");
        if let Folder::One(kept) = &mut folder
            && let Results::Run(run) = &mut **kept
        {
            let row = &mut run.measured.rows[0];
            row.outcome = crate::measure::Outcome::Missed;
            row.heard = "]]> <b> \u{1b}[2J \u{202e}\0 &amp; ü".into();
        }
        let xml = xml(&folder);
        assert!(xml.contains("failures=\"1\""), "{xml}");
        assert!(xml.contains("missed, expected an answer"), "{xml}");
        assert!(
            xml.contains("]]&gt; &lt;b&gt;") && xml.contains("&amp;amp; ü"),
            "{xml}"
        );
        let is_fine = |c: char| !c.is_control() || c == '\n';
        assert!(
            xml.chars().all(is_fine) && !xml.contains('\u{202e}'),
            "{xml}"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(beginning(&"ü".repeat(9), 4), "üüüü…");
        assert_eq!(beginning("a\n b", 4), "a b");
    }
}
