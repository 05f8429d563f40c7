//! Spans of LiveKit's agents.
//!
//! | span | what it tells |
//! |---|---|
//! | `user_turn`, `user_speaking` | an utterance, and its beginning and end as the voice detector has them |
//! | `eou_wait` | the wait for the endpoint, from the caller's last speech to the decision; also callers' pauses |
//! | `agent_turn` | an answer; `lk.e2e_latency` says that it answers an utterance |
//! | `llm_node`, `function_tool` | text, and what is done on the way to it: `answer` |
//! | `tts_node` | the first sound after the first text: `speech_synthesis` |
//! | `agent_speaking` | the sound itself |

use super::conversation::{AgentSpeech, Call, CallTurn, Pause, nanos};
use super::problems::{Problem, Problems};
use super::spans::{Conversation, Span};
use crate::event::{Hop, Metric};
use std::collections::HashMap;

/// Spans that say something of latency.
pub(super) const NAMES: &[&str] = &[
    "agent_session",
    "user_turn",
    "user_speaking",
    "eou_wait",
    "eou_detection",
    "agent_turn",
    "llm_node",
    "llm_request",
    "tts_node",
    "tts_request",
    "function_tool",
    "agent_speaking",
    "realtime_inference",
];
/// An attribute and the spans may differ by this much before both are named.
const TOLERANCE_NS: u64 = 50_000_000;
/// The first sound of a stage may be this much later than the agent is said to speak.
const CLOCKS_NS: u64 = 50_000_000;
const E2E: &[&str] = &["lk.e2e_latency"];
const TTFT: &[&str] = &["lk.response.ttft", "gen_ai.response.time_to_first_chunk"];
const TTFB: &[&str] = &["lk.response.ttfb", "gen_ai.response.time_to_first_chunk"];
const HEARD: &[&str] = &["lk.pii.user_transcript", "lk.user_transcript"];
const SAID: &[&str] = &["lk.pii.response.text", "lk.response.text"];

pub(super) fn is_one(conversation: &Conversation) -> bool {
    let tells = ["agent_turn", "user_turn", "agent_session"];
    let mut spans = conversation.spans.iter();
    spans.any(|span| tells.contains(&span.name.as_str()))
}

pub(super) fn call(conversation: &Conversation, problems: &mut Problems) -> Call {
    let session = conversation.named("agent_session").next();
    let mut call = Call {
        name: conversation.name.clone(),
        platform: "livekit".into(),
        start_ns: session.map(|span| span.start_ns),
        end_ns: session.map(|span| span.end_ns).filter(|end| *end > 0),
        pauses: pauses(conversation),
        ..Call::default()
    };
    let in_user_turn = conversation.within(|span| span.name == "user_turn");
    let in_agent_turn = conversation.within(|span| span.name == "agent_turn");
    let answers = answers(conversation, &in_agent_turn);
    let mut is_taken = vec![false; answers.len()];
    let asked: Vec<CallTurn> = conversation
        .named("user_turn")
        .filter_map(|span| asked(span, &in_user_turn, problems))
        .collect();
    for (index, mut turn) in asked.iter().cloned().enumerate() {
        let start = turn.caller_start;
        let next = asked[index + 1..].iter().find_map(|later| later.caller_end);
        // The first answer that sounds after this utterance and not after the next one.
        let found = answers.iter().enumerate().find(|(place, answer)| {
            let at = answer
                .speaks
                .map_or(answer.span.start_ns, |speech| speech.start);
            let is_later = start.is_none_or(|start| at >= start);
            !is_taken[*place] && is_later && next.is_none_or(|next| at < next)
        });
        match found {
            Some((place, answer)) => {
                is_taken[place] = true;
                answer.fill(&mut turn, problems);
            }
            None => problems.add(Problem::NoAnswer, || {
                format!(
                    "{}: utterance {} has no agent_speaking",
                    call.name,
                    index + 1
                )
            }),
        }
        call.turns.push(turn);
    }
    for (answer, is_taken) in answers.iter().zip(is_taken) {
        let (false, Some(speech)) = (is_taken, answer.speaks) else {
            continue;
        };
        if let Some(e2e_ns) = answer.span.number(E2E).and_then(nanos) {
            // The file has no span of the utterance, and the answer tells of it.
            let mut turn = CallTurn {
                caller_end: speech.start.checked_sub(e2e_ns),
                ..CallTurn::default()
            };
            let wait = answer.span.number(&["lk.end_of_turn_delay"]);
            if let Some(wait) = wait.and_then(nanos) {
                turn.part(Hop::EndpointingWait, turn.caller_end, wait);
            }
            answer.fill(&mut turn, problems);
            call.turns.push(turn);
            continue;
        }
        problems.add(Problem::Unasked, || {
            format!(
                "{}: the agent speaks unasked, a greeting or a later step",
                call.name
            )
        });
        call.unasked.push(speech);
    }
    call.turns
        .sort_by_key(|turn| turn.caller_end.or(turn.agent_start));
    call
}

