//! Where the labels of points go: beside them, over nothing else, and inside of the frame.

/// Room that something takes, in pixels; y grows downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rectangle {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rectangle {
    pub(crate) fn around(x: f64, y: f64, half: f64) -> Rectangle {
        Rectangle {
            left: x - half,
            top: y - half,
            right: x + half,
            bottom: y + half,
        }
    }

    fn meets(&self, other: &Rectangle) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn holds(&self, other: &Rectangle) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }
}

/// A label that found a place: where its text begins, has its middle or ends, on the base line `y`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    pub x: f64,
    pub y: f64,
    /// `start`, `middle` or `end`, whichever is nearest to the point: text may be shorter than its room.
    pub anchor: &'static str,
    /// A line to its point, from the first to the second end, if it lies far off.
    pub line: Option<[(f64, f64); 2]>,
}

/// The frame that labels lie in, and the room that is taken.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    bounds: Rectangle,
    taken: Vec<Rectangle>,
}

/// The room for a letter of text of 12 pixels, wider than most letters are; `WIDE_LETTER` is that for a character
/// that is no Latin letter.
const LETTER: f64 = 6.8;
const WIDE_LETTER: f64 = 12.5;
const LINE: f64 = 14.0;

/// How far a label may lie from its point. From the third on, a line leads to it.
const DISTANCES: [f64; 8] = [8.0, 14.0, 24.0, 36.0, 52.0, 72.0, 96.0, 124.0];
const NEAR: f64 = 20.0;

/// Directions from a point to its label, the best first: below a falling line on the left there is nothing else.
const DIRECTIONS: [(f64, f64); 12] = [
    (-0.7, 0.7),
    (-1.0, 0.0),
    (0.0, 1.0),
    (0.7, -0.7),
    (1.0, 0.0),
    (0.0, -1.0),
    (-0.7, -0.7),
    (0.7, 0.7),
    (-0.94, 0.34),
    (-0.34, 0.94),
    (0.94, -0.34),
    (0.34, -0.94),
];

impl Labels {
    pub(crate) fn within(bounds: Rectangle) -> Labels {
        Labels {
            bounds,
            taken: Vec::new(),
        }
    }

    /// Keeps labels out of `room`.
    pub(crate) fn avoid(&mut self, room: Rectangle) {
        self.taken.push(room);
    }

    /// Keeps labels off this line.
    pub(crate) fn avoid_line(&mut self, from: (f64, f64), to: (f64, f64)) {
        let dots = along(from, to).map(|(x, y)| Rectangle::around(x, y, 2.0));
        self.taken.extend(dots);
    }

    /// Finds a place for the label of a point, and takes it; `None` if there is no room near it.
    pub(crate) fn place(&mut self, (x, y): (f64, f64), text: &str) -> Option<Placed> {
        let width = width(text);
        let rings = DISTANCES
            .into_iter()
            .flat_map(|far| DIRECTIONS.into_iter().map(move |(dx, dy)| (far, dx, dy)));
        for (far, dx, dy) in rings {
            // The label's near end, from which it extends away from the point.
            let (end_x, end_y) = (x + dx * far, y + dy * far);
            let left = end_x - width * (1.0 - dx) / 2.0;
            let top = end_y - LINE * (1.0 - dy) / 2.0;
            let room = Rectangle {
                left,
                top,
                right: left + width,
                bottom: top + LINE,
            };
            let line = (far > NEAR).then_some([(x + dx * 6.0, y + dy * 6.0), (end_x, end_y)]);
            if self.is_free(&room) && line.is_none_or(|[from, to]| self.is_clear(from, to)) {
                self.taken.push(room);
                if let Some([from, to]) = line {
                    self.avoid_line(from, to);
                }
                let (x, anchor) = match dx {
                    ..-0.5 => (room.right, "end"),
                    0.5.. => (room.left, "start"),
                    _ => ((room.left + room.right) / 2.0, "middle"),
                };
                return Some(Placed {
                    x,
                    y: top + LINE - 3.5,
                    anchor,
                    line,
                });
            }
        }
        None
    }

    fn is_free(&self, room: &Rectangle) -> bool {
        self.bounds.holds(room) && !self.taken.iter().any(|taken| taken.meets(room))
    }

    /// Whether a line crosses nothing on its way; where it begins is its point.
    fn is_clear(&self, from: (f64, f64), to: (f64, f64)) -> bool {
        let dots = along(from, to).skip(2);
        dots.map(|(x, y)| Rectangle::around(x, y, 1.0))
            .all(|dot| !self.taken.iter().any(|taken| taken.meets(&dot)))
    }
}

/// Points on a line, some four pixels apart.
fn along(from: (f64, f64), to: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    // Pictures are some hundred pixels wide.
    let steps = ((dx.abs() + dy.abs()) / 4.0).ceil().clamp(1.0, 1e3) as u32;
    (0..=steps).map(move |step| {
        let share = f64::from(step) / f64::from(steps);
        (from.0 + share * dx, from.1 + share * dy)
    })
}

/// About how wide a text of 12 pixels is, rather too wide.
pub(crate) fn width(text: &str) -> f64 {
    let letter = |c: char| if c < '\u{300}' { LETTER } else { WIDE_LETTER };
    text.chars().map(letter).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room_of(placed: &Placed, text: &str) -> Rectangle {
        let left = match placed.anchor {
            "end" => placed.x - width(text),
            "start" => placed.x,
            _ => placed.x - width(text) / 2.0,
        };
        Rectangle {
            left,
            top: placed.y + 3.5 - LINE,
            right: left + width(text),
            bottom: placed.y + 3.5,
        }
    }

    #[test]
    fn labels_of_a_crowd_lie_apart_and_inside() {
        let bounds = Rectangle::around(200.0, 200.0, 150.0);
        let mut labels = Labels::within(bounds);
        let points: Vec<(f64, f64)> = (0..12)
            .map(|n| (195.0 + 4.0 * f64::from(n), 190.0 + 3.0 * f64::from(n)))
            .collect();
        for (x, y) in &points {
            labels.avoid(Rectangle::around(*x, *y, 5.0));
        }
        let text = "300, never";
        let rooms: Vec<Rectangle> = points
            .iter()
            .filter_map(|point| labels.place(*point, text))
            .map(|placed| room_of(&placed, text))
            .collect();
        assert!(rooms.len() >= 8, "{} found room", rooms.len());
        for (index, room) in rooms.iter().enumerate() {
            assert!(bounds.holds(room), "{room:?}");
            assert!(rooms[..index].iter().all(|other| !other.meets(room)));
            for (x, y) in &points {
                assert!(!room.meets(&Rectangle::around(*x, *y, 5.0)));
            }
        }
    }

    #[test]
    fn a_label_that_finds_no_room_is_left_out() {
        let mut labels = Labels::within(Rectangle::around(50.0, 50.0, 40.0));
        assert!(
            labels
                .place((50.0, 50.0), "much too long to fit in here")
                .is_none()
        );
        assert!(
            labels
                .place((50.0, 50.0), "fits")
                .is_some_and(|at| at.line.is_none())
        );
    }
}
