//! Plays a reply: lays its audio end to end on the time axis and knows how much was heard.

use super::laid::{Laid, Part, Sounded, Spoken};
use super::telling::{Telling, TellingPlace};
use crate::audio::{self, Speaker, first_audible, length_of, peak};
use crate::clock::Clock;
use crate::event::{Mark, Tick, TurnId, nanos};
use crate::record::tap::Tap;
use crate::stage::queue;
use crate::stage::{AudioChunk, Watched};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

/// Sound is handed to the speaker this long before its turn, so that clauses join without a gap.
const LEAD: Duration = Duration::from_millis(200);

/// The pitch of a simulated agent in a recording, in Hz.
const PITCH_HZ: f64 = 220.0;

/// Below this amplitude nothing is audible, whatever the peak: -60 dB of full scale.
const INAUDIBLE: f32 = 0.001;

/// The sound of one reply at the speaker.
pub(super) struct Playback {
    clock: Clock,
    tap: Tap,
    speaker: Rc<dyn Speaker>,
    turn: TurnId,
    laid: RefCell<Laid>,
    /// When what is queued ends.
    end: Cell<Option<Tick>>,
    /// How much sound was taken to be played.
    pub(super) taken: Watched<Duration>,
    /// When the filler that was said in place of an answer is over; `None` without one.
    filler_ends: Cell<Option<Tick>>,
    /// Chunks that were queued when playback was stopped, and had not sounded.
    rest: RefCell<Vec<(Part, AudioChunk)>>,
    /// That the agent is a machine, if this reply says so.
    telling: Option<Telling>,
    sounds: Watched<Sounds>,
    /// When the first audible sample of the reply leaves the speaker.
    audible_at: Watched<Option<Tick>>,
}

/// What has sounded of a reply so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sounds {
    #[default]
    Nothing,
    /// Something in place of an answer.
    Filler,
    Answer,
}

/// A filler: what is said when an answer takes long, such as "let me check".
pub(crate) struct Filler {
    /// How long after the reply was wanted the filler is said.
    pub after: Duration,
    pub sound: AudioChunk,
}

impl Playback {
    pub(super) fn new(clock: Clock, tap: Tap, speaker: Rc<dyn Speaker>, turn: TurnId) -> Playback {
        Playback {
            clock,
            tap,
            speaker,
            turn,
            laid: RefCell::default(),
            end: Cell::default(),
            taken: Watched::default(),
            filler_ends: Cell::default(),
            rest: RefCell::default(),
            telling: None,
            sounds: Watched::default(),
            audible_at: Watched::default(),
        }
    }

    /// A playback of this turn whose reply also says that the agent is a machine, if `telling` is given.
    pub(super) fn telling(self, telling: Option<Telling>) -> Playback {
        Playback { telling, ..self }
    }

    /// Whether nothing else is said than that the agent is a machine.
    pub(super) fn tells_alone(&self) -> bool {
        self.told_at(&[TellingPlace::Alone]).is_some()
    }

    /// Whether it was said by `now`, to its end, that the agent is a machine; `None` if that was not to be said.
    pub(super) fn was_told(&self, now: Tick) -> Option<bool> {
        let telling = self.telling.as_ref()?;
        let length = telling.sound.length;
        Some(self.laid.borrow().has_disclosed(length, now))
    }

    fn told_at(&self, places: &[TellingPlace]) -> Option<&AudioChunk> {
        self.telling.as_ref().and_then(|it| it.at(places))
    }

    /// Plays chunks as they come, `filler` before them if they are late, and returns when the last one
    /// has been played. Not polled, it takes no more chunks; [`Playback::stop`] silences what is queued.
    pub(super) async fn play(&self, filler: Option<&Filler>, chunks: queue::Receiver<AudioChunk>) {
        tokio::select! {
            biased;
            () = self.announce() => {}
            () = self.lay(filler, chunks) => {}
        }
    }

    /// Tells of the first audible sample when it has left the speaker; then there is nothing more to tell.
    async fn announce(&self) {
        if self.is_audible() {
            return pending().await;
        }
        self.audible_at.until(|at| at.is_some()).await;
        if let Some(at) = self.audible_at.get() {
            self.clock.sleep_until(at).await;
            self.tap.mark(self.turn, Mark::Audible { at });
            self.sounds.set(Sounds::Answer);
        }
        pending::<()>().await;
    }

