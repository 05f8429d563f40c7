//! The turns of a simulation in a compact file, `turns.bin`: written by the million, read again by
//! whatever reports or compares them.
//!
//! # The format, version 1
//!
//! A file is [`HEADER`], then blocks to its end. Where a block may begin the header may stand again
//! and means nothing, so files are joined by concatenation. Every number is a *varint* (LEB128):
//! seven bits a byte, the low ones first, the high bit set in all bytes but the last; at most 64
//! bits. All times are nanoseconds.
//!
//! A block is one conversation:
//!
//! | what | as |
//! |---|---|
//! | marker | the byte `C` (0x43) |
//! | conversation | varint below 2³² |
//! | number of its first row | varint, 1 or more; the other rows count on from it, up to 2³² − 1 |
//! | how many rows | varint, at most 100,000 |
//! | the rows | see below |
//!
//! Only a conversation of more than 100,000 rows has several blocks; all but its first begin with a
//! number above 1.
//!
//! A row:
//!
//! | what | as |
//! |---|---|
//! | flags | one byte: bits 0–1 `expect` (0 none, 1 respond, 2 stop, 3 ignore), bits 2–5 outcome (0 answered, 1 interrupted, 2 cut_off, 3 stopped, 4 ignored, 5 missed, 6 spurious, 7 failed, 8 abandoned), bit 6: there is a `caller_end`, bit 7: there is an `agent_start` |
//! | `caller_end` | if there is one: varint |
//! | `agent_start` | if there is one: varint; after a `caller_end` the difference *d* to it, modulo 2⁶⁴ between −2⁶³ and 2⁶³ − 1, as 2*d* if it is at least 0 and −2*d* − 1 if it is below |
//! | hops | varint of bits: bit *i* stands for `Hop::ALL[i]`. Then a varint for each bit that is set, from bit 0 up. A hop of 0 ns is left out |
//! | metrics | varint of bits: bit 0 says that `e2e_latency` is there and is `agent_start` − `caller_end`; bit *i* + 1 stands for `METRICS[i]`. Then a varint for each bit that is set but bit 0, from bit 1 up |
//!
//! Hops and metrics may be added at the end of their lists; any other change is a new version.

use super::rows::{Outcome, Row};
use crate::event::{Expect, Hop, Tick};
use crate::scenario::budget::METRICS;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What a file of turns begins with; the digit is the version of the format.
pub const HEADER: &[u8] = b"voicesim turns 1\n";

/// Rows of a block. A block is read as a whole, so this bounds the memory that a damaged file can
/// ask for.
const MAXIMUM_ROWS: usize = 100_000;

const MARKER: u8 = b'C';
const HAS_CALLER_END: u8 = 1 << 6;
const HAS_AGENT_START: u8 = 1 << 7;

/// Bytes of the longest row: flags, two ticks, the bits of hops and metrics, all their spans.
const LONGEST_ROW: usize = 1 + 10 * (2 + 2 + Hop::ALL.len() + METRICS.len());

/// By code.
const OUTCOMES: [Outcome; 9] = [
    Outcome::Answered,
    Outcome::Interrupted,
    Outcome::CutOff,
    Outcome::Stopped,
    Outcome::Ignored,
    Outcome::Missed,
    Outcome::Spurious,
    Outcome::Failed,
    Outcome::Abandoned,
];

/// The place of `e2e_latency` in [`METRICS`].
const E2E_LATENCY: usize = 0;

/// Names and places of [`METRICS`], in the order in which a row has them.
static BY_NAME: LazyLock<[(&'static str, usize); METRICS.len()]> = LazyLock::new(|| {
    let mut metrics = std::array::from_fn(|place| (METRICS[place], place));
    metrics.sort_unstable();
    metrics
});

/// One turn (row) of a simulated conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Counted from zero.
    pub conversation: u32,
    /// Its row in the conversation, counted from one.
    pub number: u32,
    pub expect: Option<Expect>,
    pub outcome: Outcome,
    /// The true end of the caller's speech.
    pub caller_end: Option<Tick>,
    /// The first audible sample of the reply.
    pub agent_start: Option<Tick>,
    /// Nanoseconds by hop, in path order, without hops of zero. Of an answered turn they add up to
    /// `agent_start` − `caller_end`.
    pub hops: Vec<(Hop, u64)>,
    /// Nanoseconds by metric, in the order of [`METRICS`].
    pub metrics: Vec<(&'static str, u64)>,
}

