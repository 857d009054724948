//! `/suppressions`: phones that opted out. Nothing of the project is sent to them.

use std::io::Write;
use std::ops::ControlFlow;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream;
use serde::Deserialize;

use super::batches::downloads::{attachment, headed, lines};
use super::error::WebError;
use super::form::{Form, peer_address};
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
use crate::ops::suppressions::{self as suppression_ops, Actor, BlacklistError};
use crate::recipient_file::{self, Book, Row, Shape, TableError};

/// Rows of a page, and of a piece of a file.
const ROWS: i64 = 50;
const PIECE: i64 = 2_000;
/// Letters of a note.
const MAX_NOTE_LENGTH: usize = 200;
/// Wrong entries that are named.
const NAMED: usize = 10;

/// Which are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Look {
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

/// What is added.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    phones: String,
    reason: String,
    note: String,
}

/// All of them, newest first; those of one phone or of four last digits.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    look: web::Query<Look>,
) -> Result<HttpResponse, WebError> {
    page::ok(&draw(&app, &member, &request, look.into_inner(), Fields::default(), None).await?)
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    look: Look,
    fields: Fields,
    problem: Option<String>,
) -> Result<ListPage, WebError> {
    let l = member.layout(app, request, Section::Suppressions).await?;
    let typed = look.phone.trim();
    let wanted = match Phone::parse(typed) {
        Ok(phone) => phone.as_str().to_owned(),
        Err(_) => typed.to_owned(),
    };
    let phone = Some(wanted.as_str()).filter(|phone| !phone.is_empty());
    let found = suppressions::list(&app.db, member.project.id, phone, look.before, ROWS).await?;
    let older = page::full(&found, ROWS).map(|last| {
        let before = last.id.to_string();
        urls::with_query(&l.urls.suppressions(), &[("phone", typed), ("before", &before)])
    });
    let whole = member.may(Permission::SeePhones);
    let lines = found.into_iter().map(|one| line(&l, one, whole)).collect();
    let phone = typed.to_owned();
    Ok(ListPage { lines, older, phone, may_send: member.may(Permission::Send), fields, problem, l })
}

fn line(l: &Layout, one: Suppression, whole: bool) -> Line {
    Line {
        phone: if whole { one.phone } else { masked(&one.phone) },
        copyable: whole,
        reason: l.t(&format!("suppression-{}", one.reason.key())),
        note: one.note,
        by: one.added_by.unwrap_or_else(|| l.t("suppression-by-console")),
        at: l.moment(one.id.made_at()),
        blacklisted: one.blacklisted_at.is_some(),
        id: one.id,
    }
}

/// Adds phones that were typed, or those of a file. Phones that cannot be read are named, and
/// nothing is added then: who wished to add them would miss them.
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
        let named: Vec<String> =
            list.wrong.iter().take(NAMED).map(|wrong| wrong.text.clone()).collect();
        let values = [("count", list.wrong.len().into()), ("named", named.join(", ").into())];
        problem = Some(l.with("suppression-error-phones", &values));
    } else if list.phones.is_empty() && problem.is_none() {
        problem = Some(l.t("send-error-phones"));
    }
    if problem.is_some() {
        let page = draw(&app, &member, &request, Look::default(), fields, problem).await?;
        return page::unprocessable(&page);
    }
    let note: String =
        fields.note.trim().chars().filter(|c| !c.is_control()).take(MAX_NOTE_LENGTH).collect();
    let address = peer_address(&request);
    let added =
        suppression_ops::add(&app, by(&member, &address), &list.phones, reason, &note).await?;
    let there = list.phones.len() as u64 - added.min(list.phones.len() as u64);
    let values = [("added", added.into()), ("there", there.into())];
    flash::say(&request, &l.with("suppression-added", &values));
    Ok(page::see_other(&l.urls.suppressions()))
}

fn by<'a>(member: &Member, address: &'a str) -> Actor<'a> {
    Actor { project: member.project.id, person: member.person.id, address }
}

