//! Any program as an engine, by JSON lines on its standard input and output.
//!
//! The program is started once and kept open. It gets one request a line and answers with any
//! number of lines, the last one `{"done": true}`, or `{"error": "why"}`:
//!
//! | stage  | request | answer lines |
//! |--------|---------|--------------|
//! | stt    | `{"type": "transcribe", "sample_rate": 16000, "pcm_s16le": BASE64}` | `{"text": "…"}`, and `"partial": true` in it if it may change |
//! | answer | `{"type": "answer", "question": "…", "history": [{"question": "…", "heard": "…"}]}` | `{"text": "…"}`, a piece of the answer |
//! | tts    | `{"type": "speak", "text": "…"}` | `{"sample_rate": 22050, "pcm_s16le": BASE64}`, a piece of the audio |
//!
//! What the program writes to standard error is shown as it is.

use super::{Built, EngineError, worker};
use crate::audio::SAMPLE_RATE;
use crate::audio::resample::resample;
use crate::clock::{Clock, Emitter, Worker};
use crate::scenario::engine::Program as Asked;
use crate::stage::{
    self, AudioChunk, AudioFeed, Clause, Outlet, Piece, Question, Stage, StageError, Transcript,
    Utterance, Work, transcribe_in_batches,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// The longest silence of a program; after it the program has failed.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The longest line that is read: 16 MiB, six minutes of audio.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// The longest text in one line: 64 KiB.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Lines that may wait to be taken.
const LINES_WAITING_MAX: usize = 16;

struct CommandStage {
    worker: Worker<Program>,
}

fn build<S: ?Sized>(
    asked: &Asked,
    clock: &Clock,
    boxed: impl FnOnce(CommandStage) -> Box<S>,
) -> Result<Built<Box<S>>, EngineError> {
    let command = std::iter::once(&asked.program).chain(&asked.arguments);
    let command: Vec<String> = command.cloned().collect();
    let described = format!("command: {}", command.join(" "));
    let mut program = Program {
        command,
        running: None,
    };
    program
        .start()
        .map_err(|error| EngineError::Unavailable(error.to_string()))?;
    let worker = worker(clock, "command", program)?;
    Ok(Built::new(boxed(CommandStage { worker }), described))
}

pub(super) fn recogniser(
    asked: &Asked,
    clock: &Clock,
) -> Result<Built<stage::SpeechToText>, EngineError> {
    build(asked, clock, |stage| Box::new(Transcribe(stage)) as _)
}

pub(super) fn answerer(asked: &Asked, clock: &Clock) -> Result<Built<stage::Answer>, EngineError> {
    build(asked, clock, |stage| Box::new(AnswerIt(stage)) as _)
}

pub(super) fn voice(
    asked: &Asked,
    clock: &Clock,
) -> Result<Built<stage::TextToSpeech>, EngineError> {
    build(asked, clock, |stage| Box::new(Speak(stage)) as _)
}

struct Transcribe(CommandStage);

impl Stage for Transcribe {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let worker = &self.0.worker;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async move |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                let job = move |program: &mut Program, _| program.transcribe(&heard.samples);
                out.compute(worker, 1, job).await?
            },
        ))
    }
}

struct AnswerIt(CommandStage);

impl Stage for AnswerIt {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        let history: Vec<Value> = question
            .history
            .iter()
            .map(|past| json!({"question": past.question, "heard": past.heard}))
            .collect();
        let request = json!({"type": "answer", "question": question.text, "history": history});
        let job = move |program: &mut Program, _, outputs: &Emitter<_>| {
            program.serve(&request, outputs, |line| {
                Ok(line.text.map(|text| Piece(text.into())))
            });
        };
        Box::pin(out.charge(&self.0.worker, 1, job))
    }
}

struct Speak(CommandStage);

