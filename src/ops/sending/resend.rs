//! Sending again what did not arrive: the messages of one batch, or of several of the same template,
//! become the file of a new draft, which is imported, previewed and confirmed like any other.
//! Messages in doubt are never included.

use std::collections::{HashSet, VecDeque};

use time::Duration;
use uuid::Uuid;

use super::uploads::report::ReadOptions;
use super::uploads::{Begin, IncomingFile, UploadError};
use crate::app::App;
use crate::db::sending::batches::Batch;
use crate::db::sending::messages::Target;
use crate::db::sending::resends::{self, Undelivered};
use crate::db::sending::uploads;
use crate::domain::ids::{BatchId, MessageId, ProjectId, UserId};
use crate::domain::receipt_codes::Category;
use crate::domain::sending::cell;
use crate::domain::sending::message::Outcome;
use crate::domain::sending::resend::ResendCause;
use crate::domain::sending::upload::Mapping;
use crate::domain::text::TemplateText;
use crate::recipient_file::{Delimiter, Encoding};

/// Messages that are read by one query.
const PAGE_SIZE: i64 = 2_000;
/// For so long, a receipt that called a phone blacklisted keeps it from being sent to again.
const BLACKLISTED_FOR: Duration = Duration::days(30);

/// Causes of failures in batches, and how many of their messages may be sent again.
#[derive(Debug, Default)]
pub struct Causes {
    /// The causes that are offered, temporary ones first, then by their number of messages.
    pub offered: Vec<(ResendCause, i64)>,
    /// Messages to phones that are blacklisted.
    pub blacklisted: i64,
}

/// Returns why messages of batches did not arrive. `refused` and `cancelled` are the numbers of those
/// messages.
pub async fn causes(
    app: &App,
    batches: &[BatchId],
    refused: i64,
    cancelled: i64,
) -> sqlx::Result<Causes> {
    let mut causes = Causes::default();
    let failed = resends::causes(&app.db, batches).await?;
    let failed = failed.into_iter().map(|one| (cause_of(&one.category), one.count));
    let others = [(ResendCause::Refused, refused), (ResendCause::Cancelled, cancelled)];
    for (cause, count) in failed.chain(others).filter(|(_, count)| *count > 0) {
        if !cause.is_offered() {
            causes.blacklisted += count;
        } else if let Some(one) = causes.offered.iter_mut().find(|(other, _)| *other == cause) {
            one.1 += count;
        } else {
            causes.offered.push((cause, count));
        }
    }
    causes.offered.sort_by_key(|(cause, count)| (!cause.is_temporary(), -count, cause.key()));
    Ok(causes)
}

/// Returns the cause of messages that failed with a reason of this category, which may be empty.
fn cause_of(category: &str) -> ResendCause {
    ResendCause::Failed(Category::from_key(category).unwrap_or(Category::CarrierUnspecified))
}

/// A request to send failed messages again.
#[derive(Debug)]
pub struct Again<'a> {
    /// The project.
    pub project: ProjectId,
    /// The batch from whose page it was asked for.
    pub batch: &'a Batch,
    /// The batches whose messages are sent again; they have its template, text and signature.
    pub sources: &'a [BatchId],
    /// Why the messages did not arrive.
    pub causes: &'a [ResendCause],
    /// The person.
    pub by: UserId,
    /// The file name of the new draft.
    pub file_name: &'a str,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// Creates a draft of messages that did not arrive.
