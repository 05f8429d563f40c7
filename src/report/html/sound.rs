//! The sound of a run: how loud it is, and how a page plays it.

use crate::audio::{AudioError, SAMPLE_RATE, decode, wav};
use crate::event::Tick;
use crate::record::store::Moments;
use crate::report::chart::Loudness;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

/// More sound than this is not put into a page: 12 MB, some three minutes.
const EMBEDDED_BYTES_MAX: u64 = 12_000_000;

/// Bytes of a pair of samples, one of each speaker.
const PAIR_BYTES: usize = 4;

/// The sound of a conversation, or how loud it was.
pub(super) struct Sound {
    pub loudness: Loudness,
    /// What can be played; `None` if no sound was kept.
    pub played: Option<Played>,
}

/// What a page plays.
pub(super) struct Played {
    /// The address that a page plays the sound from: the sound itself as a data URL, or that of the file.
    pub address: String,
    pub is_embedded: bool,
    /// The stretches of the conversation that lie in it end to end.
    pub spans: Vec<Range<Tick>>,
}

/// What is kept in the folder of a run or a measured call, for a page that will lie in the folder `page`; `None` if
/// nothing is.
pub(super) fn of(folder: &Path, page: &Path) -> Option<Result<Sound, String>> {
    let wav = folder.join("conversation.wav");
    if wav.is_file() {
        return Some(read(&wav, page).map_err(|error| error.to_string()));
    }
    match Moments::read(folder) {
        Ok(moments) => Some(of_moments(moments?, folder, page)),
        Err(error) => Some(Err(error.to_string())),
    }
}

fn of_moments(moments: Moments, folder: &Path, page: &Path) -> Result<Sound, String> {
    let spans: Vec<Range<Tick>> = moments
        .spans
        .iter()
        .map(|span| Tick(span.from_ns)..Tick(span.to_ns))
        .collect();
    let played = match spans.is_empty() {
        true => None,
        false => {
            let sound = read(&Moments::wav(folder), page).map_err(|error| error.to_string())?;
            sound.played.map(|played| Played { spans, ..played })
        }
    };
    Ok(Sound {
        loudness: Loudness {
            step_ns: moments.step_ns,
            caller: moments.caller,
            agent: moments.agent,
        },
        played,
    })
}

/// Reads a `conversation.wav` for a page that will lie in the folder `page`. The memory it takes does not grow
/// with the length, but for two bytes every four milliseconds.
fn read(path: &Path, page: &Path) -> Result<Sound, AudioError> {
    let unreadable = |source| AudioError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let (file, bytes) = decode::open_conversation(path)?;
    let is_embedded = bytes <= EMBEDDED_BYTES_MAX;
    let mut kept = Vec::new();
    let mut reader = BufReader::with_capacity(1 << 16, file.take(bytes));
    let keep = is_embedded.then_some(&mut kept);
    let loudness = listen(&mut reader, keep).map_err(unreadable)?;
    let address = match is_embedded {
        true => opus_address(&kept).unwrap_or_else(|| wav_address(&kept)),
        false => relative_address(page, path).map_err(unreadable)?,
    };
    let end = Tick(loudness.caller.len() as u64 * loudness.step_ns);
    Ok(Sound {
        loudness,
        played: Some(Played {
            address,
            is_embedded,
            spans: vec![Tick::ZERO..end],
        }),
    })
}

/// The loudest sample of both in every step; all that is read is added to `kept`.
fn listen(reader: &mut impl Read, mut kept: Option<&mut Vec<u8>>) -> io::Result<Loudness> {
    let mut loudness = Loudness {
        step_ns: Loudness::STEP_NS,
        ..Loudness::default()
    };
    let mut step = vec![0; SAMPLE_RATE as usize / 250 * PAIR_BYTES];
    while loudness.caller.len() < Loudness::STEPS_MAX {
        let filled = fill(reader, &mut step)?;
        let Some(step) = step.get(..filled).filter(|step| !step.is_empty()) else {
            break;
        };
        let (mut caller, mut agent) = (0, 0);
        for pair in step.chunks_exact(PAIR_BYTES) {
            if let [a, b, c, d] = *pair {
                caller = i16::from_le_bytes([a, b]).unsigned_abs().max(caller);
                agent = i16::from_le_bytes([c, d]).unsigned_abs().max(agent);
            }
        }
        // Up to 32,768, a 128th of which is 256.
        let byte = |peak: u16| u8::try_from(peak / 128).unwrap_or(u8::MAX);
        loudness.caller.push(byte(caller));
        loudness.agent.push(byte(agent));
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(step);
        }
    }
    Ok(loudness)
}

/// Reads until `to` is full or there is no more; how much it was.
fn fill(reader: &mut impl Read, to: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The samples of both speakers as Ogg Opus in a data URL; `None` if this build has no encoder.
#[cfg(feature = "opus")]
fn opus_address(samples: &[u8]) -> Option<String> {
    let sample = |bytes: &[u8]| match *bytes {
        [low, high] => f32::from(i16::from_le_bytes([low, high])) / 32_768.0,
        _ => 0.0,
    };
    let pairs: Vec<f32> = samples.chunks_exact(2).map(sample).collect();
    let file = crate::audio::opus::ogg_opus(&pairs)?;
    let file = BASE64_STANDARD.encode(file);
    Some(format!("data:audio/ogg;codecs=opus;base64,{file}"))
}

#[cfg(not(feature = "opus"))]
fn opus_address(_: &[u8]) -> Option<String> {
    None
}

/// The samples of both speakers as a WAV in a data URL: the header of the file may not know its length.
fn wav_address(samples: &[u8]) -> String {
    let file = wav::in_memory(samples, 2);
    format!("data:audio/wav;base64,{}", BASE64_STANDARD.encode(file))
}

/// How a page in the folder `from` refers to a file.
fn relative_address(from: &Path, to: &Path) -> io::Result<String> {
    let folder = |path: &Path| match path {
        path if path == Path::new("") => PathBuf::from("."),
        path => path.to_owned(),
    };
    let (from, to) = (folder(from).canonicalize()?, to.canonicalize()?);
    let (from, to): (Vec<Component>, Vec<Component>) =
        (from.components().collect(), to.components().collect());
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(one, other)| one == other)
        .count();
    let up = from.iter().skip(shared).map(|_| "..".to_owned());
    let down = to
        .iter()
        .skip(shared)
        .map(|part| encoded(&part.as_os_str().to_string_lossy()));
    let parts: Vec<String> = up.chain(down).collect();
    Ok(parts.join("/"))
}

