//! What to do about a sound over the agent: rules, behind one small trait.

use super::features::{Values, features};
use super::heard::Heard;
use super::lexicon::{self, Class};
use super::model::{Classifier, Thresholds, Weights, WeightsError, reasons, shipped, sigmoid};
use crate::event::{InterruptionPolicy, Verdict};
use std::borrow::Cow;
use std::time::Duration;

/// The version of the rules by which interruptions are decided: 1 took a recogniser without words for evidence.
pub const RULES: u32 = 2;

/// A policy is usually asked this often while the caller makes sound over the agent.
pub const DECIDE_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    /// Probability of an interruption, in 0..1; `None` if the policy computes none.
    pub probability: Option<f64>,
    /// What spoke for the verdict, strongest first: at most three.
    pub reasons: Vec<String>,
}

/// Decides again and again while the caller makes sound over the agent.
pub trait Policy {
    fn name(&self) -> &'static str;
    fn decide(&mut self, heard: &Heard<'_>) -> Decision;

    /// When the policy is to be asked next, counted from the onset of the sound, if it was last asked at
    /// `since_onset`; `None` if it has made up its mind.
    fn next(&self, since_onset: Duration) -> Option<Duration> {
        let looks = since_onset.as_nanos() / DECIDE_EVERY.as_nanos() + 1;
        Some(DECIDE_EVERY * u32::try_from(looks).unwrap_or(u32::MAX))
    }

    /// Whether the policy makes use of words that are known while the caller still speaks.
    fn reads_words(&self) -> bool {
        true
    }
}

/// Makes a policy by its name; the classifier gets the weights that ship.
///
/// # Errors
/// If the weights in this program cannot be read.
pub fn policy(policy: InterruptionPolicy) -> Result<Box<dyn Policy>, WeightsError> {
    Ok(match policy {
        InterruptionPolicy::Classifier => Box::new(ClassifierRule::new(shipped()?)),
        InterruptionPolicy::Vad500Ms => Box::new(VadRule),
        InterruptionPolicy::MinWords => Box::new(WordsRule),
        InterruptionPolicy::Never => Box::new(Never),
        InterruptionPolicy::Always => Box::new(Always),
    })
}

/// Stop once the probability of an interruption reaches the threshold of its moment. Stop at once at words
/// that ask for silence, and at answers to the agent's question.
pub struct ClassifierRule<'a> {
    weights: &'a Weights,
    thresholds: Cow<'a, Thresholds>,
}

/// How far below the threshold to stop log-odds may be for the agent to be unsure whether to go on.
const UNSURE_MARGIN: f64 = 1.0;

impl<'a> ClassifierRule<'a> {
    /// The classifier with the thresholds of its weights.
    pub fn new(weights: &'a Weights) -> ClassifierRule<'a> {
        ClassifierRule {
            weights,
            thresholds: Cow::Borrowed(&weights.thresholds),
        }
    }

    /// The classifier with other thresholds.
    pub fn with(weights: &'a Weights, thresholds: Thresholds) -> ClassifierRule<'a> {
        ClassifierRule {
            weights,
            thresholds: Cow::Owned(thresholds),
        }
    }
}

impl Policy for ClassifierRule<'_> {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Classifier.name()
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let evidence = heard.evidence();
        let classifier = self.weights.classifier(evidence);
        let values = features(heard);
        let log_odds = classifier.log_odds(&values);
        let probability = Some(in_four_digits(sigmoid(log_odds)));
        if let Some(reason) = at_once(heard) {
            return Decision {
                verdict: Verdict::Stop,
                probability,
                reasons: vec![reason.to_owned()],
            };
        }
        let threshold = self
            .thresholds
            .log_odds(evidence, heard.since_onset.as_secs_f64());
        let verdict = verdict(log_odds, threshold);
        Decision {
            verdict,
            probability,
            reasons: spoke_for(verdict, classifier, &values),
        }
    }
}

