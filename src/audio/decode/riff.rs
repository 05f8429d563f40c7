//! WAV in all its containers: RIFF, RIFX (the high byte first), RF64 and BW64 (large files), and Sony's Wave64.
//!
//! Headers are read here rather than by symphonia, whose WAV reader takes a data size of 0 for silence, refuses
//! more than 26 channels and µ-law without its optional two bytes, and multiplies hostile channel counts until
//! they overflow.

use super::chunks::{Chunk, Chunks, Style, is_known};
use super::layout::{Coding, Declared, Format, Layout, Order};
use super::source::Source;
use crate::audio::AudioError;

/// Bytes of a `fmt ` chunk that mean something to us: WAVEFORMATEXTENSIBLE up to its sub-format.
const FMT_BYTES_MAX: u64 = 40;

/// The first 16 bytes of a Wave64 file.
pub(super) const WAVE64: &[u8; 16] = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00";

/// Samples that LAME, the usual MP3 encoder, puts in front, with what every decoder adds.
const LAME_DELAY: u32 = 576 + 529;

/// Reads the header of a WAV file. The size of the RIFF chunk is not looked at: writers that were killed leave it
/// wrong.
pub(super) fn layout(source: &mut Source) -> Result<Layout, AudioError> {
    let (style, order, first) = match &source.at(0)?.unwrap_or_default() {
        b"riff" => (Style::Wave64, Order::Little, 40),
        b"RIFX" => (Style::Padded(Order::Big), Order::Big, 12),
        _ => (Style::Padded(Order::Little), Order::Little, 12),
    };
    let mut chunks = Chunks::from(style, first);
    let mut format = None;
    let mut large_data_bytes = None;
    let mut data = Vec::new();
    while let Some(chunk) = chunks.next(source)? {
        match &chunk.name {
            b"fmt " if format.is_some() => return Err(source.damaged("it has two fmt chunks")),
            b"fmt " => {
                let fmt = source.up_to(chunk.start, chunk.bytes.min(FMT_BYTES_MAX))?;
                format = Some(parse(&fmt, order, source)?);
            }
            b"ds64" => {
                let sizes: Option<[u8; 16]> = source.at(chunk.start)?;
                large_data_bytes = sizes.map(|[.., a, b, c, d, e, f, g, h]| {
                    u64::from_le_bytes([a, b, c, d, e, f, g, h])
                });
            }
            b"data" => {
                let start = chunk.start;
                let bytes = match (style, large_data_bytes) {
                    (Style::Padded(_), Some(bytes)) if chunk.bytes == u64::from(u32::MAX) => {
                        Some(bytes)
                    }
                    _ => data_bytes(&chunk, style, source)?,
                };
                data.push(Declared { start, bytes });
                if bytes.is_none() {
                    break;
                }
            }
            _ => {}
        }
    }
    let format = match (format, data.first()) {
        (_, None) => return Err(source.damaged("it has no data chunk")),
        (None, _) => return Err(source.damaged("it has no fmt chunk")),
        (Some(format), Some(first)) => with_mp3_delay(format, first, source)?,
    };
    Layout::new(source, Some(format), &data)
}

/// The size of a data chunk; `None` if it is one that writers leave who cannot seek back: 0 (killed), 0xFFFFFFFF
/// (ffmpeg), just under or at 2 GiB (sox, espeak-ng), or a Wave64's largest.
fn data_bytes(chunk: &Chunk, style: Style, source: &mut Source) -> Result<Option<u64>, AudioError> {
    let found = source.bytes.saturating_sub(chunk.start);
    let is_left_open = match (chunk.bytes, style) {
        // An empty chunk, if another one follows.
        (0, _) => !source.at(chunk.start)?.is_some_and(|name| is_known(&name)),
        (bytes, Style::Wave64) => bytes > found && bytes > i64::MAX as u64 / 2,
        (0xFFFF_0000..=0xFFFF_FFFF, _) => true,
        (bytes, _) => bytes > found && (0x7FFF_0000..=0x8000_0000).contains(&bytes),
    };
    Ok((!is_left_open).then_some(chunk.bytes))
}

