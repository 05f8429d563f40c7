//! An evaluation as text.

use super::{LEGEND, Report, agreement, is_faint, limit, p, shown};
use crate::eval::{Paired, Step};
use crate::report::table::{plain, trimmed};
use std::fmt::Write;

/// The evaluation, for a terminal.
pub fn text(of: &Report) -> String {
    let mut text = format!(
        "{} · {} · voicesim {}\n\n",
        of.suite,
        of.counted(),
        of.version
    );
    let names: Vec<String> = of
        .table
        .columns
        .iter()
        .map(|column| column.name())
        .collect();
    let header: Vec<&str> = std::iter::once("")
        .chain(names.iter().map(String::as_str))
        .collect();
    let mut table = plain(&header);
    let mut step: Option<Step> = None;
    for (figure, cells) in &of.table.rows {
        if step != Some(figure.step()) {
            step = Some(figure.step());
            table.add_row([figure.step().name()]);
        }
        let cells = cells.iter().map(|cell| match cell {
            None => String::new(),
            Some(cell) if is_faint(cell) => format!("~{}", shown(*figure, cell)),
            Some(cell) => shown(*figure, cell),
        });
        table.add_row(std::iter::once(format!("  {}", figure.said())).chain(cells));
    }
    let _ = writeln!(text, "{}\n\n{LEGEND}", trimmed(&table));
    for one in &of.limits {
        let sign = if one.is_kept { "kept" } else { "MISSED" };
        let _ = writeln!(text, "\n{sign}  {}", limit(one));
    }
    for one in of.agreements {
        let _ = writeln!(text, "\n{}", agreement(one));
    }
    let _ = writeln!(text, "\n{}", of.sentence());
    for weak in of.told_weak() {
        let _ = writeln!(
            text,
            "\n{} with {} {}: {}, others {}, p {}; listen to",
            weak.figure.said(),
            weak.label,
            weak.value,
            weak.figure.shown(weak.own),
            weak.figure.shown(weak.others),
            p(weak.p)
        );
        for worst in of.worst(weak) {
            let _ = writeln!(text, "  {worst}");
        }
    }
    text
}

/// Two versions of an agent, for a terminal.
pub fn compared(of: &Paired) -> String {
    let mut table = plain(&["", "", "base", "new", "p", ""]);
    for one in of.differences.iter().filter(|one| one.is_real()) {
        let verdict = if one.is_worse() { "worse" } else { "better" };
        table.add_row([
            one.figure.said().to_owned(),
            one.column.name(),
            one.figure.shown(one.base),
            one.figure.shown(one.new),
            p(one.p),
            verdict.to_owned(),
        ]);
    }
    let mut text = format!("{} turns that both versions have spoken", of.turns);
    if of.base_only + of.new_only > 0 {
        let _ = write!(
            text,
            ", {} of the base and {} of the new one are in no figure",
            of.base_only, of.new_only
        );
    }
    match of.differences.iter().any(|one| one.is_real()) {
        true => text + "\n\n" + &trimmed(&table) + "\n",
        false => text + "\n\nNo difference is beyond chance.\n",
    }
}
