//! A whole conversation on its time axis: both speakers, and the waits between them.

use super::loudness::Way;
use super::{Loudness, Picture, Svg};
use crate::measure::Slice;
use crate::picture::Axis;

/// A turn on the axis.
pub struct Begun<'a> {
    pub number: u32,
    pub start_ns: u64,
    pub slices: &'a [Slice],
}

const CALLER: (f64, f64) = (20.0, 40.0);
const WAITS: (f64, f64) = (62.0, 8.0);
const AGENT: (f64, f64) = (72.0, 40.0);
const HEIGHT: f64 = 136.0;
const POINTS: usize = 800;

/// The room that a digit takes, in shares of the width. Numbers that have none are left out.
const DIGIT: f64 = 0.02;

pub fn timeline(loudness: &Loudness, turns: &[Begun], length_ns: u64) -> Svg {
    let length = length_ns.max(1) as f64;
    let share = |ns: u64| ns as f64 / length;
    let says = format!("{:.1} s, {} turns", length / 1e9, turns.len());
    let mut picture = Picture::new(HEIGHT, "The conversation: caller above, agent below", &says);
    let axis = Axis::around("", [0.0, length / 1e9], " s");
    for (seconds, label) in axis.ticks() {
        let at = seconds * 1e9 / length;
        if at <= 1.0 {
            picture.upright("grid", at, CALLER.0, AGENT.0 + AGENT.1);
            picture.label("", at, HEIGHT - 6.0, label);
        }
    }
    let whole = (0, i64::try_from(length_ns).unwrap_or(i64::MAX));
    for (class, of, (top, height), way) in [
        ("wave caller", &loudness.caller, CALLER, Way::Up),
        ("wave agent", &loudness.agent, AGENT, Way::Down),
    ] {
        let path = loudness.outline(of, whole, POINTS, height, way);
        picture.path(class, (top, height), &path);
    }
    let mut written = f64::NEG_INFINITY;
    for turn in turns {
        let at = share(turn.start_ns).min(1.0);
        let number = turn.number.to_string();
        if at >= written && at < 0.98 {
            picture.text("", "start", at, 12.0, &number);
            written = at + DIGIT * number.len() as f64;
        }
        for slice in turn.slices {
            let class = format!("h {}", slice.hop.name());
            picture.bar(
                &class,
                (share(slice.start.0), share(slice.end.0)),
                WAITS,
                "",
            );
        }
    }
    picture.upright("cursor", 0.0, 16.0, AGENT.0 + AGENT.1 + 4.0);
    picture.finish()
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::numbers;
    use super::*;
    use crate::event::{Hop, Tick};

    #[test]
    fn waits_lie_where_they_were() {
        let slices = [Slice {
            hop: Hop::Answer,
            start: Tick::from_ms(500),
            end: Tick::from_ms(750),
        }];
        let turn = Begun {
            number: 1,
            start_ns: 0,
            slices: &slices,
        };
        let loudness = Loudness::of_speech(&[], &[], Tick::from_ms(1_000));
        let svg = timeline(&loudness, &[turn], 1_000_000_000).0;
        assert_eq!(numbers(&svg, "<rect", " x"), [50.0]);
        assert_eq!(numbers(&svg, "<rect", " width"), [25.0]);
        assert!(svg.contains("class=\"cursor\""));
    }

    #[test]
    fn nothing_has_a_timeline_too() {
        let svg = timeline(&Loudness::default(), &[], 0).0;
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
