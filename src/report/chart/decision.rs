//! How sure the policy was, over time, that a sound over the agent is an interruption.

use super::{PATH_UNITS, PATH_WIDTH, Picture, Svg};
use crate::event::Verdict;
use crate::picture::Axis;
use std::fmt::Write;

/// What the policy thought at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Thought {
    pub since_onset_ns: u64,
    /// Probability of an interruption, in 0..=1; `None` if the policy computes none.
    pub probability: Option<f64>,
    pub verdict: Verdict,
}

const TOP: f64 = 12.0;
const HEIGHT: f64 = 88.0;

/// The picture of a policy's thoughts; `None` if no probability is known.
pub fn decision(thoughts: &[Thought]) -> Option<Svg> {
    let known = |thought: &Thought| {
        Some((
            thought.since_onset_ns as f64 / 1e6,
            thought.probability?,
            thought.verdict,
        ))
    };
    let known: Vec<(f64, f64, Verdict)> = thoughts.iter().filter_map(known).collect();
    let last_ms = known.last()?.0;
    let axis = Axis::around("", [0.0, last_ms.max(600.0)], "");
    let says = format!("From {:.2} to {:.2}", known.first()?.1, known.last()?.1);
    let mut picture = Picture::new(
        TOP + HEIGHT + 22.0,
        "Probability of an interruption since the sound began",
        &says,
    );
    let y = |probability: f64| (1.0 - probability.clamp(0.0, 1.0)) * HEIGHT;
    for (probability, label) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
        let level = TOP + y(probability);
        picture.level(if probability == 0.0 { "axis" } else { "grid" }, level);
        picture.text("halo", "start", 0.0, level - 3.0, label);
    }
    for (ms, label) in axis.ticks() {
        let unit = if axis.share(*ms) >= 1.0 { " ms" } else { "" };
        let label = format!("{label}{unit}");
        picture.label("", axis.share(*ms), TOP + HEIGHT + 16.0, &label);
    }
    let mut path = String::new();
    for (ms, probability, _) in &known {
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let (x, y) = (PATH_WIDTH * axis.share(*ms), PATH_UNITS * y(*probability));
        let _ = write!(path, "{letter}{x:.0} {y:.0}");
    }
    picture.path("curve first", (TOP, HEIGHT), &path);
    for (ms, probability, verdict) in &known {
        let class = match verdict {
            Verdict::Stop => "dot stop",
            Verdict::Unsure | Verdict::KeepTalking => "dot",
        };
        let (x, y) = (100.0 * axis.share(*ms), TOP + y(*probability));
        let radius = if *verdict == Verdict::Stop { 5 } else { 3 };
        picture.add(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"{radius}\"/>"
        ));
    }
    Some(picture.finish())
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::{numbers, points};
    use super::*;

    fn thought(ms: u64, probability: Option<f64>) -> Thought {
        Thought {
            since_onset_ns: ms * 1_000_000,
            probability,
            verdict: Verdict::Unsure,
        }
    }

    #[test]
    fn a_probability_lies_at_its_time_and_height() {
        let svg = decision(&[
            thought(200, Some(0.25)),
            thought(400, None),
            thought(1_000, Some(7.0)),
        ]);
        let svg = svg.expect("a curve").0;
        assert_eq!(points(&svg), [(200.0, 264.0), (1_000.0, 0.0)]);
        assert_eq!(numbers(&svg, "<circle", " cx"), [20.0, 100.0]);
    }

    #[test]
    fn a_policy_without_probabilities_has_no_curve() {
        assert!(decision(&[thought(1, None)]).is_none());
        assert!(decision(&[]).is_none());
    }
}
