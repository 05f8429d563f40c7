//! What may be said of servers that speak OpenAI's API.

use super::{Fault, at_inside};
use crate::scenario::engines::OPENAI;
use crate::scenario::{Answer, SpeechToText, TextToSpeech};

/// A wait of more than ten minutes is no conversation.
const TIMEOUT_MS_MAX: u64 = 600_000;
const SYSTEM_CHARACTERS_MAX: usize = 8_000;
const TOKENS_MAX: u32 = 4_096;
const STOPS_MAX: usize = 4;
const PASSAGES_MAX: u32 = 10;
/// More the conversation does not remember.
const HISTORY_TURNS_MAX: u32 = 16;
const NAME_CHARACTERS_MAX: usize = 200;
const URL_CHARACTERS_MAX: usize = 2_000;

/// What the tables of all stages say of a server.
struct Server<'a> {
    tables: &'a [&'a str],
    engine: &'a str,
    url: &'a Option<String>,
    model: &'a Option<String>,
    key_env: &'a Option<String>,
    /// Keys that are for nothing else, and whether each is given.
    own: &'a [(&'static str, bool)],
    timeouts: &'a [(&'static str, Option<u64>)],
}

pub(super) fn check_stt(tables: &[&str], stt: &SpeechToText) -> Result<(), Fault> {
    let server = Server {
        tables,
        engine: &stt.engine,
        url: &stt.url,
        model: &stt.model,
        key_env: &stt.key_env,
        own: &[("language", stt.language.is_some())],
        timeouts: &[("timeout_ms", stt.timeout_ms)],
    };
    server.check()?;
    let is_code = |code: &&String| {
        (2..=3).contains(&code.len()) && code.chars().all(|c| c.is_ascii_lowercase())
    };
    match &stt.language {
        Some(code) if !is_code(&code) => server.fault(
            "language",
            format!("{code:?} is no language code; give one such as \"en\""),
        ),
        _ => Ok(()),
    }
}

pub(super) fn check_answer(tables: &[&str], answer: &Answer) -> Result<(), Fault> {
    let server = Server {
        tables,
        engine: &answer.engine,
        url: &answer.url,
        model: &answer.model,
        key_env: &answer.key_env,
        own: &[
            ("model", answer.model.is_some()),
            ("api", answer.api.is_some()),
            ("system", answer.system.is_some()),
            ("temperature", answer.temperature.is_some()),
            ("top_p", answer.top_p.is_some()),
            ("max_tokens", answer.max_tokens.is_some()),
            ("stop", answer.stop.is_some()),
            ("passages", answer.passages.is_some()),
            ("history_turns_max", answer.history_turns_max.is_some()),
        ],
        timeouts: &[
            ("first_token_timeout_ms", answer.first_token_timeout_ms),
            (
                "between_tokens_timeout_ms",
                answer.between_tokens_timeout_ms,
            ),
            ("timeout_ms", answer.timeout_ms),
        ],
    };
    server.check()?;
    if answer.engine != OPENAI {
        return Ok(());
    }
    let no_passages = answer.passages.unwrap_or(0) == 0;
    if answer.docs.is_some() && no_passages {
        let cure =
            "nothing of it goes along with a question; give passages = 3, or take the key away";
        return server.fault("docs", cure.into());
    }
    match wrong_wording(answer).or_else(|| wrong_sampling(answer)) {
        Some((key, cure)) => server.fault(key, cure),
        None => Ok(()),
    }
}

pub(super) fn check_tts(tables: &[&str], tts: &TextToSpeech) -> Result<(), Fault> {
    let server = Server {
        tables,
        engine: &tts.engine,
        url: &tts.url,
        model: &tts.model,
        key_env: &tts.key_env,
        own: &[("model", tts.model.is_some()), ("rate", tts.rate.is_some())],
        timeouts: &[("timeout_ms", tts.timeout_ms)],
    };
    server.check()?;
    match tts.rate {
        Some(rate) if !(8_000..=48_000).contains(&rate) => server.fault(
            "rate",
            format!("{rate} Hz; give between 8000 and 48000 samples a second"),
        ),
        _ => Ok(()),
    }
}

