//! `/settings/stand-ins`: who approves in the place of approvers who are away. Approvers name their own,
//! administrators those of everybody.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use crate::app::App;
use crate::db::accounts::stand_ins::{self, StandIn};
use crate::db::projects;
use crate::domain::accounts::role::Permission;
use crate::ops::accounts::{self, AccountError, Manager, STAND_IN_MAX_DAYS, StandInError};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::local_day;

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StandInFields {
    approver: String,
    stand_in: String,
    until: String,
    /// Present to end it.
    end: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/settings/stand_ins.html")]
struct StandInsPage {
    l: Layout,
    rows: Vec<StandIn>,
    /// Those who can be chosen: members who may send but not approve.
    members: Vec<String>,
    /// Whether the person names stand-ins of others as well.
    of_all: bool,
    fields: StandInFields,
    problem: Option<(&'static str, String)>,
}

impl StandInsPage {
    async fn new(app: &App, request: &HttpRequest, member: &Member) -> Result<Self, WebError> {
        let project = member.project.id;
        let members = projects::members(&app.db, project).await?.into_iter();
        let may_be = |one: &projects::ListedMember| {
            one.enabled && one.role.may(Permission::Send) && !one.role.may(Permission::Approve)
        };
        Ok(Self {
            l: Layout::in_project(member, app, request, Section::Settings).await?,
            rows: stand_ins::list(&app.db, project, app.clock.now()).await?,
            members: members.filter(may_be).map(|one| one.name).collect(),
            of_all: member.may(Permission::Manage),
            fields: StandInFields {
                approver: member.person.name.clone(),
                ..StandInFields::default()
            },
            problem: None,
        })
    }

    fn error(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.0 == field);
        problem.map(|problem| problem.1.as_str())
    }

    /// Whether the person may end it.
    fn may_end(&self, row: &StandIn) -> bool {
        self.of_all || row.approver == self.l.person
    }

    /// Returns the last day on which somebody stands in.
    fn last_day(&self, row: &StandIn) -> String {
        local_day(row.until - time::Duration::SECOND)
    }
}

/// `/settings/stand-ins`: the list, and the form.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    check(&member)?;
    page::ok(&StandInsPage::new(&app, &request, &member).await?)
}

/// A stand-in approves, but names nobody else.
fn check(member: &Member) -> Result<(), WebError> {
    if member.role.may(Permission::Approve) { Ok(()) } else { Err(WebError::Forbidden) }
}

/// Names a stand-in, or ends it.
pub async fn change(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<StandInFields>,
) -> Result<HttpResponse, WebError> {
    check(&member)?;
    let mut fields = form.into_inner();
    if fields.approver.is_empty() {
        fields.approver.clone_from(&member.person.name);
    }
    let is_own = fields.approver == member.person.name;
    if !is_own && !member.may(Permission::Manage) {
        return Err(WebError::Forbidden);
    }
    let ip = peer_ip(&request);
    let by = Manager { user: Some(member.person.id), ip: &ip };
    let (texts, address) = (member.texts(&request), member.urls().stand_ins());
    let problem = match act(&app, by, &member, &fields).await? {
        None => {
            flash::say(&request, &texts.t("members-saved"));
            return Ok(page::see_other(&address));
        }
        Some((field, key)) => (field, texts.with(key, &[("days", STAND_IN_MAX_DAYS.into())])),
    };
    let page = StandInsPage::new(&app, &request, &member).await?;
    page::unprocessable(&StandInsPage { fields, problem: Some(problem), ..page })
}

/// Returns the field and the text key of what is wrong.
async fn act(
    app: &App,
    by: Manager<'_>,
    member: &Member,
    fields: &StandInFields,
) -> Result<Option<(&'static str, &'static str)>, WebError> {
    let Some(approver) = find(app, &fields.approver).await? else {
        return Ok(Some(("approver", "stand-in-no-approver")));
    };
    let project = member.project.id;
    if fields.end.is_some() {
        accounts::end_stand_in(app, by, project, &approver).await?;
        return Ok(None);
    }
    let Some(stand_in) = find(app, &fields.stand_in).await? else {
        return Ok(Some(("stand_in", "stand-in-may-not-send")));
    };
    let format = format_description!("[year]-[month]-[day]");
    let Ok(day) = Date::parse(fields.until.trim(), format) else {
        return Ok(Some(("until", "stand-in-day")));
    };
    match accounts::stand_in(app, by, project, &approver, &stand_in, day).await {
        Ok(()) => Ok(None),
        Err(StandInError::NoApprover(_)) => Ok(Some(("approver", "stand-in-no-approver"))),
        Err(StandInError::MayNotSend(_)) => Ok(Some(("stand_in", "stand-in-may-not-send"))),
        Err(StandInError::MayApprove(_)) => Ok(Some(("stand_in", "stand-in-may-approve"))),
        Err(StandInError::Day) => Ok(Some(("until", "stand-in-day"))),
        Err(StandInError::Database(error)) => Err(WebError::Database(error)),
    }
}

async fn find(app: &App, name: &str) -> Result<Option<crate::db::accounts::users::User>, WebError> {
    match accounts::find(app, name).await {
        Ok(user) => Ok(Some(user)),
        Err(AccountError::Unknown(_)) => Ok(None),
        Err(AccountError::Database(error)) => Err(WebError::Database(error)),
        Err(error) => Err(WebError::Internal(error.to_string())),
    }
}
