//! Bytes into lines, as they come.
//!
//! A line ends with a line feed, a carriage return or both, as the HTML standard has it for server-sent events. What is
//! no UTF-8 becomes replacement characters, so that one odd byte costs a character and not an answer.

/// The bytes that no end of a line has come behind yet.
#[derive(Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// Whether the latest byte was a carriage return, so that a line feed belongs to it.
    is_behind_return: bool,
}

impl Lines {
    /// Takes bytes, and hands each line that they complete to `each`, without its end.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(String)) {
        let mut rest = bytes;
        if self.is_behind_return && rest.first() == Some(&b'\n') {
            rest = &rest[1..];
        }
        if !bytes.is_empty() {
            self.is_behind_return = false;
        }
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.held.extend_from_slice(&rest[..at]);
            each(self.take());
            let is_return = rest[at] == b'\r';
            rest = &rest[at + 1..];
            match (is_return, rest.first()) {
                (true, Some(b'\n')) => rest = &rest[1..],
                (true, None) => self.is_behind_return = true,
                _ => {}
            }
        }
        self.held.extend_from_slice(rest);
    }

    /// The line that the stream ended in; `None` if it ended with a line.
    pub(super) fn finish(&mut self) -> Option<String> {
        (!self.held.is_empty()).then(|| self.take())
    }

    /// Bytes that wait for the end of their line.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.held).into_owned();
        self.held.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text that comes in pieces of `size` bytes.
    fn lines(bytes: &[u8], size: usize) -> (Vec<String>, Option<String>) {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for piece in bytes.chunks(size) {
            lines.push(piece, |line| all.push(line));
        }
        (all, lines.finish())
    }

    #[test]
    fn every_end_of_a_line_ends_one_wherever_the_bytes_are_cut() {
        for size in 1..12 {
            let (whole, torn) = lines("a\nb\r\nc\rd\r\n\r\né\n\re".as_bytes(), size);
            assert_eq!(whole, ["a", "b", "c", "d", "", "é", ""], "{size}");
            assert_eq!(torn.as_deref(), Some("e"), "{size}");
        }
    }

    #[test]
    fn a_byte_that_is_no_text_costs_a_character() {
        let (whole, torn) = lines(b"a\xffb\n", 2);
        assert_eq!((whole, torn), (vec!["a\u{fffd}b".to_owned()], None));
    }
}
