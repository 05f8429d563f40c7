//! A turn of a run becomes a turn of a suite: suites grow from what went wrong.

use super::failed;
use crate::audio::{SAMPLE_RATE, decode, position_of, wav};
use crate::eval::append;
use crate::event::{Expect, Tick};
use crate::files;
use crate::measure::Row;
use crate::measure::folder::{MeasuredRun, Results};
use crate::record::store::RowsPer;
use crate::run::RunError;
use crate::scenario::TurnTable;
use std::path::{Path, PathBuf};

/// Sound that is kept before a turn and behind it: 0.3 s and 0.6 s.
const BEFORE: usize = SAMPLE_RATE as usize * 3 / 10;
const BEHIND: usize = SAMPLE_RATE as usize * 6 / 10;

/// A turn that is to be added.
pub struct Addition {
    /// The folder of the run.
    pub run: PathBuf,
    /// The number of the turn in the report of the run.
    pub number: u32,
    /// What is known to be right of it.
    pub turn: TurnTable,
}

/// Adds a turn to a suite: its sound, cut out of the run's recording, beside the suite, and its text. Returns where the sound
/// is. What the run's scenario knew of the turn is taken over where nothing else is given.
///
/// # Errors
/// A run without that turn or without sound, and a suite that cannot be written.
pub fn add(suite: &Path, addition: Addition) -> Result<PathBuf, RunError> {
    let Addition {
        run: path,
        number,
        mut turn,
    } = addition;
    let wrong = |reason: String| RunError::Input(format!("{}: {reason}", path.display()));
    let results = Results::open(&path).map_err(|error| RunError::Input(error.to_string()))?;
    let Results::Run(run) = results else {
        return Err(wrong(
            "a simulation has no sound; name the folder of a run or a measured call".into(),
        ));
    };
    let row = run.measured.rows.iter().find(|row| row.number == number);
    let row = row.ok_or_else(|| {
        wrong(format!(
            "it has no turn {number}; its report has {} turns",
            run.measured.rows.len()
        ))
    })?;
    known(&mut turn, &run, row);
    if turn.expect != Expect::Respond {
        return Err(wrong(format!(
            "turn {number} is spoken over an answer, and is nothing without the question before it; write both into the suite by hand, with after and delay_ms"
        )));
    }
    let sound = sound(&path, row).map_err(wrong)?;
    let folder = suite.parent().unwrap_or(Path::new("")).join("sound");
    files::create_folder(&folder).map_err(|error| failed(&folder, &error))?;
    let stem = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let name = free_name(&folder, &format!("{stem}-{number}"));
    let wav = folder.join(&name);
    wav::write_mono(&wav, &sound, SAMPLE_RATE).map_err(|error| failed(&wav, &error))?;
    turn.wav = Some(Path::new("sound").join(name));
    append(suite, &turn).map_err(|error| RunError::Input(error.to_string()))?;
    Ok(wav)
}

/// Takes over what is known of the turn.
fn known(turn: &mut TurnTable, run: &MeasuredRun, row: &Row) {
    let index = row.number.saturating_sub(1) as usize;
    let planned = match run.header.rows_per {
        RowsPer::Turn => run.scenario.file().turn.get(index),
        RowsPer::Utterance => None,
    };
    if let Some(planned) = planned {
        if turn.text.is_none() {
            turn.text = planned.text.clone().or_else(|| planned.say.clone());
        }
        let is_known = |turn: &TurnTable| {
            let lists = [&turn.answer_has, &turn.answer_has_not, &turn.answer_in];
            turn.answer_refuses || lists.iter().any(|list| !list.is_empty())
        };
        if !is_known(turn) {
            turn.answer_has.clone_from(&planned.answer_has);
            turn.answer_has_not.clone_from(&planned.answer_has_not);
            turn.answer_refuses = planned.answer_refuses;
            turn.answer_in.clone_from(&planned.answer_in);
        }
        for (label, value) in &planned.labels {
            turn.labels
                .entry(label.clone())
                .or_insert_with(|| value.clone());
        }
    }
    turn.expect = row.expect.unwrap_or(Expect::Respond);
}

/// The caller's sound of a turn.
fn sound(folder: &Path, row: &Row) -> Result<Vec<f32>, String> {
    let began = row.began.ok_or("the turn was never spoken")?;
    let path = folder.join("conversation.wav");
    let (rate, channels) = decode::read_channels(&path)
        .map_err(|error| format!("{error}; a run that keeps no sound gives no turn"))?;
    let caller = channels.into_iter().next().unwrap_or_default();
    if rate != SAMPLE_RATE {
        return Err(format!(
            "{} has {rate} Hz, and a run's recording has {SAMPLE_RATE}",
            path.display()
        ));
    }
    let place = |at: Tick| position_of(at) as usize;
    let end = row
        .caller_end
        .map_or(place(began) + SAMPLE_RATE as usize, place);
    let from = place(began).saturating_sub(BEFORE).min(caller.len());
    let to = (end + BEHIND).min(caller.len());
    match from < to {
        true => Ok(caller[from..to].to_vec()),
        false => Err("its recording ends before the turn".into()),
    }
}

/// A name for a file that is not there.
fn free_name(folder: &Path, stem: &str) -> String {
    let names = (1..).map(|nth| match nth {
        1 => format!("{stem}.wav"),
        nth => format!("{stem}-{nth}.wav"),
    });
    let mut free = names.filter(|name| !folder.join(name).exists());
    // Numbers do not end before the folder does.
    free.next().unwrap_or_default()
}
