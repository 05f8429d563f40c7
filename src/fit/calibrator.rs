//! How fast the machine was: the same questions, asked of the same engines before and after every run that something is
//! fitted to or held against. Where they take longer, all else does: that is the machine's drift, and no error of a
//! profile.

use super::sample::Sample;
use super::visits::visits;
use crate::event::StageName;
use crate::measure::folder::{MeasuredRun, Results};
use crate::record::store::StoreError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Jobs that take less tell more of the clock than of the machine.
const LEAST_MS: f64 = 20.0;

/// With fewer undisturbed jobs of an engine in common nothing is said of it.
const JOBS_MIN: usize = 3;

/// Runs that are read at most.
const RUNS_MAX: usize = 10_000;

/// The jobs of each engine, in order, by its table (`stt`, `tts`).
pub(super) type Jobs = BTreeMap<String, Vec<Sample>>;

/// Runs that ask the same questions again and again, by which the machine's drift is told.
#[derive(Debug, Clone)]
pub struct Calibrator {
    /// Sorted by when they began.
    marks: Vec<Mark>,
    /// A line about each engine, by its stage.
    engines: BTreeMap<String, String>,
}

/// A calibrator's run.
#[derive(Debug, Clone)]
struct Mark {
    started: String,
    jobs: Jobs,
}

/// How fast the machine was around a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    before: Jobs,
    after: Jobs,
}

/// How long the jobs of a calibrator took, in milliseconds, by engine and in order: what a profile keeps.
pub type Reference = BTreeMap<String, Vec<f64>>;

/// Why runs are no calibrator. The text names the folder.
#[derive(Debug, thiserror::Error)]
pub enum CalibratorError {
    /// A folder that is not a run of the engines.
    #[error("{} is no run; a calibrator is a folder of runs of the same few questions, held before and after every run", .0.display())]
    NoRun(PathBuf),
    /// Runs that ask different things.
    #[error("{} and {} ask different questions, or of different engines; a calibrator is always the same", .0.display(), .1.display())]
    Differs(PathBuf, PathBuf),
    /// Two runs at least are needed, one before and one after.
    #[error("{0} of a calibrator; it takes one before and one after each run")]
    TooFew(String),
    /// Events that cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Calibrator {
    /// The calibrator of these runs.
    ///
    /// # Errors
    /// What is no run, or asks something else than the others, and the cure.
    pub fn of(runs: &[Results]) -> Result<Calibrator, CalibratorError> {
        let mut marks: Vec<Mark> = Vec::new();
        let mut first: Option<&MeasuredRun> = None;
        for results in runs.iter().take(RUNS_MAX) {
            let run = match results {
                Results::Run(run) if !run.header.is_of_others() => run,
                other => return Err(CalibratorError::NoRun(other.path().to_owned())),
            };
            let asked =
                |run: &MeasuredRun| (run.header.scenario.clone(), run.header.engines.clone());
            let first = first.get_or_insert(run);
            if asked(first) != asked(run) {
                let both = |path: &Path| path.to_owned();
                return Err(CalibratorError::Differs(both(&first.path), both(&run.path)));
            }
            marks.push(Mark {
                started: run.header.started.clone(),
                jobs: jobs(&run.events()?),
            });
        }
        if marks.len() < 2 {
            let runs = match marks.len() {
                0 => "no run".to_owned(),
                _ => "one run".to_owned(),
            };
            return Err(CalibratorError::TooFew(runs));
        }
        marks.sort_by(|one, other| one.started.cmp(&other.started));
        let engines = first.map(|run| run.header.engines.clone());
        Ok(Calibrator {
            marks,
            engines: engines.unwrap_or_default(),
        })
    }

