//! Batches: orders to send, and their progress.

use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ids::{BatchId, Id, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::review::Purpose;
use crate::domain::sending::batch::{BatchState, PauseReason};
use crate::domain::sending::message::Tally;
use crate::domain::text::TemplateText;

/// A batch to insert. What is sent is copied into it, so a template that changes later does not
/// change an order.
#[derive(Debug)]
pub struct NewBatch<'a> {
    /// The project that sends and pays for it.
    pub project: ProjectId,
    /// Its name in lists.
    pub name: &'a str,
    /// Its first state: draft, sending, scheduled or awaiting approval.
    pub state: BatchState,
    /// The signature of its texts.
    pub signature: Option<SignatureId>,
    /// Its template.
    pub template: TemplateId,
    /// The signature's content.
    pub sig_content: &'a str,
    /// The vendor's template id.
    pub vendor_template_id: &'a str,
    /// The template's text, unsubscribe text included.
    pub template_text: &'a str,
    /// The end of it that is not part of the reviewed text.
    pub added_opt_out: &'a str,
    /// The purpose of the template.
    pub purpose: Purpose,
    /// Whether it goes to international phones.
    pub international: bool,
    /// The number of recipients; 0 for a draft.
    pub total: i32,
    /// The number of billed parts of all messages together, as estimated beforehand.
    pub parts: i32,
    /// The price of a part, in ten-thousandths of a yuan; a draft has no price yet.
    pub price: Option<i32>,
    /// Whether its messages are inserted together with it. Those of an upload are planned later.
    pub planned: bool,
    /// The batch whose failed messages it resends.
    pub resend_of: Option<BatchId>,
    /// Who ordered it.
    pub ordered_by: UserId,
    /// When sending begins, unless at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// Inserts a batch. Returns `None` if its form token was used before.
pub async fn insert(
    db: &mut PgConnection,
    batch: &NewBatch<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<Option<BatchId>> {
    sqlx::query_scalar!(
        r#"insert into batches
             (id, project_id, name, state, signature_id, template_id, sig_content,
              vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
              schedule_at, form_token, planned, resend_of, price, added_opt_out, started_at, ordered_at)
           values (new_id($1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
              $17, $18, $19, $20, case when $4 = 'sending'::batch_state then $1 end,
              case when $4 <> 'draft'::batch_state then $1 end)
           on conflict (form_token) do nothing
           returning id as "id: BatchId""#,
        now,
        batch.project.0,
        batch.name,
        batch.state as BatchState,
        batch.signature.map(|id| id.0),
        batch.template.0,
        batch.sig_content,
        batch.vendor_template_id,
        batch.template_text,
        batch.purpose as Purpose,
        batch.international,
        batch.total,
        batch.parts,
        batch.ordered_by.0,
        batch.schedule_at,
        batch.form_token,
        batch.planned,
        batch.resend_of.map(|id| id.0),
        batch.price,
        batch.added_opt_out,
    )
    .fetch_optional(db)
    .await
}

/// Returns the batch that a form token created, among the batches that `ordered_by` ordered in the
/// project.
pub async fn by_form_token(
    db: &mut PgConnection,
    project: ProjectId,
    ordered_by: UserId,
    form_token: Uuid,
) -> sqlx::Result<Option<BatchId>> {
    sqlx::query_scalar!(
        r#"select id as "id: BatchId" from batches
           where form_token = $3 and project_id = $1 and ordered_by = $2"#,
        project.0,
        ordered_by.0,
        form_token,
    )
    .fetch_optional(db)
    .await
}

/// A batch as lists and its page show it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Our id.
    pub id: BatchId,
    /// Its name in lists.
    pub name: String,
    /// Its state.
    pub state: BatchState,
    /// Why it is paused, if it is.
    pub pause_reason: Option<PauseReason>,
    /// The vendor message that goes with the pause reason, or an empty string.
    pub pause_detail: String,
    /// The signature of its texts.
    pub signature_id: Option<SignatureId>,
    /// Its template.
    pub template_id: TemplateId,
    /// The present name of the template.
    pub template_name: String,
    /// The signature's content.
    pub sig_content: String,
    /// The vendor's template id.
    pub vendor_template_id: String,
    /// The text at the time of the order, unsubscribe text included.
    pub template_text: String,
    /// The end of it that was not reviewed, and is left out where values end with how to opt out.
    pub added_opt_out: String,
    /// The purpose of the template.
    pub purpose: Purpose,
    /// Whether it goes to international phones.
    pub international: bool,
    /// The number of recipients.
    pub total: i32,
    /// The number of billed parts, as estimated beforehand.
    pub parts: i32,
    /// Who ordered it.
    pub ordered_by: UserId,
    /// The name of the account that ordered it.
    pub orderer: String,
    /// When it was ordered; `None` for a draft.
    pub ordered_at: Option<OffsetDateTime>,
    /// The name of the account that approved or cancelled it, if any.
    pub decider: Option<String>,
    /// The time it is or was scheduled for.
    pub schedule_at: Option<OffsetDateTime>,
    /// When sending began.
    pub started_at: Option<OffsetDateTime>,
    /// When no submission was left to send.
    pub finished_at: Option<OffsetDateTime>,
    /// Whether every message has its final outcome.
    pub complete: bool,
    /// Whether every recipient has become a message.
    pub planned: bool,
    /// The batch whose failed messages it resends.
    pub resend_of: Option<BatchId>,
    /// Whether it sends values again that were hidden before, such as verification codes.
    pub hides_values: bool,
    /// The number of messages in the trial batch, if it has one.
    pub trial_size: Option<i32>,
    /// How long to wait after the trial batch was sent, in seconds.
    pub trial_wait_seconds: i32,
    /// The rest is sent without asking if at most this percentage of the trial batch failed.
    pub trial_failure_percent: Option<i16>,
    /// When the trial batch had been sent.
    pub trial_sent_at: Option<OffsetDateTime>,
    /// The highest wave that may be sent: 0 during the trial batch, 1 afterwards.
    pub wave: i16,
}

impl Batch {
    /// Returns whether its time can be changed: it has not started.
    pub fn can_reschedule(&self) -> bool {
        match self.state {
            BatchState::Scheduled | BatchState::AwaitingApproval => true,
            BatchState::Paused => self.started_at.is_none(),
            BatchState::Draft | BatchState::Sending | BatchState::Done | BatchState::Cancelled => {
                false
            }
        }
    }

    /// Returns the text at the time of the order.
    pub fn text(&self) -> TemplateText {
        TemplateText::with_added_opt_out(&self.template_text, &self.added_opt_out)
    }

    /// Returns when it was ordered, or made if it is a draft.
    pub fn since(&self) -> OffsetDateTime {
        self.ordered_at.unwrap_or_else(|| self.id.made_at())
    }
}

/// Returns a batch of the project.
pub async fn find(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    id: BatchId,
) -> sqlx::Result<Option<Batch>> {
    sqlx::query_as!(
        Batch,
        r#"select b.id as "id: BatchId", b.name, b.state as "state: BatchState",
             b.pause_reason as "pause_reason: PauseReason", b.pause_detail, b.signature_id as "signature_id: SignatureId",
             b.template_id as "template_id: TemplateId", t.name as template_name, b.sig_content,
             b.vendor_template_id, b.template_text, b.added_opt_out, b.purpose as "purpose: Purpose",
             b.international, b.total, b.parts, b.ordered_by as "ordered_by: UserId",
             o.name as orderer, b.ordered_at, d.name as "decider?", b.schedule_at, b.started_at, b.finished_at,
             b.complete, b.planned, b.resend_of as "resend_of: BatchId", b.hides_values,
             b.trial_size,
             b.trial_wait_seconds, b.trial_failure_percent, b.trial_sent_at, b.wave
           from batches b
           join sms_templates t on t.id = b.template_id
           join users o on o.id = b.ordered_by
           left join users d on d.id = b.decided_by
           where b.project_id = $1 and b.id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns these batches of the project, newest first.
pub async fn by_ids(db: &PgPool, project: ProjectId, ids: &[BatchId]) -> sqlx::Result<Vec<Batch>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Batch,
        r#"select b.id as "id: BatchId", b.name, b.state as "state: BatchState",
             b.pause_reason as "pause_reason: PauseReason", b.pause_detail, b.signature_id as "signature_id: SignatureId",
             b.template_id as "template_id: TemplateId", t.name as template_name, b.sig_content,
             b.vendor_template_id, b.template_text, b.added_opt_out, b.purpose as "purpose: Purpose",
             b.international, b.total, b.parts, b.ordered_by as "ordered_by: UserId",
             o.name as orderer, b.ordered_at, d.name as "decider?", b.schedule_at, b.started_at, b.finished_at,
             b.complete, b.planned, b.resend_of as "resend_of: BatchId", b.hides_values,
             b.trial_size,
             b.trial_wait_seconds, b.trial_failure_percent, b.trial_sent_at, b.wave
           from batches b
           join sms_templates t on t.id = b.template_id
           join users o on o.id = b.ordered_by
           left join users d on d.id = b.decided_by
           where b.project_id = $1 and b.id = any($2)
           order by b.id desc"#,
        project.0,
        &ids,
    )
    .fetch_all(db)
    .await
}

/// Returns the batches that resend what this one did not deliver, oldest first, without drafts.
pub async fn resends(db: &PgPool, id: BatchId) -> sqlx::Result<Vec<Batch>> {
    sqlx::query_as!(
        Batch,
        r#"select b.id as "id: BatchId", b.name, b.state as "state: BatchState",
             b.pause_reason as "pause_reason: PauseReason", b.pause_detail, b.signature_id as "signature_id: SignatureId",
             b.template_id as "template_id: TemplateId", t.name as template_name, b.sig_content,
             b.vendor_template_id, b.template_text, b.added_opt_out, b.purpose as "purpose: Purpose",
             b.international, b.total, b.parts, b.ordered_by as "ordered_by: UserId",
             o.name as orderer, b.ordered_at, d.name as "decider?", b.schedule_at, b.started_at, b.finished_at,
             b.complete, b.planned, b.resend_of as "resend_of: BatchId", b.hides_values,
             b.trial_size,
             b.trial_wait_seconds, b.trial_failure_percent, b.trial_sent_at, b.wave
           from batches b
           join sms_templates t on t.id = b.template_id
           join users o on o.id = b.ordered_by
           left join users d on d.id = b.decided_by
           where b.id in (select batch_id from resend_sources where source_id = $1)
             and b.state <> 'draft'
           order by b.id"#,
        id.0,
    )
    .fetch_all(db)
    .await
}

/// Returns how many messages of each batch are in which state, in the order of `ids`. A complete
/// batch stores its own sums; those of the others are computed from their submissions, and
/// recipients that are not messages yet count as queued.
pub async fn tallies(db: &PgPool, ids: &[BatchId]) -> sqlx::Result<Vec<Tally>> {
    let batch_ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select
             case when b.delivered is not null or b.state = 'cancelled' then 0
               else b.total - s.n end + s.queued as "queued!",
             s.submitted as "submitted!", s.in_doubt as "in_doubt!",
             coalesce(b.delivered, s.delivered) as "delivered!",
             coalesce(b.failed, s.failed) as "failed!",
             coalesce(b.unknown, s.unknown) as "unknown!",
             coalesce(b.refused, s.refused) as "refused!",
             coalesce(b.cancelled, s.cancelled
               + case when b.state = 'cancelled' then b.total - s.n else 0 end) as "cancelled!",
             coalesce(b.suppressed, s.suppressed) as "suppressed!"
           from unnest($1::bigint[]) with ordinality as wanted (batch_id, place)
           join batches b on b.id = wanted.batch_id
           cross join lateral (
             select coalesce(sum(n), 0) as n,
               coalesce(sum(open) filter (where state in ('ready', 'in_flight')), 0) as queued,
               coalesce(sum(open) filter (where state in ('accepted', 'partly')), 0) as submitted,
               coalesce(sum(open) filter (where state = 'in_doubt'), 0) as in_doubt,
               coalesce(sum(delivered), 0) as delivered, coalesce(sum(failed), 0) as failed,
               coalesce(sum(unknown), 0) as unknown, coalesce(sum(refused), 0) as refused,
               coalesce(sum(open) filter (where state = 'cancelled'), 0) as cancelled,
               coalesce(sum(suppressed), 0) as suppressed
             from (
               select state, n, delivered, failed, unknown, refused, suppressed,
                 n - delivered - failed - unknown - refused - suppressed as open
               from submissions s where s.batch_id = b.id and b.delivered is null
             ) each
           ) s
           order by place"#,
        &batch_ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Tally {
            queued: row.queued,
            submitted: row.submitted,
            in_doubt: row.in_doubt,
            delivered: row.delivered,
            failed: row.failed,
            unknown: row.unknown,
            refused: row.refused,
            cancelled: row.cancelled,
            suppressed: row.suppressed,
        })
        .collect())
}

