//! The command line. See [`usms_console::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    usms_console::cli::run()
}
