//! How a simulated caller behaves: when to ask, to start again, to hang up, and which sounds to make over
//! the agent. Pure arithmetic on what the agent does; everything drawn is keyed by the question, so
//! that one setting more or less shifts nothing else.

use crate::event::Tick;
use crate::interrupt::curve::Sound;
use crate::pipeline::AgentState;
use crate::rng::{Draw, Randomness, Source};
use crate::scenario::caller::Caller;
use crate::scenario::latency::{Latency, Work};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The caller stays on the line this long after everything is over, so that a late reply is heard.
const LINGER: Duration = Duration::from_millis(500);

/// An agent from whom nothing was heard for this long is gone, even for the most patient caller.
const STUCK: Duration = Duration::from_secs(60);

/// The most restarts of a question that have random draws of their own.
const AGAIN_MAX: u32 = 255;

/// A time that no conversation reaches.
const NEVER: Duration = Duration::from_secs(1 << 32);

/// The most sounds over one answer that are numbered.
const SOUNDS_MAX: u32 = 64;

/// A scenario's `[caller]`, ready to be drawn from.
pub(crate) struct Habits {
    caller: Caller<Latency>,
    sources: Sources,
}

/// A random source for everything that is drawn.
struct Sources {
    speech: Source,
    pauses: Source,
    reaction: Source,
    patience: Source,
    restart: Source,
    sounds: Source,
}

impl Habits {
    pub(crate) fn new(caller: &Caller<Latency>, random: Randomness) -> Habits {
        let source = |purpose| random.source("caller", purpose);
        Habits {
            sources: Sources {
                speech: source("speech"),
                pauses: source("pauses"),
                reaction: source("reaction"),
                patience: source("patience"),
                restart: source("restart"),
                sounds: source("sounds"),
            },
            caller: caller.clone(),
        }
    }

    /// When somebody speaks who asks a question of this length, which is counted from one: there are pauses in between.
    pub(crate) fn with_pauses(
        &self,
        conversation: u64,
        question: u32,
        length: Duration,
    ) -> Vec<Range<Duration>> {
        let every_s = self.caller.pause_every_s;
        let source = self.sources.pauses;
        let mut stretches = Vec::with_capacity(2);
        let (mut at, mut spoken) = (Duration::ZERO, Duration::ZERO);
        let mut mood = source.mood(conversation);
        let mut draw = source.draw(conversation, question);
        let has_pauses = every_s > 0.0;
        while let Some(stretch) = has_pauses.then(|| exponential(&mut draw, every_s)) {
            if stretch.is_zero() || spoken + stretch >= length {
                break;
            }
            stretches.push(at..at + stretch);
            let pause = (self.caller.pause).sample(&mut draw, &mut mood, Work::default());
            spoken += stretch;
            at += stretch + pause;
        }
        stretches.push(at..at + (length - spoken));
        stretches
    }
}

/// What a caller says next, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Says {
    Question,
    /// The question again, since no answer came.
    Restart,
    /// A sound over the agent.
    Over(Sound),
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub says: Says,
    /// When the caller speaks, counted from the beginning; there are pauses in between.
    pub stretches: Vec<Range<Duration>>,
}

/// What the caller is to do now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    Speak(Line),
    /// Nothing, unless the agent does something, before this tick.
    Wait(Tick),
    /// Everything was asked.
    HangUp,
    /// The caller has lost patience.
    GiveUp,
}

#[derive(Debug)]
enum State {
    /// Asks the next question at this tick.
    Reacting(Tick),
    /// Waits for the agent, since the caller fell silent at `since`.
    Waiting { since: Tick },
    /// The agent speaks; the caller is about to make a sound over it.
    Listening(Option<(Tick, Sound)>),
}

/// One caller in one conversation.
pub(crate) struct Manner {
    habits: Arc<Habits>,
    conversation: u64,
    /// Questions asked so far.
    asked: u32,
    /// Sounds over the answer to the latest question, so far.
    sounds: u32,
    /// Things said since the latest question, of any kind.
    said: u32,
    /// Restarts in a row.
    restarts: u32,
    /// How often the question was begun again, or another one put over the answer.
    again: u32,
    state: State,
}

