//! What only a report of recorded calls has: what the voice detector's threshold does, and a folder of calls.

use super::chart::ms_in_words;
use super::document::{AtThreshold, CallLine, Document, Skipped, detail, document};
use super::table::{plain, trimmed};
use super::{SLOW_MS, clock_time};
use crate::event::Metric;
use crate::files;
use crate::measure::{Measurement, Plan, Row, WaitSummary, Waits, folder, ms};
use crate::record::store::Header;
use std::fmt::Write;
use std::path::Path;

/// A call that was measured.
pub struct MeasuredCall {
    pub name: String,
    pub header: Header,
    pub measured: Measurement,
    pub at_thresholds: Vec<AtThreshold>,
    /// Whether one side says nothing throughout.
    pub is_one_sided: bool,
}

impl MeasuredCall {
    fn e2e(&self) -> Option<WaitSummary> {
        e2e(&self.measured)
    }

    /// The longest silence in which one of them was to speak, in milliseconds.
    fn dead_air_ms(&self) -> Option<f64> {
        let dead_air = self.measured.metrics.get(&Metric::DeadAir)?;
        Some(dead_air.answered().summary()?.max_ms)
    }

    /// A key that grows with how bad the call was: what went wrong first, then how long the caller heard nothing.
    fn badness(&self) -> (u32, f64) {
        let counts = &self.measured.interruptions;
        let wrong = counts.missed_responses
            + counts.missed_barge_ins
            + counts.false_barge_ins
            + counts.spurious_responses
            + counts.cut_offs;
        let waited = self.e2e().map_or(0.0, |e2e| e2e.p95.rank());
        (wrong, waited.max(self.dead_air_ms().unwrap_or_default()))
    }
}

/// The latency of a measurement, if there is any.
pub fn e2e(measured: &Measurement) -> Option<WaitSummary> {
    measured
        .metrics
        .get(&Metric::E2eLatency)
        .and_then(Waits::summary)
}

/// Calls that were measured earlier, the worst first, and their figures together.
pub struct Calls {
    pub header: Header,
    pub all: Measurement,
    pub calls: Vec<MeasuredCall>,
}

impl Calls {
    /// The calls of the runs in the folder `name`; `None` if there are no runs.
    pub fn of(name: &str, runs: Vec<folder::MeasuredRun>) -> Option<Calls> {
        let first = runs.first()?;
        let plan = Plan::of(&first.scenario, first.header.rows_per);
        let header = Header {
            name: name.to_owned(),
            notes: notes_of_many(&runs),
            ..first.header.clone()
        };
        let all = Measurement::of_many(runs.iter().map(|run| &run.measured), &plan.budgets);
        let call = |run: folder::MeasuredRun| MeasuredCall {
            name: folder_name(&run.path),
            header: run.header,
            measured: run.measured,
            at_thresholds: Vec::new(),
            is_one_sided: false,
        };
        let mut calls = runs.into_iter().map(call).collect::<Vec<_>>();
        worst_first(&mut calls);
        Some(Calls { header, all, calls })
    }
}

/// What is wrong with several runs in one folder.
fn notes_of_many(runs: &[folder::MeasuredRun]) -> Vec<String> {
    let mut notes = Vec::new();
    let around = runs.first().and_then(|run| run.path.parent());
    if around.is_some_and(files::is_unfinished) {
        notes.push("the folder is not whole: what wrote it was killed before its end, or goes on, so that calls may be missing".into());
    }
    let is_half =
        |run: &&folder::MeasuredRun| run.measured.is_cut_short || files::is_unfinished(&run.path);
    let halves: Vec<String> = runs
        .iter()
        .filter(is_half)
        .map(|run| folder_name(&run.path))
        .collect();
    if let Some(first) = halves.first() {
        notes.push(format!(
            "{} of {} are not whole, since what wrote them was stopped or killed: {first}{}",
            halves.len(),
            runs.len(),
            if halves.len() > 1 { " and others" } else { "" }
        ));
    }
    notes
}

/// The last part of a path, as it is shown.
pub fn folder_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Puts the worst calls first.
pub fn worst_first(calls: &mut [MeasuredCall]) {
    calls.sort_by(|a, b| {
        let (a, b) = (a.badness(), b.badness());
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
}

/// The document of one call.
pub fn of_one(call: &MeasuredCall) -> Document<'_> {
    Document {
        vad_thresholds: call.at_thresholds.clone(),
        ..document(&call.header, &call.measured)
    }
}

/// The document of a folder of calls; `all` holds the figures of all calls together.
pub fn of_many<'a>(
    header: &'a Header,
    all: &'a Measurement,
    calls: &'a [MeasuredCall],
    skipped: &[Skipped],
) -> Document<'a> {
    let line = |call: &'a MeasuredCall| CallLine {
        call: &call.name,
        turns: call.measured.rows.len(),
        doubtful: call.measured.doubtful.count(),
        e2e_latency: call.e2e(),
        interruptions: &call.measured.interruptions,
        notes: &call.header.notes,
    };
    let mut document = document(header, all);
    document.detail = Vec::with_capacity(all.rows.len());
    for call in calls {
        let rows = call.measured.rows.iter().map(detail);
        document.detail.extend(rows.map(|mut row| {
            row.call = Some(&call.name);
            row
        }));
    }
    document.calls = calls.iter().map(line).collect();
    document.skipped = skipped.to_vec();
    document
}

