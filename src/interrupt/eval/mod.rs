//! How good the classifier is: on whatever labelled sounds it is given, two speakers only.

mod curves;
mod picture;
mod policies;
pub mod ranking;
mod slices;
mod text;
pub mod track;

pub(super) use curves::quantiles;
pub use curves::{CORPUS, CurvesError, curves, curves_as_text};
pub(super) use picture::trade_off_of_own;
pub use picture::trade_off_svg;
pub use policies::{CarriedOver, PolicyFigures, TradeOff};
pub use slices::{Reliability, Slice};
pub use text::as_text;

use super::heard::{Heard, Listening};
use super::model::{Weights, sigmoid};
use super::overlaps::{Overlap, Task};
use super::rows::Hearing;
use crate::rng::Seed;
use ranking::{Interval, Ranking, Scored, bootstrap, ranking};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;
use track::{Track, tracks};

/// What the resamples and the augmented sounds are drawn from.
pub const SEED: Seed = Seed(6);

/// Everything that is said about a classifier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    pub schema: &'static str,
    pub word_delay_ms: u64,
    pub rankings: Vec<RankingRow>,
    pub policies: Vec<PolicyFigures>,
    pub carried_over: Vec<CarriedOver>,
    pub slices: Vec<Slice>,
    pub reliability: Vec<Reliability>,
    pub trade_off: Vec<TradeOff>,
}

/// Which sounds a figure is about, and how they were heard.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    pub corpus: String,
    pub task: Task,
    /// `clean` or `augmented`.
    pub hearing: &'static str,
    /// `with words` or `activity only`.
    pub listening: &'static str,
    pub sounds: usize,
    pub interruptions: usize,
}

/// How well the probabilities at one time tell sounds apart; intervals cover 95 % of resamples of
/// meetings, in the order of the figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankingRow {
    #[serde(flatten)]
    pub cell: Cell,
    pub at_ms: u64,
    #[serde(flatten)]
    pub figures: Ranking,
    pub intervals: [Interval; 5],
}

/// The steps at which rankings are made: 200 to 1000 ms.
const RANKED_STEPS: [usize; 5] = [3, 7, 11, 15, 19];

/// Judges the weights on sounds whose truth is known.
pub fn evaluate(overlaps: &[Overlap], weights: &Weights, word_delay: Duration) -> Evaluation {
    let mut evaluation = Evaluation {
        schema: "voicesim.classifier_evaluation/1",
        word_delay_ms: word_delay.as_millis() as u64,
        rankings: Vec::new(),
        policies: Vec::new(),
        carried_over: Vec::new(),
        slices: Vec::new(),
        reliability: Vec::new(),
        trade_off: Vec::new(),
    };
    for corpus in corpora(overlaps) {
        let of_corpus: Vec<Overlap> = overlaps
            .iter()
            .filter(|overlap| overlap.truth.as_ref().is_some_and(|t| t.corpus == corpus))
            .cloned()
            .collect();
        for (hearing_name, hearing) in [
            ("clean", Hearing::Clean { word_delay }),
            ("augmented", Hearing::Augmented { seed: SEED }),
        ] {
            for listening in Listening::BOTH {
                let log_odds = |heard: &Heard<'_>| weights.log_odds(heard);
                let tracks = tracks(&of_corpus, hearing, listening, log_odds);
                let sounds = Sounds {
                    corpus: &corpus,
                    hearing_name,
                    hearing,
                    listening,
                    weights,
                    tracks,
                };
                sounds.judge(&mut evaluation);
            }
        }
    }
    evaluation
}

fn corpora(overlaps: &[Overlap]) -> BTreeSet<String> {
    let truths = overlaps.iter().filter_map(|overlap| overlap.truth.as_ref());
    truths.map(|truth| truth.corpus.clone()).collect()
}

/// The sounds of one corpus, heard in one way, and what the classifier made of them.
struct Sounds<'a> {
    corpus: &'a str,
    hearing_name: &'static str,
    hearing: Hearing,
    listening: Listening,
    weights: &'a Weights,
    tracks: Vec<Track<'a>>,
}

