//! A frame of two axes with their grid.

use super::{HEIGHT, WIDTH, escaped};
use std::fmt::Write;

const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 74.0;
const BOTTOM: f64 = 60.0;

/// If a range is one value, the share of the value that is shown to either side.
const AROUND: f64 = 0.05;

/// What is shown along one side: from the first tick to the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    title: String,
    /// The ticks with their labels: rising, and two at least.
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that has room for all of `values`, none of them negative, with some five round ticks. What
    /// stands behind a number is `unit`.
    pub(crate) fn around(title: &str, values: impl IntoIterator<Item = f64>, unit: &str) -> Axis {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= 1e-9 * high.abs() {
            let margin = if high == 0.0 { 1.0 } else { AROUND * high };
            (low, high) = ((low - margin).max(0.0), high + margin);
        }
        let (step, digits) = round_step((high - low) / 5.0);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let mut ticks = Vec::new();
        let mut count = first;
        while count <= last {
            let value = count * step;
            ticks.push((value, format!("{value:.digits$}{unit}")));
            count += 1.0;
        }
        Axis::with(title, ticks)
    }

    /// An axis with these ticks and their labels.
    pub(crate) fn with(title: &str, ticks: Vec<(f64, String)>) -> Axis {
        Axis {
            title: title.to_owned(),
            ticks,
        }
    }

    /// The values of the ticks, rising, with their labels. There are two at least.
    pub(crate) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// Where a value lies between the ends, 0 to 1. What lies outside is at the end.
    pub(crate) fn share(&self, value: f64) -> f64 {
        match self.ticks.as_slice() {
            [(low, _), .., (high, _)] => ((value - low) / (high - low)).clamp(0.0, 1.0),
            _ => 0.0,
        }
    }
}

/// The round number, 1, 2 or 5 times a power of ten, that is not smaller than `least`; with how many digits
/// it is written.
fn round_step(least: f64) -> (f64, usize) {
    let (mut power, mut digits) = (1.0, 0);
    while least > 5.0 * power {
        power *= 10.0;
    }
    while least <= power / 2.0 && digits < 12 {
        power /= 10.0;
        digits += 1;
    }
    let step = [1.0, 2.0, 5.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| least <= *step)
        .unwrap_or(10.0 * power);
    (step, digits)
}

/// Two axes, and where values lie on them, in pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub x: Axis,
    pub y: Axis,
}

impl Frame {
    pub(crate) const LEFT: f64 = LEFT;
    pub(crate) const RIGHT: f64 = WIDTH - RIGHT;
    pub(crate) const TOP: f64 = TOP;
    pub(crate) const BOTTOM: f64 = HEIGHT - BOTTOM;

    pub(crate) fn x(&self, value: f64) -> f64 {
        LEFT + self.x.share(value) * (Frame::RIGHT - LEFT)
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        Frame::BOTTOM - self.y.share(value) * (Frame::BOTTOM - TOP)
    }

    /// A picture: its beginning, the frame, what `content` adds, its end.
    pub(crate) fn picture(&self, title: &str, content: impl FnOnce(&mut String)) -> String {
        let mut svg = String::new();
        // Writing to a String cannot fail.
        let _ = self.begin(&mut svg, title);
        content(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn begin(&self, svg: &mut String, title: &str) -> std::fmt::Result {
        let title = escaped(title);
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">"
        )?;
        writeln!(svg, "<title>{title}</title>")?;
        writeln!(
            svg,
            "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>"
        )?;
        writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"22\" font-size=\"14\" font-weight=\"bold\">{title}</text>"
        )?;
        self.grid(svg)?;
        let (middle, below) = ((LEFT + Frame::RIGHT) / 2.0, HEIGHT - 18.0);
        writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
            escaped(&self.x.title)
        )?;
        writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\">{}</text>",
            TOP - 12.0,
            escaped(&self.y.title)
        )
    }

    fn grid(&self, svg: &mut String) -> std::fmt::Result {
        let (right, bottom) = (Frame::RIGHT, Frame::BOTTOM);
        for (value, label) in &self.x.ticks {
            let (x, below) = (self.x(*value), bottom + 18.0);
            writeln!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>\n\
                 <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
                escaped(label)
            )?;
        }
        for (value, label) in &self.y.ticks {
            let (y, beside) = (self.y(*value), LEFT - 8.0);
            writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>\n\
                 <text x=\"{beside}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                y + 4.0,
                escaped(label)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64]) -> Vec<String> {
        let axis = Axis::around("", values.iter().copied(), "");
        axis.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        assert_eq!(
            ticks(&[812.0, 1_490.0]),
            ["800", "1000", "1200", "1400", "1600"]
        );
        assert_eq!(
            ticks(&[0.0, 0.05]),
            ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]
        );
        assert_eq!(
            ticks(&[3.0, f64::NAN, 11.0]),
            ["2", "4", "6", "8", "10", "12"]
        );
        assert_eq!(
            ticks(&[0.012, 0.0131]).first().map(String::as_str),
            Some("0.0120")
        );
        assert!(ticks(&[0.0, 1e9]).len() < 12);
    }

    #[test]
    fn one_value_or_none_has_an_axis_too() {
        for values in [&[][..], &[0.0], &[7.5], &[1e-7]] {
            let axis = Axis::around("", values.iter().copied(), "");
            assert!((2..12).contains(&axis.ticks.len()), "{values:?}: {axis:?}");
            for value in values {
                assert!((0.0..=1.0).contains(&axis.share(*value)));
            }
        }
    }

    #[test]
    fn values_lie_inside_of_the_frame() {
        let axis = || Axis::around("", [1.0, 9.0], " ms");
        let (x, y) = (axis(), axis());
        let frame = Frame { x, y };
        assert_eq!((frame.x(0.0), frame.x(99.0)), (Frame::LEFT, Frame::RIGHT));
        assert_eq!((frame.y(0.0), frame.y(99.0)), (Frame::BOTTOM, Frame::TOP));
    }
}
