//! The comparison as Markdown, for a review comment: the headline, and everything else folded away.

use super::{cells, headline, how, label, legend, side, value};
use crate::compare::{ComparedFigure, Comparison, Verdict};
use crate::report::literal::literal;
use std::fmt::Write;

/// How many keys that differ are listed; the rest is counted. A comment has room for 65,536 characters.
const KEYS_MAX: usize = 100;

/// Values longer than this are cut.
const VALUE_CHARACTERS_MAX: usize = 120;

pub fn markdown(of: &Comparison) -> String {
    let sign = match of.verdict {
        Verdict::Worse => "❌",
        Verdict::Better => "✅",
        Verdict::NoDifferenceFound => "➖",
    };
    let mut text = format!("**{sign} {}**\n\n", literal(&headline(of)));
    let chosen: Vec<&ComparedFigure> = of.lines.iter().filter(|line| line.is_headline).collect();
    table(&mut text, &chosen);
    text.push('\n');
    for warning in &of.warnings {
        let _ = writeln!(text, "> Careful: {}.\n", literal(warning));
    }
    text += "<details><summary>All figures</summary>\n\n";
    let _ = writeln!(text, "- base: {}", literal(&side(&of.base)));
    let _ = writeln!(text, "- new: {}", literal(&side(&of.new)));
    for sentence in how(of) {
        let _ = writeln!(text, "- {}", literal(&sentence));
    }
    text.push('\n');
    table(&mut text, &of.lines.iter().collect::<Vec<_>>());
    let _ = writeln!(text, "\n{}\n\n</details>", literal(&legend(of)));
    differences(&mut text, of);
    text
}

fn table(text: &mut String, lines: &[&ComparedFigure]) {
    text.push_str("| | base | new | difference | 95 % interval | p | |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|---|\n");
    for line in lines {
        let unit = if super::unit(line).is_ms { ", ms" } else { "" };
        let label = format!("{}{unit}", label(line));
        let cells = cells(line).map(|cell| match cell.as_str() {
            "worse" => "**worse**".to_owned(),
            cell => literal(cell),
        });
        let _ = writeln!(text, "| {} | {} |", literal(&label), cells.join(" | "));
    }
}

fn differences(text: &mut String, of: &Comparison) {
    if of.differences.is_empty() {
        return;
    }
    let count = of.differences.len();
    let _ = write!(
        text,
        "\n<details><summary>What differs ({count})</summary>\n\n| | base | new |\n|---|---|---|\n"
    );
    for one in of.differences.iter().take(KEYS_MAX) {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            literal(&one.key),
            literal(&cut(&value(&one.base))),
            literal(&cut(&value(&one.new)))
        );
    }
    if count > KEYS_MAX {
        let _ = writeln!(text, "\nand {} more", count - KEYS_MAX);
    }
    text.push_str("\n</details>\n");
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
