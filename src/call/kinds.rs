//! What an utterance asks of the agent: an answer, to stop, or to go on.
//!
//! A sound over the agent is put to the interruption policy that ships with the program, as if it sat in
//! the call: every 50 ms, with the voice and the words known by then.

use super::Words;
use super::floor::{AgentSpeech, CallerUtterance, FloorHistory};
use crate::event::{Expect, Verdict};
use crate::interrupt::heard::{Context, Heard, Interval, Word};
use crate::interrupt::lexicon;
use crate::interrupt::policy::{DECIDE_EVERY, Decision, Policy};
use crate::interrupt::transcript;
use std::ops::Range;
use std::time::Duration;

/// What an utterance is taken for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) asks: Expect,
    /// What the policy made of a sound over the agent, and how long after its onset; `None` for other utterances.
    pub(super) decision: Option<(Decision, Duration)>,
}

/// A recogniser prints a word this long after it was said.
const WORD_DELAY_MS: usize = 300;
/// The policy is asked this long after the sound is over.
const AFTERMATH_MS: usize = 600;
/// The policy is asked for this long at most.
const JUDGED_MS_MAX: usize = 10_000;
/// Words a second of an agent whose words are not known.
const WORDS_PER_S: f64 = 2.7;
/// The spans over which `Context` counts talk and sounds.
const MINUTE_MS: usize = 60_000;
const GAP_MAX_S: f64 = 120.0;
const TAIL_WORDS: usize = 8;

/// The floor, corrected by the words. A caller who asks for silence where the agent ends has interrupted it: what
/// the agent would have said next was never heard.
pub(super) fn with_words(floor: &FloorHistory, words: &Words) -> FloorHistory {
    let mut floor = floor.clone();
    for (utterance, said) in floor.utterances.iter_mut().zip(&words.caller) {
        if utterance.over.is_none() && lexicon::asks_for_silence(said.split_whitespace()) {
            utterance.over = utterance.at_end;
        }
    }
    floor
}

/// Judges every utterance.
pub(super) fn judge(
    floor: &FloorHistory,
    words: Option<&Words>,
    policy: &mut dyn Policy,
) -> Vec<Judged> {
    let all = floor.utterances.iter().enumerate();
    all.map(|(index, utterance)| {
        let said = words.map(|words| words.caller[index].as_str());
        match utterance.over {
            Some(speech) => over_agent(floor, utterance, (speech, words), said, policy),
            None => Judged {
                asks: alone(floor, index, said),
                decision: None,
            },
        }
    })
    .collect()
}

/// What an utterance asks for that was said while the agent was silent. Words that only agree need no answer, and
/// may get one; nobody answers what was not understood. An answer that came is measured whatever the words.
fn alone(floor: &FloorHistory, index: usize, said: Option<&str>) -> Expect {
    let utterance = &floor.utterances[index];
    if !utterance.is_voice() {
        return Expect::Ignore;
    }
    let needs_none = said.is_some_and(|said| {
        said.split_whitespace()
            .all(|word| !lexicon::class(word).is_content())
    });
    let end = utterance.range().end;
    let next = floor
        .utterances
        .get(index + 1)
        .map(|next| next.range().start);
    let is_answered = floor.speeches.iter().any(|speech| {
        let start = speech.range().start;
        start > utterance.range().start && next.is_none_or(|next| start < next.max(end))
    });
    match needs_none && !is_answered {
        true => Expect::Ignore,
        false => Expect::Respond,
    }
}

