//! One turn as a picture of its own: both voices, where the wait went, and the words.

use super::course::Course;
use super::sound;
use super::turn::{Around, after_ns, panel};
use super::words;
use crate::event::Event;
use crate::measure::{Row, folder, ms};
use crate::picture::escaped;
use crate::report::chart::ms_in_words;
use std::fmt::Write;

/// Its width in pixels, and that of its margins.
const WIDTH: f64 = 860.0;
const MARGIN: f64 = 24.0;

const LINE: f64 = 19.0;
/// Letters in a line, and lines that are shown of what somebody said.
const LETTERS: usize = 104;
const LINES_MAX: usize = 2;

/// Rules of the pages' style that pictures need, in its light scheme: a picture is on white wherever it is shown.
const RULES: [&str; 13] = [
    "svg ",
    "svg.chart text",
    "svg.chart .halo",
    ".h ",
    ".wait",
    ".network_in",
    ".endpointing_wait",
    ".queue_wait",
    ".speech_synthesis",
    ".output_transport",
    "  --",
    ":root {",
    "}",
];

/// Why there is no picture of a turn.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoTurn {
    /// No turn has this number.
    #[error("there is no turn {0}; the report numbers them")]
    NotThere(u32),
    /// No turn was answered, so that none is the slowest.
    #[error("no turn was answered; name one with --turn")]
    NoneAnswered,
}

/// The picture, as a complete SVG, of the turn with this number, or of the slowest answered one.
///
/// # Errors
/// If there is no such turn.
pub fn of_turn(
    run: &folder::MeasuredRun,
    events: &[Event],
    number: Option<u32>,
) -> Result<String, NoTurn> {
    let rows = &run.measured.rows;
    let index = match number {
        Some(number) => rows
            .iter()
            .position(|row| row.number == number)
            .ok_or(NoTurn::NotThere(number))?,
        None => {
            let answered = rows
                .iter()
                .enumerate()
                .filter(|(_, row)| row.e2e_ns.is_some());
            let slowest = answered.max_by_key(|(_, row)| row.e2e_ns);
            slowest
                .map(|(index, _)| index)
                .ok_or(NoTurn::NoneAnswered)?
        }
    };
    let Some(row) = rows.get(index) else {
        return Err(NoTurn::NoneAnswered);
    };
    let course = Course::of(events, run.header.rows_per);
    let moments = course.rows.get(index);
    // A picture without its sound has its hops.
    let sound = sound::of(&run.path, &run.path).and_then(Result::ok);
    let around = Around {
        anchor: "",
        loudness: sound.as_ref().map(|sound| &sound.loudness),
        after_ns: after_ns(std::slice::from_ref(row)),
        good_until_ns: words::good_until_ns(&run.measured),
        played: &[],
    };
    let panel = panel(
        row,
        moments.and_then(|moments| moments.onset),
        moments.map(|moments| moments.start),
        &around,
    );
    let panel = panel.map_or(String::new(), |panel| panel.svg("").0);
    Ok(whole(row, &panel))
}

fn whole(row: &Row, panel: &str) -> String {
    let outcome = words::outcome(row.outcome);
    let head = match row.e2e_ns {
        Some(e2e) => format!("{outcome} after {}", ms_in_words(ms(e2e))),
        None => outcome.to_owned(),
    };
    let mut inside = String::new();
    let mut y = MARGIN + 14.0;
    text(&mut inside, "head", y, &head);
    y += 6.0;
    said(&mut inside, &mut y, ("caller", "Caller"), &row.heard);
    let top = y + 16.0;
    let _ = write!(
        inside,
        "<svg x=\"{MARGIN}\" y=\"{top}\" width=\"{}\">{panel}</svg>",
        WIDTH - 2.0 * MARGIN
    );
    y = top + height(panel);
    said(&mut inside, &mut y, ("agent", "Agent"), &row.said);
    let bottom = y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {bottom}\" width=\"{WIDTH}\" height=\"{bottom}\" role=\"img\"><title>Turn {}: {}</title><style>{}</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{inside}</svg>\n",
        row.number,
        escaped(&head),
        style()
    )
}

/// What somebody said, below `y`, which is moved on.
fn said(inside: &mut String, y: &mut f64, (class, who): (&str, &str), words: &str) {
    let words = words.trim();
    if words.is_empty() {
        return;
    }
    let words = format!("{who}: “{words}”");
    let lines = textwrap::wrap(&words, LETTERS);
    let is_cut = lines.len() > LINES_MAX;
    for (index, line) in lines.iter().take(LINES_MAX).enumerate() {
        *y += LINE;
        let end = if is_cut && index + 1 == LINES_MAX {
            " …”"
        } else {
            ""
        };
        text(inside, class, *y, &format!("{line}{end}"));
    }
}

fn text(inside: &mut String, class: &str, y: f64, text: &str) {
    let _ = write!(
        inside,
        "<text class=\"{class}\" x=\"{MARGIN}\" y=\"{y}\">{}</text>",
        escaped(text)
    );
}

/// The height that a panel says it has.
fn height(panel: &str) -> f64 {
    let after = panel.split_once("height=\"").map_or("", |(_, after)| after);
    let number = after.split('"').next().unwrap_or_default();
    number.parse().unwrap_or(0.0)
}

fn style() -> String {
    // The light scheme comes first, and the dark one begins with the first @media.
    let pages = include_str!("style.css");
    let (light, rest) = pages.split_once("@media").unwrap_or((pages, ""));
    let rules = light
        .lines()
        .chain(rest.lines().filter(|line| !line.starts_with(['}', ' '])));
    let needed = rules.filter(|line| RULES.iter().any(|rule| line.starts_with(rule)));
    let mut style: String = needed.collect::<Vec<_>>().join("\n");
    style += "\nsvg { overflow: visible; } text { font: 14px system-ui, -apple-system, \"Segoe UI\", Roboto, \"Noto Sans\", \"DejaVu Sans\", sans-serif; } .head { font-size: 17px; font-weight: 640; fill: var(--ink); } text.caller { fill: var(--caller); } text.agent { fill: var(--agent); }\n";
    style
}
