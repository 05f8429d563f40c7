//! The workflow for GitHub Actions in README.md: every command of voicesim in it is one.

use clap::Parser;
use std::path::Path;
use voicesim::cli::Arguments;

/// The block of YAML in a section of README.md.
fn workflow() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).expect("README.md");
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("In your CI\n"));
    let section = section.expect("a section \"In your CI\"");
    let begun = section.split_once("```yaml\n").expect("a block of YAML").1;
    begun.split_once("\n```").expect("its end").0.to_owned()
}

/// The commands of voicesim in shell lines, word by word.
fn commands(yaml: &str) -> Vec<Vec<&str>> {
    let lines = yaml.lines().map(str::trim);
    let steps = lines.map(|line| line.trim_start_matches("- ").trim_start_matches("run: "));
    let parts = steps
        .flat_map(|line| line.split("||"))
        .flat_map(|line| line.split("&&"));
    let words = parts.map(|part| part.split_whitespace().collect::<Vec<_>>());
    words
        .filter(|words| words.first() == Some(&"voicesim"))
        .collect()
}

#[test]
fn every_command_of_the_workflow_parses() {
    let yaml = workflow();
    let commands = commands(&yaml);
    for needed in ["run", "report", "compare"] {
        assert!(
            commands.iter().any(|words| words[1] == needed),
            "{needed}: {commands:?}"
        );
    }
    for words in commands {
        if let Err(error) = Arguments::try_parse_from(&words) {
            panic!("{}: {error}", words.join(" "));
        }
    }
}
