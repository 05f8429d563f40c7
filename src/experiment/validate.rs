//! Holds what a profile predicts against runs: the same settings are simulated, and every distribution is compared.

use super::Simulation;
use crate::event::Hop;
use crate::fit::{Fit, FittedStage, Gathered, Made, profile};
use crate::measure::folder::{MeasuredRun, Results};
use crate::measure::{Interval, ms};
use crate::record::store::KeepEvents;
use crate::report::validate::{Predicted, SCHEMA, UNANSWERED_MAX, Validation, Verdict};
use crate::rng::Seed;
use crate::run::{RunError, input, unavailable};
use crate::scenario::latency::{LatencyModel, Work};
use crate::scenario::{Profile, Scenario, ScenarioFile, TopologyName};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Conversations that are simulated: chance in them is little beside that in a run.
const CONVERSATIONS: u32 = 4_000;

/// Runs are drawn so often, with the same ones several times and others not.
const RESAMPLES: usize = 500;

/// With fewer conversations turns are drawn.
const CONVERSATIONS_MIN: usize = 5;

/// With fewer answered turns nothing is compared.
const TURNS_MIN: usize = 20;

/// Where others disturbed a greater share of the engines' jobs, the runs say more of them than of the engines.
const DISTURBED_MAX: f64 = 0.1;

/// Where a greater share of an engine's work lies outside of what a profile has seen, it predicts what nobody measured.
const WORK_OUTSIDE_MAX: f64 = 0.05;

/// Hops with a shorter median, measured and predicted, are not shown.
const SHOWN_MS: f64 = 1.0;

/// The whole, and what of it lies behind the wait for the endpoint.
const WHOLE: &str = "e2e_latency";
const NET: &str = "e2e - endpointing_wait";

const STATISTICS: [(&str, Option<f64>); 5] = [
    ("mean", None),
    ("p50", Some(0.5)),
    ("p90", Some(0.9)),
    ("p95", Some(0.95)),
    ("p99", Some(0.99)),
];

/// Milliseconds by name, in lists of those that go together.
type Times = BTreeMap<String, Vec<Vec<f64>>>;

