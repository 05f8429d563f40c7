//! A server that is asked: where it is, who may ask it, and what is sent besides.

use super::owner::{Given, Owner};
use super::{AnswerTable, SpeechToTextTable, TextToSpeechTable};
use crate::scenario::SpeechToSpeechTable;
use crate::scenario::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A server, and a model on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The address of the server, as far as what comes before `/chat/completions` or `/audio/…`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// The environment variable that holds the key; no key is sent unless given.
    pub key_env: Option<String>,
    /// Headers that go along with a request.
    pub headers: Vec<Header>,
    /// Keys that go into a request, above those that are sent anyway; `false` takes one of those away.
    pub body: Map<String, Value>,
}

/// A header of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Header {
    /// The header's name.
    pub name: String,
    /// The environment variable that holds its value.
    pub variable: String,
}

/// Which program serves, which tells where it listens and what it wants unless the scenario says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServerKind {
    /// Ollama on this machine.
    #[serde(rename = "ollama")]
    Ollama,
    /// llama.cpp's server on this machine, with the one model that it was started with.
    #[serde(rename = "llama.cpp")]
    LlamaCpp,
    /// vLLM on this machine.
    #[serde(rename = "vllm")]
    Vllm,
    /// OpenAI's own.
    #[serde(rename = "openai")]
    OpenAi,
}

/// By which key a server knows the longest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `max_tokens`.
    Old,
    /// `max_completion_tokens`, which OpenAI's newer models want.
    New,
}

impl Limit {
    /// The key.
    pub const fn name(self) -> &'static str {
        match self {
            Limit::Old => "max_tokens",
            Limit::New => "max_completion_tokens",
        }
    }
}

impl ServerKind {
    const fn url(self) -> &'static str {
        match self {
            ServerKind::Ollama => "http://localhost:11434/v1",
            ServerKind::LlamaCpp => "http://localhost:8080/v1",
            ServerKind::Vllm => "http://localhost:8000/v1",
            ServerKind::OpenAi => "https://api.openai.com/v1",
        }
    }

    const fn key_env(self) -> Option<&'static str> {
        match self {
            ServerKind::OpenAi => Some("OPENAI_API_KEY"),
            ServerKind::Ollama | ServerKind::LlamaCpp | ServerKind::Vllm => None,
        }
    }

    /// The model where there is only one, whatever it is called.
    const fn model(self) -> Option<&'static str> {
        match self {
            ServerKind::LlamaCpp => Some("default"),
            ServerKind::Ollama | ServerKind::Vllm | ServerKind::OpenAi => None,
        }
    }

    pub(super) const fn limit(self) -> Limit {
        match self {
            ServerKind::OpenAi => Limit::New,
            ServerKind::Ollama | ServerKind::LlamaCpp | ServerKind::Vllm => Limit::Old,
        }
    }
}

/// How a kind of server is spoken to, and what is said of its keys.
pub(super) struct Speaks {
    engine: &'static str,
    schemes: [&'static str; 2],
    no_url: &'static str,
    /// A model, as it is written.
    model: &'static str,
}

/// A server that is asked in requests.
const REQUESTS: Speaks = Speaks {
    engine: "openai",
    schemes: ["http", "https"],
    no_url: NO_URL,
    model: "llama3.2",
};

/// A server with which a conversation is held over one connection.
const WEBSOCKET: Speaks = Speaks {
    engine: "realtime",
    schemes: ["ws", "wss"],
    no_url: "the engine \"realtime\" needs a server's address: url = \"wss://api.openai.com/v1/realtime\"",
    model: "gpt-realtime",
};

/// The keys of a table that are about its server, as they are written.
pub(super) struct ServerKeys<'a> {
    speaks: &'static Speaks,
    server: Option<ServerKind>,
    url: &'a Option<String>,
    model: &'a Option<String>,
    key_env: &'a Option<String>,
    headers: &'a BTreeMap<String, String>,
    body: &'a Map<String, Value>,
}

pub(super) const NAME_CHARACTERS_MAX: usize = 200;
const URL_CHARACTERS_MAX: usize = 2_000;
const HEADERS_MAX: usize = 16;
/// More is no setting: 64 KiB.
const BODY_BYTES_MAX: usize = 64 << 10;

const NO_URL: &str = "the engine \"openai\" needs a server's address, as far as what comes before /chat/completions or /audio/…: url = \"http://localhost:11434/v1\"; or server = \"ollama\", \"llama.cpp\", \"vllm\" or \"openai\" for where those are";

