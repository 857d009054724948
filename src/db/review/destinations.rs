//! Whether signatures and templates are for domestic or for international phones. UCloud's answers do
//! not say, so a person does.

use sqlx::{PgConnection, PgExecutor};

use super::reviewed::{Row, in_columns};
use crate::domain::ids::ProjectId;
use crate::domain::review::Subject;
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

/// Stores the destination, as a person says it.
pub async fn set(db: &mut PgConnection, row: Row, international: bool) -> sqlx::Result<()> {
    match row {
        Row::Signature(id) => {
            sqlx::query!(
                "update signatures set international = $2, destination_proposed = false where id = $1",
                id.0,
                international
            )
            .execute(db)
            .await?
        }
        Row::Template(id) => {
            sqlx::query!(
                "update sms_templates set international = $2, destination_proposed = false where id = $1",
                id.0,
                international
            )
            .execute(db)
            .await?
        }
    };
    Ok(())
}

/// Records that nobody has said the destination that was stored.
pub async fn set_proposed(db: &mut PgConnection, row: Row) -> sqlx::Result<()> {
    let (signature, template) = in_columns(row);
    sqlx::query!(
        r#"with signature as (update signatures set destination_proposed = true where id = $1)
           update sms_templates set destination_proposed = true where id = $2"#,
        signature,
        template,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a person confirms the destination. Returns whether nobody had done so.
pub async fn confirm(db: &mut PgConnection, row: Row) -> sqlx::Result<bool> {
    let (signature, template) = in_columns(row);
    sqlx::query_scalar!(
        r#"with signature as (
             update signatures set destination_proposed = false
             where id = $1 and destination_proposed returning id
           ), template as (
             update sms_templates set destination_proposed = false
             where id = $2 and destination_proposed returning id
           )
           select exists (select from signature) or exists (select from template) as "confirmed!""#,
        signature,
        template,
    )
    .fetch_one(db)
    .await
}

/// Returns which of some signatures or templates have a destination that nobody has confirmed. Once a
/// batch was ordered with one, there is nothing to confirm any more.
pub async fn proposed(
    db: impl PgExecutor<'_>,
    subject: Subject,
    ids: &[i64],
) -> sqlx::Result<Vec<i64>> {
    match subject {
        Subject::Signature => {
            sqlx::query_scalar!(
                r#"select id from signatures s where id = any($1) and destination_proposed
                     and not exists (select from batches
                       where signature_id = s.id and state <> 'draft')"#,
                ids,
            )
            .fetch_all(db)
            .await
        }
        Subject::Template => {
            sqlx::query_scalar!(
                r#"select id from sms_templates t where id = any($1) and destination_proposed
                     and not exists (select from batches
                       where template_id = t.id and state <> 'draft')"#,
                ids,
            )
            .fetch_all(db)
            .await
        }
    }
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
