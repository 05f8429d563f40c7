//! Which model to take: the one under which turns of conversations that it was not fitted to are most likely, and of those
//! that are as good within chance, the simplest.

use super::empirical::Empirical;
use super::family::Family;
use super::line::{self, Line};
use super::maximum::{Time, most_likely};
use super::model::{Chance, Covariate, Kinds, Model};
use super::sample::{Sample, thinned};
use std::collections::{BTreeMap, BTreeSet};

/// With fewer times than these no family can be told from another: the table of what was measured is taken, with a
/// warning.
pub const TELLING_MIN: usize = 20;

/// Among fewer times than [`TELLING_MIN`] a line is seen if there are so many and it explains so much.
const LINE_MIN: usize = 8;
const EXPLAINS_MIN: f64 = 0.5;

/// With fewer times than these a fit is named as one of few.
pub const FEW: usize = 100;

/// A kind of turn of its own needs so many times. The first question is often another one, and each conversation has one
/// alone: a few tell.
const KIND_MIN: usize = 30;
const FIRST_MIN: usize = 8;
const KINDS_MAX: u32 = 8;

/// Parts that each take their turn at being held out.
const PARTS: u32 = 5;

/// More times than these are thinned evenly: they tell no more, and take long.
const TIMES_MAX: usize = 4_000;

/// A model whose 95th percentile, or whose median, is off by more is not taken while another is not.
const OFF_MAX: f64 = 0.05;

/// A model, and how well it tells what it was not fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub model: Model,
    /// The mean logarithm of the likelihood of a turn that was held out (natural logarithms, times in milliseconds);
    /// `None` if there were too few to hold any out.
    pub held_out: Option<f64>,
    /// Errors of median and 95th percentile, as shares of those that were measured.
    pub off: [f64; 2],
}

/// What was chosen, and what else was tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub chosen: Candidate,
    pub others: Vec<Candidate>,
    /// Whether turns were held out by whole conversations; else there was one conversation, and its turns were.
    pub by_conversation: bool,
}

/// Chooses a model for samples; `None` if none of them was measured to its end.
pub(super) fn choose(samples: &[Sample], covariate: Option<Covariate>) -> Option<Choice> {
    let samples = thinned(samples, TIMES_MAX);
    let finished = samples.iter().filter(|s| !s.time.is_given_up).count();
    if finished == 0 {
        return None;
    }
    let conversations: BTreeSet<u32> = samples.iter().map(|s| s.conversation).collect();
    let by_conversation = conversations.len() >= PARTS as usize;
    let as_it_is = || {
        Some(Choice {
            chosen: of_few(&samples, covariate)?,
            others: Vec::new(),
            by_conversation,
        })
    };
    if finished < TELLING_MIN {
        return as_it_is();
    }
    let mut tried: Vec<(Candidate, Vec<f64>)> = asked(&samples, covariate)
        .into_iter()
        .filter_map(|asked| {
            let scores = held_out(&asked, &samples, by_conversation)?;
            let model = asked.fitted(&samples)?;
            model.latency(0.0, 0.0)?;
            let held_out = scores.iter().sum::<f64>() / samples.len() as f64;
            let candidate = Candidate {
                off: off(&model, &samples),
                model,
                held_out: Some(held_out),
            };
            Some((candidate, scores))
        })
        .collect();
    let best = tried
        .iter()
        .max_by(|(a, _), (b, _)| {
            a.held_out
                .partial_cmp(&b.held_out)
                .unwrap_or(std::cmp::Ordering::Equal)
        })
        .map(|(_, scores)| scores.clone());
    // Nearly all that ended may be of one conversation: without it nothing can be fitted.
    let Some(best) = best else {
        return as_it_is();
    };
    let is_as_good = |scores: &[f64]| {
        let differences: Vec<f64> = best.iter().zip(scores).map(|(a, b)| a - b).collect();
        let n = differences.len() as f64;
        let sum: f64 = differences.iter().sum();
        let mean = sum / n;
        let variance =
            differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        sum <= (variance * n).sqrt()
    };
    let is_close = |candidate: &Candidate| candidate.off.iter().all(|off| off.abs() <= OFF_MAX);
    // The simplest comes first: models were tried in that order.
    let index = tried
        .iter()
        .position(|(candidate, scores)| is_as_good(scores) && is_close(candidate))
        .or_else(|| {
            tried
                .iter()
                .position(|(candidate, scores)| is_as_good(scores) && !is_family(candidate))
        })
        .or_else(|| tried.iter().position(|(_, scores)| is_as_good(scores)))?;
    let (chosen, _) = tried.remove(index);
    Some(Choice {
        chosen,
        others: tried.into_iter().map(|(candidate, _)| candidate).collect(),
        by_conversation,
    })
}

