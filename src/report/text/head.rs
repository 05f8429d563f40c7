//! What was run, on what, and what a reader should know before the figures.

use super::devices::device_notes;
use crate::measure::{Background, Measurement, ms};
use crate::record::store::Header;
use crate::report::busy;
use std::fmt::Write;

/// What the header of a recorded call names as its voice detector where Silero's did not help.
pub const EARSHOT: &str = "earshot";

pub(super) fn head(text: &mut String, header: &Header, measured: &Measurement) {
    if header.is_of_others() {
        return head_of_others(text, header, measured.is_cut_short);
    }
    text.push_str(&busy::first_line(header, measured));
    let _ = writeln!(
        text,
        "{} · {} clock · {} cores · seed {} · voicesim {}",
        header.name, header.clock, header.cores, header.seed, header.version
    );
    // The stages in the order of the path, or the speech-to-speech model in place of all of them.
    let stages = ["speech_to_text", "answer", "text_to_speech"];
    let missing = |stage: &&&str| !header.engines.contains_key(**stage);
    if stages.iter().all(|stage| missing(&stage)) {
        for (stage, name) in &header.engines {
            engine(text, stage, name);
        }
    } else {
        for stage in stages {
            let name = header.engines.get(stage).map_or("-", String::as_str);
            engine(text, stage, name);
        }
    }
    engine(text, "interruptions", &format!("policy {}", header.policy));
    engine(text, "speculation", &speculation(header));
    for note in &header.notes {
        engine(text, "note", note);
    }
    if measured.is_cut_short {
        engine(
            text,
            "note",
            "the run was stopped or killed: its record ends in the middle",
        );
    }
    if let Some(note) = background_note(&measured.background) {
        engine(text, "note", &note);
    }
    if measured.clock_lag_ns() > 0 {
        let lag = ms(measured.clock_lag_ns());
        let lag = format!("the clock was up to {lag:.0} ms late: this machine was busy");
        engine(text, "note", &lag);
    }
    for note in device_notes(&measured.devices) {
        engine(text, "note", &note);
    }
}

fn background_note(background: &Background) -> Option<String> {
    let under = background.least_under_db?;
    let times = match background.sounds {
        1 => "once a voice or music".to_owned(),
        sounds => format!("{sounds} times a voice or music"),
    };
    Some(format!(
        "{times} in the background, {under} dB under the caller or more, was not taken for the caller ([ear] hears = \"anybody\" takes all)"
    ))
}

/// The head of a measured call, or of an imported conversation.
fn head_of_others(text: &mut String, header: &Header, is_cut_short: bool) {
    let named = |engine: &str| header.engines.get(engine).map_or("-", String::as_str);
    if named("voice_activity") == EARSHOT {
        text.push_str("Silero's voice detector is not installed, so what only it could tell is doubtful: voicesim models install silero-vad\n");
    }
    let (kind, by) = match header.clock.as_str() {
        Header::TRACE => ("imported", "platform"),
        Header::PROBE => ("probe", "speech_to_text"),
        _ => ("recording", "speech_to_text"),
    };
    let _ = writeln!(
        text,
        "{} · {kind} · voicesim {}",
        header.name, header.version
    );
    engine(text, by, named(by));
    if let Some(probe) = &header.probe {
        engine(
            text,
            "agent",
            &format!("{}, {}", probe.agent, probe.protocol),
        );
        engine(text, "call", &probe.ended);
        for line in probe.lines() {
            engine(text, "call", &line);
        }
    }
    for note in &header.notes {
        engine(text, "note", note);
    }
    if is_cut_short {
        engine(
            text,
            "note",
            "the record of this call ends in the middle: what wrote it was stopped or killed",
        );
    }
}

fn engine(text: &mut String, what: &str, name: &str) {
    let _ = writeln!(text, "  {what:<15} {name}");
}

fn speculation(header: &Header) -> String {
    let asked = &header.scenario["speculation"];
    let probable = match asked["probability"].as_f64() {
        Some(least) => format!(", if the caller has finished with a probability of {least}"),
        None => String::new(),
    };
    let speaking = match asked["while_speaking_ms"].as_u64() {
        Some(every) => format!(", and every {every} ms while the caller speaks"),
        None => String::new(),
    };
    match (asked["enabled"].as_bool(), asked["after_ms"].as_u64()) {
        (Some(true), Some(after)) => format!("after {after} ms of silence{speaking}{probable}"),
        _ => "off".into(),
    }
}
