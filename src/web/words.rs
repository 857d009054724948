//! `/settings/words`: words that a reviewer may not like, kept by the team.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::applications::said;
use super::error::WebError;
use super::form::{Form, peer_address};
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use crate::app::App;
use crate::db::reviewed;
use crate::ops::review;

/// Words a team may keep.
const MOST: usize = 2_000;
/// No word is longer.
const LONGEST: usize = 60;

#[derive(Template)]
#[template(path = "review/words.html")]
struct WordsPage {
    l: Layout,
    words: String,
    problem: Option<String>,
}

/// What was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    words: String,
}

/// The list.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Templates).await?;
    let words = reviewed::sensitive_words(&app.db, member.project.id).await?.join("\n");
    page::ok(&WordsPage { l, words, problem: None })
}

/// Keeps it.
pub async fn keep(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Typed>,
) -> Result<HttpResponse, WebError> {
    let typed = form.into_inner().words;
    let mut words: Vec<String> = Vec::new();
    for word in typed.split(['\n', ',', '，', ';', '；', '、', '\t']) {
        let word: String = word.trim().chars().filter(|letter| !letter.is_control()).collect();
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    if words.len() > MOST || words.iter().any(|word| word.chars().count() > LONGEST) {
        let l = member.layout(&app, &request, Section::Templates).await?;
        let values = [("most", MOST.into()), ("longest", LONGEST.into())];
        let problem = Some(l.with("words-error", &values));
        return page::unprocessable(&WordsPage { l, words: typed, problem });
    }
    let (project, by) = (member.project.id, member.person.id);
    review::keep_sensitive_words(&app, project, &words, by, &peer_address(&request)).await?;
    Ok(said(&request, &member, "words-kept", &member.urls().words()))
}
