//! How to use voicesim: one topic a module, the recipe first, then how it works, then its limits.
//!
//! `voicesim guide TOPIC` prints the same texts in a terminal, without a network. They are the
//! files `src/guide/*.md`.
//!
//! A topic refers to another one by its name in brackets. Each file ends with a definition that
//! leads from the name to the other file, for whoever reads the file as it is. Here, definitions
//! that lead to the modules stand before the text: of two definitions of a name the first one
//! counts, and rustdoc refuses one that leads nowhere.

/// A topic of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its name, in lower-case letters: that of its module, and of its file without `.md`.
    pub name: &'static str,
    /// What it is about: a line of at most 70 characters.
    pub summary: &'static str,
    /// The whole text, as Markdown.
    pub text: &'static str,
}

macro_rules! topics {
    ($($name:ident: $summary:literal,)*) => {
        topics!(@modules [$($name)*] $($name)*);

        /// Every topic, in the order in which one may want to read them.
        pub const TOPICS: &[Topic] = &[$(Topic {
            name: stringify!($name),
            summary: $summary,
            text: include_str!(concat!(stringify!($name), ".md")),
        }),*];
    };
    (@modules $all:tt $($name:ident)*) => {
        $(topics!(@module $all $name);)*
    };
    (@module [$($all:ident)*] $name:ident) => {
        #[doc = concat!($("[", stringify!($all), "]: crate::guide::", stringify!($all), "\n",)* "\n")]
        #[doc = include_str!(concat!(stringify!($name), ".md"))]
        pub mod $name {}
    };
}

topics! {
    install: "install it, smaller builds, macOS, Windows, a container",
    measure: "how long callers wait, from recordings of calls with any agent",
    probe: "call an agent, and hear what its callers do; a test double",
    claims: "what a platform claims against what callers hear; measuring again",
    traces: "traces and call logs of your agent in, spans and Prometheus out",
    columns: "what every figure means: hops, metrics, outcomes",
    replay: "hold a conversation from recordings, with real engines or without",
    scenario: "write the file that says who speaks and what should come of it",
    endings: "when the caller has finished: silence, Smart Turn, second thoughts",
    eval: "each step of an agent judged by itself, and by segment",
    endpointing: "endpointing by words and timing, and what it would do in your calls",
    speculation: "prepare the reply while the caller pauses",
    engines: "speech to text, answers, voices: servers, programs, stand-ins",
    realtime: "one model that hears and speaks, on a server",
    speak: "what an answer becomes before it is spoken",
    documents: "answer from your own documents",
    live: "talk to it through a microphone",
    simulate: "change a number before you build it",
    fit: "a simulation like your agent, from runs, traces or calls",
    sweep: "find the best setting, and what it costs",
    load: "how many calls your servers can take",
    faults: "providers that fail, and what helps",
    interruptions: "when to stop for a sound of the caller",
    compare: "whether a change made it better or worse, or was chance",
    disclosure: "whether the agent says that it is a machine, and when",
    listen: "two systems compared by ear, by people who do not know which is which",
    budgets: "limits that have to hold, with an exit code",
    ci: "a job that watches the latency of every pull request",
    pages: "reports as pages with sound, pictures of turns, segments",
    exports: "CSV, Parquet, traces and test reports for other programs",
    cluster: "simulations on several machines: shards, Slurm, Kubernetes",
    library: "use it in a Rust test, with an engine of yours",
    formats: "which recordings can be read",
    safety: "voices, keys, files of others: what is kept, whole and bounded",
    commands: "every command and exit code, in a line each",
    limits: "what the figures cannot tell",
    glossary: "every special word",
    develop: "work on voicesim itself",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn named() -> BTreeSet<&'static str> {
        TOPICS.iter().map(|topic| topic.name).collect()
    }

    #[test]
    fn every_file_is_a_topic() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
        let files = std::fs::read_dir(folder).expect("a folder");
        let names = files.filter_map(|file| {
            let name = file.expect("a file").file_name();
            let name = name.to_string_lossy().into_owned();
            name.strip_suffix(".md").map(str::to_owned)
        });
        let names: BTreeSet<String> = names.collect();
        let named: BTreeSet<String> = named().into_iter().map(str::to_owned).collect();
        assert_eq!(names, named, "add the topic to src/guide/mod.rs");
        assert_eq!(TOPICS.len(), named.len(), "a topic is listed twice");
    }

    #[test]
    fn summaries_fit_a_line() {
        for topic in TOPICS {
            assert!(topic.summary.len() <= 70, "{}", topic.name);
        }
    }

    /// Definitions at the end, `[load]: load.md`.
    fn definitions(text: &str) -> Vec<(&str, &str)> {
        let lines = text.lines().filter(|line| line.starts_with('['));
        lines
            .filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
            .collect()
    }

    /// Text outside of code.
    fn prose(text: &str) -> String {
        let outside = text.split("```").step_by(2);
        let lines = outside.flat_map(str::lines);
        let spans = lines.flat_map(|line| line.split('`').step_by(2).chain(["\n"]));
        spans.collect()
    }

    #[test]
    fn links_lead_to_topics_wherever_the_text_is_read() {
        for topic in TOPICS {
            let defined = definitions(topic.text);
            let prose = prose(topic.text);
            for (name, file) in &defined {
                let expected = format!("{name}.md");
                assert_eq!(**file, expected, "{}: [{name}]", topic.name);
                assert!(named().contains(name), "{}: [{name}]", topic.name);
                assert!(
                    prose.matches(&format!("[{name}]")).count() > 1,
                    "{}: [{name}] is defined and not used",
                    topic.name
                );
            }
            for name in named() {
                assert!(
                    !prose.contains(&format!("[{name}]"))
                        || defined.iter().any(|(defined, _)| *defined == name),
                    "{}: end the file with [{name}]: {name}.md",
                    topic.name
                );
            }
        }
    }

    #[test]
    fn texts_are_wrapped() {
        for topic in TOPICS {
            assert!(topic.text.starts_with("# "), "{}", topic.name);
            for (index, line) in topic.text.lines().enumerate() {
                // A row of a table is one line.
                assert!(
                    line.starts_with('|') || line.chars().count() <= 100,
                    "src/guide/{}.md:{}: more than 100 columns",
                    topic.name,
                    index + 1
                );
            }
        }
    }
}
