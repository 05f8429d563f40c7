//! What can be wrong with audio, in words that say what to do.

use super::{RATE_MAX, RATE_MIN, SAMPLE_RATE};
use std::io;
use std::path::{Path, PathBuf};

/// Why audio could not be read, written or resampled. Every text names the file (or the rate) and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// There is no file at `path`.
    #[error("{path}: no such file; check the path (it is looked up from the current folder)")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// There is a folder, a pipe or a device at `path`.
    #[error("{path}: is a folder, or another thing that is not a file; name one audio file in it")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// The operating system cannot read the file.
    #[error("{path}: cannot be read ({source}); check its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("{path}: the file is empty (0 bytes); export it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is not in a format that is read.
    #[error("{path}: not audio that can be read (WAV, AIFF, CAF, AU, FLAC, MP3, Ogg, MP4, WebM); {}", convert(.path))]
    NotAudio {
        /// The file.
        path: PathBuf,
    },
    /// The file is audio of a kind that is not read.
    #[error("{path}: {what}; {}", convert(.path))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not read, in words.
        what: String,
    },
    /// The file is broken.
    #[error("{path}: damaged: {what}; export it again, or {}", convert(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is broken, in words.
        what: String,
    },
    /// The file is whole and holds no sound.
    #[error("{path}: holds no samples; export it again")]
    NoSamples {
        /// The file.
        path: PathBuf,
    },
    /// The header declares no channel.
    #[error("{path}: the header declares 0 channels; export it again")]
    NoChannels {
        /// The file.
        path: PathBuf,
    },
    /// The sample rate is outside [`RATE_MIN`]..=[`RATE_MAX`].
    #[error(
        "{path}: a sample rate of {rate} Hz; {RATE_MIN} to {RATE_MAX} Hz can be read and written: export it again"
    )]
    FileRate {
        /// The file.
        path: PathBuf,
        /// The rate in Hz.
        rate: u32,
    },
    /// A float sample is not finite, or far outside -1..1.
    #[error(
        "{path}: the sample at {at_s:.3} s is {value}, and float samples lie in -1..1; export it again"
    )]
    SampleOutOfRange {
        /// The file.
        path: PathBuf,
        /// Where the sample is, in seconds from the start.
        at_s: f64,
        /// The sample.
        value: f32,
    },
    /// The file is larger or longer than is read.
    #[error("{path}: too large: {what}; cut it into shorter files, or {}", convert(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large, in words, with the bound.
        what: String,
    },
    /// There is no room on the disk for the file.
    #[error("{path}: the disk is full; free some space, or write to another one")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The operating system cannot write the file.
    #[error("{path}: cannot be written ({source}); check that the folder exists and is writable")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file has reached the size at which WAV ends, 4 GiB.
    #[error("{path}: a WAV file ends at 4 GiB; write the rest to another file")]
    WavFull {
        /// The file.
        path: PathBuf,
    },
    /// Sound cannot be brought from one rate to another.
    #[error(
        "cannot resample {from} Hz to {to} Hz ({what}); give rates from {RATE_MIN} to {RATE_MAX} Hz"
    )]
    Resample {
        /// The rate of the sound in Hz.
        from: u32,
        /// The wanted rate in Hz.
        to: u32,
        /// Why not, in words.
        what: String,
    },
}

/// What to type for a file in a format that is not read. Sound without a header goes by the name of its file.
fn convert(path: &Path) -> String {
    let name = path.extension().unwrap_or_default().to_string_lossy();
    let format = match &*name.to_ascii_lowercase() {
        "ul" | "ulaw" | "mulaw" | "pcmu" | "u" => "-f mulaw -ar 8000 ",
        "al" | "alaw" | "pcma" => "-f alaw -ar 8000 ",
        "raw" | "pcm" | "sln" | "slin" | "s16" | "sw" => "-f s16le -ar 8000 ",
        "sln16" => "-f s16le -ar 16000 ",
        "gsm" => "-f gsm ",
        "g722" | "722" => "-f g722 ",
        "g726" => "-f g726 -ar 8000 ",
        "g729" => "-f g729 ",
        _ => "",
    };
    let more = match format {
        "" => "",
        with if with.contains("-ar") => {
            " (its rate is a guess, -ar, and so is one channel: two take -ac 2 before -i)"
        }
        _ => " (the format is a guess from its name)",
    };
    format!(
        "convert it with: ffmpeg {format}-i {} -ar {SAMPLE_RATE} converted.wav{more}",
        quoted(path)
    )
}

/// A path as a shell takes it, and ffmpeg for no option.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let before = if text.starts_with('-') { "./" } else { "" };
    format!("'{before}{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_error_names_the_file_and_the_cure() {
        let text = AudioError::NotAudio {
            path: "clips/notes.txt".into(),
        }
        .to_string();
        assert!(text.starts_with("clips/notes.txt: "), "{text}");
        assert!(text.contains("ffmpeg -i 'clips/notes.txt'"), "{text}");
    }

    #[test]
    fn a_cure_is_quoted_for_the_shell() {
        let text = |path: &str| AudioError::NotAudio { path: path.into() }.to_string();
        let quoted = text("it's; rm -rf $HOME.mkv");
        assert!(
            quoted.contains(r"ffmpeg -i 'it'\''s; rm -rf $HOME.mkv' -ar"),
            "{quoted}"
        );
        assert!(text("-y.mov").contains("ffmpeg -i './-y.mov' -ar"));
    }

    #[test]
    fn sound_without_a_header_is_converted_by_its_name() {
        let text = |path: &str| AudioError::NotAudio { path: path.into() }.to_string();
        let law = text("call.ULAW");
        assert!(
            law.contains("ffmpeg -f mulaw -ar 8000 -i 'call.ULAW' -ar 16000 converted.wav"),
            "{law}"
        );
        assert!(text("call.g722").contains("ffmpeg -f g722 -i"));
    }
}
