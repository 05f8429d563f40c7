//! A sound over the agent, as the interruption policy gets to see it: pure arithmetic on ticks.

use crate::event::{Tick, TurnId};
use crate::interrupt::heard::{Context, Heard, Interval, Word};
use crate::interrupt::policy::Policy;
use crate::stage::SureVoice;
use std::time::Duration;

/// Keeps count of a sound while it lasts. It counts from the first voice beyond doubt: before that it
/// is a noise, about which there is nothing to decide.
pub(super) struct OverlapWatch {
    pub(super) turn: TurnId,
    /// What the agent knew when the sound began.
    context: Context,
    voice: Option<Voice>,
    /// Whether the sound is over and only its words are still to come.
    is_over: bool,
    /// `None` if no recogniser prints words while the caller speaks.
    words: Option<Vec<Word>>,
}

/// The voice over the agent.
struct Voice {
    onset: Tick,
    activity: Vec<Interval>,
    /// When the latest stretch of voice began.
    since: Tick,
    /// `None` when there is nothing more to decide.
    next_decision: Option<Tick>,
    /// When the recogniser is asked next what was said so far; `None` while it is at work on that.
    next_question: Option<Tick>,
    asked: Tick,
}

/// The recogniser is asked this often what was said so far, but never before it has answered.
const ASK_EVERY: Duration = Duration::from_millis(400);

impl OverlapWatch {
    pub(super) fn new(turn: TurnId, context: Context) -> OverlapWatch {
        OverlapWatch {
            turn,
            context,
            voice: None,
            is_over: false,
            words: None,
        }
    }

    /// The ear's latest word about a voice beyond doubt.
    pub(super) fn heard(&mut self, sure: SureVoice, policy: &dyn Policy) {
        let voice = self.voice.get_or_insert_with(|| Voice {
            onset: sure.since,
            activity: Vec::new(),
            since: sure.since,
            next_decision: policy.next(Duration::ZERO).map(|after| sure.since + after),
            next_question: policy.reads_words().then_some(sure.since + ASK_EVERY),
            asked: sure.since,
        });
        let counted = |at: Tick| at.since(voice.onset);
        let interval = Interval {
            on: counted(sure.since),
            off: sure.until.map(counted),
        };
        match voice.activity.last_mut() {
            Some(last) if voice.since == sure.since => *last = interval,
            _ => voice.activity.push(interval),
        }
        if voice.next_decision.is_none() && voice.since != sure.since {
            // The policy had made up its mind about what it heard before.
            voice.onset = sure.since;
            voice.activity.clear();
            voice.activity.push(Interval {
                on: Duration::ZERO,
                off: sure.until.map(|until| until.since(sure.since)),
            });
            let next = policy.next(Duration::ZERO);
            voice.next_decision = next.map(|after| sure.since + after);
        }
        voice.since = sure.since;
    }

    /// When the policy is to be asked next, if there is anything to decide.
    pub(super) fn next_decision(&self) -> Option<Tick> {
        let voice = self.voice.as_ref().filter(|_| !self.is_over)?;
        voice.next_decision
    }

    /// The sound is over.
    pub(super) fn is_over(&mut self) {
        self.is_over = true;
    }

    /// When the recogniser is to be asked: as often as it answers while the caller goes on, and in a
    /// pause once.
    pub(super) fn next_question(&self) -> Option<Tick> {
        let voice = self.voice.as_ref().filter(|_| !self.is_over)?;
        let earliest = voice.next_question?;
        let end = voice.activity.last()?.off.map(|off| voice.onset + off);
        match end {
            None => Some(earliest),
            Some(end) => (end > voice.asked).then_some(end),
        }
    }

    /// The recogniser was asked.
    pub(super) fn asked(&mut self, now: Tick) {
        if let Some(voice) = &mut self.voice {
            (voice.next_question, voice.asked) = (None, now);
        }
    }