impl Stage for Speak {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, Clause(text): Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        let request = json!({"type": "speak", "text": text});
        let job = move |program: &mut Program, _, outputs: &Emitter<_>| {
            let mut words = Some(text);
            program.serve(&request, outputs, |line| {
                let Some(pcm) = line.pcm_s16le else {
                    return Ok(None);
                };
                let samples = from_16_bit(&pcm, line.sample_rate.unwrap_or(SAMPLE_RATE))?;
                // The words go with the first piece; the others only continue it.
                let text = words.take().unwrap_or_default();
                Ok((!samples.is_empty()).then(|| AudioChunk::new(samples.into(), text)))
            });
        };
        Box::pin(out.charge(&self.0.worker, 1, job))
    }
}

fn to_16_bit(sample: f32) -> i16 {
    (sample * 32_767.0).round() as i16
}

fn from_16_bit(pcm: &str, rate: u32) -> Result<Vec<f32>, String> {
    let bytes = BASE64
        .decode(pcm)
        .map_err(|error| format!("pcm_s16le is not base64: {error}"))?;
    let samples: Vec<f32> = bytes
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    let samples = resample(&samples, rate, SAMPLE_RATE).map_err(|error| error.to_string())?;
    Ok(samples.into_owned())
}

/// One line of a program's answer.
#[derive(Deserialize)]
struct Line {
    text: Option<String>,
    #[serde(default)]
    partial: bool,
    pcm_s16le: Option<String>,
    sample_rate: Option<u32>,
    #[serde(default)]
    done: bool,
    error: Option<String>,
}

/// A program that is kept open, and started again after it failed.
struct Program {
    command: Vec<String>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    requests: SyncSender<String>,
    lines: Receiver<io::Result<String>>,
}

impl Program {
    /// The text of 16 kHz mono audio.
    fn transcribe(&mut self, samples: &[f32]) -> Result<String, StageError> {
        let samples = samples.iter();
        let pcm: Vec<u8> = samples.flat_map(|s| to_16_bit(*s).to_le_bytes()).collect();
        let request = json!({
            "type": "transcribe",
            "sample_rate": SAMPLE_RATE,
            "pcm_s16le": BASE64.encode(&pcm),
        });
        let mut all = String::new();
        self.exchange(&request, |line| {
            if let (Some(text), false) = (line.text, line.partial) {
                all = text;
            }
            Ok(())
        })
        .map_err(|reason| self.failed(&reason))?;
        Ok(all)
    }

    /// The error for a program that failed. The program is started again, so that half an answer is not taken for the
    /// next one.
    fn failed(&mut self, reason: &str) -> StageError {
        self.running = None;
        let name = self.command.first().map_or("", String::as_str);
        StageError::Failed(format!(
            "the command {name}: {reason}; it is started again for the next request"
        ))
    }

    /// Sends a request and hands on what `output` makes of each line of the answer.
    fn serve<T>(
        &mut self,
        request: &Value,
        outputs: &Emitter<Result<T, StageError>>,
        mut output: impl FnMut(Line) -> Result<Option<T>, String>,
    ) {
        let served = self.exchange(request, |line| {
            if let Some(item) = output(line)? {
                outputs.send(Ok(item));
            }
            Ok(())
        });
        if let Err(reason) = served {
            outputs.send(Err(self.failed(&reason)));
        }
    }

    fn exchange(
        &mut self,
        request: &Value,
        mut each: impl FnMut(Line) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.running.is_none() {
            self.start().map_err(|error| error.to_string())?;
        }
        let Some(running) = &mut self.running else {
            return Err("it does not run".into());
        };
        running
            .requests
            .send(format!("{request}\n"))
            .map_err(|_| "it takes no more requests".to_owned())?;
        loop {
            let line = running
                .lines
                .recv_timeout(SILENCE_MAX)
                .map_err(|_| format!("no answer within {} s, or it ended", SILENCE_MAX.as_secs()))?
                .map_err(|error| format!("its output cannot be read: {error}"))?;
            if line.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(&line)
                .map_err(|error| format!("it wrote a line that is no answer: {error}"))?;
            if line
                .text
                .as_ref()
                .is_some_and(|text| text.len() > TEXT_BYTES_MAX)
            {
                return Err("it wrote a text of more than 64 KiB".into());
            }
            if let Some(error) = line.error {
                return Err(format!("it reports: {error}"));
            }
            if line.done {
                return Ok(());
            }
            each(line)?;
        }
    }

