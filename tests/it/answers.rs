//! How results end, and in which colours.

use crate::support::{command, stdout, voicesim};
use std::path::Path;

fn recorded() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
    folder.to_string_lossy().into_owned()
}

fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, more].concat()
}

#[test]
fn a_report_ends_with_what_it_comes_to() {
    let report = stdout(&voicesim(&["report", &recorded()]));
    let last = report.lines().last().expect("a line");
    assert!(
        last.starts_with("Half of the questions are answered within "),
        "{last}"
    );
    let run = stdout(&voicesim(&["report", &recorded(), "--json"]));
    assert!(run.ends_with("}\n"), "JSON stays JSON");
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let budget = folder.path().join("budget.toml");
    std::fs::write(&budget, "[budget]\ne2e_latency_p95_ms = 1\n").expect("written");
    let (recorded, budget) = (recorded(), budget.to_string_lossy().into_owned());
    let report = ["report", &recorded, "--budget", &budget];
    let said = |arguments: &[&str]| stdout(&voicesim(arguments));
    let plain = said(&report);
    assert!(
        plain.contains("MISSED") && !plain.contains('\u{1b}'),
        "not to a pipe"
    );
    assert_eq!(said(&with(&report, &["--color", "never"])), plain);
    let painted = said(&with(&report, &["--color", "always"]));
    assert!(painted.contains("\u{1b}[31;1mMISSED\u{1b}[0m"), "{painted}");
    // Whoever asks has the last word.
    let mut asked = command(&with(&report, &["--color=always"]));
    let asked = asked.env("NO_COLOR", "1").output().expect("it runs");
    assert_eq!(stdout(&asked), painted);
    let help = stdout(&voicesim(&["--color", "always", "report", "--help"]));
    assert!(help.contains('\u{1b}'), "help has them too");
}
