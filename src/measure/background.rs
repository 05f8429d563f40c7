//! What was heard of others than the caller.

use crate::event::Mark;
use serde::Serialize;

/// Voices, and what the detector takes for some, that were not taken for the caller's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Background {
    /// How often such a sound began after the caller had spoken.
    pub sounds: u64,
    /// By how many decibels the loudest of them was softer than the caller; `None` without any.
    pub least_under_db: Option<i16>,
}

impl Background {
    pub(super) fn add(&mut self, mark: &Mark) {
        if let Mark::BackgroundHeard {
            caller_db,
            level_db,
        } = mark
        {
            self.merge(&Background {
                sounds: 1,
                least_under_db: Some(caller_db.saturating_sub(*level_db)),
            });
        }
    }

    pub(super) fn merge(&mut self, other: &Background) {
        self.sounds += other.sounds;
        let both = self.least_under_db.into_iter().chain(other.least_under_db);
        self.least_under_db = both.min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loudest_background_is_told() {
        let mut background = Background::default();
        for level_db in [-40, -33, -37] {
            background.add(&Mark::BackgroundHeard {
                caller_db: -20,
                level_db,
            });
        }
        let expected = Background {
            sounds: 3,
            least_under_db: Some(13),
        };
        assert_eq!(background, expected);
    }
}
