//! What a model sees of a sound: numbers, each with a name and a phrase for people.
//!
//! Training, replay and live calls all come through [`features`], so they cannot see different
//! things. It allocates nothing.

use super::heard::{Context, Heard};
use super::lexicon::{self, Class};
use std::time::Duration;

/// One number that a model sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// The name in the file of weights; names of seconds end in `_s`.
    pub name: &'static str,
    /// The phrase that stands before the number in an explanation.
    pub phrase: &'static str,
}

/// How many features there are.
pub const COUNT: usize = FEATURES.len();
/// How many features, the first ones, need no words.
pub const WITHOUT_WORDS: usize = 27;
/// The value of every feature, in the order of [`FEATURES`].
pub type Values = [f64; COUNT];

const fn feature(name: &'static str, phrase: &'static str) -> Feature {
    Feature { name, phrase }
}

/// Every feature: first the sound, then the context, then the words.
pub const FEATURES: [Feature; 54] = [
    feature("time_s", "seconds since the onset"),
    feature("voiced_s", "seconds of voice"),
    feature("is_voiced", "still voiced"),
    feature("silence_s", "seconds of silence now"),
    feature("runs", "stretches of voice"),
    feature("current_run_s", "seconds of voice in this stretch"),
    feature("first_run_s", "seconds of voice in the first stretch"),
    feature("longest_pause_s", "seconds of pause in between"),
    feature("agent_elapsed_s", "seconds the agent has talked"),
    feature("agent_words", "words of the agent"),
    feature("agent_words_per_s", "words a second of the agent"),
    feature("agent_silence_s", "seconds of silence of the agent"),
    feature("sentence_elapsed_s", "seconds into the agent's sentence"),
    feature("sentence_done", "the agent's sentence had ended"),
    feature("sentence_is_question", "the agent asks a question"),
    feature("previous_was_question", "the agent asked a question before"),
    feature("caller_gap_s", "seconds since the caller last spoke"),
    feature(
        "caller_talk60_s",
        "seconds of the caller in the last minute",
    ),
    feature("agent_talk60_s", "seconds of the agent in the last minute"),
    feature("caller_sounds30", "sounds of the caller in half a minute"),
    feature("caller_had_floor", "the caller had the floor before"),
    feature("tail_leaves_open", "the agent's last word leaves it open"),
    feature("tail_hesitates", "the agent hesitates"),
    feature("tail_agrees", "the agent's last word agrees"),
    feature("tail_you_know", "the agent ends in \"you know\""),
    feature("tail_asks", "question words of the agent just before"),
    feature("tail_letters", "letters a word of the agent"),
    feature("words", "words known"),
    feature("content_words", "words with content"),
    feature("back_channels", "words like \"mm-hmm\""),
    feature("agreements", "words like \"yeah\""),
    feature("negations", "words like \"no\""),
    feature("surprises", "words like \"oh\""),
    feature("hesitations", "words like \"uh\""),
    feature("connectives", "words like \"but\""),
    feature("openers", "words like \"I\" and \"it's\""),
    feature("questions", "words like \"what\""),
    feature("hard_words", "words like \"stop\""),
    feature("other_words", "other words"),
    feature("first_back_channel", "first word like \"mm-hmm\""),
    feature("first_agreement", "first word like \"yeah\""),
    feature("first_negation", "first word like \"no\""),
    feature("first_surprise", "first word like \"oh\""),
    feature("first_hesitation", "first word like \"uh\""),
    feature("first_connective", "first word like \"but\""),
    feature("first_opener", "first word like \"I\""),
    feature("first_question", "first word like \"what\""),
    feature("first_other", "first word of another kind"),
    feature("last_is_content", "the last word has content"),
    feature(
        "last_continues",
        "the last word goes on, as \"but\" or \"I\"",
    ),
    feature("letters", "letters known"),
    feature("last_letters", "letters of the last word"),
    feature("since_word_s", "seconds since the last word"),
    feature("voice_per_word_s", "seconds of voice for each word"),
];

