//! Reading a file of recipients: every row gets its verdict. The file streams from the database
//! through a thread that reads, judges and writes rows back by COPY, so that neither the file nor
//! its rows are ever held as a whole; pages go on meanwhile. One transaction holds all of it: a
//! reader that dies leaves nothing, and another begins anew.

use std::io::{Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

use sqlx::PgConnection;
use time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::db::uploads::{self, Job};
use crate::db::{messages, recipients, sms_templates, suppressions};
use crate::domain::ids::BatchId;
use crate::domain::sms_template;
use crate::domain::text::TemplateText;
use crate::domain::upload::{Mapping, UploadSource};
use crate::ops::order::REPEAT_WINDOW;
use crate::recipient_file::{Book, TableError};

use super::classify::{Rules, SendHistory};
use super::copy::CopyLines;
use super::report::ReadOptions;
use super::scan::{Reader, Source};

/// A reader that said nothing for so long is dead.
const LEASE: Duration = Duration::seconds(15);
/// How often a reader says how far it is.
const PROGRESS: std::time::Duration = std::time::Duration::from_millis(400);
/// Pieces of the file, and of rows to be written, that wait between the steps.
const QUEUED: usize = 4;
/// Why a file could not be read now.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file itself: a person has to mend it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// More rows than the settings allow.
    #[error("more than {0} rows")]
    ManyRows(u32),
    /// Somebody asked for it to be read in another way meanwhile, or threw it away.
    #[error("upload was discarded")]
    Unwanted,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl ImportError {
    /// How it is kept for the page: a name, and what belongs to it behind a colon.
    fn problem(&self) -> Option<String> {
        Some(match self {
            Self::Table(TableError::OpenQuote(line)) => format!("quote:{line}"),
            Self::Table(TableError::Spreadsheet(_) | TableError::Io(_)) => "broken".to_owned(),
            Self::Table(TableError::Bomb(_)) => "bomb".to_owned(),
            Self::Table(TableError::Empty) => "empty".to_owned(),
            Self::ManyRows(most) => format!("rows:{most}"),
            Self::Unwanted | Self::Database(_) => return None,
        })
    }
}

/// Reads the oldest file that waits. Answers whether there was one.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let Some(job) = uploads::take(&app.db, app.clock.now(), LEASE).await? else {
        return Ok(false);
    };
    match read(app, &job).await {
        Ok(rows) => info!(batch = %job.batch_id, rows, "recipient file read"),
        Err(ImportError::Database(error)) => return Err(error),
        Err(error) => {
            if let Some(problem) = error.problem() {
                uploads::give_up(&app.db, &job, &problem, app.clock.now()).await?;
            }
            warn!(batch = %job.batch_id, %error, "cannot read recipient file");
        }
    }
    Ok(true)
}

async fn read(app: &App, job: &Job) -> Result<i32, ImportError> {
    let batch =
        batches::find(&app.db, job.project_id, job.batch_id).await?.ok_or(ImportError::Unwanted)?;
    let orders_seen = orders_of(app, &batch, job).await?;
    let known = known(app, &batch, job).await?;
    let meanings = meanings(app, &batch, job).await?;
    let far = Arc::new(Progress::default());
    let _telling = tell_progress(app, job, far.clone());
    let source = source(app, job, far.clone()).await?;
    let wanted: ReadOptions = serde_json::from_value(job.read_options.clone()).unwrap_or_default();
    let reader = Reader {
        rules: Rules {
            text: TemplateText::parse(&batch.template_text),
            signature: batch.sig_content.clone(),
            international: batch.international,
            mapping: Mapping::default(),
        },
        known,
        utf8: job.utf8,
        wanted,
        meanings,
        most_rows: app.uploads.rows,
        far,
    };
    let (out, written) = mpsc::channel(QUEUED);
    let batch_id = job.batch_id;
    let reading =
        tokio::task::spawn_blocking(move || reader.run(source, CopyLines::new(batch_id, out)));
    let mut tx = app.db.begin().await?;
    recipients::clear(&mut tx, job.batch_id).await?;
    copy(&mut tx, written).await?;
    let report = reading.await.map_err(|error| TableError::Spreadsheet(error.to_string()))??;
    let rows = report.rows;
    let report = serde_json::to_value(report).unwrap_or_default();
    let now = app.clock.now();
    if !uploads::finish(&mut tx, job, &report, rows, orders_seen, now).await? {
        return Err(ImportError::Unwanted);
    }
    tx.commit().await?;
    Ok(rows)
}