    /// Lays chunks behind each other as they come.
    async fn lay(&self, filler: Option<&Filler>, mut chunks: queue::Receiver<AudioChunk>) {
        let first = self.told_at(&[TellingPlace::Alone, TellingPlace::First]);
        if let Some(sound) = first {
            self.lay_one(Part::Disclosure, sound).await;
        }
        // Whoever was told something does not wait for a filler.
        let filler = filler.filter(|_| first.is_none());
        let mut after_clause = self.told_at(&[TellingPlace::AfterFirstClause]);
        let mut next = self.first_of(&mut chunks, filler).await;
        let has_answer = next.is_some();
        let mut is_first = true;
        while let Some(chunk) = next {
            // A chunk without words continues the clause before it.
            let begins_clause = !is_first && !chunk.text.is_empty();
            if let Some(sound) = after_clause.take_if(|_| begins_clause) {
                self.lay_one(Part::Disclosure, sound).await;
            }
            is_first = false;
            self.taken.set(self.taken.get() + chunk.length);
            self.lay_one(Part::Answer, &chunk).await;
            next = chunks.recv().await;
        }
        let last = after_clause.or(self.told_at(&[TellingPlace::Last]));
        if let Some(sound) = last.filter(|_| has_answer) {
            self.lay_one(Part::Disclosure, sound).await;
        }
        self.is_nearly_through(Duration::ZERO).await;
    }

    /// Lays a chunk, and waits until there is room for the next one.
    async fn lay_one(&self, part: Part, chunk: &AudioChunk) {
        let start = self.queue(part, chunk);
        if let (None, Some(head)) = (self.audible_at.get(), inaudible_head(chunk)) {
            self.audible_at.set(Some(start + head));
        }
        self.is_nearly_through(LEAD + self.speaker.network()).await;
    }

    /// Waits until something else has sounded than `before`: a filler, or the first audible sample.
    pub(super) async fn sounds(&self, before: Sounds) -> Sounds {
        self.sounds.until(|now| now != before).await;
        self.sounds.get()
    }

    /// Waits until this long before the end of what is queued.
    async fn is_nearly_through(&self, lead: Duration) {
        // The end moves if playback is held meanwhile.
        while let Some(at) = self.end.get().map(|end| end.before(lead)) {
            self.clock.sleep_until(at).await;
            if self.end.get().map(|end| end.before(lead)) == Some(at) {
                return;
            }
        }
    }

    /// Waits for the first chunk, and says something meanwhile if it is late.
    async fn first_of(
        &self,
        chunks: &mut queue::Receiver<AudioChunk>,
        filler: Option<&Filler>,
    ) -> Option<AudioChunk> {
        if let Some(filler) = filler {
            let late = self.clock.now() + filler.after;
            tokio::select! {
                biased;
                first = chunks.recv() => return first,
                () = self.clock.sleep_until(late) => self.fill(&filler.sound),
            }
        }
        chunks.recv().await
    }

    /// Plays the filler, which is no part of the answer: that comes after it.
    fn fill(&self, filler: &AudioChunk) {
        let at = self.clock.now() + self.speaker.latency();
        let audio_ns = nanos(filler.length);
        self.tap.mark(self.turn, Mark::Filler { at, audio_ns });
        self.sound(at, filler);
        let end = Some(at + filler.length);
        self.filler_ends.set(end);
        self.end.set(end);
        self.sounds.set(Sounds::Filler);
    }

    pub(super) fn filler_ends(&self) -> Option<Tick> {
        self.filler_ends.get()
    }

    /// Lays a chunk behind what is queued, or as soon as the speaker can if that has run out.
    fn queue(&self, part: Part, chunk: &AudioChunk) -> Tick {
        let soon = self.clock.now() + self.speaker.latency();
        let end = self.end.get();
        let start = end.map_or(soon, |end| end.max(soon));
        // Silence after a filler is no gap in mid-answer.
        let is_begun = !self.laid.borrow().is_empty();
        if let Some(end) = end.filter(|end| is_begun && *end < soon) {
            let gap_ns = nanos(soon.since(end));
            self.tap
                .mark(self.turn, Mark::PlaybackGap { at: end, gap_ns });
        }
        let head = inaudible_head(chunk).unwrap_or(chunk.length);
        self.tap.mark(
            self.turn,
            Mark::Queued {
                start,
                audio_ns: nanos(chunk.length),
                silence_ns: nanos(head),
                network_ns: nanos(self.speaker.network()),
            },
        );
        if part == Part::Disclosure {
            let (at, audio_ns) = (start, nanos(chunk.length));
            self.tap.mark(self.turn, Mark::Disclosed { at, audio_ns });
        }
        self.sound(start, chunk);
        self.end.set(Some(start + chunk.length));
        self.laid.borrow_mut().push(start, part, chunk.clone());
        start
    }

