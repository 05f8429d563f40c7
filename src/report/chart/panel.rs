//! One turn on its time axis: the caller above, what the wait consisted of, the agent below.

use super::loudness::Way;
use super::{Loudness, Picture, Svg, ms_in_words};
use crate::picture::Axis;

/// A stretch of time with a name.
pub struct Lane {
    /// What the stretch is called; no text of others.
    pub name: String,
    /// The class of its colour.
    pub class: &'static str,
    /// Where the stretch begins on the time axis of the conversation, in nanoseconds.
    pub from_ns: u64,
    pub to_ns: u64,
}

/// A turn, seen from some time before `zero_ns`. Panels with the same `after_ns` have the same scale.
pub struct Panel<'a> {
    pub loudness: Option<&'a Loudness>,
    pub zero_ns: u64,
    pub after_ns: u64,
    pub lanes: Vec<Lane>,
}

/// Where `zero_ns` lies along the width: left of it there is room for names.
const ZERO: f64 = 0.42;

/// A bar that ends before this has room for its length behind it, also on a phone; one that begins after
/// `BEFORE_FROM` has room before it.
const BEHIND_UNTIL: f64 = 0.84;
const BEFORE_FROM: f64 = 0.62;

const WAVE: f64 = 32.0;
const LANE: f64 = 18.0;
const GAP: f64 = 6.0;
const POINTS: usize = 320;

impl Panel<'_> {
    /// The ends of the axis, in nanoseconds; it may begin before the conversation.
    pub fn window(&self) -> (i64, i64) {
        // No panel is made for waits of days.
        let zero = i64::try_from(self.zero_ns)
            .unwrap_or(i64::MAX / 4)
            .min(i64::MAX / 4);
        let after = i64::try_from(self.after_ns)
            .unwrap_or(i64::MAX / 4)
            .clamp(1, i64::MAX / 4);
        let before = (after as f64 * ZERO / (1.0 - ZERO)) as i64;
        (zero - before, zero + after)
    }

    pub fn svg(&self, title: &str) -> Svg {
        let (from, to) = self.window();
        let share = |ns: u64| (ns as f64 - from as f64) / (to - from) as f64;
        let says: Vec<String> = self
            .lanes
            .iter()
            .map(|lane| format!("{} {}", lane.name, lane.length()))
            .collect();
        let waves = if self.loudness.is_some() {
            WAVE + GAP
        } else {
            0.0
        };
        let lanes = LANE * self.lanes.len() as f64;
        let bottom = 2.0 * waves + lanes;
        let mut picture = Picture::new(bottom + 20.0, title, &says.join(", "));
        self.grid(&mut picture, bottom);
        if let Some(loudness) = self.loudness {
            for (class, of, top, way) in [
                ("wave caller", &loudness.caller, 0.0, Way::Up),
                (
                    "wave agent",
                    &loudness.agent,
                    waves + lanes + GAP,
                    Way::Down,
                ),
            ] {
                let path = loudness.outline(of, (from, to), POINTS, WAVE, way);
                picture.path(class, (top, WAVE), &path);
            }
        }
        for (row, lane) in self.lanes.iter().enumerate() {
            let top = waves + LANE * row as f64;
            let (start, end) = (
                share(lane.from_ns).clamp(0.0, 1.0),
                share(lane.to_ns).clamp(0.0, 1.0),
            );
            // Thin bars are to be seen too.
            let seen = end.max(start + 0.003);
            let class = format!("h {}", lane.class);
            picture.bar(&class, (start, seen), (top + 3.0, LANE - 6.0), "");
            picture.text("halo", "end", ZERO - 0.012, top + 13.0, &lane.name);
            let (class, anchor, at) = place_of_length(start, seen);
            picture.text(class, anchor, at, top + 13.0, &lane.length());
        }
        picture.upright("zero", ZERO, 0.0, bottom);
        picture.upright("cursor", 0.0, 0.0, bottom);
        picture.finish()
    }

    fn grid(&self, picture: &mut Picture, bottom: f64) {
        let after_ms = self.after_ns as f64 / 1e6;
        let axis = Axis::around("", [0.0, after_ms], "");
        let scale = (1.0 - ZERO) / after_ms.max(f64::MIN_POSITIVE);
        for (ms, label) in axis.ticks() {
            let right = ZERO + ms * scale;
            if right <= 1.0 {
                // The unit stands once, where there is room.
                let unit = if *ms == 0.0 { " ms" } else { "" };
                let anchor = if right < 0.97 { "middle" } else { "end" };
                picture.upright("grid", right, 0.0, bottom);
                picture.text("", anchor, right, bottom + 15.0, &format!("{label}{unit}"));
            }
            let left = ZERO - ms * scale;
            if *ms > 0.0 && left >= 0.0 {
                picture.upright("grid", left, 0.0, bottom);
            }
        }
    }
}

/// Where the length of a bar is written: behind it, before it if there is no room behind, or inside of its end if
/// there is none before it either, where the names of bars stand. The class of the text, its anchor and its place.
fn place_of_length(start: f64, end: f64) -> (&'static str, &'static str, f64) {
    match (end < BEHIND_UNTIL, start > BEFORE_FROM) {
        (true, _) => ("strong", "start", end + 0.01),
        (false, true) => ("strong halo", "end", start - 0.01),
        (false, false) => ("strong halo", "end", end - 0.01),
    }
}

impl Lane {
    fn length(&self) -> String {
        ms_in_words(self.to_ns.saturating_sub(self.from_ns) as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::numbers;
    use super::*;

    fn lane(from_ms: u64, to_ms: u64) -> Lane {
        Lane {
            name: "answer".into(),
            class: "answer",
            from_ns: from_ms * 1_000_000,
            to_ns: to_ms * 1_000_000,
        }
    }

    fn panel(lanes: Vec<Lane>, zero_ms: u64, after_ms: u64) -> String {
        let panel = Panel {
            loudness: None,
            zero_ns: zero_ms * 1_000_000,
            after_ns: after_ms * 1_000_000,
            lanes,
        };
        panel.svg("Turn").0
    }

    #[test]
    fn lanes_begin_where_the_caller_ended() {
        let svg = panel(vec![lane(2_000, 2_290), lane(2_290, 2_580)], 2_000, 580);
        assert_eq!(numbers(&svg, "<rect", " x"), [42.0, 71.0]);
        assert_eq!(numbers(&svg, "<rect", " width"), [29.0, 29.0]);
    }

    #[test]
    fn lengths_stand_where_nothing_else_does() {
        assert_eq!(place_of_length(0.42, 0.7), ("strong", "start", 0.71));
        assert_eq!(place_of_length(0.8, 0.95).1, "end");
        // A bar from end to end has its length inside of it: before it stand the names.
        let (_, anchor, at) = place_of_length(0.42, 0.95);
        assert_eq!((anchor, at > 0.9), ("end", true));
    }

    #[test]
    fn what_lies_outside_is_cut_at_the_edge() {
        for (from, to) in [(0, 9_000), (0, 0), (8_000, 9_000), (9_000, 0)] {
            let svg = panel(vec![lane(from, to)], 100, 500);
            let (x, width) = (
                numbers(&svg, "<rect", " x")[0],
                numbers(&svg, "<rect", " width")[0],
            );
            assert!(x >= 0.0 && width >= 0.0 && x + width <= 100.4, "{svg}");
        }
        let none = panel(Vec::new(), 0, 0);
        assert!(!none.contains("NaN") && !none.contains("inf"), "{none}");
    }
}