/// What the voice detector's threshold does, for people.
pub fn thresholds(lines: &[AtThreshold]) -> String {
    let mut table = plain(&["vad threshold", "turns", "answered", "e2e p50, ms", "p95"]);
    for at in lines {
        let (count, p50, p95) = cells(at.e2e_latency.as_ref());
        table.add_row([
            format!("{}", at.vad_threshold),
            at.turns.to_string(),
            count,
            p50,
            p95,
        ]);
    }
    let mut text = String::from(
        "\nWhat the voice detector's setting does to these figures (--vad-threshold):\n",
    );
    text += &trimmed(&table);
    text.push('\n');
    text
}

/// The calls of a folder, for people.
pub fn calls(calls: &[MeasuredCall], skipped: &[Skipped]) -> String {
    let header = [
        "call",
        "turns",
        "answered",
        "doubtful",
        "e2e p50, ms",
        "p95",
        "max",
        "dead air, max",
        "missed",
        "false stops",
        "missed stops",
        "cut-offs",
    ];
    let mut table = plain(&header);
    for call in calls {
        let e2e = call.e2e();
        let (count, p50, p95) = cells(e2e.as_ref());
        let counts = &call.measured.interruptions;
        let mut row = vec![
            call.name.clone(),
            call.measured.rows.len().to_string(),
            count,
            call.measured.doubtful.count().to_string(),
            p50,
            p95,
        ];
        row.push(e2e.map_or_else(|| "-".into(), |e2e| format!("{:.0}", e2e.max)));
        let dead_air = call.dead_air_ms();
        row.push(dead_air.map_or_else(|| "-".into(), |ms| format!("{ms:.0}")));
        let wrong = [
            counts.missed_responses,
            counts.false_barge_ins,
            counts.missed_barge_ins,
            counts.cut_offs,
        ];
        row.extend(wrong.map(|count| count.to_string()));
        table.add_row(row);
    }
    let mut text = format!(
        "\n{} calls, the worst first\n{}\n",
        calls.len(),
        trimmed(&table)
    );
    text += &moments(calls);
    for file in skipped {
        let _ = writeln!(text, "skipped  {}: {}", file.call, file.reason);
    }
    text
}

/// The most moments that are named.
const MOMENTS_MAX: usize = 5;

/// What to listen to, the worst first: turns that came out otherwise than they should, then slow answers.
fn moments(calls: &[MeasuredCall]) -> String {
    let rows = calls
        .iter()
        .flat_map(|call| call.measured.rows.iter().map(move |row| (call, row)));
    let mut worst: Vec<_> = rows
        .filter_map(|(call, row)| {
            let at = clock_time(row.caller_end.or(row.began)?);
            Some((
                row.worst_first(),
                format!("{} {at}", call.name),
                moment(row)?,
            ))
        })
        .collect();
    worst.sort_by_key(|(rank, ..)| *rank);
    if worst.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\nMoments to listen to, the worst first (measure CALL --html FILE plays them)\n",
    );
    for (_, place, what) in worst.into_iter().take(MOMENTS_MAX) {
        let _ = writeln!(text, "  {place}  {what}");
    }
    text
}

/// What is wrong with a turn; `None` if nothing is.
fn moment(row: &Row) -> Option<String> {
    let waited_ms = ms(row.e2e_ns.unwrap_or_default());
    let what = match row.is_fine() {
        false => row.outcome.name().to_owned(),
        true if waited_ms > SLOW_MS => format!("answered after {}", ms_in_words(waited_ms)),
        true => return None,
    };
    Some(match row.doubtful {
        Some(doubt) => format!("{what} (doubtful: {})", doubt.told()),
        None => what,
    })
}

fn cells(e2e: Option<&WaitSummary>) -> (String, String, String) {
    match e2e {
        Some(e2e) => (
            e2e.counted(),
            format!("{:.0}", e2e.p50),
            format!("{:.0}", e2e.p95),
        ),
        None => ("0".into(), "-".into(), "-".into()),
    }
}
