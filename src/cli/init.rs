//! `voicesim init`: a scenario to start from.

use super::{Failure, Verdict, print};
use clap::Args;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Folder to write scenario.toml into
    #[arg(default_value = ".")]
    folder: PathBuf,
}

const SCENARIO: &str = include_str!("init.toml");

impl Init {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let path = self.folder.join("scenario.toml");
        let fault = |error: std::io::Error| {
            Failure::Input(format!(
                "cannot write {}: {error}; move it away, or name another folder",
                path.display()
            ))
        };
        fs::create_dir_all(&self.folder).map_err(fault)?;
        fs::File::create_new(&path)
            .and_then(|mut file| file.write_all(SCENARIO.as_bytes()))
            .map_err(fault)?;
        print(&format!(
            "wrote {path}; run it with: voicesim run {path}\n",
            path = path.display()
        ));
        Ok(Verdict::Fine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_scenario_to_start_from_is_one() {
        crate::scenario::parse(Path::new("init.toml"), SCENARIO).expect("a scenario");
    }
}
