//! Reasoning inside of an answer's text: found as it comes, and left out.
//!
//! Models set it off with tags of many kinds (`<think>`, `[THINK]`, `◁think▷`, channels), or leave the opening tag to the
//! prompt. An answer that begins as only reasoning does ("The user wants…") is held until it is known: at a closing tag
//! what came before it is dropped; without one, nothing was reasoning and all is spoken.

use super::beginnings::{Agreeing, Agreement, SIGNS};

/// Tags whose content is reasoning, without their brackets.
const TAGS: [&str; 13] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reason",
    "analysis",
    "reflection",
    "scratchpad",
    "inner_monologue",
    "internal_monologue",
    "antthinking",
    "seed:think",
];
/// A tag whose content is reasoning when it says so.
const DETAILS: &str = "details";
const OF_REASONING: &str = "type=\"reasoning\"";
/// Tags around what one speaker says, behind the first of which stands who it is.
const TURNS: [&str; 2] = ["start_of_turn", "end_of_turn"];
/// Tags whose content is for programs.
const HIDDEN: [&str; 5] = [
    "tool_call",
    "function_call",
    "function_calls",
    "tool_use",
    "tool_code",
];
/// Special tokens that open and close reasoning.
const OPENING: [&str; 5] = [
    "|begin_of_thought|",
    "|start_thinking|",
    "|thinking|",
    "|think|",
    "|begin_thinking|",
];
const CLOSING: [&str; 5] = [
    "|end_of_thought|",
    "|end_thinking|",
    "|/thinking|",
    "|/think|",
    "|stop_thinking|",
];
/// What begins the answer behind reasoning that has no tag, alone on a line or before a colon. In small letters.
const ANSWERS: [&str; 3] = ["final answer", "answer", "response"];
/// A tag begins with one of these.
const TAG_BEGINS: [char; 3] = ['<', '[', '◁'];
/// A tag ends with one of these.
pub(crate) const TAG_ENDS: [char; 3] = ['>', '▷', ']'];
/// No name of a channel or a role is longer, in bytes: what goes on is no name, and is spoken.
const NAME_BYTES_MAX: usize = 64;
/// No tag is longer, in bytes.
const TAG_BYTES_MAX: usize = 120;
/// No more of an answer is held than this, in bytes, before it is spoken all the same.
const HELD_BYTES_MAX: usize = 1 << 16;

/// Takes reasoning out of text as it comes.
#[derive(Debug, Clone)]
pub(crate) struct Reasoning {
    place: Place,
    /// A tag so far.
    tag: String,
    /// What was held because it may be reasoning.
    held: String,
    /// The beginnings of reasoning that what was held agrees with.
    agreeing: Agreeing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// At the beginning of the answer: it may begin like reasoning.
    Beginning,
    /// In an answer that begins like reasoning.
    Suspected,
    /// In the answer.
    Answer,
    /// In reasoning, up to its closing tag.
    Inside,
    /// In the name of a channel or of a role, which is dropped.
    Name(String),
}

/// What a piece of text told about the text before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Answer,
    /// All that came before was reasoning, also what was taken for the answer.
    WasReasoning,
}

impl Reasoning {
    pub(crate) fn new(begins_inside: bool) -> Reasoning {
        Reasoning {
            place: if begins_inside {
                Place::Inside
            } else {
                Place::Beginning
            },
            tag: String::new(),
            held: String::new(),
            agreeing: Agreeing::default(),
        }
    }

    /// Within an answer that began otherwise.
    pub(crate) fn in_answer() -> Reasoning {
        Reasoning {
            place: Place::Answer,
            ..Reasoning::new(false)
        }
    }

    /// Whether nothing in a text can be reasoning or a tag, at the beginning of an answer that `begins` with it, or later in
    /// one that began otherwise than reasoning does.
    pub(crate) fn is_plain(text: &str, begins: bool) -> bool {
        !text.contains([TAG_BEGINS, TAG_ENDS].as_flattened())
            && (!begins || Agreeing::of(text) == Agreement::None)
    }

    /// Whether the text is reasoning at this point, or may be.
    pub(crate) fn is_inside(&self) -> bool {
        matches!(
            self.place,
            Place::Inside | Place::Suspected | Place::Name(_)
        )
    }