impl Turn {
    /// From the caller's end to the agent's start, in nanoseconds; only of answered turns.
    pub fn e2e_ns(&self) -> Option<u64> {
        e2e_ns(self.outcome, self.caller_end, self.agent_start)
    }
}

fn e2e_ns(outcome: Outcome, caller_end: Option<Tick>, agent_start: Option<Tick>) -> Option<u64> {
    let (end, start) = caller_end.zip(agent_start)?;
    (outcome == Outcome::Answered)
        .then(|| start.0.checked_sub(end.0))
        .flatten()
}

/// Appends a conversation. Its rows are numbered without a gap; a metric that is not in [`METRICS`]
/// is left out.
pub fn encode(conversation: u32, rows: &[Row], into: &mut Vec<u8>) {
    let mut rest = rows;
    loop {
        let (block, more) = rest.split_at(rest.len().min(MAXIMUM_ROWS));
        into.push(MARKER);
        put(u64::from(conversation), into);
        put(block.first().map_or(1, |row| u64::from(row.number)), into);
        put(block.len() as u64, into);
        for row in block {
            put_row(row, into);
        }
        if more.is_empty() {
            return;
        }
        rest = more;
    }
}

fn put_row(row: &Row, into: &mut Vec<u8>) {
    into.reserve(LONGEST_ROW);
    let expect = match row.expect {
        None => 0,
        Some(Expect::Respond) => 1,
        Some(Expect::Stop) => 2,
        Some(Expect::Ignore) => 3,
    };
    let end = row.caller_end.map_or(0, |_| HAS_CALLER_END);
    let start = row.agent_start.map_or(0, |_| HAS_AGENT_START);
    into.push(expect | (row.outcome as u8) << 2 | end | start);
    if let Some(end) = row.caller_end {
        put(end.0, into);
    }
    if let Some(start) = row.agent_start {
        put(
            row.caller_end.map_or(start.0, |end| zigzag(start, end)),
            into,
        );
    }
    let mut hops = Spans::<{ Hop::ALL.len() }>::new();
    for (hop, span_ns) in &row.hops {
        if *span_ns > 0 {
            hops.set(*hop as usize, *span_ns);
        }
    }
    put(hops.bits, into);
    hops.put(into);
    put_metrics(row, into);
}

fn put_metrics(row: &Row, into: &mut Vec<u8>) {
    let e2e_ns = e2e_ns(row.outcome, row.caller_end, row.agent_start);
    let mut metrics = Spans::<{ METRICS.len() }>::new();
    let mut is_e2e = 0;
    // A row has its metrics in order of their names, so each lies behind the one before.
    let mut known = BY_NAME.as_slice();
    for (name, span_ns) in &row.metrics {
        let Some(found) = known.iter().position(|(metric, _)| metric == name) else {
            continue;
        };
        let place = known[found].1;
        known = &known[found + 1..];
        if place == E2E_LATENCY && e2e_ns == Some(*span_ns) {
            is_e2e = 1;
        } else {
            metrics.set(place, *span_ns);
        }
    }
    put(metrics.bits << 1 | is_e2e, into);
    metrics.put(into);
}

/// Spans by place, with a bit for each that is there.
struct Spans<const N: usize> {
    bits: u64,
    spans_ns: [u64; N],
}

impl<const N: usize> Spans<N> {
    fn new() -> Spans<N> {
        Spans {
            bits: 0,
            spans_ns: [0; N],
        }
    }

    fn set(&mut self, place: usize, span_ns: u64) {
        self.bits |= 1 << place;
        self.spans_ns[place] = span_ns;
    }

    fn put(&self, into: &mut Vec<u8>) {
        for place in places(self.bits) {
            put(self.spans_ns[place], into);
        }
    }
}

/// The bits that are set, from the lowest up.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            place
        })
    })
}

