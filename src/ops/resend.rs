//! Sending failed messages again: the messages of a batch become the file of a new draft, which is
//! imported, previewed and confirmed like any other. Messages in doubt are never included.

use uuid::Uuid;

use super::uploads::report::ReadOptions;
use super::uploads::{Begin, IncomingFile, UploadError};
use crate::app::App;
use crate::db::batches::Batch;
use crate::db::messages::{self, Target};
use crate::db::uploads;
use crate::domain::cell;
use crate::domain::ids::{BatchId, MessageId, ProjectId, UserId};
use crate::domain::message::Failed;
use crate::domain::text::TemplateText;
use crate::domain::upload::Mapping;
use crate::recipient_file::{Delimiter, Encoding};

/// Messages that are read by one query.
const PAGE_SIZE: i64 = 2_000;

/// A request to send failed messages again.
#[derive(Debug)]
pub struct Again<'a> {
    /// The project.
    pub project: ProjectId,
    /// The batch.
    pub batch: &'a Batch,
    /// Which of its messages are sent again.
    pub which: Failed,
    /// The person.
    pub by: UserId,
    /// The file name of the new draft.
    pub file_name: &'a str,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// Creates a draft of a batch's failed messages.
///
/// # Errors
///
/// [`UploadError::Empty`] if there is no such message; see also [`IncomingFile::begin`].
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
    let mut page = next_page(app, again, None).await?;
    if page.is_empty() {
        return Err(UploadError::Empty);
    }
    let mut incoming = IncomingFile::begin(app, &begin, &csv_rows(&page, Some(variables))).await?;
    while let Some(last) = page.last().map(|message| message.id) {
        page = next_page(app, again, Some(last)).await?;
        if let Err(error) = incoming.take(app, &csv_rows(&page, None)).await {
            incoming.abandon(app).await;
            return Err(error);
        }
    }
    let options = ReadOptions {
        encoding: Some(Encoding::Utf8),
        delimiter: Some(Delimiter::Comma),
        mapping: Some(Mapping {
            header: true,
            values: (1..=variables).map(Some).collect(),
            ..Mapping::default()
        }),
        // They were sent before.
        placeholders: true,
        ..ReadOptions::default()
    };
    let options = serde_json::to_value(options).unwrap_or_default();
    uploads::save_read_options(&app.db, incoming.batch(), &options).await?;
    incoming.end(app).await
}

async fn next_page(
    app: &App,
    again: &Again<'_>,
    after: Option<MessageId>,
) -> sqlx::Result<Vec<Target>> {
    messages::failed(&app.db, again.batch.id, again.which, after, PAGE_SIZE).await
}

/// Formats messages as CSV rows, preceded by a header for this many variables if it is given.
fn csv_rows(targets: &[Target], header: Option<usize>) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let header = header.map(|variables| {
        let values = (1..=variables).map(|n| format!("param{n}"));
        std::iter::once("phone".to_owned()).chain(values).collect::<Vec<_>>()
    });
    // Writing into memory cannot fail.
    let _ = header.map(|header| out.write_record(header));
    for target in targets {
        let values = target.params.iter().map(|value| cell::in_csv(value));
        let _ = out.write_record(
            std::iter::once(target.phone.as_str().into()).chain(values).map(|c| c.into_owned()),
        );
    }
    out.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::recipient_file::read_text;

    proptest! {
        #[test]
        fn values_are_read_as_they_were_sent(
            params in proptest::collection::vec("['=+@\"-]{0,2}[^ \u{feff}\u{3000}\\pC][\\PC&&[^ \u{feff}\u{3000}]]{0,8}", 2)
        ) {
            let target =
                Target { id: MessageId(1), phone: "18500001234".to_owned(), params };
            let file = csv_rows(std::slice::from_ref(&target), Some(2));
            let mut rows = Vec::new();
            read_text(&file[..], Encoding::Utf8, Delimiter::Comma, |_| false, &mut |row| {
                rows.push(row);
                ControlFlow::Continue(())
            })
            .unwrap();
            let read: Vec<&str> = rows[1].cells.iter().map(|text| cell::read(text)).collect();
            prop_assert_eq!(read[0], target.phone.as_str());
            prop_assert_eq!(&read[1..], target.params.as_slice());
        }
    }
}
