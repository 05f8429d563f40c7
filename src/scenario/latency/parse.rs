//! Parsing a latency model into what latencies are drawn from. What no latency can be is refused, with the fix.

use super::gamma::RATIOS;
use super::kind::Kind;
use super::normal::Z95;
use super::numbers::Weights;
use super::table::Table;
use super::{LONGEST_MS, Latency, LatencyModel, Linear, Part, presets};

const DEPTH_MAX: usize = 5;
const PARTS_MAX: usize = 16;
const POINTS_MAX: usize = 10_000;
const WEIGHT_MAX: f64 = 1e9;

/// Latencies are whole nanoseconds: no median or mean is shorter than one.
const SHORTEST_MS: f64 = 1e-6;

impl LatencyModel {
    /// The latency to draw from. Tables are worked out here.
    ///
    /// # Errors
    /// Why no such distribution exists, and how to mend it.
    pub fn parse(&self) -> Result<Latency, String> {
        Ok(Latency {
            kind: self.kind_within(&[])?,
            described: self.describe(),
        })
    }

    /// The model, checked and worked out; `outer` are the keys of the models that this one is in.
    fn kind_within(&self, outer: &[&str]) -> Result<Kind, String> {
        if outer.len() >= DEPTH_MAX {
            return Err(format!(
                "models are nested more than {DEPTH_MAX} deep; put the parts of an inner mixture into the outer one"
            ));
        }
        match self {
            LatencyModel::FixedMs(ms) => Ok(Kind::Fixed(time("fixed_ms", *ms)?)),
            LatencyModel::Uniform { min_ms, max_ms } => uniform(*min_ms, *max_ms),
            LatencyModel::Lognormal { median_ms, p95_ms } => {
                let (median_ms, p95_ms) = median_and_p95(*median_ms, *p95_ms)?;
                let sigma = libm::log(p95_ms / median_ms) / Z95;
                Ok(Kind::Lognormal { median_ms, sigma })
            }
            LatencyModel::Weibull { median_ms, p95_ms } => {
                let (median_ms, p95_ms) = median_and_p95(*median_ms, *p95_ms)?;
                Ok(match median_ms == p95_ms {
                    true => Kind::Fixed(median_ms),
                    false => Kind::Tabulated(Table::weibull(median_ms, p95_ms)),
                })
            }
            LatencyModel::Gamma { mean_ms, p95_ms } => gamma(*mean_ms, *p95_ms),
            LatencyModel::Mixture(parts) => mixture(parts, outer),
            LatencyModel::Quantiles(points) => quantiles(points),
            LatencyModel::Linear(written) => linear(written, outer),
            LatencyModel::Correlated {
                correlation,
                turn,
                model,
            } => correlated((*correlation, *turn), model, outer),
            LatencyModel::Turns(models) => turns(models, outer),
            // A preset is a distribution, whatever it stands in.
            LatencyModel::Preset(name) => preset(name)?.model.kind_within(&[]),
        }
    }
}

fn time(key: &str, ms: f64) -> Result<f64, String> {
    match (0.0..=LONGEST_MS).contains(&ms) {
        true => Ok(ms),
        false => Err(format!(
            "{key} = {ms} is no latency; give between 0 and {LONGEST_MS} milliseconds (an hour)"
        )),
    }
}

fn time_above_zero(key: &str, ms: f64) -> Result<f64, String> {
    match time(key, ms)? < SHORTEST_MS {
        false => Ok(ms),
        true => Err(format!(
            "{key} = {ms} must be above 0, by a nanosecond (0.000001) at least; use {{ fixed_ms = 0 }} for what takes no time"
        )),
    }
}

fn uniform(min_ms: f64, max_ms: f64) -> Result<Kind, String> {
    let (min_ms, max_ms) = (time("min_ms", min_ms)?, time("max_ms", max_ms)?);
    if max_ms < min_ms {
        return Err(format!(
            "max_ms = {max_ms} lies under min_ms = {min_ms}; exchange the two"
        ));
    }
    let span_ms = max_ms - min_ms;
    Ok(Kind::Uniform { min_ms, span_ms })
}

fn median_and_p95(median_ms: f64, p95_ms: f64) -> Result<(f64, f64), String> {
    time_above_zero("median_ms", median_ms)?;
    if time("p95_ms", p95_ms)? < median_ms {
        return Err(format!(
            "p95_ms = {p95_ms} lies under median_ms = {median_ms}; a 95th percentile is at least the median"
        ));
    }
    Ok((median_ms, p95_ms))
}

