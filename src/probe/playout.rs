//! What of an agent's sound is heard, and when: a telephone's playback, in samples. Pure.
//!
//! Agents send sound in bursts, faster than anybody hears it. Here it is laid end to end and plays in time: what has
//! run dry begins anew with the next sound, behind a jitter buffer as a telephone has one. Marks come back when what was
//! sent before them has been played; `clear` empties what has not.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Sound that comes later than this behind the sound before it is a new speech, and nothing ran dry: a second.
const SAME_SPEECH_S: u64 = 1;
/// The most sound that may wait: ten minutes. No telephone holds so much, and an agent that sends more is out of hand.
const WAITING_S_MAX: u64 = 600;
/// The most marks that may wait.
const MARKS_MAX: usize = 4_096;

/// Positions are samples since the beginning of the call.
#[derive(Debug)]
pub(crate) struct Playout {
    rate: u32,
    /// What the jitter buffer holds back, in samples.
    held_back: u64,
    waiting: VecDeque<Laid>,
    /// How many samples wait.
    unplayed: u64,
    marks: VecDeque<(u64, String)>,
    /// Up to where everything is played.
    played: u64,
    /// Where what was laid ends, or ended; `None` if nothing was, or what was laid last was taken back.
    end: Option<u64>,
    counts: Counts,
}

/// Sound without a gap.
#[derive(Debug)]
struct Laid {
    start: u64,
    samples: Vec<f32>,
    /// How many of them have been played.
    done: usize,
}

impl Laid {
    fn end(&self) -> u64 {
        self.start + self.samples.len() as u64
    }
}

/// What became of the sound, in samples.
#[derive(Debug, Default)]
struct Counts {
    cleared: u64,
    underruns: u64,
    dry: u64,
    most_waiting: u64,
}

/// What is to be known of the sound that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PlayoutFacts {
    /// Sound that was cleared before it was played.
    pub cleared: Duration,
    /// How often playback ran dry in mid-speech, and for how long in all.
    pub underruns: u64,
    pub dry: Duration,
    /// The most sound that ever waited.
    pub most_waiting: Duration,
}

impl PlayoutFacts {
    /// Those of two connections of a call.
    pub(crate) fn and(self, other: PlayoutFacts) -> PlayoutFacts {
        PlayoutFacts {
            cleared: self.cleared + other.cleared,
            underruns: self.underruns + other.underruns,
            dry: self.dry + other.dry,
            most_waiting: self.most_waiting.max(other.most_waiting),
        }
    }
}

/// What there is more of than is taken, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMuch {
    Sound,
    Marks,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooMuch::Sound => write!(f, "than {} minutes of sound ahead", WAITING_S_MAX / 60),
            TooMuch::Marks => write!(f, "than {MARKS_MAX} marks ahead"),
        }
    }
}

impl Playout {
    /// A playback at `rate` Hz whose jitter buffer holds sound back for so many milliseconds, and that has played
    /// silence up to the position `at`.
    pub(crate) fn new(rate: u32, jitter_ms: u64, at: u64) -> Playout {
        Playout {
            rate,
            held_back: jitter_ms * u64::from(rate) / 1_000,
            waiting: VecDeque::new(),
            unplayed: 0,
            marks: VecDeque::new(),
            played: at,
            end: None,
            counts: Counts::default(),
        }
    }

    /// Takes sound that arrives at the position `at`.
    ///
    /// # Errors
    /// If more waits than any telephone holds.
    pub(crate) fn arrive(&mut self, at: u64, samples: Vec<f32>) -> Result<(), TooMuch> {
        if samples.is_empty() {
            return Ok(());
        }
        // What has been played cannot be changed any more.
        let at = at.max(self.played);
        let start = match self.end {
            Some(end) if end >= at => end,
            before => {
                if let Some(end) = before.filter(|end| at - end < SAME_SPEECH_S * self.per_s()) {
                    self.counts.underruns += 1;
                    self.counts.dry += at + self.held_back - end;
                }
                at + self.held_back
            }
        };
        let end = start + samples.len() as u64;
        if end - self.played > WAITING_S_MAX * self.per_s() {
            return Err(TooMuch::Sound);
        }
        self.unplayed += samples.len() as u64;
        self.end = Some(end);
        let most = self.per_s() as usize;
        match self.waiting.back_mut() {
            // Sound that comes a sample at a time takes no more room than other sound.
            Some(last) if last.end() == start && last.samples.len() < most => {
                last.samples.extend(samples);
            }
            _ => self.waiting.push_back(Laid {
                start,
                samples,
                done: 0,
            }),
        }
        self.counts.most_waiting = self.counts.most_waiting.max(self.unplayed);
        Ok(())
    }

