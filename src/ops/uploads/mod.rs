//! A batch from a file: taken in piece by piece as a draft, read anew as often as its person likes,
//! and confirmed once.

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
use crate::db::{audit, projects, recipients, signatures, sms_templates, uploads};
use crate::domain::batch::{BatchState, needs_approval};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::upload::UploadSource;
use crate::recipient_file::Shape;
use report::{ReadOptions, Report};

/// Pieces that a file is kept in.
const PIECE: usize = 1 << 20;
/// Letters of a file's name, and of a batch's.
pub const MAX_NAME_LENGTH: usize = 60;

/// A draft to begin.
#[derive(Debug, Clone)]
pub struct Begin<'a> {
    /// The project it is charged to.
    pub project: ProjectId,
    /// Who begins it.
    pub by: UserId,
    /// The signature it goes out under.
    pub signature: SignatureId,
    /// Its template.
    pub template: TemplateId,
    /// What the person called the file.
    pub file_name: &'a str,
    /// When it leaves, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The one-time token of the form.
    pub form_token: Uuid,
    /// The batch whose messages it repeats.
    pub resend_of: Option<BatchId>,
}

/// Why a file is not taken. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Signature or template; the other causes do not occur here.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Neither text nor a spreadsheet.
    #[error("not a text file or spreadsheet")]
    WrongKind,
    /// Nothing in it.
    #[error("file is empty")]
    Empty,
    /// Larger than the settings allow.
    #[error("file is larger than {0} bytes")]
    TooLarge(u64),
    /// The form was sent before and made this draft.
    #[error("form already submitted")]
    Already(BatchId),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Looks whether a draft could begin, before its file has arrived.
pub async fn check(app: &App, begin: &Begin<'_>) -> Result<(), UploadError> {
    let mut db = app.db.acquire().await?;
    let already = batches::by_form_token(&mut db, begin.project, begin.by, begin.form_token);
    if let Some(batch) = already.await? {
        return Err(UploadError::Already(batch));
    }
    chosen(&mut db, begin.project, begin.signature, begin.template).await?;
    Ok(())
}

async fn chosen(
    db: &mut PgConnection,
    project: ProjectId,
    signature: SignatureId,
    template: TemplateId,
) -> Result<(Signature, SmsTemplate), OrderError> {
    let signature = signatures::find_approved(db, project, signature)
        .await?
        .ok_or(OrderError::SignatureNotApproved)?;
    let template = sms_templates::find_approved(db, project, template)
        .await?
        .ok_or(OrderError::TemplateNotApproved)?;
    if signature.international == template.international {
        Ok((signature, template))
    } else {
        Err(OrderError::DifferentKinds)
    }
}

/// A file that is being taken in. What was taken is removed again unless it ends well.
#[derive(Debug)]
pub struct IncomingFile {
    batch: BatchId,
    project: ProjectId,
    piece: Vec<u8>,
    pieces: i32,
    bytes: u64,
    utf8: Utf8,
}

impl IncomingFile {
    /// Begins a draft with the first bytes of its file, of which there must be some kilobytes unless
    /// the whole is smaller.
    pub async fn begin(app: &App, begin: &Begin<'_>, head: &[u8]) -> Result<Self, UploadError> {
        if head.is_empty() {
            return Err(UploadError::Empty);
        }
        let source = match Shape::of(head) {
            Shape::Text => UploadSource::Text,
            Shape::Xlsx => UploadSource::Xlsx,
            Shape::Xls => UploadSource::Xls,
            Shape::Other => return Err(UploadError::WrongKind),
        };
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let (signature, template) =
            chosen(&mut tx, begin.project, begin.signature, begin.template).await?;
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
                resend_of: begin.resend_of,
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
        tx.commit().await?;
        let mut taking = Self {
            batch,
            project: begin.project,
            piece: Vec::with_capacity(PIECE),
            pieces: 0,
            bytes: 0,
            utf8: Utf8::default(),
        };
        taking.take(app, head).await?;
        Ok(taking)
    }

    /// Takes the next bytes.
    pub async fn take(&mut self, app: &App, mut bytes: &[u8]) -> Result<(), UploadError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > app.uploads.bytes {
            return Err(UploadError::TooLarge(app.uploads.bytes));
        }
        self.utf8.look_at(bytes);
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE {
                self.keep(app).await?;
            }
        }
        Ok(())
    }

    /// The draft that it belongs to.
    pub fn batch(&self) -> BatchId {
        self.batch
    }

    async fn keep(&mut self, app: &App) -> sqlx::Result<()> {
        let now = app.clock.now();
        uploads::append(&app.db, self.batch, self.pieces, &self.piece, now).await?;
        self.pieces += 1;
        self.piece.clear();
        Ok(())
    }

    /// The last byte has come: the file may be read.
    pub async fn end(mut self, app: &App) -> Result<BatchId, UploadError> {
        if !self.piece.is_empty() {
            self.keep(app).await?;
        }
        uploads::received(&app.db, self.batch, self.utf8.ends_valid(), app.clock.now()).await?;
        app.wake.read();
        Ok(self.batch)
    }

    /// It did not end well: nothing of it stays.
    pub async fn abandon(self, app: &App) {
        let gone = discard(app, self.project, self.batch).await;
        if let Err(error) = gone {
            // What is left of it is removed when it has not been touched for an hour.
            tracing::warn!(batch = %self.batch, %error, "cannot remove an interrupted upload yet");
        }
    }
}

/// Whether bytes that come in pieces are valid UTF-8 together.
#[derive(Debug, Default)]
struct Utf8 {
    invalid: bool,
    cut: Vec<u8>,
}

