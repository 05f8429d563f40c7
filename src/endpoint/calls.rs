//! The pauses of a recorded conversation, with what became of them: what policies are compared on for one's own
//! callers.
//!
//! A caller who goes on before the agent is heard has paused. A silence that the agent's voice or 2.5 s end is the
//! end of the turn; if the caller speaks over that answer, nobody can say what it was.

use super::pause::{PAUSE_MAX, PAUSE_MIN, Pause, Turn};
use super::pauses::{Labelled, Sounded, Truth};
use super::{Before, Observation};
use crate::event::{Event, Mark, OutputNote, StageName, Tick, TurnId};
use std::time::Duration;

/// Agents that have been silent for longer do not count as having spoken before.
const MINUTE: Duration = Duration::from_secs(60);

/// The pauses in the events of one conversation.
pub fn pauses(events: &[Event], conversation: &str) -> Vec<Labelled> {
    let mut listening = Listening {
        conversation,
        ..Listening::default()
    };
    events.iter().for_each(|event| listening.hear(event));
    listening.settle(Some(true), PAUSE_MAX);
    listening.found
}

#[derive(Default)]
struct Listening<'a> {
    conversation: &'a str,
    turn: Turn,
    /// The utterance that is being heard.
    utterance: Option<TurnId>,
    /// Turns so far.
    turns: usize,
    silent: Option<Silent>,
    /// When the agent was last heard to begin and to end, and whether that was a question.
    agent_began: Option<Tick>,
    agent_ended: Option<Tick>,
    agent_asked: bool,
    found: Vec<Labelled>,
}

/// A silence of which nobody knows yet what it is.
struct Silent {
    since: Tick,
    known: Option<Pause>,
    /// The silence after which words were known first.
    words_after: Option<Duration>,
    sound: Option<Sounded>,
}

