//! `/settings/words`: words that a reviewer may not like, kept by the team.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::applications::said;
use super::error::WebError;
use super::form::{Form, peer_address};
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use super::word_list::{Limits, Typed, WordList};
use crate::app::App;
use crate::db::reviewed;
use crate::ops::review;

const LIMITS: Limits = Limits { most: 2_000, longest: 60 };
/// What the texts of the field begin with.
const NAME: &str = "words";

#[derive(Template)]
#[template(path = "review/sensitive_words.html")]
struct SensitiveWordsPage {
    l: Layout,
    list: WordList,
}

/// The list.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Templates).await?;
    let words = reviewed::sensitive_words(&app.db, member.project.id).await?;
    page::ok(&SensitiveWordsPage { list: WordList::kept(&l, NAME, &words), l })
}

/// Keeps it.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Typed>,
) -> Result<HttpResponse, WebError> {
    let typed = form.into_inner();
    let words = match typed.read(LIMITS, str::to_owned) {
        Ok(words) => words,
        Err(fault) => {
            let l = member.layout(&app, &request, Section::Templates).await?;
            let list = WordList::wrong(&l, NAME, typed, &fault);
            return page::unprocessable(&SensitiveWordsPage { l, list });
        }
    };
    let (project, by) = (member.project.id, member.person.id);
    review::keep_sensitive_words(&app, project, &words, by, &peer_address(&request)).await?;
    Ok(said(&request, &member, "sensitive-words-saved", &member.urls().words()))
}
