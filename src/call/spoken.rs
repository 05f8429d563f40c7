//! Who spoke when on a recording of one channel, as somebody else says: RTTM, or a transcript as CSV or JSON.
//!
//! What is said there is only who: where speech truly begins and ends is found in the sound, within 250 ms of
//! what is said.

use super::source::Side;
use super::track::MS_SAMPLES;
use crate::files;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How far outside of what is said somebody is looked for, in milliseconds.
const MARGIN_MS: usize = 250;
/// A longer file is refused: 16 MiB.
const BYTES_MAX: u64 = 16 << 20;
/// More than this cannot be a call: a week, in seconds.
const SECONDS_MAX: f64 = 7.0 * 86_400.0;
/// What agents and callers are called in transcripts.
const AGENTS: [&str; 7] = ["agent", "assistant", "bot", "ai", "system", "ivr", "tts"];
const CALLERS: [&str; 6] = ["caller", "user", "customer", "human", "client", "guest"];

/// Who spoke when. All positions are milliseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spoken {
    /// Where the caller and the agent speak, in order, none touching the next.
    said: [Vec<Range<usize>>; 2],
    /// Where each of them is listened to.
    heard: [Vec<Range<usize>>; 2],
    /// Where both speak.
    pub(super) overlaps: Vec<Range<usize>>,
}

/// Why it cannot be known who spoke. The text names the file and line, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SpokenError {
    /// The file cannot be read.
    #[error("--spoken {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not say who speaks when.
    #[error(
        "--spoken {path}, {place}: {reason}; give RTTM (SPEAKER file 1 start duration <NA> <NA> name …), or a CSV or JSON list with speaker, start and end in seconds",
        path = path.display()
    )]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line or the entry.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody knows who the agent is.
    #[error("--spoken {path}: which of {names} is the agent? Say so with --agent-name NAME", path = path.display())]
    WhoIsAgent {
        /// The file.
        path: PathBuf,
        /// The speakers in it.
        names: String,
    },
}

/// Somebody speaks from here to there, in seconds.
struct Turn {
    name: String,
    start_s: f64,
    end_s: f64,
}

impl Spoken {
    /// Reads who spoke. The agent is the speaker called `agent`; without that the one whose name says so ("agent",
    /// "assistant", "bot"), or the other one of two where a name says that it is the caller. Everybody else is the caller.
    ///
    /// # Errors
    /// A file that cannot be read, is too long or says something else; or that leaves open who the agent is.
    pub fn read(path: &Path, agent: Option<&str>) -> Result<Spoken, SpokenError> {
        let unreadable = |source| SpokenError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = files::read_text(path, BYTES_MAX).map_err(unreadable)?;
        let wrong = |(place, reason): (String, String)| SpokenError::Wrong {
            path: path.to_owned(),
            place,
            reason,
        };
        let text = text.trim_start_matches('\u{feff}');
        let turns = match text.trim_start().chars().next() {
            Some('[' | '{') => of_json(text),
            _ if text.lines().any(|line| line.starts_with("SPEAKER ")) => of_rttm(text),
            _ => of_csv(text),
        };
        let turns = turns.map_err(wrong)?;
        if turns.is_empty() {
            return Err(wrong(("line 1".into(), "nobody speaks in it".into())));
        }
        let names: BTreeSet<&str> = turns.iter().map(|turn| turn.name.as_str()).collect();
        let agent = agent_of(&names, agent).ok_or_else(|| SpokenError::WhoIsAgent {
            path: path.to_owned(),
            names: names.iter().copied().collect::<Vec<_>>().join(", "),
        })?;
        let of = |is_agent: bool| {
            let own = turns.iter().filter(|turn| (turn.name == agent) == is_agent);
            own.map(|turn| in_ms(turn.start_s)..in_ms(turn.end_s))
                .collect()
        };
        Ok(Spoken::of([of(false), of(true)]))
    }

    fn of(said: [Vec<Range<usize>>; 2]) -> Spoken {
        let said = said.map(union);
        let heard = [0, 1].map(|side| {
            let wide = said[side]
                .iter()
                .map(|own| own.start.saturating_sub(MARGIN_MS)..own.end + MARGIN_MS);
            let free = without(&union(wide.collect()), &said[1 - side]);
            union([free, said[side].clone()].concat())
        });
        let nobody_else = without(&said[0], &said[1]);
        Spoken {
            overlaps: without(&said[0], &nobody_else),
            said,
            heard,
        }
    }

