//! Latencies of stages from the events of a run: from the moment work begins to its first output. Hops would not do,
//! since they hold nothing of work that was done while the caller still spoke.

use super::maximum::Time;
use super::sample::Sample;
use crate::event::{Event, Mark, OutputNote, StageName, Tick, TurnId, VisitEnd, VisitId};
use crate::measure::{is_disturbed, ms};
use std::collections::{BTreeMap, VecDeque};

/// A token of English is about four characters, as in simulated engines.
const CHARACTERS_PER_TOKEN: f64 = 4.0;

/// An answer that came in fewer pieces tells nothing of how fast it was written.
const PIECES_MIN: usize = 2;

/// What the visits of a conversation tell.
#[derive(Debug, Default)]
pub(super) struct Visits {
    pub samples: BTreeMap<StageName, Vec<Sample>>,
    /// Answers that came to their end.
    pub answers: Vec<String>,
    /// Milliseconds that each token of an answer took behind the first piece.
    pub token_ms: Vec<f64>,
    /// Jobs that computed in the process of the run, and how many of them others disturbed.
    pub jobs: u64,
    pub disturbed: u64,
    /// Jobs behind an undisturbed and behind a disturbed one: how many of each, and how many of these were disturbed.
    pub behind: [[u64; 2]; 2],
    /// Turns in which something was asked of an engine.
    pub questions: u32,
}

/// A visit that is not over.
#[derive(Debug)]
struct Open {
    stage: StageName,
    turn: TurnId,
    /// When the work began of which nothing has come yet.
    begun: Option<Tick>,
    has_output: bool,
    work: Option<f64>,
    /// Samples of the visit so far, by their places.
    samples: Vec<usize>,
    pieces: Vec<(Tick, String)>,
}

#[derive(Default)]
struct Fold<'a> {
    visits: Visits,
    open: BTreeMap<VisitId, Open>,
    /// Turns that ask something, in the order in which they did.
    questions: BTreeMap<TurnId, u32>,
    /// Characters of clauses that wait for the voice; `None` of one whose sound was ready, which nobody made.
    clauses: VecDeque<Option<f64>>,
    /// How answers like to begin: clauses whose sound was ready.
    openings: &'a [String],
    /// What the voice detector has heard of each utterance: speech that is over, and since when there is more.
    heard: BTreeMap<TurnId, (f64, Option<Tick>)>,
    conversation: u32,
    /// Whether the last job was disturbed.
    was_disturbed: Option<bool>,
}

/// The visits of one conversation, in which the sound of these openings was ready.
pub(super) fn visits(events: &[Event], conversation: u32, openings: &[String]) -> Visits {
    let mut fold = Fold {
        conversation,
        openings,
        ..Fold::default()
    };
    for event in events {
        fold.add(event);
    }
    // What was open at the end was cut off there.
    if let Some(last) = events.last() {
        let open: Vec<VisitId> = fold.open.keys().copied().collect();
        for visit in open {
            fold.gave_up(visit, last.tick);
        }
    }
    fold.visits.questions = fold.questions.len() as u32;
    fold.visits
}

