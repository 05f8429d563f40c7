//! The parts of the picture, each as rows of text that are no wider than asked for.

use super::conversation::{Said, State, Who};
use super::interruption::Interruption;
use super::lanes::{self, Lane};
use super::meter::QUIETEST_DB;
use super::plain::{beginning, ending, width as width_of, wrap};
use super::view::{Doing, View};
use crate::event::{Hop, Tick, nanos};
use crate::measure::{Slice, ms};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use std::collections::BTreeSet;

/// The keys that may be pressed.
pub(super) fn keys(view: &View) -> &'static str {
    match view.about.is_replay {
        true => "q quit",
        false => "m mute  q quit",
    }
}

/// Columns before lanes, words and the meter.
const LABEL: usize = 8;

/// Hops shorter than this have no row of their own: half a millisecond, as in the report.
const WORTH_A_ROW_NS: u64 = 500_000;

const CALLER: Style = Style::new().fg(Color::Cyan);
const AGENT: Style = Style::new().fg(Color::Magenta);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const INVERSE: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Minutes and seconds.
pub(super) fn clock(at: Tick) -> String {
    let seconds = at.0 / 1_000_000_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

pub(super) fn header(view: &View, width: usize) -> Line<'static> {
    let keys = match view.is_ending {
        true => "ending, q to leave now",
        false => keys(view),
    };
    let name = match view.about.name.as_str() {
        "" => " voicesim".to_owned(),
        name => format!(" voicesim · {}", beginning(name, 20)),
    };
    let time = format!("  {:>5}  ", clock(view.now));
    let taken = width_of(&name) + time.len() + keys.len() + 3;
    let room = width.saturating_sub(taken);
    let recording = match view.about.is_replay {
        true => "recording into ",
        false => "recording voices into ",
    };
    let kept = match &view.about.keeps_voices_in {
        Some(folder) => {
            let folder = ending(folder, room.saturating_sub(recording.len()));
            beginning(&format!("{recording}{folder}"), room)
        }
        None => beginning("no audio kept", room),
    };
    let gap = " ".repeat(width.saturating_sub(taken + width_of(&kept)) + 2);
    Line::from(vec![
        Span::styled(name, STRONG),
        Span::raw(time),
        Span::raw(kept),
        Span::raw(gap),
        Span::styled(keys, STRONG),
    ])
}

/// The level of the microphone, and what the assistant does.
pub(super) fn meter(view: &View, width: usize) -> Line<'static> {
    let doing = match (view.doing(), view.about.is_replay) {
        (Doing::Listening, true) => "nobody speaks",
        (Doing::Hearing, true) => "the caller speaks",
        (Doing::Answering, true) => "the caller waits for an answer",
        (Doing::Speaking, true) => "the agent speaks",
        (Doing::Listening, false) => "listening",
        (Doing::Hearing, false) => "hearing you",
        (Doing::Answering, false) => "answering",
        (Doing::Speaking, false) => "speaking",
        (Doing::Overlap, _) => "both are speaking",
    };
    if view.about.is_replay {
        let label = Span::styled(" now    ", STRONG);
        return Line::from(vec![
            label,
            Span::raw(beginning(doing, width.saturating_sub(LABEL))),
        ]);
    }
    let label = Span::styled(" mic    ", STRONG);
    if view.meter.is_muted {
        let muted = Span::styled(" MUTED: press m to be heard ", INVERSE);
        return Line::from(vec![label, muted]);
    }
    let length = width.saturating_sub(LABEL + 32).min(40);
    let filled = (view.meter.share() * length as f32).round() as usize;
    let level = match view.meter.db <= QUIETEST_DB {
        true => "  quiet  ".to_owned(),
        false => format!("{:>4.0} dB  ", view.meter.db),
    };
    let clipping = match view.meter.is_clipping() {
        true => Span::styled("too loud  ", STRONG),
        false => Span::default(),
    };
    Line::from(vec![
        label,
        Span::raw("■".repeat(filled)),
        Span::styled("·".repeat(length.saturating_sub(filled)), FAINT),
        Span::raw(level),
        clipping,
        Span::raw(doing),
    ])
}

/// Who was heard when, and a line that says how long ago that was.
pub(super) fn lanes(view: &View, width: usize) -> Vec<Line<'static>> {
    let length = width.saturating_sub(LABEL + 1);
    let lane = |label: &'static str, style: Style, cell: &dyn Fn(Tick, Tick) -> char| {
        let cells: String = lanes::columns(length, view.now)
            .map(|column| column.map_or(' ', |(from, to)| cell(from, to)))
            .collect();
        Line::from(vec![
            Span::styled(label, style.add_modifier(Modifier::BOLD)),
            Span::styled(cells, style),
        ])
    };
    let is_mostly = |lane: &Lane, from: Tick, to: Tick| {
        nanos(lane.within(from, to.min(view.now))) * 2 >= to.since(from).as_nanos() as u64
    };
    let is_ever =
        |lane: &Lane, from: Tick, to: Tick| !lane.within(from, to.min(view.now)).is_zero();
    let caller = |from, to| match is_ever(&view.caller, from, to) {
        true => '█',
        false => ' ',
    };
    let agent = |from, to| {
        if view.stops.iter().any(|at| (from..to).contains(at)) {
            '╳'
        } else if is_mostly(&view.agent, from, to) {
            '█'
        } else if is_ever(&view.waiting, from, to) {
            '░'
        } else if is_ever(&view.agent, from, to) {
            '█'
        } else {
            ' '
        }
    };
    let (from, to) = ("20 s ago", "now");
    let signs = "█ voice   ░ waiting for an answer   ╳ interrupted";
    let room = length.saturating_sub(from.len() + to.len());
    let signs = if width_of(signs) + 4 <= room {
        signs
    } else {
        ""
    };
    let axis = format!("{:LABEL$}{from}{signs:^room$}{to}", "");
    vec![
        lane(" caller ", CALLER, &caller),
        lane(" agent  ", AGENT, &agent),
        Line::styled(axis, FAINT),
    ]
}

