//! A long conversation. `make soak` makes it an hour.

use super::the_floor;
use crate::daemon::Daemon;
use crate::talk::{Talk, fixture, on_a_quiet_machine};
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long, in seconds, unless the environment says otherwise.
const SHORT_S: u64 = 62;
/// What a core may be busy with at rest, on a slow machine: 5 to 12 % were seen. Who waits in a loop takes all of it.
const CORE_AT_REST: f64 = 0.25;
/// Bytes that the last third of a conversation may take more than the one before. In the first third engines meet their
/// longest inputs so far, and the allocator keeps what they took.
const GROWTH: i64 = 2_000_000;
/// In a conversation of fewer questions that may come in any third: once some 34 MB were seen.
const FEW: usize = 12;
const GROWTH_OF_FEW: i64 = 40_000_000;
/// The answer has begun after this, and is over after the second.
const BEGUN: Duration = Duration::from_secs(4);
const ANSWERED: Duration = Duration::from_secs(16);
/// Then nobody speaks for so long.
const REST: Duration = Duration::from_secs(12);
/// With the question itself that makes half a minute.
const EVERY_S: u64 = 30;

/// Resident memory of a process in bytes.
fn resident(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("a size") * 1_024
}

/// Processor time of a process so far, in ticks of 10 ms.
fn ticks(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let field = |at: usize| fields[at].parse::<u64>().expect("a count");
    field(11) + field(12)
}

#[test]
fn a_long_conversation_loses_no_sound_needs_no_more_memory_and_rests_while_nobody_speaks() {
    on_a_quiet_machine(|| {
        let seconds = std::env::var("VOICESIM_SOAK_S").map_or(SHORT_S, |text| {
            text.parse()
                .expect("VOICESIM_SOAK_S is a number of seconds")
        });
        assert!(
            seconds >= SHORT_S,
            "VOICESIM_SOAK_S={seconds}: give at least {SHORT_S}"
        );
        let floor = the_floor();
        let daemon = Daemon::start();
        let questions = seconds.div_ceil(EVERY_S) as usize;
        let at_most = u32::try_from(2 * seconds + 120).expect("short");
        let mut talk = Talk::start(&daemon, at_most, &[]);
        drop(floor);
        let process = talk.process().child().id();
        let (mut memory, mut busy) = (Vec::new(), Vec::new());
        for _ in 0..questions {
            let floor = the_floor();
            daemon.speak(&fixture("piper-graphics"));
            sleep(BEGUN);
            drop(floor);
            sleep(ANSWERED - BEGUN);
            // Nobody speaks from here on.
            let (rest, before) = (Instant::now(), ticks(process));
            sleep(REST);
            let core = (ticks(process) - before) as f64 * 0.01 / rest.elapsed().as_secs_f64();
            busy.push(core);
            memory.push(resident(process) as i64);
        }
        let most = |span: &[i64]| span.iter().copied().max().expect("a question or more");
        let (one, two) = (questions / 3, 2 * questions / 3);
        let growth = most(&memory[two..]) - most(&memory[one..two]);
        let held = talk.hang_up();
        let busiest = busy.iter().copied().fold(0.0, f64::max);
        println!(
            "{questions} questions; memory grew by {:.1} MB; at rest {:.1} % of a core at most",
            growth as f64 / 1e6,
            busiest * 100.0
        );
        assert_eq!(held.answered().len(), questions, "{}", held.stderr);
        assert_eq!(held.count("sound_lost"), 0, "{}", held.stderr);
        let allowed = if questions < FEW {
            GROWTH_OF_FEW
        } else {
            GROWTH
        };
        assert!(growth < allowed, "{growth} bytes: {memory:?}");
        assert!(busiest < CORE_AT_REST, "{busiest} of a core");
    });
}
