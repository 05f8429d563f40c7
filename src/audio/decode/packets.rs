//! Sound in packets (FLAC, MP3, Vorbis, Opus, AAC, ALAC and what else MP4, Matroska and CAF hold), by symphonia.
//!
//! What an encoder put around the sound is taken away, so that sample n is the sound at n / rate: by the decoder
//! where it goes by a header (FLAC, MP3, Vorbis), here for Opus (its pre-skip), MP4 (the edit list, or Apple's tag),
//! CAF (the packet table) and Matroska (packets before 0).

use super::decoded::DecodedSound;
use super::kind::Container;
use super::mp4;
use super::source::{Source, refuse_channels};
use crate::audio::AudioError;
use std::fs::File;
use std::io::Read;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_OPUS, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, ReadOnlySource};
use symphonia::core::packet::Packet;
use symphonia::default::formats::{
    AdtsReader, CafReader, FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader,
};

/// Samples by which the length in an MP3's header may exceed the true one: two frames, which encoders miscount.
const MP3_LENGTH_TOLERANCE: u64 = 2 * 1_152;

/// By how much the duration in a Matroska file may exceed the sound, in seconds: it counts a picture's, too.
const DURATION_TOLERANCE_S: f64 = 1.0;

/// Samples that any AAC encoder puts in front, where ADTS says nothing of them: one frame. Apple's has twice as many.
const ADTS_DELAY: u32 = 1_024;

/// How far a packet's time may be ahead of the sound so far before silence is put in, in seconds. Times in WebM are
/// in whole milliseconds, and browsers are not exact to a packet.
const GAP_MIN_S: f64 = 0.06;

/// Where packets are, and how the file gives them.
pub(super) struct Stream {
    pub(super) container: Container,
    /// Where they begin, in bytes from the start of the file.
    pub(super) start: u64,
    /// Where they end, if not at the end of the file.
    pub(super) bytes: Option<u64>,
    /// Samples that the encoder put in front and no header inside tells of.
    pub(super) delay: u32,
}

/// Decodes the first track of sound.
pub(super) fn decode(
    mut source: Source,
    stream: &Stream,
    kept: &mut DecodedSound,
) -> Result<(), AudioError> {
    let path = kept.path;
    let container = stream.container;
    let again = match container {
        Container::Mp4 => Some(Source::open(path, u64::MAX)?),
        _ => None,
    };
    source.go_to(stream.start)?;
    let file = source.into_file(stream.start)?;
    let mut format = demuxer(file, stream).map_err(|error| {
        kept.failed(match error {
            // An index that was never written, say: no other program can read it either.
            Error::Unsupported(what) if what.contains("missing") => Error::DecodeError(what),
            other => other,
        })
    })?;
    let no_audio = || AudioError::NotAudio {
        path: path.to_owned(),
    };
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(no_audio)?
        .clone();
    let Some(CodecParameters::Audio(mut parameters)) = track.codec_params.clone() else {
        return Err(no_audio());
    };
    if let Some(channels) = &parameters.channels {
        refuse_channels(path, channels.count())?;
    }
    let pre_skip = match parameters.codec == CODEC_ID_OPUS {
        true => opus_pre_skip(&mut parameters).map_err(|error| kept.failed(error))?,
        false => 0,
    };
    let mut decoder = decoder(&parameters).map_err(|error| kept.failed(error))?;
    let rate = parameters.sample_rate.unwrap_or(0);
    // In MP4 the number counts a different rate's samples for some codings.
    let frames_declared = track.num_frames;
    if let (1.., Some(frames)) = (rate, frames_declared) {
        kept.check_length(rate, frames)?;
        kept.frames_declared = frames_declared;
    }
    let edit = match again {
        Some(mut again) => mp4::edit(&mut again, track.id)?,
        None => None,
    };
    let edit = edit.or_else(|| itunes_edit(format.as_mut(), rate));
    let mut cut = Cut::of(&track, stream, pre_skip, edit);
    let mut timeline = Timeline::of(&track, container, &parameters);
    let mut sound = Vec::new();
    let mut decoded_frames = 0;
    let ended = loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        if packet.track_id != track.id {
            continue;
        }
        let rate = match decoder.decode(&packet) {
            Ok(decoded) => {
                decoded.copy_to_vecs_planar(&mut sound);
                decoded.spec().rate()
            }
            Err(error) => break Err(error),
        };
        let frames = sound.first().map_or(0, Vec::len) as u64;
        if let Some(timeline) = &mut timeline {
            let gap = timeline.gap(&packet, frames, rate);
            cut.begin_at(timeline.start_s, rate);
            kept.push_silence(rate, sound.len(), gap)?;
        }
        decoded_frames += frames;
        cut.apply(rate, &mut sound);
        kept.push(rate, &sound)?;
    };
    if let Some(note) = timeline.and_then(|timeline| timeline.note()) {
        kept.note(&note);
    }
    let tolerance = match container {
        Container::Mp3 => MP3_LENGTH_TOLERANCE,
        _ => 0,
    };
    let seconds = |frames: u64| frames as f64 / f64::from(kept.rate.max(1));
    let declared_s = match container {
        // The number may count samples of another rate.
        Container::Mp4 => None,
        Container::Matroska => duration_s(format.as_ref())
            .filter(|declared_s| declared_s - seconds(kept.frames) > DURATION_TOLERANCE_S),
        _ => frames_declared
            .filter(|declared| decoded_frames + tolerance < *declared)
            .map(seconds),
    };
    // What symphonia says where a file ends, or breaks off.
    let is_end = match &ended {
        Ok(()) => true,
        Err(Error::IoError(error)) => error.raw_os_error().is_none(),
        Err(_) => false,
    };
    if !is_end || kept.frames == 0 {
        return ended.map_err(|error| kept.failed(error));
    }
    let found_s = seconds(kept.frames);
    match declared_s {
        Some(declared_s) => kept.note(&format!(
            "the header declares {declared_s:.1} s of sound and the file ends after {found_s:.1} s: read to its end"
        )),
        // Nothing else ends a Matroska file.
        None if ended.is_err() && container != Container::Matroska => kept.note(&format!(
            "the file breaks off after {found_s:.1} s of sound: read to its end"
        )),
        None => {}
    }
    Ok(())
}

