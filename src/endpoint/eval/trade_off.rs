//! The trade-off between cutting callers off and letting them wait, as a picture.

use super::policy::{mean_wait, share_cut};
use super::{Decided, Policy};
use crate::picture::{Axis, COLOURS, Frame, escaped};
use std::fmt::Write;

/// The picture shows shares of pauses that are cut up to this one.
const CUT_MAX: f64 = 0.6;
/// The longest mean wait in the picture, in milliseconds.
const WAIT_MAX_MS: f64 = 2_000.0;
/// Numbers that each policy is tried at.
const NUMBERS: usize = 60;

/// What a policy does at one place of its trade-off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The share of pauses that is cut.
    pub cut: f64,
    /// The mean wait at the ends, in milliseconds.
    pub wait_ms: f64,
}

impl Place {
    /// What was decided, as a place.
    pub fn of(decided: &[Decided<'_>]) -> Place {
        Place {
            cut: share_cut(decided),
            wait_ms: mean_wait(decided),
        }
    }
}

/// The mean wait over the share of pauses cut, a line each policy, with one setting marked if it is given.
pub fn svg(policies: &[Policy<'_>], setting: Option<(&str, Place)>) -> String {
    let percent = |tenth: i32| (f64::from(tenth) / 10.0, format!("{} %", 10 * tenth));
    let wait = |step: i32| (250.0 * f64::from(step), format!("{} ms", 250 * step));
    let frame = Frame {
        x: Axis::with(
            "pauses that are taken for the end",
            (0..=6).map(percent).collect(),
        ),
        y: Axis::with("mean wait at the ends", (0..=8).map(wait).collect()),
    };
    frame.picture("Waiting against cutting off", |svg| {
        // Writing to a String cannot fail.
        let _ = draw(svg, &frame, policies, setting);
    })
}

fn places(policy: &Policy<'_>) -> Vec<Place> {
    let (low, high) = policy.log_bounds;
    let number = |at: usize| libm::exp(low + (high - low) * at as f64 / (NUMBERS - 1) as f64);
    let mut places: Vec<Place> = (0..NUMBERS)
        .map(|at| Place::of(&(policy.decide)(number(at))))
        .filter(|place| place.cut <= CUT_MAX && place.wait_ms <= WAIT_MAX_MS)
        .collect();
    // The place with the shortest wait counts, where several cut as many.
    places.sort_by(|a, b| {
        a.cut
            .total_cmp(&b.cut)
            .then(a.wait_ms.total_cmp(&b.wait_ms))
    });
    places.dedup_by(|later, first| later.cut <= first.cut);
    places
}

fn draw(
    svg: &mut String,
    frame: &Frame,
    policies: &[Policy<'_>],
    setting: Option<(&str, Place)>,
) -> std::fmt::Result {
    for (policy, colour) in policies.iter().zip(COLOURS) {
        let at = |place: &Place| format!("{:.1},{:.1}", frame.x(place.cut), frame.y(place.wait_ms));
        let places = places(policy);
        let line: Vec<String> = places.iter().map(at).collect();
        writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        )?;
    }
    // The names stand below each other where no line comes: who cuts many lets nobody wait for long.
    for (number, (policy, colour)) in policies.iter().zip(COLOURS).enumerate() {
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>",
            Frame::RIGHT - 10.0,
            Frame::TOP + 18.0 * (number as f64 + 1.0),
            escaped(policy.name)
        )?;
    }
    let Some((name, place)) = setting else {
        return Ok(());
    };
    let (x, y) = (frame.x(place.cut), frame.y(place.wait_ms));
    let is_right = place.cut > 0.5 * CUT_MAX;
    let (beside, anchor) = match is_right {
        true => (x - 10.0, "end"),
        false => (x + 10.0, "start"),
    };
    writeln!(
        svg,
        "<circle class=\"chosen\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"none\" stroke=\"#17191e\" stroke-width=\"2\"/>\n\
         <text class=\"chosen\" x=\"{beside:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}: {:.0} % cut, {:.0} ms</text>",
        y - 8.0,
        escaped(name),
        place.cut * 100.0,
        place.wait_ms
    )
}
