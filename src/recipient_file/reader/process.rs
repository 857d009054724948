//! The process that reads, as its console sees it.

use std::io::{self, PipeReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::Signal;

use super::{TableError, Task};

/// The exit code of a program that panicked.
const PANICKED: i32 = 101;
/// Bytes of what a process says about its end that are read, and characters that are logged.
const MAX_SAID: u64 = 16 << 10;
const MAX_LOGGED: usize = 300;
/// So many digits in a row may be a phone.
const PHONE_DIGITS: usize = 7;

/// The program that reads, if this process is it.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says that this process runs the program that reads, and not a test of the library.
pub fn this_is_the_program() {
    // The program of this process, even if its file was replaced meanwhile.
    let own = PathBuf::from("/proc/self/exe");
    let own = if own.exists() { Ok(own) } else { std::env::current_exe() };
    if let Ok(own) = own {
        let _ = PROGRAM.set(own);
    }
}

/// Returns the program: this one, or beside the tests that Cargo has built.
fn program() -> io::Result<PathBuf> {
    if let Some(own) = PROGRAM.get() {
        return Ok(own.clone());
    }
    let name = format!("usms-console{}", std::env::consts::EXE_SUFFIX);
    let tests = std::env::current_exe()?;
    let mut beside = tests.ancestors().skip(1).take(2).map(|folder| folder.join(&name));
    beside.find(|path| path.is_file()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The process that runs for somebody, if one does.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    child: Option<Child>,
    is_stopped: bool,
}

impl Running {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the process that runs; no other one starts.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.is_stopped = true;
        if let Some(child) = &mut state.child {
            // Whoever reads its output waits for it.
            let _ = child.kill();
        }
    }
}

/// A running process. It ends when this is dropped.
pub(super) struct Process {
    running: Running,
    output: Option<PipeReader>,
    errors: PipeReader,
}

impl Process {
    pub(super) fn start(
        running: &Running,
        task: &Task,
        input: impl Into<Stdio>,
    ) -> Result<Self, TableError> {
        let (output, results) = io::pipe()?;
        let (errors, said) = io::pipe()?;
        // What is said beyond what a pipe holds is lost; nobody waits for it to be read.
        rustix::io::ioctl_fionbio(&said, true).map_err(io::Error::from)?;
        let task = serde_json::to_string(task).map_err(io::Error::from)?;
        let mut state = running.state();
        if state.is_stopped {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        let child = Command::new(program()?)
            .args(["read-file", &task])
            .env_clear()
            // The allocator is not to reserve memory that the limit counts as used.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .current_dir("/")
            // Ctrl-C in a terminal is for the console, which ends its readers itself.
            .process_group(0)
            .stdin(input)
            .stdout(results)
            .stderr(said)
            .spawn()?;
        state.child = Some(child);
        drop(state);
        Ok(Self { running: running.clone(), output: Some(output), errors })
    }

    pub(super) fn output(&mut self) -> io::Result<PipeReader> {
        self.output.take().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Ends the process, whose output broke off with `error`. Returns whether its file is to blame.
    pub(super) fn died(&mut self, error: &io::Error) -> TableError {
        let is_stopped = self.running.state().is_stopped;
        let Some(ended) = self.end().filter(|_| !is_stopped) else {
            return io::Error::from(io::ErrorKind::Interrupted).into();
        };
        let said = self.said();
        tracing::warn!(%error, %ended, said, "the reader of a file died");
        if is_of_file(ended) {
            return TableError::ReaderDied;
        }
        io::Error::new(io::ErrorKind::Interrupted, format!("the reader has ended: {ended}")).into()
    }

    fn end(&mut self) -> Option<ExitStatus> {
        let mut child = self.running.state().child.take()?;
        let _ = child.kill();
        child.wait().ok()
    }

    /// Returns the last lines that the process has written to its standard error.
    fn said(&mut self) -> String {
        let mut said = Vec::new();
        let _ = (&mut self.errors).take(MAX_SAID).read_to_end(&mut said);
        loggable(&String::from_utf8_lossy(&said))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns whether a process that has ended so may have done so because of its file. One that was
/// asked to end, as all are when the system stops, or that could not begin, has not.
fn is_of_file(ended: ExitStatus) -> bool {
    const ASKED: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];
    match ended.signal() {
        Some(signal) => ASKED.iter().all(|asked| asked.as_raw() != signal),
        None => ended.code() == Some(PANICKED),
    }
}

/// Returns the end of a text in one line, without what may be a phone.
fn loggable(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_number = |part: &str| part.len() >= PHONE_DIGITS && part.starts_with(digit);
    let parts = split_digits(&line).map(|part| if is_number(part) { "…" } else { part });
    let line: Vec<char> = parts.collect::<String>().chars().filter(|c| !c.is_control()).collect();
    line[line.len().saturating_sub(MAX_LOGGED)..].iter().collect()
}

fn digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

/// Splits a text into runs of digits and what is between them.
fn split_digits(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|letter| digit(letter) != digit(first)).unwrap_or(rest.len());
        let part;
        (part, rest) = rest.split_at(end);
        Some(part)
    })
}
