//! The guide and README.md: their commands do what is written there.

use crate::support::{command, stderr, stdout};
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use voicesim::cli::Arguments;
use voicesim::guide::TOPICS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every text that shows commands, with its name.
fn texts() -> Vec<(String, String)> {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("readable");
    let topics = TOPICS.iter().map(|topic| {
        (
            format!("src/guide/{}.md", topic.name),
            topic.text.to_owned(),
        )
    });
    let others = ["README.md", "benches/README.md"].map(|path| (path.to_owned(), read(path)));
    topics.chain(others).collect()
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let (mut all, mut open): (Vec<String>, Option<(bool, String)>) = (Vec::new(), None);
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(begun)) => open = Some((begun == language, String::new())),
            (None, None) => {}
            (Some(_), Some(_)) => {
                all.extend(
                    open.take()
                        .filter(|(is_asked, _)| *is_asked)
                        .map(|(_, block)| block),
                );
            }
            (Some((_, block)), None) => *block += &format!("{line}\n"),
        }
    }
    all
}

/// The words of a command as a shell takes them: quotes hold words together; a comment, or where its
/// output goes, ends it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote): (Vec<String>, Option<String>, Option<char>) =
        (Vec::new(), None, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            // A comment, or a file that the shell writes what is printed into.
            (None, '#' | '>') if word.is_none() => break,
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A command in a block that is run, and what it has to do.
struct Step {
    line: String,
    /// The exit code.
    code: i32,
    /// Lines of its output: `...` stands for any lines, `[..]` for any text.
    output: Vec<String>,
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.replace("\\\n", "").lines() {
        if let Some(line) = line.strip_prefix("$ ") {
            steps.push(Step {
                line: line.to_owned(),
                code: 0,
                output: Vec::new(),
            });
            continue;
        }
        let step = steps.last_mut().expect("a block begins with a command");
        match line.strip_prefix("? ") {
            Some(code) => step.code = code.trim().parse().expect("an exit code"),
            None => step.output.push(line.trim_end().to_owned()),
        }
    }
    steps
}

fn line_is(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in between {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

fn output_is(patterns: &[String], lines: &[&str]) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((pattern, rest)) if pattern == "..." => {
            (0..=lines.len()).any(|skipped| output_is(rest, &lines[skipped..]))
        }
        Some((pattern, rest)) => lines
            .split_first()
            .is_some_and(|(line, after)| line_is(pattern, line) && output_is(rest, after)),
    }
}

#[test]
fn patterns_stand_for_any_text_and_any_lines() {
    for (pattern, line, is) in [
        ("a [..] c", "a b b c", true),
        ("a [..] c", "a b b d", false),
        ("[..]", "", true),
        ("a", "ab", false),
        ("[..] x [..]", "1 x 2", true),
    ] {
        assert_eq!(line_is(pattern, line), is, "{pattern} {line}");
    }
    let patterns = ["...", "b", "..."].map(str::to_owned);
    assert!(output_is(&patterns, &["a", "b"]) && output_is(&patterns, &["b", "c", "d"]));
    assert!(!output_is(&patterns, &["a", "c"]));
}

/// What a command prints: its result, and then what it says on the way.
fn printed(output: &Output) -> String {
    stdout(output) + &stderr(output)
}

fn hold(name: &str, text: &str) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["audio", "tests"] {
        std::os::unix::fs::symlink(root().join(part), folder.path().join(part)).expect("a link");
    }
    let steps: Vec<Step> = blocks(text, "console")
        .iter()
        .flat_map(|block| steps(block))
        .collect();
    for step in &steps {
        let words = words(&step.line);
        assert_eq!(words[0], "voicesim", "{name}: {}", step.line);
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let output = command(&arguments)
            .env("VOICESIM_MODELS", "/nonexistent/models")
            .current_dir(folder.path())
            .output()
            .expect("voicesim runs");
        let printed = printed(&output);
        assert_eq!(
            output.status.code(),
            Some(step.code),
            "{name}: {}\n{printed}",
            step.line
        );
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        assert!(
            output_is(&step.output, &lines),
            "{name}: {}\nis to print\n{}\nand prints\n{printed}",
            step.line,
            step.output.join("\n")
        );
    }
    steps.len()
}

