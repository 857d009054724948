//! Batches from a recipient list: the file is received in chunks as a draft, imported again
//! whenever a person changes how it is read, and confirmed once.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ops::order::{self, OrderError};

mod classify;
mod copy;
pub mod import;
pub mod report;
mod scan;

use crate::app::App;
use crate::db::batch_transitions::{self, Confirmed, Trial};
use crate::db::batches::{self, NewBatch};
use crate::db::signatures::Signature;
use crate::db::sms_templates::SmsTemplate;
use crate::db::{audit, projects, recipients, repeats, resends, uploads};
use crate::domain::batch::{BatchState, needs_approval};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::recipient::Verdict;
use crate::domain::text::TemplateText;
use crate::domain::upload::UploadSource;
use crate::domain::version::{Part, Version};
use crate::recipient_file::{Shape, Utf8};
use report::{ReadOptions, Report};

/// Bytes of a chunk of the file.
const CHUNK: usize = 1 << 20;
/// The most characters of a batch's name. A file name may have twice as many.
pub const MAX_NAME_LENGTH: usize = 60;

/// A draft to create.
#[derive(Debug, Clone)]
pub struct Begin<'a> {
    /// The project it is charged to.
    pub project: ProjectId,
    /// The person who creates it.
    pub by: UserId,
    /// The signature of its messages.
    pub signature: SignatureId,
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

/// Why a file was not accepted. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Signature or template cannot be used; the other variants do not occur here.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Neither text nor a spreadsheet that can be read.
    #[error("not a text file or spreadsheet, but {0:?}")]
    WrongKind(Shape),
    /// The file is empty, or there is nothing to send again.
    #[error("file is empty")]
    Empty,
    /// Larger than the settings allow (in bytes).
    #[error("file is larger than {0} bytes")]
    TooLarge(u64),
    /// The form was submitted before and created this draft.
    #[error("form already submitted")]
    Already(BatchId),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
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

/// A file that is being received. The caller ends with [`IncomingFile::end`] or, to remove what was
/// received, [`IncomingFile::abandon`].
#[derive(Debug)]
pub struct IncomingFile {
    batch: BatchId,
    project: ProjectId,
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
        let stored = batches::insert(
            &mut tx,
            &NewBatch {
                project: begin.project,
                name: &template.name,
                state: BatchState::Draft,
                signature: signature.id,
                template: template.id,
                sig_content: &signature.content,
                vendor_template_id: &template.template_id,
                template_text: &order::body(&template),
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
        let name: String = name.chars().take(MAX_NAME_LENGTH * 2).collect();
        uploads::begin(&mut tx, begin.project, batch, source, &name, now).await?;
        resends::insert_sources(&mut tx, batch, begin.resend_of).await?;
        tx.commit().await?;
        let mut incoming = Self {
            batch,
            project: begin.project,
            chunk: Vec::with_capacity(CHUNK),
            chunks: 0,
            bytes: 0,
            utf8: Utf8::default(),
        };
        incoming.take(app, head).await?;
        Ok(incoming)
    }

    /// Stores the next bytes of the file.
    ///
    /// # Errors
    ///
    /// [`UploadError::TooLarge`] if the file exceeds the limit.
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
        app.wake.read();
        Ok(self.batch)
    }

    /// Removes the draft and what was received of its file.
    pub async fn abandon(self, app: &App) {
        let discarded = discard(app, self.project, self.batch).await;
        if let Err(error) = discarded {
            // The clean-up job removes it an hour after its last chunk.
            tracing::warn!(batch = %self.batch, %error, "cannot remove an interrupted upload yet");
        }
    }
}

/// Removes a draft. Returns false if the batch is not a draft any more.
pub async fn discard(app: &App, project: ProjectId, batch: BatchId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let discarded = batches::discard(&mut tx, project, batch).await?;
    tx.commit().await?;
    Ok(discarded)
}

/// A change of a draft, after which its file is imported again.
#[derive(Debug)]
pub struct Change {
    /// The project.
    pub project: ProjectId,
    /// The draft.
    pub batch: BatchId,
    /// The signature of its messages.
    pub signature: SignatureId,
    /// Its template.
    pub template: TemplateId,
    /// How the file is to be read.
    pub wanted: ReadOptions,
}

