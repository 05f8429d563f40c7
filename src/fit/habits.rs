//! What the callers of a conversation do: how long they speak, where they pause, how late the voice detector lets go of
//! them, and how long they wait for an answer.

use super::maximum::Time;
use crate::event::{Event, Expect, Mark, Tick, TurnId};
use crate::measure::ms;
use crate::scenario::Scenario;

/// The voice detector lets go within this time, or it heard something else.
const LAG_MS_MAX: f64 = 1_000.0;

/// A pause is noticed within this time, or the sound came late.
const NOTICE_MS_MAX: f64 = 500.0;

/// Less is a click, or a time that nobody measured.
const SPEECH_MS_MIN: f64 = 50.0;

/// Who speaks again later than this after a question has something new to say, and had at least so much patience.
const AGAIN_MS_MAX: f64 = 30_000.0;

/// What callers do, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Speech in a question, pauses left out.
    pub speech: Vec<f64>,
    pub pauses: Vec<f64>,
    /// How late the voice detector let go.
    pub lag: Vec<f64>,
    /// Milliseconds from the last voice to when the detector noticed a pause.
    pub notice: Vec<f64>,
    /// From the end of an answer to the next question.
    pub reaction: Vec<f64>,
    /// From the end of a question to asking again; given up where the answer, or the end of the record, came before.
    pub patience: Vec<Time>,
}

/// Speech of one question, as the voice detector heard it.
#[derive(Debug, Default)]
struct Spoken {
    stretches: Vec<(Tick, Tick)>,
    since: Option<Tick>,
    ended: Option<Tick>,
    is_doubtful: bool,
}

impl Habits {
    /// The callers of one conversation.
    pub(super) fn of(events: &[Event], scenario: &Scenario) -> Habits {
        let mut habits = Habits::default();
        let asks = |row: u32, made_up: Option<Expect>| {
            let turn = scenario.turns().get(row as usize);
            made_up
                .or(turn.map(|turn| turn.expect))
                .unwrap_or(Expect::Respond)
                == Expect::Respond
        };
        // A replay speaks when its script says so: that tells nothing of people.
        let is_scripted = !scenario.turns().is_empty();
        let mut spoken: Option<Spoken> = None;
        let mut turn = TurnId(0);
        let mut has_rows = false;
        let (mut agent_ended, mut waiting): (Option<Tick>, Option<Tick>) = (None, None);
        for event in events {
            match &event.mark {
                Mark::RowStarted { row, expect, .. } => {
                    has_rows = true;
                    habits.take(spoken.take());
                    spoken = asks(*row, *expect).then(Spoken::default);
                }
                Mark::VoiceStarted { onset } => {
                    if !has_rows && event.turn != turn {
                        habits.take(spoken.replace(Spoken::default()));
                    }
                    turn = event.turn;
                    if let Some(spoken) = &mut spoken {
                        spoken.since = Some(*onset);
                    }
                    if let Some(ended) = agent_ended
                        .take()
                        .filter(|ended| onset >= ended && !is_scripted)
                    {
                        habits.reaction.push(ms(onset.0 - ended.0));
                    }
                    if let Some(asked) = waiting.take().filter(|asked| onset > asked) {
                        habits.waited(asked, *onset, false);
                    }
                }
                // A sound that asks for nothing is no question.
                Mark::Judged { asks } if *asks != Expect::Respond => {
                    (spoken, waiting) = (None, None);
                }
                Mark::VoicePaused { last_voiced } => {
                    if let Some(spoken) = &mut spoken
                        && let Some(since) = spoken.since.take()
                    {
                        spoken.stretches.push((since, *last_voiced));
                        let notice = event.tick.0.checked_sub(last_voiced.0).map(ms);
                        habits
                            .notice
                            .extend(notice.filter(|ms| *ms <= NOTICE_MS_MAX));
                    }
                }
                Mark::VoiceResumed { at } => {
                    if let Some(spoken) = &mut spoken {
                        spoken.since = Some(*at);
                    }
                }
                Mark::CallerSpeechEnded { at, doubt } => {
                    if let Some(spoken) = &mut spoken {
                        (spoken.ended, spoken.is_doubtful) = (Some(*at), doubt.is_some());
                    }
                }
                Mark::EndpointCommitted { last_voiced, .. } if !is_scripted => {
                    waiting = Some(*last_voiced);
                }
                Mark::NoReply => waiting = None,
                Mark::Audible { at } => {
                    if let Some(asked) = waiting.take().filter(|asked| at > asked) {
                        habits.waited(asked, *at, true);
                    }
                }
                Mark::ReplyEnded { at, .. } => agent_ended = Some(*at),
                _ => {}
            }
        }
        habits.take(spoken);
        // Who still waited when the record ended had not asked again by then.
        if let (Some(asked), Some(last)) = (waiting, events.last())
            && last.tick > asked
        {
            habits.waited(asked, last.tick, true);
        }
        habits
    }

