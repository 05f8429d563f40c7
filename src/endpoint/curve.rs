//! How long the classifier waits where there is nothing to go by: as long as it did at ends and pauses of real
//! conversations. A simulation draws from this.

use super::by_share::at_share;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use std::time::Duration;

/// What the file must say it is.
pub const SCHEMA: &str = "voicesim.commit_curves/1";

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
    /// The curves, the least share of cut-offs first.
    pub curves: Vec<Curve>,
}

/// How long the classifier waits that may cut a share of pauses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The share of pauses that may be cut.
    pub cut_offs: f64,
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

/// After which silence the classifier commits that may cut this share of pauses. `chance` is uniform in (0, 1);
/// between two curves it lies on a straight line.
pub fn commits_after(cut_offs: f64, silence: Silence, chance: f64) -> Duration {
    let at_ms = |curve: &Curve| match silence {
        Silence::End => curve.ends.at_ms(chance),
        Silence::Pause => curve.pauses.at_ms(chance),
    };
    let after_ms = at_share(&SHIPPED.curves, cut_offs, |curve| curve.cut_offs, at_ms);
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
        let lines: Vec<String> = self
            .curves
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        Ok(format!(
            "{{\"schema\":{schema},\"corpora\":{corpora},\"curves\":[\n{}\n]}}\n",
            lines.join(",\n")
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

    fn mean_ms(cut_offs: f64, silence: Silence) -> f64 {
        let draws = 1_000;
        let chance = |draw: usize| (draw as f64 + 0.5) / draws as f64;
        let after = |draw| commits_after(cut_offs, silence, chance(draw)).as_secs_f64();
        (0..draws).map(after).sum::<f64>() / draws as f64 * 1e3
    }

    #[test]
    fn the_curves_that_ship_are_whole() {
        assert_eq!(SHIPPED.schema, SCHEMA);
        assert_eq!(SHIPPED.corpora, ["icsi"]);
        for curve in &SHIPPED.curves {
            for silences in [&curve.ends, &curve.pauses] {
                assert_eq!(silences.after_ms.len(), 21);
                assert!(silences.after_ms.is_sorted());
            }
        }
    }

    #[test]
    fn ends_are_waited_for_less_than_pauses() {
        for cut_offs in [0.02, 0.05, 0.2] {
            assert!(mean_ms(cut_offs, Silence::End) + 50.0 < mean_ms(cut_offs, Silence::Pause));
        }
    }

    #[test]
    fn fewer_cut_offs_need_longer_waits() {
        for silence in [Silence::End, Silence::Pause] {
            let waits = [0.4, 0.2, 0.07, 0.02].map(|cut_offs| mean_ms(cut_offs, silence));
            assert!(waits.is_sorted(), "{waits:?}");
        }
    }
}
