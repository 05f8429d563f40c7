//! The `voicesim` program: parse, log, run, exit code.

use std::process::ExitCode;
use voicesim::cli;

fn main() -> ExitCode {
    let arguments = cli::Arguments::of_process();
    cli::log_to_stderr(&arguments);
    match cli::run(arguments) {
        Ok(verdict) => verdict.exit_code(),
        Err(failure) => {
            cli::tell(&failure);
            failure.exit_code()
        }
    }
}