/// The table of a few times, or a line through them if the work explains most of it.
fn of_few(samples: &[Sample], covariate: Option<Covariate>) -> Option<Candidate> {
    let fitted = |line| {
        let asked = Asked {
            kinds: Kinds::Alike,
            line,
            shape: Shape::Table,
        };
        asked.fitted(samples)
    };
    let explains = |model: &Model| {
        model
            .line
            .is_some_and(|(_, line)| line.explained >= EXPLAINS_MIN)
    };
    let finished = samples.iter().filter(|s| !s.time.is_given_up).count();
    let knows_work = finished >= LINE_MIN && samples.iter().all(|s| s.work.is_some());
    let covariate = covariate.filter(|_| knows_work);
    let line = covariate.and_then(|covariate| fitted(Some(covariate)));
    let model = match line.filter(explains) {
        Some(model) => model,
        None => fitted(None)?,
    };
    Some(Candidate {
        off: off(&model, samples),
        model,
        held_out: None,
    })
}

fn is_family(candidate: &Candidate) -> bool {
    let mut chances = candidate.model.chances.iter();
    chances.any(|chance| matches!(chance, Chance::Family(_)))
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Family(Family),
    Table,
}

/// A kind of model, before it is fitted.
#[derive(Debug, Clone, Copy)]
struct Asked {
    kinds: Kinds,
    line: Option<Covariate>,
    shape: Shape,
}

/// The kinds of model that are tried, the simplest first.
fn asked(samples: &[Sample], covariate: Option<Covariate>) -> Vec<Asked> {
    let mut by_question: BTreeMap<u32, usize> = BTreeMap::new();
    for sample in samples.iter().filter(|s| !s.time.is_given_up) {
        *by_question.entry(sample.question).or_default() += 1;
    }
    let has_enough = |question: &u32| by_question.get(question).is_some_and(|n| *n >= KIND_MIN);
    let each = (1..=KINDS_MAX).take_while(has_enough).count() as u32;
    let later: usize = by_question.range(2..).map(|(_, n)| n).sum();
    let mut kinds = vec![Kinds::Alike];
    let first = by_question.get(&1).copied().unwrap_or_default();
    if first >= FIRST_MIN && later >= KIND_MIN {
        kinds.push(Kinds::First);
    }
    if each >= 3 {
        kinds.push(Kinds::Each(each));
    }
    let shapes = Family::ALL
        .map(Shape::Family)
        .into_iter()
        .chain([Shape::Table]);
    let shapes: Vec<Shape> = shapes.collect();
    let lines = covariate.filter(|_| samples.iter().all(|s| s.work.is_some()));
    let mut all = Vec::new();
    for kinds in kinds {
        let plain = shapes.iter().map(|shape| Asked {
            kinds,
            line: None,
            shape: *shape,
        });
        all.extend(plain);
        // What a line leaves may lie below zero, where the families have nothing.
        all.extend(lines.map(|covariate| Asked {
            kinds,
            line: Some(covariate),
            shape: Shape::Table,
        }));
    }
    all
}

