//! The command line. See [`usms_console::cli`].

use std::process::ExitCode;

/// A page is a thousand small texts. This allocator is quicker with them than the C library's, and
/// gives back what a million messages took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    usms_console::cli::run()
}
