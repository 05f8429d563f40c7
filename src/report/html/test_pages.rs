//! Pages as a whole: what they say, what they escape, how large they are.

use super::{Place, of_calls, of_run, of_simulation};
use crate::event::{Event, Expect, Hop, Mark, Tick};
use crate::measure::folder::{Folder, MeasuredRun, MeasuredSimulation, Results};
use crate::measure::{BudgetResult, Plan, Slice, Totals, measure};
use crate::record::store::RowsPer;
use crate::report::calls::Calls;
use std::path::{Path, PathBuf};

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x>\u{202e}\u{1b}[2J</title>";

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/data")
        .join(name)
}

/// A run without sound, in a folder of that name wherever the tests are.
fn recorded() -> (MeasuredRun, Vec<Event>) {
    let Results::Run(mut run) = Results::open(&data("recorded")).expect("a run") else {
        panic!("a run");
    };
    let events = run.events().expect("events");
    run.path = PathBuf::from("recorded");
    (*run, events)
}

fn page(run: &MeasuredRun, events: &[Event]) -> String {
    let place = Place {
        page: Path::new(""),
        folder: Some(&run.path),
    };
    of_run(run, events, &[], &place).expect("a page")
}

/// The words of a page, a line for each element that has any.
fn words(page: &str) -> String {
    let mut rest = page.to_owned();
    for (from, to) in [
        ("<style", "</style>"),
        ("<svg", "\n</svg>"),
        ("<script", "</script>"),
    ] {
        while let Some(start) = rest.find(from) {
            let closing = if from == "<svg" {
                closing(&rest[start..])
            } else {
                rest[start..].find(to).map(|at| at + to.len())
            };
            let end = start + closing.expect("it is closed");
            rest.replace_range(start..end, "");
        }
    }
    let inline = [
        "<bdi>", "</bdi>", "<b>", "</b>", "<small>", "</small>", "<span", "</span>", "<td", "<th",
        "</td>", "</th>",
    ];
    let mut text = String::new();
    for piece in rest.split_inclusive('>') {
        let (before, tag) = piece.split_once('<').unwrap_or((piece, ""));
        text += before.trim();
        let stays = inline.iter().any(|own| tag.starts_with(&own[1..]));
        text.push(if stays { ' ' } else { '\n' });
    }
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Where the picture ends that a text begins with: there may be others in it.
fn closing(svg: &str) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    while let Some(next) = svg[at..].find("svg") {
        let index = at + next;
        match &svg[..index] {
            before if before.ends_with("</") => depth -= 1,
            before if before.ends_with('<') => depth += 1,
            _ => {}
        }
        at = index + 3;
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[test]
fn the_page_of_a_run_reads_like_this() {
    let (run, events) = recorded();
    insta::assert_snapshot!(words(&page(&run, &events)));
}

#[test]
fn the_page_of_a_run_on_a_busy_machine_says_so_before_anything_else() {
    let (mut run, mut events) = recorded();
    for event in &mut events {
        if let Mark::Exit {
            cost: Some(cost), ..
        } = &mut event.mark
        {
            cost.others_ns = Some(cost.wall_ns);
        }
    }
    run.measured = measure(&events, &run.plan());
    let page = words(&page(&run, &events));
    let mut lines = page
        .lines()
        .skip_while(|line| *line != "Skip to the figures");
    let first = lines.nth(1).expect("a first line");
    assert!(first.starts_with("This machine was too busy"), "{first}");
}

#[test]
fn the_page_of_a_minute_is_small() {
    let (run, events) = recorded();
    let page = page(&run, &events);
    assert!(page.len() < 200_000, "{} bytes", page.len());
}

/// A run of which the first answered turn took 4.2 s, for want of an answer; and the number of that turn.
fn with_a_slow_turn() -> (MeasuredRun, Vec<Event>, u32) {
    let (mut run, events) = recorded();
    run.measured.budgets.clear();
    let row = run.measured.rows.iter_mut();
    let row = row
        .filter(|row| row.e2e_ns.is_some())
        .find(|row| row.expect == Some(Expect::Respond))
        .expect("an answer");
    let end = row.caller_end.expect("an end");
    row.e2e_ns = Some(4_200_000_000);
    row.slices = vec![Slice {
        hop: Hop::Answer,
        start: end,
        end: Tick(end.0 + 4_200_000_000),
    }];
    let number = row.number;
    (run, events, number)
}

fn budget(name: &str, limit: f64) -> BudgetResult {
    BudgetResult {
        over: None,
        interval: None,
        worlds_to_decide: None,
        with_doubtful: None,
        is_open: false,
        is_estimated: false,
        is_surely_over: false,
        name: name.to_owned(),
        limit,
        actual: None,
        pass: false,
    }
}

/// The part of a page for a turn.
fn turn(page: &str, number: u32) -> &str {
    let start = page.find(&format!("id=\"turn-{number}\"")).expect("a turn");
    let rest = &page[start..];
    &rest[..rest.find("</article>").expect("it is closed")]
}

#[test]
fn a_turn_much_slower_than_the_others_is_drawn_whole_on_a_scale_of_its_own() {
    let (run, events, number) = with_a_slow_turn();
    let page = page(&run, &events);
    let slow = turn(&page, number);
    assert!(slow.contains("on a scale of its own"), "{slow}");
    let bar = slow.split("class=\"h answer\"").nth(1).expect("a bar");
    let share = |name: &str| -> f64 {
        let text = bar.split(&format!("{name}=\"")).nth(1).expect("it has");
        text.split('%')
            .next()
            .expect("a share")
            .parse()
            .expect("a number")
    };
    let end = share("x") + share("width");
    assert!((80.0..95.0).contains(&end), "it ends at {end} %");
    assert!(slow.contains("4200 ms"), "{slow}");
    assert_eq!(page.matches("on a scale of its own").count(), 1);
}

#[test]
fn nothing_slow_is_green_unless_a_budget_allows_it() {
    let (mut run, events, number) = with_a_slow_turn();
    let is_green = |run: &MeasuredRun| {
        let page = page(run, &events);
        turn(&page, number).contains("class=\"kept\"")
    };
    assert!(!is_green(&run), "4.2 s without a budget");
    run.measured.budgets = vec![budget("e2e_latency_p95_ms", 5_000.0)];
    assert!(is_green(&run), "4.2 s where 5 s are allowed");
}

#[test]
fn no_template_calls_anything_safe() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/html");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let text = std::fs::read_to_string(&path).expect("a template");
            let path = path.display();
            assert!(
                !text.contains("safe"),
                "{path}: make it of a type that needs no escaping, see page.rs"
            );
        }
    }
}

