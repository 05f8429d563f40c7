//! The recogniser and the voice against a server that does as it is told, on either clock.

use super::test_answers::clocks;
use crate::audio::SAMPLE_RATE;
use crate::clock::Clock;
use crate::engine::build::{self, Purpose};
use crate::event::{SessionId, StageName, TurnId};
use crate::record::input::InputHash;
use crate::record::tap::Tap;
use crate::scenario::{self, Scenario};
use crate::stage::{
    AudioChunk, AudioFeed, Clause, Heard, OUTPUTS_WAITING_MAX, Outlet, Stage, StageError,
    Transcript, queue,
};
use crate::test_server::{Came, Does, TestServer, chunk, end, json, response, streaming};
use std::path::Path;

fn scenario(table: &str, url: &str) -> Scenario {
    let text = format!(
        "[[turn]]\nwav = \"{}/audio/fixtures/en-gb-average.wav\"\n[{table}]\nengine = \"openai\"\nurl = \"{url}\"\nmodel = \"m\"\n",
        env!("CARGO_MANIFEST_DIR")
    );
    scenario::parse(Path::new("a.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

/// All that a stage puts out, and how it ended.
fn handled<In, Out: crate::stage::Recorded>(
    clock: &Clock,
    name: StageName,
    stage: &mut dyn Stage<In = In, Out = Out>,
    input: In,
) -> (Vec<Out>, Result<(), StageError>) {
    let tap = Tap::new(clock.clone(), SessionId(0), None);
    let (sender, mut received) = queue::channel(OUTPUTS_WAITING_MAX);
    let visit = tap.visit(TurnId(1), name, InputHash::default());
    let both = async {
        let work = async {
            let mut out = Outlet::new(visit, sender);
            let result = stage.handle(input, &mut out).await;
            out.close(&result);
            result
        };
        let taking = async {
            let mut all = Vec::new();
            while let Some(output) = received.recv().await {
                all.push(output);
            }
            all
        };
        let (result, all) = tokio::join!(biased; work, taking);
        (all, result)
    };
    clock.block_on(both).expect("it ends")
}

fn transcribed(
    clock: &Clock,
    does: Vec<Does>,
) -> (Vec<Transcript>, Result<(), StageError>, TestServer) {
    let server = TestServer::start(vec![does]);
    let scenario = scenario("stt", &server.url);
    let purpose = Purpose::of(&scenario, clock, false);
    let built = build::recogniser(&scenario.stt.engine, purpose);
    let mut stage = built.unwrap_or_else(|error| panic!("{error}")).stage;
    clock.start();
    let (sender, feed) = AudioFeed::new(InputHash::default());
    let sound = AudioChunk::new(vec![0.5; 160].into(), "".into());
    for item in [Heard::Audio(sound), Heard::Committed] {
        sender.try_send(item).expect("room");
    }
    drop(sender);
    let (all, result) = handled(clock, StageName::SpeechToText, &mut *stage, feed);
    (all, result, server)
}

#[test]
fn an_utterance_goes_as_a_wav_file_and_its_text_comes_back() {
    for clock in clocks() {
        let said = vec![Does::Send(json("200 OK", "{\"text\":\" Hello there. \"}"))];
        let (texts, result, server) = transcribed(&clock, said);
        assert!(result.is_ok(), "{result:?}");
        let [
            Transcript {
                text,
                is_final: true,
                ..
            },
        ] = texts.as_slice()
        else {
            panic!("one transcript, not {texts:?}");
        };
        assert_eq!(&**text, "Hello there.");
        let Came { head, body, .. } = server.came();
        assert!(head.starts_with("POST /v1/audio/transcriptions "), "{head}");
        let at = body
            .windows(4)
            .position(|four| four == b"RIFF")
            .expect("a WAV file");
        let wav = hound::WavReader::new(&body[at..]).expect("a header");
        let spec = wav.spec();
        assert_eq!(
            (spec.sample_rate, spec.channels, wav.len()),
            (SAMPLE_RATE, 1, 160)
        );
        let fields = String::from_utf8_lossy(&body);
        assert!(fields.contains("name=\"model\"\r\n\r\nm\r\n"));
    }
}

#[test]
fn what_is_no_transcript_is_said_plainly() {
    let clock = Clock::virtual_time(1);
    let (_, result, _) = transcribed(&clock, vec![Does::Send(json("200 OK", "{\"words\":1}"))]);
    let error = result.expect_err("no text").to_string();
    assert!(
        error.contains("sent no transcript: {\"words\":1}"),
        "{error}"
    );
    let refusal = json("404 Not Found", "{}");
    let (_, result, _) = transcribed(&clock, vec![Does::Send(refusal)]);
    assert!(
        result
            .expect_err("refused")
            .to_string()
            .contains("stt.url or stt.model")
    );
}

fn spoken(clock: &Clock, does: Vec<Does>) -> (Vec<AudioChunk>, Result<(), StageError>, TestServer) {
    let server = TestServer::start(vec![does]);
    let scenario = scenario("tts", &server.url);
    let purpose = Purpose::of(&scenario, clock, false);
    let built = build::voice(&scenario.tts.engine, purpose);
    let mut stage = built.unwrap_or_else(|error| panic!("{error}")).stage;
    clock.start();
    let clause = Clause("Hello \"there\".".into());
    let (all, result) = handled(clock, StageName::TextToSpeech, &mut *stage, clause);
    (all, result, server)
}

#[test]
fn sound_comes_as_it_is_spoken_at_the_pipelines_rate() {
    // A second of a tone at 24 kHz, cut in the middle of samples.
    let tone = (0..24_000).map(|n| (8_000.0 * (f64::from(n) * 0.1).sin()) as i16);
    let bytes: Vec<u8> = tone.flat_map(i16::to_le_bytes).collect();
    let mut does = vec![streaming("application/octet-stream")];
    does.extend(bytes.chunks(7_001).map(|part| Does::Send(chunk(part))));
    does.push(end());
    for clock in clocks() {
        let (chunks, result, server) = spoken(&clock, does.clone());
        assert!(result.is_ok(), "{result:?}");
        let lengths = chunks
            .iter()
            .map(|chunk| chunk.samples.as_ref().map_or(0, |s| s.len()));
        assert_eq!(lengths.sum::<usize>(), 16_000);
        assert!(chunks.len() > 1);
        assert_eq!(&*chunks[0].text, "Hello \"there\".");
        assert!(chunks[1..].iter().all(|chunk| chunk.text.is_empty()));
        let peak = chunks
            .iter()
            .flat_map(|chunk| chunk.samples.iter().flat_map(|s| s.iter()));
        let peak = peak.fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((peak - 8_000.0 / 32_768.0).abs() < 0.01, "{peak}");
        let body: serde_json::Value = serde_json::from_slice(&server.came().body).expect("JSON");
        assert_eq!(
            (&body["input"], &body["response_format"]),
            (&"Hello \"there\".".into(), &"pcm".into())
        );
    }
}

#[test]
fn sound_in_another_format_is_refused_by_its_name() {
    let clock = Clock::virtual_time(1);
    let wav = response("200 OK", "audio/wav", "", b"RIFF....WAVE");
    let (_, result, _) = spoken(&clock, vec![Does::Send(wav)]);
    let error = result.expect_err("no samples").to_string();
    assert!(
        error.contains("sent a WAV file in place of plain samples"),
        "{error}"
    );
}

#[test]
fn endless_sound_is_refused() {
    let mebibyte = chunk(&[0; 1 << 20]);
    let does = vec![
        streaming("audio/pcm"),
        Does::Repeat(mebibyte, 100),
        Does::Close,
    ];
    let (_, result, server) = spoken(&Clock::real(1), does);
    let error = result.expect_err("too long").to_string();
    assert!(error.contains("more than 4 MiB of sound"), "{error}");
    server.saw_close();
}
