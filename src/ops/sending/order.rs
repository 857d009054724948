//! Ordering a batch of one text: all messages are stored, with their ids, before any is sent.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::budgets::{self, BudgetError, Claim};
use crate::app::App;
use crate::db::retention::erasure;
use crate::db::review::{signatures, sms_templates};
use crate::db::sending::{batch_transitions, batches, messages, prices, submissions};
use crate::db::{audit, projects};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::period;
use crate::domain::phone::Phone;
use crate::domain::replies::opt_out;
use crate::domain::review::Purpose;
use crate::domain::sending::batch::{BatchState, default_name};
use crate::domain::sending::budget::{Amount, OverBudget};
use crate::domain::sending::outgoing::{
    MAX_PHONES, Outgoing, OutgoingSignature, OutgoingTemplate, SignatureProblem, Wording,
    check_destinations,
};
use crate::domain::sending::price::{Estimate, PriceKind, PriceList};
use crate::domain::text::TemplateText;
use crate::ops::erasure::ErasedOptOuts;
use crate::ops::reporting::notifications;

/// An order of one text to some phones, as a person confirmed it.
#[derive(Debug)]
pub struct Order {
    /// The project it is charged to.
    pub project: ProjectId,
    /// The person who ordered it.
    pub ordered_by: UserId,
    /// The text and the phones.
    pub outgoing: Outgoing,
    /// When it is to be sent, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// The result of placing an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// Stored: it is sent, waits for its time, or waits for approval.
    New(BatchId, BatchState),
    /// The form was submitted before and created this batch; nothing new was stored.
    Already(BatchId),
}

