//! A fit as text and as JSON: what was chosen for each stage, and how well it fits.

use super::several;
use super::table::{plain, trimmed};
use crate::fit::{Candidate, Cores, Fit, FittedStage, SHARES};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A fit that held out so little tells no candidates apart.
const OTHERS_MAX: usize = 4;

/// The fit, for people.
pub fn text(fit: &Fit) -> String {
    let gathered = &fit.gathered;
    let mut text = format!(
        "Fit of {} in {}\n",
        several(gathered.turns, "turn"),
        several(u64::from(gathered.conversations), "conversation")
    );
    if let Some([p50, p95]) = fit.measured_e2e() {
        let _ = writeln!(
            text,
            "  callers waited  p50 {p50:.0} ms, p95 {p95:.0} ms, of {}{}",
            several(fit.answered() as u64, "answered turn"),
            match fit.unanswered() {
                0 => String::new(),
                unanswered => format!("; {unanswered} more were not answered"),
            }
        );
    }
    for note in notes(fit) {
        let _ = writeln!(text, "  note            {note}");
    }
    let mut table = plain(&[
        "stage", "measured", "given up", "chosen", "p50", "fit", "p95", "fit", "error", "p99",
        "fit", "KS",
    ]);
    for stage in &fit.stages {
        let [[p50, fitted_p50], _, [p95, fitted_p95], [p99, fitted_p99]] = stage
            .quantiles
            .map(|(measured, fitted)| [measured, Some(fitted)].map(in_ms));
        table.add_row([
            name(stage).to_owned(),
            stage.measured.finished.to_string(),
            stage.measured.given_up.to_string(),
            stage.chosen.model.name(),
            p50,
            fitted_p50,
            p95,
            fitted_p95,
            stage
                .error_percent(0.95)
                .map_or("-".into(), |off| format!("{off:+.1} %")),
            p99,
            fitted_p99,
            format!("{:.3}", stage.ks),
        ]);
    }
    let _ = writeln!(text, "\n{}\n", trimmed(&table));
    for stage in &fit.stages {
        for line in lines(stage) {
            let _ = writeln!(text, "{:<17} {line}", name(stage));
        }
    }
    text
}

fn in_ms(ms: Option<f64>) -> String {
    ms.map_or("-".to_owned(), |ms| format!("{ms:.0}"))
}

/// The stage as reports have it.
pub(super) fn name(stage: &FittedStage) -> &'static str {
    match stage.is_whole {
        true => "whole turn",
        false => stage.stage.name(),
    }
}

/// What a reader should know of all stages.
pub(super) fn notes(fit: &Fit) -> Vec<String> {
    let mut notes = Vec::new();
    let gathered = &fit.gathered;
    if fit.disturbed_share() >= 0.01 || fit.left_out > 0 {
        let share = 100.0 * fit.disturbed_share();
        notes.push(match fit.left_out {
            0 if fit.disturbance().is_some() => format!("{share:.0} % of the engines' jobs were disturbed by other programs, and are a state of the machine in the profile ([disturbance])"),
            0 => format!("{share:.0} % of the engines' jobs were disturbed by other programs, and are in the fit; --undisturbed leaves them out, --disturbed makes them a state that lasts"),
            left_out => format!("{share:.0} % of the engines' jobs were disturbed by other programs: {left_out} latencies were left out"),
        });
    }
    if gathered.settings_differ() {
        notes.push("these runs have different settings (cores, endpointing, speculation, clauses): the profile keeps those of the first".into());
    }
    if gathered.doubtful > 0 {
        notes.push(format!(
            "{} not among those that callers waited for: their latencies may be others",
            several(gathered.doubtful, "doubtful turn")
        ));
    }
    for stage in &fit.unknown {
        notes.push(format!(
            "no work of {} that counts came to its end: the profile has no time for it, and is too fast by as much",
            stage.name()
        ));
    }
    for (hop, median_ms) in gathered.left_over() {
        notes.push(format!(
            "{hop} is not in the profile: {median_ms:.0} ms at the median"
        ));
    }
    if fit.turn_correlation > 0.0 {
        notes.push(format!(
            "the stages of a turn go together: correlation {:.2}",
            fit.turn_correlation
        ));
    }
    let (again, did_not) = fit.asked_again();
    if again > 0 && fit.stages.iter().all(|stage| !stage.is_whole) {
        notes.push(format!(
            "callers asked again {again} times before there was an answer, and {did_not} times did not"
        ));
    }
    notes
}