    /// What of these samples each side is listened to in; the first of them is the one at `from`.
    pub(super) fn part(&self, from: usize, samples: &[f32]) -> [Vec<f32>; 2] {
        [Side::Caller, Side::Agent].map(|side| {
            let mut own = vec![0.0; samples.len()];
            let heard = &self.heard[side as usize];
            let first = heard.partition_point(|range| range.end * MS_SAMPLES <= from);
            for range in &heard[first..] {
                let start = (range.start * MS_SAMPLES).saturating_sub(from);
                if start >= samples.len() {
                    break;
                }
                let end = (range.end * MS_SAMPLES - from).min(samples.len());
                own[start..end].copy_from_slice(&samples[start..end]);
            }
            own
        })
    }
}

fn in_ms(seconds: f64) -> usize {
    (seconds * 1e3).round() as usize
}

/// Ranges in order, joined where they touch.
fn union(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// What of `ranges` lies in none of `others`; both in order.
fn without(ranges: &[Range<usize>], others: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut rest = Vec::new();
    for range in ranges {
        let mut from = range.start;
        let first = others.partition_point(|other| other.end <= range.start);
        for other in others[first..].iter().take_while(|o| o.start < range.end) {
            if other.start > from {
                rest.push(from..other.start);
            }
            from = from.max(other.end);
        }
        if from < range.end {
            rest.push(from..range.end);
        }
    }
    rest
}

fn agent_of<'a>(names: &BTreeSet<&'a str>, asked: Option<&str>) -> Option<&'a str> {
    if let Some(asked) = asked {
        return names.iter().find(|name| **name == asked).copied();
    }
    let is_one = |name: &str, of: &[&str]| {
        let name = name.to_lowercase();
        let mut words = name.split(|c: char| !c.is_alphabetic());
        words.any(|word| of.contains(&word))
    };
    let agents: Vec<&str> = names
        .iter()
        .copied()
        .filter(|n| is_one(n, &AGENTS))
        .collect();
    let others: Vec<&str> = names
        .iter()
        .copied()
        .filter(|n| !is_one(n, &CALLERS))
        .collect();
    match (agents.as_slice(), others.as_slice()) {
        ([agent], _) => Some(agent),
        ([], [agent]) if names.len() > 1 => Some(agent),
        _ => None,
    }
}

/// What is wrong, and where.
type Wrong = (String, String);

fn turn(place: &str, name: &str, start_s: f64, end_s: f64) -> Result<Turn, Wrong> {
    let is_time = |s: f64| (0.0..=SECONDS_MAX).contains(&s);
    if !is_time(start_s) || !is_time(end_s) || end_s < start_s {
        let reason = format!("{start_s} to {end_s} are no seconds of a call");
        return Err((place.to_owned(), reason));
    }
    if name.is_empty() {
        return Err((place.to_owned(), "the speaker has no name".to_owned()));
    }
    Ok(Turn {
        name: name.to_owned(),
        start_s,
        end_s,
    })
}

fn of_rttm(text: &str) -> Result<Vec<Turn>, Wrong> {
    let mut turns = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("line {}", number + 1);
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.first() != Some(&"SPEAKER") {
            continue;
        }
        let (Some(start), Some(length), Some(name)) = (fields.get(3), fields.get(4), fields.get(7))
        else {
            return Err((place, "a SPEAKER line has at least eight fields".to_owned()));
        };
        let number = |text: &str| {
            text.parse::<f64>()
                .map_err(|_| (place.clone(), format!("{text:?} is no number of seconds")))
        };
        let start = number(start)?;
        turns.push(turn(&place, name, start, start + number(length)?)?);
    }
    Ok(turns)
}

fn of_csv(text: &str) -> Result<Vec<Turn>, Wrong> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let first = |reason: String| ("line 1".to_owned(), reason);
    let names = reader.headers().map_err(|error| first(error.to_string()))?;
    let names = names.clone();
    let column = |wanted: &[&str]| {
        let found = names.iter().position(|name| wanted.contains(&name));
        found.ok_or_else(|| first(format!("there is no column {:?}", wanted[0])))
    };
    let speaker = column(&["speaker", "name", "role"])?;
    let start = column(&["start", "start_s"])?;
    let end = column(&["end", "end_s"])?;
    let mut turns = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let place = format!("line {}", index + 2);
        let record = record.map_err(|error| (place.clone(), error.to_string()))?;
        let number = |column: usize| {
            let text = record.get(column).unwrap_or_default();
            text.parse::<f64>()
                .map_err(|_| (place.clone(), format!("{text:?} is no number of seconds")))
        };
        let name = record.get(speaker).unwrap_or_default();
        turns.push(turn(&place, name, number(start)?, number(end)?)?);
    }
    Ok(turns)
}

