//! What differs between two sets of results, and whether it is more than chance.
//!
//! Turns of one conversation resemble each other, so conversations are what is resampled and shuffled; where
//! there are too few conversations, the comparison says so and takes turns. The p-values are those of a
//! permutation test, which is exact whatever the distribution (Good 2005, "Permutation, Parametric and Bootstrap
//! Tests of Hypotheses", 3): if nothing changed, which side a conversation lies on is a coin's toss. In place of a
//! percentile the test shuffles how many spans lie above that of both sides together (Mood 1950, "Introduction to
//! the Theory of Statistics", 16.7, for the median); a wait in vain lies above every answer. The intervals are those
//! of the test. Many lines are looked at, so p-values are corrected (Holm 1979, "A simple sequentially rejective
//! multiple test procedure"): the figures of the headline among themselves, all the others among themselves.
//!
//! The module knows nothing of how figures are shown.

mod chance;
pub mod claims;
mod columns;
mod conversation;
mod design;
mod differences;
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
use crate::measure::folder::{Folder, MeasuredSimulation, Results};
use crate::measure::turns::TurnsError;
use crate::measure::{Interval, Waits};
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
    /// What the headline's figures come to.
    pub verdict: Verdict,
    /// The side that is compared with.
    pub base: Side,
    /// The side that is compared.
    pub new: Side,
    /// Whether turns of both sides are compared one by one.
    pub pairing: Pairing,
    /// What was shuffled and resampled.
    pub independent: Independent,
    /// Whether there are so few results that no difference, however large, could be told from chance.
    pub is_too_little: bool,
    /// What would tell, if it is too little; `None` if not even that is known.
    pub would_tell: Option<WouldTell>,
    /// The least difference that counts, as a share of the base.
    pub min_effect: f64,
    /// The figures of both sides: hops in path order, then metrics, counts and word errors.
    pub lines: Vec<ComparedFigure>,
    /// What was asked for, or was done, differently on the two sides.
    pub differences: Vec<Difference>,
    /// Sentences about what makes the comparison less than fair.
    pub warnings: Vec<String>,
}

/// How many turns would show a difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WouldTell {
    /// How many more turns on each side.
    pub more_turns: u64,
    /// The difference of mean latencies that so many would show in four of five comparisons, in milliseconds.
    pub difference_ms: f64,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// The folder as it was named.
    pub folder: String,
    /// The name of the run or simulation; that of the folder if it holds several.
    pub name: String,
    /// The kind of results in the folder.
    pub kind: Kind,
    /// How many conversations there are, or worlds in a simulation of loads.
    pub conversations: u64,
    /// How many turns there are.
    pub turns: u64,
    /// How many turns have a latency.
    pub answered: u64,
    /// How many turns should have been answered and were not.
    pub unanswered: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run.
    Run,
    /// A recorded call that was measured.
    Recording,
    /// A simulation of conversations.
    Simulation,
    /// A simulation of many calls at once, the worlds of which are independent.
    Load,
}

/// Whether both sides hold the same things.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pairing {
    /// Whether turns of one side belong to turns of the other.
    pub is_paired: bool,
    /// What the sides have in common, or why they are not paired.
    pub why: String,
    /// Turns that should have been answered on both sides, which are those whose latencies are compared. Zero
    /// unless paired.
    pub turns: u64,
    /// Turns of the base that should have been answered, without such a partner.
    pub only_base: u64,
    /// Turns of the new side that should have been answered, without such a partner.
    pub only_new: u64,
    /// Folders that are left out because they have no partner.
    pub left_out: Vec<String>,
}

/// What is taken for independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Independent {
    /// Conversations, or worlds of a load, are independent.
    Conversations,
    /// There are several conversations, and too few to shuffle. A difference has to be found both by Student's
    /// t of the conversations' own figures and by shuffled turns.
    FewConversations,
    /// Turns are taken for independent, since a side has only one conversation.
    Turns,
}

/// A figure of both sides, and the difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedFigure {
    /// The name of the figure: `e2e_latency_p95_ms`, `hop.answer_mean_ms`, `false_barge_ins_share`, `wer`.
    pub name: String,
    /// What is compared.
    #[serde(skip)]
    pub quantity: Quantity,
    /// The statistic of it that is compared.
    #[serde(skip)]
    pub statistic: Statistic,
    /// Whether the verdict depends on the figure.
    pub is_headline: bool,
    /// The base's figure in milliseconds, or as a share in 0..=1; `None` if there is nothing, or if it falls among
    /// turns that were not answered.
    pub base: Option<f64>,
    /// The new side's figure in milliseconds, or as a share in 0..=1; `None` as for the base.
    pub new: Option<f64>,
    /// What the base's figure lies over, in milliseconds, if it falls among turns that were not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_over: Option<f64>,
    /// What the new side's figure lies over, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_over: Option<f64>,
    /// Whether the new side's figure is the greater one, by what was shuffled; `None` if neither is.
    #[serde(skip)]
    is_greater: Option<bool>,
    /// The new side's figure less the base's; `None` if one of them is missing.
    pub difference: Option<f64>,
    /// The 95 % confidence interval of the difference, from the test that makes `p`, and like it not corrected for the
    /// number of lines; `None` if there is none.
    pub interval: Option<Interval>,
    /// The p-value; `None` if the figure was not tested, because turns or conversations do not tell it or only
    /// one side has it.
    pub p: Option<f64>,
    /// The p-value, corrected for the number of lines of its family (Holm 1979).
    pub p_holm: Option<f64>,
    /// Whether the new side is worse or better; `None` if no difference was found.
    pub mark: Option<Mark>,
}