    fn sound(&self, start: Tick, chunk: &AudioChunk) {
        match &chunk.samples {
            Some(samples) => {
                self.speaker.play(start, samples);
                self.tap.agent_audio(start, samples);
            }
            None => {
                self.speaker.play_simulated(start, chunk.length);
                if self.tap.keeps_audio() {
                    let hum = audio::hum(chunk.length, PITCH_HZ);
                    self.tap.agent_audio(start, &hum);
                }
            }
        }
    }

    /// Whether anything was heard of the reply.
    pub(super) fn is_audible(&self) -> bool {
        self.sounds.get() == Sounds::Answer
    }

    /// Silences the speaker, and keeps what was still to sound.
    pub(super) fn stop(&self) -> Sounded {
        let at = self.clock.now() + self.speaker.silence();
        self.tap.agent_silenced(at);
        self.filler_ends
            .set(self.filler_ends.get().map(|end| end.min(at)));
        let sounded = self.heard(at);
        let rest = self.laid.borrow_mut().cut(at);
        self.rest.borrow_mut().extend(rest);
        sounded
    }

    /// Goes on where it was stopped.
    pub(super) fn resume(&self) {
        self.laid.borrow_mut().forget_silent();
        // Nobody waited for sound meanwhile, so the silence is no gap.
        self.end.set(None);
        for (part, chunk) in self.rest.take() {
            // Half of a disclosure is none, so it is said again.
            let whole = self.telling.as_ref().filter(|_| part == Part::Disclosure);
            self.queue(part, whole.map_or(&chunk, |telling| &telling.sound));
        }
    }

    /// What was said by `now`, as far as it matters to somebody who talks over it.
    pub(super) fn spoken(&self, now: Tick) -> Spoken {
        self.laid.borrow().spoken(now)
    }

    /// What was played before `at`.
    pub(super) fn heard(&self, at: Tick) -> Sounded {
        self.laid.borrow().heard(at)
    }
}

