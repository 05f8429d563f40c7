//! Small stages for tests of what is put around them: they do as they are told, and tell what they did.

use crate::clock::Clock;
use crate::event::{Event, Mark, ResilienceStep, SessionId, StageName, Tick, TurnId, VisitEnd};
use crate::record::input::InputHash;
use crate::record::tap::Tap;
use crate::stage::{Again, Answer, Outlet, Piece, Question, Stage, StageError, Work, queue};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// One thing that a stage does with an input.
#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    /// Takes this many milliseconds.
    Take(u64),
    Say(&'static str),
    /// Says which try it is.
    SayTry,
    Fail(&'static str),
    Refuse(Again),
}

/// Stages that are asked on one virtual clock, and all that came of it.
pub(super) struct Trial {
    pub(super) clock: Clock,
    tap: Tap,
    log: Rc<RefCell<Vec<String>>>,
    said: Vec<(u64, String)>,
    /// How long the receiver of the outputs takes for each.
    taking_ms: u64,
}

struct Scripted {
    name: &'static str,
    clock: Clock,
    log: Rc<RefCell<Vec<String>>>,
    /// What the stage does with each input, in order.
    tries: VecDeque<Vec<Does>>,
}

/// Tells that the work was given up, unless it ended.
struct Working<'a> {
    stage: &'a Scripted,
    has_ended: bool,
}

impl Scripted {
    fn tell(&self, what: &str) {
        let line = format!("{} {} {what}", self.clock.now().0 / 1_000_000, self.name);
        self.log.borrow_mut().push(line);
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.stage.tell(match self.has_ended {
            true => "ends",
            false => "is given up",
        });
    }
}

impl Stage for Scripted {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, _: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        let does = self.tries.pop_front().unwrap_or_default();
        Box::pin(async move {
            self.tell("begins");
            out.begun();
            let mut working = Working {
                stage: self,
                has_ended: false,
            };
            let mut result = Ok(());
            for step in does {
                result = match step {
                    Does::Take(ms) => {
                        let at = self.clock.now() + Duration::from_millis(ms);
                        self.clock.sleep_until(at).await;
                        Ok(())
                    }
                    Does::Say(text) => out.send(Piece(text.into())).await,
                    Does::SayTry => {
                        let text = format!("try {}", out.nth_try());
                        out.send(Piece(text.into())).await
                    }
                    Does::Fail(error) => Err(StageError::Failed(error.into())),
                    Does::Refuse(again) => Err(StageError::Refused {
                        error: "refused".into(),
                        again,
                    }),
                };
                if result.is_err() {
                    break;
                }
            }
            working.has_ended = true;
            result
        })
    }
}

impl Trial {
    pub(super) fn new() -> Trial {
        let clock = Clock::virtual_time(1);
        clock.start();
        Trial {
            tap: Tap::new(clock.clone(), SessionId(0), None),
            clock,
            log: Rc::default(),
            said: Vec::new(),
            taking_ms: 0,
        }
    }

    pub(super) fn taking_ms(self, taking_ms: u64) -> Trial {
        Trial { taking_ms, ..self }
    }

    pub(super) fn stage(&self, name: &'static str, tries: Vec<Vec<Does>>) -> Answer {
        Box::new(Scripted {
            name,
            clock: self.clock.clone(),
            log: self.log.clone(),
            tries: tries.into(),
        })
    }

    pub(super) fn ask(self, stage: Answer) -> Trial {
        self.ask_at(&[0], stage)
    }

    /// Asks a stage at these times, in milliseconds, one after the other.
    pub(super) fn ask_at(mut self, at_ms: &[u64], mut stage: Answer) -> Trial {
        let clock = self.clock.clone();
        let asking = async {
            for at in at_ms {
                clock.sleep_until(Tick::from_ms(*at)).await;
                self.ask_once(&mut *stage).await;
            }
        };
        clock.block_on(asking).expect("it ends");
        self
    }

    async fn ask_once(&mut self, stage: &mut dyn Stage<In = Question, Out = Piece>) {
        let question = Question {
            text: "Why?".into(),
            history: Rc::default(),
            interrupts: false,
        };
        let (sender, mut pieces) = queue::channel(1);
        let hash = InputHash::default();
        let visit = self.tap.visit(TurnId(1), StageName::Answer, hash);
        let (clock, said) = (&self.clock, &mut self.said);
        let take = Duration::from_millis(self.taking_ms);
        let work = async {
            let mut out = Outlet::new(visit, sender);
            let result = stage.handle(question, &mut out).await;
            out.close(&result);
        };
        let taking = async {
            while let Some(Piece(text)) = pieces.recv().await {
                said.push((clock.now().0 / 1_000_000, text.to_string()));
                clock.sleep_until(clock.now() + take).await;
            }
        };
        tokio::join!(biased; work, taking);
    }

    /// What came out, and when.
    pub(super) fn said(&self) -> Vec<(u64, &str)> {
        self.said.iter().map(|(at, text)| (*at, &**text)).collect()
    }

    /// What the stages did.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.tap.events()
    }

    /// What resilience policies did, and when.
    pub(super) fn cures(&self) -> Vec<(u64, ResilienceStep)> {
        let events = self.events();
        let cures = events.iter().filter_map(|event| match event.mark {
            Mark::Cured { by, .. } => Some((event.tick.0 / 1_000_000, by)),
            _ => None,
        });
        cures.collect()
    }

    /// The latest error that a visit ended with.
    pub(super) fn error(&self) -> Option<String> {
        let events = self.events();
        events.iter().rev().find_map(|event| match &event.mark {
            Mark::Exit {
                end: VisitEnd::Failed(why),
                ..
            } => Some(why.error.clone()),
            _ => None,
        })
    }
}
