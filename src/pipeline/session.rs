//! The session: carries out what the floor decides.

use super::drive::drive;
use super::endpoint::Endpointing;
use super::playback::Playback;
use super::reply::reply;
use super::turn::{Do, Floor, Happened};
use super::{AgentState, Stages};
use crate::clock::Clock;
use crate::ear::UtteranceOver;
use crate::event::{
    EndpointCause, Mark, ReplyEnd, SessionEnd, StageName, Tick, TurnId, Verdict, nanos,
};
use crate::interrupt::policy::{Overlap, Policy};
use crate::record::tap::Tap;
use crate::stage::{
    AudioFeed, Exchange, Heard, OUTPUTS_WAITING_MAX, Question, SpeechActivity, Transcript,
};
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Utterances that may wait for the recogniser. One is spoken while one is transcribed; more mean
/// that the recogniser is slower than the caller, and the session waits.
const UTTERANCES_WAITING_MAX: usize = 4;

/// While somebody speaks over the agent, the policy is asked this often.
const DECIDE_EVERY: Duration = Duration::from_millis(50);

/// Exchanges that an answer gets to see.
const HISTORY_MAX: usize = 16;

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub endpointing: Endpointing,
}

/// What a session is made of.
pub struct Session {
    pub clock: Clock,
    pub tap: Tap,
    pub stages: Stages,
    pub policy: Box<dyn Policy>,
    pub settings: Settings,
    /// Tells the ear that the utterance it hears was committed.
    pub over: UtteranceOver,
    /// Shows the caller what the agent does.
    pub agent: watch::Sender<AgentState>,
}

impl Session {
    /// Holds the conversation until the caller's activity ends; what is then still on its way is
    /// abandoned.
    pub async fn run(mut self, activity: mpsc::Receiver<SpeechActivity>) {
        let stages = Rc::new(self.stages);
        let (utterances, waiting) = mpsc::channel(UTTERANCES_WAITING_MAX);
        let (transcripts, recognised) = mpsc::channel(UTTERANCES_WAITING_MAX);
        let recogniser = recognise(stages.clone(), self.tap.clone(), waiting, transcripts);
        let conversation = Conversation {
            clock: self.clock.clone(),
            tap: self.tap.clone(),
            stages,
            policy: &mut *self.policy,
            endpointing: self.settings.endpointing,
            over: self.over,
            agent: self.agent,
            floor: Floor::new(),
            utterances,
            utterance: None,
            reply: None,
            overlap: None,
            history: Vec::new(),
        };
        tokio::select! {
            biased;
            () = conversation.hold(activity, recognised) => {}
            () = recogniser => {}
        }
        self.tap.mark(
            TurnId(0),
            Mark::SessionEnded {
                cause: SessionEnd::Finished,
            },
        );
    }
}

/// What the recogniser says of an utterance.
enum Recognised {
    Text(TurnId, Transcript),
    /// It is through with it.
    Over(TurnId),
}

/// Has the recogniser hear one utterance after the other.
async fn recognise(
    stages: Rc<Stages>,
    tap: Tap,
    mut utterances: mpsc::Receiver<(TurnId, AudioFeed)>,
    recognised: mpsc::Sender<Recognised>,
) {
    while let Some((turn, feed)) = utterances.recv().await {
        let (sender, mut transcripts) = mpsc::channel(OUTPUTS_WAITING_MAX);
        let work = async {
            let mut stage = stages.stt.lock().await;
            drive(
                &mut **stage,
                feed,
                (&tap, turn, StageName::SpeechToText),
                sender,
            )
            .await
        };
        let forward = async {
            while let Some(transcript) = transcripts.recv().await {
                // The conversation is over when nobody listens; then this is dropped too.
                let _ = recognised.send(Recognised::Text(turn, transcript)).await;
            }
        };
        let (result, ()) = tokio::join!(biased; work, forward);
        if let Err(error) = result {
            tracing::error!("turn {}: {error}", turn.0);
        }
        let _ = recognised.send(Recognised::Over(turn)).await;
    }
}

