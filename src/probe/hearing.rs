//! What the caller makes of the agent while the call goes on: whether it speaks, and whether an answer is still to come.
//! Nothing measures by it: what is measured is heard on the recording, later.

use crate::audio::{FRAME, FRAME_SAMPLES, length_of, peak};
use crate::ear::VoiceDetector;
use crate::event::Tick;
use crate::pipeline::AgentState;
use std::collections::VecDeque;
use std::time::Duration;

/// A frame that is speech with this probability is voiced if it stands out: voices on a telephone line are seldom surer,
/// and so is steady noise.
const LIKELY: f32 = 0.5;
/// What stands out is this many times as loud as the quietest of the audible frames of late: 8 dB. A voice does so once
/// it has risen or fallen by that, steady noise never, also where it begins after silence.
const STANDS_OUT: f32 = 2.5;
/// The frames of late are those of a second and a half, in which voices pause.
const LATE_FRAMES: usize = 94;
/// Voiced frames that make speech.
const SPEECH_FRAMES: u32 = 3;
/// An agent that has been silent for so long has ended its speech: voices pause that long between sentences.
const PAUSE: Duration = Duration::from_millis(700);
/// A speech that begins so little before the caller has ended is an answer all the same.
const EARLY: Duration = Duration::from_millis(300);
/// What is softer than this is no speech: -56 dB of full scale.
const INAUDIBLE: f32 = 0.0016;

/// Hears the agent as it is played.
pub(crate) struct Hearing {
    detector: VoiceDetector,
    waiting: Vec<f32>,
    /// Samples heard so far, in whole frames.
    heard: usize,
    /// How loud the audible frames of late were.
    late: VecDeque<f32>,
    voiced_in_a_row: u32,
    last_voiced: Option<Tick>,
    state: AgentState,
    /// When the caller's latest question ended, and until when an answer to it is waited for.
    awaits: Option<Awaits>,
}

#[derive(Clone, Copy)]
struct Awaits {
    asked: Tick,
    until: Tick,
}

impl Hearing {
    pub(crate) fn new() -> Hearing {
        Hearing {
            detector: VoiceDetector::new(LIKELY),
            waiting: Vec::new(),
            heard: 0,
            late: VecDeque::with_capacity(LATE_FRAMES),
            voiced_in_a_row: 0,
            last_voiced: None,
            state: AgentState {
                is_idle: true,
                ..AgentState::default()
            },
            awaits: None,
        }
    }

    /// The caller asks something that ends at `asked`, and waits for an answer until `until`.
    pub(crate) fn awaits_answer(&mut self, asked: Tick, until: Tick) {
        self.awaits = Some(Awaits { asked, until });
    }

    /// The connection is over, or is a new one, at `now`: nobody speaks, and no answer is on its way.
    pub(crate) fn cut_off(&mut self, now: Tick) {
        if self.state.is_speaking {
            self.state.speech_ended = self.last_voiced;
        }
        self.awaits = None;
        self.voiced_in_a_row = 0;
        self.state.is_speaking = false;
        self.state.is_idle = true;
        self.state.changed = now;
    }

    /// Hears what was played next, at 16 kHz.
    pub(crate) fn hear(&mut self, samples: &[f32]) {
        self.waiting.extend_from_slice(samples);
        while self.waiting.len() >= FRAME_SAMPLES {
            let rest = self.waiting.split_off(FRAME_SAMPLES);
            let frame = std::mem::replace(&mut self.waiting, rest);
            let start = Tick::ZERO + length_of(self.heard);
            self.heard += FRAME_SAMPLES;
            self.frame(&frame, start);
        }
    }

