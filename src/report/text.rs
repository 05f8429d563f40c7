//! The report for people, at the terminal.

use super::cures::cures;
use super::money::money;
use super::table::{plain, trimmed};
use crate::event::{Expect, Verdict};
use crate::measure::{
    Decided, Devices, Interruptions, Measurement, Outcome, Row, Slice, Summary, ms,
};
use crate::record::store::{Header, RowsPer};
use comfy_table::Table;
use std::fmt::Write;

/// Characters of the waterfall's time axis.
const AXIS: usize = 48;

/// Hops shorter than this are left out of a waterfall, which says so: half a millisecond.
const WORTH_A_LINE_NS: u64 = 500_000;

/// So many turns that did not come out as expected are named.
const UNEXPECTED_MAX: usize = 20;

pub fn report(header: &Header, measured: &Measurement, rows_per: RowsPer) -> String {
    let mut text = String::new();
    head(&mut text, header, measured);
    if measured.rows.is_empty() {
        text.push_str(match measured.is_cut_short {
            true => "\nNo turns: the run ended before anybody spoke.\n",
            false if is_recording(header) => "\nNo turns: the caller says nothing.\n",
            false => "\nNo turns: nothing that was played holds speech.\n",
        });
        return text;
    }
    latencies(&mut text, measured);
    text.push_str(match is_recording(header) {
        true => "\nTurns\n",
        false => "\nTurns (hops under half a millisecond are not drawn)\n",
    });
    let longest_ns = measured.rows.iter().filter_map(|row| row.e2e_ns).max();
    for row in &measured.rows {
        turn(&mut text, row, longest_ns.unwrap_or(1));
    }
    summary(&mut text, measured, rows_per);
    text
}

/// Whether somebody else's recording was measured.
fn is_recording(header: &Header) -> bool {
    header.clock == Header::RECORDING
}

fn recording_head(text: &mut String, header: &Header) {
    let _ = writeln!(
        text,
        "{} · recording · voicesim {}",
        header.name, header.version
    );
    let words = header
        .engines
        .get("speech_to_text")
        .map_or("-", String::as_str);
    let _ = writeln!(text, "  {:<15} {words}", "speech_to_text");
    for note in &header.notes {
        let _ = writeln!(text, "  {:<15} {note}", "note");
    }
}

/// The figures without the turns.
pub fn summary_report(header: &Header, measured: &Measurement) -> String {
    let mut text = String::new();
    head(&mut text, header, measured);
    latencies(&mut text, measured);
    summary(&mut text, measured, header.rows_per);
    text
}

fn head(text: &mut String, header: &Header, measured: &Measurement) {
    if is_recording(header) {
        return recording_head(text, header);
    }
    text.push_str(&super::busy::first_line(header, measured));
    let _ = writeln!(
        text,
        "{} · {} clock · {} cores · seed {} · voicesim {}",
        header.name, header.clock, header.cores, header.seed, header.version
    );
    let engine = |text: &mut String, what: &str, name: &str| {
        let _ = writeln!(text, "  {what:<15} {name}");
    };
    // In the order of the path, with the model in place of the others if there is one.
    let stages = ["speech_to_text", "answer", "text_to_speech"];
    let missing = |stage: &&&str| !header.engines.contains_key(**stage);
    if stages.iter().all(|stage| missing(&stage)) {
        for (stage, name) in &header.engines {
            engine(text, stage, name);
        }
    } else {
        for stage in stages {
            let name = header.engines.get(stage).map_or("-", String::as_str);
            engine(text, stage, name);
        }
    }
    engine(text, "interruptions", &format!("policy {}", header.policy));
    engine(text, "speculation", &speculation(header));
    for note in &header.notes {
        engine(text, "note", note);
    }
    if measured.is_cut_short {
        engine(
            text,
            "note",
            "the run was stopped or killed: its record ends in the middle",
        );
    }
    if measured.clock_lag_ns() > 0 {
        let lag = ms(measured.clock_lag_ns());
        let lag = format!("the clock was up to {lag:.0} ms late: this machine was busy");
        engine(text, "note", &lag);
    }
    for note in device_notes(&measured.devices) {
        engine(text, "note", &note);
    }
}

/// What is to be known of the devices of a live session.
pub(super) fn device_notes(devices: &Devices) -> Vec<String> {
    let mut notes = Vec::new();
    for (direction, device) in &devices.used {
        let mut note = format!("{direction} {} at {} Hz", device.name, device.rate);
        if let Some(ppm) = device.drift_ppm {
            note += &format!(", {ppm:+.0} ppm off the clock");
        }
        if device.lost_ns > 0 {
            note += &format!(", {:.0} ms of sound got lost", ms(device.lost_ns));
        }
        if device.xruns > 0 {
            note += &format!(", {} over- or underruns", device.xruns);
        }
        if device.times_lost > 0 {
            note += &format!(", gone {}x", device.times_lost);
        }
        notes.push(note);
    }
    if let Some(echo) = devices.echo {
        notes.push(format!(
            "the agent came back through the microphone at {:.0} dB after {:.0} ms",
            echo.level_db,
            ms(echo.delay_ns)
        ));
    }
    notes
}

