//! The page of a run, or of a call that was measured.

use super::about::About;
use super::course::{Course, Moments};
use super::distribution::Distribution;
use super::page::{Page, Part, Place, Svg};
use super::parts;
use super::segments::ByLabels;
use super::sound::{self, Played, Sound};
use super::table::{Cell, Table};
use super::turn::{Around, Turn, after_ns, wait_ns};
use super::words::{self, Stat};
use crate::event::{Event, Hop, Metric, Tick};
use crate::measure::segments::Segments;
use crate::measure::{Histogram, Known, Measurement, Row, Waits, folder, ms, speech};
use crate::record::store::Header;
use crate::report::busy;
use crate::report::chart::{
    Bar, Begun, Loudness, decision, known_in_words, ms_in_words, stack, timeline,
};
use askama::Template;
use std::ops::Range;

/// Turns that are shown at most. With more, those that came out otherwise than expected and the slowest are.
const TURNS_MAX: usize = 300;

/// Sounds over the agent that are shown at most: the first. Their turns say what was decided, too.
const OVERLAPS_MAX: usize = 60;

#[derive(Template)]
#[template(path = "run.html", config = "src/report/html/askama.toml")]
struct RunPage {
    page: Page,
    stats: Vec<Stat>,
    outcomes: String,
    budgets: Option<Part<Table>>,
    time: Option<Time>,
    distribution: Part<Distribution>,
    segments: Option<Part<ByLabels>>,
    turns_lead: String,
    length_s: String,
    timeline: Svg,
    /// What the address plays, in seconds of the conversation.
    spans: String,
    address: Option<String>,
    no_sound: Option<String>,
    turns: Vec<Part<Turn>>,
    overlaps: Vec<Overlap>,
    overlaps_left_out: usize,
    trouble: Vec<String>,
    about: Part<About>,
}

/// Where the time of typical turns went.
pub(super) struct Time {
    pub lead: String,
    pub picture: Svg,
    pub table: Option<Part<Table>>,
    pub exact: String,
}

/// A sound of the caller over the agent.
struct Overlap {
    number: u32,
    class: &'static str,
    came: String,
    decided: String,
    reasons: Vec<String>,
    picture: Option<Svg>,
}

/// The page of a run.
///
/// # Errors
/// None is known.
pub fn of_run(
    run: &folder::MeasuredRun,
    events: &[Event],
    segments: &[Segments],
    place: &Place,
) -> askama::Result<String> {
    let (header, measured) = (&run.header, &run.measured);
    let course = Course::of(events, header.rows_per);
    let sound = sound::of(&run.path, place.page);
    let no_sound = no_sound(sound.as_ref());
    let sound = sound.and_then(Result::ok);
    let end = length(&course, sound.as_ref());
    let loudness = match &sound {
        Some(sound) => &sound.loudness,
        None => &silent(events, end),
    };
    let shown = shown(&measured.rows);
    let played = sound.as_ref().and_then(|sound| sound.played.as_ref());
    let around = Around {
        anchor: "",
        loudness: Some(loudness),
        after_ns: after_ns(&measured.rows),
        good_until_ns: words::good_until_ns(measured),
        played: played.map_or(&[], |played| &played.spans),
    };
    let moments = |index: usize| {
        let own: &Moments = course.rows.get(index)?;
        let next = course.rows.get(index + 1).map_or(end, |next| next.start);
        Some((own, next))
    };
    let drawn = measured
        .rows
        .iter()
        .enumerate()
        .filter(|(index, _)| shown.contains(index));
    let turns: Vec<Part<Turn>> = drawn
        .map(|(index, row)| Turn::of(row, moments(index), &around))
        .collect();
    let begun = measured
        .rows
        .iter()
        .zip(&course.rows)
        .enumerate()
        .filter(|(index, _)| shown.contains(index))
        .map(|(_, (row, moments))| Begun {
            number: row.number,
            start_ns: moments.start.0,
            slices: &row.slices,
        });
    let mut overlaps = overlaps(&measured.rows, &course, around.good_until_ns);
    let overlaps_left_out = overlaps.len().saturating_sub(OVERLAPS_MAX);
    overlaps.truncate(OVERLAPS_MAX);
    RunPage {
        page: around_it(
            header,
            (!overlaps.is_empty(), played.is_some(), !segments.is_empty()),
            measured,
        ),
        stats: stats(measured),
        outcomes: words::outcomes(measured),
        budgets: parts::budgets(measured),
        time: time(measured),
        distribution: Distribution::of(measured),
        segments: ByLabels::of(segments),
        turns_lead: turns_lead(measured, turns.len()),
        length_s: format!("{:.3}", end.0 as f64 / 1e9),
        timeline: timeline(loudness, &begun.collect::<Vec<_>>(), end.0),
        spans: played.map_or_else(String::new, |played| spans(&played.spans)),
        address: played.map(|played| played.address.clone()),
        no_sound: no_sound.filter(|_| !turns.is_empty()),
        turns,
        overlaps,
        overlaps_left_out,
        trouble: parts::trouble(measured, Some(&course)),
        about: About::of(header, place.folder),
    }
    .render()
}