/// How long callers paused, and whether they had finished.
fn pauses(conversation: &Conversation) -> Vec<Pause> {
    let waits = conversation.named("eou_wait").filter_map(|span| {
        let seconds = span.number(&["lk.eou.wait_duration"]);
        let span_ns = seconds.and_then(nanos);
        let span_ns = span_ns.or_else(|| span.end_ns.checked_sub(span.start_ns))?;
        Some(Pause {
            pause_ms: span_ns as f64 / 1e6,
            outcome: span.text(&["lk.eou.outcome"])?,
        })
    });
    waits.collect()
}

/// What a `user_turn` tells; `None` if the platform dropped it.
fn asked(
    span: &Span,
    inside: &HashMap<u64, Vec<&Span>>,
    problems: &mut Problems,
) -> Option<CallTurn> {
    let inside = inside.get(&span.id).map_or(&[][..], Vec::as_slice);
    let named = |name: &str| -> Vec<&Span> {
        let found = inside.iter().copied().filter(|it| it.name == name);
        found.collect()
    };
    let waits = named("eou_wait");
    let outcome = |wait: &Span| wait.text(&["lk.eou.outcome"]);
    let committed = waits
        .iter()
        .rev()
        .copied()
        .find(|wait| outcome(wait).is_none_or(|it| it == "committed"));
    let speaking = named("user_speaking");
    if committed.is_none() && !waits.is_empty() {
        problems.add(Problem::Dropped, || {
            format!(
                "user_turn at {}: no eou_wait of it was committed",
                span.start_ns
            )
        });
        return None;
    }
    let last = speaking
        .iter()
        .rev()
        .copied()
        .find(|it| it.end_ns >= it.start_ns);
    let caller_end = committed
        .map(|wait| wait.start_ns)
        .or(last.map(|it| it.end_ns));
    let mut turn = CallTurn {
        caller_start: Some(speaking.first().map_or(span.start_ns, |it| it.start_ns)),
        caller_end,
        committed: committed.map(|wait| wait.end_ns),
        heard: span.text(HEARD).unwrap_or_default(),
        ..CallTurn::default()
    };
    turn.caller_start = turn.caller_start.min(turn.caller_end.or(turn.caller_start));
    if let Some(wait) = committed {
        let span_ns = wait.end_ns.saturating_sub(wait.start_ns);
        turn.part(Hop::EndpointingWait, Some(wait.start_ns), span_ns);
    }
    turn.metric(
        Metric::EndOfTurnDelay,
        span.number(&["lk.end_of_turn_delay"]),
    );
    turn.metric(
        Metric::TranscriptionDelay,
        span.number(&["lk.transcription_delay"]),
    );
    Some(turn)
}

/// An answer of the agent.
struct Answer<'a> {
    span: &'a Span,
    speaks: Option<AgentSpeech>,
    inside: &'a [&'a Span],
}

fn answers<'a>(
    conversation: &'a Conversation,
    inside: &'a HashMap<u64, Vec<&'a Span>>,
) -> Vec<Answer<'a>> {
    let mut all: Vec<Answer<'_>> = conversation
        .named("agent_turn")
        .map(|span| {
            let inside = inside.get(&span.id).map_or(&[][..], Vec::as_slice);
            let mut speaking = inside.iter().filter(|it| it.name == "agent_speaking");
            let first = speaking.next();
            let speaks = first.map(|first| AgentSpeech {
                start: first.start_ns,
                end: speaking
                    .next_back()
                    .unwrap_or(first)
                    .end_ns
                    .max(first.start_ns),
            });
            Answer {
                span,
                speaks,
                inside,
            }
        })
        .collect();
    all.sort_by_key(|answer| answer.speaks.map_or(answer.span.start_ns, |it| it.start));
    all
}