fn gamma(mean_ms: f64, p95_ms: f64) -> Result<Kind, String> {
    let [least, most] = RATIOS;
    time_above_zero("mean_ms", mean_ms)?;
    let ratio = time("p95_ms", p95_ms)? / mean_ms;
    if !(least..=most).contains(&ratio) {
        return Err(format!(
            "p95_ms = {p95_ms} is {ratio:.3} times mean_ms = {mean_ms}; for a gamma distribution give {least} to {most} times the mean, or use lognormal"
        ));
    }
    Ok(Kind::Tabulated(Table::gamma(mean_ms, p95_ms)))
}

fn mixture(parts: &[Part], outer: &[&str]) -> Result<Kind, String> {
    if !(1..=PARTS_MAX).contains(&parts.len()) {
        return Err(format!(
            "a mixture of {} parts; give between 1 and {PARTS_MAX}",
            parts.len()
        ));
    }
    let inner = [outer, &["mixture"]].concat();
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    let mut share = 0.0;
    let mut kinds = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        let named = |fix: String| format!("mixture part {}: {fix}", index + 1);
        if !(part.weight > 0.0 && part.weight <= WEIGHT_MAX) {
            return Err(named(format!(
                "weight = {} must be above 0 and at most {WEIGHT_MAX}; weights count relative to each other",
                part.weight
            )));
        }
        share += part.weight / total;
        kinds.push((share, part.model.kind_within(&inner).map_err(named)?));
    }
    Ok(Kind::Mixture(kinds))
}

fn quantiles(points: &[(f64, f64)]) -> Result<Kind, String> {
    if !(2..=POINTS_MAX).contains(&points.len()) {
        return Err(format!(
            "{} quantiles; give between 2 and {POINTS_MAX}, such as [[0, 120], [0.5, 247], [1, 420]]",
            points.len()
        ));
    }
    for (index, (_, ms)) in points.iter().enumerate() {
        time(&format!("the latency of quantile {}", index + 1), *ms)?;
    }
    let shares = || points.iter().map(|(share, _)| *share);
    if shares().next() != Some(0.0) || shares().next_back() != Some(1.0) {
        return Err(
            "quantiles begin with share 0, the least latency, and end with share 1, the greatest; add [0, ms] or [1, ms]".into(),
        );
    }
    for (index, pair) in points.windows(2).enumerate() {
        let [(share, ms), (next_share, next_ms)] = *pair else {
            continue;
        };
        // A share that is no number is in no order.
        if share.partial_cmp(&next_share) != Some(std::cmp::Ordering::Less) {
            return Err(format!(
                "the share {next_share} of quantile {} does not rise above {share}; sort the quantiles and give each share once",
                index + 2
            ));
        }
        if next_ms < ms {
            return Err(format!(
                "the latency {next_ms} of quantile {} lies under the {ms} before it; latencies rise with their shares",
                index + 2
            ));
        }
    }
    Ok(Kind::Quantiles(points.to_vec()))
}

fn linear(linear: &Linear, outer: &[&str]) -> Result<Kind, String> {
    if outer.contains(&"linear") {
        return Err(
            "the residual of a linear model is linear again; add its base and slopes to the outer one"
                .into(),
        );
    }
    if !(-LONGEST_MS..=LONGEST_MS).contains(&linear.base_ms) {
        return Err(format!(
            "base_ms = {} is no time; give between -{LONGEST_MS} and {LONGEST_MS} milliseconds (an hour)",
            linear.base_ms
        ));
    }
    for (key, ms) in [
        ("per_audio_s_ms", linear.per_audio_s_ms),
        ("per_character_ms", linear.per_character_ms),
        ("per_token_ms", linear.per_token_ms),
    ] {
        time(key, ms)?;
    }
    let inner = [outer, &["linear"]].concat();
    let residual = match &linear.residual {
        None => Kind::Fixed(0.0),
        Some(residual) => residual
            .kind_within(&inner)
            .map_err(|fix| format!("residual: {fix}"))?,
    };
    let slopes = Linear {
        residual: None,
        ..*linear
    };
    Ok(Kind::Linear {
        linear: slopes,
        residual: Box::new(residual),
    })
}