fn over_agent(
    floor: &FloorHistory,
    utterance: &CallerUtterance,
    (speech, words): (usize, Option<&Words>),
    said: Option<&str>,
    policy: &mut dyn Policy,
) -> Judged {
    let sure: Vec<Range<usize>> = utterance
        .stretches
        .iter()
        .flat_map(|s| s.sure.clone())
        .collect();
    let (Some(first), Some(last)) = (sure.first(), sure.last()) else {
        return Judged {
            asks: Expect::Ignore,
            decision: None,
        };
    };
    let onset = first.start;
    let of_agent = words.map(|words| words.agent[speech].as_str());
    let context = context(floor, onset, &floor.speeches[speech], of_agent);
    let known = said.map(|said| words_of(said, last.end - onset));
    let end = (last.end - onset + AFTERMATH_MS).min(JUDGED_MS_MAX);
    let mut latest = None;
    for step in 1..=end / DECIDE_EVERY.as_millis() as usize {
        let now = DECIDE_EVERY * step as u32;
        let activity = activity(&sure, onset, now);
        let printed = known.as_ref().map(|known| {
            let by_now = known.iter().take_while(|word| word.known_at <= now);
            by_now.cloned().collect::<Vec<Word>>()
        });
        let decision = policy.decide(&Heard {
            since_onset: now,
            activity: &activity,
            words: printed.as_deref(),
            context: &context,
        });
        let is_stop = decision.verdict == Verdict::Stop;
        latest = Some((decision, now));
        if is_stop {
            break;
        }
    }
    if let (Some([]), Some((decision, _))) = (known.as_deref(), &mut latest) {
        // The recogniser has heard all of it: it was a sound.
        decision.verdict = Verdict::KeepTalking;
        decision.reasons = vec!["no words in all of it".to_owned()];
    }
    let is_interruption = latest
        .as_ref()
        .is_some_and(|(d, _)| d.verdict == Verdict::Stop);
    Judged {
        asks: match is_interruption {
            true => Expect::Stop,
            false => Expect::Ignore,
        },
        decision: latest,
    }
}

pub(super) const fn ms(ms: usize) -> Duration {
    Duration::from_millis(ms as u64)
}

/// The voice that is heard by `now`, counted from `onset`.
fn activity(sure: &[Range<usize>], onset: usize, now: Duration) -> Vec<Interval> {
    let begun = sure
        .iter()
        .map(|run| (ms(run.start - onset), ms(run.end - onset)));
    begun
        .take_while(|(on, _)| *on < now)
        .map(|(on, off)| Interval {
            on,
            off: Some(off).filter(|off| *off <= now),
        })
        .collect()
}

/// Words, each with its share of the milliseconds in which they were said.
pub(super) fn words_of(said: &str, length: usize) -> Vec<Word> {
    let words = transcript::words(said, None);
    let count = words.len();
    let known_at = |index: usize| (index + 1) * length / count + WORD_DELAY_MS;
    let numbered = words.into_iter().enumerate();
    numbered
        .map(|(index, text)| Word {
            known_at: ms(known_at(index)),
            text: text.to_owned(),
        })
        .collect()
}

/// What an agent would know of its own speech and of the call when somebody speaks at `now`.
pub(super) fn context(
    floor: &FloorHistory,
    now: usize,
    speech: &AgentSpeech,
    said: Option<&str>,
) -> Context {
    let spoken = speech.range();
    let elapsed = now.saturating_sub(spoken.start);
    let of_caller = || floor.utterances.iter().flat_map(|u| &u.stretches);
    let of_agent = floor.speeches.iter().flat_map(|s| &s.stretches);
    let talk = |stretches: &mut dyn Iterator<Item = &super::segments::Stretch>| {
        let since = now.saturating_sub(MINUTE_MS);
        let within = stretches.map(|s| s.end.min(now).saturating_sub(s.start.max(since)));
        in_s(within.sum())
    };
    let last = of_caller()
        .map(|s| s.end)
        .take_while(|end| *end < now)
        .last();
    let recent = of_caller().filter(|s| s.start < now && now - s.start <= MINUTE_MS / 2);
    let sentences = Sentences::of(said.unwrap_or_default(), elapsed, spoken.len());
    Context {
        agent_elapsed_s: in_s(elapsed),
        agent_words: match said {
            Some(_) => sentences.words,
            None => (WORDS_PER_S * in_s(elapsed)) as u32,
        },
        agent_silence_s: 0.0,
        sentence_elapsed_s: in_s(sentences.elapsed),
        sentence_done: false,
        sentence_is_question: sentences.is_question,
        previous_was_question: sentences.previous_was_question,
        caller_gap_s: last.map_or(GAP_MAX_S, |end| in_s(now - end).min(GAP_MAX_S)),
        caller_talk60_s: talk(&mut of_caller()),
        agent_talk60_s: talk(&mut { of_agent }),
        caller_sounds30: u32::try_from(recent.count()).unwrap_or(u32::MAX),
        caller_had_floor: floor
            .utterances
            .iter()
            .any(|u| u.range().end <= spoken.start),
        agent_tail: sentences.tail,
    }
}

