//! House rules that the compiler does not hold. Each failure names the cure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may name, besides itself. `run` and `experiment` may name all but `cli`, `cli` everything.
const ARROWS: [(&str, &[&str]); 38] = [
    ("files", &[]),
    ("guide", &[]),
    ("event", &[]),
    ("rng", &[]),
    ("models", &["files"]),
    ("knowledge", &["files", "rng", "speak", "interval"]),
    ("speak", &[]),
    ("disclosure", &[]),
    ("picture", &[]),
    ("nearest", &[]),
    ("credentials", &[]),
    ("interval", &[]),
    ("labelled", &["files"]),
    ("clock", &["event"]),
    ("audio", &["files", "event", "clock"]),
    ("record", &["files", "event", "clock", "audio"]),
    ("stage", &["event", "audio", "record", "clock"]),
    ("scenario", &["files", "event", "rng", "nearest"]),
    ("ear", &["files", "stage", "audio", "event"]),
    (
        "endpoint",
        &["stage", "audio", "event", "rng", "picture", "labelled"],
    ),
    (
        "interrupt",
        &[
            "stage", "audio", "event", "rng", "picture", "labelled", "interval",
        ],
    ),
    (
        "call",
        &[
            "files",
            "event",
            "stage",
            "ear",
            "interrupt",
            "audio",
            "clock",
            "record",
        ],
    ),
    (
        "engine",
        &[
            "files",
            "event",
            "stage",
            "audio",
            "rng",
            "scenario",
            "models",
            "knowledge",
            "speak",
            "record",
            "clock",
            "protocol",
            "credentials",
        ],
    ),
    (
        "pipeline",
        &[
            "disclosure",
            "stage",
            "ear",
            "endpoint",
            "interrupt",
            "record",
            "clock",
            "audio",
            "event",
        ],
    ),
    (
        "caller",
        &[
            "event",
            "pipeline",
            "ear",
            "endpoint",
            "interrupt",
            "scenario",
            "stage",
            "clock",
            "rng",
            "record",
            "audio",
        ],
    ),
    (
        "conversation",
        &[
            "pipeline",
            "ear",
            "endpoint",
            "engine",
            "interrupt",
            "scenario",
            "stage",
            "clock",
            "record",
            "audio",
        ],
    ),
    (
        "sim",
        &[
            "caller",
            "conversation",
            "endpoint",
            "event",
            "pipeline",
            "ear",
            "engine",
            "scenario",
            "stage",
            "clock",
            "rng",
            "record",
            "measure",
            "audio",
        ],
    ),
    (
        "live",
        &[
            "event", "pipeline", "ear", "stage", "clock", "record", "audio",
        ],
    ),
    ("protocol", &["event", "audio", "clock", "credentials"]),
    (
        "probe",
        &[
            "event", "protocol", "pipeline", "ear", "clock", "record", "audio",
        ],
    ),
    (
        "serve",
        &[
            "event", "protocol", "pipeline", "ear", "stage", "clock", "record", "audio",
        ],
    ),
    ("trace", &["files", "event", "clock", "record"]),
    (
        "measure",
        &[
            "disclosure",
            "files",
            "event",
            "rng",
            "scenario",
            "record",
            "speak",
        ],
    ),
    (
        "fit",
        &["files", "event", "scenario", "measure", "record", "speak"],
    ),
    (
        "eval",
        &[
            "files", "event", "rng", "audio", "scenario", "measure", "interval",
        ],
    ),
    (
        "compare",
        &["files", "event", "rng", "scenario", "measure", "record"],
    ),
    (
        "listen",
        &[
            "files", "event", "rng", "audio", "record", "measure", "compare", "report",
        ],
    ),
    (
        "report",
        &[
            "files", "measure", "record", "audio", "event", "picture", "compare", "trace",
            "nearest", "fit", "eval",
        ],
    ),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, all);
                continue;
            }
            // Files that are compiled for tests only.
            let name = path.file_name().expect("a name").to_string_lossy();
            if name.ends_with(".rs") && !name.starts_with("test_") {
                all.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        let inside = path.strip_prefix(&root).expect("below src").to_owned();
        (inside, without_tests(&text))
    };
    paths.into_iter().map(read).collect()
}

/// A file's text up to its tests.
fn without_tests(text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut code = String::new();
    while let Some(line) = lines.next() {
        let begins_tests = |next: &&str| next.contains("mod tests {");
        let is_for_tests = line.starts_with("#[cfg(") && line.contains("test");
        if is_for_tests && lines.peek().is_some_and(begins_tests) {
            break;
        }
        code += line;
        code.push('\n');
    }
    code
}

/// The lines of code, numbered from one, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn module(path: &Path) -> String {
    let first = path.components().next().expect("a component");
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

