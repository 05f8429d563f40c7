//! Figures as rows, segments as columns.

use super::{Cell, Evaluated, Figure, Part, Spoken};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The turns that a column is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    All,
    /// Turns with that value of a label.
    Segment {
        label: String,
        value: Arc<str>,
    },
}

/// The figures of an evaluation.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    pub columns: Vec<Column>,
    /// Each figure of which a turn says something, with a cell for each column; null where none of its turns does.
    pub rows: Vec<(Figure, Vec<Option<Cell>>)>,
}

impl Column {
    /// Whether a turn belongs to it.
    pub fn has(&self, turn: &Spoken) -> bool {
        match self {
            Column::All => true,
            Column::Segment { label, value } => turn.labels.get(label) == Some(value),
        }
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Column::All => "all".to_owned(),
            Column::Segment { label, value } => format!("{label} {value}"),
        }
    }
}

impl Table {
    /// The figures of all turns and of each segment.
    pub fn of(evaluated: &Evaluated) -> Table {
        let columns = columns(evaluated);
        let rows = Figure::ALL.iter().filter_map(|figure| {
            let cells = columns
                .iter()
                .map(|column| cell(*figure, column, &evaluated.turns))
                .collect::<Vec<_>>();
            cells
                .iter()
                .any(Option::is_some)
                .then_some((*figure, cells))
        });
        Table {
            rows: rows.collect(),
            columns,
        }
    }
}

/// All turns, then the segments by each label, in order; a label of which all turns have one value tells nothing apart.
pub(super) fn columns(evaluated: &Evaluated) -> Vec<Column> {
    let mut columns = vec![Column::All];
    for label in &evaluated.by {
        let values: BTreeSet<&Arc<str>> = evaluated
            .turns
            .iter()
            .filter_map(|turn| turn.labels.get(label))
            .collect();
        if values.len() > 1 {
            columns.extend(values.into_iter().map(|value| Column::Segment {
                label: label.clone(),
                value: value.clone(),
            }));
        }
    }
    columns
}

/// A figure of the turns of a column.
pub(super) fn cell(figure: Figure, column: &Column, turns: &[Spoken]) -> Option<Cell> {
    let own = turns.iter().filter(|turn| column.has(turn));
    Cell::of(figure, own.filter_map(|turn| said(turn, figure)))
}

fn said(turn: &Spoken, figure: Figure) -> Option<(&str, Part)> {
    turn.parts.get(&figure).map(|part| (&*turn.case, *part))
}
