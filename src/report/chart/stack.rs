//! Hops end to end: bars of latencies, each cut into what it consists of.

use super::{Picture, Svg, ms_in_words};
use crate::event::Hop;

/// A latency and its hops, in milliseconds and path order.
pub struct Bar {
    /// Whose latency the bar shows; no text of others.
    pub label: String,
    pub hops: Vec<(Hop, f64)>,
}

impl Bar {
    fn total_ms(&self) -> f64 {
        self.hops.iter().map(|(_, ms)| ms).sum()
    }
}

const LABEL: f64 = 20.0;
const HEIGHT: f64 = 32.0;
const GAP: f64 = 20.0;

/// All bars on one scale, which ends with the longest.
pub fn stack(title: &str, bars: &[Bar]) -> Svg {
    let longest = bars.iter().map(Bar::total_ms).fold(0.0, f64::max);
    let rows = bars.len() as f64;
    let says: Vec<String> = bars.iter().map(in_words).collect();
    let height = (rows * (LABEL + HEIGHT + GAP) - GAP).max(0.0);
    let mut picture = Picture::new(height, title, &says.join(". "));
    for (row, bar) in bars.iter().enumerate() {
        let top = row as f64 * (LABEL + HEIGHT + GAP);
        picture.text("strong", "start", 0.0, top + 12.0, &bar.label);
        let mut at = 0.0;
        for (hop, ms) in &bar.hops {
            let end = at + ms / longest.max(f64::MIN_POSITIVE);
            let class = format!("h cut {}", hop.name());
            let within = format!("{} {}", hop.name(), ms_in_words(*ms));
            picture.bar(&class, (at, end.min(1.0)), (top + LABEL, HEIGHT), &within);
            at = end.min(1.0);
        }
    }
    picture.finish()
}

fn in_words(bar: &Bar) -> String {
    let hops = bar.hops.iter();
    let hops: Vec<String> = hops
        .map(|(hop, ms)| format!("{} {}", hop.name(), ms_in_words(*ms)))
        .collect();
    format!("{}: {}", bar.label, hops.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::numbers;
    use super::*;

    fn bar(hops: &[(Hop, f64)]) -> Bar {
        Bar {
            label: "turn".into(),
            hops: hops.to_vec(),
        }
    }

    #[test]
    fn hops_lie_end_to_end_and_the_longest_bar_is_as_wide_as_the_picture() {
        let long = bar(&[(Hop::EndpointingWait, 300.0), (Hop::Answer, 100.0)]);
        let short = bar(&[(Hop::EndpointingWait, 100.0), (Hop::Answer, 100.0)]);
        let svg = stack("Hops", &[long, short]).0;
        assert_eq!(numbers(&svg, "<rect", " x"), [0.0, 75.0, 0.0, 25.0]);
        assert_eq!(numbers(&svg, "<rect", " width"), [75.0, 25.0, 25.0, 25.0]);
    }

    #[test]
    fn nothing_and_no_time_at_all_are_drawn_too() {
        for bars in [vec![], vec![bar(&[])], vec![bar(&[(Hop::Answer, 0.0)])]] {
            let svg = stack("Hops", &bars).0;
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
