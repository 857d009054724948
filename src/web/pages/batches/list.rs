//! `/batches`: all batches, newest first. The filters are query parameters, so each list has a link.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Deserializer};

use crate::app::App;
use crate::db::sending::batch_search::{self, BatchQuery, Continues, Orderer};
use crate::db::sending::batches::{self, Batch};
use crate::db::sending::message_search;
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{BatchId, TemplateId, UserId};
use crate::domain::phone::PhoneMask;
use crate::domain::sending::batch::BatchState;
use crate::domain::time::span;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::http::urls::with_query;
use crate::web::ui::batch_row::BatchRow;
use crate::web::ui::layout::{Layout, Section};

/// Rows on one page.
const BATCHES_PER_PAGE: i64 = 30;
/// The largest number of people to choose from.
const MAX_PEOPLE: i64 = 100;
/// The longest value of a filter, in characters.
const MAX_CHARACTERS: usize = 100;

/// The filters as query parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BatchFilters {
    /// A state's name; drafts are listed only if it is theirs.
    #[serde(deserialize_with = "clean")]
    state: String,
    /// A part of the name, or an id.
    #[serde(deserialize_with = "clean")]
    name: String,
    /// The id or name of the account that ordered it.
    #[serde(deserialize_with = "clean")]
    person: String,
    /// The template's id.
    #[serde(deserialize_with = "clean")]
    template: String,
    /// The first day or minute.
    #[serde(deserialize_with = "clean")]
    from: String,
    /// The last day or minute, inclusive.
    #[serde(deserialize_with = "clean")]
    to: String,
    before: Option<BatchId>,
}

/// Removes control characters and outer spaces, which people cannot see.
fn clean<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let typed = String::deserialize(source)?;
    let visible = typed.chars().filter(|c| !c.is_control()).take(MAX_CHARACTERS);
    Ok(visible.collect::<String>().trim().to_owned())
}

impl BatchFilters {
    /// Returns the filters that are set, without the state.
    fn set(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = [
            ("name", self.name.as_str()),
            ("person", &self.person),
            ("template", &self.template),
            ("from", &self.from),
            ("to", &self.to),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty())
    }

    /// Returns the link to the list with these filters in a state, and with `more`.
    fn href(&self, list: &str, state: &str, more: &[(&str, &str)]) -> String {
        let state = std::iter::once(("state", state)).filter(|(_, value)| !value.is_empty());
        let all: Vec<_> = state.chain(self.set()).chain(more.iter().copied()).collect();
        if all.is_empty() { list.to_owned() } else { with_query(list, &all) }
    }
}

/// A tab of the list.
struct Tab {
    label: String,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "pages/batches/list.html")]
struct ListPage {
    l: Layout,
    typed: BatchFilters,
    problems: Vec<(&'static str, String)>,
    people: Vec<Orderer>,
    templates: Vec<(String, String)>,
    tabs: Vec<Tab>,
    rows: Vec<BatchRow>,
    newest: Option<String>,
    older: Option<String>,
    /// Whether older batches have not been searched yet.
    further: bool,
    may_send: bool,
    filtered: bool,
}

impl ListPage {
    /// Whether any of the batches still changes by itself.
    fn in_progress(&self) -> bool {
        self.rows.iter().any(|row| row.in_progress)
    }

    fn is_invalid(&self, name: &str) -> bool {
        self.problems.iter().any(|(filter, _)| *filter == name)
    }

    /// Returns the input type of a time filter. Anything but a valid day is shown as it was typed.
    fn time_field(&self, name: &str, typed: &str) -> &'static str {
        if !self.is_invalid(name) && typed.len() <= "2026-11-23".len() { "date" } else { "text" }
    }

    fn lists_template(&self) -> bool {
        self.templates.iter().any(|(id, _)| *id == self.typed.template)
    }

    fn is_chosen(&self, person: &Orderer) -> bool {
        self.typed.person == person.name || self.typed.person == person.id.to_string()
    }
}

