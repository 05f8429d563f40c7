//! Examples at the end of each command's help. A test sees that the program understands each of them.

/// Commands under a heading that looks like clap's own; clap leaves colours out where nobody sees them.
macro_rules! examples {
    ($($line:literal,)*) => {
        concat!("\x1b[1;4mExamples:\x1b[0m", $("\n  ", $line,)*)
    };
}

pub(super) const VOICESIM: &str = examples!(
    "voicesim measure call.wav                 # how long callers wait, from a recorded call",
    "voicesim init my-agent                    # a scenario to start from",
    "voicesim simulate my-agent/scenario.toml  # what callers would feel",
    "voicesim guide                            # what there is to read",
);

pub(super) const MEASURE: &str = examples!(
    "voicesim measure call.wav --no-transcribe              # caller left, agent right; no model",
    "voicesim measure --caller caller.wav --agent agent.wav # a file for each side",
    "voicesim measure calls/ --out measured --html page.html",
    "voicesim measure call.wav --budget budget.toml --json  # for a CI: exit 1 if it is missed",
);

#[cfg(feature = "probe")]
pub(super) const PROBE: &str = examples!(
    "voicesim probe scenario.toml --agent ws://localhost:8765 --no-transcribe",
    "voicesim probe scenario.toml --agent wss://agent.example/call --key-env AGENT_KEY --out probed",
    "voicesim probe scenario.toml --agent ws://localhost:8765 --calls 20 --ramp 10 --out load",
    "voicesim compare probed-before probed-after",
);

#[cfg(feature = "probe")]
pub(super) const SERVE: &str = examples!(
    "voicesim serve scenario.toml                           # ws://127.0.0.1:8765",
    "voicesim serve scenario.toml --listen 127.0.0.1:0 --calls 1 --out served",
    "voicesim serve --stt simulated --answer simulated --tts simulated",
);

pub(super) const IMPORT: &str = examples!(
    "voicesim import traces.json --out imported             # OTLP spans of LiveKit or pipecat",
    "voicesim import calls/ --out imported                  # a folder of call logs",
    "voicesim import latencies.csv --out imported           # columns such as call, e2e_ms, answer_ms",
    "voicesim import log.jsonl --map own.toml --out imported",
);

pub(super) const RUN: &str = examples!(
    "voicesim run my-agent/scenario.toml --clock virtual    # no waiting",
    "voicesim run --wav questions/*.wav                     # recordings in place of a scenario",
    "voicesim run --mic --answer openai --answer-url http://localhost:11434/v1 \\\n      --answer-model llama3.2                        # talk to Ollama",
    "voicesim run --recorded runs/FOLDER                    # repeat a run without its engines",
);

pub(super) const SIMULATE: &str = examples!(
    "voicesim simulate scenario.toml --conversations 1000",
    "voicesim simulate scenario.toml --conversations 1000000 --out big --resume",
    "voicesim simulate load.toml --find load.calls --until e2e_latency_p95_ms=1500",
    "voicesim simulate scenario.toml --sensitivity          # what its figures hang on",
);

pub(super) const FIT: &str = examples!(
    "voicesim fit runs/FOLDER --out agent.toml              # engines and callers of a run",
    "voicesim fit imported --out agent.toml --html fit.html # of traces, with pictures",
    "voicesim simulate --profile agent.toml                 # what callers of it would feel",
    "voicesim fit runs/FOLDER --out agent.toml --disturbed  # with bursts of other programs' work",
);

pub(super) const VALIDATE: &str = examples!(
    "voicesim validate runs/other --profile agent.toml      # exit 1 if it predicts them wrongly",
    "voicesim validate runs/other --profile agent.toml --save # so that simulations of it say so",
    "voicesim validate runs/other --profile agent.toml --html page.html --calibrator calibrator",
);

pub(super) const INIT: &str = examples!(
    "voicesim init                             # scenario.toml in this folder",
    "voicesim init my-agent",
    "voicesim init my-agent --from imported    # a simulation like what was imported",
);

pub(super) const GUIDE: &str = examples!(
    "voicesim guide                            # the topics",
    "voicesim guide simulate",
    "voicesim guide glossary | less",
);

pub(super) const SAY: &str = examples!(
    "voicesim say --text 'The **large** cake is $24.50.'",
    "voicesim say --text 'Open 9-5, Mon-Fri.' --out hours.wav --tts espeak",
    "voicesim say my-agent/scenario.toml --text - < answer.txt",
);

pub(super) const CHECK: &str = examples!("voicesim check my-agent/scenario.toml",);

pub(super) const REPORT: &str = examples!(
    "voicesim report runs/FOLDER",
    "voicesim report runs/FOLDER --html page.html",
    "voicesim report measured --by topic                    # turns by a label of theirs",
    "voicesim report runs/FOLDER --csv turns.csv --junit budgets.xml",
);

