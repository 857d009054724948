//! Confirming a draft, once: it becomes an order if nothing has changed since its preview.

use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::drafts::{ShownTexts, content_of, version_of};
use super::report::Report;
use crate::app::App;
use crate::db::sending::batch_transitions::{self, Confirmed, Trial};
use crate::db::sending::{batches, prices, recipients, repeats, resends, uploads};
use crate::db::{audit, projects};
use crate::domain::ids::{BatchId, ProjectId, UserId};
use crate::domain::period;
use crate::domain::sending::batch::BatchState;
use crate::domain::sending::budget::Amount;
use crate::domain::sending::price::PriceKind;
use crate::domain::sending::recipient::Verdict;
use crate::domain::sending::version::Part;
use crate::ops::reporting::notifications;
use crate::ops::sending::budgets::{self, Claim};
use crate::ops::sending::order::{self, OrderError};

/// How long the repeats that were found when a draft was read are taken for granted.
const MAX_AGE: Duration = Duration::minutes(10);

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
    /// Nothing was ordered: other rows are repeats at the new time, so the file is imported again.
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
/// [`OrderError`] if signature and template cannot be used any more, or the order is over a hard budget;
/// the other variants do not occur here.
pub async fn confirm(app: &App, request: &ConfirmRequest<'_>) -> Result<Confirmation, OrderError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(draft) = uploads::lock_draft(&mut tx, request.project, request.batch).await? else {
        return Ok(Confirmation::Already);
    };
    recipients::lock_confirmations(&mut tx, draft.template_id).await?;
    let (signature, template) =
        order::approved(&mut tx, request.project, draft.signature_id, draft.template_id).await?;
    let Some(report) = read_report(&draft) else {
        return Ok(Confirmation::Changed);
    };
    let policy = projects::policy(&mut tx, request.project).await?;
    // As its page shows it. What has changed since is read again below.
    let kind = PriceKind::of(draft.purpose, draft.international);
    let prices = prices::on(&mut *tx, request.project, period::day_of(now)).await?;
    if let Some(posted) = request.version {
        let changes = version_of(
            &report,
            draft.read_at,
            &ShownTexts::of(&draft),
            &report.estimate(&prices, kind, true),
        )
        .changes_since(posted);
        if !changes.is_empty() {
            return Ok(Confirmation::OutOfDate(changes));
        }
    }
    let body = order::body(&template);
    let content = content_of(signature.as_ref(), &template, &body);
    let is_current = is_current(&content, &draft);
    let has_other_repeats = has_other_repeats(app, &mut tx, request, &draft, &report).await?;
    if !is_current || has_other_repeats {
        batches::change_draft(&mut tx, request.project, request.batch, &content).await?;
        batches::move_draft(&mut tx, request.project, request.batch, request.schedule_at).await?;
        uploads::read_again(&mut tx, request.project, request.batch, &draft.read_options, now)
            .await?;
        tx.commit().await?;
        app.wake.read();
        let is_moved = is_current && draft.schedule_at != request.schedule_at;
        return Ok(if is_moved { Confirmation::Moved } else { Confirmation::Changed });
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
    let parts = i32::try_from(report.going_parts(request.with_repeats)).unwrap_or(i32::MAX);
    let estimate = report.estimate(&prices, kind, request.with_repeats);
    let claim = Claim {
        project: request.project,
        user: request.by,
        day: budgets::leaving_day(template.purpose, request.schedule_at, now),
        order: Amount { messages: total, cost: estimate.known_cost() },
    };
    let checked = budgets::check(&mut tx, &claim, Some(request.batch)).await?;
    let approval = policy.needs_approval(template.purpose, total, &estimate)
        || budgets::asks(&checked, claim.order).is_some();
    let state = order::initial_state(approval, request.schedule_at, now);
    let confirmed = Confirmed {
        state,
        name: request.name,
        total,
        parts,
        price: estimate.same_price().filter(|_| !template.international),
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
    budgets::reserve(app, &mut tx, request.batch, &claim, &checked).await?;
    if template.international {
        prices::insert_countries(&mut tx, request.batch, &estimate).await?;
    }
    if state == BatchState::AwaitingApproval {
        let (project, batch, name) = (request.project, request.batch, request.name);
        notifications::batch_awaits_approval(app, &mut tx, project, batch, name).await?;
    }
    record(&mut tx, request, &template.template_id, (total, parts), now).await?;
    tx.commit().await?;
    Ok(Confirmation::Ordered(state))
}

/// Returns whether a draft has the signature and the template as they are now.
fn is_current(content: &batches::Content<'_>, draft: &uploads::Draft) -> bool {
    content.template_text == draft.template_text
        && content.added_opt_out == draft.added_opt_out
        && content.sig_content == draft.sig_content
        && content.purpose == draft.purpose
        && content.international == draft.international
        && content.vendor_template_id == draft.vendor_template_id
}

/// Records who ordered how many messages and parts.
async fn record(
    db: &mut PgConnection,
    request: &ConfirmRequest<'_>,
    template: &str,
    (total, parts): (i32, i32),
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(request.project),
        user: Some(request.by),
        action: "batch_ordered",
        subject: &request.batch.to_string(),
        detail: json!({ "template": template, "phones": total, "parts": parts,
            "with_repeats": request.with_repeats }),
        ip: request.ip,
    };
    audit::record(db, &entry, now).await
}

/// Returns whether other rows of a draft are repeats than when it was read, or may be: other batches
/// were ordered or moved, this one is confirmed for another time, messages that it sends again were
/// delivered after all, or time has passed.
async fn has_other_repeats(
    app: &App,
    db: &mut PgConnection,
    request: &ConfirmRequest<'_>,
    draft: &uploads::Draft,
    report: &Report,
) -> sqlx::Result<bool> {
    let is_moved = draft.schedule_at != request.schedule_at;
    if is_moved && report.count(Verdict::Repeat) > 0 {
        return Ok(true);
    }
    let sources = resends::sources(db, request.batch).await?;
    let orders = repeats::orders_seen(db, request.project, draft.template_id).await?;
    let query = repeats::TemplateQuery {
        project: request.project,
        template: draft.template_id,
        own: None,
        sources,
        span: crate::ops::sending::repeats::span(app, request.schedule_at),
    };
    let is_old = match draft.read_at {
        Some(at) if app.clock.now() - at > MAX_AGE => {
            repeats::has_others_since(db, &query, app.clock.now() - at).await?
        }
        Some(_) => false,
        None => true,
    };
    if !is_moved && !is_old && query.sources.is_empty() && Some(orders) == draft.orders_seen {
        return Ok(false);
    }
    Ok(repeats::count_of_batch(db, request.batch, &query).await? > 0)
}

/// Returns what was found in the file; `None` while it is being read.
fn read_report(draft: &uploads::Draft) -> Option<Report> {
    draft.orders_seen?;
    serde_json::from_value(draft.report.clone()?).ok()
}
