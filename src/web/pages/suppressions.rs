//! `/suppressions`: phones that nothing, or no marketing, of the project is sent to.

pub mod import;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::db::audit;
use crate::db::replies::suppression_imports;
use crate::db::replies::suppressions::{self, Suppression};
use crate::domain::accounts::role::Permission;
use crate::domain::accounts::sight::Sight;
use crate::domain::ids::{Id, ProjectId, SuppressionId};
use crate::domain::phone::{Phone, PhoneList, PhoneMask};
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::domain::time::rfc3339;
use crate::ops::actor::Actor;
use crate::ops::replies::suppressions::import::{Upload as ListUpload, Uploaded};
use crate::ops::replies::suppressions::{self as suppression_ops, BlacklistError, Suppress};
use crate::web::http::error::{WebError, say_when_to_retry};
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::pools::Pools;
use crate::web::http::upload::Upload;
use crate::web::http::{flash, page, urls};
use crate::web::ui::files::csv::{headed, lines, streamed};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;

/// Rows of a page.
const ROWS: i64 = 50;
/// Rows that are read at once for a file.
const CHUNK: i64 = 2_000;
/// The largest length of a note in characters.
const MAX_NOTE_LENGTH: usize = 200;
/// The largest number of invalid entries that are listed.
const MAX_LISTED: usize = 10;
/// The largest number of waiting files that are listed.
const MAX_WAITING: i64 = 10;

/// The query parameters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SuppressionQuery {
    phone: String,
    before: Option<SuppressionId>,
}

struct SuppressionLine {
    id: SuppressionId,
    phone: String,
    copyable: bool,
    reason: String,
    scope: String,
    /// Whether a reply of it waits for a decision.
    pending: bool,
    note: String,
    by: String,
    at: Moment,
    blacklisted: bool,
}

#[derive(Template)]
#[template(path = "pages/suppressions/list.html")]
struct SuppressionListPage {
    l: Layout,
    lines: Vec<SuppressionLine>,
    older: Option<String>,
    phone: String,
    may_send: bool,
    /// Files that wait for a person: their pages and names.
    waiting: Vec<(String, String)>,
    fields: SuppressionFields,
    problem: Option<SuppressionProblem>,
}

/// An error at a field.
struct SuppressionProblem {
    /// The id of the form control.
    field: &'static str,
    sentence: String,
}

/// The form that adds phones.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SuppressionFields {
    phones: String,
    reason: String,
    scope: String,
    note: String,
}

/// Shows the suppressions, newest first: all, those of one phone, or those of its last four digits.
pub async fn list(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    query: web::Query<SuppressionQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    page::ok(
        &draw(&app, &member, &request, query.into_inner(), SuppressionFields::default(), None)
            .await?,
    )
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    query: SuppressionQuery,
    fields: SuppressionFields,
    problem: Option<SuppressionProblem>,
) -> Result<SuppressionListPage, WebError> {
    let l = Layout::in_project(member, app, request, Section::Suppressions).await?;
    let search = Searched::of(member, query.phone.trim());
    let (typed, phone) = (search.typed.as_str(), search.phone.as_deref());
    let project = member.project.id;
    let found =
        suppressions::list(&app.db, project, phone, search.mask.as_deref(), query.before, ROWS)
            .await?;
    let older = page::full(&found, ROWS).map(|last| {
        let before = last.id.to_string();
        urls::with_query(&l.urls.suppressions(), &[("phone", typed), ("before", &before)])
    });
    let sight = member.sight(app);
    let lines = found.into_iter().map(|row| line(&l, row, sight)).collect();
    let phone = typed.to_owned();
    let may_send = member.may(Permission::Send);
    let waiting = if may_send { waiting(app, member, &l).await? } else { Vec::new() };
    Ok(SuppressionListPage { lines, older, phone, may_send, waiting, fields, problem, l })
}

/// A phone that is searched for, as far as the member may know it.
struct Searched {
    typed: String,
    phone: Option<String>,
    mask: Option<String>,
}

impl Searched {
    fn of(member: &Member, typed: &str) -> Self {
        let typed = typed.replace('\0', "");
        if typed.is_empty() || member.may(Permission::SeePhones) {
            let phone = Phone::parse(&typed).map_or_else(|_| typed.clone(), Phone::into_string);
            return Self {
                typed,
                phone: Some(phone).filter(|phone| !phone.is_empty()),
                mask: None,
            };
        }
        match PhoneMask::parse(&typed) {
            Some(mask) => Self {
                typed: mask.shown(),
                phone: Some(mask.tail().to_owned()),
                mask: Some(mask.pattern()),
            },
            // No mask is empty.
            None => Self { typed, phone: None, mask: Some(String::new()) },
        }
    }
}

