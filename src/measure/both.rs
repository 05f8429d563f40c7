//! Both speakers on one time axis: when they speak at once, and when nobody does.

use crate::event::{Event, Mark, Tick};
use std::ops::Range;
use std::time::Duration;

/// Silence longer than this is dead air: past some 1.2 s callers begin again.
pub(super) const DEAD_AIR: Duration = Duration::from_millis(1_200);

/// How long both spoke at once, or nobody did: nanoseconds of each occasion.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Both {
    /// Both spoke, whoever began.
    pub overlap: Vec<u64>,
    /// The agent began while the caller was speaking.
    pub talk_over: Vec<u64>,
    /// Nobody spoke, between the first speech and the last.
    pub dead_air: Vec<u64>,
}

pub(super) fn both(events: &[Event]) -> Both {
    let (caller, agent) = speech(events);
    let mut both = Both::default();
    for agent in &agent {
        let before = caller.partition_point(|caller| caller.end <= agent.start);
        for caller in caller[before..].iter().take_while(|c| c.start < agent.end) {
            let begun = caller.start.max(agent.start);
            let span = crate::event::nanos(caller.end.min(agent.end).since(begun));
            both.overlap.push(span);
            if agent.start > caller.start {
                both.talk_over.push(span);
            }
        }
    }
    let mut all: Vec<Range<Tick>> = caller.into_iter().chain(agent).collect();
    all.sort_by_key(|speech| speech.start);
    let mut silent_since: Option<Tick> = None;
    for speech in all {
        let silence = silent_since.map_or(Duration::ZERO, |since| speech.start.since(since));
        if silence > DEAD_AIR {
            both.dead_air.push(crate::event::nanos(silence));
        }
        silent_since = silent_since.max(Some(speech.end));
    }
    both
}

/// When the caller and the agent speak, in order. Speech that is open at the end of the record ends there.
pub fn speech(events: &[Event]) -> (Vec<Range<Tick>>, Vec<Range<Tick>>) {
    let (mut caller, mut agent) = (Vec::new(), Vec::new());
    let (mut caller_since, mut agent_since) = (None, None);
    let close = |all: &mut Vec<Range<Tick>>, since: &mut Option<Tick>, end: Tick| {
        all.extend(
            since
                .take()
                .map(|start| start..end)
                .filter(|r| !r.is_empty()),
        );
    };
    for event in events {
        match &event.mark {
            Mark::CallerSpeechStarted { at } => caller_since = Some(*at),
            Mark::CallerSpeechEnded { at, .. } => close(&mut caller, &mut caller_since, *at),
            Mark::Audible { at } | Mark::ReplyResumed { at } => agent_since = Some(*at),
            Mark::Filler { at, audio_ns } => {
                agent.push(*at..*at + Duration::from_nanos(*audio_ns));
            }
            Mark::PlaybackGap { at, gap_ns } if agent_since.is_some() => {
                close(&mut agent, &mut agent_since, *at);
                agent_since = Some(*at + Duration::from_nanos(*gap_ns));
            }
            Mark::ReplyEnded { at, .. } => close(&mut agent, &mut agent_since, *at),
            _ => {}
        }
    }
    let end = events.last().map_or(Tick::ZERO, |event| event.tick);
    close(&mut caller, &mut caller_since, end);
    close(&mut agent, &mut agent_since, end);
    // A record of others may be in any order.
    for speech in [&mut caller, &mut agent] {
        speech.sort_by_key(|speech| (speech.end, speech.start));
    }
    (caller, agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ReplyEnd, SessionId, TurnId};

    /// Speech of the caller and of the agent, in milliseconds.
    fn of(caller: &[(u64, u64)], agent: &[(u64, u64)]) -> Both {
        let mut events: Vec<Event> = Vec::new();
        let mut mark = |ms, mark| {
            events.push(Event {
                tick: Tick::from_ms(ms),
                session: SessionId(0),
                turn: TurnId(1),
                mark,
            });
        };
        let ms = Tick::from_ms;
        for (start, end) in caller {
            mark(*start, Mark::CallerSpeechStarted { at: ms(*start) });
            mark(
                *end,
                Mark::CallerSpeechEnded {
                    at: ms(*end),
                    doubt: None,
                },
            );
        }
        for (start, end) in agent {
            mark(*start, Mark::Audible { at: ms(*start) });
            let ended = Mark::ReplyEnded {
                end: ReplyEnd::Completed,
                at: ms(*end),
                heard: "".into(),
                heard_ns: 0,
            };
            mark(*end, ended);
        }
        events.sort_by_key(|event| event.tick);
        both(&events)
    }

    const MS: u64 = 1_000_000;

    #[test]
    fn who_began_tells_talk_over_from_overlap() {
        let interrupts = of(&[(2_000, 3_000)], &[(1_000, 2_400)]);
        assert_eq!(
            (interrupts.overlap, interrupts.talk_over),
            (vec![400 * MS], vec![])
        );
        let cuts_off = of(&[(0, 1_000)], &[(900, 2_000)]);
        assert_eq!(
            (cuts_off.overlap, cuts_off.talk_over),
            (vec![100 * MS], vec![100 * MS])
        );
    }

    #[test]
    fn only_long_silence_between_speech_is_dead_air() {
        let both = of(&[(3_000, 4_000), (9_000, 9_500)], &[(4_900, 6_000)]);
        assert_eq!(both.dead_air, [3_000 * MS]);
    }
}
