//! CAF, Apple's Core Audio Format, as far as its sound is plain. What comes in packets is left to symphonia.

use super::chunks::{Chunks, Style};
use super::layout::{Coding, Declared, Format, Layout, Order};
use super::source::Source;
use crate::audio::AudioError;

/// Reads the chunks of a file; `None` if its sound comes in packets.
pub(super) fn layout(source: &mut Source) -> Result<Option<Layout>, AudioError> {
    let mut chunks = Chunks::from(Style::Caf, 8);
    let (mut format, mut data) = (None, Vec::new());
    while let Some(chunk) = chunks.next(source)? {
        match &chunk.name {
            b"desc" => {
                let Some(description) = source.at(chunk.start)? else {
                    break;
                };
                format = match parse(source, description)? {
                    None => return Ok(None),
                    parsed => parsed,
                };
            }
            b"data" => {
                // Behind a count of edits. A size of -1 is one that was left open.
                let start = chunk.start + 4;
                let is_left_open = chunk.bytes > i64::MAX as u64 || chunk.bytes == 0;
                let bytes = (!is_left_open).then(|| chunk.bytes.saturating_sub(4));
                data.push(Declared { start, bytes });
                if is_left_open {
                    break;
                }
            }
            _ => {}
        }
    }
    match format {
        None => Err(source.damaged("it has no desc chunk")),
        _ if data.is_empty() => Err(source.damaged("it has no data chunk")),
        format => Layout::new(source, format, &data).map(Some),
    }
}

/// Reads a description; `None` if it is of packets.
fn parse(source: &Source, description: [u8; 32]) -> Result<Option<Format>, AudioError> {
    let [
        rate @ ..,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
    ] = description;
    let (fields, _) = description.as_chunks::<4>();
    let field = |at: usize| fields.get(at).map_or(0, |bytes| u32::from_be_bytes(*bytes));
    // What is no 32-bit number becomes the nearest one, which is refused as a rate.
    let rate = f64::from_be_bytes(rate) as u32;
    let name = description.get(8..12).unwrap_or_default();
    let (flags, channels, bits) = (field(3), field(6), field(7));
    let Ok(channels) = u16::try_from(channels) else {
        return Err(source.damaged(&format!("its header declares {channels} channels")));
    };
    let (is_float, is_little) = (flags & 1 != 0, flags & 2 != 0);
    let order = if is_little { Order::Little } else { Order::Big };
    let coding = match (name, is_float, bits.div_ceil(8)) {
        (b"lpcm", false, bytes @ 1..=4) => Coding::Integer(bytes as u16),
        (b"lpcm", true, bytes @ (4 | 8)) => Coding::Float(bytes as u16),
        (b"ulaw", ..) => Coding::MuLaw,
        (b"alaw", ..) => Coding::ALaw,
        (b"ima4", ..) => return no_channels(source, Format::apple_adpcm(channels, rate)),
        (b"lpcm", ..) => {
            return Err(
                source.unsupported(format!("CAF samples of {bits} bits, which are not read"))
            );
        }
        _ => return Ok(None),
    };
    no_channels(source, Format::plain(coding, order, channels, rate))
}

fn no_channels(source: &Source, format: Option<Format>) -> Result<Option<Format>, AudioError> {
    match format {
        None => Err(AudioError::NoChannels {
            path: source.path.to_owned(),
        }),
        format => Ok(format),
    }
}
