//! Servers that speak OpenAI's API, and how they are asked.

use super::server::{Limit, NAME_CHARACTERS_MAX, Server, ServerKeys, ServerKind};
use super::{AnswerTable, Api, Documents, SpeechToTextTable, TextToSpeechTable};
use crate::scenario::problem::{Problem, Table};
use std::time::Duration;

/// A recogniser on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRecogniser {
    /// The server, and the model on it.
    pub server: Server,
    /// The language that is spoken, as ISO 639-1 has it; the server finds out unless given.
    pub language: Option<String>,
    /// The longest time from the request to the transcript.
    pub timeout: Duration,
}

/// A language model on a server.
#[derive(Debug, Clone, PartialEq)]
pub struct LanguageModel {
    /// The server, and the model on it.
    pub server: Server,
    /// How the model is asked.
    pub api: Api,
    /// What the model is told to be; to answer a caller in one or two sentences unless given.
    pub system: Option<String>,
    /// The sampling temperature, 0..=2; the server's own unless given.
    pub temperature: Option<f64>,
    /// The share of likely tokens that is sampled from, above 0, up to 1; the server's own unless given.
    pub top_p: Option<f64>,
    /// The longest answer, in tokens.
    pub tokens_max: u32,
    /// By which key the server knows the longest answer.
    pub limit_key: Limit,
    /// Texts that an answer ends before; as the API needs them unless given.
    pub stop: Option<Vec<String>>,
    /// Passages of documents that go along with a question; none if `None`.
    pub passages: Option<Passages>,
    /// The most earlier exchanges that go along with a question.
    pub history_turns_max: usize,
    /// The longest time from the request to the first token.
    pub first_token_timeout: Duration,
    /// The longest time from one token to the next.
    pub between_tokens_timeout: Duration,
    /// The longest time from the request to its end.
    pub timeout: Duration,
}

/// Passages of documents that go along with a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passages {
    /// The documents that the passages are looked up in.
    pub documents: Documents,
    /// How many passages, at least one.
    pub count: usize,
}

/// A voice on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVoice {
    /// The server, and the model on it.
    pub server: Server,
    /// A voice of the model; the server's own unless given.
    pub voice: Option<String>,
    /// Samples a second of what the server sends.
    pub rate: u32,
    /// The longest time from the request to its end.
    pub timeout: Duration,
}

/// A wait of more than ten minutes is no conversation.
const TIMEOUT_MS_MAX: u64 = 600_000;
const SYSTEM_CHARACTERS_MAX: usize = 8_000;
const TOKENS_MAX: u32 = 4_096;
/// A minute of speech.
const TOKENS_MAX_DEFAULT: u32 = 150;
const STOPS_MAX: usize = 4;
const PASSAGES_MAX: u32 = 10;
/// A conversation remembers no more exchanges.
const HISTORY_TURNS_MAX: u32 = 16;
const HISTORY_TURNS_DEFAULT: u32 = 8;
/// The rate that OpenAI's voices speak at.
const RATE_DEFAULT: u32 = 24_000;
const SPEECH_TIMEOUT_MS: u64 = 30_000;

pub(super) fn recogniser(
    stt: &SpeechToTextTable,
    at: Table<'_>,
) -> Result<ServerRecogniser, Problem> {
    let server = ServerKeys::from(stt).parse(at)?;
    let timeout = timeout("timeout_ms", stt.timeout_ms, SPEECH_TIMEOUT_MS, at)?;
    Ok(ServerRecogniser {
        server,
        language: language(stt, at)?,
        timeout,
    })
}

/// The language that is spoken.
pub(super) fn language(stt: &SpeechToTextTable, at: Table<'_>) -> Result<Option<String>, Problem> {
    let is_code = |code: &String| {
        (2..=3).contains(&code.len()) && code.chars().all(|c| c.is_ascii_lowercase())
    };
    match &stt.language {
        Some(code) if !is_code(code) => {
            let fix = format!("{code:?} is no language code; give one such as \"en\"");
            Err(at.problem("language", fix))
        }
        given => Ok(given.clone()),
    }
}

