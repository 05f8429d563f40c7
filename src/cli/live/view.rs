//! What is to be shown of a conversation: a fold over its events, in bounded memory.

use super::conversation::Conversation;
use super::feed::Update;
use super::interruption::{self, Interruption};
use super::lanes::Lane;
use super::meter::Meter;
use super::open_turns::{Answered, OpenTurns, push};
use super::plain::plain;
use crate::event::{Event, Mark, ReplyEnd, Tick, TurnId, VisitEnd};
use crate::measure::{Histogram, Row, Summary};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a notice is shown.
const NOTICE_SHOWN: Duration = Duration::from_secs(15);

/// Notices that are kept.
const NOTICES_MAX: usize = 4;

/// Stops that are marked in the lanes.
const STOPS_MAX: usize = 16;

/// What is known of a run before it begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// The scenario's name.
    pub name: String,
    /// The folder that keeps voices; `None` if no sound is kept.
    pub keeps_voices_in: Option<String>,
    /// Whether a script speaks, in place of somebody at a microphone.
    pub is_replay: bool,
}

/// What the assistant does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Listening,
    Hearing,
    Answering,
    Speaking,
    /// Caller and agent speak at once.
    Overlap,
}

/// Something to tell that is no event: a device unplugged, samples lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub at: Tick,
    pub text: String,
    /// How often the notice was given in a row.
    pub times: u32,
}

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct View {
    pub about: About,
    pub now: Tick,
    pub meter: Meter,
    pub conversation: Conversation,
    /// When the caller had voice.
    pub caller: Lane,
    /// When the agent was heard.
    pub agent: Lane,
    /// When the caller waited for a reply.
    pub waiting: Lane,
    /// The turn whose reply is waited for.
    waits_for: TurnId,
    /// When the agent was stopped.
    pub stops: VecDeque<Tick>,
    /// The turn that was answered last.
    pub answered: Option<Row>,
    pub interruptions: VecDeque<Interruption>,
    /// Somebody asked to quit.
    pub is_ending: bool,
    e2e: Histogram,
    turns: OpenTurns,
    notices: VecDeque<Notice>,
}

impl View {
    pub(super) fn new(about: About) -> View {
        View {
            about: About {
                name: plain(&about.name),
                keeps_voices_in: about.keeps_voices_in.map(|folder| plain(&folder)),
                is_replay: about.is_replay,
            },
            now: Tick::ZERO,
            meter: Meter::default(),
            conversation: Conversation::default(),
            caller: Lane::default(),
            agent: Lane::default(),
            waiting: Lane::default(),
            waits_for: TurnId::default(),
            stops: VecDeque::new(),
            answered: None,
            interruptions: VecDeque::new(),
            is_ending: false,
            e2e: Histogram::default(),
            turns: OpenTurns::default(),
            notices: VecDeque::new(),
        }
    }

    /// Takes in an update; whether there is anything more to come.
    pub(super) fn update(&mut self, update: Update) -> bool {
        match update {
            Update::Events(events) => events.iter().for_each(|event| self.event(event)),
            Update::Level { db, is_muted } => self.level(db, is_muted),
            Update::Notice(text) => self.notice(&text),
            Update::Now(now) => self.now(now),
            Update::End => return false,
        }
        true
    }

    /// Takes the next event in.
    pub(super) fn event(&mut self, event: &Event) {
        self.now(event.tick);
        self.conversation.event(event);
        interruption::event(&mut self.interruptions, event);
        self.lanes(event);
        if let Some(answered) = self.turns.event(event) {
            self.answered(answered);
        }
        if let Mark::Exit {
            stage,
            end: VisitEnd::Failed(why),
            ..
        } = &event.mark
        {
            self.notice(&format!("{} failed: {}", stage.name(), why.error));
        }
    }

    /// The microphone's level now, in dB below full scale.
    pub(super) fn level(&mut self, mic_db: f32, is_muted: bool) {
        self.meter.update(mic_db, is_muted);
    }

    /// Time has passed. It never goes back.
    pub(super) fn now(&mut self, now: Tick) {
        self.now = self.now.max(now);
        for lane in [&mut self.caller, &mut self.agent, &mut self.waiting] {
            lane.forget_old(self.now);
        }
    }

