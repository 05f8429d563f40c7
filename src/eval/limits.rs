//! Limits of a suite: for a figure of all turns, or of a segment.

use super::table::cell;
use super::{Column, Evaluated, Figure};
use serde::Serialize;
use std::collections::BTreeMap;

/// A limit that a figure was held to.
#[derive(Debug, Clone, Serialize)]
pub struct Limit {
    pub figure: Figure,
    pub column: Column,
    pub limit: f64,
    /// The figure; null if no turn says anything of it, which keeps no limit.
    pub actual: Option<f64>,
    pub is_kept: bool,
}

/// A limit that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("budget.{key:?}: {fix}")]
pub struct LimitProblem {
    key: String,
    fix: String,
}

impl Limit {
    /// Holds an evaluation to limits, each by its key: a figure, and behind a blank perhaps the segment that it is of, as in
    /// `word_error_rate voice=ann`.
    pub fn hold(
        evaluated: &Evaluated,
        limits: &BTreeMap<String, f64>,
    ) -> Result<Vec<Limit>, LimitProblem> {
        limits
            .iter()
            .map(|(key, limit)| {
                let (figure, column) = parse(key)?;
                let actual = cell(figure, &column, &evaluated.turns).map(|cell| cell.value);
                Ok(Limit {
                    figure,
                    column,
                    limit: *limit,
                    actual,
                    is_kept: actual.is_some_and(|actual| actual <= *limit),
                })
            })
            .collect()
    }

    /// Refuses limits that cannot be meant, before anything is spoken.
    pub fn check(limits: &BTreeMap<String, f64>) -> Result<(), LimitProblem> {
        for (key, limit) in limits {
            parse(key)?;
            if !limit.is_finite() || *limit < 0.0 {
                return Err(problem(key, "a limit is a number from 0 on"));
            }
        }
        Ok(())
    }
}

fn parse(key: &str) -> Result<(Figure, Column), LimitProblem> {
    let (name, segment) = match key.split_once(' ') {
        Some((name, segment)) => (name, Some(segment.trim())),
        None => (key, None),
    };
    let figure = Figure::named(name).ok_or_else(|| {
        let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
        problem(
            key,
            &format!(
                "there is no figure {name:?}; there are {}",
                names.join(", ")
            ),
        )
    })?;
    let column = match segment {
        None => Column::All,
        Some(segment) => {
            let (label, value) = segment
                .split_once('=')
                .ok_or_else(|| problem(key, "write a segment as label=value"))?;
            Column::Segment {
                label: label.to_owned(),
                value: value.into(),
            }
        }
    };
    Ok((figure, column))
}

fn problem(key: &str, fix: &str) -> LimitProblem {
    LimitProblem {
        key: key.to_owned(),
        fix: fix.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::weak::tests::planted;
    use super::*;

    #[test]
    fn a_limit_holds_for_all_turns_or_for_a_segment_and_not_for_what_was_never_measured() {
        let evaluated = planted(1, 30, 0.1, ("ann", 4.0));
        let limits = [
            ("word_error_rate", 0.25),
            ("word_error_rate voice=ann", 0.25),
            ("word_error_rate voice=bob", 0.25),
            ("word_error_rate sound=noise=5", 0.9),
            ("cut_off_share", 1.0),
        ];
        let limits: BTreeMap<String, f64> = limits
            .into_iter()
            .map(|(key, limit)| (key.to_owned(), limit))
            .collect();
        Limit::check(&limits).expect("limits");
        let kept: Vec<(String, bool)> = Limit::hold(&evaluated, &limits)
            .expect("limits")
            .into_iter()
            .map(|limit| {
                (
                    format!("{} {}", limit.figure.name(), limit.column.name()),
                    limit.is_kept,
                )
            })
            .collect();
        let expected = [
            ("cut_off_share all", false),
            ("word_error_rate all", true),
            ("word_error_rate sound noise=5", false),
            ("word_error_rate voice ann", false),
            ("word_error_rate voice bob", true),
        ];
        assert_eq!(
            kept,
            expected.map(|(name, is_kept)| (name.to_owned(), is_kept))
        );
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        for (key, limit, told) in [
            ("wer", 0.1, "there is no figure"),
            ("word_error_rate ann", 0.1, "label=value"),
            ("word_error_rate", f64::NAN, "from 0 on"),
        ] {
            let problem = Limit::check(&[(key.to_owned(), limit)].into()).expect_err("refused");
            assert!(problem.to_string().contains(told), "{problem}");
        }
    }
}