    fn waited(&mut self, asked: Tick, until: Tick, is_given_up: bool) {
        let ms = ms(until.0 - asked.0);
        self.patience.push(Time {
            ms: ms.min(AGAIN_MS_MAX),
            is_given_up: is_given_up || ms > AGAIN_MS_MAX,
        });
    }

    /// Takes a question in. The voice detector holds on for as long behind each stretch as behind the last.
    fn take(&mut self, spoken: Option<Spoken>) {
        let Some(spoken) = spoken else {
            return;
        };
        if spoken.stretches.is_empty() {
            // Somebody else's call tells only where speech begins and ends, and none of the pauses in it.
            let whole = spoken.since.zip(spoken.ended);
            let whole = whole.map(|(since, ended)| ms(ended.0.saturating_sub(since.0)));
            self.speech.extend(whole.filter(|ms| *ms >= SPEECH_MS_MIN));
            return;
        }
        let last = spoken.stretches.last().map(|(_, end)| *end);
        let lag = last
            .zip(spoken.ended)
            .map(|(heard, truly)| ms(heard.0) - ms(truly.0));
        let lag = lag.filter(|lag| lag.abs() <= LAG_MS_MAX && !spoken.is_doubtful);
        self.lag.extend(lag.map(|lag| lag.max(0.0)));
        let lag = lag.unwrap_or(0.0).max(0.0);
        let speech = spoken
            .stretches
            .iter()
            .map(|(from, to)| (ms(to.0) - ms(from.0) - lag).max(1.0));
        self.speech.push(speech.sum());
        for pair in spoken.stretches.windows(2) {
            if let [(_, end), (start, _)] = pair {
                self.pauses.push(ms(start.0) - ms(end.0) + lag);
            }
        }
    }

    pub(super) fn add(&mut self, other: Habits) {
        self.speech.extend(other.speech);
        self.pauses.extend(other.pauses);
        self.lag.extend(other.lag);
        self.notice.extend(other.notice);
        self.reaction.extend(other.reaction);
        self.patience.extend(other.patience);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SessionId;
    use crate::scenario::ScenarioFile;

    fn habits(marks: Vec<(u64, u32, Mark)>) -> Habits {
        let event = |(at_ms, turn, mark)| Event {
            tick: Tick::from_ms(at_ms),
            session: SessionId(0),
            turn: TurnId(turn),
            mark,
        };
        let events: Vec<Event> = marks.into_iter().map(event).collect();
        let scenario = ScenarioFile::default().parse().expect("a scenario");
        Habits::of(&events, &scenario)
    }

    #[test]
    fn speech_and_pauses_are_what_the_caller_did_and_not_what_the_detector_held_on_to() {
        let at = |ms| Tick::from_ms(ms);
        let found = habits(vec![
            (
                0,
                0,
                Mark::RowStarted {
                    row: 0,
                    at: at(0),
                    expect: None,
                },
            ),
            (1_048, 1, Mark::VoiceStarted { onset: at(1_000) }),
            (
                2_112,
                1,
                Mark::VoicePaused {
                    last_voiced: at(2_080),
                },
            ),
            (2_500, 1, Mark::VoiceResumed { at: at(2_500) }),
            (
                3_500,
                0,
                Mark::CallerSpeechEnded {
                    at: at(3_500),
                    doubt: None,
                },
            ),
            (
                3_612,
                1,
                Mark::VoicePaused {
                    last_voiced: at(3_580),
                },
            ),
        ]);
        assert_eq!(found.lag, [80.0]);
        assert_eq!(found.speech, [2_000.0]);
        assert_eq!(found.pauses, [500.0]);
    }

    #[test]
    fn who_did_not_ask_again_had_at_least_so_much_patience() {
        let at = |ms| Tick::from_ms(ms);
        let commit = |at_ms| Mark::EndpointCommitted {
            last_voiced: at(at_ms),
            cause: crate::event::EndpointCause::Silence,
            decision: None,
        };
        let found = habits(vec![
            (1_300, 1, commit(1_000)),
            (2_000, 1, Mark::Audible { at: at(2_000) }),
            (5_300, 2, commit(5_000)),
            (7_548, 3, Mark::VoiceStarted { onset: at(7_500) }),
            (10_000, 3, commit(9_700)),
            (50_000, 3, Mark::Audible { at: at(50_000) }),
            (60_000, 4, commit(59_700)),
            (61_700, 4, Mark::AskedSoFar),
        ]);
        let waited: Vec<(f64, bool)> = found
            .patience
            .iter()
            .map(|t| (t.ms, t.is_given_up))
            .collect();
        // The last one waits when the record ends, and the one before for longer than anybody is known to.
        assert_eq!(
            waited,
            [
                (1_000.0, true),
                (2_500.0, false),
                (30_000.0, true),
                (2_000.0, true)
            ]
        );
    }
}