impl Manner {
    pub(crate) fn new(habits: Arc<Habits>, conversation: u64) -> Manner {
        Manner {
            habits,
            conversation,
            asked: 0,
            sounds: 0,
            said: 0,
            restarts: 0,
            again: 0,
            state: State::Reacting(Tick::ZERO + LINGER),
        }
    }

    /// The caller begins, with the first question or the next one, soon after `now`.
    #[cfg(feature = "probe")]
    pub(crate) fn begin(&mut self, now: Tick) {
        self.state = State::Reacting(now + LINGER);
    }

    /// What to do at `now`, while nothing is being said.
    pub(crate) fn look(&mut self, agent: &AgentState, now: Tick) -> Next {
        if let (State::Waiting { .. }, true) = (&self.state, agent.is_speaking) {
            self.listen(now);
        }
        if let (State::Listening(_), false) = (&self.state, agent.is_speaking) {
            let since = agent.speech_ended.unwrap_or(now);
            self.state = match agent.is_idle {
                true => State::Reacting(since + self.reaction()),
                // The agent stopped in mid-answer.
                false => State::Waiting { since },
            };
        }
        if let (State::Reacting(at), 0) = (&mut self.state, self.asked) {
            // An agent that speaks first is heard to its end.
            match (agent.is_speaking, agent.speech_ended) {
                (true, _) => return Next::Wait(Tick(u64::MAX)),
                (false, Some(ended)) => *at = (*at).max(ended + LINGER),
                (false, None) => {}
            }
        }
        match self.state {
            State::Reacting(at) if self.asked == self.habits.caller.questions => {
                match at.max(agent.changed + LINGER) {
                    end if end <= now => Next::HangUp,
                    end => Next::Wait(end),
                }
            }
            State::Reacting(at) if at > now => Next::Wait(at),
            State::Reacting(_) => self.ask(now),
            State::Waiting { since } => self.wait(agent, now, since),
            State::Listening(Some((at, sound))) if at <= now => self.sound(sound, now),
            State::Listening(Some((at, _))) => Next::Wait(at),
            State::Listening(None) => Next::Wait(Tick(u64::MAX)),
        }
    }

    /// What was being said ended at `at`.
    pub(crate) fn spoken(&mut self, at: Tick) {
        self.said += 1;
        if let State::Waiting { since, .. } = &mut self.state {
            *since = at;
        }
    }

    /// The question that the caller is at, counted from one, and how much was said since it began.
    pub(crate) fn at(&self) -> (u32, u32) {
        (self.asked, self.said)
    }

    /// How often the question was begun again, or another one put over the answer.
    pub(super) fn begun_again(&self) -> u32 {
        self.again.min(AGAIN_MAX)
    }

    fn ask(&mut self, now: Tick) -> Next {
        self.asked += 1;
        (self.sounds, self.said) = (0, 0);
        (self.restarts, self.again) = (0, 0);
        self.state = State::Waiting { since: now };
        let length = self.sample(&self.habits.caller.speech, self.habits.sources.speech, 0);
        Next::Speak(Line {
            says: Says::Question,
            stretches: self.with_pauses(length.max(Duration::from_millis(1))),
        })
    }

