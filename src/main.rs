//! The `voicesim` program: parse, log, run, exit code.

use mimalloc::MiMalloc;
use std::process::ExitCode;
use voicesim::cli;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
