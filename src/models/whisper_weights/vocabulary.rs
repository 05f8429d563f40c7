//! The token texts of a Whisper model: CTranslate2's `vocabulary.txt` to raw bytes.
//!
//! The text file holds one token a line in the byte-level alphabet of GPT-2, in which each of the
//! 256 bytes is a printable character (a space is `Ġ`). whisper.cpp wants the bytes themselves.

use std::io::BufRead;

use super::error::ConvertError;

/// The first of the tokens that carry no text. whisper.cpp names these and all after them itself.
const FIRST_UNWRITTEN: &str = "<|startoftranscript|>";

// The English vocabulary is 422 kB and its longest token under 200 characters.
const FILE_BYTES_MAX: u64 = 16 << 20;
const LINE_BYTES_MAX: usize = 4_096;

/// Reads the tokens that a ggml file spells out, in order of their ids: all before
/// `<|startoftranscript|>`. The file must hold exactly `tokens_expected` lines.
pub(super) fn read(file: impl BufRead, tokens_expected: u32) -> Result<Vec<Vec<u8>>, ConvertError> {
    let mut written = Vec::new();
    let mut is_written = true;
    let mut lines = 0;
    for line in file.take(FILE_BYTES_MAX).split(b'\n') {
        let line = line?;
        lines += 1;
        let wrong = |what: &str| damaged(format!("line {lines} {what}"));
        let token = std::str::from_utf8(&line)
            .ok()
            .filter(|token| token.len() <= LINE_BYTES_MAX)
            .ok_or_else(|| wrong("is not a token"))?;
        is_written &= token != FIRST_UNWRITTEN;
        if is_written {
            let foreign = || wrong("has a character outside GPT-2's byte alphabet");
            written.push(raw_bytes(token).ok_or_else(foreign)?);
        }
    }
    if lines != tokens_expected {
        return Err(damaged(format!(
            "it has {lines} lines, but the model has {tokens_expected} tokens"
        )));
    }
    if is_written {
        return Err(damaged(format!("{FIRST_UNWRITTEN} is not in it")));
    }
    Ok(written)
}

fn damaged(what: String) -> ConvertError {
    ConvertError::Damaged(format!("its vocabulary: {what}"))
}

fn raw_bytes(token: &str) -> Option<Vec<u8>> {
    token.chars().map(raw_byte).collect()
}

/// The byte behind a character of GPT-2's alphabet: the printable ones of Latin-1 stand for
/// themselves, the other 68 bytes are numbered in order from U+0100.
fn raw_byte(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => u8::try_from(code).ok(),
        code @ 0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        code @ 0x121..=0x142 => u8::try_from(code - 0x121 + 0x7f).ok(),
        0x143 => Some(0xad),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_alphabet_reaches_every_byte_exactly_once() {
        let bytes: Vec<u8> = (0..0x400)
            .filter_map(char::from_u32)
            .filter_map(raw_byte)
            .collect();
        assert_eq!(bytes.len(), 256);
        assert_eq!(bytes.into_iter().collect::<BTreeSet<_>>().len(), 256);
    }

    #[test]
    fn a_marked_space_becomes_a_space_and_text_stops_at_the_special_tokens() {
        let file = "!\nĠcafÃ©\nĊ\n<|endoftext|>\n<|startoftranscript|>\n<|0.00|>\n";
        let words = read(file.as_bytes(), 6).unwrap();
        assert_eq!(
            words,
            [
                b"!".to_vec(),
                " café".into(),
                b"\n".to_vec(),
                b"<|endoftext|>".to_vec()
            ]
        );
    }

    #[test]
    fn a_wrong_count_a_foreign_character_and_a_missing_marker_are_errors() {
        for (file, tokens) in [
            ("a\n<|startoftranscript|>\n", 3),
            ("漢\n<|startoftranscript|>\n", 2),
            ("a\nb\n", 2),
            ("", 0),
        ] {
            assert!(read(file.as_bytes(), tokens).is_err(), "{file:?}");
        }
        assert!(read(&b"\xff\xfe\n"[..], 1).is_err());
    }
}
