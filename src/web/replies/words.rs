//! `/settings/replies`: the words that opt a phone out.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::replies as rows;
use crate::domain::reply::compact;
use crate::ops::replies;
use crate::ops::suppress::By;
use crate::web::applications::said;
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::page;

/// Words a team may keep.
const MOST: usize = 100;
/// No word is longer.
const LONGEST: usize = 20;

#[derive(Template)]
#[template(path = "replies/words.html")]
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
    let mut db = app.db.acquire().await?;
    let words = rows::opt_out_words(&mut db, member.project.id).await?.join("\n");
    drop(db);
    let l = member.layout(&app, &request, Section::Settings).await?;
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
    let mut unreadable = None;
    for word in typed.split(['\n', ',', '，', ';', '；', '、', '\t']) {
        let word: String = word.trim().chars().filter(|letter| !letter.is_control()).collect();
        let letters = compact(&word);
        if word.is_empty() || words.iter().any(|one| compact(one) == letters) {
            continue;
        }
        if letters.is_empty() || word.chars().count() > LONGEST {
            unreadable.get_or_insert(word.chars().take(LONGEST).collect::<String>());
        }
        words.push(word);
    }
    if unreadable.is_some() || words.len() > MOST {
        let l = member.layout(&app, &request, Section::Settings).await?;
        let problem = match unreadable {
            Some(word) => {
                let values = [("word", word.into()), ("longest", LONGEST.into())];
                l.with("opt-out-error-word", &values)
            }
            None => l.with("opt-out-error-many", &[("most", MOST.into())]),
        };
        return page::unprocessable(&WordsPage { l, words: typed, problem: Some(problem) });
    }
    let address = peer_address(&request);
    let by = By { project: member.project.id, person: member.person.id, address: &address };
    replies::keep_words(&app, by, &words).await?;
    Ok(said(&request, &member, "opt-out-kept", &member.urls().opt_out_words()))
}