/// Has the file of a draft imported again with other options, and perhaps for another signature or
/// template. Returns false if the batch is not a draft any more.
///
/// # Errors
///
/// [`UploadError::Order`] if signature and template cannot be used.
pub async fn read_again(app: &App, change: &Change) -> Result<bool, UploadError> {
    let mut tx = app.db.begin().await?;
    let (signature, template) =
        order::approved(&mut tx, change.project, change.signature, change.template).await?;
    let body = order::body(&template);
    let content = content_of(&signature, &template, &body);
    let wanted = serde_json::to_value(&change.wanted).unwrap_or_default();
    let now = app.clock.now();
    let changed = batches::change_draft(&mut tx, change.project, change.batch, &content).await?
        && uploads::read_again(&mut tx, change.project, change.batch, &wanted, now).await?;
    tx.commit().await?;
    app.wake.read();
    Ok(changed)
}

fn content_of<'a>(
    signature: &'a Signature,
    template: &'a SmsTemplate,
    body: &'a str,
) -> batches::Content<'a> {
    batches::Content {
        signature: signature.id,
        template: template.id,
        sig_content: &signature.content,
        vendor_template_id: &template.template_id,
        template_text: body,
        purpose: template.purpose,
        international: template.international,
    }
}

/// The texts that the preview of a draft shows.
#[derive(Debug, Clone, Copy)]
pub struct ShownTexts<'a> {
    /// The vendor's id of the template.
    pub vendor_template_id: &'a str,
    /// The template's text.
    pub template_text: &'a str,
    /// The signature's content.
    pub sig_content: &'a str,
}

impl<'a> ShownTexts<'a> {
    /// Returns the texts of a draft.
    pub fn of_batch(batch: &'a batches::Batch) -> Self {
        Self {
            vendor_template_id: &batch.vendor_template_id,
            template_text: &batch.template_text,
            sig_content: &batch.sig_content,
        }
    }

    fn of(draft: &'a uploads::Draft) -> Self {
        Self {
            vendor_template_id: &draft.vendor_template_id,
            template_text: &draft.template_text,
            sig_content: &draft.sig_content,
        }
    }
}

/// Returns the version of the preview of a draft whose file was read at `read_at`. `price` is that of
/// a part, in ten-thousandths of a yuan.
pub fn version_of(
    report: &Report,
    read_at: Option<OffsetDateTime>,
    texts: &ShownTexts<'_>,
    price: Option<i32>,
) -> Version {
    let read_at = read_at.map(|at| at.unix_timestamp_nanos().to_string());
    let recipients = json!([
        read_at,
        report.rows,
        report.counts,
        report.parts,
        report.repeat_parts,
        report.first_rows,
        report.sheet,
        report.encoding,
        report.delimiter
    ]);
    let columns = json!([report.mapping, report.columns]);
    let template = format!("{} {}", texts.vendor_template_id, texts.template_text);
    Version::default()
        .with(Part::Recipients, &recipients.to_string())
        .with(Part::Columns, &columns.to_string())
        .with(Part::Template, &template)
        .with(Part::Signature, texts.sig_content)
        .with(Part::Price, &format!("{price:?}"))
}

/// A person's confirmation of a draft.
#[derive(Debug)]
pub struct ConfirmRequest<'a> {
    /// The project.
    pub project: ProjectId,
    /// The draft.
    pub batch: BatchId,
    /// Who confirms it.
    pub by: UserId,
    /// The name of the batch in lists.
    pub name: &'a str,
    /// How many messages the page said would be sent.
    pub checked: i64,
    /// The version of the page; `None` if it was not ordered by a page.
    pub version: Option<&'a str>,
    /// Whether repeats are sent as well: the same text to the same phone within 24 hours.
    pub with_repeats: bool,
    /// When it is to be sent, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The trial batch, if there is to be one.
    pub trial: Option<Trial>,
    /// The IP address of the request.
    pub ip: &'a str,
}

/// The result of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// It was ordered: it is sent, waits for its time, or waits for approval.
    Ordered(BatchState),
    /// It was confirmed before; nothing new was ordered.
    Already,
    /// Nothing was ordered: another batch with the same template was ordered since the import, so
    /// the file is imported again; or the page was outdated and has to be shown again.
    Changed,
    /// Nothing was ordered: other messages leave around the new time, so the file is imported again
    /// to find those that it repeats.
    Moved,
    /// Nothing was ordered: no row can be sent.
    Nobody,
    /// Nothing was ordered: a person has to answer a question about the file first.
    Unanswered,
    /// Nothing was ordered: the page was out of date in these parts.
    OutOfDate(Vec<Part>),
}