    /// Remembers to tell when what has come so far is played.
    ///
    /// # Errors
    /// If more marks wait than anybody needs.
    pub(crate) fn mark(&mut self, at: u64, name: String) -> Result<(), TooMuch> {
        if self.marks.len() >= MARKS_MAX {
            return Err(TooMuch::Marks);
        }
        let end = self.end.unwrap_or(0).max(at.max(self.played));
        let end = match self.waiting.is_empty() {
            true => at.max(self.played),
            false => end,
        };
        self.marks.push_back((end, name));
        Ok(())
    }

    /// Forgets what has not been played at the position `at`. Returns how many samples that were, and the marks that
    /// waited for them, which are due at once.
    pub(crate) fn clear(&mut self, at: u64) -> (u64, Vec<String>) {
        let mut cleared = 0;
        while let Some(last) = self.waiting.back_mut() {
            // The frame that is being played is heard up to this moment.
            let heard = at.saturating_sub(last.start).min(last.samples.len() as u64) as usize;
            let heard = heard.max(last.done);
            cleared += (last.samples.len() - heard) as u64;
            last.samples.truncate(heard);
            if heard > last.done {
                break;
            }
            self.waiting.pop_back();
        }
        self.unplayed -= cleared;
        self.counts.cleared += cleared;
        // What comes next is a new speech, and nothing ran dry before it.
        self.end = None;
        let marks = self.marks.drain(..).map(|(_, name)| name).collect();
        (cleared, marks)
    }

    /// Gives up what waits, sound and marks: there is nobody any more to hear it.
    pub(crate) fn hang_up(&mut self) {
        self.waiting.clear();
        self.marks.clear();
        (self.unplayed, self.end) = (0, None);
    }

    /// Plays the next `samples`; what was heard, and the marks that are due.
    pub(crate) fn play(&mut self, samples: usize) -> (Vec<f32>, Vec<String>) {
        let (from, to) = (self.played, self.played + samples as u64);
        let mut heard = vec![0.0; samples];
        while let Some(laid) = self.waiting.front_mut() {
            let start = laid.start + laid.done as u64;
            if start >= to {
                break;
            }
            let into = (start.max(from) - from) as usize;
            let count = (laid.samples.len() - laid.done).min(samples - into);
            heard[into..into + count].copy_from_slice(&laid.samples[laid.done..laid.done + count]);
            laid.done += count;
            self.unplayed -= count as u64;
            if laid.done < laid.samples.len() {
                break;
            }
            self.waiting.pop_front();
        }
        self.played = to;
        let mut due = Vec::new();
        while let Some((_, name)) = self.marks.pop_front_if(|(at, _)| *at <= to) {
            due.push(name);
        }
        (heard, due)
    }

    pub(crate) fn facts(&self) -> PlayoutFacts {
        PlayoutFacts {
            cleared: self.length_of(self.counts.cleared),
            underruns: self.counts.underruns,
            dry: self.length_of(self.counts.dry),
            most_waiting: self.length_of(self.counts.most_waiting),
        }
    }

