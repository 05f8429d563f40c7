//! A table of figures in a page.

use super::page::{Part, Svg};
use crate::measure::WaitSummary;
use askama::Template;
use askama::filters::Safe;

/// A table whose first column names the row and whose others hold figures, on the right. It scrolls by itself
/// where it is too wide for the screen.
#[derive(Template)]
#[template(path = "table.html", config = "src/report/html/askama.toml")]
pub struct Table {
    pub caption: String,
    pub class: &'static str,
    pub heads: Vec<String>,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub cells: Vec<Cell>,
    /// Whether the row is the sum of the others.
    pub is_total: bool,
}

#[derive(Default)]
pub struct Cell {
    pub text: String,
    /// Class of the cell: `words` for text on the left, `kept` or `missed` for a budget.
    pub class: &'static str,
    /// The anchor in the page that the cell links to.
    pub anchor: Option<String>,
    /// The class of a spot of colour before the text.
    pub swatch: Option<&'static str>,
    pub chart: Option<Svg>,
}

impl Table {
    pub fn new(caption: impl Into<String>, heads: &[&str]) -> Table {
        Table {
            caption: caption.into(),
            class: "",
            heads: heads.iter().map(|head| (*head).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// A table of summaries: count, mean and percentiles, in milliseconds.
    pub fn of_figures(caption: impl Into<String>, what: &str) -> Table {
        Table::new(
            caption,
            &[what, "count", "mean", "p50", "p90", "p95", "p99", "max"],
        )
    }

    pub fn add(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row {
            cells: cells.into_iter().collect(),
            is_total: false,
        });
    }

    /// A row of [`Table::of_figures`].
    pub fn add_summary(&mut self, name: Cell, summary: &WaitSummary) {
        let figures = summary
            .figures()
            .map(|known| Cell::from(format!("{known:.1}")));
        let count = Cell::from(summary.counted());
        self.add([name, count].into_iter().chain(figures));
    }

    /// Marks the last row as the sum of the others.
    pub fn as_total(&mut self) {
        if let Some(last) = self.rows.last_mut() {
            last.is_total = true;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as a part of another template; `None` if it has no rows.
    pub fn part(self) -> Option<Part<Table>> {
        (!self.is_empty()).then_some(Safe(self))
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell {
            text: text.into(),
            ..Cell::default()
        }
    }
}

impl Cell {
    /// A cell of text, on the left.
    pub fn words(text: impl Into<String>) -> Cell {
        Cell {
            class: "words",
            ..Cell::from(text)
        }
    }

    pub fn with_class(self, class: &'static str) -> Cell {
        Cell { class, ..self }
    }

    pub fn with_swatch(self, swatch: &'static str) -> Cell {
        Cell {
            swatch: Some(swatch),
            ..self
        }
    }

    pub fn leading_to(self, anchor: impl Into<String>) -> Cell {
        Cell {
            anchor: Some(anchor.into()),
            ..self
        }
    }

    pub fn drawn(chart: Svg) -> Cell {
        Cell {
            chart: Some(chart),
            class: "drawn",
            ..Cell::default()
        }
    }
}