/// Confirms a draft, once.
///
/// # Errors
///
/// [`OrderError`] if signature and template cannot be used any more; the other variants do not
/// occur here.
pub async fn confirm(app: &App, request: &ConfirmRequest<'_>) -> Result<Confirmation, OrderError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(draft) = uploads::lock_draft(&mut tx, request.project, request.batch).await? else {
        return Ok(Confirmation::Already);
    };
    recipients::lock_confirmations(&mut tx, draft.template_id).await?;
    let (signature, template) =
        order::approved(&mut tx, request.project, draft.signature_id, draft.template_id).await?;
    let Some((report, orders_seen)) = read_report(&draft) else {
        return Ok(Confirmation::Changed);
    };
    let policy = projects::policy(&mut tx, request.project).await?;
    let price = policy.price(template.international);
    if let Some(posted) = request.version {
        let changes = version_of(&report, draft.read_at, &ShownTexts::of(&draft), price)
            .changes_since(posted);
        if !changes.is_empty() {
            return Ok(Confirmation::OutOfDate(changes));
        }
    }
    let body = order::body(&template);
    let content = content_of(&signature, &template, &body);
    let is_current = content.template_text == draft.template_text
        && content.sig_content == draft.sig_content
        && content.vendor_template_id == draft.vendor_template_id;
    let orders = repeats::orders_seen(&mut tx, request.project, draft.template_id).await?;
    let is_moved = is_moved(app, &mut tx, request, &draft, &report).await?;
    if orders != orders_seen || !is_current || is_moved {
        batches::change_draft(&mut tx, request.project, request.batch, &content).await?;
        batches::move_draft(&mut tx, request.project, request.batch, request.schedule_at).await?;
        uploads::read_again(&mut tx, request.project, request.batch, &draft.read_options, now)
            .await?;
        tx.commit().await?;
        app.wake.read();
        let changed = orders != orders_seen || !is_current;
        return Ok(if changed { Confirmation::Changed } else { Confirmation::Moved });
    }
    if report.question().is_some() {
        return Ok(Confirmation::Unanswered);
    }
    let count = report.going(request.with_repeats);
    if count == 0 {
        return Ok(Confirmation::Nobody);
    }
    if count != request.checked {
        return Ok(Confirmation::Changed);
    }
    let total = i32::try_from(count).unwrap_or(i32::MAX);
    let approval = needs_approval(template.purpose, total, policy.approval_over);
    let state = order::initial_state(approval, request.schedule_at, now);
    let parts = i32::try_from(report.going_parts(request.with_repeats)).unwrap_or(i32::MAX);
    let confirmed = Confirmed {
        state,
        name: request.name,
        total,
        parts,
        price,
        each_own: !report.uniform,
        by: request.by,
        schedule_at: request.schedule_at,
        // A trial batch of all messages leaves none to wait for it.
        trial: request.trial.filter(|trial| trial.first < total),
    };
    recipients::with_repeats(&mut tx, request.batch, request.with_repeats).await?;
    if !batch_transitions::confirm(&mut tx, request.project, request.batch, &confirmed, now).await?
    {
        return Ok(Confirmation::Already);
    }
    let entry = audit::Entry {
        project: Some(request.project),
        user: Some(request.by),
        action: "batch_ordered",
        subject: &request.batch.to_string(),
        detail: json!({ "template": template.template_id, "phones": total, "parts": parts,
            "with_repeats": request.with_repeats }),
        ip: request.ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(Confirmation::Ordered(state))
}

/// Returns whether a draft is confirmed for another time than it was checked for, and other rows are
/// repeats then, or may be.
async fn is_moved(
    app: &App,
    db: &mut PgConnection,
    request: &ConfirmRequest<'_>,
    draft: &uploads::Draft,
    report: &Report,
) -> sqlx::Result<bool> {
    if draft.schedule_at == request.schedule_at {
        return Ok(false);
    }
    if report.count(Verdict::Repeat) > 0 {
        return Ok(true);
    }
    let query = repeats::TemplateQuery {
        project: request.project,
        template: draft.template_id,
        but: resends::sources(db, request.batch).await?,
        span: super::repeats::span(app, request.schedule_at),
    };
    Ok(repeats::count_of_batch(db, request.batch, &query).await? > 0)
}

fn read_report(draft: &uploads::Draft) -> Option<(Report, i64)> {
    let report = serde_json::from_value(draft.report.clone()?).ok()?;
    Some((report, draft.orders_seen?))
}
