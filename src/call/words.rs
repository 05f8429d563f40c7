//! What was said on both sides, by a recogniser that is handed in.

use super::floor::FloorHistory;
use super::source::{CallSource, Progress, Side, samples_before};
use super::{CallError, segments::Stretch};
use crate::clock::Clock;
use crate::event::{SessionId, StageName, TurnId};
use crate::record::input::InputHash;
use crate::record::tap::Tap;
use crate::stage::queue;
use crate::stage::{
    AudioChunk, AudioFeed, Heard, Identified, OUTPUTS_WAITING_MAX, Outlet, SpeechToText, StageError,
};
use std::collections::VecDeque;
use std::ops::Range;
use tracing::subscriber::{NoSubscriber, with_default};

/// Texts, by utterance of the caller and by speech of the agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    pub caller: Vec<String>,
    pub agent: Vec<String>,
    /// How probable the recogniser finds the words of each side, in 0..=1, the mean over the sound; `None` if it does
    /// not tell.
    pub sureness: [Option<f32>; 2],
}

/// Whisper tiny.en was between .75 and .81 sure of English voices, and between .32 and .53 of Spanish, French and German
/// ones, on six sides of made-up calls. Words that a recogniser finds less probable than this are not those that were said: somebody speaks another
/// language, or too softly.
const SURE: f32 = 0.6;

impl Words {
    /// Whether the words are worth to judge anything by.
    pub fn are_understood(&self) -> bool {
        let mut sureness = self.sureness.iter().flatten();
        sureness.all(|sureness| *sureness >= SURE)
    }
}

/// What goes into a recogniser at once, in milliseconds. Recognisers take up to 30 s, but the time they take grows
/// faster than the sound.
const PIECE_MS_MAX: usize = 12_000;
/// Sound is cut out with this much around it, in milliseconds.
const MARGIN: usize = 150;

/// A part of what somebody says, to be cut out: its place in samples, and the utterance or speech it belongs to.
struct Part {
    of: usize,
    range: Range<usize>,
}

