//! `/suppressions`: phones that nothing of the project is sent to.

use std::io::Write;
use std::ops::ControlFlow;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream;
use serde::Deserialize;

use super::batches::downloads::{attachment, headed, lines};
use super::error::WebError;
use super::form::{Form, peer_ip};
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::upload::{Upload, Uploaded};
use super::{flash, page, urls};
use crate::app::App;
use crate::db::suppressions::{self, Suppression};
use crate::domain::ids::{Id, ProjectId, SuppressionId};
use crate::domain::phone::{Phone, PhoneList, masked};
use crate::domain::role::Permission;
use crate::domain::suppression::SuppressionReason;
use crate::domain::upload::is_phone;
use crate::ops::actor::Actor;
use crate::ops::suppressions::{self as suppression_ops, BlacklistError};
use crate::recipient_file::{self, Book, BookOptions, Row, Shape, TableError};

/// Rows of a page.
const ROWS: i64 = 50;
/// Rows that are read at once for a file.
const CHUNK: i64 = 2_000;
/// The largest length of a note in characters.
const MAX_NOTE_LENGTH: usize = 200;
/// The largest number of invalid entries that are listed.
const MAX_LISTED: usize = 10;

/// The query parameters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    phone: String,
    before: Option<SuppressionId>,
}

struct Line {
    id: SuppressionId,
    phone: String,
    copyable: bool,
    reason: String,
    note: String,
    by: String,
    at: Moment,
    blacklisted: bool,
}

#[derive(Template)]
#[template(path = "suppressions/list.html")]
struct ListPage {
    l: Layout,
    lines: Vec<Line>,
    older: Option<String>,
    phone: String,
    may_send: bool,
    fields: Fields,
    problem: Option<String>,
}

/// The form that adds phones.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    phones: String,
    reason: String,
    note: String,
}

/// Shows the suppressions, newest first: all, those of one phone, or those of its last four digits.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    page::ok(&draw(&app, &member, &request, query.into_inner(), Fields::default(), None).await?)
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    query: Query,
    fields: Fields,
    problem: Option<String>,
) -> Result<ListPage, WebError> {
    let l = member.layout(app, request, Section::Suppressions).await?;
    let typed = query.phone.trim();
    let search = match Phone::parse(typed) {
        Ok(phone) => phone.as_str().to_owned(),
        Err(_) => typed.to_owned(),
    };
    let phone = Some(search.as_str()).filter(|phone| !phone.is_empty());
    let found = suppressions::list(&app.db, member.project.id, phone, query.before, ROWS).await?;
    let older = page::full(&found, ROWS).map(|last| {
        let before = last.id.to_string();
        urls::with_query(&l.urls.suppressions(), &[("phone", typed), ("before", &before)])
    });
    let whole_phones = member.may(Permission::SeePhones);
    let lines = found.into_iter().map(|row| line(&l, row, whole_phones)).collect();
    let phone = typed.to_owned();
    Ok(ListPage { lines, older, phone, may_send: member.may(Permission::Send), fields, problem, l })
}

fn line(l: &Layout, suppression: Suppression, whole_phones: bool) -> Line {
    Line {
        phone: if whole_phones { suppression.phone } else { masked(&suppression.phone) },
        copyable: whole_phones,
        reason: l.t(&format!("suppression-{}", suppression.reason.key())),
        note: suppression.note,
        by: suppression.added_by.unwrap_or_else(|| l.t("suppression-by-console")),
        at: l.moment(suppression.id.made_at()),
        blacklisted: suppression.blacklisted_at.is_some(),
        id: suppression.id,
    }
}

/// Adds typed phones, or those of a file. If some cannot be read, they are listed and nothing is
/// added, so that none is overlooked.
pub async fn add(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Upload<Fields>,
) -> Result<HttpResponse, WebError> {
    let (fields, files) = form.into_inner();
    let mut list = PhoneList::read(&fields.phones);
    let l = member.layout(&app, &request, Section::Suppressions).await?;
    let from_file = files.iter().any(|file| file.field == "list");
    let mut problem = None;
    for file in files.into_iter().filter(|file| file.field == "list") {
        match phones_in(file) {
            Ok(phones) => list.phones.extend(phones),
            Err(_) => problem = Some(l.t("suppression-error-file")),
        }
    }
    let reason = SuppressionReason::from_key(&fields.reason).unwrap_or(if from_file {
        SuppressionReason::Import
    } else {
        SuppressionReason::Person
    });
    if !list.wrong.is_empty() {
        let listed: Vec<String> =
            list.wrong.iter().take(MAX_LISTED).map(|entry| entry.text.clone()).collect();
        let values = [("count", list.wrong.len().into()), ("named", listed.join(", ").into())];
        problem = Some(l.with("suppression-error-phones", &values));
    } else if list.phones.is_empty() && problem.is_none() {
        problem = Some(l.t("send-error-phones"));
    }
    if problem.is_some() {
        let page = draw(&app, &member, &request, Query::default(), fields, problem).await?;
        return page::unprocessable(&page);
    }
    let note: String =
        fields.note.trim().chars().filter(|c| !c.is_control()).take(MAX_NOTE_LENGTH).collect();
    let ip = peer_ip(&request);
    let added =
        suppression_ops::add(&app, actor(&member, &ip), &list.phones, reason, &note).await?;
    let already = list.phones.len() as u64 - added.min(list.phones.len() as u64);
    let values = [("added", added.into()), ("there", already.into())];
    flash::say(&request, &l.with("suppression-added", &values));
    Ok(page::see_other(&l.urls.suppressions()))
}