/// Seconds since a word that never came.
const NO_WORD_S: f64 = 9.0;

/// The features of a sound at this moment. Without a recogniser, the features of words are those of a sound without
/// words.
pub fn features(heard: &Heard<'_>) -> Values {
    let mut values = [0.0; COUNT];
    let mut rest = values.iter_mut();
    let mut put = |value: f64| {
        if let Some(place) = rest.next() {
            *place = value;
        }
    };
    put_sound(heard, &mut put);
    put_context(heard.context, &mut put);
    put_words(heard, &mut put);
    values
}

fn put_sound(heard: &Heard<'_>, put: &mut impl FnMut(f64)) {
    let stretches = Stretches::of(heard);
    put(heard.since_onset.as_secs_f64());
    put(heard.voiced().as_secs_f64());
    put(flag(heard.is_voiced()));
    put(heard.silence().as_secs_f64());
    put(stretches.count);
    let current = if heard.is_voiced() {
        stretches.current
    } else {
        Duration::ZERO
    };
    put(current.as_secs_f64());
    put(stretches.first.as_secs_f64());
    put(stretches.longest_pause.as_secs_f64());
}

/// Shorter pauses lie inside words and coughs: how a detector cuts them says nothing.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// Stretches of voice with real pauses between them.
#[derive(Default)]
struct Stretches {
    count: f64,
    /// The length of the first stretch so far.
    first: Duration,
    current: Duration,
    longest_pause: Duration,
}

impl Stretches {
    fn of(heard: &Heard<'_>) -> Stretches {
        let mut stretches = Stretches::default();
        let (mut began, mut ended) = (Duration::ZERO, Duration::ZERO);
        for run in heard.activity {
            let pause = run.on.saturating_sub(ended);
            if stretches.count == 0.0 || pause >= PAUSE_MIN {
                if stretches.count > 0.0 {
                    stretches.longest_pause = stretches.longest_pause.max(pause);
                }
                stretches.count += 1.0;
                began = run.on;
            }
            ended = run.off.unwrap_or(heard.since_onset);
            stretches.current = ended.saturating_sub(began);
            if stretches.count == 1.0 {
                stretches.first = stretches.current;
            }
        }
        stretches
    }
}

fn put_context(context: &Context, put: &mut impl FnMut(f64)) {
    put(context.agent_elapsed_s);
    put(f64::from(context.agent_words));
    put(f64::from(context.agent_words) / context.agent_elapsed_s.max(0.3));
    put(context.agent_silence_s);
    put(context.sentence_elapsed_s);
    put(flag(context.sentence_done));
    put(flag(context.sentence_is_question));
    put(flag(context.previous_was_question));
    put(context.caller_gap_s);
    put(context.caller_talk60_s);
    put(context.agent_talk60_s);
    put(f64::from(context.caller_sounds30));
    put(flag(context.caller_had_floor));

    let tail = || context.agent_tail.split_whitespace().rev().take(8);
    let last = tail().next().unwrap_or("");
    let class = lexicon::class(last);
    put(flag(lexicon::leaves_open(last)));
    put(flag(class == Class::Hesitation));
    put(flag(matches!(class, Class::Agreement | Class::BackChannel)));
    put(flag(tail().take(2).eq(["know", "you"])));
    let asks = |word: &&str| lexicon::class(word) == Class::Question;
    put(tail().take(4).filter(asks).count() as f64);
    let letters: usize = tail().map(str::len).sum();
    put(letters as f64 / tail().count().max(1) as f64);
}