/// The latest words that fit, the newest at the end.
pub(super) fn conversation(view: &View, width: usize, rows: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line> = Vec::new();
    for said in view.conversation.said().rev() {
        if lines.len() >= rows {
            break;
        }
        let most = (rows / 2).max(2);
        lines.extend(utterance(said, width, most).into_iter().rev());
    }
    lines.truncate(rows);
    lines.reverse();
    if lines.is_empty() && rows > 0 {
        let hint = match view.about.is_replay {
            true => " what is said will stand here",
            false => " say something; talk over the answer to interrupt it",
        };
        let hint = beginning(hint, width);
        lines.push(Line::styled(hint, FAINT));
    }
    lines
}

/// One utterance in at most `most` rows: the beginning of one that is over, the end of one that is
/// going on.
fn utterance(said: &Said, width: usize, most: usize) -> Vec<Line<'static>> {
    let (label, style) = match said.who {
        Who::Caller => (" caller ", CALLER),
        Who::Agent => (" agent  ", AGENT),
    };
    let note = match said.state {
        State::Going => "…",
        State::Done => "",
        State::NoWords => "(no words understood)",
        State::NotRecognised => "(speech to text failed)",
        State::Stopped => "[interrupted]",
        State::Silent => "(nothing to answer)",
        State::Failed => "[failed]",
        State::Abandoned => "[the conversation ended]",
    };
    let mut text = said.text.clone();
    if said.is_over_agent {
        text.insert_str(0, "(over the agent) ");
    }
    let columns = width.saturating_sub(LABEL + 1).max(2);
    let mut rows = wrap(format!("{text} {note}").trim(), columns);
    if rows.len() > most && said.state == State::Going {
        rows.drain(..rows.len() - most);
        if let Some(first) = rows.first_mut() {
            *first = ending(&format!("… {first}"), columns);
        }
    } else if rows.len() > most {
        rows.truncate(most);
        if let Some(last) = rows.last_mut() {
            let room = columns.saturating_sub(width_of(note) + 3);
            *last = format!("{} … {note}", beginning(last, room).trim_end_matches('…'));
        }
    }
    let words = match said.state {
        State::Going if said.who == Who::Caller => Style::new().add_modifier(Modifier::ITALIC),
        _ => Style::new(),
    };
    let labels = std::iter::once(label).chain(std::iter::repeat("        "));
    rows.into_iter()
        .zip(labels)
        .map(|(row, label)| {
            let label = Span::styled(label, style.add_modifier(Modifier::BOLD));
            Line::from(vec![label, Span::styled(row, words)])
        })
        .collect()
}

/// The latency of the last answer, and of all of them.
pub(super) fn latency(view: &View, width: usize) -> String {
    let last = view.answered.as_ref().and_then(|row| row.e2e_ns);
    let Some(last) = last else {
        return beginning("e2e_latency: no answer yet", width);
    };
    let last = ms(last);
    let Some(all) = view.e2e() else {
        return beginning(&format!("e2e_latency {last:.1} ms"), width);
    };
    let (p50, p95) = (all.p50_ms, all.p95_ms);
    let answers = match all.count {
        1 => "1 finished answer".to_owned(),
        count => format!("{count} finished answers"),
    };
    let forms = [
        format!("e2e_latency {last:.1} ms   p50 {p50:.1}, p95 {p95:.1} ms of {answers}"),
        format!(
            "e2e_latency {last:.0} ms   p50 {p50:.0}, p95 {p95:.0} ms of {}",
            all.count
        ),
        format!("{last:.0} ms, p50 {p50:.0}, p95 {p95:.0}"),
    ];
    let fits = |form: &&String| width_of(form) + 6 <= width;
    let form = forms.iter().find(fits).unwrap_or(&forms[2]);
    beginning(form, width)
}

