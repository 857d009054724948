//! `/settings`: how people outside of the pages are told, for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::applications::said;
use super::clock_face::Moment;
use super::error::WebError;
use super::form::{Form, peer_address};
use super::i18n::Language;
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use crate::app::App;
use crate::db::notices;
use crate::ops::notify::{self, NotifyError, Plain, WishProblem};

/// Notices shown.
const SHOWN: i64 = 20;

/// What the form posts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    webhook: String,
    emails: String,
    language: String,
    /// Tells a test, keeps nothing.
    test: Option<String>,
}

/// A notice of the past.
struct Line {
    at: Moment,
    way: String,
    what: String,
    told: bool,
    given_up: bool,
    attempts: i32,
    trouble: String,
}

#[derive(Template)]
#[template(path = "settings/settings.html")]
struct SettingsPage {
    l: Layout,
    plain: Plain,
    emails: String,
    problem: Option<WishProblem>,
    has_mail: bool,
    lines: Vec<Line>,
}

impl SettingsPage {
    fn wrong(&self, field: &str) -> bool {
        match self.problem {
            Some(WishProblem::Webhook) => field == "webhook",
            Some(WishProblem::Email | WishProblem::ManyEmails) => field == "emails",
            None => false,
        }
    }
}

/// The form.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let plain = notify::wishes(&app, member.project.id).await.map_err(wish_error)?;
    page::ok(&page_of(&app, &member, &request, plain, None).await?)
}

async fn page_of(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    plain: Plain,
    problem: Option<WishProblem>,
) -> Result<SettingsPage, WebError> {
    let l = member.layout(app, request, Section::Settings).await?;
    let past = notices::latest(&app.db, member.project.id, SHOWN).await?;
    let lines = past.into_iter().map(|one| Line {
        at: l.moment(one.at),
        way: l.t(&format!("notice-way-{}", one.channel.key())),
        what: what(&l, &one.body),
        told: one.told_at.is_some(),
        given_up: notify::given_up(&one),
        attempts: one.attempts,
        trouble: notify::trouble(&one).map(|why| in_words(&l, why)).unwrap_or_default(),
    });
    Ok(SettingsPage {
        lines: lines.collect(),
        emails: plain.emails.join("\n"),
        has_mail: app.courier.has_mail(),
        plain,
        problem,
        l,
    })
}

fn in_words(l: &Layout, (key, said): (&str, &str)) -> String {
    l.with(&format!("notice-trouble-{key}"), &[("said", said.to_owned().into())])
}

fn what(l: &Layout, body: &serde_json::Value) -> String {
    let said = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    if said("event") == "test" {
        return l.t("settings-test-notice");
    }
    if said("event") == notify::PUSHES_CHANGED {
        let project = [("project", said("project").into())];
        return l.with(&format!("notice-pushes-{}", said("status")), &project);
    }
    let status = l.t(&format!("notice-status-{}", said("status")));
    format!("{} · {status}", said("name"))
}

fn wish_error(error: NotifyError) -> WebError {
    match error {
        NotifyError::Database(error) => WebError::Database(error),
        other => WebError::Internal(other.to_string()),
    }
}

/// Keeps the wishes, or tells a test.
pub async fn keep(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let there = member.urls().settings();
    if fields.test.is_some() {
        let told = notify::test(&app, member.project.id).await?;
        let key = if told > 0 { "settings-tested" } else { "settings-nobody" };
        return Ok(said(&request, &member, key, &there));
    }
    let separators = [',', '，', ';', '；'];
    let emails = fields.emails.split(|c: char| c.is_whitespace() || separators.contains(&c));
    let plain = Plain {
        webhook: fields.webhook.trim().to_owned(),
        emails: emails.filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        language: Language::from_tag(&fields.language).unwrap_or(Language::ZhCn).tag().to_owned(),
        ..Plain::default()
    };
    if let Some(problem) = notify::problem(&plain) {
        return page::unprocessable(&page_of(&app, &member, &request, plain, Some(problem)).await?);
    }
    let (project, by) = (member.project.id, member.person.id);
    let kept = notify::keep_wishes(&app, project, &plain, by, &peer_address(&request)).await;
    kept.map_err(wish_error)?;
    Ok(said(&request, &member, "settings-kept", &there))
}
