//! Deleting one or several: what depends on them first, then a yes, then what became of each.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Kind, Standing, section};
use crate::app::App;
use crate::db::reviewed::{self, Dependent, Row};
use crate::db::{signatures, sms_templates};
use crate::domain::review::Subject;
use crate::ops::credentials::CredentialsError;
use crate::ops::delete_reviewed::{self, Deleted, Requester};
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::layout::Layout;
use crate::web::member::Member;
use crate::web::{flash, page};

/// Deleted at once at most: each is a call.
const MAX: usize = 50;

/// Which are to be deleted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    /// The vendor's ids.
    pub id: Vec<String>,
    /// The person's yes.
    pub confirm: Option<String>,
}

#[derive(Template)]
#[template(path = "review/delete.html")]
struct DeletePage {
    l: Layout,
    subject: Subject,
    list: String,
    action: String,
    rows: Vec<One>,
    deletable: usize,
}

/// One that is to be deleted.
struct One {
    vendor_id: String,
    name: String,
    standing: Standing,
    under_review: bool,
    dependents: Vec<Dependent>,
    /// Why the vendor did not delete it.
    why: Option<String>,
}

/// What is known here under a vendor's id and not deleted yet.
async fn one(
    app: &App,
    member: &Member,
    l: &Layout,
    subject: Subject,
    vendor_id: &str,
) -> Result<Option<One>, WebError> {
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
    Ok(Some(One {
        vendor_id: vendor_id.to_owned(),
        name,
        standing: Standing::of(l, status, missing, false),
        under_review: status.is_open() && !missing,
        dependents: reviewed::dependents(&app.db, row).await?,
        why: None,
    }))
}

/// One: what would be deleted.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    ask(&app, &member, &request, subject, std::slice::from_ref(&path.1)).await
}

/// Deletes one, with a yes.
pub async fn delete(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    path: web::Path<(String, String)>,
    form: Form<Chosen>,
) -> Result<HttpResponse, WebError> {
    let chosen = Chosen { id: vec![path.1.clone()], ..form.into_inner() };
    decide(&app, &member, &request, subject, chosen).await
}

/// Several: what would be deleted.
pub async fn form_of_several(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
) -> Result<HttpResponse, WebError> {
    let chosen: Chosen =
        serde_html_form::from_str(request.query_string()).map_err(|_| WebError::BadRequest)?;
    ask(&app, &member, &request, subject, &chosen.id).await
}

/// Deletes several, with a yes.
pub async fn delete_several(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    form: Form<Chosen>,
) -> Result<HttpResponse, WebError> {
    decide(&app, &member, &request, subject, form.into_inner()).await
}

/// Shows what would be deleted and what depends on it.
async fn ask(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    subject: Subject,
    ids: &[String],
) -> Result<HttpResponse, WebError> {
    let l = member.layout(app, request, section(subject)).await?;
    let mut rows = Vec::new();
    for id in ids.iter().take(MAX) {
        rows.extend(one(app, member, &l, subject, id).await?);
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

fn page_of(l: Layout, subject: Subject, rows: Vec<One>) -> DeletePage {
    DeletePage {
        list: l.urls.all_reviewed(subject),
        action: l.urls.reviewed(subject, "delete"),
        deletable: rows.iter().filter(|one| !one.under_review).count(),
        subject,
        rows,
        l,
    }
}

/// Deletes, with a yes; without one it asks.
async fn decide(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    subject: Subject,
    chosen: Chosen,
) -> Result<HttpResponse, WebError> {
    if chosen.confirm.is_none() || chosen.id.is_empty() {
        return ask(app, member, request, subject, &chosen.id).await;
    }
    let l = member.layout(app, request, section(subject)).await?;
    let requester = Requester {
        project: member.project.id,
        by: member.person.id,
        address: peer_address(request),
    };
    let mut left = Vec::new();
    let mut done = 0;
    for id in chosen.id.iter().take(MAX) {
        let removed = match delete_reviewed::delete(app, subject, id, &requester).await {
            Ok(removed) => removed,
            Err(CredentialsError::Database(error)) => return Err(error.into()),
            Err(CredentialsError::Sealed(_)) => Deleted::NotSent,
        };
        let why = match removed {
            Deleted::Done => {
                done += 1;
                continue;
            }
            Deleted::Nothing => continue,
            Deleted::UnderReview => l.t("delete-under-review"),
            Deleted::Refused { ret_code, words } => l.with(
                "import-refused",
                &[("words", words.into()), ("code", ret_code.to_string().into())],
            ),
            Deleted::NotSent => l.t("delete-not-sent"),
            Deleted::InDoubt => l.t("delete-in-doubt"),
        };
        if let Some(row) = one(app, member, &l, subject, id).await? {
            left.push(One { why: Some(why), ..row });
        }
    }
    if left.is_empty() {
        flash::say(request, &l.with("delete-done", &[("count", done.into())]));
        return Ok(page::see_other(&l.urls.all_reviewed(subject)));
    }
    page::unprocessable(&page_of(l, subject, left))
}
