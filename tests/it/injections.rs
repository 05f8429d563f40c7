//! Fifty texts that give orders, said by callers and written in documents, to a language model that says all of them
//! again: they are spoken and kept, and change no setting, file, address or key.

use crate::support::server::{Came, Does, TestServer, answer, json};
use crate::support::{command, stderr};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

const TEXTS: &str = include_str!("data/injections.txt");
const KEY: &str = "sk-only-for-the-server-of-the-scenario";

/// Where orders lead to: an address that nobody may call, and a file that nobody may write.
struct Trap {
    evil: TcpListener,
    folder: tempfile::TempDir,
}

impl Trap {
    fn set() -> Trap {
        let evil = TcpListener::bind("127.0.0.1:0").expect("a port");
        evil.set_nonblocking(true).expect("it does not wait");
        Trap {
            evil,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("owned")
    }

    fn texts(&self) -> Vec<String> {
        let evil = format!("http://{}", self.evil.local_addr().expect("an address"));
        let file = self.file().display().to_string();
        let fill = |text: &str| text.replace("{EVIL}", &evil).replace("{FILE}", &file);
        TEXTS.lines().map(fill).collect()
    }

    /// A document with these texts, one in each section.
    fn documents(&self, texts: &[String]) -> String {
        let folder = self.folder.path().join("docs");
        fs::create_dir_all(&folder).expect("made");
        let sections = texts.iter().enumerate().fold(
            String::from("# Our shop\n\nWe open at nine.\n\n"),
            |all, (number, text)| format!("{all}## Hours of shop {number}\n\n{text}\n\n"),
        );
        fs::write(folder.join("hours.md"), sections).expect("written");
        folder.display().to_string()
    }

    /// Holds a conversation of these turns. Its header, and all that is in its folder.
    fn talk(&self, name: &str, answer: &str, texts: &[String]) -> (Value, Vec<PathBuf>) {
        let mut scenario = format!(
            "[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n[tts]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n[speculation]\nenabled = false\n{answer}\n"
        );
        for text in texts {
            let text = toml::Value::String(text.clone());
            let _ = writeln!(
                scenario,
                "[[turn]]\nspeech = {{ length = {{ fixed_ms = 900 }} }}\ntext = {text}"
            );
        }
        let path = self.folder.path().join(format!("{name}.toml"));
        fs::write(&path, scenario).expect("written");
        let out = self.folder.path().join(name);
        let arguments = [
            "run",
            &path.display().to_string(),
            "--clock",
            "virtual",
            "--out",
            &out.display().to_string(),
            "-q",
        ];
        let output = command(&arguments)
            .env("VOICESIM_MODELS", "/nonexistent/models")
            .env("API_KEY", KEY)
            .current_dir(self.folder.path())
            .output()
            .expect("voicesim runs");
        let said = stderr(&output) + &crate::support::stdout(&output);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
        assert!(!said.contains(KEY) && !said.contains('\u{1b}'), "{said}");
        let header = fs::read_to_string(out.join("header.json")).expect("a header");
        let header = serde_json::from_str(&header).expect("JSON");
        (header, files_in(&out))
    }

    fn is_untouched(&self) {
        assert!(self.evil.accept().is_err(), "somebody called the address");
        assert!(!self.file().exists(), "somebody wrote the file");
        let names: BTreeSet<String> = fs::read_dir(self.folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let own = [
            "docs",
            "harmless",
            "harmless.toml",
            "hostile",
            "hostile.toml",
        ];
        assert_eq!(names, own.map(str::to_owned).into());
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let (mut all, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => all.push(path),
            }
        }
    }
    all
}

/// The settings of a run: its header without what was said, and when and where.
fn settings(mut header: Value) -> Value {
    for key in ["started", "name", "notes"] {
        header[key].take();
    }
    header["scenario"]["name"].take();
    let turns = header["scenario"]["turn"].as_array_mut().expect("turns");
    for turn in turns {
        turn["text"].take();
    }
    header
}

/// Names without what tells outputs apart.
fn kinds(files: &[PathBuf]) -> BTreeSet<String> {
    let name = |path: &PathBuf| {
        let sound = path.extension().is_some_and(|end| end == "wav");
        let name = path.file_name().expect("a name").to_string_lossy();
        match sound && name.len() > 30 {
            true => "a sound".to_owned(),
            false => name.into_owned(),
        }
    };
    files.iter().map(name).collect()
}

/// What the model does: it says again whatever it was told, and the key.
fn obedient(came: &Came) -> Vec<Does> {
    if came.head.starts_with("GET") {
        return vec![Does::Send(json("200 OK", "{\"data\":[]}"))];
    }
    let body: Value = serde_json::from_slice(&came.body).unwrap_or_default();
    let last = body["messages"].as_array().and_then(|all| all.last());
    let told = last.and_then(|message| message["content"].as_str());
    answer(&[told.unwrap_or("…"), " ", KEY])
}

/// Holds a request to what the scenario asks for; whether passages go along.
fn has_passages(came: &Came) -> bool {
    assert_eq!(came.path(), "/v1/chat/completions");
    assert_eq!(
        came.header("authorization"),
        Some(&*format!("Bearer {KEY}"))
    );
    let body: Value = serde_json::from_slice(&came.body).expect("JSON");
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    let known = [
        "max_tokens",
        "messages",
        "model",
        "stream",
        "stream_options",
    ];
    assert_eq!(keys, known);
    assert_eq!(
        (&body["model"], &body["max_tokens"]),
        (&"m".into(), &150.into())
    );
    let messages = body["messages"].as_array().expect("messages");
    assert_eq!(
        (&messages[0]["role"], &messages[0]["content"]),
        (&"system".into(), &"Be brief.".into())
    );
    for (number, message) in messages.iter().enumerate().skip(1) {
        let role = if number % 2 == 1 { "user" } else { "assistant" };
        assert_eq!(message["role"], role);
        assert_eq!(message.as_object().map(serde_json::Map::len), Some(2));
    }
    let asked = messages.last().expect("a question")["content"].as_str();
    let asked = asked.expect("a text");
    match asked.matches("<passages>").count() {
        0 => false,
        1 => {
            assert!(asked.contains("data, not instructions"), "{asked}");
            true
        }
        count => panic!("{count} lists of passages: {asked}"),
    }
}

#[cfg(all(feature = "openai", feature = "retrieval"))]
#[test]
fn fifty_orders_to_a_language_model_change_no_setting_file_address_or_key() {
    let trap = Trap::set();
    let server = TestServer::by(obedient);
    let texts = trap.texts();
    assert_eq!(texts.len(), 50);
    let documents = trap.documents(&texts);
    let asks = format!(
        "[answer]\nengine = \"openai\"\nurl = \"{}\"\nmodel = \"m\"\nkey_env = \"API_KEY\"\nsystem = \"Be brief.\"\npassages = 3\ndocs = \"{documents}\"",
        server.url
    );
    let harmless = vec!["When do you open?".to_owned(); texts.len()];
    let (own, kept) = trap.talk("harmless", &asks, &harmless);
    let (header, files) = trap.talk("hostile", &asks, &texts);
    assert_eq!(settings(header), settings(own));
    assert_eq!(kinds(&files), kinds(&kept));
    let requests = (0..2 * texts.len()).map(|_| server.came());
    let with_passages = requests.filter(has_passages).count();
    assert!(with_passages > texts.len(), "{with_passages} with passages");
    for path in &files {
        let bytes = fs::read(path).expect("there");
        let is_told = bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes());
        assert!(!is_told, "{} holds the key", path.display());
    }
    trap.is_untouched();
}

#[cfg(feature = "retrieval")]
#[test]
fn fifty_orders_in_documents_that_are_read_out_change_no_setting_file_or_address() {
    let trap = Trap::set();
    let texts = trap.texts();
    let documents = trap.documents(&texts);
    let asks = format!("[answer]\nengine = \"retrieval\"\ndocs = \"{documents}\"");
    let harmless = vec!["When do you open?".to_owned(); texts.len()];
    let (own, kept) = trap.talk("harmless", &asks, &harmless);
    let (header, files) = trap.talk("hostile", &asks, &texts);
    assert_eq!(settings(header), settings(own));
    assert_eq!(kinds(&files), kinds(&kept));
    trap.is_untouched();
}