fn around_it(
    header: &Header,
    (has_overlaps, is_playable, has_segments): (bool, bool, bool),
    measured: &Measurement,
) -> Page {
    let mut page = Page::new(
        match header.clock.as_str() {
            Header::RECORDING => "measured call",
            Header::PROBE => "probe of an agent",
            Header::TRACE => "imported conversation",
            _ => "run",
        },
        &header.name,
    );
    page.version.clone_from(&header.version);
    page.warning = busy::sentence(header, measured);
    page.facts = words::facts(header);
    page.notes.clone_from(&header.notes);
    if measured.is_cut_short {
        page.notes
            .push("The run was stopped or killed: its record ends in the middle.".to_owned());
    }
    page.sections = vec![
        ("percentiles", "Percentiles"),
        ("segments", "Segments"),
        ("turns", "Turns"),
        ("trouble", "What went wrong"),
        ("about", "About"),
    ];
    if !has_segments {
        page.sections.retain(|(id, _)| *id != "segments");
    }
    if has_overlaps {
        let place = page.sections.len() - 2;
        page.sections
            .insert(place, ("interruptions", "Interruptions"));
    }
    if !measured.hops.is_empty() {
        page.sections.insert(0, ("time", "Where the time goes"));
    }
    page.script = is_playable.then_some(include_str!("player.js"));
    page
}

/// The length of the conversation: the longest that is known of it.
fn length(course: &Course, sound: Option<&Sound>) -> Tick {
    let steps = sound.map_or(0, |sound| sound.loudness.caller.len() as u64);
    let step_ns = sound.map_or(0, |sound| sound.loudness.step_ns);
    match steps {
        0 => course.end.max(Tick::from_ms(1)),
        steps => Tick(steps.saturating_mul(step_ns)),
    }
}

/// What a reader should know of the sound, if it is not all there to be played.
fn no_sound(sound: Option<&Result<Sound, String>>) -> Option<String> {
    let says = match sound {
        None => "No sound was kept of it, so the shapes show who spoke when, not how loud.",
        Some(Err(error)) => return Some(format!("Its sound cannot be played: {error}.")),
        Some(Ok(sound)) => match &sound.played {
            None => "No sound was kept of it, only how loud it was.",
            Some(played) if !played.is_embedded => {
                "The sound is too long to be part of this page: it is played from conversation.wav, which has to stay where it is."
            }
            Some(played) if played.spans.len() > 1 || is_part(played, sound) => {
                "Of this call the sound of the worst moments is kept: turns that came out otherwise than expected, and the slowest. They have a button each."
            }
            Some(_) => return None,
        },
    };
    Some(says.to_owned())
}

