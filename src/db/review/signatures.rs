//! Signatures as the vendor last described them.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::reviewed::{Filter, MAX_SCANNED};
use crate::domain::ids::{ProjectId, SignatureId, UserId};
use crate::domain::review::ReviewStatus;
use crate::domain::review::signature::SignatureKind;
use crate::domain::text;

/// A signature with its cached review status.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Our id.
    pub id: SignatureId,
    /// The vendor's id.
    pub sig_id: String,
    /// The name without its brackets.
    pub content: String,
    /// Whether it is for international phones.
    pub international: bool,
    /// Its review status.
    pub status: ReviewStatus,
    /// Why it was rejected, in the vendor's words, or an empty string.
    pub reason: String,
    /// When the vendor last described it.
    pub checked_at: OffsetDateTime,
    /// When the status last changed.
    pub changed_at: OffsetDateTime,
    /// What the name stands for: as applied for here or, if it was imported, as a person says.
    pub kind: Option<SignatureKind>,
    /// The name of the account that applied for it.
    pub person: Option<String>,
    /// When the vendor first did not know it any more.
    pub missing_since: Option<OffsetDateTime>,
    /// When it was deleted here.
    pub deleted_at: Option<OffsetDateTime>,
    /// The account that asked the vendor to delete it, while there is no response.
    pub delete_requested_by: Option<UserId>,
}

impl Signature {
    /// Returns it in the brackets in which it is sent.
    pub fn bracketed(&self) -> String {
        text::bracketed(&self.content, self.international)
    }

    /// Returns whether it was imported, not applied for here.
    pub fn was_imported(&self) -> bool {
        self.person.is_none()
    }
}

/// A signature as the vendor describes it now.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// The vendor's id.
    pub sig_id: &'a str,
    /// The name without its brackets.
    pub content: &'a str,
    /// Whether it is for international phones; stored only when it is new.
    pub international: bool,
    /// Its review status.
    pub status: ReviewStatus,
    /// Why it was rejected, or an empty string.
    pub reason: &'a str,
}

/// Upserts a signature as the vendor describes it. The time of change moves only with the status.
/// Returns our id.
pub async fn upsert(
    db: &mut PgConnection,
    project: ProjectId,
    described: &Described<'_>,
    next_check_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<SignatureId> {
    sqlx::query_scalar!(
        r#"insert into signatures (id, project_id, sig_id, content, international, status, reason,
             checked_at, changed_at, next_check_at)
           values (new_id($7), $1, $2, $3, $4, $5, $6, $7, $7, $8)
           on conflict (project_id, sig_id) do update set
             content = excluded.content, status = excluded.status, reason = excluded.reason,
             checked_at = excluded.checked_at, next_check_at = excluded.next_check_at,
             deleted_at = null, missing_since = null, delete_requested_by = null,
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
        next_check_at,
    )
    .fetch_one(db)
    .await
}

/// Stores what the application contained and the vendor does not report.
pub async fn set_application(
    db: &mut PgConnection,
    id: SignatureId,
    kind: SignatureKind,
    international: bool,
    applied_by: UserId,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update signatures set kind = $2, international = $3, applied_by = $4,
             destination_proposed = false where id = $1"#,
        id.0,
        kind as SignatureKind,
        international,
        applied_by as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stores what the name of an imported signature stands for.
pub async fn set_kind(
    db: &mut PgConnection,
    id: SignatureId,
    kind: Option<SignatureKind>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update signatures set kind = $2 where id = $1",
        id.0,
        kind as Option<SignatureKind>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns a page of the list, latest change first.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
) -> sqlx::Result<Vec<Signature>> {
    if filter.search.is_empty() {
        return scan(db, project, filter, filter.limit).await;
    }
    let found = scan(db, project, filter, MAX_SCANNED).await?;
    let full = i64::try_from(found.len()).is_ok_and(|n| n >= filter.limit);
    if full || !filter.has_pairs() {
        return Ok(found);
    }
    search_by_pairs(db, project, filter).await
}

/// Returns the newest rows of each status in the filter, merged; for a search, those that match
/// among the first `scan_limit` of each.
async fn scan(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    scan_limit: i64,
) -> sqlx::Result<Vec<Signature>> {
    let (changed_at, id) = filter.below();
    // A single character has no pairs, so all rows are scanned.
    let scan_limit =
        if filter.search.is_empty() || filter.has_pairs() { scan_limit } else { i64::MAX };
    sqlx::query_as!(
        Signature,
        r#"select s.id as "id: SignatureId", s.sig_id, s.content, s.international,
             s.status as "status: ReviewStatus", s.reason, s.checked_at, s.changed_at,
             s.kind as "kind: SignatureKind", u.name as "person?", s.missing_since, s.deleted_at,
             s.delete_requested_by as "delete_requested_by: UserId"
           from (
             select s.*
             from unnest($2::review_status[]) wanted (status)
             cross join lateral (
               select * from signatures s
               where s.project_id = $1 and s.gone = $3 and s.status = wanted.status
                 and (s.changed_at, s.id) < ($4, $5)
                 and ($6::bool is null or s.international = $6)
               order by s.changed_at desc, s.id desc limit $9
             ) s
             order by s.changed_at desc, s.id desc limit $9
           ) s
           left join users u on u.id = s.applied_by
           where $7 = '' or strpos(s.search, $7) > 0
           order by s.changed_at desc, s.id desc limit $8"#,
        project.0,
        &filter.statuses as &[ReviewStatus],
        filter.gone,
        changed_at,
        id,
        filter.international,
        filter.search,
        filter.limit,
        scan_limit,
    )
    .fetch_all(db)
    .await
}

/// Returns the rows that match a search, using the index of letter pairs.
async fn search_by_pairs(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
) -> sqlx::Result<Vec<Signature>> {
    let (changed_at, id) = filter.below();
    sqlx::query_as!(
        Signature,
        r#"select s.id as "id: SignatureId", s.sig_id, s.content, s.international,
             s.status as "status: ReviewStatus", s.reason, s.checked_at, s.changed_at,
             s.kind as "kind: SignatureKind", u.name as "person?", s.missing_since, s.deleted_at,
             s.delete_requested_by as "delete_requested_by: UserId"
           from signatures s left join users u on u.id = s.applied_by
           where s.project_id = $1 and s.status = any($2::review_status[]) and s.gone = $3
             and (s.changed_at, s.id) < ($4, $5)
             and ($6::bool is null or s.international = $6)
             and s.pairs @> search_pairs($7) and strpos(s.search, $7) > 0
           order by s.changed_at desc, s.id desc limit $8"#,
        project.0,
        &filter.statuses as &[ReviewStatus],
        filter.gone,
        changed_at,
        id,
        filter.international,
        filter.search,
        filter.limit,
    )
    .fetch_all(db)
    .await
}

/// Returns a signature of the project by the vendor's id, deleted or not.
pub async fn by_sig_id(
    db: &PgPool,
    project: ProjectId,
    sig_id: &str,
) -> sqlx::Result<Option<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select s.id as "id: SignatureId", s.sig_id, s.content, s.international,
             s.status as "status: ReviewStatus", s.reason, s.checked_at, s.changed_at,
             s.kind as "kind: SignatureKind", u.name as "person?", s.missing_since, s.deleted_at,
             s.delete_requested_by as "delete_requested_by: UserId"
           from signatures s left join users u on u.id = s.applied_by
           where s.project_id = $1 and s.sig_id = $2"#,
        project.0,
        sig_id,
    )
    .fetch_optional(db)
    .await
}

