//! The page of a folder of results, for every command that writes one.

use super::Failure;
use super::file::write;
use super::signals::before_the_end;
use crate::measure::folder::{Folder, Results};
use crate::measure::labels::{self, LabelTable};
use crate::measure::segments::{self, SEGMENTS_MAX, Segments};
use crate::report::calls::Calls;
use crate::report::html::{self, Place};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A page of more turns tells none of them apart unasked: all would have to be held at once.
const TURNS_OF_PAGE_MAX: u64 = 2_000_000;

/// Where results go that a page is to be made of: the folder that was asked for, or one that is deleted with this.
pub(super) enum Kept {
    In(PathBuf),
    For(TempDir),
}

impl Kept {
    /// The folder `out`, or a fresh one if a page is wanted; `None` if nothing is to be kept.
    pub(super) fn of(out: Option<&Path>, html: Option<&Path>) -> Result<Option<Kept>, Failure> {
        match (out, html) {
            (None, None) => Ok(None),
            (None, Some(_)) => Kept::fresh("--html").map(Some),
            (Some(out), _) => Ok(Some(Kept::In(out.to_owned()))),
        }
    }

    /// The folder `out`, or a fresh one.
    pub(super) fn of_or_fresh(out: Option<&Path>) -> Result<Kept, Failure> {
        match out {
            Some(out) => Ok(Kept::In(out.to_owned())),
            None => Kept::fresh("--out"),
        }
    }

    /// A folder that is deleted with this; `flag` is what it is made for.
    fn fresh(flag: &str) -> Result<Kept, Failure> {
        let fresh = tempfile::Builder::new().prefix("voicesim-").tempdir();
        fresh.map(Kept::For).map_err(|error| {
            Failure::Unavailable(format!(
                "{flag}: no folder can be made for the results meanwhile: {error}; keep them with --out DIR"
            ))
        })
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Kept::In(path) => path,
            Kept::For(folder) => folder.path(),
        }
    }

    /// Deletes the folder also if the program is ended before it is done, unless the folder stays: it holds what was
    /// said.
    pub(super) fn delete_at_the_end(&self) {
        if let Kept::For(folder) = self {
            let folder = folder.path().to_owned();
            before_the_end(move || {
                // What cannot be deleted now is left to the system's own cleaning.
                let _ = std::fs::remove_dir_all(&folder);
            });
        }
    }

    /// The folder, if it stays.
    pub(super) fn staying(&self) -> Option<&Path> {
        match self {
            Kept::In(path) => Some(path),
            Kept::For(_) => None,
        }
    }

    /// Writes the page of what was kept, as `voicesim report --html` does; `name` is what several results are called,
    /// and `change` has its way with the figures first.
    pub(super) fn write_page(
        &self,
        path: &Path,
        name: &str,
        change: impl FnOnce(&mut Folder),
    ) -> Result<(), Failure> {
        let mut folder = Folder::open(self.path()).map_err(Failure::input)?;
        change(&mut folder);
        let shown = segments(folder.all(), None)?;
        match folder {
            Folder::One(one) => of_one(path, &one, &shown, self.staying()),
            Folder::Several(several) => match calls(name, several) {
                Some(calls) => of_calls(path, &calls, &shown),
                None => Err(Failure::Input(format!(
                    "--html {}: there are no calls to make a page of",
                    path.display()
                ))),
            },
        }
    }
}

/// Runs as calls, the worst first; `None` if there are none.
pub(super) fn calls(name: &str, several: Vec<Results>) -> Option<Calls> {
    let run = |kept| match kept {
        Results::Run(run) => Some(*run),
        Results::Simulation(_) => None,
    };
    Calls::of(name, several.into_iter().filter_map(run).collect())
}

/// Turns by every label that a page shows them by.
pub(super) fn segments(
    all: &[Results],
    table: Option<&LabelTable>,
) -> Result<Vec<Segments>, Failure> {
    let mut shown = Vec::new();
    let turns: u64 = all.iter().map(|kept| kept.measured().turns).sum();
    if turns <= TURNS_OF_PAGE_MAX {
        for label in labels::labels(all, table) {
            // A label with too many values is left out of a page that nobody asked it for.
            if let Ok(segments) = by(all, &label, table)
                && segments.segments.len() > 1
            {
                shown.push(segments);
            }
        }
    }
    Ok(shown)
}

/// Turns by a label.
pub(super) fn by(
    all: &[Results],
    label: &str,
    table: Option<&LabelTable>,
) -> Result<Segments, Failure> {
    let turns = labels::placed(all, label, table).map_err(Failure::input)?;
    segments::refuse_many(&turns).map_err(|many| {
        Failure::Input(format!(
            "--by {label}: {many} different values are names, not segments; give a label with up to {SEGMENTS_MAX}"
        ))
    })?;
    Ok(Segments::of(label, &turns))
}

/// Writes the page of one run or simulation, which is kept in `folder` if it stays.
pub(super) fn of_one(
    path: &Path,
    kept: &Results,
    shown: &[Segments],
    folder: Option<&Path>,
) -> Result<(), Failure> {
    let place = Place {
        page: path.parent().unwrap_or_else(|| Path::new("")),
        folder,
    };
    let page = match kept {
        Results::Run(run) => {
            let events = run.events().map_err(Failure::input)?;
            html::of_run(run, &events, shown, &place)
        }
        Results::Simulation(of) => html::of_simulation(of, shown, &place),
    };
    write("--html", path, &page.map_err(Failure::unavailable)?)
}

/// Writes the page of several runs.
pub(super) fn of_calls(path: &Path, calls: &Calls, shown: &[Segments]) -> Result<(), Failure> {
    let Calls { header, all, calls } = calls;
    let page = html::of_calls(header, all, calls, shown).map_err(Failure::unavailable)?;
    write("--html", path, &page)
}
