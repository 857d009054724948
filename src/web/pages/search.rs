//! `/search`: anything of a project by what somebody has of it: a phone, a number, an id or a name.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::review::reviewed::Filter;
use crate::db::review::{signatures, sms_templates};
use crate::db::sending::batch_search::{self, BatchQuery};
use crate::db::sending::batches;
use crate::db::sending::message_search::{FoundMessage, MessageQuery, Phones};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{BatchId, MessageId};
use crate::domain::phone::PhoneMask;
use crate::domain::review::{Purpose, ReviewStatus};
use crate::web::http::error::WebError;
use crate::web::http::flash;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::ui::batch_row::BatchRow;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::message_table::Viewer;
use crate::web::ui::moment::Moment;
use crate::web::ui::status::Status;

/// The largest number of things of one kind that are listed.
const MOST: usize = 8;
const MOST_ROWS: i64 = 8;
/// The longest text to search for, in characters.
const MAX_CHARACTERS: usize = 100;
/// The shortest text that can be a session number. Shorter ones are part of a name, or of a phone.
const MIN_SESSION_LENGTH: usize = 6;

/// The query parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    q: String,
}

/// What somebody searches for, as far as they may know it.
struct SearchedText {
    /// The text. Of a phone, a viewer has typed no more than its mask shows: nothing is searched for by hidden digits.
    text: String,
    phones: Option<Phones>,
    whole_phones: bool,
}

impl SearchedText {
    fn new(member: &Member, typed: &str) -> Self {
        let visible = typed.chars().filter(|c| !c.is_control()).take(MAX_CHARACTERS);
        let typed = visible.collect::<String>().trim().to_owned();
        let whole_phones = member.may(Permission::SeePhones);
        let mask = PhoneMask::parse(&typed).filter(|_| !whole_phones);
        let text = mask.map_or(typed, |mask| mask.shown());
        Self { phones: Phones::parse(&text, whole_phones), text, whole_phones }
    }

    fn lower(&self) -> String {
        self.text.to_lowercase()
    }

    /// Returns the messages that it may name, unless it names none.
    fn messages(&self) -> Option<MessageQuery> {
        if self.phones.is_some() {
            return Some(MessageQuery { phone: self.phones.clone(), ..MessageQuery::default() });
        }
        let is_session = self.text.len() >= MIN_SESSION_LENGTH
            && self.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_session
            .then(|| MessageQuery { session: Some(self.text.clone()), ..MessageQuery::default() })
    }

    /// Returns the reviewed things that have it in their name, id or text.
    fn reviewed(&self) -> Filter {
        Filter {
            statuses: ReviewStatus::ALL.to_vec(),
            gone: false,
            search: self.lower(),
            international: None,
            after: None,
            limit: MOST_ROWS,
        }
    }
}

/// Something that was found.
struct FoundThing {
    href: String,
    label: String,
    status: Option<Status>,
    /// What else tells it from the others.
    detail: String,
    at: Option<Moment>,
}

/// What was found of one kind.
struct FoundGroup {
    key: &'static str,
    things: Vec<FoundThing>,
    /// The link to all of them, if there may be more.
    all: Option<String>,
}

impl FoundGroup {
    fn new(key: &'static str, things: Vec<FoundThing>, all: Option<String>) -> Self {
        let all = all.filter(|_| things.len() >= MOST);
        Self { key, things, all }
    }
}

#[derive(Template)]
#[template(path = "pages/search/show.html")]
struct SearchPage {
    l: Layout,
    text: String,
    groups: Vec<FoundGroup>,
    /// The page that asks UCloud, if this can be a session number that the console does not know.
    ask: Option<String>,
}

/// The same for a script that shows it while somebody types.
#[derive(Template)]
#[template(path = "pages/search/_found.html")]
struct Found {
    l: Layout,
    text: String,
    groups: Vec<FoundGroup>,
    ask: Option<String>,
}

/// Shows what is found, by kind. The id of one thing leads to its page.
pub async fn show(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    parameters: web::Query<Parameters>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    let searched = SearchedText::new(&member, &parameters.q);
    let by_script = flash::is_by_script(&request);
    if !by_script && let Some(href) = named(&app, &member, &searched).await? {
        return Ok(page::found(&href));
    }
    let l = Layout::in_project(&member, &app, &request, Section::Search).await?;
    let groups = if searched.text.is_empty() {
        Vec::new()
    } else {
        groups(&app, &member, &l, &searched).await?
    };
    let is_session = searched.messages().is_some_and(|query| query.session.is_some());
    let ask = (is_session && groups.is_empty()).then(|| l.urls.receipt(&searched.text));
    let text = searched.text;
    if by_script {
        page::ok(&Found { l, text, groups, ask })
    } else {
        page::ok(&SearchPage { l, text, groups, ask })
    }
}