/// Reads a WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE structure (Microsoft's mmreg.h).
fn parse(fmt: &[u8], order: Order, source: &Source) -> Result<Format, AudioError> {
    let field = |at: usize| Some(order.u16([*fmt.get(at)?, *fmt.get(at + 1)?]));
    let rate: Option<[u8; 4]> = fmt.get(4..8).and_then(|bytes| bytes.try_into().ok());
    let (Some(tag), Some(channels), Some(rate), Some(align), Some(bits)) =
        (field(0), field(2), rate, field(12), field(14))
    else {
        return Err(source.damaged("its fmt chunk is too short"));
    };
    let rate = order.u32(rate);
    if channels == 0 {
        return Err(AudioError::NoChannels {
            path: source.path.to_owned(),
        });
    }
    let tag = match (tag, field(24)) {
        (0xFFFE, Some(sub_format)) => sub_format,
        _ => tag,
    };
    // The container of an odd width, such as 20 bits, is given by the block; some writers leave that at 0.
    let sample_bytes = match (align / channels, bits.div_ceil(8)) {
        (_, bytes) if align % channels != 0 => bytes,
        (container, bytes) => container.max(bytes),
    };
    let coding = match (tag, sample_bytes) {
        (1, 1) => Coding::Unsigned,
        (1, 2..=4) => Coding::Integer(sample_bytes),
        (3, 4 | 8) => Coding::Float(sample_bytes),
        (6, 1) => Coding::ALaw,
        (7, 1) => Coding::MuLaw,
        (2, _) => Coding::AdpcmMicrosoft,
        (0x11, _) => Coding::AdpcmIma,
        (0x31, _) if channels == 1 => Coding::Gsm,
        // MPEGLAYER3WAVEFORMAT says how many samples of delay there are, in its last field.
        (0x55, _) => Coding::Mp3 {
            delay: field(28).map_or(LAME_DELAY, u32::from),
        },
        _ => {
            let known = name_of(tag).map_or(String::new(), |name| format!("{name}, "));
            return Err(source.unsupported(format!(
                "a WAV coding that is not read ({known}tag {tag:#06x}, {bits} bits)"
            )));
        }
    };
    let (block_bytes, block_frames) = match coding {
        Coding::AdpcmMicrosoft | Coding::AdpcmIma => {
            let frames = adpcm_block_frames(coding, align, channels);
            let frames = frames
                .ok_or_else(|| source.damaged("its ADPCM blocks are too small, or not stereo"))?;
            (u32::from(align), frames)
        }
        Coding::Gsm => (
            super::gsm::BLOCK_BYTES as u32,
            super::gsm::BLOCK_SAMPLES as u32,
        ),
        Coding::Mp3 { .. } => (1, 0),
        _ => (u32::from(channels) * u32::from(sample_bytes), 1),
    };
    Ok(Format {
        coding,
        order,
        channels,
        rate,
        block_bytes,
        block_frames,
    })
}

/// What a coding that is not read is called.
fn name_of(tag: u16) -> Option<&'static str> {
    Some(match tag {
        0x0022 => "TrueSpeech",
        0x0031 => "GSM 06.10 of several channels",
        0x0040 | 0x0045 | 0x0064 | 0x0085 => "G.726",
        0x0042 | 0x0111 => "G.723.1",
        0x0050 => "MPEG layer 2",
        0x0065 | 0x028F => "G.722",
        0x0083 => "G.729",
        0x00FF | 0x1600 | 0x1610 => "AAC",
        0x0161..=0x0163 => "Windows Media Audio",
        0xA109 => "Speex",
        0x704F => "Opus",
        _ => return None,
    })
}

/// Samples of one channel in a block of 4-bit ADPCM: what follows a header of 7 bytes a channel with two samples
/// (Microsoft) or of 4 bytes with one (IMA), plus those. None if the block cannot hold its header.
fn adpcm_block_frames(coding: Coding, block_bytes: u16, channels: u16) -> Option<u32> {
    let (header_bytes, header_frames) = match coding {
        Coding::AdpcmMicrosoft => (7, 2),
        _ => (4, 1),
    };
    let channels = u32::from(channels);
    if channels > 2 {
        return None;
    }
    let coded_bytes = u32::from(block_bytes).checked_sub(header_bytes * channels)?;
    Some(coded_bytes * 2 / channels + header_frames)
}

/// LAME leaves its name in the first frames; what the header says of its delay is a constant that writers copy.
fn with_mp3_delay(
    mut format: Format,
    data: &Declared,
    source: &mut Source,
) -> Result<Format, AudioError> {
    if let Coding::Mp3 { delay } = &mut format.coding {
        let start = source.up_to(data.start, 4_096)?;
        if start.windows(4).any(|four| four == b"LAME") {
            *delay = LAME_DELAY;
        }
    }
    Ok(format)
}
