//! What the sound devices of a live session did.

use crate::measure::{Devices, ms};

/// Notes on the sound devices of a live session.
pub(in crate::report) fn device_notes(devices: &Devices) -> Vec<String> {
    let mut notes = Vec::new();
    for (direction, device) in &devices.used {
        let mut note = format!("{direction} {} at {} Hz", device.name, device.rate);
        if let Some(ppm) = device.drift_ppm {
            note += &format!(", {ppm:+.0} ppm off the clock");
        }
        if device.lost_ns > 0 {
            note += &format!(", {:.0} ms of sound got lost", ms(device.lost_ns));
        }
        if device.xruns > 0 {
            note += &format!(", {} over- or underruns", device.xruns);
        }
        if device.times_lost > 0 {
            note += &format!(", gone {}x", device.times_lost);
        }
        notes.push(note);
    }
    if let Some(echo) = devices.echo {
        notes.push(format!(
            "the agent came back through the microphone at {:.0} dB after {:.0} ms",
            echo.level_db,
            ms(echo.delay_ns)
        ));
    }
    notes
}
