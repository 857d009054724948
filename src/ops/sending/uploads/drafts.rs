//! Drafts: discarding one, reading its file again, and the version of its preview.

use serde_json::json;
use time::OffsetDateTime;

use super::error::UploadError;
use super::report::{ReadOptions, Report};
use crate::app::App;
use crate::db::review::signatures::Signature;
use crate::db::review::sms_templates::SmsTemplate;
use crate::db::sending::{batches, uploads};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId};
use crate::domain::sending::price::Estimate;
use crate::domain::sending::version::{Part, Version};
use crate::ops::sending::order;

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
    /// The signature of its messages, if they have one.
    pub signature: Option<SignatureId>,
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
    let content = content_of(signature.as_ref(), &template, &body);
    let wanted = serde_json::to_value(&change.wanted).unwrap_or_default();
    let now = app.clock.now();
    let changed = batches::change_draft(&mut tx, change.project, change.batch, &content).await?
        && uploads::read_again(&mut tx, change.project, change.batch, &wanted, now).await?;
    tx.commit().await?;
    app.wake.read();
    Ok(changed)
}

/// Returns what a draft sends with a signature, or without, and a template, whose text is `body`.
pub(super) fn content_of<'a>(
    signature: Option<&'a Signature>,
    template: &'a SmsTemplate,
    body: &'a str,
) -> batches::Content<'a> {
    batches::Content {
        signature: signature.map(|signature| signature.id),
        template: template.id,
        sig_content: order::content_of(signature),
        vendor_template_id: &template.template_id,
        template_text: body,
        added_opt_out: order::added_opt_out(template),
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

    /// Returns the texts of a locked draft.
    pub(super) fn of(draft: &'a uploads::Draft) -> Self {
        Self {
            vendor_template_id: &draft.vendor_template_id,
            template_text: &draft.template_text,
            sig_content: &draft.sig_content,
        }
    }
}

/// Returns the version of the preview of a draft whose file was read at `read_at`. The prices of
/// `estimate` are those of all countries in the file, also of those with repeats only.
pub fn version_of(
    report: &Report,
    read_at: Option<OffsetDateTime>,
    texts: &ShownTexts<'_>,
    estimate: &Estimate,
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
        .with(Part::Price, &estimate.prices_text())
}
