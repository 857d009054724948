//! `/admin/erasure`: erasing the data of one phone on request; for owners.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::people::manager;
use crate::app::App;
use crate::db::retention::erasure::Found;
use crate::domain::phone::Phone;
use crate::ops::erasure::{self as ops, ErasureError};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Texts, language_of};
use crate::web::http::member::Person;
use crate::web::http::page;
use crate::web::ui::layout::{Layout, Section};

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ErasureFields {
    phone: String,
    /// Given to erase what was found.
    confirm: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/admin/erasure.html")]
struct ErasurePage {
    l: Layout,
    phone: String,
    problem: Option<String>,
    found: Option<Found>,
    /// Whether what was found is erased.
    done: bool,
}

impl ErasurePage {
    /// Returns the text keys of what was found, with numbers.
    fn counts(&self) -> Vec<(&'static str, i64)> {
        let found = self.found.unwrap_or_default();
        vec![
            ("erasure-messages", found.messages),
            ("erasure-external", found.external),
            ("erasure-replies", found.replies),
            ("erasure-rows", found.rows),
            ("erasure-opt-outs", found.opt_outs),
        ]
    }

    /// Returns how much cannot be erased yet.
    fn left(&self) -> i64 {
        self.found.map_or(0, |found| found.waiting + found.draft_rows)
    }
}

/// `/admin/erasure`: the form.
pub async fn form(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = Layout::outside(&person, &app, &request, Section::People).await?;
    page::ok(&ErasurePage { l, phone: String::new(), problem: None, found: None, done: false })
}

/// Shows what there is of a phone or, once confirmed, erases it.
pub async fn erase(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    form: Form<ErasureFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let l = Layout::outside(&person, &app, &request, Section::People).await?;
    let Ok(phone) = Phone::parse(&fields.phone) else {
        let sentence = Texts(language_of(&request)).t("erasure-phone-wrong");
        let (phone, problem) = (fields.phone, Some(sentence));
        return page::unprocessable(&ErasurePage { l, phone, problem, found: None, done: false });
    };
    let done = fields.confirm.is_some();
    let found = if done {
        let ip = peer_ip(&request);
        match ops::erase(&app, manager(&person, &ip), &phone).await {
            Ok(found) => found,
            Err(ErasureError::Database(error)) => return Err(WebError::Database(error)),
            Err(error) => return Err(WebError::Internal(error.to_string())),
        }
    } else {
        ops::find(&app, &phone).await?
    };
    let phone = if done { String::new() } else { phone.into_string() };
    page::ok(&ErasurePage { l, phone, problem: None, found: Some(found), done })
}
