//! The fallback: another engine is asked if the first failed before it put anything out; an apology may go
//! before what the other one says.

use super::Boxed;
use crate::event::ResilienceStep;
use crate::stage::{Outlet, Recorded, Stage, StageError, Work};

/// The number of the fallback's try: it comes after all tries that a stage has of its own.
const NTH_TRY: u32 = 255;

pub(super) struct FallingBack<In, Out> {
    pub(super) stage: Boxed<In, Out>,
    pub(super) fallback: Boxed<In, Out>,
    /// The apology that is put out before anything of the fallback's.
    pub(super) apology: Option<Out>,
}

impl<In: Clone + 'static, Out: Recorded + Clone + 'static> Stage for FallingBack<In, Out> {
    type In = In;
    type Out = Out;

    fn handle<'a>(&'a mut self, input: In, out: &'a mut Outlet<Out>) -> Work<'a> {
        Box::pin(async move {
            let result = self.stage.handle(input.clone(), out).await;
            if !result.as_ref().is_err_and(StageError::is_failure) || out.outputs() > 0 {
                return result;
            }
            out.cured(ResilienceStep::FellBack);
            out.is_try(NTH_TRY);
            if let Some(apology) = &self.apology {
                out.send(apology.clone()).await?;
            }
            self.fallback.handle(input, out).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_stages::{Does, Trial};
    use crate::stage::{Again, Piece};

    fn falling_back(first: Vec<Does>, other: Vec<Does>) -> Trial {
        let trial = Trial::new();
        let stage = FallingBack {
            stage: trial.stage("engine", vec![first]),
            fallback: trial.stage("other", vec![other]),
            apology: None,
        };
        trial.ask(Box::new(stage))
    }

    #[test]
    fn another_engine_answers_when_all_else_failed() {
        let trial = falling_back(
            vec![Does::Take(100), Does::Fail("down")],
            vec![Does::SayTry],
        );
        assert_eq!(trial.said(), [(100, "try 255")]);
        assert_eq!(trial.cures(), [(100, ResilienceStep::FellBack)]);
        assert_eq!(trial.error(), None);
    }

    #[test]
    fn it_is_not_asked_about_what_was_put_out_or_went_well() {
        let well = falling_back(vec![Does::Say("fine")], vec![Does::Say("never")]);
        assert_eq!((well.said(), well.cures()), (vec![(0, "fine")], vec![]));
        let cut = falling_back(
            vec![Does::Say("half"), Does::Fail("oops")],
            vec![Does::Say("never")],
        );
        assert_eq!(cut.said(), [(0, "half")]);
        assert_eq!(cut.error().as_deref(), Some("oops"));
    }

    #[test]
    fn an_apology_goes_before_what_the_other_one_says() {
        let trial = Trial::new();
        let stage = FallingBack {
            stage: trial.stage(
                "engine",
                vec![vec![Does::Refuse(Again::Never)], vec![Does::Say("fine")]],
            ),
            fallback: trial.stage("other", vec![vec![Does::Take(50), Does::Say("other")]]),
            apology: Some(Piece("Sorry. ".into())),
        };
        let trial = trial.ask_at(&[0, 100], Box::new(stage));
        assert_eq!(trial.said(), [(0, "Sorry. "), (50, "other"), (100, "fine")]);
    }

    #[test]
    fn if_that_fails_too_its_error_is_told() {
        let trial = falling_back(vec![Does::Fail("down")], vec![Does::Fail("down as well")]);
        assert_eq!(trial.error().as_deref(), Some("down as well"));
    }
}
