//! Receiving a file: in chunks, as the draft of a batch.

use time::OffsetDateTime;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::drafts::discard;
use super::error::UploadError;
use crate::app::App;
use crate::db::sending::batches::{self, NewBatch};
use crate::db::sending::uploads::Drafts;
use crate::db::sending::{resends, uploads};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::limits::{MAX_DRAFT_BYTES, MAX_DRAFTS};
use crate::domain::sending::batch::{BatchState, default_name};
use crate::domain::sending::upload::UploadSource;
use crate::domain::text::TemplateText;
use crate::ops::sending::order::{self, OrderError};
use crate::recipient_file::{Shape, Utf8};

/// Bytes of a chunk of the file.
const CHUNK: usize = 1 << 20;

/// The most characters of a batch's name. A file name may have twice as many.
pub const MAX_NAME_LENGTH: usize = 60;

/// Returns how many bytes the files of a person's drafts may have together. One file as large as the
/// settings allow is always accepted.
pub fn max_draft_bytes(app: &App) -> u64 {
    MAX_DRAFT_BYTES.max(app.uploads.bytes)
}

fn is_too_much(app: &App, drafts: Drafts) -> bool {
    u64::try_from(drafts.bytes).is_ok_and(|bytes| bytes > max_draft_bytes(app))
}

/// A draft to create.
#[derive(Debug, Clone)]
pub struct Begin<'a> {
    /// The project it is charged to.
    pub project: ProjectId,
    /// The person who creates it.
    pub by: UserId,
    /// The signature of its messages, if they have one.
    pub signature: Option<SignatureId>,
    /// Its template.
    pub template: TemplateId,
    /// The file name on the person's computer.
    pub file_name: &'a str,
    /// When it is to be sent, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The one-time token of the form.
    pub form_token: Uuid,
    /// The batches whose messages it sends again, the one from whose page it was made first.
    pub resend_of: &'a [BatchId],
}

/// Checks whether a draft could be created, before its file is received. Returns the number of
/// variables of the template.
///
/// # Errors
///
/// [`UploadError::Already`] if the form created a draft before, [`UploadError::Order`] if signature
/// and template cannot be used.
pub async fn check(app: &App, begin: &Begin<'_>) -> Result<usize, UploadError> {
    let mut db = app.db.acquire().await?;
    let already = batches::by_form_token(&mut db, begin.project, begin.by, begin.form_token);
    if let Some(batch) = already.await? {
        return Err(UploadError::Already(batch));
    }
    let (_, template) =
        order::approved(&mut db, begin.project, begin.signature, begin.template).await?;
    Ok(TemplateText::parse(&template.text).variables())
}

/// A file that is being received. The caller ends with [`IncomingFile::end`]; otherwise what was
/// received is removed, by [`IncomingFile::abandon`] at once, or soon after this is dropped.
#[derive(Debug)]
pub struct IncomingFile {
    app: App,
    batch: BatchId,
    /// Whether the draft is to stay, or is gone.
    is_settled: bool,
    project: ProjectId,
    by: UserId,
    chunk: Vec<u8>,
    chunks: i32,
    bytes: u64,
    utf8: Utf8,
}

