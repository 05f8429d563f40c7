//! `voicesim classifier calibrate`: thresholds for one's own callers.

use super::file::{refuse_unwritable, write};
use super::measure::{Work, settings};
use super::recordings::recordings;
use super::{Failure, Verdict, given, print, print_json};
use crate::call::over_agent::{self, OverAgent};
use crate::call::{CallSource, VAD_THRESHOLD};
use crate::interrupt::curve::Curve;
use crate::interrupt::eval::track::seen;
use crate::interrupt::heard::Listening;
use crate::interrupt::model::{Threshold, Weights, shipped};
use crate::interrupt::overlaps::{Label, Task};
use crate::interrupt::own::{Calibrated, Labelled, calibrate};
use crate::scenario::{OwnThresholds, StopAt, Stops};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Moves the thresholds of the classifier so that no more of the other sounds stop the agent than asked for, by the
/// sounds over the agent in your own calls. What each of them was is taken from what happened next (words that ask for
/// something, or a caller who went on), or from --labels.
#[derive(Debug, Args)]
pub(super) struct Calibrate {
    /// Recordings of calls, the caller left and the agent right; folders of them; or run folders
    #[arg(required = true, value_name = "CALL|DIR")]
    calls: Vec<PathBuf>,
    /// What the sounds were: a CSV with the columns file, at_s and label (interruption, other or unclear), as
    /// --write-labels writes it
    #[arg(long, value_name = "CSV")]
    labels: Option<PathBuf>,
    /// Write the sounds and what they are taken for as a CSV, to correct it and to give it as --labels
    #[arg(long, value_name = "CSV", help_heading = "Results")]
    write_labels: Option<PathBuf>,
    /// Go by the sound alone, as for an assistant whose recogniser prints nothing while the caller speaks: faster, and no
    /// model is needed
    #[arg(long)]
    no_transcribe: bool,
    /// The share of back-channels and noises that may stop the agent, between 0 and 1
    #[arg(long, default_value_t = 0.1, value_name = "P")]
    false_stops: f64,
    /// File to write the thresholds to, for [interruption] thresholds = "FILE"
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    out: Option<PathBuf>,
    /// Draw recall against false stops, as an SVG
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    svg: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long, help_heading = "Results")]
    json: bool,
}

/// A sound of a call, and what it is taken for; `None` if that is unclear.
struct Found {
    file: String,
    sound: OverAgent,
    is_interruption: Option<bool>,
}

