//! Uploads: files of recipients, from the first byte until their rows have become messages.

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::review::Purpose;
use crate::domain::sending::upload::{UploadSource, UploadState};

/// An uploaded file of recipients.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The draft it belongs to.
    pub batch_id: BatchId,
    /// Its state.
    pub state: UploadState,
    /// The kind of file.
    pub source: UploadSource,
    /// The file name on the person's computer.
    pub file_name: String,
    /// Its size in bytes.
    pub bytes: i64,
    /// How it is to be read, as chosen by a person.
    pub read_options: Value,
    /// How it was read and what was found, once it has been read.
    pub report: Option<Value>,
    /// Why it cannot be read: a code, with details after a colon.
    pub problem: Option<String>,
    /// The number of rows with a verdict so far.
    pub rows_read: i32,
    /// The number of bytes read so far.
    pub bytes_read: i64,
    /// When every row had its verdict.
    pub read_at: Option<OffsetDateTime>,
}

/// Inserts an upload whose file is still being received.
pub async fn begin(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    source: UploadSource,
    file_name: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into uploads (batch_id, project_id, state, source, file_name, touched_at)
           values ($1, $2, 'receiving', $3, $4, $5)"#,
        batch.0,
        project.0,
        source as UploadSource,
        file_name,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The drafts of a person in a project.
#[derive(Debug, Clone, Copy)]
pub struct Drafts {
    /// How many they are.
    pub count: i64,
    /// The bytes of their files.
    pub bytes: i64,
}

/// Returns the drafts of a person in a project.
pub async fn drafts(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    person: UserId,
) -> sqlx::Result<Drafts> {
    sqlx::query_as!(
        Drafts,
        r#"select count(*) as "count!", coalesce(sum(u.bytes), 0)::bigint as "bytes!"
           from batches b join uploads u on u.batch_id = b.id
           where b.project_id = $1 and b.state = 'draft' and b.ordered_by = $2"#,
        project.0,
        person.0,
    )
    .fetch_one(db)
    .await
}

/// Locks the drafts of a person in a project until the end of the transaction: nobody else begins
/// another one for this person meanwhile.
pub async fn lock_drafts(
    db: &mut PgConnection,
    project: ProjectId,
    person: UserId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('drafts ' || $1::bigint, $2))",
        project.0,
        person.0,
    )
    .fetch_one(db)
    .await?;
    Ok(())
}

