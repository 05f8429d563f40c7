//! What was said lately, by whom, and how it ended.

use super::open_turns::push;
use super::plain::plain;
use crate::event::{Event, Mark, OutputNote, ReplyEnd, StageName, Tick, TurnId, VisitEnd};
use std::collections::VecDeque;
use std::time::Duration;

/// Utterances and replies that are kept: more than the tallest terminal shows.
const SAID_MAX: usize = 40;

/// Replies that may be in the making at once.
const REPLIES_MAX: usize = 4;

/// Clauses of a reply that are kept for showing.
const CLAUSES_MAX: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Caller,
    Agent,
}

/// How an utterance or a reply stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Going on. The text of an utterance is what the recogniser makes of it so far.
    Going,
    Done,
    /// The recogniser found no words.
    NoWords,
    /// The recogniser failed.
    NotRecognised,
    /// The caller interrupted the reply.
    Stopped,
    /// The answer had no words.
    Silent,
    Failed,
    /// The conversation ended first.
    Abandoned,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub turn: TurnId,
    pub who: Who,
    /// One line, fit for a terminal.
    pub text: String,
    pub state: State,
    /// The caller said it while the agent spoke.
    pub is_over_agent: bool,
}

#[derive(Debug, Default)]
pub(super) struct Conversation {
    said: VecDeque<Said>,
    replies: VecDeque<Reply>,
}

/// A reply in the making, to show as much of it as has begun to sound.
#[derive(Debug, Default)]
struct Reply {
    turn: TurnId,
    clauses: Vec<String>,
    /// Characters of each piece of sound that was made and not yet queued.
    made: VecDeque<u32>,
    /// Characters that were queued.
    queued: usize,
    /// Ends of the pieces that were queued.
    ends: Vec<Tick>,
    /// Pieces that are queued once more, because the reply was held while they sounded.
    again: usize,
}

impl Conversation {
    /// Oldest first.
    pub(super) fn said(&self) -> impl DoubleEndedIterator<Item = &Said> {
        self.said.iter()
    }

    pub(super) fn event(&mut self, event: &Event) {
        let turn = event.turn;
        match &event.mark {
            Mark::VoiceStarted { .. } => self.entry(turn, Who::Caller).state = State::Going,
            Mark::OverlapStarted { .. } => self.entry(turn, Who::Caller).is_over_agent = true,
            Mark::Output { note, .. } => self.output(turn, note),
            Mark::Exit {
                stage: StageName::SpeechToText,
                end: VisitEnd::Failed(_),
                ..
            } => self.entry(turn, Who::Caller).state = State::NotRecognised,
            Mark::Speculated { .. } | Mark::SpeculationDropped => self.forget(turn),
            Mark::Queued {
                start, audio_ns, ..
            } => {
                let end = *start + Duration::from_nanos(*audio_ns);
                self.reply(turn).queue(end);
                self.show(turn);
            }
            Mark::Audible { .. } => {
                self.entry(turn, Who::Agent).state = State::Going;
                self.show(turn);
            }
            Mark::ReplyEnded { end, at, heard, .. } => self.over(turn, *end, *at, heard),
            Mark::ReplyResumed { .. } => {
                self.entry(turn, Who::Agent).state = State::Going;
                self.show(turn);
            }
            _ => {}
        }
    }

    fn output(&mut self, turn: TurnId, note: &OutputNote) {
        match note {
            OutputNote::Partial { text, .. } => self.entry(turn, Who::Caller).text = plain(text),
            OutputNote::Final { text, .. } => {
                let entry = self.entry(turn, Who::Caller);
                entry.text = plain(text);
                entry.state = match entry.text.is_empty() {
                    true => State::NoWords,
                    false => State::Done,
                };
            }
            OutputNote::Clause { text } => {
                let clauses = &mut self.reply(turn).clauses;
                if clauses.len() < CLAUSES_MAX {
                    clauses.push(plain(text));
                }
            }
            OutputNote::Audio { characters, .. } => {
                push(&mut self.reply(turn).made, *characters, CLAUSES_MAX);
            }
            OutputNote::Piece { .. } | OutputNote::Finished { .. } => {}
        }
    }