fn put(mut value: u64, into: &mut Vec<u8>) {
    if value >> 56 != 0 {
        while value >= 0x80 {
            into.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        into.push(value as u8);
        return;
    }
    // Eight bytes at once, without a branch on the length: this is the hot path of a simulation.
    let length = (70 - (value | 1).leading_zeros()) / 7;
    let halves = (value & 0x0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let quarters = (halves & 0x0000_3fff_0000_3fff) | (halves & 0x0fff_c000_0fff_c000) << 2;
    let groups = (quarters & 0x007f_007f_007f_007f) | (quarters & 0x3f80_3f80_3f80_3f80) << 1;
    let more = 0x0080_8080_8080_8080 & ((1 << (8 * (length - 1))) - 1);
    let end = into.len() + length as usize;
    into.extend_from_slice(&(groups | more).to_le_bytes());
    into.truncate(end);
}

/// The difference of two ticks, small whichever is the later.
fn zigzag(tick: Tick, to: Tick) -> u64 {
    let difference = tick.0.wrapping_sub(to.0).cast_signed();
    (difference << 1 ^ difference >> 63).cast_unsigned()
}

fn unzigzag(value: u64, to: Tick) -> Tick {
    Tick(to.0.wrapping_add(value >> 1 ^ (value & 1).wrapping_neg()))
}

/// A varint of at most eight bytes that lies whole in `bytes`, and how many bytes it takes.
fn short_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

/// Why turns cannot be read. What was read before is fine.
#[derive(Debug, thiserror::Error)]
pub enum TurnsError {
    #[error("cannot read {path}: {source}; is this the turns.bin of a run folder of `voicesim simulate`?", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} does not begin with \"{header}\", so it is empty, of another version or no file of turns; simulate again", path = path.display(), header = HEADER.trim_ascii_end().escape_ascii())]
    Header { path: PathBuf },
    /// The end is missing: the run was killed, or the disk was full.
    #[error("{path} ends in the middle of a conversation; the {conversations} before it are fine: cut the file to {bytes} bytes to read only those, or simulate again", path = path.display())]
    CutShort {
        path: PathBuf,
        /// Whole ones.
        conversations: u64,
        /// Where they end.
        bytes: u64,
    },
    #[error("{path} is damaged at byte {byte}: {reason}; the {conversations} conversations before it can be read, simulate again to have all", path = path.display())]
    Damaged {
        path: PathBuf,
        /// Counted from zero.
        byte: u64,
        reason: &'static str,
        /// Whole ones.
        conversations: u64,
    },
}

/// Reads turns, whole conversations at a time; after an error there is nothing more.
pub struct Reader<R> {
    source: R,
    path: PathBuf,
    /// How many bytes were taken.
    position: u64,
    /// Whole conversations that were read, and where the last one ends.
    conversations: u64,
    whole_bytes: u64,
    /// Turns of the last block that are still to be given.
    block: VecDeque<Turn>,
    is_over: bool,
}

impl Reader<BufReader<File>> {
    /// Opens a file of turns and checks its header.
    pub fn open(path: &Path) -> Result<Reader<BufReader<File>>, TurnsError> {
        match File::open(path) {
            Ok(file) => Reader::new(BufReader::with_capacity(1 << 16, file), path),
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
        let mut reader = Reader {
            source,
            path: path.to_path_buf(),
            position: 0,
            conversations: 0,
            whole_bytes: 0,
            block: VecDeque::new(),
            is_over: false,
        };
        for expected in HEADER {
            if reader.byte_or_end()? != Some(*expected) {
                return Err(TurnsError::Header { path: reader.path });
            }
        }
        reader.whole_bytes = reader.position;
        Ok(reader)
    }

    /// Reads a block, or a header between blocks; `None` at the end of the file.
    fn read_block(&mut self) -> Result<Option<()>, TurnsError> {
        match self.byte_or_end()? {
            None => return Ok(None),
            Some(MARKER) => self.read_conversation()?,
            Some(byte) if byte == HEADER[0] => {
                for expected in &HEADER[1..] {
                    if self.byte()? != *expected {
                        return Err(self.damaged("neither a conversation nor a header"));
                    }
                }
            }
            Some(_) => return Err(self.damaged("no conversation begins here")),
        }
        self.whole_bytes = self.position;
        Ok(Some(()))
    }

    fn read_conversation(&mut self) -> Result<(), TurnsError> {
        let conversation = self.varint_u32()?;
        let first = self.varint_u32()?;
        if first == 0 {
            return Err(self.damaged("rows are numbered from one"));
        }
        let rows = self.varint_u32()?;
        if rows as usize > MAXIMUM_ROWS {
            return Err(self.damaged("a block has at most 100000 rows"));
        }
        let Some(end) = first.checked_add(rows) else {
            return Err(self.damaged("there are too many rows"));
        };
        for number in first..end {
            let turn = self.row(conversation, number)?;
            self.block.push_back(turn);
        }
        self.conversations += u64::from(first == 1);
        Ok(())
    }

    fn row(&mut self, conversation: u32, number: u32) -> Result<Turn, TurnsError> {
        let flags = self.byte()?;
        let expect = match flags & 3 {
            0 => None,
            1 => Some(Expect::Respond),
            2 => Some(Expect::Stop),
            _ => Some(Expect::Ignore),
        };
        let Some(outcome) = OUTCOMES.get(usize::from(flags >> 2 & 15)).copied() else {
            return Err(self.damaged("no such outcome"));
        };
        let mut caller_end = None;
        if flags & HAS_CALLER_END != 0 {
            caller_end = Some(Tick(self.varint()?));
        }
        let mut agent_start = None;
        if flags & HAS_AGENT_START != 0 {
            let value = self.varint()?;
            agent_start = Some(caller_end.map_or(Tick(value), |end| unzigzag(value, end)));
        }
        let e2e_ns = e2e_ns(outcome, caller_end, agent_start);
        Ok(Turn {
            conversation,
            number,
            expect,
            outcome,
            caller_end,
            agent_start,
            hops: self.hops()?,
            metrics: self.metrics(e2e_ns)?,
        })
    }

    fn hops(&mut self) -> Result<Vec<(Hop, u64)>, TurnsError> {
        let bits = self.varint()?;
        if bits >> Hop::ALL.len() != 0 {
            return Err(self.damaged("no such hop"));
        }
        places(bits)
            .map(|place| Ok((Hop::ALL[place], self.varint()?)))
            .collect()
    }

    fn metrics(&mut self, e2e_ns: Option<u64>) -> Result<Vec<(&'static str, u64)>, TurnsError> {
        let bits = self.varint()?;
        if bits >> 1 >> METRICS.len() != 0 {
            return Err(self.damaged("no such metric"));
        }
        let mut metrics = Vec::with_capacity(METRICS.len());
        if bits & 1 != 0 {
            let Some(e2e_ns) = e2e_ns.filter(|_| bits >> 1 >> E2E_LATENCY & 1 == 0) else {
                return Err(self.damaged("there is no such e2e_latency"));
            };
            metrics.push((METRICS[E2E_LATENCY], e2e_ns));
        }
        for place in places(bits >> 1) {
            metrics.push((METRICS[place], self.varint()?));
        }
        Ok(metrics)
    }

    fn varint_u32(&mut self) -> Result<u32, TurnsError> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| self.damaged("the number is too large"))
    }

    fn varint(&mut self) -> Result<u64, TurnsError> {
        // Mostly it lies whole in the buffer; where it does not, it is taken byte by byte, which also
        // finds what is wrong.
        if let Some((value, length)) = self.source.fill_buf().ok().and_then(short_varint) {
            self.source.consume(length);
            self.position += length as u64;
            return Ok(value);
        }
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if bits << shift >> shift != bits {
                break;
            }
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number has more than 64 bits"))
    }

    fn byte(&mut self) -> Result<u8, TurnsError> {
        self.byte_or_end()?.ok_or_else(|| TurnsError::CutShort {
            path: self.path.clone(),
            conversations: self.conversations,
            bytes: self.whole_bytes,
        })
    }

    fn byte_or_end(&mut self) -> Result<Option<u8>, TurnsError> {
        loop {
            match self.source.fill_buf() {
                Ok([]) => return Ok(None),
                Ok([byte, ..]) => {
                    let byte = *byte;
                    self.source.consume(1);
                    self.position += 1;
                    return Ok(Some(byte));
                }
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(TurnsError::Read {
                        path: self.path.clone(),
                        source,
                    });
                }
            }
        }
    }

    #[cold]
    /// The error that the byte taken last is wrong.
    fn damaged(&self, reason: &'static str) -> TurnsError {
        TurnsError::Damaged {
            path: self.path.clone(),
            byte: self.position.saturating_sub(1),
            reason,
            conversations: self.conversations,
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Turn, TurnsError>;

    fn next(&mut self) -> Option<Result<Turn, TurnsError>> {
        while !self.is_over && self.block.is_empty() {
            match self.read_block() {
                Ok(Some(())) => {}
                Ok(None) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    // Its conversation is not whole.
                    self.block.clear();
                    return Some(Err(error));
                }
            }
        }
        self.block.pop_front().map(Ok)
    }
}
