//! Colours in the terminal: when there are any, and which words have one.
//!
//! They never say what no word says: without them nothing is lost.

use clap::ValueEnum;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::sync::OnceLock;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Color {
    // Where there is a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// What was decided for this process, for standard output and standard error: there is one of each.
static DECIDED: OnceLock<[bool; 2]> = OnceLock::new();

/// Words that tell at a glance how it went, with the codes of their colours.
const WORDS: [(&str, &str); 8] = [
    ("MISSED", RED),
    ("NEVER DRAINS", RED),
    ("NOT AS EXPECTED", RED),
    ("DOUBTFUL:", YELLOW),
    ("This machine was too busy:", YELLOW),
    ("Worse:", RED),
    ("Better:", GREEN),
    ("budget kept", GREEN),
];
const RED: &str = "31;1";
const YELLOW: &str = "33;1";
const GREEN: &str = "32";
const BOLD: &str = "1";

impl Color {
    /// Decides for this process.
    pub(super) fn decide(self) {
        let term = std::env::var_os("TERM");
        let no_color = std::env::var_os("NO_COLOR");
        let are_wanted =
            |is_terminal| self.is_wanted(is_terminal, no_color.as_deref(), term.as_deref());
        let decided = [
            are_wanted(std::io::stdout().is_terminal()),
            are_wanted(std::io::stderr().is_terminal()),
        ];
        // The first decision stands.
        let _ = DECIDED.set(decided);
    }

    fn is_wanted(self, is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            // As no-color.org says: an empty value is none.
            Color::Auto => {
                is_terminal
                    && no_color.is_none_or(OsStr::is_empty)
                    && term.is_none_or(|term| term != "dumb")
            }
        }
    }

    /// The choice as clap names it, for help and errors.
    pub(super) fn for_help(self) -> clap::ColorChoice {
        match self {
            Color::Auto => clap::ColorChoice::Auto,
            Color::Always => clap::ColorChoice::Always,
            Color::Never => clap::ColorChoice::Never,
        }
    }

    /// What a command line asks for, before it is understood: help and errors have colours too.
    pub(super) fn asked(arguments: impl Iterator<Item = String>) -> Color {
        let mut arguments = arguments.take_while(|argument| argument != "--").peekable();
        let mut asked = Color::Auto;
        while let Some(argument) = arguments.next() {
            let value = match argument.strip_prefix("--color") {
                Some("") => arguments.peek().cloned(),
                Some(rest) => rest.strip_prefix('=').map(str::to_owned),
                None => None,
            };
            asked = value
                .and_then(|value| Color::from_str(&value, true).ok())
                .unwrap_or(asked);
        }
        asked
    }
}

/// Whether standard output has colours.
pub(super) fn on_stdout() -> bool {
    DECIDED.get().is_some_and(|[stdout, _]| *stdout)
}

/// Text with colours for the words that have one, if standard output has colours.
pub(super) fn painted(text: String) -> String {
    if on_stdout() {
        with_colours(&text)
    } else {
        text
    }
}

/// Text in bold, if standard output has colours.
pub(super) fn bold(text: String) -> String {
    match on_stdout() {
        true => text
            .split_inclusive('\n')
            .map(|line| code(line, BOLD))
            .collect(),
        false => text,
    }
}

fn with_colours(text: &str) -> String {
    let mut painted = text.to_owned();
    for (word, colour) in WORDS {
        painted = painted.replace(word, &code(word, colour));
    }
    painted
}

/// A text between the codes of a terminal; a line end stays outside.
fn code(text: &str, code: &str) -> String {
    let line = text.trim_end_matches('\n');
    let end = &text[line.len()..];
    format!("\u{1b}[{code}m{line}\u{1b}[0m{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_where_a_terminal_is_and_nobody_minds() {
        let dumb = Some(OsStr::new("dumb"));
        let (set, empty) = (Some(OsStr::new("1")), Some(OsStr::new("")));
        for (color, is_terminal, no_color, term, are_wanted) in [
            (Color::Auto, true, None, None, true),
            (Color::Auto, true, empty, None, true),
            (Color::Auto, true, set, None, false),
            (Color::Auto, true, None, dumb, false),
            (Color::Auto, false, None, None, false),
            (Color::Always, false, set, dumb, true),
            (Color::Never, true, None, None, false),
        ] {
            let wanted = color.is_wanted(is_terminal, no_color, term);
            assert_eq!(
                wanted, are_wanted,
                "{color:?} {is_terminal} {no_color:?} {term:?}"
            );
        }
    }

    #[test]
    fn what_is_asked_for_is_known_before_the_rest_is_understood() {
        let asked = |line: &str| Color::asked(line.split(' ').map(str::to_owned));
        assert_eq!(asked("run --color never --nonsense"), Color::Never);
        assert_eq!(asked("--color=always run"), Color::Always);
        assert_eq!(asked("run --colour never"), Color::Auto);
        assert_eq!(asked("run -- --color=always"), Color::Auto);
        assert_eq!(asked("run --color"), Color::Auto);
    }

    #[test]
    fn words_keep_their_letters() {
        let painted = with_colours("budget  p95  MISSED\nkept\n");
        assert_eq!(painted, "budget  p95  \u{1b}[31;1mMISSED\u{1b}[0m\nkept\n");
        assert_eq!(code("it is so.\n", BOLD), "\u{1b}[1mit is so.\u{1b}[0m\n");
    }
}
