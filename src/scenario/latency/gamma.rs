//! The gamma distribution with scale 1: shares, quantiles, and the shape that a ratio asks for.

use super::normal;

/// Shapes that are solved for. Under 0.1 the ratio of p95 to mean falls again.
const SHAPES: [f64; 2] = [0.1, 10_000.0];

/// Ratios of p95 to mean that one of those shapes has: the last is that of shape 0.1 (5.8043),
/// the first that of about 6,800.
pub(super) const RATIOS: [f64; 2] = [1.02, 5.8];

/// Series and fractions end long before; shape 10,000 takes about a thousand terms.
const TERMS_MAX: u32 = 20_000;

/// A gamma distribution with scale 1: its mean is its shape.
pub(super) struct Gamma {
    pub shape: f64,
    ln_gamma: f64,
}

impl Gamma {
    fn of(shape: f64) -> Gamma {
        Gamma {
            shape,
            ln_gamma: libm::lgamma(shape),
        }
    }

    /// The distribution whose 95th percentile is `ratio` times its mean; `ratio` in [`RATIOS`], else the
    /// nearest. Found by halving: the share below `ratio` times the mean rises with the shape.
    pub(super) fn with_ratio(ratio: f64) -> Gamma {
        let [mut low, mut high] = SHAPES.map(libm::log);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            let gamma = Gamma::of(libm::exp(middle));
            let (below, _) = gamma.shares(gamma.shape * ratio);
            if below < 0.95 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Gamma::of(libm::exp(0.5 * (low + high)))
    }

    /// The shares of draws below and above `x`: the regularised incomplete gamma functions, by
    /// their series (DLMF 8.11.4) and continued fraction (DLMF 8.9.2).
    pub(super) fn shares(&self, x: f64) -> (f64, f64) {
        if x <= 0.0 {
            return (0.0, 1.0);
        }
        if x < self.shape + 1.0 {
            let below = self.density_of_log(x) * self.series(x);
            (below, 1.0 - below)
        } else {
            let above = self.density_of_log(x) * self.fraction(x);
            (1.0 - above, above)
        }
    }

    /// x times the density at x: the density of the logarithm of a draw.
    fn density_of_log(&self, x: f64) -> f64 {
        libm::exp(self.shape * libm::log(x) - x - self.ln_gamma)
    }

    fn series(&self, x: f64) -> f64 {
        let mut term = 1.0 / self.shape;
        let mut sum = term;
        for n in 1..TERMS_MAX {
            term *= x / (self.shape + f64::from(n));
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        sum
    }

    /// The continued fraction, evaluated from the front (Lentz, 1976).
    fn fraction(&self, x: f64) -> f64 {
        let mut divisor = x + 1.0 - self.shape;
        let mut ratio = f64::INFINITY;
        let mut inverse = 1.0 / divisor;
        let mut product = inverse;
        for n in (1..TERMS_MAX).map(f64::from) {
            let numerator = n * (self.shape - n);
            divisor += 2.0;
            inverse = 1.0 / (divisor + numerator * inverse);
            ratio = divisor + numerator / ratio;
            let change = ratio * inverse;
            product *= change;
            if (change - 1.0).abs() < f64::EPSILON {
                break;
            }
        }
        product
    }

    /// The quantile of the share that a normal draw has below `z`, and how fast it grows with `z`.
    ///
    /// Newton's method on the logarithm of the smaller share against that of x. Both shares are
    /// log-concave there, so that it converges from any start.
    pub(super) fn quantile_at(&self, z: f64) -> (f64, f64) {
        let tail = normal::share_below(-z.abs());
        let mut x = self.start(z);
        for _ in 0..100 {
            let (below, above) = self.shares(x);
            let density = self.density_of_log(x);
            let step = if z < 0.0 {
                (libm::log(tail) - libm::log(below)) * below / density
            } else {
                (libm::log(above) - libm::log(tail)) * above / density
            };
            x *= libm::exp(step.clamp(-2.0, 2.0));
            if step.abs() < 1e-13 {
                break;
            }
        }
        (x, x * normal::density(z) / self.density_of_log(x))
    }

    /// Near the quantile: the cube of a normal draw (Wilson and Hilferty, 1931), or what the
    /// first term of the series leaves for small ones, which is never too much.
    fn start(&self, z: f64) -> f64 {
        let part = 1.0 / (9.0 * self.shape);
        let root = 1.0 - part + z * libm::sqrt(part);
        let ln_small =
            (libm::log(normal::share_below(z)) + libm::lgamma(self.shape + 1.0)) / self.shape;
        (self.shape * root * root * root).max(libm::exp(ln_small))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles by shape at .001, .01, .5, .95, .99 and .9999, from the incomplete gamma function
    /// in 20 digits.
    const KNOWN: [(f64, [f64; 6]); 5] = [
        (
            0.1,
            [
                6.073_048_362_408e-31,
                6.073_048_362_408e-21,
                5.933_911_044_6e-4,
                0.580_435_105_323,
                1.588_477_817_93,
                5.316_243_477_69,
            ],
        ),
        (
            0.5,
            [
                7.853_985_746_31e-7,
                7.854_392_895_49e-5,
                0.227_468_211_56,
                1.920_729_410_35,
                3.317_448_300_51,
                7.568_352_613_31,
            ],
        ),
        (
            1.0,
            [
                0.001_000_500_333_58,
                0.010_050_335_853_5,
                std::f64::consts::LN_2,
                2.995_732_273_55,
                4.605_170_185_99,
                9.210_340_371_98,
            ],
        ),
        (
            3.0,
            [
                0.190_533_377_568,
                0.436_045_165_078,
                2.674_060_313_72,
                6.295_793_621_87,
                8.405_946_914_89,
                13.928_170_618,
            ],
        ),
        (
            40.0,
            [
                23.259_937_964_6,
                26.770_038_645_5,
                39.667_165_010_7,
                50.939_736_982_7,
                56.164_396_260_1,
                67.891_260_557_3,
            ],
        ),
    ];
    const SHARES: [f64; 6] = [0.001, 0.01, 0.5, 0.95, 0.99, 0.9999];

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (shape, known) in KNOWN {
            let gamma = Gamma::of(shape);
            for (p, known) in SHARES.into_iter().zip(known) {
                let (x, _) = gamma.quantile_at(normal::quantile(p));
                assert!((x / known - 1.0).abs() < 1e-9, "shape {shape}, {p}: {x}");
            }
        }
    }

    #[test]
    fn slopes_are_those_of_the_quantiles() {
        for shape in [0.1, 1.0, 40.0, 7_000.0] {
            let gamma = Gamma::of(shape);
            for z in [-5.0, -1.0, 0.0, 2.0, 5.0] {
                let at = |z| gamma.quantile_at(z).0;
                let slope = (at(z + 1e-5) - at(z - 1e-5)) / 2e-5;
                let error = gamma.quantile_at(z).1 / slope - 1.0;
                assert!(error.abs() < 1e-5, "shape {shape} at {z}: {error}");
            }
        }
    }

    #[test]
    fn the_shape_is_the_one_that_has_the_ratio() {
        for (shape, known) in KNOWN {
            let solved = Gamma::with_ratio(known[3] / shape).shape;
            assert!(
                (solved / shape - 1.0).abs() < 1e-8,
                "{shape} became {solved}"
            );
        }
        for ratio in RATIOS {
            let gamma = Gamma::with_ratio(ratio);
            let (below, _) = gamma.shares(ratio * gamma.shape);
            assert!((below - 0.95).abs() < 1e-9, "ratio {ratio}: {below}");
        }
    }
}
