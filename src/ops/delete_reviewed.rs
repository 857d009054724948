//! Deleting signatures and templates at the vendor. Who asks is stored before the call; without an
//! answer the vendor is looked at.

use serde_json::json;
use tracing::info;

use super::credentials::{self, CredentialsError};
use crate::app::App;
use crate::db::review_events::{self, Event, NewEvent};
use crate::db::reviewed::{self, Row};
use crate::db::{audit, signatures, sms_templates};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::review::Subject;
use crate::usms::CallError;

/// What became of one deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// There is none under this id, or it is gone already.
    Nothing,
    /// It is under review: the vendor deletes it only afterwards.
    UnderReview,
    /// The vendor said no.
    Refused {
        /// Its code.
        ret_code: i64,
        /// Its words.
        words: String,
    },
    /// It surely was not deleted: the vendor could not be reached.
    NotSent,
    /// It may be gone: the vendor is asked shortly.
    InDoubt,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Requester {
    /// The project.
    pub project: ProjectId,
    /// The person.
    pub by: UserId,
    /// From where.
    pub address: String,
}

/// Deletes one. Goes on when whoever waits for it leaves.
pub async fn delete(
    app: &App,
    subject: Subject,
    vendor_id: &str,
    requester: &Requester,
) -> Result<Deleted, CredentialsError> {
    let (app_there, vendor_id, requester) = (app.clone(), vendor_id.to_owned(), requester.clone());
    let task = app
        .calls
        .spawn(async move { remove_now(&app_there, subject, &vendor_id, &requester).await });
    task.await.unwrap_or(Ok(Deleted::InDoubt))
}

/// What stands here under a vendor's id.
struct Known {
    row: Row,
    under_review: bool,
    missing: bool,
}

async fn known(
    app: &App,
    project: ProjectId,
    subject: Subject,
    vendor_id: &str,
) -> sqlx::Result<Option<Known>> {
    Ok(match subject {
        Subject::Signature => signatures::by_sig_id(&app.db, project, vendor_id)
            .await?
            .filter(|one| one.deleted_at.is_none())
            .map(|one| Known {
                row: Row::Signature(one.id),
                under_review: one.status.is_open(),
                missing: one.missing_since.is_some(),
            }),
        Subject::Template => sms_templates::by_template_id(&app.db, project, vendor_id)
            .await?
            .filter(|one| one.deleted_at.is_none())
            .map(|one| Known {
                row: Row::Template(one.id),
                under_review: one.status.is_open(),
                missing: one.missing_since.is_some(),
            }),
    })
}

async fn remove_now(
    app: &App,
    subject: Subject,
    vendor_id: &str,
    requester: &Requester,
) -> Result<Deleted, CredentialsError> {
    let Some(known) = known(app, requester.project, subject, vendor_id).await? else {
        return Ok(Deleted::Nothing);
    };
    if known.under_review && !known.missing {
        return Ok(Deleted::UnderReview);
    }
    let keys = credentials::of(app, requester.project).await?;
    let mut db = app.db.acquire().await?;
    reviewed::ask_deletion(&mut db, known.row, Some(requester.by)).await?;
    drop(db);
    let ids = [vendor_id];
    let answered = match subject {
        Subject::Signature => app.usms.delete_signatures(&keys, &ids).await,
        Subject::Template => app.usms.delete_templates(&keys, &ids).await,
    };
    let removed = match answered {
        Ok(()) => Deleted::Done,
        // It was not there any more: that is what was asked for.
        Err(CallError::Refused { .. }) if known.missing => Deleted::Done,
        Err(CallError::Refused { ret_code, message, .. }) => {
            Deleted::Refused { ret_code: ret_code.0, words: message }
        }
        Err(CallError::NotSent { .. }) => Deleted::NotSent,
        Err(CallError::Unknown { .. }) => Deleted::InDoubt,
    };
    info!(vendor_id, ?removed, "deletion finished");
    record(app, known.row, vendor_id, requester, &removed).await?;
    Ok(removed)
}

async fn record(
    app: &App,
    row: Row,
    vendor_id: &str,
    requester: &Requester,
    removed: &Deleted,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    match removed {
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
            reviewed::look_at(&mut tx, row, now).await?;
        }
        Deleted::Nothing | Deleted::UnderReview | Deleted::Refused { .. } | Deleted::NotSent => {
            reviewed::ask_deletion(&mut tx, row, None).await?;
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
        detail: json!({ "end": format!("{removed:?}") }),
        address: &requester.address,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await
}
