//! `/admin/users`: all accounts, and the invitation of more; for owners.

pub mod person;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::app::App;
use crate::db::accounts::people::{self, Listed, Place};
use crate::db::projects::Membership;
use crate::domain::accounts::role::Role;
use crate::domain::ids::UserId;
use crate::ops::accounts::{self, AccountError, Invitation, LinkMail, Manager, NewLink, Standing};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::Texts;
use crate::web::http::member::Person;
use crate::web::http::{page, urls};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment;
use crate::web::ui::moment::Moment;

/// The role of owners, which is in no project.
const OWNER: &str = "owner";

/// The form, as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InvitationFields {
    name: String,
    email: String,
    role: String,
    project: String,
}

impl InvitationFields {
    /// Returns what the new account may do.
    fn standing(&self, places: &[Membership]) -> Result<Standing, AccountError> {
        if self.role == OWNER {
            return Ok(Standing::Owner);
        }
        let role: Role = self.role.parse()?;
        let place = places.iter().find(|place| place.project.slug == self.project);
        let place = place.ok_or_else(|| AccountError::NoProject(self.project.clone()))?;
        Ok(Standing::Member(place.project.id, role))
    }
}

/// What is wrong with a field.
#[derive(Debug)]
struct InvitationProblem {
    field: &'static str,
    sentence: String,
}

impl InvitationProblem {
    /// Returns what is wrong with the form; an error that is not the person's is returned as such.
    fn of(texts: Texts, error: AccountError) -> Result<Self, WebError> {
        let (field, key) = match error {
            AccountError::Name => ("name", "people-name-wrong"),
            AccountError::Taken(_) => ("name", "people-name-taken"),
            AccountError::Email => ("email", "people-email-wrong"),
            AccountError::NoProject(_) | AccountError::NotMember(_) => {
                ("project", "people-project-wrong")
            }
            AccountError::NotARole(_) => ("role", "people-role-wrong"),
            AccountError::LastOwner(_) => ("role", "people-last-owner"),
            AccountError::Owner(_) => ("role", "people-is-owner"),
            AccountError::Own => ("role", "people-own"),
            AccountError::Disabled(_) => ("role", "people-state-disabled"),
            AccountError::Database(error) => return Err(WebError::Database(error)),
            error @ (AccountError::Unknown(_) | AccountError::Password(_)) => {
                return Err(WebError::Internal(error.to_string()));
            }
        };
        Ok(Self { field, sentence: texts.t(key) })
    }
}

/// A link that was created, which is shown once.
#[derive(Debug)]
struct ShownLink {
    name: String,
    href: String,
    /// Whether the address of the console is missing in it.
    is_path: bool,
    until: String,
    mailed: Option<String>,
    mail_failed: bool,
}

impl ShownLink {
    /// Mails a link to whom it is for, if that is possible, and returns it as it is shown.
    async fn mailing(
        app: &App,
        texts: Texts,
        link: &NewLink,
        name: &str,
        email: Option<&str>,
    ) -> Self {
        let mail = accounts::mail_link(app, texts, link, name, email).await;
        let base = app.public_url.as_deref().map(|url| url.trim_end_matches('/'));
        Self {
            name: name.to_owned(),
            href: format!("{}{}", base.unwrap_or_default(), link.path.expose_secret()),
            is_path: base.is_none(),
            until: moment::full(link.expires_at),
            mailed: matches!(mail, LinkMail::Sent).then(|| email.unwrap_or_default().to_owned()),
            mail_failed: matches!(mail, LinkMail::Failed),
        }
    }
}

/// An account in the list.
struct PersonRow {
    href: String,
    name: String,
    email: String,
    state: State,
    places: Vec<Place>,
    signed_in_at: Option<Moment>,
}

/// Whether an account can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Invited,
    /// Invited, but the link does not work any more.
    Expired,
    Disabled,
}