fn turns(models: &[LatencyModel], outer: &[&str]) -> Result<Kind, String> {
    if !(1..=PARTS_MAX).contains(&models.len()) {
        return Err(format!(
            "models for {} turns; give between 1 and {PARTS_MAX}, the last one for all later turns",
            models.len()
        ));
    }
    if outer.contains(&"mixture") || outer.contains(&"turns") {
        return Err("models by turn stand outside of mixtures and of each other; put turns around them: { turns = [ { mixture = [ … ] }, … ] }".into());
    }
    let inner = [outer, &["turns"]].concat();
    let kinds = models.iter().enumerate().map(|(index, model)| {
        let kind = model.kind_within(&inner);
        kind.map_err(|fix| format!("turn {}: {fix}", index + 1))
    });
    Ok(Kind::Turns(kinds.collect::<Result<_, _>>()?))
}

fn correlated(
    (correlation, turn): (f64, f64),
    model: &LatencyModel,
    outer: &[&str],
) -> Result<Kind, String> {
    if outer.contains(&"mixture") {
        return Err(
            "only a whole mixture can be correlated; put it outside: { correlated = { correlation = 0.4, model = { mixture = [ … ] } } }".into(),
        );
    }
    if outer.contains(&"correlated") {
        return Err(
            "it is correlated already by an outer model; give one correlation, and take the inner one away"
                .into(),
        );
    }
    if !(0.0..=1.0).contains(&correlation) {
        return Err(format!(
            "correlation = {correlation} is none that latencies of one conversation have; give 0 (none) to 1 (all the same)"
        ));
    }
    if !(turn >= 0.0 && correlation + turn <= 1.0) {
        return Err(format!(
            "turn = {turn} with correlation = {correlation}: neither is below 0, and both together are at most 1"
        ));
    }
    let inner = [outer, &["correlated"]].concat();
    Ok(Kind::Correlated {
        weights: Weights::of(correlation, turn),
        kind: Box::new(model.kind_within(&inner)?),
    })
}