/// How long all of a file is, in seconds, if it says so.
fn duration_s(format: &dyn FormatReader) -> Option<f64> {
    let media = format.media_info();
    let base = media.time_base?;
    let tick_s = f64::from(base.numer.get()) / f64::from(base.denom.get());
    Some(media.duration?.get() as f64 * tick_s)
}

/// A reader of packets. But for MP4 and CAF, which may have their index behind the sound, it cannot seek: then nothing
/// is guessed from the file's length.
fn demuxer(file: File, stream: &Stream) -> Result<Box<dyn FormatReader>, Error> {
    let source: Box<dyn MediaSource> = match (stream.container, stream.bytes) {
        (Container::Mp4 | Container::Caf, _) => Box::new(file),
        (_, Some(bytes)) => Box::new(ReadOnlySource::new(file.take(bytes))),
        (_, None) => Box::new(ReadOnlySource::new(file)),
    };
    let source = MediaSourceStream::new(source, Default::default());
    let options = FormatOptions::default();
    Ok(match stream.container {
        Container::Flac => Box::new(FlacReader::try_new(source, options)?),
        Container::Ogg => Box::new(OggReader::try_new(source, options)?),
        Container::Mp3 => Box::new(MpaReader::try_new(source, options)?),
        Container::Adts => Box::new(AdtsReader::try_new(source, options)?),
        Container::Mp4 => Box::new(IsoMp4Reader::try_new(source, options)?),
        Container::Matroska => Box::new(MkvReader::try_new(source, options)?),
        Container::Caf => Box::new(CafReader::try_new(source, options)?),
    })
}

