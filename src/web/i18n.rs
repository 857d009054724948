//! The language of a page, and its texts.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;

pub use crate::i18n::{Count, Language, Texts};

/// Remembers the language a person chose.
pub const COOKIE: &str = "lang";

/// The language that was chosen, else the first that the browser asks for, else Chinese.
pub fn language_of(request: &HttpRequest) -> Language {
    let chosen = request.cookie(COOKIE).and_then(|cookie| Language::from_tag(cookie.value()));
    let asked = || {
        let header = request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
        header.split(',').find_map(|one| match one.trim().get(..2)? {
            "zh" => Some(Language::ZhCn),
            "en" => Some(Language::En),
            _ => None,
        })
    };
    chosen.or_else(asked).unwrap_or(Language::ZhCn)
}
