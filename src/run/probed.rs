//! Calls to somebody else's agent: any number of them held at once, each on a thread and a clock of its own.

use super::called::Caller;
use crate::call::known::{Known, KnownSpeech, KnownTurn};
use crate::clock::Clock;
use crate::event::nanos;
use crate::probe::{Call, CallEnd, Dialling, Held, Progress, Redial, Said};
use crate::protocol::address::Address;
use crate::protocol::socket::{Access, Connection, Socket, connect};
use crate::protocol::{Protocol, ToAgent};
use crate::record::store::Probe;
use crate::scenario::AgentTable;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often whoever waits before a call looks whether it is still to be made.
const LOOKED_EVERY: Duration = Duration::from_millis(50);

/// Calls to be held.
pub(crate) struct Calling<'a> {
    pub address: &'a Address,
    pub access: &'a Access,
    pub protocol: Protocol,
    pub caller: &'a Caller,
    /// How the agent is called, and called again.
    pub agent: AgentTable,
    pub jitter: Duration,
    /// After how long a caller hangs up, whatever is still to be said.
    pub longest: Duration,
    /// Over how long the calls begin, evenly.
    pub ramp: Duration,
    /// Where each call is recorded; there are as many calls.
    pub wavs: Vec<PathBuf>,
    /// Ends all calls when it is set.
    pub stop: &'a AtomicBool,
    /// Is told how each call goes, from zero.
    pub told: &'a (dyn Fn(usize, Progress) + Sync),
}

/// A call that was not held.
#[derive(Debug, Clone)]
pub(crate) enum NotHeld {
    /// The agent did not take it; why.
    NotConnected(String),
    /// Something on this machine failed; what.
    Unavailable(String),
    /// It was stopped before it began.
    Stopped,
}

impl Calling<'_> {
    /// Holds all calls, to their ends.
    pub(crate) fn hold(&self) -> Vec<Result<Held, NotHeld>> {
        std::thread::scope(|scope| {
            let calls: Vec<_> = (0..self.wavs.len())
                .map(|call| {
                    let thread = std::thread::Builder::new().name(format!("call {}", call + 1));
                    thread.spawn_scoped(scope, move || self.one(call))
                })
                .collect();
            let failed = |what: &str| Err(NotHeld::Unavailable(what.to_owned()));
            calls
                .into_iter()
                .map(|call| match call.map(|thread| thread.join()) {
                    Ok(Ok(held)) => held,
                    Ok(Err(_)) => failed("the call panicked; this is a fault of voicesim"),
                    Err(error) => failed(&format!("there is no thread for a call: {error}")),
                })
                .collect()
        })
    }

    fn one(&self, call: usize) -> Result<Held, NotHeld> {
        let clock = Clock::real(1);
        let failed = |error: &dyn std::fmt::Display| NotHeld::Unavailable(error.to_string());
        clock
            .block_on(self.held(call, &clock))
            .map_err(|error| failed(&error))?
    }

    async fn held(&self, call: usize, clock: &Clock) -> Result<Held, NotHeld> {
        clock.start();
        let number = u32::try_from(call + 1).unwrap_or(u32::MAX);
        let unavailable = |error: &dyn std::fmt::Display| NotHeld::Unavailable(error.to_string());
        let mut mind = self.caller.mind(number - 1, clock);
        let share = call as f64 / self.wavs.len() as f64;
        self.waits(clock, self.ramp.mul_f64(share)).await?;
        let (socket, retries) = self.reach(clock).await?;
        // The call begins when it is answered.
        clock.start();
        let Some(stopwatch) = clock.stopwatch() else {
            return Err(NotHeld::Unavailable("there is no clock".into()));
        };
        let dial = |retry: u32| -> Dialling<'_> {
            Box::pin(async move {
                self.waits(clock, self.agent.wait(retries + retry))
                    .await
                    .map_err(|_| "stopped".to_owned())?;
                let socket = connect(self.address, self.access).await;
                let socket = socket.map_err(|error| error.to_string())?;
                let protocol: Box<dyn ToAgent> = self.protocol.to_agent(number);
                Ok((protocol, Connection::of(socket, stopwatch)))
            })
        };
        let mut progress = |progress| {
            (self.told)(call, progress);
            !self.stop.load(Ordering::Relaxed)
        };
        let held = Call {
            mind: &mut *mind,
            jitter: self.jitter,
            longest: self.longest,
            wav: &self.wavs[call],
            redial: Redial {
                retries: self.agent.retries - retries,
                dial: &dial,
            },
            progress: &mut progress,
        };
        let protocol = self.protocol.to_agent(number);
        let connection = Connection::of(socket, stopwatch);
        let held = held.hold(clock, protocol, connection).await;
        let mut held = held.map_err(|error| unavailable(&error))?;
        held.redialled += retries;
        held.change_words(|said| self.access.credentials.masked(said));
        Ok(held)
    }

    /// Calls the agent until it takes the call, and how often that was tried again.
    async fn reach(&self, clock: &Clock) -> Result<(Socket, u32), NotHeld> {
        let mut retries = 0;
        loop {
            let refused = match connect(self.address, self.access).await {
                Ok(socket) => return Ok((socket, retries)),
                Err(refused) => refused,
            };
            if retries == self.agent.retries {
                return Err(NotHeld::NotConnected(refused.to_string()));
            }
            retries += 1;
            self.waits(clock, self.agent.wait(retries)).await?;
        }
    }

    /// Lets time pass, as long as nobody stops the calls.
    async fn waits(&self, clock: &Clock, span: Duration) -> Result<(), NotHeld> {
        let until = clock.now() + span;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(NotHeld::Stopped);
            }
            let now = clock.now();
            if now >= until {
                return Ok(());
            }
            clock.sleep_until(until.min(now + LOOKED_EVERY)).await;
        }
    }
}

