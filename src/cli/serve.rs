//! `voicesim serve`: the pipeline of a scenario as an agent that others call.

use super::engines::Engines;
use super::probe::ProtocolName;
use super::signals::end_at_signals;
use super::{Failure, Verdict, given, number, print};
use crate::protocol::Protocol;
use crate::record::store::KeepAudio;
use crate::report::answer;
use crate::run;
use crate::run::served::{Reception, Served, Serving};
use crate::scenario::Scenario;
use crate::serve::Left;
use clap::Args;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The most calls that are held at a time.
const AT_ONCE_MAX: u32 = 100;
/// How often it is looked whether somebody calls, or the end has come.
const LOOKED_EVERY: Duration = Duration::from_millis(10);

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Scenario whose engines, endpointing and interruption policy answer; the defaults without one
    scenario: Option<PathBuf>,
    /// How callers speak; see `voicesim guide probe`
    #[arg(long, value_enum, value_name = "PROTOCOL", default_value_t)]
    protocol: ProtocolName,
    /// Address and port to take calls at; port 0 takes a free one, which is printed
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8765")]
    listen: SocketAddr,
    /// Calls that are held at a time; others are hung up on
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=i64::from(AT_ONCE_MAX)))]
    at_once: u32,
    /// End after so many calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    calls: Option<u32>,
    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = number::seconds)]
    seconds: Option<u64>,
    #[command(flatten)]
    engines: Engines,
    /// Folder to keep calls in, in a run folder each
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Do not keep the sound, which holds people's voices
    #[arg(long, help_heading = "Results")]
    no_audio: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let scenario = self.scenario()?;
        if let Some(out) = &self.out {
            run::refuse_used(out)?;
        }
        let unavailable = |error: std::io::Error| {
            Failure::Unavailable(format!(
                "--listen {}: {error}; choose another port, or 0 for a free one",
                self.listen
            ))
        };
        let listener = TcpListener::bind(self.listen).map_err(unavailable)?;
        listener.set_nonblocking(true).map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let stop = end_at_signals();
        let audio = match self.no_audio {
            true => KeepAudio::No,
            false => KeepAudio::Yes,
        };
        let serving = Serving {
            scenario: &scenario,
            protocol: Protocol::from(self.protocol),
            at_once: self.at_once as usize,
            out: self.out.as_deref().map(|out| (out, audio)),
            loads: AtomicU64::new(0),
            stop: &stop,
            told: &told,
        };
        serving.serve(|reception| {
            // A script reads where to call.
            print(&format!("ws://{address}\n"));
            tracing::info!("taking calls ({}); Ctrl-C ends it", serving.protocol.name());
            self.receive(&listener, reception, &stop);
            if self.calls.is_none() {
                stop.store(true, Ordering::Relaxed);
            }
        })?;
        Ok(Verdict::Fine)
    }

    /// Hands on whoever calls, until that is enough.
    fn receive(&self, listener: &TcpListener, reception: &Reception<'_>, stop: &AtomicBool) {
        let mut number = 0;
        let mut looks = self.seconds.map(|seconds| {
            let looks = Duration::from_secs(seconds).as_millis() / LOOKED_EVERY.as_millis();
            u64::try_from(looks).unwrap_or(u64::MAX)
        });
        while !stop.load(Ordering::Relaxed)
            && self.calls.is_none_or(|calls| number < calls)
            && looks != Some(0)
        {
            match listener.accept() {
                Ok((caller, _)) => match reception.take(number + 1, caller) {
                    true => number += 1,
                    false => tracing::warn!(
                        "warning: a caller was hung up on: {} calls are held already (--at-once)",
                        self.at_once
                    ),
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(LOOKED_EVERY);
                    looks = looks.map(|looks| looks - 1);
                }
                Err(error) => {
                    tracing::warn!("warning: a caller was lost: {error}");
                    std::thread::sleep(LOOKED_EVERY);
                }
            }
        }
    }

    fn scenario(&self) -> Result<Scenario, Failure> {
        let mut file = given::scenario_or_none(self.scenario.as_deref())?;
        self.engines.overrule(&mut file);
        if file.name.is_empty() {
            file.name = "served".into();
        }
        let scenario = file.parse().map_err(Failure::input)?;
        let wrong = |what: &str| Err(Failure::Input(what.to_owned()));
        if scenario.network.is_there {
            return wrong(
                "network: only simulated; take [network] away, the way to the caller is the real one",
            );
        }
        if scenario.disturbance.is_some() {
            return wrong(
                "disturbance: only simulated, callers bring what is truly going on; take [disturbance] away",
            );
        }
        if scenario.load.is_some() {
            return wrong("load: only simulated; take [load] away, callers come as they call");
        }
        Ok(scenario)
    }
}

/// Says what came of a call.
fn told(number: u32, served: &Served) {
    let turns = served.measured.rows.len();
    let said = answer::sentence(&served.measured, None);
    match &served.left {
        Left::HungUp => tracing::info!("call {number}: {turns} turns. {said}"),
        Left::Lost(why) => tracing::warn!("warning: call {number}: {turns} turns, then {why}"),
    }
}
