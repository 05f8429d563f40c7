//! An answer chosen by a vote: several samples are written at once, and what most of them say is spoken.
//!
//! Nothing is sent before the vote is decided, so a vote costs the time until enough samples are complete.

mod ballot;

use crate::stage::{Answer, Attempt, Outlet, Piece, Question, Stage, StageError, Work};
use ballot::{Ballot, Stand};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// Engines that are asked one question at once, each for one sample.
pub(super) struct Voted(pub(super) Vec<Answer>);

impl Stage for Voted {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        Box::pin(async move {
            let samples = self.0.len();
            let nth = out.nth_try();
            let mut writing = FuturesUnordered::new();
            for (sample, engine) in self.0.iter_mut().enumerate() {
                // Each sample has random draws of its own, also when the vote is retried.
                out.is_try(
                    nth.saturating_mul(count(samples))
                        .saturating_add(count(sample)),
                );
                let attempt = Attempt::of(&mut **engine, question.clone(), out);
                writing.push(whole(attempt));
            }
            out.is_try(nth);
            let mut ballot = Ballot::of(samples);
            let mut firsts: Vec<Vec<Piece>> = Vec::new();
            let mut failure = None;
            while let Some(answer) = writing.next().await {
                match answer {
                    Ok(pieces) => {
                        let text: String = pieces.iter().map(|piece| &*piece.0).collect();
                        if ballot.cast(&text) == Stand::New {
                            firsts.push(pieces);
                        }
                    }
                    Err(StageError::Unwanted) => return Err(StageError::Unwanted),
                    Err(error) => {
                        ballot.spoil();
                        failure = Some(error);
                    }
                }
                if let Some(camp) = ballot.decided() {
                    // The others are given up.
                    drop(writing);
                    out.voted(count(samples), count(ballot.agreement()));
                    for piece in firsts.swap_remove(camp) {
                        out.send(piece).await?;
                    }
                    return Ok(());
                }
            }
            Err(failure.unwrap_or(StageError::Unwanted))
        })
    }
}

/// All that an attempt puts out.
async fn whole(mut attempt: Attempt<'_, Piece>) -> Result<Vec<Piece>, StageError> {
    let mut pieces = Vec::new();
    while let Some(piece) = attempt.next().await? {
        pieces.push(piece);
    }
    Ok(pieces)
}

fn count(samples: usize) -> u32 {
    u32::try_from(samples).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_stages::{Does, Trial};
    use crate::event::Mark;

    fn says(after_ms: u64, text: &'static str) -> Vec<Does> {
        vec![Does::Take(after_ms), Does::Say(text)]
    }

    fn fails(after_ms: u64) -> Vec<Does> {
        vec![Does::Take(after_ms), Does::Fail("out of memory")]
    }

    fn vote(samples: [Vec<Does>; 3]) -> Trial {
        let trial = Trial::new();
        let names = ["one", "two", "three"];
        let stages = names.iter().zip(samples);
        let stages = stages.map(|(name, does)| trial.stage(name, vec![does]));
        let stages = stages.collect();
        trial.ask(Box::new(Voted(stages)))
    }

    #[test]
    fn the_majority_is_spoken_as_soon_as_it_is_one() {
        let trial = vote([says(300, "Nine."), says(100, "ten"), says(200, "Ten!")]);
        assert_eq!(trial.said(), [(200, "ten")]);
        let log = trial.log();
        assert!(log.contains(&"200 one is given up".to_owned()), "{log:?}");
        let votes: Vec<Mark> = trial.events().into_iter().map(|event| event.mark).collect();
        assert!(votes.contains(&Mark::Voted {
            samples: 3,
            agree: Some(2),
            is_right: None,
        }));
    }

    #[test]
    fn where_all_differ_the_first_is_spoken() {
        let trial = vote([says(300, "nine"), says(100, "ten"), says(200, "eleven")]);
        assert_eq!(trial.said(), [(300, "ten")]);
    }

    #[test]
    fn samples_that_fail_have_no_vote_and_if_all_do_the_last_error_is_told() {
        let trial = vote([says(300, "nine"), fails(100), fails(50)]);
        assert_eq!(trial.said(), [(300, "nine")]);
        let trial = vote([fails(300), fails(100), fails(50)]);
        assert_eq!(trial.error().as_deref(), Some("out of memory"));
    }

    #[test]
    fn each_sample_has_luck_of_its_own() {
        let lucky = || vec![Does::SayTry];
        let trial = vote([lucky(), lucky(), lucky()]);
        assert_eq!(trial.said(), [(0, "try 0")], "all differ");
    }
}