impl Fold<'_> {
    fn add(&mut self, event: &Event) {
        let (now, turn) = (event.tick, event.turn);
        match &event.mark {
            Mark::VoiceStarted { onset } => {
                self.heard.insert(turn, (0.0, Some(*onset)));
            }
            Mark::VoicePaused { last_voiced } => {
                let heard = self.heard.entry(turn).or_default();
                if let Some(since) = heard.1.take() {
                    heard.0 += last_voiced.since(since).as_secs_f64();
                }
            }
            Mark::VoiceResumed { at } => {
                self.heard.entry(turn).or_default().1 = Some(*at);
                // What was understood so far is of no use any more.
                let is_of_turn =
                    |open: &Open| open.stage == StageName::SpeechToText && open.turn == turn;
                let mut open = self.open.iter().filter(|(_, open)| is_of_turn(open));
                if let Some(visit) = open.next().map(|(visit, _)| *visit) {
                    self.gave_up(visit, now);
                }
            }
            Mark::Enter { stage, visit } => self.enter(*stage, *visit, turn),
            Mark::Begun { stage, visit } => {
                if self
                    .open
                    .get(visit)
                    .is_some_and(|open| open.begun.is_some())
                {
                    self.gave_up(*visit, now);
                }
                let audio = self.audio_s(turn, now);
                if let Some(open) = self.open.get_mut(visit) {
                    if *stage == StageName::SpeechToText {
                        (open.work, open.has_output) = (Some(audio), false);
                    }
                    if !open.has_output {
                        open.begun = Some(now);
                    }
                }
            }
            Mark::Output { stage, visit, note } => self.output(*stage, *visit, note, now),
            Mark::Exit {
                visit, end, cost, ..
            } => {
                if *end != VisitEnd::Done {
                    self.gave_up(*visit, now);
                }
                let Some(open) = self.open.remove(visit) else {
                    return;
                };
                if let Some(cost) = cost
                    && let Some(is_disturbed) = is_disturbed(cost)
                {
                    self.visits.jobs += 1;
                    self.visits.disturbed += u64::from(is_disturbed);
                    if let Some(was) = self.was_disturbed.replace(is_disturbed) {
                        let [all, disturbed] = &mut self.visits.behind[usize::from(was)];
                        *all += 1;
                        *disturbed += u64::from(is_disturbed);
                    }
                    if let Some(samples) = self.visits.samples.get_mut(&open.stage) {
                        for index in &open.samples {
                            if let Some(sample) = samples.get_mut(*index) {
                                (sample.is_disturbed, sample.threads) =
                                    (is_disturbed, cost.threads);
                            }
                        }
                    }
                }
                if open.stage == StageName::Answer && *end == VisitEnd::Done {
                    self.answered(&open.pieces);
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, stage: StageName, visit: VisitId, turn: TurnId) {
        if matches!(stage, StageName::EndOfTurn) {
            return;
        }
        if matches!(stage, StageName::Answer | StageName::SpeechToSpeech) {
            let next = self.questions.len() as u32 + 1;
            self.questions.entry(turn).or_insert(next);
            self.clauses.clear();
        }
        let work = match stage {
            StageName::TextToSpeech => match self.clauses.pop_front() {
                Some(None) => return,
                of_clause => of_clause.flatten(),
            },
            _ => None,
        };
        let open = Open {
            stage,
            turn,
            begun: None,
            has_output: false,
            work,
            samples: Vec::new(),
            pieces: Vec::new(),
        };
        self.open.insert(visit, open);
    }

    fn output(&mut self, stage: StageName, visit: VisitId, note: &OutputNote, now: Tick) {
        if let OutputNote::Clause { text } = note {
            let was_ready = self.openings.iter().any(|opening| **opening == **text);
            let characters = text.chars().count() as f64;
            self.clauses.push_back((!was_ready).then_some(characters));
        }
        let Some(open) = self.open.get_mut(&visit) else {
            return;
        };
        match note {
            OutputNote::Piece { text } => open.pieces.push((now, text.to_string())),
            OutputNote::Audio { characters, .. } if !open.has_output => {
                open.work = Some(f64::from(*characters))
                    .filter(|n| *n > 0.0)
                    .or(open.work);
            }
            _ => {}
        }
        open.has_output = true;
        if let Some(begun) = open.begun.take()
            && stage != StageName::Clauses
        {
            self.sample(visit, ms_since(begun, now), false);
        }
    }

    /// A visit of which nothing has come so far is of no use any more.
    fn gave_up(&mut self, visit: VisitId, now: Tick) {
        let Some(open) = self.open.get_mut(&visit) else {
            return;
        };
        let begun = open.begun.take();
        if let Some(begun) = begun.filter(|begun| *begun < now)
            && open.stage != StageName::Clauses
        {
            self.sample(visit, ms_since(begun, now), true);
        }
    }

    fn sample(&mut self, visit: VisitId, ms: f64, is_given_up: bool) {
        let Some(open) = self.open.get_mut(&visit) else {
            return;
        };
        let asked = self.questions.get(&open.turn).copied();
        // A transcript comes before the question is asked.
        let question = asked.unwrap_or(self.questions.len() as u32 + 1);
        let samples = self.visits.samples.entry(open.stage).or_default();
        open.samples.push(samples.len());
        samples.push(Sample {
            work: open.work,
            ..Sample::of(Time { ms, is_given_up }, self.conversation, question)
        });
    }

    /// Seconds of speech that were heard of an utterance, as simulated engines count them: without what the recogniser
    /// gets before the voice and behind it, and without pauses.
    fn audio_s(&self, turn: TurnId, now: Tick) -> f64 {
        self.heard.get(&turn).map_or(0.0, |(seconds, since)| {
            seconds + since.map_or(0.0, |since| now.since(since).as_secs_f64())
        })
    }

    fn answered(&mut self, pieces: &[(Tick, String)]) {
        let text: String = pieces.iter().map(|(_, piece)| piece.as_str()).collect();
        if let (Some((first, piece)), Some((last, _))) = (pieces.first(), pieces.last())
            && pieces.len() >= PIECES_MIN
        {
            let behind = text.chars().count().saturating_sub(piece.chars().count());
            let tokens = behind as f64 / CHARACTERS_PER_TOKEN;
            if tokens >= 1.0 {
                self.visits.token_ms.push(ms_since(*first, *last) / tokens);
            }
        }
        let text = text.trim();
        if !text.is_empty() {
            self.visits.answers.push(text.to_owned());
        }
    }
}

fn ms_since(begun: Tick, now: Tick) -> f64 {
    ms(now.0.saturating_sub(begun.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SessionId;

    fn event(at_ms: u64, turn: u32, mark: Mark) -> Event {
        Event {
            tick: Tick::from_ms(at_ms),
            session: SessionId(0),
            turn: TurnId(turn),
            mark,
        }
    }

    const STT: StageName = StageName::SpeechToText;

    fn stt(visit: u32, what: &str) -> Mark {
        let (stage, visit) = (STT, VisitId(visit));
        match what {
            "enter" => Mark::Enter { stage, visit },
            "begun" => Mark::Begun { stage, visit },
            "output" => Mark::Output {
                stage,
                visit,
                note: OutputNote::Partial {
                    text: "a".into(),
                    sureness: None,
                },
            },
            end => Mark::Exit {
                stage,
                visit,
                end: if end == "done" {
                    VisitEnd::Done
                } else {
                    VisitEnd::Cancelled
                },
                cost: None,
                input: None,
            },
        }
    }

    fn told(events: &[Event]) -> Vec<(f64, bool, Option<f64>)> {
        let visits = visits(events, 0, &[]);
        let samples = visits.samples.get(&STT).into_iter().flatten();
        samples
            .map(|s| (s.time.ms, s.time.is_given_up, s.work))
            .collect()
    }

    #[test]
    fn each_transcription_of_an_utterance_counts_by_the_speech_so_far() {
        let at = |ms| Tick::from_ms(ms);
        let events = [
            event(1_048, 1, Mark::VoiceStarted { onset: at(1_000) }),
            event(1_048, 1, stt(1, "enter")),
            event(
                2_032,
                1,
                Mark::VoicePaused {
                    last_voiced: at(2_000),
                },
            ),
            event(2_032, 1, stt(1, "begun")),
            event(2_100, 1, Mark::VoiceResumed { at: at(2_080) }),
            event(
                3_112,
                1,
                Mark::VoicePaused {
                    last_voiced: at(3_080),
                },
            ),
            event(3_112, 1, stt(1, "begun")),
            event(3_362, 1, stt(1, "output")),
            // The endpoint: what was understood is the transcript.
            event(3_400, 1, stt(1, "output")),
            event(3_400, 1, stt(1, "done")),
        ];
        assert_eq!(
            told(&events),
            [(68.0, true, Some(1.0)), (250.0, false, Some(2.0))]
        );
    }

    #[test]
    fn work_that_never_began_is_no_sample_and_work_that_was_dropped_took_at_least_so_long() {
        let events = [
            event(100, 1, stt(1, "enter")),
            event(200, 1, stt(1, "cancelled")),
            event(300, 2, stt(2, "enter")),
            event(300, 2, stt(2, "begun")),
            event(450, 2, stt(2, "cancelled")),
        ];
        assert_eq!(told(&events), [(150.0, true, Some(0.0))]);
    }

    #[test]
    fn a_record_that_ends_in_the_middle_is_taken_as_given_up_there() {
        let events = [
            event(300, 1, stt(1, "enter")),
            event(300, 1, stt(1, "begun")),
            event(400, 1, Mark::AskedSoFar),
        ];
        assert_eq!(told(&events), [(100.0, true, Some(0.0))]);
    }
}
