//! One call: a caller and a session on one clock, until the caller hangs up.

use super::prepare::{self, Sounds};
use super::signals::{Ending, Signals};
use super::watched::{is_set, tell_time, told};
use super::{RunError, Talk, Time, input, unavailable};
use crate::audio::device::{DeviceError, Devices, Hush};
use crate::audio::{Imagined, Speaker};
use crate::caller::{Between, Caller, Fate, Mind, Scripted, Voice, lines};
use crate::clock::Clock;
use crate::conversation::{self, Parts};
use crate::ear::{Ear, UtteranceOver};
use crate::endpoint::Endpointing;
use crate::engine::Engines;
use crate::engine::recorded::MissingInput;
use crate::event::{Mark, SessionEnd, Tick, TurnId};
use crate::pipeline::script::Script;
use crate::pipeline::{AgentState, Disclosure, Filler};
use crate::record::tap::Tap;
use crate::scenario::Scenario;
use crate::scenario::network::Bursts;
use crate::stage::AudioChunk;
use crate::stage::SpeechActivity;
use crate::stage::Watched;
use crate::stage::queue;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::oneshot;

/// Reports of the ear that may wait for the session: a second of frames.
const ACTIVITY_WAITING_MAX: usize = 64;

pub(super) struct Call<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) time: Time,
    pub(super) clock: &'a Clock,
    pub(super) tap: &'a Tap,
    pub(super) missing: &'a MissingInput,
    /// After how long the caller hangs up at the latest; `None` for no limit.
    pub(super) length_max: Option<Duration>,
    /// Whoever is told the time.
    pub(super) shown_time: Option<Box<dyn Fn(Tick)>>,
    /// A word that ends a replay.
    pub(super) stop: Option<oneshot::Receiver<()>>,
    /// A flag that ends a replay in virtual time.
    pub(super) flag: Option<Arc<AtomicBool>>,
    /// The version of the rules by which the ear hears.
    pub(super) ear_rules: u32,
}

/// The agent's side of a call.
pub(super) struct Agent {
    pub(super) engines: Engines,
    /// What is said when an answer takes long.
    pub(super) filler: Option<Filler>,
    pub(super) disclosure: Option<Disclosure>,
    /// How answers like to begin.
    pub(super) openings: Vec<AudioChunk>,
    /// Decides when the caller has finished.
    pub(super) endpointing: Endpointing,
}

/// The speech of a caller, which is over when nothing more is to be said.
type Speaking = Pin<Box<dyn Future<Output = ()>>>;

/// Opens the devices to talk through. That takes a moment, and dates what is heard: the clock runs from now on.
pub(super) fn open(talk: &Talk, clock: &Clock) -> Result<Devices, RunError> {
    clock.start();
    let _hush = Hush::new();
    Devices::open(&talk.devices, clock).map_err(|error| match error {
        DeviceError::Unknown { .. } => input(error),
        _ => unavailable(error),
    })
}

impl Call<'_> {
    fn ear(&self, over: UtteranceOver) -> Ear {
        let ear = &self.scenario.ear;
        Ear::new(ear.vad_threshold, ear.hears, over).by_rules(self.ear_rules)
    }

    pub(super) async fn hold(
        mut self,
        agent: Agent,
        sounds: Sounds,
        talk: Option<(Talk, Devices)>,
    ) -> Result<(), RunError> {
        let over = UtteranceOver::default();
        let (activity, heard) = queue::channel(ACTIVITY_WAITING_MAX);
        let shown = Rc::new(Watched::<AgentState>::default());
        let seen = shown.clone();
        let is_talk = talk.is_some();
        let (caller, speaker, hang_up): (Speaking, Rc<dyn Speaker>, _) = match talk {
            Some((mut talk, devices)) => {
                let speaker = devices.speaker.clone();
                let ear = self.ear(over.clone());
                let hang_up = talk.hang_up.take();
                let listener = talk.listener((self.clock, self.tap), devices, ear, seen, activity);
                (Box::pin(listener.listen()), speaker, hang_up)
            }
            None => {
                let caller = self.caller(sounds, over.clone(), seen, activity);
                (caller, Rc::new(Imagined), self.stop.take())
            }
        };
        let interruption = conversation::interruption(self.scenario);
        let parts = Parts {
            clock: self.clock.clone(),
            tap: self.tap.clone(),
            engines: agent.engines,
            filler: agent.filler,
            disclosure: agent.disclosure,
            openings: agent.openings,
            endpointing: agent.endpointing,
            interruption: interruption.map_err(unavailable)?,
            over,
            speaker,
            agent: shown,
            control: None,
        };
        let session = conversation::session(self.scenario, parts);
        if !is_talk {
            self.clock.start();
        }
        // Who talks may stop when they like. A script that is stopped has not said all; nor has one
        // that needs an input that was never recorded. The caller is dropped, and with it the ear's
        // reports.
        let stopped = match is_talk {
            true => SessionEnd::Finished,
            false => SessionEnd::Aborted,
        };
        let shown_time = self.shown_time.take();
        let call = async {
            tokio::select! {
                biased;
                () = caller => SessionEnd::Finished,
                () = self.missing.found() => SessionEnd::Aborted,
                () = self.is_long_enough() => stopped,
                () = told(hang_up) => stopped,
                () = self.asked_to_end(is_talk) => stopped,
                () = tell_time((self.time, self.clock), shown_time) => stopped,
            }
        };
        let (cause, ()) = tokio::join!(biased; call, session.run(heard));
        self.tap.mark(TurnId(0), Mark::SessionEnded { cause });
        Ok(())
    }

    fn caller(
        &self,
        sounds: Sounds,
        over: UtteranceOver,
        agent: Rc<Watched<AgentState>>,
        activity: queue::Sender<SpeechActivity>,
    ) -> Speaking {
        let (clock, tap) = (self.clock.clone(), self.tap.clone());
        let between = Between::new(self.scenario);
        match lines(self.scenario, &between, 0) {
            Some(lines) => {
                let caller = Caller {
                    voice: Voice::new(
                        clock.clone(),
                        tap.clone(),
                        over,
                        activity,
                        Fate::default(),
                        Bursts::default(),
                    ),
                    mind: Mind::Scripted(Scripted::new(lines)),
                    clock,
                    tap,
                    agent,
                };
                Box::pin(caller.speak())
            }
            None => {
                let script = Script {
                    clock,
                    tap,
                    ear: self.ear(over),
                    lines: prepare::lines(self.scenario, sounds),
                    agent,
                    activity,
                };
                Box::pin(script.speak())
            }
        }
    }

    async fn is_long_enough(&self) {
        match self.length_max {
            Some(length) => self.clock.sleep_until(Tick::ZERO + length).await,
            None => pending().await,
        }
    }

    /// In virtual time, whoever holds the conversation listens for signals, if they want to. Whoever talks ends a
    /// conversation by Ctrl-C as by hanging up; nothing else does.
    async fn asked_to_end(&self, is_talk: bool) {
        if self.time == Time::Virtual {
            return match &self.flag {
                Some(flag) => is_set(flag).await,
                None => pending().await,
            };
        }
        match Signals::listen().next().await {
            Ending::Interrupt if is_talk => {}
            ending => ending.cuts_short(),
        }
    }
}
