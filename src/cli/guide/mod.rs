//! `voicesim guide`: the guide, in the terminal and without a network.

mod terminal;

use super::{Failure, Verdict, colour, print, print_drawn};
use crate::guide::{TOPICS, Topic};
use crate::nearest::nearest;
use clap::Args;
use ratatui::crossterm::terminal::size;
use std::io::IsTerminal;
use terminal::{Look, drawn};

#[derive(Debug, Args)]
pub(super) struct Guide {
    /// What to read about; without it, the topics are listed
    topic: Option<String>,
}

/// Wider lines are hard to read.
const COLUMNS_MAX: u16 = 100;

/// How alike a topic's name is to what was typed at least, for it to be offered. Half the letters will do: names are
/// short.
const ALIKE_MIN: f64 = 0.5;

impl Guide {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let Some(asked) = self.topic else {
            print(&list());
            return Ok(Verdict::Fine);
        };
        let topic = named(&asked)?;
        let see_also = see_also(topic.text);
        print_drawn(&match look() {
            Some(look) => drawn(&format!("{}\n{see_also}", topic.text), look),
            None => format!("{}\n{see_also}", without_definitions(topic.text)),
        });
        Ok(Verdict::Fine)
    }
}

/// How text is to look; `None` for Markdown as it is, where nobody reads it on a screen.
fn look() -> Option<Look> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = size().map_or(80, |(columns, _)| columns);
    Some(Look {
        columns: usize::from(columns.clamp(20, COLUMNS_MAX)),
        has_colours: colour::on_stdout(),
    })
}

/// Whether a line defines a link, `[load]: load.md`. Such lines end a topic, and lead to files.
fn is_definition(line: &&str) -> bool {
    line.starts_with('[') && line.contains("]: ")
}

fn without_definitions(text: &str) -> String {
    let kept: Vec<&str> = text.lines().filter(|line| !is_definition(line)).collect();
    format!("{}\n", kept.join("\n").trim_end())
}

/// The links of a topic as commands.
fn see_also(text: &str) -> String {
    let names = text.lines().filter(is_definition);
    let names: Vec<&str> = names
        .filter_map(|line| Some(line.strip_prefix('[')?.split_once(']')?.0))
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            "See also, by `voicesim guide TOPIC`: {}.\n",
            names.join(", ")
        ),
    }
}

fn list() -> String {
    let mut text = "Topics of the guide: voicesim guide TOPIC\n\n".to_owned();
    for topic in TOPICS {
        text += &format!("  {:<14} {}\n", topic.name, topic.summary);
    }
    text
}

/// The topic of this name. A file's name will do as well.
fn named(asked: &str) -> Result<&'static Topic, Failure> {
    let name = asked.to_lowercase();
    let name = name.trim_end_matches(".md");
    let found = TOPICS.iter().find(|topic| topic.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
        let nearest = match nearest(name, names.iter().copied(), ALIKE_MIN) {
            Some(topic) => format!("; did you mean `{topic}`?"),
            None => ".".to_owned(),
        };
        // What was typed may be anything, and long.
        let asked: String = crate::files::plain(asked)
            .replace('\n', " ")
            .chars()
            .take(40)
            .collect();
        Failure::Input(format!(
            "there is no topic `{asked}`{nearest} The topics are {}",
            names.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_listed_with_what_it_is_about() {
        insta::assert_snapshot!(list());
    }

    #[test]
    fn links_are_told_as_commands() {
        let text = "# One\n\nSee [two].\n\n[two]: two.md\n[three]: three.md\n";
        assert_eq!(without_definitions(text), "# One\n\nSee [two].\n");
        assert_eq!(
            see_also(text),
            "See also, by `voicesim guide TOPIC`: two, three.\n"
        );
        assert_eq!(see_also("# One\n"), "");
    }

    #[test]
    fn a_topic_goes_by_its_name_and_by_that_of_its_file() {
        for asked in ["load", "Load", "load.md"] {
            assert_eq!(named(asked).expect("a topic").name, "load");
        }
    }

    #[test]
    fn a_name_that_is_none_is_told_the_nearest_one() {
        for (asked, nearest) in [("lode", "load"), ("mesure", "measure"), ("limit", "limits")] {
            let refused = named(asked).expect_err("no topic").to_string();
            assert!(
                refused.contains(&format!("did you mean `{nearest}`?")),
                "{refused}"
            );
        }
        let refused = named("\x1b[2Jzzz").expect_err("no topic").to_string();
        assert!(
            !refused.contains("did you mean") && !refused.contains('\x1b'),
            "{refused}"
        );
        assert!(
            refused.contains("The topics are install, measure"),
            "{refused}"
        );
    }
}