    fn wait(&mut self, agent: &AgentState, now: Tick, since: Tick) -> Next {
        let caller = &self.habits.caller;
        // A caller who hears a filler has heard something.
        let since = since.max(agent.filler_ends.unwrap_or_default());
        let answered = agent.speech_ended.is_some_and(|ended| ended >= since);
        if answered && agent.is_idle {
            // The answer was over before the caller looked.
            self.state = State::Reacting(now + self.reaction());
            return Next::Wait(now);
        }
        let (model, source) = (&self.habits.caller.patience, self.habits.sources.patience);
        let restarts = self.restarts;
        let patience = self.sample(model, source, self.again);
        let is_patient = patience.is_zero();
        let end = since + if is_patient { STUCK } else { patience };
        if end > now {
            return Next::Wait(end);
        }
        if is_patient || restarts >= caller.restarts_max {
            return Next::GiveUp;
        }
        self.state = State::Waiting { since: now };
        self.restarts += 1;
        self.again += 1;
        let (restart, source) = (&self.habits.caller.restart, self.habits.sources.restart);
        let length = self.sample(restart, source, self.again);
        Next::Speak(Line {
            says: Says::Restart,
            stretches: vec![Duration::ZERO..length.max(Duration::from_millis(1))],
        })
    }

    /// The agent speaks from now on: draws when to make a sound over it.
    fn listen(&mut self, now: Tick) {
        let caller = &self.habits.caller;
        let rates = [
            (Sound::Interruption, caller.interruptions_per_minute),
            (Sound::Backchannel, caller.backchannels_per_minute),
            (Sound::Noise, caller.noises_per_minute),
        ];
        let all: f64 = rates.iter().map(|(_, rate)| rate).sum();
        self.state = State::Listening(None);
        self.restarts = 0;
        if all <= 0.0 || self.sounds >= SOUNDS_MAX {
            return;
        }
        let mut draw = self.draw(self.habits.sources.sounds, self.sounds);
        let after = exponential(&mut draw, 60.0 / all);
        let mut pick = draw.uniform() * all;
        let kind = rates.into_iter().find(|(_, rate)| {
            pick -= rate;
            pick < 0.0
        });
        let sound = kind.map_or(Sound::Noise, |(sound, _)| sound);
        self.sounds += 1;
        self.state = State::Listening(Some((now + after, sound)));
    }

    fn sound(&mut self, sound: Sound, now: Tick) -> Next {
        let habits = self.habits.clone();
        let length = match sound {
            Sound::Interruption => &habits.caller.interruption,
            Sound::Backchannel => &habits.caller.backchannel,
            Sound::Noise => &habits.caller.noise,
        };
        let source = habits.sources.sounds;
        // Numbered behind the draws of the sound's moment.
        let length = self.sample(length, source, SOUNDS_MAX + self.sounds);
        match sound {
            // A caller who interrupts waits for an answer, or finds that the agent has not stopped.
            Sound::Interruption => {
                self.state = State::Waiting { since: now };
                self.again += 1;
                self.restarts = 0;
            }
            Sound::Backchannel | Sound::Noise => self.listen(now + length),
        }
        Next::Speak(Line {
            says: Says::Over(sound),
            stretches: vec![Duration::ZERO..length.max(Duration::from_millis(1))],
        })
    }

    fn reaction(&self) -> Duration {
        self.sample(
            &self.habits.caller.reaction,
            self.habits.sources.reaction,
            self.sounds,
        )
    }

    fn with_pauses(&self, length: Duration) -> Vec<Range<Duration>> {
        let habits = &self.habits;
        habits.with_pauses(self.conversation, self.asked, length)
    }

    fn sample(&self, latency: &Latency, source: Source, occasion: u32) -> Duration {
        let mut draw = self.draw(source, occasion);
        latency.sample(&mut draw, &mut self.mood(source), Work::default())
    }

    /// A draw for the latest question; `occasion` counts what is drawn for it.
    fn draw(&self, source: Source, occasion: u32) -> Draw {
        source.draw(self.conversation | u64::from(occasion) << 32, self.asked)
    }

    fn mood(&self, source: Source) -> Draw {
        source.mood(self.conversation)
    }
}

/// The time between two events of a Poisson process.
fn exponential(draw: &mut Draw, mean_s: f64) -> Duration {
    let span_s = -libm::log(draw.uniform()) * mean_s;
    Duration::try_from_secs_f64(span_s)
        .unwrap_or(NEVER)
        .min(NEVER)
}
