//! The workflow for GitHub Actions in the guide: every command of voicesim in it is one.

use clap::Parser;
use voicesim::cli::Arguments;
use voicesim::guide::TOPICS;

/// The first block of YAML in the topic on CI.
fn workflow() -> String {
    let topic = TOPICS.iter().find(|topic| topic.name == "ci");
    let text = topic.expect("a topic on CI").text;
    let begun = text.split_once("```yaml\n").expect("a block of YAML").1;
    let yaml = begun.split_once("\n```").expect("its end").0;
    // A command may go on in the next line.
    yaml.replace("\\\n", " ")
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