/// Goes through the recording again and has every utterance and speech written down. One part of a side is held in
/// memory at a time.
pub fn transcribe(
    source: &CallSource,
    floor: &FloorHistory,
    stt: &mut SpeechToText,
    clock: &Clock,
    progress: Progress<'_>,
) -> Result<Words, CallError> {
    let utterances = floor.utterances.iter().map(|u| u.stretches.as_slice());
    let speeches = floor.speeches.iter().map(|s| s.stretches.as_slice());
    let mut sides = [Cutter::new(parts(utterances)), Cutter::new(parts(speeches))];
    let mut texts = [
        vec![String::new(); floor.utterances.len()],
        vec![String::new(); floor.speeches.len()],
    ];
    let mut failed = None;
    // The sureness of each side's samples, and their number.
    let mut sure = [(0.0, 0); 2];
    // People watch the call, not the recogniser.
    let mut write_down = |side: usize, of: usize, sound: &[f32]| {
        if failed.is_none() {
            match with_default(NoSubscriber::default(), || text(stt, clock, sound)) {
                Ok((text, sureness)) => {
                    add(&mut texts[side][of], &text);
                    if let Some(sureness) = sureness {
                        sure[side].0 += f64::from(sureness) * sound.len() as f64;
                        sure[side].1 += sound.len();
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
    };
    source.each_side(
        |side: Side, samples| {
            let side = side as usize;
            sides[side].hear(samples, |of, sound| write_down(side, of, sound));
        },
        progress,
    )?;
    for (side, cutter) in sides.into_iter().enumerate() {
        cutter.finish(|of, sound| write_down(side, of, sound));
    }
    let [caller, agent] = texts;
    match failed {
        Some(error) => Err(error),
        None => Ok(Words {
            caller,
            agent,
            sureness: sure
                .map(|(sum, samples)| (samples > 0).then(|| (sum / samples as f64) as f32)),
        }),
    }
}

fn add(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// Cuts what is said at its pauses, so that no part is too long; a stretch without a pause anywhere.
fn parts<'a>(said: impl Iterator<Item = &'a [Stretch]>) -> VecDeque<Part> {
    let mut parts: VecDeque<(usize, Range<usize>)> = VecDeque::new();
    for (of, stretches) in said.enumerate() {
        for stretch in stretches {
            match parts.back_mut() {
                Some((same, part)) if *same == of && stretch.end - part.start <= PIECE_MS_MAX => {
                    part.end = stretch.end;
                }
                _ => parts.push_back((of, stretch.start..stretch.end)),
            }
            while let Some((_, part)) = parts.back_mut().filter(|(_, p)| p.len() > PIECE_MS_MAX) {
                let rest = part.start + PIECE_MS_MAX..part.end;
                part.end = rest.start;
                parts.push_back((of, rest));
            }
        }
    }
    let in_samples = |(of, ms): (usize, Range<usize>)| Part {
        of,
        range: samples_before(ms.start.saturating_sub(MARGIN))..samples_before(ms.end + MARGIN),
    };
    let mut parts: Vec<Part> = parts.into_iter().map(in_samples).collect();
    // A cough may lie in a pause of what was begun before it. Those of one utterance stay in order.
    parts.sort_by_key(|part| part.range.start);
    parts.into()
}

/// Cuts parts out of a channel that comes in pieces.
struct Cutter {
    parts: VecDeque<Part>,
    /// What may still be needed, and where it begins.
    held: Vec<f32>,
    held_from: usize,
}

impl Cutter {
    fn new(parts: VecDeque<Part>) -> Cutter {
        Cutter {
            parts,
            held: Vec::new(),
            held_from: 0,
        }
    }

    fn hear(&mut self, samples: &[f32], mut cut: impl FnMut(usize, &[f32])) {
        self.held.extend_from_slice(samples);
        let end = self.held_from + self.held.len();
        while let Some(part) = self.parts.pop_front_if(|part| part.range.end <= end) {
            let range = part.range.start - self.held_from..part.range.end - self.held_from;
            cut(part.of, &self.held[range]);
            self.forget();
        }
        self.forget();
    }

    /// The parts that reach to the end.
    fn finish(self, mut cut: impl FnMut(usize, &[f32])) {
        for part in self.parts {
            let from = part.range.start.saturating_sub(self.held_from);
            if let Some(sound) = self.held.get(from..).filter(|sound| !sound.is_empty()) {
                cut(part.of, sound);
            }
        }
    }

    fn forget(&mut self) {
        let end = self.held_from + self.held.len();
        let needed = self
            .parts
            .front()
            .map_or(end, |part| part.range.start.min(end));
        self.held.drain(..needed.saturating_sub(self.held_from));
        self.held_from = self.held_from.max(needed);
    }
}

/// What the recogniser makes of some sound.
pub fn text(
    stt: &mut SpeechToText,
    clock: &Clock,
    sound: &[f32],
) -> Result<(String, Option<f32>), CallError> {
    let failed = |error: &dyn std::fmt::Display| CallError::Words(error.to_string());
    let (marks, feed) = AudioFeed::new(InputHash::default());
    let chunk = AudioChunk::new(sound.into(), "".into());
    for mark in [Heard::Audio(chunk), Heard::Committed] {
        marks.try_send(mark).map_err(|error| failed(&error))?;
    }
    drop(marks);
    let (sender, mut transcripts) = queue::channel(OUTPUTS_WAITING_MAX);
    let tap = Tap::new(clock.clone(), SessionId(0), None);
    let visit = tap.visit(TurnId(0), StageName::SpeechToText, feed.identity());
    let mut outlet = Outlet::new(visit, sender);
    let work = async {
        let result = stt.handle(feed, &mut outlet).await;
        outlet.close(&result);
        result
    };
    let collect = async {
        let mut understood = (String::new(), None);
        while let Some(transcript) = transcripts.recv().await {
            if transcript.is_final {
                understood = (transcript.text.to_string(), transcript.sureness);
            }
        }
        understood
    };
    let both = async { tokio::join!(biased; work, collect) };
    let (result, understood): (Result<(), StageError>, _) =
        clock.block_on(both).map_err(|error| failed(&error))?;
    result.map_err(|error| failed(&error))?;
    Ok(understood)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(ranges: &[(usize, usize)]) -> Vec<Stretch> {
        let stretch = |(start, end): &(usize, usize)| Stretch::voice(*start, *end);
        ranges.iter().map(stretch).collect()
    }

    #[test]
    fn what_is_said_in_one_go_is_cut_at_its_pauses_only_if_it_is_long() {
        let long = said(&[(1_000, 10_000), (10_400, 20_000), (20_500, 21_000)]);
        let short = said(&[(40_000, 41_000), (41_500, 42_000)]);
        let parts = parts([long.as_slice(), short.as_slice()].into_iter());
        let cut: Vec<(usize, usize, usize)> = parts
            .iter()
            .map(|part| (part.of, part.range.start / 16, part.range.end / 16))
            .collect();
        let expected = [(0, 850, 10_150), (0, 10_250, 21_150), (1, 39_850, 42_150)];
        assert_eq!(cut, expected);
    }

    #[test]
    fn a_cough_in_a_pause_of_something_long_is_cut_out_in_its_turn() {
        let long = said(&[(0, 11_000), (12_600, 14_000)]);
        let cough = said(&[(11_500, 11_800)]);
        let mut cutter = Cutter::new(parts([long.as_slice(), cough.as_slice()].into_iter()));
        let mut cut = Vec::new();
        for piece in vec![0.0; 16 * 16_000].chunks(1_000) {
            cutter.hear(piece, |of, sound| cut.push((of, sound.len() / 16)));
        }
        assert_eq!(cut, [(0, 11_150), (1, 600), (0, 1_700)]);
    }

    proptest::proptest! {
        #[test]
        fn every_part_is_cut_out_whole_whatever_lies_in_its_pauses(
            spans in proptest::collection::vec((0_usize..30_000, 1_usize..15_000, 0_usize..4_000), 1..6),
            piece in 100_usize..9_000,
        ) {
            // Each utterance has a pause in it, in which others may lie.
            let all: Vec<Vec<Stretch>> = spans
                .iter()
                .map(|(start, length, pause)| {
                    let second = start + length + pause;
                    said(&[(*start, start + length), (second + 1, second + 500)])
                })
                .collect();
            let planned = parts(all.iter().map(Vec::as_slice));
            let sound: Vec<f32> = (0..50_000 * 16).map(|n| n as f32).collect();
            let expected: Vec<(usize, f32, usize)> = planned
                .iter()
                .map(|part| (part.of, sound[part.range.start], part.range.len()))
                .collect();
            let mut cutter = Cutter::new(planned);
            let mut cut = Vec::new();
            for piece in sound.chunks(piece) {
                cutter.hear(piece, |of, sound| cut.push((of, sound[0], sound.len())));
            }
            proptest::prop_assert_eq!(cut, expected);
        }
    }

    #[test]
    fn parts_are_cut_out_of_sound_that_comes_in_pieces() {
        let parts = parts([said(&[(200, 300), (900, 1_000)]).as_slice()].into_iter());
        let mut cutter = Cutter::new(parts);
        let sound: Vec<f32> = (0..16_500).map(|n| n as f32).collect();
        let mut cut: Vec<(f32, f32)> = Vec::new();
        let mut keep = |_, sound: &[f32]| cut.push((sound[0], sound[sound.len() - 1]));
        for piece in sound.chunks(1_000) {
            cutter.hear(piece, &mut keep);
        }
        cutter.finish(&mut keep);
        assert_eq!(cut, [(800.0, 16_499.0)], "to the end of the recording");
    }
}