/// The phones of a list, in whatever column they stand; what is no phone is a header or a remark.
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
            recipient_file::read_text(content.as_slice(), encoding, delimiter, &mut take)?;
            return Ok(phones);
        }
        Shape::Xlsx => Book::Xlsx,
        Shape::Xls => Book::Xls,
        Shape::Other => return Err(TableError::Spreadsheet("unsupported file type".to_owned())),
    };
    let mut spooled = tempfile::tempfile()?;
    spooled.write_all(&content)?;
    recipient_file::read_spreadsheet(spooled, book, &mut take)?;
    Ok(phones)
}

#[derive(Template)]
#[template(path = "suppressions/remove.html")]
struct RemovePage {
    l: Layout,
    one: Suppression,
    problem: bool,
}

impl RemovePage {
    fn action(&self) -> String {
        self.l.urls.suppressions_part(format!("{}/remove", self.one.id))
    }
}

async fn find(app: &App, member: &Member, id: &str) -> Result<Suppression, WebError> {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    suppressions::find(&app.db, member.project.id, id).await?.ok_or(WebError::NotFound)
}

/// Why is it removed?
pub async fn ask(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let one = find(&app, &member, &path.1).await?;
    let l = member.layout(&app, &request, Section::Suppressions).await?;
    page::ok(&RemovePage { l, one, problem: false })
}

/// Why.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Why {
    why: String,
}

/// Removes it, with the reason.
pub async fn remove(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<Why>,
) -> Result<HttpResponse, WebError> {
    let one = find(&app, &member, &path.1).await?;
    let why = form.into_inner().why;
    let l = member.layout(&app, &request, Section::Suppressions).await?;
    if why.trim().is_empty() {
        return page::unprocessable(&RemovePage { l, one, problem: true });
    }
    let address = peer_address(&request);
    let why: String = why.trim().chars().take(MAX_NOTE_LENGTH).collect();
    suppression_ops::remove(&app, by(&member, &address), one.id, &why).await?;
    flash::say(&request, &l.with("suppression-removed", &[("phone", one.phone.into())]));
    Ok(page::see_other(&l.urls.suppressions()))
}

/// Offers them to the vendor's blacklist. The call goes on when the person leaves.
pub async fn add_to_blacklist(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    _: Form<Why>,
) -> Result<HttpResponse, WebError> {
    let (own, person) = ((*app.into_inner()).clone(), member.clone());
    let address = peer_address(&request);
    let calls = own.calls.clone();
    let offering = calls
        .spawn(async move { suppression_ops::add_to_blacklist(&own, by(&person, &address)).await });
    let blacklisted = offering.await.map_err(|error| WebError::Internal(error.to_string()))?;
    let texts = member.texts(&request);
    let said = match blacklisted {
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
    flash::say(&request, &said);
    Ok(page::see_other(&member.urls().suppressions()))
}

/// All of them as a file.
pub async fn export(app: web::Data<App>, member: Member) -> Result<HttpResponse, WebError> {
    let project: ProjectId = member.project.id;
    let whole = member.may(Permission::SeePhones);
    let names = ["phone", "reason", "note", "added_by", "added_at"].map(str::to_owned);
    let from = Some((headed(names.to_vec()), None::<SuppressionId>));
    let pages = stream::unfold((app, from), move |(app, from)| async move {
        let (mut bytes, before) = from?;
        let found = match suppressions::list(&app.db, project, None, before, PIECE).await {
            Ok(found) => found,
            Err(error) => return Some((Err(std::io::Error::other(error)), (app, None))),
        };
        let next = found.last().map(|last| (Vec::new(), Some(last.id)));
        bytes.extend(lines(found.into_iter().map(|one| file_row(one, whole))));
        Some((Ok(web::Bytes::from(bytes)), (app, next)))
    });
    Ok(attachment("suppressions.csv").streaming(pages))
}

fn file_row(one: Suppression, whole: bool) -> Vec<String> {
    let at = one.id.made_at();
    vec![
        if whole { one.phone } else { masked(&one.phone) },
        one.reason.key().to_owned(),
        one.note,
        one.added_by.unwrap_or_default(),
        at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default(),
    ]
}