/// Returns the page of the one thing whose id or session number it is.
async fn named(
    app: &App,
    member: &Member,
    searched: &SearchedText,
) -> Result<Option<String>, WebError> {
    let (db, project, urls) = (&app.db, member.project.id, member.urls());
    let text = &searched.text;
    if let Ok(id) = text.parse::<BatchId>() {
        return Ok(batches::find(db, project, id).await?.map(|batch| urls.batch(batch.id)));
    }
    if let Ok(id) = text.parse::<MessageId>() {
        let found = app.message_search.find(project, id).await?;
        return Ok(found.map(|message| urls.message(message.id())));
    }
    if searched.phones.is_some() || text.is_empty() {
        return Ok(None);
    }
    if let Some(template) = sms_templates::by_template_id(db, project, text).await? {
        return Ok(Some(urls.template(&template.template_id)));
    }
    if let Some(signature) = signatures::by_sig_id(db, project, text).await? {
        return Ok(Some(urls.signature(&signature.sig_id)));
    }
    let Some(query) = searched.messages() else { return Ok(None) };
    let found = app.message_search.page(project, &query, None, 1).await?;
    Ok((!found.messages.is_empty()).then(|| urls.receipt(text)))
}

/// Returns what is found, without the kinds of which nothing is.
async fn groups(
    app: &App,
    member: &Member,
    l: &Layout,
    searched: &SearchedText,
) -> Result<Vec<FoundGroup>, WebError> {
    let mut groups = vec![
        messages(app, member, l, searched).await?,
        found_batches(app, member, l, searched).await?,
    ];
    groups.extend(reviewed(app, member, l, searched).await?);
    let people =
        batch_search::orderers(&app.db, member.project.id, &searched.lower(), MOST_ROWS).await?;
    let people = people.into_iter().map(|person| FoundThing {
        href: l.urls.batches_with("person", person.id),
        label: person.name,
        status: None,
        detail: l.t("search-person"),
        at: None,
    });
    groups.push(FoundGroup::new("people", people.collect(), None));
    groups.retain(|group| !group.things.is_empty());
    Ok(groups)
}

/// Returns the newest messages to a phone, those of a session number, or the one with an id.
async fn messages(
    app: &App,
    member: &Member,
    l: &Layout,
    searched: &SearchedText,
) -> Result<FoundGroup, WebError> {
    let project = member.project.id;
    let found = match (searched.text.parse::<MessageId>(), searched.messages()) {
        (Ok(id), _) => app.message_search.find(project, id).await?.into_iter().collect(),
        (Err(_), Some(query)) => {
            app.message_search.page(project, &query, None, MOST).await?.messages
        }
        (Err(_), None) => Vec::new(),
    };
    let filter = if searched.phones.is_some() { "phone" } else { "session" };
    let all = l.urls.messages_with(filter, &searched.text);
    let viewer = Viewer { l, whole_phones: searched.whole_phones };
    let things = found.iter().map(|message| {
        let (phone, of) = match message {
            FoundMessage::Own(message) => (&message.phone, message.origin.template_name.clone()),
            FoundMessage::ExternalMessage(message) => (&message.phone, l.t("receipts-other")),
        };
        FoundThing {
            href: l.urls.message(message.id()),
            label: viewer.phone(phone),
            status: Some(Status::new(&message.state(), l.texts)),
            detail: of,
            at: Some(l.made_at(message.id())),
        }
    });
    Ok(FoundGroup::new("messages", things.collect(), Some(all)))
}

async fn found_batches(
    app: &App,
    member: &Member,
    l: &Layout,
    searched: &SearchedText,
) -> Result<FoundGroup, WebError> {
    let project = member.project.id;
    let found = if let Ok(id) = searched.text.parse::<BatchId>() {
        batches::by_ids(&app.db, project, &[id]).await?
    } else {
        let query = BatchQuery {
            name: searched.lower(),
            masked: !searched.whole_phones,
            ..BatchQuery::default()
        };
        batch_search::page(&app.db, project, &query, MOST_ROWS).await?.0
    };
    let rows = BatchRow::rows(app, l, found).await?;
    let things = rows.into_iter().map(|row| FoundThing {
        href: row.href,
        label: row.batch.name,
        status: Some(row.status),
        detail: row.batch.orderer,
        at: Some(row.at),
    });
    let all = l.urls.batches_with("name", &searched.text);
    Ok(FoundGroup::new("batches", things.collect(), Some(all)))
}

/// Returns the templates and signatures.
async fn reviewed(
    app: &App,
    member: &Member,
    l: &Layout,
    searched: &SearchedText,
) -> Result<[FoundGroup; 2], WebError> {
    let (project, filter) = (member.project.id, searched.reviewed());
    let templates = sms_templates::list(&app.db, project, &filter, &Purpose::ALL).await?;
    let signatures = signatures::list(&app.db, project, &filter).await?;
    let templates = templates.into_iter().map(|template| FoundThing {
        href: l.urls.template(&template.template_id),
        label: template.name,
        status: Some(Status::new(&template.status, l.texts)),
        detail: template.template_id,
        at: None,
    });
    let signatures = signatures.into_iter().map(|signature| FoundThing {
        href: l.urls.signature(&signature.sig_id),
        label: signature.content,
        status: Some(Status::new(&signature.status, l.texts)),
        detail: signature.sig_id,
        at: None,
    });
    Ok([
        FoundGroup::new("templates", templates.collect(), None),
        FoundGroup::new("signatures", signatures.collect(), None),
    ])
}
