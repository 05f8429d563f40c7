//! The terminal: set up, drawn on, listened to, and given back as it was.

use super::draw;
use super::feed::Update;
use super::view::View;
use crate::cli::colour;
use crate::event::Tick;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Terminal};
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::mpsc;

/// The shortest time between two drawings, and the longest before a key is noticed.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// What a person may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The microphone off, or on again.
    Mute,
    /// The end of the conversation.
    Quit,
}

/// Why there is no live view. The program can go on without it.
#[derive(Debug, thiserror::Error)]
pub(super) enum TerminalError {
    #[error("standard input and output are not both a terminal, so there is no live view")]
    NotATerminal,
    #[error("cannot set up the terminal for the live view: {0}")]
    SetUp(io::Error),
    #[error("the live view ended, the terminal cannot be used any longer: {0}")]
    Lost(String),
}

/// A terminal in raw mode with its alternate screen. It is given back when this is dropped, and
/// when the program panics.
pub(super) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    pub(super) fn open() -> Result<Screen, TerminalError> {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if is_dumb || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(TerminalError::NotATerminal);
        }
        match ratatui::try_init() {
            Ok(terminal) => Ok(Screen { terminal }),
            Err(error) => {
                // The set-up may have come half way.
                let _ = ratatui::try_restore();
                Err(TerminalError::SetUp(error))
            }
        }
    }

    /// Shows updates until the last one. Blocks, so it wants a thread of its own. `keys` gets what
    /// is asked for, and is never waited for: pressing `q` twice gives the terminal back whatever the
    /// program is doing.
    pub(super) fn show(
        mut self,
        view: View,
        updates: &Receiver<Update>,
        keys: &mpsc::Sender<Key>,
    ) -> Result<(), TerminalError> {
        show(&mut self.terminal, view, updates, keys, pressed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that was closed needs nothing restored.
        let _ = ratatui::try_restore();
    }
}

/// What came from the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Key(Key),
    /// The terminal has another size.
    Resized,
    Other,
}

/// What came from the keyboard since last asked, if anything did.
fn pressed() -> io::Result<Option<Input>> {
    if !event::poll(Duration::ZERO)? {
        return Ok(None);
    }
    Ok(Some(match event::read()? {
        Event::Key(key) if key.kind == KeyEventKind::Press => meaning(key),
        Event::Resize(..) => Input::Resized,
        _ => Input::Other,
    }))
}

fn meaning(key: KeyEvent) -> Input {
    match key.code {
        // Raw mode keeps Ctrl-C from ending the program by itself.
        KeyCode::Char('c' | 'C') if key.modifiers.contains(KeyModifiers::CONTROL) => {
            Input::Key(Key::Quit)
        }
        KeyCode::Char('q' | 'Q') => Input::Key(Key::Quit),
        KeyCode::Char('m' | 'M') => Input::Key(Key::Mute),
        _ => Input::Other,
    }
}

/// Decides when to draw.
#[derive(Debug, Default)]
struct Pace {
    drawn: Option<Tick>,
}

impl Pace {
    /// Whether it is time for a drawing: enough of the session's time has passed, or nothing has
    /// come for a while.
    fn is_due(&mut self, now: Tick, is_idle: bool) -> bool {
        let is_time = |drawn: Tick| now.since(drawn) >= DRAW_EVERY;
        let is_due = is_idle || self.drawn.is_none_or(is_time);
        if is_due {
            self.drawn = Some(now);
        }
        is_due
    }
}