/// Holds a profile, named so, against runs.
///
/// # Errors
/// Runs that differ in their settings, have too few answered turns, or cannot be read.
pub fn validate(
    (name, predicted): (&str, &Scenario),
    runs: &[Results],
    threads: usize,
) -> Result<Validation, RunError> {
    let target = Target::of(runs)?;
    let asked = target.asked_of(predicted)?;
    let fit = Fit::of(target.gathered, false).map_err(input)?;
    let (disturbed_share, unanswered) = (fit.disturbed_share(), fit.unanswered());
    let unanswered_share = unanswered as f64 / (target.turns as f64 + unanswered as f64);
    let own = own_profile(&fit, &asked)?;
    let (times, predicted_unanswered_share) = simulated(&asked, threads)?;
    let (structure, _) = simulated(&own, threads)?;
    let naive = naive(&asked, &fit);
    let mut figures = Vec::new();
    for (what, measured) in &target.times {
        let (Some(predicted), known) = (times.get(what), structure.get(what)) else {
            continue;
        };
        let flat = |times: &Vec<Vec<f64>>| sorted(times.iter().flatten().copied());
        let (all, predicted, known) = (flat(measured), flat(predicted), known.map(flat));
        let is_short = |of: &[f64]| of.get(of.len() / 2).is_none_or(|ms| *ms < SHOWN_MS);
        let is_headline = what == WHOLE || what == NET;
        if !is_headline && is_short(&all) && is_short(&predicted) {
            continue;
        }
        for (statistic, share) in STATISTICS {
            if share == Some(0.99) && all.len() < 100 {
                continue;
            }
            let measured_ms = figure(&all, share);
            let predicted_ms = figure(&predicted, share);
            let interval = interval(measured, share, what);
            let bound_ms = bound(what, statistic, measured_ms);
            let off = (predicted_ms - measured_ms).abs();
            let half = 0.5 * (interval.high - interval.low);
            figures.push(Predicted {
                name: what.clone(),
                statistic,
                measured_ms,
                predicted_ms,
                error_percent: (measured_ms >= SHOWN_MS)
                    .then(|| 100.0 * (predicted_ms - measured_ms) / measured_ms),
                structure_ms: known.as_ref().map(|known| figure(known, share)),
                naive_ms: naive.get(&(what.as_str(), statistic)).copied(),
                bound_ms,
                is_within_bound: bound_ms.map(|bound| off <= bound),
                is_within_chance: (interval.low..=interval.high).contains(&predicted_ms),
                turns_to_decide: bound_ms
                    .filter(|bound| *bound > 0.0)
                    .map(|bound| (all.len() as f64 * (half / bound).powi(2)).ceil() as u64),
                interval,
            });
        }
    }
    // The whole first, then what lies behind the endpoint, then hops in path order.
    figures.sort_by_key(|one| place(&one.name));
    let mut outside = asked.outside_of_profile();
    outside.extend(
        predicted
            .profile()
            .into_iter()
            .flat_map(|profile| work_outside(profile, &fit)),
    );
    let undecided = if disturbed_share > DISTURBED_MAX {
        Some(format!(
            "{:.0} % of the engines' jobs were disturbed by other programs, and over {:.0} % say nothing of the engines; run again on a quiet machine",
            100.0 * disturbed_share,
            100.0 * DISTURBED_MAX
        ))
    } else if unanswered_share > UNANSWERED_MAX {
        Some(format!(
            "{:.0} % of the turns of these runs were not answered, and over {:.0} % leave no p95 to predict; `voicesim report` tells why they were not",
            100.0 * unanswered_share,
            100.0 * UNANSWERED_MAX
        ))
    } else {
        outside
            .first()
            .map(|what| format!("the runs lie outside of what the profile has seen: {what}"))
    };
    let is_missed = |one: &Predicted| one.is_within_bound == Some(false) && !one.is_within_chance;
    let is_missed = figures.iter().any(is_missed) || predicted_unanswered_share > UNANSWERED_MAX;
    let verdict = match (&undecided, is_missed) {
        (Some(_), _) => Verdict::Undecided,
        (None, true) => Verdict::Missed,
        (None, false) => Verdict::Holds,
    };
    Ok(Validation {
        schema: SCHEMA,
        profile: name.to_owned(),
        runs: target.names,
        turns: target.turns,
        conversations: target.conversations,
        unanswered,
        predicted_unanswered_share,
        doubtful: target.doubtful,
        by_conversation: target.by_conversation,
        settings: target.settings,
        figures,
        outside,
        undecided,
        verdict,
    })
}

/// The error that is allowed, in milliseconds.
fn bound(what: &str, statistic: &str, measured_ms: f64) -> Option<f64> {
    let (share, least_ms) = match statistic {
        "p50" => (0.03, 10.0),
        "p95" => (0.05, 20.0),
        _ => return None,
    };
    match what {
        WHOLE => Some(share * measured_ms),
        // A small difference of large numbers.
        NET => Some((share * measured_ms).max(least_ms)),
        _ => None,
    }
}

fn place(name: &str) -> usize {
    match name {
        WHOLE => 0,
        NET => 1,
        hop => {
            2 + Hop::ALL
                .iter()
                .position(|own| own.name() == hop)
                .unwrap_or(Hop::ALL.len())
        }
    }
}

/// What is to be predicted.
struct Target {
    times: Times,
    gathered: Gathered,
    names: Vec<String>,
    turns: usize,
    doubtful: u64,
    conversations: usize,
    by_conversation: bool,
    settings: String,
    /// The scenario of the first run.
    scenario: Scenario,
}

