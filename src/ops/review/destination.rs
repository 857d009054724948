//! A person's word on whether an imported signature or template is domestic or international.

use serde_json::json;
use sqlx::PgConnection;

use crate::app::App;
use crate::db::audit;
use crate::db::review::review_events::{self, Event, NewEvent};
use crate::db::review::reviewed::Row;
use crate::db::review::{destinations, signatures, sms_templates};
use crate::domain::review::{Purpose, ReviewStatus, Subject};
use crate::ops::actor::Actor;

/// The result of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It has this destination now, or had it before.
    Done,
    /// A batch was ordered with it: it keeps the destination that it has.
    InUse,
}

impl Changed {
    /// Returns the destination after it: `said`, if a person said one and it could be changed.
    pub(in crate::ops) fn destination(self, before: bool, said: Option<bool>) -> bool {
        match self {
            Self::Done => said.unwrap_or(before),
            Self::InUse => before,
        }
    }
}

/// Something that may get another destination.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Current<'a> {
    pub(in crate::ops) row: Row,
    pub(in crate::ops) vendor_id: &'a str,
    pub(in crate::ops) status: ReviewStatus,
    pub(in crate::ops) international: bool,
}

impl<'a> Current<'a> {
    pub(in crate::ops) fn signature(known: &'a signatures::Signature) -> Self {
        Self {
            row: Row::Signature(known.id),
            vendor_id: &known.sig_id,
            status: known.status,
            international: known.international,
        }
    }

    pub(in crate::ops) fn template(known: &'a sms_templates::SmsTemplate) -> Self {
        Self {
            row: Row::Template(known.id),
            vendor_id: &known.template_id,
            status: known.status,
            international: known.international,
        }
    }
}

/// Changes the destination of a signature or template. Returns `None` if the project has no such one.
pub async fn change(
    app: &App,
    subject: Subject,
    vendor_id: &str,
    international: bool,
    actor: Actor<'_>,
) -> sqlx::Result<Option<Changed>> {
    let mut tx = app.db.begin().await?;
    let changed = match subject {
        Subject::Signature => match signatures::lock(&mut tx, actor.project, vendor_id).await? {
            Some(known) => {
                set(app, &mut tx, Current::signature(&known), international, actor).await?
            }
            None => return Ok(None),
        },
        Subject::Template => match sms_templates::lock(&mut tx, actor.project, vendor_id).await? {
            Some(known) => {
                set(app, &mut tx, Current::template(&known), international, actor).await?
            }
            None => return Ok(None),
        },
    };
    tx.commit().await?;
    Ok(Some(changed))
}

/// Changes the destination of a row that is locked, or confirms the one that was proposed. Ordering locks it as well, so that nothing is
/// ordered meanwhile.
pub(in crate::ops) async fn set(
    app: &App,
    db: &mut PgConnection,
    current: Current<'_>,
    international: bool,
    actor: Actor<'_>,
) -> sqlx::Result<Changed> {
    if current.international == international {
        if destinations::confirm(&mut *db, current.row).await? {
            record(app, db, current, "destination_confirmed", international, actor).await?;
        }
        return Ok(Changed::Done);
    }
    if destinations::is_in_use(&mut *db, current.row).await? {
        return Ok(Changed::InUse);
    }
    destinations::set(db, current.row, international).await?;
    let now = app.clock.now();
    let event = NewEvent {
        project: actor.project,
        row: current.row,
        event: Event::DestinationChanged,
        status: Some(current.status),
        reason: "",
        user: Some(actor.user),
        application: None,
        before: key(current.international),
    };
    review_events::add(db, &event, now).await?;
    record(app, db, current, "destination_changed", international, actor).await?;
    Ok(Changed::Done)
}

async fn record(
    app: &App,
    db: &mut PgConnection,
    current: Current<'_>,
    action: &str,
    international: bool,
    actor: Actor<'_>,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject: current.vendor_id,
        detail: json!({ "international": international }),
        ip: actor.ip,
    };
    audit::record(db, &entry, app.clock.now()).await
}

/// Records that a person who imports a template again said another purpose. It is stored with the rest.
pub(in crate::ops) async fn record_purpose(
    app: &App,
    db: &mut PgConnection,
    known: &sms_templates::SmsTemplate,
    purpose: Purpose,
    actor: Actor<'_>,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "purpose_changed",
        subject: &known.template_id,
        detail: json!({ "before": known.purpose.key(), "purpose": purpose.key() }),
        ip: actor.ip,
    };
    audit::record(db, &entry, app.clock.now()).await
}

fn key(international: bool) -> &'static str {
    if international { "international" } else { "domestic" }
}
