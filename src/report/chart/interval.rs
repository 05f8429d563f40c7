//! A difference and how far it can be trusted, on an axis that several share.

use super::{Picture, Svg};

/// Half of the axis at least, as a share of the base: a difference of 5 % never fills the picture.
const HALF_MIN: f64 = 0.05;

/// An axis that reaches further than this is not even: differences of 2 % and of 600 % are both to be seen on it.
const EVEN_UNTIL: f64 = 0.5;

/// Up to about here an uneven axis is even, and from here on every factor takes as much room as the one before.
const EVEN_WITHIN: f64 = 0.05;

/// Half of the axis at most, ten times the base: what lies beyond has an arrow at the edge.
const HALF_MAX: f64 = 10.0;

/// What an axis may reach to, and which of these an uneven one is marked at.
const ROUND: [f64; 9] = [0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, HALF_MAX];
const MARKED: [f64; 2] = [0.1, 1.0];

const HEIGHT: f64 = 16.0;

/// An axis of shares around zero. It is even up to half of the base; one that reaches further is not.
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
        let far = far.fold(0.0, f64::max).clamp(HALF_MIN, HALF_MAX);
        let half = ROUND.into_iter().find(|round| *round >= far);
        Axis {
            half: half.unwrap_or(HALF_MAX),
        }
    }

    /// Whether equal differences take equal room.
    fn is_even(self) -> bool {
        self.half <= EVEN_UNTIL
    }

    /// How far it reaches, and where its marks lie, for people.
    pub fn reach(self) -> String {
        let half = 100.0 * self.half;
        let even = match self.is_even() {
            true => "",
            false => {
                "; beyond 5 % every factor takes as much room as the one before, and thin lines mark 10 and 100 %"
            }
        };
        format!("all axes reach from -{half:.0} to +{half:.0} %{even}")
    }

    /// Where a share lies along the width, 0 to 1.
    fn place(self, share: f64) -> f64 {
        let along = match self.is_even() {
            true => share / self.half,
            false => libm::asinh(share / EVEN_WITHIN) / libm::asinh(self.half / EVEN_WITHIN),
        };
        (0.5 + 0.5 * along).clamp(0.0, 1.0)
    }

    /// The shares that lines mark, besides zero.
    fn marks(self) -> impl Iterator<Item = f64> {
        let marked = MARKED.into_iter();
        let marked = marked.filter(move |mark| !self.is_even() && *mark < 0.9 * self.half);
        marked.flat_map(|mark| [-mark, mark])
    }

    /// The scale itself: the ends of the axis and zero, as percentages of the base.
    pub fn scale(self) -> Svg {
        let half = 100.0 * self.half;
        let mut picture = Picture::new(HEIGHT, &format!("From -{half:.0} to +{half:.0} %"), "");
        for (class, anchor, at, text) in [
            ("", "start", 0.0, format!("-{half:.0} %")),
            ("", "middle", 0.5, "0".to_owned()),
            ("", "end", 1.0, format!("+{half:.0} %")),
        ] {
            picture.text(class, anchor, at, HEIGHT - 4.0, &text);
        }
        picture.finish()
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
        for mark in self.marks() {
            picture.upright("grid", self.place(mark), 0.0, HEIGHT);
        }
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
        // What lies beyond the axis has an arrow at its edge, not a bar that seems to be its value.
        if difference.abs() > self.half {
            let (anchor, arrow) = match difference > 0.0 {
                true => ("end", "▸"),
                false => ("start", "◂"),
            };
            picture.text("strong", anchor, at, 12.0, arrow);
            return picture.finish();
        }
        let at = at.clamp(0.006, 0.994);
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
        assert_eq!(axis.half, 0.3);
        assert_eq!(axis.place(0.3), 1.0);
        assert_eq!(axis.place(-0.3), 0.0);
        let far = Axis::of([spread(0.0, 7.0, f64::INFINITY), spread(2.0, 3.0, 4.0)].into_iter());
        assert_eq!((far.half, far.place(5.0)), (5.0, 1.0));
        let farther = Axis::of(std::iter::once(spread(0.0, 200.0, 300.0)));
        assert_eq!(farther.half, HALF_MAX);
        let askama::filters::Safe(svg) = farther.draw(spread(0.0, 200.0, 300.0), "of-bad");
        assert!(svg.contains("▸"), "{svg}");
    }

    #[test]
    fn small_and_huge_differences_are_told_apart_on_one_axis() {
        let axis = Axis::of([spread(-0.02, 0.0, 0.02), spread(6.0, 7.0, 8.0)].into_iter());
        let places = [-0.5, -0.05, 0.0, 0.02, 0.05, 0.5, 5.0, 7.0].map(|share| axis.place(share));
        for pair in places.windows(2) {
            assert!(pair[1] - pair[0] > 0.01, "{places:?}");
        }
    }

    #[test]
    fn nothing_has_an_axis_too() {
        assert_eq!(Axis::of(std::iter::empty()).half, HALF_MIN);
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
