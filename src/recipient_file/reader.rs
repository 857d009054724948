//! Reads files in a process of its own, which limits its memory and time: whatever a file has, it
//! cannot take the console with it. The process knows nothing but the file.

mod child;
mod frames;
#[cfg(not(test))]
mod process;

use std::fs::File;
use std::io::{self, BufReader, PipeWriter, Read, Write};
use std::ops::ControlFlow;
use std::thread;

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Book, BookReport, Delimiter, Encoding, Row, RowSink, TableError};
pub use child::run as read_for_parent;
use frames::{Frame, Frames};
pub use process::this_is_the_program;
use process::{Process, Running};

/// The most megabytes that a process may allocate for a text, of which it holds a few rows.
const TEXT_MEGABYTES: u32 = 24;
/// The same for a spreadsheet, with its shared strings or, in the old format, all of its cells.
const BOOK_MEGABYTES: u32 = 104;
/// Room for the processes of one console: a text beside a spreadsheet, or several texts.
static ROOM: Semaphore = Semaphore::const_new((TEXT_MEGABYTES + BOOK_MEGABYTES) as usize);
/// Bytes that are passed on at once.
const BUFFER: usize = 64 << 10;

/// What a process is to read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    Text { encoding: Encoding, delimiter: Delimiter },
    Sheet { book: Book, sheet: Option<String>, hidden: bool },
    AllSheets { book: Book },
}

impl Task {
    fn megabytes(&self) -> u32 {
        match self {
            Self::Text { .. } => TEXT_MEGABYTES,
            Self::Sheet { .. } | Self::AllSheets { .. } => BOOK_MEGABYTES,
        }
    }
}

/// What a process has found beside the rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Found {
    Text,
    Sheet(BookReport),
    AllSheets(Vec<String>),
}

/// Room for one process. Those who want more than there is wait for their turn.
#[derive(Debug)]
pub struct ReaderProcess {
    _room: Option<SemaphorePermit<'static>>,
    running: Running,
}

/// Ends the process for which it was made when it is dropped: nobody waits for the rows any more.
#[derive(Debug)]
pub struct StopOnDrop(Running);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl ReaderProcess {
    /// Waits until there is room for a process that reads texts.
    pub async fn for_text() -> Self {
        Self::in_room(ROOM.acquire_many(TEXT_MEGABYTES).await.ok())
    }

    /// Waits until there is room for a process that reads spreadsheets.
    pub async fn for_book() -> Self {
        Self::in_room(ROOM.acquire_many(BOOK_MEGABYTES).await.ok())
    }

    /// Returns one that waits for nobody.
    #[cfg(test)]
    pub fn without_waiting() -> Self {
        Self::in_room(None)
    }

    fn in_room(room: Option<SemaphorePermit<'static>>) -> Self {
        Self { _room: room, running: Running::default() }
    }

    /// Returns what ends the process, now or later, when it is dropped.
    pub fn stop_on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.running.clone())
    }

    /// Passes the rows of a text to `take`, until it stops.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the text cannot be read, or `source` fails.
    pub fn read_text(
        &self,
        source: &mut (dyn Read + Send),
        encoding: Encoding,
        delimiter: Delimiter,
        take: RowSink<'_>,
    ) -> Result<(), TableError> {
        let task = Task::Text { encoding, delimiter };
        let (input, feed) = io::pipe()?;
        let mut process = Process::start(&self.running, &task, input)?;
        thread::scope(|scope| {
            let feeding =
                thread::Builder::new().spawn_scoped(scope, move || pass_on(source, feed))?;
            let read = rows_of(&mut process, &mut |_, row| take(row));
            // Whatever is still being passed on is not wanted any more.
            drop(process);
            let fed = feeding.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            // What was read of a file that broke off may look like the whole of it.
            let read = read?;
            Ok(fed.map(|()| drop(read))?)
        })
    }

    /// Passes the rows of a sheet to `take`, until it stops: of the one that is named, or else of the
    /// first that has phones, or else rows.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the file is damaged, encrypted, too large when decompressed, or has no rows.
    pub fn read_spreadsheet(
        &self,
        file: File,
        book: Book,
        sheet: Option<String>,
        hidden: bool,
        take: RowSink<'_>,
    ) -> Result<BookReport, TableError> {
        let mut process =
            Process::start(&self.running, &Task::Sheet { book, sheet, hidden }, file)?;
        match rows_of(&mut process, &mut |_, row| take(row))? {
            Some(Found::Sheet(report)) => Ok(report),
            _ => Ok(BookReport::default()),
        }
    }

    /// Passes the rows of all sheets, hidden ones included, to `take`, each with the number of its
    /// sheet, until it stops. Returns the names of the sheets.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the file is damaged, encrypted or too large when decompressed.
    pub fn read_all_sheets(
        &self,
        file: File,
        book: Book,
        take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
    ) -> Result<Vec<String>, TableError> {
        let mut process = Process::start(&self.running, &Task::AllSheets { book }, file)?;
        match rows_of(&mut process, take)? {
            Some(Found::AllSheets(names)) => Ok(names),
            _ => Ok(Vec::new()),
        }
    }
}

/// Passes the rows that a process has read to `take`. Returns `None` if it stops.
fn rows_of(
    process: &mut Process,
    take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
) -> Result<Option<Found>, TableError> {
    let mut frames = Frames::of(BufReader::with_capacity(BUFFER, process.output()?));
    loop {
        match frames.next() {
            Ok(Frame::Row(sheet, row)) => {
                if take(sheet, row).is_break() {
                    return Ok(None);
                }
            }
            Ok(Frame::End(end)) => return end.map(Some),
            Err(error) => return Err(process.died(&error)),
        }
    }
}

fn pass_on(source: &mut (dyn Read + Send), mut feed: PipeWriter) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        match feed.write_all(&buffer[..n]) {
            // The reader has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
}

/// In tests of modules, which cannot start the program, a thread does what the process does.
#[cfg(test)]
mod process {
    use std::io::PipeReader;

    use super::{File, TableError, Task, child, io, thread};
    use crate::domain::sending::upload::is_phone;

    /// No program is started.
    pub fn this_is_the_program() {}

    /// Nothing is ended.
    #[derive(Debug, Clone, Default)]
    pub(super) struct Running(());

    impl Running {
        pub(super) fn stop(&self) {}
    }

    pub(super) struct Process(Option<PipeReader>);

    impl Process {
        pub(super) fn start(
            _: &Running,
            task: &Task,
            input: impl Into<std::os::fd::OwnedFd>,
        ) -> Result<Self, TableError> {
            let (output, results) = io::pipe()?;
            let task = serde_json::to_string(task).map_err(io::Error::from)?;
            let input = File::from(input.into());
            thread::spawn(move || {
                child::read(serde_json::from_str(&task).unwrap(), input, results, is_phone)
            });
            Ok(Self(Some(output)))
        }

        pub(super) fn output(&mut self) -> io::Result<PipeReader> {
            self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into())
        }

        pub(super) fn died(&mut self, _: &io::Error) -> TableError {
            TableError::ReaderDied
        }
    }
}
