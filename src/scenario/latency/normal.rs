//! The standard normal distribution and its quantiles, the same on every machine.

/// The 95 % quantile of the standard normal distribution.
pub(super) const Z95: f64 = 1.644_853_626_951_472_7;

/// 1 / √(2π).
const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_7;

/// The share of draws below `z`, exact to the last digits in both tails: the share above `z` is that below
/// `-z`.
pub(super) fn share_below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

pub(super) fn density(z: f64) -> f64 {
    DENSITY_AT_ZERO * libm::exp(-0.5 * z * z)
}

/// The number that the share `p` of draws lies below; `p` in (0, 1). Algorithm AS 241 (Wichura,
/// Applied Statistics 37, 1988), routine PPND16: about 16 digits.
#[inline]
pub(super) fn quantile(p: f64) -> f64 {
    let offset = p - 0.5;
    if offset.abs() <= 0.425 {
        let r = 0.180625 - offset * offset;
        return offset * polynomial(&CENTRE[0], r) / polynomial(&CENTRE[1], r);
    }
    let r = libm::sqrt(-libm::log(if offset < 0.0 { p } else { 1.0 - p }));
    let size = if r <= 5.0 {
        polynomial(&TAIL[0], r - 1.6) / polynomial(&TAIL[1], r - 1.6)
    } else {
        polynomial(&FAR_TAIL[0], r - 5.0) / polynomial(&FAR_TAIL[1], r - 5.0)
    };
    if offset < 0.0 { -size } else { size }
}

/// The value of a polynomial, its constant given first. Terms are added in pairs, which need not wait for each
/// other (Estrin, 1960).
#[inline]
fn polynomial([c0, c1, c2, c3, c4, c5, c6, c7]: &[f64; 8], x: f64) -> f64 {
    let square = x * x;
    let low = (c0 + c1 * x) + (c2 + c3 * x) * square;
    let high = (c4 + c5 * x) + (c6 + c7 * x) * square;
    low + high * (square * square)
}

/// Numerator and denominator where p is within 0.425 of one half.
#[expect(clippy::excessive_precision, reason = "as published")]
const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_608_0,
        133.141_667_891_784_377_45,
        1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125,
        45_921.953_931_549_871_457,
        67_265.770_927_008_700_853,
        33_430.575_583_588_128_105,
        2_509.080_928_730_122_672_7,
    ],
    [
        1.0,
        42.313_330_701_600_911_252,
        687.187_007_492_057_908_30,
        5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867,
        39_307.895_800_092_710_610,
        28_729.085_735_721_942_674,
        5_226.495_278_852_854_561_0,
    ],
];

/// Numerator and denominator where the nearer tail holds more than e^-25.
#[expect(clippy::excessive_precision, reason = "as published")]
const TAIL: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_90,
        5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_40,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
];

/// Numerator and denominator where the nearer tail holds less.
#[expect(clippy::excessive_precision, reason = "as published")]
const FAR_TAIL: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103_777_20,
        5.463_784_911_164_114_369_90,
        1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// From the inverse error function in 30 digits.
    const KNOWN: [(f64, f64); 8] = [
        (1.110_223_024_625_156_5e-16, -8.209_536_151_601_387),
        (1e-12, -7.034_483_825_301_132),
        (1e-9, -5.997_807_015_007_687),
        (0.001, -3.090_232_306_167_813_5),
        (0.0749, -1.440_238_267_527_963_7),
        (0.0751, -1.438_825_392_752_54),
        (0.6, 0.253_347_103_135_799_8),
        (0.9999, 3.719_016_485_455_708_4),
    ];

    #[test]
    fn quantiles_are_right_to_fourteen_digits() {
        for (p, z) in KNOWN {
            let error = quantile(p) / z - 1.0;
            assert!(error.abs() < 1e-14, "quantile({p}) = {}", quantile(p));
        }
        assert_eq!(quantile(0.5), 0.0);
        assert!((quantile(0.95) - Z95).abs() < 1e-14);
    }

    #[test]
    fn the_share_below_a_quantile_is_the_one_asked_for() {
        for (p, z) in KNOWN {
            let error = share_below(z) / p - 1.0;
            assert!(error.abs() < 1e-13, "share_below({z}) = {}", share_below(z));
        }
    }
}