/// Takes the keys about a server from a table.
macro_rules! server_keys_of {
    ($($table:ident),+) => {$(
        impl<'a> From<&'a $table> for ServerKeys<'a> {
            fn from(table: &'a $table) -> ServerKeys<'a> {
                ServerKeys {
                    speaks: &REQUESTS,
                    server: table.server,
                    url: &table.url,
                    model: &table.model,
                    key_env: &table.key_env,
                    headers: &table.headers,
                    body: &table.body,
                }
            }
        }
    )+};
}

server_keys_of!(SpeechToTextTable, AnswerTable, TextToSpeechTable);

impl<'a> From<&'a SpeechToSpeechTable> for ServerKeys<'a> {
    fn from(table: &'a SpeechToSpeechTable) -> ServerKeys<'a> {
        ServerKeys {
            speaks: &WEBSOCKET,
            server: None,
            url: &table.url,
            model: &table.model,
            key_env: &table.key_env,
            headers: &table.headers,
            body: &table.body,
        }
    }
}

impl ServerKeys<'_> {
    /// Which of them are there, but for the model, which other engines have too.
    pub(super) fn given(&self) -> [Given; 5] {
        [
            Given::of(Owner::Openai, "server", &self.server),
            Given::of(Owner::Openai, "url", self.url),
            Given::if_so(Owner::Openai, "headers", !self.headers.is_empty()),
            Given::if_so(Owner::Openai, "body", !self.body.is_empty()),
            Given::of(Owner::Openai, "key_env", self.key_env),
        ]
    }

    pub(super) fn parse(&self, at: Table<'_>) -> Result<Server, Problem> {
        let problem = |key, fix: &str| at.problem(key, fix);
        let preset = self.server;
        let url = self.url.as_deref().or(preset.map(ServerKind::url));
        let url = url.ok_or_else(|| problem("url", self.speaks.no_url))?;
        check_url(url, self.speaks).map_err(|fix| problem("url", fix))?;
        let is_name =
            |name: &&str| (1..=NAME_CHARACTERS_MAX).contains(&name.trim().chars().count());
        let model = match self.model.as_deref() {
            Some(model) => Some(model).filter(is_name),
            None => preset.and_then(ServerKind::model),
        };
        let model = model.ok_or_else(|| {
            let Speaks { engine, model, .. } = self.speaks;
            let fix = format!(
                "the engine {engine:?} needs the model's name on the server, of up to 200 characters: model = {model:?}"
            );
            problem("model", &fix)
        })?;
        // Whoever gives another address need not have the key for the usual one.
        let usual_key = preset.filter(|_| self.url.is_none());
        let key_env = self.key_env.clone().or_else(|| {
            let name = usual_key.and_then(ServerKind::key_env);
            name.map(str::to_owned)
        });
        if key_env.as_deref().is_some_and(|name| !is_variable(name)) {
            // The text may be the key itself, so the error does not repeat it.
            return Err(problem(
                "key_env",
                "this is no name of an environment variable; name the one that holds the key, such as OPENAI_API_KEY, and never write the key itself into a scenario",
            ));
        }
        if serde_json::to_string(self.body).map_or(usize::MAX, |body| body.len()) > BODY_BYTES_MAX {
            return Err(problem("body", "give up to 64 KiB of keys"));
        }
        Ok(Server {
            url: url.to_owned(),
            model: model.to_owned(),
            headers: self.headers(key_env.is_some(), at)?,
            key_env,
            body: self.body.clone(),
        })
    }

    fn headers(&self, has_key: bool, at: Table<'_>) -> Result<Vec<Header>, Problem> {
        if self.headers.len() > HEADERS_MAX {
            return Err(at.problem("headers", format!("give up to {HEADERS_MAX} headers")));
        }
        let parsed = self.headers.iter().map(|(name, variable)| {
            let problem = |fix: &str| Err(at.problem(&format!("headers.{name}"), fix));
            let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || name.len() > NAME_CHARACTERS_MAX || !name.chars().all(is_inside) {
                let fix = "a header's name has letters, digits and hyphens: \"api-key\" = \"AZURE_KEY\"";
                return Err(at.problem("headers", fix));
            }
            let own = [
                "host",
                "content-length",
                "content-type",
                "transfer-encoding",
                "connection",
                "upgrade",
            ];
            let lower = name.to_ascii_lowercase();
            if own.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
                return problem("this header follows from the request; take it away");
            }
            if has_key && name.eq_ignore_ascii_case("authorization") {
                return problem("key_env makes this header; give one of the two");
            }
            // The text may be a secret, so the error does not repeat it.
            if !is_variable(variable) {
                return problem(
                    "a header's value is read from an environment variable; give the variable's name, and never write the value itself into a scenario",
                );
            }
            Ok(Header {
                name: name.clone(),
                variable: variable.clone(),
            })
        });
        parsed.collect()
    }
}

