//! The pipeline of a scenario as an agent that others call, in real time. Each call has a thread, a clock and engines of
//! its own, which are warm before it comes.

use super::folder::header;
use super::prepare::{self, Sounds};
use super::watched::watch_by;
use super::{RunError, folder::write_hlog, not_kept, unavailable};
use crate::clock::Clock;
use crate::conversation::{self, Parts};
use crate::ear::{self, Ear, UtteranceOver};
use crate::engine::{self, Given, Loaded};
use crate::event::{Mark, SessionEnd, SessionId, TurnId};
use crate::measure::{self, Measurement, Plan};
use crate::pipeline::AgentState;
use crate::pipeline::control::CONTROLS_WAITING_MAX;
use crate::protocol::Protocol;
use crate::protocol::socket::{Connection, accept};
use crate::record::store::{self, Header, KeepAudio, RowsPer, RunFolder};
use crate::record::tap::{Tap, Watcher};
use crate::scenario::Scenario;
use crate::serve::{Caller, FarSpeaker, Left, Wire};
use crate::stage::Watched;
use crate::stage::queue;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Reports of the ear that may wait for the session: a second of frames.
const ACTIVITY_WAITING_MAX: usize = 64;
/// How often whoever waits for a call looks whether there is still one to come.
const LOOKED_EVERY: Duration = Duration::from_millis(100);

/// An agent that takes calls.
pub(crate) struct Serving<'a> {
    pub scenario: &'a Scenario,
    pub protocol: Protocol,
    /// How many calls are held at a time.
    pub at_once: usize,
    /// Where calls are kept, in a folder each; nowhere if `None`.
    pub out: Option<(&'a Path, KeepAudio)>,
    /// How often engines were loaded.
    pub loads: AtomicU64,
    /// Ends it when it is set.
    pub stop: &'a AtomicBool,
    /// Is told of each call that is over: its number from one, and what came of it.
    pub told: &'a (dyn Fn(u32, &Served) + Sync),
}

/// A call that was taken.
pub(crate) struct Served {
    pub left: Left,
    pub measured: Measurement,
}

/// A caller at the door, with the number of the call.
type Door = (u32, TcpStream);

/// What the agent says besides answers, once it has been spoken.
type Besides = Mutex<Option<Sounds>>;

/// Whoever hands callers on.
pub(crate) struct Reception<'a> {
    callers: SyncSender<Door>,
    /// Calls that are held, or whose engines are not warm again.
    busy: &'a AtomicUsize,
    at_once: usize,
}

impl Reception<'_> {
    /// Hands a caller on. Whether anybody was free; else the caller is hung up on.
    pub(crate) fn take(&self, number: u32, caller: TcpStream) -> bool {
        if self.busy.load(Ordering::Relaxed) >= self.at_once {
            return false;
        }
        self.busy.fetch_add(1, Ordering::Relaxed);
        let is_taken = self.callers.try_send((number, caller)).is_ok();
        if !is_taken {
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
        is_taken
    }
}

