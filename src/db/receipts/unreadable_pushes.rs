//! Unreadable pushes: pushes with items that could not be read, kept as they came until a person
//! has looked at them.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, PushId};

/// The maximum number of items shown of one push.
pub const ITEMS_SHOWN: usize = 10;
/// The number of bytes shown of a push if none of its items can be named.
const BYTES_SHOWN: i32 = 2_000;

/// An unreadable push.
#[derive(Debug)]
pub struct Unreadable {
    /// Its id.
    pub id: PushId,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The first [`ITEMS_SHOWN`] items, as `why` and `item`; `item` is null if the whole push could
    /// not be read.
    pub problems: Value,
    /// The number of items that could not be read.
    pub items: i32,
    /// The beginning of the push.
    pub body: Vec<u8>,
}

/// Returns a project's unreadable pushes that nobody has looked at, before `before`, newest first.
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

/// Returns how many unreadable pushes nobody has looked at, counting at most `max`.
pub async fn count(db: &PgPool, project: ProjectId, max: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from inbox
             where project_id = $1 and problems <> '[]' and problems_seen_at is null limit $2
           ) few"#,
        project.0,
        max,
    )
    .fetch_one(db)
    .await
}

/// Records that a person has looked at a push. Returns whether nobody had before.
pub async fn dismiss(
    db: &mut PgConnection,
    project: ProjectId,
    id: PushId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
        r#"update inbox set problems_seen_at = $3
           where id = $2 and project_id = $1 and problems <> '[]' and problems_seen_at is null"#,
        project.0,
        id.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Schedules an unreadable push to be processed again. Returns whether it was unreadable.
pub async fn process_again(
    db: &mut PgConnection,
    project: ProjectId,
    id: PushId,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
        r#"update inbox set processed_at = null, problems = '[]', problems_seen_at = null
           where id = $2 and project_id = $1 and problems <> '[]'"#,
        project.0,
        id.0,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}
