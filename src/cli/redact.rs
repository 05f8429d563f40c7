//! `voicesim redact`: takes what people said out of results, while their figures stay.

use super::page::Kept;
use super::{Failure, Verdict, print};
use crate::measure::folder::{Folder, Results};
use crate::record::store::{Taken, redact};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Redact {
    /// Folder of a run or a measured call, or a folder of such folders
    folder: PathBuf,
    /// Take out sound alone; sound and words unless given
    #[arg(long)]
    sound: bool,
    /// Take out words alone; sound and words unless given
    #[arg(long)]
    words: bool,
    /// A page of this folder to make again; pages inside of it are made again unasked
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Redact {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let taken = match (self.sound, self.words) {
            (false, false) => Taken {
                sound: true,
                words: true,
            },
            (sound, words) => Taken { sound, words },
        };
        let folder = Folder::open(&self.folder).map_err(Failure::input)?;
        for results in folder.all() {
            let Results::Run(run) = results else {
                return Err(Failure::Input(format!(
                    "{} is a simulation, in which nobody spoke: the words in it are those of its scenario; name the folder of a run or a measured call",
                    results.path().display()
                )));
            };
            redact(&run.path, taken, run.measured.figures_of_words())?;
        }
        let mut pages = pages_in(&self.folder);
        for results in folder.all() {
            if results.path() != self.folder {
                pages.extend(pages_in(results.path()));
            }
        }
        for page in &pages {
            let around = page.parent().unwrap_or(&self.folder);
            write_page(around, page)?;
        }
        if let Some(page) = &self.html {
            write_page(&self.folder, page)?;
        }
        let what = match (taken.sound, taken.words) {
            (true, false) => "sound",
            (false, true) => "words",
            _ => "sound and words",
        };
        let pages = pages.len() + usize::from(self.html.is_some());
        print(&format!(
            "took {what} out of {} ({} made again); pages and exports elsewhere, and the recordings themselves, stay as they are\n",
            self.folder.display(),
            match pages {
                0 => "no page".to_owned(),
                1 => "1 page".to_owned(),
                pages => format!("{pages} pages"),
            }
        ));
        Ok(Verdict::Fine)
    }
}

/// Pages that lie in a folder.
fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let is_page = |path: &PathBuf| path.extension().is_some_and(|end| end == "html");
    entries.map(|entry| entry.path()).filter(is_page).collect()
}

fn write_page(folder: &Path, page: &Path) -> Result<(), Failure> {
    Kept::In(folder.to_owned()).write_page(page, &crate::report::calls::folder_name(folder), |_| {})
}
