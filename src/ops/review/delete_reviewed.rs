//! Deleting signatures and templates at the vendor. The person who requests it is stored before the
//! call; if the response is lost, polling finds out whether it was deleted.

use serde_json::json;
use tracing::info;

use crate::app::App;
use crate::db::audit;
use crate::db::recovery::installation;
use crate::db::review::review_events::{self, Event, NewEvent};
use crate::db::review::reviewed::{self, Row};
use crate::db::review::{signatures, sms_templates};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::review::Subject;
use crate::ops::credentials::{self, CredentialsError};
use crate::usms::CallError;

/// The result of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It was deleted.
    Done,
    /// There is none with this id, or it was deleted before.
    Nothing,
    /// The vendor refused.
    Refused {
        /// The vendor's RetCode.
        ret_code: i64,
        /// The vendor's message.
        words: String,
    },
    /// It surely was not deleted: the vendor could not be reached.
    NotSent,
    /// It may have been deleted: the vendor is polled shortly.
    InDoubt,
}

/// The person who requests a deletion.
#[derive(Debug, Clone)]
pub struct Requester {
    /// The project.
    pub project: ProjectId,
    /// The person.
    pub by: UserId,
    /// The IP address of the request.
    pub ip: String,
}

/// Deletes a signature or template. Continues when the client disconnects.
///
/// # Errors
///
/// [`CredentialsError`] if the call cannot be made; what the vendor says is in the result.
pub async fn delete(
    app: &App,
    subject: Subject,
    vendor_id: &str,
    requester: &Requester,
) -> Result<Deleted, CredentialsError> {
    let (task_app, vendor_id, requester) = (app.clone(), vendor_id.to_owned(), requester.clone());
    let task = app
        .calls
        .spawn(async move { delete_now(&task_app, subject, &vendor_id, &requester).await });
    task.await.unwrap_or(Ok(Deleted::InDoubt))
}

/// A signature or template as the console knows it.
struct Known {
    row: Row,
    missing: bool,
}

async fn find(
    app: &App,
    project: ProjectId,
    subject: Subject,
    vendor_id: &str,
) -> sqlx::Result<Option<Known>> {
    Ok(match subject {
        Subject::Signature => signatures::by_sig_id(&app.db, project, vendor_id)
            .await?
            .filter(|signature| signature.deleted_at.is_none())
            .map(|signature| Known {
                row: Row::Signature(signature.id),
                missing: signature.missing_since.is_some(),
            }),
        Subject::Template => sms_templates::by_template_id(&app.db, project, vendor_id)
            .await?
            .filter(|template| template.deleted_at.is_none())
            .map(|template| Known {
                row: Row::Template(template.id),
                missing: template.missing_since.is_some(),
            }),
    })
}

async fn delete_now(
    app: &App,
    subject: Subject,
    vendor_id: &str,
    requester: &Requester,
) -> Result<Deleted, CredentialsError> {
    let Some(known) = find(app, requester.project, subject, vendor_id).await? else {
        return Ok(Deleted::Nothing);
    };
    if !installation::is_whole(&app.db).await? {
        return Ok(Deleted::NotSent);
    }
    let keys = credentials::of(app, requester.project).await?;
    let mut db = app.db.acquire().await?;
    reviewed::record_deletion_request(&mut db, known.row, Some(requester.by)).await?;
    drop(db);
    let ids = [vendor_id];
    let result = match subject {
        Subject::Signature => app.usms.delete_signatures(&keys, &ids).await,
        Subject::Template => app.usms.delete_templates(&keys, &ids).await,
    };
    let deleted = match result {
        Ok(()) => Deleted::Done,
        // It was already missing at the vendor, so there is nothing to delete.
        Err(CallError::Refused { .. }) if known.missing => Deleted::Done,
        Err(CallError::Refused { ret_code, message, .. }) => {
            Deleted::Refused { ret_code: ret_code.0, words: message }
        }
        Err(CallError::NotSent { .. }) => Deleted::NotSent,
        Err(CallError::Unknown { .. }) => Deleted::InDoubt,
    };
    info!(vendor_id, removed = ?deleted, "deletion finished");
    record(app, known.row, vendor_id, requester, &deleted).await?;
    Ok(deleted)
}

async fn record(
    app: &App,
    row: Row,
    vendor_id: &str,
    requester: &Requester,
    deleted: &Deleted,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    match deleted {
        Deleted::Done => {
            if reviewed::set_deleted(&mut tx, row, now).await? {
                let event = NewEvent {
                    project: requester.project,
                    row,
                    event: Event::Deleted,
                    status: None,
                    reason: "",
                    user: Some(requester.by),
                    application: None,
                    before: "",
                };
                review_events::add(&mut tx, &event, now).await?;
            }
        }
        Deleted::InDoubt => {
            reviewed::schedule_check(&mut tx, row, now).await?;
        }
        Deleted::Nothing | Deleted::Refused { .. } | Deleted::NotSent => {
            reviewed::record_deletion_request(&mut tx, row, None).await?;
        }
    }
    let entry = audit::Entry {
        project: Some(requester.project),
        user: Some(requester.by),
        action: match row {
            Row::Signature(_) => "signature_deleted",
            Row::Template(_) => "template_deleted",
        },
        subject: vendor_id,
        detail: json!({ "end": format!("{deleted:?}") }),
        ip: &requester.ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await
}
