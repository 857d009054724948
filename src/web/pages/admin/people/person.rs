//! `/admin/users/{id}`: an account, its roles, and links for a new password; for owners.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{InvitationProblem, ShownLink, State, id_in, manager};
use crate::app::App;
use crate::db::accounts::people::{self, Listed};
use crate::db::accounts::users::User;
use crate::db::projects::Membership;
use crate::domain::accounts::role::Role;
use crate::ops::accounts::{self, AccountError, Manager};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Language, Texts, language_of};
use crate::web::http::member::Person;
use crate::web::http::{flash, page, urls};
use crate::web::ui::layout::{Layout, Section};

/// The forms of the page; `step` says which one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PersonFields {
    step: String,
    name: String,
    email: String,
    role: String,
    project: String,
    language: String,
    /// Given to do what concerns an owner.
    confirm: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/admin/people/person.html")]
struct PersonPage {
    l: Layout,
    href: String,
    listed: Listed,
    state: State,
    is_self: bool,
    name: String,
    email: String,
    problem: Option<InvitationProblem>,
    link: Option<ShownLink>,
    /// The step that has to be confirmed, since the account is an owner.
    asks: Option<String>,
}

impl PersonPage {
    async fn new(
        app: &App,
        request: &HttpRequest,
        person: &Person,
        path: &str,
    ) -> Result<Self, WebError> {
        let listed = find(app, path).await?;
        Ok(Self {
            l: Layout::outside(person, app, request, Section::People).await?,
            href: urls::person(listed.id),
            state: State::of(&listed),
            is_self: listed.id == person.0.user.id,
            name: listed.name.clone(),
            email: listed.email.clone().unwrap_or_default(),
            listed,
            problem: None,
            link: None,
            asks: None,
        })
    }

    fn error(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.field == field);
        problem.map(|problem| problem.sentence.as_str())
    }

    /// Returns the languages with their names, and whether each is that of the account.
    fn languages(&self) -> Vec<(&'static str, &'static str, bool)> {
        let chosen = self.listed.language.as_deref();
        let each = |one: Language| (one.tag(), one.own_name(), chosen == Some(one.tag()));
        Language::ALL.into_iter().map(each).collect()
    }

    /// Returns the projects that the account has no role in.
    fn other_projects(&self) -> Vec<&Membership> {
        let has_role = |slug: &str| self.listed.places.iter().any(|place| place.slug == slug);
        self.l.projects.iter().filter(|one| !has_role(&one.project.slug)).collect()
    }
}

async fn find(app: &App, path: &str) -> Result<Listed, WebError> {
    let found = people::list(&app.db, Some(id_in(path)?), app.clock.now()).await?;
    found.into_iter().next().ok_or(WebError::NotFound)
}

/// `/admin/users/{id}`: the account.
pub async fn show(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    page::ok(&PersonPage::new(&app, &request, &person, &path).await?)
}

/// Changes the account, or creates a link, which the page shows once.
pub async fn change(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    path: web::Path<String>,
    form: Form<PersonFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let listed = find(&app, &path).await?;
    let user = User { id: listed.id, name: listed.name.clone(), is_owner: listed.is_owner };
    let (ip, texts) = (peer_ip(&request), Texts(language_of(&request)));
    let by = manager(&person, &ip);
    if fields.step == "link" {
        let link = match accounts::link_for(&app, by, &user).await {
            Ok(link) => link,
            Err(error) => {
                let problem = Some(InvitationProblem::of(texts, error)?);
                let page = PersonPage::new(&app, &request, &person, &path).await?;
                return page::unprocessable(&PersonPage { problem, ..page });
            }
        };
        let email = listed.email.as_deref();
        let own = listed.language.as_deref().and_then(Language::from_tag);
        let texts = own.map_or(texts, Texts);
        let link = Some(ShownLink::mailing(&app, texts, &link, &user.name, email).await);
        let page = PersonPage::new(&app, &request, &person, &path).await?;
        return page::ok(&PersonPage { link, ..page });
    }
    let is_grave = matches!(fields.step.as_str(), "disable" | "no-owner");
    if is_grave && user.is_owner && fields.confirm.is_none() {
        let page = PersonPage::new(&app, &request, &person, &path).await?;
        return page::unprocessable(&PersonPage { asks: Some(fields.step), ..page });
    }
    match act(&app, by, &person.0.places, &user, &fields).await {
        Ok(()) => {
            flash::say(&request, &texts.t("people-saved"));
            Ok(page::see_other(&urls::person(listed.id)))
        }
        Err(ActError::Step) => Err(WebError::BadRequest),
        Err(ActError::Account(error)) => {
            let problem = Some(InvitationProblem::of(texts, error)?);
            let mut page = PersonPage::new(&app, &request, &person, &path).await?;
            if fields.step == "save" {
                (page.name, page.email) = (fields.name, fields.email);
            }
            page::unprocessable(&PersonPage { problem, ..page })
        }
    }
}

/// Why a form was not carried out.
#[derive(Debug, thiserror::Error)]
enum ActError {
    /// No form of the page has this step.
    #[error("unknown step")]
    Step,
    #[error(transparent)]
    Account(#[from] AccountError),
}

async fn act(
    app: &App,
    by: Manager<'_>,
    places: &[Membership],
    user: &User,
    fields: &PersonFields,
) -> Result<(), ActError> {
    let project = || {
        let place = places.iter().find(|place| place.project.slug == fields.project);
        let place = place.ok_or_else(|| AccountError::NoProject(fields.project.clone()))?;
        Ok::<_, AccountError>(place.project.id)
    };
    match fields.step.as_str() {
        "save" => {
            accounts::rename(app, by, user, &fields.name, Some(&fields.email)).await?;
            let language = Language::from_tag(&fields.language);
            accounts::set_language(app, by, user, language.map(Language::tag)).await?;
        }
        "disable" => accounts::disable(app, by, user).await?,
        "enable" => accounts::enable(app, by, user).await?,
        "owner" => accounts::set_owner(app, by, user, true).await?,
        "no-owner" => accounts::set_owner(app, by, user, false).await?,
        "role" => {
            let role: Role = fields.role.parse().map_err(AccountError::from)?;
            accounts::set_role(app, by, user, project()?, role).await?;
        }
        "remove" => accounts::remove(app, by, user, project()?).await?,
        _ => return Err(ActError::Step),
    }
    Ok(())
}
