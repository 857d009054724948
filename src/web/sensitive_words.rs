//! `/settings/words`: sensitive words, which the team does not want in an application.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::applications::redirect_with_flash;
use super::error::WebError;
use super::form::{Form, peer_ip};
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use super::reviewed::findings::Source;
use super::word_list::{Limits, Typed, WordList};
use crate::app::App;
use crate::db::reviewed;
use crate::domain::finding::Document;
use crate::domain::topics;
use crate::ops::review;

const LIMITS: Limits = Limits { max_words: 2_000, max_length: 60 };
/// The prefix of the field's text keys.
const NAME: &str = "sensitive-words";

#[derive(Template)]
#[template(path = "review/sensitive_words.html")]
struct SensitiveWordsPage {
    l: Layout,
    list: WordList,
    /// The document that forbids the topics.
    standard: Source,
    /// The saved words with the forbidden topics that are missing among them, if any are.
    completed: Option<String>,
}

impl SensitiveWordsPage {
    fn new(l: Layout, list: WordList, saved: &[String]) -> Self {
        let missing: Vec<&str> = topics::FORBIDDEN
            .into_iter()
            .filter(|topic| saved.iter().all(|word| word != topic))
            .collect();
        let words = saved.iter().map(String::as_str).chain(missing.iter().copied());
        let completed = words.collect::<Vec<_>>().join("\n");
        let standard = Source::of(&l, Document::TemplateStandard);
        Self { l, list, standard, completed: (!missing.is_empty()).then_some(completed) }
    }
}

/// Shows the list.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Templates).await?;
    let words = reviewed::sensitive_words(&app.db, member.project.id).await?;
    let list = WordList::saved(&l, NAME, &words);
    page::ok(&SensitiveWordsPage::new(l, list, &words))
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
            let saved = reviewed::sensitive_words(&app.db, member.project.id).await?;
            return page::unprocessable(&SensitiveWordsPage::new(l, list, &saved));
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
