//! Importing a recipient list: every row gets its verdict. The file streams from the database
//! through a process that parses it and a thread that classifies its rows, and back into the database
//! by COPY, so that neither the file nor its rows are ever held in memory as a whole. All rows are
//! written in one transaction: a reader that dies leaves nothing behind, and another one starts over.

use std::io::{Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::PgConnection;
use time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use crate::app::App;
use crate::db;
use crate::db::replies::suppressions;
use crate::db::review::sms_templates;
use crate::db::sending::batches::{self, Batch};
use crate::db::sending::uploads::{self, Job};
use crate::db::sending::{recipients, resends};
use crate::domain::ids::BatchId;
use crate::domain::review::Purpose;
use crate::domain::review::sms_template;
use crate::domain::sending::outgoing::{OutgoingTemplate, Wording};
use crate::domain::sending::upload::{Mapping, UploadSource};
use crate::domain::text::TemplateText;
use crate::ops::erasure::ErasedOptOuts;
use crate::ops::sending::repeats;
use crate::recipient_file::{Book, ReaderProcess, TableError};

use super::classify::{OwnColumns, Rules, SendHistory};
use super::copy::CopyLines;
use super::error::ImportError;
use super::report::ReadOptions;
use super::scan::{Progress, Reader, Source};

/// A reader that has not reported progress for this long is considered dead.
const LEASE: Duration = Duration::seconds(15);
/// How many readers may die of a file before it counts as one that cannot be read.
const MAX_DEAD_READERS: i32 = 2;
/// When a file is tried again that the console cannot read for now.
const RETRY: Duration = Duration::seconds(5);
/// How often a reader reports its progress.
const PROGRESS_INTERVAL: std::time::Duration = std::time::Duration::from_millis(400);
/// Chunks of the file, and buffers of rows, that are queued between the steps.
const QUEUE_LENGTH: usize = 4;

/// Imports the oldest file that is waiting. Returns whether there was one.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    run_until(app, &CancellationToken::new()).await
}

/// Imports the oldest file that is waiting, unless `stop` comes first. Returns whether there was one.
pub async fn run_until(app: &App, stop: &CancellationToken) -> sqlx::Result<bool> {
    let Some(job) = uploads::take(&app.db, app.clock.now(), LEASE).await? else {
        return Ok(false);
    };
    let result = if job.dead_readers < MAX_DEAD_READERS {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(ImportError::Stopped),
            read = read(app, &job) => read,
        }
    } else {
        Err(TableError::ReaderDied.into())
    };
    match result {
        Ok(rows) => info!(batch = %job.batch_id, rows, "recipient file read"),
        Err(ImportError::Database(error)) => {
            // The reader lives, and the file is not to blame unless the database refuses what is in
            // it. If this fails as well, another one takes the file when the lease has run out.
            let _ = uploads::wait_again(&app.db, &job, !is_refused(&error), None).await;
            return Err(error);
        }
        Err(ImportError::Stopped) => uploads::wait_again(&app.db, &job, true, None).await?,
        Err(ImportError::Table(TableError::Io(error))) => {
            // Neither the reader nor the file is to blame. Other files may be read meanwhile.
            let at = app.clock.now() + RETRY;
            uploads::wait_again(&app.db, &job, true, Some(at)).await?;
            error!(batch = %job.batch_id, %error, "cannot read a recipient file for now; will retry");
        }
        Err(ImportError::Table(TableError::ReaderDied))
            if job.dead_readers + 1 < MAX_DEAD_READERS =>
        {
            uploads::wait_again(&app.db, &job, false, None).await?;
        }
        Err(error) => {
            if let Some(problem) = error.problem_code() {
                let found = error.found();
                uploads::give_up(&app.db, &job, &problem, found.as_ref(), app.clock.now()).await?;
            }
            warn!(batch = %job.batch_id, %error, "cannot read recipient file");
        }
    }
    Ok(true)
}

/// Returns whether the database refuses what is to be stored (SQLSTATE class 22).
fn is_refused(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| code.starts_with("22"))
}

