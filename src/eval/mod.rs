//! Every step of an agent judged by itself, and by segment, so that the weak one shows.
//!
//! A suite is turns of which the right outcome is known, spoken in quiet and in other conditions. Each spoken turn gives
//! a [`Part`] of each [`Figure`] that it says something of: errors and words, one cut-off of one question, milliseconds
//! of one wait. A figure of a segment is the sum of the one over the sum of the other, so that all figures are handled
//! alike, and of all figures more is worse.
//!
//! Pure: what holds the conversations is `experiment`.

mod cell;
mod figure;
mod judges;
mod limits;
mod paired;
mod recipe;
mod said_of;
mod shuffles;
mod sound;
mod suite;
mod table;
mod weak;

pub use cell::{Cell, FEW};
pub use figure::{Figure, Step, Unit};
pub use judges::{Agreement, Judges, JudgesError};
pub use limits::{Limit, LimitProblem};
pub use paired::{Difference, Paired};
pub use recipe::{Recipe, RecipeProblem};
pub use said_of::said_of;
pub use sound::{Broken, Cooked, broken, cook};
pub use suite::{Case, Suite, SuiteError, append};
pub use table::{Column, Table};
pub use weak::{Weak, weak};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The label that says in which condition a turn was spoken.
pub const SOUND: &str = "sound";

/// What one turn adds to a figure: the figure of several turns is the sum of `above` over that of `below`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub above: f64,
    pub below: f64,
}

/// A turn of a suite that was spoken once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// The turn of the suite, by its name: the same in every condition and every version.
    pub case: Arc<str>,
    /// What it can be told apart by, [`SOUND`] included.
    pub labels: BTreeMap<String, Arc<str>>,
    /// What it says of each figure, by the figure's name.
    pub parts: BTreeMap<Figure, Part>,
    /// The run folder, from the folder of the evaluation.
    pub run: String,
    /// The number of the turn in that run, from one.
    pub turn: u32,
    /// Where the turn begins in the run's recording, in seconds; null if it was never spoken.
    pub at_s: Option<f64>,
    /// What was heard, and what the caller heard of the answer.
    pub heard: Arc<str>,
    pub said: Arc<str>,
}

/// All turns of a suite, spoken in all conditions: what `eval.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    pub schema: String,
    /// The version of voicesim.
    pub version: String,
    pub suite: String,
    pub seed: u64,
    /// A hash of the agent's settings, the turns and the conditions.
    pub asked: String,
    /// Labels that turns are told apart by.
    pub by: Vec<String>,
    pub turns: Vec<Spoken>,
    /// Whether two people who judged the same turns agree.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub agreements: Vec<Agreement>,
}

impl Evaluated {
    pub const SCHEMA: &str = "voicesim.eval/1";

    /// Whether it is of an agent, turns and conditions as a suite has them now.
    pub fn is_of(&self, suite: &Suite) -> bool {
        self.asked == suite.fingerprint()
    }
}
