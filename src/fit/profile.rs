//! A fit as a profile: the text of a scenario that people read, and the scenario that it is.

use super::answers::{answers, plain};
use super::family::short;
use super::{ByTable, Fit, FittedStage, Gathered, Model, Reference, median, table_of};
use crate::event::Hop;
use crate::scenario::engine::LEADING_SILENCE_MS_MAX;
use crate::scenario::latency::LatencyModel;
use crate::scenario::{Profile, ScenarioError, StageFit, parse};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Questions of a simulated conversation.
const QUESTIONS_MAX: usize = 1_000;

/// Silences that a scenario can have, in milliseconds.
const SILENCE_MS: [f64; 2] = [32.0, 10_000.0];

/// A caller who is known to pause less than this often does not pause.
const PAUSE_EVERY_S_MAX: f64 = 3_600.0;

/// What a profile is made with.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// The day, as in 2026-11-29.
    pub on: &'a str,
    /// The name of the profile.
    pub name: &'a str,
    /// Whether the words of answers are kept; else each letter is an x.
    pub keeps_words: bool,
    pub undisturbed: bool,
    /// How long a calibrator took around the runs that were fitted to; empty without one.
    pub calibrator: &'a Reference,
}

/// The text of a profile.
///
/// # Errors
/// None is known: what is written is read again before it is handed out.
pub fn profile(fit: &Fit, made: Made<'_>) -> Result<String, ScenarioError> {
    let mut text = String::new();
    let by_table: ByTable<'_> = fit
        .stages
        .iter()
        .map(|stage| (stage.table, stage))
        .collect();
    let gathered = &fit.gathered;
    let _ = writeln!(
        text,
        "# Made by voicesim fit on {} of {} in {}.\n#   voicesim simulate --profile THIS_FILE\n#   voicesim simulate SCENARIO.toml --profile THIS_FILE --set endpointing.silence_ms=500",
        made.on,
        several(gathered.turns, "turn"),
        several(u64::from(gathered.conversations), "conversation"),
    );
    if let Some([p50, p95]) = fit.measured_e2e() {
        let _ = writeln!(
            text,
            "# Callers waited {p50:.0} ms at the median, {p95:.0} ms at p95: a simulation of it should say the same."
        );
    }
    let cores = gathered
        .settings
        .as_ref()
        .map_or(2, |settings| settings.cores);
    let _ = writeln!(text, "name = {}\ncores = {cores}", quoted(made.name));
    if fit
        .stages
        .iter()
        .any(|stage| stage.table == "speech_to_speech")
    {
        text.push_str("topology = \"speech_to_speech\"\n");
    }
    caller(&mut text, fit);
    ear_and_endpoint(&mut text, fit);
    let is_direct = by_table.contains_key("speech_to_speech");
    for table in ["stt", "answer", "tts"] {
        let _ = writeln!(text, "\n[{table}]\nengine = \"simulated\"");
        if is_direct {
            continue;
        }
        match by_table.get(table) {
            Some(stage) => {
                latency(&mut text, stage, fit.turn_correlation);
            }
            None => text.push_str(
                "# It was not measured, or lies in another part.\nlatency = { fixed_ms = 0.0 }\n",
            ),
        }
        match table {
            "answer" => answers(&mut text, fit, made.keeps_words),
            "tts" => leading_silence(&mut text, gathered),
            _ => {}
        }
    }
    if let Some(stage) = by_table.get("speech_to_speech") {
        text.push_str("\n[speech_to_speech]\n");
        latency(&mut text, stage, fit.turn_correlation);
    }
    disturbance(&mut text, fit);
    provenance(&mut text, fit, made);
    parse(Path::new(made.name), &text)?;
    Ok(text)
}

