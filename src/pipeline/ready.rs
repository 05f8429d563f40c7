//! Sound of clauses that was made before the conversation.

use crate::stage::{AudioChunk, Clause, Outlet, Stage, Work};

/// Speaks a clause whose sound is there: nobody has to make it.
pub(super) struct Ready(pub(super) AudioChunk);

impl Stage for Ready {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, _: Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        out.begun();
        Box::pin(out.send(self.0.clone()))
    }
}
