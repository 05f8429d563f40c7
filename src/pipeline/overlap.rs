//! A sound over the agent, as the interruption policy gets to see it: pure arithmetic on ticks.

use crate::event::{Tick, TurnId};
use crate::interrupt::heard::{Context, Heard, Interval, Word};
use crate::interrupt::lexicon::{asks_for_silence, class, have_content};
use crate::interrupt::policy::Policy;
use crate::interrupt::transcript;
use crate::stage::{SureVoice, Transcript};
use std::time::Duration;

/// Keeps count of a sound while it lasts. It counts from the first voice beyond doubt: before that it
/// is a noise, about which there is nothing to decide.
pub(super) struct OverlapWatch {
    pub(super) turn: TurnId,
    onset: Tick,
    /// What the agent knew when the sound began.
    context: Context,
    voice: Option<Voice>,
    /// When the sound was last voiced, once it is over and only its words are still to come.
    ended: Option<Tick>,
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

/// A sound with at least this many words with content is no misheard back-channel.
const LATE_CONTENT_MIN: usize = 2;

/// The recogniser is asked this often what was said so far, but never before it has answered.
const ASK_EVERY: Duration = Duration::from_millis(400);

impl OverlapWatch {
    pub(super) fn new(turn: TurnId, onset: Tick, context: Context) -> OverlapWatch {
        OverlapWatch {
            turn,
            onset,
            context,
            voice: None,
            ended: None,
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
        let voice = self.voice.as_ref().filter(|_| self.ended.is_none())?;
        voice.next_decision
    }

    /// The sound is over.
    pub(super) fn is_over(&mut self, last_voiced: Tick) {
        self.ended = Some(last_voiced);
    }

    /// When the recogniser is to be asked: as often as it answers while the caller goes on, and in a
    /// pause once.
    pub(super) fn next_question(&self) -> Option<Tick> {
        let voice = self.voice.as_ref().filter(|_| self.ended.is_none())?;
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

    /// What the recogniser makes of the sound so far. A word that it knew before keeps the time at which it was first
    /// known. Returns whether words are known now.
    pub(super) fn words_known(&mut self, now: Tick, said: &Transcript) -> bool {
        if let Some(voice) = &mut self.voice {
            voice.next_question = Some(voice.asked + ASK_EVERY);
        }
        if said.text.starts_with('…') {
            // There are words, but a simulated recogniser does not know which.
            return false;
        }
        let texts = transcript::words(&said.text, said.sureness);
        let is_request = asks_for_silence(texts.iter().copied());
        if let (None, Some(ended), true) = (&self.voice, self.ended, is_request) {
            // The ear was never sure of a voice, and the words are beyond doubt.
            self.voice = Some(Voice::spoken(self.onset, ended));
        }
        let Some(voice) = &self.voice else {
            return false;
        };
        let known_at = now.since(voice.onset);
        let words = self.words.get_or_insert_default();
        let before = std::mem::take(words);
        let numbered = texts.into_iter().enumerate();
        *words = numbered
            .map(|(index, text)| Word {
                known_at: before
                    .get(index)
                    .filter(|word| transcript::is_same_word(&word.text, text))
                    .map_or(known_at, |word| word.known_at),
                text: text.to_owned(),
            })
            .collect();
        !words.is_empty()
    }

    /// Whether the words are worth a decision though the sound is over. One word that asks for nothing is more often a
    /// back-channel that was misheard: "mm-hmm" comes out of a noise as "I'm".
    pub(super) fn is_worth_a_late_decision(&self) -> bool {
        let words = || self.words.iter().flatten().map(|word| word.text.as_str());
        let content = words().filter(|word| class(word).is_content()).count();
        asks_for_silence(words()) || content >= LATE_CONTENT_MIN && have_content(words())
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

impl Voice {
    /// A voice that is known by its words alone.
    fn spoken(onset: Tick, ended: Tick) -> Voice {
        Voice {
            onset,
            activity: vec![Interval {
                on: Duration::ZERO,
                off: Some(ended.since(onset)),
            }],
            since: onset,
            next_decision: None,
            next_question: None,
            asked: onset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::heard::Evidence;
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
        OverlapWatch::new(TurnId(1), at(0), Context::default())
    }

    fn said(text: &str) -> Transcript {
        Transcript {
            text: text.into(),
            sureness: None,
            is_final: false,
            audio: Duration::ZERO,
        }
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
        watch.words_known(at(600), &said("Wait"));
        assert_eq!(watch.next_question(), Some(at(500)), "once in a pause");
        watch.asked(at(600));
        watch.words_known(at(800), &said("Wait"));
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
        watch.words_known(at(500), &said("Wait"));
        watch.words_known(at(900), &said("Wait, stop."));
        let heard = watch.look(at(1_000), &Every50).expect("a voice");
        let known: Vec<(u128, &str)> = heard
            .words
            .unwrap_or_default()
            .iter()
            .map(|word| (word.known_at.as_millis(), word.text.as_str()))
            .collect();
        assert_eq!(known, [(500, "Wait,"), (900, "stop.")]);
    }

    #[test]
    fn nothing_printed_is_no_words_and_gibberish_is_nothing_printed() {
        let mut watch = watch();
        hear(&mut watch, voice(0, None));
        for text in ["", "(dog barking)", "woof woof woof woof"] {
            assert!(!watch.words_known(at(600), &said(text)), "{text}");
            let heard = watch.look(at(700), &Every50).expect("a voice");
            assert_eq!(heard.evidence(), Evidence::SoundBeforeWords);
        }
        let unsure = Transcript {
            sureness: Some(0.3),
            ..said("Bye.")
        };
        assert!(!watch.words_known(at(800), &unsure));
        assert!(watch.words_known(at(900), &said("Wait")));
        let heard = watch.look(at(1_000), &Every50).expect("a voice");
        assert_eq!(heard.evidence(), Evidence::Words);
    }

    #[test]
    fn a_request_that_the_ear_was_never_sure_of_is_still_looked_at() {
        let mut watch = watch();
        watch.is_over(at(300));
        assert!(!watch.words_known(at(900), &said("Bye now")));
        assert!(watch.words_known(at(900), &said("Stop.")));
        let heard = watch.look(at(900), &Every50).expect("a voice");
        assert_eq!((heard.voiced(), heard.silence()), (ms(300), ms(600)));
    }

    #[test]
    fn a_single_word_that_asks_for_nothing_settles_nothing_late() {
        let mut watch = watch();
        hear(&mut watch, voice(0, Some(200)));
        for (text, is_worth) in [
            ("I'm...", false),
            ("Yeah, okay.", false),
            ("Stop.", true),
            ("Can you repeat that?", true),
        ] {
            watch.words_known(at(900), &said(text));
            assert_eq!(watch.is_worth_a_late_decision(), is_worth, "{text}");
        }
    }
}