    /// Adds what of `text` is answer to `answer`.
    pub(crate) fn push(&mut self, text: &str, answer: &mut String) -> Before {
        let mut before = Before::Answer;
        let is_answer = self.place == Place::Answer && self.tag.is_empty();
        if is_answer && !text.contains(TAG_BEGINS) {
            answer.push_str(text);
            return before;
        }
        for (at, c) in text.char_indices() {
            if self.tag.is_empty() && !TAG_BEGINS.contains(&c) {
                let was_answer = self.place == Place::Answer;
                self.plain(c, answer);
                let rest = &text[at + c.len_utf8()..];
                if !was_answer && self.place == Place::Answer && !rest.contains(TAG_BEGINS) {
                    answer.push_str(rest);
                    return before;
                }
                continue;
            }
            if !self.tag.is_empty() && matches!(c, '<' | '◁') {
                self.flush_tag(answer);
            }
            self.tag.push(c);
            if TAG_ENDS.contains(&c) {
                let tag = std::mem::take(&mut self.tag);
                if self.met(&tag, answer) == Before::WasReasoning {
                    before = Before::WasReasoning;
                }
            } else if !self.may_be_tag() {
                self.flush_tag(answer);
            }
        }
        before
    }

    /// What is left when the text is over.
    pub(crate) fn finish(&mut self, answer: &mut String) {
        self.flush_tag(answer);
        match &self.place {
            Place::Beginning | Place::Suspected => {
                answer.push_str(&std::mem::take(&mut self.held));
            }
            // No role has a blank.
            Place::Name(text) if text.contains(' ') => answer.push_str(text),
            _ => {}
        }
    }

