//! The news of a conversation a line at a time, for where there is no terminal to draw on.

use super::devices;
use super::interruption::{self, Interruption};
use super::open_turns::{Answered, OpenTurns};
use super::plain::plain;
use crate::event::{Event, Mark, OutputNote, ReplyEnd, Tick, Verdict, VisitEnd};
use crate::measure::ms;
use std::collections::VecDeque;

/// Tells what is worth telling.
#[derive(Debug, Default)]
pub(super) struct Lines {
    turns: OpenTurns,
    interruptions: VecDeque<Interruption>,
}

impl Lines {
    /// Takes the next event in; returns a line about it, without a line end, if it is worth one.
    pub(super) fn event(&mut self, event: &Event) -> Option<String> {
        let answered = self.turns.event(event);
        interruption::event(&mut self.interruptions, event);
        let news = match &event.mark {
            Mark::Output {
                note: OutputNote::Final { text, .. },
                ..
            } => format!("caller: {}", or(plain(text), "(no words understood)")),
            Mark::Audible { .. } => latency(&answered?)?,
            Mark::ReplyEnded { end, heard, .. } => agent(*end, &plain(heard))?,
            Mark::ReplyResumed { .. } => "the agent goes on: it had stopped for nothing".into(),
            Mark::Decision(decided) if decided.verdict == Verdict::Stop => {
                let stop = self.interruptions.back();
                let stop = stop.filter(|stop| stop.onset == onset(event))?;
                format!("interrupted, {}", decision(stop))
            }
            Mark::OverlapEnded { .. } => {
                let sound = self.interruptions.back();
                let ignored = |sound: &&Interruption| {
                    sound.turn == event.turn && sound.verdict != Verdict::Stop
                };
                format!("spoken over, {}", decision(sound.filter(ignored)?))
            }
            Mark::Exit {
                stage,
                end: VisitEnd::Failed(why),
                ..
            } => format!("{} failed: {}", stage.name(), plain(&why.error)),
            // A missed row belongs to a turn of the scenario, not of the conversation.
            Mark::RowMissed { row, .. } => {
                let row = u64::from(*row) + 1;
                return Some(stamped(
                    event.tick,
                    &format!("scenario turn {row}: its anchor did not come"),
                ));
            }
            mark => return devices::told(mark).map(|news| stamped(event.tick, &news)),
        };
        Some(stamped(
            event.tick,
            &format!("turn {}: {news}", event.turn.0),
        ))
    }
}

fn stamped(at: Tick, news: &str) -> String {
    format!("{:7.2} s  {news}", at.as_ms() / 1e3)
}

/// The onset of the sound that a decision is about.
fn onset(event: &Event) -> Tick {
    match &event.mark {
        Mark::Decision(decided) => Tick(event.tick.0.saturating_sub(decided.since_onset_ns)),
        _ => event.tick,
    }
}

fn latency(answered: &Answered) -> Option<String> {
    let e2e = ms(answered.row.e2e_ns?);
    let (hop, longest) = answered.row.hops.iter().max_by_key(|(_, span)| *span)?;
    let longest = ms(longest);
    Some(format!(
        "answered after {e2e:.1} ms, {longest:.1} of it {hop}"
    ))
}

/// What was heard of a reply; `None` if it was given up before anything was.
fn agent(end: ReplyEnd, heard: &str) -> Option<String> {
    let how = match end {
        ReplyEnd::Superseded => return None,
        ReplyEnd::Completed => "",
        ReplyEnd::Stopped => "[interrupted]",
        ReplyEnd::Silent => "(nothing to answer)",
        ReplyEnd::Failed => "[failed]",
        ReplyEnd::Abandoned => "[the conversation ended]",
    };
    let text = format!("{heard} {how}");
    Some(format!("agent: {}", text.trim()))
}

fn decision(decided: &Interruption) -> String {
    let mut text = format!("{} {}", decided.verdict(), decided.when());
    if !decided.reasons.is_empty() {
        text.push_str(": ");
        text.push_str(&decided.reasons.join(" · "));
    }
    text
}

fn or(text: String, otherwise: &str) -> String {
    match text.is_empty() {
        true => otherwise.to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_conversation_is_told_in_lines() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        let events = crate::record::store::read_events(&folder).expect("a recorded run");
        let mut lines = Lines::default();
        let told: Vec<String> = events.iter().filter_map(|e| lines.event(e)).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