fn of_json(text: &str) -> Result<Vec<Turn>, Wrong> {
    let document: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| (format!("line {}", error.line()), error.to_string()))?;
    let lists = ["segments", "turns", "utterances", "transcript"];
    let list = document.as_array().or_else(|| {
        let mut lists = lists.iter();
        lists.find_map(|name| document.get(name)?.as_array())
    });
    let list = list.ok_or_else(|| {
        let reason = "there is no list, nor one under segments, turns, utterances or transcript";
        ("line 1".to_owned(), reason.to_owned())
    })?;
    let mut turns = Vec::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        let place = format!("entry {}", index + 1);
        let text = |names: &[&str]| names.iter().find_map(|name| entry.get(name)?.as_str());
        let number = |name: &str| {
            let found = entry.get(name).and_then(serde_json::Value::as_f64);
            found.ok_or_else(|| (place.clone(), format!("it has no number {name:?}")))
        };
        let name = text(&["speaker", "name", "role"]).unwrap_or_default();
        turns.push(turn(&place, name, number("start")?, number("end")?)?);
    }
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(start: usize, end: usize) -> Vec<Range<usize>> {
        std::iter::once(start..end).collect()
    }

    fn read(text: &str, agent: Option<&str>) -> Result<Spoken, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("who");
        std::fs::write(&path, text).expect("written");
        Spoken::read(&path, agent).map_err(|error| error.to_string())
    }

    #[test]
    fn rttm_csv_and_json_say_the_same() {
        let rttm = "SPEAKER call 1 1.0 2.0 <NA> <NA> caller <NA> <NA>\nSPEAKER call 1 2.5 2.5 <NA> <NA> bot <NA> <NA>\n";
        let csv = "speaker,start,end,text\ncaller,1.0,3.0,Hello\nbot,2.5,5.0,\"Well, hello\"\n";
        let json = r#"{"segments":[{"speaker":"caller","start":1,"end":3},{"speaker":"bot","start":2.5,"end":5}]}"#;
        let spoken = read(rttm, None).expect("RTTM");
        assert_eq!(spoken.said, [one(1_000, 3_000), one(2_500, 5_000)]);
        assert_eq!(spoken.overlaps, one(2_500, 3_000));
        assert_eq!(spoken.heard, [one(750, 3_000), one(2_500, 5_250)]);
        assert_eq!(read(csv, None).expect("CSV"), spoken);
        assert_eq!(read(json, None).expect("JSON"), spoken);
        let swapped = read(csv, Some("caller")).expect("CSV");
        assert_eq!(swapped.said, [one(2_500, 5_000), one(1_000, 3_000)]);
    }

    #[test]
    fn each_sound_goes_to_who_speaks_then() {
        let spoken = Spoken::of([one(1, 2), one(300, 301)]);
        let samples: Vec<f32> = (0..5_000).map(|n| n as f32).collect();
        let [caller, agent] = spoken.part(0, &samples);
        assert_eq!((caller[20], caller[4_100], agent[20]), (20.0, 0.0, 0.0));
        assert_eq!((agent[4_805], caller[4_805]), (4_805.0, 0.0));
        let [later, _] = spoken.part(16, &samples[16..]);
        assert_eq!(later, caller[16..]);
    }

    #[test]
    fn what_says_not_who_spoke_is_refused_with_the_place() {
        let refused = |text: &str, part: &str| {
            let error = read(text, None).expect_err("refused");
            assert!(error.contains(part), "{error}");
        };
        refused("", "no column");
        refused("speaker,start,end\na,1,x\n", "line 2");
        refused("speaker,start,end\na,3,2\n", "no seconds of a call");
        refused("speaker,start,end\na,1,1e300\n", "no seconds of a call");
        refused("speaker,start,end\nann,1,2\nbob,2,3\n", "--agent-name");
        refused("SPEAKER call 1 1.0\n", "eight fields");
        refused("[{\"speaker\":\"bot\",\"start\":1}]", "entry 1");
        refused("[{", "line 1");
    }
}