/// Rounds a probability: more digits say nothing, and a record repeats them all.
fn in_four_digits(probability: f64) -> f64 {
    (probability * 1e4).round() / 1e4
}

/// What the threshold of the moment makes of these calibrated log-odds.
fn verdict(log_odds: f64, threshold: f64) -> Verdict {
    if log_odds >= threshold {
        Verdict::Stop
    } else if log_odds >= threshold - UNSURE_MARGIN {
        Verdict::Unsure
    } else {
        Verdict::KeepTalking
    }
}

fn spoke_for(verdict: Verdict, classifier: &Classifier, values: &Values) -> Vec<String> {
    let sign = match verdict {
        Verdict::KeepTalking => -1.0,
        Verdict::Unsure | Verdict::Stop => 1.0,
    };
    reasons(values, &classifier.contributions(values), sign)
}

/// Why to stop without asking a model, if there is a reason.
pub(super) fn at_once(heard: &Heard<'_>) -> Option<&'static str> {
    let all = heard.words.unwrap_or_default();
    let known = || {
        let known = all.iter().filter(|word| word.known_at <= heard.since_onset);
        known.map(|word| word.text.as_str())
    };
    if lexicon::asks_for_silence(known()) {
        return Some("the caller asks for silence");
    }
    let has_asked = heard.context.sentence_is_question && heard.context.sentence_done;
    let answers = |word| matches!(lexicon::class(word), Class::Agreement | Class::Negation);
    (has_asked && known().next().is_some_and(answers)).then_some("the caller answers the question")
}

/// Stop after half a second of voice: the minimum interruption duration that LiveKit Agents
/// defaults to. It stops for a long "mm-hmm" and lets a short "stop" pass.
struct VadRule;

const VOICED_MIN: Duration = Duration::from_millis(500);

impl Policy for VadRule {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Vad500Ms.name()
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let voiced = heard.voiced();
        Decision {
            reasons: vec![format!("voiced for {} ms", voiced.as_millis())],
            ..stop_if(voiced >= VOICED_MIN)
        }
    }
}

/// Stop at the second word, as frameworks do that count words. "Mm-hmm, yeah" stops it; without a
/// recogniser nothing does.
struct WordsRule;

const WORDS_MIN: usize = 2;

impl Policy for WordsRule {
    fn name(&self) -> &'static str {
        InterruptionPolicy::MinWords.name()
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let all = heard.words.unwrap_or_default().iter();
        let known = all
            .filter(|word| word.known_at <= heard.since_onset)
            .count();
        Decision {
            reasons: vec![format!("words known: {known}")],
            ..stop_if(known >= WORDS_MIN)
        }
    }
}

/// Talk to the end, whatever the caller does.
struct Never;

impl Policy for Never {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Never.name()
    }

    fn decide(&mut self, _: &Heard<'_>) -> Decision {
        stop_if(false)
    }
}

/// Stop for any sound.
struct Always;

impl Policy for Always {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Always.name()
    }

    fn decide(&mut self, _: &Heard<'_>) -> Decision {
        stop_if(true)
    }
}

