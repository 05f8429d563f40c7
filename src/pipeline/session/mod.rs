//! The session: carries out what the floor decides.

mod heard;
mod told;
mod understood;

use super::agent::Agent;
use super::at_work::AtWork;
use super::control::{self, Control};
use super::endpoint::{Due, Endpoint};
use super::lately::Lately;
use super::open_utterance::OpenUtterance;
use super::over_agent::OverAgent;
use super::overlap::OverlapWatch;
use super::playback::Sounds;
use super::recognise::{Recognised, recognise};
use super::turn::{Do, Floor, Happened};
use super::{AgentState, Stages};
use crate::audio::Speaker;
use crate::clock::{Alarm, Branch, Clock};
use crate::ear::UtteranceOver;
use crate::endpoint::Endpointing;
use crate::event::{EndpointCause, Mark, ReplyEnd, Tick, TurnId};
use crate::interrupt::policy::Policy;
use crate::record::tap::Tap;
use crate::stage::Watched;
use crate::stage::queue;
use crate::stage::{AudioFeed, SpeechActivity};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use told::OnRequest;

/// Utterances that may wait for the recogniser. One is spoken while one is transcribed; a recogniser
/// that is this far behind is of no use any more.
const UTTERANCES_WAITING_MAX: usize = 16;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// An utterance is cut at this length, so that a recogniser's work stays bounded.
    pub longest_utterance: Duration,
    /// The silence after which a reply is prepared in case the caller has finished; never if `None`.
    pub speculate_after: Option<Duration>,
    /// How probable it must be then that the caller has finished, as the endpointing policy has it; however probable it
    /// is if `None`.
    pub speculate_from: Option<f64>,
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
    /// What a caller's client decides; `None` if it decides nothing.
    pub control: Option<queue::Receiver<Control>>,
}

impl Session {
    /// Holds the conversation until the caller's activity ends; what is then still on its way is
    /// abandoned.
    pub(crate) async fn run(mut self, activity: queue::Receiver<SpeechActivity>) {
        let stages = Rc::new(self.stages);
        let (utterances, waiting) = queue::channel(UTTERANCES_WAITING_MAX);
        let (transcripts, recognised) = queue::channel(UTTERANCES_WAITING_MAX);
        let mut recogniser = Branch::new(recognise(
            stages.clone(),
            self.tap.clone(),
            waiting,
            transcripts,
        ));
        let at_work = Rc::new(AtWork::default());
        let conversation = Conversation {
            clock: self.clock.clone(),
            tap: self.tap.clone(),
            endpoint: Endpoint::new(
                self.endpointing,
                self.settings.longest_utterance,
                &self.clock,
            ),
            policy: &mut *self.policy,
            settings: self.settings,
            over: self.over,
            shown: self.agent,
            floor: Floor::new(),
            utterances,
            utterance: None,
            guess: None,
            agent: Agent::new(self.clock, self.tap, stages, self.speaker, at_work.clone()),
            over_agent: OverAgent::default(),
            lately: Lately::default(),
            quiet_since: Tick::ZERO,
            on_request: OnRequest::default(),
        };
        let hold = conversation.hold(activity, recognised, self.control);
        let mut conversation = Branch::new(hold);
        poll_fn(|context| {
            if Pin::new(&mut conversation).poll(context).is_ready() {
                return Poll::Ready(());
            }
            at_work.poll(context);
            // What came of the reply comes before what the recogniser hears.
            match Pin::new(&mut conversation).poll(context) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => Pin::new(&mut recogniser).poll(context),
            }
        })
        .await;
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
    /// What the caller may have asked, to which no reply is prepared yet.
    guess: Option<(TurnId, Arc<str>)>,
    agent: Agent,
    over_agent: OverAgent,
    lately: Lately,
    /// When the caller who made the agent stop was last heard.
    quiet_since: Tick,
    on_request: OnRequest,
}

