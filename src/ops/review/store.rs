//! Storing what the vendor says about a signature or template, and what a person says who imports it.

use sqlx::PgConnection;
use time::OffsetDateTime;
use tracing::info;

use super::destination::{self, Changed, Current};
use super::{LookupError, Seen};
use crate::app::App;
use crate::db::review::applications::{self, Doubtful};
use crate::db::review::review_events::{self, Event, NewEvent};
use crate::db::review::reviewed::Row;
use crate::db::review::{destinations, signatures, sms_templates};
use crate::domain::ids::{ProjectId, TemplateId, UserId};
use crate::domain::review::imported;
use crate::domain::review::{Purpose, ReviewStatus, Subject, next_look};
use crate::ops::actor::Actor;
use crate::ops::reporting::notifications;
use crate::ops::sending::slots::Patience;
use crate::usms::{SignatureAnswer, TemplateAnswer};

/// What a person says about something that they import, since the vendor's answers do not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said {
    /// Whether it is for international phones.
    pub international: Option<bool>,
    /// The purpose of a template whose answer lacks it.
    pub purpose: Option<Purpose>,
}

/// A question to the vendor whose answer is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) project: ProjectId,
    /// What was asked for: an id, or the content of a signature.
    pub(super) wanted: &'a str,
    /// The person who asked, if there is one.
    pub(super) by: Option<UserId>,
    /// What a person says who imports it.
    pub(super) import: Option<(Actor<'a>, Said)>,
    /// For which call slots a person waits.
    pub(super) patience: Option<Patience>,
}

impl<'a> Question<'a> {
    /// Creates a question without an import.
    pub(super) fn of(project: ProjectId, wanted: &'a str, by: Option<UserId>) -> Self {
        let patience = by.map(|_| Patience::of_look_up());
        Self { project, wanted, by, import: None, patience }
    }
}

impl Question<'_> {
    fn said(&self) -> Said {
        self.import.map(|(_, said)| said).unwrap_or_default()
    }

    /// Gives a known row the destination that the person says, if they do.
    async fn set_destination(
        &self,
        app: &App,
        db: &mut PgConnection,
        known: Current<'_>,
    ) -> sqlx::Result<Changed> {
        match self.import {
            Some((actor, Said { international: Some(international), .. })) => {
                destination::set(app, db, known, international, actor).await
            }
            _ => Ok(Changed::Done),
        }
    }

    /// Returns destination and purpose of a template that is stored already.
    async fn of_known_template(
        &self,
        app: &App,
        db: &mut PgConnection,
        known: &sms_templates::SmsTemplate,
        response: &TemplateAnswer,
    ) -> sqlx::Result<Wanted> {
        let said = self.said();
        let changed = self.set_destination(app, db, Current::template(known)).await?;
        let international = changed.destination(known.international, said.international);
        let in_use = changed == Changed::InUse;
        let stored = |purpose, in_use| Wanted { international, proposed: false, purpose, in_use };
        let (purpose, wanted) = (vendor_purpose(response), said.purpose);
        Ok(match (purpose, wanted.filter(|wanted| *wanted != known.purpose)) {
            (Some(purpose), _) => stored(purpose, in_use),
            (None, None) => stored(known.purpose, in_use),
            (None, Some(_))
                if destinations::is_in_use(&mut *db, Row::Template(known.id)).await? =>
            {
                stored(known.purpose, true)
            }
            (None, Some(wanted)) => {
                if let Some((actor, _)) = self.import {
                    destination::record_purpose(app, db, known, wanted, actor).await?;
                }
                stored(wanted, in_use)
            }
        })
    }

    /// Returns destination and purpose of a template that is not known yet: as applied for, as the
    /// person says, or as proposed.
    async fn of_new_template(
        &self,
        db: &mut PgConnection,
        doubtful: Option<&Doubtful>,
        template_id: &str,
        response: &TemplateAnswer,
    ) -> Result<Wanted, LookupError> {
        let (said, text) = (self.said(), &response.text);
        let purpose = vendor_purpose(response)
            .or(doubtful.and_then(|application| application.purpose))
            .or(said.purpose)
            .or_else(|| imported::purpose_of(template_id, text, &response.unsubscribe))
            .ok_or(LookupError::NoPurpose)?;
        let applied = doubtful.map(|application| application.international);
        let known = applied.or(said.international);
        let international = match known {
            Some(international) => international,
            None => {
                let similar = destinations::of_similar_templates(&mut *db, self.project, text);
                imported::is_international_text(text, similar.await?)
            }
        };
        Ok(Wanted { international, proposed: known.is_none(), purpose, in_use: false })
    }
}

