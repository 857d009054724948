//! The command line. See [`usms_console::cli`].

use std::process::ExitCode;

/// Rendering a page allocates about a thousand short strings. This allocator is faster at that than
/// the C library's, and returns memory to the system after a batch of a million messages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    usms_console::cli::run()
}