/// Returns a signature of the project by our id, deleted or not.
pub async fn by_id(
    db: &PgPool,
    project: ProjectId,
    id: SignatureId,
) -> sqlx::Result<Option<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select s.id as "id: SignatureId", s.sig_id, s.content, s.international,
             s.status as "status: ReviewStatus", s.reason, s.checked_at, s.changed_at,
             s.kind as "kind: SignatureKind", u.name as "person?", s.missing_since, s.deleted_at,
             s.delete_requested_by as "delete_requested_by: UserId"
           from signatures s left join users u on u.id = s.applied_by
           where s.project_id = $1 and s.id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Locks a signature by the vendor's id until the transaction ends.
pub async fn lock(
    db: &mut PgConnection,
    project: ProjectId,
    sig_id: &str,
) -> sqlx::Result<Option<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select s.id as "id: SignatureId", s.sig_id, s.content, s.international,
             s.status as "status: ReviewStatus", s.reason, s.checked_at, s.changed_at,
             s.kind as "kind: SignatureKind", u.name as "person?", s.missing_since, s.deleted_at,
             s.delete_requested_by as "delete_requested_by: UserId"
           from signatures s left join users u on u.id = s.applied_by
           where s.project_id = $1 and s.sig_id = $2 for update of s"#,
        project.0,
        sig_id,
    )
    .fetch_optional(db)
    .await
}

/// Returns the vendor's id of another signature of the project with this content that was not
/// rejected, if there is one.
pub async fn same_content(
    db: &PgPool,
    project: ProjectId,
    content: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select sig_id from signatures
           where project_id = $1 and content = $2 and not gone
             and status in ('waiting', 'in_review', 'approved') limit 1"#,
        project.0,
        content,
    )
    .fetch_optional(db)
    .await
}

/// Returns at most `limit` signatures that can be used for sending, by name.
pub async fn approved(db: &PgPool, project: ProjectId, limit: i64) -> sqlx::Result<Vec<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select s.id as "id: SignatureId", s.sig_id, s.content, s.international,
             s.status as "status: ReviewStatus", s.reason, s.checked_at, s.changed_at,
             s.kind as "kind: SignatureKind", u.name as "person?", s.missing_since, s.deleted_at,
             s.delete_requested_by as "delete_requested_by: UserId"
           from signatures s left join users u on u.id = s.applied_by
           where s.project_id = $1 and not s.gone and s.status = 'approved'
             and s.missing_since is null
           order by s.content, s.id limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Returns a signature of the project if it is approved. Its destination cannot change until the
/// transaction ends.
pub async fn find_approved(
    db: &mut PgConnection,
    project: ProjectId,
    id: SignatureId,
) -> sqlx::Result<Option<Signature>> {
    sqlx::query_as!(
        Signature,
        r#"select s.id as "id: SignatureId", s.sig_id, s.content, s.international,
             s.status as "status: ReviewStatus", s.reason, s.checked_at, s.changed_at,
             s.kind as "kind: SignatureKind", u.name as "person?", s.missing_since, s.deleted_at,
             s.delete_requested_by as "delete_requested_by: UserId"
           from signatures s left join users u on u.id = s.applied_by
           where s.project_id = $1 and s.id = $2 and not s.gone and s.status = 'approved'
             and s.missing_since is null
           for key share of s"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}
