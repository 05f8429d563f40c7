//! One thing that the caller says, and what should come of it.

use super::agent::AgentTable;
use super::engine::{Engine, Recogniser, Voice};
use super::latency::Latency;
use super::problem::{Problem, Table};
use super::speech::Speech;
use crate::event::{Expect, KEYS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `[[turn]]` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnTable {
    /// A recording, looked up from the scenario's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wav: Option<PathBuf>,
    /// Words for the scenario's voice to speak, in place of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// A simulated caller's speech, in place of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<Speech>,
    /// Keys that the caller presses, 1 to 64 of `0` to `9`, `*`, `#` and `A` to `D`, in place of a recording: only in
    /// calls to agents behind Twilio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<String>,
    /// What is truly said, for the word error rate. `say` is its own reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Texts of which a right answer has at least one, word for word, for the share of right answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_has: Vec<String>,
    /// Texts of which a right answer has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_has_not: Vec<String>,
    /// Whether a right answer says that the agent does not know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answer_refuses: bool,
    /// Where the answer stands in the agent's documents, as `FILE.md#Heading`, each place as right as the others, for what
    /// `voicesim eval` tells of the search.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_in: Vec<String>,
    /// What the turn can be told apart by in reports, as in `topic = "hours"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What the turn asks of the agent; an answer unless given.
    #[serde(default = "respond")]
    pub expect: Expect,
    /// What the turn waits for (its anchor); the start of the session for the first turn, the end of the
    /// agent's answer for the others unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// Milliseconds from the anchor to the turn, up to an hour.
    #[serde(default = "default_delay_ms")]
    pub delay_ms: u64,
    /// Milliseconds from the start of the recording to the true end of speech, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_end_ms: Option<u64>,
    /// Milliseconds without anything happening after which the turn no longer waits for what it comes after, and is
    /// missed; in a call to an agent, for how long its answer is waited for. Up to an hour.
    #[serde(default = "default_give_up_ms")]
    pub give_up_ms: u64,
}

impl Default for TurnTable {
    fn default() -> TurnTable {
        TurnTable {
            wav: None,
            say: None,
            speech: None,
            digits: None,
            text: None,
            answer_has: Vec::new(),
            answer_has_not: Vec::new(),
            answer_refuses: false,
            answer_in: Vec::new(),
            labels: BTreeMap::new(),
            expect: respond(),
            after: None,
            delay_ms: default_delay_ms(),
            speech_end_ms: None,
            give_up_ms: default_give_up_ms(),
        }
    }
}

fn respond() -> Expect {
    Expect::Respond
}

fn default_delay_ms() -> u64 {
    400
}

fn default_give_up_ms() -> u64 {
    10_000
}

/// What a turn waits for before its delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// The session begins. Only the first turn can wait for this.
    SessionStart,
    /// The agent begins to speak.
    AgentSpeechStart,
    /// The agent has spoken.
    AgentSpeechEnd,
    /// The turn before has been spoken.
    PreviousTurnEnd,
}

/// A turn of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// What is said.
    pub says: Says,
    /// What is truly said, in words, if it is known.
    pub reference: Option<String>,
    /// What a right answer says.
    pub right: RightAnswer,
    /// What the turn asks of the agent.
    pub expect: Expect,
    /// What the turn waits for.
    pub after: After,
    /// How long the turn waits after that.
    pub delay: Duration,
    /// How long the turn waits for it without anything happening.
    pub give_up: Duration,
}

/// What a right answer says, as far as somebody has written it down.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RightAnswer {
    /// Texts of which it has at least one; any if there are none.
    pub has: Vec<String>,
    /// Texts of which it has none.
    pub has_not: Vec<String>,
    /// Whether it says that the agent does not know.
    pub refuses: bool,
}

impl RightAnswer {
    /// Whether nobody has written anything down.
    pub fn is_unknown(&self) -> bool {
        *self == RightAnswer::default()
    }
}

/// How a turn is said.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// A recording is played.
    Recording {
        /// The file.
        wav: PathBuf,
        /// The true end of speech, counted from the start of the recording, if it is known.
        speech_end: Option<Duration>,
    },
    /// The scenario's voice speaks these words.
    Words(String),
    /// A simulated caller speaks, which makes no sound and only takes its time.
    Speech(Speech<Latency>),
    /// These keys are pressed.
    Keys(String),
}

