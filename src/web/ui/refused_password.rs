//! Passwords that were refused: the status and the sentence of the form that comes back.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use askama::Template;
use time::OffsetDateTime;

use super::moment;
use crate::app::App;
use crate::domain::accounts::password::Weakness;
use crate::web::http::error::WebError;
use crate::web::http::i18n::Texts;
use crate::web::http::page;

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

/// Returns what a form says about a new password that is refused.
pub fn weakness_sentence(texts: Texts, weakness: Weakness) -> String {
    texts.t(match weakness {
        Weakness::TooShort => "account-password-short",
        Weakness::TooLong => "account-password-long",
        Weakness::Common => "account-password-common",
        Weakness::Pattern => "account-password-pattern",
        Weakness::Name => "account-password-name",
        Weakness::Product => "account-password-product",
    })
}
