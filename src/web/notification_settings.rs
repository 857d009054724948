//! `/settings`: how people outside of the pages are told, for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::applications::said;
use super::error::WebError;
use super::form::{Form, peer_address};
use super::i18n::Language;
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::page;
use crate::app::App;
use crate::db;
use crate::ops::notifications::{self, NotificationError, NotificationForm, NotificationProblem};

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
    delivered: bool,
    given_up: bool,
    attempts: i32,
    error: String,
}

#[derive(Template)]
#[template(path = "settings/notifications.html")]
struct NotificationSettingsPage {
    l: Layout,
    form: NotificationForm,
    emails: String,
    problem: Option<NotificationProblem>,
    has_mail: bool,
    lines: Vec<Line>,
}

impl NotificationSettingsPage {
    fn wrong(&self, field: &str) -> bool {
        match self.problem {
            Some(NotificationProblem::Webhook) => field == "webhook",
            Some(NotificationProblem::Email | NotificationProblem::ManyEmails) => field == "emails",
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
    let form = notifications::settings(&app, member.project.id).await.map_err(settings_error)?;
    page::ok(&page_of(&app, &member, &request, form, None).await?)
}

async fn page_of(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    form: NotificationForm,
    problem: Option<NotificationProblem>,
) -> Result<NotificationSettingsPage, WebError> {
    let l = member.layout(app, request, Section::Settings).await?;
    let past = db::notifications::latest(&app.db, member.project.id, SHOWN).await?;
    let lines = past.into_iter().map(|one| Line {
        at: l.moment(one.at),
        way: l.t(&format!("notification-channel-{}", one.channel.key())),
        what: what(&l, &one.body),
        delivered: one.delivered_at.is_some(),
        given_up: notifications::given_up(&one),
        attempts: one.attempts,
        error: notifications::error(&one).map(|why| in_words(&l, why)).unwrap_or_default(),
    });
    Ok(NotificationSettingsPage {
        lines: lines.collect(),
        emails: form.emails.join("\n"),
        has_mail: app.outbound.has_mail(),
        form,
        problem,
        l,
    })
}

fn in_words(l: &Layout, (key, said): (&str, &str)) -> String {
    l.with(&format!("notification-error-{key}"), &[("said", said.to_owned().into())])
}

fn what(l: &Layout, body: &serde_json::Value) -> String {
    let said = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    if said("event") == "test" {
        return l.t("settings-test-notification");
    }
    if said("event") == notifications::PUSHES_CHANGED {
        let project = [("project", said("project").into())];
        return l.with(&format!("notification-pushes-{}", said("status")), &project);
    }
    let status = l.t(&format!("notification-status-{}", said("status")));
    format!("{} · {status}", said("name"))
}

fn settings_error(error: NotificationError) -> WebError {
    match error {
        NotificationError::Database(error) => WebError::Database(error),
        other => WebError::Internal(other.to_string()),
    }
}

/// Keeps the wishes, or tells a test.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let there = member.urls().settings();
    if fields.test.is_some() {
        let delivered = notifications::test(&app, member.project.id).await?;
        let key = if delivered > 0 { "settings-tested" } else { "settings-nobody" };
        return Ok(said(&request, &member, key, &there));
    }
    let separators = [',', '，', ';', '；'];
    let emails = fields.emails.split(|c: char| c.is_whitespace() || separators.contains(&c));
    let form = NotificationForm {
        webhook: fields.webhook.trim().to_owned(),
        emails: emails.filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        language: Language::from_tag(&fields.language).unwrap_or(Language::ZhCn).tag().to_owned(),
        ..NotificationForm::default()
    };
    if let Some(problem) = notifications::problem(&form) {
        return page::unprocessable(&page_of(&app, &member, &request, form, Some(problem)).await?);
    }
    let (project, by) = (member.project.id, member.person.id);
    let kept =
        notifications::save_settings(&app, project, &form, by, &peer_address(&request)).await;
    kept.map_err(settings_error)?;
    Ok(said(&request, &member, "settings-saved", &there))
}
