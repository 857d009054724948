//! `/receipts`: what became of a session number or a phone, at a URL that can be bookmarked.

pub mod answers;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use answers::{Answers, Asked};

use crate::app::App;
use crate::db::sending::message_search::{FoundMessage, MessageQuery, Phones};
use crate::db::sending::submissions;
use crate::domain::accounts::role::Permission;
use crate::domain::ids::MessageId;
use crate::domain::phone::{Phone, PhoneMask, PhoneProblem};
use crate::domain::sending::message::Tally;
use crate::ops::receipts::poll::{self, PollError};
use crate::web::http::error::WebError;
use crate::web::http::flash;
use crate::web::http::form::Form;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::ui::call_text::explain;
use crate::web::ui::figures::ledger::Ledger;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::message_table::{MessageTable, Viewer};

/// Rows of a phone's page.
const ROWS: usize = 50;
/// The largest number of messages of a session number.
const MAX_SESSION_MESSAGES: usize = 1_000;
const MAX_SESSION_LENGTH: usize = 64;

/// The query parameters of the search.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    session_no: Option<String>,
    phone: Option<String>,
    before: Option<MessageId>,
}

#[derive(Template)]
#[template(path = "pages/receipts/search.html")]
struct SearchPage {
    l: Layout,
    session_no: String,
    phone: String,
    session_problem: bool,
    phone_problem: Option<PhoneProblem>,
}

