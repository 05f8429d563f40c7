//! The session: carries out what the floor decides.

use super::agent::Agent;
use super::endpoint::{Due, Endpoint};
use super::lately::Lately;
use super::open_utterance::OpenUtterance;
use super::overlap::{OverlapWatch, Unexplained};
use super::playback::Sounds;
use super::recognise::{Recognised, recognise};
use super::turn::{Do, Floor, Happened};
use super::{AgentState, Stages};
use crate::audio::Speaker;
use crate::clock::{Alarm, Branch, Clock};
use crate::ear::UtteranceOver;
use crate::endpoint::{Endpointing, Observation};
use crate::event::{EndpointCause, Mark, ReplyEnd, Tick, TurnId, Verdict, nanos};
use crate::interrupt::lexicon::{asks_for_silence, class, says_something};
use crate::interrupt::policy::Policy;
use crate::interrupt::transcript;
use crate::record::tap::Tap;
use crate::stage::Watched;
use crate::stage::queue;
use crate::stage::{AudioFeed, Heard, SpeechActivity, SureVoice, Transcript};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Utterances that may wait for the recogniser. One is spoken while one is transcribed; a recogniser
/// that is this far behind is of no use any more.
const UTTERANCES_WAITING_MAX: usize = 16;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// An utterance is cut at this length, so that a recogniser's work stays bounded.
    pub longest_utterance: Duration,
    /// The silence after which a reply is prepared in case the caller has finished; never if `None`.
    pub speculate_after: Option<Duration>,
    /// How often the recogniser is asked ahead while the caller still speaks; not at all if `None`.
    pub ask_every: Option<Duration>,
    /// The silence after which a reply that was stopped for nothing goes on; never if `None`.
    pub resume_after: Option<Duration>,
}

/// What a session is made of.
pub(crate) struct Session {
    pub clock: Clock,
    pub tap: Tap,
    pub stages: Stages,
    /// Decides when the caller has finished.
    pub endpointing: Endpointing,
    pub policy: Box<dyn Policy>,
    pub settings: Settings,
    /// Tells the ear that the utterance it hears was committed.
    pub over: UtteranceOver,
    /// Where replies sound.
    pub speaker: Rc<dyn Speaker>,
    /// Shows the caller what the agent does.
    pub agent: Rc<Watched<AgentState>>,
}

impl Session {
    /// Holds the conversation until the caller's activity ends; what is then still on its way is
    /// abandoned.
    pub(crate) async fn run(mut self, activity: queue::Receiver<SpeechActivity>) {
        let stages = Rc::new(self.stages);
        let (utterances, waiting) = queue::channel(UTTERANCES_WAITING_MAX);
        let (transcripts, recognised) = queue::channel(UTTERANCES_WAITING_MAX);
        let recogniser = Branch::new(recognise(
            stages.clone(),
            self.tap.clone(),
            waiting,
            transcripts,
        ));
        let conversation = Conversation {
            clock: self.clock.clone(),
            tap: self.tap.clone(),
            endpoint: Endpoint::new(self.endpointing, self.settings.longest_utterance),
            policy: &mut *self.policy,
            settings: self.settings,
            over: self.over,
            shown: self.agent,
            floor: Floor::new(),
            utterances,
            utterance: None,
            agent: Agent::new(self.clock, self.tap, stages, self.speaker),
            overlap: None,
            unexplained: Unexplained::default(),
            began_over: None,
            lately: Lately::default(),
            quiet_since: Tick::ZERO,
        };
        tokio::select! {
            biased;
            () = conversation.hold(activity, recognised) => {}
            () = recogniser => {}
        }
    }
}

struct Conversation<'a> {
    clock: Clock,
    tap: Tap,
    endpoint: Endpoint,
    policy: &'a mut dyn Policy,
    settings: Settings,
    over: UtteranceOver,
    shown: Rc<Watched<AgentState>>,
    floor: Floor,
    utterances: queue::Sender<(TurnId, AudioFeed)>,
    utterance: Option<OpenUtterance>,
    agent: Agent,
    overlap: Option<OverlapWatch>,
    /// Earlier sounds over the agent whose words are still to come.
    unexplained: Unexplained,
    /// The latest turn that began while the agent spoke.
    began_over: Option<TurnId>,
    lately: Lately,
    /// When the caller who made the agent stop was last heard.
    quiet_since: Tick,
}