/// Whether the stretches that can be played are not the whole.
fn is_part(played: &Played, sound: &Sound) -> bool {
    let kept = played
        .spans
        .iter()
        .map(|span| span.end.0.saturating_sub(span.start.0));
    let whole = sound.loudness.caller.len() as u64 * sound.loudness.step_ns;
    kept.sum::<u64>() + 1_000_000_000 < whole
}

/// Stretches in seconds, as the page's script reads them.
fn spans(spans: &[Range<Tick>]) -> String {
    let seconds = |at: Tick| at.as_ms() / 1e3;
    let span = |span: &Range<Tick>| format!("{:.3}:{:.3}", seconds(span.start), seconds(span.end));
    spans.iter().map(span).collect::<Vec<_>>().join(" ")
}

fn silent(events: &[Event], end: Tick) -> Loudness {
    let (caller, agent) = speech(events);
    let caller = if caller.is_empty() {
        super::course::voice(events)
    } else {
        caller
    };
    Loudness::of_speech(&caller, &agent, end)
}

/// The headline's figures.
pub(super) fn stats(measured: &Measurement) -> Vec<Stat> {
    let e2e = measured
        .metrics
        .get(&Metric::E2eLatency)
        .and_then(Waits::summary);
    let mut stats = Vec::new();
    if let Some(e2e) = e2e {
        let of = match &e2e.unanswered {
            None => words::several(e2e.count, "answered turn"),
            Some(unanswered) => words::several(e2e.count + unanswered.count, "turn"),
        };
        let wait = |part: &str, known: Known, note| match known {
            Known::Is(ms) => words::latency(&format!("{part} wait up to"), ms, note),
            Known::Over(ms) => {
                words::latency(&format!("{part} do not all get an answer; over"), ms, note)
            }
        };
        stats.push(wait("Half", e2e.p50, format!("p50 of {of}")));
        let slowest = known_in_words(e2e.max);
        let note = match (&e2e.unanswered, e2e.count) {
            (Some(unanswered), _) => format!(
                "p95; {:.0} % were not answered: {}",
                100.0 * unanswered.share,
                unanswered.told()
            ),
            (None, ..20) => format!("p95, of so few the slowest: {slowest}"),
            (None, _) => format!("p95; the slowest waits {slowest}"),
        };
        stats.push(wait("19 of 20", e2e.p95, note));
    }
    stats.extend(words::verdict(measured));
    stats
}

/// The turns nearest to p50 and p95, hop by hop.
fn time(measured: &Measurement) -> Option<Time> {
    let mut answered: Vec<(&Row, u64)> = measured
        .rows
        .iter()
        .filter_map(|row| Some((row, row.e2e_ns?)))
        .filter(|(row, _)| !row.slices.is_empty())
        .collect();
    answered.sort_by_key(|(row, e2e)| (*e2e, row.number));
    // The nearest rank of a percentile, as an index.
    let rank = |hundredths: usize| (answered.len() * hundredths).div_ceil(100).max(1) - 1;
    let (middle, slow) = (answered.get(rank(50))?.0, answered.get(rank(95))?.0);
    let hops = |row: &Row| -> Vec<(Hop, f64)> {
        row.hops.iter().map(|(hop, span)| (hop, ms(span))).collect()
    };
    let bar = |what: &str, row: &Row| Bar {
        label: format!(
            "{what}, turn {}: {}",
            row.number,
            ms_in_words(ms(row.hops.sum()))
        ),
        hops: hops(row),
    };
    let picture = stack(
        "Hops of the turns nearest to p50 and p95",
        &[bar("p50", middle), bar("p95", slow)],
    );
    Some(Time {
        lead: "Percentiles of hops do not add up, so these are two turns as they were: the one in the middle, and the one that 19 of 20 are not slower than.".to_owned(),
        picture,
        table: time_table(measured, middle, slow).part(),
        exact: format!(
            "The hops add up to e2e_latency, to the nanosecond, in {} of {} answered turns.",
            measured.exact,
            answered.len()
        ),
    })
}

