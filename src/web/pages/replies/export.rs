//! `/replies.csv`: the replies of the list, newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde_json::json;

use super::ListQuery;
use crate::app::App;
use crate::db::audit;
use crate::db::replies::conversations::Filter;
use crate::db::replies::{self, Row};
use crate::domain::accounts::sight::Sight;
use crate::domain::ids::ReplyId;
use crate::domain::time::rfc3339;
use crate::web::http::error::WebError;
use crate::web::http::form::peer_ip;
use crate::web::http::member::Member;
use crate::web::ui::files::csv::{headed, lines, streamed};

/// Rows that are read at once.
const CHUNK: i64 = 1_000;
const NAMES: [&str; 9] = [
    "id",
    "phone",
    "content",
    "replied_at",
    "received_at",
    "opt_out",
    "extend_code",
    "user_id",
    "message",
];

/// Streams the file.
pub async fn all(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let query = query.into_inner().shown_to(&member);
    let mut detail = json!({ "file": "replies" });
    for (name, value) in query.parameters(query.show()) {
        detail[name] = value.replace('\0', "").into();
    }
    let entry = audit::Entry {
        project: Some(member.project.id),
        user: Some(member.person.id),
        action: "replies_exported",
        subject: "",
        detail,
        ip: &peer_ip(&request),
    };
    audit::record(&mut *app.db.acquire().await?, &entry, app.clock.now()).await?;
    let project = member.project.id;
    let sight = member.sight(&app);
    let filter = Filter { limit: CHUNK, ..query.filter(&member) };
    let from = Some((headed(NAMES.map(str::to_owned).to_vec()), None::<ReplyId>));
    let pages = stream::unfold((app, filter, from), move |(app, filter, from)| async move {
        let (mut bytes, before) = from?;
        let found = match replies::all(&app.db, project, &filter, before).await {
            Ok(found) => found,
            Err(error) => return Some((Err(std::io::Error::other(error)), (app, filter, None))),
        };
        let next = found.last().map(|last| (Vec::new(), Some(last.id)));
        bytes.extend(lines(found.into_iter().map(|reply| row(reply, sight))));
        Some((Ok(web::Bytes::from(bytes)), (app, filter, next)))
    });
    Ok(streamed(&request, &member, "replies.csv", pages))
}

fn row(reply: Row, sight: Sight) -> Vec<String> {
    vec![
        reply.id.to_string(),
        sight.phone(&reply.phone),
        sight.text_about(&reply.content, &reply.phone).into_owned(),
        rfc3339(reply.replied_at),
        rfc3339(reply.recorded_at),
        reply.opt_out.key().to_owned(),
        reply.extend_code,
        sight.text_about(&reply.user_id, &reply.phone).into_owned(),
        reply.in_reply_to.map(|id| id.to_string()).unwrap_or_default(),
    ]
}
