//! A figure in the form in which it is shuffled thousands of times.

/// A figure that is a sum over columns divided by another, so that a shuffle is quickly weighed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ratio {
    parts: Vec<(f64, f64)>,
    /// The base's columns; the others are the new side's.
    split: usize,
    total: (f64, f64),
}

impl Ratio {
    pub(super) fn of(parts: impl Iterator<Item = (f64, f64)>, split: usize) -> Ratio {
        let parts: Vec<(f64, f64)> = parts.collect();
        let plus = |sum: (f64, f64), part: &(f64, f64)| (sum.0 + part.0, sum.1 + part.1);
        Ratio {
            total: parts.iter().fold((0.0, 0.0), plus),
            parts,
            split,
        }
    }

    /// The new side's figure less the base's, unshuffled. A difference that is only rounding is zero.
    pub(super) fn difference(&self) -> Option<f64> {
        let all = self.parts.len();
        let weights: Vec<u32> = (0..all)
            .map(|column| u32::from(column < self.split))
            .collect();
        let difference = self.shuffled(&weights)?;
        let of_rounding = 1e-12 * (self.total.0 / self.total.1).abs();
        Some(if difference.abs() <= of_rounding {
            0.0
        } else {
            difference
        })
    }

    /// The figure of some columns of a side, each as often as its weight; `None` of nothing.
    pub(super) fn of_side(&self, side: usize, weights: &[u32]) -> Option<f64> {
        let (base, new) = self.parts.split_at(self.split);
        let own = if side == 0 { base } else { new };
        let (above, below) = own
            .iter()
            .zip(weights)
            .fold((0.0, 0.0), |sum, (part, weight)| {
                let weight = f64::from(*weight);
                (sum.0 + weight * part.0, sum.1 + weight * part.1)
            });
        (below > 0.0).then(|| above / below)
    }

    /// Returns the figure as it would be if every value of the new side were lower by `shift`.
    pub(super) fn shifted_by(&self, shift: f64) -> Ratio {
        let parts = self.parts.iter().enumerate();
        let lowered = parts.map(|(column, (above, below))| match column < self.split {
            true => (*above, *below),
            false => (above - shift * below, *below),
        });
        Ratio::of(lowered, self.split)
    }

    /// The difference, if the columns of weight one were the base's, and those of weight zero the new side's;
    /// `None` if a side has nothing then.
    pub(super) fn shuffled(&self, weights: &[u32]) -> Option<f64> {
        let mut base = (0.0, 0.0);
        for ((above, below), weight) in self.parts.iter().zip(weights) {
            let weight = f64::from(*weight);
            base.0 += weight * above;
            base.1 += weight * below;
        }
        let new = (self.total.0 - base.0, self.total.1 - base.1);
        (base.1 > 0.0 && new.1 > 0.0).then(|| new.0 / new.1 - base.0 / base.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_what_its_columns_add_up_to() {
        let parts = [(1.0, 10.0), (3.0, 10.0), (0.0, 5.0), (4.0, 5.0)];
        let ratio = Ratio::of(parts.into_iter(), 2);
        assert_eq!(ratio.difference(), Some(0.4 - 0.2));
        assert_eq!(ratio.shuffled(&[0, 0, 1, 1]), Some(0.2 - 0.4));
        assert_eq!(ratio.shuffled(&[1, 1, 1, 1]), None);
    }

    #[test]
    fn equal_sides_do_not_differ() {
        let parts = [(0.1, 0.3), (0.7, 0.9), (0.1, 0.3), (0.7, 0.9)];
        assert_eq!(Ratio::of(parts.into_iter(), 2).difference(), Some(0.0));
    }
}
