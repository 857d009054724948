//! Ordering a batch: everything that will leave is stored, with its ids, before anything leaves.

use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::app::App;
use crate::db::{self, audit, batches, messages, projects, signatures, sms_templates, submissions};
use crate::domain::batch::{BatchState, needs_approval};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::phone::Phone;
use crate::domain::text::{self, TemplateText};

/// Phones one order of this kind may carry: as many as one call of SendUSMSMessage takes (USMS API
/// reference, SendUSMSMessage).
pub const MAX_PHONES: usize = 1_000;

/// The same template, parameters and phone within this time are asked about before they go out.
pub const REPEAT_WINDOW: Duration = Duration::hours(24);

/// One text to few phones, as a person confirmed it.
#[derive(Debug)]
pub struct Order {
    /// The project it is charged to.
    pub project: ProjectId,
    /// Who ordered it.
    pub ordered_by: UserId,
    /// The signature it goes out under.
    pub signature: SignatureId,
    /// Its template.
    pub template: TemplateId,
    /// The values of the template's variables, in order.
    pub params: Vec<String>,
    /// To whom; without repeats.
    pub phones: Vec<Phone>,
    /// When, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// What an order came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// Stored; it leaves, waits for its time, or waits for a second person.
    New(BatchId, BatchState),
    /// The form was sent before and made this batch: nothing new was stored.
    Already(BatchId),
}

/// Why an order cannot be taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The signature is not approved any more, or not the project's.
    #[error("signature is not approved")]
    SignatureNotApproved,
    /// The template is not approved any more, or not the project's.
    #[error("template is not approved")]
    TemplateNotApproved,
    /// The signature is for texts at home and the template for texts abroad, or the other way round.
    #[error("signature and template have different destinations")]
    DifferentKinds,
    /// Not as many values as the template has variables.
    #[error("the template has {0} variables")]
    WrongParams(usize),
    /// No phone, or more than [`MAX_PHONES`].
    #[error("cannot send to {0} phone numbers in one batch")]
    PhoneCount(usize),
    /// A phone abroad under a template for home, or the other way round.
    #[error("a phone number is outside the template's destinations")]
    WrongCountry(Phone),
    /// The text is longer than the vendor takes.
    #[error("the text has {0} characters")]
    TooLong(usize),
    /// The form's token was used in another project or by another person.
    #[error("form already submitted")]
    FormUsed,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Stores an order with all its messages, in one transaction, exactly once per form token.
pub async fn place(app: &App, order: &Order, address: &str) -> Result<Ordered, OrderError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(batch) =
        batches::by_form_token(&mut tx, order.project, order.ordered_by, order.form_token).await?
    {
        return Ok(Ordered::Already(batch));
    }
    let (signature, template) = approved(&mut tx, order).await?;
    let text = TemplateText::parse(&body(&template));
    let full = text.full_text(&order.params, &signature.content, template.international);
    check(order, &template, &text, &full)?;
    let kind = text::Kind::of(template.international);
    let total = i32::try_from(order.phones.len()).unwrap_or(i32::MAX);
    let policy = projects::policy(&mut tx, order.project).await?;
    let approval = needs_approval(template.purpose, total, policy.approval_over);
    let state = beginning(approval, order.schedule_at, now);
    let parts = total.saturating_mul(i32::try_from(text::parts(&full, kind)).unwrap_or(i32::MAX));
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
        return already(&mut tx, order).await;
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
            address,
        },
        now,
    )
    .await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(Ordered::New(batch, state))
}

/// The text a template sends: marketing ends with its way to unsubscribe.
pub fn body(template: &sms_templates::SmsTemplate) -> String {
    format!("{}{}", template.text, template.unsubscribe)
}

async fn approved(
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
    full: &str,
) -> Result<(), OrderError> {
    if order.phones.is_empty() || order.phones.len() > MAX_PHONES {
        return Err(OrderError::PhoneCount(order.phones.len()));
    }
    if order.params.len() != text.variables() {
        return Err(OrderError::WrongParams(text.variables()));
    }
    if let Some(phone) =
        order.phones.iter().find(|phone| phone.is_domestic() == template.international)
    {
        return Err(OrderError::WrongCountry(phone.clone()));
    }
    let length = text::length(full);
    if length > text::MAX_LENGTH { Err(OrderError::TooLong(length)) } else { Ok(()) }
}

/// Where an order that was confirmed goes from here.
pub(super) fn beginning(
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

async fn already(db: &mut PgConnection, order: &Order) -> Result<Ordered, OrderError> {
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
        messages::insert_same(
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

/// Of `phones`, those that were sent the same within [`REPEAT_WINDOW`].
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
