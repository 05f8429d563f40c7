//! What a scenario's engines need besides the scenario: models, keys, servers; and whether it is there.

use super::EngineError;
#[cfg(feature = "openai")]
use super::openai;
use crate::models::{self, ModelError};
use crate::scenario::engine::{Answerer, RealtimeModel, Recogniser, Server, Voice};
use crate::scenario::{Says, Scenario, SpeechToSpeech, Topology, Turn};
use std::collections::BTreeMap;
use std::time::Duration;

/// The model that Whisper takes unless another one is asked for.
pub(super) const WHISPER_MODEL: &str = "whisper-tiny.en";
/// The voice that Piper takes unless another one is asked for.
pub(super) const PIPER_VOICE: &str = "piper-en_US-joe-medium";
/// The model that the endpointing policies smart_turn and eot ask.
pub(super) const SMART_TURN_MODEL: &str = "smart-turn-v3.2";

/// What one engine needs.
enum Need<'a> {
    /// A model by its name or as a file, the scenario's or the engine's own; and the key that names another.
    Model(&'static str, &'a str),
    Server(&'a Server),
    /// A server with which a conversation is held.
    #[cfg_attr(
        not(feature = "probe"),
        allow(
            dead_code,
            reason = "only clients over a network decide, and models on a server"
        )
    )]
    Realtime(&'a RealtimeModel),
}

/// Looks for models and keys, without loading or asking anything; returns what is not installed, and how to install it.
///
/// # Errors
/// For a model that nobody knows and a key that is not set.
pub fn look_for(scenario: &Scenario) -> Result<Vec<String>, EngineError> {
    let mut absent = Vec::new();
    for (table, need) in needs(scenario) {
        match need {
            Need::Model(key, name) => match models::look_for(name) {
                Ok(()) => {}
                Err(error @ (ModelError::Unknown { .. } | ModelError::NotAModel { .. })) => {
                    return Err(EngineError::Input(format!("{table}.{key}: {error}")));
                }
                Err(error) => absent.push(format!("{table}: {error}")),
            },
            #[cfg(feature = "openai")]
            Need::Server(server) => openai::check(server, table)?,
            #[cfg(not(feature = "openai"))]
            Need::Server(_) => {}
            #[cfg(feature = "probe")]
            Need::Realtime(model) => _ = super::realtime::reached(model)?,
            #[cfg(not(feature = "probe"))]
            Need::Realtime(_) => {}
        }
    }
    Ok(absent)
}

/// Asks the servers of a scenario, all at once, whether they are there; returns what is wrong with those that do not
/// answer within `longest`, or refuse the key.
pub fn ask_servers(scenario: &Scenario, longest: Duration) -> Vec<String> {
    // Several engines on one server are one question.
    let mut servers = BTreeMap::new();
    for (table, need) in needs(scenario) {
        if let Need::Server(server) = need {
            let place = (&server.url, &server.key_env, &server.headers);
            servers.entry(place).or_insert((table, server));
        }
    }
    unanswering(servers.into_values(), longest)
}

#[cfg(feature = "openai")]
fn unanswering<'a>(
    servers: impl Iterator<Item = (&'static str, &'a Server)>,
    longest: Duration,
) -> Vec<String> {
    std::thread::scope(|scope| {
        let ask = |(table, server)| {
            let ask = move || openai::ask(server, table, longest);
            std::thread::Builder::new().spawn_scoped(scope, ask)
        };
        let asked: Vec<_> = servers.map(ask).collect();
        let answers = asked.into_iter().map(|asked| match asked {
            Ok(asked) => asked.join().ok().and_then(Result::err),
            Err(error) => Some(format!("no thread can be had to ask a server: {error}")),
        });
        answers.flatten().collect()
    })
}

#[cfg(not(feature = "openai"))]
fn unanswering<'a>(
    _: impl Iterator<Item = (&'static str, &'a Server)>,
    _: Duration,
) -> Vec<String> {
    Vec::new()
}

/// Whether the endpointing policy of a scenario has the sound of an utterance judged.
pub(super) fn hears_ends(scenario: &Scenario) -> bool {
    scenario.endpointing.policy.hears_sound()
}

/// What the engines of a scenario need, each with the table that names it.
fn needs(scenario: &Scenario) -> Vec<(&'static str, Need<'_>)> {
    let judge = Need::Model("policy", SMART_TURN_MODEL);
    let judge = hears_ends(scenario).then_some(("endpointing", judge));
    // One model in place of all engines needs none of them, but perhaps a voice for the caller.
    if let Topology::SpeechToSpeech(model) = &scenario.topology {
        let model = match model {
            SpeechToSpeech::Realtime(model) => Some(Need::Realtime(model)),
            SpeechToSpeech::Simulated(_) => None,
        };
        let says = |turn: &Turn| matches!(turn.says, Says::Words(_));
        let voice = match scenario.turns().iter().any(says) {
            true => voice(&scenario.tts.engine),
            false => None,
        };
        let named = [("speech_to_speech", model), ("tts", voice)];
        let named = named
            .into_iter()
            .filter_map(|(table, need)| Some((table, need?)));
        return named.chain(judge).collect();
    }
    let Scenario {
        stt, answer, tts, ..
    } = scenario;
    let all = [
        ("stt", recogniser(&stt.engine)),
        ("answer", answerer(&answer.engine)),
        ("tts", voice(&tts.engine)),
        ("cure.stt.fallback", stt.fallback().and_then(recogniser)),
        ("cure.answer.fallback", answer.fallback().and_then(answerer)),
        ("cure.tts.fallback", tts.fallback().and_then(voice)),
    ];
    let named = |(table, need): (_, Option<_>)| need.map(|need| (table, need));
    let engines = all.into_iter().filter_map(named);
    engines.chain(judge).collect()
}