fn in_s(ms: usize) -> f64 {
    ms as f64 / 1e3
}

/// Where in its words an agent is, if it speaks them evenly.
struct Sentences {
    words: u32,
    /// Milliseconds into the sentence.
    elapsed: usize,
    is_question: bool,
    previous_was_question: bool,
    tail: String,
}

impl Sentences {
    fn of(said: &str, elapsed: usize, length: usize) -> Sentences {
        let words: Vec<&str> = said.split_whitespace().collect();
        let done = words.len() * elapsed.min(length) / length.max(1);
        let ends = |word: &&&str| word.ends_with(['.', '!', '?']);
        let asks = |word: &&str| word.ends_with('?');
        let before = words[..done].iter().rposition(|word| ends(&word));
        let first = before.map_or(0, |at| at + 1);
        let last = words[done.min(words.len())..].iter().find(ends);
        Sentences {
            words: u32::try_from(done).unwrap_or(u32::MAX),
            elapsed: elapsed.saturating_sub(first * length / words.len().max(1)),
            is_question: last.is_some_and(asks),
            previous_was_question: before.is_some_and(|at| asks(&words[at])),
            tail: words[done.saturating_sub(TAIL_WORDS)..done].join(" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::floor;
    use super::super::segments::Stretch;
    use super::*;
    use crate::event::InterruptionPolicy;
    use crate::interrupt::policy::policy;

    /// A question, its answer, and something that is said 2 s into the answer for `length_ms`.
    fn asks(length_ms: usize, said: &str) -> (Expect, Expect) {
        let caller = [
            Stretch::voice(0, 1_000),
            Stretch::voice(3_700, 3_700 + length_ms),
        ];
        let floor = floor::floor(&caller, &[Stretch::voice(1_700, 9_000)], 20_000);
        let words = Words {
            caller: vec!["Do you open on Sundays?".into(), said.into()],
            agent: vec![
                "We open at nine on weekdays and at ten on Sundays, and we close at six.".into(),
            ],
            sureness: [None; 2],
        };
        let mut policy = policy(InterruptionPolicy::Classifier).expect("it ships");
        let with = judge(&floor, Some(&words), policy.as_mut());
        let without = judge(&floor, None, policy.as_mut());
        assert_eq!(
            (with[0].asks, without[0].asks),
            (Expect::Respond, Expect::Respond)
        );
        (with[1].asks, without[1].asks)
    }

    #[test]
    fn a_back_channel_is_to_be_ignored_and_an_interruption_to_stop_for() {
        assert_eq!(asks(300, "Mm-hmm."), (Expect::Ignore, Expect::Ignore));
        assert_eq!(asks(700, "Wait, stop.").0, Expect::Stop);
        assert_eq!(
            asks(2_500, "No, I meant the shop in the other street."),
            (Expect::Stop, Expect::Stop)
        );
    }

    #[test]
    fn a_long_sound_without_a_word_in_it_is_no_interruption_if_somebody_listened() {
        assert_eq!(asks(2_500, "(laughs)"), (Expect::Ignore, Expect::Stop));
        assert_eq!(asks(2_500, ""), (Expect::Ignore, Expect::Stop));
    }

    #[test]
    fn what_nobody_understands_needs_no_answer_nor_does_a_yes_without_one() {
        let judged = |said: &str, agent: &[Stretch]| {
            let floor = floor::floor(&[Stretch::voice(0, 1_000)], agent, 20_000);
            let words = Words {
                caller: vec![said.into()],
                agent: vec![String::new(); floor.speeches.len()],
                sureness: [None; 2],
            };
            let mut policy = policy(InterruptionPolicy::Classifier).expect("it ships");
            judge(&floor, Some(&words), policy.as_mut())[0].asks
        };
        let answer = [Stretch::voice(1_700, 3_000)];
        assert_eq!(judged("", &answer), Expect::Respond);
        assert_eq!(judged("", &[]), Expect::Ignore);
        assert_eq!(judged("Okay, yeah.", &answer), Expect::Respond);
        assert_eq!(judged("Okay, yeah.", &[]), Expect::Ignore);
        assert_eq!(judged("Are you there?", &[]), Expect::Respond);
    }
}
