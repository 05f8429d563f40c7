//! Tables of figures, without lines.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// A table with its first column on the left and the others, of figures, on the right.
pub fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A table as text, without spaces at the ends of its lines.
pub fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}