pub(super) const REDACT: &str = examples!(
    "voicesim redact runs/FOLDER                            # before you hand it on",
    "voicesim redact measured --sound",
    "voicesim redact runs/FOLDER --words --html page.html",
);

pub(super) const COMPARE: &str = examples!(
    "voicesim compare runs/before runs/after",
    "voicesim compare before after --min-effect 5% --markdown - # for a pull request",
);

#[cfg(feature = "listen")]
pub(super) const LISTEN: &str = examples!(
    "voicesim listen runs/before runs/after                 # a page, with keys A, B, 1, 2 and 0",
    "voicesim listen calls-a calls-b calls-c --labels calls.csv --judge anna",
    "voicesim listen runs/before runs/after --text --choices words.jsonl",
    "voicesim listen --results choices.jsonl --csv choices.csv",
);

pub(super) const SWEEP: &str = examples!(
    "voicesim sweep scenario.toml --vary endpointing.silence_ms=300,500,700",
    "voicesim sweep scenario.toml --vary endpointing.silence_ms=300,700 \\\n      --vary speculation.enabled=true,false --svg picture.svg",
);

pub(super) const PLAN: &str = examples!(
    "voicesim plan scenario.toml --vary pool.answer.servers=1,2,4,8",
    "voicesim plan scenario.toml --vary endpointing.silence_ms=300,500,700 \\\n      --set budget.e2e_latency_p95_ms=1200 --set budget.cut_off_share_max=0.3",
);

pub(super) const MERGE: &str = examples!(
    "voicesim simulate scenario.toml --shard 1/2 --out part-1   # on one machine",
    "voicesim simulate scenario.toml --shard 2/2 --out part-2   # on another",
    "voicesim merge part-1 part-2 --out whole",
);

pub(super) const PRESETS: &str = examples!(
    "voicesim presets",
    "voicesim presets deepgram-nova-3          # what was measured, and its limits",
    "voicesim simulate scenario.toml --set stt.latency.preset=deepgram-nova-3",
);

pub(super) const SCHEMA: &str = examples!(
    "voicesim schema > scenario.schema.json    # then `#:schema ./scenario.schema.json` in a scenario",
    "voicesim schema budget > budget.schema.json",
);

pub(super) const EVAL: &str = examples!(
    "voicesim eval run suite.toml --out evaluated           # each step by segment, the weak one first",
    "voicesim eval compare before after                     # two versions, turn by turn",
    "voicesim eval add suite.toml runs/FOLDER 3             # what went wrong becomes a turn of it",
);

pub(super) const EVAL_RUN: &str = examples!(
    "voicesim eval run suite.toml",
    "voicesim eval run suite.toml --augment quiet noise=10 'babble=15 mu-law' speed=0.9",
    "voicesim eval run suite.toml --out evaluated --labels judged.csv --html page.html",
);

pub(super) const EVAL_COMPARE: &str = examples!(
    "voicesim eval compare before after                     # exit 1 if something is worse",
);

pub(super) const EVAL_ADD: &str = examples!(
    "voicesim eval add suite.toml runs/FOLDER 3 --text 'Are you open on Sundays?' --answer-has closed",
    "voicesim eval add suite.toml runs/FOLDER 5 --answer-refuses --label topic=weather",
);

pub(super) const ENDPOINT: &str = examples!(
    "voicesim endpoint eval --data pauses.dev.jsonl.gz",
    "voicesim endpoint predict --data pauses.jsonl --policy classifier --cut-offs 0.1 --out out.jsonl",
);

pub(super) const ENDPOINT_TRAIN: &str =
    examples!("voicesim endpoint train --data train.jsonl.gz dev.jsonl.gz --out weights.json",);

pub(super) const ENDPOINT_EVAL: &str = examples!(
    "voicesim endpoint eval runs/",
    "voicesim endpoint eval runs/ --scenario agent.toml --svg trade-off.svg",
    "voicesim endpoint eval --data pauses.dev.jsonl.gz --json",
);

pub(super) const ENDPOINT_PREDICT: &str = examples!(
    "voicesim endpoint predict --data pauses.jsonl --policy classifier --cut-offs 0.1 --out out.jsonl",
);

pub(super) const ENDPOINT_EXPLAIN: &str =
    examples!("voicesim endpoint explain --data pauses.jsonl --id ID --cut-offs 0.1",);

pub(super) const CLASSIFIER: &str = examples!(
    "voicesim classifier eval --data overlaps.jsonl.gz",
    "voicesim classifier explain --wav caller.wav,agent.wav",
);

pub(super) const CLASSIFIER_TRAIN: &str =
    examples!("voicesim classifier train --data train.jsonl.gz dev.jsonl.gz --out weights.json",);

pub(super) const CLASSIFIER_EVAL: &str = examples!(
    "voicesim classifier eval --data dev.jsonl.gz",
    "voicesim classifier eval --data dev.jsonl.gz --svg trade-off.svg",
);

pub(super) const CLASSIFIER_PREDICT: &str =
    examples!("voicesim classifier predict --data dev.jsonl.gz --out predictions.jsonl",);

