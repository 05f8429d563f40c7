//! What one event of an answer says, in any of the forms that servers give it.
//!
//! Nothing here is required: what is there and can be understood is used. Forms: OpenAI's chat completions and
//! completions, streamed or whole; Ollama's own (`message` or `response`, and `done`); llama.cpp's own (`content` and
//! `stop`).

use crate::engine::words::{is_true, words_of};
use serde_json::{Map, Value};

/// What an event says. All of it may be empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Text to be spoken.
    pub(super) text: String,
    /// What the model thinks aloud, in a field of its own.
    pub(super) reasoning: String,
    /// Text of a choice that is not the first, with the choice's number.
    pub(super) beside: Option<(u32, String)>,
    /// Whether the text is all of the answer, and not a piece of it.
    pub(super) is_whole: bool,
    /// Whether the text is the model's reason for not answering.
    pub(super) is_refusal: bool,
    /// The tool that the model calls, if its name is told.
    pub(super) tool: Option<String>,
    pub(super) finish: Option<Finish>,
    /// Whether nothing follows.
    pub(super) is_done: bool,
    /// Tokens written, and read.
    pub(super) usage: Option<(u32, Option<u32>)>,
    /// What went wrong, in the server's words.
    pub(super) error: Option<String>,
    /// Whether anything in it was known to be part of an answer.
    pub(super) is_known: bool,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finish {
    /// It had said all.
    Said,
    /// It had used up its tokens.
    Length,
    /// A filter stopped it.
    Filter,
    /// It calls a tool.
    Tool,
    /// Something went wrong.
    Error,
    /// Something else.
    Other(String),
}

impl Finish {
    fn of(reason: &str) -> Finish {
        match reason.trim().to_ascii_lowercase().as_str() {
            "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "word" | "complete" => {
                Finish::Said
            }
            "length" | "max_tokens" | "max_output_tokens" | "limit" | "model_length" => {
                Finish::Length
            }
            "content_filter"
            | "content-filter"
            | "safety"
            | "prohibited_content"
            | "guardrail_intervened" => Finish::Filter,
            "tool_calls" | "tool_call" | "tool_use" | "function_call" => Finish::Tool,
            "error" => Finish::Error,
            other => Finish::Other(other.chars().take(40).collect()),
        }
    }
}

impl Said {
    /// What an event says whose type is `name`; empty if it has none.
    pub(super) fn of(name: &str, value: &Value) -> Said {
        let mut said = Said::default();
        let Value::Object(event) = value else {
            return said;
        };
        if let Some(error) = error_in(name, event) {
            said.error = Some(error);
            return said;
        }
        said.choices(event);
        said.servers_own(event);
        said.usage = usage_in(event);
        said.is_known |= said.usage.is_some() || is_ping(name, event);
        if said.finish == Some(Finish::Error) {
            said.error = Some(words_of(value).unwrap_or_else(|| "finish_reason error".into()));
        }
        said
    }

    fn choices(&mut self, event: &Map<String, Value>) {
        let choices = match event.get("choices") {
            Some(Value::Array(choices)) => choices.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            Some(_) => {
                self.is_known = true;
                return;
            }
            None => return,
        };
        self.is_known = true;
        for choice in choices {
            let number = choice.get("index").and_then(number).unwrap_or(0);
            let mut own = Said::default();
            own.choice(choice);
            match number {
                0 => {
                    self.text += &own.text;
                    self.reasoning += &own.reasoning;
                    self.is_whole |= own.is_whole;
                    self.is_refusal |= own.is_refusal;
                    self.tool = self.tool.take().or(own.tool);
                    self.finish = self.finish.take().or(own.finish);
                }
                _ if !own.text.is_empty() && self.beside.is_none() => {
                    self.beside = Some((number, own.text));
                }
                _ => {}
            }
        }
    }

    fn choice(&mut self, choice: &Value) {
        for (key, is_whole) in [("delta", false), ("message", true)] {
            match choice.get(key) {
                Some(message) if self.text.is_empty() => {
                    self.message(message);
                    self.is_whole = is_whole && !self.text.is_empty();
                }
                _ => {}
            }
        }
        if self.text.is_empty()
            && let Some(text) = choice.get("text")
        {
            self.content(text);
        }
        let reason = choice.get("finish_reason").and_then(Value::as_str);
        self.finish = reason.filter(|it| !it.trim().is_empty()).map(Finish::of);
    }

