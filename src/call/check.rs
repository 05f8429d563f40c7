//! What cannot be measured, and what a reader of the figures should know.

use super::CallError;
use super::floor::FloorHistory;
use super::segments::Stretch;
use super::track::{Level, Track, db, in_db};
use super::{CallSource, Tracks};

/// A channel whose peak is under this is silent: -60 dB of full scale.
const SILENT: Level = Level::MAX - db(60);
/// What is above this is loud enough to compare channels by: -50 dB.
const LOUD: Level = Level::MAX - db(50);
/// Milliseconds of loud sound that it takes to compare channels.
const LOUD_MS_MIN: usize = 200;
/// How much the difference of two channels with one sound may vary: 1 dB.
const SAME: Level = db(1);
/// The share of the time in which it has to stay within [`SAME`].
const SAME_SHARE: f64 = 0.9;
/// The share of its speech in which a channel may be clipped, and the one from which on a note says that it is.
const CLIPPED_MAX: f64 = 0.05;
const CLIPPED_NOTED: f64 = 0.002;
/// How much files may differ in length without a note, in milliseconds.
const DIFFERENCE_NOTED: i64 = 1_000;

/// Refuses recordings whose channels are no two sides of a call.
pub fn check(source: &CallSource, tracks: &Tracks) -> Result<(), CallError> {
    let what = source.name();
    let sides = [("caller", &tracks.caller), ("agent", &tracks.agent)];
    for (side, track) in sides {
        let peak = track.loudest(0..track.length_ms());
        if peak < SILENT {
            let peak_db = in_db(peak);
            return Err(CallError::Silent {
                what,
                side,
                peak_db,
            });
        }
    }
    if tracks.is_mix || is_same(&tracks.caller, &tracks.agent) {
        return Err(CallError::SameSound { what });
    }
    for (side, track) in sides {
        let share = clipped(track);
        if share > CLIPPED_MAX {
            let percent = 100.0 * share;
            return Err(CallError::Clipped {
                what,
                side,
                percent,
            });
        }
    }
    Ok(())
}

/// Whether one channel is the other one, perhaps louder.
fn is_same(one: &Track, other: &Track) -> bool {
    let loud = one
        .peaks
        .iter()
        .zip(&other.peaks)
        .filter(|(a, b)| **a.max(b) >= LOUD);
    let mut differences: Vec<i16> = loud.map(|(a, b)| i16::from(*a) - i16::from(*b)).collect();
    if differences.len() < LOUD_MS_MIN {
        return false;
    }
    differences.sort_unstable();
    let usual = differences[differences.len() / 2];
    let same = differences
        .iter()
        .filter(|d| d.abs_diff(usual) <= u16::from(SAME))
        .count();
    same as f64 >= SAME_SHARE * differences.len() as f64
}

/// The share of the milliseconds of speech that are clipped.
fn clipped(track: &Track) -> f64 {
    let loud = track.peaks.iter().filter(|peak| **peak >= LOUD).count();
    f64::from(track.clipped_ms) / loud.max(1) as f64
}

/// What to know before trusting the figures.
pub fn notes(tracks: &Tracks, floor: &FloorHistory) -> Vec<String> {
    let mut notes = Vec::new();
    let talk = |stretches: &mut dyn Iterator<Item = &Stretch>| -> f64 {
        stretches.map(|s| (s.end - s.start) as f64 / 1e3).sum()
    };
    let caller = talk(&mut floor.utterances.iter().flat_map(|u| &u.stretches));
    let agent = talk(&mut floor.speeches.iter().flat_map(|s| &s.stretches));
    notes.push(format!(
        "{:.1} s, of which the caller speaks {caller:.1} s and the agent {agent:.1} s (the other way round: --swap)",
        tracks.length_ms() as f64 / 1e3
    ));
    notes.push(
        "measured from the sound alone: beginnings and ends are known to some 10 ms in quiet, 50 ms in noise".into(),
    );
    notes.extend_from_slice(&tracks.notes);
    if tracks.difference_ms.abs() >= DIFFERENCE_NOTED {
        let shorter = if tracks.difference_ms > 0 {
            "agent"
        } else {
            "caller"
        };
        let by = tracks.difference_ms.abs() as f64 / 1e3;
        notes.push(format!(
            "the file of the {shorter} is {by:.1} s shorter: taken for silent from there on; both must begin at the same moment"
        ));
    }
    for (into, leak) in ["caller", "agent"].into_iter().zip(&tracks.leaks) {
        let from = if into == "caller" { "agent" } else { "caller" };
        if let Some(leak) = leak {
            notes.push(format!(
                "the {from} leaks into the channel of the {into} ({:.0} dB, {:.0} ms late); {:.0} dB of it were taken out",
                leak.level_db, leak.delay_ms, leak.taken_db
            ));
        }
    }
    for (side, track) in [("caller", &tracks.caller), ("agent", &tracks.agent)] {
        let share = clipped(track);
        if share > CLIPPED_NOTED {
            let percent = 100.0 * share;
            notes.push(format!(
                "the channel of the {side} is clipped in {percent:.1} % of its sound"
            ));
        }
    }
    notes
}
