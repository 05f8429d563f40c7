//! Pictures as SVG, each complete in itself and on white, so that it reads the same on any page. Whatever has a colour
//! has a class too, by which a page in other colours, as one in the dark, gives it its own.

mod axis;
mod labels;

pub(crate) use axis::{Axis, Frame};
pub(crate) use labels::{Labels, Placed, Rectangle, width};

/// The width of every picture, in pixels.
pub(crate) const WIDTH: f64 = 720.0;
pub(crate) const HEIGHT: f64 = 480.0;

/// Okabe and Ito's colours, which the colour-blind can tell apart.
pub(crate) const COLOURS: [&str; 4] = ["#0072b2", "#56b4e9", "#d55e00", "#e69f00"];

/// Text of others, fit to stand in an SVG.
pub(crate) fn escaped(text: &str) -> String {
    let visible = text.chars().filter(|c| !c.is_control());
    let mut escaped = String::new();
    for c in visible {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Unassigned for good, and refused by XML.
            '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_the_element_it_is_in() {
        assert_eq!(
            escaped("a</text>&\u{1b}<b>"),
            "a&lt;/text&gt;&amp;&lt;b&gt;"
        );
    }
}