/// Why an order was not placed. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The signature is not approved any more, or belongs to another project.
    #[error("signature is not approved")]
    SignatureNotApproved,
    /// The template is not approved any more, or belongs to another project.
    #[error("template is not approved")]
    TemplateNotApproved,
    /// Signature and template do not go together, or there is no signature and must be one.
    #[error(transparent)]
    Signature(#[from] SignatureProblem),
    /// The signature or the template has changed since the text was checked.
    #[error("signature or template has changed")]
    Changed,
    /// The order is over a hard budget.
    #[error(transparent)]
    Budget(#[from] Box<OverBudget>),
    /// A price has changed since the person was shown what it costs.
    #[error("a price has changed")]
    PriceChanged,
    /// The form's token was used in another project or by another account.
    #[error("form already submitted")]
    FormUsed,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<BudgetError> for OrderError {
    fn from(error: BudgetError) -> Self {
        match error {
            BudgetError::Over(over) => Self::Budget(over),
            BudgetError::Database(error) => Self::Database(error),
        }
    }
}

/// Stores an order with all its messages in one transaction, exactly once per form token.
///
/// # Errors
///
/// [`OrderError`] says what is wrong with the order.
pub async fn place(app: &App, order: &Order, ip: &str) -> Result<Ordered, OrderError> {
    place_at(app, order, None, ip).await
}

/// Like [`place`], at the prices of `shown` only: what the person was told that it costs.
///
/// # Errors
///
/// [`OrderError::PriceChanged`] if it costs something else now.
pub async fn place_as_shown(
    app: &App,
    order: &Order,
    shown: &Estimate,
    ip: &str,
) -> Result<Ordered, OrderError> {
    place_at(app, order, Some(shown), ip).await
}

async fn place_at(
    app: &App,
    order: &Order,
    shown: Option<&Estimate>,
    ip: &str,
) -> Result<Ordered, OrderError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(batch) =
        batches::by_form_token(&mut tx, order.project, order.ordered_by, order.form_token).await?
    {
        return Ok(Ordered::Already(batch));
    }
    let checked = order.outgoing.content().wording();
    let signature = checked.signature().map(|signature| signature.id);
    let (signature, template) =
        approved(&mut tx, order.project, signature, checked.template().id).await?;
    if wording(signature.as_ref(), &template)? != *checked {
        return Err(OrderError::Changed);
    }
    let total = i32::try_from(order.outgoing.phones().len()).unwrap_or(i32::MAX);
    let policy = projects::policy(&mut tx, order.project).await?;
    let parts_each = order.outgoing.content().size().parts;
    let parts = total.saturating_mul(i32::try_from(parts_each).unwrap_or(i32::MAX));
    let prices = prices::on(&mut *tx, order.project, period::day_of(now)).await?;
    let estimate = estimate(&prices, &template, order.outgoing.phones(), parts_each);
    let claim = Claim {
        project: order.project,
        user: order.ordered_by,
        day: budgets::leaving_day(template.purpose, order.schedule_at, now),
        order: Amount { messages: total, cost: estimate.known_cost() },
    };
    let checked = budgets::check(&mut tx, &claim, None).await?;
    let approval = policy.needs_approval(template.purpose, total, &estimate)
        || budgets::asks(&checked, claim.order).is_some();
    let state = initial_state(approval, order.schedule_at, now);
    if shown.is_some_and(|shown| *shown != estimate) {
        return Err(OrderError::PriceChanged);
    }
    let name = default_name(&template.name, now);
    let stored = batches::insert(
        &mut tx,
        &batches::NewBatch {
            project: order.project,
            name: &name,
            state,
            signature: signature.as_ref().map(|signature| signature.id),
            template: template.id,
            sig_content: content_of(signature.as_ref()),
            vendor_template_id: &template.template_id,
            template_text: &body(&template),
            added_opt_out: added_opt_out(&template),
            purpose: template.purpose,
            international: template.international,
            total,
            parts,
            price: estimate.same_price().filter(|_| !template.international),
            planned: true,
            resend_of: None,
            ordered_by: order.ordered_by,
            schedule_at: order.schedule_at,
            form_token: order.form_token,
        },
        now,
    )
    .await?;
    let Some(batch) = stored else {
        return placed_before(&mut tx, order).await;
    };
    if template.international {
        prices::insert_countries(&mut tx, batch, &estimate).await?;
    }
    budgets::reserve(app, &mut tx, batch, &claim, &checked).await?;
    store_messages(&mut tx, order, batch, now).await?;
    honour_erased(app, &mut tx, order, batch, template.purpose).await?;
    if state == BatchState::AwaitingApproval {
        notifications::batch_awaits_approval(app, &mut tx, order.project, batch, &name).await?;
    }
    audit::record(
        &mut tx,
        &audit::Entry {
            project: Some(order.project),
            user: Some(order.ordered_by),
            action: "batch_ordered",
            subject: &batch.to_string(),
            detail: json!({ "template": template.template_id, "phones": total, "parts": parts }),
            ip,
        },
        now,
    )
    .await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(Ordered::New(batch, state))
}

/// Returns what a text of `parts` parts to some phones costs.
pub fn estimate(
    prices: &PriceList,
    template: &sms_templates::SmsTemplate,
    phones: &[Phone],
    parts: usize,
) -> Estimate {
    let mut countries = BTreeMap::<String, i64>::new();
    for phone in phones {
        *countries.entry(phone.country().to_owned()).or_default() += parts as i64;
    }
    prices.estimate(PriceKind::of(template.purpose, template.international), countries)
}

/// Returns the text that a template sends: domestic marketing ends with how to opt out, once.
pub fn body(template: &sms_templates::SmsTemplate) -> String {
    format!("{}{}", template.text, added_opt_out(template))
}

/// Returns [`body`], whose end is left out where values end with how to opt out.
pub fn text(template: &sms_templates::SmsTemplate) -> TemplateText {
    TemplateText::with_added_opt_out(&body(template), added_opt_out(template))
}

/// Returns the end of [`body`] that is not part of the template's text: UCloud may add it.
pub fn added_opt_out(template: &sms_templates::SmsTemplate) -> &str {
    let (text, unsubscribe) = (&template.text, &template.unsubscribe);
    opt_out::added_to(text, unsubscribe, template.purpose, template.international)
}

/// Returns the content of a signature; an empty string if there is none.
pub fn content_of(signature: Option<&signatures::Signature>) -> &str {
    signature.map_or("", |signature| &signature.content)
}

/// Returns what a template sends with a signature, or without one.
///
/// # Errors
///
/// [`SignatureProblem`] if they do not go together.
pub fn wording<'a>(
    signature: impl Into<Option<&'a signatures::Signature>>,
    template: &sms_templates::SmsTemplate,
) -> Result<Wording, SignatureProblem> {
    Wording::new(
        signature.into().map(|signature| OutgoingSignature {
            id: signature.id,
            content: signature.content.clone(),
            international: signature.international,
        }),
        OutgoingTemplate {
            id: template.id,
            text: body(template),
            added_opt_out: added_opt_out(template).to_owned(),
            purpose: template.purpose,
            international: template.international,
        },
    )
}

