//! `/settings/members`: who has which role in the project, and what each role may do; for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::accounts::stand_ins::{self, StandIn};
use crate::db::projects;
use crate::domain::accounts::role::{Permission, Role};
use crate::ops::accounts::{self, AccountError, Manager};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Texts, language_of};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::{Moment, local_day};

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemberFields {
    user: String,
    role: String,
    /// Present to take the user out of the project.
    remove: Option<String>,
}

/// A member in the list.
struct MemberRow {
    name: String,
    role: Role,
    is_self: bool,
    enabled: bool,
    since: Moment,
}

#[derive(Template)]
#[template(path = "pages/settings/members.html")]
struct MembersPage {
    l: Layout,
    rows: Vec<MemberRow>,
    stand_ins: Vec<StandIn>,
    fields: MemberFields,
    problem: Option<(&'static str, String)>,
}

impl MembersPage {
    async fn new(app: &App, request: &HttpRequest, member: &Member) -> Result<Self, WebError> {
        let l = Layout::in_project(member, app, request, Section::Settings).await?;
        let rows = projects::members(&app.db, member.project.id).await?;
        let rows = rows.into_iter().map(|one| MemberRow {
            is_self: one.id == member.person.id,
            since: l.moment(one.since),
            name: one.name,
            role: one.role,
            enabled: one.enabled,
        });
        let rows = rows.collect();
        let stand_ins = stand_ins::list(&app.db, member.project.id, app.clock.now()).await?;
        Ok(Self { l, rows, stand_ins, fields: MemberFields::default(), problem: None })
    }

    /// Returns who approves in whose place, and until when.
    fn stand_in_line(&self, one: &StandIn) -> String {
        let last_day = local_day(one.until - time::Duration::SECOND);
        let values = [
            ("person", one.stand_in.as_str().into()),
            ("approver", one.approver.as_str().into()),
            ("until", last_day.into()),
        ];
        self.l.with("members-stand-in", &values)
    }

    fn error(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.0 == field);
        problem.map(|problem| problem.1.as_str())
    }
}

/// `/settings/members`: the list.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    page::ok(&MembersPage::new(&app, &request, &member).await?)
}

/// Gives a user a role in the project, or takes them out of it.
pub async fn change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<MemberFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let (ip, texts) = (peer_ip(&request), Texts(language_of(&request)));
    let by = Manager { user: Some(member.person.id), ip: &ip };
    let Err(error) = act(&app, by, &member, &fields).await else {
        flash::say(&request, &texts.t("members-saved"));
        return Ok(page::see_other(&member.urls().members()));
    };
    let (field, key) = match error {
        AccountError::Unknown(_) | AccountError::NotMember(_) => ("user", "members-unknown"),
        AccountError::Owner(_) => ("user", "people-is-owner"),
        AccountError::Own => ("user", "people-own"),
        AccountError::NotARole(_) => ("role", "people-role-wrong"),
        AccountError::Database(error) => return Err(WebError::Database(error)),
        error => return Err(WebError::Internal(error.to_string())),
    };
    let page = MembersPage::new(&app, &request, &member).await?;
    page::unprocessable(&MembersPage { fields, problem: Some((field, texts.t(key))), ..page })
}

async fn act(
    app: &App,
    by: Manager<'_>,
    member: &Member,
    fields: &MemberFields,
) -> Result<(), AccountError> {
    let user = accounts::find(app, &fields.user).await?;
    if fields.remove.is_some() {
        return accounts::remove(app, by, &user, member.project.id).await;
    }
    accounts::set_role(app, by, &user, member.project.id, fields.role.parse()?).await
}