/// The utterance that is being heard.
struct Utterance {
    turn: TurnId,
    onset: Tick,
    last_voiced: Option<Tick>,
    feed: mpsc::Sender<Heard>,
}

/// A reply on its way.
struct Reply {
    turn: TurnId,
    question: String,
    playback: Rc<Playback>,
    audible: watch::Receiver<bool>,
    work: Pin<Box<dyn Future<Output = ReplyEnd>>>,
}

/// A sound over the agent that is being watched.
struct Watch {
    turn: TurnId,
    onset: Tick,
    voiced_before: Duration,
    voiced_since: Option<Tick>,
    next_decision: Tick,
}

struct Conversation<'a> {
    clock: Clock,
    tap: Tap,
    stages: Rc<Stages>,
    policy: &'a mut dyn Policy,
    endpointing: Endpointing,
    over: UtteranceOver,
    agent: watch::Sender<AgentState>,
    floor: Floor,
    utterances: mpsc::Sender<(TurnId, AudioFeed)>,
    utterance: Option<Utterance>,
    reply: Option<Reply>,
    overlap: Option<Watch>,
    history: Vec<Exchange>,
}

impl Conversation<'_> {
    async fn hold(
        mut self,
        mut activity: mpsc::Receiver<SpeechActivity>,
        mut recognised: mpsc::Receiver<Recognised>,
    ) {
        self.show_agent();
        loop {
            let deadline = self.deadline();
            let (clock, overlap) = (self.clock.clone(), self.overlap.as_ref());
            let decision = overlap.map(|watch| watch.next_decision);
            let (over, audible) = reply_news(self.reply.as_mut());
            // Ties are settled in this order: what was said comes before what was waited for, and
            // the caller before the agent.
            tokio::select! {
                biased;
                heard = activity.recv() => match heard {
                    Some(heard) => self.heard(heard).await,
                    None => return self.hang_up(),
                },
                Some(said) = recognised.recv() => self.recognised(said).await,
                end = over => self.reply_over(end).await,
                () = audible => self.audible().await,
                () = until(&clock, decision) => self.decide().await,
                () = until(&clock, deadline.map(|(at, _)| at)) => {
                    if let Some((_, cause)) = deadline {
                        self.commit(cause).await;
                    }
                }
            }
            self.show_agent();
        }
    }

    async fn heard(&mut self, activity: SpeechActivity) {
        match activity {
            SpeechActivity::Started { onset, audio } => {
                let (feed, utterance_feed) = AudioFeed::new();
                feed_one(&feed, Heard::Audio(audio));
                let todo = self.floor.happened(Happened::VoiceStarted);
                for step in &todo {
                    if let Do::Listen(turn) = *step {
                        self.tap.mark(turn, Mark::VoiceStarted { onset });
                        self.utterance = Some(Utterance {
                            turn,
                            onset,
                            last_voiced: None,
                            feed: feed.clone(),
                        });
                        // The recogniser is gone only when the session is.
                        let _ = self.utterances.send((turn, utterance_feed)).await;
                        break;
                    }
                }
                self.carry_out(todo).await;
            }
            SpeechActivity::Going { audio } => self.feed(Heard::Audio(audio)),
            SpeechActivity::Paused { last_voiced } => self.paused(last_voiced),
            SpeechActivity::Resumed { at } => self.resumed(at),
        }
    }

    fn paused(&mut self, last_voiced: Tick) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        utterance.last_voiced = Some(last_voiced);
        self.tap
            .mark(utterance.turn, Mark::VoicePaused { last_voiced });
        if let Some(watch) = &mut self.overlap
            && let Some(since) = watch.voiced_since.take()
        {
            watch.voiced_before += last_voiced.since(since);
        }
        self.feed(Heard::Paused);
    }

    fn resumed(&mut self, at: Tick) {
        let Some(utterance) = &mut self.utterance else {
            return;
        };
        utterance.last_voiced = None;
        self.tap.mark(utterance.turn, Mark::VoiceResumed { at });
        if let Some(watch) = &mut self.overlap {
            watch.voiced_since = Some(at);
        }
        self.feed(Heard::Resumed);
    }

    fn feed(&self, heard: Heard) {
        if let Some(utterance) = &self.utterance {
            feed_one(&utterance.feed, heard);
        }
    }

    /// When the utterance is over if nothing more is heard.
    fn deadline(&self) -> Option<(Tick, EndpointCause)> {
        let utterance = self.utterance.as_ref()?;
        Some(
            self.endpointing
                .deadline(utterance.onset, utterance.last_voiced),
        )
    }

    async fn commit(&mut self, cause: EndpointCause) {
        let Some(utterance) = self.utterance.take() else {
            return;
        };
        let last_voiced = utterance.last_voiced.unwrap_or_else(|| self.clock.now());
        self.tap.mark(
            utterance.turn,
            Mark::EndpointCommitted { last_voiced, cause },
        );
        feed_one(&utterance.feed, Heard::Committed);
        self.over.set();
        let todo = self.floor.happened(Happened::Committed);
        self.carry_out(todo).await;
    }

    async fn recognised(&mut self, said: Recognised) {
        let (turn, text) = match said {
            Recognised::Text(_, transcript) if !transcript.is_final => return,
            Recognised::Text(turn, transcript) => (turn, transcript.text),
            // Ignored if there was a final transcript before.
            Recognised::Over(turn) => (turn, String::new()),
        };
        let todo = self.floor.happened(Happened::Transcribed { turn, text });
        self.carry_out(todo).await;
    }

    async fn audible(&mut self) {
        let todo = self.floor.happened(Happened::Audible);
        self.carry_out(todo).await;
    }

    async fn reply_over(&mut self, end: ReplyEnd) {
        self.close_reply(end);
        let caller_is_voiced = self
            .utterance
            .as_ref()
            .is_some_and(|u| u.last_voiced.is_none());
        let todo = self
            .floor
            .happened(Happened::ReplyOver { caller_is_voiced });
        self.carry_out(todo).await;
    }

    /// Asks the policy about the sound over the agent.
    async fn decide(&mut self) {
        let now = self.clock.now();
        let Some(watch) = &mut self.overlap else {
            return;
        };
        while watch.next_decision <= now {
            watch.next_decision = watch.next_decision + DECIDE_EVERY;
        }
        let voiced_now = watch
            .voiced_since
            .map_or(Duration::ZERO, |at| now.since(at));
        let overlap = Overlap {
            since_onset: now.since(watch.onset),
            voiced: watch.voiced_before + voiced_now,
            is_voiced: watch.voiced_since.is_some(),
        };
        let decision = self.policy.decide(&overlap);
        self.tap.mark(
            watch.turn,
            Mark::Decision {
                policy: self.policy.name().into(),
                verdict: decision.verdict,
                since_onset_ns: nanos(overlap.since_onset),
                probability: decision.probability,
                reasons: decision.reasons,
            },
        );
        if decision.verdict == Verdict::Stop {
            let todo = self.floor.happened(Happened::MustStop);
            self.carry_out(todo).await;
        }
    }

    async fn carry_out(&mut self, todo: Vec<Do>) {
        for step in todo {
            match step {
                // Done where the utterance began, since the audio is there.
                Do::Listen(_) => {}
                Do::WatchOverlap => self.watch_overlap(),
                Do::EndOverlap => self.end_overlap(),
                Do::StartReply { turn, question } => self.start_reply(turn, question),
                Do::DropReply(end) => self.close_reply(end),
                Do::NoReply(turn) => self.tap.mark(turn, Mark::NoReply),
            }
        }
    }

    fn watch_overlap(&mut self) {
        if let Some(utterance) = &self.utterance {
            let (turn, onset) = (utterance.turn, utterance.onset);
            self.tap.mark(turn, Mark::OverlapStarted { onset });
            self.overlap = Some(Watch {
                turn,
                onset,
                voiced_before: Duration::ZERO,
                voiced_since: Some(onset),
                next_decision: onset + DECIDE_EVERY,
            });
        }
    }

    fn end_overlap(&mut self) {
        if let Some(watch) = self.overlap.take() {
            let at = self.clock.now();
            self.tap.mark(watch.turn, Mark::OverlapEnded { at });
        }
    }

    fn start_reply(&mut self, turn: TurnId, text: String) {
        let question = text.clone();
        self.tap.mark(turn, Mark::ReplyStarted { question: text });
        let recent = self.history.len().saturating_sub(HISTORY_MAX);
        let input = Question {
            text: question.clone(),
            history: self.history[recent..].into(),
        };
        let playback = Rc::new(Playback::new(self.clock.clone(), self.tap.clone(), turn));
        let (news, audible) = watch::channel(false);
        let (stages, tap, speaker) = (self.stages.clone(), self.tap.clone(), playback.clone());
        let work = Box::pin(async move {
            let on_audible = || {
                news.send_replace(true);
            };
            reply(&stages, input, &tap, turn, &speaker, on_audible).await
        });
        self.reply = Some(Reply {
            turn,
            question,
            playback,
            audible,
            work,
        });
    }

    /// Ends the reply: gives its work up, silences the speaker, remembers what was heard.
    fn close_reply(&mut self, end: ReplyEnd) {
        let Some(reply) = self.reply.take() else {
            return;
        };
        let Reply {
            turn,
            question,
            playback,
            work,
            ..
        } = reply;
        drop(work);
        let at = self.clock.now();
        if end != ReplyEnd::Completed {
            playback.stop(at);
        }
        let (heard, length) = playback.heard(at);
        if playback.is_audible() {
            self.history.push(Exchange {
                question,
                heard: heard.clone(),
            });
        }
        self.tap.mark(
            turn,
            Mark::ReplyEnded {
                end,
                at,
                heard,
                heard_ns: nanos(length),
            },
        );
    }

    fn hang_up(mut self) {
        self.close_reply(ReplyEnd::Abandoned);
        self.end_overlap();
    }

    /// Shows the caller what the agent does, if that has changed.
    fn show_agent(&self) {
        let now = self.clock.now();
        let is_speaking = self.reply.as_ref().is_some_and(|r| r.playback.is_audible());
        let is_idle = self.floor.is_idle();
        self.agent.send_if_modified(|state| {
            let changed = state.is_idle != is_idle || state.is_speaking != is_speaking;
            if changed {
                match (state.is_speaking, is_speaking) {
                    (false, true) => state.speech_started = Some(now),
                    (true, false) => state.speech_ended = Some(now),
                    _ => {}
                }
                state.is_idle = is_idle;
                state.is_speaking = is_speaking;
                state.changed = now;
            }
            changed
        });
    }
}

/// A feed holds the longest utterance, so it is full only if a recogniser died over it; then the
/// frame is of no use to anybody.
fn feed_one(feed: &mpsc::Sender<Heard>, heard: Heard) {
    let _ = feed.try_send(heard);
}

/// Two futures that wait for the reply to end and for its first sound; they wait for ever if there
/// is no reply.
fn reply_news(
    reply: Option<&mut Reply>,
) -> (
    impl Future<Output = ReplyEnd> + '_,
    impl Future<Output = ()> + '_,
) {
    let (work, audible) = match reply {
        Some(reply) => (Some(&mut reply.work), Some(&mut reply.audible)),
        None => (None, None),
    };
    let over = async move {
        match work {
            Some(work) => work.await,
            None => pending().await,
        }
    };
    let heard = async move {
        // The sender goes when the reply does, and then there is no more news.
        let is_heard = match audible {
            Some(audible) => audible.changed().await.is_ok(),
            None => false,
        };
        if !is_heard {
            pending::<()>().await;
        }
    };
    (over, heard)
}

async fn until(clock: &Clock, deadline: Option<Tick>) {
    match deadline {
        Some(at) => clock.sleep_until(at).await,
        None => pending().await,
    }
}
