//! A simulated caller: speaks for so long, pauses for so long, and tells the pipeline what an ear
//! would have noticed of it. No sound is made or heard, so time passes from one event to the next.

use crate::audio;
use crate::clock::Clock;
use crate::ear::UtteranceOver;
use crate::ear::simulated::{Noticed, noticed};
use crate::event::{Mark, Tick, TurnId};
use crate::pipeline::AgentState;
use crate::pipeline::cue::{Cue, Cues, Next};
use crate::record::tap::Tap;
use crate::stage::{AudioChunk, SpeechActivity, SureVoice};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The pitch of a simulated caller in a recording, in Hz.
const PITCH_HZ: f64 = 150.0;

/// Something the caller says.
#[derive(Debug, Clone)]
pub struct Speech {
    /// When the caller speaks, counted from the beginning, in order; there are pauses in between.
    pub stretches: Vec<Range<Duration>>,
    /// What is said; may be empty.
    pub words: String,
    pub cue: Cue,
    /// How late the voice detector lets go after each stretch.
    pub ear_lag: Duration,
}

/// A caller who says `lines`, in order.
pub struct Caller {
    pub clock: Clock,
    pub tap: Tap,
    pub lines: Vec<Speech>,
    pub agent: watch::Receiver<AgentState>,
    /// Tells that an utterance was committed, as the ear is told.
    pub over: UtteranceOver,
    /// Where the ear reports to. Dropping it ends the call.
    pub activity: mpsc::Sender<SpeechActivity>,
    /// An utterance has begun; false at first.
    pub is_going: bool,
}

/// The session is over: nobody listens any more.
struct Ended;

/// Something that happens while a line is spoken.
enum Moment {
    Truth(Mark),
    Noticed(Noticed),
}

impl Caller {
    /// Speaks until all lines are through and the conversation has come to rest.
    pub async fn speak(mut self) {
        let mut cues = Cues::new(self.lines.iter().map(|line| line.cue).collect());
        loop {
            let agent = *self.agent.borrow_and_update();
            match cues.look(&agent, self.clock.now(), &self.tap) {
                Next::Speak(line) => match self.say(line).await {
                    Ok(end) => cues.spoken(end),
                    Err(Ended) => return,
                },
                Next::Wait(until) => tokio::select! {
                    biased;
                    changed = self.agent.changed() => if changed.is_err() {
                        return;
                    },
                    () = self.clock.sleep_until(until) => {}
                },
                Next::HangUp => return,
            }
        }
    }

    /// Says a line; when it ended.
    async fn say(&mut self, line: usize) -> Result<Tick, Ended> {
        let start = self.clock.now();
        let line = self.lines[line].clone();
        let speech: Vec<Range<Tick>> = line
            .stretches
            .iter()
            .map(|stretch| start + stretch.start..start + stretch.end)
            .collect();
        self.record(&speech);
        let mut moments: Vec<(Tick, Moment)> = speech
            .iter()
            .flat_map(|Range { start, end }| {
                [
                    (*start, Mark::CallerSpeechStarted { at: *start }),
                    (*end, Mark::CallerSpeechEnded { at: *end }),
                ]
            })
            .map(|(at, mark)| (at, Moment::Truth(mark)))
            .collect();
        let noticed = noticed(&speech, line.ear_lag).into_iter();
        moments.extend(noticed.map(|(at, what)| (at, Moment::Noticed(what))));
        moments.sort_by_key(|(at, _)| *at);

        let mut words = Words::new(&line.words, &speech);
        // What the ear has taken in of the stretch it hears, if it hears one.
        let mut heard_until: Option<Tick> = None;
        // The beginning of that stretch.
        let mut since = start;
        for (at, moment) in moments {
            if let Some(before) = heard_until {
                let from = self.listen(before, at, &mut words).await?;
                since = if from == before { since } else { from };
                heard_until = Some(from);
            } else {
                self.clock.sleep_until(at).await;
            }
            match moment {
                Moment::Truth(mark) => self.tap.mark(TurnId(0), mark),
                Moment::Noticed(Noticed::Voice { onset }) => {
                    let is_new = self.over.take() || !self.is_going;
                    let audio = words.until(at, onset);
                    since = onset;
                    if is_new {
                        let sure = beyond_doubt(onset, None);
                        self.report(SpeechActivity::Started { onset, audio, sure })
                            .await?;
                    } else {
                        self.report(SpeechActivity::Resumed { at: onset }).await?;
                        let sure = beyond_doubt(onset, None);
                        self.report(SpeechActivity::Going { audio, sure }).await?;
                    }
                    (self.is_going, heard_until) = (true, Some(at));
                }
                Moment::Noticed(Noticed::Pause { last_voiced }) => {
                    if let Some(from) = heard_until.take() {
                        let audio = words.until(last_voiced, from.min(last_voiced));
                        let sure = beyond_doubt(since, Some(last_voiced));
                        self.report(SpeechActivity::Going { audio, sure }).await?;
                        self.report(SpeechActivity::Paused { last_voiced }).await?;
                    }
                }
            }
        }
        Ok(speech.last().map_or(start, |last| last.end))
    }

