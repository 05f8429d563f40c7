//! A voice by espeak-ng alone: robotic, small, and packaged for Debian. One child process a clause, first audio
//! after some 12 ms.

use std::io::{Cursor, Read, Write};
use std::process::ChildStdout;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::trim::trim_silence;
use super::{OwnedChild, Voice, VoiceError, espeak_command, spoken_line};
use crate::audio::SAMPLE_RATE;
use crate::audio::resample::to_pipeline_rate;

/// How long one clause may take; usual is 15 ms, and 0.3 s for the longest text taken.
const CLAUSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most audio taken from one clause, in bytes: ten minutes at 22,050 Hz, far more than 2,000 characters give.
const WAV_BYTES_MAX: u64 = 10 * 60 * 22_050 * 2;

/// A voice of espeak-ng.
pub struct EspeakVoice {
    voice: String,
}

impl EspeakVoice {
    /// The espeak-ng voice of this name: `en-us`, `en-gb`, `en-gb-scotland`, … Runs espeak-ng once, to know now.
    ///
    /// # Errors
    /// [`VoiceError::EspeakMissing`] without the program, [`VoiceError::EspeakVoiceRefused`] if it has no such voice.
    pub fn new(voice: &str) -> Result<Self, VoiceError> {
        let espeak = Self {
            voice: voice.to_owned(),
        };
        match espeak.synthesize("a") {
            Ok(_) => Ok(espeak),
            Err(VoiceError::EspeakFailed { .. }) => Err(VoiceError::EspeakVoiceRefused {
                voice: voice.to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Speaks espeak-ng's own phoneme mnemonics, `m'hm` for a hummed "mm-hmm"; trimmed like a clause without
    /// punctuation.
    ///
    /// # Errors
    /// As [`Voice::speak`].
    pub fn speak_phonemes(&mut self, mnemonics: &str) -> Result<Vec<f32>, VoiceError> {
        let samples = self.synthesize(&format!("[[{}]]", spoken_line(mnemonics)))?;
        Ok(trim_silence(&samples, ""))
    }

    /// Untrimmed 16 kHz mono samples of one line.
    fn synthesize(&self, line: &str) -> Result<Vec<f32>, VoiceError> {
        let mut command = espeak_command(&self.voice)?;
        let mut child = OwnedChild::spawn(command.args(["--stdin", "--stdout"]))?;
        let (Some(mut text), Some(output)) = (child.0.stdin.take(), child.0.stdout.take()) else {
            return Err(failed("it has no pipes"));
        };
        // A line is at most 8 kB and a pipe holds 64, so this cannot block. A child that refuses its voice closes the
        // pipe unread; its exit status says more than that, so it is left to speak.
        let written = text.write_all(line.as_bytes());
        drop(text);
        let wav = read_within(output, CLAUSE_TIMEOUT)?;
        let status = child
            .0
            .wait()
            .map_err(|error| failed(&format!("it cannot be waited for: {error}")))?;
        if !status.success() {
            return Err(failed(&format!("it ended with {status}")));
        }
        written.map_err(|error| failed(&format!("it took no text: {error}")))?;
        let (samples, sample_rate) = wav_samples(&wav)?;
        match to_pipeline_rate(&samples, sample_rate) {
            Ok(resampled) => Ok(resampled.into_owned()),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

impl Voice for EspeakVoice {
    fn speak(&mut self, text: &str) -> Result<Vec<f32>, VoiceError> {
        let line = spoken_line(text);
        if line.is_empty() {
            return Ok(Vec::new());
        }
        Ok(trim_silence(&self.synthesize(&line)?, &line))
    }
}

fn failed(reason: &str) -> VoiceError {
    VoiceError::EspeakFailed {
        reason: reason.to_owned(),
    }
}

/// Everything the child writes until it closes its output, within the time and the size allowed. The reading thread
/// ends by itself when the caller, having given up, kills the child.
fn read_within(output: ChildStdout, timeout: Duration) -> Result<Vec<u8>, VoiceError> {
    let (sender, audio) = sync_channel(1);
    thread::Builder::new()
        .name("espeak-ng-reader".to_owned())
        .spawn(move || {
            let mut bytes = Vec::new();
            let read = output.take(WAV_BYTES_MAX + 1).read_to_end(&mut bytes);
            // A caller that has given up has dropped its end.
            let _ = sender.send(read.map(|_| bytes));
        })
        .map_err(|error| failed(&format!("no thread for its output: {error}")))?;
    match audio.recv_timeout(timeout) {
        Ok(Ok(bytes)) if bytes.len() as u64 > WAV_BYTES_MAX => {
            Err(failed("it gave more than ten minutes of audio"))
        }
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(failed(&format!("its audio cannot be read: {error}"))),
        Err(RecvTimeoutError::Timeout) => Err(VoiceError::EspeakTimedOut {
            timeout_ms: timeout.as_millis(),
        }),
        Err(RecvTimeoutError::Disconnected) => Err(failed("its audio was lost")),
    }
}

/// Samples and sample rate of a streamed WAV of 16-bit mono. Nothing at all is a clause without sound.
fn wav_samples(wav: &[u8]) -> Result<(Vec<f32>, u32), VoiceError> {
    if wav.is_empty() {
        return Ok((Vec::new(), SAMPLE_RATE));
    }
    let reader = hound::WavReader::new(Cursor::new(wav))
        .map_err(|error| failed(&format!("it gave no WAV: {error}")))?;
    let spec = reader.spec();
    let is_rate = (8_000..=48_000).contains(&spec.sample_rate);
    if spec.channels != 1
        || spec.bits_per_sample != 16
        || spec.sample_format != hound::SampleFormat::Int
        || !is_rate
    {
        return Err(failed(&format!(
            "it gave a WAV of another form than 16-bit mono: {spec:?}"
        )));
    }
    // The header was written before the length was known and claims 2 GiB, so the end of the bytes is the end of the
    // audio. That it was not cut short is known from the exit status.
    let samples = reader
        .into_samples::<i16>()
        .map_while(Result::ok)
        .map(|sample| f32::from(sample) / 32_768.0);
    Ok((samples.collect(), spec.sample_rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_becomes_trimmed_speech() {
        let mut voice = EspeakVoice::new("en-us").unwrap();
        let samples = voice
            .speak("The answer is about three hundred milliseconds.")
            .unwrap();
        let seconds = samples.len() as f32 / SAMPLE_RATE as f32;
        assert!((2.0..4.0).contains(&seconds), "{seconds} s");
        let peak = samples
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.1..=1.0).contains(&peak), "peak {peak}");
        let first = samples.iter().position(|sample| sample.abs() > peak * 0.01);
        assert!(
            first.is_some_and(|first| first <= 32),
            "audible at sample {first:?}"
        );
    }

    #[test]
    fn the_same_clause_sounds_the_same_and_another_voice_differs() {
        let speak = |voice| {
            EspeakVoice::new(voice)
                .and_then(|mut voice| voice.speak("Right here."))
                .unwrap()
        };
        assert_eq!(speak("en-us"), speak("en-us"));
        assert_ne!(speak("en-us"), speak("en-gb-scotland"));
    }

    #[test]
    fn text_without_words_is_silent_and_odd_text_is_harmless() {
        let mut voice = EspeakVoice::new("en-us").unwrap();
        for text in ["", " \n\0", "[[m'hm]]"] {
            assert!(voice.speak(text).unwrap().is_empty(), "{text:?}");
        }
        for text in [
            "...",
            "<break time='9s'/>",
            "[[",
            "\u{1}5P",
            "-h --version",
            "🎉",
        ] {
            assert!(
                voice.speak(text).unwrap().len() < 10 * SAMPLE_RATE as usize,
                "{text:?}"
            );
        }
    }

    #[test]
    fn phonemes_hum_where_letters_would_be_spelt() {
        let mut voice = EspeakVoice::new("en-us").unwrap();
        let hummed = voice.speak_phonemes("m'hm").unwrap();
        let spelt = voice.speak("mhm").unwrap();
        assert!(
            !hummed.is_empty() && hummed.len() * 3 < spelt.len() * 2,
            "{} and {}",
            hummed.len(),
            spelt.len()
        );
    }

    #[test]
    fn an_unknown_voice_is_refused_by_name() {
        let error = EspeakVoice::new("klingonese")
            .err()
            .map(|error| (error.is_unavailable(), error.to_string()));
        assert!(
            error.is_some_and(|(unavailable, text)| unavailable && text.contains("klingonese"))
        );
    }

    #[test]
    fn broken_wav_is_an_error() {
        let header = b"RIFF\x24\xf0\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0data\0\xf0\xff\x7f";
        assert_eq!(wav_samples(header).unwrap(), (vec![], 22_050));
        assert_eq!(
            wav_samples(&[header.as_slice(), &[0, 0x40, 0]].concat())
                .unwrap()
                .0,
            [0.5]
        );
        for cut in 1..header.len() {
            assert!(wav_samples(&header[..cut]).is_err(), "{cut} bytes");
        }
        let mut stereo = header.to_vec();
        stereo[22] = 2;
        assert!(wav_samples(&stereo).is_err());
    }
}
