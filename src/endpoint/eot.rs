//! A policy that weighs what the classifier and the judge of the sound say together.

use super::classifier::Classifier;
use super::weights::Weights;
use super::{Action, Decision, EndpointPolicy, Observation, curve, sound};
use crate::event::Tick;
use std::time::Duration;

/// Commits as [`Classifier`] does, by the words, the timing, and what a [`Judge`](super::Judge) makes of the sound.
///
/// The judge is asked once in every pause, when it is noticed. Until it has answered, and if it fails, the rest decides.
#[derive(Debug)]
pub struct Eot<'a> {
    classifier: Classifier<'a>,
    pause: Option<Asked>,
}

/// What the judge was asked about the pause that lasts.
#[derive(Debug, Clone, Copy)]
struct Asked {
    since: Tick,
    is_asked: bool,
    /// What the sound adds to the log-odds, once that is known.
    sound: Option<f64>,
}

impl<'a> Eot<'a> {
    /// A policy by these weights that may take this share of pauses for the end, 0.01 to 0.5.
    pub fn new(weights: &'a Weights, cut_offs: f64) -> Eot<'a> {
        Eot {
            classifier: Classifier::beside_sound(weights, curve::prices_with_sound(cut_offs)),
            pause: None,
        }
    }

    fn sound(&self) -> Option<f64> {
        self.pause.and_then(|pause| pause.sound)
    }
}

impl EndpointPolicy for Eot<'_> {
    fn name(&self) -> &'static str {
        "eot"
    }

    fn observe(&mut self, what: Observation<'_>) {
        self.classifier.observe(what);
        match what {
            Observation::Paused { last_voiced } => {
                self.pause = Some(Asked {
                    since: last_voiced,
                    is_asked: false,
                    sound: None,
                });
            }
            Observation::Started { .. } | Observation::Resumed { .. } => self.pause = None,
            Observation::Judged { until, probability } => {
                if let Some(pause) = self.pause.as_mut().filter(|pause| until >= pause.since) {
                    pause.sound = Some(sound::adds(probability));
                }
            }
            Observation::Words { .. } => {}
        }
    }

    fn decide(&mut self, now: Tick) -> Decision {
        let sound = self.sound();
        let reason = sound.map(sound::phrase);
        let mut decision = self.classifier.weigh(now, sound.unwrap_or(0.0), reason);
        if let (Some(pause), Action::Commit { at }) = (&mut self.pause, decision.action)
            && !std::mem::replace(&mut pause.is_asked, true)
        {
            // In a pause that is long over, the answer is not waited for.
            let at = at.max(now + Duration::from_nanos(1));
            decision.action = Action::Listen { at };
        }
        decision
    }

    fn reads_words(&self) -> bool {
        true
    }

    fn likely_by(&self, probability: f64, now: Tick) -> Option<Tick> {
        let sound = self.sound().unwrap_or(0.0);
        self.classifier.likely_by(probability, sound, now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::shipped;
    use super::*;
    use crate::endpoint::Before;

    const MS: fn(u64) -> Tick = Tick::from_ms;

    fn paused() -> Eot<'static> {
        let mut policy = Eot::new(shipped().expect("weights"), 0.1);
        let (onset, before) = (MS(0), Before::default());
        policy.observe(Observation::Started { onset, before });
        let last_voiced = MS(2_000);
        policy.observe(Observation::Paused { last_voiced });
        let first = policy.decide(MS(2_064)).action;
        assert!(matches!(first, Action::Listen { .. }), "{first:?}");
        policy
    }

    fn commits(policy: &mut Eot<'_>, now: u64) -> (Tick, Vec<String>) {
        let decision = policy.decide(MS(now));
        match decision.action {
            Action::Commit { at } => (at, decision.reasons),
            other => panic!("{other:?}"),
        }
    }

    fn judged(policy: &mut Eot<'_>, probability: f64) -> (Tick, Vec<String>) {
        let until = MS(2_064);
        policy.observe(Observation::Judged { until, probability });
        commits(policy, 2_160)
    }

    fn said(policy: &mut Eot<'_>, text: &str) {
        let at = MS(2_150);
        policy.observe(Observation::Words { text, at });
    }

    #[test]
    fn who_sounds_finished_is_answered_sooner_than_by_words_alone_and_who_does_not_later() {
        let words = "I would like to book it";
        let by = |probability: Option<f64>| {
            let mut policy = paused();
            said(&mut policy, words);
            match probability {
                Some(probability) => judged(&mut policy, probability),
                None => commits(&mut policy, 2_160),
            }
        };
        let (alone, _) = by(None);
        let ((finished, reasons), (unfinished, _)) = (by(Some(0.97)), by(Some(0.05)));
        assert!(
            finished < alone && alone < unfinished,
            "{finished:?} {alone:?} {unfinished:?}"
        );
        assert!(
            reasons[1].starts_with("it sounds finished (+"),
            "{reasons:?}"
        );
        assert_eq!(reasons.len(), 3);
    }

    #[test]
    fn words_that_go_on_are_waited_for_whatever_they_sound_like() {
        let by = |words| {
            let mut policy = paused();
            said(&mut policy, words);
            judged(&mut policy, 0.9).0
        };
        assert!(by("that's all thank you") < by("I'd like a table for the"));
    }

    #[test]
    fn the_judge_is_asked_once_in_a_pause_and_again_in_the_next() {
        let mut policy = paused();
        commits(&mut policy, 2_100);
        policy.observe(Observation::Resumed { at: MS(2_300) });
        assert_eq!(policy.decide(MS(2_332)), Decision::wait());
        let last_voiced = MS(2_900);
        policy.observe(Observation::Paused { last_voiced });
        let next = policy.decide(MS(2_964)).action;
        assert!(matches!(next, Action::Listen { .. }), "{next:?}");
        // An answer about the pause before says nothing of this one.
        let by_rest = commits(&mut policy, 2_970).0;
        assert_eq!(judged(&mut policy, 0.97).0, by_rest);
    }

    #[test]
    fn a_reply_is_worth_preparing_once_the_silence_is_long_enough() {
        let mut policy = paused();
        said(&mut policy, "I would like to book it");
        let now = MS(2_160);
        let sooner = policy.likely_by(0.1, now).expect("some time");
        let later = policy.likely_by(0.5, now).expect("some time");
        assert!(now <= sooner && sooner < later, "{sooner:?} {later:?}");
        judged(&mut policy, 0.97);
        assert!(policy.likely_by(0.5, now).expect("some time") < later);
        policy.observe(Observation::Resumed { at: MS(2_300) });
        assert_eq!(policy.likely_by(0.1, MS(2_300)), None);
    }
}
