//! An evaluation as Markdown, for a review comment.

use super::{LEGEND, Report, agreement, is_faint, limit, shown};
use crate::report::literal::literal;
use std::fmt::Write;

/// The evaluation as Markdown.
pub fn markdown(of: &Report) -> String {
    let mut text = format!(
        "**{}**\n\n{}: {}.\n\n",
        literal(&of.sentence()),
        literal(of.suite),
        of.counted()
    );
    let names: Vec<String> = of
        .table
        .columns
        .iter()
        .map(|column| literal(&column.name()))
        .collect();
    let _ = writeln!(text, "| step | figure | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "--:|".repeat(names.len()));
    for (figure, cells) in &of.table.rows {
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| match cell {
                None => String::new(),
                Some(cell) if is_faint(cell) => format!("<sub>{}</sub>", shown(*figure, cell)),
                Some(cell) => shown(*figure, cell),
            })
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            figure.step().name(),
            figure.said(),
            cells.join(" | ")
        );
    }
    let _ = writeln!(text, "\n{}", LEGEND.replace('~', "Small:"));
    for one in &of.limits {
        let sign = if one.is_kept { "✅" } else { "❌" };
        let _ = writeln!(text, "\n{sign} {}", literal(&limit(one)));
    }
    for one in of.agreements {
        let _ = writeln!(text, "\n{}", literal(&agreement(one)));
    }
    for weak in of.told_weak() {
        let _ = writeln!(
            text,
            "\n<details><summary>{} with {} {}: {}</summary>\n",
            weak.figure.said(),
            literal(&weak.label),
            literal(&weak.value),
            weak.figure.shown(weak.own)
        );
        for worst in of.worst(weak) {
            let _ = writeln!(text, "- {}", literal(&worst));
        }
        text += "\n</details>\n";
    }
    text
}