impl Calibrate {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        if !(self.false_stops > 0.0 && self.false_stops < 1.0) {
            return Err(Failure::Input(format!(
                "--false-stops {}: give a share between 0 and 1",
                self.false_stops
            )));
        }
        for (flag, path) in [
            ("--out", &self.out),
            ("--svg", &self.svg),
            ("--write-labels", &self.write_labels),
        ] {
            if let Some(path) = path {
                refuse_unwritable(flag, path)?;
            }
        }
        let labels = self.labels.as_deref().map(read_labels).transpose()?;
        let weights = shipped().map_err(Failure::unavailable)?;
        let mut found = self.listen(is_quiet)?;
        if let (Some(labels), Some(path)) = (&labels, &self.labels) {
            label(&mut found, labels, path)?;
        }
        if let Some(path) = &self.write_labels {
            write("--write-labels", path, &labels_of(&found)?)?;
        }
        let unclear = found.iter().filter(|found| found.is_interruption.is_none());
        let unclear = unclear.count();
        let (listening, labelled) = self.labelled(&found, weights);
        let own = calibrate(&labelled, &weights.thresholds, listening, self.false_stops);
        let own = own.map_err(|few| {
            Failure::Input(format!(
                "{few}{}",
                match (unclear, &self.write_labels) {
                    (0, _) => String::new(),
                    (_, Some(path)) => format!(
                        "; {unclear} are unclear: label them in {} and give it as --labels",
                        path.display()
                    ),
                    (_, None) => format!(
                        "; {unclear} are unclear: write them with --write-labels FILE, label them, and give it as --labels FILE"
                    ),
                }
            ))
        })?;
        if let Some(path) = &self.out {
            write("--out", path, &thresholds_file(&own)?)?;
        }
        if let Some(path) = &self.svg {
            write("--svg", path, &own.as_svg())?;
        }
        if self.json {
            print_json(&own)?;
        } else {
            print(&own.as_text());
            print(&self.told(labels.is_some(), unclear));
        }
        Ok(Verdict::Fine)
    }

    /// What the labels are from, and what to do next.
    fn told(&self, has_labels: bool, unclear: usize) -> String {
        let mut text = match has_labels {
            true => "What the sounds were is from your labels".to_owned(),
            false => "What the sounds were is taken from what happened next, which may be wrong"
                .to_owned(),
        };
        text += &match unclear {
            0 => ".\n".to_owned(),
            _ => format!("; {unclear} more are unclear, and left out.\n"),
        };
        if let Some(path) = &self.out {
            text += &format!(
                "To use them: [interruption] thresholds = {:?} in a scenario, from whose folder the path counts.\n",
                path.display().to_string()
            );
        }
        text
    }

    /// Finds the sounds over the agent in every call.
    fn listen(&self, is_quiet: bool) -> Result<Vec<Found>, Failure> {
        let mut work = Work::new(settings(VAD_THRESHOLD)?, is_quiet);
        work.transcribes = !self.no_transcribe;
        let mut found = Vec::new();
        let mut skipped = 0;
        for path in &self.calls {
            let (files, is_alone) = match path.is_dir() {
                true => (recordings(path)?, false),
                false => {
                    given::as_call(path)?;
                    (vec![path.clone()], true)
                }
            };
            if files.is_empty() {
                return Err(Failure::Input(format!(
                    "{} holds no recordings of calls; name a folder that does, or run folders whose conversation.wav was kept",
                    path.display()
                )));
            }
            for file in files {
                let name = file.display().to_string();
                let source = CallSource::Stereo {
                    path: file,
                    is_swapped: false,
                };
                let heard = match work.hear(&source, &name) {
                    Ok(heard) => heard,
                    // A folder may hold other recordings too.
                    Err(Failure::Input(problem)) if !is_alone => {
                        tracing::warn!("warning: left out: {problem}");
                        skipped += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let sounds = over_agent::sounds(&heard.floor, heard.words.as_ref());
                found.extend(sounds.into_iter().map(|sound| Found {
                    file: name.clone(),
                    is_interruption: sound.turned_out(),
                    sound,
                }));
            }
        }
        if skipped > 0 {
            tracing::warn!("warning: {skipped} recordings are left out");
        }
        Ok(found)
    }

    /// The sounds to choose by. Those of calls whose words nobody understood are left out if others have words.
    fn labelled(&self, found: &[Found], weights: &Weights) -> (Listening, Vec<Labelled>) {
        let has_words = found.iter().any(|found| found.sound.said.is_some());
        let listening = match has_words {
            true => Listening::WithWords,
            false => Listening::ActivityOnly,
        };
        let of_kind = found
            .iter()
            .filter(|found| found.sound.listening() == listening);
        let labelled = of_kind.filter_map(|found| {
            Some(Labelled {
                call: found.file.clone(),
                is_interruption: found.is_interruption?,
                seen: seen(&found.sound.replay(), listening, |heard| {
                    weights.log_odds(heard)
                }),
            })
        });
        (listening, labelled.collect())
    }
}

/// A line of a file of labels. Only the first three columns are read.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct LabelLine {
    file: String,
    at_s: f64,
    label: String,
    #[serde(default)]
    voiced_ms: String,
    #[serde(default)]
    said: String,
}

/// A sound whose onset lies so close to a label's time is meant by it.
const NEAR: f64 = 0.5;
/// The largest file of labels that is read.
const LABELS_MAX: u64 = 16 << 20;

fn read_labels(path: &Path) -> Result<Vec<(usize, LabelLine, Option<bool>)>, Failure> {
    let bad = |what: String| Failure::Input(format!("--labels {}: {what}", path.display()));
    let length = path.metadata().map_err(|error| {
        bad(format!(
            "{error}; write a file of labels with --write-labels"
        ))
    })?;
    if length.len() > LABELS_MAX {
        return Err(bad(format!(
            "longer than {} MiB; is it a file of labels?",
            LABELS_MAX >> 20
        )));
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| bad(error.to_string()))?;
    let mut labels = Vec::new();
    let mut record = csv::StringRecord::new();
    let headers = reader
        .headers()
        .map_err(|error| bad(error.to_string()))?
        .clone();
    for column in ["file", "at_s", "label"] {
        if !headers.iter().any(|header| header == column) {
            return Err(bad(format!(
                "no column {column}; the first line is file,at_s,label, as --write-labels writes it"
            )));
        }
    }
    while reader
        .read_record(&mut record)
        .map_err(|error| bad(error.to_string()))?
    {
        let line = record.position().map_or(0, |at| at.line() as usize);
        let told: LabelLine = record.deserialize(Some(&headers)).map_err(|_| {
            bad(format!(
                "line {line}: at_s is no number of seconds, or a column is missing"
            ))
        })?;
        let is_interruption = meaning(&told.label).ok_or_else(|| {
            bad(format!(
                "line {line}: there is no label {:?}; write interruption, other or unclear",
                told.label.chars().take(40).collect::<String>()
            ))
        })?;
        labels.push((line, told, is_interruption));
    }
    if labels.is_empty() {
        return Err(bad(
            "no labels in it; write one with --write-labels, and correct it".into(),
        ));
    }
    Ok(labels)
}