impl Answer<'_> {
    fn named<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Span> + 'a {
        let inside = self.inside.iter().copied();
        inside.filter(move |span| span.name == name)
    }

    fn fill(&self, turn: &mut CallTurn, problems: &mut Problems) {
        let told = self.span.number(E2E);
        turn.said = self.span.text(SAID).unwrap_or_default();
        turn.is_interrupted = self.span.is_true(&["lk.interrupted"]);
        turn.agent_start = self.speaks.map(|speech| speech.start);
        turn.agent_end = self.speaks.map(|speech| speech.end);
        if turn.agent_start.is_none() || turn.caller_end.is_none() {
            turn.total_ns = told.and_then(nanos);
            if turn.total_ns.is_some() {
                problems.add(Problem::MissingSpan, || {
                    format!("agent_turn at {} has no agent_speaking", self.span.start_ns)
                });
            }
        }
        if turn.metrics.is_empty() {
            let delay = |name: &'static str| self.span.number(&[name]);
            turn.metric(Metric::EndOfTurnDelay, delay("lk.end_of_turn_delay"));
            turn.metric(Metric::TranscriptionDelay, delay("lk.transcription_delay"));
        }
        if !turn.has_answer() {
            problems.add(Problem::NoAnswer, || {
                format!("agent_turn at {} never sounded", self.span.start_ns)
            });
            return;
        }
        self.parts(turn);
        self.check(turn, told, problems);
    }

    /// The parts of the answer that came before its sound.
    fn parts(&self, turn: &mut CallTurn) {
        let sounds = turn.agent_start.unwrap_or(u64::MAX);
        let nodes: Vec<&Span> = self
            .named("llm_node")
            .filter(|node| node.start_ns <= sounds)
            .collect();
        let mut first_text = None;
        if let Some((last, before)) = nodes.split_last() {
            // What was written before a tool was called is on the way to the first word.
            for node in before {
                let span_ns = node.end_ns.saturating_sub(node.start_ns);
                turn.part(Hop::Answer, Some(node.start_ns), span_ns);
            }
            if let Some(span_ns) = last.number(TTFT).and_then(nanos) {
                turn.part(Hop::Answer, Some(last.start_ns), span_ns);
                turn.metric(Metric::LlmTtft, last.number(TTFT));
                first_text = Some(last.start_ns.saturating_add(span_ns));
            }
            if let Some(wait) = self.span.number(&["lk.speech.queue_wait"]).and_then(nanos) {
                // It waits before the model is asked; what goes on meanwhile is no wait.
                let until = nodes[0].start_ns;
                let start = self.span.start_ns.min(until);
                turn.part(Hop::QueueWait, Some(start), wait.min(until - start));
            }
        }
        for tool in self
            .named("function_tool")
            .filter(|it| it.start_ns <= sounds)
        {
            let span_ns = tool.end_ns.saturating_sub(tool.start_ns);
            turn.part(Hop::Answer, Some(tool.start_ns), span_ns);
        }
        let mut voices = self.named("tts_node").filter(|it| it.start_ns <= sounds);
        if let Some(voice) = voices.next_back() {
            let seconds = voice.number(TTFB);
            // LiveKit counts from the first text that the voice is given.
            let start = voice.start_ns.max(first_text.unwrap_or(voice.start_ns));
            if let Some(span_ns) = seconds.and_then(nanos) {
                turn.part(Hop::SpeechSynthesis, Some(start), span_ns);
                turn.metric(Metric::TtsTtfb, seconds);
            }
        }
        for model in self
            .named("realtime_inference")
            .filter(|it| it.start_ns <= sounds)
        {
            if let Some(span_ns) = model.number(TTFT).and_then(nanos) {
                turn.part(Hop::ModelResponse, Some(model.start_ns), span_ns);
            }
        }
    }

    /// Names what does not agree.
    fn check(&self, turn: &mut CallTurn, told: Option<f64>, problems: &mut Problems) {
        let at = self.span.start_ns;
        if let (Some(end), Some(start)) = (turn.caller_end, turn.agent_start)
            && start < end
        {
            turn.is_doubtful = true;
            problems.add(Problem::Negative, || {
                format!(
                    "agent_turn at {at}: it sounds {:.1} ms before the caller's end of speech",
                    (end - start) as f64 / 1e6
                )
            });
        }
        if let (Some(told), Some(whole)) = (told, turn.whole_ns()) {
            match nanos(told) {
                None => problems.add(Problem::TooLong, || {
                    format!("agent_turn at {at}: lk.e2e_latency {told} in seconds")
                }),
                Some(told) if told.abs_diff(whole) > TOLERANCE_NS => {
                    problems.add(Problem::Disagree, || {
                        format!(
                            "agent_turn at {at}: {:.1} ms by its spans, {:.1} ms by lk.e2e_latency",
                            whole as f64 / 1e6,
                            told as f64 / 1e6
                        )
                    });
                }
                Some(_) => {}
            }
        }
        let sounds = turn
            .agent_start
            .unwrap_or(u64::MAX)
            .saturating_add(CLOCKS_NS);
        let is_made = |hop: Hop| hop == Hop::SpeechSynthesis || hop == Hop::ModelResponse;
        let late = turn.parts.iter().find(|part| {
            let end = part
                .start_ns
                .map_or(0, |start| start.saturating_add(part.span_ns));
            is_made(part.hop) && end > sounds
        });
        if let Some(part) = late.copied() {
            turn.is_doubtful = true;
            problems.add(Problem::Clocks, || {
                format!(
                    "agent_turn at {at}: {} has its first sound after the agent is said to speak",
                    part.hop
                )
            });
        }
    }
}