impl Asked {
    fn fitted(&self, samples: &[Sample]) -> Option<Model> {
        let line = match self.line {
            None => None,
            Some(covariate) => Some((covariate, self.line_through(samples)?)),
        };
        let mut model = Model {
            kinds: self.kinds,
            line,
            chances: Vec::new(),
        };
        let mut times: Vec<Vec<Time>> = vec![Vec::new(); self.kinds.count()];
        for sample in samples {
            times[self.kinds.of(sample.question)].push(model.left(sample));
        }
        model.chances = times
            .iter()
            .map(|times| self.chance(times))
            .collect::<Option<_>>()?;
        Some(model)
    }

    fn line_through(&self, samples: &[Sample]) -> Option<Line> {
        let finished = samples.iter().filter(|s| !s.time.is_given_up);
        let points = finished.filter_map(|s| Some((s.work?, s.time.ms)));
        line::through(&points.collect::<Vec<_>>())
    }

    fn chance(&self, times: &[Time]) -> Option<Chance> {
        match self.shape {
            Shape::Family(family) => most_likely(family, times).map(Chance::Family),
            Shape::Table => {
                let empirical = Empirical::of(times);
                let points = empirical.table();
                (!points.is_empty()).then_some(Chance::Table {
                    points,
                    finished: empirical.finished,
                })
            }
        }
    }
}

/// The logarithm of the likelihood of each conversation (or turn, if they are few) under a model that was fitted to
/// others; `None` if a part cannot be fitted.
fn held_out(asked: &Asked, samples: &[Sample], by_conversation: bool) -> Option<Vec<f64>> {
    let conversations: BTreeSet<u32> = samples.iter().map(|s| s.conversation).collect();
    // Counted over those that have this stage, so that every part has some: neighbours go to different parts.
    let place: BTreeMap<u32, u32> = conversations.into_iter().zip(0..).collect();
    let numbered = || (0_u32..).zip(samples);
    let unit = |(index, sample): (u32, &Sample)| match by_conversation {
        true => place.get(&sample.conversation).copied().unwrap_or_default(),
        false => index,
    };
    let mut scores: BTreeMap<u32, f64> = BTreeMap::new();
    for part in 0..PARTS {
        let is_out = |it: (u32, &Sample)| unit(it) % PARTS == part;
        let others = numbered().filter(|it| !is_out(*it)).map(|(_, s)| *s);
        let model = asked.fitted(&others.collect::<Vec<_>>())?;
        for it in numbered().filter(|it| is_out(*it)) {
            let left = model.left(it.1);
            let ln = model.chance(it.1.question)?.ln_held_out(left);
            *scores.entry(unit(it)).or_default() += ln;
        }
    }
    Some(scores.into_values().collect())
}