/// What is wrong with an address.
fn check_url(url: &str, speaks: &Speaks) -> Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(speaks.no_url);
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    if !speaks.schemes.contains(&scheme) || authority.is_empty() {
        return Err(speaks.no_url);
    }
    if url.contains(is_odd) || url.chars().count() > URL_CHARACTERS_MAX {
        return Err("an address has no spaces in it, and up to 2,000 characters");
    }
    // An address is written into run folders. It may hold a secret, so the error does not repeat it.
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

#[cfg(test)]
mod tests {
    use crate::scenario::engine::{Answerer, LanguageModel};
    use crate::scenario::parse;
    use std::path::Path;

    /// The model of `[answer]` with these lines, or what is said about them.
    fn model(lines: &str) -> Result<LanguageModel, String> {
        let text = format!("[[turn]]\nsay = \"Why?\"\n[answer]\nengine = \"openai\"\n{lines}");
        match parse(Path::new("a.toml"), &text) {
            Ok(scenario) => match scenario.answer.engine {
                Answerer::Openai { model, .. } => Ok(*model),
                other => panic!("{other:?}"),
            },
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_name_of_a_server_is_enough() {
        for (lines, url, name, key, limit) in [
            (
                "server = \"ollama\"\nmodel = \"m\"",
                "http://localhost:11434/v1",
                "m",
                None,
                "max_tokens",
            ),
            (
                "server = \"llama.cpp\"",
                "http://localhost:8080/v1",
                "default",
                None,
                "max_tokens",
            ),
            (
                "server = \"vllm\"\nmodel = \"m\"",
                "http://localhost:8000/v1",
                "m",
                None,
                "max_tokens",
            ),
            (
                "server = \"openai\"\nmodel = \"m\"",
                "https://api.openai.com/v1",
                "m",
                Some("OPENAI_API_KEY"),
                "max_completion_tokens",
            ),
        ] {
            let model = model(lines).unwrap_or_else(|error| panic!("{error}"));
            let server = model.server;
            assert_eq!((&*server.url, &*server.model), (url, name));
            assert_eq!(
                (server.key_env.as_deref(), model.limit_key.name()),
                (key, limit)
            );
        }
    }

    #[test]
    fn what_a_scenario_says_stands_above_what_a_server_is_known_for() {
        let lines = "server = \"openai\"\nurl = \"http://a/v1\"\nmodel = \"m\"\n";
        let given = model(lines).expect("a model").server;
        assert_eq!((&*given.url, given.key_env), ("http://a/v1", None));
        let said = model("server = \"mine\"\nmodel = \"m\"").expect_err("nobody knows it");
        assert!(
            said.contains("ollama") && said.contains("llama.cpp"),
            "{said}"
        );
    }

    #[test]
    fn keys_and_headers_of_requests_are_the_scenarios() {
        let lines = "server = \"ollama\"\nmodel = \"m\"\n[answer.headers]\n\"api-key\" = \"AZURE_KEY\"\n[answer.body]\nkeep_alive = -1\nstop = false\noptions = { num_ctx = 4096 }\n";
        let server = model(lines).expect("a model").server;
        assert_eq!(
            (&*server.headers[0].name, &*server.headers[0].variable),
            ("api-key", "AZURE_KEY")
        );
        assert_eq!(server.body["options"]["num_ctx"], 4096);
    }

    #[test]
    fn a_header_that_cannot_be_is_refused_and_its_value_not_repeated() {
        let with = |header: &str| {
            let lines = format!(
                "server = \"ollama\"\nmodel = \"m\"\nkey_env = \"KEY\"\n[answer.headers]\n{header}\n"
            );
            model(&lines).expect_err("refused")
        };
        for (header, says) in [
            ("\"a b\" = \"KEY\"", "answer.headers: a header's name"),
            ("host = \"KEY\"", "answer.headers.host: this header follows"),
            (
                "Authorization = \"KEY\"",
                "answer.headers.Authorization: key_env makes",
            ),
            (
                "x-key = \"sk-SECRET\"",
                "answer.headers.x-key: a header's value is read",
            ),
        ] {
            let said = with(header);
            assert!(said.contains(says), "{said}");
            assert!(!said.contains("SECRET"), "{said}");
        }
    }
}
