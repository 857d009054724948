//! All encrypted secrets, so that they can be encrypted anew under another key.

use sqlx::{PgConnection, PgPool};

use crate::domain::ids::{ProjectId, RobotId};

/// The encrypted secrets of a project.
#[derive(Debug, Clone)]
pub struct ProjectSecrets {
    /// The project.
    pub project: ProjectId,
    /// The private key of the API.
    pub private_key: Vec<u8>,
    /// The secret in the push URL.
    pub push_secret: Vec<u8>,
    /// The URL that notifications are posted to.
    pub webhook: Option<Vec<u8>>,
    /// The key that signs them.
    pub webhook_key: Option<Vec<u8>>,
    /// The key of the hashes of phones that were erased.
    pub erasure_key: Option<Vec<u8>>,
}

/// Locks the projects and returns their secrets.
pub async fn lock_projects(db: &mut PgConnection) -> sqlx::Result<Vec<ProjectSecrets>> {
    sqlx::query_as!(
        ProjectSecrets,
        r#"select id as "project: ProjectId", private_key_sealed as private_key,
             hook_secret_sealed as push_secret, webhook_sealed as webhook,
             webhook_key_sealed as webhook_key, erasure_key_sealed as erasure_key
           from projects order by id for no key update"#,
    )
    .fetch_all(db)
    .await
}

/// Replaces the secrets of a project.
pub async fn update_project(db: &mut PgConnection, new: &ProjectSecrets) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set private_key_sealed = $2, hook_secret_sealed = $3, webhook_sealed = $4,
           webhook_key_sealed = $5, erasure_key_sealed = $6 where id = $1",
        new.project as ProjectId,
        new.private_key,
        new.push_secret,
        new.webhook,
        new.webhook_key,
        new.erasure_key,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The encrypted secrets of a group robot.
#[derive(Debug)]
pub struct RobotSecrets {
    /// Its id.
    pub id: RobotId,
    /// Its project.
    pub project: ProjectId,
    /// Its URL.
    pub url: Vec<u8>,
    /// The secret that signs requests to it.
    pub secret: Option<Vec<u8>>,
}

/// Locks the group robots and returns their secrets.
pub async fn lock_robots(db: &mut PgConnection) -> sqlx::Result<Vec<RobotSecrets>> {
    sqlx::query_as!(
        RobotSecrets,
        r#"select id as "id: RobotId", project_id as "project: ProjectId", url_sealed as url,
             secret_sealed as secret
           from robots order by id for no key update"#,
    )
    .fetch_all(db)
    .await
}

/// Replaces the secrets of a group robot.
pub async fn update_robot(db: &mut PgConnection, new: &RobotSecrets) -> sqlx::Result<()> {
    sqlx::query!(
        "update robots set url_sealed = $2, secret_sealed = $3 where id = $1",
        new.id as RobotId,
        new.url,
        new.secret.as_deref(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An encrypted file.
#[derive(Debug)]
pub struct SealedFile {
    /// Its id.
    pub id: i64,
    /// Its project.
    pub project: ProjectId,
    /// Its content.
    pub sealed: Vec<u8>,
}

/// Returns the first file with an id above `after` whose content is not deleted.
pub async fn next_file(db: &PgPool, after: i64) -> sqlx::Result<Option<SealedFile>> {
    sqlx::query_as!(
        SealedFile,
        r#"select id, project_id as "project: ProjectId", sealed as "sealed!"
           from files where id > $1 and sealed is not null order by id limit 1"#,
        after,
    )
    .fetch_optional(db)
    .await
}

/// Replaces the content of a file, unless it was deleted meanwhile.
pub async fn update_file(db: &PgPool, id: i64, sealed: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update files set sealed = $2 where id = $1 and sealed is not null", id, sealed)
        .execute(db)
        .await?;
    Ok(())
}
