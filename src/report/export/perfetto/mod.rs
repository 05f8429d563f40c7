//! What happened, as a trace that Perfetto and Chrome show (`{"traceEvents": […]}`): a process for each
//! conversation, in it a track for the caller, the agent, the turns with their hops, each stage, and the
//! sounds over the agent with what was decided about them.
//!
//! Times are microseconds with three decimals, so the nanoseconds are kept. A turn lasts from the first
//! thing that belongs to it to the last one: whatever names a turn lies inside it. What overlaps without
//! lying inside one another goes to a second track of the same name.

mod fold;
mod lanes;
mod spans;
mod visits;

use super::ExportError;
use crate::event::Event;
use crate::measure::folder::{Folder, Results};
use crate::measure::{Plan, Row, measure, turns_by_row};
use crate::report::calls::folder_name;
use fold::conversation;
use lanes::Laid;
use serde_json::{Map, Value, json};
use spans::{Instant, Span, Track};
use std::fmt;
use std::io::Write;

/// Conversations of a simulation that are shown. More would be slow to open, and nobody looks at them all.
pub const CONVERSATIONS_MAX: usize = 100;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub conversations: u64,
    /// Conversations of simulations that were left out of the trace.
    pub left_out: u64,
}

/// Writes the trace of a folder: every run, or the first conversations of a simulation whose events were
/// kept.
pub fn write(folder: &Folder, out: impl Write) -> Result<Written, ExportError> {
    let is_one = matches!(folder, Folder::One(_));
    let mut trace = Trace {
        out,
        conversations: 0,
        has_events: false,
    };
    trace.begin()?;
    let mut left_out = 0;
    for kept in folder.all() {
        let name = match is_one {
            true => kept.header().name.clone(),
            false => folder_name(kept.path()),
        };
        match kept {
            Results::Run(run) => {
                let events = run.events()?;
                trace.conversation(&name, &events, &run.measured.rows, &run.plan())?;
            }
            Results::Simulation(simulation) => {
                let plan = simulation.plan();
                let all = simulation.conversations(CONVERSATIONS_MAX)?;
                if all.is_empty() {
                    let path = simulation.path.clone();
                    return Err(ExportError::Nothing { path });
                }
                let shown = all.len() as u64;
                left_out += simulation.totals.conversations.saturating_sub(shown);
                for events in all {
                    let number = events.first().map_or(0, |event| event.session.0);
                    let name = format!("{name}, conversation {number}");
                    let rows = measure(&events, &plan).rows;
                    trace.conversation(&name, &events, &rows, &plan)?;
                }
            }
        }
    }
    let conversations = trace.end()?;
    Ok(Written {
        conversations,
        left_out,
    })
}

/// A trace that is being written.
struct Trace<W> {
    out: W,
    conversations: u64,
    has_events: bool,
}

/// Microseconds with all digits that nanoseconds have.
struct Microseconds(u64);

impl fmt::Display for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// Where something is shown.
#[derive(Clone, Copy)]
struct Place {
    process: u64,
    thread: usize,
}

impl<W: Write> Trace<W> {
    fn begin(&mut self) -> Result<(), ExportError> {
        let version = env!("CARGO_PKG_VERSION");
        write!(
            self.out,
            "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"writer\":\"voicesim {version}\"}},\"traceEvents\":["
        )?;
        Ok(())
    }