/// Errors of median and 95th percentile, as shares of those that were measured.
fn off(model: &Model, samples: &[Sample]) -> [f64; 2] {
    let times: Vec<Time> = samples.iter().map(|s| s.time).collect();
    let measured = Empirical::of(&times);
    [0.5, 0.95].map(|below| match measured.quantile(below) {
        Some(ms) if ms > 0.0 => model.quantile_over(samples, below) / ms - 1.0,
        _ => 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, Stream};

    fn samples(
        count: u32,
        per: u32,
        mut one: impl FnMut(&mut Stream, u32) -> (f64, f64),
    ) -> Vec<Sample> {
        let mut stream = Seed(6).stream("fit", 0, 0, "samples");
        (0..count)
            .map(|index| {
                let question = 1 + index % per;
                let (work, ms) = one(&mut stream, question);
                Sample {
                    work: Some(work),
                    ..Sample::of(Time::ended(ms), index / per, question)
                }
            })
            .collect()
    }

    fn chosen(samples: &[Sample], covariate: Option<Covariate>) -> Candidate {
        choose(samples, covariate).expect("a choice").chosen
    }

    #[test]
    fn what_is_lognormal_is_taken_for_that_and_for_nothing_richer() {
        let all = samples(800, 8, |stream, _| {
            (1.0, 240.0 * (0.3 * stream.normal()).exp())
        });
        let chosen = chosen(&all, None);
        assert_eq!(
            (chosen.model.name().as_str(), chosen.model.kinds),
            ("lognormal", Kinds::Alike)
        );
        assert!(
            chosen.off.iter().all(|off| off.abs() < 0.03),
            "{:?}",
            chosen.off
        );
    }

    #[test]
    fn a_slow_first_question_is_told_apart() {
        let all = samples(800, 8, |stream, question| {
            let median = if question == 1 { 900.0 } else { 300.0 };
            (1.0, median * (0.2 * stream.normal()).exp())
        });
        let chosen = chosen(&all, None);
        assert_eq!(chosen.model.kinds, Kinds::First);
        let medians: Vec<f64> = chosen
            .model
            .chances
            .iter()
            .map(|chance| chance.quantile(0.5))
            .collect();
        assert!(
            (medians[0] / 900.0 - 1.0).abs() < 0.05 && (medians[1] / 300.0 - 1.0).abs() < 0.03,
            "{medians:?}"
        );
    }

    #[test]
    fn time_that_grows_with_the_text_gets_a_line() {
        let all = samples(400, 8, |stream, _| {
            let work = 20.0 + 60.0 * stream.uniform();
            (work, 10.0 + 2.4 * work + 5.0 * stream.normal())
        });
        let chosen = chosen(&all, Some(Covariate::Characters));
        let (_, line) = chosen.model.line.expect("a line");
        assert!(
            (line.slope - 2.4).abs() < 0.05 && line.explained > 0.9,
            "{line:?}"
        );
        assert!(chosen.model.latency(0.0, 0.0).is_some());
    }

    #[test]
    fn work_that_explains_nothing_gets_no_line() {
        let all = samples(400, 8, |stream, _| {
            (
                20.0 + 60.0 * stream.uniform(),
                240.0 * (0.3 * stream.normal()).exp(),
            )
        });
        assert_eq!(chosen(&all, Some(Covariate::Characters)).model.line, None);
    }

    #[test]
    fn conversations_are_held_out_whatever_their_numbers() {
        // Every fifth conversation alone has this stage.
        let mut all = samples(200, 8, |stream, _| {
            (1.0, 240.0 * (0.3 * stream.normal()).exp())
        });
        all.iter_mut().for_each(|sample| sample.conversation *= 5);
        let choice = choose(&all, None).expect("a choice");
        assert!(choice.by_conversation && choice.chosen.held_out.is_some());
    }

    #[test]
    fn what_ended_in_one_conversation_alone_is_taken_as_it_is() {
        let mut all = samples(40, 8, |stream, _| (1.0, 100.0 + 10.0 * stream.normal()));
        all.iter_mut().for_each(|sample| sample.conversation = 0);
        let given_up = Time {
            ms: 50.0,
            is_given_up: true,
        };
        all.extend((1..9).map(|conversation| Sample::of(given_up, conversation, 1)));
        let choice = choose(&all, None).expect("a choice");
        assert_eq!(choice.chosen.model.name(), "quantiles");
    }

    #[test]
    fn a_few_times_are_taken_as_they_are() {
        let all = samples(12, 4, |stream, _| (1.0, 100.0 + 10.0 * stream.normal()));
        let choice = choose(&all, None).expect("a choice");
        assert_eq!(choice.chosen.model.name(), "quantiles");
        assert_eq!(choice.chosen.held_out, None);
        assert_eq!(choose(&[], None), None);
    }

    #[test]
    fn a_line_that_explains_most_is_seen_among_a_few() {
        let all = samples(12, 4, |stream, _| {
            let work = 20.0 + 60.0 * stream.uniform();
            (work, 10.0 + 2.4 * work + 5.0 * stream.normal())
        });
        let model = chosen(&all, Some(Covariate::Characters)).model;
        let (_, line) = model.line.expect("a line");
        assert!((line.slope - 2.4).abs() < 0.4, "{line:?}");
    }

    #[test]
    fn what_no_family_has_becomes_a_table() {
        // Three places, nothing between.
        let all = samples(900, 9, |stream, _| {
            let place = [100.0, 220.0, 400.0][(3.0 * stream.uniform()) as usize];
            (1.0, place + 3.0 * stream.uniform())
        });
        assert_eq!(chosen(&all, None).model.name(), "quantiles");
    }
}