/// How long a chunk begins inaudibly: up to its first sample above -40 dB of its peak. `None` if
/// it is inaudible to its end. A chunk without samples (simulated) says so itself.
fn inaudible_head(chunk: &AudioChunk) -> Option<Duration> {
    let Some(samples) = &chunk.samples else {
        return Some(chunk.head);
    };
    let threshold = (0.01 * peak(samples)).max(INAUDIBLE);
    first_audible(samples, threshold).map(length_of)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::audio::Imagined;
    use crate::event::{Event, SessionId};

    /// Plays clauses of a tenth of a second, stops after some of it, and goes on a second after the beginning. `stopped` is
    /// told what has sounded by then.
    pub(in crate::pipeline) fn stop_and_resume(
        clock: &Clock,
        playback: &Playback,
        clauses: [&str; 2],
        after: Duration,
        stopped: impl FnOnce(Sounded),
    ) {
        let (sender, receiver) = queue::channel(8);
        let talk = async {
            for text in clauses {
                let said = sender.send(chunk(vec![0.5; 1_600], text));
                said.await.expect("room");
            }
            drop(sender);
            let mut play = Box::pin(playback.play(None, receiver));
            tokio::select! {
                biased;
                () = &mut play => panic!("not yet"),
                () = clock.sleep_until(Tick::ZERO + after) => {}
            }
            stopped(playback.stop());
            clock.sleep_until(Tick::from_ms(1_000)).await;
            playback.resume();
            play.await;
        };
        clock.block_on(talk).expect("it ends");
    }

    pub(in crate::pipeline) fn chunk(samples: Vec<f32>, text: &str) -> AudioChunk {
        AudioChunk::new(samples.into(), text.into())
    }

    /// Plays `chunks` in real time; what was marked, and the playback itself.
    fn play(chunks: Vec<AudioChunk>) -> (Vec<Event>, Playback, Tick) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let clock = Clock::real(1);
            clock.start();
            let tap = Tap::new(clock.clone(), SessionId(0), None);
            let playback = Playback::new(clock.clone(), tap.clone(), Rc::new(Imagined), TurnId(1));
            let (sender, receiver) = queue::channel(8);
            for chunk in chunks {
                sender.send(chunk).await.expect("room");
            }
            drop(sender);
            playback.play(None, receiver).await;
            (tap.events(), playback, clock.now())
        })
    }

    #[test]
    fn chunks_that_wait_are_played_without_a_gap() {
        let tone = vec![0.5; 800];
        let (events, playback, now) = play(vec![chunk(tone.clone(), "one"), chunk(tone, "two")]);
        let starts: Vec<Tick> = events
            .iter()
            .filter_map(|event| match event.mark {
                Mark::Queued { start, .. } => Some(start),
                _ => None,
            })
            .collect();
        assert_eq!(starts[1].since(starts[0]), Duration::from_millis(50));
        assert!(
            !events
                .iter()
                .any(|e| matches!(e.mark, Mark::PlaybackGap { .. }))
        );
        let heard = playback.heard(now);
        assert_eq!(&*heard.words, "one two");
        assert_eq!(heard.length, Duration::from_millis(100));
    }

    #[test]
    fn silence_at_the_head_is_not_audible() {
        let mut samples = vec![0.0; 320];
        samples.extend([0.5; 320]);
        let (events, ..) = play(vec![chunk(samples, "word")]);
        let start = events.iter().find_map(|e| match e.mark {
            Mark::Queued { start, .. } => Some(start),
            _ => None,
        });
        let audible = events.iter().find_map(|e| match e.mark {
            Mark::Audible { at } => Some(at),
            _ => None,
        });
        let head = audible.expect("audible").since(start.expect("queued"));
        assert_eq!(head, Duration::from_millis(20));
    }

    #[test]
    fn what_was_heard_of_a_cut_off_chunk_is_its_share_of_words() {
        let (_, playback, _) = play(vec![chunk(vec![0.5; 1_600], "one two three four")]);
        let start = playback.laid.borrow().begins();
        let half = start + Duration::from_millis(50);
        assert_eq!(&*playback.heard(half).words, "one two");
        assert_eq!(&*playback.heard(start).words, "");
    }

    #[test]
    fn what_was_stopped_goes_on_where_it_was_and_is_heard_once() {
        let clock = Clock::virtual_time(1);
        clock.start();
        let tap = Tap::new(clock.clone(), SessionId(0), None);
        let speaker = Rc::new(Imagined);
        let playback = Playback::new(clock.clone(), tap.clone(), speaker, TurnId(1));
        let ms = Duration::from_millis;
        let clauses = ["one two three four", "five six"];
        stop_and_resume(&clock, &playback, clauses, ms(50), |sounded| {
            assert_eq!(&*sounded.words, "one two");
            assert_eq!((sounded.at, sounded.length), (Tick::from_ms(50), ms(50)));
        });
        assert_eq!(clock.now(), Tick::from_ms(1_150));
        let heard = playback.heard(clock.now());
        assert_eq!(&*heard.words, "one two three four five six");
        assert_eq!(heard.length, ms(200));
        let gaps = tap.events();
        let is_gap = |event: &Event| matches!(event.mark, Mark::PlaybackGap { .. });
        assert!(!gaps.iter().any(is_gap));
    }

    #[test]
    fn who_talks_over_it_knows_what_was_said_so_far() {
        let chunks = vec![
            chunk(vec![0.5; 1_600], "It is open."),
            chunk(vec![0.5; 1_600], "Do you want"),
            chunk(vec![0.5; 1_600], "to come?"),
        ];
        let (_, playback, end) = play(chunks);
        let start = playback.laid.borrow().begins();
        let ms = Duration::from_millis;
        let spoken = playback.spoken(start + ms(250));
        assert_eq!(
            (spoken.elapsed, spoken.sentence_elapsed),
            (ms(250), ms(150))
        );
        assert_eq!(
            (spoken.words, spoken.tail.as_str()),
            (7, "It is open. Do you want to")
        );
        assert!(spoken.sentence_is_question && !spoken.sentence_is_done);
        let spoken = playback.spoken(end + ms(40));
        assert!(spoken.sentence_is_done && spoken.silence >= ms(40));
        assert_eq!(playback.spoken(start.before(ms(1))), Spoken::default());
    }

    #[test]
    fn audio_that_comes_in_pieces_shares_the_words_of_its_clause() {
        let piece = || vec![0.5; 400];
        let chunks = vec![
            chunk(piece(), "one two three four"),
            chunk(piece(), ""),
            chunk(piece(), ""),
            chunk(piece(), ""),
        ];
        let (_, playback, end) = play(chunks);
        let start = playback.laid.borrow().begins();
        let soon = start + Duration::from_millis(30);
        assert_eq!(&*playback.heard(soon).words, "one");
        assert_eq!(&*playback.heard(end).words, "one two three four");
    }
}