    fn frame(&mut self, frame: &[f32], start: Tick) {
        let (probability, level) = (self.detector.probability(frame), peak(frame));
        let is_audible = level > INAUDIBLE;
        if self.late.len() == LATE_FRAMES {
            self.late.pop_front();
        }
        self.late.push_back(match is_audible {
            true => level,
            false => f32::INFINITY,
        });
        let quietest = self.late.iter().copied().fold(f32::INFINITY, f32::min);
        let stands_out = level >= STANDS_OUT * quietest;
        let is_voiced = is_audible && probability >= LIKELY && stands_out;
        self.voiced_in_a_row = match is_voiced {
            true => self.voiced_in_a_row + 1,
            false => 0,
        };
        if is_voiced {
            self.last_voiced = Some(start + FRAME);
        }
        if self.voiced_in_a_row >= SPEECH_FRAMES && !self.state.is_speaking {
            let began = start.before(FRAME * (SPEECH_FRAMES - 1));
            self.state.is_speaking = true;
            self.state.speech_started = Some(began);
            self.state.changed = start;
        }
    }

    /// What the agent does, at `now`.
    pub(crate) fn agent(&mut self, now: Tick) -> AgentState {
        if let (true, Some(last)) = (self.state.is_speaking, self.last_voiced)
            && now.since(last) >= PAUSE
        {
            self.state.is_speaking = false;
            self.state.speech_ended = Some(last);
            self.state.changed = now;
        }
        let is_over = self.awaits.is_some_and(|awaits| {
            let began = self.state.speech_started;
            let is_answered = began.is_some_and(|began| began >= awaits.asked.before(EARLY));
            !self.state.is_speaking && (is_answered || now >= awaits.until)
        });
        if is_over {
            self.awaits = None;
        }
        let is_idle = !self.state.is_speaking && self.awaits.is_none();
        if is_idle != self.state.is_idle {
            self.state.is_idle = is_idle;
            self.state.changed = now;
        }
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::resample::resample;
    use crate::audio::{SAMPLE_RATE, decode, first_audible, mu_law};
    use crate::rng::Seed;
    use std::path::Path;

    fn voice() -> Vec<f32> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/fixtures");
        decode::read(&folder.join("piper-reply.wav")).expect("a fixture")
    }

    #[test]
    fn an_agent_that_speaks_and_ends_is_heard_to() {
        let mut hearing = Hearing::new();
        hearing.awaits_answer(Tick::from_ms(1_000), Tick::from_ms(11_000));
        hearing.hear(&[0.0; 24_000]);
        let before = hearing.agent(Tick::from_ms(1_500));
        assert!(!before.is_speaking && !before.is_idle);
        let voice = voice();
        let mut frames = voice.chunks(320);
        hearing.hear(
            &frames
                .by_ref()
                .take(50)
                .flatten()
                .copied()
                .collect::<Vec<_>>(),
        );
        let speaking = hearing.agent(Tick::from_ms(2_500));
        assert!(speaking.is_speaking && !speaking.is_idle);
        let began = speaking.speech_started.expect("begun");
        assert!(
            (1_500..1_800).contains(&(began.as_ms() as u64)),
            "{began:?}"
        );
        hearing.hear(&frames.flatten().copied().collect::<Vec<_>>());
        hearing.hear(&[0.0; 32_000]);
        let end = 1_500 + voice.len() as u64 / 16;
        let after = hearing.agent(Tick::from_ms(end + 2_000));
        assert!(!after.is_speaking && after.is_idle);
        assert!(after.speech_ended.expect("ended") <= Tick::from_ms(end + 200));
    }

    #[test]
    fn nobody_speaks_on_a_connection_that_is_over() {
        let mut hearing = Hearing::new();
        hearing.awaits_answer(Tick::ZERO, Tick::from_ms(10_000));
        hearing.hear(&voice()[..16_000]);
        assert!(hearing.agent(Tick::from_ms(1_000)).is_speaking);
        hearing.cut_off(Tick::from_ms(1_200));
        let agent = hearing.agent(Tick::from_ms(1_220));
        assert!(!agent.is_speaking && agent.is_idle);
        assert_eq!(agent.changed, Tick::from_ms(1_200));
        assert!(agent.speech_ended <= Some(Tick::from_ms(1_000)));
    }