/// What a label says; `None` inside if it says that nothing is known.
fn meaning(label: &str) -> Option<Option<bool>> {
    match label {
        "interruption" => Some(Some(true)),
        "other" => Some(Some(false)),
        "unclear" | "" => Some(None),
        other => {
            let label = Label::ALL.into_iter().find(|label| label.name() == other)?;
            Some(Task::Wide.is_interruption(label))
        }
    }
}

/// Puts labels in place of what the sounds were taken for.
fn label(
    found: &mut [Found],
    labels: &[(usize, LabelLine, Option<bool>)],
    path: &Path,
) -> Result<(), Failure> {
    // What has no label is left out: somebody chose what to label.
    found
        .iter_mut()
        .for_each(|found| found.is_interruption = None);
    for (line, told, is_interruption) in labels {
        let is_of_file = |found: &&mut Found| is_same_file(&found.file, &told.file);
        let off = |found: &&mut Found| (found.sound.onset.as_secs_f64() - told.at_s).abs();
        let near = found.iter_mut().filter(is_of_file);
        let near = near.filter(|found| off(found) <= NEAR);
        let nearest = near.min_by(|a, b| off(a).total_cmp(&off(b)));
        match nearest {
            Some(found) => found.is_interruption = *is_interruption,
            None => {
                let of_file = found
                    .iter()
                    .filter(|found| is_same_file(&found.file, &told.file));
                let at: Vec<String> = of_file
                    .map(|found| in_s(found.sound.onset))
                    .take(8)
                    .collect();
                let known = match at.is_empty() {
                    true => {
                        "none of the calls has that name, or nobody speaks over the agent in it"
                            .to_owned()
                    }
                    false => format!("there are some at {} s", at.join(", ")),
                };
                return Err(Failure::Input(format!(
                    "--labels {}: line {line}: no sound over the agent at {} s in {}; {known}",
                    path.display(),
                    told.at_s,
                    told.file
                )));
            }
        }
    }
    Ok(())
}

/// Whether a label's file is this recording: by its path, or by its end.
fn is_same_file(path: &str, named: &str) -> bool {
    !named.is_empty() && Path::new(path).ends_with(named)
}

fn in_s(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

fn labels_of(found: &[Found]) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for found in found {
        let line = LabelLine {
            file: found.file.clone(),
            at_s: (found.sound.onset.as_secs_f64() * 1e3).round() / 1e3,
            label: match found.is_interruption {
                Some(true) => "interruption",
                Some(false) => "other",
                None => "unclear",
            }
            .to_owned(),
            voiced_ms: found.sound.voiced().as_millis().to_string(),
            said: found.sound.said.clone().unwrap_or_default(),
        };
        writer.serialize(line).map_err(Failure::unavailable)?;
    }
    let bytes = writer.into_inner().map_err(Failure::unavailable)?;
    String::from_utf8(bytes).map_err(Failure::unavailable)
}

/// The file that a scenario names.
fn thresholds_file(own: &Calibrated) -> Result<String, Failure> {
    let all = |thresholds: &[Threshold]| -> Vec<StopAt> {
        let one = |it: &Threshold| StopAt {
            at_s: it.at_s,
            stop: it.stop,
        };
        thresholds.iter().map(one).collect()
    };
    let stops = |curve: &Curve| Stops {
        stops: curve.stops,
        events: curve.events,
        after_ms: curve.after_ms.clone(),
    };
    let [interruption, backchannel] = &own.curves;
    let file = OwnThresholds {
        schema: OwnThresholds::SCHEMA.into(),
        rests_on: format!(
            "{} interruptions and {} other sounds over the agent in {} calls, {}; moved by {:+.2} log-odds for at most {} false stops",
            own.own.recall.of, own.own.false_stops.of, own.calls, own.listening, own.moved, own.aim
        ),
        interruption: stops(interruption),
        backchannel: stops(backchannel),
        with_words: all(&own.thresholds.with_words),
        before_words: all(&own.thresholds.before_words),
        activity_only: all(&own.thresholds.activity_only),
    };
    let text = toml::to_string(&file).map_err(Failure::unavailable)?;
    Ok(format!(
        "# Thresholds of the interruption classifier, by `voicesim classifier calibrate`.\n{text}"
    ))
}