impl Target {
    fn of(runs: &[Results]) -> Result<Target, RunError> {
        let mut all: Vec<&MeasuredRun> = Vec::new();
        for results in runs {
            match results {
                Results::Run(run) => all.push(run),
                Results::Simulation(simulation) => {
                    return Err(RunError::Input(format!(
                        "{} is a simulation, and predictions are held against runs; name folders that `voicesim run`, `import` or `measure` wrote",
                        simulation.path.display()
                    )));
                }
            }
        }
        let Some(first) = all.first() else {
            return Err(RunError::Input("no run to hold the profile against".into()));
        };
        let settings = |run: &MeasuredRun| {
            let file = run.scenario.file();
            (
                file.endpointing.clone(),
                file.speculation.clone(),
                file.clauses.clone(),
                file.cores,
            )
        };
        if let Some(other) = all.iter().find(|run| settings(run) != settings(first)) {
            return Err(RunError::Input(format!(
                "{} and {} were run with different settings (endpointing, speculation, clauses or cores); validate each setting by itself",
                first.path.display(),
                other.path.display()
            )));
        }
        let (mut gathered, mut times, mut turns) = (Gathered::default(), Times::new(), 0);
        let mut doubtful = 0;
        for (results, run) in runs.iter().zip(&all) {
            gathered.add(results).map_err(input)?;
            let mut own: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for row in &run.measured.rows {
                if row.doubtful.is_some() {
                    doubtful += 1;
                    continue;
                }
                let Some(e2e) = row.e2e_ns else { continue };
                turns += 1;
                let hops: Vec<(Hop, u64)> = row.hops.iter().collect();
                add(&mut own, e2e, &hops);
            }
            for (name, values) in own {
                times.entry(name).or_default().push(values);
            }
        }
        if turns < TURNS_MIN {
            return Err(RunError::Input(format!(
                "{turns} answered turns in these runs that are not doubtful, and fewer than {TURNS_MIN} decide nothing; give more runs of the same settings"
            )));
        }
        let by_conversation = all.len() >= CONVERSATIONS_MIN;
        if !by_conversation {
            for values in times.values_mut() {
                *values = values.iter().flatten().map(|ms| vec![*ms]).collect();
            }
        }
        let file = first.scenario.file();
        Ok(Target {
            times,
            gathered,
            names: all.iter().take(4).map(|run| name_of(&run.path)).collect(),
            turns,
            doubtful,
            conversations: all.len(),
            by_conversation,
            settings: format!(
                "silence_ms {}, speculation {}, {} cores",
                file.endpointing.silence_ms,
                if file.speculation.enabled {
                    "on"
                } else {
                    "off"
                },
                file.cores
            ),
            scenario: first.scenario.clone(),
        })
    }

    /// The prediction that is asked for: the profile, with the settings of the runs.
    fn asked_of(&self, predicted: &Scenario) -> Result<Scenario, RunError> {
        with_settings_of(predicted, self.scenario.file())
    }
}

/// A profile with the settings of something else.
fn with_settings_of(profile: &Scenario, settings: &ScenarioFile) -> Result<Scenario, RunError> {
    let is_whole = profile.file().topology == TopologyName::SpeechToSpeech;
    let changed = profile.changed(|file| {
        // A whole latency has its wait for the endpoint in it.
        if !is_whole {
            file.endpointing.clone_from(&settings.endpointing);
            file.speculation.clone_from(&settings.speculation);
            file.clauses.clone_from(&settings.clauses);
            file.cores = settings.cores;
        }
    });
    changed.map_err(|problem| RunError::Input(problem.to_string()))
}

/// Stages of runs whose work lies outside of what a profile has seen, a sentence each.
fn work_outside(profile: &Profile, fit: &Fit) -> Vec<String> {
    let of_stage = |stage: &FittedStage| {
        let (name, _) = stage.work_seen()?;
        let [low, high] = *profile.seen.get(&format!("{}.{name}", stage.table))?;
        let works: Vec<f64> = stage
            .samples
            .iter()
            .filter_map(|sample| sample.work)
            .collect();
        // What was seen is written in four digits.
        let seen = 0.999 * low..=1.001 * high;
        let outside = works.iter().filter(|work| !seen.contains(work)).count();
        let share = outside as f64 / works.len().max(1) as f64;
        (share > WORK_OUTSIDE_MAX).then(|| {
            format!(
                "{:.0} % of the work of {} is shorter or longer than the {low} to {high} {name} that were measured",
                100.0 * share,
                stage.table
            )
        })
    };
    fit.stages.iter().filter_map(of_stage).collect()
}

