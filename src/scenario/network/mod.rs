//! The way of sound between caller and assistant.
//!
//! Sound travels in packets of 20 ms and waits in a jitter buffer. A packet that is lost, or later
//! than the buffer waits, makes a hole. The first sound of a turn is there with the first packet
//! that gets through; packets are taken to be lost independently of each other, not in bursts, except
//! for those that a scenario asks for: while one lasts, more of them are lost.

mod bursts;
mod presets;

pub use bursts::{Burst, Bursts};
pub use presets::NetworkPreset;

use super::latency::{Latency, LatencyModel, Work};
use super::problem::{Problem, Table};
use crate::rng::Draw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const PACKET: Duration = Duration::from_millis(20);

/// More packets are never lost in a row: ten seconds.
const LOST_IN_A_ROW_MAX: u32 = 500;

/// With more holes than this there is no call.
const HOLES_MAX: f64 = 0.5;

/// A quarter of a minute: no jitter buffer, and no distance, is longer.
const WAIT_MAX_MS: f64 = 15_000.0;

/// `[network]` as it is written, both ways. Nothing given is no network: all sound is there at once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkTable {
    /// The kind of network, which gives what `in` and `out` leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<NetworkPreset>,
    /// Milliseconds added each way, for a server in another region, up to 15,000.
    pub region_ms: f64,
    /// The way from the caller to the assistant.
    #[serde(rename = "in")]
    pub inbound: Way,
    /// The way from the assistant to the caller.
    #[serde(rename = "out")]
    pub outbound: Way,
}

/// One way. A value that is left out is the preset's, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Way {
    /// Delay of a turn, without the jitter buffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<LatencyModel>,
    /// Delay of a packet, on top of that of its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<LatencyModel>,
    /// How long sound waits for late packets, in milliseconds, up to 15,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_buffer_ms: Option<f64>,
    /// The share of packets that never arrive, from 0 to a half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
}

/// A network with both ways, ready to cross.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Whether there is a network at all.
    pub is_there: bool,
    /// The way from the caller to the assistant.
    pub inbound: Path,
    /// The way from the assistant to the caller.
    pub outbound: Path,
}

/// One way, ready to cross.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    delay: Latency,
    /// The region's distance and the jitter buffer.
    fixed: Duration,
    /// The share of packets that are lost or too late.
    holes: f64,
}

impl NetworkTable {
    /// Whether nothing is given, so that sound crosses nothing.
    pub(super) fn is_none(&self) -> bool {
        *self == NetworkTable::default()
    }

    /// Writes out what the kind of network stands for, so that both ways say all by themselves.
    pub(super) fn write_out(&mut self) {
        (self.inbound, self.outbound) = (self.inbound(), self.outbound());
        self.preset = None;
    }

    /// The network that the table means; `at` is `[network]`.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Network, Problem> {
        let region_ms = wait_ms(self.region_ms).map_err(|fix| at.problem("region_ms", fix))?;
        let path = |name: &str, way: Way| {
            let parsed = Path::parse(&way, region_ms);
            parsed.map_err(|(key, fix)| at.problem(&format!("{name}.{key}"), fix))
        };
        Ok(Network {
            is_there: !self.is_none(),
            inbound: path("in", self.inbound())?,
            outbound: path("out", self.outbound())?,
        })
    }

    fn inbound(&self) -> Way {
        self.inbound.clone().or(self.preset)
    }

    fn outbound(&self) -> Way {
        self.outbound.clone().or(self.preset)
    }
}

impl Way {
    /// The figures that are given, each in a short line.
    pub fn describe(&self) -> Vec<String> {
        let drawn = |name: &str, model: &Option<LatencyModel>| {
            let model = model.as_ref()?;
            Some(format!("{name} {}", model.describe()))
        };
        let buffer = self.jitter_buffer_ms;
        let lines = [
            drawn("delay:", &self.delay),
            drawn("jitter:", &self.jitter),
            buffer.map(|ms| format!("jitter buffer: {ms} ms")),
            self.loss
                .map(|share| format!("lost packets: {} %", share * 100.0)),
        ];
        lines.into_iter().flatten().collect()
    }

    fn or(self, preset: Option<NetworkPreset>) -> Way {
        let default = preset.map_or_else(Way::default, NetworkPreset::way);
        Way {
            delay: self.delay.or(default.delay),
            jitter: self.jitter.or(default.jitter),
            jitter_buffer_ms: self.jitter_buffer_ms.or(default.jitter_buffer_ms),
            loss: self.loss.or(default.loss),
        }
    }
}