impl Conversation<'_> {
    async fn hold(
        mut self,
        mut activity: queue::Receiver<SpeechActivity>,
        mut recognised: queue::Receiver<Recognised>,
        mut control: Option<queue::Receiver<Control>>,
    ) {
        self.begin();
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
                told = control::next(&mut control), if control.is_some() => self.told(told),
                Some(said) = recognised.recv() => self.recognised(said),
                end = over => self.reply_over(end),
                sound = sounds => if sound == Sounds::Answer {
                    self.audible();
                },
                judged = self.endpoint.judged(), if self.endpoint.asks() => {
                    self.endpoint.answered(judged, (&self.tap, self.clock.now()));
                    self.prepare_if_probable();
                }
                () = alarm.rings() => self.time_has_come(),
            }
            self.show_agent();
        }
    }

    /// Says what is due in this conversation, and speaks first if that is asked for.
    fn begin(&mut self) {
        if let Some(due) = self.agent.disclosure_due() {
            self.tap.mark(TurnId(0), due);
        }
        if self.agent.greet() {
            self.floor.greets();
        }
    }

    /// When something is to be done if nothing happens before: decide on a sound over the agent, ask
    /// the recogniser, go on with a held reply, prepare one that has become probable enough, settle the endpoint. What is
    /// due at once is done in this order.
    fn due(&self) -> [Option<Tick>; 5] {
        let is_speaking = self.agent.is_speaking();
        let latest = self.over_agent.latest.as_ref();
        // A client that decides is asked nothing.
        let overlap = latest.filter(|_| is_speaking && !self.on_request.is_on);
        [
            overlap.and_then(OverlapWatch::next_decision),
            self.ask_at(),
            self.resume_at(),
            self.probable_at(),
            self.endpoint_due().map(|(at, _)| at),
        ]
    }

    /// When something is due about the endpoint, unless the caller's client decides on it.
    fn endpoint_due(&self) -> Option<(Tick, Due)> {
        let is_bound = |due: &(Tick, Due)| due.1 == Due::Commit(EndpointCause::MaximumLength);
        let due = self.endpoint.due();
        due.filter(|due| !self.on_request.is_on || is_bound(due))
    }

    fn time_has_come(&mut self) {
        let now = self.clock.now();
        match self.due().map(|due| due.is_some_and(|at| at <= now)) {
            [true, ..] => {
                let latest = self.over_agent.latest.as_ref();
                if let Some(turn) = latest.map(|watch| watch.turn) {
                    self.decide(turn);
                }
            }
            [_, true, ..] => self.ask(),
            [_, _, true, ..] => self.nothing_more(),
            [_, _, _, true, _] => self.prepare_if_probable(),
            [.., true] => match self.endpoint_due() {
                Some((_, Due::Commit(cause))) => self.commit(cause),
                Some((_, Due::Decide)) => self.endpoint.decide((&self.tap, now)),
                None => {}
            },
            _ => {}
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

    fn carry_out(&mut self, todo: Vec<Do>) {
        for step in todo {
            match step {
                // Listening begins where the utterance began, since the audio is there.
                Do::Listen(_) => {}
                Do::WatchOverlap => self.watch_overlap(),
                Do::EndOverlap(turn) => self.end_overlap(turn),
                Do::Speculate { turn, question } => {
                    let interrupts = self.over_agent.is_of(turn);
                    self.agent.speculate(turn, question, interrupts);
                }
                Do::StartReply { turn, question } => {
                    let interrupts = self.over_agent.is_of(turn);
                    self.reply_to(turn, question, interrupts);
                }
                Do::KeepSpeculation => self.agent.release(),
                Do::DropSpeculation => self.agent.drop_speculation(),
                Do::DropReply(end) => self.end_reply(end),
                Do::HoldReply => self.hold_reply(),
                Do::ResumeReply => self.agent.resume(),
                Do::LetGo => self.agent.let_go(),
                Do::NoReply(turn) => {
                    self.tap.mark(turn, Mark::NoReply);
                    self.no_reply();
                }
            }
        }
    }

    fn watch_overlap(&mut self) {
        let Some(utterance) = &self.utterance else {
            return;
        };
        if let Some(earlier) = &self.over_agent.latest {
            let at = self.clock.now();
            self.tap.mark(earlier.turn, Mark::OverlapEnded { at });
        }
        let (turn, onset) = (utterance.turn, utterance.onset);
        self.tap.mark(turn, Mark::OverlapStarted { onset });
        let context = self.lately.context(onset, &self.agent.spoken(onset));
        // Words settle nothing for a policy that reads none.
        let earlier_max = match self.policy.reads_words() {
            true => UTTERANCES_WAITING_MAX,
            false => 0,
        };
        let watch = OverlapWatch::new(turn, onset, context);
        self.over_agent.watch(watch, earlier_max);
    }

    fn end_overlap(&mut self, turn: TurnId) {
        if self.over_agent.end(turn) {
            let at = self.clock.now();
            self.tap.mark(turn, Mark::OverlapEnded { at });
        }
    }

    /// Ends the reply; the agent has been heard that long.
    fn end_reply(&mut self, end: ReplyEnd) {
        self.on_request.question = None;
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
        if let Some(watch) = &self.over_agent.latest {
            self.end_overlap(watch.turn);
        }
    }

    /// Shows the caller what the agent does, if that has changed.
    fn show_agent(&self) {
        let before = self.shown.get();
        let now = before.turned(
            (self.floor.is_idle(), self.agent.is_speaking()),
            self.agent.filler_ends(),
            self.clock.now(),
        );
        if now != before {
            self.shown.set(now);
        }
    }
}
