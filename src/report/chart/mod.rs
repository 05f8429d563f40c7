//! Pictures in a page, as SVG: data in, text out.
//!
//! Pictures are as wide as there is room and as high as they say. Places along the width are shares of it, so that
//! letters and lines keep their size on any screen; a path, which knows no shares, lies in a frame of its own that
//! is stretched. Colours come from the page's style, by class.

mod decision;
mod gauge;
mod histogram;
pub mod interval;
mod loudness;
mod panel;
mod percentiles;
mod stack;
#[cfg(test)]
mod test_numbers;
mod timeline;

pub use decision::{Thought, decision};
pub use gauge::{gauge, share};
pub use histogram::{Small, histogram};
pub use loudness::Loudness;
pub use panel::{Lane, Panel};
pub use percentiles::{Curve, percentiles};
pub use stack::{Bar, stack};
pub use timeline::{Begun, timeline};

use crate::measure::Known;
use askama::filters::Safe;
use std::fmt::Write;

/// A picture, as it stands in a page.
pub type Svg = Safe<String>;

/// How wide the frame of a path is, in its own units: whole numbers are fine enough for any screen.
const PATH_WIDTH: f64 = 1_000.0;

/// Units of a path in the height of a pixel.
const PATH_UNITS: f64 = 4.0;

/// A picture that is being drawn. Writing to a String cannot fail, so errors are ignored.
pub struct Picture(String);

impl Picture {
    /// An empty picture `height` pixels high. Screen readers tell it by `title` and `says`, which hold no text of
    /// others.
    pub fn new(height: f64, title: &str, says: &str) -> Picture {
        let mut picture = Picture(String::new());
        picture.add(format_args!(
            "<svg class=\"chart\" height=\"{height}\" role=\"img\"><title>{title}</title>"
        ));
        if !says.is_empty() {
            picture.add(format_args!("<desc>{says}</desc>"));
        }
        picture
    }

    pub fn add(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(element);
    }

    /// A rectangle from one share of the width to another; `within` goes inside of it.
    pub fn bar(
        &mut self,
        class: &str,
        (from, to): (f64, f64),
        (top, height): (f64, f64),
        within: &str,
    ) {
        let (x, width) = (percent(from), percent((to - from).max(0.0)));
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\""
        ));
        match within {
            "" => self.add(format_args!("/>")),
            within => self.add(format_args!("><title>{within}</title></rect>")),
        }
    }

    /// Text at a share of the width, turned away from an edge that is near. It holds no text of others.
    pub fn label(&mut self, class: &str, share: f64, y: f64, text: &str) {
        let anchor = match share {
            ..0.06 => "start",
            0.93.. => "end",
            _ => "middle",
        };
        self.text(class, anchor, share, y, text);
    }

    /// Text at a share of the width.
    pub fn text(&mut self, class: &str, anchor: &str, share: f64, y: f64, text: &str) {
        let x = percent(share);
        self.add(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// An upright line.
    pub fn upright(&mut self, class: &str, share: f64, top: f64, bottom: f64) {
        let x = percent(share);
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\"/>"
        ));
    }

    /// A line across all of the width.
    pub fn level(&mut self, class: &str, y: f64) {
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>"
        ));
    }

    /// A path of class `class`, whose points lie in 0..=1,000 across and 0..=4 `height` down.
    pub fn path(&mut self, class: &str, (top, height): (f64, f64), path: &str) {
        let units = PATH_UNITS * height;
        self.add(format_args!(
            "<svg y=\"{top}\" width=\"100%\" height=\"{height}\" viewBox=\"0 0 {PATH_WIDTH} {units}\" preserveAspectRatio=\"none\"><path class=\"{class}\" d=\"{path}\"/></svg>"
        ));
    }

    pub fn finish(mut self) -> Svg {
        self.0.push_str("</svg>");
        Safe(self.0)
    }
}

/// A share of the width, as a picture has it: to a thousandth of it.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share.clamp(-1.0, 2.0));
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short}%")
}

/// Milliseconds for people: three digits, or whole.
pub fn ms_in_words(ms: f64) -> String {
    match ms {
        ..9.95 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

/// A figure in few digits, with `over` before what it lies over.
pub fn known_in_words(known: Known) -> String {
    match known {
        Known::Is(value) => ms_in_words(value),
        Known::Over(bound) => format!("over {}", ms_in_words(bound)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_short() {
        for (share, text) in [
            (0.0, "0%"),
            (0.5, "50%"),
            (1.0, "100%"),
            (1.0 / 3.0, "33.33%"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn a_picture_says_what_it_is_and_is_closed() {
        let mut picture = Picture::new(20.0, "Hops", "none");
        picture.bar("h", (0.1, 0.2), (0.0, 8.0), "an answer");
        let Safe(svg) = picture.finish();
        assert!(svg.starts_with(
            "<svg class=\"chart\" height=\"20\" role=\"img\"><title>Hops</title><desc>"
        ));
        assert!(svg.contains("x=\"10%\"") && svg.ends_with("</rect></svg>"));
    }
}
