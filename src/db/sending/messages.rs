//! Messages: written once, read by phone, batch or submission.
//!
//! Where few messages are needed, their outcomes are looked up one by one (`offset 0`). Otherwise
//! the planner takes a look-up that finds its row in one partition for a search of all partitions,
//! and reads a whole year instead.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use crate::domain::accounts::sight::{Sight, hidden};
use crate::domain::ids::{
    BatchId, Id, MessageId, ProjectId, SubmissionId, TemplateId, first_number_at,
};
use crate::domain::review::Purpose;
use crate::domain::sending::message::{MessageState, Outcome};
use crate::domain::text::TemplateText;

/// Messages that all have the same values.
#[derive(Debug, Clone, Copy)]
pub struct Same<'a> {
    /// The project that sends and pays for them.
    pub project: ProjectId,
    /// Their batch.
    pub batch: BatchId,
    /// Their submission.
    pub submission: SubmissionId,
    /// Their template.
    pub template: TemplateId,
    /// The recipients, in order.
    pub phones: &'a [&'a str],
    /// The values of the template's variables.
    pub params: &'a [String],
}

/// Inserts messages that all have the same values.
pub async fn insert_uniform(
    db: &mut PgConnection,
    same: &Same<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into messages
             (id, project_id, submission_id, batch_id, template_id, phone, params)
           select new_id($1), $2, $3, $4, $5, phone, $7
           from unnest($6::text[]) with ordinality as wanted (phone, place) order by place"#,
        now,
        same.project.0,
        same.submission.0,
        same.batch.0,
        same.template.0,
        same.phones as &[&str],
        same.params,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the phones of a submission, in the order of their file.
pub async fn phones_of(db: &PgPool, submission: SubmissionId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select phone from messages where submission_id = $1 order by id"#,
        submission.0,
    )
    .fetch_all(db)
    .await
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Target {
    /// The message.
    pub id: MessageId,
    /// The phone.
    pub phone: String,
    /// The values of the template's variables.
    pub params: Vec<String>,
}

/// Returns the messages of a submission that are still to be sent, in the order of their file.
pub async fn targets(db: &PgPool, submission: SubmissionId) -> sqlx::Result<Vec<Target>> {
    sqlx::query_as!(
        Target,
        r#"select id as "id: MessageId", phone, params from messages m
           where submission_id = $1
             and not exists (select from outcomes o where o.id = m.id offset 0)
           order by id"#,
        submission.0,
    )
    .fetch_all(db)
    .await
}

/// A cause of failures in a batch.
#[derive(Debug, Clone)]
pub struct Cause {
    /// The outcome: failed, refused or unknown.
    pub outcome: Outcome,
    /// The category of the cause.
    pub category: String,
    /// The number of messages.
    pub count: i64,
    /// The most common description by carriers or the vendor.
    pub words: String,
    /// The codes of the carriers or the vendor.
    pub codes: Vec<String>,
}

/// Returns why messages of a batch were not delivered, most common cause first.
pub async fn causes(db: &PgPool, batch: BatchId) -> sqlx::Result<Vec<Cause>> {
    sqlx::query_as!(
        Cause,
        r#"select o.outcome as "outcome: Outcome", coalesce(r.category, '') as "category!",
             sum(o.n)::bigint as "count!",
             (array_agg(coalesce(r.description, '') order by o.n desc))[1] as "words!",
             array_agg(distinct coalesce(r.code, '')) as "codes!"
           from (
             select outcome, reason_id, count(*) as n from outcomes
             where batch_id = $1 and outcome in ('failed', 'refused', 'unknown')
               and outcome <> 'delivered'
             group by 1, 2
           ) o
           left join reasons r on r.id = o.reason_id
           group by 1, 2 order by 3 desc limit 12"#,
        batch.0,
    )
    .fetch_all(db)
    .await
}

/// What the messages of a batch have in common.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub batch_name: String,
    /// Whether every phone has its own values.
    pub each_own: bool,
    /// The present name of the template.
    pub template_name: String,
    /// The vendor's template id.
    pub vendor_template_id: String,
    /// The text they were made from.
    pub template_text: String,
    /// The end of it that was not reviewed, and is left out where values end with how to opt out.
    pub added_opt_out: String,
    /// The content of the signature in front of it.
    pub sig_content: String,
    /// The purpose of the template when they were ordered.
    pub purpose: Purpose,
    /// Whether they send values again that were hidden before.
    pub hides_values: bool,
    /// Whether it goes to international phones.
    pub international: bool,
}

impl Origin {
    /// Returns the text they were made from.
    pub fn text(&self) -> TemplateText {
        TemplateText::with_added_opt_out(&self.template_text, &self.added_opt_out)
    }
}

