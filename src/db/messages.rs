//! Messages: written once, read under their phone, batch or submission.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{
    BatchId, MessageId, ProjectId, SubmissionId, TemplateId, first_number_at,
};
use crate::domain::message::MessageState;

/// Messages that all carry the same parameters.
#[derive(Debug, Clone, Copy)]
pub struct Same<'a> {
    /// The project they are charged to.
    pub project: ProjectId,
    /// Their batch.
    pub batch: BatchId,
    /// The submission that carries them.
    pub submission: SubmissionId,
    /// Their template.
    pub template: TemplateId,
    /// To whom, in order.
    pub phones: &'a [&'a str],
    /// The values of the template's variables.
    pub params: &'a [String],
}

/// Stores messages that all carry the same parameters.
pub async fn insert_same(
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

/// The phones of one submission, in the order of the file they came from.
pub async fn phones_of(db: &PgPool, submission: SubmissionId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select phone from messages where submission_id = $1 order by id"#,
        submission.0,
    )
    .fetch_all(db)
    .await
}

/// The parameters of a submission whose messages all carry the same.
pub async fn params_of(db: &PgPool, submission: SubmissionId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select params from messages where submission_id = $1 limit 1"#,
        submission.0,
    )
    .fetch_optional(db)
    .await
    .map(Option::unwrap_or_default)
}

/// One message with all that is known of it.
#[derive(Debug, Clone)]
pub struct Message {
    /// Our id.
    pub id: MessageId,
    /// The batch it belongs to.
    pub batch_id: BatchId,
    /// That batch's name.
    pub batch_name: String,
    /// The whole phone; pages mask it for viewers.
    pub phone: String,
    /// Its parameters, in order.
    pub params: Vec<String>,
    /// Where it stands.
    pub state: MessageState,
    /// The vendor's session number, once it is known.
    pub session_no: Option<String>,
    /// When the call that carried it left.
    pub sent_at: Option<OffsetDateTime>,
    /// The code of its receipt or refusal.
    pub code: Option<String>,
    /// The carrier's or vendor's own words.
    pub description: Option<String>,
    /// The cause the code stands for.
    pub category: Option<String>,
    /// Billed pieces, once a receipt says so.
    pub parts: Option<i32>,
    /// When the carrier says it ended.
    pub receipt_at: Option<OffsetDateTime>,
    /// The text it was made from.
    pub template_text: String,
    /// The signature in front of it.
    pub sig_content: String,
    /// For international texts.
    pub international: bool,
}

/// A batch's messages after `after`, in the order they were given.
pub async fn of_batch(
    db: &PgPool,
    project: ProjectId,
    batch: BatchId,
    after: Option<MessageId>,
    limit: i64,
) -> sqlx::Result<Vec<Message>> {
    sqlx::query_as!(
        Message,
        r#"select m.id as "id: MessageId", m.batch_id as "batch_id: BatchId",
             b.name as batch_name, m.phone, m.params,
             message_state(s.state, o.outcome) as "state!: MessageState",
             s.session_no, s.sent_at, r.code as "code?", r.description as "description?",
             r.category as "category?", o.parts as "parts?", o.receipt_at as "receipt_at?",
             b.template_text, b.sig_content, b.international
           from messages m
           join batches b on b.id = m.batch_id
           join submissions s on s.id = m.submission_id
           left join outcomes o on o.id = m.id
           left join reasons r on r.id = o.reason_id
           where m.batch_id = $2 and m.project_id = $1 and m.id > $3
           order by m.id limit $4"#,
        project.0,
        batch.0,
        after.map_or(0, |id| id.0),
        limit,
    )
    .fetch_all(db)
    .await
}

/// The messages of one session number, in the order they were given.
pub async fn of_session(
    db: &PgPool,
    project: ProjectId,
    session_no: &str,
    limit: i64,
) -> sqlx::Result<Vec<Message>> {
    sqlx::query_as!(
        Message,
        r#"select m.id as "id: MessageId", m.batch_id as "batch_id: BatchId",
             b.name as batch_name, m.phone, m.params,
             message_state(s.state, o.outcome) as "state!: MessageState",
             s.session_no, s.sent_at, r.code as "code?", r.description as "description?",
             r.category as "category?", o.parts as "parts?", o.receipt_at as "receipt_at?",
             b.template_text, b.sig_content, b.international
           from submissions s
           join batches b on b.id = s.batch_id
           join messages m on m.submission_id = s.id
           left join outcomes o on o.id = m.id
           left join reasons r on r.id = o.reason_id
           where s.session_no = $2 and s.project_id = $1
           order by m.id limit $3"#,
        project.0,
        session_no,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The newest messages to one phone.
pub async fn of_phone(
    db: &PgPool,
    project: ProjectId,
    phone: &str,
    before: Option<MessageId>,
    limit: i64,
) -> sqlx::Result<Vec<Message>> {
    sqlx::query_as!(
        Message,
        r#"select m.id as "id: MessageId", m.batch_id as "batch_id: BatchId",
             b.name as batch_name, m.phone, m.params,
             message_state(s.state, o.outcome) as "state!: MessageState",
             s.session_no, s.sent_at, r.code as "code?", r.description as "description?",
             r.category as "category?", o.parts as "parts?", o.receipt_at as "receipt_at?",
             b.template_text, b.sig_content, b.international
           from messages m
           join batches b on b.id = m.batch_id
           join submissions s on s.id = m.submission_id
           left join outcomes o on o.id = m.id
           left join reasons r on r.id = o.reason_id
           where m.project_id = $1 and m.phone = $2 and m.id < $3
           order by m.id desc limit $4"#,
        project.0,
        phone,
        before.map_or(i64::MAX, |id| id.0),
        limit,
    )
    .fetch_all(db)
    .await
}

/// A message that says the same to the same phone.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// The phone.
    pub phone: String,
    /// When the newest such message was ordered is in its id.
    pub id: MessageId,
    /// Who ordered it.
    pub orderer: String,
    /// Where it stands.
    pub state: MessageState,
}

/// Of `phones`, those that were sent the same template with the same parameters since `since`,
/// with the newest such message each. Called-off and refused ones do not count.
pub async fn repeats(
    db: &PgPool,
    project: ProjectId,
    template: TemplateId,
    params: &[String],
    phones: &[&str],
    since: OffsetDateTime,
) -> sqlx::Result<Vec<Repeat>> {
    sqlx::query_as!(
        Repeat,
        r#"select wanted.phone as "phone!", last.id as "id: MessageId", last.orderer,
             last.state as "state!: MessageState"
           from unnest($4::text[]) with ordinality as wanted (phone, place)
           cross join lateral (
             select m.id, u.name as orderer, message_state(s.state, o.outcome) as state
             from messages m
             join submissions s on s.id = m.submission_id
             join batches b on b.id = m.batch_id
             join users u on u.id = b.ordered_by
             left join outcomes o on o.id = m.id
             where m.project_id = $1 and m.phone = wanted.phone and m.id >= $5
               and m.template_id = $2 and m.params = $3
               and message_state(s.state, o.outcome) not in ('refused', 'cancelled', 'suppressed')
             order by m.id desc limit 1
           ) last
           order by place"#,
        project.0,
        template.0,
        params,
        phones as &[&str],
        first_number_at(since),
    )
    .fetch_all(db)
    .await
}
