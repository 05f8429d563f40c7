//! Bytes into lines, as they come.
//!
//! A line ends with a line feed, a carriage return or both, as the HTML standard has it for server-sent events. What is
//! no UTF-8 becomes replacement characters, so that one odd byte costs a character and not an answer.

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line that came with its end.
    Whole(String),
    /// What came behind the last end of a line.
    Torn(String),
}

/// The bytes that no end of a line has come behind yet.
#[derive(Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// Whether the latest byte was a carriage return, so that a line feed belongs to it.
    is_behind_return: bool,
}

impl Lines {
    /// Takes bytes, and hands each line that they complete to `each`.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Line)) {
        let mut rest = bytes;
        if self.is_behind_return && rest.first() == Some(&b'\n') {
            rest = &rest[1..];
        }
        if !bytes.is_empty() {
            self.is_behind_return = false;
        }
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.held.extend_from_slice(&rest[..at]);
            each(Line::Whole(self.take()));
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
    pub(super) fn finish(&mut self) -> Option<Line> {
        (!self.held.is_empty()).then(|| Line::Torn(self.take()))
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
    fn lines(bytes: &[u8], size: usize) -> Vec<Line> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for piece in bytes.chunks(size) {
            lines.push(piece, |line| all.push(line));
        }
        all.extend(lines.finish());
        all
    }

    #[test]
    fn every_end_of_a_line_ends_one_wherever_the_bytes_are_cut() {
        let whole = |text: &str| Line::Whole(text.to_owned());
        for size in 1..12 {
            assert_eq!(
                lines("a\nb\r\nc\rd\r\n\r\né\n\re".as_bytes(), size),
                [
                    whole("a"),
                    whole("b"),
                    whole("c"),
                    whole("d"),
                    whole(""),
                    whole("é"),
                    whole(""),
                    Line::Torn("e".into())
                ],
                "{size}"
            );
        }
    }

    #[test]
    fn a_byte_that_is_no_text_costs_a_character() {
        assert_eq!(lines(b"a\xffb\n", 2), [Line::Whole("a\u{fffd}b".into())]);
    }
}