/// Returns how many messages of a batch are in which state.
pub async fn tally(db: &PgPool, id: BatchId) -> sqlx::Result<Tally> {
    Ok(tallies(db, &[id]).await?.into_iter().next().unwrap_or_default())
}

/// What a batch sends.
#[derive(Debug)]
pub struct Content<'a> {
    /// The signature of its texts.
    pub signature: Option<SignatureId>,
    /// Its template.
    pub template: TemplateId,
    /// The signature's content.
    pub sig_content: &'a str,
    /// The vendor's template id.
    pub vendor_template_id: &'a str,
    /// The template's text, unsubscribe text included.
    pub template_text: &'a str,
    /// The end of it that is not part of the reviewed text.
    pub added_opt_out: &'a str,
    /// The purpose of the template.
    pub purpose: Purpose,
    /// Whether it goes to international phones.
    pub international: bool,
}

/// Replaces what a draft sends. Returns whether the batch is a draft.
pub async fn change_draft(
    db: &mut PgConnection,
    project: ProjectId,
    id: BatchId,
    content: &Content<'_>,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches
           set signature_id = $3, template_id = $4, sig_content = $5, vendor_template_id = $6,
             template_text = $7, purpose = $8, international = $9, added_opt_out = $10
           where project_id = $1 and id = $2 and state = 'draft'"#,
        project.0,
        id.0,
        content.signature.map(|id| id.0),
        content.template.0,
        content.sig_content,
        content.vendor_template_id,
        content.template_text,
        content.purpose as Purpose,
        content.international,
        content.added_opt_out,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Sets the time at which a draft is to be sent.
pub async fn move_draft(
    db: &mut PgConnection,
    project: ProjectId,
    id: BatchId,
    schedule_at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update batches set schedule_at = $3
           where project_id = $1 and id = $2 and state = 'draft'"#,
        project.0,
        id.0,
        schedule_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a draft and everything that belongs to it. Returns whether the batch was a draft.
pub async fn discard(db: &mut PgConnection, project: ProjectId, id: BatchId) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from batches where project_id = $1 and id = $2 and state = 'draft'",
        project.0,
        id.0,
    )
    .execute(&mut *db)
    .await?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("delete from recipients where batch_id = $1", id.0).execute(db).await?;
    Ok(true)
}