fn stop_if(is_enough: bool) -> Decision {
    Decision {
        verdict: if is_enough {
            Verdict::Stop
        } else {
            Verdict::KeepTalking
        },
        probability: None,
        reasons: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::heard::{Context, Interval, Word};

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A sound over the agent, in milliseconds from its onset: stretches of voice, and words with
    /// the times at which they are known.
    #[derive(Clone, Copy)]
    struct Sound<'a> {
        voice: &'a [(u64, u64)],
        words: Option<&'a [(u64, &'a str)]>,
    }

    const MM_HMM: &[(u64, u64)] = &[(0, 230)];
    const YEAH: &[(u64, u64)] = &[(0, 350)];
    const COUGH: &[(u64, u64)] = &[(0, 208), (224, 432)];
    const BURST: &[(u64, u64)] = &[(0, 600)];
    const WAIT_STOP: &[(u64, u64)] = &[(0, 340), (480, 870)];
    const QUESTION: &[(u64, u64)] = &[(0, 860), (890, 1_400)];
    const SPEECH: &[(u64, u64)] = &[(0, 2_000)];

    /// When the policy stops within 3 s. A pause is known 32 ms after it began.
    fn stops_ms(name: InterruptionPolicy, sound: Sound<'_>, context: &Context) -> Option<u64> {
        let mut policy = policy(name).expect("a policy");
        let word = |(known_at, text): &(u64, &str)| Word {
            known_at: ms(*known_at),
            text: (*text).to_owned(),
        };
        let words: Option<Vec<Word>> = sound.words.map(|words| words.iter().map(word).collect());
        (1..=60).map(|step| step * 50).find(|now| {
            let begun = sound.voice.iter().filter(|(on, _)| on <= now);
            let run = |(on, off): &(u64, u64)| Interval {
                on: ms(*on),
                off: (off + 32 <= *now).then_some(ms(*off)),
            };
            let activity: Vec<Interval> = begun.map(run).collect();
            let heard = Heard {
                since_onset: ms(*now),
                activity: &activity,
                words: words.as_deref(),
                context,
            };
            policy.decide(&heard).verdict == Verdict::Stop
        })
    }

    /// Moments of an agent's answers.
    fn contexts() -> Vec<Context> {
        let mut contexts = Vec::new();
        for agent_elapsed_s in [0.7, 1.5, 4.0, 12.0] {
            for caller_gap_s in [1.2, 3.0, 10.0, 120.0] {
                for caller_talk60_s in [0.0, 3.0, 20.0] {
                    for sentence_done in [false, true] {
                        contexts.push(Context {
                            agent_elapsed_s,
                            agent_words: (agent_elapsed_s * 2.7) as u32,
                            sentence_elapsed_s: agent_elapsed_s.min(3.0),
                            sentence_done,
                            caller_gap_s,
                            caller_talk60_s,
                            agent_talk60_s: agent_elapsed_s + 5.0,
                            caller_sounds30: u32::from(caller_gap_s < 30.0),
                            caller_had_floor: agent_elapsed_s < 4.0,
                            agent_tail: "a gap between two speakers is about".to_owned(),
                            ..Context::default()
                        });
                    }
                }
            }
        }
        contexts
    }

    fn always_stops(sound: Sound<'_>) {
        for context in contexts() {
            let stops = stops_ms(InterruptionPolicy::Classifier, sound, &context);
            assert!(stops.is_some(), "goes on in {context:?}");
        }
    }

    fn never_stops(sound: Sound<'_>) {
        for context in contexts() {
            let stops = stops_ms(InterruptionPolicy::Classifier, sound, &context);
            assert_eq!(stops, None, "in {context:?}");
        }
    }

    #[test]
    fn back_channels_coughs_and_noise_never_stop_it() {
        for voice in [MM_HMM, YEAH, COUGH, BURST] {
            never_stops(Sound { voice, words: None });
            never_stops(Sound {
                voice,
                words: Some(&[]),
            });
        }
        for delay in [200, 300, 500, 700] {
            never_stops(Sound {
                voice: MM_HMM,
                words: Some(&[(230 + delay, "mm-hmm")]),
            });
            never_stops(Sound {
                voice: YEAH,
                words: Some(&[(350 + delay, "Yeah.")]),
            });
        }
    }

    #[test]
    fn somebody_who_goes_on_talking_always_stops_it() {
        for voice in [WAIT_STOP, QUESTION, SPEECH] {
            always_stops(Sound { voice, words: None });
        }
        // Also if the recogniser has not printed a word of it.
        let words = Some(&[] as &[_]);
        always_stops(Sound {
            voice: SPEECH,
            words,
        });
        for delay in [200, 300, 500, 700] {
            always_stops(Sound {
                voice: WAIT_STOP,
                words: Some(&[(340 + delay, "Wait,"), (870 + delay, "stop.")]),
            });
            always_stops(Sound {
                voice: QUESTION,
                words: Some(&[
                    (150 + delay, "What"),
                    (300 + delay, "about"),
                    (800 + delay, "graphics"),
                ]),
            });
        }
    }

    #[test]
    fn no_word_yet_is_no_evidence() {
        let activity = [Interval {
            on: Duration::ZERO,
            off: None,
        }];
        for context in &contexts() {
            for at_ms in [100, 400, 700, 1_000, 1_850, 3_000] {
                let probability = |words| {
                    let heard = Heard {
                        since_onset: ms(at_ms),
                        activity: &activity,
                        words,
                        context,
                    };
                    let mut policy = policy(InterruptionPolicy::Classifier).expect("a policy");
                    policy.decide(&heard).probability
                };
                assert_eq!(probability(None), probability(Some(&[])), "{context:?}");
            }
        }
    }

    #[test]
    fn an_answer_to_a_question_stops_it_at_once_and_the_reason_says_so() {
        let asked = Context {
            sentence_is_question: true,
            sentence_done: true,
            ..contexts()[0].clone()
        };
        let words = [Word {
            known_at: ms(300),
            text: "Okay.".to_owned(),
        }];
        let decide = |context| {
            let heard = Heard {
                since_onset: ms(300),
                activity: &[],
                words: Some(&words),
                context,
            };
            policy(InterruptionPolicy::Classifier)
                .expect("a policy")
                .decide(&heard)
        };
        let decision = decide(&asked);
        assert_eq!(decision.verdict, Verdict::Stop);
        assert_eq!(decision.reasons, ["the caller answers the question"]);
        assert_ne!(decide(&contexts()[0]).verdict, Verdict::Stop);
    }

    #[test]
    fn a_decision_has_a_probability_and_three_reasons() {
        let heard = Heard {
            since_onset: ms(300),
            activity: &[],
            words: None,
            context: &contexts()[5],
        };
        let decision = policy(InterruptionPolicy::Classifier)
            .expect("a policy")
            .decide(&heard);
        let probability = decision.probability.expect("a probability");
        assert!(0.0 < probability && probability < 1.0);
        assert_eq!(decision.reasons.len(), 3);
    }

    #[test]
    fn the_vad_rule_counts_voice_not_time() {
        let context = Context::default();
        let stops = |voice| {
            stops_ms(
                InterruptionPolicy::Vad500Ms,
                Sound { voice, words: None },
                &context,
            )
        };
        assert_eq!(stops(&[(0, 500)]), Some(500));
        assert_eq!(stops(&[(0, 300), (600, 749)]), None);
        assert_eq!(stops(&[(0, 300), (600, 900)]), Some(800));
    }

    #[test]
    fn the_rule_of_words_waits_for_the_second_one() {
        let context = Context::default();
        let stops = |words| {
            stops_ms(
                InterruptionPolicy::MinWords,
                Sound {
                    voice: SPEECH,
                    words,
                },
                &context,
            )
        };
        assert_eq!(stops(Some(&[(400, "yeah"), (800, "yeah")])), Some(800));
        assert_eq!(stops(Some(&[(400, "stop")])), None);
        assert_eq!(stops(None), None);
    }

    #[test]
    fn every_name_has_a_policy_of_that_name() {
        for name in InterruptionPolicy::ALL {
            assert_eq!(policy(name).expect("a policy").name(), name.name());
            assert_eq!(InterruptionPolicy::named(name.name()), Some(name));
            let json = serde_json::to_value(name).expect("JSON");
            assert_eq!(json, name.name(), "in files of curves");
        }
        assert_eq!(InterruptionPolicy::named("oracle"), None);
    }

    #[test]
    fn never_and_always_are_what_they_say() {
        let sound = Sound {
            voice: SPEECH,
            words: None,
        };
        assert_eq!(
            stops_ms(InterruptionPolicy::Never, sound, &Context::default()),
            None
        );
        assert_eq!(
            stops_ms(InterruptionPolicy::Always, sound, &Context::default()),
            Some(50)
        );
    }
}
