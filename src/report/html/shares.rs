//! The shares of latencies up to each time, measured and drawn from a model.

use super::page::Svg;
use crate::picture::Axis;
use crate::report::chart::Picture;
use std::fmt::Write;

/// How a share picture is laid out, in pixels.
const TOP: f64 = 12.0;
const HEIGHT: f64 = 180.0;
const STEPS: u32 = 160;

/// The frame of a path: units across, and in a pixel down.
const PATH_WIDTH: f64 = 1_000.0;
const PATH_UNITS: f64 = 4.0;

/// A picture whose axis reaches to `most_ms` about: steps of what was measured, each with the share up to its time, and
/// the share of what is drawn below a time.
pub(super) fn shares(
    (title, says): (&str, &str),
    most_ms: f64,
    measured: impl Iterator<Item = (f64, f64)>,
    drawn: impl Fn(f64) -> f64,
) -> Svg {
    let axis = Axis::around("", [0.0, most_ms], "");
    let mut picture = Picture::new(TOP + HEIGHT + 24.0, title, says);
    for share in [0.0, 0.5, 0.95, 1.0] {
        let y = TOP + (1.0 - share) * HEIGHT;
        picture.level(if share == 0.0 { "axis" } else { "grid" }, y.round());
        // The last one is too near for a label.
        if share > 0.0 && share < 1.0 {
            picture.text(
                "halo",
                "start",
                0.0,
                y.round() - 4.0,
                &format!("{:.0} %", 100.0 * share),
            );
        }
    }
    for (ms, label) in axis.ticks() {
        picture.label(
            "",
            axis.share(*ms),
            TOP + HEIGHT + 18.0,
            &format!("{label} ms"),
        );
    }
    let (low, high) = bounds(&axis);
    let place = |ms: f64, below: f64| {
        let x = (PATH_WIDTH * axis.share(ms)).round();
        (x, (PATH_UNITS * (1.0 - below) * HEIGHT).round())
    };
    let mut fitted = String::new();
    for step in 0..=STEPS {
        let ms = low + (high - low) * f64::from(step) / f64::from(STEPS);
        let (x, y) = place(ms, drawn(ms));
        let _ = write!(fitted, "{}{x} {y}", if step == 0 { "M" } else { "L" });
    }
    let mut steps = format!("M0 {}", (PATH_UNITS * HEIGHT).round());
    let mut last = -1.0;
    for (ms, below) in measured.filter(|(ms, _)| *ms <= high) {
        let (x, y) = place(ms, below);
        // Thousands of steps in the width of a screen are one line.
        if x > last {
            let _ = write!(steps, "H{x}V{y}");
            last = x;
        }
    }
    steps.push_str("H1000");
    picture.path("curve second", (TOP, HEIGHT), &fitted);
    picture.path("curve first", (TOP, HEIGHT), &steps);
    picture.finish()
}

/// The times at the ends of an axis.
fn bounds(axis: &Axis) -> (f64, f64) {
    let ticks = axis.ticks();
    let ends = ticks.first().zip(ticks.last());
    ends.map_or((0.0, 1.0), |((low, _), (high, _))| (*low, *high))
}
