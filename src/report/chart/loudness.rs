//! How loud both speakers are along the time axis.

use super::PATH_UNITS;
use crate::event::Tick;
use std::fmt::Write;
use std::ops::Range;

/// The loudest of each step, as a share of 255. Both are equally long.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loudness {
    pub step_ns: u64,
    pub caller: Vec<u8>,
    pub agent: Vec<u8>,
}

/// Loudness drawn for speech of which only the beginning and the end are known.
const SOME: u8 = 160;

/// Which way a speaker's sound is drawn: the caller's stands on its line, the agent's hangs from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

impl Loudness {
    /// Four milliseconds: a little finer than what is drawn.
    pub const STEP_NS: u64 = 4_000_000;

    /// Steps that are kept at most: those of four hours.
    pub const STEPS_MAX: usize = 4 * 3_600 * 250;

    /// The loudness where no sound was kept: as loud as speech is wherever somebody speaks.
    pub fn of_speech(caller: &[Range<Tick>], agent: &[Range<Tick>], end: Tick) -> Loudness {
        let steps = usize::try_from(end.0 / Self::STEP_NS + 1).unwrap_or(usize::MAX);
        let steps = steps.min(Self::STEPS_MAX);
        let fill = |speech: &[Range<Tick>]| {
            let mut loud = vec![0; steps];
            for range in speech {
                let index = |at: Tick| usize::try_from(at.0 / Self::STEP_NS).unwrap_or(usize::MAX);
                let (from, to) = (index(range.start).min(steps), index(range.end).min(steps));
                if let Some(loud) = loud.get_mut(from..to) {
                    loud.fill(SOME);
                }
            }
            loud
        };
        Loudness {
            step_ns: Self::STEP_NS,
            caller: fill(caller),
            agent: fill(agent),
        }
    }

    /// The outline of one speaker from one time to another, in nanoseconds, as a closed path of `points` points,
    /// 1,000 units across and `height` pixels high. The loudest step of all takes the full height.
    pub(super) fn outline(
        &self,
        of: &[u8],
        (from, to): (i64, i64),
        points: usize,
        height: f64,
        way: Way,
    ) -> String {
        let loudest = f64::from(of.iter().copied().max().unwrap_or(0).max(8));
        let full = PATH_UNITS * height;
        let span = (to - from).max(1) as f64;
        let index = |share: f64| {
            let step = (from as f64 + share * span) / self.step_ns.max(1) as f64;
            // Times before the beginning are silent; what is beyond the end has no step.
            if step < 0.0 {
                None
            } else {
                Some(step as usize)
            }
        };
        let value = |point: usize| {
            let (Some(first), Some(last)) = (
                index(point as f64 / points as f64),
                index((point + 1) as f64 / points as f64),
            ) else {
                return 0.0;
            };
            let last = last.max(first + 1).min(of.len());
            let loud = of.get(first.min(last)..last).unwrap_or_default();
            let loud = loud.iter().copied().max().unwrap_or(0);
            // Quiet speech is to be seen too.
            (libm::pow(f64::from(loud) / loudest, 0.6) * full).round()
        };
        let base = match way {
            Way::Up => full,
            Way::Down => 0.0,
        };
        let mut path = format!("M0 {base:.0}");
        // Where the path has come to, and the last point, up to which it is as high as there.
        let (mut at, mut high, mut seen) = (0.0, 0.0, 0.0);
        for point in 0..points {
            let x = (1_000.0 * (point as f64 + 0.5) / points as f64).round();
            let y = value(point);
            // A stretch of equal height needs a point at its end alone.
            if y != high {
                if seen > at {
                    let _ = write!(path, "h{:.0}", seen - at);
                    at = seen;
                }
                let down = match way {
                    Way::Up => high - y,
                    Way::Down => y - high,
                };
                let _ = match down < 0.0 {
                    true => write!(path, "l{:.0}{down:.0}", x - at),
                    false => write!(path, "l{:.0} {down:.0}", x - at),
                };
                (at, high) = (x, y);
            }
            seen = x;
        }
        if seen > at && high > 0.0 {
            let _ = write!(path, "h{:.0}", seen - at);
        }
        let _ = write!(path, "H1000V{base:.0}z");
        path
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::points;
    use super::*;

    fn outline(of: &[u8], range: (i64, i64), way: Way) -> String {
        let loudness = Loudness {
            step_ns: 10,
            caller: of.to_vec(),
            agent: Vec::new(),
        };
        loudness.outline(of, range, 50, 20.0, way)
    }

    #[test]
    fn outlines_stay_inside_whatever_is_asked_for() {
        let ramp: Vec<u8> = (0..=255).collect();
        for of in [&[][..], &[0; 9], &[255], &ramp] {
            for range in [(0, 2_560), (-500, 100), (2_000, 9_000), (5, 5), (-10, -5)] {
                for way in [Way::Up, Way::Down] {
                    let path = format!(" d=\"{}\"", outline(of, range, way));
                    let points = points(&path);
                    let inside = |(x, y): &(f64, f64)| {
                        (0.0..=1_000.0).contains(x) && (0.0..=80.0).contains(y)
                    };
                    assert!(points.iter().all(inside), "{path}");
                }
            }
        }
    }

    #[test]
    fn silence_is_a_line_and_the_loudest_is_as_high_as_there_is_room() {
        assert_eq!(outline(&[0; 100], (0, 1_000), Way::Up), "M0 80H1000V80z");
        let loud = outline(&[0, 255, 0], (0, 30), Way::Down);
        let highest = points(&format!(" d=\"{loud}\""))
            .iter()
            .map(|(_, y)| *y)
            .fold(0.0, f64::max);
        assert_eq!(highest, 80.0);
    }

    #[test]
    fn speech_that_is_evenly_loud_is_as_high_at_its_end_as_at_its_beginning() {
        let mut loud = [0; 100];
        loud[20..60].fill(160);
        for way in [Way::Up, Way::Down] {
            let path = outline(&loud, (0, 1_000), way);
            let points = points(&format!(" d=\"{path}\""));
            let full = if way == Way::Up { 0.0 } else { 80.0 };
            let high: Vec<f64> = points
                .iter()
                .filter(|(_, y)| *y == full)
                .map(|(x, _)| *x)
                .collect();
            assert_eq!(high, [210.0, 590.0], "{path}");
        }
    }

    #[test]
    fn speech_without_sound_is_loud_where_it_is() {
        let ms = Tick::from_ms;
        let loudness = Loudness::of_speech(&[ms(8)..ms(16)], &[ms(12)..ms(9_999)], ms(20));
        assert_eq!(loudness.caller, [0, 0, SOME, SOME, 0, 0]);
        assert_eq!(loudness.agent, [0, 0, 0, SOME, SOME, SOME]);
    }
}
