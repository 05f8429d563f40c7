//! Pools against queueing theory: what requests wait on average, and how many are refused.
//!
//! Each figure must lie within its 99 % interval of 64 independent worlds, and the interval within a few
//! percent of it, so that a wrong queue is found.

use super::*;
use crate::rng::{Draw, Seed};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

const WORLDS: u32 = 64;
/// The 99.5 % quantile of Student's t with 63 degrees of freedom.
const T_995: f64 = 2.656;
/// The mean service time, in seconds.
const SERVICE_S: f64 = 1.0;

struct Queue {
    pool: pool::Pool,
    /// Requests a second.
    rate: f64,
    service: Service,
    /// How long a request waits on average before it is given up, in seconds; `None` for ever.
    patience_s: Option<f64>,
}

/// What became of a request that was not refused: how long it waited, and whether it was served.
type Waited = (Duration, bool);

/// How long a request is served, in seconds.
type Service = fn(&mut Draw) -> f64;

fn exponential(draw: &mut Draw) -> f64 {
    -libm::log(draw.uniform()) * SERVICE_S
}

/// A service time of two thirds of the mean, or for one in six of four times that: the square of the
/// coefficient of variation is 5/9.
fn of_two_kinds(draw: &mut Draw) -> f64 {
    match draw.uniform() < 1.0 / 6.0 {
        true => SERVICE_S * 8.0 / 3.0,
        false => SERVICE_S * 2.0 / 3.0,
    }
}

fn always_the_same(_: &mut Draw) -> f64 {
    SERVICE_S
}

/// The mean wait in seconds and the share of requests that were refused or given up, of one world: `requests` of them behind
/// `before`.
fn one_world(queue: &Queue, world: u32, before: u32, requests: u32) -> (f64, f64) {
    let clock = Clock::virtual_time(1);
    let window = Tick::ZERO..Tick(u64::MAX);
    let pool = Rc::new(Pool::new(StageName::Answer, &queue.pool, &clock, &window));
    let between = Seed(1).source("theory", "between");
    let lasting = Seed(1).source("theory", "service");
    let waiting = Seed(1).source("theory", "patience");
    let request = async |number: u32| {
        let span = (queue.service)(&mut lasting.draw(world.into(), number));
        let span = Duration::from_secs_f64(span);
        let asked = clock.now();
        let patience_s = queue.patience_s.map_or(1e9, |mean_s| {
            -libm::log(waiting.draw(world.into(), number).uniform()) * mean_s
        });
        let slot = tokio::select! {
            biased;
            slot = pool.slot(span) => Some(slot.ok()),
            () = clock.sleep_until(asked + Duration::from_secs_f64(patience_s)) => None,
        };
        let wait = clock.now().since(asked);
        if let Some(Some(_)) = slot {
            clock.sleep_until(clock.now() + span).await;
        }
        let came: Option<Waited> = match &slot {
            Some(None) => None,
            Some(Some(_)) => Some((wait, true)),
            None => Some((wait, false)),
        };
        (number >= before).then_some(came)
    };
    let (mut waited, mut served, mut lost) = (0.0, 0.0, 0.0);
    let all = async {
        let mut open = FuturesUnordered::new();
        let (mut next, mut number) = (Tick::ZERO, 0);
        while number < before + requests || !open.is_empty() {
            let over = tokio::select! {
                biased;
                () = clock.sleep_until(next), if number < before + requests => {
                    open.push(request(number));
                    let mut draw = between.draw(world.into(), number);
                    next = next + Duration::from_secs_f64(-libm::log(draw.uniform()) / queue.rate);
                    number += 1;
                    None
                }
                over = open.next(), if !open.is_empty() => over.flatten(),
            };
            match over {
                Some(Some((wait, is_served))) => {
                    waited += wait.as_secs_f64();
                    match is_served {
                        true => served += 1.0,
                        false => lost += 1.0,
                    }
                }
                Some(None) => lost += 1.0,
                None => {}
            }
        }
    };
    clock.block_on(all).expect("it ends");
    // Who is refused does not wait, and who gives up does.
    let waiters = match queue.patience_s {
        Some(_) => served + lost,
        None => served,
    };
    (waited / waiters, lost / (served + lost))
}

