//! The endpoint of the utterance that is being heard: what the policy has decided, and what its judge is asked.

use super::drive::{Pace, drive};
use crate::clock::{Branch, Clock};
use crate::endpoint::{Action, Before, Decision, EndpointPolicy, Endpointing, Judge, Observation};
use crate::event::{EndpointCause, EndpointDecision, StageName, Tick, TurnId};
use crate::record::tap::Tap;
use crate::stage::queue;
use crate::stage::{AudioChunk, EndOfTurn, Finished, LatestSound};
use std::collections::VecDeque;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Answers of a judge that may wait to be read: a judge gives one at a time.
const ANSWERS_WAITING_MAX: usize = 4;

/// How much later than the recogniser the judge is asked in a pause. Where there are not enough cores for both the recogniser
/// has them first: words tell more than the sound, and the answer waits for them.
const BEHIND_RECOGNISER: Duration = Duration::from_millis(1);

pub(super) struct Endpoint {
    policy: Box<dyn EndpointPolicy>,
    /// An utterance is cut at this length, so that a recogniser's work stays bounded.
    longest: Duration,
    listener: Option<Listener>,
    /// The utterance that is being heard, if there is one.
    going: Option<Going>,
}

/// An utterance that is not over.
struct Going {
    turn: TurnId,
    onset: Tick,
    decision: Decision,
}

/// What is to be done about the endpoint when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The utterance is over.
    Commit(EndpointCause),
    /// The policy wants to decide again.
    Decide,
}

/// Has the judge hear the latest sound.
struct Listener {
    clock: Clock,
    stage: Rc<Mutex<EndOfTurn>>,
    hears: Duration,
    latest: VecDeque<AudioChunk>,
    length: Duration,
    /// The judge's work, with the tick up to which it hears the sound; `None` while it rests.
    work: Option<(Tick, Branch<'static, Option<f64>>)>,
}

impl Endpoint {
    pub(super) fn new(endpointing: Endpointing, longest: Duration, clock: &Clock) -> Endpoint {
        Endpoint {
            policy: endpointing.policy,
            longest,
            listener: endpointing
                .judge
                .map(|judge| Listener::new(judge, clock.clone())),
            going: None,
        }
    }

    /// Whether the recogniser is to be asked in every pause.
    pub(super) fn reads_words(&self) -> bool {
        self.policy.reads_words()
    }

    /// A new utterance began, after what the agent did.
    pub(super) fn started(
        &mut self,
        turn: TurnId,
        (onset, before): (Tick, Before),
        (tap, now): (&Tap, Tick),
    ) {
        self.going = Some(Going {
            turn,
            onset,
            decision: Decision::wait(),
        });
        self.observed(Observation::Started { onset, before }, (tap, now));
    }

    /// A new utterance begins with this sound. The judge does not hear what was said before it.
    pub(super) fn begins(&mut self, audio: &AudioChunk) {
        if let Some(listener) = &mut self.listener {
            listener.latest.clear();
            listener.length = Duration::ZERO;
            listener.keep(audio);
        }
    }

    /// Keeps sound for the judge.
    pub(super) fn sound(&mut self, audio: &AudioChunk) {
        if let Some(listener) = &mut self.listener {
            listener.keep(audio);
        }
    }

    /// Something was heard of the utterance, if there is one.
    pub(super) fn observed(&mut self, what: Observation<'_>, (tap, now): (&Tap, Tick)) {
        if self.going.is_none() {
            return;
        }
        if let (Some(listener), Observation::Resumed { .. }) = (&mut self.listener, what) {
            // The pause that the judge was asked about is not the end.
            listener.work = None;
        }
        self.policy.observe(what);
        self.decide((tap, now));
    }

    /// Has the policy decide.
    pub(super) fn decide(&mut self, (tap, now): (&Tap, Tick)) {
        let Some(going) = &mut self.going else {
            return;
        };
        going.decision = self.policy.decide(now);
        if let (Action::Listen { .. }, Some(listener)) = (going.decision.action, &mut self.listener)
        {
            listener.listen(tap, going.turn, now);
        }
    }