impl IncomingFile {
    /// Creates a draft and stores the first bytes of its file. `head` must have some kilobytes
    /// unless the whole file is smaller: the kind of file is detected from it.
    ///
    /// # Errors
    ///
    /// [`UploadError`] says why the file is not accepted; then there is no draft.
    pub async fn begin(app: &App, begin: &Begin<'_>, head: &[u8]) -> Result<Self, UploadError> {
        if head.is_empty() {
            return Err(UploadError::Empty);
        }
        let source = match Shape::of(head) {
            Shape::Text => UploadSource::Text,
            Shape::Xlsx => UploadSource::Xlsx,
            Shape::Xls => UploadSource::Xls,
            shape => return Err(UploadError::WrongKind(shape)),
        };
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let (signature, template) =
            order::approved(&mut tx, begin.project, begin.signature, begin.template).await?;
        let name: String = begin.file_name.chars().filter(|c| !c.is_control()).collect();
        uploads::lock_drafts(&mut tx, begin.project, begin.by).await?;
        let drafts = uploads::drafts(&mut *tx, begin.project, begin.by).await?;
        let stored = batches::insert(
            &mut tx,
            &NewBatch {
                project: begin.project,
                name: &default_name(&template.name, now),
                state: BatchState::Draft,
                signature: signature.as_ref().map(|signature| signature.id),
                template: template.id,
                sig_content: order::content_of(signature.as_ref()),
                vendor_template_id: &template.template_id,
                template_text: &order::body(&template),
                added_opt_out: order::added_opt_out(&template),
                purpose: template.purpose,
                international: template.international,
                total: 0,
                parts: 0,
                price: None,
                planned: false,
                resend_of: begin.resend_of.first().copied(),
                ordered_by: begin.by,
                schedule_at: begin.schedule_at,
                form_token: begin.form_token,
            },
            now,
        )
        .await?;
        let Some(batch) = stored else {
            let already =
                batches::by_form_token(&mut tx, begin.project, begin.by, begin.form_token).await?;
            return Err(already.map_or(OrderError::FormUsed.into(), UploadError::Already));
        };
        if drafts.count >= MAX_DRAFTS || is_too_much(app, drafts) {
            return Err(UploadError::TooManyDrafts);
        }
        let name: String = name.chars().take(MAX_NAME_LENGTH * 2).collect();
        uploads::begin(&mut tx, begin.project, batch, source, &name, now).await?;
        resends::insert_sources(&mut tx, batch, begin.resend_of).await?;
        // Made before the draft is there, so that none is left if the person leaves right now.
        let mut incoming = Self {
            app: app.clone(),
            batch,
            is_settled: false,
            project: begin.project,
            by: begin.by,
            chunk: Vec::with_capacity(CHUNK),
            chunks: 0,
            bytes: 0,
            utf8: Utf8::default(),
        };
        tx.commit().await?;
        if let Err(error) = incoming.take(app, head).await {
            incoming.abandon(app).await;
            return Err(error);
        }
        Ok(incoming)
    }

    /// Stores the next bytes of the file.
    ///
    /// # Errors
    ///
    /// [`UploadError::TooLarge`] if the file exceeds the limit, [`UploadError::TooManyDrafts`] if all
    /// drafts of the person together do.
    pub async fn take(&mut self, app: &App, mut bytes: &[u8]) -> Result<(), UploadError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > app.uploads.bytes {
            return Err(UploadError::TooLarge(app.uploads.bytes));
        }
        self.utf8.update(bytes);
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() == CHUNK {
                self.store_chunk(app).await?;
                if is_too_much(app, uploads::drafts(&app.db, self.project, self.by).await?) {
                    return Err(UploadError::TooManyDrafts);
                }
            }
        }
        Ok(())
    }

    /// Returns the draft that the file belongs to.
    pub fn batch(&self) -> BatchId {
        self.batch
    }

    async fn store_chunk(&mut self, app: &App) -> sqlx::Result<()> {
        let now = app.clock.now();
        uploads::append(&app.db, self.batch, self.chunks, &self.chunk, now).await?;
        self.chunks += 1;
        self.chunk.clear();
        Ok(())
    }

    /// Marks the file as completely received, so that it is imported. Returns its draft.
    pub async fn end(mut self, app: &App) -> Result<BatchId, UploadError> {
        if !self.chunk.is_empty() {
            self.store_chunk(app).await?;
        }
        uploads::received(&app.db, self.batch, self.utf8.is_likely(), app.clock.now()).await?;
        self.is_settled = true;
        app.wake.read();
        Ok(self.batch)
    }

    /// Removes the draft and what was received of its file.
    pub async fn abandon(mut self, app: &App) {
        remove(app, self.project, self.batch).await;
        self.is_settled = true;
    }
}

impl Drop for IncomingFile {
    fn drop(&mut self) {
        // Whoever sent it has gone, or something failed: it counts against nobody's drafts.
        let Some(runtime) = Handle::try_current().ok().filter(|_| !self.is_settled) else { return };
        let (app, project, batch) = (self.app.clone(), self.project, self.batch);
        self.app.calls.spawn_on(async move { remove(&app, project, batch).await }, &runtime);
    }
}

async fn remove(app: &App, project: ProjectId, batch: BatchId) {
    if let Err(error) = discard(app, project, batch).await {
        // The clean-up job removes it an hour after its last chunk.
        tracing::warn!(%batch, %error, "cannot remove an interrupted upload yet");
    }
}
