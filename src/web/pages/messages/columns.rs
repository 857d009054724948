//! The columns of the message search, remembered in the browser.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::web::Settings;
use crate::web::http::form::Form;
use crate::web::http::page;
use crate::web::http::urls::own_path;
use crate::web::ui::message_table::Column;

const COOKIE: &str = "hidden_columns";

/// The chosen columns.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ChosenColumns {
    column: Vec<String>,
    next: String,
}

/// Remembers the chosen columns, and returns to the list.
pub async fn save(settings: web::Data<Settings>, form: Form<ChosenColumns>) -> HttpResponse {
    let form = form.into_inner();
    let hidden = Column::ALL.map(Column::key).into_iter();
    let hidden = hidden.filter(|key| !form.column.iter().any(|chosen| chosen == key));
    let cookie = Cookie::build(COOKIE, hidden.collect::<Vec<_>>().join("."))
        .path("/")
        .secure(settings.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(365))
        .finish();
    let mut response = page::see_other(own_path(&form.next));
    // The names of columns are always a valid cookie value.
    let _ = response.add_cookie(&cookie);
    response
}

/// Returns the columns that the person does not want to see.
pub fn hidden(request: &HttpRequest) -> Vec<Column> {
    let cookie = request.cookie(COOKIE);
    let names = cookie.as_ref().map_or("", Cookie::value);
    Column::ALL
        .into_iter()
        .filter(|column| names.split('.').any(|name| name == column.key()))
        .collect()
}