pub(super) const CLASSIFIER_CALIBRATE: &str = examples!(
    "voicesim classifier calibrate calls/ --out thresholds.toml --svg trade-off.svg",
    "voicesim classifier calibrate calls/ --write-labels sounds.csv",
    "voicesim classifier calibrate calls/ --labels sounds.csv --false-stops 0.05 --out thresholds.toml",
);

pub(super) const CLASSIFIER_EXPLAIN: &str = examples!(
    "voicesim classifier explain --wav caller.wav,agent.wav",
    "voicesim classifier explain --data sounds.jsonl --id ID",
);

#[cfg(feature = "retrieval")]
pub(super) const INDEX_BUILD: &str = examples!(
    "voicesim index build documents --out index",
    "voicesim index build documents --out index --chunk-chars 600",
);

#[cfg(feature = "retrieval")]
pub(super) const INDEX_ASK: &str =
    examples!("voicesim index ask documents --url http://localhost:11434/v1 --model llama3.2",);

#[cfg(feature = "retrieval")]
pub(super) const INDEX_SEARCH: &str = examples!(
    "voicesim index search documents \"When do you open?\"",
    "voicesim index search index \"And on Sunday?\" --after \"When do you open?\"",
);

#[cfg(feature = "retrieval")]
pub(super) const INDEX_EVAL: &str =
    examples!("voicesim index eval documents --questions questions.jsonl",);

#[cfg(feature = "retrieval")]
pub(super) const INDEX: &str = examples!(
    "voicesim index build documents --out index",
    "voicesim index search documents \"When do you open?\"",
    "voicesim run scenario.toml --docs index   # answer from it",
);

pub(super) const MODELS: &str = examples!(
    "voicesim models                           # each with its licence, and whether it is there",
    "voicesim models install",
    "voicesim models verify",
);

pub(super) const DEVICES: &str = examples!(
    "voicesim devices",
    "voicesim run --mic --input hw:1,0         # a device by its name in that list",
);

pub(super) const COMPLETIONS: &str = examples!(
    "voicesim completions bash > ~/.local/share/bash-completion/completions/voicesim",
    "voicesim completions zsh > ~/.zfunc/_voicesim",
    "voicesim completions fish > ~/.config/fish/completions/voicesim.fish",
);

pub(super) const MANUAL: &str = examples!(
    "voicesim man ~/.local/share/man/man1      # then: man voicesim, man voicesim-run",
    "voicesim man | man -l -",
);

#[cfg(test)]
mod tests {
    use crate::cli::Arguments;
    use clap::{Command, CommandFactory, Parser};

    fn example_lines(command: &Command) -> Vec<String> {
        let text = command.get_after_help().map(ToString::to_string);
        let text = text.unwrap_or_default().replace("\\\n", "");
        let lines = text.lines().filter(|line| line.starts_with("  "));
        lines.map(|line| line.trim().to_owned()).collect()
    }

    /// A command, and those below it.
    fn all(command: &Command) -> Vec<Command> {
        let below = command.get_subcommands().flat_map(all);
        std::iter::once(command.clone()).chain(below).collect()
    }

    /// The words of an example that voicesim sees: what stands before a comment, a pipe or a file to write into.
    fn arguments(line: &str) -> Vec<String> {
        let (mut words, mut is_quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' | '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                '#' | '|' | '>' | '<'
                    if !is_quoted && words.last().is_some_and(String::is_empty) =>
                {
                    break;
                }
                c => words.last_mut().expect("a word").push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_has_examples_that_are_understood_and_narrow() {
        for subcommand in &all(&Arguments::command()) {
            let lines = example_lines(subcommand);
            let name = subcommand.get_name();
            // The commands of `models` are three words that its own help shows.
            let are_shown_above = ["list", "install", "verify"].contains(&name);
            assert!(
                !lines.is_empty() || are_shown_above,
                "{name} has no examples"
            );
            assert!(lines.len() <= 4, "{name} has more than four examples");
            let text = subcommand.get_after_help().map(ToString::to_string);
            for line in text.unwrap_or_default().lines() {
                assert!(line.len() <= 100, "{name}: {line}");
            }
            for line in lines {
                if let Err(error) = Arguments::try_parse_from(arguments(&line)) {
                    panic!("{name}: {line}: {error}");
                }
            }
        }
    }

    #[test]
    fn commands_with_many_flags_have_them_in_groups() {
        for subcommand in &all(&Arguments::command()) {
            let flags = subcommand.get_opts().filter(|flag| !flag.is_global_set());
            let (plain, grouped): (Vec<_>, Vec<_>) =
                flags.partition(|flag| flag.get_help_heading().is_none());
            let name = subcommand.get_name();
            let all = plain.len() + grouped.len();
            assert!(
                all <= 8 || plain.len() <= 8,
                "{name}: {} of {all} flags have no help_heading",
                plain.len()
            );
        }
    }
}
