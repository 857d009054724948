//! The language and the texts of a page.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;

pub use crate::i18n::{Count, Language, Texts};

/// The name of the cookie that stores the chosen language.
pub const COOKIE: &str = "lang";

/// Returns the chosen language, else the first known one that the browser accepts, else Chinese.
pub fn language_of(request: &HttpRequest) -> Language {
    let chosen = request.cookie(COOKIE).and_then(|cookie| Language::from_tag(cookie.value()));
    let accepted = || {
        let header = request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
        header.split(',').find_map(|tag| match tag.trim().get(..2)? {
            "zh" => Some(Language::ZhCn),
            "en" => Some(Language::En),
            _ => None,
        })
    };
    chosen.or_else(accepted).unwrap_or(Language::ZhCn)
}
