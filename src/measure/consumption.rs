//! What conversations used of what is paid for. Only integers are added up, so the order makes no difference.

use crate::event::{Event, Mark, OutputNote, ResilienceStep, StageName, VisitId};
use crate::scenario::cost::Prices;
use serde::{Deserialize, Serialize};

/// A token of English is about four characters.
const CHARACTERS_PER_TOKEN: f64 = 4.0;
const NS_PER_MINUTE: f64 = 60e9;

/// Sums over conversations. Work that was given up, and work that was done ahead of time, counts as far as it
/// was asked for, or put out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumption {
    /// Conversations, each of which is a call.
    pub calls: u64,
    /// Nanoseconds from the beginning of each call to its last event.
    pub call_ns: u64,
    /// Nanoseconds of utterances that were transcribed to their end, each counted once.
    pub transcribed_ns: u64,
    /// Requests to what answers; each sample of a vote is a request.
    pub requests: u64,
    /// Characters of answers, times the samples of a vote.
    pub answered_characters: u64,
    /// Characters of text of which there was sound in the end.
    pub spoken_characters: u64,
    /// Nanoseconds of speech that speech-to-speech models put out.
    pub direct_speech_ns: u64,
}

/// What conversations cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// The currency, as the scenario names it.
    pub currency: String,
    /// The mean cost of a call, in `currency`.
    pub per_call: f64,
    /// The mean cost of a minute of call, in `currency`.
    pub per_minute: f64,
}

impl Consumption {
    /// Adds a conversation.
    pub(super) fn add(&mut self, events: &[Event]) {
        let (mut asked, mut samples, mut fell_back) = (None::<VisitId>, 1_u64, false);
        for event in events {
            match &event.mark {
                Mark::Enter {
                    stage: StageName::Answer,
                    ..
                } => (asked, samples, fell_back) = (None, 1, false),
                // Work that begins again is still on the same question.
                Mark::Begun {
                    stage: StageName::Answer,
                    visit,
                } if !fell_back => {
                    let is_new = asked.replace(*visit) != Some(*visit);
                    self.requests += u64::from(is_new);
                }
                // A retry or a hedge is another request, if there was a first: nobody pays for one that was
                // refused at once.
                Mark::Cured {
                    stage: StageName::Answer,
                    by: ResilienceStep::Retried | ResilienceStep::Hedged,
                } => self.requests += u64::from(asked.is_some()),
                // A fallback has prices of its own.
                Mark::Cured {
                    stage: StageName::Answer,
                    by: ResilienceStep::FellBack,
                } => (samples, fell_back) = (0, true),
                // The vote is told behind the beginning of the answer, and before its first piece.
                Mark::Voted { samples: all, .. } if !fell_back => {
                    samples = u64::from(*all);
                    self.requests += samples.saturating_sub(1);
                }
                Mark::Output { stage, note, .. } => self.output(*stage, note, samples),
                _ => {}
            }
        }
        self.calls += 1;
        self.call_ns += events.last().map_or(0, |event| event.tick.0);
    }

    fn output(&mut self, stage: StageName, note: &OutputNote, samples: u64) {
        match (stage, note) {
            (StageName::SpeechToText, OutputNote::Final { audio_ns, .. }) => {
                self.transcribed_ns += audio_ns;
            }
            (StageName::Answer, OutputNote::Piece { text }) => {
                self.answered_characters += samples * text.chars().count() as u64;
            }
            (StageName::TextToSpeech, OutputNote::Audio { characters, .. }) => {
                self.spoken_characters += u64::from(*characters);
            }
            (StageName::SpeechToSpeech, OutputNote::Audio { audio_ns, .. }) => {
                self.direct_speech_ns += audio_ns;
            }
            _ => {}
        }
    }

    /// Whether sums that were read can be added up without overflowing: counts up to `count_max`, texts to
    /// 65,536 times that, and times to thirty years.
    pub(super) fn is_possible(&self, count_max: u64) -> bool {
        let counts = [self.calls, self.requests];
        let characters = [self.answered_characters, self.spoken_characters];
        let times = [self.call_ns, self.transcribed_ns, self.direct_speech_ns];
        counts.iter().all(|count| *count <= count_max)
            && characters.iter().all(|count| *count <= count_max << 16)
            && times.iter().all(|ns| *ns <= 1 << 60)
    }