fn caller(text: &mut String, fit: &Fit) {
    let (gathered, habits) = (&fit.gathered, &fit.gathered.habits);
    // Where some conversations are shorter, most of them are not.
    let conversations = (gathered.conversations as usize).max(1);
    let questions = (gathered.turns as usize + conversations / 2) / conversations;
    let _ = writeln!(
        text,
        "\n[caller]\nquestions = {}",
        questions.clamp(1, QUESTIONS_MAX)
    );
    let mut habit = |key: &str, values: &[f64], what: &str| {
        if let Some(model) = table_of(values).and_then(|model| model.latency(0.0, 0.0)) {
            let _ = writeln!(
                text,
                "{key} = {}    # {}",
                inline(&model),
                several(values.len() as u64, what)
            );
        }
    };
    habit("speech", &habits.speech, "question");
    habit("pause", &habits.pauses, "pause");
    habit("reaction", &habits.reaction, "reaction");
    let spoken_s = habits.speech.iter().sum::<f64>() / 1e3;
    let every_s = spoken_s / (habits.pauses.len() as f64).max(1e-9);
    let every_s = match habits.pauses.is_empty() || every_s > PAUSE_EVERY_S_MAX {
        true => 0.0,
        false => short(every_s.max(0.5)),
    };
    let _ = writeln!(text, "pause_every_s = {every_s:?}");
    let (again, did_not) = fit.asked_again();
    match fit
        .patience
        .as_ref()
        .and_then(|model| model.latency(0.0, 0.0))
    {
        Some(model) => {
            let _ = writeln!(
                text,
                "patience = {}    # asked again {again} times, {did_not} times not",
                inline(&model)
            );
        }
        None => {
            let _ = writeln!(
                text,
                "patience = {{ fixed_ms = 0.0 }}    # for ever: {again} asked again before there was an answer, too few to tell"
            );
        }
    }
    text.push_str(
        "backchannels_per_minute = 0.0\ninterruptions_per_minute = 0.0\nnoises_per_minute = 0.0\n",
    );
}

fn ear_and_endpoint(text: &mut String, fit: &Fit) {
    let gathered = &fit.gathered;
    let table = |values: &[f64]| table_of(values).and_then(|model: Model| model.latency(0.0, 0.0));
    if fit.stages.iter().any(|stage| stage.is_whole) {
        // The wait for the endpoint is somewhere in the whole.
        text.push_str("\n# The whole latency is drawn below, with the wait for the endpoint in it.\n[ear]\nlag = { fixed_ms = 0.0 }\nnotice = { fixed_ms = 0.0 }\n\n[endpointing]\nsilence_ms = 32\n");
        return;
    }
    match gathered.traced.get(&Hop::EndpointingWait) {
        Some(waits) if !waits.is_empty() => {
            let least = waits.iter().copied().fold(f64::INFINITY, f64::min);
            let [low, high] = SILENCE_MS;
            let silence = least.floor().clamp(low, high);
            let behind: Vec<f64> = waits.iter().map(|wait| (wait - silence).max(0.0)).collect();
            if let Some(lag) = table(&behind) {
                let _ = writeln!(
                    text,
                    "\n[ear]\nlag = {}    # what endpointing_wait is longer than the silence, of {}",
                    inline(&lag),
                    several(waits.len() as u64, "turn")
                );
            }
            let _ = writeln!(
                text,
                "\n[endpointing]\nsilence_ms = {silence:.0}    # the least endpointing_wait of the trace"
            );
            text.push_str("\n[speculation]\nenabled = false\n");
        }
        _ => {
            if let Some(lag) = table(&gathered.habits.lag) {
                let _ = writeln!(
                    text,
                    "\n[ear]\nlag = {}    # {}",
                    inline(&lag),
                    several(gathered.habits.lag.len() as u64, "end of speech")
                );
                // Who runs an ear of its own sees when it notices a pause; of a recording nobody does.
                if let (Some(notice), Some(_)) =
                    (table(&gathered.habits.notice), &gathered.settings)
                {
                    let _ = writeln!(
                        text,
                        "notice = {}    # {}",
                        inline(&notice),
                        several(gathered.habits.notice.len() as u64, "pause")
                    );
                }
            }
            match &gathered.settings {
                Some(settings) => {
                    let _ = writeln!(text, "\n[endpointing]\nsilence_ms = {}", settings.endpointing.silence_ms);
                    let (speculation, clauses) = (&settings.speculation, &settings.clauses);
                    let _ = writeln!(text, "\n[speculation]\nenabled = {}\nafter_ms = {}", speculation.enabled, speculation.after_ms);
                    let _ = writeln!(text, "\n[clauses]\nfirst_words = {}\nlong_characters = {}", clauses.first_words, clauses.long_characters);
                    if !clauses.openings.is_empty() {
                        let openings: Vec<String> = clauses.openings.iter().map(|it| quoted(it)).collect();
                        let _ = writeln!(text, "openings = [{}]", openings.join(", "));
                    }
                }
                None => text.push_str("\n[endpointing]\nsilence_ms = 500    # assumed: the trace does not tell\n\n[speculation]\nenabled = false\n"),
            }
        }
    }
}

