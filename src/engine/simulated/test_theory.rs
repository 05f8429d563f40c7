//! Engines that compute, against queueing theory: how long jobs wait for a core. Jobs hold the cores that they begin on
//! until they are over, first come, first served.
//!
//! Each figure must lie within its 99 % interval of 64 independent worlds, and the interval within a few percent of it.

use crate::clock::Clock;
use crate::event::Tick;
use crate::rng::Seed;
use crate::scenario::engine::Compute;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use std::time::Duration;

const WORLDS: u32 = 64;
/// The 99.5 % quantile of Student's t with 63 degrees of freedom.
const T_995: f64 = 2.656;

/// Jobs that take 1 s on two cores, and 1.6 s on one.
const OF_TWO_THREADS: Compute = Compute {
    threads: 2,
    serial: 0.4,
    spread: 1.0,
};

/// Jobs of many conversations, each with a worker of its own, on the same cores.
struct Machine {
    cores: u32,
    compute: Compute,
    /// Jobs a second; each takes a second on average on all of its threads.
    rate: f64,
}

fn exponential(uniform: f64) -> Duration {
    Duration::from_secs_f64(-libm::log(uniform))
}

/// The mean wait for a core in seconds, of `jobs` behind the first `before`.
fn one_world(machine: &Machine, world: u32, before: u32, jobs: u32) -> f64 {
    let clock = Clock::virtual_time(machine.cores);
    let between = Seed(1).source("compute", "between");
    let lasting = Seed(1).source("compute", "service");
    let job = async |number: u32| {
        let span = exponential(lasting.draw(world.into(), number).uniform());
        let asked = clock.now();
        let worker = clock.modelled();
        let compute = machine.compute;
        let taken = worker.begin(compute.threads, |cores| compute.on(cores, span));
        let taken = taken.await;
        let waited = clock.now().since(asked);
        clock.sleep_until(clock.now() + taken.span).await;
        (number >= before).then_some(waited.as_secs_f64())
    };
    let mut waited = 0.0;
    let all = async {
        let mut open = FuturesUnordered::new();
        let (mut next, mut number) = (Tick::ZERO, 0);
        while number < before + jobs || !open.is_empty() {
            tokio::select! {
                biased;
                () = clock.sleep_until(next), if number < before + jobs => {
                    open.push(job(number));
                    let gap = exponential(between.draw(world.into(), number).uniform());
                    next = next + gap.div_f64(machine.rate);
                    number += 1;
                }
                over = open.next(), if !open.is_empty() => {
                    waited += over.flatten().unwrap_or(0.0);
                }
            }
        }
    };
    clock.block_on(all).expect("it ends");
    waited / f64::from(jobs)
}

fn assert_waits(machine: &Machine, theory_s: f64, what: &str) {
    let of_worlds: Vec<f64> = (0..WORLDS)
        .map(|world| one_world(machine, world, 400, 4_000))
        .collect();
    let count = of_worlds.len() as f64;
    let mean = of_worlds.iter().sum::<f64>() / count;
    let squares: f64 = of_worlds.iter().map(|wait| (wait - mean).powi(2)).sum();
    let half = T_995 * (squares / (count - 1.0) / count).sqrt();
    println!("{what}: {mean:.4} ± {half:.4}, theory {theory_s:.4}");
    assert!(
        half < 0.12 * theory_s,
        "{what}: {mean} ± {half} says nothing"
    );
    assert!(
        (mean - theory_s).abs() < half,
        "{what}: {mean} ± {half}, theory {theory_s}"
    );
}

/// Jobs that wait on average where `cores` serve one each, by the number in the system (Erlang 1917).
fn waiting_in_m_m_c(cores: u32, offered: f64) -> f64 {
    let (mut state, mut all, mut waiting) = (1.0, 1.0, 0.0);
    for count in 1..5_000_u32 {
        state *= offered / f64::from(count.min(cores));
        all += state;
        waiting += f64::from(count.saturating_sub(cores)) * state;
    }
    waiting / all
}