#[test]
fn commands_that_are_shown_with_their_output_print_it() {
    let texts = texts();
    let held = std::thread::scope(|scope| {
        let threads: Vec<_> = texts
            .iter()
            .map(|(name, text)| scope.spawn(move || hold(name, text)))
            .collect();
        let held = threads.into_iter().map(|thread| match thread.join() {
            Ok(steps) => steps,
            Err(failure) => std::panic::resume_unwind(failure),
        });
        held.sum::<usize>()
    });
    assert!(
        held >= 25,
        "only {held} commands are shown with their output"
    );
}

#[test]
fn every_other_command_is_one() {
    let mut held = 0;
    for (name, text) in texts() {
        for block in blocks(&text, "sh") {
            for line in block.replace("\\\n", "").lines() {
                let words = words(line.trim());
                let Some(at) = words.iter().position(|word| word == "voicesim") else {
                    continue;
                };
                if at > 0 {
                    continue;
                }
                if let Err(error) = Arguments::try_parse_from(&words) {
                    panic!("{name}: {line}: {error}");
                }
                held += 1;
            }
        }
    }
    assert!(held >= 40, "only {held} commands");
}

#[test]
fn settings_that_are_shown_are_toml() {
    for (name, text) in texts() {
        for block in blocks(&text, "toml") {
            if let Err(error) = toml::from_str::<toml::Table>(&block) {
                panic!("{name}: {error}\n{block}");
            }
        }
    }
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md")
}

#[test]
fn the_readme_is_short_and_narrow() {
    let text = readme();
    assert!(
        text.len() <= 12_000,
        "README.md has {} bytes: move what is not for the first ten minutes to src/guide",
        text.len()
    );
    for (index, line) in text.lines().enumerate() {
        assert!(
            line.chars().count() <= 100,
            "README.md:{}: more than 100 columns",
            index + 1
        );
    }
}

#[test]
fn the_readme_leads_to_every_topic() {
    let text = readme();
    for topic in TOPICS {
        let definition = format!("\n[{0}]: src/guide/{0}.md\n", topic.name);
        assert!(
            text.contains(&definition),
            "end README.md with {definition}"
        );
        let uses = text.matches(&format!("[{}]", topic.name)).count();
        assert!(uses > 1, "{} is not linked", topic.name);
    }
}

#[test]
fn the_picture_of_a_turn_is_what_the_program_draws() {
    let folder = tempfile::tempdir().expect("a folder");
    let (demo, svg) = (folder.path().join("demo"), folder.path().join("turn.svg"));
    let at = |path: &Path| path.to_string_lossy().into_owned();
    let recorded = at(&root().join("tests/it/data/recorded"));
    let scenario = at(&root().join("audio/demo.toml"));
    let (demo, svg) = (at(&demo), at(&svg));
    for arguments in [
        &["run", &scenario, "--recorded", &recorded, "--out", &demo][..],
        &["report", &demo, "--turn", "4", "--svg", &svg],
    ] {
        let output = command(arguments).output().expect("voicesim runs");
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let drawn = fs::read_to_string(&svg).expect("a picture");
    let kept = fs::read_to_string(root().join("src/guide/turn.svg")).expect("src/guide/turn.svg");
    assert!(
        drawn == kept,
        "src/guide/turn.svg is an older one; the commands that draw it are in README.md"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command(&["guide", "glossary"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("voicesim runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_image_takes_the_steps_of_make_setup() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("readable");
    let (image, makefile) = (read("tests/cluster/Dockerfile"), read("Makefile"));
    assert!(makefile.contains("\nsetup: packages models\n"));
    for step in ["sh tests/setup/packages.sh", "models install"] {
        assert!(makefile.contains(step) && image.contains(step), "{step}");
    }
}
