//! Every reader is fed with its seeds, and with thousands of damaged ones: none panics, hangs or takes what it cannot
//! be. cargo-fuzz goes on from the same seeds: `make fuzz`.

use crate::support::targets::{TARGETS, Target};
use std::fs;
use std::path::Path;
use std::thread;

/// Damaged inputs of each reader, unless `VOICESIM_MUTATIONS` says how many.
const MUTATIONS: u64 = 60;

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(target.seeds);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("readable"))
        .collect()
}

/// A stream of numbers that is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// What breaks readers: numbers at the edge of what fits, and texts that mean something elsewhere.
const PIECES: [&[u8]; 12] = [
    b"18446744073709551616",
    b"-1",
    b"1e308",
    b"NaN",
    b"null",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"\x00",
    b"\n",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":",
    b"\xed\xa0\x80",
];

/// A seed after one to six kinds of damage.
fn damaged(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + 1 + numbers.below(40)).min(bytes.len());
        let at = at.min(end);
        match numbers.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => bytes[at] = numbers.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            5 => {
                let piece = PIECES[numbers.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            6 => {
                let piece = PIECES[numbers.below(PIECES.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            _ => {
                let from = numbers.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

fn fed(target: &Target) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    seeds.iter().for_each(|seed| (target.feed)(seed));
    let count = std::env::var("VOICESIM_MUTATIONS").ok();
    let count = count
        .and_then(|count| count.parse().ok())
        .unwrap_or(MUTATIONS);
    for number in 1..=count {
        let mut numbers = Numbers(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let seed = &seeds[numbers.below(seeds.len())];
        let other = &seeds[numbers.below(seeds.len())];
        let bytes = damaged(seed, other, &mut numbers);
        let feed = target.feed;
        let kept = bytes.clone();
        // On a thread of its own: a stack that is too small for what is nested ends all.
        if thread::spawn(move || feed(&bytes)).join().is_err() {
            let path = std::env::temp_dir().join(format!("voicesim-{}-{number}", target.name));
            fs::write(&path, kept).expect("written");
            panic!(
                "{}: damage {number} is kept as {}",
                target.name,
                path.display()
            );
        }
    }
}

#[test]
fn no_reader_does_anything_but_refuse_what_is_damaged() {
    thread::scope(|scope| {
        let half = TARGETS.len() / 2;
        for part in [&TARGETS[..half], &TARGETS[half..]] {
            scope.spawn(move || part.iter().for_each(fed));
        }
    });
}
