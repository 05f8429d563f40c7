//! What a file is, by its first bytes and never by its name alone.

use super::riff::WAVE64;
use super::source::Source;
use crate::audio::AudioError;

/// ID3v2 tags stepped over in front of the audio.
const TAGS_MAX: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Wav,
    Aiff,
    Au,
    Caf,
    /// Anything whose sound comes in packets, from this position on.
    Packets(Container, u64),
}

/// What packets come in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Flac,
    Ogg,
    /// MP3, by itself or in WAV.
    Mp3,
    /// AAC by itself, in ADTS.
    Adts,
    Mp4,
    Matroska,
    Caf,
}

impl Kind {
    /// Tells the kind of file from its first bytes.
    ///
    /// A file is not searched for something that looks like audio: any picture holds an MP3 frame somewhere.
    pub(super) fn of(source: &mut Source) -> Result<Self, AudioError> {
        let path = source.path;
        let is_named_mp3 = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("mp3"));
        let mut position = 0;
        for _ in 0..TAGS_MAX {
            let start = source.up_to(position, 16)?;
            match start.as_slice() {
                [
                    b'R',
                    b'I',
                    b'F',
                    b'F' | b'X',
                    _,
                    _,
                    _,
                    _,
                    b'W',
                    b'A',
                    b'V',
                    b'E',
                    ..,
                ]
                | [
                    b'R',
                    b'F',
                    b'6',
                    b'4',
                    _,
                    _,
                    _,
                    _,
                    b'W',
                    b'A',
                    b'V',
                    b'E',
                    ..,
                ]
                | [
                    b'B',
                    b'W',
                    b'6',
                    b'4',
                    _,
                    _,
                    _,
                    _,
                    b'W',
                    b'A',
                    b'V',
                    b'E',
                    ..,
                ] if position == 0 => {
                    return Ok(Self::Wav);
                }
                bytes if bytes == WAVE64 && position == 0 => return Ok(Self::Wav),
                [
                    b'F',
                    b'O',
                    b'R',
                    b'M',
                    _,
                    _,
                    _,
                    _,
                    b'A',
                    b'I',
                    b'F',
                    b'F' | b'C',
                    ..,
                ] if position == 0 => {
                    return Ok(Self::Aiff);
                }
                [b'.', b's', b'n', b'd', ..] | [b'd', b'n', b's', b'.', ..] if position == 0 => {
                    return Ok(Self::Au);
                }
                [b'c', b'a', b'f', b'f', ..] if position == 0 => return Ok(Self::Caf),
                [_, _, _, _, b'f', b't', b'y', b'p', ..] if position == 0 => {
                    return Ok(Self::Packets(Container::Mp4, 0));
                }
                [0x1A, 0x45, 0xDF, 0xA3, ..] if position == 0 => {
                    return Ok(Self::Packets(Container::Matroska, 0));
                }
                [b'f', b'L', b'a', b'C', ..] => {
                    return Ok(Self::Packets(Container::Flac, position));
                }
                [b'O', b'g', b'g', b'S', ..] => {
                    return Ok(Self::Packets(Container::Ogg, position));
                }
                // ID3v2.4.0, section 3.1: a size of four times 7 bits, without this header of 10 bytes and the
                // footer.
                [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] => {
                    let size = [a, b, c, d]
                        .into_iter()
                        .fold(0, |size, byte| size << 7 | u64::from(byte & 0x7F));
                    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
                    position += 10 + size + footer;
                }
                // The sync word of ADTS, which has no layer; then that of an MPEG frame, of layer III.
                [0xFF, second, ..] if second & 0xF6 == 0xF0 => {
                    return Ok(Self::Packets(Container::Adts, position));
                }
                [0xFF, second, ..] if second & 0xE6 == 0xE2 => {
                    return Ok(Self::Packets(Container::Mp3, position));
                }
                [_, ..] if position > 0 || is_named_mp3 => {
                    return Ok(Self::Packets(Container::Mp3, position));
                }
                _ => break,
            }
        }
        Err(AudioError::NotAudio {
            path: path.to_owned(),
        })
    }
}
