//! One of several attempts at the same work, as a wrapper follows it.

use super::{Outlet, Recorded, Stage, StageError, Work, queue};

/// A stage at work on an input. Its outputs go to whoever made the attempt. Dropping the attempt gives the
/// work up.
pub struct Attempt<'a, T> {
    work: Work<'a>,
    outputs: queue::Receiver<T>,
    ended: Option<Result<(), StageError>>,
}

impl<'a, T: Recorded + 'static> Attempt<'a, T> {
    /// Has `stage` work on `input`, as one attempt at what `out`'s visit is about.
    pub fn of<In: 'a>(
        stage: &'a mut dyn Stage<In = In, Out = T>,
        input: In,
        out: &mut Outlet<T>,
    ) -> Attempt<'a, T> {
        let (mut own, outputs) = out.attempt();
        Attempt {
            work: Box::pin(async move { stage.handle(input, &mut own).await }),
            outputs,
            ended: None,
        }
    }

    /// The next output; `None` when the work is done. An error comes behind the outputs before it.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<T>, StageError> {
        loop {
            tokio::select! {
                biased;
                // What comes of the work now is put out now.
                result = &mut self.work, if self.ended.is_none() => self.ended = Some(result),
                output = self.outputs.recv() => return match output {
                    Some(output) => Ok(Some(output)),
                    None => self.ended.clone().unwrap_or(Ok(())).map(|()| None),
                },
            }
        }
    }

    /// Hands an output on. Meanwhile the work goes on: nobody holds an engine who only waits for a listener.
    pub async fn pass(&mut self, output: T, out: &mut Outlet<T>) -> Result<(), StageError> {
        let sent = out.send(output);
        tokio::pin!(sent);
        loop {
            tokio::select! {
                biased;
                result = &mut sent => return result,
                result = &mut self.work, if self.ended.is_none() => self.ended = Some(result),
            }
        }
    }

    /// Hands on every output that is still to come.
    pub async fn finish(mut self, out: &mut Outlet<T>) -> Result<(), StageError> {
        while let Some(output) = self.next().await? {
            self.pass(output, out).await?;
        }
        Ok(())
    }
}
