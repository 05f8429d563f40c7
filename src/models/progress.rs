//! How an installation tells what it is doing.

use crate::files::plain;
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Hears of an installation's steps. Calls come from the thread that installs.
pub trait Progress {
    /// A step starts. `bytes_total` is `None` where only its end will be known.
    fn begin(&mut self, what: &str, bytes_total: Option<u64>);
    /// `bytes_done` bytes of the step are done, counted from its beginning.
    fn advance(&mut self, bytes_done: u64);
    /// The step is over, well or not.
    fn end(&mut self);
    /// One line that people should read, such as a source that did not answer.
    fn note(&mut self, line: &str);
}

/// Tells nobody of the steps.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _what: &str, _bytes_total: Option<u64>) {}
    fn advance(&mut self, _bytes_done: u64) {}
    fn end(&mut self) {}
    fn note(&mut self, _line: &str) {}
}

/// A progress bar on standard error. Where that is not a terminal, one line for each step.
#[derive(Debug, Default)]
pub struct Bar {
    current: Option<ProgressBar>,
}

/// Says a line on stderr, with nothing in it that a terminal would act on, if anybody can hear it.
fn tell(line: &str) {
    let _ = stderr().write_all((plain(line) + "\n").as_bytes());
}

const TICK: Duration = Duration::from_millis(120);

impl Progress for Bar {
    fn begin(&mut self, what: &str, bytes_total: Option<u64>) {
        self.end();
        if !stderr().is_terminal() {
            tell(what);
            return;
        }
        let (bar, template) = match bytes_total {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{msg}  {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}"),
        };
        // A template that does not parse would cost the looks of the bar, not the installation.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(plain(what));
        bar.enable_steady_tick(TICK);
        self.current = Some(bar);
    }

    fn advance(&mut self, bytes_done: u64) {
        if let Some(bar) = &self.current {
            bar.set_position(bytes_done);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.current.take() {
            bar.finish_and_clear();
        }
    }

    fn note(&mut self, line: &str) {
        match &self.current {
            Some(bar) => bar.suspend(|| tell(line)),
            None => tell(line),
        }
    }
}
