//! What documents about several simulations begin with.

use crate::report::subject::Subject;
use crate::scenario::Scenario;

/// A scenario, simulated in so many worlds each time.
pub(super) fn subject(scenario: &Scenario, worlds: u32) -> Subject {
    Subject {
        name: scenario.name().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        seed: scenario.seed().0,
        worlds,
        kind: scenario.kind_of_world(),
    }
}
