//! Who spoke when in the last minute: what an agent knows of the call when a caller talks over it.

use super::laid::Spoken;
use crate::event::Tick;
use crate::interrupt::heard::Context;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Talk is counted over this long.
const MINUTE: Duration = Duration::from_secs(60);
/// Sounds of the caller are counted over this long.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);
/// A caller who has not spoken for longer, or never, has a gap of this.
const GAP_MAX_S: f64 = 120.0;

/// The last minute of a call.
#[derive(Default)]
pub(super) struct Lately {
    caller: VecDeque<Range<Tick>>,
    agent: VecDeque<Range<Tick>>,
}

impl Lately {
    /// The caller made a sound.
    pub(super) fn caller_spoke(&mut self, voice: Range<Tick>) {
        remember(&mut self.caller, voice);
    }

    pub(super) fn agent_spoke(&mut self, speech: Range<Tick>) {
        remember(&mut self.agent, speech);
    }

    /// How long before `onset` the agent was last heard, if that was within a minute.
    pub(super) fn since_agent(&self, onset: Tick) -> Option<Duration> {
        let gap = onset.since(self.agent.back()?.end);
        (gap <= MINUTE).then_some(gap)
    }

    /// What the agent, who has said what `spoken` holds, knows when the caller makes a sound at
    /// `onset`.
    pub(super) fn context(&self, onset: Tick, spoken: &Spoken) -> Context {
        let last = self.caller.back().map(|voice| voice.end);
        let gap = last.map_or(GAP_MAX_S, |end| onset.since(end).as_secs_f64());
        let recent = self.caller.iter().rev();
        let sounds = recent.take_while(|voice| onset.since(voice.start) <= HALF_A_MINUTE);
        Context {
            agent_elapsed_s: spoken.elapsed.as_secs_f64(),
            agent_words: u32::try_from(spoken.words).unwrap_or(u32::MAX),
            agent_silence_s: spoken.silence.as_secs_f64(),
            sentence_elapsed_s: spoken.sentence_elapsed.as_secs_f64(),
            sentence_done: spoken.sentence_is_done,
            sentence_is_question: spoken.sentence_is_question,
            previous_was_question: spoken.previous_was_question,
            caller_gap_s: gap.min(GAP_MAX_S),
            caller_talk60_s: talk(&self.caller, onset).as_secs_f64(),
            agent_talk60_s: (talk(&self.agent, onset) + spoken.elapsed.min(MINUTE)).as_secs_f64(),
            caller_sounds30: u32::try_from(sounds.count()).unwrap_or(u32::MAX),
            // The agent speaks only in reply.
            caller_had_floor: true,
            agent_tail: spoken.tail.clone(),
        }
    }
}

fn remember(all: &mut VecDeque<Range<Tick>>, new: Range<Tick>) {
    while all
        .front()
        .is_some_and(|old| new.end.since(old.end) > MINUTE)
    {
        all.pop_front();
    }
    all.push_back(new);
}

/// How much of the minute before `now` somebody talked.
fn talk(all: &VecDeque<Range<Tick>>, now: Tick) -> Duration {
    let since = now.before(MINUTE);
    all.iter()
        .map(|speech| speech.end.min(now).since(speech.start.max(since)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_counts() {
        let s = |s: u64| Tick::from_ms(1_000 * s);
        let mut lately = Lately::default();
        assert_eq!(lately.context(s(5), &Spoken::default()).caller_gap_s, 120.0);
        lately.caller_spoke(s(1)..s(5));
        lately.agent_spoke(s(6)..s(16));
        lately.caller_spoke(s(50)..s(51));
        assert_eq!(lately.since_agent(s(63)), Some(Duration::from_secs(47)));
        assert_eq!(lately.since_agent(s(77)), None);
        let context = lately.context(s(63), &Spoken::default());
        // Two of the first four seconds lie in the minute before.
        assert_eq!(
            (context.caller_talk60_s, context.agent_talk60_s),
            (3.0, 10.0)
        );
        assert_eq!((context.caller_gap_s, context.caller_sounds30), (12.0, 1));
    }
}
