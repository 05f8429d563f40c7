//! A long conversation. `VOICESIM_SOAK_S=600 make test-live` makes it ten minutes.

use super::daemon::Daemon;
use super::talk::{Talk, fixture, on_a_quiet_machine};
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long, in seconds, unless the environment says otherwise.
const SHORT_S: u64 = 62;
/// Memory is compared with that after so long.
const WARM: Duration = Duration::from_secs(40);
/// Every so often a question is asked; the rest is silence.
const EVERY: Duration = Duration::from_secs(30);
/// The answer is over after this.
const ANSWERED: Duration = Duration::from_secs(16);

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
        let daemon = Daemon::start();
        let mut talk = Talk::start(
            &daemon,
            u32::try_from(seconds + EVERY.as_secs() + 5).expect("short"),
            &[],
        );
        let process = talk.process().child().id();
        let begun = Instant::now();
        let (mut warm, mut busy) = (None, Vec::new());
        let mut asked = 0;
        while begun.elapsed() < Duration::from_secs(seconds) {
            daemon.speak(&fixture("piper-graphics"));
            asked += 1;
            sleep(ANSWERED);
            // Nobody speaks from here on.
            let (rest, before) = (Instant::now(), ticks(process));
            sleep((begun + EVERY * asked).saturating_duration_since(Instant::now()));
            let core = (ticks(process) - before) as f64 * 0.01 / rest.elapsed().as_secs_f64();
            busy.push(core);
            if begun.elapsed() > WARM {
                warm.get_or_insert_with(|| resident(process));
            }
        }
        let growth = resident(process) as i64 - warm.expect("longer than that") as i64;
        let held = talk.finish(Duration::from_secs(30));
        let most = busy.iter().copied().fold(0.0, f64::max);
        println!(
            "{asked} questions; memory grew by {:.1} MB; at rest {:.1} % of a core at most",
            growth as f64 / 1e6,
            most * 100.0
        );
        assert_eq!(held.answered().len(), asked as usize, "{}", held.stderr);
        assert_eq!(held.count("sound_lost"), 0, "{}", held.stderr);
        assert!(growth < 5_000_000, "{growth} bytes");
        assert!(most < 0.10, "{most} of a core");
    });
}