fn actor<'a>(member: &Member, ip: &'a str) -> Actor<'a> {
    Actor { project: member.project.id, user: member.person.id, ip }
}

/// Returns the phones of a file, in any column; rows without a phone are headers or remarks.
fn phones_in(file: Uploaded) -> Result<Vec<Phone>, TableError> {
    let mut phones = Vec::new();
    let mut take = |row: Row| {
        phones.extend(row.cells.iter().find_map(|cell| Phone::parse(cell).ok()));
        ControlFlow::Continue(())
    };
    let content = file.content;
    let book = match Shape::of(&content) {
        Shape::Text => {
            let utf8 = std::str::from_utf8(&content).is_ok();
            let head = &content[..content.len().min(4 << 10)];
            let (encoding, delimiter) = recipient_file::sniff(head, utf8, None);
            recipient_file::read_text(
                content.as_slice(),
                encoding,
                delimiter,
                is_phone,
                &mut take,
            )?;
            return Ok(phones);
        }
        Shape::Xlsx => Book::Xlsx,
        Shape::Xls => Book::Xls,
        _ => return Err(TableError::Spreadsheet("unsupported file type".to_owned())),
    };
    let mut spooled = tempfile::tempfile()?;
    spooled.write_all(&content)?;
    let options = BookOptions { sheet: None, hidden: true, is_key: is_phone };
    recipient_file::read_spreadsheet(spooled, book, &options, &mut take)?;
    Ok(phones)
}

#[derive(Template)]
#[template(path = "suppressions/remove.html")]
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
    let l = member.layout(&app, &request, Section::Suppressions).await?;
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
    let l = member.layout(&app, &request, Section::Suppressions).await?;
    if why.trim().is_empty() {
        return page::unprocessable(&RemovePage { l, suppression, problem: true });
    }
    let ip = peer_ip(&request);
    let why: String = why.trim().chars().take(MAX_NOTE_LENGTH).collect();
    suppression_ops::remove(&app, actor(&member, &ip), suppression.id, &why).await?;
    flash::say(&request, &l.with("suppression-removed", &[("phone", suppression.phone.into())]));
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
            "suppression-offered",
            &[("taken", blacklisted.taken.into()), ("refused", blacklisted.refused.into())],
        ),
        Err(BlacklistError::Vendor(error)) => {
            texts.with("suppression-offer-failed", &[("why", error.to_string().into())])
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
pub async fn export(app: web::Data<App>, member: Member) -> Result<HttpResponse, WebError> {
    let project: ProjectId = member.project.id;
    let whole_phones = member.may(Permission::SeePhones);
    let names = ["phone", "reason", "note", "added_by", "added_at"].map(str::to_owned);
    let from = Some((headed(names.to_vec()), None::<SuppressionId>));
    let pages = stream::unfold((app, from), move |(app, from)| async move {
        let (mut bytes, before) = from?;
        let found = match suppressions::list(&app.db, project, None, before, CHUNK).await {
            Ok(found) => found,
            Err(error) => return Some((Err(std::io::Error::other(error)), (app, None))),
        };
        let next = found.last().map(|last| (Vec::new(), Some(last.id)));
        bytes.extend(lines(found.into_iter().map(|row| file_row(row, whole_phones))));
        Some((Ok(web::Bytes::from(bytes)), (app, next)))
    });
    Ok(attachment("suppressions.csv").streaming(pages))
}

fn file_row(suppression: Suppression, whole_phones: bool) -> Vec<String> {
    let at = suppression.id.made_at();
    vec![
        if whole_phones { suppression.phone } else { masked(&suppression.phone) },
        suppression.reason.key().to_owned(),
        suppression.note,
        suppression.added_by.unwrap_or_default(),
        at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default(),
    ]
}