    /// The recogniser makes `text` of what was said so far. A word that it knew before keeps the time
    /// at which it was first known.
    pub(super) fn words_known(&mut self, now: Tick, text: &str) {
        let Some(voice) = &mut self.voice else {
            return;
        };
        voice.next_question = Some(voice.asked + ASK_EVERY);
        // A word that ends in a hyphen was cut off in the middle, and may become anything.
        let is_word = |word: &&str| word.contains(char::is_alphanumeric) && !word.ends_with('-');
        if text.starts_with('…') {
            // There are words, but a simulated recogniser does not know which.
            return;
        }
        let known_at = now.since(voice.onset);
        let words = self.words.get_or_insert_default();
        let before = std::mem::take(words);
        *words = text
            .split_whitespace()
            .filter(is_word)
            .enumerate()
            .map(|(index, text)| Word {
                known_at: before
                    .get(index)
                    .filter(|word| is_same(&word.text, text))
                    .map_or(known_at, |word| word.known_at),
                text: text.to_owned(),
            })
            .collect();
    }

    /// What is known at `now`, if there is anything to decide. Sets when the next decision is due.
    pub(super) fn look(&mut self, now: Tick, policy: &dyn Policy) -> Option<Heard<'_>> {
        let voice = self.voice.as_mut()?;
        let next = policy.next(now.since(voice.onset));
        voice.next_decision = next.map(|after| voice.onset + after);
        Some(Heard {
            since_onset: now.since(voice.onset),
            activity: &voice.activity,
            words: self.words.as_deref(),
            context: &self.context,
        })
    }
}

/// Whether two words differ in nothing but signs and capitals.
fn is_same(one: &str, other: &str) -> bool {
    let letters = |word: &str| -> String {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::policy::Decision;

    fn hear(watch: &mut OverlapWatch, sure: SureVoice) {
        watch.heard(sure, &Every50);
    }

    /// Asked every 50 ms.
    struct Every50;

    impl Policy for Every50 {
        fn name(&self) -> &'static str {
            "every 50 ms"
        }

        fn decide(&mut self, _: &Heard<'_>) -> Decision {
            unreachable!("nobody asks it")
        }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(ms: u64) -> Tick {
        Tick::from_ms(1_000 + ms)
    }

    fn watch() -> OverlapWatch {
        OverlapWatch::new(TurnId(1), Context::default())
    }

    fn voice(since: u64, until: Option<u64>) -> SureVoice {
        SureVoice {
            since: at(since),
            until: until.map(at),
        }
    }

    #[test]
    fn pauses_are_not_voice_and_noise_is_nothing() {
        let mut watch = watch();
        assert!(watch.next_decision().is_none() && watch.look(at(40), &Every50).is_none());
        hear(&mut watch, voice(0, None));
        assert_eq!(watch.next_decision(), Some(at(50)));
        hear(&mut watch, voice(0, Some(200)));
        let heard = watch.look(at(300), &Every50).expect("a voice");
        assert_eq!((heard.voiced(), heard.is_voiced()), (ms(200), false));
        hear(&mut watch, voice(350, None));
        let heard = watch.look(at(400), &Every50).expect("a voice");
        assert_eq!((heard.voiced(), heard.since_onset), (ms(250), ms(400)));
        assert_eq!(watch.next_decision(), Some(at(450)));
    }

    #[test]
    fn the_recogniser_is_asked_as_often_as_it_answers() {
        let mut watch = watch();
        hear(&mut watch, voice(0, None));
        assert_eq!(watch.next_question(), Some(at(400)));
        watch.asked(at(400));
        assert_eq!(watch.next_question(), None, "it is at it");
        hear(&mut watch, voice(0, Some(500)));
        watch.words_known(at(600), "Wait");
        assert_eq!(watch.next_question(), Some(at(500)), "once in a pause");
        watch.asked(at(600));
        watch.words_known(at(800), "Wait");
        assert_eq!(watch.next_question(), None, "nothing was said since");
    }

    #[test]
    fn a_word_is_known_since_it_was_first_printed() {
        let mut watch = watch();
        hear(&mut watch, voice(0, None));
        assert!(
            watch
                .look(at(100), &Every50)
                .expect("a voice")
                .words
                .is_none()
        );
        watch.words_known(at(500), "Wait");
        watch.words_known(at(900), "Wait, stop.");
        let heard = watch.look(at(1_000), &Every50).expect("a voice");
        let known: Vec<(u128, &str)> = heard
            .words
            .unwrap_or_default()
            .iter()
            .map(|word| (word.known_at.as_millis(), word.text.as_str()))
            .collect();
        assert_eq!(known, [(500, "Wait,"), (900, "stop.")]);
    }
}