fn name_of(path: &Path) -> String {
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    name.chars().filter(|c| !c.is_control()).collect()
}

fn add(own: &mut BTreeMap<String, Vec<f64>>, e2e_ns: u64, hops: &[(Hop, u64)]) {
    let mut put =
        |name: &str, span_ns: u64| own.entry(name.to_owned()).or_default().push(ms(span_ns));
    put(WHOLE, e2e_ns);
    if hops.is_empty() {
        return;
    }
    let wait = hops.iter().find(|(hop, _)| *hop == Hop::EndpointingWait);
    put(
        NET,
        e2e_ns.saturating_sub(wait.map_or(0, |(_, span)| *span)),
    );
    // A hop that is not on a turn's path took no time in it.
    for hop in Hop::ALL {
        let span = hops.iter().find(|(own, _)| *own == hop);
        put(hop.name(), span.map_or(0, |(_, span)| *span));
    }
}

/// A profile of the runs themselves, with their settings.
fn own_profile(fit: &Fit, asked: &Scenario) -> Result<Scenario, RunError> {
    let made = Made {
        on: "",
        name: "own",
        keeps_words: false,
        undisturbed: false,
    };
    let text = profile(fit, made).map_err(unavailable)?;
    let own = crate::scenario::parse(Path::new("own"), &text).map_err(unavailable)?;
    with_settings_of(&own, asked.file())
}

/// The latencies of a simulation, and the share of its turns that should have been answered and were not.
fn simulated(scenario: &Scenario, threads: usize) -> Result<(Times, f64), RunError> {
    let folder = tempfile::tempdir().map_err(unavailable)?;
    let path = folder.path().join("simulated");
    Simulation::of(scenario.clone())
        .worlds(CONVERSATIONS)
        .threads(threads)
        .keep_in(path.clone(), KeepEvents::None)
        .run(&AtomicBool::new(false), &|_, _| {})?;
    let Results::Simulation(kept) = Results::open(&path).map_err(unavailable)? else {
        return Ok((Times::new(), 0.0));
    };
    let mut own: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let (mut answered, mut unanswered) = (0_u32, 0_u32);
    for turn in kept.turns().map_err(unavailable)? {
        let turn = turn.map_err(unavailable)?;
        unanswered += u32::from(turn.unanswered.is_some());
        if let Some(e2e) = turn.e2e_ns() {
            answered += 1;
            add(&mut own, e2e, &turn.hops);
        }
    }
    let times = own.into_iter().map(|(name, values)| (name, vec![values]));
    let all = f64::from(answered + unanswered).max(1.0);
    Ok((times.collect(), f64::from(unanswered) / all))
}

