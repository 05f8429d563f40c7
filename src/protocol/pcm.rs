//! The protocol `pcm`, the caller's side: 16-bit PCM as binary messages, and a few small JSON messages. The guide tells
//! it to those who build an agent: `voicesim guide probe`.

use super::samples::{from_pcm, to_pcm};
use super::{FromAgent, Junk, Message, ToAgent, beginning, error_of, rate, text_of};
use crate::audio::SAMPLE_RATE;
use serde::{Deserialize, Serialize};

/// The version of the protocol that is spoken.
pub(super) const VERSION: &str = "voicesim.pcm/1";

/// What a caller says in JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Caller {
    /// Before any sound.
    Start {
        protocol: String,
        /// The rate of the caller's sound, in Hz.
        rate: u64,
        /// The number of the call, from one.
        call: u32,
    },
    /// What was sent before the mark has been played, or cleared.
    Mark { name: String },
    /// The caller hangs up.
    Stop,
    /// What a later version may say.
    #[serde(other)]
    Other,
}

/// What an agent says in JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Agent {
    /// The rate of the agent's sound, in Hz; that of the caller's unless it is told before any sound.
    Start { rate: u64 },
    /// What has not been played is not to be heard.
    Clear,
    /// To be told when what was sent so far has been played.
    Mark { name: String },
    /// What was said, by whom.
    Transcript { who: Who, text: String },
    /// Something went wrong.
    Error { message: String },
    /// The agent hangs up.
    Stop,
    /// What a later version may say.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Who {
    Caller,
    Agent,
}

/// A message in JSON.
pub(super) fn json(message: &impl Serialize) -> Message {
    // Names and texts are always JSON.
    Message::Text(serde_json::to_string(message).unwrap_or_default())
}

/// Reads a message in JSON.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Junk> {
    serde_json::from_str(text).map_err(|error| {
        Junk(format!(
            "{:?} is no message of the protocol pcm: {error}",
            beginning(text)
        ))
    })
}

pub(super) fn samples(bytes: &[u8]) -> Result<Vec<f32>, Junk> {
    from_pcm(bytes).ok_or_else(|| {
        Junk(format!(
            "{} bytes are no 16-bit PCM: half a sample is left over",
            bytes.len()
        ))
    })
}

/// A caller who speaks `pcm`.
pub(crate) struct PcmCaller {
    call: u32,
    has_sounded: bool,
}

impl PcmCaller {
    pub(crate) fn new(call: u32) -> PcmCaller {
        PcmCaller {
            call,
            has_sounded: false,
        }
    }
}

impl ToAgent for PcmCaller {
    fn rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn hello(&mut self) -> Vec<Message> {
        vec![json(&Caller::Start {
            protocol: VERSION.into(),
            rate: u64::from(SAMPLE_RATE),
            call: self.call,
        })]
    }

    fn frame(&mut self, samples: &[f32]) -> Message {
        Message::Binary(to_pcm(samples))
    }

    fn played(&mut self, mark: &str) -> Option<Message> {
        Some(json(&Caller::Mark { name: mark.into() }))
    }

    fn goodbye(&mut self) -> Vec<Message> {
        vec![json(&Caller::Stop)]
    }

    fn read(&mut self, message: Message) -> Result<Vec<FromAgent>, Junk> {
        let text = match message {
            Message::Binary(bytes) => {
                self.has_sounded = true;
                return Ok(vec![FromAgent::Sound(samples(&bytes)?)]);
            }
            Message::Text(text) => text,
        };
        Ok(match parse(&text)? {
            Agent::Start { rate: named } => {
                if self.has_sounded {
                    return Err(Junk("the rate is told behind the first sound".into()));
                }
                vec![FromAgent::Rate(rate(named)?)]
            }
            Agent::Clear => vec![FromAgent::Clear],
            Agent::Mark { name } => vec![FromAgent::Mark(text_of(&name))],
            Agent::Transcript { who, text } => vec![match who {
                Who::Caller => FromAgent::Heard(text_of(&text)),
                Who::Agent => FromAgent::Said(text_of(&text)),
            }],
            Agent::Error { message } => vec![FromAgent::Failed(error_of(&message))],
            Agent::Stop => vec![FromAgent::HungUp],
            Agent::Other => Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<FromAgent>, Junk> {
        PcmCaller::new(1).read(Message::Text(text.into()))
    }

    #[test]
    fn an_agent_is_understood() {
        let one = |text: &str| read(text).expect("understood").remove(0);
        assert_eq!(
            one("{\"type\":\"start\",\"rate\":24000}"),
            FromAgent::Rate(24_000)
        );
        assert_eq!(one("{\"type\":\"clear\"}"), FromAgent::Clear);
        assert_eq!(
            one("{\"type\":\"mark\",\"name\":\"a\"}"),
            FromAgent::Mark("a".into())
        );
        let heard =
            "{\"type\":\"transcript\",\"who\":\"caller\",\"text\":\"Hello.\",\"final\":true}";
        assert_eq!(one(heard), FromAgent::Heard("Hello.".into()));
        assert_eq!(one("{\"type\":\"stop\"}"), FromAgent::HungUp);
        assert_eq!(
            read("{\"type\":\"of a later version\",\"n\":1}"),
            Ok(vec![])
        );
        let sound = PcmCaller::new(1).read(Message::Binary(vec![0, 64]));
        assert_eq!(sound, Ok(vec![FromAgent::Sound(vec![0.5])]));
    }

    #[test]
    fn junk_is_refused_and_named() {
        for (junk, says) in [
            ("hello", "\"hello\" is no message of the protocol pcm"),
            (
                "{\"type\":\"start\",\"rate\":11025}",
                "11025 is none of the rates",
            ),
            ("{\"rate\":24000}", "missing field `type`"),
        ] {
            let said = read(junk).expect_err("junk").to_string();
            assert!(said.contains(says), "{said}");
        }
        let odd = PcmCaller::new(1).read(Message::Binary(vec![0; 3]));
        assert!(odd.expect_err("odd").to_string().contains("half a sample"));
        let long = format!("\u{1b}[31m{}", "x".repeat(100_000));
        let said = read(&long).expect_err("junk").to_string();
        assert!(said.len() < 300 && !said.contains('\u{1b}'), "{said}");
    }

    #[test]
    fn a_rate_behind_the_first_sound_is_refused() {
        let mut caller = PcmCaller::new(1);
        caller.read(Message::Binary(vec![0, 0])).expect("sound");
        let late = caller.read(Message::Text("{\"type\":\"start\",\"rate\":24000}".into()));
        assert!(late.is_err());
    }
}
