//! Pushes as they came: on disk before they are answered, settled afterwards.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// Keeps a push. When this returns, the push survives any crash.
pub async fn keep(
    db: &PgPool,
    project: ProjectId,
    body: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into inbox (id, project_id, body, received_at)
           values (new_id($1), $2, $3, $1)"#,
        now,
        project.0,
        body,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A push that waits to be settled.
#[derive(Debug)]
pub struct Waiting {
    /// Its number.
    pub id: i64,
    /// Whose push address it came to.
    pub project_id: ProjectId,
    /// The bytes as they came.
    pub body: Vec<u8>,
}

/// Takes the oldest push that nobody else is settling; it stays locked for the transaction.
pub async fn take(db: &mut PgConnection) -> sqlx::Result<Option<Waiting>> {
    sqlx::query_as!(
        Waiting,
        r#"select id, project_id as "project_id: ProjectId", body
           from inbox where settled_at is null order by id limit 1
           for update skip locked"#,
    )
    .fetch_optional(db)
    .await
}

/// Marks a push settled, with the items of it that could not be read.
pub async fn settle(
    db: &mut PgConnection,
    id: i64,
    problems: &serde_json::Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update inbox set settled_at = $2, problems = $3 where id = $1"#,
        id,
        now,
        problems,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A reply in the console's words.
#[derive(Debug)]
pub struct Reply {
    /// Who texted back, normalised.
    pub phone: String,
    /// What they wrote.
    pub content: String,
    /// The extension code it came to; else empty.
    pub extend_code: String,
    /// The `UserId` of the message it answers; else empty.
    pub user_id: String,
    /// When they wrote it.
    pub replied_at: OffsetDateTime,
}

/// Keeps a reply, once.
pub async fn keep_reply(
    db: &mut PgConnection,
    project: ProjectId,
    reply: &Reply,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into replies
             (id, project_id, phone, content, extend_code, user_id, replied_at, recorded_at)
           values (new_id($1), $2, $3, $4, $5, $6, $7, $1)
           on conflict (project_id, phone, replied_at, content) do nothing"#,
        now,
        project.0,
        reply.phone,
        reply.content,
        reply.extend_code,
        reply.user_id,
        reply.replied_at,
    )
    .execute(db)
    .await?;
    Ok(())
}
