//! Records of a log, gone through with a mapping.

use super::path::Path;
use super::{Field, Mapping, Unit};
use crate::event::TracedMetric;
use crate::trace::conversation::{AgentSpeech, Call, CallTurn, SECONDS_MAX, nanos};
use crate::trace::pipecat::join;
use crate::trace::problems::{Problem, Problems};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Parts that add up to the whole but for what floats lose may be longer by this, together: 1 µs.
const ROUNDING_NS: u64 = 1_000;
/// Records that are passed over are counted by so many names.
const NAMES_MAX: usize = 200;
/// Tables of this many calls are kept.
const TABLES_MAX: usize = 10_000;

/// Percentiles of a call, where nobody knows the turns: no figure of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The call.
    pub call: String,
    /// What it is of, in our names where there is one.
    pub of: String,
    /// Milliseconds, by the names that the log gives them: `p50`, `max`; `value` if it is one number.
    pub ms: BTreeMap<String, f64>,
    /// How many values the percentiles are of, if the log says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// A log that is being read.
pub(in crate::trace) struct Log<'a> {
    mapping: &'a Mapping,
    /// The name of a call that has none: that of the file.
    file: String,
    places: HashMap<String, usize>,
    pub calls: Vec<Call>,
    pub tables: Vec<Table>,
    pub passed_over: BTreeMap<String, u64>,
    pub problems: Problems,
    /// Which call waits for an answer, where a turn stands in two records.
    open: Option<usize>,
}

