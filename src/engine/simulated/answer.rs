//! A simulated answer: a text whose clauses come with their tokens, perhaps chosen by a vote.

use super::occasion::{Desk, Drawn, Occasion, luck};
use super::{CHARACTERS_PER_SECOND, CHARACTERS_PER_TOKEN};
use crate::event::{StageName, TurnId};
use crate::rng::{Randomness, Source};
use crate::scenario::engine::SimulatedAnswer;
use crate::scenario::latency::Work as Amount;
use crate::scenario::{Clauses, Disturbance};
use crate::speak::{ClauseCutter, Cut};
use crate::stage::{Outlet, Piece, Question, Stage, Work};
use std::rc::Rc;
use std::time::Duration;

const ANSWER: &str = "This answer is simulated, and it is about as long as answers are.";

/// How an answer comes about.
pub(super) struct AnswerModel {
    first_token: Drawn,
    right: Source,
    token: Duration,
    samples: u32,
    accuracy: f64,
    /// Which of several answers is given.
    choice: Source,
    /// The clauses of each answer; there is at least one.
    answers: Vec<Vec<Piece>>,
}

/// How long it takes to say all of an answer, in seconds.
pub(super) fn seconds(text: Option<&str>) -> f64 {
    text.unwrap_or(ANSWER).chars().count() as f64 / CHARACTERS_PER_SECOND
}

pub(super) struct AnswererStage(pub(super) Rc<AnswerModel>, pub(super) Desk);

impl Stage for AnswererStage {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        Box::pin(async move {
            let AnswererStage(model, desk) = self;
            let at = &desk.at;
            let characters = question.text.chars().count() as f64;
            let clauses = model.chosen(at, out.turn());
            let (mut written, vote) =
                model.written(at, (out.turn(), out.nth_try()), (characters, clauses));
            let all = written.last().copied().unwrap_or_default();
            let slot = at.slot(StageName::Answer, all).await?;
            let took = desk
                .begin(&model.first_token, all.into(), out, Outlet::begun)
                .await;
            // On fewer cores all of it takes longer.
            let longer = took.as_secs_f64() / all.as_secs_f64().max(1e-9);
            if took != all {
                written
                    .iter_mut()
                    .for_each(|span| *span = span.mul_f64(longer));
            }
            if let Some(is_right) = vote {
                out.voted_by_luck(model.samples, is_right);
            }
            let start = at.clock.now();
            let writing = async {
                for (piece, span) in clauses.iter().zip(&written) {
                    at.pass(start, *span).await;
                    out.send(piece.clone()).await?;
                }
                Ok(())
            };
            match slot {
                None => writing.await,
                // The engine writes on while nobody takes what it wrote.
                Some(slot) => {
                    let serving = async {
                        at.pass(start, took).await;
                        drop(slot);
                    };
                    tokio::join!(biased; writing, serving).0
                }
            }
        })
    }
}

impl AnswerModel {
    pub(super) fn of(
        answer: &SimulatedAnswer,
        clauses: &Clauses,
        random: Randomness,
    ) -> AnswerModel {
        AnswerModel {
            first_token: Drawn::of(&answer.latency, answer.compute, StageName::Answer, random),
            right: random.source("answer", "right"),
            token: answer.token,
            samples: answer.samples,
            accuracy: answer.accuracy,
            choice: random.source("answer", "text"),
            answers: match answer.texts.as_slice() {
                [] => vec![pieces(ANSWER, clauses)],
                texts => texts.iter().map(|text| pieces(text, clauses)).collect(),
            },
        }
    }

    /// The model on a machine that other programs use too, if there is such a disturbance: its first token comes later then.
    pub(super) fn disturbed_by(
        self,
        disturbance: Option<&Disturbance>,
        random: Randomness,
    ) -> AnswerModel {
        let stage = StageName::Answer;
        AnswerModel {
            first_token: self.first_token.disturbed_by(disturbance, stage, random),
            ..self
        }
    }

    /// The clauses of the answer that a question is given.
    fn chosen(&self, at: &Occasion, turn: TurnId) -> &[Piece] {
        let index = match self.answers.len() {
            1 => 0,
            count => (at.draw(self.choice, turn, 0).uniform() * count as f64) as usize,
        };
        self.answers.get(index).map_or(&[], Vec::as_slice)
    }

    fn first_token(&self, at: &Occasion, turn: TurnId, sample: u32, characters: f64) -> Duration {
        let amount = Amount {
            characters,
            tokens: characters / CHARACTERS_PER_TOKEN,
            ..Amount::default()
        };
        self.first_token.sample(at, turn, sample, amount).span
    }

    /// When each clause of an answer is written, counted from its beginning; and if it was voted for, whether
    /// it is right.
    fn written(
        &self,
        at: &Occasion,
        (turn, nth_try): (TurnId, u32),
        (characters, clauses): (f64, &[Piece]),
    ) -> (Vec<Duration>, Option<bool>) {
        if self.samples > 1 {
            let (span, is_right) = self.vote(at, (turn, nth_try), (characters, clauses));
            return (vec![span; clauses.len()], Some(is_right));
        }
        let mut span = self.first_token(at, turn, luck(0, nth_try), characters);
        let clause = |piece: &Piece| {
            // A clause is there with its last token.
            span += self.token.mul_f64(tokens(&piece.0));
            span
        };
        (clauses.iter().map(clause).collect(), None)
    }

    /// Has all samples answered at once; how long it takes until the vote can no longer change, and whether
    /// it is right. Wrong answers are taken to agree with each other, which is the worst case.
    fn vote(
        &self,
        at: &Occasion,
        (turn, nth_try): (TurnId, u32),
        (characters, clauses): (f64, &[Piece]),
    ) -> (Duration, bool) {
        let all: f64 = clauses.iter().map(|piece| tokens(&piece.0)).sum();
        let writing = self.token.mul_f64(all);
        let mut votes: Vec<(Duration, bool)> = (0..self.samples)
            .map(|sample| {
                let sample = luck(sample, nth_try);
                let span = self.first_token(at, turn, sample, characters) + writing;
                let mut draw = at.draw(self.right, turn, sample);
                (span, draw.uniform() < self.accuracy)
            })
            .collect();
        votes.sort();
        let needed = self.samples / 2 + 1;
        let (mut right, mut wrong) = (0, 0);
        for (span, is_right) in votes {
            *if is_right { &mut right } else { &mut wrong } += 1;
            if right >= needed || wrong >= needed {
                return (span, right > wrong);
            }
        }
        (writing, right > wrong)
    }
}

fn tokens(text: &str) -> f64 {
    text.chars().count() as f64 / CHARACTERS_PER_TOKEN
}

/// A text, cut as it is spoken.
fn pieces(text: &str, clauses: &Clauses) -> Vec<Piece> {
    let mut cutter = ClauseCutter::new(clauses.first_words, clauses.long_characters)
        .with_openings(&clauses.openings);
    let mut clauses = cutter.push(text);
    clauses.extend(cutter.finish());
    // White space is part of a piece.
    let piece = |clause: Cut| Piece((clause.text + " ").into());
    clauses.into_iter().map(piece).collect()
}