    pub(super) fn merge(&mut self, other: &Consumption) {
        self.calls += other.calls;
        self.call_ns += other.call_ns;
        self.transcribed_ns += other.transcribed_ns;
        self.requests += other.requests;
        self.answered_characters += other.answered_characters;
        self.spoken_characters += other.spoken_characters;
        self.direct_speech_ns += other.direct_speech_ns;
    }

    /// What all of the work costs, by call and by minute of call; `None` if calls have no length.
    pub fn cost(&self, prices: &Prices) -> Option<Cost> {
        let minutes = |span_ns: u64| span_ns as f64 / NS_PER_MINUTE;
        let thousands = |count: f64| count / 1e3;
        let tokens = self.answered_characters as f64 / CHARACTERS_PER_TOKEN;
        let all = prices.stt_per_minute * minutes(self.transcribed_ns)
            + prices.answer_per_request * self.requests as f64
            + prices.answer_per_1k_tokens * thousands(tokens)
            + prices.tts_per_1k_characters * thousands(self.spoken_characters as f64)
            + prices.speech_to_speech_per_minute * minutes(self.direct_speech_ns)
            + prices.call_per_minute * minutes(self.call_ns);
        (self.call_ns > 0).then(|| Cost {
            currency: prices.currency.clone(),
            per_call: all / self.calls as f64,
            per_minute: all / minutes(self.call_ns),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{SessionEnd, SessionId, Tick, TurnId};

    fn conversation(marks: Vec<Mark>) -> Consumption {
        let event = |(second, mark)| Event {
            tick: Tick(second as u64 * 1_000_000_000),
            session: SessionId(0),
            turn: TurnId(1),
            mark,
        };
        let events: Vec<Event> = marks.into_iter().enumerate().map(event).collect();
        let mut sum = Consumption::default();
        sum.add(&events);
        sum
    }

    fn output(stage: StageName, note: OutputNote) -> Mark {
        let visit = VisitId(1);
        Mark::Output { stage, visit, note }
    }

    fn asked(visit: u32) -> Mark {
        Mark::Begun {
            stage: StageName::Answer,
            visit: VisitId(visit),
        }
    }

    fn piece(text: &str) -> Mark {
        output(StageName::Answer, OutputNote::Piece { text: text.into() })
    }

    #[test]
    fn what_was_put_out_and_asked_is_added_up_whether_or_not_it_was_wanted() {
        let (characters, audio_ns) = (7, 2_000_000_000);
        let text = "so".into();
        let marks = vec![
            output(
                StageName::SpeechToText,
                OutputNote::Final {
                    text,
                    audio_ns,
                    sureness: None,
                },
            ),
            asked(2),
            asked(2),
            piece("an answer "),
            Mark::SpeculationDropped,
            asked(3),
            output(
                StageName::TextToSpeech,
                OutputNote::Audio {
                    audio_ns,
                    characters,
                },
            ),
            Mark::SessionEnded {
                cause: SessionEnd::Finished,
            },
        ];
        let expected = Consumption {
            calls: 1,
            call_ns: 7_000_000_000,
            transcribed_ns: 2_000_000_000,
            requests: 2,
            answered_characters: 10,
            spoken_characters: 7,
            direct_speech_ns: 0,
        };
        assert_eq!(conversation(marks), expected);
    }

    #[test]
    fn each_sample_of_a_vote_costs() {
        let voted = Mark::Voted {
            samples: 3,
            agree: Some(2),
            is_right: None,
        };
        let sum = conversation(vec![asked(1), voted, piece("four")]);
        assert_eq!((sum.requests, sum.answered_characters), (3, 12));
    }

    #[test]
    fn the_cost_is_prices_times_sums() {
        let mut sum = Consumption {
            calls: 1,
            call_ns: 60_000_000_000,
            transcribed_ns: 30_000_000_000,
            requests: 4,
            answered_characters: 2_000,
            spoken_characters: 500,
            direct_speech_ns: 15_000_000_000,
        };
        sum.merge(&sum.clone());
        let prices = Prices {
            currency: "EUR".into(),
            stt_per_minute: 0.5,
            answer_per_1k_tokens: 2.0,
            answer_per_request: 0.25,
            tts_per_1k_characters: 4.0,
            speech_to_speech_per_minute: 8.0,
            call_per_minute: 16.0,
            ..Prices::default()
        };
        let cost = sum.cost(&prices).expect("a call");
        let each = 0.25 + 1.0 + 1.0 + 2.0 + 2.0 + 16.0;
        assert_eq!((cost.per_call, cost.per_minute), (each, each));
        assert_eq!(Consumption::default().cost(&prices), None);
    }
}