    /// Shows `text` for a while. A text that is shown already is counted instead.
    pub(super) fn notice(&mut self, text: &str) {
        let text = plain(text);
        if let Some(last) = self.notices.back_mut().filter(|last| last.text == text) {
            last.at = self.now;
            last.times = last.times.saturating_add(1);
            return;
        }
        let notice = Notice {
            at: self.now,
            text,
            times: 1,
        };
        push(&mut self.notices, notice, NOTICES_MAX);
    }

    /// The notices of the last seconds, newest first.
    pub(super) fn notices(&self) -> impl Iterator<Item = &Notice> {
        let is_fresh = |notice: &&Notice| self.now.since(notice.at) < NOTICE_SHOWN;
        self.notices.iter().rev().filter(is_fresh)
    }

    /// Latencies of the turns whose replies are over; `None` if there are none yet.
    pub(super) fn e2e(&self) -> Option<Summary> {
        self.e2e.summary()
    }

    pub(super) fn doing(&self) -> Doing {
        let is_on = |lane: &Lane| lane.is_on(self.now);
        match (is_on(&self.caller), is_on(&self.agent)) {
            (true, true) => Doing::Overlap,
            (true, false) => Doing::Hearing,
            (false, true) => Doing::Speaking,
            (false, false) if is_on(&self.waiting) => Doing::Answering,
            (false, false) => Doing::Listening,
        }
    }

    fn lanes(&mut self, event: &Event) {
        match &event.mark {
            Mark::VoiceStarted { onset } => self.caller.begin(*onset),
            Mark::VoicePaused { last_voiced } => self.caller.end(*last_voiced),
            Mark::VoiceResumed { at } => self.caller.begin(*at),
            Mark::EndpointCommitted { last_voiced, .. } => {
                self.caller.end(*last_voiced);
                self.waiting.begin(*last_voiced);
                self.waits_for = event.turn;
            }
            Mark::Queued {
                start,
                audio_ns,
                silence_ns,
                ..
            } => {
                let head = Duration::from_nanos(*silence_ns);
                let length = Duration::from_nanos(*audio_ns).saturating_sub(head);
                self.agent.during(*start + head, length);
            }
            Mark::Audible { at } => self.waited(event.turn, *at),
            Mark::NoReply => self.waited(event.turn, event.tick),
            Mark::ReplyEnded { end, at, .. } => {
                self.agent.cut(*at);
                self.waited(event.turn, *at);
                if *end == ReplyEnd::Stopped {
                    push(&mut self.stops, *at, STOPS_MAX);
                }
            }
            _ => {}
        }
    }

    /// The reply of this turn is not waited for any more. A wait for the reply of another turn goes on.
    fn waited(&mut self, turn: TurnId, at: Tick) {
        if turn == self.waits_for {
            self.waiting.end(at);
        }
    }

