//! Sending again what did not arrive: the messages of a batch become the file of a new draft, which
//! is read, previewed and confirmed as any other. What is in doubt is never among them.

use uuid::Uuid;

use super::uploads::report::ReadOptions;
use super::uploads::{Begin, IncomingFile, UploadError};
use crate::app::App;
use crate::db::batches::Batch;
use crate::db::messages::{self, Target};
use crate::db::uploads;
use crate::domain::ids::{BatchId, MessageId, ProjectId, UserId};
use crate::domain::message::Failed;
use crate::domain::text::{TemplateText, as_cell};
use crate::domain::upload::Mapping;
use crate::recipient_file::{Delimiter, Encoding};

/// Messages read at once.
const PAGE: i64 = 2_000;

/// What is to be sent again, and by whom.
#[derive(Debug)]
pub struct Again<'a> {
    /// The project.
    pub project: ProjectId,
    /// The batch.
    pub batch: &'a Batch,
    /// Which of its messages.
    pub which: Failed,
    /// The person.
    pub by: UserId,
    /// What the new draft's file is called.
    pub file_name: &'a str,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// Makes a draft of a batch's messages that did not arrive.
pub async fn draft(app: &App, again: &Again<'_>) -> Result<BatchId, UploadError> {
    let begin = Begin {
        project: again.project,
        by: again.by,
        signature: again.batch.signature_id,
        template: again.batch.template_id,
        file_name: again.file_name,
        schedule_at: None,
        form_token: again.form_token,
        resend_of: Some(again.batch.id),
    };
    super::uploads::check(app, &begin).await?;
    let variables = TemplateText::parse(&again.batch.template_text).variables();
    let mut page = next(app, again, None).await?;
    if page.is_empty() {
        return Err(UploadError::Empty);
    }
    let mut taking = IncomingFile::begin(app, &begin, &written(&page, Some(variables))).await?;
    while let Some(last) = page.last().map(|one| one.id) {
        page = next(app, again, Some(last)).await?;
        if let Err(error) = taking.take(app, &written(&page, None)).await {
            taking.abandon(app).await;
            return Err(error);
        }
    }
    let wanted = ReadOptions {
        encoding: Some(Encoding::Utf8),
        delimiter: Some(Delimiter::Comma),
        mapping: Some(Mapping {
            header: true,
            phone: 0,
            values: (1..=variables).map(Some).collect(),
        }),
    };
    let wanted = serde_json::to_value(wanted).unwrap_or_default();
    uploads::save_read_options(&app.db, taking.batch(), &wanted).await?;
    taking.end(app).await
}

async fn next(app: &App, again: &Again<'_>, after: Option<MessageId>) -> sqlx::Result<Vec<Target>> {
    messages::failed(&app.db, again.batch.id, again.which, after, PAGE).await
}

/// Rows of a file, with its header before the first.
fn written(targets: &[Target], header: Option<usize>) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = header.map(|variables| {
        let values = (1..=variables).map(|n| format!("param{n}"));
        std::iter::once("phone".to_owned()).chain(values).collect::<Vec<_>>()
    });
    // Writing into memory cannot fail.
    let _ = head.map(|head| out.write_record(head));
    for one in targets {
        let values = one.params.iter().map(|value| as_cell(value));
        let _ = out.write_record(
            std::iter::once(one.phone.as_str().into()).chain(values).map(|c| c.into_owned()),
        );
    }
    out.into_inner().unwrap_or_default()
}