fn recogniser(engine: &Recogniser) -> Option<Need<'_>> {
    match engine {
        Recogniser::Whisper { model, .. } => {
            let name = model.as_deref().unwrap_or(WHISPER_MODEL);
            Some(Need::Model("model", name))
        }
        Recogniser::Openai(asked) => Some(Need::Server(&asked.server)),
        Recogniser::Command(_) | Recogniser::Simulated(_) => None,
    }
}

fn answerer(engine: &Answerer) -> Option<Need<'_>> {
    match engine {
        Answerer::Openai { model, .. } => Some(Need::Server(&model.server)),
        Answerer::Retrieval(_) | Answerer::Command { .. } | Answerer::Simulated(_) => None,
    }
}

fn voice(engine: &Voice) -> Option<Need<'_>> {
    match engine {
        Voice::Piper { voice } => {
            let name = voice.as_deref().unwrap_or(PIPER_VOICE);
            Some(Need::Model("voice", name))
        }
        Voice::Openai(asked) => Some(Need::Server(&asked.server)),
        Voice::Espeak { .. } | Voice::Command(_) | Voice::Simulated(_) => None,
    }
}

#[cfg(all(test, feature = "openai"))]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::scenario::parse;
    use crate::test_server::{Does, TestServer, json};
    use std::path::Path;

    const LONGEST: Duration = Duration::from_millis(400);

    fn scenario(toml: &str) -> Scenario {
        let text = format!("{toml}\n[[turn]]\nsay = \"Why?\"\n");
        parse(Path::new("a.toml"), &text).expect("a scenario")
    }

    fn asks(table: &str, url: &str) -> String {
        format!("[{table}]\nengine = \"openai\"\nurl = \"{url}\"\nmodel = \"m\"\n")
    }

    #[test]
    fn a_model_that_nobody_knows_is_named_with_its_key() {
        let of = |toml: &str| match look_for(&scenario(toml)) {
            Err(EngineError::Input(text)) => text,
            other => panic!("{other:?}"),
        };
        let stt = of("[stt]\nmodel = \"whisper-enormous\"");
        assert!(stt.starts_with("stt.model: no model and no file is called \"whisper-enormous\""));
        assert!(stt.contains("whisper-tiny.en"), "{stt}");
        let tts = of("[tts]\nvoice = \"piper-nobody\"");
        assert!(tts.starts_with("tts.voice: no model"), "{tts}");
    }

    #[test]
    fn what_an_engine_takes_unless_another_is_asked_for_is_looked_for_too() {
        let scenario = scenario("");
        let needs: Vec<_> = needs(&scenario)
            .into_iter()
            .filter_map(|(table, need)| match need {
                Need::Model(_, name) => Some((table, name)),
                Need::Server(_) | Need::Realtime(_) => None,
            })
            .collect();
        assert_eq!(needs, [("stt", WHISPER_MODEL), ("tts", PIPER_VOICE)]);
    }

    #[test]
    fn a_key_that_is_not_set_is_named_with_its_variable() {
        let asked =
            asks("answer", "http://127.0.0.1:1/v1") + "key_env = \"VOICESIM_NO_SUCH_KEY\"\n";
        let error = look_for(&scenario(&asked)).expect_err("no key").to_string();
        assert!(error.starts_with("answer.key_env: "), "{error}");
        assert!(error.contains("VOICESIM_NO_SUCH_KEY is not set"), "{error}");
    }

    #[test]
    fn a_server_that_answers_anything_is_there() {
        let server = TestServer::greeting(json("404 Not Found", "{}"), Vec::new());
        assert!(ask_servers(&scenario(&asks("answer", &server.url)), LONGEST).is_empty());
    }

    #[test]
    fn a_server_that_is_not_there_or_wants_another_key_is_told() {
        let refuses = TestServer::greeting(json("401 Unauthorized", "{}"), Vec::new());
        let toml = asks("answer", "http://127.0.0.1:1/v1") + &asks("stt", &refuses.url);
        let told = ask_servers(&scenario(&toml), LONGEST).join("\n");
        assert!(
            told.contains("no server answers at http://127.0.0.1:1/v1"),
            "{told}"
        );
        assert!(told.contains("wants a key (401)"), "{told}");
    }

    #[test]
    fn servers_that_say_nothing_or_never_end_are_given_up_together() {
        let silent = TestServer::by(|_| vec![Does::Hang]);
        let endless = TestServer::by(|_| {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
            vec![
                Does::Send(head),
                Does::Repeat(vec![b' '; 1 << 10], usize::MAX),
            ]
        });
        let toml =
            asks("stt", &silent.url) + &asks("tts", &silent.url) + &asks("answer", &endless.url);
        let clock = Clock::real(1);
        clock.start();
        let told = ask_servers(&scenario(&toml), LONGEST);
        let took_ms = clock.now().as_ms();
        assert!(took_ms < 2_000.0, "{took_ms} ms");
        // The endless answer is an answer: no more of it is read than is enough.
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("did not answer within 0.4 s"), "{told:?}");
    }
}
