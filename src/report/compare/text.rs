//! The comparison as text, for people at the terminal.

use super::{cells, headline, how, label, legend, side, value, verdict};
use crate::compare::{ComparedFigure, Comparison, Statistic};
use crate::report::table::{plain, trimmed};
use std::fmt::Write;

/// How many keys that differ are listed; the rest is counted.
const KEYS_MAX: usize = 30;

/// Values longer than this are cut.
const VALUE_CHARACTERS_MAX: usize = 60;

pub fn text(of: &Comparison) -> String {
    let mut text = format!("{}\n\n", headline(of));
    let _ = writeln!(text, "  base  {}", one_line(&side(&of.base)));
    let _ = writeln!(text, "  new   {}", one_line(&side(&of.new)));
    for sentence in how(of) {
        let _ = writeln!(text, "  {}", one_line(&sentence));
    }
    for warning in &of.warnings {
        let _ = writeln!(text, "  Careful: {}.", one_line(warning));
    }
    let (shares, spans): (Vec<&ComparedFigure>, Vec<&ComparedFigure>) = of
        .lines
        .iter()
        .partition(|line| line.statistic == Statistic::Share);
    for (title, lines) in [("ms", spans), ("rate", shares)] {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{}", table(title, &lines));
        }
    }
    let _ = writeln!(text, "\n{}", legend(of));
    differences(&mut text, of);
    // What it comes to stays on the screen, below the tables.
    let _ = writeln!(text, "\n{}", verdict(of));
    text
}

fn table(title: &str, lines: &[&ComparedFigure]) -> String {
    let header = [title, "base", "new", "difference", "95 % interval", "p", ""];
    let mut table = plain(&header);
    for line in lines {
        let mut row = vec![label(line)];
        row.extend(cells(line));
        table.add_row(row);
    }
    trimmed(&table)
}

fn differences(text: &mut String, of: &Comparison) {
    if of.differences.is_empty() {
        text.push_str("\nScenario, engines, version and machine are the same.\n");
        return;
    }
    text.push_str("\nWhat differs\n");
    for one in of.differences.iter().take(KEYS_MAX) {
        let (base, new) = (cut(&value(&one.base)), cut(&value(&one.new)));
        let _ = writeln!(text, "  {}: {base} → {new}", one_line(&one.key));
    }
    let more = of.differences.len().saturating_sub(KEYS_MAX);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more (--json has all of them)");
    }
}

fn cut(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Names of others keep to their line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
