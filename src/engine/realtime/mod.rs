//! A model that hears and speaks, on a server that speaks OpenAI's Realtime API: one conversation over one connection.
//!
//! `exchange` is what is known of the conversation, and says what is to be said; it is pure. `link` is the connection, on
//! a thread of its own. `ear` has the server hear the caller, `model` hands its sound on, and `judge` tells when the
//! server takes the caller to have finished, if that is its part.

mod ear;
mod exchange;
mod judge;
mod link;
mod model;

use super::EngineError;
use crate::clock::Clock;
use crate::credentials::{Credentials, Key};
use crate::event::Mark;
use crate::protocol::address::Address;
use crate::protocol::realtime::RealtimeClient;
use crate::protocol::realtime_session::Session;
use crate::protocol::socket::Access;
use crate::record::tap::Watcher;
use crate::scenario::engine::{RealtimeModel, TurnDetection};
use crate::stage;
use ear::Ear;
use exchange::{Exchange, Turns};
use judge::Judge;
use link::Link;
use model::Model;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

const TABLE: &str = "speech_to_speech";

/// The stages that a server stands behind.
pub(super) struct Realtime {
    pub(super) stt: stage::SpeechToText,
    pub(super) model: stage::SpeechToSpeech,
    /// Tells when the caller has finished, if the server finds the ends of turns.
    pub(super) end_of_turn: Option<stage::EndOfTurn>,
    /// Tells the server how much of its replies was heard.
    pub(super) listener: Watcher,
    pub(super) described: String,
}

/// Calls the server, and waits until it is ready.
///
/// # Errors
/// If it is not there, or refuses the key or the session.
pub(super) fn build(asked: &RealtimeModel, clock: &Clock) -> Result<Realtime, EngineError> {
    if clock.name() == "virtual" {
        return Err(EngineError::Input(format!(
            "{TABLE}.engine: a server that listens while the caller speaks needs real time; take --clock real"
        )));
    }
    let (address, access) = reached(asked)?;
    let turns = match asked.turn_detection {
        TurnDetection::Ours => Turns::Ours,
        TurnDetection::Server => Turns::Servers,
    };
    let client = RealtimeClient::of(Session {
        server_ends_turns: turns == Turns::Servers,
        voice: asked.voice.clone(),
        instructions: asked.instructions.clone(),
        transcription: asked.transcription.clone(),
        more: asked.server.body.clone(),
    });
    let link = Link::dial(
        Exchange::new(client, turns, Arc::clone(&access.credentials)),
        address,
        access,
    );
    let link = Rc::new(link.map_err(|why| EngineError::Unavailable(format!("{TABLE}: {why}")))?);
    let finds = match turns {
        Turns::Ours => "told of the ends of turns",
        Turns::Servers => "finds the ends of turns",
    };
    let listens = link.clone();
    Ok(Realtime {
        stt: Box::new(Ear::new(link.clone())),
        model: Box::new(Model::new(link.clone(), asked, clock)),
        end_of_turn: match turns {
            Turns::Ours => None,
            Turns::Servers => Some(Box::new(Judge(link))),
        },
        listener: Box::new(move |event| match &event.mark {
            Mark::ReplyEnded { end, heard_ns, .. } => {
                listens.reply_ended(*end, Duration::from_nanos(*heard_ns));
            }
            Mark::ReplyResumed { .. } => listens.look(Exchange::reply_resumed),
            _ => {}
        }),
        described: format!(
            "{} at {}, {finds}",
            asked.server.model,
            asked.server.url.trim_end_matches('/')
        ),
    })
}

/// Where the server is, and what shows it who calls.
///
/// # Errors
/// For an address that cannot be called by this build, and for a key that is not there.
pub(super) fn reached(asked: &RealtimeModel) -> Result<(Address, Access), EngineError> {
    let server = &asked.server;
    let address = Address::parse(&server.url)
        .map_err(|what| EngineError::Unavailable(format!("{TABLE}.url: {what}")))?;
    let key = |place: String, variable: &str| {
        Key::of(variable).ok_or_else(|| {
            EngineError::Unavailable(format!(
                "{TABLE}.{place}: the environment variable {variable} is not set; put the key into it, or take it away"
            ))
        })
    };
    let headers = server.headers.iter().map(|header| {
        let value = key(format!("headers.{}", header.name), &header.variable)?;
        Ok((header.name.clone(), value))
    });
    let access = Access {
        credentials: Arc::new(Credentials {
            key: match &server.key_env {
                Some(variable) => Some(key("key_env".into(), variable)?),
                None => None,
            },
            headers: headers.collect::<Result<_, EngineError>>()?,
        }),
        key_goes: "speech_to_speech.key_env = \"NAME\"",
    };
    Ok((address.with("model", &server.model), access))
}
