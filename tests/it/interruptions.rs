//! What the classifier makes of recordings over an answer: four voices, in quiet and in noise, with
//! the words that Whisper heard of them, when it did.
//!
//! Whisper's part is repeated from recorded run folders, so that nothing here depends on a model or
//! on how busy the machine is. `VOICESIM_RECORD=1 cargo test --test it interruptions` records anew.

use crate::support::{SIMULATED, fixture};
use std::path::{Path, PathBuf};
use voicesim::audio::{SAMPLE_RATE, decode, wav};
use voicesim::event::{Mark, Metric, Verdict};
use voicesim::measure::{Outcome, Row};
use voicesim::record::store::KeepAudio;
use voicesim::rng::Seed;
use voicesim::run::{Run, Time};
use voicesim::scenario;

const VOICES: [&str; 4] = ["piper", "en-us", "en-gb", "en-gb-scotland"];

/// The recording with white noise this many decibels under the power of its voice; as it is if
/// `None`. Half a second of noise lies on either side.
fn in_noise(recording: &str, snr_db: Option<f64>, folder: &Path) -> PathBuf {
    let Some(snr_db) = snr_db else {
        return fixture(recording);
    };
    let voice = decode::read(&fixture(recording)).expect("a fixture");
    let power = voice.iter().map(|s| f64::from(s * s)).sum::<f64>() / voice.len() as f64;
    let amplitude = (power / 10f64.powf(snr_db / 10.0)).sqrt();
    let mut noise = Seed(7).stream("noise", 0, 0, recording);
    let pad = SAMPLE_RATE as usize / 2;
    let noisy: Vec<f32> = (0..voice.len() + 2 * pad)
        .map(|at| {
            let voice = at.checked_sub(pad).and_then(|at| voice.get(at)).copied();
            let noise = amplitude * noise.normal();
            (voice.unwrap_or(0.0) + noise as f32).clamp(-1.0, 1.0)
        })
        .collect();
    let path = folder.join(format!("{snr_db}-{recording}"));
    wav::write_mono(&path, &noisy, SAMPLE_RATE).expect("written");
    path
}

/// Moments of the answer, in milliseconds since it began.
const MOMENTS_MS: [u64; 3] = [300, 900, 1_700];

/// Plays each recording over the agent's answer, at several moments of it, in one conversation;
/// which ones stopped it.
fn stopped_by(recordings: &[String], snr_db: Option<f64>, kind: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let question = fixture("piper-graphics.wav");
    let mut toml = String::new();
    for recording in recordings {
        let path = match recording.as_str() {
            "noise" => noise_alone(folder.path()),
            _ => in_noise(recording, snr_db, folder.path()),
        };
        for delay_ms in MOMENTS_MS {
            toml += &format!(
                "[[turn]]\nwav = \"{}\"\n[[turn]]\nwav = \"{}\"\nexpect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = {delay_ms}\n",
                question.display(),
                path.display(),
            );
        }
    }
    let engines = SIMULATED.replace(
        "[stt]\nengine = \"simulated\"\nlatency = { fixed_ms = 120 }",
        "[stt]\nengine = \"whisper\"",
    );
    let scenario = scenario::parse(Path::new("over.toml"), &(toml + &engines));
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.file().interruption.policy, "classifier");
    let snr = snr_db.map_or("clean".to_owned(), |db| format!("{db}-db"));
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/data/interruptions")
        .join(format!("{kind}-{snr}"));
    let replay = Run::of(scenario).in_time(Time::Virtual);
    let run = if std::env::var_os("VOICESIM_RECORD").is_some() {
        let _ = std::fs::remove_dir_all(&recorded);
        let run = replay.keep_in(recorded.clone(), KeepAudio::Yes).run();
        for sound in ["conversation.wav", "latency.hlog", "checksums.json"] {
            std::fs::remove_file(recorded.join(sound)).expect("it was recorded");
        }
        // Not every conversation has one.
        let _ = std::fs::remove_file(recorded.join("costliest.json"));
        let header = std::fs::read_to_string(recorded.join("header.json")).expect("a header");
        let header = header.replace(env!("CARGO_MANIFEST_DIR"), ".");
        std::fs::write(recorded.join("header.json"), header).expect("written");
        // What was decided is for the policy of the day; it fills most of the file.
        let events = std::fs::read_to_string(recorded.join("events.jsonl")).expect("events");
        let kept: Vec<&str> = events
            .lines()
            .filter(|line| !line.contains("\"mark\":\"decision\""))
            .collect();
        let written = std::fs::write(recorded.join("events.jsonl"), kept.join("\n") + "\n");
        written.expect("written");
        run
    } else {
        replay.repeating(recorded).run()
    };
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    let over = run.measured.rows.iter().skip(1).step_by(2);
    let played = recordings
        .iter()
        .flat_map(|r| MOMENTS_MS.map(|ms| format!("{r} at {ms} ms")));
    let stopped = played.zip(over).filter(|(_, row)| row.stopped_agent);
    let told = |row: &Row| format!("heard {:?}, {:?}", row.heard, row.decided);
    stopped
        .map(|(played, row)| format!("{played}: {}", told(row)))
        .collect()
}

