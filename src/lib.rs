//! voicesim measures, simulates and explains the latency of a voice assistant: how long a caller
//! waits for the first sound of an answer, and which hop took how much of it.
//!
//! # The map
//!
//! ```text
//! scenario -> engine::build -> pipeline -> events -> measure (a fold) -> report
//!
//! caller audio -> ear -> endpoint -> speech-to-text -> answer -> clauses -> text-to-speech -> playback
//!                  \-> interrupt (while the agent speaks) -> stop | keep talking
//! ```
//!
//! Linked modules are the public surface; the others are for the program.
//!
//! | module | what it is |
//! |---|---|
//! | [`event`] | what happened, in words that all modules share: ticks, turns, hops, marks |
//! | `files` | files opened within bounds, written as a whole, claimed and kept private |
//! | `credentials` | keys that go along with requests, and are never shown |
//! | [`clock`] | the only place that reads time, real or virtual; workers that spend it |
//! | [`audio`] | frames, files, rates |
//! | [`stage`] | the contract of a stage, and what passes between stages |
//! | [`endpoint`] | when the caller has finished: the contract of an endpointing policy, and the silence rule |
//! | [`scenario`] | what was asked for, as data |
//! | `ear` | frames to speech activity; decides nothing |
//! | `engine` | whatever recognises, answers and speaks, with injected faults, resilience policies and pools around it |
//! | `speak` | from written to spoken text: reasoning, markup, clauses, figures; pure, and knows of no stage |
//! | `disclosure` | saying that one is a machine: whether a caller asks for it, and whether it was said; text alone |
//! | `knowledge` | documents, the index over them and the search in it; knows of no stage |
//! | `models` | the files that engines need |
//! | `labelled` | files of labelled examples, which classifiers are fitted to and judged by |
//! | `interval` | intervals of shares |
//! | `interrupt` | whether to stop for a sound over the agent |
//! | `pipeline` | one session: turns, endpoints, replies, playback |
//! | `conversation` | one conversation put together, whoever the caller is |
//! | `caller` | callers without sound: what they say and when |
//! | `live` | the caller at a microphone |
//! | `protocol` | how sound and words travel to an agent and back, over WebSocket |
//! | `probe` | a call to somebody else's agent, as its caller; no pipeline |
//! | `serve` | the pipeline as an agent that others call |
//! | `call` | a finished recording of somebody's call, as events; no pipeline |
//! | `trace` | traces and call logs of other programs' agents, as events; no pipeline |
//! | [`record`] | the tap, the only writer of events; the run folder |
//! | [`measure`] | events to figures |
//! | `fit` | results to the scenario of a simulation that is like them |
//! | `eval` | every step of an agent judged by itself and by segment, over a suite of turns |
//! | `compare` | two sets of figures: what differs, and whether it is more than chance |
//! | `report` | figures to text, JSON, files |
//! | [`run`] | a conversation, from the scenario to the figures |
//! | `sim` | conversations without sound, alone or many at once, over threads |
//! | [`experiment`] | many simulations: replications, sweeps, the search for a value, plans, shards joined |
//! | `listen` | people compare two systems by ear, without knowing which is which; how sure their preference is |
//! | `picture` | axes and labels of pictures |
//! | `nearest` | the name that was meant by a misspelt one |
//! | [`rng`] | named random streams |
//! | [`guide`] | how to use all this, as text: also `voicesim guide` |
//! | `cli` | the command line, one file a subcommand |
//!
//! # Invariants
//!
//! 1. No stage measures its own time. Stages send outputs; the tap stamps them; `measure` derives
//!    durations.
//! 2. `measure` and `report` cannot reach a clock, the pipeline or an engine: a report can be made
//!    on another machine.
//! 3. The pipeline cannot tell a real engine from a simulated one, nor one kind of time from
//!    another.
//! 4. Everything random comes from named streams of one seed: with simulated engines, in virtual
//!    time, the same scenario and seed give the same events to the byte.
//! 5. The hops of a turn lie end to end on its critical path and add up to its end-to-end latency
//!    exactly, in integer nanoseconds. There is no hop called "other".
//! 6. Cancelled work is marked cancelled and never enters a latency histogram as fast work.
//! 7. Every queue is bounded; time spent waiting in one is visible as a hop.
//! 8. Lag of the real clock is a value in the record, never silent.
//! 9. Nobody vanishes. A turn that should have been answered and was not stands in the figures with the time
//!    it waited at least, and its reason; a call, file or side that could not be measured is named and counted.
//! 10. A figure that may be wrong says so. A turn on a recording whose beginning or end cannot be known is
//!     doubtful, with its reason: listed, counted, outside of the headline, and no help to a budget.
//!
//! Tests in `tests/it/house.rs` hold the arrows between modules, and say how to mend a wrong one.
//!
//! # A recording in a test of yours
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use voicesim::run::{Run, Time};
//! use voicesim::event::Metric;
//! use voicesim::scenario::ScenarioFile;
//!
//! let run = Run::of_recordings(&["question.wav".into()], ScenarioFile::default().parse()?)
//!     .in_time(Time::Virtual)
//!     .run()?;
//! let e2e = run.measured.metrics.get(&Metric::E2eLatency).and_then(|h| h.summary()).ok_or("no answer")?;
//! assert!(e2e.p95.rank() < 1_200.0, "callers wait {} ms", e2e.p95);
//! # Ok(())
//! # }
//! ```

pub mod audio;
pub mod clock;
pub mod endpoint;
pub mod event;
pub mod experiment;
pub mod guide;
pub mod measure;
pub mod record;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod stage;

// What the program, the tests and the benches use besides. It may change at any time.
#[doc(hidden)]
pub mod call;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod compare;
#[cfg(any(feature = "openai", feature = "probe"))]
mod credentials;
#[doc(hidden)]
pub mod ear;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod eval;
#[doc(hidden)]
pub mod fit;
#[doc(hidden)]
pub mod interrupt;
mod interval;
#[cfg(feature = "retrieval")]
#[doc(hidden)]
pub mod knowledge;
#[doc(hidden)]
pub mod labelled;
#[cfg(feature = "listen")]
#[doc(hidden)]
pub mod listen;
#[doc(hidden)]
pub mod models;
#[cfg(feature = "probe")]
#[doc(hidden)]
pub mod protocol;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod sim;
#[doc(hidden)]
pub mod speak;
#[doc(hidden)]
pub mod trace;

mod caller;
mod conversation;
mod disclosure;
mod files;
mod live;
mod nearest;
mod picture;
mod pipeline;
#[cfg(feature = "probe")]
mod probe;
#[cfg(feature = "probe")]
mod serve;
#[cfg(all(test, any(feature = "openai", feature = "install")))]
mod test_server;