impl Server<'_> {
    fn fault(&self, key: &str, cure: String) -> Result<(), Fault> {
        Err(at_inside(self.tables, key, cure))
    }

    fn check(&self) -> Result<(), Fault> {
        let common = [
            ("url", self.url.is_some()),
            ("key_env", self.key_env.is_some()),
        ];
        let timeouts = self.timeouts.iter().map(|(key, ms)| (*key, ms.is_some()));
        let mut given = common
            .into_iter()
            .chain(self.own.iter().copied())
            .chain(timeouts);
        if self.engine != OPENAI {
            return match given.find(|(_, is_given)| *is_given) {
                None => Ok(()),
                Some((key, _)) => self.fault(
                    key,
                    format!(
                        "only the engine \"openai\" asks a server, this stage has {:?}; set engine = \"openai\" or take the key away",
                        self.engine
                    ),
                ),
            };
        }
        match self.url.as_deref().map_or(Err(NO_URL), wrong_url) {
            Ok(()) => {}
            Err(cure) => return self.fault("url", cure.into()),
        }
        let is_name =
            |name: &String| (1..=NAME_CHARACTERS_MAX).contains(&name.trim().chars().count());
        if !self.model.as_ref().is_some_and(is_name) {
            let cure = "the engine \"openai\" needs the model's name on the server, of up to 200 characters: model = \"llama3.2\"";
            return self.fault("model", cure.into());
        }
        if let Some(name) = self.key_env
            && !is_variable(name)
        {
            // It may be the key itself, so it is not repeated.
            let cure = "this is no name of an environment variable; name the one that holds the key, such as OPENAI_API_KEY, and never write the key itself into a scenario";
            return self.fault("key_env", cure.into());
        }
        for (key, ms) in self.timeouts {
            if let Some(ms) = ms.filter(|ms| !(1..=TIMEOUT_MS_MAX).contains(ms)) {
                let cure = format!("{ms} ms; give between 1 and {TIMEOUT_MS_MAX} milliseconds");
                return self.fault(key, cure);
            }
        }
        Ok(())
    }
}

const NO_URL: &str = "the engine \"openai\" needs a server's address, as far as what comes before /chat/completions or /audio/…: url = \"http://localhost:11434/v1\"";

/// What is wrong with an address.
fn wrong_url(url: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(NO_URL);
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    if !["http", "https"].contains(&scheme) || authority.is_empty() {
        return Err(NO_URL);
    }
    if url.contains(is_odd) || url.chars().count() > URL_CHARACTERS_MAX {
        return Err("an address has no spaces in it, and up to 2,000 characters");
    }
    // An address is written into run folders. It may hold a secret, so it is not repeated.
    if authority.contains('@') || url.contains(['?', '#']) {
        return Err(
            "an address is kept in run folders, so it may hold no user name, password or query; take them away, and name an environment variable that holds the key: key_env = \"OPENAI_API_KEY\"",
        );
    }
    Ok(())
}

fn is_variable(name: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty()
        && name.len() <= NAME_CHARACTERS_MAX
        && name.chars().all(is_inside)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn wrong_wording(answer: &Answer) -> Option<(&'static str, String)> {
    if let Some(system) = &answer.system
        && system.chars().count() > SYSTEM_CHARACTERS_MAX
    {
        let cure = format!("give up to {SYSTEM_CHARACTERS_MAX} characters");
        return Some(("system", cure));
    }
    let is_text = |stop: &String| (1..=NAME_CHARACTERS_MAX).contains(&stop.chars().count());
    if let Some(stop) = &answer.stop
        && !(stop.len() <= STOPS_MAX && stop.iter().all(is_text))
    {
        let cure = format!("give up to {STOPS_MAX} texts of 1 to {NAME_CHARACTERS_MAX} characters");
        return Some(("stop", cure));
    }
    for (key, count, most) in [
        ("passages", answer.passages, PASSAGES_MAX),
        (
            "history_turns_max",
            answer.history_turns_max,
            HISTORY_TURNS_MAX,
        ),
    ] {
        if let Some(count) = count.filter(|count| *count > most) {
            return Some((key, format!("{count}; give up to {most}")));
        }
    }
    None
}

fn wrong_sampling(answer: &Answer) -> Option<(&'static str, String)> {
    if let Some(temperature) = answer.temperature
        && !(0.0..=2.0).contains(&temperature)
    {
        return Some((
            "temperature",
            format!("{temperature}; give between 0 and 2"),
        ));
    }
    if let Some(top_p) = answer.top_p
        && !(top_p > 0.0 && top_p <= 1.0)
    {
        return Some(("top_p", format!("{top_p}; give more than 0 and up to 1")));
    }
    let tokens = answer.max_tokens?;
    (!(1..=TOKENS_MAX).contains(&tokens)).then(|| {
        let cure = format!("{tokens} tokens; give between 1 and {TOKENS_MAX}");
        ("max_tokens", cure)
    })
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
                "answer.timeout_ms: only the engine",
            ),
            ("[tts]\nmodel = \"m\"\n", "tts.model: only the engine"),
            (
                "[stt]\nlanguage = \"en\"\n",
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
