//! Speech to text by Whisper (whisper.cpp through whisper-rs).
//!
//! A batch engine: it transcribes all that was heard as one segment, at a pause and at the end. The
//! settings are those that were measured best for utterances of a few seconds on a processor: an
//! audio context cut to the utterance (but not under 512, where the model begins to loop), greedy
//! decoding, no fallback to higher temperatures, timestamps on because they keep it from looping.

use super::needs::WHISPER_MODEL;
use super::{Built, EngineError, worker};
use crate::audio::SAMPLE_RATE;
use crate::clock::{Clock, Worker};
use crate::models;
use crate::stage::{
    AudioFeed, Outlet, SpeechToText, Stage, StageError, Transcript, Understood, Utterance, Work,
    transcribe_in_batches, without_sounds,
};
use std::sync::Arc;
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
};

/// Frames of the encoder per second of audio, as Whisper has them.
const CONTEXT_PER_SECOND: f32 = 50.0;
const CONTEXT_MIN: i32 = 512;
const CONTEXT_MAX: i32 = 1_500;

/// whisper.cpp refuses less than a second of audio; shorter utterances are padded with silence.
const SAMPLES_MIN: usize = SAMPLE_RATE as usize * 11 / 10;

/// More tokens a second than anybody speaks: where a loop is cut.
const TOKENS_PER_SECOND: f32 = 10.0;

/// Two threads are worth it when a core is free, also in a pause, whose silence does not hide all of the work
/// on every machine; more are not for utterances this short. They wait for each other by spinning, so on
/// fewer free cores two take many times as long as one: the clock grants no more than there are.
const THREADS_MAX: u32 = 2;

/// Utterances under this length are believed only if the model is sure of its words: breaths, clicks and hums come out
/// as "Ah!" or "F-" with a probability of .06 to .16, single words that people say with .2 to .9. Of 45 words that were cut
/// out of the middle of people's sentences and still understood, 5 are less sure than this.
const SHORT_SECONDS: f32 = 1.5;
const SURE: f32 = 0.2;

struct Whisper {
    worker: Worker<Recogniser>,
}

pub(super) fn build(
    model: Option<&str>,
    language: Option<&str>,
    clock: &Clock,
) -> Result<Built<SpeechToText>, EngineError> {
    let name = model.unwrap_or(WHISPER_MODEL);
    let path = models::locate(name).map_err(|e| EngineError::Unavailable(e.to_string()))?;
    let mut recogniser = Recogniser::load(&path, language.unwrap_or(ENGLISH))?;
    recogniser
        .transcribe(&[0.0; SAMPLES_MIN], 1)
        .map_err(|e| EngineError::Unavailable(e.to_string()))?;
    let worker = worker(clock, "whisper", recogniser)?;
    let spoken = language.map(|code| format!(", language {code}"));
    let described = format!("whisper.cpp, model {name}{}", spoken.unwrap_or_default());
    Ok(Built::new(Box::new(Whisper { worker }), described))
}

impl Stage for Whisper {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let worker = &self.worker;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async move |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                let job = move |recogniser: &mut Recogniser, threads| {
                    recogniser.transcribe(&heard.samples, threads)
                };
                out.compute(worker, THREADS_MAX, job).await?
            },
        ))
    }
}

/// A loaded model with its reused state.
struct Recogniser {
    state: WhisperState,
    /// Tokens from this one on are marks of time and the like.
    text_end: i32,
    /// The language that is spoken, as ISO 639-1 has it.
    language: String,
}

/// The language unless another one is given.
const ENGLISH: &str = "en";

impl Recogniser {
    fn load(path: &std::path::Path, language: &str) -> Result<Recogniser, EngineError> {
        if whisper_rs::get_lang_id(language).is_none() {
            return Err(EngineError::Input(format!(
                "stt.language: Whisper knows no language {language:?}; give a code such as \"de\""
            )));
        }
        // Without a log backend this silences whisper.cpp, which writes pages to stderr otherwise.
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false).flash_attn(false);
        let unusable = |error: whisper_rs::WhisperError| {
            EngineError::Unavailable(format!(
                "{} is not a Whisper model that whisper.cpp can read ({error}); check it with `voicesim models verify`, or get it again with `voicesim models install {WHISPER_MODEL}`",
                path.display()
            ))
        };
        let context = WhisperContext::new_with_params(path, parameters).map_err(unusable)?;
        if language != ENGLISH && !context.is_multilingual() {
            return Err(EngineError::Input(format!(
                "stt.language: the model at {} knows English alone; for {language:?} give one of many languages, such as model = \"whisper-base\" (voicesim models install whisper-base)",
                path.display()
            )));
        }
        let text_end = context.token_eot();
        let state = context.create_state().map_err(unusable)?;
        let language = language.to_owned();
        Ok(Recogniser {
            state,
            text_end,
            language,
        })
    }

    /// The words in 16 kHz mono audio; empty if there are none to be sure of.
    fn transcribe(&mut self, samples: &[f32], threads: u32) -> Result<Understood, StageError> {
        let seconds = samples.len() as f32 / SAMPLE_RATE as f32;
        let mut padded;
        let samples = if samples.len() < SAMPLES_MIN {
            padded = samples.to_vec();
            padded.resize(SAMPLES_MIN, 0.0);
            &padded
        } else {
            samples
        };
        self.state
            .full(parameters(&self.language, seconds, threads), samples)
            .map_err(|error| StageError::Failed(format!("whisper: {error}")))?;
        let (mut text, mut probability, mut tokens) = (String::new(), 0.0, 0);
        for segment in self.state.as_iter() {
            text.push_str(&segment.to_str_lossy().unwrap_or_default());
            for index in 0..segment.n_tokens() {
                // Marks of time and punctuation are improbable behind every word, and say nothing about it.
                if let Some(token) = segment.get_token(index)
                    && token.token_id() < self.text_end
                    && token
                        .to_str_lossy()
                        .is_ok_and(|text| text.contains(char::is_alphanumeric))
                {
                    probability += token.token_probability();
                    tokens += 1;
                }
            }
        }
        let (text, is_loop) = words_only(&text);
        let is_doubtful = seconds < SHORT_SECONDS && probability < SURE * tokens as f32;
        let text = if is_doubtful { String::new() } else { text };
        // The model finds its loops probable.
        let sureness = if is_loop {
            0.0
        } else {
            probability / tokens as f32
        };
        Ok(Understood {
            text: text.into(),
            sureness: (tokens > 0).then_some(sureness),
        })
    }
}