/// Returns the origins of the messages of `batches`.
pub async fn origins(db: impl PgExecutor<'_>, batches: &[BatchId]) -> sqlx::Result<Vec<Origin>> {
    let ids: Vec<i64> = batches.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Origin,
        r#"select b.id as "batch: BatchId", b.name as batch_name, b.each_own,
             t.name as template_name, b.vendor_template_id, b.template_text, b.added_opt_out, b.sig_content,
             b.purpose as "purpose: Purpose", b.hides_values, b.international
           from batches b join sms_templates t on t.id = b.template_id
           where b.id = any($1)"#,
        &ids,
    )
    .fetch_all(db)
    .await
}

/// Why a message is in its state, from a receipt or a refusal.
#[derive(Debug, Clone)]
pub struct Reason {
    /// The code.
    pub code: String,
    /// The carrier's or vendor's description.
    pub description: String,
    /// The category of its cause.
    pub category: String,
}

/// A message with all that is known of it.
#[derive(Debug, Clone)]
pub struct Message {
    /// Our id.
    pub id: MessageId,
    /// Its submission.
    pub submission_id: SubmissionId,
    /// What it has in common with the other messages of its batch.
    pub origin: Arc<Origin>,
    /// The whole phone; pages mask it for viewers.
    pub phone: String,
    /// Its values, in the order of the variables.
    pub params: Vec<String>,
    /// Its state.
    pub state: MessageState,
    /// The session number, once it is known.
    pub session_no: Option<String>,
    /// When the call was made.
    pub sent_at: Option<OffsetDateTime>,
    /// The reason in its receipt or refusal.
    pub reason: Option<Arc<Reason>>,
    /// The number of billed parts, once a receipt contains it.
    pub parts: Option<i32>,
    /// When it ended, according to the carrier.
    pub receipt_at: Option<OffsetDateTime>,
}

impl Message {
    /// Returns when its call was made or, if it ended without one, when it was made; `None` while it is
    /// still to leave.
    fn left_at(&self) -> Option<OffsetDateTime> {
        let has_left = self.state != MessageState::Queued;
        has_left.then(|| self.sent_at.unwrap_or_else(|| self.id.made_at()))
    }

    /// Returns whether its values are hidden from a person.
    pub fn hides_values(&self, sight: Sight) -> bool {
        let hides =
            self.origin.hides_values || sight.hides_values(self.origin.purpose, self.left_at());
        hides && !self.params.is_empty()
    }

    /// Returns its values as a person sees them.
    pub fn values_for(&self, sight: Sight) -> Cow<'_, [String]> {
        if self.hides_values(sight) {
            return Cow::Owned(hidden(&self.params));
        }
        sight.values(&self.params, &self.phone)
    }
}

/// Returns a batch's messages after `after`, in the order they were given, optionally only those in
/// `state`.
pub async fn of_batch(
    db: &PgPool,
    project: ProjectId,
    batch: BatchId,
    state: Option<MessageState>,
    after: Option<MessageId>,
    limit: i64,
) -> sqlx::Result<Vec<Message>> {
    let Some(origin) = origins(db, &[batch]).await?.pop().map(Arc::new) else {
        return Ok(Vec::new());
    };
    let rows = sqlx::query!(
        r#"select m.id as "id: MessageId", m.submission_id as "submission_id: SubmissionId",
             m.phone, m.params, message_state(s.state, o.outcome) as "state!: MessageState",
             s.session_no, s.sent_at, r.code as "code?", r.description as "description?",
             r.category as "category?", o.parts as "parts?", o.receipt_at as "receipt_at?"
           from messages m
           join submissions s on s.id = m.submission_id
           left join lateral (select * from outcomes where id = m.id offset 0) o on true
           left join reasons r on r.id = o.reason_id
           where m.batch_id = $2 and m.project_id = $1 and m.id > $3
             and ($5::message_state is null or message_state(s.state, o.outcome) = $5)
           order by m.id limit $4"#,
        project.0,
        batch.0,
        // No message is older than its batch, so earlier partitions need not be read.
        after.map_or(0, |id| id.0).max(first_number_at(batch.made_at()) - 1),
        limit,
        state as Option<MessageState>,
    )
    .fetch_all(db)
    .await?;
    let reason = |code: Option<String>, description: Option<String>, category: Option<String>| {
        let (code, description, category) = (code?, description?, category?);
        Some(Arc::new(Reason { code, description, category }))
    };
    let messages = rows.into_iter().map(|row| Message {
        id: row.id,
        submission_id: row.submission_id,
        origin: origin.clone(),
        phone: row.phone,
        params: row.params,
        state: row.state,
        session_no: row.session_no,
        sent_at: row.sent_at,
        reason: reason(row.code, row.description, row.category),
        parts: row.parts,
        receipt_at: row.receipt_at,
    });
    Ok(messages.collect())
}
