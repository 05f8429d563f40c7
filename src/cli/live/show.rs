//! Shows a conversation while it goes on: on a screen if there is one, else in lines.

use super::feed::{Feed, channel};
use super::lines::Lines;
use super::log::ScreenLog;
use super::terminal::{Key, Screen};
use super::view::{About, View};
use crate::audio::device::Hush;
use crate::event::{Event, Tick};
use crate::record::tap::Watcher;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Keys that may wait for the session.
const KEYS_WAITING_MAX: usize = 8;
/// How often the screen is told the time and the level.
const TELL_EVERY: Duration = Duration::from_millis(96);

/// What shows a conversation. It begins with the first event, so that whatever goes wrong before is
/// told on an ordinary terminal.
#[derive(Clone)]
pub(crate) struct Show(Rc<RefCell<State>>);

enum State {
    /// A screen is to be opened.
    Wanted(About),
    Screen(Shown),
    Lines(Lines),
}

struct Shown {
    feed: Feed,
    keys: mpsc::Receiver<Key>,
    thread: JoinHandle<()>,
    loudest_db: f32,
    next: Tick,
    /// Anything else that is written would tear the screen.
    _hush: Hush,
}

/// What the keys of the screen reach.
pub(crate) struct Controls {
    /// What a replay has no use for.
    pub is_muted: Rc<Cell<bool>>,
    pub hang_up: Cell<Option<oneshot::Sender<()>>>,
}

impl Show {
    pub(crate) fn in_lines() -> Show {
        Show(Rc::new(RefCell::new(State::Lines(Lines::default()))))
    }

    /// Shows on a screen if standard input and output are a terminal, else in lines.
    pub(crate) fn on_screen(about: About) -> Show {
        Show(Rc::new(RefCell::new(State::Wanted(about))))
    }

    /// A watcher that takes in every event.
    pub(crate) fn watcher(&self) -> Watcher {
        let show = self.clone();
        Box::new(move |event| show.event(event))
    }

    /// A function that takes in the level of the microphone, and hands on what was asked for on the keyboard.
    pub(crate) fn level(&self, controls: Controls) -> Box<dyn Fn(Tick, f32)> {
        let show = self.clone();
        Box::new(move |at, level_db| {
            if let State::Screen(shown) = &mut *show.0.borrow_mut() {
                shown.level(at, level_db, &controls);
            }
        })
    }

    /// A function that takes in the time of a replay, and hands on what was asked for on the keyboard.
    pub(crate) fn time(&self, controls: Controls) -> impl Fn(Tick) + 'static {
        let show = self.clone();
        move |at| {
            if let State::Screen(shown) = &mut *show.0.borrow_mut() {
                shown.keys(&controls);
                shown.feed.now(at);
            }
        }
    }

    fn event(&self, event: &Event) {
        let mut state = self.0.borrow_mut();
        if let State::Wanted(about) = &*state {
            *state =
                opened(about.clone()).map_or_else(|| State::Lines(Lines::default()), State::Screen);
        }
        if matches!(&*state, State::Screen(shown) if !shown.feed.is_watched()) {
            // Somebody closed the terminal. What it was not told yet is told in lines.
            ScreenLog::to_stderr();
            let before = std::mem::replace(&mut *state, State::Lines(Lines::default()));
            if let (State::Screen(shown), State::Lines(lines)) = (before, &mut *state) {
                for event in shown.feed.untold() {
                    tell(lines, &event);
                }
            }
        }
        match &mut *state {
            State::Screen(shown) => shown.feed.event(event.clone()),
            State::Lines(lines) => tell(lines, event),
            State::Wanted(_) => {}
        }
    }

    /// The conversation is over: gives the terminal back.
    pub(crate) fn end(&self) {
        let state = self.0.replace(State::Lines(Lines::default()));
        if let State::Screen(shown) = state {
            ScreenLog::to_stderr();
            shown.feed.end();
            // A panic of the thread has been reported already.
            let _ = shown.thread.join();
        }
    }
}

fn tell(lines: &mut Lines, event: &Event) {
    if let Some(line) = lines.event(event) {
        tracing::info!("{line}");
    }
}

fn opened(about: About) -> Option<Shown> {
    let screen = match Screen::open() {
        Ok(screen) => screen,
        Err(reason) => {
            tracing::debug!("{reason}");
            return None;
        }
    };
    let (keys, asked) = mpsc::channel(KEYS_WAITING_MAX);
    let (feed, updates) = channel();
    let thread = thread::Builder::new().name("screen".into());
    let shown = thread.spawn(move || {
        if let Err(error) = screen.show(View::new(about), &updates, &keys) {
            ScreenLog::to_stderr();
            tracing::warn!("{error}");
        }
    });
    let thread = shown.ok()?;
    ScreenLog::to_screen(&feed);
    Some(Shown {
        feed,
        keys: asked,
        thread,
        loudest_db: f32::NEG_INFINITY,
        next: Tick::ZERO,
        _hush: Hush::new(),
    })
}

impl Shown {
    /// Hands on what was asked for on the keyboard.
    fn keys(&mut self, controls: &Controls) {
        while let Ok(key) = self.keys.try_recv() {
            match key {
                Key::Mute => controls.is_muted.set(!controls.is_muted.get()),
                Key::Quit => _ = controls.hang_up.take().map(|hang_up| hang_up.send(())),
            }
        }
    }

    fn level(&mut self, at: Tick, level_db: f32, controls: &Controls) {
        self.loudest_db = self.loudest_db.max(level_db);
        self.keys(controls);
        if at >= self.next {
            self.next = at + TELL_EVERY;
            self.feed.level(self.loudest_db, controls.is_muted.get());
            self.feed.now(at);
            self.loudest_db = f32::NEG_INFINITY;
        }
    }
}
