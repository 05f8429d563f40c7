//! Files of labelled sounds over a speaker, one JSON object a line, plain or gzipped.

use super::heard::Context;
use crate::labelled::{self, LabelledError, Needs, object};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a sound turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Back-channels only.
    Bc,
    /// A short agreement.
    Feedback,
    /// A laugh or a cough.
    Nonverbal,
    /// A false start.
    Attempt,
    /// Content: the speaker takes the floor.
    Floor,
    /// Starts as a back-channel, then takes the floor.
    BcFloor,
}

impl Label {
    pub const ALL: [Label; 6] = [
        Label::Bc,
        Label::Feedback,
        Label::Nonverbal,
        Label::Attempt,
        Label::Floor,
        Label::BcFloor,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Label::Bc => "bc",
            Label::Feedback => "feedback",
            Label::Nonverbal => "nonverbal",
            Label::Attempt => "attempt",
            Label::Floor => "floor",
            Label::BcFloor => "bc_floor",
        }
    }
}

/// Which sounds count, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Taking the floor is an interruption; back-channels, laughs and coughs are none; other sounds are left out.
    Strict,
    /// The strict task, in which also false starts count as interruptions and short agreements as none.
    Wide,
}

impl Task {
    pub fn name(self) -> &'static str {
        match self {
            Task::Strict => "strict",
            Task::Wide => "wide",
        }
    }

    /// Whether a sound of this label is an interruption; `None` if the task leaves it out.
    pub fn is_interruption(self, label: Label) -> Option<bool> {
        match (label, self) {
            (Label::Floor | Label::BcFloor, _) => Some(true),
            (Label::Bc | Label::Nonverbal, _) => Some(false),
            (Label::Attempt, Task::Wide) => Some(true),
            (Label::Feedback, Task::Wide) => Some(false),
            (Label::Attempt | Label::Feedback, Task::Strict) => None,
        }
    }
}

/// A word or a sound, in seconds from the onset.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "(f64, f64, String)")]
pub struct Token {
    pub start_s: f64,
    pub end_s: f64,
    /// The word; in `<>` a kind of sound, which no recogniser prints.
    pub text: String,
}

impl From<(f64, f64, String)> for Token {
    fn from((start_s, end_s, text): (f64, f64, String)) -> Token {
        Token {
            start_s,
            end_s,
            text,
        }
    }
}

impl Token {
    pub fn is_word(&self) -> bool {
        !self.text.starts_with('<')
    }
}

/// The label of a sound, where it is from, and its split.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    pub label: Label,
    /// `ami`, `icsi`, or another corpus.
    pub corpus: String,
    pub meeting: String,
    /// `train`, or what the sound is kept back for.
    pub split: String,
    /// Whether nobody but the two was speaking.
    pub is_two_party: bool,
}

/// One sound over a speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    pub id: String,
    /// Words and sounds, in order of their starts.
    pub tokens: Vec<Token>,
    pub context: Context,
    /// The label and what goes with it; `None` unless it was asked for.
    pub truth: Option<Truth>,
}

/// Reads every sound of a file. Nothing is returned of a file with a bad line.
pub fn read(path: &Path, needs: Needs) -> Result<Vec<Overlap>, LabelledError> {
    labelled::read(path, "overlaps", |line| parse(line, needs))
}

fn parse(line: &[u8], needs: Needs) -> Result<Overlap, String> {
    let line_as_typed: Line = object(line)?;
    check_tokens(&line_as_typed.toks)?;
    let truth = match needs {
        Needs::Prediction => None,
        Needs::Truth => {
            if line_as_typed.toks.is_empty() {
                return Err("toks is empty: a sound needs at least one token".to_owned());
            }
            let truth: TruthLine = object(line)?;
            Some(Truth {
                label: truth.label,
                corpus: truth.corpus,
                meeting: truth.meeting,
                split: truth.split,
                is_two_party: truth.post.n_other == 0,
            })
        }
    };
    Ok(Overlap {
        id: line_as_typed.id,
        tokens: line_as_typed.toks,
        context: line_as_typed.ctx.into_context()?,
        truth,
    })
}

fn check_tokens(tokens: &[Token]) -> Result<(), String> {
    for (index, token) in tokens.iter().enumerate() {
        let place = format!("token {} (\"{}\")", index + 1, token.text);
        if token.start_s < 0.0 {
            return Err(format!(
                "{place} starts before the onset: count from the onset"
            ));
        }
        if token.end_s < token.start_s {
            return Err(format!(
                "{place} ends before it starts: swap or mend its times"
            ));
        }
        if index > 0 && token.start_s < tokens[index - 1].start_s {
            return Err(format!(
                "{place} starts before the one ahead of it: sort toks by start"
            ));
        }
        if token.end_s > SECONDS_MAX {
            return Err(format!(
                "{place} ends after {SECONDS_MAX} s: times are in seconds"
            ));
        }
    }
    Ok(())
}