/// A difference that is more than chance, and more than the least that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The new side is worse.
    Worse,
    /// The new side is better.
    Better,
}

/// What the headline comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// One of the headline's figures is worse, whatever the others are.
    Worse,
    /// A figure of the headline is better, and none is worse.
    Better,
    /// No figure of the headline differs by more than chance.
    NoDifferenceFound,
}

/// What a comparison is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The least difference that counts, as a share of the base, at least 0.
    pub min_effect: f64,
    /// How many shuffles and resamples are drawn.
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

/// Why there is nothing to compare. The text names the folder, and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The turns of a simulation cannot be read.
    #[error(transparent)]
    Turns(#[from] TurnsError),
    /// A folder holds several kinds of results.
    #[error("{path} holds runs and simulations; name a folder with one kind of them", path = path.display())]
    Mixed {
        /// The folder.
        path: PathBuf,
    },
    /// A folder holds no turn that should have been answered.
    #[error("{path}: none of its {turns} turns should have been answered, so there is nothing to compare; see why with `voicesim report {}`", crate::files::quoted(path), path = path.display())]
    NothingAsked {
        /// The folder.
        path: PathBuf,
        /// How many turns it holds.
        turns: u64,
    },
}

/// Compares what lies in two folders.
///
/// # Errors
/// A folder that holds nothing that can be compared, or cannot be read to its end.
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
        // No turn should have been answered on both sides, so the sides are compared without pairs.
        let why = "no turn should have been answered on both sides".to_owned();
        matched = pairs::Matched::Not { why };
        of = told(folders, &matched, settings)?;
    }
    Ok(finish(sides, of, settings, folders))
}

/// The places of results in two folders that belong together, because they were asked alike, and how many have no partner.
///
/// # Errors
/// Why nothing belongs together.
#[cfg_attr(
    not(feature = "listen"),
    allow(dead_code, reason = "only who listens pairs turns")
)]
pub(crate) fn matched(base: &Folder, new: &Folder) -> Result<(Vec<[usize; 2]>, u64), String> {
    match pairs::matched(base, new) {
        pairs::Matched::By {
            pairs, left_out, ..
        } => Ok((pairs, left_out.len() as u64)),
        pairs::Matched::Not { why } => Err(why),
    }
}

/// What turns tell about the two sides.
struct Told {
    design: Design,
    pairing: Pairing,
    lines: Vec<ComparedFigure>,
    would_tell: Option<WouldTell>,
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
        would_tell: design.would_tell(&tally),
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
        would_tell,
    } = of;
    let (differences, mut warnings) = differences::between(folders.map(Folder::all));
    warnings.extend(design.warnings());
    warnings.extend(silent_calls(folders));
    let without = pairing.left_out.len();
    if without > 0 {
        warnings.push(format!(
            "{without} folders have no partner on the other side, and are left out of everything: {}",
            pairing.left_out.join(", ")
        ));
    }
    let to_answer = [&base, &new].map(|side| side.answered + side.unanswered);
    let is_too_little = design.is_too_little(&pairing, to_answer);
    Comparison {
        verdict: Verdict::of(&lines),
        independent: design.independent,
        is_too_little,
        would_tell: would_tell.filter(|_| is_too_little),
        base,
        new,
        pairing,
        min_effect: settings.min_effect,
        lines,
        differences,
        warnings,
    }
}

/// Runs of the new side in which no turn was answered, if there are more of them than of the base: so loud a failure
/// is told even where it may be chance.
fn silent_calls(folders: [&Folder; 2]) -> Option<String> {
    let [base, new] = folders.map(|folder| {
        let mut runs = folder.all().iter();
        let is_silent = |kept: &&Results| answered(kept) == 0 && unanswered(kept) > 0;
        runs.by_ref().filter(is_silent).count()
    });
    (new > base).then(|| {
        format!("in {new} of {} folders of the new side no turn was answered at all, in {base} of the base", folders[1].all().len())
    })
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
            unanswered: count(unanswered),
        };
        match side.answered + side.unanswered {
            0 => Err(CompareError::NothingAsked {
                path: path.to_owned(),
                turns: side.turns,
            }),
            _ => Ok(side),
        }
    }
}

/// How many turns have a latency.
fn answered(kept: &Results) -> u64 {
    match kept {
        Results::Run(run) => {
            let rows = run.measured.rows.iter();
            rows.filter(|row| row.e2e_ns.is_some()).count() as u64
        }
        Results::Simulation(of) => e2e(of).map_or(0, |waits| waits.answered().count()),
    }
}

/// How many turns should have been answered and were not.
fn unanswered(kept: &Results) -> u64 {
    match kept {
        Results::Run(run) => {
            let rows = run.measured.rows.iter();
            rows.filter(|row| row.unanswered.is_some()).count() as u64
        }
        Results::Simulation(of) => e2e(of).map_or(0, Waits::count) - answered(kept),
    }
}

fn e2e(of: &MeasuredSimulation) -> Option<&Waits> {
    of.totals.measured.metrics.get(&Metric::E2eLatency)
}

impl Kind {
    fn of(kept: &Results) -> Kind {
        match kept {
            Results::Simulation(simulation) if simulation.scenario.load.is_some() => Kind::Load,
            Results::Simulation(_) => Kind::Simulation,
            Results::Run(run) if run.header.is_of_others() => Kind::Recording,
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
    /// The figure of that name; `None` if neither side has it.
    pub fn line(&self, name: &str) -> Option<&ComparedFigure> {
        self.lines.iter().find(|line| line.name == name)
    }
}