impl<'a> Log<'a> {
    pub(in crate::trace) fn new(mapping: &'a Mapping, file: &str) -> Log<'a> {
        Log {
            mapping,
            file: file.to_owned(),
            places: HashMap::new(),
            calls: Vec::new(),
            tables: Vec::new(),
            passed_over: BTreeMap::new(),
            problems: Problems::default(),
            open: None,
        }
    }

    /// Takes a record in.
    pub(in crate::trace) fn add(&mut self, record: &Value) {
        let name = self.mapping.call.iter().find_map(|path| {
            let found = path.first(record)?;
            text(found).filter(|name| !name.is_empty())
        });
        let place = self.call(name.unwrap_or_else(|| self.file.clone()));
        let before = self.calls[place].turns.len();
        match &self.mapping.turns {
            Some(path) => {
                self.open = None;
                for turn in path.all(record) {
                    self.turn(place, turn);
                }
            }
            None if self.mapping.series.is_none() => self.turn(place, record),
            None => {}
        }
        self.series(place, record);
        self.tables(place, record);
        let is_empty = self.calls[place].turns.len() == before;
        if is_empty && self.mapping.turns.is_some() && self.mapping.tables.is_empty() {
            let name = self.calls[place].name.clone();
            self.problems.add(Problem::Unreadable, || {
                format!("{name}: a record of it has no turns where the mapping says they are")
            });
        }
    }

    fn call(&mut self, name: String) -> usize {
        if let Some(place) = self.places.get(&name) {
            return *place;
        }
        let place = self.calls.len();
        self.places.insert(name.clone(), place);
        self.calls.push(Call {
            name,
            platform: self.mapping.platform.clone(),
            ..Call::default()
        });
        place
    }

    fn turn(&mut self, place: usize, record: &Value) {
        for (path, wanted) in &self.mapping.only {
            let found = path.first(record).and_then(text);
            if found.as_deref() != Some(wanted.as_str()) {
                let found = found.unwrap_or_else(|| "none".into());
                self.pass_over(format!("record of kind {found}, not {wanted}"));
                return;
            }
        }
        match &self.mapping.speaker {
            None => {
                let mut turn = CallTurn::default();
                self.fill(&mut turn, record, [true, true]);
                self.finish(place, turn);
            }
            Some(speaker) => {
                let role = speaker
                    .role
                    .first(record)
                    .and_then(text)
                    .unwrap_or_default();
                if role == speaker.caller {
                    self.open = Some(place);
                    let mut turn = CallTurn::default();
                    self.fill(&mut turn, record, [true, false]);
                    self.calls[place].turns.push(turn);
                } else if role == speaker.agent {
                    self.answer(place, record);
                } else if role.is_empty() {
                    self.pass_over("record that nobody speaks".into());
                } else {
                    self.pass_over(format!("record of {role:?}, neither caller nor agent"));
                }
            }
        }
    }

    fn pass_over(&mut self, name: String) {
        let name: String = name.chars().take(120).collect();
        let is_known = self.passed_over.contains_key(&name);
        let name = match is_known || self.passed_over.len() < NAMES_MAX {
            true => name,
            false => "(others)".into(),
        };
        *self.passed_over.entry(name).or_default() += 1;
    }

    /// What the agent says, as the answer to what the caller said last.
    fn answer(&mut self, place: usize, record: &Value) {
        let asked = match self.open.take() == Some(place) {
            true => self.calls[place].turns.pop(),
            false => None,
        };
        let is_asked = asked.is_some();
        let mut turn = asked.unwrap_or_default();
        self.fill(&mut turn, record, [false, true]);
        match (is_asked || turn.total_ns.is_some(), turn.agent_start) {
            (true, _) => self.finish(place, turn),
            (false, start) => {
                let name = self.calls[place].name.clone();
                self.problems.add(Problem::Unasked, || {
                    format!("{name}: the agent speaks unasked, a greeting or a later step")
                });
                if let (Some(start), Some(end)) = (start, turn.agent_end.or(start)) {
                    self.calls[place].unasked.push(AgentSpeech { start, end });
                }
            }
        }
    }

    /// Fills in what a record says of the caller, of the agent, or of both.
    fn fill(&mut self, turn: &mut CallTurn, record: &Value, [of_caller, of_agent]: [bool; 2]) {
        let mapping = self.mapping;
        if of_caller {
            turn.caller_start = self.time(&mapping.caller_start, record);
            turn.caller_end = self.time(&mapping.caller_end, record);
            turn.heard = words(&mapping.heard, record);
        }
        if of_agent {
            turn.agent_start = self.time(&mapping.agent_start, record);
            turn.agent_end = self.time(&mapping.agent_end, record);
            turn.said = words(&mapping.said, record);
            turn.total_ns = self.latency("the whole", mapping.total.as_ref(), record);
            let interrupted = mapping.interrupted.as_ref();
            let interrupted = interrupted.and_then(|path| path.first(record));
            turn.is_interrupted = matches!(interrupted, Some(Value::Bool(true)))
                || matches!(interrupted, Some(Value::String(text)) if text == "true");
        }
        for (hop, fields) in &mapping.hops {
            let each = fields
                .iter()
                .filter_map(|field| self.latency(hop.name(), Some(field), record));
            let spans: Vec<u64> = each.collect();
            if !spans.is_empty() {
                turn.part(*hop, None, spans.iter().sum());
            }
        }
        if let Some(parts) = &mapping.parts {
            for part in parts.list.all(record) {
                let name = parts.name.first(part).and_then(text).unwrap_or_default();
                let length = self.latency(&name, Some(&parts.length), part);
                match (parts.hops.get(&name), length) {
                    (Some(hop), Some(span_ns)) => turn.part(*hop, None, span_ns),
                    (None, Some(_)) => self.pass_over(format!("part {name:?}, not attributed")),
                    (_, None) => {}
                }
            }
        }
        for (name, field) in &mapping.metrics {
            if let Some(span_ns) = self.latency(name.0.name(), Some(field), record) {
                turn.metrics.push(TracedMetric {
                    metric: name.0,
                    span_ns,
                });
            }
        }
    }

    /// Checks a turn, and keeps it if it tells anything.
    fn finish(&mut self, place: usize, mut turn: CallTurn) {
        let call = self.calls[place].name.clone();
        let number = self.calls[place].turns.len() + 1;
        let tells = turn.has_answer() || turn.caller_end.is_some() || !turn.parts.is_empty();
        if !tells && turn.metrics.is_empty() {
            self.pass_over("record without a latency".into());
            return;
        }
        if let (Some(end), Some(start)) = (turn.caller_end, turn.agent_start)
            && start < end
        {
            turn.is_doubtful = true;
            self.problems.add(Problem::Negative, || {
                format!(
                    "{call}, turn {number}: the answer begins before the caller's end of speech"
                )
            });
        }
        let whole = turn.whole_ns();
        if whole.is_none() && !turn.has_answer() {
            turn.is_answered = !turn.parts.is_empty() || !turn.metrics.is_empty();
        }
        match whole {
            None => self.problems.add(Problem::NoEndOfSpeech, || {
                format!("{call}, turn {number} has no latency of the whole")
            }),
            Some(whole) => {
                let sum: u64 = turn
                    .parts
                    .iter()
                    .fold(0, |sum, part| sum.saturating_add(part.span_ns));
                let over = sum.saturating_sub(whole);
                if over > 0 && over <= ROUNDING_NS {
                    let longest = turn.parts.iter_mut().max_by_key(|part| part.span_ns);
                    if let Some(longest) = longest {
                        longest.span_ns = longest.span_ns.saturating_sub(over);
                    }
                } else if over > 0 {
                    self.problems.add(Problem::MoreThanWhole, || {
                        format!(
                            "{call}, turn {number}: parts of {:.1} ms in a whole of {:.1} ms",
                            sum as f64 / 1e6,
                            whole as f64 / 1e6
                        )
                    });
                }
            }
        }
        self.calls[place].turns.push(turn);
    }

    /// Latencies of a call, one for each turn.
    fn series(&mut self, place: usize, record: &Value) {
        let Some(path) = &self.mapping.series else {
            return;
        };
        let Some(Value::Array(values)) = path.first(record) else {
            return;
        };
        let unit = self.mapping.unit;
        for value in values {
            if let Some(total) = self.span("the whole", value, unit) {
                self.calls[place].turns.push(CallTurn {
                    total_ns: Some(total),
                    ..CallTurn::default()
                });
            }
        }
    }

    fn tables(&mut self, place: usize, record: &Value) {
        for (of, field) in &self.mapping.tables {
            let Some(value) = field.path().first(record) else {
                continue;
            };
            let to_ms = field.unit(self.mapping.unit).seconds() * 1e3;
            let mut table = Table {
                call: self.calls[place].name.clone(),
                of: of.clone(),
                ms: BTreeMap::new(),
                count: None,
            };
            match value {
                Value::Object(stats) => {
                    for (name, value) in stats {
                        match (name.as_str(), value.as_f64()) {
                            ("num" | "count", _) => table.count = value.as_u64(),
                            (name, Some(number)) if number.is_finite() && table.ms.len() < 20 => {
                                table.ms.insert(name.to_owned(), number * to_ms);
                            }
                            _ => {}
                        }
                    }
                }
                value => {
                    if let Some(number) = value.as_f64() {
                        table.ms.insert("value".into(), number * to_ms);
                    }
                }
            }
            if !table.ms.is_empty() && self.tables.len() < TABLES_MAX {
                self.tables.push(table);
            }
        }
    }

    fn latency(&mut self, of: &str, field: Option<&Field>, record: &Value) -> Option<u64> {
        let field = field?;
        let value = field.path().first(record)?;
        self.span(of, value, field.unit(self.mapping.unit))
    }

    /// Nanoseconds of a latency; `None` if it is none, which is counted.
    fn span(&mut self, of: &str, value: &Value, unit: Unit) -> Option<u64> {
        if let Some(whole) = whole(value)
            && let Some(span_ns) = whole.checked_mul(unit.nanos())
            && span_ns as f64 <= SECONDS_MAX * 1e9
        {
            return Some(span_ns);
        }
        let number = number(value);
        let seconds = number.map(|number| number * unit.seconds());
        let span_ns = seconds.and_then(nanos);
        if span_ns.is_none() && !is_nothing(value) {
            let problem = match seconds {
                None => Problem::Unreadable,
                Some(seconds) if seconds < 0.0 => Problem::Negative,
                Some(_) => Problem::TooLong,
            };
            self.problems.add(problem, || format!("{of}: {value}"));
        }
        span_ns
    }

    /// Nanoseconds since 1970, or since the log's own zero.
    fn time(&mut self, field: &Option<Field>, record: &Value) -> Option<u64> {
        let field = field.as_ref()?;
        let value = field.path().first(record)?;
        let unit = field.unit(self.mapping.unit);
        if let Some(whole) = whole(value) {
            return whole.checked_mul(unit.nanos());
        }
        let seconds = number(value)? * unit.seconds();
        // Microseconds: a float of a time since 1970 knows no more.
        (0.0..9e9)
            .contains(&seconds)
            .then(|| (seconds * 1e6).round() as u64 * 1_000)
    }
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.trim().is_empty())
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.chars().take(300).collect()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn words(path: &Option<Path>, record: &Value) -> String {
    let mut words = String::new();
    if let Some(path) = path {
        for value in path.all(record).into_iter().take(100) {
            if let Value::String(text) = value {
                let end = text.floor_char_boundary(4_096);
                join(&mut words, &text[..end]);
            }
        }
    }
    words
}