async fn copy(db: &mut PgConnection, mut lines: mpsc::Receiver<Vec<u8>>) -> sqlx::Result<()> {
    let mut copy = db.copy_in_raw(recipients::COPY_IN).await?;
    while let Some(piece) = lines.recv().await {
        copy.send(piece).await?;
    }
    copy.finish().await.map(drop)
}

/// Counted before anything else is looked at: what is ordered later is seen by its absence here.
async fn orders_of(app: &App, batch: &Batch, job: &Job) -> sqlx::Result<i64> {
    let mut db = app.db.acquire().await?;
    recipients::orders_of(&mut db, job.project_id, batch.template_id).await
}

/// Who opted out, and who was sent this template within the last day or is about to be. What a
/// batch repeats on purpose is no repeat.
async fn known(app: &App, batch: &Batch, job: &Job) -> sqlx::Result<SendHistory> {
    let mut known = SendHistory::default();
    suppressions::for_each(&app.db, job.project_id, |phone| known.suppressions(phone)).await?;
    let since = app.clock.now() - REPEAT_WINDOW;
    let of = messages::Lately {
        project: job.project_id,
        template: batch.template_id,
        since,
        but: batch.resend_of,
    };
    messages::sent_lately(&app.db, of, |phone, params| known.sent(phone, params)).await?;
    Ok(known)
}

/// What the template's author wrote of its variables, in order, as far as it can be told apart.
async fn meanings(app: &App, batch: &Batch, job: &Job) -> sqlx::Result<Vec<String>> {
    let mut db = app.db.acquire().await?;
    let template = sms_templates::find_approved(&mut db, job.project_id, batch.template_id).await?;
    let variables = TemplateText::parse(&batch.template_text).variables();
    Ok(template
        .map_or_else(Vec::new, |one| sms_template::read_instruction(&one.instruction, variables)))
}

/// How far a reader is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) rows: AtomicI32,
    pub(super) bytes: AtomicI64,
}

/// Says how far it is until the guard is dropped. It has a connection of its own only while it
/// speaks, and nobody waits for it.
fn tell_progress(app: &App, job: &Job, far: Arc<Progress>) -> DropGuard {
    let stop = CancellationToken::new();
    let (app, job, stopped) = (app.clone(), job.clone(), stop.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stopped.cancelled() => return,
                () = tokio::time::sleep(PROGRESS) => {}
            }
            let (rows, bytes) =
                (far.rows.load(Ordering::Relaxed), far.bytes.load(Ordering::Relaxed));
            let lease_until = app.clock.now() + LEASE;
            if let Err(error) = uploads::progress(&app.db, &job, rows, bytes, lease_until).await {
                warn!(batch = %job.batch_id, %error, "cannot record reading progress");
            }
        }
    });
    stop.drop_guard()
}

/// A text streams out of the database as it is read; a spreadsheet is read back and forth, so it is
/// put into a nameless file first.
async fn source(app: &App, job: &Job, far: Arc<Progress>) -> Result<Source, ImportError> {
    let book = match job.source {
        UploadSource::Text => {
            let (chunks, pieces) = mpsc::channel(QUEUED);
            let (app, batch) = (app.clone(), job.batch_id);
            tokio::spawn(async move { feed(&app, batch, chunks).await });
            return Ok(Source::Text(Box::new(Pieces { pieces, piece: Vec::new(), at: 0, far })));
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

async fn feed(app: &App, batch: BatchId, chunks: mpsc::Sender<std::io::Result<Vec<u8>>>) {
    for n in 0.. {
        let piece = match uploads::chunk(&app.db, batch, n).await {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => return,
            Err(error) => Err(std::io::Error::other(error)),
        };
        let failed = piece.is_err();
        if chunks.send(piece).await.is_err() || failed {
            return;
        }
    }
}

/// The pieces of a file as one stream.
struct Pieces {
    pieces: mpsc::Receiver<std::io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    far: Arc<Progress>,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.piece.len() {
            match self.pieces.blocking_recv() {
                Some(piece) => (self.piece, self.at) = (piece?, 0),
                None => return Ok(0),
            }
        }
        let n = into.len().min(self.piece.len() - self.at);
        into[..n].copy_from_slice(&self.piece[self.at..self.at + n]);
        self.at += n;
        self.far.bytes.fetch_add(i64::try_from(n).unwrap_or(0), Ordering::Relaxed);
        Ok(n)
    }
}
