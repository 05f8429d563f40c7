//! Keys that a caller presses, one after the other, until they are over.

use crate::event::Tick;
use std::time::Duration;

/// Who has pressed no further key for so long has pressed the last.
const OVER_AFTER: Duration = Duration::from_millis(1_500);
/// The key that says so.
const LAST: char = '#';
/// Nobody presses more.
const KEYS_MAX: usize = 256;

/// Keys that were pressed in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pressed {
    /// When the first one was told of, and the last.
    pub since: Tick,
    pub until: Tick,
    pub keys: String,
}

/// Keys that are being pressed.
#[derive(Debug, Default)]
pub(super) struct Keys(Option<Pressed>);

impl Keys {
    /// A key was pressed, as was told at `at`.
    pub(super) fn press(&mut self, at: Tick, key: char) {
        let pressed = self.0.get_or_insert(Pressed {
            since: at,
            until: at,
            keys: String::new(),
        });
        if pressed.keys.len() < KEYS_MAX {
            pressed.until = at;
            pressed.keys.push(key);
        }
    }

    /// When they are over, unless another one is pressed before; `None` if none was pressed.
    pub(super) fn over_at(&self) -> Option<Tick> {
        let pressed = self.0.as_ref()?;
        Some(match pressed.keys.ends_with(LAST) {
            true => pressed.until,
            false => pressed.until + OVER_AFTER,
        })
    }

    /// What was pressed, if that is over at `now`.
    pub(super) fn over(&mut self, now: Tick) -> Option<Pressed> {
        match self.over_at() {
            Some(at) if at <= now => self.0.take(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_over_after_a_while_or_with_the_last_one() {
        let ms = Tick::from_ms;
        let mut keys = Keys::default();
        keys.press(ms(1_000), '4');
        keys.press(ms(1_900), '2');
        assert_eq!(keys.over(ms(3_399)), None);
        assert_eq!(keys.over_at(), Some(ms(3_400)));
        let pressed = keys.over(ms(3_400)).expect("over");
        assert_eq!((pressed.keys.as_str(), pressed.until), ("42", ms(1_900)));
        assert_eq!(keys.over_at(), None);
        keys.press(ms(5_000), '7');
        keys.press(ms(5_200), '#');
        let pressed = keys.over(ms(5_200)).expect("over");
        assert_eq!((pressed.keys.as_str(), pressed.since), ("7#", ms(5_000)));
    }
}