async fn waiting(app: &App, member: &Member, l: &Layout) -> sqlx::Result<Vec<(String, String)>> {
    let found = suppression_imports::waiting(&app.db, member.project.id, MAX_WAITING).await?;
    let link = |(id, name)| (l.urls.suppression_import(id, ""), name);
    Ok(found.into_iter().map(link).collect())
}

fn line(l: &Layout, suppression: Suppression, sight: Sight) -> SuppressionLine {
    SuppressionLine {
        phone: sight.phone(&suppression.phone),
        copyable: sight.whole_phones,
        reason: l.t(&format!("suppression-{}", suppression.reason.key())),
        scope: l.t(&format!("suppression-scope-{}", suppression.scope.key())),
        pending: suppression.pending,
        note: sight.text_about(&suppression.note, &suppression.phone).into_owned(),
        by: suppression.added_by.unwrap_or_else(|| l.t("suppression-by-console")),
        at: l.moment(suppression.id.made_at()),
        blacklisted: suppression.blacklisted_at.is_some(),
        id: suppression.id,
    }
}

/// Adds typed phones, or those of a file. Nothing is added unless all is understood, so that none is
/// overlooked: typed entries that are no phones are named, and a file waits for a person to decide.
pub async fn add(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Upload<SuppressionFields>,
) -> Result<HttpResponse, WebError> {
    let (fields, files) = form.into_inner();
    let list = PhoneList::read(&fields.phones);
    let mut files = files.into_iter().filter(|file| file.field == "list");
    let file = files.next();
    if files.next().is_some() {
        return Err(WebError::BadRequest);
    }
    let l = Layout::in_project(&member, &app, &request, Section::Suppressions).await?;
    if let Some(problem) = typed_problem(&l, &list, file.is_some()) {
        return refuse(&app, &member, &request, fields, problem).await;
    }
    let reason = SuppressionReason::from_key(&fields.reason).unwrap_or(SuppressionReason::Person);
    // The form proposes phones that are typed; those of a file are not added by hand.
    let reason = match (reason, &file) {
        (SuppressionReason::Person, Some(_)) => SuppressionReason::Import,
        (reason, _) => reason,
    };
    let scope = SuppressionScope::from_key(&fields.scope).unwrap_or(SuppressionScope::All);
    let note: String =
        fields.note.trim().chars().filter(|c| !c.is_control()).take(MAX_NOTE_LENGTH).collect();
    let ip = peer_ip(&request);
    let actor = actor(&member, &ip);
    let (added, already) = match file {
        None => {
            let how = Suppress { reason, scope, note: &note };
            let added = suppression_ops::add(&app, actor, &list.phones, how).await?;
            (added, (list.phones.len() as u64).saturating_sub(added))
        }
        Some(file) => {
            let upload = ListUpload {
                file_name: &file.name,
                content: file.content,
                typed: list.phones,
                reason,
                scope,
                note: &note,
            };
            match suppression_ops::import::upload(&app, actor, upload).await {
                Ok(Uploaded::Added(added)) => (added.added, added.already),
                Ok(Uploaded::Waits(id)) => {
                    return Ok(page::see_other(&l.urls.suppression_import(id, "")));
                }
                Err(error) => {
                    let (status, sentence) = import::refused(&l, error)?;
                    let problem = SuppressionProblem { field: "list", sentence };
                    let page = refused(&app, &member, &request, fields, problem).await?;
                    let mut response = page::with_status(status, &page)?;
                    say_when_to_retry(&mut response);
                    return Ok(response);
                }
            }
        }
    };
    let values = [("added", added.into()), ("there", already.into())];
    flash::say(&request, &l.with("suppression-added", &values));
    Ok(page::see_other(&l.urls.suppressions()))
}

/// Returns what is wrong with typed phones, if there is something.
fn typed_problem(l: &Layout, list: &PhoneList, has_file: bool) -> Option<SuppressionProblem> {
    let sentence = if !list.wrong.is_empty() {
        let listed: Vec<String> =
            list.wrong.iter().take(MAX_LISTED).map(|entry| entry.text.clone()).collect();
        let values = [("count", list.wrong.len().into()), ("named", listed.join(", ").into())];
        l.with("suppression-error-phones", &values)
    } else if list.phones.is_empty() && !has_file {
        l.t("send-error-phones")
    } else {
        return None;
    };
    Some(SuppressionProblem { field: "phones", sentence })
}

/// Returns the list with what was typed and what is wrong with it.
async fn refuse(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    fields: SuppressionFields,
    problem: SuppressionProblem,
) -> Result<HttpResponse, WebError> {
    page::unprocessable(&refused(app, member, request, fields, problem).await?)
}

async fn refused(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    fields: SuppressionFields,
    problem: SuppressionProblem,
) -> Result<SuppressionListPage, WebError> {
    draw(app, member, request, SuppressionQuery::default(), fields, Some(problem)).await
}

