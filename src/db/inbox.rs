//! Pushes as they came: on disk before they are answered, settled afterwards.

use serde_json::Value;
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

/// Marks a push settled, with the items of it that could not be read. They are kept without NULs,
/// which no database takes: a push must not come back for ever.
pub async fn settle(
    db: &mut PgConnection,
    id: i64,
    problems: &Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update inbox set settled_at = $2, problems = $3 where id = $1"#,
        id,
        now,
        without_nuls(problems),
    )
    .execute(db)
    .await?;
    Ok(())
}

fn without_nuls(value: &Value) -> Value {
    let clean = |text: &str| text.replace('\0', "");
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.iter().map(without_nuls).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (clean(name), without_nuls(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
