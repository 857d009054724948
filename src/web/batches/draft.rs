//! Actions on a draft: confirm it, discard it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::find;
use super::preview::{PreviewQuery, Problem, respond};
use super::read_options::{RemapForm, check_changes, out_of_date};
use crate::app::App;
use crate::db::batch_transitions::Trial;
use crate::db::batches::Batch;
use crate::domain::batch::BatchState;
use crate::ops::order::OrderError;
use crate::ops::uploads::{self as upload_ops, ConfirmRequest, Confirmation, MAX_NAME_LENGTH};
use crate::web::choices::signature_problem_key;
use crate::web::error::WebError;
use crate::web::form::{Form, peer_ip};
use crate::web::layout::Section;
use crate::web::member::Member;
use crate::web::{budget_lines, flash, page, schedule, urls};

pub(super) fn order_key(error: &OrderError) -> Result<&'static str, WebError> {
    match error {
        OrderError::SignatureNotApproved => Ok("send-error-signature-gone"),
        OrderError::TemplateNotApproved => Ok("send-error-template-gone"),
        OrderError::Signature(problem) => Ok(signature_problem_key(*problem)),
        other => Err(WebError::Internal(other.to_string())),
    }
}

/// The form that confirms a draft.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ConfirmFields {
    pub(super) name: String,
    pub(super) checked: i64,
    pub(super) again: Option<String>,
    pub(super) schedule_at: String,
    /// `on` for a trial batch.
    pub(super) canary: Option<String>,
    pub(super) canary_first: String,
    pub(super) canary_minutes: String,
    /// `ask`, or the percentage of failures up to which the rest follows without asking.
    pub(super) canary_percent: String,
    pub(super) confirm: Option<String>,
    pub(super) version: String,
    pub(super) signature_id: String,
    pub(super) template_id: String,
    pub(super) header: Option<String>,
    pub(super) column: Vec<String>,
    pub(super) encoding: String,
    pub(super) delimiter: String,
    pub(super) sheet: Option<String>,
    pub(super) hidden: Vec<u8>,
}

impl ConfirmFields {
    /// Returns the initial values of the form.
    pub(super) fn of(batch: &Batch) -> Self {
        Self {
            name: batch.name.clone(),
            schedule_at: batch.schedule_at.map(schedule::typed).unwrap_or_default(),
            canary_first: "100".to_owned(),
            canary_minutes: "10".to_owned(),
            canary_percent: "ask".to_owned(),
            ..Self::default()
        }
    }

    /// Returns these fields, or the initial values if there are none.
    pub(super) fn or_of(self, batch: &Batch) -> Self {
        if self.name.is_empty() { Self::of(batch) } else { self }
    }

    /// Whether the fields of the columns were posted along.
    pub(super) fn has_columns(&self) -> bool {
        !self.column.is_empty()
    }

    /// Returns these fields without those of the columns, which belong to an earlier reading.
    pub(super) fn without_columns(self) -> Self {
        Self {
            signature_id: String::new(),
            template_id: String::new(),
            header: None,
            column: Vec::new(),
            encoding: String::new(),
            delimiter: String::new(),
            sheet: None,
            hidden: Vec::new(),
            ..self
        }
    }

    /// Returns what was chosen in a field of the columns, or `now` if they were not posted.
    pub(super) fn chosen<'a>(&self, field: &'a str, now: &'a str) -> &'a str {
        if self.has_columns() && !field.is_empty() { field } else { now }
    }

    /// Returns an address with what was entered, if anything was, in its query, so that it is still
    /// there when the file has been read again.
    pub(super) fn in_query(&self, batch: &Batch, address: &str) -> String {
        let entered = self.entered();
        if entered == Self::of(batch).entered() {
            return address.to_owned();
        }
        let given: Vec<(&str, &str)> = entered
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        urls::with_query(address, &given)
    }

    /// Returns the fields that a person fills in, with their names.
    pub(super) fn entered(&self) -> [(&'static str, String); 7] {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        [
            ("name", self.name.clone()),
            ("schedule_at", self.schedule_at.clone()),
            ("again", text(&self.again)),
            ("canary", text(&self.canary)),
            ("canary_first", self.canary_first.clone()),
            ("canary_minutes", self.canary_minutes.clone()),
            ("canary_percent", self.canary_percent.clone()),
        ]
    }

    /// Returns how the fields of the columns want the file to be read.
    pub(super) fn remap(&self) -> RemapForm {
        RemapForm {
            signature_id: self.signature_id.clone(),
            template_id: self.template_id.clone(),
            header: self.header.clone(),
            column: self.column.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.clone(),
            sheet: self.sheet.clone(),
            hidden: self.hidden.clone(),
            ..RemapForm::default()
        }
    }

