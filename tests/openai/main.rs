//! Talks with a real language model on a server on this machine, in real time, through a proxy that notes what
//! goes over the wire and when. `make test-openai` gets the server and the model.

// Nobody reaches into a test from outside: what its parts share is plainly `pub`.
#![allow(unreachable_pub)]

mod proxy;
mod server;

use proxy::Proxy;
use server::Server;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use voicesim::event::{Mark, Metric, ReplyEnd, StageName, VisitEnd};
use voicesim::measure::Outcome;
use voicesim::record::store::KeepAudio;
use voicesim::run::{Finished, Run, Time};
use voicesim::scenario;

/// A server has to know so soon that nobody wants the rest of an answer.
const CLOSED_WITHIN: Duration = Duration::from_millis(100);

type Seen = Rc<RefCell<Vec<(Instant, Mark)>>>;

/// Holds a scenario of this folder through the proxy, and notes when each mark was made.
fn hold(name: &str, policy: Option<&str>, proxy: &Proxy) -> (Finished, Vec<(Instant, Mark)>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/openai")
        .join(name);
    let scenario = scenario::load(&file).unwrap_or_else(|error| panic!("{error}"));
    let mut file = scenario.file().clone();
    file.answer.url = Some(proxy.url());
    if let Some(policy) = policy {
        file.interruption.policy = policy.into();
    }
    let scenario = file.parse().unwrap_or_else(|problem| panic!("{problem}"));
    let seen = Seen::default();
    let watcher = {
        let seen = seen.clone();
        Box::new(move |event: &voicesim::event::Event| {
            seen.borrow_mut().push((Instant::now(), event.mark.clone()));
        })
    };
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run::of(scenario)
        .in_time(Time::Real)
        .watched_by(watcher)
        .keep_in(folder.path().to_owned(), KeepAudio::Yes)
        .run();
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    let seen = seen.take();
    (run, seen)
}

#[test]
fn a_language_model_answers_aloud_and_streams() {
    let server = Server::start();
    let proxy = Proxy::before(server.address());
    let (run, _) = hold("conversation.toml", None, &proxy);
    for row in &run.measured.rows {
        println!("heard {:?}\nsaid  {:?}", row.heard, row.said);
        assert_eq!(row.outcome, Outcome::Answered);
        assert_eq!(Some(row.hops.sum()), row.e2e_ns);
    }
    for metric in [Metric::LlmTtft, Metric::LlmTtfs, Metric::E2eLatency] {
        let summary = run.measured.metrics[&metric]
            .answered()
            .summary()
            .expect("answered");
        println!(
            "{metric:<12} mean {:7.1} ms, p50 {:7.1} ms, max {:7.1} ms",
            summary.mean_ms, summary.p50_ms, summary.max_ms
        );
    }
    let pace = run.measured.writing.pace().expect("it wrote");
    let speed = pace.tokens_per_second.expect("more than a token");
    println!(
        "writing      {speed:.1} tokens a second behind the first, {} written, {} read",
        pace.tokens_written, pace.tokens_read
    );
    // An answer comes in many pieces. This server closes a connection that is idle for five seconds.
    let connections = proxy.connections();
    println!("connections  {}", connections.len());
    let most = connections.iter().map(|connection| connection.pieces).max();
    assert!(most.is_some_and(|pieces| pieces > 4), "{most:?}");
}

#[test]
fn a_caller_who_interrupts_stops_the_model_within_a_tenth_of_a_second() {
    for policy in [None, Some("always")] {
        let server = Server::start();
        let proxy = Proxy::before(server.address());
        let (run, seen) = hold("barge-in.toml", policy, &proxy);
        let find = |is_meant: fn(&Mark) -> bool| {
            seen.iter()
                .find(|(_, mark)| is_meant(mark))
                .map(|(at, _)| *at)
        };
        let silent = find(|mark| {
            matches!(
                mark,
                Mark::ReplyEnded {
                    end: ReplyEnd::Stopped,
                    ..
                }
            )
        });
        let silent = silent.expect("the agent fell silent");
        // A reply that may have been stopped for nothing is held until it is known what was said.
        let given_up = find(|mark| {
            matches!(
                mark,
                Mark::Exit {
                    stage: StageName::Answer,
                    end: VisitEnd::Cancelled,
                    ..
                }
            )
        });
        let given_up = given_up.expect("the answer was given up");
        let closed = proxy
            .connections()
            .iter()
            .find_map(|connection| connection.closed_by_us);
        let closed = closed.expect("the server saw it");
        let after = closed.saturating_duration_since(given_up);
        println!(
            "policy {:<11} given up {:.1} ms after the agent fell silent, the server saw it {:.1} ms later",
            run.header.policy,
            given_up.saturating_duration_since(silent).as_secs_f64() * 1e3,
            after.as_secs_f64() * 1e3
        );
        assert!(after <= CLOSED_WITHIN, "{after:?}");
    }
}