async fn read(app: &App, job: &Job) -> Result<i32, ImportError> {
    let batch = batches::find(&app.db, job.project_id, job.batch_id)
        .await?
        .ok_or(ImportError::Discarded)?;
    let orders_seen = orders_seen(app, &batch, job).await?;
    let history = load_history(app, &batch, job).await?;
    let meanings = variable_meanings(app, &batch, job).await?;
    let progress = Arc::new(Progress::default());
    let _reporting = report_progress(app, job, progress.clone());
    let process = match job.source {
        UploadSource::Text => ReaderProcess::for_text().await,
        UploadSource::Xlsx | UploadSource::Xls => ReaderProcess::for_book().await,
    };
    // If the process stops, nobody waits for the rows any more.
    let _stop_reading = process.stop_on_drop();
    let source = open_source(app, job, progress.clone()).await?;
    let options: ReadOptions = serde_json::from_value(job.read_options.clone()).unwrap_or_default();
    let reader = Reader {
        process,
        rules: Rules {
            wording: wording_of(&batch),
            mapping: Mapping::default(),
            placeholders: options.placeholders,
            as_stored: options.as_stored.clone(),
            own_columns: OwnColumns::default(),
        },
        history,
        utf8: job.utf8,
        options,
        meanings,
        max_rows: app.uploads.rows,
        progress,
    };
    let (out, lines) = mpsc::channel(QUEUE_LENGTH);
    let batch_id = job.batch_id;
    let reading =
        tokio::task::spawn_blocking(move || reader.run(source, CopyLines::new(batch_id, out)));
    let mut tx = app.db.begin().await?;
    recipients::clear(&mut tx, job.batch_id).await?;
    copy(&mut tx, lines).await?;
    let report = reading.await.map_err(|error| TableError::Spreadsheet(error.to_string()))??;
    let rows = report.rows;
    let report = serde_json::to_value(report).unwrap_or_default();
    let now = app.clock.now();
    if !uploads::finish(&mut tx, job, &report, rows, orders_seen, now).await? {
        return Err(ImportError::Discarded);
    }
    tx.commit().await?;
    Ok(rows)
}

async fn copy(db: &mut PgConnection, mut lines: mpsc::Receiver<Vec<u8>>) -> sqlx::Result<()> {
    let mut copy = db.copy_in_raw(recipients::COPY_IN).await?;
    while let Some(buffer) = lines.recv().await {
        copy.send(buffer).await?;
    }
    copy.finish().await.map(drop)
}

fn wording_of(batch: &Batch) -> Wording {
    let template = OutgoingTemplate {
        id: batch.template_id,
        text: batch.template_text.clone(),
        added_opt_out: batch.added_opt_out.clone(),
        purpose: batch.purpose,
        international: batch.international,
    };
    Wording::of_draft(batch.signature_id, batch.sig_content.clone(), template)
}

/// Returns which orders of the template there are, before anything else is read. If that differs
/// when the draft is confirmed, the send history has changed since.
async fn orders_seen(app: &App, batch: &Batch, job: &Job) -> sqlx::Result<i64> {
    let mut db = app.db.acquire().await?;
    db::sending::repeats::orders_seen(&mut db, job.project_id, batch.template_id).await
}

/// Loads the suppressions that apply to the batch, and to whom this template leaves within a day of
/// it. The failed messages that a batch sends again are left out.
async fn load_history(app: &App, batch: &Batch, job: &Job) -> sqlx::Result<SendHistory> {
    let mut history = SendHistory::default();
    let marketing = batch.purpose == Purpose::Marketing;
    suppressions::for_each(&app.db, job.project_id, marketing, |phone| {
        history.add_suppressed(phone);
    })
    .await?;
    let mut db = app.db.acquire().await?;
    history.set_erased(ErasedOptOuts::load(app, &mut db, job.project_id, batch.purpose).await?);
    let (project, template) = (job.project_id, batch.template_id);
    let add = |phone: &str, params: &[String]| history.add_sent(phone, params);
    let sources = resends::sources(&mut db, batch.id).await?;
    drop(db);
    repeats::for_each(app, project, template, sources, batch.schedule_at, add).await?;
    Ok(history)
}

