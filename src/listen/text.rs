//! Results for people, and choices as a table.

use super::attention::Judge;
use super::kept::{Choice, Head};
use super::results::{Preference, Results, Standing};
use crate::report::export::csv::harmless;
use crate::report::table::{plain, trimmed};
use std::collections::BTreeSet;
use std::io;

/// Results as text.
pub fn text(results: &Results) -> String {
    let mut text = format!(
        "{}, judged by their {}: {} choices of {} turns\n",
        results.systems.join(", "),
        results.judged,
        results.all.choices,
        results.all.turns
    );
    if results.all.choices == 0 {
        text += "nothing was chosen yet\n";
    } else {
        text += &format!("\n{}\n", strengths(&results.all));
    }
    if !results.segments.is_empty() {
        text += &format!("\n{}\n", segments(results));
    }
    for judge in &results.judges {
        text += &format!("\n{}", of_judge(judge, results));
    }
    if !results.judges.is_empty() {
        text.push('\n');
    }
    if !results.all.preferences.is_empty() {
        text.push('\n');
    }
    for preference in &results.all.preferences {
        text += &sentence(preference, results.least);
        text.push('\n');
    }
    text
}

fn strengths(all: &Standing) -> String {
    let mut table = plain(&["system", "strength", "95 % interval"]);
    for one in &all.strengths {
        let own = &one.strength;
        table.add_row([
            one.system.clone(),
            format!("{:+.2}", own.value),
            format!("{:+.2} to {:+.2}", own.low, own.high),
        ]);
    }
    trimmed(&table)
}

fn segments(results: &Results) -> String {
    let mut table = plain(&[
        "segment",
        "choices",
        "preferred",
        "to",
        "share",
        "95 % interval",
    ]);
    for segment in &results.segments {
        for one in &segment.standing.preferences {
            table.add_row([
                format!("{} = {}", segment.by, segment.name),
                one.choices.to_string(),
                one.system.clone(),
                one.to.clone(),
                percent(one.share.value),
                format!("{} to {}", percent(one.share.low), percent(one.share.high)),
            ]);
        }
    }
    trimmed(&table)
}

fn of_judge(judge: &Judge, results: &Results) -> String {
    let mut said = format!("{}: {} choices", judge.name, judge.choices);
    if judge.repeats > 0 {
        said += &format!(
            ", the same again in {} of {} repeats",
            judge.agreed, judge.repeats
        );
    }
    if judge.is_attentive == Some(false) {
        said += ", which guessing does too";
    }
    if results.left_out.contains(&judge.name) {
        said += ": left out";
    }
    said
}

/// What two systems come to.
fn sentence(of: &Preference, least: f64) -> String {
    let Preference {
        system, to, needed, ..
    } = of;
    let (share, low, high) = (
        percent(of.share.value),
        percent(of.share.low),
        percent(of.share.high),
    );
    match of.is_told {
        true => format!(
            "{system} is preferred to {to} in {share} ({low} to {high}) of {} choices.",
            of.choices
        ),
        false => format!(
            "No preference between {system} and {to} is told from chance: {share} ({low} to {high}) of {} choices; {needed} more would tell one of {} or more.",
            of.choices,
            percent(of.share.value.max(least))
        ),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Choices as CSV: a line of names, then a line each.
///
/// # Errors
/// What `out` fails with.
pub fn csv(head: &Head, choices: &[Choice], out: impl io::Write) -> io::Result<()> {
    let labels: BTreeSet<&String> = choices
        .iter()
        .flat_map(|choice| choice.labels.keys())
        .collect();
    let mut csv = csv::Writer::from_writer(out);
    let names = [
        "judge",
        "number",
        "turn",
        "first",
        "second",
        "preferred",
        "repeats",
    ];
    let names = names.iter().map(|name| (*name).to_owned());
    let heads = labels.iter().map(|label| harmless(label).into_owned());
    csv.write_record(names.chain(heads))?;
    for choice in choices {
        let system = |place: usize| head.systems.get(place).map_or("", String::as_str);
        let repeats = choice.repeats.map(|number| number.to_string());
        let cells = [
            choice.judge.as_str(),
            &choice.number.to_string(),
            &choice.turn,
            system(choice.first),
            system(choice.second),
            choice.preferred().map_or("", system),
            repeats.as_deref().unwrap_or_default(),
        ]
        .map(|cell| harmless(cell).into_owned());
        let own = labels.iter().map(|label| {
            let value = choice.labels.get(*label).map_or("", String::as_str);
            harmless(value).into_owned()
        });
        csv.write_record(cells.into_iter().chain(own))?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests {
    use super::super::Judged;
    use super::super::kept::Chosen;
    use super::super::results::Settings;
    use super::*;
    use std::collections::BTreeMap;

    fn head() -> Head {
        Head {
            schema: Head::SCHEMA.into(),
            systems: ["before", "after", "=other"].map(str::to_owned).to_vec(),
            judged: Judged::Sound,
            seed: 1,
            repeats: 0.1,
            pairs: 12,
            fingerprint: String::new(),
        }
    }

    fn choices() -> Vec<Choice> {
        let one = |number: u32| Choice {
            number,
            judge: "anna".into(),
            turn: format!("call {number}"),
            first: number as usize % 3,
            second: (number as usize + 1) % 3,
            chosen: match number % 5 {
                0 => Chosen::Neither,
                1 | 2 => Chosen::First,
                _ => Chosen::Second,
            },
            repeats: (number > 30).then(|| number - 30),
            labels: BTreeMap::from([(
                "topic".into(),
                ["hours", "prices"][number as usize % 2].into(),
            )]),
        };
        (1..=36).map(one).collect()
    }

    #[test]
    fn results_of_three_systems_read_like_this() {
        let settings = Settings {
            least: 0.6,
            are_guessers_left_out: false,
        };
        insta::assert_snapshot!(text(&Results::of(&head(), &choices(), &settings)));
    }

    #[test]
    fn choices_are_this_table() {
        let mut out = Vec::new();
        csv(&head(), &choices()[28..32], &mut out).expect("written");
        insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"));
    }
}