    /// Shows as much of a reply as has begun to sound.
    fn show(&mut self, turn: TurnId) {
        let text = self.reply(turn).text();
        let is_heard = |said: &&mut Said| said.turn == turn && said.who == Who::Agent;
        if let Some(said) = self.said.iter_mut().rev().find(is_heard) {
            said.text = text;
        }
    }

    fn over(&mut self, turn: TurnId, end: ReplyEnd, at: Tick, heard: &str) {
        let state = match end {
            // Nothing of the reply was heard.
            ReplyEnd::Superseded => return self.forget(turn),
            ReplyEnd::Completed => State::Done,
            ReplyEnd::Stopped => State::Stopped,
            ReplyEnd::Silent => State::Silent,
            ReplyEnd::Failed => State::Failed,
            ReplyEnd::Abandoned => State::Abandoned,
        };
        let entry = self.entry(turn, Who::Agent);
        (entry.text, entry.state) = (plain(heard), state);
        if end == ReplyEnd::Stopped {
            self.reply(turn).hold(at);
        } else {
            self.forget(turn);
        }
    }

    /// The entry for what `who` says in a turn; a new one if there is none.
    fn entry(&mut self, turn: TurnId, who: Who) -> &mut Said {
        let is_it = |said: &Said| said.turn == turn && said.who == who;
        let index = match self.said.iter().rposition(is_it) {
            Some(index) => index,
            None => {
                let said = Said {
                    turn,
                    who,
                    text: String::new(),
                    state: State::Going,
                    is_over_agent: false,
                };
                push(&mut self.said, said, SAID_MAX);
                self.said.len() - 1
            }
        };
        &mut self.said[index]
    }

    fn reply(&mut self, turn: TurnId) -> &mut Reply {
        let index = match self.replies.iter().rposition(|reply| reply.turn == turn) {
            Some(index) => index,
            None => {
                let reply = Reply {
                    turn,
                    ..Reply::default()
                };
                push(&mut self.replies, reply, REPLIES_MAX);
                self.replies.len() - 1
            }
        };
        &mut self.replies[index]
    }

    fn forget(&mut self, turn: TurnId) {
        self.replies.retain(|reply| reply.turn != turn);
    }
}

impl Reply {
    fn queue(&mut self, end: Tick) {
        if self.again > 0 {
            self.again -= 1;
        } else if let Some(characters) = self.made.pop_front() {
            self.queued = self.queued.saturating_add(characters as usize);
        }
        if self.ends.len() < CLAUSES_MAX {
            self.ends.push(end);
        }
    }

    fn hold(&mut self, at: Tick) {
        self.again = self.ends.iter().filter(|end| **end > at).count();
        self.ends.clear();
    }