///
/// # Errors
///
/// [`UploadError::Empty`] if there is no such message; see also [`IncomingFile::begin`].
pub async fn draft(app: &App, again: &Again<'_>) -> Result<BatchId, UploadError> {
    let others = again.sources.iter().filter(|id| **id != again.batch.id);
    let sources: Vec<BatchId> = std::iter::once(again.batch.id).chain(others.copied()).collect();
    let begin = Begin {
        project: again.project,
        by: again.by,
        signature: again.batch.signature_id,
        template: again.batch.template_id,
        file_name: again.file_name,
        schedule_at: None,
        form_token: again.form_token,
        resend_of: &sources,
    };
    super::uploads::check(app, &begin).await?;
    let variables = TemplateText::parse(&again.batch.template_text).variables();
    let mut pages = Pages::of(app, again, &sources).await?;
    let first = pages.next().await?.ok_or(UploadError::Empty)?;
    let mut incoming = IncomingFile::begin(app, &begin, &csv_rows(&first, Some(variables))).await?;
    while let Some(page) = pages.next().await? {
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

/// The messages that are sent again, page by page.
struct Pages<'a> {
    app: &'a App,
    /// The categories of the causes of failed messages.
    categories: Vec<&'static str>,
    /// Phones that may not be sent to again.
    blacklisted: HashSet<String>,
    /// The phones and values by which the batch at the front was sent again.
    resent: HashSet<(String, Vec<String>)>,
    /// What is still to be read.
    parts: VecDeque<(BatchId, Outcome)>,
    after: Option<MessageId>,
}

impl<'a> Pages<'a> {
    async fn of(app: &'a App, again: &Again<'_>, sources: &[BatchId]) -> sqlx::Result<Self> {
        let mut categories = Vec::new();
        let mut outcomes = Vec::new();
        for cause in again.causes.iter().filter(|cause| cause.is_offered()) {
            let outcome = match cause {
                ResendCause::Failed(category) => {
                    categories.push(category.key());
                    Outcome::Failed
                }
                ResendCause::Refused => Outcome::Refused,
                ResendCause::Cancelled => Outcome::Cancelled,
            };
            if !outcomes.contains(&outcome) {
                outcomes.push(outcome);
            }
        }
        if categories.contains(&Category::CarrierUnspecified.key()) {
            // A receipt without a reason.
            categories.push("");
        }
        let parts: VecDeque<(BatchId, Outcome)> = sources
            .iter()
            .flat_map(|batch| outcomes.iter().map(|outcome| (*batch, *outcome)))
            .collect();
        let mut blacklisted = HashSet::new();
        let since = app.clock.now() - BLACKLISTED_FOR;
        resends::for_each_blacklisted(&app.db, again.project, since, |phone| {
            blacklisted.insert(phone);
        })
        .await?;
        let resent = HashSet::new();
        let mut pages = Self { app, categories, blacklisted, resent, parts, after: None };
        pages.load_resent().await?;
        Ok(pages)
    }

    /// Loads by which messages the batch at the front was sent again.
    async fn load_resent(&mut self) -> sqlx::Result<()> {
        self.resent.clear();
        let Some((batch, _)) = self.parts.front() else { return Ok(()) };
        resends::for_each_resent(&self.app.db, *batch, |phone, params| {
            self.resent.insert((phone, params));
        })
        .await
    }

    /// Returns the next messages; `None` after the last.
    async fn next(&mut self) -> sqlx::Result<Option<Vec<Target>>> {
        while let Some((batch, outcome)) = self.parts.front().copied() {
            let mut page = self.read(batch, outcome).await?;
            if let Some(last) = page.last() {
                self.after = Some(last.id);
                page.retain(|target| self.may_be_sent(target));
                if page.is_empty() {
                    continue;
                }
                return Ok(Some(page));
            }
            self.parts.pop_front();
            self.after = None;
            if self.parts.front().is_some_and(|(next, _)| *next != batch) {
                self.load_resent().await?;
            }
        }
        Ok(None)
    }

    /// Returns whether a message may be sent again: its phone is not blacklisted, and it was not sent
    /// again already.
    fn may_be_sent(&self, target: &Target) -> bool {
        !self.blacklisted.contains(&target.phone)
            && !self.resent.contains(&(target.phone.clone(), target.params.clone()))
    }

    async fn read(&self, batch: BatchId, outcome: Outcome) -> sqlx::Result<Vec<Target>> {
        let db = &self.app.db;
        if outcome == Outcome::Cancelled {
            return resends::cancelled(db, batch, self.after, PAGE_SIZE).await;
        }
        let wanted = Undelivered {
            batch,
            outcome,
            categories: Some(self.categories.as_slice()).filter(|_| outcome == Outcome::Failed),
        };
        resends::undelivered(db, wanted, self.after, PAGE_SIZE).await
    }
}

/// Formats messages as CSV rows, preceded by a header for this many variables if it is given.
fn csv_rows(targets: &[Target], header: Option<usize>) -> Vec<u8> {
    let quoted = csv::QuoteStyle::Always;
    let mut out = csv::WriterBuilder::new().quote_style(quoted).from_writer(Vec::new());
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
