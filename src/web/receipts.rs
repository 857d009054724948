//! `/receipts`: what happened to a session number or a phone, under an address to bookmark.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::error::WebError;
use super::flash;
use super::form::Form;
use super::layout::{Layout, Section};
use super::ledger::Ledger;
use super::member::Member;
use super::message_table::{MessageTable, Viewer};
use super::page;
use crate::app::App;
use crate::db::message_search::{FoundMessage, MessageQuery, Phones};
use crate::domain::ids::MessageId;
use crate::domain::message::Tally;
use crate::domain::phone::{Phone, PhoneProblem, masked};
use crate::domain::role::Permission;
use crate::ops::poll::{self, PollError};

/// Rows of a phone's page.
const ROWS: usize = 50;
/// A session holds at most this many messages.
const OF_SESSION: usize = 1_000;
const MAX_SESSION_LENGTH: usize = 64;

/// What is looked up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    session_no: Option<String>,
    phone: Option<String>,
    before: Option<MessageId>,
}

#[derive(Template)]
#[template(path = "receipts/search.html")]
struct SearchPage {
    l: Layout,
    session_no: String,
    phone: String,
    session_problem: bool,
    phone_problem: Option<PhoneProblem>,
}

#[derive(Template)]
#[template(path = "receipts/phone.html")]
struct PhonePage {
    l: Layout,
    phone: String,
    typed: String,
    rows: Option<MessageTable>,
    older: Option<String>,
}

/// What the vendor said when it was asked about a session number nobody here knows.
enum Asked {
    /// It was not asked: the number is ours.
    No,
    /// It was asked.
    Yes,
    /// It could not be.
    Failed,
}

#[derive(Template)]
#[template(path = "receipts/session.html")]
struct SessionPage {
    l: Layout,
    session_no: String,
    batch: Option<(String, String)>,
    ledger: Option<Ledger>,
    rows: Option<MessageTable>,
    asked: Asked,
    may_ask: bool,
}

/// `/receipts`: two fields, or the answer for a phone. A session number leads to its own address.
pub async fn search(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    wanted: web::Query<Search>,
) -> Result<HttpResponse, WebError> {
    let wanted = wanted.into_inner();
    let session_no = wanted.session_no.unwrap_or_default().trim().to_owned();
    let typed = wanted.phone.unwrap_or_default().trim().to_owned();
    if is_session_no(&session_no) {
        return Ok(page::see_other(&member.urls().receipt(&session_no)));
    }
    let phone = Phone::parse(&typed);
    match phone {
        Ok(phone) if session_no.is_empty() => {
            of_phone(&app, &member, &request, &phone, &typed, wanted.before).await
        }
        phone => {
            let l = member.layout(&app, &request, Section::Receipts).await?;
            let search = SearchPage {
                l,
                session_problem: !session_no.is_empty(),
                session_no,
                phone_problem: phone.err().filter(|_| !typed.is_empty()),
                phone: typed,
            };
            let wrong = search.session_problem || search.phone_problem.is_some();
            if wrong { page::unprocessable(&search) } else { page::ok(&search) }
        }
    }
}

/// `SessionNo` is a UUID as a rule; whatever else of letters and digits is asked for as it stands.
fn is_session_no(text: &str) -> bool {
    (1..=MAX_SESSION_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

async fn of_phone(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    phone: &Phone,
    typed: &str,
    before: Option<MessageId>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(app, request, Section::Receipts).await?;
    let project = member.project.id;
    let whole = member.may(Permission::SeePhones);
    let wanted = MessageQuery {
        phone: Some(Phones::Whole(phone.as_str().to_owned())),
        ..MessageQuery::default()
    };
    let found = app.log.page(project, &wanted, before, ROWS).await?;
    let older = found.next.after().map(|last| {
        let query = [("phone", phone.as_str()), ("before", &last.to_string())];
        super::urls::with_query(&l.urls.receipts(), &query)
    });
    let shown = if whole { phone.as_str().to_owned() } else { masked(phone.as_str()) };
    let rows = (!found.messages.is_empty()).then(|| {
        MessageTable::new(&l, l.t("receipts-caption").to_string(), rows(&l, whole, &found.messages))
    });
    page::ok(&PhonePage { l, phone: shown, typed: typed.to_owned(), rows, older })
}

fn rows(
    l: &Layout,
    whole_phones: bool,
    messages: &[FoundMessage],
) -> Vec<super::message_table::Row> {
    let eyes = Viewer { l, whole_phones };
    messages.iter().map(|message| eyes.logged(message)).collect()
}

/// `/receipts/{session_no}`: ours from the database; an unknown one is asked of the vendor, shown
/// and kept.
pub async fn session(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let session_no = path.into_inner().1;
    if !is_session_no(&session_no) {
        return Err(WebError::NotFound);
    }
    let mut found = of_session(&app, &member, &session_no).await?;
    let mut asked = Asked::No;
    if found.is_empty() {
        asked = ask_vendor(&app, &member, &session_no).await?;
        found = of_session(&app, &member, &session_no).await?;
    }
    let l = member.layout(&app, &request, Section::Receipts).await?;
    let whole = member.may(Permission::SeePhones);
    let rows = (!found.is_empty()).then(|| {
        let rows = rows(&l, whole, &found);
        MessageTable::new(&l, l.t("batch-messages-caption").to_string(), rows).of_one_session()
    });
    let batch = found.iter().find_map(|one| match one {
        FoundMessage::Own(one) => {
            Some((one.origin.batch_name.clone(), l.urls.batch(one.origin.batch)))
        }
        FoundMessage::ExternalMessage(_) => None,
    });
    let page = SessionPage {
        batch,
        ledger: (!found.is_empty()).then(|| ledger(&l, &found)),
        rows,
        may_ask: member.may(Permission::Send),
        asked,
        session_no,
        l,
    };
    page::ok(&page)
}

/// The messages of a session number, in the order they were given.
async fn of_session(
    app: &App,
    member: &Member,
    session_no: &str,
) -> Result<Vec<FoundMessage>, WebError> {
    let wanted = MessageQuery { session: Some(session_no.to_owned()), ..MessageQuery::default() };
    let found = app.log.page(member.project.id, &wanted, None, OF_SESSION).await?;
    Ok(found.messages.into_iter().rev().collect())
}

fn ledger(l: &Layout, messages: &[FoundMessage]) -> Ledger {
    let mut tally = Tally::default();
    for message in messages {
        tally.count(message.state());
    }
    Ledger::new(&tally, tally.sum(), l.texts)
}

async fn ask_vendor(app: &App, member: &Member, session_no: &str) -> Result<Asked, WebError> {
    match poll::look_up(app, member.project.id, session_no).await {
        Ok(_) => Ok(Asked::Yes),
        Err(PollError::Database(error)) => Err(WebError::Database(error)),
        Err(error) => {
            tracing::info!(%error, "cannot query a session number");
            Ok(Asked::Failed)
        }
    }
}

/// Nothing is posted but the word to ask.
#[derive(Debug, Deserialize)]
pub struct Ask {}

/// Asks the vendor now, without waiting for the next turn.
pub async fn ask(
    app: web::Data<App>,
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
    let said = match poll::look_up(&app, member.project.id, &session_no).await {
        Ok(count) => texts.with("receipts-asked", &[("count", count.into())]),
        Err(PollError::Database(error)) => return Err(WebError::Database(error)),
        Err(error) => {
            tracing::info!(%error, "cannot query a session number");
            texts.t("receipts-asked-failed")
        }
    };
    flash::say(&request, &said);
    Ok(page::see_other(&member.urls().receipt(&session_no)))
}
