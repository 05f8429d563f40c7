//! What holds of every conversation, whatever goes wrong in it.

use crate::properties::{check_events, hops_add_up};
use voicesim::event::{Event, Mark, Metric, SessionEnd, StageName, Tick, VisitId};
use voicesim::measure::{self, Measurement, Plan};
use voicesim::record::store::RowsPer;
use voicesim::scenario::Scenario;

/// The figures of a conversation that breaks no rule.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn check(scenario: &Scenario, events: &[Event]) -> Result<Measurement, String> {
    check_events(events).map_err(|error| error.to_string())?;
    it_ends_finished(events)?;
    nothing_is_put_out_before_it_is_asked_for(events)?;
    two_replies_are_never_audible_at_once(events)?;
    let measured = measure::measure(events, &Plan::of(scenario, RowsPer::Turn));
    hops_add_up(&measured.rows).map_err(|error| error.to_string())?;
    what_was_given_up_has_no_latency(events, &measured)?;
    Ok(measured)
}

fn it_ends_finished(events: &[Event]) -> Result<(), String> {
    let cause = SessionEnd::Finished;
    match events.last().map(|event| &event.mark) {
        Some(Mark::SessionEnded { cause: how }) if *how == cause => Ok(()),
        last => Err(format!("it ends with {last:?}")),
    }
}

fn nothing_is_put_out_before_it_is_asked_for(events: &[Event]) -> Result<(), String> {
    let mut entered: Vec<(VisitId, Tick)> = Vec::new();
    for event in events {
        match &event.mark {
            Mark::Enter { visit, .. } => entered.push((*visit, event.tick)),
            Mark::Output { visit, .. } | Mark::Exit { visit, .. } => {
                let of = entered.iter().find(|(other, _)| other == visit);
                if of.is_none_or(|(_, at)| *at > event.tick) {
                    return Err(format!("{visit:?} is answered before it is asked"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn two_replies_are_never_audible_at_once(events: &[Event]) -> Result<(), String> {
    let mut audible = None;
    for event in events {
        match &event.mark {
            Mark::Audible { .. } | Mark::ReplyResumed { .. } => {
                if let Some(other) = audible.filter(|turn| *turn != event.turn) {
                    return Err(format!("{:?} sounds over {other:?}", event.turn));
                }
                audible = Some(event.turn);
            }
            Mark::ReplyEnded { .. } if audible == Some(event.turn) => audible = None,
            _ => {}
        }
    }
    Ok(())
}

/// A stage has as many latencies at most as visits that put something out.
fn what_was_given_up_has_no_latency(
    events: &[Event],
    measured: &Measurement,
) -> Result<(), String> {
    for (stage, metric) in [
        (StageName::Answer, Metric::LlmTtft),
        (StageName::TextToSpeech, Metric::TtsTtfb),
        (StageName::SpeechToText, Metric::TranscriptionDelay),
    ] {
        let mut put_out: Vec<VisitId> = Vec::new();
        for event in events {
            match &event.mark {
                Mark::Output {
                    stage: of, visit, ..
                } if *of == stage => put_out.push(*visit),
                _ => {}
            }
        }
        put_out.sort_unstable();
        put_out.dedup();
        let summary = measured
            .metrics
            .get(&metric)
            .and_then(|waits| waits.answered().summary());
        let latencies = summary.map_or(0, |summary| summary.count);
        if latencies > put_out.len() as u64 {
            return Err(format!("{metric} of work that was given up"));
        }
    }
    Ok(())
}