    /// A message, or a piece of one.
    fn message(&mut self, message: &Value) {
        if let Some(text) = message.as_str() {
            self.text += text;
            return;
        }
        if let Some(content) = message.get("content") {
            self.content(content);
        }
        // Servers that give several of these say the same in each.
        let reasoning = ["reasoning_content", "reasoning", "thinking"]
            .iter()
            .filter_map(|key| text_in(message.get(*key)?))
            .find(|text| !text.is_empty());
        self.reasoning += reasoning.as_deref().unwrap_or_default();
        let refusal = message.get("refusal").and_then(Value::as_str);
        if let Some(refusal) = refusal.filter(|it| !it.is_empty()) {
            self.text += refusal;
            self.is_refusal = true;
        }
        let calls = message.get("tool_calls").and_then(Value::as_array);
        let called = calls
            .and_then(|calls| calls.first()?.get("function"))
            .or(message.get("function_call").filter(|it| it.is_object()));
        if let Some(called) = called {
            let name = called.get("name").and_then(Value::as_str);
            self.tool = Some(name.unwrap_or_default().to_owned());
        }
    }

    /// Content as a text, or as a list of parts.
    fn content(&mut self, content: &Value) {
        let parts = match content {
            Value::Array(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        for part in parts {
            let kind = part.get("type").and_then(Value::as_str);
            match kind.unwrap_or_default() {
                "thinking" | "reasoning" | "redacted_thinking" => {
                    let thought = ["thinking", "reasoning", "text"]
                        .iter()
                        .find_map(|key| text_in(part.get(*key)?));
                    self.reasoning += thought.as_deref().unwrap_or_default();
                }
                "refusal" => {
                    self.text += part
                        .get("refusal")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    self.is_refusal = true;
                }
                _ => self.text += text_in(part).as_deref().unwrap_or_default(),
            }
        }
    }

    /// The forms of Ollama and llama.cpp.
    fn servers_own(&mut self, event: &Map<String, Value>) {
        if event.contains_key("choices") {
            return;
        }
        let is_true = |key: &str| event.get(key).is_some_and(is_true);
        let is_ollama = event.contains_key("done");
        let is_llama = event.contains_key("stop") && event.contains_key("content");
        if is_ollama {
            if let Some(message) = event.get("message") {
                self.message(message);
            }
            let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
            self.text += text("response");
            self.reasoning += text("thinking");
            self.is_done = is_true("done");
            let reason = event.get("done_reason").and_then(Value::as_str);
            self.finish = self
                .is_done
                .then(|| reason.map_or(Finish::Said, Finish::of));
        } else if is_llama {
            if let Some(content) = event.get("content") {
                self.content(content);
            }
            self.is_done = is_true("stop");
            let kind = event.get("stop_type").and_then(Value::as_str);
            let is_limit = is_true("stopped_limit") || kind == Some("limit");
            let finish = if is_limit {
                Finish::Length
            } else {
                Finish::Said
            };
            self.finish = self.is_done.then_some(finish);
        }
        self.is_known |= is_ollama || is_llama;
    }
}

/// A text, wherever it lies in a value that holds one.
fn text_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(parts) => Some(parts.iter().filter_map(text_in).collect()),
        Value::Object(part) => ["text", "value", "content"]
            .iter()
            .find_map(|key| text_in(part.get(*key)?)),
        _ => None,
    }
}

/// What went wrong, if the event says that something did.
fn error_in(name: &str, event: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    let is_error = |word: Option<&str>| word.is_some_and(|it| it.eq_ignore_ascii_case("error"));
    let whole = || Value::Object(event.clone());
    match event.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::String(text)) if text.trim().is_empty() => {}
        Some(Value::Object(error)) if error.is_empty() => {}
        Some(error) => return Some(words_of(error).unwrap_or_else(|| whole().to_string())),
    }
    let says_so = is_error(Some(name)) || is_error(text("object")) || is_error(text("type"));
    let is_answer = ["choices", "done", "usage", "content"]
        .iter()
        .any(|key| event.contains_key(*key));
    let has_only_reason = ["detail", "errors", "error_message"]
        .iter()
        .any(|key| event.contains_key(*key));
    (says_so || has_only_reason && !is_answer)
        .then(|| words_of(&whole()).unwrap_or_else(|| whole().to_string()))
}

