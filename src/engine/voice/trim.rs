//! What is cut from the ends of a synthesised clause.
//!
//! Silence at the head of a clause is heard as latency, so it goes. Silence at the tail is the pause between clauses;
//! synthesisers add anything from 20 to 400 ms of it, so it is set to what the clause's punctuation asks for.

use crate::audio::{SAMPLE_RATE, first_audible, last_audible, peak};

/// -40 dB: a sample this far below the clause's peak is not heard as its beginning or end.
const AUDIBLE_RATIO: f32 = 0.01;
/// A clause whose peak is lower than this (-80 dB of full scale) has no speech in it.
const SPEECH_PEAK_MIN: f32 = 1e-4;
/// Kept before the first audible sample, so that a plosive's edge is not cut.
const HEAD_MS: usize = 2;
/// Kept after the last audible sample: the decay of the last phoneme.
const TAIL_MS: usize = 60;

/// Cuts a clause (16 kHz mono) to 2 ms before its first audible sample and to 60 ms plus the pause of its final
/// punctuation after its last one; a tail that is too short is filled up with zeros.
///
/// Audible is what lies above -40 dB of the clause's own peak. A clause without any sound becomes empty. Samples are
/// held to -1..=1, which resampling may have overshot.
pub fn trim_silence(samples: &[f32], clause: &str) -> Vec<f32> {
    let peak = peak(samples);
    let audible = peak * AUDIBLE_RATIO;
    let (Some(first), Some(last)) = (
        first_audible(samples, audible),
        last_audible(samples, audible),
    ) else {
        return Vec::new();
    };
    if peak < SPEECH_PEAK_MIN {
        return Vec::new();
    }
    let start = first.saturating_sub(samples_in(HEAD_MS));
    let end = last + 1 + samples_in(TAIL_MS + pause_ms(clause));
    let kept = samples.iter().skip(start).take(end - start);
    let mut kept: Vec<f32> = kept.map(|sample| sample.clamp(-1.0, 1.0)).collect();
    kept.resize(end - start, 0.0);
    kept
}

/// The pause after a clause, by its final punctuation: 300 ms after a sentence, 200 after a colon, semicolon or dash,
/// 120 after a comma, none after a bare word (a clause cut in mid-sentence).
pub fn pause_ms(clause: &str) -> usize {
    let closing =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '»');
    match clause.trim_end_matches(closing).chars().next_back() {
        Some('.' | '!' | '?' | '…') => 300,
        Some(':' | ';' | '—' | '–') => 200,
        Some(',') => 120,
        _ => 0,
    }
}

const fn samples_in(duration_ms: usize) -> usize {
    duration_ms * SAMPLE_RATE as usize / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Silence (with a little noise), 100 ms of tone-like speech at 0.5, silence; durations in ms.
    fn clause_with(head_ms: usize, tail_ms: usize) -> Vec<f32> {
        let noise =
            |length_ms| (0..samples_in(length_ms)).map(|n| if n % 2 == 0 { 0.004 } else { -0.004 });
        let speech = (0..samples_in(100)).map(|n| if n % 3 == 0 { 0.5 } else { -0.4 });
        noise(head_ms).chain(speech).chain(noise(tail_ms)).collect()
    }

    #[test]
    fn leading_silence_is_cut_to_two_milliseconds() {
        let trimmed = trim_silence(&clause_with(250, 0), "word");
        assert_eq!(
            trimmed.iter().position(|sample| *sample == 0.5),
            Some(samples_in(2))
        );
    }

    #[test]
    fn a_clause_that_starts_at_once_loses_nothing() {
        let trimmed = trim_silence(&clause_with(1, 0), "word");
        assert_eq!(
            trimmed.iter().position(|sample| *sample == 0.5),
            Some(samples_in(1))
        );
    }

    #[test]
    fn the_tail_is_as_long_as_the_punctuation_asks_however_long_it_was() {
        let check = |clause: &str, pause_ms: usize| {
            for tail_ms in [0, 30, 900] {
                let trimmed = trim_silence(&clause_with(10, tail_ms), clause);
                assert_eq!(
                    trimmed.len(),
                    samples_in(2 + 100 + 60 + pause_ms),
                    "{clause:?} with {tail_ms} ms"
                );
            }
        };
        check("The end.", 300);
        check("\"Really?\" ", 300);
        check("first,", 120);
        check("as follows:", 200);
        check("cut in", 0);
        check("", 0);
    }

    #[test]
    fn silence_becomes_nothing() {
        for silence in [
            vec![],
            vec![0.0; 1_000],
            vec![5e-5; 1_000],
            vec![f32::NAN; 1_000],
        ] {
            assert!(trim_silence(&silence, "A sentence.").is_empty());
        }
    }
}
