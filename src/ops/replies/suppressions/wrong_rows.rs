//! The rows of a file that are not understood, as they are downloaded: read once more, as fast as the
//! browser takes them.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::import::ImportError;
use super::list_file::{self, FileProblem, PhoneColumn, Survey, WrongRow};
use super::places::Place;
use super::record;
use crate::app::App;
use crate::db::replies::suppression_imports;
use crate::domain::ids::{ProjectId, SuppressionImportId};
use crate::ops::actor::Actor;
use crate::recipient_file::ReaderProcess;

/// Rows that are passed on at once.
const ROWS_AT_ONCE: usize = 500;
/// Bytes of them.
const BYTES_AT_ONCE: usize = 256 << 10;
/// Groups of rows that wait for the person's browser.
const QUEUE_LENGTH: usize = 4;
/// How long a browser may take for the rows that are not understood: nobody else reads a spreadsheet
/// meanwhile.
const MAX_DOWNLOAD: std::time::Duration = std::time::Duration::from_secs(120);
/// One download after another, so that other files wait for one of them at most.
static DOWNLOADS: Semaphore = Semaphore::const_new(1);

/// A part of the rows that are not understood.
#[derive(Debug)]
pub enum WrongRows {
    /// The names of the columns, and whether lines need the names of their sheets.
    Names(Vec<String>, bool),
    /// Rows, each with the name of its sheet.
    Rows(Vec<(String, WrongRow)>),
    /// There are no more. Without this, reading has failed.
    End,
}

/// Reads the rows of a file that are not understood. They arrive as fast as they are taken, with
/// [`WrongRows::End`] behind the last ones.
///
/// # Errors
///
/// [`ImportError::Busy`] if too many files are read already.
pub async fn read(
    app: &App,
    actor: Actor<'_>,
    id: SuppressionImportId,
    chosen: Vec<PhoneColumn>,
) -> Result<mpsc::Receiver<WrongRows>, ImportError> {
    let place = Place::take(actor.user).ok_or(ImportError::Busy)?;
    let mut db = app.db.acquire().await?;
    let detail = json!({ "file": "rejected" });
    record(&mut db, actor, "suppressions_exported", &id.to_string(), detail, app).await?;
    let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
    let (app, project, reading) = (app.clone(), actor.project, sender.clone());
    tokio::spawn(async move {
        let _place = place;
        tokio::select! {
            // The browser has gone: nobody takes the rows.
            () = sender.closed() => {}
            read = read_all(&app, project, id, chosen, reading) => {
                if let Err(error) = read {
                    tracing::warn!(%error, "cannot read a list of phones to suppress again");
                }
            }
        }
    });
    Ok(receiver)
}

async fn read_all(
    app: &App,
    project: ProjectId,
    id: SuppressionImportId,
    chosen: Vec<PhoneColumn>,
    sender: mpsc::Sender<WrongRows>,
) -> Result<(), ImportError> {
    let _turn = DOWNLOADS.acquire().await;
    let content = suppression_imports::content(&app.db, project, id).await?;
    let content = Arc::new(content.ok_or(ImportError::Gone)?);
    let process = list_file::room_for(&content).await;
    let _stop_reading = process.stop_on_drop();
    let sending =
        Sending { sender, until: Instant::now() + MAX_DOWNLOAD, runtime: Handle::current() };
    let max_rows = app.uploads.rows;
    let send = move || send_all(content, process, &chosen, max_rows, &sending);
    Ok(tokio::task::spawn_blocking(send).await??)
}

/// Where rows are sent, as long as somebody takes them.
struct Sending {
    sender: mpsc::Sender<WrongRows>,
    until: Instant,
    runtime: Handle,
}

impl Sending {
    /// Sends rows. Returns whether they were taken in time.
    fn send(&self, rows: WrongRows) -> bool {
        let sent = tokio::time::timeout_at(self.until, self.sender.send(rows));
        matches!(self.runtime.block_on(sent), Ok(Ok(())))
    }
}

fn send_all(
    content: Arc<Vec<u8>>,
    process: ReaderProcess,
    chosen: &[PhoneColumn],
    max_rows: u32,
    sending: &Sending,
) -> Result<(), FileProblem> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    let begin = |survey: &Survey, names: Vec<String>| {
        // Nobody takes them any more if this fails; the next row ends it.
        let _ = sending.send(WrongRows::Names(names, survey.several_sheets()));
    };
    let mut is_taken = true;
    let take = |survey: &Survey, row: WrongRow| {
        let sheet = survey.sheets.get(row.sheet).map_or("", |sheet| sheet.name.as_str());
        bytes += row.bytes();
        rows.push((sheet.to_owned(), row));
        if rows.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        is_taken = sending.send(WrongRows::Rows(std::mem::take(&mut rows)));
        if is_taken { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    list_file::for_each_wrong(content, process, chosen, max_rows, begin, take)?;
    // Whoever was too slow is to see that something is missing.
    if is_taken && sending.send(WrongRows::Rows(rows)) {
        sending.send(WrongRows::End);
    }
    Ok(())
}
