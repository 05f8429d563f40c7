//! The page on which people compare two systems: what it gives, keeps and refuses.

use crate::support::{SIMULATED, command, stderr, stdout, voicesim};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// Two runs of one scenario whose agents say something else.
fn two_runs(folder: &Path) -> [PathBuf; 2] {
    ["elder", "younger"].map(|name| {
        let scenario = folder.join(format!("{name}.toml"));
        let turns: String = ["hours", "prices", "hours", "prices"]
            .iter()
            .map(|topic| {
                format!(
                    "[[turn]]\nspeech = {{ length = {{ fixed_ms = 900 }} }}\ntext = \"About {topic}?\"\nlabels = {{ topic = \"{topic}\" }}\n"
                )
            })
            .collect();
        let engines = SIMULATED.replace("This is what", &format!("The {name} one says:"));
        fs::write(&scenario, format!("name = \"talk\"\n{engines}{turns}")).expect("written");
        let out = folder.join(name);
        let arguments = ["run", &scenario.display().to_string(), "--clock", "virtual", "--out"];
        let output = voicesim(&[&arguments[..], &[&out.display().to_string()]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        out
    })
}

/// A page that is being served.
struct Page {
    program: Child,
    address: String,
}

impl Page {
    fn open(runs: &[PathBuf; 2], more: &[&str]) -> Page {
        let runs: Vec<String> = runs.iter().map(|run| run.display().to_string()).collect();
        let arguments = [
            "-q",
            "listen",
            &runs[0],
            &runs[1],
            "--listen",
            "127.0.0.1:0",
        ];
        let mut program = command(&[&arguments[..], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("voicesim runs");
        let mut line = String::new();
        let mut out = BufReader::new(program.stdout.take().expect("stdout"));
        out.read_line(&mut line).expect("an address");
        let address = line.trim().strip_prefix("http://").unwrap_or_else(|| {
            let mut said = String::new();
            let mut err = program.stderr.take().expect("stderr");
            err.read_to_string(&mut said).expect("read");
            panic!("no address: {line:?} {said}")
        });
        Page {
            address: address.trim_end_matches('/').to_owned(),
            program,
        }
    }

    /// The status, the headers and the body of an answer.
    fn ask(&self, request: &str, headers: &str, body: &str) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(text.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer
            .windows(4)
            .position(|at| at == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head[9..12].parse().expect("a status");
        (status, head.to_lowercase(), answer[end + 4..].to_vec())
    }

    fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        self.ask(
            &format!("GET {path}"),
            &format!("Host: {}\r\n", self.address),
            "",
        )
    }

    fn pair(&self) -> Value {
        let (status, _, body) = self.get("/pair");
        assert_eq!(status, 200);
        serde_json::from_slice(&body).expect("JSON")
    }

    fn choose(&self, number: u64, chosen: &str) -> (u16, String, Vec<u8>) {
        let own = &self.address;
        let headers =
            format!("Host: {own}\r\nOrigin: http://{own}\r\nContent-Type: application/json\r\n");
        let body = json!({ "number": number, "chosen": chosen }).to_string();
        self.ask("POST /choice", &headers, &body)
    }

    /// Ends it as the system does that has no memory left.
    fn kill(mut self) {
        self.program.kill().expect("killed");
        self.program.wait().expect("gone");
    }
}

#[test]
fn words_are_judged_blind_and_every_choice_outlives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = two_runs(folder.path());
    let choices = folder.path().join("choices.jsonl");
    let choices = choices.display().to_string();
    let more = ["--text", "--choices", &choices, "--repeats", "25%"];
    let mut judged = 0;
    let mut results = Value::Null;
    while judged < 5 {
        let page = Page::open(&runs, &more);
        let (_, _, html) = page.get("/");
        let html = String::from_utf8_lossy(&html).into_owned();
        assert!(
            !html.contains("elder") && !html.contains("src="),
            "blind, and nothing is loaded"
        );
        // Two choices, and it is killed.
        for _ in 0..2_u64.min(5 - judged) {
            let pair = page.pair();
            assert_eq!(pair["number"], judged + 1);
            assert_eq!(pair["of"], 5);
            assert!(pair["asked"].as_str().expect("asked").starts_with("About "));
            let first = pair["first"].as_str().expect("words");
            let chosen = if first.contains("The younger one") {
                "first"
            } else {
                "second"
            };
            assert_eq!(
                page.choose(judged + 2, chosen).0,
                409,
                "another one is next"
            );
            let (status, _, body) = page.choose(judged + 1, chosen);
            assert_eq!(status, 200);
            results = serde_json::from_slice(&body).expect("JSON");
            judged += 1;
        }
        page.kill();
    }
    assert_eq!(results["number"], Value::Null);
    assert!(
        results["results"]
            .as_str()
            .expect("results")
            .contains("4 choices of 4 turns")
    );
    let csv = folder.path().join("choices.csv");
    let csv = csv.display().to_string();
    let output = voicesim(&["listen", "--results", &choices, "--json", "--csv", &csv]);
    assert!(output.status.success(), "{}", stderr(&output));
    let document: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(document["schema"], "voicesim.listening/1");
    assert_eq!(document["all"]["strengths"][0]["system"], "younger");
    assert_eq!(
        document["judges"][0]["agreed"],
        document["judges"][0]["repeats"]
    );
    assert_eq!(document["segments"].as_array().expect("segments").len(), 2);
    assert_eq!(
        fs::read_to_string(&csv).expect("written").lines().count(),
        6
    );
}

#[test]
fn the_page_is_reached_from_here_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = two_runs(folder.path());
    let choices = folder.path().join("choices.jsonl");
    let choices = choices.display().to_string();
    let page = Page::open(&runs, &["--text", "--choices", &choices]);
    assert!(page.address.starts_with("127.0.0.1:"));
    let own = format!("Host: {}\r\n", page.address);
    let (status, head, _) = page.get("/");
    assert_eq!(status, 200);
    for header in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "no-store",
        "nosniff",
    ] {
        assert!(head.contains(header), "{head}");
    }
    let port = page.address.rsplit(':').next().expect("a port");
    for host in [&format!("evil.example:{port}"), "evil.example", ""] {
        let (status, ..) = page.ask("GET /pair", &format!("Host: {host}\r\n"), "");
        assert_eq!(status, 403, "{host}");
    }
    let sent = json!({ "number": 1, "chosen": "first" }).to_string();
    let strange = format!("{own}Origin: http://evil.example\r\nContent-Type: application/json\r\n");
    assert_eq!(page.ask("POST /choice", &strange, &sent).0, 403);
    let without = format!("{own}Content-Type: application/json\r\n");
    assert_eq!(page.ask("POST /choice", &without, &sent).0, 403);
    let large = format!(
        "{own}Origin: http://{}\r\nContent-Type: application/json\r\n",
        page.address
    );
    assert_eq!(page.ask("POST /choice", &large, &" ".repeat(5_000)).0, 413);
    assert_eq!(page.choose(1, "both").0, 422);
    assert_eq!(page.get("/sound/1/first").0, 404, "words are judged");
    assert_eq!(page.get("/../etc/passwd").0, 404);
    assert_eq!(page.pair()["number"], 1);
    page.kill();
}

#[test]
fn what_cannot_be_compared_is_refused_with_its_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = two_runs(folder.path());
    let [before, after] = runs.each_ref().map(|run| run.display().to_string());
    let refuses = |arguments: &[&str], says: &str| {
        let output = voicesim(&[&["listen"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    };
    refuses(&[&before], "2");
    refuses(&[&before, &before], "named twice");
    refuses(&[&before, "/nonexistent"], "no such run folder");
    refuses(&[&before, &after, "--least", "50%"], "51 to 100");
    refuses(&["--results", "/nonexistent.jsonl"], "/nonexistent.jsonl");
    refuses(
        &[&before, "tests/it/data/recorded", "--text"],
        "one scenario",
    );
}
