//! A policy that asks Smart Turn in every pause whether the caller has finished.

use super::{Action, Decision, EndpointPolicy, Observation};
use crate::event::Tick;
use std::time::Duration;

/// The silence behind the end of a voice that a caller is left who is thought to have finished.
const SILENCE_MIN: Duration = Duration::from_millis(200);

/// Commits soon after the caller is judged to have finished, or else after a longer silence.
#[derive(Debug)]
pub struct SmartTurn {
    threshold: f64,
    patience: Duration,
    pause: Option<Pause>,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    since: Tick,
    is_asked: bool,
    /// What the judge made of it.
    finished: Option<f64>,
}

impl SmartTurn {
    /// A policy that takes the caller to have finished from this probability on, in 0..=1, 200 ms behind the end of the
    /// voice, and otherwise after so long a silence.
    pub fn new(threshold: f64, patience: Duration) -> SmartTurn {
        SmartTurn {
            threshold,
            patience: patience.max(SILENCE_MIN),
            pause: None,
        }
    }
}

impl EndpointPolicy for SmartTurn {
    fn name(&self) -> &'static str {
        "smart_turn"
    }

    fn observe(&mut self, what: Observation<'_>) {
        match what {
            Observation::Paused { last_voiced } => {
                self.pause = Some(Pause {
                    since: last_voiced,
                    is_asked: false,
                    finished: None,
                });
            }
            Observation::Started { .. } | Observation::Resumed { .. } => self.pause = None,
            Observation::Judged { until, probability } => {
                if let Some(pause) = self.pause.as_mut().filter(|pause| until >= pause.since) {
                    pause.finished = Some(probability);
                }
            }
            Observation::Words { .. } => {}
        }
    }

    fn decide(&mut self, _: Tick) -> Decision {
        let Some(pause) = &mut self.pause else {
            return Decision::wait();
        };
        let patient = pause.since + self.patience;
        let Some(probability) = pause.finished else {
            if std::mem::replace(&mut pause.is_asked, true) {
                return Decision::commit(patient);
            }
            return Decision::of(Action::Listen { at: patient });
        };
        let has_finished = probability >= self.threshold;
        let (at, reason) = match has_finished {
            true => (pause.since + SILENCE_MIN, "it sounds finished"),
            false => (patient, "it sounds unfinished"),
        };
        Decision {
            action: Action::Commit { at },
            probability: Some(probability),
            reasons: vec![reason.to_owned()],
        }
    }

    fn likely_by(&self, probability: f64, now: Tick) -> Option<Tick> {
        let judged = self.pause.and_then(|pause| pause.finished)?;
        (judged >= probability).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(1_200);

    fn ms(ms: u64) -> Tick {
        Tick::from_ms(ms)
    }

    fn paused() -> SmartTurn {
        let mut policy = SmartTurn::new(0.5, PATIENCE);
        let last_voiced = ms(1_000);
        policy.observe(Observation::Paused { last_voiced });
        let listens = Action::Listen { at: ms(2_200) };
        assert_eq!(policy.decide(ms(1_064)).action, listens);
        policy
    }

    fn commits(policy: &mut SmartTurn, probability: f64) -> Action {
        let until = ms(1_064);
        policy.observe(Observation::Judged { until, probability });
        policy.decide(ms(1_150)).action
    }

    #[test]
    fn who_sounds_finished_is_answered_soon_and_who_does_not_is_waited_for() {
        let soon = Action::Commit { at: ms(1_200) };
        assert_eq!(commits(&mut paused(), 0.9), soon);
        let later = Action::Commit { at: ms(2_200) };
        assert_eq!(commits(&mut paused(), 0.2), later);
    }

    #[test]
    fn without_a_judgement_the_patience_holds_and_the_judge_is_asked_once() {
        let mut policy = paused();
        let at = ms(2_200);
        assert_eq!(policy.decide(ms(1_100)).action, Action::Commit { at });
    }

    #[test]
    fn a_judgement_of_an_earlier_pause_says_nothing() {
        let mut policy = paused();
        policy.observe(Observation::Resumed { at: ms(1_080) });
        assert_eq!(policy.decide(ms(1_112)), Decision::wait());
        let last_voiced = ms(1_500);
        policy.observe(Observation::Paused { last_voiced });
        policy.decide(ms(1_564));
        let at = ms(2_700);
        assert_eq!(commits(&mut policy, 0.9), Action::Commit { at });
    }
}
