//! Callers who go on at random moments behind a commit that came too early: nobody hears a reply to half a question that
//! was taken back.

use crate::properties::check_events;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use voicesim::event::{Event, Mark, ReplyEnd, TurnId};
use voicesim::scenario;
use voicesim::sim::{Setting, Simulable};

const CONVERSATIONS: u32 = 50;

/// Callers who pause after every second, for 50 ms to seconds, and engines that are as fast as a pause is long.
const HESITANT: &str = r#"
seed = 20240624
[caller]
questions = 6
speech = { lognormal = { median_ms = 2500, p95_ms = 6000 } }
pause_every_s = 1.0
pause = { lognormal = { median_ms = 450, p95_ms = 2000 } }
patience = { fixed_ms = 4000 }
[stt]
engine = "simulated"
latency = { lognormal = { median_ms = 120, p95_ms = 400 } }
[answer]
engine = "simulated"
latency = { lognormal = { median_ms = 150, p95_ms = 500 } }
text = "It left this morning. It will be with you by four."
[tts]
engine = "simulated"
latency = { lognormal = { median_ms = 90, p95_ms = 300 } }
"#;

/// Endpoints that cut many off, with and without replies that are prepared.
const POLICIES: [&str; 4] = [
    "[endpointing]\nsilence_ms = 200\n",
    "[endpointing]\nsilence_ms = 400\n[speculation]\nenabled = false\n",
    "[endpointing]\npolicy = \"classifier\"\ncut_offs = 0.4\n",
    "[endpointing]\npolicy = \"eot\"\ncut_offs = 0.3\n",
];

/// What is known of a reply while it lasts.
#[derive(Debug)]
struct Reply {
    turn: TurnId,
    question: Arc<str>,
    is_audible: bool,
}

/// Counts of what came up.
#[derive(Debug, Default)]
struct Seen {
    voided: u32,
    heard: u32,
    dropped_speculations: u32,
}

/// Follows a conversation, and says what is wrong in it.
fn follow(events: &[Event], seen: &mut Seen) -> Result<(), String> {
    let mut reply: Option<Reply> = None;
    let mut over: BTreeSet<TurnId> = BTreeSet::new();
    // The question of a reply that was taken back: it is asked again, with more behind it.
    let mut taken_back: Option<Arc<str>> = None;
    for event in events {
        let turn = event.turn;
        match &event.mark {
            Mark::ReplyStarted { question } => {
                if let Some(half) = taken_back
                    .take()
                    .filter(|half| !question.starts_with(&**half))
                {
                    return Err(format!("“{half}” is forgotten in “{question}”"));
                }
                reply = Some(Reply {
                    turn,
                    question: question.clone(),
                    is_audible: false,
                });
            }
            Mark::Audible { .. } | Mark::Queued { .. } if over.contains(&turn) => {
                return Err(format!("turn {} is heard after it was given up", turn.0));
            }
            Mark::Audible { .. } => match reply.as_mut().filter(|reply| reply.turn == turn) {
                Some(reply) => {
                    reply.is_audible = true;
                    seen.heard += 1;
                }
                None => return Err(format!("turn {} is heard without a reply", turn.0)),
            },
            Mark::VoiceStarted { .. } => {
                if let Some(Reply { turn, .. }) = reply.as_ref().filter(|reply| !reply.is_audible) {
                    // It is taken back at this very tick: nothing of it may come any more.
                    over.insert(*turn);
                }
            }
            Mark::ReplyEnded {
                end,
                heard,
                heard_ns,
                ..
            } => {
                let ended = reply.take_if(|reply| reply.turn == turn);
                if *end == ReplyEnd::Superseded {
                    if !heard.is_empty() || *heard_ns > 0 {
                        return Err(format!(
                            "“{heard}” was heard of a reply that was taken back"
                        ));
                    }
                    seen.voided += 1;
                    taken_back = ended.map(|reply| reply.question);
                    over.insert(turn);
                }
            }
            Mark::SpeculationDropped => seen.dropped_speculations += 1,
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn in_two_hundred_conversations_nobody_hears_a_reply_to_half_a_question_that_was_taken_back() {
    let mut seen = Seen::default();
    for policy in POLICIES {
        let text = format!("{HESITANT}{policy}");
        let scenario = scenario::parse(Path::new("goes-on.toml"), &text)
            .unwrap_or_else(|error| panic!("{error}"));
        let simulable = Simulable::of(scenario).unwrap_or_else(|error| panic!("{error}"));
        let setting = Setting::new(&simulable);
        let mut events = Vec::new();
        for conversation in 0..CONVERSATIONS {
            let held = setting.hold(conversation, events);
            events = held.unwrap_or_else(|error| panic!("{error}"));
            let checked = check_events(&events).map_err(|error| error.to_string());
            if let Err(reason) = checked.and_then(|_| follow(&events, &mut seen)) {
                panic!("{reason}, in conversation {conversation} of\n{text}");
            }
        }
    }
    // A rule about what never comes up would hold of anything.
    assert!(seen.voided > 200 && seen.heard > 900, "{seen:?}");
    assert!(seen.dropped_speculations > 200, "{seen:?}");
}

#[test]
fn a_reply_that_sounds_after_it_was_taken_back_is_found() {
    use voicesim::event::{SessionId, Tick};
    let event = |at, turn, mark| Event {
        tick: Tick::from_ms(at),
        session: SessionId(0),
        turn: TurnId(turn),
        mark,
    };
    let question: Arc<str> = "I would".into();
    let events = [
        event(0, 1, Mark::VoiceStarted { onset: Tick::ZERO }),
        event(900, 1, Mark::ReplyStarted { question }),
        event(
            950,
            2,
            Mark::VoiceStarted {
                onset: Tick::from_ms(940),
            },
        ),
        event(
            990,
            1,
            Mark::Audible {
                at: Tick::from_ms(990),
            },
        ),
    ];
    let found = follow(&events, &mut Seen::default());
    assert_eq!(
        found,
        Err("turn 1 is heard after it was given up".to_owned())
    );
}
