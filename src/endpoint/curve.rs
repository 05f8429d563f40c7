//! How long the classifier waits where there is nothing to go by: as long as it did at ends and pauses of real
//! conversations; and the same beside a judge of the sound, with the prices that it needs there. A simulation draws
//! from this.

use super::by_share::at_share;
use super::classifier::PricesMs;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use std::time::Duration;

/// What the file must say it is.
pub const SCHEMA: &str = "voicesim.commit_curves/2";

/// The curves that voicesim comes with. `voicesim endpoint eval --curves` measures them again.
static SHIPPED: LazyLock<Curves> = LazyLock::new(|| {
    // The file is part of the binary, and a test reads it: it cannot fail to parse.
    serde_json::from_str(include_str!("curves.json")).unwrap_or_default()
});

/// A file of curves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    /// [`SCHEMA`].
    pub schema: String,
    /// Where the pauses are from.
    pub corpora: Vec<String>,
    /// The curves of the classifier, the least share of cut-offs first.
    pub curves: Vec<Curve>,
    /// Those of the classifier beside a judge of the sound.
    pub with_sound: Vec<Curve>,
}

/// How long the classifier waits that may cut a share of pauses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The share of pauses that may be cut.
    pub cut_offs: f64,
    /// The natural logarithms of the prices of a cut-off, in milliseconds, where words are known and where they are
    /// not; `None` for those of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_prices: Option<[f64; 2]>,
    /// Where the caller has finished.
    pub ends: Silences,
    /// Where the caller goes on.
    pub pauses: Silences,
}

/// Silences after which a policy commits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silences {
    /// How many they were measured on.
    pub events: usize,
    /// Quantiles at equal steps of the share, the least first and the greatest last, in milliseconds.
    pub after_ms: Vec<u32>,
}

/// What a silence of a simulated caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The caller has finished.
    End,
    /// The caller goes on.
    Pause,
}

/// What a policy goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoesBy {
    /// Words and timing, as `classifier`.
    Words,
    /// The sound as well, as `eot`.
    WordsAndSound,
}

/// What a cut-off costs beside a judge of the sound if this share of pauses may be cut.
pub(super) fn prices_with_sound(cut_offs: f64) -> PricesMs {
    let price = |which: usize| {
        let log_ms = |curve: &Curve| curve.log_prices.map_or(0.0, |prices| prices[which]);
        let log_ms = at_share(
            &SHIPPED.with_sound,
            cut_offs,
            |curve| curve.cut_offs,
            log_ms,
        );
        libm::exp(log_ms.unwrap_or_default())
    };
    PricesMs {
        with_words: price(0),
        timing_only: price(1),
    }
}

/// After which silence a policy commits that may cut this share of pauses. `chance` is uniform in (0, 1);
/// between two curves it lies on a straight line.
pub fn commits_after(goes_by: GoesBy, cut_offs: f64, silence: Silence, chance: f64) -> Duration {
    let curves = match goes_by {
        GoesBy::Words => &SHIPPED.curves,
        GoesBy::WordsAndSound => &SHIPPED.with_sound,
    };
    let at_ms = |curve: &Curve| match silence {
        Silence::End => curve.ends.at_ms(chance),
        Silence::Pause => curve.pauses.at_ms(chance),
    };
    let after_ms = at_share(curves, cut_offs, |curve| curve.cut_offs, at_ms);
    Duration::from_micros((after_ms.unwrap_or_default() * 1e3).round() as u64)
}

impl Curves {
    /// The text of the file: a line a curve.
    ///
    /// # Errors
    /// If a number is not finite.
    pub fn as_text(&self) -> serde_json::Result<String> {
        let schema = serde_json::to_string(&self.schema)?;
        let corpora = serde_json::to_string(&self.corpora)?;
        let lines = |curves: &[Curve]| -> serde_json::Result<String> {
            let lines: Vec<String> = curves
                .iter()
                .map(serde_json::to_string)
                .collect::<Result<_, _>>()?;
            Ok(lines.join(",\n"))
        };
        Ok(format!(
            "{{\"schema\":{schema},\"corpora\":{corpora},\"curves\":[\n{}\n],\"with_sound\":[\n{}\n]}}\n",
            lines(&self.curves)?,
            lines(&self.with_sound)?
        ))
    }
}

impl Silences {
    fn at_ms(&self, chance: f64) -> f64 {
        let last = self.after_ms.len().saturating_sub(1);
        let place = chance.clamp(0.0, 1.0) * last as f64;
        // Cuts off what lies between two quantiles, on purpose.
        let below = place as usize;
        let of = |index: usize| f64::from(self.after_ms.get(index.min(last)).copied().unwrap_or(0));
        of(below) + (of(below + 1) - of(below)) * (place - below as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [GoesBy; 2] = [GoesBy::Words, GoesBy::WordsAndSound];

    fn mean_ms(goes_by: GoesBy, cut_offs: f64, silence: Silence) -> f64 {
        let draws = 1_000;
        let chance = |draw: usize| (draw as f64 + 0.5) / draws as f64;
        let after = |draw| commits_after(goes_by, cut_offs, silence, chance(draw)).as_secs_f64();
        (0..draws).map(after).sum::<f64>() / draws as f64 * 1e3
    }

    #[test]
    fn the_curves_that_ship_are_whole() {
        assert_eq!(SHIPPED.schema, SCHEMA);
        assert_eq!(SHIPPED.corpora, ["icsi"]);
        assert_eq!(SHIPPED.curves.len(), SHIPPED.with_sound.len());
        assert!(
            SHIPPED
                .with_sound
                .iter()
                .all(|curve| curve.log_prices.is_some())
        );
        for curve in SHIPPED.curves.iter().chain(&SHIPPED.with_sound) {
            for silences in [&curve.ends, &curve.pauses] {
                assert_eq!(silences.after_ms.len(), 21);
                assert!(silences.after_ms.is_sorted());
            }
        }
    }

    #[test]
    fn ends_are_waited_for_less_than_pauses() {
        for goes_by in BOTH {
            for cut_offs in [0.02, 0.05, 0.2] {
                let of = |silence| mean_ms(goes_by, cut_offs, silence);
                assert!(of(Silence::End) + 50.0 < of(Silence::Pause));
            }
        }
    }

    #[test]
    fn fewer_cut_offs_need_longer_waits() {
        for goes_by in BOTH {
            for silence in [Silence::End, Silence::Pause] {
                let waits = [0.4, 0.2, 0.07, 0.02].map(|share| mean_ms(goes_by, share, silence));
                assert!(waits.is_sorted(), "{waits:?}");
            }
        }
    }

    #[test]
    fn who_hears_the_sound_too_answers_sooner() {
        for cut_offs in [0.05, 0.2] {
            let [words, both] = BOTH.map(|goes_by| mean_ms(goes_by, cut_offs, Silence::End));
            assert!(both + 20.0 < words, "{both} {words}");
        }
    }
}
