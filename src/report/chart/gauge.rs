//! A figure against its limit, and a share of a whole: bars that fit in a cell of a table.

use super::{Picture, Svg};

const HEIGHT: f64 = 12.0;

/// How much of its limit a figure takes. The limit stands at three quarters of the width; where the figure is
/// too large for that, it fills the width.
pub fn gauge(actual: f64, limit: f64) -> Svg {
    let whole = (limit / 0.75).max(actual).max(f64::MIN_POSITIVE);
    let class = if actual <= limit {
        "h of-good"
    } else {
        "h of-bad"
    };
    let mut picture = Picture::new(HEIGHT, "Actual against limit", "");
    picture.bar("track", (0.0, 1.0), (2.0, HEIGHT - 4.0), "");
    picture.bar(
        class,
        (0.0, actual.max(0.0) / whole),
        (2.0, HEIGHT - 4.0),
        "",
    );
    picture.upright("at", (limit / whole).min(1.0), 0.0, HEIGHT);
    picture.finish()
}

/// A share of a whole, in 0..=1, in the colour of a class.
pub fn share(class: &str, share: f64) -> Svg {
    let mut picture = Picture::new(HEIGHT, "Share", "");
    picture.bar("track", (0.0, 1.0), (2.0, HEIGHT - 4.0), "");
    picture.bar(
        &format!("h {class}"),
        (0.0, share.clamp(0.0, 1.0)),
        (2.0, HEIGHT - 4.0),
        "",
    );
    picture.finish()
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::numbers;
    use super::*;

    #[test]
    fn a_figure_over_its_limit_reaches_beyond_the_mark() {
        let widths = |svg: Svg| {
            (
                numbers(&svg.0, "<rect", " width")[1],
                numbers(&svg.0, "<line", " x1")[0],
            )
        };
        assert_eq!(widths(gauge(50.0, 100.0)), (37.5, 75.0));
        assert_eq!(widths(gauge(200.0, 100.0)), (100.0, 50.0));
        for svg in [gauge(0.0, 0.0), gauge(3.0, 0.0), share("of-good", 7.0)] {
            assert!(!svg.0.contains("NaN"), "{}", svg.0);
        }
    }
}