    /// Lets time pass to `until` while the ear hears a voice, since `from`. A voice that goes on
    /// over an endpoint (the utterance was too long) begins anew there; when that was.
    async fn listen(
        &mut self,
        mut from: Tick,
        until: Tick,
        words: &mut Words<'_>,
    ) -> Result<Tick, Ended> {
        loop {
            tokio::select! {
                biased;
                () = self.clock.sleep_until(until) => return Ok(from),
                () = self.over.told() => {
                    self.over.take();
                    from = self.clock.now();
                    let audio = words.until(from, from);
                    let sure = beyond_doubt(from, None);
                    self.report(SpeechActivity::Started { onset: from, audio, sure }).await?;
                }
            }
        }
    }

    async fn report(&self, activity: SpeechActivity) -> Result<(), Ended> {
        self.activity.send(activity).await.map_err(|_| Ended)
    }

    /// What simulated speech sounds like in a recording of the conversation.
    fn record(&self, speech: &[Range<Tick>]) {
        if self.tap.keeps_audio() {
            for Range { start, end } in speech {
                let hum = audio::hum(end.since(*start), PITCH_HZ);
                self.tap.caller_audio(*start, &hum);
            }
        }
    }
}

/// A simulated voice is no noise.
fn beyond_doubt(since: Tick, until: Option<Tick>) -> Option<SureVoice> {
    Some(SureVoice { since, until })
}

/// Hands out the words of a line as they are spoken, evenly over its stretches.
struct Words<'a> {
    words: Vec<&'a str>,
    speech: &'a [Range<Tick>],
    told: usize,
}

impl<'a> Words<'a> {
    fn new(words: &'a str, speech: &'a [Range<Tick>]) -> Words<'a> {
        Words {
            words: words.split_whitespace().collect(),
            speech,
            told: 0,
        }
    }

    /// The sound from `from` to `until`, with the words that have been spoken by then and were not
    /// told before.
    fn until(&mut self, until: Tick, from: Tick) -> AudioChunk {
        let spoken: Duration = self
            .speech
            .iter()
            .map(|stretch| until.min(stretch.end).since(stretch.start))
            .sum();
        let whole: Duration = self.speech.iter().map(|s| s.end.since(s.start)).sum();
        let share = spoken.as_secs_f64() / whole.as_secs_f64().max(1e-9);
        let count = (self.words.len() as f64 * share) as usize;
        let new = &self.words[self.told.min(count)..count];
        self.told = self.told.max(count);
        let text = match (new.join(" "), self.told > new.len()) {
            (text, true) if !text.is_empty() => format!(" {text}"),
            (text, _) => text,
        };
        AudioChunk {
            length: until.since(from),
            samples: None,
            text: Arc::from(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_as_they_are_spoken_and_none_twice() {
        let ms = Tick::from_ms;
        let speech = [ms(0)..ms(1_000), ms(2_000)..ms(3_000)];
        let mut words = Words::new("one two three four", &speech);
        assert_eq!(&*words.until(ms(48), ms(0)).text, "");
        assert_eq!(&*words.until(ms(1_080), ms(48)).text, "one two");
        assert_eq!(&*words.until(ms(2_032), ms(2_000)).text, "");
        let rest = words.until(ms(3_080), ms(2_032));
        assert_eq!(
            (&*rest.text, rest.length),
            (" three four", Duration::from_millis(1_048))
        );
    }
}
