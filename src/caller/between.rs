//! What lies between a simulated caller's mouth and the assistant's decisions: the network, the lag of the
//! ear, and what the interruption policy makes of a sound.

use super::voice::Saying;
use crate::endpoint::curve::{Silence, commits_after};
use crate::interrupt::curve::{Curve, Sound, curve};
use crate::rng::{Draw, Source};
use crate::scenario::latency::{Latency, Work};
use crate::scenario::network::Path;
use crate::scenario::{CutOffs, EndpointPolicy, Scenario, Stops};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Between {
    lag: Latency,
    inbound: Path,
    /// What the policy does about an interruption, and about a back-channel.
    curves: [Option<Cow<'static, Curve>>; 2],
    /// The pauses that an endpointing policy may cut which goes by words; `None` for one that needs none.
    cut_offs: Option<CutOffs>,
    sources: Sources,
}

#[derive(Clone, Copy)]
struct Sources {
    lag: Source,
    network: Source,
    fate: Source,
    commits: Source,
}

impl Between {
    pub(crate) fn new(scenario: &Scenario) -> Between {
        let seed = scenario.seed();
        Between {
            lag: scenario.ear.lag.clone(),
            inbound: scenario.network.inbound.clone(),
            curves: curves(scenario),
            cut_offs: match scenario.endpointing.policy {
                EndpointPolicy::Silence(_) | EndpointPolicy::SmartTurn { .. } => None,
                EndpointPolicy::Classifier(cut_offs) => Some(cut_offs),
            },
            sources: Sources {
                lag: seed.source("ear", "lag"),
                network: seed.source("network", "in"),
                fate: seed.source("interruption", "fate"),
                commits: seed.source("endpointing", "fate"),
            },
        }
    }

    fn curve(&self, sound: Sound) -> Option<&Curve> {
        let [interruption, backchannel] = &self.curves;
        match sound {
            Sound::Interruption => interruption.as_deref(),
            Sound::Backchannel => backchannel.as_deref(),
            // The ear is never sure of a noise, so no policy is asked.
            Sound::Noise => None,
        }
    }

    /// Something said, with what becomes of it on the way. `at` is the conversation, the question in it,
    /// and how many sounds came between.
    pub(super) fn say(
        &self,
        stretches: Vec<Range<Duration>>,
        words: Arc<str>,
        sound: Sound,
        at: (u64, u32, u32),
    ) -> Saying {
        let (conversation, question, occasion) = at;
        let draw = |source: Source| -> Draw {
            source.draw(conversation | u64::from(occasion) << 32, question)
        };
        let mood = |source: Source| source.mood(conversation);
        let Sources {
            lag,
            network,
            fate,
            commits,
        } = self.sources;
        let commits_after = match self.cut_offs {
            None => Vec::new(),
            Some(cut_offs) => {
                let mut chance = draw(commits);
                let last = stretches.len().saturating_sub(1);
                let silence = |at| {
                    if at < last {
                        Silence::Pause
                    } else {
                        Silence::End
                    }
                };
                let commit = |at| commits_after(cut_offs.share(), silence(at), chance.uniform());
                (0..stretches.len()).map(commit).collect()
            }
        };
        let mut fate = draw(fate);
        let (chance, when) = (fate.uniform(), fate.uniform());
        Saying {
            commits_after,
            stretches,
            words,
            ear_lag: self
                .lag
                .sample(&mut draw(lag), &mut mood(lag), Work::default()),
            network: self.inbound.cross(&mut draw(network), &mut mood(network)),
            stops_after: self
                .curve(sound)
                .and_then(|curve| curve.stop_after(chance, when)),
        }
    }
}

/// What the policy does about an interruption, and about a back-channel: on one's own calls if thresholds were chosen on
/// them.
fn curves(scenario: &Scenario) -> [Option<Cow<'static, Curve>>; 2] {
    let policy = scenario.interruption.policy;
    let own = |of: &Stops, sound| {
        Some(Cow::Owned(Curve {
            policy,
            sound,
            stops: of.stops,
            events: of.events,
            after_ms: of.after_ms.clone(),
            note: None,
        }))
    };
    match &scenario.interruption.thresholds {
        Some(thresholds) => [
            own(&thresholds.interruption, Sound::Interruption),
            own(&thresholds.backchannel, Sound::Backchannel),
        ],
        None => [Sound::Interruption, Sound::Backchannel]
            .map(|sound| curve(policy, sound).map(Cow::Borrowed)),
    }
}
