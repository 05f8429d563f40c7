//! What differs between two sets of results, and whether it is more than chance.
//!
//! Turns of one conversation resemble each other, so conversations are what is resampled and shuffled; where
//! there are too few of them, it says so and takes turns. The p-values are those of a permutation test, which
//! is exact whatever the distribution (Good 2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses",
//! 3): if nothing changed, which side a conversation lies on is a coin's toss. What is shuffled of a percentile is how
//! many lie above that of both sides together (Mood 1950, "Introduction to the Theory of Statistics", 16.7, for the
//! median). The intervals are percentiles of a
//! bootstrap by conversations (Davison and Hinkley 1997, "Bootstrap Methods and their Application", 3.8).
//! Many lines are looked at, so p-values are corrected (Holm 1979, "A simple sequentially rejective multiple
//! test procedure"): the three figures of the headline among themselves, all the others among themselves.
//!
//! It knows nothing of how figures are shown.

mod chance;
mod columns;
mod conversation;
mod design;
mod differences;
mod holm;
mod lines;
mod pairs;
mod quantity;
mod ratio;
mod report;
mod student;
mod tally;
mod tested;

pub use chance::Effort;
pub use differences::Difference;
pub use quantity::{Quantity, RATES, Statistic};

use crate::event::Metric;
use crate::measure::folder::{Folder, Results};
use crate::measure::turns::TurnsError;
use crate::measure::{Histogram, Interval};
use design::{Design, SideResults};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A difference smaller than this share of the base is nothing to talk about, unless asked otherwise.
pub const MIN_EFFECT: f64 = 0.02;

/// The error that verdicts may make: one comparison of two equal things in twenty.
pub const SIGNIFICANCE: f64 = 0.05;

/// How two sets of results compare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub verdict: Verdict,
    pub base: Side,
    pub new: Side,
    pub pairing: Pairing,
    /// What was shuffled and resampled.
    pub independent: Independent,
    /// There is so little that no difference, however large, could be told from chance.
    pub is_too_little: bool,
    /// A share of the base.
    pub min_effect: f64,
    /// Hops in path order, then metrics, counts and word errors.
    pub lines: Vec<ComparedFigure>,
    /// What was asked for, or was done, otherwise.
    pub differences: Vec<Difference>,
    /// What makes the comparison less than fair. Sentences.
    pub warnings: Vec<String>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// The folder as it was named.
    pub folder: String,
    pub name: String,
    pub kind: Kind,
    /// Conversations; of a simulation of loads, its worlds.
    pub conversations: u64,
    pub turns: u64,
    pub answered: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Run,
    /// A recorded call that was measured.
    Recording,
    Simulation,
    /// A simulation of many calls at once: its worlds are what is independent.
    Load,
}

/// Whether both sides hold the same things.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pairing {
    pub is_paired: bool,
    /// What they have in common, or why they are not paired.
    pub why: String,
    /// Answered turns whose partner was answered too: the latencies are theirs. Zero unless paired.
    pub turns: u64,
    /// Answered turns of the base without an answered partner.
    pub only_base: u64,
    pub only_new: u64,
    /// Folders without a partner. They are left out.
    pub left_out: Vec<String>,
}

/// What is taken for independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Independent {
    Conversations,
    /// There are several conversations, and too few to shuffle: Student's t of their own figures has to find
    /// the difference, and the shuffled turns too.
    FewConversations,
    /// There is one conversation on a side.
    Turns,
}

/// A figure of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedFigure {
    /// `e2e_latency_p95_ms`, `hop.answer_mean_ms`, `false_barge_ins_share`, `wer`.
    pub name: String,
    #[serde(skip)]
    pub quantity: Quantity,
    #[serde(skip)]
    pub statistic: Statistic,
    /// Whether the verdict depends on it.
    pub is_headline: bool,
    /// Milliseconds, or a share in 0..=1; `None` if there is nothing.
    pub base: Option<f64>,
    pub new: Option<f64>,
    pub difference: Option<f64>,
    /// 95 %, of the difference, not corrected for the number of lines.
    pub interval: Option<Interval>,
    /// `None` if it was not tested: turns or conversations do not tell it, or only one side has it.
    pub p: Option<f64>,
    /// Corrected for the number of lines of its family.
    pub p_holm: Option<f64>,
    pub mark: Option<Mark>,
}

/// A difference that is more than chance, and more than the least that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Worse,
    Better,
}

/// What the headline comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// One of its figures is worse, whatever the others are.
    Worse,
    Better,
    NoDifferenceFound,
}

/// What a comparison is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// A share of the base, at least 0.
    pub min_effect: f64,
    pub effort: Effort,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            min_effect: MIN_EFFECT,
            effort: Effort::default(),
        }
    }
}

/// Why there is nothing to compare. The text names the folder and the cure.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Turns(#[from] TurnsError),
    #[error("{path} holds runs and simulations; name a folder with one kind of them", path = path.display())]
    Mixed { path: PathBuf },
    #[error("{path}: none of its {turns} turns was answered, so there is no latency to compare; see why with `voicesim report {path}`", path = path.display())]
    NothingAnswered { path: PathBuf, turns: u64 },
}

