//! The message search as a file, however many messages the filters find. It is streamed page by
//! page.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde_json::json;

use super::filters::{Filters, ParsedFilters};
use crate::app::App;
use crate::db::audit;
use crate::db::sending::message_search::{FoundMessage, MessageQuery, MessageSearch, RecentlyUsed};
use crate::domain::accounts::sight::Sight;
use crate::domain::ids::{MessageId, ProjectId, UserId};
use crate::web::http::error::WebError;
use crate::web::http::form::peer_ip;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::files::csv::{headed, lines, streamed};
use crate::web::ui::files::message_csv;
use crate::web::ui::files::workbook;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::message_table::StateReason;

/// Rows read per query.
const ROWS_PER_PAGE: usize = 2_000;
/// The columns that follow those of a batch's file.
const MORE_NAMES: [&str; 4] = ["batch_name", "template", "cause", "source"];

/// A search whose messages are sent as a file.
struct Export {
    app: web::Data<App>,
    project: ProjectId,
    search: MessageSearch,
    query: MessageQuery,
    sight: Sight,
    by: UserId,
    ip: String,
    /// The filters, for the audit events.
    detail: serde_json::Value,
    rows: usize,
}

impl Export {
    /// Starts an export. Invalid filters redirect to the page that shows what is wrong with them.
    async fn begin(
        app: web::Data<App>,
        member: &Member,
        request: &HttpRequest,
        filters: Filters,
        kind: &str,
    ) -> Result<Result<Self, HttpResponse>, WebError> {
        let l = Layout::in_project(member, &app, request, Section::Messages).await?;
        let parsed =
            ParsedFilters::new(&app, member, &l, filters, &RecentlyUsed::default()).await?;
        let Some(query) = parsed.query() else {
            return Ok(Err(page::see_other(&parsed.href(&l.urls.messages(), &[]))));
        };
        let mut detail = json!({ "file": kind });
        for (name, value) in parsed.typed.set() {
            detail[name] = value.into();
        }
        let export = Self {
            project: member.project.id,
            search: app.message_search.patient(),
            query: query.clone(),
            sight: member.sight(&app),
            by: member.person.id,
            ip: peer_ip(request),
            detail,
            rows: 0,
            app,
        };
        // Recorded before the first row is sent, so that an aborted download is on record, too.
        export.record("messages_export_started").await?;
        Ok(Ok(export))
    }

    async fn record(&self, action: &str) -> sqlx::Result<()> {
        let entry = audit::Entry {
            project: Some(self.project),
            user: Some(self.by),
            action,
            subject: "messages",
            detail: self.detail.clone(),
            ip: &self.ip,
        };
        let mut db = self.app.db.acquire().await?;
        audit::record(&mut db, &entry, self.app.clock.now()).await
    }

    /// Returns the next rows, and where the ones after them begin.
    async fn next_rows(
        &mut self,
        after: Option<MessageId>,
    ) -> sqlx::Result<(Vec<Vec<String>>, Option<MessageId>)> {
        let page = self.search.page(self.project, &self.query, after, ROWS_PER_PAGE).await?;
        self.rows += page.messages.len();
        let rows = page.messages.iter().map(|message| row(message, self.sight)).collect();
        let next = page.next.after();
        if next.is_none() {
            self.detail["count"] = self.rows.into();
            self.record("messages_exported").await?;
        }
        Ok((rows, next))
    }
}

fn names() -> Vec<String> {
    message_csv::NAMES.into_iter().chain(MORE_NAMES).map(str::to_owned).collect()
}

fn row(found: &FoundMessage, sight: Sight) -> Vec<String> {
    let reason = StateReason::of(found.reason());
    let cause = reason.cause(found.state());
    let cause = cause.map_or_else(String::new, |cause| cause.key().to_owned());
    match found {
        FoundMessage::Own(message) => {
            let mut cells = message_csv::row(message, sight);
            let origin = &message.origin;
            let batch_name = sight.text(&origin.batch_name).into_owned();
            cells.extend([batch_name, origin.template_name.clone(), cause]);
            cells.push("own".to_owned());
            cells
        }
        FoundMessage::ExternalMessage(message) => {
            let empty = String::new;
            vec![
                message.id.to_string(),
                empty(),
                sight.phone(&message.phone),
                found.state().key().to_owned(),
                message.session_no.clone(),
                sight.text_about(&message.user_id, &message.phone).into_owned(),
                message.parts.to_string(),
                reason.code.unwrap_or_default().to_owned(),
                sight
                    .vendor_text(reason.description.unwrap_or_default(), &message.phone)
                    .into_owned(),
                empty(),
                message_csv::at(message.receipt_at),
                empty(),
                empty(),
                empty(),
                cause,
                "other".to_owned(),
            ]
        }
    }
}

/// `/messages.csv`: the messages that the filters find.
pub async fn csv(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    filters: web::Query<Filters>,
) -> Result<HttpResponse, WebError> {
    let export = match Export::begin(app, &member, &request, filters.into_inner(), "csv").await? {
        Ok(export) => export,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let from = Some((headed(names()), None));
    let pages = stream::unfold((export, from), |(mut export, from)| async move {
        let (mut bytes, after) = from?;
        match export.next_rows(after).await {
            Ok((rows, next)) => {
                bytes.extend(lines(rows));
                let from = next.map(|next| (Vec::new(), Some(next)));
                Some((Ok(web::Bytes::from(bytes)), (export, from)))
            }
            Err(error) => Some((Err(std::io::Error::other(error)), (export, None))),
        }
    });
    Ok(streamed(&request, &member, "messages.csv", pages))
}

/// `/messages.xlsx`: the messages that the filters find.
pub async fn xlsx(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    filters: web::Query<Filters>,
) -> Result<HttpResponse, WebError> {
    let export = match Export::begin(app, &member, &request, filters.into_inner(), "xlsx").await? {
        Ok(export) => export,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let pages = stream::unfold(Some((export, None)), |from| async move {
        let (mut export, after) = from?;
        match export.next_rows(after).await {
            Ok((rows, next)) => Some((Ok(rows), next.map(|next| (export, Some(next))))),
            Err(error) => Some((Err(std::io::Error::other(error)), None)),
        }
    });
    workbook::respond(&request, &member, "messages.xlsx", names(), pages)
}
