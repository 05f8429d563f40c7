//! The sound of a reply on the time axis, and how much of it was heard by a given time. Pure.

use crate::audio::position_of;
use crate::event::Tick;
use crate::stage::AudioChunk;
use std::sync::Arc;
use std::time::Duration;

/// How many of the latest words an interruption policy is told.
const TAIL_WORDS: usize = 8;

/// What the caller heard of a reply.
#[derive(Debug, PartialEq)]
pub(super) struct Sounded {
    /// When the sound ended.
    pub(super) at: Tick,
    pub(super) words: Arc<str>,
    /// How long the reply sounded, without gaps.
    pub(super) length: Duration,
}

/// What the agent has said of a reply.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Spoken {
    /// The time since the reply began.
    pub(super) elapsed: Duration,
    pub(super) words: usize,
    /// The time since its last sound; zero while it sounds.
    pub(super) silence: Duration,
    pub(super) sentence_elapsed: Duration,
    pub(super) sentence_is_done: bool,
    pub(super) sentence_is_question: bool,
    pub(super) previous_was_question: bool,
    /// The last eight words that the agent spoke.
    pub(super) tail: String,
}

/// Chunks of one reply, each at its place.
#[derive(Default)]
pub(super) struct Laid(Vec<LaidChunk>);

struct LaidChunk {
    start: Tick,
    part: Part,
    chunk: AudioChunk,
}

/// What a chunk of a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Answer,
    /// That the agent is a machine.
    Disclosure,
}

impl LaidChunk {
    fn played(&self, until: Tick) -> Duration {
        until.since(self.start).min(self.chunk.length)
    }

    fn end(&self) -> Tick {
        self.start + self.chunk.length
    }

    /// Ends the chunk at `at`; returns the rest, if there is any, which continues its words.
    fn cut(&mut self, at: Tick) -> Option<AudioChunk> {
        let played = self.played(at);
        if played == self.chunk.length {
            return None;
        }
        let mut rest = match self.chunk.samples.clone() {
            Some(samples) => {
                let index = usize::try_from(position_of(Tick::ZERO + played)).unwrap_or(usize::MAX);
                let (head, tail) = samples.split_at(index.min(samples.len()));
                let text = std::mem::take(&mut self.chunk.text);
                self.chunk = AudioChunk::new(head.into(), text);
                AudioChunk::new(tail.into(), Arc::from(""))
            }
            None => {
                let rest = self.chunk.length - played;
                self.chunk.length = played;
                AudioChunk {
                    head: self.chunk.head.saturating_sub(played),
                    ..AudioChunk::without_samples(rest, Arc::from(""))
                }
            }
        };
        if played.is_zero() {
            // Nothing was heard of the chunk, so its words are still to come.
            std::mem::swap(&mut rest.text, &mut self.chunk.text);
        }
        Some(rest)
    }
}

impl Laid {
    pub(super) fn push(&mut self, start: Tick, part: Part, chunk: AudioChunk) {
        self.0.push(LaidChunk { start, part, chunk });
    }

    /// Whether a disclosure of this length was played to its end by `until`.
    pub(super) fn has_disclosed(&self, length: Duration, until: Tick) -> bool {
        let mut disclosures = self.0.iter().filter(|laid| laid.part == Part::Disclosure);
        disclosures.any(|laid| laid.played(until) >= length)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(super) fn begins(&self) -> Tick {
        self.0[0].start
    }

    /// Ends all sound at `at`; returns what had not sounded by then.
    pub(super) fn cut(&mut self, at: Tick) -> Vec<(Part, AudioChunk)> {
        let rest = |laid: &mut LaidChunk| Some((laid.part, laid.cut(at)?));
        self.0.iter_mut().filter_map(rest).collect()
    }

    /// Forgets chunks of which nothing sounded.
    pub(super) fn forget_silent(&mut self) {
        self.0.retain(|laid| !laid.chunk.length.is_zero());
    }

    /// What was said by `now`, as far as it matters to somebody who talks over it.
    pub(super) fn spoken(&self, now: Tick) -> Spoken {
        // A chunk without words continues the clause before it.
        let clauses: Vec<(Tick, Tick, &str)> = self
            .0
            .chunk_by(|_, next| next.chunk.text.is_empty())
            .map(|chunks| {
                let end = chunks.last().map(LaidChunk::end);
                (
                    chunks[0].start,
                    end.unwrap_or_default(),
                    chunks[0].chunk.text.trim_end(),
                )
            })
            .collect();
        let begun = clauses.partition_point(|(start, ..)| *start <= now);
        let Some((_, end, last)) = clauses[..begun].last().copied() else {
            return Spoken::default();
        };
        let ends = |text: &str| text.ends_with(['.', '!', '?']);
        let asks = |text: &str| text.ends_with('?');
        // A sentence is what lies behind the end of the one before; a clause without an end goes on.
        let before = clauses[..begun - 1]
            .iter()
            .rposition(|(.., text)| ends(text));
        let (sentence_start, ..) = clauses[before.map_or(0, |at| at + 1)];
        // Whether a question is being asked is known before it is spoken to its end.
        let sentence_end = clauses[begun - 1..].iter().find(|(.., text)| ends(text));
        let heard = self.heard(now).words;
        let words: Vec<&str> = heard.split_whitespace().collect();
        Spoken {
            elapsed: now.since(clauses[0].0),
            words: words.len(),
            silence: now.since(end),
            sentence_elapsed: now.since(sentence_start),
            sentence_is_done: ends(last) && now >= end,
            sentence_is_question: sentence_end.is_some_and(|(.., text)| asks(text)),
            previous_was_question: before.is_some_and(|at| asks(clauses[at].2)),
            tail: words[words.len().saturating_sub(TAIL_WORDS)..].join(" "),
        }
    }

    /// What was played before `at`. A chunk that was cut off counts with as many of its words as fit its share of
    /// the time.
    pub(super) fn heard(&self, at: Tick) -> Sounded {
        let texts = self.0.iter().map(|laid| laid.chunk.text.len() + 1);
        let mut words = String::with_capacity(texts.sum());
        let mut length = Duration::ZERO;
        // A chunk without words continues the one before it: the words belong to both.
        for clause in self.0.chunk_by(|_, next| next.chunk.text.is_empty()) {
            let played: Duration = clause.iter().map(|queued| queued.played(at)).sum();
            let whole: Duration = clause.iter().map(|queued| queued.chunk.length).sum();
            length += played;
            let text = clause[0].chunk.text.trim();
            let heard = match played == whole {
                true => text,
                false => beginning(text, played.as_secs_f64() / whole.as_secs_f64().max(1e-9)),
            };
            if !words.is_empty() && !heard.is_empty() {
                words.push(' ');
            }
            words.push_str(heard);
        }
        Sounded {
            at,
            words: words.into(),
            length,
        }
    }
}

/// The first words of `text`: the share `share` of them, in 0..=1.
fn beginning(text: &str, share: f64) -> &str {
    let count = (text.split_whitespace().count() as f64 * share) as usize;
    let last = text.split_whitespace().take(count).last();
    let end = last.map_or(0, |word| {
        word.as_ptr() as usize - text.as_ptr() as usize + word.len()
    });
    &text[..end]
}