#[test]
fn modules_name_only_what_they_may() {
    for (path, text) in sources() {
        let module = module(&path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            assert!(
                ["main", "lib", "cli", "run", "experiment"].contains(&module.as_str()),
                "src/{}: a module without arrows: add {module} to ARROWS in tests/it/house.rs",
                path.display()
            );
            continue;
        };
        for (line, code) in code(&text) {
            for named in code.split("crate::").skip(1) {
                let names: BTreeSet<&str> = match named.strip_prefix('{') {
                    Some(group) => group.split(',').map(str::trim).collect(),
                    None => [named].into(),
                };
                for name in names {
                    let name: String = name
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    assert!(
                        name == module || allowed.contains(&name.as_str()),
                        "src/{}:{line} names {name}, which {module} may not: hand the value in from run or cli, or move the code to a module that may",
                        path.display()
                    );
                }
            }
        }
    }
}

/// Modules that a user of the crate may build on; each is documented to the last item.
const SURFACE: [&str; 12] = [
    "audio",
    "clock",
    "endpoint",
    "event",
    "experiment",
    "guide",
    "measure",
    "record",
    "rng",
    "run",
    "scenario",
    "stage",
];

#[test]
fn no_module_is_public_that_the_surface_does_not_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let text = fs::read_to_string(path).expect("readable");
    let (mut public, mut is_hidden) = (Vec::new(), false);
    for line in text.lines() {
        let module = line.strip_prefix("pub mod ");
        if let Some(module) = module.filter(|_| !is_hidden) {
            public.push(module.trim_end_matches(';').to_owned());
        }
        is_hidden = line == "#[doc(hidden)]" || is_hidden && line.starts_with("#[");
    }
    assert_eq!(
        public, SURFACE,
        "src/lib.rs: hide a module that is for the program alone (#[doc(hidden)]), or add it to SURFACE in tests/it/house.rs and document it"
    );
}

/// Names of engines and policies, and the files that may look one up by its name.
const NAMES: [(&[&str], &[&str]); 3] = [
    (
        &[
            "whisper",
            "retrieval",
            "piper",
            "espeak",
            "command",
            "openai",
            "simulated",
        ],
        &[
            "scenario/engine/answerer.rs",
            "scenario/engine/realtime.rs",
            "scenario/engine/recogniser.rs",
            "scenario/engine/voice.rs",
        ],
    ),
    (
        &["classifier", "vad_500ms", "min_words", "never", "always"],
        &["event/policy.rs", "scenario/endpointing.rs"],
    ),
    (&["silence"], &["scenario/endpointing.rs"]),
];

#[test]
fn engines_and_policies_are_known_by_name_in_one_place() {
    for (path, text) in sources() {
        let file = path.to_string_lossy();
        for (line, code) in code(&text) {
            let compares = ["==", "!=", "=>", "contains", "matches!", "starts_with"];
            if !compares.iter().any(|word| code.contains(word)) || code.contains("feature =") {
                continue;
            }
            for (names, files) in NAMES {
                for name in names.iter().filter(|_| !files.contains(&&*file)) {
                    assert!(
                        !code.contains(&format!("\"{name}\"")),
                        "src/{file}:{line} goes by the name {name:?}: ask the parsed type (scenario::engine, event::InterruptionPolicy), which only {} make of a name",
                        files.join(", ")
                    );
                }
            }
        }
    }
}

#[test]
fn only_the_clock_reads_time() {
    for (path, text) in sources() {
        if module(&path) == "clock" {
            continue;
        }
        for (line, code) in code(&text) {
            for reading in [
                "Instant::now",
                "SystemTime::now",
                "Timestamp::now",
                "tokio::time",
            ] {
                assert!(
                    !code.contains(reading),
                    "src/{}:{line} reads time by {reading}: take a Clock, or leave it to the tap",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn nothing_in_the_program_can_panic_on_purpose() {
    for (path, text) in sources() {
        for (line, code) in code(&text) {
            for word in [
                ".unwrap()",
                ".expect(",
                "panic!(",
                "todo!(",
                "unimplemented!(",
                "unreachable!(",
            ] {
                assert!(
                    !code.contains(word),
                    "src/{}:{line} has {word}: return an error that names the cure",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn select_is_always_biased() {
    for (path, text) in sources() {
        for (index, _) in text.match_indices("select! {") {
            let rest = text[index..].trim_start_matches("select! {").trim_start();
            assert!(
                rest.starts_with("biased;"),
                "src/{}: a select! that is not biased: put `biased;` first and explain the order",
                path.display()
            );
        }
    }
}

#[test]
fn no_channel_is_unbounded() {
    for (path, text) in sources() {
        for (line, code) in code(&text) {
            assert!(
                !code.contains("unbounded_channel") && !code.contains("mpsc::channel()"),
                "src/{}:{line} has a queue without a bound: give it one, and say why that size",
                path.display()
            );
        }
    }
}

#[test]
fn every_scenario_in_audio_can_be_run_and_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio");
    let mut scenarios = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let scenario = voicesim::scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let asks =
            |turn: &voicesim::scenario::TurnTable| turn.expect == voicesim::event::Expect::Respond;
        assert!(
            scenario.file().turn.iter().any(asks),
            "{}: no turn asks for an answer",
            path.display()
        );
        let run = voicesim::run::Run::of(scenario);
        run.check().unwrap_or_else(|error| panic!("{error}"));
        scenarios += 1;
    }
    assert!(scenarios >= 4, "only {scenarios} scenarios in audio/");
}
