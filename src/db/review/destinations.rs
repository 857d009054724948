//! Whether signatures and templates are for domestic or for international phones. UCloud's answers do
//! not say, so a person does.

use sqlx::{PgConnection, PgExecutor};

use super::reviewed::{Row, in_columns};
use crate::domain::ids::ProjectId;
use crate::domain::review::imported;

/// Returns whether a batch was ordered with it. What was ordered went to its destination.
pub async fn is_in_use(db: impl PgExecutor<'_>, row: Row) -> sqlx::Result<bool> {
    let (signature, template) = in_columns(row);
    sqlx::query_scalar!(
        r#"select exists (select from batches
             where (signature_id = $1 or template_id = $2) and state <> 'draft') as "exists!""#,
        signature,
        template,
    )
    .fetch_one(db)
    .await
}

/// Stores the destination.
pub async fn set(db: &mut PgConnection, row: Row, international: bool) -> sqlx::Result<()> {
    match row {
        Row::Signature(id) => {
            sqlx::query!(
                "update signatures set international = $2 where id = $1",
                id.0,
                international
            )
            .execute(db)
            .await?
        }
        Row::Template(id) => {
            sqlx::query!(
                "update sms_templates set international = $2 where id = $1",
                id.0,
                international
            )
            .execute(db)
            .await?
        }
    };
    Ok(())
}

/// Returns whether the project's templates in the same letters, Chinese or not, are
/// international; `None` if there is none, or if they differ.
pub async fn of_similar_templates(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    text: &str,
) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"select case when bool_and(international) = bool_or(international)
             then bool_and(international) end
           from sms_templates
           where project_id = $1 and not gone
             and (text ~ '[\u3400-\u9fff]') = $2"#,
        project.0,
        imported::has_chinese(text),
    )
    .fetch_one(db)
    .await
}