/// Tokens written and read, wherever the server puts them.
fn usage_in(event: &Map<String, Value>) -> Option<(u32, Option<u32>)> {
    let count = |usage: &Map<String, Value>, keys: &[&str]| {
        keys.iter().find_map(|key| usage.get(*key).and_then(number))
    };
    let in_choice = || event.get("choices")?.as_array()?.first()?.get("usage");
    let places = [
        event.get("usage"),
        in_choice(),
        event.get("x_groq").and_then(|it| it.get("usage")),
    ];
    let written = ["completion_tokens", "output_tokens"];
    for usage in places.into_iter().flatten().filter_map(Value::as_object) {
        if let Some(written) = count(usage, &written) {
            return Some((written, count(usage, &["prompt_tokens", "input_tokens"])));
        }
    }
    // Ollama's, and llama.cpp's.
    let written = count(event, &["eval_count", "tokens_predicted"])?;
    Some((
        written,
        count(event, &["prompt_eval_count", "tokens_evaluated"]),
    ))
}

/// A count, as a number of any kind or as a text.
fn number(value: &Value) -> Option<u32> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (0.0..=f64::from(u32::MAX))
        .contains(&number)
        .then_some(number as u32)
}

/// Whether an event only says that the server is still there.
fn is_ping(name: &str, event: &Map<String, Value>) -> bool {
    let kind = event.get("type").and_then(Value::as_str);
    [Some(name), kind].into_iter().flatten().any(is_ping_name)
}

