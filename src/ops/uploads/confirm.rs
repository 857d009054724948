//! Confirming a draft, once: it becomes an order if nothing has changed since its preview.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::drafts::{ShownTexts, content_of, version_of};
use super::report::Report;
use crate::app::App;
use crate::db::batch_transitions::{self, Confirmed, Trial};
use crate::db::{audit, batches, projects, recipients, repeats, resends, uploads};
use crate::domain::batch::{BatchState, needs_approval};
use crate::domain::ids::{BatchId, ProjectId, UserId};
use crate::domain::recipient::Verdict;
use crate::domain::version::Part;
use crate::ops::order::{self, OrderError};

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
    let content = content_of(signature.as_ref(), &template, &body);
    let is_current = content.template_text == draft.template_text
        && content.sig_content == draft.sig_content
        && content.international == draft.international
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
        span: crate::ops::repeats::span(app, request.schedule_at),
    };
    Ok(repeats::count_of_batch(db, request.batch, &query).await? > 0)
}

fn read_report(draft: &uploads::Draft) -> Option<(Report, i64)> {
    let report = serde_json::from_value(draft.report.clone()?).ok()?;
    Some((report, draft.orders_seen?))
}