fn parameters(language: &str, seconds: f32, threads: u32) -> FullParams<'_, '_> {
    let context = (CONTEXT_PER_SECOND * seconds).ceil() as i32 + 64;
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    parameters.set_n_threads(threads as i32);
    parameters.set_audio_ctx(context.clamp(CONTEXT_MIN, CONTEXT_MAX));
    parameters.set_max_tokens((TOKENS_PER_SECOND * seconds).ceil() as i32 + 16);
    parameters.set_language(Some(language));
    parameters.set_temperature_inc(0.0);
    parameters.set_single_segment(true);
    parameters.set_no_context(true);
    parameters.set_no_timestamps(false);
    parameters.set_suppress_blank(true);
    parameters.set_suppress_nst(true);
    parameters.set_print_special(false);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_timestamps(false);
    parameters
}

/// Text without what Whisper writes for sounds, and without its loops; and whether the model was caught in a loop that
/// nobody would say.
fn words_only(text: &str) -> (String, bool) {
    let words = without_sounds(text);
    let all: Vec<&str> = words.split_whitespace().collect();
    let spoken: Vec<&str> = all.iter().copied().filter(|w| !is_stutter(w)).collect();
    let kept = without_loops(&spoken);
    let is_loop = spoken.len() < all.len() || spoken.len() - kept.len() >= LOOPED_WORDS_MIN;
    let words = kept.join(" ");
    match words.chars().any(char::is_alphanumeric) {
        true => (words, is_loop),
        false => (String::new(), is_loop),
    }
}

/// Whether a "word" is a loop of the model inside one word: "Buh-Buh-Buh-Buh", "OOOOOOOO".
fn is_stutter(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let letters: Vec<char> = word.chars().collect();
    let says_again = parts
        .windows(REPEATS_MAX)
        .any(|run| run.iter().all(|part| *part == run[0]));
    let draws_out = letters.windows(REPEATS_MAX + 1);
    says_again
        || draws_out
            .into_iter()
            .any(|run| run.iter().all(|c| c.is_alphabetic() && *c == run[0]))
}

/// A phrase of up to this many words that is said again and again is a loop of the model.
const LOOP_WORDS_MAX: usize = 4;
/// People say a phrase this often in a row, but not more often.
const REPEATS_MAX: usize = 3;
/// People do say "no, no, no, no, no"; from so many words taken out on, the rest is none of theirs either.
const LOOPED_WORDS_MIN: usize = 6;

/// Takes the repetitions of loops out: noise comes out as "and see you, and see you, and see you …".
fn without_loops<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let repeats = |length: usize| {
            let phrase = &rest[..length.min(rest.len())];
            rest.chunks(length)
                .take_while(|chunk| *chunk == phrase)
                .count()
        };
        let looping = (1..=LOOP_WORDS_MAX).find(|length| repeats(*length) > REPEATS_MAX);
        let (keep, skip) = looping.map_or((1, 1), |length| (length, length * repeats(length)));
        kept.extend(&rest[..keep]);
        rest = &rest[skip..];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_are_not_words() {
        for sound in [
            "[BLANK_AUDIO]",
            " (coughing)",
            "*sighs*",
            "♪ ♪",
            " ... ",
            "",
        ] {
            assert_eq!(words_only(sound), (String::new(), false));
        }
        assert_eq!(words_only(" Wait, [noise] stop.").0, "Wait, stop.");
        assert_eq!(words_only("about (ten dollars").0, "about ten dollars");
    }

    #[test]
    fn loops_of_the_model_are_said_once() {
        let check = |text: &str, expected: &str| assert_eq!(words_only(text).0, expected);
        check(
            "Thanks, and see you and see you and see you and see you and",
            "Thanks, and see you and",
        );
        check(&"you ".repeat(40), "you");
        check("Buh-Buh-Buh-Buh-B", "");
        check("OOOOOOOO yes", "yes");
        check("a mother-in-law", "a mother-in-law");
        check("No, no, no.", "No, no, no.");
        check("that that that is", "that that that is");
        let is_loop = |text: &str| words_only(text).1;
        assert!(is_loop(&"you ".repeat(40)) && is_loop("Buh-Buh-Buh-Buh-B"));
        assert!(!is_loop("No, no, no, no, no.") && !is_loop("No. No. No. No."));
    }
}