fn noise_alone(folder: &Path) -> PathBuf {
    let mut noise = Seed(8).stream("noise", 0, 0, "alone");
    let noise: Vec<f32> = (0..3 * SAMPLE_RATE)
        .map(|_| 0.05 * noise.normal() as f32)
        .collect();
    let path = folder.join("noise.wav");
    wav::write_mono(&path, &noise, SAMPLE_RATE).expect("written");
    path
}

const NOISE_DB: [Option<f64>; 4] = [None, Some(20.0), Some(10.0), Some(5.0)];

#[test]
fn back_channels_coughs_and_noise_do_not_stop_the_answer() {
    let said = VOICES
        .iter()
        .flat_map(|v| [format!("{v}-mm-hmm.wav"), format!("{v}-yeah.wav")]);
    let sounds = ["cough.wav".to_owned(), "noise".to_owned()];
    let recordings: Vec<String> = said.chain(sounds).collect();
    for snr_db in NOISE_DB {
        let stopped = stopped_by(&recordings, snr_db, "ignore");
        // Half a second of a voice under white noise of 5 dB may be anything.
        let at_most = usize::from(snr_db == Some(5.0));
        assert!(stopped.len() <= at_most, "at {snr_db:?} dB: {stopped:?}");
    }
}

#[test]
fn who_asks_for_the_floor_always_gets_it() {
    let said = VOICES
        .iter()
        .flat_map(|v| [format!("{v}-wait-stop.wav"), format!("{v}-average.wav")]);
    let recordings: Vec<String> = said.collect();
    for snr_db in NOISE_DB {
        let stopped = stopped_by(&recordings, snr_db, "stop");
        assert_eq!(
            stopped.len(),
            3 * recordings.len(),
            "at {snr_db:?} dB only {stopped:?}"
        );
    }
}

#[test]
fn every_decision_is_recorded_with_its_probability_and_reasons() {
    let question = fixture("piper-graphics.wav");
    let toml = format!(
        "[[turn]]\nwav = \"{}\"\n[[turn]]\nwav = \"{}\"\nexpect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 500\n{SIMULATED}",
        question.display(),
        fixture("piper-average.wav").display()
    );
    let scenario = scenario::parse(Path::new("over.toml"), &toml);
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    let run = Run::of(scenario).in_time(Time::Virtual).run();
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    let mut ticks = Vec::new();
    for event in &run.events {
        let Mark::Decision(decision) = &event.mark else {
            continue;
        };
        assert_eq!(decision.policy, "classifier");
        let probability = decision.probability;
        assert!(probability.is_some_and(|p| (0.0..=1.0).contains(&p)));
        assert!((1..=3).contains(&decision.reasons.len()), "{decision:?}");
        ticks.push(decision.since_onset_ns / 1_000_000);
    }
    assert!(ticks.len() >= 3 && ticks.is_sorted());
    let longest = ticks.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert_eq!(longest, Some(50), "at least every 50 ms");
    let row = &run.measured.rows[1];
    assert_eq!(row.outcome, Outcome::Stopped);
    let decided = row.decided.as_ref().expect("a decision");
    assert_eq!(decided.verdict, Verdict::Stop);
    assert!(row.metric(Metric::DetectionDelay).is_some());
}
