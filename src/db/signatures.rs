//! Signatures as the vendor last described them.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, SignatureId};
use crate::domain::review::ReviewStatus;

/// A signature with its cached review status.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Our id.
    pub id: SignatureId,
    /// The vendor's id.
    pub sig_id: String,
    /// The name in the brackets, without them.
    pub content: String,
    /// For international texts.
    pub international: bool,
    /// The vendor's review.
    pub status: ReviewStatus,
    /// Why it was rejected, in the vendor's words; else empty.
    pub reason: String,
    /// When the vendor was last asked.
    pub checked_at: OffsetDateTime,
    /// When the status last changed.
    pub changed_at: OffsetDateTime,
}

/// A signature as the vendor describes it now.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// The vendor's id.
    pub sig_id: &'a str,
    /// The name in the brackets.
    pub content: &'a str,
    /// For international texts.
    pub international: bool,
    /// The vendor's review.
    pub status: ReviewStatus,
    /// Why it was rejected; else empty.
    pub reason: &'a str,
}

/// Keeps what the vendor says of a signature; the time of change moves only with the status.
pub async fn keep(
    db: &mut PgConnection,
    project: ProjectId,
    described: &Described<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<SignatureId> {
    sqlx::query_scalar!(
        r#"insert into signatures
             (id, project_id, sig_id, content, international, status, reason, checked_at, changed_at)
           values (new_id($7), $1, $2, $3, $4, $5, $6, $7, $7)
           on conflict (project_id, sig_id) do update set
             content = excluded.content, status = excluded.status, reason = excluded.reason,
             checked_at = excluded.checked_at, deleted_at = null,
             changed_at = case when signatures.status = excluded.status
               then signatures.changed_at else excluded.changed_at end
           returning id as "id: SignatureId""#,
        project.0,
        described.sig_id,
        described.content,
        described.international,
        described.status as ReviewStatus,
        described.reason,
        now,
    )
    .fetch_one(db)
    .await
}

/// A project's signatures, newest first, at most `limit`.
pub async fn list(db: &PgPool, project: ProjectId, limit: i64) -> sqlx::Result<Vec<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select id as "id: SignatureId", sig_id, content, international,
             status as "status: ReviewStatus", reason, checked_at, changed_at
           from signatures where project_id = $1 and deleted_at is null
           order by id desc limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The signatures that may be sent with, by name.
pub async fn approved(db: &PgPool, project: ProjectId) -> sqlx::Result<Vec<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select id as "id: SignatureId", sig_id, content, international,
             status as "status: ReviewStatus", reason, checked_at, changed_at
           from signatures
           where project_id = $1 and deleted_at is null and status = 'approved'
           order by content, id"#,
        project.0,
    )
    .fetch_all(db)
    .await
}

/// One approved signature of the project, if it is one.
pub async fn find_approved(
    db: &mut PgConnection,
    project: ProjectId,
    id: SignatureId,
) -> sqlx::Result<Option<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select id as "id: SignatureId", sig_id, content, international,
             status as "status: ReviewStatus", reason, checked_at, changed_at
           from signatures
           where project_id = $1 and id = $2 and deleted_at is null and status = 'approved'"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Takes those whose turn it is to be asked about: under review and last asked before
/// `open_before`, or approved and last asked before `approved_before` (they can be disabled later).
/// Taking moves their turn, so no other process takes them as well.
pub async fn take_due(
    db: &PgPool,
    open_before: OffsetDateTime,
    approved_before: OffsetDateTime,
    limit: i64,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(ProjectId, String)>> {
    let rows = sqlx::query!(
        r#"update signatures set checked_at = $4
           where id in (
             select id from signatures
             where deleted_at is null
               and ((status in ('waiting', 'in_review') and checked_at < $1)
                 or (status = 'approved' and checked_at < $2))
             order by checked_at limit $3
             for update skip locked
           )
           returning project_id as "project_id: ProjectId", sig_id"#,
        open_before,
        approved_before,
        limit,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.project_id, row.sig_id)).collect())
}