/// The longest time in a file, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(rename = "onset")]
    _onset: f64,
    toks: Vec<Token>,
    ctx: ContextLine,
}

#[derive(Deserialize)]
struct TruthLine {
    label: Label,
    corpus: String,
    meeting: String,
    split: String,
    post: PostLine,
}

#[derive(Deserialize)]
struct PostLine {
    n_other: u32,
}

#[derive(Deserialize)]
struct ContextLine {
    a_elapsed: f64,
    a_words: u32,
    a_sil: f64,
    a_act_elapsed: f64,
    a_act_done: u8,
    a_act_q: u8,
    a_prev_q: u8,
    b_gap: f64,
    b_talk60: f64,
    a_talk60: f64,
    b_n30: u32,
    prev_floor_b: u8,
    a_tail: String,
}

impl ContextLine {
    fn into_context(self) -> Result<Context, String> {
        for (name, seconds) in [
            ("a_elapsed", self.a_elapsed),
            ("a_sil", self.a_sil),
            ("a_act_elapsed", self.a_act_elapsed),
            ("b_gap", self.b_gap),
            ("b_talk60", self.b_talk60),
            ("a_talk60", self.a_talk60),
        ] {
            if !(0.0..=SECONDS_MAX).contains(&seconds) {
                return Err(format!(
                    "ctx.{name} is {seconds}: it is in seconds, from 0 up"
                ));
            }
        }
        Ok(Context {
            agent_elapsed_s: self.a_elapsed,
            agent_words: self.a_words,
            agent_silence_s: self.a_sil,
            sentence_elapsed_s: self.a_act_elapsed,
            sentence_done: self.a_act_done != 0,
            sentence_is_question: self.a_act_q != 0,
            previous_was_question: self.a_prev_q != 0,
            caller_gap_s: self.b_gap,
            caller_talk60_s: self.b_talk60,
            agent_talk60_s: self.a_talk60,
            caller_sounds30: self.b_n30,
            caller_had_floor: self.prev_floor_b != 0,
            agent_tail: self.a_tail,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a","onset":1.0,"corpus":"ami","meeting":"m","split":"train","label":"bc","toks":[[0.0,0.3,"mm"],[0.3,0.3,"<laugh>"],[0.3,0.6,"yeah"]],"ctx":{"a_elapsed":3.0,"a_words":9,"a_sil":0.0,"a_act_elapsed":1.0,"a_act_done":0,"a_act_q":1,"a_prev_q":0,"b_gap":120,"b_talk60":0,"a_talk60":3.0,"b_n30":0,"prev_floor_b":0,"a_tail":"is it"},"post":{"n_other":0}}"#;

    fn problem(from: &str, to: &str, needs: Needs) -> Option<String> {
        assert!(GOOD.contains(from), "{from}");
        parse(GOOD.replacen(from, to, 1).as_bytes(), needs).err()
    }

    fn check(from: &str, to: &str, expected: &str) {
        let problem = problem(from, to, Needs::Truth).expect("an error");
        assert!(problem.contains(expected), "{problem}");
    }

    #[test]
    fn equal_times_and_small_overlaps_are_fine() {
        assert_eq!(
            problem("[0.3,0.6", "[0.2,0.6", Needs::Truth),
            Some(
                "token 3 (\"yeah\") starts before the one ahead of it: sort toks by start"
                    .to_owned()
            )
        );
        assert_eq!(problem("[0.0,0.3", "[0.0,0.4", Needs::Truth), None);
        assert_eq!(problem("[0.3,0.3", "[0.3,0.3", Needs::Truth), None);
    }

    #[test]
    fn bad_lines_are_named_with_a_cure() {
        check("[0.3,0.6", "[0.6,0.5", "ends before it starts: swap");
        check("[0.0,0.3", "[-0.1,0.3", "starts before the onset");
        check("\"id\":\"a\",", "", "missing field `id`");
        check("\"a_sil\":0.0,", "", "missing field `a_sil`");
        check("\"a_sil\":0.0", "\"a_sil\":NaN", "at column");
        check("\"b_gap\":120", "\"b_gap\":-1", "ctx.b_gap is -1");
        check("\"bc\"", "\"nod\"", "unknown variant `nod`");
        check(
            "[[0.0,0.3,\"mm\"],[0.3,0.3,\"<laugh>\"],[0.3,0.6,\"yeah\"]]",
            "[]",
            "toks is empty",
        );
        check("{", "", "mend the line");
    }

    #[test]
    fn predictions_need_no_truth() {
        for (from, to) in [
            ("\"label\":\"bc\",", ""),
            ("\"bc\"", "\"nod\""),
            (",\"post\":{\"n_other\":0}", ""),
        ] {
            assert_eq!(problem(from, to, Needs::Prediction), None);
            assert!(problem(from, to, Needs::Truth).is_some());
        }
        assert!(problem("\"onset\":1.0,", "", Needs::Prediction).is_some());
    }
}
