//! What somebody may have meant by a key that is no budget.

use super::{Count, Statistic};
use crate::event::{Hop, Metric};
use crate::nearest;

/// How alike a key is to what was written at least, for it to be offered.
const ALIKE_MIN: f64 = 0.7;

/// The budget key that is most like `name`; `None` if none is alike.
pub(super) fn nearest(name: &str) -> Option<String> {
    let statistic = statistic(name);
    let metrics = Metric::ALL.map(|metric| format!("{metric}_{statistic}_ms"));
    let hops = Hop::ALL.map(|hop| format!("hop.{hop}_{statistic}_ms"));
    let counts = Count::ALL.map(|(count, _)| format!("{count}_max"));
    let all = metrics.into_iter().chain(hops).chain(counts);
    nearest::nearest(name, all, ALIKE_MIN)
}

/// The statistic that a key ends with, as it is written there; a usual one if it has none.
fn statistic(name: &str) -> &str {
    let name = name.strip_suffix("_ms").unwrap_or(name);
    match Statistic::at_end_of(name) {
        Some((what, _)) => &name[what.len() + 1..],
        None => "p95",
    }
}

/// The key with an underscore in place of a point between digits: `p99.9`.
pub(super) fn with_underscore(name: &str) -> Option<String> {
    let (before, behind) = name.rsplit_once('.')?;
    let is_digit = |c: char| c.is_ascii_digit();
    (before.ends_with(is_digit) && behind.starts_with(is_digit))
        .then(|| format!("{before}_{behind}"))
}
