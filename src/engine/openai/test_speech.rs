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

/// A WAV file with half a second of a tone.
fn wav() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).expect("a header");
    for n in 0..8_000 {
        let sample = (8_000.0 * (f64::from(n) * 0.1).sin()) as i16;
        writer.write_sample(sample).expect("memory");
    }
    writer.finalize().expect("memory");
    file.into_inner()
}

#[test]
fn the_samples_of_a_wav_file_are_taken_as_they_come() {
    let clock = Clock::virtual_time(1);
    for label in ["audio/wav", "audio/pcm", "application/octet-stream"] {
        // In two parts, of which the first does not tell what it is.
        let wav = wav();
        let mut does = vec![streaming(label)];
        does.push(Does::Send(chunk(&wav[..3])));
        does.push(Does::Send(chunk(&wav[3..])));
        does.push(end());
        let (chunks, result, _) = spoken(&clock, does);
        assert!(result.is_ok(), "{result:?}");
        let lengths = chunks
            .iter()
            .map(|it| it.samples.as_ref().map_or(0, |it| it.len()));
        assert_eq!(lengths.sum::<usize>(), 8_000);
    }
}

#[test]
fn sound_in_another_format_is_decoded_when_all_of_it_is_there() {
    // Two channels, which become their mean.
    let mut file = wav();
    file[22] = 2;
    let does = vec![Does::Send(response("200 OK", "audio/pcm", "", &file))];
    let (chunks, result, _) = spoken(&Clock::virtual_time(1), does);
    assert!(result.is_ok(), "{result:?}");
    let [only] = chunks.as_slice() else {
        panic!("one piece, not {}", chunks.len());
    };
    assert_eq!(only.samples.as_ref().map(|it| it.len()), Some(4_000));
}

#[test]
fn what_is_no_sound_is_never_played_and_told_what_it_is() {
    let clock = Clock::virtual_time(1);
    let json_error = "{\"error\":{\"message\":\"voice not found\"}}";
    let page = "<html><title>Log in</title></html>".repeat(40);
    for (kind, body, says) in [
        (
            "application/json",
            json_error.as_bytes(),
            "reports in place of sound: voice not found",
        ),
        (
            "audio/pcm",
            json_error.as_bytes(),
            "reports in place of sound: voice not found",
        ),
        (
            "application/json",
            b"{\"audio\":\"AAAA\"}",
            "sent JSON in place of sound: {\"audio\":\"AAAA\"}",
        ),
        (
            "text/html",
            page.as_bytes(),
            "sent a web page, “Log in”, in place of sound",
        ),
        (
            "text/plain",
            b"out of order, sorry",
            "sent text/plain in place of sound: out of order",
        ),
        ("audio/pcm", b"", "sent no sound"),
        ("audio/pcm", b"\x01", "sent no sound"),
        (
            "audio/wav",
            b"RIFF....WAVE and nothing",
            "sent WAV in place of plain samples (response_format pcm), which cannot be decoded",
        ),
        (
            "audio/mpeg",
            b"ID3\x04 and nothing more of it",
            "sent MP3 in place of plain samples",
        ),
    ] {
        let does = vec![Does::Send(response("200 OK", kind, "", body))];
        let (chunks, result, _) = spoken(&clock, does);
        assert!(chunks.is_empty(), "{says}");
        let error = result.expect_err(says).to_string();
        assert!(error.contains(says), "{says}\nsaid: {error}");
    }
}

#[test]
fn a_server_may_tell_the_rate_and_the_order_of_bytes() {
    let clock = Clock::virtual_time(1);
    let tone = (0..8_000).map(|n| (8_000.0 * (f64::from(n) * 0.1).sin()) as i16);
    let tone: Vec<i16> = tone.collect();
    let little: Vec<u8> = tone.iter().flat_map(|it| it.to_le_bytes()).collect();
    let big: Vec<u8> = tone.iter().flat_map(|it| it.to_be_bytes()).collect();
    for body in [little, big] {
        let does = vec![Does::Send(response(
            "200 OK",
            "audio/L16;rate=8000",
            "",
            &body,
        ))];
        let (chunks, result, _) = spoken(&clock, does);
        assert!(result.is_ok(), "{result:?}");
        let samples: Vec<f32> = chunks
            .iter()
            .flat_map(|chunk| chunk.samples.iter().flat_map(|it| it.iter().copied()))
            .collect();
        assert_eq!(samples.len(), 16_000);
        let peak = samples.iter().fold(0.0_f32, |peak, it| peak.max(it.abs()));
        assert!((peak - 0.244).abs() < 0.02, "{peak}");
    }
}

#[test]
fn a_transcript_in_any_form_is_understood_and_sounds_are_no_words() {
    let clock = Clock::virtual_time(1);
    for (kind, body, text) in [
        ("text/plain", "Are you open?\n", "Are you open?"),
        (
            "application/json",
            "\u{feff}{\"text\":\"Are you open?\"}",
            "Are you open?",
        ),
        (
            "text/event-stream",
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Are\"}\n\ndata: {\"type\":\"transcript.text.done\",\"text\":\"Are you open?\"}\n\n",
            "Are you open?",
        ),
        ("application/json", "{\"text\":\"[BLANK_AUDIO]\"}", ""),
        ("application/json", "{\"text\":\"(coughing) …\"}", ""),
        ("application/json", "{\"text\":null}", ""),
    ] {
        let does = vec![Does::Send(response("200 OK", kind, "", body.as_bytes()))];
        let (texts, result, _) = transcribed(&clock, does);
        assert!(result.is_ok(), "{body}: {result:?}");
        assert_eq!(&*texts[0].text, text, "{body}");
    }
    for (body, says) in [
        (
            "{\"error\":{\"message\":\"audio too short\"}}",
            "reports: audio too short",
        ),
        (
            "<html><title>Log in</title></html>",
            "sent a web page, “Log in”, in place of a transcript",
        ),
    ] {
        let (_, result, _) = transcribed(&clock, vec![Does::Send(json("200 OK", body))]);
        let error = result.expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
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
