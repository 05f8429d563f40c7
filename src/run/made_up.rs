//! A caller who makes up what to say, and says it aloud: a scenario's `[caller]`, with the scenario's voice.

use super::prepare::SpokenBy;
use super::{RunError, unavailable};
use crate::audio::{SAMPLE_RATE, Samples, length_of};
use crate::caller::{Habits, Manner, Next, Says};
use crate::clock::Clock;
use crate::ear::truth::{Speech, speech_in};
use crate::event::{Expect, Tick};
use crate::interrupt::curve::Sound;
use crate::pipeline::AgentState;
use crate::probe::{Line, Mind, Todo};
use crate::rng::Seed;
use crate::scenario::Scenario;
use crate::scenario::caller::Caller;
use crate::scenario::latency::Latency;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What is asked unless a scenario says so.
const QUESTIONS: [&str; 8] = [
    "What are your opening hours?",
    "Can I change the date of my appointment?",
    "How much does it cost, and how long does it take?",
    "Where can I park when I come by car?",
    "I would like to talk about my last order, please.",
    "Is there anything that I should bring with me?",
    "Could you tell me how to cancel, if I have to?",
    "Who do I call when something goes wrong?",
];
const BACKCHANNELS: [&str; 4] = ["Mm-hmm.", "Uh-huh.", "Right.", "Okay."];
const INTERRUPTIONS: [&str; 3] = [
    "Wait, hold on a moment.",
    "Sorry, stop, that is not what I meant.",
    "No, no, I want to ask about something else.",
];
/// What somebody says who hesitates.
const HESITATION: &str = "Um,";

/// Questions of a call that have pauses of their own; later ones pause as these do. And callers who pause in places of
/// their own.
const DISTINCT_MAX: usize = 32;
/// A pause lies this near to where it was drawn, at the softest place.
const NEAR_SAMPLES: usize = SAMPLE_RATE as usize / 4;
/// How much sound is compared to find that place: 10 ms.
const SOFT_SAMPLES: usize = SAMPLE_RATE as usize / 100;
/// Different noises, and how long one is.
const NOISES: u32 = 4;
const NOISE_SAMPLES: usize = SAMPLE_RATE as usize / 4;

/// How long nobody waits for an answer: the caller's own patience ends before.
const PATIENCE_MAX: Duration = Duration::from_secs(60);
/// How long an agent is let greet.
const GREETING_MAX: Duration = Duration::from_secs(10);

/// What made-up callers of a scenario say, as a voice speaks it, at the rate of a protocol: for all calls.
pub(crate) struct Phrases {
    habits: Arc<Habits>,
    questions: u32,
    /// Each question, as it is spoken in one go.
    asked: Vec<Arc<Line>>,
    /// The questions as callers ask them who hesitate, for one caller after the other.
    hesitantly: Vec<Vec<Arc<Line>>>,
    backchannels: Vec<Arc<Line>>,
    interruptions: Vec<Arc<Line>>,
    noises: Vec<Arc<Line>>,
    greets: bool,
}

/// How lines are made of sound.
struct Making<'a> {
    scenario: &'a Scenario,
    rate: u32,
}

impl Making<'_> {
    fn line(&self, sound: &[f32], expect: Expect) -> Result<Arc<Line>, RunError> {
        let ear = &self.scenario.ear;
        let mut speech = speech_in(sound, ear.vad_threshold, ear.hears);
        if speech.is_empty() {
            // A noise, or a voice that no detector hears.
            speech.push(Speech {
                at: 0..sound.len(),
                doubt: None,
            });
        }
        let line = Line::new(sound, self.rate, speech, expect);
        line.map(Arc::new).map_err(unavailable)
    }

    fn lines(&self, sounds: &[Samples], expect: Expect) -> Result<Vec<Arc<Line>>, RunError> {
        sounds
            .iter()
            .map(|sound| self.line(sound, expect))
            .collect()
    }
}