    fn answered(&mut self, answered: Answered) {
        if let Some(e2e) = answered.row.e2e_ns.filter(|_| answered.is_counted) {
            self.e2e.record(e2e);
        }
        self.answered = Some(answered.row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EndpointCause, OutputNote, SessionId, StageName, VisitFailure, VisitId};

    fn view(marks: Vec<(u64, u32, Mark)>) -> View {
        let mut view = View::new(About::default());
        for (ms, turn, mark) in marks {
            view.event(&Event {
                tick: Tick::from_ms(ms),
                session: SessionId(0),
                turn: TurnId(turn),
                mark,
            });
        }
        view
    }

    fn at(ms: u64) -> Tick {
        Tick::from_ms(ms)
    }

    /// A caller speaks from 1 s to 2 s and is answered from 2.5 s to 4.5 s.
    fn exchange() -> Vec<(u64, u32, Mark)> {
        let last_voiced = at(2_000);
        let cause = EndpointCause::Silence;
        let queued = Mark::Queued {
            start: at(2_400),
            audio_ns: 2_100_000_000,
            silence_ns: 100_000_000,
            network_ns: 0,
        };
        vec![
            (1_050, 1, Mark::VoiceStarted { onset: at(1_000) }),
            (2_050, 1, Mark::VoicePaused { last_voiced }),
            (
                2_300,
                1,
                Mark::EndpointCommitted {
                    last_voiced,
                    cause,
                    decision: None,
                },
            ),
            (2_400, 1, queued),
            (2_500, 1, Mark::Audible { at: at(2_500) }),
        ]
    }

    fn ended(end: ReplyEnd, ms: u64) -> Mark {
        Mark::ReplyEnded {
            end,
            at: at(ms),
            heard: "Yes.".into(),
            heard_ns: 0,
        }
    }

    fn failed() -> Mark {
        Mark::Exit {
            stage: StageName::TextToSpeech,
            visit: VisitId(1),
            end: VisitEnd::Failed(Box::new(VisitFailure {
                error: "no voice".into(),
                refused: false,
            })),
            cost: None,
            input: None,
        }
    }

    #[test]
    fn a_wait_lies_between_two_voices() {
        let view = view(exchange());
        assert_eq!(view.caller.within(at(0), at(9_000)), Duration::from_secs(1));
        assert_eq!(
            view.waiting.within(at(0), at(9_000)),
            Duration::from_millis(500)
        );
        assert_eq!(view.agent.within(at(0), at(9_000)), Duration::from_secs(2));
        assert_eq!(view.doing(), Doing::Speaking);
    }

    #[test]
    fn an_answer_is_shown_at_once_and_counted_when_it_is_over() {
        let mut marks = exchange();
        let shown = view(marks.clone());
        let e2e = shown.answered.as_ref().and_then(|row| row.e2e_ns);
        assert_eq!(e2e, Some(500_000_000));
        assert!(shown.e2e().is_none());
        marks.push((4_500, 1, ended(ReplyEnd::Completed, 4_500)));
        let e2e = view(marks).e2e().expect("one answer");
        assert_eq!((e2e.count, e2e.max_ms), (1, 500.0));
    }

    #[test]
    fn an_answer_that_fails_is_no_fast_answer() {
        let mut marks = exchange();
        marks.push((3_000, 1, failed()));
        marks.push((3_000, 1, ended(ReplyEnd::Failed, 3_000)));
        let view = view(marks);
        assert!(view.e2e().is_none());
        let notices: Vec<&str> = view.notices().map(|n| n.text.as_str()).collect();
        assert_eq!(notices, ["text_to_speech failed: no voice"]);
    }

    #[test]
    fn a_reply_that_was_stopped_and_goes_on_counts_once() {
        let mut marks = exchange();
        marks.push((3_000, 1, ended(ReplyEnd::Stopped, 3_000)));
        let stopped = view(marks.clone());
        assert!(stopped.agent.within(at(3_000), at(9_000)).is_zero());
        assert_eq!(stopped.stops, [at(3_000)]);
        marks.push((4_000, 1, Mark::ReplyResumed { at: at(4_000) }));
        marks.push((6_000, 1, ended(ReplyEnd::Completed, 6_000)));
        assert_eq!(view(marks).e2e().map(|e2e| e2e.count), Some(1));
    }

    #[test]
    fn notices_are_counted_and_pass() {
        let mut view = View::new(About::default());
        for _ in 0..3 {
            view.notice("samples were lost");
        }
        assert_eq!(view.notices().map(|n| n.times).collect::<Vec<_>>(), [3]);
        view.now(at(60_000));
        assert_eq!(view.notices().count(), 0);
        for number in 0..100 {
            view.notice(&number.to_string());
        }
        assert_eq!(view.notices.len(), NOTICES_MAX);
    }

    #[test]
    fn time_never_goes_back() {
        let mut view = View::new(About::default());
        view.now(at(500));
        view.now(at(400));
        assert_eq!(view.now, at(500));
    }

    #[test]
    fn what_is_heard_before_there_are_words_is_seen() {
        let voice = Mark::VoiceStarted { onset: at(1_000) };
        let view = view(vec![(1_050, 1, voice)]);
        assert_eq!(view.doing(), Doing::Hearing);
        assert_eq!(view.conversation.said().count(), 1);
    }

    #[test]
    fn an_update_is_the_last_one_only_at_the_end() {
        let mut view = View::new(About::default());
        let note = OutputNote::Partial {
            text: "Hi".into(),
            sureness: None,
        };
        let mark = Mark::Output {
            stage: StageName::SpeechToText,
            visit: VisitId(1),
            note,
        };
        let event = Event {
            tick: at(1),
            session: SessionId(0),
            turn: TurnId(1),
            mark,
        };
        assert!(view.update(Update::Events(vec![event])));
        assert!(view.update(Update::Level {
            db: -9.0,
            is_muted: false
        }));
        assert_eq!(view.meter.db, -9.0);
        assert!(!view.update(Update::End));
    }
}
