//! How long audit events are kept, in a form of `/admin/audit`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::AuditQuery;
use crate::app::App;
use crate::db::audit_chain;
use crate::ops::accounts::Manager;
use crate::ops::audit_chain::{self as ops, MAX_MONTHS, MIN_MONTHS};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Texts, language_of};
use crate::web::http::member::Person;
use crate::web::http::urls::ALL_AUDIT;
use crate::web::http::{flash, page};

/// The form, as typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct AuditRetentionFields {
    pub(super) retention_months: String,
    /// Given to keep events for a shorter time than before.
    confirm: Option<String>,
}

/// The form as it is shown.
#[derive(Debug, Default)]
pub(super) struct ShownRetention {
    pub(super) typed: String,
    /// The text key of what is wrong.
    pub(super) problem: Option<&'static str>,
    /// Whether a confirmation is asked for.
    pub(super) asks: bool,
}

impl ShownRetention {
    /// Returns the form with what is saved.
    pub(super) async fn saved(app: &App) -> sqlx::Result<Self> {
        let months = audit_chain::retention(&mut *app.db.acquire().await?).await?;
        let typed = months.map(|months| months.to_string()).unwrap_or_default();
        Ok(Self { typed, ..Self::default() })
    }
}

/// Reads the typed number; an empty field means forever, `Some(None)`.
fn read(typed: &str) -> Option<Option<i16>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Some(None);
    }
    typed.parse().ok().filter(|months| (MIN_MONTHS..=MAX_MONTHS).contains(months)).map(Some)
}

/// Saves how long audit events are kept. Keeping them for a shorter time needs a confirmation.
pub async fn save(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    form: Form<AuditRetentionFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let before = audit_chain::retention(&mut *app.db.acquire().await?).await?;
    let months = read(&fields.retention_months);
    let is_shorter =
        months.flatten().is_some_and(|months| before.is_none_or(|before| months < before));
    match months {
        Some(months) if !is_shorter || fields.confirm.is_some() => {
            let ip = peer_ip(&request);
            let by = Manager { user: Some(person.0.user.id), ip: &ip };
            ops::save_retention(&app, by, months).await?;
            flash::say(&request, &Texts(language_of(&request)).t("settings-saved"));
            Ok(page::see_other(ALL_AUDIT))
        }
        months => {
            let shown = ShownRetention {
                typed: fields.retention_months,
                problem: months.is_none().then_some("audit-retention-wrong"),
                asks: months.is_some(),
            };
            let query = AuditQuery::default();
            let page = super::all_page(&app, &app.db, &person, &request, &query, shown).await?;
            page::unprocessable(&page)
        }
    }
}
