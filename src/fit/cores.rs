//! How an engine's time goes with the cores that it gets: from work on one thread and on all of them.

use super::maximum::Time;
use super::sample::Sample;
use crate::scenario::engine::Compute;

/// With fewer jobs on one thread, or on all, nothing is known of the difference.
const JOBS_MIN: usize = 8;

/// What was measured of an engine that computes in the process of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cores {
    pub compute: Compute,
    /// Whether how much slower it is on one thread was measured; else it is what Whisper and Piper have.
    pub is_measured: bool,
    /// The fewest threads that work had.
    pub fewest: u32,
    /// Jobs that had fewer threads than the engine can use.
    pub on_fewer: usize,
}

/// How the engine computes; `None` if it computes elsewhere, or nobody measured it.
pub(super) fn cores(samples: &[Sample]) -> Option<Cores> {
    let here = || samples.iter().filter(|sample| sample.threads > 0);
    if 2 * here().count() < samples.len() {
        return None;
    }
    let threads = here().map(|sample| sample.threads).max()?;
    let fewest = here().map(|sample| sample.threads).min()?;
    let serial = serial(samples, threads);
    let assumed = Compute::default().serial;
    Some(Cores {
        compute: Compute {
            threads,
            serial: serial.unwrap_or(assumed),
        },
        is_measured: serial.is_some() || threads == 1,
        fewest,
        on_fewer: here().filter(|sample| sample.threads < threads).count(),
    })
}

/// The part of the time that more threads do not shorten.
fn serial(samples: &[Sample], threads: u32) -> Option<f64> {
    let on = |count: u32| {
        let is_of_use = move |sample: &&Sample| {
            sample.threads == count && !sample.is_disturbed && !sample.time.is_given_up
        };
        samples.iter().filter(is_of_use)
    };
    if threads < 2 || on(1).count() < JOBS_MIN || on(threads).count() < JOBS_MIN {
        return None;
    }
    // Work differs, so that a time on one thread is held against one of the same work on all: a share of the time goes
    // with the work, and the rest is as long as `fixed` units of work. Of all such rests that is taken which leaves the
    // least, in logarithms, since long jobs are off by more.
    let off = |count: u32, fixed: f64| -> Vec<f64> {
        let own = on(count).filter(|sample| sample.time.ms > 0.0);
        own.map(|sample| libm::log(sample.time.ms / (fixed + sample.work.unwrap_or(1.0))))
            .collect()
    };
    let of = |fixed: f64| {
        let sides = [off(1, fixed), off(threads, fixed)];
        let middles = [super::median(&sides[0])?, super::median(&sides[1])?];
        let left = |(own, middle): (&Vec<f64>, &f64)| -> f64 {
            own.iter().map(|value| (value - middle).abs()).sum()
        };
        let left: f64 = sides.iter().zip(&middles).map(left).sum();
        Some((left, libm::exp(middles[0] - middles[1])))
    };
    let rests = (0..REST_STEPS).map(|step| libm::pow(REST_STEP, f64::from(step)) - 1.0);
    let (_, longer) = rests
        .filter_map(of)
        .min_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let n = f64::from(threads);
    Some(((n - longer) / (n - 1.0)).clamp(0.0, 1.0))
}

/// Rests of a job's time that are tried, in units of its work: from none, each a tenth larger, to some thousand.
const REST_STEPS: u32 = 75;
const REST_STEP: f64 = 1.1;

impl Cores {
    /// A sample as it would have been on all threads.
    pub(super) fn on_all(&self, sample: Sample) -> Sample {
        if sample.threads == 0 || sample.threads >= self.compute.threads {
            return sample;
        }
        let second = std::time::Duration::from_secs(1);
        let longer = self.compute.on(sample.threads, second).as_secs_f64();
        Sample {
            time: Time {
                ms: sample.time.ms / longer,
                ..sample.time
            },
            ..sample
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(work: f64, threads: u32, ms: f64) -> Sample {
        Sample {
            work: Some(work),
            threads,
            ..Sample::of(Time::ended(ms), 0, 1)
        }
    }

    /// Short texts on two threads and long ones on one, as the clauses of an answer have them.
    fn clauses(longer: f64) -> Vec<Sample> {
        let short =
            (0..20).map(|n| job(20.0 + f64::from(n), 2, 40.0 + 2.0 * (20.0 + f64::from(n))));
        let long = (0..20).map(|n| {
            let work = 30.0 + 2.0 * f64::from(n);
            job(work, 1, longer * (40.0 + 2.0 * work))
        });
        short.chain(long).collect()
    }

    #[test]
    fn short_texts_that_tell_little_of_the_line_do_not_bend_it() {
        // The first clauses of answers: nearly all of one length, and as uneven as Piper's times are.
        let mut stream = crate::rng::Seed(5).stream("test", 0, 0, "cores");
        let mut one = |work: f64, threads, longer: f64| {
            let ms = longer * (20.0 + 3.8 * work) * libm::exp(0.12 * stream.normal());
            job(work, threads, ms)
        };
        let short = (0..60).map(|n| (28.0 + f64::from(n % 5), 2, 1.0));
        let long = (0..120).map(|n| (35.0 + f64::from(n % 50), 1, 1.65));
        let all: Vec<Sample> = short
            .chain(long)
            .map(|(work, on, longer)| one(work, on, longer))
            .collect();
        let found = cores(&all).expect("cores");
        assert!((found.compute.serial - 0.35).abs() < 0.08, "{found:?}");
    }

    #[test]
    fn work_on_one_thread_tells_how_much_of_it_is_serial() {
        let found = cores(&clauses(1.6)).expect("cores");
        assert_eq!(
            (found.compute.threads, found.fewest, found.on_fewer),
            (2, 1, 20)
        );
        assert!(
            (found.compute.serial - 0.4).abs() < 0.02 && found.is_measured,
            "{found:?}"
        );
        let on_all = found.on_all(job(50.0, 1, 1.6 * 140.0));
        assert!((on_all.time.ms - 140.0).abs() < 3.0, "{on_all:?}");
    }

    #[test]
    fn a_second_thread_that_helps_nothing_is_all_serial() {
        let found = cores(&clauses(1.0)).expect("cores");
        assert!(found.compute.serial > 0.97, "{found:?}");
    }

    #[test]
    fn without_work_on_one_thread_it_is_assumed() {
        let all: Vec<Sample> = (0..20).map(|n| job(f64::from(n), 2, 90.0)).collect();
        let found = cores(&all).expect("cores");
        assert_eq!((found.is_measured, found.compute.serial), (false, 0.4));
    }

    #[test]
    fn an_engine_that_computes_elsewhere_has_no_cores() {
        assert_eq!(cores(&[job(1.0, 0, 200.0), job(1.0, 0, 210.0)]), None);
        assert_eq!(cores(&[]), None);
    }
}
