//! How an engine's time goes with the cores that it gets: from work on one thread and on all of them.

use super::line;
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

/// How the engine computes; `None` if it computes elsewhere, or nobody measured it. `beside` is work that tells how its
/// time goes with threads, and nothing else.
pub(super) fn cores(samples: &[Sample], beside: &[Sample]) -> Option<Cores> {
    let here = || samples.iter().filter(|sample| sample.threads > 0);
    if 2 * here().count() < samples.len() {
        return None;
    }
    let threads = here().map(|sample| sample.threads).max()?;
    let all: Vec<Sample> = here().chain(beside).copied().collect();
    let on = |count: u32| -> Vec<Sample> {
        let is_of_use = |sample: &&Sample| {
            sample.threads == count && !sample.is_disturbed && sample.time.ms > 0.0
        };
        let ended = all.iter().filter(|sample| !sample.time.is_given_up);
        ended.filter(is_of_use).copied().collect()
    };
    let (one, many) = (on(1), on(threads));
    let is_known = threads > 1 && one.len() >= JOBS_MIN && many.len() >= JOBS_MIN;
    let longer = is_known.then(|| longer(&one, &many));
    let serial = longer.flatten().map(|longer| {
        let n = f64::from(threads);
        ((n - longer) / (n - 1.0)).clamp(0.0, 1.0)
    });
    let fewest = all.iter().map(|sample| sample.threads);
    Some(Cores {
        compute: Compute {
            threads,
            serial: serial.unwrap_or(Compute::default().serial),
            ..Compute::default()
        },
        is_measured: serial.is_some() || threads == 1,
        fewest: fewest.filter(|threads| *threads > 0).min()?,
        on_fewer: here().filter(|sample| sample.threads < threads).count(),
    })
}

/// How many times as long work takes on one thread as on all.
///
/// Work differs: a voice says the beginning of an answer on all threads and longer clauses on one. So a line goes through
/// the times of the side whose work differs more, and times of the other side are held against it where they lie. A share
/// of all times would not do: what a job takes whatever its work is often runs on one thread.
fn longer(one: &[Sample], many: &[Sample]) -> Option<f64> {
    let of_many = differs(many) > differs(one);
    let (through, against) = match of_many {
        true => (many, one),
        false => (one, many),
    };
    let point = |sample: &Sample| (sample.work.unwrap_or(1.0), sample.time.ms);
    let points: Vec<(f64, f64)> = through.iter().map(point).collect();
    let slope = line::through(&points).map_or(0.0, |line| line.slope);
    let rest: Vec<f64> = points.iter().map(|(work, ms)| ms - slope * work).collect();
    let rest = super::median(&rest)?;
    let ratios = against.iter().map(point).filter_map(|(work, ms)| {
        let expected = rest + slope * work;
        (expected > 0.0).then_some(if of_many {
            ms / expected
        } else {
            expected / ms
        })
    });
    super::median(&ratios.collect::<Vec<f64>>())
}

/// By how much the work of jobs differs, in its own unit, without its least and its greatest tenth.
fn differs(samples: &[Sample]) -> f64 {
    let mut works: Vec<f64> = samples.iter().filter_map(|sample| sample.work).collect();
    works.sort_by(f64::total_cmp);
    let tenth = works.len() / 10;
    let ends = (
        works.get(tenth),
        works.get(works.len().saturating_sub(1 + tenth)),
    );
    ends.0.zip(ends.1).map_or(0.0, |(least, most)| most - least)
}

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
        let found = cores(&all, &[]).expect("cores");
        assert!((found.compute.serial - 0.35).abs() < 0.08, "{found:?}");
    }

    #[test]
    fn work_on_one_thread_tells_how_much_of_it_is_serial() {
        let found = cores(&clauses(1.6), &[]).expect("cores");
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
        let found = cores(&clauses(1.0), &[]).expect("cores");
        assert!(found.compute.serial > 0.97, "{found:?}");
    }

    #[test]
    fn without_work_on_one_thread_it_is_assumed() {
        let all: Vec<Sample> = (0..20).map(|n| job(f64::from(n), 2, 90.0)).collect();
        let found = cores(&all, &[]).expect("cores");
        assert_eq!((found.is_measured, found.compute.serial), (false, 0.4));
    }

    #[test]
    fn a_calibrator_on_one_thread_tells_it() {
        let on_all = |seconds: f64| 120.0 + 15.0 * seconds;
        let many = (0..40).map(|n| f64::from(1 + n % 4));
        let many: Vec<Sample> = many.map(|work| job(work, 2, on_all(work))).collect();
        let beside = vec![job(2.0, 1, 1.5 * on_all(2.0)); 12];
        let found = cores(&many, &beside).expect("cores");
        assert!((found.compute.serial - 0.5).abs() < 1e-6, "{found:?}");
        assert_eq!(
            (found.is_measured, found.fewest, found.on_fewer),
            (true, 1, 0)
        );
    }

    /// Beginnings of answers are short, and what a job takes whatever its text is runs on one thread.
    #[test]
    fn how_much_longer_is_told_where_work_has_all_threads() {
        let short = (0..20).map(|n| job(f64::from(20 + n), 2, 50.0 + 2.5 * f64::from(20 + n)));
        let long =
            (0..40).map(|n| job(f64::from(20 + 2 * n), 1, 50.0 + 4.5 * f64::from(20 + 2 * n)));
        let all: Vec<Sample> = short.chain(long).collect();
        let found = cores(&all, &[]).expect("cores");
        // A clause of 30 characters takes 185 ms on one thread and 125 ms on two.
        let longer = 2.0 - found.compute.serial;
        assert!((longer - 185.0 / 125.0).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn an_engine_that_computes_elsewhere_has_no_cores() {
        assert_eq!(cores(&[job(1.0, 0, 200.0), job(1.0, 0, 210.0)], &[]), None);
        assert_eq!(cores(&[], &[]), None);
    }
}
