//! A recogniser for tests in which words matter and sound does not.

use std::time::Duration;
use voicesim::clock::Clock;
use voicesim::run::{Finished, Run, Time};
use voicesim::stage::{
    AudioFeed, Finished as HasFinished, LatestSound, Outlet, Stage, StageError, Transcript, Work,
    transcribe_in_batches,
};

/// A recogniser that understands everything as the same words, so long after it was asked.
struct Understands(&'static str, Duration, Clock);

impl Stage for Understands {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let Understands(words, after, clock) = self;
        Box::pin(transcribe_in_batches(feed, out, async |_, out| {
            out.begun_anew();
            let done = clock.now() + *after;
            clock.sleep_until(done).await;
            Ok::<_, StageError>((*words).to_owned())
        }))
    }
}

/// The run, with a recogniser that understands everything as these words.
pub(crate) fn understood(run: Run, words: &'static str) -> Run {
    understood_after(run, Duration::from_millis(70), words)
}

/// The run, with a recogniser that takes so long to understand everything as these words.
pub(crate) fn understood_after(run: Run, after: Duration, words: &'static str) -> Run {
    run.with_speech_to_text(move |clock| Box::new(Understands(words, after, clock.clone())))
}

/// A judge who finds every sound as finished as any other, 60 ms after being asked.
struct Judges(f64, Clock);

impl Stage for Judges {
    type In = LatestSound;
    type Out = HasFinished;

    fn handle<'a>(&'a mut self, _: LatestSound, out: &'a mut Outlet<HasFinished>) -> Work<'a> {
        Box::pin(async move {
            out.begun();
            let done = self.1.now() + Duration::from_millis(60);
            self.1.sleep_until(done).await;
            let probability = self.0;
            out.send(HasFinished { probability }).await
        })
    }
}

/// The run, with a judge of endpoints who finds every sound as finished as that.
pub(crate) fn judged(run: Run, probability: f64) -> Run {
    run.with_end_of_turn(move |clock| Box::new(Judges(probability, clock.clone())))
}

/// The run, held in virtual time.
pub(crate) fn held(run: Run) -> Finished {
    let run = run.in_time(Time::Virtual).run();
    run.unwrap_or_else(|error| panic!("{error}"))
}