    /// The clauses of which the sound is queued, the last one as far as it is.
    fn text(&self) -> String {
        let mut left = self.queued;
        let mut parts: Vec<String> = Vec::new();
        for clause in self.clauses.iter().filter(|clause| !clause.is_empty()) {
            if left == 0 {
                break;
            }
            parts.push(clause.chars().take(left).collect());
            left = left.saturating_sub(clause.chars().count());
        }
        plain(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EndpointCause, SessionId, VisitId};

    fn fold(marks: Vec<(u32, Mark)>) -> Conversation {
        let mut conversation = Conversation::default();
        for (turn, mark) in marks {
            conversation.event(&Event {
                tick: Tick(0),
                session: SessionId(0),
                turn: TurnId(turn),
                mark,
            });
        }
        conversation
    }

    fn output(stage: StageName, note: OutputNote) -> Mark {
        Mark::Output {
            stage,
            visit: VisitId(1),
            note,
        }
    }

    fn clause(text: &str) -> Mark {
        output(StageName::Clauses, OutputNote::Clause { text: text.into() })
    }

    fn audio(characters: u32) -> Mark {
        let audio_ns = 1_000_000_000;
        let note = OutputNote::Audio {
            audio_ns,
            characters,
        };
        output(StageName::TextToSpeech, note)
    }

    fn queued(second: u64) -> Mark {
        Mark::Queued {
            start: Tick::from_ms(second * 1_000),
            audio_ns: 1_000_000_000,
            silence_ns: 0,
            network_ns: 0,
        }
    }

    fn ended(end: ReplyEnd, ms: u64, heard: &str) -> Mark {
        Mark::ReplyEnded {
            end,
            at: Tick::from_ms(ms),
            heard: heard.into(),
            heard_ns: 0,
        }
    }

    fn last(conversation: &Conversation) -> (&str, State) {
        let said = conversation.said().last().expect("something was said");
        (&said.text, said.state)
    }

    #[test]
    fn words_are_shown_as_they_become_known() {
        let voice = Mark::VoiceStarted { onset: Tick(0) };
        let partial = |text: &str| {
            output(
                StageName::SpeechToText,
                OutputNote::Partial {
                    text: text.into(),
                    sureness: None,
                },
            )
        };
        let conversation = fold(vec![(1, voice.clone()), (1, partial("How\x1b fast"))]);
        assert_eq!(last(&conversation), ("How fast", State::Going));
        let nothing = OutputNote::Final {
            text: " ".into(),
            audio_ns: 1,
            sureness: None,
        };
        let conversation = fold(vec![
            (1, voice),
            (1, partial("uh")),
            (1, output(StageName::SpeechToText, nothing)),
        ]);
        assert_eq!(last(&conversation), ("", State::NoWords));
    }

    #[test]
    fn a_reply_is_shown_as_far_as_it_sounds() {
        let mut marks = vec![
            (1, clause("One two.")),
            (1, clause("Three four.")),
            (1, audio(8)),
            (1, queued(0)),
        ];
        assert_eq!(fold(marks.clone()).said().count(), 0);
        marks.push((1, Mark::Audible { at: Tick(0) }));
        assert_eq!(last(&fold(marks.clone())), ("One two.", State::Going));
        marks.extend([(1, audio(11)), (1, queued(1))]);
        assert_eq!(
            last(&fold(marks.clone())),
            ("One two. Three four.", State::Going)
        );
        marks.push((1, ended(ReplyEnd::Stopped, 1_500, "One two. Three")));
        assert_eq!(last(&fold(marks)), ("One two. Three", State::Stopped));
    }

    #[test]
    fn a_reply_that_goes_on_does_not_count_its_sound_twice() {
        let at = Tick::from_ms(500);
        let marks = vec![
            (1, clause("One.")),
            (1, clause("Two.")),
            (1, clause("Three.")),
            (1, audio(4)),
            (1, audio(4)),
            (1, audio(6)),
            (1, queued(0)),
            (1, Mark::Audible { at: Tick(0) }),
            (1, ended(ReplyEnd::Stopped, 500, "")),
            (1, Mark::ReplyResumed { at }),
            (1, queued(3)),
        ];
        assert_eq!(last(&fold(marks.clone())), ("One.", State::Going));
        let marks = [marks, vec![(1, queued(4))]].concat();
        assert_eq!(last(&fold(marks)), ("One. Two.", State::Going));
    }

    #[test]
    fn what_was_prepared_in_vain_is_never_shown() {
        let question = String::new();
        let marks = vec![
            (1, clause("Wrong.")),
            (1, audio(6)),
            (1, Mark::SpeculationDropped),
            (
                1,
                Mark::Speculated {
                    question: question.into(),
                },
            ),
            (1, clause("Right.")),
            (1, audio(6)),
            (1, queued(0)),
            (1, Mark::Audible { at: Tick(0) }),
        ];
        assert_eq!(last(&fold(marks)), ("Right.", State::Going));
        let dropped = vec![(2, ended(ReplyEnd::Superseded, 0, ""))];
        assert_eq!(fold(dropped).said().count(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let committed = Mark::EndpointCommitted {
            last_voiced: Tick(0),
            cause: EndpointCause::Silence,
            decision: None,
        };
        let mut marks = Vec::new();
        for turn in 0..500 {
            marks.push((turn, Mark::VoiceStarted { onset: Tick(0) }));
            marks.push((turn, committed.clone()));
            marks.push((turn, clause("Never heard.")));
        }
        let conversation = fold(marks);
        assert_eq!(conversation.said.len(), SAID_MAX);
        assert_eq!(conversation.replies.len(), REPLIES_MAX);
    }
}
