//! What a voice on a server sends, by the bytes first and by what the server says of them second.

/// As many bytes tell what they are.
const HEAD_BYTES: usize = 16;
/// As many tell by their smoothness whether they are samples, and in which order: a third of a second.
const SMOOTH_BYTES: usize = 17 << 10;

/// What a server says that it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// `audio/pcm`, in lower case and without parameters.
    pub(super) kind: String,
    pub(super) rate: Option<u32>,
}

impl Label {
    pub(super) fn of(label: &str) -> Label {
        let label = label.to_ascii_lowercase();
        let mut parts = label.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_owned();
        let rate = parts
            .filter_map(|part| part.strip_prefix("rate="))
            .find_map(|rate| rate.trim_matches('"').parse().ok())
            .filter(|rate| (8_000..=48_000).contains(rate));
        Label { kind, rate }
    }

    fn is_text(&self) -> bool {
        let words = ["json", "html", "xml"];
        self.kind.starts_with("text/") || words.iter().any(|word| self.kind.contains(word))
    }

    /// How sound of this kind is coded, if it is not plain samples.
    fn coding(&self) -> Option<&'static str> {
        let codings = [
            ("mpeg", "MP3"),
            ("mp3", "MP3"),
            ("aac", "AAC"),
            ("opus", "Opus"),
            ("ogg", "Ogg"),
            ("webm", "WebM"),
            ("mp4", "MP4"),
            ("m4a", "MP4"),
            ("flac", "FLAC"),
            ("basic", "mu-law"),
            ("pcmu", "mu-law"),
            ("pcma", "A-law"),
            ("g722", "G.722"),
            ("amr", "AMR"),
            ("gsm", "GSM"),
        ];
        let found = codings.iter().find(|(word, _)| self.kind.contains(word));
        found
            .filter(|_| self.kind.starts_with("audio/"))
            .map(|(_, name)| *name)
    }

    /// Whether the first byte of a sample is said to be the greater one.
    pub(super) fn is_big_endian(&self) -> bool {
        self.kind == "audio/l16"
    }
}

/// What bytes are, as far as they tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Samples,
    /// A WAV file whose plain samples can be taken as they come.
    Wav(Wav),
    /// A file of this kind.
    File(&'static str),
    Text,
    /// More bytes are needed to tell.
    Unclear,
}

impl Kind {
    pub(super) fn of(label: &Label, head: &[u8], is_all: bool) -> Kind {
        let has = |magic: &[u8], at: usize| head.get(at..).is_some_and(|it| it.starts_with(magic));
        let files: [(&[u8], usize, &str); 12] = [
            (b"RIFF", 0, "WAV"),
            (b"RIFX", 0, "WAV"),
            (b"RF64", 0, "WAV"),
            (b"ID3", 0, "MP3"),
            (b"OggS", 0, "Ogg"),
            (b"fLaC", 0, "FLAC"),
            (b"ftyp", 4, "MP4"),
            (b"\x1a\x45\xdf\xa3", 0, "WebM"),
            (b"FORM", 0, "AIFF"),
            (b"caff", 0, "CAF"),
            (b".snd", 0, "AU"),
            (b"#!AMR", 0, "AMR"),
        ];
        let is_enough = |bytes| is_all || head.len() >= bytes;
        if !is_enough(HEAD_BYTES) {
            return Kind::Unclear;
        }
        match Wav::of(head) {
            Some(Ok(wav)) => return Kind::Wav(wav),
            None if !is_enough(WAV_HEAD_BYTES) => return Kind::Unclear,
            _ => {}
        }
        if let Some((.., name)) = files.iter().find(|(magic, at, _)| has(magic, *at)) {
            return Kind::File(name);
        }
        if label.is_text() || looks_like_text(head) {
            return Kind::Text;
        }
        if let Some((length, name)) = frame(head) {
            match head.get(length..length + 2) {
                Some(next) if begins_frame(next) => return Kind::File(name),
                None if !is_all => return Kind::Unclear,
                _ => {}
            }
        }
        let needs_more = label.coding().is_some() || label.is_big_endian();
        if needs_more && !is_enough(SMOOTH_BYTES) {
            return Kind::Unclear;
        }
        match label.coding() {
            // Many say that they send MP3, and send the plain samples that they were asked for.
            Some(name) if !is_smooth(head, i16::from_le_bytes) => Kind::File(name),
            _ => Kind::Samples,
        }
    }
}

/// Whether bytes begin like JSON or a page.
fn looks_like_text(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let begins = head.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let head = &head[..head.len().min(HEAD_BYTES)];
    matches!(begins, Some(b'{' | b'[' | b'<')) && head.iter().all(is_printable)
}

