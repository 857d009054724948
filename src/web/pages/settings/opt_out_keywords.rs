//! `/settings/replies`: the opt-out keywords of the project.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::db::replies::opt_outs as rows;
use crate::domain::replies::reply::compact;
use crate::ops::actor::Actor;
use crate::ops::replies;
use crate::web::http::error::WebError;
use crate::web::http::flash::redirect_with_flash;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::word_list::{Typed, WordLimits, WordList};

const LIMITS: WordLimits = WordLimits { max_words: 100, max_length: 20 };
/// The prefix of the field's text keys.
const NAME: &str = "opt-out";

#[derive(Template)]
#[template(path = "pages/settings/opt_out_keywords.html")]
struct OptOutKeywordsPage {
    l: Layout,
    list: WordList,
}

/// Shows the list.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let mut db = app.db.acquire().await?;
    let opt_out_keywords = rows::opt_out_keywords(&mut db, member.project.id).await?;
    drop(db);
    let l = Layout::in_project(&member, &app, &request, Section::Settings).await?;
    page::ok(&OptOutKeywordsPage { list: WordList::saved(&l, NAME, &opt_out_keywords), l })
}

/// Saves the list.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Typed>,
) -> Result<HttpResponse, WebError> {
    let typed = form.into_inner();
    let opt_out_keywords = match typed.read(LIMITS, compact) {
        Ok(opt_out_keywords) => opt_out_keywords,
        Err(problem) => {
            let l = Layout::in_project(&member, &app, &request, Section::Settings).await?;
            let list = WordList::invalid(&l, NAME, typed, &problem);
            return page::unprocessable(&OptOutKeywordsPage { l, list });
        }
    };
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    replies::save_opt_out_keywords(&app, actor, &opt_out_keywords).await?;
    Ok(redirect_with_flash(
        &request,
        &member,
        "opt-out-keywords-saved",
        &member.urls().opt_out_keywords(),
    ))
}
