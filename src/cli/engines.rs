//! Flags that name engines, over those of a scenario.

use crate::scenario::ScenarioFile;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(next_help_heading = "Engines, in place of the scenario's")]
pub(super) struct Engines {
    /// Speech to text: whisper, openai (a server that speaks OpenAI's API), simulated, or "command:PROGRAM ARGUMENT…"
    #[arg(long, value_name = "ENGINE")]
    stt: Option<String>,
    /// Address of the server of speech to text, as far as what comes before /audio/transcriptions
    #[arg(long, value_name = "URL")]
    stt_url: Option<String>,
    /// Model of speech to text: a name in `voicesim models` or a ggml file for whisper, a name on the server for openai
    #[arg(long, value_name = "NAME")]
    stt_model: Option<String>,
    /// Environment variable that holds the key of that server
    #[arg(long, value_name = "VAR")]
    stt_key_env: Option<String>,
    /// Answers: retrieval, openai (a server that speaks OpenAI's API), simulated, or "command:PROGRAM ARGUMENT…"
    #[arg(long, value_name = "ENGINE")]
    answer: Option<String>,
    /// Address of the server that answers, as in http://localhost:11434/v1 for Ollama
    #[arg(long, value_name = "URL")]
    answer_url: Option<String>,
    /// Name of the model on the server that answers
    #[arg(long, value_name = "NAME")]
    answer_model: Option<String>,
    /// Environment variable that holds the key of that server
    #[arg(long, value_name = "VAR")]
    answer_key_env: Option<String>,
    /// Documents to answer from: a folder of Markdown or text, or an index built from one
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
    /// Text to speech: piper, espeak, openai (a server that speaks OpenAI's API), simulated, or "command:PROGRAM ARGUMENT…"
    #[arg(long, value_name = "ENGINE")]
    tts: Option<String>,
    /// Address of the server of text to speech, as far as what comes before /audio/speech
    #[arg(long, value_name = "URL")]
    tts_url: Option<String>,
    /// Name of the model of text to speech on that server
    #[arg(long, value_name = "NAME")]
    tts_model: Option<String>,
    /// Voice: a name in `voicesim models` or an ONNX file for piper, a voice of espeak-ng, or one of the server
    #[arg(long, value_name = "NAME")]
    tts_voice: Option<String>,
    /// Environment variable that holds the key of that server
    #[arg(long, value_name = "VAR")]
    tts_key_env: Option<String>,
}

/// A value that was given takes the place of another one.
fn set<T: Clone>(value: &mut Option<T>, given: &Option<T>) {
    if given.is_some() {
        value.clone_from(given);
    }
}

impl Engines {
    /// Puts the engines and settings that were given in place of the scenario's.
    pub(super) fn overrule(&self, file: &mut ScenarioFile) {
        if let Some(engine) = &self.stt {
            file.stt.swap(engine);
        }
        if let Some(engine) = &self.answer {
            file.answer.swap(engine);
        }
        if let Some(engine) = &self.tts {
            file.tts.swap(engine);
        }
        for (value, given) in [
            (&mut file.stt.url, &self.stt_url),
            (&mut file.stt.model, &self.stt_model),
            (&mut file.stt.key_env, &self.stt_key_env),
            (&mut file.answer.url, &self.answer_url),
            (&mut file.answer.model, &self.answer_model),
            (&mut file.answer.key_env, &self.answer_key_env),
            (&mut file.tts.url, &self.tts_url),
            (&mut file.tts.model, &self.tts_model),
            (&mut file.tts.voice, &self.tts_voice),
            (&mut file.tts.key_env, &self.tts_key_env),
        ] {
            set(value, given);
        }
        if let Some(docs) = &self.docs {
            (file.answer.docs, file.answer.index) = (Some(docs.clone()), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        engines: Engines,
    }

    fn overruled(mut file: ScenarioFile, flags: &[&str]) -> ScenarioFile {
        let flags = [&["voicesim"], flags].concat();
        Flags::parse_from(flags).engines.overrule(&mut file);
        file
    }

    #[test]
    fn a_language_model_is_named_without_a_scenario() {
        let file = overruled(
            ScenarioFile::default(),
            &[
                "--answer",
                "openai",
                "--answer-url",
                "http://localhost:11434/v1",
                "--answer-model",
                "llama3.2",
                "--answer-key-env",
                "KEY",
            ],
        );
        assert_eq!(file.answer.engine, "openai");
        assert_eq!(
            file.answer.url.as_deref(),
            Some("http://localhost:11434/v1")
        );
        assert_eq!(file.answer.model.as_deref(), Some("llama3.2"));
        assert_eq!(file.answer.key_env.as_deref(), Some("KEY"));
        assert!(file.parse().is_ok());
    }

    #[test]
    fn a_flag_changes_one_key_and_leaves_the_others() {
        let mut file = ScenarioFile::default();
        file.tts.voice = Some("first".into());
        let file = overruled(file, &["--stt-model", "small.en", "--tts-voice", "second"]);
        assert_eq!(file.stt.engine, "whisper");
        assert_eq!(file.stt.model.as_deref(), Some("small.en"));
        assert_eq!(file.tts.voice.as_deref(), Some("second"));
        assert_eq!(file.answer, ScenarioFile::default().answer);
    }

    #[test]
    fn another_engine_forgets_the_server_of_the_one_before_and_takes_its_own() {
        let before = overruled(
            ScenarioFile::default(),
            &[
                "--tts",
                "openai",
                "--tts-url",
                "http://a/v1",
                "--tts-model",
                "m",
            ],
        );
        assert_eq!(before.tts.url.as_deref(), Some("http://a/v1"));
        let after = overruled(before, &["--tts", "espeak", "--tts-voice", "en-gb"]);
        assert_eq!(after.tts.url, None);
        assert_eq!(after.tts.voice.as_deref(), Some("en-gb"));
    }
}