/// Whether a frame of sound without a container may begin with these bytes.
fn begins_frame(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, second, ..] if second & 0xe0 == 0xe0)
}

/// The frame that bytes begin with, if they may be coded without a container: how long it is, and of what. Where they
/// are, another frame follows it.
fn frame(head: &[u8]) -> Option<(usize, &'static str)> {
    let (length, name) = match head {
        // ADTS: 13 bits of length in the fourth to the sixth byte.
        [0xff, second, _, a, b, c, ..] if second & 0xf6 == 0xf0 => {
            let bits = [*a & 3, *b, *c].map(usize::from);
            (bits[0] << 11 | bits[1] << 3 | bits[2] >> 5, "AAC")
        }
        [_, second, third, ..] if begins_frame(head) => (mp3_frame_bytes(*second, *third)?, "MP3"),
        _ => return None,
    };
    Some((length.max(4), name))
}

/// The length of a frame of MP3, by ISO 11172-3 and 13818-3.
fn mp3_frame_bytes(second: u8, third: u8) -> Option<usize> {
    const FIRST: [usize; 14] = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ];
    const SECOND: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    const RATES: [usize; 3] = [44_100, 48_000, 32_000];
    let is_third_layer = second & 6 == 2;
    let version = second >> 3 & 3;
    let index = usize::from(third >> 4).checked_sub(1)?;
    let rate = RATES.get(usize::from(third >> 2 & 3))?;
    let (kbits, rate, samples) = match version {
        3 => (FIRST.get(index)?, *rate, 144),
        2 => (SECOND.get(index)?, rate / 2, 72),
        0 => (SECOND.get(index)?, rate / 4, 72),
        _ => return None,
    };
    let padding = usize::from(third >> 1 & 1);
    is_third_layer.then_some(samples * kbits * 1_000 / rate + padding)
}

/// Whether bytes are samples in this order, as speech is: each near the one before, where those of a coded or a turned
/// sound are not.
pub(super) fn is_smooth(bytes: &[u8], sample: fn([u8; 2]) -> i16) -> bool {
    let samples: Vec<f64> = bytes
        .chunks_exact(2)
        .map(|pair| f64::from(sample([pair[0], pair[1]])))
        .collect();
    let product = |lag: usize| -> f64 {
        let pairs = samples.iter().zip(samples.iter().skip(lag));
        pairs.map(|(one, other)| one * other).sum()
    };
    product(1) >= SMOOTH * product(0)
}

/// The least correlation of a sample of speech with the next one, over a third of a second.
const SMOOTH: f64 = 0.5;

/// Where the samples of a WAV file begin, and what they are: 16 bits of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wav {
    pub(super) start: usize,
    pub(super) rate: u32,
    /// How many bytes of samples there are; `None` if the file was begun before that was known.
    pub(super) bytes: Option<usize>,
}

/// As many bytes hold what stands before the samples of any WAV file that is made to be streamed.
const WAV_HEAD_BYTES: usize = 4 << 10;

impl Wav {
    /// What the beginning of a body tells; `None` if more of it is needed, and `Some(Err)` if it is none of these files.
    fn of(head: &[u8]) -> Option<Result<Wav, ()>> {
        if !(head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE")) {
            return Some(Err(()));
        }
        let word = |at: usize| -> Option<u32> {
            let bytes = head.get(at..at + 4)?;
            Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let (mut at, mut rate) = (12, None);
        loop {
            let (name, length) = (head.get(at..at + 4)?, word(at + 4)?);
            let body = at + 8;
            if name == b"data" {
                let Some(rate) = rate else {
                    return Some(Err(()));
                };
                let is_known = !(length == 0 || length >= i32::MAX as u32);
                return Some(Ok(Wav {
                    start: body,
                    rate,
                    bytes: is_known.then_some(length as usize),
                }));
            }
            if name == b"fmt " {
                let (kind, hertz, bits) = (word(body)?, word(body + 4)?, word(body + 12)? >> 16);
                // Plain or "extensible", and one channel.
                let is_plain = matches!(kind, 0x0001_0001 | 0x0001_fffe);
                if !(is_plain && bits == 16 && (8_000..=48_000).contains(&hertz)) {
                    return Some(Err(()));
                }
                rate = Some(hertz);
            }
            at = body.checked_add(length as usize + length as usize % 2)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(fmt: [u8; 16], length: u32) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        file.extend(fmt);
        file.extend(b"data");
        file.extend(length.to_le_bytes());
        file
    }

    #[test]
    fn a_wav_file_of_plain_samples_is_taken_as_it_comes() {
        let fmt = [1, 0, 1, 0, 0x80, 0x3e, 0, 0, 0, 0x7d, 0, 0, 2, 0, 16, 0];
        let file = wav(fmt, 800);
        let known = Wav {
            start: file.len(),
            rate: 16_000,
            bytes: Some(800),
        };
        assert_eq!(kind("audio/pcm", &file), Kind::Wav(known));
        for cut in 16..file.len() {
            let head = &file[..cut];
            assert_eq!(
                Kind::of(&Label::of("audio/wav"), head, false),
                Kind::Unclear
            );
        }
        let endless = Wav {
            bytes: None,
            ..known
        };
        assert_eq!(kind("audio/wav", &wav(fmt, u32::MAX)), Kind::Wav(endless));
        // Two channels, and eight bits.
        for (at, value) in [(2, 2), (14, 8)] {
            let mut other = fmt;
            other[at] = value;
            assert_eq!(kind("audio/wav", &wav(other, 800)), Kind::File("WAV"));
        }
    }

    fn speech() -> Vec<i16> {
        (0..20_000)
            .map(|at| (8_000.0 * (f64::from(at) * 0.06).sin()) as i16)
            .collect()
    }

    fn noise() -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..20_000).map(|_| next()).collect()
    }

