//! The process that reads: it limits itself, reads its standard input and writes what it has read to
//! its standard output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::super::{
    BookOptions, IsKey, Row, TableError, read_all_sheets, read_spreadsheet, read_text,
};
use super::frames::{write_end, write_row};
use super::{BUFFER, Found, Task};

/// The most seconds of computing for a file. A million rows take about one.
const SECONDS: u64 = 60;
/// The most open files: input, output and errors, and one more of each.
const FILES: u64 = 8;

/// Does what the console asks for in `task`, and nothing beyond its limits.
///
/// # Errors
///
/// If there is no such task, or the console has ended.
pub fn run(task: &str, is_key: IsKey) -> io::Result<()> {
    say_only_where_it_panics();
    let task: Task = serde_json::from_str(task)?;
    limit(u64::from(task.megabytes()) << 20)
        .inspect_err(|error| drop(writeln!(io::stderr(), "cannot limit itself: {error}")))?;
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    read(task, input, output, is_key)
}

/// The console logs what this process says; the message of a panic may have a value of the file.
fn say_only_where_it_panics() {
    panic::set_hook(Box::new(|panicked| {
        if let Some(place) = panicked.location() {
            let _ = writeln!(io::stderr(), "panicked at {place}");
        }
    }));
}

/// Sets the limits of this process. Beyond them the kernel refuses memory or ends it, and it ends
/// with the console.
fn limit(bytes: u64) -> io::Result<()> {
    for (resource, most) in [
        (Resource::Data, bytes),
        (Resource::Cpu, SECONDS),
        (Resource::Nofile, FILES),
        // It writes no file, and leaves none of its memory behind.
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        // Whoever started the console may have set a lower one, which nobody can raise.
        let most = getrlimit(resource).maximum.map_or(most, |lower| lower.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// Reads `input`, and writes its rows and how it ended to `output`.
pub(super) fn read(task: Task, input: File, output: impl Write, is_key: IsKey) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let mut buffer = Vec::new();
    let mut take = |sheet: usize, row: Row| {
        match write_row(&mut output, &mut buffer, sheet, &row) {
            Ok(()) => ControlFlow::Continue(()),
            // Nobody wants it any more.
            Err(_) => ControlFlow::Break(()),
        }
    };
    // A library that stumbles over a damaged file is no reason to start over.
    let read = catch_unwind(AssertUnwindSafe(|| rows(task, input, is_key, &mut take)));
    let end = read.unwrap_or_else(|_| Err(TableError::Spreadsheet("not understood".to_owned())));
    write_end(&mut output, &end)?;
    output.flush()
}

fn rows(
    task: Task,
    input: File,
    is_key: IsKey,
    take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
) -> Result<Found, TableError> {
    match task {
        Task::Text { encoding, delimiter } => {
            let mut take = |row| take(0, row);
            read_text(input, encoding, delimiter, is_key, &mut take)?;
            Ok(Found::Text)
        }
        Task::Sheet { book, sheet, hidden } => {
            let options = BookOptions { sheet, hidden, is_key };
            let mut take = |row| take(0, row);
            Ok(Found::Sheet(read_spreadsheet(input, book, &options, &mut take)?))
        }
        Task::AllSheets { book } => Ok(Found::AllSheets(read_all_sheets(input, book, take)?)),
    }
}