#[test]
fn jobs_of_one_thread_wait_for_a_core_as_erlang_says() {
    for cores in [1, 2, 4] {
        for load in [0.5, 0.8] {
            let machine = Machine {
                cores,
                compute: Compute {
                    threads: 1,
                    serial: 1.0,
                    spread: 1.0,
                },
                rate: f64::from(cores) * load,
            };
            let waiting = waiting_in_m_m_c(cores, machine.rate);
            assert_waits(
                &machine,
                waiting / machine.rate,
                &format!("M/M/{cores} at {load}"),
            );
        }
    }
}

#[test]
fn jobs_of_two_threads_on_one_core_are_longer_and_wait_as_such() {
    for load in [0.5, 0.8] {
        // On one core they take 1.6 s, and are one behind the other: M/M/1.
        let machine = Machine {
            cores: 1,
            compute: OF_TWO_THREADS,
            rate: load / 1.6,
        };
        assert_waits(
            &machine,
            1.6 * load / (1.0 - load),
            &format!("two threads on one core at {load}"),
        );
        // On two cores each takes both, and they are one behind the other too.
        let machine = Machine {
            cores: 2,
            compute: OF_TWO_THREADS,
            rate: load,
        };
        assert_waits(
            &machine,
            load / (1.0 - load),
            &format!("two threads on two cores at {load}"),
        );
    }
}

/// Jobs that wait on average where each takes up to two of three cores, whatever is free when it begins: the balance of
/// flows between the states (jobs on two cores, jobs on one, waiting), by iteration.
fn waiting_for_two_of_three(rate: f64, on_one_s: f64) -> f64 {
    const WAITING_MAX: u32 = 200;
    type State = (u32, u32, u32);
    let begin = |(two, one, waiting): State| match 3 - 2 * two - one {
        0 => (two, one, waiting + 1),
        1 => (two, one + 1, waiting),
        _ => (two + 1, one, waiting),
    };
    let next = |(two, one, waiting): State| match waiting {
        0 => (two, one, 0),
        _ => begin((two, one, waiting - 1)),
    };
    let mut states: Vec<State> = Vec::new();
    for waiting in 0..=WAITING_MAX {
        for (two, one) in [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1), (0, 3)] {
            let is_full = 2 * two + one == 3;
            if is_full || waiting == 0 {
                states.push((two, one, waiting));
            }
        }
    }
    let place: BTreeMap<State, usize> = states
        .iter()
        .enumerate()
        .map(|(nth, state)| (*state, nth))
        .collect();
    let flows: Vec<Vec<(usize, f64)>> = states
        .iter()
        .map(|&(two, one, waiting)| {
            let mut flows = vec![(begin((two, one, waiting)), rate)];
            if two > 0 {
                flows.push((next((two - 1, one, waiting)), f64::from(two)));
            }
            if one > 0 {
                flows.push((next((two, one - 1, waiting)), f64::from(one) / on_one_s));
            }
            flows
                .into_iter()
                .filter_map(|(to, flow)| Some((*place.get(&to)?, flow)))
                .collect()
        })
        .collect();
    // Steps so short that at most one thing happens in each.
    let step = 1.0 / (rate + 4.0);
    let mut shares = vec![1.0 / states.len() as f64; states.len()];
    for _ in 0..40_000 {
        let mut after = shares.clone();
        for (from, flows) in flows.iter().enumerate() {
            for (to, flow) in flows {
                let moved = shares[from] * flow * step;
                after[from] -= moved;
                after[*to] += moved;
            }
        }
        shares = after;
    }
    states
        .iter()
        .zip(&shares)
        .map(|((_, _, waiting), share)| f64::from(*waiting) * share)
        .sum()
}

#[test]
fn jobs_that_get_fewer_cores_than_they_want_take_longer_and_make_others_wait() {
    for rate in [0.9, 1.2] {
        let machine = Machine {
            cores: 3,
            compute: OF_TWO_THREADS,
            rate,
        };
        let waiting = waiting_for_two_of_three(rate, 1.6);
        assert_waits(
            &machine,
            waiting / rate,
            &format!("two threads on three cores at {rate}"),
        );
    }
}
