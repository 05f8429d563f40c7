//! The points that no other point beats (the Pareto front); on both axes less is better.

/// Tells for each point whether it is on the front: no other point is at least as good by both axes and better
/// by one. A point of which something is unknown is not on the front.
pub(super) fn front(points: &[Option<(f64, f64)>]) -> Vec<bool> {
    let beats = |(x, y): (f64, f64), (other_x, other_y): (f64, f64)| {
        x <= other_x && y <= other_y && (x < other_x || y < other_y)
    };
    let is_beaten = |point| points.iter().flatten().any(|other| beats(*other, point));
    points
        .iter()
        .map(|point| point.is_some_and(|point| !is_beaten(point)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_what_nothing_beats() {
        let points = [
            (1.0, 9.0),
            (2.0, 5.0),
            (3.0, 5.0),
            (3.0, 6.0),
            (4.0, 1.0),
            (9.0, 1.0),
        ];
        let on_front = front(&points.map(Some));
        assert_eq!(on_front, [true, true, false, false, true, false]);
    }

    #[test]
    fn twins_are_both_on_it_and_the_unknown_is_not() {
        let points = [Some((1.0, 1.0)), None, Some((1.0, 1.0))];
        assert_eq!(front(&points), [true, false, true]);
        assert!(front(&[]).is_empty());
    }
}
