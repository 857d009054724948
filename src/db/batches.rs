//! Batches: orders to send, and where they stand.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::batch::{BatchState, Hold};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::message::Tally;
use crate::domain::review::Purpose;

/// A batch to be stored. What goes out is copied into it: a template that changes later changes
/// no order.
#[derive(Debug)]
pub struct NewBatch<'a> {
    /// The project it is charged to.
    pub project: ProjectId,
    /// What lists call it.
    pub name: &'a str,
    /// Where it begins: sending, scheduled or awaiting approval.
    pub state: BatchState,
    /// The signature it goes out under.
    pub signature: SignatureId,
    /// Its template.
    pub template: TemplateId,
    /// The signature's content.
    pub sig_content: &'a str,
    /// The vendor's id of the template.
    pub vendor_template_id: &'a str,
    /// The template's text, unsubscribe text included.
    pub template_text: &'a str,
    /// What the template is for.
    pub purpose: Purpose,
    /// For international texts.
    pub international: bool,
    /// Number of recipients.
    pub total: i32,
    /// Billed pieces of all messages together, as counted beforehand.
    pub parts: i32,
    /// Who ordered it.
    pub ordered_by: UserId,
    /// When it leaves, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// Stores a batch, or answers `None` when its form token was used before.
pub async fn insert(
    db: &mut PgConnection,
    batch: &NewBatch<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<Option<BatchId>> {
    sqlx::query_scalar!(
        r#"insert into batches
             (id, project_id, name, state, signature_id, template_id, sig_content,
              vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
              schedule_at, form_token, started_at)
           values (new_id($1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
              case when $4 = 'sending'::batch_state then $1 end)
           on conflict (form_token) do nothing
           returning id as "id: BatchId""#,
        now,
        batch.project.0,
        batch.name,
        batch.state as BatchState,
        batch.signature.0,
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
    )
    .fetch_optional(db)
    .await
}

/// The batch that a form token made, looked for among the person's own orders in the project.
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

/// A batch as its page and the lists show it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Our id.
    pub id: BatchId,
    /// What lists call it.
    pub name: String,
    /// Where it stands.
    pub state: BatchState,
    /// Why it is paused, when it is.
    pub hold: Option<Hold>,
    /// The vendor's words on why it is paused; else empty.
    pub hold_detail: String,
    /// The signature it goes out under.
    pub signature_id: SignatureId,
    /// Its template.
    pub template_id: TemplateId,
    /// The template's name today.
    pub template_name: String,
    /// The signature's content.
    pub sig_content: String,
    /// The vendor's id of the template.
    pub vendor_template_id: String,
    /// The text as it was ordered, unsubscribe text included.
    pub template_text: String,
    /// What the template is for.
    pub purpose: Purpose,
    /// For international texts.
    pub international: bool,
    /// Number of recipients.
    pub total: i32,
    /// Billed pieces as counted beforehand.
    pub parts: i32,
    /// Who ordered it.
    pub ordered_by: UserId,
    /// That person's name.
    pub orderer: String,
    /// Who approved it or called it off, if somebody did.
    pub decider: Option<String>,
    /// When it leaves or left by schedule.
    pub schedule_at: Option<OffsetDateTime>,
    /// When sending began.
    pub started_at: Option<OffsetDateTime>,
    /// When nothing was left to submit.
    pub finished_at: Option<OffsetDateTime>,
    /// Every message has its final outcome.
    pub settled: bool,
}

/// One batch of the project.
pub async fn find(db: &PgPool, project: ProjectId, id: BatchId) -> sqlx::Result<Option<Batch>> {
    sqlx::query_as!(
        Batch,
        r#"select b.id as "id: BatchId", b.name, b.state as "state: BatchState",
             b.hold as "hold: Hold", b.hold_detail, b.signature_id as "signature_id: SignatureId",
             b.template_id as "template_id: TemplateId", t.name as template_name, b.sig_content,
             b.vendor_template_id, b.template_text, b.purpose as "purpose: Purpose",
             b.international, b.total, b.parts, b.ordered_by as "ordered_by: UserId",
             o.name as orderer, d.name as "decider?", b.schedule_at, b.started_at, b.finished_at,
             b.settled
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

/// A project's batches older than `before` (all, when `None`), newest first.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    before: Option<BatchId>,
    limit: i64,
) -> sqlx::Result<Vec<Batch>> {
    sqlx::query_as!(
        Batch,
        r#"select b.id as "id: BatchId", b.name, b.state as "state: BatchState",
             b.hold as "hold: Hold", b.hold_detail, b.signature_id as "signature_id: SignatureId",
             b.template_id as "template_id: TemplateId", t.name as template_name, b.sig_content,
             b.vendor_template_id, b.template_text, b.purpose as "purpose: Purpose",
             b.international, b.total, b.parts, b.ordered_by as "ordered_by: UserId",
             o.name as orderer, d.name as "decider?", b.schedule_at, b.started_at, b.finished_at,
             b.settled
           from batches b
           join sms_templates t on t.id = b.template_id
           join users o on o.id = b.ordered_by
           left join users d on d.id = b.decided_by
           where b.project_id = $1 and b.id < $2
           order by b.id desc limit $3"#,
        project.0,
        before.map_or(i64::MAX, |id| id.0),
        limit,
    )
    .fetch_all(db)
    .await
}

/// How the messages of several batches add up, in the order of `ids`.
pub async fn tallies(db: &PgPool, ids: &[BatchId]) -> sqlx::Result<Vec<Tally>> {
    let numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select
             coalesce(sum(open) filter (where state in ('ready', 'in_flight')), 0) as "queued!",
             coalesce(sum(open) filter (where state in ('accepted', 'partly')), 0)
               as "submitted!",
             coalesce(sum(open) filter (where state = 'in_doubt'), 0) as "in_doubt!",
             coalesce(sum(delivered), 0) as "delivered!",
             coalesce(sum(failed), 0) as "failed!",
             coalesce(sum(unknown), 0) as "unknown!",
             coalesce(sum(refused), 0) as "refused!",
             coalesce(sum(open) filter (where state = 'cancelled'), 0) as "cancelled!",
             coalesce(sum(suppressed), 0) as "suppressed!"
           from unnest($1::bigint[]) with ordinality as wanted (batch_id, place)
           left join lateral (
             select state, delivered, failed, unknown, refused, suppressed,
               n - delivered - failed - unknown - refused - suppressed as open
             from submissions s where s.batch_id = wanted.batch_id
           ) s on true
           group by place order by place"#,
        &numbers,
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
