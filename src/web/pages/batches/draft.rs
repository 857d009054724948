//! Actions on a draft: confirm it, discard it.

use actix_web::{HttpRequest, HttpResponse, web};

use super::confirm_fields::{ConfirmFields, order_key};
use super::find;
use super::preview::{PreviewProblem, PreviewQuery, respond};
use super::read_options::{check_changes, out_of_date};
use crate::app::App;
use crate::db::sending::batches::Batch;
use crate::domain::sending::batch::BatchState;
use crate::ops::sending::order::OrderError;
use crate::ops::sending::uploads::{
    self as upload_ops, ConfirmRequest, Confirmation, MAX_NAME_LENGTH,
};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::figures::budget_lines;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::schedule;

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
    let l = Layout::in_project(&member, &app, &request, Section::Batches).await?;
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
        let problem = PreviewProblem::new(field, l.t(key));
        return with_problem(&app, &member, &request, batch, fields, problem).await;
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
            let problem = PreviewProblem::new("at", budget_lines::over(l.texts, &over));
            return with_problem(&app, &member, &request, batch, fields, problem).await;
        }
        Err(error) => {
            let problem = PreviewProblem::new("columns", l.t(order_key(&error)?));
            return with_problem(&app, &member, &request, batch, fields, problem).await;
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

/// Responds with the preview, and what is wrong with its form.
async fn with_problem(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: Batch,
    fields: ConfirmFields,
    problem: PreviewProblem,
) -> Result<HttpResponse, WebError> {
    respond(app, member, request, batch, PreviewQuery::default(), fields, Some(problem)).await
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
