//! `/replies.csv`: the replies behind the list, in the order they came, newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Wanted;
use crate::app::App;
use crate::db::audit;
use crate::db::conversations::Filter;
use crate::db::replies::{self, Row};
use crate::domain::ids::ReplyId;
use crate::domain::phone::masked;
use crate::domain::role::Permission;
use crate::web::batches::downloads::{attachment, headed, lines};
use crate::web::error::WebError;
use crate::web::form::peer_address;
use crate::web::member::Member;

/// Rows read at once.
const PIECE: i64 = 1_000;
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

/// The file. It streams, however long it is.
pub async fn all(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let mut asked = json!({ "file": "replies" });
    for (name, value) in wanted.set(wanted.show()) {
        asked[name] = value.replace('\0', "").into();
    }
    let entry = audit::Entry {
        project: Some(member.project.id),
        user: Some(member.person.id),
        action: "replies_exported",
        subject: "",
        detail: asked,
        address: &peer_address(&request),
    };
    audit::record(&mut *app.db.acquire().await?, &entry, app.clock.now()).await?;
    let project = member.project.id;
    let whole = member.may(Permission::SeePhones);
    let filter = Filter { limit: PIECE, ..wanted.filter() };
    let from = Some((headed(NAMES.map(str::to_owned).to_vec()), None::<ReplyId>));
    let pages = stream::unfold((app, filter, from), move |(app, filter, from)| async move {
        let (mut bytes, before) = from?;
        let found = match replies::all(&app.db, project, &filter, before).await {
            Ok(found) => found,
            Err(error) => return Some((Err(std::io::Error::other(error)), (app, filter, None))),
        };
        let next = found.last().map(|last| (Vec::new(), Some(last.id)));
        bytes.extend(lines(found.into_iter().map(|one| row(one, whole))));
        Some((Ok(web::Bytes::from(bytes)), (app, filter, next)))
    });
    Ok(attachment("replies.csv").streaming(pages))
}

fn row(one: Row, whole: bool) -> Vec<String> {
    vec![
        one.id.to_string(),
        if whole { one.phone } else { masked(&one.phone) },
        one.content,
        at(one.replied_at),
        at(one.recorded_at),
        one.opt_out.key().to_owned(),
        one.extend_code,
        one.user_id,
        one.in_reply_to.map(|id| id.to_string()).unwrap_or_default(),
    ]
}

fn at(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
