//! `voicesim say`: what an answer becomes before a voice speaks it, as text and as sound.

use super::{Failure, Verdict, file, given, print_plain};
use crate::audio::{SAMPLE_RATE, wav};
use crate::engine::clauses::parts;
use crate::run::saying;
use crate::scenario::Scenario;
use crate::speak::spoken_clauses;
use clap::Args;
use std::io::Read;
use std::path::PathBuf;

/// The longest text, in bytes: an hour of speech.
const TEXT_BYTES_MAX: u64 = 1 << 16;

#[derive(Debug, Args)]
pub(super) struct Say {
    /// Scenario whose [speak], [clauses] and [tts] are used; the defaults without one
    scenario: Option<PathBuf>,
    /// Text as a model writes it, up to 64 KiB; - reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: String,
    /// WAV file to write the speech to; without it the clauses are only printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Voice engine: piper, espeak, or another one that [tts] knows, in place of the scenario's
    #[arg(long, value_name = "ENGINE")]
    tts: Option<String>,
    /// Voice of the engine, in place of the scenario's
    #[arg(long, value_name = "NAME")]
    tts_voice: Option<String>,
}

impl Say {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let scenario = self.scenario()?;
        let text = self.text()?;
        if let Some(out) = &self.out {
            file::refuse_unwritable_sound("--out", out)?;
        }
        let clauses = spoken_clauses(&text, &parts(scenario.speak(), scenario.clauses()));
        let mut lines = clauses.join("\n");
        if clauses.is_empty() {
            tracing::warn!("warning: nothing of the text is spoken");
        } else {
            lines.push('\n');
        }
        print_plain(&lines);
        let Some(out) = &self.out else {
            return Ok(Verdict::Fine);
        };
        let sound = saying::say(&clauses, &scenario)?;
        wav::write_mono(out, &sound, SAMPLE_RATE)
            .map_err(|error| Failure::Unavailable(format!("--out {}: {error}", out.display())))?;
        tracing::info!(
            "{}: {:.1} s",
            out.display(),
            sound.len() as f64 / f64::from(SAMPLE_RATE)
        );
        Ok(Verdict::Fine)
    }

    fn scenario(&self) -> Result<Scenario, Failure> {
        let mut file = given::scenario_or_none(self.scenario.as_deref())?;
        if let Some(engine) = &self.tts {
            file.tts.swap(engine);
        }
        if self.tts_voice.is_some() {
            file.tts.voice.clone_from(&self.tts_voice);
        }
        file.parse().map_err(Failure::input)
    }

    fn text(&self) -> Result<String, Failure> {
        let mut text = self.text.clone();
        if text == "-" {
            text.clear();
            let mut input = std::io::stdin().lock().take(TEXT_BYTES_MAX + 1);
            let read = input.read_to_string(&mut text);
            read.map_err(|error| {
                Failure::Input(format!(
                    "--text -: {error}; give UTF-8 text on standard input"
                ))
            })?;
        }
        if text.len() as u64 > TEXT_BYTES_MAX {
            return Err(Failure::Input(
                "--text: longer than 64 KiB; give a shorter text".into(),
            ));
        }
        Ok(text)
    }
}
