//! Runs that a collector and Prometheus follow while they go on.

use crate::support::{SIMULATED, command, fixture, stderr, stdout, voicesim};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// A collector that answers with `status`, and hands on what it is sent.
fn collector(status: &'static str) -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                loop {
                    let (mut line, mut length) = (String::new(), 0);
                    if reader.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    loop {
                        let mut head = String::new();
                        reader.read_line(&mut head).expect("a head");
                        let head = head.trim().to_lowercase();
                        if head.is_empty() {
                            break;
                        }
                        if let Some(value) = head.strip_prefix("content-length:") {
                            length = value.trim().parse().expect("a length");
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).expect("a body");
                    let _ = sender.send((line, body));
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                    reader
                        .get_mut()
                        .write_all(answer.as_bytes())
                        .expect("answered");
                }
            });
        }
    });
    (url, receiver)
}

/// What a collector has of turns, after importing what it was sent: latency and hops of each answered turn.
fn turns(received: &Receiver<(String, Vec<u8>)>) -> Vec<Value> {
    let place = tempfile::tempdir().expect("a folder");
    let (spans, out) = (place.path().join("spans.pb"), place.path().join("out"));
    let mut all = Vec::new();
    while let Ok((line, body)) = received.recv_timeout(Duration::from_millis(300)) {
        assert!(line.starts_with("POST /v1/traces "), "{line}");
        all.extend(body);
    }
    fs::write(&spans, all).expect("written");
    let output = voicesim(&["import", text(&spans), "--out", text(&out)]);
    assert!(output.status.success(), "{}", stderr(&output));
    answered(&out)
}

fn answered(folder: &Path) -> Vec<Value> {
    let output = voicesim(&["report", text(folder), "--json"]);
    let document: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let rows = document["detail"].as_array().expect("turns").iter();
    let answered = rows.filter(|row| !row["e2e_ns"].is_null());
    answered
        .map(|row| serde_json::json!([row["e2e_ns"], row["hops_ns"]]))
        .collect()
}

#[test]
fn a_collector_has_each_turn_to_the_nanosecond_live_and_afterwards() {
    let (url, received) = collector("200 OK");
    let output = voicesim(&["report", text(&recorded()), "--otlp", &url]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(turns(&received), answered(&recorded()));

    let place = tempfile::tempdir().expect("a folder");
    let run = place.path().join("run");
    let output = voicesim(&[
        "run",
        "audio/demo.toml",
        "--recorded",
        text(&recorded()),
        "--out",
        text(&run),
        "--otlp",
        &url,
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(turns(&received), answered(&run));
}

#[test]
fn a_collector_that_is_not_there_or_refuses_is_named_before_anything_is_run() {
    let place = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let (refusing, _received) = collector("404 Not Found");
    for (url, why) in [
        (format!("http://{free}"), "no collector answers"),
        (refusing, "answers 404"),
    ] {
        let run = place.path().join("run");
        let output = voicesim(&[
            "run",
            "audio/demo.toml",
            "--recorded",
            text(&recorded()),
            "--out",
            text(&run),
            "--otlp",
            &url,
        ]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert!(!run.exists(), "nothing was run");
    }
    let output = voicesim(&["report", text(&recorded()), "--otlp", "ftp://somewhere"]);
    assert_eq!(output.status.code(), Some(2));
}

/// What stands at an address.
fn got(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a server");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}

#[test]
fn prometheus_scrapes_a_run_that_goes_on() {
    let place = tempfile::tempdir().expect("a folder");
    let scenario = place.path().join("talk.toml");
    let wav = fixture("en-us-graphics.wav");
    let turn = format!("[[turn]]\nwav = \"{}\"\n", text(&wav));
    fs::write(&scenario, turn.repeat(3) + SIMULATED).expect("written");
    let mut run = command(&[
        "run",
        text(&scenario),
        "--out",
        text(&place.path().join("run")),
        "--no-audio",
        "--metrics",
        "127.0.0.1:0",
    ])
    .stderr(Stdio::piped())
    .stdout(Stdio::null())
    .spawn()
    .expect("it runs");
    let mut lines = BufReader::new(run.stderr.take().expect("stderr")).lines();
    let said = lines.find_map(|line| {
        let line = line.expect("text");
        let (_, rest) = line.split_once("http://")?;
        Some(rest.split("/metrics").next()?.to_owned())
    });
    let address = said.expect("the address");
    let began = Instant::now();
    let figures = loop {
        let figures = got(&address, "/metrics");
        if figures.contains("voicesim_e2e_latency_seconds_count") {
            break figures;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{figures}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(figures.starts_with("HTTP/1.1 200 OK"), "{figures}");
    assert!(got(&address, "/other").starts_with("HTTP/1.1 404"));
    run.kill().expect("killed");
    run.wait().expect("over");
}

#[test]
fn buckets_of_prometheus_hold_the_percentiles_of_the_report() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("figures.prom");
    let output = voicesim(&[
        "report",
        text(&recorded()),
        "--prometheus",
        text(&file),
        "--json",
    ]);
    let document: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let figures = fs::read_to_string(&file).expect("written");
    for metric in ["e2e_latency", "llm_ttft", "tts_ttfb"] {
        let start = format!("voicesim_{metric}_seconds_bucket{{");
        let buckets: Vec<(f64, f64)> = figures
            .lines()
            .filter(|line| line.starts_with(&start))
            .map(|line| {
                let bound = line
                    .split("le=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                let bound = bound.expect("a bound").replace("+Inf", "inf");
                let count = line.rsplit(' ').next().expect("a count");
                (
                    bound.parse().expect("a bound"),
                    count.parse().expect("a count"),
                )
            })
            .collect();
        let whole = buckets.last().expect("buckets").1;
        for (name, share) in [("p50_ms", 0.5), ("p95_ms", 0.95)] {
            let Some(ms) = document["metrics"][metric][name].as_f64() else {
                continue;
            };
            let place = buckets
                .iter()
                .position(|(_, below)| *below >= share * whole)
                .expect("one");
            let least = place.checked_sub(1).map_or(0.0, |before| buckets[before].0);
            let within = least * 0.999..=buckets[place].0 * 1.001;
            assert!(
                within.contains(&(ms / 1e3)),
                "{metric} {name}: {ms} in {within:?}"
            );
        }
    }
    let types: BTreeMap<&str, usize> = figures
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
        .fold(BTreeMap::new(), |mut all, line| {
            *all.entry(line).or_default() += 1;
            all
        });
    assert!(
        types.values().all(|count| *count == 1),
        "each family is described once"
    );
}
