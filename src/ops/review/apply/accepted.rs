//! Recording applications that the vendor accepted as signatures and templates.

use sqlx::PgConnection;
use time::Duration;

use super::Form;
use crate::app::App;
use crate::db::review::review_events::{self, Event, NewEvent};
use crate::db::review::reviewed::{self, Row};
use crate::db::review::{signatures, sms_templates};
use crate::domain::ids::{ApplicationId, ProjectId, UserId};
use crate::domain::review::{ReviewStatus, next_look};

/// An application that the vendor accepted.
pub(super) struct Accepted<'a> {
    pub(super) project: ProjectId,
    pub(super) application: ApplicationId,
    pub(super) by: UserId,
    pub(super) vendor_id: &'a str,
    pub(super) form: &'a Form,
}

impl Accepted<'_> {
    /// Upserts the signature or template, and adds the review event.
    pub(super) async fn record(&self, app: &App, db: &mut PgConnection) -> sqlx::Result<Row> {
        let now = app.clock.now();
        let waiting = ReviewStatus::Waiting;
        let next = now + next_look(waiting, Duration::ZERO, app.pace.review_poll, now);
        let (row, event, status) = match self.form {
            Form::Signature(form) | Form::ResubmittedSignature(_, form) => {
                let described = signatures::Described {
                    sig_id: self.vendor_id,
                    content: &form.content,
                    international: form.international,
                    status: waiting,
                    reason: "",
                };
                let id = signatures::upsert(db, self.project, &described, next, now).await?;
                signatures::set_application(db, id, form.kind, form.international, self.by).await?;
                let resubmitted = matches!(self.form, Form::ResubmittedSignature(..));
                let event = if resubmitted { Event::Resubmitted } else { Event::Applied };
                (Row::Signature(id), event, waiting)
            }
            Form::Template(form) | Form::ResubmittedTemplate(_, form) => {
                let before = match self.form {
                    Form::ResubmittedTemplate(template, _) => Some(template),
                    _ => None,
                };
                let renamed = before.filter(|template| template.text == form.text);
                let status = renamed.map_or(waiting, |template| template.status);
                let described = sms_templates::Described {
                    template_id: self.vendor_id,
                    name: &form.name,
                    purpose: form.purpose,
                    text: &form.text,
                    unsubscribe: &form.unsubscribe,
                    instruction: &form.instruction,
                    remark: &form.remark,
                    international: form.international,
                    status,
                    reason: renamed.map_or("", |template| &template.reason),
                };
                let id = sms_templates::upsert(db, self.project, &described, next, now).await?;
                if before.is_none() {
                    sms_templates::set_application(db, id, form.international, self.by).await?;
                }
                let event = match (before, renamed) {
                    (None, _) => Event::Applied,
                    (Some(_), None) => Event::Resubmitted,
                    (Some(_), Some(_)) => Event::Renamed,
                };
                (Row::Template(id), event, status)
            }
        };
        reviewed::schedule_check(db, row, next).await?;
        let event = NewEvent {
            project: self.project,
            row,
            event,
            status: Some(status),
            reason: "",
            user: Some(self.by),
            application: Some(self.application),
            before: "",
        };
        review_events::add(db, &event, now).await?;
        Ok(row)
    }
}
