//! Deleting signatures or templates: the page shows what depends on them, asks for a confirmation,
//! and reports those that could not be deleted.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Kind, Standing, section};
use crate::app::App;
use crate::db::review::reviewed::{self, Dependent, Row};
use crate::db::review::{signatures, sms_templates};
use crate::domain::review::{ReviewStatus, Subject};
use crate::ops::credentials::CredentialsError;
use crate::ops::review::delete_reviewed::{self, Deleted, Requester};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::layout::Layout;

/// The largest number that is deleted at once: each is one API call.
const MAX_DELETIONS: usize = 50;

/// The form: what to delete.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    /// The vendor's ids.
    pub id: Vec<String>,
    /// Set when the person confirmed.
    pub confirm: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/review/deletion.html")]
struct DeletePage {
    l: Layout,
    subject: Subject,
    list: String,
    action: String,
    rows: Vec<Candidate>,
}

/// A signature or template that is about to be deleted.
struct Candidate {
    vendor_id: String,
    name: String,
    standing: Standing,
    in_review: bool,
    dependents: Vec<Dependent>,
    /// Why the vendor did not delete it.
    why: Option<String>,
}

/// Returns a signature or template by the vendor's id that is not deleted yet.
async fn find(
    app: &App,
    member: &Member,
    l: &Layout,
    subject: Subject,
    vendor_id: &str,
) -> Result<Option<Candidate>, WebError> {
    let project = member.project.id;
    let (row, name, status, missing, deleted) = match subject {
        Subject::Signature => {
            let Some(found) = signatures::by_sig_id(&app.db, project, vendor_id).await? else {
                return Ok(None);
            };
            let missing = found.missing_since.is_some();
            let name = crate::domain::text::bracketed(&found.content, found.international);
            (Row::Signature(found.id), name, found.status, missing, found.deleted_at.is_some())
        }
        Subject::Template => {
            let found = sms_templates::by_template_id(&app.db, project, vendor_id).await?;
            let Some(found) = found else { return Ok(None) };
            let missing = found.missing_since.is_some();
            (Row::Template(found.id), found.name, found.status, missing, found.deleted_at.is_some())
        }
    };
    if deleted {
        return Ok(None);
    }
    Ok(Some(Candidate {
        vendor_id: vendor_id.to_owned(),
        name,
        standing: Standing::of(l, status, missing, false),
        in_review: status == ReviewStatus::InReview && !missing,
        dependents: reviewed::dependents(&app.db, row).await?,
        why: None,
    }))
}

/// Shows one that would be deleted.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    confirm(&app, &member, &request, subject, std::slice::from_ref(&path.1)).await
}

/// Deletes one, if the person confirmed.
pub async fn delete(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    path: web::Path<(String, String)>,
    form: Form<Chosen>,
) -> Result<HttpResponse, WebError> {
    let chosen = Chosen { id: vec![path.1.clone()], ..form.into_inner() };
    delete_confirmed(&app, &member, &request, subject, chosen).await
}

/// Shows several that would be deleted.
pub async fn form_of_several(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
) -> Result<HttpResponse, WebError> {
    let chosen: Chosen =
        serde_html_form::from_str(request.query_string()).map_err(|_| WebError::BadRequest)?;
    confirm(&app, &member, &request, subject, &chosen.id).await
}

/// Deletes several, if the person confirmed.
pub async fn delete_several(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    form: Form<Chosen>,
) -> Result<HttpResponse, WebError> {
    delete_confirmed(&app, &member, &request, subject, form.into_inner()).await
}

/// Shows what would be deleted and what depends on it.
async fn confirm(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    subject: Subject,
    ids: &[String],
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, section(subject)).await?;
    let mut rows = Vec::new();
    for id in ids.iter().take(MAX_DELETIONS) {
        rows.extend(find(app, member, &l, subject, id).await?);
    }
    if rows.is_empty() {
        return if ids.is_empty() {
            flash::say(request, &l.t("delete-none"));
            Ok(page::see_other(&l.urls.all_reviewed(subject)))
        } else {
            Err(WebError::NotFound)
        };
    }
    page::ok(&page_of(l, subject, rows))
}

fn page_of(l: Layout, subject: Subject, rows: Vec<Candidate>) -> DeletePage {
    DeletePage {
        list: l.urls.all_reviewed(subject),
        action: l.urls.reviewed(subject, "delete"),
        subject,
        rows,
        l,
    }
}

/// Deletes what was chosen if the person confirmed; otherwise asks for the confirmation.
async fn delete_confirmed(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    subject: Subject,
    chosen: Chosen,
) -> Result<HttpResponse, WebError> {
    if chosen.confirm.is_none() || chosen.id.is_empty() {
        return confirm(app, member, request, subject, &chosen.id).await;
    }
    let l = Layout::in_project(member, app, request, section(subject)).await?;
    let requester =
        Requester { project: member.project.id, by: member.person.id, ip: peer_ip(request) };
    let mut left = Vec::new();
    let mut done = 0;
    for id in chosen.id.iter().take(MAX_DELETIONS) {
        let outcome = match delete_reviewed::delete(app, subject, id, &requester).await {
            Ok(outcome) => outcome,
            Err(CredentialsError::Database(error)) => return Err(error.into()),
            Err(CredentialsError::Sealed(_)) => Deleted::NotSent,
        };
        let why = match outcome {
            Deleted::Done => {
                done += 1;
                continue;
            }
            Deleted::Nothing => continue,
            Deleted::Refused { ret_code, words } => l.with(
                "import-refused",
                &[("words", words.into()), ("code", ret_code.to_string().into())],
            ),
            Deleted::NotSent => l.t("delete-not-sent"),
            Deleted::InDoubt => l.t("delete-in-doubt"),
        };
        if let Some(row) = find(app, member, &l, subject, id).await? {
            left.push(Candidate { why: Some(why), ..row });
        }
    }
    if left.is_empty() {
        flash::say(request, &l.with("delete-done", &[("count", done.into())]));
        return Ok(page::see_other(&l.urls.all_reviewed(subject)));
    }
    page::unprocessable(&page_of(l, subject, left))
}