/// Returns the meanings of the template's variables, in order, as far as its instruction can be
/// parsed.
async fn variable_meanings(app: &App, batch: &Batch, job: &Job) -> sqlx::Result<Vec<String>> {
    let mut db = app.db.acquire().await?;
    let template = sms_templates::find_approved(&mut db, job.project_id, batch.template_id).await?;
    let variables = TemplateText::parse(&batch.template_text).variables();
    Ok(template.map_or_else(Vec::new, |template| {
        sms_template::read_instruction(&template.instruction, variables)
    }))
}

/// Reports the progress until the guard is dropped. The task uses a connection only while it
/// writes, and nothing waits for it.
fn report_progress(app: &App, job: &Job, progress: Arc<Progress>) -> DropGuard {
    let stop = CancellationToken::new();
    let (app, job, stopped) = (app.clone(), job.clone(), stop.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stopped.cancelled() => return,
                () = tokio::time::sleep(PROGRESS_INTERVAL) => {}
            }
            let (rows, bytes) =
                (progress.rows.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed));
            let lease_until = app.clock.now() + LEASE;
            if let Err(error) = uploads::progress(&app.db, &job, rows, bytes, lease_until).await {
                warn!(batch = %job.batch_id, %error, "cannot record reading progress");
            }
        }
    });
    stop.drop_guard()
}

/// Opens the uploaded file. A text streams from the database as it is read; a spreadsheet needs
/// random access, so it is copied to an unnamed temporary file first.
async fn open_source(app: &App, job: &Job, progress: Arc<Progress>) -> Result<Source, ImportError> {
    let book = match job.source {
        UploadSource::Text => {
            let (sender, chunks) = mpsc::channel(QUEUE_LENGTH);
            let (app, batch) = (app.clone(), job.batch_id);
            tokio::spawn(async move { send_chunks(&app, batch, sender).await });
            let reader = ChunkReader { chunks, chunk: Vec::new(), position: 0, progress };
            return Ok(Source::Text(Box::new(reader)));
        }
        UploadSource::Xlsx => Book::Xlsx,
        UploadSource::Xls => Book::Xls,
    };
    let mut file = tempfile::tempfile().map_err(TableError::Io)?;
    let mut n = 0;
    while let Some(chunk) = uploads::chunk(&app.db, job.batch_id, n).await? {
        file.write_all(&chunk).map_err(TableError::Io)?;
        n += 1;
    }
    file.rewind().map_err(TableError::Io)?;
    Ok(Source::Book(file, book))
}

async fn send_chunks(app: &App, batch: BatchId, sender: mpsc::Sender<std::io::Result<Vec<u8>>>) {
    for n in 0.. {
        let chunk = match uploads::chunk(&app.db, batch, n).await {
            Ok(Some(chunk)) => Ok(chunk),
            Ok(None) => return,
            Err(error) => Err(std::io::Error::other(error)),
        };
        let failed = chunk.is_err();
        if sender.send(chunk).await.is_err() || failed {
            return;
        }
    }
}

/// Reads the chunks of a file as one stream.
struct ChunkReader {
    chunks: mpsc::Receiver<std::io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    position: usize,
    progress: Arc<Progress>,
}

impl Read for ChunkReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.position == self.chunk.len() {
            match self.chunks.blocking_recv() {
                Some(chunk) => (self.chunk, self.position) = (chunk?, 0),
                None => return Ok(0),
            }
        }
        let n = into.len().min(self.chunk.len() - self.position);
        into[..n].copy_from_slice(&self.chunk[self.position..self.position + n]);
        self.position += n;
        self.progress.bytes.fetch_add(i64::try_from(n).unwrap_or(0), Ordering::Relaxed);
        Ok(n)
    }
}