fn speculation(header: &Header) -> String {
    let asked = &header.scenario["speculation"];
    match (asked["enabled"].as_bool(), asked["after_ms"].as_u64()) {
        (Some(true), Some(after)) => format!("after {after} ms of silence"),
        _ => "off".into(),
    }
}

/// The hops, and what they add up to; then every other metric.
fn latencies(text: &mut String, measured: &Measurement) {
    let e2e = measured.metrics.get("e2e_latency");
    let answered = e2e.and_then(|histogram| histogram.summary());
    if answered.is_none() {
        text.push_str("\nNo turn was answered, so there is no latency to show.\n");
    } else {
        let has_hops = !measured.hops.is_empty();
        let mut table = table(if has_hops {
            "hop, ms"
        } else {
            "what the caller hears, ms"
        });
        for (hop, histogram) in &measured.hops {
            if let Some(summary) = histogram.summary().filter(|s| s.max_ms > 0.0) {
                add(&mut table, hop.name(), &summary);
            }
        }
        if let Some(summary) = &answered {
            let name = if has_hops {
                "sum = e2e_latency"
            } else {
                "e2e_latency"
            };
            add(&mut table, name, summary);
        }
        let _ = writeln!(text, "\n{}", trimmed(&table));
    }
    if !measured.hops.is_empty() {
        let _ = writeln!(
            text,
            "The hops add up to e2e_latency, to the nanosecond, in {} of {} answered turns. Means add up; percentiles do not.",
            measured.exact,
            answered.map_or(0, |summary| summary.count)
        );
    }
    let mut table = table("metric, ms");
    let mut is_empty = true;
    for (name, histogram) in &measured.metrics {
        let is_shown = match *name {
            "e2e_latency" => false,
            // Without fillers it is the same.
            "first_sound" => measured.callers.fillers > 0,
            _ => true,
        };
        if let (Some(summary), true) = (histogram.summary(), is_shown) {
            add(&mut table, name, &summary);
            is_empty = false;
        }
    }
    if !is_empty {
        let _ = writeln!(text, "\n{}", trimmed(&table));
    }
}

fn table(what: &str) -> Table {
    plain(&[what, "count", "mean", "p50", "p90", "p95", "p99", "max"])
}

fn add(table: &mut Table, name: &str, summary: &Summary) {
    let mut cells = vec![name.to_owned(), summary.count.to_string()];
    for value in [
        summary.mean_ms,
        summary.p50_ms,
        summary.p90_ms,
        summary.p95_ms,
        summary.p99_ms,
        summary.max_ms,
    ] {
        cells.push(format!("{value:.1}"));
    }
    table.add_row(cells);
}

/// One turn: what was said, and where its time went.
fn turn(text: &mut String, row: &Row, longest_ns: u64) {
    let asked = match row.expect {
        Some(Expect::Respond) | None => "",
        Some(Expect::Stop) if row.is_judged => " (an interruption)",
        Some(Expect::Ignore) if row.is_judged => " (nothing to stop for or to answer)",
        Some(Expect::Stop) => " (asked to stop)",
        Some(Expect::Ignore) => " (asked to go on)",
    };
    let outcome = row.outcome.name();
    let _ = write!(text, "\n{:>3}  {outcome}{asked}", row.number);
    if let Some(e2e) = row.e2e_ns {
        let _ = write!(text, ", {:.1} ms", ms(e2e));
    }
    if let Some(stop) = row.metric("barge_in_stop") {
        let _ = write!(text, ", silent after {:.1} ms", ms(stop));
    }
    text.push('\n');
    let _ = writeln!(text, "     heard  {}", quoted(&row.heard));
    if !row.said.is_empty() {
        let _ = writeln!(text, "     said   {}", quoted(&row.said));
    }
    if let Some(decided) = &row.decided {
        let who = if row.is_judged {
            "the classifier would say"
        } else {
            "decided"
        };
        let _ = writeln!(text, "     {who} {}", decision(decided));
    }
    for slice in &row.slices {
        if slice.end.0 - slice.start.0 >= WORTH_A_LINE_NS {
            waterfall(text, slice, row, longest_ns);
        }
    }
}

/// What the policy made of a sound over the agent, and why.
fn decision(decided: &Decided) -> String {
    let verdict = match decided.verdict {
        Verdict::Stop => "stop",
        Verdict::Unsure => "unsure to the end",
        Verdict::KeepTalking => "go on",
    };
    let after = ms(decided.after_ns);
    let mut text = format!("{verdict}, after {after:.0} ms");
    if let Some(probability) = decided.probability {
        let _ = write!(text, ", p {probability:.2}");
    }
    if !decided.reasons.is_empty() {
        let _ = write!(text, ": {}", decided.reasons.join(" · "));
    }
    text
}

