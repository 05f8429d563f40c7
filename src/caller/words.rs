//! The words of a line, as a recogniser would hear them: a few at a time.

use crate::event::Tick;
use crate::stage::AudioChunk;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Hands out the words of a line as they are spoken, evenly over its stretches.
pub(super) struct Words<'a> {
    text: &'a Arc<str>,
    words: Vec<&'a str>,
    speech: &'a [Range<Tick>],
    told: usize,
    none: Arc<str>,
}

impl<'a> Words<'a> {
    /// Hands out the words of `text` over `speech`; `none` is the empty text.
    pub(super) fn new(text: &'a Arc<str>, speech: &'a [Range<Tick>], none: &Arc<str>) -> Words<'a> {
        let is_one = !text.contains(char::is_whitespace);
        Words {
            text,
            words: match is_one {
                true => Vec::new(),
                false => text.split_whitespace().collect(),
            },
            speech,
            told: 0,
            none: none.clone(),
        }
    }

    /// The sound from `from` to `until`, with the words that have been spoken by then and were not
    /// told before.
    pub(super) fn until(&mut self, until: Tick, from: Tick) -> AudioChunk {
        AudioChunk::without_samples(until.since(from), self.spoken(until))
    }

    /// A new utterance begins: its first word is told again.
    pub(super) fn anew(&mut self) {
        if self.words.is_empty() {
            self.told = 0;
        }
    }

    fn spoken(&mut self, until: Tick) -> Arc<str> {
        if self.words.is_empty() {
            // A single word is told as soon as it is begun.
            let is_new = std::mem::replace(&mut self.told, 1) == 0;
            return if is_new { self.text } else { &self.none }.clone();
        }
        let spoken: Duration = self
            .speech
            .iter()
            .map(|stretch| until.min(stretch.end).since(stretch.start))
            .sum();
        let whole: Duration = self.speech.iter().map(|s| s.end.since(s.start)).sum();
        let share = spoken.as_secs_f64() / whole.as_secs_f64().max(1e-9);
        let count = (self.words.len() as f64 * share) as usize;
        let new = &self.words[self.told.min(count)..count];
        self.told = self.told.max(count);
        match (new.join(" "), self.told > new.len()) {
            (text, _) if text.is_empty() => self.none.clone(),
            (text, true) => Arc::from(format!(" {text}")),
            (text, false) => Arc::from(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_as_they_are_spoken_and_none_twice() {
        let ms = Tick::from_ms;
        let (text, none) = (Arc::from("one two three four"), Arc::from(""));
        let speech = [ms(0)..ms(1_000), ms(2_000)..ms(3_000)];
        let mut words = Words::new(&text, &speech, &none);
        assert_eq!(&*words.until(ms(48), ms(0)).text, "");
        assert_eq!(&*words.until(ms(1_080), ms(48)).text, "one two");
        assert_eq!(&*words.until(ms(2_032), ms(2_000)).text, "");
        let rest = words.until(ms(3_080), ms(2_032));
        assert_eq!(
            (&*rest.text, rest.length),
            (" three four", Duration::from_millis(1_048))
        );
    }
}
