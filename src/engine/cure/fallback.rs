//! A stage in whose place another one is asked, if it failed before it put anything out.

use super::Boxed;
use crate::event::CuredBy;
use crate::stage::{Outlet, Recorded, Stage, StageError, Work};

/// The try that the other engine counts as: behind all that a stage has of its own.
const NTH_TRY: u32 = 255;

pub(super) struct FallingBack<In, Out> {
    pub(super) stage: Boxed<In, Out>,
    pub(super) fallback: Boxed<In, Out>,
}

impl<In: Clone + 'static, Out: Recorded + 'static> Stage for FallingBack<In, Out> {
    type In = In;
    type Out = Out;

    fn handle<'a>(&'a mut self, input: In, out: &'a mut Outlet<Out>) -> Work<'a> {
        Box::pin(async move {
            let result = self.stage.handle(input.clone(), out).await;
            if !matches!(result, Err(StageError::Failed(_))) || out.outputs() > 0 {
                return result;
            }
            out.cured(CuredBy::FellBack);
            out.is_try(NTH_TRY);
            self.fallback.handle(input, out).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_stages::{Does, Trial};

    fn falling_back(first: Vec<Does>, other: Vec<Does>) -> Trial {
        let trial = Trial::new();
        let stage = FallingBack {
            stage: trial.stage("engine", vec![first]),
            fallback: trial.stage("other", vec![other]),
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
        assert_eq!(trial.cures(), [(100, CuredBy::FellBack)]);
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
    fn if_that_fails_too_its_error_is_told() {
        let trial = falling_back(vec![Does::Fail("down")], vec![Does::Fail("down as well")]);
        assert_eq!(trial.error().as_deref(), Some("down as well"));
    }
}
