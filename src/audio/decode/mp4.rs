//! The edit list of an MP4 file: which samples of a track are its sound, and which the encoder put around them.
//! symphonia does not go by it.

use super::source::Source;
use crate::audio::AudioError;
use std::ops::Range;

/// Boxes looked at, in all.
const BOXES_MAX: usize = 10_000;
/// Edits looked at. Files of sound have one or two.
const EDITS_MAX: u32 = 100;

/// What a track plays, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edit {
    /// How much of the track's beginning is left out.
    pub(super) skip_s: f64,
    /// How much is played then; `None` for all that follows.
    pub(super) length_s: Option<f64>,
}

/// The edit of the track with this number; `None` if there is none.
pub(super) fn edit(source: &mut Source, track: u32) -> Result<Option<Edit>, AudioError> {
    let bytes = source.bytes;
    let mut boxes = Boxes {
        source,
        left: BOXES_MAX,
    };
    let Some(movie) = boxes.find(0..bytes, b"moov")? else {
        return Ok(None);
    };
    let Some(movie_header) = boxes.find(movie.clone(), b"mvhd")? else {
        return Ok(None);
    };
    let movie_scale = boxes.number(&movie_header, [12, 20])?;
    let mut rest = movie;
    while let Some(found) = boxes.find(rest.clone(), b"trak")? {
        rest.start = found.end;
        let header = boxes.find(found.clone(), b"tkhd")?;
        let number = match &header {
            Some(header) => boxes.number(header, [12, 20])?,
            None => None,
        };
        if number != Some(track) {
            continue;
        }
        let list = boxes.inside(found.clone(), &[b"edts", b"elst"])?;
        let header = boxes.inside(found, &[b"mdia", b"mdhd"])?;
        let (Some(list), Some(header)) = (list, header) else {
            return Ok(None);
        };
        let track_scale = boxes.number(&header, [12, 20])?;
        return match (movie_scale, track_scale) {
            (Some(movie @ 1..), Some(track @ 1..)) => {
                boxes.first_edit(&list, f64::from(movie), f64::from(track))
            }
            _ => Ok(None),
        };
    }
    Ok(None)
}

struct Boxes<'a, 'b> {
    source: &'a mut Source<'b>,
    left: usize,
}

impl Boxes<'_, '_> {
    /// The contents of the first box of this name in a stretch of the file.
    fn find(
        &mut self,
        stretch: Range<u64>,
        name: &[u8; 4],
    ) -> Result<Option<Range<u64>>, AudioError> {
        let mut at = stretch.start;
        while at < stretch.end && self.left > 0 {
            self.left -= 1;
            let Some([a, b, c, d, found @ ..]) = self.source.at::<8>(at)? else {
                break;
            };
            let (header, bytes) = match u32::from_be_bytes([a, b, c, d]) {
                0 => (8, stretch.end - at),
                1 => match self.source.at(at.saturating_add(8))? {
                    Some(bytes) => (16, u64::from_be_bytes(bytes)),
                    None => break,
                },
                bytes => (8, u64::from(bytes)),
            };
            let end = at.saturating_add(bytes).min(stretch.end);
            if bytes < header {
                break;
            }
            if found == *name {
                return Ok(Some((at + header).min(end)..end));
            }
            at = end;
        }
        Ok(None)
    }

    fn inside(
        &mut self,
        mut stretch: Range<u64>,
        names: &[&[u8; 4]],
    ) -> Result<Option<Range<u64>>, AudioError> {
        for name in names {
            match self.find(stretch, name)? {
                Some(found) => stretch = found,
                None => return Ok(None),
            }
        }
        Ok(Some(stretch))
    }

    /// A number of 4 bytes that lies at one place in version 0 of a box and at another one in version 1.
    fn number(&mut self, found: &Range<u64>, at: [u64; 2]) -> Result<Option<u32>, AudioError> {
        let version = self.source.at(found.start)?;
        let at = match version {
            Some([0]) => at[0],
            _ => at[1],
        };
        let number = self.source.at(found.start.saturating_add(at))?;
        Ok(number.map(u32::from_be_bytes))
    }

    /// The first edit that plays something. Several of them are not joined: then all that follows is played.
    fn first_edit(
        &mut self,
        list: &Range<u64>,
        movie_scale: f64,
        track_scale: f64,
    ) -> Result<Option<Edit>, AudioError> {
        let Some([version, _, _, _, a, b, c, d]) = self.source.at::<8>(list.start)? else {
            return Ok(None);
        };
        let count = u32::from_be_bytes([a, b, c, d]).min(EDITS_MAX);
        let mut edits = Vec::new();
        for index in 0..u64::from(count) {
            let (length, from) = if version == 0 {
                let Some([a, b, c, d, from @ ..]) =
                    self.source.at::<8>(list.start + 8 + 12 * index)?
                else {
                    break;
                };
                let length = u64::from(u32::from_be_bytes([a, b, c, d]));
                (length, i64::from(i32::from_be_bytes(from)))
            } else {
                let at = list.start + 8 + 20 * index;
                let (Some(length), Some(from)) = (self.source.at(at)?, self.source.at(at + 8)?)
                else {
                    break;
                };
                (u64::from_be_bytes(length), i64::from_be_bytes(from))
            };
            // An edit from -1 on is a pause.
            if from >= 0 {
                edits.push((length, from));
            }
        }
        Ok(edits.first().map(|(length, from)| Edit {
            skip_s: *from as f64 / track_scale,
            length_s: (edits.len() == 1 && *length > 0).then(|| *length as f64 / movie_scale),
        }))
    }
}
