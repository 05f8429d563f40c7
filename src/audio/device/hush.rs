//! Keeps sound libraries quiet, which complain on standard error about devices that nobody asked for.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

/// While it lives, standard error leads nowhere.
pub struct Hush(Option<OwnedFd>);

impl Hush {
    /// Has standard error lead nowhere, if the operating system lets it.
    pub fn new() -> Hush {
        let _ = std::io::stderr().flush();
        let kept = rustix::io::dup(rustix::stdio::stderr()).ok();
        let nowhere = File::options().write(true).open("/dev/null");
        Hush(match nowhere {
            Ok(nowhere) => kept.filter(|_| rustix::stdio::dup2_stderr(nowhere).is_ok()),
            Err(_) => None,
        })
    }
}

impl Default for Hush {
    fn default() -> Hush {
        Hush::new()
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        if let Some(kept) = &self.0 {
            let _ = rustix::stdio::dup2_stderr(kept);
        }
    }
}
