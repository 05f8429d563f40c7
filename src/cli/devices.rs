//! `voicesim devices`: which microphones and speakers there are.

use super::{Failure, Verdict, print_json, print_plain};
use crate::audio::device::{self, Listed};
use crate::report::table::{plain, trimmed};
use clap::Args;
use comfy_table::CellAlignment;

#[derive(Debug, Args)]
pub(super) struct Devices {
    /// Print the devices as one JSON document
    #[arg(long)]
    json: bool,
}

impl Devices {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let devices = device::list();
        if self.json {
            print_json(&serde_json::json!({
                "schema": "voicesim.devices/1",
                "devices": devices,
            }))?;
        } else {
            print_plain(&text(&devices));
        }
        Ok(Verdict::Fine)
    }
}

fn text(devices: &[Listed]) -> String {
    if devices.is_empty() {
        return "No sound devices, and no sound server. Plug one in, or start PulseAudio or PipeWire.\n"
            .into();
    }
    let mut table = plain(&["", "device", "rate", "channels", "name", "opens"]);
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Left);
    }
    for device in devices {
        let mark = if device.is_default { "*" } else { "" };
        table.add_row([
            format!("{} {mark}", device.direction),
            device.id.clone(),
            device
                .rate
                .map_or_else(|| "?".into(), |rate| format!("{rate} Hz")),
            device
                .channels
                .map_or_else(|| "?".into(), |count| count.to_string()),
            device.name.clone(),
            match &device.fault {
                None => "yes".into(),
                Some(fault) => format!("no: {fault}"),
            },
        ]);
    }
    format!(
        "{}\n\n* is used unless another one is named: voicesim run --mic --input DEVICE --output DEVICE\n",
        trimmed(&table)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Direction;

    #[test]
    fn a_device_that_cannot_be_opened_says_why() {
        let listed = |id: &str, fault: Option<&str>| Listed {
            direction: Direction::Input,
            id: id.into(),
            name: "Some card".into(),
            is_default: fault.is_none(),
            rate: fault.is_none().then_some(48_000),
            channels: fault.is_none().then_some(2),
            fault: fault.map(str::to_owned),
        };
        let devices = [
            listed("pulseaudio:mic", None),
            listed("alsa:default", Some("Connection refused (111)")),
        ];
        insta::assert_snapshot!(text(&devices));
        assert!(text(&[]).contains("No sound devices"));
    }
}
