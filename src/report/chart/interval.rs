//! A difference and how far it can be trusted, on an axis that several share.

use super::{Picture, Svg};

/// Half of the axis at least, as a share of the base: a difference of 5 % never fills the picture.
const HALF_MIN: f64 = 0.05;

/// Half of the axis at most: what lies beyond is cut off at the edge.
const HALF_MAX: f64 = 0.5;

const HEIGHT: f64 = 16.0;

/// An axis of shares around zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    half: f64,
}

/// A difference with its 95 % interval, as shares of the base.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub low: f64,
    pub difference: f64,
    pub high: f64,
}

impl Axis {
    /// An axis on which all of `spreads` find room, if they are not too large.
    pub fn of(spreads: impl Iterator<Item = Spread>) -> Axis {
        let reach = |spread: Spread| spread.low.abs().max(spread.high.abs());
        let far = spreads.map(reach).filter(|far| far.is_finite());
        let half = far.fold(0.0, f64::max).clamp(HALF_MIN, HALF_MAX);
        Axis { half }
    }

    /// How far the axis reaches to either side, as a share.
    pub fn half(self) -> f64 {
        self.half
    }

    /// Where a share lies along the width, 0 to 1.
    fn place(self, share: f64) -> f64 {
        (0.5 + 0.5 * share / self.half).clamp(0.0, 1.0)
    }

    /// A dot for the difference and a bar for its interval, in the colour of `class`.
    pub fn draw(self, spread: Spread, class: &str) -> Svg {
        let Spread {
            low,
            difference,
            high,
        } = spread;
        let says = format!(
            "{:+.1} %, from {:+.1} to {:+.1} %",
            100.0 * difference,
            100.0 * low,
            100.0 * high
        );
        let mut picture = Picture::new(HEIGHT, &says, "");
        picture.upright("axis", 0.5, 0.0, HEIGHT);
        let (from, to) = (self.place(low), self.place(high));
        // An interval of no width is still to be seen.
        picture.bar(
            &format!("h {class} faint"),
            (from, to.max(from + 0.004)),
            (4.0, 8.0),
            "",
        );
        let at = self.place(difference);
        picture.bar(
            &format!("h {class}"),
            (at - 0.006, at + 0.006),
            (2.0, 12.0),
            "",
        );
        picture.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(low: f64, difference: f64, high: f64) -> Spread {
        Spread {
            low,
            difference,
            high,
        }
    }

    #[test]
    fn all_find_room_on_the_axis_and_what_is_too_large_ends_at_its_edge() {
        let spreads = [spread(-0.02, 0.01, 0.04), spread(0.1, 0.2, 0.3)];
        let axis = Axis::of(spreads.into_iter());
        assert_eq!(axis.half(), 0.3);
        assert_eq!(axis.place(0.3), 1.0);
        assert_eq!(axis.place(-0.3), 0.0);
        let far = Axis::of([spread(0.0, 7.0, f64::INFINITY), spread(2.0, 3.0, 4.0)].into_iter());
        assert_eq!((far.half(), far.place(4.0)), (HALF_MAX, 1.0));
    }

    #[test]
    fn nothing_has_an_axis_too() {
        assert_eq!(Axis::of(std::iter::empty()).half(), HALF_MIN);
    }

    #[test]
    fn it_says_in_words_what_it_draws() {
        let axis = Axis { half: 0.1 };
        let askama::filters::Safe(svg) = axis.draw(spread(0.02, 0.05, 0.08), "of-bad");
        assert!(
            svg.contains("<title>+5.0 %, from +2.0 to +8.0 %</title>"),
            "{svg}"
        );
        assert!(
            svg.contains("x=\"60%\"") && svg.contains("width=\"30%\""),
            "{svg}"
        );
    }
}