impl Turn {
    /// What is said in words, or else the name of the recording, or else nothing.
    pub fn label(&self) -> String {
        let wav = match &self.says {
            Says::Recording { wav, .. } => wav.file_name(),
            Says::Words(_) | Says::Speech(_) | Says::Keys(_) => None,
        };
        let named = || wav.map(|name| name.to_string_lossy().into_owned());
        let pressed = || match &self.says {
            Says::Keys(keys) => Some(keys.clone()),
            _ => None,
        };
        let label = self.reference.clone().or_else(named);
        label.or_else(pressed).unwrap_or_default()
    }

    /// A recording of which nothing else is known.
    pub(super) fn of_recording(table: &TurnTable, wav: &Path, after: After) -> Turn {
        Turn {
            says: Says::Recording {
                wav: wav.to_owned(),
                speech_end: None,
            },
            reference: None,
            right: RightAnswer::default(),
            expect: table.expect,
            after,
            delay: Duration::from_millis(table.delay_ms),
            give_up: Duration::from_millis(table.give_up_ms),
        }
    }
}

/// The longest time that a turn may state: one hour.
const MAXIMUM_MS: u64 = 3_600_000;
const SAY_CHARACTERS_MAX: usize = 2_000;
const DIGITS_MAX: usize = 64;

/// What the turns of a scenario mean.
pub(super) fn turns(
    tables: &[TurnTable],
    (stt, tts): (&Recogniser, &Voice),
    agent: AgentTable,
) -> Result<Vec<Turn>, Problem> {
    let are_simulated = tables.iter().all(|turn| turn.speech.is_some());
    let mut turns: Vec<Turn> = Vec::with_capacity(tables.len());
    for (index, table) in tables.iter().enumerate() {
        let at = Table::nth(&["turn"], index);
        let says = table.says((stt, tts), are_simulated, at)?;
        let span = |key, ms| match ms {
            ..=MAXIMUM_MS => Ok(Duration::from_millis(ms)),
            _ => Err(at.problem(key, format!("{ms} ms is more than an hour"))),
        };
        let (delay, give_up) = (
            span("delay_ms", table.delay_ms)?,
            span("give_up_ms", table.give_up_ms)?,
        );
        table.check_answer(at)?;
        at.refuse_long("text", &table.text)?;
        at.refuse_long("answer_has", &table.answer_has)?;
        at.refuse_long("answer_has_not", &table.answer_has_not)?;
        at.refuse_long("answer_in", &table.answer_in)?;
        turns.push(Turn {
            says,
            reference: table.text.clone().or_else(|| table.say.clone()),
            right: table.right(),
            expect: table.expect,
            after: table.anchor(index, &turns, agent, at)?,
            delay,
            give_up,
        });
    }
    Ok(turns)
}

impl TurnTable {
    /// The problem with a recording that is named and is not there, if there is one.
    pub(super) fn missing_file(&self, at: Table<'_>) -> Option<Problem> {
        let wav = self.wav.as_ref().filter(|wav| !wav.is_file())?;
        let fix = format!(
            "{} does not exist; paths are looked up from the scenario's folder",
            wav.display()
        );
        Some(at.problem("wav", fix))
    }