pub(super) fn language_model(
    answer: &AnswerTable,
    documents: Documents,
    at: Table<'_>,
) -> Result<LanguageModel, Problem> {
    let server = ServerKeys::from(answer).parse(at)?;
    let wait = |key, given, otherwise_ms| timeout(key, given, otherwise_ms, at);
    let first_token_timeout = wait(
        "first_token_timeout_ms",
        answer.first_token_timeout_ms,
        10_000,
    )?;
    let between_tokens_timeout = wait(
        "between_tokens_timeout_ms",
        answer.between_tokens_timeout_ms,
        5_000,
    )?;
    let timeout = wait("timeout_ms", answer.timeout_ms, 60_000)?;
    let count = |key, given: Option<u32>, otherwise, most| match given.unwrap_or(otherwise) {
        count if count <= most => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        count => Err(at.problem(key, format!("{count}; give up to {most}"))),
    };
    let passages = count("passages", answer.passages, 0, PASSAGES_MAX)?;
    if passages == 0 && matches!(documents, Documents::Folder(_)) {
        let fix =
            "nothing of it goes along with a question; give passages = 3, or take the key away";
        return Err(at.problem("docs", fix));
    }
    wording(answer, at)?;
    sampling(answer, at)?;
    Ok(LanguageModel {
        server,
        api: answer.api.unwrap_or_default(),
        system: answer.system.clone(),
        temperature: answer.temperature,
        top_p: answer.top_p,
        limit_key: answer.server.map_or(Limit::Old, ServerKind::limit),
        tokens_max: answer.max_tokens.unwrap_or(TOKENS_MAX_DEFAULT),
        stop: answer.stop.clone(),
        passages: (passages > 0).then_some(Passages {
            documents,
            count: passages,
        }),
        history_turns_max: count(
            "history_turns_max",
            answer.history_turns_max,
            HISTORY_TURNS_DEFAULT,
            HISTORY_TURNS_MAX,
        )?,
        first_token_timeout,
        between_tokens_timeout,
        timeout,
    })
}

pub(super) fn voice(tts: &TextToSpeechTable, at: Table<'_>) -> Result<ServerVoice, Problem> {
    let server = ServerKeys::from(tts).parse(at)?;
    let timeout = timeout("timeout_ms", tts.timeout_ms, SPEECH_TIMEOUT_MS, at)?;
    let rate = tts.rate.unwrap_or(RATE_DEFAULT);
    if !(8_000..=48_000).contains(&rate) {
        let fix = format!("{rate} Hz; give between 8000 and 48000 samples a second");
        return Err(at.problem("rate", fix));
    }
    Ok(ServerVoice {
        server,
        voice: tts.voice.clone(),
        rate,
        timeout,
    })
}

/// A wait in milliseconds.
pub(super) fn timeout(
    key: &str,
    given: Option<u64>,
    otherwise_ms: u64,
    at: Table<'_>,
) -> Result<Duration, Problem> {
    let ms = given.unwrap_or(otherwise_ms);
    match (1..=TIMEOUT_MS_MAX).contains(&ms) {
        true => Ok(Duration::from_millis(ms)),
        false => Err(at.problem(
            key,
            format!("{ms} ms; give between 1 and {TIMEOUT_MS_MAX} milliseconds"),
        )),
    }
}

fn wording(answer: &AnswerTable, at: Table<'_>) -> Result<(), Problem> {
    let system = answer.system.as_deref().unwrap_or_default();
    if system.chars().count() > SYSTEM_CHARACTERS_MAX {
        let fix = format!("give up to {SYSTEM_CHARACTERS_MAX} characters");
        return Err(at.problem("system", fix));
    }
    let is_text = |stop: &String| (1..=NAME_CHARACTERS_MAX).contains(&stop.chars().count());
    let stop = answer.stop.as_deref().unwrap_or_default();
    if stop.len() > STOPS_MAX || !stop.iter().all(is_text) {
        let fix = format!("give up to {STOPS_MAX} texts of 1 to {NAME_CHARACTERS_MAX} characters");
        return Err(at.problem("stop", fix));
    }
    Ok(())
}

