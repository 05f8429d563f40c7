//! How uneven an engine's times are on one thread: threads that work in step wait for the slowest, so that work on more of
//! them is the more uneven.

use super::choice::TELLING_MIN;
use super::maximum::Time;
use super::model::Model;
use super::sample::Sample;
use std::collections::BTreeMap;

/// What a profile may say.
const LEAST: f64 = 0.1;
const MOST: f64 = 4.0;

/// How uneven times are on one thread, as a share of how uneven they are on `threads`, by this model of all work as on
/// all of them; `None` of too little. `beside` is work of a calibrator, which tells it if `samples` do not.
///
/// Unevenness is the standard deviation of logarithms. What is left to chance among different work is more than among
/// the same, on one thread as on all: only what the same work has is another one there.
pub(super) fn spread(
    samples: &[Sample],
    beside: &[Sample],
    model: &Model,
    threads: u32,
) -> Option<f64> {
    let on = |samples: &[Sample], count: u32| -> Vec<Sample> {
        let is_of_use = |sample: &&Sample| {
            let ended = !sample.is_disturbed && !sample.time.is_given_up && sample.time.ms > 0.0;
            ended && sample.threads == count
        };
        samples.iter().filter(is_of_use).copied().collect()
    };
    if threads < 2 {
        return None;
    }
    let many = on(samples, threads);
    let off = |sample: &Sample| libm::log(sample.time.ms / typical_ms(model, sample));
    let all = variance(many.iter().map(off), 1)?;
    let same = among_same_work(&many)?;
    let one = among_same_work(&on(samples, 1)).or_else(|| among_same_work(&on(beside, 1)))?;
    let ratio = libm::sqrt((all - same + one).max(0.0) / all);
    ratio.is_finite().then(|| ratio.clamp(LEAST, MOST))
}

/// A time on fewer threads, made as uneven as times are on all of them.
pub(super) fn on_all(sample: Sample, model: &Model, spread: f64) -> Sample {
    let typical = typical_ms(model, &sample);
    let ms = typical * libm::pow(sample.time.ms / typical, 1.0 / spread);
    match ms.is_finite() {
        true => Sample {
            time: Time { ms, ..sample.time },
            ..sample
        },
        false => sample,
    }
}

fn typical_ms(model: &Model, sample: &Sample) -> f64 {
    model
        .quantile_over(std::slice::from_ref(sample), 0.5)
        .max(1e-3)
}

/// The variance of the logarithms of times of the same work about their means.
fn among_same_work(samples: &[Sample]) -> Option<f64> {
    let mut works: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        if let Some(work) = sample.work {
            let same = works.entry(work.to_bits()).or_default();
            same.push(libm::log(sample.time.ms));
        }
    }
    let count = works.len();
    let off = works.into_values().flat_map(|same| {
        let mean = same.iter().sum::<f64>() / same.len() as f64;
        same.into_iter().map(move |ln| ln - mean)
    });
    variance(off, count)
}

/// The mean square of what is `off`, of which so many numbers are spent on means; `None` of too few.
fn variance(off: impl Iterator<Item = f64>, spent: usize) -> Option<f64> {
    let squares: Vec<f64> = off.map(|off| off * off).collect();
    let left = squares.len().checked_sub(spent)?;
    (left >= TELLING_MIN).then(|| squares.iter().sum::<f64>() / left as f64)
}

#[cfg(test)]
mod tests {
    use super::super::choice::choose;
    use super::*;

    /// Work of four kinds, each with its own length, and a deviation of its times.
    fn jobs(threads: u32, count: u32, deviation: f64) -> Vec<Sample> {
        let mut stream = crate::rng::Seed(7).stream("test", 0, threads.into(), "spread");
        (0..count)
            .map(|n| {
                let work = f64::from(1 + n % 4);
                let ms = 100.0 * libm::exp(0.03 * work + deviation * stream.normal());
                Sample {
                    work: Some(work),
                    threads,
                    ..Sample::of(Time::ended(ms), n / 20, 1 + n % 20)
                }
            })
            .collect()
    }

    fn found(samples: &[Sample], beside: &[Sample]) -> Option<f64> {
        let model = choose(samples, None).expect("a model").chosen.model;
        spread(samples, beside, &model, 2)
    }

    #[test]
    fn work_on_one_thread_that_is_more_even_is_found_also_beside() {
        let (many, one) = (jobs(2, 800, 0.12), jobs(1, 400, 0.04));
        for spread in [found(&many, &one), found(&[many, one].concat(), &[])] {
            let spread = spread.expect("enough");
            // What tells the kinds of work apart is left to chance on one thread too.
            assert!((0.35..0.55).contains(&spread), "{spread}");
        }
    }

    #[test]
    fn too_little_work_tells_nothing() {
        assert_eq!(found(&jobs(2, 800, 0.1), &jobs(1, 20, 0.1)), None);
        assert_eq!(found(&jobs(2, 20, 0.1), &jobs(1, 400, 0.1)), None);
    }

    #[test]
    fn times_on_fewer_threads_are_spread_out_again() {
        let model = choose(&jobs(2, 400, 0.1), None)
            .expect("a model")
            .chosen
            .model;
        let at = |ms| Sample::of(Time::ended(ms), 0, 1);
        let middle = typical_ms(&model, &at(100.0));
        let spread_out = on_all(at(1.1 * middle), &model, 0.5);
        assert!((spread_out.time.ms - 1.21 * middle).abs() < 1e-6 * middle);
    }
}
