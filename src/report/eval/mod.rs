//! An evaluation of a suite, for people: steps as rows, segments as columns, and the weak segment named.

mod junit;
mod markdown;
mod text;

pub use junit::junit;
pub use markdown::markdown;
pub use text::{compared, text};

use crate::eval::{Agreement, Cell, Evaluated, FEW, Figure, Limit, SOUND, Table, Weak, weak};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Weak segments that are told; the others are in the JSON document.
const WEAK_MAX: usize = 5;

/// An evaluation and all that is told of it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    pub schema: &'static str,
    pub suite: &'a str,
    pub version: &'a str,
    /// Turns: recordings times conditions.
    pub turns: usize,
    /// Turns that never came, since what they wait for did not: they are in no figure.
    pub unspoken: usize,
    pub recordings: usize,
    pub table: Table,
    /// Weak segments, the weakest first.
    pub weak: Vec<Weak>,
    pub limits: Vec<Limit>,
    pub agreements: &'a [Agreement],
    #[serde(skip)]
    evaluated: &'a Evaluated,
    /// The folder of the evaluation; `None` if it is not kept.
    #[serde(skip)]
    folder: Option<PathBuf>,
}

impl<'a> Report<'a> {
    /// What is told of an evaluation, which is kept in `folder` if it is, held to limits.
    pub fn of(evaluated: &'a Evaluated, folder: Option<&Path>, limits: Vec<Limit>) -> Report<'a> {
        let recordings: std::collections::BTreeSet<_> =
            evaluated.turns.iter().map(|turn| &turn.case).collect();
        Report {
            schema: "voicesim.eval-report/1",
            suite: &evaluated.suite,
            version: &evaluated.version,
            turns: evaluated.turns.len(),
            unspoken: evaluated
                .turns
                .iter()
                .filter(|turn| turn.at_s.is_none())
                .count(),
            recordings: recordings.len(),
            table: Table::of(evaluated),
            weak: weak(evaluated),
            limits,
            agreements: &evaluated.agreements,
            folder: folder.map(Path::to_owned),
            evaluated,
        }
    }

    /// Whether all limits are kept.
    pub fn has_passed(&self) -> bool {
        self.limits.iter().all(|limit| limit.is_kept)
    }

    /// What it is of, in words.
    pub(in crate::report) fn counted(&self) -> String {
        let all = format!("{} turns of {} recordings", self.turns, self.recordings);
        match self.unspoken {
            0 => all,
            some => format!("{all}, {some} never spoken and in no figure"),
        }
    }

    /// What the evaluation comes to, in a sentence.
    pub fn sentence(&self) -> String {
        let Some(weakest) = self.weak.first() else {
            return "No segment is worse than the others by more than chance.".into();
        };
        format!(
            "Weakest: {} with {} {}: {}, against {} for the others (p {}).",
            weakest.figure.said(),
            weakest.label,
            weakest.value,
            weakest.figure.shown(weakest.own),
            weakest.figure.shown(weakest.others),
            p(weakest.p)
        )
    }

    /// The weak segments that are told.
    pub(super) fn told_weak(&self) -> &[Weak] {
        &self.weak[..self.weak.len().min(WEAK_MAX)]
    }

    /// The worst turns of a weak segment: where to listen, and what was heard and said.
    pub(super) fn worst(&self, weak: &Weak) -> Vec<String> {
        let turns = weak
            .worst
            .iter()
            .filter_map(|place| self.evaluated.turns.get(*place));
        turns
            .map(|turn| {
                let at = turn
                    .at_s
                    .map_or(String::new(), |at_s| format!(" at {at_s:.1} s"));
                let wav = match &self.folder {
                    Some(folder) => folder
                        .join(&turn.run)
                        .join("conversation.wav")
                        .display()
                        .to_string(),
                    None => "not kept (--out)".to_owned(),
                };
                let sound = turn.labels.get(SOUND).map_or("", |sound| &**sound);
                format!(
                    "{} ({sound}): {wav}{at}, turn {}: heard \"{}\", said \"{}\"",
                    turn.case, turn.turn, turn.heard, turn.said
                )
            })
            .collect()
    }
}

/// A probability.
pub(super) fn p(p: f64) -> String {
    format!("{p:.3}")
}

/// A figure and its interval.
pub(super) fn shown(figure: Figure, cell: &Cell) -> String {
    match cell.interval {
        Some((low, high)) => {
            let [low, high] = [low, high].map(|it| bare(figure, it));
            format!("{} ({low}-{high})", figure.shown(cell.value))
        }
        None => figure.shown(cell.value),
    }
}

/// A value without its unit.
fn bare(figure: Figure, value: f64) -> String {
    let shown = figure.shown(value);
    shown.split(' ').next().unwrap_or_default().to_owned()
}

/// Whether a cell is of so few turns that it tells little.
pub(super) fn is_faint(cell: &Cell) -> bool {
    cell.turns < FEW
}

/// What the marks in a table mean.
pub(super) const LEGEND: &str = "In brackets 95 % intervals; a recording in several conditions counts as one. ~ fewer than 20 turns.";

/// How far two people agree.
pub(super) fn agreement(of: &Agreement) -> String {
    let [one, other] = &of.judges;
    let kappa = of.kappa.map_or(
        "undefined, since both say the same of all".to_owned(),
        |kappa| format!("{kappa:.2}"),
    );
    format!(
        "{one} and {other} agree on {:.0} % of {} answers, kappa {kappa}.",
        100.0 * of.agreed,
        of.turns
    )
}

/// A limit and what came of it.
fn limit(of: &Limit) -> String {
    let actual = of
        .actual
        .map_or("nothing was measured".to_owned(), |actual| {
            of.figure.shown(actual)
        });
    format!(
        "{} {}: {actual}, limit {}",
        of.figure.said(),
        of.column.name(),
        of.figure.shown(of.limit)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Part, Spoken};

    /// Sixty turns of two voices in two conditions, the second voice twice as badly heard.
    pub(super) fn evaluated() -> Evaluated {
        let mut turns = Vec::new();
        for (voice, wrong) in [("ann", 1.0), ("bob", 3.0)] {
            for number in 0..15 {
                for sound in ["quiet", "noise=10"] {
                    let more = f64::from(number % 3);
                    let part = |above, below| Part { above, below };
                    turns.push(Spoken {
                        case: format!("{voice}-{number}.wav").into(),
                        labels: [("voice", voice), (SOUND, sound)]
                            .map(|(label, value)| (label.to_owned(), value.into()))
                            .into(),
                        parts: [
                            (Figure::WordErrorRate, part(wrong + more, 12.0)),
                            (Figure::E2eLatency, part(400.0 + 10.0 * more, 1.0)),
                        ]
                        .into(),
                        run: "runs/01-01".into(),
                        turn: number + 1,
                        at_s: Some(f64::from(number) * 4.0),
                        heard: "when do you hope".into(),
                        said: "At nine.".into(),
                    });
                }
            }
        }
        Evaluated {
            schema: Evaluated::SCHEMA.into(),
            version: "0.1.0".into(),
            suite: "bakery".into(),
            seed: 1,
            asked: String::new(),
            by: vec!["voice".into(), SOUND.into()],
            turns,
            agreements: vec![Agreement {
                judges: ["eve".into(), "max".into()],
                turns: 12,
                agreed: 0.75,
                kappa: Some(0.41),
            }],
        }
    }

    pub(super) fn limits(evaluated: &Evaluated) -> Vec<Limit> {
        let limits = [("word_error_rate", 0.3), ("word_error_rate voice=bob", 0.2)];
        Limit::hold(
            evaluated,
            &limits.map(|(key, limit)| (key.to_owned(), limit)).into(),
        )
        .expect("limits")
    }

    #[test]
    fn people_read_steps_as_rows_and_segments_as_columns_and_the_weak_one_first() {
        let evaluated = evaluated();
        let report = Report::of(&evaluated, Some(Path::new("out")), limits(&evaluated));
        insta::assert_snapshot!(text(&report));
        insta::assert_snapshot!(markdown(&report));
        insta::assert_snapshot!(junit(&report).expect("a report"));
        assert!(!report.has_passed());
    }

    #[test]
    fn two_versions_are_told_apart_by_what_is_beyond_chance() {
        let base = evaluated();
        let mut new = base.clone();
        for turn in &mut new.turns {
            if let Some(part) = turn.parts.get_mut(&Figure::WordErrorRate) {
                part.above += 2.0;
            }
        }
        insta::assert_snapshot!(compared(&crate::eval::Paired::of(&base, &new)));
    }
}