    /// How the turn is said, which is exactly one way.
    fn says(
        &self,
        (stt, tts): (&Recogniser, &Voice),
        are_simulated: bool,
        at: Table<'_>,
    ) -> Result<Says, Problem> {
        let problem = |key: &str, fix: &str| Err(at.problem(key, fix));
        let says = match (&self.wav, &self.say, &self.speech, &self.digits) {
            (Some(wav), None, None, None) => Says::Recording {
                wav: wav.clone(),
                speech_end: self.speech_end_ms.map(Duration::from_millis),
            },
            (None, Some(words), None, None) => {
                if words.trim().is_empty() || words.chars().count() > SAY_CHARACTERS_MAX {
                    return problem("say", "give between 1 and 2,000 characters to speak");
                }
                if tts.is_simulated() {
                    return problem(
                        "say",
                        "a simulated voice speaks no words; give a wav, or a real engine under [tts]",
                    );
                }
                Says::Words(words.clone())
            }
            (None, None, None, Some(keys)) => {
                let is_key = |key: char| KEYS.contains(key);
                if !keys.chars().all(is_key) || !(1..=DIGITS_MAX).contains(&keys.len()) {
                    let fix = format!("give 1 to {DIGITS_MAX} keys of a telephone, of {KEYS}");
                    return problem("digits", &fix);
                }
                Says::Keys(keys.clone())
            }
            (None, None, Some(speech), None) => {
                if !stt.is_simulated() {
                    let fix = format!(
                        "simulated speech makes no sound that the engine {:?} could hear; set engine = \"simulated\" under [stt], or give a wav",
                        stt.name()
                    );
                    return problem("speech", &fix);
                }
                if !are_simulated {
                    return problem(
                        "speech",
                        "a caller is simulated in all turns or in none; give every turn a speech, or every turn a wav",
                    );
                }
                let parsed = speech.parse();
                Says::Speech(parsed.map_err(|fix| at.problem("speech", fix))?)
            }
            (None, None, None, None) => {
                return problem(
                    "wav",
                    "a turn needs something to say: wav = \"FILE\", say = \"…\" or speech = { … }; or keys to press: digits = \"…\"",
                );
            }
            _ => {
                let key = match (&self.say, &self.speech) {
                    (Some(_), _) => "say",
                    (None, Some(_)) => "speech",
                    (None, None) => "digits",
                };
                return problem(
                    key,
                    "a turn is made of one of wav, say, speech and digits; take the others away",
                );
            }
        };
        match says {
            Says::Words(_) | Says::Speech(_) | Says::Keys(_) if self.speech_end_ms.is_some() => {
                problem(
                    "speech_end_ms",
                    "this states where speech ends in a recording; take it away, or give a wav",
                )
            }
            says => Ok(says),
        }
    }

    fn right(&self) -> RightAnswer {
        RightAnswer {
            has: self.answer_has.clone(),
            has_not: self.answer_has_not.clone(),
            refuses: self.answer_refuses,
        }
    }

    fn check_answer(&self, at: Table<'_>) -> Result<(), Problem> {
        let is_wordless = |words: &String| !words.contains(char::is_alphanumeric);
        let lists = [
            ("answer_has", &self.answer_has),
            ("answer_has_not", &self.answer_has_not),
        ];
        if let Some((key, _)) = lists.iter().find(|(_, list)| list.iter().any(is_wordless)) {
            let fix = "a right answer has words; take the empty ones away";
            return Err(at.problem(key, fix));
        }
        if self.answer_refuses && !self.answer_in.is_empty() {
            let fix = "what stands in the documents is not refused; take answer_in or answer_refuses away";
            return Err(at.problem("answer_in", fix));
        }
        let others = [
            ("answer_refuses", self.answer_refuses),
            ("answer_in", !self.answer_in.is_empty()),
        ];
        let given = lists.map(|(key, list)| (key, !list.is_empty()));
        let given = given.into_iter().chain(others).find(|(_, is)| *is);
        if let (true, Some((key, _))) = (self.expect != Expect::Respond, given) {
            let fix = "there is no answer unless expect = \"respond\"; take the key away";
            return Err(at.problem(key, fix));
        }
        Ok(())
    }

    /// What the turn waits for. An anchor that cannot come, because nothing before it makes the agent speak, is
    /// refused.
    fn anchor(
        &self,
        index: usize,
        earlier: &[Turn],
        agent: AgentTable,
        at: Table<'_>,
    ) -> Result<After, Problem> {
        let after = self.after.unwrap_or(match index {
            0 if !agent.greets => After::SessionStart,
            _ => After::AgentSpeechEnd,
        });
        let is_answered = agent.greets || earlier.iter().any(|turn| turn.expect == Expect::Respond);
        let problem = |fix: &str| Err(at.problem("after", fix));
        match after {
            After::SessionStart if index > 0 => problem(
                "only the first turn can come at the session's start; use previous_turn_end, agent_speech_start or agent_speech_end",
            ),
            After::AgentSpeechStart | After::AgentSpeechEnd if !is_answered => problem(
                "this anchor cannot come: the agent speaks only in reply, and no turn before this one has expect = \"respond\"; use session_start or previous_turn_end, or put a question before it; an agent elsewhere that speaks first has greets = true under [agent]",
            ),
            After::PreviousTurnEnd if index == 0 => {
                problem("there is no turn before the first one; use session_start")
            }
            after => Ok(after),
        }
    }
}
