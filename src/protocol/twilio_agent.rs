//! Twilio Media Streams, the side of the agent.

use super::twilio::{Media, RATE, parse, payload, samples};
use super::{FromCaller, Junk, Message, ToCaller, beginning, text_of};
use crate::event::{Event, KEYS};
use serde::Deserialize;
use serde_json::json;

/// What Twilio says.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Caller {
    Start {
        start: Start,
    },
    Media {
        media: Media,
    },
    Dtmf {
        dtmf: Dtmf,
    },
    Stop,
    /// Marks, which were not asked for.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    stream_sid: String,
    media_format: MediaFormat,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat {
    encoding: String,
    sample_rate: u32,
}

/// A key that was pressed.
#[derive(Debug, Deserialize)]
struct Dtmf {
    digit: String,
}

/// The key that is named so.
fn key(named: &str) -> Result<char, Junk> {
    let mut letters = named.chars();
    match (letters.next(), letters.next()) {
        (Some(key), None) if KEYS.contains(key) => Ok(key),
        _ => Err(Junk(format!(
            "{:?} is no key of a telephone",
            beginning(named)
        ))),
    }
}

/// An agent that Twilio calls.
pub(crate) struct TwilioAgent {
    /// The stream's name; empty before it has started.
    stream: String,
}

impl TwilioAgent {
    pub(crate) fn new() -> TwilioAgent {
        TwilioAgent {
            stream: String::new(),
        }
    }
}

impl ToCaller for TwilioAgent {
    fn rate(&self) -> u32 {
        RATE
    }

    fn sound(&mut self, samples: &[f32]) -> Vec<Message> {
        let media = json!({
            "event": "media",
            "streamSid": self.stream,
            "media": { "payload": payload(samples) },
        });
        vec![Message::Text(media.to_string())]
    }

    fn clear(&mut self) -> Vec<Message> {
        let clear = json!({ "event": "clear", "streamSid": self.stream });
        vec![Message::Text(clear.to_string())]
    }

    fn event(&mut self, _: &Event) -> Vec<Message> {
        Vec::new()
    }

    fn goodbye(&mut self) -> Vec<Message> {
        Vec::new()
    }

    fn read(&mut self, message: Message) -> Result<(Vec<FromCaller>, Vec<Message>), Junk> {
        let Message::Text(text) = message else {
            return Err(Junk(
                "a binary message comes, and Twilio's are all text".into(),
            ));
        };
        let events = match parse(&text)? {
            Caller::Start { start } => {
                let format = start.media_format;
                if format.encoding != "audio/x-mulaw" || format.sample_rate != RATE {
                    return Err(Junk(
                        "the sound of a stream is audio/x-mulaw at 8000 Hz".into(),
                    ));
                }
                self.stream = text_of(&start.stream_sid);
                vec![FromCaller::Rate(RATE)]
            }
            Caller::Media { .. } if self.stream.is_empty() => {
                return Err(Junk("sound comes before the message start".into()));
            }
            Caller::Media { media } => vec![FromCaller::Sound(samples(&media)?)],
            Caller::Dtmf { dtmf } => vec![FromCaller::Key(key(&dtmf.digit)?)],
            Caller::Stop => vec![FromCaller::HungUp],
            Caller::Other => Vec::new(),
        };
        Ok((events, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::twilio::Twilio;
    use super::super::{FromAgent, ToAgent};
    use super::*;

    #[test]
    fn both_sides_understand_each_other() {
        let (mut twilio, mut agent) = (Twilio::new(1), TwilioAgent::new());
        let early = twilio.frame(&[0.0; 160]);
        assert!(agent.read(early).is_err());
        let hello = twilio.hello().into_iter();
        let told: Vec<FromCaller> = hello
            .flat_map(|m| agent.read(m).expect("understood").0)
            .collect();
        assert_eq!(told, [FromCaller::Rate(8_000)]);
        let (sound, _) = agent.read(twilio.frame(&[0.0; 160])).expect("understood");
        assert_eq!(sound, [FromCaller::Sound(vec![0.0; 160])]);
        let pressed = agent.read(twilio.key('7').expect("told"));
        assert_eq!(pressed, Ok((vec![FromCaller::Key('7')], vec![])));
        let odd = "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"77\"}}";
        assert!(agent.read(Message::Text(odd.into())).is_err());
        let said = agent.sound(&[0.0; 80]).remove(0);
        assert_eq!(twilio.read(said), Ok(vec![FromAgent::Sound(vec![0.0; 80])]));
        assert_eq!(
            twilio.read(agent.clear().remove(0)),
            Ok(vec![FromAgent::Clear])
        );
        let bye = twilio.goodbye().remove(0);
        assert_eq!(agent.read(bye).expect("understood").0, [FromCaller::HungUp]);
    }
}