/// Where the time of the last answer went, in path order. Hops without a row of their own are added up in one.
pub(super) fn hops(view: &View, width: usize, rows: usize) -> Vec<Line<'static>> {
    let Some(row) = &view.answered else {
        let whose = if view.about.is_replay {
            "the caller's"
        } else {
            "your"
        };
        let hint = format!("the hops between {whose} last word and the first sound of the answer");
        return vec![Line::styled(format!(" {}", beginning(&hint, width)), FAINT)];
    };
    let length = |slice: &Slice| slice.end.0.saturating_sub(slice.start.0);
    let mut shown: Vec<&Slice> = row.slices.iter().collect();
    shown.sort_by_key(|slice| std::cmp::Reverse(length(slice)));
    let worth = shown.partition_point(|slice| length(slice) >= WORTH_A_ROW_NS);
    let is_exact = shown[worth..].iter().all(|slice| length(slice) == 0);
    // The hops that are left over need a row for their sum.
    let room = rows.saturating_sub(usize::from(!is_exact || worth > rows));
    let count = worth.min(room);
    let mut rest = shown.split_off(count.min(shown.len()));
    rest.retain(|slice| length(slice) > 0);
    shown.sort_by_key(|slice| slice.start);
    let axis = width.saturating_sub(36);
    let (origin, e2e) = (row.caller_end.unwrap_or_default(), row.e2e_ns.unwrap_or(1));
    let column = |at: Tick| {
        let share = at.0.saturating_sub(origin.0) as f64 / e2e.max(1) as f64;
        ((share * axis as f64).round() as usize).min(axis)
    };
    let mut lines: Vec<Line> = shown
        .iter()
        .map(|slice| {
            let (from, to) = (column(slice.start), column(slice.end));
            let bar = match to - from {
                // What is too short for a whole character is still somewhere.
                0 => "▏".to_owned(),
                length => "█".repeat(length),
            };
            let bar = format!("{}{bar}", " ".repeat(from));
            let (name, length) = (slice.hop.name(), ms(length(slice)));
            let rest = axis + 1;
            Line::raw(format!(" {name:<20} {bar:<rest$} {length:>9.1} ms"))
        })
        .collect();
    let rest_ms = ms(rest.iter().map(|slice| length(slice)).sum());
    let rest: BTreeSet<Hop> = rest.iter().map(|slice| slice.hop).collect();
    if rest_ms >= 0.05 && lines.len() < rows {
        let name = match rest.len() {
            1 => "1 shorter hop".to_owned(),
            count => format!("{count} shorter hops"),
        };
        let room = axis + 1;
        let text = format!(" {name:<20} {:room$} {rest_ms:>9.1} ms", "");
        lines.push(Line::styled(text, FAINT));
    }
    lines
}

/// The policy that decides about sounds over the agent.
pub(super) fn policy(view: &View) -> String {
    match view.interruptions.back() {
        Some(last) => format!(
            "sounds over the agent · policy {} · p: it is an interruption",
            last.policy
        ),
        None => "sounds over the agent".into(),
    }
}

/// What was made of sounds over the agent, newest first.
pub(super) fn interruptions(view: &View, width: usize, rows: usize) -> Vec<Line<'static>> {
    if view.interruptions.is_empty() {
        let hint = beginning(" nobody has talked over the agent yet", width);
        return vec![Line::styled(hint, FAINT)];
    }
    let latest = view.interruptions.iter().rev().take(rows);
    latest.map(|one| interruption(one, width)).collect()
}

fn interruption(one: &Interruption, width: usize) -> Line<'static> {
    let verdict = match one.is_over {
        true => one.verdict(),
        false => "deciding",
    };
    let head = format!(
        " {:>5}  {verdict:<13}  {:<18}  ",
        clock(one.onset),
        one.when()
    );
    // Reasons change many times a second while it lasts, too fast to read.
    let reasons = match one.is_over {
        true => one.reasons.join(" · "),
        false => String::new(),
    };
    let reasons = beginning(&reasons, width.saturating_sub(width_of(&head) + 1));
    Line::raw(head + &reasons)
}

/// The notices, newest first.
pub(super) fn notices(view: &View, width: usize, rows: usize) -> Vec<Line<'static>> {
    let style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
    view.notices()
        .take(rows)
        .map(|notice| {
            let text = match notice.times {
                1 => notice.text.clone(),
                times => format!("({times} times) {}", notice.text),
            };
            let text = beginning(&text, width.saturating_sub(4));
            Line::from(vec![Span::styled(" ! ", style), Span::raw(text)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::view::About;
    use super::*;
    use std::path::Path;

    #[test]
    fn the_rows_of_an_answer_add_up_however_many_there_are() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        let events = crate::record::store::read_events(&folder).expect("a recorded run");
        let mut view = View::new(About::default());
        let first_answer = events.iter().take_while(|e| e.tick < Tick::from_ms(4_000));
        first_answer.for_each(|event| view.event(event));
        let e2e = view.answered.as_ref().and_then(|row| row.e2e_ns);
        let e2e = ms(e2e.expect("an answer"));
        for rows in 1..10 {
            let lines = hops(&view, 80, rows);
            assert!(lines.len() <= rows);
            let figure = |line: &Line| -> f64 {
                let text = line.to_string();
                let figure = text.split_whitespace().rev().nth(1);
                figure.and_then(|ms| ms.parse().ok()).expect("a figure")
            };
            let sum: f64 = lines.iter().map(figure).sum();
            assert!((sum - e2e).abs() < 0.06 * rows as f64, "{sum} of {e2e}");
        }
    }
}