    fn end(mut self) -> Result<u64, ExportError> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()?;
        Ok(self.conversations)
    }

    fn conversation(
        &mut self,
        name: &str,
        events: &[Event],
        rows: &[Row],
        plan: &Plan,
    ) -> Result<(), ExportError> {
        self.conversations += 1;
        let process = self.conversations;
        let (spans, instants) = conversation(events, rows, &turns_by_row(events, plan));
        let place = Place { process, thread: 0 };
        self.name(place, "process_name", json!({ "name": name }))?;
        let laid = lanes::lay(&spans);
        for (index, (track, nth)) in laid.threads.iter().enumerate() {
            let place = Place {
                process,
                thread: index + 1,
            };
            let name = match nth {
                0 => track.name().to_owned(),
                nth => format!("{} ({})", track.name(), nth + 1),
            };
            self.name(place, "thread_name", json!({ "name": name }))?;
            self.name(
                place,
                "thread_sort_index",
                json!({ "sort_index": index + 1 }),
            )?;
        }
        self.spans(process, &spans, &laid)?;
        for instant in &instants {
            let own = spans.iter().position(|span| {
                span.track == instant.track
                    && span.track == Track::Turns
                    && span.turn == instant.turn
            });
            let thread = match own {
                Some(turn) => laid.of_spans[turn],
                None => laid.first_thread(instant.track),
            };
            let thread = thread + 1;
            self.instant(Place { process, thread }, instant)?;
        }
        Ok(())
    }

    fn spans(&mut self, process: u64, spans: &[Span], laid: &Laid) -> Result<(), ExportError> {
        for (span, thread) in spans.iter().zip(&laid.of_spans) {
            let place = Place {
                process,
                thread: thread + 1,
            };
            self.span(place, span)?;
            for inner in &span.inside {
                self.span(place, inner)?;
            }
        }
        Ok(())
    }

    fn span(&mut self, place: Place, span: &Span) -> Result<(), ExportError> {
        let duration = Microseconds(span.end.0.saturating_sub(span.start.0));
        self.open("X", place, &span.name)?;
        write!(
            self.out,
            ",\"ts\":{},\"dur\":{duration}",
            Microseconds(span.start.0)
        )?;
        self.close(&with_turn(&span.about, span.turn))
    }

    fn instant(&mut self, place: Place, instant: &Instant) -> Result<(), ExportError> {
        self.open("i", place, &instant.name)?;
        write!(
            self.out,
            ",\"s\":\"t\",\"ts\":{}",
            Microseconds(instant.at.0)
        )?;
        self.close(&with_turn(&instant.about, instant.turn))
    }

    fn name(&mut self, place: Place, what: &str, arguments: Value) -> Result<(), ExportError> {
        self.open("M", place, what)?;
        self.close(&arguments)
    }

    fn open(&mut self, phase: &str, place: Place, name: &str) -> Result<(), ExportError> {
        let before = if self.has_events { ",\n" } else { "\n" };
        self.has_events = true;
        let Place { process, thread } = place;
        write!(
            self.out,
            "{before}{{\"ph\":\"{phase}\",\"pid\":{process},\"tid\":{thread},\"name\":"
        )?;
        Ok(serde_json::to_writer(&mut self.out, name).map_err(std::io::Error::from)?)
    }

    fn close(&mut self, arguments: &Value) -> Result<(), ExportError> {
        self.out.write_all(b",\"args\":")?;
        serde_json::to_writer(&mut self.out, arguments).map_err(std::io::Error::from)?;
        Ok(self.out.write_all(b"}")?)
    }
}

fn with_turn(about: &Map<String, Value>, turn: Option<u32>) -> Value {
    let mut about = about.clone();
    if let Some(turn) = turn {
        about.insert("turn".into(), turn.into());
    }
    Value::Object(about)
}

impl Track {
    fn name(self) -> &'static str {
        match self {
            Track::Caller => "caller",
            Track::Agent => "agent",
            Track::Turns => "turns and hops",
            Track::Stage(stage) => stage.name(),
            Track::Interruptions => "interruptions",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_recorded::recorded;
    use super::*;

    fn trace(name: &str) -> String {
        let mut bytes = Vec::new();
        write(&recorded(name), &mut bytes).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_run_is_this_trace() {
        insta::assert_snapshot!(trace("recorded"));
    }

    #[test]
    fn each_run_of_several_is_a_process() {
        let folder = recorded("interruptions");
        let mut bytes = Vec::new();
        let written = write(&folder, &mut bytes).expect("written");
        assert_eq!(written.conversations, folder.all().len() as u64);
        assert_eq!(written.left_out, 0);
        let json: Value = serde_json::from_slice(&bytes).expect("JSON");
        let events = json["traceEvents"].as_array().expect("events");
        let names = events
            .iter()
            .filter(|event| event["name"] == "process_name");
        let pids: Vec<u64> = names.filter_map(|event| event["pid"].as_u64()).collect();
        assert!(pids.into_iter().eq(1..=written.conversations));
    }

    #[test]
    fn microseconds_keep_nanoseconds() {
        assert_eq!(Microseconds(1_234_567_089).to_string(), "1234567.089");
        assert_eq!(Microseconds(u64::MAX).to_string(), "18446744073709551.615");
    }
}
