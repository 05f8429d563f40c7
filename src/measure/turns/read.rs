//! Bytes to turns. Wrong bytes give an error with a position, and never take more memory than a block can.

use super::source::{TurnSource, TurnsError};
use super::{
    ASKS_AGAIN, BEFORE_METRICS, E2E_LATENCY, HAS_AGENT_START, HAS_CALLER_END, HAS_SHADOW, HEADER,
    IS_UNANSWERED, MARKER, MAXIMUM_ROWS, OUTCOMES, OUTCOMES_OF_VOIDED, STOOD_IN_HOP, SimulatedTurn,
    e2e_ns, places,
};
use crate::event::{Expect, Hop, Metric, Tick};
use crate::files;
use crate::measure::Reason;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Take};
use std::path::Path;

/// A longer file is refused: 1 TiB. A block of it is held.
const FILE_BYTES_MAX: u64 = 1 << 40;

/// Reads turns, a whole conversation at a time; after an error there is nothing more.
#[derive(Debug)]
pub struct Reader<R> {
    source: TurnSource<R>,
    /// Turns of the last block that are still to be given.
    block: VecDeque<SimulatedTurn>,
    is_over: bool,
}

/// Reads turns from a file.
pub type FileReader = Reader<BufReader<Take<File>>>;

impl FileReader {
    /// Opens a file of turns, of which `bytes` are read, and checks its header.
    pub fn open(path: &Path, bytes: u64) -> Result<FileReader, TurnsError> {
        match files::open(path, FILE_BYTES_MAX) {
            Ok(file) => Reader::new(BufReader::with_capacity(1 << 16, file.take(bytes)), path),
            Err(source) => Err(TurnsError::Read {
                path: path.to_path_buf(),
                source,
            }),
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads from `source`, of which errors say that it is `path`, and checks its header.
    pub fn new(source: R, path: &Path) -> Result<Reader<R>, TurnsError> {
        Ok(Reader {
            source: TurnSource::new(source, path.to_path_buf())?,
            block: VecDeque::new(),
            is_over: false,
        })
    }

    /// Reads a block, or a header between blocks; `None` at the end of the file.
    fn read_block(&mut self) -> Result<Option<()>, TurnsError> {
        match self.source.byte_or_end()? {
            None => return Ok(None),
            Some(MARKER) => {
                let first = self.read_rows()?;
                self.source.add_whole(u64::from(first == 1));
            }
            Some(byte) if byte == HEADER[0] => {
                self.source.header_again()?;
            }
            Some(_) => return Err(self.source.damaged("no conversation begins here")),
        }
        Ok(Some(()))
    }

    /// Reads the rows of a block, and says which number the first one has.
    fn read_rows(&mut self) -> Result<u32, TurnsError> {
        let conversation = self.source.varint_u32()?;
        let began = match self.source.is_version_1() {
            true => Tick::ZERO,
            false => Tick(self.source.varint()?),
        };
        let first = self.source.varint_u32()?;
        if first == 0 {
            return Err(self.source.damaged("rows are numbered from one"));
        }
        let rows = self.source.varint_u32()?;
        if rows as usize > MAXIMUM_ROWS {
            return Err(self.source.damaged("a block has at most 100000 rows"));
        }
        let Some(end) = first.checked_add(rows) else {
            return Err(self.source.damaged("there are too many rows"));
        };
        for number in first..end {
            let turn = self.row((conversation, began), number)?;
            self.block.push_back(turn);
        }
        Ok(first)
    }

    fn row(
        &mut self,
        (conversation, began): (u32, Tick),
        number: u32,
    ) -> Result<SimulatedTurn, TurnsError> {
        let flags = self.source.byte()?;
        let expect = match flags & 3 {
            0 => None,
            1 => Some(Expect::Respond),
            2 => Some(Expect::Stop),
            _ => Some(Expect::Ignore),
        };
        let code = usize::from(flags >> 2 & 15);
        let Some(outcome) = OUTCOMES.iter().chain(&OUTCOMES_OF_VOIDED).nth(code) else {
            return Err(self.source.damaged("no such outcome"));
        };
        let (outcome, has_voided_commit) = (*outcome, code >= OUTCOMES.len());
        let mut caller_end = None;
        if flags & HAS_CALLER_END != 0 {
            caller_end = Some(Tick(self.source.varint()?));
        }
        let mut agent_start = None;
        if flags & HAS_AGENT_START != 0 {
            let value = self.source.varint()?;
            agent_start = Some(caller_end.map_or(Tick(value), |end| unzigzag(value, end)));
        }
        let e2e_ns = e2e_ns(outcome, caller_end, agent_start);
        let mut turn = SimulatedTurn {
            conversation,
            began,
            number,
            expect,
            outcome,
            has_voided_commit,
            caller_end,
            agent_start,
            hops: self.hops()?,
            metrics: self.metrics(e2e_ns)?,
            unanswered: None,
            in_vain: Vec::new(),
            stood_in: None,
            first_asked: None,
            shadow_ns: None,
        };
        if !self.source.is_version_1() {
            self.what_else(&mut turn)?;
        }
        Ok(turn)
    }

    fn what_else(&mut self, turn: &mut SimulatedTurn) -> Result<(), TurnsError> {
        let bits = self.source.varint()?;
        if bits >> BEFORE_METRICS >> Metric::ALL.len() != 0 {
            return Err(self.source.damaged("no such metric"));
        }
        if bits & IS_UNANSWERED != 0 {
            let code = usize::from(self.source.byte()?);
            let reason = Reason::ALL.get(code).copied();
            turn.unanswered = Some(reason.ok_or_else(|| self.source.damaged("no such reason"))?);
        }
        if bits & ASKS_AGAIN != 0 {
            turn.first_asked = Some(Tick(self.source.varint()?));
        }
        if bits & HAS_SHADOW != 0 {
            turn.shadow_ns = Some(self.source.varint()?);
        }
        if bits & STOOD_IN_HOP != 0 {
            let code = usize::from(self.source.byte()?);
            let hop = Hop::ALL.get(code).copied();
            let hop = hop.ok_or_else(|| self.source.damaged("no such hop"))?;
            turn.stood_in = Some((hop, self.source.varint()?));
        }
        for place in places(bits >> BEFORE_METRICS) {
            turn.in_vain
                .push((Metric::ALL[place], self.source.varint()?));
        }
        Ok(())
    }

    fn hops(&mut self) -> Result<Vec<(Hop, u64)>, TurnsError> {
        let bits = self.source.varint()?;
        if bits >> Hop::ALL.len() != 0 {
            return Err(self.source.damaged("no such hop"));
        }
        let mut hops = Vec::with_capacity(bits.count_ones() as usize);
        for place in places(bits) {
            hops.push((Hop::ALL[place], self.source.varint()?));
        }
        Ok(hops)
    }

    fn metrics(&mut self, e2e_ns: Option<u64>) -> Result<Vec<(Metric, u64)>, TurnsError> {
        let bits = self.source.varint()?;
        if bits >> 1 >> Metric::ALL.len() != 0 {
            return Err(self.source.damaged("no such metric"));
        }
        let mut metrics = Vec::with_capacity(bits.count_ones() as usize);
        if bits & 1 != 0 {
            let Some(e2e_ns) = e2e_ns.filter(|_| bits >> 1 >> E2E_LATENCY & 1 == 0) else {
                return Err(self.source.damaged("there is no such e2e_latency"));
            };
            metrics.push((Metric::ALL[E2E_LATENCY], e2e_ns));
        }
        for place in places(bits >> 1) {
            metrics.push((Metric::ALL[place], self.source.varint()?));
        }
        Ok(metrics)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<SimulatedTurn, TurnsError>;

    fn next(&mut self) -> Option<Result<SimulatedTurn, TurnsError>> {
        while !self.is_over && self.block.is_empty() {
            match self.read_block() {
                Ok(Some(())) => {}
                Ok(None) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    // The conversation of the block is not whole.
                    self.block.clear();
                    return Some(Err(error));
                }
            }
        }
        self.block.pop_front().map(Ok)
    }
}

fn unzigzag(value: u64, to: Tick) -> Tick {
    Tick(to.0.wrapping_add(value >> 1 ^ (value & 1).wrapping_neg()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answered, turn};
    use super::super::{HEADER_1, encode};
    use super::*;
    use proptest::prelude::*;

    /// Three conversations of two, none and one row, and where each ends.
    fn small_file() -> (Vec<u8>, Vec<SimulatedTurn>, [usize; 3]) {
        let mut bytes = HEADER.to_vec();
        let conversations = [vec![answered(1), answered(2)], vec![], vec![answered(1)]];
        let ends = std::array::from_fn(|conversation| {
            encode(
                (conversation as u32, Tick(conversation as u64 * 1_000)),
                &conversations[conversation],
                &mut bytes,
            );
            bytes.len()
        });
        let turns = conversations.iter().zip(0..).flat_map(|(rows, number)| {
            rows.iter()
                .map(move |row| turn(number, row))
                .collect::<Vec<_>>()
        });
        (bytes, turns.collect(), ends)
    }

    fn reader(bytes: &[u8]) -> Result<Reader<&[u8]>, TurnsError> {
        Reader::new(bytes, Path::new("run/turns.bin"))
    }

    /// The error after the header and `bytes`.
    fn error(bytes: &[u8]) -> TurnsError {
        let bytes = [HEADER, bytes].concat();
        let last = reader(&bytes).expect("a header").last();
        last.expect("an error").expect_err("garbage")
    }

    /// Reads to the end: the turns, and the error if there is one. Nothing comes after it.
    fn read_all(bytes: &[u8]) -> (Vec<SimulatedTurn>, Option<TurnsError>) {
        let mut reader = match reader(bytes) {
            Ok(reader) => reader,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut turns = Vec::new();
        for turn in &mut reader {
            match turn {
                Ok(turn) => turns.push(turn),
                Err(error) => {
                    assert!(reader.next().is_none());
                    return (turns, Some(error));
                }
            }
        }
        (turns, None)
    }

    #[test]
    fn a_file_that_was_cut_anywhere_yields_all_whole_conversations() {
        let (file, all, ends) = small_file();
        for length in 0..=file.len() {
            let (turns, error) = read_all(&file[..length]);
            let whole = ends.into_iter().filter(|end| *end <= length).count();
            assert_eq!(turns, all[..[0, 2, 2, 3][whole]], "{length} bytes");
            let end = whole.checked_sub(1).map_or(HEADER.len(), |last| ends[last]);
            match error {
                None => assert_eq!(length, end),
                Some(TurnsError::Header { .. }) => assert!(length < HEADER.len()),
                Some(TurnsError::CutShort {
                    conversations,
                    bytes,
                    ..
                }) => {
                    assert_ne!(length, end);
                    assert_eq!((conversations, bytes), (whole as u64, end as u64));
                }
                Some(error) => panic!("{length} bytes: {error}"),
            }
        }
    }

    #[test]
    fn the_error_of_a_cut_file_says_what_is_fine_and_what_to_do() {
        let (file, _, ends) = small_file();
        let (_, error) = read_all(&file[..file.len() - 1]);
        let sentence = error.expect("an error").to_string();
        assert!(
            sentence.starts_with("run/turns.bin ends in the middle"),
            "{sentence}"
        );
        assert!(sentence.contains("before it: 2, all fine"), "{sentence}");
        assert!(
            sentence.contains(&format!("to {} bytes", ends[1])),
            "{sentence}"
        );
    }

    #[test]
    fn garbage_is_refused_where_it_lies() {
        let high = [0xff; 9];
        let cases: [(&[u8], u64, &str); 14] = [
            (b"?", 0, "no conversation begins here"),
            (
                b"voicesim turns 3",
                15,
                "neither a conversation nor a header",
            ),
            (
                &[b'C', 0x80, 0x80, 0x80, 0x80, 0x10],
                5,
                "the number is too large",
            ),
            (&[b'C', 0, 0, 0, 1], 3, "rows are numbered from one"),
            (
                &[b'C', 0, 0, 1, 0xa1, 0x8d, 6],
                6,
                "a block has at most 100000 rows",
            ),
            (
                &[b'C', 0, 0, 0xff, 0xff, 0xff, 0xff, 15, 1],
                8,
                "there are too many rows",
            ),
            (&[b'C', 0, 0, 1, 1, 15 << 2], 5, "no such outcome"),
            (
                &[&[b'C', 0, 0, 1, 1, 64][..], &high, &[2]].concat(),
                15,
                "a number has more than 64 bits",
            ),
            (&[b'C', 0, 0, 1, 1, 0, 0x80, 0x20], 7, "no such hop"),
            (
                &[b'C', 0, 0, 1, 1, 0, 0, 0x80, 0x80, 16],
                9,
                "no such metric",
            ),
            (
                &[b'C', 0, 0, 1, 1, 0, 0, 1],
                7,
                "there is no such e2e_latency",
            ),
            (&[b'C', 0, 0, 1, 1, 0, 0, 0, 1, 6], 9, "no such reason"),
            (&[b'C', 0, 0, 1, 1, 0, 0, 0, 8, 12], 9, "no such hop"),
            (
                &[b'C', 0, 0, 1, 1, 0, 0, 0, 0x80, 0x80, 0x80, 1],
                11,
                "no such metric",
            ),
        ];
        for (bytes, at, because) in cases {
            let error = error(bytes);
            let TurnsError::Damaged { byte, reason, .. } = error else {
                panic!("{because}: {error}");
            };
            assert_eq!((byte - HEADER.len() as u64, reason), (at, because));
        }
    }

    #[test]
    fn rows_that_are_announced_but_do_not_come_take_no_memory() {
        let file = [HEADER, &[b'C', 0, 0, 1, 0xa0, 0x8d, 6]].concat();
        let mut reader = reader(&file).expect("a header");
        let error = reader.next().expect("an error").expect_err("no rows");
        assert!(matches!(error, TurnsError::CutShort { .. }), "{error}");
        assert!(reader.block.capacity() < 100);
    }

    #[test]
    fn a_file_of_version_1_knows_of_no_waits_in_vain() {
        let row = [b'C', 7, 1, 1, 0b01_0101 | HAS_CALLER_END, 5, 0, 0];
        let bytes = [HEADER_1, &row].concat();
        let mut reader = reader_of(&bytes);
        let turn = reader.next().expect("a turn").expect("whole");
        assert_eq!((turn.conversation, turn.outcome), (7, OUTCOMES[5]));
        assert_eq!((turn.unanswered, turn.waited_ns()), (None, None));
        assert!(reader.next().is_none());
    }

    fn reader_of(bytes: &[u8]) -> impl Iterator<Item = Result<SimulatedTurn, TurnsError>> {
        let turns: Vec<_> = reader(bytes).expect("a header").collect();
        turns.into_iter()
    }

    #[test]
    fn a_file_is_opened_by_its_path_and_its_header() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("turns.bin");
        let missing = Reader::open(&path, u64::MAX)
            .expect_err("there is none")
            .to_string();
        assert!(
            missing.contains("turns.bin") && missing.contains("simulate"),
            "{missing}"
        );
        std::fs::write(&path, b"voicesim turns 3\n").expect("written");
        let other = Reader::open(&path, u64::MAX)
            .expect_err("another version")
            .to_string();
        assert!(
            other.contains("turns.bin does not begin with \"voicesim turns 2\""),
            "{other}"
        );
        let (file, all, _) = small_file();
        std::fs::write(&path, file).expect("written");
        let turns: Result<Vec<SimulatedTurn>, TurnsError> =
            Reader::open(&path, u64::MAX).expect("opened").collect();
        assert_eq!(turns.expect("whole"), all);
    }

    #[test]
    fn where_the_buffer_ends_makes_no_difference() {
        let (file, all, _) = small_file();
        for capacity in 1..40 {
            let source = BufReader::with_capacity(capacity, file.as_slice());
            let reader = Reader::new(source, Path::new("turns.bin")).expect("a header");
            let turns: Result<Vec<SimulatedTurn>, TurnsError> = reader.collect();
            assert_eq!(turns.expect("whole"), all);
        }
    }

    fn check_garbage(bytes: &[u8]) {
        if let (_, Some(error)) = read_all(bytes) {
            assert!(error.to_string().contains("run/turns.bin"), "{error}");
            match error {
                TurnsError::Damaged {
                    byte, bytes: whole, ..
                } => {
                    assert!(whole <= byte && byte < bytes.len() as u64);
                }
                TurnsError::CutShort { bytes: whole, .. } => assert!(whole < bytes.len() as u64),
                TurnsError::Header { .. } => {}
                TurnsError::Read { .. } => panic!("{error}"),
            }
        }
    }

    proptest! {
        #[test]
        fn garbage_is_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check_garbage(&bytes);
            check_garbage(&[HEADER, &bytes].concat());
            check_garbage(&[HEADER, &[MARKER, 0, 0, 1, 50], &bytes].concat());
        }

        #[test]
        fn a_byte_that_flipped_is_an_error_or_another_file(
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let (mut file, _, _) = small_file();
            let place = place.index(file.len());
            file[place] = byte;
            check_garbage(&file);
        }
    }
}
