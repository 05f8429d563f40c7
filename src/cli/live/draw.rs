//! The picture of a [`View`]: rows from top to bottom, each part with as many as the terminal has room
//! for, so that nothing jumps while a conversation goes on.
//!
//! Only the terminal's own 16 colours are used, which suit its theme, and never to say something that
//! no word or sign says.

use super::panels;
use super::view::View;
use ratatui::Frame;
use ratatui::style::{Color, Modifier, Stylize};
use ratatui::text::{Line, Span, Text};

/// Columns and rows below which there is room for the conversation and the latency alone.
const ROOM: (u16, u16) = (56, 14);

/// From this many rows on, every part has a title.
const TITLES_FROM: usize = 22;

/// Rows of each part below its title.
struct Rows {
    lanes: usize,
    conversation: usize,
    hops: usize,
    interruptions: usize,
    notices: usize,
    are_titled: bool,
}

impl Rows {
    /// The rows of a terminal of this height, at least that of [`ROOM`].
    fn of(height: usize) -> Rows {
        let are_titled = height >= TITLES_FROM;
        let more = height.saturating_sub(24);
        let mut rows = Rows {
            lanes: if are_titled { 3 } else { 2 },
            conversation: 0,
            hops: if are_titled { 5 + (more / 4).min(3) } else { 4 },
            interruptions: if are_titled { 2 + (more / 5).min(4) } else { 1 },
            notices: 1 + (more / 8).min(2),
            are_titled,
        };
        // The header, the meter, and the titles; what is left is for words.
        let others = 4 + usize::from(are_titled);
        let taken = others + rows.lanes + rows.hops + rows.interruptions + rows.notices;
        rows.conversation = height.saturating_sub(taken);
        rows
    }
}

/// Draws everything; fits any size, down to nothing.
pub(super) fn draw(view: &View, frame: &mut Frame) {
    let area = frame.area();
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let lines = match area.width < ROOM.0 || area.height < ROOM.1 {
        true => tiny(view, width, height),
        false => whole(view, width, height),
    };
    frame.render_widget(Text::from(lines), area);
}

/// Takes every colour out of what was drawn, for terminals and people who want none.
pub(super) fn without_colours(frame: &mut Frame) {
    for cell in &mut frame.buffer_mut().content {
        (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
    }
}

fn whole(view: &View, width: usize, height: usize) -> Vec<Line<'static>> {
    let rows = Rows::of(height);
    let mut lines = vec![panels::header(view, width), panels::meter(view, width)];
    let part = |lines: &mut Vec<Line<'static>>, part: Vec<Line<'static>>, rows: usize| {
        let missing = rows.saturating_sub(part.len());
        lines.extend(part.into_iter().take(rows));
        lines.extend(std::iter::repeat_n(Line::default(), missing));
    };
    part(&mut lines, panels::lanes(view, width), rows.lanes);
    lines.push(title("conversation".into(), width));
    let words = panels::conversation(view, width, rows.conversation);
    part(&mut lines, words, rows.conversation);
    lines.push(title(panels::latency(view, width), width));
    part(&mut lines, panels::hops(view, width, rows.hops), rows.hops);
    if rows.are_titled {
        lines.push(title(panels::policy(view), width));
    }
    let sounds = panels::interruptions(view, width, rows.interruptions);
    part(&mut lines, sounds, rows.interruptions);
    part(
        &mut lines,
        panels::notices(view, width, rows.notices),
        rows.notices,
    );
    lines
}

/// The conversation and the latency alone, where there is hardly any room.
fn tiny(view: &View, width: usize, height: usize) -> Vec<Line<'static>> {
    let recording = match (view.meter.is_muted, &view.about.keeps_voices_in) {
        (true, _) => "MUTED",
        (false, Some(_)) => "recording",
        (false, None) => "not kept",
    };
    let keys = if view.is_ending {
        "ending"
    } else {
        panels::keys(view)
    };
    let head = format!("{} {recording}  {keys}", panels::clock(view.now));
    let mut lines = vec![
        Line::from(Span::raw(head)),
        Line::from(panels::latency(view, width)),
    ];
    let room = height.saturating_sub(lines.len());
    lines.extend(panels::conversation(view, width, room));
    lines
}

