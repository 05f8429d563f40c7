//! Tells when the server takes the caller to have finished.

use super::link::Link;
use crate::stage::{Finished, LatestSound, Outlet, Stage, Work};
use std::rc::Rc;

/// Stands where a judge of the end of turns does: the server hears the sound itself, and this waits for its word.
pub(super) struct Judge(pub(super) Rc<Link>);

impl Stage for Judge {
    type In = LatestSound;
    type Out = Finished;

    fn handle<'a>(&'a mut self, _: LatestSound, out: &'a mut Outlet<Finished>) -> Work<'a> {
        let Judge(link) = self;
        Box::pin(async move {
            out.begun();
            let utterance = link.look(|exchange| exchange.going());
            link.until_known(|exchange| exchange.has_ended(utterance).then_some(()))
                .await;
            out.send(Finished { probability: 1.0 }).await
        })
    }
}