impl Path {
    /// A way that is ready to cross.
    ///
    /// # Errors
    /// The key that is wrong, and the fix.
    fn parse(way: &Way, region_ms: f64) -> Result<Path, (&'static str, String)> {
        let drawn = |key, model: &Option<LatencyModel>| match model {
            Some(model) => model.parse().map_err(|fix| (key, fix)),
            None => Ok(Latency::fixed_ms(0)),
        };
        let delay = drawn("delay", &way.delay)?;
        let jitter = drawn("jitter", &way.jitter)?;
        let buffer_ms = wait_ms(way.jitter_buffer_ms.unwrap_or(0.0));
        let buffer_ms = buffer_ms.map_err(|fix| ("jitter_buffer_ms", fix))?;
        let loss = way.loss.unwrap_or(0.0);
        if !(0.0..=HOLES_MAX).contains(&loss) {
            let fix = format!(
                "{loss} is no share of packets that a call survives; give 0 (none) to {HOLES_MAX} (half of them)"
            );
            return Err(("loss", fix));
        }
        let holes = loss + (1.0 - loss) * jitter.share_above(buffer_ms);
        if holes > HOLES_MAX {
            let percent = libm::round(holes * 100.0);
            let fix = format!(
                "{percent} % of packets are lost or later than the jitter buffer waits, too many for a call; give a longer buffer, less jitter or less loss"
            );
            return Err(("jitter_buffer_ms", fix));
        }
        // The span is rounded to the nearest nanosecond.
        let fixed_ns = ((region_ms + buffer_ms) * 1e6 + 0.5) as u64;
        Ok(Path {
            delay,
            fixed: Duration::from_nanos(fixed_ns),
            holes,
        })
    }

    /// The way of a turn's first sound: distance, delay, jitter buffer, and the packets before the
    /// first that gets through. `mood` is that of the conversation, made afresh.
    pub fn cross(&self, draw: &mut Draw, mood: &mut Draw) -> Crossing {
        // Drawn first, so that this number does not depend on how many the delay takes.
        let number = draw.uniform();
        let delay = self.delay.sample(draw, mood, Work::default());
        Crossing {
            whole: self.fixed + delay,
            holes: self.holes,
            number,
        }
    }

    /// The share of sound that is missing, from 0 to 1.
    pub fn holes(&self) -> f64 {
        self.holes
    }
}

/// One way of sound, as it was drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Crossing {
    /// How long the way takes if no packet is lost.
    whole: Duration,
    holes: f64,
    number: f64,
}

impl Crossing {
    /// How long the crossing takes, if `burst` is under way when it begins. Packets are lost to the burst
    /// besides those that are lost or late anyway; once the burst is over, sound gets through.
    pub fn takes(&self, burst: Option<Burst>) -> Duration {
        let usual = packets_lost(self.holes, self.number);
        let lost = match burst {
            None => usual,
            Some(Burst { loss, rest }) => {
                let holes = self.holes + (1.0 - self.holes) * loss;
                let in_it = rest.as_nanos().div_ceil(PACKET.as_nanos());
                let in_it = u32::try_from(in_it).unwrap_or(u32::MAX);
                packets_lost(holes, self.number).min(in_it.max(usual))
            }
        };
        self.whole + PACKET * lost
    }
}

/// How many packets are lost before one gets through, by the quantile function: geometric.
fn packets_lost(holes: f64, number: f64) -> u32 {
    let rest = 1.0 - number;
    if rest > holes {
        return 0;
    }
    if holes >= 1.0 {
        return LOST_IN_A_ROW_MAX;
    }
    let count = libm::log(rest) / libm::log(holes);
    // Packets are whole, and at most so many are lost.
    (count as u32).min(LOST_IN_A_ROW_MAX)
}

