//! What lies between a simulated caller's mouth and the assistant's decisions: the network, the lag of the
//! ear, and what the interruption policy makes of a sound.

use super::voice::Saying;
use crate::endpoint::curve::{GoesBy, Silence, commits_after};
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
    notice: Latency,
    inbound: Path,
    /// What the policy does about an interruption, and about a back-channel.
    curves: [Option<Cow<'static, Curve>>; 2],
    /// The share of pauses that the endpointing policy may cut, if it goes by words, which simulated callers do not have.
    cut_offs: Option<(GoesBy, CutOffs)>,
    sources: Sources,
}

#[derive(Clone, Copy)]
struct Sources {
    lag: Source,
    notice: Source,
    network: Source,
    fate: Source,
    commits: Source,
}

impl Between {
    pub(crate) fn new(scenario: &Scenario) -> Between {
        let random = scenario.randomness();
        Between {
            lag: scenario.ear.lag.clone(),
            notice: scenario.ear.notice.clone(),
            inbound: scenario.network.inbound.clone(),
            curves: curves(scenario),
            cut_offs: match scenario.endpointing.policy {
                EndpointPolicy::Silence(_) | EndpointPolicy::SmartTurn { .. } => None,
                EndpointPolicy::Classifier(cut_offs) => Some((GoesBy::Words, cut_offs)),
                EndpointPolicy::Eot(cut_offs) => Some((GoesBy::WordsAndSound, cut_offs)),
            },
            sources: Sources {
                lag: random.source("ear", "lag"),
                notice: random.source("ear", "notice"),
                network: random.source("network", "in"),
                fate: random.source("interruption", "fate"),
                commits: random.source("endpointing", "fate"),
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
    /// and how many sounds came between; `nth` is the question counted from one.
    pub(super) fn say(
        &self,
        stretches: Vec<Range<Duration>>,
        words: Arc<str>,
        sound: Sound,
        at: (u64, u32, u32),
        nth: u32,
    ) -> Saying {
        let (conversation, question, occasion) = at;
        let draw = |source: Source| -> Draw {
            source.draw(conversation | u64::from(occasion) << 32, question)
        };
        let mood = |source: Source| source.mood(conversation);
        let Sources {
            lag,
            notice,
            network,
            fate,
            commits,
        } = self.sources;
        let work = Work {
            question: nth,
            ..Work::default()
        };
        let mut fate = draw(fate);
        let (chance, when) = (fate.uniform(), fate.uniform());
        Saying {
            commits_after: self.commits_after(stretches.len(), draw(commits)),
            stretches,
            words,
            ear_lag: (self.lag).sample(&mut draw(lag), &mut mood(lag), work),
            ear_notice: (self.notice).sample(&mut draw(notice), &mut mood(notice), work),
            network: self.inbound.cross(&mut draw(network), &mut mood(network)),
            stops_after: self
                .curve(sound)
                .and_then(|curve| curve.stop_after(chance, when)),
        }
    }

    /// After which silence the endpointing policy takes each of so many stretches for the last; empty for a policy that
    /// needs no words.
    fn commits_after(&self, stretches: usize, mut chance: Draw) -> Vec<Duration> {
        let Some((goes_by, cut_offs)) = self.cut_offs else {
            return Vec::new();
        };
        let commit = |at| {
            let silence = match at + 1 < stretches {
                true => Silence::Pause,
                false => Silence::End,
            };
            commits_after(goes_by, cut_offs.share(), silence, chance.uniform())
        };
        (0..stretches).map(commit).collect()
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
