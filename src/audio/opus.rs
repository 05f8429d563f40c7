//! Sound as Ogg Opus (RFC 6716 and 7845), which browsers play: speech of two takes 4 kB a second, a sixteenth of what
//! it takes as samples.

use super::SAMPLE_RATE;
use ogg::writing::{PacketWriteEndInfo, PacketWriter};
use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate};

/// What both speakers together are given, in bits a second: speech at 16 kHz is clear from 12,000 on for each.
const BITS_PER_SECOND: u32 = 32_000;

/// Pairs of samples in a packet: 20 ms.
const PACKET_PAIRS: usize = SAMPLE_RATE as usize / 50;

/// The encoder's own recommendation for the room of a packet.
const PACKET_BYTES_MAX: usize = 4_000;

/// Packets in a page of the file, half a second: players seek by pages.
const PACKETS_PER_PAGE: u64 = 25;

/// Times in a file are counted at 48 kHz, whatever the rate of the sound.
const UNITS: u64 = 48_000 / SAMPLE_RATE as u64;

/// The stream's number, which has to be unique among the streams of its file.
const STREAM: u32 = 1;

/// Samples at 16 kHz, one of each speaker in turn and each within -1..=1, as an Ogg Opus file; `None` if the encoder
/// refuses.
pub fn ogg_opus(pairs: &[f32]) -> Option<Vec<u8>> {
    let rate = SampleRate::Hz16000;
    let mut encoder = Encoder::new(Channels::Stereo, rate, Application::Audio).ok()?;
    encoder.set_bitrate(Bitrate::Value(BITS_PER_SECOND)).ok()?;
    let ahead = u64::from(encoder.get_look_ahead().ok()?);
    let mut file = PacketWriter::new(Vec::new());
    let mut add = |packet: Vec<u8>, end, at| file.write_packet(packet, STREAM, end, at).ok();
    add(head(ahead * UNITS)?, PacketWriteEndInfo::EndPage, 0)?;
    add(tags(), PacketWriteEndInfo::EndPage, 0)?;
    // What the encoder holds back comes out with the silence behind the end.
    let length = pairs.len() as u64 / 2 + ahead;
    let packets = length.div_ceil(PACKET_PAIRS as u64).max(1);
    let mut packet = [0; PACKET_BYTES_MAX];
    let mut room = [0.0; 2 * PACKET_PAIRS];
    for number in 0..packets {
        let from = 2 * PACKET_PAIRS * usize::try_from(number).ok()?;
        let sound = pairs.get(from..).unwrap_or_default();
        let sound = sound.get(..room.len()).unwrap_or(sound);
        room.fill(0.0);
        room.get_mut(..sound.len())?.copy_from_slice(sound);
        let bytes = encoder.encode_float_to_slice(&room, &mut packet).ok()?;
        let is_last = number + 1 == packets;
        let end = match (is_last, (number + 1).is_multiple_of(PACKETS_PER_PAGE)) {
            (true, _) => PacketWriteEndInfo::EndStream,
            (false, true) => PacketWriteEndInfo::EndPage,
            (false, false) => PacketWriteEndInfo::NormalPacket,
        };
        let at = ((number + 1) * PACKET_PAIRS as u64).min(length) * UNITS;
        add(packet.get(..bytes)?.to_vec(), end, at)?;
    }
    Some(file.into_inner())
}

/// The first packet: what is in the file. `skip` is how much of the beginning is not sound.
fn head(skip: u64) -> Option<Vec<u8>> {
    let mut head = b"OpusHead\x01\x02".to_vec();
    head.extend(u16::try_from(skip).ok()?.to_le_bytes());
    head.extend(SAMPLE_RATE.to_le_bytes());
    // No gain, and the plain order of two channels.
    head.extend([0, 0, 0]);
    Some(head)
}

/// The second packet: who wrote the file, and no comments.
fn tags() -> Vec<u8> {
    let name = "voicesim";
    let mut tags = b"OpusTags".to_vec();
    tags.extend((name.len() as u32).to_le_bytes());
    tags.extend(name.as_bytes());
    tags.extend(0_u32.to_le_bytes());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::decode;

    /// A tone on each side, the second one in the second half alone.
    fn sound(seconds: usize) -> Vec<f32> {
        let length = seconds * SAMPLE_RATE as usize;
        let tone = |at: usize, hz: f32| {
            0.5 * (std::f32::consts::TAU * hz * at as f32 / SAMPLE_RATE as f32).sin()
        };
        (0..length)
            .flat_map(|at| {
                let second = if at >= length / 2 {
                    tone(at, 600.0)
                } else {
                    0.0
                };
                [tone(at, 300.0), second]
            })
            .collect()
    }

    #[test]
    fn it_is_as_long_as_the_sound_and_each_side_is_where_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sound.ogg");
        let file = ogg_opus(&sound(4)).expect("encoded");
        assert!(file.len() < 4 * 6_000, "{} bytes", file.len());
        std::fs::write(&path, file).expect("written");
        let (rate, sides) = decode::read_channels(&path).expect("decoded");
        assert_eq!((rate, sides[0].len()), (48_000, 4 * 48_000));
        let loud = |side: &[f32]| side.iter().map(|sample| sample.abs()).fold(0.0, f32::max);
        assert!(loud(&sides[0][..90_000]) > 0.4 && loud(&sides[0][100_000..]) > 0.4);
        assert!(loud(&sides[1][..90_000]) < 0.1 && loud(&sides[1][100_000..]) > 0.4);
    }

    #[test]
    fn nothing_is_a_file_too() {
        assert!(ogg_opus(&[]).expect("encoded").starts_with(b"OggS"));
    }
}
