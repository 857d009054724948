//! Passwords that were refused: the status and the sentence of the form that comes back, and the audit of
//! forms and pages that were refused.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;

use super::error::WebError;
use super::form::peer_ip;
use super::i18n::Texts;
use super::member::{Member, Person};
use super::request_log::shown_path;
use super::{moment, page};
use crate::app::App;
use crate::ops::refusals;

/// When a browser may come back while too many passwords are checked.
const BUSY_SECONDS: i64 = 2;

/// Why a password was not accepted.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    retry_after: Option<i64>,
    /// What the form says.
    pub sentence: String,
}

impl Refused {
    /// It is wrong.
    pub fn wrong(sentence: String) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, retry_after: None, sentence }
    }

    /// It was not looked at, since others were wrong.
    pub fn throttled(app: &App, texts: Texts, until: OffsetDateTime) -> Self {
        let seconds = (until - app.clock.now()).whole_seconds() + 1;
        let when = moment::full(until);
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(seconds.max(1)),
            sentence: texts.with("login-throttled", &[("when", when.into())]),
        }
    }

    /// It was not looked at, since too many are.
    pub fn busy(texts: Texts) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after: Some(BUSY_SECONDS),
            sentence: texts.t("login-busy"),
        }
    }

    /// Returns the form that says so.
    pub fn respond(&self, form: &impl Template) -> Result<HttpResponse, WebError> {
        let mut response = page::with_status(self.status, form)?;
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        Ok(response)
    }
}

/// Records that a page or a form was refused. What cannot be recorded is logged: the answer is the same.
pub async fn record(request: &HttpRequest, action: &str) {
    let Some(app) = request.app_data::<Data<App>>() else { return };
    let admitted = request.extensions().get::<Member>().cloned().map(Member::into_signed_in);
    let person = admitted.or_else(|| request.extensions().get::<Person>().map(|one| one.0.clone()));
    let slug = request.match_info().get("project").unwrap_or_default();
    let project = person.as_ref().and_then(|person| person.place(slug));
    let project = project.map(|membership| membership.project.id);
    let user = person.as_ref().map(|person| &person.user);
    let (ip, path) = (peer_ip(request), shown_path(request.path()));
    let recorded = refusals::request(app, action, user, project, &ip, &path).await;
    if let Err(error) = recorded {
        tracing::error!(%error, action, "cannot record what was refused");
    }
}