impl Listening<'_> {
    fn hear(&mut self, event: &Event) {
        match &event.mark {
            Mark::VoiceStarted { onset } => self.started(event.turn, *onset),
            Mark::VoicePaused { last_voiced } if self.is_of_utterance(event) => {
                let last_voiced = *last_voiced;
                self.turn.observe(&Observation::Paused { last_voiced });
                self.silent = Some(Silent {
                    since: last_voiced,
                    known: self.turn.pause(),
                    words_after: None,
                    sound: None,
                });
            }
            Mark::VoiceResumed { at } if self.is_of_utterance(event) => {
                if let Some(silent) = &self.silent {
                    let length = at.since(silent.since);
                    self.settle(Some(false), length);
                }
                self.turn.observe(&Observation::Resumed { at: *at });
            }
            Mark::Output {
                stage: StageName::SpeechToText,
                note: OutputNote::Partial { text, .. } | OutputNote::Final { text, .. },
                ..
            } if self.is_of_utterance(event) => {
                let at = event.tick;
                self.turn.observe(&Observation::Words { text, at });
                if let Some(silent) = &mut self.silent {
                    silent.known = self.turn.pause();
                    silent.words_after.get_or_insert(at.since(silent.since));
                }
            }
            Mark::Output {
                stage: StageName::EndOfTurn,
                note: OutputNote::Finished { probability },
                ..
            } if self.is_of_utterance(event) => {
                if let Some(silent) = &mut self.silent {
                    let (probability, after) = (*probability, event.tick.since(silent.since));
                    silent.sound.get_or_insert(Sounded { probability, after });
                }
            }
            Mark::Audible { at } => self.agent_began = Some(*at),
            Mark::ReplyEnded { at, heard, .. } if !heard.is_empty() => {
                self.agent_ended = Some(*at);
                self.agent_asked = heard.trim_end().ends_with('?');
            }
            _ => {}
        }
    }

    fn is_of_utterance(&self, event: &Event) -> bool {
        self.utterance == Some(event.turn)
    }

    fn started(&mut self, utterance: TurnId, onset: Tick) {
        if let Some(silent) = &self.silent {
            let length = onset.since(silent.since);
            let was_answered = self.agent_began.is_some_and(|at| at >= silent.since);
            let is_over = self.agent_ended.is_some_and(|at| at >= silent.since);
            match (was_answered, is_over) {
                (false, _) if length <= PAUSE_MAX => self.settle(Some(false), length),
                (true, false) => self.settle(None, length),
                _ => self.settle(Some(true), length),
            }
        }
        let is_speaking = self.agent_began > self.agent_ended;
        let gap = match is_speaking {
            true => Some(Duration::ZERO),
            false => self.agent_ended.map(|at| onset.since(at)),
        };
        let before = Before {
            agent_asked: self.agent_asked,
            gap: gap.filter(|gap| *gap <= MINUTE),
        };
        self.turn.observe(&Observation::Started { onset, before });
        self.utterance = Some(utterance);
    }

    /// Keeps the silence that lasts, if there is one, as an end or a pause of this length; `None` for nobody knows.
    fn settle(&mut self, is_end: Option<bool>, length: Duration) {
        let Some(silent) = self.silent.take() else {
            return;
        };
        let (Some(pause), true) = (silent.known, length >= PAUSE_MIN) else {
            return;
        };
        let turn = self.turns;
        if is_end != Some(false) {
            self.turns += 1;
        }
        self.found.push(Labelled {
            id: format!("{}-{}", self.conversation, silent.since.0 / 1_000_000),
            pause,
            words_after: silent.words_after.unwrap_or_default(),
            sound: silent.sound,
            truth: Some(Truth {
                is_end,
                pause_ms: length.as_secs_f64() * 1e3,
                corpus: "your calls".to_owned(),
                conversation: self.conversation.to_owned(),
                speaker: self.conversation.to_owned(),
                turn: format!("{}-{turn}", self.conversation),
                split: String::new(),
                act_is_done: false,
                is_two_party: true,
            }),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ReplyEnd, SessionId, VisitId};
    use std::sync::Arc;

    const MS: fn(u64) -> Tick = Tick::from_ms;

    fn event(at: u64, turn: u32, mark: Mark) -> Event {
        Event {
            tick: MS(at),
            session: SessionId(0),
            turn: TurnId(turn),
            mark,
        }
    }

    fn started(at: u64, turn: u32) -> Event {
        event(at, turn, Mark::VoiceStarted { onset: MS(at) })
    }

    fn paused(at: u64, turn: u32) -> Event {
        event(
            at,
            turn,
            Mark::VoicePaused {
                last_voiced: MS(at),
            },
        )
    }

    fn understood(at: u64, turn: u32, text: &str) -> Event {
        let mark = Mark::Output {
            stage: StageName::SpeechToText,
            visit: VisitId(1),
            note: OutputNote::Partial {
                text: Arc::from(text),
                sureness: None,
            },
        };
        event(at, turn, mark)
    }

    fn answered(from: u64, to: u64) -> [Event; 2] {
        let ended = Mark::ReplyEnded {
            end: ReplyEnd::Completed,
            at: MS(to),
            heard: Arc::from("Where to?"),
            heard_ns: 1,
        };
        [
            event(from, 1, Mark::Audible { at: MS(from) }),
            event(to, 1, ended),
        ]
    }

    fn found(events: &[Event]) -> Vec<(u64, Option<bool>)> {
        let told = |one: &Labelled| {
            let truth = one.truth.as_ref().expect("an outcome");
            (truth.pause_ms.round() as u64, truth.is_end)
        };
        pauses(events, "c").iter().map(told).collect()
    }

    #[test]
    fn who_goes_on_has_paused_and_who_is_answered_has_finished() {
        let mut events = vec![
            started(0, 1),
            paused(1_000, 1),
            understood(1_200, 1, "I would like"),
            event(1_600, 1, Mark::VoiceResumed { at: MS(1_600) }),
            paused(2_000, 1),
        ];
        events.extend(answered(2_700, 4_000));
        events.extend([started(4_500, 2), paused(5_000, 2)]);
        assert_eq!(
            found(&events),
            [(600, Some(false)), (2_500, Some(true)), (2_500, Some(true))]
        );
        let all = pauses(&events, "c");
        let words = all[0].pause.words.as_ref().expect("words");
        assert_eq!(words.join(" "), "i would like");
        let last = &all[2].pause.before;
        assert_eq!(
            (last.agent_asked, last.gap),
            (true, Some(Duration::from_millis(500)))
        );
    }

    #[test]
    fn what_was_known_of_a_pause_has_its_time() {
        let judged = Mark::Output {
            stage: StageName::EndOfTurn,
            visit: VisitId(2),
            note: OutputNote::Finished { probability: 0.75 },
        };
        let events = [
            started(0, 1),
            paused(1_000, 1),
            event(1_160, 1, judged),
            understood(1_290, 1, "I would"),
            understood(1_400, 1, "I would like"),
            event(1_600, 1, Mark::VoiceResumed { at: MS(1_600) }),
            paused(2_000, 1),
        ];
        let all = pauses(&events, "c");
        let sound = Sounded {
            probability: 0.75,
            after: Duration::from_millis(160),
        };
        assert_eq!(all[0].sound, Some(sound));
        assert_eq!(all[0].words_after, Duration::from_millis(290));
        assert_eq!(all[1].sound, None);
    }

    #[test]
    fn who_was_cut_off_and_goes_on_has_paused() {
        let events = [
            started(0, 1),
            paused(1_000, 1),
            started(1_700, 2),
            paused(2_000, 2),
        ];
        assert_eq!(found(&events), [(700, Some(false)), (2_500, Some(true))]);
        let all = pauses(&events, "c");
        let turn = |at: usize| all[at].truth.as_ref().map(|truth| truth.turn.clone());
        assert_eq!(turn(0), turn(1), "one turn");
    }

    #[test]
    fn who_speaks_over_the_answer_may_have_finished_or_not() {
        let mut events = vec![started(0, 1), paused(1_000, 1)];
        events.push(event(1_500, 1, Mark::Audible { at: MS(1_500) }));
        events.extend([started(2_000, 2), paused(2_500, 2)]);
        assert_eq!(found(&events), [(1_000, None), (2_500, Some(true))]);
    }
}
