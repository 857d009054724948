//! The inbox: a page per phone with the messages it received, from which it can reply.

use std::collections::HashSet;
use std::fmt::Write as _;

use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset};

use super::state::store::World;
use super::{Shared, phone, push};

/// How many messages a phone's page shows.
const MAX_MESSAGES: usize = 100;
/// How many of the last messages are searched for phones to list.
const SEARCHED_MESSAGES: usize = 5_000;
/// How many phones are listed.
const MAX_PHONES: usize = 50;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:40em;margin:2em auto;padding:0 1em}\
    .in,.out{border-radius:.7em;padding:.5em .8em;margin:.5em 0;white-space:pre-wrap}\
    .in{background:#eee;margin-right:3em}.out{background:#cfe8ff;margin-left:3em}\
    small{color:#666;display:block}";

/// Registers the pages below `/_inbox`.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/_inbox", web::get().to(phones))
        .route("/_inbox/{phone}", web::get().to(inbox))
        .route("/_inbox/{phone}", web::post().to(reply));
}

async fn phones(shared: web::Data<Shared>) -> HttpResponse {
    let world = shared.world();
    let mut seen = HashSet::new();
    let mut body = String::from("<h1>Inbox</h1>\n<ul>\n");
    for message in world.last(SEARCHED_MESSAGES).iter().rev() {
        if seen.len() < MAX_PHONES && seen.insert(&*message.key) {
            let key = escape(&message.key);
            let _ = writeln!(body, "<li><a href=\"/_inbox/{key}\">{key}</a></li>");
        }
    }
    body.push_str("</ul>\n");
    page("Inbox", &body)
}

async fn inbox(shared: web::Data<Shared>, path: web::Path<String>) -> HttpResponse {
    let key = phone::parse(&path).unwrap_or_else(|| path.into_inner());
    let body = conversation(&shared.world(), &key);
    page(&key, &body)
}

/// The form of a reply.
#[derive(Deserialize)]
struct ReplyForm {
    text: String,
}

async fn reply(
    shared: web::Data<Shared>,
    path: web::Path<String>,
    form: web::Form<ReplyForm>,
) -> HttpResponse {
    if !form.text.trim().is_empty() {
        push::reply(&shared.into_inner(), &path, form.text.trim());
    }
    HttpResponse::SeeOther().insert_header((LOCATION, format!("/_inbox/{path}"))).finish()
}

/// Renders the messages to and replies from a phone, oldest first.
fn conversation(world: &World, key: &str) -> String {
    let messages = world.last_of_phone(key, MAX_MESSAGES);
    let mut lines: Vec<(i64, &str, String)> =
        messages.iter().map(|message| (message.group.at, "in", message.full_text())).collect();
    let replies = world.replies(key);
    lines.extend(replies.iter().map(|reply| (reply.at, "out", reply.content.clone())));
    lines.sort_by_key(|(at, _, _)| *at);
    let key = escape(key);
    let mut body = format!("<p><a href=\"/_inbox\">Inbox</a></p>\n<h1>{key}</h1>\n");
    for (at, class, text) in lines {
        let (text, time) = (escape(&text), format_time(at));
        let _ = writeln!(body, "<div class=\"{class}\">{text}<small>{time}</small></div>");
    }
    let _ = writeln!(
        body,
        "<form method=\"post\" action=\"/_inbox/{key}\"><label>Reply <input name=\"text\" \
         required maxlength=\"500\" autofocus></label> <button>Send</button></form>"
    );
    body
}

fn format_time(at: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(at / 1000) else { return String::new() };
    let time = UtcOffset::from_hms(8, 0, 0).map_or(time, |shanghai| time.to_offset(shanghai));
    let (hour, minute, second) = time.to_hms();
    format!("{} {hour:02}:{minute:02}:{second:02} Asia/Shanghai", time.date())
}

fn page(title: &str, body: &str) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).body(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{} · USMS sandbox</title>\
         <style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n",
        escape(title)
    ))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
