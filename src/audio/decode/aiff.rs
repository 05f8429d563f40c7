//! AIFF and AIFF-C, Apple's older sound files.

use super::chunks::{Chunks, Style};
use super::layout::{Coding, Declared, Format, Layout, Order};
use super::source::Source;
use crate::audio::AudioError;

/// Reads the chunks of a file: COMM says what the samples are, SSND holds them.
pub(super) fn layout(source: &mut Source) -> Result<Layout, AudioError> {
    let is_compressed = source.at(8)? == Some(*b"AIFC");
    let mut chunks = Chunks::from(Style::Padded(Order::Big), 12);
    let (mut format, mut data) = (None, Vec::new());
    while let Some(chunk) = chunks.next(source)? {
        match &chunk.name {
            b"COMM" => format = Some(parse(source, chunk.start, is_compressed)?),
            b"SSND" => {
                let Some([a, b, c, d]) = source.at(chunk.start)? else {
                    break;
                };
                let offset = 8 + u64::from(u32::from_be_bytes([a, b, c, d]));
                let start = chunk.start.saturating_add(offset);
                let found = source.bytes.saturating_sub(chunk.start);
                let is_left_open =
                    chunk.bytes == 0 || chunk.bytes > found && chunk.bytes >= 0x7FFF_0000;
                let bytes = (!is_left_open).then(|| chunk.bytes.saturating_sub(offset));
                data.push(Declared { start, bytes });
                if is_left_open {
                    break;
                }
            }
            _ => {}
        }
    }
    match format {
        None => Err(source.damaged("it has no COMM chunk")),
        _ if data.is_empty() => Err(source.damaged("it has no SSND chunk")),
        Some(format) => Layout::new(source, format, &data),
    }
}

/// Reads a COMM chunk; `None` if it declares no channel.
fn parse(
    source: &mut Source,
    start: u64,
    is_compressed: bool,
) -> Result<Option<Format>, AudioError> {
    let (common, coding) = match is_compressed {
        true => (source.at::<18>(start)?, source.at(start + 18)?),
        false => (source.at::<18>(start)?, Some(*b"NONE")),
    };
    let Some(([c1, c2, _, _, _, _, b1, b2, rate @ ..], name)) = common.zip(coding) else {
        return Err(source.damaged("its COMM chunk is too short"));
    };
    let channels = u16::from_be_bytes([c1, c2]);
    let rate = whole_number(rate);
    let bits = u16::from_be_bytes([b1, b2]);
    let (coding, order) = match (&name, bits.div_ceil(8)) {
        (b"NONE" | b"twos", bytes @ 1..=4) => (Coding::Integer(bytes), Order::Big),
        (b"sowt", bytes @ 1..=4) => (Coding::Integer(bytes), Order::Little),
        (b"raw ", 1) => (Coding::Unsigned, Order::Big),
        (b"in24", _) => (Coding::Integer(3), Order::Big),
        (b"42ni", _) => (Coding::Integer(3), Order::Little),
        (b"in32", _) => (Coding::Integer(4), Order::Big),
        (b"23ni", _) => (Coding::Integer(4), Order::Little),
        (b"fl32" | b"FL32", _) => (Coding::Float(4), Order::Big),
        (b"fl64" | b"FL64", _) => (Coding::Float(8), Order::Big),
        (b"ulaw" | b"ULAW", _) => (Coding::MuLaw, Order::Big),
        (b"alaw" | b"ALAW", _) => (Coding::ALaw, Order::Big),
        (b"ima4", _) => return Ok(Format::apple_adpcm(channels, rate)),
        _ => {
            return Err(source.unsupported(format!(
                "an AIFF coding that is not read ({}, {bits} bits)",
                name.escape_ascii()
            )));
        }
    };
    Ok(Format::plain(coding, order, channels, rate))
}

/// A number of 80 bits as the 68881 had them: a sign, 15 bits of exponent, and 64 of the fraction with its leading
/// one. 0 if it is negative or no 32-bit number.
fn whole_number([e1, e2, f @ ..]: [u8; 10]) -> u32 {
    let exponent = u32::from(u16::from_be_bytes([e1, e2]));
    let fraction = u64::from_be_bytes(f);
    let shift = (16_383 + 63_u32).checked_sub(exponent);
    let number = shift.and_then(|shift| fraction.checked_shr(shift));
    number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(0)
}