    #[test]
    fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
        let mut hearing = Hearing::new();
        hearing.awaits_answer(Tick::from_ms(1_000), Tick::from_ms(6_000));
        assert!(!hearing.agent(Tick::from_ms(5_990)).is_idle);
        assert!(hearing.agent(Tick::from_ms(6_000)).is_idle);
    }

    /// How long after the first sound of a recording an agent is heard to speak that begins so many milliseconds after
    /// a frame.
    fn heard_after_ms(recording: &str, rate: u32, phase: usize) -> u64 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/fixtures");
        let sound = decode::read(&folder.join(recording)).expect("a fixture");
        let first = first_audible(&sound, 0.01 * peak(&sound)).expect("sound");
        let mut heard = vec![0.0; 16 * phase];
        heard.extend(&sound[first..]);
        if rate != SAMPLE_RATE {
            let line = resample(&heard, SAMPLE_RATE, rate).expect("a rate");
            let line: Vec<f32> = line
                .iter()
                .map(|sample| mu_law::decode(mu_law::encode(*sample)))
                .collect();
            heard = resample(&line, rate, SAMPLE_RATE)
                .expect("a rate")
                .into_owned();
        }
        let mut hearing = Hearing::new();
        let frames = heard.chunks_exact(FRAME_SAMPLES);
        let mut until = 0;
        for frame in frames {
            hearing.hear(frame);
            until += 16;
            if hearing.state.is_speaking {
                break;
            }
        }
        assert!(hearing.state.is_speaking, "{recording} at {rate}");
        until - phase as u64
    }

    /// With the threshold of a sure voice a telephone's was heard after 650 ms at the median, or after 1.3 s.
    #[test]
    fn an_agent_is_heard_to_speak_soon_on_a_telephone_line_too() {
        for (rate, phase) in [(SAMPLE_RATE, 3), (8_000, 3), (8_000, 13)] {
            let mut late = Vec::new();
            for voice in ["piper", "en-gb", "en-us", "en-gb-scotland"] {
                for words in ["reply", "average", "finished", "graphics", "pause"] {
                    late.push(heard_after_ms(&format!("{voice}-{words}.wav"), rate, phase));
                }
            }
            late.sort_unstable();
            assert!(late[10] <= 150 && late[19] <= 450, "at {rate}: {late:?}");
        }
    }

    /// Ten seconds of a line's noise at a level in dB of full scale: white, or pink by a filter of one pole.
    fn line_noise(level_db: f64, is_pink: bool) -> Vec<f32> {
        let mut luck = Seed(1).stream("line", 0, 0, "noise");
        let level = libm::exp10(level_db / 20.0);
        let mut low = 0.0;
        let line: Vec<f32> = (0..8_000 * 10)
            .map(|_| {
                let white = luck.normal();
                low = 0.95 * low + 0.312 * white;
                level * if is_pink { low } else { white }
            })
            .map(|sample| mu_law::decode(mu_law::encode(sample as f32)))
            .collect();
        resample(&line, 8_000, SAMPLE_RATE)
            .expect("a rate")
            .into_owned()
    }

    #[test]
    fn the_noise_of_a_line_is_no_agent_that_speaks() {
        for level_db in [-60.0, -55.0, -50.0, -45.0, -40.0, -38.0, -35.0, -30.0] {
            for is_pink in [false, true] {
                let noise = line_noise(level_db, is_pink);
                let mut hearing = Hearing::new();
                hearing.hear(&noise);
                let told = format!("{level_db} dB, pink: {is_pink}");
                assert_eq!(hearing.state.speech_started, None, "{told}");
                // It may begin after silence, too.
                let mut hearing = Hearing::new();
                hearing.hear(&[0.0; 32_000]);
                hearing.hear(&noise);
                assert_eq!(hearing.state.speech_started, None, "{told}");
            }
        }
    }
}