/// Compares what lies in two folders.
///
/// # Errors
/// If one of them holds nothing that can be compared, or cannot be read to its end.
pub fn compare(
    base: (&Path, &Folder),
    new: (&Path, &Folder),
    settings: &Settings,
) -> Result<Comparison, CompareError> {
    let sides = [
        Side::of(base.0, base.1.all())?,
        Side::of(new.0, new.1.all())?,
    ];
    let folders = [base.1, new.1];
    let mut matched = pairs::matched(base.1, new.1);
    let mut of = told(folders, &matched, settings)?;
    if of.pairing.is_paired && of.pairing.turns == 0 {
        // Nothing was answered on both sides: what is left is the one against the other.
        let why = "no turn was answered on both sides".to_owned();
        matched = pairs::Matched::Not { why };
        of = told(folders, &matched, settings)?;
    }
    Ok(finish(sides, of, settings, folders))
}

/// What turns tell.
struct Told {
    design: Design,
    pairing: Pairing,
    lines: Vec<ComparedFigure>,
}

fn told(
    folders: [&Folder; 2],
    matched: &pairs::Matched,
    settings: &Settings,
) -> Result<Told, TurnsError> {
    let sources = SideResults::both(folders, matched);
    let design = Design::of(&sources, matched);
    let tally = design.tally(&sources)?;
    let [only_base, only_new] = tally.alone;
    let pairing = Pairing {
        turns: tally.matched,
        only_base,
        only_new,
        ..Pairing::of(matched)
    };
    Ok(Told {
        lines: match design.is_paired && tally.matched == 0 {
            true => Vec::new(),
            false => lines::lines(&design, &tally, &sources, settings),
        },
        design,
        pairing,
    })
}

fn finish(
    [base, new]: [Side; 2],
    of: Told,
    settings: &Settings,
    folders: [&Folder; 2],
) -> Comparison {
    let Told {
        design,
        pairing,
        lines,
    } = of;
    let (differences, mut warnings) = differences::between(folders.map(Folder::all));
    warnings.extend(design.warnings());
    Comparison {
        verdict: Verdict::of(&lines),
        independent: design.independent,
        is_too_little: design.is_too_little(&pairing, [base.answered, new.answered]),
        base,
        new,
        pairing,
        min_effect: settings.min_effect,
        lines,
        differences,
        warnings,
    }
}

impl Side {
    fn of(path: &Path, all: &[Results]) -> Result<Side, CompareError> {
        let kinds: Vec<Kind> = all.iter().map(Kind::of).collect();
        let kind = kinds.first().copied().unwrap_or(Kind::Run);
        if kinds.iter().any(|other| *other != kind) {
            let path = path.to_owned();
            return Err(CompareError::Mixed { path });
        }
        let count = |of: fn(&Results) -> u64| all.iter().map(of).sum::<u64>();
        let side = Side {
            folder: path.display().to_string(),
            name: match all {
                [one] => one.header().name.clone(),
                _ => path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into(),
            },
            kind,
            conversations: count(design::conversations),
            turns: count(|kept| kept.measured().turns),
            answered: count(answered),
        };
        match side.answered {
            0 => Err(CompareError::NothingAnswered {
                path: path.to_owned(),
                turns: side.turns,
            }),
            _ => Ok(side),
        }
    }
}

/// Turns with a latency.
fn answered(kept: &Results) -> u64 {
    match kept {
        Results::Run(run) => {
            let rows = run.measured.rows.iter();
            rows.filter(|row| row.e2e_ns.is_some()).count() as u64
        }
        Results::Simulation(simulation) => {
            let e2e = simulation.totals.measured.metrics.get(&Metric::E2eLatency);
            e2e.map_or(0, Histogram::count)
        }
    }
}

impl Kind {
    fn of(kept: &Results) -> Kind {
        match kept {
            Results::Simulation(simulation) if simulation.scenario.load.is_some() => Kind::Load,
            Results::Simulation(_) => Kind::Simulation,
            Results::Run(run) if run.header.clock == crate::record::store::Header::RECORDING => {
                Kind::Recording
            }
            Results::Run(_) => Kind::Run,
        }
    }
}

impl Verdict {
    fn of(lines: &[ComparedFigure]) -> Verdict {
        let has = |mark| {
            let mut headline = lines.iter().filter(|line| line.is_headline);
            headline.any(|line| line.mark == Some(mark))
        };
        match (has(Mark::Worse), has(Mark::Better)) {
            (true, _) => Verdict::Worse,
            (false, true) => Verdict::Better,
            (false, false) => Verdict::NoDifferenceFound,
        }
    }
}

impl Comparison {
    /// The line of that name.
    pub fn line(&self, name: &str) -> Option<&ComparedFigure> {
        self.lines.iter().find(|line| line.name == name)
    }
}