/// Loads an approved template, and the approved signature that it is sent with, if there is one.
///
/// # Errors
///
/// [`OrderError`] says which of them cannot be used.
pub(in crate::ops) async fn approved(
    db: &mut PgConnection,
    project: ProjectId,
    signature: Option<SignatureId>,
    template: TemplateId,
) -> Result<(Option<signatures::Signature>, sms_templates::SmsTemplate), OrderError> {
    let signature = match signature {
        Some(id) => Some(
            signatures::find_approved(db, project, id)
                .await?
                .ok_or(OrderError::SignatureNotApproved)?,
        ),
        None => None,
    };
    let template = sms_templates::find_approved(db, project, template)
        .await?
        .ok_or(OrderError::TemplateNotApproved)?;
    let destination = signature.as_ref().map(|signature| signature.international);
    check_destinations(destination, template.international)?;
    Ok((signature, template))
}

/// Returns the first state of a confirmed batch.
pub(in crate::ops) fn initial_state(
    approval: bool,
    schedule_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> BatchState {
    if approval {
        BatchState::AwaitingApproval
    } else if schedule_at.is_some_and(|at| at > now) {
        BatchState::Scheduled
    } else {
        BatchState::Sending
    }
}

async fn placed_before(db: &mut PgConnection, order: &Order) -> Result<Ordered, OrderError> {
    batches::by_form_token(db, order.project, order.ordered_by, order.form_token)
        .await?
        .map(Ordered::Already)
        .ok_or(OrderError::FormUsed)
}

/// Suppresses messages to phones that had opted out before their data was erased.
async fn honour_erased(
    app: &App,
    db: &mut PgConnection,
    order: &Order,
    batch: BatchId,
    purpose: Purpose,
) -> sqlx::Result<()> {
    let Some(erased) = ErasedOptOuts::load(app, db, order.project, purpose).await? else {
        return Ok(());
    };
    let phones = order.outgoing.phones().iter().map(Phone::as_str);
    let phones: Vec<&str> = phones.filter(|phone| erased.contains(phone)).collect();
    if !phones.is_empty() {
        let now = app.clock.now();
        erasure::suppress_phones(db, batch, &phones, now).await?;
        batch_transitions::close(db, batch, now).await?;
    }
    Ok(())
}

async fn store_messages(
    db: &mut PgConnection,
    order: &Order,
    batch: BatchId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    for phones in order.outgoing.phones().chunks(MAX_PHONES) {
        let n = i32::try_from(phones.len()).unwrap_or(i32::MAX);
        let submission = submissions::insert(db, order.project, batch, n, now).await?;
        let phones: Vec<&str> = phones.iter().map(Phone::as_str).collect();
        messages::insert_uniform(
            db,
            &messages::Same {
                project: order.project,
                batch,
                submission,
                template: order.outgoing.content().wording().template().id,
                phones: &phones,
                params: order.outgoing.content().params(),
            },
            now,
        )
        .await?;
    }
    Ok(())
}
