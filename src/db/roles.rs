//! The role with which the console uses the database, and its rights.

use sqlx::PgPool;

/// Returns the name of the role that `db` uses.
pub async fn current(db: &PgPool) -> sqlx::Result<String> {
    sqlx::query_scalar!(r#"select current_user::text as "name!""#).fetch_one(db).await
}

/// Gives `console` the rights that the console needs; `db` is that of the owner. The owner itself
/// needs none.
pub async fn grant_to_console(db: &PgPool, console: &str) -> sqlx::Result<()> {
    if current(db).await? != console {
        sqlx::query!("select grant_to_console($1::text::name)", console).execute(db).await?;
    }
    Ok(())
}

/// Returns whether the console could change or delete what the audit log says.
pub async fn may_change_audit_log(db: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select may_change_audit_log() as "may!""#).fetch_one(db).await
}
