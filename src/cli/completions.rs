//! `voicesim completions` and `voicesim man`: the command line as shells and `man` know it.

use super::file::unwritable;
use super::{Arguments, Failure, Verdict, print, print_drawn};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::fs;
use std::io;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell that is to complete commands and flags
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let mut script = Vec::new();
        let mut command = Arguments::command();
        clap_complete::generate(self.shell, &mut command, "voicesim", &mut script);
        print_drawn(&String::from_utf8_lossy(&script));
        Ok(Verdict::Fine)
    }
}

#[derive(Debug, Args)]
pub(super) struct Manual {
    /// Folder to write a page for each command into; without it, the page of voicesim itself is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Manual {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let Some(folder) = self.folder else {
            let mut page = Vec::new();
            let written = clap_mangen::Man::new(Arguments::command()).render(&mut page);
            written.map_err(Failure::unavailable)?;
            print_drawn(&String::from_utf8_lossy(&page));
            return Ok(Verdict::Fine);
        };
        let fault = |error: io::Error| unwritable(&format!("man {}", folder.display()), &error);
        fs::create_dir_all(&folder).map_err(fault)?;
        clap_mangen::generate_to(Arguments::command(), &folder).map_err(fault)?;
        print(&format!(
            "wrote the pages into {folder}; read one with: man -l {folder}/voicesim.1\n",
            folder = folder.display()
        ));
        Ok(Verdict::Fine)
    }
}
