//! What cannot be measured, and what a reader of the figures should know.

use super::CallError;
use super::floor::FloorHistory;
use super::segments::Stretch;
use super::source::DRIFT_MAX;
use super::track::{Level, Track, db, in_db};
use super::{CallSource, Clocks, Tracks, Words};

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
/// The share of its speech from which on a channel is noted as clipped, and that from which on its edges may be off.
const CLIPPED_NOTED: f64 = 0.002;
const CLIPPED_MUCH: f64 = 0.05;
/// How much files may differ in length without a note, in milliseconds.
const DIFFERENCE_NOTED: i64 = 1_000;

/// A side that says nothing throughout a call in which the other one speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nobody was asked anything.
    OfCaller,
    /// Nobody was ever answered.
    OfAgent,
}

impl Silence {
    /// The side that says nothing, if one does.
    pub fn of(floor: &FloorHistory) -> Option<Silence> {
        match (
            floor.utterances.iter().any(|it| it.is_voice()),
            floor.speeches.is_empty(),
        ) {
            (true, true) => Some(Silence::OfAgent),
            (false, false) => Some(Silence::OfCaller),
            _ => None,
        }
    }
}

/// Refuses recordings whose channels are no two sides of a call.
pub fn check(source: &CallSource, tracks: &Tracks) -> Result<(), CallError> {
    let what = source.name();
    let peaks = [&tracks.caller, &tracks.agent].map(|track| track.loudest(0..track.length_ms()));
    let peak = peaks[0].max(peaks[1]);
    if peak < SILENT {
        let peak_db = in_db(peak);
        return Err(CallError::Silent { what, peak_db });
    }
    if tracks.is_mix || is_same(&tracks.caller, &tracks.agent) {
        return Err(CallError::SameSound { what });
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

/// What agents say and callers do not, in lower case.
const OF_AGENTS: [&str; 7] = [
    "can i help",
    "may i help",
    "can i assist",
    "thank you for calling",
    "thanks for calling",
    "anything else i can",
    "virtual assistant",
];
/// A side that begins the call and talks so many times as long as the other one is mostly the agent.
const TALKS_MORE: f64 = 2.0;

/// Whether what was taken for the caller seems to be the agent. `talk` is how many times as long as the agent it talks.
fn swapped(floor: &FloorHistory, words: Option<&Words>, talk: f64) -> Option<String> {
    let says = |texts: &[String]| {
        let texts = texts.join(" ").to_lowercase();
        OF_AGENTS.into_iter().find(|of| texts.contains(of))
    };
    let words = words.filter(|words| words.are_understood());
    let by_words = words.map(|words| (says(&words.caller), says(&words.agent)));
    let begins = match (floor.utterances.first(), floor.speeches.first()) {
        (Some(caller), Some(agent)) => caller.range().start < agent.range().start,
        _ => false,
    };
    let why = match by_words {
        Some((Some(said), None)) => format!("says “{said}”"),
        Some((_, Some(_))) => return None,
        _ if begins && talk >= TALKS_MORE => format!("begins, and talks {talk:.1} times as long"),
        _ => return None,
    };
    Some(format!(
        "CAREFUL: what was taken for the caller {why}, as agents do; if the channels are swapped: --swap"
    ))
}

/// By how many milliseconds an answer may be off before it is doubtful.
const DRIFT_BOUND_MS: f64 = 100.0;

/// The share by which the clocks of two files differ if both hold the whole call; `None` if that is not so, or if it is
/// too little to matter.
fn drift(tracks: &Tracks) -> Option<f64> {
    let share = tracks.difference_ms.unsigned_abs() as f64 / tracks.length_ms().max(1) as f64;
    let is_much = tracks.difference_ms.unsigned_abs() as f64 > DRIFT_BOUND_MS;
    (tracks.clocks == Clocks::Unknown && is_much && share <= DRIFT_MAX).then_some(share)
}

/// From which millisecond on answers may be off, because the clocks of two files may not agree.
pub(super) fn drifts_from(tracks: &Tracks) -> Option<usize> {
    Some((DRIFT_BOUND_MS / drift(tracks)?) as usize)
}

fn clocks(tracks: &Tracks) -> Option<String> {
    let off_s = tracks.difference_ms.unsigned_abs() as f64 / 1e3;
    match tracks.clocks {
        Clocks::Stretched(factors) => {
            let [caller, agent] = factors.map(|factor| 100.0 * (factor - 1.0));
            let (side, by) = if caller > agent { ("caller", caller) } else { ("agent", agent) };
            Some(format!(
                "both files are taken to hold the whole call, so the {side}'s was stretched by {by:.3} %"
            ))
        }
        Clocks::Agree => None,
        Clocks::Unknown => drift(tracks).map(|share| {
            format!(
                "CAREFUL: the files differ in length by {:.2} %; either the shorter one was stopped earlier (--clocks agree), or both hold the whole call and their clocks do not agree (--clocks drift); until you say which, latencies that may be off by over {DRIFT_BOUND_MS:.0} ms, and up to {off_s:.1} s, are doubtful",
                100.0 * share
            )
        }),
    }
}

/// What to know before trusting the figures.
pub fn notes(tracks: &Tracks, floor: &FloorHistory, words: Option<&Words>) -> Vec<String> {
    let mut notes = Vec::new();
    match Silence::of(floor) {
        Some(Silence::OfAgent) => notes.push(
            "THE AGENT NEVER SPEAKS: no question was ever answered; if its sound was recorded elsewhere, name both files: --caller FILE --agent FILE".into(),
        ),
        Some(Silence::OfCaller) => notes.push(
            "THE CALLER NEVER SPEAKS: nothing was asked; if the sound was recorded elsewhere, name both files: --caller FILE --agent FILE".into(),
        ),
        None => {}
    }
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
    notes.extend(clocks(tracks));
    notes.extend(swapped(floor, words, caller / agent.max(0.001)));
    if let Some(words) = words.filter(|words| !words.are_understood()) {
        let sureness = words
            .sureness
            .map(|it| it.map_or("-".to_owned(), |it| format!("{it:.2}")));
        notes.push(format!(
            "CAREFUL: the recogniser is not sure of its words (caller {}, agent {} of 1), as when it does not know the language; they are shown and judge nothing",
            sureness[0], sureness[1]
        ));
    }
    for (side, level_db) in ["caller", "agent"].into_iter().zip(floor.other_voices_db) {
        if let Some(level_db) = level_db {
            notes.push(format!(
                "CAREFUL: somebody else speaks in the background of the {side}, up to {level_db:.0} dB, and is left out; so is all that is as soft"
            ));
        }
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
            let much = match share > CLIPPED_MUCH {
                true => ", so beginnings and ends may be off: record it at a lower level",
                false => "",
            };
            notes.push(format!(
                "the channel of the {side} is clipped in {percent:.1} % of its sound{much}"
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::floor;
    use super::*;

    #[test]
    fn swapped_channels_are_noticed() {
        let long = [Stretch::voice(0, 6_000), Stretch::voice(9_000, 15_000)];
        let short = [Stretch::voice(7_000, 8_000), Stretch::voice(16_000, 17_000)];
        let swapped_floor = floor::floor(&long, &short, 20_000);
        assert!(swapped(&swapped_floor, None, 6.0).is_some_and(|note| note.contains("--swap")));
        let floor = floor::floor(&short, &long, 20_000);
        assert_eq!(swapped(&floor, None, 1.0 / 6.0), None);
        let said = |caller: &str, agent: &str| Words {
            caller: vec![caller.into()],
            agent: vec![agent.into()],
            sureness: [None; 2],
        };
        let greeting = "Hello, how can I help you?";
        let swapped_words = said(greeting, "What are your hours?");
        assert!(swapped(&floor, Some(&swapped_words), 1.0).is_some());
        let words = said("What are your hours?", greeting);
        assert_eq!(swapped(&swapped_floor, Some(&words), 6.0), None);
    }
}
