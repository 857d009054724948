//! `/settings/retention`: how long messages are kept, and the phones and texts in them; for admins.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::retention::retained::{self, Retained};
use crate::db::retention::{self, RetentionPolicy};
use crate::domain::ids::{Id, SubmissionId};
use crate::domain::period::day_of;
use crate::ops::retention as retention_ops;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::{Layout, Section};

const MAX_MONTHS: i16 = 120;
/// Receipts arrive for 72 hours; a week leaves time to look into failures.
const MIN_DAYS: i16 = 7;
const MAX_DAYS: i16 = 3_650;

/// The fields of the form, as typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct RetentionFields {
    keep_months: String,
    blank_days: String,
    confirm: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/settings/retention.html")]
struct RetentionPage {
    l: Layout,
    fields: RetentionFields,
    wrong: Vec<&'static str>,
    /// The typed policy keeps less than the saved one: the page asks for a confirmation.
    asks: bool,
    retained: Retained,
}

impl RetentionPage {
    /// Returns what is retained: a text key, a text, and the URL of the messages, if there are any.
    fn facts(&self) -> Vec<(&'static str, String, Option<String>)> {
        let day = |id: SubmissionId| day_of(id.made_at()).to_string();
        let text = |key: &str, from: String, to: String| {
            self.l.with(key, &[("from", from.into()), ("to", to.into())])
        };
        let Retained { deleted_to, redacted_from, redacted_to, whole_from } = self.retained;
        let deleted =
            deleted_to.map(|to| ("deleted", text("retention-until", String::new(), day(to)), None));
        let redacted = redacted_from.zip(redacted_to).map(|(from, to)| {
            let (from, to) = (day(from), day(to));
            let href = self.l.urls.messages_where(&[("from", &from), ("to", &to)]);
            ("redacted", text("retention-between", from, to), Some(href))
        });
        let whole = whole_from.map(|from| {
            let href = self.l.urls.messages_with("from", day(from));
            ("whole", text("retention-since", day(from), String::new()), Some(href))
        });
        [deleted, redacted, whole].into_iter().flatten().collect()
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.wrong.contains(&field)
    }
}

impl RetentionFields {
    fn of(policy: RetentionPolicy) -> Self {
        let typed = |n: Option<i16>| n.map(|n| n.to_string()).unwrap_or_default();
        Self {
            keep_months: typed(policy.retention_months),
            blank_days: typed(policy.redact_days),
            confirm: None,
        }
    }

    /// Reads the typed policy.
    ///
    /// # Errors
    ///
    /// The names of the fields that are wrong.
    fn read(&self) -> Result<RetentionPolicy, Vec<&'static str>> {
        let keep_months = within(&self.keep_months, 1, MAX_MONTHS);
        let blank_days = within(&self.blank_days, MIN_DAYS, MAX_DAYS);
        match (keep_months, blank_days) {
            (Some(retention_months), Some(redact_days)) => {
                Ok(RetentionPolicy { retention_months, redact_days })
            }
            (months, days) => {
                let wrong = [("keep_months", months.is_none()), ("blank_days", days.is_none())];
                Err(wrong.into_iter().filter(|(_, wrong)| *wrong).map(|(name, _)| name).collect())
            }
        }
    }
}

/// Reads a number from `min` to `max`; an empty field means forever, `Some(None)`.
fn within(typed: &str, min: i16, max: i16) -> Option<Option<i16>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Some(None);
    }
    typed.parse().ok().filter(|n| (min..=max).contains(n)).map(Some)
}

/// `/settings/keeping`: the old path, which redirects permanently.
pub async fn moved(member: Member) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, member.urls().retention())).finish()
}

/// Shows the form.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let mut db = app.db.acquire().await?;
    let policy = retention::of(&mut db, member.project.id).await?;
    let retained = retained::retained(&mut db, member.project.id).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Settings).await?;
    page::ok(&RetentionPage {
        l,
        fields: RetentionFields::of(policy),
        wrong: Vec::new(),
        asks: false,
        retained,
    })
}

/// Saves the policy. Keeping less than before needs a confirmation: deleted data is gone for good.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<RetentionFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let (project, by) = (member.project.id, member.person.id);
    let policy = fields.read();
    let before = retention::of(&mut *app.db.acquire().await?, project).await?;
    let asks =
        policy.as_ref().is_ok_and(|policy| retention_ops::shortens_retention(before, *policy));
    match policy {
        Ok(policy) if !asks || fields.confirm.is_some() => {
            retention_ops::save_policy(&app, project, policy, by, &peer_ip(&request)).await?;
            Ok(redirect_with_flash(&request, &member, "settings-saved", &member.urls().retention()))
        }
        policy => {
            let wrong = policy.err().unwrap_or_default();
            let l = Layout::in_project(&member, &app, &request, Section::Settings).await?;
            let retained = retained::retained(&mut *app.db.acquire().await?, project).await?;
            page::unprocessable(&RetentionPage { l, fields, wrong, asks, retained })
        }
    }
}
