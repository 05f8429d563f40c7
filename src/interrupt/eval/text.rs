//! An evaluation as tables for people.

use super::ranking::Interval;
use super::{Cell, Evaluation};
use std::fmt::{self, Write};

/// The whole evaluation, a table a section.
pub fn as_text(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_all(&mut text, evaluation);
    text
}

fn write_all(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    let delay_ms = evaluation.word_delay_ms;
    writeln!(
        text,
        "Two speakers. Clean: words known {delay_ms} ms after their ends. Augmented: as in life."
    )?;
    writeln!(text, "In brackets: 95 % of resamples of meetings.\n")?;
    write_rankings(text, evaluation)?;
    write_policies(text, evaluation)?;
    write_carried_over(text, evaluation)?;
    write_slices(text, evaluation)?;
    write_reliability(text, evaluation)
}

fn write_rankings(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    writeln!(
        text,
        "{:<36} {:>5}  {:<20} {:<20} {:>5}  {:<20} {:<20}",
        "By probability", "ms", "AUC", "PR-AUC", "F1", "false stops at 95 %", "precision at 95 %"
    )?;
    for row in &evaluation.rankings {
        let [auc, pr_auc, f1, false_stops, precision] = row.figures.figures();
        let i = &row.intervals;
        writeln!(
            text,
            "{:<36} {:>5}  {} {} {f1:>5.3}  {} {}",
            name(&row.cell),
            row.at_ms,
            share(auc, i[0]),
            share(pr_auc, i[1]),
            share(false_stops, i[3]),
            share(precision, i[4]),
        )?;
    }
    Ok(())
}

fn write_policies(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    writeln!(
        text,
        "\n{:<36} {:<38} {:<20} {:<20} {:>16} {:>16}",
        "By policy, within 1.5 s", "", "recall", "false stops", "median ms", "p90 ms"
    )?;
    for row in &evaluation.policies {
        let i = &row.intervals;
        writeln!(
            text,
            "{:<36} {:<38} {} {} {:>16} {:>16}",
            name(&row.cell),
            row.policy,
            share(row.recall, i[0]),
            share(row.false_stops, i[1]),
            ms(row.delay_p50_ms, i[2]),
            ms(row.delay_p90_ms, i[3]),
        )?;
    }
    Ok(())
}

fn write_carried_over(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    writeln!(
        text,
        "\nThresholds carried over, and moved by what 100 labelled sounds say"
    )?;
    for row in &evaluation.carried_over {
        writeln!(
            text,
            "{:<6} {:<14} recall {:.3}, false stops {:.3}; moved: recall {:.3}, false stops {}",
            row.corpus,
            row.listening,
            row.recall,
            row.false_stops,
            row.recall_repaired,
            share(row.false_stops_repaired, row.false_stops_interval),
        )?;
    }
    Ok(())
}

fn write_slices(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    writeln!(
        text,
        "\n{:<60} {:>14} {:>7} {:>7} {:>11}",
        "By slice", "interruptions", "others", "recall", "false stops"
    )?;
    for slice in &evaluation.slices {
        writeln!(
            text,
            "{:<60} {:>14} {:>7} {:>7} {:>11}",
            format!("{} {}, {}", slice.corpus, slice.listening, slice.of),
            slice.interruptions,
            slice.others,
            optional(slice.recall),
            optional(slice.false_stops),
        )?;
    }
    Ok(())
}

fn write_reliability(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    writeln!(
        text,
        "\nReliability: probability said, share that were interruptions (sounds)"
    )?;
    for table in &evaluation.reliability {
        write!(
            text,
            "{} {}, {} ms:",
            table.corpus, table.listening, table.at_ms
        )?;
        for bin in &table.bins {
            write!(text, "  {:.2} {:.2} ({})", bin.said, bin.were, bin.sounds)?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn name(cell: &Cell) -> String {
    let task = cell.task.name();
    format!("{} {task} {} {}", cell.corpus, cell.hearing, cell.listening)
}

fn share(value: f64, interval: Interval) -> String {
    format!("{value:.3} ({:.3}-{:.3}) ", interval.low, interval.high)
}

fn ms(value: f64, interval: Interval) -> String {
    format!("{value:.0} ({:.0}-{:.0})", interval.low, interval.high)
}

fn optional(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}
