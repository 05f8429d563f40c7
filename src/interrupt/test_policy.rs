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