/// What is to be said of a stage.
pub(super) fn lines(stage: &FittedStage) -> Vec<String> {
    let model = &stage.chosen.model;
    let mut lines = Vec::new();
    if let Some((covariate, line)) = model.line {
        lines.push(format!(
            "{}, which explain {:.0} % of the variance",
            covariate.described(line.slope),
            100.0 * line.explained
        ));
    }
    let had_fewer = |cores: &Cores| cores.fewest < cores.compute.threads;
    if let Some(cores) = stage.cores.filter(had_fewer) {
        lines.push(format!(
            "times are as on {} threads; {} had fewer, {}",
            cores.compute.threads,
            match cores.on_fewer {
                0 => "the calibrator's jobs".to_owned(),
                fewer => format!("{fewer} of {} jobs", stage.samples.len()),
            },
            match cores.is_measured {
                true => format!(
                    "{:.0} % of the time is no shorter on more",
                    100.0 * cores.compute.serial
                ),
                false => format!(
                    "and {:.0} % of the time is assumed to be no shorter on more",
                    100.0 * cores.compute.serial
                ),
            }
        ));
    }
    if let Some(compute) = stage.cores.map(|cores| cores.compute)
        && compute.spread != 1.0
    {
        lines.push(format!(
            "on one thread its times are {:.0} % as uneven as on {}",
            100.0 * compute.spread,
            compute.threads
        ));
    }
    if model.kinds.count() > 1 {
        let medians: Vec<String> = model
            .chances
            .iter()
            .map(|chance| format!("{:.0}", chance.quantile(0.5)))
            .collect();
        lines.push(format!(
            "{}: medians {} ms",
            model.kinds.name(),
            medians.join(", ")
        ));
    }
    if stage.session_correlation > 0.0 {
        lines.push(format!(
            "turns of a conversation go together: correlation {:.2}",
            stage.session_correlation
        ));
    }
    if let Some(best) = stage.chosen.held_out {
        let how = match stage.by_conversation {
            true => "conversations",
            false => "turns",
        };
        let others: Vec<String> = closest(stage)
            .into_iter()
            .map(|other| {
                let held_out = other.held_out.unwrap_or(best);
                format!("{} {held_out:.3}", told(other))
            })
            .collect();
        let line = format!(
            "likelihood of held-out {how}: {} {best:.3}",
            told(&stage.chosen)
        );
        lines.push(match others.is_empty() {
            true => line,
            false => format!("{line}; {}", others.join(", ")),
        });
    }
    if let Some(warning) = stage.warning() {
        lines.push(format!("careful: {warning}"));
    }
    lines
}

/// The other candidates, the most likely first.
fn closest(stage: &FittedStage) -> Vec<&Candidate> {
    let mut others: Vec<&Candidate> = stage.others.iter().collect();
    others.sort_by(|a, b| {
        b.held_out
            .unwrap_or(f64::MIN)
            .total_cmp(&a.held_out.unwrap_or(f64::MIN))
    });
    others.truncate(OTHERS_MAX);
    others
}

fn told(candidate: &Candidate) -> String {
    let model = &candidate.model;
    match model.kinds.count() {
        1 => model.name(),
        count => format!("{} ({count} kinds of turn)", model.name()),
    }
}

/// A fit as one JSON document.
#[derive(Serialize)]
pub struct FitDocument {
    schema: &'static str,
    turns: u64,
    conversations: u32,
    disturbed_share: f64,
    turn_correlation: f64,
    e2e_latency: Option<Value>,
    stages: BTreeMap<&'static str, Value>,
    notes: Vec<String>,
    profile: String,
}

/// The document of a fit that was written to `profile`.
pub fn document(fit: &Fit, profile: &str) -> FitDocument {
    let stage = |stage: &FittedStage| {
        let errors: BTreeMap<String, Value> = SHARES
            .iter()
            .zip(&stage.quantiles)
            .map(|(share, (measured, fitted))| {
                let name = format!("p{:.0}", 100.0 * share);
                (name, json!({"measured_ms": measured, "fitted_ms": fitted}))
            })
            .collect();
        let tried = stage.others.iter().chain([&stage.chosen]);
        let tried: BTreeMap<String, Option<f64>> =
            tried.map(|it| (told(it), it.held_out)).collect();
        let value = json!({
            "measured": stage.measured.finished,
            "given_up": stage.measured.given_up,
            "family": stage.chosen.model.name(),
            "kinds_of_turn": stage.chosen.model.kinds.count(),
            "slope_ms": stage.chosen.model.line.map(|(_, line)| line.slope),
            "explained": stage.chosen.model.line.map(|(_, line)| line.explained),
            "ks": stage.ks,
            "quantiles": errors,
            "session_correlation": stage.session_correlation,
            "held_out": tried,
            "warning": stage.warning(),
        });
        let key = if stage.is_whole { "whole" } else { stage.table };
        (key, value)
    };
    FitDocument {
        schema: "voicesim.fit/2",
        turns: fit.gathered.turns,
        conversations: fit.gathered.conversations,
        disturbed_share: fit.disturbed_share(),
        turn_correlation: fit.turn_correlation,
        e2e_latency: fit
            .measured_e2e()
            .map(|[p50, p95]| json!({"count": fit.answered(), "p50_ms": p50, "p95_ms": p95})),
        stages: fit.stages.iter().map(stage).collect(),
        notes: notes(fit),
        profile: profile.to_owned(),
    }
}
