//! The history of signatures and templates. Rows are only ever added.

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
    /// Changed and submitted again.
    Resubmitted,
    /// Changed without a new review.
    Renamed,
    /// Imported by its id.
    Imported,
    /// Somebody said that it is domestic, or international.
    DestinationChanged,
    /// Its review status changed.
    Status,
    /// The vendor changed its text.
    ChangedByVendor,
    /// The vendor does not know it any more.
    Missing,
    /// The vendor knows it again.
    FoundAgain,
    /// Deleted by somebody here.
    Deleted,
}

impl Event {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Resubmitted => "resubmitted",
            Self::Renamed => "renamed",
            Self::Imported => "imported",
            Self::DestinationChanged => "destination_changed",
            Self::Status => "status",
            Self::ChangedByVendor => "changed_by_vendor",
            Self::Missing => "missing",
            Self::FoundAgain => "found_again",
            Self::Deleted => "deleted",
        }
    }
}

/// An event to record.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// The project.
    pub project: ProjectId,
    /// The signature or template.
    pub row: Row,
    /// The kind of event.
    pub event: Event,
    /// The review status after it.
    pub status: Option<ReviewStatus>,
    /// The vendor's reason.
    pub reason: &'a str,
    /// The account that did it; `None` is the vendor.
    pub user: Option<UserId>,
    /// The application that was submitted.
    pub application: Option<ApplicationId>,
    /// The previous text, if the vendor changed it; the previous destination, by its key.
    pub before: &'a str,
}

/// Records an event.
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

/// A recorded event.
#[derive(Debug, Clone)]
pub struct RecordedEvent {
    /// The kind of event.
    pub event: Event,
    /// When it happened.
    pub at: OffsetDateTime,
    /// The review status after it.
    pub status: Option<ReviewStatus>,
    /// The vendor's reason.
    pub reason: String,
    /// The name of the account that did it; `None` is the vendor.
    pub person: Option<String>,
    /// The application that was submitted.
    pub application: Option<ApplicationId>,
    /// The previous text, if the vendor changed it; the previous destination, by its key.
    pub before: String,
}

/// Returns all events of a signature or template, oldest first.
pub async fn of(db: &PgPool, row: Row) -> sqlx::Result<Vec<RecordedEvent>> {
    let (signature, template) = in_columns(row);
    sqlx::query_as!(
        RecordedEvent,
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
