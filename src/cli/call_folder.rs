//! What the folder of a measured call holds besides its events: what it was measured from, and its worst moments.

use super::{Failure, clocks, rederive};
use crate::call::{self, CallSource, Tracks};
use crate::event::Tick;
use crate::measure::{self, Measurement};
use crate::record::store::{KeepAudio, Recording};
use std::path::Path;

/// Keeps on record what was measured and how. Who speaks on one channel is not, so that cannot be measured again.
pub(super) fn keep_recording(
    source: &CallSource,
    folder: &Path,
    transcribes: bool,
    silero: bool,
) -> Result<(), Failure> {
    let (is_swapped, clocks) = match source {
        CallSource::Stereo { is_swapped, .. } => (*is_swapped, None),
        CallSource::Two { clocks, .. } => (false, clocks::said_of(*clocks)),
        CallSource::Mixed { .. } => return Ok(()),
    };
    let recording = Recording {
        schema: Recording::SCHEMA.into(),
        files: rederive::files(source, folder)?,
        is_swapped,
        clocks,
        transcribes,
        silero,
    };
    recording.write(folder).map_err(Failure::unavailable)
}

/// Keeps how loud a call is, and the sound of its worst moments if sound may be kept.
pub(super) fn keep_moments(
    source: &CallSource,
    folder: &Path,
    (measured, tracks): (&Measurement, &Tracks),
    audio: KeepAudio,
) -> Result<(), Failure> {
    let length = Tick::from_ms(tracks.length_ms() as u64);
    let spans = measure::worst(&measured.rows, length);
    Ok(call::moments::keep(
        source,
        &spans,
        audio,
        folder,
        &mut |_, _| {},
    )?)
}
