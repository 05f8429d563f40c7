//! Files of pauses in conversations, one JSON object a line, plain or gzipped.

use super::Before;
use super::pause::{Habit, Pause, words};
use crate::labelled::{self, LabelledError, Needs, object};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// The longest time in a file, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// A pause of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The name of the pause.
    pub id: String,
    /// What was known when it began, with all words.
    pub pause: Pause,
    /// The silence after which the words were known; zero if nothing says so.
    pub words_after: Duration,
    /// What a judge of the sound made of it; `None` if none was asked.
    pub sound: Option<Sounded>,
    /// What became of it; `None` unless that was asked for.
    pub truth: Option<Truth>,
}

/// What a judge of the sound made of a pause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sounded {
    /// The probability that the caller has finished, in 0..=1.
    pub probability: f64,
    /// The silence after which that was known.
    pub after: Duration,
}

/// What became of a pause, and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// Whether the speaker had finished; `None` if nobody can say.
    pub is_end: Option<bool>,
    /// The silence until the speaker went on, or was taken to have finished, in milliseconds.
    pub pause_ms: f64,
    /// The corpus.
    pub corpus: String,
    /// The conversation.
    pub conversation: String,
    /// The speaker.
    pub speaker: String,
    /// The turn that the pause is in.
    pub turn: String,
    /// `train`, or what the pause is kept back for.
    pub split: String,
    /// Whether a dialogue act was complete.
    pub act_is_done: bool,
    /// Whether nobody but two people talked.
    pub is_two_party: bool,
}

/// Reads every pause of a file. Nothing is returned of a file with a bad line.
///
/// # Errors
/// The file or its first bad line, and the cure.
pub fn read(path: &Path, needs: Needs) -> Result<Vec<Labelled>, LabelledError> {
    labelled::read(path, "pauses", |line| parse(line, needs))
}

#[derive(Deserialize)]
struct Line {
    id: String,
    /// Start and end in hundredths of a second before the pause, and the word.
    toks: Vec<(f64, f64, String)>,
    ctx: Context,
}

#[derive(Deserialize)]
struct Context {
    turn_s: f64,
    turn_w: u32,
    tp_n: u32,
    tp_last: f64,
    sp_n: u32,
    sp_mean: f64,
    sp_max: f64,
    prev_q: Option<u8>,
    prev_gap: Option<f64>,
}

#[derive(Deserialize)]
struct TruthLine {
    corpus: String,
    conv: String,
    spk: String,
    turn: String,
    split: String,
    y: Outcome,
    info: Info,
}

#[derive(Deserialize)]
struct Outcome {
    label: Label,
    pause: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Label {
    End,
    Pause,
    Unclear,
}

#[derive(Deserialize)]
struct Info {
    act_done: u8,
    two_party: u8,
}

fn parse(line: &[u8], needs: Needs) -> Result<Labelled, String> {
    let typed: Line = object(line)?;
    let truth = match needs {
        Needs::Prediction => None,
        Needs::Truth => {
            let truth: TruthLine = object(line)?;
            seconds("y.pause", truth.y.pause)?;
            Some(Truth {
                is_end: match truth.y.label {
                    Label::End => Some(true),
                    Label::Pause => Some(false),
                    Label::Unclear => None,
                },
                pause_ms: truth.y.pause * 1e3,
                corpus: truth.corpus,
                conversation: truth.conv,
                speaker: truth.spk,
                turn: truth.turn,
                split: truth.split,
                act_is_done: truth.info.act_done != 0,
                is_two_party: truth.info.two_party != 0,
            })
        }
    };
    Ok(Labelled {
        id: typed.id,
        pause: typed.ctx.pause(&typed.toks)?,
        words_after: Duration::ZERO,
        sound: None,
        truth,
    })
}

fn seconds(name: &str, value: f64) -> Result<f64, String> {
    match (0.0..=SECONDS_MAX).contains(&value) {
        true => Ok(value),
        false => Err(format!(
            "{name} is {value}: it is in seconds, from 0 to {SECONDS_MAX}"
        )),
    }
}

impl Context {
    fn pause(self, tokens: &[(f64, f64, String)]) -> Result<Pause, String> {
        // Kinds of sound, in <>, are nothing that a recogniser prints.
        let said = tokens.iter().map(|(_, _, word)| word.as_str());
        let said: Vec<&str> = said.filter(|word| !word.starts_with('<')).collect();
        let words = words(&said.join(" "));
        let gap = self.prev_gap.filter(|gap| *gap < SECONDS_MAX);
        Ok(Pause {
            turn_s: seconds("ctx.turn_s", self.turn_s)?,
            pauses: self.tp_n,
            last_pause_s: seconds("ctx.tp_last", self.tp_last)?,
            turn_words: self.turn_w,
            words: (!words.is_empty()).then_some(words),
            habit: Habit {
                pauses: self.sp_n,
                mean_s: seconds("ctx.sp_mean", self.sp_mean)?,
                longest_s: seconds("ctx.sp_max", self.sp_max)?,
            },
            before: Before {
                agent_asked: self.prev_q.is_some_and(|asked| asked != 0),
                // Who begins before the other has finished leaves no gap.
                gap: gap.map(|gap| Duration::from_secs_f64(gap.max(0.0))),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a","corpus":"icsi","conv":"m","split":"train","spk":"s","turn":"m-1","t0":1.0,"toks":[[-36,-30,"Is"],[-30,-20,"<cut>"],[-20,0,"that"]],"ctx":{"turn_s":0.36,"turn_w":2,"stretch_s":0.36,"tp_n":0,"tp_last":0,"sp_n":1,"sp_mean":0.83,"sp_max":0.83,"prev_q":null,"prev_gap":-1.5},"y":{"label":"end","pause":1.84},"info":{"act_done":1,"two_party":1}}"#;

    #[test]
    fn a_line_becomes_a_pause() {
        let read = parse(GOOD.as_bytes(), Needs::Truth).expect("a pause");
        assert_eq!(
            read.pause.words,
            Some(vec!["is".to_owned(), "that".to_owned()])
        );
        assert_eq!(read.pause.before.gap, Some(Duration::ZERO));
        let truth = read.truth.expect("what became of it");
        assert_eq!((truth.is_end, truth.pause_ms), (Some(true), 1_840.0));
    }

    #[test]
    fn predictions_need_no_truth() {
        let start = GOOD.find(",\"y\"").expect("labels");
        let unlabelled = format!("{}}}", &GOOD[..start]);
        assert!(parse(unlabelled.as_bytes(), Needs::Prediction).is_ok());
        let problem = parse(unlabelled.as_bytes(), Needs::Truth).expect_err("no labels");
        assert!(problem.contains("missing field `y`"), "{problem}");
    }

    #[test]
    fn bad_lines_are_named_with_a_cure() {
        let problem = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            let line = GOOD.replacen(from, to, 1);
            parse(line.as_bytes(), Needs::Truth).expect_err("a problem")
        };
        assert!(problem("\"end\"", "\"fin\"").contains("unknown variant `fin`"));
        assert!(problem("\"id\":\"a\",", "").contains("mend the line"));
        let negative = problem("\"turn_s\":0.36", "\"turn_s\":-1");
        assert_eq!(
            negative,
            "ctx.turn_s is -1: it is in seconds, from 0 to 86400"
        );
    }
}
