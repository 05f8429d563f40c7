//! The protocol `pcm`, the agent's side.

use super::pcm::{Agent, Caller, VERSION, Who, json, parse, samples};
use super::samples::to_pcm;
use super::{FromCaller, Junk, Message, ToCaller, beginning, has_words, rate};
use crate::audio::SAMPLE_RATE;
use crate::event::{Event, Mark, OutputNote, StageName};

/// An agent who speaks `pcm`.
pub(crate) struct PcmAgent {
    has_started: bool,
}

impl PcmAgent {
    pub(crate) fn new() -> PcmAgent {
        PcmAgent { has_started: false }
    }
}

impl ToCaller for PcmAgent {
    fn rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn sound(&mut self, samples: &[f32]) -> Vec<Message> {
        vec![Message::Binary(to_pcm(samples))]
    }

    fn clear(&mut self) -> Vec<Message> {
        vec![json(&Agent::Clear)]
    }

    fn event(&mut self, event: &Event) -> Vec<Message> {
        let Mark::Output { stage, note, .. } = &event.mark else {
            return Vec::new();
        };
        let (who, text) = match (stage, note) {
            (StageName::SpeechToText, OutputNote::Final { text, .. }) => (Who::Caller, text),
            (StageName::Clauses, OutputNote::Clause { text }) => (Who::Agent, text),
            _ => return Vec::new(),
        };
        if !has_words(text) {
            return Vec::new();
        }
        let text = text.to_string();
        vec![json(&Agent::Transcript { who, text })]
    }

    fn goodbye(&mut self) -> Vec<Message> {
        vec![json(&Agent::Stop)]
    }

    fn read(&mut self, message: Message) -> Result<(Vec<FromCaller>, Vec<Message>), Junk> {
        let text = match message {
            Message::Binary(_) if !self.has_started => {
                return Err(Junk("sound comes before the message start".into()));
            }
            Message::Binary(bytes) => {
                return Ok((vec![FromCaller::Sound(samples(&bytes)?)], Vec::new()));
            }
            Message::Text(text) => text,
        };
        Ok(match parse(&text)? {
            Caller::Start {
                protocol,
                rate: named,
                ..
            } => {
                if protocol != VERSION {
                    return Err(Junk(format!(
                        "{:?} is not spoken here, {VERSION} is",
                        beginning(&protocol)
                    )));
                }
                let own = json(&Agent::Start {
                    rate: u64::from(SAMPLE_RATE),
                });
                self.has_started = true;
                (vec![FromCaller::Rate(rate(named)?)], vec![own])
            }
            Caller::Stop => (vec![FromCaller::HungUp], Vec::new()),
            // No marks were asked for.
            Caller::Mark { .. } | Caller::Other => (Vec::new(), Vec::new()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::pcm::PcmCaller;
    use super::super::{FromAgent, ToAgent};
    use super::*;
    use crate::event::{SessionId, Tick, TurnId, VisitId};

    #[test]
    fn both_sides_understand_each_other() {
        let (mut caller, mut agent) = (PcmCaller::new(3), PcmAgent::new());
        let mut told = Vec::new();
        for message in caller.hello() {
            let (events, answers) = agent.read(message).expect("understood");
            told.extend(events);
            for answer in answers {
                assert_eq!(caller.read(answer), Ok(vec![FromAgent::Rate(16_000)]));
            }
        }
        assert_eq!(told, [FromCaller::Rate(16_000)]);
        let frame = caller.frame(&[0.25; 320]);
        assert_eq!(
            agent.read(frame),
            Ok((vec![FromCaller::Sound(vec![0.25; 320])], vec![]))
        );
        let mut hears = |messages: Vec<Message>| -> Vec<FromAgent> {
            let read = messages
                .into_iter()
                .map(|m| caller.read(m).expect("understood"));
            read.flatten().collect()
        };
        assert_eq!(hears(agent.sound(&[-0.5])), [FromAgent::Sound(vec![-0.5])]);
        assert_eq!(hears(agent.clear()), [FromAgent::Clear]);
        let output = |stage, note| Event {
            tick: Tick::ZERO,
            session: SessionId(0),
            turn: TurnId(1),
            mark: Mark::Output {
                stage,
                visit: VisitId(1),
                note,
            },
        };
        let heard = OutputNote::Final {
            text: "Hi.".into(),
            audio_ns: 0,
            sureness: None,
        };
        let heard = output(StageName::SpeechToText, heard);
        assert_eq!(hears(agent.event(&heard)), [FromAgent::Heard("Hi.".into())]);
        let said = OutputNote::Clause {
            text: "Yes.".into(),
        };
        let said = output(StageName::Clauses, said);
        assert_eq!(hears(agent.event(&said)), [FromAgent::Said("Yes.".into())]);
        assert_eq!(hears(agent.goodbye()), [FromAgent::HungUp]);
        let played = caller.played("m").expect("told");
        assert_eq!(agent.read(played), Ok((vec![], vec![])));
        let bye = caller.goodbye().remove(0);
        assert_eq!(agent.read(bye), Ok((vec![FromCaller::HungUp], vec![])));
    }

    #[test]
    fn sound_before_the_start_is_refused() {
        assert!(PcmAgent::new().read(Message::Binary(vec![0, 0])).is_err());
    }
}