/// Whether an event of this type only says that the server is still there.
pub(super) fn is_ping_name(name: &str) -> bool {
    ["ping", "heartbeat", "keepalive", "keep-alive", "keep_alive"]
        .iter()
        .any(|ping| name.eq_ignore_ascii_case(ping))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(value: Value) -> Said {
        Said::of("", &value)
    }

    fn delta(delta: Value) -> Said {
        said(json!({"choices": [{"index": 0, "delta": delta}]}))
    }

    #[test]
    fn text_is_found_in_every_form() {
        for value in [
            json!({"choices": [{"delta": {"content": "Yes."}}]}),
            json!({"choices": [{"index": 0.0, "delta": {"content": "Yes."}}]}),
            json!({"choices": {"delta": {"content": "Yes."}}}),
            json!({"choices": [{"delta": {"content": [{"type": "text", "text": "Yes."}]}}]}),
            json!({"choices": [{"delta": {"content": [{"text": {"value": "Yes."}}]}}]}),
            json!({"choices": [{"delta": {"content": ["Yes", "."]}}]}),
            json!({"choices": [{"delta": null, "text": "Yes."}]}),
            json!({"choices": [{"message": {"role": "assistant", "content": "Yes."}}]}),
            json!({"message": {"content": "Yes."}, "done": false}),
            json!({"response": "Yes.", "done": false}),
            json!({"content": "Yes.", "stop": false}),
        ] {
            let said = said(value.clone());
            assert_eq!(said.text, "Yes.", "{value}");
            assert!(said.is_known && said.error.is_none(), "{value}");
        }
    }

    #[test]
    fn nothing_in_place_of_text_is_nothing() {
        for value in [
            json!({"choices": []}),
            json!({"choices": null}),
            json!({"choices": [{"index": 0, "delta": null, "finish_reason": null}]}),
            json!({"choices": [{"delta": {"role": "assistant"}}]}),
            json!({"choices": [{"delta": {"content": null}, "finish_reason": ""}], "error": null}),
            json!({"choices": [{"delta": {"content": true}}]}),
            json!({"choices": [], "usage": null}),
        ] {
            let said = said(value.clone());
            let nothing = Said {
                is_known: true,
                ..Said::default()
            };
            assert_eq!(said, nothing, "{value}");
        }
        for value in [json!(1), json!("x"), json!(null), json!({"created": 1})] {
            assert_eq!(said(value.clone()), Said::default(), "{value}");
        }
    }

    #[test]
    fn reasoning_is_told_apart_from_the_answer() {
        for value in [
            json!({"content": null, "reasoning_content": "Hm."}),
            json!({"reasoning": "Hm.", "reasoning_details": [{"text": "Hm."}]}),
            json!({"thinking": "Hm.", "content": ""}),
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}),
        ] {
            let said = delta(value.clone());
            assert_eq!((&*said.text, &*said.reasoning), ("", "Hm."), "{value}");
        }
        let ollama = json!({"message": {"content": "", "thinking": "Hm."}, "done": false});
        assert_eq!(said(ollama).reasoning, "Hm.");
    }

    #[test]
    fn only_the_first_choice_is_spoken() {
        let both = json!({"choices": [
            {"index": 1, "delta": {"content": "Wrong."}},
            {"index": 0, "delta": {"content": "Right."}},
        ]});
        let said = said(both);
        assert_eq!(said.text, "Right.");
        assert_eq!(said.beside, Some((1, "Wrong.".to_owned())));
    }

    #[test]
    fn why_a_model_stopped_is_told() {
        for (reason, finish) in [
            ("stop", Finish::Said),
            ("length", Finish::Length),
            ("MAX_TOKENS", Finish::Length),
            ("content_filter", Finish::Filter),
            ("tool_calls", Finish::Tool),
            ("whim", Finish::Other("whim".into())),
        ] {
            let value = json!({"choices": [{"delta": {}, "finish_reason": reason}]});
            assert_eq!(said(value).finish, Some(finish));
        }
        let done = said(json!({"done": "True", "done_reason": "length", "response": ""}));
        assert_eq!((done.is_done, done.finish), (true, Some(Finish::Length)));
        let cut = said(json!({"content": "", "stop": true, "stop_type": "limit"}));
        assert_eq!(cut.finish, Some(Finish::Length));
    }

    #[test]
    fn a_refusal_is_spoken_and_a_tool_is_named() {
        let refusal = delta(json!({"content": null, "refusal": "I cannot."}));
        assert_eq!((&*refusal.text, refusal.is_refusal), ("I cannot.", true));
        let call = json!([{"index": 0, "function": {"name": "hours", "arguments": ""}}]);
        let called = delta(json!({"content": null, "tool_calls": call}));
        assert_eq!(called.tool.as_deref(), Some("hours"));
    }

    #[test]
    fn tokens_are_counted_wherever_they_stand() {
        for value in [
            json!({"choices": [], "usage": {"prompt_tokens": 5.0, "completion_tokens": 7.0}}),
            json!({"choices": [{"delta": {}, "usage": {"prompt_tokens": "5", "completion_tokens": 7}}]}),
            json!({"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 7}}}),
            json!({"done": true, "prompt_eval_count": 5, "eval_count": 7}),
        ] {
            assert_eq!(said(value.clone()).usage, Some((7, Some(5))), "{value}");
        }
        let none =
            json!({"choices": [], "usage": {"prompt_tokens": null, "completion_tokens": null}});
        assert_eq!(said(none).usage, None);
        let odd = json!({"usage": {"completion_tokens": -1}});
        assert_eq!(said(odd).usage, None);
    }

    #[test]
    fn errors_are_told_in_the_servers_words_in_every_form() {
        for value in [
            json!({"error": {"message": "no room", "code": 429}}),
            json!({"error": "no room"}),
            json!({"error": {"code": 500, "metadata": {}, "message": "no room"}, "choices": [{"delta": {}}]}),
            json!({"object": "error", "message": "no room", "param": null, "code": 400}),
            json!({"type": "error", "code": "400", "message": "no room"}),
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "no room"}}),
            json!({"detail": "no room"}),
            json!({"detail": [{"msg": "no room"}]}),
        ] {
            assert_eq!(
                said(value.clone()).error.as_deref(),
                Some("no room"),
                "{value}"
            );
        }
        let named = Said::of("error", &json!({"message": "no room", "code": 502}));
        assert_eq!(named.error.as_deref(), Some("no room"));
    }
}
