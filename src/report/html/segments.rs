//! Latencies by segment, on a page: a table for each label, and what is slower than the rest beyond chance.

use super::page::Part;
use super::table::{Cell, Table};
use crate::measure::segments::Segments;
use crate::report::segments::{cells, header, sentence};
use askama::Template;
use askama::filters::Safe;

#[derive(Template)]
#[template(path = "segments.html", config = "src/report/html/askama.toml")]
pub(super) struct ByLabels {
    lead: &'static str,
    /// What stands out, by label.
    worst: Vec<String>,
    tables: Vec<Part<Table>>,
}

impl ByLabels {
    /// The tables; `None` if no label tells turns apart.
    pub(super) fn of(all: &[Segments]) -> Option<Part<ByLabels>> {
        let worst: Vec<String> = all
            .iter()
            .filter(|segments| segments.worst.is_some())
            .map(sentence)
            .collect();
        let tables: Vec<Part<Table>> = all.iter().filter_map(|of| table(of).part()).collect();
        (!tables.is_empty()).then_some(
            Safe(ByLabels {
                lead: match worst.is_empty() {
                    true => "No segment is slower than the others by more than chance.",
                    false => "A percentile over all turns mixes segments. These are slower than the rest by more than chance:",
                },
                worst,
                tables,
            }),
        )
    }
}

fn table(of: &Segments) -> Table {
    let mut table = Table::new(format!("Turns by {}", of.by), &header(of));
    for segment in &of.segments {
        let stands_out = of.worst.as_ref() == Some(&segment.name);
        let cells = cells(segment).into_iter().enumerate().map(|(place, cell)| {
            let cell = match place {
                0 => Cell::words(cell),
                _ => Cell::from(cell),
            };
            match stands_out && place > 0 {
                true => cell.with_class("missed"),
                false => cell,
            }
        });
        table.add(cells);
    }
    table
}
