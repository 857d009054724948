//! `/settings/sensitive-words`: sensitive words, which the team does not want in an application.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::findings::Source;
use crate::app::App;
use crate::db::review::reviewed;
use crate::domain::review::finding::Document;
use crate::domain::review::topics;
use crate::ops::review;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::word_list::{Typed, WordLimits, WordList};

const LIMITS: WordLimits = WordLimits { max_words: 2_000, max_length: 60 };
/// The prefix of the field's text keys.
const NAME: &str = "sensitive-words";

#[derive(Template)]
#[template(path = "pages/review/sensitive_words.html")]
struct SensitiveWordsPage {
    l: Layout,
    list: WordList,
    /// The document that forbids the topics.
    standard: Source,
    /// Whether forbidden topics are missing among the saved words.
    lacks_topics: bool,
}

impl SensitiveWordsPage {
    fn new(l: Layout, list: WordList, saved: &[String]) -> Self {
        let standard = Source::of(&l, Document::TemplateStandard);
        Self { l, list, standard, lacks_topics: missing_topics(saved).next().is_some() }
    }
}

/// Returns the forbidden topics that are not among `words`.
fn missing_topics(words: &[String]) -> impl Iterator<Item = &'static str> {
    topics::FORBIDDEN.into_iter().filter(|topic| words.iter().all(|word| word != topic))
}

/// `/settings/words`: the old path, which redirects permanently.
pub async fn moved(member: Member) -> HttpResponse {
    let location = (LOCATION, member.urls().sensitive_words());
    HttpResponse::PermanentRedirect().insert_header(location).finish()
}

/// Shows the list.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Templates).await?;
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
    let adds_topics = typed.adds_topics();
    let mut words = match typed.read(LIMITS, str::to_owned) {
        Ok(words) => words,
        Err(problem) => {
            let l = Layout::in_project(&member, &app, &request, Section::Templates).await?;
            let list = WordList::invalid(&l, NAME, typed, &problem);
            let saved = reviewed::sensitive_words(&app.db, member.project.id).await?;
            return page::unprocessable(&SensitiveWordsPage::new(l, list, &saved));
        }
    };
    if adds_topics {
        let missing: Vec<String> = missing_topics(&words).map(str::to_owned).collect();
        words.extend(missing);
    }
    let (project, by) = (member.project.id, member.person.id);
    review::save_sensitive_words(&app, project, &words, by, &peer_ip(&request)).await?;
    Ok(redirect_with_flash(
        &request,
        &member,
        "sensitive-words-saved",
        &member.urls().sensitive_words(),
    ))
}
