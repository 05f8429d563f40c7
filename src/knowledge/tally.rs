//! How much of a question stands in one passage: counts each variant of its words, and takes the best of each word.

use super::query::Slot;

/// BM25's saturation.
const K1: f32 = 1.2;

/// What a variant amounts to in one passage.
#[derive(Clone, Copy, Default)]
struct Found {
    frequency: f32,
    place: Option<&'static str>,
}

/// How often each variant of each word stands somewhere.
pub(super) struct Tally {
    /// The variants of all words, one word's behind the other's.
    found: Vec<Found>,
    /// Where a word's variants begin.
    starts: Vec<usize>,
    is_clear: bool,
}

impl Tally {
    pub(super) fn of(question: &[Slot]) -> Tally {
        let mut starts = Vec::with_capacity(question.len());
        let mut variants = 0;
        for slot in question {
            starts.push(variants);
            variants += slot.variants.len();
        }
        Tally {
            found: vec![Found::default(); variants],
            starts,
            is_clear: true,
        }
    }

    pub(super) fn clear(&mut self) {
        if !self.is_clear {
            self.found.fill(Found::default());
            self.is_clear = true;
        }
    }

    pub(super) fn count(&mut self, slot: usize, variant: usize, weight: f32, place: &'static str) {
        let start = self.starts.get(slot).copied().unwrap_or_default();
        if let Some(one) = self.found.get_mut(start + variant) {
            one.frequency += weight;
            one.place.get_or_insert(place);
            self.is_clear = false;
        }
    }

    /// For each word of the question, the variant that counts most: its score, its index, and where it stands.
    pub(super) fn best<'a>(
        &'a self,
        question: &'a [Slot],
    ) -> impl Iterator<Item = Option<(f32, usize, &'static str)>> + 'a {
        question.iter().zip(&self.starts).map(|(slot, start)| {
            let mut best: Option<(f32, usize, &'static str)> = None;
            if self.is_clear {
                return best;
            }
            let found = self.found.get(*start..).unwrap_or(&[]);
            for (v, (variant, found)) in slot.variants.iter().zip(found).enumerate() {
                let Some(place) = found.place else {
                    continue;
                };
                let saturated = found.frequency * (K1 + 1.0) / (found.frequency + K1);
                let score = variant.idf * variant.share * slot.carried * saturated;
                if best.is_none_or(|(most, ..)| score > most) {
                    best = Some((score, v, place));
                }
            }
            best
        })
    }
}
