//! Whether the database has the schema that this program expects.

use std::collections::BTreeSet;

use sqlx::PgPool;
use sqlx::migrate::{Migrate, MigrateError, Migrator};

/// PostgreSQL's code for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// The schema of a database, compared with the migrations of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// All migrations and no others have been applied.
    Current,
    /// No migration has been applied.
    Empty,
    /// Some migrations have not been applied.
    Older,
    /// A migration was applied that this program does not know.
    Newer,
}

/// Returns the state of the schema without changing anything.
pub async fn state(db: &PgPool, migrator: &Migrator) -> Result<SchemaState, MigrateError> {
    let mut connection = db.acquire().await?;
    let applied = match connection.list_applied_migrations(&migrator.table_name).await {
        Ok(applied) => applied,
        Err(MigrateError::Execute(error)) if is_undefined_table(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let applied: BTreeSet<i64> = applied.iter().map(|migration| migration.version).collect();
    Ok(if applied.is_empty() {
        SchemaState::Empty
    } else if applied.iter().any(|version| !migrator.version_exists(*version)) {
        SchemaState::Newer
    } else if migrator.iter().any(|migration| !applied.contains(&migration.version)) {
        SchemaState::Older
    } else {
        SchemaState::Current
    })
}

fn is_undefined_table(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(UNDEFINED_TABLE)
}