/// The line above a part.
fn title(text: String, width: usize) -> Line<'static> {
    let text = super::plain::beginning(&text, width.saturating_sub(6));
    let rest = width.saturating_sub(super::plain::width(&text) + 4);
    let rule = |length: usize| Span::raw("─".repeat(length)).add_modifier(Modifier::DIM);
    Line::from(vec![
        rule(2),
        Span::raw(format!(" {text} ")).add_modifier(Modifier::BOLD),
        rule(rest),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::view::About;
    use super::*;
    use crate::event::{Event, Mark, OutputNote, SessionId, StageName, Tick, TurnId, VisitId};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use std::path::Path;

    /// The recorded run as it looks after `ms` milliseconds.
    fn recorded(ms: u64) -> View {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        let events = crate::record::store::read_events(&folder).expect("a recorded run");
        let mut view = View::new(About {
            name: "demo".into(),
            keeps_voices_in: Some("runs/2026-01-31T12-00-00Z-demo".into()),
            is_replay: false,
        });
        let now = Tick::from_ms(ms);
        for event in events.iter().take_while(|event| event.tick <= now) {
            view.event(event);
        }
        view.now(now);
        view.level(-23.0, false);
        view
    }

    fn picture(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
        terminal.draw(|frame| draw(view, frame)).expect("drawn");
        terminal.backend().to_string()
    }

    /// After the caller has interrupted an answer.
    const INTERRUPTED_MS: u64 = 44_500;

    #[test]
    fn an_ordinary_terminal_shows_everything() {
        insta::assert_snapshot!(picture(&recorded(INTERRUPTED_MS), 80, 24));
    }

    #[test]
    fn a_small_terminal_shows_a_little_of_everything() {
        insta::assert_snapshot!(picture(&recorded(INTERRUPTED_MS), 60, 16));
    }

    #[test]
    fn a_large_terminal_shows_more_of_it() {
        insta::assert_snapshot!(picture(&recorded(INTERRUPTED_MS), 120, 40));
    }

    #[test]
    fn a_tiny_terminal_shows_words_and_latency() {
        insta::assert_snapshot!(picture(&recorded(INTERRUPTED_MS), 30, 8));
    }

    #[test]
    fn a_replay_shows_who_speaks_and_has_no_microphone() {
        let mut view = recorded(INTERRUPTED_MS);
        view.about.is_replay = true;
        insta::assert_snapshot!(picture(&view, 80, 24));
    }

    #[test]
    fn no_colour_is_left_where_none_is_wanted() {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("in memory");
        let drawn = terminal.draw(|frame| {
            draw(&recorded(INTERRUPTED_MS), frame);
            without_colours(frame);
        });
        let buffer = drawn.expect("drawn").buffer;
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset));
        assert!(buffer.content.iter().any(|cell| cell.symbol() == "█"));
    }

    #[test]
    fn before_anybody_speaks_it_says_what_to_do() {
        let mut view = View::new(About::default());
        view.level(-3.0, true);
        view.notice("the speaker ran dry");
        view.notice("the speaker ran dry");
        insta::assert_snapshot!(picture(&view, 80, 24));
    }

    #[test]
    fn it_fits_every_size() {
        let sizes = |most: u16| (1..=16).chain([22, 30, 47, 56, 57, 60, 76, 80, 133, most]);
        for ms in [0, INTERRUPTED_MS] {
            let mut view = recorded(ms);
            view.notice("the microphone was unplugged");
            for height in sizes(60).filter(|height| *height <= 60) {
                for width in sizes(200) {
                    let backend = TestBackend::new(width, height);
                    let mut terminal = Terminal::new(backend).expect("in memory");
                    terminal.draw(|frame| draw(&view, frame)).expect("drawn");
                }
            }
        }
    }

    #[test]
    fn nothing_but_the_terminals_own_colours_is_used() {
        use ratatui::style::Color;
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("in memory");
        let mut view = recorded(INTERRUPTED_MS);
        view.notice("lost");
        terminal.draw(|frame| draw(&view, frame)).expect("drawn");
        for cell in terminal.backend().buffer().content() {
            let is_fixed = |c| matches!(c, Color::Rgb(..) | Color::Indexed(_));
            assert!(!is_fixed(cell.fg) && cell.bg == Color::Reset);
        }
    }

    #[test]
    fn words_of_others_cannot_break_the_picture() {
        let hostile = [
            "\x1b[2J\x1b[H\x07\u{9b}31m\r\n\t\u{0}",
            "日本語のとても長い文を話しています日本語のとても長い文を話しています日本語のとても長い文を話しています日本語",
            "\u{202e}gnihtemos \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
            &format!("e{}", "\u{301}".repeat(3_000)),
            &"x".repeat(10_000),
            &"👩‍👩‍👧‍👦 ".repeat(2_000),
        ];
        for text in hostile {
            let mut view = View::new(About {
                name: text.into(),
                keeps_voices_in: Some(text.into()),
                is_replay: false,
            });
            let notes = [
                OutputNote::Partial {
                    text: text.into(),
                    sureness: None,
                },
                OutputNote::Final {
                    text: text.into(),
                    audio_ns: 1,
                    sureness: None,
                },
            ];
            for note in notes {
                view.event(&Event {
                    tick: Tick(0),
                    session: SessionId(0),
                    turn: TurnId(1),
                    mark: Mark::Output {
                        stage: StageName::SpeechToText,
                        visit: VisitId(1),
                        note,
                    },
                });
                view.notice(text);
                for (width, height) in [(80, 24), (60, 16), (30, 8), (3, 3)] {
                    let picture = picture(&view, width, height);
                    assert!(!picture.contains(|c: char| c.is_control() && c != '\n'));
                }
                // The parts stay where they are.
                let rows: Vec<String> = picture(&view, 80, 24).lines().map(str::to_owned).collect();
                assert!(rows[5].contains("── conversation ──"), "{rows:#?}");
                assert!(rows[0].contains("q quit"), "{rows:#?}");
            }
        }
    }
}