impl Sounds<'_> {
    fn judge(&self, evaluation: &mut Evaluation) {
        for task in [Task::Strict, Task::Wide] {
            evaluation.rankings.extend(self.rankings(task));
        }
        evaluation.policies.extend(self.policies());
        if self.hearing_name == "clean" {
            evaluation.carried_over.extend(self.carried_over());
            evaluation.slices.extend(self.slices());
            evaluation.reliability.push(self.reliability());
            evaluation.trade_off.push(self.trade_off());
        }
    }

    /// The sounds that count for a task, and whether they are interruptions.
    fn of_task(&self, task: Task) -> Vec<(&Track<'_>, bool)> {
        let two_party = self.tracks.iter().filter(|track| track.truth.is_two_party);
        let counted =
            two_party.filter_map(|track| Some((track, task.is_interruption(track.truth.label)?)));
        counted.collect()
    }

    fn cell(&self, task: Task, of_task: &[(&Track<'_>, bool)]) -> Cell {
        Cell {
            corpus: self.corpus.to_owned(),
            task,
            hearing: self.hearing_name,
            listening: self.listening.name(),
            sounds: of_task.len(),
            interruptions: of_task.iter().filter(|(_, is)| *is).count(),
        }
    }

    fn rankings(&self, task: Task) -> Vec<RankingRow> {
        let of_task = self.of_task(task);
        let cell = self.cell(task, &of_task);
        let row = |step: usize| {
            // A sound that was not noticed is never taken for an interruption.
            let score = |track: &Track<'_>| match &track.seen {
                Some(seen) => sigmoid(seen.log_odds[step]),
                None => 0.0,
            };
            let scored: Vec<Named<'_>> = of_task
                .iter()
                .map(|(track, is_interruption)| Named {
                    meeting: &track.truth.meeting,
                    scored: Scored {
                        score: score(track),
                        is_interruption: *is_interruption,
                    },
                })
                .collect();
            let figures = |drawn: &[&Named<'_>]| {
                let scored: Vec<Scored> = drawn.iter().map(|named| named.scored).collect();
                ranking(&scored)
            };
            Some(RankingRow {
                cell: cell.clone(),
                at_ms: track::time_of(step).as_millis() as u64,
                figures: figures(&scored.iter().collect::<Vec<_>>())?,
                intervals: bootstrap(
                    &scored,
                    |named| named.meeting,
                    |drawn| Some(figures(drawn)?.figures()),
                    SEED,
                ),
            })
        };
        RANKED_STEPS.into_iter().filter_map(row).collect()
    }
}

struct Named<'a> {
    meeting: &'a str,
    scored: Scored,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::heard::Context;
    use crate::interrupt::model::shipped;
    use crate::interrupt::overlaps::{Label, Token, Truth};
    use crate::interrupt::policy::ClassifierRule;
    use crate::interrupt::rows::Replay;
    use track::{AtSteps, stops_after, time_of};

    pub(super) const MADE_UP: &str = "made <up>";

    /// Made-up sounds of every label.
    pub(super) fn overlaps() -> Vec<Overlap> {
        let overlap = |number: usize| {
            let mut stream = SEED.stream("made up", number as u64, 0, "sound");
            let label = Label::ALL[number % Label::ALL.len()];
            let words = match label {
                Label::Floor => vec!["what", "about", "the", "report"],
                Label::BcFloor => vec!["yeah", "but", "wait"],
                Label::Nonverbal => vec!["<laugh>"],
                _ => vec!["mm-hmm"],
            };
            let mut start_s = 0.0;
            let token = |text: &str| {
                let end_s = start_s + 0.1 + 0.3 * stream.uniform();
                let token = Token {
                    start_s,
                    end_s,
                    text: text.to_owned(),
                };
                start_s = end_s;
                token
            };
            Overlap {
                id: number.to_string(),
                tokens: words.into_iter().map(token).collect(),
                context: Context {
                    agent_elapsed_s: 3.0,
                    agent_words: 8,
                    caller_gap_s: 5.0,
                    ..Context::default()
                },
                truth: Some(Truth {
                    label,
                    corpus: MADE_UP.to_owned(),
                    meeting: (number % 5).to_string(),
                    split: "dev".to_owned(),
                    is_two_party: true,
                }),
            }
        };
        (0..180).map(overlap).collect()
    }

    #[test]
    fn thresholds_are_chosen_by_what_the_policy_does() {
        let weights = shipped().expect("weights");
        let overlaps = overlaps();
        let thresholds = AtSteps::new(&weights.thresholds);
        let log_odds = |heard: &Heard<'_>| weights.log_odds(heard);
        for listening in Listening::BOTH {
            for track in tracks(&overlaps, Hearing::CLEAN, listening, log_odds) {
                let seen = track.seen.expect("noticed");
                let by_track = seen.stop(&thresholds, 0.0);
                let replay = Replay::of(track.overlap, Hearing::CLEAN).expect("noticed");
                let mut policy = ClassifierRule::new(weights);
                let by_policy = stops_after(&mut policy, &replay, listening);
                assert_eq!(by_track.map(time_of), by_policy, "{:?}", track.overlap);
            }
        }
    }

    #[test]
    fn an_evaluation_has_a_row_for_everything_that_was_asked() {
        let weights = shipped().expect("weights");
        let evaluation = evaluate(&overlaps(), weights, Duration::from_millis(300));
        // Two tasks, two ways to hear, with words and without, five times.
        assert_eq!(evaluation.rankings.len(), 40);
        // Five policies, and the classifier at the recall of the half-second rule.
        assert_eq!(evaluation.policies.len(), 24);
        let always = |row: &&PolicyFigures| row.policy == "always" && row.cell.hearing == "clean";
        let row = evaluation.policies.iter().find(always).expect("a row");
        assert_eq!(
            (row.recall, row.false_stops, row.delay_p50_ms),
            (1.0, 1.0, 50.0)
        );
        for row in &evaluation.rankings {
            let [auc, ..] = row.intervals;
            assert!(
                auc.low <= row.figures.auc && row.figures.auc <= auc.high,
                "{row:?}"
            );
        }
        let text = as_text(&evaluation);
        assert!(
            text.contains("first word: question") && text.contains("vad_500ms"),
            "{text}"
        );
        let svg = trade_off_svg(&evaluation);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("made &lt;up&gt;") && !svg.contains("NaN"));
    }
}