    /// How long so many samples last.
    pub(crate) fn length_of(&self, samples: u64) -> Duration {
        let ns = u128::from(samples) * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    fn per_s(&self) -> u64 {
        u64::from(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: u32 = 1_000;

    fn playout(jitter_ms: u64) -> Playout {
        Playout::new(RATE, jitter_ms, 0)
    }

    /// Where the first sound and the last one lie.
    fn sounding(heard: &[f32]) -> Option<(usize, usize)> {
        let first = heard.iter().position(|s| *s != 0.0)?;
        Some((first, heard.iter().rposition(|s| *s != 0.0)?))
    }

    #[test]
    fn a_burst_plays_in_time() {
        let mut playout = playout(0);
        playout.arrive(100, vec![1.0; 9_500]).expect("taken");
        let (heard, _) = playout.play(20_000);
        assert_eq!(sounding(&heard), Some((100, 9_599)));
        assert_eq!(playout.facts().underruns, 0);
    }

    #[test]
    fn packets_that_come_in_time_play_without_a_gap_and_late_ones_run_dry() {
        let mut playout = playout(0);
        for (at, length) in [(0, 20), (15, 20), (38, 20), (70, 20)] {
            playout.arrive(at, vec![1.0; length]).expect("taken");
        }
        let (heard, _) = playout.play(200);
        let silent: Vec<usize> = (0..90).filter(|at| heard[*at] == 0.0).collect();
        assert_eq!(silent, (60..70).collect::<Vec<_>>());
        let facts = playout.facts();
        assert_eq!((facts.underruns, facts.dry), (1, Duration::from_millis(10)));
    }

    #[test]
    fn a_jitter_buffer_holds_back_and_keeps_from_running_dry() {
        let mut playout = playout(40);
        for at in [0, 25, 45, 90] {
            playout.arrive(at, vec![1.0; 20]).expect("taken");
        }
        let (heard, _) = playout.play(200);
        assert_eq!(sounding(&heard), Some((40, 119)));
        assert!(heard[40..120].iter().all(|s| *s == 1.0));
        assert_eq!(playout.facts().underruns, 0);
    }

    #[test]
    fn a_speech_a_second_later_is_a_new_one() {
        let mut playout = playout(0);
        playout.arrive(0, vec![1.0; 20]).expect("taken");
        playout.arrive(1_020, vec![1.0; 20]).expect("taken");
        assert_eq!(playout.facts().underruns, 0);
    }

    #[test]
    fn a_mark_comes_back_when_what_was_sent_before_it_is_played() {
        let mut playout = playout(0);
        playout.arrive(0, vec![1.0; 30]).expect("taken");
        playout.mark(0, "one".into()).expect("taken");
        playout.arrive(0, vec![1.0; 30]).expect("taken");
        playout.mark(0, "two".into()).expect("taken");
        assert_eq!(playout.play(20).1, [""; 0]);
        assert_eq!(playout.play(20).1, ["one"]);
        assert_eq!(playout.play(20).1, ["two"]);
        playout.mark(60, "nothing sounds".into()).expect("taken");
        assert_eq!(playout.play(20).1, ["nothing sounds"]);
    }

    #[test]
    fn what_is_cleared_is_not_heard_and_its_marks_come_back_at_once() {
        let mut playout = playout(0);
        playout.arrive(0, vec![1.0; 1_000]).expect("taken");
        playout.mark(0, "end".into()).expect("taken");
        playout.play(100);
        assert_eq!(playout.clear(100), (900, vec!["end".to_owned()]));
        playout.arrive(150, vec![0.5; 50]).expect("taken");
        let (heard, _) = playout.play(200);
        assert_eq!(sounding(&heard), Some((50, 99)));
        let facts = playout.facts();
        assert_eq!(facts.cleared, Duration::from_millis(900));
        assert_eq!(facts.underruns, 0, "a new speech is no gap in the old one");
    }

    #[test]
    fn sound_is_heard_up_to_the_moment_at_which_it_is_cleared() {
        let mut playout = playout(30);
        playout.arrive(0, vec![1.0; 10]).expect("taken");
        playout.arrive(5, vec![1.0; 500]).expect("taken");
        playout.play(100);
        assert_eq!(playout.clear(113).0, 427);
        playout.arrive(115, vec![0.5; 10]).expect("taken");
        let (heard, _) = playout.play(100);
        assert_eq!(heard.iter().filter(|s| **s == 1.0).count(), 13);
        let next = heard.iter().position(|s| *s == 0.5);
        assert_eq!(next, Some(45), "the jitter buffer holds it back");
    }

    #[test]
    fn a_sample_at_a_time_takes_no_more_room_than_all_at_once() {
        let mut playout = playout(0);
        for _ in 0..5_000 {
            playout.arrive(0, vec![1.0]).expect("taken");
        }
        assert_eq!(playout.waiting.len(), 5);
        let (heard, _) = playout.play(6_000);
        assert_eq!(sounding(&heard), Some((0, 4_999)));
        assert_eq!(playout.facts().most_waiting, Duration::from_secs(5));
    }

    #[test]
    fn more_than_ten_minutes_of_sound_is_refused() {
        let mut playout = playout(0);
        let minutes = |count: usize| vec![0.1; count * 60_000];
        assert_eq!(playout.arrive(0, minutes(9)), Ok(()));
        assert_eq!(playout.arrive(0, minutes(2)), Err(TooMuch::Sound));
    }

    proptest! {
        /// Every sample that came is heard once, in order, no sooner than it came, however the time is cut up.
        #[test]
        fn what_came_is_heard_once_and_in_order(
            jitter in 0u64..80,
            packets in prop::collection::vec((0u64..120, 1usize..200), 1..20),
            frames in prop::collection::vec(1usize..60, 1..40),
        ) {
            let mut playout = playout(jitter);
            let (mut at, mut number, mut arrivals) = (0, 0.0f32, Vec::new());
            let mut heard = Vec::new();
            let mut frames = frames.into_iter().cycle();
            for (later, length) in packets {
                at += later;
                while (heard.len() as u64) < at {
                    let next = frames.next().expect("a cycle").min((at - heard.len() as u64) as usize);
                    heard.extend(playout.play(next).0);
                }
                let samples: Vec<f32> = (0..length).map(|_| { number += 1.0; number }).collect();
                arrivals.extend(samples.iter().map(|_| at));
                playout.arrive(at, samples).expect("taken");
            }
            let rest = playout.unplayed as usize + jitter as usize;
            heard.extend(playout.play(rest).0);
            let sounds: Vec<(usize, f32)> = heard.iter().copied().enumerate().filter(|(_, s)| *s != 0.0).collect();
            prop_assert_eq!(sounds.len(), arrivals.len());
            for (index, (position, sample)) in sounds.iter().enumerate() {
                prop_assert_eq!(*sample, index as f32 + 1.0);
                prop_assert!(*position as u64 >= arrivals[index]);
            }
            prop_assert!(sounds[0].0 as u64 == arrivals[0] + jitter);
            prop_assert_eq!(playout.unplayed, 0);
        }
    }
}
