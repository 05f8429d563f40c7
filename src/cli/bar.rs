//! How far a long piece of work has come, for who watches a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A progress bar on standard error, where that is a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(what: &str, is_quiet: bool) -> Bar {
        let bar = match std::io::stderr().is_terminal() && !is_quiet {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        // A template that does not parse would cost the looks of the bar, not the report.
        if let Ok(style) = ProgressStyle::with_template("{msg}  {bar:30} {pos}/{len} s  {eta} left")
        {
            bar.set_style(style);
        }
        bar.set_message(crate::files::plain(what));
        Bar(bar)
    }

    /// A bar over the bytes of a file.
    pub(super) fn of_bytes(what: &str, is_quiet: bool) -> Bar {
        let bar = Bar::new(what, is_quiet);
        let template = "{msg}  {bar:30} {bytes}/{total_bytes}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.0.set_style(style);
        }
        bar
    }

    /// A bar over conversations.
    pub(super) fn of_conversations(what: &str, is_quiet: bool) -> Bar {
        let bar = Bar::new(what, is_quiet);
        let template = "{msg}  {bar:30} {pos}/{len} conversations  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.0.set_style(style);
        }
        bar
    }

    pub(super) fn show_count(&mut self, done: usize, all: usize) {
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
    }

    pub(super) fn show_bytes(&mut self, done: u64, whole: u64) {
        self.0.set_length(whole);
        self.0.set_position(done);
    }

    pub(super) fn show(&mut self, done_s: f64, whole_s: Option<f64>) {
        if let Some(whole) = whole_s {
            self.0.set_length(whole as u64);
        }
        self.0.set_position(done_s as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
