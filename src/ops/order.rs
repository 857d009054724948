//! Ordering a batch of one text: all messages are stored, with their ids, before any is sent.

use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::app::App;
use crate::db::{self, audit, batches, messages, projects, signatures, sms_templates, submissions};
use crate::domain::batch::{BatchState, needs_approval};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::phone::Phone;
use crate::domain::review::Purpose;
use crate::domain::text::{self, ParamProblem, TemplateText};

/// The most phones of an order: as many as one call takes (USMS API reference, SendUSMSMessage).
pub const MAX_PHONES: usize = 1_000;

/// The same template, values and phone within this time are a repeat, which a person has to
/// confirm.
pub const REPEAT_WINDOW: Duration = Duration::hours(24);

/// An order of one text to some phones, as a person confirmed it.
#[derive(Debug)]
pub struct Order {
    /// The project it is charged to.
    pub project: ProjectId,
    /// The person who ordered it.
    pub ordered_by: UserId,
    /// The signature of its messages.
    pub signature: SignatureId,
    /// Its template.
    pub template: TemplateId,
    /// The values of the template's variables, in order.
    pub params: Vec<String>,
    /// The phones, each once.
    pub phones: Vec<Phone>,
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
    /// Signature and template are not both domestic or both international.
    #[error("signature and template have different destinations")]
    DifferentKinds,
    /// The values do not fit the template.
    #[error(transparent)]
    WrongParams(#[from] WrongParams),
    /// There is no phone, or there are more than [`MAX_PHONES`].
    #[error("cannot send to {0} phone numbers in one batch")]
    PhoneCount(usize),
    /// An international phone with a domestic template, or the other way round.
    #[error("a phone number is outside the template's destinations")]
    WrongCountry(Phone),
    /// The text is longer than the vendor allows (in characters).
    #[error("the text has {0} characters")]
    TooLong(usize),
    /// The form's token was used in another project or by another account.
    #[error("form already submitted")]
    FormUsed,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Why values do not fit a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongParams {
    /// Their number differs from that of the template's variables, which it contains.
    #[error("the template has {0} variables")]
    Count(usize),
    /// The value of the variable with this number cannot be sent.
    #[error("the value of variable {0} cannot be sent")]
    Value(usize, ParamProblem),
}

/// Stores an order with all its messages in one transaction, exactly once per form token.
///
/// # Errors
///
/// [`OrderError`] says what is wrong with the order.
pub async fn place(app: &App, order: &Order, ip: &str) -> Result<Ordered, OrderError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(batch) =
        batches::by_form_token(&mut tx, order.project, order.ordered_by, order.form_token).await?
    {
        return Ok(Ordered::Already(batch));
    }
    let (signature, template) = find_approved(&mut tx, order).await?;
    let text = TemplateText::parse(&body(&template));
    let full_text = text.full_text(&order.params, &signature.content, template.international);
    check(order, &template, &text, &full_text)?;
    let kind = text::Kind::of(template.international);
    let total = i32::try_from(order.phones.len()).unwrap_or(i32::MAX);
    let policy = projects::policy(&mut tx, order.project).await?;
    let approval = needs_approval(template.purpose, total, policy.approval_over);
    let state = initial_state(approval, order.schedule_at, now);
    let parts =
        total.saturating_mul(i32::try_from(text::parts(&full_text, kind)).unwrap_or(i32::MAX));
    let stored = batches::insert(
        &mut tx,
        &batches::NewBatch {
            project: order.project,
            name: &template.name,
            state,
            signature: signature.id,
            template: template.id,
            sig_content: &signature.content,
            vendor_template_id: &template.template_id,
            template_text: &body(&template),
            purpose: template.purpose,
            international: template.international,
            total,
            parts,
            price: policy.price(template.international),
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
    store_messages(&mut tx, order, batch, now).await?;
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

/// Returns the text that a template sends: marketing ends with how to unsubscribe.
pub fn body(template: &sms_templates::SmsTemplate) -> String {
    format!("{}{}", template.text, template.unsubscribe)
}

async fn find_approved(
    db: &mut PgConnection,
    order: &Order,
) -> Result<(signatures::Signature, sms_templates::SmsTemplate), OrderError> {
    let signature = signatures::find_approved(db, order.project, order.signature)
        .await?
        .ok_or(OrderError::SignatureNotApproved)?;
    let template = sms_templates::find_approved(db, order.project, order.template)
        .await?
        .ok_or(OrderError::TemplateNotApproved)?;
    Ok((signature, template))
}

fn check(
    order: &Order,
    template: &sms_templates::SmsTemplate,
    text: &TemplateText,
    full_text: &str,
) -> Result<(), OrderError> {
    if order.phones.is_empty() || order.phones.len() > MAX_PHONES {
        return Err(OrderError::PhoneCount(order.phones.len()));
    }
    check_params(&order.params, text, template.purpose)?;
    if let Some(phone) =
        order.phones.iter().find(|phone| phone.is_domestic() == template.international)
    {
        return Err(OrderError::WrongCountry(phone.clone()));
    }
    let length = text::length(full_text);
    if length > text::MAX_LENGTH { Err(OrderError::TooLong(length)) } else { Ok(()) }
}

fn check_params(
    params: &[String],
    text: &TemplateText,
    purpose: Purpose,
) -> Result<(), WrongParams> {
    if params.len() != text.variables() {
        return Err(WrongParams::Count(text.variables()));
    }
    let refused = blocking_problems(params, purpose).next();
    refused.map_or(Ok(()), |(n, problem)| Err(WrongParams::Value(n, problem)))
}

/// Returns the numbers of the variables whose values cannot be sent, and why.
pub fn blocking_problems(
    params: &[String],
    purpose: Purpose,
) -> impl Iterator<Item = (usize, ParamProblem)> {
    params.iter().zip(1..).filter_map(move |(value, n)| {
        let problem = text::param_problem(value, purpose).filter(|problem| problem.blocks())?;
        Some((n, problem))
    })
}

/// Returns the first state of a confirmed batch.
pub(super) fn initial_state(
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

async fn store_messages(
    db: &mut PgConnection,
    order: &Order,
    batch: BatchId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    for phones in order.phones.chunks(MAX_PHONES) {
        let n = i32::try_from(phones.len()).unwrap_or(i32::MAX);
        let submission = submissions::insert(db, order.project, batch, n, now).await?;
        let phones: Vec<&str> = phones.iter().map(Phone::as_str).collect();
        messages::insert_uniform(
            db,
            &messages::Same {
                project: order.project,
                batch,
                submission,
                template: order.template,
                phones: &phones,
                params: &order.params,
            },
            now,
        )
        .await?;
    }
    Ok(())
}

/// Finds those of `phones` that were sent the same text within [`REPEAT_WINDOW`], or are about to
/// be.
pub async fn repeats(
    app: &App,
    project: ProjectId,
    template: TemplateId,
    params: &[String],
    phones: &[Phone],
) -> sqlx::Result<Vec<messages::Repeat>> {
    let phones: Vec<&str> = phones.iter().map(Phone::as_str).collect();
    let since = app.clock.now() - REPEAT_WINDOW;
    db::messages::repeats(&app.db, project, template, params, &phones, since).await
}
