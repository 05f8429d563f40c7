//! Networks of three kinds. All their figures are assumptions, not measurements: together with the
//! jitter buffer they stay under the 150 ms one way within which ITU-T G.114 (2003) finds most
//! conversations undisturbed. Whoever knows their own network should give its figures.

use super::Way;
use crate::scenario::latency::LatencyModel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network by its kind. Assumed, not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkPreset {
    /// A browser or an app over the internet, to a server of the same region.
    Webrtc,
    /// The public telephone network, by way of a provider's gateway.
    Telephone,
    /// Both ends on one local network.
    Lan,
}

impl NetworkPreset {
    /// Every kind of network.
    pub const ALL: [NetworkPreset; 3] = [
        NetworkPreset::Webrtc,
        NetworkPreset::Telephone,
        NetworkPreset::Lan,
    ];

    /// Where the figures are from, in a line.
    pub const SOURCE: &str = "assumed, not measured; most first sounds cross within the 150 ms one way of ITU-T G.114 (2003)";

    /// The name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            NetworkPreset::Webrtc => "webrtc",
            NetworkPreset::Telephone => "telephone",
            NetworkPreset::Lan => "lan",
        }
    }

    /// The figures of the network, which are the same both ways.
    pub fn way(self) -> Way {
        match self {
            NetworkPreset::Webrtc => way((30.0, 80.0), (4.0, 15.0), 40.0, 0.01),
            NetworkPreset::Telephone => way((60.0, 85.0), (3.0, 12.0), 60.0, 0.005),
            NetworkPreset::Lan => way((1.0, 3.0), (0.5, 2.0), 20.0, 0.0),
        }
    }
}

/// Delay and jitter as median and 95th percentile in milliseconds. A conversation keeps its route,
/// so that its delays go together.
fn way(delay: (f64, f64), jitter: (f64, f64), jitter_buffer_ms: f64, loss: f64) -> Way {
    let lognormal = |(median_ms, p95_ms)| LatencyModel::Lognormal { median_ms, p95_ms };
    Way {
        delay: Some(LatencyModel::Correlated {
            correlation: 0.8,
            turn: 0.0,
            model: Box::new(lognormal(delay)),
        }),
        jitter: Some(lognormal(jitter)),
        jitter_buffer_ms: Some(jitter_buffer_ms),
        loss: Some(loss),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use crate::scenario::network::NetworkTable;
    use crate::scenario::problem::Table;
    use std::time::Duration;

    #[test]
    fn most_first_sounds_cross_a_preset_network_within_150_ms() {
        let source = Seed(1).source("test", "network");
        for (preset, holes_max) in [
            (NetworkPreset::Webrtc, 0.02),
            (NetworkPreset::Telephone, 0.01),
            (NetworkPreset::Lan, 0.001),
        ] {
            let network = NetworkTable {
                preset: Some(preset),
                ..NetworkTable::default()
            };
            let parsed = network.parse(Table::at(&["network"]));
            let path = parsed.expect("a network").inbound;
            assert!(path.holes() < holes_max, "{preset:?}: {}", path.holes());
            let within = (0..10_000)
                .map(|n| path.cross(&mut source.draw(n, 0), &mut source.mood(n)))
                .filter(|crossing| crossing.takes(None) <= Duration::from_millis(150))
                .count();
            assert!(within >= 9_500, "{preset:?}: {within} of 10,000");
        }
    }
}