    /// When the caller has finished with at least this probability if nothing else is heard, as the policy has it.
    pub(super) fn likely_by(&self, probability: f64, now: Tick) -> Option<Tick> {
        self.going.as_ref()?;
        self.policy.likely_by(probability, now)
    }

    /// Whether the judge is at work.
    pub(super) fn asks(&self) -> bool {
        self.listener.as_ref().is_some_and(|it| it.work.is_some())
    }

    /// Waits for what the judge makes of the sound until a tick; for ever if it is not at work.
    pub(super) async fn judged(&mut self) -> (Tick, Option<f64>) {
        let listener = self.listener.as_mut();
        match listener.and_then(|listener| listener.work.as_mut()) {
            Some((until, work)) => (*until, work.await),
            None => pending().await,
        }
    }

    /// The judge has answered, or has failed, in which case the policy is asked as if the judge had not been.
    pub(super) fn answered(&mut self, (until, probability): (Tick, Option<f64>), at: (&Tap, Tick)) {
        if let Some(listener) = &mut self.listener {
            listener.work = None;
        }
        if let Some(probability) = probability {
            self.observed(Observation::Judged { until, probability }, at);
        }
    }

    /// When something is to be done about the endpoint if nothing else is heard, and what.
    pub(super) fn due(&self) -> Option<(Tick, Due)> {
        let Going {
            onset, decision, ..
        } = self.going.as_ref()?;
        let longest = (
            *onset + self.longest,
            Due::Commit(EndpointCause::MaximumLength),
        );
        let wanted = match decision.action {
            Action::Commit { at } => (at, Due::Commit(EndpointCause::Silence)),
            Action::Wait { until: Some(at) } | Action::Listen { at } => (at, Due::Decide),
            Action::Wait { until: None } => return Some(longest),
        };
        Some(match wanted.0 <= longest.0 {
            true => wanted,
            false => longest,
        })
    }

    /// The utterance is over; returns the decision of a policy that has more to say than how long it waits.
    pub(super) fn over(&mut self) -> Option<Box<EndpointDecision>> {
        if let Some(listener) = &mut self.listener {
            listener.work = None;
        }
        let Decision {
            probability,
            reasons,
            ..
        } = self.going.take()?.decision;
        let has_more = probability.is_some() || !reasons.is_empty();
        has_more.then(|| {
            Box::new(EndpointDecision {
                policy: self.policy.name().to_owned(),
                probability,
                reasons,
            })
        })
    }
}

impl Listener {
    fn new(judge: Judge, clock: Clock) -> Listener {
        Listener {
            clock,
            stage: Rc::new(Mutex::new(judge.stage)),
            hears: judge.hears,
            latest: VecDeque::new(),
            length: Duration::ZERO,
            work: None,
        }
    }

    fn keep(&mut self, audio: &AudioChunk) {
        self.length += audio.length;
        self.latest.push_back(audio.clone());
        while let Some(first) = self.latest.front()
            && self.length - first.length >= self.hears
        {
            self.length -= first.length;
            self.latest.pop_front();
        }
    }

    /// Asks the judge about what was heard until now. One question at a time: work on an earlier one is given up.
    fn listen(&mut self, tap: &Tap, turn: TurnId, now: Tick) {
        let (stage, clock, tap) = (self.stage.clone(), self.clock.clone(), tap.clone());
        let sound = LatestSound::of(self.latest.iter());
        let work = async move {
            clock.sleep_until(now + BEHIND_RECOGNISER).await;
            let (sender, mut answers) = queue::channel::<Finished>(ANSWERS_WAITING_MAX);
            let mut stage = stage.lock().await;
            let at = (&tap, turn, StageName::EndOfTurn);
            let work = drive(&mut **stage, sound, at, Pace::Urgent, sender);
            let answer = async {
                let mut latest = None;
                while let Some(Finished { probability }) = answers.recv().await {
                    latest = Some(probability);
                }
                latest
            };
            let (result, answer) = tokio::join!(biased; work, answer);
            if let Err(error) = result {
                tracing::error!("turn {}: {error}", turn.0);
            }
            answer
        };
        self.work = Some((now, Branch::new(work)));
    }
}