impl Phrases {
    /// Has the scenario's voice speak what callers may say, in so many calls.
    ///
    /// # Errors
    /// A voice that is not available, or fails.
    pub(super) fn of(
        scenario: &Scenario,
        caller: &Caller<Latency>,
        (rate, calls): (u32, u32),
    ) -> Result<Phrases, RunError> {
        let making = Making { scenario, rate };
        let mut voice = SpokenBy::voice_of(scenario, &Clock::virtual_time(scenario.cores()))?;
        let mut speak = |texts: &[&str]| -> Result<Vec<Samples>, RunError> {
            texts.iter().map(|text| voice.speak(text)).collect()
        };
        let own: Vec<&str> = caller.says.iter().map(String::as_str).collect();
        let spoken = speak(match own.as_slice() {
            [] => &QUESTIONS,
            own => own,
        })?;
        let hesitation = speak(&[HESITATION])?.remove(0);
        let noises: Vec<Samples> = (0..NOISES)
            .map(|nth| noise(scenario.seed(), nth).into())
            .collect();
        let habits = Arc::new(Habits::new(caller, scenario.randomness()));
        let asked = making.lines(&spoken, Expect::Respond)?;
        let distinct = DISTINCT_MAX.max(spoken.len());
        let distinct = distinct.min(caller.questions as usize);
        let ask = |call: u64, index: usize| {
            let sound = &spoken[index % spoken.len()];
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let stretches = habits.with_pauses(call, number, length_of(sound.len()));
            match stretches.as_slice() {
                [_] => Ok(asked[index % asked.len()].clone()),
                pauses => making.line(&hesitating(sound, pauses, &hesitation), Expect::Respond),
            }
        };
        let hesitantly = (0..u64::from(calls).min(DISTINCT_MAX as u64))
            .map(|call| (0..distinct).map(|index| ask(call, index)).collect())
            .collect::<Result<_, _>>()?;
        Ok(Phrases {
            questions: caller.questions,
            hesitantly,
            asked,
            backchannels: making.lines(&speak(&BACKCHANNELS)?, Expect::Ignore)?,
            interruptions: making.lines(&speak(&INTERRUPTIONS)?, Expect::Stop)?,
            noises: making.lines(&noises, Expect::Ignore)?,
            greets: scenario.agent().greets,
            habits,
        })
    }

    /// How many questions a caller asks.
    pub(crate) fn questions(&self) -> usize {
        self.questions as usize
    }

    /// The caller of a call, counted from zero.
    pub(super) fn caller(&self, call: u32) -> MadeUp<'_> {
        MadeUp {
            manner: Manner::new(self.habits.clone(), call.into()),
            phrases: self,
            call: call as usize,
            greeted_by: None,
        }
    }
}

/// A caller who makes up what to say.
pub(crate) struct MadeUp<'a> {
    manner: Manner,
    phrases: &'a Phrases,
    call: usize,
    /// Until when a greeting is waited for.
    greeted_by: Option<Tick>,
}

impl MadeUp<'_> {
    fn say(&self, says: &Says) -> Todo {
        let phrases = self.phrases;
        let (question, said) = self.manner.at();
        let question = (question as usize).saturating_sub(1);
        let nth = self.call + question + said as usize;
        let one_of = |lines: &[Arc<Line>]| lines[nth % lines.len()].clone();
        let own = &phrases.hesitantly[self.call % phrases.hesitantly.len()];
        let (line, awaits) = match says {
            Says::Question => (own[question % own.len()].clone(), true),
            // Who has to ask again does not hesitate.
            Says::Restart => {
                let own = question % own.len();
                (phrases.asked[own % phrases.asked.len()].clone(), true)
            }
            Says::Over(Sound::Interruption) => (one_of(&phrases.interruptions), true),
            Says::Over(Sound::Backchannel) => (one_of(&phrases.backchannels), false),
            Says::Over(Sound::Noise) => (one_of(&phrases.noises), false),
        };
        Todo::Say {
            line,
            is_again: *says == Says::Restart,
            awaits: awaits.then_some(PATIENCE_MAX),
        }
    }
}

impl Mind for MadeUp<'_> {
    fn look(&mut self, agent: &AgentState, now: Tick) -> Todo {
        if let Some(until) = self.greeted_by {
            if now < until && !agent.is_idle {
                return Todo::Wait;
            }
            self.greeted_by = None;
            self.manner.begin(now);
        }
        match self.manner.look(agent, now) {
            Next::Speak(line) => self.say(&line.says),
            Next::Wait(_) => Todo::Wait,
            Next::HangUp => Todo::HangUp,
            Next::GiveUp => Todo::GiveUp,
        }
    }

    fn spoken(&mut self, at: Tick) {
        self.manner.spoken(at);
    }

    fn answered(&mut self, now: Tick) -> Option<Duration> {
        self.manner.begin(now);
        self.greeted_by = self.phrases.greets.then_some(now + GREETING_MAX);
        self.phrases.greets.then_some(GREETING_MAX)
    }
}