fn decoder(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Error> {
    let options = AudioDecoderOptions::default();
    if parameters.codec == CODEC_ID_OPUS {
        return opus_decoder(parameters, &options);
    }
    symphonia::default::get_codecs().make_audio_decoder(parameters, &options)
}

#[cfg(feature = "opus")]
fn opus_decoder(
    parameters: &AudioCodecParameters,
    options: &AudioDecoderOptions,
) -> Result<Box<dyn AudioDecoder>, Error> {
    use symphonia::core::codecs::registry::RegisterableAudioDecoder;
    symphonia_adapter_libopus::OpusDecoder::try_registry_new(parameters, options)
}

#[cfg(not(feature = "opus"))]
fn opus_decoder(
    _: &AudioCodecParameters,
    _: &AudioDecoderOptions,
) -> Result<Box<dyn AudioDecoder>, Error> {
    Err(Error::Unsupported(
        "Opus: this build of voicesim does not read it; add `--features opus` to the command that built it",
    ))
}

/// Takes the header out of an Opus track's parameters (RFC 7845, section 5.1), and tells how many samples its encoder
/// put in front, at 48 kHz. The decoder takes one stream of one or two channels.
fn opus_pre_skip(parameters: &mut AudioCodecParameters) -> Result<u32, Error> {
    parameters.sample_rate = Some(48_000);
    let header = parameters.extra_data.take().unwrap_or_default();
    let channels = parameters
        .channels
        .as_ref()
        .map_or(0, |channels| channels.count());
    match header.get(18..21) {
        Some([family, streams, coupled])
            if *family != 0 && (*streams != 1 || usize::from(*coupled) + 1 != channels) =>
        {
            return Err(Error::Unsupported("Opus of several streams"));
        }
        _ => {}
    }
    let pre_skip = match &header[..] {
        [b'O', b'p', b'u', b's', _, _, _, _, _, _, low, high, ..] => {
            u16::from_le_bytes([*low, *high])
        }
        _ => 0,
    };
    Ok(u32::from(pre_skip))
}

/// What Apple's encoders tell in a tag: the samples in front, and those that are sound.
fn itunes_edit(format: &mut dyn FormatReader, rate: u32) -> Option<mp4::Edit> {
    let mut metadata = format.metadata();
    let revision = metadata.skip_to_latest()?;
    let tag = revision
        .media
        .tags
        .iter()
        .find(|tag| tag.raw.key.ends_with("iTunSMPB"))?;
    let text = tag.raw.value.to_string();
    let mut fields = text.split_whitespace().skip(1);
    let mut samples = || u64::from_str_radix(fields.next()?, 16).ok();
    let (skip, _, length) = (samples()?, samples()?, samples()?);
    let seconds = |samples: u64| samples as f64 / f64::from(rate.max(1));
    Some(mp4::Edit {
        skip_s: seconds(skip),
        length_s: (length > 0).then(|| seconds(length)),
    })
}

/// What is taken from the beginning and the end of the decoded sound, in samples.
struct Cut {
    skip: u64,
    length: Option<u64>,
    edit: Option<mp4::Edit>,
    /// Whether packets before 0 are to be left out, as Matroska marks them.
    leaves_out_before_0: bool,
}

impl Cut {
    fn of(track: &Track, stream: &Stream, pre_skip: u32, edit: Option<mp4::Edit>) -> Self {
        let skip = match stream.container {
            Container::Ogg | Container::Matroska => pre_skip,
            Container::Caf => track.delay.unwrap_or(0),
            Container::Adts => ADTS_DELAY,
            _ => stream.delay,
        };
        let length = match stream.container {
            Container::Caf => track.num_frames,
            _ => None,
        };
        Self {
            skip: u64::from(skip),
            length,
            edit,
            leaves_out_before_0: stream.container == Container::Matroska && pre_skip == 0,
        }
    }

    /// Learns when the first packet begins, in seconds.
    fn begin_at(&mut self, start_s: Option<f64>, rate: u32) {
        if std::mem::take(&mut self.leaves_out_before_0) {
            self.skip = samples(-start_s.unwrap_or(0.0), rate);
        }
    }

    fn apply(&mut self, rate: u32, sound: &mut [Vec<f32>]) {
        if let Some(edit) = self.edit.take() {
            self.skip = samples(edit.skip_s, rate);
            self.length = edit.length_s.map(|length| samples(length, rate));
        }
        let frames = sound.first().map_or(0, Vec::len);
        let left_out = self.skip.min(frames as u64);
        self.skip -= left_out;
        let mut kept = frames as u64 - left_out;
        if let Some(length) = &mut self.length {
            kept = kept.min(*length);
            *length -= kept;
        }
        for channel in sound {
            channel.drain(..left_out as usize);
            channel.truncate(kept as usize);
        }
    }
}

/// The samples in so many seconds; none for less than nothing.
fn samples(seconds: f64, rate: u32) -> u64 {
    (seconds * f64::from(rate)).round() as u64
}

/// When packets are to be heard, where the file says so. What was not sent, or was lost, is silence.
struct Timeline {
    tick_s: f64,
    /// The time of the first packet.
    start_s: Option<f64>,
    /// Seconds of sound since, silence included.
    sound_s: f64,
    gaps: u32,
    silence_s: f64,
}

impl Timeline {
    fn of(track: &Track, container: Container, parameters: &AudioCodecParameters) -> Option<Self> {
        let is_timed = match container {
            Container::Matroska | Container::Mp4 => parameters.codec != CODEC_ID_VORBIS,
            Container::Ogg => parameters.codec == CODEC_ID_OPUS,
            _ => false,
        };
        let tick_s = match track.time_base {
            Some(base) => f64::from(base.numer.get()) / f64::from(base.denom.get()),
            None => 1.0 / f64::from(parameters.sample_rate?),
        };
        is_timed.then_some(Self {
            tick_s,
            start_s: None,
            sound_s: 0.0,
            gaps: 0,
            silence_s: 0.0,
        })
    }

    /// How many samples of silence lie before a packet, of which `frames` were decoded.
    fn gap(&mut self, packet: &Packet, frames: u64, rate: u32) -> u64 {
        let time_s = packet.pts.get() as f64 * self.tick_s;
        let start_s = *self.start_s.get_or_insert(time_s);
        let gap_s = time_s - start_s - self.sound_s;
        let trimmed = packet
            .trim_start
            .get()
            .saturating_add(packet.trim_end.get());
        self.sound_s += frames.saturating_add(trimmed) as f64 / f64::from(rate.max(1));
        if gap_s < GAP_MIN_S {
            return 0;
        }
        self.gaps += 1;
        self.silence_s += gap_s;
        self.sound_s += gap_s;
        samples(gap_s, rate)
    }

    fn note(&self) -> Option<String> {
        (self.gaps > 0).then(|| {
            format!(
                "its packets leave out {:.2} s in {} places (lost, or silent and not sent): silence was put in",
                self.silence_s, self.gaps
            )
        })
    }
}
