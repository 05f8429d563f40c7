//! Calls to somebody else's agent: what a scenario's caller says, ready to be sent, and any number of calls held at once,
//! each on a thread and a clock of its own.

use super::{RunError, input, prepare, unavailable};
use crate::call::probed::{Known, KnownSpeech, KnownTurn};
use crate::clock::Clock;
use crate::engine;
use crate::event::{Tick, nanos};
use crate::probe::{Call, CallEnd, Held, Line, Progress, Said};
use crate::protocol::Protocol;
use crate::protocol::address::Address;
use crate::protocol::socket::{Access, Connection, connect};
use crate::record::store::Probe;
use crate::scenario::{Says, Scenario};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the caller of a scenario says, at the rate of a protocol: recordings, and words as the scenario's voice speaks
/// them.
///
/// # Errors
/// A scenario whose caller makes no sound, a recording that cannot be read, or a voice that is not available.
pub(crate) fn lines(scenario: &Scenario, protocol: Protocol) -> Result<Vec<Line>, RunError> {
    refuse_simulated(scenario)?;
    let mut sounds = prepare::recordings(scenario)?;
    scenario.find_files().map_err(input)?;
    let words = scenario.turns().iter().enumerate();
    let words = words.filter_map(|(row, turn)| match &turn.says {
        Says::Words(words) => Some((row, words)),
        Says::Recording { .. } | Says::Speech(_) => None,
    });
    let mut voice = None;
    for (row, words) in words {
        let clock = Clock::virtual_time(scenario.cores());
        let voice = match &mut voice {
            Some(voice) => voice,
            none => none.insert(engine::text_to_speech(scenario, &clock)?),
        };
        let spoken = clock.block_on(prepare::spoken(words, voice, &clock));
        sounds[row] = Some(spoken.map_err(unavailable)?.map_err(unavailable)?);
    }
    let rate = protocol.to_agent(1).rate();
    let lines = prepare::lines(scenario, sounds).into_iter();
    lines
        .map(|line| Line::new(&line.samples, rate, line.speech, line.cue).map_err(unavailable))
        .collect()
}

fn refuse_simulated(scenario: &Scenario) -> Result<(), RunError> {
    let wrong = |what: &str| Err(RunError::Input(what.to_owned()));
    if scenario.caller.is_some() {
        return wrong(
            "caller: a [caller] makes up what to say only in simulations, and makes no sound; give the scenario turns with wav or say to call an agent",
        );
    }
    let is_silent = |says: &Says| matches!(says, Says::Speech(_));
    if let Some(row) = scenario
        .turns()
        .iter()
        .position(|turn| is_silent(&turn.says))
    {
        return Err(RunError::Input(format!(
            "turn {} speech: simulated speech makes no sound; give the turn a wav, or words to say, to call an agent",
            row + 1
        )));
    }
    if scenario.turns().is_empty() {
        return wrong(
            "nobody says anything: give the scenario at least one [[turn]] with wav or say; `voicesim init` writes a scenario to start from",
        );
    }
    if scenario.disturbance.is_some() {
        return wrong(
            "disturbance: only simulated; take [disturbance] away, and mix what is going on into the recordings",
        );
    }
    if scenario.network.is_there {
        return wrong(
            "network: only simulated; take [network] away, the way to the agent is the real one",
        );
    }
    Ok(())
}

/// Calls to be held.
pub(crate) struct Calling<'a> {
    pub address: &'a Address,
    pub access: &'a Access,
    pub protocol: Protocol,
    pub lines: &'a [Line],
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
        let share = call as f64 / self.wavs.len() as f64;
        clock
            .sleep_until(Tick::ZERO + self.ramp.mul_f64(share))
            .await;
        if self.stop.load(Ordering::Relaxed) {
            return Err(NotHeld::Stopped);
        }
        let connected = connect(self.address, self.access).await;
        let socket = connected.map_err(|error| NotHeld::NotConnected(error.to_string()))?;
        // The call begins when it is answered.
        clock.start();
        let Some(stopwatch) = clock.stopwatch() else {
            return Err(NotHeld::Unavailable("there is no clock".into()));
        };
        let number = u32::try_from(call + 1).unwrap_or(u32::MAX);
        let mut protocol = self.protocol.to_agent(number);
        let mut progress = |progress| {
            (self.told)(call, progress);
            !self.stop.load(Ordering::Relaxed)
        };
        let held = Call {
            lines: self.lines,
            jitter: self.jitter,
            longest: self.longest,
            wav: &self.wavs[call],
            progress: &mut progress,
        };
        let connection = Connection::of(socket, stopwatch);
        let held = held.hold(clock, &mut *protocol, connection).await;
        held.map_err(|error| NotHeld::Unavailable(error.to_string()))
    }
}

/// What is known of a call that was held, for whoever judges the recording.
pub(crate) fn known(scenario: &Scenario, lines: &[Line], held: &Held) -> Known {
    let turns = held.said.iter().zip(lines).zip(scenario.turns());
    let turns = turns.map(|((said, line), turn)| KnownTurn {
        expect: turn.expect,
        said: match said {
            Said::Missed { at, waited_ns } => KnownSpeech::Missed {
                at: *at,
                waited_ns: *waited_ns,
            },
            Said::At(at) => KnownSpeech::At {
                at: *at,
                speech: line.spoken_at(*at, held.ended_at),
            },
        },
    });
    let late_max_ns = nanos(Duration::from_secs_f64(held.lateness.max_ms / 1e3));
    Known {
        turns: turns.collect(),
        late: held.late.clone(),
        late_max_ns: match held.late.is_empty() {
            true => 0,
            false => late_max_ns,
        },
        ended_at: held.ended_at,
        failure: match &held.end {
            CallEnd::Failed(why) => Some(why.clone()),
            _ => None,
        },
        agent_hung_up: held.end == CallEnd::AgentHungUp,
        is_cut_short: matches!(held.end, CallEnd::Stopped | CallEnd::AgentHungUp)
            && held.said.len() < lines.len()
            || held.end == CallEnd::Stopped,
        heard: held.heard.clone(),
        spoke: held.spoke.clone(),
    }
}

/// What the header tells of a call.
pub(crate) fn facts(calling: &Calling<'_>, held: &Held) -> Probe {
    let ms = |samples: u64| samples as f64 * 1e3 / f64::from(held.rate);
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
        ended: match &held.end {
            CallEnd::Finished => "the caller hung up".into(),
            CallEnd::AgentHungUp => "the agent hung up".into(),
            CallEnd::Stopped => "stopped".into(),
            CallEnd::Failed(why) => format!("failed: {why}"),
        } + &errors,
    }
}