#[derive(Template)]
#[template(path = "pages/receipts/phone.html")]
struct PhonePage {
    l: Layout,
    phone: String,
    typed: String,
    rows: Option<MessageTable>,
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/receipts/session.html")]
struct SessionPage {
    l: Layout,
    session_no: String,
    batch: Option<(String, String)>,
    /// The RetCode that came with the session number, and what it means.
    complaint: Option<(i32, String)>,
    ledger: Option<Ledger>,
    rows: Option<MessageTable>,
    /// Whether the vendor was asked about it lately, if it is not known.
    asked: Asked,
    may_ask: bool,
}

/// Shows the search fields, or the messages of a phone. A session number redirects to its own page.
pub async fn search(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<Search>,
) -> Result<HttpResponse, WebError> {
    let query = query.into_inner();
    let session_no = query.session_no.unwrap_or_default().trim().to_owned();
    let typed = query.phone.unwrap_or_default().trim().to_owned();
    if is_session_no(&session_no) {
        return Ok(page::see_other(&member.urls().receipt(&session_no)));
    }
    let phone = SearchedPhone::parse(&member, &typed);
    match phone {
        Ok(phone) if session_no.is_empty() => {
            show_phone(&app, &member, &request, &phone, query.before).await
        }
        phone => {
            let l = Layout::in_project(&member, &app, &request, Section::Receipts).await?;
            let search = SearchPage {
                l,
                session_problem: !session_no.is_empty(),
                session_no,
                phone_problem: phone.err().filter(|_| !typed.is_empty()),
                phone: typed,
            };
            let is_wrong = search.session_problem || search.phone_problem.is_some();
            if is_wrong { page::unprocessable(&search) } else { page::ok(&search) }
        }
    }
}

/// Returns whether `text` can be a session number. `SessionNo` is usually a UUID, but not always:
/// anything of letters and digits is queried as it is.
fn is_session_no(text: &str) -> bool {
    (1..=MAX_SESSION_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// A phone that is searched for, as far as the member may know it.
struct SearchedPhone {
    phones: Phones,
    /// How the page and its links name it.
    shown: String,
    /// What stands in the field.
    typed: String,
}

impl SearchedPhone {
    fn parse(member: &Member, typed: &str) -> Result<Self, PhoneProblem> {
        if member.may(Permission::SeePhones) {
            let phone = Phone::parse(typed)?.into_string();
            return Ok(Self {
                shown: phone.clone(),
                phones: Phones::Whole(phone),
                typed: typed.to_owned(),
            });
        }
        match PhoneMask::parse(typed) {
            Some(mask) => {
                Ok(Self { shown: mask.shown(), typed: mask.shown(), phones: Phones::Masked(mask) })
            }
            None => Err(Phone::parse(typed).err().unwrap_or(PhoneProblem::TooShort)),
        }
    }
}

async fn show_phone(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    phone: &SearchedPhone,
    before: Option<MessageId>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, Section::Receipts).await?;
    let project = member.project.id;
    let whole_phones = member.may(Permission::SeePhones);
    let query = MessageQuery { phone: Some(phone.phones.clone()), ..MessageQuery::default() };
    let found = app.message_search.page(project, &query, before, ROWS).await?;
    let older = found.next.after().map(|last| {
        let next = [("phone", phone.shown.as_str()), ("before", &last.to_string())];
        crate::web::http::urls::with_query(&l.urls.receipts(), &next)
    });
    let rows = (!found.messages.is_empty()).then(|| {
        MessageTable::new(
            &l,
            l.t("receipts-caption").to_string(),
            rows(&l, whole_phones, &found.messages),
        )
    });
    let (shown, typed) = (phone.shown.clone(), phone.typed.clone());
    page::ok(&PhonePage { l, phone: shown, typed, rows, older })
}

fn rows(
    l: &Layout,
    whole_phones: bool,
    messages: &[FoundMessage],
) -> Vec<crate::web::ui::message_table::Row> {
    let viewer = Viewer { l, whole_phones };
    messages.iter().map(|message| viewer.logged(message)).collect()
}

/// Shows the messages of a session number. If the database has none, the page offers to ask the
/// vendor.
pub async fn session(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    answers: web::Data<Answers>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    let session_no = path.into_inner().1;
    if !is_session_no(&session_no) {
        return Err(WebError::NotFound);
    }
    let found = find_messages(&app, &member, &session_no).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Receipts).await?;
    let whole_phones = member.may(Permission::SeePhones);
    let rows = (!found.is_empty()).then(|| {
        let rows = rows(&l, whole_phones, &found);
        MessageTable::new(&l, l.t("batch-messages-caption").to_string(), rows).of_one_session()
    });
    let batch = found.iter().find_map(|message| match message {
        FoundMessage::Own(message) => {
            let name = l.shown(&message.origin.batch_name).into_owned();
            Some((name, l.urls.batch(message.origin.batch)))
        }
        FoundMessage::ExternalMessage(_) => None,
    });
    let complaint = submissions::complaint(&app.db, member.project.id, &session_no).await?;
    let complaint = complaint.and_then(|one| Some((one.ret_code?, explain(&l, &one))));
    let page = SessionPage {
        batch,
        complaint,
        ledger: (!found.is_empty()).then(|| ledger(&l, &found)),
        rows,
        may_ask: member.may(Permission::Send),
        asked: answers.get(member.project.id, &session_no, app.clock.now()),
        session_no,
        l,
    };
    page::ok(&page)
}

/// Returns the messages of a session number, in the order they were submitted.
async fn find_messages(
    app: &App,
    member: &Member,
    session_no: &str,
) -> Result<Vec<FoundMessage>, WebError> {
    let query = MessageQuery { session: Some(session_no.to_owned()), ..MessageQuery::default() };
    let found =
        app.message_search.page(member.project.id, &query, None, MAX_SESSION_MESSAGES).await?;
    Ok(found.messages.into_iter().rev().collect())
}

fn ledger(l: &Layout, messages: &[FoundMessage]) -> Ledger {
    let mut tally = Tally::default();
    for message in messages {
        tally.count(message.state());
    }
    Ledger::new(&tally, tally.sum(), l.texts)
}

/// A form without fields.
#[derive(Debug, Deserialize)]
pub struct Ask {}

/// Asks the vendor now, without waiting for the next poll, and stores its receipts. What it answered a
/// moment ago is not asked again.
pub async fn ask(
    app: web::Data<App>,
    answers: web::Data<Answers>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<Ask>,
) -> Result<HttpResponse, WebError> {
    let session_no = path.into_inner().1;
    if !is_session_no(&session_no) {
        return Err(WebError::NotFound);
    }
    let texts = member.texts(&request);
    let (project, now) = (member.project.id, app.clock.now());
    let message = match answers.get(project, &session_no, now) {
        Asked::Answered => texts.t("receipts-asked-before"),
        Asked::No | Asked::Failed => match poll::look_up(&app, project, &session_no).await {
            Ok(count) => {
                answers.insert(project, &session_no, Asked::Answered, now);
                texts.with("receipts-asked", &[("count", count.into())])
            }
            Err(PollError::Database(error)) => return Err(WebError::Database(error)),
            Err(PollError::Busy) => {
                flash::warn(&request, &texts.t("receipts-asked-busy"));
                return Ok(page::see_other(&member.urls().receipt(&session_no)));
            }
            Err(error) => {
                tracing::info!(%error, "cannot query a session number");
                answers.insert(project, &session_no, Asked::Failed, now);
                texts.t("receipts-asked-failed")
            }
        },
    };
    flash::say(&request, &message);
    Ok(page::see_other(&member.urls().receipt(&session_no)))
}
