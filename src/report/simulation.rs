//! The report of a simulation as text.

use super::text::summary_report;
use crate::event::Expect;
use crate::measure::{BATCHES, LoadFigures, Outcome, Totals};
use crate::record::store::Header;
use std::fmt::Write;

/// The figures of a simulation, with how far they can be trusted.
pub fn text(header: &Header, totals: &Totals) -> String {
    let measured = &totals.measured;
    let mut text = summary_report(header, measured);
    let callers = &measured.callers;
    if !callers.is_empty() {
        let _ = writeln!(
            text,
            "callers        started again {}x, hung up {}x · fillers {}",
            callers.restarts, callers.hang_ups, callers.fillers
        );
    }
    if callers.votes > 0 {
        let _ = writeln!(
            text,
            "votes          {} of {} right ({:.1} %)",
            callers.right_votes,
            callers.votes,
            100.0 * callers.right_votes as f64 / callers.votes as f64
        );
    }
    let failed = measured
        .interruptions
        .count(Expect::Respond, Outcome::Failed);
    if failed > 0 {
        // A caller who gets no answer asks again.
        let asked = totals.questions() + callers.restarts;
        let _ = writeln!(
            text,
            "failed         {:.2} % of the {asked} times that a question was asked",
            100.0 * f64::from(failed) / asked.max(1) as f64
        );
    }
    if let Some(share) = totals.cut_off_share() {
        let _ = writeln!(
            text,
            "cut off        {:.2} % of {} questions{}",
            100.0 * share,
            totals.questions(),
            match measured.interruptions.voided_commits {
                0 => String::new(),
                1 => "; 1 endpoint taken back unheard".into(),
                taken_back => format!("; {taken_back} endpoints taken back unheard"),
            }
        );
    }
    if let Some(figures) = &totals.load {
        load(&mut text, figures);
    }
    let intervals = totals.intervals();
    if intervals.is_empty() {
        let worlds = match totals.load {
            None => "conversations",
            Some(_) => "loads",
        };
        let _ = writeln!(
            text,
            "no intervals   too few {worlds} for {BATCHES} batches with an answer each"
        );
    }
    for (name, interval) in intervals {
        let digits = if name.ends_with("_ms") { 1 } else { 4 };
        let high = match interval.high.is_finite() {
            true => format!("{:.digits$}", interval.high),
            false => "turns without an answer".to_owned(),
        };
        let _ = writeln!(
            text,
            "95 % interval  {name:<20} {:.digits$} to {high}",
            interval.low
        );
    }
    if let Some(shard) = header.shard {
        let _ = writeln!(
            text,
            "shard          {shard}: the figures of a part; `voicesim merge` joins all parts"
        );
    }
    text
}

/// Many calls at once, and the engines that they shared.
fn load(text: &mut String, load: &LoadFigures) {
    let _ = writeln!(
        text,
        "load           {:.1} calls at once on average, {} at most · {:.1} calls a minute · {} calls in {} loads",
        load.calls_mean(),
        load.calls_max,
        load.calls_per_minute(),
        load.calls,
        load.worlds,
    );
    for (stage, pool) in &load.pools {
        let slots = pool.slots_us as f64 / load.window_us.max(1) as f64;
        let _ = writeln!(
            text,
            "pool           {}: {slots:.1} slots, {:.1} % busy · up to {} waiting · {} of {} requests refused",
            stage.name(),
            100.0 * pool.busy_share(),
            pool.waiting_max,
            pool.refused_full + pool.refused_rate,
            pool.requests,
        );
    }
}