    fn trial(&self) -> Result<Option<Trial>, &'static str> {
        if self.canary.is_none() {
            return Ok(None);
        }
        let first: i32 = self.canary_first.trim().parse().map_err(|_| "trial-error-first")?;
        let minutes: i32 = self.canary_minutes.trim().parse().map_err(|_| "trial-error-minutes")?;
        if !(1..=1_000).contains(&first) {
            return Err("trial-error-first");
        }
        if !(0..=1_440).contains(&minutes) {
            return Err("trial-error-minutes");
        }
        let percent = match self.canary_percent.as_str() {
            "ask" | "" => None,
            typed => {
                let percent: i16 = typed.parse().map_err(|_| "trial-error-percent")?;
                Some(percent).filter(|percent| (0..=100).contains(percent))
            }
        };
        Ok(Some(Trial { first, wait_seconds: minutes * 60, percent }))
    }
}

/// Confirms a draft. Without a `confirm` field, only the figures of the preview are drawn again.
pub async fn confirm(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<ConfirmFields>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let fields = form.into_inner();
    let l = member.layout(&app, &request, Section::Batches).await?;
    // Without scripts, columns may have been changed that were not checked again.
    if !fields.column.is_empty()
        && let Some(answer) = check_changes(&app, &member, &request, &batch, &fields).await?
    {
        return Ok(answer);
    }
    // The checkbox of the repeats submits the form only to update the figures.
    if fields.confirm.is_none() {
        return respond(&app, &member, &request, batch, PreviewQuery::default(), fields, None)
            .await;
    }
    let schedule = schedule::read(&fields.schedule_at, app.clock.now());
    let name: String =
        fields.name.trim().chars().filter(|c| !c.is_control()).take(MAX_NAME_LENGTH).collect();
    let problem = match (&schedule, fields.trial()) {
        (Err(key), _) => Some(("at", *key)),
        (_, Err(key)) => Some(("canary", key)),
        _ if name.is_empty() => Some(("name", "preview-error-name")),
        _ => None,
    };
    if let Some((field, key)) = problem {
        let problem = Problem::new(field, l.t(key));
        return respond(
            &app,
            &member,
            &request,
            batch,
            PreviewQuery::default(),
            fields,
            Some(problem),
        )
        .await;
    }
    let ip = peer_ip(&request);
    let order = ConfirmRequest {
        project: member.project.id,
        batch: batch.id,
        by: member.person.id,
        name: &name,
        checked: fields.checked,
        version: Some(&fields.version),
        with_repeats: fields.again.is_some(),
        schedule_at: schedule.unwrap_or_default(),
        trial: fields.trial().unwrap_or_default(),
        ip: &ip,
    };
    let (text_key, part) = match upload_ops::confirm(&app, &order).await {
        Ok(Confirmation::Ordered(BatchState::AwaitingApproval)) => ("send-done-approval", None),
        Ok(Confirmation::Ordered(BatchState::Scheduled)) => ("preview-done-scheduled", None),
        Ok(Confirmation::Ordered(_)) => ("preview-done", None),
        Ok(Confirmation::Already) => ("upload-already", None),
        Ok(Confirmation::Changed) => ("send-changed", Some("preview")),
        Ok(Confirmation::Moved) => {
            flash::warn(&request, &l.t("preview-moved"));
            let preview = l.urls.batch_part(batch.id, "preview");
            return Ok(page::see_other(&fields.in_query(&batch, &preview)));
        }
        Ok(Confirmation::Nobody) => ("preview-nobody", Some("preview")),
        Ok(Confirmation::OutOfDate(changes)) => {
            let batch = find(&app, &member, &path.1).await?;
            return out_of_date(&app, &member, &request, batch, fields, &changes).await;
        }
        Ok(Confirmation::Unanswered) => ("preview-unanswered", Some("preview")),
        Err(OrderError::Database(error)) => return Err(WebError::Database(error)),
        Err(OrderError::Budget(over)) => {
            let problem = Problem::new("at", budget_lines::over(l.texts, &over));
            return respond(
                &app,
                &member,
                &request,
                batch,
                PreviewQuery::default(),
                fields,
                Some(problem),
            )
            .await;
        }
        Err(error) => {
            let problem = Problem::new("columns", l.t(order_key(&error)?));
            return respond(
                &app,
                &member,
                &request,
                batch,
                PreviewQuery::default(),
                fields,
                Some(problem),
            )
            .await;
        }
    };
    if part.is_some() || text_key == "upload-already" {
        flash::warn(&request, &l.t(text_key));
    } else {
        flash::say(&request, &l.t(text_key));
    }
    let href =
        part.map_or_else(|| l.urls.batch(batch.id), |part| l.urls.batch_part(batch.id, part));
    Ok(page::see_other(&href))
}

/// Discards a draft.
pub async fn discard(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<super::ConfirmForm>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let discarded = upload_ops::discard(&app, member.project.id, batch.id).await?;
    let (texts, urls) = (member.texts(&request), member.urls());
    if discarded {
        flash::say(&request, &texts.t("preview-discarded"));
        Ok(page::see_other(&urls.batches()))
    } else {
        flash::warn(&request, &texts.t("batch-not-moved"));
        Ok(page::see_other(&urls.batch(batch.id)))
    }
}