/// The destination and the purpose that a template gets.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    international: bool,
    /// Whether nobody has said the destination.
    proposed: bool,
    purpose: Purpose,
    /// Whether a person said otherwise, but a batch was ordered with it.
    in_use: bool,
}

fn vendor_purpose(response: &TemplateAnswer) -> Option<Purpose> {
    response.purpose.and_then(Purpose::from_vendor)
}

/// What is stored before a response.
struct Before {
    status: ReviewStatus,
    reason: String,
    content: String,
    changed_at: OffsetDateTime,
    missing: bool,
    deleted: bool,
}

/// What the vendor responded.
struct After<'a> {
    vendor_id: &'a str,
    name: &'a str,
    status: ReviewStatus,
    reason: &'a str,
    content: &'a str,
}

impl After<'_> {
    /// Returns the change for a notification.
    fn change(&self, row: Row) -> notifications::Change<'_> {
        notifications::Change {
            subject: row.subject(),
            vendor_id: self.vendor_id,
            name: self.name,
            status: Some(self.status),
            reason: self.reason,
        }
    }
}

/// Stores a signature as the vendor describes it, and records what changed.
pub(super) async fn store_signature(
    app: &App,
    db: &mut PgConnection,
    question: &Question<'_>,
    response: &SignatureAnswer,
    called_at: OffsetDateTime,
) -> Result<Seen, LookupError> {
    let project = question.project;
    if response.sig_id.is_empty() || response.content.is_empty() {
        return Err(LookupError::Nothing);
    }
    let status = parse_status(response.status)?;
    let stored = signatures::lock(db, project, &response.sig_id).await?;
    if let Some(known) = stored.as_ref().filter(|known| known.changed_at > called_at) {
        // It was resubmitted during the call: the response is outdated.
        return Ok(Seen {
            row: Row::Signature(known.id),
            vendor_id: known.sig_id.clone(),
            status: known.status,
            international: known.international,
            proposed: false,
            purpose: None,
            in_use: false,
        });
    }
    let said = question.said().international;
    let (international, proposed, in_use) = match &stored {
        Some(known) => {
            let changed = question.set_destination(app, db, Current::signature(known)).await?;
            let international = changed.destination(known.international, said);
            (international, false, changed == Changed::InUse)
        }
        None => {
            let content = &response.content;
            let doubtful = applications::doubtful(db, project, Subject::Signature, content).await?;
            let applied = doubtful.map(|application| application.international);
            let proposal = || imported::is_international_signature(question.wanted, content);
            // An application with this name may be for another signature: what a person says counts.
            let known = said.or(applied);
            (known.unwrap_or_else(proposal), known.is_none(), false)
        }
    };
    let described = signatures::Described {
        sig_id: &response.sig_id,
        content: &response.content,
        international,
        status,
        reason: &response.reason,
    };
    let before = stored.map(|known| Before {
        status: known.status,
        reason: known.reason,
        content: known.content,
        changed_at: known.changed_at,
        missing: known.missing_since.is_some(),
        deleted: known.deleted_at.is_some(),
    });
    let now = app.clock.now();
    let next = next_check_at(app, before.as_ref(), status, now);
    let row = Row::Signature(signatures::upsert(db, project, &described, next, now).await?);
    if proposed {
        destinations::set_proposed(db, row).await?;
    }
    let after = After {
        vendor_id: &response.sig_id,
        name: &response.content,
        status,
        reason: &response.reason,
        content: &response.content,
    };
    record_changes(app, db, question, row, before.as_ref(), &after).await?;
    Ok(Seen {
        row,
        vendor_id: response.sig_id.clone(),
        status,
        international,
        proposed,
        purpose: None,
        in_use,
    })
}

