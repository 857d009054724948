//! `/settings`: how people are notified outside of the pages; for administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db;
use crate::ops::reporting::notifications::{
    self, NotificationError, NotificationForm, NotificationProblem,
};
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::Language;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;

/// Past notifications that the page shows.
const MAX_SHOWN: i64 = 20;

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NotificationFields {
    webhook: String,
    emails: String,
    language: String,
    /// Present to send a test notification instead of saving.
    test: Option<String>,
}

/// A past notification.
struct NotificationRow {
    at: Moment,
    channel: String,
    what: String,
    delivered: bool,
    given_up: bool,
    attempts: i32,
    error: String,
}

#[derive(Template)]
#[template(path = "pages/settings/notifications.html")]
struct NotificationSettingsPage {
    l: Layout,
    form: NotificationForm,
    emails: String,
    problem: Option<NotificationProblem>,
    has_mail: bool,
    rows: Vec<NotificationRow>,
}

impl NotificationSettingsPage {
    fn is_wrong(&self, field: &str) -> bool {
        match self.problem {
            Some(NotificationProblem::Webhook | NotificationProblem::WebhookNotPublic) => {
                field == "webhook"
            }
            Some(NotificationProblem::Email | NotificationProblem::ManyEmails) => field == "emails",
            None => false,
        }
    }

    fn webhook_error(&self) -> &'static str {
        match self.problem {
            Some(NotificationProblem::WebhookNotPublic) => "settings-webhook-not-public",
            _ => "settings-webhook-wrong",
        }
    }
}

/// `/settings`: the form, and the latest notifications.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let form = notifications::settings(&app, member.project.id).await.map_err(settings_error)?;
    page::ok(&settings_page(&app, &member, &request, form, None).await?)
}

async fn settings_page(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    form: NotificationForm,
    problem: Option<NotificationProblem>,
) -> Result<NotificationSettingsPage, WebError> {
    let l = Layout::in_project(member, app, request, Section::Settings).await?;
    let past = db::reporting::notifications::latest(&app.db, member.project.id, MAX_SHOWN).await?;
    let rows = past.into_iter().map(|notification| NotificationRow {
        at: l.moment(notification.at),
        channel: l.t(&format!("notification-channel-{}", notification.channel.key())),
        what: notifications::subject(l.texts, &notification.body),
        delivered: notification.delivered_at.is_some(),
        given_up: notifications::given_up(&notification),
        attempts: notification.attempts,
        error: notifications::error(&notification)
            .map(|error| error_text(&l, error))
            .unwrap_or_default(),
    });
    Ok(NotificationSettingsPage {
        rows: rows.collect(),
        emails: form.emails.join("\n"),
        has_mail: app.outbound.has_mail(),
        form,
        problem,
        l,
    })
}

fn error_text(l: &Layout, (key, detail): (&str, &str)) -> String {
    l.with(&format!("notification-error-{key}"), &[("said", detail.to_owned().into())])
}

fn settings_error(error: NotificationError) -> WebError {
    match error {
        NotificationError::Database(error) => WebError::Database(error),
        other => WebError::Internal(other.to_string()),
    }
}

/// Saves the settings, or sends a test notification.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<NotificationFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let href = member.urls().settings();
    if fields.test.is_some() {
        let delivered = notifications::test(&app, member.project.id).await?;
        let key = if delivered > 0 { "settings-tested" } else { "settings-nobody" };
        return Ok(redirect_with_flash(&request, &member, key, &href));
    }
    let separators = [',', '，', ';', '；'];
    let emails = fields.emails.split(|c: char| c.is_whitespace() || separators.contains(&c));
    let form = NotificationForm {
        webhook: fields.webhook.trim().to_owned(),
        emails: emails.filter(|email| !email.is_empty()).map(str::to_owned).collect(),
        language: Language::from_tag(&fields.language).unwrap_or(Language::ZhCn).tag().to_owned(),
        ..NotificationForm::default()
    };
    if let Some(problem) = notifications::find_problem(&app, &form).await {
        return page::unprocessable(
            &settings_page(&app, &member, &request, form, Some(problem)).await?,
        );
    }
    let (project, by) = (member.project.id, member.person.id);
    let saved = notifications::save_settings(&app, project, &form, by, &peer_ip(&request)).await;
    saved.map_err(settings_error)?;
    Ok(redirect_with_flash(&request, &member, "settings-saved", &href))
}