struct Figure {
    mean: f64,
    half: f64,
}

fn figure(of_worlds: &[f64], quantile: f64) -> Figure {
    let count = of_worlds.len() as f64;
    let mean = of_worlds.iter().sum::<f64>() / count;
    let squares: f64 = of_worlds.iter().map(|f| (f - mean).powi(2)).sum();
    Figure {
        mean,
        half: quantile * (squares / (count - 1.0) / count).sqrt(),
    }
}

fn simulated(queue: &Queue, before: u32, requests: u32) -> (Figure, Figure) {
    simulated_at(T_995, queue, before, requests)
}

/// Simulates the same with intervals of another level, by the quantile of Student's t with 63 degrees of freedom.
fn simulated_at(quantile: f64, queue: &Queue, before: u32, requests: u32) -> (Figure, Figure) {
    let worlds = (0..WORLDS).map(|world| one_world(queue, world, before, requests));
    let (waits, losses): (Vec<f64>, Vec<f64>) = worlds.unzip();
    (figure(&waits, quantile), figure(&losses, quantile))
}

fn assert_is(simulated: &Figure, theory: f64, what: &str) {
    let Figure { mean, half } = simulated;
    println!("{what}: {mean:.4} ± {half:.4}, theory {theory:.4}");
    assert!(
        *half < 0.12 * theory,
        "{what}: {mean} ± {half} says nothing"
    );
    assert!(
        (mean - theory).abs() < *half,
        "{what}: {mean} ± {half}, theory {theory}"
    );
}

/// Requests to leave out, and to measure, at a load: the closer to 1, the longer a queue remembers.
fn lengths(load: f64) -> (u32, u32) {
    match load {
        l if l > 0.9 => (4_000, 30_000),
        l if l > 0.7 => (500, 6_000),
        _ => (200, 4_000),
    }
}

fn slots(slots: u32) -> pool::Pool {
    pool::Pool {
        slots,
        ..pool::Pool::default()
    }
}

/// The probabilities that a system holds 0, 1, 2, … requests, by their ratios (Erlang 1917): they give the
/// probability that a request waits, and with a bounded queue that it is refused.
fn states(servers: u32, at_most: u32, offered: f64) -> Vec<f64> {
    let mut states = vec![1.0];
    for count in 1..=at_most {
        let last = states[count as usize - 1];
        states.push(last * offered / f64::from(count.min(servers)));
    }
    let all: f64 = states.iter().sum();
    states.iter().map(|state| state / all).collect()
}

fn erlang_c(servers: u32, offered: f64) -> f64 {
    // Far above any number that matters at a load of 0.95.
    let states = states(servers, 5_000, offered);
    states[servers as usize..].iter().sum()
}

#[test]
fn one_slot_waits_as_an_m_m_1_queue_does() {
    for load in [0.5, 0.8, 0.95] {
        let queue = Queue {
            pool: slots(1),
            rate: load / SERVICE_S,
            service: exponential,
            patience_s: None,
        };
        let (before, requests) = lengths(load);
        let (wait, _) = simulated(&queue, before, requests);
        assert_is(
            &wait,
            load / (1.0 - load) * SERVICE_S,
            &format!("M/M/1 at {load}"),
        );
    }
}

#[test]
fn eight_slots_wait_as_erlang_says() {
    for load in [0.5, 0.8, 0.95] {
        let queue = Queue {
            pool: slots(8),
            rate: 8.0 * load / SERVICE_S,
            service: exponential,
            patience_s: None,
        };
        // Eight slots take eight times the requests in the same time, and forget a little sooner.
        let (before, requests) = lengths(load);
        let (wait, _) = simulated(&queue, before * 3, requests * 3);
        let theory = erlang_c(8, 8.0 * load) * SERVICE_S / (8.0 * (1.0 - load));
        assert_is(&wait, theory, &format!("M/M/8 at {load}"));
    }
}

