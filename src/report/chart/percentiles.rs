//! Percentile curves as HdrHistogram draws them: each further nine of the percentage takes as much room as the one
//! before.

use super::{PATH_UNITS, PATH_WIDTH, Picture, Svg, known_in_words};
use crate::measure::{Known, Waits};
use crate::picture::Axis;
use std::fmt::Write;

/// One latency at every percentile.
pub struct Curve<'a> {
    pub name: &'static str,
    /// The class of the curve's colour: `first`, `second` or `third`.
    pub class: &'static str,
    pub waits: &'a Waits,
}

const TOP: f64 = 20.0;
const HEIGHT: f64 = 200.0;
const STEPS: u32 = 200;

/// The least and the most nines that are shown.
const NINES: (f64, f64) = (1.0, 5.0);

/// All curves on one axis from 0 ms on; `None` without a value. It shows as many nines as there are values for.
pub fn percentiles(curves: &[Curve]) -> Option<Svg> {
    let most = curves.iter().map(|curve| curve.waits.count()).max()?;
    if curves
        .iter()
        .all(|curve| curve.waits.answered().count() == 0)
    {
        return None;
    }
    let nines = libm::ceil(libm::log10(most as f64)).clamp(NINES.0, NINES.1);
    let at = |curve: &Curve, share: f64| {
        let quantile = 1.0 - libm::pow(10.0, -nines * share);
        at_quantile(curve, quantile)
    };
    // A curve ends where the waits in vain begin.
    let highest = curves
        .iter()
        .map(|curve| crate::measure::ms(curve.waits.answered().max_ns()));
    let axis = Axis::around("", highest.chain([0.0]), "");
    let y = |ms: f64| (1.0 - axis.share(ms)) * HEIGHT;
    let mut picture = Picture::new(
        TOP + HEIGHT + 24.0,
        "Percentiles of the latency",
        &says(curves),
    );
    grid(&mut picture, &axis, nines);
    for curve in curves.iter().rev() {
        let mut path = String::new();
        let mut before = None;
        for step in 0..=STEPS {
            let share = f64::from(step) / f64::from(STEPS);
            let Some(ms) = at(curve, share) else { continue };
            let (x, y) = ((PATH_WIDTH * share).round(), (PATH_UNITS * y(ms)).round());
            // A value is that of all percentiles up to the next.
            let _ = match before {
                None => write!(path, "M{x} {y}"),
                Some(before) if before == y && step < STEPS => Ok(()),
                Some(_) => write!(path, "H{x}V{y}"),
            };
            before = Some(y);
        }
        picture.path(&format!("curve {}", curve.class), (TOP, HEIGHT), &path);
    }
    // The labels go over the curves, which begin where the labels stand.
    for (ms, label) in axis.ticks() {
        let y = TOP + (1.0 - axis.share(*ms)) * HEIGHT;
        picture.text(
            "halo",
            "start",
            0.0,
            y.round() - 4.0,
            &format!("{label} ms"),
        );
    }
    if let Some(first) = curves.first() {
        for quantile in [0.5, 0.95, 0.99] {
            let share = share_of(quantile, nines);
            if let Some(ms) = at_quantile(first, quantile).filter(|_| share < 0.97) {
                let (x, y) = (100.0 * share, TOP + y(ms));
                picture.add(format_args!(
                    "<circle class=\"dot\" cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"4\"/>"
                ));
                picture.text("strong", "middle", share, y - 9.0, &format!("{ms:.0}"));
            }
        }
    }
    Some(picture.finish())
}

/// The latency at a quantile; `None` where it falls among waits in vain.
fn at_quantile(curve: &Curve, quantile: f64) -> Option<f64> {
    let count = curve.waits.count();
    let rank = libm::ceil(quantile * count as f64) as u64;
    curve
        .waits
        .of_rank(rank.clamp(1, count))
        .and_then(Known::exact)
}

/// Where a percentile lies across, 0 to 1.
fn share_of(quantile: f64, nines: f64) -> f64 {
    -libm::log10(1.0 - quantile) / nines
}

fn grid(picture: &mut Picture, axis: &Axis, nines: f64) {
    for (ms, _) in axis.ticks() {
        let y = TOP + (1.0 - axis.share(*ms)) * HEIGHT;
        picture.level(if *ms == 0.0 { "axis" } else { "grid" }, y.round());
    }
    let mut marks = vec![(0.5, "50 %".to_owned())];
    if nines < 2.0 {
        marks.push((0.75, "75 %".to_owned()));
    }
    let nine = |digits: usize| "9".repeat(digits);
    for digits in 1..=NINES.1 as usize {
        let text = match digits {
            1 => "90 %".to_owned(),
            2 => "99 %".to_owned(),
            digits => format!("99.{} %", nine(digits - 2)),
        };
        marks.push((1.0 - libm::pow(10.0, -(digits as f64)), text));
    }
    for (quantile, text) in marks {
        let share = share_of(quantile, nines);
        if share <= 1.0 + 1e-9 {
            picture.upright("grid", share, TOP, TOP + HEIGHT);
            picture.label("", share, TOP + HEIGHT + 18.0, &text);
        }
    }
}

fn says(curves: &[Curve]) -> String {
    let one = |curve: &Curve| {
        let summary = curve.waits.summary()?;
        Some(format!(
            "{}: p50 {}, p90 {}, p99 {}, at most {}",
            curve.name,
            known_in_words(summary.p50),
            known_in_words(summary.p90),
            known_in_words(summary.p99),
            known_in_words(summary.max)
        ))
    };
    let all: Vec<String> = curves.iter().filter_map(one).collect();
    all.join(". ")
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::points;
    use super::*;

    fn of(spans_ms: &[u64]) -> Waits {
        let mut waits = Waits::default();
        spans_ms.iter().for_each(|ms| waits.came(ms * 1_000_000));
        waits
    }

    fn drawn(waits: &Waits) -> Option<String> {
        let curve = Curve {
            name: "e2e_latency",
            class: "first",
            waits,
        };
        Some(percentiles(&[curve])?.0)
    }

    #[test]
    fn every_curve_rises_and_stays_inside_of_its_frame() {
        for spans in [&[500][..], &[0], &[7, 7, 7], &[100, 200, 90_000]] {
            let svg = drawn(&of(spans)).expect("a curve");
            let points = points(&svg);
            assert!(points.len() > 1 && !svg.contains("NaN"));
            assert!(
                points
                    .iter()
                    .all(|(x, y)| (0.0..=1_000.0).contains(x) && (0.0..=800.0).contains(y))
            );
            assert!(
                points.windows(2).all(|pair| pair[1].1 <= pair[0].1),
                "{spans:?}"
            );
        }
    }

    #[test]
    fn without_values_there_is_no_curve() {
        assert!(drawn(&Waits::default()).is_none());
    }

    #[test]
    fn more_values_show_more_nines() {
        let few = drawn(&of(&[1, 2, 3])).expect("a curve");
        let many = drawn(&of(&(1..2_000).collect::<Vec<_>>())).expect("a curve");
        assert!(few.contains("90 %") && !few.contains("99 %"));
        assert!(many.contains(">99.9 %") && !many.contains("99.999 %"));
    }
}