impl Utf8 {
    fn look_at(&mut self, bytes: &[u8]) {
        if self.invalid {
            return;
        }
        let joined;
        let bytes = if self.cut.is_empty() {
            bytes
        } else {
            joined = [self.cut.as_slice(), bytes].concat();
            &joined
        };
        let cut = match std::str::from_utf8(bytes) {
            Ok(_) => Vec::new(),
            Err(error) if error.error_len().is_none() => bytes[error.valid_up_to()..].to_vec(),
            Err(_) => {
                self.invalid = true;
                Vec::new()
            }
        };
        self.cut = cut;
    }

    fn ends_valid(&self) -> bool {
        !self.invalid && self.cut.is_empty()
    }
}

/// Removes a draft. Answers whether it was one.
pub async fn discard(app: &App, project: ProjectId, batch: BatchId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let gone = batches::discard(&mut tx, project, batch).await?;
    tx.commit().await?;
    Ok(gone)
}

/// How a person wants a draft changed before it is read again.
#[derive(Debug)]
pub struct Change {
    /// The project.
    pub project: ProjectId,
    /// The draft.
    pub batch: BatchId,
    /// The signature it goes out under.
    pub signature: SignatureId,
    /// Its template.
    pub template: TemplateId,
    /// How the file is read.
    pub wanted: ReadOptions,
}

/// Has a draft read again, perhaps for another signature or template. Answers whether it was one.
pub async fn read_again(app: &App, change: &Change) -> Result<bool, UploadError> {
    let mut tx = app.db.begin().await?;
    let (signature, template) =
        chosen(&mut tx, change.project, change.signature, change.template).await?;
    let content = batches::Content {
        signature: signature.id,
        template: template.id,
        sig_content: &signature.content,
        vendor_template_id: &template.template_id,
        template_text: &order::body(&template),
        purpose: template.purpose,
        international: template.international,
    };
    let wanted = serde_json::to_value(&change.wanted).unwrap_or_default();
    let now = app.clock.now();
    let moved = batches::change_draft(&mut tx, change.project, change.batch, &content).await?
        && uploads::read_again(&mut tx, change.project, change.batch, &wanted, now).await?;
    tx.commit().await?;
    app.wake.read();
    Ok(moved)
}

/// A person's yes to a draft.
#[derive(Debug)]
pub struct ConfirmRequest<'a> {
    /// The project.
    pub project: ProjectId,
    /// The draft.
    pub batch: BatchId,
    /// Who says it.
    pub by: UserId,
    /// What lists call it.
    pub name: &'a str,
    /// How many the page said would be sent to.
    pub checked: i64,
    /// Also to phones that were sent the same within 24 hours.
    pub with_repeats: bool,
    /// When it leaves, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The first leave alone.
    pub trial: Option<Trial>,
    /// The address it is said from.
    pub address: &'a str,
}

/// What a yes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// It leaves, waits for its time, or waits for a second person.
    Ordered(BatchState),
    /// It was confirmed before: nothing new was ordered.
    Already,
    /// Something was ordered with the same template since it was read, or the page was an old one:
    /// it is read again, or shown again, before anything leaves.
    Changed,
    /// Nobody would be sent to.
    Nobody,
}

/// Orders what a draft holds, once.
pub async fn confirm(app: &App, request: &ConfirmRequest<'_>) -> Result<Confirmation, OrderError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(draft) = uploads::lock_draft(&mut tx, request.project, request.batch).await? else {
        return Ok(Confirmation::Already);
    };
    recipients::one_at_a_time(&mut tx, draft.template_id).await?;
    let (_, template) =
        chosen(&mut tx, request.project, draft.signature_id, draft.template_id).await?;
    let Some((report, orders_seen)) = read_report(&draft) else {
        return Ok(Confirmation::Changed);
    };
    if recipients::orders_of(&mut tx, request.project, draft.template_id).await? != orders_seen {
        uploads::read_again(&mut tx, request.project, request.batch, &draft.read_options, now)
            .await?;
        tx.commit().await?;
        app.wake.read();
        return Ok(Confirmation::Changed);
    }
    let going = report.going(request.with_repeats);
    if going == 0 {
        return Ok(Confirmation::Nobody);
    }
    if going != request.checked {
        return Ok(Confirmation::Changed);
    }
    let total = i32::try_from(going).unwrap_or(i32::MAX);
    let policy = projects::policy(&mut tx, request.project).await?;
    let approval = needs_approval(template.purpose, total, policy.approval_over);
    let state = order::beginning(approval, request.schedule_at, now);
    let parts = i32::try_from(report.going_parts(request.with_repeats)).unwrap_or(i32::MAX);
    let confirmed = Confirmed {
        state,
        name: request.name,
        total,
        parts,
        price: policy.price(template.international),
        each_own: !report.uniform,
        by: request.by,
        schedule_at: request.schedule_at,
        // A first part that is everything leaves no rest to wait.
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
        address: request.address,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(Confirmation::Ordered(state))
}

fn read_report(draft: &uploads::Draft) -> Option<(Report, i64)> {
    let report = serde_json::from_value(draft.report.clone()?).ok()?;
    Some((report, draft.orders_seen?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn validity_does_not_depend_on_where_pieces_are_cut(
            text in "\\PC{0,40}", broken in any::<bool>(), at in 1_usize..7,
        ) {
            let mut bytes = text.into_bytes();
            if broken {
                bytes.push(0xff);
            }
            let mut pieces = Utf8::default();
            for piece in bytes.chunks(at) {
                pieces.look_at(piece);
            }
            prop_assert_eq!(pieces.ends_valid(), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