impl Conversation<'_> {
    async fn hold(
        mut self,
        mut activity: queue::Receiver<SpeechActivity>,
        mut recognised: queue::Receiver<Recognised>,
    ) {
        self.show_agent();
        let mut alarm = Alarm::new(self.clock.clone());
        loop {
            alarm.set(self.due().iter().flatten().min().copied());
            let (over, sounds) = self.agent.news();
            // Ties are settled in this order: what was said comes before what was waited for, and
            // the caller before the agent.
            tokio::select! {
                biased;
                heard = activity.recv() => match heard {
                    Some(heard) => self.heard(heard),
                    None => return self.hang_up(),
                },
                Some(said) = recognised.recv() => self.recognised(said),
                end = over => self.reply_over(end),
                sound = sounds => if sound == Sounds::Answer {
                    self.audible();
                },
                judged = self.endpoint.judged(), if self.endpoint.asks() => {
                    self.endpoint.answered(judged, (&self.tap, self.clock.now()));
                }
                () = alarm.rings() => self.time_has_come(),
            }
            self.show_agent();
        }
    }

    /// When something is to be done if nothing happens before: decide on a sound over the agent, ask
    /// the recogniser, go on with a held reply, settle the endpoint. What is due at once is done in this
    /// order.
    fn due(&self) -> [Option<Tick>; 4] {
        let is_speaking = self.agent.is_speaking();
        let overlap = self.overlap.as_ref().filter(|_| is_speaking);
        [
            overlap.and_then(OverlapWatch::next_decision),
            self.ask_at(),
            self.resume_at(),
            self.endpoint.due().map(|(at, _)| at),
        ]
    }

    fn time_has_come(&mut self) {
        let now = self.clock.now();
        match self.due().map(|due| due.is_some_and(|at| at <= now)) {
            [true, ..] => {
                if let Some(turn) = self.overlap.as_ref().map(|watch| watch.turn) {
                    self.decide(turn);
                }
            }
            [_, true, ..] => self.ask(),
            [_, _, true, _] => self.nothing_more(),
            [.., true] => match self.endpoint.due() {
                Some((_, Due::Commit(cause))) => self.commit(cause),
                Some((_, Due::Decide)) => self.endpoint.decide((&self.tap, now)),
                None => {}
            },
            _ => {}
        }
    }

    fn heard(&mut self, activity: SpeechActivity) {
        match activity {
            SpeechActivity::Started { onset, audio, sure } => {
                let (feed, utterance_feed) = AudioFeed::new(self.tap.input_hash());
                self.endpoint.sound(&audio);
                feed_one(&feed, Heard::Audio(audio));
                let todo = self.floor.happened(Happened::VoiceStarted);
                for step in &todo {
                    if let Do::Listen(turn) = *step {
                        self.tap.mark(turn, Mark::VoiceStarted { onset });
                        self.utterance = Some(OpenUtterance::new(turn, onset, feed.clone()));
                        let now = self.clock.now();
                        self.endpoint.started(turn, onset, (&self.tap, now));
                        // An utterance that finds no room is never transcribed; `commit` sees that.
                        if self.utterances.try_send((turn, utterance_feed)).is_err() {
                            tracing::error!("turn {}: the recogniser is hopelessly behind", turn.0);
                        }
                        break;
                    }
                }
                self.carry_out(todo);
                self.heard_voice(sure);
            }
            SpeechActivity::Going { audio, sure } => {
                self.endpoint.sound(&audio);
                self.feed(Heard::Audio(audio));
                self.heard_voice(sure);
            }
            SpeechActivity::Paused { last_voiced } => self.paused(last_voiced),
            SpeechActivity::Resumed { at } => self.resumed(at),
        }
    }

    fn heard_voice(&mut self, sure: Option<SureVoice>) {
        if let (Some(utterance), Some(_)) = (&mut self.utterance, sure) {
            utterance.has_voice = true;
        }
        if let (Some(watch), Some(sure)) = (&mut self.overlap, sure) {
            watch.heard(sure, self.policy);
        }
    }

    fn paused(&mut self, last_voiced: Tick) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        utterance.last_voiced = Some(last_voiced);
        self.tap
            .mark(utterance.turn, Mark::VoicePaused { last_voiced });
        self.endpoint_heard(Observation::Paused { last_voiced });
    }

    fn endpoint_heard(&mut self, what: Observation<'_>) {
        self.endpoint.observed(what, (&self.tap, self.clock.now()));
    }

    /// When the recogniser is asked what was said so far: in a pause, in case that was all, and
    /// while the caller talks over the agent.
    fn ask_at(&self) -> Option<Tick> {
        if let Some(watch) = &self.overlap {
            return watch.next_question();
        }
        let utterance = self.utterance.as_ref()?;
        utterance
            .ask_at(&self.settings, self.endpoint.reads_words())
            .filter(|_| self.floor.may_guess())
    }

    fn ask(&mut self) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        let now = self.clock.now();
        self.tap.mark(utterance.turn, Mark::AskedSoFar);
        match &mut self.overlap {
            Some(watch) => {
                watch.asked(now);
                feed_one(&utterance.feed, Heard::SoFar);
            }
            None => {
                let mark = utterance.ask(now);
                feed_one(&utterance.feed, mark);
            }
        }
    }

    fn resumed(&mut self, at: Tick) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        self.tap.mark(utterance.turn, Mark::VoiceResumed { at });
        if utterance.resumed(at) {
            feed_one(&utterance.feed, Heard::Resumed);
        }
        self.endpoint_heard(Observation::Resumed { at });
        let todo = self.floor.happened(Happened::VoiceResumed);
        self.carry_out(todo);
    }

    fn feed(&self, heard: Heard) {
        if let Some(utterance) = &self.utterance {
            feed_one(&utterance.feed, heard);
        }
    }

    fn commit(&mut self, cause: EndpointCause) {
        let Some(utterance) = self.utterance.take() else {
            return;
        };
        let last_voiced = utterance.last_voiced.unwrap_or_else(|| self.clock.now());
        self.quiet_since = last_voiced;
        if utterance.has_voice {
            self.lately.caller_spoke(utterance.onset..last_voiced);
        }
        self.tap.mark(
            utterance.turn,
            Mark::EndpointCommitted {
                last_voiced,
                cause,
                decision: self.endpoint.over(),
            },
        );
        feed_one(&utterance.feed, Heard::Committed);
        self.over.set();
        if let Some(watch) = &mut self.overlap {
            watch.is_over(last_voiced);
        }
        let todo = self.floor.happened(Happened::Committed);
        self.carry_out(todo);
        if utterance.feed.is_closed() {
            // The recogniser gave up on it before its end, and has nothing more to say.
            let (turn, text) = (utterance.turn, Arc::from(""));
            let todo = self.floor.happened(Happened::Transcribed { turn, text });
            self.carry_out(todo);
        }
    }

    fn recognised(&mut self, said: Recognised) {
        let (turn, text) = match said {
            Recognised::Text(turn, transcript) if !transcript.is_final => {
                return self.guessed(turn, transcript);
            }
            Recognised::Text(turn, transcript) => {
                self.explained(turn, &transcript);
                (turn, self.meant(transcript))
            }
            // Ignored if there was a final transcript before.
            Recognised::Over(turn) => (turn, Arc::from("")),
        };
        self.unexplained.explained(turn);
        let todo = self.floor.happened(Happened::Transcribed { turn, text });
        self.carry_out(todo);
    }

    /// All was understood of a sound, which may be over for long. Until then its decision is open: words that ask for it
    /// stop the agent late, which is better than not at all.
    fn explained(&mut self, turn: TurnId, said: &Transcript) {
        let now = self.clock.now();
        let is_request = asks_for_silence(said.text.split_whitespace());
        let may_ask = self.policy.reads_words() || is_request;
        let watch = watch_of(&mut self.overlap, &mut self.unexplained, turn);
        let is_worth = watch
            .is_some_and(|watch| watch.words_known(now, said) && watch.is_worth_a_late_decision());
        if is_worth && may_ask {
            self.decide(turn);
        }
    }

    /// What was said, as far as it is for the agent: "mm-hmm" to a reply that was stopped for it is not, nor what a
    /// recogniser makes of a noise.
    fn meant(&self, said: Transcript) -> Arc<str> {
        let is_meant = || match says_something(&said.text) {
            true if said.text.starts_with('…') => true,
            says => says && !transcript::words(&said.text, said.sureness).is_empty(),
        };
        match self.agent.is_holding() && !is_meant() {
            true => Arc::from(""),
            false => said.text,
        }
    }

    /// What the recogniser makes of what was said so far.
    fn guessed(&mut self, turn: TurnId, said: Transcript) {
        let now = self.clock.now();
        let watch = watch_of(&mut self.overlap, &mut self.unexplained, turn);
        if let Some(watch) = watch {
            watch.words_known(now, &said);
            return self.decide(turn);
        }
        let Some(utterance) = self.utterance.as_mut().filter(|u| u.turn == turn) else {
            return;
        };
        if utterance.answered() {
            let at = self.clock.now();
            let text = &said.text;
            self.endpoint_heard(Observation::Words { text, at });
            if self.settings.speculate_after.is_none() {
                // The recogniser was asked for the interruption policy alone.
                return;
            }
            let text = self.meant(said);
            let todo = self.floor.happened(Happened::Guessed { turn, text });
            self.carry_out(todo);
        }
    }

    fn audible(&mut self) {
        let todo = self.floor.happened(Happened::Audible);
        self.carry_out(todo);
    }

    fn reply_over(&mut self, end: ReplyEnd) {
        if self.agent.is_speaking() {
            // A very short reply may end before the news of its first sound was read.
            self.audible();
            self.show_agent();
        }
        self.end_reply(end);
        let caller_is_voiced = self
            .utterance
            .as_ref()
            .is_some_and(|u| u.last_voiced.is_none());
        let todo = self
            .floor
            .happened(Happened::ReplyOver { caller_is_voiced });
        self.carry_out(todo);
    }

    /// Asks the policy about the sound over the agent of this turn, if the agent speaks, or has stopped for a later one.
    fn decide(&mut self, turn: TurnId) {
        let now = self.clock.now();
        let is_open = self.agent.is_speaking() || self.agent.is_holding();
        let watch = watch_of(&mut self.overlap, &mut self.unexplained, turn);
        let Some(watch) = watch.filter(|_| is_open) else {
            return;
        };
        let Some(heard) = watch.look(now, self.policy) else {
            return;
        };
        let decision = self.policy.decide(&heard);
        self.tap.mark(
            turn,
            Mark::Decision {
                policy: self.policy.name().into(),
                verdict: decision.verdict,
                since_onset_ns: nanos(heard.since_onset),
                probability: decision.probability,
                reasons: decision.reasons,
            },
        );
        if decision.verdict == Verdict::Stop {
            let words = heard.words.unwrap_or_default();
            let is_meant = words.iter().any(|word| class(&word.text).is_content());
            let may_resume = self.settings.resume_after.is_some() && !is_meant;
            let todo = self.floor.happened(Happened::MustStop { turn, may_resume });
            self.carry_out(todo);
        }
    }

    fn carry_out(&mut self, todo: Vec<Do>) {
        for step in todo {
            match step {
                // Listening begins where the utterance began, since the audio is there.
                Do::Listen(_) => {}
                Do::WatchOverlap => self.watch_overlap(),
                Do::EndOverlap(turn) => self.end_overlap(turn),
                Do::Speculate { turn, question } => {
                    let interrupts = self.began_over == Some(turn);
                    self.agent.speculate(turn, question, interrupts);
                }
                Do::StartReply { turn, question } => {
                    let interrupts = self.began_over == Some(turn);
                    self.agent.reply(turn, question, interrupts);
                }
                Do::KeepSpeculation => self.agent.release(),
                Do::DropSpeculation => self.agent.drop_speculation(),
                Do::DropReply(end) => self.end_reply(end),
                Do::HoldReply => self.hold_reply(),
                Do::ResumeReply => self.agent.resume(),
                Do::LetGo => self.agent.let_go(),
                Do::NoReply(turn) => self.tap.mark(turn, Mark::NoReply),
            }
        }
    }

    fn watch_overlap(&mut self) {
        // Of two sounds the later one is watched; what the earlier one meant is known when it was understood.
        if let Some(earlier) = self.overlap.take() {
            let at = self.clock.now();
            self.tap.mark(earlier.turn, Mark::OverlapEnded { at });
            if self.policy.reads_words() {
                self.unexplained.add(earlier, UTTERANCES_WAITING_MAX);
            }
        }
        if let Some(utterance) = &self.utterance {
            let (turn, onset) = (utterance.turn, utterance.onset);
            self.tap.mark(turn, Mark::OverlapStarted { onset });
            let context = self.lately.context(onset, &self.agent.spoken(onset));
            self.overlap = Some(OverlapWatch::new(turn, onset, context));
            self.began_over = Some(turn);
        }
    }

    fn end_overlap(&mut self, turn: TurnId) {
        if self.overlap.take_if(|watch| watch.turn == turn).is_some() {
            let at = self.clock.now();
            self.tap.mark(turn, Mark::OverlapEnded { at });
        }
    }

    /// Ends the reply; the agent has been heard that long.
    fn end_reply(&mut self, end: ReplyEnd) {
        if let Some(speech) = self.agent.end(end) {
            self.lately.agent_spoke(speech);
        }
    }

    /// Falls silent for a sound that may be no interruption, and keeps the reply.
    fn hold_reply(&mut self) {
        self.quiet_since = self.clock.now();
        if let Some(speech) = self.agent.hold() {
            self.lately.agent_spoke(speech);
        }
    }

    /// When the agent goes on if nothing more is heard of who stopped it.
    fn resume_at(&self) -> Option<Tick> {
        let patience = self.settings.resume_after?;
        let is_over = self.floor.may_resume();
        is_over.then_some(self.quiet_since + patience)
    }

    fn nothing_more(&mut self) {
        let todo = self.floor.happened(Happened::NothingMore);
        self.carry_out(todo);
    }

    fn hang_up(mut self) {
        self.end_reply(ReplyEnd::Abandoned);
        if let Some(watch) = &self.overlap {
            self.end_overlap(watch.turn);
        }
    }

    /// Shows the caller what the agent does, if that has changed.
    fn show_agent(&self) {
        let now = self.clock.now();
        let is_speaking = self.agent.is_speaking();
        let is_idle = self.floor.is_idle();
        let filler_ends = self.agent.filler_ends().or(self.shown.get().filler_ends);
        let mut state = self.shown.get();
        let before = (state.is_idle, state.is_speaking, state.filler_ends);
        if before == (is_idle, is_speaking, filler_ends) {
            return;
        }
        match (state.is_speaking, is_speaking) {
            (false, true) => state.speech_started = Some(now),
            (true, false) => state.speech_ended = Some(now),
            _ => {}
        }
        state.is_idle = is_idle;
        state.is_speaking = is_speaking;
        state.filler_ends = filler_ends;
        state.changed = now;
        self.shown.set(state);
    }
}

/// The sound of this turn, if its decision is still open.
fn watch_of<'a>(
    latest: &'a mut Option<OverlapWatch>,
    earlier: &'a mut Unexplained,
    turn: TurnId,
) -> Option<&'a mut OverlapWatch> {
    match latest {
        Some(watch) if watch.turn == turn => Some(watch),
        _ => earlier.of(turn),
    }
}

/// A feed holds the longest utterance, so it is full only if a recogniser died over it; then the
/// frame is of no use to anybody.
fn feed_one(feed: &queue::Sender<Heard>, heard: Heard) {
    let _ = feed.try_send(heard);
}