impl State {
    fn of(listed: &Listed) -> Self {
        match (listed.enabled, listed.has_password, listed.link_until) {
            (false, ..) => Self::Disabled,
            (true, true, _) => Self::Active,
            (true, false, Some(_)) => Self::Invited,
            (true, false, None) => Self::Expired,
        }
    }

    /// Returns the key of its text.
    fn key(self) -> &'static str {
        match self {
            Self::Active => "people-state-active",
            Self::Invited => "people-state-invited",
            Self::Expired => "people-state-expired",
            Self::Disabled => "people-state-disabled",
        }
    }

    /// Returns its shape.
    fn mark(self) -> &'static str {
        match self {
            Self::Active => "good",
            Self::Invited => "waiting",
            Self::Expired => "doubt",
            Self::Disabled => "stopped",
        }
    }

    /// Returns its CSS class.
    fn class(self) -> &'static str {
        match self {
            Self::Active => "good",
            Self::Expired => "doubtful",
            Self::Invited | Self::Disabled => "",
        }
    }
}

#[derive(Template)]
#[template(path = "pages/admin/people/list.html")]
struct PeoplePage {
    l: Layout,
    rows: Vec<(bool, PersonRow)>,
    fields: InvitationFields,
    problem: Option<InvitationProblem>,
    link: Option<ShownLink>,
}

impl PeoplePage {
    async fn new(
        app: &App,
        request: &HttpRequest,
        person: &Person,
        fields: InvitationFields,
    ) -> Result<Self, WebError> {
        let l = Layout::outside(person, app, request, Section::People).await?;
        let listed = people::list(&app.db, None, app.clock.now()).await?;
        let rows = listed.into_iter().map(|one| {
            let row = PersonRow {
                href: urls::person(one.id),
                state: State::of(&one),
                signed_in_at: one.signed_in_at.map(|at| l.moment(at)),
                name: one.name,
                email: one.email.unwrap_or_default(),
                places: one.places,
            };
            (one.is_owner, row)
        });
        let rows = rows.collect();
        Ok(Self { l, rows, fields, problem: None, link: None })
    }

    fn error(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.field == field);
        problem.map(|problem| problem.sentence.as_str())
    }
}

/// `/admin/users`: the list.
pub async fn list(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    page::ok(&PeoplePage::new(&app, &request, &person, InvitationFields::default()).await?)
}

/// Invites somebody. The page shows the link once.
pub async fn invite(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    form: Form<InvitationFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let texts = Texts(crate::web::http::i18n::language_of(&request));
    match add(&app, &request, &person, &fields).await {
        Ok(link) => {
            let email = Some(fields.email.trim()).filter(|email| !email.is_empty());
            let link = ShownLink::mailing(&app, texts, &link, fields.name.trim(), email).await;
            let page =
                PeoplePage::new(&app, &request, &person, InvitationFields::default()).await?;
            page::ok(&PeoplePage { link: Some(link), ..page })
        }
        Err(error) => {
            let problem = Some(InvitationProblem::of(texts, error)?);
            let page = PeoplePage::new(&app, &request, &person, fields).await?;
            page::unprocessable(&PeoplePage { problem, ..page })
        }
    }
}

async fn add(
    app: &App,
    request: &HttpRequest,
    person: &Person,
    fields: &InvitationFields,
) -> Result<NewLink, AccountError> {
    let standing = fields.standing(&person.0.places)?;
    let invitation = Invitation { name: &fields.name, email: Some(&fields.email), standing };
    let ip = peer_ip(request);
    let (_, link) = accounts::invite(app, manager(person, &ip), &invitation).await?;
    Ok(link)
}

/// Returns a person as those who change accounts.
pub(in crate::web) fn manager<'a>(person: &Person, ip: &'a str) -> Manager<'a> {
    Manager { user: Some(person.0.user.id), ip }
}

/// Returns the account in a path.
fn id_in(path: &str) -> Result<UserId, WebError> {
    path.parse().map_err(|_| WebError::NotFound)
}