fn put_words(heard: &Heard<'_>, put: &mut impl FnMut(f64)) {
    let all = heard.words.unwrap_or_default();
    let known = || all.iter().filter(|word| word.known_at <= heard.since_onset);
    let mut of_class = [0.0; Class::ALL.len()];
    let (mut count, mut content, mut letters) = (0.0, 0.0, 0.0);
    let (mut first, mut last) = (None, None);
    let is_acknowledgement = lexicon::acknowledges(known().map(|word| word.text.as_ref()));
    for word in known() {
        let class = match lexicon::class(&word.text) {
            class if class.is_content() && is_acknowledgement => Class::Agreement,
            class => class,
        };
        of_class[class as usize] += 1.0;
        count += 1.0;
        content += flag(class.is_content());
        letters += word.text.len() as f64;
        first = first.or(Some(class));
        last = Some((class, word));
    }
    put(count);
    put(content);
    of_class.into_iter().for_each(&mut *put);
    for class in Class::ALL.into_iter().filter(|class| *class != Class::Hard) {
        put(flag(first == Some(class)));
    }
    let last_class = last.map(|(class, _)| class);
    put(flag(last_class.is_some_and(Class::is_content)));
    put(flag(last_class.is_some_and(|class| {
        use Class::*;
        matches!(class, Hesitation | Connective | Opener | Question)
    })));
    put(letters);
    put(last.map_or(0.0, |(_, word)| word.text.len() as f64));
    put(last.map_or(NO_WORD_S, |(_, word)| {
        heard
            .since_onset
            .saturating_sub(word.known_at)
            .as_secs_f64()
    }));
    put(heard.voiced().as_secs_f64() / (count + 0.5));
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::heard::{Interval, Word};

    fn value(values: &Values, name: &str) -> f64 {
        let index = FEATURES.iter().position(|feature| feature.name == name);
        values[index.expect("a feature of that name")]
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn check(heard: &Heard<'_>, expected: &[(&str, f64)]) {
        let values = features(heard);
        for (name, expected) in expected {
            let got = value(&values, name);
            assert!(
                (got - expected).abs() < 1e-9,
                "{name} is {got}, not {expected}"
            );
        }
    }

    #[test]
    fn names_are_told_apart_and_those_without_words_come_first() {
        for (index, feature) in FEATURES.iter().enumerate() {
            let first = FEATURES.iter().position(|other| other.name == feature.name);
            assert_eq!(first, Some(index), "{} is there twice", feature.name);
        }
        assert_eq!(FEATURES[WITHOUT_WORDS].name, "words");
    }

    #[test]
    fn the_sound_the_context_and_the_words_are_seen() {
        let context = Context {
            agent_elapsed_s: 4.0,
            agent_words: 10,
            sentence_is_question: true,
            agent_tail: "so that is what people mean you know".to_owned(),
            ..Context::default()
        };
        let activity = [
            Interval {
                on: ms(0),
                off: Some(ms(300)),
            },
            Interval {
                on: ms(550),
                off: None,
            },
        ];
        let word = |known_at, text: &str| Word {
            known_at: ms(known_at),
            text: text.to_owned(),
        };
        let words = [word(500, "Yeah,"), word(700, "but"), word(900, "later")];
        let heard = Heard {
            since_onset: ms(800),
            activity: &activity,
            words: Some(&words),
            context: &context,
        };
        check(
            &heard,
            &[
                ("time_s", 0.8),
                ("voiced_s", 0.55),
                ("runs", 2.0),
                ("current_run_s", 0.25),
                ("first_run_s", 0.3),
                ("longest_pause_s", 0.25),
                ("agent_words_per_s", 2.5),
                ("sentence_is_question", 1.0),
                ("tail_you_know", 1.0),
                ("words", 2.0),
                ("content_words", 1.0),
                ("first_agreement", 1.0),
                ("last_continues", 1.0),
                ("since_word_s", 0.1),
            ],
        );
    }

    #[test]
    fn pauses_inside_a_cough_do_not_count() {
        let run = |on, off| Interval {
            on: ms(on),
            off: Some(ms(off)),
        };
        let heard = Heard {
            since_onset: ms(500),
            activity: &[run(0, 208), run(224, 432)],
            words: None,
            context: &Context::default(),
        };
        check(
            &heard,
            &[("runs", 1.0), ("first_run_s", 0.432), ("silence_s", 0.068)],
        );
    }
}
