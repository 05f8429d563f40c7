//! Whether the agent said that it is a machine.

use crate::measure::{Disclosures, Measurement};
use crate::report::several;
use std::fmt::Write;

/// Adds in how many conversations the agent said so, where anybody looked.
pub(super) fn disclosures(text: &mut String, measured: &Measurement) {
    if measured.disclosures.is_empty() {
        return;
    }
    let _ = writeln!(text, "disclosure     {}", in_words(&measured.disclosures));
}

fn in_words(of: &Disclosures) -> String {
    if of.due == 0 {
        return "nobody asked, so nothing had to be said".into();
    }
    let mut parts = vec![format!(
        "said in {} of {}",
        of.said,
        several(of.due, "conversation")
    )];
    for (count, what) in [
        (of.late, "too late"),
        (of.missing.saturating_sub(of.partial), "missing"),
        (of.partial, "not to its end"),
        (of.too_short, "over before it could be said"),
    ] {
        if count > 0 {
            parts.push(format!("{what} {count}"));
        }
    }
    let by = match of.by_transcript {
        0 => "as it was played",
        _ => "by a transcript of the agent's sound",
    };
    format!("{} ({by})", parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_one_line() {
        let all = Disclosures {
            checked: 12,
            due: 10,
            said: 5,
            late: 1,
            missing: 3,
            partial: 1,
            too_short: 1,
            asked: 2,
            by_transcript: 10,
        };
        assert_eq!(
            in_words(&all),
            "said in 5 of 10 conversations · too late 1 · missing 2 · not to its end 1 · over before it could be said 1 (by a transcript of the agent's sound)"
        );
        let fine = Disclosures {
            checked: 1,
            due: 1,
            said: 1,
            ..Disclosures::default()
        };
        assert_eq!(
            in_words(&fine),
            "said in 1 of 1 conversation (as it was played)"
        );
        let silent = Disclosures {
            checked: 1,
            ..Disclosures::default()
        };
        assert!(in_words(&silent).starts_with("nobody asked"));
    }
}