/// What somebody with a calculator would say: medians added up, spreads as squares.
fn naive(asked: &Scenario, fit: &Fit) -> BTreeMap<(&'static str, &'static str), f64> {
    let file = asked.file();
    let stages: [(&str, Option<&LatencyModel>); 3] = [
        ("stt", file.stt.latency.as_ref()),
        ("answer", file.answer.latency.as_ref()),
        ("tts", file.tts.latency.as_ref()),
    ];
    let mut all = BTreeMap::new();
    if file.topology == TopologyName::SpeechToSpeech {
        return all;
    }
    let draws = |model: &LatencyModel, work: Work| -> Option<[f64; 2]> {
        let latency = model.parse().ok()?;
        let source = Seed(1).source("validate", "naive");
        let drawn = (0..2_000).map(|n| {
            let (mut draw, mut mood) = (source.draw(n, 1), source.mood(n));
            1e3 * latency.sample(&mut draw, &mut mood, work).as_secs_f64()
        });
        let drawn = sorted(drawn);
        Some([figure(&drawn, Some(0.5)), figure(&drawn, Some(0.95))])
    };
    let (mut median, mut squares) = (0.0, 0.0);
    for (table, model) in stages {
        let stage = fit.stages.iter().find(|stage| stage.table == table);
        let work = stage.map_or(0.0, |stage| {
            let works = sorted(stage.samples.iter().filter_map(|sample| sample.work));
            works.get(works.len() / 2).copied().unwrap_or(0.0)
        });
        let work = Work {
            audio_s: work,
            characters: work,
            tokens: work / 4.0,
            question: 2,
        };
        if let Some([p50, p95]) = model.and_then(|model| draws(model, work)) {
            median += p50;
            squares += (p95 - p50).powi(2);
        }
    }
    let silence = file.endpointing.silence_ms as f64;
    let ahead = match file.speculation.enabled {
        true => (silence - file.speculation.after_ms as f64).max(0.0),
        false => 0.0,
    };
    let lag = draws(&file.ear.lag, Work::default()).map_or(0.0, |[p50, _]| p50);
    for (statistic, spread) in [("p50", 0.0), ("p95", squares.sqrt())] {
        let net = (median + spread - ahead).max(0.0);
        all.insert((NET, statistic), net);
        all.insert((WHOLE, statistic), lag + silence + net);
    }
    all
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A percentile of sorted values, or their mean.
fn figure(values: &[f64], share: Option<f64>) -> f64 {
    let n = values.len();
    match share {
        None => values.iter().sum::<f64>() / n.max(1) as f64,
        Some(share) => {
            let rank = (share * n as f64).ceil() as usize;
            let index = rank.saturating_sub(1).min(n.saturating_sub(1));
            values.get(index).copied().unwrap_or(0.0)
        }
    }
}

/// Where a figure would lie in 95 of 100 runs like these: whole groups are drawn anew.
fn interval(groups: &[Vec<f64>], share: Option<f64>, what: &str) -> Interval {
    let mut stream = Seed(1).stream("validate", 0, 0, what);
    let mut drawn: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let some = (0..groups.len()).flat_map(|_| {
            let index = (stream.uniform() * groups.len() as f64) as usize;
            groups.get(index).into_iter().flatten().copied()
        });
        drawn.push(figure(
            &sorted(some.collect::<Vec<f64>>().into_iter()),
            share,
        ));
    }
    let drawn = sorted(drawn.into_iter());
    Interval {
        low: figure(&drawn, Some(0.025)),
        high: figure(&drawn, Some(0.975)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(figure(&values, Some(0.5)), 50.0);
        assert_eq!(figure(&values, Some(0.95)), 95.0);
        assert_eq!(figure(&values, None), 50.5);
        assert_eq!(figure(&[], Some(0.5)), 0.0);
    }

    #[test]
    fn an_interval_holds_the_figure_and_narrows_with_more_conversations() {
        let groups = |count: u32| -> Vec<Vec<f64>> {
            (0..count)
                .map(|n| vec![f64::from(n * 7_919 % 100); 4])
                .collect()
        };
        let wide = interval(&groups(20), Some(0.5), "a");
        let narrow = interval(&groups(200), Some(0.5), "a");
        assert!(wide.low <= 50.0 && 50.0 <= wide.high, "{wide:?}");
        assert!(
            narrow.high - narrow.low < 0.6 * (wide.high - wide.low),
            "{narrow:?}, {wide:?}"
        );
    }

    #[test]
    fn a_bound_behind_the_endpoint_is_never_a_few_milliseconds() {
        assert_eq!(bound(WHOLE, "p50", 1_000.0), Some(30.0));
        assert_eq!(bound(NET, "p50", 33.0), Some(10.0));
        assert_eq!(bound(NET, "p95", 1_000.0), Some(50.0));
        assert_eq!(bound(WHOLE, "p99", 1_000.0), None);
        assert_eq!(bound("answer", "p50", 1_000.0), None);
    }
}