fn time_table(measured: &Measurement, middle: &Row, slow: &Row) -> Table {
    let heads = [
        "hop, ms",
        &format!("p50: turn {}", middle.number),
        &format!("p95: turn {}", slow.number),
        "mean of all",
    ];
    let mut table = Table::new(
        "Hops of these turns, and the mean of every answered one",
        &heads,
    );
    let cell = |value: Option<f64>| {
        Cell::from(value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}")))
    };
    let mut sum = 0.0;
    for hop in Hop::ALL {
        let of = |row: &Row| row.hops.get(hop).map(ms);
        let answered = measured.hops.get(&hop).map(Waits::answered);
        let summary = answered.and_then(Histogram::summary);
        let Some(summary) = summary.filter(|summary| summary.max_ms >= 0.05) else {
            continue;
        };
        sum += summary.mean_ms;
        table.add([
            Cell::from(hop.name()).with_swatch(hop.name()),
            cell(of(middle)),
            cell(of(slow)),
            cell(Some(summary.mean_ms)),
        ]);
    }
    let mean = measured.answered.summary();
    let total = |row: &Row| row.e2e_ns.map(ms);
    table.add([
        Cell::from("sum = e2e_latency"),
        cell(total(middle)),
        cell(total(slow)),
        cell(Some(mean.map_or(sum, |mean| mean.mean_ms))),
    ]);
    table.as_total();
    table
}

/// Which rows are drawn: all, or if there are too many those that went wrong and the slowest.
fn shown(rows: &[Row]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let badness = |index: &usize| {
        rows.get(*index).map(|row| {
            (
                row.outcome.is_as_expected(row.expect),
                std::cmp::Reverse(row.e2e_ns),
            )
        })
    };
    if rows.len() > TURNS_MAX {
        order.sort_by_key(badness);
        order.truncate(TURNS_MAX);
        order.sort_unstable();
    }
    order
}

fn turns_lead(measured: &Measurement, drawn: usize) -> String {
    let all = measured.rows.len();
    let cut = match all - drawn {
        0 => String::new(),
        left_out => format!(
            " {drawn} of {all} are shown: those that went wrong, and the slowest; {left_out} are left out."
        ),
    };
    match (all, measured.is_cut_short) {
        (0, true) => "None: the run ended before anybody spoke.".to_owned(),
        (0, false) => "None: nobody said anything.".to_owned(),
        _ => format!(
            "The caller above, the agent below, on one scale unless a turn says otherwise: 0 is the true end of the caller's speech, or the beginning of a sound over the agent.{cut}"
        ),
    }
}

fn overlaps(rows: &[Row], course: &Course, good_until_ns: u64) -> Vec<Overlap> {
    let mut overlaps = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let Some(decided) = &row.decided else {
            continue;
        };
        let is_asked = row.expect.is_some() && !row.is_judged;
        let asked = words::asked(row).map_or_else(String::new, |asked| format!("{asked}: "));
        overlaps.push(Overlap {
            number: row.number,
            class: match (is_asked, row.outcome.is_as_expected(row.expect)) {
                (false, _) => "",
                (true, true) if wait_ns(row).is_some_and(|wait| wait > good_until_ns) => "",
                (true, true) => "kept",
                (true, false) => "missed",
            },
            came: format!("{asked}{}", words::outcome(row.outcome).to_lowercase()),
            decided: format!(
                "{} {}",
                if row.is_judged {
                    "The classifier would say"
                } else {
                    "Decided:"
                },
                words::decided(decided)
            ),
            reasons: decided.reasons.clone(),
            picture: course
                .rows
                .get(index)
                .and_then(|moments| decision(&moments.thoughts)),
        });
    }
    overlaps
}