impl Serving<'_> {
    /// Loads engines, then has `receive` hand on callers until it returns; calls that are on their way are held to
    /// their ends.
    ///
    /// # Errors
    /// If an engine is not available, or a call cannot be kept.
    pub(crate) fn serve(&self, receive: impl FnOnce(&Reception<'_>)) -> Result<(), RunError> {
        engine::check(self.scenario)?;
        let (callers, waiting) = sync_channel(self.at_once);
        let waiting = Mutex::new(waiting);
        let busy = AtomicUsize::new(0);
        let besides = Mutex::new(None);
        let (ready, warm) = sync_channel::<Result<(), RunError>>(self.at_once);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.at_once)
                .map(|_| {
                    let (waiting, busy, ready) = (&waiting, &busy, ready.clone());
                    let besides = &besides;
                    scope.spawn(move || {
                        let done = self.work((waiting, busy), besides, &ready);
                        if done.is_err() {
                            // Nobody is to be called for nothing.
                            self.stop.store(true, Ordering::Relaxed);
                        }
                        done
                    })
                })
                .collect();
            drop(ready);
            let mut failed = None;
            for _ in 0..self.at_once {
                if let Ok(Err(error)) = warm.recv() {
                    failed = failed.or(Some(error));
                }
            }
            if failed.is_none() {
                receive(&Reception {
                    callers: callers.clone(),
                    busy: &busy,
                    at_once: self.at_once,
                });
            }
            drop(callers);
            for worker in workers {
                match worker.join() {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failed = failed.or(Some(error)),
                    Err(_) => {
                        let what = "a call panicked; this is a fault of voicesim";
                        failed = failed.or(Some(unavailable(what)));
                    }
                }
            }
            failed.map_or(Ok(()), Err)
        })
    }

    /// Holds one call after the other, each with engines that were warm before.
    fn work(
        &self,
        (waiting, busy): (&Mutex<Receiver<Door>>, &AtomicUsize),
        besides: &Besides,
        ready: &SyncSender<Result<(), RunError>>,
    ) -> Result<(), RunError> {
        let clock = Clock::real(self.scenario.cores());
        let mut loaded = match self.load(&clock, besides) {
            Ok(loaded) => {
                // Nobody listens any more if another one failed.
                let _ = ready.send(Ok(()));
                loaded
            }
            Err(error) => {
                let _ = ready.send(Err(error));
                return Ok(());
            }
        };
        while let Some((number, caller)) = self.next(waiting) {
            let call = self.call(number, caller, loaded, &clock);
            let served = clock.block_on(call).map_err(unavailable)??;
            if let Some(served) = served {
                (self.told)(number, &served);
            }
            loaded = self.load(&clock, besides)?;
            busy.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn next(&self, waiting: &Mutex<Receiver<Door>>) -> Option<Door> {
        loop {
            let next = match waiting.lock() {
                Ok(waiting) => waiting.recv_timeout(LOOKED_EVERY),
                Err(_) => return None,
            };
            match next {
                Ok(door) => return Some(door),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Engines for a call, and what the agent says besides answers. Simulated ones draw anew for each.
    fn load(&self, clock: &Clock, besides: &Besides) -> Result<(Loaded, Sounds), RunError> {
        let given = Given::default();
        let mut scenario = self.scenario.clone();
        let loads = self.loads.fetch_add(1, Ordering::Relaxed);
        scenario.set_seed(scenario.seed().0.wrapping_add(loads));
        let mut loaded = engine::load(&scenario, &given, clock)?;
        // Before anybody calls, and whatever fails on purpose in answers.
        let sounds = self.besides(&mut loaded, clock, besides)?;
        let loaded = loaded.with_policies(&scenario, &given, clock)?;
        Ok((loaded, sounds))
    }

    /// What the agent says besides answers, which whoever asks first has spoken.
    fn besides(
        &self,
        loaded: &mut Loaded,
        clock: &Clock,
        besides: &Besides,
    ) -> Result<Sounds, RunError> {
        // Whoever panicked has left nothing half done.
        let mut besides = besides.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sounds) = &*besides {
            return Ok(sounds.clone());
        }
        let spoken = prepare::speak_besides(self.scenario, &mut loaded.engines, clock);
        let sounds = clock.block_on(spoken).map_err(unavailable)??;
        Ok(besides.insert(sounds).clone())
    }

    /// Holds a call; `None` if the caller spoke no WebSocket.
    async fn call(
        &self,
        number: u32,
        caller: TcpStream,
        (loaded, sounds): (Loaded, Sounds),
        clock: &Clock,
    ) -> Result<Option<Served>, RunError> {
        let socket = match accept(caller).await {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!("warning: call {number}: {error}");
                return Ok(None);
            }
        };
        clock.start();
        let Some(stopwatch) = clock.stopwatch() else {
            return Err(unavailable("there is no clock"));
        };
        let connection = Connection::of(socket, stopwatch);
        let wire = Wire::new(self.protocol.to_caller(), connection.outgoing().clone());
        wire.hello();
        let (folder, kept) = self.folder(number, &loaded, clock)?;
        let tap = Tap::new(clock.clone(), SessionId(0), folder);
        let tells = wire.clone();
        let tells: Watcher = Box::new(move |event| tells.tell(event));
        watch_by(&tap, [Some(tells), loaded.listener]);
        let over = UtteranceOver::default();
        let (activity, heard) = queue::channel(ACTIVITY_WAITING_MAX);
        let (control, controlled) = queue::channel(CONTROLS_WAITING_MAX);
        let ear = &self.scenario.ear;
        let caller = Caller {
            clock: clock.clone(),
            tap: tap.clone(),
            ear: Ear::new(ear.vad_threshold, ear.hears, over.clone()).by_rules(ear::RULES),
            connection,
            wire: wire.clone(),
            activity,
            control,
        };
        let speaker = FarSpeaker::new(wire.clone()).map_err(unavailable)?;
        let endpointing = conversation::endpointing(self.scenario, loaded.end_of_turn);
        let parts = Parts {
            clock: clock.clone(),
            tap: tap.clone(),
            engines: loaded.engines,
            filler: prepare::filler(self.scenario, &sounds),
            disclosure: prepare::disclosure(self.scenario, &sounds),
            openings: prepare::openings(self.scenario, &sounds, false),
            endpointing: endpointing.map_err(unavailable)?,
            interruption: conversation::interruption(self.scenario).map_err(unavailable)?,
            over,
            speaker: Rc::new(speaker),
            agent: Rc::new(Watched::<AgentState>::default()),
            control: Some(controlled),
        };
        let session = conversation::session(self.scenario, parts);
        let call = async {
            let mut caller = caller;
            let left = tokio::select! {
                biased;
                left = caller.listen() => left,
                () = self.stopped(clock) => Left::HungUp,
            };
            // Whoever reports to the session is gone, and it ends.
            let Caller { connection, .. } = caller;
            (left, connection)
        };
        let ((left, connection), ()) = tokio::join!(biased; call, session.run(heard));
        let cause = match left {
            Left::HungUp => SessionEnd::Finished,
            Left::Lost(_) => SessionEnd::Aborted,
        };
        tap.mark(TurnId(0), Mark::SessionEnded { cause });
        wire.goodbye();
        connection.close().await;
        tap.finish().map_err(|error| {
            unavailable(format!(
                "call {number} could not be kept: {error}; make room or choose another folder (--out)"
            ))
        })?;
        let events = tap.events();
        let measured = measure::measure(&events, &Plan::of(self.scenario, RowsPer::Utterance));
        if let Some(folder) = kept {
            write_hlog(&folder.join("latency.hlog"), &measured, &events)?;
            store::seal(&folder).map_err(not_kept)?;
        }
        Ok(Some(Served { left, measured }))
    }

    async fn stopped(&self, clock: &Clock) {
        while !self.stop.load(Ordering::Relaxed) {
            clock.sleep_until(clock.now() + LOOKED_EVERY).await;
        }
    }

    fn folder(
        &self,
        number: u32,
        loaded: &Loaded,
        clock: &Clock,
    ) -> Result<(Option<RunFolder>, Option<PathBuf>), RunError> {
        let Some((out, audio)) = self.out else {
            return Ok((None, None));
        };
        let path = out.join(format!("call-{number:03}"));
        let header = Header {
            keeps_audio: audio == KeepAudio::Yes,
            ..header(
                self.scenario,
                (loaded, ear::RULES),
                RowsPer::Utterance,
                clock,
            )?
        };
        let folder = RunFolder::create(&path, &header, audio).map_err(not_kept)?;
        Ok((Some(folder), Some(path)))
    }
}
