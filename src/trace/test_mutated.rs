//! Files with mistakes of every kind: none may make a reader panic, hang or take memory without end.
//!
//! `VOICESIM_MUTATIONS=500000 cargo test --lib trace::test_mutated` tries as many.

use super::events::{has_no_times, marks};
use super::{How, Imported};
use crate::event::{Event, SessionId};
use crate::measure::{Plan, measure};
use crate::record::store::RowsPer;
use crate::scenario::ScenarioFile;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Mutated files of an ordinary test.
const MUTATIONS: u64 = 3_000;
/// A file of some kilobytes takes no longer, on whatever machine.
const LONGEST: Duration = Duration::from_secs(10);

/// Numbers that break things.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1e308",
    "-1e308",
    "1e-300",
    "18446744073709551615",
    "-9223372036854775808",
    "9223372036854775807",
    "1764000000",
    "NaN",
    "null",
    "\"\"",
    "[]",
    "{}",
    "true",
    "99999999999999999999999999",
    "0.1",
];

/// A small generator whose numbers are the same everywhere.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }
}

fn mutated(original: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=draws.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = draws.below(bytes.len());
        let length = draws.below(40).min(bytes.len() - at);
        match draws.below(8) {
            0 => bytes[at] ^= 1 << draws.below(8),
            1 => bytes[at] = draws.next() as u8,
            2 => drop(bytes.drain(at..at + length)),
            3 => bytes.truncate(at),
            4 => {
                let piece = bytes[at..at + length].to_vec();
                let to = draws.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            5 => {
                // A number in place of another.
                let digits = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
                let Some(start) = bytes[at..].iter().position(digits) else {
                    continue;
                };
                let start = at + start;
                let end = bytes[start..].iter().position(|byte| !digits(byte));
                let end = end.map_or(bytes.len(), |end| start + end);
                let number = NUMBERS[draws.below(NUMBERS.len())];
                bytes.splice(start..end, number.bytes());
            }
            6 => {
                let piece = bytes[at..].to_vec();
                bytes.extend(piece);
            }
            _ => {
                let other = draws.below(bytes.len());
                bytes.swap(at, other);
            }
        }
    }
    bytes
}

/// Reads a file to the figures.
fn read(path: &Path) {
    let mut imported = Imported::default();
    let read = imported.add(path, &How::default(), &mut |_, _| {});
    let Ok(()) = read else {
        return;
    };
    let scenario = ScenarioFile::default().parse().expect("a scenario");
    let plan = Plan::of(&scenario, RowsPer::Utterance);
    for call in &imported.calls {
        let _ = has_no_times(call);
        let events: Vec<Event> = marks(call)
            .into_iter()
            .map(|(tick, turn, mark)| Event {
                tick,
                session: SessionId(0),
                turn,
                mark,
            })
            .collect();
        assert!(events.is_sorted_by_key(|event| event.tick));
        let measured = measure(&events, &plan);
        for row in &measured.rows {
            if let (Some(e2e), false) = (row.e2e_ns, row.slices.is_empty()) {
                assert_eq!(row.hops.sum(), e2e, "hops with places add up");
            }
        }
    }
}

fn originals() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/traces");
    let entries = fs::read_dir(folder).expect("examples");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("one").path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        (name.into_owned(), fs::read(&path).expect("read"))
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn no_mistake_in_a_file_makes_an_importer_panic_or_hang() {
    let asked = std::env::var("VOICESIM_MUTATIONS").ok();
    let count = asked
        .and_then(|count| count.parse().ok())
        .unwrap_or(MUTATIONS);
    let originals = originals();
    assert!(originals.len() > 10);
    let folder = tempfile::tempdir().expect("a folder");
    let mut draws = Draws(0x9E37_79B9_7F4A_7C15);
    for number in 0..count {
        let (name, original) = &originals[draws.below(originals.len())];
        let bytes = mutated(original, &mut draws);
        let path = folder.path().join(name);
        fs::write(&path, &bytes).expect("written");
        let began = crate::clock::Clock::real(1);
        began.start();
        let done = std::panic::catch_unwind(|| read(&path));
        let took = Duration::from_nanos(began.now().0);
        assert!(
            done.is_ok() && took < LONGEST,
            "mutation {number} of {name}, {took:?}: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
