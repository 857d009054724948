//! Group robots that people are told by.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::alert::RobotKind;
use crate::domain::ids::{ProjectId, RobotId};

/// How many messages a robot takes within [`WINDOW`]. WeCom and DingTalk document 20 a minute; Feishu takes
/// 100, but a group reads no more than 20 either.
const MAX_CALLS: i64 = 20;
const WINDOW: Duration = Duration::MINUTE;

/// A robot.
#[derive(Debug)]
pub struct Robot {
    /// Its id.
    pub id: RobotId,
    /// The product.
    pub kind: RobotKind,
    /// What people call it.
    pub name: String,
    /// Its URL, encrypted.
    pub url_sealed: Vec<u8>,
    /// The secret that signs requests to it, encrypted; `None` if they are not signed.
    pub secret_sealed: Option<Vec<u8>>,
}

/// Returns the robots of a project by name.
pub async fn all(db: &PgPool, project: ProjectId) -> sqlx::Result<Vec<Robot>> {
    sqlx::query_as!(
        Robot,
        r#"select id as "id: RobotId", kind as "kind: RobotKind", name, url_sealed, secret_sealed
           from robots where project_id = $1 order by lower(name)"#,
        project as ProjectId,
    )
    .fetch_all(db)
    .await
}

/// Finds a robot of a project.
pub async fn find(db: &PgPool, project: ProjectId, id: RobotId) -> sqlx::Result<Option<Robot>> {
    sqlx::query_as!(
        Robot,
        r#"select id as "id: RobotId", kind as "kind: RobotKind", name, url_sealed, secret_sealed
           from robots where project_id = $1 and id = $2"#,
        project as ProjectId,
        id as RobotId,
    )
    .fetch_optional(db)
    .await
}

/// A robot to be added.
#[derive(Debug)]
pub struct NewRobot<'a> {
    /// The product.
    pub kind: RobotKind,
    /// What people call it.
    pub name: &'a str,
    /// Its URL, encrypted.
    pub url_sealed: &'a [u8],
    /// The secret that signs requests to it, encrypted.
    pub secret_sealed: Option<&'a [u8]>,
}

/// Adds a robot. Returns whether its name was free in the project.
pub async fn insert(
    db: &mut PgConnection,
    project: ProjectId,
    new: &NewRobot<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        r#"insert into robots (id, project_id, kind, name, url_sealed, secret_sealed)
           values (new_id($6), $1, $2, $3, $4, $5) on conflict do nothing"#,
        project as ProjectId,
        new.kind as RobotKind,
        new.name,
        new.url_sealed,
        new.secret_sealed,
        now,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Deletes a robot and its rules. Returns its name, or `None` if it did not exist.
pub async fn delete(
    db: &mut PgConnection,
    project: ProjectId,
    id: RobotId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "delete from robots where project_id = $1 and id = $2 returning name",
        project as ProjectId,
        id as RobotId,
    )
    .fetch_optional(db)
    .await
}

/// Takes one of the calls that a robot may be called with in a minute, by all processes together. Returns
/// `None` if it is taken, else when the next one is free.
pub async fn take_call(
    db: &PgPool,
    id: RobotId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<OffsetDateTime>> {
    let since = now - WINDOW;
    let taken = sqlx::query!(
        r#"update robots set calls = array(select c from unnest(calls) c where c > $2) || $3::timestamptz
           where id = $1 and (select count(*) from unnest(calls) c where c > $2) < $4"#,
        id as RobotId,
        since,
        now,
        MAX_CALLS,
    )
    .execute(db)
    .await?;
    if taken.rows_affected() == 1 {
        return Ok(None);
    }
    let oldest = sqlx::query_scalar!(
        "select (select min(c) from unnest(calls) c where c > $2) from robots where id = $1",
        id as RobotId,
        since,
    )
    .fetch_optional(db)
    .await?;
    Ok(oldest.flatten().map(|oldest| oldest + WINDOW))
}