fn latency(text: &mut String, stage: &FittedStage, turn: f64) {
    let _ = writeln!(text, "# {}.", described(stage));
    if let Some(warning) = stage.warning() {
        let _ = writeln!(text, "# Careful: {warning}.");
    }
    let _ = writeln!(text, "latency = {}", inline(&written(stage, turn)));
    if let Some(cores) = &stage.cores {
        let compute = cores.compute;
        let _ = writeln!(
            text,
            "compute = {{ threads = {}, serial = {:?}{} }}    # {}",
            compute.threads,
            thousandths(compute.serial),
            match compute.spread {
                1.0 => String::new(),
                spread => format!(", spread = {:?}", thousandths(spread)),
            },
            match (cores.is_measured, compute.threads) {
                (_, 1) => "it computes on one thread",
                (true, _) => "measured on one thread and on all",
                (false, _) => "how much slower it is on fewer threads is assumed",
            }
        );
    }
}

/// The middle of the inaudible beginnings, which hardly differ.
fn leading_silence(text: &mut String, gathered: &Gathered) {
    let heads = &gathered.heads_ms;
    if let Some(middle) = median(heads).filter(|middle| *middle > 0.0) {
        let _ = writeln!(
            text,
            "leading_silence_ms = {:?}    # of {}",
            short(middle.min(LEADING_SILENCE_MS_MAX)),
            several(heads.len() as u64, "answer")
        );
    }
}

fn thousandths(share: f64) -> f64 {
    libm::round(share * 1e3) / 1e3
}

fn disturbance(text: &mut String, fit: &Fit) {
    let Some([begins, stays]) = fit.disturbance() else {
        return;
    };
    let [[quiet, _], [disturbed, _]] = fit.gathered.behind;
    let _ = writeln!(
        text,
        "\n# Other programs on the machine: take the table away for a quiet one.\n[disturbance]\nbegins = {:?}    # of {} behind an undisturbed one\nstays = {:?}    # of {} behind a disturbed one",
        thousandths(begins),
        several(quiet, "job"),
        thousandths(stays),
        several(disturbed, "job"),
    );
    for stage in &fit.stages {
        if let Some((model, count)) = &stage.disturbed
            && let Some(latency) = model.latency(0.0, 0.0)
        {
            let count = several(*count as u64, "disturbed job");
            let _ = writeln!(text, "{} = {}    # {count}", stage.table, inline(&latency));
        }
    }
}

/// The latency of a stage as the profile has it.
fn written(stage: &FittedStage, turn: f64) -> LatencyModel {
    let model = stage.chosen.model.latency(stage.session_correlation, turn);
    let model = model.or_else(|| stage.chosen.model.latency(0.0, 0.0));
    let model = model.unwrap_or(LatencyModel::FixedMs(0.0));
    match stage.is_whole {
        true => without_wait(model),
        false => model,
    }
}

/// A latency of a whole turn, less the shortest wait for an endpoint that a simulation can have.
fn without_wait(model: LatencyModel) -> LatencyModel {
    use crate::scenario::latency::Linear;
    let [least, _] = SILENCE_MS;
    let shifted = |model: LatencyModel| {
        LatencyModel::Linear(Linear {
            base_ms: -least,
            residual: Some(Box::new(model)),
            ..Linear::default()
        })
    };
    match model {
        LatencyModel::Correlated {
            correlation,
            turn,
            model,
        } => LatencyModel::Correlated {
            correlation,
            turn,
            model: Box::new(without_wait(*model)),
        },
        LatencyModel::Turns(models) => {
            LatencyModel::Turns(models.into_iter().map(shifted).collect())
        }
        model => shifted(model),
    }
}

/// A stage's fit in a line.
pub(super) fn described(stage: &FittedStage) -> String {
    let chosen = &stage.chosen.model;
    let mut parts = vec![format!("{}, {}", chosen.name(), chosen.kinds.name())];
    if let Some((covariate, line)) = chosen.line {
        parts.push(format!(
            "{} explain {:.0} % of the variance",
            covariate.described(line.slope),
            100.0 * line.explained
        ));
    }
    parts.push(match stage.measured.given_up {
        0 => format!("{} measured", stage.measured.finished),
        given_up => format!("{} measured, {given_up} given up", stage.measured.finished),
    });
    parts.push(format!("KS {:.3}", stage.ks));
    if let Some(error) = stage.error_percent(0.95) {
        parts.push(format!("p95 {error:+.1} %"));
    }
    parts.join("; ")
}