fn waterfall(text: &mut String, slice: &Slice, row: &Row, longest_ns: u64) {
    let origin = row.caller_end.unwrap_or_default();
    let column = |at: u64| {
        let share = at.saturating_sub(origin.0) as f64 / longest_ns.max(1) as f64;
        ((share * AXIS as f64).round() as usize).min(AXIS)
    };
    let (from, to) = (column(slice.start.0), column(slice.end.0));
    // What is too short for a whole character is still somewhere.
    let bar = if from == to {
        "▏".to_owned()
    } else {
        "█".repeat(to - from)
    };
    let _ = writeln!(
        text,
        "     {:<20} {}{}{} {:>8.1} ms",
        slice.hop.name(),
        " ".repeat(from),
        bar,
        " ".repeat((AXIS + 1).saturating_sub(from + bar.chars().count())),
        ms(slice.end.0 - slice.start.0)
    );
}

/// What was asked for against what came of it.
fn outcomes(text: &mut String, counts: &Interruptions) {
    for (expect, outcomes) in &counts.outcomes {
        let asked = match expect {
            Expect::Respond => "asked to answer",
            Expect::Stop => "asked to stop",
            Expect::Ignore => "asked to go on",
        };
        let came: Vec<String> = outcomes
            .iter()
            .map(|(outcome, count)| format!("{} {count}", outcome.name()))
            .collect();
        let _ = writeln!(text, "  {asked:<15}  {}", came.join(" · "));
    }
}

/// Text of others, as one line without control characters.
fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "(nothing)".to_owned();
    }
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("“{}”", plain.trim())
}

fn summary(text: &mut String, measured: &Measurement, rows_per: RowsPer) {
    text.push('\n');
    let is_judged = measured.rows.iter().any(|row| row.is_judged);
    if rows_per == RowsPer::Turn || is_judged {
        let counts = &measured.interruptions;
        let _ = writeln!(
            text,
            "interruptions  barge-ins {}, missed {} · false stops {} · spurious replies {} · missed replies {} · cut-offs {} · failed {}",
            counts.barge_ins,
            counts.missed_barge_ins,
            counts.false_barge_ins,
            counts.spurious_responses,
            counts.missed_responses,
            counts.cut_offs,
            counts.failed_turns
        );
        outcomes(text, counts);
    }
    cures(text, &measured.cures);
    let speculation = &measured.speculation;
    if speculation.prepared > 0 {
        let per_turn = |cpu_s: f64| cpu_s / measured.turns.max(1) as f64;
        let _ = write!(
            text,
            "speculation    {} prepared, {} kept",
            speculation.prepared, speculation.kept
        );
        // Fakes take no CPU time.
        let _ = match speculation.cpu_s > 0.0 {
            true => writeln!(
                text,
                " · thrown away {:.2} of {:.2} CPU s a turn ({:.0} %)",
                per_turn(speculation.thrown_away_cpu_s),
                per_turn(speculation.cpu_s),
                100.0 * speculation.thrown_away_share()
            ),
            false => writeln!(text, ", {} dropped", speculation.dropped),
        };
    }
    if let Some(pace) = measured.writing.pace() {
        let speed = pace.tokens_per_second;
        let speed = speed.map_or_else(String::new, |speed| {
            format!("{speed:.1} tokens a second behind the first · ")
        });
        let _ = write!(
            text,
            "writing        {speed}{} tokens in {} answers",
            pace.tokens_written, pace.answers
        );
        let _ = match pace.tokens_read {
            0 => writeln!(text),
            read => writeln!(text, " · {read} read"),
        };
    }
    if let Some(wer) = measured.wer {
        let _ = writeln!(
            text,
            "wer            {:.3}  ({} of {} words wrong)",
            wer.rate(),
            wer.errors,
            wer.words
        );
    }
    let answers = measured.right_answers;
    if !answers.is_empty() {
        let _ = writeln!(
            text,
            "right answers  {} of {} ({:.1} %)",
            answers.right,
            answers.of,
            100.0 * answers.share()
        );
    }
    if let Some(cost) = &measured.cost {
        let money = |amount| money(amount, &cost.currency);
        let _ = writeln!(
            text,
            "cost           {} a call, {} a minute",
            money(cost.per_call),
            money(cost.per_minute)
        );
    }
    for budget in &measured.budgets {
        let verdict = if budget.pass { "kept" } else { "MISSED" };
        let actual = budget.actual.map_or_else(
            || "nothing measured".to_owned(),
            |value| format!("{value:.3}"),
        );
        let _ = writeln!(
            text,
            "budget {verdict:<7} {}  {actual} (limit {})",
            budget.name, budget.limit
        );
    }
    let unexpected: Vec<String> = measured
        .rows
        .iter()
        .filter(|row| !row.is_judged && !row.outcome.is_as_expected(row.expect))
        .map(|row| format!("turn {} was {}", row.number, Outcome::name(row.outcome)))
        .collect();
    if !unexpected.is_empty() {
        let named = unexpected.len().min(UNEXPECTED_MAX);
        let rest = match unexpected.len() - named {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let _ = writeln!(
            text,
            "not as expected: {}{rest}",
            unexpected[..named].join(", ")
        );
    }
}
