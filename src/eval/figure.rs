//! What is counted of the turns of a suite.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A step of an agent. Reports have them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    SpeechToText,
    Endpointing,
    Search,
    Answer,
    Interruption,
    TextToSpeech,
    Conversation,
}

impl Step {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Step::SpeechToText => "speech to text",
            Step::Endpointing => "endpointing",
            Step::Search => "search",
            Step::Answer => "answer",
            Step::Interruption => "interruption",
            Step::TextToSpeech => "text to speech",
            Step::Conversation => "conversation",
        }
    }
}

/// What a figure is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share of turns, 0 to 1.
    Share,
    /// Errors for each word, 0 or more.
    Rate,
    Milliseconds,
    Words,
}

macro_rules! figures {
    ($($(#[$doc:meta])* $figure:ident = $name:literal, $step:ident, $unit:ident, $said:literal;)*) => {
        /// A figure. Of each of them more is worse.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Figure {
            $($(#[$doc])* $figure,)*
        }

        impl Figure {
            /// Every figure, in the order of reports.
            pub const ALL: &[Figure] = &[$(Figure::$figure),*];

            /// The name in files and limits.
            pub const fn name(self) -> &'static str {
                match self { $(Figure::$figure => $name,)* }
            }

            /// The step that it tells of.
            pub const fn step(self) -> Step {
                match self { $(Figure::$figure => Step::$step,)* }
            }

            /// What it is told in.
            pub const fn unit(self) -> Unit {
                match self { $(Figure::$figure => Unit::$unit,)* }
            }

            /// What it is called in reports.
            pub const fn said(self) -> &'static str {
                match self { $(Figure::$figure => $said,)* }
            }
        }
    };
}

figures! {
    /// Wrong words for each word that was said, as reports count them.
    WordErrorRate = "word_error_rate", SpeechToText, Rate, "wrong words";
    /// Wrong words for each word that was said, in texts as they are written: only case and punctuation do not count.
    RawWordErrorRate = "raw_word_error_rate", SpeechToText, Rate, "wrong words, raw";
    /// Wrong names and numbers for each that was said.
    NameErrorRate = "name_error_rate", SpeechToText, Rate, "wrong names and numbers";
    /// The share of sounds without a word (`text = ""`) in which words were heard.
    InventedShare = "invented_share", SpeechToText, Share, "words heard in sounds without any";
    /// The share of questions that were answered before their end.
    CutOffShare = "cut_off_share", Endpointing, Share, "cut off";
    /// Time from the end of the question to the decision that it is over.
    EndOfTurnDelay = "end_of_turn_delay", Endpointing, Milliseconds, "wait for the endpoint";
    /// The share of questions whose right place in the documents did not come first: 1 - hit@1.
    MissAt1 = "miss_at_1", Search, Share, "right place not first (1 - hit@1)";
    /// The share of questions whose right place was not among the first five: 1 - hit@5.
    MissAt5 = "miss_at_5", Search, Share, "not among five (1 - hit@5)";
    /// The share of questions whose answer is in the documents, and that were refused.
    FalseRefusalShare = "false_refusal_share", Search, Share, "refused for nothing";
    /// The share of questions whose answer is not in the documents, and for which one was found.
    MissedRefusalShare = "missed_refusal_share", Search, Share, "not refused";
    /// The share of wrong answers, of questions of which a right one is known.
    WrongShare = "wrong_share", Answer, Share, "wrong answers";
    /// Words of an answer as it was spoken: nobody listens for long.
    AnswerWords = "answer_words", Answer, Words, "words of an answer";
    /// Words of its sentences: long ones are hard to follow by ear.
    SentenceWords = "sentence_words", Answer, Words, "words of a sentence";
    /// The share of interruptions for which the agent did not stop.
    MissedStopShare = "missed_stop_share", Interruption, Share, "interruptions missed";
    /// The share of sounds that ask for nothing for which it did.
    FalseStopShare = "false_stop_share", Interruption, Share, "stopped for nothing";
    /// Time from the beginning of an interruption to the agent's silence.
    StopDelay = "stop_delay", Interruption, Milliseconds, "time to stop";
    /// Time from a clause to its first sound.
    FirstAudio = "first_audio", TextToSpeech, Milliseconds, "first audio";
    /// Words of an answer that the agent's own recogniser does not hear in its sound.
    SpeechErrorRate = "speech_error_rate", TextToSpeech, Rate, "words that are not understood";
    /// The share of answers whose sound is clipped, silent, or cut off at its end.
    BrokenSoundShare = "broken_sound_share", TextToSpeech, Share, "broken sound";
    /// The share of questions without an answer.
    UnansweredShare = "unanswered_share", Conversation, Share, "not answered";
    /// Time from the end of the question to the first sound of the answer.
    E2eLatency = "e2e_latency", Conversation, Milliseconds, "end to end";
    /// Time for which both speak.
    TalkOver = "talk_over", Conversation, Milliseconds, "both speak";
    /// Silence where somebody was to speak.
    DeadAir = "dead_air", Conversation, Milliseconds, "dead air";
}

impl Figure {
    /// The figures that word errors tell.
    pub(super) const OF_WORDS: [Figure; 3] = [
        Figure::WordErrorRate,
        Figure::RawWordErrorRate,
        Figure::NameErrorRate,
    ];

    /// The figure of that name; `None` if there is none.
    pub fn named(name: &str) -> Option<Figure> {
        Figure::ALL.iter().copied().find(|it| it.name() == name)
    }

    /// A value as people read it.
    pub fn shown(self, value: f64) -> String {
        match self.unit() {
            Unit::Share | Unit::Rate => format!("{:.1} %", 100.0 * value),
            Unit::Milliseconds => format!("{value:.0} ms"),
            Unit::Words => format!("{value:.1}"),
        }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Figure, D::Error> {
        let name = String::deserialize(deserializer)?;
        Figure::named(&name).ok_or_else(|| D::Error::custom(format!("there is no figure {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;

    #[test]
    fn figures_stand_in_the_order_of_the_steps_and_are_found_by_their_names() {
        assert!(Figure::ALL.is_sorted_by_key(|figure| figure.step()));
        for figure in Figure::ALL {
            assert_eq!(Figure::named(figure.name()), Some(*figure));
            let read: Result<Figure, serde::de::value::Error> =
                Figure::deserialize(figure.name().into_deserializer());
            assert_eq!(read, Ok(*figure));
        }
        assert_eq!(Figure::named("wer"), None);
    }
}
