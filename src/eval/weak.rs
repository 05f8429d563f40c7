//! The segment that is worse than the others by more than chance.

use super::cell::{NOTHING, plus, ratio};
use super::shuffles::{SHUFFLES, against_chance, draws};
use super::table::columns;
use super::{Column, Evaluated, Figure, Part, SOUND, Spoken};
use crate::rng::Stream;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A segment is named if chance would make one so bad in less than one of twenty evaluations.
const SIGNIFICANCE: f64 = 0.05;

/// Turns of a weak segment that are worth listening to.
const TO_LISTEN_TO: usize = 3;

/// A figure of a segment that is worse than that of all other turns, by more than chance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weak {
    pub figure: Figure,
    pub label: String,
    pub value: Arc<str>,
    /// The figure of the segment, and of all other turns.
    pub own: f64,
    pub others: f64,
    /// The probability that chance makes any figure of any segment so bad.
    pub p: f64,
    /// Its worst turns, as places in the list of turns, the worst first.
    pub worst: Vec<usize>,
}

/// The weak segments, the weakest first: by how far they are off from what chance gives. Labels are dealt out anew to see
/// what chance gives: those of recordings among recordings, which keep their conditions together, and conditions among the
/// times that one recording was spoken.
pub fn weak(evaluated: &Evaluated) -> Vec<Weak> {
    let turns = &evaluated.turns;
    let labels = labels(evaluated);
    let figures: Vec<(Figure, Vec<Part>)> = Figure::ALL
        .iter()
        .filter(|figure| turns.iter().any(|turn| turn.parts.contains_key(figure)))
        .map(|figure| {
            let part = |turn: &Spoken| turn.parts.get(figure).copied().unwrap_or(NOTHING);
            (*figure, turns.iter().map(part).collect())
        })
        .collect();
    let recordings = by_recording(turns);
    let mut shuffles = draws(evaluated.seed, "segments");
    let written: Vec<Vec<Option<usize>>> =
        labels.iter().map(|label| label.of_turns.clone()).collect();
    let differences = |dealt: &[Vec<Option<usize>>]| {
        let mut all = Vec::new();
        for (label, of_turns) in labels.iter().zip(dealt) {
            for (_, parts) in &figures {
                let sides = sides(parts, of_turns, label.values.len());
                all.extend(sides.map(|sides| sides.map_or(f64::NAN, |(own, others)| own - others)));
            }
        }
        all
    };
    let observed = differences(&written);
    let shuffled: Vec<Vec<f64>> = (0..SHUFFLES)
        .map(|_| {
            let deal = |label: &Label| deal(label, &recordings, &mut shuffles);
            differences(&labels.iter().map(deal).collect::<Vec<_>>())
        })
        .collect();
    let mut chances = against_chance(&observed, &shuffled).into_iter();
    let mut found = Vec::new();
    for label in &labels {
        for (figure, parts) in &figures {
            let sides = sides(parts, &label.of_turns, label.values.len());
            for (value, sides) in label.values.iter().zip(sides) {
                let (Some((z, p)), Some((own, others))) = (chances.next(), sides) else {
                    continue;
                };
                if p < SIGNIFICANCE {
                    let worst = worst(turns, *figure, &label.name, value);
                    let (label, value) = (label.name.clone(), value.clone());
                    found.push((
                        z,
                        Weak {
                            figure: *figure,
                            label,
                            value,
                            own,
                            others,
                            p,
                            worst,
                        },
                    ));
                }
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found.into_iter().map(|(_, weak)| weak).collect()
}

/// A label, its values, and the place of each turn's value among them.
struct Label {
    name: String,
    values: Vec<Arc<str>>,
    of_turns: Vec<Option<usize>>,
}

/// The labels by which there are segments.
fn labels(evaluated: &Evaluated) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::new();
    for column in columns(evaluated) {
        let Column::Segment { label, value } = column else {
            continue;
        };
        match labels.last_mut() {
            Some(last) if last.name == label => last.values.push(value),
            _ => labels.push(Label {
                name: label,
                values: vec![value],
                of_turns: Vec::new(),
            }),
        }
    }
    for label in &mut labels {
        let place = |turn: &Spoken| {
            let own = turn.labels.get(&label.name)?;
            label.values.iter().position(|value| value == own)
        };
        label.of_turns = evaluated.turns.iter().map(place).collect();
    }
    labels
}

/// For each value of a label the figure of its turns, and that of all turns with another value; `None` where one of them is
/// of nothing.
fn sides(
    parts: &[Part],
    of_turns: &[Option<usize>],
    values: usize,
) -> impl Iterator<Item = Option<(f64, f64)>> {
    let mut sums = vec![NOTHING; values];
    let mut all = NOTHING;
    for (part, place) in parts.iter().zip(of_turns) {
        if let Some(place) = place {
            sums[*place] = plus(sums[*place], *part);
            all = plus(all, *part);
        }
    }
    sums.into_iter().map(move |own| {
        let others = Part {
            above: all.above - own.above,
            below: all.below - own.below,
        };
        Some((ratio(own)?, ratio(others)?))
    })
}

/// The places of each recording's turns.
fn by_recording(turns: &[Spoken]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
    for (place, turn) in turns.iter().enumerate() {
        groups.entry(&turn.case).or_default().push(place);
    }
    groups.into_values().collect()
}

/// The values of a label, dealt out anew.
fn deal(label: &Label, recordings: &[Vec<usize>], shuffles: &mut Stream) -> Vec<Option<usize>> {
    let mut dealt = label.of_turns.clone();
    if label.name == SOUND {
        for turns in recordings {
            let mut values: Vec<_> = turns.iter().map(|turn| label.of_turns[*turn]).collect();
            shuffles.shuffle(&mut values);
            for (turn, value) in turns.iter().zip(values) {
                dealt[*turn] = value;
            }
        }
        return dealt;
    }
    // A recording has one value of any other label.
    let first = |turns: &Vec<usize>| turns.first().and_then(|turn| label.of_turns[*turn]);
    let mut values: Vec<_> = recordings.iter().map(first).collect();
    shuffles.shuffle(&mut values);
    for (turns, value) in recordings.iter().zip(values) {
        for turn in turns {
            dealt[*turn] = value;
        }
    }
    dealt
}

/// The worst turns of a segment.
fn worst(turns: &[Spoken], figure: Figure, label: &str, value: &Arc<str>) -> Vec<usize> {
    let own = turns
        .iter()
        .enumerate()
        .filter(|(_, turn)| turn.labels.get(label) == Some(value));
    let bad = |part: &Part| (part.above, part.above / part.below);
    let mut own: Vec<(usize, (f64, f64))> = own
        .filter_map(|(place, turn)| Some((place, bad(turn.parts.get(&figure)?))))
        .filter(|(_, (above, _))| *above > 0.0)
        .collect();
    own.sort_by(|(_, one), (_, other)| other.1.total_cmp(&one.1).then(other.0.total_cmp(&one.0)));
    own.into_iter()
        .take(TO_LISTEN_TO)
        .map(|(place, _)| place)
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rng::Seed;

    /// Turns of four voices in two conditions, `each` recordings a voice of eight words each. Words are wrong by luck: `rate` of
    /// them, of the voice `weak` as many times more.
    pub(in crate::eval) fn planted(
        seed: u64,
        each: u32,
        rate: f64,
        weak: (&str, f64),
    ) -> Evaluated {
        let mut turns = Vec::new();
        for (nth, voice) in ["ann", "bob", "cid", "dee"].into_iter().enumerate() {
            let own = if voice == weak.0 { rate * weak.1 } else { rate };
            for number in 0..each {
                let mut stream = Seed(seed).stream("test", nth as u64, u64::from(number), "words");
                for sound in ["quiet", "noise"] {
                    let wrong = (0..8).filter(|_| stream.uniform() < own).count();
                    let part = Part {
                        above: wrong as f64,
                        below: 8.0,
                    };
                    let late = Part {
                        above: 500.0 + 50.0 * stream.normal(),
                        below: 1.0,
                    };
                    turns.push(Spoken {
                        case: format!("{voice}-{number}").into(),
                        labels: [("voice", voice), (SOUND, sound)]
                            .map(|(label, value)| (label.to_owned(), value.into()))
                            .into(),
                        parts: [(Figure::WordErrorRate, part), (Figure::E2eLatency, late)].into(),
                        run: String::new(),
                        turn: number + 1,
                        at_s: None,
                        heard: "".into(),
                        said: "".into(),
                    });
                }
            }
        }
        Evaluated {
            schema: Evaluated::SCHEMA.into(),
            version: "0".into(),
            suite: "planted".into(),
            seed,
            asked: String::new(),
            by: vec!["voice".into(), SOUND.into()],
            turns,
            agreements: Vec::new(),
        }
    }

    #[test]
    fn a_voice_with_twice_the_wrong_words_is_named_first() {
        let named = (0..100)
            .filter(|seed| {
                // Thirty turns of each voice in each condition.
                let found = weak(&planted(*seed, 30, 0.1, ("cid", 2.0)));
                let first = found.first();
                first.is_some_and(|it| {
                    (it.figure, &*it.value) == (Figure::WordErrorRate, "cid") && it.worst.len() == 3
                })
            })
            .count();
        assert!(named >= 91, "{named} of 100");
    }

    #[test]
    fn nothing_is_named_where_nothing_is_weak() {
        let named = (100..200)
            .filter(|seed| !weak(&planted(*seed, 30, 0.1, ("cid", 1.0))).is_empty())
            .count();
        assert!(named <= 9, "{named} of 100");
    }

    #[test]
    fn the_worst_turns_of_a_segment_are_its_own() {
        let evaluated = planted(3, 30, 0.1, ("bob", 4.0));
        let found = weak(&evaluated);
        for place in &found[0].worst {
            assert_eq!(&*evaluated.turns[*place].labels["voice"], "bob");
        }
    }
}