/// Stores a template as the vendor describes it, and records what changed.
pub(super) async fn store_template(
    app: &App,
    db: &mut PgConnection,
    question: &Question<'_>,
    response: &TemplateAnswer,
    called_at: OffsetDateTime,
) -> Result<Seen, LookupError> {
    let (project, requested_id) = (question.project, question.wanted);
    if response.text.is_empty() {
        return Err(LookupError::Nothing);
    }
    let status = parse_status(response.status)?;
    let template_id =
        if response.template_id.is_empty() { requested_id } else { &response.template_id };
    let stored = sms_templates::lock(db, project, template_id).await?;
    if let Some(known) = stored.as_ref().filter(|known| known.changed_at > called_at) {
        return Ok(Seen {
            row: Row::Template(known.id),
            vendor_id: known.template_id.clone(),
            status: known.status,
            international: known.international,
            proposed: false,
            purpose: Some(known.purpose),
            in_use: false,
        });
    }
    let doubtful = match stored {
        None => applications::doubtful(db, project, Subject::Template, &response.text).await?,
        Some(_) => None,
    };
    let wanted = match &stored {
        Some(known) => question.of_known_template(app, db, known, response).await?,
        None => question.of_new_template(db, doubtful.as_ref(), template_id, response).await?,
    };
    let known_name = stored.as_ref().map_or(requested_id, |known| &known.name);
    let described = sms_templates::Described {
        template_id,
        name: if response.name.is_empty() { known_name } else { &response.name },
        purpose: wanted.purpose,
        text: &response.text,
        unsubscribe: &response.unsubscribe,
        instruction: &response.instruction,
        remark: &response.remark,
        international: wanted.international,
        status,
        reason: &response.reason,
    };
    let before = stored.as_ref().map(|known| Before {
        status: known.status,
        reason: known.reason.clone(),
        content: known.text.clone(),
        changed_at: known.changed_at,
        missing: known.missing_since.is_some(),
        deleted: known.deleted_at.is_some(),
    });
    let now = app.clock.now();
    let next = next_check_at(app, before.as_ref(), status, now);
    let id = sms_templates::upsert(db, project, &described, next, now).await?;
    let row = Row::Template(id);
    if wanted.proposed {
        destinations::set_proposed(db, row).await?;
    }
    if let Some(application) = doubtful {
        adopt(db, project, id, status, &application, now).await?;
    } else {
        let after = After {
            vendor_id: template_id,
            name: described.name,
            status,
            reason: &response.reason,
            content: &response.text,
        };
        record_changes(app, db, question, row, before.as_ref(), &after).await?;
    }
    Ok(Seen {
        row,
        vendor_id: template_id.to_owned(),
        status,
        international: wanted.international,
        proposed: wanted.proposed,
        purpose: Some(wanted.purpose),
        in_use: wanted.in_use,
    })
}

/// Resolves an application in doubt: the imported template is its result.
async fn adopt(
    db: &mut PgConnection,
    project: ProjectId,
    id: TemplateId,
    status: ReviewStatus,
    application: &Doubtful,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let row = Row::Template(id);
    let end = applications::End {
        state: applications::ApplicationState::Taken,
        row: Some(row),
        ret_code: None,
        vendor_message: "",
        next_check_at: None,
    };
    applications::end(db, application.id, &end).await?;
    let (international, by) = (application.international, application.applied_by);
    sms_templates::set_application(db, id, international, by).await?;
    info!(application = %application.id, "application in doubt found at UCloud");
    let event = NewEvent {
        project,
        row,
        event: Event::Applied,
        status: Some(status),
        reason: "",
        user: Some(by),
        application: Some(application.id),
        before: "",
    };
    review_events::add(db, &event, now).await
}

fn next_check_at(
    app: &App,
    before: Option<&Before>,
    status: ReviewStatus,
    now: OffsetDateTime,
) -> OffsetDateTime {
    let since =
        before.filter(|before| before.status == status).map_or(now, |before| before.changed_at);
    now + next_look(status, now - since, app.pace.review_poll, now)
}

async fn record_changes(
    app: &App,
    db: &mut PgConnection,
    question: &Question<'_>,
    row: Row,
    before: Option<&Before>,
    after: &After<'_>,
) -> sqlx::Result<()> {
    let (project, now) = (question.project, app.clock.now());
    let event = |event, before| NewEvent {
        project,
        row,
        event,
        status: Some(after.status),
        reason: after.reason,
        user: None,
        application: None,
        before,
    };
    let Some(known) = before.filter(|known| !known.deleted) else {
        let imported = NewEvent { user: question.by, ..event(Event::Imported, "") };
        return review_events::add(db, &imported, now).await;
    };
    if known.missing {
        review_events::add(db, &event(Event::FoundAgain, ""), now).await?;
    }
    if known.content != after.content {
        review_events::add(db, &event(Event::ChangedByVendor, &known.content), now).await?;
    }
    let reason_changed = after.status == ReviewStatus::Rejected && known.reason != after.reason;
    if known.status != after.status || reason_changed {
        review_events::add(db, &event(Event::Status, ""), now).await?;
        notifications::review_changed(app, db, project, after.change(row)).await?;
    }
    Ok(())
}

fn parse_status(number: Option<i64>) -> Result<ReviewStatus, LookupError> {
    number.and_then(ReviewStatus::from_vendor).ok_or(LookupError::Incomplete("Status"))
}