fn preset(name: &str) -> Result<&'static presets::Preset, String> {
    presets::preset(name).ok_or_else(|| {
        format!(
            "there is no preset {name:?}; choose one of {}",
            presets::names().join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(ms: f64) -> LatencyModel {
        LatencyModel::FixedMs(ms)
    }

    fn mixture(model: LatencyModel) -> LatencyModel {
        LatencyModel::Mixture(vec![Part { weight: 1.0, model }])
    }

    fn correlated(correlation: f64, model: LatencyModel) -> LatencyModel {
        let model = Box::new(model);
        LatencyModel::Correlated {
            correlation,
            turn: 0.0,
            model,
        }
    }

    fn linear(residual: LatencyModel) -> LatencyModel {
        LatencyModel::Linear(Linear {
            residual: Some(Box::new(residual)),
            ..Linear::default()
        })
    }

    fn assert_refused(model: LatencyModel, words: &str) {
        let parsed = model.parse();
        let named = parsed.as_ref().is_err_and(|fix| fix.contains(words));
        assert!(named, "{model:?}: {parsed:?} does not say {words:?}");
    }

    #[test]
    fn times_outside_an_hour_are_refused() {
        for ms in [-1.0, 3_600_000.1, f64::NAN, f64::INFINITY] {
            assert_refused(fixed(ms), "fixed_ms");
            let (median_ms, p95_ms) = (ms, 300.0);
            assert_refused(LatencyModel::Lognormal { median_ms, p95_ms }, "median_ms");
            let (median_ms, p95_ms) = (100.0, ms);
            assert_refused(LatencyModel::Weibull { median_ms, p95_ms }, "p95_ms");
            let (min_ms, max_ms) = (0.0, ms);
            assert_refused(LatencyModel::Uniform { min_ms, max_ms }, "max_ms");
            let linear = Linear {
                per_token_ms: ms,
                ..Linear::default()
            };
            assert_refused(LatencyModel::Linear(linear), "per_token_ms");
        }
        assert!(fixed(0.0).parse().is_ok());
        assert!(fixed(LONGEST_MS).parse().is_ok());
    }

    #[test]
    fn a_p95_under_the_median_is_refused() {
        let lognormal = |median_ms, p95_ms| LatencyModel::Lognormal { median_ms, p95_ms };
        assert_refused(
            lognormal(200.0, 100.0),
            "p95_ms = 100 lies under median_ms = 200; a 95th percentile is at least the median",
        );
        assert_refused(lognormal(0.0, 100.0), "use { fixed_ms = 0 }");
        assert!(lognormal(200.0, 200.0).parse().is_ok());
        let (min_ms, max_ms) = (2.0, 1.0);
        assert_refused(LatencyModel::Uniform { min_ms, max_ms }, "exchange");
    }

    #[test]
    fn ratios_that_no_gamma_distribution_has_are_refused() {
        let gamma = |mean_ms, p95_ms| LatencyModel::Gamma { mean_ms, p95_ms };
        assert!(gamma(100.0, 102.1).parse().is_ok());
        assert!(gamma(100.0, 579.0).parse().is_ok());
        assert_refused(gamma(100.0, 101.0), "1.02 to 5.8");
        assert_refused(gamma(100.0, 590.0), "is 5.900 times mean_ms = 100");
    }

    #[test]
    fn mixtures_name_the_part_that_is_wrong() {
        let part = |weight, model| Part { weight, model };
        assert_refused(LatencyModel::Mixture(vec![]), "between 1 and 16");
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let parts = vec![part(1.0, fixed(1.0)), part(weight, fixed(1.0))];
            assert_refused(LatencyModel::Mixture(parts), "mixture part 2: weight");
        }
        assert_refused(mixture(fixed(-1.0)), "mixture part 1: fixed_ms = -1");
        let many = vec![part(1.0, fixed(1.0)); 17];
        assert_refused(LatencyModel::Mixture(many), "17 parts");
    }

    #[test]
    fn quantiles_rise_from_share_0_to_share_1() {
        let quantiles = |points: &[(f64, f64)]| LatencyModel::Quantiles(points.to_vec());
        assert!(quantiles(&[(0.0, 5.0), (1.0, 5.0)]).parse().is_ok());
        for (points, words) in [
            (&[(0.0, 1.0)][..], "1 quantiles"),
            (&[(0.1, 1.0), (1.0, 2.0)], "begin with share 0"),
            (&[(0.0, 1.0), (0.9, 2.0)], "end with share 1"),
            (&[(0.0, 1.0), (0.0, 1.5), (1.0, 2.0)], "does not rise"),
            (&[(0.0, 1.0), (f64::NAN, 1.5), (1.0, 2.0)], "does not rise"),
            (&[(0.0, 1.0), (0.5, 0.5), (1.0, 2.0)], "lies under the 1"),
            (&[(0.0, 1.0), (1.0, f64::NAN)], "quantile 2 = NaN"),
        ] {
            assert_refused(quantiles(points), words);
        }
        let step = |n: u32| (f64::from(n) / 10_000.0, 1.0);
        assert_refused(
            quantiles(&(0..=10_000).map(step).collect::<Vec<_>>()),
            "10001",
        );
    }

    #[test]
    fn a_correlation_lies_outside_and_between_0_and_1() {
        assert!(correlated(0.0, fixed(1.0)).parse().is_ok());
        assert!(correlated(1.0, mixture(fixed(1.0))).parse().is_ok());
        assert!(linear(correlated(0.5, fixed(1.0))).parse().is_ok());
        for correlation in [-0.1, 1.1, f64::NAN] {
            assert_refused(correlated(correlation, fixed(1.0)), "correlation = ");
        }
        assert_refused(mixture(correlated(0.5, fixed(1.0))), "put it outside");
        assert_refused(
            mixture(linear(correlated(0.5, fixed(1.0)))),
            "put it outside",
        );
        assert_refused(
            correlated(0.5, linear(correlated(0.5, fixed(1.0)))),
            "one correlation",
        );
    }

    #[test]
    fn a_residual_is_not_linear_and_nesting_ends() {
        assert_refused(linear(linear(fixed(1.0))), "add its base and slopes");
        assert_refused(
            linear(mixture(linear(fixed(1.0)))),
            "residual: mixture part 1",
        );
        assert!(mixture(mixture(mixture(fixed(1.0)))).parse().is_ok());
        assert_refused(
            mixture(mixture(mixture(mixture(mixture(fixed(1.0)))))),
            "5 deep",
        );
    }

    #[test]
    fn an_unknown_preset_lists_the_known_ones() {
        assert_refused(
            LatencyModel::Preset("deepgram".into()),
            "choose one of deepgram-nova-3, ",
        );
    }
}