    /// The jobs around runs, of those of their `engines` that are the calibrator's too.
    pub(super) fn jobs(&self, beside: &[Beside], engines: &BTreeMap<String, String>) -> Jobs {
        // A calibrator's run behind one run may stand before the next.
        let mut all: Vec<&Jobs> = Vec::new();
        for jobs in beside.iter().flat_map(|one| [&one.before, &one.after]) {
            if !all.contains(&jobs) {
                all.push(jobs);
            }
        }
        let is_same = |stage: StageName| {
            let engine = self.engines.get(stage.name());
            engine.is_some() && engine == engines.get(stage.name())
        };
        let tables = super::STAGES.into_iter();
        let tables = tables.filter(|(stage, ..)| is_same(*stage));
        tables
            .map(|(_, table, _)| {
                let samples = all.iter().filter_map(|jobs| jobs.get(table)).flatten();
                (table.to_owned(), samples.copied().collect())
            })
            .collect()
    }

    /// The calibrator's runs before and after a run that began then; `None` if it was not between two.
    pub fn beside(&self, started: &str) -> Option<Beside> {
        let behind = self
            .marks
            .partition_point(|mark| mark.started.as_str() <= started);
        let (before, after) = (
            self.marks.get(behind.checked_sub(1)?)?,
            self.marks.get(behind)?,
        );
        Some(Beside {
            before: before.jobs.clone(),
            after: after.jobs.clone(),
        })
    }
}

fn jobs(events: &[crate::event::Event]) -> Jobs {
    let tables = super::STAGES.map(|(stage, table, _)| (stage, table));
    let mut jobs = Jobs::new();
    for (stage, samples) in visits(events, 0, &[]).samples {
        let table = tables.iter().find(|(own, _)| *own == stage);
        let Some((_, table)) = table else { continue };
        jobs.insert((*table).to_owned(), samples);
    }
    jobs
}

/// The times of jobs, in order; `None` of one that others disturbed, or that was given up.
fn times(jobs: &[Sample]) -> impl Iterator<Item = Option<f64>> {
    jobs.iter().map(|sample| {
        let counts = !sample.is_disturbed && !sample.time.is_given_up;
        counts.then_some(sample.time.ms)
    })
}

impl Beside {
    /// By how much each engine changed from before the run to after it, in percent.
    pub fn moved_percent(&self) -> BTreeMap<String, f64> {
        let of = |(table, before): (&String, &Vec<Sample>)| {
            let after = self.after.get(table)?;
            let ratio = ratio(times(after), times(before))?;
            Some((table.clone(), 100.0 * (ratio - 1.0)))
        };
        self.before.iter().filter_map(of).collect()
    }

    /// How many times as long each engine took as in `reference`, over the runs before and after.
    pub fn ratios(&self, reference: &Reference) -> BTreeMap<String, f64> {
        let of = |(table, known): (&String, &Vec<f64>)| {
            let known = || known.iter().copied().map(Some);
            let both = [&self.before, &self.after].map(|jobs| {
                let own = jobs.get(table)?;
                ratio(times(own), known())
            });
            let [before, after] = both;
            Some((table.clone(), libm::sqrt(before? * after?)))
        };
        reference.iter().filter_map(of).collect()
    }
}

/// The calibrator around the runs that a profile is fitted to: the median of each job.
pub fn reference(beside: &[Beside]) -> Reference {
    let all: Vec<&Jobs> = beside
        .iter()
        .flat_map(|one| [&one.before, &one.after])
        .collect();
    let mut reference = Reference::new();
    for (table, jobs) in all.first().into_iter().flat_map(|jobs| jobs.iter()) {
        let job = |place: usize| {
            let times = all
                .iter()
                .filter_map(|jobs| times(jobs.get(table)?).nth(place)?);
            super::median(&times.collect::<Vec<f64>>())
        };
        // A job that was always disturbed ends what can be compared place by place.
        let times: Vec<f64> = (0..jobs.len()).map_while(job).collect();
        if !times.is_empty() {
            reference.insert(table.clone(), times);
        }
    }
    reference
}

