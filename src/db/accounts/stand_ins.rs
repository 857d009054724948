//! Stand-ins: who may approve in the place of somebody who is away.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::accounts::role::Role;
use crate::domain::ids::{ProjectId, UserId};

/// A stand-in.
#[derive(Debug)]
pub struct StandIn {
    /// The name of the account that is stood in for.
    pub approver: String,
    /// The name of the account that may approve instead.
    pub stand_in: String,
    /// The moment at which it ends.
    pub until: OffsetDateTime,
}

/// Names a stand-in, instead of the one who was named before.
pub async fn set(
    db: &mut PgConnection,
    project: ProjectId,
    approver: UserId,
    stand_in: UserId,
    until: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into stand_ins (project_id, approver_id, stand_in_id, until)
           values ($1, $2, $3, $4)
           on conflict (project_id, approver_id)
             do update set stand_in_id = excluded.stand_in_id, until = excluded.until"#,
        project as ProjectId,
        approver as UserId,
        stand_in as UserId,
        until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends standing in for an account. Returns whether somebody did.
pub async fn end(
    db: &mut PgConnection,
    project: ProjectId,
    approver: UserId,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        "delete from stand_ins where project_id = $1 and approver_id = $2",
        project as ProjectId,
        approver as UserId,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends all that an account has to do with standing in, when it leaves the project.
pub async fn forget(db: &mut PgConnection, project: ProjectId, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from stand_ins where project_id = $1 and $2 in (approver_id, stand_in_id)",
        project as ProjectId,
        user as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the stand-ins of a project that have not ended, by whom they stand in for.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<StandIn>> {
    sqlx::query_as!(
        StandIn,
        r#"select a.name as approver, u.name as stand_in, s.until
           from stand_ins s join users a on a.id = s.approver_id join users u on u.id = s.stand_in_id
           where s.project_id = $1 and s.until > $2 order by lower(a.name)"#,
        project as ProjectId,
        now,
    )
    .fetch_all(db)
    .await
}

/// Returns what an account may do in a project by itself; an owner is an admin. `None` if it may not sign
/// in, or has no role.
pub async fn role_of(
    db: &mut PgConnection,
    project: ProjectId,
    user: UserId,
) -> sqlx::Result<Option<Role>> {
    let role = sqlx::query_scalar!(
        r#"select case when u.is_owner then 'admin' else m.role end as "role: Role"
           from users u left join members m on m.user_id = u.id and m.project_id = $1
           where u.id = $2 and u.disabled_at is null"#,
        project as ProjectId,
        user as UserId,
    )
    .fetch_optional(db)
    .await?;
    Ok(role.flatten())
}

/// Returns whether anybody but an account may approve in a project: by a role, as an owner, or as a
/// stand-in for somebody else.
pub async fn others_may_approve(
    db: &PgPool,
    project: ProjectId,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
             select from users u left join members m on m.user_id = u.id and m.project_id = $1
             where u.id <> $2 and u.disabled_at is null and u.password_hash is not null
               and (u.is_owner or m.role in ('approver', 'admin')
                 or exists (select from stand_ins s where s.project_id = $1 and s.stand_in_id = u.id
                   and s.approver_id <> $2 and s.until > $3))) as "others!""#,
        project as ProjectId,
        user as UserId,
        now,
    )
    .fetch_one(db)
    .await
}
