//! What resilience policies did about stages that failed or took too long, in words.

use crate::event::ResilienceStep;
use crate::measure::ResilienceCounts;
use std::fmt::Write;

/// Adds a line for each stage that a policy did something about.
pub(super) fn cures(text: &mut String, cures: &ResilienceCounts) {
    for (stage, words) in of_stages(cures) {
        let _ = writeln!(text, "{stage:<14} {words}");
    }
}

/// Each stage that a policy did something about, and what was done.
pub(super) fn of_stages(cures: &ResilienceCounts) -> impl Iterator<Item = (&'static str, String)> {
    cures.iter().map(|(stage, counts)| {
        let words: Vec<String> = counts
            .iter()
            .map(|(by, count)| format!("{} {count}x", in_words(*by)))
            .collect();
        (stage.name(), words.join(" · "))
    })
}

fn in_words(by: ResilienceStep) -> &'static str {
    match by {
        ResilienceStep::TimedOut => "given up as too slow",
        ResilienceStep::Retried => "tried again",
        ResilienceStep::Hedged => "asked twice at once",
        ResilienceStep::HedgeWon => "where the second was first",
        ResilienceStep::Refused => "not asked, having failed too often,",
        ResilienceStep::FellBack => "left to the fallback",
    }
}