/// The median ratio of jobs, place by place; `None` of too few, or too short ones.
fn ratio(
    own: impl Iterator<Item = Option<f64>>,
    other: impl Iterator<Item = Option<f64>>,
) -> Option<f64> {
    let pairs = own
        .zip(other)
        .filter_map(|(own, other)| Some((own?, other?)));
    let ratios = pairs
        .filter(|(_, other)| *other >= LEAST_MS)
        .map(|(own, other)| own / other);
    let ratios: Vec<f64> = ratios.collect();
    (ratios.len() >= JOBS_MIN).then(|| super::median(&ratios))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(stt: &[f64], tts: &[f64]) -> Jobs {
        let job = |ms: &f64| Sample {
            is_disturbed: *ms == 0.0,
            ..Sample::of(super::super::Time::ended(*ms), 0, 1)
        };
        let of = |times: &[f64]| times.iter().map(job).collect();
        Jobs::from([("stt".to_owned(), of(stt)), ("tts".to_owned(), of(tts))])
    }

    fn calibrator(times: &[f64]) -> Calibrator {
        let mark = |(minute, stt): (usize, &f64)| Mark {
            started: format!("2026-11-29T10:{minute:02}:00Z"),
            jobs: jobs(&[*stt, 2.0 * stt, *stt], &[5.0, 5.0, 5.0]),
        };
        Calibrator {
            marks: times.iter().enumerate().map(mark).collect(),
            engines: BTreeMap::from([("speech_to_text".to_owned(), "one".to_owned())]),
        }
    }

    #[test]
    fn jobs_around_runs_are_those_of_the_same_engines_once() {
        let calibrator = calibrator(&[100.0, 104.0, 130.0]);
        let beside = ["2026-11-29T10:00:30Z", "2026-11-29T10:01:30Z"]
            .map(|at| calibrator.beside(at).expect("between two"));
        let of = |engine: &str| {
            let engines = BTreeMap::from([("speech_to_text".to_owned(), engine.to_owned())]);
            calibrator.jobs(&beside, &engines)
        };
        let jobs = of("one");
        assert_eq!(jobs["stt"].len(), 9, "three runs of three");
        assert_eq!(jobs.get("tts"), None, "nobody knows that engine");
        assert!(of("another").is_empty());
    }

    #[test]
    fn a_run_lies_between_the_last_before_it_and_the_first_after_it() {
        let calibrator = calibrator(&[100.0, 104.0, 130.0]);
        let beside = calibrator
            .beside("2026-11-29T10:01:30Z")
            .expect("between two");
        let moved = beside.moved_percent();
        assert!((moved["stt"] - 25.0).abs() < 1e-9, "{moved:?}");
        assert_eq!(moved.get("tts"), None, "jobs of 5 ms say nothing");
        assert_eq!(
            calibrator.beside("2026-11-29T10:02:00Z"),
            None,
            "none after it"
        );
        assert_eq!(
            calibrator.beside("2026-11-29T09:59:59Z"),
            None,
            "none before it"
        );
    }

    #[test]
    fn drift_is_the_ratio_to_when_the_profile_was_fitted() {
        let fitted = calibrator(&[100.0, 100.0, 100.0]);
        let beside = fitted.beside("2026-11-29T10:00:30Z").expect("between two");
        let known = reference(&[beside]);
        assert_eq!(known["stt"], [100.0, 200.0, 100.0]);
        let later = calibrator(&[110.0, 110.0]).beside("2026-11-29T10:00:30Z");
        let ratios = later.expect("between two").ratios(&known);
        assert!((ratios["stt"] - 1.1).abs() < 1e-9, "{ratios:?}");
    }

    #[test]
    fn what_others_disturbed_is_left_out_job_by_job() {
        let beside = Beside {
            before: jobs(&[100.0, 0.0, 100.0, 100.0], &[]),
            after: jobs(&[100.0, 900.0, 100.0, 100.0], &[]),
        };
        assert_eq!(beside.moved_percent()["stt"], 0.0);
        let two = Beside {
            before: jobs(&[100.0, 100.0, 0.0], &[]),
            after: jobs(&[100.0, 100.0, 100.0], &[]),
        };
        assert!(two.moved_percent().is_empty(), "two jobs are too few");
    }

    #[test]
    fn one_run_is_no_calibrator() {
        let error = Calibrator::of(&[]).expect_err("no run");
        assert!(
            error.to_string().contains("one before and one after"),
            "{error}"
        );
    }
}