    fn kind(label: &str, bytes: &[u8]) -> Kind {
        Kind::of(&Label::of(label), bytes, true)
    }

    #[test]
    fn what_bytes_are_is_told_by_the_bytes_first() {
        let samples: Vec<u8> = speech().iter().flat_map(|it| it.to_le_bytes()).collect();
        for label in [
            "audio/pcm",
            "application/octet-stream",
            "",
            "audio/mpeg",
            "audio/L16;rate=24000",
        ] {
            assert_eq!(kind(label, &samples), Kind::Samples, "{label}");
        }
        assert_eq!(
            kind("audio/pcm", b"ID3\x03 and so on, for a while"),
            Kind::File("MP3")
        );
        assert_eq!(kind("audio/pcm", b"RIFF0000WAVEfmt and"), Kind::File("WAV"));
        assert_eq!(kind("audio/opus", &noise()), Kind::File("Opus"));
        assert_eq!(
            kind("application/octet-stream", b"{\"error\":\"no such voice\"}"),
            Kind::Text
        );
        assert_eq!(
            kind("text/html; charset=utf-8", b"Log in, please, to go on."),
            Kind::Text
        );
        assert_eq!(kind("audio/pcm", b""), Kind::Samples);
        assert_eq!(
            Kind::of(&Label::of("audio/pcm"), b"RI", false),
            Kind::Unclear
        );
    }

    #[test]
    fn frames_without_a_container_are_known_by_two_of_them() {
        // Layer III of MPEG 1 at 128 kbit/s and 44,100 Hz: frames of 417 bytes.
        let mut mp3 = vec![0; 417 + 4];
        mp3[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        assert_eq!(kind("audio/pcm", &mp3), Kind::Samples);
        mp3[417..].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        assert_eq!(kind("audio/pcm", &mp3), Kind::File("MP3"));
        let mut aac = vec![0; 40];
        aac[..7].copy_from_slice(&[0xff, 0xf1, 0x4c, 0x80, 0x02, 0x9f, 0xfc]);
        aac[20..22].copy_from_slice(&[0xff, 0xf1]);
        assert_eq!(kind("audio/pcm", &aac), Kind::File("AAC"));
    }

    #[test]
    fn samples_that_no_frame_begins_with_are_known_at_once() {
        let label = Label::of("audio/pcm");
        let pieces = [-1_i16, -2, -1, 0, 1, 0, -1, -2].map(i16::to_le_bytes);
        assert_eq!(Kind::of(&label, &pieces.concat(), false), Kind::Samples);
    }

    #[test]
    fn which_byte_of_a_sample_comes_first_can_be_heard() {
        let turned: Vec<u8> = speech().iter().flat_map(|it| it.to_be_bytes()).collect();
        assert!(is_smooth(&turned, i16::from_be_bytes));
        assert!(!is_smooth(&turned, i16::from_le_bytes));
        assert!(!is_smooth(&noise(), i16::from_le_bytes));
        // Silence is as it is.
        assert!(is_smooth(&[0; 100], i16::from_le_bytes));
    }

    #[test]
    fn a_label_may_tell_the_rate() {
        assert_eq!(
            Label::of("audio/L16; Rate=8000;channels=1").rate,
            Some(8_000)
        );
        assert_eq!(Label::of("audio/pcm;rate=1").rate, None);
    }
}