/// Shows the batches that the filters find, newest first.
pub async fn show(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    filters: web::Query<BatchFilters>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    let project = member.project.id;
    let l = Layout::in_project(&member, &app, &request, Section::Batches).await?;
    let typed = shown_to(&member, filters.into_inner());
    let people = batch_search::orderers(&app.db, project, "", MAX_PEOPLE).await?;
    let (query, problems) = read(&app, &member, &l, &typed, &people).await?;
    let (found, next) =
        if problems.is_empty() { find(&app, &member, &typed, &query).await? } else { none() };
    let rows = BatchRow::rows(&app, &l, found).await?;
    let list = l.urls.batches();
    let older = match next {
        Continues::No => None,
        Continues::After(id) | Continues::Further(id) => {
            Some(typed.href(&list, &typed.state, &[("before", &id.to_string())]))
        }
    };
    let used = app.message_search.recently_used(project).await?;
    let templates = used.templates.iter().map(|one| (one.vendor_id.clone(), one.name.clone()));
    let page = ListPage {
        tabs: tabs(&l, &typed),
        templates: templates.collect(),
        newest: typed.before.map(|_| typed.href(&list, &typed.state, &[])),
        older,
        further: matches!(next, Continues::Further(_)),
        may_send: member.may(Permission::Send),
        filtered: !typed.state.is_empty() || typed.set().next().is_some(),
        typed,
        problems,
        people,
        rows,
        l,
    };
    if page.problems.is_empty() { page::ok(&page) } else { page::unprocessable(&page) }
}

fn none() -> (Vec<Batch>, Continues) {
    (Vec::new(), Continues::No)
}

/// Returns the filters as far as the member may know: of a phone in a name, what its mask shows.
fn shown_to(member: &Member, mut typed: BatchFilters) -> BatchFilters {
    if !member.may(Permission::SeePhones)
        && let Some(mask) = PhoneMask::parse(&typed.name)
    {
        typed.name = mask.shown();
    }
    if !BatchState::ALL.iter().any(|state| state.key() == typed.state) {
        typed.state.clear();
    }
    typed
}

fn tabs(l: &Layout, typed: &BatchFilters) -> Vec<Tab> {
    let tab = |label: &str, state: &str| Tab {
        label: l.t(label),
        href: typed.href(&l.urls.batches(), state, &[]),
        current: typed.state == state,
    };
    let all = std::iter::once(tab("batches-all", ""));
    let states = BatchState::ALL.into_iter().map(BatchState::key);
    all.chain(states.map(|state| tab(&format!("batch-state-{state}"), state))).collect()
}

/// Returns the batches, or the one whose id was typed, in whatever state it is.
async fn find(
    app: &App,
    member: &Member,
    typed: &BatchFilters,
    query: &BatchQuery,
) -> sqlx::Result<(Vec<Batch>, Continues)> {
    let project = member.project.id;
    match typed.name.parse::<BatchId>() {
        Ok(id) => Ok((batches::by_ids(&app.db, project, &[id]).await?, Continues::No)),
        Err(_) => batch_search::page(&app.db, project, query, BATCHES_PER_PAGE).await,
    }
}

/// Returns the query of the filters, and what is wrong with which of them.
async fn read(
    app: &App,
    member: &Member,
    l: &Layout,
    typed: &BatchFilters,
    people: &[Orderer],
) -> Result<(BatchQuery, Vec<(&'static str, String)>), WebError> {
    let mut problems = Vec::new();
    let mut wrong = |filter: &'static str, key: &str| problems.push((filter, l.t(key)));
    let person = people.iter().find(|person| person.name == typed.person).map(|person| person.id);
    let person = person.or_else(|| typed.person.parse::<UserId>().ok());
    if person.is_none() && !typed.person.is_empty() {
        wrong("person", "batches-error-person");
    }
    let template = find_template(app, member, &typed.template).await?;
    if template.is_none() && !typed.template.is_empty() {
        wrong("template", "messages-error-template");
    }
    let (since, until) = (span(&typed.from), span(&typed.to));
    for (filter, value, time) in [("from", &typed.from, since), ("to", &typed.to, until)] {
        if time.is_none() && !value.is_empty() {
            wrong(filter, &format!("messages-error-{filter}"));
        }
    }
    let (since, until) = (since.map(|(at, _)| at), until.map(|(at, duration)| at + duration));
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        wrong("to", "messages-error-order");
    }
    // Drafts are apart: each upload makes one, and most are never sent.
    let of_tab = |state: &BatchState| match typed.state.as_str() {
        "" => *state != BatchState::Draft,
        key => state.key() == key,
    };
    let query = BatchQuery {
        states: BatchState::ALL.into_iter().filter(of_tab).collect(),
        name: typed.name.to_lowercase(),
        masked: !member.may(Permission::SeePhones),
        person,
        template,
        since,
        until,
        before: typed.before,
    };
    Ok((query, problems))
}

async fn find_template(
    app: &App,
    member: &Member,
    typed: &str,
) -> sqlx::Result<Option<TemplateId>> {
    if typed.is_empty() {
        return Ok(None);
    }
    let id = typed.parse().ok();
    let found = message_search::template(&app.db, member.project.id, typed, id).await?;
    Ok(found.map(|template| TemplateId(template.id)))
}