    /// Whether what was read since a bracket may be one of the tags.
    fn may_be_tag(&self) -> bool {
        let tag = self.tag.to_lowercase();
        if tag.len() > TAG_BYTES_MAX || tag.contains('\n') {
            return false;
        }
        if let Some(square) = tag.strip_prefix('[') {
            return ["think", "/think"]
                .iter()
                .any(|name| name.starts_with(square));
        }
        let inner = tag.trim_start_matches(['<', '◁']);
        let inner = inner.strip_prefix('/').unwrap_or(inner);
        if inner.starts_with('|') || inner.is_empty() {
            return true;
        }
        let known = TAGS.iter().chain(&HIDDEN).chain(&TURNS);
        known.chain([&DETAILS]).any(|name| {
            name.starts_with(inner)
                || inner
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(' '))
        })
    }

    fn flush_tag(&mut self, answer: &mut String) {
        let tag = std::mem::take(&mut self.tag);
        for c in tag.chars() {
            self.plain(c, answer);
        }
    }

    fn plain(&mut self, c: char, answer: &mut String) {
        match &mut self.place {
            Place::Inside => {}
            Place::Answer => answer.push(c),
            // Behind a role alone its text begins: the answer's, or what a model makes up for its caller.
            Place::Name(name) if c == '\n' => {
                self.place = match name.trim() {
                    "user" | "human" => Place::Inside,
                    _ => Place::Beginning,
                };
            }
            Place::Name(name) => {
                name.push(c);
                if name.len() > NAME_BYTES_MAX {
                    answer.push_str(&std::mem::take(name));
                    self.place = Place::Answer;
                }
            }
            Place::Beginning => {
                self.held.push(c);
                self.begin(c, answer);
            }
            Place::Suspected => {
                self.held.push(c);
                if matches!(c, ':' | '\n') && self.is_answer_named() {
                    self.forget();
                    self.place = Place::Answer;
                } else if self.held.len() > HELD_BYTES_MAX {
                    self.release(answer);
                }
            }
        }
    }

    /// Decides whether the answer begins like reasoning, with this letter at the end of what is held.
    fn begin(&mut self, c: char, answer: &mut String) {
        match self.agreeing.then(c) {
            Agreement::Whole => self.place = Place::Suspected,
            Agreement::SoFar => {}
            Agreement::None => self.release(answer),
        }
    }

    fn release(&mut self, answer: &mut String) {
        answer.push_str(&self.held);
        self.forget();
        self.place = Place::Answer;
    }

    /// Drops what is held.
    fn forget(&mut self) {
        self.held.clear();
        self.agreeing = Agreeing::default();
    }

    /// Whether the last line so far is "Answer:" or the heading "Answer", behind a line of reasoning that was named too.
    fn is_answer_named(&self) -> bool {
        let held = self.held.trim_end_matches(['\n', ':']);
        let Some((_, last)) = held.rsplit_once('\n') else {
            return false;
        };
        let last = last.replace(SIGNS, "").trim().to_lowercase();
        ANSWERS.contains(&last.as_str())
    }

    /// A whole tag.
    fn met(&mut self, tag: &str, answer: &mut String) -> Before {
        let lower = tag.to_lowercase();
        let inner = lower.trim_matches(['<', '>', '[', ']', '◁', '▷']);
        let name = inner.strip_prefix('/').unwrap_or(inner);
        let is_closing = inner.starts_with('/') || CLOSING.contains(&inner);
        let first_word = name.split(' ').next().unwrap_or_default();
        let is_it = |tag: &str| {
            name.strip_prefix(tag)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let is_tag = TAGS.iter().any(|tag| is_it(tag));
        let is_unopened = self.place != Place::Inside;
        let is_details = first_word == DETAILS && (is_closing || name.contains(OF_REASONING));
        match name {
            _ if HIDDEN.contains(&first_word) || is_details => {
                match is_closing {
                    // What was not opened here is markup like any other.
                    true if is_unopened => {}
                    true => self.place = Place::Answer,
                    false => self.open(answer),
                }
            }
            _ if is_tag && is_closing || CLOSING.contains(&inner) => return self.closed(),
            _ if is_tag || OPENING.contains(&name) => self.open(answer),
            "|channel|" | "|start|" | "|im_start|" | "|start_header_id|" | "start_of_turn" => {
                self.place = Place::Name(String::new());
            }
            "|end_header_id|" => self.place = Place::Beginning,
            "end_of_turn" => {}
            "|message|" => {
                let channel = match std::mem::replace(&mut self.place, Place::Answer) {
                    Place::Name(name) => name,
                    other => {
                        self.place = other;
                        return Before::Answer;
                    }
                };
                let is_reasoning = ["analysis", "commentary", "thought"]
                    .iter()
                    .any(|name| channel.trim().starts_with(name));
                if is_reasoning {
                    self.place = Place::Inside;
                }
            }
            "|end|" | "|return|" | "|im_end|" | "|eot_id|" | "|endoftext|" | "|end_of_text|" => {
                if self.place == Place::Inside {
                    self.place = Place::Answer;
                }
            }
            _ if inner.starts_with('|') => {}
            _ => {
                for c in tag.chars() {
                    self.plain(c, answer);
                }
            }
        }
        Before::Answer
    }

    fn open(&mut self, answer: &mut String) {
        if self.place == Place::Beginning {
            self.release(answer);
        }
        if self.place == Place::Suspected {
            self.forget();
        }
        self.place = Place::Inside;
    }

    fn closed(&mut self) -> Before {
        let was = std::mem::replace(&mut self.place, Place::Answer);
        self.forget();
        match was {
            Place::Answer => Before::WasReasoning,
            _ => Before::Answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut reasoning = Reasoning::new(false);
        let mut answer = String::new();
        for c in text.chars() {
            if reasoning.push(&c.to_string(), &mut answer) == Before::WasReasoning {
                answer.clear();
            }
        }
        reasoning.finish(&mut answer);
        assert_eq!(answer.trim(), expected, "{text}");
    }

    #[test]
    fn reasoning_in_any_of_its_forms_is_left_out() {
        for tagged in [
            "<think>Hm, nine?</think>\nWe open at nine.",
            "<THINKING>a\n<b></thinking>We open at nine.",
            "[THINK]x[/THINK]We open at nine.",
            "◁think▷x◁/think▷We open at nine.",
            "<|begin_of_thought|>x<|end_of_thought|>We open at nine.",
            "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>We open at nine.<|return|>",
            "<details type=\"reasoning\" done=\"true\">x</details>We open at nine.",
            "The user wants hours. </think>\n\nWe open at nine.",
            "They want hours.</think>We open at nine.",
            "Thought: they want hours.\nFinal Answer: We open at nine.",
            "<seed:think>x</seed:think>We open at nine.",
            "<|im_start|>assistant\n<think>x</think>We open at nine.<|im_end|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\nWe open at nine.<|eot_id|>",
            "<start_of_turn>model\nWe open at nine.<end_of_turn>\n<start_of_turn>user\nThanks.",
            "### Thinking\nThey want hours.\n\n### Answer\nWe open at nine.",
        ] {
            check(tagged, "We open at nine.");
        }
    }

    #[test]
    fn what_only_looks_like_reasoning_is_kept() {
        for text in [
            "The user manual is in the box.",
            "Okay, we open at nine.",
            "I think <b>nine</b> [sic] is 5 < 6.",
            "a <thin line",
            "Thinking\nof you.",
            "**The user",
            "<thinner>x</thinner>",
        ] {
            check(text, text);
        }
        check("<think>never ends", "");
        check(
            "**Thinking:** They want hours.\n\n**Answer:** We open at nine.",
            "** We open at nine.",
        );
        let long = "We open at nine. ".repeat(9);
        check(&format!("<|channel|>{long}"), long.trim());
    }
}