fn actor<'a>(member: &Member, ip: &'a str) -> Actor<'a> {
    Actor { project: member.project.id, user: member.person.id, ip }
}

#[derive(Template)]
#[template(path = "pages/suppressions/remove.html")]
struct RemovePage {
    l: Layout,
    suppression: Suppression,
    problem: bool,
}

impl RemovePage {
    fn action(&self) -> String {
        self.l.urls.suppressions_part(format!("{}/remove", self.suppression.id))
    }
}

async fn find(app: &App, member: &Member, id: &str) -> Result<Suppression, WebError> {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    suppressions::find(&app.db, member.project.id, id).await?.ok_or(WebError::NotFound)
}

/// Asks for the reason of a removal.
pub async fn ask(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let suppression = find(&app, &member, &path.1).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Suppressions).await?;
    page::ok(&RemovePage { l, suppression, problem: false })
}

/// The reason of a removal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RemoveForm {
    why: String,
}

/// Removes it, with the reason.
pub async fn remove(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<RemoveForm>,
) -> Result<HttpResponse, WebError> {
    let suppression = find(&app, &member, &path.1).await?;
    let why = form.into_inner().why;
    let l = Layout::in_project(&member, &app, &request, Section::Suppressions).await?;
    if why.trim().is_empty() {
        return page::unprocessable(&RemovePage { l, suppression, problem: true });
    }
    let ip = peer_ip(&request);
    let why: String = why.trim().chars().take(MAX_NOTE_LENGTH).collect();
    suppression_ops::remove(&app, actor(&member, &ip), suppression.id, &why).await?;
    let key = match suppression.blacklisted_at {
        Some(_) => "suppression-removed-blacklisted",
        None => "suppression-removed",
    };
    flash::say(&request, &l.with(key, &[("phone", suppression.phone.into())]));
    Ok(page::see_other(&l.urls.suppressions()))
}

/// Adds the suppressions to the vendor's blacklist. The call goes on if the person leaves the page.
pub async fn add_to_blacklist(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    _: Form<RemoveForm>,
) -> Result<HttpResponse, WebError> {
    let (own, person) = ((*app.into_inner()).clone(), member.clone());
    let ip = peer_ip(&request);
    let calls = own.calls.clone();
    let task = calls
        .spawn(async move { suppression_ops::add_to_blacklist(&own, actor(&person, &ip)).await });
    let blacklisted = task.await.map_err(|error| WebError::Internal(error.to_string()))?;
    let texts = member.texts(&request);
    let message = match blacklisted {
        Ok(blacklisted) => texts.with(
            "suppressions-blacklist-done",
            &[("added", blacklisted.added.into()), ("refused", blacklisted.refused.into())],
        ),
        Err(BlacklistError::Vendor(error)) => {
            texts.with("suppressions-blacklist-failed", &[("why", error.to_string().into())])
        }
        Err(BlacklistError::Database(error)) => return Err(WebError::Database(error)),
        Err(BlacklistError::Credentials(error)) => {
            return Err(WebError::Internal(error.to_string()));
        }
    };
    flash::say(&request, &message);
    Ok(page::see_other(&member.urls().suppressions()))
}

/// Streams all suppressions as a CSV file.
pub async fn export(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let project: ProjectId = member.project.id;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(member.person.id),
        action: "suppressions_exported",
        subject: "",
        detail: json!({ "file": "suppressions" }),
        ip: &peer_ip(&request),
    };
    audit::record(&mut *app.db.acquire().await?, &entry, app.clock.now()).await?;
    let sight = member.sight(&app);
    let names = ["phone", "reason", "note", "added_by", "added_at", "scope"].map(str::to_owned);
    let from = Some((headed(names.to_vec()), None::<SuppressionId>));
    let pages = stream::unfold((app, from), move |(app, from)| async move {
        let (mut bytes, before) = from?;
        let found = match suppressions::list(&app.db, project, None, None, before, CHUNK).await {
            Ok(found) => found,
            Err(error) => return Some((Err(std::io::Error::other(error)), (app, None))),
        };
        let next = found.last().map(|last| (Vec::new(), Some(last.id)));
        bytes.extend(lines(found.into_iter().map(|row| file_row(row, sight))));
        Some((Ok(web::Bytes::from(bytes)), (app, next)))
    });
    Ok(streamed(&request, &member, "suppressions.csv", pages))
}

fn file_row(suppression: Suppression, sight: Sight) -> Vec<String> {
    vec![
        sight.phone(&suppression.phone),
        suppression.reason.key().to_owned(),
        sight.text_about(&suppression.note, &suppression.phone).into_owned(),
        suppression.added_by.unwrap_or_default(),
        rfc3339(suppression.id.made_at()),
        suppression.scope.key().to_owned(),
    ]
}
