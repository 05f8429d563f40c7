//! How plain sound lies in a file, in whatever container: one coding, in blocks of one size, in one part or more.

use super::kind::Container;
use super::packets::Stream;
use super::source::Source;
use crate::audio::AudioError;

/// How samples are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Signed integers of this many bytes: 1 to 4.
    Integer(u16),
    /// Bytes, of which 128 is silence.
    Unsigned,
    /// IEEE floats of this many bytes: 4 or 8.
    Float(u16),
    /// Bytes of µ-law (ITU-T G.711).
    MuLaw,
    /// Bytes of A-law (ITU-T G.711).
    ALaw,
    /// Blocks of 4-bit ADPCM as Microsoft defined it.
    AdpcmMicrosoft,
    /// Blocks of 4-bit ADPCM as the Interactive Multimedia Association defined it, as WAV holds them.
    AdpcmIma,
    /// Blocks of the 4-bit ADPCM of the Interactive Multimedia Association, as Apple's files hold them.
    AdpcmApple,
    /// Pairs of GSM 06.10 frames, packed as Microsoft defined it.
    Gsm,
    /// A stream of MP3 frames, whose encoder put this many samples in front.
    Mp3 { delay: u32 },
}

/// Which byte of a sample comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// What a header says of the samples, checked: at least one channel, blocks of at least one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) coding: Coding,
    pub(crate) order: Order,
    pub(crate) channels: u16,
    /// The sample rate in Hz, as declared.
    pub(crate) rate: u32,
    /// Bytes of the smallest whole piece of samples: one sample of every channel, or one block of ADPCM.
    pub(crate) block_bytes: u32,
    /// Samples of one channel in a block; 0 if blocks differ.
    pub(crate) block_frames: u32,
}

impl Format {
    /// The format of samples that stand one by one; `None` if there is no channel.
    pub(super) fn plain(coding: Coding, order: Order, channels: u16, rate: u32) -> Option<Self> {
        let sample_bytes = match coding {
            Coding::Integer(bytes) | Coding::Float(bytes) => bytes,
            _ => 1,
        };
        (channels > 0).then_some(Self {
            coding,
            order,
            channels,
            rate,
            block_bytes: u32::from(channels) * u32::from(sample_bytes),
            block_frames: 1,
        })
    }

    /// The format of Apple's ADPCM; `None` if there is no channel.
    pub(super) fn apple_adpcm(channels: u16, rate: u32) -> Option<Self> {
        Some(Self {
            block_bytes: 34 * u32::from(channels),
            block_frames: 64,
            ..Self::plain(Coding::AdpcmApple, Order::Big, channels, rate)?
        })
    }

    /// Samples of one channel in so many bytes.
    fn frames(&self, bytes: u64) -> u64 {
        (bytes / u64::from(self.block_bytes)).saturating_mul(u64::from(self.block_frames))
    }

    /// How long so many bytes of sound last, in words.
    fn in_words(&self, bytes: u64) -> String {
        match self.frames(bytes) {
            0 => format!("{bytes} bytes of sound"),
            frames => format!("{:.1} s of sound", frames as f64 / f64::from(self.rate)),
        }
    }
}

/// A stretch of samples in a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

/// Where the samples of a file are. All of it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) parts: Vec<Part>,
    /// What a reader of figures should know.
    pub(crate) notes: Vec<String>,
}

/// Where a header says that samples are.
pub(super) struct Declared {
    pub(super) start: u64,
    /// `None` if a writer who could not seek back has left the size open.
    pub(super) bytes: Option<u64>,
}

impl Layout {
    /// What of the declared parts is in the file.
    pub(super) fn new(
        source: &Source,
        format: Option<Format>,
        declared: &[Declared],
    ) -> Result<Self, AudioError> {
        let format = format.ok_or_else(|| AudioError::NoChannels {
            path: source.path.to_owned(),
        })?;
        source.refuse_channels(usize::from(format.channels))?;
        let mut layout = Self {
            format,
            parts: Vec::new(),
            notes: Vec::new(),
        };
        let name = source.path.display();
        for part in declared {
            let found = source.bytes.saturating_sub(part.start);
            let bytes = part.bytes.unwrap_or(found);
            if bytes > found {
                layout.notes.push(format!(
                    "{name}: the header declares {} and the file ends after {}: read to its end",
                    format.in_words(bytes),
                    format.in_words(found),
                ));
            }
            let bytes = bytes.min(found);
            let start = part.start;
            layout.parts.push(Part { start, bytes });
        }
        let parts = layout.parts.iter().filter(|part| part.bytes > 0).count();
        if parts > 1 {
            layout.notes.push(format!(
                "{name}: its sound lies in {parts} parts (data chunks), read one after the other"
            ));
        }
        Ok(layout)
    }

    /// The MP3 frames of the file, if it holds such.
    pub(super) fn stream(&self) -> Option<Stream> {
        let (Coding::Mp3 { delay }, Some(part)) = (self.format.coding, self.parts.first()) else {
            return None;
        };
        Some(Stream {
            container: Container::Mp3,
            start: part.start,
            bytes: Some(part.bytes),
            delay,
        })
    }

    /// Samples of one channel; `None` if only decoding tells.
    pub(crate) fn frames(&self) -> Option<u64> {
        let bytes = self.parts.iter().map(|part| part.bytes);
        (self.format.block_frames > 0).then(|| self.format.frames(bytes.sum()))
    }
}