/// The sound, spoken in `stretches` with pauses in between, each where it is softest nearby; the first begins with a word
/// of somebody who hesitates.
fn hesitating(sound: &[f32], stretches: &[Range<Duration>], hesitation: &[f32]) -> Vec<f32> {
    let samples = |length: Duration| (length.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
    let mut made = Vec::new();
    let (mut from, mut spoken) = (0, Duration::ZERO);
    for (nth, pair) in stretches.windows(2).enumerate() {
        let [stretch, next] = pair else {
            continue;
        };
        spoken += stretch.end.saturating_sub(stretch.start);
        let at = softest(sound, samples(spoken)).max(from);
        made.extend_from_slice(&sound[from..at]);
        if nth == 0 {
            made.extend_from_slice(hesitation);
        }
        let pause = samples(next.start.saturating_sub(stretch.end));
        made.resize(made.len() + pause, 0.0);
        from = at;
    }
    made.extend_from_slice(&sound[from..]);
    made
}

/// Where the sound is softest, near `at`.
fn softest(sound: &[f32], at: usize) -> usize {
    let loudness = |from: &usize| {
        let part = &sound[*from..(*from + SOFT_SAMPLES).min(sound.len())];
        part.iter().map(|sample| sample * sample).sum::<f32>()
    };
    let near = at.saturating_sub(NEAR_SAMPLES)..(at + NEAR_SAMPLES).min(sound.len());
    let places = near.step_by(SOFT_SAMPLES);
    places
        .min_by(|a, b| loudness(a).total_cmp(&loudness(b)))
        .map_or(at.min(sound.len()), |from| {
            (from + SOFT_SAMPLES / 2).min(sound.len())
        })
}

/// Something that is no voice: a burst that dies away.
fn noise(seed: Seed, nth: u32) -> Vec<f32> {
    let mut draw = seed.source("caller", "sound of a noise").draw(0, nth);
    let mut last = 0.0;
    (0..NOISE_SAMPLES)
        .map(|at| {
            // Low sounds are louder than high ones, as those of doors and coughs are.
            last = 0.7 * last + 0.3 * (2.0 * draw.uniform() - 1.0);
            let rest = 1.0 - at as f64 / NOISE_SAMPLES as f64;
            (0.5 * last * rest * rest) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn somebody_who_hesitates_pauses_between_words() {
        // Two words with a gap from 900 to 1,000 ms.
        let mut sound = vec![0.5; 16 * 2_000];
        sound[16 * 900..16 * 1_000].fill(0.001);
        let stretches = [ms(0)..ms(1_050), ms(1_650)..ms(2_600)];
        let made = hesitating(&sound, &stretches, &[0.25; 1_600]);
        assert_eq!(made.len(), sound.len() + 1_600 + 16 * 600);
        let um = made.iter().position(|s| *s == 0.25).expect("a word");
        assert!((16 * 900..16 * 1_000).contains(&um), "{um}");
        assert!(
            made[um + 1_600..um + 1_600 + 16 * 600]
                .iter()
                .all(|s| *s == 0.0)
        );
        assert_eq!(made.iter().filter(|s| **s == 0.5).count(), 16 * 1_900);
    }

    #[test]
    fn pauses_at_the_very_ends_lose_no_sound() {
        let sound = vec![0.5; 1_600];
        let stretches = [ms(0)..ms(0), ms(100)..ms(200), ms(300)..ms(300)];
        let made = hesitating(&sound, &stretches, &[]);
        assert_eq!(made.iter().filter(|s| **s == 0.5).count(), 1_600);
    }

    #[test]
    fn a_noise_is_the_same_again_and_no_other() {
        assert_eq!(noise(Seed(1), 0), noise(Seed(1), 0));
        assert_ne!(noise(Seed(1), 0), noise(Seed(1), 1));
        assert_ne!(noise(Seed(2), 0), noise(Seed(1), 0));
        assert!(noise(Seed(1), 0).iter().any(|s| s.abs() > 0.05));
    }
}