/// What is known of a call that was held, for whoever judges the recording.
pub(crate) fn known(caller: &Caller, held: &Held) -> Known {
    let turns = held.said.iter().map(|said| match said {
        Said::Missed {
            expect,
            at,
            waited_ns,
        } => KnownTurn {
            expect: *expect,
            is_again: false,
            said: KnownSpeech::Missed {
                at: *at,
                waited_ns: *waited_ns,
            },
        },
        Said::Line {
            line,
            at,
            cut,
            is_again,
        } => KnownTurn {
            expect: line.expect,
            is_again: *is_again,
            said: KnownSpeech::At {
                at: *at,
                speech: line.spoken_at(*at, cut.unwrap_or(held.ended_at)),
            },
        },
    });
    let late_max_ns = nanos(Duration::from_secs_f64(held.lateness.max_ms / 1e3));
    let is_unsaid = caller.is_scripted() && held.said.len() < caller.lines();
    Known {
        turns: turns.collect(),
        is_made_up: !caller.is_scripted(),
        late: held.late.clone(),
        late_max_ns: match held.late.is_empty() {
            true => 0,
            false => late_max_ns,
        },
        ended_at: held.ended_at,
        failures: held.drops.clone(),
        has_failed: matches!(held.end, CallEnd::Failed(_)),
        agent_hung_up: held.end == CallEnd::AgentHungUp,
        gave_up: (held.end == CallEnd::GaveUp).then_some(held.ended_at),
        is_cut_short: match held.end {
            CallEnd::Stopped | CallEnd::Overlong => true,
            CallEnd::AgentHungUp => is_unsaid || !caller.is_scripted(),
            CallEnd::Finished | CallEnd::GaveUp | CallEnd::Failed(_) => false,
        },
        heard: held.heard.clone(),
        spoke: held.spoke.clone(),
    }
}

/// What the header tells of a call.
pub(crate) fn facts(calling: &Calling<'_>, held: &Held) -> Probe {
    let ms = |length: Duration| length.as_secs_f64() * 1e3;
    let round = |ms: f64| (ms * 1e3).round() / 1e3;
    let errors = match held.errors.as_slice() {
        [] => String::new(),
        [first, ..] => format!("; the agent told of an error: {first}"),
    };
    Probe {
        agent: calling.address.to_string(),
        protocol: calling.protocol.name().into(),
        jitter_buffer_ms: calling.jitter.as_millis() as u64,
        frames: held.lateness.frames,
        frame_late_p50_ms: round(held.lateness.p50_ms),
        frame_late_p99_ms: round(held.lateness.p99_ms),
        frame_late_max_ms: round(held.lateness.max_ms),
        underruns: held.playout.underruns,
        underrun_ms: round(ms(held.playout.dry)),
        ahead_max_ms: round(ms(held.playout.most_waiting)),
        cleared_ms: round(ms(held.playout.cleared)),
        redialled: held.redialled,
        broke_off: held.drops.first().map(|(_, why)| why.clone()),
        ended: match &held.end {
            CallEnd::Finished => "the caller hung up".into(),
            CallEnd::GaveUp => "the caller lost patience and hung up".into(),
            CallEnd::AgentHungUp => "the agent hung up".into(),
            CallEnd::Stopped => "stopped".into(),
            CallEnd::Overlong => {
                let seconds = calling.longest.as_secs();
                format!("the caller hung up after {seconds} s (--for)")
            }
            CallEnd::Failed(why) => format!("failed: {why}"),
        } + &errors,
    }
}
