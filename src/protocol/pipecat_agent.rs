//! pipecat's frames over WebSocket, the bot's side.

use super::pipecat::{
    InterruptionFrame, Kind, TextFrame, TranscriptionFrame, audio, framed, samples, unframed,
};
use super::{FromCaller, Junk, Message, ToCaller, has_words, rate};
use crate::audio::SAMPLE_RATE;
use crate::event::{Event, Mark, OutputNote, StageName};

/// A bot.
#[derive(Debug, Default)]
pub(crate) struct PipecatBot {
    frames: u64,
    /// The rate of the caller's sound, once some has come.
    rate: Option<u32>,
}

impl PipecatBot {
    fn id(&mut self) -> u64 {
        self.frames += 1;
        self.frames
    }
}

impl ToCaller for PipecatBot {
    fn rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn sound(&mut self, samples: &[f32]) -> Vec<Message> {
        let id = self.id();
        vec![audio(id, samples)]
    }

    fn clear(&mut self) -> Vec<Message> {
        let (id, name) = (self.id(), "InterruptionFrame".into());
        vec![framed(Kind::Interruption(InterruptionFrame { id, name }))]
    }

    fn event(&mut self, event: &Event) -> Vec<Message> {
        let Mark::Output { stage, note, .. } = &event.mark else {
            return Vec::new();
        };
        let kind = match (stage, note) {
            (StageName::SpeechToText, OutputNote::Final { text, .. }) if has_words(text) => {
                Kind::Transcription(TranscriptionFrame {
                    id: self.id(),
                    name: "TranscriptionFrame".into(),
                    text: text.to_string(),
                    user_id: "caller".into(),
                    timestamp: String::new(),
                })
            }
            (StageName::Clauses, OutputNote::Clause { text }) => Kind::Text(TextFrame {
                id: self.id(),
                name: "TextFrame".into(),
                text: text.to_string(),
            }),
            _ => return Vec::new(),
        };
        vec![framed(kind)]
    }

    fn goodbye(&mut self) -> Vec<Message> {
        Vec::new()
    }

    fn read(&mut self, message: Message) -> Result<(Vec<FromCaller>, Vec<Message>), Junk> {
        let Some(Kind::Audio(audio)) = unframed(message)? else {
            return Ok((Vec::new(), Vec::new()));
        };
        let named = rate(u64::from(audio.sample_rate))?;
        let sound = FromCaller::Sound(samples(&audio)?);
        let events = match self.rate.replace(named) {
            Some(before) if before == named => vec![sound],
            _ => vec![FromCaller::Rate(named), sound],
        };
        Ok((events, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pipecat::PipecatClient;
    use super::super::{FromAgent, ToAgent};
    use super::*;

    #[test]
    fn both_sides_understand_each_other() {
        let (mut client, mut bot) = (PipecatClient::default(), PipecatBot::default());
        for hello in client.hello() {
            assert_eq!(bot.read(hello), Ok((vec![], vec![])));
        }
        let sound = FromCaller::Sound(vec![0.25; 320]);
        let first = bot.read(client.frame(&[0.25; 320])).expect("understood").0;
        assert_eq!(first, [FromCaller::Rate(16_000), sound.clone()]);
        assert_eq!(
            bot.read(client.frame(&[0.25; 320])).expect("understood").0,
            [sound]
        );
        let said = client.read(bot.sound(&[0.5]).remove(0));
        assert_eq!(
            said,
            Ok(vec![FromAgent::Rate(16_000), FromAgent::Sound(vec![0.5])])
        );
        assert_eq!(
            client.read(bot.clear().remove(0)),
            Ok(vec![FromAgent::Clear])
        );
    }
}
