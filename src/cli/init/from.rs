//! A scenario from what was imported: a simulation whose engines take as long as the trace says.

use super::super::{Failure, given, import};
use crate::event::Hop;
use crate::measure::folder::Results;
use crate::measure::ms;
use crate::record::store::is_run_folder;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Shares at which a distribution is written down.
const SHARES: [f64; 8] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0];
/// With fewer values than this the median alone is known.
const VALUES_MIN: usize = 5;
/// Calls of the caller in the simulation.
const QUESTIONS_MAX: usize = 20;

/// The text of a scenario like the conversations in `folder`.
///
/// # Errors
/// Fails if the folder holds no answered turns, or none whose parts are known.
pub(super) fn scenario(folder: &Path) -> Result<String, Failure> {
    given::as_results(folder)?;
    let mut hops: BTreeMap<Hop, Vec<f64>> = BTreeMap::new();
    let mut e2e = Vec::new();
    let folders = folders(folder)?;
    // One after the other: the histograms of thousands would take gigabytes.
    for path in &folders {
        let kept = Results::open(path).map_err(Failure::input)?;
        let rows = kept.measured().rows.iter();
        for row in rows.filter(|row| row.doubtful.is_none()) {
            e2e.extend(row.e2e_ns.map(ms));
            for (hop, span_ns) in row.hops.iter() {
                hops.entry(hop).or_default().push(ms(span_ns));
            }
        }
    }
    for values in hops.values_mut().chain([&mut e2e]) {
        values.sort_by(f64::total_cmp);
    }
    if !hops
        .keys()
        .any(|hop| [Hop::Answer, Hop::SpeechSynthesis, Hop::Transcription].contains(hop))
    {
        return Err(Failure::Input(format!(
            "{}: no answered turn in it has a part of its own for recogniser, model or voice, so there is nothing to make a scenario of; import a trace with spans: voicesim guide traces",
            folder.display()
        )));
    }
    let calls = folders.len().max(1);
    let pauses = pauses(folder)?;
    Ok(text(folder, (&hops, e2e.as_slice()), calls, &pauses))
}

/// The folder itself, or the folders of results in it.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if is_run_folder(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let unreadable = |error: std::io::Error| {
        Failure::Input(format!("cannot read {}: {error}", folder.display()))
    };
    let mut inside = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_run_folder(&path) {
            inside.push(path);
        }
    }
    inside.sort();
    Ok(inside)
}

/// Milliseconds of the pauses after which callers went on.
fn pauses(folder: &Path) -> Result<Vec<f64>, Failure> {
    let Some(record) = import::record_of(folder)? else {
        return Ok(Vec::new());
    };
    let went_on = record
        .pauses
        .iter()
        .filter(|it| it.outcome == "user_resumed");
    let mut pauses: Vec<f64> = went_on.map(|pause| pause.pause_ms.max(1.0)).collect();
    pauses.sort_by(f64::total_cmp);
    Ok(pauses)
}

fn text(
    folder: &Path,
    (hops, e2e): (&BTreeMap<Hop, Vec<f64>>, &[f64]),
    calls: usize,
    pauses: &[f64],
) -> String {
    let mut text = String::from("#:schema scenario.schema.json\n");
    let _ = writeln!(
        text,
        "# Made from {} of {} in {}. Each engine takes as long as its part of these turns\n# did; what one turn's parts have to do with each other is not in it. Not validated: compare its simulation with the\n# turns it was made from before you rely on it.\n#   voicesim simulate scenario.toml",
        several(e2e.len(), "answered turn"),
        several(calls, "conversation"),
        plain(&folder.display().to_string()),
    );
    if let Some(median) = at(e2e, 0.5) {
        let p95 = at(e2e, 0.95).unwrap_or(median);
        let _ = writeln!(
            text,
            "# Callers waited {median:.0} ms at the median, {p95:.0} ms at p95."
        );
    }
    left_over(&mut text, hops);
    let questions = (e2e.len() / calls).clamp(1, QUESTIONS_MAX);
    let _ = writeln!(
        text,
        "name = \"from-traces\"\n\n[caller]\nquestions = {questions}"
    );
    if !pauses.is_empty() {
        let _ = writeln!(
            text,
            "# From {} in which the caller went on, as the trace has them; how often they come is assumed.\npause_every_s = 6.0\npause = {}",
            several(pauses.len(), "pause"),
            distribution(pauses)
        );
    }
    let wait = hops.get(&Hop::EndpointingWait);
    let wait = wait
        .and_then(|values| at(values, 0.5))
        .filter(|ms| *ms >= 1.0);
    let source = match wait {
        Some(_) => "the median of endpointing_wait",
        None => "assumed: the trace does not tell",
    };
    let silence_ms = wait.unwrap_or(500.0).round().clamp(50.0, 5_000.0);
    let _ = writeln!(
        text,
        "\n[endpointing]\nsilence_ms = {silence_ms:.0}    # {source}"
    );
    for (table, hop, more) in [
        ("stt", Hop::Transcription, ""),
        (
            "answer",
            Hop::Answer,
            "text = \"This is what the agent answers, in about as many words as it does.\"\n",
        ),
        ("tts", Hop::SpeechSynthesis, ""),
    ] {
        let _ = writeln!(text, "\n[{table}]\nengine = \"simulated\"");
        match hops.get(&hop).filter(|values| !values.is_empty()) {
            Some(values) => {
                let _ = writeln!(
                    text,
                    "latency = {}    # {hop} of {}",
                    distribution(values),
                    several(values.len(), "turn")
                );
            }
            None => {
                let _ = writeln!(
                    text,
                    "latency = {{ fixed_ms = 1 }}    # the trace has no {hop}: it may lie in another part"
                );
            }
        }
        text.push_str(more);
    }
    text
}

/// What the scenario has no place for.
fn left_over(text: &mut String, hops: &BTreeMap<Hop, Vec<f64>>) {
    let known = [
        Hop::EndpointingWait,
        Hop::Transcription,
        Hop::Answer,
        Hop::SpeechSynthesis,
    ];
    for (hop, values) in hops {
        if let (false, Some(median)) = (known.contains(hop), at(values, 0.5)) {
            let _ = writeln!(text, "# Not in it: {hop}, {median:.0} ms at the median.");
        }
    }
}

/// The quantiles of sorted values; the median alone if there are few.
fn distribution(values: &[f64]) -> String {
    let least = values.first().copied().unwrap_or(1.0);
    let greatest = values.last().copied().unwrap_or(1.0);
    if values.len() < VALUES_MIN || greatest - least < 0.1 {
        return format!(
            "{{ fixed_ms = {:.1} }}",
            at(values, 0.5).unwrap_or(1.0).max(0.1)
        );
    }
    let points: Vec<String> = SHARES
        .iter()
        .map(|share| format!("[{share:?}, {:.1}]", at(values, *share).unwrap_or(least)))
        .collect();
    format!("{{ quantiles = [{}] }}", points.join(", "))
}

/// The value below which a share of sorted values lies.
fn at(values: &[f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = (share * last as f64).round() as usize;
    values.get(place.min(last)).copied()
}

fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn several(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
