//! A file that is read here and there: its bytes by position, never beyond its end.

use super::CHANNELS_MAX;
use crate::audio::AudioError;
use crate::files;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Refuses more channels than are read.
pub(super) fn refuse_channels(path: &Path, channels: usize) -> Result<(), AudioError> {
    match channels > CHANNELS_MAX {
        true => Err(AudioError::TooLarge {
            path: path.to_owned(),
            what: format!("{channels} channels, and up to {CHANNELS_MAX} are read"),
        }),
        false => Ok(()),
    }
}

/// An open file, its length, and its path for errors.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: u64,
    reader: BufReader<File>,
}

impl<'a> Source<'a> {
    /// Opens a regular file of at most `bytes_max`. Anything else (a pipe, a device) could block or never end.
    pub(super) fn open(path: &'a Path, bytes_max: u64) -> Result<Self, AudioError> {
        let owned = || path.to_owned();
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => AudioError::NotFound { path: owned() },
            _ => AudioError::Unreadable {
                path: owned(),
                source,
            },
        };
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(AudioError::NotAFile { path: owned() });
        }
        match metadata.len() {
            0 => Err(AudioError::Empty { path: owned() }),
            bytes if bytes > bytes_max => Err(AudioError::TooLarge {
                path: owned(),
                what: format!("{bytes} bytes, and up to {bytes_max} are read"),
            }),
            bytes => Ok(Self {
                path,
                bytes,
                reader: BufReader::new(files::open(path, bytes_max).map_err(unreadable)?),
            }),
        }
    }

    /// Goes to a position, in bytes from the start; reading goes on there.
    pub(super) fn go_to(&mut self, position: u64) -> Result<(), AudioError> {
        let gone = self.reader.seek(SeekFrom::Start(position));
        gone.map(|_| ()).map_err(|error| self.unreadable(error))
    }

    /// Fills `bytes` from where it stands.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), AudioError> {
        let filled = self.reader.read_exact(bytes);
        filled.map_err(|error| self.unreadable(error))
    }

    /// The `N` bytes at a position; `None` if the file ends before.
    pub(super) fn at<const N: usize>(
        &mut self,
        position: u64,
    ) -> Result<Option<[u8; N]>, AudioError> {
        if position
            .checked_add(N as u64)
            .is_none_or(|end| end > self.bytes)
        {
            return Ok(None);
        }
        let mut bytes = [0; N];
        self.go_to(position)?;
        self.fill(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// As many bytes at a position as the file has, at most `bytes_max`.
    pub(super) fn up_to(&mut self, position: u64, bytes_max: u64) -> Result<Vec<u8>, AudioError> {
        let there = self.bytes.saturating_sub(position).min(bytes_max);
        let mut bytes = vec![0; there as usize];
        self.go_to(position)?;
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The file itself, at a position.
    pub(super) fn into_file(mut self, position: u64) -> Result<File, AudioError> {
        self.go_to(position)?;
        let path = self.path;
        let mut file = self.reader.into_inner();
        // The reader had read ahead.
        match file.seek(SeekFrom::Start(position)) {
            Ok(_) => Ok(file),
            Err(source) => Err(AudioError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Refuses more channels than are read, before anything is made for each of them.
    pub(super) fn refuse_channels(&self, channels: usize) -> Result<(), AudioError> {
        refuse_channels(self.path, channels)
    }

    fn unreadable(&self, source: io::Error) -> AudioError {
        AudioError::Unreadable {
            path: self.path.to_owned(),
            source,
        }
    }

    pub(super) fn damaged(&self, what: &str) -> AudioError {
        AudioError::Damaged {
            path: self.path.to_owned(),
            what: what.to_owned(),
        }
    }

    pub(super) fn unsupported(&self, what: String) -> AudioError {
        AudioError::Unsupported {
            path: self.path.to_owned(),
            what,
        }
    }
}