/// Appends the next chunk to a file.
pub async fn append(
    db: &PgPool,
    batch: BatchId,
    n: i32,
    content: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with kept as (insert into upload_chunks (batch_id, n, content) values ($1, $2, $3))
           update uploads set bytes = bytes + $4, touched_at = $5 where batch_id = $1"#,
        batch.0,
        n,
        content,
        i64::try_from(content.len()).unwrap_or(i64::MAX),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Saves how a file is to be read, while it is still being received.
pub async fn save_read_options(
    db: &PgPool,
    batch: BatchId,
    read_options: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update uploads set read_options = $2 where batch_id = $1 and state = 'receiving'",
        batch.0,
        read_options,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a file completely received; it may be read from now on.
pub async fn received(
    db: &PgPool,
    batch: BatchId,
    utf8: bool,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update uploads set state = 'waiting', utf8 = $2, touched_at = $3
           where batch_id = $1 and state = 'receiving'"#,
        batch.0,
        utf8,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the upload of a batch of the project.
pub async fn find(db: &PgPool, project: ProjectId, batch: BatchId) -> sqlx::Result<Option<Upload>> {
    sqlx::query_as!(
        Upload,
        r#"select batch_id as "batch_id: BatchId", state as "state: UploadState",
             source as "source: UploadSource", file_name, bytes, read_options, report, problem,
             rows_read, bytes_read, read_at
           from uploads where project_id = $1 and batch_id = $2"#,
        project.0,
        batch.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns what was found in the file of a batch, if it has one that was read.
pub async fn report(db: &PgPool, batch: BatchId) -> sqlx::Result<Option<Value>> {
    let found = sqlx::query_scalar!("select report from uploads where batch_id = $1", batch.0)
        .fetch_optional(db)
        .await?;
    Ok(found.flatten())
}

/// A file that this process is reading.
#[derive(Debug, Clone)]
pub struct Job {
    /// The draft.
    pub batch_id: BatchId,
    /// Its project.
    pub project_id: ProjectId,
    /// The kind of file.
    pub source: UploadSource,
    /// Whether all of it is valid UTF-8.
    pub utf8: bool,
    /// How it is to be read, as chosen by a person.
    pub read_options: Value,
    /// The number of this reading; results of an earlier reading are dropped.
    pub turn: i32,
    /// How many readers have died since a person last asked for the file to be read.
    pub dead_readers: i32,
}

/// Takes the oldest file that is waiting to be read and may be, or whose reader died.
pub async fn take(db: &PgPool, now: OffsetDateTime, lease: Duration) -> sqlx::Result<Option<Job>> {
    sqlx::query_as!(
        Job,
        r#"update uploads
           set state = 'reading', turn = turn + 1, lease_until = $2, rows_read = 0, bytes_read = 0
           where batch_id = (select batch_id from uploads
             where state = 'waiting' and lease_until is null
               or state in ('waiting', 'reading') and lease_until < $1
             order by batch_id limit 1 for update skip locked)
           returning batch_id as "batch_id: BatchId", project_id as "project_id: ProjectId",
             source as "source: UploadSource", utf8, read_options, turn,
             turn - turn_asked - 1 as "dead_readers!""#,
        now,
        now + lease,
    )
    .fetch_optional(db)
    .await
}

/// Has a file read again that could not be read to its end, at once or from a time on. If
/// `uncounted`, its reader did not die.
pub async fn wait_again(
    db: &PgPool,
    job: &Job,
    uncounted: bool,
    from: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update uploads
           set state = 'waiting', lease_until = $4,
             turn_asked = case when $3 then turn_asked + 1 else turn_asked end
           where batch_id = $1 and turn = $2 and state = 'reading'"#,
        job.batch_id.0,
        job.turn,
        uncounted,
        from,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records how far the reader is and renews its lease. Returns whether its result is still wanted.
pub async fn progress(
    db: &PgPool,
    job: &Job,
    rows: i32,
    bytes: i64,
    lease_until: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update uploads set rows_read = $3, bytes_read = $4, lease_until = $5
           where batch_id = $1 and turn = $2 and state = 'reading'"#,
        job.batch_id.0,
        job.turn,
        rows,
        bytes,
        lease_until,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Records that every row has its verdict, as of the moment when there were the orders
/// `orders_seen` of the template. Returns whether the result was still wanted.
pub async fn finish(
    db: &mut PgConnection,
    job: &Job,
    report: &Value,
    rows: i32,
    orders_seen: i64,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update uploads
           set state = 'read', orders_seen = $6, report = $3, problem = null, rows_read = $4, bytes_read = bytes,
             lease_until = null, read_at = $5, touched_at = $5
           where batch_id = $1 and turn = $2 and state = 'reading'"#,
        job.batch_id.0,
        job.turn,
        report,
        rows,
        now,
        orders_seen,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Records that the file cannot be read, and why. `report` has what is known of it nevertheless.
pub async fn give_up(
    db: &PgPool,
    job: &Job,
    problem: &str,
    report: Option<&Value>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update uploads
           set state = 'unreadable', problem = $3, report = $5, lease_until = null, touched_at = $4
           where batch_id = $1 and turn = $2 and state = 'reading'"#,
        job.batch_id.0,
        job.turn,
        problem,
        now,
        report,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A draft whose file was read.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The signature of its texts.
    pub signature_id: Option<SignatureId>,
    /// Its template.
    pub template_id: TemplateId,
    /// The signature's content as it was checked.
    pub sig_content: String,
    /// The vendor's id of the template.
    pub vendor_template_id: String,
    /// The template's text as it was checked.
    pub template_text: String,
    /// The end of it that was not reviewed.
    pub added_opt_out: String,
    /// The purpose of the template as it was checked.
    pub purpose: Purpose,
    /// Whether it goes to international phones.
    pub international: bool,
    /// How its file was to be read, as chosen by a person.
    pub read_options: Value,
    /// What was found in the file.
    pub report: Option<Value>,
    /// Which orders of the template there were by then; `None` while the file is being read.
    pub orders_seen: Option<i64>,
    /// When every row had its verdict.
    pub read_at: Option<OffsetDateTime>,
    /// The time for which it was checked, if it is not to be sent at once.
    pub schedule_at: Option<OffsetDateTime>,
}

/// Locks a draft until the transaction ends. Returns `None` if it no longer is a draft.
pub async fn lock_draft(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
) -> sqlx::Result<Option<Draft>> {
    // Lock the batch alone first. Planning of a batch that was confirmed meanwhile holds its upload
    // and then waits for the batch; locking both in one statement could deadlock with it.
    let is_draft = sqlx::query_scalar!(
        r#"select true as "yes!" from batches
           where project_id = $1 and id = $2 and state = 'draft' for update"#,
        project.0,
        batch.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    if is_draft.is_none() {
        return Ok(None);
    }
    sqlx::query_as!(
        Draft,
        r#"select b.signature_id as "signature_id: SignatureId",
             b.template_id as "template_id: TemplateId", b.sig_content, b.vendor_template_id,
             b.template_text, b.added_opt_out, b.purpose as "purpose: Purpose", b.international, u.read_options, u.report, u.read_at, b.schedule_at,
             case when u.state = 'read' then u.orders_seen end as orders_seen
           from batches b join uploads u on u.batch_id = b.id
           where b.id = $1
           for update of u"#,
        batch.0,
    )
    .fetch_optional(db)
    .await
}

/// Has a draft's file read again with other options. Returns whether the batch is a draft whose
/// file was received.
pub async fn read_again(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    read_options: &Value,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update uploads u
           set state = 'waiting', read_options = $3, problem = null, rows_read = 0, bytes_read = 0,
             turn_asked = turn, lease_until = null, read_at = null, touched_at = $4
           from batches b
           where u.batch_id = $2 and u.project_id = $1 and u.state <> 'receiving'
             and b.id = u.batch_id and b.state = 'draft'"#,
        project.0,
        batch.0,
        read_options,
        now,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Returns a chunk of a file.
pub async fn chunk(db: &PgPool, batch: BatchId, n: i32) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select content from upload_chunks where batch_id = $1 and n = $2",
        batch.0,
        n,
    )
    .fetch_optional(db)
    .await
}

/// Deletes drafts that nobody has touched since `before`, and uploads that broke off before
/// `broken_before`. Returns how many.
pub async fn delete_abandoned(
    db: &PgPool,
    before: OffsetDateTime,
    broken_before: OffsetDateTime,
) -> sqlx::Result<u64> {
    let mut tx = db.begin().await?;
    let deleted = sqlx::query_scalar!(
        r#"delete from batches b using uploads u
           where u.batch_id = b.id and b.state = 'draft'
             and (u.touched_at < $1 or u.state = 'receiving' and u.touched_at < $2)
           returning b.id"#,
        before,
        broken_before,
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!("delete from recipients where batch_id = any($1)", &deleted)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.len() as u64)
}