fn sampling(answer: &AnswerTable, at: Table<'_>) -> Result<(), Problem> {
    if let Some(temperature) = answer.temperature
        && !(0.0..=2.0).contains(&temperature)
    {
        let fix = format!("{temperature}; give between 0 and 2");
        return Err(at.problem("temperature", fix));
    }
    if let Some(top_p) = answer.top_p
        && !(top_p > 0.0 && top_p <= 1.0)
    {
        let fix = format!("{top_p}; give more than 0 and up to 1");
        return Err(at.problem("top_p", fix));
    }
    if let Some(tokens) = answer.max_tokens
        && !(1..=TOKENS_MAX).contains(&tokens)
    {
        let fix = format!("{tokens} tokens; give between 1 and {TOKENS_MAX}");
        return Err(at.problem("max_tokens", fix));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::scenario::parse;
    use std::path::Path;

    const ANSWER: &str =
        "[answer]\nengine = \"openai\"\nurl = \"http://localhost:11434/v1\"\nmodel = \"m\"\n";

    /// What is said about these lines besides a turn.
    fn complaint(toml: &str) -> String {
        let text = format!("{toml}[[turn]]\nsay = \"Why?\"\n");
        match parse(Path::new("a.toml"), &text) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_server_needs_an_address_and_a_model() {
        assert_eq!(complaint(ANSWER), "");
        for (toml, says) in [
            ("[answer]\nengine = \"openai\"\n", "answer.url: the engine"),
            (
                "[answer]\nengine = \"openai\"\nurl = \"localhost\"\nmodel = \"m\"\n",
                "line 3: answer.url: the engine",
            ),
            (
                "[stt]\nengine = \"openai\"\nurl = \"http://a/v1\"\n",
                "stt.model: the engine",
            ),
            (
                "[tts]\nengine = \"openai\"\nurl = \"http://a/v1\"\nmodel = \"m\"\nrate = 5\n",
                "line 5: tts.rate: 5 Hz",
            ),
            (
                "[stt]\nengine = \"command\"\ncommand = [\"a\"]\ntimeout_ms = 0\n",
                "stt.timeout_ms: 0 ms",
            ),
            (
                "[stt]\nengine = \"openai\"\nurl = \"http://a/v1\"\nmodel = \"m\"\nlanguage = \"English\"\n",
                "stt.language: \"English\" is no",
            ),
        ] {
            let said = complaint(toml);
            assert!(said.contains(says), "{toml}\nsaid: {said}");
        }
    }

    #[test]
    fn keys_of_a_server_are_refused_where_none_is_asked() {
        for (toml, says) in [
            (
                "[answer]\nurl = \"http://a\"\n",
                "line 2: answer.url: only the engine \"openai\"",
            ),
            (
                "[answer]\ntimeout_ms = 5\n",
                "answer.timeout_ms: only the engines",
            ),
            ("[tts]\nmodel = \"m\"\n", "tts.model: only the engine"),
            (
                "[stt]\nengine = \"simulated\"\nlanguage = \"en\"\n",
                "stt.language: only the engine",
            ),
            (
                "[cure.answer]\nfallback = { key_env = \"A\" }\n",
                "cure.answer.fallback.key_env: only",
            ),
        ] {
            let said = complaint(toml);
            assert!(said.contains(says), "{toml}\nsaid: {said}");
        }
    }

    #[test]
    fn figures_out_of_range_are_named_with_their_key() {
        for (line, says) in [
            (
                "temperature = 2.5",
                "line 5: answer.temperature: 2.5; give between 0 and 2",
            ),
            ("temperature = nan", "answer.temperature: NaN"),
            ("top_p = 0.0", "answer.top_p: 0; give more"),
            ("max_tokens = 0", "answer.max_tokens: 0 tokens"),
            ("stop = [\"\"]", "answer.stop: give up to 4"),
            ("passages = 11", "answer.passages: 11; give up to 10"),
            (
                "history_turns_max = 17",
                "answer.history_turns_max: 17; give up to 16",
            ),
            (
                "first_token_timeout_ms = 0",
                "answer.first_token_timeout_ms: 0 ms",
            ),
            ("docs = \".\"", "answer.docs: nothing of it goes along"),
            ("api = \"poem\"", "unknown variant `poem`"),
        ] {
            let said = complaint(&format!("{ANSWER}{line}\n"));
            assert!(said.contains(says), "{line}\nsaid: {said}");
        }
    }

    #[test]
    fn a_secret_in_a_scenario_is_refused_and_not_repeated() {
        for toml in [
            format!("{ANSWER}key_env = \"sk-SECRET\"\n"),
            "[answer]\nengine = \"openai\"\nurl = \"http://me:SECRET@a/v1\"\nmodel = \"m\"\n"
                .into(),
            "[answer]\nengine = \"openai\"\nurl = \"https://a/v1?key=SECRET\"\nmodel = \"m\"\n"
                .into(),
        ] {
            let said = complaint(&toml);
            assert!(said.contains("OPENAI_API_KEY"), "{said}");
            assert!(!said.contains("SECRET"), "{said}");
        }
    }
}
