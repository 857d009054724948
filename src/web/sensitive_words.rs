//! `/settings/words`: sensitive words, which the team does not want in an application.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::applications::redirect_with_flash;
use super::error::WebError;
use super::form::{Form, peer_ip};
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use super::word_list::{Limits, Typed, WordList};
use crate::app::App;
use crate::db::reviewed;
use crate::ops::review;

const LIMITS: Limits = Limits { max_words: 2_000, max_length: 60 };
/// The prefix of the field's text keys.
const NAME: &str = "sensitive-words";

#[derive(Template)]
#[template(path = "review/sensitive_words.html")]
struct SensitiveWordsPage {
    l: Layout,
    list: WordList,
}

/// Shows the list.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Templates).await?;
    let words = reviewed::sensitive_words(&app.db, member.project.id).await?;
    page::ok(&SensitiveWordsPage { list: WordList::saved(&l, NAME, &words), l })
}

/// Saves the list.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Typed>,
) -> Result<HttpResponse, WebError> {
    let typed = form.into_inner();
    let words = match typed.read(LIMITS, str::to_owned) {
        Ok(words) => words,
        Err(problem) => {
            let l = member.layout(&app, &request, Section::Templates).await?;
            let list = WordList::invalid(&l, NAME, typed, &problem);
            return page::unprocessable(&SensitiveWordsPage { l, list });
        }
    };
    let (project, by) = (member.project.id, member.person.id);
    review::save_sensitive_words(&app, project, &words, by, &peer_ip(&request)).await?;
    Ok(redirect_with_flash(
        &request,
        &member,
        "sensitive-words-saved",
        &member.urls().sensitive_words(),
    ))
}
