//! `/settings/replies`: the words that opt a phone out.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::db::replies as rows;
use crate::domain::reply::compact;
use crate::ops::replies;
use crate::ops::suppressions::Actor;
use crate::web::applications::said;
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::page;
use crate::web::word_list::{Limits, Typed, WordList};

const LIMITS: Limits = Limits { most: 100, longest: 20 };
/// What the texts of the field begin with.
const NAME: &str = "opt-out";

#[derive(Template)]
#[template(path = "replies/opt_out_keywords.html")]
struct OptOutKeywordsPage {
    l: Layout,
    list: WordList,
}

/// The list.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let mut db = app.db.acquire().await?;
    let opt_out_keywords = rows::opt_out_keywords(&mut db, member.project.id).await?;
    drop(db);
    let l = member.layout(&app, &request, Section::Settings).await?;
    page::ok(&OptOutKeywordsPage { list: WordList::kept(&l, NAME, &opt_out_keywords), l })
}

/// Keeps it.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Typed>,
) -> Result<HttpResponse, WebError> {
    let typed = form.into_inner();
    let opt_out_keywords = match typed.read(LIMITS, compact) {
        Ok(opt_out_keywords) => opt_out_keywords,
        Err(fault) => {
            let l = member.layout(&app, &request, Section::Settings).await?;
            let list = WordList::wrong(&l, NAME, typed, &fault);
            return page::unprocessable(&OptOutKeywordsPage { l, list });
        }
    };
    let address = peer_address(&request);
    let by = Actor { project: member.project.id, person: member.person.id, address: &address };
    replies::save_opt_out_keywords(&app, by, &opt_out_keywords).await?;
    Ok(said(&request, &member, "opt-out-keywords-saved", &member.urls().opt_out_keywords()))
}