#[test]
fn any_service_time_waits_as_pollaczek_and_khinchine_say() {
    let services: [(Service, f64, &str); 2] = [
        (always_the_same, 0.0, "M/D/1"),
        (of_two_kinds, 5.0 / 9.0, "M/G/1"),
    ];
    for (service, variation, name) in services {
        for load in [0.5, 0.8, 0.95] {
            let queue = Queue {
                pool: slots(1),
                rate: load / SERVICE_S,
                service,
                patience_s: None,
            };
            let (before, requests) = lengths(load);
            let (wait, _) = simulated(&queue, before, requests);
            let theory = load / (1.0 - load) * (1.0 + variation) / 2.0 * SERVICE_S;
            assert_is(&wait, theory, &format!("{name} at {load}"));
        }
    }
}

#[test]
fn a_bounded_queue_refuses_what_m_m_c_k_loses() {
    for load in [0.5, 0.8, 0.95, 1.5] {
        let (servers, queue_max) = (4, 3);
        let queue = Queue {
            pool: pool::Pool {
                queue: Some(queue_max),
                ..slots(servers)
            },
            rate: f64::from(servers) * load / SERVICE_S,
            service: exponential,
            patience_s: None,
        };
        let (_, lost) = simulated(&queue, 200, 8_000);
        let all = states(servers, servers + queue_max, f64::from(servers) * load);
        let theory = all.last().copied().expect("a last state");
        assert_is(&lost, theory, &format!("M/M/4/7 at {load}"));
    }
}

#[test]
fn without_a_queue_erlang_b_is_lost() {
    let queue = Queue {
        pool: pool::Pool {
            queue: Some(0),
            ..slots(8)
        },
        rate: 6.4,
        service: exponential,
        patience_s: None,
    };
    let (_, lost) = simulated(&queue, 200, 8_000);
    assert_is(
        &lost,
        *states(8, 8, 6.4).last().expect("a state"),
        "M/M/8/8 at 0.8",
    );
}

/// The mean number of requests that wait where each gives up after an exponential patience (Erlang-A, Palm 1943;
/// Garnett, Mandelbaum and Reiman 2002, "Designing a Call Center with Impatient Customers").
fn waiting_in_erlang_a(servers: u32, offered: f64, patience: f64) -> f64 {
    let (mut state, mut all, mut waiting) = (1.0, 1.0, 0.0);
    for count in 1..5_000_u32 {
        let queued = f64::from(count.saturating_sub(servers));
        state *= offered / (f64::from(count.min(servers)) + queued / patience);
        all += state;
        waiting += queued * state;
    }
    waiting / all
}

#[test]
fn who_gives_up_waits_as_erlang_a_says() {
    // The quantile of 1 - 0.005 / 36, for two figures in eighteen cells.
    const T_OF_CELLS: f64 = 3.87;
    for servers in [1, 4, 16] {
        for load in [0.8, 1.0, 1.4] {
            for patience_s in [0.5, 4.0] {
                let queue = Queue {
                    pool: slots(servers),
                    rate: f64::from(servers) * load / SERVICE_S,
                    service: exponential,
                    patience_s: Some(patience_s),
                };
                let (wait, lost) = simulated_at(T_OF_CELLS, &queue, 400, 3_000 + 300 * servers);
                let offered = f64::from(servers) * load;
                let waiting = waiting_in_erlang_a(servers, offered, patience_s / SERVICE_S);
                let what = format!("M/M/{servers}+M at {load}, patience {patience_s} s");
                // Little's law, and the rate at which those who wait give up.
                assert_is(&wait, waiting / queue.rate, &format!("{what}: wait"));
                let leaving = waiting / patience_s / queue.rate;
                assert_is(&lost, leaving, &format!("{what}: given up"));
            }
        }
    }
}