    fn start(&mut self) -> Result<(), StageError> {
        let failed = |reason: String| StageError::Failed(reason);
        let [name, arguments @ ..] = self.command.as_slice() else {
            return Err(failed("a command needs a program to run".into()));
        };
        let mut child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                failed(format!(
                    "the command {name} cannot be started: {error}; check that the program is installed and its path is right"
                ))
            })?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("its pipes cannot be had".into()));
        };
        let (requests, waiting) = sync_channel(1);
        let (sender, lines) = sync_channel(LINES_WAITING_MAX);
        // Both threads end with the child, which is killed when it is dropped.
        std::thread::spawn(move || write_requests(input, &waiting));
        std::thread::spawn(move || read_lines(output, &sender));
        self.running = Some(Running {
            child,
            requests,
            lines,
        });
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_requests(mut input: ChildStdin, requests: &Receiver<String>) {
    while let Ok(request) = requests.recv() {
        if input.write_all(request.as_bytes()).is_err() || input.flush().is_err() {
            return;
        }
    }
}

fn read_lines(output: ChildStdout, lines: &SyncSender<io::Result<String>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = String::new();
        let read = (&mut output).take(LINE_BYTES_MAX).read_line(&mut line);
        let sent = match read {
            Ok(0) => return,
            Ok(_) if line.len() as u64 >= LINE_BYTES_MAX => {
                let error = io::Error::other("a line is longer than 16 MiB");
                lines.send(Err(error))
            }
            Ok(_) => lines.send(Ok(line)),
            Err(error) => lines.send(Err(error)),
        };
        if sent.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell script answers to a request: texts, then the error if there was one.
    fn texts(script: &str) -> Vec<String> {
        let mut program = Program {
            command: vec!["sh".into(), "-c".into(), script.into()],
            running: None,
        };
        let mut texts = Vec::new();
        let result = program.exchange(&json!({"type": "answer"}), |line| {
            texts.extend(line.text);
            Ok(())
        });
        texts.extend(result.err());
        texts
    }

    #[test]
    fn pieces_come_until_done() {
        let script = r#"read -r line; echo '{"text":"a "}'; echo '{"text":"b"}'; echo '{"done":true}'; echo '{"text":"c"}'"#;
        assert_eq!(texts(script), ["a ", "b"]);
    }

    #[test]
    fn what_goes_wrong_is_said() {
        assert_eq!(
            texts(r#"read -r line; echo '{"error":"no key"}'"#),
            ["it reports: no key"]
        );
        assert!(texts("read -r line; echo hello")[0].contains("no answer: "));
        assert!(texts("exit 0")[0].contains("it ended"));
        let mut missing = Program {
            command: vec!["/nonexistent".into()],
            running: None,
        };
        let error = missing.start().expect_err("no such program").to_string();
        assert!(error.contains("/nonexistent cannot be started"), "{error}");
    }

    #[test]
    fn audio_comes_back_as_it_went() {
        let bytes: Vec<u8> = [0.5f32, -0.25, 1.0]
            .iter()
            .flat_map(|s| to_16_bit(*s).to_le_bytes())
            .collect();
        let samples = from_16_bit(&BASE64.encode(bytes), SAMPLE_RATE).expect("samples");
        for (sample, expected) in samples.iter().zip([0.5, -0.25, 1.0]) {
            assert!((sample - expected).abs() < 1e-3);
        }
        assert!(from_16_bit("no base64!", SAMPLE_RATE).is_err());
        assert!(from_16_bit("AAAA", 3).is_err());
    }
}