fn wait_ms(ms: f64) -> Result<f64, String> {
    match (0.0..=WAIT_MAX_MS).contains(&ms) {
        true => Ok(ms),
        false => Err(format!(
            "{ms} ms; give between 0 and {WAIT_MAX_MS} milliseconds"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, Source};

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Holder {
        network: NetworkTable,
    }

    fn parsed(network: &NetworkTable) -> Network {
        network.parse(Table::at(&["network"])).expect("a network")
    }

    fn read(text: &str) -> NetworkTable {
        toml::from_str::<Holder>(text).expect(text).network
    }

    fn source() -> Source {
        Seed(1).source("test", "network")
    }

    fn crossings(path: &Path, count: u64) -> Vec<Duration> {
        let cross = |n| {
            let crossing = path.cross(&mut source().draw(n, 0), &mut source().mood(n));
            crossing.takes(None)
        };
        (0..count).map(cross).collect()
    }

    #[test]
    fn without_a_network_all_sound_is_there_at_once() {
        let network = read("");
        assert_eq!(network, NetworkTable::default());
        let paths = parsed(&network);
        for path in [&paths.inbound, &paths.outbound] {
            assert_eq!(path.holes(), 0.0);
            assert!(crossings(path, 100).iter().all(Duration::is_zero));
        }
    }

    #[test]
    fn a_preset_gives_what_is_left_out() {
        let network = read(
            "[network]\npreset = \"webrtc\"\nregion_ms = 30\n[network.in]\ndelay = { fixed_ms = 5 }\nloss = 0",
        );
        let webrtc = NetworkPreset::Webrtc.way();
        assert_eq!(network.outbound(), webrtc);
        assert_eq!(network.inbound().jitter, webrtc.jitter);
        assert_eq!(network.inbound().loss, Some(0.0));
        let fastest = crossings(&parsed(&network).inbound, 1_000)
            .into_iter()
            .min();
        assert_eq!(fastest, Some(Duration::from_millis(30 + 5 + 40)));
    }

    #[test]
    fn a_network_is_written_as_it_is_read() {
        let text = "[network]\npreset = \"telephone\"\n[network.out]\njitter = { uniform = { min_ms = 0, max_ms = 30 } }\njitter_buffer_ms = 20\n";
        let network = read(text);
        let written = toml::to_string(&Holder {
            network: network.clone(),
        });
        assert_eq!(read(&written.expect("TOML")), network);
        for text in [
            "[network]\npreset = \"pigeon\"",
            "[network]\ninward = 3",
            "[network.in]\ndelay_ms = 3",
        ] {
            assert!(toml::from_str::<Holder>(text).is_err(), "{text} was read");
        }
    }

    #[test]
    fn late_packets_are_holes_as_lost_ones_are() {
        let path = parsed(&read(
            "[network.in]\nloss = 0.1\njitter = { uniform = { min_ms = 0, max_ms = 50 } }\njitter_buffer_ms = 40",
        ))
        .inbound;
        // A fifth of the nine tenths that arrive come too late.
        assert!((path.holes() - 0.28).abs() < 1e-12);
        let count = 100_000;
        let packets = crossings(&path, count)
            .into_iter()
            .map(|took| ((took - Duration::from_millis(40)).as_millis() / 20) as f64);
        let mean = packets.sum::<f64>() / count as f64;
        assert!((mean - 0.28 / 0.72).abs() < 0.01, "{mean} packets lost");
    }

    #[test]
    fn packets_lost_in_a_row_are_geometric_and_end() {
        assert_eq!(packets_lost(0.0, 1.0 - 1e-16), 0);
        assert_eq!(packets_lost(0.5, 0.49), 0);
        assert_eq!(packets_lost(0.5, 0.51), 1);
        assert_eq!(packets_lost(0.5, 0.76), 2);
        assert_eq!(packets_lost(0.999, 1.0 - 1e-16), LOST_IN_A_ROW_MAX);
        assert_eq!(packets_lost(1.0, 0.5), LOST_IN_A_ROW_MAX);
    }

    #[test]
    fn a_burst_loses_more_packets_until_it_is_over() {
        let path = parsed(&read("[network.in]\nloss = 0.2")).inbound;
        let mean_ms = |burst| {
            let cross = |n| path.cross(&mut source().draw(n, 0), &mut source().mood(n));
            let spans = (0..50_000).map(|n| cross(n).takes(burst).as_secs_f64() * 1e3);
            spans.sum::<f64>() / 50_000.0
        };
        let burst = |loss, rest_ms| {
            let rest = Duration::from_millis(rest_ms);
            mean_ms(Some(Burst { loss, rest }))
        };
        // Half of the four fifths that are left are lost: p = 0.6, and p / (1 - p) packets.
        assert!((burst(0.5, 60_000) - 20.0 * 0.6 / 0.4).abs() < 0.5);
        assert!((mean_ms(None) - 20.0 * 0.2 / 0.8).abs() < 0.2);
        // Nothing gets through before its end, and then as usual.
        assert!((burst(1.0, 100) - 100.0).abs() < 0.1);
    }

    #[test]
    fn what_no_call_survives_is_refused_by_its_key() {
        for (text, key) in [
            ("[network]\nregion_ms = -1", "region_ms"),
            ("[network]\nregion_ms = nan", "region_ms"),
            ("[network.in]\nloss = 0.6", "in.loss"),
            ("[network.out]\nloss = nan", "out.loss"),
            (
                "[network.out]\njitter_buffer_ms = 20000",
                "out.jitter_buffer_ms",
            ),
            ("[network.in]\ndelay = { fixed_ms = -1 }", "in.delay"),
            ("[network.in]\njitter = { preset = \"none\" }", "in.jitter"),
            (
                "[network.in]\njitter = { fixed_ms = 5 }",
                "in.jitter_buffer_ms",
            ),
        ] {
            let parsed = read(text).parse(Table::at(&["network"]));
            let problem = parsed.expect_err(text);
            assert_eq!(problem.place.to_string(), format!("network.{key}"));
            let fix = problem.fix;
            assert!(fix.contains("give") || fix.contains("choose"), "{fix}");
        }
    }

    #[test]
    fn delays_of_a_conversation_can_be_correlated() {
        let path = parsed(&read(
            "[network.in]\ndelay = { correlated = { correlation = 1, model = { uniform = { min_ms = 10, max_ms = 90 } } } }",
        ))
        .inbound;
        let at = |conversation, turn| {
            let mut draw = source().draw(conversation, turn);
            path.cross(&mut draw, &mut source().mood(conversation))
                .takes(None)
        };
        assert_eq!(at(1, 0), at(1, 9));
        assert_ne!(at(1, 0), at(2, 0));
    }
}
