//! Pushes with items that could not be read: kept as they came, until a person has looked at them.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, PushId};

/// Items of one push that are shown.
pub const ITEMS_SHOWN: usize = 10;
/// Bytes of a push that are shown where no item of it can be named.
const BYTES_SHOWN: i32 = 2_000;

/// A push with items that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Its number.
    pub id: PushId,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The first [`ITEMS_SHOWN`] items: `why` and `item`, which is null where the whole push is meant.
    pub problems: Value,
    /// How many items could not be read.
    pub items: i32,
    /// How it begins.
    pub body: Vec<u8>,
}

/// Those of a project that nobody has looked at, newest first, from below `before` on.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    before: Option<PushId>,
    limit: i64,
) -> sqlx::Result<Vec<Unreadable>> {
    sqlx::query_as!(
        Unreadable,
        r#"select id as "id: PushId", received_at, jsonb_path_query_array(problems, '$[0 to 9]') as "problems!",
             jsonb_array_length(problems) as "items!", substring(body from 1 for $4) as "body!"
           from inbox
           where project_id = $1 and problems <> '[]' and problems_seen_at is null
             and id < coalesce($2, 9223372036854775807)
           order by id desc limit $3"#,
        project.0,
        before.map(|id| id.0),
        limit,
        BYTES_SHOWN,
    )
    .fetch_all(db)
    .await
}

/// How many pushes wait to be looked at; no more than `most` are counted.
pub async fn count(db: &PgPool, project: ProjectId, most: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from inbox
             where project_id = $1 and problems <> '[]' and problems_seen_at is null limit $2
           ) few"#,
        project.0,
        most,
    )
    .fetch_one(db)
    .await
}

/// A person has looked at it. Answers whether nobody had before.
pub async fn dismiss(
    db: &mut PgConnection,
    project: ProjectId,
    id: PushId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"update inbox set problems_seen_at = $3
           where id = $2 and project_id = $1 and problems <> '[]' and problems_seen_at is null"#,
        project.0,
        id.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a push be settled once more. Answers whether it had items that could not be read.
pub async fn process_again(
    db: &mut PgConnection,
    project: ProjectId,
    id: PushId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"update inbox set processed_at = null, problems = '[]', problems_seen_at = null
           where id = $2 and project_id = $1 and problems <> '[]'"#,
        project.0,
        id.0,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
