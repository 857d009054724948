//! Whether a connection pooler is between the console and PostgreSQL.

use sqlx::PgPool;

/// PostgreSQL's codes for a prepared statement that exists already, and for one that does not.
const FOREIGN_STATEMENTS: [&str; 2] = ["42P05", "26000"];

/// Returns whether connections share their prepared statements, as they do when a pooler lends out
/// those of PostgreSQL for one transaction at a time. Only an idle pooler shows it for certain.
pub async fn shares_connections(db: &PgPool) -> sqlx::Result<bool> {
    let (mut one, mut other) = (db.acquire().await?, db.acquire().await?);
    for connection in [&mut one, &mut other] {
        match sqlx::query("select 1").execute(&mut **connection).await {
            Ok(_) => {}
            Err(error) if is_foreign_statement(&error) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn is_foreign_statement(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| FOREIGN_STATEMENTS.contains(&code.as_ref()))
}