/// A part of an address, percent-encoded.
fn encoded(part: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    part.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wav::StereoWriter;

    fn conversation(folder: &Path, seconds: usize) -> PathBuf {
        let path = folder.join("conversation.wav");
        let mut writer = StereoWriter::create(&path).expect("a file");
        for _ in 0..seconds {
            writer
                .push(&[0.5; 16_000], &[-1.0; 16_000])
                .expect("written");
        }
        writer.finish().expect("finished");
        path
    }

    fn played(sound: Sound) -> Played {
        sound.played.expect("it can be played")
    }

    #[test]
    fn a_short_one_is_in_the_page_and_its_loudness_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = conversation(folder.path(), 1);
        let sound = read(&path, folder.path()).expect("read");
        assert_eq!(sound.loudness.caller, [128; 250]);
        assert_eq!(sound.loudness.agent, [255; 250]);
        let start = match cfg!(feature = "opus") {
            true => "data:audio/ogg;codecs=opus;base64,T2dnU",
            false => "data:audio/wav;base64,",
        };
        let address = played(sound).address;
        assert!(address.starts_with(start), "{}", &address[..60]);
    }

    #[test]
    fn without_an_encoder_the_sound_is_that_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = conversation(folder.path(), 1);
        let file = std::fs::read(&path).expect("the file");
        let address = wav_address(&file[44..]);
        let data = address
            .strip_prefix("data:audio/wav;base64,")
            .expect("embedded");
        let wav = BASE64_STANDARD.decode(data).expect("base64");
        assert_eq!(wav, file, "the same header, too");
    }

    #[cfg(feature = "opus")]
    #[test]
    fn a_short_one_takes_little_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = conversation(folder.path(), 20);
        let sound = read(&path, folder.path()).expect("read");
        let address = played(sound).address;
        assert!(address.len() < 20 * 8_000, "{}", address.len());
    }

    #[test]
    fn a_long_one_stays_where_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run \"1\" ü#?");
        std::fs::create_dir(&run).expect("a folder");
        let path = conversation(&run, 190);
        let sound = read(&path, folder.path()).expect("read");
        assert_eq!(sound.loudness.caller.len(), 47_500);
        let sound = played(sound);
        assert_eq!(
            sound.address,
            "run%20%221%22%20%C3%BC%23%3F/conversation.wav"
        );
        assert!(!sound.is_embedded);
        let pages = folder.path().join("pages");
        std::fs::create_dir(&pages).expect("a folder");
        let sound = read(&path, &pages).expect("read");
        let address = played(sound).address;
        assert!(address.starts_with("../run%20"), "{address}");
    }

    #[test]
    fn of_a_measured_call_its_moments_are_played_and_all_of_it_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(of(folder.path(), folder.path()).is_none());
        let path = conversation(folder.path(), 2);
        std::fs::rename(path, Moments::wav(folder.path())).expect("moved");
        let span = |from_ns, to_ns| crate::record::store::Span { from_ns, to_ns };
        let mut moments = Moments {
            schema: Moments::SCHEMA.into(),
            step_ns: 10_000_000,
            caller: vec![9; 30_000],
            agent: vec![0; 30_000],
            spans: vec![
                span(1_000_000_000, 2_000_000_000),
                span(5_000_000_000, 6_000_000_000),
            ],
        };
        moments.write(folder.path()).expect("written");
        let sound = of(folder.path(), folder.path())
            .expect("some")
            .expect("read");
        assert_eq!(
            (sound.loudness.step_ns, sound.loudness.caller.len()),
            (10_000_000, 30_000)
        );
        let ms = Tick::from_ms;
        assert_eq!(
            played(sound).spans,
            [ms(1_000)..ms(2_000), ms(5_000)..ms(6_000)]
        );
        moments.spans.clear();
        moments.write(folder.path()).expect("written");
        let sound = of(folder.path(), folder.path())
            .expect("some")
            .expect("read");
        assert!(sound.played.is_none(), "loudness alone");
    }

    #[test]
    fn a_killed_one_is_played_as_far_as_it_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = conversation(folder.path(), 2);
        let file = std::fs::File::options()
            .write(true)
            .open(&path)
            .expect("the file");
        file.set_len(44 + 64_000 + 3).expect("cut");
        let sound = read(&path, folder.path()).expect("read");
        assert_eq!(sound.loudness.caller.len(), 251);
    }

    #[test]
    fn what_is_no_sound_of_a_run_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("conversation.wav");
        wav::write_mono(&path, &[0.0; 100], 16_000).expect("written");
        let error = read(&path, folder.path()).err().expect("refused");
        assert!(
            error.to_string().contains("not the sound of a run"),
            "{error}"
        );
        std::fs::write(&path, b"RIFF").expect("written");
        assert!(read(&path, folder.path()).is_err());
    }
}
