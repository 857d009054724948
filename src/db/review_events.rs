//! What happened to a signature or template, in order. Rows are only ever added.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::reviewed::{Row, in_columns};
use crate::domain::ids::{ApplicationId, ProjectId, UserId};
use crate::domain::review::ReviewStatus;

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "review_event", rename_all = "snake_case")]
pub enum Event {
    /// Applied for.
    Applied,
    /// Changed and handed in again.
    Resubmitted,
    /// Changed without a new review.
    Renamed,
    /// Looked up by its id and kept.
    Imported,
    /// Its review status changed.
    Status,
    /// Its text changed on the vendor's side.
    ChangedByVendor,
    /// The vendor does not know it any more.
    Missing,
    /// The vendor knows it again.
    FoundAgain,
    /// Deleted by somebody here.
    Deleted,
}

impl Event {
    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Resubmitted => "resubmitted",
            Self::Renamed => "renamed",
            Self::Imported => "imported",
            Self::Status => "status",
            Self::ChangedByVendor => "changed_by_vendor",
            Self::Missing => "missing",
            Self::FoundAgain => "found_again",
            Self::Deleted => "deleted",
        }
    }
}

/// An event to write down.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// Where.
    pub project: ProjectId,
    /// To what.
    pub row: Row,
    /// What.
    pub event: Event,
    /// The review status after it.
    pub status: Option<ReviewStatus>,
    /// The vendor's words.
    pub reason: &'a str,
    /// Who did it; `None` is the vendor.
    pub user: Option<UserId>,
    /// What was handed in.
    pub application: Option<ApplicationId>,
    /// What was there before, where the vendor's side changed.
    pub before: &'a str,
}

/// Writes an event down.
pub async fn add(
    db: &mut PgConnection,
    event: &NewEvent<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let (signature, template) = in_columns(event.row);
    sqlx::query!(
        r#"insert into review_events (id, project_id, signature_id, template_id, event, status,
             reason, user_id, application_id, before)
           values (new_id($1), $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
        now,
        event.project.0,
        signature,
        template,
        event.event as Event,
        event.status as Option<ReviewStatus>,
        event.reason,
        event.user as Option<UserId>,
        event.application as Option<ApplicationId>,
        event.before,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An event of the past.
#[derive(Debug, Clone)]
pub struct Happened {
    /// What.
    pub event: Event,
    /// When.
    pub at: OffsetDateTime,
    /// The review status after it.
    pub status: Option<ReviewStatus>,
    /// The vendor's words.
    pub reason: String,
    /// Who did it; `None` is the vendor.
    pub person: Option<String>,
    /// What was handed in.
    pub application: Option<ApplicationId>,
    /// What was there before.
    pub before: String,
}

/// All events of one thing, oldest first.
pub async fn of(db: &PgPool, row: Row) -> sqlx::Result<Vec<Happened>> {
    let (signature, template) = in_columns(row);
    sqlx::query_as!(
        Happened,
        r#"select e.event as "event: Event", id_time(e.id) as "at!",
             e.status as "status: ReviewStatus", e.reason, u.name as "person?",
             e.application_id as "application: ApplicationId", e.before
           from review_events e left join users u on u.id = e.user_id
           where e.signature_id = $1 or e.template_id = $2
           order by e.id limit 500"#,
        signature,
        template,
    )
    .fetch_all(db)
    .await
}