/// Nothing of what is hostile is left but as text.
fn is_harmless(page: &str) {
    assert!(page.contains("&#60;script&#62;alert(1)"), "it is shown");
    for bad in ["<script>alert", "<img", "\u{202e}", "\u{1b}", "\"'>"] {
        assert!(!page.contains(bad), "{bad:?} in {page}");
    }
}

#[test]
fn whatever_comes_from_outside_is_escaped() {
    let (mut run, mut events) = recorded();
    let header = &mut run.header;
    for text in [
        &mut header.name,
        &mut header.machine,
        &mut header.started,
        &mut header.clock,
        &mut header.version,
        &mut header.policy,
    ] {
        HOSTILE.clone_into(text);
    }
    header.engines = [(HOSTILE.to_owned(), HOSTILE.to_owned())].into();
    header.notes = vec![HOSTILE.to_owned()];
    header.scenario = serde_json::json!({ HOSTILE: HOSTILE, "list": [HOSTILE] });
    for row in &mut run.measured.rows {
        (row.heard, row.said) = (HOSTILE.into(), HOSTILE.into());
        if let Some(decided) = &mut row.decided {
            decided.reasons = vec![HOSTILE.to_owned()];
        }
    }
    run.measured.budgets = vec![budget(HOSTILE, 1.0)];
    run.path = PathBuf::from(HOSTILE);
    let lost = crate::event::Mark::DeviceLost {
        direction: crate::event::Direction::Input,
        reason: HOSTILE.to_owned(),
    };
    if let Some(event) = events.first_mut() {
        event.mark = lost;
    }
    is_harmless(&page(&run, &events));
}

fn calls_of(name: &str) -> Calls {
    let Folder::Several(several) = Folder::open(&data("interruptions")).expect("runs") else {
        panic!("several");
    };
    let run = |kept| match kept {
        Results::Run(run) => *run,
        Results::Simulation(_) => panic!("runs"),
    };
    Calls::of(name, several.into_iter().map(run).collect()).expect("calls")
}

#[test]
fn a_folder_of_calls_leads_to_each_and_escapes_their_names() {
    let mut calls = calls_of(HOSTILE);
    calls
        .calls
        .iter_mut()
        .for_each(|call| HOSTILE.clone_into(&mut call.name));
    let page = of_calls(&calls.header, &calls.all, &calls.calls, &[]).expect("a page");
    is_harmless(&page);
    assert!(page.contains("href=\"#call-1\"") && page.contains("id=\"call-1\""));
}

#[test]
fn of_many_turns_those_that_went_wrong_and_the_slowest_are_shown() {
    let (mut run, events) = recorded();
    let rows = run.measured.rows.clone();
    run.measured.rows = rows.iter().cycle().take(1_000).cloned().collect();
    for (number, row) in (1..).zip(&mut run.measured.rows) {
        row.number = number;
    }
    run.measured.rows[700].outcome = crate::measure::Outcome::Missed;
    let page = page(&run, &events);
    assert_eq!(page.matches("<article").count(), 300);
    assert!(page.contains("id=\"turn-701\"") && page.contains("300 of 1000 are shown"));
}

#[test]
fn a_run_that_never_began_has_a_page() {
    let (mut run, _) = recorded();
    let plan = Plan::of(&run.scenario, RowsPer::Utterance);
    run.measured = crate::measure::measure(&[], &plan);
    let page = page(&run, &[]);
    assert!(page.contains("the run ended before anybody spoke") && !page.contains("NaN"));
}

#[test]
fn a_simulation_of_nothing_has_a_page() {
    let (run, _) = recorded();
    let mut header = run.header;
    HOSTILE.clone_into(&mut header.name);
    let of = MeasuredSimulation {
        path: PathBuf::from(HOSTILE),
        header,
        scenario: run.scenario,
        totals: Totals::default(),
        turns_bytes: 0,
    };
    let place = Place {
        page: Path::new(""),
        folder: Some(&of.path),
    };
    let page = of_simulation(&of, &[], &place).expect("a page");
    is_harmless(&page);
    assert!(page.contains("Too few conversations") && !page.contains("NaN"));
}