fn provenance(text: &mut String, fit: &Fit, made: Made<'_>) {
    let gathered = &fit.gathered;
    let mut seen: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for stage in &fit.stages {
        let times = || stage.samples.iter().map(|sample| sample.time.ms);
        if let (Some(least), Some(most)) = (times().reduce(f64::min), times().reduce(f64::max)) {
            seen.insert(format!("{}.ms", stage.table), [short(least), short(most)]);
        }
        if let Some(cores) = &stage.cores {
            let threads = [cores.fewest, cores.compute.threads].map(f64::from);
            seen.insert(format!("{}.threads", stage.table), threads);
        }
        if let Some((work, [least, most])) = stage.work_seen() {
            seen.insert(
                format!("{}.{work}", stage.table),
                [short(least), short(most)],
            );
        }
    }
    let habits = &gathered.habits;
    for (name, values) in [("pause_ms", &habits.pauses), ("speech_ms", &habits.speech)] {
        let (least, most) = (
            values.iter().copied().reduce(f64::min),
            values.iter().copied().reduce(f64::max),
        );
        if let (Some(least), Some(most)) = (least, most) {
            seen.insert(name.to_owned(), [short(least), short(most)]);
        }
    }
    if let Some(settings) = &gathered.settings {
        let silence = settings.endpointing.silence_ms as f64;
        seen.insert("silence_ms".into(), [silence, silence]);
        seen.insert("calls_at_once".into(), [1.0, 1.0]);
    }
    let percent = |error: Option<f64>| libm::round(error.unwrap_or(0.0) * 10.0) / 10.0;
    let stage = |stage: &FittedStage| StageFit {
        family: stage.chosen.model.name(),
        latency: written(stage, fit.turn_correlation).describe(),
        samples: stage.measured.finished as u64,
        given_up: stage.measured.given_up as u64,
        ks: libm::round(stage.ks * 1e3) / 1e3,
        p50_error_percent: percent(stage.error_percent(0.5)),
        p95_error_percent: percent(stage.error_percent(0.95)),
        explained: stage
            .chosen
            .model
            .line
            .map_or(0.0, |(_, line)| libm::round(line.explained * 1e3) / 1e3),
        warning: stage.warning().unwrap_or_default(),
    };
    let profile = Profile {
        fitted: made.on.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sources: gathered.sources.clone(),
        conversations: gathered.conversations.into(),
        turns: gathered.turns,
        engines: gathered.engines.clone(),
        machine: gathered.machine.clone(),
        cores: match (&gathered.settings, gathered.jobs) {
            (Some(settings), 1..) => settings.cores,
            _ => 0,
        },
        disturbed_share: libm::round(fit.disturbed_share() * 1e3) / 1e3,
        undisturbed: made.undisturbed,
        turn_correlation: fit.turn_correlation,
        seen,
        stage: fit
            .stages
            .iter()
            .map(|of| (of.table.to_owned(), stage(of)))
            .collect(),
        calibrator: (made.calibrator.iter())
            .map(|(table, jobs)| (table.clone(), jobs.iter().map(|ms| short(*ms)).collect()))
            .collect(),
        validated: None,
    };
    #[derive(serde::Serialize)]
    struct Holder {
        profile: Profile,
    }
    let written = toml::to_string(&Holder { profile });
    let _ = write!(
        text,
        "\n# What the latencies were fitted to, how well, and the least and greatest that was seen.\n{}",
        written.unwrap_or_default()
    );
}

/// A latency on one line.
fn inline(model: &LatencyModel) -> String {
    match toml::Value::try_from(model) {
        Ok(value) => inline_value(&value),
        Err(_) => "{ fixed_ms = 0.0 }".to_owned(),
    }
}

fn inline_value(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(table) => {
            // A slope of nothing need not be said.
            let keys: Vec<String> = table
                .iter()
                .filter(|(key, value)| !(key.starts_with("per_") && value.as_float() == Some(0.0)))
                .map(|(key, value)| format!("{key} = {}", inline_value(value)))
                .collect();
            format!("{{ {} }}", keys.join(", "))
        }
        toml::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(inline_value).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    }
}

pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(plain(text)).to_string()
}

pub(super) fn several(count: u64, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "end of speech") => format!("{count} ends of speech"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_stands_on_one_line_and_is_read_back() {
        let model = LatencyModel::Correlated {
            correlation: 0.2,
            turn: 0.1,
            model: Box::new(LatencyModel::Quantiles(vec![(0.0, 10.0), (1.0, 20.5)])),
        };
        let line = inline(&model);
        assert!(!line.contains('\n'), "{line}");
        let table: toml::Table = toml::from_str(&format!("latency = {line}")).expect("TOML");
        let read: LatencyModel = table["latency"].clone().try_into().expect("a model");
        assert_eq!(read, model);
    }
}
