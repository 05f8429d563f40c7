//! Plain sound: samples one by one, or in blocks of one size.

use super::decoded::DecodedSound;
use super::gsm;
use super::layout::{Coding, Format, Layout, Order};
use super::source::Source;
use crate::audio::AudioError;
use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known as codec_id;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
};
use symphonia::core::errors::Error;
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

/// Bytes decoded at a time.
const PIECE_BYTES: u32 = 1 << 16;

/// Decodes all parts of a file.
pub(super) fn decode(
    source: &mut Source,
    layout: &Layout,
    kept: &mut DecodedSound,
) -> Result<(), AudioError> {
    let format = &layout.format;
    let frames = layout.frames();
    kept.check_length(format.rate, frames.unwrap_or(0))?;
    kept.frames_declared = frames;
    let mut decoder = Decoder::of(format).map_err(|error| kept.failed(error))?;
    let (mut bytes, mut sound) = (Vec::new(), Vec::new());
    let piece = piece_blocks(format) as usize * format.block_bytes as usize;
    for part in &layout.parts {
        source.go_to(part.start)?;
        let mut left = part.bytes;
        while left > 0 {
            // A block may begin in one part and end in the next.
            let begun = bytes.len();
            let more = left.min((piece - begun) as u64);
            left -= more;
            bytes.resize(begun + more as usize, 0);
            source.fill(&mut bytes[begun..])?;
            let blocks = bytes.len() / format.block_bytes as usize;
            let rest = bytes.split_off(blocks * format.block_bytes as usize);
            if blocks > 0 {
                let frames = blocks as u64 * u64::from(format.block_frames);
                let decoded = decoder.decode(&bytes, frames, &mut sound);
                decoded.map_err(|error| kept.failed(error))?;
                kept.push(format.rate, &sound)?;
            }
            bytes = rest;
        }
    }
    Ok(())
}

fn piece_blocks(format: &Format) -> u32 {
    (PIECE_BYTES / format.block_bytes).max(1)
}

enum Decoder {
    Symphonia(Box<dyn AudioDecoder>),
    Gsm(Box<gsm::Decoder>),
}

impl Decoder {
    fn of(format: &Format) -> Result<Self, Error> {
        let Some(codec) = codec(format) else {
            return Ok(Self::Gsm(Box::new(gsm::Decoder::new())));
        };
        let frames = u64::from(format.block_frames);
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(codec)
            .with_sample_rate(format.rate)
            .with_channels(Channels::Discrete(format.channels))
            .with_frames_per_block(frames)
            .with_max_frames_per_packet(u64::from(piece_blocks(format)) * frames);
        symphonia::default::get_codecs()
            .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
            .map(Self::Symphonia)
    }

    /// Replaces `sound` by that of whole blocks, a vector for each channel.
    fn decode(
        &mut self,
        bytes: &[u8],
        frames: u64,
        sound: &mut Vec<Vec<f32>>,
    ) -> Result<(), Error> {
        match self {
            Self::Symphonia(decoder) => {
                let duration = Duration::from(frames);
                let packet = PacketRef::new(0, Timestamp::from(0), duration, bytes);
                decoder.decode_ref(&packet)?.copy_to_vecs_planar(sound);
            }
            Self::Gsm(decoder) => {
                sound.resize_with(1, Vec::new);
                let [mono] = &mut sound[..] else {
                    return Ok(());
                };
                mono.clear();
                let (blocks, _) = bytes.as_chunks();
                for block in blocks {
                    decoder.decode(block, mono);
                }
            }
        }
        Ok(())
    }
}

/// symphonia's name for a coding; `None` for one that it does not know.
fn codec(format: &Format) -> Option<AudioCodecId> {
    Some(match (format.coding, format.order) {
        (Coding::Unsigned, _) => codec_id::CODEC_ID_PCM_U8,
        (Coding::Integer(1), _) => codec_id::CODEC_ID_PCM_S8,
        (Coding::Integer(2), Order::Little) => codec_id::CODEC_ID_PCM_S16LE,
        (Coding::Integer(2), Order::Big) => codec_id::CODEC_ID_PCM_S16BE,
        (Coding::Integer(3), Order::Little) => codec_id::CODEC_ID_PCM_S24LE,
        (Coding::Integer(3), Order::Big) => codec_id::CODEC_ID_PCM_S24BE,
        (Coding::Integer(_), Order::Little) => codec_id::CODEC_ID_PCM_S32LE,
        (Coding::Integer(_), Order::Big) => codec_id::CODEC_ID_PCM_S32BE,
        (Coding::Float(4), Order::Little) => codec_id::CODEC_ID_PCM_F32LE,
        (Coding::Float(4), Order::Big) => codec_id::CODEC_ID_PCM_F32BE,
        (Coding::Float(_), Order::Little) => codec_id::CODEC_ID_PCM_F64LE,
        (Coding::Float(_), Order::Big) => codec_id::CODEC_ID_PCM_F64BE,
        (Coding::MuLaw, _) => codec_id::CODEC_ID_PCM_MULAW,
        (Coding::ALaw, _) => codec_id::CODEC_ID_PCM_ALAW,
        (Coding::AdpcmMicrosoft, _) => codec_id::CODEC_ID_ADPCM_MS,
        (Coding::AdpcmIma, _) => codec_id::CODEC_ID_ADPCM_IMA_WAV,
        (Coding::AdpcmApple, _) => codec_id::CODEC_ID_ADPCM_IMA_QT,
        (Coding::Gsm | Coding::Mp3 { .. }, _) => return None,
    })
}
