//! What resilience policies did about stages that failed or took too long, in words.

use crate::event::CuredBy;
use crate::measure::Cures;
use std::fmt::Write;

/// Adds a line for each stage that a policy did something about.
pub(super) fn cures(text: &mut String, cures: &Cures) {
    for (stage, words) in of_stages(cures) {
        let _ = writeln!(text, "{stage:<14} {words}");
    }
}

/// Each stage that a policy did something about, and what was done.
pub(super) fn of_stages(cures: &Cures) -> impl Iterator<Item = (&'static str, String)> {
    cures.iter().map(|(stage, counts)| {
        let words: Vec<String> = counts
            .iter()
            .map(|(by, count)| format!("{} {count}x", in_words(*by)))
            .collect();
        (stage.name(), words.join(" · "))
    })
}

fn in_words(by: CuredBy) -> &'static str {
    match by {
        CuredBy::TimedOut => "given up as too slow",
        CuredBy::Retried => "tried again",
        CuredBy::Hedged => "asked twice at once",
        CuredBy::HedgeWon => "where the second was first",
        CuredBy::Refused => "not asked, having failed too often,",
        CuredBy::FellBack => "left to the fallback",
    }
}