fn show<B: Backend>(
    terminal: &mut Terminal<B>,
    mut view: View,
    updates: &Receiver<Update>,
    keys: &mpsc::Sender<Key>,
    mut pressed: impl FnMut() -> io::Result<Option<Input>>,
) -> Result<(), TerminalError> {
    let mut pace = Pace::default();
    let mut is_forced = true;
    loop {
        let received = match is_forced {
            true => updates.try_recv().map_err(|_| RecvTimeoutError::Timeout),
            false => updates.recv_timeout(DRAW_EVERY),
        };
        let is_idle = received.is_err();
        let waiting = match received {
            Ok(update) => Some(update),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => None,
        };
        // All updates that wait are taken before the next drawing.
        for update in waiting.into_iter().chain(updates.try_iter()) {
            if !view.update(update) {
                return Ok(());
            }
        }
        while let Some(input) = pressed().map_err(|error| lost(&error))? {
            is_forced |= input != Input::Other;
            if input == Input::Key(Key::Quit) && std::mem::replace(&mut view.is_ending, true) {
                return Ok(());
            }
            if let Input::Key(key) = input {
                // A program that does not take its keys is on its way out.
                let _ = keys.try_send(key);
            }
        }
        if pace.is_due(view.now, is_idle) || is_forced {
            let drawn = terminal.draw(|frame| {
                draw::draw(&view, frame);
                if !colour::on_stdout() {
                    draw::without_colours(frame);
                }
            });
            drawn.map_err(|error| lost(&error))?;
            is_forced = false;
        }
    }
}

fn lost(error: &impl ToString) -> TerminalError {
    TerminalError::Lost(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::feed::{Feed, channel};
    use super::super::view::About;
    use super::*;
    use ratatui::backend::TestBackend;

    const QUIT: Input = Input::Key(Key::Quit);
    const MUTE: Input = Input::Key(Key::Mute);

    fn screen() -> Terminal<TestBackend> {
        Terminal::new(TestBackend::new(80, 24)).expect("a terminal in memory")
    }

    #[test]
    fn it_shows_what_comes_until_the_end() {
        let (mut feed, updates) = channel();
        let (keys, mut asked) = mpsc::channel(8);
        let notice = Update::Notice("the microphone was unplugged".into());
        feed.sender().send(notice).expect("room");
        feed.now(Tick::from_ms(100));
        let mut feed = Some(feed);
        let mut inputs = [Some(MUTE), Some(Input::Resized), None].into_iter();
        // The end comes after the first drawing.
        let pressed = || {
            let input = inputs.next();
            if input.is_none() {
                feed.take().into_iter().for_each(Feed::end);
            }
            Ok(input.flatten())
        };
        let mut terminal = screen();
        let view = View::new(About::default());
        let shown = show(&mut terminal, view, &updates, &keys, pressed);
        assert!(shown.is_ok());
        let text = terminal.backend().to_string();
        assert!(text.contains("the microphone was unplugged"), "{text}");
        assert_eq!(asked.try_recv(), Ok(Key::Mute));
    }

    #[test]
    fn quitting_twice_gives_the_terminal_back_even_if_nobody_listens() {
        let (_feed, updates) = channel();
        let (keys, asked) = mpsc::channel(1);
        drop(asked);
        let mut inputs = [QUIT, QUIT].into_iter();
        let view = View::new(About::default());
        let shown = show(&mut screen(), view, &updates, &keys, || Ok(inputs.next()));
        assert!(shown.is_ok());
    }

    #[test]
    fn a_keyboard_that_is_gone_is_an_error() {
        let (_feed, updates) = channel();
        let (keys, _asked) = mpsc::channel(1);
        let view = View::new(About::default());
        let gone = || Err(io::Error::other("hung up"));
        let error = show(&mut screen(), view, &updates, &keys, gone).expect_err("gone");
        assert!(error.to_string().contains("hung up"), "{error}");
    }

    #[test]
    fn it_draws_ten_times_a_second_at_most() {
        let mut pace = Pace::default();
        let ticks = (0..1_000).map(Tick::from_ms);
        let drawings = ticks.filter(|now| pace.is_due(*now, false)).count();
        assert_eq!(drawings, 10);
    }

    #[test]
    fn control_c_is_a_wish_to_quit() {
        let key = |c, modifiers| meaning(KeyEvent::new(KeyCode::Char(c), modifiers));
        assert_eq!(key('c', KeyModifiers::CONTROL), QUIT);
        assert_eq!(key('c', KeyModifiers::NONE), Input::Other);
        assert_eq!(key('m', KeyModifiers::NONE), MUTE);
        assert_eq!(key('Q', KeyModifiers::SHIFT), QUIT);
    }
}
